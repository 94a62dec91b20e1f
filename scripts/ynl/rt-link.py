#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""rt-link.py SPECIFICATION > NEW: the kernel's Documentation/netlink/specs/rt-link.yaml, with kind rnetvirt.

    scripts/ynl/rt-link.py LINUX/Documentation/netlink/specs/rt-link.yaml >/tmp/rt-link.yaml
    LINUX/tools/net/ynl/pyynl/cli.py --no-schema --spec /tmp/rt-link.yaml \\
        --do getlink --json '{"ifname": "m0"}'

With --check: whether rnetvirt.yaml has the numbers of rust/uapi.rs.
"""

import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent


def ours():
    return yaml.safe_load((HERE / "rnetvirt.yaml").read_text())


def merged(spec, new):
    """SPEC with NEW's definitions, attribute sets, and formats of the messages that it has already."""
    for key in ("definitions", "attribute-sets"):
        spec[key] += new[key]
    for message in new["sub-messages"]:
        there = next(m for m in spec["sub-messages"] if m["name"] == message["name"])
        there["formats"] += message["formats"]
    return spec


def check():
    """Every attribute of rust/uapi.rs is in the specification, with its number, and the other way round."""
    source = (HERE.parent.parent / "rust/uapi.rs").read_text()
    constant = re.compile(r"^pub const (IFLA_(?:RNETVIRT|MACVLAN|IPVLAN)_\w+): u16 = (\d+);", re.M)
    wanted = {name: int(number) for name, number in constant.findall(source) if not name.endswith("_UNSPEC")}
    found = {}
    for attributes in ours()["attribute-sets"]:
        number = 0
        for attribute in attributes["attributes"]:
            number = attribute.get("value", number + 1)
            name = (attributes["name-prefix"] + attribute["name"]).upper().replace("-", "_")
            found[name] = number
    wrong = [f"{name}: {wanted.get(name)} in rust/uapi.rs, {found.get(name)} in scripts/ynl/rnetvirt.yaml"
             for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
    if wrong or not wanted:
        sys.exit("\n".join(wrong))


def main():
    if sys.argv[1:] == ["--check"]:
        check()
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        text = pathlib.Path(sys.argv[1]).read_text()
        spec = yaml.safe_load(text)
        # Its licence, which readers look for.
        print(text.splitlines()[0])
        yaml.safe_dump(merged(spec, ours()), sys.stdout, sort_keys=False)
    else:
        print(__doc__, file=sys.stderr)
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)


main()
