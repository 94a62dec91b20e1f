// SPDX-License-Identifier: GPL-2.0

//! The numbers of the netlink interface of link kind `rnetvirt`.
//!
//! This file is the one place where they are written down: the kernel module and
//! the `ip` plugin both compile it. It depends on nothing but `core`. A number
//! that was once released never changes its meaning.

// Neither side needs every number.
#![allow(dead_code, unreachable_pub)]

use core::ffi::CStr;

/// `IFLA_INFO_KIND`.
pub const KIND: &CStr = c"rnetvirt";

/// Never used.
pub const IFLA_RNETVIRT_UNSPEC: u16 = 0;
/// Flavor veth, create only: the other end. A `struct ifinfomsg` followed by
/// `IFLA_*` attributes, as in `VETH_INFO_PEER`.
///
/// It stands beside the flavor instead of in a nest of its own because the core
/// looks for the peer's namespace among the attributes of `IFLA_INFO_DATA`.
pub const IFLA_RNETVIRT_PEER: u16 = 1;
/// `u32`, one of [`FLAVOR_NAMES`]' indices. Create and dump.
pub const IFLA_RNETVIRT_FLAVOR: u16 = 2;
/// Nested: [`IFLA_MACVLAN_*`](IFLA_MACVLAN_MODE) of flavors macvlan and macvtap.
pub const IFLA_RNETVIRT_MACVLAN: u16 = 3;
/// Nested: [`IFLA_IPVLAN_*`](IFLA_IPVLAN_MODE) of flavors ipvlan and ipvtap.
pub const IFLA_RNETVIRT_IPVLAN: u16 = 4;
/// `u32`, 1 or 0: whether all links of flavors ipvlan and ipvtap on the same lower device
/// are trusted. Create, change and dump.
pub const IFLA_RNETVIRT_TRUST: u16 = 5;
/// Nested: [`IFLA_RNETVIRT_GUARD_*`](IFLA_RNETVIRT_GUARD_RULES) of all flavors but veth.
pub const IFLA_RNETVIRT_GUARD: u16 = 6;
/// `u32`, 1 or 0: whether the lower device's own stack and the links on it reach each other directly.
/// Create, change, and dump if it is 1; of all flavors but veth.
pub const IFLA_RNETVIRT_HOST: u16 = 7;
/// Nested: [`IFLA_RNETVIRT_LIMIT_*`](IFLA_RNETVIRT_LIMIT_TX_RATE) of all flavors but veth.
pub const IFLA_RNETVIRT_LIMIT: u16 = 8;
/// `u32`, 1 or 0: whether requests for IP addresses of known links on the lower device are answered there, and kept
/// from everybody else. Create, change, and dump if it is 1; of all flavors but veth.
pub const IFLA_RNETVIRT_SUPPRESS: u16 = 9;
/// `u32`: how many copies of packets to groups are made for links on the lower device in a second; 0: any number.
/// Create, change, and dump if it is not 0; of all flavors but veth.
pub const IFLA_RNETVIRT_COPIES: u16 = 10;
/// The highest attribute of `IFLA_INFO_DATA`.
pub const IFLA_RNETVIRT_MAX: u16 = IFLA_RNETVIRT_COPIES;

// What is inside of `IFLA_RNETVIRT_GUARD`.

/// `u32`, `RNETVIRT_GUARD_*`: all rules at once. Create, change and dump.
pub const IFLA_RNETVIRT_GUARD_RULES: u16 = 1;
/// `u32`, `RNETVIRT_GUARD_LIST_*`: what to do with the list. Create and change.
pub const IFLA_RNETVIRT_GUARD_CHANGE: u16 = 2;
/// Nested: [`IFLA_RNETVIRT_GUARD_ENTRY`]s. Create, change and dump.
pub const IFLA_RNETVIRT_GUARD_LIST: u16 = 3;
/// In a list: a MAC address, 6 bytes; or an IPv4 address and the length of its prefix, 5 bytes; or the same
/// of IPv6, 17 bytes.
pub const IFLA_RNETVIRT_GUARD_ENTRY: u16 = 1;
/// The highest attribute of the nest.
pub const IFLA_RNETVIRT_GUARD_MAX: u16 = IFLA_RNETVIRT_GUARD_LIST;

/// Senders of frames are looked at.
pub const RNETVIRT_GUARD_MAC: u32 = 1;
/// Senders of IP packets are, and other protocols but ARP are not allowed.
pub const RNETVIRT_GUARD_IP: u32 = 2;
/// What ARP and neighbour discovery say of addresses is, and for whom DHCP asks.
pub const RNETVIRT_GUARD_ARP: u32 = 4;
/// Router's advertisements and redirects are not allowed.
pub const RNETVIRT_GUARD_RA: u32 = 8;
/// Answers of DHCP servers are not.
pub const RNETVIRT_GUARD_DHCP_SERVER: u32 = 16;

/// What users call the rules.
pub const GUARD_NAMES: [(u32, &CStr); 5] = [
    (RNETVIRT_GUARD_MAC, c"mac"),
    (RNETVIRT_GUARD_IP, c"ip"),
    (RNETVIRT_GUARD_ARP, c"arp"),
    (RNETVIRT_GUARD_RA, c"ra"),
    (RNETVIRT_GUARD_DHCP_SERVER, c"dhcp-server"),
];

/// Add the entries.
pub const RNETVIRT_GUARD_LIST_ADD: u32 = 0;
/// Delete them.
pub const RNETVIRT_GUARD_LIST_DEL: u32 = 1;
/// Delete all.
pub const RNETVIRT_GUARD_LIST_FLUSH: u32 = 2;
/// Replace all by these.
pub const RNETVIRT_GUARD_LIST_SET: u32 = 3;

// What is inside of `IFLA_RNETVIRT_LIMIT`: create, change and dump. Zero takes a limit away; a burst that is zero
// is what is usual.

/// `u64`, bytes a second that are sent.
pub const IFLA_RNETVIRT_LIMIT_TX_RATE: u16 = 1;
/// `u32`, bytes.
pub const IFLA_RNETVIRT_LIMIT_TX_BURST: u16 = 2;
/// `u32`, packets a second that are sent.
pub const IFLA_RNETVIRT_LIMIT_TX_PPS: u16 = 3;
/// `u32`, packets.
pub const IFLA_RNETVIRT_LIMIT_TX_PPS_BURST: u16 = 4;
/// `u64`, bytes a second that are received.
pub const IFLA_RNETVIRT_LIMIT_RX_RATE: u16 = 5;
/// `u32`, bytes.
pub const IFLA_RNETVIRT_LIMIT_RX_BURST: u16 = 6;
/// `u32`, packets a second that are received.
pub const IFLA_RNETVIRT_LIMIT_RX_PPS: u16 = 7;
/// `u32`, packets.
pub const IFLA_RNETVIRT_LIMIT_RX_PPS_BURST: u16 = 8;
/// `u32`, packets to groups a second that are sent.
pub const IFLA_RNETVIRT_LIMIT_BROADCAST: u16 = 9;
/// The highest attribute of the nest.
pub const IFLA_RNETVIRT_LIMIT_MAX: u16 = IFLA_RNETVIRT_LIMIT_BROADCAST;

/// The reasons for which links with a lower device lose packets.
///
/// What is inside of `IFLA_INFO_XSTATS`: for each, if there were any, an attribute with its number, a
/// `u64`: how many. Those that begin with `tx_` are `tx_dropped`, too, those with `rx_` and `tap_` also
/// `rx_errors`.
pub const DROP_NAMES: [&CStr; 27] = [
    c"tx_short",
    c"tx_isolated",
    c"tx_group",
    c"tx_source",
    c"tx_host",
    c"tx_lower",
    c"tx_write",
    c"rx_refused",
    c"rx_backlog",
    c"rx_memory",
    c"tap_ring",
    c"tap_csum",
    c"tap_gso",
    c"tap_memory",
    c"pause",
    c"copies",
    c"backlog",
    c"tx_guard_mac",
    c"tx_guard_ip",
    c"tx_guard_arp",
    c"tx_guard_ra",
    c"tx_guard_dhcp",
    c"tx_guard_frame",
    c"tx_limit",
    c"tx_limit_broadcast",
    c"rx_limit",
    c"suppressed",
];

/// The number of the attribute for the reason at that place of [`DROP_NAMES`].
pub const fn drop_attr(place: usize) -> u16 {
    // CAST: A short table.
    #[allow(clippy::cast_possible_truncation)]
    let place = place as u16;
    place.wrapping_add(1)
}

/// A pair of devices: transmit on one is receive on the other.
pub const RNETVIRT_FLAVOR_VETH: u32 = 0;
/// A lower device shared by MAC address.
pub const RNETVIRT_FLAVOR_MACVLAN: u32 = 1;
/// A lower device shared by IP address.
pub const RNETVIRT_FLAVOR_IPVLAN: u32 = 2;
/// macvlan with a character device instead of a stack.
pub const RNETVIRT_FLAVOR_MACVTAP: u32 = 3;
/// ipvlan with a character device instead of a stack.
pub const RNETVIRT_FLAVOR_IPVTAP: u32 = 4;

/// What users call the flavors, by number.
pub const FLAVOR_NAMES: [&CStr; 5] = [c"veth", c"macvlan", c"ipvlan", c"macvtap", c"ipvtap"];

// What is inside of `IFLA_RNETVIRT_MACVLAN` is what the kernel's own macvlan has as
// its `IFLA_INFO_DATA`: these are the numbers of `<linux/if_link.h>`.

/// `u32`, one of [`MACVLAN_MODE_NAMES`]. Create, change and dump.
pub const IFLA_MACVLAN_MODE: u16 = 1;
/// `u16`, `MACVLAN_FLAG_*`: all of them, also those that stay. Create, change and dump.
pub const IFLA_MACVLAN_FLAGS: u16 = 2;
/// `u32`, `MACVLAN_MACADDR_*`: what to do to the list of mode source. Create and change.
pub const IFLA_MACVLAN_MACADDR_MODE: u16 = 3;
/// A MAC address: the one to add or to delete, or an entry of a list.
pub const IFLA_MACVLAN_MACADDR: u16 = 4;
/// Nested, a list of [`IFLA_MACVLAN_MACADDR`]: the new list, or in a dump the present one.
pub const IFLA_MACVLAN_MACADDR_DATA: u16 = 5;
/// `u32`: how many addresses the list has. Dump.
pub const IFLA_MACVLAN_MACADDR_COUNT: u16 = 6;
/// `u32`: how long the device wants the port's broadcast queue. Create, change and dump.
pub const IFLA_MACVLAN_BC_QUEUE_LEN: u16 = 7;
/// `u32`: how long it is, the longest that any device of the port wants. Dump.
pub const IFLA_MACVLAN_BC_QUEUE_LEN_USED: u16 = 8;
/// `i32`: up to how many listeners of a group the port serves without the queue.
/// Create, change, and dump if it is not 1.
pub const IFLA_MACVLAN_BC_CUTOFF: u16 = 9;
/// The highest attribute of the nest.
pub const IFLA_MACVLAN_MAX: u16 = IFLA_MACVLAN_BC_CUTOFF;

/// Devices of the port do not talk to each other, unless a switch outside sends unicast
/// frames back.
pub const MACVLAN_MODE_PRIVATE: u32 = 1;
/// They talk through a switch outside that sends their frames back.
pub const MACVLAN_MODE_VEPA: u32 = 2;
/// They talk directly.
pub const MACVLAN_MODE_BRIDGE: u32 = 4;
/// One device has the port, and the lower device's MAC address, for itself.
pub const MACVLAN_MODE_PASSTHRU: u32 = 8;
/// The device gets copies of what senders in its list send.
pub const MACVLAN_MODE_SOURCE: u32 = 16;

/// What users call the modes.
pub const MACVLAN_MODE_NAMES: [(u32, &CStr); 5] = [
    (MACVLAN_MODE_PRIVATE, c"private"),
    (MACVLAN_MODE_VEPA, c"vepa"),
    (MACVLAN_MODE_BRIDGE, c"bridge"),
    (MACVLAN_MODE_PASSTHRU, c"passthru"),
    (MACVLAN_MODE_SOURCE, c"source"),
];

/// Mode passthru does not make the lower device promiscuous.
pub const MACVLAN_FLAG_NOPROMISC: u16 = 1;
/// What mode source has copied goes nowhere else.
pub const MACVLAN_FLAG_NODST: u16 = 2;

/// Add the address.
pub const MACVLAN_MACADDR_ADD: u32 = 0;
/// Delete the address.
pub const MACVLAN_MACADDR_DEL: u32 = 1;
/// Delete all addresses.
pub const MACVLAN_MACADDR_FLUSH: u32 = 2;
/// Replace them all by those given.
pub const MACVLAN_MACADDR_SET: u32 = 3;

// What is inside of `IFLA_RNETVIRT_IPVLAN` is what the kernel's own ipvlan has as its
// `IFLA_INFO_DATA`: these are the numbers of `<linux/if_link.h>`.

/// `u16`, one of [`IPVLAN_MODE_NAMES`]. Create, change and dump.
pub const IFLA_IPVLAN_MODE: u16 = 1;
/// `u16`, one of [`IPVLAN_FLAG_NAMES`]. Create, change and dump.
pub const IFLA_IPVLAN_FLAGS: u16 = 2;
/// The highest attribute of the nest.
pub const IFLA_IPVLAN_MAX: u16 = IFLA_IPVLAN_FLAGS;

/// The device resolves addresses itself, and hears groups.
pub const IPVLAN_MODE_L2: u16 = 0;
/// The lower device's namespace routes what the device sends.
pub const IPVLAN_MODE_L3: u16 = 1;
/// Also, netfilter of the lower device's namespace sees what the device receives.
pub const IPVLAN_MODE_L3S: u16 = 2;

/// What users call the modes.
pub const IPVLAN_MODE_NAMES: [(u16, &CStr); 3] = [
    (IPVLAN_MODE_L2, c"l2"),
    (IPVLAN_MODE_L3, c"l3"),
    (IPVLAN_MODE_L3S, c"l3s"),
];

/// The device does not talk to others on the same lower device.
pub const IPVLAN_F_PRIVATE: u16 = 1;
/// It talks to them through a switch outside that sends its frames back.
pub const IPVLAN_F_VEPA: u16 = 2;

/// What users call the flags; with none, devices talk directly.
pub const IPVLAN_FLAG_NAMES: [(u16, &CStr); 3] = [
    (0, c"bridge"),
    (IPVLAN_F_PRIVATE, c"private"),
    (IPVLAN_F_VEPA, c"vepa"),
];
