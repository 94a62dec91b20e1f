#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Builds the plugin that teaches ip the link kind rnetvirt.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--check | --dir]

Builds build/iproute2/link_rnetvirt.so, which ip loads from the directory that
IP_LIB_DIR names, and prints its path. Any rustc from $RUST_MIN on will do, and any
linker: RUSTC=, that of the provided toolchain, the one on PATH, Debian's. Where there
is none the toolchain is provided.

  --check  lints and checks the formatting of the plugin's source instead
  --dir    prints the directory where the installed ip looks for its plugins
TXT
}

RUST_MIN=1.77 # the literals c"..."
mode=build
(($# <= 1)) || bad_usage "too many arguments"
case ${1-} in
'') ;;
--check | --dir) mode=${1#--} ;;
-h | --help) usage; exit 0 ;;
*) bad_usage "unknown argument '$1'" ;;
esac

SRC=$TOP/rust/iproute2/lib.rs
OUT=$TOP/build/iproute2
RUST=(--edition 2021 --crate-name link_rnetvirt --crate-type cdylib -O -C panic=abort)

# ip itself says where it looks, when asked for a kind that nobody has.
plugin_dir() {
	local ip dir

	ip=$(PATH=$PATH:/usr/sbin:/sbin command -v ip) || die "no ip here (the Debian package is iproute2)"
	dir=$({ env -u IP_LIB_DIR LD_DEBUG=files "$ip" link help no_such_kind 2>&1 >/dev/null || true; } |
		sed -n 's,.*file=\(/.*\)/link_no_such_kind\.so .*,\1,p' | tail -n 1)
	[ -n "$dir" ] || die "$ip does not tell where it looks for plugins"
	echo "$dir"
}

new_enough() { # RUSTC...
	local version

	version=$("$@" --version 2>/dev/null | awk '{ print $2 }') && [ -n "$version" ] &&
		printf '%s\n' "$RUST_MIN" "$version" | sort -CV
}

# Sets `rustc` to a compiler, with arguments in front if need be.
find_rustc() {
	local candidate

	[ ! -r "$CACHE/toolchain/env" ] || use_toolchain
	for candidate in ${RUSTC:+"$RUSTC"} rustc /usr/bin/rustc; do
		if new_enough "$candidate"; then
			rustc=("$candidate")
			return
		fi
	done
	# The stock kernel's Debian 13 has one.
	if [ -e "$CACHE/stock/root/.complete" ]; then
		rustc=("$TOP/scripts/stock.sh" --exec rustc)
		return
	fi
	"$TOP/scripts/provision.sh" --build
	use_toolchain
	rustc=(rustc)
}

build() {
	local linker=()

	# rustc's own choice is cc.
	command -v cc >/dev/null || ! command -v clang >/dev/null || linker=(-C linker=clang)
	"${rustc[@]}" "${RUST[@]}" "${linker[@]}" -C strip=symbols \
		-o "$tmp/link_rnetvirt.so" "$SRC" || die "the plugin does not compile"
	mv "$tmp/link_rnetvirt.so" "$OUT/"
	echo "$OUT/link_rnetvirt.so"
}

# The compiler renames its output into place: /dev/null would become a file.
check() {
	rustfmt --edition 2021 --check "$SRC" || die "rustfmt would change the source"
	clippy-driver "${RUST[@]}" --emit metadata --out-dir "$tmp" -D warnings \
		-W clippy::undocumented_unsafe_blocks "$SRC" || die "clippy complains"
}

case $mode in
dir) plugin_dir ;;
*)
	if [ "$mode" = check ]; then
		[ -r "$CACHE/toolchain/env" ] || "$TOP/scripts/provision.sh" --build
		use_toolchain
	else
		find_rustc
	fi
	lock plugin
	mkdir -p "$OUT"
	tmp=$(mktemp -d "$OUT/.$mode.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 130' INT TERM
	"$mode"
	;;
esac
