// SPDX-License-Identifier: GPL-2.0

//! Endpoints that join a port and leave it, and what the port counts of them.

use crate::{
    endpoint::{Compat, Endpoint, Ipvlan, Macvlan},
    ipvlan::settings::Mode as IpvlanMode,
    macvlan::settings::DEFAULT_BC_QUEUE_LEN,
    port::Port,
    refusal::Refusal, //
};
use abstractions::{
    context::Rcu,
    net::{
        adjacency,
        ip_input::Hooks,
        mac::Mac,
        netdevice::Link,
        nlattr::ExtAck,
        registered::Registered,
        rtnl::Rtnl,
        rx_handler::Handler, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        rcu, //
    },
};

/// The highest number that an endpoint of flavor ipvlan can have: the ones above mean all and none.
const MAX_DEV_ID: u16 = 0xfffd;

impl Port {
    /// How many send to groups: its endpoints, the host, and who is outside.
    pub(crate) fn senders(&self) -> u32 {
        let endpoints = self.macvlans.len().saturating_add(self.ipvlans.len());
        endpoints.saturating_add(2)
    }

    /// Adds an endpoint of flavor macvlan that has just been registered.
    ///
    /// If it fails the device is unregistered, and leaves.
    pub(crate) fn join_macvlan(
        &self,
        dev: &Registered<Link<Macvlan>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let lower = self.lower_rtnl(rtnl)?;
        self.macvlans.insert(dev.id(), dev, rtnl)?;
        dev.data().set_mixed(self.has_ipvlan(), rtnl);
        dev.data().mode.set_host(self.has_host());
        Macvlan::let_host_know(dev, rtnl);
        self.update_unusual(rtnl);
        self.add_bc_queue_len(dev.data().bc_queue_len(), rtnl);
        adjacency::link(lower, dev, ack, rtnl)
    }

    /// Takes an endpoint of flavor macvlan out, wherever it is. Does nothing if it is not there any more.
    pub(crate) fn leave_macvlan(&self, dev: &Registered<Link<Macvlan>>, rtnl: &Rtnl) {
        self.flush_sources(dev, rtnl);
        self.unlist_all(dev, rtnl);
        if self.macvlans.remove(dev.id(), dev, rtnl) {
            self.update_unusual(rtnl);
            adjacency::unlink(&self.lower, dev, rtnl);
            self.drop_bc_queue_len(dev.data().bc_queue_len(), rtnl);
            self.give_mac_back(rtnl);
        }
    }

    /// Gives the lower device the address back that it had before its passthru endpoint, which has just
    /// left, changed it.
    fn give_mac_back(&self, rtnl: &Rtnl) {
        let own_mac = Mac::from_key(self.own_mac.load(Relaxed));
        if self.is_passthru() && self.lower.mac() != own_mac {
            // There is nobody to tell if it fails.
            let _ = self
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.set_mac_address(own_mac, rtnl));
        }
    }

    /// Adds an endpoint of flavor ipvlan that has just been registered.
    ///
    /// If it fails the device is unregistered, and leaves.
    pub(crate) fn join_ipvlan(
        this: &Handler<Self>,
        dev: &Registered<Link<Ipvlan>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let lower = this.lower_rtnl(rtnl)?;
        let id = this
            .free_dev_id()
            .ok_or_else(|| ack.refuse(Refusal::TooManyLinks))?;
        this.next_dev_id
            .store(u32::from(id).wrapping_add(1), Relaxed);
        // An endpoint's mode is counted while the endpoint is in the table.
        let mode = dev.data().settings.mode();
        Self::enter_mode(this, mode, rtnl)?;
        if let Err(err) = this.ipvlans.insert(id.into(), dev, rtnl) {
            Self::leave_mode(this, mode, rtnl);
            return Err(err);
        }
        this.update_mixed(rtnl);
        this.pass_trust_on(dev);
        dev.data().settings.set_host(this.has_host());
        dev.set_dev_id(id, rtnl);
        dev.data().dev_id.store(id.into(), Relaxed);
        this.add_bc_queue_len(DEFAULT_BC_QUEUE_LEN, rtnl);
        adjacency::link(lower, dev, ack, rtnl)
    }

    /// Takes an endpoint of flavor ipvlan out, wherever it is, but for its addresses. Does nothing if it
    /// is not there any more.
    pub(crate) fn leave_ipvlan(this: &Handler<Self>, dev: &Registered<Link<Ipvlan>>, rtnl: &Rtnl) {
        let data = dev.data();
        let id = data.dev_id.load(Relaxed);
        if this.ipvlans.remove(id.into(), dev, rtnl) {
            adjacency::unlink(&this.lower, dev, rtnl);
            Self::leave_mode(this, data.settings.mode(), rtnl);
            this.update_mixed(rtnl);
            this.drop_bc_queue_len(DEFAULT_BC_QUEUE_LEN, rtnl);
        }
    }

    /// Whether all endpoints of flavor ipvlan are trusted: then they send to whom they like, and have what
    /// addresses they like.
    pub(crate) fn is_trusted(&self) -> bool {
        self.trusted.load(Relaxed)
    }

    /// Changes that for all of them.
    pub(crate) fn set_trusted(&self, trusted: bool, rtnl: &Rtnl) {
        self.trusted.store(trusted, Relaxed);
        for dev in self.ipvlans.registered(rtnl) {
            self.pass_trust_on(dev);
        }
    }

    /// Whether an endpoint is trusted: as all are, or because the C driver knows no others.
    fn pass_trust_on(&self, dev: &Link<Ipvlan>) {
        let this = dev.data();
        let trusted = self.is_trusted() || this.compat == Compat::C;
        this.settings.set_trusted(trusted);
    }

    /// Tells endpoints of flavor macvlan whether there are others, if that has changed.
    fn update_mixed(&self, rtnl: &Rtnl) {
        if self.ipvlans.len() <= 1 {
            for dev in self.macvlans.registered(rtnl) {
                dev.data().set_mixed(self.has_ipvlan(), rtnl);
            }
        }
    }

    /// The next number that no endpoint has. Numbers come back late, so that what was made of one, an
    /// IPv6 address say, is not soon somebody else's.
    fn free_dev_id(&self) -> Option<u16> {
        let guard = rcu::read_lock();
        let first = self.next_dev_id.load(Relaxed);
        let first = u16::try_from(first).ok().filter(|id| *id <= MAX_DEV_ID);
        let first = first.unwrap_or(1);
        Iterator::chain(first..=MAX_DEV_ID, 1..first)
            .find(|id| self.ipvlans.find((*id).into(), Rcu::new(&guard)).is_none())
    }

    /// One more endpoint is in that mode. Fails only for l3s: [`ENOMEM`], [`EBUSY`] if somebody else
    /// looks at the lower device's packets before they are routed, [`EOPNOTSUPP`].
    pub(crate) fn enter_mode(this: &Handler<Self>, mode: IpvlanMode, rtnl: &Rtnl) -> Result {
        if mode == IpvlanMode::L3S {
            this.hook(rtnl)?;
            if let Err(err) = this.set_l3_rx(true, rtnl) {
                if !this.has_l3s() {
                    this.unhook(rtnl);
                }
                return Err(err);
            }
        }
        let count = this.count_of(mode);
        count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
        this.count_l2_or_l3();
        Ok(())
    }

    /// One endpoint less is in that mode.
    pub(crate) fn leave_mode(this: &Handler<Self>, mode: IpvlanMode, rtnl: &Rtnl) {
        let count = this.count_of(mode);
        count.store(count.load(Relaxed).wrapping_sub(1), Relaxed);
        this.count_l2_or_l3();
        if mode == IpvlanMode::L3S && !this.has_l3s() {
            let _ = this.set_l3_rx(false, rtnl);
            this.unhook(rtnl);
        }
    }

    fn count_l2_or_l3(&self) {
        let count = self.l2.load(Relaxed).wrapping_add(self.l3.load(Relaxed));
        self.l2_or_l3.store(count, Relaxed);
        self.update_weight();
    }

    fn count_of(&self, mode: IpvlanMode) -> &Atomic<u32> {
        match mode {
            IpvlanMode::L3S => &self.l3s,
            IpvlanMode::L3 => &self.l3,
            _ => &self.l2,
        }
    }

    /// Has what endpoints in mode l3s receive go through netfilter of the lower device's namespace.
    pub(crate) fn hook(&self, rtnl: &Rtnl) -> Result {
        if !self.hooked.load(Relaxed) {
            Hooks::<Self>::enable(self.lower_rtnl(rtnl)?.net(rtnl), rtnl)?;
            self.hooked.store(true, Relaxed);
        }
        Ok(())
    }

    pub(crate) fn unhook(&self, rtnl: &Rtnl) {
        if self.hooked.load(Relaxed) {
            self.hooked.store(false, Relaxed);
            // Those of a namespace that is gone went with it.
            if let Ok(lower) = self.lower_rtnl(rtnl) {
                Hooks::<Self>::disable(lower.net(rtnl), rtnl);
            }
        }
    }

    /// The endpoint stops listening to anybody.
    pub(crate) fn flush_sources(&self, dev: &Link<Macvlan>, rtnl: &Rtnl) {
        if dev.data().sources.load(Relaxed) != 0 {
            self.sources.remove_all(dev, rtnl);
            dev.data().sources.store(0, Relaxed);
            self.update_unusual(rtnl);
        }
    }
}
