#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Breaks what can break: allocations that fail, everything at once, and nonsense.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [OPTION...] [faults | races | fuzz]...

Runs in a guest, by default all three parts on the debug kernel:

  faults   create, change, delete, open, move and the like, with each allocation
           failing in turn, until a pass without a fault; after each, the links
           are unchanged, or as they were to become
  races    workers that create, change, rename, move and delete links and
           namespaces, read, and load and unload the module, under traffic
  fuzz     random link messages, then random frames in both directions of a pair, then
           random commands and writes to /dev/tapN

After each part everything must be removable. A complaint of the kernel, kmemleak
included, ends the run; what reproduces a failure is printed.

  --time S       how long each part may take (default: 60 for races, 360 for fuzz and
                 600 for that of /dev/tapN, no limit for faults)
  --seed N       what workers and fuzzers draw from (default: 1)
  --count N      fuzz: so many messages, and as many frames (default: 20000), and 50
                 times as many commands and writes; the time is over before that where
                 it is slow, and the result says so
  --first N      fuzz: commands and writes from this number on
  --op NAME      faults: only this operation, fuzz: only messages, frames or taps; may
                 be repeated
  --guided       fuzz: keep and change what reaches new parts of the driver, which is built
                 to count for it (see coverage.sh); on uml (default for it) or uml-debug. What
                 was sent last is in build/stress/guided, also when the guest has died
  --replay FILE  fuzz: only the messages or frames of a file that a run has left
  --flavor F     veth, macvlan, ipvlan, macvtap or ipvtap, or several with commas between
                 (default: all)
  --kind K       rnetvirt (default), or veth, macvlan or ipvlan: the C driver, to try
                 the instrument
  --kernel K     debug (default), uml-debug, release or uml
  --no-build     take rnetvirt.ko as it is

The last line is "N passed, N failed", perhaps with ", N skipped": allocations for which
there was no time. Exit status: 0 if nothing failed, 1 if something did, 2 for a wrong
call.
TXT
}

seconds='' seed=1 count=20000 first=0 kind=rnetvirt flavors='' kernel='' build=() parts=() ops=() replay='' guided=''
while (($#)); do
	case $1 in
	--time | --seed | --count | --first | --op | --replay | --flavor | --kind | --kernel)
		(($# > 1)) || bad_usage "$1 wants a value"
		case $1 in
		--time) seconds=$2 ;;
		--seed) seed=$2 ;;
		--count) count=$2 ;;
		--first) first=$2 ;;
		--op) ops+=(--op "$2") ;;
		--replay) replay=$2 ;;
		--flavor) flavors=$2 ;;
		--kind) kind=$2 ;;
		--kernel) kernel=$2 ;;
		esac
		shift
		;;
	--no-build) build=(--no-build) ;;
	--guided) guided=1 ;;
	-h | --help) usage; exit 0 ;;
	faults | races | fuzz) parts+=("$1") ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
[[ ${seconds:-0} =~ ^[0-9]+$ ]] || bad_usage "--time wants a number of seconds"
[[ $seed =~ ^[0-9]+$ ]] || bad_usage "--seed wants a number"
[[ $count =~ ^[1-9][0-9]*$ ]] || bad_usage "--count wants a number"
[[ $first =~ ^[0-9]+$ ]] || bad_usage "--first wants a number"
case $kind in
rnetvirt) known='veth macvlan ipvlan macvtap ipvtap' ;;
veth | macvlan | ipvlan) known=$kind ;;
*) bad_usage "no kind '$kind'; there are rnetvirt, veth, macvlan and ipvlan" ;;
esac
flavors=${flavors:-${known// /,}}
for flavor in ${flavors//,/ }; do
	[[ " $known " == *" $flavor "* ]] || bad_usage "kind $kind has no flavor '$flavor'; there is $known"
done
kernel=${kernel:-$([ -n "$guided" ] && echo uml || echo debug)}
known_kernel "$kernel"
if [ -n "$guided" ]; then
	is_uml "$kernel" && [ "$kind" = rnetvirt ] || bad_usage "--guided is for kind rnetvirt on user-mode Linux"
	((${#parts[@]})) || parts=(fuzz)
	[ "${parts[*]}" = fuzz ] || bad_usage "--guided is for fuzz alone"
fi
((${#parts[@]})) || parts=(faults races fuzz)
if [ -n "$replay" ]; then
	[ -s "$replay" ] || bad_usage "cannot read '$replay'"
	ops+=(--replay "$(realpath "$replay")")
fi
case " ${parts[*]} " in
*" faults "*) [ -n "$replay" ] || has_checks "$kernel" || bad_usage "only a debug kernel can make allocations fail" ;;
esac

guest=(/usr/bin/python3 scripts/stress/guest.py --kind "$kind" --flavors "$flavors" --seed "$seed"
	--count "$count" --first "$first" ${seconds:+--time "$seconds"} ${guided:+--guided} "${ops[@]}" "${parts[@]}")
# It says what it does not know, before anything is built.
(cd "$TOP" && "${guest[@]}" --list >/dev/null) || exit 2

lock_here "stress-$kind-$kernel"
[ -z "$guided" ] || lock_here stress-guided
OUT=$TOP/build/stress
mkdir -p "$OUT" "$TOP/build/log"
if [ -n "$guided" ]; then
	export RNETVIRT_COVERAGE=$OUT/guided
	mkdir -p "$RNETVIRT_COVERAGE"
fi
ktap=$OUT/$kind-$kernel.ktap log=$TOP/build/log/stress-$kind-$kernel.log status=0
insmod=()
[ "$kind" = rnetvirt ] || insmod=(--no-insmod)
command=$(printf ' %q' exec "${guest[@]}")
case $flavors in
*tap*)
	command -v gcc >/dev/null || "$TOP/scripts/provision.sh"
	gcc -O2 -Wall -static -pthread -o "$OUT/tap" "$TOP/scripts/stress/tap.c" || die "cannot compile scripts/stress/tap.c"
	;;
esac
say "seed $seed"
: >"$ktap"
"$TOP/scripts/vm.sh" --kernel "$kernel" "${build[@]}" "${insmod[@]}" --env STRESS_TAP="$OUT/tap" --timeout 14400 --log "$log" \
	-- "$command" >"$ktap" &
vm=$!
trap 'kill "$vm" 2>/dev/null; wait "$vm"; say "interrupted"; exit 130' INT TERM HUP
tail -n +1 -s 0.3 -f --pid="$vm" "$ktap" &
wait "$vm" || status=$?
wait

# The fuzzer makes the same messages here as in the guest, whose files are gone.
write_replay() { # WHAT SEED FROM TO
	local file=$OUT/$kind-$1-seed$2-$3.txt

	/usr/bin/python3 "$TOP/scripts/stress/fuzz.py" "$kind" "$flavors" "$@" >"$file"
	echo "# replay these: scripts/stress.sh fuzz --kind $kind --flavor $flavors --kernel $kernel --replay ${file#"$TOP"/}"
}

# died: the guest could not tell any more what it was about.
died() {
	local name again from to

	read -r name again < <(sed -n 's/^# begins: \([a-z0-9-]*\): /\1 /p' "$ktap" | tail -n 1) || return 0
	echo "# reproduce: $again"
	[ -z "$guided" ] || return 0
	case $name in
	fuzz-messages | fuzz-frames) ;;
	fuzz-taps)
		from=$(sed -n "s/^# $name: .* \([0-9]*\)\$/\1/p" "$ktap" | tail -n 1)
		echo "# or from there on: ${again% --first *} --first ${from:-0}"
		return 0
		;;
	*) return 0 ;;
	esac
	# Up to twice as many as the last ten seconds had.
	read -r from to < <(sed -n "s/^# $name: .* \([0-9]*\)\$/\1/p" "$ktap" | tail -n 2 |
		awk '{ before = last + 0; last = $1 } END { print last + 0, 2 * last - before + 1024 }')
	write_replay "${name#fuzz-}" "$seed" $((from / 1024 * 1024)) "$to"
}

read -r what from_seed from to < <(sed -n 's/^# replay: //p' "$ktap" | tail -n 1) || true
[ -z "$what" ] || write_replay "$what" "$from_seed" "$from" "$to"
skipped=$(grep -c '^ok .* # SKIP ' "$ktap" || true)
passed=$(($(grep -c '^ok ' "$ktap" || true) - skipped))
failed=$(grep -c '^not ok ' "$ktap" || true)
planned=$(sed -n 's/^1\.\.//p' "$ktap")
if ((passed + failed + skipped < ${planned:-1})); then
	failed=$((${planned:-1} - passed - skipped))
	died
elif ((status && !failed)); then
	# What only the end of the guest has shown: its log is checked once more.
	failed=1
	again=(scripts/stress.sh "${parts[@]}" --kind "$kind" --flavor "$flavors" --kernel "$kernel" --seed "$seed"
		--count "$count" --first "$first" ${seconds:+--time "$seconds"} ${guided:+--guided} "${ops[@]}")
	echo "# reproduce: ${again[*]}"
fi
echo "$passed passed, $failed failed$( ((skipped == 0)) || echo ", $skipped skipped")"
((failed == 0))
