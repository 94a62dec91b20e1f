# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What one tenant can, and cannot, do to another one and to the host, beside what the
# other files test: Documentation/isolation.md names both. A is the tenant who tries.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=300
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

V0=020000000001 V1=020000000002 GATEWAY=02000000000f ALL=ffffffffffff
WIRE=02:00:00:00:0b:00

# macs MODE: v0 in A and v1 in B of flavor macvlan, and the host has 10.0.0.9.
macs() {
	TYPE=rnetvirt pair_of "$1"
	ip -n S addr add 10.0.0.9/24 dev eth0
}

# mac_mode NETNS NAME MODE: of a link of flavor macvlan.
mac_mode() { ip -n "$1" link set "$2" type rnetvirt mode "$3"; }

# takes ADDRESS: A's link has that MAC address now.
takes() {
	ip -n A link set v0 down
	ip -n A link set v0 address "$1"
	ip -n A link set v0 up
}

# hears NETNS ADDRESS: an ARP request of W's.
hears() {
	ip -n W neigh flush dev wire0
	reaches W "$1"
}

test_the_host_hears_whom_a_private_link_imitates() {
	local mode

	macs bridge
	takes $WIRE
	for mode in private bridge vepa private; do
		mac_mode A v0 $mode
		hears 10.0.0.9
	done
	# So does the link that has that address, as ever.
	gives "A/v0 broadcast, S/eth0 broadcast" who W wire0 020000000b00 $ALL 2 A/v0 S/eth0
}

test_the_host_hears_whom_a_passthru_link_imitates() {
	ns S W A
	wired S W
	TYPE=rnetvirt endpoint S eth0 v0 passthru netns A
	takes $WIRE
	gives "A/v0 broadcast, S/eth0 broadcast" who W wire0 020000000b00 $ALL 2 A/v0 S/eth0
}

test_a_macvlan_link_can_take_any_free_mac_address() {
	macs bridge
	gives nobody who B v1 $V1 $GATEWAY 0 A/v0
	takes 02:00:00:00:00:0f
	# What siblings send to the gateway is its own.
	gives "A/v0 host" who B v1 $V1 $GATEWAY 1 A/v0 W/wire0
	# Not what the host sends, nor what private siblings do.
	gives "W/wire0 otherhost" who S eth0 020000000a00 $GATEWAY 1 A/v0 W/wire0
	mac_mode B v1 private
	gives "W/wire0 otherhost" who B v1 $V1 $GATEWAY 1 A/v0 W/wire0
	# What is not free: the host's, a sibling's.
	ip -n A link set v0 down
	errno EADDRINUSE A set name:v0 addr:020000000a00
	errno EADDRINUSE A set name:v0 addr:$V1
}

# The host's is, whoever had it before; a VLAN device and a bridge do not ask before they take one.
test_the_host_has_the_mac_address_that_it_takes() {
	ns S W A
	wired S W
	needs 8021q bridge dummy
	ip -n S link add link eth0 name eth0.5 up type vlan id 5
	ip -n W link add link wire0 name wire0.5 up type vlan id 5
	TYPE=rnetvirt endpoint S eth0.5 v0 bridge netns A
	takes 02:00:00:00:00:77
	carried W wire0.5
	gives "A/v0 host" who W wire0.5 020000000b00 020000000077 1 A/v0 S/eth0.5
	ip -n S link set eth0 address 02:00:00:00:00:77
	gives 02:00:00:00:00:77 rtnl S get eth0.5 address
	gives "S/eth0.5 host" who W wire0.5 020000000b00 020000000077 1 A/v0 S/eth0.5
	ip -n S link set eth0 address 02:00:00:00:0a:00
	gives "A/v0 host" who W wire0.5 020000000b00 020000000077 1 A/v0 S/eth0.5
	printf 'netns del %s\n' S W A | ip -batch -
	ns S W A
	wired S W
	ip -n S link add br0 up type bridge
	ip -n S link add p0 address 02:00:00:00:00:01 up type dummy
	ip -n S link set p0 master br0
	ip -n S link set eth0 master br0
	gives 02:00:00:00:00:01 rtnl S get br0 address
	TYPE=rnetvirt endpoint S br0 v0 bridge netns A
	takes 02:00:00:00:0a:00
	wait_for 40 shows 3 sysfs S eth0 brport/state
	# Without its lowest port it has the address of the other one.
	ip -n S link set p0 nomaster
	gives 02:00:00:00:0a:00 rtnl S get br0 address
	gives "S/br0 host" who W wire0 020000000b00 020000000a00 1 A/v0 S/br0
}

# A bond asks whether it may have the address of the device that it fails over to.
test_a_tenant_does_not_keep_a_bond_from_failing_over() {
	ns S A
	needs bonding dummy
	ip -n S link add bond0 type bond mode active-backup fail_over_mac active
	ip -n S link add d0 address 02:00:00:00:00:01 type dummy
	ip -n S link add d1 address 02:00:00:00:00:02 type dummy
	ip -n S link set d0 master bond0
	ip -n S link set d1 master bond0
	ip -n S link set bond0 up
	gives 02:00:00:00:00:01 rtnl S get bond0 address
	TYPE=rnetvirt endpoint S bond0 v0 bridge netns A
	takes 02:00:00:00:00:02
	ip -n S link set bond0 type bond active_slave d1
	wait_for 10 shows 02:00:00:00:00:02 rtnl S get bond0 address
}

test_a_macvlan_link_can_hide_groups_from_siblings() {
	local wire=020000000b00

	macs bridge
	gives "B/v1 broadcast" who W wire0 $wire $ALL 1 B/v1
	# Who has the gateway's MAC address says by its mode who hears the gateway's groups.
	takes $WIRE
	mac_mode A v0 private
	gives nobody who W wire0 $wire $ALL 0 B/v1
}

test_a_switch_that_sends_back_hides_who_sent() {
	macs private
	ip -n W addr flush dev wire0
	switched_on wire0
	hairpin on
	gives "A/v0 broadcast" who A v0 $V0 $ALL 1 A/v0 B/v1
	gives "A/v0 broadcast, B/v1 broadcast" who A v0 $GATEWAY $ALL 2 A/v0 B/v1
	printf 'netns del %s\n' S W A B | ip -batch -
	ip_pair l2 private
	ip -n W addr flush dev wire0
	switched_on wire0
	hairpin on
	# The switch learns where the lower device is.
	who S eth0 020000000a00 $ALL 0 A/v0 >/dev/null
	gives nobody says A v0 020000000a00 020000000a00 10.0.0.2 0 B/v1
	gives nobody says A v0 $GATEWAY 020000000a00 10.0.0.2 0 B/v1
	gives "A/v0 broadcast, B/v1 broadcast" who A v0 $GATEWAY $ALL 2 A/v0 B/v1
}

test_a_macvlan_tenant_changes_its_own_mode_only() {
	ns S
	wired S S
	container
	TYPE=rnetvirt endpoint S eth0 v0 private
	ip -n S link set v0 netns "$CONTAINER"
	inside ip link set v0 type rnetvirt mode bridge
	inside ip link set v0 type rnetvirt mode vepa
	refused "CAP_NET_ADMIN" inside ip link set v0 type rnetvirt mode source
	refused "passthru is chosen when a link is made" inside ip link set v0 type rnetvirt mode passthru
	refused "CAP_NET_ADMIN" inside ip link set v0 type rnetvirt bcqueuelen 10
	refused "bc_queue_len above 1000" inside ip link set v0 type rnetvirt bcqueuelen 1001
	refused "CAP_NET_ADMIN" inside ip link set v0 type rnetvirt bclim 5
	# Nor what mode source will do once the host chooses it.
	refused "CAP_NET_ADMIN" inside ip link set v0 type rnetvirt nodst
}

# A request is followed as a whole, or not at all.
test_a_link_that_is_refused_leaves_its_siblings_alone() {
	ns S
	wired S S
	endpoint S eth0 v0 l3
	refused "a burst is of a limit" ip -n S link add link eth0 name v1 type rnetvirt flavor ipvlan trust on limit tx-burst 64k
	ip -n S -d link show v0 | grep -q "trust off"
	ip -n S link del v0
	TYPE=rnetvirt endpoint S eth0 m0 bridge
	refused "a burst is of a limit" ip -n S link add link eth0 name m1 type rnetvirt mode bridge bclim 5 limit tx-burst 64k
	not grep -q bclim <(ip -n S -d link show m0)
}

# A lower device that is a link itself does not bring back what is for its own address, whoever a frame says that it
# is from.
test_a_link_below_does_not_bring_it_back() {
	local own

	ns S W A B
	wired S W
	ip -n S link add link eth0 name m0 up type rnetvirt flavor macvlan mode bridge
	ip -n S addr add 10.0.0.9/24 dev m0
	ip -n S link add link m0 name v0 netns A type rnetvirt flavor ipvlan mode l2
	ip -n S link add link m0 name v1 netns B type rnetvirt flavor ipvlan mode l2
	addressed A B
	carried S m0
	own=$(ip -n S -j link show m0 | jq -r '.[].address' | tr -d :)
	gives nobody frames says A v0 020000000077 "$own" 10.0.0.9 0 S/m0
	in_ns A ethtool -S v0 | grep "tx_host: 1$" >/dev/null
	# With flag vepa it is the lower device's to bring back.
	change A v0 vepa
	gives "S/m0 host" frames says A v0 020000000077 "$own" 10.0.0.9 1 S/m0
}

test_an_ipvlan_tenant_changes_nothing() {
	local words

	ns S
	wired S S
	container
	endpoint S eth0 v0 l3
	ip -n S link set v0 netns "$CONTAINER"
	for words in "mode l2" "mode l3s" private vepa "trust on"; do
		# shellcheck disable=SC2086
		refused "CAP_NET_ADMIN" inside ip link set v0 type rnetvirt $words
	done
	# Nor does it make another link on the same lower device, on top of its own.
	refused "CAP_NET_ADMIN" inside ip link add link v0 name v1 type rnetvirt mode l2
}

test_l2_can_send_any_frame() {
	ip_pair l2
	# From any MAC address, with any tag.
	gives "W/wire0 broadcast" who A v0 $GATEWAY $ALL 1 W/wire0
	gives "W/wire0 broadcast" asks A v0 $GATEWAY 5 10.0.0.3 1 W/wire0
	# Claims to siblings, too.
	gives "B/v1 broadcast" asks A v0 $GATEWAY 0 10.0.0.2 1 B/v1
}

test_l3_sends_no_frame_of_its_own() {
	local mode

	for mode in l3 l3s; do
		ip_pair $mode
		gives nobody who A v0 $GATEWAY $ALL 0 W/wire0 B/v1 S/eth0
		gives nobody who A v0 $GATEWAY 020000000b00 0 W/wire0 B/v1 S/eth0
		gives nobody asks A v0 $GATEWAY 0 10.0.0.2 0 W/wire0 B/v1
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_a_free_address_can_be_taken() {
	ip_pair l3
	# Of a machine outside whose packets would come in by the lower device: they are the link's.
	ip -n A addr add 192.0.2.53/32 dev v0
	ip -n W route add 192.0.2.53 via 10.0.0.1
	reaches W 192.0.2.53
	# Of a sibling, and of the host: refused.
	ip -n S addr add 10.0.0.9/32 dev eth0
	refused "in use" ip -n A addr add 10.0.0.2/32 dev v0
	refused "the lower device's network namespace" ip -n A addr add 10.0.0.9/32 dev v0
}

test_a_mark_leaves_with_a_packet() {
	local flavor

	needs veth
	for flavor in "macvlan mode bridge" "ipvlan mode l2"; do
		ns S W A
		wired S W
		# shellcheck disable=SC2086
		ip -n S link add link eth0 name v0 netns A type rnetvirt flavor $flavor
		ip -n A link set v0 up
		in_ns S nft "add table netdev t; add chain netdev t out { type filter hook egress device eth0 priority 0; };
			add rule netdev t out meta mark 7 counter"
		ip -n A addr add 10.0.0.1/24 dev v0
		ip -n A neigh replace 10.0.0.3 lladdr $WIRE dev v0
		in_ns A ping -q -c 1 -W 1 -m 7 10.0.0.3 >/dev/null || true
		in_ns S nft list table netdev t | grep "counter packets 1 " >/dev/null
		printf 'netns del %s\n' S W A | ip -batch -
	done
}

# vlan_of_others: VLAN 5 of eth0 is in C.
vlan_of_others() {
	needs 8021q
	ns C
	ip -n S link add link eth0 name e5 netns C type vlan id 5
	ip -n C link set e5 up
}

# begins NETNS DEVICE HEADER PLACE...: who sees a frame that begins so.
begins() { frames begins "$@"; }

test_a_tag_between_links_reaches_no_vlan_of_the_lower_device() {
	local tag

	macs bridge
	vlan_of_others
	ns D
	ip -n C link add link e5 name x netns D address 02:00:00:00:00:77 up type rnetvirt
	takes 02:00:00:00:00:77
	# For an address that is his own, and that of a link in the VLAN.
	for tag in 81000005 81000000 8100000081000005; do
		gives "A/v0 host" begins A v0 020000000077$V0$tag A/v0 B/v1 C/e5 D/x S/eth0 W/wire0
	done
	# For a sibling's, which a bridge on the VLAN would take.
	gives "B/v1 host" begins A v0 $V1${V0}81000005 A/v0 B/v1 C/e5 W/wire0
	# Also where there are sources.
	ip -n S link add link eth0 name s0 up type rnetvirt mode source
	ip -n S link set s0 type rnetvirt macaddr add $WIRE
	gives "B/v1 host" begins A v0 $V1${V0}81000005 A/v0 B/v1 C/e5 W/wire0
	ip -n S link del s0
	# What the wire says of the VLAN holds, and what the namespace of the lower device does.
	gives "C/e5 otherhost" begins W wire0 $V1${V0}81000005 A/v0 B/v1 C/e5
	ip -n S link add link eth0 name p0 address 02:00:00:00:00:03 up type rnetvirt
	gives "C/e5 otherhost" begins S p0 $V1${V0}81000005 A/v0 B/v1 C/e5
	# Other tags go the way that they went.
	gives "B/v1 host, S/eth0 otherhost" begins A v0 $V1${V0}81000006 A/v0 B/v1 C/e5 S/eth0
}

test_a_tag_written_to_a_tap_reaches_no_vlan_of_the_lower_device() {
	macs bridge
	vlan_of_others
	ip -n S link add link eth0 name t0 address 02:00:00:00:00:03 up type rnetvirt flavor macvtap mode bridge
	gives "B/v1 host" begins S t0 $V1${V0}81000005 A/v0 B/v1 C/e5
}

test_a_tag_gets_round_no_rule_of_the_lower_device() {
	macs bridge
	vlan_of_others
	in_ns S tc qdisc add dev eth0 clsact
	in_ns S tc filter add dev eth0 ingress matchall action pass
	gives nobody begins A v0 $V1${V0}81000005 A/v0 B/v1 C/e5
	gives 1 sysfs S eth0 statistics/rx_dropped
	gives "B/v1 host" begins A v0 $V1${V0}81000006 A/v0 B/v1 C/e5
	gives "B/v1 host" begins A v0 $V1$V0 A/v0 B/v1 C/e5
}

test_a_tag_of_a_trusted_link_reaches_no_vlan_of_the_lower_device() {
	ns S W A
	wired S W
	vlan_of_others
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor ipvlan mode l2 trust on
	ip -n A link set v0 up
	gives "S/eth0 host" begins A v0 020000000a00020000000a00 S/eth0 C/e5
	gives nobody begins A v0 020000000a00020000000a0081000005 S/eth0 C/e5
	# From the lower device's namespace it does.
	ip -n A link set v0 netns S
	ip -n S link set v0 up
	gives "C/e5 host" begins S v0 020000000a00020000000a0081000005 C/e5
}
