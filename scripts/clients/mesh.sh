# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A laboratory: 200 routers in a ring, each with a pair to the next, as containerlab makes it.
# shellcheck disable=SC2034
PACKAGES=""

NODES=200

test_ring_of_200() {
	local n next

	for ((n = 0; n < NODES; n++)); do
		echo "netns add n$n"
	done | ip -batch -
	for ((n = 0; n < NODES; n++)); do
		next=$(((n + 1) % NODES))
		echo "link add right netns n$n type veth peer name left netns n$next"
	done | ip -batch -
	is_ours_or_not n0 right veth
	for ((n = 0; n < NODES; n++)); do
		next=$(((n + 1) % NODES))
		ip -n "n$n" -batch - <<-TXT
			address add fe80::1:$n/64 dev right nodad
			address add fe80::2:$n/64 dev left nodad
			address add 10.200.$n.1/32 dev lo
			link set lo up
			link set left up
			link set right up
		TXT
	done
	# Everybody reaches the one to the right.
	for ((n = 0; n < NODES; n += 20)); do
		next=$(((n + 1) % NODES))
		ip netns exec "n$n" ping -q -c 1 -W 5 "fe80::2:$next%right" >/dev/null || fail "n$n does not reach n$next"
	done
	# A way through twenty of them.
	for ((n = 0; n < 20; n++)); do
		ip netns exec "n$n" sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward"
		ip -n "n$n" route add 10.200.20.1/32 via inet6 "fe80::2:$((n + 1))" dev right
	done
	for ((n = 1; n <= 20; n++)); do
		ip -n "n$n" route add 10.200.0.1/32 via inet6 "fe80::1:$((n - 1))" dev left
	done
	ip netns exec n0 ping -q -c 2 -i 0.2 -W 5 -I 10.200.0.1 10.200.20.1 >/dev/null || fail "no way through twenty"
}
