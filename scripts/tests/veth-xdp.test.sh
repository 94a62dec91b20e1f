# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Native XDP on a pair (statements E): programs, verdicts, what they may change, who refuses.
# shellcheck disable=SC2034
TAKES=40
RELEASE="*traffic* e18_* e_cpumap* e_af_xdp*"

# shellcheck source=/dev/null
. "$TESTS/xdp.sh"

# wake NETNS DEVICE: has C veth look at frames that come by XDP; ours always does.
wake() { [ "$KIND" = rnetvirt ] || in_ns "$1" ethtool -K "$2" gro on; }

test_e_pass_drop_aborted_and_nonsense() {
	local verdict

	ns S B
	joined S B
	for verdict in pass drop aborted bad; do
		prog $verdict count $verdict
	done
	attach B v1 pass
	in_ns S ping -q -c 2 -i 0.05 -W 5 10.0.0.2
	gives "ok" eval '[ "$(seen pass | cut -d" " -f1)" -ge 2 ] && echo ok'
	# That neither asks by ARP again meanwhile, which takes long on a slow machine: the answer
	# to B would be dropped and counted, too.
	ip -n S neigh change 10.0.0.2 dev v0 nud permanent
	ip -n B neigh change 10.0.0.1 dev v1 nud permanent
	# From the other end nothing goes through a program.
	for verdict in drop aborted bad; do
		[ $verdict != bad ] || expect_kmsg "Illegal XDP return value"
		attach B v1 $verdict
		frames send S v0 peer:B:v1 100 5 >/dev/null
		gives "5 500" seen $verdict
	done
	gives "0 15 0" stat B v1 rx_queue_0_drops rx_queue_0_xdp_drops rx_queue_0_xdp_redirect
	detach B v1
	in_ns S ping -q -c 2 -i 0.05 -W 5 10.0.0.2
}

test_e_frames_arrive_as_they_were() {
	local length

	ns S B
	joined S B
	prog pass pass
	attach B v1 pass
	for length in 60 61 256 1500 1514; do
		gives "host $length x3" frames across S v0 B v1 peer:B:v1 $length 3
	done
	gives "broadcast 100 x1" frames across S v0 B v1 broadcast 100
	gives "multicast 100 x1" frames across S v0 B v1 multicast 100
	gives "otherhost 100 x1" frames across S v0 B v1 other 100
}

test_e_a_program_may_move_both_ends() {
	ns S B
	joined S B
	prog longer head:-20 "byte:12:0x88" "byte:13:0xb5" to:$MAC1 pass
	attach B v1 longer
	gives "host 120 x2, damaged x2" frames across S v0 B v1 peer:B:v1 100 2
	prog tail tail:8 pass
	attach B v1 tail
	gives "host 108 x2, damaged x2" frames across S v0 B v1 peer:B:v1 100 2
	prog cut tail:-30 pass
	attach B v1 cut
	gives "host 70 x2, damaged x2" frames across S v0 B v1 peer:B:v1 100 2
	prog meta meta:16 pass
	attach B v1 meta
	gives "host 100 x2" frames across S v0 B v1 peer:B:v1 100 2
	# Fewer bytes than a header there cannot be: the program is told so, and aborts.
	prog much head:2000 pass
	attach B v1 much
	gives "nothing" frames across S v0 B v1 peer:B:v1 100 2
}

test_e11_a_program_may_make_it_the_devices_own() {
	[ "$KIND" = rnetvirt ] || skip "C veth keeps that it was somebody else's"
	ns S B
	joined S B
	prog own to:$MAC1 pass
	attach B v1 own
	gives "host 100 x2, damaged x2" frames across S v0 B v1 other 100 2
}

test_e_tx_sends_back() {
	local before

	ns S B
	joined S B
	wake S v0
	prog back swap tx
	attach B v1 back
	# Whose own frames come back, to its own address.
	prog here count pass
	attach S v0 here
	frames send S v0 peer:B:v1 100 20 >/dev/null
	wait_for 5 eval '[ "$(seen here)" = "20 2000" ]'
	gives "20 0" stat B v1 rx_queue_0_xdp_tx rx_queue_0_xdp_tx_errors
	# Without a program there. C veth does not wake who has GRO only.
	[ "$KIND" = rnetvirt ] || return 0
	detach S v0
	wake S v0
	before=$(sysfs B v1 statistics/tx_packets)
	frames send S v0 peer:B:v1 100 20 >/dev/null
	wait_for 5 eval '[ "$(sysfs B v1 statistics/tx_packets)" = $((before + 20)) ]'
	gives "40 0" stat B v1 rx_queue_0_xdp_tx rx_queue_0_xdp_tx_errors
}

test_e_tx_of_each_length() {
	local length

	ns S B
	joined S B
	prog back swap tx
	prog here count drop
	attach B v1 back
	attach S v0 here
	for length in 60 128 512 1000 1514; do
		frames send S v0 peer:B:v1 $length 1 >/dev/null
	done
	wait_for 5 eval '[ "$(seen here)" = "5 3214" ]'
}

test_e_redirect_to_a_device() {
	ns S B
	joined S B
	ip -n B link add d0 type dummy
	ip -n B link set d0 up
	# A second pair, into which frames go.
	ip -n B link add w0 type "$KIND" peer name w1
	ip -n B link set w0 up
	ip -n B link set w1 up
	wake B w1
	prog away redirect:"$(ifindex B w0)"
	prog there count drop
	attach B v1 away
	[ "$KIND" = rnetvirt ] || attach B w1 there
	gives "$([ "$KIND" = rnetvirt ] && echo "otherhost 100 x20" || echo nothing)" \
		frames across S v0 B w1 peer:B:v1 100 20
	gives "20 0" stat B v1 rx_queue_0_xdp_redirect rx_queue_0_drops
	gives "20 0" stat B w0 tx_queue_0_xdp_xmit tx_queue_0_xdp_xmit_errors
	# A device that is not there.
	prog nowhere redirect:9999
	attach B v1 nowhere
	frames send S v0 peer:B:v1 100 5 >/dev/null
	wait_for 5 eval '[ "$(stat B v1 rx_queue_0_drops)" = 5 ]'
}

test_e_devmap_with_a_program() {
	ns S B
	joined S B
	ip -n B link add w0 type "$KIND" peer name w1
	ip -n B link set w0 up
	ip -n B link set w1 up
	prog out devmap count pass
	prog there count pass
	attach B w1 there
	xdp_in B pin "$PROGS/away" map:"$(ifindex B w0)":"$PROGS/out"
	attach B v1 away
	frames send S v0 peer:B:v1 100 20 >/dev/null
	wait_for 5 eval '[ "$(seen there)" = "20 2000" ]'
	gives "20 2000" seen out
}

datagrams() { python3 "$TESTS/gro.py" udp "$1" "$2" "$3" 1 "$4" | cut -d" " -f1; } # NETNS NETNS ADDRESS SIZE

# leaving: what a program on v1 in B redirects to w0 arrives at w1 in C, which has the same addresses.
leaving() {
	ns S B C
	ipv6_on S B C
	joined S B
	ip -n B link add w0 type "$KIND" peer name w1 netns C
	ip -n B link set w0 up mtu 9000
	ip -n C link set w1 up mtu 9000 address $MAC1_COLONS
	ip -n C addr add 10.0.0.2/24 dev w1
	ip -n C addr add fd00::2/64 dev w1 nodad
	ip -n S neigh replace 10.0.0.2 lladdr $MAC1_COLONS dev v0 nud permanent
	ip -n S neigh replace fd00::2 lladdr $MAC1_COLONS dev v0 nud permanent
	carried B w0
	AWAY=redirect:$(ifindex B w0)
}

test_e14_what_leaves_has_its_checksum() {
	local length

	[ "$KIND" = rnetvirt ] || skip "C veth sends what the stack left to a later device"
	leaving
	prog away frags "$AWAY"
	attach B v1 away
	ip -n S link set v0 mtu 9000
	ip -n B link set v1 mtu 9000
	for length in 1 2 1000 1472 8001; do
		gives 1 datagrams S C 10.0.0.2 $length
		gives 1 datagrams S C fd00::2 $length
	done
	gives "40 41 right" frames claimed S v0 C w1 34 6
	# What the program has changed is part of it.
	prog other frags byte:50:0xff "$AWAY"
	attach B v1 other
	gives "40 41 50" frames claimed S v0 C w1 34 6
	# Behind a tag, and sent back.
	prog tagged frags head:-4 to:ffffffffffff byte:6:2 byte:12:0x81 byte:13:0 byte:14:0 byte:15:5 "$AWAY"
	attach B v1 tagged
	ip -n C link add link w1 name tagged up address $MAC1_COLONS type vlan id 5
	ip -n C addr add 10.0.0.2/32 dev tagged
	gives 1 datagrams S C 10.0.0.2 1001
	prog back frags tx
	attach B v1 back
	gives "40 41 right" frames claimed S v0 S v0 34 6
	gives 0 stat B v1 rx_queue_0_drops
}

test_e14_no_other_bytes_are_written() {
	local claim

	leaving
	prog away "$AWAY"
	attach B v1 away
	wake C w1
	# Where the sender of a packet, who may be anybody, says that its checksum is: what the program has seen would
	# be something else then.
	for claim in "34 2" "34 0" "34 4" "30 0" "26 8" "42 0" "100 2"; do
		# shellcheck disable=SC2086
		gives "as sent" frames claimed S v0 C w1 $claim
	done
	# From where on does not matter.
	[ "$KIND" = veth ] || gives "40 41 right" frames claimed S v0 C w1 26 6
	# Neither is one written into UDP that the program says has none.
	prog none byte:40:0 byte:41:0 "$AWAY"
	attach B v1 none
	gives "1" datagrams S C 10.0.0.2 1000
}

# bridged: what a program on v1 in B passes arrives at w1 in C, and has its checksum by then.
bridged() {
	leaving
	ip -n B link add br0 up type bridge
	ip -n B link set v1 master br0
	ip -n B link set w0 master br0
	in_ns B ethtool -K w0 tx off
	wait_for 10 eval '[ "$(sysfs B v1 brport/state) $(sysfs B w0 brport/state)" = "3 3" ]'
}

test_e14_a_tunnel_in_front_of_it() {
	local steps

	bridged
	mapfile -t steps < <(tunnel $((14 + 20 + 8 + 1000)))
	prog into "${steps[@]}" pass
	attach B v1 into
	prog out head:42 pass
	ip -n B link set w0 mtu 1500
	attach C w1 out
	gives 1 datagrams S C 10.0.0.2 1000
}

test_e14_a_place_that_is_no_more() {
	[ "$KIND" = rnetvirt ] || skip "the kernel warns of it behind C veth"
	bridged
	# Only so far that it would be there.
	prog cut tail:-1010 to:ffffffffffff pass
	attach B v1 cut
	gives 0 datagrams S C 10.0.0.2 1000
	prog trim tail:-1001 to:ffffffffffff pass
	attach B v1 trim
	gives 0 datagrams S C 10.0.0.2 1000
	prog behind head:100 to:ffffffffffff byte:6:2 pass
	attach B v1 behind
	gives 0 datagrams S C 10.0.0.2 1000
	prog all to:ffffffffffff pass
	attach B v1 all
	gives 1 datagrams S C 10.0.0.2 1000
}

test_e_without_pieces_no_frame_comes_in_pieces() {
	[ "$KIND" = rnetvirt ] || skip "C veth shows the program their first pieces"
	ns S B
	joined S B
	ip -n S link add w0 mtu 9000 type "$KIND" peer name w1
	ip -n S link set w0 up
	ip -n S link set w1 up mtu 9000
	prog one count pass
	attach B v1 one
	# A short one, of which most is not in its first piece: who sends it says how much.
	prog short frags head:3500 to:$MAC1 redirect:"$(ifindex S v0)"
	prog whole frags to:$MAC1 redirect:"$(ifindex S v0)"
	attach S w1 short
	frames send S w0 peer:S:w1 4014 3 >/dev/null
	wait_for 5 eval '[ "$(stat B v1 rx_queue_0_drops)" = 3 ]'
	attach S w1 whole
	frames send S w0 peer:S:w1 100 1 >/dev/null
	wait_for 5 eval '[ "$(seen one)" = "1 100" ]'
}

test_e_without_pieces_nothing_comes_in_pieces() {
	[ "$KIND" = rnetvirt ] || skip "C veth shows the program their first pieces"
	ns S B
	joined S B
	ip -n S link set v0 mtu 9000
	ip -n B link set v1 mtu 9000
	prog pieces frags count pass
	prog one count pass
	attach B v1 pieces
	# Polled two seconds after the first one.
	nsenter --net=/run/netns/B unshare -m sh -c "mount -t sysfs sysfs /sys &&
		echo 2000000000 >/sys/class/net/v1/gro_flush_timeout && echo 1000 >/sys/class/net/v1/napi_defer_hard_irqs"
	frames send S v0 peer:B:v1 100 1 >/dev/null
	wait_for 2 eval '[ "$(seen pieces)" = "1 100" ]'
	# What is in the ring by then.
	frames send S v0 peer:B:v1 9014 3 >/dev/null
	frames send S v0 peer:B:v1 1000 2 >/dev/null
	ip -n S link set v0 mtu 1500
	attach B v1 one
	wait_for 5 eval '[ "$(seen one)" = "2 2000" ]'
	gives "1 100" seen pieces
	gives 3 stat B v1 rx_queue_0_drops
}

test_e_cpumap() {
	ns S B
	joined S B
	prog run cpumap count pass
	prog away cpu:0:"$PROGS/run"
	attach B v1 away
	gives "host 100 x20" frames across S v0 B v1 peer:B:v1 100 20
	gives "20 2000" seen run
}

test_e_af_xdp_copy() {
	local pid

	ns S B
	joined S B
	prog to xsk
	attach B v1 to
	rm -f "$WORK/stop"
	mkfifo "$WORK/stop"
	in_ns B python3 "$TESTS/xdp.py" socket "$PROGS/to" v1 0 30 <"$WORK/stop" >"$WORK/got" &
	pid=$!
	exec 9>"$WORK/stop"
	wait_for 5 grep -q ready "$WORK/got"
	frames send S v0 peer:B:v1 1000 30 >/dev/null
	wait $pid
	exec 9>&-
	gives "30 1000" tail -n 1 "$WORK/got"
	# Nobody is there any more.
	frames send S v0 peer:B:v1 100 5 >/dev/null
	wait_for 5 eval '[ "$(stat B v1 rx_queue_0_xdp_drops)" = 5 ]'
}

test_e_frames_from_a_program_without_a_device() {
	ns S B
	joined S B
	wake B v1
	prog away redirect:"$(ifindex S v0)"
	prog there count pass
	[ "$KIND" = rnetvirt ] || attach B v1 there
	xdp_in S live "$PROGS/away" 100 "$(bytes_of 100 $MAC1 $MAC0)"
	wait_for 5 eval '[ "$(stat S v0 tx_queue_0_xdp_xmit)" = 100 ]'
	if [ "$KIND" = rnetvirt ]; then
		wait_for 5 eval '[ "$(sysfs B v1 statistics/rx_packets)" = 100 ]'
		attach B v1 there
		xdp_in S live "$PROGS/away" 100 "$(bytes_of 100 $MAC1 $MAC0)"
	fi
	wait_for 5 eval '[ "$(seen there)" = "100 10000" ]'
}

test_e17_frames_into_a_device_that_is_down() {
	ns S B
	joined S B
	ip -n B link set v1 down
	prog away redirect:"$(ifindex S v0)"
	xdp_in S live "$PROGS/away" 10 "$(bytes_of 100 $MAC1 $MAC0)"
	gives "0" sysfs B v1 statistics/rx_packets
	gives "0" stat S v0 tx_queue_0_xdp_xmit
}

test_e17_frames_longer_than_the_peers_mtu() {
	ns S B
	joined S B
	wake B v1
	ip -n S link set v0 mtu 3000
	ip -n B link set v1 mtu 1500
	prog away redirect:"$(ifindex S v0)"
	xdp_in S live "$PROGS/away" 10 "$(bytes_of 1519 $MAC1 $MAC0)"
	gives "0 10" stat S v0 tx_queue_0_xdp_xmit tx_queue_0_xdp_xmit_errors
	xdp_in S live "$PROGS/away" 10 "$(bytes_of 1518 $MAC1 $MAC0)"
	gives "10 10" stat S v0 tx_queue_0_xdp_xmit tx_queue_0_xdp_xmit_errors
}

test_e2_refusals_say_what_to_do() {

	ns S B
	joined S B
	prog pass pass
	ip -n S link set v0 mtu $((LIMIT + 1))
	refused "Peer MTU is too large to set XDP" attach B v1 pass
	ip -n S link set v0 mtu $LIMIT
	attach B v1 pass
	detach B v1
	ip -n S link del v0
	ip -n S link add v0 numtxqueues 2 numrxqueues 2 type "$KIND" peer name v1 numtxqueues 1 numrxqueues 1 netns B
	ip -n S link set v0 up
	ip -n B link set v1 up
	refused "XDP expects number of rx queues not less than peer tx queues" attach B v1 pass
}

test_e4_a_program_limits_the_peer() {
	ns S B
	joined S B
	prog pass pass
	attach B v1 pass
	gives $LIMIT rtnl S get v0 max_mtu
	gives 65535 rtnl B get v1 max_mtu
	refused "mtu greater than device maximum" ip -n S link set v0 mtu $((LIMIT + 1))
	in_ns S ethtool -k v0 | grep -qx "tcp-segmentation-offload: off"
	in_ns S ethtool -k v0 | grep -q "tx-udp-segmentation: off \[fixed\]"
	in_ns B ethtool -k v1 | grep -qx "tcp-segmentation-offload: on"
	# Replacing it changes nothing of that.
	prog other pass
	attach B v1 other
	gives $LIMIT rtnl S get v0 max_mtu
	detach B v1
	gives 65535 rtnl S get v0 max_mtu
	in_ns S ethtool -k v0 | grep -qx "tcp-segmentation-offload: on"
	gives "1000000 whole" frames tcp S B v1 1000000
}

test_e9_who_sends_to_a_program_leaves_room() {
	[ "$KIND" = rnetvirt ] || skip "C veth copies what has no room"
	ns S B
	joined S B
	for adjust in head:-8 meta:8 tail:-8; do
		prog ${adjust%:*} $adjust pass
	done
	prog pass count pass
	attach B v1 head
	# Where nothing goes through it, room would only have packets copied that lack it.
	gives 256 rtnl S get v0 headroom
	gives 0 rtnl B get v1 headroom
	attach S v0 meta
	gives 256 rtnl B get v1 headroom
	detach B v1
	gives 0 rtnl S get v0 headroom
	gives 256 rtnl B get v1 headroom
	# Neither for a program that uses none of it.
	attach S v0 pass
	gives 0 rtnl B get v1 headroom
	attach S v0 tail
	gives 256 rtnl B get v1 headroom
	attach S v0 pass
	gives 0 rtnl B get v1 headroom
	attach B v1 pass
	gives 0 rtnl S get v0 headroom
	attach B v1 meta
	gives 256 rtnl S get v0 headroom
}

# copied NETNS DEVICE: whether it has taken memory of its own for packets.
copied() {
	local pages

	pages=$(($(stat "$1" "$2" rx_pp_alloc_fast rx_pp_alloc_slow | tr ' ' +)))
	[ "$pages" = 0 ] && echo no || echo yes
}

test_e9_only_packets_without_the_room_that_is_used_are_copied() {
	[ "$KIND" = rnetvirt ] || skip "C veth copies what has no room"
	ns S B
	joined S B
	prog pass count pass
	prog longer head:-20 "byte:12:0x88" "byte:13:0xb5" to:$MAC1 pass
	attach B v1 pass
	# Which has not been asked for any.
	gives "host 100 x5" frames across S v0 B v1 peer:B:v1 100 5
	gives no copied B v1
	gives "5 500" seen pass
	# Which has.
	attach B v1 longer
	gives "host 120 x5, damaged x5" frames across S v0 B v1 peer:B:v1 100 5
	gives no copied B v1
}

test_e9_what_leaves_has_room() {
	local longer=(head:-180 "byte:12:0x88" "byte:13:0xb5" to:$MAC1 byte:6:2) at

	[ "$KIND" = rnetvirt ] || skip "C veth copies what has no room"
	ns S B
	joined S B
	# Packets in memory that can leave, of which another program has used up the headroom.
	ip -n S link add br0 type bridge
	ip -n S link add p0 type "$KIND" peer name p1
	for at in br0 p0 p1; do
		ip -n S link set $at up
	done
	ip -n S link set p1 master br0
	ip -n S link set v0 master br0
	for at in 7 8 9 10 11; do
		longer+=(byte:$at:$at)
	done
	prog longer "${longer[@]}" pass
	attach S p1 longer
	prog there redirect:"$(ifindex S p0)"
	# One that uses none, and one behind it that does.
	prog out cpumap head:-200 count pass
	prog away cpu:0:"$PROGS/out"
	attach B v1 away
	gives 0 rtnl S get v0 headroom
	in_ns S python3 "$TESTS/xdp.py" live "$PROGS/there" 20 "$(bytes_of 100 $MAC1 $MAC0)"
	wait_for 5 eval '[ "$(seen out)" = "20 9600" ]'
	gives yes copied B v1
}

test_e7_a_program_stays_while_down() {
	ns S B
	joined S B
	prog pass count pass
	ip -n B link set v1 down
	attach B v1 pass
	gives $LIMIT rtnl S get v0 max_mtu
	ip -n B link set v1 up
	carried S v0
	gives "host 100 x2" frames across S v0 B v1 peer:B:v1 100 2
	gives "2 200" seen pass
	ip -n B link set v1 down
	ip -n B link set v1 up
	carried S v0
	gives "host 100 x2" frames across S v0 B v1 peer:B:v1 100 2
	gives "4 400" seen pass
	# Also in another namespace.
	ns C
	ip -n B link set v1 netns C
	ip -n C link set v1 up
	carried S v0
	gives "host 100 x2" frames across S v0 C v1 peer:C:v1 100 2
	gives "6 600" seen pass
	ip -n C link set v1 down
	detach C v1
	ip -n C link set v1 up
	carried S v0
	gives "host 100 x2" frames across S v0 C v1 peer:C:v1 100 2
	gives "6 600" seen pass
}

test_e1_native_by_default_and_alone() {
	ns S B
	joined S B
	prog pass pass
	attach B v1 pass xdp
	ip -n B link show v1 | grep -q "xdp id\|prog/xdp"
	refused "Native and generic XDP can't be active at the same time" attach B v1 pass xdpgeneric
	detach B v1
	attach B v1 pass xdpgeneric
	refused "Native and generic XDP can't be active at the same time" attach B v1 pass
	ip -n B link set v1 xdpgeneric off
}

test_e_programs_at_both_ends() {
	ns S B
	joined S B
	prog one count pass
	prog two count pass
	attach S v0 one
	attach B v1 two
	in_ns S ping -q -c 5 -i 0.05 -W 5 10.0.0.2
	gives "100000 cut" eval 'frames tcp S B v1 100000 | sed s/whole/cut/'
	wait_for 5 eval '[ "$(seen one | cut -d" " -f1)" -gt 5 ]'
	wait_for 5 eval '[ "$(seen two | cut -d" " -f1)" -gt 5 ]'
	detach S v0
	in_ns S ping -q -c 5 -i 0.05 -W 5 10.0.0.2
	detach B v1
	in_ns S ping -q -c 5 -i 0.05 -W 5 10.0.0.2
}

test_e3_frags_with_a_large_mtu() {
	ns S B
	joined S B
	prog pieces frags count pass
	ip -n S link set v0 mtu 9000
	ip -n B link set v1 mtu 9000
	attach B v1 pieces
	gives "host 9014 x5" frames across S v0 B v1 peer:B:v1 9014 5
	gives "5 45070" seen pieces
	# Pieces can be taken off the end; C veth frees them as what they are not, and a later
	# packet gets the same memory once more.
	if [ "$KIND" = rnetvirt ]; then
		prog less frags tail:-5000 pass
		attach B v1 less
		gives "host 4014 x5, damaged x5" frames across S v0 B v1 peer:B:v1 9014 5
	fi
	# They come back to the sender, too.
	prog back frags swap tx
	prog here frags count drop
	attach B v1 back
	attach S v0 here
	frames send S v0 peer:B:v1 9014 5 >/dev/null
	wait_for 5 eval '[ "$(seen here)" = "5 45070" ]'
}

test_e_attach_replace_detach_under_traffic() {
	local n

	ns S B
	joined S B
	prog one pass
	prog two pass
	traffic S B
	wait_for 10 busy
	for n in $(rounds 30); do
		attach B v1 one
		attach B v1 two
		attach S v0 one
		detach S v0
		detach B v1
	done
	quiet
	in_ns S ping -q -c 3 -i 0.05 -W 5 10.0.0.2
}

test_e_ends_go_under_traffic() {
	local n

	prog one pass
	prog back swap tx
	for n in $(rounds 12); do
		ns "S$n" "B$n"
		joined "S$n" "B$n"
		attach "B$n" v1 back
		attach "S$n" v0 one
		in_ns "S$n" ping -q -f -c 100000 10.0.0.2 >/dev/null 2>&1 &
		frames send "S$n" v0 "peer:B$n:v1" 100 50 >/dev/null
		case $((n % 3)) in
		0) ip -n "S$n" link del v0 ;;
		1) ip netns del "B$n" ;;
		2) ip netns del "S$n" ;;
		esac
		kill $! 2>/dev/null || true
		wait
	done
}

test_g7_channels_keep_to_a_program() {
	ns S B
	joined S B numtxqueues 3 numrxqueues 3
	in_ns S ethtool -L v0 tx 2
	in_ns B ethtool -L v1 rx 2
	prog pass count pass
	attach B v1 pass
	refused "Invalid argument" in_ns B ethtool -L v1 rx 1
	refused "Invalid argument" in_ns S ethtool -L v0 tx 3
	in_ns B ethtool -L v1 rx 3
	in_ns S ethtool -L v0 tx 3
	gives "host 100 x2" frames across S v0 B v1 peer:B:v1 100 2
	gives "2 200" seen pass
	detach B v1
	in_ns B ethtool -L v1 rx 1
	refused "number of rx queues not less than peer tx queues" attach B v1 pass
}

# can NETNS DEVICE: what it says that it can do with XDP.
can() { in_ns "$1" python3 "$TESTS/netdev.py" xdp "$2"; }

# ndo_xmit_as_c KIND: v0 says that it can be sent through while packets are polled at v1.
ndo_xmit_as_c() {
	local none="basic redirect rx-sg" all="basic redirect ndo-xmit rx-sg ndo-xmit-sg"

	ns S B
	ip -n S link add v0 numrxqueues 2 numtxqueues 2 type "$1" \
		peer name v1 netns B numrxqueues 2 numtxqueues 2
	ip -n S link set v0 up
	ip -n B link set v1 up
	gives "$none" can S v0
	in_ns B ethtool -K v1 gro on
	gives "$all" can S v0
	gives "$none" can B v1
	in_ns B ethtool -K v1 gro off
	gives "$none" can S v0
	attach B v1 pass
	gives "$all" can S v0
	in_ns B ethtool -K v1 gro on
	detach B v1
	gives "$all" can S v0
	# What is switched while it is down is said when it is up.
	ip -n B link set v1 down
	in_ns B ethtool -K v1 gro off
	gives "$all" can S v0
	ip -n B link set v1 up
	gives "$none" can S v0
	ip -n B link set v1 down
	in_ns B ethtool -K v1 gro on
	gives "$none" can S v0
	# A program of the other end is no news of it.
	attach S v0 pass
	gives "$none" can S v0
	detach S v0
	ip -n B link set v1 up
	gives "$all" can S v0
	# With fewer queues than a program needs it depends on what was last.
	in_ns S ethtool -L v0 rx 1
	gives "" can S v0
	in_ns B ethtool -K v1 gro off
	in_ns B ethtool -K v1 gro on
	gives "ndo-xmit ndo-xmit-sg" can S v0
	in_ns B ethtool -K v1 tso off
	gives "ndo-xmit ndo-xmit-sg" can S v0
	ip -n B link set v1 down
	ip -n B link set v1 up
	gives "" can S v0
	ip -n S link del v0
	ip netns del S
	ip netns del B
}

test_e18_ndo_xmit() {
	prog pass pass
	if [ "$KIND" != rnetvirt ]; then
		ndo_xmit_as_c "$KIND"
		return
	fi
	ns S B
	joined S B
	gives "basic redirect ndo-xmit rx-sg ndo-xmit-sg" can S v0
	gives "basic redirect ndo-xmit rx-sg ndo-xmit-sg" can B v1
	ip netns del S
	ip netns del B
	# Under the C driver's name what it says is that driver's.
	! loaded veth || rmmod veth
	echo veth >/sys/module/rnetvirt/parameters/kinds
	ndo_xmit_as_c veth
	echo "" >/sys/module/rnetvirt/parameters/kinds
}
