# SPDX-License-Identifier: GPL-2.0
"""XDP programs on one end: which are taken, what they change, what they see."""

import ctypes
import errno
import os
import struct

import craft
import rtnl
from craft import ether
from inside import libc
from registry import rows, scenario

VETH = ("veth",)
IFLA_XDP, XDP_FD, XDP_FLAGS = 43, 1, 3
MODES = {"any": 0, "generic": 2, "native": 4, "offload": 8}
ABORTED, DROP, PASS, TX = range(4)


def load(verdict, frags=False):
    """`return verdict`: a descriptor of the program."""
    program = struct.pack("=BBhi", 0xB7, 0, 0, verdict) + struct.pack("=BBhi", 0x95, 0, 0, 0)
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(b"GPL")
    # Fields: type, count, code, licence, log level and size and buffer, kernel
    # version, flags, (name follows), ifindex, attach type BPF_XDP.
    attributes = struct.pack("=IIQQIIQII16sII", 6, 2, ctypes.addressof(code), ctypes.addressof(licence),
                             0, 0, 0, 0, 32 if frags else 0, b"parity", 0, 37)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    descriptor = libc.syscall(321, 5, buffer, len(attributes))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, "bpf: " + errno.errorcode.get(number, "?"))
    return descriptor


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
    descriptor = load(verdict)
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
    descriptor = load(PASS)
    try:
        return {"attach": attach(bed, "B", "v1", descriptor, "native")}
    finally:
        os.close(descriptor)


@scenario("veth")
def xdp_generic_exclusive(bed):
    """Two programs in one mode; a bad descriptor."""
    bed.pair("A", "B")
    descriptor, other = load(PASS), load(DROP)
    try:
        return {"first": attach(bed, "B", "v1", descriptor, "generic"),
                "again": attach(bed, "B", "v1", other, "generic"),
                "bad": attach(bed, "B", "v1", 9999, "generic"), "events": bed.events()}
    finally:
        os.close(descriptor)
        os.close(other)
