# SPDX-License-Identifier: GPL-2.0
"""Small BPF programs without a compiler: bpf(2) by hand."""

import ctypes
import errno
import os
import struct

from inside import libc

PROG_LOAD, LINK_CREATE = 5, 28
SCHED_CLS, XDP = 3, 6
TCX_INGRESS, TYPE_XDP = 46, 37
REDIRECT, REDIRECT_PEER = 23, 155  # numbers of helpers


def mov(register, value):
    return struct.pack("=BBhi", 0xB7, register, 0, value)


def call(helper):
    return struct.pack("=BBhi", 0x85, 0, 0, helper)


def leave():
    return struct.pack("=BBhi", 0x95, 0, 0, 0)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    descriptor = libc.syscall(321, command, buffer, len(attributes))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, "bpf: " + errno.errorcode.get(number, "?"))
    return descriptor


def load(kind, program, attach=0):
    """A descriptor of the program."""
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(b"GPL")
    # type, count, code, licence, log level, size and buffer, kernel version,
    # flags, name, ifindex, attach type
    return bpf(PROG_LOAD, struct.pack("=IIQQIIQII16sII", kind, len(program) // 8, ctypes.addressof(code),
                                      ctypes.addressof(licence), 0, 0, 0, 0, 0, b"parity", 0, attach))


def verdict(number):
    """An XDP program that returns the same for every frame."""
    return load(XDP, mov(0, number) + leave(), TYPE_XDP)


def tcx(ifindex, program):
    """Attaches a program to a device of this namespace, until the answer is closed."""
    descriptor = load(SCHED_CLS, program)
    try:
        return bpf(LINK_CREATE, struct.pack("=IIII16x", descriptor, ifindex, TCX_INGRESS, 0))
    finally:
        os.close(descriptor)
