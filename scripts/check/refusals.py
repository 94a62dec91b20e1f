#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The tables of errors in Documentation/netlink.md, from rust/driver/refusal.rs.

usage: refusals.py [--check | --write]

  --check  fail if the page is not what the sources say, or a page with what to do
           about a text has one that there is not (default)
  --write  write the tables into the page
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCE = TOP / "rust/driver/refusal.rs"
PAGE = TOP / "Documentation/netlink.md"
BEGIN = "<!-- from rust/driver/refusal.rs, by scripts/check/refusals.py --write -->\n"
END = "<!-- end -->\n"


def tables():
    """The text between the two marks."""
    body = re.search(r"^refusals! \{\n(.*?)^\}", SOURCE.read_text(), flags=re.M | re.S)
    if not body:
        sys.exit(f"refusals.py: no refusals! in {SOURCE}")
    out, when, seen = [], [], 0
    for line in map(str.strip, body[1].splitlines()):
        if title := re.fullmatch(r"// --- (.+)", line):
            out += ["", f"{title[1]}:", "", "| errno | extack | when |", "| --- | --- | --- |"]
        elif comment := re.fullmatch(r"/// (.+)", line):
            when.append(comment[1])
        elif line and not line.startswith("//"):
            one = re.fullmatch(r'\w+: (E\w+), c"(.*)";', line)
            if not one or not out or not when:
                sys.exit(f"refusals.py: not understood, or without a comment or a title: {line}")
            out.append(f"| `{one[1]}` | `{one[2]}` | {' '.join(when)} |")
            when, seen = [], seen + 1
    if seen == 0:
        sys.exit("refusals.py: nothing is refused")
    return "\n".join(out[1:]) + "\n"


def strangers():
    """Texts of the pages with the column "what to do" that nobody is refused with."""
    texts = re.findall(r'c"(.*)";', SOURCE.read_text())
    for page in sorted((TOP / "Documentation").glob("*.md")):
        for table in re.findall(r"^\| text \| what to do \|\n.*?^$", page.read_text(), flags=re.M | re.S):
            for cell in re.findall(r"^\|(.*?)\|", table, flags=re.M):
                for text in re.findall("`(.*?)`", cell):
                    text = text.removeprefix("… ").removesuffix(" by NAME")
                    if text[:1].islower() and " " in text and not any(one.endswith(text) for one in texts):
                        yield f"{page.name}: {text}"


def main():
    if sys.argv[1:] not in ([], ["--check"], ["--write"]):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    page = PAGE.read_text()
    if page.count(BEGIN) != 1 or END not in page:
        sys.exit(f"refusals.py: {PAGE} does not have the marks once")
    head, rest = page.split(BEGIN)
    new = head + BEGIN + "\n" + tables() + "\n" + END + rest.split(END, 1)[1]
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(new)
    elif new != page:
        sys.exit("refusals.py: Documentation/netlink.md is stale; run scripts/check/refusals.py --write")
    elif found := list(strangers()):
        sys.exit("refusals.py: nobody is refused with " + "; ".join(found))


main()
