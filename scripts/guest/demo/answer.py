#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A network stack of one page: answers ARP requests and pings.

usage: answer.py NODE ADDRESS

NODE is a /dev/tapN, ADDRESS the IPv4 address that it answers for, with the MAC
address of the link. Ends when the link goes; says so, and when it begins.
"""

import errno
import fcntl
import os
import socket
import struct
import sys

SIOCGIFHWADDR = 0x8927
HEADER = 10  # struct virtio_net_hdr
ETH_P_IP, ETH_P_ARP = b"\x08\x00", b"\x08\x06"


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def answer(frame, mac, address):
    """The frame that answers one, if it is a question to us."""
    back = frame[6:12] + mac + frame[12:14]
    if frame[12:14] == ETH_P_ARP and frame[20:22] == b"\0\1" and frame[38:42] == address:
        return back + frame[14:20] + b"\0\2" + mac + address + frame[22:32]
    if frame[12:14] == ETH_P_IP and frame[23] == 1 and frame[30:34] == address and frame[34] == 8:
        end = 14 + struct.unpack_from("!H", frame, 16)[0]
        echo = b"\0\0" + frame[38:end]
        return back + frame[14:26] + address + frame[26:30] + b"\0\0" + checksum(b"\0\0" + echo) + frame[38:end]
    return None


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    tap = os.open(sys.argv[1], os.O_RDWR)
    address = socket.inet_aton(sys.argv[2])
    mac = fcntl.ioctl(tap, SIOCGIFHWADDR, bytes(40))[18:24]
    print("answers for", sys.argv[2], flush=True)
    try:
        while True:
            reply = answer(os.read(tap, 65536)[HEADER:], mac, address)
            if reply:
                os.write(tap, bytes(HEADER) + reply)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
    print("the link is gone")


if __name__ == "__main__":
    main()
