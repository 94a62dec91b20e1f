# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What rnetvirt adds to the netlink interface: the flavor (attribute 2 of
# IFLA_INFO_DATA, a u32; 0 is veth, 1 macvlan, 2 ipvlan), and the words of ip for it.
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
	for number in 5 255 4294967295; do
		refused_with_text EINVAL name:foo data32:2:$number
	done
}

test_flavors_of_taps_need_a_lower_device() {
	local number

	ns S
	for number in 3 4; do
		refused_with_text EINVAL name:foo data32:2:$number
		# And have no peer, and not each other's settings.
		refused_with_text EINVAL name:foo link:1 data32:2:$number peer name:bar end
		refused_with_text EINVAL name:foo link:1 data32:2:$number data:$((7 - number)):
	done
}

test_settings_of_another_flavor() {
	local number low

	ns S
	for number in 3 4; do
		# Without a flavor they mean one that needs a lower device.
		refused_with_text EINVAL name:foo data:$number:08000100
		refused_with_text EINVAL name:foo data32:2:0 data:$number:
	done
	gives OK rtnl S new kind:rnetvirt name:foo
	errno EINVAL S set name:foo kind:rnetvirt data:3:08000100
	errno EINVAL S set name:foo kind:rnetvirt nest:4 data16:1:1 end
	ip -n S link del foo
	ip -n S link add low type dummy
	low=attr:5:$(printf '%02x000000' "$(ifindex S low)")
	errno EINVAL S new kind:rnetvirt name:foo "$low" data32:2:1 nest:4 data16:1:1 end
	errno EINVAL S new kind:rnetvirt name:foo "$low" data32:2:2 nest:3 data32:1:2 end
	errno EINVAL S new kind:rnetvirt name:foo "$low" nest:3 data32:1:2 end nest:4 data16:1:1 end
	gives low names S
	gives OK rtnl S new kind:rnetvirt name:mac "$low" data32:2:1
	gives OK rtnl S new kind:rnetvirt name:ipv "$low" data32:2:2
	errno EINVAL S set name:mac kind:rnetvirt nest:4 data16:1:1 end
	errno EINVAL S set name:ipv kind:rnetvirt nest:3 data32:1:2 end
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
	refused "not of veth" ip -n S link add foo type rnetvirt flavor veth private
	refused "flavor ipvlan" ip -n S link add foo type rnetvirt mode nonsense
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

# needs_a_lower_device_and_has_no_peer FLAVOR
needs_a_lower_device_and_has_no_peer() {
	local low

	ns S
	refused_with_text EINVAL name:foo data32:2:"$1"
	ip -n S link add low type dummy
	low=attr:5:$(printf '%02x000000' "$(ifindex S low)")
	case $(rtnl S new kind:rnetvirt name:foo "$low" data32:2:"$1" peer name:bar end) in
	"EINVAL "?*) ;;
	*) fail "a peer was not refused" ;;
	esac
	gives low names S
}

test_macvlan_needs_a_lower_device_and_has_no_peer() { needs_a_lower_device_and_has_no_peer 1; }

test_ipvlan_needs_a_lower_device_and_has_no_peer() { needs_a_lower_device_and_has_no_peer 2; }

test_flavor_ipvlan_by_number_and_by_its_settings() {
	local low

	ns S
	ip -n S link add low type dummy
	low=attr:5:$(printf '%02x000000' "$(ifindex S low)")
	gives OK rtnl S new kind:rnetvirt name:foo "$low" data32:2:2
	gives OK rtnl S new kind:rnetvirt name:bar "$low" nest:4 data16:2:1 end
	gives OK rtnl S new kind:rnetvirt name:baz "$low" data:4:
	gives "02000000 02000000 02000000" echo "$(rtnl S get foo data2) $(rtnl S get bar data2)" \
		"$(rtnl S get baz data2)"
	# IFLA_IPVLAN_MODE l3 and IFLA_IPVLAN_FLAGS, each a u16.
	gives 06000100010000000600020000000000 rtnl S get foo data4
	gives 06000100010000000600020001000000 rtnl S get bar data4
	ip -n S link del low
	empty S
}

test_settings_of_ipvlan_that_are_wrong() {
	local low setting

	ns S
	ip -n S link add low type dummy
	low=attr:5:$(printf '%02x000000' "$(ifindex S low)")
	for setting in 16:1:3 16:1:65535 16:2:3 16:2:4 16:2:65535; do
		errno EINVAL S new kind:rnetvirt name:foo "$low" nest:4 data$setting end
	done
	errno ERANGE S new kind:rnetvirt name:foo "$low" nest:4 data:1:01 end
	errno ERANGE S new kind:rnetvirt name:foo "$low" nest:4 data:2: end
	gives low names S
	ip -n S link add link low name foo type rnetvirt mode l3s vepa
	# Nothing is changed if one of them is wrong.
	errno EINVAL S set name:foo kind:rnetvirt nest:4 data16:1:0 data16:2:3 end
	errno EINVAL S set name:foo kind:rnetvirt nest:4 data16:2:1 data16:1:3 end
	gives 06000100020000000600020002000000 rtnl S get foo data4
}

# settings DEVICE: as ip tells them, in JSON, without the flavor.
settings() { ip -n S -d -j link show "$1" | jq -c '.[0].linkinfo.info_data | del(.flavor, .trust)'; }

test_ip_chooses_the_flavor_by_the_words() {
	local words want n=0

	ns S
	ip -n S link add low type dummy
	while IFS=: read -r words want; do
		# shellcheck disable=SC2086
		ip -n S link add link low name foo$n type rnetvirt $words
		ip -n S -d link show foo$n | grep -qF "rnetvirt flavor $want " || fail "'$words' is not $want"
		n=$((n + 1))
	done <<-'TXT'
		:macvlan mode bridge
		mode vepa:macvlan mode vepa
		nodst:macvlan mode bridge nodst
		mode l2:ipvlan  mode l2 bridge
		mode l3:ipvlan  mode l3 bridge
		mode l3s:ipvlan  mode l3s bridge
		bridge:ipvlan  mode l3 bridge
		private:ipvlan  mode l3 private
		vepa mode l3s:ipvlan  mode l3s vepa
		flavor ipvlan:ipvlan  mode l3 bridge
	TXT
}

test_ip_changes_an_ipvlan() {
	local words want

	ns S
	ip -n S link add low type dummy
	ip -n S link add link low name foo type rnetvirt flavor ipvlan
	gives '{"mode":"l3","bridge":true}' settings foo
	# What is not written stays.
	while IFS=: read -r words want; do
		# shellcheck disable=SC2086
		ip -n S link set foo type rnetvirt $words
		gives "$want" settings foo
	done <<-'TXT'
		mode l2:{"mode":"l2","bridge":true}
		private:{"mode":"l2","private":true}
		mode l3:{"mode":"l3","private":true}
		flavor ipvlan mode l3s vepa:{"mode":"l3s","vepa":true}
		bridge mode l3:{"mode":"l3","bridge":true}
	TXT
	for words in "mode l2 nodst" "private vepa" "mode l2 mode l3s" "mode l4"; do
		# shellcheck disable=SC2086
		refused "" ip -n S link set foo type rnetvirt $words
	done
	gives '{"mode":"l3","bridge":true}' settings foo
	refused "another flavor" ip -n S link set foo type rnetvirt mode bridge
	refused "cannot be changed" ip -n S link set foo type rnetvirt flavor macvlan
	ip -n S link add link low name bar type rnetvirt
	refused "another flavor" ip -n S link set bar type rnetvirt mode l3
	refused "another flavor" ip -n S link set bar type rnetvirt private
}

test_ip_tells_of_ipvlan_as_of_the_c_driver() {
	local words line

	loaded ipvlan || modprobe ipvlan
	ns S
	ip -n S link add low type dummy
	ip -n S link add low2 type dummy
	for words in "mode l2 bridge" "mode l3 private" "mode l3s vepa"; do
		# shellcheck disable=SC2086
		ip -n S link add link low name ours type rnetvirt $words
		# shellcheck disable=SC2086
		ip -n S link add link low2 name theirs type ipvlan $words
		line=$(ip -n S -d link show theirs | grep -o 'ipvlan .*addrgenmode')
		ip -n S -d link show ours | sed 's/trust off //' | grep -qF "rnetvirt flavor $line" || fail "not shown as $line"
		gives "$(settings theirs)" settings ours
		ip -n S link del ours
		ip -n S link del theirs
	done
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
	gives OK rtnl S new kind:rnetvirt name:ipv "$low" data32:2:2
	errno EOPNOTSUPP S set name:mac kind:rnetvirt data32:2:2
	errno EOPNOTSUPP S set name:ipv kind:rnetvirt data32:2:1
	gives OK rtnl S set name:ipv kind:rnetvirt data32:2:2
}

test_refusals_carry_a_text() {
	ns S
	refused_with_text EINVAL name:foo mtu:67
	refused_with_text EINVAL name:foo addr:0200000001
	refused_with_text EADDRNOTAVAIL name:foo addr:010000000001
	refused_with_text EADDRNOTAVAIL name:foo peer name:bar addr:000000000000 end
	refused_with_text EINVAL name:foo peer name:bar mtu:65536 end
}

test_a_lower_device_that_others_have() {
	local flavor

	ns S
	ip -n S link add low type dummy
	for flavor in macvlan ipvlan; do
		had() { refused "$1" ip -n S link add link low name v0 type rnetvirt flavor "$flavor"; }
		ip -n S link add other type bridge
		ip -n S link set low master other
		had "port of a bridge"
		ip -n S link del other
		# Its driver is not on every kernel.
		if modprobe team 2>/dev/null; then
			ip -n S link add other type team
			ip -n S link set low master other
			had "port of a team"
			ip -n S link del other
		fi
		modprobe -a macvlan ipvlan
		ip -n S link add link low name other type macvlan
		had "has links of kind macvlan"
		ip -n S link del other
		ip -n S link add link low name other type ipvlan
		had "in use by another driver"
		ip -n S link del other
		ip -n S link add link low name v0 type rnetvirt flavor "$flavor"
		ip -n S link del v0
	done
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
