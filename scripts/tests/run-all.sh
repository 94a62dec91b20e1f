#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs the guest tests in this booted guest and prints nested KTAP.
. "$(dirname "$0")/../common.sh"

HERE=$TOP/scripts/tests
# shellcheck source-path=SCRIPTDIR source=ask.sh
. "$HERE/ask.sh"

usage() {
	cat <<TXT
usage: $ME [--list] [--force] [--share] [--claims DIR] [--repeat N] [NAME...]

Runs the tests of scripts/tests/*.test.sh inside a booted guest, for every kind
that a file declares, and prints nested KTAP. NAME is FILE, FILE:KIND or
FILE:KIND:TEST (test_ and .test.sh left out); without one everything runs, but on
the debug kernel, where it is slow and no news, nothing on the C driver.

  --share  only what this kernel is to do of all tests: the release kernel those that a
           file names in RELEASE=, on rnetvirt; others all, on the C drivers, too
  --claims DIR
           before a group make a directory of its name in DIR, and leave out a group of
           which there is one already: guests that have DIR in common share the work
  --repeat N
           everything N times
  --list   print what would run, one FILE:KIND:TEST per line
  --force  run although this does not look like a test guest: the tests create
           and delete devices, load and unload modules and change sysctls

Environment: KERNEL, which of the project's kernels is running; KDIR, its build
directory with the C drivers; RNETVIRT_KO, the module under test; IP_LIB_DIR,
where ip's plugin is. The defaults are what the project's own scripts built for
the running kernel.
TXT
}

list='' force='' share='' claims='' repeat=1 names=()
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--list) list=1 ;;
	--force) force=1 ;;
	--share) share=1 ;;
	--claims)
		claims=${2-}
		[ -n "$claims" ] || bad_usage "--claims wants a directory"
		shift
		;;
	--repeat)
		[[ ${2-} =~ ^[1-9][0-9]*$ ]] || bad_usage "--repeat wants a number"
		repeat=$2
		shift
		;;
	-*) bad_usage "unknown option '$1'" ;;
	*) names+=("$1") ;;
	esac
	shift
done

# Which of the test kernels is running: the debug one declares KASAN.
config() { zcat /proc/config.gz 2>/dev/null | grep -qx "$1"; }
if [ -z "${KERNEL:-}" ]; then
	KERNEL=release
	! config CONFIG_KASAN=y || KERNEL=debug
	! config CONFIG_UML=y || KERNEL=$(VM=uml asked_kernel)
fi
if [ "$force" ]; then
	# The machine's own.
	KDIR=${KDIR:-/lib/modules/$(uname -r)/build}
	RNETVIRT_KO=${RNETVIRT_KO:-$(modinfo -n rnetvirt 2>/dev/null)} ||
		bad_usage "there is no rnetvirt for the running kernel: make install, or RNETVIRT_KO= names the file"
else
	KDIR=${KDIR:-$("$TOP/scripts/kernel.sh" --path "$KERNEL")}
	RNETVIRT_KO=${RNETVIRT_KO:-$TOP/build/$KERNEL/rnetvirt.ko}
	IP_LIB_DIR=${IP_LIB_DIR:-$TOP/build/iproute2}
fi
export KERNEL KDIR RNETVIRT_KO
[ -z "${IP_LIB_DIR:-}" ] || export IP_LIB_DIR

# header FILE VAR DEFAULT: the file's own VAR=... line. Without a process: there are many
# files, and the debug kernel takes its time.
header() {
	local line value=

	while IFS= read -r line; do
		case $line in
		"$2="*)
			value=${line#*=}
			value=${value//\"/}
			break
			;;
		esac
	done <"$1"
	echo "${value:-$3}"
}

# named FILE: is it among those that the command line asks for?
named() {
	local name

	((${#names[@]})) || return 0
	for name in "${names[@]}"; do
		[ "${name%%:*}" != "$1" ] || return 0
	done
	return 1
}

# wanted FILE KIND [TEST]: does the command line ask for it?
wanted() {
	local name

	((${#names[@]})) || return 0
	for name in "${names[@]}"; do
		case $name in
		"$1" | "$1:$2" | "$1:$2:${3-*}") return 0 ;;
		"$1:$2":*) [ $# -eq 2 ] && return 0 ;;
		esac
	done
	return 1
}

# "FILE KIND" of every group to run, and the tests of a group.
groups() {
	local path file kind takes

	for path in "$HERE"/*.test.sh; do
		file=${path##*/}
		file=${file%.test.sh}
		named "$file" || continue
		case " $(header "$path" KERNELS "$KERNEL") " in
		*" $KERNEL "*) ;;
		*) continue ;;
		esac
		[ -z "$share" ] || [ "$KERNEL" != release ] || [ -n "$(header "$path" RELEASE '')" ] || continue
		takes=$(header "$path" TAKES 10)
		for kind in $(header "$path" KINDS "veth rnetvirt"); do
			[ "$kind" = rnetvirt ] || both_kinds || continue
			if wanted "$file" "$kind"; then
				echo "$takes $file $kind"
			fi
		done
	done | sort -s -k 1,1nr | cut -d' ' -f2-
}

# both_kinds: whether what nobody named runs on the C driver here, too.
both_kinds() {
	((${#names[@]} == 0)) || return 0
	if [ "$share" ]; then
		[ "$KERNEL" != release ]
	else
		! has_checks "$KERNEL"
	fi
}

tests_of() {
	local test pattern patterns='*'

	if [ "$share:$KERNEL" = 1:release ]; then
		patterns=$(header "$HERE/$1.test.sh" RELEASE '')
	fi
	sed -n 's/^test_\([a-z0-9_]*\)() {.*/\1/p' "$HERE/$1.test.sh" | while read -r test; do
		wanted "$1" "$2" "$test" || continue
		set -f
		for pattern in $patterns; do
			# shellcheck disable=SC2053
			if [[ $test = $pattern ]]; then
				echo "$test"
				break
			fi
		done
		set +f
	done
}

mapfile -t todo < <(groups)
for name in "${names[@]}"; do
	[ -e "$HERE/${name%%:*}.test.sh" ] || bad_usage "no test file '${name%%:*}'"
	case $name in
	*:*:*) grep -q "^test_${name##*:}() {" "$HERE/${name%%:*}.test.sh" ||
		bad_usage "no test '${name##*:}' in '${name%%:*}'" ;;
	esac
done
if [ "$force" ] && ((${#todo[@]} == 0)); then
	# As kselftest's runner wants it of what does not apply.
	echo "1..0 # SKIP nothing of '${names[*]}' is for this kernel"
	exit 4
fi
((${#todo[@]})) || bad_usage "nothing to run for '${names[*]}' on the $KERNEL kernel"

if [ "$list" ]; then
	for group in "${todo[@]}"; do
		# shellcheck disable=SC2086
		set -- $group
		tests_of "$1" "$2" | sed "s/^/$1:$2:/"
	done
	exit 0
fi

[ "$force" ] || grep -q virtme /proc/cmdline || [ "${RNETVIRT_GUEST:-}" ] ||
	die "this is not a test guest (see --help)"

WORK=$(mktemp -d "${TMPDIR:-/tmp}/rnetvirt-tests.XXXXXX")
export WORK
trap 'exec 9>&- 7>&- || true; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

# kmsg_is_clean FILE: most tests leave no line at all.
# A test may name lines that it provokes, see lib.sh's expect_kmsg().
kmsg_is_clean() {
	[ -s "$1" ] || return 0
	if [ -e "$WORK/kmsg.expected" ]; then
		grep -vFf "$WORK/kmsg.expected" "$1" >"$1.rest" || true
		mv "$1.rest" "$1"
	fi
	if [ -x "$TOP/scripts/kmsg-check.sh" ]; then
		"$TOP/scripts/kmsg-check.sh" "$1"
	else
		if grep -nE 'WARNING:|BUG:|Oops|KASAN|UBSAN|ODEBUG|kmemleak:|waiting for .* to become free|ref_tracker|leaked|stall' "$1"; then
			return 1
		fi
	fi
}

# The process that answers the tests' questions, see lib.sh's ask().
start_nsd() {
	if [ -e "$WORK/questions" ]; then
		kill -9 "$nsd" 2>/dev/null || true
	else
		mkfifo "$WORK/questions" "$WORK/answers"
	fi
	"$HERE/nsd.py" <"$WORK/questions" >"$WORK/answers" &
	nsd=$!
	exec 7>"$WORK/questions" 8<"$WORK/answers"
}

# The `ip` that stays, see lib.sh.
start_ip() {
	export RESIDENT_IP=''
	[ -e "$TOP/build/resident.so" ] || return 0
	if [ -e "$WORK/calls" ]; then
		kill -9 "$resident_ip" 2>/dev/null || true
	else
		mkfifo "$WORK/calls" "$WORK/results"
	fi
	LD_PRELOAD=$TOP/build/resident.so LD_BIND_NOW=1 ip <"$WORK/calls" >"$WORK/results" &
	resident_ip=$!
	exec 9>"$WORK/calls" 6<"$WORK/results"
	RESIDENT_IP=1
}

# point NUMBER NAME STATUS LOG: one subtest's result; a failed one shows the log.
point() {
	case $3 in
	0) echo "  ok $1 $2" ;;
	4) echo "  ok $1 $2 # SKIP $(tail -n 1 "$4")" ;;
	*) echo "  not ok $1 $2" ;;
	esac
	[ -s "$4" ] || return 0
	case $3 in
	0) grep '^# ' "$4" | sed 's/^/  /' || true ;;
	4) ;;
	*) sed 's/^/  # /' "$4" ;;
	esac
}

# stopped STATUS PLACE: there, called from these places of the test's file.
stopped() {
	local i

	echo "stopped at $2 (status $1)" >&2
	for ((i = 2; i < ${#BASH_SOURCE[@]}; i++)); do
		[[ ${BASH_SOURCE[i]} != *.test.sh ]] ||
			echo "  from ${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}" >&2
	done
}

# run_test FILE TEST: what a process of its own does.
run_test() {
	TEST_PID=$BASHPID
	# shellcheck source=/dev/null
	. "$HERE/lib.sh"
	case $2 in
	load) load_kind ;;
	unload) unload_kind ;;
	# What every test relies on, see group().
	must_fail)
		false
		true
		;;
	*)
		# shellcheck source=/dev/null
		. "$HERE/$1.test.sh"
		# Say where a test stopped: with set -e that is all there is to see.
		trap 'stopped "$?" "${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
		set -E
		"test_$2"
		;;
	esac
}

# one FILE KIND TEST LOG: the test in a process group of its own, which does not
# outlive it, then the cleanup and the kernel's opinion. Its status is the verdict; 4:
# skipped, which it is by lib.sh's skip() alone. Never call this in a condition: set -e would not hold in the test.
one() {
	local status=0 pid whose until=$((SECONDS + limit))

	[ ! -e "$WORK/kmsg.expected" ] || rm "$WORK/kmsg.expected"
	[ ! -e "$WORK/skipped" ] || rm "$WORK/skipped"
	set -m
	(
		set +m
		trap - INT TERM
		trap 'echo "$BASHPID $?" >&19' EXIT
		export KIND=$2
		run_test "$1" "$3"
	) </dev/null >"$4" 2>&1 &
	set +m
	pid=$!
	# That of an earlier one, whose time was over, may still come.
	while
		if ((SECONDS > until)) || ! read -r -t $((until - SECONDS + 1)) -u 19 whose status; then
			whose=$pid status=124
			echo "no end after $limit s" >>"$4"
		fi
		[ "$whose" != "$pid" ]
	do :; done
	[ "$status" != 4 ] || [ -e "$WORK/skipped" ] || status=1
	kill -9 -- "-$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	if [ "$status" = 124 ]; then
		start_nsd
		start_ip
	fi
	ask - tidy >>"$4" 2>&1 || status=1
	kmsg_is_clean "$WORK/kmsg" >>"$4" 2>&1 || status=1
	if [ "$status" != 0 ] && [ "$status" != 4 ]; then
		echo "the kernel's log:" >>"$4"
		tail -n 80 "$WORK/kmsg" >>"$4"
	fi
	verdict=$status
}

# group NUMBER FILE KIND: all its tests; the module is fresh for the group, and
# unloading it afterwards (which waits for dying namespaces too) is the last one.
group() {
	local file=$2 kind=$3 limit tests test status n=0 failed=0 began start=$SECONDS log=$WORK/log

	limit=$(header "$HERE/$file.test.sh" LIMIT 60)
	if has_checks "$KERNEL"; then
		limit=$((limit * 5))
	elif ! is_uml "$KERNEL"; then
		# Emulated CPUs take turns: who waits for another one waits long.
		limit=$((limit * 3))
	fi
	mapfile -t tests < <(tests_of "$file" "$kind")
	echo "  KTAP version 1"
	echo "  # Subtest: $file:$kind"
	echo "  1..$((${#tests[@]} + 2))"
	# Not in vain: in a condition, or in what a condition calls, set -e does not hold.
	one "$file" "$kind" must_fail "$log"
	[ "$verdict" != 0 ] || die "a test that fails would pass"
	for test in load "${tests[@]}" unload; do
		n=$((n + 1))
		began=$SECONDS
		one "$file" "$kind" "$test" "$log"
		status=$verdict
		point "$n" "$test" "$status" "$log"
		((SECONDS - began < 8)) || echo "  # $test took $((SECONDS - began)) s"
		case $status in
		0 | 4) ;;
		*) failed=$((failed + 1)) ;;
		esac
	done
	if ((failed)); then
		echo "not ok $1 $file:$kind"
	else
		echo "ok $1 $file:$kind"
	fi
	echo "# $file:$kind took $((SECONDS - start)) s"
	failures=$((failures + (failed > 0)))
}

# The kernel loads nothing by itself, or an unloaded driver would come back in
# the middle of a test; the one about loading on demand says where from.
[ ! -e /proc/sys/kernel/modprobe ] || echo >/proc/sys/kernel/modprobe
mkfifo "$WORK/statuses"
exec 19<>"$WORK/statuses"
start_nsd
start_ip
ask - tidy
echo "KTAP version 1"
[ -z "$claims" ] || [ -e "$claims/shared" ] || die "$claims is not what others see, too"
[ "$claims" ] || echo "1..$((${#todo[@]} * repeat))"
number=0 failures=0
for ((round = 1; round <= repeat; round++)); do
	for group in "${todo[@]}"; do
		# shellcheck disable=SC2086
		set -- $group
		[ -z "$claims" ] || mkdir "$claims/$1:$2:$round" 2>/dev/null || continue
		number=$((number + 1))
		group "$number" "$1" "$2"
	done
done
echo "# $((number - failures)) of $number passed in $SECONDS s on the $KERNEL kernel"
((failures == 0))
