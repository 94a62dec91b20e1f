# SPDX-License-Identifier: GPL-2.0
"""What the usual tools show of endpoints, and of the device below them."""

import os

import bed as beds
import craft
from lower import JOINED, LOWER, SIOCDELMULTI, WIRE, Port, group, macs, mode
from registry import rows, scenario

MACVLAN = ("macvlan", "macvtap")
SPEC = "b0:bridge e0:vepa/B p0:private s0:source"
LISTED = ["%012x" % (0x020000007700 + number) for number in range(20)]


def traffic(port):
    """Known frames in all directions, and some that are too long."""
    b0, e0 = port.address("b0"), port.address("e0")
    taps = port.watch(witness="b0")
    for sender, dst, src, length, count in (("X/v1", b0, WIRE, 100, 5), ("X/v1", e0, WIRE, 200, 3),
                                            ("X/v1", craft.BROADCAST, WIRE, 60, 4), ("X/v1", craft.STRANGER, WIRE, 60, 2),
                                            ("A/b0", WIRE, b0, 300, 6), ("A/b0", b0, b0, 90, 2),
                                            ("A/b0", craft.BROADCAST, b0, 70, 3), ("B/e0", b0, e0, 80, 2)):
        taps.send(sender, craft.ether(dst, src, length=length), count=count)


@scenario(*MACVLAN)
def show_ip_details(bed):
    """`ip -d -j link`, down and up."""
    port = Port(bed, SPEC, up=False)
    bed.must("A", "set", f"KIND name:s0 own16:2:2 own32:3:3 {macs(*LISTED[:1])}")
    bed.must("A", "set", "KIND name:b0 own32:7:500 own32:9:3")
    seen = {"down": {name: bed.ip_json(name, "-d link show") for name in "AB"}}
    port.up("b0", "e0", "s0")
    return {**seen, "up": {name: bed.ip_json(name, "-d link show") for name in "AB"}}


@scenario(*MACVLAN)
def show_ip_statistics(bed):
    """`ip -s -s -j link` after known traffic."""
    port = Port(bed, SPEC)
    traffic(port)
    seen = {name: bed.ip_json(name, "-s -s link show") for name in "AB"}
    return {**seen, "stats": bed.ip_json("A", "stats show dev b0 group link")}


@scenario(*MACVLAN)
def show_ip_text(bed):
    """The lines that people see, without the kind's own."""
    Port(bed, SPEC)
    return {name: [line.rstrip() for line in bed.run(name, "ip link show")["out"].splitlines()] for name in "AB"}


@scenario(*MACVLAN)
def show_by_type(bed):
    Port(bed, SPEC)
    return {"shown": sorted(bed.ip_json("A", "link show type {kind}"))}


@scenario(*MACVLAN)
def show_proc_net_dev(bed):
    traffic(Port(bed, SPEC))
    text = bed.run("A", "cat /proc/thread-self/net/dev")["out"]
    return {line.split(":")[0].strip(): " ".join(line.split(":")[1].split())
            for line in text.splitlines() if ":" in line}


def sysfs(bed, up):
    """Every file of the endpoints and of the device below, the counters too."""
    port = Port(bed, SPEC, up=up)
    if up:
        traffic(port)
    bed.flush()
    return {**{device: bed.sysfs_tree("A", device) for device in ("v0", "b0", "p0")}, "e0": bed.sysfs_tree("B", "e0")}


rows(MACVLAN, "show", {"sysfs": True, "sysfs-down": False}, sysfs)


@scenario(*MACVLAN)
def show_upper_and_lower(bed):
    """Links between the directories, also as devices come, go, move and are renamed."""
    Port(bed, "b0:bridge e0:vepa/B", up=False)

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


@scenario(*MACVLAN)
def show_dump_and_get(bed):
    """A dump and each answer to RTM_GETLINK agree."""
    Port(bed, SPEC)
    return {"dump": bed.links(), "get": {device: bed.ip_json(name, f"-d link show {device}")
                                         for name, device in (("A", "b0"), ("B", "e0"))}}


def own_bytes(bed, device):
    """The flavor's own attributes, byte by byte."""
    for body in beds.dump(bed.sockets["A"]):
        values = beds.rtnl.shown(body)
        if values["name"] == device:
            return bed.side.own_bytes(beds.info_data(beds.rtnl.attrs(body[16:]))).hex()
    return "absent"


def dump_bytes(bed, tokens):
    bed.ns("A")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()}")
    bed.must("A", "new", f"KIND name:m0 link:10 {mode('source')}", tokens)
    return {"bytes": own_bytes(bed, "m0"), "link": bed.link("A", "m0")}


rows(MACVLAN, "dump-bytes", {
    "usual": "", "flags": "own16:2:3", "cutoff": "own32:9:7", "cutoff-negative": "own32:9:-1", "queue": "own32:7:70000",
    "one-source": f"own32:3:0 own:4:{LISTED[0]}", "all": f"own16:2:2 own32:9:0 own32:7:1 own32:3:0 own:4:{LISTED[0]}",
    # In the order of each side's own table.
    "order-of-sources": f"own32:3:3 {macs(*LISTED)}",
}, dump_bytes)


@scenario(*MACVLAN)
def dump_many_sources(bed):
    """More and more of them, nearly as many as fit into an attribute. With more than
    that the core warns of the C driver, as of a bug, so that is left alone."""
    bed.ns("A")
    bed.must("A", "new", f"kind:dummy name:d0 index:10 addr:{LOWER.hex()}")
    bed.must("A", "new", f"KIND name:m0 index:20 link:10 {mode('source')}")
    seen = {}
    addresses = ["%012x" % (0x020000100000 + at) for at in range(5200)]
    for number in (100, 2000, 2600, 2900, 5000, 5200):
        bed.must("A", "set", f"KIND name:m0 own32:3:3 {macs(*addresses[:number])}", flush=False)
        link = bed.links_now("A")["A"].get("m0")
        seen[str(number)] = {"get": bed.raw("A", "get", "name:m0"),
                             "dump": link and [link["linkinfo"]["own"]["macaddr_count"], len(link["linkinfo"]["own"]["macaddr_data"])]}
    seen["flush"] = bed.raw("A", "set", "KIND index:20 own32:3:2")
    return {**seen, "after": bed.raw("A", "get", "name:m0"), "links": bed.links("A")}


@scenario(*MACVLAN)
def show_uevents(bed):
    Port(bed, SPEC)
    tree = bed.sysfs_tree("A", "b0")
    return {"uevent": tree["uevent"], "type": tree["type"], "dev_id": tree["dev_id"]}


@scenario(*MACVLAN)
def show_qdisc(bed):
    port = Port(bed, "b0:bridge")
    seen = {"none": bed.run("A", "tc -j qdisc show dev b0"), "add": bed.run("A", "tc qdisc add dev b0 root handle 1: pfifo limit 10")}
    taps = port.watch()
    seen["sent"] = taps.send("A/b0", craft.ether(WIRE, port.address("b0")), count=3)
    seen["with"] = bed.run("A", "tc -s -j qdisc show dev b0")
    seen["events"] = bed.events()
    return {**seen, "del": bed.run("A", "tc qdisc del dev b0 root"), "after": bed.run("A", "tc -j qdisc show dev b0")}


@scenario(*MACVLAN)
def show_filters(bed):
    """A filter at an endpoint sees frames in both directions."""
    port = Port(bed, "b0:bridge b1:bridge/B")
    bed.run("B", "tc qdisc add dev b1 clsact")
    seen = {"in": bed.run("B", "tc filter add dev b1 ingress matchall action drop"),
            "out": bed.run("B", "tc filter add dev b1 egress matchall action pass")}
    taps = port.watch(witness="b0")
    b0, b1 = port.address("b0"), port.address("b1")
    return {**seen, "unicast": taps.send("X/v1", craft.ether(b1, WIRE), count=2), "sibling": taps.send("A/b0", craft.ether(b1, b0)),
            "broadcast": taps.send("X/v1", craft.ether(craft.BROADCAST, WIRE)), "back": taps.send("B/b1", craft.ether(b0, b1))}


@scenario(*MACVLAN)
def show_filters_below(bed):
    """A filter at the lower device sees all of it, also what goes between siblings."""
    port = Port(bed, "b0:bridge b1:bridge/B")
    bed.run("A", "tc qdisc add dev v0 clsact")
    seen = {"in": bed.run("A", "tc filter add dev v0 ingress protocol 0x88b5 matchall action drop")}
    taps = port.watch(witness="b0")
    b0, b1 = port.address("b0"), port.address("b1")
    return {**seen, "unicast": taps.send("X/v1", craft.ether(b1, WIRE), count=2), "sibling": taps.send("A/b0", craft.ether(b1, b0)),
            "broadcast": taps.send("X/v1", craft.ether(craft.BROADCAST, WIRE)),
            "sibling-broadcast": taps.send("A/b0", craft.ether(craft.BROADCAST, b0))}


# --- ethtool ---------------------------------------------------------------------------


def ethtool(bed, option, up=True):
    Port(bed, "b0:bridge", up=up)
    option = option if "DEV" in option else option + " DEV"
    return {device: bed.ethtool("A", option.replace("DEV", device)) for device in ("b0", "v0")}


rows(MACVLAN, "ethtool", {
    "plain": "", "plain-down": ("", False), "driver": "-i", "features": "-k", "features-down": ("-k", False), "channels": "-l",
    "statistics": "-S", "timestamping": "-T", "pause": "-a", "coalesce": "-c", "ring": "-g", "permanent-address": "-P", "rss": "-x",
    "registers": "-d", "eeprom": "-e", "module-eeprom": "-m", "eee": "--show-eee", "fec": "--show-fec",
    "private-flags": "--show-priv-flags", "test": "-t", "identify": "-p", "negotiate": "-r", "groups": "-S DEV --all-groups",
}, ethtool)


def ethtool_set(bed, *commands):
    """Commands about b0; then its settings, and the events."""
    Port(bed, "b0:bridge")
    seen = {command: bed.ethtool("A", command) for command in commands}
    return {**seen, "plain": bed.ethtool("A", "b0"), "events": bed.events()}


rows(MACVLAN, "ethtool-set", {
    "speed": ("-s b0 speed 100 duplex half autoneg off",), "pause": ("-A b0 rx on",), "coalesce": ("-C b0 rx-usecs 5",),
    "ring": ("-G b0 rx 100",), "channels": ("-L b0 combined 1",), "message-level": ("-s b0 msglvl 1",),
    "speed-below": ("-s v0 speed 100 duplex half autoneg off", "b0"),
}, ethtool_set)


def features(bed, device):
    """By name, without those that are off and fixed."""
    return {name: value for name, value in bed.ethtool("A", f"-k {device}", flush=False).items() if value != "off [fixed]"}


def toggle(bed, device, feature, first="off"):
    """A feature off and on again, above or below: both lists, events."""
    Port(bed, "b0:bridge b1:vepa")
    seen = {"before": {name: features(bed, name) for name in ("v0", "b0")}}
    for word in (first, "on" if first == "off" else "off"):
        answer = bed.ethtool("A", f"-K {device} {feature} {word}")
        seen[word] = {"answer": answer, **{name: features(bed, name) for name in ("v0", "b0")}, "events": bed.events()}
    return seen


FEATURES = {
    "tx-checksum": "tx-checksum-ip-generic", "rx-checksum": "rx-checksum", "scatter-gather": "sg", "tso": "tso", "gso": "gso",
    "udp-gso": "tx-udp-segmentation", "gso-list": "tx-gso-list", "tunnels": "tx-udp_tnl-segmentation", "highdma": "highdma",
    "vlan-tx": "txvlan", "vlan-rx": "rxvlan", "fraglist": "tx-scatter-gather-fraglist", "gro": "gro",
    "gro-list": ("rx-gro-list", "on"), "gro-forwarding": ("rx-udp-gro-forwarding", "on"),
    "nocache-copy": ("tx-nocache-copy", "on"), "lro": ("lro", "on"), "hashing": ("rxhash", "on"),
}
for where, name in (("b0", "feature"), ("v0", "feature-below")):
    rows(MACVLAN, name, {key: (where, *(value if isinstance(value, tuple) else (value,))) for key, value in FEATURES.items()}, toggle)


def inherited(bed, settings):
    """What an endpoint has that is made when the lower device lacks something."""
    Port(bed)
    seen = {"set": bed.ethtool("A", f"-K v0 {settings}")}
    bed.must("A", "new", f"KIND name:m0 index:20 link:10 {mode('bridge')} up")
    seen |= {"m0": features(bed, "m0"), "events": bed.events(), "link": bed.link("A", "m0")}
    return {**seen, "back": bed.ethtool("A", f"-K v0 {settings.replace('off', 'on')}"), "after": features(bed, "m0")}


rows(MACVLAN, "inherit", {
    "nothing": "tx off rx off sg off tso off gso off gro off highdma off", "no-checksum": "tx off", "no-gro": "gro off", "no-tso": "tso off",
}, inherited)


def send_with(bed, where, settings):
    """Large and unfinished packets with features off, above and below."""
    port = Port(bed, "b0:bridge b1:bridge/B")
    taps = port.watch()
    seen = {"set": bed.ethtool("A", f"-K {where} {settings}")}
    b0 = port.address("b0")
    big = craft.ipv4(craft.tcp(bytes(4000)), 6)
    for name, dst in (("wire", WIRE), ("sibling", port.address("b1"))):
        seen[f"gso-{name}"] = taps.send("A/b0", craft.ether(dst, b0, 0x0800, big), vnet=craft.vnet(1, 1, 54, 1448, 34, 16))
        seen[f"checksum-{name}"] = taps.send("A/b0", craft.ether(dst, b0, 0x0800, craft.ipv4(craft.udp(bytes(100)))),
                                             vnet=craft.vnet(1, 0, 0, 0, 34, 6))
        seen[f"vlan-{name}"] = taps.send("A/b0", craft.tagged(craft.ether(dst, b0), (0x8100, 5)))
    return seen


rows(MACVLAN, "frame-with", {
    f"{name}-off-{word}": (where, settings) for word, where in (("above", "b0"), ("below", "v0")) for name, settings in
    (("tso", "tso off"), ("gso", "gso off tso off"), ("sg", "sg off"), ("checksum", "tx off"), ("vlan", "txvlan off rxvlan off"))
}, send_with)

# --- address lists of the lower device -----------------------------------------------------


def lists(bed):
    """Addresses and groups of the lower device and of the endpoints, counters."""
    bed.flush()
    # Endpoints come after what they are on.
    bed.sync(*(f"A/{name}" for name in sorted(bed.links_now("A")["A"], key=lambda name: name == "v0")))
    seen = {device: {"promiscuity": link["promiscuity"], "allmulti": link["allmulti"], "flags": link["flags"], "fdb": [], "groups": []}
            for device, link in bed.links_now("A")["A"].items()}
    for line in bed.run("A", "bridge fdb show", flush=False)["out"].splitlines():
        address, _, device, rest = line.split(" ", 3)
        if device in seen:
            seen[device]["fdb"].append(f"{address} {rest.strip()}")
    device = ""
    for line in bed.run("A", "ip maddr show", flush=False)["out"].splitlines():
        if line[0].isdigit():
            device = line.split()[1]
        elif device in seen:
            seen[device]["groups"].append(" ".join(line.split()))
    return {name: {**values, "fdb": sorted(values["fdb"]), "groups": sorted(values["groups"])} for name, values in seen.items()}


def listed(bed, spec, *steps):
    """The lists after each step: a request, or "join DEVICE" or "leave DEVICE"."""
    port = Port(bed, spec, up=False)
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


TWO = "m0:bridge m1:vepa"
rows(MACVLAN, "lists", {
    **{f"mode-{word}": (f"m0:{word}", "join m0", "leave m0") for word in ("private", "vepa", "bridge", "source", "passthru")},
    "two-join": (TWO, "join m0", "join m1", "leave m0", "leave m1"),
    "lower-joins-too": (TWO, "join v0", "join m0", "leave v0", "leave m0"),
    "join-while-down": (TWO, "set name:m0 clear:1", "join m0", "set name:m0 up"),
    "down-with-groups": (TWO, "join m0", "join m1", "set name:m0 clear:1", "set name:m0 up", "del name:m0"),
    "address-change": (TWO, "set name:m0 addr:0200000000aa", "set name:m0 clear:1"),
    "allmulti": (TWO, "set name:m0 flags:0x200", "set name:m1 flags:0x200", "set name:m0 clear:0x200", "set name:m1 clear:1",
                 "set name:m1 clear:0x200", "set name:m1 up"),
    "promiscuous": (TWO, "set name:m0 flags:0x100", "set name:m1 flags:0x100", "set name:m0 clear:0x100", "del name:m1"),
    "passthru-allmulti": ("m0:passthru", "set name:m0 flags:0x200", "set name:m0 clear:0x200"),
    "passthru-allmulti-and-down": ("m0:passthru", "set name:m0 flags:0x200", "set name:m0 clear:1", "set name:m0 clear:0x200", "del name:m0"),
    "passthru-allmulti-while-down": ("m0:passthru", "set name:m0 clear:1", "set name:m0 flags:0x200", "set name:m0 up",
                                     "set name:m0 clear:0x200"),
    "passthru-promiscuous": ("m0:passthru", "set name:m0 flags:0x100", "set name:m0 clear:0x100", "set name:m0 clear:1"),
    "passthru-nopromisc": ("m0:passthru", "set KIND name:m0 own16:2:1", "set name:m0 clear:1", "set KIND name:m0 own16:2:0", "set name:m0 up"),
    "passthru-down-nopromisc": ("m0:passthru", "set name:m0 clear:1", "set KIND name:m0 own16:2:1", "set name:m0 up", "del name:m0"),
    "mode-change": (TWO, "join m0", f"set KIND name:m0 {mode('source')}", f"set KIND name:m0 {mode('private')}"),
    "flags-change": (TWO, "set KIND name:m0 own16:2:1", "set KIND name:m0 own16:2:0"),
    "lower-down-up": (TWO, "join m0", "set name:v0 clear:1", "set name:v0 up"),
    "vlan-joins-too": (TWO, f"new kind:vlan name:w5 index:50 link:10 addr:{LOWER.hex()} data16:1:5", "set name:w5 up", "join w5", "join m0"),
    # A switch's commands for a device's own lists.
    "fdb-unicast": (TWO, "bridge fdb add 02:00:00:00:00:77 dev m0 self", "bridge fdb del 02:00:00:00:00:77 dev m0 self"),
    "fdb-multicast": (TWO, "bridge fdb add 03:00:00:00:00:77 dev m0 self", "bridge fdb add 03:00:00:00:00:77 dev m0 self",
                      "bridge fdb del 03:00:00:00:00:77 dev m0 self", "bridge fdb del 03:00:00:00:00:77 dev m0 self"),
    "fdb-replace": (TWO, "bridge fdb replace 03:00:00:00:00:77 dev m0 self", "bridge fdb replace 02:00:00:00:00:77 dev m0 self"),
    "fdb-append": (TWO, "bridge fdb append 03:00:00:00:00:77 dev m0 self"),
    "fdb-vlan": (TWO, "bridge fdb add 03:00:00:00:00:77 dev m0 self vlan 5"),
    "fdb-zero": (TWO, "bridge fdb add 00:00:00:00:00:00 dev m0 self"),
    "fdb-joined": (TWO, "join m0", "bridge fdb add 01:00:5e:00:01:11 dev m0 self", "bridge fdb del 01:00:5e:00:01:11 dev m0 self", "leave m0"),
    "fdb-master": (TWO, "bridge fdb add 03:00:00:00:00:77 dev m0 master"),
    "fdb-dynamic": (TWO, "bridge fdb add 03:00:00:00:00:77 dev m0 self dynamic", "bridge fdb add 03:00:00:00:00:78 dev m0 self static"),
    "fdb-flush": (TWO, "bridge fdb add 03:00:00:00:00:77 dev m0 self", "bridge fdb flush dev m0 self"),
    "fdb-of-passthru": ("m0:passthru", "bridge fdb add 02:00:00:00:00:77 dev m0 self", "bridge fdb add 02:00:00:00:00:77 dev m0 self",
                        "bridge fdb replace 02:00:00:00:00:77 dev m0 self", "bridge fdb add 00:00:00:00:00:00 dev m0 self",
                        "set name:m0 clear:1", "set name:m0 up", "bridge fdb del 02:00:00:00:00:77 dev m0 self",
                        "bridge fdb del 02:00:00:00:00:78 dev m0 self"),
    "fdb-of-source": ("m0:source", "bridge fdb add 03:00:00:00:00:77 dev m0 self", "bridge fdb add 02:00:00:00:00:77 dev m0 self"),
}, listed)


@scenario(*MACVLAN)
def fdb_notifications(bed):
    """What `bridge monitor fdb` tells."""
    import socket
    import struct
    import rtnl
    from inside import inside
    Port(bed, "m0:passthru")
    with inside("A"):
        monitor = rtnl.Netlink(1 << 2)  # RTMGRP_NEIGH
    monitor.sock.setblocking(False)
    seen = {}
    for command in ("add 03:00:00:00:00:77", "del 03:00:00:00:00:77", "add 02:00:00:00:00:77", "add 02:00:00:00:00:77",
                    "del 02:00:00:00:00:77"):
        word, address = command.split()
        answer = bed.run("A", f"bridge fdb {word} {address} dev m0 self")
        told = []
        try:
            while True:
                for kind, _, _, body in monitor.messages(socket.MSG_DONTWAIT):
                    family, index, state, flags, _ = struct.unpack_from("=BxxxiHBB", body)
                    told.append(f"{kind} family={family} index={index} state={state} flags={flags} "
                                f"{rtnl.attrs(body[12:]).get(2, b'').hex(':')}")
        except BlockingIOError:
            pass
        seen[command] = seen.get(command, []) + [{"status": answer["status"], "err": answer["err"]}, *told]
    monitor.sock.close()
    return seen


@scenario(*MACVLAN)
def hardware_timestamps(bed):
    """SIOC[GS]HWTSTAMP go to the lower device: veth has none."""
    import errno
    import fcntl
    import socket
    import struct
    from inside import inside
    Port(bed, "m0:bridge")
    seen = {}
    import ctypes
    for name, request in (("get", 0x89B1), ("set", 0x89B0)):
        config = ctypes.create_string_buffer(12)
        with inside("A"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            try:
                fcntl.ioctl(control, request, struct.pack("16sQ16x", b"m0", ctypes.addressof(config)))
                seen[name] = config.raw.hex()
            except OSError as error:
                seen[name] = errno.errorcode[error.errno]
    return seen
