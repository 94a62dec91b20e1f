#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Helpers that repeat logic of the core still do what the core does.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [KERNEL]

Compares the functions of the kernel that helpers in rust/helpers say they follow
with the texts that they were written against; see core_functions.py --help.
TXT
}

kernel_argument "$@"
tools
dir=$(kernel_dir)
# Built in a directory of its own, or where the source is.
[ ! -e "$dir/source" ] || dir=$dir/source
python3 "$TOP/scripts/check/core_functions.py" "$dir"
