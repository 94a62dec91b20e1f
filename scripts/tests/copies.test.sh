# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# copies N: how many copies of packets to groups are made, and each sender's share of them.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=240
TAKES=50
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

V0=020000000001 V1=020000000002 V2=020000000004 HOST=020000000a00 WIRE=020000000b00 ALL=ffffffffffff

# three WORDS...: v0 in A, v1 in B, v2 in C, of which a broadcast is two copies.
three() {
	ns S W A B C
	wired S W
	ip -n S link add link eth0 name v0 netns A address 02:00:00:00:00:01 type rnetvirt "$@"
	ip -n S link add link eth0 name v1 netns B address 02:00:00:00:00:02 type rnetvirt "$@"
	ip -n S link add link eth0 name v2 netns C address 02:00:00:00:00:04 type rnetvirt "$@"
	addressed A B
	ip -n C addr add 10.0.0.4/24 dev v2
	ip -n C link set v2 up
	ip -n W addr add 10.0.0.3/24 dev wire0
}

copies_of() { ip -n "$1" -d -j link show "$2" | jq -r '.[].linkinfo.info_data.copies'; }

lost() { in_ns "$1" ethtool -S "$2" | awk -v reason="$3:" '$1 == reason { print $2 }'; }

received() { sysfs "$1" "$2" statistics/rx_packets; }

# flooding NETNS DEVICE: broadcasts without an end, in the background, until calm.
flooding() {
	nsenter --net="/run/netns/$1" python3 - "$2" <<-PY &
		import socket, sys
		out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		out.bind((sys.argv[1], 0))
		frame = b"\xff" * 6 + out.getsockname()[4] + b"\x88\xb6" + bytes(46)
		while True:
		    try:
		        out.send(frame)
		    except OSError:
		        pass
	PY
	FLOOD=$!
}

calm() {
	kill $FLOOD
	wait $FLOOD || true
}

# heard FROM DEVICE MAC: what that link sends to everybody is heard by v1 in B.
heard() { gives "B/v1 broadcast" who "$1" "$2" "$3" $ALL 1 B/v1; }

test_is_set_shown_and_taken_off() {
	local flavor

	for flavor in macvlan ipvlan macvtap ipvtap; do
		ns S W
		wired S W
		ip -n S link add link eth0 name v0 type rnetvirt flavor $flavor
		gives null copies_of S v0
		ip -n S link set v0 type rnetvirt copies 1000
		gives 1000 copies_of S v0
		ip -n S link add link eth0 name v1 type rnetvirt flavor $flavor
		gives 1000 copies_of S v1
		grep -q " copies 1000 " <<<"$(ip -n S -d link show v1)" || fail "not shown so"
		ip -n S link set v1 type rnetvirt copies off
		gives null copies_of S v0
		ip -n S link set v1 type rnetvirt copies 4294967295
		gives 4294967295 copies_of S v0
		ip -n S link del v0
		ip -n S link del v1
		ip -n S link add link eth0 name v0 type rnetvirt flavor $flavor copies 7
		gives 7 copies_of S v0
		# Who administers the namespace that the lower device comes to has not asked for it.
		ip -n S link set eth0 netns W
		gives null copies_of S v0
		printf 'netns del %s\n' S W | ip -batch -
	done
}

test_refusals() {
	ns S W
	wired S W
	refused 'argument of "copies" must be "off", or a number' ip -n S link add link eth0 name v0 type rnetvirt copies 0
	refused 'argument of "copies" must be "off", or a number' ip -n S link add link eth0 name v0 type rnetvirt copies on
	errno "EINVAL flavor veth makes no copies: a pair has two ends" S new kind:rnetvirt name:x0 data32:2:0 data32:10:9
	container
	ip -n S link add link eth0 name v0 netns "$CONTAINER" type rnetvirt copies 1000
	refused "copies need CAP_NET_ADMIN" inside ip link set v0 type rnetvirt copies off
	refused "copies need CAP_NET_ADMIN" inside ip link set v0 type rnetvirt copies 4000000000
	gives 1000 sh -c "nsenter -t $CONTAINER -n ip -d -j link show v0 | jq -r '.[].linkinfo.info_data.copies'"
}

# No more than the bound is copied, and what is not still leaves by the wire.
test_what_is_more_is_not_copied() {
	local words before lost took got wire

	for words in "mode bridge" "flavor ipvlan mode l2"; do
		three $words copies 200
		before=$(received B v1)
		wire=$(received W wire0)
		took=$EPOCHREALTIME
		gives sent frames send A v0 broadcast 100 3000
		took=$((${EPOCHREALTIME/./} - ${took/./}))
		got=$(($(received B v1) - before))
		lost=$(lost A v0 copies)
		# Half of the copies are for v1: the bound, a tenth of a second's worth, and a packet of each.
		((got <= took / 10000 + 10 + 5 + 5)) || fail "$words: $got of 3000 came in $took us"
		((got >= 10)) || fail "$words: $got came"
		((got + lost >= 3000 && got + lost <= 3010)) || fail "$words: $got came, $lost are counted"
		(($(received W wire0) - wire >= 3000)) || fail "$words: not all left by the wire"
		ip -n A link set v0 type rnetvirt copies off
		before=$(received B v1)
		gives sent frames send A v0 broadcast 100 100
		wait_for 5 more_than $((before + 99)) B v1
		printf 'netns del %s\n' S W A B C | ip -batch -
	done
}

# Also when others send all they can, directly or from the wire; by unicast, too.
test_who_sends_little_is_heard() {
	local from

	for from in "A v0" "W wire0" "S eth0"; do
		three mode bridge host on copies 500
		flooding $from
		wait_for 10 eval '(($(lost A v0 copies) > 50)) || (($(sysfs S eth0 statistics/rx_dropped) > 50))'
		for _ in 1 2 3 4 5 6; do
			heard C v2 $V2
			sleep 0.1
		done
		[ "$from" = "S eth0" ] || heard S eth0 $HOST
		[ "$from" = "W wire0" ] || heard W wire0 $WIRE
		in_ns C ping -q -c 3 -i 0.2 -W 2 10.0.0.2 >/dev/null || fail "unicast does not get there"
		same "refused" "$(lost C v2 copies)" 0
		calm
		printf 'netns del %s\n' S W A B C | ip -batch -
	done
}

# Another MAC address or mode is no other share.
test_a_share_is_the_links() {
	local since before came ms

	three mode bridge copies 10
	flooding A v0
	wait_for 10 more_copies_lost 100
	ip -n A link set v0 type rnetvirt mode vepa
	ip -n A link set v0 type rnetvirt mode bridge
	since=${EPOCHREALTIME/./}
	before=$(received B v1)
	sleep 1
	came=$(($(received B v1) - before))
	ms=$(((${EPOCHREALTIME/./} - since) / 1000))
	# Ten copies are five packets for v1.
	((came <= 5 + 5 * ms / 1000)) || fail "$came came in $ms ms"
	calm
}

more_copies_lost() { (($(lost A v0 copies) > $1)); }

test_comes_and_goes_under_traffic() {
	three mode bridge
	flooding A v0
	for _ in $(rounds 60); do
		ip -n A link set v0 type rnetvirt copies 100
		ip -n C link set v2 type rnetvirt copies 100000
		ip -n A link set v0 type rnetvirt copies off
	done
	calm
	heard C v2 $V2
}
