#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# No path of the module can panic: a panic in the kernel stops the machine.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]

Lists the Rust functions that rnetvirt.ko takes from the kernel, where all that
panics is (core::panicking, unwrap_failed, bounds checks, ...). Each must be in
$(basename "$ALLOW") with a reason why it does not panic.

A kernel with CONFIG_RUST_OVERFLOW_CHECKS or CONFIG_RUST_DEBUG_ASSERTIONS asks for
panics where arithmetic overflows or the rules of unsafe code are broken; those
are then expected, and only those.
TXT
}

ALLOW=$TOP/scripts/check/panic.allow

kernel_argument "$@"
build "$TOP/build/log/check-panic-$name.log" || die "the module does not build"
tools
ko=$out/rnetvirt.ko
conf=$(kernel_dir)/include/config/auto.conf

# Lines of the file are "NAME: reason", NAME being a pattern for [[ ]].
allowed=()
while IFS= read -r line; do
	case $line in
	'' | \#*) ;;
	'if CONFIG_'*)
		line=${line#if }
		! grep -qxF "${line%% *}=y" "$conf" || {
			line=${line#* }
			allowed+=("${line%%: *}")
		}
		;;
	*': '*) allowed+=("${line%%: *}") ;;
	*) die "$ALLOW: no reason in '$line'" ;;
	esac
done <"$ALLOW"

# The legacy mangling of Rust's symbols begins with _ZN, today's with _R.
symbols=$(llvm nm "$ko") || die "cannot read the symbols of $ko"
[ -n "$symbols" ] || die "$ko has no symbols"
mapfile -t used < <(awk '$(NF-1) == "U" && $NF ~ /^(_R|_ZN)/ { print $NF }' <<<"$symbols" | llvm cxxfilt)
# One that is defined here, such as a crate's own panic handler, is no better.
mapfile -t own < <(awk '$(NF-1) != "U" { print $NF }' <<<"$symbols" | llvm cxxfilt |
	grep -E 'core::panicking|rust_begin_unwind|^core::.*(_failed|_fail)$' || true)

bad=()
for symbol in "${used[@]}" "${own[@]}"; do
	for pattern in "${allowed[@]}"; do
		# shellcheck disable=SC2053
		[[ $symbol != $pattern ]] || continue 2
	done
	bad+=("$symbol")
done
if ((${#bad[@]})); then
	for symbol in "${bad[@]}"; do
		say "$ko uses $symbol"
	done
	die "these may panic; if they do not, $(basename "$ALLOW") must say why"
fi
expected=$(printf '%s\n' "${used[@]}" | grep -c '^core::panicking' || true)
if ((expected)); then
	expected=" but the $expected that the kernel's configuration asks for"
else
	expected=
fi
say "no panic in build/$name/rnetvirt.ko$expected"
