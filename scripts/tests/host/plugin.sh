#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Tests the ip plugin on the host: no kernel module, no privilege, no real link.
. "$(dirname "$0")/../../common.sh"

usage() {
	cat <<TXT
usage: $ME [IP...]

Builds the ip plugin, lets ip talk to a played kernel with it, and prints KTAP.
IP is the command to test with, instead of the installed ip.
TXT
}

case ${1-} in
-h | --help) usage; exit 0 ;;
-*) bad_usage "unknown option '$1'" ;;
esac
PATH=$PATH:/usr/sbin:/sbin
(($#)) || set -- ip
for tool in "$1" gcc nm readelf python3; do
	command -v "$tool" >/dev/null || die "no $tool here"
done

plugin=$("$TOP/scripts/plugin.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
gcc -shared -fPIC -O -Wall -o "$work/fake_kernel.so" "$TOP/rust/iproute2/tests/fake_kernel.c" ||
	die "the played kernel does not compile"
python3 "$TOP/rust/iproute2/tests/plugin_test.py" "$plugin" "$work/fake_kernel.so" "$@"
