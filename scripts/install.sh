#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Installs the module where modprobe finds it, and the plugin where ip does.
. "$(dirname "$0")/common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: [KDIR=running | /path/to/build] [DESTDIR=/path] $ME [--uninstall]

Builds rnetvirt.ko for the running kernel, or for the one of KDIR, and copies it
to updates/ in that kernel's module tree, and the plugin to ip's directory. After
that 'ip link add type rnetvirt' loads the module by itself. Beside it go
/etc/modprobe.d/rnetvirt.conf, in which nothing is switched on, unless there is one,
and rnetvirt-takeover and rnetvirt-tap-exec, to /usr/sbin. With --uninstall all of that
is removed, but a configuration that was changed; not while rnetvirt-takeover's is
there, which wants the module: 'rnetvirt-takeover --undo' first.

  KDIR=     build tree of the kernel, or Debian's headers package; default: running,
            what belongs to the running one, which has to be a Linux 7.3
  DESTDIR=  install below this directory, as packages do
TXT
}

uninstall=
(($# <= 1)) || bad_usage "too many arguments"
case ${1-} in
'') ;;
--uninstall) uninstall=1 ;;
-h | --help) usage; exit 0 ;;
*) bad_usage "unknown argument '$1'" ;;
esac

DESTDIR=${DESTDIR:-}
[ -z "$DESTDIR" ] || DESTDIR=$(realpath -m "$DESTDIR")
name=custom
out=$TOP/build/custom
KDIR=${KDIR:-running}
if [ "$KDIR" = running ]; then
	release=$(uname -r)
else
	release=$(cat "$KDIR/include/config/kernel.release" 2>/dev/null) ||
		die "KDIR=$KDIR is not a build tree of a kernel (no include/config/kernel.release)"
fi
export KDIR

modules=$DESTDIR/lib/modules/$release
plugins=$("$TOP/scripts/plugin.sh" --dir)
plugins=$DESTDIR$plugins
conf=$DESTDIR/etc/modprobe.d/rnetvirt.conf
takeover=$DESTDIR/usr/sbin/rnetvirt-takeover
tap_exec=$DESTDIR/usr/sbin/rnetvirt-tap-exec
taken=$DESTDIR/etc/modprobe.d/rnetvirt-takeover.conf

# Only what is done outside this checkout and DESTDIR needs to be done by root.
as_root() {
	local dir=$modules

	while [ ! -e "$dir" ]; do dir=$(dirname "$dir"); done
	if [ -w "$dir" ] || [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "$dir is not writable; run as root, or set DESTDIR="
	fi
}

# Debian's packages have files of the same names, and what would be left of them is neither.
if [ -z "$DESTDIR" ]; then
	owner=$({ dpkg-query -S "$takeover" "$tap_exec" "$plugins/link_rnetvirt.so" 2>/dev/null || true; } |
		sed 's/:.*//' | sort -u | xargs)
	[ -z "$owner" ] || die "Debian's packages have installed rnetvirt here: 'apt remove $owner' first"
fi

# Whether modprobe would know whom to load for the kind.
has_alias() { grep -qsxE 'alias rtnl-link-rnetvirt rnetvirt' "$modules/modules.alias"; }

# A tree with this module alone, as below DESTDIR, lacks the lists that depmod misses.
run_depmod() {
	local depmod

	depmod=$(PATH=$PATH:/usr/sbin:/sbin command -v depmod) || die "no depmod here (the Debian package is kmod)"
	{ as_root "$depmod" ${DESTDIR:+-b "$DESTDIR"} "$release" 2>&1 || die "depmod failed"; } |
		{ grep -vE 'could not open modules\.(order|builtin)' >&2 || true; }
}

if [ -n "$uninstall" ]; then
	[ ! -e "$taken" ] || die "$taken has the kinds of C drivers served by rnetvirt: 'rnetvirt-takeover --undo' first"
	found=()
	for f in "$modules/updates"/rnetvirt.ko{,.gz,.xz,.zst} "$plugins/link_rnetvirt.so" "$takeover" "$tap_exec"; do
		[ ! -e "$f" ] || found+=("$f")
	done
	if cmp -s "$conf" "$TOP/scripts/rnetvirt.conf"; then
		found+=("$conf")
	elif [ -e "$conf" ]; then
		say "$conf was changed, and stays"
	fi
	if ((${#found[@]} == 0)); then
		say "nothing is installed for Linux $release"
		exit 0
	fi
	as_root rm -f "${found[@]}" || die "could not remove ${found[*]}"
	# Without DESTDIR the plugins' directory is iproute2's.
	for dir in "$modules/updates" ${DESTDIR:+"$plugins" "$(dirname "$conf")" "$(dirname "$takeover")"}; do
		[ ! -d "$dir" ] || as_root rmdir --ignore-fail-on-non-empty "$dir"
	done
	if [ -e "$modules/modules.order" ] || [ -d "$modules/updates" ]; then
		run_depmod
	elif [ -d "$modules" ]; then
		# No kernel is installed here: what is left was made by depmod for us.
		as_root rm -f "$modules"/modules.{alias,builtin,dep,devname,softdep,symbols,weakdep}{,.bin} \
			"$modules/modules.builtin.alias.bin"
		as_root rmdir --ignore-fail-on-non-empty "$modules"
	fi
	say "removed ${found[*]}"
	exit 0
fi

build "$TOP/build/log/install-build.log" || die "the module does not build"
"$TOP/scripts/plugin.sh" >/dev/null

# Kbuild installs all modules of a directory (signed and compressed as the kernel
# is configured to), and here this is to be only one. It is staged first, so that
# make need not run as root.
stage=$TOP/build/install
lock_here install
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT TERM
rm -rf "$stage"
mkdir -p "$stage/obj"
cp "$out/rnetvirt.ko" "$stage/obj"
grep -xE '(\./)?rnetvirt\.o' "$out/modules.order" >"$stage/obj/modules.order" ||
	die "rnetvirt.o is not in $out/modules.order"
log=$TOP/build/log/install.log
build "$log" MO="$stage/obj" INSTALL_MOD_PATH="$stage/root" INSTALL_MOD_DIR=updates DEPMOD=true \
	modules_install || {
	cat "$log" >&2
	die "Kbuild did not install the module"
}

installed=()
for f in "$stage/root/lib/modules/$release/updates"/rnetvirt.ko*; do
	[ -e "$f" ] || die "Kbuild installed nothing for Linux $release (log: $log)"
	as_root install -D -m 644 "$f" "$modules/updates/$(basename "$f")" || die "cannot write to $modules"
	installed+=("$modules/updates/$(basename "$f")")
done
run_depmod
has_alias || die "depmod did not register the alias rtnl-link-rnetvirt in $modules/modules.alias"
as_root install -D -m 644 "$TOP/build/iproute2/link_rnetvirt.so" "$plugins/link_rnetvirt.so" ||
	die "cannot write to $plugins"
as_root install -D -m 755 "$TOP/scripts/rnetvirt-takeover" "$takeover" || die "cannot write $takeover"
as_root install -D -m 755 "$TOP/scripts/tap-exec.py" "$tap_exec" || die "cannot write $tap_exec"
[ -e "$conf" ] || as_root install -D -m 644 "$TOP/scripts/rnetvirt.conf" "$conf" || die "cannot write $conf"
say "installed ${installed[*]}, $plugins/link_rnetvirt.so, $takeover, $tap_exec and $conf"
