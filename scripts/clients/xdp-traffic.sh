# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# xdp-tools: a TCP connection of xdp-trafficgen's, xdp-forward, xdp-bench with a socket of AF_XDP. As xdp-bench.sh.
# shellcheck disable=SC2034
PACKAGES="ethtool python3"
SUITE="forky"
LATER="xdp-tools"
KERNEL="stock"
SLOW="yes"
LIMIT="3600"

# shellcheck source=/dev/null
. "$here/xdp-bench.sh"

# sink NAMESPACE ADDRESS SECONDS: a server for one connection, which writes how many bytes came to /tmp/sink.
sink() {
	in_ns "$1" python3 - "$2" "$3" >/tmp/sink <<-'PY' &
		import socket, sys
		server = socket.create_server((sys.argv[1], 10000), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
		print("ready", flush=True)
		peer, _ = server.accept()
		peer.settimeout(int(sys.argv[2]))
		count = 0
		try:
		    while data := peer.recv(1 << 16):
		        count += len(data)
		except OSError:
		    pass
		print(count, flush=True)
	PY
	soon grep ready /tmp/sink
}
sunk() { [ "$(sed -n 2p /tmp/sink)" ]; }

# A connection that a program goes on with: what it sends are frames, and the answers come to it.
test_trafficgen_tcp() {
	local bytes

	pairs
	sysctl_six near eth0 2001:db8::1
	sysctl_six far eth0 2001:db8::2
	# Where C veth takes frames.
	in_ns far ethtool -K eth0 gro on
	sink far 2001:db8::2 60
	in_ns near xdp-trafficgen tcp -i eth0 -n 2000 -t 120 2001:db8::2 || echo "xdp-trafficgen: status $?"
	soon sunk
	bytes=$(sed -n 2p /tmp/sink)
	# 45 segments of 1426 bytes are what the receiver's first window of 64800 has room for. Whether more of those
	# 2000 are taken depends on how soon it says so.
	((bytes >= 45 * 1426 && bytes % 1426 == 0)) || fail "$bytes bytes came"
	(($(counts near eth0 xdp_xmit) * 1426 >= bytes)) || fail "$bytes of $(counts near eth0 xdp_xmit) frames"
	# What opens the connection, and an answer, at least, by which the program knows how far it may go.
	(($(counts near eth0 xdp_packets) >= 2)) || fail "the program has seen $(counts near eth0 xdp_packets) answers"
}
sysctl_six() { # NAMESPACE DEVICE ADDRESS
	in_ns "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=0"
	ip -n "$1" address add "$3/64" dev "$2" nodad
}

# Between near and third by far's routes, past its stack.
test_forward() {
	local before after size=3000000

	pairs
	in_ns far sysctl -qw net.ipv4.ip_forward=1
	ip -n near route add 10.9.1.0/24 via 10.9.0.2
	ip -n third route add 10.9.0.0/24 via 10.9.1.1
	# Where C veth takes frames; and what is sent must be complete, since nobody completes what a program redirects.
	in_ns near ethtool -K eth0 gro on tx off
	in_ns third ethtool -K out0 gro on tx off
	in_ns far xdp-forward load eth0 out0
	native far eth0 && native far out0 || fail "no programs in native mode"
	# far must know both before.
	reaches near 10.9.1.2
	before=$(counts far eth0 xdp_redirect),$(counts far out0 xdp_redirect)
	ip netns exec near ping -q -c 20 -i 0.2 -W 10 10.9.1.2 | grep " 20 received" || fail "not all come back"
	after=$(counts far eth0 xdp_redirect),$(counts far out0 xdp_redirect)
	[ "$after" = "$((${before%,*} + 20)),$((${before#*,} + 20))" ] || fail "redirected: $before, then $after"
	sink third 10.9.1.2 60
	head -c $size /dev/zero | in_ns near python3 -c '
import socket, sys
with socket.create_connection(("10.9.1.2", 10000)) as out:
    out.sendall(sys.stdin.buffer.read())'
	soon sunk
	[ "$(sed -n 2p /tmp/sink)" = $size ] || fail "$(sed -n 2p /tmp/sink) bytes came"
	[ "$(counts far eth0 xdp_redirect)" -gt $((size / 1500)) ] || fail "redirected: $(counts far eth0 xdp_redirect)"
	in_ns far xdp-forward unload eth0 out0
	reaches near 10.9.1.2
}

# To a socket of AF_XDP, whose ring has room for all.
test_xsk() {
	pairs
	in_ns far xdp-bench xsk-drop --quiet --copy-mode copy eth0 &
	soon native far eth0
	generates 1500
	expect far eth0 xdp_redirect 1500
	counted far eth0 drops 0 || fail "dropped: $(counts far eth0 drops)"
}
