# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# dnsmasq gives addresses, busybox's udhcpc takes them.
# shellcheck disable=SC2034
PACKAGES="dnsmasq-base"

serve() { # NAMESPACE LINK
	ip netns exec "$1" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface="$2" --bind-interfaces \
		--dhcp-range=10.7.0.10,10.7.0.200,1h --dhcp-leasefile=/tmp/leases-$$ --no-ping >/tmp/dnsmasq 2>&1 &
}
take() { # NAMESPACE LINK
	cat >/tmp/script <<-'TXT'
		#!/bin/sh
		[ "$1" != bound ] || { ip address add "$ip/24" dev "$interface"; echo "$ip"; }
	TXT
	chmod +x /tmp/script
	ip -n "$1" link set "$2" up
	ip netns exec "$1" busybox udhcpc -i "$2" -n -q -t 10 -T 1 -s /tmp/script -f
}
server() {
	ip netns add server
	ip -n server link add lower type veth peer name wire
	ip -n server address add 10.7.0.1/24 dev wire
	ip -n server link set wire up
	ip -n server link set lower up
	serve server wire
}

test_veth() {
	server
	ip netns add client
	ip -n server link set lower netns client
	take client lower
	reaches client 10.7.0.1
}

test_macvlan() {
	local n

	server
	for n in 1 2 3; do
		ip netns add "client$n"
		ip -n server link add link lower name m0 netns "client$n" type macvlan mode bridge
		take "client$n" m0
		reaches "client$n" 10.7.0.1
	done
	is_ours_or_not client1 m0 macvlan
	[ "$(for n in 1 2 3; do ip -n "client$n" -4 -o address show dev m0; done | awk '{ print $4 }' | sort -u | wc -l)" = 3 ] ||
		fail "not three addresses"
}

# All have one MAC address: the server tells them apart by the client's identifier.
test_ipvlan() {
	local n

	server
	for n in 1 2; do
		ip netns add "client$n"
		ip -n server link add link lower name i0 netns "client$n" type ipvlan mode l2
		ip -n "client$n" link set i0 up
		cat >/tmp/script <<-'TXT'
			#!/bin/sh
			[ "$1" != bound ] || ip address add "$ip/24" dev "$interface"
		TXT
		chmod +x /tmp/script
		# -B: the answer is broadcast, for no address leads to the link yet.
		ip netns exec "client$n" busybox udhcpc -i i0 -n -q -t 10 -T 1 -B -x "0x3d:0000000$n" -s /tmp/script -f
		reaches "client$n" 10.7.0.1
	done
	is_ours_or_not client1 i0 ipvlan
}
