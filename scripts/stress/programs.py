# SPDX-License-Identifier: GPL-2.0
"""A worker of races.py with XDP programs."""

import os
import socket
import struct

import packets
import xdp
from bed import ethtool, inside
from worker import Worker


class Programs(Worker):
    """XDP programs, which are attached, replaced and taken away, and frames that one redirects."""

    # What is sent on becomes shorter: between two ends with such programs it would go on for ever.
    STEPS = (("pass",), ("drop",), ("tail:-20", "swap", "tx"), ("frags", "pass"), ("frags", "tail:-40", "pass"),
             ("aborted",), ("head:-16", "pass"), ("head:14", "pass"), ("meta:16", "pass"),
             ("head:-8", "tail:-40", "swap", "tx"))

    def prepare(self):
        self.programs = [xdp.build(steps) for steps in self.STEPS]

    def step(self):
        rng, place, name = self.rng, self.place(), self.rng.choice(self.names)
        what = rng.choice(("attach", "attach", "detach", "redirect", "frames", "gso"))
        self.say(f"{place}: {what}, {name}")
        with inside(place):
            if what == "detach":
                xdp.attach(name, -1)
                return
            if what == "gso":
                # Whether it is shown packets that are to be cut (ETHTOOL_SPFLAGS).
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    ethtool(sock, name, struct.pack("=II", 0x28, rng.getrandbits(1)))
                return
            program = rng.choice(self.programs)
            if what != "attach":
                # Those with low numbers, whatever they are, in this namespace.
                program = xdp.build(("tail:-20", f"redirect:{rng.randrange(1, 40)}",))
            try:
                if what == "frames":
                    xdp.run_live(program, rng.randrange(1, 300), packets.frame(rng, limit=1500).data[:1500].ljust(60))
                else:
                    xdp.attach(name, program)
            finally:
                if program not in self.programs:
                    os.close(program)
