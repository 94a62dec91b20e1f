# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the C drivers cannot: a mode for each link, and links of both flavors on one
# lower device.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=300
TAKES=130
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

# link_of NETNS NAME FLAVOR:MODE[:FLAG]
link_of() {
	local flavor mode flag

	IFS=: read -r flavor mode flag <<<"$3"
	# shellcheck disable=SC2086
	ip -n S link add link eth0 name "$2" netns "$1" type rnetvirt flavor "$flavor" mode "$mode" $flag
}

# here LINK LAST: W knows where the address of a link is that does not say it.
here() {
	case $1 in
	ipvlan:l3*) ip -n W neigh replace "10.0.0.$2" lladdr 02:00:00:00:0a:00 dev wire0 ;;
	esac
}

# two X Y: v0 of X in A, v1 of Y in B, on one lower device, all with addresses.
two() {
	ns S W A B
	wired S W
	link_of A v0 "$1"
	link_of B v1 "$2"
	addressed A B
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n S route add 10.0.0.0/24 dev eth0
	here "$1" 1
	here "$2" 2
}

# instead Y: v1 of another kind, while v0 stays as it is.
instead() {
	ip -n B link del v1
	link_of B v1 "$1"
	ip -n B -batch - <<-TXT
		addr add 10.0.0.2/24 dev v1
		link set v1 up
	TXT
	ip -n W neigh flush to 10.0.0.2 dev wire0
	here "$1" 2
}

# knows: each has the other's MAC address, so that no broadcast has to ask.
knows() {
	ip -n A neigh replace 10.0.0.2 lladdr "$(sysfs B v1 address)" dev v0
	ip -n B neigh replace 10.0.0.1 lladdr "$(sysfs A v0 address)" dev v1
}

# direct X Y: whether two such links are meant to reach each other with a switch
# that sends nothing back.
direct() {
	case $1,$2 in
	macvlan:bridge,macvlan:bridge) ;;
	# In modes l3 and l3s a MAC address means nothing: one way only.
	macvlan:bridge,ipvlan:l2:bridge | ipvlan:l2:bridge,macvlan:bridge) ;;
	ipvlan:*:bridge,ipvlan:*:bridge) ;;
	*) return 1 ;;
	esac
}

ALL="macvlan:bridge macvlan:vepa macvlan:private ipvlan:l2:bridge ipvlan:l2:vepa
	ipvlan:l2:private ipvlan:l3:bridge ipvlan:l3:vepa ipvlan:l3:private ipvlan:l3s:bridge
	ipvlan:l3s:vepa ipvlan:l3s:private"

# row X: with each kind of link from X on; the others have asked it.
row() {
	local y seen=

	for y in $ALL; do
		if [ "$seen" ]; then
			instead "$y"
		elif [ "$y" = "$1" ]; then
			two "$1" "$y"
			seen=1
		else
			continue
		fi
		# Everybody reaches the outside, whoever is beside him.
		wait_for 10 in_ns A ping -q -c 1 -W 1 10.0.0.3
		wait_for 10 in_ns B ping -q -c 1 -W 1 10.0.0.3
		knows
		if direct "$1" "$y"; then
			in_ns A ping -q -c 2 -i 0.1 -W 1 10.0.0.2 >/dev/null || fail "$1 does not reach $y"
			in_ns B ping -q -c 2 -i 0.1 -W 1 10.0.0.1 >/dev/null || fail "$y does not reach $1"
		else
			# Both wait in vain, so at once.
			in_ns A ping -q -c 2 -i 0.1 -W 1 10.0.0.2 >/dev/null &
			not in_ns B ping -q -c 2 -i 0.1 -W 1 10.0.0.1 >/dev/null || fail "$y reaches $1"
			not wait $! || fail "$1 reaches $y"
		fi
	done
}

test_matrix_macvlan_bridge() { row macvlan:bridge; }

test_matrix_macvlan_vepa() { row macvlan:vepa; }

test_matrix_macvlan_private() { row macvlan:private; }

test_matrix_ipvlan_l2_bridge() { row ipvlan:l2:bridge; }

test_matrix_ipvlan_l2_vepa() { row ipvlan:l2:vepa; }

test_matrix_ipvlan_l2_private() { row ipvlan:l2:private; }

test_matrix_ipvlan_l3_bridge() { row ipvlan:l3:bridge; }

test_matrix_ipvlan_l3_vepa() { row ipvlan:l3:vepa; }

test_matrix_ipvlan_l3_private() { row ipvlan:l3:private; }

test_matrix_ipvlan_l3s_bridge() { row ipvlan:l3s:bridge; }

test_matrix_ipvlan_l3s_vepa() { row ipvlan:l3s:vepa; }

test_matrix_ipvlan_l3s_private() { row ipvlan:l3s:private; }

test_mode_is_each_links_own() {
	two ipvlan:l2 ipvlan:l3
	gives "0 0" rtnl A get v0 ipmode ipflags
	gives "1 0" rtnl B get v1 ipmode ipflags
	ip -n A link set v0 type rnetvirt mode l3s
	ip -n B link set v1 type rnetvirt vepa
	gives "2 0" rtnl A get v0 ipmode ipflags
	gives "1 2" rtnl B get v1 ipmode ipflags
	# A new one changes nobody.
	ip -n S link add link eth0 name v2 type rnetvirt flavor ipvlan mode l2 private
	gives "2 0" rtnl A get v0 ipmode ipflags
	gives "1 2" rtnl B get v1 ipmode ipflags
	gives "0 1" rtnl S get v2 ipmode ipflags
}

test_groups_go_to_both_flavors() {
	two macvlan:bridge ipvlan:l2:bridge
	gives "A/v0 broadcast, B/v1 broadcast, S/eth0 broadcast" \
		who W wire0 "$WIRE_MAC" ffffffffffff 3 A/v0 B/v1 S/eth0
	# From a sibling: not to the lower device's own stack.
	gives "B/v1 broadcast, W/wire0 broadcast" \
		who A v0 "$(sysfs A v0 address | tr -d :)" ffffffffffff 2 A/v0 B/v1 S/eth0 W/wire0
	gives "A/v0 broadcast, W/wire0 broadcast" \
		who B v1 "$LOWER_MAC" ffffffffffff 2 A/v0 B/v1 S/eth0 W/wire0
}

test_passthru_shares_with_nobody() {
	ns S W
	wired S W
	link_of S v0 ipvlan:l2
	refused "mode passthru needs the lower device for itself" link_of S v1 macvlan:passthru
	ip -n S link del v0
	link_of S v1 macvlan:passthru
	refused "the lower device has a link in mode passthru" link_of S v0 ipvlan:l2
	ip -n S link del v1
	port_gone S eth0
}

test_the_last_of_any_flavor_gives_the_lower_back() {
	ns S W
	wired S W
	link_of S v0 ipvlan:l3s
	link_of S v1 macvlan:bridge
	ip -n S link del v0
	port_there S eth0
	ip -n S link del v1
	port_gone S eth0
}

test_lower_deleted_under_traffic_of_both() {
	local n

	for n in $(rounds 3); do
		two macvlan:bridge ipvlan:l2:bridge
		everything_flows
		ip -n S link del eth0
		empty S A B || fail "S: $(names S), A: $(names A), B: $(names B)"
		quiet
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

# The MAC address of v0, whom nobody has given one.
V0() { sysfs A v0 address | tr -d :; }

test_a_group_frame_is_never_one_links_alone() {
	ns S W A B C
	wired S W
	link_of A v0 macvlan:bridge
	link_of B v1 ipvlan:l3
	link_of C v2 ipvlan:l2
	ip -n A link set v0 up
	ip -n B link set v1 up
	ip -n C link set v2 up
	# An address that a sibling of the other flavor may have, too.
	ip -n B addr add 10.0.0.2/24 dev v1
	gives "A/v0 broadcast, C/v2 broadcast" \
		asks W wire0 "$WIRE_MAC" 0 10.0.0.2 2 A/v0 B/v1 C/v2
	# What is for that address all the same gets there, too.
	gives "A/v0 broadcast, B/v1 broadcast, C/v2 broadcast" \
		says W wire0 "$WIRE_MAC" ffffffffffff 10.0.0.2 3 A/v0 B/v1 C/v2
	gives "B/v1 host" says W wire0 "$WIRE_MAC" "$LOWER_MAC" 10.0.0.2 1 A/v0 B/v1 C/v2
}

test_the_address_of_many_is_not_one_links() {
	local n

	ns S W A B C
	ipv6_on B C
	wired S W
	link_of A v0 macvlan:bridge
	link_of B v1 ipvlan:l3
	link_of C v2 ipvlan:l2
	ip -n A link set v0 up
	ip -n B link set v1 up
	ip -n C link set v2 up
	refused "the address is everybody's" ip -n B addr add 255.255.255.255/32 dev v1
	# Who has that of a group hears it, and so may others.
	for n in B:v1 C:v2; do
		ip -n "${n%:*}" addr add 224.0.0.251/32 dev "${n#*:}" autojoin
		ip -n "${n%:*}" addr add ff02::fb/128 dev "${n#*:}" autojoin
	done
	in_ns A ip maddr add 01:00:5e:00:00:fb dev v0
	gives "A/v0 multicast, C/v2 multicast" \
		says W wire0 "$WIRE_MAC" 01005e0000fb 224.0.0.251 2 A/v0 B/v1 C/v2
}

test_an_address_in_a_vlan_is_another_one() {
	needs 8021q
	two macvlan:bridge ipvlan:l3
	gives "A/v0 broadcast" asks W wire0 "$WIRE_MAC" 10 10.0.0.2 1 A/v0 B/v1
	instead ipvlan:l2
	gives "A/v0 broadcast, B/v1 broadcast" asks W wire0 "$WIRE_MAC" 10 10.0.0.2 2 A/v0 B/v1
	ip -n A link add link v0 name v0.10 up type vlan id 10
	ip -n A addr add 10.0.10.1/24 dev v0.10
	ip -n W link add link wire0 name wire0.10 up type vlan id 10
	ip -n W addr add 10.0.10.3/24 dev wire0.10
	ip -n B addr add 10.0.10.1/24 dev v1
	reaches W 10.0.10.1
}

# ruled RULE: at the lower device's ingress.
ruled() {
	in_ns S nft -f - <<-TXT
		table netdev t {
			chain in {
				type filter hook ingress device eth0 priority 0
				$1
			}
		}
	TXT
}

test_the_lower_devices_ingress_sees_what_flavors_send_each_other() {
	two macvlan:bridge ipvlan:l2:bridge
	gives "B/v1 host" says A v0 "$(V0)" "$LOWER_MAC" 10.0.0.2 1 B/v1 W/wire0
	gives "A/v0 host" says B v1 "$LOWER_MAC" "$(V0)" 10.0.0.1 1 A/v0 W/wire0
	# Somebody looks: it still arrives, once.
	gives "B/v1 host, S/eth0 host" says A v0 "$(V0)" "$LOWER_MAC" 10.0.0.2 2 B/v1 S/eth0 W/wire0
	gives "A/v0 host, S/eth0 otherhost" \
		says B v1 "$LOWER_MAC" "$(V0)" 10.0.0.1 2 A/v0 S/eth0 W/wire0
	ruled "udp dport 9 drop"
	gives nobody says A v0 "$(V0)" "$LOWER_MAC" 10.0.0.2 0 B/v1 W/wire0
	gives nobody says B v1 "$LOWER_MAC" "$(V0)" 10.0.0.1 0 A/v0 W/wire0
	reaches A 10.0.0.2
	reaches B 10.0.0.1
}

test_who_lists_a_sender_hears_what_it_sends_to_the_other_flavor() {
	two macvlan:bridge ipvlan:l2:bridge
	ns C
	link_of C s0 macvlan:source
	ip -n C link set s0 up
	ip -n C link set s0 type rnetvirt macaddr add "$(sysfs A v0 address)"
	gives "B/v1 host, C/s0 host" says A v0 "$(V0)" "$LOWER_MAC" 10.0.0.2 2 B/v1 C/s0
	# Or takes it.
	ip -n C link set s0 type rnetvirt nodst
	gives "C/s0 host" says A v0 "$(V0)" "$LOWER_MAC" 10.0.0.2 1 B/v1 C/s0
	ip -n C link set s0 type rnetvirt macaddr set 02:00:00:00:0a:00
	gives "C/s0 otherhost" says B v1 "$LOWER_MAC" "$(V0)" 10.0.0.1 1 A/v0 C/s0
}

test_private_is_private_between_flavors() {
	local dropped

	two macvlan:bridge ipvlan:l2:private
	switched_on wire0
	hairpin on
	dropped=$(sysfs A v0 statistics/tx_dropped)
	gives nobody says A v0 "$(V0)" "$LOWER_MAC" 10.0.0.2 0 B/v1 W/br0
	same "tx_dropped of v0" $(($(sysfs A v0 statistics/tx_dropped) - dropped)) 1
	dropped=$(sysfs B v1 statistics/tx_dropped)
	gives nobody says B v1 "$LOWER_MAC" "$(V0)" 10.0.0.1 0 A/v0 W/br0
	same "tx_dropped of v1" $(($(sysfs B v1 statistics/tx_dropped) - dropped)) 1
	# Others by the switch.
	ip -n B link set v1 type rnetvirt vepa
	gives "B/v1 host" says A v0 "$(V0)" "$LOWER_MAC" 10.0.0.2 1 B/v1
	gives "A/v0 host" says B v1 "$LOWER_MAC" "$(V0)" 10.0.0.1 1 A/v0
}

test_groups_that_a_switch_sends_back_between_flavors() {
	two macvlan:bridge ipvlan:l2:vepa
	switched_on wire0
	hairpin on
	# To itself, too: who else may have the address cannot be known.
	gives "A/v0 broadcast, B/v1 broadcast" who A v0 "$(V0)" ffffffffffff 2 A/v0 B/v1
	ip -n B link set v1 type rnetvirt private
	gives "A/v0 broadcast" who A v0 "$(V0)" ffffffffffff 1 A/v0 B/v1
	ip -n B link set v1 type rnetvirt bridge
	gives "A/v0 broadcast, B/v1 broadcast, B/v1 broadcast" who A v0 "$(V0)" ffffffffffff 3 A/v0 B/v1
}

test_somebody_outside_may_have_the_address_of_a_macvlan_link() {
	# As virtual routers do, which share one.
	two macvlan:bridge ipvlan:l2:bridge
	gives "A/v0 broadcast, B/v1 broadcast" who W wire0 "$(V0)" ffffffffffff 2 A/v0 B/v1
}

test_broadcast_where_the_lower_device_calls_it_something_else() {
	# Without a macvlan link, for which eth0 would be promiscuous and hear all groups.
	ns S W B
	wired S W
	ip -n S link set eth0 broadcast 01:02:03:04:05:06
	link_of B v1 ipvlan:l2
	ip -n B link set v1 up
	gives "B/v1 broadcast" who W wire0 "$WIRE_MAC" ffffffffffff 1 B/v1
	# One of the link's own.
	ip -n B link set v1 down
	ip -n B link set v1 broadcast 01:02:03:04:05:07
	ip -n B link set v1 up
	gives "B/v1 broadcast" who W wire0 "$WIRE_MAC" 010203040507 1 B/v1
	# While it is up.
	ip -n B link set v1 broadcast 01:02:03:04:05:08
	gives "B/v1 broadcast" who W wire0 "$WIRE_MAC" 010203040508 1 B/v1
	# The lower device calls it the same, and then something else; what another link listens to is reckoned anew.
	ip -n S link set eth0 broadcast 01:02:03:04:05:08
	gives "B/v1 broadcast" who W wire0 "$WIRE_MAC" 010203040508 1 B/v1
	ip -n S link set eth0 broadcast 01:02:03:04:05:09
	ns A
	link_of A v0 ipvlan:l2
	ip -n A link set v0 up
	in_ns A ip maddr add 01:00:5e:01:02:03 dev v0
	gives "B/v1 broadcast" who W wire0 "$WIRE_MAC" 010203040508 1 B/v1
	ip -n A link set v0 broadcast 01:02:03:04:05:09
	gives "A/v0 broadcast" who W wire0 "$WIRE_MAC" 010203040509 1 A/v0 B/v1
}

test_broadcast_that_a_macvlan_link_calls_something_else() {
	two macvlan:bridge macvlan:bridge
	ip -n A link set v0 broadcast 03:01:02:03:04:05
	gives "A/v0 broadcast" who W wire0 "$WIRE_MAC" 030102030405 1 A/v0
	gives "A/v0 broadcast" who B v1 "$(sysfs B v1 address | tr -d :)" 030102030405 1 A/v0
	ip -n S link set eth0 broadcast 03:01:02:03:04:06
	gives "A/v0 broadcast" who W wire0 "$WIRE_MAC" 030102030405 1 A/v0
}

test_the_lower_device_takes_the_address_of_a_link() {
	two macvlan:bridge ipvlan:l2:bridge
	ip -n A link set v0 address 02:00:00:00:00:77
	gives "A/v0 host" who W wire0 "$WIRE_MAC" 020000000077 1 A/v0
	ip -n S link set eth0 address 02:00:00:00:00:77
	# It is that of the ipvlan link, too.
	gives 02:00:00:00:00:77 rtnl B get v1 address
	ip -n W neigh flush dev wire0
	reaches W 10.0.0.2
	gives "B/v1 host" says W wire0 "$WIRE_MAC" 020000000077 10.0.0.2 1 A/v0 B/v1
	# What has become free is the link's again.
	ip -n S link set eth0 address 02:00:00:00:0a:00
	gives "A/v0 host" who W wire0 "$WIRE_MAC" 020000000077 1 A/v0
	ip -n S link set eth0 address 02:00:00:00:00:77
	gives nobody says W wire0 "$WIRE_MAC" 020000000077 10.0.0.3 0 A/v0
	# Or another one is.
	ip -n A link set v0 address 02:00:00:00:00:78
	gives "A/v0 host" who W wire0 "$WIRE_MAC" 020000000078 1 A/v0
	ip -n A link set v0 down
	refused "in use" ip -n A link set v0 address 02:00:00:00:00:77
	ip -n A link set v0 up
	ip -n S link set eth0 address 02:00:00:00:00:78
	ip -n A link del v0
	ip -n W neigh flush dev wire0
	reaches W 10.0.0.2
	gives 0 rtnl S get eth0 promiscuity
}

test_a_tap_is_not_shared() {
	ns S W
	wired S W
	ip -n S link add link eth0 name t0 type rnetvirt flavor macvtap
	refused "the lower device is a tap" ip -n S link add link t0 name v0 type rnetvirt flavor ipvlan
}

test_the_mac_address_follows_through_a_link_in_mode_passthru() {
	ns S W
	wired S W
	link_of S p0 macvlan:passthru
	ip -n S link set p0 up
	# Ours do not stand on each other; C ipvlan has the address of what it is on, too.
	needs ipvlan
	ip -n S link add link p0 name i0 up type ipvlan mode l2
	# Asked for below, and asked for itself.
	ip -n S link set eth0 address 02:00:00:00:00:77
	gives 02:00:00:00:00:77 rtnl S get p0 address
	gives 02:00:00:00:00:77 rtnl S get i0 address
	ip -n S link set p0 address 02:00:00:00:00:78
	gives 02:00:00:00:00:78 rtnl S get eth0 address
	gives 02:00:00:00:00:78 rtnl S get i0 address
}

# A container makes links of the other flavor on the one it was given.
test_links_of_one_flavor_on_a_link_of_the_other() {
	ns S W A B
	wired S W
	link_of A v0 macvlan:bridge
	ip -n A addr add 10.0.0.1/24 dev v0
	ip -n A link set v0 up
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n A link add link v0 name v1 netns B type rnetvirt flavor ipvlan mode l2
	ip -n B addr add 10.0.0.2/24 dev v1
	ip -n B link set v1 up
	reaches B 10.0.0.3
	reaches W 10.0.0.2
	reaches A 10.0.0.3
	ip -n A link del v0
	wait_for 10 not has B v1
}
