# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of macvlan have in common: lower devices, endpoints, who is reached.

# The kind's words for `ip`.
case $KIND in
rnetvirt) TYPE="rnetvirt flavor macvlan" ;;
*) TYPE=$KIND ;;
esac

# own TOKEN...: rtnl.py's tokens for settings, where the kind has them.
own() {
	case $KIND in
	rnetvirt) echo data32:2:1 nest:3 "$@" end ;;
	*) echo "$@" ;;
	esac
}

# The numbers of modes.
mode() {
	case $1 in
	private) echo data32:1:1 ;;
	vepa) echo data32:1:2 ;;
	bridge) echo data32:1:4 ;;
	passthru) echo data32:1:8 ;;
	source) echo data32:1:16 ;;
	*) fail "no mode $1" ;;
	esac
}

# needs MODULE...: auxiliary drivers; nothing is loaded by itself.
needs() {
	local module

	for module; do
		case $module in
		bonding) loaded bonding || modprobe bonding max_bonds=0 ;;
		*) loaded "$module" || modprobe "$module" ;;
		esac
	done
}

# shellcheck disable=SC2034
LOWER_MAC=020000000a00 WIRE_MAC=020000000b00

# wired NETNS WIRE: eth0, and wire0 at the other end of its wire; both up.
wired() {
	needs veth
	ip -n "$1" link add eth0 address 02:00:00:00:0a:00 numtxqueues 1 numrxqueues 1 up type veth \
		peer name wire0 netns "$2" address 02:00:00:00:0b:00 numtxqueues 1 numrxqueues 1
	ip -n "$2" link set wire0 up
}

# endpoint NETNS LOWER NAME MODE [WORDS...]: WORDS are for `ip link add`, before
# the type.
endpoint() {
	# shellcheck disable=SC2086
	ip -n "$1" link add link "$2" name "$3" "${@:5}" type $TYPE mode "$4"
}

# change NETNS NAME WORDS...: the words of the type.
change() {
	# shellcheck disable=SC2086
	ip -n "$1" link set "$2" type $TYPE "${@:3}"
}

# no_endpoint ERRNO NETNS LOWER NAME MODE: refused.
no_endpoint() {
	# shellcheck disable=SC2046
	errno "$1" "$2" new kind:"$KIND" name:"$4" link:"$(ifindex "$2" "$3")" $(own "$(mode "$5")")
}

# no_change ERRNO NETNS NAME TOKEN...
no_change() {
	# shellcheck disable=SC2046
	errno "$1" "$2" set kind:"$KIND" name:"$3" $(own "${@:4}")
}

# settings NETNS NAME TOKEN...: the same as a raw request; prints its result.
settings() {
	# shellcheck disable=SC2046
	rtnl "$1" set kind:"$KIND" name:"$2" $(own "${@:3}")
}

# pair_of MODE: v0 in A with 10.0.0.1, v1 in B with 10.0.0.2, both on eth0 in S,
# whose wire ends in W with 10.0.0.3.
pair_of() {
	ns S W A B
	wired S W
	endpoint S eth0 v0 "$1" netns A address 02:00:00:00:00:01
	endpoint S eth0 v1 "$1" netns B address 02:00:00:00:00:02
	addressed A B
	ip -n W addr add 10.0.0.3/24 dev wire0
}

# everything_flows: echo requests from and to everybody, and broadcasts.
everything_flows() {
	traffic A B W
	nsenter --net=/run/netns/W ping -b -q -i $PACE -s 100 10.0.0.255 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	nsenter --net=/run/netns/A ping -b -q -i $PACE -s 100 10.0.0.255 >/dev/null 2>&1 &
	TRAFFIC+=($!)
	flows A v0
	flows B v1
}

more_than() { # N NETNS DEVICE
	(($(sysfs "$2" "$3" statistics/rx_packets) > $1))
}

# flows NETNS DEVICE: it receives, now.
flows() {
	local before

	before=$(sysfs "$1" "$2" statistics/rx_packets)
	wait_for 10 more_than $((before + 20)) "$1" "$2"
}

# reaches NETNS ADDRESS: sooner or later.
reaches() {
	wait_for 10 in_ns "$1" ping -q -c 1 -W 1 "$2"
}

# port_gone NETNS LOWER: nobody has the lower device: a bridge can.
port_gone() {
	ip -n "$1" link add free9 type bridge
	ip -n "$1" link set "$2" master free9 || fail "$2 in $1 is still taken"
	ip -n "$1" link del free9
}

# port_there NETNS LOWER: a bridge cannot.
port_there() {
	ip -n "$1" link add free9 type bridge
	refused "busy" ip -n "$1" link set "$2" master free9
	ip -n "$1" link del free9
}

# lists NETNS LOWER: what endpoints ask of a lower device: how often it is to be
# promiscuous, to receive all groups, and its secondary addresses.
lists() {
	rtnl "$1" get "$2" promiscuity
	in_ns "$1" bridge fdb show dev "$2" | awk '$2 == "self" && $1 !~ /^(33:33|01:00)/ { print $1 }' | sort
}

# container: a process with a user and a network namespace of its own. Whoever is inside is root there,
# and nobody elsewhere.
container() {
	unshare -Urn sleep 600 &
	CONTAINER=$!
	wait_for 10 grep -q sleep /proc/$CONTAINER/comm
}

inside() { nsenter -t "$CONTAINER" -U -n --preserve-credentials "$@"; }

who() { frames who "$@"; }

# unheard FROM DEV MAC PLACE...: a group that nobody has joined and that is not heard there. Links
# keep a bit of 256 for a group, which one comes by chance: they hear one in about 50 of all others.
unheard() {
	local group

	for group in 01005e0102{03..06}; do
		[ "$(who "$1" "$2" "$3" "$group" 0 "${@:4}")" = nobody ] || continue
		echo "$group"
		return
	done
	fail "a group that nobody has joined is heard"
}

says() { frames says "$@"; }

asks() { frames asks "$@"; }

seeks() { frames seeks "$@"; }

# switched_on WIRE: in W that end becomes a port of a bridge, br0.
switched_on() {
	ip -n W link add br0 up type bridge
	ip -n W link set "$1" master br0
	wait_for 10 forwards "$1"
}

forwards() { [ "$(sysfs W "$1" brport/state)" = 3 ]; }

hairpin() { in_ns W bridge link set dev wire0 hairpin "$1"; }

# ipvlan_beds MODE [WORDS...]: v0 in A with 10.0.0.1, v1 in B with 10.0.0.2, of flavor ipvlan.
ipvlan_beds() {
	ns S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor ipvlan mode "$@"
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor ipvlan mode "$@"
	addressed A B
}

# mtu_told MTU: what was told of v0 last is that, with the limits that hold.
mtu_told() {
	grep ' v0@' "$WORK/told" | tail -n 1 | grep " mtu $1 .* minmtu 68 maxmtu $(rtnl S get v0 max_mtu) " >/dev/null
}

# limits_are_told MODE: of a link's MTU that follows its lower device's.
limits_are_told() {
	local n=1

	needs dummy
	ns S
	ip -n S link add d0 up type dummy
	endpoint S d0 v0 "$1" up
	nsenter --net=/run/netns/S ip -d -o monitor link >"$WORK/told" &
	until mtu_told 1500; do
		((n < 100)) || fail "nothing is told"
		ip -n S link set v0 group $((n++))
		sleep 0.1
	done
	ip -n S link set d0 mtu 1400
	wait_for 10 mtu_told 1400
	not grep " v0@.* minmtu 0 " "$WORK/told"
	# What users cannot set: in the end the limits are those that hold.
	[ "$KIND" = rnetvirt ] || return 0
	ip -n S link set d0 mtu 60
	wait_for 10 mtu_told 60
	gives 60 rtnl S get v0 mtu
}
