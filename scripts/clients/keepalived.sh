# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# keepalived's VRRP with addresses of its own (use_vmac): a macvlan link in mode private.
# shellcheck disable=SC2034
PACKAGES="keepalived"

router() { # NAMESPACE PRIORITY
	cat >"/tmp/$1.conf" <<-TXT
		global_defs {
			router_id $1
			dynamic_interfaces
		}
		vrrp_instance one {
			state BACKUP
			interface eth0
			use_vmac vrrp.51
			virtual_router_id 51
			priority $2
			advert_int 0.2
			version 3
			virtual_ipaddress {
				10.8.0.100/24
			}
		}
	TXT
	ip netns exec "$1" keepalived --dont-fork --log-console --vrrp --use-file="/tmp/$1.conf" \
		--pid="/tmp/$1.pid" --vrrp_pid="/tmp/$1.vrrp" >"/tmp/$1.log" 2>&1 &
}
has() { ip -n "$1" address show | grep -q 10.8.0.100; }

test_vmac_and_failover() {
	local name

	ip link add br0 type bridge
	ip link set br0 up
	for name in r1 r2 host; do
		ip netns add "$name"
		ip link add "port-$name" type veth peer name eth0 netns "$name"
		ip link set "port-$name" master br0 up
		ip -n "$name" link set eth0 up
		ip -n "$name" link set lo up
		# The base link neither answers for the address above it nor asks with it.
		ip netns exec "$name" sysctl -qw net.ipv4.conf.eth0.arp_ignore=1 net.ipv4.conf.eth0.arp_announce=2
	done
	ip -n r1 address add 10.8.0.1/24 dev eth0
	ip -n r2 address add 10.8.0.2/24 dev eth0
	ip -n host address add 10.8.0.3/24 dev eth0
	router r1 150
	soon has r1
	router r2 100
	is_ours_or_not r1 vrrp.51 macvlan
	[ "$(ip -n r1 -d -j link show vrrp.51 | jq -r '.[0].linkinfo.info_data.mode')" = private ] || fail "not private"
	reaches host 10.8.0.100
	[ "$(ip -n host neighbour show 10.8.0.100 | awk '{ print $5 }')" = 00:00:5e:00:01:33 ] ||
		fail "the address is $(ip -n host neighbour show 10.8.0.100; ip -n r1 address; tail -n 20 /tmp/r1.log)"
	! has r2 || fail "both have it"
	ip -n r1 link set eth0 down
	soon has r2
	reaches host 10.8.0.100
	[ "$(ip -n host neighbour show 10.8.0.100 | awk '{ print $5 }')" = 00:00:5e:00:01:33 ] || fail "another address"
	kill "$(cat /tmp/r1.pid)" "$(cat /tmp/r2.pid)"
	wait
}
