# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# systemd-networkd makes links of each kind, and matches them by kind.
# shellcheck disable=SC2034
PACKAGES="systemd udev"

netdev() { # NAME KIND MORE
	printf '[NetDev]\nName=%s\nKind=%s\n%s\n' "$1" "$2" "${3-}" >"/run/systemd/network/$1.netdev"
}
network() { # NAME MATCH MORE
	printf '[Match]\n%s\n[Network]\n%s\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' "$2" "$3" >"/run/systemd/network/$1.network"
}

test_each_kind() {
	mkdir -p /run/systemd/network /run/systemd/netif
	chown systemd-network: /run/systemd/netif
	netdev v0 veth '[Peer]
Name=v1'
	netdev m0 macvlan '[MACVLAN]
Mode=bridge'
	netdev i0 ipvlan '[IPVLAN]
Mode=L2'
	netdev t0 macvtap '[MACVTAP]
Mode=bridge'
	network v0 Name=v0 'Address=10.5.0.1/24
MACVLAN=m0
MACVTAP=t0'
	network v1 Name=v1 'IPVLAN=i0'
	# By kind, not by name.
	network kind-macvlan Kind=macvlan 'Address=10.5.1.1/24'
	network kind-ipvlan Kind=ipvlan 'Address=10.5.2.1/24'
	/usr/lib/systemd/systemd-udevd --daemon
	/usr/lib/systemd/systemd-networkd >/tmp/networkd 2>&1 &
	soon ip link show t0
	soon sh -c 'ip -4 -o address show dev v0 | grep 10.5.0.1'
	soon sh -c 'ip -4 -o address show dev m0 | grep 10.5.1.1'
	soon sh -c 'ip -4 -o address show dev i0 | grep 10.5.2.1'
	ip netns add here
	[ "$(ip -d -j link show m0 | jq -r '.[0].linkinfo | .info_kind + .info_data.mode')" = macvlanbridge ] || fail "m0"
	[ "$(ip -d -j link show i0 | jq -r '.[0].linkinfo | .info_kind + .info_data.mode')" = ipvlanl2 ] || fail "i0"
	[ -c "/dev/tap$(cat /sys/class/net/t0/ifindex)" ] || fail "no node: $(ls /dev)"
	ip link set v1 netns here
	is_ours_or_not here v1 veth
}
