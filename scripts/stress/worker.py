# SPDX-License-Identifier: GPL-2.0
"""What workers of races.py have in common."""

import os

import bed
from bed import inside

SPACES = ["r0", "r1", "r2"]
PAIRS = [f"d{n}" for n in range(5)]
ENDPOINTS = {flavor: [f"{letter}{n}" for n in range(5)]
             for flavor, letter in (("macvlan", "e"), ("ipvlan", "i"), ("macvtap", "t"), ("ipvtap", "j"))}


class Worker:
    pause = 0.0
    until = 0.0

    def __init__(self, kind, flavors, rng):
        self.kind, self.flavors, self.rng = kind, flavors, rng
        self.stacked = bed.stacked(kind, flavors)
        self.names = [*PAIRS, *(name for flavor in self.stacked for name in ENDPOINTS[flavor])]

    def prepare(self):
        """In the worker's own process."""

    def step(self):
        """One operation; returns what it was. It may fail as it likes."""
        raise NotImplementedError

    def place(self):
        return self.rng.choice(SPACES)

    def name(self):
        return "name:" + self.rng.choice(self.names)

    @staticmethod
    def index(place, name):
        with inside(place):
            return bed.ifindex(name)

    def address(self):
        return "addr:02" + self.rng.randbytes(5).hex()

    def maybe(self, chance, *tokens):
        return tokens if self.rng.random() < chance else ()

    def request(self, verb, *tokens):
        self.request_in(self.place(), verb, *tokens)

    def request_in(self, place, verb, *tokens):
        self.say(f"{place}: {verb} {' '.join(tokens)}")
        error = bed.request(place, verb, *tokens)
        if error:
            raise OSError(error, os.strerror(error))
