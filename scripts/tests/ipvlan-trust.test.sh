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

# watched: as ip_pair MODE, and what arrives of `frames packet` at W and the host is
# counted.
watched() {
	local ns

	ip_pair "$1"
	for ns in S W; do
		in_ns $ns nft -f - <<-TXT
			table inet w {
				chain pre {
					type filter hook prerouting priority 0;
					udp dport 9999 counter
					ip6 saddr fe80::dead counter
				}
			}
		TXT
	done
}

# arrived NETNS: how many packets of each kind.
arrived() {
	in_ns "$1" nft list table inet w | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p' | xargs
}

# lost: what v0 in A has lost in sending, but for what IPv6 says to groups by itself.
lost() {
	in_ns A ethtool -S v0 | awk '$1 ~ /^tx_/ && $1 != "tx_group:" { sum += $2 } END { print sum }'
}

# dropped ARGUMENTS...: a packet of v0 in A goes nowhere, and is counted.
dropped() {
	local before

	before=$(lost)
	gives "refused x1" frames packet A v0 "$@"
	same "lost, packet $*" $(($(lost) - before)) 1
	gives "0 0" arrived W
	gives "0 0" arrived S
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
	ip -n S link add link eth0 name v3 type rnetvirt trust off
	gives "trust off" shown A v0
	gives '"off"' own_json A v0
	# Not of another lower device's.
	needs dummy
	ip -n S link add d0 type dummy
	ip -n S link add link d0 name w0 type rnetvirt mode l3 trust on
	gives "trust off" shown A v0
	errno "EINVAL trust is on (1) or off (0)" S set kind:rnetvirt name:v2 data32:2:2 data32:5:2
	errno EINVAL S set kind:rnetvirt name:v2 data32:2:1 data32:5:1
	case $(rtnl S new kind:rnetvirt name:m0 link:"$(ifindex S eth0)" data32:2:1 data32:5:1) in
	"EINVAL flavor macvlan does not have the settings of flavor ipvlan") ;;
	*) fail "a macvlan link was to be trusted" ;;
	esac
}

own_json() { ip -n "$1" -d -j link show "$2" | jq -c '.[].linkinfo.info_data.trust'; }

test_trust_is_the_lower_devices_namespaces_to_give() {
	ns S
	wired S S
	container
	endpoint S eth0 v0 l3
	ip -n S link set v0 netns "$CONTAINER"
	refused "trust need CAP_NET_ADMIN in the lower device's network namespace" \
		inside ip link set v0 type rnetvirt trust on
	refused "CAP_NET_ADMIN" inside ip link set v0 type rnetvirt trust off
	nsenter -t "$CONTAINER" -n ip link set v0 type rnetvirt trust on
	inside ip -d link show v0 | grep -q "trust on"
}

# Nobody has given it in the namespace that the lower device comes to, nor asked there for links' addresses.
test_trust_ends_where_the_lower_device_moves() {
	ip_pair l3
	ns T
	ipv6_on T
	trust on
	needs dummy
	ip -n T link add d0 up type dummy
	ip -n T addr add 10.0.0.50/32 dev d0
	ip -n T addr add fd00::50/128 dev d0 nodad
	ip -n A addr add 10.0.0.50/32 dev v0
	ip -n A addr add fd00::50/128 dev v0 nodad
	ip -n S link set eth0 netns T
	gives "trust off" shown A v0
	ip -n T -batch - <<-TXT
		link set eth0 up
		route add 10.0.0.0/24 dev eth0
		route add fd00::/64 dev eth0
	TXT
	carried T eth0
	ip -n W neigh replace 10.0.0.50 lladdr 02:00:00:00:0a:00 dev wire0
	ip -n W neigh replace fd00::50 lladdr 02:00:00:00:0a:00 dev wire0
	in_ns A nft "add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }"
	both_reach W 50
}

test_groups_are_not_sent() {
	local mode

	for mode in l3 l3s; do
		watched $mode
		dropped fe80::dead ff02::1 router
		dropped 10.0.0.1 224.0.0.251
		dropped 10.0.0.1 255.255.255.255
		# C ipvlan sends those of IPv6.
		trust on
		gives sent frames packet A v0 fe80::dead ff02::1 router
		wait_for 5 shows "0 1" arrived W
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

# What is said of neighbours and routers is believed if it has gone through no router, whoever it is for. A link
# that is trusted is as C's.
test_neighbours_do_not_take_it_for_one() {
	local mode

	for mode in l3 l3s; do
		watched $mode
		in_ns W nft add rule inet w pre ip6 hoplimit 255 ip6 saddr fd00::1 counter
		gives sent frames packet A v0 fd00::1 fd00::3 router
		gives sent frames packet A v0 fd00::1 fd00::3
		wait_for 5 shows "1 0 0" arrived W
		gives sent frames packet A v0 fe80::dead fd00::3 router
		wait_for 5 shows "1 1 0" arrived W
		trust on
		gives sent frames packet A v0 fd00::1 fd00::3 router
		wait_for 5 shows "1 1 1" arrived W
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_the_host_is_not_reached() {
	local mode

	for mode in l2 l3 l3s; do
		watched $mode
		ip -n S addr add 10.0.0.9/32 dev eth0
		ip -n S addr add fd00::9/128 dev eth0 nodad
		ip -n S link set lo up
		dropped 127.0.0.1 10.0.0.9
		dropped 10.0.0.1 10.0.0.9
		dropped fd00::1 fd00::9
		dropped 10.0.0.1 0.0.0.0
		trust on
		gives sent frames packet A v0 10.0.0.1 10.0.0.9
		gives sent frames packet A v0 fd00::1 fd00::9
		# Those to the host on lo are not routed any more.
		[ $mode != l2 ] || wait_for 5 shows "2 0" arrived S
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

# forbidden: no packet of v0 in A gets to its sibling, or out.
forbidden() {
	local before to

	before=$(lost)
	for to in 10.0.0.2 10.0.0.3; do
		gives "refused x1" frames packet A v0 10.0.0.1 $to
	done
	same "lost" $(($(lost) - before)) 2
}

# What its routes and rules refuse is not refused by IPv4 alone, which takes it for a neighbour.
test_refusing_routes_and_rules_hold() {
	local mode kind

	for mode in l3 l3s; do
		ip_pair $mode
		for kind in unreachable prohibit blackhole; do
			ip -n S route replace $kind 10.0.0.0/24
			forbidden
			# As C ipvlan.
			trust on
			reaches A 10.0.0.2
			reaches A 10.0.0.3
			trust off
			ip -n S route replace 10.0.0.0/24 dev eth0
			ip -n S rule add from 10.0.0.1 $kind
			forbidden
			ip -n S rule del from 10.0.0.1 $kind
			reaches A 10.0.0.2
			# Nobody refuses what nobody knows.
			ip -n S route del 10.0.0.0/24
			reaches A 10.0.0.2
			reaches A 10.0.0.3
			# Nor does a rule for others, but of one kind nobody can tell.
			ip -n S rule add from 10.9.9.9 $kind
			case $kind in
			unreachable) forbidden ;;
			*) reaches A 10.0.0.2 ;;
			esac
			ip -n S rule del from 10.9.9.9 $kind
			ip -n S route add 10.0.0.0/24 dev eth0
		done
		# With flag vepa, too.
		change A v0 vepa
		reaches A 10.0.0.3
		ip -n S route replace unreachable 10.0.0.0/24
		gives "refused x1" frames packet A v0 10.0.0.1 10.0.0.3
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

# asked NETNS: how many ICMPv6 packets from no address came there for fd00::2 and fd00::3.
asked() {
	in_ns "$1" nft list table inet w | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p'
}

# Rules have looked at whom it is for.
test_a_solicitation_is_for_whom_it_is_sent_to() {
	local mode ns

	for mode in l3 l3s; do
		ip_pair $mode
		for ns in W B; do
			in_ns $ns nft "add table inet w;
				add chain inet w pre { type filter hook prerouting priority 0; };
				add rule inet w pre ip6 saddr :: ip6 daddr { fd00::2, fd00::3 } counter"
		done
		gives sent frames packet A v0 :: fd00::3 asks=fd00::2
		wait_for 5 shows 1 asked W
		gives 0 asked B
		# Of another kind, to a sibling.
		gives sent frames packet A v0 :: fd00::2 router
		wait_for 5 shows 1 asked B
		change A v0 private
		gives "refused x1" frames packet A v0 :: fd00::2 router
		gives "refused x1" frames packet A v0 :: fd00::2 asks=fd00::3
		gives 1 asked W
		gives 1 asked B
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

# The lower device is part of a VRF, whose table and rules come first.
test_siblings_in_a_vrf() {
	local hook

	ip_pair l3
	ip -n S -batch - <<-TXT
		link add r up type vrf table 10
		link set eth0 master r
		route add 10.0.0.0/24 dev eth0 table 10
		route add fd00::/64 dev eth0 table 10
	TXT
	both_reach A 2
	both_reach B 1
	both_reach A 3
	[ -n "$(asked_for 3)" ] || fail "who is outside was not asked for"
	gives "" asked_for 2
	for hook in output postrouting; do
		in_ns S nft "add table inet t; add chain inet t c { type filter hook $hook priority 0; policy drop; }"
		both_silent A 2
		in_ns S nft delete table inet t
	done
	both_reach A 2
	change A v0 private
	gives "refused x1" frames packet A v0 10.0.0.1 10.0.0.2
	gives "refused x1" frames packet A v0 fd00::1 fd00::2
	both_silent A 2
	gives "" asked_for 2
	both_reach A 3
}

# asked_for LAST: which of the addresses with that number S has asked for on the wire.
asked_for() {
	ip -n S neigh show dev eth0 | awk '{ print $1 }' | grep -xE "(10\.0\.0\.|fd00::)$1" || true
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
	in_ns B nft list table ip t | grep "packets 2 " >/dev/null
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

# What it receives by a route, and by an address that all routers of a network have.
test_what_the_host_receives_without_an_address_is_refused() {
	local text="the address is one of the lower device's network namespace" mode

	for mode in l2 l3; do
		ip_pair $mode
		ip -n S link set lo up
		ip -n S addr add fd00:1::9/64 dev eth0 nodad
		ip -n S -6 route add local fd00:2::/64 dev lo
		ip -n S route add local 10.6.0.0/24 dev lo
		ip -n A addr add fd00:1::/128 dev v0 nodad
		ip -n A addr del fd00:1::/128 dev v0
		in_ns S sysctl -qw net.ipv6.conf.all.forwarding=1
		refused "$text" ip -n A addr add fd00:1::/128 dev v0 nodad
		refused "$text" ip -n A addr add fd00:2::5/128 dev v0 nodad
		refused "$text" ip -n A addr add 10.6.0.5/32 dev v0
		ip -n A addr add fd00:1::5/128 dev v0 nodad
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

# A program that saw a packet when it was sent keeps what it saw, whatever headers it gets later.
test_what_was_seen_is_not_written_to() {
	local mode

	for mode in l3 l3s; do
		ip_pair $mode
		reaches A 10.0.0.3
		ip -n A neigh replace 10.0.0.3 lladdr 02:00:00:00:0c:00 dev v0 nud permanent
		gives 020000000c00 python3 - <<-PY
			import socket, sys
			sys.path.insert(0, "$TESTS")
			from inside import inside
			with inside("A"):
			    seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
			    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			seen.bind(("v0", 3))
			seen.settimeout(5)
			out.sendto(bytes(172), ("10.0.0.3", 9))
			while len(data := seen.recv(2048)) != 214:
			    pass
			print(data[:6].hex())
		PY
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_a_source_is_not_somebody_elses() {
	local mode src

	for mode in l3 l3s; do
		watched $mode
		ip -n S addr add 10.0.0.9/32 dev eth0
		ip -n S addr add fd00::9/128 dev eth0 nodad
		# The host's, for whose rules and connections it would count; a sibling's.
		for src in 10.0.0.9 10.0.0.2; do
			dropped $src 10.0.0.3
		done
		for src in fd00::9 fd00::2; do
			dropped $src fd00::3
			dropped $src fd00::3 unfinished
		done
		# Of a link that forwards, or is down.
		gives sent frames packet A v0 10.9.9.9 10.0.0.3
		gives sent frames packet A v0 10.9.9.9 10.0.0.3 unfinished
		wait_for 5 shows "2 0" arrived W
		ip -n B link set v1 down
		gives "refused x1" frames packet A v0 10.0.0.2 10.0.0.3
		trust on
		gives sent frames packet A v0 10.0.0.9 10.0.0.3
		wait_for 5 shows "3 0" arrived W
		printf 'netns del %s\n' S W A B | ip -batch -
	done
	# The host's own link has the host's addresses.
	watched l3
	ip -n S addr add 10.0.0.9/32 dev eth0
	endpoint S eth0 v2 l3 up
	gives sent frames packet S v2 10.0.0.9 10.0.0.3
	wait_for 5 shows "1 0" arrived W
}

test_what_is_sent_stays_on_the_lower_device() {
	local before

	ip_pair l3
	# Another network of the host.
	needs dummy
	ip -n S link add d0 up type dummy
	ip -n S -batch - <<-TXT
		addr add 10.11.0.1/24 dev d0
		addr add fd11::1/64 dev d0 nodad
		neigh replace 10.11.0.5 lladdr 02:00:00:00:99:01 dev d0
		neigh replace fd11::5 lladdr 02:00:00:00:99:01 dev d0
	TXT
	before=$(sysfs S d0 statistics/tx_packets)
	frames packet A v0 10.0.0.1 10.11.0.5
	frames packet A v0 fd00::1 fd11::5
	same "packets to another network" "$(sysfs S d0 statistics/tx_packets)" "$before"
	# As C ipvlan.
	trust on
	gives sent frames packet A v0 fd00::1 fd11::5
	same "with trust on" "$(sysfs S d0 statistics/tx_packets)" $((before + 1))
}

test_what_the_host_takes_later_is_its() {
	local mode last

	for mode in l2 l3 l3s; do
		ip_pair $mode
		needs dummy
		ip -n S link add d0 up type dummy
		for last in 50 51; do
			ip -n A addr add 10.0.0.$last/32 dev v0
			ip -n A addr add fd00::$last/128 dev v0 nodad
			ip -n W neigh replace 10.0.0.$last lladdr 02:00:00:00:0a:00 dev wire0
			ip -n W neigh replace fd00::$last lladdr 02:00:00:00:0a:00 dev wire0
		done
		# By what address it has, if the other end's is said, too.
		ip -n A addr add 10.0.0.52/32 dev v0
		ip -n W neigh replace 10.0.0.52 lladdr 02:00:00:00:0a:00 dev wire0
		# On whatever device.
		ip -n S -batch - <<-TXT
			route replace 10.0.0.0/24 dev eth0
			route replace fd00::/64 dev eth0
			addr add 10.0.0.50/32 dev eth0
			addr add fd00::50/128 dev eth0 nodad
			addr add 10.0.0.51/32 dev d0
			addr add fd00::51/128 dev d0 nodad
			addr add 10.0.0.52 peer 10.9.9.9/32 dev d0
		TXT
		in_ns A nft "add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }"
		both_reach W 50
		both_reach W 51
		reaches W 10.0.0.52
		in_ns A nft delete table inet t
		# Others are as they were, and the link gets rid of what it has.
		both_reach W 1
		ip -n A addr del 10.0.0.50/32 dev v0
		ip -n A addr del fd00::50/128 dev v0
		refused "the lower device's network namespace" ip -n A addr add 10.0.0.50/32 dev v0
		printf 'netns del %s\n' S W A B | ip -batch -
	done
	ip_pair l3
	trust on
	ip -n A addr add 10.0.0.50/32 dev v0
	ip -n S addr add 10.0.0.50/32 dev eth0
	ip -n W neigh replace 10.0.0.50 lladdr 02:00:00:00:0a:00 dev wire0
	in_ns A nft "add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }"
	silent W 10.0.0.50
}

# around KIND: v0 in S stands on tunnel g0, whose packets the routes lead to v0.
around() {
	ns S
	# shellcheck disable=SC2086
	ip -n S link add g0 type $1 local 10.7.0.1 remote 10.7.0.2
	endpoint S g0 v0 l3
	ip -n S -batch - <<-TXT
		link set lo up
		addr add 10.7.0.1/32 dev lo
		addr add 10.8.0.1/24 dev g0
		link set g0 up
		link set v0 up
		route add 10.7.0.2 dev v0
		route add 10.8.1.0/24 dev g0
		neigh replace 10.7.0.2 lladdr 02:00:00:00:07:02 dev g0
		neigh replace 10.8.1.9 lladdr 02:00:00:00:07:02 dev g0
	TXT
}

# no_outcry: since `dmesg -C`.
no_outcry() { not grep -Ei "loop|recurs" <<<"$(dmesg)"; }

# loops LINK COMMAND...: what is sent comes to an end in LINK, is counted, and not cried
# out.
loops() {
	local before

	before=$(sysfs S "$1" statistics/tx_dropped)
	dmesg -C
	in_ns S ping -q -c 3 -i 0.2 -W 1 "${@:2}" >/dev/null || true
	(($(sysfs S "$1" statistics/tx_dropped) >= before + 3)) || fail "not dropped by $1"
	no_outcry
}

test_depth_around_a_tunnel() {
	local kind queues=1 kinds=("vxlan id 7 dstport 4789")

	modprobe -a vxlan ip_gre || skip "no tunnels"
	# A packet that comes back to a queueing discipline while that is sending finds it taken. DEBUG_SPINLOCK takes
	# that for impossible on one CPU, whatever the driver. gretap has one.
	! has_checks "$KERNEL" || (($(nproc) > 1)) || queues=''
	[ -z "$queues" ] || kinds+=(gretap)
	for kind in "${kinds[@]}"; do
		around "$kind"
		loops v0 -I v0 10.8.1.9
		loops v0 10.8.1.9
		change S v0 trust on
		loops v0 10.8.1.9
		if [ -n "$queues" ]; then
			# A queueing discipline keeps the core from counting.
			in_ns S tc qdisc replace dev v0 root pfifo
			in_ns S ping -q -c 3 -i 0.2 -W 1 10.8.1.9 >/dev/null || true
		fi
		ip netns del S
	done
	modprobe -r vxlan ip_gre
}

test_depth_of_links_over_links() {
	local n

	# What v0 sends v1 is to send, and so on round.
	needs dummy
	ns S
	ipv6_on S
	for n in 0 1 2 3 4 5; do
		ip -n S link add d$n up type dummy
		endpoint S d$n v$n l3 up
		ip -n S -6 rule add oif d$n lookup 20$n
		ip -n S -6 addr add fd00::$n/128 dev v$n nodad
	done
	for n in 0 1 2 3 4 5; do
		ip -n S -6 route add fd08::/16 dev v$(((n + 1) % 6)) table 20$n
	done
	ip -n S -6 route add fd08::/16 dev v0
	# Only what is trusted leaves by another device than its lower one.
	loops v0 fd08::9
	gives 0 sysfs S v1 statistics/tx_packets
	for n in 0 1 2 3 4 5; do
		change S v$n trust on
	done
	loops v3 fd08::9
	gives 0 sysfs S v4 statistics/tx_packets
	# Where nobody counts but the links themselves.
	for n in 0 1 2 3 4 5; do
		in_ns S tc qdisc replace dev v$n root pfifo
	done
	loops v3 fd08::9
}

# on_dummy: v0 in S stands on d0, which takes whatever it gets.
on_dummy() {
	needs dummy
	ns S
	ip -n S link add d0 up type dummy
	endpoint S d0 v0 l3 up
	ip -n S -batch - <<-TXT
		link set lo up
		route add 10.8.3.0/24 dev d0
	TXT
}

# packet_ends TX DROPPED: a packet from outside to 10.8.1.9 is sent TX times by v0 and
# dropped DROPPED times, without a word, and others leave by d0 afterwards.
packet_ends() {
	local before after

	read -r -a before <<<"$(sysfs S v0 statistics/tx_packets statistics/tx_dropped)"
	dmesg -C
	frames packet S v0 10.77.0.1 10.8.1.9 >/dev/null
	read -r -a after <<<"$(sysfs S v0 statistics/tx_packets statistics/tx_dropped)"
	same "sent, dropped" "$((after[0] - before[0])) $((after[1] - before[1]))" "$1 $2"
	no_outcry
	before=$(sysfs S d0 statistics/tx_packets)
	gives sent frames packet S v0 10.77.0.1 10.8.3.9
	same "sent by d0 afterwards" "$(sysfs S d0 statistics/tx_packets)" $((before + 1))
}

test_depth_through_ipvs() {
	local method trust

	modprobe -a ip_vs ip_vs_rr || skip "no IPVS"
	for method in direct tunnel; do
		on_dummy
		ip -n S addr add 10.8.2.1/32 dev lo
		ip -n S route add 10.8.2.9 dev v0
		in_ns S "$TESTS/ipvs.py" $method 10.8.1.9 10.8.2.9
		for trust in off on; do
			change S v0 trust $trust
			case $method in
			# To the same address again, of which IPVS knows nothing any more.
			direct) packet_ends 3 1 ;;
			# What is in the tunnel is no service's.
			tunnel) packet_ends 2 0 ;;
			esac
		done
		ip netns del S
	done
	# Namespaces go later.
	wait_for 5 modprobe -r ip_vs_rr ip_vs
}

# behind_vrfs N [ipv6]: v0 to vN-1, each on a dummy that belongs to a VRF, which looks for a route
# once more, for any device, because it has a queueing discipline: that of the next link,
# and of the first after the last.
behind_vrfs() {
	local n

	needs dummy
	ns S
	[ "${2:-}" != ipv6 ] || ipv6_on S
	ip -n S link set lo up
	for ((n = 0; n < $1; n++)); do
		ip -n S link add d$n up type dummy
		endpoint S d$n v$n l3 up
		ip -n S link add r$n up type vrf table 1$n
		ip -n S link set d$n master r$n
		in_ns S tc qdisc replace dev r$n root pfifo
	done
	for ((n = 0; n < $1; n++)); do
		ip -n S -batch - <<-TXT
			route add 10.8.3.0/24 dev d$n table 1$n
			route add 10.0.0.0/8 dev d$n metric 10 table 1$n
			route add 10.8.1.9 dev v$(((n + 1) % $1)) table 1$n
			route add 10.7.0.2 dev v$(((n + 1) % $1)) table 1$n
		TXT
	done
}

# vrfs_end LINK: a packet of v0 is dropped by LINK, and nobody behind it sends.
vrfs_end() {
	local n trust before

	for trust in off on; do
		for n in 0 1 2 3 4 5; do
			change S v$n trust $trust
		done
		before=$(sysfs S "$1" statistics/tx_dropped)
		dmesg -C
		gives sent frames packet S v0 10.77.0.1 10.8.1.9
		same "dropped by $1" "$(sysfs S "$1" statistics/tx_dropped)" $((before + 1))
		gives 0 sysfs S "$1" statistics/tx_packets
		no_outcry
		before=$(sysfs S d0 statistics/tx_packets)
		gives sent frames packet S v0 10.77.0.1 10.8.3.9
		same "sent by d0 afterwards" "$(sysfs S d0 statistics/tx_packets)" $((before + 1))
	done
}

test_depth_through_vrfs() {
	behind_vrfs 6
	vrfs_end v3
}

test_depth_through_vrfs_and_ipip() {
	modprobe ipip || skip "no tunnels"
	behind_vrfs 6
	ip -n S link add g0 type ipip local 10.7.0.1 remote 10.7.0.2
	ip -n S -batch - <<-TXT
		addr add 10.7.0.1/32 dev lo
		link set g0 up
		route add 10.7.0.2 dev v1
		route replace 10.8.1.9 dev g0 table 10
	TXT
	vrfs_end v2
	ip netns del S
	modprobe -r ipip
}

test_one_vrf_has_no_depth() {
	local lost sent trust

	# What it sends while it sends waits in its queue, so goes round, but on the same
	# stack: as often as its TTL lets it.
	behind_vrfs 1
	for trust in off on; do
		change S v0 trust $trust
		sent=$(sysfs S v0 statistics/tx_packets)
		lost=$(sysfs S v0 statistics/tx_dropped)
		dmesg -C
		gives sent frames packet S v0 10.77.0.1 10.8.1.9
		wait_for 5 shows $((lost + 1)) sysfs S v0 statistics/tx_dropped
		gives $((sent + 63)) sysfs S v0 statistics/tx_packets
		sleep 0.2
		gives $((sent + 63)) sysfs S v0 statistics/tx_packets
		no_outcry
		sent=$(sysfs S d0 statistics/tx_packets)
		gives sent frames packet S v0 10.77.0.1 10.8.3.9
		same "sent by d0 afterwards" "$(sysfs S d0 statistics/tx_packets)" $((sent + 1))
	done
}

test_one_vrf_has_no_depth_ipv6() {
	local sent

	behind_vrfs 1 ipv6
	ip -n S -batch - <<-TXT
		route add fd08::/16 dev d0 metric 10 table 10
		route add fd08::9 dev v0 table 10
	TXT
	# The hop limit is 255. Packets to groups, which IPv6 sends by itself, are not counted here.
	sent=$(sysfs S v0 statistics/tx_packets)
	dmesg -C
	gives sent frames packet S v0 fd77::1 fd08::9
	wait_for 5 shows $((sent + 254)) sysfs S v0 statistics/tx_packets
	sleep 0.2
	gives $((sent + 254)) sysfs S v0 statistics/tx_packets
	no_outcry
}

test_a_bridge_of_veths_ends_by_itself() {
	local n trust

	needs veth bridge
	ns S
	# What d0 sends comes back by p1, later: a veth does not call who receives.
	ip -n S link add d0 up type bridge
	ip -n S link add p0 up master d0 type veth peer name p1 address 02:00:00:00:0c:01
	ip -n S link set p1 up
	endpoint S d0 v0 l3 up
	ip -n S -batch - <<-TXT
		link set lo up
		route add 10.8.1.9 dev v0
		route add 10.8.1.9 dev d0 metric 10
		route add 10.8.3.0/24 dev d0
		neigh replace 10.8.1.9 lladdr 02:00:00:00:0c:01 dev d0
		neigh replace 10.8.3.9 lladdr 02:00:00:00:0c:02 dev d0
	TXT
	in_ns S sysctl -q net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.p1.rp_filter=0 net.ipv4.conf.all.send_redirects=0
	for trust in off on; do
		change S v0 trust $trust
		n=$(sysfs S v0 statistics/tx_packets)
		dmesg -C
		gives sent frames packet S v0 10.77.0.1 10.8.1.9
		# As often as its TTL lets it.
		wait_for 5 shows $((n + 64)) sysfs S v0 statistics/tx_packets
		sleep 0.2
		gives $((n + 64)) sysfs S v0 statistics/tx_packets
		no_outcry
		n=$(sysfs S p0 statistics/tx_packets)
		gives sent frames packet S v0 10.77.0.1 10.8.3.9
		same "sent by p0 afterwards" "$(sysfs S p0 statistics/tx_packets)" $((n + 1))
	done
}

# In mode l3s what its hosts' broadcasts are goes by the address, too.
test_the_hosts_broadcasts_are_its() {
	ip_pair l3s
	ip -n A addr add 10.0.0.255/32 dev v0
	ip -n S addr add 10.0.0.9/24 dev eth0
	gives 10.0.0.255 directed
	ip -n A addr del 10.0.0.255/32 dev v0
	refused "the lower device's network namespace" ip -n A addr add 10.0.0.255/32 dev v0
	gives 10.0.0.255 directed
	# What comes only when the device is up, whoever was first.
	ip -n S link set eth0 down
	ip -n A addr add 10.0.0.255/32 dev v0
	ip -n S link set eth0 up
	carried S eth0
	gives 10.0.0.255 directed
	ip -n A addr del 10.0.0.255/32 dev v0
	ip -n S addr del 10.0.0.9/24 dev eth0
	ip -n A addr add 10.0.0.255/32 dev v0
	ip -n S link set eth0 down
	ip -n S addr add 10.0.0.9/24 dev eth0
	ip -n S link set eth0 up
	carried S eth0
	gives 10.0.0.255 directed
}

# On a link of its own on another device, too.
test_what_the_hosts_links_take_later_is_its() {
	ip_pair l3
	needs dummy
	ip -n S link add d0 up type dummy
	ipv6_on S
	endpoint S d0 i0 l2 up
	ip -n A addr add 10.0.0.50/32 dev v0
	ip -n A addr add fd00::50/128 dev v0 nodad
	ip -n W neigh replace 10.0.0.50 lladdr 02:00:00:00:0a:00 dev wire0
	ip -n W neigh replace fd00::50 lladdr 02:00:00:00:0a:00 dev wire0
	ip -n S -batch - <<-TXT
		route replace 10.0.0.0/24 dev eth0
		route replace fd00::/64 dev eth0
		addr add 10.0.0.50/32 dev i0
		addr add fd00::50/128 dev i0 nodad
	TXT
	in_ns A nft "add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }"
	both_reach W 50
}

# What has nothing to do with the address that the host gets, or the device that comes up, is not looked at: routes
# are not watched.
test_only_what_may_be_the_hosts_is_looked_at() {
	local last

	ip_pair l3
	needs dummy
	ip -n S -batch - <<-TXT
		link add d0 type dummy
		addr add 10.7.0.1/24 dev d0
	TXT
	for last in 50 61 65; do
		ip -n A addr add 10.0.0.$last/32 dev v0
		ip -n W neigh replace 10.0.0.$last lladdr 02:00:00:00:0a:00 dev wire0
	done
	ip -n A addr add fd00::50/128 dev v0 nodad
	ip -n W neigh replace fd00::50 lladdr 02:00:00:00:0a:00 dev wire0
	ip -n S -batch - <<-TXT
		route add local 10.0.0.50 dev lo
		route add local fd00::50 dev lo
		link set d0 up
		addr add 10.7.0.2/32 dev lo
		addr add fd00:7::2/128 dev lo
		addr add 10.8.0.1/24 dev lo
	TXT
	in_ns A nft "add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }"
	both_silent W 50
	# All of a network on lo is: at once, or when that comes up.
	ip -n S addr add 10.0.0.62/30 dev lo
	reaches W 10.0.0.61
	silent W 10.0.0.65
	ip -n S link set lo down
	ip -n S addr add 10.0.0.66/30 dev lo
	ip -n S link set lo up
	reaches W 10.0.0.65
}

# directed: to where the host heard a broadcast of its network.
directed() {
	in_ns S timeout 5 python3 -c '
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_IP, 8, 1)  # IP_PKTINFO
    s.bind(("", 9999))
    open("'"$WORK"'/listens", "w").close()
    _, control, _, _ = s.recvmsg(100, 100)
    print(socket.inet_ntoa(control[0][2][8:12]))' &
	wait_for 5 test -e "$WORK/listens"
	rm "$WORK/listens"
	in_ns W python3 -c '
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sendto(b"x", ("10.0.0.255", 9999))'
	wait $!
}
