#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Provides the kernel that Debian ships, unchanged, and what it takes to build for it.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--update] [stock | stock-rt]
       $ME --exec COMMAND [ARGUMENT...]
       $ME --install PACKAGE...
       $ME --scratch COMMAND [ARGUMENT...]

Makes sure that there is the Linux $SERIES of Debian 13's backports (default: stock, the
package that ends in -amd64; stock-rt: in -rt-amd64. -cloud-amd64 lacks 9p, and cannot
boot on this machine's files) and a tree to build modules for it, and prints that tree,
which is what KDIR= takes. In it are links: image to the kernel, initrd to what boots it
on this machine's files, modules to the kernel's modules.

On a Debian 13 that has these packages and the compiler nothing is installed. Elsewhere
a Debian 13 of its own is kept in \$RNETVIRT_CACHE/stock ($CACHE/stock), about 3 GB,
which takes root once, and 4 to 6 minutes. It is used by covering /usr and /etc for the
one command: nothing is mounted that others see, or that could be left.

  --update  install what the archive has today
  --exec    run COMMAND, with that Debian 13's tools
  --install make sure that further packages are there
  --scratch run COMMAND as root with \$RNETVIRT_SCRATCH, a copy of the Debian 13 in the cache (of
            that one always) to be changed at will: it goes when COMMAND ends
TXT
}

SERIES=7.3
SUITE=trixie
update='' run='' install='' scratch='' name=stock
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--update) update=1 ;;
	--exec)
		(($# > 1)) || bad_usage "--exec wants a command"
		shift
		run=1
		break
		;;
	--install)
		(($# > 1)) || bad_usage "--install wants packages"
		shift
		install=1
		break
		;;
	--scratch)
		(($# > 1)) || bad_usage "--scratch wants a command"
		shift
		scratch=1
		break
		;;
	stock | stock-rt) name=$1 ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
flavor=${name#stock} flavor=${flavor#-} flavor=${flavor:+$flavor-}amd64
ROOT=$CACHE/stock/root

# releases ROOT FLAVOR: of which kernels all packages are there, oldest first.
releases() {
	local release

	for release in "$1"/usr/src/linux-headers-"$SERIES"*-"$2"; do
		release=${release##*/linux-headers-}
		# 7.3.4+deb13-amd64, but not …-rt-amd64 with it.
		[[ ${release%-"$2"} != *-* ]] || continue
		[ -z "$(image_of "$1" "$release")" ] || echo "$release"
	done | sort -V
}

image_of() { # ROOT RELEASE
	local file

	for file in "$1/usr/lib/modules/$2/vmlinuz" "$1/boot/vmlinuz-$2"; do
		if [ -r "$file" ]; then
			echo "$file"
			return
		fi
	done
}

# Whether this machine is a Debian 13 that has everything itself.
is_here() {
	local release

	[ ! -e "$ROOT/.complete" ] || return 1
	release=$(releases '' "$flavor" | tail -n 1)
	[ -n "$release" ] && [ -e "/usr/src/linux-source-$SERIES.tar.xz" ] &&
		[ -x /usr/bin/bindgen ] && [ -d /usr/lib/rustlib/src/rust/library/core ] &&
		grep -qxF "CONFIG_RUSTC_VERSION_TEXT=\"$(/usr/bin/rustc --version 2>/dev/null)\"" \
			"/usr/src/linux-headers-$release/.config"
}

# A Debian 13's /usr, /etc and packages over the machine's, for one command: all
# else, and so every path that we use, is as it was. Who is not root is so in a
# namespace of its own.
inside() { # COMMAND...
	local as=() clean=(env -u RUSTC -u BINDGEN -u LLVM -u LIBCLANG_PATH -u KDIR
		PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8)

	if [ ! -e "$ROOT/.complete" ]; then
		"${clean[@]}" "$@"
		return
	fi
	[ "$(id -u)" = 0 ] || as=(--map-root-user)
	unshare "${as[@]}" --mount --propagation private sh -c "cd '$PWD' &&
		mount --bind '$ROOT/var/lib/dpkg' /var/lib/dpkg && mount --bind '$ROOT/etc' /etc &&
		mount --bind '$ROOT/usr' /usr && exec \"\$@\"" sh "${clean[@]}" "$@"
}

case $TOP/:$CACHE/ in
/usr/* | *:/usr/* | /etc/* | *:/etc/*) is_here ||
	die "what is below /usr and /etc cannot be seen by Debian 13's tools: $TOP, $CACHE" ;;
esac

# --- Debian 13 ----------------------------------------------------------------

# in_root COMMAND...: as its administrator, to install packages.
in_root() {
	as_root unshare --mount --propagation private sh -c "
		cat /etc/resolv.conf >'$ROOT/etc/resolv.conf' &&
		mount -t proc proc '$ROOT/proc' && mount --rbind /sys '$ROOT/sys' &&
		mount --rbind /dev '$ROOT/dev' && exec chroot '$ROOT' \"\$@\"" sh \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

bootstrap() {
	local url

	url=$(debian_mirror)
	as_root rm -rf "$ROOT"
	mkdir -p "$ROOT"
	logged "installing a Debian 13 in the cache" "$CACHE/log/stock-root.log" \
		as_root env "PATH=$PATH:/usr/sbin:/sbin" debootstrap --variant=minbase \
		--include=ca-certificates "$SUITE" "$ROOT" "$url"
	as_root sh -c "
		sed 's/ $SUITE / $SUITE-backports /' '$ROOT/etc/apt/sources.list' >'$ROOT/etc/apt/sources.list.d/backports.list'
		apt-config dump | grep '^Acquire::\(http\|Check\)' >'$ROOT/etc/apt/apt.conf.d/99host'
		# It can be made again: no need to wait for the disk at every file.
		echo force-unsafe-io >'$ROOT/etc/dpkg/dpkg.cfg.d/unsafe-io'"
}

# The newest kernel of the series, the source of its version, and the tools.
packages() { # FLAVOR
	in_root bash -euo pipefail -c '
		series=$1 flavor=$2
		apt-get update
		apt-get -y dist-upgrade
		release=$(apt-cache pkgnames "linux-headers-$series" |
			sed -n "s/^linux-headers-\($series[^-]*-$flavor\)$/\1/p" | sort -V | tail -n 1)
		if [ -z "$release" ]; then
			echo "the archive has no Linux $series for $flavor any more, only:" \
				$(apt-cache pkgnames linux-headers- | grep -- "-$flavor$")
			exit 1
		fi
		version=$(apt-cache show "linux-headers-$release" | sed -n "s/^Version: //p" | head -n 1)
		apt-get -y --no-install-recommends install make rustc rust-src bindgen \
			busybox-static cpio kmod xz-utils \
			"linux-headers-$release" "linux-binary-$release" "linux-modules-$release" \
			"linux-source-$series=$version"
		dpkg-query -W -f "\${Package}\n" "linux-*-$series*-$flavor" |
			sed -n "/-$release$/d; /-$series[^-]*-$flavor$/p" | xargs -r apt-get -y purge
		apt-get clean' packages "$SERIES" "$1"
}

is_complete() { [ -e "$ROOT/.complete" ] && [ -n "$(releases "$ROOT" "$flavor")" ]; }

# A subshell, so that the lock is held no longer than this takes.
provide() (
	lock stock
	[ -n "$update" ] || ! is_complete || return 0
	if [ ! -e "$ROOT/.bootstrapped" ]; then
		[ -x /usr/sbin/debootstrap ] || "$TOP/scripts/provision.sh" --guest >&2
		bootstrap
		as_root touch "$ROOT/.bootstrapped"
	fi
	lock stock-root
	logged "installing Debian 13's kernel $flavor, its headers and source, and rustc" \
		"$CACHE/log/stock-packages.log" packages "$flavor"
	as_root touch "$ROOT/.complete"
)

place=$ROOT
if [ -z "$scratch" ] && is_here; then
	place=
	[ -z "$update" ] || say "this machine's own packages are used: apt updates them"
elif [ -n "$update" ] || ! is_complete; then
	provide
fi
if [ -n "$run" ]; then
	inside "$@"
	exit
fi
if [ -n "$install" ]; then
	if missing=$(inside dpkg-query -W -f '${Package} ${Status}\n' "$@" 2>/dev/null) &&
		! grep -v ' installed$' <<<"$missing" >/dev/null; then
		exit 0
	fi
	[ -n "$place" ] || die "install first: apt install $*"
	lock stock
	lock stock-root
	logged "installing $*" "$CACHE/log/stock-install.log" \
		in_root apt-get -y --no-install-recommends install "$@"
	exit
fi
if [ -n "$scratch" ]; then
	# What lies below a copy must not change.
	lock stock-root -s
	# Who uses one holds a lock on it: what nobody holds is of a run that was killed.
	exec {turn}>"$CACHE/locks/stock-scratch"
	flock "$turn"
	for old in "$CACHE"/stock/scratch.*; do
		[ ! -d "$old" ] || ! flock -n "$old" true || as_root rm -rf "$old"
	done
	layers=$(mktemp -d "$CACHE/stock/scratch.XXXXXX")
	exec {held}<"$layers"
	flock "$held"
	exec {turn}>&-
	trap 'as_root rm -rf "$layers"' EXIT
	trap 'exit 130' INT TERM
	mkdir "$layers"/{changes,work,root}
	root=()
	[ "$(id -u)" = 0 ] || root=(sudo)
	# Nothing of it is seen outside, nor left, whatever becomes of COMMAND.
	attended "${root[@]}" unshare --mount --propagation private sh -euc '
		cd "$1"
		# A file system that is an overlay itself cannot take the changes.
		mount -t overlay -o lowerdir="$2",upperdir=changes,workdir=work overlay root 2>/dev/null || {
			mount -t tmpfs tmpfs changes
			mkdir changes/changes changes/work
			mount -t overlay -o lowerdir="$2",upperdir=changes/changes,workdir=changes/work overlay root
		}
		cat /etc/resolv.conf >root/etc/resolv.conf
		cd "$3"
		export RNETVIRT_SCRATCH="$1/root"
		shift 3
		exec "$@"' sh "$layers" "$ROOT" "$PWD" "$@"
	exit
fi
release=$(releases "$place" "$flavor" | tail -n 1)
kdir=$(RNETVIRT_CACHE=$CACHE inside "$TOP/scripts/headers.sh" "$release")

# --- what boots ---------------------------------------------------------------

# The root file system of a guest is this machine's, over 9p: a module here.
init=$TOP/scripts/guest/initramfs.sh
initrd=$(dirname "$kdir")/initrd-$(sha256sum "$init" | cut -c1-12)
pack() {
	local dir=$1 file n=10

	rm -rf "$dir"
	mkdir -p "$dir"/{bin,dev,proc,new,modules}
	cp /bin/busybox "$dir/bin/"
	cp "$init" "$dir/init"
	for file in $(modprobe -a -S "$release" --show-depends 9p 9pnet_virtio overlay configfs |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$dir/modules/$((n++)).ko"
	done
	(cd "$dir" && find . | cpio -o -H newc --quiet) >"$initrd.tmp"
	rm -rf "$dir"
	mv "$initrd.tmp" "$initrd"
}
if [ ! -e "$initrd" ]; then
	lock stock-initrd
	[ -e "$initrd" ] || inside bash -euo pipefail -c "$(declare -f pack); release=$release init='$init' initrd='$initrd'
		pack '$initrd.d'" || die "no initrd for Linux $release"
fi
ln -sfn "$initrd" "$kdir/initrd"
ln -sfn "$(image_of "$place" "$release")" "$kdir/image"
ln -sfn "$place/usr/lib/modules/$release" "$kdir/modules"
echo "$kdir"
