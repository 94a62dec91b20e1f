# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The C drivers' kinds, served by rnetvirt: who may have it do so, what stands beside what, what is taken
# away. That requests and dumps are the C driver's, byte by byte, is for scripts/parity.sh --drop-in.
# shellcheck disable=SC2034
KINDS=rnetvirt
LIMIT=120
TAKES=30
# shellcheck source=/dev/null
. "$TOP/scripts/tests/macvlan.sh"

ALL=veth,macvlan,macvtap,ipvlan,ipvtap
PARAMETER=/sys/module/rnetvirt/parameters/kinds

# without_c: no C driver is loaded.
without_c() {
	local module

	for module in macvtap ipvtap veth macvlan ipvlan; do
		! loaded "$module" || rmmod "$module"
	done
}

# kinds LIST: rnetvirt serves these, and no others.
kinds() { echo "$1" >$PARAMETER; }

# drop_in LIST: and no C driver is there.
drop_in() {
	loaded rnetvirt || insmod "$RNETVIRT_KO"
	kinds ""
	without_c
	kinds "$1"
}

# no_drop_in: as it was.
no_drop_in() {
	kinds ""
	gives "" served
	without_c
}

served() { tr -d '\n' <$PARAMETER; }

# needs KIND...: from whom it may be.
needs() {
	local kind

	for kind; do
		[[ ,$(served), = *,$kind,* ]] || modprobe "$kind"
	done
}

kind_of() { ip -n "$1" -d -j link show "$2" | jq -r '.[].linkinfo.info_kind'; }
mode_of() { ip -n S -d -j link show "$1" | jq -r '.[].linkinfo.info_data.mode'; }
driver() { in_ns "$1" ethtool -i "$2" | sed -n 's/^driver: //p'; }

# logged TEXT: since the last time that the log was cleared.
logged() { dmesg | grep -F "$1" >/dev/null || fail "the log does not have '$1'"; }

test_stock_words() {
	drop_in $ALL
	ns S B
	ip -n S link add type veth
	gives "veth0 veth1" names S
	gives "veth veth" echo "$(kind_of S veth0) $(driver S veth0)"
	ip -n S link add link veth0 type macvlan
	ip -n S link add link veth0 type macvtap
	ip -n S link add link veth1 type ipvlan
	ip -n S link add link veth1 type ipvtap
	gives "macvlan macvlan" echo "$(kind_of S macvlan0) $(driver S macvlan0)"
	gives "macvtap macvlan" echo "$(kind_of S macvtap0) $(driver S macvtap0)"
	gives "ipvlan ipvlan" echo "$(kind_of S ipvlan0) $(driver S ipvlan0)"
	gives "ipvtap ipvlan" echo "$(kind_of S ipvtap0) $(driver S ipvtap0)"
	gives "vepa" mode_of macvlan0
	ip -n S link set macvtap0 type macvtap mode private
	gives "private" mode_of macvtap0
	gives "tap$(ifindex S macvtap0)" ip netns exec S ls /sys/class/macvtap
	gives "tap$(ifindex S ipvtap0)" ip netns exec S ls /sys/class/ipvtap
	grep -q " macvtap$" /proc/devices
	grep -q " ipvtap$" /proc/devices
	# What a kind does not have is not changed.
	errno EOPNOTSUPP S set kind:veth name:veth0 data32:2:0
	refused "Operation not supported" ip -n S link set macvlan0 type macvtap mode bridge
	no_drop_in
	gives "" names S
	refused "Unknown device type" ip -n S link add type veth
	[ ! -e /sys/class/macvtap ]
}

test_traffic_of_each_kind() {
	local kind words

	drop_in $ALL
	for kind in macvlan ipvlan macvtap ipvtap; do
		ns S A B
		ip -n S link add eth0 up type veth peer name wire0 netns B
		ip -n B addr add 10.0.0.9/24 dev wire0
		ip -n B link set wire0 up
		words="mode bridge"
		[[ $kind = mac* ]] || words="mode l2"
		# shellcheck disable=SC2086
		ip -n S link add link eth0 name v0 netns A type $kind $words
		ip -n A addr add 10.0.0.1/24 dev v0
		ip -n A link set v0 up
		reaches A 10.0.0.9
		printf 'netns del %s\n' S A B | ip -batch -
	done
	no_drop_in
}

test_ipvlan_shares_its_settings() {
	drop_in veth,ipvlan,ipvtap
	ns S A
	wired S S
	ip -n S link add link eth0 name v0 type ipvlan mode l2 private
	ip -n S link add link eth0 name r0 type rnetvirt flavor ipvlan mode l2 vepa
	gives "0 1" own_of v0
	# Without flags it has theirs; without a mode all are in mode l3.
	ip -n S link add link eth0 name v1 type ipvtap
	gives "1 1" own_of v0
	gives "1 1" own_of v1
	ip -n S link set v1 type ipvtap mode l3s vepa
	gives "2 2" own_of v0
	ip -n S link set v0 type ipvlan mode l3 bridge
	gives "1 0" own_of v1
	ip -n S link set v1 type ipvtap mode l3s vepa
	# Those of kind rnetvirt are their own.
	ip -n S -d link show r0 | grep -q "mode l2 vepa"
	# A mode that cannot be had is nobody's.
	ip -n S link set v0 netns A
	gives "2 2" own_of v1
	kinds veth
	gives "r0" ip_links
	no_drop_in
}

# ip_links: links of kind rnetvirt in S.
ip_links() { ip -n S -j link show type rnetvirt | jq -r '.[].ifname'; }

# own_of NAME: mode and flags, of kinds ipvlan and ipvtap in S, as numbers.
own_of() {
	# shellcheck disable=SC2016
	ip -n S -d -j link show "$1" | jq -r '.[].linkinfo.info_data |
		"\({l2: 0, l3: 1, l3s: 2}[.mode]) \(if .private then 1 elif .vepa then 2 else 0 end)"'
}

test_ipvlan_is_trusted() {
	drop_in veth,ipvlan
	ns S A
	wired S S
	ip -n S addr add 10.0.0.9/24 dev eth0
	ip -n S link add link eth0 name v0 netns A type ipvlan
	ip -n S link add link eth0 name r0 netns A type rnetvirt flavor ipvlan
	ip -n A addr add 10.0.0.9/24 dev v0
	refused "in use" ip -n A addr add 10.0.0.9/24 dev r0
	ip -n A addr del 10.0.0.9/24 dev v0
	refused "one of the lower device's network namespace" ip -n A addr add 10.0.0.9/24 dev r0
	# Nor are others when that ends.
	ip -n A link set r0 type rnetvirt trust on
	ip -n A link set r0 type rnetvirt trust off
	ip -n A addr add 10.0.0.9/24 dev v0
	no_drop_in
}

test_beside_each_other() {
	drop_in veth,macvlan
	ns S A B
	wired S S
	ip -n S link add link eth0 name v0 netns A type macvlan mode bridge
	ip -n S link add link eth0 name v0 netns B type rnetvirt flavor macvlan mode bridge
	ip -n A addr add 10.0.0.1/24 dev v0
	ip -n B addr add 10.0.0.2/24 dev v0
	ip -n A link set v0 up
	ip -n B link set v0 up
	reaches A 10.0.0.2
	reaches B 10.0.0.1
	# Settings of a port are one.
	ip -n A link set v0 type macvlan bcqueuelen 77
	ip -n B link set v0 type rnetvirt bcqueuelen 88
	ip -n A -d link show v0 | grep -q "usedbcqueuelen 88"
	refused "Operation not supported" ip -n A link set v0 type rnetvirt mode vepa
	kinds veth
	empty A || fail "A: $(names A)"
	gives "v0" names B
	no_drop_in
}

test_a_c_driver_that_is_there() {
	local module other

	for module in veth macvlan ipvlan macvtap ipvtap; do
		kinds ""
		without_c
		other=veth
		[ $module != veth ] || other=macvlan
		modprobe $module
		dmesg -C
		# As a whole or not at all: at run time,
		refused "File exists" bash -c "echo $other,$module >$PARAMETER"
		logged "link kind $module is taken: unload the module $module"
		gives "" served
		refused "Unknown device type" ip link add type $other
		# and when it is loaded.
		rmmod rnetvirt
		dmesg -C
		refused "resource busy" insmod "$RNETVIRT_KO" kinds=$other,$module
		logged "link kind $module is taken: unload the module $module"
		! loaded rnetvirt
		refused "Unknown device type" ip link add type $other
		refused "Unknown device type" ip link add type rnetvirt
		! grep -q rnetvirt /proc/devices
		insmod "$RNETVIRT_KO"
		rmmod $module
	done
	without_c
}

test_a_c_driver_that_comes_later() {
	local module

	rmmod rnetvirt
	without_c
	insmod "$RNETVIRT_KO" kinds=veth,macvlan,ipvlan
	gives veth,macvlan,ipvlan served
	ns S
	ip -n S link add type veth
	for module in veth macvlan ipvlan; do
		refused "resource busy" modprobe $module
		! loaded $module
	done
	gives "veth0 veth1" names S
	no_drop_in
	modprobe veth
	ip -n S link add type veth
	rmmod veth
}

test_names_that_there_are_not() {
	kinds ""
	dmesg -C
	refused "Invalid argument" bash -c "echo veth,bridge >$PARAMETER"
	logged "there is no kind 'bridge'"
	gives "" served
	without_c
	kinds " veth , macvlan,,veth"
	gives "veth,macvlan" served
	no_drop_in
	rmmod rnetvirt
	refused "Invalid parameters" insmod "$RNETVIRT_KO" kinds=vet
	insmod "$RNETVIRT_KO"
}

# Who may not load a module may not have one serve more, or less.
test_who_may_write() {
	drop_in veth
	ns S
	ip -n S link add type veth
	refused "not permitted" setpriv --bounding-set=-sys_module --inh-caps=-sys_module \
		bash -c "echo macvlan >$PARAMETER"
	refused "not permitted" setpriv --bounding-set=-sys_module --inh-caps=-sys_module \
		bash -c "echo >$PARAMETER"
	container
	refused "not permitted" inside bash -c "echo macvlan >$PARAMETER"
	gives veth served
	gives "veth0 veth1" names S
	kill $CONTAINER
	no_drop_in
}

test_taken_away_under_traffic() {
	local n

	for n in $(rounds 3); do
		drop_in $ALL
		ns S A B
		ip -n S link add eth0 up type rnetvirt peer name wire0 netns B
		ip -n B addr add 10.0.0.9/24 dev wire0
		ip -n B link set wire0 up
		ip -n S link add link eth0 name v0 netns A type macvlan mode bridge
		ip -n S link add link eth0 name v1 netns A type ipvtap mode l2
		ip -n A addr add 10.0.0.1/24 dev v0
		ip -n A link set v0 up
		ip -n A link set v1 up
		ip -n A link add type veth
		reaches A 10.0.0.9
		in_ns A ping -q -f -w 20 10.0.0.9 >/dev/null 2>&1 &
		in_ns B ping -q -f -b -w 20 10.0.0.255 >/dev/null 2>&1 &
		sleep 0.3
		kinds ""
		empty A || fail "round $n, A: $(names A)"
		gives eth0 names S
		# And at once again.
		kinds $ALL
		ip -n S link add link eth0 name v0 netns A up type macvlan mode bridge
		kill %1 %2 2>/dev/null || true
		wait
		no_drop_in
		printf 'netns del %s\n' S A B | ip -batch -
	done
}

test_open_taps_when_the_kind_goes() {
	local index

	drop_in veth,macvtap
	ns S
	wired S S
	ip -n S link add link eth0 name t0 index 101 type macvtap mode bridge
	ip -n S link set t0 up
	exec 7<>/dev/tap101
	kinds veth
	[ ! -e /dev/tap101 ]
	[ ! -e /sys/class/macvtap ]
	refused "No such device" dd bs=2000 count=1 <&7
	# The file holds the module's code.
	refused "in use" rmmod rnetvirt
	# Another class of the name, while the file is open.
	kinds veth,macvtap
	ip -n S link add link eth0 name t0 index 101 type macvtap mode bridge
	exec 8<>/dev/tap101
	exec 7>&-
	refused "in use" rmmod rnetvirt
	exec 8>&-
	kinds ""
	rmmod rnetvirt
	insmod "$RNETVIRT_KO"
	without_c
}

# node_of NETNS DEVICE: what is in /dev with the number of its node.
node_of() {
	local number name

	number=$(sysfs "$1" "$2" tap77/dev)
	for name in /dev/tap77 /dev/{macvtap,ipvtap,rnetvirt}/"${number#*:}"; do
		[ ! -c "$name" ] || [ "$(stat -c %Hr:%Lr "$name")" != "$number" ] || echo "${name%"/${number#*:}"}"
	done
}

test_taps_of_one_number() {
	local ns

	drop_in macvtap,ipvtap
	ns A B C
	for ns in A B C; do
		ip -n $ns link add d0 type dummy
	done
	ip -n A link add t0 index 77 link d0 type macvtap
	ip -n B link add t0 index 77 link d0 type ipvtap
	ip -n C link add t0 index 77 link d0 type rnetvirt flavor macvtap
	gives "/dev/tap77 /dev/ipvtap /dev/rnetvirt" echo "$(node_of A t0) $(node_of B t0) $(node_of C t0)"
	# A name that is free is had by who comes next.
	ip -n A link del t0
	[ ! -e /dev/tap77 ]
	ip -n A link add t0 index 77 link d0 type ipvtap
	ip -n C link del t0
	ip -n C link add t0 index 77 link d0 type macvtap
	gives "/dev/tap77 /dev/ipvtap /dev/macvtap" echo "$(node_of A t0) $(node_of B t0) $(node_of C t0)"
	# Also when a kind goes that had it.
	kinds macvtap
	[ ! -e /dev/tap77 ]
	ip -n B link add t0 index 77 link d0 type macvtap
	gives "/dev/tap77 /dev/macvtap" echo "$(node_of B t0) $(node_of C t0)"
	no_drop_in
}

test_unload_with_links() {
	drop_in $ALL
	ns S A
	ip -n S link add type veth
	ip -n S link add link veth0 netns A type macvtap
	ip -n S link add link veth1 netns A type ipvlan
	# As with the C drivers: they go.
	rmmod rnetvirt
	empty S A || fail "S: $(names S), A: $(names A)"
	[ ! -e /sys/class/macvtap ]
	insmod "$RNETVIRT_KO"
	without_c
}

# tree [ALIAS]: a modprobe whose tree has the module alone, and ALIAS in its configuration.
tree() {
	local dir=$WORK/tree/lib/modules/$(uname -r)

	mkdir -p "$dir/extra" "$WORK/conf" "$WORK/bin"
	cp "$RNETVIRT_KO" "$dir/extra/"
	touch "$dir/modules.order" "$dir/modules.builtin"
	depmod -b "$WORK/tree" "$(uname -r)" 2>/dev/null
	: >"$WORK/conf/rnetvirt.conf"
	printf '#!/bin/sh\nexec %s -d %s -C %s "$@"\n' "$(command -v modprobe)" "$WORK/tree" "$WORK/conf" >"$WORK/bin/modprobe"
	chmod +x "$WORK/bin/modprobe"
	BEFORE=$(cat /proc/sys/kernel/modprobe)
	echo "$WORK/bin/modprobe" >/proc/sys/kernel/modprobe
}

test_loaded_by_a_container() {
	local got=ok

	kinds ""
	without_c
	rmmod rnetvirt
	tree
	container
	# Nobody has asked for it: the module has its own kind's alias only.
	gives rtnl-link-rnetvirt modinfo -F alias "$RNETVIRT_KO"
	! inside ip link add type veth 2>/dev/null || got="loaded unasked"
	! loaded rnetvirt || got="loaded unasked"
	printf '%s\n' "alias rtnl-link-veth rnetvirt" "options rnetvirt kinds=veth" >"$WORK/conf/rnetvirt.conf"
	inside ip link add type veth || got="not loaded"
	[ "$(inside ip -br link show type veth | wc -l)" = 2 ] || got="no pair"
	echo "$BEFORE" >/proc/sys/kernel/modprobe
	same "kind veth in a container" "$got" ok
	gives veth served
	# Nothing that was not asked for.
	refused "Unknown device type" inside ip link add link veth0 type macvlan
	kill $CONTAINER
	wait $CONTAINER || true
	no_drop_in
}

takeover() { "$TOP/scripts/rnetvirt-takeover" --conf "$WORK/takeover.conf" "$@"; }

test_takeover() {
	! has_checks "$KERNEL" || skip "a script, which takes minutes here"
	kinds ""
	without_c
	ns S
	modprobe veth
	modprobe macvtap
	ip -n S link add type veth
	takeover --status >"$WORK/status"
	grep -q "^veth  *module veth, 2 links" "$WORK/status"
	grep -q "veth0 (/run/netns/S)" "$WORK/status"
	grep -q "^ipvlan  *nobody, 0 links" "$WORK/status"
	# Nothing goes that is in use, nor anything else.
	refused "there are links of veth: delete them first" takeover --take
	loaded macvtap
	gives "veth0 veth1" names S
	[ ! -e "$WORK/takeover.conf" ]
	ip -n S link del veth0
	takeover --dry-run --take >"$WORK/status"
	grep -q "would: rmmod macvtap" "$WORK/status"
	loaded macvtap
	takeover --take
	gives $ALL served
	! loaded veth
	! loaded macvlan
	grep -q "^install rtnl-link-veth modprobe -q rnetvirt && grep -qw veth " "$WORK/takeover.conf"
	grep -qx "options rnetvirt kinds=$ALL" "$WORK/takeover.conf"
	ip -n S link add type veth
	takeover --status veth >"$WORK/status"
	grep -q "^veth  *rnetvirt, 2 links" "$WORK/status"
	takeover --take >"$WORK/status"
	grep -q already "$WORK/status"
	# Who serves them already, by hand, is to serve them after the next boot, too.
	mv "$WORK/takeover.conf" "$WORK/takeover.conf.first"
	takeover --take >"$WORK/status"
	grep -qx "options rnetvirt kinds=$ALL" "$WORK/takeover.conf"
	mv "$WORK/takeover.conf.first" "$WORK/takeover.conf"
	refused "there are links of veth" takeover --undo
	gives $ALL served
	ip -n S link del veth0
	takeover --undo
	gives "" served
	[ ! -e "$WORK/takeover.conf" ]
	loaded veth
	loaded macvtap
	! loaded ipvlan
	without_c
}

test_takeover_of_some() {
	! has_checks "$KERNEL" || skip "a script, which takes minutes here"
	kinds ""
	without_c
	modprobe macvtap
	# It is in use by the other one; what was unloaded before it is there again.
	modprobe veth
	refused "the module macvlan cannot be unloaded" takeover --take veth macvlan
	loaded macvlan
	loaded veth
	gives "" served
	# No room for the configuration: nothing is changed.
	mkdir "$WORK/takeover.conf.new"
	refused "cannot write" takeover --take veth
	rmdir "$WORK/takeover.conf.new"
	loaded veth
	rmmod veth
	gives "" served
	[ ! -e "$WORK/takeover.conf" ]
	takeover --take macvtap macvlan
	takeover --take veth
	gives veth,macvlan,macvtap served
	# C macvtap needs C macvlan, which cannot be there; the other way round is fine.
	refused "needs that of macvlan: --undo macvlan macvtap" takeover --undo macvtap
	gives veth,macvlan,macvtap served
	grep -qx "options rnetvirt kinds=veth,macvlan,macvtap" "$WORK/takeover.conf"
	mkdir "$WORK/takeover.conf.new"
	refused "cannot write" takeover --undo veth
	rmdir "$WORK/takeover.conf.new"
	gives veth,macvlan,macvtap served
	takeover --undo veth
	gives macvlan,macvtap served
	grep -qx "options rnetvirt kinds=macvlan,macvtap" "$WORK/takeover.conf"
	takeover --undo
	gives "" served
	loaded macvtap
	[ ! -e "$WORK/takeover.conf" ]
	refused "is not one of" takeover --take bridge
	no_drop_in
}

MODULES=/lib/modules/$(uname -r)
TAKEN=/etc/modprobe.d/rnetvirt-takeover.conf
OTHER=/etc/modprobe.d/rnetvirt.conf

# installed: rnetvirt is where modprobe finds it, which the kernel asks.
installed() {
	kinds ""
	without_c
	rm -f $TAKEN $OTHER
	mkdir -p "$MODULES/extra" /etc/modprobe.d
	cp "$RNETVIRT_KO" "$MODULES/extra/"
	depmod
	BEFORE=$(cat /proc/sys/kernel/modprobe)
	command -v modprobe >/proc/sys/kernel/modprobe
}

# removed: and now it is not.
removed() {
	! loaded rnetvirt || rmmod rnetvirt
	rm -rf "$MODULES/extra"
	depmod
}

# not_installed: as it was.
not_installed() {
	removed
	echo "$BEFORE" >/proc/sys/kernel/modprobe
	rm -f $TAKEN
	insmod "$RNETVIRT_KO"
	no_drop_in
}

test_takeover_without_the_module() {
	local kind

	installed
	"$TOP/scripts/rnetvirt-takeover" --take
	container
	for kind in veth macvlan ipvtap; do
		rmmod rnetvirt
		modprobe $kind
		gives $ALL served
	done
	rmmod rnetvirt
	inside ip link add type veth
	gives $ALL served
	! loaded veth
	# One that was loaded by hand, without the kind.
	rmmod rnetvirt
	insmod "$RNETVIRT_KO" kinds=macvlan
	inside ip link add type veth
	gives macvlan served
	loaded veth
	rmmod veth
	# A kernel for which there is none.
	removed
	inside ip link add type veth
	! loaded rnetvirt
	loaded veth
	for kind in macvlan macvtap ipvlan ipvtap; do
		inside ip link add link veth0 name v0 type $kind
		loaded $kind
		inside ip link del v0
		without_links_of_c
		modprobe $kind
		loaded $kind
		without_links_of_c
	done
	kill $CONTAINER
	wait $CONTAINER || true
	not_installed
}

# without_links_of_c: the C drivers go that stand on others' links.
without_links_of_c() {
	local module

	for module in macvtap ipvtap macvlan ipvlan; do
		# Somebody may be looking at what has just come.
		! loaded $module || wait_for 5 rmmod $module
	done
}

test_takeover_after_a_boot() {
	installed
	"$TOP/scripts/rnetvirt-takeover" --take macvlan macvtap
	rmmod rnetvirt
	# It is not loaded yet; what was taken is known by the configuration.
	"$TOP/scripts/rnetvirt-takeover" --take veth
	gives veth,macvlan,macvtap served
	rmmod rnetvirt
	"$TOP/scripts/rnetvirt-takeover" --undo veth
	! loaded rnetvirt
	grep -qx "options rnetvirt kinds=macvlan,macvtap" $TAKEN
	! grep -q veth $TAKEN || fail "veth is still in $TAKEN"
	modprobe macvlan
	gives macvlan,macvtap served
	rmmod rnetvirt
	"$TOP/scripts/rnetvirt-takeover" --undo
	[ ! -e $TAKEN ]
	not_installed
}

# Its kinds would be the ones that are served after a boot, whatever was taken or undone.
test_takeover_beside_another_configuration() {
	local takeover=$TOP/scripts/rnetvirt-takeover

	installed
	cp "$TOP/scripts/rnetvirt.conf" $OTHER
	"$takeover" --take macvlan
	echo "options rnetvirt kinds=veth" >>$OTHER
	refused "$OTHER names kinds, too" "$takeover" --take ipvlan
	refused "$OTHER names kinds, too" "$takeover" --undo
	gives macvlan served
	grep -qx "options rnetvirt kinds=macvlan" $TAKEN
	# modprobe takes them indeed.
	rmmod rnetvirt
	modprobe rnetvirt
	gives veth served
	rm $OTHER
	echo "quiet rnetvirt.kinds=veth" >"$WORK/cmdline"
	refused "command line has rnetvirt.kinds=" unshare -m \
		sh -c "mount --bind '$WORK/cmdline' /proc/cmdline && '$takeover' --undo"
	[ -e $TAKEN ]
	"$takeover" --undo
	gives "" served
	not_installed
}

test_takeover_that_cannot_look() {
	local program

	kinds ""
	without_c
	ns S
	modprobe veth
	ip -n S link add type veth
	mkdir -p "$WORK/fails" "$WORK/few"
	printf '#!/bin/sh\necho no such thing >&2\nexit 1\n' >"$WORK/fails/nsenter"
	chmod +x "$WORK/fails/nsenter"
	PATH=$WORK/fails:$PATH refused "cannot look for links in the network namespace" takeover --take
	for program in bash basename ip; do ln -sf "$(type -P $program)" "$WORK/few/"; done
	PATH=$WORK/few refused "there is no 'nsenter' here" takeover --take
	loaded veth
	gives "veth0 veth1" names S
	ip -n S link del veth0
	# Names of namespaces are anybody's.
	ns 'a|b'
	ip -n 'a|b' link add type veth
	refused "veth0 (/run/netns/a|b)" takeover --take veth
	printf 'netns del %s\n' 'a|b' | ip -batch -
	wait_for 20 rmmod veth
	modprobe veth
	# And of links; ip shows the one as @x@y, and of the other what a terminal obeys.
	ip -n S link add @x type veth peer name $'\e[2J'
	refused "veth in use: @x (/run/netns/S)" takeover --take veth
	takeover --status veth >"$WORK/status"
	not grep $'\e' "$WORK/status" || fail "a name is shown as it is"
	ip -n S link del @x
	# What 'ip netns' has forgotten to delete is no namespace.
	touch /run/netns/stale
	takeover --take veth
	rm /run/netns/stale
	takeover --undo
	without_c
}

test_takeover_looks_at_threads() {
	local pid

	kinds ""
	without_c
	modprobe veth
	python3 - "$WORK/ready" <<-'PY' &
		import ctypes, subprocess, sys, threading, time
		def thread():
		    assert not ctypes.CDLL(None).unshare(0x40000000)  # CLONE_NEWNET
		    subprocess.run(["ip", "link", "add", "type", "veth"], check=True)
		    open(sys.argv[1], "w").close()
		    time.sleep(600)
		threading.Thread(target=thread).start()
	PY
	pid=$!
	wait_for 20 test -e "$WORK/ready"
	takeover --status veth >"$WORK/status"
	grep -q "veth0 (/proc/$pid/task/" "$WORK/status"
	refused "there are links of veth: delete them first" takeover --take
	loaded veth
	kill $pid
	wait $pid || true
	wait_for 20 rmmod veth
}

# The script of the Debian package.
test_package_takes_the_configuration_away() {
	local script=$TOP/scripts/packages/debian/rnetvirt-dkms.prerm

	mkdir -p /etc/modprobe.d
	touch $TAKEN
	sh "$script" upgrade 2
	[ -e $TAKEN ]
	sh "$script" remove
	[ ! -e $TAKEN ]
}
