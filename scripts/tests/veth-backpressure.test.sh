# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Rings that are full (statements C.4, D): who waits, who loses what, who is woken.
# shellcheck disable=SC2034
TAKES=30
RELEASE="*"

features() { in_ns "$1" ethtool -K "$2" "${@:3}"; } # NETNS DEVICE FEATURE ON...

# slow MS: B's v1, which S's v0 sends to by a ring, is polled that much after the first packet.
slow() {
	local ms=$1

	joined S B
	features S v0 tso off
	features B v1 gro on
	deferred "${ms}000000" 1000
}

deferred() { # NANOSECONDS TIMES
	nsenter --net=/run/netns/B unshare -m sh -c "mount -t sysfs sysfs /sys &&
		echo $1 >/sys/class/net/v1/gro_flush_timeout &&
		echo $2 >/sys/class/net/v1/napi_defer_hard_irqs"
}

# waits_with QDISC...: packets of v0 wait there.
waits_with() { in_ns S tc qdisc add dev v0 root "$@"; }

received() { [ "$(sysfs B v1 statistics/rx_packets)" = "$1" ]; } # N
backlog() { in_ns S tc -s qdisc show dev v0 | sed -n 's/.*backlog [0-9]*b \([0-9]*\)p.*/\1/p'; }
# Where the kernel has byte queue limits it is more than what the ring has no room for.
waiting() { (($(backlog) >= 145)); }
has_bql() { grep -qx CONFIG_BQL=y "$KDIR/include/config/auto.conf"; }
send() { frames send S v0 peer:B:v1 100 "$1"; } # N

test_c14_without_a_qdisc_what_is_too_much_is_dropped() {
	ns S B
	slow 2000
	# The first one makes it wait; its place is free again when others are, too.
	send 1
	wait_for 2 received 1
	send 400
	same "dropped" "$(sysfs S v0 statistics/tx_dropped)" 145
	wait_for 5 received 256
	# It goes on.
	send 10
	wait_for 5 received 266
}

test_c15_with_a_qdisc_it_waits() {
	ns S B
	slow 2000
	waits_with pfifo limit 1000
	send 1
	wait_for 2 received 1
	send 400
	waiting
	deferred 0 0
	wait_for 5 received 401
	gives 0 backlog
	same "dropped" "$(sysfs S v0 statistics/tx_dropped)" 0
	send 10
	wait_for 5 received 411
}

test_c15_who_passes_the_qdisc_keeps_nobody_waiting() {
	local refused

	ns S B
	slow 2000
	waits_with pfifo limit 1000
	send 1
	wait_for 2 received 1
	# They fill the ring, stop the queue, and then are refused.
	refused=$(frames bypass S v0 peer:B:v1 100 400)
	note "of 400: $refused"
	refused=${refused#refused x}
	((refused >= 145))
	# What others send meanwhile waits, until the queue is started again.
	send 50
	gives 50 backlog
	gives 1 sysfs B v1 statistics/rx_packets
	deferred 0 0
	wait_for 5 received $((1 + 400 - refused + 50))
	gives 0 backlog
}

test_c16_what_waits_is_unchanged() {
	[ "$KIND" = rnetvirt ] || skip "the C driver gives a changed packet back"
	ns S B
	slow 2000
	waits_with pfifo limit 1000
	send 1
	wait_for 2 received 1
	nsenter --net=/run/netns/S tcpdump -U -s 200 -B 8192 -i v0 -Q out -w "$WORK/seen" --immediate-mode 2>"$WORK/tcpdump" &
	wait_for 5 grep -q listening "$WORK/tcpdump"
	send 400
	deferred 0 0
	wait_for 5 received 401
	# Once each: packet sockets would see again what is tried again.
	wait_for 5 seen_at_least 400
	kill $!
	wait $! || true
	gives "400 packets" seen
}

seen() { tcpdump -r "$WORK/seen" --count 2>/dev/null; }
seen_at_least() { (($(seen | cut -d' ' -f1) >= $1)); } # N

test_c18_who_waits_goes_on_when_the_ring_goes() {
	local how

	[ "$KIND" = rnetvirt ] || skip "the C driver forgets to wake the queue"
	for how in "features B v1 gro off" "ip -n B link set v1 down"; do
		ns S B
		slow 60000
		waits_with pfifo limit 1000
		send 1
		wait_for 2 received 1
		send 400
		waiting
		$how
		deferred 0 0
		ip -n B link set v1 up
		wait_for 5 not has_backlog
		send 5
		wait_for 5 delivered
		# What was in the ring is lost, and counted.
		same "sent" "$(($(sysfs S v0 statistics/tx_packets) +
			$(sysfs S v0 statistics/tx_dropped) +
			$(in_ns S tc -s qdisc show dev v0 | sed -n 's/.*dropped \([0-9]*\),.*/\1/p')))" 406
		note "$how: $(sysfs S v0 statistics/tx_dropped) dropped"
		ip netns del S
		ip netns del B
	done
}

has_backlog() { [ "$(backlog)" != 0 ]; }
delivered() { (($(sysfs B v1 statistics/rx_packets) >= 6)); }

test_d_watchdog_has_the_ring_looked_at() {
	[ "$KIND" = rnetvirt ] || skip "the C driver has none"
	expect_kmsg "NETDEV WATCHDOG"
	expect_kmsg "v0 (rnetvirt)"
	ns S B
	slow 60000
	waits_with pfifo limit 1000
	send 1
	wait_for 2 received 1
	send 400
	waiting
	received 1
	wait_for 15 not received 1
}

test_bql_nothing_stays_under_way() {
	has_bql || skip "this kernel has no byte queue limits"
	[ "$KIND" = rnetvirt ] || skip "the C driver has none"
	ns S B
	joined S B
	features S v0 tso off
	features B v1 gro on
	waits_with pfifo limit 3000
	send 2000
	wait_for 5 received 2000
	# Also what a queue had under way that went.
	deferred 60000000000 1000
	send 1
	send 100
	waiting_some
	features B v1 gro off
	wait_for 5 not has_backlog
	deferred 0 0
	features B v1 gro on
	send 1000
	wait_for 5 not has_backlog
	wait_for 5 lost_or_received 3101
}

waiting_some() { (($(backlog) > 90)); }
lost_or_received() { (($(sysfs B v1 statistics/rx_packets) + $(sysfs S v0 statistics/tx_dropped) == $1)); } # N
