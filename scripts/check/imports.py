#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Who imports whom, among the files of the driver and of the abstractions.

usage: imports.py [--check | --svg FILE | --list] [CRATE...]

CRATE is driver (default) or abstractions. Read
from the sources: `use crate::...`, `use super::...` and paths that begin with
`crate::`; tests and comments do not count. A name that a file passes on (`pub use`) is
an import of the file that it is from, for who uses it, and none of the file that passes
it on, unless that uses it itself.

  --list      one arrow a line, "FROM -> TO" (default)
  --check     fail on an arrow that goes up: from a file to one that stands in a
              higher layer of scripts/check/layers.toml, or to one of its own layer
              that leads back; circles that are there for a reason are declared in
              that file, and a declared one that is gone fails, too
  --svg FILE  draw the layers of CRATE into FILE
"""

import pathlib
import re
import sys
import tomllib

TOP = pathlib.Path(__file__).resolve().parents[2]
ROOTS = {"driver": "rnetvirt_main", "abstractions": "abstractions"}
DRAWINGS = {"driver": "Documentation/imports.svg", "abstractions": "Documentation/imports-abstractions.svg"}


def strip(text):
    """The source without comments, texts and test modules."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\bpub\(in [^)]*\)", "pub", text)
    text = re.sub(r'"(\\.|[^"\\])*"', '""', text, flags=re.S)
    return re.sub(r"#\[(cfg\(test\)|(kernel::prelude::)?kunit_tests[^\]]*)\]\s*mod \w+ \{.*?\n\}", "", text, flags=re.S)


def modules(crate):
    """{module path: file} of a crate; the root is the empty path."""
    base = TOP / "rust" / crate
    found = {}
    for file in sorted(base.rglob("*.rs")):
        parts = list(file.relative_to(base).with_suffix("").parts)
        if parts == [ROOTS[crate]]:
            parts = []
        elif parts[-1] == "mod":
            parts.pop()
        found[tuple(parts)] = file
    return found


def leaves(tree, prefix=()):
    """The paths of a `use` tree."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace < 0:
        yield (*prefix, *(word.strip() for word in tree.split(" as ")[0].split("::") if word.strip()))
        return
    head = tuple(word for word in (w.strip() for w in tree[:brace].split("::")) if word)
    depth, start = 0, brace + 1
    for at in range(brace, len(tree)):
        char = tree[at]
        depth += (char == "{") - (char == "}")
        if (char == "," and depth == 1) or (char == "}" and depth == 0):
            if tree[start:at].strip():
                yield from leaves(tree[start:at], (*prefix, *head))
            start = at + 1


def absolute(path, words):
    """The words of a path from the crate's root on; `path` is where it stands."""
    words = list(words)
    if words[0] == "crate":
        return words[1:]
    if words[0] == "self":
        return [*path, *words[1:]]
    target = list(path)
    while words and words[0] == "super":
        target = target[:-1]
        words.pop(0)
    return target + words


def passed_on(known):
    """{name that a file passes on: where it is from}, both from the crate's root on."""
    found = {}
    for path, file in known.items():
        children = {p[-1] for p in known if p and p[:-1] == path}
        for tree in re.findall(r"\bpub(?:\([^)]*\))?\s+use\s+([^;]*);", strip(file.read_text()), flags=re.S):
            for words in leaves(tree):
                words = ("self", *words) if words[0] in children else words
                if words[0] in ("crate", "super", "self"):
                    found[(*path, words[-1])] = tuple(absolute(path, words))
    return found


def arrows(crate):
    """{file: set of files} that it imports from."""
    known = modules(crate)
    origin = passed_on(known)
    found = {path: set() for path in known}
    for path, file in known.items():
        text = strip(file.read_text())
        paths = []
        # Children that a file declares can be spoken of by their bare names.
        children = {p[-1] for p in known if p and p[:-1] == path}
        rest = re.sub(r"\buse\s[^;]*;", "", text, flags=re.S)
        for public, tree in re.findall(r"\b(pub(?:\([^)]*\))?\s+)?use\s+(\w[^;]*);", text, flags=re.S):
            for words in leaves(tree):
                if public and not re.search(rf"\b{words[-1]}\b", rest):
                    continue
                if words[0] in ("crate", "super", "self"):
                    paths.append(words)
                elif words[0] in children:
                    paths.append(("self", *words))
        paths += [tuple(p.split("::")) for p in re.findall(r"\bcrate(?:::\w+)+", rest)]
        paths += [("self", *p.split("::")) for p in re.findall(r"(?<![\w:])[a-z_]\w*(?:::\w+)+", rest)
                  if p.split("::")[0] in children]
        for words in paths:
            target = absolute(path, words)
            while tuple(target) in origin:
                target = list(origin[tuple(target)])
            while tuple(target) not in known:
                target.pop()
            target = tuple(target)
            if target != path and target:
                found[path].add(target)
    return found


def name(path):
    return "::".join(path) or "(root)"


def circles(graph):
    """The strongly connected components of more than one module (Tarjan)."""
    order, low, stack, found = {}, {}, [], []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        for to in graph[node]:
            if to not in order:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in stack:
                low[node] = min(low[node], order[to])
        if low[node] == order[node]:
            part = set()
            while True:
                part.add(stack.pop())
                if node in part:
                    break
            if len(part) > 1:
                found.append(part)

    for node in graph:
        if node not in order:
            visit(node)
    return found


def layers(crate):
    with open(TOP / "scripts/check/layers.toml", "rb") as file:
        found = tomllib.load(file)
    if crate not in found:
        sys.exit(f"imports.py: error: {crate} has no layers in layers.toml")
    return found[crate]


def check(crate):
    graph, declared = arrows(crate), layers(crate)
    bad = []
    rank = {}
    for number, layer in enumerate(declared["layers"]):
        for word in layer["files"]:
            rank[word] = number
    names = {name(path) for path in graph}
    bad += [f"{crate}: {word} is in layers.toml, and not there" for word in rank if word not in names]
    bad += [f"{crate}: {word} is in no layer of layers.toml" for word in sorted(names) if word not in rank]
    allowed = {frozenset(circle["files"]): circle["reason"] for circle in declared.get("circles", [])}
    seen = set()
    for part in circles(graph):
        words = frozenset(name(path) for path in part)
        if words in allowed:
            seen.add(words)
        else:
            bad.append(f"{crate}: a circle: {' '.join(sorted(words))}")
    bad += [f"{crate}: a circle is declared that is gone: {' '.join(sorted(words))}"
            for words in allowed if words not in seen]
    inside = [{*words} for words in seen]
    for path, targets in graph.items():
        for to in sorted(targets):
            one, other = name(path), name(to)
            if any(one in circle and other in circle for circle in inside):
                continue
            if one in rank and other in rank and rank[other] < rank[one]:
                bad.append(f"{crate}: {one} imports {other}, which is above it")
    for line in bad:
        print(line, file=sys.stderr)
    if not bad:
        count = sum(len(targets) for targets in graph.values())
        print(f"imports: {crate}: {len(graph)} files, {count} imports, none goes up, "
              f"{len(seen)} declared circles")
    return not bad


def svg(crate):
    """The layers as rows, every import as a line downwards."""
    graph, declared = arrows(crate), layers(crate)
    width, row, box, high = 980, 74, 112, 26
    rows, place = [], {}
    for layer in declared["layers"]:
        files, per_row = layer["files"], 7
        for start in range(0, len(files), per_row):
            rows.append((layer["name"] if start == 0 else "", files[start:start + per_row]))
    out = []
    for number, (_, files) in enumerate(rows):
        step = (width - 130) / max(len(files), 1)
        for column, word in enumerate(files):
            place[word] = (130 + step * column + step / 2, 24 + row * number)
    for path, targets in graph.items():
        for to in sorted(targets):
            one, other = place.get(name(path)), place.get(name(to))
            if one and other:
                out.append(f'<line x1="{one[0]:.0f}" y1="{one[1] + high / 2:.0f}" x2="{other[0]:.0f}" '
                           f'y2="{other[1] - high / 2:.0f}"/>')
    for word, (x, y) in place.items():
        out.append(f'<rect x="{x - box / 2:.0f}" y="{y - high / 2:.0f}" width="{box}" height="{high}" rx="4"/>')
        lines = word.removeprefix("net::").rsplit("::", 1) if len(word) > 18 else [word]
        for number, line in enumerate(lines):
            at = y + 4 + 11 * (number - (len(lines) - 1) / 2)
            out.append(f'<text x="{x:.0f}" y="{at:.0f}" text-anchor="middle">{line}</text>')
    for number, (label, _) in enumerate(rows):
        if label:
            out.append(f'<text x="6" y="{28 + row * number}" class="l">{label}</text>')
    height = 24 + row * len(rows)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n'
            "<!-- SPDX-License-Identifier: GPL-2.0 -->\n<!-- made by scripts/check/imports.py -->\n"
            "<style>rect{fill:#fff;stroke:#333}line{stroke:#99a;stroke-width:.7}"
            "text{font:11px sans-serif}.l{font-style:italic}</style>\n"
            + "\n".join(out) + "\n</svg>\n")


def main(words):
    if "-h" in words or "--help" in words:
        print(__doc__.strip())
        return 0
    crates = [word for word in words if word in ROOTS] or ["driver"]
    if "--svg" in words:
        file = pathlib.Path(words[words.index("--svg") + 1])
        file.write_text(svg(crates[0]))
        return 0
    if "--check" in words:
        good = []
        for crate in crates:
            good.append(check(crate))
            if (TOP / DRAWINGS[crate]).read_text() != svg(crate):
                print(f"{DRAWINGS[crate]} is not what the sources say; make it anew:\n"
                      f"  scripts/check/imports.py --svg {DRAWINGS[crate]} {crate}", file=sys.stderr)
                good.append(False)
        return 0 if all(good) else 1
    for crate in crates:
        for path, targets in arrows(crate).items():
            for to in sorted(targets):
                print(f"{crate}: {name(path)} -> {name(to)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
