#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Builds the module against a kernel: a provided one, or the user's own.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE] [-- MAKE-ARGUMENTS...]
       KDIR=/path/to/build $ME [-- MAKE-ARGUMENTS...]

Builds rnetvirt.ko, and rnetvirt_kunit.ko where the kernel has KUnit, into
build/NAME (build/custom with KDIR=), and links the module as ./rnetvirt.ko.
Without KDIR= the named test kernel (default: release) is provided first.
MAKE-ARGUMENTS go to the kernel's make, for example CLIPPY=1 or a target.

  KDIR=   build directory of a Linux 7.3 that was configured with CONFIG_RUST=y
          and built; the same rustc must be on PATH
  LLVM=   as for the kernel's make; found out from KDIR if not given
TXT
}

name=release
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--) shift; break ;;
	*)
		is_kernel "$1" || bad_usage "unknown argument '$1'"
		name=$1
		;;
	esac
	shift
done

# A tree that cannot work gets one clear message, before the compiler's many.
check_tree() {
	local conf=$1/include/config/auto.conf option release rustc have

	[ -d "$1" ] || die "KDIR=$1: no such directory"
	[ -r "$conf" ] || die "KDIR=$1: not a configured kernel build tree (no include/config/auto.conf); configure and build it first"
	set_in_config() { grep -qxF "CONFIG_$1=y" "$conf"; }
	release=$(cat "$1/include/config/kernel.release" 2>/dev/null || echo unknown)
	case $release in
	7.3 | 7.3.* | 7.3-*) ;;
	*) die "KDIR=$1 is Linux $release, but rnetvirt is written for the interfaces of Linux 7.3" ;;
	esac
	set_in_config RUST || die "KDIR=$1 was configured without CONFIG_RUST=y; enable it (make LLVM=1 rustavailable tells what is missing) and rebuild"
	set_in_config MODULES || die "KDIR=$1 was configured without CONFIG_MODULES=y"
	for option in NET INET NETFILTER; do
		set_in_config "$option" || die "KDIR=$1 was configured without CONFIG_$option=y"
	done
	! set_in_config CFI || die "KDIR=$1 was configured with CONFIG_CFI=y, which rnetvirt does not support"
	for f in rust/libkernel.rmeta rust/libmacros.so rust/libpin_init.rmeta; do
		[ -e "$1/$f" ] || die "KDIR=$1 lacks $f: distribution headers do not carry Rust's build products; point KDIR at a tree in which the kernel was built"
	done
	[ -e "$1/Module.symvers" ] || die "KDIR=$1 lacks Module.symvers: build the kernel and its modules there first"
	have=$("${RUSTC:-rustc}" --version 2>/dev/null) || die "no rustc on PATH (or in RUSTC=)"
	rustc=$(sed -n 's/^CONFIG_RUSTC_VERSION_TEXT="\(.*\)"$/\1/p' "$1/.config")
	[ "$have" = "$rustc" ] || die "KDIR=$1 was built with '$rustc', but '$have' is on PATH; Rust crates only work with the compiler that made them (set RUSTC=)"
	command -v "${BINDGEN:-bindgen}" >/dev/null || die "no bindgen on PATH (or in BINDGEN=)"
}

# The LLVM= that a tree was built with: none for GCC, else clang with or
# without a version behind its name.
llvm_of() {
	local conf=$1/include/config/auto.conf major

	grep -qxF CONFIG_CC_IS_CLANG=y "$conf" || return 0
	major=$(($(sed -n 's/^CONFIG_CLANG_VERSION=//p' "$conf") / 10000))
	if command -v "clang-$major" >/dev/null; then
		echo "-$major"
	else
		echo 1
	fi
}

if [ -n "${KDIR:-}" ]; then
	name=custom
	kdir=$(realpath -m "$KDIR")
	# The tools that we installed, unless the tree wants others.
	if [ -r "$CACHE/toolchain/env" ] && ! command -v bindgen >/dev/null; then
		PATH=$PATH:$CACHE/toolchain/bin
	fi
	check_tree "$kdir"
	LLVM=${LLVM:-$(llvm_of "$kdir")}
	[ -z "$LLVM" ] || export LLVM
else
	[ -r "$CACHE/toolchain/env" ] || "$TOP/scripts/provision.sh"
	use_toolchain
	kdir=$("$TOP/scripts/kernel.sh" "$name")
	check_tree "$kdir"
fi
arch=x86_64
if grep -qxF CONFIG_UML=y "$kdir/include/config/auto.conf"; then
	arch=um
elif grep -qxF CONFIG_ARM64=y "$kdir/include/config/auto.conf"; then
	arch=arm64
fi

out=$TOP/build/$name
mkdir -p "$out"
lock "build-$(printf %s "$out" | sha256sum | cut -c1-12)"
# Kbuild's own messages are short; a failing compiler's are what the user needs.
"${MAKE:-make}" -C "$kdir" ARCH=$arch M="$TOP" MO="$out" ${JOBS:+-j"$JOBS"} "$@" >&2 ||
	die "building against $kdir failed"
if (($# == 0)); then
	ln -sfn "build/$name/rnetvirt.ko" "$TOP/rnetvirt.ko"
	say "built build/$name/rnetvirt.ko for Linux $(cat "$kdir/include/config/kernel.release")"
fi
