#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: sends the packets of a row while the host steps through one.

asm_guest.py ROW TRAFFIC
"""

import argparse
import subprocess
import sys
import time

import rows
from guest import Failed, add_netns, say, settle
from measure import Variant

BURST = 8


def variant(row, which, traffic):
    # Of what comes in batches as many batches; a ring that is to be full is so after a whole burst.
    count = row["burst"] if row.get("what") == "full" else BURST * rows.BATCH.get(row["method"], 1)
    # Nobody counts what is done later.
    return Variant(dict(row, count=count), which, argparse.Namespace(clock=None, traffic=traffic))


def main():
    row = rows.ROWS[sys.argv[1]]
    for module in (row["flavor"], "pktgen", "dummy"):
        subprocess.run(["modprobe", "-q", module], check=False)
    for netns in ("floor1", "c1", "c2", "ours1", "ours2"):
        add_netns(netns)
    for which in ("c", "ours"):
        one = variant(row, which, sys.argv[2])
        one.set_up()
        settle()
        one.round()
        with open("/proc/kallsyms") as file:
            for line in file:
                if line.split(maxsplit=2)[1] in "tTwW":
                    print("symbol " + line, end="")
        print(f"ready {which}", flush=True)
        # The host steps through a packet of one of these.
        for _ in range(12):
            time.sleep(1)
            one.round()
        print(f"over {which}", flush=True)
        one.tear_down()


if __name__ == "__main__":
    try:
        main()
    except Failed as err:
        say(str(err))
        sys.exit(1)
