#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Runs the guest tests in this booted guest and prints nested KTAP.
. "$(dirname "$0")/../common.sh"

HERE=$TOP/scripts/tests
# shellcheck source-path=SCRIPTDIR source=ask.sh
. "$HERE/ask.sh"

usage() {
	cat <<TXT
usage: $ME [--list] [--force] [NAME...]

Runs the tests of scripts/tests/*.test.sh inside a booted guest, for every kind
that a file declares, and prints nested KTAP. NAME is FILE, FILE:KIND or
FILE:KIND:TEST (test_ and .test.sh left out); without one everything runs, but on
the debug kernel, where it is slow and no news, nothing on the C driver.

  --list   print what would run, one FILE:KIND:TEST per line
  --force  run although this does not look like a test guest: the tests create
           and delete devices, load and unload modules and change sysctls

Environment: KERNEL, which of the project's kernels is running; KDIR, its build
directory with the C drivers; RNETVIRT_KO, the module under test; IP_LIB_DIR,
where ip's plugin is. The defaults are what the project's own scripts built for
the running kernel.
TXT
}

list='' force='' names=()
for a; do
	case $a in
	-h | --help) usage; exit 0 ;;
	--list) list=1 ;;
	--force) force=1 ;;
	-*) bad_usage "unknown option '$a'" ;;
	*) names+=("$a") ;;
	esac
done

# Which of the test kernels is running: the debug one declares KASAN.
config() { zcat /proc/config.gz 2>/dev/null | grep -qx "$1"; }
if [ -z "${KERNEL:-}" ]; then
	KERNEL=release
	! config CONFIG_KASAN=y || KERNEL=debug
	! config CONFIG_UML=y || KERNEL=$(VM=uml asked_kernel)
fi
KDIR=${KDIR:-$("$TOP/scripts/kernel.sh" --path "$KERNEL")}
RNETVIRT_KO=${RNETVIRT_KO:-$TOP/build/$KERNEL/rnetvirt.ko}
IP_LIB_DIR=${IP_LIB_DIR:-$TOP/build/iproute2}
export KERNEL KDIR RNETVIRT_KO IP_LIB_DIR

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
	local path file kind

	for path in "$HERE"/*.test.sh; do
		file=${path##*/}
		file=${file%.test.sh}
		named "$file" || continue
		case " $(header "$path" KERNELS "$KERNEL") " in
		*" $KERNEL "*) ;;
		*) continue ;;
		esac
		for kind in $(header "$path" KINDS "veth rnetvirt"); do
			if has_checks "$KERNEL" && ((${#names[@]} == 0)) && [ "$kind" != rnetvirt ]; then
				continue
			fi
			if wanted "$file" "$kind"; then
				echo "$file $kind"
			fi
		done
	done
}

tests_of() {
	local test

	sed -n 's/^test_\([a-z0-9_]*\)() {.*/\1/p' "$HERE/$1.test.sh" | while read -r test; do
		if wanted "$1" "$2" "$test"; then
			echo "$test"
		fi
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
trap 'exec 7>&- || true; rm -rf "$WORK"' EXIT
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

# Directories: bonding leaves a file there.
devices() (cd /sys/class/net && set -- */ && printf '%s\n' "${@%/}")
at_start=$(devices)

# Removes what a test left, and says what should not have been there: a test
# owns its namespaces, but nothing in the initial one.
clean_up() {
	local dev status=0

	ask - nsclear || status=1
	# The far ends of links into a dying namespace go with it, in a moment.
	for _ in {1..100}; do
		[ "$(devices)" != "$at_start" ] || return "$status"
		sleep 0.05
	done
	for dev in $(comm -13 <(echo "$at_start") <(devices)); do
		echo "left behind in the initial namespace: $dev"
		ip link del "$dev" || true
	done
	return 1
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

# one FILE KIND TEST LOG: the test in a process group of its own, which does not
# outlive it, then the cleanup and the kernel's opinion. Status 4: skipped.
one() {
	local status=0 pid

	rm -f "$WORK/kmsg.expected"
	timeout -k 5 "$limit" "$HERE/run-one.sh" "$1" "$2" "$3" </dev/null >"$4" 2>&1 &
	pid=$!
	wait "$pid" || status=$?
	kill -9 -- "-$pid" 2>/dev/null || true
	if [ "$status" = 124 ]; then
		echo "no end after $limit s" >>"$4"
		start_nsd
	fi
	clean_up >>"$4" 2>&1 || status=1
	ask - kmsg >"$WORK/kmsg" || status=1
	kmsg_is_clean "$WORK/kmsg" >>"$4" 2>&1 || status=1
	if [ "$status" != 0 ] && [ "$status" != 4 ]; then
		echo "the kernel's log:" >>"$4"
		tail -n 80 "$WORK/kmsg" >>"$4"
	fi
	return "$status"
}

# group NUMBER FILE KIND: all its tests; the module is fresh for the group, and
# unloading it afterwards (which waits for dying namespaces too) is the last one.
group() {
	local file=$2 kind=$3 limit tests test status n=0 failed=0 began start=$SECONDS log=$WORK/log

	limit=$(header "$HERE/$file.test.sh" LIMIT 60)
	! has_checks "$KERNEL" || limit=$((limit * 5))
	mapfile -t tests < <(tests_of "$file" "$kind")
	echo "  KTAP version 1"
	echo "  1..$((${#tests[@]} + 2))"
	for test in load "${tests[@]}" unload; do
		n=$((n + 1))
		status=0 began=$SECONDS
		one "$file" "$kind" "$test" "$log" || status=$?
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
	((failed == 0))
}

start_nsd
ask - kmsg >/dev/null
echo "KTAP version 1"
echo "1..${#todo[@]}"
number=0 failures=0
for group in "${todo[@]}"; do
	number=$((number + 1))
	# shellcheck disable=SC2086
	set -- $group
	group "$number" "$1" "$2" || failures=$((failures + 1))
done
echo "# $((number - failures)) of $number passed in $SECONDS s on the $KERNEL kernel"
((failures == 0))
