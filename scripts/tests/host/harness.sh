#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Tests that the harness itself tells good from bad: a kernel log's complaints, a
# guest that dies or hangs, results that are missing.
. "$(dirname "$0")/../../common.sh"

usage() {
	cat <<TXT
usage: $ME [TEST...]

Prints KTAP. The tests whose names begin with guest_ boot a guest each; on the
debug kernel (KERNEL=debug) they are skipped, except two.
TXT
}

KERNEL=${KERNEL:-$FAST}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

fail() {
	echo "failed: $*"
	exit 1
}

same() { [ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"; }

check_log() { "$TOP/scripts/kmsg-check.sh" "$@"; }

# --- parity.sh --------------------------------------------------------------

# declared C OURS: what is said of a row that declares these.
declared() {
	printf '[[difference]]\nflavor = "veth"\nscenario = "s"\nfield = "f"\nclass = "chosen"\nc = "%s"\nours = "%s"\nreason = "r"\n' "$@" >"$work/rows.toml"
	PYTHONPATH=$TOP/scripts/parity python3 -c 'import compare, sys
try:
    compare.declarations(sys.argv[1], "veth")
    print("accepted")
except ValueError as error:
    print("refused" if "hides whatever comes" in str(error) else error)' "$work/rows.toml"
}

test_rows_say_what_is_seen() {
	same "a value each" "$(declared 0 1)" accepted
	same "a pattern" "$(declared 'EAGAIN*' '')" accepted
	same "anything from ours" "$(declared 0 '*')" refused
	same "anything from C" "$(declared '**' 1)" refused
}

# judged_both SEEN: the verdict on what both sides have seen alike.
judged_both() {
	PYTHONPATH=$TOP/scripts/parity python3 -c 'import compare, json, sys
seen = ["seen", json.loads(sys.argv[1])]
print(compare.judge({"name": "s", "c": seen, "ours": seen, "seconds": 0}, []).word)' "$1"
}

test_nothing_seen_is_not_the_same() {
	local nothing

	for nothing in '{}' '[]' null; do
		same "$nothing" "$(judged_both "$nothing")" ERROR
	done
	same "something" "$(judged_both '{"a": []}')" same
}

test_a_line_that_is_cut_costs_one_scenario() {
	local got seen='["seen", {"a": 1}]'

	got=$(printf '%s\n' '{"plan": ["a", "b"], "all": ["a", "b"]}' \
		"{\"name\": \"a\", \"c\": $seen, \"ours\": $seen, \"seconds\": 0}" '{"name": "b", "c": ["se' |
		python3 "$TOP/scripts/parity/report.py" --ktap --save "$work/parity" veth) || true
	grep -qx 'ok 1 a # same' <<<"$got" || fail "got '$got'"
	grep -qx 'not ok 2 b # ERROR' <<<"$got" || fail "got '$got'"
	same "the last line" "$(tail -n 1 <<<"$got")" "2 passed, 1 failed"
	same "what is left" "$(ls -A "$work/parity")" veth-part.ktap
	# And if it is the end of the report itself.
	got=$(echo '{"name": 1}' | python3 "$TOP/scripts/parity/report.py" --save "$work/parity" veth 2>&1) && fail "got '$got'"
	same "what is left" "$(ls -A "$work/parity")" veth-part.ktap
}

test_a_child_that_raises_has_seen_nothing() {
	PYTHONPATH=$TOP/scripts/parity:$TOP/scripts/tests python3 - <<-'PY' >"$work/said"
		import os, tap, types

		def dies():
		    os.kill(os.getpid(), 9)

		for function in (lambda: "text", lambda: 1 / 0, dies):
		    child = tap.Child(types.SimpleNamespace(captures=[]), function)
		    try:
		        print(child.done())
		    except RuntimeError as error:
		        print("error:", error)
		    child.close()
	PY
	same "children" "$(<"$work/said")" "text
error: a child gave nothing: ZeroDivisionError('division by zero')
error: a child gave nothing: no text, no error"
}

# --- kunit.sh ---------------------------------------------------------------

test_generated_suites_are_those_of_the_build() {
	local top=$work/generated got

	mkdir -p "$top"/{scripts,kunit,rust,tree/source,build/uml-coverage/kunit} "$work/cache/toolchain"
	: >"$work/cache/toolchain/env"
	ln -s "$TOP"/scripts/{common,kunit}.sh "$top/scripts"
	printf '#!/bin/sh\necho "%s"\n' "$top/tree" >"$top/scripts/kernel.sh"
	chmod +x "$top/scripts/kernel.sh"
	ln -s kernel.sh "$top/scripts/build.sh"
	ln -s kernel.sh "$top/scripts/vm.sh"
	echo '#[kunit_tests(examples)]' >"$top/build/uml-coverage/kunit/examples_generated.rs"
	got=$(RNETVIRT_CACHE=$work/cache RNETVIRT_COVERAGE=1 "$top/scripts/kunit.sh" --kernel uml 2>&1) && fail "got '$got'"
	[[ $got == *"the suite examples did not run" ]] || fail "got '$got'"
}

# --- bench.sh ---------------------------------------------------------------

# measured MODULE ASKED ANSWERED...: merges what a guest has said of the rows that were asked for.
measured() {
	local row

	for row in "${@:3}"; do
		echo "{\"row\": \"$row\", \"floor\": [100], \"c\": [200], \"ours\": [150]}"
	done >"$work/raw"
	BENCH_ROWS=$2 BENCH_HEADER="{\"key\": \"k\", \"module\": \"$1\"}" \
		python3 "$TOP/scripts/bench/report.py" merge instructions "$work/results" "$work/raw"
}

# compared ROWS: how many of them are as the baseline wants them.
compared() { BENCH_ROWS=$1 python3 "$TOP/scripts/bench/report.py" check "$work/baseline" "$work/results" | tail -n 1; }

test_rows_that_were_not_measured_fail() {
	local row='{"floor": 100, "c": 200, "ours": 150}' both='veth/v4-60 veth/v4-1514'

	rm -f "$work/results"
	echo "{\"k\": {\"veth/v4-60\": $row, \"veth/v4-1514\": $row}}" >"$work/baseline"
	measured old "$both" veth/v4-60 veth/v4-1514 || fail "both were measured"
	same "both" "$(compared "$both")" "2 of 2 rows are within 1 % of the baseline"
	! measured new "$both" veth/v4-60 || fail "one that did not answer is taken for measured"
	same "one" "$(compared "$both")" "1 of 2 rows are within 1 % of the baseline"
	! measured new "$both" || fail "none answered"
	measured old "$both" veth/v4-60 veth/v4-1514
	measured new veth/v4-60 veth/v4-60
	same "one of another module" "$(compared "$both")" "1 of 2 rows are within 1 % of the baseline"
}

test_only_rows_that_are_named_become_the_baseline() {
	local shown

	rm -f "$work/results"
	echo '{"k": {}}' >"$work/baseline"
	measured new 'veth/v4-60 veth/v4-1514' veth/v4-60 veth/v4-1514
	BENCH_ROWS=veth/v4-60 python3 "$TOP/scripts/bench/report.py" update "$work/baseline" "$work/results"
	same "rows" "$(grep -o 'veth/[^"]*' "$work/baseline")" veth/v4-60
	measured newer veth/v4-60 veth/v4-60
	shown=$(python3 "$TOP/scripts/bench/report.py" show "$work/results")
	! grep -q '^veth/v4-1514 ' <<<"$shown" || fail "the figures of another module are shown as this one's"
	[[ $shown == *"; 1 rows of other modules are not shown)" ]] || fail "got '$shown'"
}

# --- stress.sh --------------------------------------------------------------

# stressed STATUS [ARGUMENT...]: what stress.sh says of a guest that prints standard input
# and ends with that status.
stressed() {
	local top=$work/stressed

	mkdir -p "$top/scripts"
	ln -sf "$TOP"/scripts/* "$top/scripts"
	cat >"$top/ktap"
	printf '#!/bin/sh\ncat "%s"\nexit %s\n' "$top/ktap" "$1" >"$top/vm"
	chmod +x "$top/vm"
	ln -sf ../vm "$top/scripts/vm.sh"
	RNETVIRT_CACHE=$work/cache timeout "${LIMIT:-60}" "$top/scripts/stress.sh" --flavor veth "${@:2}" 2>&1 || echo "status $?"
}

# in_stress: runs standard input, Python, beside the files of scripts/stress.
in_stress() { KERNEL=none PYTHONPATH=$TOP/scripts/stress python3 -; }

test_stress_counts_what_it_skips() {
	local got

	got=$(stressed 0 faults <<<$'1..3\nok 1 faults-a\nok 2 faults-b # SKIP the time was over\nok 3 faults-removed')
	same "skipped" "$(tail -n 1 <<<"$got")" "2 passed, 0 failed, 1 skipped"
	got=$(stressed 0 faults <<<$'1..3\nok 1 faults-a\nok 2 faults-b # SKIP the time was over')
	same "missing" "$(tail -n 2 <<<"$got")" $'1 passed, 1 failed, 1 skipped\nstatus 1'
}

test_stress_skips_what_there_is_no_time_for() {
	in_stress <<-'PY' >"$work/said"
		import sys
		import guest, allocations

		class Played:
		    """An operation of which two allocations can fail."""
		    spared, ignored, wanted = None, (), None
		    prepare = lambda self: None
		    act = lambda self, fault, n: (n in (1, 2), 12 if n in (1, 2) else 0)
		    good = lambda *_: True
		    restore = lambda self, new: None
		    left = lambda self, links: links

		class Here(guest.Supervisor):
		    def __init__(self):
		        self.board, self.clean = guest.bed.Board(), 0
		    def run(self, name, function, limit):
		        return function(self.board) or None

		allocations.Fault, allocations.state, allocations.time.sleep = object, lambda ignored=(): {}, lambda _: None
		allocations.knobs, allocations.operations = lambda spared=None: None, lambda *_: {"a": Played()}
		for name in ("ns_add", "ns_clear", "tainted", "leaks"):
		    setattr(guest.bed, name, lambda *_: None)
		guest.Supervisor, guest.prepare, guest.finish = Here, lambda kind: None, lambda *_: None
		for seconds in ("0", "1000", "-1"):
		    sys.argv = ["guest.py", "--seed", "1", "--time", seconds, "--op", "a", "faults"]
		    guest.main()
	PY
	same "results" "$(grep 'ok 1' "$work/said")" $'ok 1 faults-a\nok 1 faults-a\nok 1 faults-a # SKIP the time was over at allocation 1'
}

test_a_step_that_is_killed_fails() {
	in_stress <<-'PY' >"$work/said"
		import os
		import guest, fuzz

		class Here(guest.Supervisor):
		    look = lambda *_: ""
		    def __init__(self):
		        self.board, self.clean, self.status = guest.bed.Board(), 0, 0

		def end(code):
		    return lambda *_: os.kill(os.getpid(), -code) if code < 0 else os._exit(code) if code else None

		# Nobody else is there to be forked.
		fuzz.SPACES, guest.bed.ns_add, guest.bed.enter, guest.bed.check = ["F0"], print, print, lambda _: None
		guest.bed.libc = type("libc", (), {"unshare": lambda _: 0})
		for code in (0, 3, -9):
		    print("step:", Here().run("a", end(code), 10))
		    print("sender:", fuzz.run(None, None, end(code)))
	PY
	same "steps" "$(sed -n 's/^step: //p' "$work/said")" $'None\nended with status 3\nended by signal 9: Killed'
	same "senders" "$(sed -n 's/^sender: //p' "$work/said")" $'None\nended with status 3\nended by signal 9: Killed'
}

test_races_without_a_module_fail() {
	in_stress <<-'PY' >"$work/said"
		import argparse, errno
		import guest, races

		def step(errors):
		    def one(worker):
		        if errors:
		            raise OSError(errors[0], "played")
		    return one

		def play():
		    board = guest.bed.Board()
		    print(races.run(board, argparse.Namespace(kind="rnetvirt", flavors=["veth"], seed=1), 2))

		races.bed.ns_add = races.bed.unload = lambda *_: None
		races.taps.Shared = lambda fresh: None
		races.WORKERS = [races.Links, races.Links]
		for errors in ([], [errno.ENODEV]):
		    races.Links.step = step(errors)
		    play()

		races.WORKERS = [races.Links, races.Module]
		races.Links.step = step([])
		races.bed.load = step([errno.ENOEXEC])
		play()
	PY
	same "results" "$(<"$work/said")" "None
no link could be made or changed: the instrument is broken
the worker ended by itself: module1: RuntimeError('the module does not load: [Errno 8] played')"
}

test_stress_says_how_to_do_it_again() {
	local got

	got=$(stressed 102 faults <<<$'1..2\n# begins: faults-ipvlan-address4: scripts/stress.sh faults')
	grep -qx '# reproduce: scripts/stress.sh faults' <<<"$got" || fail "got '$got'"
	got=$(stressed 102 fuzz --op messages <<<$'1..2\n# begins: fuzz-messages: x\n# fuzz-messages: 10 s, 5 steps, 5')
	grep -q '^# replay these: .* --flavor veth .*messages-seed1-0.txt$' <<<"$got" || fail "got '$got'"
	got=$(stressed 101 fuzz --op messages --time 9 <<<$'1..1\nok 1 fuzz-messages')
	grep -q '^# reproduce: .* --flavor veth .* --time 9 --op messages$' <<<"$got" || fail "got '$got'"
	in_stress <<-'PY' >"$work/said"
		import argparse, guest
		args = dict(kind="rnetvirt", flavors=guest.FLAVORS, seed="1", count=7, first=0, guided=False)
		print(guest.again("fuzz-taps", argparse.Namespace(**args, time=0)))
		print(guest.again("fuzz-taps", argparse.Namespace(**args, time=9)))
	PY
	same "taps" "$(sed 's/.* --op taps //' "$work/said")" $'--seed 1 --count 7\n--seed 1 --time 9 --count 7'
}

test_messages_have_all_attributes() {
	in_stress <<-'PY' >"$work/said"
		import random, messages

		for flavor in ("veth", *messages.STACKED):
		    found, entries = set(), set()
		    for n in range(1000):
		        info = messages.info(random.Random(n), "rnetvirt", False, flavor)
		        for attr in (info.children[1].children if len(info.children) > 1 else ()):
		            number = attr.kind & 0x3fff
		            if number != 5 or len(attr.data()) == 4 and attr.children is None:
		                found.add(number)
		            if number == 6:
		                entries |= {len(e.data()) for a in attr.children if a.children for e in a.children}
		    print(flavor, *sorted(found), {5, 6, 17} <= entries)
	PY
	same "attributes" "$(<"$work/said")" "veth 1 2 3 4 False
macvlan 2 3 4 5 6 7 8 9 10 True
ipvlan 2 3 4 5 6 7 8 9 10 True
macvtap 2 3 4 5 6 7 8 9 10 True
ipvtap 2 3 4 5 6 7 8 9 10 True"
}

test_two_at_once_take_turns() {
	local got

	CACHE=$work/cache TOP=$work/stressed lock_here stress-rnetvirt-debug
	got=$(LIMIT=8 stressed 0 faults <<<$'1..1\nok 1 faults-a')
	[[ $got == *"waiting for another run that holds 'stress-rnetvirt-debug-"*"status 124" ]] || fail "got '$got'"
}

test_each_row_can_be_stepped_through() {
	PYTHONPATH=$TOP/scripts/bench python3 - <<-'PY' >"$work/said"
		import asm_guest, measure, rows

		measure.time.sleep = lambda _: None
		for method in {row["method"] for row in rows.ROWS.values()}:
		    setattr(measure.Variant, method, lambda one: (one.count, one.count, True))
		measure.Variant.seen = lambda one: {}
		for name, row in rows.ROWS.items():
		    one = asm_guest.variant(row, "ours", "traffic")
		    one.round()
		    if row.get("what") == "full":
		        print(name, one.count, one.burst)
	PY
	same "rings of 32" "$(<"$work/said")" $'macvtap/full-60 32 32\nipvtap/full-60 32 32'
}

# --- coverage.sh ------------------------------------------------------------

# excused ENTRY: what is said of a file whose lines 3 and 7 are not reached, if ENTRY excuses a line.
excused() {
	local top=$work/covered

	mkdir -p "$top/rust/driver"
	printf '%s\n' 'if a {' 'return;' 'lost();' '}' '' 'if b {' 'lost();' '}' >"$top/rust/driver/a.rs"
	printf 'SF:%s\n' "$top/rust/driver/a.rs" >"$top/lcov"
	printf 'DA:%s\n' 1,1 2,1 3,0 6,1 7,0 >>"$top/lcov"
	printf 'rust/driver/a.rs\t%b\twhy\n' "$1" >"$top/allow"
	"$TOP/scripts/coverage/report.py" "$top" "$top/allow" "$top/lcov" | grep -o '^rust.*\|[0-9] times\|[0-9]* are excused'
}

test_one_place_is_excused_by_an_entry() {
	same "a line that is there twice" "$(excused 'lost();')" "2 times"
	same "with the line before it" "$(excused 'if b {\tlost();')" $'rust/driver/a.rs:3: lost();\n1 are excused'
	same "the line before it" "$(excused 'return;')" $'rust/driver/a.rs:7: lost();\n1 are excused'
}

# --- selftests.sh -----------------------------------------------------------

# judged WHAT-C-SAYS STATUS WHAT-OURS-SAYS STATUS [KNOWN [TEST...]]: the verdict on a test "t", or on more.
judged() {
	local dir=$work/selftests

	rm -rf "$dir"
	mkdir -p "$dir/results"
	cp "$TOP/scripts/selftests/judge.py" "$dir/"
	echo "${5-}" >"$dir/known"
	printf '%b' "$1" >"$dir/results/t.c.out"
	echo "$2" >"$dir/results/t.c.status"
	printf '%b' "$3" >"$dir/results/t.ours.out"
	echo "$4" >"$dir/results/t.ours.status"
	[ $# -gt 5 ] || set -- "${@:1:4}" "${5-}" t
	python3 "$dir/judge.py" "$dir/results" "c ours" "${@:6}" || echo "failed"
}

# Once more is for what measures time: the kernel has no reason to complain.
test_a_complaint_is_not_tried_again() {
	judged 'ok 1 a\n' 0 'not ok 1 a\n' 1 '' t >"$work/said"
	same "a step less" "$(python3 "$work/selftests/judge.py" --failed "$work/selftests/results" "c ours" t)" t
	judged 'ok 1 a\n' 0 'ok 1 a\n' 101 '' t >"$work/said"
	same "a complaint" "$(python3 "$work/selftests/judge.py" --failed "$work/selftests/results" "c ours" t)" ""
}

test_a_selftest_that_c_alone_passes_fails() {
	local good="1 passed, 0 failed, 0 skipped" none="0 passed, 0 failed, 1 skipped" bad

	bad=$'0 passed, 1 failed, 0 skipped\nfailed'
	none+=$'\nfailed'
	same "both pass" "$(judged 'ok 1 a\n' 0 'ok 1 a\n' 0)" "$good"
	same "a step less" "$(judged 'ok 1 a\nok 2 b\n' 1 'ok 1 a\nnot ok 2 b\n' 1)" "$bad"
	same "a step that is not reached" "$(judged 'TEST: a [ OK ]\nTEST: b [ OK ]\n' 0 'TEST: a [ OK ]\n' 0)" "$bad"
	same "its status" "$(judged '' 0 '' 1)" "$bad"
	same "it skips itself with ours" "$(judged '' 0 'SKIP: no\n' 4)" "$bad"
	same "the kernel complains" "$(judged 'ok 1 a\n' 1 'ok 1 a\n' 101)" "$bad"
	same "it does not end with ours" "$(judged 'ok 1 a\n' 0 'ok 1 a\n' 124)" "$bad"
	same "a step more" "$(judged 'not ok 1 a\nok 2 b\n' 1 'ok 1 a\nok 2 b\n' 0)" "$good"
	same "both fail" "$(judged 'not ok 1 a\n' 1 'not ok 1 a\n' 1)" "$none"
	same "both skip" "$(judged 'SKIP: no\n' 4 'SKIP: no\n' 4)" "$none"
	same "no end with both" "$(judged 'ok 1 a\n' 124 'ok 1 a\n' 124)" "$good"
	same "no end with both, and less of ours" "$(judged 'ok 1 a\nok 2 b\n' 124 'ok 1 a\n' 124)" "$none"
	same "the kernel complains with both" "$(judged 'ok 1 a\n' 101 'ok 1 a\n' 101)" "$none"
	same "no result" "$(judged 'ok 1 a\n' 0 'ok 1 a\n' 0 '' t u)" $'not ok     u                               no result\n1 passed, 1 failed, 0 skipped\nfailed'
	same "names by chance" "$(judged 'PASS: ns1-JPPaR7 sees ns2-BZAgdG\n' 0 'PASS: ns1-qgN4Uh sees ns2-lw71Ge\n' 0)" "$good"
	same "times in columns" "$(judged 'a (duration  90ms) [ OK ]\n' 0 'a (duration 190ms) [ OK ]\n' 0)" "$good"
	same "known" "$(judged 'ok 1 a\nok 2 b\n' 1 'ok 1 a\nnot ok 2 b\n' 1 't|b|why')" "$good"
	same "another one is known" "$(judged 'ok 1 a\nok 2 b\n' 1 'ok 1 a\nnot ok 2 b\n' 1 't|a|why')" "$bad"
	same "known to fail with both" "$(judged 'ok 1 both\n' 1 'not ok 1 both\n' 1 't|both|why')" "$bad"
}

test_rows_are_put_into_the_page() {
	local page=$work/page.md

	judged 'ok 1 a\n' 1 'ok 1 a\n' 0 't|b|why' >/dev/null
	echo uml >"$work/selftests/results/t.kernel"
	echo 't|net|10|./t.sh' >"$work/selftests/list"
	printf '%s\n' above '' '| net | kernel | C | rnetvirt | |' '| --- | --- | --- | --- | --- |' '| s | stock | pass | pass |  |' \
		'| t | stock | time | time |  |' '' below >"$page"
	for _ in 1 2; do
		python3 "$work/selftests/judge.py" --update "$work/selftests/results" "c ours" "$page" >/dev/null
		same "the page" "$(cat "$page")" "$(printf '%s\n' above '' '| net | kernel | C | rnetvirt | |' '| --- | --- | --- | --- | --- |' \
			'| s | stock | pass | pass |  |' '| t | uml | fail 1/1 | pass 1/1 | it says: ok 1 a; why |' '' below)"
	done
	echo nothing >"$page"
	! python3 "$work/selftests/judge.py" --update "$work/selftests/results" "c ours" "$page" 2>/dev/null || fail "a page without tables is taken"
}

# --- kmsg-check.sh ----------------------------------------------------------

# Lines as real kernels print them.
test_complaints_are_found() {
	local line

	while IFS= read -r line; do
		for line in "$line" "[   12.345678] $line" "<4>[    2.000000][    T1] $line"; do
			! check_log --quiet <<<"$line" || fail "not found: $line"
		done
	done <<-'TXT'
		WARNING: net/core/dev.c:12345 at unregister_netdevice_many_notify+0x1/0x2, CPU#1: ip/123
		WARNING: possible circular locking dependency detected
		WARNING: suspicious RCU usage
		WARNING: inconsistent lock state
		BUG: KASAN: slab-use-after-free in foo+0x12/0x34 [rnetvirt]
		BUG: sleeping function called from invalid context at kernel/locking/mutex.c:591
		BUG: scheduling while atomic: ip/123/0x00000002
		BUG: unable to handle page fault for address: ffffffffc0000000
		BUG: using smp_processor_id() in preemptible [00000000] code: ip/123
		BUG: MAX_LOCKDEP_KEYS too low!
		BUG kmalloc-64 (Tainted: G           O       ): Right Redzone overwritten
		watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [ip:123]
		kernel BUG at net/core/skbuff.c:211!
		Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP
		Oops: Oops: 0000 [#1] SMP
		Kernel panic - not syncing: Fatal exception in interrupt
		UBSAN: array-index-out-of-bounds in net/core/dev.c:1:2
		kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
		unreferenced object 0xffff888004b9a000 (size 2048):
		ODEBUG: free active (active state 0) object: 00000000 object type: work_struct hint: foo+0x0/0x10
		list_del corruption. prev->next should be ffff, but was 0000
		INFO: task kworker/u8:1:42 blocked for more than 122 seconds.
		rcu: INFO: rcu_preempt self-detected stall on CPU
		rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
		unregister_netdevice: waiting for v0 to become free. Usage count = 2
		ref_tracker: netdev@00000000 has 1/1 users at
		ref_tracker: reference already released.
		refcount_t: underflow; use-after-free.
		RTNL: assertion failed at net/core/dev.c (1234)
		INFO: trying to register non-static key.
		NOHZ tick-stop error: local softirq work is pending, handler #08!!!
		rust_kernel: panicked at rust/driver/rnetvirt_main.rs:1:1:
		ip: page allocation failure: order:0, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO)
	TXT
}

test_a_quiet_log_passes() {
	check_log <<-'TXT' || fail "that is no complaint"
		[    0.000000] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on
		[    0.000000] kasan: KernelAddressSanitizer initialized (generic)
		[    0.000000] KernelAddressSanitizer initialized (generic)
		[    0.000000] RCU Tasks: Setting shift to 1
		[    1.000000] kmemleak: Kernel memory leak detector initialized (mem pool available: 35630)
		[    1.000000] clocksource: Watchdog remote CPU 1 read timed out
		[    2.000000] FAULT_INJECTION: forcing a failure.
		[    2.000000] Call Trace:
		[    2.000000] rnetvirt: loading out-of-tree module taints kernel.
		[    2.500000] ref_tracker: memory allocation failure, unreliable refcount tracker.
		[    3.000000] oops=panic is on the command line
		[    3.000000] reboot: Power down
	TXT
	check_log </dev/null || fail "an empty log is no complaint"
}

test_a_known_complaint_is_one_of_the_boot() {
	local log known

	log=$'[    0.000000] WARNING: bad unlock balance detected!\n[    0.000000] 7.3.4 #1 Not tainted
[    0.000000] [<000000006031ef22>] is_module_address+0x22/0x150'
	known=$(mktemp)
	printf '%s\t' 2026-06-30 '^WARNING: bad unlock balance detected!$' '^\[<[0-9a-f]+>\] is_module_address\+0x' >"$known"
	echo "why it is put up with" >>"$known"
	check_log --known "$known" --date 2026-01-01 <<<"$log" || fail "not known"
	! check_log --known "$known" --quiet --date 2026-06-30 <<<"$log" || fail "known after its time"
	! check_log --known "$known" --quiet --date 2026-01-01 <<<"[   11.000000] rnetvirt-guest: ready"$'\n'"$log" ||
		fail "known after the boot"
	! check_log --known "$known" --quiet --date 2026-01-01 <<<"${log/is_module_address/lock_page}" ||
		fail "another one is taken for it"
	! grep -vP '^#|^\d{4}-\d\d-\d\d\t[^\t]+\t[^\t]+\t[^\t]+$' "$TOP/scripts/known-complaints" ||
		fail "no entry"
	rm -f "$known"
}

test_a_dead_loop_is_none_of_ours_while_only_c_has_links() {
	local begin='rnetvirt-guest: only the C driver has links' loop='Dead loop on virtual device i0 (net 7), fix it urgently!'
	local end='rnetvirt-guest: so far only the C driver had links' warning='WARNING: x at y'

	printf '[    5.0] %s\n' "$begin" "$loop" "$end" "$begin" "$end" | check_log || fail "that is the C driver's own"
	! printf '%s\n' "$begin" "$end" "$loop" | check_log --quiet || fail "one of ours is taken for it"
	! printf '%s\n' "$loop" "$begin" "$end" | check_log --quiet || fail "an earlier one is taken for it"
	! printf '%s\n' "$begin" "$warning" "$end" | check_log --quiet || fail "another complaint is taken for it"
}

test_the_log_around_is_shown() {
	local got

	got=$(printf '%s\n' one two "WARNING: x at y" three four | check_log --context 1) && fail "not found"
	same "what is shown" "$(grep -c . <<<"$got")" 4
	grep -q '^> 3: WARNING' <<<"$got" || fail "the line is not marked: $got"
}

# --- common.sh ---------------------------------------------------------------

# gone_with_it: the script on standard input, which says in $work/pid what it runs, ends that when it is told to end.
gone_with_it() {
	local pid n status=0

	rm -f "$work/pid"
	{
		# shellcheck disable=SC2016  # expanded there
		echo '. "$TOP/scripts/common.sh"'
		cat
	} >"$work/script"
	TOP=$TOP work=$work bash "$work/script" 2>"$work/err" &
	pid=$!
	for ((n = 0; n < 100; n++)); do
		[ ! -s "$work/pid" ] || break
		sleep 0.1
	done
	kill -0 "$(<"$work/pid")" || fail "nothing was run: $(<"$work/err")"
	kill "$pid"
	wait "$pid" || status=$?
	same "status" "$status" 130
	# A dead one whom nobody has asked about has no command line any more.
	! grep -q . "/proc/$(<"$work/pid")/cmdline" 2>/dev/null || fail "what it ran is left"
}

test_what_a_script_runs_goes_with_it() {
	local status=0

	gone_with_it <<-'SH'
		attended bash -c 'echo $$ >"$work/pid"; exec sleep 1000'
	SH
	# A shell without a trap dies alone.
	gone_with_it <<-'SH'
		inner() { bash -c 'echo $BASHPID >"$work/pid"; exec sleep 1000'; }
		export -f inner
		attended bash -c 'got=$(inner); echo "$got"'
	SH
	gone_with_it <<-'SH'
		inner() { bash -c 'echo $$ >"$work/pid"; exec sleep 1000'; true; }
		logged "sleeping" "$work/log" inner
	SH
	# shellcheck disable=SC2016  # expanded there
	bash -c '. "$1/scripts/common.sh"; attended grep -q yes' "$ME" "$TOP" <<<no || status=$?
	same "status" "$status" 1
}

# --- install.sh -------------------------------------------------------------

# dpkg-query fails as soon as one of the files is nobody's.
test_files_of_a_package_are_left_alone() {
	local got status=0

	mkdir -p "$work/bin"
	printf '#!/bin/sh\necho "rnetvirt-dkms: /usr/sbin/rnetvirt-takeover"\nexit 1\n' >"$work/bin/dpkg-query"
	chmod +x "$work/bin/dpkg-query"
	got=$(PATH=$work/bin:$PATH "$TOP/scripts/install.sh" --uninstall 2>&1) || status=$?
	same "status" "$status" 1
	[[ $got = *"'apt remove rnetvirt-dkms' first"* ]] || fail "got '$got'"
}

# --- test-packages.sh -------------------------------------------------------

test_a_step_that_fails_in_the_middle_fails() {
	local got log=$work/log passed=0 failed=0

	eval "$(sed -n '/^step() {/,/^}/p' "$TOP/scripts/test-packages.sh")"
	middle() {
		false
		true
	}
	got=$(step "is well" true)
	[[ $got = "ok: is well "* ]] || fail "got '$got'"
	got=$(step "fails" middle)
	[[ $got = "FAILED: fails "* ]] || fail "got '$got'"
}

# --- ktap-summary.py --------------------------------------------------------

# summed WANTED [EXPECTED...]: the counts of the KTAP on standard input.
summed() {
	local got

	printf '%s\n' "${@:2}" >"$work/expected"
	got=$("$TOP/scripts/ktap-summary.py" --expect "$work/expected" t | tail -n 1) || true
	same "counts" "$got" "$1"
}

test_leaves_are_counted() {
	summed "2 passed, 1 failed, 1 skipped" <<-'TXT'
		KTAP version 1
		1..2
		  KTAP version 1
		  1..3
		  ok 1 a
		  not ok 2 b
		  # log of b
		  ok 3 c # SKIP why
		not ok 1 group
		ok 2 - single
		# harness: status 1
	TXT
}

test_what_is_missing_is_a_failure() {
	# Three announced, but the guest died, which is a failure of its own.
	summed "2 passed, 3 failed, 0 skipped" t:f:veth:a t:f:veth:b t:g:veth:a <<-'TXT'
		KTAP version 1
		1..2
		  KTAP version 1
		  # Subtest: f:veth
		  1..4
		  ok 1 load
		  ok 2 a
		# harness: status 102
	TXT
	# Of several guests none has run it.
	mkfifo "$work/one" "$work/two"
	printf '1..1\n  # Subtest: f:veth\n  1..1\n  ok 1 a\nok 1 f:veth\n# harness: status 0\n' >"$work/one" &
	printf '1..1\n  # Subtest: g:veth\n  1..1\n  ok 1 a\nok 1 g:veth\n# harness: status 0\n' >"$work/two" &
	printf '%s\n' k:f:veth:a k:g:veth:a k:f:veth:b >"$work/expected"
	same "counts" "$("$TOP/scripts/ktap-summary.py" --expect "$work/expected" k.1="$work/one" k.2="$work/two" |
		tail -n 1)" "2 passed, 1 failed, 0 skipped"
	# A host test or KUnit beside guests has its own plan.
	printf 'KTAP version 1\n1..5\nok 1 a\n# harness: status 0\n' >"$work/host"
	printf '# harness: status 0\n' >"$work/kunit"
	printf '1..1\n  # Subtest: f:veth\n  1..1\n  ok 1 a\nok 1 f:veth\n# harness: status 0\n' >"$work/guest"
	echo k:f:veth:a >"$work/expected"
	same "counts" "$("$TOP/scripts/ktap-summary.py" --expect "$work/expected" host:h="$work/host" kunit:k="$work/kunit" \
		k.1="$work/guest" | tail -n 1)" "2 passed, 5 failed, 0 skipped"
	# A plan that was not fulfilled.
	summed "1 passed, 1 failed, 0 skipped" <<<$'1..2\nok 1 a\n# harness: status 0'
	# Nothing at all, with every status.
	summed "0 passed, 1 failed, 0 skipped" <<<"# harness: status 0"
	summed "0 passed, 1 failed, 0 skipped" </dev/null
	# All is well, but for the status, the kernel or a group.
	summed "1 passed, 1 failed, 0 skipped" <<<$'1..1\nok 1 a\n# harness: status 1'
	summed "1 passed, 1 failed, 0 skipped" <<<$'1..1\nok 1 a\n# harness: status 101'
	summed "1 passed, 1 failed, 0 skipped" <<<$'1..1\n  1..1\n  ok 1 a\nnot ok 1 g\n# harness: status 0'
}

# --- wrong calls ------------------------------------------------------------

test_wrong_calls_are_refused() {
	local call status got

	while read -r call; do
		status=0
		# shellcheck disable=SC2086  # words
		got=$(cd "$TOP/scripts" && ./$call 2>&1 </dev/null) || status=$?
		same "status of $call" "$status" 2
		same "lines of $call" "$(wc -l <<<"$got")" 1
	done <<-'TXT'
		vm.sh
		vm.sh --kernel nonsense -- true
		vm.sh --nonsense -- true
		vm.sh --timeout soon -- true
		vm.sh --memory much -- true
		vm.sh --kernel uml-debug --memory 2G -- true
		vm.sh --env X -- true
		vm.sh --shell
		vm.sh --log
		vm.sh --root /does/not/exist -- true
		clients.sh --nonsense
		clients.sh --driver other
		clients.sh no_such_client
		deb.sh --nonsense
		deb.sh --version x y
		test-packages.sh --nonsense
		stock.sh --scratch
		stock.sh --install
		run.sh --nonsense
		run.sh --kind nonsense
		run.sh --flavor nonsense
		run.sh --kind veth --flavor macvlan
		run.sh --kernel nonsense
		test.sh --nonsense
		test.sh --kernel nonsense
		test.sh no_such_test
		test.sh host:no_such_test
		bench.sh --no-build veth/v4-60 no_such_row
		parity.sh --no-build change-mtu-67 no_such_scenario
		parity.sh --flavor no_such_flavor
		stress.sh fuzz --no-build --op messages --op removed
		stress.sh faults fuzz --no-build --op no_such_operation
		stress.sh fuzz --no-build --flavor veth --op taps
		kmsg-check.sh --nonsense
		kmsg-check.sh /does/not/exist
		guest/demo.sh --kind nonsense
		guest/demo.sh --flavor nonsense
	TXT
}

# --- install.sh --------------------------------------------------------------

test_uninstall_comes_after_undo() {
	local conf=$work/system/etc/modprobe.d/rnetvirt-takeover.conf got tools=$work/system/usr/sbin

	install -D /dev/null "$conf"
	install -D -t "$tools" "$TOP/scripts/rnetvirt-takeover"
	install "$TOP/scripts/tap-exec.py" "$tools/rnetvirt-tap-exec"
	! got=$(DESTDIR=$work/system "$TOP/scripts/install.sh" --uninstall 2>&1) || fail "not refused: $got"
	[[ $got == *"'rnetvirt-takeover --undo' first"* ]] || fail "got '$got'"
	same "what is removed all the same" "$(ls "$tools" | wc -l)" 2
	rm "$conf"
	DESTDIR=$work/system "$TOP/scripts/install.sh" --uninstall
	[ ! -e "$tools" ] || fail "not removed: $(ls "$tools")"
}

# --- guests -----------------------------------------------------------------

# vm WANTED-STATUS ARGUMENTS...: standard output in $work/out, error in $work/err.
vm() {
	local wanted=$1 status=0

	shift
	"$TOP/scripts/vm.sh" --kernel "$KERNEL" --no-build --no-insmod --log "$work/log" "$@" \
		>"$work/out" 2>"$work/err" </dev/null || status=$?
	same "status" "$status" "$wanted"
}

test_guest_gives_status_and_output() {
	local dir

	# shellcheck disable=SC2016  # expanded in the guest
	vm 7 --env "WORDS=it's \"quoted\"" -- '
		head -c 1000000 /dev/urandom >/tmp/bytes
		cat /tmp/bytes
		sha256sum </tmp/bytes >&2
		echo "$WORDS" >/dev/stderr
		[ "$(id -u)" = 0 ] && modprobe veth && [ -d /sys/module/veth ] || exit 1
		touch /etc/written.$$ /usr/written.$$ /tmp/written.$$ /var/written.$$ || exit 3
		# Refused, or in the guest alone (a checkout in /tmp).
		touch '"$TOP"'/written.$$ 2>/dev/null
		# The outside world must not be reachable.
		[ "$(cd /sys/class/net && echo *)" = lo ] || exit 4
		sleep 1000 &
		exit 7'
	same "bytes" "$(sha256sum <"$work/out")" "$(head -n 1 < <(grep ' -$' "$work/err"))"
	grep -qxF "it's \"quoted\"" "$work/err" || fail "the variable did not arrive"
	for dir in /etc /usr /tmp /var "$TOP"; do
		! compgen -G "$dir/written.*" || fail "the guest wrote to this machine"
	done
}

test_guest_complaint_fails_the_run() {
	vm 101 -- 'echo "BUG: KASAN: use-after-free in test" >/dev/kmsg'
	grep -q '^> .*use-after-free in test' "$work/err" || fail "the complaint is not shown"
}

# The checks of a debug kernel work: mistakes on purpose (kunit/provoke.rs) are seen.
test_guest_checks_see_mistakes() {
	local mistake

	if ! has_checks "$KERNEL"; then
		echo "the $KERNEL kernel has no checks"
		return 4
	fi
	# Without the suites, which take longer.
	vm 101 --cmdline kunit.enable=0 -- "insmod '$(module_dir "$KERNEL")/rnetvirt_kunit.ko'
		for mistake in leak order sleep; do
			ip link add wrong-\$mistake type dummy || exit 1
		done
		ip link del wrong-leak; ip link del wrong-order; ip link del wrong-sleep; rmmod rnetvirt_kunit"
	for mistake in 'possible circular locking dependency detected' \
		'sleeping function called from invalid context' \
		'kmemleak: [0-9]* new suspected memory leaks' \
		'unreferenced object .*size 256'; do
		grep -q "$mistake" "$work/log" || fail "not seen: $mistake"
	done
}

test_guest_that_dies_fails_the_run() {
	vm 102 -- 'echo here; busybox poweroff -f; sleep 1000'
	grep -q 'the guest died' "$work/err" || fail "the cause is not named"
	same "output before" "$(cat "$work/out")" here
}

test_guest_that_hangs_fails_the_run() {
	vm 124 --timeout 3 -- 'sleep 1000'
	grep -q 'did not end within 3 s' "$work/err" || fail "the cause is not named"
	grep -q 'task .*sleep 1000' "$work/err" || fail "who hangs is not shown"
}

test_guest_goes_with_its_script() {
	local mark=HARNESS_MARK=$$ pid n signal

	for signal in TERM KILL; do
		"$TOP/scripts/vm.sh" --kernel "$KERNEL" --no-build --no-insmod --log "$work/log" \
			--cmdline "$mark" -- 'echo up; sleep 1000' >"$work/out" 2>"$work/err" </dev/null &
		pid=$!
		for ((n = 0; n < 1200; n++)); do
			! grep -qx up "$work/out" || break
			sleep 0.1
		done
		pgrep -f "$mark" >/dev/null || fail "no guest came up"
		kill "-$signal" "$pid"
		wait "$pid" 2>/dev/null || true
		for ((n = 0; n < 50; n++)); do
			pgrep -f "$mark" >/dev/null || break
			sleep 0.1
		done
		! pgrep -f "$mark" >/dev/null || fail "processes are left after SIG$signal: $(pgrep -af "$mark" | cut -c1-200)"
	done
}

# Booted with ipv6.disable=1 a kernel has code of IPv6, and none of its tables.
test_guest_without_ipv6_stands() {
	"$TOP/scripts/vm.sh" --kernel "$KERNEL" --build-only
	vm 0 --cmdline ipv6.disable=1 -- "
		set -e
		insmod $(module_dir "$KERNEL")/rnetvirt.ko
		ip netns add A
		ip link add d0 up type dummy
		ip link add link d0 name v0 netns A type rnetvirt flavor ipvlan mode l3
		ip -n A link set v0 up
		python3 scripts/tests/frames.py packet A v0 fd00::1 fd00::3
		ip -n A link set v0 type rnetvirt trust on
		python3 scripts/tests/frames.py packet A v0 fd00::1 fd00::3
		ip -n A -s link show v0"
	grep -A1 'TX:' "$work/out" | grep -q '^ *0 *0 *0 *2 ' || fail "got '$(<"$work/out")'"
}

test_guest_runs_the_tests_by_kselftest() {
	local ksft

	"$TOP/scripts/vm.sh" --kernel "$KERNEL" --build-only
	if is_stock "$KERNEL"; then
		echo "kselftest is in the source of a kernel, and this one was not built here"
		exit 4
	fi
	ksft=$("$TOP/scripts/kernel.sh" --source)/tools/testing/selftests
	vm 0 -- "make -C scripts/kselftest KSFT=$ksft PROGS_DIR=/tmp/programs TESTS=names run_tests"
	grep -q '^#   ok [0-9]* a21_default_names' "$work/out" || fail "no test was run: $(tail "$work/out")"
	grep -q '^ok 1 selftests: .*: names$' "$work/out" || fail "it does not pass: $(tail "$work/out")"
}

# --- running them -----------------------------------------------------------

case ${1-} in
-h | --help) usage; exit 0 ;;
-*) bad_usage "unknown option '$1'" ;;
esac
tests=("$@")
(($#)) || mapfile -t tests < <(sed -n 's/^test_\([a-z0-9_]*\)() {$/\1/p' "$0")
for test in "${tests[@]}"; do
	declare -F "test_$test" >/dev/null || bad_usage "no test '$test'"
done

echo "KTAP version 1"
echo "1..${#tests[@]}"
number=0 failures=0
for test in "${tests[@]}"; do
	number=$((number + 1))
	case $KERNEL:$test in
	debug:guest_gives_* | debug:guest_checks_*) ;;
	debug:guest_*)
		echo "ok $number $test # SKIP checked on the other kernels"
		continue
		;;
	esac
	# Not as a condition: that would switch set -e off inside.
	set +e
	(
		set -e
		"test_$test"
	) >"$work/log-of-test" 2>&1
	status=$?
	set -e
	if ((status == 0)); then
		echo "ok $number $test"
	elif ((status == 4)); then
		echo "ok $number $test # SKIP $(tail -n 1 "$work/log-of-test")"
	else
		failures=$((failures + 1))
		echo "not ok $number $test"
		for file in log-of-test err; do
			[ ! -s "$work/$file" ] || tail -n 30 "$work/$file" | sed "s/^/# /"
		done
	fi
	rm -f "$work/err"
done
((failures == 0))
