#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Compares rnetvirt with the C driver, as user space sees both in one boot.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [OPTION...] [SCENARIO...]

Runs each scenario in a guest twice, with the C driver and with rnetvirt, and
compares everything that was seen. SCENARIOs are names or patterns like
'frame-vlan*' (see --list); without any, all.

  --flavor F       the flavor to compare (default: veth)
  --kernel K       release (default), debug, uml or uml-debug
  --list           the scenarios
  --ktap           print KTAP instead of a table
  --both SIDE      c or ours: that driver on both sides, which must give the same
  --drop-in        rnetvirt has the C driver's kind: first the scenarios are run with
                   the C driver, then that is unloaded and they are run with ours
  --no-build       take rnetvirt.ko as it is
  --from FILE      judge a record of an earlier run; no guest is booted
  --timeout S      the time limit in the guest (default: 2400)

Verdicts: same; chosen and later are differences declared, with a reason, in
Documentation/differences.toml (later: not implemented yet); DIFFERS, with both
sides; STALE, declared but the same; ERROR, a scenario that did not work.
The record and the KTAP of a run are left in build/parity (or below it, with --both
and --drop-in), as FLAVOR.json and .ktap,
or FLAVOR-part.json and .ktap if it was not of all scenarios.

The last line is "N passed, N failed". Exit status: 0 if nothing failed, 1 if
something did, 2 for a wrong call; else that of vm.sh.
TXT
}

flavor=veth kernel=$(asked_kernel) list='' from='' both='' drop_in='' limit=2400 ktap=() build=() globs=()
while (($#)); do
	case $1 in
	--flavor | --kernel | --from | --both | --timeout)
		(($# > 1)) || bad_usage "$1 wants a value"
		case $1 in
		--flavor) flavor=$2 ;;
		--kernel) kernel=$2 ;;
		--from) from=$2 ;;
		--both) both=$2 ;;
		--timeout) limit=$2 ;;
		esac
		shift
		;;
	--list) list=1 ;;
	--drop-in) drop_in=--drop-in ;;
	--ktap) ktap=(--ktap) ;;
	--no-build) build=(--no-build) ;;
	-h | --help) usage; exit 0 ;;
	-*) bad_usage "unknown option '$1'" ;;
	*) globs+=("$1") ;;
	esac
	shift
done
case $both in
'' | c | ours) ;;
*) bad_usage "--both wants c or ours" ;;
esac
report() { /usr/bin/python3 "$TOP/scripts/parity/report.py" "$@"; }

names=$(report --list "$flavor" "${globs[@]}") || die "cannot list the scenarios"
lost=$(unmatched "$names" "${globs[@]:-*}")
[ -z "$lost" ] || bad_usage "flavor '$flavor' has no scenario '$lost'"
if [ -n "$list" ]; then
	echo "$names"
	exit
fi
declared=(--declared "$TOP/Documentation/differences.toml") save=$TOP/build/parity
[ -z "$both" ] || [ -z "$drop_in" ] || bad_usage "--both and --drop-in do not go together"
if [ -n "$both" ]; then
	declared=() save+=/both-$both
elif [ -n "$drop_in" ]; then
	declared+=(--drop-in) save+=/drop-in
fi
judge=(report "${ktap[@]}" "${declared[@]}" --save "$save" "$flavor")
if [ -n "$from" ]; then
	[ -r "$from" ] || die "cannot read $from"
	# A copy: the record of this judgement replaces that of the last one.
	record=$(<"$from")
	status=0
	"${judge[@]}" <<<"$record" || status=$?
	((status == 0 || status == 3)) || exit 1
	exit $((status ? 1 : 0))
fi

start=$SECONDS
vm=0 judged=0
exec {record}> >("${judge[@]}")
judge=$!
attended "$TOP/scripts/vm.sh" --kernel "$kernel" "${build[@]}" --timeout "$limit" -- \
	"/usr/bin/python3 scripts/parity/guest.py${both:+ --both $both}${drop_in:+ $drop_in} $flavor${globs[*]:+$(printf ' %q' "${globs[@]}")}" \
	>&"$record" {record}>&- || vm=$?
exec {record}>&-
wait "$judge" || judged=$?
say "took $((SECONDS - start)) s; records are in $save"
# A guest that failed fails the run whatever was seen before.
((vm == 0)) || exit "$vm"
exit $((judged ? 1 : 0))
