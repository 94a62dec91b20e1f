# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# macvlan on all sorts of lower devices, and other devices on macvlan (statements of
# macvlan A4, A5, B6, D6).
# shellcheck disable=SC2034,SC2153
KINDS="macvlan rnetvirt"
LIMIT=90
TAKES=19
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

# works LOWER [LINK]: two endpoints on LOWER of S reach each other and, if W has
# 10.0.0.3, what is behind it; their lower device is LINK. Then they go with it.
works() {
	endpoint S "$1" v0 bridge netns A address 02:00:00:00:00:01
	endpoint S "$1" v1 bridge netns B address 02:00:00:00:00:02
	gives "$(ifindex S "${2:-$1}")" rtnl A get v0 link
	addressed A B
	reaches A 10.0.0.2
	in_ns B ping -q -c 5 -i 0.05 -W 5 10.0.0.1
	if in_ns W ip -br addr | grep -q 10.0.0.3/; then
		reaches A 10.0.0.3
		reaches W 10.0.0.2
	fi
	# What is a bridge can be no other's port anyway.
	[ "$(rtnl S get "${2:-$1}" kind)" = bridge ] || port_there S "${2:-$1}"
	ip -n A link del v0
	reaches_or_alone
	ip -n S link del "${2:-$1}"
	empty A B || fail "$1: A: $(names A), B: $(names B)"
}

# The other one is still there.
reaches_or_alone() {
	if in_ns W ip -br addr | grep -q 10.0.0.3/; then
		reaches B 10.0.0.3
	fi
	has B v1
}

bed() {
	ns S W A B
	ip -n S link set lo up
}

test_a5_on_dummy() {
	bed
	ip -n S link add low up type dummy
	works low
}

test_a5_on_veth() {
	bed
	wired S W
	ip -n W addr add 10.0.0.3/24 dev wire0
	works eth0
}

test_a5_on_a_pair_of_rnetvirt() {
	bed
	loaded rnetvirt || insmod "$RNETVIRT_KO"
	ip -n S link add eth0 up type rnetvirt peer name wire0 netns W
	ip -n W link set wire0 up
	ip -n W addr add 10.0.0.3/24 dev wire0
	works eth0
	empty W
	[ "$KIND" = rnetvirt ] || rmmod rnetvirt
}

test_a5_on_vlan() {
	bed
	wired S W
	ip -n S link add link eth0 name low up type vlan id 7
	ip -n W link add link wire0 name wire7 up type vlan id 7
	ip -n W addr add 10.0.0.3/24 dev wire7
	works low
}

test_a5_on_bond() {
	bed
	needs veth bonding bridge 8021q
	wired S W
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n S link add low type bond mode active-backup
	ip -n S link set eth0 down
	ip -n S link set eth0 master low
	ip -n S link set low up
	no_endpoint EBUSY S eth0 vx bridge
	works low
}

# on_bond [OPTION...]: bond low of S in mode balance-tlb, or BOND_MODE, of two devices that are connected to the
# switch br0 in W; nothing is sent but by the bond and the link v0 on it.
on_bond() {
	local n

	ns S W
	ip -n W link add br0 up type bridge
	ip -n S link add low type bond mode "${BOND_MODE:-balance-tlb}" miimon 50 "$@"
	for n in 0 1; do
		ip -n S link add s$n type veth peer name w$n netns W
		ip -n W link set w$n up master br0
		ip -n S link set s$n master low
	done
	ip -n S link set low up
	endpoint S low v0 bridge address 02:00:00:00:00:01 up
	wait_for 10 is_active
}

test_a5_switches_learn_when_a_bond_fails_over() {
	local old

	needs veth bonding bridge 8021q
	on_bond
	old=$(sysfs S low bonding/active_slave)
	ip -n S link set "$old" down
	wait_for 10 learned w$((1 - ${old#s}))
}

# A bond that has no such mode lets the link's own stack say something, if it has anything to say.
test_a5_switches_are_told_of_no_other_failover() {
	local old new

	needs veth bonding bridge 8021q
	BOND_MODE=active-backup on_bond
	old=$(sysfs S low bonding/active_slave)
	new=s$((1 - ${old#s}))
	ip -n S link set low type bond active_slave $new
	wait_for 10 shows $new sysfs S low bonding/active_slave
	sleep 2
	if learned w0 || learned w1; then fail "a bond in mode active-backup told of the link"; fi
}

# What a switch has forgotten it is told again; the link itself sends nothing.
test_a5_switches_learn_from_time_to_time() {
	local port

	needs veth bonding bridge 8021q
	on_bond lp_interval 1
	port=w$(sysfs S low bonding/active_slave | tr -d s)
	wait_for 10 learned "$port"
	for _ in 1 2; do
		forget "$port"
		wait_for 10 learned "$port"
	done
	# A bond that is down tells nobody, and begins again.
	ip -n S link set low down
	forget "$port"
	ip -n S link set low up
	wait_for 10 learned "$port"
	# In another mode it has nothing to tell.
	ip -n S link set low down
	ip -n S link set s0 nomaster
	ip -n S link set s1 nomaster
	ip -n S link set low type bond mode active-backup
	ip -n S link set s0 master low
	ip -n S link set low up
	forget w0
	forget w1
	sleep 2.5
	if learned w0 || learned w1; then fail "a bond in mode active-backup told of the link"; fi
}

# That of a link whose guard forbids its address is not told of.
test_a5_switches_do_not_learn_what_a_guard_forbids() {
	local port

	needs veth bonding bridge 8021q
	on_bond lp_interval 1
	port=w$(sysfs S low bonding/active_slave | tr -d s)
	[ "$KIND" = rnetvirt ] || skip "kind $KIND has no guard"
	wait_for 10 learned "$port"
	ip -n S link set v0 address 02:00:00:00:00:02
	ip -n S link set v0 type rnetvirt guard mac
	ip -n S link set v0 address 02:00:00:00:00:01
	forget "$port"
	sleep 2.5
	not learned "$port" || fail "the switch was told of an address that the guard forbids"
	ip -n S link set v0 type rnetvirt guard-addr add 02:00:00:00:00:01
	wait_for 10 learned "$port"
}

# The tag of a VLAN on the bond is on what tells of links on that.
test_a5_switches_learn_in_vlans() {
	needs veth bonding bridge 8021q
	on_bond lp_interval 1
	ip -n S link delete v0
	ip -n S link add link low name low.5 type vlan id 5
	ip -n S link set low.5 up
	endpoint S low.5 v0 bridge address 02:00:00:00:00:01 up
	ip -n W link set br0 type bridge vlan_filtering 1 vlan_default_pvid 0
	in_ns W bridge vlan add dev w0 vid 5
	in_ns W bridge vlan add dev w1 vid 5
	wait_for 10 learned_in_vlan_5
}

learned_in_vlan_5() { in_ns W bridge fdb show | grep -q '^02:00:00:00:00:01 .*vlan 5 '; }

# forget PORT: of the link's address.
forget() { in_ns W bridge fdb delete 02:00:00:00:00:01 dev "$1" master 2>/dev/null || true; }

is_active() { [ "$(sysfs S low bonding/active_slave)" ]; }

# learned PORT: the link's address is there.
learned() { in_ns W bridge fdb show dev "$1" | grep 02:00:00:00:00:01 >/dev/null; }

test_a5_on_bridge() {
	bed
	wired S W
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n S link add low up type bridge
	ip -n S link set eth0 master low
	no_endpoint EBUSY S eth0 vx bridge
	works low
}

test_a4_on_an_endpoint_is_beside_it() {
	bed
	wired S W
	ip -n W addr add 10.0.0.3/24 dev wire0
	endpoint S eth0 m0 bridge up
	works m0 eth0
	has S m0 && fail "m0 outlives its lower device"
	# However long the chain is, and across modes and namespaces.
	wired S W
	endpoint S eth0 m0 private netns A
	endpoint A m0 m1 vepa netns B
	endpoint B m1 m2 bridge
	gives "$(ifindex S eth0)" rtnl B get m2 link
	ip -n B link del m1
	ip -n A link del m0
	has B m2
	ip -n B link del m2
	port_gone S eth0
}

test_a4_on_an_endpoint_of_a_passthru_is_refused() {
	bed
	wired S W
	endpoint S eth0 m0 passthru
	no_endpoint EINVAL S m0 m1 bridge
	ip -n S link del m0
	port_gone S eth0
}

test_a5_refused_lowers() {
	bed
	no_endpoint EINVAL S lo v0 bridge
	ip -n S link add vrf0 type vrf table 10
	no_endpoint EINVAL S vrf0 v0 bridge
	ip -n S tunnel add gre9 mode gre local 127.0.0.1 remote 127.0.0.2 2>/dev/null && {
		no_endpoint EINVAL S gre9 v0 bridge
	}
	ip -n S link add low type dummy
	ip -n S link add br0 type bridge
	ip -n S link set low master br0
	no_endpoint EBUSY S low v0 bridge
	ip -n S link set low nomaster
	endpoint S low v0 bridge
	refused "busy" ip -n S link set low master br0
	ip -n S link del v0
	ip -n S link set low master br0
	gives "br0 low vrf0" sorted_names S
}

sorted_names() { names "$1" | tr ' ' '\n' | grep -v gre | sort | xargs; }

test_b6_vlans_on_endpoints() {
	local ns

	pair_of bridge
	ip -n A link add link v0 name t0 up type vlan id 7
	ip -n B link add link v1 name t1 up type vlan id 7
	ip -n W link add link wire0 name t3 up type vlan id 7
	ip -n A addr add 10.7.0.1/24 dev t0
	ip -n B addr add 10.7.0.2/24 dev t1
	ip -n W addr add 10.7.0.3/24 dev t3
	reaches A 10.7.0.2
	reaches A 10.7.0.3
	reaches W 10.7.0.2
	# The same tag on the lower device comes first.
	ip -n S link add link eth0 name t7 up type vlan id 7
	ip -n A neigh flush dev t0
	not in_ns A ping -q -c 2 -i 0.2 -W 1 10.7.0.3
	not in_ns W ping -q -c 2 -i 0.2 -W 1 10.7.0.2
	# Also for what one endpoint sends to another; of rnetvirt's, if it is in that namespace.
	if [ "$KIND" = rnetvirt ]; then
		reaches A 10.7.0.2
	else
		not in_ns A ping -q -c 2 -i 0.2 -W 1 10.7.0.2
	fi
	endpoint S eth0 v2 bridge up
	ip -n S link add link v2 name t2 up type vlan id 7
	ip -n S addr add 10.7.0.4/24 dev t2
	not in_ns S ping -q -c 2 -i 0.2 -W 1 10.7.0.2
	ip -n S link del t7
	reaches S 10.7.0.2
	reaches A 10.7.0.2
	reaches W 10.7.0.2
	# They go with what they are on.
	ip -n S link del eth0
	empty S A B
}

test_a5_endpoints_under_others() {
	ns S W A B
	wired S W
	needs veth bonding bridge 8021q
	ip -n W addr add 10.0.0.3/24 dev wire0
	# A port of a bridge, of a bond.
	endpoint S eth0 v0 passthru up
	ip -n S link add br0 up type bridge
	ip -n S link set v0 master br0
	ip -n S addr add 10.0.0.1/24 dev br0
	reaches S 10.0.0.3
	ip -n S link del br0
	ip -n S link del v0
	endpoint S eth0 v0 bridge
	ip -n S link add bond9 type bond mode active-backup
	ip -n S link set v0 master bond9
	ip -n S link set bond9 up
	ip -n S addr add 10.0.0.1/24 dev bond9
	reaches S 10.0.0.3
	# Deleted from below.
	ip -n S link del eth0
	gives bond9 names S
}

test_a4_lower_links_and_depth() {
	local i

	ns S
	ip -n S link add low type dummy
	endpoint S low v0 bridge
	gives lower_low upper_links S v0
	gives upper_v0 upper_links S low
	ip -n S link del v0
	gives "" upper_links S low
}

upper_links() {
	sysfs "$1" "$2" . | tr ' ' '\n' | grep -E '^(upper|lower)_' || true
}

# Interrupts are off when the kernel prints: netpoll transmits then.
test_d5_netpoll_through_the_lower_device() {
	local target=/sys/kernel/config/netconsole/t1 before

	[ -e "$KDIR/drivers/net/netconsole.ko" ] || skip "this kernel has no netconsole"
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	loaded netconsole || insmod "$KDIR/drivers/net/netconsole.ko"
	# netconsole looks for its device in the first namespace.
	ip link add low up type dummy
	# shellcheck disable=SC2086
	ip link add link low name foo up type $TYPE mode bridge
	ip addr add 10.9.0.1/24 dev foo
	mkdir $target
	echo foo >$target/dev_name
	echo 10.9.0.1 >$target/local_ip
	echo 10.9.0.2 >$target/remote_ip
	echo ff:ff:ff:ff:ff:ff >$target/remote_mac
	echo 1 >$target/enabled
	gives 1 cat $target/enabled
	before=$(cat /sys/class/net/low/statistics/tx_packets)
	echo "<1>a message for netconsole" >/dev/kmsg
	sleep 0.5
	[ "$(cat /sys/class/net/low/statistics/tx_packets)" -gt "$before" ] || fail "nothing was sent"
	# Off and on again, and the device goes away under it.
	echo 0 >$target/enabled
	echo 1 >$target/enabled
	ip link del foo
	gives 0 cat $target/enabled
	rmdir $target
	ip link del low
	rmmod netconsole
}

is_promiscuous() { ip -n "$1" -d link show "$2" | grep -q 'promiscuity 1'; }

# follows FLAVOR: c0 of the C driver on low, and m0 on it, whose address c0 has taken over.
follows() {
	ns S N
	ip -n S link add low address 02:00:00:00:00:c0 up type dummy
	ip -n S link add link low name c0 up type macvlan mode passthru
	ip -n S link add link c0 name m0 up netns "$2" type rnetvirt flavor "$1" mode passthru
	ip -n "$2" link set m0 address 02:00:00:00:00:01
	gives 02:00:00:00:00:01 rtnl S get c0 address
}

# The address goes back to a device whose driver is still there.
test_d3_deleted_together_with_the_device_below() {
	local flavor

	[ "$KIND" = rnetvirt ] || skip "has links of one kind on the lowest device only"
	needs macvlan
	for flavor in macvlan macvtap; do
		follows $flavor S
		ip -n S link set c0 group 5
		ip -n S link set m0 group 5
		# The one below comes first.
		ip -n S link del group 5
		has S low
		! has S c0 && ! has S m0 || fail "left: $(names S)"
		! is_promiscuous S low || fail "low is still promiscuous"

		# Of a namespace the device that came last goes first.
		ip netns del S
		ip netns del N
		follows $flavor N
		ip -n S link set c0 netns N
		ip -n N link set c0 up
		is_promiscuous S low
		ip netns del N
		wait_for 20 not is_promiscuous S low
		ip netns del S

		# And alone: it comes back.
		follows $flavor S
		ip -n S link del m0
		gives 02:00:00:00:00:c0 rtnl S get c0 address
		printf 'netns del %s\n' S N | ip -batch -
	done
}
