#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Tests on the host that no packet waits for ever in a transmit queue that was stopped:
# who sends and who polls in every order, with every delay that the kernel's memory model
# allows (txq/model.c). What is tried is the driver's own code; without one of its barriers,
# or the second look, packets do wait.
. "$(dirname "$0")/../../common.sh"

case ${1-} in
'') ;;
-h | --help)
	echo "usage: $ME"
	echo
	echo "Tries rust/helpers/txq.c and rust/abstractions/net/txq.rs as they are, and with"
	echo "mistakes, and prints KTAP."
	exit 0
	;;
*) bad_usage "unknown argument '$1'" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
HERE=$TOP/scripts/tests/host/txq
[ ! -r "$CACHE/toolchain/env" ] || use_toolchain
CC=$(command -v gcc || command -v clang) || die "no C compiler"

fail() {
	echo "failed: $*"
	exit 1
}

# tried FILE FROM TO: what is found when FILE has TO in place of the extended regular
# expression FROM, which may span lines; "" for FILE: as it is.
tried() {
	local there=$work/scripts/tests/host/txq file=${1:-}

	# Where model.rs finds the one and model.c gets the other.
	mkdir -p "$there" "$work/rust/abstractions/net" "$work/rust/helpers"
	cp "$HERE/model.rs" "$there/"
	cp "$TOP/rust/abstractions/net/txq.rs" "$work/rust/abstractions/net/"
	cp "$TOP/rust/helpers/txq.c" "$work/rust/helpers/"
	if [ -n "$file" ]; then
		sed -zEi "s@$2@$3@" "$work/rust/$file"
		! cmp -s "$work/rust/$file" "$TOP/rust/$file" || fail "$file has nothing like '$2' any more"
	fi
	"${RUSTC:-rustc}" --edition 2021 --crate-type staticlib -O -C panic=abort -A warnings \
		-o "$work/libmodel.a" "$there/model.rs" || fail "model.rs does not compile"
	"$CC" -O2 -Wall -I "$HERE/include" -I "$HERE" -o "$work/model" "$HERE/model.c" "$work/rust/helpers/txq.c" \
		"$work/libmodel.a" || fail "model.c does not compile"
	found=''
	for size in "1 2" "2 3" "3 5"; do
		found+=$("$work/model" $size) || [ $? = 1 ] || fail "the model does not work"
		found+=$'\n'
	done
	echo "$found"
}

lost() { grep -q "lost wake-up" <<<"$found" || fail "not noticed"; }

test_no_packet_waits_for_ever() {
	tried
	[ "$(grep -c "no packet waits for ever" <<<"$found")" = 3 ] || fail "it does"
}

test_stop_wants_its_barrier() {
	tried helpers/txq.c 'smp_mb__after_atomic\(\);' ''
	lost
}

test_wake_wants_its_barrier() {
	tried helpers/txq.c 'smp_mb\(\);' ''
	lost
}

test_room_is_looked_for_again() {
	tried abstractions/net/txq.rs 'if !room\(\)' 'if true'
	lost
}

test_room_is_looked_for_after_the_stop() {
	tried abstractions/net/txq.rs '( *// SAFETY: The queue is valid.\n *unsafe \{ bindings::txq_stop[^\n]*\n)( *if !room\(\)) (\{\n[^\n]*\n *\}\n)' \
		'let full = !room();\n\1if full \3'
	lost
}

mapfile -t tests < <(sed -n 's/^\(test_[a-z0-9_]*\)() {.*/\1/p' "$0")
echo "KTAP version 1"
echo "1..${#tests[@]}"
number=0 failures=0
for test in "${tests[@]}"; do
	number=$((number + 1))
	# Not as a condition: that would switch set -e off inside.
	set +e
	output=$(
		set -e
		"$test" 2>&1
	)
	status=$?
	set -e
	if ((status == 0)); then
		echo "ok $number ${test#test_}"
	else
		failures=$((failures + 1))
		echo "not ok $number ${test#test_}"
	fi
	[ -z "$output" ] || sed 's/^/# /' <<<"$output"
done
((failures == 0))
