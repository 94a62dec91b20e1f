# SPDX-License-Identifier: GPL-2.0
"""What sockets at the other end get."""

import contextlib
import fcntl
import io
import socket
import struct

import craft
import frames
from craft import ether, fragment6, ipv4, ipv6, udp
from inside import inside
from registry import rows, scenario

VETH = ("veth",)


def addressed(bed, b="B"):
    bed.pair("A", b)
    bed.addresses("A", b)
    # Answers to neighbour queries would be counted.
    bed.ip("A", "neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent")
    bed.ip(b, "neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev v1 nud permanent")


@contextlib.contextmanager
def receiver(namespace, address, port=2000, family=socket.AF_INET):
    with inside(namespace):
        sock = socket.socket(family, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.setblocking(False)
        yield sock


def got(bed, sock):
    bed.barrier.frames()
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            data, address = sock.recvfrom(70000)
            found.append(f"{len(data)} bytes from {address[0]}:{address[1]}")
    return found


def snmp(bed, namespace):
    """Counters of the receiving stack that are not zero."""
    text = bed.run(namespace, "cat /proc/thread-self/net/snmp")["out"].splitlines()
    found = {}
    for head, row in zip(text[::2], text[1::2]):
        name, keys = head.split(":")
        for key, value in zip(keys.split(), row.split(":")[1].split()):
            if name in ("Ip", "Udp") and value != "0" and key not in ("Forwarding", "DefaultTTL"):
                found[f"{name}.{key}"] = value
    return found


def datagram(bed, *payloads):
    """IPv4 packets to a UDP socket: what it got and what the stack counted."""
    addressed(bed)
    taps = bed.watch("A/v0", "B/v1")
    with receiver("B", "10.0.0.2") as sock:
        seen = {str(number): taps.send("A/v0", ether(craft.V1, protocol=0x0800, payload=payload))
                for number, payload in enumerate(payloads, 1)}
        return {**seen, "got": got(bed, sock), "snmp": snmp(bed, "B")}


LONG = udp(bytes(800))
rows(VETH, "udp", {
    "good": (ipv4(udp(b"hello")),),
    "no-checksum": (ipv4(udp(b"hello", none=True)),),
    "bad-checksum": (ipv4(udp(b"hello", bad=True)),),
    "bad-ip-checksum": (ipv4(udp(b"hello"), bad=True),),
    "fragments": (ipv4(LONG[:408], fragment=0x2000, ident=9), ipv4(LONG[408:], fragment=51, ident=9)),
    "fragments-reversed": (ipv4(LONG[408:], fragment=51, ident=9), ipv4(LONG[:408], fragment=0x2000, ident=9)),
    "fragments-overlapping": (ipv4(LONG[:408], fragment=0x2000, ident=9), ipv4(LONG[400:], fragment=50, ident=9)),
    "no-socket": (ipv4(udp(b"hello", dport=3000)),),
    "wrong-address": (ipv4(udp(b"hello", dst="10.0.0.77"), dst="10.0.0.77"),),
    "bad-length": (ipv4(udp(b"hello"))[:-2],),
}, datagram)


@scenario("veth")
def udp_ipv6(bed):
    """The same over IPv6, in one piece, in two, and with a wrong checksum."""
    bed.ns("A", "B")
    bed.ipv6("A", "B")
    # The far end is the only one with IPv6 that speaks: no autoconfiguration.
    bed.must("A", "new", "KIND name:v0 index:10 addr:020000000001 peer name:v1 index:11 addr:020000000002",
             "nsfd:/run/netns/B end")
    for namespace, device in (("A", "v0"), ("B", "v1")):
        bed.ip(namespace, f"link set {device} addrgenmode none")
        bed.must(namespace, "set", f"name:{device} up")
    bed.ip("B", "addr add fd00::2/64 dev v1 nodad")
    bed.ip("B", "neigh replace fd00::1 lladdr 02:00:00:00:00:01 dev v1 nud permanent")
    whole = udp(bytes(800), src="fd00::1", dst="fd00::2")
    bad = udp(b"hello", src="fd00::1", dst="fd00::2", bad=True)
    with receiver("B", "fd00::2", family=socket.AF_INET6) as sock:
        taps = bed.watch("B/v1")
        with inside("A"), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
            out.bind(("v0", 0))
            for payload in (ipv6(whole), ipv6(bad), ipv6(fragment6(whole[:400], 17, 0, 1), 44),
                            ipv6(fragment6(whole[400:], 17, 50, 0), 44)):
                out.send(ether(craft.V1, protocol=0x86DD, payload=payload))
        del taps
        return {"got": got(bed, sock)}


@scenario("veth")
def multicast_sockets(bed):
    """A group that somebody joined, and one that nobody did."""
    addressed(bed)
    groups = {"joined": "224.0.1.5", "unjoined": "224.0.1.6"}
    seen = {}
    with receiver("B", "") as sock:
        with inside("B"):
            request = struct.pack("4s4si", socket.inet_aton("224.0.1.5"), bytes(4), 11)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        sock.setsockopt(socket.IPPROTO_IP, 49, 0)  # IP_MULTICAST_ALL
        bed.barrier.frames()
        seen["memberships"] = bed.run("B", "ip maddress show dev v1")["out"].split("\n")
        taps = bed.watch("B/v1")
        for name, group in groups.items():
            mac = bytes.fromhex("01005e") + socket.inet_aton(group)[1:]
            frame = ether(mac, protocol=0x0800, payload=ipv4(udp(b"hello", dst=group), dst=group))
            with inside("A"), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
                out.bind(("v0", 0))
                out.send(frame)
            seen[name] = got(bed, sock)
        del taps
    return {**seen, "link": bed.link("B", "v1", "flags", "allmulti", "promiscuity")}


@scenario("veth")
def ping(bed):
    """ARP and echo in both directions, with what the ends learned."""
    bed.pair("A", "B")
    bed.addresses("A", "B")
    seen = {}
    for namespace, target in (("A", "10.0.0.2"), ("B", "10.0.0.1")):
        done = bed.run(namespace, f"ping -q -c 3 -i 0.01 -W 10 -s 1000 {target}")
        seen[namespace] = {"status": done["status"], "loss": [line.split(", ")[:3] for line in done["out"].splitlines()
                                                              if "packets" in line][0]}
        seen[f"neighbours-{namespace}"] = [line.split(" ")[:5] for line in
                                           bed.run(namespace, "ip neigh show")["out"].splitlines()]
    return seen


@scenario("veth")
def ping_fragmented(bed):
    """More than the MTU, through fragments of IP."""
    addressed(bed)
    done = bed.run("A", "ping -q -c 2 -i 0.01 -W 10 -s 5000 10.0.0.2")
    seen = {"status": done["status"], "snmp": snmp(bed, "B")}
    return {**seen, "stats": {name: bed.link(name, device, "stats") for name, device in (("A", "v0"), ("B", "v1"))}}


@scenario("veth")
def ping_no_arp(bed):
    """Without ARP at the sender's end frames go out with its own address."""
    bed.pair("A", "B")
    bed.addresses("A", "B")
    bed.must("A", "set", "name:v0 flags:0x80")
    bed.events()
    taps = bed.watch("A/v0", "B/v1")
    done = bed.run("A", "ping -q -c 1 -W 1 10.0.0.2")
    bed.barrier.frames()
    del taps
    return {"status": done["status"], "neighbours": bed.run("A", "ip neigh show")["out"].split("\n"),
            "stats": bed.link("B", "v1", "stats")}


def told(bed, *words):
    """A scenario of scripts/tests/frames.py between A and B."""
    bed.pair("A", "B")
    bed.addresses("A", "B")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        frames.main(list(words))
    return {"told": out.getvalue().strip()}


rows(VETH, "socket", {
    "tx-timestamp": ("stamp", "A"),
    "checksum": ("csum", "A", "B", "v1"),
    "mark-priority-other-netns": ("meta", "A", "v0", "B", "v1"),
    "tcp-stream": ("tcp", "A", "B", "v1", "2000000"),
}, told)


@scenario("veth")
def socket_mark_same_netns(bed):
    """Within a namespace the mark stays, the priority does not."""
    bed.pair("A", "A")
    bed.ip("A", "addr add 10.0.0.2/24 dev v1")
    with inside("A"):
        for name in ("all", "v1"):
            for file, value in (("rp_filter", "0"), ("accept_local", "1")):
                with open(f"/proc/sys/net/ipv4/conf/{name}/{file}", "w", encoding="ascii") as out:
                    out.write(value)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        frames.main(["meta", "A", "v0", "A", "v1"])
    return {"told": out.getvalue().strip()}


@scenario("veth")
def socket_buffer_released(bed):
    """A socket's send buffer is free again once the receiver has the frame."""
    addressed(bed)
    with inside("A"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out, receiver("B", "10.0.0.2") as sock:
        for _ in range(20):
            out.sendto(bytes(1000), ("10.0.0.2", 2000))
        number = len(got(bed, sock))
        queued = struct.unpack("i", fcntl.ioctl(out, 0x5411, bytes(4)))[0]  # TIOCOUTQ
    return {"got": number, "queued": queued}


@scenario("veth")
def pktgen_clones(bed):
    """A packet may not be sent twice: clone_skb is refused."""
    bed.pair("A", "A")
    seen = {"modprobe": bed.run("A", "modprobe pktgen")}
    with inside("A"):
        base = "/proc/thread-self/net/pktgen"
        for file, text in (("kpktgend_0", "rem_device_all"), ("kpktgend_0", "add_device v0"), ("v0", "clone_skb 5"),
                           ("v0", "clone_skb 0"), ("v0", "burst 5"), ("kpktgend_0", "rem_device_all")):
            try:
                with open(f"{base}/{file}", "w", encoding="ascii") as out:
                    out.write(text + "\n")
                seen[f"{file} {text}"] = "OK"
            except OSError as error:
                seen[f"{file} {text}"] = error.strerror
    return seen
