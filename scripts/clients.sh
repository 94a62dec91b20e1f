#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Programs that make links of the C drivers' kinds, from Debian's packages, on these and on ours.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--driver c | ours] [--all | CLIENT[:TEST]...]

Installs the programs in a copy of the Debian 13 that is in the cache, boots the uml kernel
on it, and has each program set up networks that must carry traffic: first with the C
drivers, then with rnetvirt under their names (kinds=). Without a name those of
scripts/clients that are quick; TEST is one of its functions, without test_. Prints KTAP; the last line is "N passed, N failed".

  --driver  only with these
  --all     the slow ones, too: those that say SLOW= in their head
TXT
}

drivers="c ours" clients=() all=''
# What stands in a client's head, NAME="...".
head_of() { # CLIENT NAME
	sed -n "s/^$2=\"\([^\"]*\)\".*/\1/p" "$TOP/scripts/clients/${1%%:*}.sh"
}
kernel_of() { # CLIENT
	local kernel

	kernel=$(head_of "$1" KERNEL)
	echo "${kernel:-uml}"
}
limit_of() { # CLIENT
	local limit

	limit=$(head_of "$1" LIMIT)
	echo "${limit:-900}"
}
mapfile -t known < <(cd "$TOP/scripts/clients" && printf '%s\n' *.sh | sed 's/\.sh$//; /^lib$/d')
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--driver)
		[[ ${2-} =~ ^(c|ours)$ ]] || bad_usage "--driver is c or ours"
		drivers=$2
		shift
		;;
	--all) all=1 ;;
	-*) bad_usage "unknown option '$1'" ;;
	*)
		[[ " ${known[*]} " = *" ${1%%:*} "* ]] || bad_usage "no client '${1%%:*}'; there are ${known[*]}"
		[[ $1 != *:* ]] || grep "^test_${1#*:}() {$" "$TOP/scripts/clients/${1%%:*}.sh" >/dev/null ||
			bad_usage "no test '${1#*:}' in ${1%%:*}"
		clients+=("$1")
		;;
	esac
	shift
done
if ((${#clients[@]} == 0)); then
	for client in "${known[@]}"; do
		[ -z "$all" ] && [ "$(head_of "$client" SLOW)" ] || clients+=("$client")
	done
fi

if [ -z "${RNETVIRT_SCRATCH:-}" ]; then
	lock_here clients
	"$TOP/scripts/provision.sh" --guest
	for kernel in $(for client in "${clients[@]}"; do kernel_of "$client"; done | sort -u); do
		"$TOP/scripts/vm.sh" --kernel "$kernel" --build-only
	done
	DRIVERS=$drivers exec "$TOP/scripts/stock.sh" --scratch "$TOP/scripts/$ME" "${clients[@]}"
fi

# What a client needs stands in its file.
packages="iproute2 iputils-ping procps busybox-static nftables jq"
for client in "${clients[@]}"; do
	packages+=" $(head_of "$client" PACKAGES)"
done
in_system() {
	chroot "$RNETVIRT_SCRATCH" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}
# What was fetched is kept, for the next run.
mkdir -p "$CACHE/stock/archives/partial"
mount --bind "$CACHE/stock/archives" "$RNETVIRT_SCRATCH/var/cache/apt/archives"
mount -t proc proc "$RNETVIRT_SCRATCH/proc"
mount --rbind /dev "$RNETVIRT_SCRATCH/dev"
# Programs are installed, not started.
printf '#!/bin/sh\nexit 101\n' >"$RNETVIRT_SCRATCH/usr/sbin/policy-rc.d"
chmod +x "$RNETVIRT_SCRATCH/usr/sbin/policy-rc.d"
# shellcheck disable=SC2086
logged "installing the programs" "$TOP/build/log/clients-install.log" \
	in_system apt-get -y --no-install-recommends install $packages
# Programs of a later Debian, of which nothing else is taken.
for client in "${clients[@]}"; do
	suite=$(head_of "$client" SUITE)
	[ "$suite" ] || continue
	sed -n "1s/ trixie / $suite /p" "$RNETVIRT_SCRATCH/etc/apt/sources.list" >"$RNETVIRT_SCRATCH/etc/apt/sources.list.d/$suite.list"
	printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n' "$suite" >"$RNETVIRT_SCRATCH/etc/apt/preferences.d/$suite"
	# shellcheck disable=SC2046
	logged "installing programs of Debian's $suite" "$TOP/build/log/clients-install-$suite.log" in_system sh -euc '
		apt-get update
		apt-get -y --no-install-recommends -t "$0" install "$@"' "$suite" $(head_of "$client" LATER)
done
umount -R "$RNETVIRT_SCRATCH/dev" "$RNETVIRT_SCRATCH/proc" "$RNETVIRT_SCRATCH/var/cache/apt/archives"
mkdir -p "$RNETVIRT_SCRATCH$TOP/build"
cp -r "$TOP/scripts" "$RNETVIRT_SCRATCH$TOP/"
passed=0 failed=0
for driver in ${DRIVERS:-c ours}; do
	for client in "${clients[@]}"; do
		only=$(head_of "$client" DRIVERS)
		[[ " ${only:-$driver} " = *" $driver "* ]] || continue
		output=$TOP/build/log/client-$client-$driver.out status=0 start=$SECONDS
		attended "$TOP/scripts/vm.sh" --kernel "$(kernel_of "$client")" --root "$RNETVIRT_SCRATCH" --no-build --no-insmod --timeout "$(limit_of "$client")" \
			--log "$TOP/build/log/client-$client-$driver.log" \
			-- "scripts/clients/lib.sh $client $driver" >"$output" 2>&1 || status=$?
		grep -E '^(not )?ok ' "$output" || true
		ok=$(grep -c '^ok ' "$output" || true)
		bad=$(grep -c '^not ok ' "$output" || true)
		passed=$((passed + ok))
		failed=$((failed + bad))
		if ((status || bad || ok == 0)); then
			((bad)) || failed=$((failed + 1))
			tail -n 40 "$output"
			echo "FAILED: $client with $driver (status $status; all of it: $output)"
		else
			echo "# $client with $driver: $((SECONDS - start)) s"
		fi
	done
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
