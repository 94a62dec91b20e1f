# SPDX-License-Identifier: GPL-2.0
"""Open taps: commands, waiting, moves of the device and its end."""

import os
import select
import signal
import struct

import bed as beds
import tap
from capture import drain, transmit
from lower import LOWER
from registry import rows, scenario
from tap import TAPS, File

HDR = tap.TAP | tap.NO_PI | tap.VNET_HDR


@scenario(*TAPS)
def fresh(bed):
    """What a file is like that nobody has changed."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    seen = {**file.state(), "features": file.get(tap.GETFEATURES), "poll": file.poll(), "empty": file.read()}
    sent(bed, tap.udp(port, "wire", "t0"))
    return {**seen, "poll-after": file.poll(), "frames": file.seen()}


def sent(bed, frame, vnet=None, pair="X/v1", count=1):
    answer = transmit(pair, frame, count, vnet)
    bed.barrier.frames()
    return answer


# --- commands ------------------------------------------------------------------------


def commands(bed, *steps):
    """Commands one after the other, with the file's state after each."""
    tap.place(bed, "t0 t1/B")
    file = File(bed, "A/t0")
    bed.events()
    seen = {}
    for number, (word, command, *rest) in enumerate(steps, 1):
        if word == "put":
            answer = file.put(command, rest[0])
        elif word == "get":
            answer = file.get(command)
        elif word == "number":
            answer = file.ioctl(command, rest[0])
        else:
            answer = file.interface(command, *(item.encode() if isinstance(item, str) else item for item in rest))
        seen[f"{number}: {word} {command:x} {' '.join(item.hex() if isinstance(item, bytes) else str(item) for item in rest)}"] = {
            "answer": answer, **file.state()}
    return {**seen, "address": bed.link("A", "t0", "address"), "events": bed.events()}


def setiff(*values):
    return tuple(("interface", tap.SETIFF, struct.pack("=H", value), "other") for value in values)


def address(text, family=1):
    return ("interface", tap.SETHWADDR, struct.pack("=H", family) + bytes.fromhex(text))


def puts(command, *values):
    return tuple(("put", command, value) for value in values)


rows(TAPS, "ioctl", {
    "setiff": setiff(0x1002, 0x5002, 0x1102, 0x5102, 0x5002),
    "setiff-bad": setiff(0, 2, 0x1000, 0x1001, 0x4002, 0x5001, 0x5003, 0x1012, 0x1022, 0x1202, 0x1402, 0x1802, 0x2000, 0x3002,
                         0x9002, 0x5112, 0xFFFF),
    "getiff": (("interface", tap.GETIFF), ("interface", tap.GETIFF, b"\xff" * 24, "x" * 16)),
    "getfeatures": (("get", tap.GETFEATURES),),
    "setqueue": tuple(("interface", tap.SETQUEUE, struct.pack("=H", value)) for value in
                      (tap.ATTACH, tap.DETACH, tap.DETACH, tap.ATTACH, tap.ATTACH, tap.ATTACH | tap.DETACH, 0, 1, 0xFFFF, tap.DETACH,
                       tap.ATTACH | tap.DETACH, 0xF9FF)),
    "setsndbuf": puts(tap.SETSNDBUF, 1, 0, -1, 2147483647, -2147483648, 212992),
    "sethdrsz": puts(tap.SETHDRSZ, 0, -1, 9, 10, 11, 12, 20, 65535, 65536, 2147483647, -2147483648, 10),
    "vnetle": puts(tap.SETLE, 1, 0, 2, -1, 0),
    "vnetle-of-no-header": setiff(0x1002) + puts(tap.SETLE, 1) + setiff(0x5002),
    "vnetbe": puts(tap.SETBE, 1, 0) + (("get", tap.GETBE),),
    "setoffload": tuple(("number", tap.SETOFFLOAD, value) for value in
                        (0, 1, 2, 3, 5, 7, 9, 11, 15, 16, 17, 0x20, 0x21, 0x40, 0x61, 0x7F, 0x80, 0x81, 0x100, 0x101, 1 << 31,
                         1 << 32, (1 << 32) + 1, (1 << 64) - 1)),
    "hwaddr": (("interface", tap.GETHWADDR), ("interface", tap.GETHWADDR, b"\xff" * 24, "x" * 16)),
    "hwaddr-set": (address("0200000000aa"), ("interface", tap.GETHWADDR), address("0200000000aa")),
    "hwaddr-set-bad": (address("0200000000aa", 0), address("0200000000aa", 2), address("010000000001"), address("000000000000"),
                       address("ffffffffffff")),
    "hwaddr-set-taken": (address(LOWER.hex()), address("020000000021")),
    # Of tun, of sockets and of nobody.
    "unknown": tuple(("get", command) for command in
                     (0x400454C8, 0x400454C9, 0x400454CB, 0x400454CC, 0x400454CD, 0x400454CE, 0x400454D1, 0x800454D3, 0x401054D5,
                      0x401054D6, 0x801054DB, 0x400454DA, 0x800454E0, 0x800454E1, 0x400454E2, 0x54E3, 0x8912, 0x8913, 0x8921, 0x8922,
                      0x8933, 0x8946, 0x5401, 0x541B, 0x5411, 0x54CA, 0, 0xFFFFFFFF)),
    "address": tuple(("number", command, tap.UNMAPPED) for command in
                     (tap.SETIFF, tap.GETIFF, tap.SETQUEUE, tap.GETFEATURES, tap.SETSNDBUF, tap.GETHDRSZ, tap.SETHDRSZ, tap.GETLE,
                      tap.SETLE, tap.GETBE, tap.SETBE, tap.GETHWADDR, tap.SETHWADDR)),
    "address-0": tuple(("number", command, 0) for command in
                       (tap.SETIFF, tap.GETIFF, tap.SETQUEUE, tap.GETFEATURES, tap.SETSNDBUF, tap.GETHDRSZ, tap.SETHDRSZ, tap.GETLE,
                        tap.SETLE, tap.GETBE, tap.SETBE, tap.GETHWADDR, tap.SETHWADDR)),
}, commands)


@scenario(*TAPS)
def ioctl_hwaddr_while_down(bed):
    """An address that is taken may be had while down."""
    tap.place(bed, "t0 t1/B", up=False)
    file = File(bed, "A/t0")
    seen = {text: file.interface(tap.SETHWADDR, b"\1\0" + bytes.fromhex(text)) for text in ("020000000021", LOWER.hex(), "0200000000aa")}
    return {**seen, "address": bed.link("A", "t0", "address"), "events": bed.events()}


@scenario(*TAPS)
def ioctl_after_rename(bed):
    """The name is the one that the device has now."""
    tap.place(bed, "t0")
    file = File(bed, "A/t0")
    bed.must("A", "set", "index:20 name:other")
    return {**file.state(), "address": file.interface(tap.GETHWADDR)}


@scenario(*TAPS)
def ioctl_each_file(bed):
    """What is set in one file is not set in another one."""
    tap.place(bed, "t0")
    one, other = (File(bed, "A/t0") for _ in range(2))
    one.must(one.set_flags(0x1102))
    one.must(one.put(tap.SETHDRSZ, 12))
    one.must(one.put(tap.SETLE, 1))
    return {"one": one.state(), "other": other.state(), "new": File(bed, "A/t0").state()}


def features(bed, *steps):
    """What a reader's wishes do to the device's own features, also when the lower
    device's change: numbers, or what `ethtool -K` is told."""
    tap.place(bed, "t0")
    file = File(bed, "A/t0")

    def now():
        found = {device: {name: value for name, value in bed.ethtool("A", f"-k {device}", flush=False).items()
                          if value != "off [fixed]"} for device in ("t0", "v0")}
        return {**found, "events": bed.events()}

    seen = {"before": now()}
    for number, step in enumerate(steps, 1):
        answer = bed.ethtool("A", f"-K {step}") if isinstance(step, str) else file.ioctl(tap.SETOFFLOAD, step)
        seen[f"{number}: {step}"] = {"answer": answer, **now()}
    return seen


rows(TAPS, "offload-features", {
    "nothing": (0, 0x7F, 0), "tso": (3, 1, 7), "after-nothing": (0, 0x0F), "gro-below": ("v0 gro off", 0, 0x7F, "v0 gro on"),
    "tso-below": ("v0 tso off", 0x7F, "v0 tso on"), "sg-below": ("v0 sg off", 0, "v0 sg on"),
}, features)


# --- waiting ---------------------------------------------------------------------------


def raw_read(file, length=2000):
    return lambda: (lambda data: data if isinstance(data, str) else tap.describe(data))(file.read(length))


@scenario(*TAPS)
def wait_nonblocking(bed):
    """Nothing there, with each way to say that one does not wait."""
    port = tap.place(bed, "t0")
    file, waiting = File(bed, "A/t0"), File(bed, "A/t0", mode=os.O_RDWR)

    def nowait(file):
        buffer = bytearray(3000)
        try:
            length = os.preadv(file.fd, [buffer], 0, tap.RWF_NOWAIT)
        except OSError as error:
            return beds.error_name(error.errno)
        return tap.describe(bytes(buffer[:length]))

    def writes(file):
        try:
            return os.pwritev(file.fd, [bytes(10), tap.udp(port, "t0", "wire")], 0, tap.RWF_NOWAIT)
        except OSError as error:
            return beds.error_name(error.errno)

    seen = {"file": file.read(), "call": nowait(waiting), "zero": waiting.read(0) == b"", "write": writes(waiting)}
    file.set_queue(tap.DETACH)
    sent(bed, tap.udp(port, "wire", "t0"))
    return {**seen, "frame": nowait(waiting), "then": nowait(waiting)}


@scenario(*TAPS)
def wait_frame(bed):
    """A reader that sleeps is woken by a frame."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0", mode=os.O_RDWR)
    child = tap.Child(bed, raw_read(file))
    seen = {"before": child.asleep()}
    sent(bed, tap.udp(port, "wire", "t0"))
    return {**seen, "woken": child.done()}


@scenario(*TAPS)
def wait_frame_two_readers(bed):
    """Two readers of one file, two frames: each gets one."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0", mode=os.O_RDWR)
    children = [tap.Child(bed, raw_read(file)) for _ in range(2)]
    seen = {"before": [child.asleep() for child in children]}
    sent(bed, tap.udp(port, "wire", "t0", b"1"))
    sent(bed, tap.udp(port, "wire", "t0", b"22"))
    return {**seen, "woken": sorted(child.done() for child in children)}


def interrupted(bed, restart):
    """A signal while one sleeps."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0", mode=os.O_RDWR)

    def read():
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.siginterrupt(signal.SIGUSR1, not restart)
        return raw_read(file)()

    child = tap.Child(bed, read)
    seen = {"before": child.asleep()}
    child.kill(signal.SIGUSR1)
    seen["signal"] = child.asleep()
    sent(bed, tap.udp(port, "wire", "t0"))
    os.set_blocking(file.fd, False)
    return {**seen, "end": child.done(), "left": len(file.frames())}


rows(TAPS, "wait-signal", {"interrupts": False, "restarts": True}, interrupted)


def polled(bed, tool):
    """Asleep in poll, select or epoll until a frame comes."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")

    def wait():
        if tool == "select":
            return " ".join(str(len(found)) for found in select.select([file.fd], [], [file.fd], 30))
        if tool == "epoll":
            with select.epoll() as epoll:
                epoll.register(file.fd, select.EPOLLIN | select.EPOLLET)
                first = epoll.poll(30)
                return " ".join(tap.events(mask) for _, mask in [*first, *epoll.poll(0)])
        poller = select.poll()
        poller.register(file.fd, select.POLLIN)
        return " ".join(tap.events(mask) for _, mask in poller.poll(30000))

    child = tap.Child(bed, wait)
    seen = {"before": child.asleep()}
    sent(bed, tap.udp(port, "wire", "t0"))
    return {**seen, "woken": child.done(), "frames": file.seen()}


rows(TAPS, "wait", {tool: tool for tool in ("poll", "select", "epoll")}, polled)


@scenario(*TAPS)
def poll_states(bed):
    """What a file says in each of its states."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    frame = tap.udp(port, "wire", "t0")
    seen = {"empty": file.poll()}
    sent(bed, frame, count=2)
    seen["two"] = file.poll()
    file.read(100)
    seen["one"] = file.poll()
    file.set_queue(tap.DETACH)
    seen["detached-one"] = file.poll()
    file.read(100)
    seen["detached"] = file.poll()
    file.set_queue(tap.ATTACH)
    bed.must("A", "set", "name:t0 clear:1")
    seen["down"] = file.poll()
    seen["sndbuf-1"] = (file.put(tap.SETSNDBUF, 1), file.poll())
    seen["sndbuf-2"] = (file.put(tap.SETSNDBUF, 2), file.poll())
    for name, mode in (("read-only", os.O_RDONLY), ("write-only", os.O_WRONLY)):
        seen[name] = File(bed, "A/t0", mode=mode | os.O_NONBLOCK).poll()
    return seen


# --- room for what is sent --------------------------------------------------------------


def full(bed, port, writer):
    """From now on what is sent waits below the tap, as it would for a wire, and stays the sender's until it is let go."""
    bed.run("A", "tc qdisc add dev t0 root tbf rate 8bit burst 1600 limit 1000000")
    # What may go at once: a frame of 1514 bytes, and one of 66.
    return [writer.send(tap.udp(port, "t0", "wire", bytes(length))) for length in (1472, 24)]


def let_go(bed):
    bed.run("A", "tc qdisc del dev t0 root")


def room(bed, size):
    """Frames that are under way are the sender's: until there is no room."""
    port = tap.place(bed, "t0 t1/B")
    writer = File(bed, "A/t0")
    seen = {"first": full(bed, port, writer), "set": writer.put(tap.SETSNDBUF, size), "poll": writer.poll()}
    before = tap.counters(bed, "A/t0")
    answers = []
    for index in range(300):
        answers.append(writer.send(tap.udp(port, "t0", "t1", tap.number(index))))
        if answers[-1] == "EAGAIN":
            break
    seen |= {"sent": len(answers), "last": answers[-1], "full": writer.poll(), "stats": tap.changed(bed, before)}
    let_go(bed)
    seen["after all"] = (writer.poll(), writer.send(tap.udp(port, "t0", "wire")))
    bed.barrier.frames()
    return {**seen, "end": tap.changed(bed, before)}


rows(TAPS, "room", {str(size): size for size in (1, 1000, 5000, 20000, 100000)}, room)


@scenario(*TAPS)
def room_polled(bed):
    """Who asked for room in poll is told when there is."""
    port = tap.place(bed, "t0 t1/B")
    writer = File(bed, "A/t0")
    seen = {"filled": full(bed, port, writer)}
    writer.put(tap.SETSNDBUF, 1)
    seen |= {"first": writer.send(tap.udp(port, "t0", "t1")), "second": writer.send(tap.udp(port, "t0", "t1"))}

    def wait():
        poller = select.poll()
        poller.register(writer.fd, select.POLLOUT)
        return " ".join(tap.events(mask) for _, mask in poller.poll(30000))

    # As many as make the room's half free.
    writer.put(tap.SETSNDBUF, 1000)
    child = tap.Child(bed, wait)
    seen["before"] = child.asleep()
    let_go(bed)
    return {**seen, "woken": child.done()}


@scenario(*TAPS)
def room_waited_for(bed):
    """A writer that sleeps until there is room."""
    port = tap.place(bed, "t0 t1/B")
    writer = File(bed, "A/t0", mode=os.O_RDWR)
    seen = {"filled": full(bed, port, writer)}
    writer.put(tap.SETSNDBUF, 1000)
    seen["first"] = writer.send(tap.udp(port, "t0", "t1", bytes(1000)))
    child = tap.Child(bed, lambda: writer.send(tap.udp(port, "t0", "t1")))
    seen["before"] = child.asleep()
    let_go(bed)
    return {**seen, "then": child.asleep()}


@scenario(*TAPS)
def room_signal(bed):
    """A signal while one waits for room."""
    port = tap.place(bed, "t0 t1/B")
    writer = File(bed, "A/t0", mode=os.O_RDWR)
    seen = {"filled": full(bed, port, writer)}
    writer.put(tap.SETSNDBUF, 1000)
    seen["first"] = writer.send(tap.udp(port, "t0", "t1", bytes(1000)))
    before = tap.counters(bed, "A/t0")

    def write():
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.siginterrupt(signal.SIGUSR1, True)
        return writer.send(tap.udp(port, "t0", "t1"))

    child = tap.Child(bed, write)
    seen["before"] = child.asleep()
    child.kill(signal.SIGUSR1)
    return {**seen, "signal": child.done(), "stats": tap.changed(bed, before)}


@scenario(*TAPS)
def room_of_who_does_not_read(bed):
    """What another tap has not read."""
    port = tap.place(bed, "t0 t1/B")
    writer, reader = File(bed, "A/t0"), File(bed, "B/t1")
    seen = {"set": writer.put(tap.SETSNDBUF, 5000)}
    answers = []
    for index in range(20):
        answers.append(writer.send(tap.udp(port, "t0", "t1", tap.number(index))))
        bed.barrier.frames()
    return {**seen, "answers": answers, "read": tap.numbers(reader.frames())}


# --- the device moves ------------------------------------------------------------------


def traffic(bed, port, file, where, name="t0"):
    """A frame in each direction."""
    taps = bed.watch("X/v1", f"{where}/{name}")
    frame = tap.udp(port, "t0", "wire")
    seen = {"write": file.send(frame)}
    bed.barrier.frames()
    seen["wire"] = drain(taps.sockets["X/v1"], frame)
    seen["sent"] = sent(bed, tap.udp(port, "wire", "t0"))
    return {**seen, "frames": file.seen(), "poll": file.poll(), "state": file.state()}


@scenario(*TAPS)
def moved_with_file(bed):
    """Files that are open stay so, whatever becomes of the node."""
    port = tap.place(bed, "t0")
    bed.ns("B")
    file = File(bed, "A/t0")
    path = tap.node(bed, "A/t0")
    sent(bed, tap.udp(port, "wire", "t0", b"from before"))
    seen = {"before": traffic(bed, port, file, "A"), "move": bed.raw("A", "set", "name:t0 nsfd:/run/netns/B")}
    sent(bed, tap.udp(port, "wire", "t0", b"while down"))
    seen["down"] = {"frames": file.seen(), "write": file.send(tap.udp(port, "t0", "wire")), "poll": file.poll()}
    bed.must("B", "set", "name:t0 up")
    if hasattr(port, "own"):
        port.places["t0"] = "B"
        port.own("t0")
    seen["up"] = traffic(bed, port, file, "B")
    again = File(bed, "", path=path) if not isinstance(tap.opened(path), str) else None
    return {**seen, "old node": again.state() if again else "none", "new node": File(bed, "B/t0").state()}


@scenario(*TAPS)
def down_and_up(bed):
    """A device that is down for a while."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    sent(bed, tap.udp(port, "wire", "t0", b"1"))
    bed.must("A", "set", "name:t0 clear:1")
    before = tap.counters(bed, "A/t0", "A/v0")
    seen = {"sent": sent(bed, tap.udp(port, "wire", "t0", b"22")), "write": file.send(tap.udp(port, "t0", "wire")),
            "bad": file.write(bytes(20)), "stats": tap.changed(bed, before), "poll": file.poll()}
    bed.must("A", "set", "name:t0 up")
    sent(bed, tap.udp(port, "wire", "t0", b"333"))
    return {**seen, "frames": file.seen(), "after": traffic(bed, port, file, "A")}


# --- the device goes --------------------------------------------------------------------


def gone(bed, way):
    """Everything that can be done with a file whose device is gone."""
    port = tap.place(bed, "t0 t1" if way != "namespace" else "t0/B t1")
    where = port.places["t0"]
    file, other, detached = (File(bed, f"{where}/t0") for _ in range(3))
    detached.set_queue(tap.DETACH)
    path = tap.node(bed, f"{where}/t0")
    other.set_queue(tap.DETACH)
    for index in range(3):
        sent(bed, tap.udp(port, "wire", "t0", tap.number(index)))
    if way == "namespace":
        bed.del_ns("B")
        while not isinstance(descriptor := tap.opened(path), str):
            os.close(descriptor)
    else:
        bed.must("A", "del", "name:v0" if way == "lower" else "name:t0")
    frame = tap.udp(port, "t1", "wire") if way != "lower" else bytes(60)
    seen = {"poll": file.poll(), "poll-detached": detached.poll(), "poll-empty": other.poll(),
            "frames": tap.numbers(file.frames(3)), "read": file.read(), "read-detached": detached.read(), "read-0": str(file.read(0)),
            "poll-then": file.poll(), "write": file.send(frame), "write-bad": file.write(bytes(5)),
            "write-bad-header": file.send(frame, b"\1" + bytes(5) + b"\xff" * 4), "write-runt": file.send(bytes(13)),
            "write-detached": detached.send(frame)}
    for word, answer in (("getiff", file.interface(tap.GETIFF)), ("gethwaddr", file.interface(tap.GETHWADDR)),
                         ("sethwaddr", file.interface(tap.SETHWADDR, b"\1\0" + bytes.fromhex("0200000000aa"))),
                         ("setoffload", file.ioctl(tap.SETOFFLOAD, 1)), ("setoffload-bad", file.ioctl(tap.SETOFFLOAD, 0x80)),
                         ("attach", file.set_queue(tap.ATTACH)), ("detach", file.set_queue(tap.DETACH)), ("queue-0", file.set_queue(0)),
                         ("attach-detached", detached.set_queue(tap.ATTACH)),
                         ("setiff", file.interface(tap.SETIFF, b"\2\x50")), ("setiff-bad", file.interface(tap.SETIFF, b"\1\x50")),
                         ("features", file.get(tap.GETFEATURES)), ("sndbuf", file.put(tap.SETSNDBUF, 5000)),
                         ("sndbuf-0", file.put(tap.SETSNDBUF, 0)), ("header", file.put(tap.SETHDRSZ, 12)),
                         ("header-9", file.put(tap.SETHDRSZ, 9)),
                         ("le", file.put(tap.SETLE, 1)), ("unknown", file.get(0x54E3))):
        seen[f"ioctl-{word}"] = answer
    seen["open"] = tap.opened(path) if isinstance(tap.opened(path), str) else "OK"
    os.close(file.fd)
    file.fd = None
    return {**seen, "rest": sorted(name for name in bed.links("A")["A"] if name != "v0"), "other": other.read()}


rows(TAPS, "gone", {way: way for way in ("deleted", "lower", "namespace")}, gone)


@scenario(*TAPS)
def gone_blocked_reader(bed):
    """One that sleeps when the device goes."""
    tap.place(bed, "t0")
    file = File(bed, "A/t0", mode=os.O_RDWR)
    child = tap.Child(bed, raw_read(file))
    seen = {"before": child.asleep()}
    bed.must("A", "del", "name:t0")
    return {**seen, "after": child.asleep()}


@scenario(*TAPS)
def gone_polled(bed):
    """One that sleeps in poll when the device goes."""
    tap.place(bed, "t0")
    file = File(bed, "A/t0")

    def wait():
        poller = select.poll()
        poller.register(file.fd, select.POLLIN)
        return " ".join(tap.events(mask) for _, mask in poller.poll(30000))

    child = tap.Child(bed, wait)
    seen = {"before": child.asleep()}
    bed.must("A", "del", "name:t0")
    return {**seen, "after": child.asleep()}


@scenario(*TAPS)
def gone_and_again(bed):
    """Another device with the same name and index has nothing to do with the file."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    path = tap.node(bed, "A/t0")
    bed.must("A", "del", "name:t0")
    word = "own32:1:4 addr:020000000020" if tap.flavor(bed) == "macvtap" else "own16:1:0"
    bed.must("A", "new", f"KIND name:t0 index:20 link:10 {word} up")
    if hasattr(port, "own"):
        port.own("t0")
    other = File(bed, "", path=path)
    before = tap.counters(bed, "A/t0", "X/v1")
    seen = {"sent": sent(bed, tap.udp(port, "wire", "t0")), "old": file.interface(tap.GETIFF), "new": other.state(),
            "new-frames": other.seen()}
    file.set_flags(0x1002)
    return {**seen, "runt": file.write(bytes(5)), "attach": file.set_queue(tap.ATTACH), "stats": tap.changed(bed, before)}


@scenario(*TAPS)
def gone_open_in_child(bed):
    """A file that two processes share is closed when the last one closes it."""
    port = tap.place(bed, "t0")
    file = File(bed, "A/t0")
    child = tap.Child(bed, lambda: select.select([], [], [], 30) and "")
    child.asleep()
    file.close()
    before = tap.counters(bed, "A/t0")
    sent(bed, tap.udp(port, "wire", "t0"))
    seen = {"shared": tap.changed(bed, before)}
    child.kill(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with_stack = tap.counters(bed, "A/t0")
    sent(bed, tap.udp(port, "wire", "t0"))
    return {**seen, "closed": tap.changed(bed, with_stack)}
