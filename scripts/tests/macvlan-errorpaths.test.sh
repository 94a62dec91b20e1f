# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# macvlan: whatever fails on the way, nothing stays behind: neither the device nor
# the port that it would have been the first of (macvlan's statements A4, A6, F).
# shellcheck disable=SC2034,SC2153
KINDS="macvlan rnetvirt"
LIMIT=180
RELEASE="f_*"
TAKES=55
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

bed() {
	ns S W B
	wired S W
	ip -n S link add taken index 50 type dummy
	LINK=$(ifindex S eth0)
	KEPT="eth0 taken"
}

# attempt ERRNO TOKEN...: refused, nothing is left.
attempt() {
	local wanted=$1

	shift
	errno "$wanted" S new kind:"$KIND" link:"$LINK" "$@"
	same "$*: devices" "$(names S | tr ' ' '\n' | sort | xargs)" "$KEPT"
	empty B || fail "$*: left in B: $(names B)"
}

# refusals MODE: everything that is refused after the core has made the device;
# sources are listed by then, where there are any.
refusals() {
	local name own list=

	[ "$1" != source ] || list="data32:3:3 sources:020000000b00,020000000b01,020000000b02"
	# shellcheck disable=SC2046,SC2086
	own=$(own $(mode "$1") $list)
	# ".", "..", "a/b", "a b", "%d%d", "%s"
	for name in 2e00 2e2e00 612f6200 61206200 2564256400 257300; do
		# shellcheck disable=SC2086
		attempt EINVAL name0x:$name $own
	done
	# shellcheck disable=SC2086
	{
		attempt ERANGE name:abcdefghijklmnop $own
		attempt EEXIST name:taken $own
		attempt EEXIST index:50 name:v0 $own
		# Where names and indexes are looked at by the core only when it registers.
		ip -n B link add taken type dummy
		errno EEXIST S new kind:"$KIND" link:"$LINK" name:taken nsfd:/run/netns/B $own
		gives taken names B
		ip -n B link del taken
		# Notifiers: IPv4 refuses what its sysctls are called, the other what begins
		# so. By then the device is registered.
		attempt EINVAL name:all $own
		attempt EPERM name:veto0 $own
		attempt EPERM name:veto0 nsfd:/run/netns/B $own
		attempt EPERM name:veto0 up $own
		attempt EINVAL name:v0 mtu:67 $own
		attempt EINVAL name:v0 mtu:1501 $own
		attempt EADDRNOTAVAIL name:v0 addr:010000000001 $own
		attempt EINVAL name:v0 addr:0200000000 $own
		attempt EINVAL name:v0 txq:0 $own
		# A master that is none, or does not exist: the driver is done by then.
		attempt EOPNOTSUPP name:v0 attr:10:32000000 $own
		attempt EINVAL name:v0 attr:10:ff7f0000 $own
	}
	if [ "$1" != passthru ]; then
		# shellcheck disable=SC2086
		attempt EADDRINUSE name:v0 addr:"$LOWER_MAC" up $own
	fi
}

# with_veto: somebody else's notifier. It stays to the end of the group, because it
# comes with suites that run when it is loaded.
with_veto() {
	local ko=$TOP/build/$KERNEL/rnetvirt_kunit.ko

	[ -e "$ko" ] || skip "there is no rnetvirt_kunit.ko"
	loaded rnetvirt_kunit || insmod "$ko"
}

# first MODE: each as the first endpoint. Frames come in all the time.
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
	# As if nothing had been.
	endpoint S eth0 v0 "$1" up
	port_there S eth0
	ip -n S link del v0
	port_gone S eth0
}

test_a4_first_endpoint_private() { first private; }

test_a4_first_endpoint_bridge() { first bridge; }

test_a4_first_endpoint_passthru() { first passthru; }

test_a4_first_endpoint_source_with_its_list_filled() { first source; }

test_a4_a_later_endpoint() {
	local n

	with_veto
	bed
	endpoint S eth0 keep bridge address 02:00:00:00:00:01 up
	KEPT="eth0 keep taken"
	for n in vepa source; do
		refusals $n
	done
	# shellcheck disable=SC2046
	attempt EINVAL name:v0 $(own "$(mode passthru)")
	# Not a source of anybody's.
	gives "S/keep host" who W wire0 "$WIRE_MAC" 020000000001 1 S/keep
	gives "S/eth0 broadcast, S/keep broadcast" who W wire0 "$WIRE_MAC" ffffffffffff 2 S/keep S/eth0
	gives "4 1000" rtnl S get keep mode bcqueuelenused
	port_there S eth0
	ip -n S link del keep
	port_gone S eth0
}

test_a3_settings_that_are_refused() {
	local keep

	bed
	for keep in "" keep; do
		[ -z "$keep" ] || endpoint S eth0 keep bridge
		KEPT=$(names S | tr ' ' '\n' | sort | xargs)
		while read -r wanted tokens; do
			# shellcheck disable=SC2046,SC2086
			attempt "$wanted" name:v0 $(own $tokens)
		done <<-TXT
			EINVAL data32:1:0
			EINVAL data32:1:3
			EINVAL data32:1:32
			EINVAL data16:2:4
			EINVAL data32:1:16 data32:3:4
			EINVAL data32:1:16 data32:3:0
			EINVAL data32:1:16 data32:3:1
			EINVAL data32:1:4 data32:3:3 sources:020000000001
			EINVAL data32:1:16 data32:3:0 data:4:0200000001
			EADDRNOTAVAIL data32:1:16 data32:3:0 data:4:010000000001
			EADDRNOTAVAIL data32:1:16 data32:3:3 sources:020000000001,000000000000
			EINVAL data32:6:1
			EINVAL data32:8:1
			ERANGE data:1:01
		TXT
		[ "$keep" ] || port_gone S eth0
	done
}

# shellcheck disable=SC2046
test_a4_too_many_levels() {
	local n

	# The device is registered by the time it cannot be linked to the lower one.
	ns S B
	ip -n S link add low0 type dummy
	for n in {1..7}; do
		ip -n S link add link "low$((n - 1))" name "low$n" type vlan id 5
	done
	KEPT="low0 low1 low2 low3 low4 low5 low6 low7" LINK=$(ifindex S low7)
	for n in private passthru; do
		attempt EMLINK name:v0 $(own "$(mode $n)")
		attempt EMLINK name:v0 nsfd:/run/netns/B $(own "$(mode $n)")
	done
	attempt EMLINK name:v0 $(own "$(mode source)" data32:3:3 sources:020000000b00,020000000b01)
	# One level further down it can.
	endpoint S low6 v0 bridge up
	port_there S low6
	ip -n S link del low0
	empty S
}

test_a4_lower_that_is_none() {
	bed
	# shellcheck disable=SC2046
	{
		errno EINVAL S new kind:"$KIND" name:v0 $(own "$(mode bridge)")
		errno ENODEV S new kind:"$KIND" name:v0 link:9999 $(own "$(mode bridge)")
	}
	gives "$KEPT" sorted S
}

sorted() { names "$1" | tr ' ' '\n' | sort | xargs; }

# shellcheck disable=SC2046
test_a6_a_refused_change_changes_nothing() {
	bed
	endpoint S eth0 v0 bridge address 02:00:00:00:00:01 up
	endpoint S eth0 s0 source up
	change S s0 macaddr add 02:00:00:00:0b:00
	errno EINVAL S set kind:"$KIND" name:v0 $(own "$(mode passthru)")
	errno EINVAL S set kind:"$KIND" name:v0 $(own data16:2:4 "$(mode vepa)")
	errno EINVAL S set kind:"$KIND" name:v0 $(own data32:3:0 data:4:020000000b09)
	errno EADDRNOTAVAIL S set kind:"$KIND" name:s0 $(own data32:3:3 sources:020000000b01,010000000001)
	errno EINVAL S set kind:"$KIND" name:v0 mtu:1501
	errno EADDRINUSE S set name:v0 addr:"$LOWER_MAC"
	gives "4 0 1500 02:00:00:00:00:01" rtnl S get v0 mode mvflags mtu address
	gives "16 1 02:00:00:00:0b:00" rtnl S get s0 mode count sources
	gives "S/s0 otherhost, S/v0 host" who W wire0 "$WIRE_MAC" 020000000001 2 S/v0 S/s0
}

test_a6_passthru_that_fails_gives_the_lower_back() {
	with_veto
	bed
	# The next one may be of any mode, and the address is the lower device's own.
	# shellcheck disable=SC2046
	attempt EPERM name:veto0 addr:020000000077 $(own "$(mode passthru)")
	endpoint S eth0 v0 bridge address 02:00:00:00:00:01 up
	endpoint S eth0 v1 vepa
	gives "S/v0 host" who W wire0 "$WIRE_MAC" 020000000001 1 S/v0
	gives 02:00:00:00:0a:00 rtnl S get eth0 address
}

test_f_events_meet_creations_that_fail() {
	local n pid own

	# Ports that are half made or half gone, while things happen to their device.
	with_veto
	bed
	ip -n W addr add 10.0.0.3/24 dev wire0
	nsenter --net=/run/netns/W ping -b -q -i $PACE 10.0.0.255 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	(
		while :; do
			for n in "mtu 3400" "address 02:00:00:00:0c:01" down up "mtu 3500" "promisc on" \
				"promisc off" "address 02:00:00:00:0a:00"; do
				echo "link set eth0 $n"
			done | command ip -n S -batch - || exit 0
		done
	) 2>/dev/null &
	pid=$!
	for n in $(rounds 12); do
		for own in bridge passthru source; do
			# shellcheck disable=SC2046
			errno EPERM S new kind:"$KIND" link:"$LINK" name:veto0 $(own "$(mode $own)")
			endpoint S eth0 v0 $own up || true
			ip -n S link del v0 2>/dev/null || true
		done
	done
	kill -9 $pid
	wait $pid 2>/dev/null || true
	quiet
	same devices "$(sorted S)" "$KEPT"
	ip -n S link set eth0 up mtu 3500
	port_gone S eth0
	endpoint S eth0 v0 bridge address 02:00:00:00:00:01 up
	gives "S/v0 host" who W wire0 "$WIRE_MAC" 020000000001 1 S/v0
}

# Allocation failures, as for pairs: some of them, others each time. `make stress`
# goes through all.
with_faults() { # OPERATION STRIDE
	local stride=${FAULT_STRIDE:-$2}

	[ -e /sys/kernel/debug/failslab ] || skip "this kernel has no fault injection"
	# The C driver shows that the test is right.
	[ "$KIND" = rnetvirt ] || stride=$((stride * 3))
	expect_kmsg "ref_tracker: memory allocation failure, unreliable refcount tracker"
	ns S B
	ip -n S link add low index 10 address 02:00:00:00:0a:00 up type dummy
	ip -n S link add br9 type bridge
	in_ns S "$TESTS/faults.py" "$KIND" "macvlan-$1" "$stride" $((RANDOM % stride + 1))
	gives "br9 low" sorted S
	empty B
}

test_a4_no_memory_at_creation_private() { with_faults create-private 31; }

test_a4_no_memory_at_creation_vepa() { with_faults create-vepa 31; }

test_a4_no_memory_at_creation_bridge() { with_faults create-bridge 13; }

test_a4_no_memory_at_creation_passthru() { with_faults create-passthru 13; }

test_a4_no_memory_at_creation_source() { with_faults create-sources 13; }

test_a4_no_memory_at_creation_elsewhere() { with_faults create-netns 23; }

test_a4_no_memory_at_creation_up() { with_faults create-up 23; }

test_a8_no_memory_at_deletion() { with_faults delete 3; }

test_a6_no_memory_at_a_change_of_mode() {
	with_faults mode 3
	ns_again
	with_faults mode-from-source 3
}

ns_again() { printf 'netns del %s\n' S B | ip -batch -; }

test_a6_no_memory_at_a_change_of_flags_and_queue() {
	with_faults flags 3
	ns_again
	with_faults queue 3
}

test_a7_no_memory_for_sources() {
	with_faults sources-add 3
	ns_again
	with_faults sources-set 3
}

test_d2_no_memory_at_open() {
	with_faults up 5
	ns_again
	with_faults up-all 5
	ns_again
	with_faults up-passthru 5
}

test_d8_no_memory_at_a_change_of_address() {
	with_faults address 3
	ns_again
	with_faults address-passthru 3
}

test_d2_no_memory_at_a_change_of_mtu() { with_faults mtu 3; }

test_nothing_leaked() { no_leaks; }
