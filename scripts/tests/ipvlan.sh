# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of ipvlan have in common, beside what they share with those of
# macvlan.
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

# The kind's words for `ip`.
case $KIND in
rnetvirt) TYPE="rnetvirt flavor ipvlan" ;;
*) TYPE=$KIND ;;
esac

# own TOKEN...: rtnl.py's tokens for settings, where the kind has them.
own() {
	case $KIND in
	rnetvirt) echo data32:2:2 nest:4 "$@" end ;;
	*) echo "$@" ;;
	esac
}

# The numbers of modes and flags.
mode() {
	case $1 in
	l2) echo data16:1:0 ;;
	l3) echo data16:1:1 ;;
	l3s) echo data16:1:2 ;;
	bridge) echo data16:2:0 ;;
	private) echo data16:2:1 ;;
	vepa) echo data16:2:2 ;;
	*) fail "no mode or flag $1" ;;
	esac
}

# ip_pair MODE [FLAG]: v0 in A with 10.0.0.1 and fd00::1, v1 in B with .2, both on
# eth0 in S, whose wire ends in W with .3. Those outside know where the addresses
# are, because links in modes l3 and l3s do not say.
ip_pair() {
	local n

	# Before they are made: what has IPv6 off when it is made keeps it off.
	ns S W A B
	ipv6_on S W A B
	wired S W
	endpoint S eth0 v0 "$1" netns A
	endpoint S eth0 v1 "$1" netns B
	if [ "${2:-bridge}" != bridge ]; then
		change A v0 "$2"
		change B v1 "$2"
	fi
	addressed A B
	ip -n W -batch - <<-TXT
		addr add 10.0.0.3/24 dev wire0
		addr add fd00::3/64 dev wire0 nodad
	TXT
	if [ "$1" != l2 ]; then
		for n in 10.0.0.1 10.0.0.2 fd00::1 fd00::2; do
			ip -n W neigh replace "$n" lladdr 02:00:00:00:0a:00 dev wire0
		done
		# The lower device's namespace sends what is for nobody there. With lo
		# down that goes to the broadcast address, which TCP does not accept.
		ip -n S link set lo up
		ip -n S route add 10.0.0.0/24 dev eth0
		ip -n S route add fd00::/64 dev eth0
	fi
}

# silent NETNS ADDRESS: no answer comes.
silent() {
	not in_ns "$1" ping -q -c 2 -i 0.2 -W 1 "$2" >/dev/null
}

# both_reach NETNS LAST: over both versions of IP.
both_reach() {
	reaches "$1" "10.0.0.$2"
	reaches "$1" "fd00::$2"
}

both_silent() {
	# Both wait in vain, so at once.
	silent "$1" "10.0.0.$2" &
	silent "$1" "fd00::$2"
	wait $!
}
