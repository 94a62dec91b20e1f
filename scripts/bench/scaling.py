#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: what changes with the number of links; one JSON object per row.

scaling.py --rounds N --traffic PROGRAM ROW...
"""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import time

import frames
import links
import polled
import rows
from busy import Busy
from guest import Failed, add_netns, counters, enter, ip, mac, say, settle
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


def raise_all(netns, numbers):
    ip(netns, [f"link set {end}{n} up" for n in numbers for end in "ab"])


def kind_of(flavor, which):
    return rows.KINDS[flavor][which].split()[0]


def below(flavor, args):
    """What links of the flavor are on, in both namespaces."""
    if flavor != "veth":
        for netns in ("c1", "ours1"):
            netlink(args, netns, links.lower())


def nothing_below(flavor):
    if flavor != "veth":
        for netns in ("c1", "ours1"):
            ip(netns, ["link delete d0"])
        settle()


def ipv6(wanted):
    """Whether devices that come have IPv6: thousands ask for routers, and join groups."""
    for netns in ("c1", "ours1"):
        enter(netns)
        with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w") as file:
            file.write("0" if wanted else "1")


def clear(args):
    """After a row that failed: what the next one would find in its way."""
    for netns in ("c1", "ours1"):
        for undo in (lambda: netlink(args, netns, links.delete_group(GROUP)), lambda: ip(netns, ["link delete d0"])):
            with contextlib.suppress(Failed):
                undo()
    ipv6(True)
    settle()


def frame_to(address):
    """What nobody wants: an answer by ICMP, or a route that is looked up, would be
    measured too."""
    with open("/tmp/frame", "wb") as file:
        file.write(bytes.fromhex(address.replace(":", "") + "020000000001" + "88b5") + bytes(46))


def in_turn(work, args, agree=None):
    """work(kind) for the C driver and for ours, alternating."""
    figures = {"c": [], "ours": []}
    for attempt in range(args.rounds + 4):
        for which in figures if attempt % 2 else reversed(figures):
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
            netlink(args, netns, links.make(flavor, kind_of(flavor, which), made[which], to, GROUP))
            if flavor == "veth":
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


def receive(row, args):
    """From a wire to one of N endpoints, neither the first nor the last. They have no
    IPv6, so that none has something to say meanwhile."""
    lines = []
    ipv6(False)
    below(row["flavor"], args)
    grow = pairs_of(row["flavor"], args)
    for number in rows.ENDPOINTS:
        grow(number)
        target = f"a{number // 2}"

        def work(which, number=number, target=target):
            netns = f"{which}1"
            frame_to(links.address(number // 2).hex(":"))
            before = counters(netns, target)["rx"]
            ns = run(args, "packet", netns, "tx0", 20000, "/tmp/frame", 0)
            got = counters(netns, target)["rx"] - before
            if got != 20001:
                raise Failed(f"20001 packets sent in {netns}, {target} received {got}")
            return ns / 20000

        values = in_turn(work, args, 0.001)
        c, ours = median(values["c"]), median(values["ours"])
        lines.append([number, f"{c:.1f}", f"{ours:.1f}", f"{ours / c:.4f}"])
        say(f"  {number} endpoints: c {c:.1f}, ours {ours:.1f}")
    remove_all(args)
    nothing_below(row["flavor"])
    ipv6(True)
    return {"head": ["endpoints", "C", "ours", "ours / C"], "lines": lines}


def addresses(row, args):
    """From a wire to one of an endpoint's N addresses, neither the first nor the last."""
    lines, made = [], 0
    below(row["flavor"], args)
    pairs_of(row["flavor"], args)(1)
    to = {which: mac(f"{which}1", "d0") for which in ("c", "ours")}
    for number in rows.ENDPOINTS:
        for netns in ("c1", "ours1"):
            enter(netns)
            netlink(args, netns, links.addresses(socket.if_nametoindex("a0"), made, number))
        made = number
        settle()

        def work(which, number=number):
            netns = f"{which}1"
            with open("/tmp/frame", "wb") as file:
                file.write(frames.build(to[which], "udp4", 60, to=links.address4(number // 2)))
            before = counters(netns, "a0")["rx"]
            ns = run(args, "packet", netns, "tx0", 20000, "/tmp/frame", 0)
            got = counters(netns, "a0")["rx"] - before
            if got != 20001:
                raise Failed(f"20001 packets sent in {netns}, a0 received {got}")
            return ns / 20000

        values = in_turn(work, args, 0.001)
        c, ours = median(values["c"]), median(values["ours"])
        lines.append([number, f"{c:.1f}", f"{ours:.1f}", f"{ours / c:.4f}"])
        say(f"  {number} addresses: c {c:.1f}, ours {ours:.1f}")
    remove_all(args)
    nothing_below(row["flavor"])
    return {"head": ["addresses", "C", "ours", "ours / C"], "lines": lines}


def broadcast(row, args):
    """From a wire to all of N endpoints, also what is done in workqueues; not more
    packets at once than there is room for."""
    lines, count = [], 150
    below(row["flavor"], args)
    grow = pairs_of(row["flavor"], args)
    busy = Busy(args.traffic, lambda: netlink(args, "c1", b""))
    try:
        for number in rows.RECEIVERS:
            grow(number)

            def work(which, number=number):
                netns = f"{which}1"
                if row["flavor"] == "ipvlan":
                    # C counts what a protocol takes.
                    with open("/tmp/frame", "wb") as file:
                        file.write(frames.build("ff:ff:ff:ff:ff:ff", "udp4", 60))
                else:
                    frame_to("ff:ff:ff:ff:ff:ff")
                before = [counters(netns, f"a{n}")["rx"] for n in (0, number - 1)]
                cost = busy.count(lambda: run(args, "packet", netns, "tx0", count, "/tmp/frame", 0))
                got = [counters(netns, f"a{n}")["rx"] - was for n, was in zip((0, number - 1), before)]
                if got != [count + 1] * 2:
                    raise Failed(f"{count + 1} packets sent in {netns}, {got} received")
                return cost / count

            values = in_turn(work, args)
            c, ours = median(values["c"]), median(values["ours"])
            lines.append([number, f"{c:.0f}", f"{ours:.0f}", f"{ours / c:.3f}"])
            say(f"  {number} receivers: c {c:.0f}, ours {ours:.0f}")
    finally:
        busy.stop()
    remove_all(args)
    nothing_below(row["flavor"])
    return {"head": ["receivers", "C", "ours", "ours / C"], "lines": lines}


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


def link_lines(number, parts, values, unit):
    lines = []
    for at, part in enumerate(parts):
        c, ours = ([v[at] / number for v in values[which]] for which in ("c", "ours"))
        ratio = [o / c_ for c_, o in zip(c, ours)]
        middle = [f"{median(c):.0f}", f"{median(ours):.0f}"] if unit else ["1", f"{median(ratio):.3f}"]
        lines.append([f"{number}: {part}", *middle, f"{median(ratio):.3f}", f"{min(ratio):.3f}", f"{max(ratio):.3f}"])
        say(f"  {number}, {part}: ours / C {median(ratio):.3f}")
    return lines


LINK_HEAD = ["links", "C", "ours", "ours / C", "lowest", "highest"]


def links_row(row, args):
    """Links made, deleted one by one, made again, deleted together: instructions."""
    lines = []
    below(row["flavor"], args)
    busy = Busy(args.traffic, lambda: netlink(args, "c1", b""))
    try:
        for number in (16, 256):

            def work(which, number=number):
                netns = f"{which}1"
                make = links.make(row["flavor"], kind_of(row["flavor"], which), 0, number, GROUP)
                costs = (
                    busy.count(lambda: netlink(args, netns, make)),
                    busy.count(lambda: netlink(args, netns, links.delete(0, number))),
                )
                netlink(args, netns, make)
                return *costs, busy.count(lambda: netlink(args, netns, links.delete_group(GROUP)))

            values = in_turn(work, args)
            lines += link_lines(number, ("create", "delete one by one", "delete together"), values, True)
    finally:
        busy.stop()
    nothing_below(row["flavor"])
    return {"head": LINK_HEAD, "lines": lines}


def create_row(row, args):
    """The same in real time, as long as the requests take."""
    number = 256
    below(row["flavor"], args)

    def work(which):
        netns = f"{which}1"
        made = netlink(args, netns, links.make(row["flavor"], kind_of(row["flavor"], which), 0, number, GROUP))
        gone = netlink(args, netns, links.delete_group(GROUP))
        settle()
        return made, gone

    values = in_turn(work, args)
    nothing_below(row["flavor"])
    return {"head": LINK_HEAD, "lines": link_lines(number, ("create", "delete together"), values, False)}


def memory_now():
    with open("/proc/meminfo") as file:
        info = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
    return {"slab": info["Slab"], "per-CPU": info["Percpu"], "MemFree": -info["MemFree"]}


def with_queues(up, gro):
    """A function that makes pairs with 64 queues, of which one is active."""
    def work(args, netns, kind, numbers):
        netlink(args, netns, links.many_queues(kind, numbers.start, numbers.stop, GROUP, 64))
        enter(netns)
        ends = [f"{end}{n}" for n in numbers for end in "ab"]
        polled.one_channel(ends)
        if gro:
            polled.gro_on(ends)
        if up:
            raise_all(netns, numbers)
    return work


def memory_of_queues(up, gro):
    def work(row, args):
        ipv6(False)
        try:
            return memory(row, args, 40, with_queues(up, gro))
        finally:
            ipv6(True)
    return work


def memory(row, args, batch=200, make=None):
    """The difference that links make; no traffic has passed."""
    number = 0
    figures = {"c": [], "ours": []}
    below(row["flavor"], args)
    # A pair is two.
    ends = batch * (2 if row["flavor"] == "veth" else 1)
    # In turn, and none is deleted meanwhile: what the first bring with them (tables
    # that grow) or would leave free for the next would not be theirs.
    for attempt in range(6):
        for which, values in figures.items():
            netns, kind = f"{which}1", kind_of(row["flavor"], which)
            settle()
            before = memory_now()
            if make:
                make(args, netns, kind, range(number, number + batch))
            else:
                netlink(args, netns, links.make(row["flavor"], kind, number, number + batch, GROUP))
            settle()
            after = memory_now()
            if attempt:
                values.append({key: (after[key] - before[key]) / ends for key in after})
        number += batch
    remove_all(args)
    nothing_below(row["flavor"])
    lines = []
    for key, label in (("slab", "slab"), ("per-CPU", "per-CPU"), ("MemFree", "all (MemFree)")):
        # Memory comes in pages: the mean, not the median.
        c, ours = (sum(v[key] for v in values) / len(values) for values in figures.values())
        lines.append([label, f"{c:.0f}", f"{ours:.0f}", f"{ours / c:.3f}" if c > 0 else "-"])
    say(f"  {lines}")
    return {"head": ["bytes per link", "C", "ours", "ours / C"], "lines": lines}


WHAT = {
    "pairs": pairs,
    "receive": receive,
    "addresses": addresses,
    "broadcast": broadcast,
    "spread": spread_row,
    "links": links_row,
    "create": create_row,
    "memory": memory,
    "memory-64": memory_of_queues(up=False, gro=False),
    "memory-64-up": memory_of_queues(up=True, gro=False),
    "memory-64-polled": memory_of_queues(up=True, gro=True),
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
        except (Failed, OSError) as err:
            failed += 1
            answer["error"] = str(err)
            say(f"{name}: {err}")
            clear(args)
        print(json.dumps(answer), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
