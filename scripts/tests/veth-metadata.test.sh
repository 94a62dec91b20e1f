# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What programs of XDP that are bound to a device can ask of a packet (bpf_xdp_metadata_rx_*): hash, timestamp, VLAN
# tag. They call functions of the kernel, whose numbers only a kernel with BTF tells.
# shellcheck disable=SC2034
KERNELS="stock stock-rt"
TAKES=20
LIMIT=120

# shellcheck source=/dev/null
. "$TESTS/xdp.sh"

# asks NETNS DEVICE [VERDICT]: a program there that asks of each packet.
asks() {
	mkdir -p $PROGS
	rm -f $PROGS/asks*
	xdp_in "$1" pin $PROGS/asks bound:"$2" ask "${3:-pass}"
	attach "$1" "$2" asks
}

# told: packets, hash, what it is of, timestamp, VLAN tag; told_of N [FIELDS]: when it was asked of N.
told() { xdp asked $PROGS/asks; }
told_of() {
	wait_for 30 eval '[ "$(told | cut -d" " -f1)" = '"$1"' ]'
	told | cut -d' ' -f"${2:-2-}"
}

# datagrams PORT [COUNT]: from S to B, whose neighbours are known.
datagrams() { frames udp S 10.0.0.2 7 "$1" "${2:-1}"; }

pair() {
	ns S B
	joined S B "$@"
	know
}
know() {
	ip -n S neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev v0
	ip -n B neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev v1
}

test_e_metadata_hash_is_that_of_the_flow() {
	local one two

	pair
	asks B v1
	datagrams 7001 3
	one=$(told_of 3 2,3)
	[[ $one = *" l4" ]] || fail "of one flow: $one"
	datagrams 7002
	two=$(told_of 4 2,3)
	[[ $two = *" l4" && $two != "$one" ]] || fail "of another flow: $two, after $one"
	datagrams 7001
	gives "$one" told_of 5 2,3
	# Without ports; the core has said no more of it.
	frames send S v0 peer:B:v1 100 1 >/dev/null
	gives "type:0" told_of 6 3
}

# A classifier behind the program, which the packet comes to with what was found.
test_e_metadata_hash_is_what_the_stack_has() {
	pair
	mkdir -p $PROGS
	xdp_in B tc $PROGS/link v1 hash
	asks B v1
	datagrams 7001 2
	gives "$(told_of 2 2)" xdp hash $PROGS/link
	datagrams 7003
	gives "$(told_of 3 2)" xdp hash $PROGS/link
	rm -rf $PROGS
}

# What one processor has received another frees when it receives next; a pool waits for its pages, and says so.
pages_go_back() {
	local cpu

	for cpu in $(seq 0 $(($(nproc) - 1))); do
		in_ns S taskset -c "$cpu" ping -q -c 1 10.0.0.1
		in_ns B taskset -c "$cpu" ping -q -c 1 10.0.0.2
	done
}

# Packets that the socket keeps are copied for the program, with what is known of them.
test_e_metadata_of_copied_packets() {
	pair
	asks B v1
	gives "100000 cut" eval 'frames tcp S B v1 100000 | sed s/whole/cut/'
	[ "$(told | cut -d' ' -f1)" -gt 60 ] || fail "asked of $(told)"
	told | grep " l4 0 ENODATA$"
	pages_go_back
}

test_e_metadata_vlan_tag() {
	local length=100

	# Here no link loads what it stands on.
	modprobe 8021q
	pair
	asks B v1
	frames send S v0 broadcast $length 1 >/dev/null
	gives "ENODATA" told_of 1 5
	ip -n S link add link v0 name tagged type vlan id 5 egress-qos-map 0:3
	ip -n S link set tagged up
	frames send S tagged broadcast $length 1 >/dev/null
	# Priority 3 is 0x6000.
	gives "8100:24581" told_of 2 5
	ip -n S link add link v0 name stagged type vlan protocol 802.1ad id 4094
	ip -n S link set stagged up
	frames send S stagged broadcast $length 1 >/dev/null
	gives "88a8:4094" told_of 3 5
	# A tag among the bytes is the program's to read.
	in_ns S ethtool -K v0 tx-vlan-hw-insert off
	frames send S tagged broadcast $length 1 >/dev/null
	gives "ENODATA" told_of 4 5
}

test_e_metadata_timestamp() {
	local frame

	pair
	asks B v1
	datagrams 7001
	gives "0" told_of 1 4
	# Which a network card has received, and this host forwards. C veth copies it, without the time.
	ns C
	ip -n C link add w0 address 02:00:00:00:00:11 type "$KIND" peer name w1 address 02:00:00:00:00:12 netns S
	ip -n C link set w0 up
	ip -n S link set w1 up
	ip -n S address add 10.1.0.1/24 dev w1
	in_ns S sysctl -qw net.ipv4.ip_forward=1
	# UDP from 10.1.0.2 to 10.0.0.2.
	frame=02000000001202000000001108004500003000010000401166b80a0100020a00000200090009001c0000$(printf '%040d' 0)
	xdp_in C stamped w0 1234567890123 "$frame"
	if [ "$KIND" = rnetvirt ]; then
		gives "1234567890123" told_of 2 4
	else
		gives "0" told_of 2 4
	fi
	told | grep " l4 "
}

test_e_metadata_of_frames() {
	pair
	asks B v1 drop
	prog away redirect:"$(ifindex S v0)"
	xdp_in S live $PROGS/away 10 "$(bytes_of 100 $MAC1 $MAC0)"
	gives "ENODATA ENODATA ENODATA ENODATA" told_of 10
	# And packets meanwhile.
	datagrams 7001
	gives "l4 0 ENODATA" told_of 11 3-
}

test_e_metadata_is_declared() {
	pair
	gives "timestamp hash vlan-tag" in_ns B python3 "$TESTS/netdev.py" asked v1
}

test_e_metadata_binds_a_program_to_its_device() {
	pair
	mkdir -p $PROGS
	xdp_in B pin $PROGS/asks bound:v1 ask pass
	refused "Program bound to different device" attach S v0 asks
	refused "Can't attach device-bound programs in generic mode" attach B v1 asks xdpgeneric
	attach B v1 asks
	detach B v1
	attach B v1 asks
	# It stays while the device is down, and goes with it.
	ip -n B link set v1 down
	ip -n B link set v1 up
	carried S v0
	know
	datagrams 7001
	gives "l4 0 ENODATA" told_of 1 3-
	ip -n S link del v0
	joined S B
	refused "Program bound to different device" attach B v1 asks
}
