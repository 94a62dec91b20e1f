#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Sends from one network namespace to another, and counts what the stack there sees.

usage: gro.py udp SENDER RECEIVER ADDRESS SEGMENTS SIZE [gro]
       gro.py tcp SENDER RECEIVER ADDRESS BYTES

udp: one call sends SEGMENTS datagrams of SIZE bytes. Prints how many came, and as how many packets
IP received them; with gro, by a socket that takes them together, and how many it got at a time.
tcp: prints whether all bytes came, and how many packets IP received for them.
"""

import ctypes
import os
import socket
import sys
import threading

CLONE_NEWNET = 0x40000000
UDP_SEGMENT, UDP_GRO = 103, 104
libc = ctypes.CDLL(None, use_errno=True)


def enter(name):
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def received(family):
    """How many packets IP has received in this namespace."""
    if family == socket.AF_INET6:
        with open("/proc/thread-self/net/snmp6", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("Ip6InReceives")).split()[1])
    with open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Ip:"))
    return int(values[names.index("InReceives")])


def pattern(number, size):
    return bytes((number + i) % 251 for i in range(size))


def udp(sender, receiver, address, segments, size, gro=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    enter(receiver)
    into = socket.socket(family, socket.SOCK_DGRAM)
    into.bind((address, 4321))
    into.settimeout(3)
    into.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    if gro:
        into.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    before = received(family)
    enter(sender)
    out = socket.socket(family, socket.SOCK_DGRAM)
    data = b"".join(pattern(number, size) for number in range(segments))
    out.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
    out.sendto(data, (address, 4321))
    got = b""
    calls = 0
    while len(got) < len(data):
        try:
            got += into.recv(1 << 17)
        except TimeoutError:
            break
        calls += 1
    assert data.startswith(got), "other bytes"
    enter(receiver)
    print(f"{len(got) // size} datagrams, {received(family) - before} packets"
          + (f", {calls} reads" if gro else ""))


def tcp(sender, receiver, address, count):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    enter(receiver)
    into = socket.socket(family, socket.SOCK_STREAM)
    into.bind((address, 4321))
    into.listen()
    before = received(family)
    result = []

    def serve():
        peer, _ = into.accept()
        got = bytearray()
        while data := peer.recv(1 << 17):
            got += data
        result.append(bytes(got) == pattern(0, count))

    server = threading.Thread(target=serve)
    server.start()
    enter(sender)
    with socket.create_connection((address, 4321)) as out:
        out.sendall(pattern(0, count))
    server.join()
    enter(receiver)
    print(f"{'all' if result == [True] else 'not all'} bytes, {received(family) - before} packets")


def main():
    match sys.argv[1:]:
        case ["udp", sender, receiver, address, segments, size, *gro]:
            udp(sender, receiver, address, int(segments), int(size), *gro)
        case ["tcp", sender, receiver, address, count]:
            tcp(sender, receiver, address, int(count))
        case _:
            sys.exit(__doc__)


main()
