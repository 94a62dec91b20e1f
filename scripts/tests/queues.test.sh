# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Queue counts (statements A15 to A18, G7).
# shellcheck disable=SC2034
RELEASE="*"

# queues NETNS DEVICE: "ALLOCATED_TX/ACTIVE_TX ALLOCATED_RX/ACTIVE_RX", and "-/0"
# for the latter where the kernel shows no receive queues.
queues() {
	local max

	max=$(rtnl "$1" get "$2" txq rxq)
	# Only active queues have an entry.
	# shellcheck disable=SC2046
	set -- "$max" $(sysfs "$1" "$2" queues)
	local tx=0 rx=0 max=$1

	shift
	while [ $# -gt 0 ]; do
		case $1 in
		tx-*) tx=$((tx + 1)) ;;
		rx-*) rx=$((rx + 1)) ;;
		esac
		shift
	done
	echo "${max% *}/$tx ${max#* }/$rx"
}

# has_queues NETNS DEVICE TX RX: each as ALLOCATED/ACTIVE.
has_queues() {
	local rx=$4

	shows_rx_queues || rx=-/0
	gives "$3 $rx" queues "$1" "$2"
}

cpus() {
	local range

	range=$(cat /sys/devices/system/cpu/possible)
	echo $((${range##*-} + 1))
}

test_a17_defaults() {
	local n

	n=$(cpus)
	ns S
	ip -n S link add foo type "$KIND" peer name bar
	has_queues S foo "$n/1" "$n/1"
	has_queues S bar "$n/1" "$n/1"
}

test_a17_link_of_the_peer_is_ignored() {
	local n

	n=$(cpus)
	ns S
	ip -n S link add low type dummy
	gives OK rtnl S new kind:"$KIND" name:foo peer name:bar link:"$(ifindex S low)" end
	has_queues S bar "$n/1" "$n/1"
	gives "$(rtnl S get foo tso_max_size)" rtnl S get bar tso_max_size
}

test_a18_counts_of_the_dev() {
	local n

	n=$(cpus)
	ns S
	ip -n S link add foo numtxqueues 4 type "$KIND" peer name bar
	has_queues S foo 4/4 "$n/1"
	# The peer activates what it allocated: the outer attributes are asked.
	has_queues S bar "$n/$n" "$n/1"
}

test_a18_counts_of_the_peer() {
	local n

	n=$(cpus)
	ns S
	ip -n S link add foo type "$KIND" peer name bar numtxqueues 4 numrxqueues 3
	has_queues S foo "$n/1" "$n/1"
	has_queues S bar 4/1 3/1
}

test_a18_counts_of_both() {
	ns S
	ip -n S link add foo numtxqueues 4 numrxqueues 5 type "$KIND" \
		peer name bar numtxqueues 6 numrxqueues 7
	has_queues S foo 4/4 5/5
	has_queues S bar 6/6 7/7
	ip -n S link add one numtxqueues 1 numrxqueues 1 type "$KIND" \
		peer name two numtxqueues 1 numrxqueues 1
	has_queues S one 1/1 1/1
	has_queues S two 1/1 1/1
}

test_a18_64_queues() {
	ns S B
	joined S B numtxqueues 64 numrxqueues 64
	has_queues S v0 64/64 64/64
	has_queues B v1 64/64 64/64
	in_ns S ping -q -c 3 -i 0.05 -W 5 10.0.0.2
	in_ns B ping -q -c 3 -i 0.05 -W 5 10.0.0.1
	gives "1000000 whole" frames tcp S B v1 1000000
}

test_a16_4096_queues() {
	ns S
	ip -n S link add foo numtxqueues 4096 numrxqueues 4096 type "$KIND" \
		peer name bar numtxqueues 1 numrxqueues 1
	gives "4096 $(shown_rxq 4096)" rtnl S get foo txq rxq
	has_queues S bar 1/1 1/1
}

test_g7_channels_are_shown() {
	ns S
	ip -n S link add foo numtxqueues 4 numrxqueues 3 type "$KIND" peer name bar
	same "ethtool -l" "$(in_ns S ethtool -l foo | sed -n 's/^\([RTOC][a-zX]*\):[[:space:]]*/\1 /p' | paste -sd,)" \
		"RX 3,TX 4,Other n/a,Combined n/a,RX 3,TX 4,Other n/a,Combined n/a"
}
