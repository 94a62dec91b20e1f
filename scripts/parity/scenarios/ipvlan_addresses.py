# SPDX-License-Identifier: GPL-2.0
"""Addresses of endpoints: which ones they may have, and who gets what is for them."""

import fcntl
import socket
import struct

import rtnl
from craft import ether, ipv4, ipv6, udp
from inside import inside
from lower import LOWER, WIRE, IpPort, address, ip_mode, sysctl
from registry import rows, scenario

IPVLAN = ("ipvlan",)
PLACES = {"i0": "B", "i1": "C", "v0": "A", "j0": "B"}


def who(port, taps, target):
    """Which devices behind v0 receive a datagram for an address, from the wire."""
    if ":" in target:
        frame = ether(LOWER, WIRE, 0x86DD, ipv6(udp(b"hello", src="fd00::2", dst=target, bad=True), 17, "fd00::2", target))
    else:
        frame = ether(LOWER, WIRE, 0x0800, ipv4(udp(b"hello", src="10.0.0.2", dst=target, bad=True), src="10.0.0.2", dst=target))
    seen = taps.send("X/v1", frame)
    # A new address of v0 looks for duplicates and joins groups, on the wire, up to a second later.
    return [pair for pair, stats in seen["stats"].items() if stats.get("rx_packets") and pair not in ("A/v0", "X/v1")]


def listed(bed, namespace):
    """All addresses of a namespace's devices."""
    return {device: sorted(f"{item['local']}/{item['prefixlen']}" + (f" peer {item['address']}" if "address" in item else "")
                           for item in link["addr_info"])
            for device, link in bed.ip_json(namespace, "addr show").items() if device != "lo"}


def step(bed, port, text):
    """"add DEVICE ADDRESS [PEER]", "del DEVICE ADDRESS", or "NAMESPACE|REQUEST"."""
    namespace, bar, request = text.partition("|")
    if bar:
        operation, tokens = request.split(" ", 1)
        return bed.raw(namespace, operation, tokens)
    word, device, which, *peer = text.split()
    return address(bed, PLACES[device], device, which, {"add": "new", "del": "del"}[word], *peer)


def assigned(bed, word, probes, *steps, up=True, family=4, other=False):
    """After each step its answer, and who gets what is for each of the addresses."""
    port = IpPort(bed, f"i0:{word}/B i1:{word}/C", ipv6=family == 6, addresses=False, up=up)
    if other:
        # Another lower device, with an endpoint of its own.
        bed.must("A", "new", "kind:dummy name:d0 index:15 addr:020000000015 up")
        bed.must("A", "new", f"KIND name:j0 index:30 link:15 {ip_mode(word)} nsfd:/run/netns/B up")
    seen = {}
    for number, text in enumerate(steps, 1):
        answer = step(bed, port, text)
        # Devices may have moved or gone.
        taps = bed.watch("X/v1", "A/v0", *(f"{name}/{device}" for name in "BC" for device in bed.links_now(name)[name]))
        seen[f"{number}:{text}"] = {"answer": answer, "who": {target: who(port, taps, target) for target in probes}}
    bed.events()
    return {**seen, "addresses": {name: listed(bed, name) for name in bed.sockets}}


A4, B4 = "10.0.0.50", "10.0.0.51"
rows(IPVLAN, "addresses", {
    **{f"add-{word}": (word, (A4,), f"add i0 {A4}/24", f"del i0 {A4}/24", f"add i1 {A4}/24") for word in ("l2", "l3", "l3s")},
    "again": ("l2", (A4,), f"add i0 {A4}/24", f"add i0 {A4}/24", f"del i0 {A4}/24", f"add i0 {A4}/24"),
    "duplicate": ("l2", (A4,), f"add i0 {A4}/24", f"add i1 {A4}/24", f"del i0 {A4}/24", f"add i1 {A4}/24"),
    "duplicate-other-mask": ("l2", (A4,), f"add i0 {A4}/24", f"add i1 {A4}/32"),
    "same-device-other-mask": ("l2", (A4,), f"add i0 {A4}/24", f"add i0 {A4}/16", f"del i0 {A4}/24"),
    "duplicate-while-down": ("l2", (A4,), f"add i0 {A4}/24", "B|set name:i0 clear:1", f"add i1 {A4}/24", "B|set name:i0 up"),
    "other-lower": ("l2", (A4,), f"add i0 {A4}/24", f"add j0 {A4}/24", f"del i0 {A4}/24"),
    "of-the-lower": ("l2", ("10.0.0.1",), "add i0 10.0.0.1/24", "del i0 10.0.0.1/24"),
    "lower-takes-it-later": ("l3", (A4,), f"add i0 {A4}/24", f"add v0 {A4}/24", f"del i0 {A4}/24"),
    "peer": ("l2", (A4, B4), f"add i0 {A4}/32 {B4}"),
    "peer-of-other": ("l2", (A4, B4), f"add i0 {A4}/32 {B4}", f"add i1 {B4}/24", f"add i1 {A4}/24"),
    "peer-prefix": ("l2", (A4, B4), f"add i0 {A4}/24 {B4}", f"del i0 {A4}/24"),
    "while-down": ("l2", (A4,), "B|set name:i0 clear:1", f"add i0 {A4}/24", "B|set name:i0 up", "B|set name:i0 clear:1", f"del i0 {A4}/24",
                   "B|set name:i0 up"),
    "down-up": ("l3", (A4,), f"add i0 {A4}/24", "B|set name:i0 clear:1", "B|set name:i0 up"),
    "down-up-l3s": ("l3s", (A4,), f"add i0 {A4}/24", "B|set name:i0 clear:1", "B|set name:i0 up"),
    "several": ("l2", (A4, B4, "10.0.0.52"), f"add i0 {A4}/24", f"add i0 {B4}/24", "add i0 10.0.0.52/24", f"del i0 {B4}/24",
                f"del i0 {A4}/24"),
    "secondary-promoted": ("l2", (A4, B4), f"add i0 {A4}/24", f"add i0 {B4}/24", f"del i0 {A4}/24"),
    "moved-by-hand": ("l2", (A4,), f"add i0 {A4}/24", f"del i0 {A4}/24", f"add i1 {A4}/24", f"del i1 {A4}/24", f"add i0 {A4}/24"),
    "device-moves": ("l2", (A4,), f"add i0 {A4}/24", "B|set name:i0 nsfd:/run/netns/C", f"add i1 {A4}/24"),
    "device-goes": ("l2", (A4,), f"add i0 {A4}/24", "B|del name:i0", f"add i1 {A4}/24"),
    "mode-changes": ("l2", (A4,), f"add i0 {A4}/24", f"B|set KIND name:i0 {ip_mode('l3')}", f"C|set KIND name:i1 {ip_mode('l3')}",
                     f"B|set KIND name:i0 {ip_mode('l2')}", f"C|set KIND name:i1 {ip_mode('l2')}"),
    "loopback": ("l2", ("127.0.0.5",), "add i0 127.0.0.5/8"),
    "zero": ("l2", ("0.0.0.0",), "add i0 0.0.0.0/0"),
    "multicast": ("l2", ("224.0.1.17",), "add i0 224.0.1.17/32"),
    "broadcast": ("l2", ("255.255.255.255",), "add i0 255.255.255.255/32", "add i1 255.255.255.255/32"),
    "absent": ("l2", (A4,), f"del i0 {A4}/24"),
}, lambda bed, word, *rest: assigned(bed, word, *rest, other=any("j0" in text for text in rest[1:])))
A6, B6 = "fd00::50", "fd00::51"
rows(IPVLAN, "addresses-ipv6", {
    **{f"add-{word}": (word, (A6,), f"add i0 {A6}/64", f"del i0 {A6}/64", f"add i1 {A6}/64") for word in ("l3", "l3s")},
    "again": ("l3", (A6,), f"add i0 {A6}/64", f"add i0 {A6}/64", f"del i0 {A6}/64"),
    "duplicate": ("l3", (A6,), f"add i0 {A6}/64", f"add i1 {A6}/64", f"del i0 {A6}/64", f"add i1 {A6}/64"),
    "same-device-other-length": ("l3", (A6,), f"add i0 {A6}/64", f"add i0 {A6}/128", f"del i0 {A6}/64"),
    "other-lower": ("l3", (A6,), f"add i0 {A6}/64", f"add j0 {A6}/64", f"del i0 {A6}/64"),
    "of-the-lower": ("l3", (A6,), f"add v0 {A6}/64", f"add i0 {A6}/64"),
    "peer": ("l3", (A6, B6), f"add i0 {A6}/128 {B6}"),
    "while-down": ("l3", (A6,), "B|set name:i0 clear:1", f"add i0 {A6}/64", "B|set name:i0 up"),
    "down-up": ("l3", (A6,), f"add i0 {A6}/64", "B|set name:i0 clear:1", "B|set name:i0 up"),
    "duplicate-after-down": ("l3", (A6,), f"add i0 {A6}/64", "B|set name:i0 clear:1", f"add i1 {A6}/64", "B|set name:i0 up"),
    "link-local-of-both": ("l3", ("fe80::5",), "add i0 fe80::5/64", "add i1 fe80::5/64"),
    "multicast": ("l3", ("ff02::5",), "add i0 ff02::5/128"),
    "beside-ipv4": ("l3", (A6, A4), f"add i0 {A6}/64", f"add i1 {A4}/24", f"add i1 {A6}/64", f"add i0 {A4}/24"),
    "device-moves": ("l3", (A6,), f"add i0 {A6}/64", "B|set name:i0 nsfd:/run/netns/C", f"add i1 {A6}/64"),
    "device-goes": ("l3", (A6,), f"add i0 {A6}/64", "B|del name:i0", f"add i1 {A6}/64"),
}, lambda bed, word, *rest: assigned(bed, word, *rest, family=6, other=any("j0" in text for text in rest[1:])))
rows(IPVLAN, "addresses-down", {
    "add-and-up": ("l2", (A4,), f"add i0 {A4}/24", "B|set name:i0 up", "B|set name:i0 clear:1"),
    "duplicate": ("l2", (A4,), f"add i0 {A4}/24", f"add i1 {A4}/24", "C|set name:i1 up", "B|set name:i0 up"),
}, lambda bed, *how: assigned(bed, *how, up=False))


@scenario("ipvlan")
def addresses_kept_on_down(bed):
    """IPv6 addresses that stay while the device is down."""
    port = IpPort(bed, "i0:l3/B i1:l3/C", ipv6=True, addresses=False)
    sysctl("B", "ipv6/conf/i0/keep_addr_on_down", 1)
    taps = port.watch(witness=None)
    seen = {}
    for text in (f"add i0 {A6}/64", "B|set name:i0 clear:1", f"add i1 {A6}/64", "B|set name:i0 up", "B|set name:i0 clear:1",
                 f"del i0 {A6}/64", f"add i1 {A6}/64"):
        seen[f"{len(seen)}:{text}"] = {"answer": step(bed, port, text), "who": who(port, taps, A6), "listed": listed(bed, "B")}
    return seen


def by_ioctl(bed, text):
    """SIOCSIFADDR: how ifconfig does it."""
    port = IpPort(bed, "i0:l2/B i1:l2/C", addresses=False)
    seen = {"first": address(bed, "B", "i0", f"{A4}/24")}
    with inside("C"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        sockaddr = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
        try:
            fcntl.ioctl(control, 0x8916, struct.pack("16s16s8x", b"i1", sockaddr))
            seen["ioctl"] = "OK"
        except OSError as error:
            seen["ioctl"] = error.strerror
    taps = port.watch(witness=None)
    return {**seen, "who": who(port, taps, text), "addresses": listed(bed, "C")}


rows(IPVLAN, "addresses-ioctl", {"free": B4, "taken": A4}, by_ioctl)


def link_local(bed, mode_of_addresses, same):
    """The addresses that devices give themselves."""
    bed.ns("A", "B", "C")
    places = "BB" if same else "BC"
    bed.ipv6("B", "C")
    for name in "BC":
        if mode_of_addresses:
            sysctl(name, "ipv6/conf/default/stable_secret", "2001:db8::1")
        sysctl(name, "ipv6/conf/default/addr_gen_mode", mode_of_addresses)
    bed.must("A", "new", "kind:dummy name:d0 index:10 addr:021122334455 up")
    for number, place in enumerate(places):
        bed.must("A", "new", f"KIND name:i{number} index:2{number} link:10 {ip_mode('l2')} nsfd:/run/netns/{place} up")
    return {name: listed(bed, name) for name in "BC"}


rows(IPVLAN, "link-local", {
    "by-number": (0, False), "by-number-in-one-namespace": (0, True), "none": (1, False), "stable": (2, False),
    "stable-in-one-namespace": (2, True),
}, link_local)


def heard(bed, *requests):
    """What `ip monitor address` tells of an endpoint's addresses."""
    port = IpPort(bed, "i0:l2/B i1:l2/C", addresses=False)
    with inside("B"):
        monitor = rtnl.Netlink(1 << 4 | 1 << 8)  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
    seen = {}
    for text in requests:
        seen[text] = {"answer": step(bed, port, text), "told": []}
        try:
            while True:
                for kind, _, _, body in monitor.messages(socket.MSG_DONTWAIT):
                    _, length, flags, scope, index = struct.unpack_from("=BBBBi", body)
                    seen[text]["told"].append(f"{kind} {socket.inet_ntoa(rtnl.attrs(body[8:])[2])}/{length} {flags:x} {scope} {index}")
        except BlockingIOError:
            pass
    monitor.sock.close()
    return seen


rows(IPVLAN, "addresses-told", {
    "usual": (f"add i0 {A4}/24", f"del i0 {A4}/24"), "refused": (f"add i1 {A4}/24", f"add i0 {A4}/24"),
    "promoted": (f"add i0 {A4}/24", f"add i0 {B4}/24", f"del i0 {A4}/24"), "device-goes": (f"add i0 {A4}/24", "B|del name:i0"),
}, heard)
