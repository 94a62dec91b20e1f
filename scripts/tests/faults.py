#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Repeats a request with its first, second, ... allocation failing.

usage: faults.py KIND OPERATION [STRIDE [FIRST]]

OPERATION: create, create-netns (the peer in the namespace B), delete, mtu,
address, up. Runs in the current namespace, which must be empty. Every STRIDEth
site fails, from the FIRST on (default: each). The kernel must have failslab and fail_page_alloc;
this task arms itself through fail-nth, so nobody else's allocations fail.

After each request the namespace must hold either what it held before, with an
error, or the whole result: never half of it. It ends with the first pass in
which nothing failed, which has to succeed. Prints how many sites there were.
"""

import os
import sys
import threading

import rtnl
from inside import inside

DEBUG = "/sys/kernel/debug"
# Sleeping allocations fail too, of any size; no stack dump for each.
KNOBS = {"failslab": {"ignore-gfp-wait": "N", "verbose": "0"},
         "fail_page_alloc": {"ignore-gfp-wait": "N", "min-order": "0", "verbose": "0"}}


def prepare():
    for directory, values in KNOBS.items():
        for name, value in values.items():
            with open(f"{DEBUG}/{directory}/{name}", "w", encoding="ascii") as file:
                file.write(value)


class Fault:
    """Makes the Nth allocation of this task fail."""

    def __init__(self):
        path = f"/proc/self/task/{threading.get_native_id()}/fail-nth"
        self.file = os.open(path, os.O_RDWR)

    def arm(self, n):
        os.pwrite(self.file, str(n).encode(), 0)

    def disarm(self):
        """True if it fired."""
        left = int(os.pread(self.file, 32, 0))
        os.pwrite(self.file, b"0", 0)
        return left == 0


def present(kind):
    """{name: (mtu, address, up)} of the pair's ends, wherever they are."""
    found = {}
    for namespace in ("-", "B"):
        with inside(namespace), rtnl.Netlink() as nl:
            for v in nl.dump():
                if v["kind"] == kind:
                    found[v["name"]] = (v["mtu"], v["address"], int(v["flags"], 16) & 1)
    return found


class Requests:
    def __init__(self, kind, operation):
        self.kind, self.operation = kind, operation
        netns = ["nsfd:/run/netns/B"] if operation == "create-netns" else []
        self.create = ["kind:" + kind, "name:v0", "addr:020000000001", "peer",
                       "name:v1", "addr:020000000002", *netns, "end"]
        self.tokens = {"delete": ["name:v0"], "mtu": ["name:v0", "mtu:1400"],
                       "address": ["name:v0", "addr:020000000099"],
                       "up": ["name:v0", "up"]}.get(operation, self.create)
        self.creates = operation.startswith("create")

    def plain(self, operation, tokens):
        with rtnl.Netlink() as nl:
            error, text, _ = nl.request(operation, rtnl.build(list(tokens)))
        while rtnl.opened:
            os.close(rtnl.opened.pop())
        if error:
            sys.exit(f"faults.py: {operation} {tokens}: {rtnl.result(error, text)}")

    def before(self):
        if not self.creates:
            self.plain("new", self.create)

    def under_fault(self, fault, n):
        """(fired, result): 0, an errno, or None where no answer came."""
        verb = {"create": "new", "create-netns": "new", "delete": "del"}.get(self.operation, "set")
        payload = rtnl.build(list(self.tokens))
        flags = rtnl.REQUEST | rtnl.ACK
        if self.creates:
            flags |= rtnl.CREATE | rtnl.EXCL
        with rtnl.Netlink() as nl:
            nl.sock.settimeout(10)
            result = None
            fault.arm(n)
            try:
                nl.send(rtnl.RTM[verb], flags, payload)
            except OSError as error:
                result = error.errno
            fired = fault.disarm()
            if result is None:
                try:
                    result = nl.reply()[0]
                except OSError:
                    pass  # the answer itself could not be made
        while rtnl.opened:
            os.close(rtnl.opened.pop())
        return fired, result

    def wanted(self, old):
        """What success looks like."""
        if self.operation == "delete":
            return {}
        if self.creates:
            return {"v0": ("1500", "02:00:00:00:00:01", 0), "v1": ("1500", "02:00:00:00:00:02", 0)}
        mtu, address, up = old["v0"]
        changed = {"mtu": ("1400", address, up), "address": (mtu, "02:00:00:00:00:99", up),
                   "up": (mtu, address, 1)}[self.operation]
        return {**old, "v0": changed}


def main(args):
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    kind, operation = args[:2]
    stride, first = (int(number) for number in (*args[2:], *("1", "1")[len(args) - 2:]))
    prepare()
    requests, fault = Requests(kind, operation), Fault()
    n, failed, survived = first, 0, 0
    while True:
        requests.before()
        old = present(kind)
        fired, result = requests.under_fault(fault, n)
        new, wanted = present(kind), requests.wanted(old)
        if result == 0:
            good = new == wanted
        elif result is None:
            good = new in (old, wanted)
        else:
            good = new == old
        if not good:
            print(f"site {n}: result {result}, before {old}, after {new}, wanted {wanted}")
            return 1
        if not fired:
            break
        failed, survived = failed + (result != 0), survived + (result == 0)
        if "v0" in new:
            requests.plain("del", ["name:v0"])
        if present(kind):
            print(f"site {n}: left after the deletion: {present(kind)}")
            return 1
        n += stride
    if result != 0:
        print(f"without a fault: result {result}")
        return 1
    if "v0" in new:
        requests.plain("del", ["name:v0"])
    print(f"# {operation}: {failed + survived} faults up to site {n - stride}, each {stride} "
          f"from {first} on: {failed} refused, {survived} without effect")
    return 0 if n > first else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
