# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a tenant's traffic control says of packets, and keeps of others': not beyond his namespace. A is who tries.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
TAKES=40
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"
# shellcheck source=/dev/null
. "$TESTS/xdp.sh"

# by_ifb DEVICE CMD...: a frame that CMD has A send by the device comes back from an ifb, for which classifiers
# are not asked again; by then there is none there that would take that for itself.
by_ifb() {
	ip -n A link add ifb7 up type ifb
	in_ns A tc qdisc add dev ifb7 root netem delay 3s
	in_ns A tc qdisc add dev "$1" clsact
	in_ns A tc filter add dev "$1" egress matchall action mirred egress redirect dev ifb7
	"${@:2}" >/dev/null
	wait_for 5 in_ifb "backlog [0-9]*b 1p"
	in_ns A tc qdisc del dev "$1" clsact
	in_ifb "backlog [0-9]*b 1p" || fail "it was not deleted in time"
	wait_for 10 in_ifb "Sent [0-9]* bytes 1 pkt"
	sleep 0.3
	ip -n A link del ifb7
}

in_ifb() { in_ns A tc -s qdisc show dev ifb7 | grep "$1" >/dev/null; }

test_rules_of_the_lower_device_hold() {
	local flavor before

	needs ifb
	for flavor in "macvlan mode bridge" "ipvlan mode l2" "ipvlan mode l3"; do
		ns S W A
		wired S W
		# shellcheck disable=SC2086
		ip -n S link add link eth0 name v0 netns A type rnetvirt flavor $flavor
		ip -n A link set v0 up
		ip -n A addr add 10.0.0.1/24 dev v0
		ip -n S addr add 10.0.0.9/24 dev eth0
		ip -n W addr add 10.0.0.3/24 dev wire0
		ip -n A neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev v0 nud permanent
		ip -n S neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev eth0 nud permanent
		carried S eth0
		before=$(sysfs W wire0 statistics/rx_packets)
		by_ifb v0 frames says A v0 "$(mac A v0)" "$WIRE_MAC" 10.0.0.3 0
		gives $((before + 1)) sysfs W wire0 statistics/rx_packets
		in_ns S tc qdisc add dev eth0 clsact
		in_ns S tc filter add dev eth0 egress matchall action drop
		by_ifb v0 frames says A v0 "$(mac A v0)" "$WIRE_MAC" 10.0.0.3 0
		dropped S eth0 egress 1
		printf 'netns del %s\n' S W A | ip -batch -
	done
}

# dropped NETNS DEVICE ingress|egress N: how many its filters have by now.
dropped() { in_ns "$1" tc -s filter show dev "$2" "$3" | grep "(dropped $4," >/dev/null; }

test_rules_of_a_sibling_hold() {
	needs ifb
	TYPE=rnetvirt pair_of bridge
	in_ns B tc qdisc add dev v1 clsact
	in_ns B tc filter add dev v1 ingress matchall action drop
	by_ifb v0 frames send A v0 peer:B:v1 100 1
	dropped B v1 ingress 1
}

test_rules_of_the_other_end_of_a_pair_hold() {
	needs ifb
	ns A S
	TYPE=rnetvirt joined A S
	in_ns S tc qdisc add dev v1 clsact
	in_ns S tc filter add dev v1 ingress matchall action drop
	by_ifb v0 frames send A v0 peer:S:v1 100 1
	dropped S v1 ingress 1
}

test_redirected_packets_are_shown_to_generic_programs() {
	ns A S
	joined A S
	prog all count drop
	attach S v1 all xdpgeneric
	ip -n A link add d0 up type dummy
	in_ns A tc qdisc add dev d0 clsact
	in_ns A tc filter add dev d0 egress matchall action mirred egress redirect dev v0
	frames send A d0 peer:S:v1 100 5 >/dev/null
	wait_for 5 eval '[ "$(seen all)" = "5 500" ]'
}

# hoards NETNS DEVICE: it keeps what it receives.
hoards() {
	ip -n "$1" link add d0 up type dummy
	in_ns "$1" tc qdisc add dev d0 root tbf rate 8bit burst 2000 limit 100m
	in_ns "$1" tc qdisc add dev "$2" clsact
	in_ns "$1" tc filter add dev "$2" ingress matchall action mirred egress redirect dev d0
}

# answers NETNS ADDRESS: how many of 1000 datagrams a socket there is let send.
answers() {
	nsenter --net="/run/netns/$1" python3 -c "
import socket
out, sent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK), 0
for _ in range(1000):
    try:
        sent += out.sendto(bytes(500), ('$2', 9)) > 0
    except BlockingIOError:
        pass
print(sent)"
}

test_who_keeps_what_he_gets_keeps_no_socket() {
	local flavor

	for flavor in "macvlan mode bridge" "ipvlan mode l2" "ipvlan mode l3"; do
		ns S W A B
		wired S W
		# shellcheck disable=SC2086
		ip -n S link add link eth0 name v0 netns A type rnetvirt flavor $flavor
		# shellcheck disable=SC2086
		ip -n S link add link eth0 name v1 netns B type rnetvirt flavor $flavor
		addressed A B
		ip -n B neigh replace 10.0.0.1 lladdr "$(mac_colons A v0)" dev v1 nud permanent
		hoards A v0
		gives 1000 answers B 10.0.0.1
		printf 'netns del %s\n' S W A B | ip -batch -
	done
	ns A B
	joined A B
	ip -n B neigh replace 10.0.0.1 lladdr "$(mac_colons A v0)" dev v1 nud permanent
	hoards A v0
	gives 1000 answers B 10.0.0.1
	in_ns A ethtool -K v0 gro on
	gives 1000 answers B 10.0.0.1
}

# With GRO for UDP, packets wait in a ring, and in GRO, for a timer that the receiver has set.
test_nor_by_a_timer() {
	local timer

	ns A B
	joined A B
	ip -n B neigh replace 10.0.0.1 lladdr "$(mac_colons A v0)" dev v1 nud permanent
	in_ns A ethtool -K v0 gro on rx-gro-list on rx-udp-gro-forwarding on
	# shellcheck disable=SC2016  # expanded there
	for timer in napi_defer_hard_irqs=0 napi_defer_hard_irqs=2000000000; do
		ip netns exec A sh -c 'echo 9000000000000000000 >/sys/class/net/v0/gro_flush_timeout
			echo "${1#*=}" >/sys/class/net/v0/napi_defer_hard_irqs' - $timer
		gives 1000 answers B 10.0.0.1
		gives 1000 answers B 10.0.0.1
	done
	# The timer that runs is not the one that is set.
	ip netns exec A sh -c 'echo 0 >/sys/class/net/v0/gro_flush_timeout'
	gives 1000 answers B 10.0.0.1
}

# Where somebody is interested in what the lower device receives, packets go that way; and the first namespace is
# trusted with them.
test_nor_by_a_lower_device_of_the_first_namespace() {
	local got

	ns A B
	ip link add lower9 up type dummy
	ip link add link lower9 name v0 netns A type rnetvirt flavor macvlan mode bridge
	ip link add link lower9 name v1 netns B type rnetvirt flavor macvlan mode bridge
	addressed A B
	ip -n B neigh replace 10.0.0.1 lladdr "$(mac_colons A v0)" dev v1 nud permanent
	hoards A v0
	tc qdisc add dev lower9 clsact
	tc filter add dev lower9 ingress matchall action ok
	got=$(answers B 10.0.0.1)
	ip link del lower9
	same "answers" "$got" 1000
}

# What A's connection tracking knows of a packet is nothing for rules of the lower device's namespace.
test_a_connection_is_none_of_the_hosts() {
	local flavor

	for flavor in "macvlan mode bridge" "ipvlan mode l2" "ipvlan mode l3"; do
		ns S W A
		wired S W
		# shellcheck disable=SC2086
		ip -n S link add link eth0 name v0 netns A type rnetvirt flavor $flavor
		ip -n A link set v0 up
		ip -n A addr add 10.0.0.1/24 dev v0
		ip -n S link set lo up
		ip -n S route add 10.0.0.0/24 dev eth0
		ip -n S neigh replace 10.0.0.3 lladdr "$(mac_colons W wire0)" dev eth0 nud permanent
		ip -n A neigh replace 10.0.0.3 lladdr "$(mac_colons W wire0)" dev v0 nud permanent
		carried S eth0
		in_ns S tc qdisc add dev eth0 clsact
		in_ns S tc filter add dev eth0 egress prio 1 protocol ip flower ct_state +trk action drop
		in_ns S tc filter add dev eth0 egress prio 2 protocol ip matchall action ok
		# It tracks its own.
		in_ns A nft -f - <<-TXT
			table ip t {
				chain out {
					type filter hook output priority 0;
					ct state new counter
				}
			}
		TXT
		frames udp A 10.0.0.3 1234 9 10
		in_ns A nft list table ip t | grep "packets [1-9]" >/dev/null
		wait_for 5 passed S eth0 egress 10
		dropped S eth0 egress 0
		printf 'netns del %s\n' S W A | ip -batch -
	done
}

# passed NETNS DEVICE ingress|egress N: how many packets its filters have let go on by now.
passed() { in_ns "$1" tc -s filter show dev "$2" "$3" | grep "Sent [0-9]* bytes $4 pkt (dropped 0" >/dev/null; }

mac_colons() { ip -n "$1" -j link show "$2" | jq -r '.[].address'; }
mac() { mac_colons "$@" | tr -d :; }

# pcp NETNS PRIORITY: what the tag says in which W sees what that priority is sent with.
pcp() {
	python3 - <<-PY
		import socket, sys
		sys.path.insert(0, "$TESTS")
		from frames import PACKET_AUXDATA, SO_PRIORITY, SOL_PACKET, auxdata, frame, mac_of, packet_socket
		with packet_socket("W", "wire0", 3) as into, packet_socket("$1", "v0", 0) as out:
		    into.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
		    out.setsockopt(socket.SOL_SOCKET, SO_PRIORITY, $2)
		    out.send(frame(mac_of("W", "wire0"), mac_of("$1", "v0"), 100))
		    print(auxdata(into)[1][5] >> 13)
	PY
}

test_a_class_of_the_hosts_is_not_chosen() {
	needs 8021q
	ns S W A
	wired S W
	ip -n S link add link eth0 name lower up type vlan id 5 egress-qos-map 6:3 65552:5
	ip -n S link add link lower name v0 netns A type rnetvirt flavor macvlan mode bridge
	ip -n A link set v0 up
	carried A v0
	gives 3 pcp A 6
	# As that of a class, 1:10.
	gives 0 pcp A 65552
	ip -n S link add link lower name v0 type rnetvirt flavor macvlan mode bridge
	ip -n S link set v0 up
	carried S v0
	gives 5 pcp S 65552
}

# What the module notes of a packet that it puts off is an address in the kernel's memory.
test_nothing_is_noted_beside_what_was_put_off() {
	TYPE=rnetvirt pair_of vepa
	mkdir -p $PROGS
	xdp_in B tc $PROGS/notes v1 notes
	# A switch sends it back: it is put off, and not for its sender.
	gives "B/v1 broadcast" who W wire0 020000000001 ffffffffffff 1 A/v0 B/v1
	gives "1 0" xdp notes $PROGS/notes
}
