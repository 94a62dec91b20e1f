# SPDX-License-Identifier: GPL-2.0
"""What is written to taps, and what is read from them."""

import ctypes
import os
import socket
import struct

import craft
import tap
from capture import Marker, difference, drain, transmit
from craft import tagged, vnet
from inside import inside, libc
from lower import JOINED
from registry import rows, scenario
from tap import TAPS, File



def sent(bed, frame, header=None, pair="X/v1", count=1):
    answer = transmit(pair, frame, count, header)
    bed.barrier.frames()
    return answer


# --- write ---------------------------------------------------------------------------

# Headers and frames: functions of a port and of the device that it goes to.
UDP4, TCP4, UDP6 = 34, 34, 54  # where the header of the transport layer begins


def plain(header=bytes(10), **how):
    return lambda port, to: header + tap.udp(port, "t0", to, **how)


def big4(header, length=5000, **how):
    return lambda port, to: header + tap.tcp(port, "t0", to, length, **how)


def big6(header, length=5000):
    return lambda port, to: header + tap.tcp(port, "t0", to, length, 6)


def bigudp(header, length=5000, family=4):
    return lambda port, to: header + tap.udp(port, "t0", to, tap.pattern(length), family=family)


def raw(data):
    return lambda port, to: data


def ether(header=bytes(10), tags=(), **how):
    return lambda port, to: header + tagged(craft.ether(port.address(to), port.address("t0"), **how), *tags)


CLSACT = "tc qdisc add dev t0 clsact"
TSO4, TSO6 = vnet(1, 1, 54, 1448, 34, 16), vnet(1, 4, 74, 1428, 54, 16)
WRITTEN = {
    # What is no frame.
    "nothing": raw(b""),
    "one-byte": raw(b"\0"),
    "9-bytes": raw(bytes(9)),
    "header-alone": raw(bytes(10)),
    "13-bytes": raw(bytes(23)),
    "14-bytes": lambda port, to: bytes(10) + tap.udp(port, "t0", to)[:14],
    # What is.
    "plain": plain(),
    "60-bytes": ether(),
    "full": plain(payload=tap.pattern(1472)),
    "over-mtu": plain(payload=tap.pattern(1473)),
    "over-mtu-vlan": lambda port, to: bytes(10) + tagged(tap.udp(port, "t0", to, tap.pattern(1469)), (0x8100, 5)),
    "4095-bytes": plain(payload=tap.pattern(4043)),
    "65535-bytes": lambda port, to: bytes(10) + craft.ether(port.address(to), port.address("t0"), payload=tap.pattern(65521)),
    "1-megabyte": lambda port, to: bytes(10) + craft.ether(port.address(to), port.address("t0"), payload=tap.pattern(1 << 20)),
    "16-megabytes": lambda port, to: bytes(10) + craft.ether(port.address(to), port.address("t0"), payload=bytes(1 << 24)),
    "vlan": ether(tags=((0x8100, 5),)),
    "vlan-ipv4": lambda port, to: bytes(10) + tagged(tap.udp(port, "t0", to), (0x8100, 5)),
    "vlan-double": ether(tags=((0x88A8, 6), (0x8100, 5))),
    "vlan-cut": lambda port, to: bytes(10) + craft.ether(port.address(to), port.address("t0"), 0x8100, length=15),
    "802.3": ether(protocol=46, payload=b"\x42\x42\x03" + bytes(43)),
    "type-0": ether(protocol=0),
    "type-ffff": ether(protocol=0xFFFF),
    "from-a-stranger": lambda port, to: bytes(10) + craft.ether(port.address(to), craft.STRANGER),
    "from-a-group": lambda port, to: bytes(10) + craft.ether(port.address(to), JOINED[0]),
    "ipv6": plain(family=6),
    # The header's length of headers.
    "length-of-headers": plain(vnet(0, 0, 42)),
    "length-all": lambda port, to: vnet(0, 0, len(tap.udp(port, "t0", to))) + tap.udp(port, "t0", to),
    "length-one-more": lambda port, to: vnet(0, 0, len(tap.udp(port, "t0", to)) + 1) + tap.udp(port, "t0", to),
    "length-65535": plain(vnet(0, 0, 65535)),
    "length-65535-of-long":
        lambda port, to: vnet(0, 0, 65535) + craft.ether(port.address(to), port.address("t0"), payload=tap.pattern(70000)),
    # Unfinished checksums.
    "checksum": plain(vnet(1, 0, 0, 0, UDP4, 6)),
    "checksum-tcp": lambda port, to: vnet(1, 0, 0, 0, TCP4, 16) + tap.tcp(port, "t0", to, 100),
    "checksum-ipv6": plain(vnet(1, 0, 0, 0, UDP6, 6), family=6),
    "checksum-start-0": plain(vnet(1, 0, 0, 0, 0, 0)),
    "checksum-start-13": plain(vnet(1, 0, 0, 0, 13, 0)),
    "checksum-start-14": plain(vnet(1, 0, 0, 0, 14, 10)),
    "checksum-start-19": plain(vnet(1, 0, 0, 0, 19, 6)),
    "checksum-start-20": plain(vnet(1, 0, 0, 0, 20, 6)),
    "checksum-at-the-end": lambda port, to: vnet(1, 0, 0, 0, len(tap.udp(port, "t0", to)) - 2, 0) + tap.udp(port, "t0", to),
    "checksum-at-the-end-8":
        lambda port, to: vnet(1, 0, 0, 0, len(tap.udp(port, "t0", to)) - 8, 6) + tap.udp(port, "t0", to),
    "checksum-behind": lambda port, to: vnet(1, 0, 0, 0, len(tap.udp(port, "t0", to)) - 1, 0) + tap.udp(port, "t0", to),
    "checksum-far-behind": plain(vnet(1, 0, 0, 0, 60000, 5000)),
    "checksum-wraps": plain(vnet(1, 0, 0, 0, 65535, 65535)),
    "checksum-wraps-to-0": plain(vnet(1, 0, 0, 0, 65000, 534)),
    "checksum-offset-1": plain(vnet(1, 0, 0, 0, UDP4, 1)),
    "checksum-of-vlan": lambda port, to: vnet(1, 0, 0, 0, UDP4 + 4, 6) + tagged(tap.udp(port, "t0", to), (0x8100, 5)),
    "checksum-in-fragment": lambda port, to: vnet(1, 0, 0, 0, 3900, 6) + tap.udp(port, "t0", to, tap.pattern(5000)),
    # Flags and types.
    "data-valid": plain(vnet(2)),
    "data-valid-and-checksum": plain(vnet(3, 0, 0, 0, UDP4, 6)),
    "rsc-info": plain(vnet(4)),
    "unknown-flags": plain(vnet(0xF8)),
    "type-2": big4(vnet(1, 2, 54, 1448, 34, 16)),
    "type-6": big4(vnet(1, 6, 54, 1448, 34, 16)),
    "type-7f": big4(vnet(1, 0x7F, 54, 1448, 34, 16)),
    "type-tunnel4": big4(vnet(1, 0x21, 54, 1448, 34, 16)),
    "type-tunnel6": big4(vnet(1, 0x41, 54, 1448, 34, 16)),
    "ecn-alone": plain(vnet(0, 0x80)),
    "ecn-with-udp": bigudp(vnet(1, 0x85, 42, 1000, 34, 6)),
    "size-of-none": plain(vnet(0, 0, 0, 1448)),
    # Large frames.
    "tso4": big4(TSO4),
    "tso4-ecn": big4(vnet(1, 0x81, 54, 1448, 34, 16), flags=0x90),
    "tso4-3900": big4(TSO4, 3850),
    "tso4-64k": big4(TSO4, 65000),
    "tso4-without-checksum": big4(vnet(0, 1, 54, 1448)),
    "tso4-as-6": big4(vnet(1, 4, 54, 1448, 34, 16)),
    "tso4-of-udp": bigudp(TSO4),
    "tso4-of-arp": lambda port, to: TSO4 + craft.ether(port.address(to), port.address("t0"), 0x0806, tap.pattern(5000)),
    "tso4-without-checksum-of-udp": bigudp(vnet(0, 1, 54, 1448)),
    "tso4-offset-6": big4(vnet(1, 1, 54, 1448, 34, 6)),
    "tso4-start-30": big4(vnet(1, 1, 54, 1448, 30, 16)),
    "tso4-size-0": big4(vnet(1, 1, 54, 0, 34, 16)),
    "tso4-size-1": big4(vnet(1, 1, 54, 1, 34, 16), 40),
    "tso4-size-8": big4(vnet(1, 1, 54, 8, 34, 16), 40),
    "tso4-size-65535": big4(vnet(1, 1, 54, 65535, 34, 16)),
    "tso4-size-65534": big4(vnet(1, 1, 54, 65534, 34, 16)),
    "tso4-short": big4(TSO4, 1000),
    "tso4-exact": big4(TSO4, 1448),
    "tso4-one-more": big4(TSO4, 1449),
    "tso4-header-0": big4(vnet(1, 1, 0, 1448, 34, 16)),
    "tso4-header-2000": big4(vnet(1, 1, 2000, 1448, 34, 16)),
    "tso4-vlan": lambda port, to: vnet(1, 1, 58, 1448, 38, 16) + tagged(tap.tcp(port, "t0", to), (0x8100, 5)),
    "tso6": big6(TSO6),
    "tso6-as-4": big6(vnet(1, 1, 74, 1428, 54, 16)),
    "tso6-start-34": big6(vnet(1, 4, 74, 1428, 34, 16)),
    "tso6-without-checksum": big6(vnet(0, 4, 74, 1428)),
    "uso4": bigudp(vnet(1, 5, 42, 1000, 34, 6)),
    "uso6": bigudp(vnet(1, 5, 62, 1000, 54, 6), family=6),
    "uso4-without-checksum": bigudp(vnet(0, 5, 42, 1000)),
    "uso4-offset-16": bigudp(vnet(1, 5, 42, 1000, 34, 16)),
    "uso4-128": bigudp(vnet(1, 5, 42, 10, 34, 6), 1280),
    "uso4-129": bigudp(vnet(1, 5, 42, 10, 34, 6), 1281),
    "uso4-of-tcp": big4(vnet(1, 5, 42, 1000, 34, 6)),
    "ufo": bigudp(vnet(1, 3, 42, 1000, 34, 6)),
    "ufo-without-checksum": bigudp(vnet(0, 3, 42, 1000)),
    "ufo-ipv6": bigudp(vnet(1, 3, 62, 1000, 54, 6), family=6),
}


def written(bed, what, to, **how):
    """One frame: what the call gives, who sees it, what is counted, and what a reader
    gets if it is for one."""
    port = tap.place(bed, "t0 t1/B", ipv6=True)
    file = File(bed, "A/t0", **how)
    other = File(bed, "B/t1")
    taps = port.watch(witness=None)
    data = what(port, to)
    frame = data[file.header:]
    before = taps.stats()
    seen = {"write": file.write(data)}
    bed.barrier.frames()
    seen |= {"seen": {name: drain(sock, frame) for name, sock in taps.sockets.items()}}
    return {**seen, "stats": difference(before, taps.stats()), "read": other.seen(frame)}


rows(TAPS, "write", {key: (what, "wire") for key, what in WRITTEN.items()}, written)
rows(TAPS, "write-sibling", {key: (WRITTEN[key], "t1") for key in (
    "plain", "60-bytes", "full", "over-mtu", "4095-bytes", "vlan", "vlan-ipv4", "checksum", "checksum-tcp", "checksum-ipv6",
    "data-valid", "tso4",
    "tso4-ecn", "tso4-3900", "tso4-64k", "tso4-without-checksum", "tso4-header-0", "tso4-header-2000", "tso4-exact",
    "tso4-size-1", "tso4-vlan", "tso6", "uso4", "uso6", "ufo")}, written)


def formed(bed, word):
    """The header's length and order of bytes."""
    port = tap.place(bed, "t0 t1/B")
    file = File(bed, "A/t0")
    taps = port.watch(witness=None)
    frame = tap.udp(port, "t0", "wire")
    header = vnet(1, 0, 0, 0, UDP4, 6)
    swapped = struct.pack(">BBHHHH", 1, 0, 0, 0, UDP4, 6)
    seen = {}

    def one(key, data):
        before = tap.counters(bed, "A/t0")
        seen[key] = {"write": file.write(data), "stats": tap.changed(bed, before)}
        # A header that is taken for an address is that of a group, whose frames ipvtap sends from
        # a worker: not before another work that is queued after it is done.
        bed.barrier.links()
        bed.barrier.frames()
        seen[key]["wire"] = drain(taps.sockets["X/v1"], frame)

    if word == "none":
        file.set_flags(tap.TAP | tap.NO_PI)
        for length in (0, 1, 13, 14, 60):
            one(f"{length} bytes", frame.ljust(60, b"\0")[:length])
        one("header in front", header + frame)
        file.set_flags(tap.TAP | tap.NO_PI | tap.VNET_HDR)
        one("again", header + frame)
    elif word == "order":
        for value in (0, 1):
            file.put(tap.SETLE, value)
            one(f"{value}: as the machine", header + frame)
            one(f"{value}: swapped", swapped + frame)
    else:
        length = int(word)
        seen["set"] = file.put(tap.SETHDRSZ, length)
        one("zeroes", header + bytes(max(0, length - 10)) + frame)
        one("ones", header + b"\xff" * max(0, length - 10) + frame)
        one("short", header)
        one("length of header", header.ljust(min(length, 1 << 16), b"\0"))
        one("and 13 bytes", bytes(min(length, 1 << 16) + 13))
        one("and 14 bytes", bytes(min(length, 1 << 16)) + frame[:14])
        one("hint into what is skipped", vnet(0, 0, 60) + bytes(max(0, length - 10)) + frame)
    return seen


rows(TAPS, "write-header", {word: word for word in ("none", "order", "10", "12", "20", "24", "100", "65535", "1000000")}, formed)


@scenario(*TAPS)
def write_vectors(bed):
    """A frame in pieces; addresses where nothing is."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    taps = port.watch(witness=None)
    frame = tap.udp(port, "t0", "wire", tap.pattern(1000))
    data = vnet(1, 0, 0, 0, UDP4, 6) + frame
    seen = {}

    def one(key, function):
        before = tap.counters(bed, "A/t0")
        try:
            answer = function()
        except OSError as error:
            answer = tap.error_name(error.errno)
        bed.barrier.frames()
        seen[key] = {"write": answer, "wire": drain(taps.sockets["X/v1"], frame), "stats": tap.changed(bed, before)}

    for size in (1, 3, 7, 10, 11, 24, 500):
        pieces = [data[at:at + size] for at in range(0, len(data), size)][:1000]
        one(f"pieces of {size}", lambda pieces=pieces: os.writev(file.fd, pieces))
    one("empty pieces", lambda: os.writev(file.fd, [b"", data[:10], b"", data[10:], b""]))
    one("nowhere", lambda: tap.called(libc.write(file.fd, tap.UNMAPPED, 100)))
    # The end of a mapping: header there, frame not; a part of each.
    buffer = libc.mmap
    buffer.restype = ctypes.c_void_p
    start = buffer(None, ctypes.c_size_t(8192), 3, 0x22, -1, ctypes.c_long(0))
    libc.munmap(ctypes.c_void_p(start + 4096), ctypes.c_size_t(4096))
    for there in (5, 10, 20, 100):
        ctypes.memmove(start + 4096 - there, data, there)
        one(f"{there} bytes there", lambda there=there: tap.called(libc.write(file.fd, start + 4096 - there, len(data))))
    libc.munmap(ctypes.c_void_p(start), ctypes.c_size_t(4096))
    return seen


def in_state(bed, *requests):
    """Frames written while devices are not as usual."""
    port = tap.place(bed, "t0 t1/B")
    file, other = File(bed, "A/t0"), File(bed, "B/t1")
    for request in requests:
        if request.startswith(("tc ", "ip ")):
            done = bed.run("A", request)
            if done["status"]:
                raise RuntimeError(str(done))
            continue
        namespace, tokens = request.split(" ", 1)
        bed.must(namespace, "set", tokens)
    bed.flush()  # with its carrier a device loses its qdisc, a little later
    taps = port.watch(witness=None)
    seen = {}
    for name, frame, header in (("wire", tap.udp(port, "t0", "wire"), None), ("sibling", tap.udp(port, "t0", "t1"), None),
                                ("tso", tap.tcp(port, "t0", "wire"), TSO4), ("bad", bytes(60), vnet(0, 9)),
                                ("runt", bytes(13), None)):
        before = taps.stats()
        answer = file.send(frame, header)
        bed.barrier.frames()
        seen[name] = {"write": answer, "seen": {pair: drain(sock, frame) for pair, sock in taps.sockets.items()},
                      "stats": difference(before, taps.stats()), "read": other.seen(frame)}
    return seen


rows(TAPS, "write-while", {
    "usual": (), "down": ("A name:t0 clear:1",), "lower-down": ("A name:v0 clear:1",), "carrier-off": ("X name:v1 clear:1",),
    "sibling-down": ("B name:t1 clear:1",), "no-queue": ("tc qdisc replace dev t0 root noqueue",),
    "qdisc-drops": ("tc qdisc replace dev t0 root pfifo limit 0",),
    "egress-drops": (CLSACT, "tc filter add dev t0 egress matchall action drop"),
    "mtu-small": ("A name:t0 mtu:100",), "promisc": ("A name:t0 flags:0x100",), "no-arp": ("A name:t0 flags:0x80",),
}, in_state)


def without(bed, device, feature):
    """Large and unfinished frames where a device cannot do them."""
    port = tap.place(bed, "t0 t1/B")
    seen = {"set": bed.ethtool("A", f"-K {device} {feature} off")["status"]}
    file, other = File(bed, "A/t0"), File(bed, "B/t1")
    taps = port.watch(witness=None)
    for to in ("wire", "t1"):
        for name, frame, header in (("tso", tap.tcp(port, "t0", to), TSO4),
                                    ("checksum", tap.udp(port, "t0", to), vnet(1, 0, 0, 0, UDP4, 6)),
                                    ("uso", tap.udp(port, "t0", to, tap.pattern(5000)), vnet(1, 5, 42, 1000, 34, 6))):
            answer = file.send(frame, header)
            bed.barrier.frames()
            seen[f"{name}-{to}"] = {"write": answer, "seen": {pair: drain(sock, frame) for pair, sock in taps.sockets.items()},
                                    "read": other.seen(frame)}
    return seen


rows(TAPS, "write-without", {f"{name}-{word}": (device, name) for word, device in (("above", "t0"), ("below", "v0"))
                             for name in ("tso", "tx", "sg", "gso", "tx-udp-segmentation")}, without)

# --- read -----------------------------------------------------------------------------

# What comes from the wire: (frame, header for the packet socket).
READ = {
    "plain": lambda port: (tap.udp(port, "wire", "t0"), None),
    "short": lambda port: (tap.udp(port, "wire", "t0", b""), None),
    "full": lambda port: (tap.udp(port, "wire", "t0", tap.pattern(1472)), None),
    "bad-checksum": lambda port: (tap.framed(port, "wire", "t0", craft.udp(b"hello", bad=True), 17), None),
    "checksum": lambda port: (tap.udp(port, "wire", "t0"), vnet(1, 0, 0, 0, UDP4, 6)),
    "checksum-valid": lambda port: (tap.udp(port, "wire", "t0"), vnet(2)),
    "tso4": lambda port: (tap.tcp(port, "wire", "t0"), TSO4),
    "tso4-ecn": lambda port: (tap.tcp(port, "wire", "t0", flags=0x90), vnet(1, 0x81, 54, 1448, 34, 16)),
    "tso4-64k": lambda port: (tap.tcp(port, "wire", "t0", 65000), TSO4),
    "tso6": lambda port: (tap.tcp(port, "wire", "t0", family=6), TSO6),
    "uso4": lambda port: (tap.udp(port, "wire", "t0", tap.pattern(5000)), vnet(1, 5, 42, 1000, 34, 6)),
    "uso6": lambda port: (tap.udp(port, "wire", "t0", tap.pattern(5000), family=6), vnet(1, 5, 62, 1000, 54, 6)),
    "ufo": lambda port: (tap.udp(port, "wire", "t0", tap.pattern(5000)), vnet(1, 3, 42, 1000, 34, 6)),
    "vlan": lambda port: (tagged(tap.udp(port, "wire", "t0"), (0x8100, 0x2005)), None),
    "vlan-ad": lambda port: (tagged(tap.udp(port, "wire", "t0"), (0x88A8, 5)), None),
    "vlan-double": lambda port: (tagged(tap.udp(port, "wire", "t0"), (0x88A8, 6), (0x8100, 5)), None),
    "vlan-checksum": lambda port: (tagged(tap.udp(port, "wire", "t0"), (0x8100, 5)), vnet(1, 0, 0, 0, UDP4 + 4, 6)),
    "vlan-tso4": lambda port: (tagged(tap.tcp(port, "wire", "t0"), (0x8100, 5)), vnet(1, 1, 58, 1448, 38, 16)),
    "fragment": lambda port: (craft.ether(port.address("t0"), port.address("wire"), 0x0800,
                                          craft.ipv4(tap.pattern(400), 17, tap.ip(port, "wire"), tap.ip(port, "t0"),
                                                     fragment=0x2000)), None),
}
READERS = {
    "usual": {}, "offload-0": {"offload": 0}, "checksum-only": {"offload": tap.CSUM}, "tso4-only": {"offload": tap.CSUM | tap.TSO4},
    "tso6-only": {"offload": tap.CSUM | tap.TSO6}, "all": {"offload": 0x7F}, "uso4-alone": {"offload": tap.CSUM | tap.USO4},
    "tso-without-checksum": {"offload": tap.TSO4 | tap.TSO6}, "no-header": {"flags": 0x1002},
    "no-header-all": {"flags": 0x1002, "offload": 0x7F}, "header-12": {"header": 12}, "header-100": {"header": 100},
}


def received(bed, frames, **how):
    """What a reader gets of frames from the wire and from a sibling's own stack."""
    port = tap.place(bed, "t0 t1/B", ipv6=True)
    file = File(bed, "A/t0", **how)
    seen = {}
    for name, what in frames.items():
        frame, header = what(port)
        before = tap.counters(bed, "A/t0")
        seen[name] = {"sent": sent(bed, frame, header), "read": file.seen(frame), "stats": tap.changed(bed, before)}
    return seen


rows(TAPS, "read", READERS, lambda bed, settings: received(bed, READ, **settings))


def order(bed, value):
    """The header in each order of bytes, in both directions."""
    port = tap.place(bed, "t0 t1/B")
    file, other = File(bed, "A/t0"), File(bed, "B/t1")
    file.must(file.put(tap.SETLE, value))
    seen = {}
    for name, header, frame in (("tso", TSO4, tap.tcp(port, "wire", "t0")),
                                ("checksum", vnet(1, 0, 0, 0, UDP4, 6), tap.udp(port, "wire", "t0"))):
        seen[name] = {"sent": sent(bed, frame, header), "read": [data[:10].hex() for data in file.frames()]}
    seen["write"] = file.send(tap.tcp(port, "t0", "t1"), TSO4)
    bed.barrier.frames()
    return {**seen, "other": other.seen()}


rows(TAPS, "read-order", {"machine": 0, "little": 1}, order)


def lengths(bed, frame, header, settings):
    """Buffers of all lengths around the borders, a frame for each."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0", **settings)
    data = frame(port)
    whole = file.header + len(data)
    seen = {}
    borders = (0, file.header, file.header + 12, file.header + 14, file.header + 16, file.header + 18, whole)
    for length in sorted({border + more for border in borders for more in (-2, -1, 0, 1, 2) if border + more >= 0} | {whole + 1000}):
        answers = [sent(bed, data, header), file.read(length), file.read()]
        seen[str(length)] = " ".join(answer if isinstance(answer, str) else f"{len(answer)}:{answer.hex()}" for answer in answers)
    return seen


rows(TAPS, "read-lengths", {
    f"{key}{name}": (frame, None, settings) for key, frame in (("plain", lambda port: tap.udp(port, "wire", "t0")),
                                                             ("vlan", lambda port: tagged(tap.udp(port, "wire", "t0"), (0x8100, 5))))
    for name, settings in (("", {}), ("-header-12", {"header": 12}), ("-no-header", {"flags": 0x1002}))}, lengths)


@scenario(*TAPS)
def read_header_too_long(bed):
    """A header that no buffer has room for: every frame is lost."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    sent(bed, tap.udp(port, "wire", "t0"), count=3)
    seen = {"set": file.put(tap.SETHDRSZ, 1 << 20), "read": [file.read() for _ in range(2)], "back": file.put(tap.SETHDRSZ, 10)}
    return {**seen, "then": file.seen()}


@scenario(*TAPS)
def read_vectors(bed):
    """Into pieces, and where nothing is."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    plain_frame = tap.udp(port, "wire", "t0", tap.pattern(1000))
    seen = {}
    for kind, frame in (("plain", plain_frame), ("vlan", tagged(plain_frame, (0x8100, 5)))):
        for sizes in ((10, 2000), (1, 9, 12, 4, 2000), (5, 5, 5, 5, 5, 5, 5), (0, 10, 0, 2000), (11, 11, 11, 11), (2000, 2000)):
            sent(bed, frame)
            buffers = [bytearray(b"\xee" * size) for size in sizes]
            try:
                answer = os.readv(file.fd, buffers)
            except OSError as error:
                answer = tap.error_name(error.errno)
            seen[f"{kind} {sizes}"] = [str(answer), b"".join(buffers)[:64].hex()]
        sent(bed, frame)
        seen[f"{kind} nowhere"] = [tap.called(libc.read(file.fd, tap.UNMAPPED, 2000)), file.seen()]
    libc.mmap.restype = ctypes.c_void_p
    start = libc.mmap(None, ctypes.c_size_t(8192), 3, 0x22, -1, ctypes.c_long(0))
    libc.munmap(ctypes.c_void_p(start + 4096), ctypes.c_size_t(4096))
    for kind, frame in (("plain", plain_frame), ("vlan", tagged(plain_frame, (0x8100, 5)))):
        for there in (5, 10, 15, 22, 24, 26, 100):
            sent(bed, frame)
            seen[f"{kind} {there} bytes there"] = [tap.called(libc.read(file.fd, start + 4096 - there, 2000)), len(file.frames())]
    libc.munmap(ctypes.c_void_p(start), ctypes.c_size_t(4096))
    return seen


def between(bed, *requests):
    """What is between the device and its reader: filters, programs, other sockets."""
    port = tap.place(bed, "t0 t1/B")
    file = File(bed, "A/t0")
    for request in requests:
        done = bed.run("A", request)
        if done["status"]:
            raise RuntimeError(str(done))
    taps = port.watch(witness=None)
    seen = {}
    for name, frame, header in (("plain", tap.udp(port, "wire", "t0"), None), ("tso", tap.tcp(port, "wire", "t0"), TSO4),
                                ("vlan", tagged(tap.udp(port, "wire", "t0"), (0x8100, 5)), None)):
        before = taps.stats()
        seen[name] = {"sent": sent(bed, frame, header), "read": file.seen(frame), "stats": difference(before, taps.stats()),
                      "seen": {pair: drain(sock, frame) for pair, sock in taps.sockets.items()}}
    return seen


rows(TAPS, "between", {
    "nothing": (),
    "filter-drops": (CLSACT, "tc filter add dev t0 ingress matchall action drop"),
    "filter-drops-vlan": (CLSACT, "tc filter add dev t0 ingress protocol 802.1q matchall action drop"),
    "filter-redirects": (CLSACT, "tc filter add dev t0 ingress matchall action mirred egress redirect dev v0"),
    "vlan-device-below": ("modprobe 8021q", "ip link add link v0 name vl5 type vlan id 5", "ip link set vl5 up"),
}, between)
# One of flavor ipvtap has none.
rows(("macvtap",), "between", {
    "vlan-device": ("modprobe 8021q", "ip link add link t0 name vl5 type vlan id 5", "ip link set vl5 up"),
    "vlan-device-other": ("modprobe 8021q", "ip link add link t0 name vl6 type vlan id 6", "ip link set vl6 up"),
}, between)


@scenario(*TAPS)
def read_from_sibling_stack(bed):
    """What a sibling's own stack sends: sockets' segments, checksums to be made."""
    port = tap.place(bed, "t0 t1/B")
    file = File(bed, "A/t0")
    bed.ip("B", "addr replace 10.0.0.21/24 dev t1")
    bed.ip("B", f"neigh replace 10.0.0.20 lladdr {port.address('t0').hex(':')} dev t1 nud permanent")
    with inside("B"):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    seen = {}
    with sock:
        sock.bind(("10.0.0.21", 3000))
        for length in (1, 1000, 1472):
            sock.sendto(tap.pattern(length), ("10.0.0.20", 2000))
            bed.barrier.frames()
            seen[str(length)] = [tap.describe(data[:10], 10) + f" {len(data)}" for data in file.frames()]
        sock.setsockopt(socket.IPPROTO_UDP, 103, 1000)  # UDP_SEGMENT
        sock.sendto(tap.pattern(5000), ("10.0.0.20", 2000))
        bed.barrier.frames()
        seen["segments"] = [tap.describe(data[:10], 10) + f" {len(data)}" for data in file.frames()]
    return seen


# --- groups ---------------------------------------------------------------------------


def groups(bed, kind):
    """Frames to groups: who gets a copy, taps with a reader and without."""
    port = tap.place(bed, "t0 t1/B t2 w9")
    port.join("t0")
    one, other = File(bed, "A/t0"), File(bed, "B/t1")
    marker = Marker("X/v1", "A/w9")
    bed.captures.append(marker)
    marker.wait()
    bed.barrier.frames()
    for file in (one, other):
        file.frames()
    destination = {"broadcast": craft.BROADCAST, "joined": JOINED[0]}[kind]
    seen = {}
    for sender in ("wire", "lower", "t2"):
        frame = craft.ether(destination, port.address(sender))
        answer = transmit(port.pair(sender), frame)
        marker.wait()
        bed.barrier.frames()
        seen[sender] = {"sent": answer, "t0": one.seen(frame), "t1": other.seen(frame)}
    frame = craft.ether(destination, port.address("t0"))
    seen["written"] = {"write": one.send(frame)}
    marker.wait()
    bed.barrier.frames()
    return {**seen, "t0": one.seen(frame), "t1": other.seen(frame)}


rows(TAPS, "group", {kind: kind for kind in ("broadcast", "joined")}, groups)
