# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# More endpoints on one lower device than the backlog of a CPU takes packets
# (ipvlan's statements B36-B41).
# shellcheck disable=SC2034,SC2153
KINDS="ipvlan rnetvirt"
LIMIT=400
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

BACKLOG=/proc/sys/net/core/netdev_max_backlog
# With checks a kernel is slow: there a small backlog stands for the usual one.
MANY=1500 SMALL=
! has_checks "$KERNEL" || MANY=150 SMALL=100

# many: so many links in mode l2 in B.
many() {
	local i

	for ((i = 0; i < MANY; i++)); do
		echo "link add link eth0 name m$i group 9 netns B type $TYPE mode l2"
	done | ip -n S -batch -
	ip -n B link set group 9 up
}

# heard NETNS: how many of its links have received what is not for one alone.
heard() {
	# shellcheck disable=SC2016
	in_ns "$1" awk '/m[0-9]+:/ && $9 + 0 { n++ } END { print n + 0 }' /proc/net/dev
}

all_heard() { [ "$(heard B)" = "$MANY" ]; }

# broadcast_from LINK: by A's link of that name, with the usual backlog.
broadcast_from() {
	local backlog

	backlog=$(cat $BACKLOG)
	[ ! "$SMALL" ] || echo $SMALL >$BACKLOG
	frames send A "$1" broadcast 100 1
	echo "$backlog" >$BACKLOG
	wait_for 20 all_heard
}

test_b36_all_siblings_hear_a_broadcast_however_many_they_are() {
	ns S W A B
	wired S W
	many
	endpoint S eth0 v0 l2 netns A up
	same "those that have heard something" "$(heard B)" 0
	broadcast_from v0
	# It has gone out, too, and nobody dropped it.
	wait_for 10 more_than 0 W wire0
	same "rx_dropped of eth0" "$(sysfs S eth0 statistics/rx_dropped)" 0
	same "what it has heard itself" "$(sysfs A v0 statistics/rx_packets)" 0
}

test_b36_siblings_of_the_other_flavor_hear_it_too() {
	[ "$KIND" = rnetvirt ] || skip "one flavor only"
	ns S W A B
	wired S W
	many
	ip -n S link add link eth0 name v0 netns A up type rnetvirt flavor macvlan
	broadcast_from v0
}
