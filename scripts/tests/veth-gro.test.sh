# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# NAPI and GRO (statements D): when there are queues, what they merge, what survives.
# shellcheck disable=SC2034
TAKES=20
RELEASE="*traffic*"
LIMIT=120

features() { in_ns "$1" ethtool -K "$2" "${@:3}"; } # NETNS DEVICE FEATURE ON...
netdev() { in_ns "$1" python3 "$TESTS/netdev.py" "${@:2}"; } # NETNS ARGUMENTS...
napis() { netdev "$1" napis "$2" | wc -l; } # NETNS DEVICE
udp() { python3 "$TESTS/gro.py" udp "$@"; }
tcp() { python3 "$TESTS/gro.py" tcp "$@"; }

test_d1_napi_exists_while_up_with_gro() {
	ns S B
	joined S B
	gives 0 napis B v1
	features B v1 gro on
	gives 1 napis B v1
	gives 0 napis S v0
	ip -n B link set v1 down
	gives 0 napis B v1
	ip -n B link set v1 up
	gives 1 napis B v1
	features B v1 gro off
	gives 0 napis B v1
	# What is switched while it is down counts when it is up.
	ip -n B link set v1 down
	features B v1 gro on
	gives 0 napis B v1
	ip -n B link set v1 up
	gives 1 napis B v1
	# Whatever the other end does.
	ip -n S link set v0 down
	gives 1 napis B v1
}

test_d1_one_napi_for_each_active_queue() {
	ns S B
	joined S B numrxqueues 4 numtxqueues 2
	features B v1 gro on
	gives 4 napis B v1
	features S v0 gro on
	gives 4 napis S v0
}

test_d_settings_survive() {
	local id

	[ "$KIND" = rnetvirt ] || skip "the C driver forgets them"
	ns S B
	joined S B
	features B v1 gro on
	read -r id _ < <(netdev B napis v1)
	netdev B set "$id" defer=7 timeout=20000 threaded=1
	ip -n B link set v1 down
	ip -n B link set v1 up
	gives "$id threaded:1 defer:7 timeout:20000" netdev B napis v1
	features B v1 gro off
	features B v1 gro on
	gives "$id threaded:1 defer:7 timeout:20000" netdev B napis v1
	gives "10 datagrams, 1 packets" merged "$id"
}

# merged: UDP on its way to B, as the feature says.
merged() {
	features S v0 tx-udp-segmentation off >&2
	features B v1 rx-udp-gro-forwarding on >&2
	udp S B 10.0.0.2 10 1000 gro | sed 's/, [0-9]* reads//'
}

test_d_queues_are_shown() {
	[ "$KIND" = rnetvirt ] || skip "the C driver does not say"
	ns S B
	joined S B
	features B v1 gro on
	local id
	read -r id _ < <(netdev B napis v1)
	gives "rx 0 napi:$id
tx 0" netdev B queues v1
	features B v1 gro off
	gives "rx 0
tx 0" netdev B queues v1
}

test_d11_tcp_is_merged_without_tso() {
	local bytes=400000 whole

	ns S B
	joined S B
	# 276 segments of 1448 bytes, and as many packets but for what they are merged to.
	features S v0 tso off
	tcp S B 10.0.0.2 $bytes | grep "^all bytes" >"$WORK/off"
	read -r _ _ whole _ <"$WORK/off"
	((whole > 250)) || fail "without GRO: $whole packets"
	features B v1 gro on
	tcp S B 10.0.0.2 $bytes | grep "^all bytes" >"$WORK/on"
	read -r _ _ whole _ <"$WORK/on"
	((whole < 150)) || fail "with GRO: $whole packets"
	note "$(cat "$WORK/off"); with GRO: $(cat "$WORK/on")"
}

test_d11_tcp_that_comes_whole_goes_the_short_way() {
	ns S B
	joined S B
	features B v1 gro on
	tcp S B 10.0.0.2 400000 | grep "^all bytes"
	same "counters" "$(sysfs S v0 statistics/tx_packets)" "$(sysfs B v1 statistics/rx_packets)"
}

test_d11_udp_wants_gro_forwarding() {
	ns S B
	ipv6_on S B
	joined S B
	features S v0 tx-udp-segmentation off
	features B v1 gro on
	gives "10 datagrams, 10 packets, 10 reads" udp S B 10.0.0.2 10 1000 gro
	features B v1 rx-udp-gro-forwarding on
	gives "10 datagrams, 1 packets, 1 reads" udp S B 10.0.0.2 10 1000 gro
	# Neighbours would be packets of IPv6.
	in_ns S ping -q -c 1 fd00::2
	gives "10 datagrams, 1 packets, 1 reads" udp S B fd00::2 10 1000 gro
	features B v1 gro off
	gives "10 datagrams, 10 packets, 10 reads" udp S B 10.0.0.2 10 1000 gro
}

test_d11_udp_in_lists() {
	ns S B
	joined S B
	features S v0 tx-udp-segmentation off
	features B v1 gro on rx-gro-list on
	gives "10 datagrams, 1 packets" udp S B 10.0.0.2 10 1000
	gives "30 datagrams, 1 packets" udp S B 10.0.0.2 30 100
	features B v1 rx-gro-list off
	gives "10 datagrams, 10 packets" udp S B 10.0.0.2 10 1000
}

test_f_counters_of_both_ways_agree() {
	local bytes=2060

	ns S B
	joined S B
	features S v0 tso off
	features B v1 gro on
	# The C driver counts 14 bytes less for each that goes by a ring (F5).
	[ "$KIND" = rnetvirt ] || bytes=$((bytes - 21 * 14))
	gives "host 100 x20" frames across S v0 B v1 peer:B:v1 100 20
	gives "host 60 x1" frames across S v0 B v1 peer:B:v1 60
	wait_for 5 counted 21
	same "bytes" "$(sysfs S v0 statistics/tx_bytes) $(sysfs B v1 statistics/rx_bytes)" \
		"$bytes $bytes"
	same "dropped" "$(sysfs S v0 statistics/tx_dropped) $(sysfs B v1 statistics/rx_dropped)" "0 0"
}

counted() { [ "$(sysfs B v1 statistics/rx_packets)" = "$1" ]; }

test_f7_too_big_for_the_receiver_with_queues() {
	ns S B
	joined S B
	ip -n S link set v0 mtu 9000
	features S v0 tso off
	features B v1 gro on
	gives "host 1518 x1" frames across S v0 B v1 peer:B:v1 1518
	gives "nothing" frames across S v0 B v1 peer:B:v1 1519
	same "dropped" "$(sysfs S v0 statistics/tx_dropped) $(sysfs B v1 statistics/rx_dropped)" "1 1"
}

# threaded 0|1: what root of B's container writes.
threaded() {
	nsenter --net=/run/netns/B unshare -m sh -c "mount -t sysfs sysfs /sys && echo $1 >/sys/class/net/v1/threaded"
}

test_d_threaded() {
	ns S B
	joined S B
	features S v0 tx-udp-segmentation off
	features B v1 gro on rx-udp-gro-forwarding on
	threaded 1
	wait_for 5 pgrep "^napi/v1-"
	udp S B 10.0.0.2 40 1000 gro | grep "^40 datagrams"
	ip -n B link set v1 down
	wait_for 5 not pgrep "^napi/v1-"
	ip -n B link set v1 up
	wait_for 5 pgrep "^napi/v1-"
	udp S B 10.0.0.2 40 1000 gro | grep "^40 datagrams"
}

# In a namespace with a /sys of its own, until the file is there.
TURNS='mount -t sysfs sysfs /sys
until [ -e "$0" ]; do
	echo 1 >/sys/class/net/v1/threaded
	echo 0 >/sys/class/net/v1/threaded
done 2>/dev/null'

# Who writes waits for NAPIs that are scheduled, with a lock that who switches them on wants, and he has RTNL.
test_d_threads_come_and_go_meanwhile() {
	local i

	[ "$KIND" = rnetvirt ] || skip "the C driver hangs, and RTNL with it"
	ns S B
	joined S B numrxqueues 64 numtxqueues 64
	features B v1 gro on
	nsenter --net=/run/netns/B unshare -m sh -c "$TURNS" "$WORK/done" &
	(
		for i in $(seq 30); do
			command ip -n B link set v1 down
			command ip -n B link set v1 up
		done
		: >"$WORK/done"
	) &
	wait_for 60 [ -e "$WORK/done" ]
	gives 64 napis B v1
	answers S 10.0.0.2
}

failures() { dmesg | grep -c "kthread_run failed" || true; }

# newest: the PID that was given last. Without a process, which would have one.
newest() { read -r _ _ _ _ NEWEST </proc/loadavg; }

# Who is killed gets no threads for NAPIs: then they do without, and the kernel has nothing to warn of.
test_d_no_thread_to_be_had() {
	local before after first pid i rounds=0

	ns S B
	joined S B numrxqueues 2048 numtxqueues 2048
	features B v1 gro on
	for i in $(seq 20); do
		threaded 1
		ip -n B link set v1 down
		before=$(failures)
		newest
		first=$NEWEST
		nsenter --net=/run/netns/B ip link set v1 up &
		pid=$!
		# In the middle of them.
		until ((NEWEST - first > 20 + 50 * i)) || ! kill -0 $pid 2>/dev/null; do
			newest
		done
		kill -9 $pid 2>/dev/null || true
		wait $pid || true
		after=$(failures)
		# Once, then none is asked for.
		((after <= before + 1)) || fail "$((after - before)) times no thread"
		ip -n B link set v1 up
		gives 2048 napis B v1
		answers S 10.0.0.2
		((after == before)) || rounds=$((rounds + 1))
		((rounds < 3)) || return 0
	done
	((rounds)) || skip "nobody was killed in time"
}

# toggled N COMMAND...: while packets go both ways, N times: then they still do.
toggled() {
	local i rounds=$1

	shift
	in_ns S ethtool -K v0 tso off
	traffic S B
	wait_for 10 busy
	for i in $(seq "$rounds"); do
		"$@" "$i"
	done
	quiet
	answers S 10.0.0.2
	answers B 10.0.0.1
}

gro_on_and_off() { # I
	features B v1 gro "$(((${1} % 2)) && echo on || echo off)"
	features S v0 gro "$(((${1} % 3)) && echo on || echo off)"
}

down_and_up() {
	ip -n B link set v1 down
	ip -n B link set v1 up
}

test_d_switched_under_traffic() {
	ns S B
	joined S B
	toggled "$(rounds 20 | wc -l)" gro_on_and_off
}

test_d_down_and_up_under_traffic() {
	ns S B
	joined S B
	features S v0 tso off
	features B v1 gro on
	features S v0 gro on
	toggled "$(rounds 20 | wc -l)" down_and_up
}

test_d_deleted_under_traffic() {
	local i

	for i in $(rounds 10); do
		ns S B
		joined S B
		features S v0 tso off gro on
		features B v1 tso off gro on
		traffic S B
		wait_for 10 busy
		case $((i % 3)) in
		0) ip -n S link del v0 ;;
		1) ip -n B link del v1 ;;
		2) ip netns del B ;;
		esac
		quiet
		wait_for 10 not has S v0
		ip netns del S
		ip netns del B 2>/dev/null || true
	done
}
