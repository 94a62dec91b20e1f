# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Words about XDP programs, see xdp.py.

xdp() { ask - xdp "$@"; }
xdp_in() { ask "$1" xdp "${@:2}"; } # NETNS COMMAND...

# Where this test's programs are; what is left of others goes.
PROGS=/sys/fs/bpf/test
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
rm -rf $PROGS

# prog NAME STEP...: pins a program.
prog() {
	mkdir -p $PROGS
	xdp pin "$PROGS/$1" "${@:2}"
}

# attach NETNS DEVICE NAME [MODE]: in place of what is there; detach NETNS DEVICE
attach() { ip -n "$1" -force link set "$2" "${4:-xdpdrv}" pinned "$PROGS/$3"; }
detach() { ip -n "$1" link set "$2" xdpdrv off; }

# seen NAME: packets and bytes that its step "count" has seen.
seen() { xdp count "$PROGS/$1"; }

# stat NETNS DEVICE NAME...: numbers of ethtool -S, on one line.
stat() {
	local name

	in_ns "$1" ethtool -S "$2" >"$WORK/stat"
	for name in "${@:3}"; do
		sed -n "s/^ *$name: //p" "$WORK/stat"
	done | paste -sd' '
}

# bytes_of LENGTH DST SRC: a frame, in hexadecimal.
bytes_of() { printf '%s%s88b5%0*d' "$2" "$3" $((2 * ($1 - 14))) 0; }

# tunnel LENGTH: steps that put an IPv4 header, of UDP without a checksum, in front of a frame of LENGTH bytes.
tunnel() {
	local bytes at

	printf -v bytes '%s' ffffffffffff 02000000000b 0800 4500 "$(printf %04x $(($1 + 28)))" 0000 4000 4011 0000 \
		0a000003 0a000004 1234 1234 "$(printf %04x $(($1 + 8)))" 0000
	echo head:-42
	for ((at = 0; at < 42; at++)); do
		echo "byte:$at:0x${bytes:2 * at:2}"
	done
}

# The largest MTU of the other end of a program that cannot do with pieces: what is left of a page.
LIMIT=3506
# There packets are aligned to four bytes.
[ "${KERNEL#uml}" = "$KERNEL" ] || LIMIT=3504

MAC0=020000000001 MAC1=020000000002 MAC1_COLONS=02:00:00:00:00:02
