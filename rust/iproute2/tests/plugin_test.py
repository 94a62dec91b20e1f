#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests the ip plugin with the real ip and a played kernel; prints KTAP.

usage: plugin_test.py PLUGIN FAKE_KERNEL [IP...]

What goes to the kernel is compared with what ip sends for kind veth, so the tests
hold for any version of ip; what comes from it is made up here. IP is the command
to test with, default: ip.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback

RTM_NEWLINK = 16
NLM_F_CREATE = 0x400
IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN, IFLA_LINKINFO, IFLA_NUM_TX_QUEUES = 3, 4, 13, 18, 31
INFO_KIND, INFO_DATA = 1, 2
PEER, FLAVOR = 1, 2

# A process whose namespace can be named; newer versions of ip open it themselves.
PID = os.getpid()

# Options of a peer, each a case of its own; the last has all kinds at once.
PEERS = [
    "",
    "name v1",
    "index 77",
    "address 02:00:00:00:00:01",
    "broadcast ff:ff:ff:ff:ff:fe",
    "mtu 1400",
    "txqueuelen 5",
    "numtxqueues 4 numrxqueues 8",
    f"netns {PID}",
    "netns /proc/self/ns/net",
    "up",
    "arp off multicast off",
    "alias 1234567",
    "gso_max_size 4096 gso_max_segs 16",
    f"name v1 netns {PID} index 9 address 02:00:00:00:00:02 mtu 9000 numtxqueues 64 up arp off",
]
# Options that stand in front of the type and must stay with the outer device.
OUTERS = ["", "up", f"index 5 mtu 1300 netns {PID} address 02:00:00:00:00:03 arp off"]

tests = []


def test(function):
    tests.append(function)
    return function


def equal(got, want, what=""):
    assert got == want, f"{what}\n  got  {got!r}\n  want {want!r}"


class Ip:
    """One run of ip against the played kernel."""

    def __init__(self, args, dump=None):
        sent = os.path.join(TMP, "sent")
        open(sent, "wb").close()
        env = dict(os.environ, LC_ALL="C", IP_LIB_DIR=TMP, LD_PRELOAD=FAKE, FAKE_SENT=sent)
        # Everything that the plugin needs of ip must be there, not only what is called.
        env["LD_BIND_NOW"] = "1"
        env.pop("FAKE_DUMP", None)
        if dump is not None:
            env["FAKE_DUMP"] = os.path.join(TMP, "dump")
            with open(env["FAKE_DUMP"], "wb") as file:
                file.write(dump)
        run = subprocess.run(IP + args, env=env, capture_output=True, text=True, timeout=60)
        self.status, self.out, self.err = run.returncode, run.stdout, run.stderr
        with open(sent, "rb") as file:
            self.requests = [m for m in messages(file.read()) if m[0] == RTM_NEWLINK and len(m[2]) > 16]


def messages(data):
    """(type, flags, payload) of each netlink message."""
    while data:
        length, kind, flags = struct.unpack_from("=IHH", data)
        yield kind, flags, data[16:length]
        data = data[(length + 3) & ~3 :]


def attributes(data):
    """(type, value) of each attribute, in order."""
    found = []
    while data:
        length, kind = struct.unpack_from("=HH", data)
        assert 4 <= length <= len(data), "a broken attribute"
        found.append((kind, data[4:length]))
        data = data[(length + 3) & ~3 :]
    return found


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def u32(number):
    return struct.pack("=I", number)


def request(args):
    """The one link request of a run that must succeed."""
    run = Ip(args.split())
    equal((run.status, run.err), (0, ""), f"ip {args}")
    equal(len(run.requests), 1, f"requests of ip {args}")
    return run.requests[0]


def with_kind(message, kind, change_data=lambda data: data):
    """The same request for another kind, its INFO_DATA changed."""
    data = message[2][:16]
    for number, value in attributes(message[2][16:]):
        if number == IFLA_LINKINFO:
            info = dict(attributes(value))
            info[INFO_KIND] = kind.encode()
            new = change_data(info.pop(INFO_DATA, None))
            value = attribute(INFO_KIND, info[INFO_KIND])
            if new is not None:
                value += attribute(INFO_DATA, new)
        data += attribute(number, value)
    return message[0], message[1], data


def dump(data):
    """A link of the kind, with these bytes in INFO_DATA (none: without it)."""
    info = attribute(INFO_KIND, b"rnetvirt\0")
    if data is not None:
        info += attribute(INFO_DATA, data)
    payload = struct.pack("=BxHiII", 0, 1, 42, 0x1002, 0)
    payload += attribute(IFLA_IFNAME, b"v0\0") + attribute(IFLA_MTU, u32(1500))
    payload += attribute(IFLA_TXQLEN, u32(1000))
    payload += attribute(IFLA_LINKINFO, info) + attribute(IFLA_NUM_TX_QUEUES, u32(3))
    return struct.pack("=IHHII", 16 + len(payload), RTM_NEWLINK, 0, 0, 0) + payload


def shown(data, *options):
    run = Ip([*options, "link", "show"], dump(data))
    equal((run.status, run.err), (0, ""), f"ip {' '.join(options)} link show")
    return run.out


def link_line(data, *options):
    """The line of the kind."""
    return [line for line in shown(data, *options).splitlines() if "rnetvirt" in line]


def refused(args):
    run = Ip(args.split())
    equal(run.requests, [], f"requests of ip {args}")
    assert run.status > 0, f"ip {args}: status {run.status}"
    return run.status, run.err


@test
def loads_and_needs_only_the_c_library():
    listing = subprocess.run(["readelf", "-dW", PLUGIN], capture_output=True, text=True, check=True).stdout
    needed = [line.split("[")[1].split("]")[0] for line in listing.splitlines() if "(NEEDED)" in line]
    equal(needed, ["libc.so.6"])


@test
def has_no_path_that_panics():
    # The panic handler's only act is to call abort; the linker dropped it.
    listing = subprocess.run(["nm", "-D", PLUGIN], capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1].split("@")[0] for line in listing.splitlines()]
    assert "iplink_parse" in names, listing
    assert "abort" not in names, listing


@test
def help_is_printed():
    run = Ip(["link", "help", "rnetvirt"])
    equal((run.status, run.err), (0, ""))
    assert run.out.startswith("Usage: ... rnetvirt [ flavor "), run.out


@test
def without_options_no_data_is_sent():
    for outer in OUTERS:
        got = request(f"link add v0 {outer} type rnetvirt")
        equal(got, with_kind(request(f"link add v0 {outer} type veth"), "rnetvirt"), outer)
        info = dict(attributes(dict(attributes(got[2][16:]))[IFLA_LINKINFO]))
        equal(info, {INFO_KIND: b"rnetvirt"})


@test
def flavor_alone():
    want = with_kind(request("link add v0 type veth"), "rnetvirt", lambda _: attribute(FLAVOR, u32(0)))
    equal(request("link add v0 type rnetvirt flavor veth"), want)


@test
def peer_is_as_for_veth():
    for outer in OUTERS:
        for peer in PEERS:
            args = f"peer {peer}"
            want = with_kind(request(f"link add v0 {outer} type veth {args}"), "rnetvirt")
            equal(request(f"link add v0 {outer} type rnetvirt {args}"), want, args)


@test
def flavor_with_peer():
    for outer in OUTERS:
        for peer in PEERS:
            args = f"peer {peer}"
            want = with_kind(
                request(f"link add v0 {outer} type veth {args}"),
                "rnetvirt",
                lambda data: attribute(FLAVOR, u32(0)) + data,
            )
            equal(request(f"link add v0 {outer} type rnetvirt flavor veth {args}"), want, args)


@test
def peer_holds_what_was_asked():
    # Independent of what ip does for veth.
    message = request("link add v0 up index 5 type rnetvirt peer name v1 index 7 mtu 1400 arp off")
    equal(message[2][:16], struct.pack("=BxHiII", 0, 0, 5, 1, 1))
    info = dict(attributes(dict(attributes(message[2][16:]))[IFLA_LINKINFO]))
    ((number, value),) = attributes(info[INFO_DATA])
    equal(number & 0x3FFF, PEER)
    equal(value[:16], struct.pack("=BxHiII", 0, 0, 7, 0x80, 0x80))
    equal(attributes(value[16:]), [(IFLA_MTU, u32(1400)), (IFLA_IFNAME, b"v1\0")])


@test
def several_in_a_batch():
    # The plugin is loaded once and keeps nothing from one command to the next.
    batch = os.path.join(TMP, "batch")
    lines = ["link add v0 type rnetvirt flavor veth peer name v1", "link add v2 type rnetvirt flavor veth"]
    with open(batch, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    run = Ip(["-batch", batch])
    equal((run.status, run.err), (0, ""))
    equal(run.requests, [request(line) for line in lines])


@test
def link_set_sends_the_flavor():
    args = "link set v0 type rnetvirt flavor veth".split()
    run = Ip(args, dump(None))
    equal((run.status, run.err), (0, ""))
    equal(len(run.requests), 1)
    info = dict(attributes(dict(attributes(run.requests[0][2][16:]))[IFLA_LINKINFO]))
    equal(info[INFO_DATA], attribute(FLAVOR, u32(0)))


@test
def errors_in_peer_options_are_as_for_veth():
    for peer in [
        "name",
        "name 1234567890123456",
        "name v1 name v2",
        "mtu x",
        "mtu",
        "address zz",
        "index 0",
        "foo bar",
        "netns no_such_namespace",
        "type dummy",
        "name v1 type",
        "type veth peer name v2",
        "numtxqueues 4 numtxqueues 5",
        "help",
    ]:
        want = refused(f"link add v0 type veth peer {peer}")
        equal(refused(f"link add v0 type rnetvirt peer {peer}"), want, peer)
        equal(refused(f"link add v0 type rnetvirt flavor veth peer {peer}"), want, peer)


@test
def unknown_option():
    usage = Ip(["link", "help", "rnetvirt"]).out
    status, _ = refused("link add v0 type veth foo")
    for options in ["foo", "flavor veth foo", "flavor veth foo peer", "pee", "FLAVOR veth", "mode bridge"]:
        words = [word for word in options.split() if word not in ("flavor", "veth")]
        want = status, f'rnetvirt: unknown option "{words[0]}"?\n{usage}'
        equal(refused(f"link add v0 type rnetvirt {options}"), want, options)


@test
def help_as_an_option_prints_usage():
    usage = Ip(["link", "help", "rnetvirt"]).out
    status, _ = refused("link add v0 type veth help")
    equal(refused("link add v0 type rnetvirt help"), (status, usage))
    equal(refused("link add v0 type rnetvirt flavor veth help"), (status, usage))


@test
def flavor_needs_a_name():
    want = refused("link add v0 type veth peer name")
    equal(refused("link add v0 type rnetvirt flavor"), want)


@test
def flavor_given_twice():
    want = 255, 'Error: duplicate "flavor": "veth" is the second value.\n'
    equal(refused("link add v0 type rnetvirt flavor veth flavor veth"), want)


@test
def flavors_to_come_are_refused():
    for flavor in ["macvlan", "ipvlan", "macvtap", "ipvtap"]:
        want = 255, f'Error: argument "{flavor}" is wrong: this version has only the flavor veth\n'
        for rest in ["", " peer name v1", " mode bridge"]:
            equal(refused(f"link add v0 type rnetvirt flavor {flavor}{rest}"), want)


@test
def unknown_flavors_are_refused():
    for flavor in ["foo", "vet", "vethx", "VETH", "0", "peer"]:
        want = 255, f'Error: argument "{flavor}" is wrong: no such flavor; this version has only veth\n'
        equal(refused(f"link add v0 type rnetvirt flavor {flavor}"), want)


@test
def request_too_long():
    # Each alias is added to the request; as many as fill it to any degree.
    texts = []
    for outer in range(1, 255, 9):
        alias = " alias " + "x" * 250
        text = f"link add v0{alias * 3} alias {'y' * outer} type rnetvirt"
        run = Ip(text.split() + ["flavor", "veth", "peer", "name", "v1"])
        texts.append(run.err)
        if run.err:
            assert "message exceeded bound" in run.err, run.err
        else:
            equal(run.status, 0)
        assert run.status in (0, 1, 255), run.status
        for message in run.requests:
            if run.err:
                continue
            info = dict(attributes(dict(attributes(message[2][16:]))[IFLA_LINKINFO]))
            (peer,) = [value for number, value in attributes(info[INFO_DATA]) if number == PEER]
            equal(attributes(peer[16:]), [(IFLA_IFNAME, b"v1\0")])
    assert "" in texts and any(texts), "the lengths tried miss the limit"


@test
def text_names_the_flavor():
    data = attribute(FLAVOR, u32(0))
    equal(link_line(data, "-d"), ["    rnetvirt flavor veth numtxqueues 3 "])
    equal(link_line(data, "-d", "-c=always"), ["    rnetvirt flavor veth numtxqueues 3 "])
    equal(link_line(data), [])


@test
def text_names_flavors_of_newer_modules():
    for number, name in enumerate(["veth", "macvlan", "ipvlan", "macvtap", "ipvtap"]):
        equal(link_line(attribute(FLAVOR, u32(number)), "-d"), [f"    rnetvirt flavor {name} numtxqueues 3 "])


@test
def text_numbers_an_unknown_flavor():
    for number in [5, 99, 0x7FFFFFFF, 0xFFFFFFFF]:
        equal(link_line(attribute(FLAVOR, u32(number)), "-d"), [f"    rnetvirt flavor {number} numtxqueues 3 "])


@test
def text_without_a_flavor():
    short = attribute(FLAVOR, b"\1\0\0")
    unknown = attribute(9, u32(1)) + attribute(PEER, bytes(16))
    for data in [None, b"", short, unknown]:
        equal(link_line(data, "-d"), ["    rnetvirt numtxqueues 3 "], repr(data))


@test
def flavor_among_other_attributes():
    data = attribute(PEER, bytes(16)) + attribute(FLAVOR, u32(0)) + attribute(4, b"") + attribute(200, u32(7))
    equal(link_line(data, "-d"), ["    rnetvirt flavor veth numtxqueues 3 "])


@test
def json_has_the_flavor():
    for data, want in [
        (attribute(FLAVOR, u32(0)), {"flavor": "veth"}),
        (attribute(FLAVOR, u32(99)), {"flavor": 99}),
        (attribute(FLAVOR, u32(0xFFFFFFFF)), {"flavor": 0xFFFFFFFF}),
        (b"", {}),
        (None, {}),
    ]:
        (link,) = json.loads(shown(data, "-d", "-j"))
        equal(link["linkinfo"], {"info_kind": "rnetvirt", "info_data": want})
    text = shown(attribute(FLAVOR, u32(0)), "-d", "-j")
    assert '"info_data":{"flavor":"veth"}' in text, text


@test
def pretty_json_has_the_flavor():
    text = shown(attribute(FLAVOR, u32(0)), "-d", "-j", "-p")
    lines = [line.strip() for line in text.splitlines()]
    at = lines.index('"info_kind": "rnetvirt",')
    equal(lines[at + 1 : at + 4], ['"info_data": {', '"flavor": "veth"', "}"])
    equal(json.loads(text), json.loads(shown(attribute(FLAVOR, u32(0)), "-d", "-j")))


def main():
    failed = 0
    print(f"KTAP version 1\n1..{len(tests)}")
    for number, function in enumerate(tests, 1):
        try:
            function()
            result = "ok"
        except Exception:
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            failed += 1
            result = "not ok"
        print(f"{result} {number} {function.__name__}", flush=True)
    return 1 if failed else 0


if len(sys.argv) < 3:
    sys.exit(__doc__)
PLUGIN, FAKE, IP = sys.argv[1], sys.argv[2], sys.argv[3:] or ["ip"]
with tempfile.TemporaryDirectory() as TMP:
    shutil.copy(PLUGIN, TMP)
    sys.exit(main())
