# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Thousands of endpoints on one lower device (macvlan's statements B3, B4, G).
# shellcheck disable=SC2034,SC2153
KINDS="macvlan rnetvirt"
LIMIT=400
TAKES=14
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

# The C driver shows that the test is right; the debug kernel is slow.
MANY=4000
[ "$KERNEL:$KIND" = release:rnetvirt ] || MANY=400

hexmac() { printf '02000001%04x' "$1"; }

# How many devices have received a group packet more than PRESENT.
have_heard() {
	# shellcheck disable=SC2016
	in_ns "$1" awk -v least="$2" '/v[0-9]+:/ && $9 + 0 >= least { n++ } END { print n + 0 }' /proc/net/dev
}

all_have_heard() { [ "$(have_heard "$@")" = "$MANY" ]; }

test_g_many_endpoints_on_one_device() {
	local i start backlog

	ns S W A
	wired S W
	start=$SECONDS
	for ((i = 0; i < MANY; i++)); do
		# Without a process for each.
		printf 'link add link eth0 name v%d group 9 netns A address 02:00:00:01:%02x:%02x type %s mode bridge\n' \
			"$i" $((i >> 8)) $((i & 255)) "$TYPE"
	done | ip -n S -batch -
	ip -n A link set group 9 up
	note "$MANY made and up in $((SECONDS - start)) s"
	same "endpoints" "$(names A | wc -w)" $MANY
	# Every hundredth is found by its address, from the wire and by a sibling.
	for ((i = MANY - 1; i > 0; i -= 100)); do
		gives "A/v$i host" who W wire0 "$WIRE_MAC" "$(hexmac $i)" 1 "A/v$i" A/v0
		gives "A/v0 host" who A "v$i" "$(hexmac $i)" "$(hexmac 0)" 1 A/v0 W/wire0
	done
	gives nobody who W wire0 "$WIRE_MAC" "$(hexmac $MANY)" 0 A/v0
	# A broadcast reaches all of them.
	frames send W wire0 broadcast 100 1
	wait_for 20 all_have_heard A 1
	# One from a sibling also does, all but itself; with the C driver if the backlog
	# can take the copies.
	backlog=$(cat /proc/sys/net/core/netdev_max_backlog)
	[ "$KIND" = rnetvirt ] || echo 20000 >/proc/sys/net/core/netdev_max_backlog
	frames send A v7 broadcast 100 1
	wait_for 20 all_but_one_have_heard
	echo "$backlog" >/proc/sys/net/core/netdev_max_backlog
	# A group only those who joined.
	in_ns A ip maddr add 01:00:5e:01:02:03 dev v3
	in_ns A ip maddr add 01:00:5e:01:02:03 dev v4
	gives "A/v3 multicast, A/v4 multicast" who W wire0 "$WIRE_MAC" 01005e010203 2 A/v3 A/v4
	# Each other one goes, one by one; the rest is still found.
	start=$SECONDS
	for ((i = 1; i < 200; i += 2)); do
		echo "link del v$i"
	done | ip -n A -batch -
	note "100 deleted one by one in $((SECONDS - start)) s"
	gives "A/v2 host" who W wire0 "$WIRE_MAC" "$(hexmac 2)" 1 A/v2 A/v4
	gives nobody who W wire0 "$WIRE_MAC" "$(hexmac 1)" 0 A/v2 A/v4
	start=$SECONDS
	ip -n A link del group 9
	note "the rest deleted at once in $((SECONDS - start)) s"
	empty A
	port_gone S eth0
}

test_g_few_after_many() {
	local i

	ns S W A
	wired S W
	endpoint S eth0 v0 bridge address 02:00:00:01:00:00
	ip -n S link set v0 up
	for ((i = 1; i <= 400; i++)); do
		printf 'link add link eth0 name v%d group 9 netns A up address 02:00:00:01:%02x:%02x type %s mode bridge\n' \
			"$i" $((i >> 8)) $((i & 255)) "$TYPE"
	done | ip -n S -batch -
	ip -n A link del group 9
	# The tables become small again, with who was there before.
	endpoint S eth0 v401 bridge netns A address "02:00:00:01:01:91"
	ip -n A link set v401 up
	gives "A/v401 broadcast, S/v0 broadcast" who W wire0 "$WIRE_MAC" ffffffffffff 2 A/v401 S/v0
	gives "S/v0 host" who W wire0 "$WIRE_MAC" 020000010000 1 A/v401 S/v0
	gives "A/v401 host" who S v0 020000010000 020000010191 1 A/v401 W/wire0
}

all_but_one_have_heard() { [ "$(have_heard A 2)" = $((MANY - 1)) ]; }

test_g_many_go_with_the_lower_device() {
	local i start count=$((MANY / 4)) spaces=(A B)

	ns S W A B
	wired S W
	for ((i = 0; i < count; i++)); do
		printf 'link add link eth0 name v%d netns %s up type %s mode vepa\n' "$i" "${spaces[i % 2]}" "$TYPE"
	done | ip -n S -batch -
	same "endpoints" "$(($(names A | wc -w) + $(names B | wc -w)))" "$count"
	start=$SECONDS
	ip -n S link del eth0
	empty A B || fail "$(names A B | wc -w) are left"
	note "$count went in $((SECONDS - start)) s"
}

test_g_many_sources() {
	local i n=64 list

	# More than the tables begin with, of two endpoints that list the same.
	ns S W
	wired S W
	endpoint S eth0 v0 source up
	endpoint S eth0 v1 source up
	for ((i = 1; i <= n; i++)); do
		list+=$(printf '02000001%04x,' $i)
	done
	for i in v0 v1; do
		gives OK settings S $i data32:3:3 "sources:${list%,}"
		gives $n rtnl S get $i count
	done
	for i in 1 17 $n; do
		gives "S/v0 otherhost, S/v1 otherhost" \
			who W wire0 "$(printf '02000001%04x' "$i")" 020000009999 2 S/v0 S/v1
	done
	change S v0 macaddr flush
	gives "S/v1 otherhost" who W wire0 020000010011 020000009999 1 S/v0 S/v1
	ip -n S link del v1
	gives nobody who W wire0 020000010011 020000009999 0 S/v0
}

test_a6_a_list_of_sources_can_be_shown() {
	local i list='' one

	[ "$KIND" = rnetvirt ] || skip "with too many the kernel warns whenever it shows the link"
	ns S W
	wired S W
	endpoint S eth0 v0 source up
	for ((i = 1; i <= 5200; i++)); do
		printf -v one '02000001%04x,' "$i"
		list+=$one
	done
	gives OK settings S v0 data32:3:3 "sources:${list%,}"
	gives 5200 rtnl S get v0 count
	refused "up to 5200 sources" change S v0 macaddr add 02:00:00:02:00:01
	gives "ENOSPC a link listens to up to 5200 sources" \
		settings S v0 data32:3:3 "sources:${list}020000020001"
	gives 5200 rtnl S get v0 count
	# Those that are there, and those that are said twice, are no more.
	change S v0 macaddr add 02:00:00:01:00:01
	gives OK settings S v0 data32:3:3 "sources:${list}020000010001,020000010002"
	gives OK settings S v0 data32:3:3 data:4:020000010001 "sources:${list%,}"
	gives 5200 rtnl S get v0 count
	change S v0 macaddr del 02:00:00:01:00:01
	change S v0 macaddr add 02:00:00:02:00:01
	gives "S/v0 otherhost" who W wire0 020000020001 020000009999 1 S/v0
}
