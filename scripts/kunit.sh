#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs the KUnit suites in a guest.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--kernel $KERNELS_USAGE]

Loads rnetvirt_kunit.ko in a guest, which runs its suites. The results go to
stdout as KTAP, and readable, by the kernel's own tools/testing/kunit, to stderr.
Fails if a test fails, or if a suite that the sources have did not run.
TXT
}

kernel=release
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--kernel)
		(($# > 1)) || bad_usage "--kernel wants a value"
		kernel=$2
		shift
		;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
known_kernel "$kernel"
! is_stock "$kernel" || bad_usage "the $kernel kernel has no KUnit"
[ -z "${KDIR:-}" ] || bad_usage "KUnit runs on the kernels that are built here, not on KDIR's"

"$TOP/scripts/build.sh" "$kernel"
use_toolchain
src=$(realpath "$("$TOP/scripts/kernel.sh" --path "$kernel")/source")

# Those of examples in documentation are made when it is built.
mapfile -t suites < <(find "$TOP/kunit" "$TOP/rust" "$(module_dir "$kernel")/kunit" -name '*.rs' -exec \
	sed -n 's/^#\[\(kernel::prelude::\)\?kunit_tests(\([a-z0-9_]*\))\]$/\2/p' {} + | sort)
((${#suites[@]})) || die "the sources have no suite"

results=$(mktemp)
trap 'rm -f "$results" "$results".*' EXIT
# debugfs has a file a suite: the log of its run, as KTAP with this one suite.
attended "$TOP/scripts/vm.sh" --kernel "$kernel" --no-build --no-insmod -- \
	"insmod '$(module_dir "$kernel")/rnetvirt_kunit.ko' &&
	for s in ${suites[*]}; do echo \"suite \$s\"; cat /sys/kernel/debug/kunit/\$s/results; done
	dmesg | sed -n 's/.*rnetvirt_kunit: /# /p'" >"$results"

{
	echo "KTAP version 1"
	echo "1..${#suites[@]}"
	# Drop each file's own two first lines, and number the suites.
	awk '/^suite /{ n++; next } /^KTAP version|^1\.\.1$/{ next }
		/^(not )?ok 1 /{ sub(/ok 1 /, "ok " n " ") } { print }' "$results"
} >"$results.ktap"
for s in "${suites[@]}"; do
	grep -Eq "^(not )?ok [0-9]+ $s( |$)" "$results.ktap" || die "the suite $s did not run"
done
cat "$results.ktap"
python3 "$src/tools/testing/kunit/kunit.py" parse "$results.ktap" >&2
