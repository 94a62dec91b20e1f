// SPDX-License-Identifier: GPL-2.0

//! Which endpoint is known to have an IP address, so that requests for it need not go to everybody.
//!
//! Known is what who administers the lower device has said: of an endpoint of flavor macvlan, the addresses
//! that its guard lists in full; of one of flavor ipvlan, which has addresses in the port's tables, those of
//! them that its guard's list has, or all where endpoints are trusted. What a tenant says, in ARP or to his
//! own device, is never enough. An address that is two endpoints' is nobody's.

use crate::{
    endpoint::{
        Common,
        Endpoint,
        Ipvlan,
        Macvlan, //
    },
    guard::Guard,
    port::Port,
    reach::Party, //
};
use abstractions::{
    context::Rcu,
    net::{
        inet::IpAddr,
        mac::Mac,
        netdevice::{
            Link,
            NetDevice, //
        },
        registered::Registered,
        rtnl::Rtnl, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::ordering::Relaxed,
        rcu, //
    },
};

/// An endpoint of either flavor.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    Macvlan(&'a Link<Macvlan>),
    Ipvlan(&'a Link<Ipvlan>),
}

impl<'a> Owner<'a> {
    fn dev(self) -> &'a NetDevice {
        match self {
            Self::Macvlan(dev) => dev,
            Self::Ipvlan(dev) => dev,
        }
    }

    pub(crate) fn common(self) -> &'a Common {
        match self {
            Self::Macvlan(dev) => dev.data(),
            Self::Ipvlan(dev) => dev.data(),
        }
    }

    pub(crate) fn party(self) -> Party {
        match self {
            Self::Macvlan(dev) => dev.data().party(),
            Self::Ipvlan(dev) => dev.data().party(),
        }
    }

    /// Its number, which no other one has.
    pub(crate) fn id(self) -> u64 {
        match self {
            Self::Macvlan(dev) => dev.id(),
            Self::Ipvlan(dev) => dev.id(),
        }
    }

    pub(crate) fn mac(self) -> Mac {
        self.dev().mac()
    }
}

impl Port {
    /// Whether requests for known endpoints are kept from everybody else (`suppress on`).
    #[inline]
    pub(crate) fn suppresses(&self) -> bool {
        self.suppresses.load(Relaxed)
    }

    /// Has them be, or not any more.
    pub(crate) fn set_suppress(&self, on: bool, rtnl: &Rtnl) {
        self.suppresses.store(on, Relaxed);
        self.update_quiet(rtnl);
    }

    /// The endpoint that is known to have an address, if it is up, and its guard lets it say so.
    pub(crate) fn known_owner<'a>(&'a self, addr: IpAddr, rcu: Rcu<'a>) -> Option<Owner<'a>> {
        let mut owners = (0u32, None);
        let mut add = |owner: Owner<'a>| owners = (owners.0.wrapping_add(1), Some(owner));
        let mut listed = |dev: &'a Link<Macvlan>| {
            let guard = dev.data().guard.get(rcu);
            if guard.is_some_and(|guard| guard.lists(addr)) {
                add(Owner::Macvlan(dev));
            }
        };
        match addr {
            IpAddr::V4(addr) => self.listed4.for_all(addr.into(), rcu, &mut listed),
            IpAddr::V6(addr) => self.listed6.for_all(addr, rcu, &mut listed),
        }
        if let Some(dev) = self.owner_of(addr, rcu) {
            let guard = dev.data().guard.get(rcu);
            if self.is_trusted() || guard.is_some_and(|guard| guard.covers(addr)) {
                add(Owner::Ipvlan(dev));
            }
        }
        let (1, Some(owner)) = owners else {
            return None;
        };
        let guard = owner.common().guard.get(rcu);
        let may = guard.is_none_or(|guard| guard.may_have(owner.mac(), addr));
        (may && owner.dev().is_up()).then_some(owner)
    }

    /// Puts an endpoint in by all addresses that `guard`, which it is to get, lists. [`ENOMEM`]; then some
    /// may be missing.
    pub(crate) fn list(
        &self,
        dev: &Registered<Link<Macvlan>>,
        guard: &Guard,
        rtnl: &Rtnl,
    ) -> Result {
        let count = &dev.data().listed;
        for addr in guard.addresses() {
            let result = match addr {
                IpAddr::V4(addr) => self.listed4.insert(addr.into(), dev, rtnl),
                IpAddr::V6(addr) => self.listed6.insert(addr, dev, rtnl),
            };
            match result {
                Ok(()) => count.store(count.load(Relaxed).wrapping_add(1), Relaxed),
                Err(err) if err == EEXIST => {}
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    /// Takes an endpoint out by all addresses that `old` lists, and its present guard, if it has one, does not.
    pub(crate) fn unlist(&self, dev: &Registered<Link<Macvlan>>, old: &Guard, rtnl: &Rtnl) {
        let (this, section) = (dev.data(), rcu::read_lock());
        let new = this.guard.get(Rcu::new(&section));
        for addr in old.addresses() {
            if !new.is_some_and(|new| new.lists(addr)) {
                self.unlist_one(dev, addr, rtnl);
            }
        }
    }

    fn unlist_one(&self, dev: &Registered<Link<Macvlan>>, addr: IpAddr, rtnl: &Rtnl) {
        let was_there = match addr {
            IpAddr::V4(addr) => self.listed4.remove(addr.into(), dev, rtnl),
            IpAddr::V6(addr) => self.listed6.remove(addr, dev, rtnl),
        };
        if was_there {
            let count = &dev.data().listed;
            count.store(count.load(Relaxed).wrapping_sub(1), Relaxed);
        }
    }

    /// Takes an endpoint that leaves out wherever it is.
    pub(super) fn unlist_all(&self, dev: &Registered<Link<Macvlan>>, rtnl: &Rtnl) {
        let this = dev.data();
        {
            let section = rcu::read_lock();
            if let Some(guard) = this.guard.get(Rcu::new(&section)) {
                for addr in guard.addresses() {
                    self.unlist_one(dev, addr, rtnl);
                }
            }
        }
        // Where memory was short once there may be more, for which all have to be looked at.
        if this.listed.load(Relaxed) != 0 {
            this.listed.store(0, Relaxed);
            self.listed4.remove_all(dev, rtnl);
            self.listed6.remove_all(dev, rtnl);
        }
    }
}
