// SPDX-License-Identifier: GPL-2.0

//! Virtual network links.
//!
//! One link kind, `rnetvirt`, whose flavors differ in what is below the device:
//!
//! ```text
//!    stack          stack                 [`kind`]    what `ip link add` reaches; picks the flavor
//!      |              ^                   [`config`]  attributes, flavors, what is refused and why
//!      v              |                   [`veth`]    flavor veth: transmit on one end is receive
//!   +------+      +------+                            on the other
//!   |  v0  | ---> |  v1  |
//!   +------+      +------+
//! ```
//!
//! A packet of flavor veth goes through [`veth`], from `start_xmit` of one end to the backlog of the
//! other. No `unsafe` is allowed here: what touches C objects is in the crate `abstractions`.

#![crate_name = "rnetvirt"]
#![forbid(unsafe_code)]

mod config;
mod filter;
mod group;
mod ipvlan;
mod kind;
mod macvlan;
mod port;
mod reach;
mod tap;
mod transmit;
#[path = "../uapi.rs"]
mod uapi;
mod veth;

use abstractions::{
    chrdev,
    net::{
        inet,
        ip_input,
        link,
        notifier, //
    },
};
use kernel::prelude::*;

module! {
    type: Rnetvirt,
    name: "rnetvirt",
    authors: ["The rnetvirt developers"],
    description: "Virtual network links in Rust",
    license: "GPL v2",
    alias: ["rtnl-link-rnetvirt"],
    imports_ns: ["NETDEV_INTERNAL"],
}

/// What the module owns.
#[pin_data]
struct Rnetvirt {
    /// Dropping it removes all nodes. Devices that are left do without.
    #[pin]
    nodes: chrdev::Registration<tap::TapFile>,
    /// Dropping it removes all devices, and waits until none of their code runs any more.
    #[pin]
    kind: link::Registration<kind::Rnetvirt>,
    /// These go after the devices, which rely on them.
    input: ip_input::Registration<port::Port>,
    #[pin]
    addresses: inet::Registration<ipvlan::Addresses>,
    #[pin]
    events: notifier::Registration<port::Events>,
}

impl kernel::InPlaceModule for Rnetvirt {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            events <- notifier::Registration::new(Ok(port::Events)),
            addresses <- inet::Registration::new(),
            input: ip_input::Registration::new()?,
            kind <- link::Registration::new(),
            nodes <- chrdev::Registration::new()?,
        })
    }
}
