# SPDX-License-Identifier: GPL-2.0
"""Random link messages: good ones, and good ones with something wrong.

A message depends on the seed and its number only, never on what the kernel said,
so that any of them can be made again.
"""

import random
import struct

NESTED, BYTEORDER = 0x8000, 0x4000
NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
REQUEST, ACK, ROOT, REPLACE, EXCL, CREATE, APPEND = 1, 4, 0x100, 0x100, 0x200, 0x400, 0x800
IFNAME, LINK, NET_NS_PID, LINKINFO, NET_NS_FD, TXQ, RXQ = 3, 5, 19, 18, 28, 31, 32
# Descriptors of the namespaces and processes in them, where the sender has them;
# and some that are none.
NS_FDS, NS_PIDS = [200, 201, 202], [1, 2, 3]
NAMES = [b"f0", b"f1", b"f2", b"f3", b"f4", b"p0", b"p1", b"p2"]
ODD_NAMES = [b"", b".", b"..", b"lo", b"all", b"default", b"a/b", b"a b", b"f%d", b"%d%d", b"%s%n",
             b"\xff\xfe", b"x" * 15, b"x" * 16, b"y" * 300]
# Lower devices that the sender has, by their indexes.
LOWERS = [90, 90, 91]
SOURCES = [b"\x02\0\0\0\0" + bytes((number,)) for number in range(1, 12)]
NUMBERS = [0, 1, 2, 3, 4, 5, 67, 68, 1500, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
LENGTHS = [0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 20, 64, 255, 4096, 40000, 65531]
# Attributes of a link that every message may have: number and how to fill it.
COMMON = {1: "mac", 2: "mac", 4: "mtu", 13: "u32", 16: "u8", 17: "u8", 20: "text", 27: "group", 33: "bool",
          39: "bool", 40: "segs", 41: "size", 58: "size", 63: "size", 64: "size"}
# The same that seldom fit.
RARE = {5: "index", 10: "index", 26: "raw", 37: "nsid", 43: "raw", 46: "nsid", 52: "raw", 53: "name", 62: "raw"}


class Attr:
    """A node: children, or a payload. `length` is what the header says, if it lies."""

    def __init__(self, kind, payload=b"", children=None):
        self.kind, self.payload, self.children = kind, payload, children
        self.length, self.prefix = None, b""  # prefix: a header before the children

    def data(self):
        if self.children is None:
            return self.payload
        return self.prefix + b"".join(child.pack() for child in self.children)

    def pack(self):
        data = self.data()
        length = (len(data) + 4 if self.length is None else self.length) & 0xFFFF
        return struct.pack("=HH", length, self.kind & 0xFFFF) + data + bytes(-len(data) % 4)


def u32(value):
    return struct.pack("=I", value & 0xFFFFFFFF)


def header(rng, wild):
    """struct ifinfomsg"""
    if wild:
        return rng.randbytes(16)
    family = rng.choice([0, 0, 0, 0, 2, 7, 10, 255])
    kind = rng.choice([0, 0, 0, 1, 772, 65535])
    # An index comes instead of a name: then most names are refused.
    index = rng.choice([0] * 50 + [1, 2, 5, 100, 101, -1, 0x7FFFFFFF])
    flags, change = rng.choice([(0, 0)] * 8 + [(1, 1), (1, 0), (0, 1), (0x1000, 0x1000), (0x80, 0x80),
                                               (0x100, 0x100), (rng.getrandbits(20), rng.getrandbits(20))])
    return struct.pack("=BxHiII", family, kind, index, flags, change)


def value(rng, form):
    """A payload of that form, mostly a sensible one."""
    if form == "mac":
        return b"\x02" + rng.randbytes(5) if rng.random() < 0.9 else rng.randbytes(rng.choice([0, 5, 6, 6, 7, 32]))
    if form == "mtu":
        return u32(rng.choice([68, 100, 1280, 1500, 9000, 65535] if rng.random() < 0.9 else NUMBERS))
    if form == "group":
        return u32(rng.choice([0, 1, 2]))
    if form == "nsid":
        return u32(rng.choice([0, 1, 2, 7, 0xFFFFFFFF]))
    if form == "index":
        return u32(rng.choice([0, 1, 2, 3, 100, 101, 0xFFFFFFFF]))
    if form == "bool":
        return bytes((rng.choice([0, 1, 1, 0, 255]),))
    if form == "size":
        return u32(rng.choice([4000, 65536, 65536, 200000, rng.choice(NUMBERS)]))
    if form == "segs":
        return u32(rng.choice([1, 16, 65535, 65535, rng.randrange(70000)]))
    if form == "u8":
        return bytes((rng.randrange(8),))
    if form == "u32":
        return u32(rng.choice([rng.choice(NUMBERS), rng.randrange(70000)]))
    if form == "name":
        return name(rng)
    if form == "text":
        return rng.randbytes(rng.choice([0, 1, 20, 255, 256]))
    return rng.randbytes(rng.choice(LENGTHS[:12]))


def name(rng, usual=NAMES):
    return rng.choice(usual if rng.random() < 0.95 else ODD_NAMES) + b"\0"


def namespace(rng):
    if rng.random() < 0.7:
        return Attr(NET_NS_FD, u32(rng.choice(NS_FDS if rng.random() < 0.95 else [0, 5, 1000, 0xFFFFFFFF])))
    return Attr(NET_NS_PID, u32(rng.choice(NS_PIDS if rng.random() < 0.9 else [0, 4, 30000, 0xFFFFFFFF])))


def end(rng, wild, names=NAMES, moves=0.3):
    """The attributes of one device."""
    attrs = []
    if rng.random() < 0.85:
        attrs.append(Attr(IFNAME, name(rng, names)))
    if rng.random() < moves:
        attrs.append(namespace(rng))
    for number in (TXQ, RXQ):
        if rng.random() < 0.15:
            attrs.append(Attr(number, u32(rng.choice([1, 2, 3, 4] * 5 + [0, 4097, 0xFFFFFFFF]))))
    for number in rng.sample(sorted(COMMON), rng.choice([0, 3, 8] if wild else [0, 0, 1, 1, 2, 5])):
        attrs.append(Attr(number, value(rng, COMMON[number])))
    if rng.random() < 0.05:
        number = rng.choice(sorted(RARE))
        attrs.append(Attr(number, value(rng, RARE[number])))
    return attrs


def macvlan(rng):
    """A macvlan's settings, mostly sensible ones."""
    attrs = []

    def address():
        return Attr(4, rng.choice(SOURCES) if rng.random() < 0.9 else value(rng, "mac"))

    if rng.random() < 0.8:
        attrs.append(Attr(1, u32(rng.choice([1, 2, 4, 4, 16, 16, 16, 8] if rng.random() < 0.9 else NUMBERS))))
    if rng.random() < 0.3:
        attrs.append(Attr(2, struct.pack("=H", rng.choice([0, 1, 2, 3, 3, 4, 0xFFFF]))))
    if rng.random() < 0.4:
        change = rng.choice([0, 0, 0, 1, 2, 3, 3, 3, 4])
        attrs.append(Attr(3, u32(change)))
        if change < 2 or rng.random() < 0.2:
            attrs.append(address())
        if change == 3 or rng.random() < 0.1:
            attrs.append(Attr(5 | rng.choice([0, NESTED]),
                              children=[address() for _ in range(rng.choice([0, 1, 3, 9, 40]))]))
    if rng.random() < 0.2:
        attrs.append(Attr(7, u32(rng.choice([0, 1, 1000, 1001, rng.choice(NUMBERS)]))))
    if rng.random() < 0.2:
        attrs.append(Attr(9, u32(rng.choice([-1, 0, 1, 2, rng.choice(NUMBERS)]))))
    if rng.random() < 0.02:
        attrs.append(Attr(rng.choice([6, 8, 10]), value(rng, "u32")))
    return attrs


def ipvlan(rng):
    """An ipvlan's settings, likewise."""
    attrs = []
    for number, usual in (1, [0, 1, 2]), (2, [0, 0, 1, 2]):
        if rng.random() < 0.7:
            odd = rng.choice([3, 4, 0x8000, 0xFFFF])
            attrs.append(Attr(number, struct.pack("=H", rng.choice(usual) if rng.random() < 0.9 else odd)))
    if rng.random() < 0.02:
        attrs.append(Attr(rng.choice([0, 3, 4]), value(rng, "u32")))
    return attrs


def flag(rng):
    """Of a nest that is refused without it."""
    return 0 if rng.random() < 0.05 else NESTED


def limits(rng):
    """Limits of what is sent and received."""
    attrs = []
    for number in range(1, 10):
        if rng.random() < 0.3:
            amount = rng.choice([0, 1, 1000, 10**9, rng.choice(NUMBERS)])
            attrs.append(Attr(number, struct.pack("=Q", amount) if number in (1, 5) and rng.random() < 0.95 else
                              u32(amount & 0xFFFFFFFF)))
    return attrs


def guard(rng):
    """What an endpoint may say that it is: rules, and a list of addresses."""
    attrs = []

    def entry():
        if rng.random() < 0.1:
            return Attr(1, rng.randbytes(rng.choice(LENGTHS[:12])))
        # A MAC address, or one of IPv4 or IPv6 and the length of its prefix.
        bits = rng.choice([0, 32, 128])
        if not bits:
            return Attr(1, rng.choice(SOURCES))
        addr = b"\x0a\x08\0" if bits == 32 else b"\xfd".ljust(15, b"\0")
        prefix = rng.choice([bits, bits, 8, 0] if rng.random() < 0.9 else [bits + 1, 255])
        return Attr(1, addr + bytes((rng.randrange(1, 12), prefix)))

    if rng.random() < 0.8:
        attrs.append(Attr(1, u32(rng.randrange(32) if rng.random() < 0.9 else rng.choice([32, *NUMBERS]))))
    change = rng.choice([None, 0, 0, 1, 2, 3, 3, 3, 4])
    if change is not None:
        attrs.append(Attr(2, u32(change)))
    if change in (0, 1, 3) or rng.random() < 0.1:
        attrs.append(Attr(3 | flag(rng),
                          children=[entry() for _ in range(rng.choice([0, 1, 1, 3, 9, 40, 65]))]))
    return attrs


# Flavors on a lower device: number, attribute of their settings, and what makes these.
STACKED = {"macvlan": (1, 3, macvlan), "ipvlan": (2, 4, ipvlan), "macvtap": (3, 3, macvlan), "ipvtap": (4, 4, ipvlan)}


def info(rng, kind, changes, flavor="veth"):
    """IFLA_LINKINFO: the kind, and what belongs to it."""
    data = []
    if flavor in STACKED:
        number, nest, make = STACKED[flavor]
        settings = make(rng)
        if kind == "rnetvirt":
            data.append(Attr(nest | rng.choice([0, NESTED]), children=settings))
            if rng.random() < 0.2:
                data.append(Attr(8 | flag(rng), children=limits(rng)))
            if rng.random() < 0.2:
                data.append(Attr(6 | flag(rng), children=guard(rng)))
            # Another flavor has no such attribute.
            if rng.random() < (0.3 if make is ipvlan else 0.02):
                data.append(Attr(5, u32(rng.choice([0, 1, 1, 1, 2]))))
            if rng.random() < 0.2:
                data.append(Attr(7, u32(rng.choice([0, 1, 1, 1, 2]))))
            if rng.random() < 0.2:
                data.append(Attr(9, u32(rng.choice([0, 1, 1, 1, 2]))))
            if rng.random() < 0.2:
                data.append(Attr(10, u32(rng.choice([0, 1, 100, 0xFFFFFFFF]))))
            if rng.random() < 0.7:
                data.append(Attr(2, u32(number if rng.random() < 0.95 else rng.choice([0, 1, 2, 3, 0xFFFFFFFF]))))
        else:
            data += settings
    elif rng.random() < (0.2 if changes else 0.75):
        peer = Attr(1 | rng.choice([0, NESTED]), children=end(rng, rng.random() < 0.2, NAMES[5:]))
        peer.prefix = header(rng, rng.random() < 0.05)
        data.append(peer)
    if kind == "rnetvirt" and flavor == "veth" and rng.random() < 0.4:
        data.append(Attr(2, u32(0 if rng.random() < 0.85 else rng.choice([1, 2, 3, 4, 5, 0xFFFFFFFF]))))
    if kind == "rnetvirt" and rng.random() < 0.05:
        inner = [Attr(n, value(rng, "u32")) for n in range(1, rng.randrange(1, 5))]
        data.append(Attr(rng.choice([3, 4, 5]) | rng.choice([0, NESTED]), children=inner))
    rng.shuffle(data)
    found = [Attr(1, kind.encode() + b"\0")]
    if data or rng.random() < 0.2:
        found.append(Attr(2 | rng.choice([0, NESTED]), children=data))
    return Attr(LINKINFO | rng.choice([0, NESTED]), children=found)


def good(rng, kind, flavors):
    """[message type, flags, ifinfomsg, attributes]"""
    flavor = rng.choice(flavors)
    what = rng.choices(["new", "replace", "set", "setlink", "del", "get"], [12, 2, 3, 2, 4, 1])[0]
    head, flags = header(rng, False), REQUEST | ACK
    if what in ("new", "replace"):
        flags |= CREATE | (EXCL if what == "new" else REPLACE)
        lower = []
        if flavor in STACKED and rng.random() < 0.95:
            lower.append(Attr(LINK, u32(rng.choice(LOWERS if rng.random() < 0.9 else [0, 1, 2, 3, 100, 101, 102]))))
        return [NEWLINK, flags, head, [*lower, *end(rng, False, NAMES[:5]), info(rng, kind, False, flavor)]]
    if what == "set":
        return [NEWLINK, flags, head, [*end(rng, False), info(rng, kind, True, flavor)]]
    if what == "setlink":
        return [SETLINK, flags, head, end(rng, False)]
    return [DELLINK if what == "del" else GETLINK, flags, head, end(rng, False, moves=0.02)[:2]]


def nodes(attrs):
    """Every list of attributes in the tree."""
    yield attrs
    for attr in attrs:
        if attr.children is not None:
            yield from nodes(attr.children)


def mutate(rng, message):
    """One thing wrong in the tree."""
    lists = [found for found in nodes(message[3]) if found]
    if not lists:
        message[2] = header(rng, True)
        return
    where = rng.choice(lists)
    at = rng.randrange(len(where))
    attr = where[at]
    what = rng.randrange(13)
    if what == 0:
        del where[at]
    elif what == 1:
        where.insert(rng.randrange(len(where) + 1), attr)  # twice the same
    elif what == 2:
        attr.kind = rng.choice([rng.randrange(8), rng.randrange(80), rng.getrandbits(14), 0]) | attr.kind & 0xC000
    elif what == 3:
        attr.kind ^= rng.choice([NESTED, BYTEORDER, NESTED | BYTEORDER])
    elif what == 4:
        attr.length = rng.choice([0, 1, 3, 4, 5, 8, 0xFFFF, rng.getrandbits(16)])
    elif what == 5:
        attr.payload, attr.children = rng.randbytes(rng.choice(LENGTHS)), None
    elif what == 6:
        data = attr.data()
        attr.payload, attr.children = data[:rng.randrange(len(data) + 1)], None
    elif what == 7:
        attr.payload, attr.children = attr.data() + rng.randbytes(rng.choice(LENGTHS[:12])), None
    elif what == 8:
        attr.payload, attr.children = rng.choice([u32(rng.choice(NUMBERS)), name(rng)]), None
    elif what == 9:
        donor = rng.choice(rng.choice(lists))
        if attr not in nodes_below(donor):
            where[at] = donor
    elif what == 10:
        attr.children, attr.prefix = [Attr(attr.kind, attr.data())], b""  # one level deeper
    elif what == 11:
        message[2] = header(rng, True)
    else:
        attr.prefix = rng.randbytes(rng.choice([0, 1, 15, 16, 17, 20])) if attr.children is not None else b""


def nodes_below(attr):
    found = [attr]
    for child in attr.children or ():
        found += nodes_below(child)
    return found


def tame(rng, attrs):
    """Thousands of queues take seconds: now and then is enough."""
    for where in nodes(attrs):
        for attr in where:
            if attr.kind & 0x3FFF in (TXQ, RXQ) and attr.children is None and len(attr.payload) >= 4:
                if 8 < struct.unpack_from("=I", attr.payload)[0] <= 4096 and rng.random() < 0.98:
                    attr.payload = u32(rng.randrange(1, 5)) + attr.payload[4:]


def build(rng, kind, flavors=("veth",), more=()):
    """The bytes of one message; each of `more` is the seed of one thing more that is wrong."""
    message = good(rng, kind, flavors)
    mutations = rng.choices([0, 1, 2, 4, 10], [30, 30, 20, 15, 5])[0]
    for _ in range(mutations):
        mutate(rng, message)
    for seed in more:
        mutate(random.Random(seed), message)
    tame(rng, message[3])
    number, flags, head, attrs = message
    payload = head + b"".join(attr.pack() for attr in attrs)
    if mutations and rng.random() < 0.1:
        number = rng.choice([NEWLINK, DELLINK, SETLINK, NEWLINK])
        flags = REQUEST | ACK | rng.choice([0, EXCL, CREATE, REPLACE, APPEND, rng.getrandbits(12) & ~2])
    length = len(payload) + 16
    if mutations and rng.random() < 0.05:
        payload = payload[:rng.randrange(len(payload) + 1)]
        length = len(payload) + 16
    if mutations > 1 and rng.random() < 0.1 and payload:
        data = bytearray(payload)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        payload = bytes(data)
    if mutations and rng.random() < 0.03:
        length = rng.choice([0, 15, 16, 17, 31, length - 1, length + 1, length + 100, 0x7FFFFFFF])
    return struct.pack("=IHHII", length, number, flags, 1, 0) + payload
