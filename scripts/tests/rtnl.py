#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""rtnetlink requests by hand: what `ip` would refuse to send, or does not show.

usage: rtnl.py [--events] OPERATION TOKEN...
       rtnl.py get DEVICE [KEY...]

OPERATION: new (create, exclusive), replace, set (modify), del

TOKEN, in the message's own order:
  kind:K          IFLA_LINKINFO of that kind
  name:N          IFLA_IFNAME; name0x:HEX its bytes as given
  index:N up      ifinfomsg; flags:N (with as many bits of mask)
  addr:HEX mtu:N txq:N rxq:N group:N link:N master:N
  nsfd:PATH nspid:N linknsid:N
  attr:T:HEX      any other attribute
  data:T:HEX      an attribute of IFLA_INFO_DATA
  data16:T:N data32:T:N    the same, a u16 or a u32
  nest:T TOKEN... end      a nested attribute there, of data tokens
  nestflat:T TOKEN... end  the same without NLA_F_NESTED
  sources:HEX,HEX...       a macvlan's list of sources, a data token
  peer TOKEN... end       the peer's blob, an attribute 1 of IFLA_INFO_DATA
  peerflat TOKEN... end   the same without NLA_F_NESTED
  peerlen:N       a peer attribute of N zero bytes

Prints "OK", or the errno's name and the extack text. With --events, the link
notifications that the request caused in the caller's namespace follow, one per
line.
"""

import errno
import os
import socket
import struct
import sys

RTM = {"new": 16, "replace": 16, "set": 16, "del": 17, "get": 18}
REQUEST, ACK, REPLACE, EXCL, CREATE = 1, 4, 0x100, 0x200, 0x400
LINKINFO, INFO_KIND, INFO_DATA, INFO_XSTATS, NESTED = 18, 1, 2, 3, 0x8000
STATS64 = 23
LOST_TX, LOST_RX = {*range(1, 8), *range(18, 26)}, {*range(8, 15), 26}
# For the tests: said of links of kind rnetvirt only.
LEDGER = {"rx_errors", "tx_dropped", "lost_tx", "lost_rx", "guarded"}
RTMGRP_LINK = 1

U32 = {"mtu": 4, "txq": 31, "rxq": 32, "group": 27, "nspid": 19, "linknsid": 37,
       "link": 5, "master": 10, "txqlen": 13, "gsomax": 41, "gsosegs": 40, "gromax": 58}

SHOWN = {  # IFLA_*: (name, format)
    1: ("address", "mac"), 4: ("mtu", "I"), 5: ("link", "I"), 6: ("qdisc", "s"),
    10: ("master", "I"), 13: ("txqlen", "I"), 16: ("operstate", "B"),
    17: ("linkmode", "B"), 27: ("group", "I"), 30: ("promiscuity", "I"),
    31: ("txq", "I"), 32: ("rxq", "I"), 33: ("carrier", "B"),
    35: ("carrier_changes", "I"), 37: ("link_netnsid", "i"),
    39: ("protodown", "B"), 40: ("gso_max_segs", "I"), 41: ("gso_max_size", "I"),
    47: ("carrier_up", "I"), 48: ("carrier_down", "I"), 50: ("min_mtu", "I"),
    51: ("max_mtu", "I"), 54: ("perm_address", "mac"), 58: ("gro_max_size", "I"),
    59: ("tso_max_size", "I"), 60: ("tso_max_segs", "I"), 61: ("allmulti", "I"),
    63: ("gso_ipv4_max_size", "I"), 64: ("gro_ipv4_max_size", "I"),
    67: ("netns_immutable", "B"), 68: ("headroom", "H"), 69: ("tailroom", "H"),
}


# IFLA_MACVLAN_*: (name, format); its place in the data of each kind, if nested.
MACVLAN = {1: ("mode", "I"), 2: ("mvflags", "H"), 5: ("sources", "macs"), 6: ("count", "I"),
           7: ("bcqueuelen", "I"), 8: ("bcqueuelenused", "I"), 9: ("bccutoff", "i")}
MACVLAN_NEST = {"macvlan": None, "rnetvirt": 3}
# IFLA_IPVLAN_*, likewise; both are u16.
IPVLAN = {1: "ipmode", 2: "ipflags"}
IPVLAN_NEST = {"ipvlan": None, "rnetvirt": 4}
# What settings are called, of whatever kind.
SETTINGS = {name for name, _ in MACVLAN.values()} | set(IPVLAN.values())
MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}

opened = []  # descriptors that the next request names


def attr(kind, payload):
    data = struct.pack("=HH", len(payload) + 4, kind) + payload
    return data + bytes(-len(data) % 4)


def attrs(data):
    """The attributes of a message as {type: payload}."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4 or length > len(data):
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def data_attr(token):
    """The attribute of IFLA_INFO_DATA that a data token describes."""
    key, _, value = token.partition(":")
    number, _, payload = value.partition(":")
    if key == "sources":
        return attr(5, b"".join(attr(4, bytes.fromhex(address)) for address in value.split(",")))
    if key == "data":
        return attr(int(number), bytes.fromhex(payload))
    if key == "data16":
        return attr(int(number), struct.pack("=H", int(payload)))
    if key == "data32":
        return attr(int(number), struct.pack("=I", int(payload) & 0xFFFFFFFF))
    sys.exit(f"rtnl.py: unknown token '{token}'")


def nest(tokens):
    """The contents of a nested attribute, up to "end"."""
    out = b""
    while tokens:
        token = tokens.pop(0)
        if token == "end":
            break
        out += data_attr(token)
    return out


def build(tokens, end=None):
    """The ifinfomsg and the attributes that the tokens describe."""
    index = flags = mask = 0
    out, data, kind = b"", b"", None
    while tokens:
        token = tokens.pop(0)
        if token == end:
            break
        key, _, value = token.partition(":")
        if key == "kind":
            kind = value
        elif key == "name":
            out += attr(3, value.encode() + b"\0")
        elif key == "name0x":
            out += attr(3, bytes.fromhex(value))
        elif key == "index":
            index = int(value)
        elif key == "up":
            flags |= 1
            mask |= 1
        elif key == "flags":
            flags |= int(value, 0)
            mask |= int(value, 0)
        elif key == "addr":
            out += attr(1, bytes.fromhex(value))
        elif key in U32:
            out += attr(U32[key], struct.pack("=I", int(value) & 0xFFFFFFFF))
        elif key == "nsfd":
            opened.append(os.open(value, os.O_RDONLY))
            out += attr(28, struct.pack("=I", opened[-1]))
        elif key == "attr":
            number, _, payload = value.partition(":")
            out += attr(int(number), bytes.fromhex(payload))
        elif key in ("data", "data16", "data32", "sources"):
            data += data_attr(token)
        elif key in ("nest", "nestflat"):
            nested = NESTED if key == "nest" else 0
            data += attr(int(value) | nested, nest(tokens))
        elif key in ("peer", "peerflat"):
            nested = NESTED if key == "peer" else 0
            data += attr(1 | nested, build(tokens, "end"))
        elif key == "peerlen":
            data += attr(1, bytes(int(value)))
        else:
            sys.exit(f"rtnl.py: unknown token '{token}'")
    if kind is not None:
        info = attr(INFO_KIND, kind.encode() + b"\0")
        if data:
            info += attr(INFO_DATA | NESTED, data)
        out += attr(LINKINFO, info)
    return struct.pack("=BxHiII", 0, 0, index, flags, mask) + out


def macvlan(found):
    """The settings of a macvlan as {key: text}; sources sorted."""
    values = {}
    for number, (name, form) in MACVLAN.items():
        if number in found and form == "macs":
            values[name] = ",".join(sorted(found[number][at + 4:at + 10].hex(":")
                                           for at in range(0, len(found[number]), 12)))
        elif number in found:
            values[name] = str(struct.unpack("=" + form, found[number])[0])
    return values


def ipvlan(found):
    """The settings of an ipvlan as {key: text}."""
    return {name: str(struct.unpack("=H", found[number])[0])
            for number, name in IPVLAN.items() if number in found}


def losses(found, xstats):
    """Own counters, and the sums of reasons that they are of; see DROP_NAMES in rust/uapi.rs."""
    stats = struct.unpack_from("=24Q", found[STATS64].ljust(192, b"\0"))
    lost = {number: struct.unpack("=Q", payload)[0] for number, payload in xstats.items()}
    return {"rx_errors": str(stats[4]), "tx_dropped": str(stats[7]),
            "guarded": str(sum(n for number, n in lost.items() if number in range(18, 24))),
            "lost_tx": str(sum(n for number, n in lost.items() if number in LOST_TX)),
            "lost_rx": str(sum(n for number, n in lost.items() if number in LOST_RX))}


def own(kind, *tokens):
    """Tokens for settings of a macvlan as the kind wants them."""
    nested = MACVLAN_NEST[kind]
    return ("data32:2:1", f"nest:{nested}", *tokens, "end") if nested else tokens


def own_ip(kind, *tokens):
    """The same for an ipvlan."""
    nested = IPVLAN_NEST[kind]
    return ("data32:2:2", f"nest:{nested}", *tokens, "end") if nested else tokens


class Netlink:
    def __init__(self, groups=0):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.sock.setsockopt(270, 11, 1)  # NETLINK_EXT_ACK
        self.sock.setsockopt(270, 10, 1)  # NETLINK_CAP_ACK
        self.sock.bind((0, groups))
        self.seq = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def dump(self):
        """Every link of the namespace, as shown() gives them."""
        self.send(RTM["get"], REQUEST | 0x300, bytes(16))
        found = []
        while True:
            for kind, _, _, body in self.messages():
                if kind == 3:
                    return found
                found.append(shown(body))

    def send(self, kind, flags, payload):
        self.seq += 1
        self.sock.send(struct.pack("=IHHII", len(payload) + 16, kind, flags,
                                   self.seq, 0) + payload)

    def messages(self, flags=0):
        data = self.sock.recv(1 << 18, flags)
        while data:
            length, kind, mflags, seq, _ = struct.unpack_from("=IHHII", data)
            yield kind, mflags, seq, data[16:length]
            data = data[(length + 3) & ~3:]

    def reply(self):
        """(0 or a positive errno, extack text, link messages on the way)."""
        links = []
        while True:
            for kind, mflags, seq, body in self.messages():
                if seq != self.seq:
                    continue
                if kind == 2:
                    error = -struct.unpack_from("=i", body)[0]
                    text = ""
                    if mflags & 0x200:  # NLM_F_ACK_TLVS
                        # Capped: an error carries only the request's header.
                        text = attrs(body[20:]).get(1, b"").rstrip(b"\0").decode()
                    return error, text, links
                links.append(body)

    def request(self, operation, payload):
        flags = REQUEST | ACK
        if operation == "new":
            flags |= CREATE | EXCL
        elif operation == "replace":
            flags |= CREATE | REPLACE
        self.send(RTM[operation], flags, payload)
        return self.reply()


def shown(body):
    """A link message as {key: text}."""
    _, kind, index, flags, _ = struct.unpack_from("=BxHiII", body)
    found = attrs(body[16:])
    values = {"name": found.get(3, b"").rstrip(b"\0").decode(),
              "index": str(index), "type": str(kind), "flags": hex(flags)}
    for number, (name, form) in SHOWN.items():
        if number not in found:
            continue
        raw = found[number]
        if form == "mac":
            values[name] = raw.hex(":")
        elif form == "s":
            values[name] = raw.rstrip(b"\0").decode()
        else:
            values[name] = str(struct.unpack("=" + form, raw)[0])
    info = attrs(found.get(LINKINFO, b""))
    values["kind"] = info.get(INFO_KIND, b"").rstrip(b"\0").decode()
    data = attrs(info.get(INFO_DATA, b""))
    for number, payload in data.items():
        values[f"data{number}"] = payload.hex()
    if values["kind"] in MACVLAN_NEST:
        nested = MACVLAN_NEST[values["kind"]]
        values.update(macvlan(attrs(data.get(nested, b"")) if nested else data))
    if values["kind"] in IPVLAN_NEST:
        nested = IPVLAN_NEST[values["kind"]]
        values.update(ipvlan(attrs(data.get(nested, b"")) if nested else data))
    if values["kind"] == "rnetvirt":
        values.update(losses(found, attrs(info.get(INFO_XSTATS, b""))))
    values["info"] = ",".join(str(number) for number in sorted(info))
    return values


def result(error, text):
    if not error:
        return "OK"
    # Python calls 95 ENOTSUP; 524 is the kernel's own.
    names = {**errno.errorcode, 95: "EOPNOTSUPP", 524: "ENOTSUPP"}
    return f"{names.get(error, error)} {text}".rstrip()


def events(monitor):
    try:
        while True:
            for kind, _, _, body in monitor.messages(socket.MSG_DONTWAIT):
                v = shown(body)
                what = {16: "new", 17: "del"}.get(kind, str(kind))
                print(what, v["name"], "link=" + v.get("link", "-"),
                      "netnsid=" + v.get("link_netnsid", "-"))
    except BlockingIOError:
        pass


def link(device):
    with Netlink() as nl:
        error, text, links = nl.request("get", build(["name:" + device]))
    if error:
        sys.exit(f"rtnl.py: {device}: {result(error, text)}")
    return shown(links[0])


def get(device, keys):
    values = link(device)
    if keys:
        print(*(values.get(key, "-") for key in keys))
    else:
        for key in sorted(values):
            print(f"{key}={values[key]}")


def request(operation, tokens, want_events):
    with Netlink(RTMGRP_LINK if want_events else 0) as monitor, Netlink() as nl:
        try:
            error, text, _ = nl.request(operation, build(list(tokens)))
        finally:
            while opened:
                os.close(opened.pop())
        print(result(error, text))
        if want_events:
            events(monitor)


def main(args):
    if not args or args[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    want_events = args[0] == "--events"
    if want_events:
        args.pop(0)
    operation = args.pop(0)
    if operation not in RTM:
        print(f"rtnl.py: unknown operation '{operation}'", file=sys.stderr)
        return 2
    if operation == "get":
        get(args[0], args[1:])
    else:
        request(operation, args, want_events)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
