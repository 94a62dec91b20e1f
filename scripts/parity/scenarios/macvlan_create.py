# SPDX-License-Identifier: GPL-2.0
"""Creation of an endpoint: what a request says, what it makes, what it makes known."""

import json
import os
import struct

import nsd
import rtnl
from inside import CLONE_NEWNET, check, libc
from lower import LOWER, Port, macs, mode
from registry import rows, scenario

MACVLAN = ("macvlan", "macvtap")
B = "nsfd:/run/netns/B"
NEW = f"KIND name:m0 link:10 {mode('bridge')}"
SOURCE = f"KIND name:m0 link:10 {mode('source')}"
M1, M2, M3 = "020000007771", "020000007772", "020000007773"
CLONE_NEWUSER = 0x10000000


def create(bed, *requests, spaces="AB", lower="up"):
    """A dummy device d0, index 10, then requests from A: all answers, all links and
    all notifications everywhere."""
    bed.ns(*spaces)
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()}", lower)
    bed.events()
    answers = [bed.raw("A", *request.split(" ", 1)) for request in requests]
    before = {str(number): answer for number, answer in enumerate(answers[:-1], 1)}
    return {"answer": answers[-1], "before": before, "events": bed.events(), "links": bed.links()}


def new(tokens, *before):
    return tuple(f"new {tokens}" for tokens in (*before, tokens))


def source(operation, *tokens):
    return new(f"{SOURCE} own32:3:{operation} {' '.join(tokens)}")


ADD, DEL, FLUSH, SET = range(4)
rows(MACVLAN, "create", {
    "named": new(NEW),
    "mode-default": new("KIND name:m0 link:10"),
    "kind-alone": new(f"KIND link:10 {mode('bridge')}"),
    "kind-alone-twice": new(f"KIND link:10 {mode('bridge')}", f"KIND link:10 {mode('bridge')}"),
    "name-template": new(f"KIND name:x%d link:10 {mode('bridge')}"),
    "name-taken": new(f"KIND name:d0 link:10 {mode('bridge')}"),
    "name-invalid": new(f"KIND name:a/b link:10 {mode('bridge')}"),
    "name-empty": new(f"KIND name0x:00 link:10 {mode('bridge')}"),
    "name-too-long": new(f"KIND name:abcdefghijklmnop link:10 {mode('bridge')}"),
    "name-taken-elsewhere": new(f"KIND name:lo link:10 {mode('bridge')} {B}"),
    "replace": ("new " + NEW, f"replace {NEW}"),
    "replace-other-mode": ("new " + NEW, f"replace KIND name:m0 link:10 {mode('vepa')}"),
    # --- the lower device ---
    "no-link": new(f"KIND name:m0 {mode('bridge')}"),
    "link-unknown": new(f"KIND name:m0 link:99 {mode('bridge')}"),
    "link-0": new(f"KIND name:m0 link:0 {mode('bridge')}"),
    "link-negative": new(f"KIND name:m0 link:4294967295 {mode('bridge')}"),
    "link-short": new(f"KIND name:m0 attr:5:0a {mode('bridge')}"),
    "link-itself": new(f"KIND name:m0 index:20 link:20 {mode('bridge')}"),
    "lower-lo": new(f"KIND name:m0 link:1 {mode('bridge')}"),
    "lower-bridge": new(f"KIND name:m0 link:90 {mode('bridge')}", "kind:bridge name:br0 index:90 addr:020000000090 data:23:00"),
    "lower-bridge-port": ("new kind:bridge name:br0 index:90 addr:020000000090 data:23:00", "set name:d0 master:90", "new " + NEW),
    "lower-vlan": new(f"KIND name:m0 link:50 {mode('bridge')}", "kind:vlan name:d0.5 index:50 link:10 data16:1:5"),
    "lower-vlan-up": new(f"KIND name:m0 link:50 {mode('bridge')} up", "kind:vlan name:d0.5 index:50 link:10 data16:1:5 up"),
    "lower-vrf": new(f"KIND name:m0 link:50 {mode('bridge')}", "kind:vrf name:vrf0 index:50 data32:1:10"),
    "lower-vrf-port": ("new kind:vrf name:vrf0 index:50 data32:1:10", "set name:d0 master:50", "new " + NEW),
    "lower-own": new(f"KIND name:m1 index:21 link:20 {mode('bridge')}", f"KIND name:m0 index:20 link:10 {mode('bridge')}"),
    "lower-own-of-own": new(f"KIND name:m2 index:22 link:21 {mode('vepa')}", f"KIND name:m0 index:20 link:10 {mode('bridge')}",
                            f"KIND name:m1 index:21 link:20 {mode('bridge')}"),
    "lower-own-passthru": new(f"KIND name:m1 index:21 link:20 {mode('bridge')}", f"KIND name:m0 index:20 link:10 {mode('passthru')}"),
    "lower-own-mtu": new(f"KIND name:m1 index:21 link:20 {mode('bridge')}",
                         f"KIND name:m0 index:20 link:10 {mode('bridge')} mtu:1000"),
    "lower-used-by-vlan": new(NEW, "kind:vlan name:d0.5 index:50 link:10 data16:1:5"),
    # --- modes and flags ---
    **{f"mode-{word}": new(f"KIND name:m0 link:10 {mode(word)}") for word in ("private", "vepa", "passthru", "source")},
    **{f"mode-number-{number}": new(f"KIND name:m0 link:10 own32:1:{number}") for number in (0, 3, 5, 6, 17, 32, 4294967295)},
    "mode-3-bytes": new("KIND name:m0 link:10 own:1:040000"),
    "mode-5-bytes": new("KIND name:m0 link:10 own:1:0400000000"),
    "mode-empty": new("KIND name:m0 link:10 own:1:"),
    "mode-twice": new(f"KIND name:m0 link:10 {mode('bridge')} {mode('private')}"),
    **{f"flags-{number}": new(f"{NEW} own16:2:{number}") for number in (0, 1, 2, 3, 4, 32768)},
    "flags-1-byte": new(f"{NEW} own:2:01"),
    "flags-4-bytes": new(f"{NEW} own:2:01000000"),
    "flags-nodst-source": new(f"{SOURCE} own16:2:2"),
    "flags-nopromisc-passthru": new(f"KIND name:m0 link:10 {mode('passthru')} own16:2:1"),
    # --- source addresses ---
    "macaddr-mode-in-bridge": new(f"{NEW} own32:3:2"),
    "macaddr-mode-in-default": new("KIND name:m0 link:10 own32:3:2"),
    "macaddr-mode-4": source(4),
    "macaddr-mode-short": new(f"{SOURCE} own:3:00"),
    "macaddr-without-mode": new(f"{SOURCE} own:4:{M1}"),
    "macaddr-data-without-mode": new(f"{SOURCE} {macs(M1)}"),
    "macaddr-in-bridge": new(f"{NEW} own:4:{M1}"),
    "macaddr-add": source(ADD, f"own:4:{M1}"),
    "macaddr-add-nothing": source(ADD),
    "macaddr-add-data": source(ADD, macs(M1)),
    "macaddr-add-and-data": source(ADD, f"own:4:{M1}", macs(M2)),
    "macaddr-del": source(DEL, f"own:4:{M1}"),
    "macaddr-del-nothing": source(DEL),
    "macaddr-flush": source(FLUSH),
    "macaddr-set": source(SET, f"own:4:{M1}"),
    "macaddr-set-nothing": source(SET),
    "macaddr-set-data": source(SET, macs(M1, M2, M3)),
    "macaddr-set-both": source(SET, f"own:4:{M1}", macs(M2, M3)),
    "macaddr-set-twice-the-same": source(SET, f"own:4:{M1}", macs(M1, M2, M2)),
    "macaddr-set-empty-data": source(SET, "own:5:"),
    "macaddr-5-bytes": source(ADD, "own:4:0200000077"),
    "macaddr-7-bytes": source(ADD, "own:4:02000000777100"),
    "macaddr-32-bytes": source(ADD, "own:4:" + "02" * 32),
    "macaddr-33-bytes": source(ADD, "own:4:" + "02" * 33),
    "macaddr-multicast": source(ADD, "own:4:010000000001"),
    "macaddr-broadcast": source(ADD, "own:4:ffffffffffff"),
    "macaddr-zero": source(ADD, "own:4:000000000000"),
    "macaddr-multicast-in-bridge": new(f"{NEW} own:4:010000000001"),
    "macaddr-of-lower": source(ADD, f"own:4:{LOWER.hex()}"),
    "macaddr-data-short": source(SET, "own:5:090004000200000077"),
    "macaddr-data-long": source(SET, "own:5:0b00040002000000777100"),
    "macaddr-data-other-attribute": source(SET, "own:5:0a000300020000007771"),
    "macaddr-data-multicast": source(SET, macs(M1, "010000000001")),
    "macaddr-data-zero": source(SET, macs(M1, "000000000000")),
    "macaddr-data-nested-flag": source(SET, "own:32773:0a000400020000007771"),
    "macaddr-data-trailing": source(SET, "own:5:0a00040002000000777100000a00"),
    "macaddr-data-cut": source(SET, "own:5:0a0004000200"),
    "macaddr-count": new(f"{SOURCE} own32:6:1"),
    "macaddr-count-short": new(f"{SOURCE} own:6:01"),
    # --- the queue ---
    **{f"queue-{number}": new(f"{NEW} own32:7:{number}") for number in (0, 1, 1000, 1001, 4294967295)},
    "queue-short": new(f"{NEW} own:7:010000"),
    "queue-used": new(f"{NEW} own32:8:5"),
    "queue-used-empty": new(f"{NEW} own:8:"),
    **{f"cutoff-{number}": new(f"{NEW} own32:9:{number}") for number in (-2147483648, -1, 0, 1, 2, 2147483647)},
    "cutoff-short": new(f"{NEW} own:9:0100"),
    "unknown-10": new(f"{NEW} own32:10:1"),
    "unknown-99": new(f"{NEW} own:99:00"),
    "unknown-0": new(f"{NEW} own:0:00"),
    # --- the first failure counts ---
    "wrong-address-and-mode": new("KIND name:m0 link:10 addr:010000000001 own32:1:3"),
    "wrong-flags-and-mode": new("KIND name:m0 link:10 own32:1:3 own16:2:4"),
    "wrong-mode-and-macaddr": new("KIND name:m0 link:10 own32:1:3 own:4:010000000001"),
    "wrong-macaddr-and-data": new(f"{SOURCE} own:4:000000000000 own:5:090004000200000077"),
    "wrong-data-and-count": new(f"{SOURCE} own:5:090004000200000077 own32:6:1"),
    "wrong-mode-and-link": new("KIND name:m0 link:99 own32:1:3"),
    "wrong-mtu-and-link": new(f"KIND name:m0 link:99 mtu:67 {mode('bridge')}"),
    "wrong-mtu-and-lower": new(f"KIND name:m0 link:1 mtu:70000 {mode('bridge')}"),
    # --- addresses ---
    "address": new(f"{NEW} addr:020000000021"),
    "address-universal": new(f"{NEW} addr:001122334455"),
    "address-multicast": new(f"{NEW} addr:010000000001"),
    "address-zero": new(f"{NEW} addr:000000000000"),
    "address-broadcast": new(f"{NEW} addr:ffffffffffff"),
    "address-5-bytes": new(f"{NEW} addr:0200000000"),
    "address-7-bytes": new(f"{NEW} addr:02000000000001"),
    "address-7-bytes-no-data": new("KIND name:m0 link:10 addr:02000000000001"),
    "address-of-lower": new(f"{NEW} addr:{LOWER.hex()}"),
    "address-of-lower-up": new(f"{NEW} addr:{LOWER.hex()} up"),
    "address-of-sibling": new(f"{NEW} addr:020000000021", f"KIND name:m1 link:10 addr:020000000021 {mode('bridge')} up"),
    "address-of-sibling-up": new(f"{NEW} addr:020000000021 up", f"KIND name:m1 link:10 addr:020000000021 {mode('bridge')} up"),
    "address-of-sibling-down-up": new(f"{NEW} addr:020000000021 up", f"KIND name:m1 link:10 addr:020000000021 {mode('bridge')}"),
    "address-of-passthru": new(f"KIND name:m0 link:10 addr:020000000021 {mode('passthru')}"),
    "address-of-passthru-up": new(f"KIND name:m0 link:10 addr:020000000021 {mode('passthru')} up"),
    "broadcast-address": new(f"{NEW} attr:2:020000000077"),
    # --- other attributes ---
    **{f"mtu-{number}": new(f"{NEW} mtu:{number}") for number in (0, 67, 68, 1499, 1500, 1501, 65535, 65536, 4294967295)},
    "mtu-of-larger-lower": ("set name:d0 mtu:70000", "new " + NEW),
    "mtu-of-larger-lower-70000": ("set name:d0 mtu:70000", f"new {NEW} mtu:70000"),
    "mtu-of-larger-lower-65535": ("set name:d0 mtu:70000", f"new {NEW} mtu:65535"),
    "mtu-of-tiny-lower": ("set name:d0 mtu:10", "new " + NEW),
    "attributes": new(f"{NEW} txqlen:77 group:5 gsomax:30000 gsosegs:20 gromax:20000"),
    "index": new(f"{NEW} index:70"),
    "index-taken": new(f"{NEW} index:10"),
    "index-negative": new(f"{NEW} index:-1"),
    "queues": new(f"{NEW} txq:4 rxq:3"),
    "queues-0": new(f"{NEW} txq:0"),
    "queues-4097": new(f"{NEW} rxq:4097"),
    "up": new(f"{NEW} up"),
    "flags-of-device": new(f"{NEW} flags:0x380"),
    "flags-of-device-up": new(f"{NEW} up flags:0x300"),
    "protodown": new(f"{NEW} attr:39:01"),
    "carrier": new(f"{NEW} attr:33:00"),
    "operstate-linkmode": new(f"{NEW} attr:16:05 attr:17:01"),
    "alias": new(f"{NEW} attr:20:6869"),
    "master": new(f"{NEW} master:90", "kind:bridge name:br0 index:90 addr:020000000090 data:23:00"),
    "master-unknown": new(f"{NEW} master:91"),
    "vf-info": new(f"{NEW} attr:22:"),
    # --- passthru is alone ---
    "passthru-then-bridge": new(f"KIND name:m1 link:10 {mode('bridge')}", f"KIND name:m0 link:10 {mode('passthru')}"),
    "passthru-then-passthru": new(f"KIND name:m1 link:10 {mode('passthru')}", f"KIND name:m0 link:10 {mode('passthru')}"),
    "bridge-then-passthru": new(f"KIND name:m1 link:10 {mode('passthru')}", NEW),
    "passthru-then-source": new(f"KIND name:m1 link:10 {mode('source')} own32:3:0 own:4:{M1}", f"KIND name:m0 link:10 {mode('passthru')}"),
    "passthru-with-macaddr-mode": new(f"KIND name:m0 link:10 {mode('passthru')} own32:3:2"),
    # --- several ---
    "two": new(f"KIND name:m1 index:21 link:10 {mode('vepa')}", NEW),
    "two-queues": new(f"KIND name:m1 index:21 link:10 {mode('bridge')} own32:7:2000", f"{NEW} own32:7:10"),
    "two-cutoffs": new(f"KIND name:m1 index:21 link:10 {mode('bridge')} own32:9:7", f"{NEW} own32:9:3"),
    "two-last-has-no-queue": new(f"KIND name:m1 index:21 link:10 {mode('bridge')} own32:7:0", f"{NEW} own32:7:0"),
    # --- what a refused one leaves behind ---
    "refused-name-with-cutoff": new(f"KIND name:a/b link:10 {mode('bridge')} own32:9:9", NEW),
    "refused-up-with-cutoff": new(f"KIND name:m1 link:10 {mode('bridge')} own32:9:9 own32:7:5000 addr:{LOWER.hex()} up", NEW),
    "refused-name-with-sources": new(NEW, f"KIND name:a/b link:10 {mode('source')} own32:3:3 {macs(M1, M2)}"),
    "refused-name-passthru": new(NEW, f"KIND name:a/b link:10 {mode('passthru')}"),
    "refused-sources-passthru": new(NEW, f"KIND name:m0 link:10 {mode('passthru')} own32:3:2"),
    "refused-up": ("new " + f"{NEW} addr:{LOWER.hex()} up", "set name:d0 master:90", "new kind:bridge name:br0 index:90 data:23:00",
                   "set name:d0 master:90"),
}, create)
rows(MACVLAN, "create-lower-down", {
    "named": new(NEW), "up": new(f"{NEW} up"), "passthru-up": new(f"KIND name:m0 link:10 {mode('passthru')} up"),
}, lambda bed, *requests: create(bed, *requests, lower=""))


def prepared(bed, commands, tokens, *after):
    """Lower devices that take a program to make."""
    bed.ns("A", "B")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()}")
    for command in commands:
        done = bed.run("A", command)
        if done["status"]:
            raise RuntimeError(f"{command}: {done}")
    bed.events()
    seen = {}
    seen["answer"] = bed.raw("A", "new", tokens)
    seen |= {command: bed.raw("A", *command.split(" ", 1)) for command in after}
    return {**seen, "events": bed.events(), "kinds": kinds(bed)}


def kinds(bed):
    return {name: link["linkinfo"]["kind"] + " on " + link.get("link", "-") for name, link in bed.links("A")["A"].items()}


BOND = ("modprobe bonding max_bonds=0", "ip link add bond0 index 60 type bond mode active-backup")
C_MACVLAN = "ip link add link d0 name c0 index 60 type macvlan mode bridge"
rows(MACVLAN, "create-lower", {
    "bond-slave": ((*BOND, "ip link set d0 master bond0"), NEW),
    "bond": ((*BOND, "ip link set d0 master bond0"), f"KIND name:m0 link:60 {mode('bridge')}"),
    # The C driver's own, also for rnetvirt.
    "c-macvlan": ((C_MACVLAN,), f"KIND name:m0 link:60 {mode('bridge')}"),
    "used-by-c-macvlan": ((C_MACVLAN,), NEW),
    "ipvlan": (("modprobe ipvlan", "ip link add link d0 name i0 index 60 type ipvlan"), f"KIND name:m0 link:60 {mode('bridge')}"),
    "ipvlan-port": (("modprobe ipvlan", "ip link add link d0 name i0 index 60 type ipvlan"), NEW),
    "c-macvtap": (("modprobe macvtap", "ip link add link d0 name t0 index 60 type macvtap mode bridge"),
                  f"KIND name:m0 link:60 {mode('bridge')}"),
    "ifb": (("modprobe ifb numifbs=0", "ip link add i0 index 60 type ifb"), f"KIND name:m0 link:60 {mode('bridge')}"),
}, prepared)


@scenario(*MACVLAN)
def create_lower_tun(bed):
    """A device without Ethernet below."""
    bed.ns("A")
    made = bed.run("A", "ip tuntap add dev t0 mode tun")["status"]
    index = bed.link("A", "t0", "index", "type") if not made else "absent"
    answer = bed.raw("A", "new", f"KIND name:m0 link:{index['index']} {mode('bridge')}")
    return {"made": made, "type": index["type"], "answer": answer, "names": sorted(bed.links("A")["A"])}


# --- namespaces ------------------------------------------------------------------------


def placed(bed, tokens, lower="B", caller="A", what=f"KIND name:m0 {mode('bridge')}"):
    """A dummy d0, index 10, in one namespace; requests from A, which knows B as 5 and
    C as 6."""
    bed.ns("A", "B", "C")
    for namespace in "AB":
        for name, number in (("B", 5), ("C", 6)):
            bed.ip(namespace, f"netns set {name} {number}")
    bed.must(lower, "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    bed.events()
    answer = bed.raw(caller, "new", what, tokens)
    seen = {"answer": answer, "events": bed.events(), "links": bed.links()}
    for namespace in "ABC":
        with bed.sysfs(namespace) as top:
            seen[f"sysfs-{namespace}"] = {device: sorted(name for name in os.listdir(f"{top}/{device}")
                                                         if name.startswith(("upper_", "lower_")))
                                          for device in sorted(os.listdir(top)) if device in ("d0", "m0")}
    return seen


rows(MACVLAN, "netns", {
    "target": (f"link:10 {B}", "A"),
    "target-up": (f"link:10 {B} up", "A"),
    "target-with-lower-there": (f"link:10 {B}", "B"),
    "link-netnsid": ("link:10 linknsid:5",),
    "link-netnsid-up": ("link:10 linknsid:5 up",),
    "link-netnsid-lower-here": ("link:10 linknsid:5", "A"),
    "link-netnsid-unknown": ("link:10 linknsid:77",),
    "link-netnsid-and-target": ("link:10 linknsid:5 nsfd:/run/netns/C",),
    "link-netnsid-and-target-there": (f"link:10 linknsid:5 {B}",),
    "target-netnsid": ("link:10 attr:46:05000000", "A"),
    "target-bad": ("link:10 nsfd:/dev/null", "A"),
    "name-taken-there": (f"name:d0 link:10 linknsid:5 {B}",),
}, placed)


@scenario(*MACVLAN)
def netns_collapse(bed):
    """On an endpoint whose lower device is elsewhere."""
    bed.ns("A", "B", "C")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    bed.must("A", "new", f"{NEW} index:20 {B}")
    bed.events()
    answer = bed.raw("B", "new", f"KIND name:m1 index:21 link:20 {mode('bridge')} up")
    return {"answer": answer, "events": bed.events(), "links": bed.links()}


def as_user(bed, *requests):
    """Requests by the root of a user namespace, in its own network namespace, where
    m9, index 29, is; its lower device d0 is in A."""
    bed.ns("A")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    bed.must("A", "new", f"KIND name:m9 index:29 addr:020000000029 link:10 {mode('source')}")
    answers = unprivileged(bed, requests, lambda child: bed.must("A", "set", f"name:m9 nspid:{child}"))
    return {"answers": answers, "links": bed.links("A")}


def unprivileged(bed, requests, prepare):
    reading, writing = os.pipe()
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        try:
            check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNET))
            for file, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
                with open(f"/proc/self/{file}", "w", encoding="ascii") as out:
                    out.write(text)
            # What it says by itself, and when, would be in the counters.
            nsd.ipv6("off")
            os.write(ready[1], b"x")
            os.read(go[0], 1)
            answers = []
            with rtnl.Netlink() as netlink:
                for request in requests:
                    operation, tokens = request.split(" ", 1)
                    error, text, _ = netlink.request(operation, rtnl.build(bed.tokens(tokens)[0]))
                    answers.append(rtnl.result(error, text))
                links = [dict(link, data="") for link in netlink.dump() if link["name"] == "m9"]
            os.write(writing, json.dumps([answers, len(links)]).encode())
        finally:
            os._exit(0)
    for descriptor in (writing, ready[1], go[0]):
        os.close(descriptor)
    os.read(ready[0], 1)
    prepare(child)
    os.write(go[1], b"x")
    text = b""
    while part := os.read(reading, 65536):
        text += part
    for descriptor in (reading, ready[0], go[1]):
        os.close(descriptor)
    os.waitpid(child, 0)
    answers, number = json.loads(text)
    return {"present": number, **{str(n): dict(zip(("errno", "text"), (*answer.split(" ", 1), ""))) for n, answer in
                                  enumerate(answers, 1)}}


DUMMY = "new kind:dummy name:e0 index:40"
rows(MACVLAN, "user", {
    "queue-1000": (DUMMY, f"new KIND name:m1 link:40 {mode('bridge')} own32:7:1000"),
    "queue-1001": (DUMMY, f"new KIND name:m1 link:40 {mode('bridge')} own32:7:1001"),
    "queue-1001-wrong-flags": (DUMMY, f"new KIND name:m1 link:40 {mode('bridge')} own32:7:1001 own16:2:4"),
    "collapse": (f"new KIND name:m1 link:29 {mode('bridge')}",),
    "change-queue": ("set KIND name:m9 own32:7:10",),
    "change-queue-1001": ("set KIND name:m9 own32:7:1001",),
    "change-cutoff": ("set KIND name:m9 own32:9:10",),
    "change-cutoff-and-mode": (f"set KIND name:m9 own32:9:10 {mode('bridge')}", "set KIND name:m9 own32:3:2"),
    "change-mode-flags": (f"set KIND name:m9 {mode('bridge')} own16:2:1",),
    "change-sources": (f"set KIND name:m9 own32:3:0 own:4:{M1}",),
    "lower-of-ours": ("new KIND name:m1 link:10",),
}, as_user)


# --- several ways ------------------------------------------------------------------------


@scenario(*MACVLAN)
def reverse_busy(bed):
    """A lower device is nobody else's: bridge, bond, ipvlan."""
    bed.ns("A")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()}")
    bed.must("A", "new", "kind:bridge name:br0 index:90 addr:020000000090 data:23:00")
    for command in (*BOND, "modprobe ipvlan"):
        bed.run("A", command)
    bed.must("A", "new", NEW)
    seen = {word: bed.raw("A", "set", f"name:d0 master:{index}") for word, index in (("bridge", 90), ("bond", 60))}
    seen["ipvlan"] = bed.raw("A", "new", "kind:ipvlan name:i0 link:10 data16:1:0")
    bed.must("A", "new", "kind:vrf name:vrf0 index:50 data32:1:10")
    seen["vrf"] = bed.raw("A", "set", "name:d0 master:50")
    seen["vlan"] = bed.raw("A", "new", "kind:vlan name:d0.5 link:10 data16:1:5")
    bed.must("A", "del", "name:m0")
    seen["free-again"] = bed.raw("A", "set", "name:d0 master:90")
    return {**seen, "kinds": kinds(bed)}


@scenario(*MACVLAN)
def reverse_type_change(bed):
    """A tap below may not become something else meanwhile."""
    import fcntl
    from inside import inside
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
        seen = {"before": settype(1), "add": bed.raw("A", "new", f"KIND name:m0 link:{index} {mode('bridge')}")}
        seen["with"] = settype(512)
        bed.must("A", "del", "name:m0")
        seen["without"] = settype(512)
        return {**seen, "type": bed.link("A", "t0", "type")}


@scenario(*MACVLAN)
def ip_command(bed):
    """As people do it: exit status and text of `ip`."""
    bed.ns("A", "B")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    answers = {f"{number:02d} {command}": bed.ip("A", f"link {command}") for number, command in enumerate((
        "add link d0 name m0 type {type} mode bridge",
        "add link d0 name m0 type {type} mode bridge",
        "add name m1 type {type} mode bridge",
        "add link lo name m1 type {type} mode bridge",
        "add link d0 name m1 type {type} mode nonsense",
        "add link d0 name m1 type {type} mode passthru",
        "add link d0 name m1 type {type} mode source macaddr set 02:00:00:00:77:71 02:00:00:00:77:72",
        "set m1 type {type} macaddr add 02:00:00:00:77:73",
        "set m1 type {type} macaddr del 02:00:00:00:77:71",
        "set m1 type {type} macaddr flush",
        "set m0 type {type} macaddr flush",
        "set m0 type {type} mode private bcqueuelen 5",
        "set m0 type {type} mode passthru",
        "add link d0 name m2 netns B type {type} mode vepa bcqueuelen 7",
        "set m0 mtu 2000",
        "set m0 address 02:00:00:00:00:01",
        "set m0 carrier off",
        "set m0 up",
        "del m0",
    ), 1)}
    return {**answers, "links": bed.links(), "events": bed.events()}


@scenario(*MACVLAN)
def many(bed):
    """A hundred endpoints: names, indexes, and what a dump says."""
    bed.ns("A", "B")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()} up")
    for number in range(100):
        bed.must("A", "new", f"KIND name:m{number} link:10 {mode('bridge')} up", B if number % 2 else "", flush=False)
    bed.events()
    seen = {name: {device: [link["index"], link["flags"], link.get("link"), link["linkinfo"]["own"]["bc_queue_len_used"]]
                   for device, link in links.items() if device != "d0"} for name, links in bed.links().items()}
    return {**seen, "delete": bed.raw("A", "del", "name:d0"), "left": bed.links()}


@scenario(*MACVLAN)
def queues_of_device(bed):
    """Queues that exist, by default and as asked for."""
    bed.ns("A")
    bed.must("A", "new", "kind:dummy name:d0 index:10")
    bed.must("A", "new", NEW)
    bed.must("A", "new", f"KIND name:m1 link:10 {mode('bridge')} txq:3 rxq:2")
    seen = {}
    with bed.sysfs("A") as top:
        for device in ("m0", "m1"):
            seen[device] = sorted(os.listdir(f"{top}/{device}/queues"))
    return seen


@scenario(*MACVLAN)
def default_template(bed):
    """What a device is called if nobody says so, as it is."""
    bed.ns("A")
    bed.must("A", "new", "kind:dummy name:d0 index:10")
    bed.must("A", "new", f"KIND link:10 {mode('bridge')}")
    return {"template": " ".join(sorted({name[:-1] + "%d" for name in bed.links("A")["A"] if name != "d0"}))}


def on_wire(bed, tokens):
    """The same with a real wire: carrier, indexes, what the far end is told."""
    Port(bed)
    answer = bed.raw("A", "new", "KIND name:m0 index:20 addr:020000000020 link:10", tokens)
    return {"answer": answer, "events": bed.events(), "links": bed.links()}


rows(MACVLAN, "create-on-wire", {word: f"{mode(word)} up" for word in ("private", "vepa", "bridge", "passthru", "source")},
     on_wire)
