# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# suppress on: who asks for a known link is answered, and nobody else hears of it.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=300
TAKES=60
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

V0=020000000001 V1=020000000002 HOST=020000000a00 WIRE=020000000b00
# Who asks in most tests, for whom.
ARP=arp,$V0,10.0.0.1,10.0.0.2 NS=ns,$V0,fd00::1,fd00::2
ALL="A/v0 B/v1 C/v2 S/eth0 W/wire0"

# macs MODE [WORDS...]: v0 in A, v1 in B, v2 in C of flavor macvlan, with 10.0.0.1, .2, .4; their guards' lists
# have these. The host, S, has none; outside is 10.0.0.3.
macs() {
	bed
	ip -n S link add link eth0 name v0 netns A address 02:00:00:00:00:01 type rnetvirt mode "$1" \
		guard-addr add 10.0.0.1,fd00::1 suppress on "${@:2}"
	ip -n S link add link eth0 name v1 netns B address 02:00:00:00:00:02 type rnetvirt mode "$1" \
		guard-addr add 10.0.0.2,fd00::2
	ip -n S link add link eth0 name v2 netns C address 02:00:00:00:00:04 type rnetvirt mode "$1" \
		guard-addr add 10.0.0.4,fd00::4
	placed
}

# ips FLAG [WORDS...]: the same of flavor ipvlan in mode l2.
ips() {
	bed
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor ipvlan mode l2 "$1" \
		guard-addr add 10.0.0.1,fd00::1 suppress on "${@:2}"
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor ipvlan mode l2 "$1" \
		guard-addr add 10.0.0.2,fd00::2
	ip -n S link add link eth0 name v2 netns C type rnetvirt flavor ipvlan mode l2 "$1" \
		guard-addr add 10.0.0.4,fd00::4
	placed
}

# mixed: v0 and v2 of flavor macvlan, v1 between them of flavor ipvlan.
mixed() {
	bed
	ip -n S link add link eth0 name v0 netns A address 02:00:00:00:00:01 type rnetvirt mode bridge \
		guard-addr add 10.0.0.1,fd00::1 suppress on
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor ipvlan mode l2 guard-addr add 10.0.0.2,fd00::2
	ip -n S link add link eth0 name v2 netns C address 02:00:00:00:00:04 type rnetvirt mode bridge \
		guard-addr add 10.0.0.4,fd00::4
	placed
}

bed() {
	ns S W A B C
	ipv6_on S W A B C
	wired S W
}

placed() {
	addressed A B
	ip -n C addr add 10.0.0.4/24 dev v2
	ip -n C addr add fd00::4/64 dev v2 nodad
	ip -n C link set v2 up
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n W addr add fd00::3/64 dev wire0 nodad
}

again() { printf 'netns del %s\n' S W A B C | ip -batch -; }

# suppress on|off: said of v0, which is in A.
suppress() { ip -n A link set v0 type rnetvirt suppress "$1"; }

suppress_of() { ip -n "$1" -d -j link show "$2" | jq -r '.[].linkinfo.info_data.suppress'; }

lost() { in_ns "$1" ethtool -S "$2" | awk -v reason="$3:" '$1 == reason { print $2 }'; }

# everywhere WHAT [TELLS]: it is asked of everybody, as without suppress; who has the address tells, or nobody does.
everywhere() {
	local places="A/v0 B/v1 C/v2 W/wire0"

	gives "${2:+A/v0 told $2, }B/v1 asked, C/v2 asked, W/wire0 asked" seeks A v0 "$1" $((3 + ${2:+1} + 0)) $places
}

# as_ever WHAT [PLACE...]: siblings and the wire, or those places, hear it, whoever answers.
as_ever() {
	local out place places=("${@:2}")

	[ "${places[*]}" ] || places=(B/v1 C/v2 W/wire0)
	out=$(seeks A v0 "$1" ${#places[@]} "${places[@]}")
	for place in "${places[@]}"; do
		[[ $out == *"$place asked"* ]] || fail "$place did not hear $1: $out"
	done
	[ "$(lost A v0 suppressed)" = 0 ] || fail "$1 was suppressed"
}

# answered WHAT ADDRESS MAC: who asks is told, once, and nobody else hears or tells anything.
answered() { gives "A/v0 told $2 is $3" seeks A v0 "$1" 1 $ALL; }

test_off_by_default() {
	macs bridge
	ip -n A link set v0 type rnetvirt suppress off
	gives null suppress_of A v0
	not grep -q suppress <<<"$(ip -n A -d link show v0)" || fail "suppress is shown"
	everywhere $ARP "10.0.0.2 is $V1"
	same "lost" "$(lost A v0 suppressed)" 0
}

test_is_set_shown_and_taken_off() {
	local flavor

	for flavor in macvlan ipvlan macvtap ipvtap; do
		ns S W
		wired S W
		ip -n S link add link eth0 name v0 type rnetvirt flavor $flavor
		gives null suppress_of S v0
		ip -n S link set v0 type rnetvirt suppress on
		gives on suppress_of S v0
		# It is the port's, and so that of all on it.
		ip -n S link add link eth0 name v1 type rnetvirt flavor $flavor
		gives on suppress_of S v1
		grep -q " suppress on " <<<"$(ip -n S -d link show v1)" || fail "not shown so"
		ip -n S link set v1 type rnetvirt suppress off
		gives null suppress_of S v0
		# It goes with the last link.
		ip -n S link set v1 type rnetvirt suppress on
		ip -n S link del v0
		ip -n S link del v1
		port_gone S eth0
		ip -n S link add link eth0 name v0 type rnetvirt flavor $flavor
		gives null suppress_of S v0
		printf 'netns del %s\n' S W | ip -batch -
	done
}

test_refusals() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 type rnetvirt mode bridge
	errno "EINVAL suppress is on (1) or off (0)" S set kind:rnetvirt name:v0 data32:9:2
	errno "EINVAL flavor veth has no requests to suppress: a pair has two ends" S new kind:rnetvirt name:x0 data32:2:0 data32:9:1
	ip -n S link add x0 type rnetvirt
	errno "EINVAL flavor veth has no requests to suppress: a pair has two ends" S set kind:rnetvirt name:x0 data32:9:1
	gives null suppress_of S v0
}

test_arp_is_answered() {
	macs bridge
	answered $ARP 10.0.0.2 $V1
	answered arp,$V0,10.0.0.1,10.0.0.4 10.0.0.4 020000000004
	# From another address than that of the link, as of a machine behind it.
	answered arp,020000000099,10.0.0.77,10.0.0.2 10.0.0.2 $V1
	answered $ARP,pad=18 10.0.0.2 $V1
	same "suppressed" "$(lost A v0 suppressed)" 4
	again
	ips bridge
	answered arp,$HOST,10.0.0.1,10.0.0.2 10.0.0.2 $HOST
	same "suppressed" "$(lost A v0 suppressed)" 1
	again
	mixed
	answered $ARP 10.0.0.2 $HOST
	gives "B/v1 told 10.0.0.4 is 020000000004" seeks B v1 arp,$HOST,10.0.0.2,10.0.0.4 1 $ALL
}

test_neighbour_solicitations_are_answered() {
	macs bridge
	answered $NS fd00::2 $V1
	answered ns,$V0,fe80::1,fd00::4 fd00::4 020000000004
	again
	ips bridge
	answered ns,$HOST,fd00::1,fd00::2 fd00::2 $HOST
	again
	mixed
	answered $NS fd00::2 $HOST
	gives "B/v1 told fd00::4 is 020000000004" seeks B v1 ns,$HOST,fd00::2,fd00::4 1 $ALL
}

# By the stacks on both sides; and what is counted adds up.
test_who_is_answered_can_talk() {
	local make

	for make in "macs bridge" "ips bridge" mixed "macs bridge host on" "ips bridge host on"; do
		$make
		both_reach A 2
		both_reach B 4
		both_reach C 1
		(($(lost A v0 suppressed) >= 2)) || fail "$make: nothing was suppressed"
		# Who is not known is found as ever.
		both_reach A 3
		both_reach W 2
		again
	done
}

test_the_answer_is_valid() {
	macs bridge
	# The stack does not take an advertisement with a wrong checksum, nor one for somebody else.
	in_ns A ping -q -c 1 -W 2 fd00::2 >/dev/null
	in_ns A ping -q -c 1 -W 2 10.0.0.2 >/dev/null
	same "how it is known" "$(ip -n A -6 -j neigh show fd00::2 dev v0 | jq -r '.[].lladdr')" 02:00:00:00:00:02
	same "how it is known" "$(ip -n A -4 -j neigh show 10.0.0.2 dev v0 | jq -r '.[].lladdr')" 02:00:00:00:00:02
}

test_what_is_never_suppressed() {
	macs bridge
	# Whether an address is free: a probe, and DAD.
	as_ever arp,$V0,0.0.0.0,10.0.0.2
	as_ever ns,$V0,::,fd00::2,option=none B/v1 W/wire0
	# Gratuitous ARP, as a request and as an answer, and announcements.
	as_ever arp,$V0,10.0.0.2,10.0.0.2
	as_ever arp,$V0,10.0.0.1,10.0.0.1
	as_ever arp,$V0,10.0.0.1,10.0.0.2,op=2
	# VRRP's announcement.
	as_ever arp,00005e000107,10.0.0.9,10.0.0.9
	# Who is asked for is not known.
	as_ever arp,$V0,10.0.0.1,10.0.0.77
	# Not as everybody sends it.
	as_ever $ARP,op=3
	as_ever $ARP,sha=020000000077
	as_ever $ARP,cut=1
	as_ever $ARP,dst=010000000009 W/wire0
	# The own address, from another one.
	as_ever arp,$V0,10.0.0.77,10.0.0.1
}

# Those who listen hear them; there is one group for each target.
test_solicitations_that_are_never_suppressed() {
	macs bridge
	as_ever ns,$V0,fd00::1,fd00::77 W/wire0
	as_ever $NS,option=none B/v1 W/wire0
	as_ever $NS,hops=254 B/v1 W/wire0
	as_ever $NS,sha=020000000077 B/v1 W/wire0
	as_ever $NS,cut=1 B/v1 W/wire0
	as_ever $NS,group=ff02::1 B/v1 W/wire0
	as_ever $NS,dst=333300000001 B/v1 W/wire0
	as_ever $NS,dst=ffffffffffff B/v1 W/wire0
	# A link-local address may be a router's, of which an answer would have to say that it is one.
	ip -n B link set v1 type rnetvirt guard-addr add fe80::2
	ip -n B addr add fe80::2/64 dev v1 nodad
	gives "A/v0 told fe80::2 is $V1, W/wire0 asked" seeks A v0 ns,$V0,fd00::1,fe80::2 2 A/v0 W/wire0
	same "suppressed" "$(lost A v0 suppressed)" 0
	answered $NS fd00::2 $V1
}

test_tags_are_left_alone() {
	macs bridge
	gives "W/wire0 asked" seeks A v0 $ARP,vid=5 1 W/wire0
	gives "W/wire0 asked" seeks A v0 $NS,vid=5 1 W/wire0
	same "suppressed" "$(lost A v0 suppressed)" 0
	gives "nobody" seeks W wire0 arp,$WIRE,10.0.0.3,10.0.0.2,vid=5 0 W/wire0
}

# A link's own address is the tenant's word; the list is the administrator's.
test_only_what_is_listed_is_known() {
	macs bridge
	ip -n B addr add 10.0.0.7/24 dev v1
	everywhere arp,$V0,10.0.0.1,10.0.0.7 "10.0.0.7 is $V1"
	ip -n B link set v1 type rnetvirt guard-addr add 10.0.0.7
	answered arp,$V0,10.0.0.1,10.0.0.7 10.0.0.7 $V1
	ip -n B link set v1 type rnetvirt guard-addr del 10.0.0.7
	everywhere arp,$V0,10.0.0.1,10.0.0.7 "10.0.0.7 is $V1"
	# A prefix is not an address.
	ip -n B link set v1 type rnetvirt guard-addr add 10.0.0.6/31
	everywhere arp,$V0,10.0.0.1,10.0.0.7 "10.0.0.7 is $V1"
	# Nor is one that was only said.
	seeks B v1 arp,$V1,10.0.0.8,10.0.0.8 0 B/v1 >/dev/null
	everywhere arp,$V0,10.0.0.1,10.0.0.8
	ip -n B link set v1 type rnetvirt guard-addr flush
	everywhere $ARP "10.0.0.2 is $V1"
}

# An ipvlan link's addresses are in the port's tables; they are known if the administrator has a say in them.
test_ipvlan_addresses_are_known_by_list_or_trust() {
	ips bridge
	local ask=arp,$HOST,10.0.0.1,10.0.0.7

	ip -n B addr add 10.0.0.7/24 dev v1
	everywhere $ask "10.0.0.7 is $HOST"
	# A prefix will do: which of them it has is in the tables.
	ip -n B link set v1 type rnetvirt guard-addr add 10.0.0.0/29
	answered $ask 10.0.0.7 $HOST
	ip -n B addr del 10.0.0.7/24 dev v1
	everywhere $ask
	ip -n B link set v1 type rnetvirt guard-addr del 10.0.0.0/29
	ip -n B addr add 10.0.0.7/24 dev v1
	everywhere $ask "10.0.0.7 is $HOST"
	ip -n B link set v1 type rnetvirt trust on
	answered $ask 10.0.0.7 $HOST
	# Not against the guard.
	ip -n B link set v1 type rnetvirt guard ip
	everywhere $ask "10.0.0.7 is $HOST"
}

test_an_address_of_two_is_nobodys() {
	macs bridge
	ip -n C link set v2 type rnetvirt guard-addr add 10.0.0.2
	everywhere $ARP "10.0.0.2 is $V1"
	ip -n C link set v2 type rnetvirt guard-addr del 10.0.0.2
	answered $ARP 10.0.0.2 $V1
	ip -n C link set v2 type rnetvirt guard-addr add 10.0.0.2
	everywhere $ARP "10.0.0.2 is $V1"
	ip -n C link del v2
	gives "A/v0 told 10.0.0.2 is $V1" seeks A v0 $ARP 1 A/v0 B/v1 W/wire0
	again
	mixed
	ip -n C link set v2 type rnetvirt guard-addr add 10.0.0.2
	everywhere $ARP "10.0.0.2 is $HOST"
}

# A link that has taken another MAC address than its guard lets it send from.
test_a_guard_that_does_not_let_it() {
	macs bridge
	ip -n B link set v1 type rnetvirt guard mac,ip,arp
	answered $ARP 10.0.0.2 $V1
	ip -n B link set v1 down
	ip -n B link set v1 address 02:00:00:00:00:55 up
	everywhere $ARP
	# Without a rule about that it is where it is.
	ip -n B link set v1 type rnetvirt guard off
	answered $ARP 10.0.0.2 020000000055
}

test_who_is_down_or_gone_is_not_answered_for() {
	macs bridge
	ip -n B link set v1 down
	gives "C/v2 asked, W/wire0 asked" seeks A v0 $ARP 2 A/v0 C/v2 W/wire0
	ip -n B link set v1 up
	answered $ARP 10.0.0.2 $V1
	ip -n B link del v1
	gives "C/v2 asked, W/wire0 asked" seeks A v0 $ARP 2 A/v0 C/v2 W/wire0
	again
	ips bridge
	ip -n B link set v1 down
	gives "C/v2 asked, W/wire0 asked" seeks A v0 arp,$HOST,10.0.0.1,10.0.0.2 2 A/v0 C/v2 W/wire0
}

test_in_other_namespaces() {
	macs bridge
	ip -n B link set v1 netns C
	ip -n C link set v1 up
	gives "A/v0 told 10.0.0.2 is $V1" seeks A v0 $ARP 1 A/v0 C/v1 C/v2 W/wire0
	ip -n A link set v0 netns C
	ip -n C link set v0 up
	gives "C/v0 told 10.0.0.2 is $V1" seeks C v0 $ARP 1 C/v0 C/v1 C/v2 W/wire0
	# With a namespace its links go.
	ip netns del C
	wait_for 10 port_gone S eth0
}

# Who would not be heard by it is not answered: it goes the way it goes without.
test_who_does_not_reach_it_is_not_answered() {
	local mode

	for mode in private vepa source; do
		macs $mode
		gives "W/wire0 asked" seeks A v0 $ARP 1 $ALL
		same "suppressed in $mode" "$(lost A v0 suppressed)" 0
		again
	done
	for mode in private vepa; do
		ips $mode
		gives "W/wire0 asked" seeks A v0 arp,$HOST,10.0.0.1,10.0.0.2 1 $ALL
		same "suppressed in $mode" "$(lost A v0 suppressed)" 0
		again
	done
	# One of them alone.
	macs bridge
	ip -n B link set v1 type rnetvirt mode private
	gives "C/v2 asked, W/wire0 asked" seeks A v0 $ARP 2 $ALL
	gives "W/wire0 asked" seeks B v1 arp,$V1,10.0.0.2,10.0.0.1 1 $ALL
	again
	mixed
	ip -n B link set v1 type rnetvirt flavor ipvlan private
	gives "C/v2 asked, W/wire0 asked" seeks A v0 $ARP 2 $ALL
	again
	ips bridge
	ip -n B link set v1 type rnetvirt mode l3
	gives "C/v2 asked, W/wire0 asked" seeks A v0 arp,$HOST,10.0.0.1,10.0.0.2 2 $ALL
}

# From outside it goes to who is asked for alone, and to the host.
test_requests_from_the_wire() {
	macs bridge
	gives "B/v1 asked, S/eth0 asked, W/wire0 told 10.0.0.2 is $V1" seeks W wire0 arp,$WIRE,10.0.0.3,10.0.0.2 3 $ALL
	gives "B/v1 asked, S/eth0 asked, W/wire0 told fd00::2 is $V1" seeks W wire0 ns,$WIRE,fd00::3,fd00::2 3 $ALL
	# As ever: who is not known, and whether an address is free.
	gives "A/v0 asked, B/v1 asked, C/v2 asked, S/eth0 asked" seeks W wire0 arp,$WIRE,10.0.0.3,10.0.0.77 4 $ALL
	gives "A/v0 asked, B/v1 asked, C/v2 asked, S/eth0 asked, W/wire0 told 10.0.0.2 is $V1" \
		seeks W wire0 arp,$WIRE,0.0.0.0,10.0.0.2 5 $ALL
	# Also where it would be put off, as there are many.
	ip -n A link set v0 type rnetvirt bclim 0
	gives "B/v1 asked, S/eth0 asked, W/wire0 told 10.0.0.2 is $V1" seeks W wire0 arp,$WIRE,10.0.0.3,10.0.0.2 3 $ALL
	suppress off
	gives "A/v0 asked, B/v1 asked, C/v2 asked, S/eth0 asked, W/wire0 told 10.0.0.2 is $V1" \
		seeks W wire0 arp,$WIRE,10.0.0.3,10.0.0.2 5 $ALL
	again
	ips bridge
	gives "B/v1 asked, S/eth0 asked, W/wire0 told 10.0.0.2 is $HOST" seeks W wire0 arp,$WIRE,10.0.0.3,10.0.0.2 3 $ALL
	gives "B/v1 asked, S/eth0 asked, W/wire0 told fd00::2 is $HOST" seeks W wire0 ns,$WIRE,fd00::3,fd00::2 3 $ALL
	again
	# Private ones, too: nobody who hears it otherwise does not.
	macs private
	gives "B/v1 asked, S/eth0 asked, W/wire0 told 10.0.0.2 is $V1" seeks W wire0 arp,$WIRE,10.0.0.3,10.0.0.2 3 $ALL
}

# Where the host is a destination, too.
test_beside_the_host() {
	macs bridge host on
	ip -n S addr add 10.0.0.9/24 dev eth0
	ip -n S addr add fd00::9/64 dev eth0 nodad
	# The host asks: who is asked for hears it, and nobody else.
	gives "B/v1 asked, S/eth0 told 10.0.0.2 is $V1" seeks S eth0 arp,$HOST,10.0.0.9,10.0.0.2 2 $ALL
	gives "B/v1 asked, S/eth0 told fd00::2 is $V1" seeks S eth0 ns,$HOST,fd00::9,fd00::2 2 $ALL
	# The host does not hear what siblings ask of each other.
	answered $ARP 10.0.0.2 $V1
	# Who asks for the host is answered by it.
	gives "A/v0 told 10.0.0.9 is $HOST, B/v1 asked, C/v2 asked, S/eth0 asked, W/wire0 asked" \
		seeks A v0 arp,$V0,10.0.0.1,10.0.0.9 5 $ALL
	both_reach S 2
	both_reach B 9
	again
	ips bridge host on
	ip -n S addr add 10.0.0.9/24 dev eth0
	gives "B/v1 asked, S/eth0 told 10.0.0.2 is $HOST" seeks S eth0 arp,$HOST,10.0.0.9,10.0.0.2 2 $ALL
	answered arp,$HOST,10.0.0.1,10.0.0.2 10.0.0.2 $HOST
	again
	# A private link asks the host and the wire, as without.
	macs private host on
	gives "S/eth0 asked, W/wire0 asked" seeks A v0 $ARP 2 $ALL
}

# The tap's address is that of its machine, which the administrator lists.
test_taps() {
	bed
	ip -n S link add link eth0 name v0 netns A address 02:00:00:00:00:01 type rnetvirt mode bridge suppress on
	ip -n S link add link eth0 name t0 index 101 address 02:00:00:00:01:01 type rnetvirt flavor macvtap mode bridge \
		guard-addr add 10.0.0.5
	ip -n S link set t0 up
	ip -n A link set v0 up
	gives "A/v0 told 10.0.0.5 is 020000000101" seeks A v0 arp,$V0,10.0.0.1,10.0.0.5 1 A/v0 S/t0 W/wire0
	# What is written to a tap is answered where it is read.
	ip -n A link set v0 type rnetvirt guard-addr add 10.0.0.1
	gives "told 10.0.0.1 is $V0" python3 "$TESTS/tap_asks.py" S /dev/tap101 arp,020000000101,10.0.0.5,10.0.0.1
	same "suppressed" "$(lost S t0 suppressed)" 1
	ip -n S link del t0
	ip -n S link add link eth0 name t1 index 102 type rnetvirt flavor ipvtap mode l2 guard-addr add 10.0.0.6
	ip -n S addr add 10.0.0.6/32 dev t1
	ip -n S link set t1 up
	gives "A/v0 told 10.0.0.6 is $HOST" seeks A v0 arp,$V0,10.0.0.1,10.0.0.6 1 A/v0 S/t1 W/wire0
}

# Who administers the namespace that the lower device comes to has not asked for it.
test_another_namespace_switches_it_off() {
	macs bridge
	ip -n S link set eth0 netns W
	ip -n W link set eth0 up
	gives null suppress_of A v0
	everywhere $ARP "10.0.0.2 is $V1"
}

test_links_that_come_and_go_while_others_ask() {
	local n

	macs bridge
	traffic A B
	in_ns A python3 - <<-PY &
		import socket, time
		out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		out.bind(("v0", 0))
		ask = bytes.fromhex("ffffffffffff" "020000000001" "0806" "0001080006040001"
		                    "020000000001" "0a000001" "000000000000" "0a000002")
		end = time.monotonic() + 5
		while time.monotonic() < end:
		    for _ in range(50):
		        try:
		            out.send(ask)
		        except OSError:
		            pass
	PY
	for ((n = 0; n < $(rounds 40); n++)); do
		ip -n B link del v1
		ip -n S link add link eth0 name v1 netns B address 02:00:00:00:00:02 up type rnetvirt mode bridge \
			guard-addr add 10.0.0.2,fd00::2
		ip -n B link set v1 type rnetvirt guard-addr flush
		ip -n B link set v1 type rnetvirt guard-addr add 10.0.0.2,10.0.0.$((n + 10))
		suppress off
		suppress on
	done
	wait $!
	quiet
	(($(lost A v0 suppressed) > 0)) || fail "nothing was suppressed"
}

test_a_containers_root_changes_nothing() {
	ns S W
	wired S W
	container
	ip -n S link add link eth0 name v0 type rnetvirt mode bridge
	ip -n S link add link eth0 name v1 type rnetvirt mode bridge
	ip -n S link set v0 netns "$CONTAINER"
	refused "suppress needs CAP_NET_ADMIN" inside ip link set v0 type rnetvirt suppress on
	ip -n S link set v1 type rnetvirt suppress on
	refused "suppress needs CAP_NET_ADMIN" inside ip link set v0 type rnetvirt suppress off
	refused "CAP_NET_ADMIN" inside ip link add link v0 name v2 type rnetvirt suppress off
	gives on suppress_of S v1
}
