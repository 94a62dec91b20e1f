#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Tests the module on the kernels that Debian ships, as users have them.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--no-update] [stock | stock-rt]...

Installs Debian 13's kernel of today and builds the module for it (see stock.sh), boots
it, loads the module, carries traffic through links of all flavors, with the words of
ip's plugin, unloads it, and looks at the kernel's log. Without a name it does so on
the first of these kernels. The last line is "N passed, N failed".

  --no-update  take what is in the cache
TXT
}

update=--update kernels=()
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--no-update) update='' ;;
	stock | stock-rt) kernels+=("$1") ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
((${#kernels[@]})) || kernels=(stock)

"$TOP/scripts/provision.sh" --guest
mkdir -p "$TOP/build/log"
passed=0 failed=0
for kernel in "${kernels[@]}"; do
	start=$SECONDS status=0
	output=$TOP/build/log/test-$kernel.out
	if [ -z "$update" ] || "$TOP/scripts/stock.sh" --update "$kernel" >/dev/null; then
		attended "$TOP/scripts/vm.sh" --kernel "$kernel" --log "$TOP/build/log/test-$kernel.log" \
			-- scripts/guest/carry.sh >"$output" || status=$?
	else
		status=$?
	fi
	if ((status == 0)) && result=$(grep '^all flavors carry traffic on ' "$output"); then
		passed=$((passed + 1))
		echo "ok: $kernel: $result ($((SECONDS - start)) s)"
	else
		failed=$((failed + 1))
		[ ! -e "$output" ] || tail -n 40 "$output"
		echo "FAILED: $kernel: status $status ($((SECONDS - start)) s)"
	fi
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
