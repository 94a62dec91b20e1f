# SPDX-License-Identifier: GPL-2.0
"""What one run of a scenario has: fresh namespaces, and eyes in each of them.

Every question here has an answer that does not depend on time: what works in the
background is waited for by something that comes after it in the same queue (see
Barrier), never by sleeping.
"""

import contextlib
import errno
import json
import os
import re
import signal
import socket
import struct
import subprocess

import capture
import nsd
import rtnl
from inside import check, inside, libc

MNT_DETACH, MNT_SYS = 2, "/run/parity-sys"
STATS = ["rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors",
         "rx_dropped", "tx_dropped", "multicast", "collisions", "rx_length_errors",
         "rx_over_errors", "rx_crc_errors", "rx_frame_errors", "rx_fifo_errors",
         "rx_missed_errors", "tx_aborted_errors", "tx_carrier_errors", "tx_fifo_errors",
         "tx_heartbeat_errors", "tx_window_errors", "rx_compressed", "tx_compressed",
         "rx_nohandler", "rx_otherhost_dropped"]
# Attributes that rtnl.SHOWN has no name for and whose bytes are comparable. Left
# out: statistics and linkinfo (shown in their own way), IFLA_AF_SPEC (has times).
MORE = {2: "broadcast", 43: "xdp", 44: "event", 45: "new_netnsid", 49: "new_ifindex",
        42: "link_flags", 57: "proto_down_reason", 61: "allmulti"}
IFF = ["UP", "BROADCAST", "DEBUG", "LOOPBACK", "POINTOPOINT", "NOTRAILERS", "RUNNING",
       "NOARP", "PROMISC", "ALLMULTI", "MASTER", "SLAVE", "MULTICAST", "PORTSEL",
       "AUTOMEDIA", "DYNAMIC", "LOWER_UP", "DORMANT", "ECHO"]


def flags(bits):
    bits = int(bits, 16) if isinstance(bits, str) else bits
    return ",".join(name for number, name in enumerate(IFF) if bits >> number & 1) or "none"


def link_values(body, side=None):
    """A link message as {name: text}: every attribute that is the device's own. Of
    a device of the side's kind, the flavor's own attributes by their names."""
    values = rtnl.shown(body)
    found = rtnl.attrs(body[16:])
    values["flags"] = flags(values["flags"])
    # Settings are shown by the flavor, below.
    values = {key: value for key, value in values.items() if key not in rtnl.SETTINGS | rtnl.LEDGER}
    info = {key: values.pop(key) for key in list(values) if key in ("kind", "info") or key.startswith("data")}
    # 4 and 5 are the master's; a bridge's own data has timers.
    info["info"] = ",".join(number for number in info["info"].split(",") if number not in ("4", "5"))
    if info["kind"] == "bridge":
        info = {"kind": "bridge"}
    elif side and side.own and info["kind"] == side.kind:
        values = {key: value for key, value in values.items() if key not in side.untold}
        info = {"kind": info["kind"], "info": info["info"], **side.shown(info_data(found))}
    values["linkinfo"] = info
    if "operstate" in values:
        values["operstate"] = nsd.OPERSTATE[int(values["operstate"])]
    for number, name in MORE.items():
        if number in found:
            values[name] = found[number].hex()
    if 23 in found:
        numbers = struct.unpack(f"={len(found[23]) // 8}Q", found[23])
        values["stats"] = dict(zip(STATS, numbers))
    return values


def info_data(found):
    """IFLA_INFO_DATA among a link's attributes."""
    return rtnl.attrs(found.get(rtnl.LINKINFO, b"")).get(rtnl.INFO_DATA, b"")


class Monitor(rtnl.Netlink):
    """What a namespace says about its links, in order."""

    FIELDS = ("operstate", "carrier", "carrier_changes", "link", "link_netnsid", "mtu",
              "address", "master", "qdisc", "promiscuity", "event", "new_netnsid", "new_ifindex")

    def __init__(self, side):
        super().__init__(groups=1)
        self.side = side
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)  # SO_RCVBUFFORCE

    def take(self):
        seen = []
        with contextlib.suppress(BlockingIOError):
            while True:
                for kind, _, _, body in self.messages(socket.MSG_DONTWAIT):
                    seen.append(self.line(kind, body))
        return seen

    def line(self, kind, body):
        values = link_values(body, self.side)
        family = body[0]
        change = struct.unpack_from("=I", body, 12)[0]
        word = {16: "new", 17: "del"}.get(kind, str(kind))
        words = [word, values["name"], "index=" + values["index"], "flags=" + values["flags"]]
        if change:
            words.append("change=" + ("all" if change == 0xFFFFFFFF else flags(change)))
        if family:
            words.append(f"family={family}")
        words += [f"{key}={values[key]}" for key in self.FIELDS if key in values]
        return " ".join(words)


class Barrier:
    """Waits until what the kernel does later about links and frames is done.

    Carrier changes become known through a list that one work item empties: a
    change of our own pair comes after all before it. (Those of a device that is
    down, or of a bridge, wait there for up to a second: see Bed.flush.) Received
    frames are in the backlog of the processor that sent them: a frame of our own
    through `lo` comes after all before it.
    """

    def __init__(self, kind):
        os.sched_setaffinity(0, {0})
        # Work that no processor is said for also runs there, so that the frames it
        # passes on are in the same backlog.
        with open("/sys/devices/virtual/workqueue/cpumask", "w", encoding="ascii") as file:
            file.write("1")
        nsd.nsadd(["barrier"])
        with inside("barrier"):
            self.monitor = rtnl.Netlink(1)
            self.control = rtnl.Netlink()
            self.request("new", f"kind:{kind}", "name:b0", "index:10", "peer", "name:b1", "index:11", "end")
            self.request("set", "name:b1", "up")
        self.up = False
        self.links()
        self.loop = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B6))
        self.loop.setsockopt(263, 23, 1)  # PACKET_IGNORE_OUTGOING
        self.loop.bind(("lo", 0x88B6))
        self.loop.settimeout(20)
        self.count = 0

    def request(self, *tokens):
        error, text, _ = self.control.request(tokens[0], rtnl.build(list(tokens[1:])))
        if error:
            raise RuntimeError(f"barrier: {rtnl.result(error, text)}")

    def links(self):
        self.up = not self.up
        error, text, _ = self.control.request(
            "set", struct.pack("=BxHiII", 0, 0, 10, int(self.up), 1))
        if error:
            raise RuntimeError(f"barrier: {rtnl.result(error, text)}")
        self.monitor.sock.settimeout(20)
        wanted = "6" if self.up else None
        while True:
            for _, _, _, body in self.monitor.messages():
                values = rtnl.shown(body)
                if values["name"] == "b1" and (values["operstate"] == "6") == (wanted == "6"):
                    if int(values["carrier"]) == int(self.up):
                        return

    def frames(self):
        self.count += 1
        data = bytes(12) + struct.pack("!HI", 0x88B6, self.count) + bytes(46)
        self.loop.send(data)
        while self.loop.recv(100) != data:
            pass


class Bed:
    """One run of one scenario on one side."""

    def __init__(self, side, barrier):
        self.side = side
        self.barrier = barrier
        self.monitors = {}
        self.sockets = {}
        self.captures = []
        self.processes = []

    # --- namespaces ---------------------------------------------------------

    def ns(self, *names):
        for name in names:
            nsd.nsadd([name])
            with inside(name):
                self.monitors[name] = Monitor(self.side)
                self.sockets[name] = rtnl.Netlink()
                self.sockets[name].request("set", rtnl.build(["name:lo", "up"]))
            self.monitors[name].take()

    def ipv6(self, *names):
        """For the devices to come."""
        for name in names:
            with inside(name):
                nsd.ipv6("on")

    def del_ns(self, name):
        self.sockets.pop(name).sock.close()
        self.monitors.pop(name).sock.close()
        path = "/run/netns/" + name
        check(libc.umount2(path.encode(), MNT_DETACH))
        os.unlink(path)

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for taps in self.captures:
            taps.close()
        for name in list(self.sockets):
            self.del_ns(name)

    # --- requests -----------------------------------------------------------

    def tokens(self, *tokens):
        """Tokens of rtnl.py, and flags to be taken away, out of a scenario's tokens,
        where "KIND" is this side's kind with its data, "own:T:HEX", "own16:T:N" and
        "own32:T:N" are attributes of the flavor, wherever the side has them, and
        "clear:BITS" takes flags away."""
        expanded, own, clear = [], [], 0
        for token in " ".join(tokens).split():
            if token.startswith("clear:"):
                clear |= int(token[6:], 0)
            elif token == "KIND":
                expanded.append("kind:" + self.side.kind)
                expanded += self.side.data
            elif token.startswith("own"):
                own.append(token)
            else:
                expanded.append(token.replace("{kind}", self.side.kind))
        return expanded + self.side.tokens(own), clear

    def raw(self, namespace, operation, *tokens, flush=True):
        """A request by its tokens: {"errno", "text"}. What is made known meanwhile has
        an order only with `flush`."""
        expanded, clear = self.tokens(*tokens)
        if flush and (operation != "new" or self.side.own):
            self.flush()
        with inside(namespace):  # names of other namespaces are files
            try:
                payload = bytearray(rtnl.build(expanded))
                payload[12:16] = struct.pack("=I", struct.unpack_from("=I", payload, 12)[0] | clear)
                error, text, _ = self.sockets[namespace].request(operation, bytes(payload))
            finally:
                while rtnl.opened:
                    os.close(rtnl.opened.pop())
        name, _, text = rtnl.result(error, text).partition(" ")
        return {"errno": name, "text": text}

    def must(self, namespace, operation, *tokens, flush=True):
        answer = self.raw(namespace, operation, *tokens, flush=flush)
        if answer["errno"] != "OK":
            raise RuntimeError(f"{operation} {' '.join(tokens)}: {answer}")

    def run(self, namespace, command, flush=True, **settings):
        """A program: {"status", "out", "err"}."""
        words = [word.replace("{kind}", self.side.kind).replace("{type}", self.side.words)
                 for word in command.split()]
        words = " ".join(words).split()
        if flush:
            self.flush()
        with inside(namespace):
            done = subprocess.run(words, capture_output=True, text=True, check=False,
                                  timeout=30, **settings)
        return {"status": done.returncode, "out": done.stdout, "err": done.stderr.strip()}

    def ip(self, namespace, command):
        """`ip ...`: its status and what it said if it failed."""
        done = self.run(namespace, "ip " + command)
        return {"status": done["status"], "err": done["err"]}

    def ip_json(self, namespace, command):
        """`ip -j ...` by the name of the device."""
        done = self.run(namespace, "ip -j " + command)
        if done["status"]:
            return {"status": done["status"], "err": done["err"]}
        return {link.pop("ifname"): link for link in json.loads(done["out"]) if link}

    def ethtool(self, namespace, command, flush=True):
        done = self.run(namespace, "ethtool " + command, flush=flush)
        seen = {"status": done["status"], **sections(done["out"])}
        if done["err"]:
            seen["err"] = done["err"]
        return seen

    def sync(self, *pairs):
        """The address lists of "NAMESPACE/DEVICE"s are with the devices below them.
        The kernel does this later by itself, but a request that changes nothing
        does it at once. Upper devices first."""
        for pair in pairs:
            namespace, device = pair.split("/")
            error, text, _ = self.sockets[namespace].request("set", rtnl.build(["name:" + device]))
            if error:
                raise RuntimeError(f"sync {pair}: {rtnl.result(error, text)}")

    # --- what there is ------------------------------------------------------

    def flush(self):
        """No carrier change is left to be told: what a request meets, and what it
        makes known, does not depend on when it comes."""
        # A device above another one has its change from that one's: once more.
        for _ in range(2 if self.side.own else 1):
            self.barrier.links()
            for netlink in self.sockets.values():
                # An answer about one device, unlike a dump, handles its change first.
                for index in sorted(struct.unpack_from("=i", body, 4)[0] for body in dump(netlink)):
                    netlink.request("get", struct.pack("=BxHiII", 0, 0, index, 0, 0))

    def settle(self):
        self.barrier.frames()
        self.flush()

    def events(self, *namespaces):
        """What was said since the last time, by namespace."""
        self.flush()
        seen = {name: self.monitors[name].take() for name in namespaces or self.monitors}
        # A bridge's carrier, and a VLAN's, is of those that wait: when it is told among other
        # devices' changes depends on the time; only each device's own order counts.
        waits = re.compile(r"\S+ (br0|\S+\.\d+) ")
        return {name: sorted(lines, key=index_of) if any(map(waits.match, lines)) else lines
                for name, lines in seen.items()}

    def links(self, *namespaces):
        """All attributes of all links but lo, by namespace and name."""
        self.flush()
        return self.links_now(*namespaces)

    def links_now(self, *namespaces):
        found = {}
        for name in namespaces or self.sockets:
            values = [link_values(body, self.side) for body in dump(self.sockets[name])]
            found[name] = {link.pop("name"): link for link in values if link["name"] != "lo"}
        return found

    def link(self, namespace, device, *keys):
        values = self.links(namespace)[namespace].get(device)
        if values is None:
            return "absent"
        return {key: values.get(key, "-") for key in keys} if keys else values

    def state(self, *pairs):
        """Flags, operstate and carrier of "NAMESPACE/DEVICE"s."""
        self.flush()
        return {pair: self.link(*pair.split("/"), "flags", "operstate", "carrier",
                                "carrier_changes", "carrier_up", "carrier_down")
                for pair in pairs}

    @contextlib.contextmanager
    def sysfs(self, namespace):
        """The namespace's own /sys: a path."""
        os.makedirs(MNT_SYS, exist_ok=True)
        with inside(namespace):
            check(libc.mount(b"sysfs", MNT_SYS.encode(), b"sysfs", 0, None))
            try:
                yield MNT_SYS + "/class/net"
            finally:
                check(libc.umount2(MNT_SYS.encode(), MNT_DETACH))

    def sysfs_tree(self, namespace, device):
        """Every readable file below a device's directory."""
        seen = {}
        with self.sysfs(namespace) as top:
            start = os.path.realpath(f"{top}/{device}")
            for where, directories, files in os.walk(start):
                directories.sort()
                below = os.path.relpath(where, start)
                for name in sorted(files):
                    path = os.path.join(where, name)
                    seen[os.path.normpath(os.path.join(below, name))] = read(path)
                for name in directories:
                    path = os.path.join(where, name)
                    if os.path.islink(path):
                        seen[os.path.normpath(os.path.join(below, name))] = "-> " + os.path.basename(os.readlink(path))
        return seen

    def sysfs_write(self, namespace, device, file, text):
        with self.sysfs(namespace) as top:
            try:
                descriptor = os.open(f"{top}/{device}/{file}", os.O_WRONLY)
                try:
                    os.write(descriptor, text.encode())
                finally:
                    os.close(descriptor)
            except OSError as error:
                return error_name(error.errno)
        return "OK"

    # --- frames -------------------------------------------------------------

    def watch(self, *pairs, marker=None):
        """Captures on all these "NAMESPACE/DEVICE"s; a capture.Marker waits for what
        is in the queue that it goes through."""
        taps = capture.Taps(self, pairs, marker)
        self.captures.append(taps)
        return taps

    # --- the usual topologies -------------------------------------------------

    def pair(self, a="A", b="A", up=True, outer="", peer=""):
        """v0 in A and v1 in B. Their indexes differ: else the core would hold
        their carrier events back for up to a second."""
        for name in {a, b} - set(self.sockets):
            self.ns(name)
        self.must(a, "new", "KIND name:v0 index:10 addr:020000000001", outer,
                  "peer name:v1 index:11 addr:020000000002 nsfd:/run/netns/" + b, peer, "end")
        if up:
            self.must(a, "set", "name:v0 up")
            self.must(b, "set", "name:v1 up")
        self.events()

    def addresses(self, a, b):
        """10.0.0.1/24 on v0, 10.0.0.2/24 on v1."""
        for namespace, device, last in ((a, "v0", 1), (b, "v1", 2)):
            answer = self.ip(namespace, f"addr add 10.0.0.{last}/24 dev {device}")
            if answer["status"]:
                raise RuntimeError(str(answer))
        self.events()


def dump(netlink):
    """The messages about all links of a namespace."""
    netlink.send(rtnl.RTM["get"], rtnl.REQUEST | 0x300, bytes(16))
    found = []
    while True:
        for kind, _, _, body in netlink.messages():
            if kind == 3:
                return found
            found.append(body)


def index_of(line):
    return int(line.split()[2].partition("=")[2])


def read(path):
    """A file's text, or the error's name."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError as error:
        return error_name(error.errno)


def sections(text):
    """ethtool's "key: value" lines as a dictionary; a heading makes a section."""
    seen, section = {}, ""
    lines = text.splitlines()
    for line, after in zip(lines, [*lines[1:], ""]):
        key, colon, value = line.partition(":")
        key, value = key.strip(), " ".join(value.split())
        if not colon:
            if key:
                seen.setdefault(section or "text", []).append(key)
        elif not value and not line[0].isspace() and (" " in key or after[:1].isspace()):
            section = key
        else:
            seen[f"{section}/{key}" if section else key] = value
    return {key: " ".join(value) if isinstance(value, list) else value
            for key, value in seen.items()}


def error_name(number):
    return "EOPNOTSUPP" if number == errno.EOPNOTSUPP else errno.errorcode.get(number, str(number))


MAC = re.compile(r"\b(?!02:00:00|00:00:00|ff:ff:ff|01:|33:33)[0-9a-f]{2}(:[0-9a-f]{2}){5}\b")


class Normal:
    """Makes what was seen comparable: random addresses by a number, random-1 for
    the first that was seen; default names KIND0, ... (see default_template)."""

    def __init__(self, kind):
        self.names = re.compile(rf"\b{kind}(?=\d)")
        self.known = {}

    def __call__(self, value):
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(item) for item in value]
        if isinstance(value, str):
            return MAC.sub(self.label, self.names.sub("KIND", value))
        return value

    def label(self, match):
        first = int(match[0][:2], 16)
        kind = "random" if first & 3 == 2 else "odd"  # local, unicast
        return self.known.setdefault(match[0], f"{kind}-{len(self.known) + 1}")


class TooLong(Exception):
    pass


def on_alarm(*_):
    raise TooLong("took longer than its limit")


def observe(function, side, barrier, limit):
    """Runs one scenario: ("seen", dictionary) or ("error", text)."""
    bed = Bed(side, barrier)
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(limit)
    try:
        seen = function(bed)
        return "seen", Normal(side.kind)(seen)
    except (OSError, RuntimeError, ValueError, KeyError, IndexError, TypeError, TooLong,
            subprocess.SubprocessError) as error:
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
        return "error", f"{type(error).__name__}: {error} ({where})"
    finally:
        signal.alarm(0)
        bed.close()
