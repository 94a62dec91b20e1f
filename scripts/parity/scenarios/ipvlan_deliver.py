# SPDX-License-Identifier: GPL-2.0
"""Which device gets which packet: senders, destinations, modes and flags; every device
is watched, in both directions, with its counters.

Payloads are such that no stack answers them: datagrams have wrong checksums, segments
are resets, and messages of ICMPv6 have no checksum.
"""

import socket
import struct

import craft
from craft import BROADCAST, STRANGER, ether, fragment6, ipv4, ipv6, tagged, tcp, udp, vnet
from lower import JOINED, LOWER, UNJOINED, WIRE, IpPort, ip_mode, usual
from registry import rows

IPVLAN = ("ipvlan",)
# Endpoints in three namespaces, one of them the lower device's.
ALL = "i0:{0}/B i1:{0}/C i2:{0}"
WORDS = [f"{mode}+{flags}" for mode in ("l2", "l3", "l3s") for flags in ("bridge", "private", "vepa")]
RESET = 0x14
ALL_NODES = bytes.fromhex("333300000001")
GROUP = "224.0.1.17"  # the first of JOINED
TSO4, TSO6 = vnet(1, 1, 54, 1448, 34, 16), vnet(1, 4, 74, 1428, 54, 16)


def v4(dst, src, payload=None, **how):
    return ipv4(udp(b"hello", src=src, dst=dst, bad=True) if payload is None else payload, src=src, dst=dst, **how)


def v6(dst, src, payload=None, header=17):
    return ipv6(udp(b"hello", src=src, dst=dst, bad=True) if payload is None else payload, header, src, dst)


def arp(operation, sender, target, src=LOWER, dst=bytes(6)):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + src + socket.inet_aton(sender) + dst + socket.inet_aton(target)


def icmp6(kind, target=None):
    return struct.pack("!BBHI", kind, 0, 0, 0) + (socket.inet_pton(socket.AF_INET6, target) if target else b"")


def edited(packet, at, text):
    """With some bytes other than they were, given in hexadecimal."""
    data = bytes.fromhex(text)
    return packet[:at] + data + packet[at + len(data):]


# What is sent from `src`, an address of that family, by `mac`: {name: (frame, virtio header)}.


def unicast4(port, mac, src):
    def to(dst, address, **how):
        return ether(dst, mac, 0x0800, v4(address, src, **how))
    whole = udp(bytes(range(200)) * 4, src=src, dst="10.0.0.21", bad=True)
    frames = {name: to(LOWER, port.ip(name)) for name in ("lower", "i0", "i1", "i2", "unknown")}
    return {
        **frames,
        "wire": to(WIRE, "10.0.0.2"),
        "wire-by-our-address": to(LOWER, "10.0.0.2"),
        "i1-by-wire-address": to(WIRE, "10.0.0.21"),
        "i1-by-foreign-address": to(STRANGER, "10.0.0.21"),
        "no-route": to(LOWER, "192.0.2.1"),
        "fragment-first": to(LOWER, "10.0.0.21", payload=whole[:408], fragment=0x2000, ident=9),
        "fragment-last": to(LOWER, "10.0.0.21", payload=whole[408:], fragment=51, ident=9),
        "limited-broadcast": to(LOWER, "255.255.255.255"),
        "group": to(LOWER, GROUP),
        "reset": to(LOWER, "10.0.0.21", payload=tcp(b"", src, "10.0.0.21", RESET), protocol=6),
        "gso": (to(LOWER, "10.0.0.21", payload=tcp(bytes(4000), src, "10.0.0.21", RESET), protocol=6), TSO4),
        "gso-wire": (to(WIRE, "10.0.0.2", payload=tcp(bytes(4000), src, "10.0.0.2", RESET), protocol=6), TSO4),
        "full": to(LOWER, "10.0.0.21", payload=bytes(1480), protocol=17),
    }


def strange4(port, mac, src):
    good = v4("10.0.0.21", src)

    def to(packet, **how):
        return ether(LOWER, mac, 0x0800, packet, **how)
    return {
        "version-5": to(edited(good, 0, "55")),
        "header-of-16": to(edited(good, 0, "44")),
        "header-of-60": to(edited(good, 0, "4f")),
        "longer-than-it-is": to(edited(good, 2, "0100")),
        "shorter-than-its-header": to(edited(good, 2, "0013")),
        "length-0": to(edited(good, 2, "0000")),
        "cut": to(good[:10], length=14),
        "cut-to-19": to(good[:19], length=14),
        "header-alone": to(v4("10.0.0.21", src, b""), length=14),
        "trailing": to(good, length=200),
        "empty": to(b"", length=14),
        "bad-checksum": to(v4("10.0.0.21", src, bad=True)),
        "other-protocol": ether(LOWER, mac, 0x88B5, good),
        "non-ip": ether(LOWER, mac),
        "non-ip-wire": ether(WIRE, mac),
        "802.3": ether(LOWER, mac, 46, b"\x42\x42\x03" + bytes(43)),
        "vlan": tagged(ether(LOWER, mac, 0x0800, good), (0x8100, 5)),
        "vlan-priority": tagged(ether(LOWER, mac, 0x0800, good), (0x8100, 0xE000)),
        "vlan-double": tagged(ether(LOWER, mac, 0x0800, good), (0x88A8, 6), (0x8100, 5)),
        "vlan-wire": tagged(ether(WIRE, mac, 0x0800, v4("10.0.0.2", src)), (0x8100, 5)),
        "source-of-stranger": ether(LOWER, STRANGER, 0x0800, good),
        "source-and-destination-of-stranger": ether(STRANGER, STRANGER, 0x0800, good),
        "source-of-i1": ether(LOWER, mac, 0x0800, v4("10.0.0.21", "10.0.0.21")),
    }


def arp4(port, mac, src):
    def ask(target, dst=BROADCAST, operation=1, sender=src, **how):
        return ether(dst, mac, 0x0806, arp(operation, sender, target, mac), **how)
    return {
        "for-i1": ask("10.0.0.21"),
        "for-lower": ask("10.0.0.1"),
        "for-unknown": ask("10.0.0.99"),
        "for-i1-unicast": ask("10.0.0.21", LOWER),
        "for-i1-unicast-wire": ask("10.0.0.21", WIRE),
        "probe": ask("10.0.0.21", sender="0.0.0.0"),
        "gratuitous": ask(src),
        "gratuitous-of-i1": ask("10.0.0.21", sender="10.0.0.21"),
        "reply-to-i1": ask("10.0.0.21", LOWER, 2),
        "reply-to-lower": ask("10.0.0.1", LOWER, 2),
        "reply-broadcast": ask("10.0.0.21", operation=2),
        "cut": ether(BROADCAST, mac, 0x0806, arp(1, src, "10.0.0.21", mac)[:20], length=14),
        "other-hardware": ether(LOWER, mac, 0x0806, edited(arp(1, src, "10.0.0.21", mac), 0, "0006")),
        "other-operation": ether(LOWER, mac, 0x0806, arp(9, src, "10.0.0.21", mac)),
        "reverse": ether(BROADCAST, mac, 0x8035, arp(3, src, "10.0.0.21", mac)),
    }


def group4(port, mac, src):
    good = v4("10.0.0.21", src)
    whole = udp(bytes(range(200)) * 4, src=src, dst=GROUP, bad=True)
    return {
        "limited-broadcast": ether(BROADCAST, mac, 0x0800, v4("255.255.255.255", src)),
        "subnet-broadcast": ether(BROADCAST, mac, 0x0800, v4("10.0.0.255", src)),
        "broadcast-to-i1": ether(BROADCAST, mac, 0x0800, good),
        "broadcast-to-lower": ether(BROADCAST, mac, 0x0800, v4("10.0.0.1", src)),
        "broadcast-of-i1": ether(BROADCAST, mac, 0x0800, v4("255.255.255.255", "10.0.0.21")),
        "broadcast-non-ip": ether(BROADCAST, mac),
        "broadcast-vlan": tagged(ether(BROADCAST, mac, 0x0800, v4("255.255.255.255", src)), (0x8100, 5)),
        "all-hosts": ether(bytes.fromhex("01005e000001"), mac, 0x0800, v4("224.0.0.1", src)),
        "joined": [ether(dst, mac, 0x0800, v4(GROUP, src)) for dst in JOINED],
        "joined-non-ip": [ether(dst, mac) for dst in JOINED],
        "joined-fragment": [ether(dst, mac, 0x0800, v4(GROUP, src, whole[:408], fragment=0x2000)) for dst in JOINED],
        "unjoined": [ether(dst, mac, 0x0800, v4(GROUP, src)) for dst in UNJOINED],
        "reserved": [ether(craft.RESERVED[:5] + bytes([last]), mac) for last in (0, 2, 3, 14, 0x20, 0x21)],
        "pause": ether(bytes.fromhex("0180c2000001"), mac, 0x8808, b"\0\1\xff\xff"),
        "pause-broadcast": ether(BROADCAST, mac, 0x8808, b"\0\1\xff\xff"),
        "short": ether(BROADCAST, mac, length=14),
        "gso": (ether(BROADCAST, mac, 0x0800, v4("10.0.0.255", src, tcp(bytes(4000), src, "10.0.0.255", RESET), protocol=6)),
                TSO4),
    }


def unicast6(port, mac, src):
    def to(dst, address, *how):
        return ether(dst, mac, 0x86DD, v6(address, src, *how))
    good = v6("fd00::21", src)
    whole = udp(bytes(range(200)) * 4, src=src, dst="fd00::21", bad=True)
    return {
        **{name: to(LOWER, port.ip(name, 6)) for name in ("i0", "i1", "i2", "unknown")},
        "wire": to(WIRE, "fd00::2"),
        "wire-by-our-address": to(LOWER, "fd00::2"),
        "i1-by-wire-address": to(WIRE, "fd00::21"),
        "no-route": to(LOWER, "2001:db8::1"),
        "fragment-first": to(LOWER, "fd00::21", fragment6(whole[:400], 17, 0, 1), 44),
        "hop-by-hop": to(LOWER, "fd00::21", b"\x11\0\1\4\0\0\0\0" + good[40:], 0),
        "no-next-header": to(LOWER, "fd00::21", b"", 59),
        "version-5": ether(LOWER, mac, 0x86DD, edited(good, 0, "50")),
        "longer-than-it-is": ether(LOWER, mac, 0x86DD, edited(good, 4, "0200")),
        "cut": ether(LOWER, mac, 0x86DD, good[:39], length=14),
        "echo": to(LOWER, "fd00::21", icmp6(128), 58),
        "gso": (to(LOWER, "fd00::21", tcp(bytes(4000), src, "fd00::21", RESET), 6), TSO6),
        "vlan": tagged(to(LOWER, "fd00::21"), (0x8100, 5)),
    }


def neighbours6(port, mac, src):
    def to(dst, address, payload, sender=src, header=58):
        return ether(dst, mac, 0x86DD, ipv6(payload, header, sender, address))
    solicit, free = icmp6(135, "fd00::21"), icmp6(135, "fd00::99")
    return {
        "solicit-i1": [to(dst, "ff02::1:ff00:21", solicit) for dst in UNJOINED],
        "solicit-i1-joined": [to(dst, "ff02::1:ff00:21", solicit) for dst in JOINED],
        "solicit-i1-unicast": to(LOWER, "fd00::21", solicit),
        "solicit-i1-of-lower": to(LOWER, "fd00::99", solicit),
        "is-i1-free": [to(dst, "ff02::1:ff00:21", solicit, "::") for dst in UNJOINED],
        "is-i1-free-joined": [to(dst, "ff02::1:ff00:21", solicit, "::") for dst in JOINED],
        "is-i1-free-unicast": to(LOWER, "ff02::1:ff00:21", solicit, "::"),
        "is-unknown-free": [to(dst, "ff02::1:ff00:99", free, "::") for dst in UNJOINED],
        "is-i1-free-cut": to(LOWER, "fd00::21", solicit[:20], "::"),
        "is-i1-free-behind-a-header": to(LOWER, "fd00::21", b"\x3a\0\1\4\0\0\0\0" + solicit, "::", 0),
        "from-nobody": to(LOWER, "fd00::21", icmp6(128), "::"),
        "from-nobody-datagram": to(LOWER, "fd00::21", udp(b"hello", src="::", dst="fd00::21", bad=True), "::", 17),
        "advertise-i1": to(LOWER, "fd00::21", icmp6(136, "fd00::2")),
        "advertise-all": to(ALL_NODES, "ff02::1", icmp6(136, "fd00::2")),
        "router": to(ALL_NODES, "ff02::1", icmp6(134), "fe80::2"),
        "all-nodes-datagram": to(ALL_NODES, "ff02::1", udp(b"hello", src=src, dst="ff02::1", bad=True), header=17),
        "listeners": [to(dst, "ff02::16", icmp6(143), "::") for dst in UNJOINED],
    }


def endpoints(bed, word, ipv6=False, reflected=False):
    port = IpPort(bed, ALL.format(word), ipv6=ipv6)
    port.join("i1", "i2")
    bed.sync("C/i1", "A/i2")
    if reflected:
        port.reflect()
    return port


def send(port, taps, sender, frames):
    """What each device saw of each frame; of several that mean the same, the usual."""
    family = 6 if port.ipv6 else 4
    seen = {}
    for name, what in frames(port, port.address(sender), port.ip(sender, family)).items():
        results = [taps.send(port.pair(sender), frame, vnet=header) for frame, header in
                   (item if isinstance(item, tuple) else (item, None) for item in (what if isinstance(what, list) else [what]))]
        seen[name] = usual(results)
    return seen


def deliver(bed, word, sender, frames, family=4, reflected=False):
    port = endpoints(bed, word, family == 6, reflected)
    return send(port, port.watch(), sender, frames)


SETS = {"unicast": (unicast4, 4), "strange": (strange4, 4), "arp": (arp4, 4), "groups": (group4, 4),
        "ipv6": (unicast6, 6), "neighbours": (neighbours6, 6)}
for word in WORDS:
    rows(IPVLAN, f"deliver-{word.replace('+', '-')}", {
        f"{place}-{key}": (word, sender, *frames) for place, sender in (("wire", "wire"), ("endpoint", "i0"))
        for key, frames in SETS.items()
        # The wire's frames do not depend on how endpoints get on, nor do strange ones.
        if place == "endpoint" and (key != "strange" or word.endswith("bridge")) or word.endswith("bridge")}, deliver)
for word in ("l2", "l3", "l3s"):
    rows(IPVLAN, f"deliver-{word}", {f"lower-{key}": (word, "lower", *SETS[key]) for key in ("unicast", "groups")}, deliver)
    rows(IPVLAN, f"deliver-{word}", {f"beside-{key}": (word, "i2", *SETS[key]) for key in ("unicast", "groups", "arp")}, deliver)

# --- a wire that sends everything back -----------------------------------------------

for word in WORDS:
    rows(IPVLAN, f"reflected-{word.replace('+', '-')}", {key: (word, "i0", *SETS[key], True) for key in
                                                         ("unicast", "groups", "arp", "neighbours")
                                                         if word.startswith("l2") or word == "l3+vepa"}, deliver)
rows(IPVLAN, "reflected", {f"{word}-lower": (word, "lower", group4, 4, True) for word in ("l2", "l3")}, deliver)


def mixed(bed, first, second, sender):
    """Endpoints of one port that do not have the same mode or flags."""
    port = IpPort(bed, f"i0:{first}/B i1:{second}/C", addresses=False)
    for name in ("i0", "i1"):
        bed.must(port.places[name], "set", f"KIND name:{name} {ip_mode(port.modes[name])}")
    port.own("i0", "i1")
    taps = port.watch(witness=None)
    src = port.ip(sender)
    return {"settings": {name: bed.link(port.places[name], name)["linkinfo"]["own"] for name in ("i0", "i1")},
            **{name: taps.send(port.pair(sender), ether(LOWER, port.address(sender), 0x0800, v4(target, src)))
               for name, target in (("i0", "10.0.0.20"), ("i1", "10.0.0.21"), ("unknown", "10.0.0.99"))}}


rows(IPVLAN, "mixed", {f"{first}-{second}-{sender}".replace("+", "-"): (first, second, sender) for first, second in
                       (("l2", "l3"), ("l3s", "l2"), ("l3", "l3+private"), ("l3+vepa", "l3"))
                       for sender in ("wire", "i0", "i1")}, mixed)
