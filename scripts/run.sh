#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# From nothing to traffic: what `make run` does.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--kernel release | debug | uml] [--kind rnetvirt | veth]

Provides the toolchain, the kernel, the module and ip's plugin, boots a guest and
shows pairs of devices at work in it: two namespaces joined directly, and one
joined to the outside through a bridge. Exit status 0 only if everything worked
and the kernel had nothing to complain about.
TXT
}

kernel=${KERNEL:-release} kind=${KIND:-rnetvirt}
while (($#)); do
	case $1 in
	--kernel | --kind)
		(($# > 1)) || bad_usage "$1 wants a value"
		declare "${1#--}=$2"
		shift
		;;
	-h | --help) usage; exit 0 ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
case $kernel in
release | debug | uml) ;;
*) bad_usage "no kernel '$kernel'; there are release, debug and uml" ;;
esac
case $kind in
rnetvirt) insmod=() ;;
veth) insmod=(--no-insmod) ;;
*) bad_usage "no kind '$kind'; there are rnetvirt and veth" ;;
esac

"$TOP/scripts/provision.sh"
timeout=600
[ "$kernel" != debug ] || timeout=1800
start=$SECONDS
"$TOP/scripts/vm.sh" --kernel "$kernel" "${insmod[@]}" --timeout "$timeout" \
	-- "scripts/guest/demo.sh --kind $kind"
say "done: boot and demonstration took $((SECONDS - start)) s"
