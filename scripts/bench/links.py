# SPDX-License-Identifier: GPL-2.0
"""Route netlink requests that make and delete many links, as bytes.

Made beforehand and sent by traffic.c, so that neither `ip` nor Python is measured.
"""

import struct

RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR = 16, 17, 20
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINK, IFLA_LINKINFO, IFLA_GROUP = 1, 3, 5, 18, 27
IFA_LOCAL = 2
IFLA_INFO_KIND, IFLA_INFO_DATA, INFO_PEER = 1, 2, 1
IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES = 31, 32
IFINFOMSG = bytes(16)
UP = struct.pack("=BxHiII", 0, 0, 0, 1, 1)
LOWER = 1000  # index of the device below


def attr(number, data):
    return struct.pack("=HH", len(data) + 4, number) + data + bytes(-len(data) % 4)


def u16(number, value):
    return attr(number, struct.pack("=H", value))


def u32(number, value):
    return attr(number, struct.pack("=I", value))


# IFLA_INFO_DATA of an endpoint in mode bridge, or l2.
ENDPOINT = {
    ("macvlan", "macvlan"): u32(1, 4),
    ("macvlan", "rnetvirt"): u32(2, 1) + attr(3 | 0x8000, u32(1, 4)),
    ("ipvlan", "ipvlan"): u16(1, 0),
    ("ipvlan", "rnetvirt"): u32(2, 2) + attr(4 | 0x8000, u16(1, 0)),
}


def request(kind, flags, body, head=IFINFOMSG):
    body = head + body
    return struct.pack("=IHHII", len(body) + 16, kind, flags | NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body


def name(text):
    return attr(IFLA_IFNAME, text.encode() + b"\0")


def create(kind, first, last, group=0):
    """Pairs a<n>, b<n>."""
    return b"".join(
        request(
            RTM_NEWLINK,
            NLM_F_CREATE | NLM_F_EXCL,
            name(f"a{n}")
            + attr(IFLA_GROUP, struct.pack("=I", group))
            + attr(
                IFLA_LINKINFO,
                attr(IFLA_INFO_KIND, kind.encode() + b"\0")
                + attr(IFLA_INFO_DATA, attr(INFO_PEER, IFINFOMSG + name(f"b{n}"))),
            ),
        )
        for n in range(first, last)
    )


def lower():
    """A device for endpoints: the wire's end d0, whose far end is tx0."""
    pair = attr(IFLA_INFO_KIND, b"veth\0") + attr(IFLA_INFO_DATA, attr(INFO_PEER, IFINFOMSG + name("tx0")))
    head = struct.pack("=BxHiII", 0, 0, LOWER, 1, 1)
    made = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name("d0") + attr(IFLA_LINKINFO, pair), head)
    # It cannot be up before it has a peer.
    return made + request(RTM_NEWLINK, 0, name("tx0"), UP)


def address(n):
    return struct.pack("!HI", 0x0201, n)


def endpoints(flavor, kind, first, last, group=0):
    """Endpoints a<n> on d0, up; those of flavor ipvlan all have its address."""
    info = attr(IFLA_INFO_KIND, kind.encode() + b"\0") + attr(IFLA_INFO_DATA, ENDPOINT[flavor, kind])
    return b"".join(
        request(
            RTM_NEWLINK,
            NLM_F_CREATE | NLM_F_EXCL,
            name(f"a{n}") + (attr(IFLA_ADDRESS, address(n)) if flavor == "macvlan" else b"") + u32(IFLA_LINK, LOWER) + u32(IFLA_GROUP, group)
            + attr(IFLA_LINKINFO, info),
            UP,
        )
        for n in range(first, last)
    )


def address4(n):
    return struct.pack("!I", 0xC6120001 + n)


def addresses(index, first, last):
    """IPv4 addresses of a device."""
    head = struct.pack("=BBBBI", 2, 32, 0, 0, index)
    return b"".join(
        request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, attr(IFA_LOCAL, address4(n)), head) for n in range(first, last)
    )


def make(flavor, kind, first, last, group=0):
    """Links of a flavor, a<n> among them."""
    if flavor == "veth":
        return create(kind, first, last, group)
    return endpoints(flavor, kind, first, last, group)


def many_queues(kind, first, last, group, queues):
    """Pairs a<n>, b<n> with so many queues. All are active, as they were asked for."""
    numbers = u32(IFLA_NUM_TX_QUEUES, queues) + u32(IFLA_NUM_RX_QUEUES, queues)
    return b"".join(
        request(
            RTM_NEWLINK,
            NLM_F_CREATE | NLM_F_EXCL,
            name(f"a{n}") + numbers + u32(IFLA_GROUP, group)
            + attr(
                IFLA_LINKINFO,
                attr(IFLA_INFO_KIND, kind.encode() + b"\0")
                + attr(IFLA_INFO_DATA, attr(INFO_PEER, IFINFOMSG + name(f"b{n}") + numbers)),
            ),
        )
        for n in range(first, last)
    )


def delete(first, last):
    return b"".join(request(RTM_DELLINK, 0, name(f"a{n}")) for n in range(first, last))


def delete_group(group):
    return request(RTM_DELLINK, 0, attr(IFLA_GROUP, struct.pack("=I", group)))
