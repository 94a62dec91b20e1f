# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by demo.sh: two namespaces that share a network device and its MAC address,
# in each mode, and one beside them with an address of its own.
: "${pair:?}" "${shared:?}" "${shared_ip:?}" "${shared_ip_shown:?}" "${set_shared_ip:?}"
# What it has in common with macvlan's part: at, reaches, misses.
. "$TOP/scripts/guest/demo/reach.sh"

heading "ipvlan: two namespaces share a network device, and its MAC address"
cat <<TXT
   red                  blue
  +-------------+      +-------------+
  |  10.4.0.1   |      |  10.4.0.2   |
  |  fd00:4::1  |      |  fd00:4::2  |
  |   [ i1 ]    |      |   [ i2 ]    |
  +-------\\-----+      +-----/-------+
           \\                /
  +---------\\--------------/---------+    +-------------+
  |          [    eth0    ] =========|====|= [ out0 ]   |
  |                                  |    |  10.4.0.9   |
  +----------------------------------+    +-------------+
               the host                       outside

TXT
run "for name in red blue outside; do ip netns add \$name; done"
run "ip link add eth0 $pair peer name out0 netns outside"
run "ip -n outside address add 10.4.0.9/24 dev out0"
run "ip -n outside address add fd00:4::9/64 dev out0 nodad"
run "ip -n outside link set out0 up"
run "ip link set eth0 up"
echo
run "ip link add link eth0 name i1 netns red $shared_ip mode l2"
run "ip link add link eth0 name i2 netns blue $shared_ip mode l2"
run "ip -n red address add 10.4.0.1/24 dev i1"
run "ip -n red address add fd00:4::1/64 dev i1 nodad"
run "ip -n blue address add 10.4.0.2/24 dev i2"
run "ip -n blue address add fd00:4::2/64 dev i2 nodad"
run "ip -n red link set i1 up"
run "ip -n blue link set i2 up"
shows "$shared_ip_shown" "ip -n red -d link show i1"
mac=$(cat /sys/class/net/eth0/address)
readonly mac

heading "ipvlan, mode l2: machines on the network, with one MAC address"
reaches red 10.4.0.2
reaches red fd00:4::2
reaches red 10.4.0.9
reaches outside 10.4.0.1
reaches outside fd00:4::2
shows "$mac" "ip -n outside neighbour show 10.4.0.1"
shows "$mac" "ip -n outside neighbour show fd00:4::2"
throughput red blue 10.4.0.2
note "An address belongs to one of them."
shows "ddress" "ip -n blue address add 10.4.0.1/24 dev i2 2>&1 || true"

heading "ipvlan, mode l3: the host routes what they send"
cat <<TXT
   [ i1 ] ---> the host's routes ---> [ eth0 ] ===> [ out0 ]

TXT
run "ip -n red link set i1 $set_shared_ip mode l3"
run "ip -n blue link set i2 $set_shared_ip mode l3"
run "ip route add 10.4.0.0/24 dev eth0"
run "ip -n outside neighbour replace 10.4.0.1 lladdr $mac nud permanent dev out0"
reaches red 10.4.0.2
reaches red 10.4.0.9
note "The host's rules for what it sends are theirs, too."
run "nft add table ip demo"
run "nft 'add chain ip demo out { type filter hook output priority 0; }'"
run "nft add rule ip demo out ip saddr 10.4.0.1 drop"
misses red 10.4.0.9
if [ "$kind" = rnetvirt ]; then
	misses red 10.4.0.2
	note "Not between the two where it trusts them."
	run "ip -n red link set i1 $set_shared_ip trust on"
fi
reaches red 10.4.0.2
run "nft delete table ip demo"

heading "ipvlan, mode l3s: the host's rules see what they receive"
run "ip -n red link set i1 $set_shared_ip mode l3s"
run "ip -n blue link set i2 $set_shared_ip mode l3s"
run "nft add table ip demo"
run "nft 'add chain ip demo in { type filter hook input priority 0; }'"
run "nft add rule ip demo in ip daddr 10.4.0.1 counter"
reaches red 10.4.0.9
shows "packets 2" "nft list chain ip demo in | grep counter"
run "nft add rule ip demo in ip daddr 10.4.0.1 drop"
misses red 10.4.0.9
run "nft delete table ip demo"
reaches red 10.4.0.9

if [ "$kind" = rnetvirt ]; then
	heading "Both flavors on one network device, a mode for each link"
	run "ip -n red link set i1 type rnetvirt mode l2"
	run "ip netns add green"
	run "ip link add link eth0 name m3 netns green $shared mode bridge"
	run "ip -n green address add 10.4.0.3/24 dev m3"
	run "ip -n green link set m3 up"
	for name in red blue green; do
		shows "rnetvirt flavor" "ip netns exec $name ip -br -d link | grep -v ^lo; ip -n $name -d link | grep rnetvirt"
	done
	reaches green 10.4.0.1
	reaches red 10.4.0.3
	reaches green 10.4.0.9
	note "In mode l3 there are no MAC addresses: i2 finds m3 by the host's routes only, which" \
		"lead out."
	misses blue 10.4.0.3
	run "ip netns delete green"
fi

heading "ipvlan: what went through, and away again"
shows "i1" "ip -n red -s link show i1"
run "ip link delete eth0"
shows "does not exist" "ip -n red link show i1 || true"
run "for name in red blue outside; do ip netns delete \$name; done"
