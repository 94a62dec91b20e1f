# SPDX-License-Identifier: GPL-2.0
# Sourced by every script here: where things are, how to speak, how to lock.
# shellcheck shell=bash

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${RNETVIRT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rnetvirt}
ME=$(basename "$0")

# Messages go to stderr: stdout belongs to what a script answers.
say() { printf '%s: %s\n' "$ME" "$*" >&2; }

die() {
	say "error: $*"
	exit 1
}

# A wrong call: one line, exit status 2.
bad_usage() {
	say "error: $* (try '$ME --help')"
	exit 2
}

# unmatched NAMES PATTERN...: the first PATTERN that is for none of the NAMES, if there is one.
unmatched() {
	local pattern

	for pattern in "${@:2}"; do
		compgen -W "$1" -X "!$pattern" >/dev/null || {
			echo "$pattern"
			return
		}
	done
}

# The test kernels: for QEMU, or user-mode Linux (uml*); *debug has checks of itself;
# *wide are for the kernel's own tests; stock* are Debian's, as they are shipped.
TEST_KERNELS=(release debug uml uml-debug wide uml-wide stock stock-rt)
# Tests that need no other kernel run there.
FAST=uml
KERNELS_USAGE="release | debug | uml | uml-debug | stock"

is_kernel() { [[ " ${TEST_KERNELS[*]} " == *" $1 "* ]]; }
known_kernel() { is_kernel "$1" || bad_usage "no kernel '$1'; there are ${TEST_KERNELS[*]}"; }
is_uml() { [[ $1 == uml* ]]; }
is_stock() { [[ $1 == stock* ]]; }
has_checks() { [[ $1 == *debug ]]; }

# Where what is built for a kernel is. With RNETVIRT_COVERAGE, a directory for what the
# code counts, it is built to count, see scripts/coverage.sh.
module_dir() { echo "$TOP/build/$1${RNETVIRT_COVERAGE:+-coverage}"; }

# The kernel that KERNEL= and VM= ask for.
asked_kernel() {
	case ${VM:-qemu}:${KERNEL:-release} in
	uml:release) echo uml ;;
	uml:debug) echo uml-debug ;;
	*) echo "${KERNEL:-release}" ;;
	esac
}

DEBIANS='^(bookworm|trixie|forky|sid|(old)?stable|testing|unstable)'
# The address of the Debian repository that this machine's apt uses.
debian_mirror() {
	local url

	command -v apt-get >/dev/null || die "no apt-get here; pass a Rust-enabled kernel build tree as KDIR="
	# Others have a component main, too; a mirror may not say who it is before its first update.
	url=$(apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)|$(COMPONENT)|$(RELEASE)' 'Created-By: Packages' |
		awk -F'|' -v releases="$DEBIANS" '($1 == "Debian" || $1 == "" && $4 ~ releases) && $3 == "main" &&
			$4 !~ /security|updates/ { print $2; exit }')
	[ -n "$url" ] || die "the machine's apt configuration names no repository of Debian"
	echo "$url"
}

# private_apt SUITE [OPTION...]: sets apt_opts, with which apt also knows SUITE, and the
# machine's own configuration stays as it is. Updates the lists, or fails.
private_apt() {
	local apt=$CACHE/apt/$1 url

	url=$(debian_mirror)
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $url $1 main" >"$apt/sources.list"
	apt_opts=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::State::lists=$apt/lists"
		-o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)" -o APT::Update::Error-Mode=any "${@:2}")
	# In a subshell: it is for the caller to say whether anything ends with that.
	(logged "looking into $1" "$CACHE/log/apt-$1.log" apt-get "${apt_opts[@]}" update >&2)
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		sudo "$@"
	else
		die "'$1' needs root: run 'sudo -v' first, or this as root"
	fi
}

# lock NAME [-s]: hold the cache-wide lock NAME until this shell exits, so that two
# runs at once take turns instead of writing over each other; -s: with others that
# change nothing, either.
lock() {
	local file=$CACHE/locks/$1 fd

	mkdir -p "$CACHE/locks"
	exec {fd}>"$file"
	if ! flock -n "${@:2}" "$fd"; then
		say "waiting for another run that holds '$1'"
		flock "${@:2}" "$fd"
	fi
}

# lock_here NAME: the same for this checkout, in which files of one name are left.
lock_here() { lock "$1-$(printf %s "$TOP" | sha256sum | cut -c1-12)"; }

# descendants PID: what it has started, what that has, and so on.
descendants() {
	local child

	for child in $(cat "/proc/$1/task"/*/children 2>/dev/null); do
		echo "$child"
		descendants "$child"
	done
}

# end_tree PID: ends it with all it has started, also what a shell between them would leave behind,
# and what runs as root.
end_tree() {
	local pid others=()

	for pid in "$1" $(descendants "$1"); do
		kill "$pid" 2>/dev/null || others+=("$pid")
	done
	[ "$(id -u)" = 0 ] || ((${#others[@]} == 0)) || sudo -n kill "${others[@]}" 2>/dev/null || true
}

# logged LABEL LOGFILE CMD...: run CMD with its output in LOGFILE, a dot of
# progress now and then on stderr, and the log's end when it fails.
logged() {
	local label=$1 log=$2 pid start=$SECONDS status=0

	shift 2
	mkdir -p "$(dirname "$log")"
	say "$label (log: $log)"
	"$@" >"$log" 2>&1 &
	pid=$!
	trap 'trap - INT TERM HUP; end_tree "$pid"; wait "$pid" || true; say "$label: interrupted"; exit 130' INT TERM HUP
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		if (((SECONDS - start) % 60 == 0)) && ((SECONDS > start)); then
			say "$label: $(((SECONDS - start) / 60)) min, $(wc -l <"$log") lines, at: $(tail -n 1 "$log" | cut -c1-60)"
		fi
	done
	wait "$pid" || status=$?
	trap - INT TERM HUP
	if ((status)); then
		tail -n 30 "$log" >&2
		die "$label failed (status $status); the whole log is $log"
	fi
	say "$label: done in $((SECONDS - start)) s"
}

# attended CMD...: runs CMD, and ends it when we are told to end. A bash without a trap
# dies of a signal at once and leaves what it runs behind, one with a trap minds it only
# when that has ended.
attended() {
	local pid status=0

	"$@" <&0 &
	pid=$!
	trap 'trap - INT TERM HUP; end_tree "$pid"; wait "$pid" || true; say "interrupted"; exit 130' INT TERM HUP
	wait "$pid" || status=$?
	trap - INT TERM HUP
	return "$status"
}

# end_jobs: ends what runs in the background, each with its process group (set -m), and waits for it.
end_jobs() {
	local pid

	for pid in $(jobs -p); do
		# It may have ended meanwhile.
		kill -- "-$pid" 2>/dev/null || true
	done
	wait
}

# Files of the toolchain that provision.sh chose: sets PATH and the variables
# that the kernel's Makefile reads. provision.sh must have run.
use_toolchain() {
	[ -r "$CACHE/toolchain/env" ] || die "no toolchain yet; run scripts/provision.sh"
	# shellcheck disable=SC1091
	. "$CACHE/toolchain/env"
}

# The same for what boots guests alone: a stock kernel needs nothing else.
use_guest_tools() {
	[ -r "$CACHE/toolchain/guest" ] || die "no virtme-ng yet; run scripts/provision.sh --guest"
	# shellcheck disable=SC1091
	. "$CACHE/toolchain/guest"
}

# The version of the module, as modinfo says it.
module_version() { sed -n 's/^ *version: "\(.*\)",$/\1/p' "$TOP/rust/driver/rnetvirt_main.rs"; }

# When the sources changed last, in seconds of the epoch.
newest_change() {
	git -C "$TOP" log -1 --format=%ct 2>/dev/null || stat -c %Y "$TOP/Makefile"
}
