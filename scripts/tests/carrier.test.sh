# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Carrier and operational state (statements B16 to B20).
# shellcheck disable=SC2034
RELEASE="b16_*"

both_are() {
	[ "$(state S foo)" = "BROADCAST,MULTICAST$1" ] &&
		[ "$(state "${BAR_NS-S}" bar)" = "BROADCAST,MULTICAST$2" ]
}

# both FOO BAR: what follows "BROADCAST,MULTICAST" in their state, once settled.
both() {
	local end=$((SECONDS + 10))

	until both_are "$@"; do
		((SECONDS < end)) ||
			fail "foo: $(state S foo), bar: $(state "${BAR_NS-S}" bar); wanted $1 and $2"
		sleep 0.05
	done
}

test_b18_carrier_is_on_iff_both_ends_are_up() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	ip -n S link set foo up
	same "carrier with one end up" "$(sysfs S foo carrier)" 0
	ip -n S link set bar up
	same "carrier with both up" "$(sysfs S foo carrier ../bar/carrier)" "1 1"
	ip -n S link set foo down
	same "carrier of the other" "$(sysfs S bar carrier)" 0
	ip -n S link set foo up
	same "carrier again" "$(sysfs S foo carrier ../bar/carrier)" "1 1"
	ip -n S link set bar down
	same "carrier of the first" "$(sysfs S foo carrier)" 0
}

test_b18_carrier_counters() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	ip -n S link set foo up
	ip -n S link set bar up
	gives "2 1 1" rtnl S get foo carrier_changes carrier_up carrier_down
	gives "2 1 1" rtnl S get bar carrier_changes carrier_up carrier_down
	ip -n S link set foo down
	gives "3 1 2" rtnl S get foo carrier_changes carrier_up carrier_down
	gives "3 1 2" rtnl S get bar carrier_changes carrier_up carrier_down
	ip -n S link set foo up
	gives "4 2 2" rtnl S get bar carrier_changes carrier_up carrier_down
}

test_b20_operstate_in_one_namespace() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	both " DOWN" " DOWN"
	ip -n S link set foo up
	same "one end up" "$(state S foo)" "NO-CARRIER,BROADCAST,MULTICAST,UP LOWERLAYERDOWN"
	same "the other" "$(state S bar)" "BROADCAST,MULTICAST DOWN"
	ip -n S link set bar up
	both ",UP,LOWER_UP UP" ",UP,LOWER_UP UP"
	ip -n S link set foo down
	same "the first down" "$(state S foo)" "BROADCAST,MULTICAST DOWN"
	same "the other" "$(state S bar)" "NO-CARRIER,BROADCAST,MULTICAST,UP LOWERLAYERDOWN"
}

test_b20_operstate_across_namespaces() {
	ns S B
	# Nothing in S has the index of the far end: not found is DOWN.
	gives OK rtnl S new kind:"$KIND" index:70 name:foo peer index:71 nsfd:/run/netns/B name:bar end
	ip -n S link set foo up
	gives "NO-CARRIER,BROADCAST,MULTICAST,UP DOWN" state S foo
	BAR_NS=B
	ip -n B link set bar up
	both ",UP,LOWER_UP UP" ",UP,LOWER_UP UP"
}

test_b19_changes_are_told_at_once() {
	local start end n

	ns S
	ip -n S link add foo type "$KIND" peer name bar
	ip -n S link set foo up
	start=$(date +%s%N)
	# A rate limit would allow one of these per second.
	for n in 1 2 3 4 5 6 7 8; do
		ip -n S link set bar up
		both ",UP,LOWER_UP UP" ",UP,LOWER_UP UP"
		ip -n S link set bar down
		end=$((SECONDS + 10))
		until [ "$(state S foo)" = "NO-CARRIER,BROADCAST,MULTICAST,UP LOWERLAYERDOWN" ]; do
			((SECONDS < end)) || fail "round $n: $(state S foo)"
			sleep 0.05
		done
	done
	n=$((($(date +%s%N) - start) / 1000000))
	note "16 changes in $n ms"
	[ "$KERNEL" = debug ] || ((n < 10000)) || fail "16 changes took $n ms"
}

test_b16_close_and_open_under_traffic() {
	local n

	ns S B
	joined S B
	traffic S B
	for n in 1 2 3 4 5 6 7 8; do
		ip -n S link set v0 down
		ip -n B link set v1 down
		ip -n B link set v1 up
		ip -n S link set v0 up
	done
	in_ns S ping -q -c 3 -i 0.05 -W 5 10.0.0.2
}
