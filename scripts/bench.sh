#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Measures rnetvirt against the C drivers: instructions, real time, scaling.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [OPTION...] [ROW...]
       $ME --check [--update] [ROW...]

Boots guests, does the same work with the C driver and with rnetvirt in one boot,
and prints a table for each part. ROWs are names or patterns like 'veth/v4-*'
(see --list); without any, all. Results go to build/bench: JSON, and SVG plots.

  --part P[,P...]  only these parts: instructions (QEMU, whose clock counts
                   instructions), time (user-mode Linux at native speed, ratios
                   only), scaling, scaling-time, apps (iperf3, request-response)
  --runs N         instructions: boot and measure N times, show how they differ
  --kernel K       instructions: on K instead of release, for example stock, Debian's
                   own; such figures are not compared with the baseline
  --rounds N       repeats of each figure (default: 3 for instructions, 41 for time, 9 for
                   scaling-time and apps; scaling takes three)
  --check          instructions only; fail when a row's count is more than 1 %
                   over scripts/bench/baseline.json
  --update         with --check: write what was measured to the baseline instead
  --list           the rows
  --no-build       take rnetvirt.ko as it is

Exit status: 0 if every row could be measured (and, with --check, is within its
limit), 1 if not, 2 for a wrong call.
TXT
}

kernel=release parts='' runs=1 rounds='' check='' update='' build=() globs=()
while (($#)); do
	case $1 in
	--part | --runs | --rounds | --kernel)
		(($# > 1)) || bad_usage "$1 wants a value"
		case $1 in
		--part) parts=$2 ;;
		--runs) runs=$2 ;;
		--kernel) kernel=$2 ;;
		--rounds) rounds=$2 ;;
		esac
		shift
		;;
	--check) check=1 ;;
	--update) update=1 ;;
	--list) exec /usr/bin/python3 "$TOP/scripts/bench/report.py" list ;;
	--no-build) build=(--no-build) ;;
	-h | --help) usage; exit 0 ;;
	-*) bad_usage "unknown option '$1'" ;;
	*) globs+=("$1") ;;
	esac
	shift
done
case $kernel in
release) ;;
stock*)
	known_kernel "$kernel"
	[ -z "$check" ] || bad_usage "the baseline is of the release kernel"
	parts=${parts:-instructions}
	[ "$parts" = instructions ] || bad_usage "kernel $kernel is for --part instructions"
	;;
*) bad_usage "no kernel '$kernel' here; there are release and stock" ;;
esac
ALL_PARTS=(instructions time scaling scaling-time apps)
if [ -n "$check" ]; then
	[ -z "$parts" ] || bad_usage "--check measures instructions; it takes no --part"
	parts=instructions
elif [ -n "$update" ]; then
	bad_usage "--update belongs to --check"
fi
IFS=, read -ra parts <<<"${parts:-$(IFS=, && echo "${ALL_PARTS[*]}")}"
for part in "${parts[@]}"; do
	case " ${ALL_PARTS[*]} " in
	*" $part "*) ;;
	*) bad_usage "no part '$part'; there are: ${ALL_PARTS[*]}" ;;
	esac
done
[[ $runs =~ ^[1-9]$ ]] || bad_usage "--runs wants a number from 1 to 9"
[[ ${rounds:-3} =~ ^([3-9]|[1-9][0-9]{1,2})$ ]] || bad_usage "--rounds wants a number from 3 to 999"

report() { /usr/bin/python3 "$TOP/scripts/bench/report.py" "$@"; }

declare -A rows
for part in "${parts[@]}"; do
	rows[$part]=$(report select "$part" "${globs[@]}")
done
lost=$(unmatched "${rows[*]}" "${globs[@]}")
[ -z "$lost" ] || bad_usage "no row matches '$lost'; see --list"

OUT=$TOP/build/bench
mkdir -p "$OUT/raw"
lock_here bench
"$TOP/scripts/provision.sh" >&2
use_toolchain
traffic=$OUT/traffic
gcc -O2 -Wall -static -o "$traffic" "$TOP/scripts/bench/traffic.c"

# What figures depend on besides the module: they are compared only if equal.
key_of() { # release | uml
	local tree

	if [ -n "${KDIR:-}" ]; then
		tree=$(realpath "$KDIR")
		echo "Linux $(cat "$tree/include/config/kernel.release") $(sha256sum <"$tree/.config" | cut -c1-12), $TOOLCHAIN_ID"
	else
		tree=$("$TOP/scripts/kernel.sh" "$1")
		echo "Linux $(cat "$tree/include/config/kernel.release") $(basename "$tree"), $TOOLCHAIN_ID"
	fi
}

# in_guest PART RUN: measures the part's rows, into raw/PART.RUN.jsonl. Rows that
# failed say so in there, so that the others are not lost.
in_guest() {
	local part=$1 vm program status=0 raw=$OUT/raw/$1.$2.jsonl guest limit=3000

	case $part in
	instructions | scaling)
		# KVM would not count. One CPU: all of a packet's way is in the count.
		# Such a clock leaps to the next timer whenever the guest waits for the
		# host's files, so a time limit inside means nothing.
		vm=(--kernel "$kernel" --cpus 1 --qemu-opts "-icount shift=0,sleep=off")
		# Two times 16,384 links take 40 KB each.
		[ "$part" = instructions ] || vm+=(--memory 3G)
		limit=100000000
		;;
	*) vm=(--kernel uml --memory 1G) ;;
	esac
	case $part in
	instructions) program="measure.py --clock instructions --rounds ${rounds:-3}" ;;
	time) program="measure.py --clock time --rounds ${rounds:-41}" ;;
	scaling) program="scaling.py --rounds 3" ;;
	scaling-time) program="scaling.py --rounds ${rounds:-9}" ;;
	apps) program="apps.py --rounds ${rounds:-9}" ;;
	esac
	guest="python3 scripts/bench/$program --traffic $traffic ${rows[$part]}"
	RNETVIRT_KVM=0 attended timeout --foreground 3000 "$TOP/scripts/vm.sh" "${vm[@]}" "${build[@]}" --timeout "$limit" \
		--log "$TOP/build/log/bench-$part.log" -- "$guest" >"$raw" || status=$?
	# 1: a row failed, which the rows' own results say, or the program did: then some are missing.
	((status <= 1)) || die "the guest failed (status $status)"
	# A kernel and a module that are built, and no surprise in the second run.
	build=(--no-build)
}

measure() { # PART
	local part=$1 run raw=() built=$kernel n=1 module module_dir

	case $part in
	instructions) n=$runs ;;
	scaling) ;;
	*) built=uml ;;
	esac
	# Another kernel, another module.
	build=("${no_build[@]}")
	for ((run = 1; run <= n; run++)); do
		in_guest "$part" "$run"
		raw+=("$OUT/raw/$part.$run.jsonl")
	done
	module_dir=$TOP/build/$built
	[ -z "${KDIR:-}" ] || module_dir=$TOP/build/custom
	module=$(sha256sum <"$module_dir/rnetvirt.ko" 2>/dev/null | cut -c1-12)
	BENCH_HEADER=$(printf '{"key": "%s", "qemu": "%s", "module": "%s", "date": "%s"}' "$(key_of "$built")" \
		"$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')" "$module" "$(date -u +%FT%TZ)")
	BENCH_ROWS=${rows[$part]}
	export BENCH_HEADER BENCH_ROWS
	report merge "$part" "$OUT/$part.json" "${raw[@]}"
}

no_build=("${build[@]}")
status=0
for part in "${parts[@]}"; do
	[ -n "${rows[$part]}" ] || continue
	say "part $part: $(wc -w <<<"${rows[$part]}") rows"
	measure "$part" || status=1
done

if [ -n "$check" ]; then
	baseline=$TOP/scripts/bench/baseline.json
	if [ -n "$update" ]; then
		((status == 0)) || die "some rows could not be measured; the baseline stays as it is"
		report update "$baseline" "$OUT/instructions.json"
		exit
	fi
	report check "$baseline" "$OUT/instructions.json" || status=1
	exit "$status"
fi
results=()
for part in "${parts[@]}"; do
	[ -z "${rows[$part]}" ] || results+=("$OUT/$part.json")
done
report show "${results[@]}"
report plot "$OUT" "${results[@]}"
say "results and plots: build/bench/*.json, *.svg"
exit "$status"
