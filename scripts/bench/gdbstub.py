# SPDX-License-Identifier: GPL-2.0
"""As much of gdb's remote protocol as QEMU needs to step through a guest's code."""

import socket
import struct
import time


class Stub:
    RIP = 16 * 8

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.sock.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise SystemExit(f"no debugger port at {path}")
        self.sock.settimeout(60)
        self.data = b""
        # That the guest stopped may be said unasked. Timers and interrupts stay
        # quiet while stepping: that is QEMU's default.
        self.send("qqemu.sstepbits")
        while not self.receive().startswith("ENABLE"):
            pass

    def send(self, text):
        text = text.encode()
        self.sock.sendall(b"$" + text + b"#%02x" % (sum(text) & 0xFF))

    def receive(self):
        while True:
            start = self.data.find(b"$")
            end = self.data.find(b"#", start)
            if start >= 0 and 0 <= end <= len(self.data) - 3:
                answer = self.data[start + 1 : end].decode()
                self.data = self.data[end + 3 :]
                self.sock.sendall(b"+")
                return answer
            more = self.sock.recv(65536)
            if not more:
                raise SystemExit("the guest has gone")
            self.data += more

    def ask(self, text):
        self.send(text)
        return self.receive()

    def rip(self):
        registers = bytes.fromhex(self.ask("g")[: 2 * (self.RIP + 8)])
        return struct.unpack_from("<Q", registers, self.RIP)[0]

    def step(self):
        self.ask("s")
        return self.rip()

    def breakpoint(self, address, on=True):
        if self.ask(f"{'Z' if on else 'z'}1,{address:x},1") != "OK":
            raise SystemExit(f"cannot set a breakpoint at {address:#x}")

    def run_to(self, address):
        """Lets the guest run until it is about to execute there."""
        if self.rip() == address:
            self.step()
        self.breakpoint(address)
        answer = self.ask("c")
        self.breakpoint(address, on=False)
        if self.rip() != address:
            raise SystemExit(f"stopped elsewhere: {answer}")

    def detach(self):
        self.ask("D")
        self.sock.close()
