# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Incus: containers from an image that is busybox alone, with network cards of each kind.
# shellcheck disable=SC2034
PACKAGES="incus-base incus-client"
LIMIT="1800"
SLOW="1"

export INCUS_DIR=/tmp/incus
incus() { command incus -q "$@" </dev/null; }

# serve: a daemon with a pool of storage, until the test ends, and the image.
serve() {
	local image=/tmp/image

	mkdir -p "$INCUS_DIR" /run/incus
	printf 'root:1000000:65536\n' | tee /etc/subuid >/etc/subgid
	# User-mode Linux complains of the rings of libuv ("Bad page map"), which does without.
	sysctl -qw kernel.io_uring_disabled=2
	/usr/libexec/incus/incusd --group root >/tmp/incusd 2>&1 &
	daemon=$!
	trap stop EXIT
	soon incus list
	incus storage create pool dir
	mkdir -p "$image"/rootfs/{bin,sbin,proc,sys,dev,etc,tmp,run,var,root}
	cp /bin/busybox "$image/rootfs/bin/"
	ln -sf busybox "$image/rootfs/bin/sh"
	printf '#!/bin/sh\nexec /bin/busybox sleep 1000\n' >"$image/rootfs/sbin/init"
	chmod +x "$image/rootfs/sbin/init"
	printf 'architecture: x86_64\ncreation_date: 1700000000\n' >"$image/metadata.yaml"
	tar -C "$image" -cf /tmp/image.tar metadata.yaml rootfs
	incus image import /tmp/image.tar --alias box
}
stop() {
	kill "$daemon"
	wait "$daemon" || true
	rm -rf "$INCUS_DIR"
}
# start NAME NIC-OPTION...
start() {
	incus create box "$1" --storage pool
	incus config device add "$1" eth0 nic "${@:2}"
	incus start "$1" || fail "$(incus info "$1" --show-log; tail -n 20 /tmp/incusd)"
	mkdir -p /run/netns
	ln -s "/proc/$(incus query "/1.0/instances/$1/state" | jq .pid)/ns/net" "/run/netns/$1"
}
inside() { incus exec "$1" --force-noninteractive -- /bin/busybox "${@:2}"; }
address() { # NAME ADDRESS
	inside "$1" ip address add "$2/24" dev eth0
	inside "$1" ip link set eth0 up
}
met() { # KIND
	is_ours_or_not left eth0 "$1"
	inside left ping -q -c 2 -W 5 10.3.8.2 || fail "left does not reach right"
	reaches right 10.3.8.1
	rm /run/netns/left /run/netns/right
	incus delete --force left right
}
pair() { # KIND NIC-OPTION...
	start left "${@:2}"
	start right "${@:2}"
	address left 10.3.8.1
	address right 10.3.8.2
	met "$1"
}

test_bridged() {
	ip link add br0 type bridge
	ip link set br0 up
	serve
	pair veth nictype=bridged parent=br0
}

test_macvlan() {
	wire lower 10.3.8.250/24
	serve
	pair macvlan nictype=macvlan parent=lower
}

# Incus gives the addresses here, and the host answers for them on the wire.
test_ipvlan() {
	wire lower 10.3.8.250/24
	sysctl -qw net.ipv4.conf.lower.forwarding=1
	serve
	start left nictype=ipvlan parent=lower ipv4.address=10.3.8.1
	start right nictype=ipvlan parent=lower ipv4.address=10.3.8.2
	reaches outside 10.3.8.1
	reaches left 10.3.8.250
	met ipvlan
}
