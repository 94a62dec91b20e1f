#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# In a guest: lib.sh CLIENT[:TEST] c|ours. Loads the drivers, and runs each test_ function of the
# client's file, or that one, in a shell of its own; KTAP.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
client=${1%%:*} driver=$2 only=
[[ $1 != *:* ]] || only=${1#*:}

fail() {
	echo "failed: $*" >&2
	exit 1
}
# soon COMMAND...: within PATIENCE seconds, which are many for an emulated processor on a busy machine.
PATIENCE=300
soon() {
	local end=$((SECONDS + PATIENCE))

	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || fail "$PATIENCE s, and still not: $*"
		sleep 0.1
	done
}
# The driver that a link says it has, which must be the one under test.
is_ours_or_not() { # NAMESPACE LINK KIND
	local module

	[ "$(ip -n "$1" -d -j link show "$2" | jq -r '.[0].linkinfo.info_kind')" = "$3" ] || fail "$2 is no $3"
	module=$(lsmod | awk '$1 == "rnetvirt"')
	case $driver in
	ours) [ "$module" ] && ! lsmod | grep -qE "^$3 " || fail "$3 is the C driver's" ;;
	c) [ -z "$module" ] || fail "$3 is not the C driver's" ;;
	esac
}
reaches() { # NAMESPACE ADDRESS
	ip netns exec "$1" ping -q -c 2 -i 0.2 -W 5 "$2" >/dev/null || fail "$1 does not reach $2"
}
# An end of a wire with a name, in the initial namespace; the other is in namespace `outside`.
wire() { # NAME ADDRESS-OUTSIDE
	ip netns add outside
	ip link add "$1" type dummy
	ip link del "$1"
	ip link add "$1" type veth peer name wire netns outside
	ip link set "$1" up
	ip -n outside address add "$2" dev wire
	ip -n outside link set wire up
}

case $driver in
c)
	modprobe -a veth macvlan ipvlan macvtap ipvtap
	;;
ours)
	insmod "$RNETVIRT_KO" kinds=veth,macvlan,ipvlan,macvtap,ipvtap
	;;
esac
# shellcheck source=/dev/null
. "$here/$client.sh"
mapfile -t tests < <(sed -n 's/^test_\([a-z0-9_]*\)() {$/\1/p' "$here/$client.sh")
[ -z "$only" ] || tests=("$only")
echo "KTAP version 1"
echo "1..${#tests[@]}"
number=0 bad=0
for name in "${tests[@]}"; do
	number=$((number + 1)) status=0
	(set -e; trap 'echo "stopped at line $LINENO: $BASH_COMMAND" >&2' ERR; set -E; "test_$name") >/tmp/log 2>&1 </dev/null &
	wait $! || status=$?
	if ((status == 0)); then
		echo "ok $number $client:$driver:$name"
	else
		bad=1
		sed 's/^/# /' /tmp/log
		echo "not ok $number $client:$driver:$name"
	fi
	# What a test has left goes with its namespaces.
	for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
	ip -all netns delete
	ip -j link show | jq -r '.[] | select(.ifname != "lo") | .ifname' | while read -r link; do
		ip link del "$link" 2>/dev/null || true
	done
done
((bad == 0))
