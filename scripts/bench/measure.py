#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: measures rows; one JSON object per row on stdout.

measure.py --clock instructions|time --rounds N --traffic PROGRAM ROW...
"""

import argparse
import json
import socket
import subprocess
import sys
import time

import frames
import polled
import rows
from busy import Busy
from guest import Failed, add_netns, counters, enter, ip, mac, running, say, settle
from polled import Polled

# Repeats of one row may differ by this much when the clock counts instructions.
AGREE = 0.001
# Those of all that runs, because a worker does part of it.
AGREE_LATER = 0.01
# A row says so itself ("agree") where memory comes in batches, from pools.
# In real time: rounds of a few milliseconds, and many of them, because a machine
# that also does other things disturbs some: longer ones would all be disturbed. A
# system call in user-mode Linux is very expensive.
REAL_TIME_FACTOR = {"pktgen": 0.25, "packet": 0.05, "sockets": 0.02, "tap": 0.05, "live": 0.25, "stats": 0.05}

PKTGEN = "/proc/self/net/pktgen"
FOREIGN = "02:00:00:00:00:99"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def write(path, text):
    # pktgen wants each command in one write of its own.
    try:
        with open(path, "w") as file:
            file.write(text + "\n")
    except OSError as err:
        raise Failed(f"pktgen refuses '{text}': {err}") from err


class Variant:
    """One row with one driver: its links, and how to send through them."""

    def __init__(self, row, which, args):
        self.row, self.which, self.args = row, which, args
        self.n1, self.n2 = f"{which}1", f"{which}2"
        topology, driver = row["topology"], which
        if which == "c" and "against" in row:
            topology, driver = row["against"], "ours"
        commands, receiver = rows.TOPOLOGIES[topology]
        self.receiver = None if which == "floor" or not receiver else getattr(self, receiver)
        # What is below goes with all that is on it.
        below = any(line.startswith("link add d0 ") for line in commands)
        self.last = "d0" if below and which != "floor" else "tx0"
        self.kind = rows.KINDS[row["flavor"]].get(driver)
        self.commands = rows.FLOOR if which == "floor" else commands
        self.tx = row.get("tx", "tx0")
        self.rx = row.get("rx", "rx0")
        self.count = row["count"]
        if which == "c" and "against" in row:
            self.rx = row.get("against_rx", self.rx)
            self.count = row.get("against_count", self.count)
        if args.clock == "time":
            self.count = round(self.count * REAL_TIME_FACTOR[row["method"]])
        if "burst" in row:
            self.burst = min(row["burst"], self.count)
            self.count -= self.count % self.burst

    def set_up(self):
        names = {"kind": self.kind, "n1": self.n1, "n2": self.n2}
        ip(self.n1, self.commands, **names)
        ip(self.n1, self.row.get("tx_setup", []), **names)
        if self.receiver:
            ip(self.receiver, self.row.get("rx_setup", []), **names)
            self.polled = Polled(self.row, self.home, self.which == "ours")
        to = self.row.get("mac", "rx")
        if to == "rx" and self.receiver:
            self.mac = mac(self.receiver, self.rx)
        else:
            self.mac = BROADCAST if to == "broadcast" else FOREIGN
        if self.row["method"] == "pktgen":
            # It goes with its device.
            enter(self.n1)
            write(f"{PKTGEN}/kpktgend_0", f"add_device {self.tx}")
            for option in (f"count {self.count}", "delay 0", f"dst_mac {self.mac}", *self.row["options"]):
                write(f"{PKTGEN}/{self.tx}", option)

    def home(self, dev):
        """The namespace of a device."""
        return self.receiver if dev == self.rx else self.n1

    def tear_down(self):
        ip(self.n1, [f"link delete {self.last}"])
        if self.which != "floor" and "second" in self.row:
            ip(self.n1, [f"link delete {self.row['second']}"])

    def seen(self):
        """What the counters of both ends say."""
        now = {"tx": counters(self.n1, self.tx)}
        if self.receiver:
            now["rx"] = counters(self.receiver, self.rx)
            if "also_rx" in self.row:
                now["also_rx"] = counters(self.receiver, self.row["also_rx"])
        if "also_tx" in self.row and self.which != "floor":
            now["also_tx"] = counters(self.n1, self.row["also_tx"])
        return now

    def round(self):
        """Sends, checks that all of it arrived; the cost of one."""
        before = self.seen()
        if "later" in self.row and self.args.clock == "instructions":
            answer = []
            ns = self.args.busy.count(lambda: answer.extend(getattr(self, self.row["method"])()))
            sent, _, exact = answer
        else:
            sent, ns, exact = getattr(self, self.row["method"])()
            if "later" in self.row:
                time.sleep(0.2)
        after = self.seen()
        for end, now in after.items():
            direction = end[-2:]
            moved = now[direction] - before[end][direction]
            dropped = sum(now[d] - before[end][d] for d in ("tx_dropped", "rx_dropped"))
            if end == "rx" and self.row.get("what") == "full":
                # Into the ring goes what comes before.
                dropped -= self.count
            if self.which == "ours" and end in self.row.get("lost", ()):
                # At first one packet of the sender is not, and one of all.
                dropped -= dropped if 0 <= sent - dropped <= 2 else sent
            dev = {"tx": self.tx, "rx": self.rx}.get(end, self.row.get(end))
            if (moved != sent if exact else moved < sent) or dropped:
                raise Failed(
                    f"{self.which}: {sent} sent, but {dev} counts {direction} {moved}, dropped {dropped}"
                )
        return ns / self.count

    def pktgen(self):
        enter(self.n1)
        write(f"{PKTGEN}/pgctrl", "start")
        with open(f"{PKTGEN}/{self.tx}") as file:
            text = file.read().partition("Result: ")[2]
        # OK: 11455(c11455+d0) usec, 10000 (60byte,0frags) ... errors: 0
        if not text.startswith("OK: ") or not text.rstrip().endswith("errors: 0"):
            raise Failed(f"{self.which}: pktgen: {text}")
        if int(text.split("usec, ")[1].split()[0]) != self.count:
            raise Failed(f"{self.which}: pktgen: {text}")
        if self.which != "floor" and "socket" in self.row:
            self.polled.empty(self.count)
        return self.count, int(text[4:].split("(")[0]) * 1000, True

    def traffic(self, *arguments):
        run = subprocess.run(
            [self.args.traffic, *map(str, arguments)], text=True, capture_output=True, check=False
        )
        if run.returncode:
            raise Failed(f"{self.which}: {run.stderr.strip()}")
        count, ns = map(int, run.stdout.split())
        if count != self.count:
            raise Failed(f"{self.which}: {count} instead of {self.count}")
        return ns

    def packet(self):
        frame = self.row["frame"]
        with open("/tmp/frame", "wb") as file:
            file.write(frames.arp(self.mac, frame["to"]) if frame["proto"] == "arp" else frames.build(self.mac, **frame))
        vnet = 1 if frame.get("gso") else 0
        # One more than is timed.
        return (
            self.count + 1,
            self.traffic("packet", self.n1, self.tx, self.count, "/tmp/frame", vnet),
            True,
        )

    def tap(self):
        row, what = self.row, self.row["what"]
        frame = row["frame"]
        if self.which == "floor" and what in ("read", "write"):
            # A system call that does nothing.
            return 0, self.traffic("null", self.count, self.burst, int(what == "write")), True
        data = frames.build(self.mac, to=socket.inet_aton(row["to"]), src=self.mac if row["same_mac"] else rows.MAC1, **frame)
        with open("/tmp/frame", "wb") as file:
            file.write(data if frame.get("gso") else bytes(frames.VNET_HDR_LEN) + data)
        ns = self.traffic(
            "tap", self.n1, self.tx, self.rx if self.receiver else "-", row["flags"], row["queues"], self.count,
            "/tmp/frame", self.burst, row["pieces"], what,
        )
        # One burst more than is timed.
        return self.count + self.burst, ns, True

    def sockets(self):
        mode, size = self.row["mode"], self.row["size"]
        family = 6 if "6" in mode[:4] else 4
        to = self.n2 if self.receiver else "-"
        if mode.startswith("udp"):
            segment = 1472 if mode.endswith("gso") else 0
            ns = self.traffic("udp", self.n1, to, family, size, self.count, segment)
            return (self.count + 1) * self.row.get("pieces", 1), ns, True
        both = 1 if mode.endswith("rr") else 0
        # How many packets that takes is TCP's affair.
        return 1, self.traffic("tcp", self.n1, to, family, size, self.count, both), False

    def live(self):
        enter(self.n1)
        frame = frames.build(self.mac, **self.row["frame"])
        return self.count, self.polled.live(self.tx, self.count, frame), True

    def stats(self):
        enter(self.n1)
        return 0, polled.read_stats(self.rx, self.count), True


def spread(values):
    return (max(values) - min(values)) / min(values)


def agreeing(values, rounds):
    """Those closest together, at least ROUNDS and two thirds of all: what a timer does in one
    round is not the packets' doing."""
    values = sorted(values)
    some = max(rounds, -(-2 * len(values) // 3))
    return min((values[at : at + some] for at in range(len(values) - some + 1)), key=spread)


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def measure(row, args):
    which = ["c", "ours"]
    # The floor is for subtracting, which only makes sense for instructions.
    if row.get("floor", True) and args.clock == "instructions":
        which.insert(0, "floor")
    variants = [Variant(row, name, args) for name in which]
    ready = []
    try:
        for variant in variants:
            variant.set_up()
            ready.append(variant)
        settle()
        for variant in variants:
            running(variant.n1, variant.tx)
        figures = {name: [] for name in which}
        rejected = 0
        for attempt in range(args.rounds + 6):
            # What one leaves to be freed later is not always the other's burden.
            for variant in variants if attempt % 2 else reversed(variants):
                figures[variant.which].append(variant.round())
            if attempt == 0:
                # Caches are filled and code is patched in the first.
                figures = {name: [] for name in which}
                continue
            if attempt < args.rounds:
                continue
            if args.clock == "time":
                break
            found = {n: agreeing(values, args.rounds) for n, values in figures.items()}
            agree = row.get("agree", AGREE_LATER if "later" in row else AGREE)
            bad = [n for n in which if spread(found[n]) > agree]
            if not bad:
                figures = found
                break
            rejected += 1
            settle()
        else:
            raise Failed(
                f"repeats differ by more than {agree * 100:g} %: "
                + ", ".join(f"{n} {[round(v, 1) for v in figures[n]]}" for n in bad)
            )
    finally:
        for variant in ready:
            variant.tear_down()
    return {
        "rejected": rejected,
        **{name: [round(v, 2) for v in figures[name]] for name in which},
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clock", choices=("instructions", "time"), required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--traffic", required=True)
    parser.add_argument("rows", nargs="+")
    args = parser.parse_args()

    for module in {row["flavor"] for row in rows.ROWS.values()} | {"pktgen", "dummy"}:
        subprocess.run(["modprobe", "-q", module], check=False)
    for netns in ("floor1", "c1", "c2", "ours1", "ours2"):
        add_netns(netns)
    say(f"measuring {len(args.rows)} rows ({args.clock})")
    later = args.clock == "instructions" and any("later" in rows.ROWS[name] for name in args.rows)
    args.busy = Busy(args.traffic) if later else None
    failed = 0
    for name in args.rows:
        begin = time.time()
        answer = {"row": name}
        try:
            answer.update(measure(rows.ROWS[name], args))
            shown = "  ".join(
                f"{w} {median(answer[w]):.1f}" for w in ("floor", "c", "ours") if w in answer
            )
        except (Failed, OSError) as err:
            failed += 1
            answer["error"] = shown = str(err)
        say(f"{name}: {shown}")
        answer["guest_seconds"] = round(time.time() - begin, 1)
        print(json.dumps(answer), flush=True)
    if later:
        args.busy.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
