# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Links that the lower device's namespace does not trust: what it alone decides; and
# with `trust on`, what C ipvlan does. Routes that lead back.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=300
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

# trust on|off, of the links of ip_pair.
trust() { change A v0 trust "$1"; }

# shown NETNS DEVICE: what `ip` says of trust.
shown() { ip -n "$1" -d link show "$2" | grep -o 'trust [a-z]*'; }

# dropped ARGUMENTS...: a packet of v0 in A goes nowhere, and is counted.
dropped() {
	local before wire

	before=$(sysfs A v0 statistics/tx_dropped)
	wire=$(rx W wire0)
	gives "refused x1" frames packet A v0 "$@"
	same "tx_dropped, packet $*" $(($(sysfs A v0 statistics/tx_dropped) - before)) 1
	same "packets on the wire, packet $*" $(($(rx W wire0) - wire)) 0
}

rx() { sysfs "$1" "$2" statistics/rx_packets; }

test_trust_is_of_all_links_on_a_lower_device() {
	ns S A B
	wired S S
	endpoint S eth0 v0 l3 netns A
	endpoint S eth0 v1 l2 netns B
	gives "trust off" shown A v0
	change B v1 trust on
	gives "trust on" shown A v0
	# Of a new one, too; and what is not said stays.
	endpoint S eth0 v2 l3
	gives "trust on" shown S v2
	change A v0 mode l3s private
	gives "trust on" shown B v1
	endpoint S eth0 v3 "l3 trust off"
	gives "trust off" shown A v0
	gives '"off"' own_json A v0
	# Not of another lower device's.
	needs dummy
	ip -n S link add d0 type dummy
	endpoint S d0 w0 "l3 trust on"
	gives "trust off" shown A v0
	errno "EINVAL trust is on (1) or off (0)" S set kind:rnetvirt name:v2 data32:2:2 data32:5:2
	errno EINVAL S set kind:rnetvirt name:v2 data32:2:1 data32:5:1
	refused "flavor macvlan does not have the settings of flavor ipvlan" \
		ip -n S link add m0 link eth0 type rnetvirt flavor macvlan trust on
}

own_json() { ip -n "$1" -d -j link show "$2" | jq -c '.[].linkinfo.info_data.trust'; }

test_trust_is_the_lower_devices_namespaces_to_give() {
	ns S
	wired S S
	container
	endpoint S eth0 v0 l3
	ip -n S link set v0 netns "$CONTAINER"
	refused "trust require CAP_NET_ADMIN in the network namespace of the lower device" \
		inside ip link set v0 type rnetvirt trust on
	refused "CAP_NET_ADMIN" inside ip link set v0 type rnetvirt trust off
	nsenter -t "$CONTAINER" -n ip link set v0 type rnetvirt trust on
	inside ip -d link show v0 | grep -q "trust on"
}

test_groups_are_not_sent() {
	local mode

	for mode in l3 l3s; do
		ip_pair $mode
		dropped fe80::dead ff02::1 router
		dropped 10.0.0.1 224.0.0.251
		dropped 10.0.0.1 255.255.255.255
		# C ipvlan sends those of IPv6.
		trust on
		gives sent frames packet A v0 fe80::dead ff02::1 router
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_the_host_is_not_reached() {
	local mode

	for mode in l2 l3 l3s; do
		ip_pair $mode
		ip -n S addr add 10.0.0.9/32 dev eth0
		ip -n S addr add fd00::9/128 dev eth0 nodad
		ip -n S link set lo up
		dropped 127.0.0.1 10.0.0.9
		dropped 10.0.0.1 10.0.0.9
		dropped fd00::1 fd00::9
		dropped 10.0.0.1 0.0.0.0
		dropped 10.0.0.1 127.0.0.1
		trust on
		gives sent frames packet A v0 10.0.0.1 10.0.0.9
		gives sent frames packet A v0 fd00::1 fd00::9
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_rules_hold_between_siblings() {
	local mode hook

	for mode in l3 l3s; do
		ip_pair $mode
		both_reach A 2
		both_reach B 1
		for hook in output postrouting; do
			in_ns S nft "add table inet t; add chain inet t c { type filter hook $hook priority 0; policy drop; }"
			both_silent A 2
			# As C ipvlan.
			trust on
			both_reach A 2
			trust off
			in_ns S nft delete table inet t
		done
		both_reach A 2
		in_ns A ping -q -c 3 -s 20000 -W 2 10.0.0.2 | grep -q " 3 received"
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_addresses_are_translated_between_siblings() {
	ip_pair l3
	ip -n A route add 10.9.0.0/24 dev v0
	ip -n S route add 10.9.0.0/24 dev eth0
	in_ns S nft -f - <<-TXT
		table ip t {
			chain out { type nat hook output priority -100; ip daddr 10.9.0.1 dnat to 10.0.0.2; }
			chain post { type nat hook postrouting priority 100; ip saddr 10.0.0.1 snat to 10.9.0.7; }
		}
	TXT
	ip -n B route add 10.9.0.0/24 dev v1
	in_ns B nft "add table ip t; add chain ip t in { type filter hook input priority 0; };
		add rule ip t in ip saddr 10.9.0.7 ip daddr 10.0.0.2 counter"
	in_ns A ping -q -c 2 -i 0.2 -W 1 10.9.0.1 >/dev/null || true
	in_ns B nft list table ip t | grep -q "packets 2 "
}

test_an_address_takes_nothing_from_siblings() {
	local flag before

	for flag in bridge private; do
		ip_pair l3 $flag
		ip -n W addr add 192.0.2.53/32 dev wire0
		ip -n S route add 192.0.2.53 via 10.0.0.3
		ip -n A route add 192.0.2.53 dev v0
		reaches A 192.0.2.53
		ip -n B addr add 192.0.2.53/32 dev v1
		before=$(rx B v1)
		reaches A 192.0.2.53
		same "packets to who took the address, flag $flag" $(($(rx B v1) - before)) 0
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_an_address_of_the_host_is_refused() {
	local text="the address is one of the lower device's network namespace"

	ip_pair l2
	needs dummy
	ip -n S link add d0 up type dummy
	ip -n S addr add 10.5.0.1/24 dev d0
	ip -n S addr add fd00::9/64 dev eth0 nodad
	refused "$text" ip -n A addr add 10.5.0.1/32 dev v0
	refused "$text" ip -n A addr add fd00::9/128 dev v0
	ip -n A addr add 10.5.0.2/32 dev v0
	trust on
	ip -n A addr add 10.5.0.1/32 dev v0
	ip -n A addr add fd00::9/128 dev v0 nodad
}

# around KIND: v0 in S stands on tunnel g0, whose packets the routes lead to v0.
around() {
	ns S
	ipv6_on S
	# shellcheck disable=SC2086
	ip -n S link add g0 type $1 local 10.7.0.1 remote 10.7.0.2
	endpoint S g0 v0 l3
	ip -n S -batch - <<-TXT
		link set lo up
		addr add 10.7.0.1/32 dev lo
		addr add 10.8.0.1/24 dev g0
		link set g0 up
		link set v0 up
		addr add 10.8.0.7/32 dev v0
		route add 10.7.0.2 dev v0
		route add 10.8.1.0/24 dev g0
	TXT
	ip -n S neigh add 10.7.0.2 lladdr 02:00:00:00:07:02 dev v0 2>/dev/null || true
	ip -n S neigh add 10.7.0.2 lladdr 02:00:00:00:07:02 dev g0
	ip -n S neigh add 10.8.1.9 lladdr 02:00:00:00:07:02 dev g0
}

# loops: what is sent comes to an end, is counted, and not cried out.
loops() {
	local before

	before=$(sysfs S v0 statistics/tx_dropped)
	dmesg -C
	in_ns S ping -q -c 3 -i 0.2 -W 1 -I v0 10.8.1.9 >/dev/null || true
	in_ns S ping -q -c 3 -i 0.2 -W 1 10.8.1.9 >/dev/null || true
	(($(sysfs S v0 statistics/tx_dropped) > before)) || fail "nothing was dropped"
	! dmesg | grep -i "dead loop" || fail "cried out"
}

test_depth_around_a_tunnel() {
	local kind

	for kind in gretap "vxlan id 7 dstport 4789"; do
		modprobe "${kind%% *}" 2>/dev/null || modprobe ip_gre || skip "no $kind"
		around "$kind"
		loops
		change S v0 trust on
		loops
		# A queueing discipline keeps the core from counting.
		ip netns exec S tc qdisc replace dev v0 root pfifo
		in_ns S ping -q -c 3 -i 0.2 -W 1 10.8.1.9 >/dev/null || true
		ip netns del S
	done
}

test_depth_of_links_over_links() {
	local n

	# v0 on d0, whose packets a VRF sends through v1, and so on: each may be routed by the next.
	needs dummy
	ns S
	for n in 0 1 2 3 4 5 6 7; do
		ip -n S -batch - <<-TXT
			link add d$n type dummy
			link add vrf$n type vrf table 10$n
			link set vrf$n up
			link set d$n master vrf$n
			link set d$n up
			addr add 10.6.$n.1/24 dev d$n
		TXT
		endpoint S d$n v$n l3 up
	done
	for n in 0 1 2 3 4 5 6 7; do
		ip -n S route add 10.8.0.0/16 dev v$(((n + 1) % 8)) table 10$n
	done
	dmesg -C
	ip -n S route add 10.8.0.0/16 dev v0
	in_ns S ping -q -c 3 -i 0.2 -W 1 10.8.1.9 >/dev/null || true
	! dmesg | grep -i "dead loop" || fail "cried out"
}
