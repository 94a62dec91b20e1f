#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Adds the crates of this project to the kernel's rust-project.json.

usage: rust-project.py TOP OUT <KERNELS >OURS

TOP is the checkout, OUT where the module was built.
"""

import json
import pathlib
import sys

# What a crate of a module can use (see rust_common_cmd in the kernel).
KERNEL_CRATES = ["core", "kernel", "pin_init", "zerocopy", "zerocopy_derive"]

# name: (root, crates it uses)
MODULE_CRATES = {
    "abstractions": ("rust/abstractions/abstractions.rs", KERNEL_CRATES),
    "rnetvirt": ("rust/driver/rnetvirt_main.rs", KERNEL_CRATES + ["abstractions"]),
    "rnetvirt_kunit": ("kunit/rnetvirt_kunit_main.rs", KERNEL_CRATES + ["abstractions"]),
}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    top, out = (pathlib.Path(arg).resolve() for arg in sys.argv[1:])
    project = json.load(sys.stdin)
    crates = project["crates"]

    # The kernel's are there to be read: an editor is to report on ours only.
    for crate in crates:
        crate["is_workspace_member"] = False
    index = {crate["display_name"]: number for number, crate in enumerate(crates)}
    kernel = crates[index["kernel"]]

    def add(name, root, uses, generated=(), **more):
        index[name] = len(crates)
        crates.append(
            {
                "display_name": name,
                "root_module": str(top / root),
                "is_workspace_member": True,
                "edition": "2021",
                "deps": [{"crate": index[used], "name": used} for used in uses],
                "cfg": [],
                "env": {},
                # Crates have modules in each other's directories.
                "source": {
                    "include_dirs": [str(top / "rust"), str(top / "kunit"), *generated],
                    "exclude_dirs": [],
                },
                **more,
            }
        )

    for name, (root, uses) in MODULE_CRATES.items():
        add(
            name,
            root,
            uses,
            cfg=kernel["cfg"] + ["MODULE"] + ([name] if name == "rnetvirt_kunit" else []),
            env={**kernel["env"], "RNETVIRT_OBJTREE": str(out)},
            generated=[str(out / "rust/bindings")],
        )
    add("link_rnetvirt", "rust/iproute2/lib.rs", ["core"])

    for crate in crates:
        if crate["is_workspace_member"] and not pathlib.Path(crate["root_module"]).exists():
            sys.exit(f"{crate['root_module']} does not exist")
    json.dump(project, sys.stdout, sort_keys=True, indent=4)
    print()


if __name__ == "__main__":
    main()
