# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Many pairs: created, moved and deleted while others carry traffic.
# shellcheck disable=SC2034
LIMIT=150

# How many, and how long it may take: a slow kernel makes what it can.
PAIRS=1000 SECONDS_MAX=120
[ "$KERNEL" != debug ] || SECONDS_MAX=150
# The C driver is no news: it shows that the test is right.
[ "$KIND" != veth ] || PAIRS=100

test_churn_create_move_delete_with_traffic() {
	local n=0 batch=25 i end=$((SECONDS + SECONDS_MAX))

	ns S A B
	joined S B
	traffic S
	wait_for 10 busy
	while ((n < PAIRS && SECONDS < end)); do
		for ((i = n; i < n + batch; i++)); do
			echo "link add a$i up type $KIND peer name b$i"
			echo "link set b$i netns A"
			# Every third goes back, every fourth is up on both ends.
			((i % 3)) || echo "link set a$i netns B"
		done | ip -n S -batch -
		for ((i = n; i < n + batch; i++)); do
			((i % 4)) || echo "link set b$i up"
			((i % 5)) || echo "link del b$i"
		done | ip -n A -batch -
		# Half of the rest from this side, the others stay until the end.
		for ((i = n; i < n + batch; i++)); do
			if ((i % 3 && i % 5 && i % 2)); then echo "link del a$i"; fi
		done | ip -n S -batch -
		n=$((n + batch))
	done
	note "$n pairs"
	in_ns S ping -q -c 3 -i 0.05 -W 5 10.0.0.2
	quiet
	ip -n S link del v0
	# The rest dies with its namespace.
	ip netns del A
	wait_for 30 empty S B
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
	for n in $(rounds 24); do
		ip -n S link add foo type "$KIND" peer name bar netns B
		ip -n B link del bar 2>/dev/null &
		ip -n S link del foo 2>/dev/null || true
		wait
		empty S B || fail "round $n: S: $(names S), B: $(names B)"
	done
}
