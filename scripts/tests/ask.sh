# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# ask NETNS COMMAND ARGS...: what nsd.py knows, without a new process;
# run-all.sh connected it to descriptors 7 and 8.
ask() {
	local id=$BASHPID.$RANDOM line ours=

	printf '%s\0' "$id" $# "$@" >&7
	while IFS= read -r -u 8 line; do
		case $line in
		$'\2'"$id") ours=1 ;;
		$'\1'"$id "*) return "${line##* }" ;;
		# An answer to somebody who was killed meanwhile goes nowhere.
		*) [ -z "$ours" ] || printf '%s\n' "$line" ;;
		esac
	done
	echo "nsd.py is gone" >&2
	return 1
}
