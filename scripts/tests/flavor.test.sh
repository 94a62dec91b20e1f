# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What rnetvirt adds to the netlink interface: the flavor (attribute 2 of
# IFLA_INFO_DATA, a u32; 0 is veth, 1 macvlan), and the words of ip for it.
# shellcheck disable=SC2034
KINDS="rnetvirt"

# refused_with_text ERRNO TOKENS...: refused, and the kernel says why.
refused_with_text() {
	local got

	got=$(rtnl S new kind:rnetvirt "${@:2}")
	case $got in
	"$1 "?*) note "$got" ;;
	*) fail "${*:2}: got '$got', wanted $1 and a text" ;;
	esac
	empty S
}

test_flavor_veth_by_number() {
	ns S
	gives OK rtnl S new kind:rnetvirt name:foo data32:2:0 peer name:bar end
	gives "bar foo" names S
	gives "00000000 00000000" echo "$(rtnl S get foo data2) $(rtnl S get bar data2)"
	ip -n S link del foo
	gives OK rtnl S new kind:rnetvirt name:foo peer name:bar end data32:2:0
	ip -n S link del foo
	# Without any data it is veth too.
	gives OK rtnl S new kind:rnetvirt name:foo
	gives 00000000 rtnl S get foo data2
}

test_flavors_that_are_not_there() {
	local number

	ns S
	for number in 2 3 4; do
		refused_with_text EOPNOTSUPP name:foo data32:2:$number
	done
	for number in 5 255 4294967295; do
		refused_with_text EINVAL name:foo data32:2:$number
	done
}

test_settings_of_flavors_that_are_not_there() {
	local number

	ns S
	for number in 3 4; do
		refused_with_text EINVAL name:foo data:$number:08000100
		refused_with_text EINVAL name:foo data32:2:0 data:$number:
	done
	gives OK rtnl S new kind:rnetvirt name:foo
	errno EINVAL S set name:foo kind:rnetvirt data:3:08000100
}

test_flavor_of_a_wrong_size() {
	ns S
	# A u32 of one, of two and of no byte.
	errno ERANGE S new kind:rnetvirt name:foo data:2:00
	errno ERANGE S new kind:rnetvirt name:foo data:2:0000
	errno ERANGE S new kind:rnetvirt name:foo data:2:
	empty S
}

test_flavor_is_told_by_ip() {
	ns S
	ip -n S link add foo type rnetvirt flavor veth peer name bar
	ip -n S -d link show foo | grep -q 'rnetvirt flavor veth'
	same "json" "$(ip -n S -d -j link show foo | jq -r '.[0].linkinfo | .info_kind + " " + .info_data.flavor')" \
		"rnetvirt veth"
}

test_ip_refuses_unknown_words() {
	ns S
	refused "unknown" ip -n S link add foo type rnetvirt nonsense
	refused "" ip -n S link add foo type rnetvirt flavor nonsense
	empty S
	ip link help rnetvirt 2>&1 | grep -q flavor
}

test_flavor_macvlan_by_number_and_by_default() {
	local low

	ns S
	ip -n S link add low type dummy
	low=attr:5:$(printf '%02x000000' "$(ifindex S low)")
	gives OK rtnl S new kind:rnetvirt name:foo "$low" data32:2:1
	gives OK rtnl S new kind:rnetvirt name:bar "$low"
	gives "01000000 01000000" echo "$(rtnl S get foo data2) $(rtnl S get bar data2)"
	# Its settings without its name mean it, too.
	gives OK rtnl S new kind:rnetvirt name:baz "$low" data:3:0800010002000000
	gives 01000000 rtnl S get baz data2
	ip -n S -d link show foo | grep -q 'rnetvirt flavor macvlan mode bridge'
	ip -n S link del low
	empty S
}

test_macvlan_needs_a_lower_device_and_has_no_peer() {
	local low

	ns S
	refused_with_text EINVAL name:foo data32:2:1
	ip -n S link add low type dummy
	low=attr:5:$(printf '%02x000000' "$(ifindex S low)")
	case $(rtnl S new kind:rnetvirt name:foo "$low" data32:2:1 peer name:bar end) in
	"EINVAL "?*) ;;
	*) fail "a peer was not refused" ;;
	esac
	gives low names S
}

test_flavor_cannot_be_changed() {
	local low

	ns S
	gives OK rtnl S new kind:rnetvirt name:foo peer name:bar end
	errno EOPNOTSUPP S set name:foo kind:rnetvirt data32:2:1
	errno EOPNOTSUPP S set name:foo kind:rnetvirt peer name:baz end
	# Saying what it is does no harm.
	gives OK rtnl S set name:foo kind:rnetvirt data32:2:0
	gives "bar foo" names S
	ip -n S link add low type dummy
	low=attr:5:$(printf '%02x000000' "$(ifindex S low)")
	gives OK rtnl S new kind:rnetvirt name:mac "$low"
	errno EOPNOTSUPP S set name:mac kind:rnetvirt data32:2:0
	gives OK rtnl S set name:mac kind:rnetvirt data32:2:1
}

test_refusals_carry_a_text() {
	ns S
	refused_with_text EINVAL name:foo mtu:67
	refused_with_text EINVAL name:foo addr:0200000001
	refused_with_text EADDRNOTAVAIL name:foo addr:010000000001
	refused_with_text EADDRNOTAVAIL name:foo peer name:bar addr:000000000000 end
	refused_with_text EINVAL name:foo peer name:bar mtu:65536 end
}

test_veth_has_no_lower_device() {
	local index

	ns S
	ip -n S link add low type dummy
	index=$(printf '%02x000000' "$(ifindex S low)")
	# IFLA_LINK is 5.
	case $(rtnl S new kind:rnetvirt name:foo attr:5:"$index" data32:2:0) in
	"EINVAL "?*) ;;
	*) fail "a lower device was not refused" ;;
	esac
	gives low names S
}

test_both_kinds_side_by_side() {
	loaded veth || insmod "$(module_file veth)"
	ns S B
	ip -n S link add c0 type veth peer name c1 netns B
	ip -n S link add r0 type rnetvirt peer name r1 netns B
	rmmod veth
	gives r0 names S
	gives r1 names B
}
