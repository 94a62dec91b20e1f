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
: "${TOP:?}" "${KERNEL:?}" "${KDIR:?}" "${INSMOD:?}" "${TIMEOUT:?}"

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

# What counts which parts of the driver run is there before the driver.
coverage_start() {
	[ ! -e "$RUN/coverage" ] || insmod "$RUN/rnetvirt_coverage.ko"
}

coverage_end() {
	[ -e "$RUN/coverage" ] || return 0
	cp /sys/kernel/debug/rnetvirt_coverage/profraw "/run/coverage/${RUN##*.}.profraw" ||
		note "error: what was counted cannot be written"
}

load_module() {
	[ "$INSMOD" = 1 ] || return 0
	insmod "$RNETVIRT_KO"
}

guest_setup() {
	local modules

	modules=/lib/modules/$(</proc/sys/kernel/osrelease)/modules.dep
	if [ ! -e "$modules" ] || [ ! -w /tmp ] || [ ! -w /etc ] || [ ! -d /sys/kernel/debug ]; then
		note "error: a mount is missing"
		return 1
	fi
	ip link set lo up && cd "$TOP" || return 1
	ulimit -n 65536 2>/dev/null
	kmemleak_start
}
