# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# ipvlan: what happens to the lower device, to links and to namespaces while packets
# are on their way (ipvlan's statements A40 to A46, C, E4).
# shellcheck disable=SC2034,SC2153
KINDS="ipvlan rnetvirt"
LIMIT=240
RELEASE="a4*_under_traffic_l2 a4*_under_traffic_l3s a46_*_returns_* a40_* a36_* a3_*"
TAKES=36
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

test_a46_lower_deleted_under_traffic_l2() { lower_deleted l2; }

test_a46_lower_deleted_under_traffic_l3() { lower_deleted l3; }

test_a46_lower_deleted_under_traffic_l3s() { lower_deleted l3s; }

test_a45_namespaces_die_under_traffic_l2() { namespaces_die l2; }

test_a45_namespaces_die_under_traffic_l3() { namespaces_die l3; }

test_a45_namespaces_die_under_traffic_l3s() { namespaces_die l3s; }

lower_deleted() {
	local n

	for n in $(rounds 3); do
		ip_pair "$1"
		traffic A B W
		flows A v0
		if ((n % 2)); then
			ip -n S link del eth0
		else
			# From the other end of its wire.
			ip -n W link del wire0
		fi
		empty S A B || fail "S: $(names S), A: $(names A), B: $(names B)"
		quiet
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

namespaces_die() {
	local n gone

	for n in $(rounds 3); do
		ip_pair "$1"
		traffic B W
		flows B v1
		# The first of the links, then the lower device.
		for gone in A S; do
			ip netns del $gone
			[ $gone = S ] || both_reach W 2
		done
		wait_for 20 empty B
		quiet
		printf 'netns del %s\n' W B | ip -batch -
	done
}

test_a46_lower_moves_and_returns_under_traffic() {
	local n mode

	for mode in l2 l3s; do
		ip_pair $mode
		ns C
		ipv6_on C
		ip -n C link set lo up
		traffic A B W
		for n in $(rounds 3); do
			ip -n S link set eth0 netns C
			has A v0 && has B v1
			ip -n C link set eth0 up
			ip -n C link set eth0 netns S
			ip -n S link set eth0 up
		done
		quiet
		gives "$(ifindex S eth0)" rtnl A get v0 link
		# A move empties the lower device's lists; what is above fills them again.
		for n in A:v0 B:v1; do
			ip -n "${n%:*}" link set "${n#*:}" down
			ip -n "${n%:*}" link set "${n#*:}" up
		done
		ip -n S route replace 10.0.0.0/24 dev eth0
		reaches A 10.0.0.2
		reaches W 10.0.0.2
		reaches A 10.0.0.3
		printf 'netns del %s\n' S W A B C | ip -batch -
	done
}

test_e4_lower_address_and_mtu_under_traffic() {
	local n

	ip_pair l2
	traffic A B W
	for n in $(rounds 9); do
		ip -n S link set eth0 address "02:00:00:00:0c:0$n"
		ip -n S link set eth0 mtu $((1500 - n))
	done
	gives "02:00:00:00:0c:0$n $((1500 - n))" rtnl A get v0 address mtu
	gives "02:00:00:00:0c:0$n $((1500 - n))" rtnl B get v1 address mtu
	quiet
	reaches A 10.0.0.2
	# Nobody has told those outside.
	ip -n W neigh flush all
	reaches W 10.0.0.1
	# It is not a link's to choose.
	errno EOPNOTSUPP A set name:v0 addr:020000000077
}

test_e4_who_is_told_of_an_mtu_is_told_the_limits() {
	[ "$KIND" = rnetvirt ] || skip "it tells nobody"
	limits_are_told l2
}

test_e4_mtu_that_users_could_not_set() {
	local mtu

	needs dummy
	ns S
	ip -n S link add d0 type dummy
	endpoint S d0 v0 l2
	ip -n S link set v0 up
	for mtu in 1400 70000 60 1500; do
		ip -n S link set d0 mtu $mtu
		gives $mtu rtnl S get v0 mtu
	done
	# Users' limits are as before.
	refused "mtu less than device minimum" ip -n S link set v0 mtu 67
	refused "mtu greater than device maximum" ip -n S link set v0 mtu 65536
}

test_e4_carrier_follows() {
	ip_pair l2
	ip -n W link set wire0 down
	wait_for 10 no_carrier A v0
	ip -n W link set wire0 up
	wait_for 10 not no_carrier A v0
	ip -n S link set eth0 down
	wait_for 10 no_carrier B v1
}

no_carrier() {
	case $(state "$1" "$2") in
	NO-CARRIER,*) ;;
	*) return 1 ;;
	esac
}

test_a36_modes_and_flags_change_under_traffic() {
	local n mode

	ip_pair l2
	traffic A B W
	for n in $(rounds 12); do
		for mode in l3 l3s l2; do
			change A v0 mode $mode
			change B v1 mode $mode private
			change A v0 vepa
			change B v1 bridge
			change A v0 bridge
		done
	done
	quiet
	both_reach A 2
	both_reach W 1
}

test_a40_created_and_deleted_under_traffic() {
	local n

	ip_pair l2
	traffic A B W
	for n in $(rounds 30); do
		endpoint S eth0 x0 l3s
		ip -n S addr add 10.0.0.8/24 dev x0
		ip -n S link set x0 up
		ip -n S link del x0
	done
	quiet
	both_reach A 2
	ip -n A link del v0
	port_there S eth0
	ip -n B link del v1
	port_gone S eth0
}

test_a3_module_goes_under_traffic() {
	local mode

	for mode in l2 l3s; do
		ip_pair $mode
		traffic A B W
		flows A v0
		rmmod "$KIND"
		empty A B || fail "A: $(names A), B: $(names B)"
		quiet
		load_kind
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_dhcp_of_a_real_client_and_server() {
	ns S W A
	wired S W
	ip -n W addr add 10.0.0.3/24 dev wire0
	endpoint S eth0 v0 l2 netns A
	ip -n A link set lo up
	ip -n A link set v0 up
	: >"$WORK/leases"
	cat >"$WORK/udhcpd.conf" <<-TXT
		start 10.0.0.100
		end 10.0.0.110
		interface wire0
		lease_file $WORK/leases
		pidfile $WORK/udhcpd.pid
		option subnet 255.255.255.0
	TXT
	cat >"$WORK/got" <<-'TXT'
		#!/bin/sh
		[ "$1" != bound ] || ip addr add "$ip/24" dev "$interface"
	TXT
	chmod +x "$WORK/got"
	nsenter --net=/run/netns/W busybox udhcpd -f "$WORK/udhcpd.conf" &
	TRAFFIC+=($!)
	# All links have one MAC address: the server tells them apart by their
	# identifier, and must answer by broadcast.
	in_ns A busybox udhcpc -i v0 -f -n -q -t 10 -T 1 -B -x 0x3d:ff0000000a -s "$WORK/got"
	case $(lease) in
	10.0.0.10?/24 | 10.0.0.110/24) ;;
	*) fail "the lease is '$(lease)'" ;;
	esac
	reaches A 10.0.0.3
	reaches W "$(lease | sed 's,/.*,,')"
	quiet
}

lease() { in_ns A ip -4 -o addr show dev v0 | awk '{ print $4 }'; }

test_b26_l3s_where_the_c_driver_was() {
	[ "$KIND" = rnetvirt ] || skip "it is about both"
	needs ipvlan
	ns S W A
	wired S W
	# Its operations stay in the lower device, and nobody looks at them any more.
	ip -n S link add link eth0 name c0 type ipvlan mode l3s
	ip -n S link del c0
	endpoint S eth0 v0 l3s netns A
	gives '"l3s"' jq_mode A v0
}

jq_mode() { ip -n "$1" -d -j link show "$2" | jq -c '.[0].linkinfo.info_data.mode'; }

test_e_all_groups_are_asked_of_the_lower() {
	ns S W
	wired S W
	endpoint S eth0 v0 l2 up
	gives 0 rtnl S get eth0 allmulti
	ip -n S link set v0 allmulticast on
	gives 1 rtnl S get eth0 allmulti
	ip -n S link set v0 allmulticast off
	gives 0 rtnl S get eth0 allmulti
	# C ipvlan does not look whether the link is up, and forgets it when it goes.
	[ "$KIND" = rnetvirt ] || return 0
	ip -n S link set v0 allmulticast on down
	gives 0 rtnl S get eth0 allmulti
	ip -n S link set v0 up
	gives 1 rtnl S get eth0 allmulti
	ip -n S link del v0
	gives 0 rtnl S get eth0 allmulti
}
