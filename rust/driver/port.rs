// SPDX-License-Identifier: GPL-2.0

//! What links with a lower device share: one port for each lower device.
//!
//! ```text
//!       m0        m1        m2         endpoints, each with a mode of its own
//!        \         |         /
//!       +---------------------+
//!       | port: MAC -> link   |        tables that packets look up under RCU
//!       +---------------------+
//!                  | rx_handler        the one that a device can have
//!          lower device (eth0)
//! ```
//!
//! A port is there as long as it has endpoints: the first one brings it, with the last one it goes. It
//! sees what the lower device receives, and hears what happens to it.

use crate::macvlan::{
    self,
    filter::{
        GroupFilter,
        Words, //
    },
    settings::DEFAULT_BC_CUTOFF,
    Macvlan, //
};
use abstractions::{
    context::Rcu,
    net::{
        adjacency,
        dev_ref::DevRef,
        link::delete_links,
        link_table::LinkTable,
        mac::Mac,
        netdevice::{
            DevFlags,
            Link,
            NetDevice, //
        },
        nlattr::ExtAck,
        notifier::{
            Event,
            Notifier, //
        },
        rtnl::Rtnl,
        rx_handler::{
            Handler,
            Holder,
            RxContext,
            RxHandler,
            Slot,
            Verdict, //
        },
        skbuff::RxSkb,
    },
};
use core::cmp::Ordering;
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    },
};

/// The endpoints of a lower device.
pub(crate) struct Port {
    lower: DevRef,
    /// All endpoints.
    endpoints: LinkTable<Macvlan>,
    /// Those that are up, by MAC address.
    pub(crate) macs: LinkTable<Macvlan>,
    /// Those in mode source, by the address of each sender they listen to.
    pub(crate) sources: LinkTable<Macvlan>,
    /// The only endpoint has the lower device to itself.
    passthru: Atomic<bool>,
    /// The lower device's address is being changed by its passthru endpoint.
    pub(crate) changing_mac: Atomic<bool>,
    /// The address that the lower device gets back from a passthru endpoint.
    own_mac: Atomic<u64>,
    /// Groups that endpoints listen to.
    pub(crate) groups: GroupFilter,
    /// Of these, those whose packets are put off because there may be many listeners.
    pub(crate) deferred_groups: GroupFilter,
    /// How many group packets may be put off: what the most demanding endpoints want.
    pub(crate) bc_queue_len: Atomic<u32>,
    /// How many endpoints those are.
    bc_queue_len_wanted_by: Atomic<u32>,
    /// Groups with more listeners than this are put off; with a negative number none are.
    bc_cutoff: Atomic<i32>,
}

/// A port as its endpoints refer to it.
pub(crate) type PortRef = Arc<Handler<Port>>;

impl Port {
    /// The port of `lower`, which is made if there is none.
    ///
    /// Errors: [`EINVAL`] if the device is not one that can be shared, [`EBUSY`] if somebody else
    /// receives its packets, [`ENOMEM`].
    pub(crate) fn of_or_new(
        lower: &NetDevice,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result<PortRef> {
        if let Some(port) = Handler::of(lower, rtnl) {
            return Ok(port);
        }
        if !lower.is_ethernet(rtnl) {
            return Err(ack.refuse(
                EINVAL,
                c"the lower device must be an Ethernet device, and not the loopback",
            ));
        }
        let port = Arc::pin_init(
            Handler::new(Self {
                lower: DevRef::new(lower, rtnl)?,
                endpoints: LinkTable::new(),
                macs: LinkTable::new(),
                sources: LinkTable::new(),
                passthru: Atomic::new(false),
                changing_mac: Atomic::new(false),
                own_mac: Atomic::new(lower.mac().key()),
                groups: GroupFilter::new(0),
                deferred_groups: GroupFilter::new(0),
                bc_queue_len: Atomic::new(0),
                bc_queue_len_wanted_by: Atomic::new(0),
                bc_cutoff: Atomic::new(DEFAULT_BC_CUTOFF),
            }),
            GFP_KERNEL,
        )?;
        match Handler::attach(&port, lower, rtnl) {
            Ok(()) => Ok(port),
            Err(err) if err == EBUSY => Err(ack.refuse(err, holder(lower, rtnl))),
            Err(err) if err == EINVAL => Err(ack.refuse(
                err,
                c"the lower device does not let others receive its packets (VRF, ipvlan or the like)",
            )),
            Err(err) => Err(err),
        }
    }

    /// The device below.
    #[inline]
    pub(crate) fn lower(&self) -> &NetDevice {
        &self.lower
    }

    /// Whether the only endpoint has the lower device to itself.
    #[inline]
    pub(crate) fn is_passthru(&self) -> bool {
        self.passthru.load(Relaxed)
    }

    /// Gives the lower device to the endpoint that is about to be the first and last.
    pub(crate) fn set_passthru(&self, _rtnl: &Rtnl) {
        self.passthru.store(true, Relaxed);
    }

    /// All endpoints.
    #[inline]
    pub(crate) fn endpoints(&self) -> &LinkTable<Macvlan> {
        &self.endpoints
    }

    /// Adds an endpoint that has just been registered.
    pub(crate) fn join(&self, dev: &Link<Macvlan>, ack: &mut ExtAck<'_>, rtnl: &Rtnl) -> Result {
        self.endpoints.insert(dev.id(), dev, rtnl)?;
        // If this fails the device is unregistered, and leaves.
        self.add_bc_queue_len(dev.data().bc_queue_len(), rtnl);
        adjacency::link(&self.lower, dev, ack, rtnl)
    }

    /// Takes an endpoint out, wherever it is. Does nothing if it is not there any more.
    pub(crate) fn leave(&self, dev: &Link<Macvlan>, rtnl: &Rtnl) {
        dev.data().flush_sources(dev, rtnl);
        if self.endpoints.remove(dev.id(), dev, rtnl) {
            adjacency::unlink(&self.lower, dev, rtnl);
            // Only the last of the most demanding ones leaves less to be wanted.
            if dev.data().bc_queue_len() == self.bc_queue_len.load(Relaxed) {
                let by = self.bc_queue_len_wanted_by.load(Relaxed).saturating_sub(1);
                self.bc_queue_len_wanted_by.store(by, Relaxed);
                if by == 0 {
                    self.update_bc_queue_len(rtnl);
                }
            }
        }
    }

    /// Gives the lower device up if there is no endpoint left.
    pub(crate) fn close_if_unused(port: &PortRef, rtnl: &Rtnl) {
        if !port.endpoints.is_empty() {
            return;
        }
        Handler::detach(port, &port.lower, rtnl);
        let own_mac = Mac::from_key(port.own_mac.load(Relaxed));
        if port.is_passthru() && port.lower.mac() != own_mac {
            // There is nobody to tell if it fails.
            let _ = port.lower.set_mac_address(own_mac, rtnl);
        }
    }

    /// Remembers the address that the lower device has now as its own.
    pub(crate) fn remember_own_mac(&self, _rtnl: &Rtnl) {
        self.own_mac.store(self.lower.mac().key(), Relaxed);
    }

    /// Computes how many group packets may be put off.
    pub(crate) fn update_bc_queue_len(&self, rtnl: &Rtnl) {
        let mut longest = (0, 0);
        for dev in self.endpoints.registered(rtnl) {
            longest = longer(longest, dev.data().bc_queue_len());
        }
        self.store_bc_queue_len(longest);
    }

    /// Takes one more endpoint's wish into account.
    fn add_bc_queue_len(&self, wanted: u32, _rtnl: &Rtnl) {
        let longest = (
            self.bc_queue_len.load(Relaxed),
            self.bc_queue_len_wanted_by.load(Relaxed),
        );
        self.store_bc_queue_len(longer(longest, wanted));
    }

    /// Packets look at the length, so it goes from the old to the new one in one step.
    fn store_bc_queue_len(&self, (longest, wanted_by): (u32, u32)) {
        self.bc_queue_len.store(longest, Relaxed);
        self.bc_queue_len_wanted_by.store(wanted_by, Relaxed);
    }

    /// From how many listeners on a group is put off.
    pub(crate) fn bc_cutoff(&self) -> i32 {
        self.bc_cutoff.load(Relaxed)
    }

    /// Changes that for all endpoints.
    pub(crate) fn set_bc_cutoff(&self, cutoff: i32, _rtnl: &Rtnl) {
        if cutoff != self.bc_cutoff() {
            self.bc_cutoff.store(cutoff, Relaxed);
            self.update_groups();
        }
    }

    /// Computes anew which groups endpoints listen to, from what the lower device was asked for.
    pub(crate) fn update_groups(&self) {
        let cutoff = self.bc_cutoff();
        let all = self
            .lower
            .flags()
            .any(DevFlags::PROMISC.with(DevFlags::ALLMULTI));
        let (mut groups, mut deferred) = (Words::NONE, Words::NONE);
        if all {
            (groups, deferred) = (Words::ALL, Words::ALL);
        } else {
            self.lower.for_each_mc(|mac, listeners| {
                if listeners > 0 {
                    self.groups.add_to(&mut groups, mac);
                }
                if i64::from(listeners) > cutoff.into() {
                    self.deferred_groups.add_to(&mut deferred, mac);
                }
            });
            self.groups.add_to(&mut groups, self.lower.broadcast());
            self.deferred_groups
                .add_to(&mut deferred, self.lower.broadcast());
        }
        if cutoff < 0 {
            deferred = Words::NONE;
        }
        self.groups.store(groups);
        self.deferred_groups.store(deferred);
    }

    /// Something happened to the lower device.
    fn event(&self, event: Event, rtnl: &Rtnl) -> Result {
        let endpoints = || self.endpoints.registered(rtnl);
        match event {
            Event::UP | Event::DOWN | Event::CHANGE => {
                endpoints().for_each(|dev| dev.transfer_operstate(&self.lower, rtnl));
            }
            Event::FEAT_CHANGE => endpoints().for_each(|dev| {
                dev.inherit_limits(&self.lower, rtnl);
                dev.update_features(rtnl);
            }),
            Event::CHANGE_MTU => {
                let mtu = self.lower.mtu();
                for dev in endpoints().filter(|dev| dev.mtu() > mtu) {
                    // Cannot fail but by somebody's veto, after which it is too large.
                    let _ = dev.set_mtu(mtu, rtnl);
                }
            }
            Event::CHANGE_ADDR if self.is_passthru() => {
                if let Some(dev) = endpoints().next() {
                    Macvlan::sync_mac(dev, self.lower.mac(), rtnl)?;
                }
            }
            // Not when it moves to another namespace.
            Event::UNREGISTER if self.lower.is_unregistering(rtnl) => {
                delete_links(endpoints(), rtnl);
            }
            Event::PRE_TYPE_CHANGE => return Err(EPERM),
            Event::NOTIFY_PEERS | Event::BONDING_FAILOVER | Event::RESEND_IGMP => {
                endpoints().for_each(|dev| dev.relay(event, rtnl));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The longest of several lengths and by how many it is wanted, with one more.
fn longer((longest, wanted_by): (u32, u32), wanted: u32) -> (u32, u32) {
    match wanted.cmp(&longest) {
        Ordering::Less => (longest, wanted_by),
        Ordering::Equal => (longest, wanted_by.saturating_add(1)),
        Ordering::Greater => (wanted, 1),
    }
}

/// Who has the lower device, and what to do about it.
fn holder(lower: &NetDevice, rtnl: &Rtnl) -> &'static CStr {
    match Holder::of(lower, rtnl) {
        Holder::Bridge => c"the lower device is a port of a bridge; use the bridge instead",
        Holder::Bond => c"the lower device is part of a bond; use the bond instead",
        Holder::Team => c"the lower device is a port of a team; use the team instead",
        Holder::Macvlan => c"the lower device has links of kind macvlan; delete them first",
        Holder::OpenVswitch => c"the lower device is a port of Open vSwitch",
        Holder::Other => {
            c"the lower device is in use by another driver (ipvlan, macsec or the like)"
        }
    }
}

static HANDLER: Slot<Port> = Slot::new();

impl RxHandler for Port {
    fn slot() -> &'static Slot<Self> {
        &HANDLER
    }

    /// A packet that the lower device received: by MAC address it goes to an endpoint, to several, or
    /// on to the lower device's own stack.
    #[inline]
    fn receive<'a>(this: &'a Handler<Self>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
        let dest = skb.dest();
        if dest.is_multicast() {
            macvlan::receive_group(this, skb, cx)
        } else {
            macvlan::receive_unicast(this, skb, dest, cx)
        }
    }

    fn deferred<'a>(this: &'a Handler<Self>, skb: &RxSkb<'a>, note: [u64; 2], rcu: Rcu<'a>) {
        macvlan::receive_deferred(this, skb, note, rcu);
    }
}

/// Passes what happens to devices on to their ports.
pub(crate) struct Events;

impl Notifier for Events {
    fn event(&self, event: Event, dev: &NetDevice, rtnl: &Rtnl) -> Result {
        match Handler::<Port>::of(dev, rtnl) {
            Some(port) => port.event(event, rtnl),
            None => Ok(()),
        }
    }
}
