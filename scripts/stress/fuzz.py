#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Random link messages, and random frames, into the kernel.

usage: fuzz.py KIND FLAVOR[,FLAVOR] messages|frames SEED FROM TO

In a guest it is guest.py that sends them; called as a program it prints those
numbers FROM to TO-1 of a seed, a line each, for `stress.sh fuzz --replay FILE`.

Messages go in batches: before each all links are removed, so that what a message
meets does not depend on more than those before it in its batch.
"""

import collections
import contextlib
import errno
import os
import random
import socket
import struct
import sys
import time

import messages
import packets
import taps

SPACES = ["F0", "F1", "F2"]
SET_PRIV_FLAGS = 0x28  # ETHTOOL_SPFLAGS


class Messages:
    what, batch = "messages", 64
    # For guided.py: how long a sequence may be, and how many there are between resets.
    longest, sequences = 16, 1

    def __init__(self, kind, flavors):
        self.kind, self.flavors, self.sock = kind, flavors, None

    def make(self, seed, number, more=()):
        return messages.build(random.Random(f"{seed}/messages/{number}"), self.kind, self.flavors, more)

    @staticmethod
    def text(item):
        return "message " + item.hex()

    def open(self):
        import bed

        self.bed = bed
        # Numbers that are the same in every run: descriptors, and processes of a
        # namespace of their own.
        for name, fd in zip(SPACES, messages.NS_FDS):
            there = os.open("/run/netns/" + name, os.O_RDONLY)
            os.dup2(there, fd)
            os.close(there)
        with bed.inside("F0"):
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.sock.setsockopt(270, 11, 1)  # NETLINK_EXT_ACK
        self.sock.bind((0, 0))

    def reset(self):
        for name in SPACES:
            self.bed.empty(name)
        if self.bed.stacked(self.kind, self.flavors):
            for index in sorted(set(messages.LOWERS)):
                self.bed.must("F0", "new", "kind:dummy", f"name:low{index}", f"index:{index}",
                              f"addr:0200000000{index}", "up")

    def send(self, item):
        """0 if the kernel did as it was told, or an errno; EAGAIN if it did not answer."""
        try:
            self.sock.send(item)
        except OSError as error:
            return error.errno
        result = errno.EAGAIN
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.sock.recv(1 << 18)
                if len(data) >= 20 and struct.unpack_from("=H", data, 4)[0] == 2:
                    result = -struct.unpack_from("=i", data, 16)[0]
        return result


class Frames:
    """In both directions of a pair that is up, and with flavor macvlan out of
    endpoints of all modes on one end, one in mode passthru on the other, and VLANs on
    both levels; with flavor ipvlan out of endpoints of all modes and flags in another
    namespace; some items change settings between. With flavor veth, XDP programs at both
    ends that change what comes, and send it back or on."""

    what, batch = "frames", 1024
    longest, sequences = 32, 32
    # Endpoints on f0 and their modes.
    MODES = {"m0": "bridge", "m1": "bridge", "m2": "vepa", "m3": "private", "m4": "source"}
    PAIR, MORE = ("f0", "f1"), (*MODES, "p1", "t0")
    # Those of flavor ipvlan, mode and flags.
    IP_MODES = {"i0": (0, 0), "i1": (0, 0), "i2": (0, 2), "i3": (1, 0), "i4": (2, 0), "i5": (1, 1)}

    def __init__(self, kind, flavors):
        self.kind, self.flavors = kind, flavors
        self.devices = [*self.PAIR, *(self.MORE if "macvlan" in flavors else ()),
                        *(self.IP_MODES if "ipvlan" in flavors else ())]

    def make(self, seed, number, more=()):
        rng = random.Random(f"{seed}/frames/{number}")
        macvlan, ipvlan = "macvlan" in self.flavors, "ipvlan" in self.flavors
        if "veth" in self.flavors and rng.random() < 0.03:
            return Program(rng.choice(self.PAIR), Program.draw(rng, self.kind))
        if rng.random() < 0.01:
            return Setting(rng.choice(self.PAIR), rng.choice((68, 576, 1500, 9000, 65535)), rng.getrandbits(64))
        if macvlan and rng.random() < 0.01:
            return Mode(rng.choice(sorted(self.MODES)), rng.choice((1, 2, 4, 4, 16, 16)), rng.choice((0, 0, 1, 2)),
                        rng.choice((0, 1, 1000)), rng.choice((-1, 0, 1, 3)))
        if ipvlan and rng.random() < 0.01:
            return IpMode(rng.choice(sorted(self.IP_MODES)), rng.randrange(3), rng.randrange(3))
        if ipvlan and rng.random() < 0.01:
            return Host(rng.choice(sorted(self.IP_MODES)), rng.choice(("new", "del")), rng.choice(packets.HOSTS))
        if (macvlan or ipvlan) and self.kind == "rnetvirt" and rng.random() < 0.01:
            return Port("i0" if ipvlan else "m0", *(rng.randrange(2) for _ in range(3)), rng.choice((0, 0, 1, 1000, 1000000)))
        if (macvlan or ipvlan) and self.kind == "rnetvirt" and rng.random() < 0.01:
            named = (*(self.MODES if macvlan else ()), *(self.IP_MODES if ipvlan else ()))
            return Checks(rng.choice(sorted(named)), rng.randrange(32), rng.randrange(1 << len(packets.HOSTS)),
                          rng.choice((0, 0, 0, 1, 1000)))
        one = packets.frame(rng, macs=packets.ENDPOINTS if macvlan else (), hosts=packets.HOSTS if ipvlan else ())
        one.device = rng.choice(self.devices)
        for wrong in more:
            packets.spoil(one, wrong)
        return one

    @staticmethod
    def text(item):
        return f"{item.text()} {item.device}"

    def open(self):
        import bed

        self.bed, self.senders = bed, {}

    @staticmethod
    def place(device):
        return "F2" if device in Frames.IP_MODES else "F1" if device in ("f1", "p1") else "F0"

    def reset(self):
        for sender in self.senders.values():
            sender.__exit__()
        for name in SPACES:
            self.bed.empty(name)
        self.bed.must("F0", "new", "kind:" + self.bed.pair_kind(self.kind), "name:f0", "index:100",
                      "addr:020000000001", "txq:2", "rxq:2", "peer", "name:f1", "index:101",
                      "addr:020000000002", "txq:2", "rxq:2", "nsfd:/run/netns/F1", "end")
        for place, name, address in (("F0", "f0", "10.8.0.1"), ("F1", "f1", "10.8.0.2")):
            with self.bed.inside(place):
                self.bed.set_address(name, address)
        if "macvlan" in self.flavors:
            self.endpoints()
        if "ipvlan" in self.flavors:
            self.ip_endpoints()
        for name in self.devices:
            with self.bed.inside(self.place(name)):
                self.senders[name] = packets.Sender(name)
                self.senders[name].sock((0, 0))

    def endpoints(self):
        import rtnl

        heard = ("data32:3:3", "sources:" + ",".join(mac.hex() for mac in (packets.MACS[1], packets.ENDPOINTS[0])))
        for number, (name, mode) in enumerate(self.MODES.items()):
            own = rtnl.own(self.kind, f"data32:1:{rtnl.MODES[mode]}", *(heard if mode == "source" else ()))
            self.bed.must("F0", "new", "kind:" + self.kind, "name:" + name, f"index:{110 + number}", "link:100",
                          "addr:" + packets.ENDPOINTS[number].hex(), "up", *own)
        own = rtnl.own(self.kind, f"data32:1:{rtnl.MODES['passthru']}")
        self.bed.must("F1", "new", "kind:" + self.kind, "name:p1", "link:101", "up", *own)
        # VLAN 7 is the endpoint's, VLAN 9 the lower device's.
        for name, below, tag in (("t0", 110, 7), ("t9", 100, 9)):
            self.bed.must("F0", "new", "kind:vlan", "name:" + name, f"link:{below}", "up", f"data16:1:{tag}")
        for number, name in enumerate((*self.MODES, "t0")):
            with self.bed.inside("F0"):
                self.bed.set_address(name, f"10.8.{number + 1}.1")

    def ip_endpoints(self):
        import rtnl

        for number, (name, (mode, flags)) in enumerate(self.IP_MODES.items()):
            own = rtnl.own_ip(self.kind, f"data16:1:{mode}", f"data16:2:{flags}")
            self.bed.must("F0", "new", "kind:" + self.kind, "name:" + name, f"index:{120 + number}", "link:100",
                          "nsfd:/run/netns/F2", "up", *own)
        for number, host in enumerate(packets.HOSTS):
            self.bed.must_host("F2", f"i{number % len(self.IP_MODES)}", host)

    def send(self, item):
        with self.bed.inside(self.place(item.device)):
            if not isinstance(item, packets.Frame):
                return item.apply(self)
            return self.senders[item.device].send(item)


class Mode:
    """An endpoint's mode, flags, and how group frames are put off."""

    def __init__(self, device, *numbers):
        self.device, self.numbers = device, numbers

    def text(self):
        return "mode " + " ".join(map(str, self.numbers))

    def apply(self, frames):
        import rtnl

        mode, flags, queue, cutoff = self.numbers
        heard = ("data32:3:0", "data:4:" + packets.ENDPOINTS[1].hex()) if mode == 16 else ()
        return frames.bed.request("-", "set", "kind:" + frames.kind, "name:" + self.device, *rtnl.own(
            frames.kind, f"data32:1:{mode}", f"data16:2:{flags}", *heard, f"data32:7:{queue}", f"data32:9:{cutoff}"))


class IpMode:
    """The same of one of flavor ipvlan."""

    def __init__(self, device, *numbers):
        self.device, self.numbers = device, numbers

    def text(self):
        return "ipmode " + " ".join(map(str, self.numbers))

    def apply(self, frames):
        import rtnl

        mode, flags = self.numbers
        return frames.bed.request("-", "set", "kind:" + frames.kind, "name:" + self.device,
                                  *rtnl.own_ip(frames.kind, f"data16:1:{mode}", f"data16:2:{flags}"))


class Port:
    """What is set for all on the lower device: trust (of flavor ipvlan alone), host and suppress, on or off, and copies."""

    def __init__(self, device, *numbers):
        self.device, self.numbers = device, numbers

    def text(self):
        return "port " + " ".join(map(str, self.numbers))

    def apply(self, frames):
        return frames.bed.request("-", "set", "kind:" + frames.kind, "name:" + self.device,
                                  *(f"data32:{what}:{number}" for what, number in zip((5, 7, 9, 10), self.numbers)
                                    if what != 5 or self.device in frames.IP_MODES))


class Checks:
    """What an endpoint may send: the guard's rules, which addresses are in its list, and packets a second."""

    def __init__(self, device, rules, listed, rate):
        self.device, self.rules, self.listed, self.rate = device, rules, listed, rate

    def text(self):
        return f"checks {self.rules} {self.listed} {self.rate}"

    def apply(self, frames):
        entries = b""
        for number, host in enumerate(packets.HOSTS):
            if self.listed >> number & 1:
                raw = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
                entry = struct.pack("=HH", 5 + len(raw), 1) + raw + bytes((8 * len(raw),))
                entries += entry + bytes(-len(entry) % 4)
        return frames.bed.request("-", "set", "kind:" + frames.kind, "name:" + self.device,
                                  "nest:6", f"data32:1:{self.rules}", "data32:2:3", *(("data:32771:" + entries.hex(),) if entries else ()),
                                  "end", "nest:8", f"data32:3:{self.rate}", "end")


class Host:
    """An IP address that comes or goes."""

    def __init__(self, device, verb, host):
        self.device, self.verb, self.host = device, verb, host

    def text(self):
        return f"host {self.verb} {self.host}"

    def apply(self, frames):
        return frames.bed.host("-", self.verb, self.device, self.host)


class Setting:
    """An MTU, and features on or off."""

    def __init__(self, device, mtu, features):
        self.device, self.mtu, self.features = device, mtu, features

    def text(self):
        return f"setting {self.mtu} {self.features}"

    def apply(self, frames):
        bed = frames.bed
        bed.request("-", "set", "name:" + self.device, f"mtu:{self.mtu}")
        wanted = (self.features & 0xFFFFFFFF, self.features >> 32)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                bed.ethtool(sock, self.device,
                            struct.pack("=II4I", 0x3B, 2, 0xFFFFFFFF, wanted[0], 0xFFFFFFFF, wanted[1]))
        except OSError as error:
            return error.errno
        return 0


class Program:
    """An XDP program in place of what is there, of steps as xdp.py has them; without any, none. With "gso" it is shown
    packets that are to be cut."""

    def __init__(self, device, steps):
        self.device, self.steps = device, steps

    @staticmethod
    def draw(rng, kind):
        if rng.random() < 0.15:
            return []
        # C veth frees a piece that is cut off as what it is not.
        pieces = kind != "veth" and rng.random() < 0.5
        steps = ["frags"] if pieces else []
        if pieces and rng.random() < 0.6:
            steps.append("gso")
        for _ in range(rng.choice((0, 1, 1, 2, 4))):
            steps.append(rng.choice((
                f"head:{rng.choice((-256, -100, -18, -4, 4, 14, 18, 40, rng.randrange(-256, 256)))}",
                f"tail:{rng.choice((-4000, -1000, -100, -1, 1, 60, 200, rng.randrange(-1500, 300)))}",
                f"meta:{rng.choice((4, 8, 32, 252))}", "swap", "to:" + rng.choice(packets.MACS).hex(),
                f"byte:{rng.randrange(64)}:{rng.getrandbits(8)}", f"byte:{rng.choice((12, 13, 14, 23))}:{rng.getrandbits(8)}")))
        verdict = rng.choice(("pass", "pass", "pass", "drop", "aborted", "tx", "tx", "redirect"))
        if verdict in ("tx", "redirect"):
            # Else it would go back and forth for ever.
            steps.append("tail:-20")
        return [*steps, f"redirect:{rng.choice((100, 101))}" if verdict == "redirect" else verdict]

    def text(self):
        return "program " + (",".join(self.steps) or "-")

    def apply(self, frames):
        import xdp

        program = xdp.build([step for step in self.steps if step != "gso"]) if self.steps else -1
        try:
            if frames.kind != "veth":
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    frames.bed.ethtool(sock, self.device, struct.pack("=II", SET_PRIV_FLAGS, "gso" in self.steps))
            xdp.attach(self.device, program)
        except OSError as error:
            return error.errno or 0
        finally:
            if program >= 0:
                os.close(program)
        return 0


def parse(line):
    """What a line of a replay file sends, and with which of the two."""
    words = line.split()
    if words[0] == "message":
        return Messages, bytes.fromhex(words[1])
    if words[0] == "frame":
        # An empty frame leaves an empty word out.
        item = packets.Frame.parse(words[1:3] + ([""] if len(words) == 4 else words[3:4]))
    elif words[0] == "mode":
        item = Mode("", *map(int, words[1:5]))
    elif words[0] == "ipmode":
        item = IpMode("", *map(int, words[1:3]))
    elif words[0] == "port":
        item = Port("", *map(int, words[1:5]))
    elif words[0] == "checks":
        item = Checks("", *map(int, words[1:4]))
    elif words[0] == "host":
        item = Host("", *words[1:3])
    elif words[0] == "program":
        item = Program("", [] if words[1] == "-" else words[1].split(","))
    else:
        item = Setting("", int(words[1]), int(words[2]))
    item.device = words[-1]
    return Frames, item


def items(fuzzer, seed, count):
    for number in range(count):
        yield number, fuzzer.make(seed, number)


def send_all(board, fuzzer, source, until):
    """None, or what went wrong. The board has the number of the last one."""
    import bed

    fuzzer.open()
    sent, errors = 0, collections.Counter()
    for number, item in source:
        if number % fuzzer.batch == 0:
            if until and time.monotonic() > until:
                break
            fuzzer.reset()
        board.say(1, str(number))
        result = fuzzer.send(item)
        if result:
            errors[result] += 1
        sent += 1
        if bed.tainted():
            return f"the kernel complained at number {number}: {fuzzer.text(item)}"
    board.say(0, f"{sent} {fuzzer.what} sent, {bed.tally(errors)}")
    if sent > 100 and errors.total() == sent:
        return "the kernel took none of them: the instrument is broken"
    return None


class Taps:
    """Commands and writes to the nodes of endpoints of all modes on a pair: by tap.c."""

    # What one run of tap.c does, with links that are made for it.
    batch = 32768
    MODES, IP_MODES = {**Frames.MODES, "m5": "bridge"}, Frames.IP_MODES

    def __init__(self, kind, flavors):
        import bed

        self.bed, self.kind, self.flavors = bed, kind, flavors

    def reset(self):
        """Fresh links; gives their nodes."""
        import rtnl

        bed, must, nodes = self.bed, self.bed.must, []
        for name in SPACES:
            bed.empty(name)
        must("F0", "new", "kind:" + self.kind, "name:f0", "index:100", "addr:020000000001", "up", "peer", "name:f1",
             "index:101", "addr:020000000002", "nsfd:/run/netns/F1", "end")
        for place, name, address in (("F0", "f0", "10.8.0.1"), ("F1", "f1", "10.8.0.2")):
            with bed.inside(place):
                bed.set_address(name, address)

        def endpoint(flavor, place, name, index, lower, *settings):
            must(lower[0], "new", "kind:" + self.kind, "name:" + name, f"index:{index}", f"link:{lower[1]}",
                 *(("addr:" + packets.ENDPOINTS[index % 5].hex(),) if flavor == "macvtap" else ()),
                 *(() if place == lower[0] else (f"nsfd:/run/netns/{place}",)), "up",
                 *bed.own(self.kind, flavor)(*settings))
            nodes.append(f"/dev/tap{index}")

        if "macvtap" in self.flavors:
            for number, (name, mode) in enumerate(self.MODES.items()):
                heard = ("data32:3:0", "data:4:" + packets.ENDPOINTS[1].hex()) if mode == "source" else ()
                if number == 5:  # the number of the address is taken: in another place
                    endpoint("macvtap", "F1", name, 141, ("F1", 101), f"data32:1:{rtnl.MODES[mode]}")
                else:
                    endpoint("macvtap", "F0", name, 110 + number, ("F0", 100), f"data32:1:{rtnl.MODES[mode]}", *heard)
        if "ipvtap" in self.flavors:
            for number, (name, (mode, flags)) in enumerate(self.IP_MODES.items()):
                endpoint("ipvtap", "F2", name, 120 + number, ("F0", 100), f"data16:1:{mode}", f"data16:2:{flags}")
            for number, host in enumerate(packets.HOSTS):
                bed.must_host("F2", f"i{number % len(self.IP_MODES)}", host)
        return nodes


def run_taps(board, kind, flavors, seed, first, count, until):
    """None, or what went wrong. The board has the number of an operation under way."""
    import bed

    fuzzer = Taps(kind, flavors)
    for place in SPACES:
        bed.ns_add(place)
    shared, shown = taps.Shared(fresh=True), -1

    def show():
        nonlocal shown
        if shown != shared.number():
            shown = shared.number()
            board.say(1, str(shown))

    first = start = first // Taps.batch * Taps.batch
    while start < first + count and not (until and time.monotonic() > until):
        end = min(start + Taps.batch, first + count)
        process = taps.start("fuzz", seed, start, end, *fuzzer.reset())
        status = taps.wait(process, show)
        if status or bed.tainted():
            return f"status {status} at operation {shared.number()}: {shared.text()}"
        start = end
    counts = shared.counts()
    board.say(0, f"{counts['commands'] + counts['written'] + counts['refused']} operations: {shared.text()}")
    if not all(counts[word] for word in ("read", "written", "done")):
        return f"the instrument is broken: {shared.text()}"
    return None


def run(board, fuzzer, send):
    """send(board, fuzzer) in F0, as process 1 of a process namespace, with 2 in F1 and 3 in F2."""
    import bed

    for place in SPACES:
        bed.ns_add(place)
    bed.check(bed.libc.unshare(0x20000000))  # CLONE_NEWPID
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for place in SPACES[1:]:
                if os.fork() == 0:
                    bed.enter(place)
                    time.sleep(1000000)
            bed.enter(SPACES[0])
            text = send(board, fuzzer) or ""
            status = 0
        except BaseException as error:  # pylint: disable=broad-except
            text = f"{error!r} at number {board.read(1)[1]}"
        os.write(write, text.encode()[:60000])
        os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    return text or bed.ended(status) or None


def main(args):
    if len(args) != 6 or args[2] not in ("messages", "frames"):
        print(__doc__.strip(), file=sys.stdout if args in (["-h"], ["--help"]) else sys.stderr)
        return 0 if args in (["-h"], ["--help"]) else 2
    fuzzer = (Messages if args[2] == "messages" else Frames)(args[0], args[1].split(","))
    for number in range(int(args[4]), int(args[5])):
        print(fuzzer.text(fuzzer.make(args[3], number)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
