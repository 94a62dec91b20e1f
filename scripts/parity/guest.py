#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs scenarios on both sides, in a guest.

usage: guest.py [--both SIDE] FLAVOR [PATTERN...]

Prints JSON lines: {"plan": [...], "all": [...]}, then for each scenario
{"name": ..., "c": [STATUS, WHAT], "ours": [STATUS, WHAT], "seconds": ...}, where
STATUS is "seen" or "error". With --both c, rnetvirt's runs are done with the C
driver too.
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


def main(args):
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    both = None
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
            result[side.name] = bed.observe(registry.SCENARIOS[flavor][name], side, barrier, LIMIT)
        result["seconds"] = round(time.monotonic() - start, 2)
        say(result)
    return 0


def say(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
