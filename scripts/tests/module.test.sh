# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The module itself: load on demand, a second provider, unloading with links
# alive (statements A1, A2, A6).
# shellcheck disable=SC2034
LIMIT=90
RELEASE="*"

test_a6_unload_with_live_pairs() {
	ns S A B
	joined S B
	ip -n A link add foo up type "$KIND" peer name bar netns B
	ip -n A link add one type "$KIND" peer name two
	ip link add in-init type "$KIND" peer name far netns A
	rmmod "$KIND"
	empty S A B || fail "S: $(names S), A: $(names A), B: $(names B)"
	[ ! -e /sys/class/net/in-init ] || fail "in-init is still there"
	[ ! -e "/sys/module/$KIND" ]
	refused "Unknown device type" ip -n S link add v0 type "$KIND"
	load_kind
	joined S B
	in_ns S ping -q -c 1 -W 5 10.0.0.2
}

# Each has a loopback device.
test_kunit_beside_other_namespaces() {
	local ko=$TOP/build/$KERNEL/rnetvirt_kunit.ko

	[ "$KIND" = rnetvirt ] || skip "rnetvirt's own suites"
	[ -e "$ko" ] || skip "there is no rnetvirt_kunit.ko"
	ns A B
	insmod "$ko"
	not grep -h "not ok" /sys/kernel/debug/kunit/rnetvirt*/results
	rmmod rnetvirt_kunit
}

test_a6_unload_with_a_handler_that_nobody_detached() {
	local ko=$TOP/build/$KERNEL/rnetvirt_kunit.ko

	[ "$KIND" = rnetvirt ] || skip "not a module of ours"
	[ -e "$ko" ] || skip "there is no rnetvirt_kunit.ko"
	# Its suites leave one on the loopback device.
	ip link set lo up
	insmod "$ko"
	ping -q -c 1 -W 5 127.0.0.1
	rmmod rnetvirt_kunit
	ping -q -c 1 -W 5 127.0.0.1
}

test_a6_unload_under_traffic() {
	local n

	ns S A B
	for n in $(rounds 3); do
		load_kind
		joined S B
		ip -n A link add foo up type "$KIND" peer name bar netns B
		ip -n B link set bar up
		traffic S B
		wait_for 10 busy
		rmmod "$KIND"
		empty S A B || fail "round $n: S: $(names S), A: $(names A), B: $(names B)"
		quiet
	done
	load_kind
}

test_a6_unload_while_a_namespace_dies() {
	local n

	ns S
	for n in $(rounds 3); do
		load_kind
		ns B
		joined S B
		ip -n B link add foo type "$KIND" peer name bar
		ip netns del B
		rmmod "$KIND"
		empty S || fail "round $n: $(names S)"
	done
	load_kind
}

test_a6_unload_while_pairs_are_made() {
	local n pid made=0

	ns S B
	for n in $(rounds 3); do
		load_kind
		# shellcheck disable=SC2016
		bash -c 'for n in {1..200}; do
			ip -n S link add type "$0" peer netns B || exit 0; done' "$KIND" 2>/dev/null &
		pid=$!
		wait_for 10 not empty S
		made=$((made + $(names S | wc -w)))
		rmmod "$KIND"
		# What was made after the unregistration was refused.
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
		empty S B || fail "S: $(names S), B: $(names B)"
	done
	note "about $made pairs"
	load_kind
}

test_a1_load_on_demand() {
	local tree=$WORK/tree helper=$WORK/modprobe before dir

	# The kernel calls a modprobe that looks into a tree of our own.
	before=$(cat /proc/sys/kernel/modprobe)
	dir=$tree/lib/modules/$(uname -r)
	mkdir -p "$dir/extra"
	cp "$(module_file "$KIND")" "$dir/extra/"
	touch "$dir/modules.order" "$dir/modules.builtin"
	depmod -b "$tree" "$(uname -r)"
	modinfo -F alias "$(module_file "$KIND")" | grep -qx "rtnl-link-$KIND"
	printf '#!/bin/sh\nexec modprobe -d %s "$@"\n' "$tree" >"$helper"
	chmod +x "$helper"
	ns S
	rmmod "$KIND"
	echo "$helper" >/proc/sys/kernel/modprobe
	ip -n S link add v0 type "$KIND" peer name v1 || {
		echo "$before" >/proc/sys/kernel/modprobe
		fail "not loaded"
	}
	echo "$before" >/proc/sys/kernel/modprobe
	loaded "$KIND"
	has S v0 v1
}

test_a2_a_second_provider() {
	local copy=$WORK/second.ko

	# The same kind under another module name.
	[ "$KIND" = rnetvirt ] || skip "one module of that kind"
	sed 's/name=rnetvirt\x00/name=rnetvirX\x00/' "$RNETVIRT_KO" >"$copy"
	refused "File exists" insmod "$copy"
	! loaded rnetvirX
	ns S B
	joined S B
	in_ns S ping -q -c 1 -W 5 10.0.0.2
}
