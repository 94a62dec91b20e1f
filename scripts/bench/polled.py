# SPDX-License-Identifier: GPL-2.0
"""What measuring pairs that are polled takes: features, XDP programs, AF_XDP sockets."""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time

from guest import Failed, enter

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
import xdp  # noqa: E402

SIOCETHTOOL, SGRO, SCHANNELS, GSSET_INFO, GSTATS, SS_STATS = 0x8946, 0x2C, 0x3D, 0x37, 0x1D, 1
BPFFS = "/tmp/bench-bpf"


class Polled:
    """Has the devices of a row as it says; `home` gives a device's namespace. Switches only `ours` has."""

    def __init__(self, row, home, ours):
        for dev, words in row.get("features", {}).items():
            run(["ip", "netns", "exec", home(dev), "ethtool", "-K", dev, *words.split()])
        for dev, step in row.get("programs", {}).items():
            enter(home(dev))
            path = None
            if dev == row.get("socket"):
                path = f"{mounted()}/{home(dev)}-{time.monotonic_ns()}"
            if step.startswith("redirect:{"):
                step = f"redirect:{socket.if_nametoindex(step[10:-1])}"
            program = xdp.build(step.split(), path)
            xdp.attach(dev, program)
            os.close(program)
            if path:
                self.socket = xdp.XdpSocket(dev, 0, 2048)
                self.socket.reached_by(path)
        if ours:
            for dev, words in row.get("switches", {}).items():
                run(["ip", "netns", "exec", home(dev), "ethtool", "--set-priv-flags", dev, *words.split()])
        self.redirects = None

    def empty(self, count):
        """So many frames have come to the socket."""
        seen = self.socket.read()[0]
        if seen != count:
            raise Failed(f"{seen} frames of {count} came to the socket")

    def live(self, dev, count, frame):
        """Redirects frames to a device of this namespace; nanoseconds."""
        self.redirects = self.redirects or xdp.build([f"redirect:{socket.if_nametoindex(dev)}"])
        start = time.monotonic_ns()
        xdp.run_live(self.redirects, count, frame)
        return time.monotonic_ns() - start


def run(command):
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")


def mounted():
    if not os.path.ismount(BPFFS):
        os.makedirs(BPFFS, exist_ok=True)
        run(["mount", "-t", "bpf", "none", BPFFS])
    return BPFFS


def ethtool(devices, command):
    """The same for many devices of this namespace."""
    buffer = ctypes.create_string_buffer(command, len(command))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for dev in devices:
            fcntl.ioctl(sock.fileno(), SIOCETHTOOL, struct.pack("16sQ16x", dev.encode(), ctypes.addressof(buffer)))


def one_channel(devices):
    """Of all queues one transmits and one receives."""
    ethtool(devices, struct.pack("=9I", SCHANNELS, 0, 0, 0, 0, 1, 1, 0, 0))


def gro_on(devices):
    ethtool(devices, struct.pack("=II", SGRO, 1))


def read_stats(dev, count):
    """Reads what `ethtool -S` shows so many times; nanoseconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

        def ask(buffer):
            request = struct.pack("16sQ16x", dev.encode(), ctypes.addressof(buffer))
            return lambda: fcntl.ioctl(sock.fileno(), SIOCETHTOOL, request)

        info = ctypes.create_string_buffer(struct.pack("=IIQI", GSSET_INFO, 0, 1 << SS_STATS, 0), 20)
        ask(info)()
        number = struct.unpack_from("=I", info.raw, 16)[0]
        if not number:
            raise Failed(f"{dev} has no statistics")
        values = ctypes.create_string_buffer(struct.pack("=II", GSTATS, number), 8 + 8 * number)
        read = ask(values)
        read()
        start = time.monotonic_ns()
        for _ in range(count):
            read()
        return time.monotonic_ns() - start
