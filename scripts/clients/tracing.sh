# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bpftrace and perf at the tracepoint of lost packets, on Debian's own kernel: what drops.md shows.
# shellcheck disable=SC2034
PACKAGES="bpftrace linux-perf ethtool"
LIMIT="2400"
KERNEL="stock"
DRIVERS="ours" # the C drivers have no such tracepoint

# A link i1 of flavor ipvlan in mode l3 in namespace red, for which groups are nothing.
bed() {
	wire eth0 10.8.0.250/24
	ip netns add red
	ip link add link eth0 name i1 netns red type ipvlan mode l3
	ip -n red address add 10.8.0.1/24 dev i1
	# IPv6 would tell groups of itself.
	ip netns exec red sysctl -qw net.ipv6.conf.i1.disable_ipv6=1
	ip -n red link set i1 up
	ip -n red route add 224.0.0.0/4 dev i1
	netns=$(stat -L -c %i /run/netns/red)
}
# lose N: so many packets to a group, of 47 bytes each, of which the sender is told.
lose() { ip netns exec red bash -c "for ((n = 0; n < $1; n++)); do echo four >/dev/udp/224.0.0.5/9; done" 2>/tmp/told || true; }
# counted: how many the link says that it has lost so.
counted() { ip netns exec red ethtool -S i1 | awk '$1 == "tx_group:" { print $2 }'; }
# traced PROGRAM N: what bpftrace prints, to /tmp/bpftrace, while so many are lost.
traced() {
	local pid

	bpftrace -e "BEGIN { printf(\"ready\\n\"); } $1" >/tmp/bpftrace 2>&1 &
	pid=$!
	soon grep ready /tmp/bpftrace
	lose "$2"
	kill -INT "$pid"
	wait "$pid"
	[ "$(counted)" = "$2" ] || fail "$(counted) were lost: $(cat /tmp/told)"
}
says() { grep -qxF -- "$1" /tmp/bpftrace || fail "no '$1': $(cat /tmp/bpftrace)"; }

test_bpftrace_counts_by_reason() {
	bed
	traced 'tracepoint:rnetvirt:rnetvirt_drop { @[args.lower, args.netns, args.reason] = count(); }' 3
	says "@[eth0, $netns, tx_group]: 3"
}

test_bpftrace_prints_each() {
	bed
	traced 'tracepoint:rnetvirt:rnetvirt_drop { printf("%s on %s: %s, %d bytes to %s\n", args.dev, args.lower, args.reason, args.len, macaddr(args.dest)); }' 2
	says "i1 on eth0: tx_group, 47 bytes to 01:00:5E:00:00:05"
	[ "$(grep -c tx_group /tmp/bpftrace)" = 2 ] || fail "$(cat /tmp/bpftrace)"
}

# The raw one has the kernel's own structures, which the kernel's BTF describes.
test_bpftrace_raw() {
	bed
	traced 'rawtracepoint:rnetvirt_drop { printf("%s with mtu %d on %s: %s\n", ((struct net_device *)arg0)->name, ((struct net_device *)arg0)->mtu, ((struct net_device *)arg1)->name, str(arg5)); }' 1
	says "i1 with mtu 1500 on eth0: tx_group"
}

# record FILTER: what perf has of it, to /tmp/script, while three packets are lost. It would look at every file of
# the kernel's modules, which takes minutes by 9p.
record() {
	unshare --mount sh -c 'mount -t tmpfs tmpfs /usr/lib/modules && exec "$@"' sh \
		perf record -o /tmp/data -e rnetvirt:rnetvirt_drop --filter "$1" -a -- bash -c "$(declare -f lose); lose 3"
	perf script -i /tmp/data >/tmp/script
}

test_perf() {
	bed
	record 'reason == "tx_group" && dev == "i1"'
	[ "$(grep -c " rnetvirt:rnetvirt_drop: dev=i1 ifindex=[0-9]* netns=$netns lower=eth0 .* reason=tx_group len=47 protocol=0x0800 .* dest=01:00:5e:00:00:05 " /tmp/script)" = 3 ] ||
		fail "$(cat /tmp/script)"
	record 'reason == "tx_source"'
	[ ! -s /tmp/script ] || fail "the filter has let through: $(cat /tmp/script)"
	[ "$(counted)" = 6 ] || fail "$(counted) were lost"
}
