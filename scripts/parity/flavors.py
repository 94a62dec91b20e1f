# SPDX-License-Identifier: GPL-2.0
"""The two sides of each flavor: a new flavor is a row here, and scenarios."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Side:
    name: str       # "c" or "ours"
    kind: str       # IFLA_INFO_KIND
    module: str     # what has to be loaded
    words: str      # `ip link add ... type WORDS`
    data: tuple     # tokens of rtnl.py for IFLA_INFO_DATA, beside the kind's own
    peer: str = "veth"  # kind of auxiliary pairs, the same on both sides


FLAVORS = {
    "veth": (
        Side("c", "veth", "veth", "veth", ()),
        Side("ours", "rnetvirt", "rnetvirt", "rnetvirt flavor veth", ("data32:2:0",)),
    ),
}
