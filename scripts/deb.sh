#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Builds the Debian packages.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--version V] [DIRECTORY]

Builds rnetvirt-dkms_VERSION_all.deb and rnetvirt-iproute2_VERSION_ARCH.deb, for Debian
13 with the Linux 7.3 of its backports, into DIRECTORY (default: build/deb), with
debhelper: on a Debian 13 its own, elsewhere in the one of stock.sh.

  --version  of the packages (default: the module's)
TXT
}

version='' into=$TOP/build/deb
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--version)
		(($# > 1)) || bad_usage "--version wants a version"
		version=$2
		shift
		;;
	-*) bad_usage "unknown option '$1'" ;;
	*) into=$1 ;;
	esac
	shift
done
version=${version:-$(module_version)}
[[ $version =~ ^[0-9][0-9A-Za-z.+~]*$ ]] || bad_usage "'$version' is no version of a package"
mkdir -p "$into"
into=$(realpath "$into")

"$TOP/scripts/stock.sh" --install build-essential debhelper dh-dkms iproute2

stage=$(mktemp -d "$into/.stage.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT TERM
tree=$stage/rnetvirt-$version
mkdir "$tree"
(cd "$TOP" && cp -r --parents Kbuild Makefile COPYING README.md Documentation rust kunit scripts "$tree")
find "$tree" -name __pycache__ -prune -exec rm -r {} +
mv "$tree/scripts/packages/debian" "$tree/debian"
# Nothing but the version changes from one to the next: what changed is in the project's own list.
cat >"$tree/debian/changelog" <<TXT
rnetvirt ($version) trixie; urgency=medium

  * See /usr/share/doc/rnetvirt-dkms/changelog.md.

 -- $(sed -n 's/^Maintainer: //p' "$tree/debian/control")  $(date -R -d "@$(newest_change)")
TXT
cd "$tree"
logged "building the packages" "$TOP/build/log/deb.log" \
	"$TOP/scripts/stock.sh" --exec env RNETVIRT_CACHE="$stage/cache" SOURCE_DATE_EPOCH="$(newest_change)" \
	dpkg-buildpackage -b -us -uc
for package in "$stage"/*.deb; do
	mv "$package" "$into/"
	echo "$into/$(basename "$package")"
done
