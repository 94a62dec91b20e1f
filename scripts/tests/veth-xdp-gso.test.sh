# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Programs that are shown packets which are to be cut some day: `ethtool --set-priv-flags DEV xdp-gso on`.
# shellcheck disable=SC2034
KINDS="rnetvirt"
TAKES=20
RELEASE="*switched* *behind*"

# shellcheck source=/dev/null
. "$TESTS/xdp.sh"

udp() { python3 "$TESTS/gro.py" udp "$@"; }

# datagrams SENDER RECEIVER COUNT: how many came of one call.
datagrams() { udp "$1" "$2" 10.0.0.2 "$3" 1000 | cut -d" " -f1; }

show_gso() { in_ns "$1" ethtool --set-priv-flags "$2" xdp-gso "$3"; } # NETNS DEVICE on|off
shown() { in_ns "$1" ethtool --show-priv-flags "$2" | sed -n 's/^xdp-gso *: //p'; }

# feature NETNS DEVICE NAME: what `ethtool -k` says of it.
feature() { in_ns "$1" ethtool -k "$2" | sed -n "s/^[[:space:]]*$3: //p"; }

# mean NAME: of how many bytes the packets were on average that its step "count" has seen.
mean() { awk '{ print int($2 / $1) }' <<<"$(seen "$1")"; }

# routed: B forwards between S, by v1, and w1 in C, by w0.
routed() {
	ns S B C
	joined S B
	ip -n B link add w0 type "$KIND" peer name w1 netns C
	ip -n B addr add 10.0.1.1/24 dev w0
	ip -n B link set w0 up
	ip -n C addr add 10.0.1.2/24 dev w1
	ip -n C link set w1 up
	ip -n S route add 10.0.1.0/24 via 10.0.0.2
	ip -n C route add 10.0.0.0/24 via 10.0.1.1
	in_ns B sysctl -qw net.ipv4.ip_forward=1
	carried B w0
}

test_e3_only_if_asked_and_only_with_pieces() {
	ns S B
	joined S B
	prog pieces frags count pass
	prog one count pass
	gives off shown B v1
	attach B v1 pieces
	gives "off [fixed]" feature S v0 tx-tcp-segmentation
	gives "1000000 cut" frames tcp S B v1 1000000
	# Who sends may not say that others shall see it.
	show_gso S v0 on
	gives "off [fixed]" feature S v0 tx-tcp-segmentation
	show_gso B v1 on
	gives on shown B v1
	gives on feature S v0 tx-tcp-segmentation
	gives on feature S v0 tx-tcp6-segmentation
	gives on feature S v0 tx-udp-segmentation
	# What its copy does not describe.
	gives "off [fixed]" feature S v0 tx-gso-list
	gives "off [fixed]" feature S v0 tx-sctp-segmentation
	gives "off [fixed]" feature S v0 tx-gre-segmentation
	# The sender may still cut them.
	in_ns S ethtool -K v0 tso off
	gives "1000000 cut" frames tcp S B v1 1000000
	in_ns S ethtool -K v0 tso on
	# Without pieces it means nothing.
	attach B v1 one
	gives "off [fixed]" feature S v0 tx-tcp-segmentation
	gives "1000000 cut" frames tcp S B v1 1000000
	attach B v1 pieces
	gives on feature S v0 tx-tcp-segmentation
	show_gso B v1 off
	gives "off [fixed]" feature S v0 tx-tcp-segmentation
	gives "1000000 cut" frames tcp S B v1 1000000
	show_gso B v1 on
	detach B v1
	gives on feature S v0 tx-tcp-segmentation
	gives on feature S v0 tx-gso-list
	gives on feature S v0 tx-gre-segmentation
	gives "1000000 whole" frames tcp S B v1 1000000
}

test_e3_whole_to_the_program_and_behind_it() {
	ns S B
	ipv6_on S B
	joined S B
	prog pieces frags count pass
	attach B v1 pieces
	show_gso B v1 on
	gives "5000000 whole" frames tcp S B v1 5000000
	# Confirmations of the other direction do not go through it.
	gives ok eval '[ "$(mean pieces)" -gt 3000 ] && echo ok'
	gives "1000000 whole" frames tcp S B v1 1000000 fd00::2
	gives "40 datagrams, 1 packets" udp S B 10.0.0.2 40 1000
	gives "0" stat B v1 rx_queue_0_drops
}

test_e3_moved_ends_are_looked_at_anew() {
	local tagged=(head:-4 to:$MAC1 byte:6:2 byte:7:0 byte:8:0 byte:9:0 byte:10:0 byte:11:1
		byte:12:0x81 byte:13:0 byte:14:0 byte:15:5) on

	ns S B
	joined S B
	prog same frags head:-16 head:16 pass
	attach B v1 same
	show_gso B v1 on
	gives "1000000 whole" frames tcp S B v1 1000000
	prog meta frags meta:8 pass
	attach B v1 meta
	gives "1000000 whole" frames tcp S B v1 1000000
	# With a tag in front of it, which the stack takes off again; it is cut for who wants that.
	prog tag frags "${tagged[@]}" pass
	attach B v1 tag
	ip -n B addr del 10.0.0.2/24 dev v1
	ip -n B link add link v1 name tagged up type vlan id 5
	ip -n B addr add 10.0.0.2/24 dev tagged
	ip -n S link add link v0 name tagged up type vlan id 5
	ip -n S neigh replace 10.0.0.2 lladdr $MAC1_COLONS dev v0 nud permanent
	ip -n B neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev tagged nud permanent
	in_ns S sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tagged.rp_filter=0
	gives "1000000 whole" frames tcp S B tagged 1000000
	gives "40" datagrams S B 40
	# Nobody could cut it as what it is now.
	prog longer frags head:-20 "byte:12:0x88" "byte:13:0xb5" to:$MAC1 pass
	attach B v1 longer
	on=$(stat B v1 rx_queue_0_drops)
	gives "0" datagrams S B 40
	gives $((on + 1)) stat B v1 rx_queue_0_drops
	gives "0" datagrams S B 1
	gives $((on + 1)) stat B v1 rx_queue_0_drops
	# Nor behind a header of the same protocol, whose checksum is not what was left.
	mapfile -t tagged < <(tunnel $((14 + 20 + 8 + 40 * 1000)))
	prog tunnel frags "${tagged[@]}" pass
	attach B v1 tunnel
	gives "0" datagrams S B 40
	gives $((on + 2)) stat B v1 rx_queue_0_drops
}

test_e3_tagged_they_are_cut_behind_it() {
	local tagged=(head:-4 to:$MAC1 byte:6:2 byte:7:0 byte:8:0 byte:9:0 byte:10:0 byte:11:1
		byte:12:0x81 byte:13:0 byte:14:0 byte:15:5)

	routed
	ip -n S neigh replace 10.0.0.2 lladdr $MAC1_COLONS dev v0 nud permanent
	ip -n B neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev v1 nud permanent
	ip -n B link add link v1 name tagged up type vlan id 5
	in_ns B sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tagged.rp_filter=0
	prog tag frags "${tagged[@]}" pass
	attach B v1 tag
	show_gso B v1 on
	in_ns B ethtool -K w0 tso off gso off
	gives "1000000 cut" frames tcp S C w1 1000000 10.0.1.2
	gives "40" eval 'python3 "$TESTS/gro.py" udp S C 10.0.1.2 40 1000 | cut -d" " -f1'
}

test_e3_behind_it_they_can_be_cut() {
	routed
	prog pieces frags count pass
	attach B v1 pieces
	show_gso B v1 on
	gives "1000000 whole" frames tcp S C w1 1000000 10.0.1.2
	in_ns B ethtool -K w0 tso off gso off
	gives "1000000 cut" frames tcp S C w1 1000000 10.0.1.2
	gives ok eval '[ "$(mean pieces)" -gt 3000 ] && echo ok'
}

test_e3_frames_cannot_be_cut() {
	local act

	ns S B
	joined S B
	# Neither asks again meanwhile.
	ip -n S neigh replace 10.0.0.2 lladdr $MAC1_COLONS dev v0 nud permanent
	ip -n B neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev v1 nud permanent
	ip -n B link add d0 up type "$KIND" peer name d1
	ip -n B link set d1 up
	prog tx frags tx
	prog redirect frags redirect:"$(ifindex B d0)"
	show_gso B v1 on
	attach B v1 tx
	for act in tx redirect; do
		attach B v1 $act
		gives 0 datagrams S B 40
	done
	gives "2 0 0 0" stat B v1 rx_queue_0_drops rx_queue_0_xdp_tx rx_queue_0_xdp_tx_errors rx_queue_0_xdp_redirect
	gives 0 sysfs B d1 statistics/rx_packets
	# One that need not be cut goes.
	gives 0 datagrams S B 1
	wait_for 5 eval '[ "$(sysfs B d1 statistics/rx_packets)" = 1 ]'
}

test_e3_no_longer_than_a_program_can_be_shown() {
	max() { ip -n S -d -j link show v0 | grep -o "\"$1\":[0-9]*" | cut -d: -f2; } # NAME

	ns S B
	ipv6_on S B
	joined S B
	ip -n S link set v0 gso_max_size 200000
	prog pieces frags count pass
	attach B v1 pieces
	gives "524280 200000" eval 'echo $(max tso_max_size) $(max gso_max_size)'
	show_gso B v1 on
	gives "65536 65536" eval 'echo $(max tso_max_size) $(max gso_max_size)'
	refused "" ip -n S link set v0 gso_max_size 65537
	gives "5000000 whole" frames tcp S B v1 5000000 fd00::2
	gives "0" stat B v1 rx_queue_0_drops
	detach B v1
	gives 524280 max tso_max_size
	ip -n S link set v0 gso_max_size 200000
}

test_e3_switched_under_traffic() {
	local n

	ns S B
	joined S B
	prog pieces frags pass
	prog one pass
	while :; do
		python3 "$TESTS/gro.py" tcp S B 10.0.0.2 1000000
	done >/dev/null 2>&1 &
	TRAFFIC+=($!)
	wait_for 60 busy
	for n in $(rounds 20); do
		attach B v1 pieces
		show_gso B v1 on
		attach B v1 one
		attach B v1 pieces
		show_gso B v1 off
		detach B v1
		show_gso B v1 "$( ((n % 2)) && echo on || echo off)"
	done
	quiet
	attach B v1 pieces
	show_gso B v1 on
	gives "1000000 whole" frames tcp S B v1 1000000
	detach B v1
	gives on feature S v0 tx-gso-list
	gives 524280 eval "ip -n S -d -j link show v0 | grep -o '\"tso_max_size\":[0-9]*' | cut -d: -f2"
}
