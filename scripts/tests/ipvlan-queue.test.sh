# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Packets of links that are not trusted, which a rule of the lower device's namespace
# gives to user space (NFQUEUE), and which come back when things have changed.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=300
# shellcheck source=/dev/null
. "$TOP/scripts/tests/ipvlan.sh"

# queues HOOK...: S has a rule for what is sent to port 9999 at each.
queues() {
	local hook

	modprobe -a nft_queue nfnetlink_queue || skip "no NFQUEUE"
	in_ns S nft add table inet q
	for hook; do
		in_ns S nft "add chain inet q $hook { type filter hook $hook priority 0; }"
		in_ns S nft add rule inet q "$hook" udp dport 9999 queue num 7
	done
}

# setup_queue MODE HOOK...: as ip_pair; what arrives is counted, and a neighbour that
# all addresses lead to is on the wire.
setup_queue() {
	local ns n

	ip_pair "$1"
	queues "${@:2}"
	for ns in W A B; do
		in_ns $ns nft -f - <<-TXT
			table inet w {
				chain pre {
					type filter hook prerouting priority 0;
					udp dport 9999 counter
				}
			}
		TXT
	done
	for n in 10.0.0.1 10.0.0.2 10.0.0.3 fd00::1 fd00::2 fd00::3; do
		ip -n S neigh replace $n lladdr "$(sysfs W wire0 address)" dev eth0
	done
}

# arrived: how many packets at W, A and B.
arrived() {
	local ns

	for ns in W A B; do
		if names $ns >/dev/null 2>&1; then
			in_ns $ns nft list table inet w | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p'
		fi
	done | xargs
}

# keep COUNT: so many packets are taken from the queue, and kept until let_go.
keep() {
	rm -f "$WORK/go" "$WORK/kept"
	nsenter --net=/run/netns/S "$TOP/scripts/tests/nfqueue.py" 7 "$1" "$WORK/go" >"$WORK/kept" &
	KEEPER=$!
	wait_for 10 grep -qs bound "$WORK/kept"
}

kept() { wait_for 10 grep -q kept "$WORK/kept"; }

# let_go WANTED: they may pass; what became of them.
let_go() {
	touch "$WORK/go"
	wait $KEEPER
	same "packets that user space lets pass" "$(tail -n 1 "$WORK/kept")" "$1"
}

# both_sent LAST: v0 in A sends one of each version of IP to the address that ends so.
both_sent() {
	gives sent frames packet A v0 10.0.0.1 "10.0.0.$1"
	gives sent frames packet A v0 fd00::1 "fd00::$1"
}

# held MODE HOOK LAST: two packets to the address that ends so wait at that hook.
held() {
	setup_queue "$1" "$2"
	keep 2
	both_sent "$3"
	kept
	gives "0 0 0" arrived
}

test_they_arrive_when_they_may_pass() {
	local mode hook

	for mode in l3 l3s; do
		for hook in output postrouting; do
			# To a sibling, and to the wire.
			held $mode $hook 2
			let_go "accepted 2 gone 0"
			wait_for 5 shows "0 0 2" arrived
			printf 'netns del %s\n' S W A B | ip -batch -
			held $mode $hook 3
			let_go "accepted 2 gone 0"
			wait_for 5 shows "2 0 0" arrived
			printf 'netns del %s\n' S W A B | ip -batch -
		done
		# One rule keeps what the other has let pass.
		setup_queue $mode output postrouting
		keep 2
		both_sent 2
		kept
		gives "0 0 0" arrived
		let_go "accepted 4 gone 0"
		wait_for 5 shows "0 0 2" arrived
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_nobody_listens() {
	setup_queue l3 output
	both_sent 2
	both_sent 3
	in_ns S nft flush chain inet q output
	in_ns S nft add rule inet q output udp dport 9999 queue num 7 bypass
	both_sent 2
	wait_for 5 shows "0 0 2" arrived
	both_sent 3
	wait_for 5 shows "2 0 2" arrived
}

test_they_outlast_the_sender() {
	local hook

	for hook in output postrouting; do
		held l3 $hook 2
		ip -n A link del v0
		let_go "accepted 2 gone 0"
		wait_for 5 shows "0 0 2" arrived
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_they_outlast_the_receiver() {
	# Where the rule lets them pass before they have a receiver, the wire has them.
	held l3 output 2
	ip -n B link del v1
	let_go "accepted 2 gone 0"
	wait_for 5 shows "2 0 0" arrived
	printf 'netns del %s\n' S W A B | ip -batch -
	# Behind the last rule they were for that one only.
	held l3 postrouting 2
	ip -n B link del v1
	let_go "accepted 2 gone 0"
	sleep 0.3
	gives "0 0 0" arrived
}

test_the_receiver_is_another_one_by_then() {
	local hook

	for hook in output postrouting; do
		held l3 $hook 2
		ip -n B link set v1 down
		endpoint S eth0 v2 l3 netns A
		ip -n B addr flush dev v1
		ip -n A link set v2 up
		ip -n A addr add 10.0.0.2/32 dev v2
		ip -n A addr add fd00::2/128 dev v2 nodad
		let_go "accepted 2 gone 0"
		wait_for 5 shows "0 2 0" arrived
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_the_receiver_is_private_by_then() {
	held l3 output 2
	change B v1 private
	let_go "accepted 2 gone 0"
	sleep 0.3
	gives "0 0" eval 'arrived | cut -d " " -f 2-'
}

test_they_outlast_the_port() {
	local hook

	for hook in output postrouting; do
		held l3 $hook 2
		ip -n A link del v0
		ip -n B link del v1
		let_go "accepted 2 gone 0"
		sleep 0.3
		gives "0 0" eval 'arrived | cut -d " " -f 2-'
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}

test_the_lower_device_goes() {
	held l3 output 2
	ip -n S link del eth0
	let_go "accepted 0 gone 2"
	gives 0 eval "names A | grep -cw v0 || true"
}

test_the_namespace_goes() {
	held l3 output 2
	kill $KEEPER
	wait $KEEPER || true
	printf 'netns del %s\n' S W A B | ip -batch -
}

test_the_module_goes() {
	local hook

	for hook in output postrouting; do
		held l3 $hook 2
		rmmod rnetvirt
		let_go "accepted 0 gone 2"
		insmod "$(module_file rnetvirt)"
		printf 'netns del %s\n' S W A B | ip -batch -
	done
}
