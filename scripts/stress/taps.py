# SPDX-License-Identifier: GPL-2.0
"""/dev/tapN, hammered by scripts/stress/tap.c, and what is counted there."""

import contextlib
import mmap
import os
import shutil
import struct
import subprocess
import time

SHARED, PROGRAM = "/run/stress-taps", "/run/stress-tap"
WORDS = ("opened", "full", "closed", "read", "written", "refused", "commands", "done", "polled", "signals",
         "passed", "killed")


class Shared:
    """The file that the processes of tap.c have in common: struct shared."""

    SIZE = 8 * (2 + len(WORDS))

    def __init__(self, fresh=False):
        file = os.open(SHARED, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if fresh else 0), 0o600)
        os.ftruncate(file, self.SIZE)
        self.memory = mmap.mmap(file, self.SIZE)
        os.close(file)

    def number(self):
        return struct.unpack_from("=Q", self.memory)[0]

    @contextlib.contextmanager
    def quiet(self):
        """Whoever has a node open ends, and nobody opens one."""
        struct.pack_into("=Q", self.memory, 8, 1)
        try:
            yield
        finally:
            struct.pack_into("=Q", self.memory, 8, 0)

    def is_quiet(self):
        return struct.unpack_from("=Q", self.memory, 8)[0]

    def counts(self):
        return dict(zip(WORDS, struct.unpack_from(f"={len(WORDS)}Q", self.memory, 16)))

    def text(self):
        return ", ".join(f"{word} {number}" for word, number in self.counts().items())


def start(what, *args, **options):
    """A process of tap.c, of a copy in memory: the host's file system is slow."""
    if not os.path.exists(PROGRAM):
        shutil.copy(os.environ["STRESS_TAP"], f"{PROGRAM}.{os.getpid()}")
        os.rename(f"{PROGRAM}.{os.getpid()}", PROGRAM)
    return subprocess.Popen([PROGRAM, what, SHARED, *map(str, args)], **options)


def wait(process, each, until=None):
    """Calls EACH now and then; the status, or None if it was killed when it was time."""
    while process.poll() is None:
        each()
        if until and time.monotonic() > until:
            process.kill()
            process.wait()
            return None
        time.sleep(0.2)
    return process.returncode
