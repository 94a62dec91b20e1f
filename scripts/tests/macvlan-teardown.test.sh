# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# macvlan: what happens to the lower device, to endpoints and to namespaces while
# frames are on their way (macvlan's statements A6 to A8, D6 to D8, F).
# shellcheck disable=SC2034,SC2153
KINDS="macvlan rnetvirt"
LIMIT=180
RELEASE="*"
TAKES=60
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

test_d6_lower_deleted_under_traffic() {
	local n

	for n in $(rounds 3); do
		pair_of bridge
		endpoint S eth0 s0 source netns A up
		endpoint S eth0 p0 private up
		everything_flows
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

test_d6_lower_moves_and_returns_under_traffic() {
	local n

	pair_of bridge
	ns C
	for n in $(rounds 3); do
		everything_flows
		ip -n S link set eth0 netns C
		has A v0 && has B v1
		ip -n C link set eth0 up
		flows A v0
		ip -n C link set eth0 netns S
		ip -n S link set eth0 up
		quiet
	done
	gives "$(ifindex S eth0)" rtnl A get v0 link
	# A move empties the lower device's lists; what is above fills them again.
	for n in A:v0 B:v1; do
		ip -n "${n%:*}" link set "${n#*:}" down
		ip -n "${n%:*}" link set "${n#*:}" up
	done
	reaches A 10.0.0.2
	reaches A 10.0.0.3
	reaches W 10.0.0.2
}

no_carrier() {
	case $(state "$1" "$2") in
	NO-CARRIER,*) ;;
	*) return 1 ;;
	esac
}

test_d7_lower_down_and_up_under_traffic() {
	local n

	pair_of vepa
	for n in $(rounds 3); do
		traffic A B W
		flows A v0
		ip -n S link set eth0 down
		wait_for 10 no_carrier A v0
		wait_for 10 no_carrier B v1
		ip -n S link set eth0 up
		wait_for 10 not no_carrier A v0
		quiet
		reaches A 10.0.0.3
		reaches W 10.0.0.2
	done
}

test_d6_lower_mtu_under_traffic() {
	local n mtu

	pair_of bridge
	everything_flows
	for mtu in 1400 900 68 1000; do
		ip -n S link set eth0 mtu "$mtu"
	done
	# Never more than the lower device's, and not more by itself.
	gives 68 rtnl A get v0 mtu
	gives 68 rtnl B get v1 mtu
	errno EINVAL A set name:v0 mtu:1001
	ip -n A link set v0 mtu 1000
	ip -n S link set eth0 mtu 1500
	gives 1000 rtnl A get v0 mtu
	ip -n A link set v0 mtu 1500
	ip -n B link set v1 mtu 1500
	flows A v0
	quiet
	reaches A 10.0.0.2
}

test_d6_who_is_told_of_an_mtu_is_told_the_limits() {
	limits_are_told bridge
}

test_d6_mtu_that_users_could_not_set() {
	[ "$KIND" = rnetvirt ] || skip "it keeps one that is too large"
	needs dummy
	ns S
	ip -n S link add d0 type dummy
	endpoint S d0 v0 bridge
	ip -n S link set d0 mtu 60
	gives 60 rtnl S get v0 mtu
	refused "mtu less than device minimum" ip -n S link set v0 mtu 59
}

test_d8_lower_address_under_traffic() {
	local n

	pair_of bridge
	everything_flows
	for n in $(rounds 9); do
		ip -n S link set eth0 address "02:00:00:00:0c:0$n"
	done
	gives 02:00:00:00:00:01 rtnl A get v0 address
	flows A v0
	quiet
	reaches W 10.0.0.2
	# It takes what is for its new address, and is no endpoint by it.
	gives "S/eth0 host" who W wire0 "$WIRE_MAC" "020000000c0$n" 1 S/eth0 A/v0 B/v1
}

test_d8_endpoint_address_under_traffic() {
	local n

	pair_of bridge
	traffic A B W
	flows A v0
	for n in $(rounds 9); do
		ip -n A link set v0 address "02:00:00:00:0d:0$n"
		ip -n B link set v1 address "02:00:00:00:0e:0$n"
	done
	quiet
	gives "A/v0 host" who W wire0 "$WIRE_MAC" "020000000d0$n" 1 A/v0 B/v1
	# The former ones are nobody's.
	gives nobody who W wire0 "$WIRE_MAC" 020000000001 0 A/v0 B/v1
	# A pair cannot filter: with secondary addresses it receives everything.
	gives "1
02:00:00:00:0d:0$n
02:00:00:00:0e:0$n" lists_of_endpoints
	# Nobody told them of the other's last address: what they have learnt may be good for 45 s.
	ip -n A neigh flush dev v0
	ip -n B neigh flush dev v1
	reaches A 10.0.0.2
}

# Without the lower device's own address, which a fdb may show as well.
lists_of_endpoints() { lists S eth0 | grep -v 02:00:00:00:0a:00; }

test_a8_endpoints_move_and_are_renamed_under_traffic() {
	local n

	pair_of bridge
	ns C
	for n in $(rounds 3); do
		everything_flows
		ip -n A link set v0 netns C name moved
		ip -n C link set moved up
		ip -n C link set moved down
		ip -n C link set moved name w
		ip -n C link set w netns A name v0
		quiet
		ip -n A addr add 10.0.0.1/24 dev v0
		ip -n A link set v0 up
		gives "$(ifindex S eth0)" rtnl A get v0 link
	done
	reaches A 10.0.0.2
	reaches W 10.0.0.1
}

test_a6_modes_change_under_traffic() {
	local to

	pair_of bridge
	everything_flows
	# From each mode to each other one.
	for to in vepa private source vepa bridge private vepa source private bridge source bridge; do
		change A v0 mode $to
		change B v1 mode $to
	done
	no_change EINVAL A v0 "$(mode passthru)"
	gives 4 rtnl A get v0 mode
	flows A v0
	quiet
	reaches A 10.0.0.2
	reaches W 10.0.0.1
}

test_a7_sources_and_queue_change_under_traffic() {
	local n

	pair_of bridge
	endpoint S eth0 s0 source up
	everything_flows
	for n in $(rounds 3); do
		change S s0 macaddr add 02:00:00:00:0b:00
		change S s0 macaddr add 02:00:00:00:00:01
		change S s0 macaddr add 02:00:00:00:00:01
		change A v0 bcqueuelen 0
		gives OK settings B v1 data32:9:-1
		gives "2 02:00:00:00:00:01,02:00:00:00:0b:00 -1" rtnl S get s0 count sources bccutoff
		gives OK settings S s0 data32:3:1 data:4:020000000b00
		change S s0 bcqueuelen $((1000 + n))
		gives "1 02:00:00:00:00:01 $((1000 + n)) -1" rtnl S get s0 count sources bcqueuelenused bccutoff
		gives OK settings S s0 data32:3:3 sources:020000000b00,020000000002,020000000003
		change B v1 bcqueuelen 1
		gives OK settings B v1 data32:9:3
		change S s0 macaddr flush
		gives OK settings B v1 data32:9:1
		gives "0 - 16" rtnl S get s0 count sources mode
	done
	change S s0 macaddr add 02:00:00:00:0b:00
	flows S s0
	quiet
	# Leaving the mode empties the list, for good.
	change S s0 mode vepa
	change S s0 mode source
	gives "0 -" rtnl S get s0 count sources
	# The longest wish goes with its device.
	ip -n S link del s0
	gives "0 1" rtnl A get v0 bcqueuelen bcqueuelenused
}

test_a8_namespaces_of_endpoints_die_under_traffic() {
	local n

	for n in $(rounds 3); do
		pair_of bridge
		# From outside: a process in a namespace would keep it.
		traffic W
		nsenter --net=/run/netns/W ping -b -q -i $PACE -s 100 10.0.0.255 >/dev/null 2>&1 &
		TRAFFIC+=($!)
		flows A v0
		flows B v1
		ip netns del B
		flows A v0
		# What the dead one asked of the lower device is gone with it.
		wait_for 10 same_lists "1 02:00:00:00:00:01"
		ip netns del A
		wait_for 10 same_lists 0
		flows S eth0
		quiet
		wait_for 10 port_gone S eth0
		printf 'netns del %s\n' S W | ip -batch -
	done
}

same_lists() { [ "$(lists S eth0 | grep -v 02:00:00:00:0a:00 | xargs)" = "$1" ]; }

test_d6_namespace_of_the_lower_dies_under_traffic() {
	local n

	for n in $(rounds 3); do
		pair_of bridge
		everything_flows
		ip netns del S
		wait_for 10 empty A B
		quiet
		printf 'netns del %s\n' W A B | ip -batch -
	done
}

test_d6_all_namespaces_die_at_once_under_traffic() {
	local n

	for n in $(rounds 3); do
		pair_of bridge
		endpoint S eth0 s0 vepa up
		everything_flows
		printf 'netns del %s\n' S W A B | ip -batch -
		quiet
	done
}

test_a8_endpoint_deleted_under_traffic() {
	local n

	pair_of bridge
	for n in $(rounds 5); do
		everything_flows
		ip -n B link del v1
		flows A v0
		quiet
		endpoint S eth0 v1 bridge netns B address 02:00:00:00:00:02
		ip -n B addr add 10.0.0.2/24 dev v1
		ip -n B link set v1 up
	done
	reaches A 10.0.0.2
}

test_f_port_comes_and_goes_under_traffic() {
	local n

	# The only endpoint: with it goes the port, whose queue may not be empty.
	ns S W
	wired S W
	ip -n W addr add 10.0.0.3/24 dev wire0
	nsenter --net=/run/netns/W ping -b -q -i 0.001 -s 100 10.0.0.255 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	nsenter --net=/run/netns/W ping -b -q -i 0.001 -s 1400 10.0.0.255 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	flows S eth0
	for n in $(rounds 30); do
		endpoint S eth0 v0 bridge up
		# Not always long enough for anything to arrive.
		((n % 3)) || flows_a_little S v0
		ip -n S link del v0
	done
	for n in $(rounds 6); do
		# One that has frames put off for it, and none to take them.
		endpoint S eth0 v0 vepa
		gives OK settings S v0 data32:9:0
		ip -n S link set v0 up
		ip -n S link set v0 down
		ip -n S link del v0
	done
	quiet
	port_gone S eth0
}

flows_a_little() {
	wait_for 10 more_than 0 "$1" "$2"
}

test_f_sockets_outlive_the_endpoints() {
	pair_of bridge
	in_ns S tcpdump -q -n -i eth0 -w /dev/null >/dev/null 2>&1 &
	in_ns A tcpdump -q -n -i v0 -w /dev/null >/dev/null 2>&1 &
	in_ns B tcpdump -q -n -i v1 -w /dev/null >/dev/null 2>&1 &
	in_ns B iperf3 -s >/dev/null 2>&1 &
	wait_for 10 in_ns B sh -c 'ss -Hltn | grep -q :5201'
	in_ns A iperf3 -t 60 -c 10.0.0.2 >/dev/null 2>&1 &
	flows B v1
	ip -n B link del v1
	flows_a_little A v0
	ip -n S link del eth0
	empty S A B
}

test_a1_unload_with_endpoints_and_traffic() {
	local n

	for n in $(rounds 3); do
		load_kind
		pair_of bridge
		endpoint S eth0 s0 source up
		change S s0 macaddr add 02:00:00:00:0b:00
		ip -n S link add dummy0 up type dummy
		endpoint S dummy0 only passthru up
		everything_flows
		rmmod "$KIND"
		quiet
		same "S" "$(names S | tr ' ' '\n' | sort | xargs)" "dummy0 eth0"
		empty A B || fail "A: $(names A), B: $(names B)"
		gives "0" rtnl S get eth0 promiscuity
		gives "0" rtnl S get dummy0 promiscuity
		port_gone S eth0
		port_gone S dummy0
		printf 'netns del %s\n' S W A B | ip -batch -
	done
	load_kind
}

test_a1_unload_while_endpoints_are_made() {
	local n pid made=0

	ns S
	ip -n S link add dummy0 up type dummy
	for n in $(rounds 3); do
		load_kind
		# shellcheck disable=SC2016
		bash -c 'for n in {1..200}; do
			ip -n S link add link dummy0 up type $0 mode bridge || exit 0; done' "$TYPE" 2>/dev/null &
		pid=$!
		wait_for 10 several S
		made=$((made + $(names S | wc -w) - 1))
		rmmod "$KIND"
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
		gives dummy0 names S
		port_gone S dummy0
	done
	note "about $made endpoints"
	load_kind
}

several() { [ "$(names "$1" | wc -w)" -gt 3 ]; }
