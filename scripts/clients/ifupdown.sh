# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Debian's ifupdown, by commands in the file of interfaces.
# shellcheck disable=SC2034
PACKAGES="ifupdown"

test_up_and_down() {
	ip netns add a
	cat >/tmp/interfaces <<-'TXT'
		auto v0
		iface v0 inet static
			address 10.6.0.1/24
			pre-up ip link add v0 type veth peer name v1 netns a
			post-down ip link del v0

		auto m0
		iface m0 inet static
			address 10.6.1.1/24
			pre-up ip link add link v0 name m0 type macvlan mode bridge
			post-down ip link del m0
	TXT
	ifup --interfaces=/tmp/interfaces -a
	ip -n a address add 10.6.0.2/24 dev v1
	ip -n a address add 10.6.1.2/24 dev v1
	ip -n a link set v1 up
	reaches a 10.6.0.1
	reaches a 10.6.1.1
	ip netns add here
	ip link set m0 netns here
	is_ours_or_not here m0 macvlan
	ip -n here link set m0 netns 1
	ip link set m0 up
	ifdown --interfaces=/tmp/interfaces m0 v0
	! ip link show v0 2>/dev/null || fail "v0 is still there"
	! ip link show m0 2>/dev/null || fail "m0 is still there"
}
