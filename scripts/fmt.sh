#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Formats the Rust sources with the kernel's own rustfmt configuration.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--check]

Formats every Rust file that git knows in this checkout. With --check it changes
nothing, lists the files that are not formatted, and fails if there are any.

  KDIR=  a kernel tree, whose .rustfmt.toml is taken instead of the provided one's
TXT
}

check=
(($# <= 1)) || bad_usage "too many arguments"
case ${1-} in
'') ;;
--check) check=1 ;;
-h | --help) usage; exit 0 ;;
*) bad_usage "unknown argument '$1'" ;;
esac

[ -r "$CACHE/toolchain/env" ] || "$TOP/scripts/provision.sh" --build
use_toolchain

# Asking where the kernel is (to be) built downloads its source, no more.
[ -n "${KDIR:-}" ] || "$TOP/scripts/kernel.sh" --path release >/dev/null
config=
for d in ${KDIR:+"$KDIR/source" "$KDIR"} "$CACHE"/src/linux-*; do
	if [ -r "$d/.rustfmt.toml" ]; then
		config=$d/.rustfmt.toml
		break
	fi
done
[ -n "$config" ] || die "no kernel source with a .rustfmt.toml${KDIR:+ at KDIR=$KDIR}"

cd "$TOP" || exit
mapfile -t known < <(git ls-files -co --exclude-standard -- '*.rs')
files=()
for f in "${known[@]}"; do
	# A file that was deleted but not committed as such is still known.
	[ ! -e "$f" ] || files+=("$f")
done
((${#files[@]})) || die "no Rust source here"

if [ -z "$check" ]; then
	rustfmt --config-path "$config" "${files[@]}" || die "rustfmt failed"
	exit 0
fi
# With -l, a status of 1 and names on stdout mean differences, anything else is an error.
status=0
bad=$(rustfmt --check -l --config-path "$config" "${files[@]}") || status=$?
if [ -n "$bad" ]; then
	printf '%s\n' "$bad" | sed "s,^$TOP/,," | sort -u
	die "these files are not formatted; 'make fmt' does it"
fi
((status == 0)) || die "rustfmt failed"
say "${#files[@]} files are formatted"
