#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Steps through what a guest executes for one packet, and shows it.

trace.py SOCKET C-DRIVERS MODULE-DIRECTORY ROW OUTPUT-DIRECTORY <asm_guest.py's output
"""

import bisect
import collections
import json
import os
import re
import subprocess
import sys

import rows
from gdbstub import Stub
from tables import table

# A function that runs once for each packet, by method or what a tap row measures.
MARK = {
    "pktgen": ("pktgen_finalize_skb", "pktgen"),
    "packet": ("__sys_sendto", None),
    "sockets": ("__sys_sendto", None),
    "fill": ("__sys_sendto", None),
    "full": ("__sys_sendto", None),
    "read": ("skb_copy_datagram_iter", None),
    "write": ("sock_alloc_send_pskb", None),
    "stats": ("dev_ethtool", None),
    "live": ("bpf_test_timer_continue", None),
}
# Where a C driver is, if not where most are, or not in one object.
OBJECTS = {
    "ipvlan": ("ipvlan/ipvlan",),
    "macvtap": ("tap", "macvlan", "macvtap"),
    "ipvtap": ("tap", "ipvlan/ipvlan", "ipvlan/ipvtap"),
}
SKIP = 4
LIMIT = 400_000


class Symbols:
    def __init__(self):
        # Of several names of one address, the last is as good as any.
        self.named = {}
        self.known = []

    def add(self, line):
        """A line of the guest's kallsyms."""
        address, _, name, *module = line.split()
        address = int(address, 16)
        self.named[address] = (address, name, module[0].strip("[]") if module else None)

    def finish(self):
        self.known = sorted(self.named.values())
        self.starts = [s[0] for s in self.known]

    def find(self, address):
        if address < 1 << 63:
            return ("[user space]", None, 0)
        start, name, module = self.known[bisect.bisect_right(self.starts, address) - 1]
        return name, module, address - start

    def address(self, name, module):
        for start, known, of in self.known:
            if known == name and of == module:
                return start
        raise SystemExit(f"no function {name}; the trace has no mark for a packet")


def step_through(socket, mark):
    stub = Stub(socket)
    for _ in range(SKIP):
        stub.run_to(mark)
    trace = [mark]
    while len(trace) < LIMIT:
        at = stub.step()
        if at == mark:
            break
        trace.append(at)
    else:
        raise SystemExit(f"no second packet within {LIMIT} instructions")
    stub.detach()
    return trace


def demangle(names):
    out = subprocess.run(
        ["llvm-cxxfilt"], input="\n".join(names), text=True, capture_output=True, check=True
    ).stdout.splitlines()
    return {name: re.sub(r"\[[0-9a-f]{16}\]|<(?=.*>::)", "", nice) for name, nice in zip(names, out)}


def disassembly(path, wanted):
    """{function: [(offset, text)]} of an object."""
    out = subprocess.run(
        ["llvm-objdump", "-d", "-r", "--no-show-raw-insn", path], text=True, capture_output=True, check=True
    ).stdout
    functions, name, start = {}, None, 0
    for line in out.splitlines():
        head = re.match(r"([0-9a-f]+) <(.*)>:$", line)
        if head:
            name, start = (head[2], int(head[1], 16)) if head[2] in wanted else (None, 0)
            if name:
                functions[name] = []
        elif name:
            reloc = re.match(r"\s+[0-9a-f]+:\s+R_X86_64_(\w+)\s+(\S+)", line)
            code = re.match(r"\s+([0-9a-f]+):\s+(.*)", line)
            if reloc:
                offset, text = functions[name][-1]
                functions[name][-1] = (offset, f"{text}    # {reloc[2]}")
            elif code:
                functions[name].append((int(code[1], 16) - start, code[2].replace("\t", " ")))
    return functions


def annotate(which, trace, symbols, objects, out):
    """The drivers' functions, each instruction with how often it was executed."""
    hits = collections.Counter(trace)
    by_module = collections.defaultdict(dict)
    for address, times in hits.items():
        name, module, offset = symbols.find(address)
        if module in objects:
            by_module[module].setdefault(name, {})[offset] = times
    for module, functions in by_module.items():
        nice = demangle(list(functions))
        for name, code in disassembly(objects[module], functions).items():
            total = sum(functions[name].values())
            print(f"\n{which}: {nice[name]} ({module}), {total} instructions executed:\n", file=out)
            last = max(functions[name])
            for offset, text in code:
                times = functions[name].get(offset, "")
                print(f"  {times:>3}  {offset:4x}  {text}", file=out)
                # What follows is for other packets.
                if offset >= last and not times:
                    print("       ...", file=out)
                    break


def c_module(drivers, name, scratch):
    """A C driver's object, unpacked if the kernel's modules are packed."""
    path = os.path.join(drivers, name + ".ko")
    if os.path.exists(path):
        return path
    unpacked = os.path.join(scratch, os.path.basename(path))
    with open(unpacked, "wb") as out:
        subprocess.run(["xz", "-dc", path + ".xz"], stdout=out, check=True)
    return unpacked


def main(socket, drivers, modules, name, directory):
    row = rows.ROWS[name]
    what = row.get("what", row["method"])
    batch = rows.BATCH.get(what, 1)
    symbols = Symbols()
    traces = {}
    for line in sys.stdin:
        word, _, rest = line.partition(" ")
        if word == "symbol":
            symbols.add(rest)
        elif word == "ready":
            symbols.finish()
            traces[rest.strip()] = step_through(socket, symbols.address(*MARK[what]))
            print(f"trace: {rest.strip()}: {len(traces[rest.strip()])} instructions", file=sys.stderr)
    if set(traces) != {"c", "ours"}:
        raise SystemExit("the guest did not send")

    counts = {
        which: collections.Counter(symbols.find(address)[:2] for address in trace)
        for which, trace in traces.items()
    }
    functions = list(counts["c"] | counts["ours"])
    functions.sort(
        key=lambda f: (-abs(counts["ours"][f] - counts["c"][f]), -max(counts["ours"][f], counts["c"][f]))
    )
    nice = demangle([f for f, _ in functions])
    lines = [["all", len(traces["c"]), len(traces["ours"]), f"{len(traces['ours']) - len(traces['c']):+d}"]]
    for f in functions:
        c, ours = counts["c"][f], counts["ours"][f]
        label = nice[f[0]] + (f" [{f[1]}]" if f[1] else "")
        lines.append([label, c or "-", ours or "-", f"{ours - c:+d}" if ours != c else ""])
    flavor = row["flavor"]
    objects = {
        **{
            os.path.basename(name): c_module(drivers, name, os.path.dirname(socket))
            for name in OBJECTS.get(flavor, (flavor,))
        },
        "rnetvirt": os.path.join(modules, "rnetvirt.ko"),
    }
    path = os.path.join(directory, f"asm-{name.replace('/', '-')}")
    with open(path + ".txt", "w") as out:
        packets = "one packet" if batch == 1 else f"{batch} packets"
        print(f"Instructions executed for {packets}: {row['title']} ({name})\n", file=out)
        print(table(["function (without what it calls)", "C", "ours", "ours - C"], lines), file=out)
        for which, trace in traces.items():
            annotate(which, trace, symbols, objects, out)
    with open(path + ".json", "w") as out:
        json.dump({w: [[*symbols.find(a)] for a in t] for w, t in traces.items()}, out)
    with open(path + ".txt") as text:
        print(text.read(), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
