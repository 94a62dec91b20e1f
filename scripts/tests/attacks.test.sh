# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A container's root tries to get past the guard of his link.
# shellcheck disable=SC2034,SC2153
KINDS=rnetvirt
LIMIT=240
TAKES=100
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

ALL=mac,ip,arp,ra,dhcp-server
LIST=10.0.0.1,fd00::1,fe80::1,00:00:5e:00:01:07

# guarded FLAVOR WORDS...: v0 in A with a guard, v1 in B beside it; both on eth0 in S, whose wire ends in W.
guarded() {
	ns S W A B
	ipv6_on A
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor "$@" guard $ALL guard-addr set $LIST
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor "$@"
	ip -n A link set v0 up
	ip -n B link set v1 up
}

attack() {
	local got

	got=$(python3 "$TESTS/attack.py" "$@")
	note "$got"
	[[ $got =~ ^all\ [0-9]+$ ]] || fail "attack.py $*"
}

# Nobody sees what is bad, and what is good passes.
against() {
	guarded "$@"
	attack bad A v0 W/wire0 S/eth0 B/v1
	attack good A v0
}

test_macvlan_bridge() { against macvlan mode bridge; }

test_macvlan_vepa() { against macvlan mode vepa; }

test_macvlan_private() { against macvlan mode private; }

# Where the host is a destination it is the guard alone that keeps a frame from it.
test_macvlan_beside_the_host() { against macvlan mode bridge host on; }

test_ipvlan_beside_the_host() { against ipvlan mode l2 host on; }

test_macvlan_passthru() {
	ns S W A B
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor macvlan mode passthru \
		guard $ALL guard-addr set $LIST
	ip -n A link set v0 up
	attack bad A v0 W/wire0 S/eth0
	attack good A v0
}

test_ipvlan_l2() { against ipvlan mode l2; }

test_ipvlan_l2_trusted() { against ipvlan mode l2 trust on; }

test_ipvlan_l3() {
	guarded ipvlan mode l3
	attack bad A v0 W/wire0 S/eth0 B/v1
}

test_ipvlan_l3_without_addresses() {
	local ALL=mac,arp,ra,dhcp-server

	guarded ipvlan mode l3
	attack said A v0 W/wire0 S/eth0 B/v1
}

test_macvtap() {
	ns S W B
	wired S W
	ip -n S link add link eth0 name t0 index 101 type rnetvirt flavor macvtap mode bridge \
		guard $ALL guard-addr set $LIST
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor macvlan mode bridge
	ip -n S link set t0 up
	ip -n B link set v1 up
	attack tap bad S t0 /dev/tap101 W/wire0 B/v1
	attack tap good S t0 /dev/tap101
}

# held MODE: m0 in a container, with a guard; the container's root may do there what he likes.
held() {
	ns S W
	wired S W
	container
	ip -n S link add link eth0 name m0 address 02:00:00:00:00:01 netns $CONTAINER type rnetvirt \
		flavor macvlan mode "${1:-bridge}" guard $ALL guard-addr set 10.0.0.1
	inside ip addr add 10.0.0.1/24 dev m0
	inside ip link set m0 up
	ip -n W addr add 10.0.0.3/24 dev wire0
	wait_for 10 inside ping -q -c 1 -W 1 10.0.0.3
}

stopped() { inside ethtool -S m0 | awk '/ tx_guard_/ { n += $2 } END { print n }'; }

# nothing_gets_out: and the guard is why.
nothing_gets_out() {
	local before

	before=$(stopped)
	not inside ping -q -c 2 -i 0.2 -W 1 10.0.0.3 >/dev/null || fail "the answer came"
	(($(stopped) > before)) || fail "the guard stopped nothing"
}

# limited: m0 in a container, which may send 20 packets and then one a second.
limited() {
	ns S W
	wired S W
	container
	ip -n S link add link eth0 name m0 address 02:00:00:00:00:01 netns $CONTAINER type rnetvirt \
		flavor macvlan mode bridge limit tx-pps 1 tx-pps-burst 20 broadcast 1
	inside ip addr add 10.0.0.1/24 dev m0
	inside ip link set m0 up
	inside ip neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev m0
}

# got_out CMD...: how many frames came out by the wire while it ran.
got_out() {
	local before

	before=$(sysfs W wire0 statistics/rx_packets)
	"$@" >/dev/null 2>&1 || true
	echo $(($(sysfs W wire0 statistics/rx_packets) - before))
}

flood() {
	inside python3 -c '
import socket
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(300):
    out.sendto(bytes(100), ("10.0.0.3", 9))'
}

# used_up: what may be sent was sent, and no more.
used_up() {
	local got

	got=$(got_out flood)
	((got >= 15 && got <= 30)) || fail "$got frames were sent"
}

# nothing_more CMD...: it gets out what time alone allows.
nothing_more() {
	local got

	got=$(got_out "$@")
	((got <= 10)) || fail "$got frames were sent"
}

test_limits_are_not_got_round() {
	limited
	used_up
	refused "limits need CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt limit off
	refused "limits need CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt mode vepa limit tx-pps 9
	nothing_more flood
	# Another mode, another address, down and up.
	inside ip link set m0 type rnetvirt mode vepa
	inside ip link set m0 down
	inside ip link set m0 address 02:00:00:00:00:77
	inside ip link set m0 up
	inside ip neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev m0
	nothing_more flood
	# Links on top.
	needs 8021q
	inside ip link add link m0 name i0 type rnetvirt flavor ipvlan mode l2
	inside ip addr flush dev m0
	inside ip addr add 10.0.0.1/24 dev i0
	inside ip link set i0 up
	inside ip neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev i0
	nothing_more flood
	inside ip link del i0
	inside ip link add link m0 name m0.5 type vlan id 5
	inside ip addr add 10.0.0.1/24 dev m0.5
	inside ip link set m0.5 up
	inside ip neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev m0.5
	nothing_more flood
}

test_limits_stay_in_another_namespace() {
	limited
	used_up
	nsenter -t $CONTAINER -U --preserve-credentials unshare -n sleep 600 &
	OTHER=$!
	wait_for 10 grep -q sleep /proc/$OTHER/comm
	inside ip link set m0 netns $OTHER
	CONTAINER=$OTHER
	inside ip addr add 10.0.0.1/24 dev m0
	inside ip link set m0 up
	inside ip neigh replace 10.0.0.3 lladdr 02:00:00:00:0b:00 dev m0
	nothing_more flood
	refused "limits need CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt limit off
}

# Segments count as they are cut in the end, whatever the sender says of their number.
test_small_segments_use_limits_up() {
	ns S W A
	wired S W
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor macvlan limit tx-pps 10 tx-pps-burst 100
	ip -n A link set v0 up
	python3 - <<-PY
		import socket, sys
		sys.path.insert(0, "$TESTS")
		from frames import SOL_PACKET, mac_of
		from rate import PACKET_VNET_HDR, segments
		from inside import inside
		data = segments(bytes.fromhex("$WIRE_MAC"), mac_of("A", "v0"), 1054, 4)
		with inside("A"):
		    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		    out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
		    out.bind(("v0", 0))
		# 250 segments each: the burst is used up by the first.
		out.send(data)
		try:
		    out.send(data)
		except OSError:
		    sys.exit(0)
		sys.exit("the second was sent")
	PY
}

# What is small and looks like ARP gets a packet through now and then, and no more.
test_pretended_arp_is_not_unlimited() {
	limited
	used_up
	inside python3 - <<-PY
		import socket, sys
		out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		out.bind(("m0", 0))
		data = bytes.fromhex("020000000b00" "020000000001" "0806") + bytes(200)
		sent = 0
		for _ in range(1000):
		    try:
		        out.send(data)
		        sent += 1
		    except OSError:
		        pass
		if not 40 <= sent <= 120:
		    sys.exit(f"{sent} were sent")
	PY
}

test_the_guard_is_not_taken_off() {
	held
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt guard off
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt guard-addr add 10.0.0.9
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt guard-addr flush
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt mode vepa guard off
	grep -q " mode bridge " <<<"$(inside ip -d link show m0)" || fail "half of the change was made"
	not grep -q guard <<<"$(inside ip -d link show m0)" || fail "he sees it"
	grep -q "guard $ALL guard-addr 10.0.0.1 " <<<"$(nsenter -t $CONTAINER -n ip -d link show m0)" ||
		fail "the administrator does not see it"
}

test_another_mac_address_gets_nothing_out() {
	held
	inside ip link set m0 down
	inside ip link set m0 address 02:00:00:00:00:77 up
	nothing_gets_out
	inside ip link set m0 down
	inside ip link set m0 address 02:00:00:00:00:01 up
	wait_for 10 inside ping -q -c 1 -W 1 10.0.0.3
}

test_another_address_gets_nothing_out() {
	held
	inside ip addr flush dev m0
	inside ip addr add 10.0.0.9/24 dev m0
	nothing_gets_out
}

test_another_mode_changes_nothing() {
	held
	inside ip link set m0 type rnetvirt mode vepa
	inside ip addr flush dev m0
	inside ip addr add 10.0.0.9/24 dev m0
	nothing_gets_out
}

test_a_link_on_top_gets_nothing_out() {
	held
	needs 8021q
	inside ip link add link m0 name m0.5 address 02:00:00:00:00:88 type vlan id 5
	inside ip addr flush dev m0
	inside ip addr add 10.0.0.9/24 dev m0.5
	inside ip link set m0.5 up
	nothing_gets_out
	inside ip link del m0.5
	inside ip link add link m0 name i0 type rnetvirt flavor ipvlan mode l2
	inside ip addr add 10.0.0.9/24 dev i0
	inside ip link set i0 up
	nothing_gets_out
}

test_no_link_beside_it() {
	held
	refused "CAP_NET_ADMIN is required" inside ip link add link m0 name m1 type rnetvirt flavor macvlan
	inside ip link del m0
	refused "Cannot find device" inside ip link add link m0 name m1 type rnetvirt flavor macvlan
}

test_another_namespace_changes_nothing() {
	held
	nsenter -t $CONTAINER -U --preserve-credentials unshare -n sleep 600 &
	OTHER=$!
	wait_for 10 grep -q sleep /proc/$OTHER/comm
	inside ip link set m0 netns $OTHER
	CONTAINER=$OTHER
	inside ip addr add 10.0.0.9/24 dev m0
	inside ip link set m0 up
	nothing_gets_out
	refused "needs CAP_NET_ADMIN in the lower device" inside ip link set m0 type rnetvirt guard off
}

# asked_for FLAVOR WORDS...: m0 in a container, beside v0 in A and v1 in B, which has 10.0.0.2; the gateway is on the wire,
# 10.0.0.3. Requests for who is known are suppressed.
asked_for() {
	ns S W A B
	ipv6_on S W A B
	wired S W
	container
	inside sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	ip -n S link add link eth0 name v0 netns A type rnetvirt flavor "$@" guard-addr set 10.0.0.1,fd00::1 suppress on
	ip -n S link add link eth0 name v1 netns B type rnetvirt flavor "$@" guard-addr set 10.0.0.2,fd00::2
	ip -n S link add link eth0 name m0 netns $CONTAINER type rnetvirt flavor "$@" guard-addr set 10.0.0.9
	addressed A B
	inside ip addr add 10.0.0.9/24 dev m0
	inside ip link set m0 up
	ip -n W addr add 10.0.0.3/24 dev wire0
	ip -n W addr add fd00::3/64 dev wire0 nodad
	OWN=$(sysfs A v0 address | tr -d :) GATEWAY=020000000b00
}

suppressed() { in_ns A ethtool -S v0 | awk '$1 == "suppressed:" { print $2 }'; }

# claims ADDRESS: by ARP, as a request and as an answer.
claims() {
	inside python3 - <<-PY
		import socket, struct
		out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		out.bind(("m0", 0))
		own, addr = out.getsockname()[4], socket.inet_aton("$1")
		for op in 1, 2:
		    out.send(b"\xff" * 6 + own + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, op) + own + addr + own + addr)
	PY
}

# What a tenant gives his own link, or says, does not keep questions from who has the address.
test_an_address_that_was_taken_is_not_answered_for() {
	local flavor

	for flavor in "macvlan mode bridge" "ipvlan mode l2"; do
		asked_for $flavor
		# The gateway's; and a sibling's, as far as he may.
		inside ip addr add 10.0.0.3/24 dev m0
		inside ip addr add fd00::3/64 dev m0 nodad
		inside ip addr add 10.0.0.2/24 dev m0 2>/dev/null || true
		claims 10.0.0.3
		claims 10.0.0.2
		[[ "$(seeks A v0 arp,$OWN,10.0.0.1,10.0.0.3 2 A/v0 W/wire0)" == *"A/v0 told 10.0.0.3 is $GATEWAY"*"W/wire0 asked"* ]] ||
			fail "$flavor: the gateway was not asked"
		[[ "$(seeks A v0 ns,$OWN,fd00::1,fd00::3 2 A/v0 W/wire0)" == *"A/v0 told fd00::3 is $GATEWAY"*"W/wire0 asked"* ]] ||
			fail "$flavor: the gateway was not asked"
		same "$flavor: suppressed" "$(suppressed)" 0
		# The sibling's is what the administrator has said.
		gives "A/v0 told 10.0.0.2 is $(sysfs B v1 address | tr -d :)" seeks A v0 arp,$OWN,10.0.0.1,10.0.0.2 1 A/v0 B/v1 W/wire0
		printf 'netns del %s\n' S W A B | ip -batch -
		kill $CONTAINER
		wait $CONTAINER || true
	done
}

# He takes the gateway's MAC address, a sibling's: he is told of nothing but his own question.
test_an_answer_is_for_who_asks() {
	local got

	asked_for macvlan mode bridge
	got=$(python3 - <<-PY
		import ctypes, os, socket, sys
		sys.path.insert(0, "$TESTS")
		from frames import ETH_P_ALL, packet_socket, question, told
		what = "arp,$OWN,10.0.0.1,10.0.0.2"
		places = {place: packet_socket(*place.split("/"), ETH_P_ALL) for place in ("A/v0", "B/v1", "W/wire0", "S/eth0")}
		for sock in places.values():
		    sock.setblocking(False)
		child = os.fork()
		if not child:
		    for name in ("user", "net"):
		        file = os.open(f"/proc/$CONTAINER/ns/{name}", os.O_RDONLY)
		        if ctypes.CDLL(None).setns(file, 0):
		            os._exit(2)
		    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		    out.bind(("m0", ETH_P_ALL))
		    out.settimeout(0.5)
		    # Half of them say another protocol beside the frame than in it.
		    other = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
		    other.bind(("m0", 0x88b5))
		    answers = 0
		    for _ in range(50):
		        out.send(question(what)[0])
		        other.send(question(what)[0])
		    try:
		        while True:
		            data, address = out.recvfrom(1 << 16)
		            answers += address[2] != 4 and told(data, what) is not None
		    except TimeoutError:
		        pass
		    os._exit(0 if answers == 100 else 1)
		_, status = os.waitpid(child, 0)
		if status:
		    print("not one answer for each of his requests")
		for place, sock in places.items():
		    try:
		        while True:
		            data = sock.recv(1 << 16)
		            if told(data, what) or data == question(what)[0]:
		                print(place, "heard of it")
		    except BlockingIOError:
		        pass
	PY
	)
	same "what others hear" "$got" ""
	same "counted" "$(inside ethtool -S m0 | awk '$1 == "suppressed:" { print $2 }')" 100
}

# What the guard drops is not answered.
test_a_guard_comes_before_answers() {
	asked_for macvlan mode bridge
	ip -n A link set v0 type rnetvirt guard $ALL
	gives "nobody" seeks A v0 arp,020000000077,10.0.0.1,10.0.0.2 0 A/v0 B/v1 W/wire0
	gives "nobody" seeks A v0 arp,$OWN,10.0.0.3,10.0.0.2 0 A/v0 B/v1 W/wire0
	gives "nobody" seeks A v0 ns,$OWN,fd00::3,fd00::2 0 A/v0 B/v1 W/wire0
	same "suppressed" "$(suppressed)" 0
	gives "A/v0 told 10.0.0.2 is $(sysfs B v1 address | tr -d :)" seeks A v0 arp,$OWN,10.0.0.1,10.0.0.2 1 A/v0 B/v1 W/wire0
}
