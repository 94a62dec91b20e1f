# SPDX-License-Identifier: GPL-2.0
"""Creation of a pair: what a request says, what it makes, what it makes known."""

import pathlib
import subprocess

from inside import inside
from registry import rows, scenario

VETH = ("veth",)
B = "nsfd:/run/netns/B"
C = "nsfd:/run/netns/C"


def create(bed, *requests, spaces="AB"):
    """Requests from A, then all links and all notifications everywhere."""
    bed.ns(*spaces)
    answers = [bed.raw("A", *request.split(" ", 1)) for request in requests]
    return {"answer": answers[-1], "before": answers[:-1], "events": bed.events(), "links": bed.links()}


def new(tokens, *before):
    return tuple(f"new {tokens}" for tokens in (*before, tokens))


rows(VETH, "create", {
    "named": new("KIND name:v0 peer name:v1 end"),
    "kind-alone": new("kind:{kind} name:v0 peer name:v1 end"),
    "default-names": new("KIND"),
    "default-names-twice": new("KIND", "KIND"),
    "default-peer-name": new("KIND name:v0"),
    "name-template": new("KIND name:x%d peer name:y%d end"),
    "same-template": new("KIND name:x%d peer name:x%d end"),
    "same-name": new("KIND name:v0 peer name:v0 end"),
    "same-name-other-netns": new(f"KIND name:v0 peer name:v0 {B} end"),
    "name-taken": new("KIND name:v0 peer name:w1 end", "KIND name:v0 peer name:v1 end"),
    "peer-name-taken": new("KIND name:w0 peer name:v1 end", "KIND name:v0 peer name:v1 end"),
    "name-invalid": new("KIND name:a/b peer name:v1 end"),
    "peer-name-invalid": new("KIND name:v0 peer name:a/b end"),
    "name-empty": new("KIND name0x:00 peer name:v1 end"),
    "name-too-long": new("KIND name:abcdefghijklmnop peer name:v1 end"),
    "peer-name-too-long": new("KIND name:v0 peer name:abcdefghijklmnop end"),
    "attributes-for-both": new("KIND name:v0 mtu:1400 txqlen:77 group:5 gsomax:30000 gsosegs:20 gromax:20000"),
    "attributes-of-each": new("KIND name:v0 mtu:1400 txqlen:77 group:5 peer name:v1 mtu:2000 txqlen:88 group:6 end"),
    "outer-attributes-with-peer": new("KIND name:v0 mtu:1400 txqlen:77 peer name:v1 end"),
    "addresses": new("KIND name:v0 addr:020000000001 peer name:v1 addr:020000000002 end"),
    "address-without-peer": new("KIND name:v0 addr:020000000001"),
    "address-of-peer-only": new("KIND name:v0 peer name:v1 addr:020000000002 end"),
    "address-universal": new("KIND name:v0 addr:001122334455 peer name:v1 end"),
    "address-multicast": new("KIND name:v0 addr:010000000001 peer name:v1 end"),
    "address-zero": new("KIND name:v0 addr:000000000000 peer name:v1 end"),
    "address-broadcast": new("KIND name:v0 addr:ffffffffffff peer name:v1 end"),
    "address-5-bytes": new("KIND name:v0 addr:0200000000 peer name:v1 end"),
    "address-7-bytes": new("KIND name:v0 addr:02000000000001 peer name:v1 end"),
    "peer-address-multicast": new("KIND name:v0 peer name:v1 addr:010000000001 end"),
    "peer-address-5-bytes": new("KIND name:v0 peer name:v1 addr:0200000000 end"),
    "mtu-67": new("KIND name:v0 mtu:67 peer name:v1 end"),
    "mtu-68": new("KIND name:v0 mtu:68 peer name:v1 end"),
    "mtu-65535": new("KIND name:v0 mtu:65535 peer name:v1 end"),
    "mtu-65536": new("KIND name:v0 mtu:65536 peer name:v1 end"),
    "mtu-negative": new("KIND name:v0 mtu:4294967295 peer name:v1 end"),
    "mtu-0": new("KIND name:v0 mtu:0 peer name:v1 end"),
    "peer-mtu-67": new("KIND name:v0 peer name:v1 mtu:67 end"),
    "peer-mtu-65536": new("KIND name:v0 peer name:v1 mtu:65536 end"),
    "indexes": new("KIND name:v0 index:70 peer name:v1 index:80 end"),
    "index-of-peer-only": new("KIND name:v0 peer name:v1 index:80 end"),
    "index-taken": new("KIND name:w0 index:70 peer name:w1 end", "KIND name:v0 index:70 peer name:v1 end"),
    "peer-index-taken": new("KIND name:w0 index:71 peer name:w1 index:80 end",
                            "KIND name:v0 index:70 peer name:v1 index:80 end"),
    "peer-index-negative": new("KIND name:v0 peer name:v1 index:-1 end"),
    "index-negative": new("KIND name:v0 index:-1 peer name:v1 end"),
    "up": new("KIND name:v0 up peer name:v1 end"),
    "peer-up": new("KIND name:v0 peer name:v1 up end"),
    "flags": new("KIND name:v0 flags:0x180 peer name:v1 flags:0x280 end"),
    "peer-15-bytes": new("KIND name:v0 peerlen:15"),
    "peer-16-bytes": new("KIND name:v0 peerlen:16"),
    "peer-not-nested": new("KIND name:v0 peerflat name:v1 end"),
    "unknown-data": new("KIND data:99:00 name:v0 peer name:v1 end"),
    "exists": new("KIND name:v0 peer name:w1 end", "KIND name:v0 peer name:v1 end"),
    "replace": ("new KIND name:v0 peer name:v1 end", "replace KIND name:v0 peer name:w1 end"),
    "queues-0": new("KIND name:v0 txq:0 peer name:v1 end"),
    "queues-4097": new("KIND name:v0 rxq:4097 peer name:v1 end"),
    "broadcast-address": new("KIND name:v0 attr:2:020000000077 peer name:v1 attr:2:020000000088 end"),
    "operstate-linkmode": new("KIND name:v0 attr:16:05 attr:17:01 peer name:v1 attr:17:01 end"),
    "gso-too-large": new("KIND name:v0 gsomax:524281 peer name:v1 end"),
    "gso-segs-too-many": new("KIND name:v0 gsosegs:65536 peer name:v1 end"),
    "gso-limits": new("KIND name:v0 gsomax:100000 gsosegs:30 gromax:70000 peer name:v1 gsomax:524280 end"),
    "map": new("KIND name:v0 attr:14:" + "00" * 32 + " peer name:v1 end"),
    "protinfo": new("KIND name:v0 attr:12:00 peer name:v1 end"),
    "ignored": new("KIND name:v0 attr:20:6869 attr:33:01 attr:39:01 peer name:v1 attr:20:6869 attr:33:01 end"),
    "master": ("new kind:bridge name:br0 index:90", "new KIND name:v0 attr:10:5a000000 peer name:v1 attr:10:5a000000 end"),
    "master-unknown": new("KIND name:v0 attr:10:5b000000 peer name:v1 end"),
    "netns-bad": new("KIND name:v0 nsfd:/dev/null peer name:v1 end"),
    "peer-netns-bad": new("KIND name:v0 peer name:v1 nsfd:/dev/null end"),
    "netns-twice": new(f"KIND name:v0 {B} nspid:1 peer name:v1 end"),
    "link-netnsid-unknown": new("KIND name:v0 linknsid:77 peer name:v1 end"),
}, create)


def placed(bed, tokens):
    """Where both ends go: A and B have numbers for B and C."""
    bed.ns("A", "B", "C")
    for namespace in "AB":
        for name, number in (("B", 5), ("C", 6)):
            bed.ip(namespace, f"netns set {name} {number}")
    answer = bed.raw("A", "new", "KIND name:v0", tokens)
    return {"answer": answer, "events": bed.events(), "links": bed.links()}


rows(VETH, "netns", {
    "outer": f"{B}",
    "outer-with-peer": f"{B} peer name:v1 end",
    "link-netnsid": "linknsid:6",
    "link-netnsid-with-peer": "linknsid:6 peer name:v1 end",
    "outer-and-link-netnsid": f"{B} linknsid:6",
    "outer-and-link-netnsid-with-peer": f"{B} linknsid:6 peer name:v1 end",
    "peer": f"peer name:v1 {C} end",
    "outer-link-netnsid-and-peer": f"{B} linknsid:5 peer name:v1 {C} end",
    "target-netnsid": "attr:46:05000000 peer name:v1 end",
    "peer-up-elsewhere": f"peer name:v1 {B} up end",
    "peer-name-taken-elsewhere": f"peer name:lo {B} end",
}, placed)


@scenario("veth")
def netns_of_a_process(bed):
    """The peer's namespace by a process that is in it."""
    bed.ns("A", "B")
    with inside("B"):
        process = subprocess.Popen(["sleep", "100"])
    bed.processes.append(process)
    answer = bed.raw("A", "new", f"KIND name:v0 peer name:v1 nspid:{process.pid} end")
    return {"answer": answer, "links": bed.links()}


def queues(bed, tokens):
    """Allocated and active queues of both ends."""
    bed.ns("A")
    answer = bed.raw("A", "new", "KIND name:v0", tokens)
    seen = {"answer": answer}
    with bed.sysfs("A") as top:
        for device in ("v0", "v1"):
            seen[device] = sorted(path.name for path in pathlib.Path(top, device, "queues").glob("*"))
    seen["links"] = {device: bed.link("A", device, "txq", "rxq") for device in ("v0", "v1")}
    return seen


rows(VETH, "queues", {
    "default": "peer name:v1 end",
    "outer-tx": "txq:4 peer name:v1 end",
    "outer-rx": "rxq:3 peer name:v1 end",
    "peer-both": "peer name:v1 txq:4 rxq:3 end",
    "both": "txq:2 rxq:3 peer name:v1 txq:4 rxq:5 end",
}, queues)


@scenario("veth")
def queues_without_peer(bed):
    bed.ns("A")
    answer = bed.raw("A", "new", "KIND name:v0 txq:3 rxq:2")
    found = bed.links("A")["A"]
    return {"answer": answer, "queues": [f"{link['txq']} {link.get('rxq')}" for link in found.values()]}


@scenario("veth")
def default_template(bed):
    """What a device is called if nobody says so, as it is."""
    bed.ns("A")
    bed.must("A", "new", "KIND")
    return {"template": " ".join(sorted({name[:-1] + "%d" for name in bed.links("A")["A"]}))}


@scenario("veth")
def link_attribute(bed):
    """IFLA_LINK, which a pair has no use for."""
    bed.ns("A")
    bed.must("A", "new", "kind:dummy name:d0 index:90")
    return {"answer": bed.raw("A", "new", "KIND name:v0 attr:5:5a000000 peer name:v1 end")}


@scenario("veth")
def ip_command(bed):
    """As people do it: exit status and text of `ip`."""
    bed.ns("A", "B")
    return {
        "add": bed.ip("A", "link add v0 type {type} peer name v1 netns B"),
        "again": bed.ip("A", "link add v0 type {type} peer name w1"),
        "same": bed.ip("A", "link add w0 type {type} peer name w0"),
        "peer-up": bed.ip("A", "link add w0 type {type} peer name w1 up"),
        "queues": bed.ip("A", "link add w0 numtxqueues 5000 type {type} peer name w1"),
        "netns": bed.ip("A", "link add w0 type {type} peer name w1 netns nowhere"),
        "mtu": bed.ip("A", "link set v0 mtu 20"),
        "address": bed.ip("A", "link set v0 address 01:00:00:00:00:01"),
        "carrier": bed.ip("A", "link set v0 carrier off"),
        "delete": bed.ip("A", "link del v0"),
        "gone": bed.ip("B", "link show v1"),
        "events": bed.events(),
    }


@scenario("veth")
def user_without_rights(bed):
    """A user namespace's root may not put the peer into a namespace of ours."""
    bed.ns("A", "B")
    wrapped = "unshare --user --map-root-user --net ip link add v0 type {type} peer name v1 netns /run/netns/B"
    done = bed.run("A", wrapped)
    return {"status": done["status"], "err": done["err"], "links": bed.links()}


@scenario("veth")
def many(bed):
    """Twenty pairs: names, indexes, and what a dump says."""
    bed.ns("A", "B")
    for number in range(20):
        bed.must("A", "new", f"KIND name:v{number} peer name:p{number} {B} end")
    bed.events()
    return {"links": bed.links()}
