# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Which end goes where (statements A22), and what is seen across namespaces
# (A38, A39, H9).

# where NS_OF_FOO NS_OF_PEER OPTIONS...: "ip link add OPTIONS" run in S; the dev
# is foo, the peer is the other one.
where() {
	local foo=$1 peer=$2 ns

	shift 2
	ip -n S link add "$@"
	has "$foo" foo || fail "$*: foo is not in $foo"
	for ns in S A B C; do
		case $ns in
		"$foo" | "$peer") ;;
		*) empty $ns || fail "$*: something is in $ns: $(names $ns)" ;;
		esac
	done
	if [ "$foo" = "$peer" ]; then
		same "$*: devices in $foo" "$(names "$foo" | wc -w)" 2
	else
		same "$*: devices in $foo" "$(names "$foo")" foo
		same "$*: devices in $peer" "$(names "$peer" | wc -w)" 1
	fi
	ip -n "$foo" link del foo
	empty S A B C || fail "$*: something is left"
}

test_a22_namespaces_of_the_ends() {
	ns S A B C
	# link-netns is an id, and one that the kernel looks up where the dev goes.
	in_ns S ip netns set B 7
	in_ns A ip netns set B 7
	where S S foo type "$KIND"
	where A A netns A name foo type "$KIND"
	where A S netns A name foo type "$KIND" peer name bar
	where S B link-netns B name foo type "$KIND"
	where A A netns A link-netns B name foo type "$KIND"
	where S C foo type "$KIND" peer netns C
	where A C netns A link-netns B name foo type "$KIND" peer netns C
}

# process_in NETNS: leaves a process there, and its number in $pid.
process_in() {
	# Not in_ns: $! is to be the process itself.
	nsenter --net="/run/netns/$1" sleep 1000 &
	pid=$!
	wait_for 5 test "/proc/$pid/ns/net" -ef "/run/netns/$1"
}

test_a22_by_pid() {
	ns S A
	process_in A
	gives OK rtnl S new kind:"$KIND" name:foo peer nspid:"$pid" name:bar end
	gives foo names S
	gives bar names A
}

test_a22_needs_capability_over_the_peers_namespace() {
	local got

	ns A
	# A user namespace of its own has no rights over A.
	# shellcheck disable=SC2016
	got=$(unshare -Urn sh -c '"$0" new kind:"$1" name:foo peer nsfd:/run/netns/A name:bar end
		ip -o link show' "$TESTS/rtnl.py" "$KIND")
	case $got in
	EPERM*foo*) fail "refused, but foo exists: $got" ;;
	EPERM*) ;;
	*) fail "got '$got', wanted EPERM" ;;
	esac
	empty A
}

test_a34_unknown_and_double_selectors() {
	ns S A B
	errno "EINVAL Unknown network namespace id" S new kind:"$KIND" name:foo linknsid:99
	errno "EINVAL multiple netns identifying attributes specified" \
		S new kind:"$KIND" name:foo nsfd:/run/netns/A nspid:1
	# Not checked for the peer: the pid, then the descriptor.
	process_in A
	gives OK rtnl S new kind:"$KIND" name:foo peer nsfd:/run/netns/B nspid:"$pid" name:bar end
	gives bar names A
}

test_a38_iflink_and_netnsid() {
	local id

	ns S B
	ip -n S link add foo type "$KIND" peer name bar
	gives "$(ifindex S bar) -" rtnl S get foo link link_netnsid
	ip -n S link set bar netns B
	id=$(in_ns S ip netns list-id | sed -n 's/^nsid \([0-9]*\).*(iproute2 netns name: B).*/\1/p')
	[ "$id" ] || fail "B has no id in S"
	gives "$(ifindex B bar) $id" rtnl S get foo link link_netnsid
	same "iflink of bar" "$(rtnl B get bar link)" "$(ifindex S foo)"
	[ "$(rtnl B get bar link_netnsid)" != - ] || fail "no netnsid on bar"
	# Back in one namespace: no id again.
	ip -n B link set bar netns S
	gives "$(ifindex S bar) -" rtnl S get foo link link_netnsid
}

test_a38_same_index_in_both_namespaces() {
	ns S B
	gives OK rtnl S new kind:"$KIND" index:30 name:foo peer index:30 nsfd:/run/netns/B name:bar end
	gives 30 ifindex S foo
	gives 30 ifindex B bar
	gives "30 0" rtnl S get foo link link_netnsid
	gives 30 rtnl B get bar link
}

test_a40_both_ends_can_move() {
	ns S A B
	ip -n S link add foo type "$KIND" peer name bar
	gives "0 0" rtnl S get foo netns_immutable netns_immutable
	ip -n S link set foo netns A
	ip -n S link set bar netns B
	gives foo names A
	gives bar names B
	empty S
}

test_h9_a_move_closes_and_keeps_the_pair() {
	local before

	ns S A B
	joined S B
	in_ns S ping -q -c 3 -i 0.05 -W 5 10.0.0.2
	before=$(counters S v0)
	ip -n S link set v0 netns A
	# Down, carrier gone on both, counters kept.
	gives "BROADCAST,MULTICAST DOWN" state A v0
	gives "0" sysfs B v1 carrier
	same "counters after the move" "$(counters A v0)" "$before"
	ip -n A addr add 10.0.0.1/24 dev v0
	ip -n A link set v0 up
	wait_for 5 in_ns A ping -q -c 1 -W 1 10.0.0.2
	gives 1 sysfs B v1 carrier
}
