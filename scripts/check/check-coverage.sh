#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# What the tests need not reach is in the sources.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [KERNEL]

Checks that each line that scripts/coverage/allow excuses is in its file, at one place; whether it
is reached is for scripts/coverage.sh, which runs the tests.
TXT
}

kernel_argument "$@"
"$TOP/scripts/coverage/report.py" "$TOP" "$TOP/scripts/coverage/allow" >&2 || die "entries to be mended"
say "lines that need not be reached are in the sources"
