# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# ipvlan: who reaches whom, and by which way (ipvlan's statements B).
# shellcheck disable=SC2034,SC2153
KINDS="ipvlan rnetvirt"
LIMIT=240
RELEASE="b_* b23_* b26_*"
TAKES=75
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

# rx NETNS DEVICE: packets received.
rx() { sysfs "$1" "$2" statistics/rx_packets; }

test_b_l2_siblings_and_the_wire() { all_reach l2; }

test_b_l3_siblings_and_the_wire() { all_reach l3; }

test_b_l3s_siblings_and_the_wire() { all_reach l3s; }

all_reach() {
	ip_pair "$1"
	both_reach A 2
	both_reach B 1
	both_reach A 3
	both_reach W 1
	both_reach W 2
	# What is for siblings does not leave the machine.
	local before
	before=$(rx W wire0)
	in_ns A ping -q -c 20 -i 0.01 10.0.0.2 | grep -q " 20 received"
	in_ns A ping -q -c 20 -i 0.01 fd00::2 | grep -q " 20 received"
	(($(rx W wire0) - before < 20)) || fail "$(rx W wire0) - $before on the wire"
}

test_b24_the_host_and_its_links_do_not_reach_each_other() {
	ip_pair l2
	ip -n S addr add 10.0.0.9/24 dev eth0
	silent A 10.0.0.9
	silent S 10.0.0.1
	reaches W 10.0.0.9
}

test_b17_private_l2() { private l2; }

test_b17_private_l3() { private l3; }

test_b17_private_l3s() { private l3s; }

private() {
	ip_pair "$1" private
	both_silent A 2
	both_silent B 1
	both_reach A 3
	both_reach W 2
}

test_b17_vepa_goes_out() {
	local before

	ip_pair l2 vepa
	# The switch at the other end sends nothing back.
	ip -n A neigh replace 10.0.0.2 lladdr 02:00:00:00:0a:00 dev v0
	before=$(rx W wire0)
	silent A 10.0.0.2
	(($(rx W wire0) - before >= 2)) || fail "$(rx W wire0) - $before on the wire"
	both_reach A 3
}

test_b25_l3_answers_no_arp() {
	ip_pair l3
	ip -n W neigh flush all
	ip -n W neigh del 10.0.0.1 dev wire0
	silent W 10.0.0.1
	change A v0 mode l2
	reaches W 10.0.0.1
}

test_b21_l3_goes_where_the_lower_devices_namespace_says() {
	ip_pair l3
	# A gateway of the lower device's namespace, and one that it forbids.
	ip -n W addr add 10.9.0.1/32 dev wire0
	ip -n A route add 10.9.0.0/24 dev v0
	ip -n S route add 10.9.0.0/24 via 10.0.0.3
	ip -n W route add 10.0.0.1/32 dev wire0
	reaches A 10.9.0.1
	# Without it the neighbour is asked for on the wire, and W does not answer for it.
	ip -n S route del 10.9.0.0/24
	silent A 10.9.0.2
}

test_b20_l3_without_a_route() {
	ip_pair l3
	ip -n A -6 route add fd99::/64 dev v0
	# Nor does the lower device's namespace have one, and the sender is told.
	# shellcheck disable=SC2016
	refused "unreachable" in_ns A bash -c 'echo >/dev/udp/fd99::1/9'
}

test_b20_l3_drops_what_a_router_drops() {
	[ "$KIND" = rnetvirt ] || skip "it computes the header's checksum anew"
	local dropped

	ip_pair l3
	# Only those: what IPv6 has to say comes when it likes.
	in_ns W nft -f - <<-TXT
		table netdev t {
			chain in { type filter hook ingress device wire0 priority 0; ip saddr 10.0.0.1 ip daddr 10.0.0.3 counter; }
		}
	TXT
	dropped=$(lost_below A v0)
	gives "refused x1" frames packet A v0 10.0.0.1 10.0.0.3 badsum
	on_wire 0 || fail "it is on the wire"
	same "tx_lower" $(($(lost_below A v0) - dropped)) 1
	gives sent frames packet A v0 10.0.0.1 10.0.0.3
	wait_for 10 on_wire 1
}

# Not what goes to groups, as IPv6 sends when it likes.
lost_below() { in_ns "$1" ethtool -S "$2" | awk '$1 == "tx_lower:" { print $2 }'; }

on_wire() { in_ns W nft list table netdev t | grep "packets $1 " >/dev/null; }

test_b20_l3_a_route_back_to_itself() {
	[ "$KIND" = rnetvirt ] || skip "sends to itself until the core complains of a dead loop"
	ns S W
	ipv6_on S W
	wired S W
	endpoint S eth0 v0 l3 up
	ip -n S addr add fd00::1/64 dev v0 nodad
	refused "unreachable" in_ns S bash -c 'echo >/dev/udp/fd00::9/9'
}

test_b23_rules_of_the_lower_devices_namespace() {
	local mode

	for mode in l2 l3 l3s; do
		ip_pair $mode
		in_ns S nft -f - <<-TXT
			table inet t {
				chain pre { type filter hook prerouting priority 0; iifname eth0 ip daddr 10.0.0.1 counter; }
				chain in { type filter hook input priority 0; ip daddr 10.0.0.1 counter; }
				chain out { type filter hook output priority 0; ip saddr 10.0.0.1 counter; }
				chain post { type filter hook postrouting priority 0; ip saddr 10.0.0.1 counter; }
			}
		TXT
		in_ns A ping -q -c 5 -i 0.05 10.0.0.3 | grep -q " 5 received"
		case $mode in
		l2) gives "0 0 0 0" hits ;;
		l3) gives "0 0 5 5" hits ;;
		l3s) gives "5 5 5 5" hits ;;
		esac
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

# hits: what the rules have counted, in their order.
hits() {
	in_ns S nft list table inet t | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p' | xargs
}

test_b29_l3s_obeys_rules_for_input() {
	ip_pair l3s
	reaches A 10.0.0.3
	in_ns S nft "add table inet t; add chain inet t in { type filter hook input priority 0; };
		add rule inet t in ip daddr 10.0.0.1 drop; add rule inet t in ip6 daddr fd00::1 drop"
	both_silent A 3
	both_reach B 3
	# In mode l3 they are not asked.
	change A v0 mode l3
	both_reach A 3
	change A v0 mode l3s
	both_silent A 3
}

test_b26_l3s_comes_and_goes_under_traffic() {
	local n

	ip_pair l3s
	traffic A W
	for n in $(rounds 12); do
		change A v0 mode l3
		change A v0 mode l3s
		change A v0 mode l2
		change A v0 mode l3s
	done
	quiet
	both_reach A 3
	ip -n A link del v0
	ip -n B link del v1
	port_gone S eth0
}

test_b35_l3s_moves_with_the_lower_device() {
	ip_pair l3s
	ns C
	ipv6_on C
	reaches A 10.0.0.3
	ip -n S link set eth0 netns C
	ip -n C link set eth0 up
	ip -n C route add 10.0.0.0/24 dev eth0
	ip -n C neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev eth0
	reaches A 10.0.0.3
	in_ns C nft "add table ip t; add chain ip t in { type filter hook input priority 0; };
		add rule ip t in ip daddr 10.0.0.1 drop"
	silent A 10.0.0.3
	# What is left behind is gone without a trace.
	ip netns del S
	silent A 10.0.0.3
	ip netns del C
	wait_for 10 empty A
	wait_for 10 empty B
}

test_b39_groups_reach_those_who_listen() {
	local group mac

	ip_pair l2
	# Broadcast from outside: both, and the lower device's own stack.
	gives "A/v0 broadcast, B/v1 broadcast, S/eth0 broadcast" \
		who W wire0 "$WIRE_MAC" ffffffffffff 3 A/v0 B/v1 S/eth0
	group=$(unheard W wire0 "$WIRE_MAC" A/v0 B/v1)
	mac=01:00:5e:01:02:${group: -2}
	ip -n A addr add "239.1.2.$((16#${group: -2}))/32" dev v0 autojoin
	wait_for 10 joined_there
	gives "A/v0 multicast" who W wire0 "$WIRE_MAC" "$group" 1 A/v0 B/v1
}

joined_there() { in_ns S ip maddr show dev eth0 | grep -q "$mac"; }

test_b_big_packets_and_gso_l2() {
	local mode=l2

	ip_pair l2
	streams B A 10.0.0.2
	streams B A fd00::2
	streams W A 10.0.0.3
	streams A W 10.0.0.1
	big
}

test_b_big_packets_and_gso_l3() {
	local mode=l3

	ip_pair l3
	streams B A 10.0.0.2
	streams B A fd00::2
	streams W A 10.0.0.3
	streams A W 10.0.0.1
	big
}

# big: more than fits into one packet.
big() {
	in_ns A ping -q -c 3 -s 20000 -W 2 10.0.0.3 | grep -q " 3 received"
	in_ns A ping -q -c 3 -s 20000 -W 2 fd00::2 | grep -q " 3 received"
}

# streams SERVER CLIENT ADDRESS
streams() {
	note "$mode: from $2 to $3"
	in_ns "$1" iperf3 -s -1 >/dev/null 2>&1 &
	wait_for 10 listens "$1"
	in_ns "$2" iperf3 -c "$3" -n 10M >/dev/null
	wait $!
}

listens() { in_ns "$1" ss -Hltn sport = :5201 | grep -q .; }
