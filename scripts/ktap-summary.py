#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Shows nested KTAP readably while it comes, and counts its leaves.

Usage: ktap-summary.py [--counts FILE] NAME <KTAP

Exit status: 0, or 3 when something failed. Appends "PASSED FAILED SKIPPED" and a line "FAILED name" per failure to FILE.
Lines that begin with "# harness:" come from scripts/test.sh:
    # harness: expect FILE:KIND:TEST    a test that is going to run
    # harness: status N                 the exit status of what printed the KTAP
"""

import re
import sys
import time

RESULT = re.compile(r"^(\s*)(not )?ok (\d+)(?: -)?(?: ([^#]*?))?\s*(?:# *(SKIP|TODO|\w+)\b *(.*))?$", re.I)
PLAN = re.compile(r"^(\s*)1\.\.(\d+)(?: *# *(SKIP.*))?$", re.I)
SUBTEST = re.compile(r"^(\s*)# Subtest: (.*)$")
# What the kernel's KUnit adds to every test, and nobody reads.
NOISE = re.compile(r"^\s*# (\S+\.)?(speed|module): |^# (Totals|[^:]*): pass:\d+ fail:\d+ ")
HARNESS = re.compile(r"^# harness: (expect|status) (.*)$")


class Summary:
    def __init__(self, name):
        self.name = name
        self.passed = self.skipped = 0
        self.failures = []
        self.levels = []  # per open nesting level: Level
        self.expected = []  # tests announced, in the order of their coming
        self.seen = 0  # of those
        self.status = None
        self.last = time.monotonic()

    def lap(self):
        """Seconds since the previous result."""
        now = time.monotonic()
        took, self.last = now - self.last, now
        return took

    def feed(self, line):
        harness = HARNESS.match(line)
        if harness:
            if harness[1] == "expect":
                self.expected.append(harness[2])
            else:
                self.status = int(harness[2])
            return
        subtest = SUBTEST.match(line)
        plan = PLAN.match(line)
        result = RESULT.match(line)
        if subtest:
            self.level(len(subtest[1]))
            print(line)
        elif plan:
            self.level(len(plan[1])).plan = int(plan[2])
        elif result:
            self.result(result)
        elif re.match(r"^\s*(KTAP|TAP) version", line):
            self.lap()
        elif line.strip() and not NOISE.match(line):
            print(line)
        sys.stdout.flush()

    def level(self, indent):
        """The nesting level of that indentation; deeper ones stay until a result ends them."""
        for level in self.levels:
            if level.indent == indent:
                return level
        level = Level(indent)
        self.levels.append(level)
        self.levels.sort(key=lambda l: l.indent)
        return level

    def result(self, match):
        indent, bad, name = len(match[1]), bool(match[2]), (match[4] or "test " + match[3]).strip()
        directive, reason = (match[5] or "").upper(), match[6] or ""
        inner = [l for l in self.levels if l.indent > indent]
        self.levels = [l for l in self.levels if l.indent <= indent]
        level = self.level(indent)
        level.results += 1
        took = self.lap()

        if inner:
            ran = sum(l.results for l in inner)
            failures = [f for l in inner for f in l.all_failures()]
            if ran == 0 and directive != "SKIP":
                failures.append("no test ran")
            elif bad and not failures:
                failures.append("failed although its tests did not")
            level.failures += [f"{name}:{f}" for f in failures]
            print(f"{match[1]}{'FAILED' if bad or failures else 'ok':7} {name} ({ran} tests)")
            return
        self.expect(name)
        if directive == "SKIP":
            self.skipped += 1
            print(f"{match[1]}skip    {name}: {reason}")
        elif bad and directive != "TODO":
            level.failures.append(name)
            print(f"{match[1]}FAILED  {name} ({took:.1f} s)")
        else:
            self.passed += 1
            print(f"{match[1]}ok      {name} ({took:.1f} s)")

    def expect(self, name):
        """Moves on in the list of announced tests; load and unload are not in it."""
        for i in range(self.seen, len(self.expected)):
            if self.expected[i].split(":")[-1] == name:
                self.seen = i + 1
                return

    def finish(self):
        for level in self.levels:
            # What was announced by name is reported by name below.
            self.failures += level.failures if self.expected else level.all_failures()
        for name in self.expected[self.seen:]:
            print(f"FAILED  {name}: did not run")
            self.failures.append(f"{name}: did not run")
        if not self.passed and not self.failures and not self.skipped:
            self.failures.append(f"{self.name}: no test ran")
        if self.status != 0:
            reasons = {
                101: "the kernel complained",
                102: "the guest died or did not come up",
                124: "the time was over",
            }
            why = reasons.get(self.status, f"status {self.status}")
            if self.status in reasons or not self.failures:
                self.failures.append(f"{self.name}: {why}")
                print(f"FAILED  {self.name}: {why}")


class Level:
    """The results of one depth, until the result of the test around them comes."""

    def __init__(self, indent):
        self.indent = indent
        self.plan = None
        self.results = 0
        self.failures = []

    def all_failures(self):
        missing = max((self.plan or 0) - self.results, 0)
        return self.failures + ["a planned test did not run"] * missing


def main():
    arguments = sys.argv[1:]
    counts = None
    if arguments[:1] == ["--counts"]:
        counts = arguments[1]
        arguments = arguments[2:]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stdout if arguments in (["--help"], ["-h"]) else sys.stderr)
        sys.exit(0 if arguments in (["--help"], ["-h"]) else 2)
    summary = Summary(arguments[0])
    sys.stdin.reconfigure(errors="replace")
    sys.stdout.reconfigure(errors="replace")
    for line in sys.stdin:
        summary.feed(line.rstrip("\r\n"))
    summary.finish()
    if counts:
        with open(counts, "a", encoding="utf-8") as out:
            print(summary.passed, len(summary.failures), summary.skipped, file=out)
            for name in summary.failures:
                print("FAILED", name, file=out)
    else:
        print(f"{summary.passed} passed, {len(summary.failures)} failed, {summary.skipped} skipped")
    # Not 1, which is what a crash of this program gives.
    sys.exit(3 if summary.failures else 0)


main()
