#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Tests the Debian packages where they belong: in a Debian 13, on its own kernel.
. "$(dirname "$0")/common.sh"

usage() {
	cat <<TXT
usage: $ME [--fresh]

Builds the packages (deb.sh), installs them in a copy of the Debian 13 that is in the
cache, upgrades to packages of a higher version, boots Debian's kernel on it, where links
of all flavors have to carry traffic with nothing loaded by hand, purges them, and
compares every file of the system with what was there before. The last line is "N passed,
N failed".

  --fresh  have dkms build Rust's part of the headers too, as on a user's machine (3
           minutes more of a processor), instead of taking what is in the cache
TXT
}

fresh=''
while (($#)); do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--fresh) fresh=1 ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done

if [ -z "${RNETVIRT_SCRATCH:-}" ]; then
	lock_here test-packages
	"$TOP/scripts/provision.sh" --guest
	kdir=$("$TOP/scripts/stock.sh" stock)
	debs=$TOP/build/deb/test
	rm -rf "$debs"
	# The second is newer, and the same.
	for version in "" "$(module_version)+test"; do
		"$TOP/scripts/deb.sh" ${version:+--version "$version"} "$debs" >/dev/null
	done
	status=0
	DEBS=$debs HEADERS=$(dirname "$kdir") "$TOP/scripts/stock.sh" --scratch \
		"$TOP/scripts/$ME" ${fresh:+--fresh} || status=$?
	exit "$status"
fi
: "${DEBS:?}" "${HEADERS:?}"

release=$(basename "$HEADERS") release=${release%-*}
passed=0 failed=0 log=$TOP/build/log/test-packages.log
: >"$log"
# Each in a shell of its own, where any failure ends it; in a condition it would not.
step() { # LABEL COMMAND...
	local label=$1 start=$SECONDS status

	shift
	set +e
	(
		set -e
		"$@"
	) >>"$log" 2>&1
	status=$?
	set -e
	if ((status == 0)); then
		passed=$((passed + 1))
		echo "ok: $label ($((SECONDS - start)) s)"
	else
		failed=$((failed + 1))
		tail -n 30 "$log"
		echo "FAILED: $label ($((SECONDS - start)) s; the whole log is $log)"
	fi
}

# There with the tools of the guest, and with nothing of the packages.
in_system() {
	mountpoint -q "$RNETVIRT_SCRATCH/proc" || {
		mount -t proc proc "$RNETVIRT_SCRATCH/proc"
		mount --rbind /sys "$RNETVIRT_SCRATCH/sys"
		mount --rbind /dev "$RNETVIRT_SCRATCH/dev"
	}
	chroot "$RNETVIRT_SCRATCH" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}
apt() { in_system apt-get -y --no-install-recommends "$@"; }
# What packages install, but for the notes that dpkg and apt keep of it, and the machine's
# key, which dkms keeps.
list_files() {
	(cd "$RNETVIRT_SCRATCH" && find etc usr var boot -xdev ! -type d -printf '%p %l %s\n' |
		grep -vE '^(var/(log|lib/(apt|dpkg|systemd)|cache/(apt|debconf|ldconfig|man))/|var/lib/dkms/mok\.|etc/(ld\.so\.cache|mtab))' | sort)
}

dependencies() {
	# dkms builds for every kernel that has headers; one is enough.
	in_system dpkg-query -W -f '${Package}\n' 'linux-headers-*-amd64' |
		awk -v kept="linux-headers-$release" '$0 != kept' | xargs -r chroot "$RNETVIRT_SCRATCH" dpkg --purge
	apt install dkms iproute2 iputils-ping socat python3-minimal procps gawk
	mkdir -p "$RNETVIRT_SCRATCH$TOP"
	cp -r "$TOP/scripts" "$RNETVIRT_SCRATCH$TOP/"
	list_files >"$DEBS/before"
}
is_installed() { # VERSION
	in_system dkms status rnetvirt | tee "$DEBS/status"
	[ "$(wc -l <"$DEBS/status")" = 1 ]
	grep "^rnetvirt/$1, $release, x86_64: installed" "$DEBS/status"
}
install_packages() { # VERSION
	mkdir -p "$RNETVIRT_SCRATCH/srv/debs" "$RNETVIRT_SCRATCH/var/cache/rnetvirt"
	if [ -z "$fresh" ]; then
		mkdir -p "$RNETVIRT_SCRATCH$HEADERS"
		mountpoint -q "$RNETVIRT_SCRATCH$HEADERS" || mount --bind "$HEADERS" "$RNETVIRT_SCRATCH$HEADERS"
		ln -sfn "$(dirname "$HEADERS")" "$RNETVIRT_SCRATCH/var/cache/rnetvirt/headers"
	fi
	cp "$DEBS"/rnetvirt-*_"$1"_*.deb "$RNETVIRT_SCRATCH/srv/debs/"
	apt install "/srv/debs/rnetvirt-dkms_$1_all.deb" "/srv/debs/rnetvirt-iproute2_$1_amd64.deb"
	is_installed "$1"
	in_system modinfo -k "$release" rnetvirt
	[ "$(in_system modinfo -k "$release" -F version rnetvirt)" = "$(module_version)" ]
	[ -n "$(in_system modinfo -k "$release" -F signer rnetvirt)" ]
	in_system PYTHONDONTWRITEBYTECODE=1 rnetvirt-tap-exec --help
	# What an upgrade leaves, and a removal takes away.
	[ "$1" = "${versions[0]}" ] || grep -qx "# kept" "$RNETVIRT_SCRATCH/etc/modprobe.d/rnetvirt-takeover.conf"
	echo "# kept" >"$RNETVIRT_SCRATCH/etc/modprobe.d/rnetvirt-takeover.conf"
}
# As when apt has configured the headers first.
source_comes_late() { # VERSION
	in_system dkms unbuild "rnetvirt/$1" -k "$release"
	in_system dpkg-trigger --by-package=dkms "$(in_system dpkg-query -L linux-source-7.3 | grep '\.tar\.xz$')"
	in_system dpkg --triggers-only rnetvirt-dkms
	is_installed "$1"
}
boots() {
	attended "$TOP/scripts/vm.sh" --kernel stock --root "$RNETVIRT_SCRATCH" --no-insmod --no-build --log "$TOP/build/log/test-packages-vm.log" \
		-- "unset IP_LIB_DIR; [ ! -e /sys/module/rnetvirt ] && scripts/guest/carry.sh && [ -e /sys/module/rnetvirt ]"
}
purge() {
	# What we have put there for speed.
	[ ! -h "$RNETVIRT_SCRATCH/var/cache/rnetvirt/headers" ] || rm "$RNETVIRT_SCRATCH/var/cache/rnetvirt/headers"
	apt purge rnetvirt-dkms rnetvirt-iproute2
	rm -rf "$RNETVIRT_SCRATCH/srv/debs"
	list_files >"$DEBS/after"
	diff -u "$DEBS/before" "$DEBS/after"
}

versions=("$(module_version)" "$(module_version)+test")
step "a Debian 13 with what the packages depend on" dependencies
step "install: dkms builds and signs the module" install_packages "${versions[0]}"
step "upgrade: the old one goes" install_packages "${versions[1]}"
step "the kernel's source comes last: built then" source_comes_late "${versions[1]}"
step "boot: ip loads the module, all flavors carry traffic" boots
step "purge: nothing is left" purge
echo "$passed passed, $failed failed"
((failed == 0))
