#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: how long a ping waits behind a slow receiver, and how many packets that gets through. One sends without
pause on the first processor, by a queueing discipline and a polled pair; the other end has 1,000 rules of nftables. It
is polled by a thread on the last one, or by whoever sends. With -icount time is that of instructions.

waiting.py [ROUNDS SECONDS]
"""

import multiprocessing
import os
import re
import socket
import statistics
import subprocess
import sys
import time

from guest import enter

OTHER = os.cpu_count() - 1
KINDS = {"c": "veth", "ours": "rnetvirt flavor veth"}


def run(line, **more):
    return subprocess.run(line, shell=True, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def set_up(name, kind):
    run(f"""
        ip netns add {name}1; ip netns add {name}2
        ip -n {name}1 link add v0 type {kind} peer name v1 netns {name}2
        ip -n {name}1 address add 10.0.0.1/24 dev v0; ip -n {name}2 address add 10.0.0.2/24 dev v1
        ip netns exec {name}1 ethtool -K v0 tso off; ip netns exec {name}2 ethtool -K v1 gro on
        ip -n {name}1 link set v0 up; ip -n {name}2 link set v1 up
        ip netns exec {name}1 tc qdisc add dev v0 root fq_codel
    """)
    rules = "\n".join(f"udp dport {port} counter" for port in range(1, 1001))
    run(f"ip netns exec {name}2 nft -f -", input=f"""
        table inet t {{ chain c {{ type filter hook input priority 0;
        {rules}
        udp dport 9999 drop
        }}
        }}
        """)


def threaded(name, on):
    run(f"ip netns exec {name}2 sh -c 'echo {on} >/sys/class/net/v1/threaded'")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open(f"/proc/{pid}/comm", encoding="ascii").read().startswith("napi/v1"):
                os.sched_setaffinity(int(pid), {OTHER})
        except OSError:
            pass


def flood():
    os.sched_setaffinity(0, {0})
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # Not what limits: room for more than the ring.
    sock.setsockopt(socket.SOL_SOCKET, 32, 4 << 20)
    sock.connect(("10.0.0.2", 9999))
    data = bytes(100)
    while True:
        try:
            sock.send(data)
        except OSError:
            pass


def received(name):
    return int(run(f"ip netns exec {name}2 cat /sys/class/net/v1/statistics/rx_packets"))


def measure(name, seconds):
    enter(f"{name}1")
    sender = multiprocessing.Process(target=flood, daemon=True)
    sender.start()
    time.sleep(1)
    before, start = received(name), time.monotonic()
    out = subprocess.run(f"taskset -c {OTHER} ping -n -i 0.1 -W 3 -w {seconds} 10.0.0.2", shell=True, check=False, text=True,
                         stdout=subprocess.PIPE).stdout
    rate = (received(name) - before) / (time.monotonic() - start)
    sender.kill()
    sender.join()
    time.sleep(1)
    times = [float(found) for found in re.findall(r"time=([\d.]+)", out)]
    return statistics.median(times), rate, len(times)


def main():
    rounds, seconds = (int(number) for number in sys.argv[1:]) if sys.argv[1:] else (3, 5)
    run("modprobe veth")
    for name, kind in KINDS.items():
        set_up(name, kind)
    for on in (1, 0):
        found = {name: [] for name in KINDS}
        for name in KINDS:
            threaded(name, on)
        for _ in range(rounds):
            for name in KINDS:
                found[name].append(measure(name, seconds))
        for name, figures in found.items():
            shown = "  ".join(f"{ms:.2f} ms {rate:.0f}/s ({pings})" for ms, rate, pings in figures)
            print(f"{'threaded' if on else 'softirq '}  {name:<4}  {shown}", flush=True)


main()
