# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Names, addresses and indexes of the two ends (statements A19 to A26).

test_a21_default_names() {
	ns S
	ip -n S link add type "$KIND"
	# The peer is registered first: lower index, lower number.
	gives "${KIND}0 ${KIND}1" names S
	gives "1 1" sysfs S "${KIND}0" name_assign_type ../"${KIND}1"/name_assign_type
	same "iflink of the first" "$(sysfs S "${KIND}0" iflink)" "$(ifindex S "${KIND}1")"
	same "iflink of the second" "$(sysfs S "${KIND}1" iflink)" "$(ifindex S "${KIND}0")"
	ip -n S link add type "$KIND"
	gives "${KIND}0 ${KIND}1 ${KIND}2 ${KIND}3" names S
}

test_a20_peer_without_a_name() {
	ns S
	ip -n S link add foo type "$KIND"
	gives "${KIND}0 foo" names S
	gives "1 3" sysfs S "${KIND}0" name_assign_type ../foo/name_assign_type
}

test_a20_peer_named_by_the_user() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	gives "bar foo" names S
	gives "3 3" sysfs S bar name_assign_type ../foo/name_assign_type
	ip -n S link set bar name baz
	gives 4 sysfs S baz name_assign_type
}

test_a20_template_of_the_user() {
	ns S
	ip -n S link add 'a%d' type "$KIND" peer name 'b%d'
	gives "b0 a0" names S
	gives "3 3" sysfs S b0 name_assign_type ../a0/name_assign_type
	ip -n S link add 'c%d' type "$KIND" peer name 'c%d'
	gives "b0 a0 c0 c1" names S
}

test_a19_outer_options_apply_to_both_without_peer() {
	local dev rxq

	rxq=$(shown_rxq 2)
	ns S
	ip -n S link add foo mtu 1400 txqueuelen 77 group 5 \
		numtxqueues 3 numrxqueues 2 gso_max_size 20000 gso_max_segs 99 type "$KIND"
	for dev in foo "${KIND}0"; do
		gives "1400 77 5 3 $rxq 20000 99" \
			rtnl S get "$dev" mtu txqlen group txq rxq gso_max_size gso_max_segs
	done
}

test_a19_outer_options_stay_outside_with_peer() {
	ns S
	ip -n S link add foo mtu 1400 txqueuelen 77 group 5 type "$KIND" peer name bar
	gives "1400 77 5" rtnl S get foo mtu txqlen group
	gives "1500 1000 0" rtnl S get bar mtu txqlen group
}

test_a23_options_of_the_peer() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar mtu 9000 txqueuelen 7 \
		group 4 gso_max_size 30000 gso_max_segs 50 address 02:00:00:00:00:44 mode dormant
	gives "9000 7 4 30000 50 02:00:00:00:00:44 1" \
		rtnl S get bar mtu txqlen group gso_max_size gso_max_segs address linkmode
	gives "1500 1000 0 0" rtnl S get foo mtu txqlen group linkmode
}

test_a23_master_and_alias_of_the_peer_are_ignored() {
	local br

	ns S
	ip -n S link add br0 type bridge
	br=$(ifindex S br0)
	# IFLA_MASTER is 10, IFLA_IFALIAS 20.
	gives OK rtnl S new kind:"$KIND" name:foo peer name:bar \
		attr:10:"$(printf '%02x000000' "$br")" attr:20:616c696173 end
	gives - rtnl S get bar master
	gives "" sysfs S bar ifalias
}

test_a28_other_flags_of_the_peer_work() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar arp off multicast off
	# BROADCAST|NOARP
	gives 0x82 rtnl S get bar flags
	gives 0x1002 rtnl S get foo flags
}

test_a24_random_addresses() {
	local a b

	ns S
	ip -n S link add foo type "$KIND" peer name bar
	gives "1 1" sysfs S foo addr_assign_type ../bar/addr_assign_type
	a=$(sysfs S foo address) b=$(sysfs S bar address)
	[ "$a" != "$b" ] || fail "both have $a"
	for a in "$a" "$b"; do
		# Locally administered, not multicast.
		(((0x${a%%:*} & 3) == 2)) || fail "$a is no random address"
	done
	gives "- -" rtnl S get foo perm_address perm_address
}

test_a24_addresses_of_the_user() {
	local outer=02:00:00:00:00:11 inner=02:00:00:00:00:22

	ns S
	ip -n S link add foo address $outer type "$KIND" peer name bar address $inner
	gives "$outer $inner 3 3" sysfs S foo address ../bar/address \
		addr_assign_type ../bar/addr_assign_type
	# The outer address is never the peer's.
	ip -n S link add foo2 address 02:00:00:00:00:33 type "$KIND"
	gives "02:00:00:00:00:33 3 1" sysfs S foo2 address addr_assign_type \
		../"${KIND}0"/addr_assign_type
	[ "$(sysfs S "${KIND}0" address)" != 02:00:00:00:00:33 ] || fail "copied address"
	gives - rtnl S get foo perm_address
}

test_a25_peer_index_only_with_an_outer_index() {
	ns S
	gives OK rtnl S new kind:"$KIND" index:100 name:a peer index:200 name:b end
	gives "a b" names S
	gives 100 ifindex S a
	gives 200 ifindex S b
	gives OK rtnl S new kind:"$KIND" name:c peer index:300 name:d end
	[ "$(ifindex S d)" != 300 ] || fail "the peer's index was honoured without an outer one"
}

test_a25_peer_index_in_use() {
	ns S
	ip -n S link add index 50 name taken type dummy
	errno EBUSY S new kind:"$KIND" index:100 name:a peer index:50 name:b end
	gives taken names S
}

test_a26_tso_limits() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	gives "524280 65535 65536 65535" rtnl S get foo tso_max_size tso_max_segs gso_max_size gso_max_segs
	gives "524280 65535 65536 65535" rtnl S get bar tso_max_size tso_max_segs gso_max_size gso_max_segs
	ip -n S link set foo gso_max_size 524280
	errno EINVAL S set name:foo gsomax:524281
}
