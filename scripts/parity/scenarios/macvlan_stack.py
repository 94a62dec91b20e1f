# SPDX-License-Identifier: GPL-2.0
"""Endpoints on and below other devices, and what sockets behind them get."""

import contextlib
import io
import os
import socket
import struct
import time

import bpf
import capture
import craft
import frames
import rtnl
from craft import ether, ipv4, tagged, udp
from inside import inside
from lower import JOINED, LOWER, WIRE, Port, mode
from registry import rows, scenario

MACVLAN = ("macvlan",)


@scenario("macvlan")
def vlan_on_top(bed):
    """What a VLAN device takes over, what reaches it, and its end."""
    port = Port(bed, "b0:bridge b1:bridge/B")
    seen = {}
    for number, namespace, device in ((50, "A", "b0"), (51, "B", "b1")):
        seen[device] = bed.raw(namespace, "new", f"kind:vlan name:{device}.5 index:{number} link:{port.numbers[device]} data16:1:5")
        bed.must(namespace, "set", f"name:{device}.5 up")
    seen |= {"events": bed.events(), "links": bed.links("A", "B"), "features": bed.ethtool("A", "-k b0.5")}
    bed.sync("A/b0.5", "A/b0", "B/b1.5", "B/b1")
    taps = port.watch("A/b0.5", "B/b1.5")
    b0, b1 = port.address("b0"), port.address("b1")
    for name, sender, frame in (("sibling", "A/b0.5", ether(b1, b0)), ("sibling-broadcast", "A/b0.5", ether(craft.BROADCAST, b0)),
                                ("wire", "X/v1", tagged(ether(b1, WIRE), (0x8100, 5))),
                                ("wire-broadcast", "X/v1", tagged(ether(craft.BROADCAST, WIRE), (0x8100, 5))),
                                ("other-id", "X/v1", tagged(ether(b1, WIRE), (0x8100, 6))),
                                ("priority", "X/v1", tagged(ether(b1, WIRE), (0x8100, 0xE000)))):
        seen[name] = taps.send(sender, frame)
    seen["mtu"] = bed.raw("A", "set", "name:b0.5 mtu:2000")
    seen["delete"] = bed.raw("A", "del", "name:v0")
    return {**seen, "events-delete": bed.events(), "links-delete": bed.links()}


@scenario("macvlan")
def vlan_below_and_beside(bed):
    """A VLAN device of the lower device goes before: endpoints get what it leaves."""
    port = Port(bed, "b0:bridge b1:vepa/B")
    bed.must("A", "new", "kind:vlan name:v0.5 index:50 link:10 data16:1:5")
    bed.must("A", "set", "name:v0.5 up")
    bed.events()
    taps = port.watch("A/v0.5")
    b0 = port.address("b0")
    return {name: taps.send("X/v1", frame) for name, frame in (
        ("unicast", tagged(ether(b0, WIRE), (0x8100, 5))), ("lower", tagged(ether(LOWER, WIRE), (0x8100, 5))),
        ("broadcast", tagged(ether(craft.BROADCAST, WIRE), (0x8100, 5))), ("other-id", tagged(ether(b0, WIRE), (0x8100, 6))),
        ("other-id-broadcast", tagged(ether(craft.BROADCAST, WIRE), (0x8100, 6))),
        ("untagged", ether(b0, WIRE)), ("stag", tagged(ether(b0, WIRE), (0x88A8, 5))))}


def layered(bed, kind):
    """Endpoints on a VLAN device, a bridge or a bond on the wire."""
    port = Port(bed)
    seen = {}
    if kind == "vlan":
        bed.must("A", "new", "kind:vlan name:l0 index:15 link:10 data16:1:5 up")
    elif kind == "bridge":
        bed.must("A", "new", "kind:bridge name:l0 index:15 addr:020000000015 data:23:00")
        bed.must("A", "set", "name:v0 master:15")
        bed.sysfs_write("A", "v0", "brport/state", "3")
        bed.must("A", "set", "name:l0 up")
    else:
        for command in ("modprobe bonding max_bonds=0", "ip link add l0 index 15 address 02:00:00:00:00:15 type bond mode active-backup",
                        "ip link set v0 down", "ip link set v0 master l0", "ip link set l0 up"):
            done = bed.run("A", command)
            if done["status"]:
                raise RuntimeError(f"{command}: {done}")
    bed.ns("B")
    for name, number, namespace in (("m0", 20, "A"), ("m1", 21, "B")):
        seen[name] = bed.raw("A", "new", f"KIND name:{name} index:{number} addr:0200000000{number} link:15 {mode('bridge')}",
                             f"nsfd:/run/netns/{namespace}")
        bed.must(namespace, "set", f"name:{name} up")
    bed.sync("B/m1", "A/m0", "A/l0", "A/v0")
    settled(bed, "A/m0", "B/m1")
    bed.events()
    seen |= {"links": bed.links("A", "B"), "features": bed.ethtool("A", "-k m0"),
             "fdb": sorted(bed.run("A", "bridge fdb show dev v0")["out"].splitlines())}
    tag = (lambda frame: tagged(frame, (0x8100, 5))) if kind == "vlan" else lambda frame: frame
    m0, m1 = bytes.fromhex("020000000020"), bytes.fromhex("020000000021")
    taps = bed.watch("X/v1", "A/v0", "A/l0", "A/m0", "B/m1")
    wait = Tagged("X/v1", "B/m1", tag)
    taps.marker = wait
    for name, sender, frame in (("wire", "X/v1", tag(ether(m0, WIRE))), ("wire-broadcast", "X/v1", tag(ether(craft.BROADCAST, WIRE))),
                                ("sibling", "A/m0", ether(m1, m0)), ("sibling-broadcast", "A/m0", ether(craft.BROADCAST, m0)),
                                ("out", "B/m1", ether(WIRE, m1)), ("unknown", "X/v1", tag(ether(craft.STRANGER, WIRE)))):
        seen[name] = {key: value for key, value in taps.send(sender, frame).items() if key != "stats"}
    del port
    seen["mtu"] = bed.raw("A", "set", "name:l0 mtu:1000")
    seen["mtus"] = {name: bed.link(name, device, "mtu") for name, device in (("A", "m0"), ("B", "m1"))}
    seen["delete"] = bed.raw("A", "del", "name:l0")
    return {**seen, "links-delete": bed.links("A", "B")}


class Tagged(capture.Marker):
    """A marker as the lower device wants it; it is counted."""

    def __init__(self, sender, witness, tag):
        super().__init__(sender, witness)
        self.tag = tag

    def frame(self):
        return self.tag(super().frame())

    def came(self, data):
        return data[:18] == super().frame()[:18]


def settled(bed, *pairs):
    """Until these are up in every sense: bonds and bridges take their time."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if all(state["operstate"] == "UP" for state in bed.state(*pairs).values()):
            return
        time.sleep(0.05)
    raise RuntimeError("not up: " + str(bed.state(*pairs)))


rows(MACVLAN, "on", {kind: kind for kind in ("vlan", "bridge", "bond")}, layered)


@scenario("macvlan")
def on_bond_failover(bed):
    """The active slave changes: endpoints tell their neighbours again."""
    bed.ns("A", "X")
    bed.run("A", "modprobe bonding max_bonds=0")
    for number in (0, 1):
        bed.must("A", "new", f"kind:{bed.side.peer} name:v{number} index:1{number} peer name:w{number} index:3{number} nsfd:/run/netns/X end")
        bed.must("X", "set", f"name:w{number} up")
    for command in ("ip link add l0 index 15 address 02:00:00:00:00:15 type bond mode active-backup num_grat_arp 1",
                    "ip link set v0 master l0", "ip link set v1 master l0", "ip link set l0 up"):
        bed.run("A", command)
    bed.must("A", "new", f"KIND name:m0 index:20 addr:020000000020 link:15 {mode('bridge')}")
    bed.ip("A", "addr add 10.0.0.1/24 dev m0")
    bed.must("A", "set", "name:m0 up")
    settled(bed, "A/m0")
    with inside("X"):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        tap.bind(("w1", 0x0806))
        tap.settimeout(20)
    answer = bed.run("A", "ip link set l0 type bond active_slave v1")["status"]
    with tap:
        data = tap.recv(100)
    return {"answer": answer, "announced": data[:42].hex(), "links": bed.links("A")["A"]["m0"]}


@scenario("macvlan")
def below_a_bridge(bed):
    """An endpoint as a port of a bridge: it must be promiscuous, yet gets only its own."""
    port = Port(bed, "b0:bridge b1:bridge")
    bed.must("A", "new", "kind:bridge name:br0 index:90 addr:020000000090 data:23:00")
    seen = {"in": bed.raw("A", "set", "name:b0 master:90")}
    bed.sysfs_write("A", "b0", "brport/state", "3")
    bed.must("A", "set", "name:br0 up")
    bed.sync("A/b0")
    seen |= {"links": {name: link["promiscuity"] for name, link in bed.links("A")["A"].items()}}
    taps = port.watch("A/br0", witness="b1")
    for name, sender, dst, src in (("wire", "X/v1", port.address("b0"), WIRE), ("unknown", "X/v1", craft.STRANGER, WIRE),
                                   ("broadcast", "X/v1", craft.BROADCAST, WIRE), ("sibling", "A/b1", port.address("b0"), port.address("b1"))):
        seen[name] = taps.send(sender, ether(dst, src))
    seen["out"] = bed.raw("A", "set", "name:b0 master:0")
    return seen


@scenario("macvlan")
def below_a_bond(bed):
    port = Port(bed, "b0:bridge", up=False)
    for command in ("modprobe bonding max_bonds=0", "ip link add l0 index 60 address 02:00:00:00:00:60 type bond mode active-backup"):
        bed.run("A", command)
    return {"in": bed.raw("A", "set", "name:b0 master:60"), "address": bed.link("A", "b0", "address", "flags"),
            "out": bed.raw("A", "set", "name:b0 master:0"), "after": bed.link("A", "b0", "address"), "port": sorted(port.places)}


@scenario("macvlan")
def chain_limit(bed):
    """VLANs upon VLANs with an endpoint on top: no deeper than eight."""
    bed.ns("A")
    bed.must("A", "new", "kind:dummy name:d0 index:10")
    seen = {}
    for number in range(1, 9):
        seen[f"vlan-{number}"] = bed.raw("A", "new", f"kind:vlan name:d{number} index:{10 + number} link:{9 + number} data16:1:{number}")
        seen[f"endpoint-{number}"] = bed.raw("A", "new", f"KIND name:m{number} link:{10 + number} {mode('bridge')}")
    return seen


# --- programs --------------------------------------------------------------------------

IFLA_XDP, XDP_FD, XDP_FLAGS = 43, 1, 3
XDP = {"any": 0, "generic": 2, "native": 4, "offload": 8}


def program(bed, where, word, verdict, name="bridge"):
    """An XDP program on an endpoint or on the lower device."""
    port = Port(bed, f"b0:{name} b1:bridge/B")
    descriptor = bpf.verdict(verdict)
    try:
        nested = rtnl.attr(XDP_FD, struct.pack("=i", descriptor)) + rtnl.attr(XDP_FLAGS, struct.pack("=I", XDP[word]))
        # The lower device's would also take the marker.
        witness = True if verdict == 2 or where == "b0" else None
        seen = {}
        if witness:
            taps = port.watch(witness="b1")
        seen["attach"] = bed.raw("A", "set", f"name:{where} attr:{IFLA_XDP | 0x8000}:{nested.hex()}")
        seen["events"] = bed.events()
        if not witness:
            taps = port.watch(witness=None)
        b0, b1 = port.address("b0"), port.address("b1")
        for name, sender, dst, src in (("wire", "X/v1", b0, WIRE), ("broadcast", "X/v1", craft.BROADCAST, WIRE),
                                       ("sibling", "B/b1", b0, b1), ("other", "X/v1", b1, WIRE)):
            seen[name] = taps.send(sender, ether(dst, src))
        link = bed.link("A", where)
        return {**seen, "mode": rtnl.attrs(bytes.fromhex(link["xdp"]))[2].hex(), "flags": link["flags"]}
    finally:
        os.close(descriptor)


rows(MACVLAN, "xdp", {
    "generic-pass": ("b0", "generic", 2), "generic-drop": ("b0", "generic", 1),
    # In mode bridge such a frame would come back for ever.
    "generic-tx": ("b0", "generic", 3, "vepa"),
    "native": ("b0", "native", 2), "any-drop": ("b0", "any", 1), "offload": ("b0", "offload", 2),
    "below-generic-drop": ("v0", "generic", 1),
}, program)


@scenario("macvlan")
def redirected(bed):
    """A filter sends what one endpoint gets on to another one."""
    port = Port(bed, "b0:bridge b1:vepa")
    for command in ("tc qdisc add dev b0 clsact", "tc filter add dev b0 ingress protocol 0x88b5 matchall action mirred egress redirect dev b1"):
        bed.run("A", command)
    taps = port.watch(witness="b1")
    return {"unicast": taps.send("X/v1", ether(port.address("b0"), WIRE)), "broadcast": taps.send("X/v1", ether(craft.BROADCAST, WIRE))}


# --- sockets ---------------------------------------------------------------------------


def addressed(bed, spec="m0:bridge/B m1:bridge/C", up=True):
    """10.0.0.1 at the lower device, .2 at the wire's end, .20 and .21 at the endpoints;
    everyone knows everyone."""
    port = Port(bed, spec, up=up)
    hosts = {"A": ("v0", 1, LOWER), "X": ("v1", 2, WIRE), "B": ("m0", 20, port.address("m0")), "C": ("m1", 21, port.address("m1"))}
    for namespace, (device, last, _) in hosts.items():
        bed.ip(namespace, f"addr add 10.0.0.{last}/24 dev {device}")
        for other, (_, number, address) in hosts.items():
            if other != namespace:
                bed.ip(namespace, f"neigh replace 10.0.0.{number} lladdr {address.hex(':')} dev {device} nud permanent")
    bed.events()
    return port


@contextlib.contextmanager
def receiver(namespace, address="", port=2000):
    with inside(namespace):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.setblocking(False)
        yield sock


def got(sock):
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            data, address = sock.recvfrom(70000)
            found.append(f"{len(data)} bytes from {address[0]}:{address[1]}")
    return found


@scenario("macvlan")
def who_reaches_whom(bed):
    """Every host sends to every other one."""
    port = addressed(bed)
    taps = port.watch(witness="m1")
    hosts = {"A": "10.0.0.1", "X": "10.0.0.2", "B": "10.0.0.20", "C": "10.0.0.21"}
    seen = {}
    with contextlib.ExitStack() as stack:
        sockets = {name: stack.enter_context(receiver(name)) for name in hosts}
        for sender in hosts:
            for target, address in hosts.items():
                if target != sender:
                    sockets[sender].sendto(b"hello", (address, 2000))
            taps.wait()
            seen[sender] = {name: got(sock) for name, sock in sockets.items()}
    return seen


@scenario("macvlan")
def who_reaches_whom_reflected(bed):
    """In mode vepa with a wire that sends back."""
    port = addressed(bed, "m0:vepa/B m1:private/C")
    port.reflect()
    taps = port.watch(witness="m1")
    seen = {}
    with receiver("B") as one, receiver("C") as other, receiver("A") as lower:
        for name, sock, target in (("vepa-private", one, "10.0.0.21"), ("private-vepa", other, "10.0.0.20"),
                                   ("vepa-lower", one, "10.0.0.1"), ("lower-vepa", lower, "10.0.0.20")):
            sock.sendto(b"hello", (target, 2000))
            taps.wait()
            seen[name] = {"vepa": got(one), "private": got(other), "lower": got(lower)}
    return seen


@scenario("macvlan")
def multicast_sockets(bed):
    """Groups by IP: who gets what, and how the lists below follow."""
    port = addressed(bed)
    seen = {}
    with receiver("B") as one, receiver("C") as other:
        request = struct.pack("4s4si", socket.inet_aton("224.0.1.17"), bytes(4), port.numbers["m0"])
        with inside("B"):
            one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        for sock in (one, other):
            sock.setsockopt(socket.IPPROTO_IP, 49, 0)  # IP_MULTICAST_ALL
        bed.sync("B/m0")
        seen["below"] = [line.strip() for line in bed.run("A", "ip maddr show dev v0")["out"].splitlines()]
        taps = port.watch(witness="m1")
        for name, place in (("wire", "X/v1"), ("sibling", "C/m1")):
            src = WIRE if name == "wire" else port.address("m1")
            frame = ether(JOINED[0], src, 0x0800, ipv4(udp(b"hello", dst="224.0.1.17"), dst="224.0.1.17"))
            capture.transmit(place, frame)
            taps.wait()
            seen[name] = {"member": got(one), "other": got(other)}
    bed.sync("B/m0")
    return seen


@scenario("macvlan")
def packet_memberships(bed):
    """Groups and modes that a packet socket asks for."""
    Port(bed, "m0:bridge")
    with inside("A"):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    seen = {}
    with sock:
        for name, kind, address in (("multicast", 0, bytes.fromhex("030000000077")), ("promisc", 1, b""), ("allmulti", 2, b""),
                                    ("unicast", 3, bytes.fromhex("020000000077"))):
            request = struct.pack("=iHH8s", 20, kind, len(address), address)
            for word, option in (("add", 1), ("drop", 2)):
                try:
                    sock.setsockopt(263, option, request)
                    answer = "OK"
                except OSError as error:
                    answer = error.strerror
                bed.sync("A/m0")
                seen[f"{word}-{name}"] = {"answer": answer, **{device: bed.link("A", device, "flags", "promiscuity", "allmulti")
                                                               for device in ("v0", "m0")},
                                          "fdb": sorted(bed.run("A", "bridge fdb show dev v0")["out"].splitlines()),
                                          "groups": bed.run("A", "ip maddr show dev v0")["out"].split()}
    return seen


def ping(bed, word, target):
    """Echo with ARP from m0, after an answer of who has it."""
    addressed(bed, f"m0:{word}/B m1:{word}/C")
    for namespace, device in (("A", "v0"), ("X", "v1"), ("B", "m0"), ("C", "m1")):
        bed.run(namespace, f"ip neigh flush dev {device} nud permanent")
    done = bed.run("B", f"ping -q -c 2 -i 0.01 -W 10 -s 1000 {target}" if word == "bridge" or target == "10.0.0.2"
                   else f"ping -q -c 1 -W 1 {target}")
    return {"status": done["status"], "loss": [line.split(", ")[:2] for line in done["out"].splitlines() if "packets" in line]}


rows(MACVLAN, "ping", {
    "bridge-wire": ("bridge", "10.0.0.2"), "bridge-sibling": ("bridge", "10.0.0.21"), "bridge-lower": ("private", "10.0.0.1"),
    "vepa-wire": ("vepa", "10.0.0.2"), "private-sibling": ("private", "10.0.0.21"),
}, ping)


def told(bed, *words):
    """A scenario of scripts/tests/frames.py between two siblings."""
    addressed(bed)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        frames.main(list(words))
    return {"told": out.getvalue().strip()}


rows(MACVLAN, "socket", {
    "tx-timestamp": ("stamp", "B", "10.0.0.21"),
    "checksum": ("csum", "B", "C", "m1", "10.0.0.21"),
    "checksum-from-wire": ("csum", "X", "B", "m0", "10.0.0.20"),
    "tcp-stream": ("tcp", "B", "C", "m1", "2000000", "10.0.0.21"),
    "tcp-stream-to-wire": ("tcp", "B", "X", "v1", "2000000", "10.0.0.2"),
    "tcp-stream-from-wire": ("tcp", "X", "B", "m0", "2000000", "10.0.0.20"),
}, told)


def metadata(bed, namespaces, sender, target):
    """Mark and priority of a datagram, as a socket behind the target gets them."""
    port = Port(bed, f"m0:bridge{namespaces[0]} m1:bridge{namespaces[1]}")
    where, device = port.pair(target).split("/")
    bed.ip(where, f"addr add 10.0.0.20/24 dev {device}")
    with inside(where), contextlib.suppress(OSError):
        for name in ("all", device):
            for file, value in (("rp_filter", "0"), ("accept_local", "1")):
                with open(f"/proc/sys/net/ipv4/conf/{name}/{file}", "w", encoding="ascii") as out:
                    out.write(value)
    with inside(where):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.bind(("10.0.0.20", 2000))
        for option in (75, 82):  # SO_RCVMARK, SO_RCVPRIORITY
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        frame = ether(port.address(target), port.address(sender), 0x0800, ipv4(udp(b"hello", dst="10.0.0.20"), dst="10.0.0.20"))
        capture.transmit(port.pair(sender), frame, priority=6, mark=7)
        sock.settimeout(5)
        data, control, _, _ = sock.recvmsg(100, 256)
    found = {str(kind): struct.unpack("=I", value[:4])[0] for level, kind, value in control if level == socket.SOL_SOCKET}
    return {"length": len(data), "control": found}


rows(MACVLAN, "metadata", {
    "sibling": (("", ""), "m0", "m1"), "sibling-elsewhere": (("", "/B"), "m0", "m1"), "from-elsewhere": (("/B", ""), "m0", "m1"),
    "both-elsewhere": (("/B", "/B"), "m0", "m1"), "wire": (("/B", ""), "m0", "wire"), "from-wire": (("/B", ""), "wire", "m0"),
}, metadata)


@scenario("macvlan")
def pktgen(bed):
    """May a packet be sent twice."""
    Port(bed, "m0:bridge")
    seen = {"modprobe": bed.run("A", "modprobe pktgen")}
    with inside("A"):
        base = "/proc/thread-self/net/pktgen"
        for file, text in (("kpktgend_0", "rem_device_all"), ("kpktgend_0", "add_device m0"), ("m0", "clone_skb 5"),
                           ("m0", "clone_skb 0"), ("m0", "burst 5"), ("kpktgend_0", "rem_device_all")):
            try:
                with open(f"{base}/{file}", "w", encoding="ascii") as out:
                    out.write(text + "\n")
                seen[f"{file} {text}"] = "OK"
            except OSError as error:
                seen[f"{file} {text}"] = error.strerror
    return seen
