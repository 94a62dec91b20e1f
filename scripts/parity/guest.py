#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs scenarios on both sides, in a guest.

usage: guest.py [--both SIDE | --drop-in] FLAVOR [PATTERN...]

Prints JSON lines: {"plan": [...], "all": [...]}, then for each scenario
{"name": ..., "c": [STATUS, WHAT], "ours": [STATUS, WHAT], "seconds": ...}, where
STATUS is "seen" or "error". With --both c, rnetvirt's runs are done with the C
driver too. With --drop-in all of C's are done first; then its module goes, and
rnetvirt's have its kind.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import bed  # noqa: E402
import flavors  # noqa: E402
import registry  # noqa: E402

LIMIT = 60  # seconds, for one run of one scenario


def load(module):
    """If it is not there yet."""
    if os.path.exists("/sys/module/" + module):
        return
    file = os.environ.get(f"PARITY_{module.upper()}_KO")
    subprocess.run(["insmod", file] if file else ["modprobe", module], check=True)


# Scenarios that need the C driver's module on both sides.
NEED_C = {"create-lower-c-macvtap"}
# Modules that have to go before one can.
USERS = {"macvlan": ["macvtap"], "ipvlan": ["ipvtap"]}
KINDS = "/sys/module/rnetvirt/parameters/kinds"


def take_over(flavor):
    """Has rnetvirt serve the kind of the C driver."""
    for module in (*USERS.get(flavor, ()), flavor):
        if os.path.exists("/sys/module/" + module):
            subprocess.run(["rmmod", module], check=True)
    with open(KINDS, "w", encoding="ascii") as file:
        file.write(flavor)


def observe(side, flavor, name, barrier):
    """Runs a scenario on one side. The kernel log says for how long only the C driver had links: the "Dead loop"
    that it is told of then is its own, see scripts/kmsg-check.sh."""
    is_c = side.module != "rnetvirt"
    if is_c:
        note("only the C driver has links")
    try:
        return bed.observe(registry.SCENARIOS[flavor][name], side, barrier, LIMIT)
    finally:
        if is_c:
            # What it has sent, and its links, are gone by then.
            barrier.links()
            note("so far only the C driver had links")


def note(text):
    with open("/dev/kmsg", "w", encoding="ascii") as file:
        file.write("rnetvirt-guest: " + text)


def one_side(side, flavor, names):
    """The names with what was seen on that side."""
    barrier = bed.Barrier(side.peer)
    for name in names:
        start = time.monotonic()
        seen = observe(side, flavor, name, barrier)
        yield {"name": name, side.name: seen, "seconds": round(time.monotonic() - start, 2)}


def drop_in(flavor, names):
    """All scenarios on one side, then on the other one: they cannot be there together."""
    c, ours = flavors.drop_in(flavor)
    load(c.module)
    load(c.peer)
    # In a process of its own, with which all goes that keeps the module in use.
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with open(write, "w", encoding="utf-8") as file:
            for result in one_side(c, flavor, names):
                print(json.dumps(result), file=file, flush=True)
        os._exit(0)
    os.close(write)
    with open(read, encoding="utf-8") as file:
        results = {result["name"]: result for result in map(json.loads, file)}
    os.waitpid(child, 0)
    subprocess.run(["ip", "netns", "del", "barrier"], check=True)
    take_over(flavor)
    for result in one_side(ours, flavor, names):
        result["seconds"] += results[result["name"]]["seconds"]
        say(results[result["name"]] | result)


def main(args):
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    both = None
    if args[0] == "--drop-in":
        flavor, globs = args[1], args[2:]
        registry.load()
        load("rnetvirt")
        names, everything = (
            [name for name in registry.names(flavor, which) if name not in NEED_C] for which in (globs, []))
        say({"plan": names, "all": everything})
        drop_in(flavor, names)
        return 0
    if args[0] == "--both":
        both, args = args[1], args[2:]
    flavor, globs = args[0], args[1:]
    registry.load()
    sides = flavors.sides(flavor, both)
    for module in dict.fromkeys(name for side in sides for name in (side.module, side.peer)):
        load(module)
    names = registry.names(flavor, globs)
    say({"plan": names, "all": registry.names(flavor)})
    barrier = bed.Barrier(sides[0].peer)
    for name in names:
        start = time.monotonic()
        result = {"name": name}
        for side in sides:
            result[side.name] = observe(side, flavor, name, barrier)
        result["seconds"] = round(time.monotonic() - start, 2)
        say(result)
    return 0


def say(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
