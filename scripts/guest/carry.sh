#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Inside a guest: links of every flavor carry traffic, quickly (demo.sh shows more).
. "$(dirname "$0")/../common.sh"

case ${1-} in
'') ;;
-h | --help)
	echo "usage: $ME"
	echo
	echo "Runs in a guest in which rnetvirt is loaded. Pings, and a connection, through links of"
	echo "each flavor, made and shown with the words of ip's plugin. Fails at the first that does not."
	exit 0
	;;
*) bad_usage "unknown argument '$1'" ;;
esac
[ "${RNETVIRT_GUEST:-}" ] || die "this makes namespaces: run it in a guest (scripts/vm.sh)"

shows() { # WORDS COMMAND...
	local words=$1 output

	shift
	output=$("$@" | tr -s ' ')
	[[ $output == *"$words"* ]] || die "'$*' does not say '$words': $output"
}
reaches() { # NAMESPACE ADDRESS
	ip netns exec "$1" ping -q -c 2 -i 0.2 -W 5 "$2" >/dev/null || die "$1 does not reach $2"
}
# A megabyte, so that there are large and coalesced packets.
connects() { # FROM TO ADDRESS
	local sum server

	ip netns exec "$2" timeout 60 socat -u TCP-LISTEN:5001,reuseaddr STDOUT >/run/received &
	server=$!
	head -c 1M /dev/urandom >/run/sent
	ip netns exec "$1" timeout 60 socat -u FILE:/run/sent "TCP:$3:5001,retry=50,interval=0.1" || die "no connection to $3"
	wait "$server" || die "no connection at $3"
	cmp /run/sent /run/received || die "what $2 received is not what $1 sent"
}
# Half a minute is long even for a guest that is emulated.
soon() { # COMMAND...
	local n

	for ((n = 0; n < 300; n++)); do
		! "$@" || return 0
		sleep 0.1
	done
	die "half a minute, and still not: $*"
}
address() { # NAMESPACE LINK ADDRESS
	ip -n "$1" address add "$3" dev "$2"
	ip -n "$1" link set "$2" up
}

for name in a b; do
	ip netns add "$name"
done

ip -n a link add v0 type rnetvirt flavor veth peer name v1 netns b
address a v0 10.1.0.1/24
address b v1 10.1.0.2/24
shows "rnetvirt flavor veth" ip -n a -d link show v0
reaches a 10.1.0.2
connects a b 10.1.0.2
ip -n a link del v0
echo "veth"

# What the others are on: the end of a wire.
ip link add d0 type rnetvirt peer name d1
ip link set d0 up
ip link set d1 up

for flavor in "macvlan mode bridge" "ipvlan mode l2" "ipvlan mode l3" "ipvlan mode l3s"; do
	for name in a b; do
		# shellcheck disable=SC2086
		ip link add link d0 name s0 netns "$name" type rnetvirt flavor $flavor
	done
	address a s0 10.2.0.1/24
	address b s0 10.2.0.2/24
	shows "rnetvirt flavor $flavor" ip -n a -d link show s0
	reaches a 10.2.0.2
	connects a b 10.2.0.2
	ip -n a link del s0
	ip -n b link del s0
	echo "$flavor"
done

# A program has the one, a namespace the other.
while read -r tap other mode; do
	ip link add link d0 name t0 index 100 type rnetvirt flavor "$tap" mode "$mode"
	ip link add link d0 name s0 netns a type rnetvirt flavor "$other" mode "$mode"
	# An address says which link of flavor ipvtap a packet is for.
	[ "$tap" != ipvtap ] || ip address add 10.3.0.1/24 dev t0
	ip link set t0 up
	address a s0 10.3.0.2/24
	shows "rnetvirt flavor $tap" ip -d link show t0
	rm -f /run/answers
	python3 "$TOP/scripts/guest/demo/answer.py" /dev/tap100 10.3.0.1 >/run/answers &
	soon grep -qs answers /run/answers
	reaches a 10.3.0.1
	ip link del t0
	# Its program is told.
	soon grep -qs gone /run/answers
	ip -n a link del s0
	echo "$tap"
done <<<"macvtap macvlan bridge
ipvtap ipvlan l2"

ip link del d0
for name in a b; do
	ip netns del "$name"
done
echo "all flavors carry traffic on $(uname -r)"
