# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# macvtap: nodes, files, frames (macvtap's statements E).
# shellcheck disable=SC2034
KINDS="macvtap rnetvirt"
LIMIT=120
RELEASE="*vhost* *_of_32_bits f_* e9_* e6_*"
TAKES=40
# shellcheck source=/dev/null
. "$TOP/scripts/tests/tap.sh"

test_e1_node() { bed; tap node; }
test_e1_node_moves() { bed; tap moves; }
test_e1_two_links_of_one_number() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's second link has no node"
	bed
	tap same_number
}
test_e1_numbers_are_given_again() { bed; tap numbers; }
test_e1_links_of_user_namespaces() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's links take the name for good"
	bed
	tap of_user_namespaces
}
test_e2_takes_its_own_packets() {
	bed
	# Nobody else can.
	ip -n S link add br0 type bridge
	refused busy ip -n S link set t0 master br0
	# An endpoint on it is one beside it.
	endpoint S t0 m1 bridge
	gives "$(ifindex S eth0)" rtnl S get m1 link
	gives "500 pfifo_fast" rtnl S get t0 txqlen qdisc
}
test_e3_a_fresh_queue() { bed; tap fresh; }
test_e3_who_may_open() { bed; tap opens; }
test_e3_memory_is_charged() { bed; tap accounts; }
test_e4_write() { bed; tap writes; }
test_e4_write_checksums_and_large_frames() { bed; tap csum_out; }
test_e4_rules_by_owner() { bed; tap owners; }
test_e5_read() { bed; tap reads; }
test_e5_read_sleeps() { bed; tap sleeps; }
# tagged DEVICE: as bed, on a device of that VLAN, or VLANs, which leaves the tags in
# headers; m0 is beside the tap.
tagged() {
	local id dev=eth0

	needs 8021q
	ns S W M
	wired S W
	for id in ${1//./ }; do
		ip -n S link add link $dev name $dev.$id up type vlan id $id reorder_hdr off
		dev=$dev.$id
	done
	endpoint S $dev t0 bridge index 101 address $TAP_MAC
	endpoint_beside bridge $dev
	ip -n S link set t0 up
}
test_e5_tag_in_the_header() { tagged 5; tap tag_in_header eth0.5 m0; }
test_e5_tags_in_the_header() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's frames have lost the first 4 bytes"
	tagged 5.7
	tap tag_in_header eth0.5.7 m0
}

# unread BED SCENARIO...: frames that nobody reads.
unread() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's frames keep what they have until they are read"
	"$1"
	tap "${@:2}"
}
test_e5_unread_frames_let_their_sender_go() { unread bed sender_gone; }
test_e5_unread_frames_let_their_sender_go_socket() { unread bed sender_gone socket; }
test_e5_unread_frames_let_a_tap_with_a_socket_go() { unread bed socket_sender_gone; }
test_e5_unread_frames_let_their_sender_go_on() { unread bed sender_goes_on; }
test_e5_unread_frames_let_their_sender_go_on_socket() { unread bed sender_goes_on socket; }
test_e5_unread_frames_let_their_connection_go() { unread tracked entry_gone; }
test_e5_unread_frames_of_a_tap() {
	bed
	if [ "$KIND" = rnetvirt ]; then
		tap taps_go_on
	else
		tap taps_wait
	fi
}
test_e4_a_frame_has_an_end() {
	[ "$KIND" = rnetvirt ] || skip "the C driver takes memory for what is said"
	bed
	tap longest
}
test_e6_ring() { bed; tap ring; }
test_e6_poll() { bed; tap polls; }
test_e7_offloads() { bed; tap offloads; }
test_e7_segments_are_lost() { bed; tap segments_lost; }
test_e7_longer_than_readers_have_room_for() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's readers lose the end"
	bed
	tap big_tcp
}
test_e8_queues() { bed; tap queues; }
test_e8_commands() { bed; tap commands; }
test_e9_link_deleted() { bed; tap gone link; }
test_e9_lower_deleted() { bed; tap gone lower; }
test_e9_namespace_deleted() { bed; tap gone netns; }
test_e9_a_writer_does_not_wait_for_ever() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's writer waits until its frames are gone"
	bed
	tap writer_gone
}
test_e9_descriptor_holds_no_namespace() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's does"
	bed
	tap holds_no_namespace
}
test_e9_descriptor_passed_on() { bed; tap passed; }
test_e8_commands_of_32_bits() {
	grep -qx CONFIG_IA32_EMULATION=y <(gzip -dc /proc/config.gz) || skip "this kernel runs no 32-bit programs"
	bed
	tap compat
}
test_e8_socket() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's node is what vhost-net knows"
	bed
	tap as_socket
}
test_e8_socket_of_one_direction() { ours one_way; }
test_e8_socket_and_namespaces() { ours socket_namespace; }
test_e8_socket_that_cannot_be_had() { ours no_socket; }
test_e8_socket_errors() { ours socket_errors; }

test_e8_sockets_of_files_that_share_one() {
	local ko=$TOP/build/$KERNEL/rnetvirt_kunit.ko

	[ "$KIND" = rnetvirt ] || skip "it is about our nodes"
	[ -e "$ko" ] || skip "there is no rnetvirt_kunit.ko"
	# What the node stands for is left behind.
	case $KERNEL in *debug) skip "kmemleak would find what the module leaves behind" ;; esac
	bed
	insmod "$ko"
	ip -n S link add name shared0 index 4711 type dummy
	tap shared_socket
	wait_for 10 rmmod rnetvirt_kunit
}

# ours SCENARIO...: of what only our nodes can.
ours() {
	[ "$KIND" = rnetvirt ] || skip "the C driver's node gives no socket"
	bed
	tap "$@"
}

test_e8_tap_exec() {
	local exec=$TOP/scripts/tap-exec.py status=0

	[ "$KIND" = rnetvirt ] || skip "it is for our nodes"
	bed
	gives "socket: socket: none" ip netns exec S "$exec" --vhost --queues 2 t0 bash -c "$DESCRIPTORS"
	gives "/dev/tap101 none none" "$exec" /dev/tap101 bash -c "$DESCRIPTORS"
	refused "no link 'nobody'" ip netns exec S "$exec" nobody true
	refused "eth0' is no tap" ip netns exec S "$exec" eth0 true
	refused "No such file" "$exec" /dev/tap9999 true
	refused "nothing_such: No such file" "$exec" /dev/tap101 nothing_such
	refused "try --help" "$exec" --queues 300 t0 true
	"$exec" t0 2>/dev/null || status=$?
	gives 2 echo $status
	# The name in /dev is another one's.
	mv /dev/tap101 /dev/tap101.ours
	mknod /dev/tap101 c 1 3
	refused "/dev/tap101 is not the link's node" ip netns exec S "$exec" t0 true
	mv /dev/tap101.ours /dev/tap101
	"$exec" --help | grep -q "^usage: rnetvirt-tap-exec "
}

# What 3, 4 and 5 are, without the numbers of sockets.
# shellcheck disable=SC2016
DESCRIPTORS='for n in 3 4 5; do what=$(readlink /proc/$$/fd/$n || echo none); echo -n "${what%%[*} "; done | sed "s/ $//"'

# vhosted SCENARIO...: in a kernel that has vhost.
vhosted() {
	modprobe -nq vhost_net || skip "this kernel has no vhost"
	needs vhost_net
	bed
	tap "$@"
}
test_e8_vhost_net() { vhosted vhost_net; }
test_e8_vhost_net_tags() { vhosted vhost_tags; }
test_e8_vhost_net_full() { vhosted vhost_ring; }
test_e8_vhost_net_looks_before_it_sleeps() { vhosted vhost_busy; }
test_e8_vhost_net_attached_again() { vhosted vhost_again; }
test_e9_link_deleted_under_vhost_net() { vhosted vhost_gone link; }
test_e9_namespace_deleted_under_vhost_net() { vhosted vhost_gone netns; }

# tracked: a bed on a bridge whose namespace tracks what the bridge receives.
tracked() {
	needs br_netfilter
	ns S W M
	wired S W
	ip -n S link add br0 type bridge
	ip -n S -batch - <<-TXT
		link set br0 address $TAP_MAC up
		link set eth0 master br0
	TXT
	in_ns S nft 'table ip t { chain c { type filter hook prerouting priority 0; ct state new counter; }; }'
	in_ns S sysctl -qw net.bridge.bridge-nf-call-iptables=1
	endpoint S br0 t0 passthru index 101
	ip -n S link set t0 up
}

test_f_queues_come_and_go_under_traffic() { bed; tap churn; }

# answering SECONDS: somebody answers what is sent to 10.0.0.101.
answering() {
	local reader

	exec {reader}< <(exec env TAP_TYPE= python3 "$TESTS/tap.py" answers "$1")
	read -r _ <&"$reader"
}

test_e_who_reaches_a_tap() {
	local mode

	for mode in bridge vepa private passthru; do
		bed "$mode"
		ip -n W addr add 10.0.0.3/24 dev wire0
		answering 60
		reaches W 10.0.0.101
		case $mode in
		bridge) reaches M 10.0.0.101 ;;
		vepa | private) not in_ns M ping -q -c 1 -W 1 10.0.0.101 >/dev/null ;;
		esac
		printf 'netns del %s\n' S W M T | ip -batch -
		pkill -f "tap.py answers" || true
		wait_for 10 not pgrep -f "tap.py answers"
	done
}

test_f_deleted_while_it_answers() {
	local n

	for n in $(rounds 9); do
		bed
		ip -n W addr add 10.0.0.3/24 dev wire0
		answering 30
		reaches W 10.0.0.101
		nsenter --net=/run/netns/W ping -q -i $PACE 10.0.0.101 >/dev/null 2>&1 &
		TRAFFIC+=($!)
		nsenter --net=/run/netns/M ping -q -i $PACE 10.0.0.101 >/dev/null 2>&1 &
		TRAFFIC+=($!)
		sleep 0.2
		case $((n % 3)) in
		0) ip -n S link del t0 ;;
		1) ip -n S link del eth0 ;;
		2) ip netns del S ;;
		esac
		quiet
		pkill -f "tap.py answers" || true
		wait_for 10 not pgrep -f "tap.py answers"
		printf 'netns del %s\n' S W M T | ip -force -batch - 2>/dev/null || true
	done
}

test_e1_module_stays_while_a_file_is_open() {
	local reader

	bed
	exec {reader}< <(exec env TAP_TYPE= python3 "$TESTS/tap.py" holds 60)
	read -r _ <&"$reader"
	ip -n S link del t0
	# Ours wakes the reader, which ends.
	if [ "$KIND" = rnetvirt ]; then
		wait_for 10 not pgrep -f "tap.py holds"
	else
		refused "in use" rmmod macvtap
		pkill -f "tap.py holds"
	fi
	bed2
	exec {reader}< <(exec env TAP_TYPE= python3 "$TESTS/tap.py" holds 60)
	read -r _ <&"$reader"
	refused "in use" rmmod "$KIND"
	pkill -f "tap.py holds"
	wait_for 10 not pgrep -f "tap.py holds"
	# With links, but without files, it goes.
	wait_for 10 rmmod "$KIND"
	not has S t0
	load_kind
}

test_f_frames_of_each_other_do_not_hold_the_module() {
	[ "$KIND" = rnetvirt ] || skip "they hold the C driver's module for good"
	bed
	tap of_each_other
	wait_for 10 rmmod rnetvirt
	load_kind
}

bed2() {
	endpoint S eth0 t0 bridge index 101 address $TAP_MAC
	ip -n S link set t0 up
}
