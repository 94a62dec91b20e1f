# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# podman's networks, with containers of busybox alone.
# shellcheck disable=SC2034
PACKAGES="podman crun netavark aardvark-dns"

# The kernel has not all that netavark's rules for the outside world want.
export NETAVARK_FW=none
podman() {
	command podman --cgroup-manager=cgroupfs --runtime=crun --storage-driver=vfs --events-backend=none \
		--root /tmp/podman --runroot /tmp/podman-run "$@"
}
start() { # NAME NETWORK
	mkdir -p /tmp/rootfs/{bin,proc,sys,dev,etc,run,tmp}
	[ -e /tmp/rootfs/bin/busybox ] || cp /bin/busybox /tmp/rootfs/bin/
	podman run -d --name "$1" --network "$2" --cgroups=disabled --security-opt seccomp=unconfined \
		--rootfs /tmp/rootfs /bin/busybox sleep 1000
	mkdir -p /run/netns
	ln -s "/proc/$(podman inspect -f '{{.State.Pid}}' "$1")/ns/net" "/run/netns/$1"
}
pair() { # KIND NETWORK
	local a b

	start a "$2"
	start b "$2"
	is_ours_or_not a eth0 "$1"
	a=$(ip -n a -j -4 address show dev eth0 | jq -r '.[0].addr_info[0].local')
	b=$(ip -n b -j -4 address show dev eth0 | jq -r '.[0].addr_info[0].local')
	reaches a "$b"
	reaches b "$a"
	rm /run/netns/a /run/netns/b
	podman rm -f -t 0 a b
	podman network rm "$2"
}

test_bridge() {
	podman network create --disable-dns --subnet 10.2.0.0/24 bridged
	pair veth bridged
}

test_macvlan() {
	wire lower 10.2.1.250/24
	podman network create --disable-dns -d macvlan -o parent=lower --subnet 10.2.1.0/24 mac
	pair macvlan mac
}

test_ipvlan() {
	wire lower 10.2.2.250/24
	podman network create --disable-dns -d ipvlan -o parent=lower --subnet 10.2.2.0/24 ip
	pair ipvlan ip
}
