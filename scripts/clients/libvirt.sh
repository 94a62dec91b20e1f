# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# libvirt: a virtual machine (QEMU, emulated) whose network card is a macvtap link that libvirt makes.
# The machine runs the kernel of the Debian that this is, with busybox.
# shellcheck disable=SC2034
PACKAGES="libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 cpio"
LIMIT="3600"
SLOW="1"

MAC=52:54:00:00:00:01

virsh() { command virsh -q -c qemu:///system "$@"; }
# What the machine runs: it says when it is up, and answers who pings it.
guest() {
	local release root=/tmp/guest module n=10

	release=$(cd /usr/lib/modules && printf '%s\n' *[0-9]-amd64)
	cp "/usr/lib/modules/$release/vmlinuz" /tmp/vmlinuz
	mkdir -p "$root"/{bin,proc,sys,modules}
	cp /bin/busybox "$root/bin/"
	for module in $(modprobe -a -S "$release" --show-depends virtio_pci virtio_net | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
		case $module in
		*.xz) xz -dc "$module" ;;
		*) cat "$module" ;;
		esac >"$root/modules/$((n++)).ko"
	done
	cat >"$root/init" <<-'TXT'
		#!/bin/busybox sh
		busybox mount -t proc none /proc
		busybox mount -t sysfs none /sys
		for module in /modules/*; do busybox insmod "$module"; done
		busybox ip address add 10.3.7.9/24 dev eth0
		busybox ip link set eth0 up
		until busybox ping -c 1 -W 1 10.3.7.250 >/dev/null; do :; done
		echo "result: reaches the outside" >/dev/console
		while :; do busybox sleep 1000; done
	TXT
	chmod +x "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet) >/tmp/initrd
}
# serve: the daemon, until the test ends.
serve() {
	mkdir -p /run/libvirt /var/lib/libvirt/images
	cat >/etc/libvirt/qemu.conf <<-'TXT'
		user = "root"
		group = "root"
		security_driver = "none"
		stdio_handler = "file"
		namespaces = []
		cgroup_controllers = [ "memory" ]
		remember_owner = 0
	TXT
	libvirtd >/tmp/libvirtd 2>&1 &
	daemon=$!
	trap stop EXIT
	soon virsh list
	ip netns attach here $$
}
stop() {
	[ -z "$(virsh list --name)" ] || virsh destroy box
	kill "$daemon"
	wait "$daemon" || true
}
# define MODE: /tmp/domain.xml
define() {
	cat >/tmp/domain.xml <<-TXT
		<domain type='qemu'>
			<name>box</name>
			<memory unit='MiB'>192</memory>
			<vcpu>1</vcpu>
			<os>
				<type arch='x86_64' machine='q35'>hvm</type>
				<kernel>/tmp/vmlinuz</kernel>
				<initrd>/tmp/initrd</initrd>
				<cmdline>console=ttyS0 quiet panic=-1</cmdline>
			</os>
			<features><acpi/></features>
			<cpu mode='maximum'/>
			<devices>
				<emulator>/usr/bin/qemu-system-x86_64</emulator>
				<interface type='direct'>
					<source dev='lower' mode='$1'/>
					<mac address='$MAC'/>
					<model type='virtio'/>
					<rom enabled='no'/>
				</interface>
				<serial type='file'><source path='/tmp/console'/></serial>
				<memballoon model='none'/>
			</devices>
		</domain>
	TXT
}
# create [OPTION...]: it has a link, whose name libvirt chooses.
create() {
	virsh create "$@" /tmp/domain.xml
	link=$(virsh domiflist box | awk '$2 == "direct" { print $1 }')
	is_ours_or_not here "$link" macvtap
	[ "$(cat "/sys/class/net/$link/address")" = "$MAC" ] || fail "another address"
}
destroy() {
	virsh destroy box
	! ip link show "$link" || fail "$link is still there"
}

test_each_mode() {
	local mode

	wire lower 10.3.7.250/24
	guest
	serve
	for mode in bridge vepa private passthrough; do
		define "$mode"
		create --paused
		[ "$(ip -d -j link show "$link" | jq -r '.[0].linkinfo.info_data.mode')" = "${mode/passthrough/passthru}" ] ||
			fail "not in mode $mode"
		destroy
	done
}

test_a_machine_and_a_sibling() {
	wire lower 10.3.7.250/24
	ip netns add beside
	ip link add link lower name m0 netns beside type macvlan mode bridge
	ip -n beside address add 10.3.7.8/24 dev m0
	ip -n beside link set m0 up
	guest
	serve
	define bridge
	create
	PATIENCE=1500 soon grep 'result: reaches the outside' /tmp/console
	reaches outside 10.3.7.9
	reaches beside 10.3.7.9
	destroy
}
