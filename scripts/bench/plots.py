# SPDX-License-Identifier: GPL-2.0
"""Results as SVG plots."""

import os

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "rnetvirt"
import matplotlib.pyplot as plt  # noqa: E402

C, OURS, FLOOR = "#888888", "#c0392b", "#dddddd"


def save(figure, directory, name):
    figure.tight_layout()
    figure.savefig(os.path.join(directory, name + ".svg"), metadata={"Date": None})
    plt.close(figure)


def good(result):
    return {name: row for name, row in result["rows"].items() if "error" not in row}


def instructions(directory, result):
    rows = good(result)
    # Above the floor, as parts of the C driver's: rows of 1,000 and of 100,000
    # instructions side by side.
    names = list(rows)
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(names) + 1.4))
    for at, row in enumerate(rows.values()):
        floor = row.get("floor", 0) / row["c"]
        axes.barh(at - 0.2, 1, 0.38, color=C, label=None if at else "C")
        axes.barh(at + 0.2, row["ratio"], 0.38, color=OURS, label=None if at else "ours")
        axes.plot([floor, floor], [at - 0.4, at + 0.4], color="black", label=None if at else "floor")
        axes.text(1.01, at, f"{row['ours']:.0f} / {row['c']:.0f}", va="center", fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.2)
    axes.set_xlabel("instructions per packet, C = 1")
    axes.legend(loc="lower left", fontsize=8)
    save(figure, directory, "instructions")


def ratios(directory, result):
    rows = good(result)
    names = list(rows)
    figure, axes = plt.subplots(figsize=(8, 0.3 * len(names) + 1.4))
    for at, row in enumerate(rows.values()):
        axes.plot([row["low"], row["high"]], [at, at], color=C)
        axes.plot(row["ratio"], at, "o", color=OURS)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(
        ("time" if result["part"] == "time" else "throughput, transactions") + ", ours / C: median, quartiles"
    )
    save(figure, directory, result["part"])


def scaling(directory, result):
    for name, row in good(result).items():
        head, lines = row["raw"][0]["head"], row["raw"][0]["lines"]
        figure, axes = plt.subplots(figsize=(6, 4))
        for column, color in ((1, C), (2, OURS)):
            axes.plot(
                range(len(lines)), [float(line[column]) for line in lines], "o-", color=color, label=head[column]
            )
        axes.set_xticks(range(len(lines)), [str(line[0]) for line in lines])
        axes.set_xlabel(head[0])
        axes.set_ylim(bottom=0)
        axes.set_title(row["title"], fontsize=9)
        axes.legend(fontsize=8)
        save(figure, directory, name.replace("/", "-"))


def plot(directory, result):
    {"instructions": instructions, "time": ratios, "apps": ratios}.get(result["part"], scaling)(
        directory, result
    )
