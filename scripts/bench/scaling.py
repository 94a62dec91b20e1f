#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: what changes with the number of links; one JSON object per row.

scaling.py --rounds N --traffic PROGRAM ROW...
"""

import argparse
import json
import re
import subprocess
import sys
import time

import frames
import links
import rows
from guest import Failed, add_netns, counters, ip, mac, say, settle
from measure import median, spread

GROUP = 7


def run(args, *arguments):
    done = subprocess.run([args.traffic, *map(str, arguments)], text=True, capture_output=True, check=False)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return int(done.stdout.split()[1])


def netlink(args, netns, requests):
    with open("/tmp/requests", "wb") as file:
        file.write(requests)
    return run(args, "netlink", netns, "/tmp/requests")


def idle_ns():
    """How long the CPU has had nothing to do."""
    with open("/proc/timer_list") as file:
        found = re.findall(r"\.idle_sleeptime\s*:\s*(\d+) nsecs", file.read())
    if found:
        return sum(map(int, found))
    # Without that, what there is: in 10 ms.
    with open("/proc/stat") as file:
        return int(file.readline().split()[4]) * 10_000_000


def busy(work):
    """Nanoseconds that the CPU had something to do, until nothing is left of it."""
    settle()
    start, idle = time.monotonic_ns(), idle_ns()
    work()
    # What is freed after grace periods, and by workqueues, belongs to it.
    time.sleep(3)
    return time.monotonic_ns() - start - (idle_ns() - idle)


def raise_all(netns, numbers):
    ip(netns, [f"link set {end}{n} up" for n in numbers for end in "ab"])


def in_turn(work, args, agree=None):
    """work(kind) for the C driver and for ours, alternating."""
    figures = {"c": [], "ours": []}
    for attempt in range(args.rounds + 4):
        for which in figures:
            figures[which].append(work(which))
        # The first only warms up.
        if attempt >= args.rounds:
            last = {w: v[-args.rounds :] for w, v in figures.items()}
            if agree is None or all(spread(v) <= agree for v in last.values()):
                return last
    raise Failed(f"repeats differ by more than {agree * 100:g} %: {figures}")


def pairs_of(flavor, args):
    """A function that makes there be N pairs of either kind, all up."""
    made = {"c": 0, "ours": 0}

    def grow(to):
        for which, netns in (("c", "c1"), ("ours", "ours1")):
            kind = rows.KINDS[flavor][which].split()[0]
            netlink(args, netns, links.create(kind, made[which], to, GROUP))
            raise_all(netns, range(made[which], to))
            made[which] = to
        settle()

    return grow


def remove_all(args):
    for netns in ("c1", "ours1"):
        netlink(args, netns, links.delete_group(GROUP))
    settle()


def send(args, netns, devices, count):
    """Packets into the devices in turn; fails if one does not come out."""
    ends = {dev: counters(netns, dev.replace("a", "b"))["rx"] for dev in devices}
    with open("/tmp/frame", "wb") as file:
        # A foreign address: the driver's part is largest where the stack's is small.
        file.write(frames.build("02:00:00:00:00:99", "udp4", 60))
    ns = run(args, "packet", netns, ",".join(devices), count, "/tmp/frame", 0)
    got = sum(counters(netns, dev.replace("a", "b"))["rx"] - before for dev, before in ends.items())
    if got != count + 1:
        raise Failed(f"{count + 1} packets sent in {netns}, {got} received")
    return ns / count


def pairs(row, args):
    """The last of N pairs carries the packets."""
    lines = []
    grow = pairs_of(row["flavor"], args)
    for number in rows.PAIRS:
        grow(number)
        values = in_turn(lambda which: send(args, f"{which}1", [f"a{number - 1}"], 20000), args, 0.001)
        c, ours = median(values["c"]), median(values["ours"])
        lines.append([number, f"{c:.1f}", f"{ours:.1f}", f"{ours / c:.4f}"])
        say(f"  {number} pairs: c {c:.1f}, ours {ours:.1f}")
    remove_all(args)
    return {"head": ["pairs", "C", "ours", "ours / C"], "lines": lines}


def spread_row(row, args):
    """Each packet takes another pair: what a packet touches is not in the cache."""
    lines = []
    grow = pairs_of(row["flavor"], args)
    for number in rows.PAIRS:
        grow(number)
        devices = [f"a{n}" for n in range(number)]
        count = 200000 // number * number
        values = in_turn(lambda which: send(args, f"{which}1", devices, count), args)
        ratio = [o / c for c, o in zip(values["c"], values["ours"])]
        base = median(values["c"])
        lines.append(
            [number, "1", f"{median(values['ours']) / base:.3f}", f"{min(ratio):.3f}", f"{max(ratio):.3f}"]
        )
        say(f"  {number} pairs in turn: ours / C {median(ratio):.3f}")
    remove_all(args)
    return {"head": ["pairs", "C", "ours", "lowest", "highest"], "lines": lines}


def creation(row, args, number, unit):
    """N pairs made, deleted one by one, made again, deleted together."""
    parts = {"create": {}, "delete one by one": {}, "delete together": {}}

    def work(which):
        netns, kind = f"{which}1", rows.KINDS[row["flavor"]][which].split()[0]
        costs = (
            busy(lambda: netlink(args, netns, links.create(kind, 0, number, GROUP))),
            busy(lambda: netlink(args, netns, links.delete(0, number))),
        )
        netlink(args, netns, links.create(kind, 0, number, GROUP))
        costs += (busy(lambda: netlink(args, netns, links.delete_group(GROUP))),)
        return costs

    values = in_turn(work, args)
    for at, part in enumerate(parts):
        parts[part] = {w: [v[at] / number for v in values[w]] for w in values}
    say(f"  {number} pairs: " + ", ".join(f"{p} {median(v['ours']) / median(v['c']):.3f}" for p, v in parts.items()))
    lines = []
    for part, figures in parts.items():
        c, ours = median(figures["c"]), median(figures["ours"])
        ratio = [o / c_ for c_, o in zip(figures["c"], figures["ours"])]
        lines.append(
            [f"{number}: {part}"]
            + ([f"{c:.0f}", f"{ours:.0f}", f"{ours / c:.3f}"] if unit else ["1", f"{ours / c:.3f}", "-"])
            + [f"{min(ratio):.3f}", f"{max(ratio):.3f}"]
        )
    return lines


def link_rows(row, args, numbers, unit):
    lines = []
    for number in numbers:
        lines += creation(row, args, number, unit)
    return {"head": ["pairs", "C", "ours", "ours / C", "lowest", "highest"], "lines": lines}


def memory_now():
    with open("/proc/meminfo") as file:
        info = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
    return {"slab": info["Slab"], "per-CPU": info["Percpu"], "MemFree": -info["MemFree"]}


def memory(row, args):
    """The difference that N pairs make; no traffic has passed."""
    number = 1000
    figures = {}
    for which in ("c", "ours"):
        netns, kind = f"{which}1", rows.KINDS[row["flavor"]][which].split()[0]
        # What the first ones bring with them (tables that grow, say) is not theirs.
        netlink(args, netns, links.create(kind, 0, 200, GROUP))
        settle()
        before = memory_now()
        netlink(args, netns, links.create(kind, 200, 200 + number, GROUP))
        settle()
        after = memory_now()
        figures[which] = {key: (after[key] - before[key]) / number / 2 for key in after}
        netlink(args, netns, links.delete_group(GROUP))
        settle()
    lines = [
        [key, f"{figures['c'][key]:.0f}", f"{figures['ours'][key]:.0f}", f"{figures['ours'][key] / figures['c'][key]:.3f}"]
        for key in ("slab", "per-CPU", "MemFree")
    ]
    lines[-1][0] = "all (MemFree)"
    say(f"  {lines}")
    return {"head": ["bytes per link", "C", "ours", "ours / C"], "lines": lines}


WHAT = {
    "pairs": pairs,
    "spread": spread_row,
    "links": lambda row, args: link_rows(row, args, (16, 1024), True),
    "create": lambda row, args: link_rows(row, args, (256,), False),
    "memory": memory,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--traffic", required=True)
    parser.add_argument("rows", nargs="+")
    args = parser.parse_args()
    known = {**rows.SCALING, **rows.SCALING_TIME}
    for module in {row["flavor"] for row in known.values()} | {"dummy"}:
        subprocess.run(["modprobe", "-q", module], check=False)
    for netns in ("c1", "ours1"):
        add_netns(netns)
    failed = 0
    for name in args.rows:
        say(name)
        answer = {"row": name}
        try:
            answer.update(WHAT[known[name]["what"]](known[name], args))
        except Failed as err:
            failed += 1
            answer["error"] = str(err)
            say(f"{name}: {err}")
        print(json.dumps(answer), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
