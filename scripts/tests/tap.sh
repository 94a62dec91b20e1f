# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of taps have in common, beside what they share with those of macvlan.
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

# The kind's words for `ip`.
case $KIND in
rnetvirt) TYPE="rnetvirt flavor macvtap" ;;
*) TYPE=$KIND ;;
esac

TAP_MAC=02:00:00:00:01:01

# bed [MODE]: in S a tap t0 with the index 101, on eth0, whose wire ends as wire0 in
# W; m0 beside it in M, with 10.0.0.4. T is there for those who move.
bed() {
	local mode=${1:-bridge}

	ns S W M T
	wired S W
	endpoint S eth0 t0 "$mode" index 101 address $TAP_MAC
	[ "$mode" = passthru ] || endpoint_beside "$mode"
	ip -n S link set t0 up
}

# endpoint_beside MODE [LOWER]: a link of the flavor without a node.
endpoint_beside() {
	local type=macvlan

	[ "$KIND" != rnetvirt ] || type="rnetvirt flavor macvlan"
	[ "$KIND" = rnetvirt ] || needs macvlan
	# shellcheck disable=SC2086
	ip -n S link add link "${2:-eth0}" name m0 netns M address 02:00:00:00:01:02 up type $type mode "$1"
	ip -n M addr add 10.0.0.4/24 dev m0
}

tap() { TAP_TYPE="type $TYPE mode bridge" python3 "$TESTS/tap.py" "$@"; }
