# SPDX-License-Identifier: GPL-2.0
"""Endpoints on and below other devices, routes and filters of the lower device's
namespace, and what sockets behind endpoints get."""

import contextlib
import errno
import io
import os
import re
import socket
import struct

import bpf
import capture
import craft
import frames
import rtnl
from craft import ether, ipv4, tagged, udp
from inside import inside
from lower import JOINED, LOWER, WIRE, IpPort, address, ip_mode, neighbour, patient, route, sysctl
from registry import rows, scenario
from scenarios.ipvlan_deliver import v4, v6
from scenarios.macvlan_stack import Tagged, got, receiver, settled

IPVLAN = ("ipvlan",)
B = "nsfd:/run/netns/B"
MODES = ("l2", "l3", "l3s")
FLAGS = ("bridge", "private", "vepa")
HOSTS = {"A": "lower", "X": "wire", "B": "i0", "C": "i1"}


def addressed(bed, word, ipv6=False, up=True):
    """The wire's end has an address, too, and everyone knows everyone."""
    port = IpPort(bed, f"i0:{word}/B i1:{word}/C", ipv6=ipv6, up=up)
    if ipv6:
        bed.ipv6("X")
        sysctl("X", "ipv6/conf/v1/addr_gen_mode", 1)
        bed.must("X", "set", "name:v1 flags:0x80")
        port.must(address(bed, "X", "v1", "fd00::2/64"))
        bed.must("X", "set", "name:v1 clear:0x80")
    patient("X", "v1", ipv6)
    port.must(address(bed, "X", "v1", "10.0.0.2/24"))
    for name, host in HOSTS.items():
        index = {"A": 10, "X": 11, "B": 20, "C": 21}[name]
        for family in (4, 6)[:1 + ipv6]:
            for other in HOSTS.values():
                if other != host:
                    port.must(neighbour(bed, name, index, port.ip(other, family), port.address(other)))
    bed.events()
    return port


def reached(bed, word, reflected=False):
    """Every host sends a datagram to every other one: who gets it."""
    port = addressed(bed, word)
    if reflected:
        port.reflect()
    taps = port.watch()
    seen = {}
    with contextlib.ExitStack() as stack:
        sockets = {name: stack.enter_context(receiver(name)) for name in HOSTS}
        for sender in HOSTS:
            for target, host in HOSTS.items():
                if target == sender:
                    continue
                sockets[sender].sendto(b"hello", (port.ip(host), 2000))
                taps.wait()
                seen[f"{sender}-{target}"] = {name: got(sock) for name, sock in sockets.items()}
    return seen


rows(IPVLAN, "reach", {f"{mode}-{flags}": f"{mode}+{flags}" for mode in MODES for flags in FLAGS}, reached)
rows(IPVLAN, "reach-reflected", {f"{mode}-vepa": (f"{mode}+vepa", True) for mode in MODES}, reached)


def ping(bed, word, where, target):
    """Echo, with ARP and neighbour discovery as they are."""
    bed.ns("A", "X", "B", "C")
    for name in bed.sockets:
        bed.ipv6(name)
    port = IpPort(bed, f"i0:{word}/B i1:{word}/C", addresses=False)
    for name, device, number in (("A", "v0", 1), ("X", "v1", 2), ("B", "i0", 20), ("C", "i1", 21)):
        if name != "A":
            port.must(address(bed, name, device, f"10.0.0.{number}/24"))
        port.must(address(bed, name, device, f"fd00::{number}/64"))
    if not word.startswith("l2"):
        # Who asks the wire for them has no answer in these modes.
        for text in ("10.0.0.20", "10.0.0.21", "fd00::20", "fd00::21"):
            port.must(neighbour(bed, "X", 11, text, LOWER))
    done = bed.run(where, f"ping -q -c 2 -i 0.01 -W 2 -s 1000 {target}")
    if "100% packet loss" in done["out"]:
        return {"status": done["status"], "answers": "none"}
    return {"status": done["status"], "loss": [line.split(", ")[:2] for line in done["out"].splitlines() if "packets" in line]}


rows(IPVLAN, "ping", {f"{word.replace('+', '-')}-{name}": (word, where, target) for word in MODES
                      for name, where, target in (
    ("wire", "B", "10.0.0.2"), ("wire-ipv6", "B", "fd00::2"), ("from-wire", "X", "10.0.0.20"), ("from-wire-ipv6", "X", "fd00::20"),
    ("sibling", "B", "10.0.0.21"), ("sibling-ipv6", "B", "fd00::21"), ("lower", "B", "10.0.0.1"), ("from-lower", "A", "10.0.0.20"))}, ping)

# --- routes of the lower device's namespace ------------------------------------------------


def sent(sock, target, data=b"hello"):
    try:
        sock.sendto(data, (target, 2000))
        return "OK"
    except OSError as error:
        return errno.errorcode[error.errno]


def routed(bed, word, target, routes=(), errors=False):
    """A datagram from behind i0 to somewhere: what its sender is told, who sees it."""
    family = 6 if ":" in target else 4
    port = IpPort(bed, f"i0:{word}/B i1:{word}/C", ipv6=True)
    port.must(route(bed, "B", 20, "0.0.0.0/0"))
    port.must(route(bed, "B", 20, "::/0"))
    for prefix, kind, via in routes:
        port.must(route(bed, "A", 10, prefix, kind, via))
    bed.events()
    taps = port.watch(witness=None)
    before = taps.stats()
    with inside("B"):
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        if errors:
            sock.setsockopt(socket.IPPROTO_IPV6 if family == 6 else socket.IPPROTO_IP, 25 if family == 6 else 11, 1)
        sock.bind((port.ip("i0", family), 1000))
        answers = [sent(sock, target) for _ in range(2)]
    taps.wait()
    return {"answers": answers, "stats": capture.difference(before, taps.stats()),
            "seen": {name: capture.drain(tap, b"") for name, tap in taps.sockets.items()}}


UNICAST, BLACKHOLE, UNREACHABLE, PROHIBIT = 1, 6, 7, 8
for word in ("l3", "l3s"):
    rows(IPVLAN, f"route-{word}", {
        "gateway": (word, "192.0.2.1", (("192.0.2.0/24", UNICAST, "10.0.0.2"),)),
        "none": (word, "192.0.2.1"),
        "unreachable": (word, "192.0.2.1", (("192.0.2.0/24", UNREACHABLE, None),)),
        "blackhole": (word, "192.0.2.1", (("192.0.2.0/24", BLACKHOLE, None),)),
        "prohibit-errors": (word, "192.0.2.1", (("192.0.2.0/24", PROHIBIT, None),), True),
        "lower": (word, "10.0.0.1"),
        "broadcast": (word, "10.0.0.255"),
        "group": (word, "224.0.1.17"),
        "gateway-ipv6": (word, "2001:db8::1", (("2001:db8::/64", UNICAST, "fd00::2"),)),
        "none-ipv6": (word, "2001:db8::1"),
        "none-ipv6-errors": (word, "2001:db8::1", (), True),
        "unreachable-ipv6": (word, "2001:db8::1", (("2001:db8::/64", UNREACHABLE, None),)),
        "blackhole-ipv6": (word, "2001:db8::1", (("2001:db8::/64", BLACKHOLE, None),)),
        "prohibit-ipv6": (word, "2001:db8::1", (("2001:db8::/64", PROHIBIT, None),)),
    }, routed)


def elsewhere(bed, word, target):
    """The route leaves by another device of the lower device's namespace."""
    family = 6 if ":" in target else 4
    port = IpPort(bed, f"i0:{word}/B", ipv6=True)
    bed.must("A", "new", f"kind:{bed.side.peer} name:w0 index:15 addr:020000000015",
             "peer name:w1 index:16 addr:020000000016 nsfd:/run/netns/X end")
    for where, name in (("A", "w0"), ("X", "w1")):
        bed.must(where, "set", f"name:{name} up")
    port.must(address(bed, "A", "w0", "192.0.2.2/24"))
    port.must(neighbour(bed, "A", 15, "192.0.2.1", bytes.fromhex("020000000016")))
    port.must(route(bed, "A", 15, "2001:db8::/64"))
    port.must(neighbour(bed, "A", 15, "2001:db8::1", bytes.fromhex("020000000016")))
    bed.events()
    taps = port.watch("A/w0", "X/w1", witness=None)
    packet = v6(target, "fd00::20") if family == 6 else v4(target, "10.0.0.20")
    return taps.send("B/i0", ether(LOWER, LOWER, 0x86DD if family == 6 else 0x0800, packet))


rows(IPVLAN, "route-elsewhere", {f"{word}{name}": (word, target) for word in ("l3", "l3s") for name, target in
                                 (("", "192.0.2.1"), ("-ipv6", "2001:db8::1"), ("-address", "192.0.2.2"))}, elsewhere)


def lower_down(bed, word):
    """With the lower device down."""
    port = IpPort(bed, f"i0:{word}/B i1:{word}/C", ipv6=True)
    bed.must("A", "set", "name:v0 clear:1")
    bed.flush()
    taps = port.watch(witness=None)
    return {name: taps.send("B/i0", ether(mac, LOWER, protocol, packet)) for name, mac, protocol, packet in (
        ("sibling", LOWER, 0x0800, v4("10.0.0.21", "10.0.0.20")), ("sibling-ipv6", LOWER, 0x86DD, v6("fd00::21", "fd00::20")),
        ("wire", WIRE, 0x0800, v4("10.0.0.2", "10.0.0.20")), ("wire-ipv6", WIRE, 0x86DD, v6("fd00::2", "fd00::20")),
        ("lower", LOWER, 0x0800, v4("10.0.0.1", "10.0.0.20")))}


rows(IPVLAN, "state-lower-down", {word: word for word in MODES}, lower_down)


def state(bed, word, *steps):
    """After each of the steps "NAMESPACE TOKENS": packets from outside and to a sibling."""
    port = IpPort(bed, f"i0:{word}/B i1:{word}/C")
    taps = port.watch(witness=None)
    seen = {}
    for text in ("", *steps):
        if text:
            namespace, tokens = text.split(" ", 1)
            seen[text] = {"answer": bed.raw(namespace, "set", tokens)}
            bed.events()
        for name, sender, dst, target in (("wire", "wire", LOWER, "10.0.0.21"), ("sibling", "i0", LOWER, "10.0.0.21"),
                                          ("out", "i0", WIRE, "10.0.0.2"), ("foreign", "wire", craft.STRANGER, "10.0.0.21")):
            src = "10.0.0.2" if sender == "wire" else "10.0.0.20"
            seen.setdefault(text or "usual", {})[name] = taps.send(
                port.pair(sender), ether(dst, port.address(sender), 0x0800, v4(target, src)))
    return seen


rows(IPVLAN, "state", {
    f"{name}-{word}": (word, *steps) for word in MODES for name, steps in {
        "receiver-down-up": ("C name:i1 clear:1", "C name:i1 up"),
        "sender-down": ("B name:i0 clear:1",),
        "lower-promiscuous": ("A name:v0 flags:0x100",), "lower-other-address": ("A name:v0 addr:020000009999",),
    }.items()
}, state)


def over_mtu(bed, word, lower, receiver, length, sender="i0"):
    """Packets longer than the MTU of the one that is to get them."""
    port = IpPort(bed, f"i0:{word}/B i1:{word}/C", mtu=lower)
    bed.must("C", "set", f"name:i1 mtu:{receiver}")
    taps = port.watch(witness=None)
    frame = ether(LOWER, port.address(sender), 0x0800, v4("10.0.0.21", port.ip(sender), bytes(length - 34)))
    # The C driver reads the headers of what it sends where they need not be, if they are in pages.
    return taps.send(port.pair(sender), frame, vnet=craft.vnet(0, 0, 60))


rows(IPVLAN, "jumbo", {
    f"{name}-{word}": (word, *how) for word in MODES for name, how in {
        "whole": (9000, 9000, 9014), "receiver-1500-exact": (9000, 1500, 1518), "receiver-1500-over": (9000, 1500, 1519),
        "from-wire-receiver-1500": (9000, 1500, 9014, "wire")}.items()
}, over_mtu)

# --- filters of the lower device's namespace ----------------------------------------------

PLACES = {"raw": ("prerouting", -300), "before": ("prerouting", 0), "input": ("input", 0), "forward": ("forward", 0),
          "output": ("output", 0), "after": ("postrouting", 0)}
TRACKED = ("new", "established")
COUNTERS = "table inet t {\n" + "\n".join(
    [f"counter at_{name} {{}}" for name in (*PLACES, *TRACKED)] +
    [f"chain at_{name} {{ type filter hook {hook} priority {priority}; meta l4proto udp counter name at_{name}; }}"
     for name, (hook, priority) in PLACES.items()] +
    ["chain tracked { type filter hook input priority 200;", *(f"meta l4proto udp ct state {name} counter name at_{name};" for name in TRACKED),
     "}", "chain tracked_out { type filter hook postrouting priority 200;",
     *(f"meta l4proto udp ct state {name} counter name at_{name};" for name in TRACKED), "}"]) + "\n}\n"


def nft(bed, namespace, text):
    done = bed.run(namespace, "nft -f -", input=text)
    if done["status"]:
        raise RuntimeError(str(done))


def counters(bed, namespace):
    """The counters that are not zero."""
    text = bed.run(namespace, "nft list counters", flush=False)["out"]
    found = re.findall(r"counter at_(\S+) \{\s*packets (\d+) bytes (\d+)", text)
    return {name: f"{packets} packets {size} bytes" for name, packets, size in found if packets != "0"}


def counted(bed, word, family=4):
    """Which hooks of which namespace see what."""
    port = addressed(bed, word, ipv6=family == 6)
    for name in "AC":
        nft(bed, name, COUNTERS)
    taps = port.watch(witness=None)
    seen = {}
    with contextlib.ExitStack() as stack:
        sockets = {}
        for name, host in HOSTS.items():
            with inside(name):
                sock = stack.enter_context(socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM))
            sock.bind(("::" if family == 6 else "", 2000))
            sock.setblocking(False)
            sockets[name] = sock
        for sender, target in (("X", "C"), ("C", "X"), ("B", "C"), ("C", "B"), ("X", "A")):
            sockets[sender].sendto(b"hello", (port.ip(HOSTS[target], family), 2000))
            taps.wait()
            seen[f"{sender}-{target}"] = {"got": {name: got(sock) for name, sock in sockets.items()},
                                          **{name: counters(bed, name) for name in "AC"}}
    return seen


rows(IPVLAN, "netfilter", {f"{word}{name}": (word, family) for word in MODES for name, family in (("", 4), ("-ipv6", 6))}, counted)


def ruled(bed, word, rule, source, target, answer=False):
    """A rule of the lower device's namespace, and a datagram that it concerns."""
    port = addressed(bed, word)
    nft(bed, "A", f"table ip t {{ {rule}\n}}\n")
    taps = port.watch(witness=None)
    before = taps.stats()
    with contextlib.ExitStack() as stack:
        sockets = {name: stack.enter_context(receiver(name)) for name in HOSTS}
        sockets[source].setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
        answers = [sent(sockets[source], target) for _ in range(2)]
        taps.wait()
        seen = {"answers": answers, "got": {name: got(sock) for name, sock in sockets.items()}}
        if answer:
            for name in seen["got"]:
                for line in seen["got"][name][:1]:
                    where = line.split()[-1].split(":")
                    sockets[name].sendto(b"back", (where[0], int(where[1])))
            taps.wait()
            seen["back"] = {name: got(sock) for name, sock in sockets.items()}
    return {**seen, "stats": capture.difference(before, taps.stats())}


INPUT, OUTPUT, PRE, POST = ("chain c { type %s hook %s priority %s; " % what for what in (
    ("filter", "input", "0"), ("filter", "output", "0"), ("filter", "prerouting", "-300"), ("filter", "postrouting", "0")))
DNAT = "chain c { type nat hook prerouting priority -100; "
SNAT = "chain c { type nat hook postrouting priority 100; "
rows(IPVLAN, "rule", {
    f"{name}-{word}": (word, *how) for word in ("l3", "l3s") for name, how in {
        "drop-input": (INPUT + "udp dport 2000 drop; }", "X", "10.0.0.21"),
        "drop-prerouting": (PRE + "udp dport 2000 drop; }", "X", "10.0.0.21"),
        "drop-output": (OUTPUT + "udp dport 2000 drop; }", "C", "10.0.0.2"),
        "drop-postrouting": (POST + "udp dport 2000 drop; }", "C", "10.0.0.2"),
        "translate-to-endpoint": (DNAT + "ip daddr 10.0.0.1 udp dport 2000 dnat to 10.0.0.21; }", "X", "10.0.0.1", True),
        "translate-from-endpoint": (DNAT + "ip daddr 10.0.0.21 udp dport 2000 dnat to 10.0.0.1; }", "X", "10.0.0.21", True),
        "translate-source": (SNAT + "ip saddr 10.0.0.21 snat to 10.0.0.77; }", "C", "10.0.0.2"),
        "siblings": (INPUT + "udp dport 2000 drop; }", "B", "10.0.0.21"),
    }.items()
}, ruled)


@scenario("ipvlan")
def l3s_two_ports(bed):
    """Two lower devices in a namespace: the one goes, the other one stays."""
    port = addressed(bed, "l3s")
    bed.must("A", "new", "kind:dummy name:d0 index:15 addr:020000000015 up")
    bed.must("A", "new", f"KIND name:j0 index:30 link:15 {ip_mode('l3s')} up")
    nft(bed, "A", COUNTERS)
    taps = port.watch(witness=None)
    seen = {}
    with receiver("C") as sock, receiver("X") as wire:
        for step in ("both", "del name:j0", "new KIND", "mode"):
            if step.startswith("del"):
                bed.must("A", *step.split(" ", 1))
            elif step == "new KIND":
                bed.must("A", "new", f"KIND name:j0 index:30 link:15 {ip_mode('l3s')} up")
            elif step == "mode":
                for name, device in (("B", "i0"), ("C", "i1")):
                    bed.must(name, "set", f"KIND name:{device} {ip_mode('l3')}")
            wire.sendto(b"hello", ("10.0.0.21", 2000))
            taps.wait()
            seen[step] = {"got": got(sock), "counters": counters(bed, "A")}
    return seen


def lower_moves(bed, word):
    """The lower device goes to another namespace: its endpoints receive there, and are
    filtered there."""
    port = addressed(bed, word)
    bed.ns("N")
    bed.must("A", "set", "name:v0 nsfd:/run/netns/N")
    bed.must("N", "set", "name:v0 up")
    nft(bed, "N", COUNTERS)
    port.must(address(bed, "N", "v0", "10.0.0.3/24"))
    port.must(neighbour(bed, "N", 10, "10.0.0.2", WIRE))
    with contextlib.ExitStack() as stack:
        sockets = {name: stack.enter_context(receiver(name)) for name in ("B", "C", "X")}
        seen = {}
        for sender, target in (("X", "10.0.0.21"), ("C", "10.0.0.2"), ("B", "10.0.0.21")):
            sockets[sender].sendto(b"hello", (target, 2000))
            bed.barrier.frames()
            seen[sender + "-" + target] = {"got": {name: got(sock) for name, sock in sockets.items()}, "counters": counters(bed, "N")}
    return seen


rows(IPVLAN, "lower-moves", {word: word for word in MODES}, lower_moves)


def reverse_path(bed, word, value):
    """Strict reverse-path filtering behind the endpoint and at the lower device."""
    port = addressed(bed, word)
    for name, device in (("A", "v0"), ("A", "all"), ("C", "i1"), ("C", "all")):
        sysctl(name, f"ipv4/conf/{device}/rp_filter", value)
    taps = port.watch(witness=None)
    seen = {}
    with receiver("C") as sock:
        for source in ("10.0.0.2", "192.0.2.9"):
            packet = ipv4(udp(b"hello", src=source, dst="10.0.0.21"), src=source, dst="10.0.0.21")
            capture.transmit("X/v1", ether(LOWER, WIRE, 0x0800, packet))
            taps.wait()
            seen[source] = got(sock)
    return seen


rows(IPVLAN, "reverse-path", {f"{word}-{value}": (word, value) for word in MODES for value in (0, 1)}, reverse_path)

# --- on top of other devices ----------------------------------------------------------


def refused(bed, *steps):
    """What an endpoint may not be: a request that makes it something's port or lower device."""
    port = IpPort(bed, "i0:l2 i1:l2", addresses=False, up=False)
    bed.run("A", "modprobe bonding max_bonds=0")
    bed.run("A", "modprobe macvlan")
    return {**{f"{number}:{text}": bed.raw("A", *text.split(" ", 1)) if text.split()[0] in ("new", "set", "del") else bed.run("A", text)
               for number, text in enumerate(steps, 1)}, "links": bed.links("A"), "events": bed.events(), "port": sorted(port.places)}


rows(IPVLAN, "on-top", {
    "vlan": ("new kind:vlan name:i0.5 index:50 link:20 data16:1:5",),
    "vlan-on-lower": ("new kind:vlan name:v0.5 index:50 link:10 data16:1:5",),
    "bridge": ("new kind:bridge name:br0 index:90 addr:020000000090 data:23:00", "set name:i0 master:90"),
    "bond": ("ip link add bond0 index 60 type bond mode active-backup", "set name:i0 master:60"),
    "bond-balance": ("ip link add bond0 index 60 type bond mode balance-rr", "set name:i0 master:60"),
    "c-macvlan": ("new kind:macvlan name:m0 index:60 link:20 data32:1:4",),
    "vrf": ("new kind:vrf name:vrf0 index:50 data32:1:10", "set name:i0 master:50", "set name:i0 master:0"),
}, refused)


@scenario("ipvlan")
def vlan_beside(bed):
    """A VLAN device of the lower device goes before: endpoints get what it leaves."""
    port = IpPort(bed, "i0:l2 i1:l2/B")
    bed.must("A", "new", "kind:vlan name:v0.5 index:50 link:10 data16:1:5")
    bed.must("A", "set", "name:v0.5 up")
    bed.events()
    taps = port.watch("A/v0.5")
    good = ether(LOWER, WIRE, 0x0800, v4("10.0.0.21", "10.0.0.2"))
    all_of_them = ether(craft.BROADCAST, WIRE, 0x0800, v4("255.255.255.255", "10.0.0.2"))
    return {name: taps.send("X/v1", frame) for name, frame in (
        ("unicast", tagged(good, (0x8100, 5))), ("other-id", tagged(good, (0x8100, 6))),
        ("broadcast", tagged(all_of_them, (0x8100, 5))), ("untagged", good), ("stag", tagged(good, (0x88A8, 5))))}


def layered(bed, kind, word):
    """Endpoints on a VLAN device, a bridge or a bond on the wire."""
    port = IpPort(bed)
    seen = {}
    if kind == "vlan":
        bed.must("A", "new", "kind:vlan name:l0 index:15 link:10 data16:1:5 up")
    elif kind == "bridge":
        bed.must("A", "new", "kind:bridge name:l0 index:15 addr:020000000001 data:23:00")
        bed.must("A", "set", "name:v0 master:15")
        bed.sysfs_write("A", "v0", "brport/state", "3")
        bed.must("A", "set", "name:l0 up")
    else:
        for command in ("modprobe bonding max_bonds=0", "ip link add l0 index 15 address 02:00:00:00:00:01 type bond mode active-backup",
                        "ip link set v0 down", "ip link set v0 master l0", "ip link set l0 up"):
            done = bed.run("A", command)
            if done["status"]:
                raise RuntimeError(f"{command}: {done}")
    bed.ns("B")
    for name, number, namespace in (("i0", 20, "A"), ("i1", 21, "B")):
        seen[name] = bed.raw("A", "new", f"KIND name:{name} index:{number} link:15 {ip_mode(word)}", f"nsfd:/run/netns/{namespace}")
        bed.must(namespace, "set", f"name:{name} up")
        port.must(address(bed, namespace, name, f"10.0.0.{number}/24"))
    settled(bed, "A/l0")
    bed.must("A", "set", "name:l0 mtu:1400")
    port.must(address(bed, "A", "l0", "10.0.0.3/24"))
    port.must(neighbour(bed, "A", 15, "10.0.0.2", WIRE))
    bed.events()
    seen |= {"links": bed.links("A", "B"), "features": bed.ethtool("A", "-k i0")}
    tag = (lambda frame: tagged(frame, (0x8100, 5))) if kind == "vlan" else lambda frame: frame
    taps = bed.watch("X/v1", "A/v0", "A/l0", "A/i0", "B/i1")
    if word == "l2":
        taps.marker = Tagged("X/v1", "B/i1", tag)
    for name, sender, frame in (
            ("wire", "X/v1", tag(ether(LOWER, WIRE, 0x0800, v4("10.0.0.21", "10.0.0.2")))),
            ("wire-broadcast", "X/v1", tag(ether(craft.BROADCAST, WIRE, 0x0800, v4("255.255.255.255", "10.0.0.2")))),
            ("sibling", "A/i0", ether(LOWER, LOWER, 0x0800, v4("10.0.0.21", "10.0.0.20"))),
            ("sibling-broadcast", "A/i0", ether(craft.BROADCAST, LOWER, 0x0800, v4("255.255.255.255", "10.0.0.20"))),
            ("out", "B/i1", ether(WIRE, LOWER, 0x0800, v4("10.0.0.2", "10.0.0.21")))):
        # The marker is counted.
        seen[name] = {key: value for key, value in taps.send(sender, frame).items() if key != "stats"}
    seen["delete"] = bed.raw("A", "del", "name:l0")
    return {**seen, "links-delete": bed.links("A", "B")}


rows(IPVLAN, "on", {f"{kind}-{word}": (kind, word) for kind in ("vlan", "bridge", "bond") for word in MODES}, layered)


@scenario("ipvlan")
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
    bed.must("A", "new", f"KIND name:i0 index:20 link:15 {ip_mode('l2')}")
    address(bed, "A", "i0", "10.0.0.1/24")
    bed.must("A", "set", "name:i0 up")
    settled(bed, "A/l0")
    with inside("X"):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        tap.bind(("w1", 0x0806))
        tap.settimeout(20)
    answer = bed.run("A", "ip link set l0 type bond active_slave v1")["status"]
    with tap:
        data = tap.recv(100)
    return {"answer": answer, "announced": data[:42].hex(), "links": bed.links("A")["A"]["i0"]}


@scenario("ipvlan")
def chain_limit(bed):
    """VLANs upon VLANs with an endpoint on top: no deeper than eight."""
    bed.ns("A")
    bed.must("A", "new", "kind:dummy name:d0 index:10")
    seen = {}
    for number in range(1, 9):
        seen[f"vlan-{number}"] = bed.raw("A", "new", f"kind:vlan name:d{number} index:{10 + number} link:{9 + number} data16:1:{number}")
        seen[f"endpoint-{number}"] = bed.raw("A", "new", f"KIND name:i{number} link:{10 + number} {ip_mode('l2')}")
    return seen

# --- programs --------------------------------------------------------------------------


IFLA_XDP, XDP_FD, XDP_FLAGS = 43, 1, 3
XDP = {"any": 0, "generic": 2, "native": 4, "offload": 8}


def program(bed, where, word, verdict):
    """An XDP program on an endpoint or on the lower device."""
    port = IpPort(bed, "i0:l3 i1:l3/B")
    descriptor = bpf.verdict(verdict)
    try:
        nested = rtnl.attr(XDP_FD, struct.pack("=i", descriptor)) + rtnl.attr(XDP_FLAGS, struct.pack("=I", XDP[word]))
        taps = port.watch(witness=None)
        seen = {"attach": bed.raw("A", "set", f"name:{where} attr:{IFLA_XDP | 0x8000}:{nested.hex()}"), "events": bed.events()}
        for name, sender, target in (("wire", "wire", "10.0.0.20"), ("sibling", "i1", "10.0.0.20"), ("other", "wire", "10.0.0.21")):
            src = "10.0.0.2" if sender == "wire" else "10.0.0.21"
            seen[name] = taps.send(port.pair(sender), ether(LOWER, port.address(sender), 0x0800, v4(target, src)))
        link = bed.link("A", where)
        return {**seen, "mode": rtnl.attrs(bytes.fromhex(link["xdp"]))[2].hex(), "flags": link["flags"]}
    finally:
        os.close(descriptor)


rows(IPVLAN, "xdp", {
    "generic-pass": ("i0", "generic", 2), "generic-drop": ("i0", "generic", 1), "native": ("i0", "native", 2), "any-drop": ("i0", "any", 1),
    "offload": ("i0", "offload", 2), "below-generic-drop": ("v0", "generic", 1),
}, program)

# --- sockets ---------------------------------------------------------------------------


def told(bed, word, *words):
    """A scenario of scripts/tests/frames.py."""
    addressed(bed, word)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        frames.main(list(words))
    return {"told": out.getvalue().strip()}


rows(IPVLAN, "socket", {
    f"{name}-{word}": (word, *words) for word in MODES for name, words in {
        "tx-timestamp": ("stamp", "B", "10.0.0.21"), "tx-timestamp-wire": ("stamp", "B", "10.0.0.2"),
        "tcp-stream": ("tcp", "B", "C", "i1", "2000000", "10.0.0.21"),
        "tcp-stream-to-wire": ("tcp", "B", "X", "v1", "2000000", "10.0.0.2"),
        "tcp-stream-from-wire": ("tcp", "X", "B", "i0", "2000000", "10.0.0.20")}.items()
}, told)


def metadata(bed, word, places, sender, target):
    """Mark and priority of a datagram, as a socket behind the target gets them."""
    port = IpPort(bed, f"i0:{word}{places[0]} i1:{word}{places[1]}")
    where, device = port.pair(target).split("/")
    if target == "wire":
        port.must(address(bed, "X", "v1", "10.0.0.2/24"))
    for name in ("all", device):
        for file, value in (("rp_filter", "0"), ("accept_local", "1")):
            sysctl(where, f"ipv4/conf/{name}/{file}", value)
    with inside(where):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.bind((port.ip(target), 2000))
        for option in (75, 82):  # SO_RCVMARK, SO_RCVPRIORITY
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        packet = ipv4(udp(b"hello", src=port.ip(sender), dst=port.ip(target)), src=port.ip(sender), dst=port.ip(target))
        capture.transmit(port.pair(sender), ether(port.address(target), port.address(sender), 0x0800, packet), priority=6, mark=7)
        sock.settimeout(5)
        data, control, _, _ = sock.recvmsg(100, 256)
    found = {str(kind): struct.unpack("=I", value[:4])[0] for level, kind, value in control if level == socket.SOL_SOCKET}
    return {"length": len(data), "control": found}


rows(IPVLAN, "metadata", {
    f"{name}-{word}": (word, *how) for word in MODES for name, how in {
        "sibling-elsewhere": (("", "/B"), "i0", "i1"), "both-elsewhere": (("/B", "/B"), "i0", "i1"),
        "wire": (("/B", ""), "i0", "wire"), "wire-from-beside": (("", ""), "i0", "wire"), "from-wire": (("/B", ""), "wire", "i0")}.items()
}, metadata)


def multicast_sockets(bed, word):
    """Groups by IP: who gets what, and how the lists below follow."""
    port = addressed(bed, word)
    seen = {}
    with receiver("B") as one, receiver("C") as other:
        request = struct.pack("4s4si", socket.inet_aton("224.0.1.17"), bytes(4), 20)
        with inside("B"):
            one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        for sock in (one, other):
            sock.setsockopt(socket.IPPROTO_IP, 49, 0)  # IP_MULTICAST_ALL
        bed.sync("B/i0")
        seen["below"] = [line.strip() for line in bed.run("A", "ip maddr show dev v0")["out"].splitlines()]
        taps = port.watch()
        for name, sender in (("wire", "wire"), ("sibling", "i1")):
            src = port.ip(sender)
            frame = ether(JOINED[0], port.address(sender), 0x0800, ipv4(udp(b"hello", src=src, dst="224.0.1.17"), src=src, dst="224.0.1.17"))
            capture.transmit(port.pair(sender), frame)
            taps.wait()
            seen[name] = {"member": got(one), "other": got(other)}
    return seen


rows(IPVLAN, "multicast-sockets", {word: word for word in MODES}, multicast_sockets)


def large(bed, word, source, target):
    """A datagram that is cut into fragments, and put together again behind the endpoint."""
    port = addressed(bed, word)
    taps = port.watch(witness=None)
    seen = {}
    with contextlib.ExitStack() as stack:
        sockets = {name: stack.enter_context(receiver(name)) for name in HOSTS}
        sockets[source].sendto(bytes(5000), (target, 2000))
        taps.wait()
        seen = {name: got(sock) for name, sock in sockets.items()}
    return seen


rows(IPVLAN, "large", {f"{name}-{word}": (word, *how) for word in MODES for name, how in {
    "wire": ("B", "10.0.0.2"), "from-wire": ("X", "10.0.0.21"), "sibling": ("B", "10.0.0.21")}.items()}, large)


def bound(bed, word):
    """Sockets bound to a device: which one a packet has come by."""
    port = addressed(bed, word)
    seen = {}
    taps = port.watch(witness=None)
    with receiver("C") as sock, receiver("X") as wire:
        with inside("C"):
            sock.setsockopt(socket.SOL_SOCKET, 25, b"i1")  # SO_BINDTODEVICE
            sock.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
        wire.sendto(b"hello", ("10.0.0.21", 2000))
        taps.wait()
        try:
            data, control, _, _ = sock.recvmsg(100, 256)
            seen["wire"] = {"length": len(data), "info": [payload.hex() for _, _, payload in control]}
        except BlockingIOError:
            seen["wire"] = "nothing"
    return seen


rows(IPVLAN, "bound", {word: word for word in MODES}, bound)


@scenario("ipvlan")
def pktgen(bed):
    """May a packet be sent twice."""
    IpPort(bed, "i0:l2")
    seen = {"modprobe": bed.run("A", "modprobe pktgen")}
    with inside("A"):
        base = "/proc/thread-self/net/pktgen"
        for file, text in (("kpktgend_0", "rem_device_all"), ("kpktgend_0", "add_device i0"), ("i0", "clone_skb 5"),
                           ("i0", "clone_skb 0"), ("i0", "burst 5"), ("kpktgend_0", "rem_device_all")):
            try:
                with open(f"{base}/{file}", "w", encoding="ascii") as out:
                    out.write(text + "\n")
                seen[f"{file} {text}"] = "OK"
            except OSError as error:
                seen[f"{file} {text}"] = error.strerror
    return seen
