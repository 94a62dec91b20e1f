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
//! sees what the lower device receives, and is told what happens to it.

mod groups;
mod host;
mod known;
mod learning;
mod lookup;
mod members;

use crate::{
    endpoint::{
        Ipvlan,
        Macvlan, //
    },
    filter::GroupFilter,
    limits::copies::Copies,
    macvlan::settings::DEFAULT_BC_CUTOFF,
    refusal::Refusal,
    tap::Tap, //
};
use abstractions::net::{
    dev_ref::DevRef,
    link_table::{
        LinkTable,
        LockedLinkTable, //
    },
    netdevice::NetDevice,
    nlattr::ExtAck,
    rcu_box::RcuBox,
    registered::Registered,
    rtnl::Rtnl,
    rx_handler::{
        Handler,
        RxHandlerOwner, //
    },
};
use core::ops::Deref;
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    },
};

pub(crate) use known::Owner;

/// What is unusual about a port when it comes to packets to one address: one of these, if anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusual(u32);

impl Unusual {
    pub(crate) const NOTHING: Self = Self(0);

    /// There may be somebody who listens to the sender.
    pub(crate) const SOURCES: Self = Self(1);

    /// There are no endpoints of flavor macvlan.
    pub(crate) const NO_MACVLAN: Self = Self(2);

    /// The only endpoint has the lower device to itself, and gets all.
    pub(crate) const PASSTHRU: Self = Self(3);
}

/// The endpoints of a lower device.
#[pin_data]
pub(crate) struct Port {
    lower: DevRef,
    /// All endpoints of flavor macvlan.
    macvlans: LinkTable<Macvlan>,
    /// Those that are up, by MAC address.
    pub(crate) macs: LinkTable<Macvlan>,
    /// Those in mode source, by the address of each sender they listen to.
    pub(crate) sources: LinkTable<Macvlan>,
    /// All endpoints of flavor ipvlan, by their device's number among them (`dev_id`).
    ipvlans: LinkTable<Ipvlan>,
    /// The same by IPv4 address, up or not.
    #[pin]
    pub(crate) addrs4: LockedLinkTable<Ipvlan, u64>,
    /// And by IPv6 address.
    #[pin]
    pub(crate) addrs6: LockedLinkTable<Ipvlan, u128>,
    /// Which number to try next.
    next_dev_id: Atomic<u32>,
    /// How many of them are in mode l2.
    l2: Atomic<u32>,
    /// As many, or more than there can be where packets to groups do not just go to all who listen.
    l2_or_quiet: Atomic<u32>,
    /// How many of them are in modes l2 or l3, which do not leave what they receive to netfilter.
    l2_or_l3: Atomic<u32>,
    /// How many of them are in mode l3.
    l3: Atomic<u32>,
    /// How many of them are in mode l3s.
    l3s: Atomic<u32>,
    /// Whether the namespace of the lower device has its hooks for them.
    hooked: Atomic<bool>,
    /// What follows from that for packets to one address: an [`Unusual`].
    unusual: Atomic<u32>,
    /// The only endpoint has the lower device to itself.
    passthru: Atomic<bool>,
    /// The lower device's address is being changed by its passthru endpoint.
    pub(crate) changing_mac: Atomic<bool>,
    /// The address that the lower device gets back from a passthru endpoint.
    own_mac: Atomic<u64>,
    /// Whether endpoints of flavor ipvlan are trusted.
    trusted: Atomic<bool>,
    /// Whether the host is a destination (`host on`).
    has_host: Atomic<bool>,
    /// Whether requests for known endpoints are kept from others (`suppress on`).
    suppresses: Atomic<bool>,
    /// Whether that is so, or `copies` are bounded: what packets to groups look at.
    is_quiet: Atomic<bool>,
    /// Endpoints of flavor macvlan by each IPv4 address that their guards list.
    listed4: LinkTable<Macvlan, u64>,
    /// And by each IPv6 address.
    listed6: LinkTable<Macvlan, u128>,
    /// How many copies of packets to groups are made in a second, if not any number.
    copies: RcuBox<Copies>,
    /// How many endpoints of flavor ipvlan want all groups that the lower device receives, without
    /// asking it for more.
    pub(crate) all_groups_wanted: Atomic<u32>,
    /// How many endpoints have an address of their own for everybody, for which nothing is asked of the
    /// lower device.
    odd_broadcasts: Atomic<u32>,
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
    /// # Errors
    ///
    /// [`EINVAL`] if the device is not one that can be shared, [`EBUSY`] if somebody else receives
    /// its packets, [`ENOMEM`].
    pub(crate) fn of_or_new(
        lower: &NetDevice,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result<PortRef> {
        if let Some(port) = Handler::of(lower, rtnl) {
            return Ok(port);
        }
        if !lower.is_ethernet(rtnl) {
            return Err(ack.refuse(Refusal::LowerNotEthernet));
        }
        let held = DevRef::new(lower, rtnl)?;
        let port = Arc::pin_init(
            Handler::new(pin_init!(Self {
                lower: held,
                macvlans: LinkTable::new(),
                macs: LinkTable::new(),
                sources: LinkTable::new(),
                ipvlans: LinkTable::new(),
                addrs4 <- LockedLinkTable::new(),
                addrs6 <- LockedLinkTable::new(),
                next_dev_id: Atomic::new(1),
                l2: Atomic::new(0),
                l2_or_quiet: Atomic::new(0),
                l2_or_l3: Atomic::new(0),
                l3: Atomic::new(0),
                l3s: Atomic::new(0),
                hooked: Atomic::new(false),
                unusual: Atomic::new(Unusual::NO_MACVLAN.0),
                passthru: Atomic::new(false),
                changing_mac: Atomic::new(false),
                own_mac: Atomic::new(lower.mac().key()),
                trusted: Atomic::new(false),
                has_host: Atomic::new(false),
                suppresses: Atomic::new(false),
                is_quiet: Atomic::new(false),
                listed4: LinkTable::new(),
                listed6: LinkTable::new(),
                copies: RcuBox::new(),
                all_groups_wanted: Atomic::new(0),
                odd_broadcasts: Atomic::new(0),
                groups: GroupFilter::new(0),
                deferred_groups: GroupFilter::new(0),
                bc_queue_len: Atomic::new(0),
                bc_queue_len_wanted_by: Atomic::new(0),
                bc_cutoff: Atomic::new(DEFAULT_BC_CUTOFF),
            })),
            GFP_KERNEL_ACCOUNT,
        )?;
        match Handler::attach(&port, lower, rtnl) {
            Ok(()) => {
                Self::start_telling(&port, rtnl);
                Ok(port)
            }
            Err(err) if err == EBUSY => Err(ack.refuse(who_has(lower, rtnl))),
            Err(err) if err == EINVAL => Err(ack.refuse(Refusal::LowerNotShared)),
            Err(err) => Err(err),
        }
    }

    /// The device below.
    #[inline]
    pub(crate) fn lower(&self) -> &NetDevice {
        &self.lower
    }

    /// The same for callers with RTNL; [`ENODEV`] if it is gone, which it is not as long as there are
    /// endpoints.
    pub(crate) fn lower_rtnl<'a>(&'a self, rtnl: &'a Rtnl) -> Result<&'a Registered<NetDevice>> {
        self.lower.registered(rtnl).ok_or(ENODEV)
    }

    /// Whether the only endpoint has the lower device to itself.
    #[inline]
    pub(crate) fn is_passthru(&self) -> bool {
        self.passthru.load(Relaxed)
    }

    /// Gives the lower device to the endpoint that is about to be the first and last.
    pub(crate) fn set_passthru(&self, rtnl: &Rtnl) {
        self.passthru.store(true, Relaxed);
        self.update_unusual(rtnl);
    }

    /// To be called when endpoints have come or gone, or what they listen to has changed.
    pub(crate) fn update_unusual(&self, _rtnl: &Rtnl) {
        let unusual = if self.is_passthru() {
            Unusual::PASSTHRU
        } else if !self.has_macvlan() {
            Unusual::NO_MACVLAN
        } else if !self.sources.is_empty() {
            Unusual::SOURCES
        } else {
            Unusual::NOTHING
        };
        self.unusual.store(unusual.0, Relaxed);
    }

    /// What is unusual, if anything.
    #[inline]
    pub(crate) fn unusual(&self) -> Unusual {
        Unusual(self.unusual.load(Relaxed))
    }

    /// All endpoints of flavor macvlan.
    #[inline]
    pub(crate) fn macvlans(&self) -> &LinkTable<Macvlan> {
        &self.macvlans
    }

    /// All endpoints of flavor ipvlan.
    #[inline]
    pub(crate) fn ipvlans(&self) -> &LinkTable<Ipvlan> {
        &self.ipvlans
    }

    /// Whether there are any endpoints.
    pub(crate) fn is_used(&self) -> bool {
        self.has_macvlan() || self.has_ipvlan()
    }

    /// Whether there are endpoints of flavor macvlan.
    #[inline]
    pub(crate) fn has_macvlan(&self) -> bool {
        !self.macvlans.is_empty()
    }

    /// Whether there are endpoints of flavor ipvlan.
    #[inline]
    pub(crate) fn has_ipvlan(&self) -> bool {
        !self.ipvlans.is_empty()
    }

    /// Whether there are endpoints in modes l2 or l3.
    #[inline]
    pub(crate) fn has_l2_or_l3(&self) -> bool {
        self.l2_or_l3.load(Relaxed) != 0
    }

    /// Whether there are endpoints in mode l3.
    #[inline]
    pub(crate) fn has_l3(&self) -> bool {
        self.l3.load(Relaxed) != 0
    }

    /// How many endpoints there are that may want packets to groups.
    #[inline]
    pub(crate) fn group_members(&self) -> u32 {
        self.macs.len().saturating_add(self.l2.load(Relaxed))
    }

    /// The same, or the largest number if these packets do not just go to all who listen: one comparison says
    /// whether there is anything about a packet but copies.
    #[inline]
    pub(crate) fn group_weight(&self) -> u32 {
        self.macs
            .len()
            .saturating_add(self.l2_or_quiet.load(Relaxed))
    }

    /// Whether there are endpoints that may want packets to groups.
    #[inline]
    pub(crate) fn has_group_members(&self) -> bool {
        self.has_macvlan() || self.l2.load(Relaxed) != 0
    }

    /// Whether there are endpoints in mode l3s.
    #[inline]
    pub(crate) fn has_l3s(&self) -> bool {
        self.l3s.load(Relaxed) != 0
    }

    /// Gives the lower device up if there is no endpoint left.
    pub(crate) fn close_if_unused(port: &PortRef, rtnl: &Rtnl) {
        if port.is_used() {
            return;
        }
        Handler::detach(port, &port.lower, rtnl);
    }

    /// Remembers the address that the lower device has now as its own.
    pub(crate) fn remember_own_mac(&self, _rtnl: &Rtnl) {
        self.own_mac.store(self.lower.mac().key(), Relaxed);
    }
}

/// A port that is given up when this goes out of scope, unless it has endpoints by then.
pub(crate) struct OpenPort<'a> {
    port: PortRef,
    rtnl: &'a Rtnl,
}

impl<'a> OpenPort<'a> {
    pub(crate) fn new(port: PortRef, rtnl: &'a Rtnl) -> Self {
        Self { port, rtnl }
    }
}

impl Deref for OpenPort<'_> {
    type Target = PortRef;

    fn deref(&self) -> &PortRef {
        &self.port
    }
}

impl Drop for OpenPort<'_> {
    fn drop(&mut self) {
        Port::close_if_unused(&self.port, self.rtnl);
    }
}

/// Who has the lower device, and what to do about it.
fn who_has(lower: &NetDevice, rtnl: &Rtnl) -> Refusal {
    if Handler::<Tap>::of(lower, rtnl).is_some() {
        return Refusal::LowerIsTap;
    }
    match RxHandlerOwner::of(lower, rtnl) {
        RxHandlerOwner::Bridge => Refusal::LowerInBridge,
        RxHandlerOwner::Bond => Refusal::LowerInBond,
        RxHandlerOwner::Team => Refusal::LowerInTeam,
        RxHandlerOwner::Macvlan => Refusal::LowerHasCMacvlan,
        RxHandlerOwner::OpenVswitch => Refusal::LowerInOpenVswitch,
        RxHandlerOwner::Other => Refusal::LowerInUse,
    }
}
