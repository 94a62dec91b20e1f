# SPDX-License-Identifier: GPL-2.0
# Makes a KUnit suite of the examples in documentation comments: each block between ```
# and ```, without a word behind the first, is a test. Lines that begin with "# " are part
# of the test and hidden in the documentation, as rustdoc has it. A block may use `?`.
#
# usage: awk -v root=DIRECTORY/ -f examples.awk FILE.rs... >SUITE.rs
# Names of tests and the comments above them are paths below DIRECTORY.

function begin_file() {
	name = FILENAME
	if (index(name, root) == 1)
		name = substr(name, length(root) + 1)
	test = name
	sub(/\.rs$/, "", test)
	gsub(/[^a-z0-9]+/, "_", test)
	inside = other = 0
}

function fail(text) {
	print FILENAME ":" FNR ": " text >"/dev/stderr"
	failed = 1
	exit 1
}

BEGIN {
	print "// Made of documentation comments by kunit/examples.awk."
	print "#[kernel::prelude::kunit_tests(rnetvirt_examples)]"
	print "mod tests {"
	print "    use kernel::prelude::*;"
}

FNR == 1 { begin_file() }

!/^[ \t]*\/\/[\/!]/ {
	if (inside || other)
		fail("an example without its end")
	next
}

{
	sub(/^[ \t]*\/\/[\/!] ?/, "")
	if (inside && /^```$/) {
		print "        Ok(())\n    }"
		inside = 0
	} else if (inside) {
		sub(/^# /, "")
		print (/^#?$/ ? "" : "        " $0)
	} else if (other) {
		if (/^```$/)
			other = 0
	} else if (/^```$/) {
		printf "\n    // %s:%d\n    #[test]\n    fn %s_%d() -> Result {\n", name, FNR, test, FNR
		inside = 1
	} else if (/^```/) {
		other = 1
	}
}

END {
	if (!failed)
		print "}"
	exit failed
}
