#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What netdev-genl says of a device of this namespace, and of its queues.

usage: netdev.py napis DEVICE       the NAPIs, "ID threaded:T defer:N timeout:N" each
       netdev.py queues DEVICE      the queues, "rx N napi:ID" or "tx N" each
       netdev.py set ID KEY=N...    threaded, defer, timeout
       netdev.py xdp DEVICE         what it can do with XDP
       netdev.py asked DEVICE       what programs can ask of its packets
"""

import errno
import socket
import struct
import sys

CTRL, REQUEST, ACK, DUMP = 16, 1, 4, 0x300
DEV_GET, QUEUE_GET, NAPI_GET, NAPI_SET = 1, 10, 11, 14
NAPI = {1: "ifindex", 2: "id", 3: "irq", 4: "pid", 5: "defer", 6: "timeout", 7: "suspend",
        8: "threaded"}
DEV = {1: "ifindex", 3: "features", 5: "asked"}
ASKED = ("timestamp", "hash", "vlan-tag")
XDP = ("basic", "redirect", "ndo-xmit", "xsk-zerocopy", "hw-offload", "rx-sg", "ndo-xmit-sg")
QUEUE = {1: "id", 2: "ifindex", 3: "type", 4: "napi"}


def attr(number, value):
    value += b"\0" * (-len(value) % 4)
    return struct.pack("HH", 4 + len(value), number) + value


def u32(number, value):
    return attr(number, struct.pack("I", value))


def attrs(data):
    while len(data) >= 4:
        size, number = struct.unpack_from("HH", data)
        yield number & 0x3fff, data[4:size]
        data = data[(size + 3) & ~3:]


class Netlink:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.socket.bind((0, 0))
        name = struct.pack("HH", 4 + 7, 2) + b"netdev\0\0"
        (reply, *_), = [self.ask(CTRL, 3, name, 0)]
        self.family = struct.unpack("H", dict(attrs(reply))[1][:2])[0]

    def ask(self, family, command, body, flags):
        """The answers' attributes."""
        body = struct.pack("BBH", command, 1, 0) + body
        self.socket.send(struct.pack("IHHII", 16 + len(body), family, REQUEST | ACK | flags, 1, 0)
                         + body)
        answers = []
        while True:
            data = self.socket.recv(1 << 16)
            while len(data) >= 16:
                size, kind = struct.unpack_from("IH", data)
                if kind in (2, 3):
                    error = struct.unpack_from("i", data, 16)[0]
                    if error:
                        raise OSError(-error, errno.errorcode.get(-error, str(error)))
                    return answers
                answers.append(data[20:size])
                data = data[(size + 3) & ~3:]

    def dump(self, command, ifindex, names):
        for answer in self.ask(self.family, command, b"", DUMP):
            item = {names[number]: int.from_bytes(value, sys.byteorder)
                    for number, value in attrs(answer) if number in names}
            if item.get("ifindex") == ifindex:
                yield item


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("napis", "queues", "set", "xdp", "asked"):
        sys.exit(__doc__)
    netlink = Netlink()
    what, argument = sys.argv[1:3]
    if what == "set":
        numbers = {name: number for number, name in NAPI.items()}
        body = u32(2, int(argument))
        for pair in sys.argv[3:]:
            key, value = pair.split("=")
            number = numbers[key]
            body += u32(number, int(value))
        netlink.ask(netlink.family, NAPI_SET, body, 0)
        return
    ifindex = socket.if_nametoindex(argument)
    if what == "xdp":
        for dev in netlink.dump(DEV_GET, ifindex, DEV):
            print(*(name for bit, name in enumerate(XDP) if dev["features"] >> bit & 1))
    elif what == "asked":
        for dev in netlink.dump(DEV_GET, ifindex, DEV):
            print(*(name for bit, name in enumerate(ASKED) if dev["asked"] >> bit & 1))
    elif what == "napis":
        for napi in sorted(netlink.dump(NAPI_GET, ifindex, NAPI), key=lambda napi: napi["id"]):
            print(f'{napi["id"]} threaded:{napi.get("threaded", 0)} '
                  f'defer:{napi.get("defer", 0)} timeout:{napi.get("timeout", 0)}')
    else:
        for queue in netlink.dump(QUEUE_GET, ifindex, QUEUE):
            # Queue 0 has no attribute on some kernels.
            line = f'{"tx" if queue["type"] else "rx"} {queue.get("id", 0)}'
            print(line + (f' napi:{queue["napi"]}' if "napi" in queue else ""))


main()
