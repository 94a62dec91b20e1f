# SPDX-License-Identifier: GPL-2.0
"""Changes of an endpoint and of the device below it, moves, and the end."""

import struct
import time

import craft
from lower import IP_MODES, LOWER, IpPort, address, group, ip_mode
from registry import rows, scenario
from scenarios.macvlan_change import steps, until

IPVLAN = ("ipvlan", "ipvtap")
SET = "set KIND name:i0"
B = "nsfd:/run/netns/B"


def change(bed, word, *requests, up=True, spec="i0:{0}"):
    """An endpoint that is alone on its lower device: mode and flags are its own there."""
    port = IpPort(bed, spec.format(word), addresses=False, up=up)
    return {**steps(bed, requests), "port": sorted(port.places)}


def both(bed, word, *requests):
    """Two of them, of which the requests change one."""
    return change(bed, word, *requests, spec="i0:{0} i1:{0}/B")


rows(IPVLAN, "change", {
    **{f"mode-{old}-{new}": (old, f"{SET} own16:1:{IP_MODES[new]}") for old in IP_MODES for new in IP_MODES},
    **{f"mode-number-{number}": ("l2", f"{SET} own16:1:{number}") for number in (3, 65535)},
    "mode-short": ("l2", f"{SET} own:1:01"),
    "mode-long": ("l2", f"{SET} own:1:01000000"),
    "mode-of-all": ("l2", *(f"{SET} {ip_mode(word)}" for word in ("l3", "l3s", "l2", "l3s", "l3", "l2"))),
    "nothing": ("l2", SET),
    "kind-only": ("l2", "set kind:{kind} name:i0"),
    "wrong-kind": ("l2", "set kind:dummy name:i0"),
    "unknown": ("l2", f"{SET} own:99:00"),
    "flags": ("l2", *(f"{SET} own16:2:{number}" for number in (1, 2, 0, 2, 1, 0))),
    **{f"flags-{number}": ("l2", f"{SET} own16:2:{number}") for number in (3, 4)},
    "flags-1-byte": ("l2", f"{SET} own:2:01"),
    "mode-and-flags": ("l2", f"{SET} {ip_mode('l3+vepa')}", f"{SET} {ip_mode('l2+private')}"),
    "mode-and-wrong-flags": ("l2", f"{SET} own16:1:1 own16:2:3"),
    "mode-and-mtu": ("l2", f"{SET} {ip_mode('l3')} mtu:1400"),
    "mode-and-wrong-mtu": ("l2", f"{SET} {ip_mode('l3')} mtu:67"),
    "mode-and-address": ("l2", f"{SET} {ip_mode('l3')} addr:{LOWER.hex()}"),
    "peerless-link": ("l2", f"{SET} link:11"),
    "replace": ("l2", f"replace KIND name:i0 {ip_mode('l3')}"),
    "arp-by-hand": ("l2", "set name:i0 flags:0x80", f"{SET} own16:1:1", "set name:i0 clear:0x80", f"{SET} own16:1:1", f"{SET} own16:1:0"),
    # Without the kind.
    "set-mtu": ("l2", *(f"set name:i0 mtu:{number}" for number in (1499, 1500, 1501, 67, 68, 65535, 65536))),
    "set-address": ("l2", "set name:i0 addr:0200000000aa", "set name:i0 addr:010000000001", "set name:i0 addr:0200000000",
                    f"set name:i0 addr:{LOWER.hex()}"),
    "set-carrier": ("l2", "set name:i0 attr:33:00"),
    "set-protodown": ("l2", "set name:i0 attr:39:01", "set name:i0 attr:39:00"),
    "set-operstate-linkmode": ("l2", "set name:i0 attr:17:01", "set name:i0 attr:16:05"),
    "set-flags": ("l2", "set name:i0 flags:0x80", "set name:i0 flags:0x100", "set name:i0 flags:0x200",
                  "set name:i0 clear:0x300", "set name:i0 clear:0x1000"),
    "set-flags-and-mode": ("l2", "set name:i0 flags:0x300", f"{SET} own16:1:1", "set name:i0 clear:0x300"),
    "set-promiscuous-and-down": ("l2", "set name:i0 flags:0x100", "set name:i0 clear:1", "set name:i0 up", "set name:i0 clear:0x100"),
    "set-allmulti-and-down": ("l2", "set name:i0 flags:0x200", "set name:i0 clear:1", "set name:i0 up", "set name:i0 clear:0x200"),
    "set-names": ("l2", "set index:20 name:x0", "set index:20 name:v0", "set index:20 attr:20:6869"),
    "set-group-txqlen": ("l2", "set name:i0 group:7 txqlen:5"),
    "set-gso": ("l2", "set name:i0 gsomax:30000 gsosegs:12", "set name:i0 gsomax:600000", "set name:i0 gromax:30000"),
    "set-broadcast": ("l2", "set name:i0 attr:2:0200000000bb"),
    "set-xdp-nothing": ("l2", "set name:i0 attr:32811:" + struct.pack("=HHi", 8, 1, -1).hex()),
    **{f"down-up-{word}": (word, "set name:i0 clear:1", "set name:i0 up") for word in IP_MODES},
}, change)
rows(IPVLAN, "change-down", {
    **{f"mode-{old}-{new}": (old, f"{SET} own16:1:{IP_MODES[new]}", "set name:i0 up") for old, new in
       (("l2", "l3"), ("l3", "l2"), ("l3s", "l2"), ("l3", "l3s"))},
    "flags": ("l2", f"{SET} own16:2:1", "set name:i0 up"),
    "set-mtu": ("l2", "set name:i0 mtu:1501", "set name:i0 mtu:100"),
    "protodown": ("l2", "set name:i0 attr:39:01", "set name:i0 up", "set name:i0 attr:39:00"),
}, lambda bed, word, *requests: change(bed, word, *requests, up=False))
# Of one of two: mode and flags are the other one's too, or are not.
rows(IPVLAN, "change-one-of-two", {
    "mode": ("l2", f"{SET} own16:1:1"), "mode-l3s": ("l2", f"{SET} own16:1:2", f"{SET} own16:1:0"), "flags": ("l2", f"{SET} own16:2:1"),
    "back": ("l2", f"{SET} own16:1:1", f"{SET} own16:1:0"),
    "each": ("l2", f"{SET} {ip_mode('l3+vepa')}", f"B|set KIND name:i1 {ip_mode('l3+vepa')}"),
    "same": ("l2", f"{SET} {ip_mode('l2')}", f"B|set KIND name:i1 {ip_mode('l2')}"),
    "refused": ("l2", f"{SET} own16:1:3", f"{SET} own16:2:3"),
}, both)

# --- the device below -----------------------------------------------------------------


def below(bed, *requests, up=True):
    """i0 here, i1 in B, i2 on a lower device with more to it."""
    port = IpPort(bed, "i0:l2 i1:l2/B i2:l2", up=up, mtu=3000, addresses=False)
    return {**steps(bed, requests), "port": sorted(port.places)}


rows(IPVLAN, "below", {
    "down-up": ("set name:v0 clear:1", "set name:v0 up"),
    "carrier": ("X|set name:v1 clear:1", "X|set name:v1 up"),
    "carrier-while-protodown": ("set name:i0 attr:39:01", "X|set name:v1 clear:1", "X|set name:v1 up", "set name:i0 attr:39:00"),
    "carrier-while-down": ("set name:i0 clear:1", "X|set name:v1 clear:1", "X|set name:v1 up", "set name:i0 up"),
    "dormant": ("set name:v0 attr:17:01", "set name:v0 attr:16:05", "set name:v0 attr:16:06"),
    "testing": ("set name:v0 attr:16:04", "set name:v0 attr:16:06"),
    "mtu-shrinks": ("set name:i0 mtu:2000", "set name:v0 mtu:2500", "set name:v0 mtu:1000", "set name:v0 mtu:68"),
    "mtu-grows": ("set name:v0 mtu:1000", "set name:v0 mtu:9000", "set name:i0 mtu:9100"),
    "mtu-too-small": ("set name:v0 mtu:67",),
    "address": ("set name:v0 addr:0200000000aa", "set name:v0 addr:020000000021", "B|set name:i1 clear:1", "B|set name:i1 up"),
    "address-refused": ("set name:v0 addr:010000000001",),
    "name": ("set index:10 name:w0",),
    "flags": ("set name:v0 flags:0x100", "set name:v0 flags:0x200", "set name:v0 clear:0x300"),
    "no-arp": ("set name:v0 flags:0x80", "set name:v0 clear:0x80"),
    "gso": ("set name:v0 gsomax:30000 gsosegs:12 gromax:30000",),
    "deleted": ("del name:v0",),
    "deleted-at-the-far-end": ("X|del name:v1",),
    "moved": ("set name:v0 nsfd:/run/netns/X", "X|set name:v0 up", "set name:i0 clear:1", "set name:i0 up"),
    "moved-and-deleted": (f"set name:v0 {B}", "B|del name:v0"),
    "moved-and-back": (f"set name:v0 {B}", "B|set name:v0 nsfd:/run/netns/A", "set name:v0 up"),
}, below)
rows(IPVLAN, "below-down", {
    "carrier": ("X|set name:v1 clear:1", "X|set name:v1 up"), "deleted": ("del name:v0",),
    "down-up": ("set name:v0 clear:1", "set name:v0 up"), "address": ("set name:v0 addr:0200000000aa", "set name:i0 up"),
}, lambda bed, *requests: below(bed, *requests, up=False))


@scenario(*IPVLAN)
def below_dies_with_its_namespace(bed):
    """The lower device goes with its namespace, and the endpoints elsewhere with it."""
    bed.ns("B", "L")
    bed.must("L", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    for number in (0, 1):
        bed.must("L", "new", f"KIND name:i{number} index:2{number} link:10 {ip_mode('l3s')} {B}")
    bed.must("B", "set", "name:i0 up")
    bed.events()
    bed.del_ns("L")
    return {"events": until(bed, "B", "del i1"), "links": bed.links()}


# --- moves and the end -----------------------------------------------------------------


def moved(bed, *requests):
    port = IpPort(bed, "i0:l2 i1:l2", addresses=False)
    bed.ns("B", "C")
    port.join("i0")
    bed.events()
    return {**steps(bed, requests), "groups": bed.run("A", "ip maddr show dev v0")["out"].split()}


rows(IPVLAN, "move", {
    "away": (f"set name:i0 {B}",),
    "away-and-up": (f"set name:i0 {B}", "B|set name:i0 up"),
    "and-back": (f"set name:i0 {B}", "B|set name:i0 nsfd:/run/netns/A", "set name:i0 up"),
    "twice": (f"set name:i0 {B}", "B|set name:i0 nsfd:/run/netns/C"),
    "and-rename": (f"set index:20 {B} name:moved",),
    "and-up": (f"set name:i0 {B} up",),
    "with-index": (f"set name:i0 {B} attr:49:63000000",),
    "and-settings": (f"set KIND name:i0 {B} {ip_mode('l2')}",),
    "name-taken": ("B|new kind:dummy name:i0", f"set name:i0 {B}"),
    "and-carrier": (f"set name:i0 {B}", "B|set name:i0 up", "X|set name:v1 clear:1", "X|set name:v1 up"),
    "and-mtu": (f"set name:i0 {B}", "set name:v0 mtu:1000"),
    "and-delete-below": (f"set name:i0 {B}", "del name:v0"),
}, moved)


def end(bed, word, *requests, up=True):
    port = IpPort(bed, f"i0:{word} i1:{word}/B", up=up)
    group("A", "i0", bytes.fromhex("030000000001"))
    bed.events()
    return {**steps(bed, requests), "groups": bed.run("A", "ip maddr show dev v0")["out"].split(), "port": sorted(port.places)}


rows(IPVLAN, "delete", {
    **{word: (word, "del name:i0") for word in IP_MODES},
    "by-index": ("l2", "del index:20"),
    "both": ("l3", "del name:i0", "B|del name:i1"),
    "both-l3s": ("l3s", "del name:i0", "B|del name:i1"),
    "both-and-again": ("l2", "del name:i0", "B|del name:i1", f"new KIND name:i0 index:20 link:10 {ip_mode('l3')}",
                       "del name:i0", f"new KIND name:i0 index:20 link:10 {ip_mode('l2')} up"),
    "absent": ("l2", "del name:i9"),
    "wrong-kind": ("l2", "del kind:dummy name:i0"),
    "lower-first": ("l3s", "del name:v0"),
}, end)
rows(IPVLAN, "delete-down", {word: (word, "del name:i0") for word in ("l2", "l3s")},
     lambda bed, *how: end(bed, *how, up=False))


@scenario(*IPVLAN)
def delete_group(bed):
    """Lower device and endpoints in one request."""
    port = IpPort(bed, "i0:l2 i1:l2/B", addresses=False)
    port.add("i2", "l2", "A", "group:5")
    bed.must("A", "set", "name:i0 group:5")
    bed.must("A", "set", "name:v0 group:5")
    bed.events()
    return {"answer": bed.raw("A", "del", "group:5"), "events": bed.events(), "links": bed.links()}


@scenario(*IPVLAN)
def delete_after_traffic(bed):
    """With frames of groups on their way."""
    port = IpPort(bed, "i0:l2 i1:l2/B")
    taps = port.watch()
    seen = {"before": taps.send("X/v1", craft.ether(craft.BROADCAST, craft.V1), count=50)}
    seen["answer"] = bed.raw("A", "del", "name:i0")
    return {**seen, "events": bed.events(), "links": bed.links()}


@scenario(*IPVLAN)
def endpoint_dies_with_its_namespace(bed):
    """Its address is free for a sibling then."""
    port = IpPort(bed, "i0:l3/B i1:l3")
    bed.del_ns("B")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        answer = address(bed, "A", "i1", "10.0.0.20/24")
        if answer["errno"] == "OK":
            break
        time.sleep(0.05)
    return {"again": answer, "links": bed.links("A"), "port": sorted(port.places)}
