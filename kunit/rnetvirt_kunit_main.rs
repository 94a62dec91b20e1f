// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of rnetvirt, as a module of their own: loading it runs them.
//!
//! While it is loaded it also refuses devices whose name begins with `veto`, as any module may with
//! a notifier: tests of a link kind use that to make registration fail at a late point. And after the
//! suites it is attached to the loopback device, which nobody takes back before the module goes. And there are
//! files that share a socket. And a device whose name begins with `wrong-` has it make a mistake on purpose.

#![crate_name = "rnetvirt_kunit"]
#![forbid(unsafe_code)]

// The driver's files with suites of their own. What is in them is used there in full.
#[allow(dead_code)]
#[path = "../rust/driver/config.rs"]
mod config;
#[allow(dead_code)]
#[path = "../rust/driver/drops.rs"]
mod drops;
#[allow(dead_code)]
#[path = "../rust/driver/filter.rs"]
mod filter;
#[allow(dead_code)]
#[path = "../rust/driver/guard"]
mod guard {
    pub(crate) mod checksum;
    pub(crate) mod rules;
    pub(crate) mod settings;
    pub(crate) mod verdict;
}
#[allow(dead_code)]
#[path = "../rust/driver/ipvlan"]
mod ipvlan {
    pub(crate) mod address;
    pub(crate) mod settings;
}
#[allow(dead_code)]
#[path = "../rust/driver/limits"]
mod limits {
    pub(crate) mod bucket;
    pub(crate) mod copies;
    pub(crate) mod neighbours;
    pub(crate) mod settings;
    pub(crate) mod verdict;
}
#[allow(dead_code)]
#[path = "../rust/driver/macvlan"]
mod macvlan {
    mod flags;
    pub(crate) mod settings;
}
#[allow(dead_code)]
#[path = "../rust/driver/reach.rs"]
mod reach;
#[allow(dead_code)]
#[path = "../rust/driver/refusal.rs"]
mod refusal;
#[allow(dead_code)]
#[path = "../rust/driver/suppress"]
mod suppress {
    pub(crate) mod question;
}
#[allow(dead_code)]
#[path = "../rust/driver/tap"]
mod tap {
    pub(crate) mod offload;
    pub(crate) mod queue;
    pub(crate) mod steering;
    pub(crate) mod uapi;
    pub(crate) mod vnet_hdr;
}
#[allow(dead_code)]
#[path = "../rust/driver/veth"]
mod veth {
    pub(crate) mod limits;
}
#[path = "../rust/uapi.rs"]
mod uapi;

mod abstractions_test;
mod cases;
#[allow(dead_code)]
mod examples;
mod guard_checksum_test;
mod guard_frames;
mod guard_test;
mod mac_test;
mod provoke;
mod settings_test;
mod shared_file;
mod sock_test;
mod uapi_test;

// What the driver's files call their module.
use RnetvirtKunit as RnetvirtModule;

use abstractions::{
    module_links,
    net::{
        netdevice::NetDevice,
        notifier::{
            Details,
            Event,
            Notifier, //
        },
        registered::Registered,
        rtnl::Rtnl,
    },
};
use kernel::prelude::*;

module_links! {
    type: RnetvirtKunit,
    notifiers: [Veto],
    handlers: [abstractions_test::Deaf],
    kinds: [abstractions_test::Barren],
    nodes: [shared_file::SharedFile => shared_file::NODES],
    name: "rnetvirt_kunit",
    authors: ["The rnetvirt developers"],
    description: "KUnit suites of rnetvirt",
    license: "GPL v2",
}

/// Refuses devices by name.
struct Veto;

impl Notifier for Veto {
    fn event(
        &self,
        event: Event,
        dev: &Registered<NetDevice>,
        _more: &Details<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        if event == Event::REGISTER && dev.name(rtnl).to_bytes().starts_with(b"veto") {
            return Err(EPERM);
        }
        if event == Event::REGISTER {
            provoke::asked_for(dev.name(rtnl).to_bytes())?;
        }
        Ok(())
    }
}
