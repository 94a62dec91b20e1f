# SPDX-License-Identifier: GPL-2.0
"""Runs a block of Python in another network namespace."""

import contextlib
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def inside(namespace):
    """A socket opened in the block belongs to the namespace; "-" is the caller's,
    "-new" one that nobody has yet."""
    if namespace == "-":
        yield
        return
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if namespace == "-new":
            check(libc.unshare(CLONE_NEWNET))
        else:
            there = os.open("/run/netns/" + namespace, os.O_RDONLY)
            try:
                check(libc.setns(there, CLONE_NEWNET))
            finally:
                os.close(there)
        try:
            yield
        finally:
            check(libc.setns(home, CLONE_NEWNET))
    finally:
        os.close(home)
