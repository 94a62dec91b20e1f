#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The first process of user-mode Linux: what virtme-ng's init does for QEMU,
# then the run's own program ($RNETVIRT_MAIN), then power off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=${TERM:-linux}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=0755 run /run
mounted=$(cat /proc/mounts)
case $mounted in
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
for dir in /etc /usr /var /opt /srv; do
	[ -d "$dir" ] || continue
	mkdir -p "/run/overlay$dir/upper" "/run/overlay$dir/work"
	mount -t overlay -o "lowerdir=$dir,upperdir=/run/overlay$dir/upper,workdir=/run/overlay$dir/work" overlay "$dir"
done
hostname rnetvirt

RNETVIRT_RUN=$(sed -n 's/.*RNETVIRT_RUN=\([^ ]*\).*/\1/p' /proc/cmdline)
here=$(dirname "$0")
case " $(cat /proc/cmdline) " in
*" RNETVIRT_SHELL=1 "*) setsid -c "$here/shell.sh" </dev/tty0 >/dev/tty0 2>&1 ;;
*) setsid "$here/main.sh" "$RNETVIRT_RUN" </dev/null >/dev/console 2>&1 ;;
esac
sync
# init may not simply end: that is a panic.
exec busybox poweroff -f
