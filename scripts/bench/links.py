# SPDX-License-Identifier: GPL-2.0
"""Route netlink requests that make and delete many pairs, as bytes.

Made beforehand and sent by traffic.c, so that neither `ip` nor Python is measured.
"""

import struct

RTM_NEWLINK, RTM_DELLINK = 16, 17
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
IFLA_IFNAME, IFLA_LINKINFO, IFLA_GROUP = 3, 18, 27
IFLA_INFO_KIND, IFLA_INFO_DATA, INFO_PEER = 1, 2, 1
IFINFOMSG = bytes(16)


def attr(number, data):
    return struct.pack("=HH", len(data) + 4, number) + data + bytes(-len(data) % 4)


def request(kind, flags, body):
    body = IFINFOMSG + body
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


def delete(first, last):
    return b"".join(request(RTM_DELLINK, 0, name(f"a{n}")) for n in range(first, last))


def delete_group(group):
    return request(RTM_DELLINK, 0, attr(IFLA_GROUP, struct.pack("=I", group)))
