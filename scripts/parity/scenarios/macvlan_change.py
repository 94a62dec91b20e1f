# SPDX-License-Identifier: GPL-2.0
"""Changes of an endpoint and of the device below it, moves, and the end."""

import struct
import time

import craft
from lower import LOWER, Port, group, macs, mode
from registry import rows, scenario

MACVLAN = ("macvlan", "macvtap")
M1, M2, M3 = "020000007771", "020000007772", "020000007773"
SET = "set KIND name:m0"


def steps(bed, requests, where="A"):
    """Requests one after the other: each answer, what it made known, and the links."""
    seen = {}
    for number, request in enumerate(requests, 1):
        namespace, _, request = request.rpartition("|")
        operation, tokens = request.split(" ", 1)
        seen[f"{number}:{operation}"] = {"answer": bed.raw(namespace or where, operation, tokens),
                                         "events": bed.events(), "links": bed.links()}
    return seen


def change(bed, word, *requests, up=True, tokens=""):
    """m0 of a mode, and m1 in bridge mode unless m0 is alone."""
    port = Port(bed, f"m0:{word}" + ("" if word == "passthru" else " m1:bridge"), up=False, outer=tokens)
    if up:
        port.up(*port.places)
    bed.events()
    return steps(bed, requests)


rows(MACVLAN, "change", {
    **{f"mode-{old}-{new}": (old, f"{SET} {mode(new)}") for old in ("private", "vepa", "bridge", "source", "passthru")
       for new in ("private", "vepa", "bridge", "source", "passthru")},
    **{f"mode-number-{number}": ("bridge", f"{SET} own32:1:{number}") for number in (0, 3, 32)},
    "mode-short": ("bridge", f"{SET} own:1:04"),
    "mode-of-all": ("bridge", *(f"{SET} {mode(word)}" for word in ("private", "source", "vepa", "bridge"))),
    "nothing": ("bridge", SET),
    "kind-only": ("bridge", "set kind:{kind} name:m0"),
    "wrong-kind": ("bridge", "set kind:dummy name:m0"),
    "other-c-kind": ("bridge", "set kind:ipvlan name:m0 data16:1:1"),
    "unknown": ("bridge", f"{SET} own:99:00"),
    "flags": ("bridge", f"{SET} own16:2:1", f"{SET} own16:2:2", f"{SET} own16:2:3", f"{SET} own16:2:0"),
    "flags-4": ("bridge", f"{SET} own16:2:4"),
    "flags-1-byte": ("bridge", f"{SET} own:2:01"),
    "flags-of-source": ("source", f"{SET} own16:2:2", f"{SET} own16:2:0"),
    "flags-of-passthru": ("passthru", f"{SET} own16:2:1", f"{SET} own16:2:1", f"{SET} own16:2:0", f"{SET} own16:2:2"),
    "mode-and-flags": ("bridge", f"{SET} {mode('source')} own16:2:2"),
    "passthru-again-and-flags": ("passthru", f"{SET} {mode('passthru')} own16:2:1"),
    "queue": ("bridge", f"{SET} own32:7:0", f"{SET} own32:7:2000", "set KIND name:m1 own32:7:3000", f"{SET} own32:7:5"),
    "queue-used": ("bridge", f"{SET} own32:8:5"),
    "cutoff": ("bridge", f"{SET} own32:9:0", f"{SET} own32:9:-1", "set KIND name:m1 own32:9:1"),
    "cutoff-same": ("bridge", f"{SET} own32:9:1"),
    "macaddr-count": ("source", f"{SET} own32:6:0"),
    # Partial: what comes before the failure has happened.
    "flags-before-macaddr": ("bridge", f"{SET} own16:2:2 own32:3:2"),
    "queue-before-macaddr": ("bridge", f"{SET} own32:7:77 own32:9:5 own32:3:2"),
    "mode-before-macaddr": ("bridge", f"{SET} {mode('vepa')} own32:3:2"),
    "mode-before-macaddr-without-address": ("bridge", f"{SET} {mode('source')} own32:3:0"),
    "flags-after-mode": ("bridge", f"{SET} {mode('passthru')} own16:2:2 own32:7:7"),
    "from-source-and-macaddr": ("source", f"{SET} own32:3:0 own:4:{M1}", f"{SET} {mode('bridge')} own32:3:0 own:4:{M2}"),
    "mtu-with-mode": ("bridge", f"{SET} {mode('vepa')} mtu:2000"),
    "address-with-mode": ("bridge", f"{SET} {mode('vepa')} addr:{LOWER.hex()}"),
    "address-multicast-with-kind": ("bridge", f"{SET} addr:010000000001"),
    "address-short-with-kind": ("bridge", f"{SET} addr:0200000000"),
    "mtu-with-kind": ("bridge", f"{SET} mtu:67"),
    "peerless-link": ("bridge", f"{SET} link:11"),
    "replace": ("bridge", f"replace KIND name:m0 {mode('vepa')}"),
    # Source addresses.
    "macaddr-in-bridge": ("bridge", f"{SET} own32:3:0 own:4:{M1}"),
    "macaddr-without-mode": ("source", f"{SET} own:4:{M1}"),
    "macaddr-add": ("source", f"{SET} own32:3:0 own:4:{M1}", f"{SET} own32:3:0 own:4:{M1}", f"{SET} own32:3:0 own:4:{M2}"),
    "macaddr-add-nothing": ("source", f"{SET} own32:3:0"),
    "macaddr-del": ("source", f"{SET} own32:3:3 {macs(M1, M2)}", f"{SET} own32:3:1 own:4:{M1}", f"{SET} own32:3:1 own:4:{M1}",
                    f"{SET} own32:3:1 own:4:{M2}"),
    "macaddr-del-nothing": ("source", f"{SET} own32:3:1"),
    "macaddr-flush": ("source", f"{SET} own32:3:3 {macs(M1, M2)}", f"{SET} own32:3:2", f"{SET} own32:3:2"),
    "macaddr-flush-with-address": ("source", f"{SET} own32:3:3 {macs(M1, M2)}", f"{SET} own32:3:2 own:4:{M3}"),
    "macaddr-set": ("source", f"{SET} own32:3:3 {macs(M1, M2)}", f"{SET} own32:3:3 own:4:{M3}", f"{SET} own32:3:3"),
    "macaddr-set-both": ("source", f"{SET} own32:3:3 own:4:{M1} {macs(M2, M3, M1)}"),
    "macaddr-mode-4": ("source", f"{SET} own32:3:4"),
    "macaddr-multicast": ("source", f"{SET} own32:3:0 own:4:010000000001"),
    "macaddr-data-bad": ("source", f"{SET} own32:3:3 {macs(M1)}", f"{SET} own32:3:3 {macs(M2, '010000000001')}"),
    "macaddr-to-bridge-and-back": ("source", f"{SET} own32:3:3 {macs(M1, M2)}", f"{SET} {mode('bridge')}", f"{SET} {mode('source')}"),
    "macaddr-to-source-at-once": ("bridge", f"{SET} {mode('source')} own32:3:3 {macs(M1, M2)}"),
    "macaddr-of-two": ("source", f"{SET} own32:3:0 own:4:{M1}", f"set KIND name:m1 {mode('source')} own32:3:0 own:4:{M1}",
                       f"{SET} own32:3:2"),
    # Without the kind.
    "set-mtu": ("bridge", "set name:m0 mtu:1499", "set name:m0 mtu:1500", "set name:m0 mtu:1501", "set name:m0 mtu:67",
                "set name:m0 mtu:68"),
    "set-address": ("bridge", "set name:m0 addr:0200000000aa", "set name:m0 addr:0200000000aa", "set name:m0 addr:010000000001",
                    "set name:m0 addr:0200000000"),
    "set-address-of-lower": ("bridge", f"set name:m0 addr:{LOWER.hex()}"),
    "set-address-of-sibling": ("bridge", "set name:m0 addr:020000000021"),
    "set-address-of-passthru": ("passthru", "set name:m0 addr:0200000000aa", f"set name:m0 addr:{LOWER.hex()}", "del name:m0"),
    "set-address-of-passthru-and-delete": ("passthru", "set name:m0 addr:0200000000aa", "del name:m0"),
    "set-address-below-passthru": ("passthru", "set name:v0 addr:0200000000aa", "set name:m0 addr:0200000000bb", "del name:m0"),
    "set-address-below": ("bridge", "set name:v0 addr:0200000000aa", "set name:v0 addr:020000000020", "set index:20 clear:1",
                          "set name:m0 up"),
    "set-carrier": ("bridge", "set name:m0 attr:33:00"),
    "set-protodown": ("bridge", "set name:m0 attr:39:01", "set name:m0 attr:39:00"),
    "set-protodown-reason": ("bridge", "set name:m0 attr:39:01 attr:57:" + "0800010001000000" + "0800020001000000",
                             "set name:m0 attr:39:00"),
    "set-operstate-linkmode": ("bridge", "set name:m0 attr:17:01", "set name:m0 attr:16:05"),
    "set-flags": ("bridge", "set name:m0 flags:0x80", "set name:m0 flags:0x100", "set name:m0 flags:0x200",
                  "set name:m0 clear:0x300", "set name:m0 clear:0x1000"),
    "set-flags-of-passthru": ("passthru", "set name:m0 flags:0x100", "set name:m0 clear:0x100", "set name:m0 flags:0x200",
                              "set name:m0 clear:0x200"),
    "set-flags-of-passthru-and-down": ("passthru", "set name:m0 flags:0x300", "set name:m0 clear:1", "set name:m0 clear:0x300",
                                       "set name:m0 up"),
    "set-flags-and-down": ("bridge", "set name:m0 flags:0x300", "set name:m0 clear:1", "set name:m0 up", "set name:m0 clear:1",
                           "set name:m0 clear:0x300", "set name:m0 up"),
    "set-names": ("bridge", "set index:20 name:x0", "set index:20 name:m1", "set index:20 attr:20:6869"),
    "set-group-txqlen": ("bridge", "set name:m0 group:7 txqlen:5"),
    "set-gso": ("bridge", "set name:m0 gsomax:30000 gsosegs:12", "set name:m0 gsomax:600000", "set name:m0 gromax:30000"),
    "set-broadcast": ("bridge", "set name:m0 attr:2:0200000000bb"),
    "set-xdp-nothing": ("bridge", "set name:m0 attr:32811:" + struct.pack("=HHi", 8, 1, -1).hex()),
    "down-up": ("bridge", "set name:m0 clear:1", "set name:m0 up"),
    "down-up-passthru": ("passthru", "set name:m0 clear:1", "set name:m0 up"),
}, change)
rows(MACVLAN, "change-down", {
    "flags-of-passthru": ("passthru", f"{SET} own16:2:1", "set name:m0 up", f"{SET} own16:2:0", "set name:m0 clear:1",
                          f"{SET} own16:2:1"),
    "set-address-of-lower": ("bridge", f"set name:m0 addr:{LOWER.hex()}", "set name:m0 up"),
    "set-address-of-sibling": ("bridge", "set name:m0 addr:020000000021", "set name:m0 up", "set name:m1 up"),
    "set-address-of-sibling-up": ("bridge", "set name:m1 up", "set name:m0 addr:020000000021", "set name:m0 up"),
    "set-address-of-passthru": ("passthru", "set name:m0 addr:0200000000aa", "set name:v0 addr:0200000000bb", "del name:m0"),
    "set-flags": ("bridge", "set name:m0 flags:0x300", "set name:m0 up", "set name:m0 clear:0x300"),
    "mode": ("source", f"{SET} own32:3:0 own:4:{M1}", f"{SET} {mode('bridge')}"),
    "set-mtu": ("bridge", "set name:m0 mtu:1501", "set name:m0 mtu:100"),
    "protodown": ("bridge", "set name:m0 attr:39:01", "set name:m0 up", "set name:m0 attr:39:00"),
}, lambda bed, word, *requests: change(bed, word, *requests, up=False))

# --- the device below -----------------------------------------------------------------


def below(bed, *requests, up=True):
    """m0 here, m1 in B, m2 on a lower device with more to it."""
    port = Port(bed, "m0:bridge m1:vepa/B m2:private", up=False, mtu=3000)
    if up:
        port.up(*port.places)
    bed.events()
    return steps(bed, requests)


rows(MACVLAN, "below", {
    "down-up": ("set name:v0 clear:1", "set name:v0 up"),
    "carrier": ("X|set name:v1 clear:1", "X|set name:v1 up"),
    "carrier-while-protodown": ("set name:m0 attr:39:01", "X|set name:v1 clear:1", "X|set name:v1 up", "set name:m0 attr:39:00"),
    "carrier-while-down": ("set name:m0 clear:1", "X|set name:v1 clear:1", "X|set name:v1 up", "set name:m0 up"),
    "dormant": ("set name:v0 attr:17:01", "set name:v0 attr:16:05", "set name:v0 attr:16:06"),
    "testing": ("set name:v0 attr:16:04", "set name:v0 attr:16:06"),
    "mtu-shrinks": ("set name:m0 mtu:2000", "set name:v0 mtu:2500", "set name:v0 mtu:1000", "set name:v0 mtu:68"),
    "mtu-shrinks-below-68": ("set name:v0 mtu:68", "set name:v0 mtu:67"),
    "mtu-grows": ("set name:v0 mtu:1000", "set name:v0 mtu:9000", "set name:m0 mtu:9000"),
    "mtu-max": ("set name:v0 mtu:65535", "set name:m0 mtu:65535", "set name:m0 mtu:65536"),
    "address": ("set name:v0 addr:0200000000aa", "set name:v0 addr:020000000021", "B|set name:m1 clear:1", "B|set name:m1 up"),
    "name": ("set index:10 name:w0",),
    "flags": ("set name:v0 flags:0x100", "set name:v0 flags:0x200", "set name:v0 clear:0x300"),
    "no-arp": ("set name:v0 flags:0x80", "set name:v0 clear:0x80"),
    "gso": ("set name:v0 gsomax:30000 gsosegs:12 gromax:30000",),
    "deleted": ("del name:v0",),
    "deleted-at-the-far-end": ("X|del name:v1",),
    "moved": ("set name:v0 nsfd:/run/netns/X", "X|set name:v0 up", "set name:m0 clear:1", "set name:m0 up"),
    "moved-and-deleted": ("set name:v0 nsfd:/run/netns/B", "B|del name:v0"),
    "moved-and-back": ("set name:v0 nsfd:/run/netns/B", "B|set name:v0 nsfd:/run/netns/A", "set name:v0 up"),
}, below)
rows(MACVLAN, "below-down", {
    "carrier": ("X|set name:v1 clear:1", "X|set name:v1 up"), "deleted": ("del name:v0",), "down-up": ("set name:v0 clear:1", "set name:v0 up"),
}, lambda bed, *requests: below(bed, *requests, up=False))


@scenario(*MACVLAN)
def below_dies_with_its_namespace(bed):
    """The lower device goes with its namespace, and the endpoints elsewhere with it."""
    bed.ns("B", "L")
    bed.must("L", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    for number in (0, 1):
        bed.must("L", "new", f"KIND name:m{number} index:2{number} addr:02000000002{number} link:10 {mode('bridge')}",
                 "nsfd:/run/netns/B")
    bed.must("B", "set", "name:m0 up")
    bed.events()
    bed.del_ns("L")
    return {"events": until(bed, "B", "del m1"), "links": bed.links()}


@scenario(*MACVLAN)
def endpoint_dies_with_its_namespace(bed):
    """Its addresses leave the lower device, and a sibling may have them."""
    port = Port(bed, "m0:bridge/B m1:bridge")
    port.join("m0")
    bed.events()
    bed.del_ns("B")
    # Nobody is told: until its address is gone from the lower device's.
    end = time.monotonic() + 20
    while time.monotonic() < end and any("02:00:00:00:00:20" in line for line in addresses(bed)):
        time.sleep(0.05)
    seen = {"addresses": addresses(bed), "again": bed.raw("A", "set", "name:m1 addr:020000000020")}
    return {**seen, "links": bed.links("A")}


def until(bed, namespace, start):
    bed.monitors[namespace].sock.settimeout(20)
    seen = []
    while not any(line.startswith(start) for line in seen):
        for kind, _, _, body in bed.monitors[namespace].messages():
            seen.append(bed.monitors[namespace].line(kind, body))
    return seen


def addresses(bed):
    """What the lower device receives besides its own, as text."""
    fdb = bed.run("A", "bridge fdb show dev v0")["out"]
    return sorted(line.strip() for line in fdb.splitlines())


# --- moves and the end -----------------------------------------------------------------


def moved(bed, *requests):
    port = Port(bed, "m0:bridge m1:source")
    bed.ns("B", "C")
    port.join("m0")
    bed.must("A", "set", f"KIND name:m1 own32:3:0 own:4:{M1}")
    bed.events()
    seen = steps(bed, requests)
    return {**seen, "addresses": addresses(bed)}


B = "nsfd:/run/netns/B"
rows(MACVLAN, "move", {
    "away": (f"set name:m0 {B}",),
    "away-and-up": (f"set name:m0 {B}", "B|set name:m0 up"),
    "and-back": (f"set name:m0 {B}", "B|set name:m0 nsfd:/run/netns/A", "set name:m0 up"),
    "twice": (f"set name:m0 {B}", "B|set name:m0 nsfd:/run/netns/C"),
    "and-rename": (f"set index:20 {B} name:moved",),
    "and-up": (f"set name:m0 {B} up",),
    "with-index": (f"set name:m0 {B} attr:49:63000000",),
    "and-mode": (f"set KIND name:m0 {B} {mode('private')}",),
    "source": (f"set name:m1 {B}", "B|set name:m1 up", f"B|set KIND name:m1 own32:3:0 own:4:{M2}"),
    "name-taken": ("B|new kind:dummy name:m0", f"set name:m0 {B}"),
    "and-carrier": (f"set name:m0 {B}", "B|set name:m0 up", "X|set name:v1 clear:1", "X|set name:v1 up"),
    "and-mtu": (f"set name:m0 {B}", "set name:v0 mtu:1000"),
    "and-delete-below": (f"set name:m0 {B}", "del name:v0"),
}, moved)


def end(bed, word, up, *requests):
    port = Port(bed, f"m0:{word}" + ("" if word == "passthru" else " m1:bridge/B"), up=up)
    if word == "source":
        bed.must("A", "set", f"KIND name:m0 own32:3:3 {macs(M1, M2)}")
    else:
        group("A", "m0", bytes.fromhex("030000000001"))
    bed.must("A", "set", "name:m0 flags:0x200")
    bed.events()
    seen = steps(bed, requests)
    return {**seen, "addresses": addresses(bed),
            "groups": bed.run("A", "ip maddr show dev v0")["out"].splitlines()}


rows(MACVLAN, "delete", {
    "bridge": ("bridge", True, "del name:m0"),
    "source": ("source", True, "del name:m0"),
    "passthru": ("passthru", True, "del name:m0"),
    "down": ("bridge", False, "del name:m0"),
    "by-index": ("bridge", True, "del index:20"),
    "both": ("bridge", True, "del name:m0", "B|del name:m1"),
    "both-and-again": ("bridge", True, "del name:m0", "B|del name:m1", f"new KIND name:m0 index:20 link:10 {mode('passthru')}",
                       "del name:m0", f"new KIND name:m0 index:20 addr:020000000020 link:10 {mode('bridge')} up"),
    "absent": ("bridge", True, "del name:m9"),
    "wrong-kind": ("bridge", True, "del kind:dummy name:m0"),
    "lower-first": ("bridge", True, "del name:v0"),
}, end)


@scenario(*MACVLAN)
def delete_group(bed):
    """Lower device and endpoints in one request."""
    port = Port(bed, "m0:bridge m1:bridge/B", up=True)
    port.add("m2", "vepa", "A", "group:5")
    bed.must("A", "set", "name:m0 group:5")
    bed.must("A", "set", "name:v0 group:5")
    bed.events()
    return {"answer": bed.raw("A", "del", "group:5"), "events": bed.events(), "links": bed.links()}


@scenario(*MACVLAN)
def delete_after_traffic(bed):
    """With frames of many groups on their way."""
    port = Port(bed, "m0:bridge m1:bridge/B")
    taps = port.watch(witness="m1")
    seen = {"before": taps.send("X/v1", craft.ether(craft.BROADCAST, craft.V1), count=50)}
    seen["answer"] = bed.raw("A", "del", "name:m0")
    return {**seen, "events": bed.events(), "links": bed.links()}
