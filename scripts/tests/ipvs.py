#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Makes IPVS of the current namespace send UDP to port 9999 of an address elsewhere.

usage: ipvs.py direct|tunnel ADDRESS SERVER

The server gets all packets, as they are or as IP in IP. Needs ip_vs and ip_vs_rr.
"""

import os
import socket
import struct
import sys

NETLINK_GENERIC = 16
NLMSG_ERROR = 2
NLM_F_REQUEST_ACK = 5
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2
IPVS_CMD_NEW_SERVICE, IPVS_CMD_NEW_DEST = 1, 5
IPVS_CMD_ATTR_SERVICE, IPVS_CMD_ATTR_DEST = 1, 2
METHODS = {"tunnel": 2, "direct": 3}
PORT = struct.pack("!H", 9999)


def attr(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def u16(value):
    return struct.pack("=H", value)


def u32(value):
    return struct.pack("=I", value)


def request(sock, family, command, attrs):
    """The attributes of the answer, or none where only an acknowledgement comes."""
    sock.send(struct.pack("=IHHIIBBH", 20 + len(attrs), family, NLM_F_REQUEST_ACK, 1, 0, command, 1, 0) + attrs)
    answer = sock.recv(65536)
    if struct.unpack_from("=H", answer, 4)[0] != NLMSG_ERROR:
        sock.recv(65536)
        return answer[20:]
    err = -struct.unpack_from("=i", answer, 16)[0]
    if err:
        raise OSError(err, os.strerror(err))
    return b""


def family_id(sock):
    attrs = request(sock, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attr(CTRL_ATTR_FAMILY_NAME, b"IPVS\0"))
    while attrs:
        size, kind = struct.unpack_from("=HH", attrs)
        if kind == CTRL_ATTR_FAMILY_ID:
            return struct.unpack_from("=H", attrs, 4)[0]
        attrs = attrs[size + -size % 4:]
    raise LookupError("IPVS")


def main(method, address, server):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    family = family_id(sock)
    # Family, protocol, address, port; scheduler, flags, timeout, netmask.
    service = attr(1, u16(socket.AF_INET)) + attr(2, u16(socket.IPPROTO_UDP))
    service += attr(3, socket.inet_aton(address) + bytes(12)) + attr(4, PORT)
    rest = attr(6, b"rr\0") + attr(7, bytes(8)) + attr(8, u32(0)) + attr(9, u32(0xffffffff))
    request(sock, family, IPVS_CMD_NEW_SERVICE, attr(IPVS_CMD_ATTR_SERVICE, service + rest))
    # Address, port, method, weight, thresholds.
    dest = attr(1, socket.inet_aton(server) + bytes(12)) + attr(2, PORT)
    dest += attr(3, u32(METHODS[method])) + attr(4, u32(1)) + attr(5, u32(0)) + attr(6, u32(0))
    request(sock, family, IPVS_CMD_NEW_DEST,
            attr(IPVS_CMD_ATTR_SERVICE, service) + attr(IPVS_CMD_ATTR_DEST, dest))


if __name__ == "__main__":
    main(*sys.argv[1:])
