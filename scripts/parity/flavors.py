# SPDX-License-Identifier: GPL-2.0
"""The two sides of each flavor: a new flavor is a row here, and scenarios."""

import dataclasses
import struct

import rtnl


@dataclasses.dataclass(frozen=True)
class Side:
    name: str       # "c" or "ours"
    kind: str       # IFLA_INFO_KIND
    module: str     # what has to be loaded
    words: str      # `ip link add ... type WORDS`
    data: tuple     # tokens of rtnl.py for IFLA_INFO_DATA, beside the kind's own
    peer: str = "veth"  # kind of auxiliary pairs, the same on both sides
    # The flavor's own attributes as {number: (name, format)}, and the attribute of
    # IFLA_INFO_DATA that they are nested in, if they are not there themselves.
    own: dict = dataclasses.field(default_factory=dict)
    nest: int = None
    # Attributes of links that one of the kinds lacks, shown where that is the question.
    untold: tuple = ()

    def tokens(self, own):
        """Tokens for the flavor's own attributes, given as "own..." tokens."""
        if not own:
            return []
        data = ["data" + token.removeprefix("own") for token in own]
        return [f"nest:{self.nest}", *data, "end"] if self.nest else data

    def own_bytes(self, data):
        """The flavor's own attributes out of an IFLA_INFO_DATA."""
        return rtnl.attrs(data).get(self.nest, b"") if self.nest else data

    def shown(self, data):
        """An IFLA_INFO_DATA, the same from both sides if it says the same."""
        found = rtnl.attrs(self.own_bytes(data))
        values = {"own": {}, "order": []}
        if self.nest:
            values |= {f"data{number}": payload.hex() for number, payload in rtnl.attrs(data).items()
                       if number != self.nest}
        for number, payload in found.items():
            name, form = self.own.get(number, (f"attribute-{number}", "x"))
            values["order"].append(name)
            values["own"][name] = read(form, payload)
        return values


def read(form, payload):
    if form == "macs":
        # Sorted: a hash table's order is nobody's business.
        return sorted(address[4:10].hex(":") for address in each(payload))
    if form != "x" and len(payload) == struct.calcsize("=" + form):
        return str(struct.unpack("=" + form, payload)[0])
    return payload.hex()


def each(data):
    """The attributes one by one, with their heads."""
    while len(data) >= 4:
        length = max(4, struct.unpack_from("=H", data)[0])
        yield data[:length]
        data = data[(length + 3) & ~3:]


MACVLAN = {1: ("mode", "I"), 2: ("flags", "H"), 5: ("macaddr_data", "macs"), 6: ("macaddr_count", "I"),
           7: ("bc_queue_len", "I"), 8: ("bc_queue_len_used", "I"), 9: ("bc_cutoff", "i")}
IPVLAN = {1: ("mode", "H"), 2: ("flags", "H")}

FLAVORS = {
    "veth": (
        Side("c", "veth", "veth", "veth", ()),
        Side("ours", "rnetvirt", "rnetvirt", "rnetvirt flavor veth", ("data32:2:0",)),
    ),
    "macvlan": (
        Side("c", "macvlan", "macvlan", "macvlan", (), own=MACVLAN),
        Side("ours", "rnetvirt", "rnetvirt", "rnetvirt flavor macvlan", ("data32:2:1",), own=MACVLAN, nest=3),
    ),
    "ipvlan": (
        Side("c", "ipvlan", "ipvlan", "ipvlan", (), own=IPVLAN),
        Side("ours", "rnetvirt", "rnetvirt", "rnetvirt flavor ipvlan trust on", ("data32:2:2", "data32:5:1"), own=IPVLAN, nest=4),
    ),
    "macvtap": (
        Side("c", "macvtap", "macvtap", "macvtap", (), own=MACVLAN),
        Side("ours", "rnetvirt", "rnetvirt", "rnetvirt flavor macvtap", ("data32:2:3",), own=MACVLAN, nest=3),
    ),
    "ipvtap": (
        Side("c", "ipvtap", "ipvtap", "ipvtap", (), own=IPVLAN, untold=("link_netnsid",)),
        Side("ours", "rnetvirt", "rnetvirt", "rnetvirt flavor ipvtap trust on", ("data32:2:4", "data32:5:1"), own=IPVLAN, nest=4,
             untold=("link_netnsid",)),
    ),
}


def drop_in(flavor):
    """Both sides where ours has the C driver's kind, for which one of them has to go."""
    c = FLAVORS[flavor][0]
    return c, dataclasses.replace(c, name="ours", module="rnetvirt")


def sides(flavor, both=None):
    """Both sides; with `both`, that one twice, which must give the same."""
    found = FLAVORS[flavor]
    if both is None:
        return found
    side = next(side for side in found if side.name == both)
    return tuple(dataclasses.replace(side, name=other.name) for other in found)
