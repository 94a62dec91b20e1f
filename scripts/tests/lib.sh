# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests are written with. A test is a function test_NAME that runs in a
# process of its own under set -e, with KIND and KERNEL set; its namespaces and
# processes are removed afterwards. Any failing command fails it.

export TESTS=$TOP/scripts/tests
: "${KIND:?}" "${KERNEL:?}" "${WORK:?}"

fail() {
	echo "failed: $*" >&2
	exit 1
}

skip() {
	echo "$*"
	# What a command of the test's ends with is no skip.
	: >"$WORK/skipped"
	exit 4
}

# note TEXT: shown beside a passed test as well.
note() { echo "# $*"; }

# same WHAT GOT WANTED
same() {
	[ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# gives WANTED CMD...: the command succeeds and prints exactly that.
gives() {
	local wanted=$1 got

	shift
	got=$("$@") || fail "$*: status $?, output '$got'"
	same "$*" "$got" "$wanted"
}

# shows TEXT CMD...: whether that is the command's output; for wait_for, as gives ends the test.
shows() { [ "$("${@:2}" 2>&1)" = "$1" ]; }

# refused TEXT CMD...: the command fails and its output contains TEXT.
refused() {
	local text=$1 got

	shift
	if got=$("$@" 2>&1); then
		fail "$*: was to fail with '$text', but succeeded: $got"
	fi
	case $got in
	*"$text"*) ;;
	*) fail "$*: got '$got', wanted '$text'" ;;
	esac
}

# rounds N: N for the driver under test, a third for the one it is compared with.
rounds() {
	if [ "$KIND" = rnetvirt ]; then
		seq "$1"
	else
		seq $((($1 + 2) / 3))
	fi
}

# wait_for SECONDS CMD...: until the command succeeds.
wait_for() {
	local limit=$1 end

	shift
	# The limits are for a kernel without checks; a slow one gets more.
	! has_checks "$KERNEL" || limit=$((limit * 5))
	end=$((SECONDS + limit))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || fail "still not after $limit s: $*"
		sleep 0.05
	done
}

not() { ! "$@"; }

# shellcheck source=/dev/null
. "$TOP/scripts/tests/ask.sh"

# ns NAME...: fresh namespaces, with quiet links: without IPv6 nothing is sent
# that a test would count.
ns() { ask - nsadd "$@"; }

# ip is a process that stays, see resident.c; `command ip` is a process of its own, which
# what runs beside the test must have.
if [ "${RESIDENT_IP:-}" ]; then
	ip() {
		if [ "${1-}" = -n ]; then
			resident "$2" ip "${@:3}"
		else
			resident - ip "$@"
		fi
	}
fi

in_ns() {
	case ${RESIDENT_IP:-}:$2 in
	1:ip) resident "$@" ;;
	*) nsenter --net="/run/netns/$1" "${@:2}" ;;
	esac
}

# ipv6_on NETNS...: before links are made there.
ipv6_on() {
	local name

	IPV6=1
	for name; do
		ask "$name" ipv6 on
	done
}

rtnl() { ask "$@"; }            # NETNS get DEVICE KEY... | OPERATION TOKEN...
frames() { ask - frames "$@"; } # SCENARIO ARGUMENTS...

# sysfs NETNS DEVICE FILE...: the files' contents on one line.
sysfs() { ask "$1" sysfs "${@:2}"; }

ifindex() { ask "$1" ifindex "$2"; } # NETNS DEVICE

# names NETNS: its devices but lo, in the order of their ifindex.
names() { ask "$1" names; }

has() { ask "$1" has "${@:2}"; } # NETNS DEVICE...

empty() { # NETNS...
	local ns

	for ns; do
		[ -z "$(names "$ns")" ] || return 1
	done
}

# state NETNS DEVICE: as ip shows it, e.g. "BROADCAST,MULTICAST,UP,LOWER_UP UP".
state() { ask "$1" state "$2"; }

# counters NETNS DEVICE: "tx_packets tx_bytes tx_dropped rx_packets rx_bytes rx_dropped"
counters() {
	sysfs "$1" "$2" statistics/{tx,rx}_{packets,bytes,dropped}
}

# joined NETNS1 NETNS2 [OUTER OPTIONS...]: v0 and v1 between them, up, with
# 10.0.0.1/24 and 10.0.0.2/24, fd00::1/64 and fd00::2/64 where IPv6 is on.
joined() {
	local a=$1 b=$2

	shift 2
	ip -n "$a" link add v0 address 02:00:00:00:00:01 "$@" type "$KIND" \
		peer name v1 netns "$b" address 02:00:00:00:00:02 "$@"
	addressed "$a" "$b"
}

# carried NETNS DEVICE: waits until its other end has told it that there is carrier, which a
# work item does: what is sent before is lost.
carried() { wait_for 5 has_carrier "$1" "$2"; }

# has_carrier NETNS DEVICE: those of some kinds say "unknown" when they have.
has_carrier() { [[ $(sysfs "$1" "$2" operstate) = @(up|unknown) ]]; }

# answers NETNS ADDRESS: somebody does, as soon as who has been up and down knows of its carrier again.
answers() { wait_for 10 in_ns "$1" ping -q -c 1 -W 1 "$2"; }

addressed() {
	ip -n "$1" -batch - <<-TXT
		addr add 10.0.0.1/24 dev v0
		link set v0 up
		link set lo up
	TXT
	ip -n "$2" -batch - <<-TXT
		addr add 10.0.0.2/24 dev v1
		link set v1 up
		link set lo up
	TXT
	if [ "${IPV6:-}" ]; then
		ip -n "$1" addr add fd00::1/64 dev v0 nodad
		ip -n "$2" addr add fd00::2/64 dev v1 nodad
	fi
	carried "$1" v0
}

# shows_rx_queues: a kernel without receive packet steering, so one without SMP, tells
# nobody how many receive queues a device has.
shows_rx_queues() { [ "$(rtnl - get lo rxq)" != - ]; }

# shown_rxq N: how `rtnl ... rxq` shows that number here.
shown_rxq() {
	if shows_rx_queues; then
		echo "$1"
	else
		echo -
	fi
}

# Seconds between two packets that keep something busy: a kernel with checks has to
# have time for what is tested.
PACE=0.002
[ "$KERNEL" != debug ] || PACE=0.03

# traffic NETNS...: keeps a pair of `joined` busy with echo requests from these
# namespaces, until quiet or the test's end: as many as leave an emulated
# processor time for what is tested.
TRAFFIC=()
traffic() {
	local ns

	for ns; do
		# Not in_ns: $! is to be the process itself.
		nsenter --net="/run/netns/$ns" ping -q -i $PACE -s 1000 10.0.0.1 >/dev/null 2>&1 &
		TRAFFIC+=($!)
		nsenter --net="/run/netns/$ns" ping -q -i $PACE -s 1000 10.0.0.2 >/dev/null 2>&1 &
		TRAFFIC+=($!)
	done
}

quiet() {
	[ ${#TRAFFIC[@]} = 0 ] || kill -9 "${TRAFFIC[@]}" 2>/dev/null || true
	wait "${TRAFFIC[@]}" 2>/dev/null || true
	TRAFFIC=()
}

# busy: frames are on their way between S v0 and the other end.
busy() {
	local counts

	read -r -a counts <<<"$(counters S v0)"
	((counts[0] > 20 && counts[3] > 20))
}

module_file() { # KIND
	case $1 in
	rnetvirt) echo "$RNETVIRT_KO" ;;
	ipvlan) echo "$KDIR/drivers/net/ipvlan/ipvlan.ko" ;;
	*) echo "$KDIR/drivers/net/$1.ko" ;;
	esac
}

loaded() { [ -e "/sys/module/$1" ]; }

load_kind() {
	case $KIND in
	# They stand on others.
	macvtap | ipvtap) modprobe "$KIND" ;;
	rnetvirt) loaded rnetvirt || insmod "$RNETVIRT_KO" ;;
	# Debian's are packed, and not in the tree that modules are built with.
	*) loaded "$KIND" || if is_stock "$KERNEL"; then modprobe "$KIND"; else insmod "$(module_file "$KIND")"; fi ;;
	esac
}

unload_kind() {
	# What a test may have loaded beside it.
	! loaded rnetvirt_kunit || rmmod rnetvirt_kunit
	! loaded "$KIND" || rmmod "$KIND"
}

# errno WANTED NETNS RTNL-ARGS...: the raw request is refused with that errno;
# WANTED may go on with the core's extack text.
errno() {
	local wanted=$1 got

	got=$(rtnl "${@:2}") || fail "rtnl.py ${*:3}: status $?"
	case $wanted in
	*' '*) same "${*:3}" "$got" "$wanted" ;;
	*) same "${*:3}" "${got%% *}" "$wanted" ;;
	esac
}

# expect_kmsg TEXT: lines of the kernel log with TEXT are this test's doing.
expect_kmsg() { echo "$1" >>"$WORK/kmsg.expected"; }

# no_leaks: kmemleak, if the kernel has it, knows of no object without an owner.
no_leaks() {
	local file=/sys/kernel/debug/kmemleak

	[ -e $file ] && [[ $(</proc/cmdline) != *kmemleak=off* ]] || skip "this kernel has no kmemleak"
	# An object counts from its fifth second on; one scan may see it in flight.
	sleep 6
	echo scan >$file
	echo scan >$file
	cat $file >"$WORK/leaks"
	[ ! -s "$WORK/leaks" ] || {
		head -n 60 "$WORK/leaks"
		echo clear >$file
		fail "$(grep -c '^unreferenced' "$WORK/leaks") objects leaked"
	}
}
