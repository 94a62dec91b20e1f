#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Sends one router advertisement.

usage: ra.py DEVICE PREFIX

The prefix is 64 bits long, on the link, and for addresses.
"""

import socket
import struct
import sys

ALL_NODES = "ff02::1"


def main(device, prefix):
    # Type 134; hop limit 64, not a default router.
    header = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 0, 0, 0)
    option = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 1800, 0)
    message = header + option + socket.inet_pton(socket.AF_INET6, prefix)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as out:
        # Receivers refuse one that may have come from elsewhere.
        out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        out.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        out.sendto(message, (ALL_NODES, 0, 0, socket.if_nametoindex(device)))


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
