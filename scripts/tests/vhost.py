# SPDX-License-Identifier: GPL-2.0
"""The two rings of /dev/vhost-net (virtio 1.0, split), in memory of ours."""

import ctypes
import fcntl
import mmap
import os
import select
import struct

VHOST_SET_FEATURES, VHOST_SET_OWNER, VHOST_SET_MEM_TABLE = 0x4008AF00, 0xAF01, 0x4008AF03
VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE = 0x4008AF10, 0x4028AF11, 0x4008AF12
VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_NET_SET_BACKEND = 0x4008AF20, 0x4008AF21, 0x4008AF30
VHOST_SET_VRING_BUSYLOOP_TIMEOUT = 0x4008AF23
VIRTIO_F_VERSION_1 = 1 << 32
WRITE = 2
SIZE, BUFFER = 64, 128 << 10
RX, TX = 0, 1
# With version 1 the header has a count of buffers behind it.
HDR = 12


class Vring:
    """A ring of SIZE buffers, each of BUFFER bytes."""

    def __init__(self, vhost, index, at):
        self.memory, self.base = vhost.memory, vhost.base
        self.desc, self.avail, self.used = at, at + 0x1000, at + 0x2000
        self.buffers = at + 0x4000
        self.seen = self.given = 0
        self.kick, self.call = os.eventfd(0), os.eventfd(0, os.EFD_NONBLOCK)
        fcntl.ioctl(vhost.fd, VHOST_SET_VRING_NUM, struct.pack("=II", index, SIZE))
        fcntl.ioctl(vhost.fd, VHOST_SET_VRING_BASE, struct.pack("=II", index, 0))
        fcntl.ioctl(vhost.fd, VHOST_SET_VRING_ADDR, struct.pack(
            "=IIQQQQ", index, 0, self.base + self.desc, self.base + self.used, self.base + self.avail, 0))
        fcntl.ioctl(vhost.fd, VHOST_SET_VRING_KICK, struct.pack("=Ii", index, self.kick))
        fcntl.ioctl(vhost.fd, VHOST_SET_VRING_CALL, struct.pack("=Ii", index, self.call))

    def give(self, data=None):
        """Offers the next buffer, with DATA to send or to be filled."""
        slot = self.given % SIZE
        at = self.buffers + slot * BUFFER
        if data is not None:
            self.memory[at:at + len(data)] = data
        struct.pack_into("=QIHH", self.memory, self.desc + 16 * slot, at,
                         BUFFER if data is None else len(data), WRITE if data is None else 0, 0)
        struct.pack_into("=H", self.memory, self.avail + 4 + 2 * slot, slot)
        self.given += 1
        struct.pack_into("=H", self.memory, self.avail + 2, self.given & 0xFFFF)

    def kicked(self):
        os.eventfd_write(self.kick, 1)

    def taken(self):
        """What came back since: the bytes of each buffer."""
        done = []
        while struct.unpack_from("=H", self.memory, self.used + 2)[0] != self.seen & 0xFFFF:
            slot, length = struct.unpack_from("=II", self.memory, self.used + 4 + 8 * (self.seen % SIZE))
            at = self.buffers + slot * BUFFER
            done.append(self.memory[at:at + length])
            self.seen += 1
        return done

    def wait(self, seconds):
        select.select([self.call], [], [], seconds)
        try:
            os.eventfd_read(self.call)
        except BlockingIOError:
            pass


class Vhost:
    """A machine's card, as its monitor sets it up, on a descriptor of a tap."""

    def __init__(self, backend):
        self.fd = os.open("/dev/vhost-net", os.O_RDWR)
        each = 0x4000 + SIZE * BUFFER
        self.memory = mmap.mmap(-1, 2 * each)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        fcntl.ioctl(self.fd, VHOST_SET_OWNER)
        fcntl.ioctl(self.fd, VHOST_SET_FEATURES, struct.pack("=Q", VIRTIO_F_VERSION_1))
        fcntl.ioctl(self.fd, VHOST_SET_MEM_TABLE,
                    struct.pack("=IIQQQQ", 1, 0, 0, 2 * each, self.base, 0))
        self.rx, self.tx = Vring(self, RX, 0), Vring(self, TX, each)
        for _ in range(SIZE):
            self.rx.give()
        self.attach(backend)

    def attach(self, backend):
        """Frames come from there, and go there; -1: from nowhere."""
        for index in (RX, TX):
            fcntl.ioctl(self.fd, VHOST_NET_SET_BACKEND, struct.pack("=Ii", index, backend))
        if backend >= 0:
            self.rx.kicked()

    def look(self, microseconds):
        """Its thread is to look for frames that long before it sleeps."""
        fcntl.ioctl(self.fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, struct.pack("=II", RX, microseconds))

    def close(self):
        os.close(self.fd)
