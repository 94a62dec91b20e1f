# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What rnetvirt adds to the netlink interface: the flavor (attribute 2 of
# IFLA_INFO_DATA, a u32; 0 is veth), and the words of ip for it.
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
	for number in 1 2 3 4; do
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

test_flavor_cannot_be_changed() {
	ns S
	gives OK rtnl S new kind:rnetvirt name:foo peer name:bar end
	errno EOPNOTSUPP S set name:foo kind:rnetvirt data32:2:1
	errno EOPNOTSUPP S set name:foo kind:rnetvirt peer name:baz end
	# Saying what it is does no harm.
	gives OK rtnl S set name:foo kind:rnetvirt data32:2:0
	gives "bar foo" names S
}

test_refusals_carry_a_text() {
	ns S
	refused_with_text EINVAL name:foo mtu:67
	refused_with_text EINVAL name:foo addr:0200000001
	refused_with_text EADDRNOTAVAIL name:foo addr:010000000001
	refused_with_text EADDRNOTAVAIL name:foo peer name:bar addr:000000000000 end
	refused_with_text EINVAL name:foo peer name:bar mtu:65536 end
}

test_a_lower_device_is_refused() {
	local index got

	ns S
	ip -n S link add low type dummy
	index=$(printf '%02x000000' "$(ifindex S low)")
	# IFLA_LINK is 5: another flavor than veth is meant.
	for got in "$(rtnl S new kind:rnetvirt name:foo attr:5:"$index")" \
		"$(rtnl S new kind:rnetvirt name:foo attr:5:"$index" data32:2:0)"; do
		case $got in
		"EOPNOTSUPP "?* | "EINVAL "?*) note "$got" ;;
		*) fail "got '$got'" ;;
		esac
	done
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
