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

# resident NETNS ip ARGS...: a call of the `ip` that stays, see resident.c; on descriptors
# 9 and 6.
resident() {
	local id=$BASHPID.$RANDOM line input='' to='' text=('' '' '')

	case " $* " in
	*" -batch - ") IFS= read -r -d '' input || true ;;
	esac
	printf '%s\0' "$id" $(($# + 1)) "$input" "$@" >&9
	while IFS= read -r -u 6 line; do
		case $line in
		$'\2'"$id") to=1 ;;
		$'\3'"$id") to=2 ;;
		$'\1'"$id "*)
			# ip writes in one piece, bash line by line: a reader that leaves after the
			# first one is no failure.
			[ "$BASHPID" = "${TEST_PID:-}" ] || trap '' PIPE
			[ -z "${text[1]}" ] || printf '%s' "${text[1]}" 2>/dev/null || true
			[ -z "${text[2]}" ] || printf '%s' "${text[2]}" >&2 || true
			return "${line##* }"
			;;
		*) [ -z "$to" ] || text[to]+=$line$'\n' ;;
		esac
	done
	echo "the ip that stays is gone" >&2
	return 1
}
