#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Documentation/architecture.md names what there is.

usage: architecture.py

Fails if a file of the driver or of the abstractions is not named there or has more than
600 lines, if a function in "The way of a frame" is not in the sources, or if a way there
has more than eight.
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
MOST = 8
LINES = 600


def main():
    if len(sys.argv) > 1:
        print(__doc__.strip())
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    text = (TOP / "Documentation/architecture.md").read_text()
    files = [path for crate in ("driver", "abstractions") for path in sorted((TOP / "rust" / crate).rglob("*.rs"))]
    source = {path: path.read_text() for path in files}
    faults = []

    # `address.rs`, `ipvlan/address.rs`, `tap/{steering,offload}.rs`.
    named = set()
    for name in re.findall(r"`([\w/{},.]+\.rs)`", text):
        head, brace, rest = name.partition("{")
        parts, _, tail = rest.partition("}")
        named |= {pathlib.Path(head + part + tail).name for part in parts.split(",")} if brace else {pathlib.Path(name).name}
    directories = set(re.findall(r"`(?:rust/\w+/)?([\w/]+)/`", text))
    for path in files:
        inside = any(str(path.parent).endswith("/" + directory) for directory in directories)
        if path.name not in named and not inside and path.stem not in ("mod", "abstractions"):
            faults.append(f"architecture.md: {path.relative_to(TOP)} is not named")
        lines = source[path].count("\n")
        if lines > LINES:
            faults.append(f"{path.relative_to(TOP)}: {lines} lines, more than {LINES}: split it by subject")

    way = text[text.index("### The way of a frame"):text.index("### The abstractions")]
    functions = {name for content in source.values() for name in re.findall(r"\bfn (\w+)", content)}
    types = {name for content in source.values() for name in re.findall(r"\b(?:struct|enum|trait) (\w+)", content)}
    for item in re.split(r"\n- ", way)[1:]:
        title = re.match(r"\*\*(.*?)\*\*", item).group(1)
        names = re.findall(r"`([\w:]+)`", item)
        for name in names:
            owner, _, function = name.rpartition("::")
            if function not in functions or owner[:1].isupper() and owner not in types:
                faults.append(f"architecture.md: {title}: there is no {name}")
        if len(names) > MOST:
            faults.append(f"architecture.md: {title}: {len(names)} functions, more than {MOST}")

    for fault in faults:
        print(fault)
    if not faults:
        print(f"ok: architecture.md names all {len(files)} files, none over {LINES} lines, and functions that there are")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
