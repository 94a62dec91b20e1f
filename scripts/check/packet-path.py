#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the calls of a packet's path, and what it takes of the stack, with a list
of what is allowed.

usage: objdump -dr MODULE | packet-path.py ALLOW

The path is every function that is reached from an entry point by direct calls
and jumps. ALLOW has lines "entry REGEX" for entry points, of which each must
exist, "NAME: reason" for functions outside the module, and "pointer REGEX:
reason" for functions that may call through pointers, which others may not. "stack
BYTES" is what each function may take of the stack, as far as its code tells.
"""

import bisect
import re
import sys

SECTION = re.compile(r"Disassembly of section (\S+):")
FUNCTION = re.compile(r"([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\s+([a-z]\S*)\s*(.*)$")
RELOCATION = re.compile(r"\s*([0-9a-f]+):\s+(R_\S+)\s+(\S+?)([+-]0x[0-9a-f]+)?$")
# x86-64 and arm64.
BRANCH = re.compile(r"(call|j|b$|bl$|b\.|cbn?z$|tbn?z$|br$|blr)")
# What a function takes of the stack: x86-64's registers and locals; arm64's, both in one or two.
PUSH = re.compile(r"push[q]?$")
FRAME = re.compile(r"(?:\$(-?0x[0-9a-f]+|-?\d+),\s*%rsp$|sp, sp, #(0x[0-9a-f]+|\d+)$|.*\[sp, #-(0x[0-9a-f]+|\d+)\]!$)")
THUNK = re.compile(r"__x86_indirect_(?!its_return)|__pi___x86_indirect")


def frame(name, operands):
    """How many bytes of the stack an instruction takes."""
    if PUSH.match(name):
        return 8
    if name in ("sub", "subq", "stp", "str", "addq", "add") and (match := FRAME.match(operands)):
        number = int(next(group for group in match.groups() if group), 0)
        # Compilers also write that as adding a negative number; adding gives back.
        return max(0, -number if name.startswith("add") else number)
    return 0


class Disassembly:
    """Functions, and for each the names that it branches to and its frame."""

    def __init__(self, lines):
        self.starts = {}  # section: sorted [(address, function)]
        self.branches = {}  # function: [(operand or None, relocation or None, section)]
        self.frames = {}  # function: bytes
        section = function = last = None
        for line in lines:
            if match := SECTION.match(line):
                section, function = match[1], None
            elif match := FUNCTION.match(line):
                function = match[2]
                self.starts.setdefault(section, []).append((int(match[1], 16), function))
                self.branches.setdefault(function, [])
                last = None
            elif match := RELOCATION.match(line):
                if last is not None:
                    addend = int(match[4], 16) if match[4] else 0
                    # x86 counts from the end of the field, 4 bytes on.
                    addend += 4 if match[2].startswith("R_X86_64_P") else 0
                    last[1] = (match[3], addend)
            elif match := INSTRUCTION.match(line):
                last = None
                if function is not None:
                    self.frames[function] = self.frames.get(function, 0) + frame(match[2], match[3])
                if function is not None and BRANCH.match(match[2]):
                    last = [match[3], None, section]
                    self.branches[function].append(last)

    def at(self, section, address):
        """The function that has code at the address."""
        starts = self.starts.get(section, [])
        index = bisect.bisect_right(starts, address, key=lambda start: start[0])
        return starts[index - 1][1] if index else None

    def targets(self, function):
        """Where the function's branches lead, leaving out its own inside."""
        for operand, relocation, section in self.branches[function]:
            if relocation:
                symbol, addend = relocation
                target = self.at(symbol, addend) if symbol.startswith(".") else symbol
                # A table of places or of functions.
                target = target or f"(a pointer: {operand})"
            elif match := re.match(r"(?:.*,\s*)?(?:0x)?([0-9a-f]+)\s+<", operand):
                target = self.at(section, int(match[1], 16))
            else:
                target = f"(a pointer: {operand})"
            if target != function:
                yield target


def read_allowed(path):
    """The regular expressions of entry points, the names of allowed functions, and the
    regular expressions of functions that may call through pointers, and the stack."""
    entries, names, pointers, stack = [], set(), [], 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("entry "):
                entries.append(line.split()[1])
                continue
            if line.startswith("stack "):
                stack = int(line.split()[1])
                continue
            name, colon, reason = line.partition(": ")
            if not colon or not reason:
                sys.exit(f"{path}: no reason in '{line}'")
            if name.startswith("pointer "):
                pointers.append(name.split()[1])
            else:
                names.add(name)
    return entries, names, pointers, stack


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    entries, allowed, pointers, stack = read_allowed(sys.argv[1])
    code = Disassembly(sys.stdin)

    came_from = {}
    for entry in entries:
        found = [name for name in code.branches if re.search(entry, name)]
        if not found:
            sys.exit(f"no function matches the entry point '{entry}'")
        came_from.update(dict.fromkeys(found))

    bad = False
    pending = list(came_from)
    while pending:
        function = pending.pop()
        for target in code.targets(function):
            if target in came_from or target in allowed:
                continue
            if target.startswith("(a pointer") and any(re.search(p, function) for p in pointers):
                continue
            if target in code.branches and not THUNK.match(target):
                came_from[target] = function
                pending.append(target)
                continue
            bad = True
            print(f"{target} is called by {function}", file=sys.stderr)
            caller = function
            while (caller := came_from[caller]) is not None:
                print(f"    which is called by {caller}", file=sys.stderr)
    for function in came_from:
        if code.frames.get(function, 0) > stack:
            bad = True
            print(f"{function} takes {code.frames[function]} bytes of the stack, more than {stack}", file=sys.stderr)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
