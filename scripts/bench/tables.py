# SPDX-License-Identifier: GPL-2.0
"""Results as tables for a terminal."""


def table(head, lines, left=frozenset({0})):
    widths = [max(len(str(line[i])) for line in [head, *lines]) for i in range(len(head))]

    def one(line):
        cells = [
            str(cell).ljust(width) if i in left else str(cell).rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([one(head), "  ".join("-" * w for w in widths), *map(one, lines)])


def instructions(result):
    lines, worst = [], 0
    for name, row in result["rows"].items():
        if "error" in row:
            lines.append([name, "-", "-", "-", "-", "-", "-", row["error"]])
            continue
        between = max(v for k, v in row.items() if k.endswith("_between_runs"))
        worst = max(worst, between)
        lines.append(
            [
                name,
                f"{row['floor']:.1f}" if "floor" in row else "-",
                f"{row['c']:.1f}",
                f"{row['ours']:.1f}",
                f"{row['ours'] - row['c']:+.1f}",
                f"{row['ratio']:.4f}",
                f"{row['net_ratio']:.4f}" if "net_ratio" in row else "-",
                row["title"],
            ]
        )
    text = "Instructions per packet (or exchange), kernel and sender\n\n" + table(
        ["row", "floor", "C", "ours", "ours - C", "ours / C", "less floor", "path"], lines, {0, 7}
    )
    good = [row for row in result["rows"].values() if "error" not in row]
    above = [name for name, row in result["rows"].items() if row.get("ratio", 0) > 1]
    text += f"\n\nat or below the C driver: {len(good) - len(above)} of {len(lines)} rows"
    if above:
        text += "; above: " + ", ".join(above)
    runs = max((len(row["raw"]) for row in good), default=1)
    if runs > 1:
        text += f"\n{runs} runs, each a boot of its own: no figure differs by more than {worst * 100:.3f} %"
    return text


def ratios(result):
    what = (
        "Real time per packet (or exchange), ours / C, in user-mode Linux (below 1: ours is faster)"
        if result["part"] == "time"
        else "Applications, ours / C, in user-mode Linux (above 1: ours carries more)"
    )
    lines = [
        [name, "-", "-", "-", "-", "-", row["error"]]
        if "error" in row
        else [
            name,
            f"{row['ratio']:.3f}",
            f"{row['low']:.3f}",
            f"{row['high']:.3f}",
            f"{row['medians']:.3f}",
            row["rounds"],
            row["title"],
        ]
        for name, row in result["rows"].items()
    ]
    return (
        what
        + "\n\n"
        + table(
            ["row", "median", "1st quartile", "3rd", "of medians", "rounds", "path"], lines, {0, 6}
        )
    )


def scaling(result):
    texts = []
    for name, row in result["rows"].items():
        if "error" in row:
            texts.append(f"{row['title']} ({name})\n\n{row['error']}")
            continue
        head, lines = row["raw"][0]["head"], row["raw"][0]["lines"]
        texts.append(f"{row['title']} ({name})\n\n" + table(head, lines))
    return "\n\n".join(texts)


def show(result):
    part = result["part"]
    text = {"instructions": instructions, "time": ratios, "apps": ratios}.get(part, scaling)(result)
    others = f"; {result['others']} rows of other modules are not shown" if result["others"] else ""
    return text + f"\n({result['key']}; module {result['module']}{others})"
