# SPDX-License-Identifier: GPL-2.0
"""Carrier and operational state: what follows from which end is up."""

from registry import rows, scenario

VETH = ("veth",)


def sequence(bed, steps, a="A", b="A", indexes=True):
    """Steps like "v0+ v1-": an end goes up or down; state and events after each."""
    bed.ns(*{a, b})
    if indexes:
        bed.pair(a, b, up=False)
    else:
        bed.must(a, "new", f"KIND name:v0 index:10 peer name:v1 index:10 nsfd:/run/netns/{b} end")
    where = {"v0": f"{a}/v0", "v1": f"{b}/v1"}
    seen = {"0": {"state": bed.state(*where.values()), "events": bed.events()}}
    for number, step in enumerate(steps.split(), 1):
        device, word = step[:2], step[2]
        answer = bed.raw(where[device][0], "set", f"name:{device}", "up" if word == "+" else "clear:1")
        seen[f"{number}:{step}"] = {"answer": answer, "state": bed.state(*where.values()), "events": bed.events()}
    return seen


rows(VETH, "carrier", {
    "outer-first": "v0+ v1+ v0- v1-",
    "peer-first": "v1+ v0+ v1- v0-",
    "flapping": "v0+ v1+ v1- v1+ v0- v0+ v0-",
    "idempotent": "v0+ v0+ v1+ v1+ v1- v1-",
    "other-netns": ("v0+ v1+ v0- v0+ v1- v1+", "A", "B"),
}, sequence)


@scenario("veth")
def carrier_same_index(bed):
    """Both ends have one number in two namespaces: the core defers such events,
    so only the last state is looked at, when it came."""
    import time
    bed.ns("A", "B")
    bed.must("A", "new", "KIND name:v0 index:10 up peer name:v1 index:10 nsfd:/run/netns/B end")
    bed.must("B", "set", "name:v1 up")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        state = bed.state("A/v0", "B/v1")
        if all(link["operstate"] == "UP" for link in state.values()):
            break
        time.sleep(0.1)
    return {"state": state, "links": bed.links()}


@scenario("veth")
def carrier_link_down_elsewhere(bed):
    """DOWN or LOWERLAYERDOWN depends on who has the peer's number here."""
    bed.ns("A", "B")
    bed.must("A", "new", "kind:dummy name:d0 index:11")
    bed.must("A", "new", "KIND name:v0 index:10 peer name:v1 index:11 nsfd:/run/netns/B end")
    seen = {}
    for step, namespace, tokens in (("v0 up", "A", "name:v0 up"), ("v1 up", "B", "name:v1 up"),
                                    ("v1 down", "B", "name:v1 clear:1"), ("d0 up", "A", "name:d0 up"),
                                    ("v0 down", "A", "name:v0 clear:1"), ("v0 up again", "A", "name:v0 up")):
        bed.must(namespace, "set", tokens)
        seen[step] = {"state": bed.state("A/v0", "B/v1"), "events": bed.events()}
    return seen


@scenario("veth")
def carrier_after_move(bed):
    """A move closes one end; the other loses its carrier and gets it again."""
    bed.ns("A", "B", "C")
    bed.pair("A", "B")
    seen = {"move": bed.raw("B", "set", "name:v1 nsfd:/run/netns/C"), "state": bed.state("A/v0", "C/v1")}
    seen |= {"up": bed.raw("C", "set", "name:v1 up"), "state-up": bed.state("A/v0", "C/v1"), "events": bed.events()}
    return seen


@scenario("veth")
def carrier_testing_dormant(bed):
    """Linkmode dormant: operstate goes through DORMANT."""
    bed.pair("A", "A", up=False)
    seen = {"mode": bed.raw("A", "set", "name:v0 attr:17:01")}
    for number, tokens in enumerate(("name:v0 up", "name:v1 up", "name:v0 attr:16:06", "name:v0 attr:16:04"), 1):
        seen[str(number)] = {"answer": bed.raw("A", "set", tokens), "state": bed.state("A/v0", "A/v1"),
                             "events": bed.events()}
    return seen


@scenario("veth")
def carrier_of_stacked(bed):
    """A VLAN on one end, a bridge over the other: states follow."""
    bed.ns("A", "B")
    bed.must("B", "new", "kind:bridge name:br0 index:90 up")
    bed.pair("A", "B", up=False)
    bed.ip("A", "link add link v0 name v0.5 index 50 type vlan id 5")
    bed.must("B", "set", "name:v1 attr:10:5a000000")
    bed.events()
    seen = {}
    for step, namespace, tokens in (("v1 up", "B", "name:v1 up"), ("v0 up", "A", "name:v0 up"),
                                    ("v0.5 up", "A", "name:v0.5 up"), ("v1 down", "B", "name:v1 clear:1")):
        bed.must(namespace, "set", tokens)
        seen[step] = {"state": bed.state("A/v0", "A/v0.5", "B/v1", "B/br0"), "events": bed.events()}
    return seen
