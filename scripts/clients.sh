#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Programs that make links of the C drivers' kinds, from Debian's packages, on these and on ours.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--driver c | ours] [CLIENT...]

Installs the programs in a copy of the Debian 13 that is in the cache, boots the uml kernel
on it, and has each program set up networks that must carry traffic: first with the C
drivers, then with rnetvirt under their names (kinds=). Without a name all of
scripts/clients. Prints KTAP; the last line is "N passed, N failed".

  --driver  only with these
TXT
}

drivers="c ours" clients=()
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--driver)
		[[ ${2-} =~ ^(c|ours)$ ]] || bad_usage "--driver is c or ours"
		drivers=$2
		shift
		;;
	-*) bad_usage "unknown option '$1'" ;;
	*)
		[ -e "$TOP/scripts/clients/$1.sh" ] || bad_usage "no client '$1'; there are $(cd "$TOP/scripts/clients" && echo *.sh | sed 's/\.sh\>//g; s/\<lib //')"
		clients+=("$1")
		;;
	esac
	shift
done
if ((${#clients[@]} == 0)); then
	for file in "$TOP"/scripts/clients/*.sh; do
		file=$(basename "$file" .sh)
		[ "$file" = lib ] || clients+=("$file")
	done
fi

if [ -z "${SCRATCH:-}" ]; then
	"$TOP/scripts/provision.sh" --guest
	"$TOP/scripts/vm.sh" --kernel uml --build-only
	DRIVERS=$drivers exec "$TOP/scripts/stock.sh" --scratch "$TOP/scripts/$ME" "${clients[@]}"
fi

# What a client needs stands in its file.
packages="iproute2 iputils-ping procps busybox-static nftables jq"
for client in "${clients[@]}"; do
	packages+=" $(sed -n 's/^PACKAGES="\(.*\)"$/\1/p' "$TOP/scripts/clients/$client.sh")"
done
in_system() {
	chroot "$SCRATCH" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}
mount -t proc proc "$SCRATCH/proc"
mount --rbind /dev "$SCRATCH/dev"
# Programs are installed, not started.
printf '#!/bin/sh\nexit 101\n' >"$SCRATCH/usr/sbin/policy-rc.d"
chmod +x "$SCRATCH/usr/sbin/policy-rc.d"
# shellcheck disable=SC2086
logged "installing the programs" "$TOP/build/log/clients-install.log" \
	in_system apt-get -y --no-install-recommends install $packages
umount -R "$SCRATCH/dev" "$SCRATCH/proc"
mkdir -p "$SCRATCH$TOP/build"
cp -r "$TOP/scripts" "$SCRATCH$TOP/"
passed=0 failed=0
for driver in ${DRIVERS:-c ours}; do
	for client in "${clients[@]}"; do
		output=$TOP/build/log/client-$client-$driver.out status=0
		attended "$TOP/scripts/vm.sh" --kernel uml --root "$SCRATCH" --no-build --no-insmod --timeout 300 \
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
		fi
	done
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
