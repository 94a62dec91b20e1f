# SPDX-License-Identifier: GPL-2.0
"""Repeats an operation with its first, second, ... allocation failing.

This task arms itself through fail-nth, so nobody else's allocations fail. After
each fault the links are either as before, and the operation was refused, or as
the operation wants them: never half of it. An operation ends with the first pass
in which nothing failed, and that one must succeed.
"""

import contextlib
import errno
import fcntl
import functools
import os
import socket
import struct
import threading
import time

import bed
import faults
import rtnl
import xdp
from inside import inside

# What run() says begins with this if nothing went wrong, but not all was tried.
SKIP = "SKIP the time was over"
DEBUG = "/sys/kernel/debug"
OUTER = ("kind:{kind}", "index:10000", "name:v0", "addr:020000000001", "txq:2", "rxq:2")
PEER = ("peer", "name:v1", "addr:020000000002", "txq:2", "rxq:2")
FIELDS = ("mtu", "address", "group", "txqlen", "master", "link", "mode", "mvflags", "count", "sources", "bcqueuelen",
          "bcqueuelenused", "bccutoff", "promiscuity", "allmulti", "ipmode", "ipflags")
FRAME = bytes.fromhex("020000000002020000000001" "88b5") + bytes(1200)
# To 10.3.0.1, from and to the MAC address that endpoints of flavor ipvlan have.
PACKET = bytes.fromhex("020000000a00020000000a00" "0800" "450004b00000000040fd0000" "0a030002" "0a030001") + bytes(1180)
ETHTOOL_SGRO = 0x2C


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(value)


def small(cache):
    """Whether a cache is one for names or for sysfs nodes."""
    return cache.startswith("kernfs") or ("kmalloc" in cache and cache.rsplit("-", 1)[-1] in ("8", "16", "32", "64"))


def field(cache):
    """Whether a cache is that of the fields of tracepoints."""
    return cache == "ftrace_event_field"


def knobs(spared=None):
    """Sleeping allocations fail too, of any size, without a stack dump for each;
    not those from caches that are SPARED, if any; with the small ones pages are, too."""
    for directory in ("failslab", "fail_page_alloc"):
        write(f"{DEBUG}/{directory}/ignore-gfp-wait", "N")
        write(f"{DEBUG}/{directory}/verbose", "0")
    write(f"{DEBUG}/fail_page_alloc/min-order", "12" if spared is small else "0")
    write(f"{DEBUG}/failslab/cache-filter", "Y" if spared else "N")
    if not spared:
        return
    for cache in os.listdir("/sys/kernel/slab"):
        with contextlib.suppress(OSError):  # aliases, and caches that are gone
            write(f"/sys/kernel/slab/{cache}/failslab", "0" if spared(cache) else "1")


class Fault:
    """Makes the Nth allocation of this task fail."""

    def __init__(self):
        self.file = os.open(f"/proc/self/task/{threading.get_native_id()}/fail-nth", os.O_RDWR)

    def arm(self, n):
        os.pwrite(self.file, b"%d" % n, 0)

    def disarm(self):
        """True if it fired."""
        left = int(os.pread(self.file, 32, 0))
        os.pwrite(self.file, b"0", 0)
        return left == 0


class Link:
    """One request about links, between a pair that is made and one that is gone."""

    spared = None

    def __init__(self, kind, verb, tokens, wanted, before=(), pair=True, far=False, ignored=()):
        self.kind, self.verb, self.tokens, self.wanted = kind, verb, tokens, wanted
        self.extra, self.pair, self.far, self.ignored = before, pair, far, ignored

    def new_pair(self):
        far = ("nsfd:/run/netns/A",) if self.far else ()
        outer = tuple(token.format(kind=self.kind) for token in OUTER)
        return *outer, *PEER, *far, "end"

    def prepare(self):
        if self.pair:
            bed.must("S", "new", *self.new_pair())
        for verb, *tokens in self.extra:
            bed.must("S", verb, *tokens)

    def message(self):
        tokens = [token.format(kind=self.kind) for token in self.tokens] or self.new_pair()
        return bed.message(self.verb, bed.build(tokens))

    def act(self, fault, n):
        """(fired, 0 or an errno, or None if even the answer could not be made)."""
        message = self.message()
        with inside("S"), rtnl.Netlink() as nl:
            nl.sock.settimeout(0.3)
            result = None
            fault.arm(n)
            try:
                nl.send(*message)
            except OSError as error:
                result = error.errno
            fired = fault.disarm()
            if result is None:
                with contextlib.suppress(OSError):
                    result = nl.reply()[0]
        while rtnl.opened:
            os.close(rtnl.opened.pop())
        return fired, result

    def good(self, old, new, result):
        wanted = self.wanted(old)
        if result == 0:
            return new == wanted
        if result is None:
            return new in (old, wanted)
        return new == old

    def left(self, links):
        """What should not be there after restore()."""
        return links

    def restore(self, new):
        for namespace, name in new:
            if name == "v0" or name == "w0":
                bed.must(namespace, "del", "name:" + name)


class Call(Link):
    """Something other than a request; `call` is armed."""

    def __init__(self, kind, call, pair=True, before=()):
        super().__init__(kind, "", (), lambda old: old, before, pair)
        self.call = call

    def act(self, fault, n):
        with inside("S"):
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
                if self.pair:
                    sock.bind(("v0", 0))
                result = 0
                fault.arm(n)
                try:
                    self.call(sock)
                except OSError as error:
                    result = error.errno
                return fault.disarm(), result


def flavored(flavor, make):
    """What makes the tokens of an operation, with the number of another flavor."""
    def made(kind):
        number, _ = bed.TAPS[flavor]
        return [f"data32:2:{number}" if token.startswith("data32:2:") else token for token in make(kind)]
    return made


def requests():
    """By flavor, as faults.py has them; those that are not the same with a node in /dev."""
    found = {"macvlan": faults.macvlan_operations(), "ipvlan": faults.ipvlan_operations()}
    for flavor, (_, like) in bed.TAPS.items():
        found[flavor] = {name: (mode, first, flavored(flavor, make)) for name, (mode, first, make) in found[like].items()
                         if name in ("create-bridge", "create-passthru", "create-l2", "create-l3s", "create-netns",
                                     "create-up", "delete", "up")}
    return found


class Endpoint(Link):
    """One request about an endpoint v0 on low, which has nobody else."""

    LOW = ("kind:dummy", "name:low", "index:10", "addr:020000000a00", "up")
    NEW = ("name:v0", "index:10000", "link:10", "addr:020000000001")
    OPERATIONS = requests()

    def __init__(self, kind, flavor, name):
        mode, first, make = self.OPERATIONS[flavor][name]
        more = make(kind)
        verb = "new" if mode is None else "del" if name == "delete" else "set"
        self.endpoint = ()
        if mode:
            sources = ("data32:3:0", "data:4:0200000000a0") if mode == "source" else ()
            settings = ((f"data16:1:{mode}",) if bed.is_ip(flavor) else
                        (f"data32:1:{rtnl.MODES[mode]}", *sources))
            self.endpoint = ("kind:" + kind, *self.NEW, *bed.own(kind, flavor)(*settings))
        if mode is None:
            tokens = ("kind:" + kind, *self.NEW, *more)
        elif any(token.startswith("data") for token in more):
            tokens = ("kind:" + kind, "name:v0", *more)
        else:
            tokens = ("name:v0", *more)
        # One by one, and what is there stays there.
        self.partial = name == "sources-set"
        self.low = None
        before = [("set", *words) for words in first]
        super().__init__(kind, verb, [token.replace("netns/B", "netns/A") for token in tokens], Created(), before)

    def prepare(self):
        if self.low is None:
            bed.must("S", "new", *self.LOW)
            bed.must("S", "new", "kind:bridge", "name:br9", "index:11")
            self.low = state()["S", "low"]
        if self.endpoint:
            bed.must("S", "new", *self.endpoint)
        for verb, *tokens in self.extra:
            bed.must("S", verb, *tokens)

    def good(self, old, new, result):
        if not (self.partial and result):
            return super().good(old, new, result)
        if new.keys() != old.keys():
            return False
        was, now, wanted = (links["S", "v0"] for links in (old, new, self.wanted(old)))
        sources = (now["sources"] or "").split(",") if now["sources"] else []
        return (int(now["count"]) == len(sources)
                and (now["sources"] == was["sources"] or set(sources) <= set(wanted["sources"].split(",")))
                and {**now, "sources": 0, "count": 0} == {**was, "sources": 0, "count": 0}
                and all(new[key] == old[key] for key in old if key[1] != "v0"))

    def restore(self, new):
        super().restore(new)
        # Nobody has the lower device any more: a bridge can.
        bed.must("S", "set", "name:low", "master:11")
        bed.must("S", "set", "name:low", "master:0")

    def left(self, links):
        """The lower device stays, as it was: making it takes long."""
        return {key: link for key, link in links.items() if link != self.low}


class Host(Endpoint):
    """v0 gets an IP address, which v1 wants, too."""

    OPERATIONS = {"ipvlan": {"address": ("0", (("name:v0", "up"),), lambda kind: ())}}

    def __init__(self, kind, address):
        super().__init__(kind, "ipvlan", "address")
        self.address, self.kmsg = address, None

    def prepare(self):
        self.kmsg = self.kmsg or bed.Kmsg()
        super().prepare()
        bed.must("S", "new", "kind:" + self.kind, "name:v1", "link:10", "up", *bed.own(self.kind, "ipvlan")())

    def message(self):
        return bed.host_message("new", 10000, self.address)

    def good(self, old, new, result):
        """Who has it receives by it, and whoever has not is not in the way of others."""
        taken = bed.host("S", "new", "v1", self.address) == errno.EADDRINUSE
        has = new["S", "v0"]["hosts"] == [self.address]
        # Too late to refuse it: then the log says so. C ipvlan says nothing.
        deaf = any("it does not receive" in line for line in self.kmsg.new()) or self.kind == "ipvlan"
        return super().good(old, new, result) and (taken == has or (has and deaf))

    def restore(self, new):
        bed.must("S", "del", "name:v1")
        super().restore(new)


def references(kind, wanted=None):
    """How many refer to the module; those of closed files go a grace period later."""
    until = time.monotonic() + 15
    while True:
        with open(f"/sys/module/{kind}/refcnt", encoding="ascii") as file:
            found = int(file.read())
        if wanted in (None, found) or time.monotonic() > until:
            return found
        time.sleep(0.01)


class Node(Endpoint):
    """Something is done to /dev/tap10000, which is open twice, or to v0, whose node it is.
    CALL gets the number of a descriptor; what it returns is closed, if that is one."""

    def __init__(self, kind, flavor, call=None, tokens=(), wanted=lambda old: old):
        super().__init__(kind, flavor, "delete")
        self.call, self.tokens, self.wanted, self.verb = call, list(tokens), wanted, "set"
        if isinstance(wanted, Created):  # it is moved
            self.spared, self.extra = small, ()
        self.files, self.held, self.odd = (), 0, False

    def prepare(self):
        super().prepare()
        if not os.path.exists("/dev/tap10000"):
            raise RuntimeError("there is no /dev/tap10000")
        self.files = [os.open("/dev/tap10000", os.O_RDWR | os.O_NONBLOCK) for _ in range(2)]
        self.held = references(self.kind)

    def act(self, fault, n):
        if not self.call:
            return super().act(fault, n)
        result, found = 0, None
        fault.arm(n)
        try:
            found = self.call(self.files[0])
        except OSError as error:
            result = error.errno
        fired = fault.disarm()
        if found is not None:
            os.close(found)
        return fired, result

    def good(self, old, new, result):
        """No file that could not be opened holds the module, and those that could work."""
        if (now := references(self.kind, self.held)) != self.held:
            print(f"# {now} references to the module instead of {self.held}", flush=True)
            return False
        return super().good(old, new, result) and self.works()

    def works(self):
        for file in self.files:
            with contextlib.suppress(BlockingIOError):
                while os.read(file, 70000):
                    pass
            if os.write(file, bytes(10) + FRAME) != 10 + len(FRAME):
                return False
        return True

    def restore(self, new):
        # The device goes before its files do, or after.
        self.odd = not self.odd
        if self.odd:
            super().restore(new)
        for file in self.files:
            os.close(file)
        if not self.odd:
            super().restore(new)
        if references(self.kind, 0) != 0:
            raise RuntimeError("something holds the module still")


class Siblings(Call):
    """A frame of an endpoint that talks to its siblings, which listen."""

    def __init__(self, kind, flavor, frame):
        super().__init__(kind, lambda sock: sock.send(frame))
        self.settings = bed.own(kind, flavor)("data16:1:0" if flavor == "ipvlan" else "data32:1:4")

    def prepare(self):
        bed.must("S", "new", *Endpoint.LOW)
        for number in range(3):
            bed.must("S", "new", "kind:" + self.kind, f"name:v{number}", f"index:{100 + number}", "link:10",
                     f"addr:02000000000{number + 1}", "up", *self.settings)
        bed.must_host("S", "v1", "10.3.0.1")

    def restore(self, new):
        bed.must("S", "del", "name:low")


class Polled(Call):
    """On a pair of which one end, with two queues, polls what it receives; `first` was done before."""

    def __init__(self, kind, call, first=(), up=True, wanted=lambda old: old):
        super().__init__(kind, call, before=(("set", "name:v1", "up"), *((("set", "name:v0", "up"),) if up else ())))
        self.first, self.wanted = first, wanted

    def prepare(self):
        super().prepare()
        with inside("S"), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            for call in self.first:
                call(sock)


class Load(Call):
    """The module itself: loaded or not, and it can be unloaded."""

    # The core warns when it has no memory for a field of a tracepoint; the module is
    # loaded without that then. All else may fail.
    spared = staticmethod(field)

    def __init__(self, kind):
        super().__init__(kind, lambda _: bed.load(kind), pair=False)

    def prepare(self):
        if bed.loaded(self.kind):
            bed.unload(self.kind)

    def good(self, old, new, result):
        return bed.loaded(self.kind) == (result == 0)

    def restore(self, new):
        pass


def changed(**changes):
    """What is wanted: the old state, v0 with these changes."""
    return lambda old: {**old, ("S", "v0"): {**old["S", "v0"], **changes}}


class Created:
    """What a creation is to give: as it came out without a fault."""

    def __init__(self):
        self.state = None

    def __call__(self, old):
        return self.state


def operations(kind, flavors):
    found = {}
    if "veth" in flavors:
        found |= of_pairs(kind)
    for flavor in bed.stacked(kind, flavors):
        found |= {f"{flavor}-{name}": Endpoint(kind, flavor, name) for name in Endpoint.OPERATIONS[flavor]}
        if flavor in bed.TAPS:
            found |= of_nodes(kind, flavor)
            continue
        found[flavor + "-transmit"] = Siblings(kind, flavor, FRAME if flavor == "macvlan" else PACKET)
        found[flavor + "-transmit-group"] = Siblings(kind, flavor, bytes.fromhex("ffffffffffff") + FRAME[6:])
    if "ipvlan" in flavors:
        found["ipvlan-address4"] = Host(kind, "10.3.0.1")
        found["ipvlan-address6"] = Host(kind, "fd00:3::1")
    return {**found, "load": Load(kind)}


def of_nodes(kind, flavor):
    def asynchronous(file):
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)

    def node(call=None, **more):
        return Node(kind, flavor, call, **more)

    tcp = bytes.fromhex("450003e800000000400600000a0300020a030001" "00090009000000010000000150100000" "00000000")
    plain = bytes(10) + PACKET
    cut = struct.pack("=BBHHHH", 1, 1, 54, 100, 34, 16) + PACKET[:14] + tcp + bytes(60000)
    nodes = {
        "node-open": node(lambda file: os.open("/dev/tap10000", os.O_RDWR | os.O_NONBLOCK)),
        "node-write": node(lambda file: os.write(file, plain) and None),
        "node-write-long": node(lambda file: os.write(file, bytes(10) + PACKET[:14] + bytes(60000)) and None),
        "node-write-gso": node(lambda file: os.write(file, cut) and None),
        # What else a node can do allocates nothing: its name, attaching, with flavor ipvtap the address.
        "node-async": node(asynchronous),
        "txqlen": node(tokens=("name:v0", "txqlen:5"), wanted=changed(txqlen="5")),
        "move": node(tokens=("name:v0", "nsfd:/run/netns/A"), wanted=Created()),
    }
    if flavor == "macvtap":
        nodes["node-address"] = node(lambda file: fcntl.ioctl(file, 0x8924, struct.pack(
            "16sH6s8x", b"", 1, bytes.fromhex("020000000001"))) and None)
    return {f"{flavor}-{name}": operation for name, operation in nodes.items()}


def of_pairs(kind):
    up = ("set", "name:v0", "up"), ("set", "name:v1", "up")
    gone, plain = (lambda old: {}), [Created() for _ in range(4)]

    def link(verb, tokens, wanted, **more):
        return Link(kind, verb, tokens, wanted, **more)

    def renamed(old):
        return {("S", "w0"): old["S", "v0"], **{k: v for k, v in old.items() if k[1] != "v0"}}

    def moved(old):
        return {("A", "v0"): {**old["S", "v0"]}, **{k: v for k, v in old.items() if k[1] != "v0"}}

    def toggle(on):
        return lambda sock: bed.ethtool(sock, "v0", bytes((ETHTOOL_SGRO, 0, 0, 0, on, 0, 0, 0)))

    def channels(number):
        return lambda sock: bed.ethtool(sock, "v0", struct.pack("=9I", 0x3D, 0, 0, 0, 0, number, 2, 0, 0))

    def up_now(sock):
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh22x", b"v0", 0x1003))

    program = functools.cache(lambda: xdp.build(["pass"]))

    change = ("kind:{kind}", "name:v0", *(("data32:2:0",) if kind == "rnetvirt" else ()))
    move = link("set", ("name:v0", "nsfd:/run/netns/A"), moved)
    # The core warns when it cannot rename a device in the middle of a move, which
    # takes short strings. All else may fail.
    move.spared = small
    return {
        "create": link("new", (), plain[0], pair=False, ignored=("link",)),
        "create-netns": link("new", (), plain[1], pair=False, far=True, ignored=("link",)),
        "create-up": link("new", (*OUTER, "up", *PEER, "end"), plain[2], pair=False, ignored=("link",)),
        # The second one is like the first, but with a name and an address of its own.
        "create-bare": link("new", OUTER, plain[3], pair=False, ignored=("address", "link")),
        "delete": link("del", ("name:v0",), gone, before=up),
        "delete-netns": link("del", ("name:v0",), gone, far=True),
        "change": link("set", change, lambda old: old),
        "rename": link("set", ("index:10000", "name:w0"), renamed),
        "open": link("set", ("name:v0", "up"), changed(up=1), before=up[1:]),
        "close": link("set", ("name:v0", "down"), changed(up=0), before=up),
        "address": link("set", ("name:v0", "addr:020000000099"), changed(address="02:00:00:00:00:99")),
        "mtu": link("set", ("name:v0", "mtu:1400"), changed(mtu="1400")),
        "txqlen": link("set", ("name:v0", "txqlen:5"), changed(txqlen="5")),
        "move": move,
        "dump": link("get", ("name:v0",), lambda old: old),
        "features": Call(kind, toggle(1), before=up),
        "open-polled": Polled(kind, up_now, (toggle(1),), up=False, wanted=changed(up=1)),
        "channels": Polled(kind, channels(2), (toggle(1), channels(1))),
        "program": Polled(kind, lambda sock: xdp.attach("v0", program())),
        "program-polled": Polled(kind, lambda sock: xdp.attach("v0", program()), (toggle(1),)),
        "program-off": Polled(kind, lambda sock: xdp.attach("v0", -1), (lambda sock: xdp.attach("v0", program()),)),
        "transmit": Call(kind, lambda sock: sock.send(FRAME), before=up),
    }


def state(ignored=()):
    found = {}
    for namespace in ("S", "A"):
        hosts = bed.hosts(namespace)
        for v in bed.links(namespace):
            if v["kind"] not in ("", "bridge"):
                fields = {key: v.get(key) for key in FIELDS if key not in ignored}
                found[namespace, v["name"]] = {**fields, "up": int(v["flags"], 16) & 1, "hosts": hosts[int(v["index"])]}
    return found


def settled(ignored):
    """The state, when nothing that is told later has changed it for half a second."""
    now = state(ignored)
    while True:
        time.sleep(0.5)
        before, now = now, state(ignored)
        if now == before:
            return now


def told(first, ignored):
    """The state, when devices have been told to receive what they were in the first pass."""
    def counts(links):
        return {key: (link.get("promiscuity"), link.get("allmulti")) for key, link in links.items()}
    now, patience = state(ignored), time.monotonic() + 20
    while counts(now) != counts(first) and time.monotonic() < patience:
        time.sleep(0.1)
        now = state(ignored)
    return now


def run(board, kind, flavors, name, until):
    """One operation; returns None, or what went wrong."""
    operation = operations(kind, flavors)[name]
    bed.ns_add("S")
    bed.ns_add("A")
    knobs(operation.spared)
    fault, n, refused, survived, first = Fault(), 0, 0, 0, None
    try:
        # Site 0 is the pass without a fault, before: what success looks like, and
        # what is allocated only once.
        while True:
            board.say(0, f"{name}: allocation {n} fails")
            operation.prepare()
            old = told(first, operation.ignored) if n else settled(operation.ignored)
            if n == 0:
                first = old
            fired, result = operation.act(fault, n)
            new = state(operation.ignored) if n else settled(operation.ignored)
            if n == 0 and isinstance(operation.wanted, Created):
                operation.wanted.state = new
            # What a device is to receive is told to it later, and when that fails again, after 1 to 15 s.
            patience = time.monotonic() + 20
            while not operation.good(old, new, result) and time.monotonic() < patience:
                time.sleep(0.1)
                new = state(operation.ignored)
            where = f"{name}: allocation {n}: result {result}, before {old}, after {new}"
            if not operation.good(old, new, result) or bed.tainted():
                return where
            operation.restore(new)
            if left := operation.left(state()):
                return f"{where}, left after the deletion {left}"
            if n == 0 or not fired:
                if result != 0:
                    return f"without a fault: {where}"
                if n:
                    break
            else:
                refused, survived = refused + (result != 0), survived + (result == 0)
            n += 1
            if until and time.monotonic() > until:
                return f"{SKIP} at allocation {n}"
    finally:
        knobs()
        bed.ns_clear()
    board.say(0, f"{name}: {refused + survived} allocations, {refused} refused, {survived} without effect")
    return None if n > 1 else "no allocation failed: the instrument is broken"
