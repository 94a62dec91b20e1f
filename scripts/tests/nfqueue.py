#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Keeps packets that netfilter has put into a queue of the current namespace, and then lets them pass.

usage: nfqueue.py QUEUE COUNT FILE

Says "bound" when packets can come, "kept" when COUNT of them are there, and when FILE exists lets all of
them pass: "accepted N gone M", of which M were not waiting any more.
"""

import errno
import os
import socket
import struct
import sys
import time

NETLINK_NETFILTER = 12
NLMSG_ERROR = 2
NLM_F_REQUEST, NLM_F_ACK = 1, 4
NFNL_SUBSYS_QUEUE = 3
NFQNL_MSG_PACKET, NFQNL_MSG_VERDICT, NFQNL_MSG_CONFIG = 0, 1, 2
NFQA_PACKET_HDR, NFQA_VERDICT_HDR = 1, 2
NFQA_CFG_CMD, NFQA_CFG_PARAMS = 1, 2
NFQNL_CFG_CMD_BIND, NFQNL_COPY_META = 1, 1
NF_ACCEPT = 1
LIMIT = 30


def attr(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def attrs(data):
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        found[kind & 0x7FFF] = data[4:size]
        data = data[size + -size % 4:]
    return found


def messages(data):
    """(type, payload) of each message."""
    while len(data) >= 16:
        size, kind = struct.unpack_from("=IH", data)
        yield kind, data[16:size]
        data = data[size + -size % 4:]


class Queue:
    def __init__(self, number):
        self.number = number
        self.kept = []
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.sock.settimeout(LIMIT)
        self.ask(NFQNL_MSG_CONFIG, attr(NFQA_CFG_CMD, struct.pack("!BxH", NFQNL_CFG_CMD_BIND, 0)))
        self.ask(NFQNL_MSG_CONFIG, attr(NFQA_CFG_PARAMS, struct.pack("!IB", 0, NFQNL_COPY_META)))

    def take(self):
        """Reads once; the error number of an answer, or None if there was none."""
        answer = None
        for kind, payload in messages(self.sock.recv(65536)):
            if kind == NLMSG_ERROR:
                answer = -struct.unpack_from("=i", payload)[0]
            elif kind == NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET:
                self.kept.append(attrs(payload[4:])[NFQA_PACKET_HDR][:4])
        return answer

    def ask(self, operation, data, allowed=()):
        kind = NFNL_SUBSYS_QUEUE << 8 | operation
        data = struct.pack("!BBH", socket.AF_UNSPEC, 0, self.number) + data
        header = struct.pack("=IHHII", 16 + len(data), kind, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
        self.sock.send(header + data)
        err = None
        while err is None:
            err = self.take()
        if err and err not in allowed:
            raise OSError(err, os.strerror(err))
        return err


def main():
    number, count, go = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    queue = Queue(number)
    print("bound", flush=True)
    while len(queue.kept) < count:
        queue.take()
    print("kept", flush=True)
    end = time.monotonic() + LIMIT
    while not os.path.exists(go):
        if time.monotonic() > end:
            sys.exit("nfqueue.py: nobody said that they may pass")
        time.sleep(0.02)
    done = {0: 0, errno.ENOENT: 0}
    # Some come back by the next rule.
    while queue.kept:
        verdict = attr(NFQA_VERDICT_HDR, struct.pack("!I", NF_ACCEPT) + queue.kept.pop(0))
        done[queue.ask(NFQNL_MSG_VERDICT, verdict, done)] += 1
    print(f"accepted {done[0]} gone {done[errno.ENOENT]}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (OSError, TimeoutError) as error:
        sys.exit(f"nfqueue.py: {error}")
