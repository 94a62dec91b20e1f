#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The first process of every guest, QEMU or user-mode Linux: the few mounts that
# a test needs, then the run's own program, then power off. A distribution's init
# with udev takes longer to start, and then looks at every device that a test
# makes.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/run/home TERM=${TERM:-linux}
here=${0%/*}

mount -t proc proc /proc
read -r cmdline </proc/cmdline
run=${cmdline##*RNETVIRT_RUN=} run=${run%% *}

# The run's own fstab has the host's directories, copy on write: their upper
# directories come in between.
mount -a -T "$here/fstab"
mkdir -p /run/{home,netns,rnetvirt} /run/overlay/{etc,usr,var,tmp,modules}/{upper,work}
mount -a -T "$run/fstab"
if [ -e "$run/writable" ]; then
	mkdir /run/host
	# Not mount: newer ones do not know how to tell hostfs of a directory.
	if [ -e "$run/uml" ]; then
		busybox mount -t hostfs -o "$(<"$run/writable")" none /run/host
	else
		busybox mount -t 9p -o trans=virtio,version=9p2000.L,cache=none writable /run/host
	fi
fi
if [ -e "$run/coverage" ]; then
	mkdir /run/coverage
	busybox mount -t hostfs -o "$(<"$run/coverage")" none /run/coverage
fi
# As udev would make them. Opening a port again by its name would be refused.
for link in fd: stdin:/0 stdout:/1 stderr:/2; do
	ln -sfn "/proc/self/fd${link#*:}" "/dev/${link%%:*}"
done
echo rnetvirt >/proc/sys/kernel/hostname

case " $cmdline " in
*" RNETVIRT_SHELL="*)
	tty=${cmdline##*RNETVIRT_SHELL=} tty=/dev/${tty%% *}
	# shellcheck disable=SC2094  # a terminal
	setsid -c "$here/shell.sh" "$run" <"$tty" >"$tty" 2>&1
	;;
*) setsid "$here/main.sh" "$run" </dev/null >/dev/console 2>&1 ;;
esac
# init may not simply end: that is a panic.
exec busybox poweroff -f
