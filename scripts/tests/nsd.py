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
  nsclear             deletes every named one
  kmsg                the kernel's log since the last time
  new | replace | set | del TOKEN...    a raw request, see rtnl.py
  events OPERATION TOKEN...             the same and what it made known
  frames SCENARIO ARGUMENTS...          see frames.py
"""

import contextlib
import io
import os
import sys
import traceback

import frames
import rtnl
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
    elif command == "nsclear":
        nsclear()
    elif command == "kmsg":
        kmsg()
    elif command == "ipv6":
        ipv6(args[0])
    elif command == "events":
        rtnl.request(args[0], args[1:], True)
    elif command in rtnl.RTM:
        rtnl.request(command, args, False)
    elif command == "frames":
        return frames.main(args)
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
