#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# `unsafe` is where it may be, and nothing keeps clippy from asking for its reason.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]

Checks of the sources:
 - \`unsafe\` stands only under ${ALLOWED[*]};
 - every crate with a module! or module_links! forbids it at its root, and the plugin denies it but
   for its module ffi;
 - clippy::undocumented_unsafe_blocks, which wants a SAFETY comment for every
   block and impl, is on for both crates and for the plugin, and no attribute
   outside rust/bindings switches it or its like off;
 - the driver makes use of abstractions::testing in tests only, as what that gives is
   true of tests;
 - nobody forgets values, and outside ${ALLOWED[0]} nobody even puts them where they
   are never dropped: a leaked registration outlives the module's code.

What finds these words is tried first on lines that are bad and on lines that are not.
TXT
}

ALLOWED=(rust/abstractions/ rust/bindings/ rust/iproute2/ffi)
LINT=clippy::undocumented_unsafe_blocks

kernel_argument "$@"
build "$TOP/build/log/check-unsafe-$name.log" || die "the module does not build"

cd "$TOP" || exit
mapfile -t files < <(git ls-files -co --exclude-standard -- 'rust/*.rs' 'kunit/*.rs')
bad=

# fail TEXT [LINES]: notes a violation; all are shown before the end.
fail() {
	say "$1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" >&2
	bad=1
}

# words REGEX FILES...: FILE:LINE:TEXT of code that matches, comments left out.
words() {
	perl -ne 'BEGIN { $re = shift } s{//.*}{}; print "$ARGV:$.:$_" if /$re/; close ARGV if eof' "$@"
}

# Functions that drop nothing, and the types and functions that keep others from dropping.
FORGETS='\bforget\b|\bleak\b'
KEEPS='\bManuallyDrop\b|\bMaybeUninit\b|\binto_raw(_parts)?\b|\binto_foreign\b|\bSetOnce\b|\bglobal_lock!'

# tries REGEX FOUND: of lines on stdin that begin with + those are found, of the others none.
tries() {
	local samples wanted

	samples=$(mktemp)
	cat >"$samples"
	wanted=$(grep '^+' "$samples")
	found=$(words "$1" "$samples" | sed 's/^[^:]*:[0-9]*://')
	[ "$found" = "$wanted" ] ||
		fail "the regular expression '$1' does not find (<), or should not (>):" \
			"$(diff <(echo "$wanted") <(echo "$found") | grep '^[<>]')"
	rm "$samples"
}
tries '\bunsafe\b' <<'TXT'
+	unsafe { f() }
+unsafe impl Sync for T {}
+	let x = || unsafe{ f() };
 // unsafe { f() }
 #![forbid(unsafe_code)]
TXT
tries "$FORGETS" <<'TXT'
+	core::mem::forget(registration);
+	use core::mem::{forget, size_of};
+	Box::leak(registration);
+	KBox::leak(registration)
+	VBox::<_>::leak(registration)
+	Pin::into_inner(registration).leak();
 // never forget it
 	self.forget_addresses(dev);
 	let leaked = true;
TXT
tries "$KEEPS" <<'TXT'
+	let _ = ManuallyDrop::new(registration);
+	let _ = core::mem::ManuallyDrop::new(registration);
+	let kept = MaybeUninit::new(registration);
+	registration.into_foreign();
+	Arc::into_raw(registration)
+	KBox::into_raw(registration);
+	let (p, n, c) = registrations.into_raw_parts();
+static KEPT: SetOnce<Registration> = SetOnce::new();
+kernel::sync::global_lock! {
 	frame.into_skb()
 	// as ManuallyDrop::new() does
TXT

others=()
for f in "${files[@]}"; do
	for dir in "${ALLOWED[@]}"; do
		case $f in "$dir"*) continue 2 ;; esac
	done
	others+=("$f")
done
found=$(words '\bunsafe\b' "${others[@]}")
[ -z "$found" ] || fail "unsafe outside ${ALLOWED[*]}:" "$found"

mapfile -t roots < <(grep -l '^module\(_links\)\? *! {' "${files[@]}")
((${#roots[@]})) || fail "no crate with a module was found"
for f in "${roots[@]}"; do
	grep -qxF '#![forbid(unsafe_code)]' "$f" || fail "$f does not forbid unsafe_code"
done
plugin=rust/iproute2/lib.rs
grep -qE '^#!\[deny\((.*, )?unsafe_code[,)]' "$plugin" || fail "$plugin does not deny unsafe_code"

# What the compiler was really told, not what Kbuild seems to say.
for crate in rust/abstractions/abstractions rust/driver/rnetvirt_main; do
	cmd=$out/$(dirname "$crate")/.$(basename "$crate").o.cmd
	[ -r "$cmd" ] || { fail "$cmd is missing"; continue; }
	grep -q -- " -W$LINT " "$cmd" || fail "$crate is built without -W$LINT"
	found=$(grep -oE -- " (-A ?($LINT|clippy::all|warnings|unsafe_[a-z_]+)|--cap-lints[= ][a-z]+) " "$cmd" || true)
	[ -z "$found" ] || fail "$crate is built with$found"
done
grep -q -- "-W $LINT" scripts/plugin.sh || fail "scripts/plugin.sh does not ask for $LINT"

# Attributes may span lines. The one that is meant to be: the plugin's ffi.
found=$(perl -0777 -ne 's{//.*}{}g; s{^#\[allow\(unsafe_code\)\]\nmod ffi;}{}m if $ARGV =~ m{iproute2/lib};
	while (/#!?\[[^\]]*?\b(?:allow|expect|warn)\s*\([^\]]*?\b(undocumented_unsafe_blocks|missing_safety_doc|clippy::all|clippy::restriction|unsafe_op_in_unsafe_fn|unsafe_code|warnings)\b/g) {
		print "$ARGV: $1\n";
	}' "${files[@]}" | grep -v '^rust/bindings/' || true)
[ -z "$found" ] || fail "lints about unsafe are switched off outside rust/bindings:" "$found"

# Tests are at the end of a file.
found=$(awk 'FNR == 1 { tests = 0 } /^#\[cfg\(rnetvirt_kunit\)\]/ { tests = 1 }
	!tests && !/^ *\/\// && /\<testing\>/ { print FILENAME ":" FNR ":" $0 }' rust/driver/*.rs rust/driver/*/*.rs)
[ -z "$found" ] || fail "the driver uses what is for tests:" "$found"

mapfile -t ours < <(printf '%s\n' "${files[@]}" | grep -v '^rust/iproute2/')
# What it loses on purpose, some bytes, is for kmemleak to find.
found=$(words "$FORGETS" "${ours[@]}" | grep -vE '^kunit/provoke\.rs:.*(\bforget\(KBox::new\(\[0u8; 256\], |b"wrong-leak")' || true)
[ -z "$found" ] || fail "values are leaked:" "$found"
mapfile -t ours < <(printf '%s\n' "${others[@]}" | grep -v '^rust/iproute2/')
# Its files are used when there is nothing else that could go: the test is about who shares one.
# Counters are a link's, with which they are dropped.
found=$(words "$KEEPS" "${ours[@]}" | grep -vE '^(kunit/shared_file|rust/driver/veth/stats)\.rs:.*\bSetOnce\b' || true)
[ -z "$found" ] || fail "values are put where they are never dropped, outside ${ALLOWED[0]}:" "$found"

[ -z "$bad" ] || die "see above"
say "unsafe only in ${ALLOWED[*]}; ${#roots[@]} crates forbid it; $LINT is on"
