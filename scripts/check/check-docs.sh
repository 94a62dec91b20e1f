#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Functions of the safe layer say what they do, where they may be called, how they fail.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [KERNEL]

Checks the documentation of all public functions in rust/abstractions; see docs.py --help.
TXT
}

kernel_argument "$@"
python3 "$TOP/scripts/check/docs.py"
