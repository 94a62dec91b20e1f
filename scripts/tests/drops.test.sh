# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What links lose, by reason.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
TAKES=15
# shellcheck source=/dev/null
. "$TOP/scripts/tests/tap.sh"

# lost NETNS DEVICE: "REASON N ..." of what is not zero, from ethtool.
lost() {
	in_ns "$1" ethtool -S "$2" | awk -F '[: ]+' '$3 > 0 { printf "%s%s %s", sep, $2, $3; sep = " " }'
}

# told NETNS DEVICE: the same from `ip`.
told() {
	in_ns "$1" ip -s -d -j link show dev "$2" |
		jq -r '[.[].linkinfo.info_xstats // {} | to_entries[] | "\(.key) \(.value)"] | join(" ")'
}

# lost_exactly NETNS DEVICE WANTED: both say so.
lost_exactly() {
	same "ethtool -S $2" "$(lost "$1" "$2")" "$3"
	same "ip -s -d -j link show $2" "$(told "$1" "$2")" "$3"
}

# counted NETNS DEVICE FILE...
counted() {
	local files=("${@:3}")

	sysfs "$1" "$2" "${files[@]/#/statistics/}"
}

# with_backlog N CMD...: while N packets may wait on a CPU.
with_backlog() {
	local was status=0

	was=$(sysctl -n net.core.netdev_max_backlog)
	sysctl -qw "net.core.netdev_max_backlog=$1"
	"${@:2}" || status=$?
	sysctl -qw "net.core.netdev_max_backlog=$was"
	return $status
}

test_nothing_lost_is_nothing_said() {
	ipvlan_beds l2
	reaches A 10.0.0.2
	same "ethtool -S" "$(lost A v0)" ""
	gives null sh -c "nsenter --net=/run/netns/A ip -s -d -j link show v0 | jq -c '.[].linkinfo.info_xstats'"
	not grep -q lost: <<<"$(in_ns A ip -s -d link show v0)" || fail "text for nothing"
}

test_names_are_those_of_ip() {
	local names

	ipvlan_beds l2
	names=$(in_ns A ethtool -S v0 | awk -F '[: ]+' 'NR > 1 { print $2 }')
	same "how many" "$(wc -l <<<"$names")" 27
	same "twice" "$(sort <<<"$names" | uniq -d)" ""
}

test_isolated() {
	ipvlan_beds l2 private
	gives "refused x1" frames packet A v0 10.0.0.1 10.0.0.2
	lost_exactly A v0 "tx_isolated 1"
	same "of who was not to hear" "$(lost B v1)" ""
}

test_to_a_group_in_mode_l3() {
	ipvlan_beds l3
	gives "refused x3" frames send A v0 multicast 100 3
	lost_exactly A v0 "tx_group 3"
	gives "0 3" counted A v0 tx_packets tx_dropped
}

test_a_source_of_somebody_else() {
	ipvlan_beds l3
	gives "refused x1" frames packet A v0 10.0.0.2 192.0.2.1
	lost_exactly A v0 "tx_source 1"
}

test_for_the_host() {
	ipvlan_beds l2
	gives "refused x1" frames packet A v0 10.0.0.1 192.0.2.1
	lost_exactly A v0 "tx_host 1"
}

test_the_lower_device_takes_nothing() {
	ns S W A
	wired S W
	TYPE="rnetvirt flavor macvlan"
	endpoint S eth0 v0 bridge netns A
	ip -n A link set v0 up
	in_ns S tc qdisc add dev eth0 clsact
	in_ns S tc filter add dev eth0 egress matchall action drop
	gives "refused x4" frames send A v0 other 100 4
	lost_exactly A v0 "tx_lower 4"
	gives "0 4" counted A v0 tx_packets tx_dropped
	in_ns S tc qdisc del dev eth0 clsact
	gives "sent" frames send A v0 other 100 5
	lost_exactly A v0 "tx_lower 4"
	gives "5 4" counted A v0 tx_packets tx_dropped
}

test_flow_control_is_the_wires() {
	ipvlan_beds l2
	gives sent frames pause A v0
	lost_exactly A v0 "pause 1"
	gives 0 counted A v0 tx_dropped
}

test_longer_than_the_receiver_takes() {
	ipvlan_beds l3
	ip -n B link set v1 mtu 600
	gives sent frames packet A v0 10.0.0.1 10.0.0.2
	not in_ns A ping -q -c 2 -i 0.1 -W 1 -s 1000 10.0.0.2 >/dev/null || fail "passed"
	lost_exactly B v1 "rx_refused 2"
	gives 2 counted B v1 rx_errors
	same "of the sender" "$(lost A v0)" ""
}

test_a_full_backlog_loses_copies() {
	local n

	ns S W A B
	wired S W
	TYPE="rnetvirt flavor macvlan"
	endpoint S eth0 v0 bridge netns A
	ip -n A link set v0 up
	for n in 1 2 3; do
		endpoint S eth0 "v$n" bridge netns B
		ip -n B link set "v$n" up
	done
	change A v0 bclim -1
	# The wire has no room either.
	with_backlog 0 frames send A v0 broadcast 100 1 >/dev/null
	# One waits, whoever comes next is too many: in order.
	same "copies and losses" "$(in_ns B sh -c 'for d in v1 v2 v3; do ethtool -S $d; done' |
		awk '/rx_backlog/ { n += $2 } END { print n }')" 2
}

test_no_room_to_wait_is_the_senders_loss() {
	local n

	ns S W A B
	wired S W
	TYPE="rnetvirt flavor macvlan"
	endpoint S eth0 v0 bridge netns A
	change A v0 bcqueuelen 0
	ip -n A link set v0 up
	for n in 1 2; do
		endpoint S eth0 "v$n" bridge netns B
		change B "v$n" bcqueuelen 0
		ip -n B link set "v$n" up
	done
	gives sent with_backlog 8 frames send A v0 broadcast 100 3
	lost_exactly A v0 "copies 3"
	# They went out all the same.
	gives "3 0" counted A v0 tx_packets tx_dropped
}

test_a_reader_that_does_not_read() {
	bed
	ip -n S link set t0 txqueuelen 2
	exec 5<>/dev/tap101
	gives sent frames send M m0 peer:S:t0 100 6
	wait_for 5 test "$(lost S t0)" = "tap_ring 4"
	lost_exactly S t0 "tap_ring 4"
	gives "6 4" counted S t0 rx_packets rx_errors
	exec 5<&-
}

test_a_header_that_does_not_fit() {
	bed
	exec 5<>/dev/tap101
	not dd if=/dev/zero bs=4 count=1 1>&5 2>/dev/null || fail "taken"
	lost_exactly S t0 "tx_write 1"
	exec 5<&-
}

# All that is sent is counted once, as sent or with a reason.
test_what_goes_in_comes_out_or_has_a_reason() {
	local sent=0 packets dropped lost

	ipvlan_beds l3
	for _ in 1 2 3; do
		frames send A v0 multicast 100 7 >/dev/null
		frames packet A v0 10.0.0.2 192.0.2.1 >/dev/null
		frames packet A v0 10.0.0.1 10.0.0.2 >/dev/null
		frames packet A v0 10.0.0.1 192.0.2.1 >/dev/null
		sent=$((sent + 10))
	done
	read -r packets dropped <<<"$(counted A v0 tx_packets tx_dropped)"
	lost=$(in_ns A ethtool -S v0 | awk '/ tx_/ { n += $2 } END { print n }')
	same "sent or lost" $((packets + lost)) "$sent"
	same "dropped" "$dropped" "$lost"
}

test_losses_move_with_the_link() {
	ipvlan_beds l3
	frames send A v0 multicast 100 3 >/dev/null
	ip -n A link set v0 netns B
	lost_exactly B v0 "tx_group 3"
}
