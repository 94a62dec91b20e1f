# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# xdp-tools: xdp-bench redirecting by maps: to a device, to several, to other processors. As xdp-bench.sh.
# shellcheck disable=SC2034
PACKAGES="ethtool"
SUITE="forky"
LATER="xdp-tools"
KERNEL="stock"
SLOW="yes"
LIMIT="3600"

# shellcheck source=/dev/null
. "$here/xdp-bench.sh"

test_redirect_map() {
	pairs
	benches third out0 drop out0
	benches far eth0 redirect-map eth0 out0
	generates 20000
	expect far eth0 xdp_redirect 20000
	expect third out0 xdp_drops 20000
	counted far out0 xdp_xmit 20000 || fail "sent on: $(counts far out0 xdp_xmit)"
}

# With a program where it goes out, which drops it.
test_redirect_map_egress() {
	pairs
	benches third out0 drop out0
	benches far eth0 redirect-map --load-egress --egress-action drop eth0 out0
	generates 20000
	expect far eth0 xdp_redirect 20000
	counted far out0 xdp_xmit 0 && counted third out0 xdp_drops 0 ||
		fail "sent on: $(counts far out0 xdp_xmit), received: $(counts third out0 xdp_drops)"
}

test_redirect_multi() {
	pairs
	benches third out0 drop out0
	benches fourth out0 drop out0
	benches far eth0 redirect-multi eth0 out0 out1
	generates 20000
	expect far eth0 xdp_redirect 20000
	expect third out0 xdp_drops 20000
	expect fourth out0 xdp_drops 20000
	counted far out0 xdp_xmit 20000 && counted far out1 xdp_xmit 20000 ||
		fail "sent on: $(counts far out0 xdp_xmit), $(counts far out1 xdp_xmit)"
}

# packets NAMESPACE NUMBER: of IPv6, which is what is generated, as the stack counts; when it has it off, too.
packets() { ip netns exec "$1" awk -v name="Ip6$2" '$1 == name { print $2 }' /proc/net/snmp6; }
received() { [ "$(packets "$1" InReceives)" = "$2" ]; } # NAMESPACE PACKETS

# To both processors in turn, whose queues have room for all that are sent at once.
test_redirect_cpu() {
	pairs
	benches far eth0 redirect-cpu --program-mode round-robin --cpu 0 --cpu 1 --qsize 16384 eth0
	generates 8000
	expect far eth0 xdp_redirect 8000
	soon received far 8000
}

test_redirect_cpu_and_on() {
	pairs
	benches third out0 drop out0
	benches far eth0 redirect-cpu --program-mode no-touch --cpu 1 --qsize 16384 --remote-action redirect \
		--redirect-device out0 eth0
	generates 8000
	expect far eth0 xdp_redirect 8000
	expect third out0 xdp_drops 8000
	received far 0 || fail "the stack has got $(packets far InReceives)"
}
