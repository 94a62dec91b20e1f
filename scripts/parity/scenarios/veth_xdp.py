# SPDX-License-Identifier: GPL-2.0
"""XDP programs on one end: which are taken, what they change, what they see."""

import os
import struct

import bpf
import craft
import rtnl
from craft import ether
from registry import rows, scenario

VETH = ("veth",)
IFLA_XDP, XDP_FD, XDP_FLAGS = 43, 1, 3
MODES = {"any": 0, "generic": 2, "native": 4, "offload": 8}
ABORTED, DROP, PASS, TX = range(4)


def attach(bed, namespace, device, descriptor, mode="any"):
    nested = rtnl.attr(XDP_FD, struct.pack("=i", descriptor)) + rtnl.attr(XDP_FLAGS, struct.pack("=I", MODES[mode]))
    return bed.raw(namespace, "set", f"name:{device}", f"attr:{IFLA_XDP | 0x8000}:{nested.hex()}")


def shown(bed):
    """What attaching changes: limits and features of both ends."""
    seen = {}
    for namespace, device in (("A", "v0"), ("B", "v1")):
        link = bed.link(namespace, device)
        xdp = rtnl.attrs(bytes.fromhex(link["xdp"]))
        seen[device] = {"mode": xdp.get(2, b"").hex(), "max_mtu": link["max_mtu"], "mtu": link["mtu"],
                        "features": bed.ethtool(namespace, f"-k {device}")}
    return seen


def attached(bed, mode, verdict=PASS):
    """Attach to v1, frames and queries, detach."""
    bed.pair("A", "B")
    descriptor = bpf.verdict(verdict)
    try:
        seen = {"attach": attach(bed, "B", "v1", descriptor, mode), "after": shown(bed), "events": bed.events()}
        taps = bed.watch("A/v0", "B/v1")
        seen["frame"] = taps.send("A/v0", ether(craft.V1), count=3)
        seen["detach"] = attach(bed, "B", "v1", -1, mode)
        seen["end"] = shown(bed)
    finally:
        os.close(descriptor)
    return seen


rows(VETH, "xdp", {
    "generic-pass": ("generic", PASS),
    "generic-drop": ("generic", DROP),
    "generic-tx": ("generic", TX),
    "generic-aborted": ("generic", ABORTED),
    "native-pass": ("native", PASS),
    "native-drop": ("native", DROP),
    "any-pass": ("any", PASS),
    "offload": ("offload", PASS),
}, attached)


@scenario("veth")
def xdp_native_peer_mtu(bed):
    """A peer with a large MTU: refused without frags."""
    bed.pair("A", "B")
    bed.must("A", "set", "name:v0 mtu:9000")
    descriptor = bpf.verdict(PASS)
    try:
        return {"attach": attach(bed, "B", "v1", descriptor, "native")}
    finally:
        os.close(descriptor)


@scenario("veth")
def xdp_generic_exclusive(bed):
    """Two programs in one mode; a bad descriptor."""
    bed.pair("A", "B")
    descriptor, other = bpf.verdict(PASS), bpf.verdict(DROP)
    try:
        return {"first": attach(bed, "B", "v1", descriptor, "generic"),
                "again": attach(bed, "B", "v1", other, "generic"),
                "bad": attach(bed, "B", "v1", 9999, "generic"), "events": bed.events()}
    finally:
        os.close(descriptor)
        os.close(other)
