#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# In a guest: run.sh c|ours DIRECTORY SECONDS COMMAND, one of the kernel's own tests.
set -uo pipefail
driver=$1 dir=$2 limit=$3 command=$4

if [ "$driver" = ours ]; then
	insmod "$RNETVIRT_KO" kinds=veth,macvlan,ipvlan,macvtap,ipvtap || exit 1
fi
# Some write beside themselves.
mkdir -p /run/overlay/selftests/{upper,work}
mount -t overlay -o lowerdir=/selftests,upperdir=/run/overlay/selftests/upper,workdir=/run/overlay/selftests/work \
	overlay /selftests || exit 1
cd "/selftests/tools/testing/selftests/$dir" || exit 1
mkdir -p /run/netns
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug 2>/dev/null
mountpoint -q /sys/fs/bpf || mount -t bpf none /sys/fs/bpf 2>/dev/null
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
# Emulated, or a neighbour's noise: their own way to be told so.
export KSFT_MACHINE_SLOW=yes PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb

# For tests of a device that is named to them (tools/testing/selftests/drivers/net/README.rst):
# an end of a pair, with both here, or with the other one in a namespace.
pair() {
	ip link add veth0 numtxqueues 2 numrxqueues 2 type veth peer name veth1 numtxqueues 2 numrxqueues 2
	ip link set veth0 up
	ip link set veth1 up
	ethtool -K veth0 gro on
	export NETIF=veth0
}
far_pair() {
	ip netns add far
	ip link add veth0 type veth peer name veth1 netns far
	ip address add 192.0.2.1/24 dev veth0
	ip address add 2001:db8::1/64 dev veth0 nodad
	ip -n far address add 192.0.2.2/24 dev veth1
	ip -n far address add 2001:db8::2/64 dev veth1 nodad
	ip link set veth0 up
	ip -n far link set lo up
	ip -n far link set veth1 up
	export NETIF=veth0 REMOTE_TYPE=netns REMOTE_ARGS=far LOCAL_V4=192.0.2.1 REMOTE_V4=192.0.2.2 \
		LOCAL_V6=2001:db8::1 REMOTE_V6=2001:db8::2
}
export -f pair far_pair

timeout -k 5 "$limit" bash -c "$command" </dev/null 2>&1
status=$?
if [ "$driver" = ours ] && lsmod | grep -E '^(veth|macvlan|ipvlan|macvtap|ipvtap) '; then
	echo "run.sh: a C driver was loaded beside ours"
	exit 1
fi
exit $status
