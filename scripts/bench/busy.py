# SPDX-License-Identifier: GPL-2.0
"""In a guest: counts the instructions of all that runs, whoever it is done by."""

import mmap
import signal
import struct
import subprocess
import time

from guest import settle


class Busy:
    """Counts the instructions of everything that runs, also what runs later in
    workqueues and RCU callbacks: the time that a process with the lowest priority
    does not get. The kernel's own idle time is too coarse for that."""

    def __init__(self, program, idle=None):
        """IDLE is what is counted beside the work and not meant."""
        with open("/tmp/rounds", "wb") as file:
            file.write(bytes(4096))
        self.file = open("/tmp/rounds", "rb")
        self.rounds = mmap.mmap(self.file.fileno(), 4096, prot=mmap.PROT_READ)
        self.spinner = subprocess.Popen([program, "spin", "/tmp/rounds"])
        # While its file is read from a busy host the guest's clock goes on.
        while not self.now()[1]:
            time.sleep(0.01)
        # The fastest of some short times, in which nothing else ran.
        self.per_round = min(self.sample() for _ in range(50))
        self.spinner.send_signal(signal.SIGSTOP)
        self.empty = 0
        if idle:
            self.empty = sorted(self.count(idle) for _ in range(3))[1]

    def now(self):
        return time.monotonic_ns(), struct.unpack("=Q", self.rounds[:8])[0]

    def sample(self):
        start, rounds = self.now()
        time.sleep(0.002)
        end, more = self.now()
        return (end - start) / max(1, more - rounds)

    def count(self, work):
        settle()
        self.spinner.send_signal(signal.SIGCONT)
        start, rounds = self.now()
        work()
        time.sleep(0.2)
        end, more = self.now()
        self.spinner.send_signal(signal.SIGSTOP)
        return end - start - (more - rounds) * self.per_round - self.empty

    def stop(self):
        self.spinner.kill()
        self.spinner.wait()
