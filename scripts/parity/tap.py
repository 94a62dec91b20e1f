# SPDX-License-Identifier: GPL-2.0
"""Taps: their nodes and files, what a file is asked, and frames with a header in
front of them."""

import contextlib
import ctypes
import os
import select
import signal
import stat
import struct
import time
import zlib

import capture
import craft
from bed import error_name
from inside import inside, libc
from lower import IpPort, Port

TAPS = ("macvtap", "ipvtap")
NODES = "/run/parity-nodes"
CHARS = "/sys/dev/char"

SETIFF, GETIFF, SETQUEUE, GETFEATURES, SETOFFLOAD = 0x400454CA, 0x800454D2, 0x400454D9, 0x800454CF, 0x400454D0
SETSNDBUF, GETHDRSZ, SETHDRSZ, GETLE, SETLE = 0x400454D4, 0x800454D7, 0x400454D8, 0x800454DD, 0x400454DC
GETBE, SETBE, GETHWADDR, SETHWADDR = 0x800454DF, 0x400454DE, 0x8927, 0x8924
TAP, MULTI_QUEUE, ATTACH, DETACH, NO_PI, VNET_HDR = 0x2, 0x100, 0x200, 0x400, 0x1000, 0x4000
CSUM, TSO4, TSO6, ECN, UFO, USO4, USO6 = 1, 2, 4, 8, 16, 32, 64
NOBODY, UNMAPPED, RWF_NOWAIT = 65534, 1, 8
EVENTS = {1: "IN", 2: "PRI", 4: "OUT", 8: "ERR", 16: "HUP", 64: "RDNORM", 128: "RDBAND", 256: "WRNORM", 512: "WRBAND",
          0x2000: "RDHUP"}

libc.read.restype = libc.write.restype = ctypes.c_ssize_t
libc.read.argtypes = libc.write.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
libc.ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)


def flavor(bed):
    """The flavor on both sides, also where it is not the kind."""
    return bed.side.words.split()[-1]


def majors():
    """{name: major} of the character devices that nodes of taps may have."""
    with open("/proc/devices", encoding="ascii") as file:
        words = [line.split() for line in file.read().split("Block")[0].splitlines()]
    return {word[1]: int(word[0]) for word in words if len(word) == 2 and word[0].isdigit()}


def class_of(bed):
    """The name of the nodes' class, and of their range of numbers."""
    return bed.side.kind


def alone(bed):
    """Waits until the nodes are gone that devices of earlier runs had, whose
    namespaces the kernel takes apart by itself."""
    mine = {str(majors().get(name)) for name in (*TAPS, "rnetvirt")}
    end = time.monotonic() + 20
    while any(name.split(":")[0] in mine for name in os.listdir(CHARS)):
        if time.monotonic() > end:
            raise RuntimeError(f"nodes are left: {os.listdir(CHARS)}")
        time.sleep(0.01)


def place(bed, spec="t0 t1/B", up=True, **how):
    """Taps "NAME" or "NAME/NAMESPACE" as a Port has endpoints, without mode; those of
    flavor ipvtap have addresses, by which they are found."""
    alone(bed)
    macvtap = flavor(bed) == "macvtap"
    words = []
    for word in spec.split():
        name, _, namespace = word.partition("/")
        words.append(f"{name}:{'bridge' if macvtap else 'l2'}" + (f"/{namespace}" if namespace else ""))
    if macvtap:
        how.pop("ipv6", None)
    return (Port if macvtap else IpPort)(bed, " ".join(words), up=up, **how)


def ip(port, name, family=4):
    number = {"lower": 1, "wire": 2}.get(name) or port.numbers[name]
    return f"10.0.0.{number}" if family == 4 else f"fd00::{number}"


def udp(port, src, dst, payload=b"hello", sport=1000, dport=2000, family=4):
    """A frame with a datagram from one of a port's devices to another."""
    one, other = ip(port, src, family), ip(port, dst, family)
    data = craft.udp(payload, sport, dport, src=one, dst=other)
    return framed(port, src, dst, data, 17, family)


def tcp(port, src, dst, length=5000, family=4, flags=0x10):
    one, other = ip(port, src, family), ip(port, dst, family)
    return framed(port, src, dst, craft.tcp(pattern(length), one, other, flags), 6, family)


def framed(port, src, dst, data, protocol, family=4):
    one, other = ip(port, src, family), ip(port, dst, family)
    packet = craft.ipv4(data, protocol, one, other) if family == 4 else craft.ipv6(data, protocol, one, other)
    return craft.ether(port.address(dst), port.address(src), {4: 0x0800, 6: 0x86DD}[family], packet)


def pattern(length):
    """Bytes that do not look alike wherever they are cut."""
    return b"".join(struct.pack("!I", number * 2654435761 & 0xFFFFFFFF) for number in range(length // 4 + 1))[:length]


def number(index):
    """A payload that says which one it is."""
    return struct.pack("!4sI", b"no: ", index)


def numbers(frames):
    """Which ones came, as ranges; what else came, by its length."""
    found = []
    for data in frames:
        at = data.find(b"no: ") if isinstance(data, bytes) else -1
        value = struct.unpack_from("!I", data, at + 4)[0] if at >= 0 else str(len(data))
        if found and isinstance(value, int) and isinstance(found[-1], list) and found[-1][1] + 1 == value:
            found[-1][1] = value
        else:
            found.append([value, value] if isinstance(value, int) else value)
    return " ".join(item if isinstance(item, str) else str(item[0]) if item[0] == item[1] else f"{item[0]}-{item[1]}"
                    for item in found)


def called(result):
    """What a system call gave: a number or the error's name."""
    return result if result >= 0 else error_name(ctypes.get_errno())


def node(bed, pair):
    """A node of one's own for the tap "NAMESPACE/DEVICE", with the number that /sys
    says: its path."""
    namespace, device = pair.split("/")
    with inside(namespace), bed.sysfs(namespace) as top:
        name = next(name for name in os.listdir(f"{top}/{device}") if name.startswith("tap"))
        with open(f"{top}/{device}/{name}/dev", encoding="ascii") as file:
            major, minor = map(int, file.read().split(":"))
    return mknod(major, minor)


def mknod(major, minor):
    os.makedirs(NODES, exist_ok=True)
    path = f"{NODES}/{major}.{minor}"
    with contextlib.suppress(FileExistsError):
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(major, minor))
    return path


def opened(path, flags=os.O_RDWR | os.O_NONBLOCK):
    """An open file's descriptor, or the error's name."""
    try:
        return os.open(path, flags)
    except OSError as error:
        return error_name(error.errno)


class File:
    """An open file of a tap, closed at the scenario's end if not before. Settings:
    `flags` (IFF_*), `header` (its length), `offload` (TUN_F_*)."""

    def __init__(self, bed, pair, flags=None, header=None, offload=None, mode=os.O_RDWR | os.O_NONBLOCK, path=None):
        self.bed = bed
        self.fd = os.open(path or node(bed, pair), mode)
        self.header = 10
        bed.captures.append(self)
        if flags is not None:
            self.must(self.set_flags(flags))
        if header is not None:
            self.must(self.put(SETHDRSZ, header))
            self.header = header
        if offload is not None:
            self.must(self.ioctl(SETOFFLOAD, offload))

    @staticmethod
    def must(answer):
        if answer != 0:
            raise RuntimeError(f"ioctl: {answer}")

    def close(self):
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    # --- commands ---------------------------------------------------------------

    def ioctl(self, command, argument):
        """With a number, which may be an address, or a buffer that is read and written."""
        if isinstance(argument, bytearray):
            buffer = (ctypes.c_char * len(argument)).from_buffer(argument)
            argument = ctypes.addressof(buffer)
        return called(libc.ioctl(self.fd, command, argument))

    def put(self, command, value):
        return self.ioctl(command, bytearray(struct.pack("=i", value)))

    def get(self, command):
        """An int that the kernel writes."""
        buffer = bytearray(b"\xee" * 8)
        answer = self.ioctl(command, buffer)
        value, behind = struct.unpack("=i4s", buffer)
        return value if answer == 0 and behind == b"\xee" * 4 else f"{answer} {buffer.hex()}"

    def interface(self, command, data=b"", name=b""):
        """A struct ifreq: the answer and, if the kernel has written to it, what."""
        before = bytearray(struct.pack("16s24s", name, data))
        after = bytearray(before)
        answer = self.ioctl(command, after)
        if before == after:
            return str(answer)
        return f"{answer} {after[:16].rstrip(bytes(1)).decode(errors='replace')} {after[16:].rstrip(bytes(1)).hex()}"

    def set_flags(self, flags):
        answer = self.interface(SETIFF, struct.pack("=H", flags))
        if answer == "0":
            self.header = (self.header or 10) if flags & VNET_HDR else 0
            return 0
        return answer

    def set_queue(self, flags):
        return self.interface(SETQUEUE, struct.pack("=H", flags))

    def state(self):
        """All that it says of itself."""
        return {"interface": self.interface(GETIFF), "header": self.get(GETHDRSZ), "le": self.get(GETLE)}

    # --- frames ------------------------------------------------------------------

    def read(self, length=1 << 17):
        """Bytes, or the error's name."""
        buffer = ctypes.create_string_buffer(b"\xee" * length, length)
        result = called(libc.read(self.fd, buffer, length))
        return result if isinstance(result, str) else buffer.raw[:result]

    def write(self, data):
        return called(libc.write(self.fd, data, len(data)))

    def send(self, frame, header=None):
        """Writes a frame with a header, an empty one if the file wants one."""
        if self.header and header is None:
            header = bytes(self.header)
        return self.write((header or b"") + frame)

    def frames(self, limit=100000):
        """All that can be read now; what ends it if that is not EAGAIN."""
        found = []
        while len(found) < limit:
            data = self.read()
            if isinstance(data, str):
                return found if data == "EAGAIN" else [*found, data]
            # A capture's own mark of time.
            if capture.Marker.SOURCE not in data[:self.header + 14]:
                found.append(data)
        return found

    def seen(self, sent=None):
        """The same as text, with the headers."""
        return [self.describe(data, sent) for data in self.frames()]

    def describe(self, data, sent=None):
        if isinstance(data, str):
            return data
        return describe(data, self.header, sent)

    def poll(self):
        poller = select.poll()
        poller.register(self.fd, sum(EVENTS) & ~24)
        return events(dict(poller.poll(0)).get(self.fd, 0))


def describe(data, header=10, sent=None):
    words = [f"{len(data)} bytes"]
    if header:
        flags, gso, length, size, start, offset = struct.unpack_from("=BBHHHH", data.ljust(10, b"\xee"))
        words.append(f"flags={flags:x} gso={gso:x} header={length} size={size} start={start} offset={offset}")
        if header > 10:
            words.append("more=" + data[10:header].hex())
    frame = data[header:]
    words.append(f"crc={zlib.crc32(frame):08x} head={frame[:20].hex()}")
    if sent is not None:
        words.append("as-sent" if frame == sent else "changed:" + capture.change(frame, sent))
    return " ".join(words)


def events(mask):
    return "+".join(name for bit, name in EVENTS.items() if mask & bit) or "nothing"


def counters(bed, *pairs):
    """Statistics of "NAMESPACE/DEVICE"s, to be compared by changed()."""
    return {pair: dict(bed.links_now(pair.split("/")[0])[pair.split("/")[0]][pair.split("/")[1]]["stats"]) for pair in pairs}


def changed(bed, before):
    """What has been counted since."""
    return capture.difference(before, counters(bed, *before))


# --- what waits --------------------------------------------------------------------


class Child:
    """A process that does one thing with a file, and may sleep there. What it does
    gives a text."""

    def __init__(self, bed, function):
        self.result, there = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                signal.alarm(0)
                os.write(there, str(function()).encode())
            except BaseException as error:  # pylint: disable=broad-except
                os.write(there, b"\0" + repr(error).encode())
            finally:
                os._exit(0)
        os.close(there)
        bed.captures.append(self)
        self.text = None

    def asleep(self, limit=20):
        """Waits until it sleeps in the kernel or is done: what it gave, or "asleep"."""
        end = time.monotonic() + limit
        times = 0
        while time.monotonic() < end:
            with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
                state = file.read().rpartition(")")[2].split()[0]
            if state == "Z":
                return self.done()
            times = times + 1 if state == "S" else 0
            if times > 5:
                return "asleep"
            time.sleep(0.01)
        raise RuntimeError("neither sleeps nor is done")

    def done(self, limit=20):
        """What it gave."""
        if self.text is None:
            if not select.select([self.result], [], [], limit)[0]:
                raise RuntimeError("does not end")
            text = os.read(self.result, 65536).decode()
            # On both sides that would be the same.
            if not text or text[0] == "\0":
                raise RuntimeError(f"a child gave nothing: {text[1:] or 'no text, no error'}")
            self.text = text
        return self.text

    def kill(self, number):
        os.kill(self.pid, number)

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.result)
