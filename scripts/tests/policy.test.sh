# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a request may contain (statements A7 to A16, A34 to A36): raw netlink, with
# the errno, and the text where it is the core's.

new() { # WANTED TOKENS...: in S, of the kind
	errno "$1" S new kind:"$KIND" "${@:2}"
}

test_a7_short_peer() {
	ns S
	new "ERANGE Attribute failed policy validation" name:foo peerlen:15
	new "ERANGE Attribute failed policy validation" name:foo peerlen:0
	empty S
	gives OK rtnl S new kind:"$KIND" name:foo peerlen:16
	gives "${KIND}0 foo" names S
}

test_a8_unknown_attributes_are_ignored() {
	ns S
	gives OK rtnl S new kind:"$KIND" name:foo data:77:00112233 data:200: peer name:bar end
	has S foo bar
}

test_a8_nested_flag_is_optional() {
	ns S
	gives OK rtnl S new kind:"$KIND" name:foo peerflat name:bar end
	has S foo bar
}

test_a9_negative_peer_index() {
	ns S
	new "EINVAL ifindex can't be negative" name:foo peer index:-1 name:bar end
	new "EINVAL ifindex can't be negative" index:-1 name:foo
	empty S
}

test_a9_peer_attributes_follow_the_core_policy() {
	ns S
	# A name of 16 characters.
	new ERANGE name:foo peer name:abcdefghijklmnop end
	# IFLA_MTU of one byte.
	new ERANGE name:foo peer attr:4:01 end
	empty S
}

test_a12_bad_addresses() {
	local bad

	ns S
	for bad in 0200000001 02000000000001; do
		new EINVAL name:foo addr:$bad
		new EINVAL name:foo peer name:bar addr:$bad end
	done
	for bad in 000000000000 010000000001 ffffffffffff; do
		new EADDRNOTAVAIL name:foo addr:$bad
		new EADDRNOTAVAIL name:foo peer name:bar addr:$bad end
	done
	empty S
}

test_a13_mtu_range_at_creation() {
	local mtu

	ns S
	for mtu in 0 67 65536 2147483648 4294967295; do
		new EINVAL name:foo mtu:$mtu
		new EINVAL name:foo peer name:bar mtu:$mtu end
	done
	empty S
	gives OK rtnl S new kind:"$KIND" name:foo mtu:68 peer name:bar mtu:65535 end
	gives 68 rtnl S get foo mtu
	gives 65535 rtnl S get bar mtu
}

test_a14_mtu_range_later() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	errno "EINVAL mtu less than device minimum" S set name:foo mtu:67
	errno "EINVAL mtu greater than device maximum" S set name:foo mtu:65536
	gives "1500 68 65535" rtnl S get foo mtu min_mtu max_mtu
	gives OK rtnl S set name:foo mtu:65535
	# The ends are independent (B4).
	gives 65535 rtnl S get foo mtu
	gives 1500 rtnl S get bar mtu
}

test_a16_queue_counts() {
	local n

	ns S
	for n in 0 4097; do
		new "EINVAL Invalid number of transmit queues" name:foo txq:$n
		new "EINVAL Invalid number of receive queues" name:foo rxq:$n
		new "EINVAL Invalid number of transmit queues" name:foo peer name:bar txq:$n end
		new "EINVAL Invalid number of receive queues" name:foo peer name:bar rxq:$n end
	done
	empty S
}

test_a34_map_and_protinfo() {
	ns S
	# IFLA_MAP is 14 and 32 bytes long here, IFLA_PROTINFO is 12.
	new EOPNOTSUPP name:foo attr:14:"$(printf '%064d' 0)"
	new EOPNOTSUPP name:foo attr:12:
	empty S
}

test_a34_existing_name_or_index() {
	ns S
	ip -n S link add foo index 40 type dummy
	new EEXIST name:foo
	new EEXIST index:40 name:other
	gives foo names S
}

test_a35_no_changelink() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	errno EOPNOTSUPP S set name:foo kind:"$KIND" peer name:baz end
	# Without data it is an ordinary request, validated by the kind.
	gives OK rtnl S set name:foo kind:"$KIND" mtu:1400
	gives 1400 rtnl S get foo mtu
	errno EINVAL S set name:foo kind:"$KIND" mtu:67
	errno EADDRNOTAVAIL S set name:foo kind:"$KIND" addr:010000000001
	gives "bar foo" names S
}

test_a36_replace() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	errno EOPNOTSUPP S replace name:foo kind:"$KIND" peer name:baz end
	gives "bar foo" names S
}
