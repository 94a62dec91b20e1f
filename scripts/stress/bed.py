# SPDX-License-Identifier: GPL-2.0
"""What the parts have in common: namespaces, requests, the module, the kernel's
log, and the board on which a process says what it does."""

import collections
import contextlib
import ctypes
import errno
import fcntl
import functools
import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

TOP = os.path.realpath(os.path.dirname(__file__) + "/../..")
sys.path.insert(0, TOP + "/scripts/tests")

# pylint: disable=wrong-import-position
import rtnl  # noqa: E402
from inside import CLONE_NEWNET, check, inside, libc  # noqa: E402,F401

MNT_DETACH, MS_BIND = 2, 0x1000
SYS_FINIT_MODULE, SYS_DELETE_MODULE = 313, 176
SETLINK, GETLINK, NEWADDR, DELADDR, GETADDR = 19, 18, 20, 21, 22
SIOCETHTOOL, SIOCGIFINDEX = 0x8946, 0x8933
# A warning, an oops, a bad page (the sanitizers set this), a soft lockup.
BAD_TAINT = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14


class Board:
    """A slot per process, seen by the supervisor: a counter and a line of text."""

    SLOTS, SIZE = 48, 256

    def __init__(self):
        self.memory = mmap.mmap(-1, self.SLOTS * self.SIZE)

    def say(self, slot, text, count=1):
        at = slot * self.SIZE
        done = struct.unpack_from("=Q", self.memory, at)[0] + count
        line = text.encode(errors="replace")[:self.SIZE - 8]
        self.memory[at:at + self.SIZE] = struct.pack("=Q", done) + line.ljust(self.SIZE - 8, b"\0")

    def read(self, slot):
        at = slot * self.SIZE
        count = struct.unpack_from("=Q", self.memory, at)[0]
        return count, self.memory[at + 8:at + self.SIZE].rstrip(b"\0").decode(errors="replace")

    def lines(self):
        return [line for line in map(self.read, range(self.SLOTS)) if line[0]]

    def total(self):
        return sum(count for count, _ in self.lines())

    def clear(self):
        self.memory[:] = bytes(len(self.memory))


def ended(status):
    """How a process ended that waitpid() says this of, if not well."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"ended by signal {-code}: {signal.strsignal(-code)}"
    return f"ended with status {code}" if code else ""


def tainted():
    with open("/proc/sys/kernel/tainted", encoding="ascii") as file:
        return int(file.read()) & BAD_TAINT


class Kmsg:
    """The kernel's log from now on."""

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)

    def new(self):
        lines = []
        while True:
            try:
                record = os.read(self.file, 16384)
            except BrokenPipeError:  # overwritten while we read: go on behind it
                continue
            except BlockingIOError:
                return lines
            head, text = record.decode(errors="replace").split(";", 1)
            stamp = int(head.split(",")[2]) / 1e6
            lines.append(f"[{stamp:12.6f}] {text.split(chr(10))[0]}")


def complaints(lines):
    """What kmsg-check.sh, which knows the patterns, says of these lines."""
    if not lines:
        return ""
    done = subprocess.run([TOP + "/scripts/kmsg-check.sh"], input="\n".join(lines) + "\n",
                          stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode in (0, 1):
        return done.stdout
    return f"kmsg-check.sh: status {done.returncode}"


# --- namespaces --------------------------------------------------------------

def ns_add(name, before=lambda: None):
    """`before` is called when the namespace is there, but has no name yet."""
    path = "/run/netns/" + name
    os.makedirs("/run/netns", exist_ok=True)
    with inside("-new"):
        before()
        with open(path, "x", encoding="ascii"):
            pass
        check(libc.mount(b"/proc/thread-self/ns/net", path.encode(), b"none", MS_BIND, None))


def ns_del(name):
    path = "/run/netns/" + name
    libc.umount2(path.encode(), MNT_DETACH)
    os.unlink(path)


# Where a reader sees the files of its namespace: such a mount keeps that alive.
SYSFS = "/run/stress-sysfs"


def ns_clear():
    libc.umount2(SYSFS.encode(), MNT_DETACH)
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else ():
        with contextlib.suppress(OSError):
            ns_del(name)


def enter(name):
    """For good."""
    there = os.open("/run/netns/" + name, os.O_RDONLY)
    check(libc.setns(there, CLONE_NEWNET))
    os.close(there)


def empty(name):
    """Deletes all its links but those that cannot be, whatever their names are."""
    found = []
    with inside(name), rtnl.Netlink() as nl:
        nl.send(GETLINK, rtnl.REQUEST | 0x300, bytes(16))
        while not found or found[-1] is not None:
            for kind, _, _, body in nl.messages():
                if kind == 3:
                    found.append(None)
                elif rtnl.LINKINFO in rtnl.attrs(body[16:]):
                    found.append(struct.unpack_from("=i", body, 4)[0])
    for index in found[:-1]:
        request(name, "del", f"index:{index}")


# --- requests ------------------------------------------------------------------

def message(verb, payload):
    """(type, flags) and the payload of a request as rtnl.py makes it."""
    kind = {"new": 16, "set": 16, "del": 17, "setlink": SETLINK, "get": GETLINK}[verb]
    flags = rtnl.REQUEST | rtnl.ACK | (rtnl.CREATE | rtnl.EXCL if verb == "new" else 0)
    return kind, flags, payload


def build(tokens):
    """As rtnl.py builds it, and the word "down"."""
    payload = rtnl.build([token for token in tokens if token != "down"])
    if "down" in tokens:
        payload = payload[:12] + struct.pack("=I", 1) + payload[16:]
    return payload


def request(namespace, verb, *tokens):
    """0 or an errno."""
    try:
        with inside(namespace), rtnl.Netlink() as nl:
            nl.send(*message(verb, build(tokens)))
            return nl.reply()[0]
    finally:
        while rtnl.opened:
            os.close(rtnl.opened.pop())


def must(namespace, verb, *tokens):
    error = request(namespace, verb, *tokens)
    if error:
        raise RuntimeError(f"{namespace}: {verb} {' '.join(tokens)}: {os.strerror(error)}")


def links(namespace):
    with inside(namespace), rtnl.Netlink() as nl:
        return nl.dump()


def host_message(verb, index, host):
    """What message() gives, of an IP address: "new" or "del"."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    raw = socket.inet_pton(family, host)
    # Nobody is asked whether an IPv6 address is free.
    head = struct.pack("=BBBBI", family, 64 if ":" in host else 24, 0x02 if ":" in host else 0, 0, index)
    flags = rtnl.REQUEST | rtnl.ACK | (rtnl.CREATE | rtnl.EXCL if verb == "new" else 0)
    return {"new": NEWADDR, "del": DELADDR}[verb], flags, head + rtnl.attr(1, raw) + rtnl.attr(2, raw)


def host(namespace, verb, name, address):
    """Adds or deletes an IP address; 0 or an errno."""
    with inside(namespace), rtnl.Netlink() as nl:
        nl.send(*host_message(verb, ifindex(name), address))
        return nl.reply()[0]


def must_host(namespace, name, address):
    error = host(namespace, "new", name, address)
    if error:
        raise RuntimeError(f"{namespace}: {address} on {name}: {os.strerror(error)}")


def hosts(namespace):
    """The IP addresses of each index, but not those that the kernel makes itself."""
    found, done = collections.defaultdict(list), False
    with inside(namespace), rtnl.Netlink() as nl:
        nl.send(GETADDR, rtnl.REQUEST | 0x300, bytes(8))
        while not done:
            for kind, _, _, body in nl.messages():
                done = kind == 3
                if kind == NEWADDR and body[3] == 0:
                    index = struct.unpack_from("=I", body, 4)[0]
                    found[index].append(socket.inet_ntop(body[0], rtnl.attrs(body[8:])[1]))
    return found


def ifindex(name):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock, SIOCGIFINDEX, struct.pack("16s24x", name.encode()))
    return struct.unpack_from("=i", answer, 16)[0]


def ethtool(sock, name, data):
    buffer = ctypes.create_string_buffer(data, max(len(data), 512))
    fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP16x", name.encode(), ctypes.addressof(buffer)))
    return buffer.raw


def set_address(name, address):
    """IPv4 address/24 and up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        where = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
        fcntl.ioctl(sock, 0x8916, struct.pack("16s16s8x", name.encode(), where))
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh22x", name.encode(), 0x1043))


# --- the module ------------------------------------------------------------------

def module_file(kind):
    """A copy in memory: reading it from the host's file system is slow."""
    copy = f"/run/stress-{kind}.ko"
    if not os.path.exists(copy):
        there = f"{os.environ['KDIR']}/drivers/net/{'ipvlan/' * (kind == 'ipvlan')}{kind}.ko"
        shutil.copy(os.environ["RNETVIRT_KO"] if kind == "rnetvirt" else there, copy)
    return copy


def pair_kind(kind):
    """The kind that pairs are of, where `kind` may have none."""
    return kind if kind == "rnetvirt" else "veth"


# Flavors with a node in /dev: number, and the flavor whose settings they have.
TAPS = {"macvtap": (3, "macvlan"), "ipvtap": (4, "ipvlan")}


def own(kind, flavor):
    """What gives the settings of an endpoint of that flavor as the kind wants them."""
    if flavor in TAPS:
        number, like = TAPS[flavor]
        return lambda *tokens: (f"data32:2:{number}", *own(kind, like)(*tokens)[1:])
    return functools.partial({"macvlan": rtnl.own, "ipvlan": rtnl.own_ip}[flavor], kind)


def stacked(kind, flavors):
    """Those of the flavors that go on a lower device."""
    return [flavor for flavor in ("macvlan", "ipvlan", *TAPS) if flavor in flavors and kind in ("rnetvirt", flavor)]


def is_ip(flavor):
    """Whether its endpoints share a lower device by IP address."""
    return flavor in ("ipvlan", "ipvtap")


def loaded(kind):
    return os.path.exists("/sys/module/" + kind)


def load(kind):
    file = os.open(module_file(kind), os.O_RDONLY)
    try:
        check(libc.syscall(SYS_FINIT_MODULE, file, b"", 0))
    finally:
        os.close(file)


def unload(kind, patience=10):
    """Sockets of closed files hold the module for a grace period."""
    until = time.monotonic() + patience
    while libc.syscall(SYS_DELETE_MODULE, kind.encode(), os.O_NONBLOCK) < 0:
        error = ctypes.get_errno()
        if error != errno.EWOULDBLOCK or time.monotonic() > until:
            raise OSError(error, os.strerror(error))
        time.sleep(0.001)


# --- leaks -----------------------------------------------------------------------

KMEMLEAK = "/sys/kernel/debug/kmemleak"


def scan():
    with open(KMEMLEAK, "w", encoding="ascii") as file:
        file.write("scan")


def leaks(thorough):
    """What nobody refers to any more. An object counts from its fifth second on,
    and one scan may see it in flight: a suspicion is looked at again."""
    with open("/proc/cmdline", encoding="ascii") as file:
        if "kmemleak=off" in file.read() or not os.path.exists(KMEMLEAK):
            return ""
    if thorough:
        time.sleep(6)
    for _ in range(2 if thorough else 1):
        scan()
    with open(KMEMLEAK, encoding="utf-8", errors="replace") as file:
        found = file.read()
    if found and not thorough:
        return leaks(True)
    if found:
        with open(KMEMLEAK, "w", encoding="ascii") as file:
            file.write("clear")
    return found


def tally(errors, most=6):
    """The most frequent of {errno: count}, in words."""
    frequent = sorted(errors.items(), key=lambda item: -item[1])
    words = [f"{error_name(number)} {count}" for number, count in frequent[:most]]
    return f"{sum(errors.values())} failed ({', '.join(words)}{', ...' * (len(frequent) > most)})"


def error_name(number):
    return {95: "EOPNOTSUPP", 524: "ENOTSUPP"}.get(number, errno.errorcode.get(number, str(number)))
