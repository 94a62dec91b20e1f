# SPDX-License-Identifier: GPL-2.0
"""What is measured: rows by flavor and path. A new flavor is new entries here.

A row is done three times side by side: with the C driver (or, where it says `against`,
with ours in another topology), with rnetvirt, and with a device that only counts and
frees what it is given, the floor, where the row says how to make one. Commands are lines for `ip -batch`; {kind} is what
comes after `type`, {n1} and {n2} are the row's namespaces. With a device below, the
commands say on what. The device that is
sent into is tx0, or the row's `tx`, in {n1}; the one where packets must come out
is rx0, or the row's `rx`, in {n1} or, where the topology says so, in {n2}.
"""

# Per flavor, what comes after `type` for the C driver and for rnetvirt.
KINDS = {
    "veth": {"c": "veth", "ours": "rnetvirt flavor veth"},
    "macvlan": {"c": "macvlan", "ours": "rnetvirt flavor macvlan"},
    "ipvlan": {"c": "ipvlan", "ours": "rnetvirt flavor ipvlan trust on"},
    "macvtap": {"c": "macvtap", "ours": "rnetvirt flavor macvtap"},
    "ipvtap": {"c": "ipvtap", "ours": "rnetvirt flavor ipvtap"},
}

FLOOR = ["link add tx0 type dummy", "link set tx0 up"]

# For sockets and sources that have to be known.
MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


def out(mode):
    """One endpoint, on a device that only counts."""
    return ["link add d0 type dummy", "link set d0 up", f"link add link d0 name tx0 type {{kind}} mode {mode}", "link set tx0 up"]


def endpoints(lower, names, mode="bridge"):
    """Endpoints that are up."""
    lines = [f"link add link {lower} name {name} type {{kind}} mode {mode}" for name in names]
    return lines + [f"link set {name} up" for name in names]


def siblings(number):
    """A sender and others on a device that only counts; rx0 is one of them."""
    names = ["tx0", *(f"m{n}" for n in range(number - 1)), "rx0"]
    return ["link add d0 type dummy", "link set d0 up", *endpoints("d0", names)]


def wire(number, mode="bridge"):
    """tx0 is the far end of the wire; the last of the endpoints is rx0."""
    names = [*(f"m{n}" for n in range(number - 1)), "rx0"]
    return [f"link add tx0 address {MAC1} type veth peer name d0", "link set d0 up", "link set tx0 up",
            *endpoints("d0", names, mode)]


# For packets to an address: the stack does not answer those to a broadcast address, and
# drops them for want of a listener after all else was done.
ADDRESS4, ADDRESS6 = "198.18.0.2", "2001:db8::2"
ADDRESS_RX = [
    f"address add {ADDRESS4}/32 dev rx0",
    f"route replace broadcast {ADDRESS4} dev rx0 table local",
    f"address add {ADDRESS6}/128 dev rx0 nodad",
]


def ip_out(mode):
    """One endpoint, and in its lower device's namespace all that modes l3 and l3s want."""
    routes = [
        "route add 198.18.0.0/24 dev d0",
        "route add 2001:db8::/64 dev d0",
        f"neighbour add {ADDRESS4} lladdr {MAC2} dev d0",
        f"neighbour add {ADDRESS6} lladdr {MAC2} dev d0",
    ]
    return [*out(mode), *routes]


def ip_siblings(mode):
    """A sender and a receiver on a device that only counts."""
    return ["link add d0 type dummy", "link set d0 up", *endpoints("d0", ["tx0", "rx0"], mode), *ADDRESS_RX]



# name: commands in {n1}, and the namespace of the receiving end, if there is one.
# What is on a device d0 goes with that.
TOPOLOGIES = {
    "pair": (
        [
            "link add tx0 type {kind} peer name rx0",
            "link set rx0 up",
            "link set tx0 up",
        ],
        "n1",
    ),
    "pair-netns": (
        [
            "link add tx0 type {kind} peer name rx0 netns {n2}",
            "link set tx0 up",
        ],
        "n2",
    ),
    "pair-queues": (
        [
            "link add tx0 numtxqueues 8 numrxqueues 8 type {kind} peer name rx0 numtxqueues 8 numrxqueues 8",
            "link set rx0 up",
            "link set tx0 up",
        ],
        "n1",
    ),
    **{f"out-{mode}": (out(mode), None) for mode in ("bridge", "vepa", "private", "passthru", "source")},
    **{f"siblings-{number}": (siblings(number), "n1") for number in (1, 16, 256)},
    "siblings-vlan": ([*siblings(1), "link add link d0 name d0.7 type vlan id 7", "link set d0.7 up"], "n1"),
    "sibling-netns": (
        [
            "link add d0 type dummy",
            "link set d0 up",
            "link add link d0 name tx0 type {kind} mode bridge",
            "link set tx0 up",
            "link add link d0 name rx0 netns {n2} type {kind} mode bridge",
        ],
        "n2",
    ),
    **{f"wire-{number}": (wire(number), "n1") for number in (1, 512)},
    "wire-passthru": (wire(1, "passthru"), "n1"),
    "wire-source": (wire(1, f"source macaddr add {MAC1}"), "n1"),
    "wire-mixed": (
        [
            *wire(1),
            "link add link d0 name i0 type rnetvirt flavor ipvlan mode l2",
            "link set i0 up",
            f"address add {ADDRESS4}/32 dev i0",
        ],
        "n1",
    ),
    "loud-1000": (siblings(1000), "n1"),
    "quiet-1000": ([*siblings(1000), f"link set rx0 type rnetvirt guard-addr add {ADDRESS4} suppress on"], "n1"),
    "copies-16": ([*siblings(16), "link set tx0 type rnetvirt copies 4000000000"], "n1"),
    "copies-spent": ([*siblings(256), "link set tx0 type rnetvirt copies 1"], None),
    "out-limited": (out("bridge limit tx-rate 400gbit tx-pps 200000000"), None),
    "wire-limited": (wire(1, "bridge limit rx-rate 400gbit rx-pps 200000000"), "n1"),
    **{f"ip-out-{mode}": (ip_out(mode), None) for mode in ("l2", "l3", "l3s")},
    **{f"ip-siblings-{mode}": (ip_siblings(mode), "n1") for mode in ("l2", "l3", "l3s")},
    **{f"ip-wire-{mode}": ([*wire(1, mode), *ADDRESS_RX], "n1") for mode in ("l2", "l3", "l3s")},
}
UP = ["link set rx0 up"]

VLAN_TX = ["link add link tx0 name tx0.5 type vlan id 5", "link set tx0.5 up"]
VLAN_RX = UP + ["link add link rx0 name rx0.5 type vlan id 5", "link set rx0.5 up"]

# For senders with sockets: addresses, and neighbours that need no resolution.
ADDRESSES_TX = [
    f"link set tx0 address {MAC1}",
    "address add 198.18.0.1/24 dev tx0",
    "address add 2001:db8::1/64 dev tx0 nodad",
    f"neighbour add 198.18.0.2 lladdr {MAC2} dev tx0",
    f"neighbour add 2001:db8::2 lladdr {MAC2} dev tx0",
]
ADDRESSES_RX = [
    f"link set rx0 address {MAC2}",
    "link set rx0 up",
    "address add 198.18.0.2/24 dev rx0",
    "address add 2001:db8::2/64 dev rx0 nodad",
    f"neighbour add 198.18.0.1 lladdr {MAC1} dev rx0",
    f"neighbour add 2001:db8::1 lladdr {MAC1} dev rx0",
]


def pktgen(name, title, topology, size=60, family=4, mac="rx", count=20000, options=(), addressed=False, **more):
    """Packets from the kernel's generator, dropped for want of a listener."""
    options = [f"pkt_size {size}", *options]
    if addressed:
        # IPv6 drops what has no checksum, unanswered.
        options += (
            [f"dst6 {ADDRESS6}", "src6 2001:db8::1"]
            if family == 6
            else [f"dst_min {ADDRESS4}", "src_min 198.18.0.1"]
        )
    # Otherwise IPv4 goes without addresses: the stack takes that for a broadcast, which
    # no one answers and no route is looked up for. IPv6 has multicast for it.
    elif family == 6:
        options += ["dst6 ff02::1", "src6 fe80::1", "flag UDPCSUM"]
    return {
        "name": name,
        "title": title,
        "topology": topology,
        "method": "pktgen",
        "options": options,
        "mac": mac,
        "count": count,
        **more,
    }


def packet(name, title, topology, frame, count=5000, **more):
    """Frames from an AF_PACKET socket, which may be larger than any MTU (GSO)."""
    return {
        "name": name,
        "title": title,
        "topology": topology,
        "method": "packet",
        "frame": frame,
        "count": count,
        **more,
    }


def sockets(name, title, mode, size, count, floor=True, **more):
    """Two ordinary sockets, one in either namespace; every byte is received."""
    return {
        "name": name,
        "title": title,
        "topology": "pair-netns",
        "tx_setup": ADDRESSES_TX,
        "rx_setup": ADDRESSES_RX,
        "method": "sockets",
        "mode": mode,
        "size": size,
        "count": count,
        "floor": floor,
        **more,
    }


VETH = [
    pktgen("v4-60", "IPv4, 60 bytes, same namespace", "pair"),
    pktgen("v4-60-netns", "IPv4, 60 bytes, other namespace", "pair-netns", rx_setup=UP),
    pktgen("v4-1514", "IPv4, 1514 bytes, same namespace", "pair", size=1514),
    pktgen(
        "v4-1514-netns", "IPv4, 1514 bytes, other namespace", "pair-netns", size=1514, rx_setup=UP
    ),
    pktgen("v6-60", "IPv6, 62 bytes, same namespace", "pair", size=62, family=6),
    pktgen(
        "v6-60-netns", "IPv6, 62 bytes, other namespace", "pair-netns", size=62, family=6, rx_setup=UP
    ),
    pktgen("v6-1514", "IPv6, 1514 bytes, same namespace", "pair", size=1514, family=6),
    pktgen(
        "v6-1514-netns",
        "IPv6, 1514 bytes, other namespace",
        "pair-netns",
        size=1514,
        family=6,
        rx_setup=UP,
    ),
    pktgen("foreign", "foreign destination MAC, 60 bytes, same namespace", "pair", mac="foreign"),
    pktgen(
        "foreign-netns",
        "foreign destination MAC, 60 bytes, other namespace",
        "pair-netns",
        mac="foreign",
        rx_setup=UP,
    ),
    pktgen(
        "vlan",
        "VLAN tag beside the packet, between VLAN devices on the pair",
        "pair-netns",
        tx="tx0.5",
        rx="rx0.5",
        tx_setup=VLAN_TX,
        rx_setup=VLAN_RX,
    ),
    pktgen(
        "vlan-inline",
        "VLAN tag in the frame, 64 bytes, other namespace",
        "pair-netns",
        size=64,
        options=["vlan_id 5"],
        rx_setup=VLAN_RX,
        also_rx="rx0.5",
    ),
    packet(
        "gso-tcp4",
        "64 KB TCP/IPv4 GSO packet from AF_PACKET, other namespace",
        "pair-netns",
        {"proto": "tcp4", "size": 65000, "gso": 1448},
        rx_setup=UP,
    ),
    packet(
        "gso-tcp6",
        "64 KB TCP/IPv6 GSO packet from AF_PACKET, other namespace",
        "pair-netns",
        {"proto": "tcp6", "size": 65000, "gso": 1428},
        rx_setup=UP,
    ),
    sockets("udp4", "UDP/IPv4, 18 bytes, socket to socket", "udp4", 18, 10000),
    sockets("udp4-1472", "UDP/IPv4, 1472 bytes, socket to socket", "udp4", 1472, 10000),
    sockets("udp6", "UDP/IPv6, 18 bytes, socket to socket", "udp6", 18, 10000),
    sockets(
        "udp4-gso", "UDP/IPv4, 44 segments in one packet, socket to socket", "udp4-gso", 44 * 1472, 3000
    ),
    sockets("tcp4-64k", "TCP/IPv4, 64 KB written and read", "tcp4", 65536, 3000, floor=False),
    sockets("tcp4-128", "TCP/IPv4, 128 bytes written and read", "tcp4", 128, 10000, floor=False),
    sockets("tcp4-rr", "TCP/IPv4, one byte there and back", "tcp4-rr", 1, 10000, floor=False),
]

UDP60, UDP1514 = {"proto": "udp4", "size": 60}, {"proto": "udp4", "size": 1514}
# Features of either end with which packets are polled; UDP's segments come apart then, too.
POLLED = {"tx0": "tso off", "rx0": "gro on"}
POLLED_UDP = {"tx0": "tso off tx-udp-segmentation off", "rx0": "gro on rx-udp-gro-forwarding on"}
# A second pair, for what rx0 redirects, and a program that ends it there.
SECOND = ["link add tx1 type {kind} peer name rx1", "link set rx1 up", "link set tx1 up"]


def xdp(name, title, programs, make=pktgen, redirects=False, **more):
    """Packets through programs: per device, the last step of one (see tests/xdp.py)."""
    if redirects:
        more |= {"second": "tx1", "tx_setup": SECOND, "also_rx": "rx1", "floor": False}
        programs = {"rx0": "redirect:{tx1}", "rx1": "drop", **programs}
    return make(f"xdp-{name}", title, more.pop("topology", "pair"), programs=programs, **more)


# Methods that send so many at once, whatever they are asked for.
BATCH = {"live": 64}


def live(name, title, topology, count=20000, **more):
    """Frames that a program on no device redirects to tx0, in batches of 64 (BPF_PROG_RUN)."""
    return {
        "name": name, "title": title, "topology": topology, "method": "live", "count": count,
        "frame": UDP60, "agree": 0.02, **{"floor": False, **more},
    }


VETH_POLLED = [
    pktgen("gro-60", "IPv4, 60 bytes, one at a time, polled with GRO", "pair", features=POLLED, agree=0.005),
    sockets("gro-tcp4-64k", "TCP/IPv4, 64 KB written and read, cut by the sender, merged by GRO", "tcp4", 65536, 2000,
            floor=False, features=POLLED),
    sockets("gro-udp4-gso", "UDP/IPv4, 44 segments sent at once, cut by the sender, merged by GRO", "udp4-gso",
            44 * 1472, 1000, floor=False, features=POLLED_UDP, pieces=44),
    packet("xdp-drop", "XDP_DROP, 60 bytes", "pair", UDP60, programs={"rx0": "drop"}),
    packet("xdp-drop-1514", "XDP_DROP, 1514 bytes", "pair", UDP1514, programs={"rx0": "drop"}),
    packet("xdp-pass", "XDP_PASS, 60 bytes", "pair", UDP60, programs={"rx0": "pass"}, agree=0.02),
    # pktgen keeps a reference, so that these have to be copied.
    xdp("drop-shared", "XDP_DROP, 60 bytes, somebody else has the packet", {"rx0": "drop"}),
    xdp("drop-shared-1514", "XDP_DROP, 1514 bytes, somebody else has the packet", {"rx0": "drop"}, size=1514),
    xdp("pass-shared", "XDP_PASS, 60 bytes, somebody else has the packet", {"rx0": "pass"}),
    sockets("xdp-pass-udp4", "UDP/IPv4, 18 bytes, socket to socket through XDP_PASS", "udp4", 18, 10000,
            programs={"rx0": "pass"}),
    sockets("xdp-pass-tcp4", "TCP/IPv4, 128 bytes written and read through XDP_PASS", "tcp4", 128, 10000, floor=False,
            programs={"rx0": "pass"}),
    sockets("xdp-gso-tcp4-64k", "TCP/IPv4, 64 KB written and read through XDP_PASS; C cuts, ours is asked not to", "tcp4",
            65536, 2000, floor=False, programs={"rx0": "frags pass"}, switches={"rx0": "xdp-gso on"}),
    xdp("tx", "XDP_TX, 60 bytes, XDP_DROP at the other end", {"rx0": "tx", "tx0": "drop"}),
    xdp("redirect", "XDP_REDIRECT of packets, 60 bytes, to another pair, XDP_DROP there", {}, redirects=True),
    xdp("xsk", "XDP_REDIRECT to an AF_XDP socket, copied, 60 bytes", {"rx0": "xsk"}, count=2000, socket="rx0"),
    xdp("frames-stack", "frames redirected to a pair, GRO, the stack", {}, make=live, features=POLLED),
    xdp("frames-drop", "frames redirected to a pair, XDP_DROP", {"rx0": "drop"}, make=live),
    xdp("frames-pass", "frames redirected to a pair, XDP_PASS", {"rx0": "pass"}, make=live),
    xdp("frames-tx", "frames redirected to a pair, XDP_TX, XDP_DROP at the other end", {"rx0": "tx", "tx0": "drop"}, make=live),
    xdp("frames-redirect", "frames redirected to a pair and to another, XDP_DROP there", {}, make=live, redirects=True),
    {"name": "ethtool-stats", "title": "ethtool -S of a device with 8 queues, one read", "topology": "pair-queues",
     "method": "stats", "count": 2000, "floor": False, "agree": 0.05},
]

GSO4 = {"proto": "tcp4", "size": 65000, "gso": 1448}
MACVLAN = [
    pktgen("out", "IPv4, 60 bytes, out of a device that only counts", "out-bridge", count=60000, also_tx="d0"),
    pktgen("out-1514", "IPv4, 1514 bytes, out of a device that only counts", "out-bridge", size=1514, count=60000, also_tx="d0"),
    pktgen("out-v6", "IPv6, 62 bytes, out of a device that only counts", "out-bridge", size=62, family=6, count=60000, also_tx="d0"),
    pktgen("out-broadcast", "IPv4 broadcast, without siblings", "out-bridge", mac="broadcast", count=60000, also_tx="d0"),
    pktgen("out-vepa", "IPv4, 60 bytes, mode vepa, out of a device that only counts", "out-vepa", count=60000, also_tx="d0"),
    pktgen("out-private", "IPv4, 60 bytes, mode private", "out-private", count=60000, also_tx="d0"),
    pktgen("out-passthru", "IPv4, 60 bytes, mode passthru", "out-passthru", count=60000, also_tx="d0"),
    pktgen("out-source", "IPv4, 60 bytes, mode source", "out-source", count=60000, also_tx="d0"),
    packet("out-gso-tcp4", "64 KB TCP/IPv4 GSO packet, out of a device that only counts", "out-bridge", GSO4, also_tx="d0"),
    pktgen("sibling", "IPv4, 60 bytes, to a sibling", "siblings-1"),
    pktgen("sibling-1514", "IPv4, 1514 bytes, to a sibling", "siblings-1", size=1514, count=60000),
    pktgen("sibling-v6", "IPv6, 62 bytes, to a sibling", "siblings-1", size=62, family=6),
    pktgen("sibling-netns", "IPv4, 60 bytes, to a sibling in another namespace", "sibling-netns", rx_setup=UP),
    pktgen("sibling-vlan", "IPv4, 60 bytes, to a sibling, a VLAN device on the lower one", "siblings-vlan"),
    pktgen("sibling-of-256", "IPv4, 60 bytes, to one of 256 siblings", "siblings-256"),
    packet("sibling-gso-tcp4", "64 KB TCP/IPv4 GSO packet, to a sibling", "siblings-1", GSO4),
    # Siblings get a broadcast at once; of ours, if there are many, from a worker, whose queue for
    # these has room for 500. In real time such a row says what sending takes.
    pktgen("broadcast-1", "IPv4 broadcast, one sibling", "siblings-1", mac="broadcast", also_tx="d0"),
    pktgen("broadcast-16", "IPv4 broadcast, 16 siblings", "siblings-16", mac="broadcast", count=5000, also_tx="d0"),
    pktgen("broadcast-256", "IPv4 broadcast, 256 siblings", "siblings-256", mac="broadcast", count=400, also_tx="d0", later=True, floor=False),
    pktgen("wire", "IPv4, 60 bytes, from a wire (C veth) to the only endpoint", "wire-1", also_rx="d0"),
    pktgen("wire-1514", "IPv4, 1514 bytes, from a wire to the only endpoint", "wire-1", size=1514, also_rx="d0"),
    pktgen("wire-v6", "IPv6, 62 bytes, from a wire to the only endpoint", "wire-1", size=62, family=6, also_rx="d0"),
    pktgen("wire-512", "IPv4, 60 bytes, from a wire to one of 512 endpoints", "wire-512", also_rx="d0"),
    pktgen("wire-vlan", "VLAN tag in the frame, 64 bytes, to a VLAN device on the only endpoint", "wire-1", size=64,
           options=["vlan_id 5"], rx_setup=VLAN_RX, also_rx="rx0.5"),
    pktgen("wire-passthru", "IPv4, 60 bytes, from a wire, mode passthru", "wire-passthru", also_rx="d0"),
    pktgen("wire-source", "IPv4, 60 bytes, from a wire, a copy for a listed source address", "wire-source", also_rx="d0"),
    packet("wire-gso-tcp4", "64 KB TCP/IPv4 GSO packet from a wire", "wire-1", GSO4, also_rx="d0"),
    # There is nothing to compare it with in C.
    pktgen("wire-mixed", "as wire, with an ipvlan endpoint on the lower device; C: ours without", "wire-mixed",
           against="wire-1", also_rx="d0"),
    # The answer comes back to who asks; without, copies go to all the others: few requests, or these wait longer than
    # is waited for them, but what sending them takes beside is a part of each.
    packet("arp-of-1000", "ARP request for one of 1000 endpoints, with suppress on; C: ours without", "quiet-1000",
           {"proto": "arp", "to": ADDRESS4}, count=3000, against="loud-1000", against_count=60, mac="broadcast", rx="tx0", against_rx="rx0",
           later=True, floor=False),
    pktgen("copies-16", "IPv4 broadcast, 16 siblings, within a bound to copies; C: ours without", "copies-16", mac="broadcast", count=5000,
           against="siblings-16", also_tx="d0"),
    pktgen("copies-spent", "IPv4 broadcast, 256 siblings, beyond a bound to copies; C: ours to nobody", "copies-spent", mac="broadcast",
           against="out-bridge", also_tx="d0", lost=("also_tx",)),
    pktgen("out-limited", "as out, within limits of bytes and packets; C: ours without", "out-limited", count=60000,
           against="out-bridge", also_tx="d0"),
    pktgen("wire-limited", "as wire, within limits of bytes and packets; C: ours without", "wire-limited",
           against="wire-1", also_rx="d0"),
]


def ip_rows(mode):
    """Each way in one mode, of IPv4 and IPv6."""
    ways = (
        ("out", "ip-out", "out of a device that only counts", {"count": 60000, "also_tx": "d0"}),
        ("sibling", "ip-siblings", "to a sibling", {}),
        ("wire", "ip-wire", "from a wire (C veth) to the only endpoint", {"also_rx": "d0"}),
    )
    for way, topology, title, more in ways:
        for suffix, family, size in (("", 4, 60), ("-v6", 6, 62), ("-1514", 4, 1514)):
            yield pktgen(f"{way}-{mode}{suffix}", f"IPv{family}, {size} bytes, mode {mode}, {title}", f"{topology}-{mode}",
                         size=size, family=family, addressed=True, **more)


IPVLAN = [row for mode in ("l2", "l3", "l3s") for row in ip_rows(mode)]

# As in traffic.c: there is a header in front of each frame; the reader would wait.
TAP_HDR, TAP_WAIT = 1, 2


def tap(name, title, topology, what, frame, count=4000, burst=32, flags=TAP_HDR, queues=1, pieces=1, **more):
    """Frames to or from a tap: `burst` in turn are sent and read, of which one is timed. Few enough for
    their memory to be what the burst before has left."""
    return {
        "name": name,
        "title": title,
        "topology": topology,
        "method": "tap",
        "what": what,
        "frame": frame,
        "count": count,
        "burst": burst,
        "flags": flags,
        "queues": queues,
        "pieces": pieces,
        "to": "0.0.0.0",
        "same_mac": False,
        **more,
    }


# How many segments that is, and frames for whoever has no header that could say so.
PIECES = -(-(GSO4["size"] - 54) // GSO4["gso"])


def tap_rows(wire, out, siblings, sibling):
    """All ways, where `wire`, `out` and `siblings` are the topologies; a frame to a sibling is one
    with `sibling`."""
    # Their bytes are instructions, too.
    big, few = {"count": 2000}, {"count": 160, "burst": 4}
    fewer = {"count": 80, "burst": 1, "pieces": PIECES, "flags": 0}
    frames = (
        ("60", "60 bytes", UDP60, {}),
        ("1514", "1514 bytes", UDP1514, big),
        ("gso", "64 KB TCP GSO", GSO4, few),
        ("60-4q", "60 bytes, 4 queues", UDP60, {"queues": 4}),
        ("1514-4q", "1514 bytes, 4 queues", UDP1514, {"queues": 4, **big}),
        ("60-plain", "60 bytes, no header", UDP60, {"flags": 0}),
        ("1514-plain", "1514 bytes, no header", UDP1514, {"flags": 0, **big}),
        ("gso-plain", f"64 KB TCP GSO, no header: {PIECES} frames", GSO4, fewer),
    )
    arriving = {"also_rx": "d0", "to": ADDRESS4}
    for suffix, title, frame, more in frames:
        yield tap(f"fill-{suffix}", f"{title}, from a wire (C veth) into the ring", wire, "fill", frame, **arriving, **more)
    yield tap("full-60", "60 bytes, from a wire to a ring that is full", wire, "full", UDP60,
              rx_setup=["link set rx0 txqueuelen 32"], **arriving)
    for suffix, title, frame, more in frames:
        yield tap(f"read-{suffix}", f"{title}, from the ring to user space", wire, "read", frame,
                  floor=suffix != "gso-plain", **arriving, **more)
    yield tap("read-60-wait", "60 bytes, from the ring to user space, file not O_NONBLOCK", wire, "read", UDP60,
              flags=TAP_HDR | TAP_WAIT, **arriving)
    # Nobody could say that such a frame is to be cut.
    for suffix, title, frame, more in frames[:-1]:
        yield tap(f"write-{suffix}", f"{title}, written, out of a device that only counts", out, "write", frame,
                  also_tx="d0", to="198.18.0.9", **more)
    for suffix, title, frame, more in frames[:5]:
        yield tap(f"sibling-{suffix}", f"{title}, written, into the ring of a sibling", siblings, "write", frame,
                  floor=False, **sibling, **more)


MACVTAP = list(tap_rows("wire-1", "out-bridge", "siblings-1", {}))
IPVTAP = list(tap_rows("ip-wire-l2", "ip-out-l2", "ip-siblings-l2", {"to": ADDRESS4, "same_mac": True}))

ROWS = {
    f"{flavor}/{row['name']}": {"flavor": flavor, **row}
    for flavor, table in (
        ("veth", VETH + VETH_POLLED), ("macvlan", MACVLAN), ("ipvlan", IPVLAN), ("macvtap", MACVTAP), ("ipvtap", IPVTAP),
    )
    for row in table
}

# Measured against a number of links rather than per path: in instructions, and
# where caches matter in real time.
SCALING = {
    f"{flavor}/{name}": {"flavor": flavor, "what": what, "title": title}
    for flavor, table in (
        (
            "veth",
            (
                # First, when nothing has been freed that would be used again.
                ("scale-memory", "memory", "Memory per link, bytes"),
                ("scale-memory-64", "memory-64", "Memory per link with 64 queues, as on 64 processors, bytes"),
                ("scale-memory-64-up", "memory-64-up", "The same, up, bytes"),
                ("scale-memory-64-polled", "memory-64-polled", "The same, up, with GRO on, bytes"),
                ("scale-pairs", "pairs", "Instructions per packet against the number of pairs"),
                ("scale-links", "links", "Instructions for creating and deleting N pairs, per pair"),
            ),
        ),
        (
            "macvlan",
            (
                ("scale-memory", "memory", "Memory per link, bytes"),
                ("scale-receive", "receive", "Instructions per packet from a wire against the number of endpoints"),
                ("scale-broadcast", "broadcast", "Instructions per broadcast from a wire, with all that is done later"),
                ("scale-links", "links", "Instructions for creating and deleting N endpoints, per endpoint"),
            ),
        ),
        (
            "ipvlan",
            (
                ("scale-memory", "memory", "Memory per link, bytes"),
                ("scale-receive", "addresses", "Instructions per packet from a wire against the number of addresses"),
                ("scale-broadcast", "broadcast", "Instructions per broadcast from a wire, with all that is done later"),
                ("scale-links", "links", "Instructions for creating and deleting N endpoints, per endpoint"),
            ),
        ),
    )
    for name, what, title in table
}
SCALING_TIME = {
    f"{flavor}/{name}": {"flavor": flavor, "what": what, "title": title}
    for flavor, table in (
        (
            "veth",
            (
                ("scale-spread", "spread", "Real time per packet, ours / C, when each takes the next of N pairs"),
                ("scale-create", "create", "Real time for creating and deleting N pairs, ours / C"),
            ),
        ),
        ("macvlan", (("scale-create", "create", "Real time for creating and deleting N endpoints, ours / C"),)),
        ("ipvlan", (("scale-create", "create", "Real time for creating and deleting N endpoints, ours / C"),)),
    )
    for name, what, title in table
}
PAIRS = (1, 16, 256, 1024)
ENDPOINTS = (1, 16, 256, 1024, 4096, 16384)
RECEIVERS = (1, 16, 256)

# Real applications; iperf3's options are the client's.
APPS = {
    f"{flavor}/{name}": {"flavor": flavor, "title": title, **how}
    for flavor in ("veth",)
    for name, title, how in (
        ("app-tcp", "iperf3 TCP, bulk", {"iperf3": "-t 2"}),
        ("app-tcp-reverse", "iperf3 TCP, bulk, reversed", {"iperf3": "-t 2 -R"}),
        ("app-tcp-128", "iperf3 TCP, writes of 128 bytes", {"iperf3": "-t 2 -l 128 -N"}),
        ("app-udp", "iperf3 UDP, unlimited, 1448 bytes", {"iperf3": "-t 2 -u -b 0 -l 1448"}),
        ("app-rr-tcp", "TCP request and response, two processes", {"rr": "tcp4"}),
        ("app-rr-udp", "UDP request and response, two processes", {"rr": "udp4"}),
    )
}
