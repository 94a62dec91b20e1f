#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Tells editors with rust-analyzer what the crates are made of.
. "$(dirname "$0")/common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]
       KDIR=/path/to/build $ME

Writes rust-project.json at the top of this checkout: the kernel's crates as the
kernel describes them, and the module's, the KUnit suites' and the plugin's. It is
about one kernel and the module as built for it, so run it again for another one.
TXT
}

kernel_argument "$@"
build "$TOP/build/log/rust-analyzer-build-$name.log" || die "the module does not build"

# The kernel's generator leaves its file where the module is built.
log=$TOP/build/log/rust-analyzer-$name.log
build "$log" rust-analyzer || {
	cat "$log" >&2
	die "the kernel did not describe its crates"
}
tmp=$TOP/.rust-project.json.tmp
trap 'rm -f "$tmp"' EXIT
trap 'exit 130' INT TERM
"$TOP/scripts/rust-project.py" "$TOP" "$out" <"$out/rust-project.json" >"$tmp" ||
	die "the kernel's description of its crates is not as expected"
mv "$tmp" "$TOP/rust-project.json"
say "wrote rust-project.json"
