#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Turns what the guests measured into results, tables and plots.

report.py select PART GLOB...       names of the part's rows that match
report.py list                      all rows, with their titles
report.py merge PART RESULTS RAW... what was measured, into the results file
report.py show RESULTS...           tables
report.py plot DIRECTORY RESULTS... SVG files
report.py check|update BASELINE RESULTS   against or into the baseline

BENCH_ROWS has the names of the rows that were to be measured, BENCH_HEADER what was measured.
"""

import fnmatch
import json
import os
import sys

import rows
from tables import table

PARTS = {
    "instructions": rows.ROWS,
    "time": rows.ROWS,
    "scaling": rows.SCALING,
    "scaling-time": rows.SCALING_TIME,
    "apps": rows.APPS,
}
# A row's count may rise by this much over the baseline; so may the count less the
# floor, which is where an extra call of a dozen instructions shows.
TOLERANCE = 0.01


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def read(path):
    with open(path) as file:
        return json.load(file)


def write(path, data):
    with open(path + ".new", "w") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def select(part, globs):
    names = [
        name for name in PARTS[part] if any(fnmatch.fnmatchcase(name, g) for g in globs or ["*"])
    ]
    print(" ".join(names))


def list_rows():
    for part in PARTS:
        for name, row in PARTS[part].items():
            print(f"{part:<13} {name:<24} {row['title']}")


def figures(part, runs):
    """One row's figures, from its answers of one or several runs."""
    row = {"raw": runs}
    if part == "instructions":
        for which in ("floor", "c", "ours"):
            if which in runs[0]:
                # Differences between runs show that the figure can be had again.
                medians = [median(run[which]) for run in runs]
                row[which] = median(medians)
                row[which + "_between_runs"] = max(medians) / min(medians) - 1
        row["ratio"] = row["ours"] / row["c"]
        if "floor" in row:
            row["net_ratio"] = (row["ours"] - row["floor"]) / (row["c"] - row["floor"])
    elif part in ("time", "apps"):
        ratios = sorted(o / c for run in runs for c, o in zip(run["c"], run["ours"]))
        row.update(
            ratio=median(ratios),
            low=ratios[len(ratios) // 4],
            high=ratios[-1 - len(ratios) // 4],
            medians=median(v for run in runs for v in run["ours"])
            / median(v for run in runs for v in run["c"]),
            rounds=len(ratios),
        )
    return row


def merge(part, path, raw):
    """Rows that were not asked for keep their figures, if they are of the same kernel;
    one that was and did not answer, or not in every run, has none."""
    header = json.loads(os.environ["BENCH_HEADER"])
    old = read(path) if os.path.exists(path) else {}
    known = old.get("rows", {}) if old.get("key") == header["key"] else {}
    answers = {name: [] for name in os.environ["BENCH_ROWS"].split()}
    for file in raw:
        with open(file) as lines:
            for line in lines:
                answer = json.loads(line)
                answers[answer.pop("row")].append(answer)
    errors = 0
    for name, runs in answers.items():
        bad = [run["error"] for run in runs if "error" in run]
        if not bad and len(runs) < len(raw):
            bad = ["not measured"]
        errors += len(bad)
        known[name] = {"error": bad[0]} if bad else figures(part, runs)
        known[name].update(title=PARTS[part][name]["title"], module=header["module"])
    write(path, {"part": part, **header, "rows": {n: known[n] for n in PARTS[part] if n in known}})
    return 1 if errors or not answers else 0


def of_one_module(results):
    """Without the rows that another module has left there."""
    rows = {n: row for n, row in results["rows"].items() if row["module"] == results["module"]}
    return {**results, "rows": rows, "others": len(results["rows"]) - len(rows)}


def net(figure):
    return figure["ours"] - figure.get("floor", 0)


def check(baseline, path):
    results = read(path)
    known = read(baseline).get(results["key"]) if os.path.exists(baseline) else None
    if known is None:
        print(f"there are no baseline figures for {results['key']}; measure them with --update")
        return 1
    bad, lines = 0, []
    measured = os.environ.get("BENCH_ROWS", "").split() or known
    for name in measured:
        row = results["rows"].get(name, {"error": "not measured"})
        base = known.get(name)
        if "error" in row:
            verdict = "FAIL: " + row["error"]
        elif row["module"] != results["module"]:
            verdict = "FAIL: measured with another module"
        elif base is None:
            verdict = "FAIL: not in the baseline; add it with --update"
        elif row["ours"] > base["ours"] * (1 + TOLERANCE):
            verdict = "FAIL: more than 1 % over the baseline"
        elif net(row) > net(base) * (1 + TOLERANCE):
            verdict = "FAIL: less the floor, more than 1 % over the baseline"
        elif abs(row["c"] / base["c"] - 1) > TOLERANCE:
            verdict = "FAIL: the C driver's figure differs from the baseline's: another environment"
        elif row["ours"] < base["ours"] * (1 - TOLERANCE):
            verdict = "ok, better by more than 1 %: make it the baseline with --update"
        else:
            verdict = "ok"
        bad += verdict.startswith("FAIL")
        figures = ["-"] * 4
        if base:
            figures[0] = f"{base['ours']:.1f}"
        if "ours" in row:
            figures[1] = f"{row['ours']:.1f}"
        if base and "ours" in row:
            figures[2] = f"{(row['ours'] / base['ours'] - 1) * 100:+.2f} %"
            figures[3] = f"{(net(row) / net(base) - 1) * 100:+.2f} %"
        lines.append([name, *figures, verdict])
    print(table(["row", "baseline", "now", "change", "less floor", "verdict"], lines, left={0, 5}))
    print(f"{len(lines) - bad} of {len(lines)} rows are within 1 % of the baseline")
    return 1 if bad or not lines else 0


def update(baseline, path):
    results = read(path)
    data = read(baseline) if os.path.exists(baseline) else {}
    known = data.setdefault(results["key"], {})
    for name in os.environ["BENCH_ROWS"].split():
        row = results["rows"].get(name, {"error": "not measured"})
        if "error" not in row and row["module"] == results["module"]:
            known[name] = {w: round(row[w], 1) for w in ("floor", "c", "ours") if w in row}
    write(baseline, data)
    print(f"{len(known)} rows for {results['key']} in {baseline}")
    return 0


def main(what, *args):
    if what == "select":
        return select(args[0], args[1:])
    if what == "list":
        return list_rows()
    if what == "merge":
        return merge(args[0], args[1], args[2:])
    if what == "check":
        return check(*args)
    if what == "update":
        return update(*args)
    paths = args[1 if what == "plot" else 0 :]
    results = [of_one_module(read(path)) for path in paths if os.path.exists(path)]
    if what == "show":
        import tables

        print("\n\n".join(tables.show(result) for result in results))
        return 0
    if what == "plot":
        import plots

        for result in results:
            plots.plot(args[0], result)
        return 0
    raise SystemExit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    sys.exit(main(*sys.argv[1:]))
