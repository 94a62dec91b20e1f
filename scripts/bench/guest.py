# SPDX-License-Identifier: GPL-2.0
"""What the measuring scripts do in a guest: namespaces, links, counters, quiet."""

import ctypes
import os
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
START = time.monotonic()


class Failed(Exception):
    """A row that cannot be trusted; the text says why."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def enter(netns):
    with open(f"/run/netns/{netns}", "rb") as file:
        if libc.setns(file.fileno(), 0x40000000):
            raise Failed(f"setns {netns}: {os.strerror(ctypes.get_errno())}")


def ip(netns, lines, **names):
    """Runs lines of `ip -batch` in a namespace."""
    text = "\n".join(lines).format(**names) + "\n"
    run = subprocess.run(
        ["ip", "-n", netns, "-batch", "-"], input=text, text=True, capture_output=True, check=False
    )
    if run.returncode:
        raise Failed(f"ip: {run.stderr.strip()} (of: {text.strip()})")


def add_netns(name):
    """A namespace in which nothing speaks unasked."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    enter(name)
    for conf in ("all", "default"):
        for key, value in (
            ("addr_gen_mode", 1),
            ("autoconf", 0),
            ("accept_ra", 0),
            ("router_solicitations", 0),
            ("accept_dad", 0),
        ):
            with open(f"/proc/sys/net/ipv6/conf/{conf}/{key}", "w") as file:
                file.write(str(value))
    ip(name, ["link set lo up"])


def counters(netns, dev):
    """Packets received, sent, and dropped by a device, as everybody sees them."""
    enter(netns)
    with open("/proc/self/net/dev") as file:
        for line in file:
            name, _, numbers = line.partition(":")
            if name.strip() == dev:
                numbers = [int(n) for n in numbers.split()]
                return {
                    "rx": numbers[0 + 1],
                    "tx": numbers[8 + 1],
                    "rx_dropped": numbers[3],
                    "tx_dropped": numbers[8 + 3],
                }
    raise Failed(f"no device {dev} in {netns}")


def mac(netns, dev):
    enter(netns)
    out = subprocess.run(
        ["ip", "-n", netns, "-o", "link", "show", dev], text=True, capture_output=True, check=True
    ).stdout
    return out.split("link/ether ")[1].split()[0]


def running(netns, dev):
    """Waits until the stack sends on a device: it hears of the carrier later."""
    for _ in range(100):
        state = subprocess.run(
            ["ip", "-n", netns, "-o", "link", "show", dev], text=True, capture_output=True, check=True
        ).stdout
        if " state UP " in state or " state UNKNOWN " in state:
            return
        time.sleep(0.1)
    raise Failed(f"{dev} in {netns} does not come up: {state.strip()}")


def switches():
    with open("/proc/stat") as file:
        for line in file:
            if line.startswith("ctxt "):
                return int(line.split()[1])
    raise Failed("no ctxt in /proc/stat")


def settle(limit=120):
    """Waits until nothing but ourselves runs: what links leave behind is over."""
    calm = 0
    for _ in range(limit * 4):
        before = switches()
        time.sleep(0.25)
        # A tick, the timer that wakes us, RCU: some remain.
        calm = calm + 1 if switches() - before < 40 else 0
        if calm == 4:
            return
    raise Failed("the machine does not become quiet")
