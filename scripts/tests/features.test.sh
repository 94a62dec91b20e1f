# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Offload features and the basics of ethtool (statements B14, A29, G2 to G4, G7).
# shellcheck disable=SC2034

CHANGEABLE_ON="rx-checksumming tx-checksumming tx-checksum-ip-generic tx-checksum-sctp
scatter-gather tx-scatter-gather tx-scatter-gather-fraglist highdma
tcp-segmentation-offload tx-tcp-segmentation tx-tcp-ecn-segmentation
tx-tcp-mangleid-segmentation tx-tcp6-segmentation tx-tcp-accecn-segmentation
tx-sctp-segmentation tx-udp-segmentation tx-gso-list generic-segmentation-offload
tx-gre-segmentation tx-gre-csum-segmentation tx-ipxip4-segmentation
tx-ipxip6-segmentation tx-udp_tnl-segmentation tx-udp_tnl-csum-segmentation
tx-vlan-offload rx-vlan-offload tx-vlan-stag-hw-insert rx-vlan-stag-hw-parse"
CHANGEABLE_OFF="generic-receive-offload rx-gro-list rx-udp-gro-forwarding tx-nocache-copy"

# features DEVICE: "name: state" sorted, without the heading.
features() { in_ns S ethtool -k "$1" | sed -n 's/^[[:space:]]*\([^ ]*: o[nf].*\)/\1/p' | sort; }

test_b14_features_exactly() {
	local dev

	ns S
	ip -n S link add foo type "$KIND" peer name bar
	for dev in foo bar; do
		features $dev >"$WORK/got"
		# Every name that this ethtool knows, with what it has to be.
		awk -F: -v on="$CHANGEABLE_ON" -v off="$CHANGEABLE_OFF" '
			BEGIN {
				n = split(on, names, /[ \n]+/); while (n) want[names[n--]] = "on"
				n = split(off, names, /[ \n]+/); while (n) want[names[n--]] = "off"
			}
			{ print $1 ": " (($1 in want) ? want[$1] : "off [fixed]"); delete want[$1] }
			END { for (name in want) print name ": missing" }' "$WORK/got" >"$WORK/want"
		[ "$(wc -l <"$WORK/got")" -gt 50 ] || fail "ethtool -k $dev: $(cat "$WORK/got")"
		diff "$WORK/want" "$WORK/got" || fail "$dev: wanted <, got >"
	done
}

test_b14_same_as_the_c_driver() {
	# What this ethtool has no name for is compared too, as a bit of its number.
	[ "$KIND" != veth ] || skip "compares with veth"
	ns S
	loaded veth || insmod "$(module_file veth)"
	ip -n S link add c0 type veth peer name c1
	ip -n S link add foo type "$KIND" peer name bar
	diff <(features c0) <(features foo)
	diff <(features c0) <(features bar)
	ip -n S link del c0
	rmmod veth
}

test_a29_gro_can_be_switched() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	in_ns S ethtool -K foo gro on
	features foo | grep -qx "generic-receive-offload: on"
	features bar | grep -qx "generic-receive-offload: off"
	in_ns S ethtool -K foo gro off
	features foo | grep -qx "generic-receive-offload: off"
}

test_b14_features_can_be_switched() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	in_ns S ethtool -K foo tso off tx off rx off
	features foo | grep -qx "tx-checksum-ip-generic: off"
	features foo | grep -qx "tx-tcp-segmentation: off"
	features foo | grep -qx "rx-checksumming: off"
	in_ns S ethtool -K foo tx on tso on rx on
	features foo | grep -qx "tx-tcp-segmentation: on"
}

test_b14_vlan_features() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	ip -n S link add link foo name foo.5 type vlan id 5
	# A VLAN on top keeps the offloads.
	features foo.5 | grep -qx "tx-tcp-segmentation: on"
	features foo.5 | grep -qx "tx-checksum-ip-generic: on"
	features foo.5 | grep -qx "tx-udp-segmentation: on"
}

test_g2_driver_info() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	in_ns S ethtool -i foo >"$WORK/out"
	grep -qx "driver: $KIND" "$WORK/out" || fail "$(cat "$WORK/out")"
	if [ "$KIND" = veth ]; then
		grep -qx "version: 1.0" "$WORK/out" || fail "$(cat "$WORK/out")"
	fi
	grep -qx "firmware-version: " "$WORK/out"
	grep -qx "bus-info: " "$WORK/out"
}

test_g3_link_settings() {
	local up

	ns S
	ip -n S link add foo type "$KIND" peer name bar
	for up in down up; do
		ip -n S link set foo $up
		in_ns S ethtool foo >"$WORK/out"
		grep -q "Speed: 10000Mb/s" "$WORK/out" || fail "$(cat "$WORK/out")"
		grep -q "Duplex: Full" "$WORK/out" || fail "$(cat "$WORK/out")"
		grep -q "Port: Twisted Pair" "$WORK/out" || fail "$(cat "$WORK/out")"
		grep -q "Auto-negotiation: off" "$WORK/out" || fail "$(cat "$WORK/out")"
		grep -q "Link detected: no" "$WORK/out" || fail "$(cat "$WORK/out")"
	done
	ip -n S link set bar up
	in_ns S ethtool foo | grep -q "Link detected: yes"
}

test_g4_timestamping() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	in_ns S ethtool -T foo >"$WORK/out"
	for word in software-transmit software-receive software-system-clock; do
		grep -q "^[[:space:]]*$word" "$WORK/out" || fail "no $word: $(cat "$WORK/out")"
	done
	grep -q "PTP Hardware Clock: none" "$WORK/out" || fail "$(cat "$WORK/out")"
	! grep -q hardware-transmit "$WORK/out"
}

test_g1_what_is_not_there() {
	local option

	ns S
	ip -n S link add foo type "$KIND" peer name bar
	for option in -g -c -a -n; do
		refused "" in_ns S ethtool $option foo
	done
}

# stats DEVICE: "name: value" lines of ethtool -S.
stats() { in_ns S ethtool -S "$1" | sed -n 's/^ *\([a-z].*: .*\)$/\1/p'; }

# stat_names PEER_IFINDEX RX TX: what has to be there for as many active queues.
stat_names() {
	local n name

	echo "peer_ifindex: $1"
	for ((n = 0; n < $2; n++)); do
		for name in xdp_packets xdp_bytes drops xdp_redirect xdp_drops xdp_tx xdp_tx_errors; do
			echo "rx_queue_${n}_$name: 0"
		done
	done
	for ((n = 0; n < $3; n++)); do
		echo "tx_queue_${n}_xdp_xmit: 0"
		echo "tx_queue_${n}_xdp_xmit_errors: 0"
	done
	for name in alloc_fast alloc_slow alloc_slow_ho alloc_empty alloc_refill alloc_waive \
		recycle_cached recycle_cache_full recycle_ring recycle_ring_full recycle_released_ref; do
		echo "rx_pp_$name: 0"
	done
}

test_g5_statistics_have_names_in_order() {
	ns S
	ip -n S link add foo numtxqueues 4 numrxqueues 11 type "$KIND" peer name bar numtxqueues 2 numrxqueues 3
	diff <(stat_names "$(ifindex S bar)" 11 4) <(stats foo)
	diff <(stat_names "$(ifindex S foo)" 3 2) <(stats bar)
}

test_g5_peer_ifindex_is_of_the_other_namespace() {
	ns S B
	# So that the numbers differ.
	ip -n B link add one type dummy
	ip -n S link add foo type "$KIND" peer name bar netns B
	stats foo | grep -qx "peer_ifindex: $(ifindex B bar)"
	[ "$(ifindex B bar)" != "$(ifindex S foo)" ]
}

test_g5_packets_of_the_backlog_are_not_counted_there() {
	ns S B
	joined S B
	in_ns S ping -q -c 3 -i 0.05 -W 5 10.0.0.2
	stats v0 | grep -qx "rx_queue_0_xdp_packets: 0"
}

test_g5_other_sets_are_not_there() {
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	if [ "$KIND" = rnetvirt ]; then
		gives "Private flags for foo:"$'\n'"xdp-gso: off" in_ns S ethtool --show-priv-flags foo
	else
		refused "" in_ns S ethtool --show-priv-flags foo
	fi
	refused "" in_ns S ethtool -t foo
}
