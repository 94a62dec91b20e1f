#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The page about the architecture names files and functions that there are; no file is too long.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [KERNEL]

Checks Documentation/architecture.md; see architecture.py --help.
TXT
}

kernel_argument "$@"
python3 "$TOP/scripts/check/architecture.py"
