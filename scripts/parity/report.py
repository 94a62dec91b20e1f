#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Judges what guest.py recorded, while it comes.

usage: report.py [--ktap] [--drop-in] [--declared FILE] --save DIRECTORY FLAVOR <RECORD
       report.py --list FLAVOR [PATTERN...]

Without a file of declared differences everything must be the same.
Prints a table, or KTAP with --ktap; what differs is shown on both sides. Leaves
the record and the KTAP in DIRECTORY, as FLAVOR.json and .ktap, or FLAVOR-part.json
and .ktap if they are not of all scenarios. The last line is "N passed, N failed"; the
exit status is 0 if something passed and nothing failed, 3 if something failed.
"""

import argparse
import difflib
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

import compare  # noqa: E402
import registry  # noqa: E402

WIDE = 32


def details(verdict):
    """Lines that explain anything but "same"."""
    for side, text in verdict.errors.items():
        yield f"{side}: error: {text}"
    for difference in collapsed([d for d in verdict.differences if not d.declared]):
        yield f"{difference.field}:"
        yield from both_sides(difference.c, difference.ours)
    for entry in verdict.stale:
        yield f"declared, but the same here: {entry}"


def collapsed(differences):
    """A group of three or more fields that one side lacks, as one."""
    groups = {}
    for difference in differences:
        parent, _, leaf = difference.field.rpartition(".")
        sides = (difference.c == compare.ABSENT, difference.ours == compare.ABSENT)
        groups.setdefault((parent, sides) if any(sides) else difference.field, []).append((leaf, difference))
    for key, group in groups.items():
        if isinstance(key, str) or len(group) < 3:
            yield from (difference for _, difference in group)
            continue
        parent, (c, ours) = key
        values = [" ".join(f"{leaf}={getattr(d, side)}" for leaf, d in group) for side in ("c", "ours")]
        yield compare.Difference(parent + ".*", compare.ABSENT if c else values[0], compare.ABSENT if ours else values[1])


def both_sides(c, ours):
    lists = [as_list(text) for text in (c, ours)]
    if None in lists:
        yield f"    c:    {c}"
        yield f"    ours: {ours}"
        return
    for line in difflib.ndiff(*lists):
        if line[0] != "?":
            yield {"-": "    c:    ", "+": "    ours: "}.get(line[0], "    both: ") + line[2:]


def as_list(text):
    if not text.startswith("["):
        return None
    value = json.loads(text)
    return value if all(isinstance(item, str) for item in value) else None


class Table:
    """For people."""

    def begin(self, total):
        print(f"{'scenario':{WIDE}} {'verdict':8} fields  reason")

    def line(self, verdict):
        reason = "; ".join(verdict.reasons)
        print(f"{verdict.name:{WIDE}} {verdict.word:8} {verdict.fields:6}  {reason}".rstrip())
        for line in details(verdict):
            print("    " + line)

    def end(self, counts):
        print("\n" + ", ".join(f"{number} {word}" for word, number in counts.items()))


class Ktap:
    """For programs."""

    def __init__(self, file):
        self.file = file
        self.number = 0

    def begin(self, total):
        self.print("KTAP version 1")
        self.print(f"1..{total}")

    def line(self, verdict):
        self.number += 1
        for line in details(verdict):
            self.print("# " + line)
        for difference in verdict.differences:
            if difference.declared:
                self.print(f"# {difference.declared.kind}: {difference.field}: "
                           f"{difference.c} | {difference.ours}: {difference.declared.reason}")
        self.print(f"{'' if verdict.passed else 'not '}ok {self.number} {verdict.name} # {verdict.word}")

    def end(self, counts):
        pass

    def print(self, line):
        print(line, file=self.file, flush=True)


def report(args):
    ours = "drop-in" if args.drop_in else "rnetvirt"
    declared = compare.declarations(args.declared, args.flavor, ours) if args.declared else []
    save = pathlib.Path(args.save)
    save.mkdir(parents=True, exist_ok=True)
    counts, ran, plan, everything = {}, [], [], []
    # What is finished replaces the last record, what is cut off does not.
    unfinished = {kind: save / f".{args.flavor}.{kind}.{os.getpid()}" for kind in ("json", "ktap")}
    with open(unfinished["ktap"], "w", encoding="utf-8") as ktap, \
            open(unfinished["json"], "w", encoding="utf-8") as record:
        outputs = [Ktap(ktap), Ktap(sys.stdout) if args.ktap else Table()]

        def show(verdict):
            counts[verdict.word] = counts.get(verdict.word, 0) + 1
            for output in outputs:
                output.line(verdict)
            sys.stdout.flush()

        for line in sys.stdin:
            try:
                result = json.loads(line)
            except ValueError:
                # The guest's last word may be cut: what it was about did not run.
                continue
            record.write(line)
            if "plan" in result:
                plan, everything = result["plan"], result["all"]
                for output in outputs:
                    # One more: the declared differences that nothing needed.
                    output.begin(len(plan) + 1)
                continue
            ran.append(result["name"])
            show(compare.judge(result, declared))
        for name in plan:
            if name not in ran:
                show(compare.Verdict(name, "ERROR", errors={"both": "did not run"}))
        if ran:
            rest = compare.Verdict("declared-differences", "same")
            rest.stale = compare.unused(declared, ran, everything)
            rest.fields = len(declared)
            if rest.stale:
                rest.word = "STALE"
            show(rest)
        for output in outputs:
            output.end(counts)
    name = args.flavor if len(plan) == len(everything) else f"{args.flavor}-part"
    if ran and len(ran) == len(plan):
        os.replace(unfinished["json"], save / f"{name}.json")
    else:
        name = f"{args.flavor}-part"
    os.replace(unfinished["ktap"], save / f"{name}.ktap")
    failed = sum(counts.get(word, 0) for word in ("DIFFERS", "STALE", "ERROR"))
    passed = sum(counts.values()) - failed
    if not ran:
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 3 if failed else 0


def main(args):
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--ktap", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--drop-in", action="store_true")
    parser.add_argument("--declared")
    parser.add_argument("--save")
    parser.add_argument("flavor", nargs="?")
    parser.add_argument("globs", nargs="*")
    args = parser.parse_args(args)
    if args.help or not args.flavor:
        print(__doc__.strip())
        return 0 if args.help else 2
    if args.list:
        registry.load()
        if args.flavor not in registry.SCENARIOS:
            return 0
        print("\n".join(registry.names(args.flavor, args.globs)))
        return 0
    try:
        return report(args)
    finally:
        for file in pathlib.Path(args.save).glob(f".*.{os.getpid()}"):
            file.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
