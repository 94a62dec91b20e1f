#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# From nothing to traffic: what `make run` does.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--kernel $KERNELS_USAGE] [--kind rnetvirt | veth | macvlan | ipvlan | macvtap]
              [--flavor veth | macvlan | ipvlan | macvtap]

Provides the toolchain, the kernel, the module and ip's plugin, boots a guest and
shows links of each flavor at work in it, or of one. Of flavor veth: two namespaces
joined directly, and one joined to the outside through a bridge. Of flavor macvlan:
two namespaces that share a network device, and who reaches whom in each mode. Of
flavor ipvlan: two that share its MAC address, too. Of flavor macvtap: a program that
answers pings through /dev/tapN. At last, if all are shown: the guard. Kinds veth, macvlan, ipvlan and macvtap
are the C drivers. Exit status 0 only if everything worked and the kernel had nothing
to complain about.
TXT
}

kernel=$(asked_kernel)
# What most machines have, unless something else is asked for.
[ -n "${KERNEL:-}${VM:-}${KDIR:-}" ] || kernel=stock
kind=${KIND:-rnetvirt} flavor=${FLAVOR:-}
while (($#)); do
	case $1 in
	--kernel | --kind | --flavor)
		(($# > 1)) || bad_usage "$1 wants a value"
		declare "${1#--}=$2"
		shift
		;;
	-h | --help) usage; exit 0 ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
known_kernel "$kernel"
case $kind in
rnetvirt) insmod=() ;;
veth | macvlan | ipvlan | macvtap)
	[ "${flavor:-$kind}" = "$kind" ] || bad_usage "kind $kind does not have flavor $flavor"
	insmod=(--no-insmod)
	;;
*) bad_usage "no kind '$kind'; there are rnetvirt, veth, macvlan, ipvlan and macvtap" ;;
esac
case $flavor in
'' | veth | macvlan | ipvlan | macvtap) ;;
*) bad_usage "no flavor '$flavor'; there are veth, macvlan, ipvlan and macvtap" ;;
esac

"$TOP/scripts/provision.sh" "$(is_stock "$kernel" && echo --guest || echo --all)"
timeout=600
[ "$kernel" != debug ] || timeout=1800
start=$SECONDS
attended "$TOP/scripts/vm.sh" --kernel "$kernel" "${insmod[@]}" --timeout "$timeout" \
	-- "scripts/guest/demo.sh --kind $kind${flavor:+ --flavor $flavor}"
say "done: boot and demonstration took $((SECONDS - start)) s"
