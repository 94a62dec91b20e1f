#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Repeats a request with its first, second, ... allocation failing.

usage: faults.py KIND OPERATION [STRIDE [FIRST]]

OPERATION: create, create-netns (the peer in the namespace B), delete, mtu,
address, up; or one of macvlan_operations() or ipvlan_operations(), with "macvlan-"
or "ipvlan-" before it. Runs in the current namespace, which must be empty; for these
it has to have a device low with the index 10, and a bridge br9. Every STRIDEth site fails, from the FIRST on
(default: each). The kernel must have failslab and fail_page_alloc; this task arms
itself through fail-nth, so nobody else's allocations fail.

After each request the namespace must hold either what it held before, with an
error, or the whole result: never half of it. It ends with the first pass in
which nothing failed, which has to succeed. Prints how many sites there were.
"""

import os
import sys
import threading
import time

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


def everywhere():
    for namespace in ("-", "B"):
        with inside(namespace), rtnl.Netlink() as nl:
            yield from nl.dump()


class Requests:
    """About a pair."""

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
        verb = "new" if self.creates else "del" if self.operation == "delete" else "set"
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

    def present(self):
        """{name: (mtu, address, up)} of the pair's ends, wherever they are."""
        return {v["name"]: (v["mtu"], v["address"], int(v["flags"], 16) & 1)
                for v in everywhere() if v["kind"] == self.kind}

    def good(self, old, new, result):
        """Whether that may come of it."""
        if result is None:
            return new in (old, self.wanted(old))
        return new == (old if result else self.wanted(old))

    def ready(self):
        """What there is before the request."""
        return self.present()

    def outcome(self, old, result):
        """What there is after it, and whether that is good."""
        new = self.present()
        return new, self.good(old, new, result)

    def clean_up(self, new):
        """Deletes what there is; returns what is left then."""
        if "v0" in new:
            self.plain("del", ["name:v0"])
        return self.present()

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


def macvlan_operations():
    """{name: (mode of the endpoint, requests before, settings or tokens of the request)}
    of what is done to v0 on low; a creation has no mode before."""
    def settings(*tokens):
        return lambda kind: rtnl.own(kind, *tokens)

    def tokens(*words):
        return lambda kind: words

    three = "sources:0200000000a1,0200000000a2,0200000000a3"
    up, promisc, groups = ("name:v0", "up"), ("name:v0", "flags:0x100"), ("name:v0", "flags:0x200")
    create = {f"create-{word}": (None, (), settings(f"data32:1:{number}"))
              for word, number in rtnl.MODES.items()}
    return {
        **create,
        "create-sources": (None, (), settings("data32:1:16", "data32:3:3", three)),
        "create-netns": (None, (), lambda kind: (*rtnl.own(kind), "nsfd:/run/netns/B")),
        "create-up": (None, (), lambda kind: ("up", *rtnl.own(kind, "data32:1:4"))),
        "delete": ("source", (up,), tokens()),
        "mode": ("bridge", (up,), settings("data32:1:1")),
        "mode-from-source": ("source", (up,), settings("data32:1:4")),
        "flags": ("passthru", (up,), settings("data16:2:1")),
        "queue": ("bridge", (up,), settings("data32:7:5", "data32:9:3")),
        "sources-add": ("source", (up,), settings("data32:3:0", "data:4:0200000000a9")),
        "sources-set": ("source", (up,), settings("data32:3:3", three)),
        "up": ("bridge", (), tokens("up")),
        "up-all": ("bridge", (promisc, groups), tokens("up")),
        "up-passthru": ("passthru", (), tokens("up")),
        "address": ("bridge", (up,), tokens("addr:020000000099")),
        "address-passthru": ("passthru", (up,), tokens("addr:020000000099")),
        "mtu": ("bridge", (up,), tokens("mtu:1400")),
    }


def ipvlan_operations():
    """The same for ipvlan, with the number of the mode."""
    def settings(*tokens):
        return lambda kind: rtnl.own_ip(kind, *tokens)

    def tokens(*words):
        return lambda kind: words

    up, groups = ("name:v0", "up"), ("name:v0", "flags:0x200")
    return {
        **{f"create-{name}": (None, (), settings(f"data16:1:{number}"))
           for number, name in enumerate(("l2", "l3", "l3s"))},
        "create-netns": (None, (), lambda kind: (*rtnl.own_ip(kind), "nsfd:/run/netns/B")),
        "create-up": (None, (), lambda kind: ("up", *rtnl.own_ip(kind, "data16:1:2"))),
        "delete": ("2", (up,), tokens()),
        "mode-l3s": ("0", (up,), settings("data16:1:2")),
        "mode-l2": ("2", (up,), settings("data16:1:0")),
        "flags": ("1", (up,), settings("data16:2:1")),
        "up": ("0", (), tokens("up")),
        "up-all": ("0", (groups,), tokens("up")),
        "mtu": ("0", (up,), tokens("mtu:1400")),
    }


COUNTS = ("promiscuity", "allmulti")


def counts(found):
    return {name: tuple(link.get(key) for key in COUNTS) for name, link in found.items()}


def without_counts(found):
    return {name: {key: value for key, value in link.items() if key not in COUNTS} for name, link in found.items()}


def eventually(read, good):
    """What is read when it is good, or after 20 s."""
    patience = time.monotonic() + 20
    while not good(now := read()) and time.monotonic() < patience:
        time.sleep(0.02)
    return now


class Endpoint(Requests):
    """About an endpoint v0 on low, a device of another kind."""

    FIELDS = ("mtu", "address", "flags", "link", "mode", "mvflags", "count", "sources",
              "bcqueuelen", "bcqueuelenused", "bccutoff", "promiscuity", "allmulti",
              "ipmode", "ipflags")

    def __init__(self, kind, operation):
        self.kind = kind
        flavor, self.operation = operation.split("-", 1)
        operations = macvlan_operations() if flavor == "macvlan" else ipvlan_operations()
        mode, self.first, make = operations[self.operation]
        self.creates = mode is None
        more = make(kind)
        base = ["kind:" + kind, "name:v0", "link:10", "addr:020000000001"]
        if mode is None:
            self.create = base + list(more)
        elif flavor == "ipvlan":
            self.create = base + list(rtnl.own_ip(kind, f"data16:1:{mode}"))
        else:
            # One source that a change may take away.
            sources = ("data32:3:0", "data:4:0200000000a0") if mode == "source" else ()
            self.create = base + list(rtnl.own(kind, f"data32:1:{rtnl.MODES[mode]}", *sources))
        if self.creates:
            self.tokens = self.create
        elif any(token.startswith("data") for token in more):
            self.tokens = ["kind:" + kind, "name:v0", *more]
        else:
            self.tokens = ["name:v0", *more]
        # What it looks like without a fault.
        self.before()
        self.old = self.settled()
        self.plain("new" if self.creates else "del" if self.operation == "delete" else "set", self.tokens)
        self.after = self.settled()
        if left := self.clean_up(self.after):
            sys.exit(f"faults.py: {operation}: left without a fault: {left}")

    def before(self):
        if not self.creates:
            self.plain("new", self.create)
        for tokens in self.first:
            self.plain("set", tokens)

    def present(self):
        """The endpoint, and what it did to its lower device."""
        found = {v["name"]: {key: v[key] for key in self.FIELDS if key in v} for v in everywhere()
                 if v["kind"] == self.kind or v["name"] == "low"}
        if len(found) == 1 and found["low"] == self.unused:
            return {}
        return found

    def settled(self):
        """The same, when the lower device has been told what to receive: a worker does that, when
        it comes to it."""
        found, since = self.present(), time.monotonic()
        while time.monotonic() < since + 0.1:
            time.sleep(0.02)
            if (now := self.present()) != found:
                found, since = now, time.monotonic()
        return found

    def ready(self):
        """Here as in the pass without a fault."""
        return eventually(self.present, lambda now: counts(now) == counts(self.old))

    def outcome(self, old, result):
        """The worker may come later, and with it the counts, but nothing else."""
        new = self.present()
        if not self.good(old, new, result):
            rest = without_counts(new)
            new = eventually(self.present, lambda now: without_counts(now) != rest or self.good(old, now, result))
        return new, self.good(old, new, result)

    @property
    def unused(self):
        return {"mtu": "1500", "address": "02:00:00:00:0a:00", "flags": hex(0x10000 | 0xc3),
                "promiscuity": "0", "allmulti": "0"}

    def wanted(self, old):
        return self.after

    def good(self, old, new, result):
        if self.operation == "sources-set" and result:
            # The list is set one by one, and stays as it is where that ends.
            if new.keys() != old.keys():
                return False
            new = {**new, "v0": {**new["v0"]}}
            sources = new["v0"].pop("sources", None)
            found = sources.split(",") if sources else []
            return (int(new["v0"].pop("count")) == len(found)
                    and (set(found) <= set(self.after["v0"]["sources"].split(",")) or sources == old["v0"]["sources"])
                    and {**new["v0"]} == {key: old["v0"][key] for key in new["v0"]})
        return super().good(old, new, result)

    def clean_up(self, new):
        """Then others can have the lower device, too."""
        if "v0" in new:
            with inside("B" if self.operation == "create-netns" else "-"):
                self.plain("del", ["name:v0"])
        left = self.present()
        for master in ("br9", None):
            number = rtnl.link(master)["index"] if master else "0"
            self.plain("set", ["name:low", f"master:{number}"])
        return left


def main(args):
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    kind, operation = args[:2]
    stride, first = (int(number) for number in (*args[2:], *("1", "1")[len(args) - 2:]))
    prepare()
    requests = (Endpoint if operation.startswith(("macvlan-", "ipvlan-")) else Requests)(kind, operation)
    fault = Fault()
    n, failed, survived = first, 0, 0
    while True:
        requests.before()
        old = requests.ready()
        fired, result = requests.under_fault(fault, n)
        new, good = requests.outcome(old, result)
        if not good:
            print(f"site {n}: result {result}, before {old}, after {new}, wanted {requests.wanted(old)}")
            return 1
        if left := requests.clean_up(new):
            print(f"site {n}: left after the deletion: {left}")
            return 1
        if not fired:
            break
        failed, survived = failed + (result != 0), survived + (result == 0)
        n += stride
    if result != 0:
        print(f"without a fault: result {result}")
        return 1
    print(f"# {operation}: {failed + survived} faults up to site {n - stride}, each {stride} "
          f"from {first} on: {failed} refused, {survived} without effect")
    return 0 if n > first else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
