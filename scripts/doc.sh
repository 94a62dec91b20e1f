#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Makes the HTML documentation of the module's crates.
. "$(dirname "$0")/common.sh"
. "$TOP/scripts/check/lib.sh"

# Where the kernel's documentation says that its crates' is.
PUBLISHED=https://rust.docs.kernel.org

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]
       KDIR=/path/to/build $ME

Runs rustdoc on the abstractions (what is public) and the driver (everything) into
build/doc; begin at build/doc/index.html. A warning is an error, and so is a link
that leads nowhere. The kernel's crates are linked to where they are documented: in
the kernel's build directory if that was done there (make rustdoc), else at
$PUBLISHED.
TXT
}

kernel_argument "$@"
build "$TOP/build/log/doc-build-$name.log" || die "the module does not build"
tools
kdir=$(kernel_dir)
source=$(realpath "$kdir/source" 2>/dev/null || echo "$kdir")

lock_here doc
tmp=$(mktemp -d "$TOP/build/.doc.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

log=$TOP/build/log/doc-$name.log
: >"$log"

# rustdoc needs exactly the flags that the compiler got; Kbuild wrote them down.
# document CRATE NAME [FLAGS...]
document() {
	local saved env=() flags=() word source crate=$1 crate_name=$2

	shift 2
	saved=$(sed -n 's/^savedcmd_[^ ]* := //p' "$out/$(dirname "$crate")/.$(basename "$crate").o.cmd")
	[ -n "$saved" ] || die "Kbuild kept no command for $crate.o"
	# The compiler's is the first command of the line; make's $$ is the shell's $.
	saved=${saved%%;*}
	eval "set -- \"\$@\" ${saved//\$\$/\$}"
	while (($#)); do
		word=$1
		shift
		case $word in
		[A-Z]*=*) env+=("$word") ;;
		*.rs) source=$word ;;
		--out-dir) shift ;;
		--emit=* | --remap-path-* | */rustc | rustc | */clippy-driver | clippy-driver) ;;
		*) flags+=("$word") ;;
		esac
	done
	(cd "$out" && env "${env[@]}" RNETVIRT_OBJTREE="$out" RUSTC_BOOTSTRAP=1 "${RUSTDOC:-rustdoc}" \
		"${flags[@]}" "${kernel_links[@]}" -D warnings --crate-name "$crate_name" \
		--generate-link-to-definition --enable-index-page --output "$tmp" "$source") >>"$log" 2>&1 || {
		cat "$log" >&2
		die "rustdoc complains about $crate_name"
	}
}

# Without a place for its crate, a link in a text becomes one that leads nowhere.
html=$kdir/Documentation/output/rust/rustdoc
if [ -e "$html/kernel/index.html" ]; then
	html=file://$(realpath "$html")
else
	version=$(cut -d. -f1,2 "$kdir/include/config/kernel.release")
	html=$PUBLISHED/${version%%-*}
fi
kernel_links=()
for crate in kernel macros pin_init zerocopy core; do
	kernel_links+=(--extern-html-root-url "$crate=$html")
done

document rust/abstractions/abstractions abstractions
# Nothing of the driver is public, so its links are to what is private.
document rust/driver/rnetvirt_main rnetvirt --document-private-items \
	-A rustdoc::private_intra_doc_links

# Links to files of the kernel source are written srctree/..., as in the kernel.
find "$tmp" -name '*.html' -type f -exec sed -i "s,href=\"srctree/,href=\"file://$source/,g" {} +
"$TOP/scripts/check/html-links.py" "$tmp" || die "the documentation has broken links"

rm -rf "$TOP/build/doc" "$tmp/.lock"
mv "$tmp" "$TOP/build/doc"
chmod 755 "$TOP/build/doc"
say "documented in build/doc"
