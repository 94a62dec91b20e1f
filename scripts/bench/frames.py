# SPDX-License-Identifier: GPL-2.0
"""Frames for AF_PACKET senders, as bytes."""

import socket
import struct

VIRTIO_NET_HDR_F_NEEDS_CSUM = 1
VNET_HDR_LEN = 10
GSO = {"tcp4": 1, "tcp6": 4}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def arp(dst, to, src="02:00:00:00:00:01"):
    """A request for an address, from somebody who has one beside it."""
    src = bytes.fromhex(src.replace(":", ""))
    to = socket.inet_aton(to)
    return bytes.fromhex(dst.replace(":", "")) + src + struct.pack(
        "!HHHBBH6s4s6s4s", 0x0806, 1, 0x0800, 6, 4, 1, src, to[:3] + b"\1", bytes(6), to)


def build(dst, proto, size, vlan=None, gso=None, to=bytes(4), src="02:00:00:00:00:01"):
    """A frame to dst, `size` bytes long (the Ethernet header included, a VLAN tag
    not); with `gso`, one of segments that large, behind its virtio_net_hdr."""
    l2 = bytes.fromhex((dst + src).replace(":", ""))
    if vlan is not None:
        l2 += struct.pack("!HH", 0x8100, vlan)
    version = int(proto[-1])
    ethertype, ip_len, number = (0x0800, 20, 0) if version == 4 else (0x86DD, 40, 0)
    number = {"udp": 17, "tcp": 6}[proto[:3]]
    l2 += struct.pack("!H", ethertype)
    l4_len = 8 if number == 17 else 20
    payload = b"x" * (size - 14 - ip_len - l4_len)
    length = l4_len + len(payload)

    if version == 4:
        # No addresses: taken for a broadcast, not answered, not routed. From none to
        # one: dropped where the route is looked up.
        src, dest = bytes(4), to
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, number, 0) + src + dest
        ip = ip[:10] + struct.pack("!H", ~checksum(ip) & 0xFFFF) + ip[12:]
        pseudo = src + dest + struct.pack("!BBH", 0, number, length)
    else:
        src, dest = bytes.fromhex("fe80" + "00" * 13 + "01"), bytes.fromhex("ff02" + "00" * 13 + "01")
        ip = struct.pack("!IHBB", 6 << 28, length, number, 64) + src + dest
        pseudo = src + dest + struct.pack("!IHBB", length, 0, 0, number)
    # What a device that computes checksums itself is given: the pseudo header's.
    partial = checksum(pseudo) if gso else 0
    if number == 17:
        l4 = struct.pack("!HHHH", 9, 9, length, partial)
    else:
        l4 = struct.pack("!HHIIBBHHH", 9, 9, 1, 1, 5 << 4, 0x10, 512, partial, 0)
    frame = l2 + ip + l4 + payload
    if gso:
        start = len(l2) + len(ip)
        header = struct.pack(
            "<BBHHHH",
            VIRTIO_NET_HDR_F_NEEDS_CSUM,
            GSO[proto],
            start + l4_len,
            gso,
            start,
            16,
        )
        frame = header + frame
    return frame
