#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests: on the host, KUnit, and in booted guests.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--kernel $KERNELS_USAGE] [--list] [NAME...]

Runs all tests, or those named, on the kernel of that name; by default each where it is
fastest, and what only the release kernel in QEMU can show on that, too:
  host[:TEST]         scripts/tests/host/TEST.sh, on this machine
  kunit               the KUnit suites
  FILE[:KIND[:TEST]]  scripts/tests/FILE.test.sh, in a guest

  --list         print the names instead
  --repeat N     run the guest tests N times: one that does not always pass is flaky
  --timeout S    the guest tests' time limit (default: \$TEST_TIMEOUT, or 3600;
                 debug: 10800)

Every result is shown as it comes, a failed one with its own log and the kernel's.
The last line is "N passed, N failed", perhaps with ", N skipped". The exit status
is 0 if something passed and nothing failed, else 1.
TXT
}

kernel='' list='' repeat=1 limit=${TEST_TIMEOUT:-} names=()
while (($#)); do
	case $1 in
	--kernel | --timeout | --repeat)
		(($# > 1)) || bad_usage "$1 wants a value"
		case $1 in
		--repeat) repeat=$2 ;;
		--kernel) kernel=$2 ;;
		--timeout) limit=$2 ;;
		esac
		shift
		;;
	--list) list=1 ;;
	-h | --help) usage; exit 0 ;;
	-*) bad_usage "unknown option '$1'" ;;
	*) names+=("$1") ;;
	esac
	shift
done
[ -n "$kernel" ] || [ -z "${KERNEL:-}${VM:-}${KDIR:-}" ] || kernel=$(asked_kernel)
[ -z "$kernel" ] || known_kernel "$kernel"
case $kernel in
debug) limit=${limit:-10800} ;;
*) limit=${limit:-3600} ;;
esac
[[ $limit =~ ^[1-9][0-9]*$ ]] || bad_usage "--timeout wants a number of seconds"
[[ $repeat =~ ^[1-9][0-9]*$ ]] || bad_usage "--repeat wants a number"
if ((repeat > 1)); then
	limit=$((limit * repeat))
	((${#names[@]})) || names=("$TOP"/scripts/tests/*.test.sh)
	names=("${names[@]##*/}")
	names=("${names[@]%.test.sh}")
fi

# --- what to run -----------------------------------------------------------

declare -A words=() tests=()
# listed KERNEL WORDS...: what run-all.sh would run there. It needs no kernel for that.
listed() { KDIR=none KERNEL=$1 "$TOP/scripts/tests/run-all.sh" --list "${@:2}"; }
choose() { # KERNEL WORDS...
	kernels+=("$1")
	words[$1]="${*:2}"
	tests[$1]=$(listed "$@") || exit 2
}

kernels=() host=() kunit='' guest=()
shopt -s nullglob
if ((${#names[@]} == 0)); then
	host=("$TOP"/scripts/tests/host/*.sh)
	# A kernel that is not built here may have no KUnit.
	is_stock "$kernel" || [ -n "${KDIR:-}" ] || kunit=1
fi
for name in "${names[@]}"; do
	case $name in
	host) host+=("$TOP"/scripts/tests/host/*.sh) ;;
	host:*)
		[ -x "$TOP/scripts/tests/host/${name#host:}.sh" ] || bad_usage "no host test '${name#host:}'"
		host+=("$TOP/scripts/tests/host/${name#host:}.sh")
		;;
	kunit) kunit=1 ;;
	*)
		[ -e "$TOP/scripts/tests/${name%%:*}.test.sh" ] || bad_usage "no test '$name' (see --list)"
		guest+=("$name")
		;;
	esac
done
if ((${#names[@]} == 0)); then
	if [ -n "$kernel" ]; then
		choose "$kernel"
	else
		choose release --share
		choose "$FAST" --share
	fi
elif ((${#guest[@]})); then
	if [ -n "$kernel" ]; then
		choose "$kernel" "${guest[@]}"
	else
		# Each where it is fastest.
		here=() there=() debian=()
		for name in "${guest[@]}"; do
			if listed "$FAST" "$name" >/dev/null 2>&1; then
				here+=("$name")
			elif listed stock "$name" >/dev/null 2>&1 && ! listed release "$name" >/dev/null 2>&1; then
				debian+=("$name")
			else
				there+=("$name")
			fi
		done
		((${#debian[@]} == 0)) || choose stock "${debian[@]}"
		((${#there[@]} == 0)) || choose release "${there[@]}"
		((${#here[@]} == 0)) || choose "$FAST" "${here[@]}"
	fi
fi
# Of what is not a guest test; with both kernels, KUnit runs on both.
other=("${kernel:-$FAST}")
((${#names[@]} + ${#kernel} > 0)) || other+=(release)

if [ -n "$list" ]; then
	for path in "${host[@]}"; do
		echo "host:$(basename "$path" .sh)"
	done
	[ -z "$kunit" ] || echo kunit
	for k in "${kernels[@]}"; do
		((${#kernels[@]} == 1)) || echo "# on the $k kernel"
		echo "${tests[$k]}"
	done
	exit 0
fi

# --- running ---------------------------------------------------------------

# Everything that is run writes KTAP into a pipe of its own; one process reads them all.
# What goes on at once are lanes, of one thing after the other.
lanes=()
# Whether several guests with that kernel share what is to be run.
is_shared() { is_uml "$1" || { ((${#names[@]} == 0)) && [ "$1" = release ]; }; }
hosts=$(printf 'host:%s ' "${host[@]##*/}")
hosts=${hosts//.sh/}
((${#host[@]})) || hosts=''
first=''
for k in "${kernels[@]}"; do
	# Without names there is enough for several; of those that are emulated each fills a processor.
	if ((${#names[@]})); then
		lanes+=("$k.1")
	elif is_uml "$k"; then
		# Who is ready there helps the one beside.
		lanes+=("$k.1$( ((${#kernels[@]} == 1)) || echo " kunit:release release.2")")
		# There tests mostly wait.
		[ "$k" != uml ] || lanes+=("$k.3" "$k.4")
		first="kunit:$k $hosts $k.2"
		lanes+=("$first")
	elif ((${#kernels[@]} > 1)); then
		lanes+=("$k.1")
	else
		first="kunit:$k $hosts"
		! is_shared "$k" || first+=" $k.2"
		lanes+=("$k.1" "$first")
	fi
done
if [ -z "$first" ]; then
	lanes+=("$([ -z "$kunit" ] || printf 'kunit:%s ' "${other[@]}") $hosts")
fi

unset TEST_TIMEOUT T CMD
mkdir -p "$TOP/build/log"
# Two kinds of kernels at once have no log in common.
for k in "${kernels[@]:-${kernel:-$FAST}}"; do
	lock_here "test-$k"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/rnetvirt-test.XXXXXX")

trap 'rm -rf "$work"' EXIT
# It is among those that are ended.
trap 'trap "" INT TERM HUP; end_tree $$; say "interrupted"; exit 130' INT TERM HUP
start=$SECONDS

for k in "${kernels[@]}"; do
	"$TOP/scripts/vm.sh" --kernel "$k" --build-only
	mkdir "$work/claims.$k"
	touch "$work/claims.$k/shared"
	sed "s/^/$k:/" <<<"${tests[$k]}"
done >"$work/expected"
: >"$work/counts"
if ((${#kernels[@]})); then
	gcc -O2 -Wall -shared -fPIC -o "$TOP/build/resident.so" "$TOP/scripts/tests/resident.c" ||
		die "cannot compile scripts/tests/resident.c"
fi

# What kunit.sh says besides its KTAP matters when it fails.
kunit_suites() { # KERNEL
	local log=$TOP/build/log/kunit-$1.log status=0

	"$TOP/scripts/kunit.sh" --kernel "$1" 2>"$log" || status=$?
	((status == 0)) || tail -n 100 "$log" >&2
	return "$status"
}

# Guests of one kernel take from the same tests: who is ready for more claims the next
# group. What a crash takes with it counts as failed, as all that was expected.
guest_tests() { # KERNEL.NUMBER
	local k=${1%.*} vm=() claims=''

	if is_shared "$k"; then
		vm=(--writable "$work/claims.$k") claims="--claims /run/host"
		# Several at once share the processors.
		((${#names[@]})) || ! is_uml "$k" || vm+=(--cpus 1)
	fi
	"$TOP/scripts/vm.sh" --kernel "$k" "${vm[@]}" --no-build --no-insmod --timeout "$limit" \
		--log "$TOP/build/log/test-$1.log" -- \
		"exec scripts/tests/run-all.sh $claims --repeat $repeat ${words[$k]}"
}

one_after_the_other() {
	local name status

	for name; do
		{
			status=0
			case $name in
			kunit:*) kunit_suites "${name#*:}" ;;
			host:*) KERNEL=${kernel:-$FAST} "$TOP/scripts/tests/host/${name#host:}.sh" ;;
			*) guest_tests "$name" ;;
			esac </dev/null || status=$?
			printf '\n# harness: status %s\n' "$status"
		} | tee "$TOP/build/log/test-$name.ktap" >"$work/$name" || true
	done
}

sources=()
for lane in "${lanes[@]}"; do
	for name in $lane; do
		mkfifo "$work/$name"
		sources+=("$name=$work/$name")
	done
	# shellcheck disable=SC2086
	one_after_the_other $lane &
done
((${#sources[@]})) || bad_usage "nothing to run"
summary=0
"$TOP/scripts/ktap-summary.py" --counts "$work/counts" --expect "$work/expected" "${sources[@]}" &
# In the background, so that a signal is not kept waiting.
wait $! || summary=$?
wait
case $summary in
0 | 3) ;;
*) printf '0 1 0\nFAILED the results could not be read (status %s)\n' "$summary" >>"$work/counts" ;;
esac

# --- the result ------------------------------------------------------------

passed=0 failed=0 skipped=0
while read -r p f s; do
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done < <(sed '/^[^0-9]/d' "$work/counts")

echo
if ((failed)); then
	echo "Failed:"
	# With how often, if that is not once.
	sed -n 's/^FAILED //p' "$work/counts" | sort | uniq -c |
		awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print "  " $0 (n > 1 ? " (" n " times)" : "") }'
fi
echo "$((SECONDS - start)) s; all of the output: build/log/test-*"
echo "$passed passed, $failed failed$( ((skipped == 0)) || echo ", $skipped skipped")"
((failed == 0 && passed > 0))
