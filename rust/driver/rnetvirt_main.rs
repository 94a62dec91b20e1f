// SPDX-License-Identifier: GPL-2.0

//! Virtual network links.
//!
//! One link kind, `rnetvirt`, whose flavors differ in what is below the device, and those of the C drivers
//! if somebody asks for them:
//!
//! ```text
//!    stack          stack                 [`kinds`]   what `ip link add` reaches; picks the flavor
//!      |              ^                   [`config`]  attributes and flavors
//!      v              |                   [`refusal`] what is refused and why
//!   +------+      +------+                [`veth`]    flavor veth: transmit on one end is receive
//!   |  v0  | ---> |  v1  |                            on the other
//!   +------+      +------+
//! ```
//!
//! A packet of flavor veth goes through [`veth`], from `start_xmit` of one end to the backlog of the
//! other. No `unsafe` is allowed here: what touches C objects is in the crate `abstractions`.

#![crate_name = "rnetvirt"]
#![forbid(unsafe_code)]

mod config;
mod drops;
mod endpoint;
mod events;
mod filter;
mod group;
mod guard;
mod host;
mod ipvlan;
mod kinds;
mod limits;
mod macvlan;
mod nodes;
mod port;
mod reach;
mod receive;
mod refusal;
mod suppress;
mod tap;
mod transmit;
#[path = "../uapi.rs"]
mod uapi;
mod veth;

use abstractions::module_links;

module_links! {
    type: RnetvirtModule,
    notifiers: [events::Events],
    handlers: [port::Port, tap::Tap],
    addresses: [ipvlan::addresses::Addresses],
    inputs: [port::Port],
    kinds: [kinds::rnetvirt::Kind],
    nodes: [tap::file::TapFile => nodes::RNETVIRT],
    choices: "kinds of C drivers to serve as well: veth,macvlan,macvtap,ipvlan,ipvtap" [
        kinds::veth::Kind,
        kinds::macvlan::Kind<false>,
        kinds::macvlan::Macvtap { tap::file::TapFile => nodes::MACVTAP },
        kinds::ipvlan::Kind<false>,
        kinds::ipvlan::Ipvtap { tap::file::TapFile => nodes::IPVTAP },
    ],
    version: "0.1.0",
    name: "rnetvirt",
    authors: ["The rnetvirt developers"],
    description: "Virtual network links in Rust",
    license: "GPL v2",
    alias: ["rtnl-link-rnetvirt"],
    imports_ns: ["NETDEV_INTERNAL"],
}
