#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Shows nested KTAP readably while it comes, and counts its leaves.

Usage: ktap-summary.py [--counts FILE] [--expect FILE] NAME <KTAP
       ktap-summary.py [--counts FILE] [--expect FILE] NAME=FILE...

Several files, pipes that is, are read at once; the tests of a group are shown when the group
has ended. --expect has the tests that are going to run, in whichever of them, each as the
NAME up to a dot, the name of its group and its own, with a colon between them.

Exit status: 0, or 3 when something failed. Appends "PASSED FAILED SKIPPED" and a line "FAILED name" per failure to FILE.
Lines that begin with "# harness:" come from scripts/test.sh:
    # harness: status N                 the exit status of what printed the KTAP
"""

import argparse
import re
import sys
import threading
import time

RESULT = re.compile(r"^(\s*)(not )?ok (\d+)(?: -)?(?: ([^#]*?))?\s*(?:# *(SKIP|TODO|\w+)\b *(.*))?$", re.I)
PLAN = re.compile(r"^(\s*)1\.\.(\d+)(?: *# *(SKIP.*))?$", re.I)
SUBTEST = re.compile(r"^(\s*)# Subtest: (.*)$")
# What the kernel's KUnit adds to every test, and nobody reads.
NOISE = re.compile(r"^\s*# (\S+\.)?(speed|module): |^# (Totals|[^:]*): pass:\d+ fail:\d+ ")
HARNESS = re.compile(r"^# harness: (status) (.*)$")


class Summary:
    """What one file has said."""

    def __init__(self, name, expected, at_once):
        self.name = name
        self.kernel = name.partition(".")[0]
        self.passed = self.skipped = 0
        self.failures = []
        self.levels = []  # per open nesting level: Level
        self.expected = expected  # tests announced, of which is taken what has run
        # Whether any test of this one was; what is not a guest's has only its own plan.
        self.announced = any(name.startswith(self.kernel + ":") for name in expected)
        self.status = None
        self.finished = False
        self.at_once = at_once
        self.held = []  # lines not shown yet
        self.last = time.monotonic()

    def lap(self):
        """Seconds since the previous result."""
        now = time.monotonic()
        took, self.last = now - self.last, now
        return took

    def feed(self, line):
        harness = HARNESS.match(line)
        if harness:
            self.status = int(harness[2])
            return
        subtest = SUBTEST.match(line)
        plan = PLAN.match(line)
        result = RESULT.match(line)
        if subtest:
            self.level(len(subtest[1])).name = subtest[2]
            self.show(line)
        elif plan:
            self.level(len(plan[1])).plan = int(plan[2])
        elif result:
            self.result(result)
        elif re.match(r"^\s*(KTAP|TAP) version", line):
            self.lap()
        elif line.strip() and not NOISE.match(line):
            self.show(line)
        if self.at_once or result and not result[1]:
            self.flush()

    def show(self, line):
        self.held.append(line)

    def flush(self):
        """In one piece, since others print, too."""
        if self.held:
            sys.stdout.write("".join(line + "\n" for line in self.held))
            sys.stdout.flush()
        self.held = []

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
            self.show(f"{match[1]}{'FAILED' if bad or failures else 'ok':7} {name} ({ran} tests, "
                      f"{sum(l.took for l in inner):.0f} s)")
            return
        level.took += took
        self.expected.discard(f"{self.kernel}:{level.name}:{name}")
        if directive == "SKIP":
            self.skipped += 1
            self.show(f"{match[1]}skip    {name}: {reason}")
        elif bad and directive != "TODO":
            level.failures.append(name)
            self.show(f"{match[1]}FAILED  {name} ({took:.1f} s)")
        else:
            self.passed += 1
            self.show(f"{match[1]}ok      {name} ({took:.1f} s)")

    def finish(self):
        for level in self.levels:
            # What was announced by name is reported by name below.
            self.failures += level.failures if self.announced else level.all_failures()
        if not self.passed and not self.failures and not self.skipped and not self.announced:
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
                self.show(f"FAILED  {self.name}: {why}")
        self.flush()


class Level:
    """The results of one depth, until the result of the test around them comes."""

    def __init__(self, indent):
        self.indent = indent
        self.name = None
        self.took = 0.0
        self.plan = None
        self.results = 0
        self.failures = []

    def all_failures(self):
        missing = max((self.plan or 0) - self.results, 0)
        return self.failures + ["a planned test did not run"] * missing


def follow(summary, source):
    # Opened here, since a pipe may have to wait for its writer.
    with open(source, encoding="utf-8", errors="replace") as source:
        for line in source:
            summary.feed(line.rstrip("\r\n"))
    summary.finish()
    summary.finished = True


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("--counts")
    arguments.add_argument("--expect")
    arguments.add_argument("names", nargs="+", metavar="NAME")
    options = arguments.parse_args()
    expected = set()
    if options.expect:
        with open(options.expect, encoding="utf-8") as file:
            expected = set(file.read().split())
    sys.stdout.reconfigure(errors="replace")
    sources = {}
    for name in options.names:
        name, _, path = name.partition("=")
        sources[name] = path or 0
    summaries = [Summary(name, expected, len(sources) == 1) for name in sources]
    threads = [threading.Thread(target=follow, args=(summary, sources[summary.name]))
               for summary in summaries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not all(summary.finished for summary in summaries):
        sys.exit(1)
    failures = [failure for summary in summaries for failure in summary.failures]
    for name in sorted(expected):
        print(f"FAILED  {name}: did not run")
        failures.append(f"{name}: did not run")
    passed = sum(summary.passed for summary in summaries)
    skipped = sum(summary.skipped for summary in summaries)
    if options.counts:
        with open(options.counts, "a", encoding="utf-8") as out:
            print(passed, len(failures), skipped, file=out)
            for name in failures:
                print("FAILED", name, file=out)
    else:
        print(f"{passed} passed, {len(failures)} failed, {skipped} skipped")
    # Not 1, which is what a crash of this program gives.
    sys.exit(3 if failures else 0)


main()
