#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Shows what the kernel executes for one packet, with the C driver and with ours.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--kernel release | stock] [--no-build] [FLAVOR | ROW]

Boots a guest, stops it at a packet of ROW (see bench.sh --list; a FLAVOR stands
for its row v4-60-netns, sibling or wire-l2, the default is veth), steps through all that is executed
until the next one, with the C driver and with rnetvirt, and prints:
- the number of instructions in each function, those that differ first;
- both drivers' functions, disassembled, with how often each instruction was
  executed (blank: not for this packet) and the names of what is called.
It is also left in build/bench/asm-*.txt, the whole way in asm-*.json.
TXT
}

row='' build=() kernel=release
while (($#)); do
	case $1 in
	--kernel)
		(($# > 1)) || bad_usage "--kernel wants a value"
		kernel=$2
		shift
		;;
	--no-build) build=(--no-build) ;;
	-h | --help) usage; exit 0 ;;
	-*) bad_usage "unknown option '$1'" ;;
	*)
		[ -z "$row" ] || bad_usage "one row only"
		row=$1
		;;
	esac
	shift
done
case $kernel in
release | stock) ;;
*) bad_usage "no kernel '$kernel' here; there are release and stock" ;;
esac
row=${row:-veth}
case $row in
*/*) ;;
macvlan) row=macvlan/sibling ;;
ipvlan) row=ipvlan/wire-l2 ;;
*) row=$row/v4-60-netns ;;
esac
rows=$("$TOP/scripts/bench.sh" --list)
grep -q "^instructions *$row " <<<"$rows" || bad_usage "no row '$row'; see bench.sh --list"

OUT=$TOP/build/bench
mkdir -p "$OUT"
# The program that both run is there.
lock_here bench
"$TOP/scripts/provision.sh" >&2
use_toolchain
kdir=${KDIR:-$("$TOP/scripts/kernel.sh" "$kernel")}
drivers=$kdir/drivers/net
! is_stock "$kernel" || drivers=$kdir/modules/kernel/drivers/net
module_dir=$(module_dir "$kernel")
[ -z "${KDIR:-}" ] || module_dir=$(module_dir custom)
traffic=$OUT/traffic
gcc -O2 -Wall -static -o "$traffic" "$TOP/scripts/bench/traffic.c"

dir=$(mktemp -d "${TMPDIR:-/tmp}/rnetvirt-asm.XXXXXX")
vm=''
# shellcheck disable=SC2317,SC2329  # called by the traps
finish() {
	[ -z "$vm" ] || kill "$vm" 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
mkfifo "$dir/guest"
RNETVIRT_KVM=0 "$TOP/scripts/vm.sh" --kernel "$kernel" "${build[@]}" --cpus 1 --timeout 1200 \
	--qemu-opts "-gdb unix:$dir/gdb,server=on,wait=off" --log "$TOP/build/log/perf-asm.log" \
	-- "python3 scripts/bench/asm_guest.py $row $traffic" >"$dir/guest" &
vm=$!
/usr/bin/python3 "$TOP/scripts/bench/trace.py" "$dir/gdb" "$drivers" "$module_dir" "$row" "$OUT" <"$dir/guest" ||
	die "no packet could be followed"
status=0
wait "$vm" || status=$?
vm=''
exit "$status"
