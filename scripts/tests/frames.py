#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Sends frames on one device and tells what arrived on another.

usage: frames.py SCENARIO ARGUMENTS...

A, B are namespaces ("-" for the caller's), V, W a device in each.

  send A V DST LENGTH COUNT   raw frames of LENGTH bytes, header included, to
                              DST: peer:B:W, broadcast, multicast or other
  bypass A V DST LENGTH COUNT the same, past the queueing discipline; "sent" or "refused xN"
  pause A V                   a frame of flow control: "sent" or "refused"
  across A V B W DST LENGTH [COUNT]   as send, then what W's packet socket saw:
                              "PKTTYPE LENGTH xN", or "nothing"
  who A V SRC DST COUNT NS/DEV...   one frame of 100 bytes from V, hexadecimal
                              addresses: "NS/DEV TYPE" of each that saw it, sorted,
                              after at least COUNT of them; or "nobody"
  says A V SRC DST ADDRESS COUNT NS/DEV...   the same with a packet for an IPv4 address
  asks A V SRC VID ADDRESS COUNT NS/DEV...   the same with a broadcast ARP request for
                              one; tagged, if VID is not 0
  seeks A V WHAT COUNT NS/DEV...   a request for who has an address: who saw it ("NS/DEV asked")
                              and who an answer ("NS/DEV told ADDRESS is MAC"), sorted, after at
                              least COUNT of both; or "nobody". WHAT is words with commas between:
                              arp or ns, own MAC address, own and other address, and perhaps
                              NAME=VALUE: dst, op, sha, vid, hops, group, option, pad, cut
  begins A V HEADER NS/DEV...   the same with a frame that begins so, hexadecimal: who sees its
                              content, whatever was taken off before
  packet A V SRC DST [WHAT]   a frame to V's own MAC address with an IP packet: a UDP
                              datagram to port 9999; badsum: one whose IPv4 header
                              has a wrong checksum; router: an ICMPv6 router's
                              advertisement; asks=ADDRESS: a neighbour solicitation for
                              that one; unfinished: one whose source is another address
                              until its checksum is computed. "sent" or "refused x1"
  vlan A V B W TPID TCI       a tagged frame: "TPID TCI out-of-band|in-band"
  csum A B W                  a UDP datagram: "partial" or "complete", "valid"
  claimed A V B W START OFFSET   an IPv4 broadcast of UDP whose checksum is that of its pseudo header, and of which is said that
                              one is to be computed from START on, and put OFFSET behind that: "as sent", or
                              where W sees other bytes, and if it is UDP's, "right" or "wrong"
  meta A V B W                mark 7 and priority 6 on a frame: what a socket got
  stamp A                     a UDP datagram with SO_TIMESTAMPING: "software"
  udp A ADDRESS FROM TO [COUNT]   datagrams from a port to another one
  tcp A B W BYTES             a TCP stream: "BYTES whole|cut", whole if W saw
                              frames longer than its MTU
"""

import contextlib
import errno
import fcntl
import select
import socket
import struct
import sys
import threading

from attack import becoming
from inside import inside

ETH_P_ALL, ETH_P_TEST = 3, 0x88B5
PKTTYPE = ["host", "broadcast", "multicast", "otherhost", "outgoing"]
SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_QDISC_BYPASS, PACKET_IGNORE_OUTGOING = 263, 8, 15, 20, 23
SO_PRIORITY, SO_MARK, SO_TIMESTAMPING, SO_RCVMARK, SO_RCVPRIORITY = 12, 36, 37, 75, 82
MSG_ERRQUEUE = 0x2000
TP_CSUMNOTREADY, TP_VLAN_VALID, TP_VLAN_TPID_VALID, TP_CSUM_VALID = 8, 16, 64, 128
WAIT = 5.0      # for what must come
NOTHING = 0.3   # for what must not come: a loop to itself takes no longer


def packet_socket(namespace, device, protocol):
    with inside(namespace):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sock.bind((device, protocol))
    return sock


def mac_of(namespace, device):
    with inside(namespace), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        return sock.getsockname()[4]


def destination(word):
    if word == "broadcast":
        return b"\xff" * 6
    if word == "multicast":
        return bytes.fromhex("010000000009")
    if word == "other":
        return bytes.fromhex("020000009999")
    _, namespace, device = word.split(":")
    return mac_of(namespace, device)


def frame(dst, src, length, protocol=ETH_P_TEST):
    header = dst + src + struct.pack("!H", protocol)
    return header + bytes(length - len(header))


def push(sock, data, count):
    """Sends; ENOBUFS is how a full or dropping device answers."""
    refused = 0
    for _ in range(count):
        try:
            sock.send(data)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            refused += 1
    return refused


def send(a, v, dst, length, count="1"):
    with packet_socket(a, v, 0) as out:
        # Who sends is not to wait for what waits.
        out.setsockopt(socket.SOL_SOCKET, 32, 1 << 24)  # SO_SNDBUFFORCE
        refused = push(out, frame(destination(dst), mac_of(a, v), int(length)), int(count))
    print("sent" if not refused else f"refused x{refused}")


def bypass(a, v, dst, length, count="1"):
    """As send, but without the queueing discipline: what finds the queue stopped is refused."""
    with packet_socket(a, v, 0) as out:
        out.setsockopt(socket.SOL_SOCKET, 32, 1 << 24)  # SO_SNDBUFFORCE
        out.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        refused = push(out, frame(destination(dst), mac_of(a, v), int(length)), int(count))
    print("sent" if not refused else f"refused x{refused}")


def pause(a, v):
    with packet_socket(a, v, 0) as out:
        refused = push(out, bytes.fromhex("0180c2000001") + mac_of(a, v) + bytes.fromhex("8808") + bytes(46), 1)
    print("sent" if not refused else "refused")


def across(a, v, b, w, dst, length, count="1"):
    wanted = int(count)
    seen = {}
    with packet_socket(b, w, ETH_P_TEST) as into, packet_socket(a, v, 0) as out:
        into.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        data = frame(destination(dst), mac_of(a, v), int(length))
        refused = push(out, data, wanted)
        into.settimeout(WAIT if not refused else NOTHING)
        try:
            for _ in range(wanted):
                got, address = into.recvfrom(1 << 17)
                key = f"{PKTTYPE[address[2]]} {len(got)}"
                seen[key] = seen.get(key, 0) + 1
                if got != data:
                    key = "damaged"
                    seen[key] = seen.get(key, 0) + 1
        except TimeoutError:
            pass
    print(", ".join(f"{key} x{n}" for key, n in seen.items()) or "nothing")


def who(a, v, src, dst, count, *places):
    """Waits for as many as there are to be, and a moment for others."""
    data = frame(bytes.fromhex(dst), bytes.fromhex(src), 100)
    seen_by(a, v, data, data, ETH_P_TEST, count, places)


def says(a, v, src, dst, address, count, *places):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0,
                       socket.inet_aton("192.0.2.1"), socket.inet_aton(address))
    head = head[:10] + struct.pack("!H", ip_sum(head)) + head[12:]
    data = bytes.fromhex(dst + src) + b"\x08\x00" + head + struct.pack("!HHHH", 9, 9, 8, 0)
    seen_by(a, v, data, data, ETH_P_ALL, count, places)


def asks(a, v, src, vid, address, count, *places):
    src, tag = bytes.fromhex(src), struct.pack("!HH", 0x8100, int(vid)) if vid != "0" else b""
    request = struct.pack("!HHHBBH6s4s6s4s", 0x0806, 1, 0x0800, 6, 4, 1, src, socket.inet_aton("192.0.2.1"),
                          bytes(6), socket.inet_aton(address))
    # The tag is taken off on the way.
    seen_by(a, v, b"\xff" * 6 + src + tag + request, b"\xff" * 6 + src + request, ETH_P_ALL, count, places)


def question(words):
    """A request of ARP or neighbour discovery, with whatever is to be wrong in it."""
    kind, src, own, other, *more = words.split(",")
    src, more = bytes.fromhex(src), dict(word.split("=") for word in more)
    said = bytes.fromhex(more["sha"]) if "sha" in more else src
    if kind == "arp":
        dst, protocol = b"\xff" * 6, 0x0806
        data = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, int(more.get("op", "1")), said,
                           socket.inet_aton(own), bytes(6), socket.inet_aton(other))
    else:
        own, other = (socket.inet_pton(socket.AF_INET6, address) for address in (own, other))
        group = bytes.fromhex("ff0200000000000000000001ff") + other[13:]
        if "group" in more:
            group = socket.inet_pton(socket.AF_INET6, more["group"])
        dst, protocol = b"\x33\x33" + group[12:], 0x86DD
        option = b"" if more.get("option") == "none" else b"\1\1" + said
        message = struct.pack("!BBHI", 135, 0, 0, 0) + other + option
        total = ip_sum(own + group + struct.pack("!II", len(message), 58) + message)
        message = message[:2] + struct.pack("!H", total) + message[4:]
        data = struct.pack("!IHBB", 6 << 28, len(message), 58, int(more.get("hops", "255"))) + own + group + message
    if "dst" in more:
        dst = bytes.fromhex(more["dst"])
    if "cut" in more:
        data = data[:-int(more["cut"])]
    data += b"p" * int(more.get("pad", "0"))
    tag = struct.pack("!HH", 0x8100, int(more["vid"])) if "vid" in more else b""
    head = dst + src
    return head + tag + struct.pack("!H", protocol) + data, head + struct.pack("!H", protocol) + data


def told(data, words):
    """What a frame says of the address that is asked for, if anything."""
    kind, _, _, other = words.split(",")[:4]
    if kind == "arp" and data[12:14] == b"\x08\x06" and data[20:22] == b"\0\2" and data[28:32] == socket.inet_aton(other):
        where, mac = data[6:12], data[22:28]
    elif (kind == "ns" and data[12:14] == b"\x86\xdd" and data[20:21] == b"\x3a" and data[54:55] == b"\x88"
          and data[62:78] == socket.inet_pton(socket.AF_INET6, other)):
        where, mac = data[6:12], data[80:86]
    else:
        return None
    return f"told {other} is {mac.hex()}" + ("" if where == mac else f" from {where.hex()}")


def seeks(a, v, words, count, *places):
    data, wanted = question(words)
    socks, seen = {}, []
    with contextlib.ExitStack() as stack:
        for place in places:
            socks[stack.enter_context(packet_socket(*place.split("/"), ETH_P_ALL))] = place
        with packet_socket(a, v, 0) as out:
            push(out, data, 1)
        while ready := select.select(list(socks), [], [], WAIT if len(seen) < int(count) else NOTHING)[0]:
            for sock in ready:
                got, _ = sock.recvfrom(1 << 17)
                what = "asked" if got == wanted else told(got, words)
                if what:
                    seen.append(f"{socks[sock]} {what}")
    print(", ".join(sorted(seen)) or "nobody")


def begins(a, v, header, *places):
    content = bytes.fromhex("88b5") + b"begins" * 10
    with contextlib.ExitStack() as stack:
        socks = {stack.enter_context(packet_socket(*place.split("/"), ETH_P_ALL)): place for place in places}
        push(stack.enter_context(packet_socket(a, v, 0)), bytes.fromhex(header) + content, 1)
        seen = []
        while ready := select.select(list(socks), [], [], NOTHING * 2)[0]:
            for sock in ready:
                got, address = sock.recvfrom(1 << 17)
                if got.endswith(content):
                    seen.append(f"{socks[sock]} {PKTTYPE[address[2]]}")
    print(", ".join(sorted(seen)) or "nobody")


def seen_by(a, v, data, wanted, protocol, count, places):
    socks, seen = {}, []
    try:
        for place in places:
            socks[packet_socket(*place.split("/"), protocol)] = place
        with packet_socket(a, v, 0) as out:
            push(out, data, 1)
        while True:
            ready, _, _ = select.select(list(socks), [], [], WAIT if len(seen) < int(count) else NOTHING)
            if not ready:
                break
            for sock in ready:
                got, address = sock.recvfrom(1 << 17)
                if protocol == ETH_P_ALL and got != wanted:
                    continue  # what the stacks have to say
                seen.append(f"{socks[sock]} {PKTTYPE[address[2]]}{'' if got == wanted else ' damaged'}")
    finally:
        for sock in socks:
            sock.close()
    print(", ".join(sorted(seen)) or "nobody")


def auxdata(sock):
    sock.settimeout(WAIT)
    data, control, _, _ = sock.recvmsg(1 << 17, 256)
    for level, kind, payload in control:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            return data, struct.unpack("=IIIHHHH", payload[:20])
    raise RuntimeError("no auxiliary data")


def packet(a, v, src, dst, what="datagram"):
    v6 = ":" in dst
    src, dst = (socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, address) for address in (src, dst))
    protocol, payload = 17, struct.pack("!HHHH", 1234, 9999, 12, 0) + b"evil"
    if what == "router":
        protocol, payload = 58, struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    if what.startswith("asks="):
        protocol, payload = 58, struct.pack("!BBHI", 135, 0, 0, 0) + socket.inet_pton(socket.AF_INET6, what[5:])
    at = 2 if protocol == 58 else 6
    if v6:
        total = ip_sum(src + dst + struct.pack("!II", len(payload), protocol) + payload)
        payload = payload[:at] + struct.pack("!H", total) + payload[at + 2:]
        header = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 255) + src + dst
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + src + dst
        total = ip_sum(header) ^ (0x5555 if what == "badsum" else 0)
        header = header[:10] + struct.pack("!H", total) + header[12:]
    own = mac_of(a, v)
    data = own + own + struct.pack("!H", 0x86DD if v6 else 0x800) + header + payload
    with packet_socket(a, v, 0) as out:
        if what == "unfinished":
            out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            data = becoming(data, 36 if v6 else 28, b"\x77\x77")
        try:
            out.send(data)
            print("sent")
        except OSError:
            print("refused x1")


def vlan(a, v, b, w, tpid, tci):
    tpid, tci = int(tpid, 16), int(tci)
    tag = struct.pack("!HH", tpid, tci)
    plain = frame(mac_of(b, w), mac_of(a, v), 100)
    with packet_socket(b, w, 3) as into, packet_socket(a, v, 0) as out:
        into.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        out.send(plain[:12] + tag + plain[12:])
        data, aux = auxdata(into)
    where = "out-of-band" if aux[0] & TP_VLAN_VALID else "in-band"
    found = (aux[6], aux[5]) if aux[0] & TP_VLAN_VALID else struct.unpack("!HH", data[12:16])
    print(f"{found[0]:x} {found[1]} {where}")


def csum(a, b, w, address="10.0.0.2"):
    with packet_socket(b, w, 0x0800) as into:
        into.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        with inside(a), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(b"x" * 200, (address, 9))
        while True:
            data, aux = auxdata(into)
            if len(data) == 14 + 20 + 8 + 200:
                break
    state = aux[0]
    print("partial" if state & TP_CSUMNOTREADY else "complete",
          "valid" if state & TP_CSUM_VALID else "unknown")


def ip_sum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def claimed(a, v, b, w, start, offset):
    with packet_socket(b, w, 0x0800) as into, packet_socket(a, v, 0) as out:
        source, target = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")
        payload = bytes(range(1, 102))
        pseudo = source + target + struct.pack("!HH", 17, 8 + len(payload))
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + 8 + len(payload), 1, 0, 64, 17, 0) + source + target
        head = head[:10] + struct.pack("!H", ip_sum(head)) + head[12:]
        udp_head = struct.pack("!HHHH", 1234, 9, 8 + len(payload), ~ip_sum(pseudo) & 0xFFFF)
        data = b"\xff" * 6 + mac_of(a, v) + b"\x08\x00" + head + udp_head + payload
        out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        out.send(struct.pack("=BBHHHH", 1, 0, 0, 0, int(start), int(offset)) + data)
        into.settimeout(WAIT)
        got = into.recv(1 << 16)
    other = [at for at, (was, seen) in enumerate(zip(data, got)) if was != seen]
    right = "right" if ip_sum(pseudo + got[34:] + bytes(len(got) % 2)) == 0 else "wrong"
    print(*other or ["as", "sent"], *[right] * (other == [40, 41]))


def meta(a, v, b, w):
    """A UDP packet made by hand, so that it leaves V even within one namespace."""
    with inside(b):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with udp, packet_socket(a, v, 0) as out:
        udp.bind(("10.0.0.2", 0))
        for option in (SO_RCVMARK, SO_RCVPRIORITY):
            udp.setsockopt(socket.SOL_SOCKET, option, 1)
        payload = b"meta"
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + 8 + len(payload), 1, 0, 64, 17, 0,
                           socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2"))
        head = head[:10] + struct.pack("!H", ip_sum(head)) + head[12:]
        head += struct.pack("!HHHH", 1234, udp.getsockname()[1], 8 + len(payload), 0)
        out.setsockopt(socket.SOL_SOCKET, SO_MARK, 7)
        out.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, 6)
        out.send(mac_of(b, w) + mac_of(a, v) + b"\x08\x00" + head + payload)
        udp.settimeout(WAIT)
        _, control, _, _ = udp.recvmsg(100, 256)
    found = {kind: struct.unpack("=I", data[:4])[0]
             for level, kind, data in control if level == socket.SOL_SOCKET}
    # A mark of 0 is reported too; a missing message would show as "-".
    print(f"mark={found.get(SO_MARK, '-')} priority={found.get(SO_PRIORITY, '-')}")


def stamp(a, address="10.0.0.2"):
    with inside(a):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        # TX_SOFTWARE, SOFTWARE, OPT_TSONLY
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, 2 | 16 | 2048)
        sock.sendto(b"x", (address, 9))
        poll = select.poll()
        poll.register(sock, select.POLLERR)
        while poll.poll(WAIT * 1000):
            _, control, _, _ = sock.recvmsg(0, 512, MSG_ERRQUEUE)
            for level, kind, data in control:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
                    seconds = struct.unpack("=6q", data[:48])
                    print("software" if seconds[0] else "other", end="")
                    print("" if not seconds[4] else " hardware")
                    return
    print("none")


def udp(a, address, source, target, count="1"):
    with inside(a):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.bind(("", int(source)))
        for _ in range(int(count)):
            sock.sendto(b"x" * 100, (address, int(target)))


def tcp(a, b, w, amount, address="10.0.0.2"):
    amount = int(amount)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(b):
        listener = socket.socket(family, socket.SOCK_STREAM)
    with inside(a):
        client = socket.socket(family, socket.SOCK_STREAM)
    sniff = packet_socket(b, w, 0x86DD if ":" in address else 0x0800)
    with listener, client, sniff:
        sniff.setblocking(False)
        listener.bind((address, 0))
        listener.listen(1)
        listener.settimeout(WAIT)
        client.settimeout(WAIT * 4)
        client.connect(listener.getsockname()[:2])
        server, _ = listener.accept()
        sender = threading.Thread(target=lambda: (client.sendall(bytes(amount)),
                                                  client.shutdown(socket.SHUT_WR)))
        sender.start()
        longest = got = 0
        with server:
            server.settimeout(WAIT * 4)
            while True:
                data = server.recv(1 << 18)
                got += len(data)
                try:
                    while True:
                        longest = max(longest, len(sniff.recv(1 << 17)))
                except BlockingIOError:
                    pass
                if not data:
                    break
        sender.join()
    with inside(b), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

        request = struct.pack("16si12x", w.encode(), 0)
        mtu = struct.unpack_from("i", fcntl.ioctl(sock, 0x8921, request), 16)[0]
    print(got, "whole" if longest > mtu + 14 else "cut")


SCENARIOS = {f.__name__: f for f in (
    send, bypass, pause, across, who, packet, says, asks, seeks, begins, vlan, csum, claimed, meta, stamp, udp, tcp)}


def main(args):
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    if args[0] not in SCENARIOS:
        print(f"frames.py: unknown scenario '{args[0]}'", file=sys.stderr)
        return 2
    SCENARIOS[args[0]](*args[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
