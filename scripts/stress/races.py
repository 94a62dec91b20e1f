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
import taps
from bed import check, inside, libc
from programs import Programs
from worker import ENDPOINTS, PAIRS, SPACES, Worker

MTUS = [68, 100, 576, 1280, 1500, 9000, 65535]
# The settings of endpoints that talk to siblings.
TALKING = {"macvlan": ("data32:1:4",), "ipvlan": ("data16:1:0",)}
TALKING |= {flavor: TALKING[like] for flavor, (_, like) in bed.TAPS.items()}
RTM_GETSTATS = 94


class Links(Worker):
    """Both ends: creation, deletion, moves, names, flags, numbers."""

    def end(self):
        rng = self.rng
        return (*self.maybe(0.9, "name:" + rng.choice(PAIRS)), *self.maybe(0.3, self.address()),
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
            self.request("new", "kind:" + bed.pair_kind(self.kind), *self.end(), *self.maybe(0.5, "up"), *flavor, *peer)
        elif what == "del":
            self.request("del", self.name())
        elif what == "group":
            self.request("del", f"group:{rng.randrange(1, 4)}")
        elif what == "move":
            self.request("set", self.name(), f"nsfd:/run/netns/{self.place()}")
        elif what == "rename":
            old, new, place = rng.choice(self.names), rng.choice(self.names), self.place()
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


class Endpoints(Worker):
    """macvlan: endpoints of all modes on whatever is there, their settings, and what
    they are found by."""

    flavor = "macvlan"
    lengths = 0  # how often that of the queue is changed

    def mac(self):
        # Few, so that they clash, and frames find them.
        return self.rng.choice(packets.ENDPOINTS).hex()

    def limits(self):
        """Limits, now and then: small ones, which drop, large ones, and none."""
        if self.kind != "rnetvirt" or self.rng.random() < 0.7:
            return ()
        amounts = (0, 1, 100, 10**6)
        rates = [f"data:{number}:{self.rng.choice(amounts).to_bytes(8, 'little').hex()}" for number in (1, 5)]
        numbers = [f"data32:{number}:{self.rng.choice(amounts)}" for number in (3, 7, 9)]
        return ("nest:8", *(token for token in rates + numbers if self.rng.random() < 0.5), "end")

    def settings(self):
        rng = self.rng
        mode = rng.choice((1, 2, 4, 4, 4, 8, 16, 16))
        tokens = [*self.maybe(0.7, f"data32:1:{mode}"), *self.maybe(0.3, f"data16:2:{rng.randrange(4)}")]
        if mode == 16 or rng.random() < 0.2:
            what = rng.randrange(4)
            tokens.append(f"data32:3:{what}")
            if what < 2:
                tokens.append("data:4:" + rng.choice((self.mac(), packets.MACS[0].hex(), packets.MACS[1].hex())))
            elif what == 3:
                tokens.append("sources:" + ",".join(self.mac() for _ in range(rng.randrange(1, 30))))
        return [*bed.own(self.kind, self.flavor)(
            *tokens, *self.maybe(0.2, f"data32:7:{rng.choice((0, 1, 50, 1000, 2000))}"),
            *self.maybe(0.2, f"data32:9:{rng.choice((-1, 0, 1, 5))}")), *self.limits(), *self.port()]

    def port(self):
        """What is set for all on the lower device, in the C drivers' kinds nothing: host and suppress, on or off, and copies."""
        own = (*self.maybe(0.3, f"data32:7:{self.rng.randrange(2)}"), *self.maybe(0.3, f"data32:9:{self.rng.randrange(2)}"),
               *self.maybe(0.3, f"data32:10:{self.rng.choice((0, 1, 1000, 1000000))}"))
        return own if self.kind == "rnetvirt" else ()

    def step(self):
        rng = self.rng
        what = rng.choices(["new", "del", "set", "address", "flags", "group"], [8, 3, 8, 3, 4, 1])[0]
        name = "name:" + rng.choice(ENDPOINTS[self.flavor])
        if what == "new":
            place = self.place()
            lower = rng.choice([*self.names, *["low0"] * 8])
            self.say(f"{place}: an endpoint on {lower}")
            if lower == "low0":
                bed.request(place, "new", "kind:dummy", "name:low0", "up")
            self.request_in(place, "new", "kind:" + self.kind, name, f"link:{self.index(place, lower)}",
                            *self.maybe(0.8, "addr:" + self.mac()), *self.maybe(0.2, f"mtu:{rng.choice(MTUS)}"),
                            *self.maybe(0.3, f"group:{rng.randrange(1, 4)}"), *self.maybe(0.7, "up"),
                            *self.maybe(0.4, f"nsfd:/run/netns/{self.place()}"), *self.settings())
        elif what == "del":
            self.request("del", name)
        elif what == "set":
            self.request("set", "kind:" + self.kind, name, *self.settings())
        elif what == "address":
            self.request("set", name, "addr:" + self.mac())
        elif what == "flags":
            change = rng.choice(("up", "down", "flags:0x100", "flags:0x200", f"mtu:{rng.choice(MTUS)}",
                                 *(f"txqlen:{rng.choice((0, 1, 2, 31, 32, 500, 2000))}" for _ in range(self.lengths))))
            self.request("set", name, change)
        else:
            self.request("del", f"group:{rng.randrange(1, 4)}")


class IpEndpoints(Endpoints):
    """ipvlan: the same; their MAC address is the lower device's."""

    flavor = "ipvlan"

    def settings(self):
        rng = self.rng
        return [*bed.own(self.kind, self.flavor)(*self.maybe(0.8, f"data16:1:{rng.randrange(3)}"),
                                                 *self.maybe(0.5, f"data16:2:{rng.choice((0, 0, 1, 2))}")),
                *self.limits(), *self.port()]


class TapEndpoints(Endpoints):
    """macvtap: the same, with rings of other lengths now and then."""

    flavor, lengths = "macvtap", 4


class IpTapEndpoints(IpEndpoints):
    """ipvtap: likewise."""

    flavor, lengths = "ipvtap", 4


class Hammer(Worker):
    """Whatever nodes there are, opened and used by processes in three namespaces, which
    are killed in the middle of it. See tap.c."""

    flavor = "macvtap"

    def endpoints(self):
        """Some that talk to each other, if there are none."""
        place = self.place()
        self.say(f"{place}: {self.flavor} on low0")
        bed.request(place, "new", "kind:dummy", "name:low0", "up")
        low = self.index(place, "low0")
        for number, name in enumerate(ENDPOINTS[self.flavor][:3]):
            address = ("addr:" + packets.ENDPOINTS[number].hex(),) if self.flavor == "macvtap" else ()
            bed.request(place, "new", "kind:" + self.kind, "name:" + name, f"link:{low}", "up", *address,
                        *bed.own(self.kind, self.flavor)(*TALKING[self.flavor]))

    def step(self):
        shared = taps.Shared()
        if shared.is_quiet():
            time.sleep(0.05)
            return
        with contextlib.suppress(OSError):
            self.endpoints()
        # Half of them end by themselves.
        most = self.rng.randrange(2000, 15000)
        limit = time.monotonic() + self.rng.uniform(0.5, 2) * most / 1000
        process = taps.start("hammer", self.rng.getrandbits(63), most,
                             *(f"/run/netns/{place}" for place in self.rng.sample(SPACES, len(SPACES))))
        if status := taps.wait(process, lambda: self.say(f"nodes: {shared.text()}"), limit):
            raise RuntimeError(f"tap hammer: status {status}")


class IpHammer(Hammer):
    """With endpoints of the other flavor."""

    flavor = "ipvtap"


class Hosts(Worker):
    """IP addresses of ipvlan endpoints: few, so that they clash, and packets find them."""

    flavor = "ipvlan"

    def step(self):
        rng, place = self.rng, self.place()
        verb, name = rng.choice(("new", "new", "del")), rng.choice(ENDPOINTS[self.flavor])
        host = rng.choice(packets.HOSTS)
        self.say(f"{place}: {verb} {host} on {name}")
        # Often there would be none.
        below = self.place()
        bed.request(below, "new", "kind:dummy", "name:low0", "up")
        bed.request(below, "new", "kind:" + self.kind, "name:" + name, f"link:{self.index(below, 'low0')}", "up",
                    f"nsfd:/run/netns/{place}",
                    *bed.own(self.kind, self.flavor)(f"data16:1:{rng.randrange(3)}"))
        error = bed.host(place, verb, name, host)
        if error:
            raise OSError(error, os.strerror(error))


class TapHosts(Hosts):
    """The same with ipvtap."""

    flavor = "ipvtap"


class Talk(Worker):
    """Datagrams to them, by the stack."""

    pause, flavor = 0.02, "ipvlan"

    def step(self):
        rng, place, host = self.rng, self.place(), self.rng.choice(packets.HOSTS)
        self.say(f"{place}: datagrams to {host}")
        with inside(place):
            sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.setblocking(False)
            there = (host, 9)
            if ":" in host:
                there = (host, 9, 0, self.index(place, rng.choice(["low0", *ENDPOINTS[self.flavor]])))
            for _ in range(40):
                sock.sendto(bytes(rng.choice((0, 100, 1400, 5000))), there)


class Lowers(Worker):
    """What happens to a device under endpoints, which are made again when it is gone."""

    pause = 0.02

    def step(self):
        rng, place = self.rng, self.place()
        what = rng.choices(["new", "up", "down", "mtu", "address", "promisc", "move", "del"],
                           [4, 4, 2, 3, 3, 2, 1, 1])[0]
        self.say(f"{place}: lower device: {what}")
        if what == "new":
            error = bed.request(place, "new", "kind:dummy", "name:low0", "up")
            if not error:
                low = self.index(place, "low0")
                for flavor in self.stacked:
                    for name in ENDPOINTS[flavor][:3]:
                        bed.request(place, "new", "kind:" + self.kind, "name:" + name, f"link:{low}", "up",
                                    *bed.own(self.kind, flavor)(*TALKING[flavor]))
        elif what in ("up", "down"):
            self.request_in(place, "set", "name:low0", what)
        elif what == "mtu":
            self.request_in(place, "set", "name:low0", f"mtu:{rng.choice(MTUS)}")
        elif what == "address":
            self.request_in(place, "set", "name:low0", "addr:" + rng.choice((*packets.ENDPOINTS, *packets.MACS[:2])).hex())
        elif what == "promisc":
            self.request_in(place, "set", "name:low0", f"flags:{rng.choice((0x100, 0x200)):#x}")
        elif what == "move":
            self.request_in(place, "set", "name:low0", f"nsfd:/run/netns/{self.place()}")
        else:
            self.request_in(place, "del", "name:low0")


class Spaces(Worker):
    """Namespaces die with what is in them."""

    pause = 0.4

    def step(self):
        place = self.place()
        self.say(f"{place}: dies, and a new one comes")

        def die():
            with contextlib.suppress(OSError):
                bed.ns_del(place)
            if self.rng.random() < 0.3:
                time.sleep(self.rng.random() / 2)

        # Making one takes seconds where the others keep the kernel busy, in which
        # nobody could use the place.
        bed.ns_add(place, die)


class Uppers(Worker):
    """Devices above: a bridge, a VLAN, a macvlan."""

    def step(self):
        rng, place = self.rng, self.place()
        what = rng.choices(["bridge", "enslave", "release", "vlan", "macvlan", "del"], [3, 8, 3, 3, 3, 3])[0]
        name = rng.choice(self.names)
        self.say(f"{place}: {what} {name}")
        if what == "bridge":
            bed.request(place, "new", "kind:bridge", "name:br0", "up")
        elif what == "enslave":
            bed.request(place, "set", "name:" + name, f"master:{self.index(place, 'br0')}")
        elif what == "release":
            bed.request(place, "set", "name:" + name, "attr:10:00000000")
        elif what == "vlan":
            bed.request(place, "new", "kind:vlan", "name:vl0", "up", f"link:{self.index(place, name)}",
                        "data:1:" + struct.pack("=H", rng.randrange(1, 4095)).hex())
        elif what == "macvlan":
            bed.request(place, "new", "kind:macvlan", "name:mv0", "up", f"link:{self.index(place, name)}",
                        "data32:1:4")
        else:
            bed.request(place, "del", "name:" + rng.choice(["br0", "vl0", "mv0"]))


class Ethtool(Worker):
    """Features, numbers of queues, and what it can be asked."""

    ASK = [0x03, 0x0A, 0x12, 0x14, 0x1D, 0x23, 0x2B, 0x37, 0x3A, 0x3C, 0x41, 0x4C]
    SET = [0x15, 0x17, 0x19, 0x1F, 0x22, 0x24, 0x26, 0x2C]

    def step(self):
        rng, place, name = self.rng, self.place(), self.rng.choice(self.names)
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
        rng, place, name = self.rng, self.place(), self.rng.choice(self.names)
        self.say(f"{place}: frames into {name}")
        with inside(place):
            if rng.random() < 0.3:
                self.datagrams(name)
                return
            with packets.Sender(name) as out:
                for _ in range(rng.randrange(1, 60)):
                    frame = packets.frame(rng, limit=4000, macs=packets.ENDPOINTS, hosts=self.hosts)
                    # Between packet_snd()'s look at IFF_UP and packet_pick_tx_queue() the core may sleep. A device
                    # that is unregistered meanwhile, of whatever driver, has no queues: it divides by their number
                    # or, on one CPU, takes it from another for ever.
                    frame.bypass = False
                    out.send(frame)

    @property
    def hosts(self):
        return packets.HOSTS if any(map(bed.is_ip, self.stacked)) else ()

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

    def own_names(self):
        return "s" + self.net, "S" + self.net + "a", "S" + self.net + "b"

    def prepare(self):
        for place in self.own_names()[1:]:
            bed.ns_add(place)

    def pair(self):
        name, here, there = self.own_names()
        bed.request(here, "new", "kind:" + bed.pair_kind(self.kind), "name:" + name, "peer", "name:" + name,
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
        return data[:2] + struct.pack("!H", packets.ip_sum(data)) + data[4:]

    def step(self):
        self.say("flood: connecting")
        here, _ = self.pair()
        with inside(here):
            ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with ping, udp:
            ping.setblocking(False)
            udp.setblocking(False)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            until, number = time.monotonic() + 2, 0
            while time.monotonic() < until:
                number += 1
                length = self.rng.choice([0, 8, 56, 1400, 9000])
                with contextlib.suppress(BlockingIOError):
                    ping.sendto(self.echo(number, length), (f"10.9.{self.net}.2", 0))
                    udp.sendto(bytes(length), (f"10.9.{self.net}.2", 9))
                    udp.sendto(bytes(length), (f"10.9.{self.net}.255", 9))
                with contextlib.suppress(BlockingIOError):
                    ping.recv(1 << 16)
        self.say(f"flood: {number} rounds")


class Siblings(Flood):
    """The same between endpoints on one device, whose stack has the broadcasts too."""

    net, flavor = "3", "macvlan"

    def pair(self):
        name, here, there = self.own_names()
        bed.request(here, "new", "kind:dummy", "name:low", "up")
        with inside(here):
            low = bed.ifindex("low")
        for place in (here, there):
            bed.request(here, "new", "kind:" + self.kind, "name:" + name, f"link:{low}", f"nsfd:/run/netns/{place}",
                        *bed.own(self.kind, self.flavor)(*TALKING[self.flavor]))
        with inside(here):
            bed.set_address(name, f"10.9.{self.net}.1")
        with inside(there):
            bed.set_address(name, f"10.9.{self.net}.2")
        return here, there


class IpSiblings(Siblings):
    """In modes that are others each time."""

    net, flavor = "4", "ipvlan"

    def pair(self):
        name, places = self.own_names()[0], super().pair()
        for place in places:
            bed.request(place, "set", "kind:" + self.kind, "name:" + name,
                        *rtnl.own_ip(self.kind, f"data16:1:{self.rng.randrange(3)}"))
        return places


class Module(Worker):
    """Unloading takes all links with it."""

    took = 0.0

    def step(self):
        # Where it takes long the others are to have the module for some time, too.
        pause = self.rng.uniform(1, 6) + 3 * self.took
        time.sleep(min(pause, max(0, self.until - time.monotonic())))
        start = time.monotonic()
        try:
            self.reload()
        finally:
            self.took = time.monotonic() - start

    def reload(self):
        self.say("unloading the module")
        if any(flavor in bed.TAPS for flavor in self.flavors) and self.rng.random() < 0.8:
            # An open node holds it. The last one goes, and so does the module.
            with taps.Shared().quiet():
                bed.unload(self.kind, 15)
        else:
            bed.unload(self.kind, 0)
        time.sleep(self.rng.choice((0, 0, 0.1, 1)))
        self.say("loading the module")
        try:
            bed.load(self.kind)
        except OSError as error:
            # Without it all that the others try fails, as it may.
            raise RuntimeError(f"the module does not load: {error}") from error


WORKERS = [Links, Links, Links, Spaces, Uppers, Ethtool, Programs, Programs, Readers, Frames, Stream, Flood, Module]
# With flavors that have a node alone: what they have in common with others is tried there.
FEWER = [Links, Spaces, Uppers, Readers, Frames, Module]
# With these flavors as well.
MORE = {"macvlan": [Endpoints, Endpoints, Endpoints, Siblings],
        "ipvlan": [IpEndpoints, IpEndpoints, IpEndpoints, Hosts, Hosts, Talk, IpSiblings],
        "macvtap": [TapEndpoints, TapEndpoints, Hammer],
        "ipvtap": [IpTapEndpoints, IpTapEndpoints, TapHosts, IpHammer]}


# What a worker ends with of which no step went well.
NOTHING = 2


def work(worker, say, until):
    """How many steps went well."""
    tried, errors = 0, collections.Counter()
    worker.say, worker.until = say, until
    worker.prepare()
    while time.monotonic() < until:
        tried += 1
        try:
            worker.step()
        except OSError as error:
            errors[error.errno or 0] += 1
        time.sleep(worker.pause)
    say(f"{tried} tried, {bed.tally(errors)}")
    return tried - sum(errors.values())


def run(board, args, seconds):
    """In a process group of its own, which whoever started it ends."""
    for place in SPACES:
        bed.ns_add(place)
    until = time.monotonic() + seconds
    shared, children, useful = taps.Shared(fresh=True), {}, set()
    stacked = bed.stacked(args.kind, args.flavors)
    more = [Lowers, *(cls for flavor in stacked for cls in MORE[flavor])] if stacked else []
    common = FEWER if all(flavor in bed.TAPS for flavor in args.flavors) else WORKERS
    for number, cls in enumerate([*common, *more]):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            worker = cls(args.kind, args.flavors, random.Random(f"{args.seed}/{number}"))
            name = f"{cls.__name__.lower()}{number}"
            status = 1
            try:
                status = 0 if work(worker, lambda text: board.say(number, f"{name}: {text}"), until) else NOTHING
            except BaseException as error:  # pylint: disable=broad-except
                board.say(number, f"{name}: {error!r}")
            os._exit(status)
        children[pid] = number, cls
    failed = []
    while children:
        pid, status = os.wait()
        number, cls = children.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            useful.add(cls)
        elif code != NOTHING:
            failed.append(f"the worker ended by itself: {board.read(number)[1]}")
    if not failed and Links not in useful:
        return "no link could be made or changed: the instrument is broken"
    if any(flavor in bed.TAPS for flavor in stacked):
        board.say(47, f"nodes: {shared.text()}")
        if not failed and not all(shared.counts()[word] for word in ("read", "written", "done", "killed")):
            return f"the nodes were not used: the instrument is broken: {shared.text()}"
    return "; ".join(failed) or None
