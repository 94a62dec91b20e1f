#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests the ip plugin with the real ip and a played kernel; prints KTAP.

usage: plugin_test.py PLUGIN FAKE_KERNEL [IP...]

What goes to the kernel is compared with what ip sends for the kinds veth, macvlan
and ipvlan, so the tests hold for any version of ip; what comes from it is made up here. IP is the
command to test with, default: ip.
"""

import itertools
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
IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_TXQLEN, IFLA_LINKINFO, IFLA_NUM_TX_QUEUES = 3, 4, 5, 13, 18, 31
INFO_KIND, INFO_DATA, INFO_XSTATS = 1, 2, 3
PEER, FLAVOR, MACVLAN, IPVLAN, TRUST = 1, 2, 3, 4, 5
NESTED = 0x8000
# In the nest: what kind macvlan has in INFO_DATA; of these ipvlan has the first two, each two bytes.
MODE, FLAGS, MACADDR_MODE, MACADDR, MACADDR_DATA, MACADDR_COUNT, QUEUE_LEN, QUEUE_LEN_USED, CUTOFF = range(1, 10)
MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}
IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}

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

# Options of macvlan that every ip has: each word alone, orders, all at once.
MACVLANS = [
    *(f"mode {mode}" for mode in MODES),
    "mode passthru nopromisc",
    "nopromisc mode passthru",
    "mode passthru flag nopromisc",
    "mode passthru nopromisc nodst",
    "mode passthru nopromisc flag null",
    "flag null",
    "mode vepa flag null",
    "nodst",
    "nodst nodst",
    "flag nodst",
    "mode bridge nodst",
    "mode source nodst",
    "macaddr add 02:00:00:00:00:01",
    "mode source macaddr add 02:00:00:00:00:01",
    "mode source macaddr add 2:0:0:a:bC:DE",
    "macaddr del 02:00:00:00:00:01",
    "macaddr flush",
    "mode source macaddr flush bcqueuelen 7",
    "macaddr set",
    "macaddr set 02:00:00:00:00:01",
    "mode source macaddr set 02:00:00:00:00:01 02:00:00:00:00:02 2:0:0:0:0:3",
    "bcqueuelen 0",
    "bcqueuelen 1000",
    "bcqueuelen 0x10",
    "bcqueuelen 010",
    "bcqueuelen 4294967295",
    "bcqueuelen 5 nodst mode source macaddr set 02:00:00:00:00:01 02:00:00:00:00:02",
]

# Options of ipvlan: each word alone, both orders.
IPVLANS = [
    *(f"mode {mode}" for mode in IPVLAN_MODES),
    *IPVLAN_FLAGS,
    *(f"mode {mode} {flag}" for mode in IPVLAN_MODES for flag in IPVLAN_FLAGS),
    *(f"{flag} mode {mode}" for mode in IPVLAN_MODES for flag in IPVLAN_FLAGS),
]

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


def u16(number):
    return struct.pack("=H", number)


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


def dump(data, kind="rnetvirt", xstats=None):
    """A link of a kind, with these bytes in INFO_DATA and INFO_XSTATS (none: without it)."""
    info = attribute(INFO_KIND, kind.encode() + b"\0")
    if data is not None:
        info += attribute(INFO_DATA, data)
    if xstats is not None:
        info += attribute(INFO_XSTATS, xstats)
    payload = struct.pack("=BxHiII", 0, 1, 42, 0x1002, 0)
    payload += attribute(IFLA_IFNAME, b"v0\0") + attribute(IFLA_MTU, u32(1500))
    payload += attribute(IFLA_TXQLEN, u32(1000))
    payload += attribute(IFLA_LINKINFO, info) + attribute(IFLA_NUM_TX_QUEUES, u32(3))
    return struct.pack("=IHHII", 16 + len(payload), RTM_NEWLINK, 0, 0, 0) + payload


def shown(data, *options, kind="rnetvirt", xstats=None):
    run = Ip([*options, "link", "show"], dump(data, kind, xstats))
    equal((run.status, run.err), (0, ""), f"ip {' '.join(options)} link show")
    return run.out


def link_line(data, *options, kind="rnetvirt"):
    """The line of the kind."""
    return [line for line in shown(data, *options, kind=kind).splitlines() if line.startswith(f"    {kind} ")]


def sent_data(message):
    """The attributes in INFO_DATA of a request."""
    info = dict(attributes(dict(attributes(message[2][16:]))[IFLA_LINKINFO]))
    return attributes(info[INFO_DATA])


def one_request(args):
    """The one request of a run that must succeed, with a link that is there."""
    run = Ip(args.split(), dump(None))
    equal((run.status, run.err), (0, ""), f"ip {args}")
    equal(len(run.requests), 1, f"requests of ip {args}")
    return run.requests[0]


def macvlan_usage(args):
    """The line in front of the usage with which ip refuses options of kind macvlan."""
    status, err = refused(f"link add m0 type macvlan {args}")
    line, rest = err.split("\n", 1)
    assert rest.startswith("Usage: "), err
    return status, line.replace("macvlan:", "rnetvirt:", 1) + "\n" + Ip(["link", "help", "rnetvirt"]).out


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
    macvlan = ["macvlan", *MODES, "nopromisc", "nodst", "flag", "macaddr", "bcqueuelen", "bclim"]
    for word in ["veth", "peer", *macvlan, "ipvlan", *IPVLAN_MODES]:
        assert f" {word} " in run.out, word
    assert f" [ {' | '.join(IPVLAN_FLAGS)} ]\n" in run.out, run.out
    assert all(len(line) <= 80 for line in run.out.splitlines()), run.out


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
    for options in ["foo", "flavor veth foo", "flavor veth foo peer", "pee", "FLAVOR veth", "mod vepa", "mod l3", "passthru", "l3", "priv"]:
        words = [word for word in options.split() if word not in ("flavor", "veth")]
        want = status, f'rnetvirt: unknown option "{words[0]}"?\n{usage}'
        equal(refused(f"link add v0 type rnetvirt {options}"), want, options)


@test
def help_as_an_option_prints_usage():
    usage = Ip(["link", "help", "rnetvirt"]).out
    status, _ = refused("link add v0 type veth help")
    equal(refused("link add v0 type rnetvirt help"), (status, usage))
    equal(refused("link add v0 type rnetvirt flavor veth help"), (status, usage))
    equal(refused("link add v0 type rnetvirt flavor macvlan help"), (status, usage))
    equal(refused("link add v0 type rnetvirt flavor ipvlan help"), (status, usage))
    equal(refused("link add v0 type rnetvirt mode vepa help"), (status, usage))
    equal(refused("link add v0 type rnetvirt mode l3 help"), (status, usage))
    equal(refused("link add v0 type rnetvirt private help"), (status, usage))


@test
def unknown_word_behind_options_of_several_flavors():
    usage = Ip(["link", "help", "rnetvirt"]).out
    status, _ = refused("link add v0 type veth foo")
    want = status, f'rnetvirt: unknown option "mdoe"?\n{usage}'
    for options in ["guard mac,ip", "host on", "limit tx-pps 5", "guard-addr flush suppress on copies 3"]:
        equal(refused(f"link add v0 type rnetvirt {options} mdoe l2"), want, options)
    equal(refused("link add v0 type rnetvirt host on help"), (status, usage))
    want = 255, 'Error: argument "ipvlan" is wrong: the flavor must stand before its options\n'
    equal(refused("link add v0 type rnetvirt host on flavor ipvlan"), want)
    # What is to be done with the list is missing: mode is taken for an entry.
    want = 1, 'Error: argument of "guard-addr" must be "add", "del", "set" or "flush"\n'
    equal(refused("link add v0 type rnetvirt guard-addr 10.0.0.1 mode l3"), want)


@test
def flavor_needs_a_name():
    want = refused("link add v0 type veth peer name")
    equal(refused("link add v0 type rnetvirt flavor"), want)


@test
def flavor_given_twice():
    want = 255, 'Error: duplicate "flavor": "veth" is the second value.\n'
    equal(refused("link add v0 type rnetvirt flavor veth flavor veth"), want)
    equal(refused("link add v0 type rnetvirt flavor macvlan mode vepa flavor veth"), want)
    equal(refused("link add v0 type rnetvirt flavor ipvlan mode l2 flavor veth"), want)


@test
def flavor_behind_options():
    want = 255, 'Error: argument "macvlan" is wrong: the flavor must stand before its options\n'
    for options in ["mode vepa", "mode l3", "private"]:
        equal(refused(f"link add v0 type rnetvirt {options} flavor macvlan"), want)
    want = refused("link add v0 type veth peer name")
    equal(refused("link add v0 type rnetvirt mode vepa flavor"), want)


@test
def options_of_two_flavors():
    for flavor in ["", "flavor macvlan"]:
        for options in MACVLANS:
            want = 1, 'rnetvirt: "peer" is an option of flavor veth, not of macvlan\n'
            equal(refused(f"link add v0 type rnetvirt {flavor} {options} peer name v1"), want, options)
    equal(refused("link add v0 type rnetvirt flavor macvlan peer"), want)
    for option in ["mode", "flag", "nopromisc", "nodst", "macaddr", "bcqueuelen", "bclim"]:
        want = 1, f'rnetvirt: "{option}" is an option of flavor macvlan, not of veth\n'
        for rest in ["", " vepa", " peer name v1"]:
            equal(refused(f"link add v0 type rnetvirt flavor veth {option}{rest}"), want)


@test
def options_of_ipvlan_and_another_flavor():
    for flavor in ["", "flavor ipvlan"]:
        for options in IPVLANS:
            want = 1, 'rnetvirt: "peer" is an option of flavor veth, not of ipvlan\n'
            equal(refused(f"link add v0 type rnetvirt {flavor} {options} peer name v1"), want, options)
            for option in ["flag null", "nopromisc", "nodst", "macaddr flush", "bcqueuelen 5", "bclim 5"]:
                want = 1, f'rnetvirt: "{option.split()[0]}" is an option of flavor macvlan, not of ipvlan\n'
                equal(refused(f"link add v0 type rnetvirt {flavor} {options} {option}"), want, options)
    for options in IPVLANS:
        want = 1, f'rnetvirt: "{options.split()[0]}" is an option of flavor ipvlan, not of veth\n'
        equal(refused(f"link add v0 type rnetvirt flavor veth {options}"), want)
    for word in IPVLAN_FLAGS:
        want = 1, f'rnetvirt: "{word}" is an option of flavor ipvlan, not of macvlan\n'
        for options in ["flavor macvlan", "mode bridge", "nodst", "flavor macvlan mode vepa"]:
            equal(refused(f"link add v0 type rnetvirt {options} {word}"), want, options)


@test
def mode_of_another_flavor():
    for mode in IPVLAN_MODES:
        want = refused(f"link add m0 type macvlan mode {mode}")
        assert '"passthru" or "source"' in want[1], want
        for options in ["flavor macvlan", "nodst", "flavor macvlan nodst"]:
            equal(refused(f"link add m0 type rnetvirt {options} mode {mode}"), want, options)
    for mode in MODES:
        want = refused(f"link add m0 type ipvlan mode {mode}")
        assert '"l3" or "l3s"' in want[1], want
        for options in ["flavor ipvlan", "private", "flavor ipvlan vepa"]:
            equal(refused(f"link add m0 type rnetvirt {options} mode {mode}"), want, options)


@test
def mode_that_no_flavor_has():
    for mode in ["foo", "vep", "BRIDGE", "4", "l", "l4", "L3", "mode", "nodst", "peer", ""]:
        for rest in [[], ["nodst"], ["private"], ["peer"]]:
            run = Ip(["link", "add", "m0", "type", "rnetvirt", "mode", mode, *rest])
            want = (
                'Error: argument of "mode" must be "private", "vepa", "bridge", "passthru" or "source" for flavor '
                f'macvlan, "l2", "l3" or "l3s" for flavor ipvlan, not "{mode}"\n'
            )
            equal((run.status, run.err, run.requests), (1, want, []))


@test
def options_of_flavors_behind_peer_are_the_peers():
    for options in ["mode vepa", "bclim 5", "macaddr flush", "mode dormant nodst nopromisc", "mode l3", "private"]:
        want = refused(f"link add v0 type veth peer name v1 {options}")
        equal(refused(f"link add v0 type rnetvirt peer name v1 {options}"), want)
        equal(refused(f"link add v0 type rnetvirt flavor veth peer name v1 {options}"), want)


@test
def taps_have_the_options_of_others():
    for flavor, number, other, options in [("macvtap", 3, "macvlan", MACVLANS), ("ipvtap", 4, "ipvlan", IPVLANS)]:
        for option in ["", *options]:
            want = request(f"link add t0 link eth0 type rnetvirt flavor {other} {option}")
            got = request(f"link add t0 link eth0 type rnetvirt flavor {flavor} {option}")
            (key, value), *rest = sent_data(got)
            equal((key, value), (FLAVOR, u32(number)), option)
            equal(rest, sent_data(want)[1:], option)
        want = 1, f'rnetvirt: "peer" is an option of flavor veth, not of {flavor}\n'
        equal(refused(f"link add t0 type rnetvirt flavor {flavor} peer name v1"), want)
    equal(refused("link add t0 type rnetvirt flavor macvtap private")[1],
          'rnetvirt: "private" is an option of flavor ipvlan, not of macvtap\n')


@test
def unknown_flavors_are_refused():
    for flavor in ["foo", "vet", "vethx", "VETH", "0", "peer", "macvla", "mode", "ipvla", "l3", "bridge"]:
        want = 255, f'Error: argument "{flavor}" is wrong: no such flavor; there are veth, macvlan, ipvlan, macvtap and ipvtap\n'
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
def macvlan_alone():
    data = lambda _: attribute(FLAVOR, u32(1))
    for outer in OUTERS:
        want = with_kind(request(f"link add m0 {outer} type macvlan"), "rnetvirt", data)
        equal(request(f"link add m0 {outer} type rnetvirt flavor macvlan"), want, outer)


@test
def macvlan_options_are_as_for_macvlan():
    for outer in OUTERS:
        for options in MACVLANS:
            theirs = request(f"link add m0 {outer} type macvlan {options}")
            for flavor, head in [("", b""), ("flavor macvlan", attribute(FLAVOR, u32(1)))]:
                ours = request(f"link add m0 {outer} type rnetvirt {flavor} {options}")
                *before, (number, nest) = sent_data(ours)
                equal(number, MACVLAN | NESTED, options)
                equal(before, attributes(head), options)
                # The order is ours.
                equal(sorted(attributes(nest)), sorted(sent_data(theirs)), options)
                data = head + attribute(MACVLAN | NESTED, nest)
                equal(ours, with_kind(theirs, "rnetvirt", lambda _: data), options)


@test
def macvlan_holds_what_was_asked():
    # Independent of what ip does for macvlan.
    one, two = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0xA, 0xBC, 0xDE])
    for options, want in [
        *((f"mode {name}", [(MODE, u32(number))]) for name, number in MODES.items()),
        ("mode passthru nopromisc nodst", [(MODE, u32(8)), (FLAGS, b"\3\0")]),
        ("flag null", [(FLAGS, b"\0\0")]),
        ("macaddr add 2:0:0:0:0:1", [(MACADDR_MODE, u32(0)), (MACADDR, one)]),
        ("macaddr del 02:00:00:0a:bc:DE", [(MACADDR_MODE, u32(1)), (MACADDR, two)]),
        ("macaddr flush", [(MACADDR_MODE, u32(2))]),
        ("macaddr set", [(MACADDR_MODE, u32(3)), (MACADDR_DATA, b"")]),
        (
            "macaddr set 2:0:0:0:0:1 2:0:0:a:bc:de",
            [(MACADDR_MODE, u32(3)), (MACADDR_DATA, attribute(MACADDR, one) + attribute(MACADDR, two))],
        ),
        ("bcqueuelen 65537", [(QUEUE_LEN, u32(65537))]),
    ]:
        ((_, nest),) = sent_data(request(f"link add m0 type rnetvirt {options}"))
        equal(attributes(nest), want, options)


@test
def macvlan_bclim():
    # Not every ip has it for macvlan.
    for word, number in [("0", 0), ("-1", -1), ("0x10", 16), ("2147483647", 2**31 - 1), ("-2147483648", -(2**31))]:
        ((_, nest),) = sent_data(request(f"link add m0 type rnetvirt bclim {word}"))
        equal(attributes(nest), [(CUTOFF, struct.pack("=i", number))])
    both = request("link add m0 type rnetvirt bcqueuelen 3 bclim 4 mode vepa")
    equal(attributes(sent_data(both)[0][1]), [(MODE, u32(2)), (QUEUE_LEN, u32(3)), (CUTOFF, u32(4))])
    for word in ["x", "", "5x", "2147483648", "-2147483649", "1.5"]:
        run = Ip(["link", "add", "m0", "type", "rnetvirt", "bclim", word])
        equal((run.status, run.err, run.requests), (1, f'Error: illegal value for "bclim": "{word}"\n', []))


@test
def macvlan_list_ends_at_an_option():
    # Kind macvlan says that the option is no address, too.
    want = [(MODE, u32(16)), (FLAGS, b"\2\0"), (MACADDR_MODE, u32(3)), (MACADDR_DATA, b"")]
    for options in ["macaddr set nodst mode source", "mode source macaddr set flag nodst"]:
        ((_, nest),) = sent_data(request(f"link add m0 type rnetvirt {options}"))
        equal(attributes(nest), want, options)


@test
def macvlan_with_a_lower_device():
    for options in ["", "mode vepa", "mode source macaddr add 02:00:00:00:00:01 bcqueuelen 4"]:
        theirs = one_request(f"link add link v0 name m0 type macvlan {options}")
        ours = one_request(f"link add link v0 name m0 type rnetvirt {options}")
        equal(dict(attributes(ours[2][16:]))[IFLA_LINK], u32(42))
        nest = sent_data(ours)[0][1] if options else None
        same = lambda data: None if data is None else attribute(MACVLAN | NESTED, nest)
        equal(ours, with_kind(theirs, "rnetvirt", same), options)


@test
def link_set_changes_macvlan():
    for options in MACVLANS:
        theirs = one_request(f"link set v0 type macvlan {options}")
        for flavor, head in [("", []), ("flavor macvlan", [(FLAVOR, u32(1))])]:
            ours = one_request(f"link set v0 type rnetvirt {flavor} {options}")
            *before, (number, nest) = sent_data(ours)
            equal((before, number), (head, MACVLAN | NESTED), options)
            equal(sorted(attributes(nest)), sorted(sent_data(theirs)), options)
            equal(ours[:2], theirs[:2])


@test
def link_set_of_macvlan_with_a_peer():
    run = Ip("link set v0 type rnetvirt mode vepa peer name v1".split(), dump(None))
    want = 1, 'rnetvirt: "peer" is an option of flavor veth, not of macvlan\n', []
    equal((run.status, run.err, run.requests), want)


@test
def macvlan_in_a_batch():
    batch = os.path.join(TMP, "batch")
    lines = [f"link add m0 type rnetvirt {options}" for options in MACVLANS]
    lines.insert(5, "link add v0 type rnetvirt flavor veth peer name v1")
    with open(batch, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    run = Ip(["-batch", batch])
    equal((run.status, run.err), (0, ""))
    equal(run.requests, [request(line) for line in lines])


@test
def errors_in_macvlan_options_are_as_for_macvlan():
    # Without a flavor, more modes are named: mode_that_no_flavor_has.
    for options in ["mode foo", "mode vep", "mode l2", "mode BRIDGE", "mode 4"]:
        want = refused(f"link add m0 type macvlan {options}")
        equal(refused(f"link add m0 type rnetvirt flavor macvlan {options}"), want, options)
        equal(refused(f"link add m0 type rnetvirt nodst {options}"), want, options)
    for options in [
        "mode",
        "flag",
        "flag foo",
        "flag 1",
        "macaddr",
        "macaddr add",
        "macaddr del",
        "macaddr add zz",
        "macaddr del mode",
        "bcqueuelen",
        "bcqueuelen x",
        "bcqueuelen -1",
        "bcqueuelen 4294967296",
        "bcqueuelen 5x",
        "mode source bcqueuelen",
        "mode passthru nopromisc flag",
    ]:
        want = refused(f"link add m0 type macvlan {options}")
        equal(refused(f"link add m0 type rnetvirt {options}"), want, options)
        equal(refused(f"link add m0 type rnetvirt flavor macvlan {options}"), want, options)
    for options in ["nopromisc", "mode vepa nopromisc", "mode source flag nopromisc", "mode vepa foo", "nodst peers"]:
        want = macvlan_usage(options)
        equal(refused(f"link add m0 type rnetvirt {options}"), want, options)
        equal(refused(f"link add m0 type rnetvirt flavor macvlan {options}"), want, options)
    equal(refused("link add m0 type rnetvirt bclim"), refused("link add m0 type macvlan bcqueuelen"))


@test
def macvlan_list_operation_that_is_not_there():
    # Kind macvlan only prints its usage.
    for word in ["foo", "ad", "02:00:00:00:00:01", "mode"]:
        want = 1, f'Error: argument of "macaddr" must be "add", "del", "set" or "flush", not "{word}"\n'
        equal(refused(f"link add m0 type rnetvirt macaddr {word}"), want)


@test
def addresses_that_are_none():
    # Kind macvlan is silent about some of them, and reads others.
    words = "2:3 2:0:0:0:0:1:5 2:0:0:0:0:100 2:0:0:0:0: :0:0:0:0:1 2:0:0:0:0:g 2:0:0:0:0:-1 2:0:0::0:1 1.2.3.4"
    for word in words.split():
        want = 1, f'"{word}" is invalid lladdr.\n'
        equal(refused(f"link add m0 type rnetvirt macaddr add {word}"), want)
        equal(refused(f"link add m0 type rnetvirt macaddr del {word}"), want)
        if ":" in word:
            equal(refused(f"link add m0 type rnetvirt macaddr set {word}"), want)
            equal(refused(f"link add m0 type rnetvirt macaddr set 2:0:0:0:0:1 {word} nodst"), want)


@test
def macvlan_options_given_twice():
    for options in [
        ["mode", "vepa"],
        ["mode", "bridge"],
        ["macaddr", "flush"],
        ["bcqueuelen", "5"],
        ["bclim", "5"],
    ]:
        first = "bridge" if options[0] == "mode" else options[1]
        want = 255, f'Error: duplicate "{options[0]}": "{options[1]}" is the second value.\n'
        equal(refused(f"link add m0 type rnetvirt {options[0]} {first} nodst {' '.join(options)}"), want)
    want = 255, 'Error: duplicate "macaddr": "add" is the second value.\n'
    equal(refused("link add m0 type rnetvirt macaddr add 2:0:0:0:0:1 macaddr add 2:0:0:0:0:2"), want)


@test
def macvlan_list_too_long():
    # The longest that fits, and the first that does not.
    words = "link add m0 type rnetvirt flavor macvlan mode source macaddr set".split()
    for count in itertools.count(1):
        run = Ip(words + [f"2:0:0:0:0:{number:x}" for number in range(count)])
        if run.err:
            break
        nest = dict(attributes(sent_data(run.requests[0])[-1][1]))
        want = [(MACADDR, bytes([2, 0, 0, 0, 0, number])) for number in range(count)]
        equal((run.status, attributes(nest[MACADDR_DATA])), (0, want))
    assert "message exceeded bound" in run.err, run.err
    equal((run.status, run.requests), (1, []))
    assert count > 70, count


@test
def ipvlan_alone():
    data = lambda _: attribute(FLAVOR, u32(2))
    for outer in OUTERS:
        want = with_kind(request(f"link add i0 {outer} type ipvlan"), "rnetvirt", data)
        equal(request(f"link add i0 {outer} type rnetvirt flavor ipvlan"), want, outer)


def ipvlan_wants(theirs, options):
    """What kind ipvlan has sent, without the flags that it sends unasked."""
    asked = set(options.split()) & set(IPVLAN_FLAGS)
    return sorted(setting for setting in sent_data(theirs) if setting[0] != FLAGS or asked)


@test
def ipvlan_options_are_as_for_ipvlan():
    for outer in OUTERS:
        for options in IPVLANS:
            theirs = request(f"link add i0 {outer} type ipvlan {options}")
            for flavor, head in [("", b""), ("flavor ipvlan", attribute(FLAVOR, u32(2)))]:
                ours = request(f"link add i0 {outer} type rnetvirt {flavor} {options}")
                *before, (number, nest) = sent_data(ours)
                equal(number, IPVLAN | NESTED, options)
                equal(before, attributes(head), options)
                equal(attributes(nest), ipvlan_wants(theirs, options), options)
                data = head + attribute(IPVLAN | NESTED, nest)
                equal(ours, with_kind(theirs, "rnetvirt", lambda _: data), options)


@test
def ipvlan_holds_what_was_asked():
    # Independent of what ip does for ipvlan.
    for options, want in [
        ("mode l2", [(MODE, b"\0\0")]),
        ("mode l3", [(MODE, b"\1\0")]),
        ("mode l3s", [(MODE, b"\2\0")]),
        ("bridge", [(FLAGS, b"\0\0")]),
        ("private", [(FLAGS, b"\1\0")]),
        ("vepa", [(FLAGS, b"\2\0")]),
        ("mode l3s private", [(MODE, b"\2\0"), (FLAGS, b"\1\0")]),
        ("bridge mode l2", [(MODE, b"\0\0"), (FLAGS, b"\0\0")]),
    ]:
        ((number, nest),) = sent_data(request(f"link add i0 type rnetvirt {options}"))
        equal((number, attributes(nest)), (IPVLAN | NESTED, want), options)


@test
def trust_is_of_all_links_and_stands_beside_ipvlans_own():
    for word, number in [("on", 1), ("off", 0)]:
        own = (TRUST, u32(number))
        for what in ["add i0", "set v0"]:
            equal(sent_data(one_request(f"link {what} type rnetvirt trust {word}")), [own])
            for flavor in ["ipvlan", "ipvtap"]:
                head = (FLAVOR, u32(2 if flavor == "ipvlan" else 4))
                got = sent_data(one_request(f"link {what} type rnetvirt flavor {flavor} trust {word}"))
                equal(got, [head, own])
        for options in [f"mode l2 trust {word} vepa", f"trust {word} vepa mode l2", f"vepa mode l2 trust {word}"]:
            nest = attribute(MODE, u16(0)) + attribute(FLAGS, u16(2))
            equal(sent_data(request(f"link add i0 type rnetvirt {options}")), [own, (IPVLAN | NESTED, nest)])


@test
def errors_in_trust():
    for word in ["yes", "1", "ON"]:
        want = 1, 'Error: argument of "trust" must be either "on" or "off"\n'
        equal(refused(f"link add i0 type rnetvirt trust {word}"), want, word)
    equal(refused("link add i0 type rnetvirt trust"), (255, "Command line is not complete. Try option \"help\"\n"))
    want = 255, 'Error: duplicate "trust": "on" is the second value.\n'
    equal(refused("link add i0 type rnetvirt trust off mode l2 trust on"), want)
    want = 1, 'rnetvirt: "trust" is an option of flavor ipvlan, not of macvlan\n'
    equal(refused("link add m0 type rnetvirt flavor macvlan trust on"), want)


@test
def ipvlan_with_a_lower_device():
    for options in ["", "mode l3s", "mode l2 vepa"]:
        theirs = one_request(f"link add link v0 name i0 type ipvlan {options}")
        ours = one_request(f"link add link v0 name i0 type rnetvirt flavor ipvlan {options}")
        equal(dict(attributes(ours[2][16:]))[IFLA_LINK], u32(42))
        data = attribute(FLAVOR, u32(2))
        if options:
            data += attribute(IPVLAN | NESTED, sent_data(ours)[1][1])
        equal(ours, with_kind(theirs, "rnetvirt", lambda _: data), options)


@test
def link_set_changes_ipvlan():
    for options in IPVLANS:
        theirs = one_request(f"link set v0 type ipvlan {options}")
        for flavor, head in [("", []), ("flavor ipvlan", [(FLAVOR, u32(2))])]:
            ours = one_request(f"link set v0 type rnetvirt {flavor} {options}")
            *before, (number, nest) = sent_data(ours)
            equal((before, number), (head, IPVLAN | NESTED), options)
            equal(attributes(nest), ipvlan_wants(theirs, options), options)
            equal(ours[:2], theirs[:2])


@test
def ipvlan_in_a_batch():
    batch = os.path.join(TMP, "batch")
    lines = [f"link add i0 type rnetvirt {options}" for pair in zip(IPVLANS, MACVLANS) for options in pair]
    with open(batch, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    run = Ip(["-batch", batch])
    equal((run.status, run.err), (0, ""))
    equal(run.requests, [request(line) for line in lines])


@test
def errors_in_ipvlan_options_are_as_for_ipvlan():
    usage = Ip(["link", "help", "rnetvirt"]).out
    for options in ["mode", "mode foo", "mode l", "mode L3", "mode 1", "mode bridge", "private mode", "vepa mode l4"]:
        want = refused(f"link add i0 type ipvlan {options}")
        equal(refused(f"link add i0 type rnetvirt flavor ipvlan {options}"), want, options)
        if not options.startswith("mode"):
            equal(refused(f"link add i0 type rnetvirt {options}"), want, options)
    for options in ["mode l3 foo", "private l3", "vepa 1", "mode l2 Private", "bridge passthru"]:
        status, err = refused(f"link add i0 type ipvlan {options}")
        want = status, err.split("\n", 1)[0].replace("ipvlan:", "rnetvirt:", 1) + "\n" + usage
        equal(refused(f"link add i0 type rnetvirt {options}"), want, options)
        equal(refused(f"link add i0 type rnetvirt flavor ipvlan {options}"), want, options)


@test
def ipvlan_options_given_twice():
    for flavor in ["", "flavor ipvlan"]:
        for first in IPVLAN_FLAGS:
            for second in IPVLAN_FLAGS:
                want = 255, f'Error: duplicate "flags": "{second}" is the second value.\n'
                for options in [f"{first} {second}", f"mode l3 {first} {second}", f"{first} mode l2 {second}"]:
                    equal(refused(f"link add i0 type rnetvirt {flavor} {options}"), want, options)
        want = 255, 'Error: duplicate "mode": "l2" is the second value.\n'
        equal(refused(f"link add i0 type rnetvirt {flavor} mode l3 mode l2"), want)
        equal(refused(f"link add i0 type rnetvirt {flavor} mode l2 private mode l2"), want)


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
    unknown = attribute(99, u32(1)) + attribute(PEER, bytes(16))
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


ADDRESSES = [bytes([2, 0, 0, 0, 0xAB, number]) for number in range(100)]
TAIL = attribute(QUEUE_LEN, u32(1000)) + attribute(QUEUE_LEN_USED, u32(2000))


def mode_dump(mode, flags=0, rest=b""):
    return attribute(MODE, u32(mode)) + attribute(FLAGS, bytes([flags, 0])) + rest


def list_dump(count, entries):
    return attribute(MACADDR_COUNT, count) + attribute(MACADDR_DATA, entries)


def entries(count):
    return b"".join(attribute(MACADDR, address) for address in ADDRESSES[:count])


# What the kernel may tell of a macvlan, and some that it will not.
DUMPS = [
    b"",
    *(mode_dump(mode, flags, attribute(MACADDR_COUNT, u32(0)) + TAIL) for mode in MODES.values() for flags in range(4)),
    *(mode_dump(16, 2, list_dump(u32(count), entries(count)) + TAIL) for count in (0, 1, 2, 100)),
    mode_dump(2, 0, attribute(QUEUE_LEN, u32(0xFFFFFFFF))),
    # No mode, and one that is twice there.
    mode_dump(0, 3),
    mode_dump(3),
    attribute(MODE, u32(2)) + mode_dump(4),
    attribute(200, u32(7)) + mode_dump(2),
    # Too short.
    mode_dump(2, 0, attribute(QUEUE_LEN, b"\1\0\0") + attribute(QUEUE_LEN_USED, b"\1\0")),
    # A list in another mode, without a count, and with entries that are none.
    mode_dump(4, 0, list_dump(u32(1), entries(1))),
    mode_dump(16, 0, attribute(MACADDR_DATA, entries(1))),
    mode_dump(16, 0, list_dump(b"\1\0", entries(1))),
    mode_dump(16, 0, list_dump(u32(1), attribute(MODE, bytes(6)) + attribute(MACADDR, bytes(5)))),
    mode_dump(16, 0, list_dump(u32(1), attribute(MACADDR, b"\2abcdefgh") + b"\1\0\0\0\0")),
]


def nested(nest, flavor=1):
    return attribute(FLAVOR, u32(flavor)) + attribute(MACVLAN, nest)


@test
def macvlan_is_shown_as_macvlan_is():
    for nest in DUMPS:
        (line,) = link_line(nest, "-d", kind="macvlan")
        want = [line.replace("    macvlan ", "    rnetvirt flavor macvlan ", 1)]
        for data in [nested(nest), attribute(FLAVOR, u32(1)) + attribute(MACVLAN | NESTED, nest)]:
            equal(link_line(data, "-d"), want, nest)
            equal(link_line(data, "-d", "-c=always"), want, nest)
            equal(link_line(data), [])


@test
def macvlan_as_json_is_as_macvlan_is():
    for nest in DUMPS:
        text = shown(nest, "-d", "-j", kind="macvlan").replace('"info_kind":"macvlan"', '"info_kind":"rnetvirt"')
        comma = "" if '"info_data":{}' in text else ","
        want = text.replace('"info_data":{', '"info_data":{"flavor":"macvlan"' + comma)
        got = shown(nested(nest), "-d", "-j")
        equal(got, want, nest)
        equal(json.loads(shown(nested(nest), "-d", "-j", "-p")), json.loads(got), nest)
        theirs = shown(nest, "-d", "-j", "-p", kind="macvlan").splitlines()
        ours = [line for line in shown(nested(nest), "-d", "-j", "-p").splitlines() if '"flavor"' not in line]
        if comma:
            equal([line.replace('"rnetvirt"', '"macvlan"') for line in ours], theirs, nest)


@test
def macvlan_shows_what_it_should():
    # Independent of what ip does for macvlan.
    nest = (
        attribute(MODE, u32(16))
        + attribute(FLAGS, b"\3\0")
        + attribute(MACADDR_COUNT, u32(2))
        + attribute(MACADDR_DATA, attribute(MACADDR, ADDRESSES[1]) + attribute(MACADDR, ADDRESSES[31]))
        + TAIL
        + attribute(CUTOFF, struct.pack("=i", -1))
    )
    want = (
        "    rnetvirt flavor macvlan mode source nopromisc nodst bcqueuelen 1000 usedbcqueuelen 2000 bclim -1 "
        "remotes (2) 02:00:00:00:ab:01 02:00:00:00:ab:1f numtxqueues 3 "
    )
    equal(link_line(nested(nest), "-d"), [want])
    (link,) = json.loads(shown(nested(nest), "-d", "-j"))
    want = {
        "flavor": "macvlan",
        "mode": "source",
        "nopromisc": True,
        "nodst": True,
        "bcqueuelen": 1000,
        "usedbcqueuelen": 2000,
        "bclim": -1,
        "macaddr_count": 2,
        "macaddr_data": ["02:00:00:00:ab:01", "02:00:00:00:ab:1f"],
    }
    equal(list(link["linkinfo"]["info_data"].items()), list(want.items()))


@test
def macvlan_shows_bclim():
    for number in [0, 2, -1, 2**31 - 1, -(2**31)]:
        nest = attribute(MODE, u32(4)) + TAIL + attribute(CUTOFF, struct.pack("=i", number))
        want = f"mode bridge bcqueuelen 1000 usedbcqueuelen 2000 bclim {number} numtxqueues 3 "
        equal(link_line(nested(nest), "-d"), ["    rnetvirt flavor macvlan " + want])
        (link,) = json.loads(shown(nested(nest), "-d", "-j"))
        equal(link["linkinfo"]["info_data"]["bclim"], number)
    equal(link_line(nested(attribute(CUTOFF, b"\1\0\0")), "-d"), ["    rnetvirt flavor macvlan numtxqueues 3 "])


@test
def macvlan_shows_each_for_itself():
    # Kind macvlan does not show what is behind what it misses.
    for nest, want in [
        (TAIL, "bcqueuelen 1000 usedbcqueuelen 2000 "),
        (attribute(FLAGS, b"\2\0") + TAIL, "nodst bcqueuelen 1000 usedbcqueuelen 2000 "),
        (attribute(FLAGS, b"\2") + TAIL, "bcqueuelen 1000 usedbcqueuelen 2000 "),
        (attribute(MODE, b"\2\0\0") + attribute(FLAGS, b"\2\0"), "nodst "),
        (attribute(QUEUE_LEN_USED, u32(0)), "usedbcqueuelen 0 "),
    ]:
        equal(link_line(nested(nest), "-d"), [f"    rnetvirt flavor macvlan {want}numtxqueues 3 "], nest)


@test
def macvlan_with_broken_data():
    # Neither the mode nor what is behind a broken attribute is shown.
    for nest in [
        attribute(MODE, b"\1\0\0"),
        b"\1",
        struct.pack("=HH", 3, MODE) + attribute(MODE, u32(4)),
        struct.pack("=HH", 9, MODE) + u32(4),
        struct.pack("=HH", 0, MODE) + u32(4),
    ]:
        equal(link_line(nested(nest), "-d"), ["    rnetvirt flavor macvlan numtxqueues 3 "], nest)


@test
def macvlan_settings_of_another_flavor():
    # Those of macvtap are the same.
    nest = attribute(MODE, u32(4))
    equal(link_line(nested(nest, 3), "-d"), ["    rnetvirt flavor macvtap mode bridge numtxqueues 3 "])
    equal(link_line(attribute(MACVLAN, nest), "-d"), ["    rnetvirt mode bridge numtxqueues 3 "])


# What the kernel may tell of an ipvlan, and some that it will not.
IPVLAN_DUMPS = [
    b"",
    *(attribute(MODE, u16(mode)) + attribute(FLAGS, u16(flags)) for mode in range(4) for flags in range(5)),
    attribute(MODE, u16(1)),
    attribute(FLAGS, u16(2)),
    attribute(200, u32(7)) + attribute(MODE, u16(0xFFFF)) + attribute(FLAGS, u16(0xFFFF)),
    # Too short.
    attribute(MODE, b"\1") + attribute(FLAGS, u16(1)),
    attribute(MODE, u16(1)) + attribute(FLAGS, b""),
]


def ipvlan(nest, flavor=2):
    return attribute(FLAVOR, u32(flavor)) + attribute(IPVLAN, nest)


@test
def ipvlan_is_shown_as_ipvlan_is():
    for nest in IPVLAN_DUMPS:
        (line,) = link_line(nest, "-d", kind="ipvlan")
        want = [line.replace("    ipvlan ", "    rnetvirt flavor ipvlan ", 1)]
        for data in [ipvlan(nest), attribute(FLAVOR, u32(2)) + attribute(IPVLAN | NESTED, nest)]:
            equal(link_line(data, "-d"), want, nest)
            equal(link_line(data, "-d", "-c=always"), want, nest)
            equal(link_line(data), [])


@test
def ipvlan_as_json_is_as_ipvlan_is():
    for nest in IPVLAN_DUMPS:
        text = shown(nest, "-d", "-j", kind="ipvlan").replace('"info_kind":"ipvlan"', '"info_kind":"rnetvirt"')
        comma = "" if '"info_data":{}' in text else ","
        want = text.replace('"info_data":{', '"info_data":{"flavor":"ipvlan"' + comma)
        got = shown(ipvlan(nest), "-d", "-j")
        equal(got, want, nest)
        equal(json.loads(shown(ipvlan(nest), "-d", "-j", "-p")), json.loads(got), nest)


@test
def ipvlan_shows_what_it_should():
    # Independent of what ip does for ipvlan.
    for mode, number in IPVLAN_MODES.items():
        for flag, flags in IPVLAN_FLAGS.items():
            data = ipvlan(attribute(MODE, u16(number)) + attribute(FLAGS, u16(flags)))
            equal(link_line(data, "-d"), [f"    rnetvirt flavor ipvlan  mode {mode} {flag} numtxqueues 3 "])
            (link,) = json.loads(shown(data, "-d", "-j"))
            want = {"flavor": "ipvlan", "mode": mode, flag: True}
            equal(list(link["linkinfo"]["info_data"].items()), list(want.items()))


@test
def trust_is_shown():
    nest = attribute(MODE, u16(1)) + attribute(FLAGS, u16(0))
    for number, word in enumerate(["off", "on"]):
        data = ipvlan(nest) + attribute(TRUST, u32(number))
        equal(link_line(data, "-d"), [f"    rnetvirt flavor ipvlan  mode l3 bridge trust {word} numtxqueues 3 "])
        (link,) = json.loads(shown(data, "-d", "-j"))
        want = {"flavor": "ipvlan", "mode": "l3", "bridge": True, "trust": word}
        equal(list(link["linkinfo"]["info_data"].items()), list(want.items()))


# What is said for all on the lower device, by word.
OF_LOWER = {"host": 7, "suppress": 9}


@test
def what_is_the_lower_devices_is_of_all_flavors_and_stands_beside_their_own():
    for (what, attr), (word, number) in itertools.product(OF_LOWER.items(), [("on", 1), ("off", 0)]):
        own = (attr, u32(number))
        for verb in ["add v0", "set v0"]:
            equal(sent_data(one_request(f"link {verb} type rnetvirt {what} {word}")), [own])
        for options, sent in {f"{what} {word} mode l2": (IPVLAN | NESTED, attribute(MODE, u16(0))),
                              f"mode l3 {what} {word}": (IPVLAN | NESTED, attribute(MODE, u16(1))),
                              f"{what} {word} mode private": (MACVLAN | NESTED, attribute(MODE, u32(1)))}.items():
            equal(sent_data(one_request(f"link add v0 type rnetvirt {options}")), [own, sent], options)
        for number, flavor in enumerate(["macvlan", "ipvlan", "macvtap", "ipvtap"], 1):
            got = sent_data(one_request(f"link add v0 type rnetvirt flavor {flavor} {what} {word}"))
            equal(got, [(FLAVOR, u32(number)), own], flavor)
    both = sent_data(one_request("link add v0 type rnetvirt suppress on host off mode l2"))
    equal(both, [(7, u32(0)), (9, u32(1)), (IPVLAN | NESTED, attribute(MODE, u16(0)))])


@test
def errors_in_what_is_the_lower_devices():
    for what in OF_LOWER:
        want = 1, f'Error: argument of "{what}" must be either "on" or "off"\n'
        for word in ["yes", "1", "ON"]:
            equal(refused(f"link add m0 type rnetvirt {what} {word}"), want, word)
        equal(refused(f"link add m0 type rnetvirt {what}"), (255, "Command line is not complete. Try option \"help\"\n"))
        want = 255, f'Error: duplicate "{what}": "on" is the second value.\n'
        equal(refused(f"link add m0 type rnetvirt {what} off mode vepa {what} on"), want)
        want = 1, f'rnetvirt: "{what}" is an option of flavor macvlan, not of veth\n'
        equal(refused(f"link add v0 type rnetvirt flavor veth {what} on"), want)


@test
def what_is_the_lower_devices_is_shown():
    nest = attribute(MODE, u16(1)) + attribute(FLAGS, u16(0))
    for (what, attr), (number, word) in itertools.product(OF_LOWER.items(), enumerate(["off", "on"])):
        data = ipvlan(nest) + attribute(attr, u32(number))
        equal(link_line(data, "-d"), [f"    rnetvirt flavor ipvlan  mode l3 bridge {what} {word} numtxqueues 3 "])
        (link,) = json.loads(shown(data, "-d", "-j"))
        equal(link["linkinfo"]["info_data"][what], word)


COPIES = 10


@test
def copies_are_sent():
    for word, number in [("1", 1), ("20000", 20000), ("4294967295", 2**32 - 1), ("off", 0)]:
        own = (COPIES, u32(number))
        equal(sent_data(one_request(f"link set v0 type rnetvirt copies {word}")), [own])
        want = [own, (IPVLAN | NESTED, attribute(MODE, u16(0)))]
        equal(sent_data(one_request(f"link add v0 type rnetvirt copies {word} mode l2")), want)


@test
def copies_that_are_wrong():
    for word in ["0", "-1", "4294967296", "on", "5k"]:
        want = 1, f'Error: argument of "copies" must be "off", or a number from 1 to 4294967295, not "{word}"\n'
        equal(refused(f"link add m0 type rnetvirt copies {word}"), want, word)
    want = 255, 'Error: duplicate "copies": "2" is the second value.\n'
    equal(refused("link add m0 type rnetvirt copies 1 mode vepa copies 2"), want)


@test
def copies_are_shown():
    nest = attribute(MODE, u16(1)) + attribute(FLAGS, u16(0))
    data = ipvlan(nest) + attribute(COPIES, u32(2**32 - 1))
    equal(link_line(data, "-d"), ["    rnetvirt flavor ipvlan  mode l3 bridge copies 4294967295 numtxqueues 3 "])
    (link,) = json.loads(shown(data, "-d", "-j"))
    equal(link["linkinfo"]["info_data"]["copies"], 2**32 - 1)


GUARD, LIST_ADD, LIST_FLUSH = 6, 0, 2


def guard_sent(args):
    """What a request says of the guard, by number; and what else."""
    data = dict(sent_data(one_request(args)))
    guard = [value for number, value in data.items() if number & 0x3FFF == GUARD]
    equal(len(guard), 1, args)
    return {number & 0x3FFF: value for number, value in attributes(guard[0])}, {
        number & 0x3FFF for number in data} - {GUARD}


@test
def guard_is_sent():
    rules = {"off": 0, "mac": 1, "ip": 2, "arp": 4, "ra": 8, "dhcp-server": 16, "mac,dhcp-server,ip": 19, "ip,ip": 2}
    for word, number in rules.items():
        equal(guard_sent(f"link set v0 type rnetvirt guard {word}"), ({1: u32(number)}, set()), word)
    entries = {"10.0.0.1": b"\x0a\0\0\1\x20", "10.0.0.0/8": b"\x0a\0\0\0\x08", "0.0.0.0/0": bytes(5),
               "::/0": bytes(17), "fd00::1": b"\xfd" + bytes(14) + b"\1\x80", "02:0A:00:00:00:01": b"\2\x0a\0\0\0\1"}
    for word, number in {"add": 0, "del": 1, "set": 3}.items():
        sent, others = guard_sent(f"link set v0 type rnetvirt guard-addr {word} {','.join(entries)}")
        equal((sent.keys(), sent[2], others), ({2, 3}, u32(number), set()), word)
        equal(attributes(sent[3]), [(1, value) for value in entries.values()], word)
    equal(guard_sent("link set v0 type rnetvirt guard-addr flush"), ({2: u32(LIST_FLUSH)}, set()))


@test
def guard_leaves_the_flavor_to_others():
    for args, others in {"guard ip mode l2": {4}, "mode vepa guard ip": {3}, "guard-addr flush guard ip mode l3": {4},
                         "guard-addr add ::1 guard ip bclim 3": {3}, "flavor ipvtap guard ip": {2}}.items():
        equal(guard_sent(f"link set v0 type rnetvirt {args}")[1], others, args)


@test
def guard_that_is_wrong():
    for args, text in {"guard": "Command line is not complete", "guard nonsense": "argument of \"guard\" must be",
                       "guard ip, ": "argument of \"guard\" must be", "guard ip guard arp": "duplicate",
                       "guard-addr": "Command line is not complete", "guard-addr add": "Command line is not complete",
                       "guard-addr remove 10.0.0.1": "argument of \"guard-addr\" must be"}.items():
        _, err = refused(f"link add m0 type rnetvirt {args}")
        assert text in err, (args, err)
    for entry in ["10.0.0.1/33", "::/129", "10.0.0", "10.0.0.1,", "02:00:00:00:00", "02:00:00:00:00:00:00", "x", "10.0.0.1/",
                  "10.0.0.1/+8", "10.0.0.1/-1", "2:0:0:0:0:1/8", "1" * 70]:
        _, err = refused(f"link add m0 type rnetvirt guard-addr add {entry}")
        assert "is not a MAC address, an IP address or a prefix" in err, (entry, err)


@test
def guard_is_shown():
    nest = attribute(MODE, u16(1)) + attribute(FLAGS, u16(0))
    entries = [b"\x0a\0\0\1\x20", b"\x0a\0\0\0\x08", b"\xfd" + bytes(14) + b"\1\x80", bytes(17), b"\2\x0a\0\0\0\1"]
    texts = ["10.0.0.1", "10.0.0.0/8", "fd00::1", "::/0", "02:0a:00:00:00:01"]
    listed = attribute(3, b"".join(attribute(1, entry) for entry in entries))
    for rules, words in {0: [], 1: ["mac"], 31: ["mac", "ip", "arp", "ra", "dhcp-server"], 1 << 31: []}.items():
        guard = attribute(GUARD, attribute(1, u32(rules)) + listed)
        line = f"    rnetvirt flavor ipvlan  mode l3 bridge guard {','.join(words) or 'off'} guard-addr {','.join(texts)} numtxqueues 3 "
        equal(link_line(ipvlan(nest) + guard, "-d"), [line])
        (link,) = json.loads(shown(ipvlan(nest) + guard, "-d", "-j"))
        info = link["linkinfo"]["info_data"]
        equal((info["guard"], info["guard_addr"]), (words, texts))
    for broken in [b"", b"\1", attribute(3, b"\1"), attribute(3, attribute(1, b"123"))]:
        shown(ipvlan(nest) + attribute(GUARD, broken), "-d", "-j")


LIMIT = 8
LIMITS = {"tx-rate": 1, "tx-burst": 2, "tx-pps": 3, "tx-pps-burst": 4, "rx-rate": 5, "rx-burst": 6, "rx-pps": 7,
          "rx-pps-burst": 8, "broadcast": 9}


def limit_value(word, value):
    return struct.pack("=Q", value) if word.endswith("rate") else u32(value)


def limits_sent(args):
    """What a request says of limits, by number; and what else."""
    data = {number & 0x3FFF: value for number, value in sent_data(one_request(args))}
    return dict(attributes(data.pop(LIMIT))), set(data)


@test
def limits_are_sent():
    rates = {"8": 1, "8bit": 1, "9bit": 1, "1kbit": 125, "100mbit": 12500000, "100Mbit": 12500000, "1gbit": 125000000,
             "1tbit": 125000000000, "1bps": 1, "3kbps": 3000, "2mbps": 2000000, "1GBPS": 1000000000}
    sizes = {"1": 1, "1500": 1500, "7b": 7, "64k": 65536, "64kb": 65536, "2m": 2 << 20, "1MB": 1 << 20, "4294967295": 0xFFFFFFFF}
    counts = {"1": 1, "4294967295": 0xFFFFFFFF}
    for word, number in LIMITS.items():
        values = rates if word.endswith("-rate") else sizes if word in ("tx-burst", "rx-burst") else counts
        for text, value in values.items():
            equal(limits_sent(f"link set v0 type rnetvirt limit {word} {text}"), ({number: limit_value(word, value)}, set()), (word, text))
        if not word.endswith("burst"):
            equal(limits_sent(f"link set v0 type rnetvirt limit {word} off"), ({number: limit_value(word, 0)}, set()), word)
    equal(limits_sent("link set v0 type rnetvirt limit off"),
          ({number: limit_value(word, 0) for word, number in LIMITS.items() if not word.endswith("burst")}, set()))
    equal(limits_sent("link set v0 type rnetvirt limit rx-pps 5 broadcast 7 tx-rate 1mbit"),
          ({7: u32(5), 9: u32(7), 1: struct.pack("=Q", 125000)}, set()))


@test
def limits_leave_the_flavor_to_others():
    for args, others in {"limit tx-pps 5 mode l2": {4}, "mode vepa limit off": {3}, "limit off mode l3": {4},
                         "guard ip limit tx-rate 1mbit rx-pps 3 guard-addr flush private": {4, 6},
                         "limit broadcast 3 bclim 3": {3}, "flavor ipvtap limit off": {2}}.items():
        equal(limits_sent(f"link set v0 type rnetvirt {args}")[1], others, args)


@test
def limits_that_are_wrong():
    for args, text in {"limit": "Command line is not complete", "limit nonsense": 'argument of "limit" must be "off", or',
                       "limit tx-rate": "Command line is not complete", "limit off limit off": "duplicate",
                       "limit tx-pps 1 limit tx-rate 1mbit": "duplicate", "limit tx-pps 1 tx-pps 2": "duplicate",
                       "flavor macvlan limit off tx-pps 3": 'unknown option "tx-pps"', "limit tx-burst off": "must be a size",
                       "limit tx-pps-burst off": "must be a number of packets"}.items():
        _, err = refused(f"link add m0 type rnetvirt {args}")
        assert text in err, (args, err)
    for word, texts in {"tx-rate": ["x", "mbit", "0", "7bit", "1xbit", "-1", "1.5mbit", "18446744073709551616",
                                    "99999999999tbit"],
                        "rx-burst": ["x", "k", "0", "1g", "4294967296", "-1", "5bit"],
                        "broadcast": ["x", "0", "-1", "4294967296", "5k"]}.items():
        for value in texts:
            _, err = refused(f"link add m0 type rnetvirt limit {word} {value}")
            assert f'argument of "{word}" must be a' in err, (word, value, err)


@test
def limits_are_shown():
    nest = attribute(MODE, u16(1)) + attribute(FLAGS, u16(0))
    values = {"tx-rate": 12500000, "tx-burst": 65536, "tx-pps": 1000, "tx-pps-burst": 16, "rx-rate": 125000001,
              "rx-burst": 1000, "rx-pps": 7, "rx-pps-burst": 17, "broadcast": 0xFFFFFFFF}
    texts = {"tx-rate": "100mbit", "tx-burst": "64k", "tx-pps": "1000", "tx-pps-burst": "16", "rx-rate": "1000000008bit",
             "rx-burst": "1000", "rx-pps": "7", "rx-pps-burst": "17", "broadcast": "4294967295"}
    for words in [["tx-rate", "tx-burst"], ["broadcast"], list(LIMITS), []]:
        limits = attribute(LIMIT, b"".join(attribute(LIMITS[word], limit_value(word, values[word])) for word in words))
        text = "".join(f"{word} {texts[word]} " for word in words)
        equal(link_line(ipvlan(nest) + limits, "-d"), [f"    rnetvirt flavor ipvlan  mode l3 bridge limit {text}numtxqueues 3 "])
        (link,) = json.loads(shown(ipvlan(nest) + limits, "-d", "-j"))
        equal(link["linkinfo"]["info_data"]["limit"], {word.replace("-", "_"): values[word] for word in words})
    for rate, text in {1: "8bit", 125: "1kbit", 187500: "1500kbit", 125000000000: "1tbit"}.items():
        shown_as = link_line(ipvlan(nest) + attribute(LIMIT, attribute(1, struct.pack("=Q", rate))), "-d")
        equal(shown_as, [f"    rnetvirt flavor ipvlan  mode l3 bridge limit tx-rate {text} numtxqueues 3 "])
    for broken in [b"", b"\1", attribute(1, b"\1"), attribute(2, b"\1")]:
        shown(ipvlan(nest) + attribute(LIMIT, broken), "-d", "-j")


@test
def losses_are_shown_with_statistics():
    nest = attribute(MODE, u16(1)) + attribute(FLAGS, u16(0))
    lost = attribute(3, struct.pack("=Q", 5)) + attribute(1, struct.pack("=Q", 1 << 40))
    lines = shown(ipvlan(nest), "-s", "-d", xstats=lost).splitlines()
    equal([line for line in lines if "lost" in line], [f"    lost: tx_short {1 << 40} tx_group 5"])
    (link,) = json.loads(shown(ipvlan(nest), "-s", "-d", "-j", xstats=lost))
    equal(list(link["linkinfo"]["info_xstats"].items()), [("tx_short", 1 << 40), ("tx_group", 5)])
    assert "lost" not in shown(ipvlan(nest), "-d", xstats=lost)


@test
def losses_with_broken_data():
    # What is too short, or has no name here, is as if absent.
    for lost in [b"", b"\1", attribute(1, b"\1\0\0\0"), attribute(999, struct.pack("=Q", 1))]:
        assert "lost" not in shown(None, "-s", "-d", xstats=lost), lost


@test
def ipvlan_with_broken_data():
    for nest in [b"\1", struct.pack("=HH", 3, MODE) + attribute(MODE, u16(1)), struct.pack("=HH", 9, MODE) + u32(1)]:
        equal(link_line(ipvlan(nest), "-d"), ["    rnetvirt flavor ipvlan numtxqueues 3 "], nest)


@test
def ipvlan_settings_of_another_flavor():
    # Those of ipvtap are the same.
    nest = attribute(MODE, u16(1))
    equal(link_line(ipvlan(nest, 4), "-d"), ["    rnetvirt flavor ipvtap  mode l3 numtxqueues 3 "])
    equal(link_line(attribute(IPVLAN, nest), "-d"), ["    rnetvirt  mode l3 numtxqueues 3 "])


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
