# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The CNI plugins, as container runtimes call them: a configuration on standard input.
# shellcheck disable=SC2034
PACKAGES="containernetworking-plugins"

# cni ADD|DEL|CHECK NAMESPACE IFNAME <CONFIGURATION: prints the result.
cni() {
	local config plugin

	config=$(cat)
	plugin=$(jq -r .type <<<"$config")
	CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=$3 CNI_PATH=/usr/lib/cni \
		"/usr/lib/cni/$plugin" <<<"$config"
}
config() { # TYPE MORE-MEMBERS
	echo "{ \"cniVersion\": \"0.4.0\", \"name\": \"net\", \"type\": \"$1\", $2 }"
}
ipam='"ipam": { "type": "host-local", "subnet": "10.9.0.0/24", "routes": [ { "dst": "0.0.0.0/0" } ] }'
address_of() { jq -r '.ips[0].address | sub("/.*"; "")'; }

# pair CONFIG KIND: two containers on a network; they reach each other, and are taken away.
pair() {
	local a b

	ip netns add a
	ip netns add b
	a=$(cni ADD a eth0 <<<"$1" | tee /tmp/a | address_of)
	b=$(cni ADD b eth0 <<<"$1" | tee /tmp/b | address_of)
	is_ours_or_not a eth0 "$2"
	is_ours_or_not b eth0 "$2"
	reaches a "$b"
	reaches b "$a"
	jq -s '.[0] * { prevResult: .[1] }' <(echo "$1") /tmp/a | cni CHECK a eth0
	cni DEL a eth0 <<<"$1"
	cni DEL b eth0 <<<"$1"
	! ip -n a link show eth0 2>/dev/null || fail "eth0 is still there"
	# Twice is no error.
	cni DEL a eth0 <<<"$1"
}

test_bridge() {
	pair "$(config bridge "\"bridge\": \"cni0\", \"isGateway\": true, \"hairpinMode\": true, $ipam")" veth
}

test_ptp() {
	local config a

	ip netns add a
	config=$(config ptp "$ipam")
	a=$(cni ADD a eth0 <<<"$config" | address_of)
	is_ours_or_not a eth0 veth
	ping -q -c 2 -i 0.2 -W 5 "$a" >/dev/null || fail "the host does not reach $a"
	cni DEL a eth0 <<<"$config"
	! ip -n a link show eth0 2>/dev/null || fail "eth0 is still there"
}

test_macvlan() {
	local mode

	wire lower 10.9.0.250/24
	for mode in bridge vepa private passthru; do
		case $mode in
		bridge)
			pair "$(config macvlan "\"master\": \"lower\", \"mode\": \"$mode\", $ipam")" macvlan
			ip netns delete a
			ip netns delete b
			;;
		*)
			ip netns add a
			cni ADD a eth0 < <(config macvlan "\"master\": \"lower\", \"mode\": \"$mode\", $ipam") >/tmp/a
			is_ours_or_not a eth0 macvlan
			[ "$(ip -n a -d -j link show eth0 | jq -r '.[0].linkinfo.info_data.mode')" = "$mode" ] || fail "not in mode $mode"
			reaches a 10.9.0.250
			cni DEL a eth0 < <(config macvlan "\"master\": \"lower\", \"mode\": \"$mode\", $ipam")
			ip netns delete a
			;;
		esac
	done
}

test_ipvlan() {
	local mode

	wire lower 10.9.0.250/24
	for mode in l2 l3 l3s; do
		pair "$(config ipvlan "\"master\": \"lower\", \"mode\": \"$mode\", $ipam")" ipvlan
		ip netns delete a
		ip netns delete b
	done
}

test_host_device() {
	ip netns add a
	ip link add here type veth peer name there
	cni ADD a eth0 < <(config host-device '"device": "here"') >/tmp/a
	is_ours_or_not a eth0 veth
	cni DEL a eth0 < <(config host-device '"device": "here"')
	ip link show here >/dev/null
}

# In a chain behind ptp, as runtimes do it.
in_chain() { # COMMAND PLUGIN MEMBERS
	jq -s '.[0] * { prevResult: .[1] }' <(config "$2" "$3") /tmp/a | cni "$1" a eth0
}
chained() { # PLUGIN MEMBERS
	ip netns add a
	cni ADD a eth0 <<<"$(config ptp "$ipam")" >/tmp/a
	in_chain ADD "$@"
	is_ours_or_not a eth0 veth
	ping -q -c 2 -i 0.2 -W 5 "$(address_of </tmp/a)" >/dev/null || fail "the host does not reach it"
}
unchain() { # PLUGIN MEMBERS
	in_chain DEL "$@"
	cni DEL a eth0 <<<"$(config ptp "$ipam")"
}

test_tuning() {
	local how='"mac": "02:00:00:00:99:01", "mtu": 1400, "promisc": true, "sysctl": { "net.ipv4.conf.eth0.log_martians": "1" }'

	chained tuning "$how"
	ip -n a link show eth0 | grep -q 'PROMISC.*mtu 1400' || fail "not tuned: $(ip -n a link show eth0)"
	ip -n a link show eth0 | grep -q 02:00:00:00:99:01 || fail "no address"
	unchain tuning "$how"
}

# A queue at the host's end of the pair, and one at an ifb device behind its ingress.
test_bandwidth() {
	local how='"ingressRate": 80000000, "ingressBurst": 800000, "egressRate": 80000000, "egressBurst": 800000'

	chained bandwidth "$how"
	[ "$(tc qdisc show | grep -c '^qdisc tbf .* rate 80Mbit')" = 2 ] || fail "$(tc qdisc show)"
	unchain bandwidth "$how"
	[ -z "$(ip link show type ifb)" ] || fail "the ifb device is still there"
}
