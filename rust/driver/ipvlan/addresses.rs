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
            IpAddr,
            Received, //
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
        barrier::smp_mb,
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
        if !dev.data().settings.is_trusted() && addr.is_received_at(port.lower(), rcu) {
            return Err(ack.refuse(Refusal::AddressIsHosts));
        }
        drop(guard);
        // When the address comes, room cannot be waited for: that is made now.
        match addr {
            IpAddr::V4(_) => port.addrs4.reserve(),
            IpAddr::V6(_) => port.addrs6.reserve(),
        }
    }

    fn added(dev: &NetDevice, addr: IpAddr, received: Received, when: HoldContext<'_>) {
        give_back(dev, received);
        let Some(dev) = downcast::<Ipvlan>(dev) else {
            return;
        };
        let this = dev.data();
        // What comes in for a group is not one endpoint's.
        if addr.is_group() {
            return;
        }
        let result = match addr {
            IpAddr::V4(addr) => this.port.addrs4.insert(addr.into(), dev, when),
            IpAddr::V6(addr) => this.port.addrs6.insert(addr, dev, when),
        };
        match result {
            Ok(is_new) => {
                if is_new {
                    this.addresses.add(1, Relaxed);
                }
                // Only now: the host, which may get the address at this moment, looks into the table when it
                // has it.
                smp_mb(Full);
                if is_hosts_own(dev, addr) {
                    Self::removed(dev, addr);
                    dev.log_conflict(this.port.lower());
                }
            }
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

/// `host` has an address now. Links of other namespaces that took before what its namespace receives by that, where
/// links on a device beside `host` are not trusted, do not receive by it any more.
fn give_back(host: &NetDevice, received: Received) {
    // As in `added`.
    smp_mb(Full);
    let guard = rcu::read_lock();
    let rcu = Rcu::new(&guard);
    ports_beside(host, rcu).for_each(|port| give_received_back(port, received, rcu));
}

/// `host` is up: the broadcasts of its networks are its host's only now, and on the loopback device all that is in them.
/// Addresses of IPv6 are so while it is down.
pub(crate) fn give_back_at_up(host: &NetDevice) {
    // As in `added`.
    smp_mb(Full);
    let guard = rcu::read_lock();
    let rcu = Rcu::new(&guard);
    if host.received_by_ipv4(rcu).next().is_none() {
        return;
    }
    for port in ports_beside(host, rcu) {
        for received in host.received_by_ipv4(rcu) {
            give_received_back(port, received, rcu);
        }
    }
}

fn ports_beside<'a>(host: &'a NetDevice, rcu: Rcu<'a>) -> impl Iterator<Item = &'a Handler<Port>> {
    host.beside(rcu)
        .filter_map(move |lower| Handler::<Port>::of_rcu(lower, rcu))
}

/// Only what may be the host's is looked for: links may have any number of addresses.
fn give_received_back(port: &Port, received: Received, rcu: Rcu<'_>) {
    for addr in received.addresses() {
        if let Some(link) = port.owner_of(addr, rcu) {
            give_one_back(link, addr);
        }
    }
    if let Some(network) = received.network() {
        give_ipv4_back(port, |addr| network.has(addr), rcu);
    }
}

fn give_ipv4_back(port: &Port, may_be: impl Fn(u32) -> bool, rcu: Rcu<'_>) {
    for (addr, link) in port.addrs4.entries(rcu) {
        if let Some(addr) = u32::try_from(addr).ok().filter(|addr| may_be(*addr)) {
            give_one_back(link, IpAddr::V4(addr));
        }
    }
}

/// What is the host's has changed: links that are not trusted do not receive any more by what they took before.
pub(crate) fn give_all_back(port: &Port) {
    // As in `added`; that they are not trusted may be new, too.
    smp_mb(Full);
    let guard = rcu::read_lock();
    let rcu = Rcu::new(&guard);
    give_ipv4_back(port, |_| true, rcu);
    for (addr, link) in port.addrs6.entries(rcu) {
        give_one_back(link, IpAddr::V6(addr));
    }
}

fn give_one_back(link: &Link<Ipvlan>, addr: IpAddr) {
    if is_hosts_own(link, addr) {
        Addresses::removed(link, addr);
        link.log_conflict(link.data().port.lower());
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
        && addr.is_received_at(port.lower(), rcu)
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
