#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Looks through a kernel log for what must not be in it. The patterns are here
# and nowhere else.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--quiet] [--context N] [FILE]

Reads a kernel log (FILE or standard input; lines as dmesg or a console print
them) and looks for warnings, BUGs, oopses, lockdep, KASAN, UBSAN and kmemleak
reports, stalls, hung tasks, leaked references and the like.

  --quiet      print nothing
  --context N  print N lines after each complaint (default: 30)

Exit status: 0 the log is clean, 1 there is a complaint, 2 wrong call.
TXT
}

quiet='' context=30 file=-
while (($#)); do
	case $1 in
	--quiet) quiet=1 ;;
	--context)
		[[ ${2-} =~ ^[0-9]+$ ]] || bad_usage "--context wants a number"
		context=$2
		shift
		;;
	-h | --help) usage; exit 0 ;;
	-?*) bad_usage "unknown option '$1'" ;;
	*) file=$1 ;;
	esac
	shift
done
[ "$file" = - ] || [ -r "$file" ] || bad_usage "cannot read '$file'"

# Extended regular expressions, one a line. ^ is the start of the message, after
# the time stamp: "WARNING: " in the middle of a line is often a boot message
# that merely advises something.
patterns=$(sed '/^#/d' <<'TXT' | paste -sd '|'
cut here \]-
^WARNING:
^BUG:
^BUG [^ ]+ \(.*\):
^watchdog: BUG:
^kernel BUG at
^Oops:
^general protection fault
^Kernel mode fault at
^Kernel panic - not syncing
^double fault
stack guard page was hit
# Sanitizers and the debugging allocators
KASAN:
^UBSAN:
KFENCE: .* in
^kmemleak: .*new suspected memory leak
^kmemleak: (Memory pool empty|Cannot allocate|Kernel memory leak detector disabled)
^unreferenced object 0x
^ODEBUG:
debug_objects: out of memory
^list_(add|del) (corruption|double add)
^slab error in
^page allocation failure
: page allocation failure: order:
Out of memory: Killed process
# Locking and RCU
^INFO: (trying to register non-static key|possible |lockdep is turned off)
^\[ BUG:
DEBUG_LOCKS_WARN_ON
^bad: scheduling from the idle thread
Illegal context switch
(^|: )INFO: rcu_.*(stall|detected)
rcu: .*(self-detected stall|detected stalls)
^INFO: task .* blocked for more than
workqueue lockup
# The network's own
waiting for .* to become free\. Usage count
ref_tracker:
leaked reference
^refcount_t:
^RTNL: assertion failed
: RTNL: assertion failed
^Dead loop on virtual device
hw csum failure
^NETDEV WATCHDOG:
NOHZ tick-stop error: local softirq work is pending
page_pool_release_retry\(\) stalled pool
^skbuff: skb_(over|under)_panic
# Rust, and this project's guest
panicked at
^rnetvirt-guest: error:
TXT
)

# What one of them matches, but is no complaint: the tracker of references says
# once that it could not note one. That an allocation fails is what some tests do.
harmless='^ref_tracker: memory allocation failure, unreliable refcount tracker'

# A time stamp, a caller id, a level that the console may put in front.
stamp='^(<[0-9]+>)?(\[ *[0-9]+\.[0-9]+\] ?(\[ *[TC][0-9]+\] ?)?)?'

[ "$file" = - ] || exec <"$file"
hits=$(tr -d '\r' |
	PATTERNS=$patterns HARMLESS=$harmless STAMP=$stamp CONTEXT=$context awk '
	BEGIN {
		patterns = ENVIRON["PATTERNS"]
		harmless = ENVIRON["HARMLESS"]
		until = 0
		context = ENVIRON["CONTEXT"] + 0
		stamp = ENVIRON["STAMP"]
	}
	{
		text = $0
		sub(stamp, "", text)
		if (text ~ patterns && text !~ harmless) {
			found++
			if (until < NR && until > 0)
				print "  ..."
			if (until < NR)
				for (j = NR - 3; j < NR; j++)
					if (j > until && j in before)
						print "  " j ": " before[j]
			until = NR + context
			print "> " NR ": " $0
		} else if (NR <= until) {
			print "  " NR ": " $0
		}
		before[NR] = $0
		delete before[NR - 4]
	}
	END { exit found > 0 }') && exit 0

[ -n "$quiet" ] || printf '%s\n' "$hits"
exit 1
