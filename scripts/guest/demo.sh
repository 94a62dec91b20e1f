#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Inside a guest: builds topologies of each flavor, carries traffic through them
# and prints a transcript. A C driver's name as the kind shows its part on that.
. "$(dirname "$0")/../common.sh"

usage() {
	cat <<TXT
usage: $ME [--kind rnetvirt | veth | macvlan | ipvlan | macvtap]
               [--flavor veth | macvlan | ipvlan | macvtap]

Runs in a guest (scripts/run.sh boots one). Flavor veth: two namespaces joined
directly, with GRO and a program of XDP, then one joined to the outside through a bridge. Flavor macvlan: two
namespaces that share a network device, and who reaches whom in each mode. Flavor
ipvlan: two that share its MAC address, too. Flavor macvtap: a program beside a
namespace, that answers pings through /dev/tapN. Without --flavor it shows all, and the
guard, which keeps a container from sending as another. Fails as soon as something does
not do what it says.

Kinds veth, macvlan, ipvlan and macvtap are the C drivers, on which the flavor of that
name is shown. KIND= and FLAVOR= in the environment are the defaults of the options.
TXT
}

kind=${KIND:-rnetvirt} flavor=${FLAVOR:-}
while (($#)); do
	case $1 in
	--kind | --flavor)
		(($# > 1)) || bad_usage "$1 wants a value"
		declare "${1#--}=$2"
		shift
		;;
	-h | --help) usage; exit 0 ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
case $flavor in
'' | veth | macvlan | ipvlan | macvtap) ;;
*) bad_usage "no flavor '$flavor'; there are veth, macvlan, ipvlan and macvtap" ;;
esac
case $kind in
rnetvirt)
	pair="type rnetvirt flavor veth" pair_shown="rnetvirt flavor veth"
	shared="type rnetvirt flavor macvlan" shared_shown="rnetvirt flavor macvlan"
	shared_ip="type rnetvirt flavor ipvlan" shared_ip_shown="rnetvirt flavor ipvlan"
	set_shared="type rnetvirt" set_shared_ip="type rnetvirt"
	tap="type rnetvirt flavor macvtap" tap_shown="rnetvirt flavor macvtap"
	flavors=${flavor:-veth macvlan ipvlan macvtap guard}
	;;
veth | macvlan | ipvlan | macvtap)
	[ "${flavor:-$kind}" = "$kind" ] || bad_usage "kind $kind does not have flavor $flavor"
	pair="type veth" pair_shown="veth"
	shared="type macvlan" shared_shown="macvlan"
	shared_ip="type ipvlan" shared_ip_shown="ipvlan"
	tap="type macvtap" tap_shown="macvtap"
	set_shared="type macvlan" set_shared_ip="type ipvlan"
	flavors=$kind
	;;
*) bad_usage "no kind '$kind'; there are rnetvirt, veth, macvlan, ipvlan and macvtap" ;;
esac
# The parts' words for a pair, for a link with a lower device, and for changing one.
# shellcheck disable=SC2034
readonly kind pair pair_shown shared shared_shown shared_ip shared_ip_shown set_shared set_shared_ip tap tap_shown
[ "${RNETVIRT_GUEST:-}" ] || die "this makes namespaces and bridges: run it in a guest (scripts/run.sh)"

. "$TOP/scripts/guest/demo/words.sh"

heading "The kernel, and who drives the links"
run "uname -sr"
if [ -e "/sys/module/$kind" ]; then
	echo "($kind is loaded)"
elif [ "$kind" = rnetvirt ]; then
	run "insmod $RNETVIRT_KO"
else
	run "modprobe $kind"
fi
shows "$kind" "lsmod | grep -w ^$kind"

for part in $flavors; do
	# shellcheck source=/dev/null
	. "$TOP/scripts/guest/demo/$part.sh"
done
echo
echo "All of it worked."
