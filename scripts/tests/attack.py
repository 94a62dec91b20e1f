#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Sends what a guard must not let pass, and what it must, each in every way that there is.

usage: attack.py bad|good|said NETNS DEVICE [WATCHED...]
       attack.py tap bad|good NETNS DEVICE NODE [WATCHED...]

The guard of DEVICE in NETNS has all rules; its list has 10.0.0.1, fd00::1 and fe80::1, and the MAC address
00:00:5e:00:01:07. With said it
need not have rule ip. WATCHED are NETNS/DEVICE, where nobody may see what is bad. Prints what went wrong, a
line for each frame and way, or "all NUMBER".

Ways: a packet socket, one that leaves queues out (PACKET_QDISC_BYPASS), one whose frames stay in memory that
it can write to (PACKET_TX_RING), one with a virtio header (PACKET_VNET_HDR), one that says another protocol
than the frame, one whose frames become what they are by a checksum that is left to the device; or the file NODE.
"""

import mmap
import os
import socket
import struct
import sys
import time

import rtnl
from inside import inside

PACKET_TX_RING, PACKET_VNET_HDR, PACKET_QDISC_BYPASS, PACKET_IGNORE_OUTGOING = 13, 15, 20, 23
SOL_PACKET, ETH_P_ALL = 263, 3
BROADCAST, GROUP = b"\xff" * 6, bytes.fromhex("3333ff000002")
FOREIGN, VRRP = bytes.fromhex("020000000099"), bytes.fromhex("00005e000107")
MINE4, YOURS4, ANY4 = (socket.inet_aton(a) for a in ("10.0.0.1", "10.0.0.2", "0.0.0.0"))
MINE6, YOURS6, ANY6, LOCAL6, ALL6 = (socket.inet_pton(socket.AF_INET6, a)
                                     for a in ("fd00::1", "fd00::2", "::", "fe80::1", "ff02::1"))
IP, ARP, RARP, IPV6, VLAN, QINQ = 0x0800, 0x0806, 0x8035, 0x86DD, 0x8100, 0x88A8


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(src, dst, protocol, payload, fragment=0, options=b""):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, words * 4 + len(payload), 7, fragment, 64, protocol, 0,
                       src, dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(sport, dport, payload=b"x" * 20):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def ip6(src, dst, following, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), following, 255) + src + dst + payload


def icmp6(src, dst, kind, body):
    message = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = src + dst + struct.pack("!II", len(message), 58) + message
    return message[:2] + struct.pack("!H", checksum(pseudo)) + message[4:]


def arp(op, mac, address, layout=(1, 0x0800, 6, 4)):
    return struct.pack("!HHBBH6s4s6s4s", *layout, op, mac, address, bytes(6), YOURS4)


def dhcp(op, mac, options=b"\x35\x01\x01\xff"):
    return struct.pack("!BBBBIHH4s4s4s4s16s192s", op, 1, 6, 0, 1, 0, 0, ANY4, ANY4, ANY4, ANY4, mac,
                       b"") + b"\x63\x82\x53\x63" + options


def neighbour(kind, target, mac):
    return struct.pack("!I", 0x60000000) + target + bytes([kind - 134, 1]) + mac


def nd(src, dst, kind, body):
    return ip6(src, dst, 58, icmp6(src, dst, kind, body))


def extended(packet, *headers):
    """An IPv6 packet with extension headers of 8 bytes, given by their numbers."""
    following, rest = packet[6], packet[40:]
    for header in reversed(headers):
        # A fragment header of a packet in one piece, else an option that pads.
        rest = bytes([following, 0, 0, 0] if header == 44 else [following, 0, 1, 4]) + bytes(4) + rest
        following = header
    return packet[:4] + struct.pack("!H", len(rest)) + bytes([following]) + packet[7:40] + rest


def fragments(packet, first=16):
    """The same in two pieces."""
    following, rest = packet[6], packet[40:]
    for offset, part in ((0, rest[:first]), (first, rest[first:])):
        head = struct.pack("!BBHI", following, 0, offset | (0 if offset else 1), 77)
        piece = head + part
        yield packet[:4] + struct.pack("!H", len(piece)) + b"\x2c" + packet[7:40] + piece


def frame(src, protocol, packet, dst=BROADCAST):
    return dst + src + struct.pack("!H", protocol) + packet


def tagged(data, *tags):
    tags = b"".join(struct.pack("!HH", tag, 5) for tag in tags)
    return data[:12] + tags + data[12:]


def snap(data, oui=b"\0\0\0"):
    payload = b"\xaa\xaa\x03" + oui + data[12:]
    return data[:12] + struct.pack("!H", len(payload)) + payload


def bad(me):
    """{name: frame}, for a device with the MAC address `me`."""
    spoof = ip4(YOURS4, MINE4, 17, udp(9, 9))
    spoof6 = ip6(YOURS6, MINE6, 17, udp(9, 9))
    na = nd(MINE6, ALL6, 136, neighbour(136, YOURS6, me))
    ra = nd(LOCAL6, ALL6, 134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + bytes([1, 1]) + me)
    offer = ip4(MINE4, b"\xff" * 4, 17, udp(67, 68, dhcp(2, me)))
    stolen = ip4(ANY4, b"\xff" * 4, 17, udp(68, 67, dhcp(1, FOREIGN)))
    packets = {
        "ip": (IP, spoof),
        "ip-options": (IP, ip4(YOURS4, MINE4, 17, udp(9, 9), options=b"\x01" * 40)),
        "ip-tcp": (IP, ip4(YOURS4, MINE4, 6, bytes(20))),
        "ip-first-fragment": (IP, ip4(YOURS4, MINE4, 17, udp(9, 9), 0x2000)),
        "ip-later-fragment": (IP, ip4(YOURS4, MINE4, 17, udp(9, 9), 5)),
        "ip-redirect": (IP, ip4(MINE4, YOURS4, 1, struct.pack("!BBH4s", 5, 1, 0, MINE4) + bytes(28))),
        "ip-router": (IP, ip4(MINE4, YOURS4, 1, struct.pack("!BBHBBH4sI", 9, 0, 0, 1, 2, 1800, MINE4, 0))),
        "ip-router-options": (IP, ip4(MINE4, YOURS4, 1, b"\t" + bytes(15), options=b"\1" * 8)),
        "ip-gso": (IP, ip4(b"\x0b\0" + MINE4[2:], YOURS4, 17, udp(9, 9, bytes(600)))),
        "ip-nobody": (IP, ip4(ANY4, MINE4, 17, udp(68, 67))),
        "ip-everybody": (IP, ip4(b"\xff" * 4, MINE4, 17, udp(9, 9))),
        "ip-cut": (IP, spoof[:19]),
        "ip-version": (IP, b"\x65" + spoof[1:]),
        "ip-as-ipv6": (IPV6, spoof),
        "ipv6": (IPV6, spoof6),
        "ipv6-as-ip": (IP, spoof6),
        "ipv6-nobody": (IPV6, ip6(ANY6, ALL6, 17, udp(9, 9))),
        "ipv6-hop-by-hop": (IPV6, extended(spoof6, 0)),
        "ipv6-link-local": (IPV6, ip6(LOCAL6[:15] + b"\2", ALL6, 17, udp(9, 9))),
        "arp-answer": (ARP, arp(2, me, YOURS4)),
        "arp-request": (ARP, arp(1, me, YOURS4)),
        "arp-mac": (ARP, arp(2, FOREIGN, MINE4)),
        "arp-unfinished-mac": (ARP, arp(2, me[:4] + b"\xff\x77", MINE4)),
        "arp-hardware": (ARP, arp(2, me, YOURS4, (6, 0x0800, 6, 4))),
        "arp-long": (ARP, struct.pack("!HHBBH8s4s8s4s", 1, 0x0800, 8, 4, 2, me, YOURS4, b"", MINE4)),
        "arp-short": (ARP, struct.pack("!HHBBH2s4s2s4s", 1, 0x0800, 2, 4, 2, me, YOURS4, b"", MINE4)),
        "arp-nobody": (ARP, arp(2, me, ANY4)),
        "arp-cut": (ARP, arp(2, me, MINE4)[:17]),
        "rarp": (RARP, arp(4, me, YOURS4)),
        "na": (IPV6, na),
        "na-hop-by-hop": (IPV6, extended(na, 0)),
        "na-many": (IPV6, extended(na, 0, 60, 43, 60)),
        "na-too-many": (IPV6, extended(na, *[60] * 12)),
        "na-mac": (IPV6, nd(MINE6, ALL6, 136, neighbour(136, MINE6, FOREIGN))),
        "na-unfinished-mac": (IPV6, nd(MINE6, ALL6, 136, neighbour(136, MINE6, me[:4] + b"\xff\x77"))),
        "na-second-option": (IPV6, nd(MINE6, ALL6, 136, neighbour(136, MINE6, me) + bytes([2, 1]) + FOREIGN)),
        "na-from-another": (IPV6, nd(YOURS6, ALL6, 136, neighbour(136, MINE6, me))),
        "ns-mac": (IPV6, nd(MINE6, ALL6, 135, neighbour(135, YOURS6, FOREIGN))),
        "ns-is-free": (IPV6, nd(ANY6, ALL6, 135, struct.pack("!I", 0) + YOURS6)),
        "rs-mac": (IPV6, nd(MINE6, ALL6, 133, bytes(4) + bytes([1, 1]) + FOREIGN)),
        "ra": (IPV6, ra),
        "ra-options": (IPV6, extended(ra, 60)),
        "ra-routing-fragment": (IPV6, extended(ra, 43, 44, 60)),
        "redirect": (IPV6, nd(LOCAL6, ALL6, 137, bytes(4) + MINE6 + MINE6)),
        "offer": (IP, offer),
        "offer-other-port": (IP, ip4(MINE4, b"\xff" * 4, 17, udp(999, 68, dhcp(2, me)))),
        "offer-from-port": (IP, ip4(MINE4, b"\xff" * 4, 17, udp(67, 999, dhcp(2, me)))),
        "offer-to-relay": (IP, ip4(MINE4, YOURS4, 17, udp(999, 67, dhcp(2, me)))),
        "offer-ip-options": (IP, ip4(MINE4, b"\xff" * 4, 17, udp(67, 68, dhcp(2, me)), options=b"\x01" * 8)),
        "offer-fragment": (IP, ip4(MINE4, b"\xff" * 4, 17, udp(67, 68, dhcp(2, me)), 0x2000)),
        "advertise": (IPV6, ip6(MINE6, ALL6, 17, udp(547, 546, b"\2" + bytes(20)))),
        "advertise-other-port": (IPV6, ip6(MINE6, ALL6, 17, udp(999, 546, b"\2" + bytes(20)))),
        "relay-reply": (IPV6, ip6(MINE6, ALL6, 17, udp(999, 547, b"\x0d" + bytes(40)))),
        "stolen-lease": (IP, stolen),
        "stolen-unfinished-lease": (IP, ip4(ANY4, b"\xff" * 4, 17, udp(68, 67, dhcp(1, me[:4] + b"\xff\x77")))),
        "stolen-lease-options": (IP, ip4(ANY4, b"\xff" * 4, 17, udp(
            68, 67, dhcp(1, FOREIGN, b"\x35\x01\x01\x3d\x07\x01" + me + b"\xff")))),
        "mpls": (0x8847, b"\0\0\x11\x40" + spoof),
        "pppoe": (0x8864, b"\x11\0\0\1\0\x30\0\x21" + spoof),
        "experiment": (0x88B5, bytes(50)),
        "nothing": (IP, b""),
    }
    frames = {}
    for name, (protocol, packet) in packets.items():
        plain = frame(me, protocol, packet)
        frames[name] = plain
        if name in ("ip", "ipv6", "arp-answer", "na", "ra", "offer"):
            for how, tags in (("vlan", (VLAN,)), ("priority", (QINQ,)), ("qinq", (QINQ, VLAN)), ("9100", (0x9100,)),
                              ("deep", (VLAN,) * 4), ("too-deep", (VLAN,) * 9)):
                frames[f"{name}-{how}"] = tagged(plain, *tags)
            frames[f"{name}-snap"] = snap(plain)
            frames[f"{name}-802.1h"] = snap(plain, b"\0\0\xf8")
            frames[f"{name}-vlan-snap"] = tagged(snap(plain), VLAN)
    for name, packet in (("na", na), ("ra", ra)):
        # Of a packet in pieces the first is enough to be stopped: nobody puts the rest together.
        frames[f"{name}-fragments"] = frame(me, IPV6, next(fragments(packet)))
        frames[f"{name}-small-fragments"] = frame(me, IPV6, next(fragments(extended(packet, 60), 8)))
    frames["mac"] = frame(FOREIGN, IP, ip4(MINE4, YOURS4, 17, udp(9, 9)))
    frames["mac-group"] = frame(BROADCAST, IP, ip4(MINE4, YOURS4, 17, udp(9, 9)))
    return frames


def good(me):
    """The same of what has to pass."""
    packets = {
        "ip": (IP, ip4(MINE4, YOURS4, 17, udp(9, 9))),
        "ip-later-fragment": (IP, ip4(MINE4, YOURS4, 17, bytes(24), 5)),
        "ping": (IP, ip4(MINE4, YOURS4, 1, b"\x08" + bytes(27))),
        "discover": (IP, ip4(ANY4, b"\xff" * 4, 17, udp(68, 67, dhcp(1, me)))),
        "igmp": (IP, ip4(ANY4, socket.inet_aton("224.0.0.22"), 2, bytes(16))),
        "arp": (ARP, arp(1, me, MINE4)),
        "arp-gratuitous": (ARP, arp(2, me, MINE4)),
        "arp-probe": (ARP, arp(1, me, ANY4)),
        "rarp": (RARP, arp(3, me, ANY4)),
        "ipv6": (IPV6, ip6(MINE6, YOURS6, 17, udp(9, 9))),
        "ipv6-listed-link-local": (IPV6, ip6(LOCAL6, ALL6, 17, udp(9, 9))),
        "is-free": (IPV6, nd(ANY6, ALL6, 135, struct.pack("!I", 0) + MINE6)),
        "ns": (IPV6, nd(MINE6, GROUP_OF_YOURS, 135, neighbour(135, YOURS6, me))),
        "na": (IPV6, nd(MINE6, ALL6, 136, neighbour(136, MINE6, me))),
        "rs": (IPV6, nd(ANY6, ALL6, 133, bytes(4))),
        "mld": (IPV6, extended(nd(ANY6, ALL6, 143, bytes(4)), 0)),
        "echo-hop-by-hop": (IPV6, extended(nd(MINE6, YOURS6, 128, bytes(40)), 0)),
        "solicit": (IPV6, ip6(LOCAL6, ALL6, 17, udp(546, 547, b"\1" + bytes(20)))),
    }
    frames = {name: frame(me, *packet) for name, packet in packets.items()}
    frames["vrrp"] = frame(VRRP, IP, ip4(MINE4, socket.inet_aton("224.0.0.18"), 112, bytes(20)))
    frames["vrrp-arp"] = frame(VRRP, ARP, arp(2, VRRP, MINE4))
    return frames


def said(me):
    """What has the length of an 802.3 frame in place of a protocol, which is said instead."""
    frames = bad(me)
    return {name: frames[name][:12] + b"\0\x64" + frames[name][14:] for name in ("na", "ra", "offer", "advertise")}


def unfinished(me):
    """{name: (place, word)}: with that word there a bad frame is a good one."""
    mine = me[4:]
    return {
        "ip": (28, MINE4[2:]), "ip-tcp": (28, MINE4[2:]), "ip-later-fragment": (28, MINE4[2:]),
        "ip-gso": (26, MINE4[:2]), "ip-redirect": (34, b"\x08\1"), "ip-router": (34, b"\x08\0"),
        "ipv6": (36, MINE6[14:]), "ipv6-hop-by-hop": (36, MINE6[14:]), "ipv6-link-local": (36, LOCAL6[14:]),
        "arp-answer": (30, MINE4[2:]), "arp-request": (30, MINE4[2:]), "arp-unfinished-mac": (26, mine),
        "rarp": (30, MINE4[2:]), "na": (76, MINE6[14:]),
        "na-unfinished-mac": (84, mine), "na-from-another": (36, MINE6[14:]), "ra": (54, b"\x80\0"),
        "redirect": (54, b"\x80\0"), "offer-other-port": (36, b"\3\xe7"), "offer-from-port": (34, b"\3\xe7"),
        "stolen-unfinished-lease": (74, mine), "advertise-other-port": (56, b"\3\xe7"),
        "relay-reply": (62, b"\1\0"),
    }


def becoming(data, place, word):
    """What becomes `data`, with two bytes more, when its checksum is computed; and where that is said to be."""
    start = max(20 + place % 2, min(place, 40))
    wanted = data[place:place + 2]
    data = data + bytes(len(data) % 2 ^ start % 2)
    raw = data[:place] + word + data[place + 2:] + bytes(2)
    # The last word makes the sum of all what it has to be.
    missing = (0xFFFF ^ struct.unpack("!H", wanted)[0]) + checksum(raw[start:])
    raw = raw[:-2] + struct.pack("!H", (missing & 0xFFFF) + (missing >> 16))
    assert checksum(raw[start:]) == struct.unpack("!H", wanted)[0]
    return struct.pack("=BBHHHH", 1, 0, 0, 0, start, place - start) + raw


def by_checksum(device, me):
    sock = packet_socket(device)
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    frames, table = bad(me), unfinished(me)

    def send(data):
        for name, (place, word) in table.items():
            if frames[name] == data:
                raw = becoming(data, place, word)
                if name == "ip-gso":
                    # Cut later (VIRTIO_NET_HDR_GSO_UDP_L4): nothing can be computed now.
                    raw = struct.pack("=BBHHHH", 1, 5, 42, 100, 20, 6) + raw[10:]
                sock.send(raw)
                return
        raise OSError(22, "not made so")
    return send


def by_offload(device):
    """Leaves a checksum that is one to the device, as stacks do."""
    sock = packet_socket(device)
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)

    def send(data):
        places = {b"\x08\0\x11": (34, 6), b"\x86\xdd\x11": (54, 6), b"\x86\xdd\x3a": (54, 2)}
        place = places.get(data[12:14] + data[23 if data[12] == 8 else 20:][:1])
        later = data[12:14] == b"\x08\0" and data[20:22] != bytes(2)
        # What is none of these is computed on the way.
        start, offset = place if place and not later else (len(data), 0)
        sock.send(struct.pack("=BBHHHH", 1, 0, 0, 0, start, offset) + data + bytes(start == len(data) and 2))
    return send


GROUP_OF_YOURS = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:2")


def packet_socket(device, protocol=0):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.bind((device, protocol))
    return sock


def by_socket(device, option=None, header=b""):
    sock = packet_socket(device)
    if option:
        sock.setsockopt(SOL_PACKET, option, 1)
    return lambda data: sock.send(header + data)


def by_lie(device):
    """Says that it is IPv4, or IPv6 if it is that: modes l3 go by what is said. Of what does not say it, the truth."""
    sock = packet_socket(device)

    def send(data):
        said = IP if data[12:14] == b"\x86\xdd" or data[12:15] == b"\0\x64\x45" else IPV6
        sock.sendto(data, (device, said, 0, 0, b""))
    return send


def by_ring(device):
    """A ring of one frame (TPACKET_V1), from which pages go out as they are."""
    sock = packet_socket(device)
    sock.setsockopt(SOL_PACKET, PACKET_TX_RING, struct.pack("=IIII", 4096, 1, 4096, 1))
    ring = mmap.mmap(sock.fileno(), 4096)

    def send(data):
        # struct tpacket_hdr: the data begins behind it, aligned, without the address.
        ring[32:32 + len(data)] = data
        struct.pack_into("=QIIHHII", ring, 0, 1, len(data), len(data), 0, 0, 0, 0)
        sock.send(b"")
        status = struct.unpack_from("=Q", ring)[0]
        if status == 4:
            raise OSError(22, "wrong format")
    return send


def by_node(node):
    """By the file of a tap, which takes what comes and says nothing of what becomes of it."""
    file = os.open(node, os.O_RDWR)
    return lambda data: os.write(file, bytes(10) + data)


def dropped(device):
    """How many frames the guard has stopped."""
    return int(rtnl.link(device)["guarded"])


def main(args):
    if len(args) < 3 or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if args[:1] in (["-h"], ["--help"]) else 2
    node = None
    if args[0] == "tap":
        node = args.pop(4)
        args.pop(0)
    kind, namespace, device, *places = args
    watching = []
    for place in places:
        with inside(place.split("/")[0]):
            sock = packet_socket(place.split("/")[1], ETH_P_ALL)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
            watching.append((place, sock))
    wrong, count = [], 0
    with inside(namespace):
        with packet_socket(device) as sock:
            me = sock.getsockname()[4]
        frames = {"bad": bad, "good": good, "said": said}[kind](me)
        ways = {"tap": by_node(node)} if node else {
            "socket": by_socket(device), "bypass": by_socket(device, PACKET_QDISC_BYPASS),
            "vnet": by_socket(device, PACKET_VNET_HDR, bytes(10)), "ring": by_ring(device)}
        if kind == "said":
            ways = {"lie": by_lie(device)}
        elif kind == "bad" and not node:
            ways |= {"lie": by_lie(device), "csum": by_checksum(device, me)}
        elif not node:
            ways["offload"] = by_offload(device)
        for way, send in ways.items():
            for name, data in frames.items():
                before, count = dropped(device), count + 1
                try:
                    send(data)
                except OSError as error:
                    # What the socket itself does not take does not get as far as the guard.
                    if error.errno not in (105, 22):
                        wrong.append(f"{name} by {way}: {error}")
                    if kind == "good":
                        wrong.append(f"{name} by {way}: {error}")
                    if error.errno == 22:
                        continue
                if node:
                    time.sleep(0.005)
                stopped = dropped(device) - before
                if stopped != (kind != "good"):
                    wrong.append(f"{name} by {way}: stopped {stopped} times")
    time.sleep(0.3)
    names = {data: name for name, data in frames.items()}
    for place, sock in watching if kind != "good" else ():
        try:
            while True:
                data = sock.recv(1 << 16)
                for known, name in names.items():
                    if data[:len(known)] == known[:len(data)] and len(data) >= 40:
                        wrong.append(f"{name} seen by {place}")
        except BlockingIOError:
            pass
    print("\n".join(wrong) or f"all {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
