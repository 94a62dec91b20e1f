# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Many pairs: created, moved and deleted while others carry traffic.
# shellcheck disable=SC2034
LIMIT=300
RELEASE="*"
TAKES=11

# How many; on the debug kernel as many as time allows.
PAIRS=1000 SECONDS_MAX=280
[ "$KERNEL" != debug ] || SECONDS_MAX=60
# Emulated, and there for two processors.
[ "$KERNEL" != release ] || PAIRS=400
# The C driver is no news: it shows that the test is right.
[ "$KIND" != veth ] || PAIRS=100

test_churn_create_move_delete_with_traffic() {
	local n=0 batch=50 i end=$((SECONDS + SECONDS_MAX))

	ns S A B
	joined S B
	traffic S
	wait_for 10 busy
	while ((n < PAIRS && SECONDS < end)); do
		# Made within S, across, and up; some move. One by one is slow (each waits
		# for readers), so most of a batch goes as a group.
		for ((i = n; i < n + batch; i++)); do
			case $((i % 20)) in
			1) echo "link add a$i type $KIND peer name b$i" ;;
			0 | 2 | 10) echo "link add a$i group 9 type $KIND peer name b$i group 9" ;;
			*) echo "link add a$i up group 9 type $KIND peer name b$i group 9 netns A" ;;
			esac
			case $((i % 20)) in
			0 | 10) echo "link set b$i netns A" ;;
			1) echo "link set a$i netns B" ;;
			esac
		done | ip -n S -batch -
		for ((i = n; i < n + batch; i++)); do
			case $((i % 20)) in
			3 | 6) echo "link set b$i up" ;;
			4) echo "link del b$i" ;;
			esac
		done | ip -n A -batch -
		for ((i = n; i < n + batch; i++)); do
			case $((i % 20)) in
			5) echo "link del a$i" ;;
			esac
		done | ip -n S -batch -
		ip -n S link del group 9
		n=$((n + batch))
	done
	note "$n pairs"
	in_ns S ping -q -c 3 -i 0.05 -W 5 10.0.0.2
	quiet
	ip -n S link del v0
	# Only what has its other end in B is left, and goes with B.
	same "devices" "$(names S | tr ' ' '\n' | grep -vc '^b[0-9]*1$')" 0
	empty A || fail "left in A: $(names A)"
	ip netns del B
	wait_for 30 empty S
	((n == PAIRS)) || [ "$KERNEL" = debug ] || fail "only $n pairs in $SECONDS_MAX s"
}

test_churn_many_alive_at_once() {
	local n=200 i

	[ "$KERNEL:$KIND" = release:rnetvirt ] || n=60
	ns S B
	for ((i = 0; i < n; i++)); do
		echo "link add a$i group 9 type $KIND peer name b$i netns B"
	done | ip -n S -batch -
	same "pairs" "$(names B | wc -w)" $n
	ip -n S link del group 9
	empty S B
	note "$n pairs deleted at once"
}

test_churn_from_two_sides() {
	local n

	# Both ends are deleted by two processes at once: one wins, the other is told
	# that there is no such device.
	ns S B
	for n in $(rounds "$([ "$KERNEL" = debug ] && echo 9 || echo 24)"); do
		ip -n S link add foo type "$KIND" peer name bar netns B
		command ip -n B link del bar 2>/dev/null &
		ip -n S link del foo 2>/dev/null || true
		wait
		empty S B || fail "round $n: S: $(names S), B: $(names B)"
	done
}
