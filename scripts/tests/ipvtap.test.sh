# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# ipvtap: nodes, files, frames (ipvlan's statements F).
# shellcheck disable=SC2034
KINDS="ipvtap rnetvirt"
LIMIT=120
# shellcheck source=/dev/null
. "$TOP/scripts/tests/tap.sh"

[ "$KIND" != rnetvirt ] || TYPE="rnetvirt flavor ipvtap trust on"

# ip_bed MODE [LOWER]: as bed, with addresses; m0 in M is an ipvlan. LOWER is eth0, or a
# VLAN device on it that leaves its tag in headers.
ip_bed() {
	local type=ipvlan lower=${2:-eth0}

	[ "$KIND" != rnetvirt ] || type="rnetvirt flavor ipvlan"
	[ "$KIND" = rnetvirt ] || needs ipvlan
	ns S W M T
	ipv6_on S W M
	wired S W
	if [ $lower != eth0 ]; then
		needs 8021q
		ip -n S link add link eth0 name $lower up type vlan id ${lower#*.} reorder_hdr off
	fi
	endpoint S $lower t0 "$1" index 101
	# shellcheck disable=SC2086
	ip -n S link add link $lower name m0 netns M type $type mode "$1"
	ip -n S -batch - <<-TXT
		addr add 10.0.0.101/24 dev t0
		addr add fd00::101/64 dev t0 nodad
		link set t0 up
		link set lo up
	TXT
	ip -n M addr add 10.0.0.4/24 dev m0
	ip -n M link set m0 up
	if [ "$1" != l2 ]; then
		# The lower device's namespace sends what they write.
		ip -n S -batch - <<-TXT
			route del 10.0.0.0/24 dev t0
			route del fd00::/64 dev t0
			route add 10.0.0.0/24 dev eth0
			route add fd00::/64 dev eth0
			neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev eth0
			neigh replace fd00::3 lladdr 02:00:00:00:0b:00 dev eth0
		TXT
	fi
}

test_f4_node() {
	local node=rnetvirt

	[ "$KIND" = rnetvirt ] || node=ipvtap
	ip_bed l2
	[ -c /dev/tap101 ]
	gives "/dev/tap101 crw-------" stat -c "%n %A" /dev/tap101
	gives "$node" ip netns exec S sh -c "basename \$(readlink /sys/class/net/t0/tap101/subsystem)"
	gives "500 pfifo_fast" rtnl S get t0 txqlen qdisc
	ip -n S link del t0
	[ ! -e /dev/tap101 ]
}
test_f10_a_fresh_queue() { ip_bed l2; tap fresh; }
test_f10_who_may_open() { ip_bed l2; tap opens; }
test_f7_frames_by_address_l2() { ip_bed l2; tap by_address l2; }
test_f7_frames_by_address_l3() { ip_bed l3; tap by_address l3; }
test_f7_frames_by_address_l3s() { ip_bed l3s; tap by_address l3s; }
test_f7_tag_in_the_header() {
	local mode

	[ "$KIND" = rnetvirt ] || skip "the C driver's frames have lost the first 4 bytes"
	for mode in l2 l3; do
		ip_bed $mode eth0.5
		tap tag_in_header eth0.5
		printf 'netns del %s\n' S W M T | ip -batch -
	done
}
test_f7_options_are_those_of_the_packet() {
	[ "$KIND" = rnetvirt ] || skip "it sends what is in memory behind the packet"
	ip_bed l3
	tap options
}
test_f5_link_deleted() { ip_bed l2; tap gone_by_address; }

test_f7_without_a_reader_it_has_a_stack() {
	ip_bed l2
	ip -n W addr add 10.0.0.3/24 dev wire0
	reaches W 10.0.0.101
	reaches M 10.0.0.3
}
