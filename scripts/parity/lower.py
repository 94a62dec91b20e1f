# SPDX-License-Identifier: GPL-2.0
"""Topologies of flavors with a device below: the lower device, what is at the other
end of its wire, and endpoints."""

import collections
import fcntl
import socket
import struct

import capture
import craft
from inside import inside

MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
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
        self.bed.must("A", "new", f"KIND name:{name} index:{number} link:10 {mode(word)}",
                      f"addr:{self.address(name).hex()}", "" if namespace == "A" else f"nsfd:/run/netns/{namespace}",
                      *tokens, flush=False)

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
            witness = next(name for name, word in self.modes.items() if word in FLOODED)
        marker = capture.Marker("X/v1", self.pair(witness)) if witness else None
        return self.bed.watch("X/v1", "A/v0", *(self.pair(name) for name in self.places), *more, marker=marker)

    def reflect(self):
        """The wire sends everything back."""
        for command in ("tc qdisc add dev v1 clsact",
                        "tc filter add dev v1 ingress matchall action mirred egress redirect dev v1"):
            done = self.bed.run("X", command)
            if done["status"]:
                raise RuntimeError(str(done))


def usual(results):
    """What most of several runs gave."""
    counted = collections.Counter(repr(result) for result in results)
    return next(result for result in results if repr(result) == counted.most_common(1)[0][0])
