# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# ipvlan: whatever fails on the way, nothing stays behind: neither the device nor the
# port that it would have been the first of (ipvlan's statements A12 to A39, C).
# shellcheck disable=SC2034,SC2153
KINDS="ipvlan rnetvirt"
LIMIT=240
TAKES=13
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

bed() {
	ns S W B
	wired S W
	ip -n S link add taken index 50 type dummy
	LINK=$(ifindex S eth0)
	KEPT="eth0 taken"
}

sorted() { names "$1" | tr ' ' '\n' | sort | xargs; }

# attempt ERRNO TOKEN...: refused, nothing is left.
attempt() {
	local wanted=$1

	shift
	errno "$wanted" S new kind:"$KIND" link:"$LINK" "$@"
	same "$*: devices" "$(sorted S)" "$KEPT"
	empty B || fail "$*: left in B: $(names B)"
}

with_veto() {
	local ko=$TOP/build/$KERNEL/rnetvirt_kunit.ko

	[ -e "$ko" ] || skip "there is no rnetvirt_kunit.ko"
	loaded rnetvirt_kunit || insmod "$ko"
}

# refusals MODE: everything that is refused after the core has made the device.
refusals() {
	local name own

	own=$(own "$(mode "$1")")
	for name in 2e00 2e2e00 612f6200 61206200 2564256400 257300; do
		# shellcheck disable=SC2086
		attempt EINVAL name0x:$name $own
	done
	# shellcheck disable=SC2086
	{
		attempt ERANGE name:abcdefghijklmnop $own
		attempt EEXIST name:taken $own
		attempt EEXIST index:50 name:v0 $own
		# By then the device is registered, or nearly.
		attempt EINVAL name:all $own
		attempt EPERM name:veto0 $own
		attempt EPERM name:veto0 nsfd:/run/netns/B $own
		attempt EPERM name:veto0 up $own
		attempt EINVAL name:v0 mtu:67 $own
		attempt EINVAL name:v0 txq:0 $own
		attempt EOPNOTSUPP name:v0 attr:10:32000000 $own
		attempt EINVAL name:v0 attr:10:ff7f0000 $own
	}
}

first() {
	with_veto
	bed
	ip -n W addr add 10.0.0.3/24 dev wire0
	nsenter --net=/run/netns/W ping -b -q -i $PACE 10.0.0.255 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	refusals "$1"
	quiet
	port_gone S eth0
	gives "02:00:00:00:0a:00 1500 0" rtnl S get eth0 address mtu promiscuity
	endpoint S eth0 v0 "$1" up
	port_there S eth0
	ip -n S link del v0
	port_gone S eth0
}

test_a_first_link_l2() { first l2; }

test_a_first_link_l3() { first l3; }

test_a_first_link_l3s() { first l3s; }

test_a_a_later_link() {
	with_veto
	bed
	endpoint S eth0 keep l3s up
	KEPT="eth0 keep taken"
	refusals l3s
	port_there S eth0
	ip -n S link del keep
	port_gone S eth0
}

# shellcheck disable=SC2046
test_a6_settings_that_are_refused() {
	bed
	while read -r wanted tokens; do
		# shellcheck disable=SC2086
		attempt "$wanted" name:v0 $(own $tokens)
	done <<-TXT
		EINVAL data16:1:3
		EINVAL data16:1:65535
		EINVAL data16:2:3
		EINVAL data16:2:4
		ERANGE data:1:01
	TXT
	port_gone S eth0
	endpoint S eth0 v0 l2
	errno EINVAL S set kind:"$KIND" name:v0 $(own data16:1:3)
	errno EINVAL S set kind:"$KIND" name:v0 $(own data16:2:3)
	errno EINVAL S set kind:"$KIND" name:v0 $(own data16:1:1 data16:2:3)
	gives "0 0" rtnl S get v0 ipmode ipflags
}

# shellcheck disable=SC2046
test_a12_lower_that_is_none() {
	bed
	errno EINVAL S new kind:"$KIND" name:v0 $(own "$(mode l2)")
	errno ENODEV S new kind:"$KIND" name:v0 link:9999 $(own "$(mode l2)")
	LINK=$(ifindex S lo)
	attempt EINVAL name:v0 $(own "$(mode l2)")
	LINK=$(ifindex S taken)
	ip -n S link add br0 type bridge
	ip -n S link set taken master br0
	KEPT="br0 eth0 taken"
	attempt EBUSY name:v0 $(own "$(mode l2)")
}

# shellcheck disable=SC2046
test_a24_too_many_levels() {
	local n

	ns S B
	ip -n S link add low0 type dummy
	for n in {1..7}; do
		ip -n S link add link "low$((n - 1))" name "low$n" type vlan id 5
	done
	KEPT="low0 low1 low2 low3 low4 low5 low6 low7" LINK=$(ifindex S low7)
	for n in l2 l3 l3s; do
		attempt EMLINK name:v0 $(own "$(mode $n)")
		attempt EMLINK name:v0 nsfd:/run/netns/B $(own "$(mode $n)")
	done
	endpoint S low6 v0 l3s up
	port_there S low6
	ip -n S link del low0
	empty S
}

test_a21_what_cannot_be_on_top() {
	bed
	endpoint S eth0 v0 l2
	ip -n S link add br0 type bridge
	refused "Invalid argument" ip -n S link set v0 master br0
	refused "VLANs not supported" ip -n S link add link v0 name v0.5 type vlan id 5
	# A link on a link is its sibling.
	endpoint S v0 v1 l2
	gives "$LINK" rtnl S get v1 link
}

# Allocation failures: some of them, others each time. `make stress` goes through
# all.
with_faults() { # OPERATION STRIDE
	local stride=${FAULT_STRIDE:-$2}

	[ -e /sys/kernel/debug/failslab ] || skip "this kernel has no fault injection"
	[ "$KIND" = rnetvirt ] || stride=$((stride * 3))
	expect_kmsg "ref_tracker: memory allocation failure, unreliable refcount tracker"
	ns S B
	ip -n S link add low index 10 address 02:00:00:00:0a:00 up type dummy
	ip -n S link add br9 type bridge
	in_ns S "$TESTS/faults.py" "$KIND" "ipvlan-$1" "$stride" $((RANDOM % stride + 1))
	gives "br9 low" sorted S
	empty B
}

test_a_no_memory_at_creation_l2() { with_faults create-l2 23; }

test_a_no_memory_at_creation_l3s() { with_faults create-l3s 13; }

test_a40_no_memory_at_deletion() { with_faults delete 3; }

test_a36_no_memory_at_a_change_of_mode() { with_faults mode-l3s 3; }

test_a36_no_memory_at_a_change_from_l3s() { with_faults mode-l2 3; }

test_e_no_memory_at_open() { with_faults up-all 5; }

test_e4_no_memory_at_a_change_of_mtu() { with_faults mtu 3; }

test_nothing_leaked() { no_leaks; }
