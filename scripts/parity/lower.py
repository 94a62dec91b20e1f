# SPDX-License-Identifier: GPL-2.0
"""Topologies of flavors with a device below: the lower device, what is at the other
end of its wire, and endpoints."""

import collections
import fcntl
import socket
import struct

import capture
import craft
import rtnl
from inside import inside

MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
IP_MODES = {"l2": 0, "l3": 1, "l3s": 2}
IP_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}
FLOODED = ("private", "vepa", "bridge", "passthru")
LOWER, WIRE = craft.V0, craft.V1
SIOCADDMULTI, SIOCDELMULTI = 0x8931, 0x8932

# Of a group that nobody joined a driver may pass on what its filter cannot tell
# apart, a few frames in a hundred: several groups, of which the most count.
JOINED = [bytes.fromhex(f"01005e0001{number:02x}") for number in (0x11, 0x25, 0x37, 0x42, 0x59, 0x6b, 0x7d)]
UNJOINED = [bytes.fromhex(f"01005e0002{number:02x}") for number in (0x13, 0x26, 0x39, 0x45, 0x58, 0x6c, 0x7f)]


def mode(word):
    """The token for a mode."""
    return f"own32:1:{MODES[word]}"


def ip_mode(word):
    """Tokens for mode and flags, always both: "l3", "l2+vepa"."""
    word, _, flags = word.partition("+")
    return f"own16:1:{IP_MODES[word]} own16:2:{IP_FLAGS[flags or 'bridge']}"


def macs(*addresses):
    """The token for a list of source addresses."""
    data = b"".join(struct.pack("=HH", 10, 4) + bytes.fromhex(address) + bytes(2) for address in addresses)
    return f"own:5:{data.hex()}"


def group(namespace, device, address, request=SIOCADDMULTI):
    """Joins or leaves a group of the link layer."""
    with inside(namespace), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            fcntl.ioctl(control, request, struct.pack("16sH14s8x", device.encode(), 0, address))
        except OSError as error:
            return error.strerror
    return "OK"


class Port:
    """Endpoints "NAME:MODE" or "NAME:MODE/NAMESPACE" on v0, index 10, in A; its
    wire's far end is v1 in X. Endpoints have the indexes from 20 on and the addresses
    02:00:00:00:00:NN with the same number. Without `up` the endpoints stay down."""

    def __init__(self, bed, spec="", up=True, mtu=1500, outer=""):
        self.bed = bed
        self.places, self.numbers, self.modes = {}, {}, {}
        spaces = dict.fromkeys(["A", "X", *(word.partition("/")[2] for word in spec.split() if "/" in word)])
        bed.ns(*(name for name in spaces if name not in bed.sockets))
        bed.must("A", "new", f"kind:{bed.side.peer} name:v0 index:10 addr:{LOWER.hex()} mtu:{mtu}",
                 f"peer name:v1 index:11 addr:{WIRE.hex()} mtu:{mtu} nsfd:/run/netns/X end", flush=False)
        bed.must("X", "set", "name:v1 up", flush=False)
        bed.must("A", "set", "name:v0 up", flush=False)
        for word in spec.split():
            name, _, rest = word.partition(":")
            word, _, namespace = rest.partition("/")
            self.add(name, word, namespace or "A", outer)
        if up:
            self.up(*self.places)
        bed.events()

    def add(self, name, word, namespace="A", *tokens):
        number = 20 + len(self.numbers)
        self.numbers[name], self.places[name], self.modes[name] = number, namespace, word
        if namespace not in self.bed.sockets:
            self.bed.ns(namespace)
        self.bed.must("A", "new", f"KIND name:{name} index:{number} link:10", self.settings(name),
                      "" if namespace == "A" else f"nsfd:/run/netns/{namespace}", *tokens, flush=False)

    def settings(self, name):
        return f"{mode(self.modes[name])} addr:{self.address(name).hex()}"

    def up(self, *names):
        for name in names:
            self.bed.must(self.places[name], "set", f"name:{name} up", flush=False)
        self.bed.sync(*(self.pair(name) for name in names))

    def pair(self, name):
        return {"wire": "X/v1", "lower": "A/v0"}.get(name) or f"{self.places[name]}/{name}"

    def address(self, name):
        if name in ("wire", "lower"):
            return {"wire": WIRE, "lower": LOWER}[name]
        if self.modes[name] == "passthru":
            return LOWER
        return bytes.fromhex(f"0200000000{self.numbers[name]:02d}")

    def join(self, *names):
        for name in names:
            for address in JOINED:
                answer = group(*self.pair(name).split("/"), address)
                if answer != "OK":
                    raise RuntimeError(f"{name} joins {address.hex()}: {answer}")

    def watch(self, *more, witness=True):
        """Captures everywhere. Frames that are passed on later are waited for by one
        that a flood brings to a device; with witness=None there are no such frames."""
        if witness is True:
            witness = self.witness()
        marker = capture.Marker("X/v1", self.pair(witness)) if witness else None
        return self.bed.watch("X/v1", "A/v0", *(self.pair(name) for name in self.places), *more, marker=marker)

    def witness(self):
        return next(name for name, word in self.modes.items() if word in FLOODED)

    def reflect(self):
        """The wire sends everything back."""
        for command in ("tc qdisc add dev v1 clsact",
                        "tc filter add dev v1 ingress matchall action mirred egress redirect dev v1"):
            done = self.bed.run("X", command)
            if done["status"]:
                raise RuntimeError(str(done))


class IpPort(Port):
    """Endpoints that share v0's MAC address: "NAME:MODE+FLAGS/NAMESPACE". They have the
    addresses 10.0.0.NN and, with `ipv6`, fd00::NN by the same numbers; v0 has 10.0.0.1,
    and knows the wire's 10.0.0.2 and fd00::2. Nobody sends anything by itself: the far
    end has no address, and no device has a link-local one."""

    def __init__(self, bed, spec="", ipv6=False, addresses=True, **how):
        spaces = dict.fromkeys(["A", "X", *(word.partition("/")[2] for word in spec.split() if "/" in word)])
        bed.ns(*(name for name in spaces if name not in bed.sockets))
        if ipv6:
            for name in set(bed.sockets) - {"X"}:
                bed.ipv6(name)
                sysctl(name, "ipv6/conf/default/addr_gen_mode", 1)
                sysctl(name, "ipv6/conf/default/router_solicitations", 0)
        self.ipv6 = ipv6
        super().__init__(bed, spec, **how)
        patient("A", "v0", ipv6)
        self.must(address(bed, "A", "v0", "10.0.0.1/24"))
        self.must(neighbour(bed, "A", 10, "10.0.0.2", WIRE))
        if ipv6:
            self.must(route(bed, "A", 10, "fd00::/64"))
            self.must(neighbour(bed, "A", 10, "fd00::2", WIRE))
        if addresses:
            self.own(*self.places)
        bed.events()

    def settings(self, name):
        return ip_mode(self.modes[name])

    def address(self, name):
        return WIRE if name == "wire" else LOWER

    def ip(self, name, family=4):
        number = {"lower": 1, "wire": 2, "unknown": 99}.get(name) or self.numbers[name]
        return f"10.0.0.{number}" if family == 4 else f"fd00::{number}"

    def own(self, *names):
        for name in names:
            where, device = self.pair(name).split("/")
            patient(where, device, self.ipv6)
            self.must(address(self.bed, where, device, self.ip(name) + "/24"))
            if self.ipv6:
                # One that resolves addresses joins groups for each of its own, and tells.
                self.bed.must(where, "set", f"name:{device} flags:0x80", flush=False)
                self.must(address(self.bed, where, device, self.ip(name, 6) + "/64"))
            # What comes back from the wire for it has our own address.
            self.must(neighbour(self.bed, "A", 10, self.ip(name), LOWER))
            if self.ipv6:
                self.must(neighbour(self.bed, "A", 10, self.ip(name, 6), LOWER))

    def witness(self):
        return next((name for name, word in self.modes.items() if word.startswith("l2")), None)

    @staticmethod
    def must(answer):
        if answer["errno"] != "OK":
            raise RuntimeError(str(answer))


def sysctl(namespace, name, value):
    with inside(namespace), open("/proc/sys/net/" + name, "w", encoding="ascii") as file:
        file.write(str(value))


def patient(namespace, device, ipv6):
    """Asks for a neighbour again only after the scenario's end, and says again then which groups it listens to."""
    for family in ("ipv4", "ipv6")[:1 + ipv6]:
        sysctl(namespace, f"{family}/neigh/{device}/retrans_time_ms", 1000000)
    if ipv6:
        sysctl(namespace, f"ipv6/conf/{device}/mldv2_unsolicited_report_interval", 1000000)


def packed(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.inet_pton(family, address)


def ask(bed, namespace, kind, flags, payload):
    """A request that is not about links: {"errno", "text"}."""
    netlink = bed.sockets[namespace]
    netlink.send(kind, rtnl.REQUEST | rtnl.ACK | flags, payload)
    error, text, _ = netlink.reply()
    name, _, text = rtnl.result(error, text).partition(" ")
    return {"errno": name, "text": text}


def address(bed, namespace, device, text, operation="new", peer=None, scope=0):
    """Adds or removes ADDRESS/LENGTH, without detection of duplicates on the wire."""
    text, _, length = text.partition("/")
    family, local = packed(text)
    with inside(namespace):
        index = socket.if_nametoindex(device)
    payload = struct.pack("=BBBBi", family, int(length), 2 if ":" in text else 0, scope, index)
    payload += rtnl.attr(2, local) + rtnl.attr(1, packed(peer)[1] if peer else local)
    flags = rtnl.CREATE | rtnl.EXCL if operation == "new" else 0
    return ask(bed, namespace, {"new": 20, "del": 21}[operation], flags, payload)


def neighbour(bed, namespace, index, text, lladdr):
    family, target = packed(text)
    payload = struct.pack("=BxxxiHBB", family, index, 0x80, 0, 0)  # NUD_PERMANENT
    return ask(bed, namespace, 28, rtnl.CREATE | rtnl.REPLACE, payload + rtnl.attr(1, target) + rtnl.attr(2, lladdr))


def route(bed, namespace, index, prefix, kind=1, via=None):
    """RTN_UNICAST by default, in the main table."""
    text, _, length = prefix.partition("/")
    family, target = packed(text)
    payload = struct.pack("=BBBBBBBBI", family, int(length), 0, 0, 254, 4, 0 if via or ":" in text else 253, kind, 0)
    if int(length):
        payload += rtnl.attr(1, target)
    if kind == 1:
        payload += rtnl.attr(4, struct.pack("=i", index))
    if via:
        payload += rtnl.attr(5, packed(via)[1])
    return ask(bed, namespace, 24, rtnl.CREATE | rtnl.EXCL, payload)


def usual(results):
    """What most of several runs gave."""
    counted = collections.Counter(repr(result) for result in results)
    return next(result for result in results if repr(result) == counted.most_common(1)[0][0])
