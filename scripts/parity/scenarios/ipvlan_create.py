# SPDX-License-Identifier: GPL-2.0
"""Creation of an endpoint: what a request says, what it makes, what it makes known."""

import fcntl
import os
import struct

from inside import inside
from lower import LOWER, IpPort, ip_mode
from registry import rows, scenario
from scenarios.macvlan_create import BOND, create, kinds, new, placed, prepared, unprivileged

IPVLAN = ("ipvlan", "ipvtap")
B = "nsfd:/run/netns/B"
L2 = ip_mode("l2")
NEW = f"KIND name:i0 link:10 {L2}"
BARE = "KIND name:i0 link:10"
BRIDGE = "kind:bridge name:br0 index:90 addr:020000000090 data:23:00"


def second(word, *more):
    """A second endpoint after one in mode l2; both are given all settings."""
    return new(f"KIND name:i1 link:10 {word}", NEW, *more)


rows(IPVLAN, "create", {
    "named": new(NEW),
    "mode-default": new(BARE),
    "kind-alone": new(f"KIND link:10 {L2}"),
    "kind-alone-twice": new(f"KIND link:10 {L2}", f"KIND link:10 {L2}"),
    "name-template": new(f"KIND name:x%d link:10 {L2}"),
    "name-taken": new(f"KIND name:d0 link:10 {L2}"),
    "name-invalid": new(f"KIND name:a/b link:10 {L2}"),
    "name-empty": new(f"KIND name0x:00 link:10 {L2}"),
    "replace": ("new " + NEW, f"replace {NEW}"),
    "replace-other-mode": ("new " + NEW, f"replace KIND name:i0 link:10 {ip_mode('l3')}"),
    # --- the lower device ---
    "no-link": new(f"KIND name:i0 {L2}"),
    "link-unknown": new(f"KIND name:i0 link:99 {L2}"),
    "link-0": new(f"KIND name:i0 link:0 {L2}"),
    "link-negative": new(f"KIND name:i0 link:4294967295 {L2}"),
    "link-short": new(f"KIND name:i0 attr:5:0a {L2}"),
    "link-itself": new(f"KIND name:i0 index:20 link:20 {L2}"),
    "lower-lo": new(f"KIND name:i0 link:1 {L2}"),
    "lower-bridge": new(f"KIND name:i0 link:90 {L2}", BRIDGE),
    "lower-bridge-port": ("new " + BRIDGE, "set name:d0 master:90", "new " + NEW),
    "lower-vlan": new(f"KIND name:i0 link:50 {L2}", "kind:vlan name:d0.5 index:50 link:10 data16:1:5"),
    "lower-vlan-up": new(f"KIND name:i0 link:50 {L2} up", "kind:vlan name:d0.5 index:50 link:10 data16:1:5 up"),
    "lower-vrf": new(f"KIND name:i0 link:50 {L2}", "kind:vrf name:vrf0 index:50 data32:1:10"),
    "lower-vrf-port": ("new kind:vrf name:vrf0 index:50 data32:1:10", "set name:d0 master:50", "new " + NEW),
    "lower-own": new(f"KIND name:i1 index:21 link:20 {L2}", f"KIND name:i0 index:20 link:10 {L2}"),
    "lower-own-of-own": new(f"KIND name:i2 index:22 link:21 {L2}", f"KIND name:i0 index:20 link:10 {L2}",
                            f"KIND name:i1 index:21 link:20 {L2}"),
    "lower-own-mtu": new(f"KIND name:i1 index:21 link:20 {L2}", f"KIND name:i0 index:20 link:10 {L2} mtu:1000"),
    "lower-own-elsewhere": new(f"KIND name:i1 index:21 link:20 {L2} {B}", f"KIND name:i0 index:20 link:10 {L2}"),
    "lower-used-by-vlan": new(NEW, "kind:vlan name:d0.5 index:50 link:10 data16:1:5"),
    "lower-with-mtu": ("set name:d0 mtu:9000", "new " + NEW),
    # --- modes and flags ---
    **{f"mode-{word.replace('+', '-')}": new(f"KIND name:i0 link:10 {ip_mode(word)}") for word in
       ("l2", "l3", "l3s", "l2+private", "l2+vepa", "l3+private", "l3+vepa", "l3s+private", "l3s+vepa")},
    **{f"mode-{word}-up": new(f"KIND name:i0 link:10 {ip_mode(word)} up") for word in ("l2", "l3", "l3s")},
    **{f"mode-number-{number}": new(f"{BARE} own16:1:{number}") for number in (3, 4, 255, 256, 65535)},
    "mode-alone": new(f"{BARE} own16:1:0"),
    "mode-1-byte": new(f"{BARE} own:1:00"),
    "mode-3-bytes": new(f"{BARE} own:1:020000"),
    "mode-4-bytes": new(f"{BARE} own:1:02000000"),
    "mode-4-bytes-high": new(f"{BARE} own:1:02000100"),
    "mode-empty": new(f"{BARE} own:1:"),
    "mode-twice": new(f"{BARE} own16:1:0 own16:1:2"),
    **{f"flags-{number}": new(f"{BARE} own16:2:{number}") for number in (0, 1, 2, 3, 4, 5, 32768)},
    "flags-1-byte": new(f"{BARE} own:2:01"),
    "flags-4-bytes": new(f"{BARE} own:2:01000000"),
    "flags-twice": new(f"{BARE} own16:2:1 own16:2:2"),
    "unknown-3": new(f"{NEW} own16:3:1"),
    "unknown-99": new(f"{NEW} own:99:00"),
    "unknown-0": new(f"{NEW} own:0:00"),
    # --- the first failure counts ---
    "wrong-mode-and-flags": new(f"{BARE} own16:1:3 own16:2:4"),
    "wrong-mode-and-link": new("KIND name:i0 link:99 own16:1:3"),
    "wrong-flags-and-link": new("KIND name:i0 own16:2:3"),
    "wrong-mtu-and-link": new(f"KIND name:i0 link:99 mtu:67 {L2}"),
    "wrong-mtu-and-lower": new(f"KIND name:i0 link:1 mtu:70000 {L2}"),
    # --- addresses: always the lower device's ---
    "address": new(f"{NEW} addr:020000000021"),
    "address-multicast": new(f"{NEW} addr:010000000001"),
    "address-zero": new(f"{NEW} addr:000000000000"),
    "address-5-bytes": new(f"{NEW} addr:0200000000"),
    "address-7-bytes": new(f"{NEW} addr:02000000000001"),
    "address-of-lower": new(f"{NEW} addr:{LOWER.hex()}"),
    "broadcast-address": new(f"{NEW} attr:2:020000000077"),
    # --- other attributes ---
    **{f"mtu-{number}": new(f"{NEW} mtu:{number}") for number in (0, 67, 68, 1499, 1500, 1501, 9000, 65535, 65536, 4294967295)},
    "mtu-of-larger-lower": ("set name:d0 mtu:70000", "new " + NEW),
    "mtu-of-tiny-lower": ("set name:d0 mtu:10", "new " + NEW),
    "attributes": new(f"{NEW} txqlen:77 group:5 gsomax:30000 gsosegs:20 gromax:20000"),
    "index": new(f"{NEW} index:70"),
    "index-taken": new(f"{NEW} index:10"),
    "queues": new(f"{NEW} txq:4 rxq:3"),
    "queues-0": new(f"{NEW} txq:0"),
    "queues-4097": new(f"{NEW} rxq:4097"),
    "flags-of-device": new(f"{NEW} flags:0x380"),
    "flags-of-device-up": new(f"{NEW} up flags:0x300"),
    "no-arp-up": new(f"{NEW} up flags:0x80"),
    "protodown": new(f"{NEW} attr:39:01"),
    "carrier": new(f"{NEW} attr:33:00"),
    "operstate-linkmode": new(f"{NEW} attr:16:05 attr:17:01"),
    "alias": new(f"{NEW} attr:20:6869"),
    "master": new(f"{NEW} master:90", BRIDGE),
    "master-vrf": new(f"{NEW} master:50 up", "kind:vrf name:vrf0 index:50 data32:1:10"),
    # --- several, all with the same settings ---
    "two": second(L2),
    "two-up": second(f"{L2} up", f"KIND name:i2 link:10 {L2} up"),
    "two-l3-up": new(f"KIND name:i1 link:10 {ip_mode('l3')} up", f"KIND name:i0 link:10 {ip_mode('l3')} up"),
    # --- several that do not say the same ---
    "two-modes": second(ip_mode("l3")),
    "two-modes-up": second(f"{ip_mode('l3')} up", f"KIND name:i2 link:10 {L2} up"),
    "two-flags": second(ip_mode("l2+private")),
    "second-without-mode": second(""),
    "second-without-flags": new("KIND name:i1 link:10 own16:1:0", f"KIND name:i0 link:10 {ip_mode('l2+private')}"),
    # --- what a refused one leaves behind ---
    "refused-name": new(NEW, f"KIND name:a/b link:10 {ip_mode('l3')}"),
    "refused-name-first": ("new " + f"KIND name:a/b link:10 {L2}", "new " + BRIDGE, "set name:d0 master:90"),
    "refused-index": new(NEW, f"KIND name:i1 index:10 link:10 {L2}"),
    "refused-mode": new(NEW, f"{BARE} own16:1:3"),
}, create)
rows(IPVLAN, "create-lower-down", {"named": new(NEW), "up": new(f"{NEW} up"), "l3-up": new(f"{BARE} {ip_mode('l3')} up")},
     lambda bed, *requests: create(bed, *requests, lower=""))
rows(IPVLAN, "create-lower", {
    "bond-slave": ((*BOND, "ip link set d0 master bond0"), NEW),
    "bond": ((*BOND, "ip link set d0 master bond0"), f"KIND name:i0 link:60 {L2}"),
    "c-macvlan": (("modprobe macvlan", "ip link add link d0 name c0 index 60 type macvlan mode bridge"), f"KIND name:i0 link:60 {L2}"),
    "used-by-c-macvlan": (("modprobe macvlan", "ip link add link d0 name c0 index 60 type macvlan mode bridge"), NEW),
    "ifb": (("modprobe ifb numifbs=0", "ip link add f0 index 60 type ifb"), f"KIND name:i0 link:60 {L2}"),
}, prepared)


@scenario(*IPVLAN)
def create_lower_tun(bed):
    """A device without Ethernet below."""
    bed.ns("A")
    made = bed.run("A", "ip tuntap add dev t0 mode tun")["status"]
    index = bed.link("A", "t0", "index", "type")
    answer = bed.raw("A", "new", f"KIND name:i0 link:{index['index']} {L2}")
    return {"made": made, "type": index["type"], "answer": answer, "names": sorted(bed.links("A")["A"])}


rows(IPVLAN, "netns", {
    "target": (f"link:10 {B}", "A"),
    "target-up": (f"link:10 {B} up", "A"),
    "target-with-lower-there": (f"link:10 {B}", "B"),
    "link-netnsid": ("link:10 linknsid:5",),
    "link-netnsid-up": ("link:10 linknsid:5 up",),
    "link-netnsid-lower-here": ("link:10 linknsid:5", "A"),
    "link-netnsid-unknown": ("link:10 linknsid:77",),
    "link-netnsid-and-target": ("link:10 linknsid:5 nsfd:/run/netns/C",),
    "link-netnsid-and-target-there": (f"link:10 linknsid:5 {B}",),
    "target-bad": ("link:10 nsfd:/dev/null", "A"),
    "name-taken-there": (f"name:d0 link:10 linknsid:5 {B}",),
}, lambda bed, tokens, lower="B": placed(bed, tokens, lower, what=f"KIND name:i0 {L2}"))


@scenario(*IPVLAN)
def netns_collapse(bed):
    """On an endpoint whose lower device is elsewhere."""
    bed.ns("A", "B", "C")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    bed.must("A", "new", f"{NEW} index:20 {B}")
    bed.events()
    answer = bed.raw("B", "new", f"KIND name:i1 index:21 link:20 {L2} up")
    return {"answer": answer, "events": bed.events(), "links": bed.links()}


def as_user(bed, *requests):
    """Requests by the root of a user namespace, in its own network namespace, where
    m9, index 29, is; its lower device d0 is in A."""
    bed.ns("A")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    bed.must("A", "new", f"KIND name:m9 index:29 link:10 {L2}")
    answers = unprivileged(bed, requests, lambda child: bed.must("A", "set", f"name:m9 nspid:{child}"))
    return {"answers": answers, "links": bed.links("A")}


rows(IPVLAN, "user", {
    "own": ("new kind:dummy name:e0 index:40", f"new KIND name:i1 link:40 {L2}", f"set KIND name:i1 {ip_mode('l3+private')}"),
    "collapse": (f"new KIND name:i1 link:29 {L2}",),
    "lower-of-ours": (f"new KIND name:i1 link:10 {L2}",),
    "change-mode": ("set KIND name:m9 own16:1:1",),
    "change-flags": ("set KIND name:m9 own16:2:1",),
    "change-same": (f"set KIND name:m9 {L2}",),
    "change-wrong": ("set KIND name:m9 own16:1:3",),
    "change-device": ("set name:m9 mtu:1400", "set name:m9 up", "set name:m9 addr:020000000077"),
    "delete": ("del name:m9",),
}, as_user)


@scenario(*IPVLAN)
def reverse_busy(bed):
    """A lower device is nobody else's: bridge, bond, macvlan of the C driver."""
    bed.ns("A")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()}")
    bed.must("A", "new", BRIDGE)
    for command in (*BOND, "modprobe macvlan"):
        bed.run("A", command)
    bed.must("A", "new", NEW)
    seen = {word: bed.raw("A", "set", f"name:d0 master:{index}") for word, index in (("bridge", 90), ("bond", 60))}
    seen["macvlan"] = bed.raw("A", "new", "kind:macvlan name:c0 link:10 data32:1:4")
    bed.must("A", "new", "kind:vrf name:vrf0 index:50 data32:1:10")
    seen["vrf"] = bed.raw("A", "set", "name:d0 master:50")
    seen["vlan"] = bed.raw("A", "new", "kind:vlan name:d0.5 link:10 data16:1:5")
    bed.must("A", "del", "name:i0")
    seen["free-again"] = bed.raw("A", "set", "name:d0 master:90")
    return {**seen, "kinds": kinds(bed)}


@scenario(*IPVLAN)
def reverse_type_change(bed):
    """A tap below may not become something else meanwhile."""
    bed.ns("A")
    with inside("A"), open("/dev/net/tun", "r+b", buffering=0) as tun:
        fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"t0", 0x1002))  # TUNSETIFF, tap

        def settype(number):
            try:
                fcntl.ioctl(tun, 0x400454CD, number)  # TUNSETLINK
                return "OK"
            except OSError as error:
                return error.strerror
        index = bed.link("A", "t0", "index")["index"]
        seen = {"before": settype(1), "add": bed.raw("A", "new", f"KIND name:i0 link:{index} {L2}")}
        seen["with"] = settype(512)
        bed.must("A", "del", "name:i0")
        seen["without"] = settype(512)
        return {**seen, "type": bed.link("A", "t0", "type")}


@scenario(*IPVLAN)
def numbers(bed):
    """The devices' numbers on their port (dev_id): counted on, not used again soon."""
    bed.ns("A", "B")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()}")
    seen = {}

    def number(namespace, device):
        with bed.sysfs(namespace) as top, open(f"{top}/{device}/dev_id", encoding="ascii") as file:
            return file.read().strip()
    for step, where in (("i0", "A"), ("i1", "B"), ("i2", "A")):
        bed.must("A", "new", f"KIND name:{step} link:10 {L2}", B if where == "B" else "")
        seen[step] = number(where, step)
    bed.must("A", "del", "name:i0")
    bed.must("A", "new", f"KIND name:i3 link:10 {L2}")
    seen["after-one-went"] = number("A", "i3")
    bed.raw("A", "new", f"KIND name:a/b link:10 {L2}")
    bed.must("A", "new", f"KIND name:i4 link:10 {L2}")
    seen["after-one-was-refused"] = number("A", "i4")
    bed.must("A", "set", f"name:i4 {B}")
    seen["moved"] = number("B", "i4")
    for name in ("i2", "i3"):
        bed.must("A", "del", "name:" + name)
    for name in ("i1", "i4"):
        bed.must("B", "del", "name:" + name)
    bed.must("A", "new", f"KIND name:i5 link:10 {L2}")
    return {**seen, "on-a-new-port": number("A", "i5"), "lower": number("A", "d0")}


def no_arp(bed, word):
    """When an endpoint stops to resolve addresses: not when it is made, but when it
    comes up, and then whatever it was told."""
    port = IpPort(bed, f"i0:{word}", up=False, addresses=False)
    seen = {"made": bed.link("A", "i0", "flags")}
    for tokens in ("flags:0x80", "up", "clear:0x80", "flags:0x80", "clear:1", "up", "clear:1", "clear:0x80", "up"):
        answer = bed.raw("A", "set", f"name:i0 {tokens}")
        seen[f"{len(seen)}:{tokens}"] = {"answer": answer["errno"], **bed.link("A", "i0", "flags"), "events": bed.events()}
    return {**seen, "port": sorted(port.places)}


rows(IPVLAN, "no-arp", {word: word for word in ("l2", "l3", "l3s")}, no_arp)


@scenario(*IPVLAN)
def ip_command(bed):
    """As people do it: exit status and text of `ip`."""
    bed.ns("A", "B")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    answers = {f"{number:02d} {command}": bed.ip("A", f"link {command}") for number, command in enumerate((
        "add link d0 name i0 type {type} mode l2",
        "add link d0 name i0 type {type} mode l2",
        "add name i1 type {type} mode l2",
        "add link lo name i1 type {type} mode l2",
        "add link d0 name i1 type {type} mode nonsense",
        "add link d0 name i1 type {type} mode l2 private",
        "set i1 type {type} bridge",
        "add link d0 name i2 netns B type {type} mode l2 bridge",
        "set i0 mtu 2000",
        "set i0 address 02:00:00:00:00:77",
        "set i0 carrier off",
        "set i0 up",
        "set i0 type {type} mode l2 vepa",
        "set i1 type {type} vepa",
        "del i0",
    ), 1)}
    return {**answers, "links": bed.links(), "events": bed.events()}


@scenario(*IPVLAN)
def many(bed):
    """A hundred endpoints: names, indexes, and what a dump says."""
    bed.ns("A", "B")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    for number in range(100):
        bed.must("A", "new", f"KIND name:i{number} link:10 {L2} up", B if number % 2 else "", flush=False)
    bed.events()
    seen = {name: {device: [link["index"], link["flags"], link.get("link"), link["linkinfo"]["own"]["mode"]]
                   for device, link in links.items() if device != "d0"} for name, links in bed.links().items()}
    return {**seen, "delete": bed.raw("A", "del", "name:d0"), "left": bed.links()}


@scenario(*IPVLAN)
def queues_of_device(bed):
    """Queues that exist, by default and as asked for."""
    bed.ns("A")
    bed.must("A", "new", "kind:dummy name:d0 index:10")
    bed.must("A", "new", NEW)
    bed.must("A", "new", f"KIND name:i1 link:10 {L2} txq:3 rxq:2")
    seen = {}
    with bed.sysfs("A") as top:
        for device in ("i0", "i1"):
            seen[device] = sorted(os.listdir(f"{top}/{device}/queues"))
    return seen


@scenario(*IPVLAN)
def default_template(bed):
    """What a device is called if nobody says so, as it is."""
    bed.ns("A")
    bed.must("A", "new", "kind:dummy name:d0 index:10")
    bed.must("A", "new", f"KIND link:10 {L2}")
    return {"template": " ".join(sorted({name[:-1] + "%d" for name in bed.links("A")["A"] if name != "d0"}))}


def on_wire(bed, word):
    """The same with a real wire: carrier, indexes, what the far end is told."""
    IpPort(bed)
    answer = bed.raw("A", "new", f"KIND name:i0 index:20 link:10 {ip_mode(word)} up")
    return {"answer": answer, "events": bed.events(), "links": bed.links()}


rows(IPVLAN, "create-on-wire", {word.replace("+", "-"): word for word in ("l2", "l3", "l3s", "l2+private", "l3+vepa")}, on_wire)
