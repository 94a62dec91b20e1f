#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs a program with queues of a tap as its descriptors 3, 4 ...

usage: rnetvirt-tap-exec [--queues N] [--vhost] DEVICE COMMAND [ARGUMENT...]

DEVICE is a link of flavor macvtap or ipvtap in this network namespace, or its node
(/dev/tapN). A virtual machine monitor is told the descriptors:

  rnetvirt-tap-exec --vhost t0 qemu-system-x86_64 ... \\
      -netdev tap,id=n0,fd=3,vhost=on -device virtio-net-pci,netdev=n0,mac=...
  rnetvirt-tap-exec --vhost --queues 2 t0 qemu-system-x86_64 ... \\
      -netdev tap,id=n0,fds=3:4,vhost=on -device virtio-net-pci,netdev=n0,mq=on,mac=...

  --queues N  so many (default: 1)
  --vhost     as sockets, which vhost-net accepts; it does not know the node
"""

import argparse
import fcntl
import os
import sys

# See Documentation/tap.md, "vhost-net".
TAP_GET_SOCKET = 0xFB00
FIRST = 3
# Installed as rnetvirt-tap-exec.
NAME = os.path.basename(sys.argv[0])


def node_of(device):
    """The node of a link, by the name that the kernel gave it, and the file that says its number."""
    if "/" in device:
        return device, None
    directory = f"/sys/class/net/{device}"
    try:
        with open(f"{directory}/ifindex", encoding="ascii") as file:
            index = file.read().strip()
    except OSError:
        sys.exit(f"{NAME}: no link '{device}' here (see 'ip link')")
    try:
        with open(f"{directory}/tap{index}/uevent", encoding="ascii") as file:
            lines = dict(line.strip().split("=", 1) for line in file)
    except OSError:
        sys.exit(f"{NAME}: '{device}' is no tap: its flavor has to be macvtap or ipvtap")
    return "/dev/" + lines["DEVNAME"], f"{directory}/tap{index}/dev"


def is_of(fd, number):
    """Whether it is the link's. The name may be another one's, a C driver's in another namespace for instance;
    and read before the opening a number may be another link's by then."""
    try:
        with open(number, encoding="ascii") as file:
            major, minor = map(int, file.read().split(":"))
    except OSError:
        return False
    return os.fstat(fd).st_rdev == os.makedev(major, minor)


def queue(node, number, vhost):
    """A descriptor of a new queue."""
    try:
        fd = os.open(node, os.O_RDWR)
    except OSError as error:
        sys.exit(f"{NAME}: {node}: {error.strerror}")
    if number and not is_of(fd, number):
        sys.exit(f"{NAME}: {node} is not the link's node, whose number {number} says: make one with mknod, and name that")
    if not vhost:
        return fd
    try:
        sock = fcntl.ioctl(fd, TAP_GET_SOCKET)
    except OSError as error:
        sys.exit(f"{NAME}: {node} gives no socket: {error.strerror} "
                 "(the C drivers' nodes need none, vhost-net knows them)")
    os.close(fd)
    return sock


def main():
    parser = argparse.ArgumentParser(prog=NAME, usage=__doc__, add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--queues", type=int, default=1)
    parser.add_argument("--vhost", action="store_true")
    parser.add_argument("device", nargs="?")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if args.help:
        print(__doc__, end="")
        return
    if not args.command or not 1 <= args.queues <= 256:
        print(f"{NAME}: a device and a command are needed, and 1 to 256 queues (try --help)", file=sys.stderr)
        sys.exit(2)
    # Out of the way of where they are to be.
    fds = [fcntl.fcntl(queue(*node_of(args.device), args.vhost), fcntl.F_DUPFD_CLOEXEC, FIRST + args.queues)
           for _ in range(args.queues)]
    for at, fd in enumerate(fds, FIRST):
        os.dup2(fd, at)
    try:
        os.execvp(args.command[0], args.command)
    except OSError as error:
        print(f"{NAME}: {args.command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main()
