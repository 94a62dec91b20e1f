#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Safe code that misuses the abstractions does not compile.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [release | debug | uml]

Compiles each file of kunit/compile-fail against the built abstractions, twice:
with \`--cfg misuse\`, which must fail with the errors that its first line names, and
without, which must succeed. So a case cannot fail for another reason than the one
that it is about. The first line is

  // misuse: E0505 [E0382...]  each of these errors, and no others
  // misuse, in use: E0080     the same, of constants that are evaluated where a
                               function or an implementation is made use of

CASES='NAME...' takes only these.
TXT
}

CASES_DIR=kunit/compile-fail

kernel_argument "$@"
build "$TOP/build/log/check-compile-fail-$name.log" || die "the module does not build"
tools

# compile FILE ARGS...: as the driver was compiled; its errors in short form.
compile() {
	local emit=metadata dir status=0

	# Made here, and not left to who calls it.
	[[ $(head -n 1 "$1") != *", in use:"* ]] || emit="obj -Zcross-crate-inline-threshold=never"
	dir=$(mktemp -d "$work/XXXXXX")
	(cd "$out" && eval "$rustc \"\${@:2}\" --crate-name case --emit=$emit --error-format=short \
		--check-cfg 'cfg(misuse)' --out-dir \"\$dir\" \"\$1\"") >"$dir/log" 2>&1 || status=$?
	# Warnings are of no interest, nor is the compiler's own last word.
	grep -E '(^|: )error(\[|:)|^error' "$dir/log" |
		grep -vE '^error: aborting due to|^Some errors have|^For more information' || true
	return "$status"
}

# check_case FILE: says what is wrong with it, if anything.
check_case() {
	local name=${1##*/} wanted errors found

	wanted=$(sed -nE '1s|^// misuse(, in use)?: ([E0-9 ]+)$|\2|p' "$1")
	[ -n "$wanted" ] || { echo "$name: the first line does not say which error is expected"; return; }
	grep -qxF '#![forbid(unsafe_code)]' "$1" || { echo "$name: does not forbid unsafe_code"; return; }
	errors=$(compile "$1") || { echo "$name: does not compile even without the misuse:"; echo "$errors"; return; }
	if errors=$(compile "$1" --cfg misuse); then
		echo "$name: the misuse compiles"
		return
	fi
	wanted=$(tr -s ' ' '\n' <<<"$wanted" | sort -u)
	# An error without a number is none that was expected.
	found=$(sed -E 's/.*error\[(E[0-9]+)\].*/\1/' <<<"$errors" | sort -u)
	[ "$found" = "$wanted" ] ||
		{ echo "$name: fails, but not with ${wanted//$'\n'/ } alone:"; echo "$errors"; }
}

mapfile -t cases < <(cd "$TOP" && git ls-files -co --exclude-standard -- "$CASES_DIR/*.rs")
if [ -n "${CASES-}" ]; then
	# shellcheck disable=SC2086
	cases=($(printf "$CASES_DIR/%s.rs " $CASES))
fi
((${#cases[@]})) || die "no case in $CASES_DIR"

# The driver's command, up to what is written and what is read.
saved=$out/rust/driver/.rnetvirt_main.o.cmd
[ -r "$saved" ] || die "$saved is missing"
rustc=$(sed -n '1s/^[^=]*:= //p' "$saved")
[[ $rustc == *" --extern abstractions "*" --out-dir "* ]] || die "$saved is not as expected"
rustc=${rustc%% --out-dir *}
# As the kernel's Makefile does.
export RUSTC_BOOTSTRAP=1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export -f compile check_case
export out rustc work
bad=$(printf '%s\0' "${cases[@]/#/$TOP/}" |
	xargs -0 -n 1 -P "${JOBS:-$(nproc)}" bash -c 'check_case "$1" >"$work/$(basename "$1").bad"' check_case
	cat "$work"/*.bad)
if [ -n "$bad" ]; then
	printf '%s\n' "$bad" >&2
	die "see above"
fi
say "${#cases[@]} misuses of the abstractions do not compile"
