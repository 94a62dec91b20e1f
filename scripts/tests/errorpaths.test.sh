# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Whatever fails on the way, nothing stays behind (statements A32, A33).
# shellcheck disable=SC2034
LIMIT=120

# nothing_left ERRNO TOKENS...: refused, nothing is left, and the names and
# indexes are free for a pair that is right.
nothing_left() {
	local wanted=$1

	shift
	errno "$wanted" S new kind:"$KIND" "$@"
	empty B || fail "$*: left in B: $(names B)"
	same "$*: devices" "$(names S)" "$KEPT"
}

check_after() {
	gives OK rtnl S new kind:"$KIND" name:v0 peer name:v1 nsfd:/run/netns/B end
	has S v0 && has B v1
	ip -n S link del v0
}

test_a32_invalid_names() {
	local hex

	ns S B
	KEPT=""
	# "", ".", "..", "a/b", "a:b", "a b", "%d%d", "%s"
	for hex in 00 2e00 2e2e00 612f6200 613a6200 61206200 2564256400 257300; do
		nothing_left EINVAL name0x:$hex
		nothing_left EINVAL name:v0 peer name0x:$hex end
		nothing_left EINVAL name:v0 peer name0x:$hex nsfd:/run/netns/B end
	done
	# 16 characters.
	nothing_left ERANGE name:abcdefghijklmnop
	nothing_left ERANGE name:v0 peer name:abcdefghijklmnop end
	check_after
}

test_a32_names_in_use() {
	ns S B
	ip -n S link add taken type dummy
	ip -n B link add there type dummy
	KEPT=taken
	nothing_left_b EEXIST name:taken
	nothing_left_b EEXIST name:v0 peer name:taken end
	nothing_left_b EEXIST name:v0 peer name:v0 end
	nothing_left_b EEXIST name:v0 peer name:there nsfd:/run/netns/B end
	nothing_left_b EEXIST name:there nsfd:/run/netns/B peer name:v1 end
	# Each in its own namespace is no clash.
	gives OK rtnl S new kind:"$KIND" name:same peer name:same nsfd:/run/netns/B end
	ip -n B link del same
	same "devices" "$(names S)" taken
}

# The same, when B has a device of its own.
nothing_left_b() {
	errno "$1" S new kind:"$KIND" "${@:2}"
	same "${*:2}: devices in S" "$(names S)" "$KEPT"
	same "${*:2}: devices in B" "$(names B)" there
}

test_a32_indexes_in_use() {
	ns S B
	ip -n S link add taken index 50 type dummy
	KEPT=taken
	nothing_left EBUSY index:60 name:v0 peer index:50 name:v1 end
	# The peer takes the dev's index.
	nothing_left EBUSY index:60 name:v0 peer index:60 name:v1 end
	nothing_left EEXIST index:50 name:v0
	check_after
}

test_a32_bad_mtu_and_address() {
	ns S B
	KEPT=""
	nothing_left EINVAL name:v0 mtu:67
	nothing_left EINVAL name:v0 peer name:v1 mtu:65536 nsfd:/run/netns/B end
	nothing_left EADDRNOTAVAIL name:v0 peer name:v1 addr:010000000001 nsfd:/run/netns/B end
	nothing_left EINVAL name:v0 peer name:v1 txq:0 nsfd:/run/netns/B end
	check_after
}

test_a32_peer_up() {
	ns S B
	KEPT=""
	nothing_left ENOTCONN name:v0 peer up name:v1 end
	nothing_left ENOTCONN name:v0 peer up name:v1 nsfd:/run/netns/B end
	check_after
}

test_a32_veto_of_a_notifier() {
	local name

	# IPv4 refuses to register a device whose name is one of its sysctl directories.
	ns S B
	KEPT=""
	for name in all default; do
		nothing_left EINVAL name:$name
		# The peer is registered by then, or it is the one that is refused.
		nothing_left EINVAL name:$name peer name:v1 nsfd:/run/netns/B end
		nothing_left EINVAL name:v0 peer name:$name end
		nothing_left EINVAL name:v0 peer name:$name nsfd:/run/netns/B end
	done
	check_after
}

test_a33_core_fails_after_the_driver() {
	ns S B
	ip -n S link add taken type dummy
	KEPT=taken
	# A master (IFLA_MASTER is 10) that is none, or does not exist.
	nothing_left EOPNOTSUPP name:v0 attr:10:"$(printf '%02x000000' "$(ifindex S taken)")" \
		peer name:v1 nsfd:/run/netns/B end
	nothing_left EINVAL name:v0 attr:10:ff7f0000 peer name:v1 nsfd:/run/netns/B end
	check_after
}

test_a32_a_failed_change_changes_nothing() {
	ns S B
	joined S B
	errno EINVAL S set name:v0 mtu:67
	errno EADDRNOTAVAIL S set name:v0 addr:010000000001
	errno EEXIST S set index:"$(ifindex S v0)" name:lo
	gives "1500 02:00:00:00:00:01" rtnl S get v0 mtu address
	in_ns S ping -q -c 1 -W 5 10.0.0.2
}

# Allocation failures, where the kernel can make them. A creation has hundreds of
# sites; FAULT_STRIDE=1 takes each of them.
with_faults() { # OPERATION STRIDE
	local stride=${FAULT_STRIDE:-$2}

	[ -e /sys/kernel/debug/failslab ] || skip "this kernel has no fault injection"
	# The C driver shows that the test is right.
	[ "$KIND" != veth ] || stride=7
	ns S B
	# Over the runs every site has its turn.
	in_ns S "$TESTS/faults.py" "$KIND" "$1" "$stride" $((RANDOM % stride + 1))
	empty S B || fail "S: $(names S), B: $(names B)"
}

test_a32_no_memory_at_creation() { with_faults create 11; }

test_a32_no_memory_at_creation_across_namespaces() { with_faults create-netns 13; }

test_a32_no_memory_at_deletion() { with_faults delete 3; }

test_a32_no_memory_at_a_change_of_mtu() { with_faults mtu 1; }

test_a32_no_memory_at_a_change_of_address() { with_faults address 1; }

test_a32_no_memory_at_open() { with_faults up 1; }

test_nothing_leaked() { no_leaks; }
