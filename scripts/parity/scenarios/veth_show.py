# SPDX-License-Identifier: GPL-2.0
"""What the usual tools show of a pair."""

import craft
from registry import rows, scenario

VETH = ("veth",)


def traffic(bed, b="A"):
    """Known frames in both directions, and one that is too long."""
    taps = bed.watch("A/v0", f"{b}/v1")
    taps.send("A/v0", craft.ether(craft.V1, length=100), count=5)
    taps.send(f"{b}/v1", craft.ether(craft.V0, craft.V1, length=200), count=2)
    bed.must(b, "set", "name:v1 mtu:100")
    taps.send("A/v0", craft.ether(craft.V1, length=500))
    bed.must(b, "set", "name:v1 mtu:1500")


@scenario("veth")
def show_ip_details(bed):
    """`ip -d -j link`, down, up, and with the peer elsewhere."""
    bed.ns("A", "B")
    bed.pair("A", "A", up=False)
    seen = {"down": bed.ip_json("A", "-d link show")}
    bed.must("A", "set", "name:v0 up")
    bed.settle()
    seen["half"] = bed.ip_json("A", "-d link show")
    bed.must("A", "set", "name:v1 up")
    bed.settle()
    seen["up"] = bed.ip_json("A", "-d link show")
    bed.must("A", "set", "name:v1 nsfd:/run/netns/B")
    bed.settle()
    return {**seen, "A": bed.ip_json("A", "-d link show"), "B": bed.ip_json("B", "-d link show")}


@scenario("veth")
def show_ip_statistics(bed):
    """`ip -s -s -j link` after known traffic."""
    bed.pair("A", "B")
    traffic(bed, "B")
    seen = {name: bed.ip_json(name, "-s -s link show") for name in "AB"}
    return {**seen, "stats": bed.ip_json("B", "stats show dev v1 group link")}


@scenario("veth")
def show_ip_text(bed):
    """The lines that people see, without the kind's own."""
    bed.pair("A", "B")
    return {name: [line.rstrip() for line in bed.run(name, "ip link show")["out"].splitlines()] for name in "AB"}


@scenario("veth")
def show_by_type(bed):
    bed.pair("A", "A")
    bed.must("A", "new", "kind:dummy name:d0")
    return {"shown": sorted(bed.ip_json("A", "link show type {kind}"))}


@scenario("veth")
def show_proc_net_dev(bed):
    bed.pair("A", "A")
    traffic(bed)
    text = bed.run("A", "cat /proc/thread-self/net/dev")["out"]
    return {line.split(":")[0].strip(): " ".join(line.split(":")[1].split())
            for line in text.splitlines() if ":" in line}


@scenario("veth")
def show_sysfs(bed):
    """Every file, and the counters after known traffic."""
    bed.pair("A", "B")
    traffic(bed, "B")
    bed.flush()
    return {"v0": bed.sysfs_tree("A", "v0"), "v1": bed.sysfs_tree("B", "v1")}


@scenario("veth")
def show_sysfs_down(bed):
    bed.pair("A", "A", up=False)
    return {"v0": bed.sysfs_tree("A", "v0"), "v1": bed.sysfs_tree("A", "v1")}


@scenario("veth")
def show_dump_strict(bed):
    """A dump and each answer to RTM_GETLINK agree."""
    bed.pair("A", "B")
    return {"dump": bed.links(), "get": {device: bed.ip_json(name, f"-d link show {device}")
                                         for name, device in (("A", "v0"), ("B", "v1"))}}


@scenario("veth")
def show_uevents(bed):
    """DEVTYPE and the like, as udev gets them."""
    bed.pair("A", "A")
    tree = bed.sysfs_tree("A", "v0")
    return {"uevent": tree["uevent"], "type": tree["type"], "dev_id": tree["dev_id"]}


@scenario("veth")
def show_qdisc(bed):
    bed.pair("A", "A")
    seen = {"none": bed.run("A", "tc -j qdisc show dev v0"), "add": bed.run("A", "tc qdisc add dev v0 root handle 1: pfifo limit 10")}
    taps = bed.watch("A/v0", "A/v1")
    seen["sent"] = taps.send("A/v0", craft.ether(craft.V1), count=3)
    seen["with"] = bed.run("A", "tc -s -j qdisc show dev v0")
    seen["events"] = bed.events()
    return {**seen, "del": bed.run("A", "tc qdisc del dev v0 root"), "after": bed.run("A", "tc -j qdisc show dev v0")}


@scenario("veth")
def show_ingress_filter(bed):
    """A clsact filter sees frames in both directions."""
    bed.pair("A", "B")
    bed.run("B", "tc qdisc add dev v1 clsact")
    seen = {"in": bed.run("B", "tc filter add dev v1 ingress matchall action drop"),
            "out": bed.run("B", "tc filter add dev v1 egress matchall action pass")}
    taps = bed.watch("A/v0", "B/v1")
    seen |= {"sent": taps.send("A/v0", craft.ether(craft.V1), count=2),
             "back": taps.send("B/v1", craft.ether(craft.V0, craft.V1))}
    return seen


# --- ethtool ---------------------------------------------------------------------

def ethtool(bed, option, up=True):
    bed.pair("A", "A", up=up)
    option = option if "DEV" in option else option + " DEV"
    return {device: bed.ethtool("A", option.replace("DEV", device)) for device in ("v0", "v1")}


rows(VETH, "ethtool", {
    "plain": "", "plain-down": ("", False), "driver": "-i", "features": "-k", "features-down": ("-k", False),
    "channels": "-l", "statistics": "-S", "timestamping": "-T", "pause": "-a", "coalesce": "-c", "ring": "-g",
    "permanent-address": "-P", "rss": "-x", "classification": "-n", "registers": "-d", "eeprom": "-e",
    "module-eeprom": "-m", "dump": "-w", "eee": "--show-eee", "fec": "--show-fec",
    "private-flags": "--show-priv-flags", "tunables": "--get-tunable DEV rx-copybreak",
    "phy-tunables": "--get-phy-tunable DEV downshift", "test": "-t", "identify": "-p",
    "negotiate": "-r", "tunnels": "--show-tunnels", "module": "--show-module", "groups": "-S DEV --all-groups",
}, ethtool)


def ethtool_set(bed, *commands):
    """Commands about v0, which has four queues; then its settings, and the events."""
    bed.pair("A", "A", outer="txq:4 rxq:4", peer="txq:4 rxq:4")
    seen = {command: bed.ethtool("A", command) for command in commands}
    return {**seen, "plain": bed.ethtool("A", "v0"), "events": bed.events()}


rows(VETH, "ethtool-set", {
    "speed": ("-s v0 speed 100 duplex half autoneg off",),
    "autoneg": ("-s v0 autoneg on",),
    "pause": ("-A v0 rx on",),
    "coalesce": ("-C v0 rx-usecs 5",),
    "ring": ("-G v0 rx 100",),
    "wol": ("-s v0 wol g",),
    "message-level": ("-s v0 msglvl 1",),
    "channels": ("-L v0 rx 1 tx 1", "-l v0"),
    "channels-two": ("-L v0 rx 2 tx 2", "-l v0"),
    "channels-too-many": ("-L v0 rx 200",),
    "channels-combined": ("-L v0 combined 1",),
    "private-flags": ("--set-priv-flags v0 x on",),
}, ethtool_set)
