#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How much gets through to a device while more than that is sent.

usage: rate.py A V B W DST LENGTH PROCESSES SECONDS DRAIN [gso:SIZE]

So many processes in namespace A send frames of LENGTH bytes by V as fast as they can, to DST: "broadcast",
or a MAC address in hexadecimal; with gso:SIZE TCP segments in one frame, to be cut to SIZE bytes each.
What the device W in B has received is counted, from when it has received DRAIN frames, which
is to be more than a burst. Prints frames a second, with one decimal.
"""

import os
import signal
import socket
import struct
import sys
import time

from frames import SOL_PACKET, frame, ip_sum, mac_of, packet_socket
from inside import inside

PACKET_STATISTICS, PACKET_VNET_HDR = 6, 15
ETH_P_TEST, ETH_P_IP = 0x88B5, 0x0800
NEEDS_CSUM, GSO_TCPV4 = 1, 1


def segments(dst, src, length, size):
    """A frame with a header that says where to cut it."""
    payload = bytes(length - 54)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length - 14, 1, 0, 64, 6, 0,
                       socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2"))
    head = head[:10] + struct.pack("!H", ip_sum(head)) + head[12:]
    tcp = struct.pack("!HHIIBBHHH", 9, 9, 1, 1, 0x50, 0x10, 1000, 0, 0)
    header = struct.pack("=BBHHHH", NEEDS_CSUM, GSO_TCPV4, 54, size, 34, 16)
    return header + dst + src + struct.pack("!H", ETH_P_IP) + head + tcp + payload


def send(namespace, device, data, gso):
    with inside(namespace):
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        if gso:
            out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        out.bind((device, 0))
    # The parent is to be on time.
    os.nice(5)
    while True:
        try:
            out.send(data)
        except OSError:
            pass


class Counter:
    """Frames that a device has received."""

    def __init__(self, namespace, device, protocol):
        self.socket = packet_socket(namespace, device, protocol)

    def step(self, seconds):
        """Since the last time: frames, and when."""
        time.sleep(seconds)
        frames, _ = struct.unpack("=II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        return frames, time.monotonic()


def measure(counter, seconds, drain):
    total = 0
    while total < drain:
        total += counter.step(0.01)[0]
    begin = None
    total = 0
    last = time.monotonic()
    give_up = last + 20
    steps = [(0, 1)] * 3
    while True:
        frames, now = counter.step(0.02)
        total += frames
        steps = [*steps[1:], (frames / (now - last), now - last)]
        last = now
        # A machine that did something else for a while catches up: that is no place to begin or to end.
        rates = [rate for rate, _ in steps]
        calm = max(took for _, took in steps) < 0.04 and 0 < max(rates) < 1.5 * min(rates)
        if steps[-1][1] > 0.08 and now < give_up:
            # Longer than most bursts: what could not be sent meanwhile never comes.
            begin = None
        if begin is None:
            total = 0
            if calm:
                begin = now
        elif calm and now - begin >= seconds:
            return total / (now - begin)


def main(a, v, b, w, dst, length, processes, seconds, drain, *gso):
    size = int(gso[0].split(":")[1]) if gso else 0
    dst = b"\xff" * 6 if dst == "broadcast" else bytes.fromhex(dst)
    src, length = mac_of(a, v), int(length)
    data = segments(dst, src, length, size) if size else frame(dst, src, length)
    counter = Counter(b, w, ETH_P_IP if size else ETH_P_TEST)
    children = []
    try:
        for _ in range(int(processes)):
            pid = os.fork()
            if pid == 0:
                send(a, v, data, size)
            children.append(pid)
        print(f"{measure(counter, float(seconds), int(drain)):.1f}")
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    if len(sys.argv) < 10:
        sys.exit(__doc__)
    main(*sys.argv[1:])
