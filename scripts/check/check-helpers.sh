#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# C helpers are inlined, and a packet's path calls nothing but what it must.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]

On kernels with CONFIG_RUST_INLINE_HELPERS no helper may be left as a function of
rnetvirt.ko or be called by it, and there may be one copy only of what they count in.
Where moreover nothing is instrumented, the calls of the packet path, from
start_xmit down, are compared with the list in packet-path.allow, which says for
each what it is needed for, and how much of the stack each function there may take.
TXT
}

kernel_argument "$@"
build "$TOP/build/log/check-helpers-$name.log" || die "the module does not build"
tools
ko=$out/rnetvirt.ko
conf=$(kernel_dir)/include/config/auto.conf
configured() { grep -qxF "CONFIG_$1=y" "$conf"; }

if ! configured RUST_INLINE_HELPERS; then
	say "helpers are calls: the kernel '$name' has no CONFIG_RUST_INLINE_HELPERS"
	exit 0
fi

symbols=$(llvm nm "$ko") || die "cannot read the symbols of $ko"
[ -n "$symbols" ] || die "$ko has no symbols"
# Static data of an inlined helper (a lock class, say) keeps its name and is no call.
left=$(awk '$(NF-1) ~ /^[UTtWw]$/ && $NF ~ /^(rnetvirt|rust)_helper_/ { print $NF }' <<<"$symbols")
twice=$(awk '$(NF-1) ~ /^[DdBb]$/ && $NF ~ /^rnetvirt_/ { print $NF }' <<<"$symbols" | sort | uniq -d)
[ -z "$twice" ] || die "$ko has several copies of ${twice//$'\n'/, }: put it into rust/helpers/shared.c"
[ -z "$left" ] || die "$ko has helpers that are not inlined: ${left//$'\n'/, }"

if configured KASAN || configured KCSAN || configured UBSAN || configured PROVE_LOCKING; then
	say "no helper is left in build/$name/rnetvirt.ko (the path of a packet is instrumented and not looked at)"
	exit 0
fi
llvm objdump -dr --no-show-raw-insn "$ko" |
	"$TOP/scripts/check/packet-path.py" "$TOP/scripts/check/packet-path.allow" 2>&1 |
	llvm cxxfilt >&2 ||
	die "the packet path in $ko calls what it should not, or takes too much of the stack"
say "no helper is left in build/$name/rnetvirt.ko, and the packet path calls only what it must"
