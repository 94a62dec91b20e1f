#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The first program in a guest that scripts/vm.sh boots: main.sh RUN-DIRECTORY.
# It sets the guest up, runs the command, looks for what it left behind, and
# tells the host the command's status through the kernel log.
set -u
RUN=$1
# shellcheck source=scripts/guest/setup.sh
. "$(dirname "$0")/setup.sh"

# The host's ends of the command's output: virtio ports, or serial lines in
# user-mode Linux. A port takes one writer only, hence the cats.
port() {
	local name

	for name in /sys/class/virtio-ports/*/name; do
		if [ -e "$name" ] && [ "$(<"$name")" = "rnetvirt.$1" ]; then
			name=${name%/name}
			echo "/dev/${name##*/}"
			return
		fi
	done
	case $1 in
	out) echo /dev/ttyS0 ;;
	err) echo /dev/ttyS1 ;;
	esac
}

open_outputs() {
	local out err

	out=$(port out) err=$(port err)
	case $out$err in
	*tty*) stty -F "$out" raw -echo && stty -F "$err" raw -echo ;;
	esac
	mkfifo /run/rnetvirt/out /run/rnetvirt/err
	cat /run/rnetvirt/out >"$out" &
	cat /run/rnetvirt/err >"$err" &
	cats=$(jobs -p)
	exec >/run/rnetvirt/out 2>/run/rnetvirt/err </dev/null
}

# Give the cats what is still in the pipes; a process that the command left
# behind may hold them open.
close_outputs() {
	local n

	exec >/dev/null 2>&1
	for n in {1..50}; do
		# shellcheck disable=SC2086
		kill -0 $cats 2>/dev/null || return 0
		sleep 0.1
	done
}

# Who hangs where, for the log, when the time is over: all of user space, and
# kernel threads that are not just waiting for work. Builtins only: there may be
# hundreds of tasks, and a process costs too much here.
show_tasks() {
	local task key state line words=()

	note "error: no end after $TIMEOUT s; what is running:"
	for task in /proc/[0-9]*; do
		state=
		while read -r key line; do
			[ "$key" != State: ] || state=$line
		done <"$task/status"
		mapfile -t -d '' words <"$task/cmdline"
		case $state:${words[*]} in
		[RD]* | *:?*) ;;
		*) continue ;;
		esac
		line="${words[*]}"
		note "task ${task##*/} $(<"$task/comm") (${line:0:100}): $state"
		while IFS= read -r line; do
			note "    $line"
		done <"$task/stack"
	done
}

command_status() {
	local pid timer status=0

	setsid bash "$RUN/command" &
	pid=$!
	(
		sleep "$TIMEOUT"
		show_tasks 2>/dev/null
		kill -9 -- "-$pid"
	) >/dev/null 2>&1 &
	timer=$!
	# Silent: bash would tell of a killed command.
	wait "$pid" 2>/dev/null || status=$?
	kill "$timer" 2>/dev/null
	kill -9 -- "-$pid" 2>/dev/null
	return "$status"
}

# Unloading waits for every reference to every device: what leaks one hangs
# here and has the kernel say so.
unload() {
	local pid limit=60

	[ -e /sys/module/rnetvirt ] || return 0
	[[ $KERNEL != *debug ]] || limit=180
	rmmod rnetvirt &
	pid=$!
	limit=$((SECONDS + limit))
	while ((SECONDS < limit)); do
		if ! kill -0 "$pid" 2>/dev/null; then
			wait "$pid" || note "error: rnetvirt does not unload"
			return 0
		fi
		sleep 0.1
	done
	note "error: unloading rnetvirt does not end"
}

open_outputs
if ! guest_setup; then
	note "error: the guest's setup failed"
	close_outputs
	exit 1
fi
if ! coverage_start || ! load_module; then
	note "error: rnetvirt.ko cannot be loaded"
	close_outputs
	exit 1
fi
note "ready"
status=0
command_status || status=$?
note "command ended"
close_outputs
unload
coverage_end
kmemleak_end
tainted=$(cat /proc/sys/kernel/tainted)
# Bad page, oops, warning, soft lockup.
if ((tainted & (1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))); then
	note "error: the kernel is tainted: $tainted"
fi
note "status $status"
