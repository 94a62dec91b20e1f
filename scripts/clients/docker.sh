# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Docker's networks, with an image that is busybox alone.
# shellcheck disable=SC2034
PACKAGES="docker.io docker-cli iptables"
LIMIT="1800"
SLOW="1"

docker() { command docker --host unix:///tmp/docker.sock "$@"; }
# serve: a daemon, until the test ends, and the image.
serve() {
	local root=/tmp/rootfs

	dockerd --host unix:///tmp/docker.sock --data-root /tmp/docker --exec-root /tmp/docker-run --pidfile /tmp/docker.pid \
		--storage-driver vfs --exec-opt native.cgroupdriver=cgroupfs --bridge none >/tmp/dockerd 2>&1 &
	trap stop EXIT
	soon docker info
	mkdir -p "$root"/{bin,proc,sys,dev,etc,tmp}
	cp /bin/busybox "$root/bin/"
	tar -C "$root" -c . | docker import - box
}
stop() {
	docker ps -qa | xargs -r docker --host unix:///tmp/docker.sock rm -f
	kill "$(cat /tmp/docker.pid)"
	soon test ! -e /tmp/docker.pid
	rm -rf /tmp/docker
}
start() { # NAME NETWORK [OPTION...]
	docker run -d --name "$1" --network "$2" "${@:3}" box /bin/busybox sleep 1000
	mkdir -p /run/netns
	ln -s "/proc/$(docker inspect -f '{{.State.Pid}}' "$1")/ns/net" "/run/netns/$1"
}
end() { # NAME...
	docker rm -f "$@"
	(cd /run/netns && rm "$@")
}
address_of() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
in_left() { docker exec left /bin/busybox "$@"; }
left_reaches() { in_left ping -q -c 2 -W 5 "$1" || fail "left does not reach $1"; }
# pair KIND NETWORK: two containers reach each other, and are taken away with the network.
pair() {
	start left "$2"
	start right "$2"
	is_ours_or_not left eth0 "$1"
	left_reaches "$(address_of right)"
	reaches right "$(address_of left)"
	end left right
	docker network rm "$2"
}

test_bridge() {
	serve
	wire lower 10.1.1.250/24
	ip address add 10.1.1.1/24 dev lower
	docker network create --subnet 10.1.0.0/24 bridged
	start left bridged
	start right bridged --publish 8080:80
	is_ours_or_not left eth0 veth
	left_reaches "$(address_of right)"
	# By name, and from outside by a port of the host.
	in_left nslookup right 127.0.0.11 | grep "$(address_of right)"
	left_reaches 10.1.1.250
	docker exec right /bin/busybox sh -c 'echo "from right" >/tmp/index.html; /bin/busybox httpd -h /tmp'
	[ "$(ip netns exec outside busybox wget -q -T 10 -O - http://10.1.1.1:8080/)" = "from right" ] || fail "port 8080"
	end left right
	docker network rm bridged
	[ -z "$(ip link show type bridge)" ] || fail "the bridge is still there"
}

test_macvlan() {
	local mode

	serve
	wire lower 10.1.2.250/24
	docker network create -d macvlan -o parent=lower --subnet 10.1.2.0/24 mac
	pair macvlan mac
	for mode in private vepa passthru; do
		docker network create -d macvlan -o parent=lower -o "macvlan_mode=$mode" --subnet 10.1.2.0/24 mac
		start left mac
		is_ours_or_not left eth0 macvlan
		[ "$(ip -n left -d -j link show eth0 | jq -r '.[0].linkinfo.info_data.mode')" = "$mode" ] || fail "not in mode $mode"
		left_reaches 10.1.2.250
		end left
		docker network rm mac
	done
}

# Docker makes the VLAN device, and takes it away.
test_macvlan_on_a_vlan() {
	serve
	wire lower 10.1.3.250/24
	ip -n outside link add link wire name wire.10 type vlan id 10
	ip -n outside address add 10.1.4.250/24 dev wire.10
	ip -n outside link set wire.10 up
	docker network create -d macvlan -o parent=lower.10 --subnet 10.1.4.0/24 tagged
	start left tagged
	is_ours_or_not left eth0 macvlan
	left_reaches 10.1.4.250
	end left
	docker network rm tagged
	! ip link show lower.10 2>/dev/null || fail "the VLAN device is still there"
}

test_ipvlan() {
	local mode

	serve
	wire lower 10.1.5.250/24
	for mode in l2 l3 l3s; do
		docker network create -d ipvlan -o parent=lower -o "ipvlan_mode=$mode" --subnet 10.1.5.0/24 ip
		pair ipvlan ip
	done
}

# A running container gets a second network, and loses it.
test_connect_and_disconnect() {
	serve
	wire lower 10.1.6.250/24
	docker network create --subnet 10.1.7.0/24 bridged
	docker network create -d macvlan -o parent=lower --subnet 10.1.6.0/24 mac
	start left bridged
	docker network connect --ip 10.1.6.9 mac left
	is_ours_or_not left eth1 macvlan
	reaches outside 10.1.6.9
	docker network disconnect mac left
	! ip -n left link show eth1 2>/dev/null || fail "eth1 is still there"
	is_ours_or_not left eth0 veth
	end left
	docker network rm bridged mac
}
