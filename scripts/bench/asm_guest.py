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


def main():
    row = rows.ROWS[sys.argv[1]]
    # Of what comes in batches as many batches.
    row = dict(row, count=BURST * rows.BATCH.get(row["method"], 1))
    args = argparse.Namespace(clock="instructions", traffic=sys.argv[2])
    for module in (row["flavor"], "pktgen", "dummy"):
        subprocess.run(["modprobe", "-q", module], check=False)
    for netns in ("floor1", "c1", "c2", "ours1", "ours2"):
        add_netns(netns)
    for which in ("c", "ours"):
        variant = Variant(row, which, args)
        variant.set_up()
        settle()
        variant.round()
        with open("/proc/kallsyms") as file:
            for line in file:
                if line.rstrip().endswith("]") or line.endswith(" _text\n"):
                    print("symbol " + line, end="")
        print(f"ready {which}", flush=True)
        # The host steps through a packet of one of these.
        for _ in range(12):
            time.sleep(1)
            variant.round()
        print(f"over {which}", flush=True)
        variant.tear_down()


if __name__ == "__main__":
    try:
        main()
    except Failed as err:
        say(str(err))
        sys.exit(1)
