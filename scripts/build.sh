#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Builds the module against a kernel: a provided one, or the user's own.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE] [-- MAKE-ARGUMENTS...]
       KDIR=running | /path/to/build $ME [-- MAKE-ARGUMENTS...]

Builds rnetvirt.ko, and rnetvirt_kunit.ko where the kernel has KUnit, into
build/NAME (build/custom with KDIR=), and links the module as ./rnetvirt.ko.
Without KDIR= the named test kernel (default: release) is provided first.
MAKE-ARGUMENTS go to the kernel's make, for example CLIPPY=1 or a target.

  KDIR=   a Linux 7.3 configured with CONFIG_RUST=y: its build directory, or Debian's
          headers package, or 'running' for what belongs to the running kernel (see
          headers.sh --help); the same rustc must be on PATH
  LLVM=   as for the kernel's make; found out from KDIR if not given
  JOBS=   how many at once; default: one more than there are processors
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

run=()
if [ -n "${KDIR:-}" ]; then
	name=custom
	# The tools that we installed, unless the tree wants others.
	if [ -r "$CACHE/toolchain/env" ] && ! command -v bindgen >/dev/null; then
		PATH=$PATH:$CACHE/toolchain/bin
	fi
	kdir=$("$TOP/scripts/headers.sh" "$KDIR")
	LLVM=${LLVM:-$(llvm_of "$kdir")}
	[ -z "$LLVM" ] || export LLVM
elif is_stock "$name"; then
	kdir=$("$TOP/scripts/stock.sh" "$name")
	run=("$TOP/scripts/stock.sh" --exec)
else
	[ -r "$CACHE/toolchain/env" ] || "$TOP/scripts/provision.sh"
	use_toolchain
	kdir=$("$TOP/scripts/headers.sh" "$("$TOP/scripts/kernel.sh" "$name")")
fi
arch=x86_64
if grep -qxF CONFIG_UML=y "$kdir/include/config/auto.conf"; then
	arch=um
elif grep -qxF CONFIG_ARM64=y "$kdir/include/config/auto.conf"; then
	arch=arm64
fi

out=$(module_dir "$name")
mkdir -p "$out"
lock "build-$(printf %s "$out" | sha256sum | cut -c1-12)"
# Kbuild's own messages are short; a failing compiler's are what the user needs.
"${run[@]}" "${MAKE:-make}" -C "$kdir" ARCH=$arch M="$TOP" MO="$out" -j"${JOBS:-$(($(nproc) + 1))}" \
	${RNETVIRT_COVERAGE:+RNETVIRT_COVERAGE=1} ${RUSTC:+RUSTC="$RUSTC"} ${BINDGEN:+BINDGEN="$BINDGEN"} "$@" >&2 ||
	die "building against $kdir failed"
if (($# == 0)) && [ -z "${RNETVIRT_COVERAGE:-}" ]; then
	ln -sfn "build/$name/rnetvirt.ko" "$TOP/rnetvirt.ko"
	say "built build/$name/rnetvirt.ko for Linux $(cat "$kdir/include/config/kernel.release")"
fi
