# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# xdp-tools: xdp-filter in native mode at an end of a pair. xdp-bench and xdp-trafficgen want a kernel with BTF.
# shellcheck disable=SC2034
PACKAGES="xdp-tools ethtool"

# Not `ip netns exec`, which has a /sys of its own, without the file system of BPF.
in_far() { nsenter --net=/run/netns/far "$@"; }

pair() {
	# Without the maps of another test.
	! mountpoint -q /sys/fs/bpf || umount /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
	ip netns add near
	ip netns add far
	ip -n near link add eth0 type veth peer name eth0 netns far
	is_ours_or_not far eth0 veth
	ip -n near address add 10.9.0.1/24 dev eth0
	ip -n far address add 10.9.0.2/24 dev eth0
	ip -n near link set eth0 up
	ip -n far link set eth0 up
	reaches near 10.9.0.2
}
refused() { # ADDRESS
	! ip netns exec near ping -q -c 2 -i 0.2 -W 1 "$1" >/dev/null || fail "$1 is reached"
}
native() { ip -n far -j link show eth0 | jq -e '.[0].xdp.mode == 1' >/dev/null || fail "no program in native mode"; }

test_filter_by_address() {
	pair
	in_far xdp-filter load eth0 --mode native
	native
	reaches near 10.9.0.2
	in_far xdp-filter ip -m src 10.9.0.1
	refused 10.9.0.2
	in_far xdp-filter status | grep -qE '10\.9\.0\.1 +src +[1-9]' || fail "$(in_far xdp-filter status)"
	ip netns exec far ethtool -S eth0 | grep -q 'rx_queue_0_xdp_drops: [1-9]' || fail "the driver has counted none"
	in_far xdp-filter ip -r -m src 10.9.0.1
	reaches near 10.9.0.2
	in_far xdp-filter unload eth0
	! ip -n far link show eth0 | grep -q xdp || fail "the program is still there"
	reaches near 10.9.0.2
}

test_filter_by_mac_and_port() {
	local mac

	pair
	mac=$(ip -n near -j link show eth0 | jq -r '.[0].address')
	in_far xdp-filter load eth0 --mode native --policy deny
	native
	refused 10.9.0.2
	in_far xdp-filter ether -m src "$mac"
	reaches near 10.9.0.2
	in_far xdp-filter unload eth0
	in_far xdp-filter load eth0 --mode native
	in_far xdp-filter port -m dst -p udp 7777
	# What goes to that port is dropped, what goes to another is not.
	ip netns exec near bash -c 'for n in 1 2 3; do echo x >/dev/udp/10.9.0.2/7777; done'
	soon bash -c "nsenter --net=/run/netns/far xdp-filter status | grep -qE '7777 +dst.* 3$'"
	reaches near 10.9.0.2
	in_far xdp-filter unload --all
}

# A pair that goes while the program is there.
test_the_pair_goes() {
	pair
	in_far xdp-filter load eth0 --mode native
	native
	ip -n near link del eth0
	ip netns del far
	! ip -n near link show eth0 2>/dev/null || fail "the pair is still there"
}
