# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by demo.sh: what its parts are written with.

heading() { printf '\n== %s\n\n' "$*"; }

# note LINE...: what is to be known about what follows or precedes.
note() { printf '\n'; printf '   %s\n' "$@"; printf '\n'; }

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
