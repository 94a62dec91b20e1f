#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The first process of every guest, QEMU or user-mode Linux: the few mounts that
# a test needs, then the run's own program, then power off. A distribution's init
# with udev takes longer to start, and then looks at every device that a test
# makes.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/run/home TERM=${TERM:-linux}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p /run/home
read -r cmdline </proc/cmdline
mounts=$(</proc/mounts)
case $mounts in
*" /dev "*) ;;
*) mount -t devtmpfs devtmpfs /dev ;;
esac
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
for link in fd: stdin:/0 stdout:/1 stderr:/2; do
	ln -sfn "/proc/self/fd${link#*:}" "/dev/${link%%:*}"
done

# The host's directories, copy on write.
for dir in /etc /usr /var; do
	mkdir -p "/run/overlay$dir/upper" "/run/overlay$dir/work"
	mount -t overlay -o "lowerdir=$dir,upperdir=/run/overlay$dir/upper,workdir=/run/overlay$dir/work" overlay "$dir"
done
echo rnetvirt >/proc/sys/kernel/hostname

RNETVIRT_RUN=${cmdline##*RNETVIRT_RUN=}
RNETVIRT_RUN=${RNETVIRT_RUN%% *}
here=${0%/*}
case " $cmdline " in
*" RNETVIRT_SHELL="*)
	tty=${cmdline##*RNETVIRT_SHELL=}
	setsid -c "$here/shell.sh" "$RNETVIRT_RUN" <"/dev/${tty%% *}" >"/dev/${tty%% *}" 2>&1
	;;
*) setsid "$here/main.sh" "$RNETVIRT_RUN" </dev/null >/dev/console 2>&1 ;;
esac
# init may not simply end: that is a panic.
exec busybox poweroff -f
