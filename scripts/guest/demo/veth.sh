# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by demo.sh: two namespaces joined directly, then one joined to the outside
# through a bridge.
: "${pair:?}" "${pair_shown:?}"

heading "veth: two namespaces, joined directly"
cat <<TXT
   red                              blue
  +----------------+               +----------------+
  |  10.1.0.1      |               |      10.1.0.2  |
  |  fd00:1::1     |               |     fd00:1::2  |
  |     [ red0 ] ==|===============|== [ blue0 ]    |
  +----------------+   one pair    +----------------+

TXT
run "ip netns add red"
run "ip netns add blue"
run "ip -n red link add red0 $pair peer name blue0 netns blue"
run "ip -n red address add 10.1.0.1/24 dev red0"
run "ip -n red address add fd00:1::1/64 dev red0 nodad"
run "ip -n blue address add 10.1.0.2/24 dev blue0"
run "ip -n blue address add fd00:1::2/64 dev blue0 nodad"
run "ip -n red link set red0 up"
run "ip -n blue link set blue0 up"
shows "$pair_shown" "ip -n red -d link show red0"
shows "$pair_shown" "ip -n blue -d link show blue0"
pings red 10.1.0.2
pings red fd00:1::2
pings blue 10.1.0.1
pings blue fd00:1::1
throughput red blue 10.1.0.2
throughput red blue fd00:1::2

heading "veth: GRO, and a program of XDP"
note "red is to send as a forwarder does, in packets that fit. blue may merge what comes" \
	"(GRO); frames.py sends through TCP and says whether blue's stack had them whole or cut."
run "ip netns exec red ethtool -K red0 tso off gso off"
shows "1000000 cut" "python3 scripts/tests/frames.py tcp red blue blue0 1000000 10.1.0.2"
run "ip netns exec blue ethtool -K blue0 gro on"
shows "1000000 whole" "python3 scripts/tests/frames.py tcp red blue blue0 1000000 10.1.0.2"
note "What blue receives goes through a program that counts and drops."
run "mkdir /tmp/bpf"
run "mount -t bpf bpf /tmp/bpf"
run "python3 scripts/tests/xdp.py pin /tmp/bpf/demo count drop"
run "ip -n blue link set blue0 xdpdrv pinned /tmp/bpf/demo"
shows "prog/xdp" "ip -n blue link show blue0"
shows "100% packet loss" "ip netns exec red ping -c 3 -i 0.2 -W 1 10.1.0.2 | tail -n 2 || true"
shows "rx_queue_0_xdp_drops: " "ip netns exec blue ethtool -S blue0 | grep rx_queue_0"
# At least three: neighbours may have been looked for as well.
shows " bytes" "python3 scripts/tests/xdp.py count /tmp/bpf/demo | { read -r packets bytes; ((packets >= 3)) && echo \$packets packets, \$bytes bytes; }"
run "ip -n blue link set blue0 xdpdrv off"
run "umount /tmp/bpf"
run "rmdir /tmp/bpf"
pings red 10.1.0.2

heading "veth: a namespace joined to the outside through a bridge"
cat <<TXT
   inside                    this machine                   outside
  +---------------+        +--------------------+        +--------------------+
  | 10.2.0.1      |        |        br0         |        |          10.2.0.9  |
  | fd00:2::1     |        |      /     \\       |        |         fd00:2::9  |
  |    [ in0 ] ===|========|= [ p0 ]   [ p1 ] ==|========|== [ eth0 ]         |
  +---------------+  pair  +--------------------+  pair  +--------------------+
                             10.2.0.254                   stands for a host on
                                                          the physical network

TXT
run "ip netns add inside"
run "ip netns add outside"
run "ip link add br0 type bridge"
run "ip link add p0 $pair peer name in0 netns inside"
run "ip link add p1 $pair peer name eth0 netns outside"
run "ip link set p0 master br0"
run "ip link set p1 master br0"
run "ip address add 10.2.0.254/24 dev br0"
run "ip -n inside address add 10.2.0.1/24 dev in0"
run "ip -n inside address add fd00:2::1/64 dev in0 nodad"
run "ip -n outside address add 10.2.0.9/24 dev eth0"
run "ip -n outside address add fd00:2::9/64 dev eth0 nodad"
run "for port in p0 p1 br0; do ip link set \$port up; done"
run "ip -n inside link set in0 up"
run "ip -n outside link set eth0 up"
shows "$pair_shown" "ip -d link show p0"
shows "p1" "ip -br link show master br0"
pings inside 10.2.0.9
pings inside fd00:2::9
pings outside 10.2.0.1
pings inside 10.2.0.254
shows "in0" "ip -n inside neighbour show"
throughput inside outside 10.2.0.9
throughput inside outside fd00:2::9

heading "veth: what went through, and away again"
shows "red0" "ip -n red -s link show red0"
run "ip -n red link delete red0"
shows "does not exist" "ip -n blue link show blue0 || true"
run "ip link delete p0"
run "ip netns delete outside"
shows "does not exist" "for n in 1 2 3 4 5 6 7 8 9 10; do ip link show p1 || break; sleep 0.3; done"
run "ip link delete br0"
run "ip netns delete red"
run "ip netns delete blue"
run "ip netns delete inside"
