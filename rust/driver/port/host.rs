// SPDX-License-Identifier: GPL-2.0

//! Whether the host, the lower device's own stack, is a destination.

use crate::port::{
    Port,
    PortRef, //
};
use abstractions::net::rtnl::Rtnl;
use kernel::{
    prelude::*,
    sync::atomic::ordering::Relaxed, //
};

impl Port {
    /// Whether it is.
    #[inline]
    pub(crate) fn has_host(&self) -> bool {
        self.has_host.load(Relaxed)
    }

    /// Has it be one, or not any more. [`ENOMEM`], or [`EOPNOTSUPP`] as
    /// [`hook_egress`](abstractions::net::rx_handler::Handler::hook_egress); then it is none.
    pub(crate) fn set_host(port: &PortRef, on: bool, rtnl: &Rtnl) -> Result {
        if on == port.has_host() {
            return Ok(());
        }
        if !on {
            port.unhook_egress(rtnl);
            port.tell_of_host(false, rtnl);
            return Ok(());
        }
        port.make_mark(rtnl)?;
        // What endpoints send is marked before the hook takes it for the host's.
        port.tell_of_host(true, rtnl);
        port.hook_egress(rtnl)
            .inspect_err(|_| port.tell_of_host(false, rtnl))
    }

    fn tell_of_host(&self, on: bool, rtnl: &Rtnl) {
        self.has_host.store(on, Relaxed);
        for dev in self.macvlans.registered(rtnl) {
            dev.data().mode.set_host(on);
        }
        for dev in self.ipvlans.registered(rtnl) {
            dev.data().settings.set_host(on);
        }
    }
}
