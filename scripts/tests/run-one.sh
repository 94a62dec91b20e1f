#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs one test function of one file for one kind; run-all.sh calls it.
. "$(dirname "$0")/../common.sh"

case ${1-} in
-h | --help) echo "usage: $ME FILE KIND TEST (called by run-all.sh; status 4: skipped)"; exit 0 ;;
esac
[ $# -eq 3 ] || bad_usage "wants FILE KIND TEST"

FILE=$1
export KIND=$2
[ -e "$TOP/scripts/tests/$FILE.test.sh" ] || bad_usage "no test file '$FILE'"
[ "${WORK:-}" ] || bad_usage "WORK is not set; run-all.sh sets it"
# shellcheck source=/dev/null
. "$TOP/scripts/tests/lib.sh"

# The kernel loads nothing by itself, or an unloaded driver would come back in
# the middle of a test; the one about loading on demand says where from.
[ ! -e /proc/sys/kernel/modprobe ] || echo >/proc/sys/kernel/modprobe

case $3 in
load) load_kind; exit ;;
unload) unload_kind; exit ;;
esac

# shellcheck source=/dev/null
. "$TOP/scripts/tests/$FILE.test.sh"
# Say where a test stopped: with set -e that is all there is to see.
trap 'echo "stopped at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND (status $?)" >&2' ERR
set -E
"test_$3"
