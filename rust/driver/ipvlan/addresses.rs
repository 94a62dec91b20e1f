// SPDX-License-Identifier: GPL-2.0

//! Which IP addresses endpoints have: the ports' tables follow what the core tells.

use crate::{
    endpoint::Ipvlan,
    port::Port,
    refusal::Refusal, //
};
use abstractions::{
    context::Rcu,
    net::{
        hold::HoldContext,
        inet::{
            AddrListener,
            IpAddr, //
        },
        link::downcast,
        netdevice::{
            Link,
            NetDevice, //
        },
        nlattr::ExtAck,
        rx_handler::Handler, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::ordering::{
            Full,
            Relaxed, //
        },
        rcu, //
    },
};

/// Keeps the ports' tables of addresses.
pub(crate) struct Addresses;

impl AddrListener for Addresses {
    /// Refuses an address that an endpoint of the same port has, and what is everybody's.
    fn check(dev: &NetDevice, addr: IpAddr, ack: &mut ExtAck<'_>) -> Result {
        let Some(dev) = downcast::<Ipvlan>(dev) else {
            return Ok(());
        };
        if addr.is_group() {
            // It joins the group (`autojoin`), as others may.
            return Ok(());
        }
        if addr == IpAddr::EVERYBODY {
            return Err(ack.refuse(Refusal::AddressIsEverybodys));
        }
        let guard = rcu::read_lock();
        let (port, rcu) = (&dev.data().port, Rcu::new(&guard));
        if let Some(owner) = port.owner_of(addr, rcu) {
            return Err(ack.refuse_because_of(Refusal::AddressInUse, dev, owner, rcu));
        }
        if !dev.data().settings.is_trusted() && addr.is_local_at(port.lower(), rcu) {
            return Err(ack.refuse(Refusal::AddressIsHosts));
        }
        drop(guard);
        // When the address comes, room cannot be waited for: that is made now.
        match addr {
            IpAddr::V4(_) => port.addrs4.reserve(),
            IpAddr::V6(_) => port.addrs6.reserve(),
        }
    }

    fn added(dev: &NetDevice, addr: IpAddr, when: HoldContext<'_>) {
        let Some(dev) = downcast::<Ipvlan>(dev) else {
            return Self::give_back(dev, addr);
        };
        let this = dev.data();
        // What comes in for a group is not one endpoint's.
        if addr.is_group() {
            return;
        }
        if Self::is_hosts_own(dev, addr) {
            return dev.log_conflict(this.port.lower());
        }
        let result = match addr {
            IpAddr::V4(addr) => this.port.addrs4.insert(addr.into(), dev, when),
            IpAddr::V6(addr) => this.port.addrs6.insert(addr, dev, when),
        };
        match result {
            Ok(true) => this.addresses.add(1, Relaxed),
            Ok(false) => {}
            // The core does not ask any more: the device keeps the address, and does not receive by it.
            Err(err) if err == EADDRINUSE => {
                let guard = rcu::read_lock();
                if let Some(owner) = this.port.owner_of(addr, Rcu::new(&guard)) {
                    dev.log_conflict(owner);
                }
            }
            Err(err) if err == ENOMEM => {
                dev.log_error(c"no memory for an address: it does not receive");
            }
            // It is on its way out.
            Err(_) => {}
        }
    }

    fn removed(dev: &NetDevice, addr: IpAddr) {
        let Some(dev) = downcast::<Ipvlan>(dev) else {
            return;
        };
        let this = dev.data();
        let was_there = match addr {
            IpAddr::V4(addr) => this.port.addrs4.remove(addr.into(), dev),
            IpAddr::V6(addr) => this.port.addrs6.remove(addr, dev),
        };
        if was_there {
            this.addresses.add(u32::MAX, Relaxed);
        }
    }
}

impl Addresses {
    /// `host` has an address now. A link of another namespace that took it before, where links on a
    /// device beside `host` are not trusted, does not receive by it any more.
    fn give_back(host: &NetDevice, addr: IpAddr) {
        let guard = rcu::read_lock();
        let rcu = Rcu::new(&guard);
        for lower in host.beside(rcu) {
            let Some(port) = Handler::<Port>::of_rcu(lower, rcu) else {
                continue;
            };
            let Some(link) = port.owner_of(addr, rcu) else {
                continue;
            };
            if Self::is_hosts_own(link, addr) {
                Self::removed(link, addr);
                link.log_conflict(host);
            }
        }
    }

    /// Whether an address that the core did not ask about is one that an endpoint must not have. In the
    /// lower device's namespace it is the endpoint's own by now.
    fn is_hosts_own(dev: &Link<Ipvlan>, addr: IpAddr) -> bool {
        let port = &dev.data().port;
        let guard = rcu::read_lock();
        let rcu = Rcu::new(&guard);
        !dev.data().settings.is_trusted()
            && !dev.is_beside(port.lower(), rcu)
            && addr.is_local_at(port.lower(), rcu)
    }
}

impl Ipvlan {
    /// Takes what is left of the endpoint's addresses out of the port's tables: nothing, if everybody
    /// was told of all that went.
    pub(super) fn forget_addresses(&self, dev: &Link<Self>) {
        if self.addresses.xchg(0, Full) != 0 {
            self.port.addrs4.remove_all(dev);
            self.port.addrs6.remove_all(dev);
        }
    }
}
