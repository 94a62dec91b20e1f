# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# host on: the host and the links on its device reach each other, and nobody else is reached by that.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=300
TAKES=125
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

V0=020000000001 V1=020000000002 HOST=020000000a00 WIRE=020000000b00 ALL=ffffffffffff

# macs MODE [WORDS...]: v0 in A and v1 in B of flavor macvlan, 10.0.0.1 and 10.0.0.2; the host, S, is 10.0.0.9,
# and outside is 10.0.0.3; the host is a destination.
macs() {
	ns S W A B
	ipv6_on S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A address 02:00:00:00:00:01 type rnetvirt mode "$1" host on "${@:2}"
	ip -n S link add link eth0 name v1 netns B address 02:00:00:00:00:02 type rnetvirt mode "$1" "${@:2}"
	placed
}

# ips FLAG [FLAVOR]: the same of flavor ipvlan in mode l2.
ips() {
	ns S W A B
	ipv6_on S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor ipvlan mode l2 "$1" host on
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor ipvlan mode l2 "$1"
	placed
}

placed() {
	addressed A B
	ip -n S addr add 10.0.0.9/24 dev eth0
	ip -n S addr add fd00::9/64 dev eth0 nodad
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n W addr add fd00::3/64 dev wire0 nodad
}

again() { printf 'netns del %s\n' S W A B | ip -batch -; }

host() { ip -n S link set "${2:-v0}" netns "${3:-S}" type rnetvirt host "$1"; }

# switch on|off: said of v0, which is in A.
switch() { ip -n A link set v0 type rnetvirt host "$1"; }

# host_of NETNS NAME: as JSON shows it.
host_of() { ip -n "$1" -d -j link show "$2" | jq -r '.[].linkinfo.info_data.host'; }

# sees N NETNS DEVICE in|out|inout CMD...: tcpdump sees that many ICMP packets there while the command runs.
sees() {
	local pid

	nsenter --net="/run/netns/$2" tcpdump -Z root --immediate-mode -U -n -i "$3" -Q "$4" -w "$WORK/seen" icmp \
		2>"$WORK/listening" &
	pid=$!
	listens
	"${@:5}" >/dev/null
	wait_for 5 in_file seen "$1"
	# Not one more.
	sleep 0.3
	kill "$pid"
	wait "$pid" || true
	rm "$WORK/listening"
	in_file seen "$1" || fail "more than $1 on $3 in $2"
}

# listens: it throws away what comes in while it sets its filter, after it says this.
listens() {
	wait_for 10 grep -q listening "$WORK/listening"
	sleep 0.5
}

in_file() { # NAME N
	[ "$(tcpdump -n -r "$WORK/$1" 2>/dev/null | grep -c '^[0-9]')" = "$2" ]
}

test_off_by_default() {
	ns S W A B
	ipv6_on S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt mode bridge
	ip -n S link add link eth0 name v1 netns B type rnetvirt mode bridge
	placed
	gives null host_of A v0
	not grep -q host <<<"$(ip -n A -d link show v0)" || fail "host is shown"
	both_silent A 9
	both_silent S 1
}

test_is_set_shown_and_taken_off() {
	local flavor

	for flavor in macvlan ipvlan macvtap ipvtap; do
		ns S W
		wired S W
		ip -n S link add link eth0 name v0 type rnetvirt flavor $flavor
		ip -n S link set v0 type rnetvirt host on
		gives on host_of S v0
		# It is the port's, and so that of all on it.
		ip -n S link add link eth0 name v1 type rnetvirt flavor $flavor
		gives on host_of S v1
		grep -q " host on " <<<"$(ip -n S -d link show v1)" || fail "not shown so"
		ip -n S link set v1 type rnetvirt host off
		gives null host_of S v0
		# It goes with the last link.
		ip -n S link set v1 type rnetvirt host on
		ip -n S link del v0
		ip -n S link del v1
		port_gone S eth0
		ip -n S link add link eth0 name v0 type rnetvirt flavor $flavor
		gives null host_of S v0
		printf 'netns del %s\n' S W | ip -batch -
	done
}

test_at_creation_without_a_flavor() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 type rnetvirt host on
	gives macvlan sh -c "nsenter --net=/run/netns/S ip -d -j link show v0 | jq -r '.[].linkinfo.info_data.flavor'"
	ip -n S link add link eth0 name v1 type rnetvirt host off mode l2
	gives ipvlan sh -c "nsenter --net=/run/netns/S ip -d -j link show v1 | jq -r '.[].linkinfo.info_data.flavor'"
	gives null host_of S v0
}

test_refusals() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 type rnetvirt mode bridge
	refused 'argument of "host" must be either "on" or "off"' ip -n S link set v0 type rnetvirt host 1
	refused 'is an option of flavor macvlan, not of veth' ip -n S link add x0 type rnetvirt flavor veth host on
	errno "EINVAL host is on (1) or off (0)" S set kind:rnetvirt name:v0 data32:7:2
	errno "EINVAL flavor veth has no host to reach: put one end there" \
		S new kind:rnetvirt name:x0 data32:2:0 data32:7:1
	ip -n S link add x0 type rnetvirt
	errno "EINVAL flavor veth has no host to reach: put one end there" S set kind:rnetvirt name:x0 data32:7:1
	ip -n S link del v0
	ip -n S link add link eth0 name p0 type rnetvirt mode passthru
	refused "mode passthru has taken all that the host receives" ip -n S link set p0 type rnetvirt host on
	ip -n S link set p0 type rnetvirt host off
	ip -n S link del p0
	refused "mode passthru has taken all" ip -n S link add link eth0 name p0 type rnetvirt mode passthru host on
	not has S p0 || fail "a link that was refused is there"
	port_gone S eth0
}

test_a_containers_root_changes_nothing() {
	ns S W
	wired S W
	container
	ip -n S link add link eth0 name v0 type rnetvirt mode bridge
	ip -n S link add link eth0 name v1 type rnetvirt mode bridge
	ip -n S link set v0 netns "$CONTAINER"
	refused "host needs CAP_NET_ADMIN" inside ip link set v0 type rnetvirt host on
	ip -n S link set v1 type rnetvirt host on
	refused "host needs CAP_NET_ADMIN" inside ip link set v0 type rnetvirt host off
	refused "CAP_NET_ADMIN" inside ip link add link v0 name v2 type rnetvirt host off
	gives on host_of S v1
}

# Both versions of IP, so ARP and neighbour discovery, too.
test_both_directions() {
	local make

	for make in "macs bridge" "macs private" "ips bridge" "ips private"; do
		$make
		both_reach A 9
		both_reach S 1
		both_reach S 2
		both_reach B 9
		# The wire is as before.
		both_reach A 3
		both_reach W 1
		both_reach S 3
		switch off
		in_ns A ip neigh flush dev v0
		in_ns S ip neigh flush dev eth0
		both_silent A 9
		both_silent S 1
		both_reach A 3
		switch on
		both_reach S 1
		again
	done
}

test_siblings_are_as_before() {
	macs private
	both_silent A 2
	again
	macs bridge
	both_reach A 2
	again
	ips private
	both_silent A 2
	again
	ips bridge
	both_reach A 2
}

test_vepa_and_source_by_the_wire_only() {
	macs vepa
	gives "W/wire0 otherhost" who A v0 $V0 $HOST 1 S/eth0 W/wire0
	gives "W/wire0 otherhost" who S eth0 $HOST $V0 1 A/v0 W/wire0
	gives "W/wire0 broadcast" who A v0 $V0 $ALL 1 S/eth0 W/wire0
	gives "W/wire0 broadcast" who S eth0 $HOST $ALL 1 A/v0 W/wire0
	ip -n A link set v0 type rnetvirt mode source
	gives "W/wire0 otherhost" who A v0 $V0 $HOST 1 S/eth0 W/wire0
	gives "W/wire0 otherhost" who S eth0 $HOST $V0 1 A/v0 W/wire0
	gives "W/wire0 broadcast" who S eth0 $HOST $ALL 1 A/v0 W/wire0
	again
	ips vepa
	gives "W/wire0 otherhost" says A v0 $HOST $HOST 10.0.0.9 1 S/eth0 W/wire0
	gives "W/wire0 otherhost" says S eth0 $HOST $HOST 10.0.0.1 1 A/v0 W/wire0
	gives "W/wire0 broadcast" who A v0 $HOST $ALL 1 S/eth0 W/wire0
}

test_a_frame_between_the_two_is_not_on_the_wire() {
	macs bridge
	gives "S/eth0 host" who A v0 $V0 $HOST 1 S/eth0 B/v1 W/wire0
	gives "A/v0 host" who S eth0 $HOST $V0 1 A/v0 B/v1 W/wire0
	again
	ips bridge
	gives "S/eth0 host" says A v0 $HOST $HOST 10.0.0.9 1 S/eth0 B/v1 W/wire0
	gives "A/v0 host" says S eth0 $HOST $HOST 10.0.0.1 1 A/v0 B/v1 W/wire0
}

# Also with nobody there who listens on the lower device.
test_a_broadcast_is_heard_once() {
	local make source

	for make in "macs bridge $V0" "ips bridge $HOST"; do
		source=${make##* }
		${make% *}
		gives "B/v1 broadcast, S/eth0 broadcast, W/wire0 broadcast" \
			who A v0 "$source" $ALL 3 A/v0 B/v1 S/eth0 W/wire0
		gives "A/v0 broadcast, B/v1 broadcast, W/wire0 broadcast" \
			who S eth0 $HOST $ALL 3 A/v0 B/v1 S/eth0 W/wire0
		gives "A/v0 broadcast, B/v1 broadcast, W/wire0 broadcast" \
			who S eth0 $HOST $ALL 3 A/v0 B/v1 W/wire0
		gives "A/v0 broadcast, B/v1 broadcast, S/eth0 broadcast" \
			who W wire0 $WIRE $ALL 3 A/v0 B/v1 S/eth0
		again
	done
	# Private links do not hear each other by the host's copy.
	macs private
	gives "S/eth0 broadcast, W/wire0 broadcast" who A v0 $V0 $ALL 2 B/v1 S/eth0 W/wire0
}

# Then the hook is called with softirqs enabled; the debug kernel looks. What the hook takes the core calls lost.
test_a_socket_that_leaves_the_queue_out() {
	macs bridge
	[ "$(frames bypass S eth0 of:A:v0 100 500)" = "refused x500" ]
	[ "$(frames bypass S eth0 broadcast 100 500)" = sent ]
	wait_for 5 has_received A v0 1000
	wait_for 5 has_received B v1 500
	again
	ips bridge
	[ "$(frames bypass S eth0 broadcast 100 500)" = sent ]
	wait_for 5 has_received A v0 500
	wait_for 5 has_received B v1 500
}

has_received() { (($(sysfs "$1" "$2" statistics/rx_packets) >= $3)); }

test_multicast_goes_to_who_has_joined() {
	local group

	macs bridge
	group=$(unheard S eth0 $HOST A/v0 B/v1)
	gives "S/eth0 multicast, W/wire0 multicast" who A v0 $V0 "$group" 2 B/v1 S/eth0 W/wire0
	gives "W/wire0 multicast" who S eth0 $HOST "$group" 1 A/v0 B/v1 W/wire0
	ip -n B maddr add "01:00:5e:01:02:${group: -2}" dev v1
	gives "B/v1 multicast, W/wire0 multicast" who S eth0 $HOST "$group" 2 A/v0 B/v1 W/wire0
	gives "B/v1 multicast, S/eth0 multicast, W/wire0 multicast" \
		who A v0 $V0 "$group" 3 B/v1 S/eth0 W/wire0
}

# A switch that sends back what the host has sent to groups: who has heard it does not hear it again.
test_a_switch_that_sends_back() {
	macs bridge
	ip -n B link set v1 type rnetvirt mode vepa
	ip -n W addr flush dev wire0
	switched_on wire0
	hairpin on
	gives "A/v0 broadcast, B/v1 broadcast, S/eth0 broadcast" \
		who S eth0 $HOST $ALL 3 A/v0 B/v1 S/eth0
}

test_gso_frames_stay_whole() {
	local make

	for make in "macs bridge" "ips bridge"; do
		$make
		reaches A 10.0.0.9
		reaches A fd00::9
		gives "1000000 whole" frames tcp A S eth0 1000000 10.0.0.9
		gives "1000000 whole" frames tcp S A v0 1000000 10.0.0.1
		gives "1000000 whole" frames tcp S A v0 1000000 fd00::1
		gives "1000000 whole" frames tcp A S eth0 1000000 fd00::9
		again
	done
}

test_checksums_are_left_open() {
	macs bridge
	reaches A 10.0.0.9
	gives "partial unknown" frames csum A S eth0 10.0.0.9
	gives "partial unknown" frames csum S A v0 10.0.0.1
}

test_fragments() {
	macs bridge
	gives 0 sh -c "nsenter --net=/run/netns/A ping -q -c 3 -i 0.2 -s 8000 10.0.0.9 >/dev/null; echo \$?"
	gives 0 sh -c "nsenter --net=/run/netns/S ping -q -c 3 -i 0.2 -s 8000 fd00::1 >/dev/null; echo \$?"
}

test_timestamps() {
	macs bridge
	reaches S 10.0.0.1
	gives "software" frames stamp S 10.0.0.1
}

test_tcpdump_on_the_lower_device() {
	macs bridge
	reaches S 10.0.0.1
	sees 3 S eth0 in in_ns S ping -q -c 3 -i 0.2 10.0.0.1
	sees 3 S eth0 out in_ns S ping -q -c 3 -i 0.2 10.0.0.1
	sees 0 W wire0 inout in_ns S ping -q -c 3 -i 0.2 10.0.0.1
	# The host's own hear it, as from the wire; and the link's, once.
	sees 6 A v0 inout in_ns S ping -q -c 3 -i 0.2 10.0.0.1
}

test_the_hosts_rules() {
	macs bridge
	reaches S 10.0.0.1
	in_ns S nft -f - <<-TXT
		add table netdev t
		add chain netdev t out { type filter hook egress device eth0 priority 0; }
		add chain netdev t in { type filter hook ingress device eth0 priority 0; }
		add rule netdev t out ip daddr 10.0.0.1 drop
	TXT
	silent S 10.0.0.1
	in_ns S nft flush chain netdev t out
	reaches S 10.0.0.1
	in_ns S nft add rule netdev t in ip saddr 10.0.0.1 drop
	silent S 10.0.0.1
	in_ns S nft delete table netdev t
	reaches S 10.0.0.1
	# And the other way round: the chain comes before the hook, and goes after.
	in_ns S nft "add table netdev t; add chain netdev t out { type filter hook egress device eth0 priority 0; }"
	switch off
	in_ns S nft delete table netdev t
}

test_a_guard_holds() {
	macs bridge
	reaches A 10.0.0.9
	ip -n A link set v0 type rnetvirt guard mac,ip guard-addr set 10.0.0.1
	reaches A 10.0.0.9
	gives nobody who A v0 $V1 $HOST 0 S/eth0 W/wire0
	gives nobody says A v0 $V0 $HOST 10.0.0.9 0 S/eth0 W/wire0
	same "tx_guard_ip" "$(in_ns A ethtool -S v0 | awk '/ tx_guard_ip:/ { print $2 }')" 1
	same "tx_guard_mac" "$(in_ns A ethtool -S v0 | awk '/ tx_guard_mac:/ { print $2 }')" 1
}

test_counters() {
	local before after

	# Without IPv6, which says something now and then.
	TYPE=rnetvirt pair_of bridge
	switch on
	before=$(counters A v0)
	who S eth0 $HOST $V0 1 A/v0 >/dev/null
	who A v0 $V0 $HOST 1 S/eth0 >/dev/null
	after=$(counters A v0)
	same "tx" $(($(cut -d' ' -f1 <<<"$after") - $(cut -d' ' -f1 <<<"$before"))) 1
	same "rx" $(($(cut -d' ' -f4 <<<"$after") - $(cut -d' ' -f4 <<<"$before"))) 1
	# What is longer than the link takes.
	ip -n A link set v0 mtu 1000
	before=$(in_ns A ethtool -S v0 | awk '/ rx_refused:/ { print $2 }')
	gives sent frames send S eth0 peer:A:v0 1400 5
	after=$(in_ns A ethtool -S v0 | awk '/ rx_refused:/ { print $2 }')
	same "rx_refused" $((after - before)) 5
}

test_a_link_that_is_down_is_outside() {
	macs bridge
	ip -n A link set v0 down
	gives "W/wire0 otherhost" who S eth0 $HOST $V0 1 W/wire0
	gives "B/v1 broadcast, W/wire0 broadcast" who S eth0 $HOST $ALL 2 B/v1 W/wire0
}

# A tag leads to a VLAN, which may be in the namespace of somebody else.
test_tagged_frames_are_left_alone() {
	local make source

	needs 8021q
	for make in "macs bridge $V0" "ips bridge $HOST"; do
		source=${make##* }
		${make% *}
		ns C
		ip -n S link add link eth0 name c5 netns C type vlan id 5
		ip -n C link set c5 up
		gives "W/wire0 broadcast" asks A v0 "$source" 5 10.0.0.9 1 C/c5 W/wire0
		# Nor do links get what a VLAN's namespace sends.
		gives "W/wire0 otherhost" who C c5 $HOST $ALL 1 A/v0 S/eth0 W/wire0
		gives "W/wire0 otherhost" who C c5 $HOST "$source" 1 A/v0 S/eth0 W/wire0
		ip netns del C
		again
	done
}

test_a_tag_reaches_no_vlan_of_the_host() {
	needs 8021q
	macs bridge
	ns C
	ip -n S link add link eth0 name c5 netns C type vlan id 5
	ip -n S link add link eth0 name c0 netns C type vlan id 0
	ip -n C link set c5 up
	ip -n C link set c0 up
	for tag in 81000005 81000000 88a80005; do
		gives "W/wire0 otherhost" tagged A v0 $HOST$V0$tag C/c5 C/c0 S/eth0 W/wire0
	done
}

# tagged NETNS DEVICE HEADER PLACE...: who sees a frame that begins so, with a tag in it.
tagged() { frames begins "$@"; }

test_a_vlan_as_the_lower_device() {
	needs 8021q
	ns S W A
	wired S W
	ip -n S link add link eth0 name e5 type vlan id 5
	ip -n W link add link wire0 name w5 type vlan id 5
	ip -n S link set e5 up
	ip -n W link set w5 up
	ip -n S addr add 10.0.0.9/24 dev e5
	ip -n S link add link e5 name v0 netns A type rnetvirt host on
	ip -n A addr add 10.0.0.1/24 dev v0
	ip -n A link set v0 up
	reaches A 10.0.0.9
	sees 0 W wire0 inout in_ns S ping -q -c 3 -i 0.2 10.0.0.1
	ip -n W addr add 10.0.0.3/24 dev w5
	reaches A 10.0.0.3
}

test_a_bond_as_the_lower_device() {
	needs bonding veth
	ns S W A
	ip -n S link add eth0 type veth peer name wire0 netns W
	ip -n W link set wire0 up
	ip -n S link add b0 type bond mode active-backup
	ip -n S link set eth0 master b0
	ip -n S link set b0 up
	ip -n S addr add 10.0.0.9/24 dev b0
	ip -n S link add link b0 name v0 netns A type rnetvirt host on
	ip -n A addr add 10.0.0.1/24 dev v0
	ip -n A link set v0 up
	reaches A 10.0.0.9
	reaches S 10.0.0.1
	sees 0 W wire0 inout in_ns S ping -q -c 3 -i 0.2 10.0.0.1
}

test_a_bridge_as_the_lower_device() {
	ns S W A
	wired S W
	ip -n S link add br0 up type bridge
	ip -n S link set eth0 master br0
	ip -n S addr add 10.0.0.9/24 dev br0
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n S link add link br0 name v0 netns A type rnetvirt host on
	ip -n A addr add 10.0.0.1/24 dev v0
	ip -n A link set v0 up
	reaches A 10.0.0.9
	reaches S 10.0.0.1
	reaches A 10.0.0.3
	sees 0 W wire0 inout in_ns S ping -q -c 3 -i 0.2 10.0.0.1
}

test_a_link_in_the_hosts_namespace() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 address 02:00:00:00:00:01 type rnetvirt host on
	ip -n S link set v0 up
	gives "S/v0 host" who S eth0 $HOST $V0 1 S/v0 W/wire0
	gives "S/eth0 host" who S v0 $V0 $HOST 1 S/eth0 W/wire0
}

test_both_flavors_at_once() {
	ns S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor macvlan mode bridge host on
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor ipvlan mode l2
	placed4
	reaches A 10.0.0.9
	reaches S 10.0.0.1
	reaches B 10.0.0.9
	reaches S 10.0.0.2
	reaches A 10.0.0.2
	# What is for the lower device's MAC address is a sibling's by its IP address, and that is not reached.
	ip -n A link set v0 type rnetvirt mode private
	gives "W/wire0 otherhost" says A v0 "$(tr -d : <<<"$(sysfs A v0 address)")" $HOST 10.0.0.2 1 B/v1 S/eth0 W/wire0
	reaches A 10.0.0.9
}

placed4() {
	addressed A B
	ip -n S addr add 10.0.0.9/24 dev eth0
}

# A tenant who takes the MAC address of a gateway does not get what the host sends there.
test_a_tenants_own_mac_address_is_not_known_to_the_host() {
	macs bridge
	container
	ip -n A link set v0 netns "$CONTAINER" name v0
	inside ip link set v0 up
	nsenter -t "$CONTAINER" -n tcpdump -Z root --immediate-mode -U -n -i v0 -w "$WORK/got" ether proto 0x88b5 \
		2>"$WORK/listening" &
	listens
	gives nobody who S eth0 $HOST $V0 0 W/wire0
	wait_for 10 in_file got 1
	inside ip link set v0 address 02:00:00:00:00:0f
	gives "W/wire0 otherhost" who S eth0 $HOST 02000000000f 1 W/wire0
	in_file got 1 || fail "the tenant got what is the gateway's"
	# Until the host's administrator says so.
	nsenter -t "$CONTAINER" -n ip link set v0 type rnetvirt host on
	gives nobody who S eth0 $HOST 02000000000f 0 W/wire0
	wait_for 10 in_file got 2
	# Also of an address that he gives.
	nsenter -t "$CONTAINER" -n ip link set v0 address 02:00:00:00:00:01
	gives "W/wire0 otherhost" who S eth0 $HOST $V0 1 W/wire0
	nsenter -t "$CONTAINER" -n ip link set v0 type rnetvirt host on
	gives nobody who S eth0 $HOST $V0 0 W/wire0
	wait_for 10 in_file got 3
}

# send_ipv4 PROTOCOL DESTINATION: v0 sends three times such a packet to the MAC address DESTINATION, for 10.0.0.2, and
# says that it is of that protocol.
send_ipv4() {
	python3 - "$1" "$2" <<-PY
		import socket, struct, sys
		sys.path.insert(0, "$TESTS")
		from frames import mac_of
		from inside import inside
		protocol = int(sys.argv[1], 0)
		udp = struct.pack("!HHHH", 9, 9, 16, 0) + b"01234567"
		header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 36, 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
		total = sum(struct.unpack("!10H", header))
		total = (total & 0xffff) + (total >> 16)
		header = header[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + header[12:]
		with inside("A"):
		    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		    out.bind(("v0", protocol))
		for _ in range(3):
		    try:
		        out.send(bytes.fromhex(sys.argv[2]) + mac_of("A", "v0") + b"\x08\x00" + header + udp)
		    except OSError:
		        pass
	PY
	sleep 0.3
}

# Reports and solicitations of IPv6 come when they like: not from here on.
ipv6_ends() {
	local name

	for name in S W A B; do
		in_ns "$name" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
	sleep 1
}

# The host is no way round what parts the two.
test_a_private_link_reaches_no_sibling_by_the_host() {
	local before host

	ips private
	ipv6_ends
	host=$(sysfs S eth0 address | tr -d :)
	before=$(sysfs B v1 statistics/rx_packets)
	send_ipv4 0x800 "$host"
	same "what v1 got of honest packets" "$before" "$(sysfs B v1 statistics/rx_packets)"
	send_ipv4 0x88b5 "$host"
	same "what v1 got of others" "$before" "$(sysfs B v1 statistics/rx_packets)"
	# They would have come.
	again
	ips bridge
	host=$(sysfs S eth0 address | tr -d :) before=$(sysfs B v1 statistics/rx_packets)
	send_ipv4 0x800 "$host"
	wait_for 5 eval '[ "$(sysfs B v1 statistics/rx_packets)" -ge $((before + 3)) ]'
}

# A link in mode l3s gets by netfilter what the host receives: not by the host's copies of a private link's.
test_a_private_link_reaches_no_l3s_link_by_a_group() {
	local before

	ips private
	ip -n B link set v1 netns S
	ip -n S link set v1 type rnetvirt mode l3s bridge
	ip -n S link set v1 netns B
	ip -n B addr add 10.0.0.2/24 dev v1
	ip -n B link set v1 up
	ipv6_ends
	before=$(sysfs B v1 statistics/rx_packets)
	send_ipv4 0x800 ffffffffffff
	send_ipv4 0x88b5 ffffffffffff
	same "what v1 got" "$before" "$(sysfs B v1 statistics/rx_packets)"
}

test_another_namespace_switches_it_off() {
	macs bridge
	ns C
	reaches S 10.0.0.1
	ip -n S link set eth0 netns C
	gives null host_of A v0
	ip -n C link set eth0 up
	ip -n C addr add 10.0.0.9/24 dev eth0
	silent C 10.0.0.1
	ip -n C link set eth0 netns S
	ip -n S link set eth0 up
	switch on
	ip -n S addr add 10.0.0.9/24 dev eth0
	reaches S 10.0.0.1
}

# Nothing of what a link sends is taken for the host's.
test_a_link_that_imitates_the_host() {
	macs private
	gives "W/wire0 otherhost" who A v0 $HOST $V1 1 B/v1 S/eth0 W/wire0
	gives "S/eth0 broadcast, W/wire0 broadcast" who A v0 $HOST $ALL 2 B/v1 S/eth0 W/wire0
	again
	ips vepa
	gives "W/wire0 otherhost" says A v0 $HOST $HOST 10.0.0.2 1 B/v1 S/eth0 W/wire0
}

test_l3_goes_by_the_routes() {
	local mode

	for mode in l3 l3s; do
		ip_pair $mode
		ip -n S addr add 10.0.0.9/24 dev eth0
		switch on
		silent A 10.0.0.9
		silent S 10.0.0.1
		reaches A 10.0.0.3
		ip -n A link set v0 type rnetvirt trust on
		ip -n W addr flush dev wire0
		again
	done
}

test_a_tap() {
	ns S W
	wired S W
	ip -n S link add link eth0 name t0 address 02:00:00:00:00:01 index 101 type rnetvirt flavor macvtap host on
	ip -n S link set t0 up
	python3 - <<-'PY'
		import os, socket, struct, sys, time
		sys.path.insert(0, os.environ["TESTS"])
		from frames import packet_socket
		host, tap = bytes.fromhex("020000000a00"), bytes.fromhex("020000000001")
		node = os.open("/dev/tap101", os.O_RDWR)
		import fcntl
		fcntl.ioctl(node, 0x400454ca, struct.pack("16sH22x", b"t0", 0x1002))
		lower = packet_socket("S", "eth0", 0x88B5)
		lower.settimeout(5)
		frame = tap + host + b"\x88\xb5" + bytes(86)
		lower.send(frame)
		got = os.read(node, 2000)
		assert got == frame, got
		frame = host + tap + b"\x88\xb5" + bytes(86)
		os.write(node, frame)
		got, address = lower.recvfrom(2000)
		assert got == frame and address[2] == 0, (got, address)
	PY
}

test_many_listeners() {
	local n

	ns S W A
	wired S W
	for n in $(seq 130); do
		echo "link add link eth0 name m$n netns A type rnetvirt mode bridge"
	done | ip -n S -batch -
	for n in $(seq 130); do
		echo "link set m$n up"
	done | ip -n A -batch -
	ip -n A link set m1 type rnetvirt host on bclim 1
	gives "A/m1 broadcast, A/m130 broadcast, W/wire0 broadcast" who S eth0 $HOST $ALL 3 A/m1 A/m130 S/eth0 W/wire0
	gives "A/m130 broadcast, S/eth0 broadcast, W/wire0 broadcast" \
		who A m1 "$(tr -d : <<<"$(sysfs A m1 address)")" $ALL 3 A/m1 A/m130 S/eth0 W/wire0
}

# Traffic between the host and both links.
host_flows() {
	local n

	for n in 1 2; do
		nsenter --net=/run/netns/S ping -q -i $PACE -s 1000 10.0.0.$n >/dev/null 2>&1 &
		TRAFFIC+=($!)
	done
	nsenter --net=/run/netns/S ping -b -q -i $PACE -s 100 10.0.0.255 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	nsenter --net=/run/netns/A ping -q -i $PACE 10.0.0.9 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	flows A v0
	flows B v1
}

test_the_lower_device_is_deleted_under_traffic() {
	local make

	for make in "macs bridge" "ips bridge" "macs private"; do
		$make
		host_flows
		ip -n S link del eth0
		empty A B || fail "A: $(names A), B: $(names B)"
		quiet
		again
	done
}

test_its_namespace_is_deleted_under_traffic() {
	macs bridge
	traffic A B
	nsenter --net=/run/netns/A ping -q -i $PACE 10.0.0.9 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	nsenter --net=/run/netns/B ping -b -q -i $PACE 10.0.0.255 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	reaches A 10.0.0.9
	ip netns del S
	wait_for 20 empty A
	quiet
}

test_switched_under_traffic() {
	local n

	macs bridge
	host_flows
	for n in $(rounds 20); do
		switch off
		switch on
	done
	flows A v0
	quiet
}

test_links_come_and_go_under_traffic() {
	local n

	macs bridge
	host_flows
	for n in $(rounds 10); do
		ip -n A link del v0
		ip -n S link add link eth0 name v0 netns A address 02:00:00:00:00:01 type rnetvirt mode bridge
		ip -n A addr add 10.0.0.1/24 dev v0
		ip -n A link set v0 up
	done
	flows A v0
	# The last ones take the port, the hook and the mark along.
	ip -n A link del v0
	ip -n B link del v1
	port_gone S eth0
	quiet
}

test_the_module_goes_under_traffic() {
	local make

	for make in "macs bridge" "ips bridge"; do
		$make
		host_flows
		unload_kind
		not has A v0 || fail "v0 is still there"
		load_kind
		quiet
		again
	done
}
