# SPDX-License-Identifier: GPL-2.0
"""Changes of a pair, moves between namespaces, and its end."""

from registry import rows, scenario

VETH = ("veth",)
B = "nsfd:/run/netns/B"


def change(bed, *requests, b="A", up=False, before=()):
    """Requests about an existing pair; `before` is what A has besides."""
    bed.ns("A", *({"B", b} - {"A"}))
    for tokens in before:
        bed.must("A", "new", tokens)
    bed.pair("A", b, up=up)
    answers = [bed.raw("A", *request.split(" ", 1)) for request in requests]
    return {"answers": answers_by_number(answers), "events": bed.events(), "links": bed.links()}


def answers_by_number(answers):
    return {str(number): answer for number, answer in enumerate(answers, 1)}


def down(table):
    rows(VETH, "change", table, change)


def up(table):
    rows(VETH, "change-up", table, lambda bed, *requests: change(bed, *requests, up=True))


down({
    "mtu-67": "set name:v0 mtu:67",
    "mtu-68": "set name:v0 mtu:68",
    "mtu-65535": "set name:v0 mtu:65535",
    "mtu-65536": "set name:v0 mtu:65536",
    "mtu-with-kind": "set KIND name:v0 mtu:65536",
    "address": "set name:v0 addr:0200000000aa",
    "address-multicast": "set name:v0 addr:010000000001",
    "address-short": "set name:v0 addr:0200000000",
    "address-with-kind": "set KIND name:v0 addr:010000000001",
    "name": ("set index:10 name:w0", "set index:11 name:w%d"),
    "name-taken": "set index:10 name:v1",
    "alias": ("set name:v0 attr:20:68656c6c6f", "set name:v0 attr:20:"),
    "group-txqlen": "set name:v0 group:7 txqlen:5",
    "carrier": ("set name:v0 attr:33:00", "set name:v0 attr:33:01"),
    "protodown": "set name:v0 attr:39:01",
    "operstate-linkmode": ("set name:v0 attr:17:01", "set name:v0 attr:16:05"),
    "gso": ("set name:v0 gsomax:30000 gsosegs:12", "set name:v0 gsomax:524281", "set name:v0 gsosegs:70000",
            "set name:v0 gromax:30000"),
    "flags": ("set name:v0 flags:0x80", "set name:v0 flags:0x100", "set name:v0 flags:0x200",
              "set name:v0 flags:0x8000"),
    "broadcast": "set name:v0 attr:2:0200000000bb",
    "same-kind": "set KIND name:v0",
    "wrong-kind": "set kind:dummy name:v0",
    "peer": "set KIND name:v0 peer name:w1 end",
    "unknown-data": "set kind:{kind} name:v0 data:99:00",
    "replace": "replace KIND name:v0",
    "map": "set name:v0 attr:14:" + "00" * 32,
    "broken-attribute": "set name:v0 attr:4:05",
    "index-unknown": "set index:999 mtu:1400",
})
up({
    "mtu": ("set name:v0 mtu:9000", "set name:v1 mtu:68"),
    "address": "set name:v0 addr:0200000000aa",
    "name": "set index:10 name:w0",
    "down-up": ("set index:10 clear:1", "set name:v0 mtu:1400 up"),
    "flags": ("set name:v0 flags:0x100", "set name:v1 flags:0x200", "set name:v0 flags:0x80"),
    "txqlen": "set name:v0 txqlen:1",
    "group": "set name:v0 group:9",
})


@scenario("veth")
def altnames(bed):
    bed.pair()
    answers = {word: bed.ip("A", f"link property {word} dev v0 altname other") for word in ("add", "del")}
    bed.ip("A", "link property add dev v0 altname third")
    return {**answers, "set": bed.ip("A", "link set third mtu 1400"), "events": bed.events(),
            "show": bed.ip_json("A", "-d link show third")}


@scenario("veth")
def sysfs_writes(bed):
    bed.pair()
    writes = {"mtu": "1400", "flags": "0x1003", "ifalias": "name", "tx_queue_len": "3", "carrier": "0",
              "gro_flush_timeout": "7", "napi_defer_hard_irqs": "2", "group": "4", "netdev_group": "4",
              "proto_down": "1", "threaded": "1", "threaded ": "0", "address": "x",
              "queues/tx-0/xps_cpus": "1", "queues/rx-0/rps_cpus": "1", "queues/tx-0/tx_maxrate": "5",
              "queues/tx-0/byte_queue_limits/limit": "5"}
    answers = {file: bed.sysfs_write("A", "v0", file.strip(), text) for file, text in writes.items()}
    return {"answers": answers, "events": bed.events(), "link": bed.link("A", "v0")}


@scenario("veth")
def bridge_port(bed):
    """Into a bridge and out again, both ends looked at."""
    bed.ns("A", "B")
    bed.must("A", "new", "kind:bridge name:br0 index:90")
    bed.pair("A", "B")
    seen = {"in": bed.raw("A", "set", "name:v0 attr:10:5a000000"), "events-in": bed.events(), "links-in": bed.links()}
    seen |= {"features": bed.ethtool("A", "-k br0"), "mtu": bed.raw("A", "set", "name:v0 mtu:1400"),
             "events-mtu": bed.events()}
    seen |= {"out": bed.raw("A", "set", "name:v0 attr:10:00000000"), "events-out": bed.events(), "links": bed.links()}
    return seen


@scenario("veth")
def bridge_port_deleted(bed):
    bed.ns("A", "B")
    bed.must("A", "new", "kind:bridge name:br0 index:90 up")
    bed.pair("A", "B")
    bed.must("A", "set", "name:v0 attr:10:5a000000")
    bed.events()
    return {"answer": bed.raw("B", "del", "name:v1"), "events": bed.events(), "links": bed.links()}


@scenario("veth")
def vlan_on_top(bed):
    """What a VLAN device takes over, and what becomes of it when the pair goes."""
    bed.pair("A", "B")
    answer = bed.ip("A", "link add link v0 name v0.5 index 50 type vlan id 5")
    bed.must("A", "set", "name:v0.5 up")
    seen = {"add": answer, "events": bed.events(), "links": bed.links(), "features": bed.ethtool("A", "-k v0.5"),
            "mtu": bed.raw("A", "set", "name:v0.5 mtu:2000")}
    bed.must("B", "set", "index:11 clear:1")
    seen["events-down"] = bed.events()
    seen["delete"] = bed.raw("B", "del", "name:v1")
    return {**seen, "events-delete": bed.events(), "links-delete": bed.links()}


@scenario("veth")
def macvlan_on_top(bed):
    bed.pair("A", "B")
    answer = bed.ip("A", "link add link v0 name m0 index 50 address 02:00:00:00:00:50 type macvlan mode bridge")
    bed.must("A", "set", "name:m0 up")
    seen = {"add": answer, "events": bed.events(), "links": bed.links(), "features": bed.ethtool("A", "-k m0")}
    seen["delete"] = bed.raw("B", "del", "name:v1")
    return {**seen, "events-delete": bed.events(), "links-delete": bed.links()}


# --- moves ---------------------------------------------------------------------

def move(bed, *steps, b="B", up=True):
    """Steps "NAMESPACE set ..." one after the other, with what each makes known."""
    bed.ns("A", "B", "C")
    bed.pair("A", b, up=up)
    seen = {}
    for number, step in enumerate(steps, 1):
        namespace, operation, tokens = step.split(" ", 2)
        seen[str(number)] = {"answer": bed.raw(namespace, operation, tokens), "events": bed.events(),
                             "links": bed.links()}
    return seen


rows(VETH, "move", {
    "peer-away": "B set name:v1 nsfd:/run/netns/C",
    "peer-home": "B set name:v1 nsfd:/run/netns/A",
    "and-back": ("B set name:v1 nsfd:/run/netns/A", "A set name:v1 nsfd:/run/netns/B"),
    "both": ("A set name:v0 nsfd:/run/netns/C", "B set name:v1 nsfd:/run/netns/C", "C set name:v0 up",
             "C set name:v1 up"),
    "and-rename": "A set index:10 nsfd:/run/netns/C name:moved",
    "to-itself": "A set name:v0 nsfd:/run/netns/A",
    "and-up": ("A set name:v0 nsfd:/run/netns/C", "C set name:v0 up"),
    "with-index": "A set name:v0 nsfd:/run/netns/C attr:49:63000000",
    "index-taken": "A set name:v0 nsfd:/run/netns/B attr:49:0b000000",
    "name-taken": ("C new kind:dummy name:v0", "A set index:10 nsfd:/run/netns/C"),
}, move)


@scenario("veth")
def move_keeps(bed):
    """Settings and counters go along."""
    import craft
    bed.pair("A", "B")
    taps = bed.watch("A/v0", "B/v1")
    taps.send("A/v0", craft.ether(craft.V1), count=3)
    bed.must("A", "set", "name:v0 mtu:3000 txqlen:5 group:3")
    bed.run("A", "ethtool -K v0 tso off gro on")
    bed.ns("C")
    bed.events()
    answer = bed.raw("A", "set", "name:v0 nsfd:/run/netns/C")
    return {"answer": answer, "links": bed.links(), "features": bed.ethtool("C", "-k v0")}


# --- the end -------------------------------------------------------------------

def end(bed, b, up, request):
    bed.ns(*{"A", b})
    bed.pair("A", b, up=up)
    namespace, operation, tokens = request.split(" ", 2)
    answer = bed.raw(namespace, operation, tokens)
    return {"answer": answer, "events": bed.events(), "links": bed.links()}


rows(VETH, "delete", {
    "outer": ("A", True, "A del name:v0"),
    "peer": ("A", True, "A del name:v1"),
    "down": ("A", False, "A del name:v0"),
    "outer-other-netns": ("B", True, "A del name:v0"),
    "peer-other-netns": ("B", True, "B del name:v1"),
    "by-index": ("B", True, "A del index:10"),
    "absent": ("A", True, "A del name:v9"),
    "unmatched-group": ("A", True, "A del group:77"),
    "wrong-kind": ("A", True, "A del kind:dummy name:v0"),
}, end)


@scenario("veth")
def delete_group(bed):
    """Both ends of two pairs, and one end of a third, in one request."""
    bed.ns("A", "B")
    for number, peer in enumerate(("", "", "group:0 nsfd:/run/netns/B")):
        bed.must("A", "new", f"KIND name:v{number} group:5 peer name:p{number} group:5", peer, "end")
    bed.events()
    return {"answer": bed.raw("A", "del", "group:5"), "events": bed.events(), "links": bed.links()}


@scenario("veth")
def delete_namespace(bed):
    """The far end goes with the namespace of the other, some time later."""
    bed.pair("A", "B")
    bed.del_ns("B")
    bed.monitors["A"].sock.settimeout(20)
    seen = []
    while not any(line.startswith("del v0") for line in seen):
        for kind, _, _, body in bed.monitors["A"].messages():
            seen.append(bed.monitors["A"].line(kind, body))
    return {"events": seen, "links": bed.links()}


@scenario("veth")
def delete_and_create(bed):
    """The names are free at once; indexes go on."""
    bed.pair("A", "B")
    bed.must("A", "del", "name:v0")
    answer = bed.raw("A", "new", "KIND name:v0 peer name:v1 nsfd:/run/netns/B end")
    return {"answer": answer, "events": bed.events(), "links": bed.links()}
