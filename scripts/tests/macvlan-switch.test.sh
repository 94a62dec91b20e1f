# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# macvlan with a switch at the other end of the wire: vepa, private, passthru; and
# whose an address may be (macvlan's statements B3, B7, B8, D2, D8).
# shellcheck disable=SC2034,SC2153
KINDS="macvlan rnetvirt"
TAKES=30
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

V0=020000000001 V1=020000000002 ALL=ffffffffffff

# switched MODE: as pair_of, with a bridge in W that wire0 is a port of.
switched() {
	pair_of "$1"
	ip -n W addr flush dev wire0
	switched_on wire0
	ip -n W addr add 10.0.0.3/24 dev br0
}

silent() { # NETNS ADDRESS
	not in_ns "$1" ping -q -c 2 -i 0.2 -W 1 "$2" >/dev/null
}

test_b7_vepa_reaches_siblings_through_a_hairpin_only() {
	switched vepa
	reaches A 10.0.0.3
	silent A 10.0.0.2
	hairpin on
	reaches A 10.0.0.2
	reaches B 10.0.0.1
	in_ns A ping -q -c 20 -i 0.01 10.0.0.2 | grep -q " 20 received"
	# To the sibling, not to the sender, and once.
	gives "B/v1 host" who A v0 $V0 $V1 1 A/v0 B/v1
	gives "B/v1 broadcast" who A v0 $V0 $ALL 1 A/v0 B/v1
	# Over the wire, seen by the switch.
	gives "B/v1 broadcast, S/eth0 broadcast, W/br0 broadcast" \
		who A v0 $V0 $ALL 3 A/v0 B/v1 S/eth0 W/br0
	hairpin off
	gives nobody who A v0 $V0 $ALL 0 A/v0 B/v1
	gives nobody who A v0 $V0 $V1 0 A/v0 B/v1
}

test_b3_private_hears_no_sibling_even_through_a_hairpin() {
	switched private
	reaches A 10.0.0.3
	hairpin on
	silent A 10.0.0.2
	silent B 10.0.0.1
	# Of siblings, its own group frame comes back to it alone.
	gives "A/v0 broadcast" who A v0 $V0 $ALL 1 A/v0 B/v1
	# One to its address is delivered: who is apart is decided by the switch.
	gives "B/v1 host" who A v0 $V0 $V1 1 A/v0 B/v1
	reaches A 10.0.0.3
	reaches B 10.0.0.3
}

test_b3_vepa_does_not_reach_private() {
	switched vepa
	hairpin on
	change B v1 mode private
	gives nobody who A v0 $V0 $ALL 0 A/v0 B/v1
	change B v1 mode bridge
	gives "B/v1 broadcast" who A v0 $V0 $ALL 1 A/v0 B/v1
}

test_b7_bridge_reaches_siblings_without_the_wire() {
	switched bridge
	gives "B/v1 host" who A v0 $V0 $V1 1 A/v0 B/v1 W/br0
	gives "B/v1 broadcast, W/br0 broadcast" who A v0 $V0 $ALL 2 A/v0 B/v1 W/br0
	# A sibling of another mode is at the other side of the wire.
	change B v1 mode vepa
	gives nobody who A v0 $V0 $V1 0 A/v0 B/v1
	hairpin on
	gives "B/v1 host" who A v0 $V0 $V1 1 A/v0 B/v1
}

test_b5_source_hears_those_it_lists_and_nobody_else() {
	ns S W A B
	wired S W
	endpoint S eth0 v0 source netns A address 02:00:00:00:00:01 up
	endpoint S eth0 v1 bridge netns B address 02:00:00:00:00:02 up
	gives nobody who W wire0 "$WIRE_MAC" $V0 0 A/v0 B/v1
	change A v0 macaddr add 02:00:00:00:0b:00
	gives "A/v0 host" who W wire0 "$WIRE_MAC" $V0 1 A/v0 B/v1
	# Whoever it is for has it as well.
	gives "A/v0 otherhost, B/v1 host" who W wire0 "$WIRE_MAC" $V1 2 A/v0 B/v1
	gives nobody who W wire0 020000000b01 $V0 0 A/v0 B/v1
	# With nodst only those who list the source.
	gives OK settings A v0 data16:2:2
	gives "A/v0 otherhost" who W wire0 "$WIRE_MAC" $V1 1 A/v0 B/v1
	gives "A/v0 broadcast" who W wire0 "$WIRE_MAC" $ALL 1 A/v0 B/v1
	# A sibling is a source, too.
	gives OK settings A v0 data16:2:0
	change A v0 macaddr add 02:00:00:00:00:03
	endpoint S eth0 v2 bridge address 02:00:00:00:00:03 up
	gives "A/v0 otherhost, B/v1 host" who S v2 020000000003 $V1 2 A/v0 B/v1
	change A v0 macaddr flush
	gives "B/v1 host" who S v2 020000000003 $V1 1 A/v0 B/v1
}

test_b5_mode_source_is_for_who_administers_the_lower_device() {
	[ "$KIND" = rnetvirt ] || skip "a container's root takes what others send to the host"
	local words

	ns S
	wired S S
	container
	endpoint S eth0 v0 bridge
	ip -n S link set v0 netns "$CONTAINER"
	for words in "mode source" "mode source macaddr add 02:00:00:00:0b:00" "mode source nodst"; do
		# shellcheck disable=SC2086
		refused "mode source, nodst need CAP_NET_ADMIN in the lower device's network namespace" \
			inside ip link set v0 type $TYPE $words
	done
	# shellcheck disable=SC2086
	inside ip link set v0 type $TYPE mode private
	# Whose it is may, and then its root may not change what is listened to, but give it up.
	# shellcheck disable=SC2086
	nsenter -t "$CONTAINER" -n ip link set v0 type $TYPE mode source macaddr add 02:00:00:00:0b:00
	for words in "macaddr add 02:00:00:00:00:09" "macaddr flush" nodst; do
		# shellcheck disable=SC2086
		refused "CAP_NET_ADMIN" inside ip link set v0 type $TYPE $words
	done
	# shellcheck disable=SC2086
	inside ip link set v0 type $TYPE mode bridge
	# shellcheck disable=SC2086
	refused "CAP_NET_ADMIN" inside ip link set v0 type $TYPE mode source
}

test_b8_passthru_has_the_lower_to_itself() {
	ns S W A
	wired S W
	endpoint S eth0 v0 passthru netns A address 02:00:00:00:00:01
	# The lower device's address, whatever was asked for.
	gives 02:00:00:00:0a:00 rtnl A get v0 address
	gives 0 rtnl S get eth0 promiscuity
	ip -n A link set v0 up
	gives 1 rtnl S get eth0 promiscuity
	# What the link is asked for itself is no more than it asks for anyway.
	ip -n A link set v0 promisc on
	gives 1 rtnl S get eth0 promiscuity
	ip -n A link set v0 promisc off
	gives 1 rtnl S get eth0 promiscuity
	gives "A/v0 host" who W wire0 "$WIRE_MAC" 020000009999 1 A/v0
	gives "A/v0 host" who W wire0 "$WIRE_MAC" "$LOWER_MAC" 1 A/v0
	gives "A/v0 broadcast" who W wire0 "$WIRE_MAC" $ALL 1 A/v0
	no_endpoint EINVAL S eth0 v1 bridge
	no_endpoint EINVAL S eth0 v1 passthru
	no_change EINVAL A v0 "$(mode bridge)"
	change A v0 mode passthru
	gives OK settings A v0 data16:2:1
	gives 0 rtnl S get eth0 promiscuity
	gives OK settings A v0 data16:2:0
	gives 1 rtnl S get eth0 promiscuity
	ip -n A link set v0 down
	gives 0 rtnl S get eth0 promiscuity
	# While down the flag is only remembered.
	gives OK settings A v0 data16:2:1
	gives 0 rtnl S get eth0 promiscuity
	ip -n A link set v0 up promisc on
	gives 0 rtnl S get eth0 promiscuity
	ip -n A link set v0 promisc off
	gives 0 rtnl S get eth0 promiscuity
	ip -n A link del v0
	gives 0 rtnl S get eth0 promiscuity
	port_gone S eth0
	# Not if there are others.
	endpoint S eth0 v1 bridge
	no_endpoint EINVAL S eth0 v0 passthru
	ip -n S link del v1
	endpoint S eth0 v0 passthru
}

test_b8_passthru_gives_the_address_back() {
	local way

	for way in deleted down namespace; do
		ns S W A
		wired S W
		endpoint S eth0 v0 passthru netns A
		[ $way = down ] || ip -n A link set v0 up
		# Both have one address.
		ip -n A link set v0 address 02:00:00:00:00:77
		gives 02:00:00:00:00:77 rtnl S get eth0 address
		gives 02:00:00:00:00:77 rtnl A get v0 address
		case $way in
		namespace) ip netns del A ;;
		*) ip -n A link del v0 ;;
		esac
		wait_for 10 has_address S eth0 02:00:00:00:0a:00
		# What the lower device was given from elsewhere is its own.
		ip netns del S
		ip netns del W
		[ $way = namespace ] || ip netns del A
	done
	ns S W A
	wired S W
	endpoint S eth0 v0 passthru netns A up
	ip -n S link set eth0 address 02:00:00:00:00:88
	gives 02:00:00:00:00:88 rtnl A get v0 address
	ip -n A link set v0 address 02:00:00:00:00:77
	gives "A/v0 host" who W wire0 "$WIRE_MAC" 020000000077 1 A/v0
	ip -n A link del v0
	gives 02:00:00:00:00:88 rtnl S get eth0 address
}

has_address() { [ "$(rtnl "$1" get "$2" address)" = "$3" ]; }

test_d8_an_address_has_one_owner_at_a_time() {
	ns S W
	wired S W
	endpoint S eth0 v0 bridge address 02:00:00:00:00:01
	endpoint S eth0 v1 vepa address 02:00:00:00:00:01
	# Two may have it, but only one be up.
	ip -n S link set v0 up
	errno EADDRINUSE S set name:v1 up
	gives "BROADCAST,MULTICAST DOWN" state S v1
	ip -n S link set v0 down
	ip -n S link set v1 up
	errno EADDRINUSE S set name:v0 up
	# Nor can it be taken while another one that is up has it; a down one does not.
	ip -n S link set v1 address 02:00:00:00:00:02
	ip -n S link set v0 up
	errno EADDRINUSE S set name:v1 addr:020000000001
	gives 02:00:00:00:00:02 rtnl S get v1 address
	gives "S/v1 host" who W wire0 "$WIRE_MAC" $V1 1 S/v0 S/v1
	ip -n S link set v1 down
	errno EADDRINUSE S set name:v1 addr:020000000001
	ip -n S link set v0 down
	ip -n S link set v1 address 02:00:00:00:00:01
	# The lower device's address is taken, up or down.
	errno EADDRINUSE S set name:v0 addr:"$LOWER_MAC"
	endpoint S eth0 v2 bridge address 02:00:00:00:0a:00
	errno EADDRINUSE S set name:v2 up
	# shellcheck disable=SC2046
	errno EADDRINUSE S new kind:"$KIND" name:v3 link:"$(ifindex S eth0)" addr:"$LOWER_MAC" up $(own)
	gives "v0 v1 v2" endpoints_of S
	# Once the lower device has another one, it is free.
	ip -n S link set eth0 address 02:00:00:00:0c:00
	ip -n S link set v2 up
	gives "S/v2 host" who W wire0 "$WIRE_MAC" "$LOWER_MAC" 1 S/v2
	errno EADDRNOTAVAIL S set name:v2 addr:010000000001
	errno EADDRNOTAVAIL S set name:v2 addr:000000000000
}

endpoints_of() { names "$1" | tr ' ' '\n' | grep '^v' | xargs; }

test_d2_open_and_close_leave_nothing_at_the_lower() {
	local n

	ns S W
	wired S W
	# A pair cannot filter: with a secondary address the core has it receive all.
	for n in private vepa bridge source; do
		endpoint S eth0 v0 $n address 02:00:00:00:00:01
		gives 0 lists_of S
		ip -n S link set v0 up
		gives "1 02:00:00:00:00:01" lists_of S
		ip -n S link set v0 promisc on
		gives "2 02:00:00:00:00:01" lists_of S
		ip -n S link set v0 down
		gives 0 lists_of S
		ip -n S link set v0 up
		gives "2 02:00:00:00:00:01" lists_of S
		ip -n S link set v0 promisc off
		ip -n S link set v0 allmulticast on
		gives "1 02:00:00:00:00:01" lists_of S
		gives 1 rtnl S get eth0 allmulti
		ip -n S link del v0
		gives 0 lists_of S
		gives 0 rtnl S get eth0 allmulti
	done
	port_gone S eth0
}

lists_of() { lists "$1" eth0 | grep -v 02:00:00:00:0a:00 | xargs; }

fdb() { in_ns S bridge fdb "$1" "$2" dev v0 self; }

# What virtual machines behind a passthru ask their host for.
test_d10_addresses_of_the_forwarding_database() {
	local own=02:00:00:00:00:77 group=01:00:5e:00:00:77

	ns S W
	wired S W
	endpoint S eth0 v0 bridge address 02:00:00:00:00:01 up
	# Frames would not find the endpoint by another address.
	refused "Operation not supported" fdb add $own
	refused "Operation not supported" fdb del $own
	fdb add $group
	in_ns S bridge fdb show dev v0 | grep -q "^$group self"
	refused "File exists" fdb append $group
	fdb del $group
	not grep -q "^$group" <(in_ns S bridge fdb show dev v0)
	ip -n S link del v0
	port_gone S eth0
	endpoint S eth0 v0 passthru up
	fdb add $own
	gives "$own" added
	refused "File exists" fdb add $own
	refused "Operation not supported" fdb replace $own
	refused "Operation not supported" fdb replace $group
	fdb del $own
	gives "" added
}

added() { in_ns S bridge fdb show dev eth0 | awk '/:77 self/ { print $1 }'; }
