# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Limits: how they are set, shown and refused, and how much they let pass.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
RELEASE="*_by_eight *_from_eight"
LIMIT=120
TAKES=40
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

MAC1=020000000001 MAC2=020000000002

set_limit() { ip -n S link set v0 type rnetvirt limit "$@"; }

# limits_of: as JSON shows them.
limits_of() { ip -n S -d -j link show v0 | jq -c '.[].linkinfo.info_data.limit'; }

# one FLAVOR: v0 on eth0, in S.
one() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 type rnetvirt flavor "$1"
}

# beds FLAVOR [WORDS...]: v0 in A, v1 in B, both on eth0 in S, whose wire ends in W; by number in S, too.
beds() {
	ns S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A address 02:00:00:00:00:01 type rnetvirt flavor "$@"
	ip -n S link add link eth0 name v1 netns B address 02:00:00:00:00:02 type rnetvirt flavor "$@"
	addressed A B
	ip -n W addr add 10.0.0.3/24 dev wire0
}

# limit NETNS NAME WORDS...
limit() { ip -n "$1" link set "$2" type rnetvirt limit "${@:3}"; }

lost() { in_ns "$1" ethtool -S "$2" | awk -v reason="$3:" '$1 == reason { print $2 }'; }

# within WANTED WORDS...: a second get through, as rate.py counts them, but for two in a hundred. Too many are
# never right; too few may be all that a busy machine has sent: so three tries.
within() {
	local wanted=$1 got try

	for try in 1 2 3; do
		got=$(python3 "$TESTS/rate.py" "${@:2}") || fail "rate.py: status $?"
		note "$got a second, wanted $wanted"
		awk -v got="$got" -v wanted="$wanted" 'BEGIN { exit !(got <= wanted * 1.02) }' || break
		awk -v got="$got" -v wanted="$wanted" 'BEGIN { exit !(got < wanted * 0.98) }' || return 0
	done
	fail "$got a second, wanted $wanted ($try tries)"
}

test_off_by_default() {
	local flavor

	for flavor in macvlan ipvlan macvtap ipvtap; do
		ns "S$flavor" "W$flavor"
		wired "S$flavor" "W$flavor"
		ip -n "S$flavor" link add link eth0 name v0 type rnetvirt flavor $flavor
		not grep -q limit <<<"$(ip -n "S$flavor" -d link show v0)" || fail "$flavor has limits"
		ip -n "S$flavor" link set v0 type rnetvirt limit rx-pps 7
		grep -q " limit rx-pps 7 rx-pps-burst 16 " <<<"$(ip -n "S$flavor" -d link show v0)" || fail "$flavor has none"
	done
}

test_are_set_shown_and_taken_off() {
	one macvlan
	set_limit tx-rate 100mbit rx-pps 2000 broadcast 100
	gives '{"tx_rate":12500000,"tx_burst":1250000,"rx_pps":2000,"rx_pps_burst":200,"broadcast":100}' limits_of
	grep -q " limit tx-rate 100mbit tx-burst 1250000 rx-pps 2000 rx-pps-burst 200 broadcast 100 " \
		<<<"$(ip -n S -d link show v0)" || fail "not shown so"
	# What is not said stays.
	set_limit tx-burst 64k rx-rate 1mbit
	gives '{"tx_rate":12500000,"tx_burst":65536,"rx_rate":125000,"rx_burst":65536,"rx_pps":2000,"rx_pps_burst":200,"broadcast":100}' limits_of
	# A burst goes with its limit, and is the usual one of a new limit.
	set_limit tx-rate off rx-pps 50 broadcast off
	gives '{"rx_rate":125000,"rx_burst":65536,"rx_pps":50,"rx_pps_burst":16}' limits_of
	set_limit rx-pps 50 rx-pps-burst 3
	gives '{"rx_rate":125000,"rx_burst":65536,"rx_pps":50,"rx_pps_burst":3}' limits_of
	set_limit off
	gives null limits_of
}

test_at_creation_without_a_flavor() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 type rnetvirt limit tx-rate 8mbit
	gives macvlan sh -c "nsenter --net=/run/netns/S ip -d -j link show v0 | jq -r '.[].linkinfo.info_data.flavor'"
	gives '{"tx_rate":1000000,"tx_burst":100000}' limits_of
	ip -n S link del v0
	ip -n S link add link eth0 name v0 type rnetvirt limit off mode l2
	gives ipvlan sh -c "nsenter --net=/run/netns/S ip -d -j link show v0 | jq -r '.[].linkinfo.info_data.flavor'"
	gives null limits_of
}

test_refusals() {
	one macvlan
	refused 'argument of "limit" must be "off", or some of' set_limit nonsense
	refused 'argument of "tx-rate" must be a rate' set_limit tx-rate 5
	refused 'a burst is of a limit, which is not set' set_limit tx-burst 64k
	refused 'a burst is of a limit, which is not set' set_limit tx-rate 1mbit rx-pps-burst 5
	refused 'limits go up to 50000000000 bytes or 200000000 packets a second' set_limit tx-rate 401gbit
	refused 'limits go up to 50000000000 bytes or 200000000 packets a second' set_limit rx-pps 200000001
	refused 'limits go up to 50000000000 bytes or 200000000 packets a second' set_limit broadcast 200000001
	gives null limits_of
	set_limit tx-rate 400gbit rx-pps 200000000
	refused 'is an option of flavor macvlan, not of veth' ip -n S link add x0 type rnetvirt flavor veth limit off
	errno "EINVAL flavor veth has no limits; use a queueing discipline" \
		S new kind:rnetvirt name:x0 data32:2:0 nest:8 data32:3:1 end
}

# A link of a container's, who may not change its limits.
test_only_who_administers_the_lower_device() {
	ns S W
	wired S W
	container
	ip -n S link add link eth0 name m0 netns $CONTAINER type rnetvirt flavor macvlan limit tx-pps 100
	refused "limits need CAP_NET_ADMIN in the lower device's" inside ip link set m0 type rnetvirt limit off
	refused "limits need CAP_NET_ADMIN in the lower device's" inside ip link set m0 type rnetvirt limit tx-pps 5000
	not grep -q limit <<<"$(inside ip -d link show m0)" || fail "he sees it"
	grep -q " limit tx-pps 100 tx-pps-burst 16 " <<<"$(nsenter -t $CONTAINER -n ip -d link show m0)" ||
		fail "the administrator does not see it"
}

# Whoever changes them, all in the link's namespace hear that something has changed, and not what.
test_nobody_hears_of_them() {
	local monitor

	ns S W
	wired S W
	container
	ip -n S link add link eth0 name m0 netns $CONTAINER type rnetvirt flavor macvlan
	inside ip link set m0 up
	inside ip -d monitor link >"$WORK/heard" &
	monitor=$!
	wait_for 10 eval 'inside ip link set m0 group 5; grep "group 5 " "$WORK/heard" >/dev/null'
	nsenter -t $CONTAINER -n ip link set m0 type rnetvirt limit tx-pps 100 guard arp
	nsenter -t $CONTAINER -n ip link set m0 mtu 1400
	wait_for 10 grep -q "mtu 1400" "$WORK/heard"
	kill $monitor
	wait $monitor || true
	not grep -E "limit|guard" "$WORK/heard" || fail "he hears it"
	grep -q "guard.* limit\|limit.* guard" <<<"$(nsenter -t $CONTAINER -n ip -d link show m0)" || fail "they are not set"
}

# A limit that this module does not know is not one that is set.
test_unknown_limits_are_refused() {
	ns S
	ip -n S link add eth0 up type dummy
	ip -n S link add link eth0 name v0 type rnetvirt
	errno "OK" S set kind:rnetvirt name:v0 nest:8 data32:3:100 end
	errno "EINVAL Unknown attribute type" S set kind:rnetvirt name:v0 nest:8 data32:10:1 end
	errno "EINVAL NLA_F_NESTED is missing" S set kind:rnetvirt name:v0 nestflat:8 data32:3:200 end
	errno "EINVAL invalid attribute length" S set kind:rnetvirt name:v0 nest:8 data:3:000000 end
	errno "EINVAL Unknown attribute type" S set kind:rnetvirt name:v0 nest:6 data32:9:1 end
	grep -q " limit tx-pps 100 " <<<"$(ip -n S -d link show v0)" || fail "a limit was changed"
}

# tx_pps FLAVOR PROCESSES WORDS...
tx_pps() {
	beds "${@:1:1}" "${@:3}"
	limit A v0 tx-pps 2000 tx-pps-burst 500
	within 2000 A v0 W wire0 $WIRE_MAC 100 "$2" 1.5 600
	(($(lost A v0 tx_limit) > 0)) || fail "nothing was lost"
}

test_exact_packets_sent_by_one() { tx_pps macvlan 1 mode bridge; }

test_exact_packets_sent_by_eight() { tx_pps macvlan 8 mode bridge; }

test_exact_packets_sent_by_ipvlan() { tx_pps ipvlan 2 mode l2; }

test_exact_bytes_sent() {
	beds macvlan mode bridge
	# 1250 frames of 1000 bytes.
	limit A v0 tx-rate 10mbit tx-burst 400k
	within 1250 A v0 W wire0 $WIRE_MAC 1000 2 1.5 500
	same "others" "$(lost B v1 rx_limit)" 0
}

test_exact_bytes_of_large_frames_sent() {
	beds macvlan mode bridge
	in_ns S ethtool -K eth0 tso on >/dev/null
	# 20 segments of 1000 bytes are 21080 on the wire.
	limit A v0 tx-rate 84320000bit tx-burst 2m
	within 500 A v0 W wire0 $WIRE_MAC 20054 2 1.5 150 gso:1000
}

test_exact_packets_of_large_frames_sent() {
	beds macvlan mode bridge
	limit A v0 tx-pps 10000 tx-pps-burst 4000
	within 500 A v0 W wire0 $WIRE_MAC 20054 2 1.5 250 gso:1000
}

test_exact_packets_received_from_the_wire() {
	beds macvlan mode bridge
	limit A v0 rx-pps 2000 rx-pps-burst 500
	within 2000 W wire0 A v0 $MAC1 100 1 1.5 600
	(($(lost A v0 rx_limit) > 0)) || fail "nothing was lost"
}

test_exact_packets_received_from_eight() {
	beds macvlan mode bridge
	limit A v0 rx-pps 2000 rx-pps-burst 500
	within 2000 B v1 A v0 $MAC1 100 8 1.5 600
}

test_exact_bytes_received() {
	beds macvlan mode bridge
	limit A v0 rx-rate 10mbit rx-burst 400k
	within 1250 B v1 A v0 $MAC1 1000 2 1.5 500
}

test_exact_copies_received() {
	beds ipvlan mode l2
	limit B v1 rx-pps 1000 rx-pps-burst 300
	within 1000 A v0 B v1 broadcast 100 2 1.5 400
	same "the sender's" "$(lost A v0 tx_limit)" 0
}

test_exact_broadcast() {
	beds macvlan mode bridge
	# Bursts are 100.
	limit A v0 broadcast 1000
	within 1000 A v0 B v1 broadcast 100 2 1.5 150
	(($(lost A v0 tx_limit_broadcast) > 0)) || fail "nothing was lost"
	same "as others" "$(lost A v0 tx_limit)" 0
}

# All ways in which a packet comes to a link end at its limit.
received_by() { # NETNS NAME CMD...
	local n

	limit "$1" "$2" rx-pps 1 rx-pps-burst 1
	for n in 1 2 3 4 5 6 7 8; do
		"${@:3}" >/dev/null
	done
	wait_for 5 test "$(lost "$1" "$2" rx_limit)" -ge 1
}

test_every_way_in() {
	beds macvlan mode bridge
	received_by A v0 frames send W wire0 peer:A:v0 100 5
	limit A v0 off
	received_by A v0 frames send W wire0 broadcast 100 5
	limit A v0 off
	received_by A v0 frames send B v1 peer:A:v0 100 5
	limit A v0 off
	received_by A v0 frames send B v1 broadcast 100 5
}

test_every_way_in_ipvlan() {
	local mode

	for mode in l2 l3 l3s; do
		beds ipvlan mode $mode trust on
		for n in 1 2; do
			in_ns S ip route replace 10.0.0.$n dev eth0 2>/dev/null || true
		done
		ip -n S link set lo up
		limit A v0 rx-pps 1 rx-pps-burst 1
		in_ns B ping -q -c 8 -i 0.01 -W 1 10.0.0.1 >/dev/null || true
		(($(lost A v0 rx_limit) > 0)) || fail "$mode: from a sibling"
		limit A v0 off
		if [ $mode = l2 ]; then
			reaches W 10.0.0.1
		else
			ip -n W neigh replace 10.0.0.1 lladdr 02:00:00:00:0a:00 dev wire0
		fi
		limit A v0 rx-pps 1 rx-pps-burst 1
		before=$(lost A v0 rx_limit)
		in_ns W ping -q -c 8 -i 0.01 -W 1 10.0.0.1 >/dev/null || true
		(($(lost A v0 rx_limit) > before)) || fail "$mode: from the wire"
		for n in S W A B; do
			ip netns del $n
		done
	done
}

# A sender who uses up his limits still finds neighbours.
test_neighbours_are_found_in_a_flood() {
	local n

	beds macvlan mode bridge
	limit A v0 broadcast 1
	for n in 1 2 3 4 5; do
		frames send A v0 broadcast 100 200 >/dev/null
		ip -n A neigh flush dev v0
		# One request each: without an answer the ping would fail.
		in_ns A ping -q -c 1 -W 1 10.0.0.2 >/dev/null || fail "ARP found no room"
	done
	(($(lost A v0 tx_limit_broadcast) > 900)) || fail "the flood was not limited"
}

test_neighbours_are_found_at_a_limit() {
	local n before

	beds macvlan mode bridge
	limit A v0 tx-pps 1 tx-pps-burst 1
	limit B v1 rx-pps 1 rx-pps-burst 1
	for n in 1 2 3; do
		frames send A v0 other 100 20 >/dev/null
		frames send W wire0 peer:B:v1 100 20 >/dev/null
		ip -n A neigh flush dev v0
		in_ns A ping -q -c 1 -W 0.2 10.0.0.2 >/dev/null || true
		wait_for 3 grep -q lladdr <<<"$(ip -n A neigh show 10.0.0.2)"
	done
}

test_neighbours_are_found_at_a_limit_ipv6() {
	local n

	ns S W A B
	ipv6_on A B
	wired S W
	ip -n S link add link eth0 name v0 netns A address 02:00:00:00:00:01 type rnetvirt flavor macvlan
	ip -n S link add link eth0 name v1 netns B address 02:00:00:00:00:02 type rnetvirt flavor macvlan
	addressed A B
	limit A v0 broadcast 1 tx-pps 1 tx-pps-burst 1
	for n in 1 2 3; do
		frames send A v0 broadcast 100 50 >/dev/null
		ip -n A neigh flush dev v0
		in_ns A ping -6 -q -c 1 -W 0.2 fd00::2 >/dev/null || true
		grep -q lladdr <<<"$(ip -n A neigh show fd00::2)" || fail "not found"
	done
}

test_a_flood_of_arp_is_limited_too() {
	beds macvlan mode bridge
	limit A v0 broadcast 10
	# 17 of the limit, 51 of the allowance, and what comes meanwhile.
	frames asks A v0 $MAC1 0 10.0.0.9 1 B/v1 >/dev/null
	python3 - <<-PY
		import sys
		sys.path.insert(0, "$TESTS")
		from frames import packet_socket
		out = packet_socket("A", "v0", 0)
		data = bytes.fromhex("ffffffffffff$MAC1" "0806" "0001080006040001" "$MAC1" "0a000001" "000000000000" "0a000009") + bytes(18)
		for _ in range(2000):
		    try:
		        out.send(data)
		    except OSError:
		        pass
	PY
	(($(lost A v0 tx_limit_broadcast) > 1500)) || fail "only $(lost A v0 tx_limit_broadcast) were lost"
}

test_what_the_guard_drops_takes_nothing() {
	beds macvlan mode bridge
	ip -n A link set v0 type rnetvirt guard mac limit tx-pps 1 tx-pps-burst 5
	for _ in 1 2 3 4 5 6 7 8 9; do
		gives nobody frames who A v0 020000000077 $WIRE_MAC 0 W/wire0
	done
	gives sent frames send A v0 other 100 5
	same "guard" "$(lost A v0 tx_guard_mac)" 9
}

# l3_of_100_packets MTU: v0 in A may send 100 packets at once, to W's 10.0.0.3.
l3_of_100_packets() {
	ns S W A
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor ipvlan mode l3 limit tx-pps 1 tx-pps-burst 100
	ip -n A link set v0 up mtu "$1"
	ip -n A addr add 10.0.0.1/24 dev v0
	ip -n S addr add 10.0.0.9/24 dev eth0
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n A neigh replace 10.0.0.3 lladdr 02:00:00:00:00:0f dev v0 nud permanent
	reaches S 10.0.0.3
}

# Mode l3 has the host cut what is longer than the lower device can.
test_fragments_are_counted() {
	l3_of_100_packets 65535
	nsenter --net=/run/netns/A python3 -c "
import socket
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
# IP_MTU_DISCOVER: never
out.setsockopt(socket.IPPROTO_IP, 10, 0)
for _ in range(100):
    try:
        out.sendto(bytes(14000), ('10.0.0.3', 9))
    except OSError:
        pass"
	# Ten frames each.
	note "$(lost A v0 tx_limit) of 100 lost"
	(($(lost A v0 tx_limit) >= 85))
	(($(lost A v0 tx_limit) <= 90))
}

# It cuts large packets into segments first, and then what is longer than the lower device can, one by one.
test_fragments_of_segments_are_counted() {
	l3_of_100_packets 1600
	nsenter --net=/run/netns/A python3 -c "
import socket
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
# IP_MTU_DISCOVER: never; UDP_SEGMENT
out.setsockopt(socket.IPPROTO_IP, 10, 0)
out.setsockopt(socket.IPPROTO_UDP, 103, 1480)
for _ in range(20):
    try:
        out.sendto(bytes(14800), ('10.0.0.3', 9))
    except OSError:
        pass"
	# Ten segments of two fragments each; the last of those that leave takes what is left.
	same "lost" "$(lost A v0 tx_limit)" 14
}

test_a_tap_has_limits() {
	. "$TOP/scripts/tests/tap.sh"
	bed
	exec 5<>/dev/tap101
	limit S t0 rx-pps 1 rx-pps-burst 2
	gives sent frames send M m0 peer:S:t0 100 6
	wait_for 5 test "$(lost S t0 rx_limit)" = 3
	exec 5<&-
}

test_changes_under_traffic() {
	pair_of bridge
	traffic A B W
	wait_for 10 flows A v0
	for _ in $(rounds 60); do
		limit A v0 tx-rate 100mbit rx-pps 100000 broadcast 100
		limit A v0 rx-rate 1gbit tx-pps 50
		limit A v0 off
	done
	flows A v0
	quiet
}
