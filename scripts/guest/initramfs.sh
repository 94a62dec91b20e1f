#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The first program on a kernel that has 9p as a module: loads it, and goes on in the
# machine's file tree with the init= of the command line, as a kernel would that needs
# no initramfs (see stock.sh).
export PATH=/bin
busybox mount -t proc proc /proc
read -r cmdline </proc/cmdline
for word in $cmdline; do
	case $word in
	init=*) init=${word#init=} ;;
	rootflags=*) flags=${word#rootflags=} ;;
	esac
done
for module in /modules/*; do
	busybox insmod "$module"
done
busybox mount -t 9p -o "ro,$flags" /dev/root /new &&
	busybox mount -t devtmpfs devtmpfs /new/dev &&
	busybox umount /proc &&
	exec busybox switch_root /new "$init"
