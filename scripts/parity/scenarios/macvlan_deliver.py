# SPDX-License-Identifier: GPL-2.0
"""Which device gets which frame: senders, destinations and modes; every device is
watched, in both directions, with its counters."""

import craft
from craft import ether, fragment6, ipv4, ipv6, tagged, tcp, udp, vnet
from lower import JOINED, LOWER, UNJOINED, WIRE, Port, mode, usual
from registry import add, rows

MACVLAN = ("macvlan",)
# Two endpoints of each mode, one here and one in another namespace.
ALL = "b0:bridge b1:bridge/B e0:vepa e1:vepa/B p0:private p1:private/B s0:source"
SENDERS = {"wire": "wire", "lower": "lower", "bridge": "b0", "vepa": "e0", "private": "p0", "source": "s0"}
TO = {"lower": "lower", "wire": "wire", "bridge": "b1", "vepa": "e1", "private": "p1", "source": "s0"}
GROUP = "224.0.1.17"  # the first of JOINED


def fragments4(dst, src):
    whole = udp(bytes(range(200)) * 4, src="10.0.0.1", dst=GROUP)
    return [ether(dst, src, 0x0800, ipv4(part, dst=GROUP, fragment=where, ident=9))
            for part, where in ((whole[:408], 0x2000), (whole[408:], 51))]


def fragments6(dst, src):
    whole = udp(bytes(range(200)) * 4, src="fd00::1", dst="ff02::1234")
    return [ether(dst, src, 0x86DD, ipv6(fragment6(part, 17, where, more), 44, dst="ff02::1234"))
            for part, where, more in ((whole[:400], 0, 1), (whole[400:], 50, 0))]


BIG4 = ipv4(tcp(bytes(4000)), 6)
BIG6 = ipv6(tcp(bytes(4000), "fd00::1", "fd00::2"), 6)
TSO4, TSO6 = vnet(1, 1, 54, 1448, 34, 16), vnet(1, 4, 74, 1428, 54, 16)


def one(destination, **how):
    return lambda port, src: [(ether(destination(port), src, **how), None)]


def to(name, **how):
    return one(lambda port: port.address(TO[name]), **how)


# What a sender sends: (frame, virtio header) pairs; of groups several that mean the same.
ADDRESSES = {
    **{f"to-{name}": to(name) for name in TO},
    "to-own": lambda port, src: [(ether(src, src), None)],
    "to-unknown": one(lambda port: craft.STRANGER),
    "to-broadcast": one(lambda port: craft.BROADCAST),
    "to-vlan": lambda port, src: [(tagged(ether(port.address("b1"), src), (0x8100, 5)), None)],
    "to-vlan-broadcast": lambda port, src: [(tagged(ether(craft.BROADCAST, src), (0x8100, 5)), None)],
    "to-fragments": lambda port, src: [(frame, None) for frame in fragments4(craft.BROADCAST, src)],
    "to-fragments-ipv6": lambda port, src: [(frame, None) for frame in fragments6(craft.BROADCAST, src)],
}
GROUPS = {"to-joined": JOINED, "to-unjoined": UNJOINED}
CONTENTS = {
    "short": to("bridge", length=14),
    "59-bytes": to("bridge", length=59),
    "full": to("bridge", length=1514),
    "over-mtu": to("bridge", length=1515),
    "fragments-unicast": lambda port, src: [(frame, None) for frame in fragments4(port.address("b1"), src)],
    "vlan-full": lambda port, src: [(tagged(ether(port.address("b1"), src, length=1514), (0x8100, 5)), None)],
    "vlan-priority": lambda port, src: [(tagged(ether(port.address("b1"), src), (0x8100, 0xE000)), None)],
    "vlan-double": lambda port, src: [(tagged(ether(port.address("b1"), src), (0x88A8, 6), (0x8100, 5)), None)],
    "vlan-own": lambda port, src: [(tagged(ether(src, src), (0x8100, 5)), None)],
    "checksum": lambda port, src: [(ether(port.address("b1"), src, 0x0800, ipv4(udp(b"hello"))), vnet(1, 0, 0, 0, 34, 6))],
    "gso-tcp4": lambda port, src: [(ether(port.address("b1"), src, 0x0800, BIG4), TSO4)],
    "gso-tcp6": lambda port, src: [(ether(port.address("b1"), src, 0x86DD, BIG6), TSO6)],
    "gso-udp": lambda port, src: [(ether(port.address("b1"), src, 0x0800, ipv4(udp(bytes(4000)))),
                                   vnet(1, 5, 42, 1000, 34, 6))],
    "gso-broadcast": lambda port, src: [(ether(craft.BROADCAST, src, 0x0800, BIG4), TSO4)],
    "pause": lambda port, src: [(ether(bytes.fromhex("0180c2000001"), src, 0x8808, b"\0\1\xff\xff"), None)],
    "pause-broadcast": lambda port, src: [(ether(craft.BROADCAST, src, 0x8808, b"\0\1\xff\xff"), None)],
    "loopback-test": to("bridge", protocol=0x9000),
    "802.3": to("bridge", protocol=46, payload=b"\x42\x42\x03" + bytes(43)),
    "source-multicast": lambda port, src: [(ether(port.address("b1"), craft.MULTICAST4), None)],
    "source-zero": lambda port, src: [(ether(port.address("b1"), bytes(6)), None)],
    "source-of-receiver": lambda port, src: [(ether(port.address("b1"), port.address("b1")), None)],
    "source-of-lower": lambda port, src: [(ether(port.address("b1"), LOWER), None)],
    "source-of-sibling-broadcast": lambda port, src: [(ether(craft.BROADCAST, port.address("e0")), None)],
    "source-of-private-broadcast": lambda port, src: [(ether(craft.BROADCAST, port.address("p0")), None)],
    "source-of-source-broadcast": lambda port, src: [(ether(craft.BROADCAST, port.address("s0")), None)],
    "source-of-bridge-broadcast": lambda port, src: [(ether(craft.BROADCAST, port.address("b0")), None)],
}


def send(port, sender, frames, **how):
    """Frames from one device, one after the other: what each device saw of each."""
    taps = port.watch(**how)
    src = port.address(sender)
    return {str(number): taps.send(port.pair(sender), frame, vnet=header)
            for number, (frame, header) in enumerate(frames(port, src), 1)}


def single(address, src):
    return [ether(address, src)]


def send_groups(port, sender, groups, frames=single, **how):
    taps = port.watch(**how)
    src = port.address(sender)
    return usual([{str(number): taps.send(port.pair(sender), frame) for number, frame in enumerate(frames(address, src), 1)}
                  for address in groups])


def everyone(bed, **how):
    port = Port(bed, ALL, **how)
    port.join("b1", "e1", "p1", "s0")
    return port


def deliver(bed, sender, frames, reflected=False):
    port = everyone(bed)
    if reflected:
        port.reflect()
    return send(port, sender, frames)


def deliver_groups(bed, sender, groups, reflected=False, frames=single):
    port = everyone(bed)
    if reflected:
        port.reflect()
    return send_groups(port, sender, groups, frames)


for word, device in SENDERS.items():
    rows(MACVLAN, f"deliver-{word}", {key: (device, frames) for key, frames in ADDRESSES.items()
                                      if (word, key) not in (("source", "to-source"),)}, deliver)
    rows(MACVLAN, f"deliver-{word}", {key: (device, groups) for key, groups in GROUPS.items()}, deliver_groups)
    rows(MACVLAN, f"deliver-{word}", {"to-joined-fragments": (device, JOINED, False, fragments4)}, deliver_groups)
for word in ("wire", "bridge"):
    rows(MACVLAN, f"deliver-{word}", {key: (SENDERS[word], frames) for key, frames in CONTENTS.items()}, deliver)

# --- a wire that sends everything back -----------------------------------------------

REFLECTED = ("to-lower", "to-bridge", "to-vepa", "to-private", "to-source", "to-own", "to-unknown", "to-broadcast",
             "to-vlan-broadcast", "to-fragments")
for word in ("lower", "bridge", "vepa", "private", "source"):
    rows(MACVLAN, f"reflected-{word}", {key: (SENDERS[word], ADDRESSES[key], True) for key in REFLECTED
                                        if (word, key) not in (("source", "to-source"), ("lower", "to-own"))}, deliver)
    rows(MACVLAN, f"reflected-{word}", {key: (SENDERS[word], groups, True) for key, groups in GROUPS.items()},
         deliver_groups)


def switched(bed, word, hairpin):
    """A bridge at the wire's far end, with or without hairpin: two of a mode talk."""
    port = Port(bed, f"m0:{word} m1:{word}/B")
    # Without snooping, which joins groups of its own.
    bed.must("X", "new", "kind:bridge name:br0 index:90 addr:020000000090 data:23:00")
    bed.must("X", "set", "name:br0 up")
    bed.must("X", "set", "name:v1 master:90")
    bed.sysfs_write("X", "v1", "brport/state", "3")
    seen = {"hairpin": bed.sysfs_write("X", "v1", "brport/hairpin_mode", hairpin)}
    taps = port.watch("X/br0")
    m0, m1 = port.address("m0"), port.address("m1")
    for name, sender, dst, src in (("unlearned", "m0", m1, m0), ("answer", "m1", m0, m1), ("learned", "m0", m1, m0),
                                   ("broadcast", "m0", craft.BROADCAST, m0),
                                   ("lower", "m0", LOWER, m0), ("from-lower", "lower", m0, LOWER)):
        seen[name] = taps.send(port.pair(sender), ether(dst, src))
    return seen


rows(MACVLAN, "switch", {f"{word}{name}": (word, value) for word in ("private", "vepa", "bridge")
                         for name, value in (("", "0"), ("-hairpin", "1"))}, switched)

# --- passthru --------------------------------------------------------------------------

PASSTHRU = {key: frames for key, frames in {
    **ADDRESSES,
    "to-vlan": lambda port, src: [(tagged(ether(craft.STRANGER, src), (0x8100, 5)), None)],
    "gso": lambda port, src: [(ether(craft.STRANGER, src, 0x0800, BIG4), TSO4)],
    "pause": CONTENTS["pause"],
    "source-of-endpoint-broadcast": lambda port, src: [(ether(craft.BROADCAST, LOWER), None)],
}.items() if key not in ("to-bridge", "to-vepa", "to-private", "to-source")}


def through(bed, namespace, tokens, sender, what, join=True, reflected=False):
    port = Port(bed, f"t0:passthru{namespace}", outer=tokens)
    if join:
        port.join("t0")
    if reflected:
        port.reflect()
    if isinstance(what, list):
        return send_groups(port, sender, what)
    return send(port, sender, what)


for key, what in {**PASSTHRU, **GROUPS}.items():
    rows(MACVLAN, "passthru", {f"{name}-{key}": ("", "", sender, what)
                               for name, sender in (("wire", "wire"), ("lower", "lower"), ("endpoint", "t0"))
                               if (name, key) != ("lower", "to-own")}, through)
rows(MACVLAN, "passthru-nopromisc", {key: ("/B", "own16:2:1", "wire", what) for key, what in
                                     {**PASSTHRU, **GROUPS}.items()
                                     if key in ("to-lower", "to-unknown", "to-broadcast", "to-joined", "to-unjoined")},
     through)
rows(MACVLAN, "passthru-reflected", {key: ("/B", "", "t0", PASSTHRU[key], True, True) for key in
                                     ("to-lower", "to-unknown", "to-broadcast", "to-fragments")}, through)


def passthru_down(bed, word):
    """One that exists but is down: what becomes of the lower device's own frames."""
    port = Port(bed, "t0:passthru", up=False)
    taps = port.watch(witness=None)
    destination = {"lower": LOWER, "unknown": craft.STRANGER, "broadcast": craft.BROADCAST}[word]
    seen = {"down": taps.send("X/v1", ether(destination, WIRE))}
    port.up("t0")
    bed.must("A", "set", "name:t0 clear:1")
    return {**seen, "down-again": taps.send("X/v1", ether(destination, WIRE))}


rows(MACVLAN, "passthru-down", {word: word for word in ("lower", "unknown", "broadcast")}, passthru_down)

# --- source mode -------------------------------------------------------------------------

LISTED = "020000007777"


def sources(bed, sender, flags, destination, src=LISTED, down=False, second=False):
    """s0 lists an address, beside endpoints of other modes."""
    port = Port(bed, "b0:bridge e0:vepa/B p0:private")
    port.add("s0", "source", "B", flags, "own32:3:0", f"own:4:{LISTED}")
    if second:
        port.add("s1", "source", "A", "own32:3:0", f"own:4:{LISTED}")
        port.up("s1")
    if not down:
        port.up("s0")
    bed.events()
    if destination in ("b0", "e0", "p0", "s0", "lower"):
        destination = port.address(destination)
    src = bytes.fromhex(src) if isinstance(src, str) else port.address(src[0])
    taps = port.watch(witness="b0")
    if destination is JOINED:
        return usual([taps.send(port.pair(sender), ether(address, src)) for address in JOINED])
    return taps.send(port.pair(sender), ether(destination, src))


NODST = "own16:2:2"
for prefix, flags in (("source", "own16:2:0"), ("source-nodst", NODST)):
    rows(MACVLAN, prefix, {
        "listed-to-itself": ("wire", flags, "s0"),
        "listed-to-bridge": ("wire", flags, "b0"),
        "listed-to-private": ("wire", flags, "p0"),
        "listed-to-lower": ("wire", flags, "lower"),
        "listed-to-unknown": ("wire", flags, craft.STRANGER),
        "listed-to-broadcast": ("wire", flags, craft.BROADCAST),
        "listed-to-multicast": ("wire", flags, JOINED),
        "listed-while-down": ("wire", flags, "b0", LISTED, True),
        "listed-while-down-broadcast": ("wire", flags, craft.BROADCAST, LISTED, True),
        "listed-twice": ("wire", flags, "b0", LISTED, False, True),
        "listed-twice-broadcast": ("wire", flags, craft.BROADCAST, LISTED, False, True),
        "listed-sent-by-sibling": ("b0", flags, "b0"),
        "unlisted-to-itself": ("wire", flags, "s0", "020000007778"),
        "unlisted-to-broadcast": ("wire", flags, craft.BROADCAST, "020000007778"),
    }, sources)


def source_of_sibling(bed, flags):
    """A list with a sibling's address: what the sibling sends to another one here."""
    port = Port(bed, "b0:bridge b1:bridge/B")
    port.add("s0", "source", "A", flags, "own32:3:0", f"own:4:{port.address('b0').hex()}")
    port.up("s0")
    taps = port.watch(witness="b1")
    return {name: taps.send("A/b0", ether(dst, port.address("b0"))) for name, dst in
            (("sibling", port.address("b1")), ("itself", port.address("s0")), ("broadcast", craft.BROADCAST))}


rows(MACVLAN, "source-sibling", {"listed": "", "nodst": NODST}, source_of_sibling)


def source_fragments(bed, flags):
    """Group fragments from a listed address are put together before."""
    port = Port(bed, "b0:bridge")
    port.add("s0", "source", "B", flags, "own32:3:0", f"own:4:{LISTED}")
    port.up("s0")
    taps = port.watch()
    return {str(number): taps.send("X/v1", frame) for number, frame in
            enumerate(fragments4(craft.BROADCAST, bytes.fromhex(LISTED)), 1)}


rows(MACVLAN, "source-fragments", {"copied": "", "nodst": NODST}, source_fragments)

# --- devices that are not in their usual state ------------------------------------------------


def state(bed, *steps):
    """After each of the steps "NAMESPACE TOKENS": unicast, group and foreign frames,
    from outside, from b0 and from the lower device."""
    port = Port(bed, "b0:bridge b1:bridge/B e0:vepa")
    taps = port.watch(witness="e0")
    b0, b1 = port.address("b0"), port.address("b1")
    seen = {}
    for step in ("", *steps):
        if step:
            namespace, tokens = step.split(" ", 1)
            seen[step] = {"answer": bed.raw(namespace, "set", tokens)}
            bed.sync("A/b0", "B/b1", "A/e0")
            bed.events()
        for name, sender, dst, src in (("wire-unicast", "wire", b1, WIRE), ("wire-unknown", "wire", craft.STRANGER, WIRE),
                                       ("wire-broadcast", "wire", craft.BROADCAST, WIRE), ("b0-b1", "b0", b1, b0),
                                       ("b0-broadcast", "b0", craft.BROADCAST, b0), ("b0-wire", "b0", WIRE, b0),
                                       ("lower-wire", "lower", WIRE, LOWER)):
            seen.setdefault(step or "usual", {})[name] = taps.send(port.pair(sender), ether(dst, src))
    return seen


rows(MACVLAN, "state", {
    "receiver-down": "B name:b1 clear:1",
    "receiver-down-up": ("B name:b1 clear:1", "B name:b1 up"),
    "sender-down": "A name:b0 clear:1",
    "receiver-no-arp": "B name:b1 flags:0x80",
    "receiver-no-multicast": "B name:b1 clear:0x1000",
    "receiver-other-address": "B name:b1 addr:020000009999",
    "receiver-address-there-and-back": ("B name:b1 addr:020000009999", "B name:b1 addr:020000000021"),
    "receiver-promiscuous": "B name:b1 flags:0x100",
    "receiver-small-mtu": "B name:b1 mtu:68",
    "receiver-to-vepa": f"B KIND name:b1 {mode('vepa')}",
    "receiver-to-private": f"B KIND name:b1 {mode('private')}",
    "receiver-to-source": f"B KIND name:b1 {mode('source')}",
    "sender-to-vepa": f"A KIND name:b0 {mode('vepa')}",
    "sender-to-private": f"A KIND name:b0 {mode('private')}",
    "sender-to-vepa-and-back": (f"A KIND name:b0 {mode('vepa')}", f"A KIND name:b0 {mode('bridge')}"),
    "lower-promiscuous": "A name:v0 flags:0x100",
    "lower-other-address": "A name:v0 addr:020000009999",
}, state)


def lower_down(bed):
    """With the lower device down nothing is passed on: no marker either."""
    port = Port(bed, "b0:bridge b1:bridge/B")
    bed.must("A", "set", "name:v0 clear:1")
    bed.flush()
    taps = port.watch(witness=None)
    b0 = port.address("b0")
    return {name: taps.send("A/b0", ether(dst, b0)) for name, dst in
            (("sibling", port.address("b1")), ("wire", WIRE), ("broadcast", craft.BROADCAST), ("own", b0))}


def lower_down_qdisc(bed):
    """The same of a lower device with a queue."""
    port = Port(bed, "b0:bridge b1:bridge/B")
    bed.run("A", "tc qdisc add dev v0 root pfifo limit 10")
    bed.must("A", "set", "name:v0 clear:1")
    bed.flush()
    taps = port.watch(witness=None)
    b0 = port.address("b0")
    return {name: taps.send("A/b0", ether(dst, b0)) for name, dst in
            (("sibling", port.address("b1")), ("wire", WIRE), ("broadcast", craft.BROADCAST))}


add(MACVLAN, "state-lower-down", lower_down)
add(MACVLAN, "state-lower-down-qdisc", lower_down_qdisc)


def over_mtu(bed, lower, receiver, length, sender="b0"):
    """Frames between siblings longer than somebody's MTU."""
    port = Port(bed, "b0:bridge b1:bridge/B", mtu=9000)
    bed.must("B", "set", f"name:b1 mtu:{receiver}")
    taps = port.watch()
    if lower != 9000:
        # The endpoints' shrink with it, but b0 sends what is larger than allowed.
        bed.must("A", "set", f"name:v0 mtu:{lower}")
    src = port.address(sender)
    return {name: taps.send(port.pair(sender), ether(dst, src, length=length))
            for name, dst in (("unicast", port.address("b1")), ("broadcast", craft.BROADCAST))}


rows(MACVLAN, "jumbo", {
    "whole": (9000, 9000, 9014),
    "receiver-1500-exact": (9000, 1500, 1518),
    "receiver-1500-over": (9000, 1500, 1519),
    "receiver-68": (9000, 68, 87),
    "from-wire": (9000, 9000, 9014, "wire"),
    "from-wire-receiver-1500": (9000, 1500, 9014, "wire"),
    "lower-shrunk": (1500, 1500, 1518),
}, over_mtu)

# --- the deferred queue -----------------------------------------------------------------------

def uncounted(bed):
    """The links without counters, in which is what a filter cannot tell apart."""
    return {name: {device: {**link, "stats": ""} for device, link in links.items()} for name, links in bed.links("A", "B").items()}


def queue(bed, length, cutoff, listeners):
    """No room in the queue: what is not put there arrives, the rest is lost."""
    port = Port(bed, "b0:bridge b1:bridge/B", outer=f"own32:7:{length} own32:9:{cutoff}")
    for name in listeners:
        port.join(name)
    taps = port.watch(witness=None if length == 0 else True)
    return {"broadcast": taps.send("X/v1", ether(craft.BROADCAST, WIRE), count=3),
            "joined": usual([taps.send("X/v1", ether(address, WIRE)) for address in JOINED]),
            "unicast": taps.send("X/v1", ether(port.address("b0"), WIRE)), "links": uncounted(bed)}


rows(MACVLAN, "queue", {
    f"{length}-cutoff-{cutoff}-listeners-{len(listeners)}": (length, cutoff, listeners)
    for length in (0, 1000) for cutoff in (-1, 0, 1, 2, 1000) for listeners in ((), ("b0",), ("b0", "b1"))
    if length == 0 or (cutoff == -1 and len(listeners) == 1)
}, queue)


def queue_overtaken(bed, promiscuous):
    """With the lower device promiscuous every group is queued."""
    port = Port(bed, "b0:bridge b1:bridge/B", outer="own32:7:0 own32:9:5")
    port.join("b0")
    bed.must("A", "set", f"name:v0 flags:{promiscuous}")
    taps = port.watch(witness=None)
    seen = {"before": usual([taps.send("X/v1", ether(address, WIRE)) for address in JOINED])}
    bed.must("A", "set", "name:b0 flags:0x200")
    seen["filtered-again"] = taps.send("X/v1", ether(JOINED[0], WIRE))
    return {**seen, "links": uncounted(bed)}


rows(MACVLAN, "queue-of-promiscuous-lower", {"promiscuous": "0x100", "allmulti": "0x200"}, queue_overtaken)


def filters(bed, device, join, step):
    """Who gets a group that one joined, one did not, after a change of flags."""
    port = Port(bed, "b0:bridge b1:bridge/B e0:vepa")
    port.join(*join)
    if step:
        bed.must(port.places[device], "set", f"name:{device} {step}")
    taps = port.watch()
    return {"joined": usual([taps.send("X/v1", ether(address, WIRE)) for address in JOINED]),
            "unjoined": usual([taps.send("X/v1", ether(address, WIRE)) for address in UNJOINED]),
            "sibling-joined": usual([taps.send("A/e0", ether(address, port.address("e0"))) for address in JOINED]),
            "b0-joined": usual([taps.send("A/b0", ether(address, port.address("b0"))) for address in JOINED]),
            "links": uncounted(bed)}


rows(MACVLAN, "filter", {
    "nobody": ("b1", (), ""),
    "one": ("b1", ("b1",), ""),
    "all": ("b1", ("b0", "b1", "e0"), ""),
    "one-while-down": ("b1", ("b1",), "clear:1"),
    "allmulti": ("b1", (), "flags:0x200"),
    "promiscuous": ("b1", (), "flags:0x100"),
    "sender-allmulti": ("b0", ("b1",), "flags:0x200"),
}, filters)
