# SPDX-License-Identifier: GPL-2.0
"""How many frames a tap holds, and which of its queues gets which."""

import socket
import struct

import craft
import tap
from capture import Marker, drain, transmit
from craft import vnet
from registry import rows, scenario
from tap import TAPS, File

TSO4 = vnet(1, 1, 54, 1448, 34, 16)


def sender():
    """The wire's end. Frames that nobody has read yet are the sender's: many of them."""
    out = Marker.socket("X/v1", 0)
    out.setsockopt(socket.SOL_SOCKET, 32, 1 << 26)  # SO_SNDBUFFORCE
    return out


def burst(bed, port, first, count):
    """Numbered frames from the wire."""
    with sender() as out:
        for index in range(first, first + count):
            out.send(tap.udp(port, "wire", "t0", tap.number(index)))
            # No more than the processor's backlog holds.
            if index % 100 == 99:
                bed.barrier.frames()
    bed.barrier.frames()


def losses(bed, before):
    """Of what was counted, what arrived and what was lost."""
    return {pair: {key: value for key, value in counted.items() if key != "rx_bytes"} for pair, counted in tap.changed(bed, before).items()}


# --- how many ------------------------------------------------------------------------


def depth(bed, length, count):
    """More frames than fit in, then all of them."""
    port = tap.place(bed, "t0", outer=f"txqlen:{length}" if length is not None else "")
    file = File(bed, "A/t0")
    before = tap.counters(bed, "A/t0")
    burst(bed, port, 0, count)
    seen = {"stats": losses(bed, before), "poll": file.poll(), "length": bed.link("A", "t0", "txqlen")}
    seen["read"] = tap.numbers(file.frames())
    burst(bed, port, 1000, 3)
    return {**seen, "again": tap.numbers(file.frames()), "end": losses(bed, before)}


rows(TAPS, "depth", {
    "usual": (None, 600), "exact": (None, 500), "one-more": (None, 501), "0": (0, 5), "1": (1, 5), "2": (2, 5), "3": (3, 5),
    "16": (16, 20), "31": (31, 40), "32": (32, 40), "33": (33, 40), "1000": (1000, 1100),
}, depth)


def released(bed, length, *reads):
    """Room that reading makes in a ring that is full."""
    port = tap.place(bed, "t0", outer=f"txqlen:{length}")
    file = File(bed, "A/t0")
    burst(bed, port, 0, length + 2)
    seen, first = {}, 1000
    for turn, count in enumerate(reads, 1):
        before = tap.counters(bed, "A/t0")
        read = tap.numbers(file.frames(count))
        burst(bed, port, first, 20)
        first += 20
        seen[f"{turn}: {count}"] = {"read": read, "stats": losses(bed, before)}
    return {**seen, "rest": tap.numbers(file.frames())}


rows(TAPS, "release", {
    "one": (500, 1), "one-by-one": (500, *[1] * 20), "15": (500, 15), "16": (500, 16), "17": (500, 17), "32": (500, 32),
    "31-1": (500, 31, 1), "8-8-8-8": (500, 8, 8, 8, 8), "of-31": (31, 1, 1, 5), "of-32": (32, 1, 7, 8, 16), "of-1": (1, 1, 1),
    "of-40-all": (40, 40, 39, 40),
}, released)


def resized(bed, *steps):
    """Another length while frames wait: "N" sets it, "+N" sends, "-N" reads."""
    port = tap.place(bed, "t0")
    file, detached = File(bed, "A/t0"), File(bed, "A/t0")
    detached.set_queue(tap.DETACH)
    seen, first = {}, 0
    for turn, step in enumerate(steps, 1):
        before = tap.counters(bed, "A/t0")
        if step[0] == "+":
            burst(bed, port, first, int(step))
            first += int(step)
            what = "sent"
        elif step[0] == "-":
            what = tap.numbers(file.frames(-int(step)))
        else:
            what = bed.raw("A", "set", f"name:t0 txqlen:{step}")
        seen[f"{turn}: {step}"] = {"what": what, "stats": losses(bed, before), "poll": file.poll(),
                                   "length": bed.link("A", "t0", "txqlen")}
    return {**seen, "rest": tap.numbers(file.frames())}


rows(TAPS, "resize", {
    "shrinks": ("+100", "50", "+10"), "shrinks-after-reading": ("+100", "-30", "20", "+5", "-5", "+5"),
    "grows": ("10", "+20", "20", "+20"), "same": ("+10", "500", "+10"), "to-0": ("+10", "0", "+10"), "from-0": ("0", "+3", "5", "+7"),
    "to-1": ("+10", "1", "+2", "-1", "+2"), "many": ("+10", "5", "50", "+10", "12", "+10", "1000", "+10"),
    "too-long": ("+5", "40000", "+5"), "longest": ("+5", "32767", "+5"), "one-too-long": ("+5", "32768", "+5"),
    "negative": ("+5", "4294967295", "+5"), "huge": ("+5", "2147483647", "+5"),
    "wrapped": ("40", "+40", "-20", "+20", "-4", "30", "+30"),
}, resized)


@scenario(*TAPS)
def resize_by_each_way(bed):
    """By ioctl and sysfs, too; what files that are opened then have."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    burst(bed, port, 0, 10)
    seen = {"sysfs": bed.sysfs_write("A", "t0", "tx_queue_len", "4"), "first": tap.numbers(file.frames()),
            "sysfs-too-long": bed.sysfs_write("A", "t0", "tx_queue_len", "40000"), "ip": bed.ip("A", "link set t0 txqueuelen 6")}
    other = File(bed, "A/t0")
    file.set_queue(tap.DETACH)
    burst(bed, port, 100, 10)
    seen |= {"second": tap.numbers(other.frames()), "detached": tap.numbers(file.frames())}
    return {**seen, "length": bed.link("A", "t0", "txqlen")}


@scenario(*TAPS)
def resize_detached(bed):
    """A queue that gets nothing is resized, too."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    burst(bed, port, 0, 10)
    file.set_queue(tap.DETACH)
    seen = {"set": bed.raw("A", "set", "name:t0 txqlen:4"), "read": tap.numbers(file.frames())}
    file.set_queue(tap.ATTACH)
    burst(bed, port, 100, 10)
    return {**seen, "again": tap.numbers(file.frames())}


READERS = {"flags": {"flags": tap.TAP | tap.NO_PI}, "offload": {"offload": 0}, "usual": {}}


def segments(bed, length, reader):
    """A large frame that is cut, and does not fit in whole."""
    port = tap.place(bed, "t0", outer=f"txqlen:{length}")
    file = File(bed, "A/t0", **READERS[reader])
    before = tap.counters(bed, "A/t0")
    seen = {}
    for turn in range(3):
        transmit("X/v1", tap.tcp(port, "wire", "t0", 6000), 1, TSO4)
        bed.barrier.frames()
        seen[f"stats-{turn}"] = losses(bed, before)
    return {**seen, "poll": file.poll(), "read": file.seen(), "end": losses(bed, before)}


rows(TAPS, "segments", {
    "fit": (500, "flags"), "some": (4, "flags"), "seven": (7, "flags"), "none": (0, "flags"), "exact": (15, "flags"),
    "offload-0": (4, "offload"), "whole": (2, "usual"),
}, segments)

# --- which queue ----------------------------------------------------------------------


def flows(bed, port, files, family=4):
    """Which of several flows each queue gets, two frames of each."""
    found = {}
    with sender() as out:
        for index in range(24):
            for _ in range(2):
                out.send(tap.udp(port, "wire", "t0", tap.number(index), sport=1000 + index, family=family))
    bed.barrier.frames()
    for name, file in files.items():
        found[name] = tap.numbers(file.frames())
    return found


def steered(bed, *steps):
    """Flows after each step: "open X", "close X", "attach X", "detach X"."""
    port = tap.place(bed, "t0")
    files, seen = {}, {}
    for turn, step in enumerate(steps, 1):
        word, name = step.split()
        answer = "OK"
        if word == "open":
            files[name] = File(bed, "A/t0")
        elif word == "close":
            files.pop(name).close()
        else:
            answer = files[name].set_queue({"attach": tap.ATTACH, "detach": tap.DETACH}[word])
        before = tap.counters(bed, "A/t0")
        seen[f"{turn}: {step}"] = {"answer": answer, "flows": flows(bed, port, files), "stats": losses(bed, before)}
    return seen


rows(TAPS, "queue", {
    "two": ("open a", "open b"), "three": ("open a", "open b", "open c"), "four": ("open a", "open b", "open c", "open d"),
    "first-closes": ("open a", "open b", "open c", "close a"), "last-closes": ("open a", "open b", "open c", "close c"),
    "detached": ("open a", "open b", "open c", "detach a"), "detached-and-back": ("open a", "open b", "open c", "detach a", "attach a"),
    "detached-middle": ("open a", "open b", "open c", "open d", "detach b", "detach c", "attach b"),
    "detached-twice": ("open a", "open b", "detach a", "detach a", "attach a", "attach a"),
    "all-detached": ("open a", "open b", "detach a", "detach b", "attach b"),
    "open-while-detached": ("open a", "detach a", "open b", "attach a"),
    "closed-while-detached": ("open a", "open b", "detach a", "close a", "open c"),
    "none": ("open a", "close a"),
}, steered)


@scenario(*TAPS)
def queue_ipv6(bed):
    port = tap.place(bed, "t0", ipv6=True)
    return flows(bed, port, {name: File(bed, "A/t0") for name in "abc"}, family=6)


@scenario(*TAPS)
def queue_contents(bed):
    """Frames of one flow that look different: large, tagged, cut."""
    port = tap.place(bed, "t0")
    files = {name: File(bed, "A/t0") for name in "abc"}
    seen = {}
    for name, frame, header in (("tso", tap.tcp(port, "wire", "t0"), TSO4), ("plain", tap.tcp(port, "wire", "t0", 10), None),
                                ("vlan", craft.tagged(tap.tcp(port, "wire", "t0", 10), (0x8100, 5)), None),
                                ("udp", tap.udp(port, "wire", "t0"), None),
                                ("fragment", tap.framed(port, "wire", "t0", tap.pattern(100), 17)[:60], None),
                                ("other", craft.ether(port.address("t0"), port.address("wire")), None),
                                ("arp", craft.ether(port.address("t0"), port.address("wire"), 0x0806, bytes(28)), None)):
        transmit("X/v1", frame, 3, header)
        bed.barrier.frames()
        seen[name] = {word: file.seen(frame) for word, file in files.items()}
    return seen


@scenario(*TAPS)
def queue_segments(bed):
    """The pieces of a frame stay together."""
    port = tap.place(bed, "t0")
    files = {name: File(bed, "A/t0", flags=0x1002) for name in "abc"}
    seen = {}
    for turn in range(6):
        frame = tap.framed(port, "wire", "t0", craft.tcp(tap.pattern(5000), tap.ip(port, "wire"), tap.ip(port, "t0"), seq=turn), 6)
        transmit("X/v1", frame, 1, TSO4)
        bed.barrier.frames()
        seen[str(turn)] = {word: [len(data) for data in file.frames()] for word, file in files.items()}
    return seen


@scenario(*TAPS)
def queue_detached_works(bed):
    """A queue that gets nothing keeps what it has, and can send."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    burst(bed, port, 0, 3)
    seen = {"detach": file.set_queue(tap.DETACH), "poll": file.poll()}
    taps = bed.watch("X/v1")
    before = tap.counters(bed, "A/t0", "X/v1")
    frame = tap.udp(port, "t0", "wire")
    seen["write"] = file.send(frame)
    bed.barrier.frames()
    seen |= {"wire": drain(taps.sockets["X/v1"], frame), "bad": file.write(bytes(3)), "stats": tap.changed(bed, before)}
    return {**seen, "state": file.state(), "read": tap.numbers(file.frames()), "empty": file.read()}


def stack_answers(bed, state):
    """Without a reader the device's own stack gets the frames: who is asked, answers."""
    port = tap.place(bed, "t0")
    if tap.flavor(bed) == "macvtap":
        bed.ip("A", f"addr add {tap.ip(port, 't0')}/24 dev t0")
    bed.ip("A", f"neigh replace {tap.ip(port, 'wire')} lladdr {port.address('wire').hex(':')} dev t0 nud permanent")
    file = File(bed, "A/t0") if state != "closed" else None
    if state == "detached":
        file.set_queue(tap.DETACH)
    taps = bed.watch("X/v1", "A/t0")
    echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + b"hello"
    echo = echo[:2] + struct.pack("!H", craft.checksum(echo)) + echo[4:]
    frame = tap.framed(port, "wire", "t0", echo, 1)
    seen = taps.send("X/v1", frame)
    return {**seen, "read": file.seen(frame) if file else "no file"}


rows(TAPS, "stack", {word: word for word in ("closed", "detached", "attached")}, stack_answers)


@scenario(*TAPS)
def stack_sends_beside_reader(bed):
    """The device's own stack can send while there is a reader, which gets the answers."""
    port = tap.place(bed, "t0 t1/B")
    file, other = File(bed, "A/t0"), File(bed, "B/t1")
    taps = port.watch(witness=None)
    frame = tap.udp(port, "t0", "wire")
    seen = {"wire": taps.send("A/t0", frame), "read": file.seen(frame)}
    frame = tap.udp(port, "t0", "t1")
    return {**seen, "sibling": taps.send("A/t0", frame), "other": other.seen(frame)}
