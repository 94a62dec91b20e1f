# SPDX-License-Identifier: GPL-2.0
"""Workers that make, change, move and delete links and namespaces at once, while
traffic runs and the module comes and goes.

What a worker tries is determined by the seed and its number; what comes of it is
not, and most errors are as they should be: the others were faster.
"""

import collections
import contextlib
import os
import random
import select
import signal
import socket
import struct
import time

import bed
import packets
import rtnl
from bed import check, inside, libc
from frames import ip_sum

SPACES = ["r0", "r1", "r2"]
NAMES = [f"d{n}" for n in range(5)]
MTUS = [68, 100, 576, 1280, 1500, 9000, 65535]
RTM_GETSTATS = 94


class Worker:
    pause = 0.0

    def __init__(self, kind, rng):
        self.kind, self.rng = kind, rng

    def prepare(self):
        """In the worker's own process."""

    def step(self):
        """One operation; returns what it was. It may fail as it likes."""
        raise NotImplementedError

    def place(self):
        return self.rng.choice(SPACES)

    def name(self):
        return "name:" + self.rng.choice(NAMES)

    def address(self):
        return "addr:02" + self.rng.randbytes(5).hex()

    def maybe(self, chance, *tokens):
        return tokens if self.rng.random() < chance else ()

    def request(self, verb, *tokens):
        place = self.place()
        self.say(f"{place}: {verb} {' '.join(tokens)}")
        error = bed.request(place, verb, *tokens)
        if error:
            raise OSError(error, os.strerror(error))


class Links(Worker):
    """Both ends: creation, deletion, moves, names, flags, numbers."""

    def end(self):
        rng = self.rng
        return (*self.maybe(0.9, self.name()), *self.maybe(0.3, self.address()),
                *self.maybe(0.3, f"mtu:{rng.choice(MTUS)}"),
                *self.maybe(0.3, f"group:{rng.randrange(1, 4)}"),
                *self.maybe(0.2, f"txq:{rng.randrange(1, 5)}", f"rxq:{rng.randrange(1, 5)}"),
                *self.maybe(0.5, f"nsfd:/run/netns/{self.place()}"))

    def step(self):
        rng = self.rng
        what = rng.choices(["new", "del", "group", "move", "rename", "up", "down", "set"],
                           [8, 3, 1, 3, 2, 6, 2, 4])[0]
        if what == "new":
            peer = ("peer", *self.end(), "end") if rng.random() < 0.8 else ()
            flavor = self.maybe(0.3, "data32:2:0") if self.kind == "rnetvirt" else ()
            self.request("new", "kind:" + self.kind, *self.end(), *self.maybe(0.5, "up"), *flavor, *peer)
        elif what == "del":
            self.request("del", self.name())
        elif what == "group":
            self.request("del", f"group:{rng.randrange(1, 4)}")
        elif what == "move":
            self.request("set", self.name(), f"nsfd:/run/netns/{self.place()}")
        elif what == "rename":
            old, new, place = rng.choice(NAMES), rng.choice(NAMES), self.place()
            self.say(f"{place}: {old} becomes {new}")
            with inside(place):
                index = bed.ifindex(old)
            bed.request(place, "set", f"index:{index}", "name:" + new)
        elif what in ("up", "down"):
            self.request("set", self.name(), what)
        else:
            change = rng.choice([f"mtu:{rng.choice(MTUS)}", self.address(), f"group:{rng.randrange(4)}",
                                 f"txqlen:{rng.randrange(2000)}", f"gsomax:{rng.randrange(600000)}",
                                 "attr:20:" + b"alias".hex(), f"flags:{rng.choice((0x100, 0x200)):#x}"])
            self.request("set", self.name(), change)


class Spaces(Worker):
    """Namespaces die with what is in them."""

    pause = 0.4

    def step(self):
        place = self.place()
        self.say(f"{place}: dies, and a new one comes")
        with contextlib.suppress(OSError):
            bed.ns_del(place)
        if self.rng.random() < 0.3:
            time.sleep(self.rng.random() / 2)
        bed.ns_add(place)


class Uppers(Worker):
    """Devices above: a bridge, a VLAN, a macvlan."""

    def index(self, place, name):
        with inside(place):
            return struct.pack("=I", bed.ifindex(name)).hex()

    def step(self):
        rng, place = self.rng, self.place()
        what = rng.choices(["bridge", "enslave", "release", "vlan", "macvlan", "del"], [3, 8, 3, 3, 3, 3])[0]
        name = rng.choice(NAMES)
        self.say(f"{place}: {what} {name}")
        if what == "bridge":
            bed.request(place, "new", "kind:bridge", "name:br0", "up")
        elif what == "enslave":
            bed.request(place, "set", "name:" + name, "attr:10:" + self.index(place, "br0"))
        elif what == "release":
            bed.request(place, "set", "name:" + name, "attr:10:00000000")
        elif what == "vlan":
            bed.request(place, "new", "kind:vlan", "name:vl0", "up", "attr:5:" + self.index(place, name),
                        "data:1:" + struct.pack("=H", rng.randrange(1, 4095)).hex())
        elif what == "macvlan":
            bed.request(place, "new", "kind:macvlan", "name:mv0", "up", "attr:5:" + self.index(place, name),
                        "data32:1:4")
        else:
            bed.request(place, "del", "name:" + rng.choice(["br0", "vl0", "mv0"]))


class Ethtool(Worker):
    """Features, numbers of queues, and what it can be asked."""

    ASK = [0x03, 0x0A, 0x12, 0x14, 0x1D, 0x23, 0x2B, 0x37, 0x3A, 0x3C, 0x41, 0x4C]
    SET = [0x15, 0x17, 0x19, 0x1F, 0x22, 0x24, 0x26, 0x2C]

    def step(self):
        rng, place, name = self.rng, self.place(), self.rng.choice(NAMES)
        what = rng.randrange(4)
        if what == 0:
            data = struct.pack("=II", rng.choice(self.SET), rng.choice((0, 1, rng.getrandbits(32))))
        elif what == 1:
            data = struct.pack("=II4I", 0x3B, 2, *(rng.getrandbits(32) for _ in range(4)))
        elif what == 2:
            data = struct.pack("=I8I", 0x3D, *(0,) * 4, rng.randrange(1, 5), rng.randrange(1, 5), 0, 0)
        else:
            data = struct.pack("=I", rng.choice(self.ASK))
        self.say(f"{place}: ethtool {name} {data.hex()}")
        with inside(place), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            bed.ethtool(sock, name, data)


class Readers(Worker):
    """Dumps, /proc and /sys."""

    FILES = ["statistics/rx_bytes", "statistics/tx_dropped", "carrier", "speed", "duplex", "iflink",
             "operstate", "mtu", "address", "queues/rx-0/rps_cpus", "queues/tx-0/xps_cpus"]

    def prepare(self):
        self.sys = bed.SYSFS
        os.makedirs(self.sys, exist_ok=True)

    def sysfs(self):
        check(libc.mount(b"sysfs", self.sys.encode(), b"sysfs", 0, None))
        try:
            for name in os.listdir(self.sys + "/class/net"):
                for file in self.rng.sample(self.FILES, 4):
                    with contextlib.suppress(OSError):
                        with open(f"{self.sys}/class/net/{name}/{file}", "rb") as stream:
                            stream.read()
        finally:
            check(libc.umount2(self.sys.encode(), bed.MNT_DETACH))

    def step(self):
        place, what = self.place(), self.rng.choice(["dump", "proc", "sysfs", "stats"])
        self.say(f"{place}: {what}")
        with inside(place):
            if what == "sysfs":
                self.sysfs()
            elif what == "proc":
                with open("/proc/thread-self/net/dev", "rb") as file:
                    file.read()
            else:
                with rtnl.Netlink() as nl:
                    nl.sock.settimeout(30)
                    if what == "dump":
                        nl.dump()
                    else:
                        nl.send(RTM_GETSTATS, rtnl.REQUEST | 0x300, struct.pack("=B3xII", 0, 0, 31))
                        while all(kind != 3 for kind, _, _, _ in nl.messages()):
                            pass


class Frames(Worker):
    """Bursts into whatever is there, with and without a virtio header."""

    def step(self):
        rng, place, name = self.rng, self.place(), self.rng.choice(NAMES)
        self.say(f"{place}: frames into {name}")
        with inside(place):
            if rng.random() < 0.3:
                self.datagrams(name)
                return
            with packets.Sender(name) as out:
                for _ in range(rng.randrange(1, 60)):
                    out.send(packets.frame(rng, limit=4000))

    def datagrams(self, name):
        """To all nodes, which needs no address but the automatic one."""
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            where = ("ff02::1", 9, 0, bed.ifindex(name))
            for _ in range(40):
                sock.sendto(bytes(self.rng.randrange(8000)), where)


class Pair(Worker):
    """Has a pair of its own with addresses, made again whenever it is gone."""

    outer, inner, net = "", "", ""

    def names(self):
        return "s" + self.net, "S" + self.net + "a", "S" + self.net + "b"

    def prepare(self):
        for place in self.names()[1:]:
            bed.ns_add(place)

    def pair(self):
        name, here, there = self.names()
        bed.request(here, "new", "kind:" + self.kind, "name:" + name, "peer", "name:" + name,
                    f"nsfd:/run/netns/{there}", "end")
        with inside(here):
            bed.set_address(name, f"10.9.{self.net}.1")
        with inside(there):
            bed.set_address(name, f"10.9.{self.net}.2")
        return here, there


class Stream(Pair):
    """A TCP stream in both directions."""

    net = "1"

    def step(self):
        self.say("TCP: connecting")
        here, there = self.pair()
        with inside(there):
            listener = socket.socket()
        with inside(here):
            client = socket.socket()
        with listener, client:
            listener.bind(("10.9.1.2", 0))
            listener.listen(1)
            listener.settimeout(3)
            client.settimeout(3)
            client.connect(listener.getsockname())
            server, _ = listener.accept()
            with server:
                self.pump(client, server)

    def pump(self, *ends):
        for end in ends:
            end.setblocking(False)
        amount, until = 0, time.monotonic() + 2
        while time.monotonic() < until:
            readable, writable, _ = select.select(ends, ends, [], 0.5)
            for end in readable:
                amount += len(end.recv(1 << 18))
            for end in writable:
                with contextlib.suppress(BlockingIOError):
                    end.send(bytes(1 << 16))
        self.say(f"TCP: {amount} bytes")


class Flood(Pair):
    """Echo requests and UDP."""

    net = "2"

    def echo(self, number, length):
        data = struct.pack("!BBHHH", 8, 0, 0, 1, number & 0xFFFF) + bytes(length & ~1)
        return data[:2] + struct.pack("!H", ip_sum(data)) + data[4:]

    def step(self):
        self.say("flood: connecting")
        here, _ = self.pair()
        with inside(here):
            ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with ping, udp:
            ping.setblocking(False)
            udp.setblocking(False)
            until, number = time.monotonic() + 2, 0
            while time.monotonic() < until:
                number += 1
                length = self.rng.choice([0, 8, 56, 1400, 9000])
                with contextlib.suppress(BlockingIOError):
                    ping.sendto(self.echo(number, length), ("10.9.2.2", 0))
                    udp.sendto(bytes(length), ("10.9.2.2", 9))
                with contextlib.suppress(BlockingIOError):
                    ping.recv(1 << 16)
        self.say(f"flood: {number} rounds")


class Module(Worker):
    """Unloading takes all links with it."""

    def step(self):
        time.sleep(self.rng.uniform(1, 6))
        self.say("unloading the module")
        bed.unload(self.kind)
        time.sleep(self.rng.choice((0, 0, 0.1, 1)))
        self.say("loading the module")
        bed.load(self.kind)


WORKERS = [Links, Links, Links, Spaces, Uppers, Ethtool, Readers, Frames, Stream, Flood, Module]


def work(worker, say, until):
    tried, errors = 0, collections.Counter()
    worker.say = say
    worker.prepare()
    while time.monotonic() < until:
        tried += 1
        try:
            worker.step()
        except OSError as error:
            errors[error.errno or 0] += 1
        time.sleep(worker.pause)
    say(f"{tried} tried, {bed.tally(errors)}")


def run(board, kind, seed, seconds):
    """In a process group of its own, which whoever started it ends."""
    for place in SPACES:
        bed.ns_add(place)
    until = time.monotonic() + seconds
    children = {}
    for number, cls in enumerate(WORKERS):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            worker = cls(kind, random.Random(f"{seed}/{number}"))
            name = f"{cls.__name__.lower()}{number}"
            status = 1
            try:
                work(worker, lambda text: board.say(number, f"{name}: {text}"), until)
                status = 0
            except BaseException as error:  # pylint: disable=broad-except
                board.say(number, f"{name}: {error!r}")
            os._exit(status)
        children[pid] = number
    failed = []
    while children:
        pid, status = os.wait()
        number = children.pop(pid)
        if status:
            failed.append(f"the worker ended by itself: {board.read(number)[1]}")
    return "; ".join(failed) or None
