#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Lints the Rust sources; a warning is an error.
. "$(dirname "$0")/common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]
       KDIR=/path/to/build $ME

Runs clippy with the kernel's configuration and the lints of Kbuild on the
module's crates and the KUnit suites, and on the plugin of ip. Lists the
warnings and fails if there are any. Takes the variables of build.sh.
TXT
}

kernel_argument "$@"

# Objects that clippy made are not to be shipped: they get a directory of their
# own. Of two MO= make takes the later one. Warnings are errors in Rust only (W=e
# would have bindgen stumble over the kernel's headers), so an object that exists
# is one without warnings.
out=$TOP/build/clippy/$name
log=$TOP/build/log/clippy-$name.log
mkdir -p "$out"
if ! build "$log" CLIPPY=1 KRUSTFLAGS=-Dwarnings MO="$out"; then
	grep -q '^  CLIPPY' "$log" || die "clippy could not be run (the whole log is $log)"
	# Make's own lines are of no use here.
	grep -vE '^(make|  [A-Z]+ )' "$log" >&2 || true
	die "clippy complains (the whole log is $log)"
fi

# The plugin is built with the provided toolchain, whatever the kernel.
[ -r "$CACHE/toolchain/env" ] || "$TOP/scripts/provision.sh" --build
"$TOP/scripts/plugin.sh" --check

say "no warnings"
