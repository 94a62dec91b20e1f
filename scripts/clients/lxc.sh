# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# LXC's containers, of busybox alone.
# shellcheck disable=SC2034
PACKAGES="lxc"

# start NAME ADDRESS NETWORK-LINES: a container that sleeps.
start() {
	local root=/tmp/lxc/$1/rootfs

	mkdir -p "$root"/{bin,proc,sys,dev,etc}
	cp /bin/busybox "$root/bin/"
	ln -s busybox "$root/bin/sh"
	cat >"/tmp/lxc/$1/config" <<-TXT
		lxc.uts.name = $1
		lxc.rootfs.path = dir:$root
		lxc.mount.auto = proc:rw
		lxc.apparmor.profile = unconfined
		lxc.init.cmd = /bin/busybox sleep 1000
		$3
		lxc.net.0.flags = up
		lxc.net.0.name = eth0
		lxc.net.0.ipv4.address = $2/24
	TXT
	lxc-start -P /tmp/lxc -n "$1" -d -o "/tmp/lxc/$1/log" -l INFO || fail "$(tail -n 20 "/tmp/lxc/$1/log")"
	ln -s "/proc/$(lxc-info -P /tmp/lxc -n "$1" -p -H)/ns/net" "/run/netns/$1"
}
pair() { # KIND NETWORK-LINES
	mkdir -p /run/netns
	start a 10.3.9.1 "$2"
	start b 10.3.9.2 "$2"
	is_ours_or_not a eth0 "$1"
	reaches a 10.3.9.2
	reaches b 10.3.9.1
	rm /run/netns/a /run/netns/b
	lxc-stop -P /tmp/lxc -n a -k
	lxc-stop -P /tmp/lxc -n b -k
	rm -rf /tmp/lxc
}

test_veth() {
	ip link add br0 type bridge
	ip link set br0 up
	pair veth 'lxc.net.0.type = veth
lxc.net.0.link = br0'
}

test_macvlan() {
	wire lower 10.3.9.250/24
	pair macvlan 'lxc.net.0.type = macvlan
lxc.net.0.macvlan.mode = bridge
lxc.net.0.link = lower'
}

test_ipvlan() {
	wire lower 10.3.9.250/24
	pair ipvlan 'lxc.net.0.type = ipvlan
lxc.net.0.ipvlan.mode = l2
lxc.net.0.link = lower'
}
