# SPDX-License-Identifier: GPL-2.0
"""Fuzz that is led by what it reaches: sequences of messages, frames, or commands and
writes are changed at random, and one that reaches a part of the driver that none has
reached before, or more often, is kept to be changed in turn.

The driver has to be built to count, and rnetvirt_coverage.ko to be there (see
scripts/coverage.sh). What was kept depends on what the kernel did, so a seed alone does
not repeat a run; instead the sequence that is sent is in DIR/WHAT.txt, as
`stress.sh fuzz --replay` reads it, before it is sent.
"""

import os
import random
import subprocess
import time

import fuzz

DIR, HITS = "/run/coverage", "/sys/kernel/debug/rnetvirt_coverage/hits"
# A class of how often, as one bit: a counter's classes make a byte.
BITS = bytes([0, *(1 << bit for bit in range(8))]).ljust(256, b"\0")


class Reached:
    """What was reached by all so far."""

    def __init__(self):
        self.seen = self.size = 0

    def more(self):
        """How many counters have shown something new since the last call."""
        with open(HITS, "rb") as file:
            hits = file.read()
        self.size = max(self.size, len(hits))
        now = int.from_bytes(hits.translate(BITS), "little")
        new = now & ~self.seen
        self.seen |= now
        return sum(map(bool, new.to_bytes(len(hits), "little")))

    def count(self):
        return sum(map(bool, self.seen.to_bytes(self.size, "little")))


class Sequences:
    """Of items of a fuzzer, each a pair: its number, and seeds of what else is changed."""

    def __init__(self, seed, longest):
        self.rng, self.longest = random.Random(f"{seed}/guided"), longest
        self.kept = []

    def item(self):
        return self.rng.getrandbits(48), ()

    def fresh(self):
        return [self.item() for _ in range(self.rng.randrange(1, self.longest))]

    def next(self):
        rng = self.rng
        if not self.kept or rng.random() < 0.1:
            return self.fresh()
        # The latest have got furthest.
        back = int(len(self.kept) * rng.random() ** 2)
        found = list(self.kept[-1 - min(back, len(self.kept) - 1)])
        for _ in range(rng.choice([1, 1, 2, 4])):
            at = rng.randrange(len(found) + 1)
            what = rng.randrange(5)
            if what == 0:
                found.insert(at, self.item())
            elif what == 1:
                found[at:] = rng.choice(self.kept)[-rng.randrange(1, self.longest):]
            elif what == 2 and len(found) > 1:
                del found[min(at, len(found) - 1)]
            elif found:
                at = min(at, len(found) - 1)
                number, more = found[at]
                found[at] = (number, more + (rng.getrandbits(32),)) if what == 3 and len(more) < 8 else self.item()
        return found[:self.longest] or self.fresh()

    def keep(self, sequence):
        self.kept.append(sequence)


class Report:
    def __init__(self, board, what):
        self.board, self.what = board, what
        self.reached, self.done, self.kept = Reached(), 0, 0
        self.reached.more()

    def say(self):
        self.board.say(1, str(self.done))

    def end(self):
        self.board.say(0, f"{self.done} sequences of {self.what}, {self.kept} kept, "
                          f"{self.reached.count()} of {self.reached.size} counters reached")
        return None if self.kept else "nothing new was reached: the instrument is broken"


def note(what, lines):
    with open(f"{DIR}/{what}.txt", "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def send_all(board, fuzzer, seed, until):
    """As fuzz.send_all()."""
    import bed

    fuzzer.open()
    sequences, report = Sequences(seed, fuzzer.longest), Report(board, fuzzer.what)
    texts = []
    while time.monotonic() < until:
        # What a sequence meets, and its text has, is all since the last fresh links.
        if report.done % fuzzer.sequences == 0:
            fuzzer.reset()
            texts = []
        sequence = sequences.next()
        items = [fuzzer.make(seed, number, more) for number, more in sequence]
        texts += map(fuzzer.text, items)
        note(fuzzer.what, texts)
        report.reached.more()
        for item in items:
            fuzzer.send(item)
        if report.reached.more():
            sequences.keep(sequence)
            report.kept += 1
        report.done += 1
        report.say()
        if bed.tainted():
            return f"the kernel complained at sequence {report.done}"
    return report.end()


def run_taps(board, kind, flavors, seed, until):
    """The same by tap.c, which makes an operation of each number."""
    import bed
    import taps

    fuzzer = fuzz.Taps(kind, flavors)
    for place in fuzz.SPACES:
        bed.ns_add(place)
    taps.Shared(fresh=True)
    sequences, report = Sequences(seed, 64), Report(board, "taps")
    while time.monotonic() < until:
        process = taps.start("list", seed, *fuzzer.reset(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(200):
            sequence = sequences.next()
            numbers = " ".join(str(sum((number, *more)) & (1 << 48) - 1) for number, more in sequence)
            note("taps", [f"# scripts/stress/tap.c, list, seed {seed}", numbers])
            report.reached.more()
            print(numbers, file=process.stdin, flush=True)
            if process.stdout.readline() != "done\n":
                return f"tap has ended with status {process.wait()}: {numbers}"
            if report.reached.more():
                sequences.keep(sequence)
                report.kept += 1
            report.done += 1
            report.say()
            if bed.tainted():
                return f"the kernel complained at sequence {report.done}: {numbers}"
        process.stdin.close()
        if process.wait():
            return f"tap has ended with status {process.returncode}"
    return report.end()


def there():
    return os.path.exists(HITS)
