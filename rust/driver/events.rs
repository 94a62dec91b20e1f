// SPDX-License-Identifier: GPL-2.0

//! What happens to devices that endpoints are on top of, or that have a tap.

use crate::{
    endpoint::{
        Endpoint,
        Ipvlan,
        Macvlan, //
    },
    ipvlan::addresses,
    port::Port,
    tap, //
};
use abstractions::{
    context::Rcu,
    net::{
        link::downcast,
        net_device_ops::NetDeviceOps,
        netdevice::{
            Link,
            NetDevice, //
        },
        notifier::{
            Details,
            Event,
            Notifier, //
        },
        registered::{
            Registered,
            Relayed, //
        },
        rtnl::Rtnl,
        rx_handler::Handler, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::ordering::Relaxed,
        rcu, //
    },
};

/// Passes what happens to devices on to their ports and taps.
pub(crate) struct Events;

impl Notifier for Events {
    fn event(
        &self,
        event: Event,
        dev: &Registered<NetDevice>,
        more: &Details<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        if event == Event::UP {
            addresses::give_back_at_up(dev);
        }
        if event == Event::CHANGE_ADDR {
            follow_broadcast::<Macvlan>(dev, rtnl);
            follow_broadcast::<Ipvlan>(dev, rtnl);
        }
        if let Some(port) = Handler::<Port>::of(dev, rtnl) {
            if event == Event::UNREGISTER {
                // Who administers the namespace that it comes to has not said so. Never fails.
                let _ = Port::set_host(&port, false, rtnl);
                port.set_trusted(false, rtnl);
                port.set_suppress(false, rtnl);
                port.set_copies(None, rtnl);
            }
            port.event(event, dev, more, rtnl)?;
            if event == Event::UP {
                Port::start_telling(&port, rtnl);
            }
        }
        tap::event(event, dev, rtnl)
    }
}

impl Port {
    /// The lower device is about to leave its namespace, and to lose its address lists.
    fn depart(&self, rtnl: &Rtnl) {
        self.unhook(rtnl);
        for dev in self.macvlans().registered(rtnl).filter(|dev| dev.is_up()) {
            dev.unsync_from_lower(rtnl);
        }
        for dev in self.ipvlans().registered(rtnl).filter(|dev| dev.is_up()) {
            dev.unsync_from_lower(rtnl);
        }
    }

    /// The lower device has come to another namespace.
    fn arrive(&self, rtnl: &Rtnl) {
        for dev in self.macvlans().registered(rtnl).filter(|dev| dev.is_up()) {
            Macvlan::ask_again(dev, rtnl);
            dev.sync_to_lower(rtnl);
        }
        for dev in self.ipvlans().registered(rtnl).filter(|dev| dev.is_up()) {
            dev.sync_to_lower(rtnl);
        }
        // What is the host's here is not what it was there.
        addresses::give_all_back(self);
        self.update_groups(rtnl);
        if self.has_l3s() && self.hook(rtnl).is_err() {
            // Nobody can be told but the reader of the log: the move has happened.
            self.lower()
                .log_error(c"no netfilter hooks: links in mode l3s do not receive");
        }
    }

    /// The passthru endpoint, when the lower device's address changes, and so its own. Not if it was
    /// asked for another one: then the core tells of it.
    fn led_by_lower<'a>(&'a self, rtnl: &'a Rtnl) -> Option<&'a Registered<Link<Macvlan>>> {
        let follows = self.is_passthru() && !self.changing_mac.load(Relaxed);
        follows.then(|| self.macvlans().registered(rtnl).next())?
    }

    /// Something happened to the lower device.
    fn event(
        &self,
        event: Event,
        lower: &Registered<NetDevice>,
        more: &Details<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let macvlans = || self.macvlans().registered(rtnl);
        let ipvlans = || self.ipvlans().registered(rtnl);
        follow(macvlans(), lower, event, rtnl);
        follow(ipvlans(), lower, event, rtnl);
        match event {
            Event::CHANGE_MTU => {
                let mtu = lower.mtu();
                macvlans()
                    .filter(|dev| dev.mtu() > mtu)
                    .for_each(|dev| dev.follow_mtu(mtu, rtnl));
                ipvlans()
                    .filter(|dev| dev.mtu() != mtu)
                    .for_each(|dev| dev.follow_mtu(mtu, rtnl));
            }
            Event::PRE_CHANGE_ADDR => {
                if let Some(dev) = self.led_by_lower(rtnl) {
                    more.ask_for(dev, rtnl)?;
                }
                for dev in ipvlans() {
                    more.ask_for(dev, rtnl)?;
                }
            }
            Event::CHANGE_ADDR => {
                // That for everybody may be another one, too.
                compare_broadcasts(macvlans());
                compare_broadcasts(ipvlans());
                self.update_groups(rtnl);
                if self.is_passthru() {
                    if let Some(dev) = macvlans().next() {
                        Macvlan::sync_mac(dev, lower.mac(), rtnl)?;
                    }
                } else {
                    // Not all who change it ask before: bridges and VLANs do not.
                    macvlans().for_each(|dev| Macvlan::yield_mac(dev, lower, rtnl));
                }
                if let Some(dev) = self.led_by_lower(rtnl) {
                    dev.relay(Relayed::ChangeAddr, rtnl);
                }
                for dev in ipvlans() {
                    dev.write_mac(lower.mac(), rtnl);
                    dev.relay(Relayed::ChangeAddr, rtnl);
                }
            }
            Event::UNREGISTER => {
                if lower.is_unregistering() {
                    more.delete_links(macvlans(), rtnl);
                    more.delete_links(ipvlans(), rtnl);
                } else {
                    self.depart(rtnl);
                }
            }
            // The lower device has a port, so it was there before, in another namespace.
            Event::REGISTER => self.arrive(rtnl),
            Event::PRE_TYPE_CHANGE => return Err(EPERM),
            // A bond in mode balance-tlb or balance-alb, which has nothing else to say, has taken another
            // of its devices into use, and tells the switch of addresses of its own only. With others their
            // links' stacks announce themselves, where that is needed.
            Event::RESEND_IGMP if lower.bond_tells_switches() => {
                self.tell_where_links_are(Rcu::new(&rcu::read_lock()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// What endpoints of all flavors do when something happens to the device below.
fn follow<'a, T: NetDeviceOps>(
    endpoints: impl Iterator<Item = &'a Registered<Link<T>>>,
    lower: &NetDevice,
    event: Event,
    rtnl: &Rtnl,
) {
    match event {
        Event::UP | Event::DOWN | Event::CHANGE => {
            endpoints.for_each(|dev| dev.transfer_operstate(lower, rtnl));
        }
        Event::FEAT_CHANGE => endpoints.for_each(|dev| {
            dev.inherit_limits(lower, rtnl);
            dev.update_features(rtnl);
        }),
        Event::NOTIFY_PEERS => relay(endpoints, Relayed::NotifyPeers, rtnl),
        Event::BONDING_FAILOVER => relay(endpoints, Relayed::BondingFailover, rtnl),
        Event::RESEND_IGMP => relay(endpoints, Relayed::ResendIgmp, rtnl),
        _ => {}
    }
}

/// Has `dev`, if it is an endpoint of that flavor and up, follow its address for everybody: the core says
/// that one of its addresses has changed, and has its lists looked at at another change only.
fn follow_broadcast<T: Endpoint>(dev: &NetDevice, rtnl: &Rtnl) {
    let dev = downcast::<T>(dev).and_then(|dev| dev.registered(rtnl));
    if let Some(dev) = dev.filter(|dev| dev.is_up()) {
        if dev.data().has_other_broadcast(dev.broadcast()) {
            dev.set_rx_mode(rtnl);
        }
    }
}

/// The lower device may have another address for everybody.
fn compare_broadcasts<'a, T: Endpoint>(endpoints: impl Iterator<Item = &'a Registered<Link<T>>>) {
    for dev in endpoints.filter(|dev| dev.is_up()) {
        dev.data().follow_broadcast(dev.broadcast());
    }
}

fn relay<'a, T: NetDeviceOps>(
    endpoints: impl Iterator<Item = &'a Registered<Link<T>>>,
    event: Relayed,
    rtnl: &Rtnl,
) {
    endpoints.for_each(|dev| dev.relay(event, rtnl));
}
