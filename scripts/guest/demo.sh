#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Inside a guest: builds the two veth topologies, carries traffic through them
# and prints a transcript. KIND=veth shows the same on the C driver.
. "$(dirname "$0")/../common.sh"

usage() {
	cat <<TXT
usage: $ME [--kind rnetvirt | veth]

Runs in a guest (scripts/run.sh boots one): two namespaces joined directly, then
one joined to the outside through a bridge. Fails as soon as something does not
do what it says. KIND= in the environment is the default of --kind.
TXT
}

KIND=${KIND:-rnetvirt}
while (($#)); do
	case $1 in
	--kind)
		KIND=${2-}
		shift
		;;
	-h | --help) usage; exit 0 ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	(($# == 0)) || shift
done
case $KIND in
rnetvirt) type="type rnetvirt flavor veth" shown="rnetvirt flavor veth" ;;
veth) type="type veth" shown="veth" ;;
*) bad_usage "no kind '$KIND'; there are rnetvirt and veth" ;;
esac
[ "${RNETVIRT_GUEST:-}" ] || die "this makes namespaces and bridges: run it in a guest (scripts/run.sh)"

heading() { printf '\n== %s\n\n' "$*"; }

# run COMMAND: a line as a user would type it, shown and run.
run() {
	printf '$ %s\n' "$*"
	# The command is one of those written below.
	eval "$*" 2>&1 || die "failed (status $?): $*"
}

# shows TEXT COMMAND: its output, shown too, contains TEXT.
shows() {
	local text=$1 got

	shift
	printf '$ %s\n' "$*"
	got=$(eval "$*" 2>&1) || {
		printf '%s\n' "$got"
		die "failed (status $?): $*"
	}
	printf '%s\n' "$got"
	case $got in
	*"$text"*) ;;
	*) die "'$text' is not in the output of: $*" ;;
	esac
}

# pings NETNS ADDRESS: no answer may be missing.
pings() { shows " 0% packet loss" "ip netns exec $1 ping -c 3 -i 0.2 -W 5 $2 | tail -n 3"; }

# throughput CLIENT SERVER ADDRESS: iperf3 to the server and, reversed, back.
# The rates are an emulated processor's: they prove that data flows, no more.
throughput() {
	local option json rate

	for option in '' ' -R'; do
		# Its own file, so that it is known when the server listens.
		ip netns exec "$2" iperf3 -s -1 --forceflush >/tmp/iperf3-server 2>&1 &
		for _ in {1..300}; do
			! grep -q 'Server listening' /tmp/iperf3-server || break
			sleep 0.1
		done
		printf '$ %s\n' "ip netns exec $2 iperf3 -s -1 &" "ip netns exec $1 iperf3 -c $3 -t 2$option"
		# shellcheck disable=SC2086  # an option or none
		json=$(ip netns exec "$1" iperf3 -J -c "$3" -t 2$option) || die "iperf3 to $3: $json"
		wait $! || die "the iperf3 server failed: $(cat /tmp/iperf3-server)"
		rate=$(python3 -c '
import json, sys
end = json.load(sys.stdin)["end"]
got = end["sum_received"]
print(got["bytes"], "%.1f MByte received, %.0f Mbit/s" % (got["bytes"] / 1e6, got["bits_per_second"] / 1e6))' <<<"$json")
		((${rate%% *} > 100000)) || die "iperf3 carried next to nothing: $rate"
		echo "${rate#* } (emulated processor)"
	done
}

heading "The kernel, and who drives the links"
run "uname -sr"
if [ -e "/sys/module/$KIND" ]; then
	echo "($KIND is loaded)"
elif [ "$KIND" = rnetvirt ]; then
	run "insmod $RNETVIRT_KO"
else
	run "modprobe $KIND"
fi
shows "$KIND" "lsmod | grep -w $KIND"

heading "1. Two namespaces, joined directly"
cat <<TXT
   red                              blue
  +----------------+               +----------------+
  |  10.1.0.1      |               |      10.1.0.2  |
  |  fd00:1::1     |               |     fd00:1::2  |
  |     [ red0 ] ==|===============|== [ blue0 ]    |
  +----------------+   one pair    +----------------+

TXT
run "ip netns add red"
run "ip netns add blue"
run "ip -n red link add red0 $type peer name blue0 netns blue"
run "ip -n red address add 10.1.0.1/24 dev red0"
run "ip -n red address add fd00:1::1/64 dev red0 nodad"
run "ip -n blue address add 10.1.0.2/24 dev blue0"
run "ip -n blue address add fd00:1::2/64 dev blue0 nodad"
run "ip -n red link set red0 up"
run "ip -n blue link set blue0 up"
shows "$shown" "ip -n red -d link show red0"
shows "$shown" "ip -n blue -d link show blue0"
pings red 10.1.0.2
pings red fd00:1::2
pings blue 10.1.0.1
pings blue fd00:1::1
throughput red blue 10.1.0.2
throughput red blue fd00:1::2

heading "2. A namespace joined to the outside through a bridge"
cat <<TXT
   inside                    this machine                   outside
  +---------------+        +--------------------+        +--------------------+
  | 10.2.0.1      |        |        br0         |        |          10.2.0.9  |
  | fd00:2::1     |        |      /     \\       |        |         fd00:2::9  |
  |    [ in0 ] ===|========|= [ p0 ]   [ p1 ] ==|========|== [ eth0 ]         |
  +---------------+  pair  +--------------------+  pair  +--------------------+
                             10.2.0.254                   stands for a host on
                                                          the physical network

TXT
run "ip netns add inside"
run "ip netns add outside"
run "ip link add br0 type bridge"
run "ip link add p0 $type peer name in0 netns inside"
run "ip link add p1 $type peer name eth0 netns outside"
run "ip link set p0 master br0"
run "ip link set p1 master br0"
run "ip address add 10.2.0.254/24 dev br0"
run "ip -n inside address add 10.2.0.1/24 dev in0"
run "ip -n inside address add fd00:2::1/64 dev in0 nodad"
run "ip -n outside address add 10.2.0.9/24 dev eth0"
run "ip -n outside address add fd00:2::9/64 dev eth0 nodad"
run "for port in p0 p1 br0; do ip link set \$port up; done"
run "ip -n inside link set in0 up"
run "ip -n outside link set eth0 up"
shows "$shown" "ip -d link show p0"
shows "p1" "ip -br link show master br0"
pings inside 10.2.0.9
pings inside fd00:2::9
pings outside 10.2.0.1
pings inside 10.2.0.254
shows "in0" "ip -n inside neighbour show"
throughput inside outside 10.2.0.9
throughput inside outside fd00:2::9

heading "What went through, and away again"
shows "red0" "ip -n red -s link show red0"
run "ip -n red link delete red0"
shows "does not exist" "ip -n blue link show blue0 || true"
run "ip link delete p0"
run "ip netns delete outside"
shows "does not exist" "for n in 1 2 3 4 5 6 7 8 9 10; do ip link show p1 || break; sleep 0.3; done"
run "ip link delete br0"
run "ip netns delete red"
run "ip netns delete blue"
run "ip netns delete inside"
echo
echo "All of it worked."
