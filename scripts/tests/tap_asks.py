#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a request for who has an address to a tap, and tells what comes back there.

usage: tap_asks.py NETNS NODE WHAT    WHAT as frames.py's seeks has it
"""

import os
import select
import sys

from frames import WAIT, NOTHING, question, told
from inside import inside

HEADER = 10     # struct virtio_net_hdr


def main(namespace, node, words):
    with inside(namespace):
        tap = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    os.write(tap, bytes(HEADER) + question(words)[0])
    seen = []
    while select.select([tap], [], [], WAIT if not seen else NOTHING)[0]:
        if what := told(os.read(tap, 1 << 17)[HEADER:], words):
            seen.append(what)
    print(", ".join(seen) or "nothing")


if __name__ == "__main__":
    main(*sys.argv[1:])
