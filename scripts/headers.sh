#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Makes a KDIR out of what there is of a kernel: checks it, and builds the metadata of
# Rust that Debian's headers package lacks.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME running | RELEASE | DIR

Prints a build tree that the module can be built against: of the running kernel, of
the one of that release, or of DIR. A tree in which rust/libkernel.rmeta is (your own,
or a distribution's that ships it) is used as it is. For a Debian headers package
without it, rust/ is built from the source package of the same version, about
3 minutes of one processor, once per version of package, compiler and this script, and
kept in \$RNETVIRT_CACHE/headers ($CACHE/headers). It counts only if Rust's exports
are those of the kernel, all of them and no others.

Needed for that, on Debian 13: linux-headers-RELEASE and linux-source-$SERIES, both from
trixie-backports, and make, rustc, rust-src and bindgen of trixie.
TXT
}

SERIES=7.3
(($# == 1)) || case ${1-} in
'') bad_usage "which kernel?" ;;
*) bad_usage "too many arguments" ;;
esac
case $1 in
-h | --help) usage; exit 0 ;;
-*) bad_usage "unknown option '$1'" ;;
esac

suite=trixie-backports
packages="linux-image-amd64 linux-headers-amd64 linux-source"

right_series() { # WHAT RELEASE
	case $2 in
	"$SERIES" | "$SERIES".* | "$SERIES"-*) ;;
	*) die "$1 is Linux $2, but rnetvirt is written for the interfaces of Linux $SERIES, which older and newer ones lack; Debian 13 has it: apt install -t $suite $packages" ;;
	esac
}

kdir=$(realpath -m "$1")
if [ "$1" = running ] || [[ ! -d $kdir && $1 == [0-9]* ]]; then
	release=${1/#running/$(uname -r)}
	what="the kernel"
	[ "$1" != running ] || what="the running kernel"
	right_series "$what" "$release"
	kdir=/lib/modules/$release/build
	[ -d "$kdir/" ] || kdir=/usr/src/linux-headers-$release
	[ -d "$kdir" ] || die "there are no headers of Linux $release: apt install linux-headers-$release, or KDIR= names the tree where it was built"
	kdir=$(realpath "$kdir")
fi

# --- a tree that cannot work gets one clear message, before the compiler's many ---

[ -d "$kdir" ] || die "KDIR=$kdir: no such directory"
conf=$kdir/include/config/auto.conf
[ -r "$conf" ] || die "KDIR=$kdir: not a configured kernel build tree (no include/config/auto.conf); configure and build it first"
set_in_config() { grep -qxF "CONFIG_$1=y" "$conf"; }
# The value of a string of the configuration.
text_of() { sed -n "s/^CONFIG_$1=\"\(.*\)\"$/\1/p" "$kdir/.config"; }

release=$(cat "$kdir/include/config/kernel.release" 2>/dev/null || echo unknown)
right_series "KDIR=$kdir" "$release"
# Debian's headers packages say here which compiler is theirs.
packaged='' remedy="enable it (make LLVM=1 rustavailable tells what is missing) and rebuild"
if [ -r "$kdir/.kernelvariables" ]; then
	packaged=1 remedy="Debian 13's kernel from backports has it: apt install -t $suite $packages"
fi
set_in_config RUST || die "KDIR=$kdir was configured without CONFIG_RUST=y; $remedy"
set_in_config MODULES || die "KDIR=$kdir was configured without CONFIG_MODULES=y"
for option in NET INET NETFILTER; do
	set_in_config "$option" || die "KDIR=$kdir was configured without CONFIG_$option=y"
done
! set_in_config CFI || die "KDIR=$kdir was configured with CONFIG_CFI=y, which rnetvirt does not support"
[ -e "$kdir/Module.symvers" ] || die "KDIR=$kdir lacks Module.symvers: build the kernel and its modules there first"

rustc=${RUSTC:-rustc} bindgen=${BINDGEN:-bindgen}
want=$(text_of RUSTC_VERSION_TEXT)
have=$("$rustc" --version 2>/dev/null) ||
	die "no rustc on PATH (or in RUSTC=)${packaged:+; it has to be '$want': apt install rustc rust-src bindgen}"
if [ "$have" != "$want" ]; then
	hint="set RUSTC="
	if [ "$(/usr/bin/rustc --version 2>/dev/null)" = "$want" ]; then
		hint="say RUSTC=/usr/bin/rustc"
	elif [ -n "$packaged" ]; then
		hint="on Debian 13: apt install rustc rust-src; packages rustc-web are another compiler"
	fi
	die "KDIR=$kdir was built with '$want', but '$have' is on PATH; Rust crates only work with the compiler that made them ($hint)"
fi
command -v "$bindgen" >/dev/null || die "no bindgen on PATH (or in BINDGEN=)"

if [ -e "$kdir/rust/libkernel.rmeta" ] || [ -z "$packaged" ]; then
	for f in rust/libkernel.rmeta rust/libmacros.so rust/libpin_init.rmeta; do
		[ -e "$kdir/$f" ] || die "KDIR=$kdir lacks $f: headers alone do not carry Rust's build products; point KDIR at a tree in which the kernel was built"
	done
	echo "$kdir"
	exit 0
fi

# --- Debian's headers package: the source that belongs to it -------------------

common=$(sed -n 's,^include \(/.*\)/Makefile$,\1,p' "$kdir/Makefile")
[ -d "$common/include" ] || die "KDIR=$kdir: its Makefile names no directory of common headers, as Debian's do"
version_of() { dpkg-query -W -f '${source:Version}' "$1" 2>/dev/null || true; }
version=$(version_of "linux-headers-$release")
[ -n "$version" ] || die "KDIR=$kdir belongs to no package linux-headers-$release, and has no rust/libkernel.rmeta"
source=linux-source-$SERIES
archive=$(dpkg-query -L "$source" 2>/dev/null | grep "/$source.tar.xz\$" || true)
have_source=$(version_of "$source")
[ "$have_source" = "$version" ] && [ -e "$archive" ] ||
	die "linux-headers-$release is version $version, $source is ${have_source:+version }${have_source:-not installed}: apt install $source=$version"
[ -d "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/core" ] ||
	die "there is no source of Rust's own library: apt install rust-src"

compiler=$(make -s -f - <<TXT
include $kdir/.kernelvariables
all:; @\$(CC) --version | head -n 1
TXT
) || die "the compiler of KDIR=$kdir does not run: apt install the gcc that linux-headers-$release depends on"
key=$({ echo "$version"; "$rustc" -vV; "$bindgen" --version; echo "$compiler"; cat "$0"; } | sha256sum | cut -c1-12)
out=$CACHE/headers/$release-$key
# Who builds another tree removes those that nobody has used for a week; this one may be root's.
used() { touch "$out" 2>/dev/null || true; }
if [ -e "$out/.complete" ]; then
	used
	echo "$out/obj"
	exit 0
fi

# --- and what of it is built ---------------------------------------------------

# The source is links to the common headers, with rust/ and what it needs from the
# archive. One header includes "../../drivers/...", which a link would lead astray:
# include/ has directories of its own.
unpack() {
	local f

	mkdir -p "$out/src" "$out/obj/scripts"
	for f in "$common"/*; do
		ln -s "$f" "$out/src/"
	done
	rm "$out/src/include" "$out/src/scripts" "$out/src/Makefile"
	cp -rs "$common/include" "$out/src/include"
	tar -C "$out/src" --strip-components=1 -xf "$archive" \
		"$source/rust" "$source/scripts" "$source/drivers/base" "$source/drivers/android"
	# The kernel's own Makefile, and one target that builds no more than rust/.
	cat "$common/Makefile" - >"$out/src/Makefile" <<-'TXT'

		ifneq ($(need-sub-make),1)
		PHONY += rust-metadata
		rust-metadata: ; $(Q)$(MAKE) $(build)=scripts scripts/target.json && $(MAKE) $(build)=rust
		endif
	TXT

	cp -r "$kdir"/{.config,.kernelvariables,Module.symvers,arch,include} "$out/obj/"
	[ ! -e "$kdir/vmlinux" ] || ln -s "$kdir/vmlinux" "$out/obj/"
	ln -s "$(realpath "$kdir/tools")" "$out/obj/tools"
	for f in "$(realpath "$kdir/scripts")"/*; do
		ln -s "$f" "$out/obj/scripts/"
	done
	printf 'KBUILD_OUTPUT=%s\ninclude %s/Makefile\n' "$out/obj" "$out/src" >"$out/obj/Makefile"
	# Newer than .config: the configuration is not made again, for which Kconfig is missing.
	: >"$out/obj/include/config/auto.conf.cmd"
	touch "$out/obj"/include/{config/auto.conf,config/auto.conf.cmd,generated/autoconf.h,generated/rustc_cfg}
}

# What Rust exports here, and what the kernel says that its Rust exports: a wrong
# compiler or source shows in the names, which carry hashes of both.
compare_exports() {
	local ours=$out/exports.ours kernels=$out/exports.kernel lacking surplus

	sed -n 's/.*EXPORT_SYMBOL_RUST_GPL(\(.*\));/\1/p' "$out"/obj/rust/exports_*_generated.h | sort >"$ours"
	awk '$3 == "vmlinux" { print $2 }' "$kdir/Module.symvers" | sort >"$kernels"
	surplus=$(comm -23 "$ours" "$kernels" | wc -l)
	lacking=$(grep -E '^(_R|rust_helper_)' "$kernels" | comm -23 - "$ours" | wc -l)
	if [ ! -s "$ours" ] || ((surplus || lacking)); then
		die "Rust's names differ from the kernel's ($surplus of $(wc -l <"$ours") are not in it, $lacking of it are missing here): not the compiler or the source that it was built from"
	fi
	say "Rust's $(wc -l <"$ours") exports are the kernel's"
}

lock "headers-$release"
if [ ! -e "$out/.complete" ]; then
	# Of this release one is enough, though another checkout may have its own; of others those whose headers are there.
	find "$CACHE/headers" -mindepth 1 -maxdepth 1 -mtime +7 2>/dev/null | while IFS= read -r tree; do
		[[ ${tree##*/} != "$release"-* && -d $(cat "$tree/kdir" 2>/dev/null) ]] || rm -rf "$tree" 2>/dev/null || true
	done || true
	rm -rf "$out"
	mkdir -p "$out"
	echo "$kdir" >"$out/kdir"
	logged "unpacking the source of rust/ for Linux $release" "$CACHE/log/headers-unpack.log" unpack
	logged "building Rust's metadata for Linux $release, 2 to 3 minutes" "$CACHE/log/headers.log" \
		make -C "$out/obj" -j"${JOBS:-$(($(nproc) + 1))}" RUSTC="$rustc" BINDGEN="$bindgen" rust-metadata
	[ -e "$out/obj/rust/libkernel.rmeta" ] || die "the build made no rust/libkernel.rmeta (log: $CACHE/log/headers.log)"
	compare_exports
	touch "$out/.complete"
fi
used
echo "$out/obj"
