#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Answers the tests' questions about devices in namespaces.

usage: nsd.py (run-all.sh starts it; lib.sh's ask() talks to it)

A process per question is what makes a test slow in an emulated guest. This one
stays, and enters the namespace that a question names.

A question on stdin is a list of strings, each ended by a NUL byte: an id, the
number of those that follow, the namespace ("-" for the initial one), a command
and its arguments. The answer is the line "\\2ID", the output, "\\1ID STATUS".

  names               the devices but lo, by ifindex
  ifindex DEVICE      has DEVICE...
  get DEVICE [KEY...] attributes of a link, by the names of rtnl.py
  state DEVICE        "FLAGS OPERSTATE" as in `ip link`
  sysfs DEVICE FILE...
  ipv6 on|off         for the devices to come
  nsadd NAME...       namespaces as `ip netns add` makes them, without IPv6
  tidy                removes what a test left behind, and says what should not have been
                      there; leaves the kernel's log since the last time in $WORK/kmsg
  new | replace | set | del TOKEN...    a raw request, see rtnl.py
  events OPERATION TOKEN...             the same and what it made known
  frames SCENARIO ARGUMENTS...          see frames.py
  xdp COMMAND ARGUMENTS...              see xdp.py, but for `socket`
"""

import array
import contextlib
import fcntl
import io
import os
import socket
import struct
import sys
import time
import traceback

import frames
import rtnl
import xdp
from inside import check, inside, libc

MNT_DETACH, MS_BIND = 2, 0x1000

FLAGS = ["UP", "BROADCAST", "DEBUG", "LOOPBACK", "POINTOPOINT", "NOTRAILERS",
         "RUNNING", "NOARP", "PROMISC", "ALLMULTI", "MASTER", "SLAVE",
         "MULTICAST", "PORTSEL", "AUTOMEDIA", "DYNAMIC", "LOWER_UP", "DORMANT"]
# As ip prints them: RUNNING is shown by what is missing.
ORDER = ["LOOPBACK", "BROADCAST", "POINTOPOINT", "MULTICAST", "NOARP", "ALLMULTI",
         "PROMISC", "MASTER", "SLAVE", "DYNAMIC", "UP", "LOWER_UP", "DORMANT"]
OPERSTATE = ["UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING",
             "DORMANT", "UP"]


def sysfs(device, files):
    """Reads the namespace's own view of /sys/class/net: mounted for a moment."""
    place = os.environ["WORK"] + "/sys"
    os.makedirs(place, exist_ok=True)
    check(libc.mount(b"sysfs", place.encode(), b"sysfs", 0, None))
    try:
        values = []
        for name in files:
            path = f"{place}/class/net/{device}/{name}"
            if os.path.isdir(path):
                values.append(" ".join(sorted(os.listdir(path))))
                continue
            with open(path, encoding="ascii") as file:
                values.append(" ".join(file.read().split("\n")).strip())
        print(*values)
    finally:
        check(libc.umount2(place.encode(), MNT_DETACH))


def links():
    with rtnl.Netlink() as nl:
        return sorted(nl.dump(), key=lambda v: int(v["index"]))


def state(device):
    v = rtnl.link(device)
    bits = int(v["flags"], 16)
    flags = [name for name in ORDER if bits >> FLAGS.index(name) & 1]
    if bits & 1 and not bits >> 6 & 1:
        flags.insert(0, "NO-CARRIER")
    print(",".join(flags), OPERSTATE[int(v["operstate"])])


def ipv6(word):
    values = {"all/disable_ipv6": int(word == "off"),
              "default/disable_ipv6": int(word == "off"), "default/accept_dad": 0}
    for name, value in values.items():
        with open("/proc/sys/net/ipv6/conf/" + name, "w", encoding="ascii") as file:
            file.write(str(value))


def nsadd(names):
    os.makedirs("/run/netns", exist_ok=True)
    for name in names:
        path = "/run/netns/" + name
        with open(path, "x", encoding="ascii"):
            pass
        with inside("-new"):
            check(libc.mount(b"/proc/thread-self/ns/net", path.encode(), b"none", MS_BIND, None))
            ipv6("off")


def nsclear():
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else ():
        path = "/run/netns/" + name
        libc.umount2(path.encode(), MNT_DETACH)
        os.unlink(path)


def kmsg():
    """Records after the one whose number the last call left in a file."""
    mark = os.environ["WORK"] + "/kmsg.last"
    last = -1
    with contextlib.suppress(FileNotFoundError), open(mark, encoding="ascii") as file:
        last = int(file.read())
    with open(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as log:
        while True:
            try:
                record = log.read(16384)
            except BrokenPipeError:  # overwritten while we read: go on behind it
                continue
            if not record:
                break
            head, text = record.decode(errors="replace").split(";", 1)
            _, number, stamp = head.split(",")[:3]
            if int(number) > last:
                last = int(number)
                text = text.split("\n")[0]
                print(f"[{int(stamp) / 1e6:12.6f}] {text}")
    with open(mark, "w", encoding="ascii") as file:
        file.write(str(last))


def features(device):
    """What ETHTOOL_GFEATURES says is switched on."""
    blocks = 4
    values = array.array("I", [0x3A, blocks] + [0] * 4 * blocks)
    request = struct.pack("16sP", device.encode(), values.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            fcntl.ioctl(sock, 0x8946, request)
        except OSError:  # gone meanwhile
            return ""
    return ".".join(f"{word:x}" for word in values[4::4])


# What a test may set for all that come after it: with a modprobe each kind loads its module.
SETTINGS = ("/proc/sys/kernel/modprobe",)


def environment():
    """What a test finds and has to leave, as {what: how it is}."""
    found = {}
    for setting in SETTINGS:
        with open(setting, encoding="utf-8") as file:
            found[f"setting {setting}"] = file.read().strip()
    for v in links():
        kept = ("flags", "mtu", "address", "master", "link", "promiscuity", "allmulti")
        found[f"link {v['name']}"] = " ".join(
            [f"{key} {v.get(key, '-')}" for key in kept] + [f"features {features(v['name'])}"])
    with open("/proc/modules", encoding="ascii") as file:
        for line in file:
            name, _, uses, users = line.split()[:4]
            # Other modules are no concern of a test, but what else holds this one.
            found[f"module {name}"] = f"in use {int(uses) - users.count(',')} times"
    home = os.readlink("/proc/self/ns/net")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/net") != home:
                with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as file:
                    found[f"process {pid}"] = f"{file.read().strip()}, in another namespace"
    return found


at_start = None


def differences():
    """What is not as it was found; a module may have come, but not in use, or gone."""
    now, wrong = environment(), {}
    for what in sorted(at_start.keys() | now.keys()):
        before, after = at_start.get(what), now.get(what)
        if what.startswith("module"):
            if after is not None and after != (before or "in use 0 times"):
                wrong[what] = f"{after}, was {before}"
        elif before != after:
            wrong[what] = f"{after or 'gone'}, was {before or 'not there'}"
    return wrong


def ledger():
    """Links whose own counters do not agree: all that is dropped has a reason, and once."""
    wrong = []
    for name in ["-"] + (os.listdir("/run/netns") if os.path.isdir("/run/netns") else []):
        with contextlib.suppress(OSError), inside(name):
            for v in links():
                if v["kind"] != "rnetvirt" or "mode" not in v and "ipmode" not in v:
                    continue
                # Of tx_dropped the core counts some itself, rx_errors are the link's own.
                if v["rx_errors"] != v["lost_rx"] or int(v["tx_dropped"]) < int(v["lost_tx"]):
                    wrong.append(f"{v['name']} in {name}: " + " ".join(
                        f"{key} {v[key]}" for key in ("rx_errors", "lost_rx", "tx_dropped", "lost_tx")))
    return wrong


def tidy():
    """What goes with a namespace, or with a process that was killed, goes in a moment."""
    global at_start
    # A packet may be counted between the one and the other: it is not, the next time.
    unbalanced = ledger() and ledger()
    for line in unbalanced:
        print("not conserved:", line)
    nsclear()
    if at_start is None:
        at_start = environment()
    limit = time.monotonic() + 5
    while (wrong := differences()) and time.monotonic() < limit:
        time.sleep(0.02)
    for what, how in wrong.items():
        print(f"left behind: {what}: {how}")
        if what.startswith("link") and what not in at_start:
            with rtnl.Netlink() as nl:
                nl.request("del", rtnl.build(["name:" + what.removeprefix("link ")]))
        if what.startswith("setting"):
            with open(what.removeprefix("setting "), "w", encoding="utf-8") as file:
                # With the end of a line: of nothing nothing would be written.
                file.write(at_start[what] + "\n")
    at_start = environment()
    with open(os.environ["WORK"] + "/kmsg", "w", encoding="utf-8") as file:
        with contextlib.redirect_stdout(file):
            kmsg()
    return 1 if wrong or unbalanced else 0


def answer(command, args):
    """Prints; returns the exit status."""
    if command == "names":
        print(*(v["name"] for v in links() if v["name"] != "lo"))
    elif command == "ifindex":
        print(rtnl.link(args[0])["index"])
    elif command == "has":
        present = {v["name"] for v in links()}
        return 0 if present.issuperset(args) else 1
    elif command == "get":
        rtnl.get(args[0], args[1:])
    elif command == "state":
        state(args[0])
    elif command == "sysfs":
        sysfs(args[0], args[1:])
    elif command == "nsadd":
        nsadd(args)
    elif command == "tidy":
        return tidy()
    elif command == "ipv6":
        ipv6(args[0])
    elif command == "events":
        rtnl.request(args[0], args[1:], True)
    elif command in rtnl.RTM:
        rtnl.request(command, args, False)
    elif command == "frames":
        return frames.main(args)
    elif command == "xdp":
        # Programs and maps live as long as somebody has them open.
        before = set(os.listdir("/proc/self/fd"))
        try:
            xdp.main(*args)
        finally:
            for number in set(os.listdir("/proc/self/fd")) - before:
                with contextlib.suppress(OSError):
                    os.close(int(number))
    else:
        print(f"nsd.py: unknown command '{command}'")
        return 2
    return 0


def serve():
    stdin = sys.stdin.buffer
    buffered = b""

    def word():
        nonlocal buffered
        while b"\0" not in buffered:
            more = stdin.read1(65536)
            if not more:
                sys.exit(0)
            buffered += more
        first, buffered = buffered.split(b"\0", 1)
        return first.decode()

    while True:
        ident = word()
        words = [word() for _ in range(int(word()))]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                with inside(words[0]):
                    status = answer(words[1], words[2:])
            except SystemExit as stop:
                print(stop.code)
                status = 1
            except OSError as error:
                print(f"nsd.py: {' '.join(words)}: {error}")
                status = 1
            except Exception:  # a mistake in a test must not end the server
                traceback.print_exc(file=out)
                status = 1
        text = out.getvalue()
        if text and not text.endswith("\n"):
            text += "\n"
        sys.stdout.write(f"\2{ident}\n{text}\1{ident} {status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(__doc__.strip())
        sys.exit(0 if sys.argv[1] in ("-h", "--help") else 2)
    serve()
