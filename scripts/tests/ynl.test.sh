# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The kernel's own client for netlink specifications, with that of our attributes.
# shellcheck disable=SC2034
KINDS=rnetvirt

ynl() { # NAMESPACE ARGUMENT...
	local ns=$1 source

	shift
	source=$(realpath "$KDIR/source")
	[ -e "$WORK/rt-link.yaml" ] ||
		python3 "$TOP/scripts/ynl/rt-link.py" "$source/Documentation/netlink/specs/rt-link.yaml" >"$WORK/rt-link.yaml"
	in_ns "$ns" python3 "$source/tools/net/ynl/pyynl/cli.py" --no-schema --spec "$WORK/rt-link.yaml" --output-json "$@"
}
# What getlink says of the link's data, by jq's FILTER.
data() { # LINK FILTER
	ynl S --do getlink --json "{\"ifname\": \"$1\"}" | jq -c ".linkinfo.data$2"
}
create() { # NAME DATA
	ynl S --create --do newlink --json "{\"ifname\": \"$1\", \"link\": $D0,
		\"linkinfo\": {\"kind\": \"rnetvirt\", \"data\": $2}}"
}

needs_ynl() {
	[ -e "$KDIR/source/tools/net/ynl/pyynl/cli.py" ] || skip "no source of this kernel here"
	ns S
	ip -n S link add d0 type dummy
	D0=$(ifindex S d0)
}

test_macvlan() {
	needs_ynl
	create m0 '{"flavor": "macvlan", "macvlan": {"mode": ["source"], "flags": ["nodst"], "macaddr-mode": "add",
		"macaddr": "02:00:00:00:00:07", "bc-cutoff": -1}}'
	gives '"macvlan"' data m0 .flavor
	gives '[["source"],["nodst"],1,-1]' data m0 '.macvlan | [.mode, .flags, ."macaddr-count", ."bc-cutoff"]'
	gives '["02:00:00:00:00:07"]' data m0 '.macvlan."macaddr-data".macaddr'
	gives "source nodst" jq -r '.[0].linkinfo.info_data | "\(.mode) \(if .nodst then "nodst" else "-" end)"' \
		<<<"$(ip -n S -d -j link show m0)"
}

test_ipvlan_and_trust() {
	needs_ynl
	create i0 '{"flavor": "ipvlan", "trust": 1, "ipvlan": {"mode": "l3s", "flags": ["private"]}}'
	gives '["l3s",["private"],1]' data i0 ' | [.ipvlan.mode, .ipvlan.flags, .trust]'
}

test_guard() {
	needs_ynl
	create m0 '{"flavor": "macvlan", "guard": {"rules": ["mac", "ip"], "change": "set", "list": {"entry": ["0a00000120"]}}}'
	gives '[["ip","mac"],["0a00000120"]]' data m0 '.guard | [(.rules | sort), .list.entry]'
}

test_limits() {
	needs_ynl
	create m0 '{"flavor": "macvlan", "limit": {"tx-rate": 1000000, "rx-pps": 7, "broadcast": 3}}'
	gives '{"broadcast":3,"rx-pps":7,"rx-pps-burst":16,"tx-burst":100000,"tx-rate":1000000}' data m0 '.limit | to_entries | sort_by(.key) | from_entries'
}

test_flavor_of_a_pair() {
	needs_ynl
	ip -n S link add v0 type "$KIND" peer name v1
	gives '"veth"' data v0 .flavor
}

test_refusals() {
	needs_ynl
	refused "unknown flavor" create m0 '{"flavor": 9}'
}
