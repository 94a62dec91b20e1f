#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's own tests of the old kinds, on the C drivers and on ours.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--kernel uml | uml-wide | release | wide | stock] [--driver c | ours] [--jobs N] [TEST...]
       $ME --list | --update

Builds the tests of networking in the kernel's source, boots a guest on a Debian 13 for
each, and runs it: with the C drivers, and with rnetvirt under their names (kinds=).
Prints a line per test, with how many of its steps passed; a step or a test that passes
with the C drivers and not with ours is a failure. Without a name, all of
scripts/selftests/list. The last line is "N passed, N failed, N skipped".

  --kernel  default: uml-wide, which has what they want beyond the other test kernels;
            stock, Debian's own, has BTF and two processors, and is emulated
  --driver  only with these: nothing is compared
  --jobs    guests at once, default 2
  --list    the names, and what they run
  --update  puts what build/selftests has of this and earlier runs into Documentation/selftests.md

What each of them said is left in build/selftests.
TXT
}

# What fails in $(...) is not to be taken for an answer.
shopt -s inherit_errexit
kernel=uml-wide drivers="c ours" jobs=2 tests=()
LIST=$TOP/scripts/selftests/list
# known TEST: with its line of the list.
known() { awk -F'|' -v test="$1" '$1 == test { print; found = 1 } END { exit !found }' "$LIST"; }
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--list)
		awk -F'|' '!/^#/ { printf "%-28s %s: %s\n", $1, $2, $4 }' "$LIST"
		exit 0
		;;
	--update)
		exec python3 "$TOP/scripts/selftests/judge.py" --update "$TOP/build/selftests" "c ours" \
			"$TOP/Documentation/selftests.md"
		;;
	--kernel | --driver | --jobs)
		(($# > 1)) || bad_usage "$1 wants a value"
		case $1 in
		--kernel) kernel=$2 ;;
		--driver) drivers=$2 ;;
		--jobs) jobs=$2 ;;
		esac
		shift
		;;
	-*) bad_usage "unknown option '$1'" ;;
	*)
		known "$1" >/dev/null || bad_usage "no test '$1' (--list has them)"
		tests+=("$1")
		;;
	esac
	shift
done
known_kernel "$kernel"
[[ $drivers =~ ^(c|ours|c ours)$ ]] || bad_usage "--driver is c or ours"
[[ $jobs =~ ^[1-9][0-9]*$ ]] || bad_usage "--jobs wants a number"
((${#tests[@]})) || mapfile -t tests < <(sed -n 's/^\([^#|]*\)|.*/\1/p' "$LIST")

# --- the programs ---------------------------------------------------------------

TARGETS="net drivers/net drivers/net/bonding drivers/net/team net/forwarding net/netfilter net/hsr net/mptcp net/openvswitch net/ppp"

# Built once for a source; what is not compiled is the source's.
provide() {
	local src key dir tmp

	"$TOP/scripts/provision.sh" --selftests
	src=$(realpath "$("$TOP/scripts/kernel.sh" --source)")
	use_toolchain
	key=$(printf '%s\n' "$(basename "$src")" "$TOOLCHAIN_ID" "$TARGETS" xskxceiver | sha256sum | cut -c1-12)
	dir=$CACHE/selftests/$key
	if [ ! -e "$dir/.complete" ]; then
		lock selftests
	fi
	if [ ! -e "$dir/.complete" ]; then
		tmp=$CACHE/selftests/.new
		rm -rf "$tmp" "$dir"
		mkdir -p "$tmp"/{build,tools/testing,tools/net,Documentation}
		logged "installing the kernel's headers" "$CACHE/log/selftests-headers.log" \
			make -C "$src" O="$tmp/build" ARCH=x86_64 headers_install
		logged "building the kernel's tests" "$CACHE/log/selftests-build.log" \
			make -C "$src/tools/testing/selftests" O="$tmp/build" ARCH=x86_64 CLANG=clang TARGETS="$TARGETS" all
		cp -r "$src/tools/testing/selftests" "$tmp/tools/testing/"
		cp -r "$tmp/build/kselftest/." "$tmp/tools/testing/selftests/"
		# Of bpf's this one alone: it wants nothing of the types that a kernel with BTF tells.
		mkdir "$tmp/build/bpf"
		logged "building xskxceiver" "$CACHE/log/selftests-bpf.log" \
			make -C "$src/tools/testing/selftests/bpf" OUTPUT="$tmp/build/bpf" CLANG=clang \
			BPFTOOL="$(PATH=$PATH:/usr/sbin command -v bpftool)" VMLINUX_BTF=/dev/null VMLINUX_H=/dev/null \
			"$tmp/build/bpf/xskxceiver"
		cp "$tmp/build/bpf/xskxceiver" "$tmp/tools/testing/selftests/bpf/"
		cp -r "$src/tools/net/ynl" "$tmp/tools/net/"
		cp -r "$src/Documentation/netlink" "$tmp/Documentation/"
		rm -rf "$tmp/build"
		touch "$tmp/.complete"
		mv "$tmp" "$dir"
	fi
	echo "$dir"
}

if [ -z "${RNETVIRT_SCRATCH:-}" ]; then
	lock_here selftests
	"$TOP/scripts/vm.sh" --kernel "$kernel" --build-only
	SELFTESTS=$(provide)
	export SELFTESTS
	exec "$TOP/scripts/stock.sh" --scratch "$TOP/scripts/$ME" --kernel "$kernel" --jobs "$jobs" \
		$([ "$drivers" = "c ours" ] || echo --driver "$drivers") "${tests[@]}"
fi

# --- the Debian they run on ---------------------------------------------------

packages="iproute2 iputils-ping iputils-arping iputils-tracepath procps kmod util-linux jq socat ncat netsniff-ng tcpdump
	ethtool nftables iptables ebtables arptables conntrack iperf3 bridge-utils ipset libteam-utils wireguard-tools
	traceroute fping ndisc6 net-tools smcroute ipvsadm ppp python3-pyroute2 python3 python3-yaml python3-jsonschema bc psmisc busybox-static xxd file gawk keyutils
	libcap2 libmnl0 libnuma1 libcap2-bin uuid-runtime rsync udev bpftool"
in_system() {
	chroot "$RNETVIRT_SCRATCH" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}
if [ ! -e "$RNETVIRT_SCRATCH/.selftests" ]; then
	mount -t proc proc "$RNETVIRT_SCRATCH/proc"
	mount --rbind /dev "$RNETVIRT_SCRATCH/dev"
	printf '#!/bin/sh\nexit 101\n' >"$RNETVIRT_SCRATCH/usr/sbin/policy-rc.d"
	chmod +x "$RNETVIRT_SCRATCH/usr/sbin/policy-rc.d"
	# shellcheck disable=SC2086
	logged "installing what the tests use" "$TOP/build/log/selftests-install.log" \
		in_system apt-get -y --no-install-recommends install $packages
	umount -R "$RNETVIRT_SCRATCH/dev" "$RNETVIRT_SCRATCH/proc"
	cp -r "$SELFTESTS" "$RNETVIRT_SCRATCH/selftests"
	touch "$RNETVIRT_SCRATCH/.selftests"
fi
mkdir -p "$RNETVIRT_SCRATCH$TOP/build"
cp -r "$TOP/scripts" "$RNETVIRT_SCRATCH$TOP/"

# --- each in a guest of its own ---------------------------------------------------

# Most of them mostly sleep.
travel=()
if grep -qx CONFIG_UML_TIME_TRAVEL_SUPPORT=y "$("$TOP/scripts/kernel.sh" "$kernel")/include/config/auto.conf"; then
	travel=(--cmdline time-travel)
fi
results=$TOP/build/selftests
mkdir -p "$results"
run() { # TEST DRIVER
	local name dir limit command status=0

	IFS='|' read -r name dir limit command < <(known "$1")
	! is_stock "$kernel" || limit=$((limit * 4))
	"$TOP/scripts/vm.sh" --kernel "$kernel" --root "$RNETVIRT_SCRATCH" --no-build --no-insmod --timeout $((limit + 60)) \
		"${travel[@]}" --log "$results/$1.$2.log" -- \
		"scripts/selftests/run.sh $2 $dir $limit $(printf %q "$command")" >"$results/$1.$2.out" 2>"$results/$1.$2.err" || status=$?
	echo "$kernel" >"$results/$1.kernel"
	echo "$status" >"$results/$1.$2.status"
}
# A process group each, which goes when we go, with its guest.
set -m
# shellcheck disable=SC2317,SC2329  # called by the traps
finish() {
	trap - EXIT INT TERM
	end_jobs
}
trap finish EXIT
trap 'finish; say "interrupted"; exit 130' INT TERM
judge() { python3 "$TOP/scripts/selftests/judge.py" "$@" "${tests[@]}"; }
# A guest's kernel modules are put in place by the first one alone.
running=0 first=1
run_all() { # TEST...
	local test driver

	for test; do
		for driver in $drivers; do
			rm -f "$results/$test.$driver".{out,err,log,status} "$results/$test.said"
			run "$test" "$driver" &
			if ((first)); then
				wait || true
				first=0
				continue
			fi
			running=$((running + 1))
			if ((running >= jobs)); then
				wait -n || true
				running=$((running - 1))
			fi
		done
		# Those that both are through.
		judge --new "$results" "$drivers"
	done
	wait
	running=0
	judge --new "$results" "$drivers"
}
for test in "${tests[@]}"; do
	rm -f "$results/$test".{c,ours}.first.*
done
run_all "${tests[@]}"
# Many of them measure time, and what is lost to a busy machine is lost with either driver: who is worse has
# to be so twice. Both times are shown, and what was said the first time is kept. What the kernel complained of
# is not tried again.
mapfile -t again < <(judge --failed "$results" "$drivers")
if ((${#again[@]})); then
	say "once more: ${again[*]}"
	for test in "${again[@]}"; do
		for driver in $drivers; do
			for what in out err log status; do
				mv -f "$results/$test.$driver.$what" "$results/$test.$driver.first.$what" 2>/dev/null || true
			done
		done
	done
	run_all "${again[@]}"
fi
judge "$results" "$drivers"
