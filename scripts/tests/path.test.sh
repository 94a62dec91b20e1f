# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The path of a frame (statements C without NAPI, F): delivery, checks, counters.
# shellcheck disable=SC2034
RELEASE="*"

PEER=peer:B:v1

test_c_ping_over_both_families() {
	ns S B
	ipv6_on S B
	joined S B
	in_ns S ping -q -c 3 -i 0.05 -W 5 10.0.0.2
	in_ns B ping -q -c 3 -i 0.05 -W 5 10.0.0.1
	in_ns S ping -q -c 3 -i 0.05 -W 5 fd00::2
	in_ns B ping -q -c 3 -i 0.05 -W 5 fd00::1
	# Fragments.
	in_ns S ping -q -c 2 -i 0.05 -s 30000 -W 5 10.0.0.2
	in_ns S ping -q -c 2 -i 0.05 -s 30000 -W 5 fd00::2
}

test_c6f_packet_types() {
	ns S B
	joined S B
	gives "host 100 x1" frames across S v0 B v1 $PEER 100
	gives "broadcast 100 x1" frames across S v0 B v1 broadcast 100
	gives "multicast 100 x1" frames across S v0 B v1 multicast 100
	gives "otherhost 100 x1" frames across S v0 B v1 other 100
	# The other way, and the shortest frame.
	gives "host 60 x1" frames across B v1 S v0 peer:S:v0 60
	gives "host 14 x1" frames across S v0 B v1 $PEER 14
}

test_c_within_one_namespace() {
	ns S
	ip -n S link add foo up type "$KIND" peer name bar
	ip -n S link set bar up
	carried S foo
	gives "host 500 x10" frames across S foo S bar peer:S:bar 500 10
	gives "host 500 x10" frames across S bar S foo peer:S:foo 500 10
}

test_f2_counters_exactly() {
	ns S B
	joined S B
	same "counters before" "$(counters S v0) / $(counters B v1)" "0 0 0 0 0 0 / 0 0 0 0 0 0"
	# Bytes include the header of 14.
	gives "host 100 x20" frames across S v0 B v1 $PEER 100 20
	gives "host 1514 x3" frames across B v1 S v0 peer:S:v0 1514 3
	same "counters" "$(counters S v0) / $(counters B v1)" \
		"20 2000 0 3 4542 0 / 3 4542 0 20 2000 0"
}

test_f2_counters_survive_down_and_up() {
	ns S B
	joined S B
	frames across S v0 B v1 $PEER 100 5
	ip -n S link set v0 down
	ip -n S link set v0 up
	frames across S v0 B v1 $PEER 100 5
	same "counters" "$(counters S v0) / $(counters B v1)" "10 1000 0 0 0 0 / 0 0 0 10 1000 0"
}

test_f7_too_big_for_the_receiver() {
	ns S B
	joined S B
	ip -n S link set v0 mtu 9000
	# The receiver's MTU, the header and a VLAN tag pass.
	gives "host 1518 x1" frames across S v0 B v1 $PEER 1518
	gives "nothing" frames across S v0 B v1 $PEER 1519
	gives "nothing" frames across S v0 B v1 $PEER 9000 3
	same "counters" "$(counters S v0) / $(counters B v1)" "1 1518 4 0 0 0 / 0 0 0 1 1518 4"
}

test_b18_nothing_is_sent_to_an_end_that_is_down() {
	local dropped

	ns S B
	joined S B
	ip -n B link set v1 down
	# Without carrier the core keeps frames from the driver: the receiver, which
	# would refuse them, counts none. The core itself may count them as dropped or
	# not, as its queue is or is not deactivated yet.
	wait_for 5 not has_carrier S v0
	frames send S v0 broadcast 100 3
	dropped=$(sysfs S v0 statistics/tx_dropped)
	same "counters" "$(counters S v0) / $(counters B v1)" "0 0 $dropped 0 0 0 / 0 0 0 0 0 0"
	ip -n B link set v1 up
	carried S v0
	gives "broadcast 100 x3" frames across S v0 B v1 broadcast 100 3
	same "counters" "$(counters S v0) / $(counters B v1)" "3 300 $dropped 0 0 0 / 0 0 0 3 300 0"
}

test_f7_drop_reason() {
	local trace=/sys/kernel/tracing/instances/rnetvirt reasons

	mkdir $trace
	ns S B
	joined S B
	ip -n S link set v0 mtu 9000
	echo 1 >$trace/events/skb/kfree_skb/enable
	: >$trace/trace
	frames send S v0 $PEER 2000 2
	reasons=$(sed -n 's/.*protocol=34997 .*reason: //p' $trace/trace)
	echo 0 >$trace/events/skb/kfree_skb/enable
	rmdir $trace
	# Twice the same, and one event per frame: nothing is freed in silence or twice.
	same "events" "$(wc -l <<<"$reasons")" 2
	[ "$KIND" != veth ] || same "reasons" "$(sort -u <<<"$reasons")" NOT_SPECIFIED
	note "reason: $(sort -u <<<"$reasons")"
}

test_f_no_drop_reason_for_delivered_frames() {
	local trace=/sys/kernel/tracing/instances/rnetvirt drops

	mkdir $trace
	ns S B
	joined S B
	echo 1 >$trace/events/skb/kfree_skb/enable
	: >$trace/trace
	frames across S v0 B v1 $PEER 100 10
	drops=$(grep -c 'protocol=34997 ' $trace/trace || true)
	echo 0 >$trace/events/skb/kfree_skb/enable
	rmdir $trace
	same "drops" "$drops" 0
}

test_b4_jumbo_frames() {
	ns S B
	ipv6_on S B
	joined S B mtu 9000
	gives "host 9014 x2" frames across S v0 B v1 $PEER 9014 2
	in_ns S ping -q -c 2 -i 0.05 -M "do" -s 8972 -W 5 10.0.0.2
	in_ns S ping -q -c 2 -i 0.05 -M "do" -s 8952 -W 5 fd00::2
	ip -n S link set v0 mtu 65535
	ip -n B link set v1 mtu 65535
	gives "host 65000 x2" frames across S v0 B v1 $PEER 65000 2
	in_ns S ping -q -c 2 -i 0.05 -M "do" -s 65507 -W 5 10.0.0.2
}

test_c6_vlan_tags_stay_out_of_band() {
	ns S B
	ip -n S link add v0 up type "$KIND" peer name v1 netns B
	ip -n B link set v1 up
	carried S v0
	# A raw frame with a tag: the receiving stack takes it out of the data.
	gives "8100 5 out-of-band" frames vlan S v0 B v1 8100 5
	gives "88a8 7 out-of-band" frames vlan S v0 B v1 88a8 7
}

test_c6_vlan_devices_on_top() {
	local tag

	ns S B
	ip -n S link add v0 up type "$KIND" peer name v1 netns B
	ip -n B link set v1 up
	for tag in 802.1Q 802.1ad; do
		ip -n S link add link v0 name vlan5 up type vlan protocol $tag id 5
		ip -n B link add link v1 name vlan5 up type vlan protocol $tag id 5
		ip -n S addr add 10.0.0.1/24 dev vlan5
		ip -n B addr add 10.0.0.2/24 dev vlan5
		in_ns S ping -q -c 2 -i 0.05 -W 5 10.0.0.2
		in_ns S ping -q -c 2 -i 0.05 -M "do" -s 1472 -W 5 10.0.0.2
		gives "500000 whole" frames tcp S B vlan5 500000
		ip -n S link del vlan5
		ip -n B link del vlan5
	done
}

test_c6_stacked_vlans() {
	local ns dev=v

	ns S B
	ip -n S link add v0 up type "$KIND" peer name v1 netns B
	ip -n B link set v1 up
	for ns in S B; do
		[ $ns = S ] && dev=v0 || dev=v1
		ip -n $ns link add link $dev name outer up type vlan protocol 802.1ad id 7
		ip -n $ns link add link outer name inner up type vlan id 8
	done
	ip -n S addr add 10.0.0.1/24 dev inner
	ip -n B addr add 10.0.0.2/24 dev inner
	in_ns S ping -q -c 2 -i 0.05 -W 5 10.0.0.2
	gives "500000 whole" frames tcp S B inner 500000
}

test_c_bridge_ports() {
	ns S A B
	ip -n S link add br0 up type bridge
	ip -n S link add pa up master br0 type "$KIND" peer name v0 netns A
	ip -n S link add pb up master br0 type "$KIND" peer name v1 netns B
	addressed A B
	wait_for 10 in_ns A ping -q -c 1 -W 1 10.0.0.2
	in_ns A ping -q -c 5 -i 0.05 -W 5 10.0.0.2
	gives "1000000 whole" frames tcp A B v1 1000000
	# Out again while up.
	ip -n S link set pa nomaster
	ip -n S link set pa master br0
	wait_for 10 in_ns A ping -q -c 1 -W 1 10.0.0.2
}

test_c6d_metadata_across_namespaces() {
	ns S B
	joined S B
	gives "mark=0 priority=0" frames meta S v0 B v1
}

test_c6d_metadata_within_a_namespace() {
	ns S
	ip -n S link add foo up type "$KIND" peer name bar
	ip -n S link set bar up
	ip -n S addr add 10.0.0.2/24 dev bar
	# The mark stays, the priority does not.
	gives "mark=7 priority=0" frames meta S foo S bar
}

test_c5_transmit_timestamps() {
	ns S B
	joined S B
	in_ns S ping -q -c 1 -W 5 10.0.0.2
	gives software frames stamp S
}

test_c6_checksums_cross_uncomputed() {
	ns S B
	joined S B
	in_ns S ping -q -c 1 -W 5 10.0.0.2
	gives "partial unknown" frames csum S B v1
	in_ns S ethtool -K v0 tx off
	gives "complete unknown" frames csum S B v1
}

test_i9_gso_frames_stay_whole() {
	ns S B
	ipv6_on S B
	joined S B
	gives "3000000 whole" frames tcp S B v1 3000000
	gives "3000000 whole" frames tcp S B v1 3000000 fd00::2
	# The receiver's MTU does not count for them (C6c).
	ip -n B link set v1 mtu 1400
	gives "1000000 whole" frames tcp S B v1 1000000
	in_ns S ethtool -K v0 tso off gso off
	ip -n B link set v1 mtu 1500
	gives "1000000 cut" frames tcp S B v1 1000000
}

# iperf3_server: in B, for one client.
iperf3_server() {
	in_ns B iperf3 -s -1 >/dev/null 2>&1 &
	wait_for 10 in_ns B sh -c 'ss -Hltn | grep -q :5201'
}

test_i9_iperf3_both_ways() {
	local way dev bytes packets

	ns S B
	joined S B
	for way in "" -R; do
		iperf3_server
		in_ns S iperf3 -c 10.0.0.2 -n 20M $way >/dev/null
	done
	for dev in tx rx; do
		bytes=$(sysfs S v0 statistics/${dev}_bytes)
		packets=$(sysfs S v0 statistics/${dev}_packets)
		note "$dev: $bytes bytes in $packets frames"
		# The sender stops with what is in its socket buffer.
		((bytes > 10000000)) || fail "$(counters S v0)"
		# Fewer frames than the MTU would need, acknowledgements included.
		((packets < bytes / 1500)) || fail "$(counters S v0)"
	done
}

test_c_udp_stream() {
	ns S B
	joined S B
	iperf3_server
	in_ns S iperf3 -u -b 20M -l 1400 -c 10.0.0.2 -n 2M >/dev/null
	same "drops" "$(sysfs B v1 statistics/rx_dropped)" 0
	[ "$(sysfs S v0 statistics/tx_bytes)" -gt 2000000 ] || fail "$(counters S v0)"
}
