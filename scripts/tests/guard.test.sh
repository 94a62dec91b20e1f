# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The guard: how it is set, shown and refused, and that what it lets pass works.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
TAKES=25
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

ALL=mac,ip,arp,ra,dhcp-server

# one FLAVOR: v0 on eth0, in S.
one() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 type rnetvirt flavor "$1"
}

# guard_of NAME: as JSON shows it.
guard_of() {
	ip -n S -d -j link show "$1" | jq -c '.[].linkinfo.info_data | [.guard, .guard_addr]'
}

set_guard() { ip -n S link set v0 type rnetvirt "$@"; }

test_off_by_default() {
	local flavor

	for flavor in macvlan ipvlan macvtap ipvtap; do
		ns "S$flavor" "W$flavor"
		wired "S$flavor" "W$flavor"
		ip -n "S$flavor" link add link eth0 name v0 type rnetvirt flavor $flavor
		not grep -q guard <<<"$(ip -n "S$flavor" -d link show v0)" || fail "$flavor has a guard"
	done
}

test_is_set_shown_and_taken_off() {
	local flavor

	for flavor in macvlan ipvlan; do
		one $flavor
		set_guard guard mac,ip guard-addr add 10.0.0.1,192.0.2.77/24,fd00::1,2001:db8::1/64,00:00:5e:00:01:07
		gives '[["mac","ip"],["10.0.0.1","192.0.2.0/24","fd00::1","2001:db8::/64","00:00:5e:00:01:07"]]' guard_of v0
		set_guard guard-addr del 192.0.2.0/24,fd00::1
		set_guard guard arp
		gives '[["arp"],["10.0.0.1","2001:db8::/64","00:00:5e:00:01:07"]]' guard_of v0
		set_guard guard-addr set ::/0
		gives '[["arp"],["::/0"]]' guard_of v0
		set_guard guard off
		gives '[[],["::/0"]]' guard_of v0
		set_guard guard-addr flush
		gives '[null,null]' guard_of v0
		ip -n S link del v0
		ip netns del S
		ip netns del W
	done
}

test_text() {
	one macvlan
	set_guard guard $ALL guard-addr add 10.0.0.1,fd00::/64
	grep -q " guard $ALL guard-addr 10.0.0.1,fd00::/64 " <<<"$(ip -n S -d link show v0)" || fail "not shown so"
	set_guard guard off
	grep -q " guard off guard-addr 10.0.0.1,fd00::/64 " <<<"$(ip -n S -d link show v0)" || fail "off is not shown"
}

test_at_creation_without_a_flavor() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 type rnetvirt guard ip guard-addr add 10.0.0.1
	gives macvlan sh -c "nsenter --net=/run/netns/S ip -d -j link show v0 | jq -r '.[].linkinfo.info_data.flavor'"
	gives '[["ip"],["10.0.0.1"]]' guard_of v0
	ip -n S link add link eth0 name v1 type rnetvirt guard ip mode l2
	gives ipvlan sh -c "nsenter --net=/run/netns/S ip -d -j link show v1 | jq -r '.[].linkinfo.info_data.flavor'"
	gives '[["ip"],null]' guard_of v1
}

test_refusals() {
	one macvlan
	refused 'argument of "guard" must be' set_guard guard mac,nonsense
	refused 'argument of "guard-addr" must be' set_guard guard-addr replace 10.0.0.1
	refused 'is not a MAC address, an IP address or a prefix' set_guard guard-addr add 10.0.0.1/33
	refused 'is not a MAC address, an IP address or a prefix' set_guard guard-addr add 10.0.0.1,
	refused 'is an option of flavor macvlan, not of veth' ip -n S link add x0 type rnetvirt flavor veth guard mac
	# What only other programs would send.
	errno "EINVAL guard is any of mac (1), ip (2), arp (4), ra (8), dhcp-server (16)" \
		S set kind:rnetvirt name:v0 nest:6 data32:1:32 end
	errno "EINVAL the guard's list can be added to, deleted from, flushed and set" \
		S set kind:rnetvirt name:v0 nest:6 data32:2:4 end
	errno "EINVAL the guard's list can be added to, deleted from, flushed and set" \
		S set kind:rnetvirt name:v0 nest:6 data:32771:0900010002020202200000 end
	errno "EINVAL an entry of the guard's list is a MAC address, or IP address and prefix length" \
		S set kind:rnetvirt name:v0 nest:6 data32:2:0 data:32771:09000100020202022100 end
	errno "EINVAL flavor veth has no guard; its ends are for the administrator of each" \
		S new kind:rnetvirt name:x0 data32:2:0 nest:6 data32:1:1 end
	gives '[null,null]' guard_of v0
}

test_the_list_has_an_end() {
	local n list=

	one macvlan
	for n in $(seq 32); do
		list+=${list:+,}10.0.0.$n
	done
	set_guard guard-addr add "$list"
	set_guard guard-addr add "${list//10.0.0/10.0.1}"
	# Those that are there count once.
	set_guard guard-addr add "$list"
	refused "up to 64 entries" set_guard guard-addr add 10.0.2.1
	refused "up to 64 entries" set_guard guard-addr add "${list//10.0.0/10.0.2}"
	gives 64 sh -c "nsenter --net=/run/netns/S ip -d -j link show v0 | jq '.[].linkinfo.info_data.guard_addr | length'"
}

# With all rules, and its own addresses, a link does what links do.
lives() { # FLAVOR WORDS...
	ns S W A B
	ipv6_on S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor "$@" guard $ALL guard-addr set 10.0.0.1,fd00::1
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor "$@" guard $ALL guard-addr set 10.0.0.2,fd00::2
	# With detection of duplicates.
	for n in A B; do
		nsenter --net=/run/netns/$n sysctl -qw net.ipv6.conf.default.accept_dad=1
	done
	ip -n A addr add 10.0.0.1/24 dev v0
	ip -n A addr add fd00::1/64 dev v0
	ip -n B addr add 10.0.0.2/24 dev v1
	ip -n B addr add fd00::2/64 dev v1
	ip -n A link set v0 up
	ip -n B link set v1 up
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n W addr add fd00::3/64 dev wire0 nodad
	for n in 10.0.0.2 10.0.0.3 fd00::2 fd00::3; do
		reaches A $n
	done
	reaches W 10.0.0.1
	reaches W fd00::1
	# The link-local address needs not be said.
	reaches A "$(ip -n B -j -6 addr show dev v1 scope link | jq -r '.[] | .addr_info[]? | .local | values')%v0"
	same "stopped" "$(in_ns A ethtool -S v0 | awk '/ tx_guard_/ { n += $2 } END { print n }')" 0
}

test_lives_macvlan() { lives macvlan mode bridge; }

test_lives_ipvlan() { lives ipvlan mode l2; }

test_a_new_mac_address_is_the_administrators_to_allow() {
	ns S W
	wired S W
	ip -n S link add link eth0 name v0 address 02:00:00:00:00:01 type rnetvirt guard mac
	ip -n S addr add 10.0.0.1/24 dev v0
	ip -n S link set v0 up
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n S link set v0 address 02:00:00:00:00:05
	not in_ns S ping -q -c 1 -W 1 10.0.0.3 >/dev/null || fail "passed"
	set_guard guard mac
	reaches S 10.0.0.3
	ip -n S link set v0 address 02:00:00:00:00:06
	set_guard guard-addr add 02:00:00:00:00:06
	reaches S 10.0.0.3
}

test_follows_the_lower_devices_mac_address() {
	lives ipvlan mode l2
	ip -n S link set eth0 address 02:00:00:00:0a:01
	reaches A 10.0.0.3
	reaches A fd00::2
}

test_changes_under_traffic() {
	pair_of bridge
	traffic A B W
	wait_for 10 flows A v0
	for _ in $(rounds 60); do
		ip -n A link set v0 type rnetvirt guard $ALL guard-addr set 10.0.0.1
		ip -n A link set v0 type rnetvirt guard-addr add 10.0.0.0/8,fd00::/8
		ip -n A link set v0 type rnetvirt guard off guard-addr flush
	done
	flows A v0
	quiet
}
