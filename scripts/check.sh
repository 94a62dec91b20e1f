#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# All checks of the sources and the built module, one line for each that passes.
. "$(dirname "$0")/common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]
       KDIR=/path/to/build $ME

Builds the module and runs the checks in scripts/check: where unsafe code may be,
that nothing panics, that C helpers are inlined. Fails if one of them fails, after
having run all.
TXT
}

kernel_argument "$@"
# Each check builds, too, which then has nothing to do; what fails is said once here.
build "$TOP/build/log/check-$name.log" || die "the module does not build"
failed=()
for check in "$TOP"/scripts/check/check-*.sh; do
	"$check" "$@" || failed+=("$(basename "$check" .sh)")
done
((${#failed[@]} == 0)) || die "failed: ${failed[*]}"
