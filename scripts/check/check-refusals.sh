#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The tables of errors are those of the sources.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [KERNEL]

Checks that the tables of errors in Documentation/netlink.md are what
rust/driver/refusal.rs says; see refusals.py --help.
TXT
}

kernel_argument "$@"
python3 "$TOP/scripts/check/refusals.py" --check
say "the tables of errors are those of the sources"
