#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# In a guest: run.sh c|ours DIRECTORY SECONDS COMMAND, one of the kernel's own tests.
set -uo pipefail
driver=$1 dir=$2 limit=$3 command=$4

if [ "$driver" = ours ]; then
	insmod "$RNETVIRT_KO" kinds=veth,macvlan,ipvlan,macvtap,ipvtap || exit 1
fi
cd "/selftests/tools/testing/selftests/$dir" || exit 1
mkdir -p /run/netns
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug 2>/dev/null
mountpoint -q /sys/fs/bpf || mount -t bpf none /sys/fs/bpf 2>/dev/null
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
# Emulated, or a neighbour's noise: their own way to be told so.
export KSFT_MACHINE_SLOW=yes PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
timeout -k 5 "$limit" bash -c "$command" </dev/null 2>&1
status=$?
if [ "$driver" = ours ] && lsmod | grep -E '^(veth|macvlan|ipvlan|macvtap|ipvtap) '; then
	echo "run.sh: a C driver was loaded beside ours"
	exit 1
fi
exit $status
