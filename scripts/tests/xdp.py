#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""XDP programs without a compiler, and but for `ask` without BTF.

usage: xdp.py pin PATH STEP...         pin a program, and its maps as PATH_count and PATH_map
       xdp.py count PATH               packets and bytes that `count` has seen
       xdp.py asked PATH               what `ask` was told: of how many packets, and of the last one its
                                       hash, of what that is, its timestamp, and its VLAN tag
       xdp.py live PATH TIMES HEX      give the program frames as a driver does (BPF_PROG_RUN)
       xdp.py stamped DEV TIME HEX     send a frame that says a network card received it at TIME
       xdp.py tc PATH DEV to:IFINDEX|peer:IFINDEX|peer-egress:IFINDEX
                                       a program that sends on what DEV receives, to a device, or by
                                       bpf_redirect_peer(); its link is pinned
       xdp.py tc PATH DEV hash         a program that keeps the last hash of what DEV receives
       xdp.py hash PATH                that hash
       xdp.py tc PATH DEV notes        a program that counts what DEV receives
       xdp.py notes PATH               how many packets came, and beside how many (cb) something was noted
       xdp.py socket PATH DEV QUEUE N  an AF_XDP socket at key 0 of PATH_map, until N frames came or a
                                       line was read: prints how many, and the length of the last one

STEP, in this order of execution; the last one is a verdict:
  frags            the program can do with packets in pieces
  devmap cpumap    it is to run behind a map
  bound:DEV        it is to run at this device alone
  ask              ask what the driver knows of a packet (bpf_xdp_metadata_rx_*); only if bound
  count            count packets and bytes
  head:N tail:N    move the begin (the end) of the packet by N bytes (bpf_xdp_adjust_*)
  meta:N           N bytes of metadata in front of it, all 0x5a
  swap             exchange the two addresses
  to:HEX           the destination address
  byte:OFF:VALUE   write a byte
  pass drop aborted tx bad   the verdict; "bad" is none
  redirect:IFINDEX           to a device
  map:IFINDEX map:IFINDEX:PATH   to a device by a map, with a program for what goes out there
  cpu:CPU cpu:CPU:PATH       to another CPU, with a program to run there
  xsk                        to the socket at the queue's number
A step that does not work gives verdict "aborted".
"""

import ctypes
import errno
import json
import os
import select
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parity"))
import bpf  # noqa: E402
import btf  # noqa: E402

MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, OBJ_PIN, OBJ_GET, PROG_RUN = 0, 1, 2, 6, 7, 10
ARRAY, DEVMAP, CPUMAP, XSKMAP = 2, 14, 16, 17
HAS_FRAGS, DEV_BOUND_ONLY, LIVE_FRAMES, EGRESS = 1 << 5, 1 << 6, 1 << 1, 1 << 1
CLONE_REDIRECT, HASH_RECALC = 13, 34
LOOKUP, ADJUST_HEAD, REDIRECT, REDIRECT_MAP, ADJUST_META, ADJUST_TAIL, BUFF_LEN = 1, 44, 23, 51, 54, 65, 188
VERDICTS = {"aborted": 0, "drop": 1, "pass": 2, "tx": 3, "bad": 9}
ATTACH_DEVMAP, ATTACH_CPUMAP = 33, 35


def ins(op, dst=0, src=0, off=0, imm=0):
    return (op, dst, src, off, imm)


FAIL = "fail"


def assemble(program):
    """Bytes; an offset FAIL leads to the end, which says "aborted"."""
    fail = len(program)
    if any(off == FAIL for _, _, _, off, _ in program):
        program = [*program, ins(0xB7, 0), ins(0x95)]
    return b"".join(struct.pack("=BBhi", op, dst | src << 4, fail - at - 1 if off == FAIL else off, imm)
                    for at, (op, dst, src, off, imm) in enumerate(program))


def helper(number):
    return [ins(0x85, imm=number)]


def mov(register, value):
    return [ins(0xB7, register, imm=value)]


def copy(to, register):
    return [ins(0xBF, to, register)]


def map_fd(register, descriptor):
    return [ins(0x18, register, 1, imm=descriptor), ins(0)]


def header(size):
    """r2 is where the packet begins, of which `size` bytes are there."""
    return [ins(0x61, 2, 6, 0), ins(0x61, 3, 6, 4), *copy(4, 2), ins(0x07, 4, imm=size), ins(0x2D, 4, 3, FAIL)]


def adjust(number, by):
    return [*copy(1, 6), *mov(2, by), *helper(number), ins(0x55, 0, off=FAIL, imm=0)]


def counting(descriptor):
    code = []
    for key in (0, 1):
        if key:
            code += [*copy(1, 6), *helper(BUFF_LEN), *copy(7, 0)]
        else:
            code += mov(7, 1)
        code += [ins(0x62, 10, off=-4, imm=key), *map_fd(1, descriptor), *copy(2, 10), ins(0x07, 2, imm=-4),
                 *helper(LOOKUP), ins(0x15, 0, off=FAIL, imm=0), ins(0xDB, 0, 7, 0, 0)]
    return code


def value_of(descriptor):
    """r7 is where the value of key 0 is."""
    return [ins(0x62, 10, off=-4, imm=0), *map_fd(1, descriptor), *copy(2, 10), ins(0x07, 2, imm=-4),
            *helper(LOOKUP), ins(0x15, 0, off=FAIL, imm=0), *copy(7, 0)]


# What `ask` keeps: errors, and what they are of.
ASKED = struct.Struct("=iIIiQi2sHI")


def asking(descriptor):
    """Each function has the context, and where in the value it is to write; its result is put before that."""
    code = value_of(descriptor)
    numbers = asked_functions()
    for name, result, *places in (("hash", 0, 4, 8), ("timestamp", 12, 16), ("vlan_tag", 24, 28, 30)):
        code += copy(1, 6)
        for register, place in enumerate(places, 2):
            code += [*copy(register, 7), ins(0x07, register, imm=place)]
        # A call of the kernel's function with that number (BPF_PSEUDO_KFUNC_CALL).
        code += [ins(0x85, 0, 2, imm=numbers["bpf_xdp_metadata_rx_" + name]), ins(0x63, 7, 0, result)]
    return [*code, *mov(1, 1), ins(0xC3, 7, 1, 32, 0)]


def asked_functions(kept="/run/bpf-functions"):
    """Kept until the next boot: to look for them takes an emulated processor a while."""
    try:
        with open(kept, encoding="ascii") as file:
            return json.load(file)
    except FileNotFoundError:
        found = btf.functions(*("bpf_xdp_metadata_rx_" + name for name in ("hash", "timestamp", "vlan_tag")))
        with open(kept, "w", encoding="ascii") as file:
            json.dump(found, file)
        return found


def new_map(kind, value, entries, key=4):
    return bpf.bpf(MAP_CREATE, struct.pack("=IIIII52x", kind, key, value, entries, 0))


def update(descriptor, key, value):
    key, value = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value, len(value))
    bpf.bpf(MAP_UPDATE, struct.pack("=I4xQQQ", descriptor, ctypes.addressof(key), ctypes.addressof(value), 0))


def lookup(descriptor, number, size):
    key, value = ctypes.create_string_buffer(struct.pack("=I", number), 4), ctypes.create_string_buffer(size)
    bpf.bpf(MAP_LOOKUP, struct.pack("=I4xQQQ", descriptor, ctypes.addressof(key), ctypes.addressof(value), 0))
    return value.raw


def path_attr(path):
    return ctypes.create_string_buffer(path.encode())


def pin(descriptor, path):
    name = path_attr(path)
    bpf.bpf(OBJ_PIN, struct.pack("=QII", ctypes.addressof(name), descriptor, 0))


def pinned(path):
    name = path_attr(path)
    return bpf.bpf(OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0))


def redirect(descriptor, key):
    return [*map_fd(1, descriptor), *key, *mov(3, 0), *helper(REDIRECT_MAP)]


def build(steps, path=None):
    """The program's descriptor; maps are pinned beside it."""
    code, flags, attach, device = copy(6, 1), 0, bpf.TYPE_XDP, 0

    def keep(descriptor, name):
        if path:
            pin(descriptor, f"{path}_{name}")
        return descriptor

    for step in steps:
        name, *args = step.split(":")
        if name == "frags":
            flags |= HAS_FRAGS
        elif name == "bound":
            flags |= DEV_BOUND_ONLY
            device = socket.if_nametoindex(args[0])
        elif name == "ask":
            code += asking(keep(new_map(ARRAY, ASKED.size, 1), "ask"))
        elif name in ("devmap", "cpumap"):
            attach = {"devmap": ATTACH_DEVMAP, "cpumap": ATTACH_CPUMAP}[name]
        elif name == "count":
            code += counting(keep(new_map(ARRAY, 8, 2), "count"))
        elif name in ("head", "tail"):
            code += adjust(ADJUST_HEAD if name == "head" else ADJUST_TAIL, int(args[0]))
        elif name == "meta":
            size = int(args[0])
            code += adjust(ADJUST_META, -size)
            code += [ins(0x61, 2, 6, 8), ins(0x61, 3, 6, 0), *copy(4, 2), ins(0x07, 4, imm=size), ins(0x2D, 4, 3, FAIL)]
            code += [ins(0x62, 2, off=at, imm=0x5A5A5A5A) for at in range(0, size, 4)]
        elif name == "swap":
            code += [*header(14), ins(0x61, 5, 2, 0), ins(0x69, 7, 2, 4), ins(0x61, 8, 2, 6), ins(0x69, 9, 2, 10),
                     ins(0x63, 2, 5, 6), ins(0x6B, 2, 7, 10), ins(0x63, 2, 8, 0), ins(0x6B, 2, 9, 4)]
        elif name == "to":
            mac = bytes.fromhex(args[0])
            code += [*header(14), *(ins(0x72, 2, off=at, imm=byte) for at, byte in enumerate(mac))]
        elif name == "byte":
            at, value = int(args[0]), int(args[1], 0)
            code += [*header(at + 1), ins(0x72, 2, off=at, imm=value)]
        elif name in VERDICTS:
            code += mov(0, VERDICTS[name])
        elif name == "redirect":
            code += [*mov(1, int(args[0])), *mov(2, 0), *helper(REDIRECT)]
        elif name == "map":
            devices = keep(new_map(DEVMAP, 8, 1), "map")
            update(devices, bytes(4), struct.pack("=Ii", int(args[0]), pinned(args[1]) if args[1:] else -1))
            code += redirect(devices, mov(2, 0))
        elif name == "cpu":
            cpus = keep(new_map(CPUMAP, 8, int(args[0]) + 1), "map")
            update(cpus, struct.pack("=I", int(args[0])), struct.pack("=Ii", 192, pinned(args[1]) if args[1:] else -1))
            code += redirect(cpus, mov(2, int(args[0])))
        elif name == "xsk":
            sockets = keep(new_map(XSKMAP, 4, 64), "map")
            code += redirect(sockets, [ins(0x61, 2, 6, 16)])
        else:
            raise SystemExit(f"xdp.py: unknown step '{step}'")
    return load(assemble([*code, ins(0x95)]), flags, attach, device)


def load(program, flags, attach, device=0, kind=bpf.XDP):
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(65536)

    def attempt(level):
        return bpf.bpf(bpf.PROG_LOAD, struct.pack(
            "=IIQQIIQII16sII", kind, len(program) // 8, ctypes.addressof(code), ctypes.addressof(licence),
            level, len(log) if level else 0, ctypes.addressof(log) if level else 0, 0, flags, b"test", device, attach))

    try:
        return attempt(0)
    except OSError:
        try:
            attempt(1)
        except OSError as why:
            raise SystemExit(f"xdp.py: {why}: {log.value.decode(errors='replace')}") from why
        raise


def attach(device, program):
    """Attaches it to a device of this namespace, in native mode, in place of what is there; -1 detaches."""

    def attr(number, data):
        return struct.pack("=HH", len(data) + 4, number) + data + bytes(-len(data) % 4)

    xdp = attr(1, struct.pack("=i", program)) + attr(3, struct.pack("=I", 1 << 2))
    body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(device), 0, 0) + attr(43 | 0x8000, xdp)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(struct.pack("=IHHII", len(body) + 16, 19, 5, 1, 0) + body)
        error = -struct.unpack_from("=i", netlink.recv(65536), 16)[0]
    if error:
        raise OSError(error, os.strerror(error))


def counted(path):
    descriptor = pinned(path + "_count")
    return [struct.unpack("=Q", lookup(descriptor, number, 8))[0] for number in (0, 1)]


def asked(path):
    """Of what could not be had why not."""
    no_hash, value, kind, no_time, time, no_tag, protocol, tag, packets = ASKED.unpack(
        lookup(pinned(path + "_ask"), 0, ASKED.size))

    def known(error, text):
        return errno.errorcode.get(-error, error) if error else text

    # XDP_RSS_TYPE_L4
    return [packets, known(no_hash, f"{value:08x}"), known(no_hash, "l4" if kind & 8 else f"type:{kind}"),
            known(no_time, time), known(no_tag, f"{protocol.hex()}:{tag}")]


def stamped(device, time, frame):
    """Out of a device, as if another had received it: a program of tc sends it, to which it is given."""
    program = load(assemble([*mov(2, socket.if_nametoindex(device)), *mov(3, 0), *helper(CLONE_REDIRECT), ins(0x95)]),
                   0, 0, 0, bpf.SCHED_CLS)
    data = ctypes.create_string_buffer(frame, len(frame))
    context = ctypes.create_string_buffer(struct.pack("=184xQ", time), 192)
    bpf.bpf(PROG_RUN, struct.pack("=IIIIQQIIIIQQIII4x", program, 0, len(frame), 0, ctypes.addressof(data), 0,
                                  1, 0, 192, 0, ctypes.addressof(context), 0, 0, 0, 0))


def run_live(program, times, frame):
    """Gives a program frames as a driver does."""
    data = ctypes.create_string_buffer(frame, len(frame))
    context = ctypes.create_string_buffer(struct.pack("=IIIIII", 0, len(frame), 0, 0, 0, 0), 24)
    bpf.bpf(PROG_RUN, struct.pack("=IIIIQQIIIIQQIII4x", program, 0, len(frame), 0, ctypes.addressof(data), 0,
                                  times, 0, 24, 0, ctypes.addressof(context), 0, LIVE_FRAMES, 0, 0))


def tc(path, device, step):
    """A program of type SCHED_CLS where packets come in, until PATH goes."""
    if step == "hash":
        last = new_map(ARRAY, 4, 1)
        pin(last, path + "_hash")
        # TCX_NEXT; the hash is put where `value_of` does not look.
        program = assemble([*helper(HASH_RECALC), *copy(6, 0), *value_of(last), ins(0x63, 7, 6, 0), *mov(0, -1), ins(0x95)])
        pin(bpf.tcx(socket.if_nametoindex(device), program), path)
        return
    if step == "notes":
        counts = new_map(ARRAY, 16, 1)
        pin(counts, path + "_notes")
        program = assemble([*copy(6, 1), ins(0x61, 8, 6, 48), ins(0x61, 9, 6, 52), ins(0x4F, 8, 9), *value_of(counts),
                            *mov(1, 1), ins(0xDB, 7, 1, 0), ins(0x15, 8, off=1), ins(0xDB, 7, 1, 8),
                            *mov(0, -1), ins(0x95)])
        pin(bpf.tcx(socket.if_nametoindex(device), program), path)
        return
    how, ifindex = step.split(":")
    number, flags = {"to": (REDIRECT, 0), "peer": (bpf.REDIRECT_PEER, 0), "peer-egress": (bpf.REDIRECT_PEER, EGRESS)}[how]
    program = assemble([*mov(1, int(ifindex)), *mov(2, flags), *helper(number), ins(0x95)])
    pin(bpf.tcx(socket.if_nametoindex(device), program), path)


# AF_XDP: linux/if_xdp.h
AF_XDP, SOL_XDP = 44, 283
MMAP_OFFSETS, RX_RING, UMEM_REG, FILL_RING, COMPLETION_RING = 1, 2, 4, 5, 6
PGOFF_RX, PGOFF_FILL = 0, 0x100000000
COPY, CHUNK = 2, 4096


class Mapped:
    """A ring of an AF_XDP socket."""

    def __init__(self, sock, offset, where, entry, size):
        at = mmap(size * entry + where[2], 1 | 0x8000, sock.fileno(), offset)
        self.producer = ctypes.c_uint32.from_address(at + where[0])
        self.consumer = ctypes.c_uint32.from_address(at + where[1])
        self.entries, self.entry, self.size = at + where[2], entry, size

    def slot(self, number):
        return self.entries + number % self.size * self.entry


def mmap(size, flags, fd=-1, offset=0):
    libc = bpf.libc
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    at = libc.mmap(None, size, 3, flags, fd, offset)
    if at in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    return at


class XdpSocket:
    """A socket on a queue of a device, with room for so many frames, a power of two."""

    def __init__(self, device, queue, frames=64):
        self.queue = queue
        self.sock = sock = socket.socket(AF_XDP, socket.SOCK_RAW)
        area = mmap(frames * CHUNK, 0x22)
        sock.setsockopt(SOL_XDP, UMEM_REG, struct.pack("=QQIIII", area, frames * CHUNK, CHUNK, 0, 0, 0))
        for option in (FILL_RING, COMPLETION_RING, RX_RING):
            sock.setsockopt(SOL_XDP, option, struct.pack("=I", frames))
        offsets = struct.unpack("=16Q", sock.getsockopt(SOL_XDP, MMAP_OFFSETS, 128))
        self.rx = Mapped(sock, PGOFF_RX, offsets[0:3], 16, frames)
        self.fill = Mapped(sock, PGOFF_FILL, offsets[8:11], 8, frames)
        for number in range(frames):
            ctypes.c_uint64.from_address(self.fill.slot(number)).value = number * CHUNK
        self.fill.producer.value = frames
        # bind(2) by hand: Python does not know this family.
        address = struct.pack("=HHIII", AF_XDP, COPY, socket.if_nametoindex(device), queue, 0)
        if bpf.libc.bind(sock.fileno(), address, len(address)) < 0:
            raise OSError(ctypes.get_errno(), "bind")

    def reached_by(self, path):
        """A program's map says from now on that this socket is meant."""
        update(pinned(path + "_map"), struct.pack("=I", self.queue), struct.pack("=I", self.sock.fileno()))

    def read(self):
        """Takes what has come: how many frames, and the length of the last one."""
        rx, fill, seen, last = self.rx, self.fill, 0, 0
        while rx.consumer.value != rx.producer.value:
            address, last, _ = struct.unpack("=QII", ctypes.string_at(rx.slot(rx.consumer.value), 16))
            ctypes.c_uint64.from_address(fill.slot(fill.producer.value)).value = address & ~(CHUNK - 1)
            fill.producer.value = fill.producer.value + 1
            rx.consumer.value = rx.consumer.value + 1
            seen += 1
        return seen, last


def receive(path, device, queue, wanted):
    xsk = XdpSocket(device, queue)
    xsk.reached_by(path)
    print("ready", flush=True)
    seen, last = 0, 0
    while seen < wanted:
        ready, _, _ = select.select([xsk.sock, sys.stdin], [], [])
        if sys.stdin in ready:
            break
        more, length = xsk.read()
        seen += more
        last = length if more else last
    print(seen, last, flush=True)


def main(command, *args):
    if command == "pin":
        pin(build(args[1:], args[0]), args[0])
    elif command == "count":
        print(*counted(args[0]))
    elif command == "asked":
        print(*asked(args[0]))
    elif command == "hash":
        print(f"{struct.unpack('=I', lookup(pinned(args[0] + '_hash'), 0, 4))[0]:08x}")
    elif command == "notes":
        print(*struct.unpack("=QQ", lookup(pinned(args[0] + "_notes"), 0, 16)))
    elif command == "stamped":
        stamped(args[0], int(args[1]), bytes.fromhex(args[2]))
    elif command == "live":
        run_live(pinned(args[0]), int(args[1]), bytes.fromhex(args[2]))
    elif command == "tc":
        tc(*args)
    elif command == "socket":
        receive(args[0], args[1], int(args[2]), int(args[3]))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as problem:
        print(errno.errorcode.get(problem.errno, problem.errno))
        sys.exit(1)
