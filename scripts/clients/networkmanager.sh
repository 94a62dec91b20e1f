# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# NetworkManager, told by nmcli.
# shellcheck disable=SC2034
PACKAGES="network-manager dbus udev"

is_gone() { ! ip link show "$1"; }

test_each_kind() {
	mkdir -p /run/dbus /run/NetworkManager /etc/NetworkManager/conf.d /run/udev
	printf '[main]\nplugins=keyfile\nauth-polkit=root-only\n[logging]\nlevel=INFO\n' >/etc/NetworkManager/conf.d/test.conf
	/usr/lib/systemd/systemd-udevd --daemon
	udevadm trigger
	dbus-daemon --system --fork --nopidfile
	NetworkManager --no-daemon >/tmp/nm 2>&1 &
	soon nmcli general status
	nmcli connection add type veth ifname v0 con-name v0 veth.peer v1 ipv4.method manual ipv4.addresses 10.4.0.1/24 ipv6.method disabled
	nmcli connection add type veth ifname v1 con-name v1 veth.peer v0 ipv4.method disabled ipv6.method disabled
	nmcli connection up v0
	nmcli connection up v1
	nmcli connection add type macvlan ifname m0 con-name m0 dev v0 mode bridge ipv4.method manual ipv4.addresses 10.4.1.1/24 ipv6.method disabled
	nmcli connection up m0
	nmcli connection add type macvlan ifname t0 con-name t0 dev v0 mode bridge macvlan.tap yes ipv4.method disabled ipv6.method disabled
	nmcli connection up t0
	[ "$(nmcli -g GENERAL.TYPE device show m0)" = macvlan ] || fail "m0 is $(nmcli -g GENERAL.TYPE device show m0)"
	[ "$(nmcli -g GENERAL.DRIVER device show v0)" = veth ] || fail "v0 is of $(nmcli -g GENERAL.DRIVER device show v0)"
	[ "$(ip -d -j link show m0 | jq -r '.[0].linkinfo | .info_kind + .info_data.mode')" = macvlanbridge ] || fail "m0"
	[ "$(ip -d -j link show t0 | jq -r '.[0].linkinfo.info_kind')" = macvtap ] || fail "t0"
	ip -4 address show dev m0 | grep -q 10.4.1.1 || fail "m0 has no address"
	nmcli connection down m0
	nmcli connection delete m0
	soon is_gone m0
	ip netns add here
	ip link set v1 netns here
	is_ours_or_not here v1 veth
	nmcli connection delete t0
	nmcli connection delete v0
	soon is_gone v0
}
