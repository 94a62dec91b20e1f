#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Helpers that repeat what a function of the kernel does, against that function.

usage: core_functions.py SOURCE [FILE...]

SOURCE is the kernel's source tree; FILEs default to rust/helpers/*.c. A helper
with logic of the core in it says so in the comment before it:

    Follows net/core/dev.c:dev_forward_skb() 0123abcd.

The number is a sum over the function's text, comments and white space left out.
Fails where it is another one now: then read what has changed, change the helper,
and put the new number there. Files that SOURCE does not have are counted only.
"""

import hashlib
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
MARK = re.compile(r"Follows\s+([\w/.-]+):(\w+)\(\)[\s*]+([0-9a-f]{8}|\?)")


def function(text, name):
    """The text of the definition of NAME, normalised; None if there is none."""
    for found in re.finditer(rf"^[^\n;#]*\b{name}\s*\(", text, flags=re.M):
        # Its type may stand on lines before.
        at = text.find("(", found.end() - 1)
        depth = 0
        while at < len(text):
            depth += (text[at] == "(") - (text[at] == ")")
            at += 1
            if depth == 0:
                break
        rest = text[at:].lstrip()
        if not rest.startswith("{"):
            continue
        begin = end = text.index("{", at)
        while end < len(text):
            depth += (text[end] == "{") - (text[end] == "}")
            end += 1
            if depth == 0:
                break
        body = text[found.start():end]
        body = re.sub(r"/\*.*?\*/|//[^\n]*", " ", body, flags=re.S)
        return re.sub(r"\s+", " ", body).strip()
    return None


def main(words):
    if not words or words[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if words else 2
    source = pathlib.Path(words[0])
    files = [pathlib.Path(word) for word in words[1:]] or sorted((TOP / "rust/helpers").glob("*.c"))
    bad = checked = absent = 0
    for file in files:
        for path, name, number in MARK.findall(file.read_text()):
            if not (source / path).exists():
                absent += 1
                continue
            body = function((source / path).read_text(errors="replace"), name)
            now = hashlib.sha256(body.encode()).hexdigest()[:8] if body else None
            checked += 1
            if now != number:
                bad += 1
                what = f"is another one now ({now})" if now else "is not there any more"
                print(f"{file.name}: {path}:{name}() {number} {what}", file=sys.stderr)
    if checked + absent == 0:
        print("core_functions: no helper says what it follows", file=sys.stderr)
        return 1
    if not bad:
        print(f"core-functions: {checked} functions of the kernel are as when they were followed"
              + (f", {absent} not in this source" if absent else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
