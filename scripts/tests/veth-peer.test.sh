# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bpf_redirect_peer() with tc, with GRO and without: from a device of the host into the namespace at the other end of a pair.
# shellcheck disable=SC2034
TAKES=8
RELEASE="*while_ends_go*"
# Ten times all is made anew, which takes a while where it is emulated.
LIMIT=600

# shellcheck source=/dev/null
. "$TESTS/xdp.sh"

# sends_on STEP: a pair v0 v1 between S and B, and one, w0 w1, between C and S. What comes in at w1 is sent
# on by a program of tc to "$1:v0".
sends_on() {
	ns S B C
	joined S B
	ip -n C link add w0 type "$KIND" peer name w1 netns S
	ip -n C link set w0 up
	ip -n S link set w1 up
	mkdir -p $PROGS
	xdp_in S tc $PROGS/link w1 "$1:$(ifindex S v0)"
	# What the stacks have to say by themselves.
	sleep 0.2
}

# packets NETNS DEVICE: received, sent.
packets() { echo "$(sysfs "$1" "$2" statistics/rx_packets) $(sysfs "$1" "$2" statistics/tx_packets)"; }

# more BEFORE AFTER: how many more of each.
more() { echo "$(($(cut -d' ' -f1 <<<"$2") - $(cut -d' ' -f1 <<<"$1"))) $((${2#* } - ${1#* }))"; }

test_e_redirect_peer_is_received_at_once() {
	local v0 v1

	sends_on peer
	v0=$(packets S v0) v1=$(packets B v1)
	gives "host 100 x20" frames across C w0 B v1 peer:B:v1 100 20
	# As received by v1, without having been sent by v0.
	gives "0 0" more "$v0" "$(packets S v0)"
	gives "20 0" more "$v1" "$(packets B v1)"
	# The core (skb_scrub_packet()) has forgotten whom it was for.
	gives "host 1514 x3" frames across C w0 B v1 broadcast 1514 3
	gives "host 60 x3" frames across C w0 B v1 other 60 3
}

test_e_redirect_peer_and_redirect_differ() {
	local v0

	sends_on to
	v0=$(packets S v0)
	gives "host 100 x20" frames across C w0 B v1 peer:B:v1 100 20
	gives "0 20" more "$v0" "$(packets S v0)"
}

test_e_redirect_peer_goes_past_a_program_of_xdp() {
	sends_on peer
	prog none drop
	attach B v1 none
	gives "host 100 x5" frames across C w0 B v1 peer:B:v1 100 5
	# Another way it does not.
	gives "0" stat B v1 rx_queue_0_xdp_drops
	frames send S v0 peer:B:v1 100 5 >/dev/null
	wait_for 5 eval '[ "$(stat B v1 rx_queue_0_xdp_drops)" = 5 ]'
}

# merging NETNS DEVICE: it merges UDP, too. merged NETNS DEVICE ADDRESS: 10 datagrams from C, and as how many
# packets the stack there gets them.
merging() { in_ns "$1" ethtool -K "$2" gro on rx-udp-gro-forwarding on; }
merged() {
	ip -n C neigh replace "$3" lladdr "$(sysfs "$1" "$2" address)" dev w0
	python3 "$TESTS/gro.py" udp C "$1" "$3" 10 1000
}
# addressed_c ADDRESS: of w0; without segmentation, so that datagrams leave it one by one.
addressed_c() {
	ip -n C address add "$1/24" dev w0
	in_ns C ethtool -K w0 tx-udp-segmentation off tso off
}

test_e_redirect_peer_with_gro_at_the_peer() {
	sends_on peer
	addressed_c 10.0.0.3
	merging B v1
	# They do not go by its queues, so it merges nothing.
	gives "host 100 x20" frames across C w0 B v1 peer:B:v1 100 20
	gives "10 datagrams, 10 packets" merged B v1 10.0.0.2
	gives "0" stat B v1 rx_queue_0_xdp_packets
	# What the device has merged that they come from is whole behind it.
	merging S w1
	gives "10 datagrams, 1 packets" merged B v1 10.0.0.2
	gives "0" stat B v1 rx_queue_0_xdp_packets
	gives "0 0" sysfs B v1 statistics/rx_dropped statistics/tx_dropped
}

test_e_redirect_peer_with_tcp_and_gro_at_both() {
	local link packets

	sends_on peer
	addressed_c 10.0.0.3
	# And the way back: what B sends comes in at v0.
	xdp_in S tc $PROGS/back v0 "to:$(ifindex S w1)"
	ip -n C neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev w0
	ip -n B neigh replace 10.0.0.3 lladdr "$(sysfs C w0 address)" dev v1
	for link in "B v1" "S v0" "S w1" "C w0"; do
		in_ns ${link% *} ethtool -K ${link#* } gro on tso off
	done
	python3 "$TESTS/gro.py" tcp C B 10.0.0.2 400000 >"$WORK/to"
	python3 "$TESTS/gro.py" tcp B C 10.0.0.3 400000 >"$WORK/from"
	note "to B: $(cat "$WORK/to"); from B: $(cat "$WORK/from")"
	# 276 segments of 1448 bytes, merged by w1 and by w0.
	for link in to from; do
		packets=$(sed -n 's/^all bytes, \([0-9]*\) packets$/\1/p' "$WORK/$link")
		((packets && packets < 150)) || fail "$link: $(cat "$WORK/$link")"
	done
}

test_e_redirect_peer_egress_with_gro_at_the_end_it_comes_to() {
	sends_on peer-egress
	addressed_c 10.1.0.3
	ip -n S address add 10.1.0.1/24 dev v0
	# The other end leaves nothing whole to who receives.
	in_ns B ethtool -K v1 tso off
	gives "10 datagrams, 10 packets" merged S v0 10.1.0.1
	gives "0" stat S v0 rx_queue_0_xdp_packets
	merging S v0
	gives "10 datagrams, 1 packets" merged S v0 10.1.0.1
	gives "10" stat S v0 rx_queue_0_xdp_packets
	gives "host 100 x20" frames across C w0 S v0 peer:S:v0 100 20
	gives "30" stat S v0 rx_queue_0_xdp_packets
}

test_e_redirect_peer_egress_is_sent_by_the_other_end() {
	local v0 v1

	sends_on peer-egress
	v0=$(packets S v0) v1=$(packets B v1)
	gives "host 100 x20" frames across C w0 S v0 peer:S:v0 100 20
	gives "20 0" more "$v0" "$(packets S v0)"
	gives "0 20" more "$v1" "$(packets B v1)"
	# Through a program at this end, as all that v1 sends.
	prog here count pass
	attach S v0 here
	gives "host 1000 x5" frames across C w0 S v0 peer:S:v0 1000 5
	gives "5 5000" seen here
}

test_e_redirect_peer_to_an_end_that_is_down() {
	local before

	sends_on peer
	before=$(packets B v1)
	ip -n B link set v1 down
	frames send C w0 other 100 5 >/dev/null
	sleep 0.2
	gives "0 0" more "$before" "$(packets B v1)"
	ip -n B link set v1 up
	gives "host 100 x5" frames across C w0 B v1 peer:B:v1 100 5
}

test_e_redirect_peer_wants_another_namespace() {
	local step v0 v1 w1

	for step in peer peer-egress; do
		sends_on $step
		ip -n B link set v1 netns S
		ip -n S link set v1 up
		# What the stacks have to say by themselves.
		sleep 0.5
		in_ns S sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		v0=$(packets S v0) v1=$(packets S v1) w1=$(packets S w1)
		frames send C w0 other 100 5 >/dev/null
		sleep 0.2
		gives "5 0" more "$w1" "$(packets S w1)"
		gives "0 0" more "$v0" "$(packets S v0)"
		gives "0 0" more "$v1" "$(packets S v1)"
		rm -rf $PROGS
		ip netns del S
		ip netns del B
		ip netns del C
	done
}

test_e_redirect_peer_while_ends_go() {
	local n step

	for n in $(rounds 10); do
		step=peer
		((n % 2)) || step=peer-egress
		sends_on $step
		frames send C w0 peer:B:v1 1000 100000 >/dev/null 2>&1 &
		sleep 0.1
		case $((n % 3)) in
		0) ip -n S link del v0 ;;
		1) ip netns del B ;;
		2) ip -n B link del v1 ;;
		esac
		kill $! 2>/dev/null || true
		wait
		rm -rf $PROGS
		ip netns del S
		ip netns del B 2>/dev/null || true
		ip netns del C
	done
}
