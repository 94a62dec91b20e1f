#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The YNL description of our attributes has the numbers of the sources.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [KERNEL]

Checks that scripts/ynl/rnetvirt.yaml describes every attribute of rust/uapi.rs, with
its number, and no other; see scripts/ynl/rt-link.py --help.
TXT
}

kernel_argument "$@"
/usr/bin/python3 "$TOP/scripts/ynl/rt-link.py" --check
say "the YNL description is of the sources' attributes"
