# SPDX-License-Identifier: GPL-2.0
"""Nodes of taps, in /sys and /dev: which, when, whose. Opening them."""

import contextlib
import os
import socket

import bed as beds
import rtnl
import tap
from inside import inside
from registry import rows, scenario
from tap import TAPS, File

B = "nsfd:/run/netns/B"


def own(bed, text):
    """Without the name of the class and its number."""
    for name, major in tap.majors().items():
        if name == tap.class_of(bed):
            text = text.replace(f"{major}:", "MAJOR:").replace(f"MAJOR={major}", "MAJOR=own")
    return text.replace("/" + tap.class_of(bed) + "/", "/CLASS/").replace(tap.class_of(bed), "CLASS")


def nodes(bed, *namespaces):
    """What each namespace's /sys has, and what is in /dev."""
    seen = {}
    for namespace in namespaces or sorted(bed.sockets):
        with bed.sysfs(namespace) as top:
            found = {}
            # Some are files: what bonding has there.
            for device in sorted(name for name in os.listdir(top) if os.path.isdir(f"{top}/{name}")):
                for name in sorted(os.listdir(f"{top}/{device}")):
                    if name.startswith("tap"):
                        found[f"{device}/{name}"] = own(bed, os.readlink(f"{top}/{device}/{name}") + " " +
                                                        beds.read(f"{top}/{device}/{name}/dev"))
            place = os.path.dirname(top) + "/" + tap.class_of(bed)
            found["class"] = sorted(os.listdir(place))
        seen[namespace] = found
    return {**seen, "dev": {name: character(bed, "/dev/" + name) for name in sorted(os.listdir("/dev"))
                            if name.startswith("tap") and name[3:].isdigit()}}


def character(bed, path):
    """A node's mode, owner and number."""
    try:
        found = os.stat(path)
    except OSError as error:
        return beds.error_name(error.errno)
    return own(bed, f"{found.st_mode:o} {found.st_uid}:{found.st_gid} {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}")


@scenario(*TAPS)
def node(bed):
    """One tap's node, its directory and its end."""
    tap.place(bed, "t0")
    bed.ns("B")
    seen = {"class": tap.class_of(bed), "there": nodes(bed)}
    tree = bed.sysfs_tree("A", "t0")
    seen["files"] = {own(bed, name): own(bed, text) for name, text in tree.items() if "tap" in name and "power/" not in name}
    seen["answer"] = bed.raw("A", "del", "name:t0")
    return {**seen, "gone": nodes(bed)}


@scenario(*TAPS)
def node_number_has_a_name(bed):
    """In /proc/devices and /sys/dev."""
    tap.place(bed, "t0")
    major, minor = (f(os.stat(tap.node(bed, "A/t0")).st_rdev) for f in (os.major, os.minor))
    names = [name for name, number in tap.majors().items() if number == major]
    return {"names": names, "minor": minor, "char": own(bed, os.path.basename(os.readlink(f"/sys/dev/char/{major}:{minor}")))}


class Uevents:
    """What the kernel tells a namespace of devices that come and go."""

    def __init__(self, namespace):
        with inside(namespace):
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)  # NETLINK_KOBJECT_UEVENT
        self.socket.bind((0, 1))
        self.socket.setblocking(False)

    def take(self, bed):
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                words = self.socket.recv(8192).decode().rstrip("\0").split("\0")
                if "/queues/" not in words[0]:
                    found.append(own(bed, " ".join(word for word in words if not word.startswith("SEQNUM="))))
        return found

    def close(self):
        self.socket.close()


def uevents(bed, *requests):
    tap.place(bed, "")
    bed.ns("B")
    ears = {name: Uevents(name) for name in "AB"}
    bed.captures += ears.values()
    seen = {}
    for number, request in enumerate(requests, 1):
        namespace, operation, tokens = request.split(" ", 2)
        seen[f"{number}-{operation}"] = {"answer": bed.raw(namespace, operation, tokens),
                                         **{name: ear.take(bed) for name, ear in ears.items()}}
    return seen


NEW = "A new KIND name:t0 index:20 link:10"
rows(TAPS, "node-uevents", {
    "usual": (NEW, "A del name:t0"),
    "renamed": (NEW, "A set name:t0 name:x", "A set index:20 name:x0", "A del name:x0"),
    "moved": (NEW, f"A set name:t0 {B}", "B del name:t0"),
    "made-elsewhere": (f"{NEW} {B}", "B del name:t0"),
    "lower-deleted": (NEW, "A del name:v0"),
}, uevents)


def lives(bed, *requests):
    """The nodes after each request."""
    tap.place(bed, "t0 t1")
    bed.ns("B")
    seen = {"before": nodes(bed)}
    for request in requests:
        namespace, operation, tokens = request.split(" ", 2)
        seen[request] = {"answer": bed.raw(namespace, operation, tokens), **nodes(bed)}
    return seen


rows(TAPS, "node", {
    "renamed": ("A set name:t0 name:x0", "A set index:20 name:x0", "A del name:x0"),
    "moved": (f"A set name:t0 {B}", "B set name:t0 nsfd:/run/netns/A"),
    "moved-to-index": (f"A set name:t0 {B} attr:49:63000000", "B set name:t0 nsfd:/run/netns/A"),
    "moved-name-taken": ("B new kind:dummy name:t0 index:30", f"A set name:t0 {B}"),
    "up-down": ("A set name:t0 up", "A set name:t0 clear:1"),
    "number-again": ("A del name:t0", "A new KIND name:t2 index:25 link:10", "A new KIND name:t3 index:26 link:10"),
    "number-after-move": (f"A set name:t0 {B}", "A new KIND name:t2 index:25 link:10"),
    "same-index": (f"A new KIND name:t2 index:20 link:10 {B}", "A del name:t0", "B del name:t2"),
    "same-index-last-first": (f"A new KIND name:t2 index:20 link:10 {B}", "B del name:t2", "A del name:t0"),
    "large-index": ("A new KIND name:t2 index:2147483647 link:10", "A del name:t2"),
    "lower-deleted": ("A del name:v0",),
    "refused": ("A new KIND name:t0 index:25 link:10", "A new KIND name:a/b index:25 link:10",
                "A new KIND name:t2 index:20 link:10"),
    "refused-later": ("A new KIND name:t2 index:25 link:10 up addr:020000000001", "A new KIND name:t2 index:25 link:10 master:10"),
    "into-a-bridge": ("A new kind:bridge name:br0 index:90 addr:020000000090 data:23:00", "A set name:t0 master:90"),
    "below-one-of-its-kind": ("A new KIND name:t2 index:30 link:20", "A del name:t0"),
}, lives)
# C ipvlan takes what is below C ipvtap instead.
rows(("macvtap",), "node", {"below-an-ipvlan": ("A new kind:ipvlan name:i0 index:30 link:20 data16:1:0",)}, lives)


@scenario(*TAPS)
def node_many(bed):
    """Numbers of many, and of those that fill the gaps."""
    tap.place(bed, "")
    for index in range(100, 130):
        bed.must("A", "new", f"KIND name:t{index} index:{index} link:10", flush=False)
    for index in (103, 110, 129):
        bed.must("A", "del", f"name:t{index}", flush=False)
    for index in (130, 131, 132, 133):
        bed.must("A", "new", f"KIND name:t{index} index:{index} link:10", flush=False)
    return nodes(bed, "A")


@scenario(*TAPS)
def node_dies_with_its_namespace(bed):
    tap.place(bed, "t0 t1/B")
    before = nodes(bed)
    bed.must("A", "del", "name:t0")
    bed.del_ns("B")
    tap.alone(bed)
    return {"before": before, "after": nodes(bed)}


@scenario(*TAPS)
def link_netnsid(bed):
    """Where the lower device is, of one elsewhere."""
    tap.place(bed, "t0/B t1")
    return {name: {link["name"]: link.get("link_netnsid", "-") for link in map(rtnl.shown, beds.dump(bed.sockets[name]))
                   if link["name"] in ("t0", "t1")} for name in "AB"}


# --- opening -----------------------------------------------------------------------


def close(descriptor):
    """Of what opened() gave: whether it was a file."""
    if isinstance(descriptor, str):
        return descriptor
    os.close(descriptor)
    return "OK"


@scenario(*TAPS)
def open_numbers(bed):
    """Numbers that are nobody's, are somebody's, and were somebody's."""
    tap.place(bed, "t0 t1")
    path = tap.node(bed, "A/t0")
    major = os.major(os.stat(path).st_rdev)
    seen = {str(minor): close(tap.opened(tap.mknod(major, minor))) for minor in (0, 1, 2, 3, 4, 255, 256, 0xFFFFF)}
    bed.must("A", "del", "name:t0")
    seen["deleted"] = close(tap.opened(path))
    bed.must("A", "new", "KIND name:t9 index:29 link:10")
    seen["somebody else's"] = close(tap.opened(path))
    other = File(bed, "", path=path)
    return {**seen, "whose": other.state()}


@scenario(*TAPS)
def open_in_dev(bed):
    """The node that the driver core makes is the one of /sys."""
    tap.place(bed, "t0 t1/B")
    return {name: File(bed, "", path="/dev/" + name).state() for name in ("tap20", "tap21")}


def limit(bed, detach):
    """No more than 256 at a time."""
    tap.place(bed, "t0 t1")
    path = tap.node(bed, "A/t0")
    files = [File(bed, "", path=path) for _ in range(256)]
    if detach:
        for file in files[:100]:
            file.set_queue(tap.DETACH)
    seen = {"257th": close(tap.opened(path)), "another's": close(tap.opened(tap.node(bed, "A/t1")))}
    files[0].close()
    seen["after a close"] = close(tap.opened(path))
    seen["and again"] = close(tap.opened(path))
    seen["last"] = files[255].state()
    return seen


rows(TAPS, "open-limit", {"attached": False, "detached": True}, limit)


@scenario(*TAPS)
def open_modes(bed):
    """For reading or writing only, and what files of other kinds can do."""
    port = tap.place(bed, "t0", up=False)
    path = tap.node(bed, "A/t0")
    frame = tap.udp(port, "t0", "wire")
    seen = {}
    for name, mode in (("read", os.O_RDONLY), ("write", os.O_WRONLY), ("both", os.O_RDWR), ("append", os.O_RDWR | os.O_APPEND),
                       ("direct", os.O_RDWR | os.O_DIRECT), ("create", os.O_RDWR | os.O_CREAT | os.O_TRUNC)):
        descriptor = tap.opened(path, mode | os.O_NONBLOCK)
        if isinstance(descriptor, str):
            seen[name] = descriptor
            continue
        file = File(bed, "", path=path)
        file.close()
        file.fd = descriptor
        seen[name] = {"read": file.read(), "write": file.send(frame), "state": file.state(), "poll": file.poll()}
    return {name: {key: value.hex() if isinstance(value, bytes) else value for key, value in found.items()}
            if isinstance(found, dict) else found for name, found in seen.items()}


def attempt(function):
    try:
        result = function()
        return result if isinstance(result, (int, str)) else "OK"
    except OSError as error:
        return beds.error_name(error.errno)


@scenario(*TAPS)
def open_other_calls(bed):
    """Calls that such a file does not know."""
    import fcntl
    import mmap
    tap.place(bed, "t0")
    file = File(bed, "A/t0")
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb"):
        seen = {
            "seek": attempt(lambda: os.lseek(file.fd, 0, os.SEEK_SET)),
            "seek-end": attempt(lambda: os.lseek(file.fd, 0, os.SEEK_END)),
            "pread": attempt(lambda: os.pread(file.fd, 100, 0)),
            "mmap": attempt(lambda: mmap.mmap(file.fd, 4096)),
            "truncate": attempt(lambda: os.ftruncate(file.fd, 0)),
            "sync": attempt(lambda: os.fsync(file.fd)),
            "splice": attempt(lambda: os.splice(file.fd, writing, 100)),
            "sendfile": attempt(lambda: os.sendfile(file.fd, file.fd, None, 10)),
            "lock": attempt(lambda: fcntl.flock(file.fd, fcntl.LOCK_EX)),
            "dup": attempt(lambda: os.close(os.dup(file.fd)) or "OK"),
            "socket": attempt(lambda: socket.socket(fileno=os.dup(file.fd)).getsockname() and "OK"),
        }
    return seen


@scenario(*TAPS)
def open_async(bed):
    """Signals when there is something to read."""
    import fcntl
    tap.place(bed, "t0")
    file = File(bed, "A/t0")
    seen = {"ioctl-on": file.put(0x5452, 1), "flags": fcntl.fcntl(file.fd, fcntl.F_GETFL) & os.O_ASYNC,
            "ioctl-off": file.put(0x5452, 0)}
    return {**seen, "nonblocking-off": file.put(0x5421, 0), "mode": fcntl.fcntl(file.fd, fcntl.F_GETFL) & os.O_NONBLOCK}


@scenario(*TAPS)
def open_unprivileged(bed):
    """By the node's mode alone, and what whoever has the file may do."""
    port = tap.place(bed, "t0")
    path = tap.node(bed, "A/t0")
    frame = tap.udp(port, "t0", "wire")

    def user(change):
        os.setgroups([])
        os.setgid(tap.NOBODY)
        os.setuid(tap.NOBODY)
        descriptor = tap.opened(path)
        if isinstance(descriptor, str):
            return descriptor
        file = File.__new__(File)
        file.fd, file.header = descriptor, 10
        return " ".join(str(answer) for answer in (
                file.interface(tap.GETIFF), file.put(tap.SETHDRSZ, 10), file.put(tap.SETSNDBUF, 100000), file.set_queue(tap.DETACH),
                file.set_queue(tap.ATTACH), file.ioctl(tap.SETOFFLOAD, 1), file.send(frame), file.interface(tap.GETHWADDR),
                change and file.interface(tap.SETHWADDR, b"\1\0" + bytes.fromhex("0200000000aa"))))

    os.chmod(path, 0o600)
    seen = {"0600": tap.Child(bed, lambda: user(False)).done()}
    os.chmod(path, 0o666)
    seen["0666"] = tap.Child(bed, lambda: user(False)).done()
    seen["change-address"] = tap.Child(bed, lambda: user(True)).done().rpartition(" ")[2]
    return {**seen, "address": bed.link("A", "t0", "address")}
