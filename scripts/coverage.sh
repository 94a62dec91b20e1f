#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Which lines of the driver do the tests reach?
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--min PERCENT] [--report] [NAME...]

Builds the module so that the driver's code (rust/driver) counts what of it runs, runs
the tests, or those named (see test.sh), and KUnit on user-mode Linux, and prints for
each file how many of its lines ran, and those that did not. Lines in
scripts/coverage/allow, which says why, are not counted; an entry there that is reached
or not found is an error.

  --min P    fail if less than P percent of the lines ran (default: 95 for all tests,
             else 0)
  --report   run nothing: report on what the last run has left in build/coverage

Exit status: 0, or 1 when a test failed or too little was reached.
TXT
}

min='' report='' names=()
while (($#)); do
	case $1 in
	--min)
		[[ ${2-} =~ ^[0-9]+$ ]] || bad_usage "--min wants a number"
		min=$2
		shift
		;;
	--report) report=1 ;;
	-h | --help) usage; exit 0 ;;
	-*) bad_usage "unknown option '$1'" ;;
	*) names+=("$1") ;;
	esac
	shift
done
[ -n "$min" ] || min=$( ((${#names[@]})) && echo 0 || echo 95)

[ -r "$CACHE/toolchain/env" ] || "$TOP/scripts/provision.sh"
use_toolchain
out=$TOP/build/coverage
export RNETVIRT_COVERAGE=$out/raw
status=0
lock_here coverage
if [ -z "$report" ]; then
	rm -rf "$out"
	mkdir -p "$RNETVIRT_COVERAGE"
	attended "$TOP/scripts/test.sh" --kernel uml "${names[@]}" || status=$?
fi
raw=("$out"/raw/*.profraw)
[ -e "${raw[0]}" ] || die "nothing was counted"
llvm-profdata merge -o "$out/profdata" "${raw[@]}"
lcov=()
for module in rnetvirt rnetvirt_kunit; do
	llvm-cov export --format=lcov --instr-profile="$out/profdata" "$(module_dir uml)/$module.ko" >"$out/$module.lcov"
	lcov+=("$out/$module.lcov")
done
"$TOP/scripts/coverage/report.py" "$TOP" "$TOP/scripts/coverage/allow" "${lcov[@]}" --min "$min" || status=1
exit "$status"
