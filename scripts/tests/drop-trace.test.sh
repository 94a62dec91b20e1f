# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The tracepoint of what links lose: what it tells of each packet, and that it tells of all of them.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
TAKES=15
# shellcheck source=/dev/null
. "$TOP/scripts/tests/tap.sh"

TRACE=/sys/kernel/tracing/instances/rnetvirt-drop
EVENT=$TRACE/events/rnetvirt/rnetvirt_drop

# traced CMD...: what is told while it runs, a line for each packet, without what comes before the fields.
traced() {
	mkdir -p $TRACE
	: >$TRACE/trace
	echo 1 >$EVENT/enable
	"$@" >/dev/null || true
	echo 0 >$EVENT/enable
	sed -n 's/.* rnetvirt_drop: //p' $TRACE/trace
	rmdir $TRACE
}

# reasons: those of such lines, "REASON N ...", in the order of the names.
reasons() {
	sed 's/.* reason=\([^ ]*\) .*/\1/' | sort | uniq -c | awk '{ printf "%s%s %s", sep, $2, $1; sep = " " }'
}

# tells NETNS DEVICE REASON LEN PROTOCOL SOURCE DEST: the line that is wanted of an endpoint on S's eth0.
tells() {
	printf 'dev=%s ifindex=%s netns=%s lower=eth0 lower_ifindex=%s reason=%s len=%s protocol=0x%s source=%s dest=%s' \
		"$2" "$(ifindex "$1" "$2")" "$(stat -L -c %i "/run/netns/$1")" "$(ifindex S eth0)" "${@:3}"
}

# mac NETNS DEVICE
mac() { sysfs "$1" "$2" address; }

# without_address: the packet's address is its kernel's business.
without_address() { sed 's/ skbaddr=.*//'; }

# told_without_address CMD...
told_without_address() { traced "$@" | without_address; }

# macs [N]: v0 in A, and N (1) more in B, of flavor macvlan.
macs() {
	local n

	ns S W A B
	wired S W
	TYPE="rnetvirt flavor macvlan"
	endpoint S eth0 v0 bridge netns A
	ip -n A link set v0 up
	for ((n = 1; n <= ${1:-1}; n++)); do
		endpoint S eth0 "v$n" bridge netns B
		ip -n B link set "v$n" up
	done
}

test_of_a_packet_that_is_sent() {
	local told

	ipvlan_beds l3
	told=$(traced frames send A v0 multicast 100 1)
	same "told" "$(without_address <<<"$told")" \
		"$(tells A v0 tx_group 100 88b5 "$(mac A v0)" 01:00:00:00:00:09)"
	[[ $told =~ skbaddr=[0-9a-f]*[1-9a-f] ]] || fail "no packet: $told"
}

# What the core drops is gone when it says so: only its length is known.
test_of_a_packet_that_the_lower_device_drops() {
	macs
	in_ns S tc qdisc add dev eth0 clsact
	in_ns S tc filter add dev eth0 egress matchall action drop
	gives "$(tells A v0 tx_lower 321 0000 00:00:00:00:00:00 00:00:00:00:00:00)" \
		told_without_address frames send A v0 other 321 1
}

test_of_a_packet_for_a_sibling() {
	ipvlan_beds l3
	ip -n B link set v1 mtu 600
	gives "$(tells B v1 rx_refused 1042 0000 00:00:00:00:00:00 00:00:00:00:00:00)" \
		told_without_address in_ns A ping -q -c 1 -W 1 -s 1000 10.0.0.2
}

test_of_a_copy_for_which_there_is_no_room() {
	local was told

	macs 3
	change A v0 bclim -1
	was=$(sysctl -n net.core.netdev_max_backlog)
	sysctl -qw net.core.netdev_max_backlog=0
	told=$(traced frames send A v0 broadcast 99 1 | without_address)
	sysctl -qw "net.core.netdev_max_backlog=$was"
	# The wire has no room either.
	same "how many" "$(reasons <<<"$told")" "rx_backlog 2 tx_lower 1"
	while read -r line; do
		[[ $line == "dev=v"[123]" "*" lower=eth0 "*" len=99 protocol=0x88b5 source=$(mac A v0) dest=ff:ff:ff:ff:ff:ff" ]] ||
			fail "told: $line"
	done <<<"$(grep rx_backlog <<<"$told")"
}

# from_outside MODE: pings from the wire to A's v0, which may receive less.
from_outside() {
	local told

	ipvlan_beds "$1" limit rx-pps 1
	ip -n W addr add 10.0.0.9/24 dev wire0
	ip -n W link set wire0 up
	ip -n W neigh replace 10.0.0.1 lladdr "$(mac S eth0)" dev wire0
	told=$(traced in_ns W ping -q -f -c 40 -s 100 -w 5 10.0.0.1 | without_address | sort -u)
	same "told" "$told" "$(tells A v0 rx_limit 142 0800 "$(mac W wire0)" "$(mac S eth0)")"
}

test_of_a_packet_that_is_received() { from_outside l2; }
test_of_a_packet_that_is_received_in_mode_l3s() { from_outside l3s; }

test_of_a_frame_for_a_reader() {
	bed
	ip -n S link set t0 txqueuelen 2
	exec 5<>/dev/tap101
	gives "$(tells S t0 tap_ring 77 88b5 "$(mac M m0)" $TAP_MAC)" \
		told_without_address frames send M m0 peer:S:t0 77 3
	exec 5<&-
}

# Nothing is known of what was not a frame yet.
test_of_what_does_not_become_a_frame() {
	local told

	bed
	exec 5<>/dev/tap101
	told=$(traced dd if=/dev/zero bs=4 count=1 of=/dev/fd/5 2>/dev/null | without_address)
	same "told" "$told" "$(tells S t0 tx_write 0 0000 00:00:00:00:00:00 00:00:00:00:00:00)"
	exec 5<&-
}

many() {
	frames send A v0 multicast 100 3
	frames packet A v0 10.0.0.2 192.0.2.1
	frames packet A v0 10.0.0.1 10.0.0.2
	frames packet A v0 10.0.0.1 192.0.2.1
}

# Whatever is counted is told of, and nothing else.
test_tells_of_all_that_is_counted() {
	local before after told counted

	ipvlan_beds l3
	before=$(in_ns A ethtool -S v0)
	told=$(traced many | reasons)
	after=$(in_ns A ethtool -S v0)
	counted=$(paste <(sort <<<"$before") <(sort <<<"$after") |
		awk '$4 > $2 { sub(":", "", $1); printf "%s%s %d", sep, $1, $4 - $2; sep = " " }')
	same "told and counted" "$told" "$counted"
	grep -q "tx_group 3" <<<"$told" || fail "told: $told"
}

test_guard_and_limit_have_their_names() {
	local told

	ipvlan_beds l2 guard ip guard-addr set 10.0.0.1,10.0.0.2 limit tx-pps 1
	told=$(traced frames packet A v0 10.0.0.66 10.0.0.2 | without_address)
	same "guard" "$told" "$(tells A v0 tx_guard_ip 46 0800 "$(mac A v0)" "$(mac A v0)")"
	told=$(traced in_ns A ping -q -f -c 40 -w 5 10.0.0.2 | reasons)
	[[ $told =~ ^tx_limit\ [0-9]+$ ]] || fail "limit: $told"
}

test_unload_while_traced() {
	local told

	ipvlan_beds l3
	mkdir -p $TRACE
	echo 1 >$EVENT/enable
	frames send A v0 multicast 100 1
	rmmod rnetvirt
	[ ! -e $EVENT ] || fail "the event is still there"
	rmdir $TRACE
	load_kind
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor ipvlan mode l3
	ip -n A link set v0 up
	told=$(traced frames send A v0 multicast 100 1 | reasons)
	same "told" "$told" "tx_group 1"
}

# Filters are of the core; that they find the fields is what is shown.
test_one_reason_of_one_link() {
	local told

	ipvlan_beds l3
	mkdir -p $TRACE
	echo "reason == \"tx_source\" && dev == \"v0\"" >$EVENT/filter
	: >$TRACE/trace
	echo 1 >$EVENT/enable
	many >/dev/null
	echo 0 >$EVENT/enable
	told=$(sed -n 's/.* rnetvirt_drop: //p' $TRACE/trace | reasons)
	rmdir $TRACE
	[[ $told =~ ^tx_source\ [0-9]+$ ]] || fail "told: $told"
}
