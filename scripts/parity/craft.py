# SPDX-License-Identifier: GPL-2.0
"""Frames, byte by byte."""

import socket
import struct

V0 = bytes.fromhex("020000000001")
V1 = bytes.fromhex("020000000002")
STRANGER = bytes.fromhex("020000009999")
BROADCAST = b"\xff" * 6
MULTICAST4 = bytes.fromhex("01005e000105")  # 224.0.1.5
MULTICAST6 = bytes.fromhex("333300000105")
RESERVED = bytes.fromhex("0180c2000000")    # what a bridge does not forward
ETH_P_TEST = 0x88B5


def ether(dst, src=V0, protocol=ETH_P_TEST, payload=b"", length=60):
    """Filled with zeroes up to `length`."""
    data = dst + src + struct.pack("!H", protocol) + payload
    return data + bytes(max(0, length - len(data)))


def tagged(frame, *tags):
    """802.1Q or 802.1ad in front of what the frame has: (TPID, TCI), outermost first."""
    data = b"".join(struct.pack("!HH", tpid, tci) for tpid, tci in tags)
    return frame[:12] + data + frame[12:]


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(payload, protocol=17, src="10.0.0.1", dst="10.0.0.2", fragment=0, ident=1, bad=False):
    """`fragment`: offset in units of 8 bytes, 0x2000 for more to come."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, fragment, 64, protocol,
                       0, socket.inet_aton(src), socket.inet_aton(dst))
    total = checksum(head) ^ (0x5555 if bad else 0)
    return head[:10] + struct.pack("!H", total) + head[12:] + payload


def ipv6(payload, header=17, src="fd00::1", dst="fd00::2"):
    return struct.pack("!IHBB", 6 << 28, len(payload), header, 64) + \
        socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + payload


def fragment6(payload, header, offset, more, ident=7):
    return struct.pack("!BBHI", header, 0, offset << 3 | more, ident) + payload


def udp(payload, sport=1000, dport=2000, src="10.0.0.1", dst="10.0.0.2", bad=False, none=False):
    family = socket.AF_INET6 if ":" in src else socket.AF_INET
    length = 8 + len(payload)
    head = struct.pack("!HHHH", sport, dport, length, 0)
    pseudo = socket.inet_pton(family, src) + socket.inet_pton(family, dst) + struct.pack("!II", length, 17)
    total = 0 if none else (checksum(pseudo + head + payload) or 0xFFFF) ^ (0x5555 if bad else 0)
    return head[:6] + struct.pack("!H", total) + payload


def tcp(payload, src="10.0.0.1", dst="10.0.0.2", flags=0x10, seq=1):
    family = socket.AF_INET6 if ":" in src else socket.AF_INET
    head = struct.pack("!HHIIBBHHH", 1000, 2000, seq, 0, 5 << 4, flags, 65535, 0, 0)
    pseudo = socket.inet_pton(family, src) + socket.inet_pton(family, dst) + \
        struct.pack("!II", len(head) + len(payload), 6)
    total = checksum(pseudo + head + payload)
    return head[:16] + struct.pack("!H", total) + head[18:] + payload


def vnet(flags=0, gso=0, header=0, size=0, start=0, offset=0):
    """struct virtio_net_hdr; flags 1: the checksum is still to be made."""
    return struct.pack("=BBHHHH", flags, gso, header, size, start, offset)
