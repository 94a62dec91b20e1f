# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# macvtap and ipvtap as the network card of a virtual machine: QEMU in this guest, with
# a small Linux of its own, which gets an address by DHCP and talks to a namespace.
# shellcheck disable=SC2034
KINDS="rnetvirt"
KERNELS="release uml uml-debug"
LIMIT=720
# User-mode Linux runs the machine as it is; where the kernel is emulated itself it takes ten times as long.
TAKES=100
# shellcheck source=/dev/null
. "$TOP/scripts/tests/tap.sh"

# initramfs QUEUES [ADDRESS]: a Linux of a few programs, which talks to 10.0.0.1 and says
# how it went on its console. Without an address it asks for one.
initramfs() {
	local root=$WORK/root lib address

	address="busybox udhcpc -i eth0 -f -n -q -t 20 -T 1 -s /bin/got"
	[ $# = 1 ] || address="busybox ip addr add $2/24 dev eth0"

	mkdir -p "$root"/{bin,proc,sys,dev,tmp,lib,lib64}
	cp /bin/busybox "$root/bin/"
	cp "$(command -v iperf3)" "$(command -v ethtool)" "$root/bin/"
	for lib in $(ldd "$root/bin/iperf3" "$root/bin/ethtool" | grep -o '/lib[^ ]*' | sort -u); do
		mkdir -p "$root/$(dirname "$lib")"
		cp -L "$lib" "$root/$lib"
	done
	cat >"$root/bin/got" <<-'TXT'
		#!/bin/busybox sh
		[ "$1" = bound ] || exit 0
		busybox ip addr add "$ip/24" dev "$interface"
		echo "result: dhcp $ip"
	TXT
	cat >"$root/init" <<-TXT
		#!/bin/busybox sh
		busybox mount -t proc none /proc
		busybox mount -t sysfs none /sys
		busybox mount -t devtmpfs none /dev
		busybox mount -t tmpfs none /tmp
		busybox ip link set lo up
		busybox ip link set eth0 up
		[ $1 = 1 ] || ethtool -L eth0 combined $1
		echo "result: queues \$(ethtool -l eth0 | busybox sed -n '/^Combined/h;\${x;s/.*[^0-9]//p}')"
		$address
		busybox ping -c 3 -W 5 10.0.0.1 >/dev/null && echo "result: ping"
		iperf3 -c 10.0.0.1 -t 2 -P $1 >/tmp/out 2>&1 && echo "result: sends"
		iperf3 -c 10.0.0.1 -t 2 -P $1 -R >/tmp/out 2>&1 && echo "result: receives"
		iperf3 -c 10.0.0.1 -u -b 5M -t 2 >/tmp/out 2>&1 && echo "result: datagrams"
		busybox cat /tmp/out
		echo "result: end"
		busybox poweroff -f
	TXT
	chmod +x "$root/init" "$root/bin/got"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$WORK/initramfs"
}

# vm QUEUES [--vhost]: boots it with as many descriptors of t0; its console goes to
# $WORK/console.
vm() {
	local list=fd=3 vhost=off n

	for ((n = 1; n < $1; n++)); do
		list=fds=${list#*=}:$((n + 3))
	done
	[ $# = 1 ] || vhost=on
	# On another kernel whichever of release is there.
	local image=$KDIR/arch/x86/boot/bzImage
	[ -e "$image" ] || image=$(compgen -G "${KDIR%/*}/release-*/arch/x86/boot/bzImage" | head -n 1) ||
		skip "there is no kernel for the machine (scripts/kernel.sh release)"
	# More processors than two would be slow here, and queues need none.
	# no_timer_check: an emulator that has to wait for its turn is late with the first ticks, and the kernel would
	# give up. vhostforce: it is an error if vhost-net does not take the descriptor.
	"$TOP/scripts/tap-exec.py" --queues "$1" ${2:+"$2"} /dev/tap101 \
		qemu-system-x86_64 -M q35 -cpu max -accel tcg,thread=single -smp $(($1 < 2 ? 1 : 2)) -m 192 -nodefaults \
		-no-reboot -display none -serial "file:$WORK/console" \
		-kernel "$image" -initrd "$WORK/initramfs" \
		-append "console=ttyS0 quiet panic=-1 random.trust_cpu=on no_timer_check" \
		-netdev "tap,id=n0,$list,vhost=$vhost,vhostforce=$vhost" \
		-device "virtio-net-pci,netdev=n0,mac=$MAC,romfile=,mq=$([ "$1" = 1 ] && echo off || echo on),vectors=$((2 * $1 + 2))" &
	VM=$!
}

said() { grep -q "^result: $1" "$WORK/console" 2>/dev/null; }

ended() { ! kill -0 "$VM" 2>/dev/null; }

# answer NETNS: somebody talks there.
answer() {
	nsenter --net="/run/netns/$1" iperf3 -s >/dev/null 2>&1 &
}

# serve NETNS DEVICE: the same, and gives addresses.
serve() {
	ip -n "$1" addr flush dev "$2"
	ip -n "$1" addr add 10.0.0.1/24 dev "$2"
	ip -n "$1" link set lo up
	answer "$1"
	cat >"$WORK/udhcpd.conf" <<-TXT
		start 10.0.0.50
		end 10.0.0.59
		interface $2
		lease_file $WORK/leases
		pidfile $WORK/udhcpd.pid
		option subnet 255.255.255.0
	TXT
	: >"$WORK/leases"
	nsenter --net="/run/netns/$1" busybox udhcpd -f "$WORK/udhcpd.conf" >"$WORK/udhcpd.log" 2>&1 &
}

all_well() {
	local word
	local -i until=SECONDS+600

	until ended || ((SECONDS > until)); do sleep 0.5; done
	tr -d '\r' <"$WORK/console" >"$WORK/console.txt"
	mv "$WORK/console.txt" "$WORK/console"
	for word in "$@" end; do
		said "$word" || {
			tail -n 60 "$WORK/console" "$WORK/udhcpd.log"
			fail "the virtual machine did not say '$word'"
		}
	done
}

test_e_vm_and_a_sibling() {
	bed
	MAC=$TAP_MAC
	serve M m0
	initramfs 1
	vm 1
	all_well "queues 1" "dhcp 10.0.0.5" ping sends receives datagrams
	# Large frames went through whole.
	note "frames received: $(sysfs S t0 statistics/rx_packets), bytes: $(sysfs S t0 statistics/rx_bytes)"
}

test_e_vm_of_two_queues_and_the_wire() {
	bed
	MAC=$TAP_MAC
	serve W wire0
	initramfs 2
	vm 2
	all_well "queues 2" "dhcp 10.0.0.5" ping sends receives datagrams
}

test_e_vm_of_eight_queues_and_a_sibling() {
	bed
	MAC=$TAP_MAC
	serve M m0
	initramfs 8
	vm 8
	all_well "queues 8" "dhcp 10.0.0.5" ping sends receives datagrams
	# Its rings may overflow: forwarded frames do not hold their sender up.
	note "frames lost: $(sysfs S t0 statistics/rx_dropped)"
}

test_e_vm_by_vhost_net_and_the_wire() {
	needs vhost_net
	bed
	MAC=$TAP_MAC
	serve W wire0
	initramfs 2
	vm 2 --vhost
	# The kernel's threads, not the monitor, move its frames.
	wait_for 700 said "queues 2"
	gives vhost threads
	all_well "queues 2" "dhcp 10.0.0.5" ping sends receives datagrams
}

# Whether vhost is at work for the virtual machine.
threads() { grep -qs '^vhost' /proc/"$VM"/task/*/comm && echo vhost; }

test_e_vm_behind_ipvtap() {
	ns S W M
	wired S W
	ip -n S link add link eth0 name t0 index 101 type rnetvirt flavor ipvtap mode l2
	ip -n S link add link eth0 name m0 netns M type rnetvirt flavor ipvlan mode l2
	# Whose address it is that the machine will have.
	ip -n S addr add 10.0.0.55/24 dev t0
	ip -n S link set t0 up
	ip -n M link set m0 up
	MAC=02:00:00:00:0a:00
	ip -n M addr add 10.0.0.1/24 dev m0
	answer M
	initramfs 1 10.0.0.55
	vm 1
	all_well ping sends receives datagrams
}
