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
  --date D     the day for which scripts/known-complaints is read (default: today)
  --known F    another file than that
  --context N  print N lines after each complaint (default: 30)

Exit status: 0 the log is clean, 1 there is a complaint, 2 wrong call.
TXT
}

known_file=$TOP/scripts/known-complaints quiet='' context=30 file=- today=$(date +%F)
while (($#)); do
	case $1 in
	--quiet) quiet=1 ;;
	--context)
		[[ ${2-} =~ ^[0-9]+$ ]] || bad_usage "--context wants a number"
		context=$2
		shift
		;;
	--known)
		[ -r "${2-}" ] || bad_usage "--known wants a file"
		known_file=$2
		shift
		;;
	--date)
		[[ ${2-} =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || bad_usage "--date wants a day like 2026-12-31"
		today=$2
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
^kmemleak: (Memory pool empty|Cannot allocate a kmemleak_object|Kernel memory leak detector disabled)
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

# What the C ipvlan driver has written in the kernel log, by routes that lead back to its
# links, is no complaint about ours; scripts/parity says when only that driver had any.
c_only='^rnetvirt-guest: only the C driver has links$'
c_over='^rnetvirt-guest: so far only the C driver had links$'
of_c='^Dead loop on virtual device [^ ]+( [(]net [0-9]+[)])?, fix it urgently!$'

# A time stamp, a caller id, a level that the console may put in front.
stamp='^(<[0-9]+>)?(\[ *[0-9]+\.[0-9]+\] ?(\[ *[TC][0-9]+\] ?)?)?'

# Of the known ones (see there) those that are put up with still.
known=$(awk -F '\t' -v today="$today" '!/^#/ && NF == 4 && today < $1' "$known_file")

[ "$file" = - ] || exec <"$file"
hits=$(tr -d '\r' |
	PATTERNS=$patterns HARMLESS=$harmless C_ONLY=$c_only C_OVER=$c_over OF_C=$of_c KNOWN=$known STAMP=$stamp CONTEXT=$context awk '
	function is_known(at,   i, k) {
		for (k = 1; k <= kinds; k++)
			if (text[at] ~ what[k])
				for (i = at + 1; i <= at + 10; i++)
					if (text[i] ~ follows[k])
						return 1
		return 0
	}
	BEGIN {
		kinds = split(ENVIRON["KNOWN"], entries, "\n")
		for (k = 1; k <= kinds; k++) {
			split(entries[k], fields, "\t")
			what[k] = fields[2]
			follows[k] = fields[3]
		}
		patterns = ENVIRON["PATTERNS"]
		harmless = ENVIRON["HARMLESS"]
		c_only = ENVIRON["C_ONLY"]
		c_over = ENVIRON["C_OVER"]
		of_c = ENVIRON["OF_C"]
		context = ENVIRON["CONTEXT"] + 0
		stamp = ENVIRON["STAMP"]
	}
	{
		line[NR] = text[NR] = $0
		sub(stamp, "", text[NR])
	}
	END {
		booting = 1
		only_c = 0
		until = 0
		for (n = 1; n <= NR; n++) {
			if (text[n] ~ /^rnetvirt-guest:/)
				booting = 0
			if (text[n] ~ c_only || text[n] ~ c_over)
				only_c = text[n] ~ c_only
			if (text[n] ~ patterns && text[n] !~ harmless && !(booting && is_known(n)) &&
			    !(only_c && text[n] ~ of_c)) {
				found++
				if (until < n && until > 0)
					print "  ..."
				if (until < n)
					for (j = n - 3; j < n; j++)
						if (j > until && j > 0)
							print "  " j ": " line[j]
				until = n + context
				print "> " n ": " line[n]
			} else if (n <= until) {
				print "  " n ": " line[n]
			}
		}
		exit found > 0
	}') && exit 0

[ -n "$quiet" ] || printf '%s\n' "$hits"
exit 1
