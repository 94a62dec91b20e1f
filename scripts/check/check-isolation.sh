#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Every test that Documentation/isolation.md names as a proof exists.
. "$(dirname "$0")/../common.sh"
. "$TOP/scripts/check/lib.sh"

usage() {
	cat <<TXT
usage: $ME [$KERNELS_USAGE]

Each sentence of a list in Documentation/isolation.md ends with the tests that show
that it is true, in parentheses: \`FILE:TEST\`, that is test_TEST in
scripts/tests/FILE.test.sh. Fails for a sentence without one, and for a test that is
not there.
TXT
}

kernel_argument "$@"
page=$TOP/Documentation/isolation.md
wrong=() count=0
while read -r word; do
	file=$TOP/scripts/tests/${word%%:*}.test.sh
	grep -qsE "^test_${word#*:}\(\)" "$file" || wrong+=("there is no test $word")
	count=$((count + 1))
done < <(grep -oE '`[a-z-]+:[a-z0-9_]+`' "$page" | tr -d '`' | sort -u)
# A sentence goes on in indented lines.
while IFS= read -r sentence; do
	[[ $sentence =~ \(\`[a-z-]+:[a-z0-9_]+\`.*\)[.\;]?$ ]] || wrong+=("without a test: $sentence")
done < <(awk '/^- /  { if (s) print s; s = $0; next }
	/^  [^ ]/ { if (s) { s = s " " $0; next } }
	{ if (s) print s; s = "" }
	END { if (s) print s }' "$page")
((${#wrong[@]} == 0)) || die "Documentation/isolation.md: $(printf '%s; ' "${wrong[@]}")"
((count > 0)) || die "Documentation/isolation.md names no test"
say "the $count tests that Documentation/isolation.md names exist"
