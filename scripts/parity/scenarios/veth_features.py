# SPDX-License-Identifier: GPL-2.0
"""Features: each off and on, what depends on it, and what a frame meets then."""

import craft
from registry import rows, scenario

VETH = ("veth",)


def toggle(bed, feature, first="off"):
    """One feature off and on again: both lists, events."""
    bed.pair("A", "A")
    seen = {}
    for word in (first, "on" if first == "off" else "off"):
        answer = bed.ethtool("A", f"-K v0 {feature} {word}")
        seen[word] = {"answer": answer, "v0": bed.ethtool("A", "-k v0"), "v1": bed.ethtool("A", "-k v1"),
                      "events": bed.events()}
    return seen


rows(VETH, "feature", {
    "tx-checksum": "tx-checksum-ip-generic",
    "rx-checksum": "rx-checksum",
    "scatter-gather": "sg",
    "tso": "tso",
    "gso": "gso",
    "udp-gso": "tx-udp-segmentation",
    "gso-list": "tx-gso-list",
    "tunnels": "tx-udp_tnl-segmentation",
    "highdma": "highdma",
    "vlan-tx": "txvlan",
    "vlan-rx": "rxvlan",
    "vlan-stag": "tx-vlan-stag-hw-insert",
    "gro": ("gro", "on"),
    "gro-list": ("rx-gro-list", "on"),
    "gro-forwarding": ("rx-udp-gro-forwarding", "on"),
    "nocache-copy": ("tx-nocache-copy", "on"),
    "fixed-lro": ("lro", "on"),
    "fixed-hashing": ("rxhash", "on"),
    "fixed-loopback": ("loopback", "on"),
    "unknown": ("no-such-feature", "on"),
}, toggle)


def send_with(bed, settings, frame, vnet=None):
    """A frame under changed features of the sender, and then of the receiver."""
    bed.pair("A", "B")
    taps = bed.watch("A/v0", "B/v1")
    seen = {"before": taps.send("A/v0", frame, vnet=vnet)}
    for namespace, device in (("A", "v0"), ("B", "v1")):
        seen[f"set-{device}"] = bed.ethtool(namespace, f"-K {device} {settings}")
        seen[f"after-{device}"] = taps.send("A/v0", frame, vnet=vnet)
    return seen


BIG4 = craft.ether(craft.V1, protocol=0x0800, payload=craft.ipv4(craft.tcp(bytes(4000)), 6))
TSO4 = craft.vnet(1, 1, 54, 1448, 34, 16)
DATAGRAM = craft.ether(craft.V1, protocol=0x0800, payload=craft.ipv4(craft.udp(bytes(100))))
PARTIAL = craft.vnet(1, 0, 0, 0, 34, 6)

rows(VETH, "frame-with", {
    "tso-off": ("tso off", BIG4, TSO4),
    "gso-off": ("gso off tso off", BIG4, TSO4),
    "sg-off": ("sg off", BIG4, TSO4),
    "tx-checksum-off": ("tx off", DATAGRAM, PARTIAL),
    "rx-checksum-off": ("rx off", DATAGRAM, PARTIAL),
    "vlan-off": ("txvlan off rxvlan off", craft.tagged(craft.ether(craft.V1), (0x8100, 5))),
    "gro-on": ("gro on", DATAGRAM, PARTIAL),
}, send_with)


@scenario("veth")
def feature_gro_napi(bed):
    """With GRO the C driver polls: a thread per queue where asked for."""
    import os
    import time
    bed.pair("A", "A")
    seen = {"gro": bed.ethtool("A", "-K v1 gro on"), "threaded": bed.sysfs_write("A", "v1", "threaded", "1")}

    def threads():
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/comm", encoding="ascii") as file:
                        found.append(file.read().startswith("napi/v1"))
                except OSError:
                    pass
        return sum(found)

    # A thread gets its name when it runs first.
    end = time.monotonic() + 1
    while not threads() and time.monotonic() < end:
        time.sleep(0.05)
    seen["threads"] = threads()
    return seen
