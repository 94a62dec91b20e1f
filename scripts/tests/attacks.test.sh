# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A container's root tries to get past the guard of his link.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=240
TAKES=100
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

ALL=mac,ip,arp,ra,dhcp-server
LIST=10.0.0.1,fd00::1,fe80::1,00:00:5e:00:01:07

# guarded FLAVOR WORDS...: v0 in A with a guard, v1 in B beside it; both on eth0 in S, whose wire ends in W.
guarded() {
	ns S W A B
	ipv6_on A
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor "$@" guard $ALL guard-addr set $LIST
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor "$@"
	ip -n A link set v0 up
	ip -n B link set v1 up
}

attack() {
	local got

	got=$(python3 "$TESTS/attack.py" "$@")
	note "$got"
	[[ $got =~ ^all\ [0-9]+$ ]] || fail "attack.py $*"
}

# Nobody sees what is bad, and what is good passes.
against() {
	guarded "$@"
	attack bad A v0 W/wire0 S/eth0 B/v1
	attack good A v0
}

test_macvlan_bridge() { against macvlan mode bridge; }

test_macvlan_vepa() { against macvlan mode vepa; }

test_macvlan_private() { against macvlan mode private; }

test_macvlan_passthru() {
	ns S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor macvlan mode passthru \
		guard $ALL guard-addr set $LIST
	ip -n A link set v0 up
	attack bad A v0 W/wire0 S/eth0
	attack good A v0
}

test_ipvlan_l2() { against ipvlan mode l2; }

test_ipvlan_l2_trusted() { against ipvlan mode l2 trust on; }

test_ipvlan_l3() {
	guarded ipvlan mode l3
	attack bad A v0 W/wire0 S/eth0 B/v1
}

test_ipvlan_l3_without_addresses() {
	local ALL=mac,arp,ra,dhcp-server

	guarded ipvlan mode l3
	attack said A v0 W/wire0 S/eth0 B/v1
}

test_macvtap() {
	ns S W B
	wired S W
	ip -n S link add link eth0 name t0 index 101 type rnetvirt flavor macvtap mode bridge \
		guard $ALL guard-addr set $LIST
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor macvlan mode bridge
	ip -n S link set t0 up
	ip -n B link set v1 up
	attack tap bad S t0 /dev/tap101 W/wire0 B/v1
	attack tap good S t0 /dev/tap101
}

# held MODE: m0 in a container, with a guard; the container's root may do there what he likes.
held() {
	ns S W
	wired S W
	container
	ip -n S link add link eth0 name m0 address 02:00:00:00:00:01 netns $CONTAINER type rnetvirt \
		flavor macvlan mode "${1:-bridge}" guard $ALL guard-addr set 10.0.0.1
	inside ip addr add 10.0.0.1/24 dev m0
	inside ip link set m0 up
	ip -n W addr add 10.0.0.3/24 dev wire0
	wait_for 10 inside ping -q -c 1 -W 1 10.0.0.3
}

stopped() { inside ethtool -S m0 | awk '/ tx_guard_/ { n += $2 } END { print n }'; }

# nothing_gets_out: and the guard is why.
nothing_gets_out() {
	local before

	before=$(stopped)
	not inside ping -q -c 2 -i 0.2 -W 1 10.0.0.3 >/dev/null || fail "the answer came"
	(($(stopped) > before)) || fail "the guard stopped nothing"
}

test_the_guard_is_not_taken_off() {
	held
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt guard off
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt guard-addr add 10.0.0.9
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt guard-addr flush
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt mode vepa guard off
	grep -q " mode bridge " <<<"$(inside ip -d link show m0)" || fail "half of the change was made"
	not grep -q guard <<<"$(inside ip -d link show m0)" || fail "he sees it"
	grep -q "guard $ALL guard-addr 10.0.0.1 " <<<"$(nsenter -t $CONTAINER -n ip -d link show m0)" ||
		fail "the administrator does not see it"
}

test_another_mac_address_gets_nothing_out() {
	held
	inside ip link set m0 down
	inside ip link set m0 address 02:00:00:00:00:77 up
	nothing_gets_out
	inside ip link set m0 down
	inside ip link set m0 address 02:00:00:00:00:01 up
	wait_for 10 inside ping -q -c 1 -W 1 10.0.0.3
}

test_another_address_gets_nothing_out() {
	held
	inside ip addr flush dev m0
	inside ip addr add 10.0.0.9/24 dev m0
	nothing_gets_out
}

test_another_mode_changes_nothing() {
	held
	inside ip link set m0 type rnetvirt mode vepa
	inside ip addr flush dev m0
	inside ip addr add 10.0.0.9/24 dev m0
	nothing_gets_out
}

test_a_link_on_top_gets_nothing_out() {
	held
	needs 8021q
	inside ip link add link m0 name m0.5 address 02:00:00:00:00:88 type vlan id 5
	inside ip addr flush dev m0
	inside ip addr add 10.0.0.9/24 dev m0.5
	inside ip link set m0.5 up
	nothing_gets_out
	inside ip link del m0.5
	inside ip link add link m0 name i0 type rnetvirt flavor ipvlan mode l2
	inside ip addr add 10.0.0.9/24 dev i0
	inside ip link set i0 up
	nothing_gets_out
}

test_no_link_beside_it() {
	held
	refused "CAP_NET_ADMIN is required" inside ip link add link m0 name m1 type rnetvirt flavor macvlan
	inside ip link del m0
	refused "Cannot find device" inside ip link add link m0 name m1 type rnetvirt flavor macvlan
}

test_another_namespace_changes_nothing() {
	held
	nsenter -t $CONTAINER -U --preserve-credentials unshare -n sleep 600 &
	OTHER=$!
	wait_for 10 grep -q sleep /proc/$OTHER/comm
	inside ip link set m0 netns $OTHER
	CONTAINER=$OTHER
	inside ip addr add 10.0.0.9/24 dev m0
	inside ip link set m0 up
	nothing_gets_out
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt guard off
}
