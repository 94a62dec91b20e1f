# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by demo.sh: a program whose network card is a character device, beside a
# namespace on the same network device.
: "${pair:?}" "${shared:?}" "${tap:?}" "${tap_shown:?}"
# What it has in common with macvlan's part: at, reaches, misses.
. "$TOP/scripts/guest/demo/reach.sh"

heading "macvtap: the network card of a program"
cat <<TXT
   a program            red
  +-------------+      +-------------+
  |  10.5.0.1   |      |  10.5.0.2   |
  |  /dev/tapN  |      |   [ m1 ]    |
  +------|------+      +-----/-------+
         |                  /
  +------|-----------------/---------+    +-------------+
  |    [ t0 ]   [    eth0    ] ======|====|= [ out0 ]   |
  |                                  |    |  10.5.0.9   |
  +----------------------------------+    +-------------+
               the host                       outside

TXT
run "for name in red outside; do ip netns add \$name; done"
run "ip link add eth0 $pair peer name out0 netns outside"
run "ip -n outside address add 10.5.0.9/24 dev out0"
run "ip -n outside link set out0 up"
run "ip link set eth0 up"
run "ip link add link eth0 name t0 $tap mode bridge"
run "ip link set t0 up"
shows "$tap_shown mode bridge" "ip -d link show t0"
run "ip link add link eth0 name m1 netns red $shared mode bridge"
run "ip -n red address add 10.5.0.2/24 dev m1"
run "ip -n red link set m1 up"
echo
node=/dev/tap$(cat /sys/class/net/t0/ifindex)
readonly node
shows "crw" "ls -l $node"
note "Nobody has it open: t0 has a stack like any other link, without an address."
misses red 10.5.0.1
note "A stack of one page, which reads frames and writes answers; a virtual machine would do" \
	"the same (see Documentation/tap.md)."
run "python3 $TOP/scripts/guest/demo/answer.py $node 10.5.0.1 >/tmp/answers &"
shows "answers for" "until [ -s /tmp/answers ]; do sleep 0.1; done; cat /tmp/answers"
reaches red 10.5.0.1
reaches outside 10.5.0.1
shows "$(cat /sys/class/net/t0/address)" "ip -n outside neighbour show 10.5.0.1"

heading "macvtap: what went through, and away again"
shows "t0" "ip -s link show t0"
note "The program is told when its link goes."
run "ip link delete t0"
shows "the link is gone" "until grep gone /tmp/answers; do sleep 0.1; done"
run "ip link delete eth0"
run "for name in red outside; do ip netns delete \$name; done"
