# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The end of a pair (statements A41 to A45, H5 to H11): by every way, under traffic.
# shellcheck disable=SC2034
RELEASE="*"

gone() { # NETNS DEVICE
	not has "$@"
}

test_a43_delete_from_either_side() {
	ns S B
	joined S B
	ip -n S link del v0
	empty S B || fail "S: $(names S), B: $(names B)"
	joined S B
	ip -n B link del v1
	empty S B || fail "S: $(names S), B: $(names B)"
	ip -n S link add foo type "$KIND" peer name bar
	ip -n S link del bar
	empty S
}

test_a43_delete_under_traffic() {
	local n

	ns S B
	for n in $(rounds 4); do
		joined S B
		traffic S B
		wait_for 10 busy
		if ((n % 2)); then
			ip -n S link del v0
		else
			ip -n B link del v1
		fi
		empty S B || fail "S: $(names S), B: $(names B)"
		quiet
	done
}

test_a45_delete_by_group() {
	ns S B
	ip -n S link add a0 group 5 type "$KIND" peer name a1 group 5
	ip -n S link add b0 group 5 type "$KIND" peer name b1 netns B
	ip -n S link add c0 type "$KIND" peer name c1 group 5
	ip -n S link add keep0 type "$KIND" peer name keep1
	ip -n S link del group 5
	gives "keep1 keep0" names S
	empty B
}

test_h10_namespace_death() {
	ns S B
	joined S B
	ip netns del B
	wait_for 10 gone S v0
	# The dev's own namespace.
	ns B
	joined B S
	ip netns del B
	wait_for 10 gone S v1
}

test_h10_namespace_death_under_traffic() {
	local n

	ns S
	for n in $(rounds 3); do
		ns B
		joined S B
		traffic S
		wait_for 10 busy
		ip netns del B
		wait_for 10 gone S v0
		quiet
	done
}

test_h10_both_namespaces_die_under_traffic() {
	local n

	for n in $(rounds 3); do
		ns S B
		joined S B
		traffic S
		wait_for 10 busy
		# The flood holds S; it ends in the middle of it.
		printf 'netns del %s\n' S B | ip -batch -
		quiet
	done
}

test_h10_peer_in_a_dying_namespace() {
	local n made=0

	# A creation meets the namespace's end: made or refused, never half.
	ns S
	for n in $(rounds 9); do
		ns B
		command ip netns del B &
		if ip -n S link add "v$n" type "$KIND" peer name w netns B 2>/dev/null; then
			made=$((made + 1))
		fi
		wait $!
		wait_for 10 gone S "v$n"
	done
	note "$made were made and went with the namespace"
	empty S
}

test_h9_moves_under_traffic() {
	local n

	ns S A B
	joined S B
	for n in $(rounds 4); do
		traffic S B
		wait_for 10 busy
		ip -n S link set v0 netns A
		ip -n A link set v0 netns S
		ip -n B link set v1 netns A
		ip -n A link set v1 netns B
		quiet
		addressed S B
		wait_for 10 in_ns S ping -q -c 1 -W 1 10.0.0.2
	done
}

test_h9_moved_together_and_apart() {
	ns S A
	ip -n S link add foo type "$KIND" peer name bar
	ip -n S link set foo netns A
	ip -n S link set bar netns A
	gives "bar foo" names A
	ip -n A link set foo up
	ip -n A link set bar up
	carried A foo
	gives "host 100 x5" frames across A foo A bar peer:A:bar 100 5
	ip -n A link del bar
	empty S A
}

test_h9_rename_on_a_move() {
	ns S A
	ip -n A link add foo type dummy
	ip -n S link add foo type "$KIND" peer name bar
	refused "same name exists" ip -n S link set foo netns A
	gives "bar foo" names S
	ip -n S link set foo netns A name other
	gives "foo other" names A
}

test_h5_sockets_outlive_the_pair() {
	ns S B
	joined S B
	# Open sockets and captures on both ends, then the devices go.
	in_ns S tcpdump -q -n -i v0 -w /dev/null >/dev/null 2>&1 &
	in_ns B tcpdump -q -n -i v1 -w /dev/null >/dev/null 2>&1 &
	in_ns B iperf3 -s >/dev/null 2>&1 &
	wait_for 10 in_ns B sh -c 'ss -Hltn | grep -q :5201'
	in_ns S iperf3 -t 60 -c 10.0.0.2 >/dev/null 2>&1 &
	wait_for 10 busy
	ip -n S link del v0
	empty S B
}
