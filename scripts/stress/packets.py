# SPDX-License-Identifier: GPL-2.0
"""Random frames: mostly almost right, which gets further than noise."""

import random
import socket
import struct

SOL_PACKET, PACKET_VNET_HDR, PACKET_QDISC_BYPASS = 263, 15, 20
MACS = [bytes.fromhex(text) for text in ("020000000001", "020000000002", "ffffffffffff",
                                         "01005e000001", "333300000001", "0180c2000000",
                                         "020000009999", "000000000000")]
# Of endpoints on a lower device.
ENDPOINTS = [bytes.fromhex(f"0200000000e{number}") for number in range(5)]
# IP addresses of endpoints. IPv6 takes a route to other ones by whatever device: from
# namespace to namespace in mode l3, and round, until the core complains of a dead loop.
HOSTS = [*(f"10.8.0.{number}" for number in range(11, 16)), *(f"fe80::{number}" for number in range(11, 16))]
LENGTHS = [0, 1, 13, 14, 15, 17, 18, 33, 34, 42, 59, 60, 64, 128, 590, 1279, 1500, 1513, 1514, 1515, 1518,
           1522, 4096, 9014, 16384, 32768, 65535, 65549, 65550, 65553, 65600]
# NONE, TCPV4, UDP, TCPV6, UDP_L4, and with the ECN bit; then what there is not.
GSO = [0, 1, 3, 4, 5, 0x81, 0x84, 2, 6, 0x7F, 0xFF]


class Frame:
    """Bytes, and how to send them."""

    def __init__(self, data, vnet=False, bypass=False):
        self.data, self.vnet, self.bypass = data, vnet, bypass

    def text(self):
        return f"frame {int(self.vnet)} {int(self.bypass)} {self.data.hex()}"

    @staticmethod
    def parse(words):
        return Frame(bytes.fromhex(words[2]), words[0] == "1", words[1] == "1")


def length(rng, limit):
    return min(limit, rng.choice([rng.choice(LENGTHS), rng.randrange(1480), rng.randrange(1480), rng.randrange(65600)]))


def hosts_of(rng, hosts, family):
    """The two ends of a packet's way, where some of these may be."""
    usual = {4: ["10.8.0.1", "10.8.0.2"],
             6: ["fe80::ff:fe00:1", rng.choice(["fe80::ff:fe00:2", "ff02::1"])]}[family]
    some = [host for host in hosts if (":" in host) == (family == 6)]
    return [socket.inet_pton(socket.AF_INET6 if family == 6 else socket.AF_INET,
                             rng.choice(some) if some and rng.random() < 0.7 else host) for host in usual]


def ip_sum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return ~(total % 0xFFFF) & 0xFFFF


def arp(rng, payload, hosts):
    """Mostly whole, and a question."""
    here, there = hosts_of(rng, hosts, 4)
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, rng.choice([1, 1, 2]))
    if not hosts or rng.random() < 0.2:
        return body + payload
    return body + rng.choice(MACS) + here + rng.choice(MACS) + there + payload


def solicitation(rng, hosts):
    """Who has that address? Also from nobody, who wants to have it."""
    here, there = hosts_of(rng, hosts, 6)
    group = bytes.fromhex("ff0200000000000000000001ff") + there[13:]
    body = bytes((rng.choice([135, 135, 136]),)) + bytes(7) + there + bytes((1, 1)) + rng.choice(MACS)
    return (58, struct.pack("!IHBB", 0x60000000, len(body), 58, 255) + rng.choice([here, bytes(16)])
            + rng.choice([group, there]) + body)


def ipv4(rng, payload, hosts):
    proto = rng.choice([1, 6, 6, 6, 17, 17, 17, 132, 4, 47, rng.randrange(256)])
    ihl = 5 if rng.random() < 0.9 else rng.randrange(16)
    total = 20 + len(payload) if rng.random() < 0.8 else rng.randrange(65536)
    fragment = 0 if rng.random() < 0.8 else rng.getrandbits(16)
    head = struct.pack("!BBHHHBBH", 0x40 | ihl, 0, total & 0xFFFF, rng.getrandbits(16), fragment, 64, proto, 0)
    head += b"".join(hosts_of(rng, hosts, 4))
    if hosts and rng.random() < 0.9:
        # Else it would not get further than the stack's first look.
        head = head[:10] + struct.pack("!H", ip_sum(head)) + head[12:]
    return proto, head + l4(rng, proto, payload)


def ipv6(rng, payload, hosts):
    if hosts and rng.random() < 0.2:
        return solicitation(rng, hosts)
    proto = rng.choice([6, 6, 17, 17, 58, 0, 43, 44, 60, rng.randrange(256)])
    total = len(payload) if rng.random() < 0.8 else rng.randrange(65536)
    head = struct.pack("!IHBB", 0x60000000, total & 0xFFFF, proto, 64)
    return proto, head + b"".join(hosts_of(rng, hosts, 6)) + l4(rng, proto, payload)


def l4(rng, proto, payload):
    if proto == 6 and len(payload) >= 20:
        offset = 0x50 if rng.random() < 0.9 else rng.randrange(16) << 4
        return struct.pack("!HHIIBBHHH", 9, 9, 1, 1, offset, rng.getrandbits(8), 1000, 0, 0) + payload[20:]
    if proto == 17 and len(payload) >= 8:
        size = len(payload) if rng.random() < 0.8 else rng.randrange(65536)
        return struct.pack("!HHHH", 9, 9, size & 0xFFFF, 0) + payload[8:]
    return payload


def fitting(rng, start, family, proto):
    """A virtio-net header for TCP or UDP behind START bytes."""
    checksum, kinds, head = (16, [0, 1 if family == 4 else 4], 20) if proto == 6 else (6, [0, 5], 8)
    if proto not in (6, 17):
        return bytes(10)
    return struct.pack("=BBHHHH", 1, rng.choice(kinds), start + head, rng.choice([1, 536, 1000, 1448]), start, checksum)


def odd(rng, size):
    """A virtio-net header of almost anything."""
    return struct.pack("=BBHHHH", rng.getrandbits(3), rng.choice(GSO),
                       rng.choice([0, 14, 54, 0xFFFF, rng.getrandbits(16)]),
                       rng.choice([0, 1, 7, 0xFFFF, rng.getrandbits(16)]),
                       rng.choice([0, 34, 54, min(max(size - 1, 0), 0xFFFF), rng.getrandbits(16)]),
                       rng.choice([0, 6, 16, rng.getrandbits(16)]))


def frame(rng, limit=65600, macs=(), hosts=()):
    """Also to and from `macs`, as often as all others together, and the IP addresses
    `hosts`."""
    size = length(rng, limit)
    payload = rng.randbytes(min(size, 64)).ljust(size, b"x")
    kind, family, proto = rng.randrange(5), 0, 0
    if kind == 0:
        family, protocol, (proto, body) = 4, 0x0800, ipv4(rng, payload, hosts)
    elif kind == 1:
        family, protocol, (proto, body) = 6, 0x86DD, ipv6(rng, payload, hosts)
    elif kind == 2:
        protocol, body = 0x0806, arp(rng, payload, hosts)
    else:
        protocol, body = rng.choice([0, 60, 1500, 0x88B5, 0x88CC, 0x8847, 0x8100, rng.getrandbits(16)]), payload
    tags = rng.choice([0, 0, 0, 0, 0, 0, 1, 2, 3, 10])
    for _ in range(tags):
        body = struct.pack("!HH", rng.choice([rng.randrange(4096), rng.getrandbits(16)]), protocol) + body
        protocol = rng.choice([0x8100, 0x8100, 0x88A8])
    there, here = (rng.choice(macs if macs and rng.random() < 0.5 else usual)
                   for usual in (MACS[:2] if rng.random() < 0.5 else MACS, MACS))
    if hosts and rng.random() < 0.4:
        here = there  # endpoints of flavor ipvlan have one MAC address
    data = there + here + struct.pack("!H", protocol) + body
    if rng.random() < 0.2:
        data = data[:size]
    with_vnet = rng.random() < 0.6
    if with_vnet:
        start = 14 + 4 * tags + {0: 0, 4: 20, 6: 40}[family]
        data = (fitting(rng, start, family, proto) if rng.random() < 0.6 else odd(rng, len(data))) + data
        if rng.random() < 0.02:
            data = data[:rng.randrange(10)]
    return Frame(data, with_vnet, rng.random() < 0.3)


def spoil(one, seed):
    """Some bytes of its head are others."""
    rng, data = random.Random(seed), bytearray(one.data)
    for _ in range(rng.choice([1, 1, 2, 4]) if data else 0):
        data[rng.randrange(min(len(data), 80))] = rng.choice([0, 1, 0xFF, rng.getrandbits(8)])
    one.data = bytes(data)


class Sender:
    """Packet sockets on one device, one for each way to send."""

    def __init__(self, name):
        self.name, self.socks = name, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in self.socks.values():
            sock.close()

    def sock(self, way):
        if way not in self.socks:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socks[way] = sock
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
            sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, way[0])
            sock.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, way[1])
            sock.bind((self.name, 0))
        return self.socks[way]

    def send(self, one):
        """0, or an errno."""
        try:
            self.sock((int(one.vnet), int(one.bypass))).send(one.data)
        except OSError as error:
            return error.errno
        return 0
