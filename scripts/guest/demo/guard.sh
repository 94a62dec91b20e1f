# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by demo.sh: a tenant who is not believed what he says of himself.
: "${pair:?}"

heading "guard: a container sends as nobody but itself"
note "red is a container with a user namespace of its own: its root may do with the link m1 what" \
	"he likes, but for what the administrator of the lower device has set."
run "ip netns add blue"
run "ip link add eth0 $pair peer name p0"
run "for name in eth0 p0; do ip link set \$name up; done"
run "unshare --user --map-root-user --net sleep infinity & red=\$!"
# Until it is in its own namespaces.
for _ in {1..100}; do
	[ "$(readlink "/proc/$red/ns/net")" = "$(readlink /proc/self/ns/net)" ] || break
	sleep 0.1
done
run "ip link add link eth0 name m1 netns \$red type rnetvirt flavor macvlan guard mac,ip,arp,ra,dhcp-server guard-addr add 10.4.0.1"
run "ip link add link eth0 name m2 netns blue type rnetvirt flavor macvlan"
run "ip -n blue address add 10.4.0.2/24 dev m2; ip -n blue link set m2 up"
run "in_red() { nsenter -t \$red --user --net --preserve-credentials \"\$@\"; }"
run "in_red ip address add 10.4.0.1/24 dev m1; in_red ip link set m1 up"
shows " 0% packet loss" "in_red ping -c 3 -i 0.2 -W 5 10.4.0.2 | tail -n 3"
note "He takes another address, and then another MAC address: nothing of it leaves his link."
run "in_red ip address add 10.4.0.66/24 dev m1"
shows " 100% packet loss" "in_red ping -c 2 -i 0.2 -W 1 -I 10.4.0.66 10.4.0.2 | tail -n 3 || true"
run "in_red ip link set m1 address 02:00:00:00:00:66"
shows " 100% packet loss" "in_red ping -c 2 -i 0.2 -W 1 10.4.0.2 | tail -n 3 || true"
note "What was dropped is counted by its reason, and he cannot take the guard away."
shows "tx_guard_mac" "in_red ethtool -S m1 | grep tx_guard"
shows "CAP_NET_ADMIN" "in_red ip link set m1 type rnetvirt guard off || true"
run "kill \$red; wait \$red 2>/dev/null || true"
run "ip netns delete blue; ip link delete eth0"
