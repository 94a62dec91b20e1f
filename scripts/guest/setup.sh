# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by what runs first in a guest, with $RUN (the run's directory on the
# host) set: makes a sane root environment out of a fresh boot.
: "${RUN:?}"

note() { echo "rnetvirt-guest: $*" >/dev/kmsg; }

# $RUN/env: what the host wants exported (TOP, KERNEL, KDIR, ...).
# shellcheck source=/dev/null
. "$RUN/env"
export LANG=C.UTF-8
: "${TOP:?}" "${KERNEL:?}" "${KDIR:?}" "${MODULES:?}" "${INSMOD:?}" "${TIMEOUT:?}"

mounted() { grep -q " $1 " /proc/mounts; }

# mount_fs TYPE PATH: only what is not there yet and what this kernel has.
mount_fs() {
	! mounted "$2" && [ -d "$2" ] && mount -t "$1" "$1" "$2" 2>/dev/null
	return 0
}

# writable PATH: an empty, writable directory; or a writable view of it when what
# the host lends to this guest (checkout, cache) lives below it.
writable() {
	local over=/run/overlay$1

	case :$TOP/:$MODULES/:$KDIR/ in
	*":$1"/*)
		mkdir -p "$over/upper" "$over/work"
		mount -t overlay -o "lowerdir=$1,upperdir=$over/upper,workdir=$over/work" overlay "$1"
		;;
	*) mount -t tmpfs -o mode=1777 tmpfs "$1" ;;
	esac
}

mount_all() {
	local kernel modules

	writable /tmp
	writable /var/tmp
	mount_fs configfs /sys/kernel/config
	mount_fs debugfs /sys/kernel/debug
	mount_fs tracefs /sys/kernel/tracing
	mount_fs bpf /sys/fs/bpf
	mount_fs cgroup2 /sys/fs/cgroup
	mkdir -p /run/netns

	# The kernel's modules, writable: a test may install its own and depmod.
	kernel=$(uname -r) modules=/run/rnetvirt/modules
	mkdir -p /lib/modules "$modules/upper" "$modules/work" "$modules/lib/modules/$kernel"
	mount -t overlay -o "lowerdir=$MODULES/lib/modules/$kernel,upperdir=$modules/upper,workdir=$modules/work" \
		overlay "$modules/lib/modules/$kernel"
	mount --rbind "$modules/lib/modules" /lib/modules
}

settle() {
	ip link set lo up
	ulimit -n 65536 2>/dev/null || true
}

# What has been allocated before us is none of our business.
kmemleak=/sys/kernel/debug/kmemleak
kmemleak_start() {
	[ -e $kmemleak ] || return 0
	if ! { echo scan=off && echo scan && echo clear; } >$kmemleak; then
		note "error: kmemleak does not work"
	fi
}

# Twice, because an object that only just moved looks like a leak for a moment,
# and not before objects are old enough (5 s) to be reported at all.
kmemleak_end() {
	[ -e $kmemleak ] || return 0
	sleep 6
	if ! { echo scan && echo scan; } >$kmemleak; then
		note "error: kmemleak does not work any more"
	fi
	while IFS= read -r line; do
		echo "$line" >/dev/kmsg
	done <$kmemleak
}

load_module() {
	[ "$INSMOD" = 1 ] || return 0
	insmod "$RNETVIRT_KO"
}

guest_setup() {
	mount_all && settle && cd "$TOP" || return 1
	kmemleak_start
}
