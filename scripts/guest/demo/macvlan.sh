# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by demo.sh: two namespaces that share a network device, in each mode, beside
# a switch that sends packets back where they came from, or does not.
: "${pair:?}" "${shared:?}" "${shared_shown:?}" "${set_shared:?}"

# What it has in common with ipvlan's part: at, reaches, misses.
. "$TOP/scripts/guest/demo/reach.sh"

# know: m1 and m2 know each other's address without asking.
know() {
	run "ip -n red neighbour replace 10.3.0.2 lladdr $mac2 nud permanent dev m1"
	run "ip -n blue neighbour replace 10.3.0.1 lladdr $mac1 nud permanent dev m2"
}

heading "macvlan: two namespaces share a network device"
cat <<TXT
   red                  blue
  +-------------+      +-------------+
  |  10.3.0.1   |      |  10.3.0.2   |
  |  fd00:3::1  |      |  fd00:3::2  |
  |   [ m1 ]    |      |   [ m2 ]    |
  +-------\\-----+      +-----/-------+
           \\                /
  +---------\\--------------/---------+    +--------------------+    +-------------+
  |          [    eth0    ] =========|====|= [ p0 ]    [ p1 ] =|====|= [ out0 ]   |
  |                                  |    |      \\      /      |    |             |
  |            10.3.0.254            |    |        sw0         |    |  10.3.0.9   |
  +----------------------------------+    +--------------------+    +-------------+
               the host                         switch                  outside

   The two pairs stand for cables: on the left is a machine with one network card, eth0;
   on the right are the switch that it is connected to, and another machine.

TXT
run "for name in red blue switch outside; do ip netns add \$name; done"
run "ip link add eth0 $pair peer name p0 netns switch"
run "ip -n switch link add p1 $pair peer name out0 netns outside"
run "ip -n switch link add sw0 type bridge"
run "for port in p0 p1; do ip -n switch link set \$port master sw0; done"
run "for name in p0 p1 sw0; do ip -n switch link set \$name up; done"
run "ip -n outside address add 10.3.0.9/24 dev out0"
run "ip -n outside address add fd00:3::9/64 dev out0 nodad"
run "ip -n outside link set out0 up"
run "ip address add 10.3.0.254/24 dev eth0"
run "ip address add fd00:3::254/64 dev eth0 nodad"
run "ip link set eth0 up"
echo
run "ip link add link eth0 name m1 netns red $shared mode bridge"
run "ip link add link eth0 name m2 netns blue $shared mode bridge"
run "ip -n red address add 10.3.0.1/24 dev m1"
run "ip -n red address add fd00:3::1/64 dev m1 nodad"
run "ip -n blue address add 10.3.0.2/24 dev m2"
run "ip -n blue address add fd00:3::2/64 dev m2 nodad"
run "ip -n red link set m1 up"
run "ip -n blue link set m2 up"
shows "$shared_shown mode bridge" "ip -n red -d link show m1"
mac1=$(ip netns exec red cat /sys/class/net/m1/address)
mac2=$(ip netns exec blue cat /sys/class/net/m2/address)
readonly mac1 mac2

heading "macvlan, mode bridge: the two reach each other directly, and the outside"
reaches red 10.3.0.2
reaches red fd00:3::2
reaches red 10.3.0.9
reaches outside 10.3.0.1
reaches outside 10.3.0.2
reaches outside fd00:3::2
shows "$mac1" "ip -n outside neighbour show 10.3.0.1"
throughput red blue 10.3.0.2
note "The host, that is the machine itself, has eth0 in common with them, but what it sends" \
	"goes to the switch, which does not send it back. It reaches the outside."
misses host 10.3.0.1
misses red 10.3.0.254
reaches host 10.3.0.9
if [ "$kind" = rnetvirt ]; then
	heading "macvlan, host on: the host, too"
	note "Only rnetvirt has this. One link says it for all on eth0; no frame between the host and a" \
		"link gets to the switch."
	run "ip -n red link set m1 $set_shared host on"
	shows "host on" "ip -n blue -d link show m2"
	run "ip neighbour flush dev eth0; ip -n red neighbour flush dev m1"
	reaches host 10.3.0.1
	reaches red 10.3.0.254
	reaches host fd00:3::2
	reaches red 10.3.0.9
	run "ip -n red link set m1 $set_shared host off"
	run "ip neighbour flush dev eth0; ip -n red neighbour flush dev m1"
	misses host 10.3.0.1
fi

heading "macvlan, mode vepa: the two reach each other through the switch, if it lets them"
cat <<TXT
   [ m1 ] ---> [ eth0 ] ===> [ p0 ] ---.
                                       |  hairpin: the switch sends a packet
   [ m2 ] <--- [ eth0 ] <=== [ p0 ] <--'  back through the port it came from

TXT
run "ip -n red link set m1 $set_shared mode vepa"
run "ip -n blue link set m2 $set_shared mode vepa"
misses red 10.3.0.2
reaches red 10.3.0.9
run "bridge -n switch link set dev p0 hairpin on"
shows "hairpin on" "bridge -n switch -d link show dev p0"
reaches red 10.3.0.2
reaches red fd00:3::2

heading "macvlan, mode private: not even through the switch"
cat <<TXT
   [ m1 ] ---> [ eth0 ] ===> [ p0 ] ---.
                                       |  broadcast and multicast do not get to m2,
   [ m2 ]  x-- [ eth0 ] <=== [ p0 ] <--'  so that m1 does not find its address

TXT
run "ip -n red link set m1 $set_shared mode private"
run "ip -n blue link set m2 $set_shared mode private"
run "ip -n red neighbour flush dev m1; ip -n blue neighbour flush dev m2"
misses red 10.3.0.2
misses red fd00:3::2
reaches red 10.3.0.9
note "That goes for packets to groups. One to m2's own address is not looked at for" \
	"where it came from: two that know each other's address need no question, and it is" \
	"the switch that parts them or does not."
know
reaches red 10.3.0.2
run "bridge -n switch link set dev p0 hairpin off"
misses red 10.3.0.2

heading "macvlan: who reaches whom"

# The columns, and in the order of asking where, whom, and from where: m1 asks the host
# before it could have learnt its address from a question of the host's.
questions=(
	"1 10.3.0.2 red"
	"2 10.3.0.2 red"
	"5 10.3.0.254 red"
	"4 10.3.0.1 host"
	"3 10.3.0.1 outside"
	"6 10.3.0.9 host"
)
line() { printf '%-10s%-9s%-7s%-10s%-10s%-8s%-10s%s\n' "$@"; }
line "" "" "m1 to" "same," "outside" "host" "m1" "host to"
line mode hairpin m2 knowing "to m1" "to m1" "to host" outside

# row MODE HAIRPIN WANTED...: asks, and wants those answers, by column; - is not asked.
row() {
	local mode=$1 hairpin=$2 wanted=("${@:3}") answers=() question column to from ns status

	bridge -n switch link set dev p0 hairpin "$hairpin"
	{
		ip -4 neighbour flush dev eth0
		for ns in red blue outside; do
			ip -n "$ns" -4 neighbour flush nud all
		done
	} >/dev/null 2>&1
	for question in "${questions[@]}"; do
		read -r column to from <<<"$question"
		answers[column - 1]=-
		if [ "${wanted[column - 1]}" = - ]; then
			continue
		fi
		if ((column == 2)); then
			know >/dev/null
		fi
		# Who is meant to answer has time to.
		set -- ping -q -c 1 -W 5 "$to"
		[ "${wanted[column - 1]}" = yes ] || set -- ping -q -c 1 -W 1 "$to"
		[ "$from" = host ] || set -- nsenter --net="/run/netns/$from" "$@"
		status=0
		"$@" >/dev/null 2>&1 || status=$?
		case $status in
		0) answers[column - 1]=yes ;;
		1) answers[column - 1]=no ;;
		*) die "failed (status $status): $*" ;;
		esac
	done
	line "$mode" "$hairpin" "${answers[@]}"
	[ "${answers[*]}" = "${wanted[*]}" ] || die "mode $mode, hairpin $hairpin: this was to be ${wanted[*]}"
}

# become MODE [OPTION...]: both of them.
become() {
	# shellcheck disable=SC2086  # words
	ip -n red link set m1 $set_shared mode "$@"
	# shellcheck disable=SC2086
	ip -n blue link set m2 $set_shared mode "$@"
}

become bridge
row bridge off yes yes yes no no yes
row bridge on yes yes yes yes yes yes
become vepa
row vepa off no no yes no no yes
row vepa on yes yes yes yes yes yes
become private
row private off no no yes no no yes
row private on no yes yes yes yes yes
become source macaddr add "$(ip netns exec outside cat /sys/class/net/out0/address)"
row source off no no yes no no yes
ip -n blue link delete m2
ip -n red link delete m1
# shellcheck disable=SC2086  # words
ip link add link eth0 name m1 netns red $shared mode passthru
ip -n red address add 10.3.0.1/24 dev m1
ip -n red link set m1 up
row passthru off - - yes no no no
cat <<TXT

   One ping each. knowing: m1 and m2 need not ask for each other's address.
   source: both listen to the outside's address only. passthru: m1 is alone, and has
   eth0's address and packets, so that the host itself has no network while m1 is up.
TXT

heading "macvlan: what went through, and away again"
shows "m1" "ip -n red -s link show m1"
run "ip link delete eth0"
shows "does not exist" "ip -n red link show m1 || true"
run "for name in red blue switch outside; do ip netns delete \$name; done"
