#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests: on the host, KUnit, and in one booted guest.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--kernel $KERNELS_USAGE] [--list] [NAME...]

Runs all tests, or those named, on the kernel of that name (default: release):
  host[:TEST]         scripts/tests/host/TEST.sh, on this machine
  kunit               the KUnit suites
  FILE[:KIND[:TEST]]  scripts/tests/FILE.test.sh, in a guest

  --list         print the names instead
  --timeout S    the guest tests' time limit (default: \$TEST_TIMEOUT, or 3600;
                 debug: 10800)

Every result is shown as it comes, a failed one with its own log and the kernel's.
The last line is "N passed, N failed", perhaps with ", N skipped". The exit status
is 0 if something passed and nothing failed, else 1.
TXT
}

kernel=$(asked_kernel) list='' limit=${TEST_TIMEOUT:-} names=()
while (($#)); do
	case $1 in
	--kernel | --timeout)
		(($# > 1)) || bad_usage "$1 wants a value"
		case $1 in
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
known_kernel "$kernel"
case $kernel in
debug) limit=${limit:-10800} ;;
*) limit=${limit:-3600} ;;
esac
[[ $limit =~ ^[1-9][0-9]*$ ]] || bad_usage "--timeout wants a number of seconds"

# --- what to run -----------------------------------------------------------

host=() kunit='' guest=() in_guest=''
shopt -s nullglob
if ((${#names[@]} == 0)); then
	host=("$TOP"/scripts/tests/host/*.sh) kunit=1 in_guest=1
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
		guest+=("$name") in_guest=1
		;;
	esac
done

if [ -n "$list" ]; then
	for path in "${host[@]}"; do
		echo "host:$(basename "$path" .sh)"
	done
	[ -z "$kunit" ] || echo kunit
	[ -z "$in_guest" ] || "$TOP/scripts/tests/run-all.sh" --list "${guest[@]}"
	exit 0
fi

# --- running ---------------------------------------------------------------

export KERNEL=$kernel
unset TEST_TIMEOUT T CMD
mkdir -p "$TOP/build/log"
ktap=$TOP/build/log/test-$kernel.ktap
counts=$(mktemp -d "${TMPDIR:-/tmp}/rnetvirt-test.XXXXXX")

# Children first: a pipeline's members have no group of their own here.
kill_tree() {
	local child

	for child in $(pgrep -P "$1"); do
		kill_tree "$child"
		kill "$child" 2>/dev/null || true
	done
}
trap 'rm -rf "$counts"' EXIT
trap 'kill_tree $$; say "interrupted"; exit 130' INT TERM HUP
: >"$ktap"
: >"$counts/all"
start=$SECONDS

# ktap_run NAME COMMAND...: runs COMMAND, shows its KTAP readably while it comes,
# and adds to the counts. What it does not tell by itself becomes a failure: a
# bad status although nothing failed, a plan not fulfilled, no result at all.
ktap_run() {
	local name=$1 status=0 summary=0

	shift
	echo "== $name"
	{
		"$@" </dev/null || status=$?
		printf '\n# harness: status %s\n' "$status"
	} | tee -a "$ktap" | "$TOP/scripts/ktap-summary.py" --counts "$counts/all" "$name" &
	# In the background, so that a signal is not kept waiting.
	wait $! || summary=$?
	case $summary in
	0 | 3) ;;
	*) printf '0 1 0\nFAILED %s: its results could not be read (status %s)\n' "$name" "$summary" >>"$counts/all" ;;
	esac
}

for path in "${host[@]}"; do
	ktap_run "host:$(basename "$path" .sh)" "$path"
done

# What kunit.sh says besides its KTAP matters when it fails.
kunit_suites() {
	local log=$TOP/build/log/kunit-$kernel.log status=0

	"$TOP/scripts/kunit.sh" --kernel "$kernel" 2>"$log" || status=$?
	((status == 0)) || tail -n 100 "$log" >&2
	return "$status"
}

if [ -n "$kunit" ]; then
	ktap_run kunit kunit_suites
fi

if [ -n "$in_guest" ]; then
	words=$(printf ' %q' "${guest[@]}")
	((${#guest[@]})) || words=
	# The guest says first what it is going to run, so that what a crash takes
	# with it counts as failed.
	ktap_run "guest ($kernel kernel)" "$TOP/scripts/vm.sh" --kernel "$kernel" --no-insmod \
		--timeout "$limit" --log "$TOP/build/log/test-$kernel.log" -- \
		"scripts/tests/run-all.sh --list$words | sed 's/^/# harness: expect /'
		exec scripts/tests/run-all.sh$words"
fi

# --- the result ------------------------------------------------------------

passed=0 failed=0 skipped=0
while read -r p f s; do
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done < <(sed '/^[^0-9]/d' "$counts/all")

echo
if ((failed)); then
	echo "Failed:"
	sed -n 's/^FAILED /  /p' "$counts/all"
fi
echo "$((SECONDS - start)) s on the $kernel kernel; all of the output: ${ktap#"$TOP"/}"
echo "$passed passed, $failed failed$( ((skipped == 0)) || echo ", $skipped skipped")"
((failed == 0 && passed > 0))
