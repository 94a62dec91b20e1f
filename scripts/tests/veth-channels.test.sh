# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Numbers of active queues (statements G7 to G10, ethtool -L).
# shellcheck disable=SC2034
TAKES=15
RELEASE="*"
LIMIT=120

ethtool_in() { in_ns "$1" ethtool "${@:2}"; } # NETNS ARGUMENTS...
features() { in_ns "$1" ethtool -K "$2" "${@:3}"; } # NETNS DEVICE FEATURE ON...
napis() { in_ns "$1" python3 "$TESTS/netdev.py" napis "$2" | wc -l; } # NETNS DEVICE
udp() { python3 "$TESTS/gro.py" udp "$@"; }

# channels NETNS DEVICE: "RX TX", and the maximum of each.
channels() {
	ethtool_in "$1" -l "$2" | awk '/^RX:/ { rx[n++] = $2 } /^TX:/ { tx[m++] = $2 }
		END { print rx[1], tx[1], "of", rx[0], tx[0] }'
}

test_g7_numbers_change() {
	ns S B
	joined S B numrxqueues 4 numtxqueues 3
	gives "4 3 of 4 3" channels S v0
	ethtool_in S -L v0 rx 1 tx 2
	gives "1 2 of 4 3" channels S v0
	gives "4 3 of 4 3" channels B v1
	ethtool_in S -L v0 rx 4
	gives "4 2 of 4 3" channels S v0
	# Down, too; and nothing has to be active anew for that.
	ip -n S link set v0 down
	ethtool_in S -L v0 rx 2 tx 3
	ip -n S link set v0 up
	gives "2 3 of 4 3" channels S v0
}

test_g7_refusals() {
	ns S B
	joined S B numrxqueues 4 numtxqueues 4
	refused "requested channel count exceeds maximum" ethtool_in S -L v0 rx 5
	refused "requested channel count exceeds maximum" ethtool_in S -L v0 tx 5
	refused "requested channel count exceeds maximum" ethtool_in S -L v0 combined 1
	refused "requested channel counts would result in no RX or TX channel" ethtool_in S -L v0 rx 0
	refused "requested channel counts would result in no RX or TX channel" ethtool_in S -L v0 tx 0
	gives "4 4 of 4 4" channels S v0
}

test_g8_queues_follow() {
	ns S B
	joined S B numrxqueues 4 numtxqueues 4
	ethtool_in B -L v1 rx 1
	features B v1 gro on
	gives 1 napis B v1
	ethtool_in B -L v1 rx 4
	gives 4 napis B v1
	ethtool_in B -L v1 rx 2 tx 1
	gives 2 napis B v1
	ip -n B link set v1 down
	ethtool_in B -L v1 rx 3
	gives 0 napis B v1
	ip -n B link set v1 up
	gives 3 napis B v1
	features B v1 gro off
	ethtool_in B -L v1 rx 4
	gives 0 napis B v1
}

test_g10_no_loss_of_carrier() {
	local before

	[ "$KIND" = rnetvirt ] || skip "the C driver's goes off and on"
	ns S B
	joined S B numrxqueues 4 numtxqueues 4
	features B v1 gro on
	before=$(sysfs S v0 carrier_changes)/$(sysfs B v1 carrier_changes)
	ethtool_in B -L v1 rx 1 tx 1
	ethtool_in B -L v1 rx 4 tx 4
	same "changes" "$before" "$(sysfs S v0 carrier_changes)/$(sysfs B v1 carrier_changes)"
}

test_g9_carrier_needs_both() {
	[ "$KIND" = rnetvirt ] || skip "the C driver switches it on"
	ns S B
	joined S B numrxqueues 4 numtxqueues 4
	ip -n S link set v0 down
	ethtool_in B -L v1 rx 2
	gives 0 sysfs B v1 carrier
}

test_g8_nothing_is_lost_meanwhile() {
	local i loss

	[ "$KIND" = rnetvirt ] || skip "the C driver loses packets"
	ns S B
	joined S B numrxqueues 4 numtxqueues 4
	features S v0 tso off gro on
	features B v1 tso off gro on
	nsenter --net=/run/netns/S ping -q -i 0.005 -c 300 10.0.0.2 >"$WORK/ping" &
	for i in $(seq 40); do
		ethtool_in B -L v1 rx $((1 + i % 4)) tx $((1 + (i + 2) % 4))
		ethtool_in S -L v0 rx $((1 + (i + 1) % 4)) tx $((1 + i % 3))
	done
	wait $!
	loss=$(grep -o "[0-9]* received" "$WORK/ping")
	same "answers" "$loss" "300 received"
}

test_g8_changed_under_traffic() {
	local i

	ns S B
	joined S B numrxqueues 4 numtxqueues 4
	features S v0 tso off gro on
	features B v1 tso off gro on
	traffic S B
	wait_for 10 busy
	for i in $(rounds 40); do
		ethtool_in B -L v1 rx $((1 + i % 4)) tx $((1 + (i + 2) % 4)) 2>/dev/null || true
		[ $((i % 7)) != 0 ] || features B v1 gro off
		[ $((i % 7)) != 3 ] || features B v1 gro on
		[ $((i % 11)) != 0 ] || ip -n B link set v1 down
		[ $((i % 11)) != 1 ] || ip -n B link set v1 up
	done
	ip -n B link set v1 up
	quiet
	answers S 10.0.0.2
	ip -n S link del v0
}
