#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reports which lines of the driver the tests have reached.

Usage: report.py TOP ALLOW [MODULE.lcov KUNIT.lcov... [--min PERCENT]]

The lines that count are those of MODULE.lcov in TOP/rust/driver; how often each ran is
the sum of all files. ALLOW has blocks of lines that need not be reached, each with a reason:

    FILE <tab> a line, without the blanks around it <tab> why
    FILE <tab> the line before it, for one that is there more than once <tab> the line <tab> why

The line is a block's first one, or that before it, and one place. A reason that begins with
"by chance" is for what is reached now and then. Without files of counts only ALLOW is looked at:
that each entry's line is in its file, and once.

Exit status: 0, 1 if less than PERCENT were reached or an entry of ALLOW is out of date.
"""

import argparse
import collections
import pathlib
import sys


def counts(path, top):
    """{file: {line: count}} of what is below TOP/rust/driver."""
    files = collections.defaultdict(dict)
    lines = None
    for text in pathlib.Path(path).read_text().splitlines():
        word, _, value = text.partition(":")
        if word == "SF":
            file = pathlib.Path(value).resolve()
            inside = file.is_relative_to(top / "rust/driver")
            lines = files[file.relative_to(top).as_posix()] if inside else None
        elif word == "DA" and lines is not None:
            number, count = map(int, value.split(",")[:2])
            lines[number] = lines.get(number, 0) + count
    return files


def allowed(path):
    """[(file, lines, why)]: of lines one, or that before it as well."""
    entries = []
    for text in pathlib.Path(path).read_text().splitlines():
        if text and not text.startswith("#"):
            file, line, *more, why = text.split("\t")
            entries.append((file, (line, *more), why))
    return entries


def places(entry, top):
    """The numbers of the lines of its file that an entry is for."""
    file, wanted, _ = entry
    path = top / file
    lines = [line.strip() for line in path.read_text().splitlines()] if path.exists() else []
    return [at for at in range(len(wanted), len(lines) + 1) if tuple(lines[at - len(wanted) : at]) == wanted]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("top", type=lambda top: pathlib.Path(top).resolve())
    parser.add_argument("allow")
    parser.add_argument("lcov", nargs="*")
    parser.add_argument("--min", type=float, default=0)
    args = parser.parse_args()

    entries = allowed(args.allow)
    known, wrong = {}, 0
    for entry in entries:
        found = places(entry, args.top)
        if len(found) == 1:
            known[entry[0], found[0]] = entry
            continue
        wrong += 1
        what = f"{len(found)} times in {entry[0]}, name the line before it" if found else f"not in {entry[0]} any more"
        print(f"{args.allow}: {what}: {entry[1][-1]}")
    if wrong or not args.lcov:
        return bool(wrong)

    files, *others = [counts(path, args.top) for path in args.lcov]
    for other in others:
        for file, lines in other.items():
            for number, count in lines.items():
                if number in files.get(file, {}):
                    files[file][number] += count

    used = set()
    reached = relevant = excused = 0
    missing = []
    for file, lines in sorted(files.items()):
        source = (args.top / file).read_text().splitlines()
        not_reached = {n for n, count in lines.items() if not count}
        key = None
        for number in sorted(not_reached):
            if number - 1 not in not_reached:
                key = known.get((file, number)) or known.get((file, number - 1))
            if key:
                used.add(key)
                excused += 1
                del lines[number]
        not_reached &= lines.keys()
        hits = len(lines) - len(not_reached)
        reached += hits
        relevant += len(lines)
        print(f"{100 * hits / max(len(lines), 1):6.1f} %  {hits:5d} of {len(lines):5d}  {file}")
        missing += [(file, n, source[n - 1]) for n in sorted(not_reached)]
    if missing:
        print("not reached:")
    for file, number, text in missing:
        print(f"{file}:{number}: {text.strip()}")
    stale = {entry for entry in set(entries) - used if not entry[2].startswith("by chance")}
    for file, lines, _ in sorted(stale):
        print(f"reached: {file}: {lines[-1]}")
    share = 100 * reached / max(relevant, 1)
    print(f"{share:.1f} % of {relevant} lines were reached, {excused} are excused")
    if args.min and stale:
        return 1
    return 0 if share >= args.min else 1


if __name__ == "__main__":
    sys.exit(main())
