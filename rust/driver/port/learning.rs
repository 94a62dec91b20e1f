// SPDX-License-Identifier: GPL-2.0

//! Switches behind a bond are told again where links are.
//!
//! A bond in mode balance-tlb sends what a link sends by any of its devices, and from their addresses;
//! only what it does not balance says to a switch where the link is, and what comes for the link has to
//! come by the one device that receives. For addresses that it knows of the bond sends learning packets
//! from time to time; links of ours it does not know.

use crate::port::Port;
use abstractions::{
    context::Rcu,
    net::{
        rtnl::Rtnl,
        rx_handler::Handler, //
    },
};

const MSECS_PER_SEC: u32 = 1000;

impl Port {
    /// How many milliseconds pass until switches are told again; `None` if they need not be.
    fn telling_interval(&self) -> Option<u32> {
        let seconds = self.lower().bond_lp_interval();
        (seconds != 0 && self.lower().is_up()).then(|| seconds.saturating_mul(MSECS_PER_SEC))
    }

    /// Has switches told again and again, where that is needed.
    pub(crate) fn start_telling(this: &Handler<Self>, rtnl: &Rtnl) {
        if let Some(msecs) = this.telling_interval() {
            this.start_ticking(msecs, rtnl);
        }
    }

    /// Tells switches where links are, and says in how many milliseconds to do it again.
    pub(crate) fn tell_again(&self, rcu: Rcu<'_>) -> Option<u32> {
        let msecs = self.telling_interval()?;
        self.tell_where_links_are(rcu);
        Some(msecs)
    }

    /// Tells switches where links are that have addresses of their own, but for addresses that a link's guard
    /// does not let it send from: the switch is not to believe that they are here.
    pub(crate) fn tell_where_links_are(&self, rcu: Rcu<'_>) {
        for dev in self.macs.iter(rcu) {
            let (mac, guard) = (dev.mac(), dev.data().guard.get(rcu));
            if guard.is_none_or(|guard| guard.may_be_from(mac, mac)) {
                dev.send_learning_packet(self.lower(), rcu);
            }
        }
    }
}
