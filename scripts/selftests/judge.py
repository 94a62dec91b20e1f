#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""judge.py DIRECTORY DRIVERS TEST...: compares what the kernel's own tests said on the C drivers and on ours, and
judges all of them. --new before that: only says what is known and was not said before. --failed: only says
which failed and may be run once more: not those in which the kernel complained. --update, and a FILE instead of
tests: puts a row for each that is in DIRECTORY into the tables of FILE."""

import pathlib
import re
import sys

# The tests have several ways to say how a step went.
FORMS = [
    re.compile(r"^\s*(?P<verdict>ok|not ok)\s+\d+\s*-?\s*(?P<name>.*?)\s*(?:#\s*(?P<mark>SKIP|XFAIL)\b.*)?$"),
    re.compile(r"^(?P<name>.*?)\s*\[\s*(?P<verdict>OK|PASS|PASSED|FAIL|FAILED|SKIP|XFAIL|ok|fail)\s*\]"),
    re.compile(r"^\s*(?P<verdict>PASS|FAIL|SKIP|XFAIL|ERROR|OK)\b[: ]\s*(?P<name>.*)$"),
    re.compile(r"^(?P<name>.*?\S)[ .\t:]+(?P<verdict>ok|fail|FAIL|PASS|OK|failed|passed|skip|SKIP)$"),
]
GOOD = {"ok", "OK", "PASS", "PASSED", "passed"}
EVEN = {"SKIP", "skip", "XFAIL"}
# What differs from run to run in a step's name.
VARIES = re.compile(r"0x[0-9a-f]+|\b\d+(?:\.\d+)? ?(?:ms|us|s|sec|seconds|packets|bytes)\b|\d{4,}|[-_]\w{6}\b(?=$)"
                    # What mktemp made of a namespace's name.
                    r"|-(?=[A-Za-z]*[A-Z0-9])[A-Za-z0-9]{6}\b")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m|\r")
TIME, SKIPPED, COMPLAINT, DIED = 124, 4, 101, 102
# Instead of a step in the list of what is known: why it does not pass with the C drivers.
BOTH = "both"


class Run:
    def __init__(self, directory, test, driver):
        base = directory / f"{test}.{driver}"
        self.status = int(base.with_name(base.name + ".status").read_text())
        self.steps = {}
        text = base.with_name(base.name + ".out").read_text(errors="replace")
        self.lines = [line for line in (ESCAPES.sub("", line).rstrip() for line in text.splitlines()) if line]
        for line in self.lines:
            if line.startswith("# "):
                continue
            for form in FORMS:
                match = form.match(line)
                if not match:
                    continue
                # Numbers stand in columns.
                name = " ".join(VARIES.sub("N", match["name"]).split()).strip(" .:-")
                if not name:
                    break
                verdict = match["verdict"]
                if match.groupdict().get("mark"):
                    verdict = "SKIP"
                good = "good" if verdict in GOOD else "even" if verdict in EVEN else "bad"
                self.steps.setdefault(name, []).append(good)
                break

    def count(self, how):
        return sum(verdicts.count(how) for verdicts in self.steps.values())

    def why_not(self, known):
        """Why it does not pass: what is known of it, or what it says itself."""
        reason = "; ".join(reason for step, reason in known if step == BOTH)
        lines = [line for line in self.lines if not line.startswith("# Totals")]
        says = [line for line in lines if re.search("SKIP", line)] or lines[-1:]
        return reason or (f"it says: {' '.join(says[-1].split())}" if says else "it says nothing")

    def said(self):
        word = {0: "pass", TIME: "time", SKIPPED: "skip", COMPLAINT: "complaint", DIED: "died"}.get(self.status, "fail")
        good, bad = self.count("good"), self.count("bad")
        return f"{word} {good}/{good + bad}" if good + bad else word


def reasons(path):
    """TEST|STEP|REASON, as that file's head says."""
    known = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            test, step, reason = line.split("|", 2)
            known.setdefault(test, []).append((step, reason))
    return known


def compare(c, ours, known):
    """The verdict, and lines that say why."""
    why = []

    def excused(step):
        return any(text != BOTH and text in step for text, _ in known)

    for name, verdicts in c.steps.items():
        worse = verdicts.count("good") - ours.steps.get(name, []).count("good")
        if worse > 0 and not excused(name):
            why.append(f"passes with C alone: {name}" + ("" if worse == 1 else f" ({worse} times)"))
    if c.status == 0 and ours.status != 0 and not excused("its exit status"):
        why.append(f"its exit status: 0 with C, {ours.status} with ours")
    if ours.status in (COMPLAINT, DIED) and c.status != ours.status:
        why.append("the kernel complained, or died, with ours")
    if c.status == TIME and ours.status == TIME and (why or c.count("good") == 0):
        # How far each came is chance.
        return "no verdict", ["neither is done in its time"] + why
    if ours.status in (COMPLAINT, DIED) and c.status == ours.status:
        return "no verdict", ["the kernel complained, or died, with both"] + why
    if why:
        return "not ok", why
    if c.status != 0 and c.count("good") == 0:
        return "no verdict", [c.why_not(known)]
    return "ok", []


def judge(directory, drivers, test, known):
    """Its verdict, the reasons, and both runs; or nothing if there is no result."""
    if not all((directory / f"{test}.{driver}.status").exists() for driver in drivers):
        return None
    runs = [Run(directory, test, driver) for driver in drivers]
    verdict, why = "ok", []
    if len(runs) == 2:
        verdict, why = compare(*runs, known.get(test, []))
    return verdict, why, runs


HEADS = ["kernel", "C", "rnetvirt", ""]


def update_tables(directory, drivers, known, path):
    """Puts a row for each that has run into the tables of `path`, one for each folder; others stay."""
    lines = path.read_text().splitlines()
    tables = {}
    first = end = None
    kept = []
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if len(cells) == 5 and cells[1:] == HEADS:
            first = len(kept) if first is None else first
            rows = tables.setdefault(cells[0], {})
            end = len(kept)
        elif end is not None and cells and first is not None and len(kept) == end:
            if cells[0].strip("-"):
                rows[cells[0]] = cells[1:]
        elif not (first is not None and len(kept) == end and not line):
            kept.append(line)
    if first is None:
        sys.exit(f"{path}: no table of the form | FOLDER | {' | '.join(HEADS)} |")
    for line in pathlib.Path(__file__).with_name("list").read_text().splitlines():
        if line.startswith("#"):
            continue
        test, folder, _ = line.split("|", 2)
        result = judge(directory, drivers, test, known)
        if not result:
            continue
        runs = result[2]
        remarks = [reason for step, reason in known.get(test, []) if step != BOTH]
        if runs[0].status != 0:
            remarks.insert(0, runs[0].why_not(known.get(test, [])))
        kernel = (directory / f"{test}.kernel").read_text().strip()
        cells = [kernel, *(run.said() for run in runs), "; ".join(remarks)]
        tables.setdefault(folder, {})[test] = [cell.replace("|", "/") for cell in cells]
    out = []
    for folder in sorted(tables):
        out += [f"| {folder} | {' | '.join(HEADS)}|", "| --- " * 5 + "|"]
        out += [f"| {test} | {' | '.join(cells)} |" for test, cells in sorted(tables[folder].items())]
        out.append("")
    path.write_text("\n".join(kept[:first] + out + kept[first:]).rstrip("\n") + "\n")
    return sum(map(len, tables.values()))


def main():
    args = sys.argv[1:]
    mode = args.pop(0) if args[0].startswith("--") else ""
    directory, drivers, tests = pathlib.Path(args[0]), args[1].split(), args[2:]
    known = reasons(pathlib.Path(__file__).with_name("known"))
    if mode == "--update":
        rows = update_tables(directory, drivers, known, pathlib.Path(tests[0]))
        print(f"{tests[0]}: {rows} rows")
        return
    counts = {"ok": 0, "not ok": 0, "no verdict": 0}
    for test in tests:
        result = judge(directory, drivers, test, known)
        if not result:
            if not mode:
                counts["not ok"] += 1
                print(f"{'not ok':<11}{test:<32}no result", flush=True)
            continue
        verdict, why, runs = result
        counts[verdict] += 1
        if mode == "--failed":
            if verdict == "not ok" and runs[-1].status not in (COMPLAINT, DIED):
                print(test)
            continue
        said = directory / f"{test}.said"
        if not mode or said.exists():
            continue
        said.touch()
        print(f"{verdict:<11}{test:<32}" + "".join(f"{d} {r.said():<18}" for d, r in zip(drivers, runs)), flush=True)
        for line in why:
            print(f"           {line}", flush=True)
    if not mode:
        print(f"{counts['ok']} passed, {counts['not ok']} failed, {counts['no verdict']} skipped")
        sys.exit(1 if counts["not ok"] or not counts["ok"] else 0)


main()
