# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by parts of demo.sh: who reaches whom.

# at PLACE: what stands before a command that is to run there.
at() { [ "$1" = host ] || echo "ip netns exec $1 "; }

# reaches PLACE ADDRESS
reaches() { shows " 0% packet loss" "$(at "$1")ping -q -c 2 -i 0.2 -W 5 $2 | tail -n 2"; }

# misses PLACE ADDRESS: no answer may come.
misses() {
	local command got

	command="$(at "$1")ping -q -c 1 -W 1 $2 | grep transmitted"
	printf '$ %s\n' "$command"
	got=$(eval "$command" 2>&1) || true
	printf '%s\n' "$got"
	case $got in
	*" 100% packet loss"*) ;;
	*) die "this was to find nobody: $command" ;;
	esac
}
