#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# All checks of the sources and the built module, some at once.
. "$(dirname "$0")/common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]
       KDIR=/path/to/build $ME

Formatter, clippy, rustdoc, and what is in scripts/check, on a build of the module: where
unsafe code may be, that nothing panics, that C helpers are inlined. As many at once as
there are processors (JOBS=N: N); what each says is shown when it has ended. Fails if one
of them fails, after having run all.
TXT
}

kernel_argument "$@"
jobs=${JOBS:-$(nproc)}
said=$(mktemp -d)
# A process group each, which goes when we go.
set -m
# shellcheck disable=SC2317,SC2329  # called by the traps
finish() {
	trap - EXIT INT TERM
	end_jobs
	rm -rf "$said"
}
trap finish EXIT
trap 'finish; say "interrupted"; exit 130' INT TERM

declare -A running=()
failed=()

# begin SCRIPT [ARGUMENT...]: in the background, if there are not too many.
begin() {
	local script

	((${#running[@]} < jobs)) || ended
	script=$(basename "$1" .sh)
	"$@" >"$said/$script" 2>&1 </dev/null &
	running[$!]=$script
}

# ended: one of them has, and is shown.
ended() {
	local pid status=0

	wait -n -p pid || status=$?
	cat "$said/${running[$pid]}" >&2
	((status == 0)) || failed+=("${running[$pid]}")
	unset "running[$pid]"
}

[ "$name" = custom ] || "$TOP/scripts/kernel.sh" "$name" >/dev/null
# Clippy builds in a directory of its own.
begin "$TOP/scripts/clippy.sh" "$@"
build "$TOP/build/log/check-$name.log" || die "the module does not build"
export BUILT=$name
begin "$TOP/scripts/check/check-compile-fail.sh" "$@"
begin "$TOP/scripts/doc.sh" "$@"
for check in "$TOP"/scripts/check/check-*.sh; do
	[[ $check == */check-compile-fail.sh ]] || begin "$check" "$@"
done
begin "$TOP/scripts/fmt.sh" --check
while ((${#running[@]})); do
	ended
done
((${#failed[@]} == 0)) || die "failed: ${failed[*]}"
