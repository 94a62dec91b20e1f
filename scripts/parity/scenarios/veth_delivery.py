# SPDX-License-Identifier: GPL-2.0
"""Which receiver gets which frame: a matrix of senders, destinations and modes.

Every frame goes both ways, within a namespace and between two; every device of
the topology is watched, in both directions, with its counters.
"""

import os

import bpf
import craft
from craft import ether, fragment6, ipv4, ipv6, tagged, tcp, udp, vnet
from inside import inside
from registry import rows, scenario

VETH = ("veth",)


def mirrored(frame):
    """The same from the other end: MAC addresses swapped where they are ours."""
    swap = {craft.V0: craft.V1, craft.V1: craft.V0}
    return swap.get(frame[:6], frame[:6]) + swap.get(frame[6:12], frame[6:12]) + frame[12:]


def matrix(bed, frame, header=None, mtu=None):
    """Two pairs: v0-v1 within A, w0-w1 between A and B."""
    bed.ns("A", "B")
    bed.pair("A", "A")
    bed.must("A", "new", "KIND name:w0 index:20 addr:020000000001 up peer name:w1 index:21 addr:020000000002",
             "nsfd:/run/netns/B end")
    bed.must("B", "set", "name:w1 up")
    for name, size in (mtu or {}).items():
        for device in (f"v{name}", f"w{name}"):
            bed.must("B" if device == "w1" else "A", "set", f"name:{device} mtu:{size}")
    bed.events()
    taps = bed.watch("A/v0", "A/v1", "A/w0", "B/w1")
    seen = {}
    for sender in ("A/v0", "A/v1", "A/w0", "B/w1"):
        data = frame if sender.endswith("0") else mirrored(frame)
        seen[sender] = taps.send(sender, data, vnet=header)
    return seen


rows(VETH, "frame", {
    "unicast": ether(craft.V1),
    "unicast-unknown": ether(craft.STRANGER),
    "to-sender-itself": ether(craft.V0),
    "from-receiver-itself": ether(craft.V1, craft.V1),
    "broadcast": ether(craft.BROADCAST),
    "multicast-ipv4": ether(craft.MULTICAST4),
    "multicast-ipv6": ether(craft.MULTICAST6),
    "multicast-reserved": ether(craft.RESERVED),
    "destination-zero": ether(bytes(6)),
    "source-multicast": ether(craft.V1, craft.MULTICAST4),
    "length-13": ether(craft.V1)[:13],
    "length-14": ether(craft.V1, length=14),
    "length-15": ether(craft.V1, length=15),
    "length-59": ether(craft.V1, length=59),
    "length-1514": ether(craft.V1, length=1514),
    "length-1515": ether(craft.V1, length=1515),
    "length-1518-receiver-mtu-1500": (ether(craft.V1, length=1518), None, {"0": 9000}),
    "length-1519-receiver-mtu-1500": (ether(craft.V1, length=1519), None, {"0": 9000}),
    "jumbo-9014": (ether(craft.V1, length=9014), None, {"0": 9000, "1": 9000}),
    "jumbo-65549": (ether(craft.V1, length=65549), None, {"0": 65535, "1": 65535}),
    "receiver-mtu-68": (ether(craft.V1, length=86), None, {"1": 68}),
    "receiver-mtu-68-over": (ether(craft.V1, length=87), None, {"1": 68}),
    "802.3-length": ether(craft.V1, protocol=46, payload=b"\x42\x42\x03" + bytes(43)),
    "802.3-novell": ether(craft.V1, protocol=46, payload=b"\xff\xff" + bytes(44)),
    "pause": ether(bytes.fromhex("0180c2000001"), protocol=0x8808, payload=b"\0\1\xff\xff"),
    "lldp": ether(bytes.fromhex("0180c200000e"), protocol=0x88CC),
    "arp": ether(craft.BROADCAST, protocol=0x0806,
                 payload=bytes.fromhex("0001080006040001020000000001" "0a000001" "000000000000" "0a000002")),
    "loopback-test": ether(craft.V1, protocol=0x9000),
    "vlan": tagged(ether(craft.V1), (0x8100, 5)),
    "vlan-priority": tagged(ether(craft.V1), (0x8100, 0x6000)),
    "vlan-priority-dei": tagged(ether(craft.V1), (0x8100, 0xF005)),
    "vlan-4095": tagged(ether(craft.V1), (0x8100, 4095)),
    "vlan-broadcast": tagged(ether(craft.BROADCAST), (0x8100, 5)),
    "vlan-stag": tagged(ether(craft.V1), (0x88A8, 6)),
    "vlan-double": tagged(ether(craft.V1), (0x88A8, 6), (0x8100, 5)),
    "vlan-double-8100": tagged(ether(craft.V1), (0x8100, 6), (0x8100, 5)),
    "vlan-triple": tagged(ether(craft.V1), (0x88A8, 7), (0x8100, 6), (0x8100, 5)),
    "vlan-truncated": ether(craft.V1, protocol=0x8100, length=16, payload=b"\0\5"),
    "vlan-1518": tagged(ether(craft.V1, length=1514), (0x8100, 5)),
    "vlan-over-mtu": (tagged(ether(craft.V1, length=1518), (0x8100, 5)), None, {"0": 9000}),
    "ipv4": ether(craft.V1, protocol=0x0800, payload=ipv4(udp(b"hello"))),
    "ipv4-bad-checksum": ether(craft.V1, protocol=0x0800, payload=ipv4(udp(b"hello"), bad=True)),
    "ipv4-truncated": ether(craft.V1, protocol=0x0800, payload=ipv4(udp(b"hello"))[:12], length=26),
    "ipv4-fragment-first": ether(craft.V1, protocol=0x0800, payload=ipv4(udp(bytes(800))[:408], fragment=0x2000)),
    "ipv4-fragment-last": ether(craft.V1, protocol=0x0800, payload=ipv4(udp(bytes(800))[408:], fragment=51)),
    "ipv6": ether(craft.V1, protocol=0x86DD, payload=ipv6(udp(b"hello", src="fd00::1", dst="fd00::2"))),
    "ipv6-fragment-first": ether(craft.V1, protocol=0x86DD,
                                 payload=ipv6(fragment6(bytes(400), 17, 0, 1), 44)),
    "ipv6-fragment-last": ether(craft.V1, protocol=0x86DD, payload=ipv6(fragment6(bytes(100), 17, 50, 0), 44)),
    "udp-bad-checksum": ether(craft.V1, protocol=0x0800, payload=ipv4(udp(b"hello", bad=True))),
    "udp-partial-checksum": (ether(craft.V1, protocol=0x0800, payload=ipv4(udp(b"hello"))), vnet(1, 0, 0, 0, 34, 6)),
    "gso-tcp4": (ether(craft.V1, protocol=0x0800, payload=ipv4(tcp(bytes(4000)), 6)), vnet(1, 1, 54, 1448, 34, 16)),
    "gso-tcp4-64k": (ether(craft.V1, protocol=0x0800, payload=ipv4(tcp(bytes(65000)), 6)),
                     vnet(1, 1, 54, 1448, 34, 16)),
    "gso-tcp4-ecn": (ether(craft.V1, protocol=0x0800, payload=ipv4(tcp(bytes(4000), flags=0x90), 6)),
                     vnet(1, 0x81, 54, 1448, 34, 16)),
    "gso-tcp6": (ether(craft.V1, protocol=0x86DD, payload=ipv6(tcp(bytes(4000), "fd00::1", "fd00::2"), 6)),
                 vnet(1, 4, 74, 1428, 54, 16)),
    "gso-udp": (ether(craft.V1, protocol=0x0800, payload=ipv4(udp(bytes(4000)))), vnet(1, 5, 42, 1000, 34, 6)),
    "gso-over-mtu": (ether(craft.V1, protocol=0x0800, payload=ipv4(tcp(bytes(4000)), 6)),
                     vnet(1, 1, 54, 1448, 34, 16), {"0": 9000, "1": 600}),
    "gso-malformed": (ether(craft.V1, protocol=0x0800, payload=ipv4(tcp(bytes(4000)), 6)), vnet(0, 1, 0, 0, 0, 0)),
    "gso-vlan": (tagged(ether(craft.V1, protocol=0x0800, payload=ipv4(tcp(bytes(4000)), 6)), (0x8100, 5)),
                 vnet(1, 1, 58, 1448, 38, 16)),
}, matrix)


# --- modes of the ends -----------------------------------------------------------

def mode(bed, *steps):
    """Frames of every destination kind, after each of the steps "NAMESPACE TOKENS"."""
    bed.pair("A", "B")
    taps = bed.watch("A/v0", "B/v1")
    seen = {}
    for step in ("", *steps):
        if step:
            namespace, tokens = step.split(" ", 1)
            seen[step] = {"answer": bed.raw(namespace, "set", tokens)}
            bed.events()
        for name, destination in (("unicast", craft.V1), ("unknown", craft.STRANGER),
                                  ("broadcast", craft.BROADCAST), ("multicast", craft.MULTICAST4)):
            seen.setdefault(step or "usual", {})[name] = taps.send("A/v0", ether(destination))
    return seen


rows(VETH, "mode", {
    "receiver-down": "B name:v1 clear:1",
    "sender-down": "A name:v0 clear:1",
    "receiver-promiscuous": "B name:v1 flags:0x100",
    "receiver-allmulti": "B name:v1 flags:0x200",
    "receiver-no-arp": "B name:v1 flags:0x80",
    "receiver-no-multicast": "B name:v1 clear:0x1000",
    "receiver-other-address": "B name:v1 addr:020000009999",
    "sender-other-address": "A name:v0 addr:020000009999",
    "receiver-back": ("B name:v1 clear:1", "B name:v1 up"),
}, mode)


@scenario("veth")
def counts_of_bursts(bed):
    """Counters after known numbers of frames of known sizes, both ways."""
    bed.pair("A", "B")
    taps = bed.watch("A/v0", "B/v1")
    return {
        "100 x 60": taps.send("A/v0", ether(craft.V1), count=100),
        "50 x 1514": taps.send("B/v1", ether(craft.V0, craft.V1, length=1514), count=50),
        "20 too long": [bed.raw("A", "set", "name:v0 mtu:9000"),
                        taps.send("A/v0", ether(craft.V1, length=3000), count=20)],
        "30 gso": taps.send("A/v0", ether(craft.V1, protocol=0x0800, payload=ipv4(tcp(bytes(4000)), 6)),
                            count=30, vnet=vnet(1, 1, 54, 1448, 34, 16)),
        "10 bypassing the qdisc": taps.send("A/v0", ether(craft.V1), count=10, bypass=True),
        "links": bed.links(),
    }


@scenario("veth")
def counts_reset_by_nothing(bed):
    """Down, up, rename, move: the counters stay."""
    bed.pair("A", "B")
    taps = bed.watch("A/v0", "B/v1")
    taps.send("A/v0", ether(craft.V1), count=7)
    seen = {}
    for namespace, tokens in (("A", "name:v0 clear:1"), ("A", "name:v0 up"), ("B", "index:11 name:w1")):
        seen[tokens] = {"answer": bed.raw(namespace, "set", tokens), "links": bed.links()}
    return seen


@scenario("veth")
def through_a_bridge(bed):
    """Three pairs on a bridge: who sees what, also after it has learned."""
    bed.ns("A", "B", "C")
    bed.must("A", "new", "kind:bridge name:br0 index:90 addr:020000000090 up")
    for number, namespace in enumerate("ABC"):
        bed.must("A", "new", f"KIND name:p{number} index:{20 + number} addr:0200000000a{number}",
                 f"peer name:e{number} index:{30 + number} addr:0200000000e{number}",
                 f"nsfd:/run/netns/{namespace} end")
        bed.must("A", "set", f"name:p{number} attr:10:5a000000 up")
        bed.must(namespace, "set", f"name:e{number} up")
        bed.sysfs_write("A", f"p{number}", "brport/state", "3")
    bed.events()
    taps = bed.watch("A/e0", "B/e1", "C/e2", "A/p0", "A/p1", "A/p2", "A/br0")
    ends = [bytes.fromhex(f"0200000000e{number}") for number in range(3)]
    seen = {}
    for name, sender, dst, src in (("unlearned", "A/e0", ends[1], ends[0]), ("answer", "B/e1", ends[0], ends[1]),
                                   ("learned", "A/e0", ends[1], ends[0]),
                                   ("broadcast", "C/e2", craft.BROADCAST, ends[2]),
                                   ("multicast", "C/e2", craft.MULTICAST4, ends[2]),
                                   ("bridge", "B/e1", bytes.fromhex("020000000090"), ends[1])):
        seen[name] = taps.send(sender, ether(dst, src))
    return seen


@scenario("veth")
def vlan_devices(bed):
    """VLAN devices on both ends, one only on the receiver's: who gets what."""
    bed.pair("A", "B")
    for namespace, device, ids in (("A", "v0", (5,)), ("B", "v1", (5, 6))):
        for number in ids:
            bed.ip(namespace, f"link add link {device} name {device}.{number} index {50 + number} type vlan id {number}")
            bed.must(namespace, "set", f"name:{device}.{number} up")
    bed.events()
    taps = bed.watch("A/v0", "A/v0.5", "B/v1", "B/v1.5", "B/v1.6")
    return {"on-5": taps.send("A/v0.5", ether(craft.V1)), "tagged-6": taps.send("A/v0", tagged(ether(craft.V1), (0x8100, 6))),
            "tagged-7": taps.send("A/v0", tagged(ether(craft.V1), (0x8100, 7))),
            "double": taps.send("A/v0.5", tagged(ether(craft.V1), (0x8100, 9))),
            "priority": taps.send("A/v0", tagged(ether(craft.V1), (0x8100, 0)))}


@scenario("veth")
def queue_by_skb_priority(bed):
    """Priority and mark of the sender's socket do not change where frames go."""
    bed.ns("A", "B")
    bed.must("A", "new", "KIND name:v0 index:10 addr:020000000001 txq:4 rxq:4 up peer name:v1 index:11",
             "addr:020000000002 txq:4 rxq:4 nsfd:/run/netns/B end")
    bed.must("B", "set", "name:v1 up")
    bed.events()
    taps = bed.watch("A/v0", "B/v1")
    return {str(priority): taps.send("A/v0", ether(craft.V1), priority=priority, mark=priority) for priority in (0, 1, 6)}


def by_program(bed, helper):
    """A program at v1's ingress sends frames on to w0, or to w0's peer at once."""
    bed.ns("A", "B")
    bed.pair("A", "A")
    bed.must("A", "new", "KIND name:w0 index:20 addr:020000000003 up peer name:w1 index:21 addr:020000000004",
             "nsfd:/run/netns/B end")
    bed.must("B", "set", "name:w1 up")
    bed.events()
    with inside("A"):
        link = bpf.tcx(11, bpf.mov(1, 20) + bpf.mov(2, 0) + bpf.call(helper) + bpf.leave())
    try:
        taps = bed.watch("A/v0", "A/v1", "A/w0", "B/w1")
        return {"sent": taps.send("A/v0", ether(craft.V1), count=3),
                "vlan": taps.send("A/v0", tagged(ether(craft.V1), (0x8100, 5))), "links": bed.links()}
    finally:
        os.close(link)


rows(VETH, "program", {"redirect": bpf.REDIRECT, "redirect-peer": bpf.REDIRECT_PEER}, by_program)


@scenario("veth")
def chain_of_pairs(bed):
    """v0 - v1, redirected into w0 - w1 by a filter of tc."""
    bed.ns("A", "B")
    bed.pair("A", "A")
    bed.must("A", "new", "KIND name:w0 index:20 addr:020000000003 up peer name:w1 index:21 addr:020000000004",
             "nsfd:/run/netns/B end")
    bed.must("B", "set", "name:w1 up")
    setup = {command: bed.run("A", command) for command in
             ("tc qdisc add dev v1 clsact",
              "tc filter add dev v1 ingress matchall action mirred egress redirect dev w0")}
    bed.events()
    taps = bed.watch("A/v0", "A/v1", "A/w0", "B/w1")
    return {"setup": setup, "sent": taps.send("A/v0", ether(craft.V1), count=3)}
