# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# How a new pair looks and what is told about it (statements A28, A30, A31, A37,
# B2 to B5, B10 to B13, B22).
# shellcheck disable=SC2034
RELEASE="b*"

test_a31_initial_state() {
	local dev

	ns S
	ip -n S link add foo type "$KIND" peer name bar
	for dev in foo bar; do
		gives "BROADCAST,MULTICAST DOWN" state S $dev
		gives "1500 68 65535 1000 0 noop 1" rtnl S get $dev \
			mtu min_mtu max_mtu txqlen group qdisc type
		gives "0 1 0 1" rtnl S get $dev carrier carrier_changes carrier_up carrier_down
		gives "0 0 0 0 0 0" counters S $dev
		# No DEVTYPE.
		gives "INTERFACE=$dev IFINDEX=$(ifindex S $dev)" sysfs S $dev uevent
	done
}

test_a30_notifications_of_a_creation() {
	local got

	ns S
	got=$(rtnl S events new kind:"$KIND" name:foo peer name:bar end | paste -sd,)
	# The peer first, and while it knows of no other end.
	same "notifications" "$got" "OK,new bar link=0 netnsid=-,new foo link=$(ifindex S bar) netnsid=-"
}

test_a43_notifications_of_a_deletion() {
	local got

	ns S
	ip -n S link add foo type "$KIND" peer name bar
	got=$(rtnl S events del name:foo | grep -o 'OK\|del [a-z]*' | paste -sd,)
	same "notifications" "$got" "OK,del foo,del bar"
}

test_a28_peer_up_is_refused() {
	ns S B
	errno ENOTCONN S new kind:"$KIND" name:foo peer up name:bar end
	errno ENOTCONN S new kind:"$KIND" name:foo peer up nsfd:/run/netns/B name:bar end
	empty S B
	gives OK rtnl S new kind:"$KIND" up name:foo peer name:bar end
	gives "NO-CARRIER,BROADCAST,MULTICAST,UP LOWERLAYERDOWN" state S foo
	gives "BROADCAST,MULTICAST DOWN" state S bar
}

test_a37_linkinfo() {
	local wanted='1'

	ns S
	ip -n S link add foo type "$KIND" peer name bar
	# INFO_KIND alone; rnetvirt tells its flavor as well.
	[ "$KIND" = veth ] || wanted='1,2'
	gives "$KIND $wanted" rtnl S get foo kind info
	gives "$KIND $wanted" rtnl S get bar kind info
	[ "$KIND" = veth ] || gives "00000000 -" rtnl S get bar data2 data1
}

test_a21_up_at_creation_with_master() {
	ns S
	ip -n S link add br0 type bridge
	ip -n S link add foo up master br0 type "$KIND" peer name bar
	gives "$(ifindex S br0)" rtnl S get foo master
	ip -n S link set bar up
	gives "BROADCAST,MULTICAST,UP,LOWER_UP UP" state S foo
}

test_b2_carrier_and_protodown_are_not_settable() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	# IFLA_CARRIER is 33, IFLA_PROTO_DOWN 39.
	errno EOPNOTSUPP S set name:foo attr:33:01
	errno EOPNOTSUPP S set name:foo attr:39:01
}

test_b3_mac_change() {
	local address=02:00:00:00:00:77

	ns S B
	joined S B
	in_ns S ping -q -c 1 -W 5 10.0.0.2
	# While up, and without effect on the other end.
	ip -n S link set v0 address $address
	gives "$address 3" sysfs S v0 address addr_assign_type
	gives 02:00:00:00:00:02 sysfs B v1 address
	ip -n B neigh flush all
	in_ns B ping -q -c 1 -W 5 10.0.0.1
	errno EADDRNOTAVAIL S set name:v0 addr:010000000001
	errno EADDRNOTAVAIL S set name:v0 addr:000000000000
	gives "$address" sysfs S v0 address
}

test_b1_promiscuous_and_multicast_changes() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	ip -n S link set foo up promisc on allmulticast on
	ip -n S maddr add 33:33:00:00:00:99 dev foo
	gives "NO-CARRIER,BROADCAST,MULTICAST,ALLMULTI,PROMISC,UP LOWERLAYERDOWN" state S foo
	gives 1 rtnl S get foo promiscuity
}

test_b10_no_queue() {
	ns S B
	joined S B
	gives noqueue rtnl S get v0 qdisc
	gives noqueue rtnl B get v1 qdisc
	# A qdisc of the user carries traffic all the same.
	in_ns S tc qdisc add dev v0 root pfifo
	in_ns S ping -q -c 2 -i 0.05 -W 5 10.0.0.2
	in_ns S tc -s qdisc show dev v0 | grep -q 'Sent [1-9][0-9]* bytes [1-9]'
}

test_b11_pktgen_clone_is_refused() {
	local pg=/proc/net/pktgen

	loaded pktgen || insmod "$KDIR/net/core/pktgen.ko"
	ns S
	ip -n S link add foo up type "$KIND" peer name bar
	# One process: pktgen's files are those of the namespace.
	# shellcheck disable=SC2016
	in_ns S bash -euc 'echo "add_device foo" >"$0/kpktgend_0"
		if echo "clone_skb 2" >"$0/foo"; then exit 1; fi
		echo "count 1" >"$0/foo"
		echo rem_device_all >"$0/kpktgend_0"' $pg 2>"$WORK/err" || fail "clone_skb: $(cat "$WORK/err")"
	grep -q 'not supported' "$WORK/err" || fail "clone_skb: $(cat "$WORK/err")"
}

test_b12_netpoll_is_refused() {
	local target=/sys/kernel/config/netconsole/t1

	[ -e "$KDIR/drivers/net/netconsole.ko" ] || skip "this kernel has no netconsole"
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	loaded netconsole || insmod "$KDIR/drivers/net/netconsole.ko"
	ns S
	ip -n S link add foo up type "$KIND" peer name bar
	ip -n S link set bar up
	ip -n S addr add 10.0.0.1/24 dev foo
	mkdir $target
	echo foo >$target/dev_name
	echo 10.0.0.1 >$target/local_ip
	echo 10.0.0.2 >$target/remote_ip
	if nsenter --net=/run/netns/S sh -c "echo 1 >$target/enabled"; then
		rmdir $target
		fail "netconsole was enabled"
	fi
	rmdir $target
	dmesg | grep -q "foo doesn't support polling, aborting"
}

test_b15_headroom() {
	ns S
	# A netkit asks for headroom, a VLAN on it does so aloud, a bridge passes it on.
	# netkit: IFLA_NETKIT_MODE is 5 (0: l2), IFLA_NETKIT_HEADROOM 8.
	gives OK rtnl S new kind:netkit name:kit0 data32:5:0 data:8:c800
	ip -n S link add link kit0 name kit0.5 type vlan id 5
	# And room for the tag.
	gives 204 rtnl S get kit0.5 headroom
	ip -n S link add foo type "$KIND" peer name bar
	gives 0 rtnl S get foo headroom
	ip -n S link add br0 type bridge
	ip -n S link set kit0.5 master br0
	ip -n S link set foo master br0
	gives 204 rtnl S get foo headroom
	gives 204 rtnl S get bar headroom
	ip -n S link set foo nomaster
	gives 0 rtnl S get foo headroom
	gives 0 rtnl S get bar headroom
}

test_b13_no_headroom_of_its_own() {
	ns S
	ip -n S link add br0 type bridge
	ip -n S link add foo type "$KIND" peer name bar
	ip -n S link set foo master br0
	ip -n S link add foo2 type "$KIND" peer name bar2
	ip -n S link set foo2 master br0
	gives 0 rtnl S get foo2 headroom
}

test_b22_sysfs() {
	ns S B
	joined S B
	gives "10000 full 1" sysfs S v0 speed duplex carrier
	same "iflink" "$(sysfs S v0 iflink)" "$(ifindex B v1)"
	ip -n S link set v0 down
	if sysfs S v0 speed; then fail "speed of a device that is down"; fi
}
