# SPDX-License-Identifier: GPL-2.0
"""Sends crafted frames and tells which device saw what of them."""

import errno
import socket
import struct

from inside import inside

ALL = 3  # ETH_P_ALL
SOL_PACKET, AUXDATA, VNET_HDR = 263, 8, 15
TYPES = ["host", "broadcast", "multicast", "otherhost", "outgoing", "loopback"]
STATUS = {8: "csum-not-ready", 16: "vlan", 64: "tpid", 128: "csum-valid", 256: "gso-tcp"}
GSO = {0: "none", 1: "tcp4", 3: "udp", 4: "tcp6", 5: "udp-l4"}


class Marker:
    """A broadcast frame that goes, from one device to another, through the queue of
    a device's work: it comes after all that was put there before."""

    SOURCE = bytes.fromhex("0200000088b6")

    def __init__(self, sender, witness):
        self.sender = self.socket(sender, 0)
        self.witness = self.socket(witness, 0x88B6)
        self.witness.setsockopt(SOL_PACKET, 23, 1)  # PACKET_IGNORE_OUTGOING
        self.witness.settimeout(20)
        self.count = 0

    @staticmethod
    def socket(pair, protocol):
        namespace, device = pair.split("/")
        with inside(namespace):
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        made.bind((device, protocol))
        return made

    def frame(self):
        return b"\xff" * 6 + self.SOURCE + struct.pack("!HI", 0x88B6, self.count) + bytes(42)

    def came(self, data):
        return data == self.frame()

    def wait(self):
        self.count += 1
        self.sender.send(self.frame())
        while not self.came(self.witness.recv(100)):
            pass

    def close(self):
        self.sender.close()
        self.witness.close()


class Taps:
    """A packet socket on each device, for both directions."""

    def __init__(self, bed, pairs, marker=None):
        self.bed = bed
        self.marker = marker
        self.sockets = {}
        for pair in pairs:
            namespace, device = pair.split("/")
            with inside(namespace):
                tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                tap.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
                tap.setsockopt(SOL_PACKET, AUXDATA, 1)
                tap.setsockopt(SOL_PACKET, VNET_HDR, 1)
                tap.bind((device, ALL))
                tap.setblocking(False)
            self.sockets[pair] = tap
        self.noise = {name: {} for name in self.sockets}
        if marker:
            before = self.stats()
            self.wait()
            self.noise = difference(before, self.stats())
            for tap in self.sockets.values():
                drain(tap, b"")

    def wait(self):
        """Nothing that was sent is still under way."""
        if self.marker:
            self.marker.wait()
        self.bed.barrier.frames()

    def close(self):
        if self.marker:
            self.marker.close()
        for tap in self.sockets.values():
            tap.close()

    def send(self, pair, frame, count=1, vnet=None, **options):
        """Sends and waits: {"sent": ..., "seen": {device: [what]}, "stats": changes}."""
        before = self.stats()
        answers = transmit(pair, frame, count, vnet, **options)
        self.wait()
        seen = {name: [line for line in drain(tap, frame)] for name, tap in self.sockets.items()}
        changes = difference(self.noise, difference(before, self.stats()))
        return {"sent": answers, "seen": seen, "stats": changes}

    def stats(self):
        found = {}
        tables = {}
        for pair in self.sockets:
            namespace, device = pair.split("/")
            if namespace not in tables:
                tables[namespace] = self.bed.links_now(namespace)[namespace]
            found[pair] = tables[namespace][device]["stats"]
        return found


def difference(before, after):
    """What has changed, by device and counter."""
    changes = {name: {key: after[name].get(key, 0) - before[name].get(key, 0) for key in {**before[name], **after[name]}}
               for name in after}
    return {name: {key: value for key, value in counters.items() if value} for name, counters in changes.items()}


def transmit(pair, frame, count=1, vnet=None, bypass=False, protocol=0, priority=None, mark=None):
    """Raw frames out of a device: "sent", or the errors' names and how often."""
    namespace, device = pair.split("/")
    with inside(namespace):
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    answers = {}
    with out:
        if bypass:
            out.setsockopt(SOL_PACKET, 20, 1)  # PACKET_QDISC_BYPASS
        if vnet:
            out.setsockopt(SOL_PACKET, VNET_HDR, 1)
        if priority is not None:
            out.setsockopt(socket.SOL_SOCKET, 12, priority)
        if mark is not None:
            out.setsockopt(socket.SOL_SOCKET, 36, mark)
        out.bind((device, protocol))
        for _ in range(count):
            try:
                out.send((vnet or b"") + frame)
                answer = "sent"
            except OSError as error:
                answer = errno.errorcode.get(error.errno, str(error.errno))
            answers[answer] = answers.get(answer, 0) + 1
    return " ".join(f"{answer} x{number}" for answer, number in answers.items())


def drain(tap, frame):
    """Equal captures in a row count as one line."""
    lines = []
    while True:
        try:
            data, control, _, address = tap.recvmsg(1 << 18, 256)
        except BlockingIOError:
            break
        except OSError as error:
            data, control, address = None, (), error
        if data and data[16:22] == Marker.SOURCE:
            continue
        line = describe(data, control, address, frame) if data is not None else f"recv: {address.strerror}"
        if lines and lines[-1][0] == line:
            lines[-1][1] += 1
        else:
            lines.append([line, 1])
    return [line if count == 1 else f"{line} x{count}" for line, count in lines]


def describe(data, control, address, frame):
    vnet, data = data[:10], data[10:]
    words = [TYPES[address[2]], f"proto={address[1]:04x}", f"len={len(data)}"]
    words.append("as-sent" if data == frame else "changed:" + change(data, frame))
    flags, gso, header, size, start, offset = struct.unpack("=BBHHHH", vnet)
    if flags or gso:
        words.append(f"vnet={flags:x},{GSO.get(gso & 0x7F, gso)},{header},{size},{start},{offset}")
    for level, kind, payload in control:
        if (level, kind) == (SOL_PACKET, AUXDATA):
            status, length, _, mac, net, tci, tpid = struct.unpack("=IIIHHHH", payload[:20])
            names = [name for bit, name in STATUS.items() if status & bit]
            if names:
                words.append("status=" + ",".join(names))
            if status & 16:
                words.append(f"vlan={tpid:04x},{tci}")
            if length != len(data) or net - mac != 14:
                words.append(f"aux-len={length} net-mac={net - mac}")
    return " ".join(words)


def change(data, frame):
    """Where the bytes differ first, and what is there."""
    at = next((n for n, (a, b) in enumerate(zip(data, frame)) if a != b), min(len(data), len(frame)))
    return f"@{at}:{data[at:at + 12].hex()}"
