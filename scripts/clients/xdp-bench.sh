# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# xdp-tools: xdp-bench and xdp-trafficgen, which want a kernel with BTF, and are emulated with it. Those of Debian 13
# (1.5.4) want tracepoints that Linux has not any more since 6.16.
# shellcheck disable=SC2034
PACKAGES="ethtool"
SUITE="forky"
LATER="xdp-tools"
KERNEL="stock"
SLOW="yes"
LIMIT="2400"
# To load an object takes a minute there, if the machine has other things to do.
PATIENCE=400

# Not `ip netns exec`, which has a /sys of its own, without the file system of BPF.
in_ns() { nsenter --net="/run/netns/$1" "${@:2}"; }

# near's eth0, and far's; far's out0, and third's; far's out1, and fourth's out0.
pairs() {
	local ns

	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	for ns in near far third fourth; do
		ip netns add "$ns"
		# No packets but those that are asked for.
		in_ns "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	done
	ip -n near link add eth0 type veth peer name eth0 netns far
	ip -n third link add out0 type veth peer name out0 netns far
	ip -n fourth link add out0 type veth peer name out1 netns far
	is_ours_or_not far eth0 veth
	address near eth0 10.9.0.1
	address far eth0 10.9.0.2
	address far out0 10.9.1.1
	address third out0 10.9.1.2
	address far out1 10.9.2.1
	address fourth out0 10.9.2.2
}
address() { # NAMESPACE DEVICE ADDRESS
	ip -n "$1" address add "$3/24" dev "$2"
	ip -n "$1" link set "$2" up
}
mac() { ip -n "$1" -j link show "$2" | jq -r '.[0].address'; } # NAMESPACE DEVICE
native() { ip -n "$1" -j link show "$2" | jq -e '.[0].xdp.mode == 1' >/dev/null; } # NAMESPACE DEVICE

# counts NAMESPACE DEVICE NUMBER: `ethtool -S`, of all queues.
counts() { in_ns "$1" ethtool -S "$2" | awk -v name="_$3:" '$1 ~ name "$" { sum += $2 } END { print sum + 0 }'; }
counted() { [ "$(counts "$1" "$2" "$3")" = "$4" ]; } # NAMESPACE DEVICE NUMBER VALUE
expect() { # NAMESPACE DEVICE NUMBER VALUE
	local waited=0

	until counted "$@"; do
		((waited++ < 300)) || fail "$1 $2 $3: $(counts "$1" "$2" "$3"), not $4"
		sleep 0.1
	done
}

# benches NAMESPACE DEVICE COMMAND [ARGUMENT...]: xdp-bench runs, until the test ends.
benches() {
	in_ns "$1" xdp-bench "$3" --interval 1000 "${@:4}" &
	soon native "$1" "$2"
}
# Frames that no device has received, by `ndo_xdp_xmit` of near's eth0. What it has sent is counted there: when it
# ends by itself its status says nothing.
generates() { # PACKETS
	in_ns near xdp-trafficgen udp -n "$1" -t 1 -m "$(mac far eth0)" eth0 || echo "xdp-trafficgen: status $?"
}

test_drop() {
	pairs
	benches far eth0 drop --rxq-stats eth0
	generates 20000
	expect far eth0 xdp_drops 20000
	counted near eth0 xdp_xmit 20000 || fail "sent: $(counts near eth0 xdp_xmit)"
	! ip netns exec near ping -q -c 2 -i 0.2 -W 1 10.9.0.2 >/dev/null || fail "the ping has an answer"
}

test_pass() {
	pairs
	benches far eth0 pass --packet-operation read-data eth0
	reaches near 10.9.0.2
	generates 1000
	soon eval '[ "$(counts far eth0 xdp_packets)" -ge 1000 ]'
	[ "$(counts far eth0 xdp_drops)" = 0 ] || fail "dropped: $(counts far eth0 xdp_drops)"
}

test_tx() {
	pairs
	benches near eth0 drop eth0
	benches far eth0 tx --packet-operation swap-macs eth0
	generates 20000
	expect far eth0 xdp_tx 20000
	expect near eth0 xdp_drops 20000
}

test_redirect() {
	pairs
	benches third out0 drop out0
	benches far eth0 redirect eth0 out0
	generates 20000
	expect far eth0 xdp_redirect 20000
	expect third out0 xdp_drops 20000
	counted far out0 xdp_xmit 20000 || fail "sent on: $(counts far out0 xdp_xmit)"
}
