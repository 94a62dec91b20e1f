# SPDX-License-Identifier: GPL-2.0
"""What the kernel says of its own types (Documentation/bpf/btf.rst)."""

import struct

# Words after a type's first three; and those that each of its members takes.
MORE = {1: 1, 3: 3, 14: 1, 17: 1}
MEMBERS = {4: 3, 5: 3, 6: 2, 13: 2, 15: 3, 19: 3}
FUNC = 12


def functions(*wanted, path="/sys/kernel/btf/vmlinux"):
    """The numbers of functions, by which programs call them."""
    with open(path, "rb") as file:
        data = file.read()
    _, _, _, start, types, size, strings, length = struct.unpack_from("=HBBIIIII", data)
    strings += start
    # Two may share the end of a name, but not all of it.
    names = {data.index(b"\0" + name.encode() + b"\0", strings, strings + length) + 1 - strings: name for name in wanted}
    words = memoryview(data)[start + types:start + types + size].cast("I")
    at, number, found = 0, 1, {}
    while len(found) < len(wanted):
        info = words[at + 1]
        kind, members = info >> 24 & 0x7F, info & 0xFFFFFF
        if kind == FUNC and words[at] in names:
            found[names[words[at]]] = number
        at += 3 + MORE.get(kind, 0) + MEMBERS.get(kind, 0) * members
        number += 1
    return found
