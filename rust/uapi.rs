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
/// Nested, reserved: `IFLA_MACVLAN_*` of flavors macvlan and macvtap.
pub const IFLA_RNETVIRT_MACVLAN: u16 = 3;
/// Nested, reserved: `IFLA_IPVLAN_*` of flavors ipvlan and ipvtap.
pub const IFLA_RNETVIRT_IPVLAN: u16 = 4;
/// The highest attribute of `IFLA_INFO_DATA`.
pub const IFLA_RNETVIRT_MAX: u16 = IFLA_RNETVIRT_IPVLAN;

/// A pair of devices: transmit on one is receive on the other.
pub const RNETVIRT_FLAVOR_VETH: u32 = 0;
/// A lower device shared by MAC address. Reserved.
pub const RNETVIRT_FLAVOR_MACVLAN: u32 = 1;
/// A lower device shared by IP address. Reserved.
pub const RNETVIRT_FLAVOR_IPVLAN: u32 = 2;
/// macvlan with a character device instead of a stack. Reserved.
pub const RNETVIRT_FLAVOR_MACVTAP: u32 = 3;
/// ipvlan with a character device instead of a stack. Reserved.
pub const RNETVIRT_FLAVOR_IPVTAP: u32 = 4;

/// What users call the flavors, by number.
pub const FLAVOR_NAMES: [&CStr; 5] = [c"veth", c"macvlan", c"ipvlan", c"macvtap", c"ipvtap"];
