# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# ipvlan: whose an address is (ipvlan's statements D).
# shellcheck disable=SC2034,SC2153
KINDS="ipvlan rnetvirt"
LIMIT=240
TAKES=26
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

# taken NETNS DEVICE ADDRESS: refused, because a sibling has it.
taken() {
	case $KIND in
	rnetvirt) refused "the address is in use by v" ip -n "$1" addr add "$3" dev "$2" ;;
	*) refused "already assigned to an ipvlan device" ip -n "$1" addr add "$3" dev "$2" ;;
	esac
}

test_d3_an_address_is_one_links() {
	ip_pair l2
	taken B v1 10.0.0.1/24
	taken B v1 fd00::1/64
	# Also with another mask, on the link itself.
	taken A v0 10.0.0.1/16
	# Also of one that is down.
	ip -n A link set v0 down
	taken B v1 10.0.0.1/24
	ip -n A link set v0 up
	ip -n A addr add fd00::1/64 dev v0 nodad
	both_reach W 1
	# Free again.
	ip -n A addr del 10.0.0.1/24 dev v0
	ip -n B addr add 10.0.0.1/24 dev v1
	reaches W 10.0.0.1
	gives "" in_ns A ip -4 -br addr show v0
}

test_d3_a_refusal_names_only_who_may_be_seen() {
	[ "$KIND" = rnetvirt ] || skip "it names nobody"
	ns S A
	wired S A
	endpoint S eth0 customer1 l2 netns A
	ip -n A addr add 10.0.0.1/24 dev customer1
	container
	endpoint S eth0 v0 l2
	ip -n S link set v0 netns "$CONTAINER"
	# By who may administer both, by its root, and by its neighbour in the same namespace.
	refused "the address is in use by customer1" nsenter -t "$CONTAINER" -n ip addr add 10.0.0.1/24 dev v0
	gives "Error: the address is in use." said inside ip addr add 10.0.0.1/24 dev v0
	inside ip addr add 10.0.0.2/24 dev v0
	endpoint S eth0 v1 l2
	ip -n S link set v1 netns "$CONTAINER"
	refused "the address is in use by v0" inside ip addr add 10.0.0.2/24 dev v1
}

# said CMD...: what it says, and that it fails.
said() { ! "$@" 2>&1; }

test_d4_other_lower_devices_do_not_count() {
	ip_pair l2
	needs dummy
	ip -n S link add d0 up type dummy
	endpoint S d0 w0 l2 up
	ip -n S addr add 10.0.0.1/24 dev w0
	# And the lower device's own addresses do not, either, where links are trusted.
	ip -n S addr add 10.0.0.7/24 dev eth0
	[ "$KIND" = ipvlan ] || change A v0 trust on
	ip -n A addr add 10.0.0.7/24 dev v0
	gives "10.0.0.7/24" first_address A v0 10.0.0.7
}

first_address() { in_ns "$1" ip -4 -o addr show dev "$2" to "$3" | awk '{ print $4 }'; }

test_d13_down_and_up() {
	ip_pair l2
	both_reach W 1
	ip -n A link set v0 down
	both_silent W 1
	ip -n A link set v0 up
	ip -n A addr replace fd00::1/64 dev v0 nodad
	both_reach W 1
}

test_d13_addresses_that_stay_while_down() {
	ip_pair l2
	in_ns A sysctl -qw net.ipv6.conf.v0.keep_addr_on_down=1
	reaches W fd00::1
	ip -n A link set v0 down
	silent W fd00::1
	ip -n A link set v0 up
	reaches W fd00::1
}

test_d13_an_address_given_while_down() {
	ip_pair l2
	ip -n A link set v0 down
	ip -n A addr add 10.0.0.5/24 dev v0
	silent W 10.0.0.5
	ip -n A link set v0 up
	reaches W 10.0.0.5
}

test_d16_automatic_addresses_differ() {
	local a b

	ip_pair l2
	a=$(ip -n A -6 -o addr show dev v0 scope link | awk '{ print $4 }')
	b=$(ip -n B -6 -o addr show dev v1 scope link | awk '{ print $4 }')
	[ "$a" ] && [ "$b" ] && [ "$a" != "$b" ] || fail "'$a' and '$b'"
	gives "0x1" sysfs A v0 dev_id
	gives "0x2" sysfs B v1 dev_id
	# A number is not soon somebody else's.
	ip -n A link del v0
	endpoint S eth0 v2 l2 netns A
	gives "0x3" sysfs A v2 dev_id
}

test_d8_addresses_go_with_a_move() {
	ip_pair l2
	ns C
	reaches W 10.0.0.1
	ip -n A link set v0 netns C
	ip -n C link set v0 up
	# It has lost them; a sibling may have them.
	ip -n B addr add 10.0.0.1/24 dev v1
	reaches W 10.0.0.1
	ip -n C addr add 10.0.0.6/24 dev v0
	reaches W 10.0.0.6
}

test_d9_addresses_from_a_router() {
	ip_pair l2
	in_ns A sysctl -qw net.ipv6.conf.v0.accept_dad=0
	gives "" in_ns A ip -6 -o addr show dev v0 to fd01::/64
	# As a router would say it.
	in_ns W "$TESTS/ra.py" wire0 fd01::
	wait_for 10 has_prefix A v0
	wait_for 10 has_prefix B v1
	ip -n W addr add fd01::ffff/64 dev wire0 nodad
	reaches W "$(prefix_address A v0)"
	reaches W "$(prefix_address B v1)"
}

prefix_address() { in_ns "$1" ip -6 -o addr show dev "$2" to fd01::/64 | awk '{ sub("/.*", "", $4); print $4; exit }'; }

has_prefix() { [ "$(prefix_address "$1" "$2")" ]; }

test_d20_churn_under_traffic() {
	local n pid

	ip_pair l2
	traffic W
	# Not of the solicited-node group of those that are to stay: the core joins that in a worker,
	# and if an address goes before, leaves it one time too often (seen with the C driver, too).
	(
		for n in $(rounds 60); do
			printf 'addr add 10.1.%s.1/24 dev v0\naddr add fd02::9:%s/64 dev v0 nodad\n' "$n" "$n"
		done
		for n in $(rounds 60); do
			printf 'addr del 10.1.%s.1/24 dev v0\naddr del fd02::9:%s/64 dev v0\n' "$n" "$n"
		done
	) >"$WORK/churn"
	for n in $(rounds 6); do
		ip -n A -batch "$WORK/churn"
	done
	# To and fro between two: never both, in the end one.
	for n in $(rounds 15); do
		ip -n A addr add 10.0.0.8/24 dev v0
		taken B v1 10.0.0.8/24
		ip -n A addr del 10.0.0.8/24 dev v0
		ip -n B addr add 10.0.0.8/24 dev v1
		ip -n B addr del 10.0.0.8/24 dev v1
	done
	quiet
	both_reach W 1
	both_reach W 2
}

test_d20_many_addresses() {
	local n

	ip_pair l2
	for n in $(rounds 3000); do
		echo "addr add 10.$((n / 65536 + 2)).$((n / 256 % 256)).$((n % 256))/32 dev v0"
	done | ip -n A -batch -
	ip -n W route add 10.2.0.0/16 dev wire0
	reaches W 10.2.1.7
	ip -n A addr flush dev v0
	silent W 10.2.1.7
	both_reach W 2
}
