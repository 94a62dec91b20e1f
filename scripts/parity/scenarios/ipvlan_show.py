# SPDX-License-Identifier: GPL-2.0
"""What the usual tools show of endpoints, and of the device below them."""

import ctypes
import errno
import fcntl
import os
import socket
import struct

import bed as beds
import craft
from craft import ether, ipv4, udp
from inside import inside
from lower import JOINED, LOWER, SIOCDELMULTI, WIRE, IpPort, group, ip_mode
from registry import rows, scenario
from scenarios.ipvlan_deliver import v4
from scenarios.macvlan_show import FEATURES, features, lists

IPVLAN = ("ipvlan", "ipvtap")
SPEC = "i0:{0} i1:{0}/B i2:{0}"


def traffic(port, word):
    """Known packets in all directions, and to groups from outside."""
    taps = port.watch()
    for sender, dst, target, size, count in (
            ("wire", LOWER, "10.0.0.20", 100, 5), ("wire", LOWER, "10.0.0.21", 200, 3), ("wire", LOWER, "10.0.0.99", 60, 2),
            ("wire", craft.BROADCAST, "255.255.255.255", 60, 4), ("i0", WIRE, "10.0.0.2", 300, 6), ("i0", LOWER, "10.0.0.1", 90, 2),
            # Direct ones have counters of their own: see the frames.
            *((("i0", craft.BROADCAST, "255.255.255.255", 70, 3),) if word != "l2" else ())):
        src = "10.0.0.2" if sender == "wire" else "10.0.0.20"
        taps.send(port.pair(sender), ether(dst, port.address(sender), 0x0800, v4(target, src), length=size), count=count)


def shown(bed, word, what):
    port = IpPort(bed, SPEC.format(word))
    traffic(port, word)
    return {name: bed.ip_json(name, what) for name in "AB"}


rows(IPVLAN, "show-ip-statistics", {word: (word, "-s -s link show") for word in ("l2", "l3", "l3s")}, shown)


@scenario(*IPVLAN)
def show_ip_details(bed):
    """`ip -d -j link`, down and up."""
    port = IpPort(bed, SPEC.format("l3+private"), up=False, addresses=False)
    seen = {"down": {name: bed.ip_json(name, "-d link show") for name in "AB"}}
    port.up("i0", "i1")
    return {**seen, "up": {name: bed.ip_json(name, "-d link show") for name in "AB"}}


def ip_words(bed, word):
    """The words that `ip -d link` has for mode and flags."""
    IpPort(bed, f"i0:{word}", addresses=False)
    return {"words": bed.ip_json("A", "-d link show i0")["i0"]["linkinfo"].get("info_data")}


rows(IPVLAN, "show-words", {word.replace("+", "-"): word for word in
                            ("l2", "l3", "l3s", "l2+private", "l3+vepa", "l3s+private")}, ip_words)


@scenario(*IPVLAN)
def show_ip_text(bed):
    """The lines that people see, without the kind's own."""
    IpPort(bed, SPEC.format("l3"))
    return {name: [line.rstrip() for line in bed.run(name, "ip link show")["out"].splitlines()] for name in "AB"}


@scenario(*IPVLAN)
def show_by_type(bed):
    IpPort(bed, SPEC.format("l2"))
    return {"shown": sorted(bed.ip_json("A", "link show type {kind}"))}


@scenario(*IPVLAN)
def show_proc_net_dev(bed):
    port = IpPort(bed, SPEC.format("l3"))
    traffic(port, "l3")
    text = bed.run("A", "cat /proc/thread-self/net/dev")["out"]
    return {line.split(":")[0].strip(): " ".join(line.split(":")[1].split())
            for line in text.splitlines() if ":" in line}


def sysfs(bed, up):
    """Every file of the endpoints and of the device below, the counters too."""
    port = IpPort(bed, SPEC.format("l2"), up=up)
    if up:
        traffic(port, "l2")
    bed.flush()
    return {**{device: bed.sysfs_tree("A", device) for device in ("v0", "i0")}, "i1": bed.sysfs_tree("B", "i1")}


rows(IPVLAN, "show", {"sysfs": True, "sysfs-down": False}, sysfs)


@scenario(*IPVLAN)
def show_upper_and_lower(bed):
    """Links between the directories, also as devices come, go, move and are renamed."""
    IpPort(bed, "i0:l2 i1:l2/B", up=False)

    def links():
        found = {}
        for namespace in "AB":
            with bed.sysfs(namespace) as top:
                for device in sorted(name for name in os.listdir(top) if os.path.isdir(f"{top}/{name}")):
                    found[f"{namespace}/{device}"] = sorted(name for name in os.listdir(f"{top}/{device}")
                                                            if name.startswith(("upper_", "lower_")))
        return found

    seen = {"both": links()}
    for namespace, request in (("A", "set index:20 name:renamed"), ("A", "set index:10 name:w0"),
                               ("A", "set index:20 nsfd:/run/netns/B"), ("A", "set index:10 nsfd:/run/netns/B"),
                               ("B", "del index:21")):
        operation, tokens = request.split(" ", 1)
        bed.must(namespace, operation, tokens)
        seen[request] = links()
    return seen


@scenario(*IPVLAN)
def show_dump_and_get(bed):
    """A dump and each answer to RTM_GETLINK agree."""
    IpPort(bed, SPEC.format("l3s+vepa"))
    return {"dump": bed.links(), "get": {device: bed.ip_json(name, f"-d link show {device}")
                                         for name, device in (("A", "i0"), ("B", "i1"))}}


def dump_bytes(bed, word):
    """The flavor's own attributes, byte by byte."""
    IpPort(bed, f"i0:{word}", addresses=False)
    for body in beds.dump(bed.sockets["A"]):
        if beds.rtnl.shown(body)["name"] == "i0":
            return {"bytes": bed.side.own_bytes(beds.info_data(beds.rtnl.attrs(body[16:]))).hex()}
    return {"bytes": "absent"}


rows(IPVLAN, "dump-bytes", {word.replace("+", "-"): word for word in ("l2", "l3+vepa", "l3s+private")}, dump_bytes)


@scenario(*IPVLAN)
def show_uevents(bed):
    IpPort(bed, "i0:l2")
    tree = bed.sysfs_tree("A", "i0")
    return {"uevent": tree["uevent"], "type": tree["type"], "dev_id": tree["dev_id"]}


@scenario(*IPVLAN)
def show_qdisc(bed):
    port = IpPort(bed, "i0:l2")
    seen = {"none": bed.run("A", "tc -j qdisc show dev i0"), "add": bed.run("A", "tc qdisc add dev i0 root handle 1: pfifo limit 10")}
    taps = port.watch()
    seen["sent"] = taps.send("A/i0", ether(WIRE, LOWER), count=3)
    seen["with"] = bed.run("A", "tc -s -j qdisc show dev i0")
    seen["events"] = bed.events()
    return {**seen, "del": bed.run("A", "tc qdisc del dev i0 root"), "after": bed.run("A", "tc -j qdisc show dev i0")}


def filtered(bed, where, *commands):
    """Filters at a device, and what passes them."""
    port = IpPort(bed, "i0:l3 i1:l3/B")
    seen = {command: bed.run(where, command)["status"] for command in commands}
    taps = port.watch()
    for name, sender, target in (("wire", "wire", "10.0.0.21"), ("sibling", "i0", "10.0.0.21"), ("back", "i1", "10.0.0.20"),
                                 ("out", "i1", "10.0.0.2")):
        src = {"wire": "10.0.0.2", "i0": "10.0.0.20", "i1": "10.0.0.21"}[sender]
        seen[name] = taps.send(port.pair(sender), ether(LOWER, port.address(sender), 0x0800, v4(target, src)))
    return seen


rows(IPVLAN, "show-filters", {
    "in": ("B", "tc qdisc add dev i1 clsact", "tc filter add dev i1 ingress matchall action drop"),
    "out": ("B", "tc qdisc add dev i1 clsact", "tc filter add dev i1 egress matchall action drop"),
    "below-in": ("A", "tc qdisc add dev v0 clsact", "tc filter add dev v0 ingress protocol ip matchall action drop"),
    "below-out": ("A", "tc qdisc add dev v0 clsact", "tc filter add dev v0 egress protocol ip matchall action drop"),
}, filtered)

# --- ethtool ---------------------------------------------------------------------------


def ethtool(bed, option, up=True):
    IpPort(bed, "i0:l2", up=up, addresses=False)
    option = option if "DEV" in option else option + " DEV"
    return {device: bed.ethtool("A", option.replace("DEV", device)) for device in ("i0", "v0")}


rows(IPVLAN, "ethtool", {
    "plain": "", "plain-down": ("", False), "driver": "-i", "features": "-k", "features-down": ("-k", False), "channels": "-l",
    "statistics": "-S", "timestamping": "-T", "coalesce": "-c", "ring": "-g", "permanent-address": "-P", "registers": "-d", "test": "-t",
}, ethtool)


def ethtool_set(bed, *commands):
    """Commands about i0; then its settings, and the events."""
    IpPort(bed, "i0:l2", addresses=False)
    seen = {command: bed.ethtool("A", command) for command in commands}
    return {**seen, "plain": bed.ethtool("A", "i0"), "events": bed.events()}


rows(IPVLAN, "ethtool-set", {
    "speed": ("-s i0 speed 100 duplex half autoneg off",), "coalesce": ("-C i0 rx-usecs 5",),
    "message-level": ("-s i0 msglvl 1",),
    "message-level-names": ("-s i0 msglvl ifup on",), "speed-below": ("-s v0 speed 100 duplex half autoneg off", "i0"),
}, ethtool_set)


def toggle(bed, device, feature, first="off"):
    """A feature off and on again, above or below: both lists, events."""
    IpPort(bed, "i0:l2 i1:l2", addresses=False)
    seen = {"before": {name: features(bed, name) for name in ("v0", "i0")}}
    for word in (first, "on" if first == "off" else "off"):
        answer = bed.ethtool("A", f"-K {device} {feature} {word}")
        seen[word] = {"answer": answer, **{name: features(bed, name) for name in ("v0", "i0")}, "events": bed.events()}
    return seen


# Of those that a lower device has anyway, and those that it does not.
ABOVE = ("tx-checksum", "rx-checksum", "scatter-gather", "tso", "gso", "highdma", "gro", "gro-list", "lro", "vlan-tx")
BELOW = ("tx-checksum", "scatter-gather", "tso", "gso", "gro", "vlan-tx")
for where, name, keys in (("i0", "feature", ABOVE), ("v0", "feature-below", BELOW)):
    rows(IPVLAN, name, {key: (where, *(FEATURES[key] if isinstance(FEATURES[key], tuple) else (FEATURES[key],))) for key in keys}, toggle)


def inherited(bed, settings):
    """What an endpoint has that is made when the lower device lacks something."""
    IpPort(bed)
    seen = {"set": bed.ethtool("A", f"-K v0 {settings}")}
    bed.must("A", "new", f"KIND name:i0 index:20 link:10 {ip_mode('l2')} up")
    seen |= {"i0": features(bed, "i0"), "events": bed.events(), "link": bed.link("A", "i0")}
    return {**seen, "back": bed.ethtool("A", f"-K v0 {settings.replace('off', 'on')}"), "after": features(bed, "i0")}


rows(IPVLAN, "inherit", {
    "nothing": "tx off rx off sg off tso off gso off gro off highdma off", "no-checksum": "tx off", "no-gro": "gro off", "no-tso": "tso off",
}, inherited)


def send_with(bed, word, where, settings):
    """Large and unfinished packets with features off, above and below."""
    port = IpPort(bed, f"i0:{word} i1:{word}/B")
    taps = port.watch()
    seen = {"set": bed.ethtool("A", f"-K {where} {settings}")}
    for name, dst, target in (("wire", WIRE, "10.0.0.2"), ("sibling", LOWER, "10.0.0.21")):
        big = v4(target, "10.0.0.20", craft.tcp(bytes(4000), "10.0.0.20", target, 0x14), protocol=6)
        seen[f"gso-{name}"] = taps.send("A/i0", ether(dst, LOWER, 0x0800, big), vnet=craft.vnet(1, 1, 54, 1448, 34, 16))
        # The checksum is made, if it is, of what is no datagram's of this port.
        small = ipv4(udp(bytes(100), src="10.0.0.20", dst=target), 17, "10.0.0.20", target)
        seen[f"checksum-{name}"] = taps.send("A/i0", ether(dst, LOWER, 0x0800, edited_source(small)), vnet=craft.vnet(1, 0, 0, 0, 34, 6))
    return seen


def edited_source(packet):
    """From the limited broadcast address, which nobody answers."""
    return packet[:10] + bytes(2) + b"\xff" * 4 + packet[16:]


rows(IPVLAN, "frame-with", {
    f"{name}-off-{word}-{mode}": (mode, where, settings) for word, where in (("above", "i0"), ("below", "v0"))
    for mode in ("l2", "l3") for name, settings in
    (("tso", "tso off"), ("gso", "gso off tso off"), ("sg", "sg off"), ("checksum", "tx off"))
}, send_with)

# --- address lists of the lower device -----------------------------------------------------


def listed(bed, spec, *steps):
    """The lists after each step: a request, or "join DEVICE" or "leave DEVICE"."""
    port = IpPort(bed, spec, up=False, addresses=False)
    seen = {"down": lists(bed)}
    port.up(*port.places)
    seen["up"] = lists(bed)
    for step in steps:
        word, rest = step.split(" ", 1)
        if word == "join":
            seen[step + " answer"] = group("A", rest, JOINED[0])
        elif word == "leave":
            seen[step + " answer"] = group("A", rest, JOINED[0], SIOCDELMULTI)
        elif word == "bridge":
            seen[step + " answer"] = bed.run("A", step)
        else:
            seen[step + " answer"] = bed.raw("A", word, rest)
        seen[step] = lists(bed)
    return {**seen, "events": bed.events()}


TWO = "i0:{0} i1:{0}"
rows(IPVLAN, "lists", {
    **{f"mode-{word}": (f"i0:{word}", "join i0", "leave i0") for word in ("l2", "l3", "l3s")},
    "two-join": (TWO.format("l2"), "join i0", "join i1", "leave i0", "leave i1"),
    "lower-joins-too": (TWO.format("l2"), "join v0", "join i0", "leave v0", "leave i0"),
    "join-while-down": (TWO.format("l2"), "set name:i0 clear:1", "join i0", "set name:i0 up"),
    "down-with-groups": (TWO.format("l2"), "join i0", "join i1", "set name:i0 clear:1", "set name:i0 up", "del name:i0"),
    "allmulti": (TWO.format("l2"), "set name:i0 flags:0x200", "set name:i1 flags:0x200", "set name:i0 clear:0x200",
                 "set name:i1 clear:0x200"),
    "allmulti-and-down": (TWO.format("l2"), "set name:i0 flags:0x200", "set name:i0 clear:1", "set name:i0 clear:0x200", "set name:i0 up"),
    "allmulti-while-down": (TWO.format("l2"), "set name:i0 clear:1", "set name:i0 flags:0x200", "set name:i0 up", "set name:i0 clear:0x200"),
    "allmulti-and-delete": (TWO.format("l2"), "set name:i0 flags:0x200", "del name:i0"),
    "promiscuous": (TWO.format("l3"), "set name:i0 flags:0x100", "set name:i1 flags:0x100", "set name:i0 clear:0x100", "del name:i1"),
    "mode-change": ("i0:l2", "join i0", f"set KIND name:i0 {ip_mode('l3')}", f"set KIND name:i0 {ip_mode('l3s')}"),
    "flags-change": ("i0:l2", "set KIND name:i0 own16:2:1", "set KIND name:i0 own16:2:0"),
    "lower-down-up": (TWO.format("l2"), "join i0", "set name:v0 clear:1", "set name:v0 up"),
    "delete": (TWO.format("l2"), "join i0", "join i1", "del name:i0", "del name:i1"),
    # A switch's commands for a device's own lists.
    "fdb-unicast": (TWO.format("l2"), "bridge fdb add 02:00:00:00:00:77 dev i0 self", "bridge fdb del 02:00:00:00:00:77 dev i0 self"),
    "fdb-multicast": (TWO.format("l2"), "bridge fdb add 03:00:00:00:00:77 dev i0 self", "bridge fdb del 03:00:00:00:00:77 dev i0 self"),
}, listed)


def membership(bed, name, kind, member):
    """What a packet socket asks of an endpoint while it is there, and a change of mode meanwhile."""
    IpPort(bed, "i0:l2", addresses=False)
    seen = {}

    def look():
        bed.sync("A/i0")
        return {device: bed.link("A", device, "flags", "promiscuity", "allmulti") for device in ("v0", "i0")}
    with inside("A"):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with sock:
        request = struct.pack("=iHH8s", 20, kind, len(member), member)
        for word, option in (("add", 1), ("mode", 0), ("drop", 2)):
            if option:
                sock.setsockopt(263, option, request)
            elif name.endswith("-mode"):
                bed.must("A", "set", "KIND name:i0 own16:1:1")
            seen[word] = {**look(), "groups": bed.run("A", "ip maddr show dev v0")["out"].split()}
    return seen


rows(IPVLAN, "membership", {name: (name, kind, member) for name, kind, member in (
    ("multicast", 0, bytes.fromhex("030000000077")), ("promisc", 1, b""), ("allmulti", 2, b""), ("unicast", 3, bytes.fromhex("020000000077")),
    ("promisc-and-mode", 1, b""), ("allmulti-and-mode", 2, b""))}, membership)


def hardware_timestamps(bed, device):
    """SIOC[GS]HWTSTAMP: veth has stamps of its own, software's."""
    IpPort(bed, "i0:l2", addresses=False)
    seen = {}
    for name, request in (("get", 0x89B1), ("set", 0x89B0)):
        config = ctypes.create_string_buffer(12)
        with inside("A"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            try:
                fcntl.ioctl(control, request, struct.pack("16sQ16x", device.encode(), ctypes.addressof(config)))
                seen[name] = config.raw.hex()
            except OSError as error:
                seen[name] = errno.errorcode[error.errno]
    return seen


rows(IPVLAN, "hardware-timestamps", {"endpoint": "i0", "lower": "v0"}, hardware_timestamps)
