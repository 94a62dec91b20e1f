#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Reads and writes /dev/tapN, and says what is wrong.

usage: tap.py SCENARIO [ARGUMENT...]

The bed is made by tap.sh: in S a tap t0 with the index 101, on eth0, whose wire
ends as wire0 in W. Environment: KIND. A scenario ends with a traceback if
something is not as it should be.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import vhost
from inside import inside

NODE = "/dev/tap101"
libc = ctypes.CDLL(None, use_errno=True)
OURS = os.environ["KIND"] == "rnetvirt"
SLOW = 5 if os.environ.get("KERNEL", "").endswith("debug") else 1

TUNSETIFF, TUNGETIFF, TUNSETQUEUE = 0x400454CA, 0x800454D2, 0x400454D9
TUNGETFEATURES, TUNSETSNDBUF, TUNSETOFFLOAD = 0x800454CF, 0x400454D4, 0x400454D0
TUNGETVNETHDRSZ, TUNSETVNETHDRSZ = 0x800454D7, 0x400454D8
TUNGETVNETLE, TUNSETVNETLE, TUNGETVNETBE, TUNSETVNETBE = 0x800454DD, 0x400454DC, 0x800454DF, 0x400454DE
SIOCGIFHWADDR, SIOCSIFHWADDR = 0x8927, 0x8924
TAP_GET_SOCKET = 0xFB00
IFF_TUN, IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 1, 2, 0x100, 0x1000, 0x4000
IFF_ATTACH_QUEUE, IFF_DETACH_QUEUE = 0x200, 0x400
CSUM, TSO4, TSO6, ECN, UFO, USO4, USO6 = 1, 2, 4, 8, 0x10, 0x20, 0x40
NEEDS_CSUM, DATA_VALID = 1, 2
GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4 = 0, 1, 4, 5
WIRE_MAC = bytes.fromhex("020000000b00")
ETH_P_TEST = 0x88B5
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23


# --- What the scenarios are made of ------------------------------------------

def same(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


@contextlib.contextmanager
def refused(*numbers):
    """One of these errors comes."""
    try:
        yield
    except OSError as error:
        if error.errno not in numbers:
            raise
        return
    raise AssertionError(f"was to fail with {[errno.errorcode[n] for n in numbers]}, but did not")


def ip(words, ns="S"):
    subprocess.run(["ip", *(["-n", ns] if ns else []), *words.split()], check=True)


def until(what, function, seconds=10):
    end = time.monotonic() + seconds * SLOW
    while not function():
        if time.monotonic() > end:
            raise AssertionError(f"still not: {what}")
        time.sleep(0.02)


def sysfs(path, ns="S", dev="t0"):
    """A file of a device's directory: /sys shows the namespace that mounted it."""
    with inside(ns):
        done = subprocess.run(["ip", "netns", "exec", ns, "cat", f"/sys/class/net/{dev}/{path}"],
                              check=True, capture_output=True, text=True)
    return done.stdout.strip()


def stat(name, ns="S", dev="t0"):
    return int(sysfs("statistics/" + name, ns, dev))


def tap(flags=0, node=NODE):
    return os.open(node, os.O_RDWR | flags)


NONBLOCK = os.O_NONBLOCK


def command(fd, number, form=None, value=None):
    """An ioctl with an int, or with flags of an ifreq for form "ifr"."""
    if form == "ifr":
        buffer = bytearray(40)
        if value is not None:
            struct.pack_into("=H", buffer, 16, value)
        fcntl.ioctl(fd, number, buffer)
        return bytes(buffer)
    if form == "int":
        buffer = bytearray(struct.pack("=i", value or 0))
        fcntl.ioctl(fd, number, buffer)
        return struct.unpack("=i", buffer)[0]
    return fcntl.ioctl(fd, number, value or 0)


def plain(fd):
    """No header in front of frames."""
    command(fd, TUNSETIFF, "ifr", IFF_TAP | IFF_NO_PI)
    return fd


def waits(function):
    """Somebody does that until it fails: a thread, and the error in a list."""
    ended = []

    def wait():
        try:
            while True:
                function()
        except OSError as error:
            ended.append(error.errno)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    time.sleep(0.3)
    return thread, ended


def packet_socket(ns, dev, protocol=ETH_P_TEST):
    with inside(ns):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        # SO_SNDBUFFORCE: frames in a ring are still the sender's.
        sock.setsockopt(socket.SOL_SOCKET, 32, 1 << 24)
        sock.bind((dev, protocol))
    sock.settimeout(5 * SLOW)
    return sock


def mac(dev="t0", ns="S"):
    return bytes.fromhex(sysfs("address", ns, dev).replace(":", ""))


def hdr(flags=0, gso=0, hdr_len=0, size=0, start=0, offset=0, order="="):
    return struct.pack(order + "BBHHHH", flags, gso, hdr_len, size, start, offset)


def frame(payload=b"x" * 46, dst=WIRE_MAC, src=None, protocol=ETH_P_TEST):
    return dst + (src or MAC) + struct.pack("!H", protocol) + payload


def checksum(data, start=0):
    data += bytes(len(data) % 2)
    total = start + sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def ipv4(protocol, payload, src="10.0.0.101", dst="10.0.0.3", ident=1):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, 0x4000, 64, protocol, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack("!H", ~checksum(head) & 0xFFFF) + head[12:] + payload


def ipv6(protocol, payload, src="fd00::101", dst="fd00::3"):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + socket.inet_pton(
        socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + payload


def pseudo(packet):
    """The checksum's start, for a packet of IPv4 or IPv6 without options."""
    if packet[0] >> 4 == 4:
        data, protocol, addresses = packet[20:], packet[9], packet[12:20]
    else:
        data, protocol, addresses = packet[40:], packet[6], packet[8:40]
    return checksum(addresses + struct.pack("!HH", protocol, len(data)))


def valid(packet):
    """Whether the checksum of its TCP or UDP is right."""
    data = packet[20:] if packet[0] >> 4 == 4 else packet[40:]
    return checksum(data, pseudo(packet)) == 0xFFFF


def tcp(payload, seq=1000):
    return struct.pack("!HHIIBBHHH", 4000, 5000, seq, 1, 0x50, 0x18, 1000, 0, 0) + payload


def udp(payload):
    return struct.pack("!HHHH", 4000, 5000, 8 + len(payload), 0) + payload


def partial(packet, offset):
    """The packet with what a sender leaves where its checksum belongs."""
    at = (20 if packet[0] >> 4 == 4 else 40) + offset
    return packet[:at] + struct.pack("!H", pseudo(packet)) + packet[at + 2:]


def drained(fd, count=1 << 30):
    """Frames that wait, at most so many."""
    frames = []
    while len(frames) < count:
        try:
            frames.append(os.read(fd, 1 << 17))
        except BlockingIOError:
            break
    return frames


def received(fd, wanted=lambda f: True, count=1, seconds=5):
    """Waits for frames that are wanted; others are dropped."""
    frames, end = [], time.monotonic() + seconds * SLOW
    while len(frames) < count and time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            frames += [f for f in drained(fd, 1) if wanted(f)]
    same("frames", len(frames), count)
    return frames


def at_wire(sock, wanted=lambda f: True, count=1):
    frames = []
    while len(frames) < count:
        got = sock.recv(1 << 17)
        if wanted(got):
            frames.append(got)
    return frames


def send(sock, count, size=60, dst=None):
    """Numbered frames from the wire."""
    for n in range(count):
        sock.send(frame(struct.pack("!I", n) + bytes(size - 18), dst or MAC, WIRE_MAC))


def number(data, at=24):
    return struct.unpack_from("!I", data, at)[0]


# --- E1, E2: nodes ---------------------------------------------------------------

def node():
    info = os.stat(NODE)
    same("mode", oct(info.st_mode), oct(0o20600))
    same("owner", (info.st_uid, info.st_gid), (0, 0))
    same("dev", sysfs("tap101/dev"), f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}")
    kind = "rnetvirt" if OURS else "macvtap"
    with open("/proc/devices", encoding="ascii") as devices:
        assert f"{os.major(info.st_rdev)} {kind}\n" in devices.read()
    same("uevent", sorted(sysfs("tap101/uevent").split("\n")),
         sorted([f"MAJOR={os.major(info.st_rdev)}", f"MINOR={os.minor(info.st_rdev)}", "DEVNAME=tap101"]))
    same("subsystem", os.path.basename(subprocess.run(
        ["ip", "netns", "exec", "S", "readlink", "/sys/class/net/t0/tap101/subsystem"],
        check=True, capture_output=True, text=True).stdout.strip()), kind)
    # A name changes nothing; a number that is free is used again.
    ip("link set t0 down")
    ip("link set t0 name t9")
    same("after renaming", os.stat(NODE).st_rdev, info.st_rdev)
    ip("link del t9")
    assert not os.path.exists(NODE)
    ip(f"link add link eth0 name t0 index 103 {TYPE}")
    same("minor", os.minor(os.stat("/dev/tap103").st_rdev), os.minor(info.st_rdev))


def moves():
    """The node is the new namespace's; what is open stays so."""
    fd = plain(tap(NONBLOCK))
    ip("link set t0 netns T")
    until("there again", lambda: os.path.exists(NODE))
    same("shown in S", subprocess.run(
        ["ip", "netns", "exec", "S", "ls", f"/sys/class/{'rnetvirt' if OURS else 'macvtap'}"],
        check=True, capture_output=True, text=True).stdout, "")
    same("dev", sysfs("tap101/dev", "T"), "%d:%d" % (
        os.major(os.stat(NODE).st_rdev), os.minor(os.stat(NODE).st_rdev)))
    ip("link set t0 up", "T")
    wire = packet_socket("W", "wire0")
    os.write(fd, frame())
    same("at the wire", at_wire(wire)[0], frame())
    send(wire, 1)
    received(fd, lambda f: f[12:14] == b"\x88\xb5")
    same("name", command(fd, TUNGETIFF, "ifr")[:3], b"t0\0")


def same_number():
    """Two links of one number, in two namespaces: each has a node."""
    if not OURS:
        return
    ip(f"link add name eth0 type dummy", "T")
    ip(f"link add link eth0 name t0 index 101 {TYPE}", "T")
    name = dict(line.split("=") for line in sysfs("tap101/uevent", "T").split("\n"))["DEVNAME"]
    number = tuple(int(n) for n in sysfs("tap101/dev", "T").split(":"))
    same("name", name, f"rnetvirt/{number[1]}")
    until("a node", lambda: os.path.exists("/dev/" + name))
    fd = tap(node="/dev/" + name)
    same("number", (os.major(os.fstat(fd).st_rdev), os.minor(os.fstat(fd).st_rdev)), number)
    same("whose", command(fd, SIOCGIFHWADDR, "ifr")[18:24], mac("t0", "T"))
    same("the first", command(tap(), SIOCGIFHWADDR, "ifr")[18:24], MAC)
    # When the first is gone its name is free, although the second has the number still.
    ip("link del t0")
    until("no first", lambda: not os.path.exists(NODE))
    ip(f"link add link eth0 name t0 index 101 {TYPE}")
    until("the name again", lambda: os.path.exists(NODE))
    same("the third", command(tap(), SIOCGIFHWADDR, "ifr")[18:24], mac("t0", "S"))
    same("still the second", command(tap(node="/dev/" + name), SIOCGIFHWADDR, "ifr")[18:24], mac("t0", "T"))
    ip("link del t0", "T")
    until("no node", lambda: not os.path.exists("/dev/" + name))
    assert os.path.exists(NODE)


def numbers():
    """Numbers of nodes, and names, are given again, the lowest first; also when all nodes were gone."""
    def minor(index):
        return int(sysfs(f"tap{index}/dev", dev=f"n{index}").split(":")[1])

    def add(index):
        ip(f"link add link eth0 name n{index} index {index} {TYPE}")
        return minor(index)

    for _ in range(2):
        first = [add(index) for index in range(201, 206)]
        same("each its own", len(set(first)), 5)
        for index in (204, 202, 203):
            ip(f"link del n{index}")
        same("again", [add(203), add(202)], first[1:3])
        same("the others", [minor(201), minor(205)], [first[0], first[4]])
        same("the last", add(204), first[3])
        for index in range(201, 206):
            until("a name", lambda index=index: os.path.exists(f"/dev/tap{index}"))
            ip(f"link del n{index}")
            until("no name", lambda index=index: not os.path.exists(f"/dev/tap{index}"))
        # The second time none is left.
        subprocess.run("ip -n S link del t0", shell=True, check=False)


def of_user_namespaces():
    """A link of somebody's own user namespace does not take a name away."""
    def names():
        return set(os.listdir("/dev/rnetvirt")) if os.path.isdir("/dev/rnetvirt") else set()

    before, (ready, told) = names(), os.pipe()
    child = os.fork()
    if not child:
        same("unshare", libc.unshare(0x50000000), 0)  # CLONE_NEWUSER | CLONE_NEWNET
        for file, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
            with open(f"/proc/self/{file}", "w", encoding="ascii") as to:
                to.write(text)
        subprocess.run("ip link add d0 type dummy", shell=True, check=True)
        subprocess.run(f"ip link add link d0 name x0 index 102 {TYPE}", shell=True, check=True)
        os.write(told, b"!")
        signal.pause()
    same("ready", select.select([ready], [], [], 20 * SLOW)[0], [ready])
    os.read(ready, 1)
    until("a node", lambda: names() - before)
    assert not os.path.exists("/dev/tap102")
    ip(f"link add link eth0 name t1 index 102 {TYPE}")
    until("the name", lambda: os.path.exists("/dev/tap102"))
    number = os.stat("/dev/tap102").st_rdev
    same("whose", f"{os.major(number)}:{os.minor(number)}", sysfs("tap102/dev", dev="t1"))
    # Here it is like any other.
    ip("link del t1")
    until("no name", lambda: not os.path.exists("/dev/tap102"))
    subprocess.run(["nsenter", f"--net=/proc/{child}/ns/net", "ip", "link", "add", "link", "d0", "name", "x1",
                    "index", "103", *TYPE.split()], check=True)
    assert not os.path.exists("/dev/tap103")
    subprocess.run(["nsenter", f"--net=/proc/{child}/ns/net", "ip", "link", "set", "x1", "netns", "T"], check=True)
    until("the name", lambda: os.path.exists("/dev/tap103"))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    until("no nodes", lambda: not names() - before and not os.path.exists("/dev/tap103"))


# --- E1, E3: on whose account ------------------------------------------------------

class Group:
    """A control group, and what the kernel has allocated for it."""

    def __init__(self):
        root = "/run/tap-cgroup"
        os.makedirs(root, exist_ok=True)
        # The same guest may have run this with the other driver.
        if not os.path.ismount(root):
            subprocess.run(["mount", "-t", "cgroup2", "none", root], check=True)
        with open(root + "/cgroup.subtree_control", "w", encoding="ascii") as file:
            file.write("+memory")
        self.path = root + "/taps"
        os.makedirs(self.path, exist_ok=True)

    def charged(self):
        with open(self.path + "/memory.stat", encoding="ascii") as file:
            stats = dict(line.split() for line in file)
        return sum(int(stats[name]) * sign for name, sign in (("kernel", 1), ("kernel_stack", -1), ("pagetables", -1)))

    @contextlib.contextmanager
    def process(self, function):
        """In the group somebody has called it, and keeps what it gave."""
        ready, end = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            status = 1
            try:
                with open(self.path + "/cgroup.procs", "w", encoding="ascii") as file:
                    file.write("0")
                kept = function()
                os.write(ready[1], b"!")
                os.close(end[1])
                os.read(end[0], 1)
                status = kept is None
            finally:
                os._exit(status)
        os.close(ready[1])
        same("ready", os.read(ready[0], 1), b"!")
        yield
        os.close(end[1])
        same("status", os.waitpid(child, 0)[1], 0)
        os.close(end[0])
        os.close(ready[0])


def accounts():
    """What somebody has the kernel allocate for taps is on the account of his group."""
    group, count = Group(), 100

    def links(flavor):
        """How much each takes."""
        words = TYPE.replace("macvtap", flavor)
        batch = "".join(f"link add link eth0 name l{n} numtxqueues 1 {words}\n" for n in range(count))
        before = group.charged()
        with group.process(lambda: subprocess.run(["ip", "-n", "S", "-batch", "-"], input=batch, text=True, check=True)):
            time.sleep(1)
            took = (group.charged() - before) // count
        batch = "".join(f"link del l{n}\n" for n in range(count))
        subprocess.run(["ip", "-n", "S", "-batch", "-"], input=batch, text=True, check=True)
        return took

    links("macvlan")
    plain_link, link = links("macvlan"), links("macvtap")
    # 256 pointers to queues.
    assert link - plain_link > 1500, (plain_link, link)
    if not OURS:
        return
    ip("link set t0 txqueuelen 4000")
    before = group.charged()
    with group.process(lambda: [tap() for _ in range(count)]):
        until("queues are charged", lambda: group.charged() - before > count * 4000 * 8)
        ip("link set t0 txqueuelen 10")
    until("and given back", lambda: group.charged() - before < count * 1000)


# --- E3: open ---------------------------------------------------------------------

def fresh():
    fd = tap(NONBLOCK)
    got = command(fd, TUNGETIFF, "ifr")
    same("name", got[:16], b"t0".ljust(16, b"\0"))
    same("flags", struct.unpack_from("=H", got, 16)[0], IFF_VNET_HDR | IFF_NO_PI | IFF_TAP)
    same("header", command(fd, TUNGETVNETHDRSZ, "int"), 10)
    same("little", command(fd, TUNGETVNETLE, "int"), 0)
    same("features", command(fd, TUNGETFEATURES, "int"), IFF_VNET_HDR | IFF_NO_PI | IFF_TAP | IFF_MULTI_QUEUE)
    with refused(errno.EAGAIN):
        os.read(fd, 100)


def opens():
    fds = [tap() for _ in range(256)]
    with refused(errno.EBUSY):
        tap()
    # Attached or not they count.
    command(fds[3], TUNSETQUEUE, "ifr", IFF_DETACH_QUEUE)
    with refused(errno.EBUSY):
        tap()
    os.close(fds.pop())
    fds.append(tap())
    for fd in fds:
        os.close(fd)
    major = os.major(os.stat(NODE).st_rdev)
    path = "/tmp/tap-nobody"
    os.mknod(path, 0o20600, os.makedev(major, 4000))
    with refused(errno.ENODEV):
        tap(node=path)
    os.unlink(path)
    # A node that is kept when its device goes.
    os.mknod(path, 0o20600, os.stat(NODE).st_rdev)
    ip("link del t0")
    with refused(errno.ENODEV):
        tap(node=path)
    os.unlink(path)


# --- E4: write --------------------------------------------------------------------

def writes():
    fd, wire = tap(), packet_socket("W", "wire0", 3)

    def wanted(f):
        return f[6:12] == MAC and f[12:14] in (b"\x88\xb5", b"\x81\x00", b"\x00\x2e", b"\x08\x00")


    # All that is refused, and counted.
    f = frame()
    ip4 = frame(partial(ipv4(17, udp(b"y" * 100)), 6), protocol=0x800)
    tcp4 = frame(partial(ipv4(6, tcp(b"y" * 3000)), 16), protocol=0x800)
    bad = {
        "no header": b"123456789",
        "no frame": hdr() + f[:13],
        "hdr_len": hdr(hdr_len=len(f) + 1) + f,
        "csum behind the end": hdr(NEEDS_CSUM, start=len(f) - 1, offset=0) + f,
        "csum offset behind the end": hdr(NEEDS_CSUM, start=34, offset=len(f)) + f,
        "gso type": hdr(gso=2, size=100) + ip4,
        "gso type 7": hdr(gso=7, size=100) + ip4,
        "ecn alone": hdr(gso=0x80) + f,
        "tunnel": hdr(NEEDS_CSUM, 0x21, 54, 1000, 34, 16) + tcp4,
        "tunnel 6": hdr(NEEDS_CSUM, 0x41, 54, 1000, 34, 16) + tcp4,
        "gso size 0": hdr(NEEDS_CSUM, GSO_TCPV4, 54, 0, 34, 16) + tcp4,
        "not tcp": hdr(0, GSO_TCPV4, 0, 50) + ip4,
        "udp without csum": hdr(0, GSO_UDP_L4, 42, 50) + ip4,
        "udp csum elsewhere": hdr(NEEDS_CSUM, GSO_UDP_L4, 42, 50, 34, 16) + ip4,
        "tcp csum elsewhere": hdr(NEEDS_CSUM, GSO_TCPV4, 54, 1000, 34, 6) + tcp4,
    }
    for what, data in bad.items():
        before = stat("tx_dropped")
        try:
            with refused(errno.EINVAL):
                os.write(fd, data)
        except Exception as error:
            raise AssertionError(what) from error
        same(f"{what}: counted", stat("tx_dropped") - before, 1)
    # Nor may the bytes be missing.
    before = stat("tx_dropped")
    same("from nowhere", libc.write(fd, ctypes.c_void_p(8), 100), -1)
    same("errno", ctypes.get_errno(), errno.EFAULT)
    same("counted", stat("tx_dropped") - before, 1)

    # What is not refused arrives as it is.
    good = [f, f[:14], frame(b"z" * 1480), frame(b"q" * 46, protocol=46),
            frame(b"\x00\x05\x88\xb5" + b"v" * 50, protocol=0x8100)]
    for data in good:
        same("written", os.write(fd, hdr() + data), 10 + len(data))
        # What receives takes a tag out of the frame.
        want = data[:12] + data[16:] if data[12:14] == b"\x81\x00" else data
        same("at the wire", at_wire(wire, wanted)[0], want)
    same("writev", os.writev(fd, [hdr()[:3], hdr()[3:] + f[:20], f[20:]]), 10 + len(f))
    same("at the wire", at_wire(wire, wanted)[0], f)
    # Longer headers, of which the rest does not count; and none.
    command(fd, TUNSETVNETHDRSZ, "int", 20)
    same("written", os.write(fd, hdr() + b"?" * 10 + f), 20 + len(f))
    same("at the wire", at_wire(wire, wanted)[0], f)
    command(fd, TUNSETVNETHDRSZ, "int", 10)
    plain(fd)
    same("written", os.write(fd, f), len(f))
    same("at the wire", at_wire(wire, wanted)[0], f)
    # Header lengths that are not headers' are only a hint; and one piece is not needed.
    command(fd, TUNSETIFF, "ifr", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
    big = frame(b"b" * 60000)
    ip("link set wire0 mtu 65000", "W")
    ip("link set eth0 mtu 65000")
    ip("link set t0 mtu 65000")
    for hint in (0, 14, 60, 3000, 60014):
        same("written", os.write(fd, hdr(hdr_len=hint) + big), 10 + len(big))
        same("at the wire", at_wire(wire, wanted)[0], big)
    # A device that is down takes it, and drops it.
    ip("link set t0 down")
    before = stat("tx_packets")
    same("down", os.write(fd, hdr() + f), 10 + len(f))
    same("sent", stat("tx_packets"), before)


def csum_out():
    """What is left to be computed is computed before it is on a wire."""
    subprocess.run("nsenter --net=/run/netns/S ethtool -K eth0 tx off tso off gso off >/dev/null", shell=True, check=True)
    fd, wire = tap(), packet_socket("W", "wire0", 0x800)
    packet = partial(ipv4(17, udp(b"u" * 101)), 6)
    os.write(fd, hdr(NEEDS_CSUM, start=34, offset=6) + frame(packet, protocol=0x800))
    got = at_wire(wire, lambda f: f[6:12] == MAC)[0]
    same("length", len(got), 14 + len(packet))
    assert valid(got[14:]), got.hex()
    # In either order of bytes.
    command(fd, TUNSETVNETLE, "int", 1)
    os.write(fd, hdr(NEEDS_CSUM, start=34, offset=6, order="<") + frame(packet, protocol=0x800))
    assert valid(at_wire(wire, lambda f: f[6:12] == MAC)[0][14:])
    command(fd, TUNSETVNETLE, "int", 0)
    # Large frames are cut, each with its checksum.
    for gso, offset, data, size in ((GSO_TCPV4, 16, tcp(b"t" * 10000), 1000), (GSO_UDP_L4, 6, udp(b"d" * 10000), 1000)):
        packet = partial(ipv4(6 if gso == GSO_TCPV4 else 17, data), offset)
        length = 14 + 20 + len(data) - 10000
        same("written", os.write(fd, hdr(NEEDS_CSUM, gso, length, size, 34, offset) + frame(packet, protocol=0x800)),
             24 + len(packet))
        pieces = at_wire(wire, lambda f: f[6:12] == MAC, 10)
        for piece in pieces:
            same("length", len(piece), length + 1000)
            assert valid(piece[14:]), piece.hex()
        same("bytes", b"".join(p[length:] for p in pieces), data[-10000:])


def owners():
    """Rules can tell whose frames are written: of who has opened the node."""
    def nft(words):
        return subprocess.run(["nft", words], check=True, capture_output=True, text=True).stdout

    def counted():
        return [int(line.split("packets ")[1].split()[0]) for line in nft("list table netdev taps").split("\n")
                if "counter" in line]

    def begin():
        ip("link add low9 up type dummy", "")
        ip(f"link add link low9 name tap9 index 109 {TYPE}", "")
        ip("link set tap9 up", "")
        hook = "chain %s { type filter hook egress device %s priority 0; meta skuid 1234 counter; ether type 0x88b5 counter; }; "
        nft("table netdev taps { " + hook % ("a", "tap9") + hook % ("b", "low9") + " }")
        os.chown("/dev/tap109", 1234, 1234)
        os.seteuid(1234)
        fd = plain(tap(NONBLOCK, "/dev/tap109"))
        os.seteuid(0)
        return fd

    def end():
        ip("link del low9", "")
        nft("delete table netdev taps")

    try:
        fd = begin()
        for _ in range(5):
            os.write(fd, frame())
        same("seen, by owner and all, above and below", counted(), [5, 5, 5, 5])
        if OURS:
            # Nor does he get out of their reach by a namespace of his own.
            if not (child := os.fork()):
                status = 1
                try:
                    assert not ctypes.CDLL(None).unshare(0x50000000)  # CLONE_NEWUSER | CLONE_NEWNET
                    with refused(errno.EPERM):
                        fcntl.ioctl(fd, TAP_GET_SOCKET)
                    os.write(fd, frame())
                    status = 0
                finally:
                    os._exit(status)
            same("its status", os.waitpid(child, 0)[1], 0)
            same("seen, from there too", counted(), [6, 6, 6, 6])
            # When the file is gone nobody is their owner.
            qdisc = "tc qdisc replace dev tap9 root tbf burst 2000 limit 10000000 rate "
            subprocess.run(qdisc + "8kbit", shell=True, check=True)
            for _ in range(20):
                os.write(fd, frame(bytes(1400)))
            os.close(fd)
            before = counted()
            assert before[3] < 11, before
            subprocess.run(qdisc + "1gbit", shell=True, check=True)
            until("all are sent", lambda: counted()[3] == 26)
            same("by owner", counted()[2], before[2])
    finally:
        end()


# --- E5: read ---------------------------------------------------------------------

def reads():
    fd, wire = tap(NONBLOCK), packet_socket("W", "wire0")
    f = frame(b"0123" + b"x" * 100, MAC, WIRE_MAC)

    def one(size, data=f, **kw):
        wire.send(data)
        until("a frame", lambda: select.select([fd], [], [], 0)[0])
        return os.read(fd, size)

    drained(fd)
    same("nothing wanted", os.read(fd, 0), b"")
    same("whole", one(2000), bytes(10) + f)
    same("cut", one(50), (bytes(10) + f)[:50])
    same("header only", one(10), bytes(10))
    with refused(errno.EAGAIN):
        os.read(fd, 100)
    # Too little for the header: the frame is lost.
    with refused(errno.EINVAL):
        one(9)
    with refused(errno.EAGAIN):
        os.read(fd, 100)
    command(fd, TUNSETVNETHDRSZ, "int", 16)
    same("longer header", one(2000), bytes(16) + f)
    command(fd, TUNSETVNETHDRSZ, "int", 10)
    plain(fd)
    same("no header", one(2000), f)
    # A tag comes back where it was on the wire, wherever the room ends.
    tagged = f[:12] + b"\x81\x00\x00\x07" + f[12:]
    for room in (2000, len(tagged), 20, 18, 17, 16, 15, 13, 12, 5):
        got = one(room, tagged)
        if OURS or room not in (13, 14, 15, 16):
            same(f"tagged, {room}", got, tagged[:room])
    command(fd, TUNSETIFF, "ifr", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
    same("tagged, with a header", one(2000, tagged), bytes(10) + tagged)
    # Several buffers, and a file that may not wait.
    plain(fd)
    wire.send(f)
    until("a frame", lambda: select.select([fd], [], [], 0)[0])
    buffers = [bytearray(5), bytearray(0), bytearray(9), bytearray(2000)]
    same("readv", os.readv(fd, buffers), len(f))
    same("bytes", b"".join(buffers)[:len(f)], f)
    os.set_blocking(fd, True)
    with refused(errno.EAGAIN):
        os.preadv(fd, [bytearray(100)], -1, os.RWF_NOWAIT)
    # Bytes for nobody: gone.
    wire.send(f)
    until("a frame", lambda: select.select([fd], [], [], 0)[0])
    same("to nowhere", libc.read(fd, ctypes.c_void_p(8), 100), -1)
    same("errno", ctypes.get_errno(), errno.EFAULT)
    os.set_blocking(fd, False)
    with refused(errno.EAGAIN):
        os.read(fd, 100)


def sleeps():
    """A reader waits for a frame, and for a signal."""
    fd, wire = plain(tap()), packet_socket("W", "wire0")
    got = []
    reader = threading.Thread(target=lambda: got.append(os.read(fd, 2000)))
    reader.start()
    time.sleep(0.3)
    assert not got
    send(wire, 1)
    reader.join(5 * SLOW)
    same("read", [f[:14] for f in got], [frame(b"", MAC, WIRE_MAC)])

    class Rang(Exception):
        pass

    def ring(*_):
        raise Rang

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        os.read(fd, 2000)
        raise AssertionError("read without a frame")
    except Rang:
        pass
    # Killed while it sleeps.
    child = os.fork()
    if not child:
        os.read(fd, 2000)
        os._exit(0)
    time.sleep(0.2)
    os.kill(child, signal.SIGKILL)
    same("status", os.waitpid(child, 0)[1], signal.SIGKILL)


def tag_in_header(dev, *more):
    """A device below leaves its tags in the header (reorder_hdr off): to a reader they are gone."""
    fd, wire, below = tap(NONBLOCK), packet_socket("W", "wire0", 0), packet_socket("S", dev, 3)
    end = b"behind all tags"
    f = frame(ipv4(17, udp(b"t" * 40 + end), "10.0.0.3", "10.0.0.101"), MAC, WIRE_MAC, 0x800)
    tags = b"".join(b"\x81\x00" + struct.pack("!H", int(tag)) for tag in dev.split(".")[1:])
    drained(fd)
    wire.send(f[:12] + tags + f[12:])
    same("read", received(fd, lambda got: got.endswith(end)), [bytes(10) + f])
    if OURS:
        # A packet socket there keeps what it has got.
        same("below", at_wire(below, lambda got: got.endswith(end))[0], f[:12] + tags + f[12:])
    # As to those beside the tap.
    for name in more:
        beside = packet_socket("M", name, 3)
        g = f[:-1] + b"?"
        wire.send(bytes([255] * 6) + g[6:12] + tags + g[12:])
        same("beside", at_wire(beside, lambda got: got.endswith(g[-15:]))[0], bytes([255] * 6) + g[6:])


# --- E5, E6: what a frame that nobody reads keeps ------------------------------------

def dies(ns, other):
    """The namespace is deleted, and not kept by anybody: its half of a pair goes, too."""
    ip(f"link add last type veth peer name first netns {ns}", other)
    subprocess.run(["ip", "netns", "del", ns], check=True)
    until(f"{ns} is gone", lambda: not os.path.exists(f"/run/netns/{ns}") and subprocess.run(
        ["ip", "-n", other, "link", "show", "dev", "last"], check=False, capture_output=True).returncode)


def reachable(ns, dev, address):
    """Who is in the namespace need not ask for the tap's address."""
    ip(f"neigh replace {address} lladdr {MAC.hex(':')} dev {dev} nud permanent", ns)


def sender_gone(*how):
    """A frame that waits does not keep who sent it, nor that one's namespace."""
    fd = tap(NONBLOCK)
    if how:
        fd = command(fd, TAP_GET_SOCKET)
        os.set_blocking(fd, False)
    reachable("M", "m0", "10.0.0.101")
    drained(fd)
    with inside("M"):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.sendto(b"the last words", ("10.0.0.101", 9))
    sock.close()
    until("a frame", lambda: select.select([fd], [], [], 0)[0])
    dies("M", "T")
    received(fd, lambda f: f.endswith(b"the last words"))


def socket_sender_gone():
    """Nor if that was a tap with a socket, which is of a namespace."""
    fd = tap(NONBLOCK)
    ip(f"link add link eth0 name t1 index 102 address 02:00:00:00:01:03 {TYPE}")
    ip("link set t1 up")
    with inside("M"):
        writer = plain(tap(NONBLOCK, "/dev/tap102"))
    # One that is sent before there is a socket, and one that is sent afterwards.
    frames = [frame(words, MAC, mac("t1")) for words in (b"the first words", b"the last words")]
    drained(fd)
    os.write(writer, frames[0])
    until("a frame", lambda: select.select([fd], [], [], 0)[0])
    with inside("M"):
        sock = command(writer, TAP_GET_SOCKET)
    os.write(writer, frames[1])
    os.close(sock)
    os.close(writer)
    dies("M", "T")
    for f in frames:
        received(fd, lambda got, f=f: got[10:] == f)


def sender_goes_on(*how):
    """A sender has its pages back, and room for more, while nobody reads."""
    fd = tap(NONBLOCK)
    if how:
        fd = command(fd, TAP_GET_SOCKET)
        os.set_blocking(fd, False)
    reachable("M", "m0", "10.0.0.101")
    drained(fd)
    ip("addr add 10.0.0.3/24 dev wire0", "W")

    def sent(ns, data, to):
        """By MSG_ZEROCOPY; then the pages are free."""
        with inside(ns):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, 60, 1)  # SO_ZEROCOPY
        sock.sendto(data, 0x4000000, (to, 9))
        poll = select.poll()
        poll.register(sock, 0)
        same("told that they are free", [event for _, event in poll.poll(5000 * SLOW)], [select.POLLERR])
        return sock

    sock = sent("M", b"z" * 1400, "10.0.0.101")
    # Fragments, which are put together before everybody gets a copy.
    sent("W", b"f" * 3000, "10.0.0.255")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 5000)
    sock.settimeout(5 * SLOW)
    for _ in range(100):
        sock.sendto(b"w" * 1000, ("10.0.0.101", 9))
    # In any order: who is slow gets the broadcast after some of the last ones.
    counts = {b"z" * 1400: 1, b"f" * 3000: 1, b"w" * 1000: 100}
    frames = received(fd, lambda f: f.endswith(tuple(counts)), sum(counts.values()))
    for end, count in counts.items():
        same(f"frames with {end[:1]}", sum(f.endswith(end) for f in frames), count)


def second_tap():
    """A reader, and a writer of another tap to the first one, which may have little under way."""
    fd = plain(tap(NONBLOCK))
    ip(f"link add link eth0 name t1 index 102 address 02:00:00:00:01:03 {TYPE}")
    ip("link set t1 up")
    writer = plain(tap(NONBLOCK, "/dev/tap102"))
    command(writer, TUNSETSNDBUF, "int", 20000)
    drained(fd)
    return fd, writer, frame(b"w" * 1000, MAC, mac("t1"))


def taps_go_on():
    """Who does not read stops nobody: neither to himself nor to others."""
    fd, writer, f = second_tap()
    for _ in range(2000):
        same("written", os.write(writer, f), len(f))
    wire = packet_socket("W", "wire0", 0x88B5)
    out = frame(b"o" * 100, WIRE_MAC, mac("t1"))
    same("written", os.write(writer, out), len(out))
    until("a frame on the wire", lambda: select.select([wire], [], [], 0)[0])
    same("arrived", received(fd, lambda got: got == f, 500), [f] * 500)


def taps_wait():
    """A tap that writes to another waits for its reader."""
    fd, writer, f = second_tap()
    count = 0
    with refused(errno.EAGAIN):
        while count < 400:
            count += os.write(writer, f) == len(f)
    poll = select.poll()
    poll.register(writer, select.POLLOUT)
    same("no room", poll.poll(0), [])
    same("arrived", received(fd, lambda got: got == f, count), [f] * count)
    same("room", poll.poll(5000 * SLOW), [(writer, select.POLLOUT)])


def longest():
    """Nobody has room for more, whoever asks for memory; and no datagram is sent in fragments that cannot be."""
    fd = tap(NONBLOCK)
    head = 14 + 4 + 4
    for length in (65536 + head, 65536 + head - 1):
        os.write(fd, hdr() + frame(bytes(length - 14)))
    for length in (65536 + head + 1, 70000, 4 << 20, 64 << 20):
        with refused(errno.EMSGSIZE):
            os.write(fd, hdr() + frame(bytes(length - 14)))
    datagram = frame(ipv4(17, udp(bytes(2000))), WIRE_MAC, MAC, 0x800)
    for size in (0, 1, 7):
        for kind in (3, 0x83):
            with refused(errno.EINVAL):
                os.write(fd, hdr(gso=kind, size=size) + datagram)
    os.write(fd, hdr(gso=3, size=1000) + datagram)


def entry_gone():
    """A frame that waits does not keep its entry of connection tracking, for which the namespace would
    wait, and with it the end of every other one."""
    fd, wire = tap(NONBLOCK), packet_socket("W", "wire0", 0)
    f = frame(ipv4(17, udp(b"c" * 30), "10.0.0.3", "10.0.0.2"), MAC, WIRE_MAC, 0x800)

    def tracked():
        return "counter packets 0 " not in subprocess.run(
            ["ip", "netns", "exec", "S", "nft", "list ruleset"], check=True, capture_output=True, text=True).stdout

    wire.send(f)
    until("a frame that had an entry", lambda: select.select([fd], [], [], 0)[0] and tracked())
    wire.close()
    subprocess.run(["ip", "netns", "del", "S"], check=True)
    dies("M", "W")
    # The end, when there is nothing left, is an error.
    while os.read(fd, 2000)[10:] != f:
        pass


# --- E6: ring, poll ---------------------------------------------------------------

def ring():
    fd, wire = plain(tap(NONBLOCK)), packet_socket("W", "wire0")
    drained(fd)
    errors, dropped = stat("rx_errors"), stat("rx_dropped")
    send(wire, 600)
    until("all seen", lambda: stat("rx_errors") - errors == 100)
    same("dropped", stat("rx_dropped") - dropped, 100)
    # Room comes back by sixteen.
    first = drained(fd, 1)
    same("first", number(first[0], 14), 0)
    send(wire, 1)
    until("one more dropped", lambda: stat("rx_errors") - errors == 101)
    rest = drained(fd, 15)
    send(wire, 17)
    until("one of 17 dropped", lambda: stat("rx_errors") - errors == 102)
    rest += drained(fd)
    same("in order", [number(f, 14) for f in first + rest], [*range(500), *range(16)])

    # The length of the ring follows, with what is in it.
    send(wire, 100)
    until("all there", lambda: stat("rx_packets") > 0)
    time.sleep(0.2 * SLOW)
    ip("link set t0 txqueuelen 60")
    same("kept", [number(f, 14) for f in drained(fd)], [*range(60)])
    send(wire, 100)
    time.sleep(0.3 * SLOW)
    same("shorter", len(drained(fd)), 60)
    ip("link set t0 txqueuelen 0")
    errors = stat("rx_errors")
    send(wire, 5)
    until("all dropped", lambda: stat("rx_errors") - errors == 5)
    with refused(errno.EAGAIN):
        os.read(fd, 100)
    # A queue that is opened now begins that way, and is made longer with the others.
    other = plain(tap(NONBLOCK))
    ip("link set t0 txqueuelen 1000")
    command(fd, TUNSETQUEUE, "ifr", IFF_DETACH_QUEUE)
    send(wire, 900)
    time.sleep(0.3 * SLOW)
    same("longer", len(drained(other)), 900)


def polls():
    fd, wire = plain(tap(NONBLOCK)), packet_socket("W", "wire0")
    drained(fd)
    poll = select.poll()
    every = select.POLLIN | select.POLLOUT | select.POLLRDNORM | select.POLLWRNORM
    poll.register(fd, every)
    same("nothing", poll.poll(0), [(fd, select.POLLOUT | select.POLLWRNORM)])
    send(wire, 1)
    until("a frame", lambda: poll.poll(0) == [(fd, every)])
    drained(fd)
    # Who waits is woken, once if he asked for edges.
    edges = select.epoll()
    edges.register(fd, select.EPOLLIN | select.EPOLLET)
    same("nothing", edges.poll(0), [])
    send(wire, 1)
    same("an edge", edges.poll(5 * SLOW), [(fd, select.EPOLLIN)])
    same("no second one", edges.poll(0.1), [])
    drained(fd)
    # What is written and not yet sent counts.
    subprocess.run("tc -n S qdisc replace dev t0 root tbf rate 8kbit burst 2000 limit 10000000", shell=True, check=True)
    command(fd, TUNSETSNDBUF, "int", 20000)
    count = 0
    try:
        while count < 1000:
            os.write(fd, frame(b"o" * 1400))
            count += 1
    except BlockingIOError:
        pass
    assert 5 < count < 100, count
    same("no room", poll.poll(0), [])
    for wrong in (0, -1):
        with refused(errno.EINVAL):
            command(fd, TUNSETSNDBUF, "int", wrong)
    if OURS:
        # A writer that waits goes on when there is room.
        os.set_blocking(fd, True)
        done = []
        writer = threading.Thread(target=lambda: done.append(os.write(fd, frame(b"o" * 1400))))
        writer.start()
        time.sleep(0.3)
        assert not done
        subprocess.run("tc -n S qdisc del dev t0 root", shell=True, check=True)
        writer.join(5 * SLOW)
        same("written", done, [1414])
        # A signal for who wants one.
        os.set_blocking(fd, False)
        rang = []
        signal.signal(signal.SIGIO, lambda *_: rang.append(1))
        fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK | os.O_ASYNC)
        send(wire, 1)
        until("SIGIO", lambda: rang)
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
        rang.clear()
        send(wire, 1)
        received(fd, count=2)
        same("no SIGIO", rang, [])
        signals_room(fd)


def signals_room(fd):
    """A signal for who was refused, when there is room."""
    wanted = signal.SIGRTMIN
    signal.pthread_sigmask(signal.SIG_BLOCK, {wanted})
    command(fd, TUNSETQUEUE, "ifr", IFF_DETACH_QUEUE)
    drained(fd)
    fcntl.fcntl(fd, 10, wanted)  # F_SETSIG: it says what for
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK | os.O_ASYNC)
    subprocess.run("tc -n S qdisc replace dev t0 root tbf rate 8kbit burst 2000 limit 10000000", shell=True, check=True)
    with refused(errno.EAGAIN):
        while True:
            os.write(fd, frame(b"o" * 1400))
    same("none yet", signal.sigtimedwait({wanted}, 0.2), None)
    subprocess.run("tc -n S qdisc del dev t0 root", shell=True, check=True)
    info = signal.sigtimedwait({wanted}, 5 * SLOW)
    assert info and info.si_band & select.POLLOUT, info


# --- E7: what a reader gets ---------------------------------------------------------

def offloads():
    """Large frames of a sibling, whole or cut, and checksums."""
    fd, sock = tap(NONBLOCK), packet_socket("M", "m0", 0)
    sock.setsockopt(SOL_PACKET, 15, 1)  # PACKET_VNET_HDR
    data = tcp(b"t" * 10000)
    packet = partial(ipv4(6, data), 16)
    large = hdr(NEEDS_CSUM, GSO_TCPV4, 54, 1000, 34, 16) + frame(packet, MAC, mac("m0", "M"), 0x800)
    mine = lambda at: lambda f: f[at + 12:at + 14] == b"\x08\x00"

    sock.send(large)
    got = received(fd, mine(10))[0]
    flags, gso, hdr_len, size, start, offset = struct.unpack("=BBHHHH", got[:10])
    same("header", (flags, gso, size, start, offset), (NEEDS_CSUM, GSO_TCPV4, 1000, 34, 16))
    assert 54 <= hdr_len <= len(got) - 10, hdr_len
    same("whole", len(got), 10 + len(large) - 10)
    # With less allowed it is cut; and with nothing, checksums are computed.
    for allowed, wanted in ((CSUM, NEEDS_CSUM), (CSUM | TSO6, NEEDS_CSUM), (0, 0), (TSO4 | TSO6, 0)):
        command(fd, TUNSETOFFLOAD, None, allowed)
        sock.send(large)
        pieces = received(fd, mine(10), 10)
        for piece in pieces:
            same("type", piece[1], GSO_NONE)
            same("length", len(piece), 10 + 54 + 1000)
            same(f"flags for {allowed}", piece[0] & NEEDS_CSUM, wanted)
            if not wanted:
                assert valid(piece[24:]), piece.hex()
    command(fd, TUNSETOFFLOAD, None, CSUM | TSO4 | TSO6 | ECN)
    sock.send(large)
    same("whole again", len(received(fd, mine(10))[0]), len(large))
    # UDP only if both versions may be cut.
    packet = partial(ipv4(17, udp(b"d" * 10000)), 6)
    large = hdr(NEEDS_CSUM, GSO_UDP_L4, 42, 1000, 34, 6) + frame(packet, MAC, mac("m0", "M"), 0x800)
    command(fd, TUNSETOFFLOAD, None, CSUM | USO4)
    sock.send(large)
    same("cut", {len(f) for f in received(fd, mine(10), 10)}, {10 + 42 + 1000})
    command(fd, TUNSETOFFLOAD, None, CSUM | USO4 | USO6)
    sock.send(large)
    got = received(fd, mine(10))[0]
    same("whole", (len(got), got[1]), (len(large), GSO_UDP_L4))
    for unknown in (0x80, 0x100, 1 << 30):
        with refused(errno.EINVAL):
            command(fd, TUNSETOFFLOAD, None, unknown)
    # Without a header there is no place for what is left to be done.
    plain(fd)
    sock.send(large)
    for piece in received(fd, mine(0), 10):
        same("length", len(piece), 42 + 1000)
        assert valid(piece[14:]), piece.hex()


def big_tcp():
    """What is longer than a reader has room for is cut, whatever he says that he takes."""
    ip("link set wire0 gso_max_size 200000", "W")
    fd, sock = tap(NONBLOCK), packet_socket("W", "wire0", 0)
    sock.setsockopt(SOL_PACKET, 15, 1)  # PACKET_VNET_HDR
    payload = os.urandom(100000)
    # The length of such a packet is not in its header.
    header = struct.pack("!IHBB", 6 << 28, 0, 6, 64) + socket.inet_pton(socket.AF_INET6, "fd00::3") + socket.inet_pton(
        socket.AF_INET6, "fd00::101")
    sock.send(hdr(NEEDS_CSUM, GSO_TCPV6, 74, 1440, 54, 16) + frame(header + tcp(payload), MAC, WIRE_MAC, 0x86DD))
    pieces = received(fd, lambda f: f[22:24] == b"\x86\xdd" and f[30] == 6, -(-len(payload) // 1440))
    same("lengths", {len(f) for f in pieces[:-1]}, {10 + 74 + 1440})
    same("bytes", b"".join(f[10 + 74:] for f in pieces), payload)


def segments_lost():
    """A frame is cut, and the ring is full."""
    ip("link set t0 txqueuelen 4")
    fd = plain(tap(NONBLOCK))
    drained(fd)
    sock = packet_socket("M", "m0", 0)
    sock.setsockopt(SOL_PACKET, 15, 1)
    packet = partial(ipv4(6, tcp(b"t" * 10000)), 16)
    errors = stat("rx_errors")
    sock.send(hdr(NEEDS_CSUM, GSO_TCPV4, 54, 1000, 34, 16) + frame(packet, MAC, mac("m0", "M"), 0x800))
    same("kept", len(received(fd, lambda f: f[12:14] == b"\x08\x00", 4)), 4)
    if OURS:
        until("counted", lambda: stat("rx_errors") - errors == 6)


def by_address(mode):
    """ipvtap: what is for an address of the link comes in, and what is written goes out."""
    fd, wire = plain(tap(NONBLOCK)), packet_socket("W", "wire0", 3)
    lower = mac("eth0")
    drained(fd)
    packets = {0x800: lambda a, b: ipv4(17, udp(b"u" * 40), a, b), 0x86DD: lambda a, b: ipv6(17, udp(b"u" * 40), a, b)}
    for protocol, packet in packets.items():
        mine, theirs = ("10.0.0.101", "10.0.0.3") if protocol == 0x800 else ("fd00::101", "fd00::3")
        f = frame(packet(theirs, mine), lower, WIRE_MAC, protocol)
        wire.send(f)
        if mode == "l3s":
            # It is received by the link's own stack.
            time.sleep(0.3 * SLOW)
            same("read", [got for got in drained(fd) if got[14:] == f[14:]], [])
        else:
            same("read", received(fd, lambda got: got[12:14] == f[12:14] and got[14:] == f[14:]), [f])
        if mode != "l2" and protocol == 0x86DD and not OURS:
            # The kernel takes the tap's socket for one of IPv6.
            continue
        f = frame(packet(mine, theirs), WIRE_MAC, lower, protocol)
        same("written", os.write(fd, f), len(f))
        got = at_wire(wire, lambda got: got[12:14] == f[12:14] and len(got) == len(f))[0]
        same("addresses", got[:12], f[:12])
        # What routes counts down.
        same("packet", got[22:], f[22:]) if protocol == 0x86DD else same("packet", got[26:], f[26:])


def options():
    """ipvtap, l3: the options of a header are those that were written, in each fragment;
    a header that is longer than its packet does not go out."""
    fd, wire, lower = tap(NONBLOCK), packet_socket("W", "wire0", 0x800), mac("eth0")
    # Only the Ethernet header has to be linear.
    vnet = struct.pack("=BBHHHH", 0, 0, 14, 0, 0, 0)

    def packet(payload, ident):
        head = struct.pack("!BBHHHBBH4s4s", 0x4F, 0, 60 + len(payload), ident, 0, 64, 253, 0,
                           socket.inet_aton("10.0.0.101"), socket.inet_aton("10.0.0.3")) + b"\1" * 40
        head = head[:10] + struct.pack("!H", ~checksum(head) & 0xFFFF) + head[12:]
        return vnet + frame(head + payload, WIRE_MAC, lower, 0x800)

    def arrived(count):
        return at_wire(wire, lambda got: got[23] == 253, count)

    os.write(fd, packet(b"d" * 5000, 1))
    for got in arrived(4):
        same("options", got[34:74], b"\1" * 40)
    os.write(fd, packet(b"", 2)[:len(vnet) + 60])
    os.write(fd, packet(b"d" * 100, 3))
    same("which packet", struct.unpack_from("!H", arrived(1)[0], 18)[0], 3)


# --- E8: queues and commands ----------------------------------------------------------

def queues():
    fds = [plain(tap(NONBLOCK)) for _ in range(3)]
    wire = packet_socket("W", "wire0", 0)
    flow = lambda n: frame(ipv4(17, udp(b"f" * 20), src=f"10.0.1.{n}"), MAC, WIRE_MAC, 0x800)
    mine = lambda f: f[12:14] == b"\x08\x00"

    def where(count):
        """Which queue each flow is in."""
        places = {}
        for n in range(1, 41):
            for _ in range(2):
                wire.send(flow(n))
        end = time.monotonic() + 5 * SLOW
        seen = 0
        while seen < 80 and time.monotonic() < end:
            for at, fd in enumerate(fds):
                for f in filter(mine, drained(fd)):
                    places.setdefault(f[29], set()).add(at)
                    seen += 1
        same("frames", seen, 80)
        assert all(len(at) == 1 for at in places.values()), places
        same("queues in use", len(set().union(*places.values())), count)
        return places

    before = where(3)
    same("a flow stays", where(3), before)
    command(fds[1], TUNSETQUEUE, "ifr", IFF_DETACH_QUEUE)
    where(2)
    for flags in (IFF_DETACH_QUEUE, 0):
        with refused(errno.EINVAL):
            command(fds[1], TUNSETQUEUE, "ifr", flags)
    # One that is detached still writes.
    os.write(fds[1], frame(dst=WIRE_MAC))
    command(fds[1], TUNSETQUEUE, "ifr", IFF_ATTACH_QUEUE | IFF_DETACH_QUEUE)
    with refused(errno.EINVAL):
        command(fds[1], TUNSETQUEUE, "ifr", IFF_ATTACH_QUEUE)
    where(3)
    os.close(fds.pop(0))
    where(2)
    # With nobody attached it is a card with a stack, like any other.
    ip("addr add 10.0.0.101/24 dev t0")
    ip("addr add 10.0.0.3/24 dev wire0", "W")
    pings = ["ip", "netns", "exec", "W", "ping", "-q", "-c", "1", "-W", "1", "10.0.0.101"]
    assert subprocess.run(pings, check=False, stdout=subprocess.DEVNULL).returncode
    for fd in fds:
        command(fd, TUNSETQUEUE, "ifr", IFF_DETACH_QUEUE)
    until("an answer", lambda: not subprocess.run(pings, check=False, stdout=subprocess.DEVNULL).returncode)
    os.close(fds.pop())
    assert not subprocess.run(pings, check=False, stdout=subprocess.DEVNULL).returncode


def commands():
    fd = tap(NONBLOCK)
    for flags in (IFF_TAP | IFF_NO_PI, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE,
                  IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE):
        command(fd, TUNSETIFF, "ifr", flags)
        same("flags", struct.unpack_from("=H", command(fd, TUNGETIFF, "ifr"), 16)[0], flags)
    for flags in (0, IFF_TAP, IFF_NO_PI, IFF_TUN | IFF_NO_PI, IFF_TAP | IFF_NO_PI | 0x10, IFF_TAP | IFF_NO_PI | 0x8000):
        with refused(errno.EINVAL):
            command(fd, TUNSETIFF, "ifr", flags)
    same("still", struct.unpack_from("=H", command(fd, TUNGETIFF, "ifr"), 16)[0], flags & 0 | IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE)
    for size in (9, 0, -1, -(1 << 31)):
        with refused(errno.EINVAL):
            command(fd, TUNSETVNETHDRSZ, "int", size)
    for size in (10, 12, 4000, (1 << 31) - 1, 10):
        command(fd, TUNSETVNETHDRSZ, "int", size)
        same("size", command(fd, TUNGETVNETHDRSZ, "int"), size)
    for value, wanted in ((1, 1), (7, 1), (0, 0)):
        command(fd, TUNSETVNETLE, "int", value)
        same("little", command(fd, TUNGETVNETLE, "int"), wanted)
    # What a tun device knows besides, and what nobody does.
    for other in (TUNGETVNETBE, TUNSETVNETBE, 0x800454D3, 0x400454CB, 0x400454CC, 0x400454CD, 0x400454CE,
                  0x400454D1, 0x401054D5, 0x801054DB, 0x400454DA, 0x800454E0, 0x400454E2, 0x54E3, 0, 0x5401, 0x8913):
        with refused(errno.EINVAL):
            command(fd, other, "int", 0)
    # The address.
    got = command(fd, SIOCGIFHWADDR, "ifr")
    same("address", got[:24], b"t0".ljust(16, b"\0") + struct.pack("=H", 1) + MAC)
    want = bytearray(40)
    struct.pack_into("=H6s", want, 16, 1, bytes.fromhex("020000000077"))
    fcntl.ioctl(fd, SIOCSIFHWADDR, bytes(want))
    same("changed", mac(), bytes.fromhex("020000000077"))
    struct.pack_into("=H", want, 16, 2)
    with refused(errno.EINVAL):
        fcntl.ioctl(fd, SIOCSIFHWADDR, bytes(want))
    struct.pack_into("=H6s", want, 16, 1, bytes.fromhex("030000000077"))
    with refused(errno.EADDRNOTAVAIL):
        fcntl.ioctl(fd, SIOCSIFHWADDR, bytes(want))
    struct.pack_into("=H6s", want, 16, 1, mac("eth0"))
    with refused(errno.EADDRINUSE):
        fcntl.ioctl(fd, SIOCSIFHWADDR, bytes(want))
    if OURS:
        # What needs rights by netlink needs them here.
        struct.pack_into("=H6s", want, 16, 1, bytes.fromhex("020000000078"))
        child = os.fork()
        if not child:
            os.setuid(65534)
            with refused(errno.EPERM):
                fcntl.ioctl(fd, SIOCSIFHWADDR, bytes(want))
            command(fd, TUNSETOFFLOAD, None, 0)
            os._exit(0)
        same("without rights", os.waitpid(child, 0)[1], 0)
    # Addresses that are none.
    for cmd in (TUNSETIFF, TUNGETIFF, TUNSETQUEUE, TUNGETFEATURES, TUNSETSNDBUF, TUNGETVNETHDRSZ,
                TUNSETVNETHDRSZ, TUNGETVNETLE, TUNSETVNETLE, SIOCGIFHWADDR, SIOCSIFHWADDR):
        same(f"{cmd:x}", (libc.ioctl(fd, ctypes.c_ulong(cmd), ctypes.c_void_p(8)), ctypes.get_errno()), (-1, errno.EFAULT))


class Compat:
    """Commands as a 32-bit program gives them: int $0x80, with memory below 4 GB."""

    def __init__(self):
        libc.mmap.restype = ctypes.c_void_p
        self.low = libc.mmap(None, ctypes.c_size_t(8192), 7, 0x62, -1, ctypes.c_long(0))  # MAP_32BIT
        assert self.low < 1 << 32
        # push rbx; mov eax, 54; mov ebx, edi; mov ecx, esi; int 0x80; pop rbx; ret. Sets edx itself.
        ctypes.memmove(self.low, b"\x53\xb8\x36\0\0\0\x89\xfb\x89\xf1\xcd\x80\x5b\xc3", 14)
        self.call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint)(self.low)

    def ioctl(self, fd, number, arg=b""):
        """With an argument that is a number, or bytes; what these are afterwards."""
        at = arg
        if isinstance(arg, bytes):
            at = self.low + 4096
            ctypes.memmove(at, arg, len(arg))
        result = self.call(fd, number, at)
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return ctypes.string_at(at, len(arg)) if isinstance(arg, bytes) else result


FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP = 0x8901, 0x8902, 0x8903, 0x8904
SIOCGIFCONF, SIOCGIFFLAGS, SIOCETHTOOL, SIOCGSKNS = 0x8912, 0x8913, 0x8946, 0x894C


def compat():
    """Of a 32-bit program: `struct ifreq` has 32 bytes there, the numbers are the same."""
    fd, compat = tap(NONBLOCK), Compat()
    ifr = lambda flags: bytes(16) + struct.pack("=H", flags) + bytes(14)
    number = lambda value: struct.pack("=i", value)
    flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE
    compat.ioctl(fd, TUNSETIFF, ifr(flags))
    same("name and flags", compat.ioctl(fd, TUNGETIFF, bytes(32)), b"t0".ljust(16, b"\0") + ifr(flags)[16:])
    same("as others see them", command(fd, TUNGETIFF, "ifr")[16:18], struct.pack("=H", flags))
    with refused(errno.EINVAL):
        compat.ioctl(fd, TUNSETIFF, ifr(IFF_TAP))
    same("features", compat.ioctl(fd, TUNGETFEATURES, bytes(4)), number(flags | IFF_VNET_HDR))
    compat.ioctl(fd, TUNSETVNETHDRSZ, number(12))
    same("header", compat.ioctl(fd, TUNGETVNETHDRSZ, bytes(4)), number(12))
    with refused(errno.EINVAL):
        compat.ioctl(fd, TUNSETVNETHDRSZ, number(9))
    compat.ioctl(fd, TUNSETVNETLE, number(1))
    same("little", compat.ioctl(fd, TUNGETVNETLE, bytes(4)), number(1))
    compat.ioctl(fd, TUNSETSNDBUF, number(100000))
    compat.ioctl(fd, TUNSETOFFLOAD, CSUM | TSO4)
    with refused(errno.EINVAL):
        compat.ioctl(fd, TUNSETOFFLOAD, 1 << 31)
    compat.ioctl(fd, TUNSETQUEUE, ifr(IFF_DETACH_QUEUE))
    with refused(errno.EINVAL):
        compat.ioctl(fd, TUNSETQUEUE, ifr(IFF_DETACH_QUEUE))
    got = compat.ioctl(fd, SIOCGIFHWADDR, bytes(32))
    same("address", got[:24], b"t0".ljust(16, b"\0") + struct.pack("=H", 1) + MAC)
    new = bytes.fromhex("020000000077")
    compat.ioctl(fd, SIOCSIFHWADDR, bytes(16) + struct.pack("=H6s8x", 1, new))
    same("changed", mac(), new)
    for other in (0x400454CB, 0x800454D3, 0x54E3):
        with refused(errno.EINVAL, errno.ENOTTY):
            compat.ioctl(fd, other, bytes(4))
    # An address that is none.
    for cmd in (TUNSETIFF, TUNGETIFF, TUNGETFEATURES, TUNSETSNDBUF, SIOCGIFHWADDR):
        with refused(errno.EFAULT):
            compat.ioctl(fd, cmd, 8)
    if OURS:
        sock = compat.ioctl(fd, TAP_GET_SOCKET, 0)
        same("by the socket", compat.ioctl(sock, TUNGETIFF, bytes(32))[:3], b"t0\0")
        same("header", compat.ioctl(sock, TUNGETVNETHDRSZ, bytes(4)), number(12))
        # Those that sockets do not hear of, as of other programs, and no more.
        for change, ask, value in ((FIOSETOWN, FIOGETOWN, os.getpid()), (SIOCSPGRP, SIOCGPGRP, 1)):
            compat.ioctl(sock, change, number(value))
            same("owner", compat.ioctl(sock, ask, bytes(4)), number(value))
            same("as others see it", fcntl.fcntl(sock, fcntl.F_GETOWN), value)
        compat.ioctl(sock, SIOCGIFCONF, bytes(8))
        os.close(compat.ioctl(sock, SIOCGSKNS, 0))
        for other in (0x400454CB, SIOCGIFFLAGS, SIOCETHTOOL):
            with refused(errno.EINVAL):
                compat.ioctl(sock, other, bytes(32))
            with refused(errno.EINVAL):
                fcntl.ioctl(sock, other, bytes(40))


# --- E9: the device goes ----------------------------------------------------------------

def gone(how):
    fd, other, wire = tap(NONBLOCK), tap(), packet_socket("W", "wire0")
    drained(fd)
    command(other, TUNSETQUEUE, "ifr", IFF_DETACH_QUEUE)
    send(wire, 3)
    until("frames", lambda: select.select([fd], [], [], 0)[0])
    time.sleep(0.2 * SLOW)
    ended = []

    def wait():
        try:
            os.read(other, 2000)
        except OSError as error:
            ended.append(error.errno)

    reader = threading.Thread(target=wait, daemon=True)
    reader.start()
    poll = select.poll()
    poll.register(other, select.POLLIN)
    asked = []
    poller = threading.Thread(target=lambda: asked.append(poll.poll(20000)), daemon=True)
    poller.start()
    time.sleep(0.3)
    if how == "link":
        ip("link del t0")
    elif how == "lower":
        ip("link del eth0")
    else:
        subprocess.run(["ip", "netns", "del", "S"], check=True)
        until("gone", lambda: not os.path.exists(NODE))
    if OURS:
        reader.join(5 * SLOW)
        same("the reader", ended, [errno.ENODEV])
        poller.join(5 * SLOW)
        same("who polled", asked, [[(other, select.POLLERR | select.POLLHUP)]])
    # What has come is still read.
    same("left", len(drained_until_gone(fd)), 3)
    gone_now = errno.ENODEV if OURS else errno.EAGAIN
    with refused(gone_now):
        os.read(fd, 100)
    f = hdr() + frame()
    if OURS:
        with refused(errno.ENODEV):
            os.write(fd, f)
    else:
        same("written", os.write(fd, f), len(f))
    with refused(errno.EINVAL):
        os.write(fd, f[:15])
    for cmd, value in ((TUNGETIFF, None), (SIOCGIFHWADDR, None), (SIOCSIFHWADDR, 1)):
        with refused(errno.ENOLINK):
            command(fd, cmd, "ifr", value)
    with refused(errno.ENOLINK):
        command(fd, TUNSETOFFLOAD, None, 0)
    for flags in (IFF_ATTACH_QUEUE, IFF_DETACH_QUEUE):
        with refused(errno.EINVAL):
            command(fd, TUNSETQUEUE, "ifr", flags)
    plain(fd)
    command(fd, TUNGETFEATURES, "int")
    command(fd, TUNSETSNDBUF, "int", 5000)
    command(fd, TUNSETVNETHDRSZ, "int", 12)
    same("size", command(fd, TUNGETVNETHDRSZ, "int"), 12)
    os.close(fd)
    if not OURS:
        # The reader sleeps for good.
        os._exit(0)


def writer_gone():
    """The device goes while a writer waits for room: it does not wait for ever."""
    subprocess.run("tc -n S qdisc replace dev t0 root tbf rate 8kbit burst 2000 limit 10000000", shell=True, check=True)
    fd = plain(tap(NONBLOCK))
    command(fd, TUNSETSNDBUF, "int", 20000)
    with refused(errno.EAGAIN):
        while True:
            os.write(fd, frame(b"o" * 1400))
    os.set_blocking(fd, True)
    writer, ended = waits(lambda: os.write(fd, frame(b"o" * 1400)))
    assert not ended
    ip("link del t0")
    writer.join(5 * SLOW)
    same("the writer", ended, [errno.ENODEV])


def gone_by_address():
    """The device goes while somebody reads."""
    fd = plain(tap())
    reader, ended = waits(lambda: os.read(fd, 2000))
    ip("link del t0")
    assert not os.path.exists(NODE)
    if not OURS:
        os._exit(0)
    reader.join(5 * SLOW)
    same("the reader", ended, [errno.ENODEV])


def holds_no_namespace():
    """A file that was opened in a namespace does not keep it; a socket does, as sockets do."""
    with inside("S"):
        fd = tap()
    reader, ended = waits(lambda: os.read(fd, 2000))
    subprocess.run(["ip", "netns", "del", "S"], check=True)
    until("gone", lambda: not os.path.exists(NODE))
    reader.join(5 * SLOW)
    same("the reader", ended, [errno.ENODEV])
    os.close(fd)
    ip("link add name eth0 up type dummy", "T")
    ip(f"link add link eth0 name t0 index 101 up {TYPE}", "T")
    until("a node", lambda: os.path.exists(NODE))
    with inside("T"):
        fd = tap()
        sock = fcntl.ioctl(fd, TAP_GET_SOCKET)
        os.close(fd)
    subprocess.run(["ip", "netns", "del", "T"], check=True)
    time.sleep(1 * SLOW)
    assert os.path.exists(NODE)
    os.write(sock, hdr() + frame())
    os.close(sock)
    until("gone", lambda: not os.path.exists(NODE))


def drained_until_gone(fd):
    try:
        frames = []
        while True:
            frames += [os.read(fd, 1 << 16)]
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.ENODEV):
            raise
        return frames


def passed():
    """A descriptor serves another process, in another namespace."""
    fd, wire = plain(tap(NONBLOCK)), packet_socket("W", "wire0")
    drained(fd)
    a, b = socket.socketpair()
    child = os.fork()
    if not child:
        os.close(fd)
        _, fds, _, _ = socket.recv_fds(b, 1, 1)
        with inside("M"):
            os.write(fds[0], frame())
            received(fds[0], lambda f: f[12:14] == b"\x88\xb5")
        os._exit(0)
    socket.send_fds(a, [b"x"], [fd])
    os.close(fd)
    same("at the wire", at_wire(wire)[0], frame())
    send(wire, 1)
    same("status", os.waitpid(child, 0)[1], 0)


def of_each_other():
    """Each of two taps has a frame of the other in its ring when both are closed."""
    ip(f"link add link eth0 name t1 index 102 {TYPE}")
    ip("link set t1 up")
    one, two = plain(tap()), plain(tap(node="/dev/tap102"))
    os.write(one, frame(dst=mac("t1")))
    os.write(two, frame(dst=MAC, src=mac("t1")))
    for fd in (one, two):
        assert select.select([fd], [], [], 5 * SLOW)[0]
    os.close(one)
    os.close(two)


def holds(seconds):
    """Keeps a queue open, and reads."""
    fd = tap()
    print("open", flush=True)
    signal.alarm(int(seconds))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    while True:
        os.read(fd, 2000)


# --- vhost-net -------------------------------------------------------------------------------

def socket_of(fd):
    """A descriptor that vhost-net accepts: of ours it is a socket."""
    return fcntl.ioctl(fd, TAP_GET_SOCKET) if OURS else os.dup(fd)


def card():
    """A tap, what vhost-net gets of it, and a card on that."""
    fd = tap()
    command(fd, TUNSETVNETHDRSZ, "int", vhost.HDR)
    # As QEMU does: no limit.
    command(fd, TUNSETSNDBUF, "int", (1 << 31) - 1)
    sock = socket_of(fd)
    return fd, sock, vhost.Vhost(sock)


def taken(ring, wanted=lambda f: True, count=1, seconds=5):
    """Waits for frames that are wanted; others are dropped."""
    frames, end = [], time.monotonic() + seconds * SLOW
    while len(frames) < count and time.monotonic() < end:
        ring.wait(0.2)
        for data in ring.taken():
            ring.give()
            if wanted(data[vhost.HDR:]):
                frames.append(data)
        ring.kicked()
    same("frames", len(frames), count)
    return frames


def sent(ring, *frames):
    for data in frames:
        ring.give(data)
    ring.kicked()
    end = time.monotonic() + 5 * SLOW
    while ring.seen < ring.given and time.monotonic() < end:
        ring.wait(0.2)
        ring.taken()
    same("given back", ring.seen, ring.given)


def vhost_net():
    """Frames go both ways, as by reading and writing."""
    fd, sock, machine = card()
    wire = packet_socket("W", "wire0", 3)
    ours = lambda f: f[12:14] == b"\x88\xb5"
    # Several at once, of several lengths, so many that the ring begins anew.
    for n in range(4):
        sizes = [60 + 40 * m for m in range(30)]
        for size in sizes:
            wire.send(frame(bytes(size), MAC, WIRE_MAC))
        got = taken(machine.rx, ours, len(sizes))
        same("lengths", [len(data) - vhost.HDR for data in got], [14 + size for size in sizes])
        same("headers", {data[:vhost.HDR] for data in got}, {bytes(10) + b"\1\0"})
    # What a sender left to be done, whole and in pieces.
    data = partial(ipv4(6, tcp(b"d" * 20000)), 16)
    with inside("W"):
        whole = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        whole.bind(("wire0", 0))
        whole.setsockopt(SOL_PACKET, 15, 1)  # PACKET_VNET_HDR
    whole.send(hdr(NEEDS_CSUM, GSO_TCPV4, 54, 1400, 34, 16) + frame(data, MAC, WIRE_MAC, 0x800))
    got = taken(machine.rx, lambda f: f[12:14] == b"\x08\x00")[0]
    same("header", got[:10], hdr(NEEDS_CSUM, GSO_TCPV4, struct.unpack_from("=H", got, 2)[0], 1400, 34, 16))
    same("frame", got[vhost.HDR:], frame(data, MAC, WIRE_MAC, 0x800))
    command(fd, TUNSETOFFLOAD, None, 0)
    whole.send(hdr(NEEDS_CSUM, GSO_TCPV4, 54, 1400, 34, 16) + frame(data, MAC, WIRE_MAC, 0x800))
    got = taken(machine.rx, lambda f: f[12:14] == b"\x08\x00", 15)
    same("pieces", sum(len(data) - vhost.HDR - 54 for data in got), 20000)
    assert all(valid(data[vhost.HDR + 14:]) for data in got)
    command(fd, TUNSETOFFLOAD, None, CSUM | TSO4 | TSO6)
    # And out: short, long, to be cut.
    none = bytes(vhost.HDR)
    for size in (46, 1480):
        sent(machine.tx, *(none + frame(bytes([n]) * size) for n in range(20)))
        same("at the wire", at_wire(wire, ours, 20), [frame(bytes([n]) * size) for n in range(20)])
    large = hdr(NEEDS_CSUM, GSO_TCPV4, 54, 1400, 34, 16) + b"\0\0"
    sent(machine.tx, large + frame(data, protocol=0x800))
    out = at_wire(wire, lambda f: f[12:14] == b"\x08\x00")[0]
    same("length", len(out), 14 + len(data))
    # What does not fit its header is given back, counted, and goes nowhere.
    before = stat("tx_dropped")
    sent(machine.tx, hdr(gso=2, size=100) + b"\0\0" + frame(), none + frame(b"!" * 46))
    same("at the wire", at_wire(wire, ours), [frame(b"!" * 46)])
    if OURS:
        same("counted", stat("tx_dropped") - before, 1)
    machine.close()


def vhost_tags():
    """A VLAN tag that the wire keeps beside the frame is in the frame."""
    _, _, machine = card()
    wire = packet_socket("W", "wire0", 3)
    tagged = MAC + WIRE_MAC + b"\x81\x00\x00\x05\x88\xb5" + b"t" * 46
    wire.send(tagged)
    same("frame", taken(machine.rx, lambda f: f[12:14] == b"\x81\x00")[0][vhost.HDR:], tagged)
    machine.close()


def vhost_ring():
    """What the machine has no room for waits; what the queue has no room for is lost, and counted."""
    ip("link set t0 txqueuelen 50")
    _, _, machine = card()
    wire = packet_socket("W", "wire0", 0)
    taken(machine.rx, lambda f: True, 0, 0.5)
    drop = stat("rx_dropped") + stat("rx_errors")
    send(wire, 300)
    until("counted", lambda: stat("rx_dropped") + stat("rx_errors") > drop)
    time.sleep(0.3 * SLOW)
    got, end = [], time.monotonic() + 2 * SLOW
    while time.monotonic() < end:
        for data in machine.rx.taken():
            machine.rx.give()
            if data[vhost.HDR + 12:vhost.HDR + 14] == b"\x88\xb5":
                got.append(number(data, vhost.HDR + 14))
        machine.rx.kicked()
        machine.rx.wait(0.2)
    lost = stat("rx_dropped") + stat("rx_errors") - drop
    # Those of C's macvtap count as both.
    same("in order", got, sorted(got))
    same("the first ones", got[:50], list(range(50)))
    same("the others", 300 - len(got), lost // 2)
    machine.close()


def spent(name):
    """Seconds of a processor that threads of ours with such names have had."""
    ticks = 0
    for thread in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{thread}/stat", encoding="ascii") as file:
            comm, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        if comm.startswith(name):
            ticks += sum(int(n) for n in rest.split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def vhost_busy():
    """A thread that is to look for frames for a while before it sleeps does so."""
    _, _, machine = card()
    wire = packet_socket("W", "wire0", 0)
    machine.look(100000)
    before = spent("vhost")
    for _ in range(10):
        machine.rx.kicked()
        time.sleep(0.15)
    looked = spent("vhost") - before
    assert looked > 0.3, looked
    send(wire, 3)
    taken(machine.rx, lambda f: f[12:14] == b"\x88\xb5", 3)
    machine.close()


def vhost_again():
    """Detached and attached, the socket and the file closed in either order."""
    wire = packet_socket("W", "wire0", 0)
    ours = lambda f: f[12:14] == b"\x88\xb5"
    for order in ("socket", "file", "machine"):
        fd, sock, machine = card()
        send(wire, 1)
        taken(machine.rx, ours)
        machine.attach(-1)
        send(wire, 3)
        time.sleep(0.2 * SLOW)
        machine.attach(sock)
        taken(machine.rx, ours, 3)
        for close in {"socket": (sock, fd), "file": (fd, sock), "machine": ()}[order]:
            os.close(close)
            send(wire, 1)
            taken(machine.rx, ours)
        machine.close()
        if order == "machine":
            os.close(fd)
            os.close(sock)
    # Nobody is there any more.
    assert not select.select([wire], [], [], 0)[0]
    until("all places free", lambda: not fails(opens_256))


def opens_256():
    fds = []
    try:
        for _ in range(256):
            fds.append(tap())
    finally:
        for fd in fds:
            os.close(fd)


def fails(function):
    try:
        function()
    except OSError:
        return True
    return False


def vhost_gone(how):
    """The device goes while the machine sends and receives."""
    fd, sock, machine = card()
    wire = packet_socket("W", "wire0", 0)
    stop = []

    def traffic():
        while not stop:
            try:
                send(wire, 20)
            except OSError:
                return
            time.sleep(0.005 * SLOW)

    sender = threading.Thread(target=traffic, daemon=True)
    sender.start()
    for _ in range(5):
        until("frames", machine.rx.taken)
        for _ in range(machine.rx.seen + vhost.SIZE - machine.rx.given):
            machine.rx.give()
        machine.rx.kicked()
    for n in range(10):
        machine.tx.give(bytes(vhost.HDR) + frame())
    machine.tx.kicked()
    if how == "link":
        ip("link del t0")
    else:
        subprocess.run(["ip", "netns", "del", "S"], check=True)
        until("gone", lambda: not os.path.exists(NODE))
    stop.append(1)
    sender.join()
    until("given back", lambda: not machine.tx.taken() and machine.tx.seen == machine.tx.given)
    if OURS:
        with refused(errno.ENODEV):
            os.write(sock, bytes(vhost.HDR) + frame())
    machine.close()
    os.close(fd)
    os.close(sock)


def as_packet_socket(fd):
    # Without these Python asks for an address, which there is not.
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0, fileno=fd)


def as_socket():
    """The socket is one for frames, and nothing else."""
    fd = tap(NONBLOCK)
    wire = packet_socket("W", "wire0", 0)
    # What is in the queue comes along, in order.
    send(wire, 5)
    until("frames", lambda: select.select([fd], [], [], 0)[0])
    time.sleep(0.2 * SLOW)
    sock = as_packet_socket(fcntl.ioctl(fd, TAP_GET_SOCKET))
    kind = [sock.getsockopt(socket.SOL_SOCKET, option) for option in (socket.SO_DOMAIN, socket.SO_TYPE)]
    same("kind", kind, [socket.AF_PACKET, socket.SOCK_RAW])
    assert fcntl.fcntl(sock, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    ours = lambda f: f[22:24] == b"\x88\xb5"
    same("order", [number(f) for f in filter(ours, drained(fd, 5))], list(range(5)))
    sock.settimeout(5 * SLOW)
    for n in range(2):
        send(wire, 1)
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        poll.register(fd, select.POLLIN)
        same("ready", sorted(poll.poll(5000 * SLOW)), sorted([(sock.fileno(), 1), (fd, 1)]))
        same("received", ours(sock.recv(2000) if n else os.read(fd, 2000)), True)
    # A buffer that is too short, with and without the truth.
    for flags, length in ((0, 30), (socket.MSG_TRUNC, 10 + 60)):
        send(wire, 1)
        until("a frame", lambda: select.select([sock], [], [], 0)[0])
        same("length", sock.recv_into(bytearray(30), 30, flags), length)
    send(wire, 1)
    until("a frame", lambda: select.select([sock], [], [], 0)[0])
    same("said so", sock.recvmsg(30)[2] & socket.MSG_TRUNC, socket.MSG_TRUNC)
    sock.setblocking(False)
    for flag in (socket.MSG_PEEK, socket.MSG_OOB, socket.MSG_ERRQUEUE):
        with refused(errno.EOPNOTSUPP):
            sock.recv(100, flag)
    with refused(errno.EAGAIN):
        sock.recv(100)
    sock.settimeout(5 * SLOW)
    # Out; with what vhost would take for a batch it is refused.
    heard = packet_socket("W", "wire0")
    sock.send(hdr() + frame())
    same("at the wire", at_wire(heard)[0], frame())
    sock.sendmsg([hdr(), frame()[:20], frame()[20:]])
    same("at the wire", at_wire(heard)[0], frame())
    with refused(errno.EINVAL):
        sock.sendmsg([], [(0x1010, 2, bytes(64))])
    with refused(errno.EINVAL):
        sock.sendmsg([hdr() + frame()], [(socket.SOL_SOCKET, 1, bytes(64))])
    with refused(errno.EINVAL):
        sock.send(b"short")
    # Nor does it know addresses, or urgent data.
    data, address = hdr() + frame(), struct.pack("=HHiHBB8s", socket.AF_PACKET, 0, 1, 0, 0, 6, WIRE_MAC + bytes(2))
    same("sendto", (libc.sendto(sock.fileno(), data, len(data), 0, address, len(address)), ctypes.get_errno()),
         (-1, errno.EOPNOTSUPP))
    with refused(errno.EOPNOTSUPP):
        sock.send(data, socket.MSG_OOB)
    # Nothing that asks for zero copy or batches, which no limit would; and no more than can be counted.
    with refused(errno.EOPNOTSUPP):
        sock.setsockopt(socket.SOL_SOCKET, 60, 1)  # SO_ZEROCOPY
    command(fd, TUNSETSNDBUF, "int", (1 << 31) - 1)
    same("limit", sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), 1 << 28)
    sock.setsockopt(socket.SOL_SOCKET, 32, (1 << 31) - 1)  # SO_SNDBUFFORCE
    same("limit", sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), (1 << 31) - 2)
    # Nor is that what a fresh one begins with.
    with open("/proc/sys/net/core/wmem_default", "r+", encoding="ascii") as default:
        before = default.read()
        try:
            os.pwrite(default.fileno(), b"2147483647", 0)
            fresh_one = tap()
        finally:
            os.pwrite(default.fileno(), before.encode(), 0)
    fresh_sock = as_packet_socket(fcntl.ioctl(fresh_one, TAP_GET_SOCKET))
    same("limit", fresh_sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), (1 << 31) - 2)
    fresh_sock.close()
    os.close(fresh_one)
    # Whatever option there is, it is answered.
    for option in range(100):
        for call in (lambda: sock.getsockopt(socket.SOL_SOCKET, option, 64),
                     lambda: sock.setsockopt(socket.SOL_SOCKET, option, 1)):
            if option not in (socket.SO_SNDBUF, 25, 32):  # SO_BINDTODEVICE, SO_SNDBUFFORCE
                with contextlib.suppress(OSError):
                    call()
    for option in (42, 83):  # SO_PEEK_OFF, nothing
        with refused(errno.EOPNOTSUPP, errno.ENOPROTOOPT):
            sock.setsockopt(socket.SOL_SOCKET, option, 0)
    # A signal for the file, although the socket has had one and let it go.
    signals = []
    signal.signal(signal.SIGIO, lambda *_: signals.append(1))
    for one, on in ((fd, os.O_ASYNC), (sock, os.O_ASYNC), (sock, 0)):
        fcntl.fcntl(one, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(one, fcntl.F_SETFL, fcntl.fcntl(one, fcntl.F_GETFL) & ~os.O_ASYNC | on)
    send(wire, 1)
    until("a signal", lambda: signals)
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_NONBLOCK)
    until("the frame", lambda: drained(fd, 1))
    # Commands are the file's; what sockets do otherwise they do not.
    same("name", command(sock, TUNGETIFF, "ifr")[:3], b"t0\0")
    command(sock, TUNSETVNETHDRSZ, "int", 12)
    same("header", command(fd, TUNGETVNETHDRSZ, "int"), 12)
    command(fd, TUNSETVNETHDRSZ, "int", 10)
    sock.setblocking(False)
    for function in (sock.getsockname, sock.getpeername, lambda: sock.listen(1), sock.accept,
                     lambda: sock.shutdown(socket.SHUT_WR), lambda: sock.setsockopt(SOL_PACKET, 15, 1)):
        with refused(errno.EOPNOTSUPP):
            function()
    address = struct.pack("=HHiHBB8s", socket.AF_PACKET, 0, 1, 0, 0, 0, bytes(8))
    for function in (libc.bind, libc.connect):
        same("address", (function(sock.fileno(), address, len(address)), ctypes.get_errno()), (-1, errno.EOPNOTSUPP))
    # Another one of the same queue, and one of a socket.
    second = as_packet_socket(fcntl.ioctl(sock, TAP_GET_SOCKET))
    os.close(fd)
    sock.close()
    second.send(hdr() + frame())
    same("at the wire", at_wire(heard)[0], frame())
    send(wire, 1)
    second.settimeout(5 * SLOW)
    same("received", ours(second.recv(2000)), True)
    # The end of the device is that of waiting.
    second.settimeout(None)
    reader, ended = waits(lambda: second.recv(2000))
    ip("link del t0")
    reader.join(5 * SLOW)
    same("the reader", ended, [errno.ENODEV])


def one_way():
    """What a file cannot do its socket is not to do."""
    for mode in (os.O_RDONLY, os.O_WRONLY):
        fd = os.open(NODE, mode)
        before = len(os.listdir("/proc/self/fd"))
        with refused(errno.EBADF):
            fcntl.ioctl(fd, TAP_GET_SOCKET)
        same("descriptors", len(os.listdir("/proc/self/fd")), before)
        os.close(fd)


def no_socket():
    """Who asks for a socket and gets none has not put his namespace into the queue, which would keep it."""
    with inside("S"):
        fd = tap()
    with open("/proc/sys/fs/file-max", "r+", encoding="ascii") as most:
        before = most.read()
        os.pwrite(most.fileno(), b"0", 0)
        try:
            child = os.fork()
            if not child:
                with inside("S"):
                    # The limit is not for root.
                    os.setresuid(65534, 65534, 65534)
                    with refused(errno.ENFILE):
                        fcntl.ioctl(fd, TAP_GET_SOCKET)
                    os._exit(0)
            same("status", os.waitpid(child, 0)[1], 0)
        finally:
            os.pwrite(most.fileno(), before.encode(), 0)
    subprocess.run(["ip", "netns", "del", "S"], check=True)
    until("gone", lambda: not os.path.exists(NODE))
    os.close(fd)


def sees(sock, address):
    """Whether a socket tells of an address of its namespace."""
    room = ctypes.create_string_buffer(4096)
    conf = bytearray(struct.pack("=i4xQ", 4096, ctypes.addressof(room)))
    fcntl.ioctl(sock, SIOCGIFCONF, conf)
    return socket.inet_aton(address) in room.raw[:struct.unpack_from("=i", conf)[0]]


def socket_namespace():
    """A socket is one of the namespace of who asks, not of who has opened the node; and of one only."""
    ip("addr add 10.0.9.9/32 dev eth0")
    ip("addr add 10.0.9.8/32 dev wire0", "W")
    with inside("S"):
        first, second = tap(), tap()
        sock = fcntl.ioctl(first, TAP_GET_SOCKET)
        same("of the opener", sees(sock, "10.0.9.9"), True)
    with inside("W"):
        # Of the file there is no way into the opener's.
        for fd in (first, sock):
            with refused(errno.EPERM):
                fcntl.ioctl(fd, TAP_GET_SOCKET)
        other = fcntl.ioctl(second, TAP_GET_SOCKET)
        same("of the opener", sees(other, "10.0.9.9"), False)
        same("of who asked", sees(other, "10.0.9.8"), True)
        os.close(fcntl.ioctl(other, TAP_GET_SOCKET))
    with inside("S"), refused(errno.EPERM):
        fcntl.ioctl(second, TAP_GET_SOCKET)
    # The files are for everybody who has them.
    wire = packet_socket("W", "wire0")
    for fd in (first, sock, second, other):
        os.write(fd, hdr() + frame())
        same("at the wire", at_wire(wire)[0], frame())


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Mmsghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint), ("iov", ctypes.c_void_p),
                ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("pad", ctypes.c_int), ("len", ctypes.c_uint), ("pad2", ctypes.c_int)]


def recvmmsg(fd, sizes, flags=0):
    """How many frames fit into buffers of these sizes."""
    buffers = [ctypes.create_string_buffer(size) for size in sizes]
    iovs = (Iovec * len(sizes))(*(Iovec(ctypes.addressof(b), len(b)) for b in buffers))
    msgs = (Mmsghdr * len(sizes))(*(
        Mmsghdr(iov=ctypes.addressof(iovs) + n * ctypes.sizeof(Iovec), iovlen=1) for n in range(len(sizes))))
    assert ctypes.sizeof(Mmsghdr) == 64
    return libc.recvmmsg(fd, msgs, len(sizes), flags, None)


def socket_errors():
    """The error that ends recvmmsg() early is for who receives next, not for who sends; and it is one that
    user space knows."""
    fd, wire = tap(NONBLOCK), packet_socket("W", "wire0")
    sock = fcntl.ioctl(fd, TAP_GET_SOCKET)
    room = ctypes.create_string_buffer(2000)
    drained(fd)

    def next_error():
        same("received", libc.recv(sock, room, 2000, socket.MSG_DONTWAIT), -1)
        return ctypes.get_errno()

    def arrive(count):
        send(wire, count)
        until("a frame", lambda: select.select([fd], [], [], 0)[0])
        time.sleep(0.2 * SLOW)

    dropped = stat("tx_dropped")
    arrive(2)
    same("frames", recvmmsg(sock, [2000, 4]), 1)
    for one in (fd, sock):
        same("written", os.write(one, hdr() + frame()), 10 + len(frame()))
    same("the reader's", [next_error(), next_error()], [errno.EINVAL, errno.EAGAIN])
    arrive(1)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, True)
    signal.setitimer(signal.ITIMER_REAL, 0.5 * SLOW)
    same("frames", recvmmsg(sock, [2000, 2000]), 1)
    for one in (fd, sock):
        same("written", os.write(one, hdr() + frame()), 10 + len(frame()))
    same("the reader's", [next_error(), next_error()], [errno.EINTR, errno.EAGAIN])
    same("dropped", stat("tx_dropped") - dropped, 0)


def shared_socket():
    """Files that share a socket of the kernel's: what user space has as one stands for its own file."""
    node = "/dev/tap4711"
    one, two = tap(node=node), tap(node=node)
    names = [os.read(fd, 10) for fd in (one, two)]
    same("files", len(set(names)), 2)
    socks = [fcntl.ioctl(fd, TAP_GET_SOCKET) for fd in (one, two, one)]
    same("which file", [os.read(sock, 10) for sock in socks], [*names, names[0]])
    # No more was written than there was.
    same("written", [os.write(fd, b"!") for fd in (one, socks[0])], [1, 1])
    os.close(socks[0])
    os.close(two)
    same("which file", [os.read(fd, 10) for fd in (one, socks[1], socks[2])], [names[0], names[1], names[0]])
    os.close(one)
    os.close(socks[2])
    same("which file", os.read(socks[1], 10), names[1])
    ip("link del shared0")
    same("which file", os.read(socks[1], 10), names[1])
    os.close(socks[1])


# --- Under traffic ---------------------------------------------------------------------------

def churn():
    """Queues come and go, rings change their length, frames come in and go out."""
    wire = packet_socket("W", "wire0", 0)
    stop = []

    def sender():
        n = 0
        while not stop:
            n += 1
            wire.send(frame(ipv4(17, udp(b"c" * 50), src=f"10.0.1.{n % 200}"), MAC, WIRE_MAC, 0x800))
            if n % 20 == 0:
                time.sleep(0.001 * SLOW)

    sender_thread = threading.Thread(target=sender)
    sender_thread.start()
    try:
        seen = 0
        for n in range(60):
            fds = [plain(tap(NONBLOCK)) for _ in range(4)]
            for fd in fds:
                os.write(fd, frame())
            if OURS and n % 3 == 0:
                # Two of them become sockets; of one nothing else stays.
                fds += [command(fds[0], TAP_GET_SOCKET), command(fds[1], TAP_GET_SOCKET)]
                os.set_blocking(fds[4], False)
                os.set_blocking(fds[5], False)
                os.close(fds.pop(1))
            command(fds[n % 4], TUNSETQUEUE, "ifr", IFF_DETACH_QUEUE)
            if n % 5 == 0:
                ip(f"link set t0 txqueuelen {(n * 37) % 300 + 10}")
            command(fds[n % 4], TUNSETQUEUE, "ifr", IFF_ATTACH_QUEUE)
            time.sleep(0.01)
            for fd in fds:
                seen += len(drained(fd, 200))
                os.close(fd)
        assert seen > 100, seen
    finally:
        stop.append(1)
        sender_thread.join()


def answers(seconds):
    """A stack of one page: answers ARP requests and pings to 10.0.0.101."""
    fd = tap(NONBLOCK)
    print("open", flush=True)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        for data in drained(fd, 50):
            f = data[10:]
            if f[12:14] == b"\x08\x06" and f[20:22] == b"\0\1" and f[38:42] == socket.inet_aton("10.0.0.101"):
                reply = f[6:12] + MAC + f[12:20] + b"\0\2" + MAC + f[38:42] + f[22:32]
            elif f[12:14] == b"\x08\x00" and f[23] == 1 and f[34] == 8 and f[30:34] == socket.inet_aton("10.0.0.101"):
                echo = b"\0\0\0\0" + f[38:]
                echo = echo[:2] + struct.pack("!H", ~checksum(echo) & 0xFFFF) + echo[4:]
                reply = f[6:12] + MAC + f[12:26] + f[30:34] + f[26:30] + echo
            else:
                continue
            os.write(fd, hdr() + reply)


MAC = None
TYPE = os.environ.get("TAP_TYPE", "")


def main():
    global MAC
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    MAC = mac()
    globals()[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
