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

use crate::{
    filter::{
        GroupFilter,
        Words, //
    },
    group,
    ipvlan::{
        self,
        address::{
            with_address,
            End, //
        },
        settings::{
            Flags,
            Mode as IpvlanMode, //
        },
        Ipvlan, //
    },
    macvlan::{
        self,
        settings::{
            DEFAULT_BC_CUTOFF,
            DEFAULT_BC_QUEUE_LEN, //
        },
        Macvlan, //
    },
    reach::{
        unicast,
        Party,
        Reach, //
    },
    tap::{
        self,
        Tap, //
    },
};
use abstractions::{
    context::{
        Bh,
        Rcu, //
    },
    net::{
        adjacency,
        dev_ref::DevRef,
        inet::IpAddr,
        ip_input::{
            Hooks,
            IpInput, //
        },
        ip_output::{
            Onward,
            Sender,
            Siblings, //
        },
        link_ops::{
            LinkOps,
            RxMode, //
        },
        link_table::{
            LinkTable,
            LockedLinkTable, //
        },
        mac::Mac,
        netdevice::{
            DevFlags,
            Link,
            NetDevice, //
        },
        nlattr::ExtAck,
        notifier::{
            Details,
            Event,
            Notifier, //
        },
        payload::Payload,
        registered::{
            Registered,
            Relayed, //
        },
        rtnl::Rtnl,
        rx_handler::{
            Deferred,
            Handler,
            Holder,
            RxContext,
            RxHandler,
            Verdict, //
        },
        skbuff::{
            EthFrame,
            RxSkb, //
        },
    },
};
use core::cmp::Ordering;
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        rcu,
        Arc, //
    },
};

/// What is unusual about a port when it comes to packets to one address: one of these, if anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusual(u32);

impl Unusual {
    const NOTHING: Self = Self(0);
    /// There may be somebody who listens to the sender.
    const SOURCES: Self = Self(1);
    /// There are no endpoints of flavor macvlan.
    const NO_MACVLAN: Self = Self(2);
    /// The only endpoint has the lower device to itself, and gets all.
    const PASSTHRU: Self = Self(3);
}

/// The endpoints of a lower device.
#[pin_data]
pub(crate) struct Port {
    lower: DevRef,
    /// All endpoints of flavor macvlan.
    endpoints: LinkTable<Macvlan>,
    /// Those that are up, by MAC address.
    pub(crate) macs: LinkTable<Macvlan>,
    /// Those in mode source, by the address of each sender they listen to.
    pub(crate) sources: LinkTable<Macvlan>,
    /// All endpoints of flavor ipvlan, by their device's number among them (`dev_id`).
    ip_endpoints: LinkTable<Ipvlan>,
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
    /// How many endpoints of flavor ipvlan want all groups that the lower device receives, without
    /// asking it for more.
    pub(crate) hear_all: Atomic<u32>,
    /// An endpoint has had an address of its own for everybody, for which nothing was asked of the
    /// lower device.
    odd_broadcast: Atomic<bool>,
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
        let held = DevRef::new(lower, rtnl)?;
        let port = Arc::pin_init(
            Handler::new(pin_init!(Self {
                lower: held,
                endpoints: LinkTable::new(),
                macs: LinkTable::new(),
                sources: LinkTable::new(),
                ip_endpoints: LinkTable::new(),
                addrs4 <- LockedLinkTable::new(),
                addrs6 <- LockedLinkTable::new(),
                next_dev_id: Atomic::new(1),
                l2: Atomic::new(0),
                l2_or_l3: Atomic::new(0),
                l3: Atomic::new(0),
                l3s: Atomic::new(0),
                hooked: Atomic::new(false),
                unusual: Atomic::new(Unusual::NO_MACVLAN.0),
                passthru: Atomic::new(false),
                changing_mac: Atomic::new(false),
                own_mac: Atomic::new(lower.mac().key()),
                trusted: Atomic::new(false),
                hear_all: Atomic::new(0),
                odd_broadcast: Atomic::new(false),
                groups: GroupFilter::new(0),
                deferred_groups: GroupFilter::new(0),
                bc_queue_len: Atomic::new(0),
                bc_queue_len_wanted_by: Atomic::new(0),
                bc_cutoff: Atomic::new(DEFAULT_BC_CUTOFF),
            })),
            GFP_KERNEL_ACCOUNT,
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

    /// The same for holders of RTNL; [`ENODEV`] if it is gone, which it is not as long as there are
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

    /// All endpoints of flavor macvlan.
    #[inline]
    pub(crate) fn endpoints(&self) -> &LinkTable<Macvlan> {
        &self.endpoints
    }

    /// All endpoints of flavor ipvlan.
    #[inline]
    pub(crate) fn ip_endpoints(&self) -> &LinkTable<Ipvlan> {
        &self.ip_endpoints
    }

    /// Whether there are any endpoints.
    pub(crate) fn is_used(&self) -> bool {
        self.has_macvlan() || self.has_ipvlan()
    }

    /// Whether there are endpoints of flavor macvlan.
    #[inline]
    pub(crate) fn has_macvlan(&self) -> bool {
        !self.endpoints.is_empty()
    }

    /// Whether there are endpoints of flavor ipvlan.
    #[inline]
    pub(crate) fn has_ipvlan(&self) -> bool {
        !self.ip_endpoints.is_empty()
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

    /// The endpoint that has an address, up or not.
    #[inline]
    pub(crate) fn holder<'a>(&'a self, addr: IpAddr, rcu: Rcu<'a>) -> Option<&'a Link<Ipvlan>> {
        match addr {
            IpAddr::V4(addr) => self.addrs4.find(addr.into(), rcu),
            IpAddr::V6(addr) => self.addrs6.find(addr, rcu),
        }
    }

    /// The endpoint whose address a packet is for, if it is up.
    #[inline(never)]
    pub(crate) fn dest_owner<'a>(
        &'a self,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        // No endpoint has addresses in a VLAN.
        if packet.is_in_vlan() {
            return None;
        }
        self.owner(packet, End::Dest, rcu)
    }

    /// The endpoint whose address a packet is from, if it is up.
    #[inline(never)]
    pub(crate) fn source_owner<'a>(
        &'a self,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        self.owner(packet, End::Source, rcu)
    }

    /// A packet whose MAC address is no endpoint's.
    #[inline]
    pub(crate) fn receive_by_ip<'a>(&'a self, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
        // Those in mode l3s get theirs through netfilter.
        if self.l2_or_l3.load(Relaxed) != 0 {
            ipvlan::receive_unicast(self, skb, cx)
        } else {
            Verdict::pass(skb)
        }
    }

    #[inline(always)]
    fn owner<'a>(
        &'a self,
        packet: Payload<'_>,
        end: End,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        with_address(packet, end, move |addr| {
            self.holder(addr, rcu).filter(|dev| dev.is_up())
        })
    }

    /// Adds an endpoint that has just been registered.
    pub(crate) fn join(
        &self,
        dev: &Registered<Link<Macvlan>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let lower = self.lower_rtnl(rtnl)?;
        self.endpoints.insert(dev.id(), dev, rtnl)?;
        dev.data().set_mixed(self.has_ipvlan(), rtnl);
        self.update_unusual(rtnl);
        // If this fails the device is unregistered, and leaves.
        self.add_bc_queue_len(dev.data().bc_queue_len(), rtnl);
        adjacency::link(lower, dev, ack, rtnl)
    }

    /// Takes an endpoint out, wherever it is. Does nothing if it is not there any more.
    pub(crate) fn leave(&self, dev: &Registered<Link<Macvlan>>, rtnl: &Rtnl) {
        dev.data().flush_sources(dev, rtnl);
        if self.endpoints.remove(dev.id(), dev, rtnl) {
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
    pub(crate) fn join_ip(
        this: &Handler<Self>,
        dev: &Registered<Link<Ipvlan>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let lower = this.lower_rtnl(rtnl)?;
        let id = this.free_dev_id().ok_or_else(|| {
            ack.refuse(
                ENOSPC,
                c"the lower device has as many links as there are numbers",
            )
        })?;
        this.next_dev_id
            .store(u32::from(id).wrapping_add(1), Relaxed);
        // An endpoint's mode is counted while the endpoint is in the table.
        let mode = dev.data().settings.mode();
        Self::enter_mode(this, mode, rtnl)?;
        if let Err(err) = this.ip_endpoints.insert(id.into(), dev, rtnl) {
            Self::leave_mode(this, mode, rtnl);
            return Err(err);
        }
        this.update_mixed(rtnl);
        dev.data().settings.set_trusted(this.is_trusted());
        dev.set_dev_id(id, rtnl);
        dev.data().dev_id.store(id.into(), Relaxed);
        this.add_bc_queue_len(DEFAULT_BC_QUEUE_LEN, rtnl);
        adjacency::link(lower, dev, ack, rtnl)
    }

    /// Takes an endpoint of flavor ipvlan out, wherever it is, but for its addresses. Does nothing if it
    /// is not there any more.
    pub(crate) fn leave_ip(this: &Handler<Self>, dev: &Registered<Link<Ipvlan>>, rtnl: &Rtnl) {
        let data = dev.data();
        let id = data.dev_id.load(Relaxed);
        if this.ip_endpoints.remove(id.into(), dev, rtnl) {
            adjacency::unlink(&this.lower, dev, rtnl);
            Self::leave_mode(this, data.settings.mode(), rtnl);
            this.update_mixed(rtnl);
            this.drop_bc_queue_len(DEFAULT_BC_QUEUE_LEN, rtnl);
        }
    }

    /// Whether endpoints of flavor ipvlan are trusted: then they send to whom they like, and have what
    /// addresses they like.
    pub(crate) fn is_trusted(&self) -> bool {
        self.trusted.load(Relaxed)
    }

    /// Changes that for all of them.
    pub(crate) fn set_trusted(&self, trusted: bool, rtnl: &Rtnl) {
        self.trusted.store(trusted, Relaxed);
        for dev in self.ip_endpoints.registered(rtnl) {
            dev.data().settings.set_trusted(trusted);
        }
    }

    /// Tells endpoints of flavor macvlan whether there are others, if that has changed.
    fn update_mixed(&self, rtnl: &Rtnl) {
        if self.ip_endpoints.len() <= 1 {
            for dev in self.endpoints.registered(rtnl) {
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
        Iterator::chain(first..=MAX_DEV_ID, 1..first).find(|id| {
            self.ip_endpoints
                .find((*id).into(), Rcu::new(&guard))
                .is_none()
        })
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
    }

    fn count_of(&self, mode: IpvlanMode) -> &Atomic<u32> {
        match mode {
            IpvlanMode::L3S => &self.l3s,
            IpvlanMode::L3 => &self.l3,
            _ => &self.l2,
        }
    }

    /// Has what endpoints in mode l3s receive go through netfilter of the lower device's namespace.
    fn hook(&self, rtnl: &Rtnl) -> Result {
        if !self.hooked.load(Relaxed) {
            Hooks::<Self>::enable(self.lower_rtnl(rtnl)?.net(rtnl), rtnl)?;
            self.hooked.store(true, Relaxed);
        }
        Ok(())
    }

    fn unhook(&self, rtnl: &Rtnl) {
        if self.hooked.load(Relaxed) {
            self.hooked.store(false, Relaxed);
            // Those of a namespace that is gone went with it.
            if let Ok(lower) = self.lower_rtnl(rtnl) {
                Hooks::<Self>::disable(lower.net(rtnl), rtnl);
            }
        }
    }

    /// The lower device is about to leave its namespace, and to lose its address lists.
    fn depart(&self, rtnl: &Rtnl) {
        self.unhook(rtnl);
        for dev in self.endpoints.registered(rtnl).filter(|dev| dev.is_up()) {
            dev.unsync_from_lower(rtnl);
        }
        for dev in self.ip_endpoints.registered(rtnl).filter(|dev| dev.is_up()) {
            dev.unsync_from_lower(rtnl);
        }
    }

    /// The lower device has come to another namespace.
    fn arrive(&self, rtnl: &Rtnl) {
        for dev in self.endpoints.registered(rtnl).filter(|dev| dev.is_up()) {
            Macvlan::ask_again(dev, rtnl);
            dev.sync_to_lower(rtnl);
        }
        for dev in self.ip_endpoints.registered(rtnl).filter(|dev| dev.is_up()) {
            dev.sync_to_lower(rtnl);
        }
        self.update_groups();
        if self.has_l3s() && self.hook(rtnl).is_err() {
            // Nobody can be told but the reader of the log: the move has happened.
            self.lower
                .log_error(c"no netfilter hooks: links in mode l3s do not receive");
        }
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

    /// Computes how many group packets may be put off.
    pub(crate) fn update_bc_queue_len(&self, rtnl: &Rtnl) {
        let mut longest = (0, 0);
        for dev in self.endpoints.registered(rtnl) {
            longest = longer(longest, dev.data().bc_queue_len());
        }
        for _ in 0..self.ip_endpoints.len() {
            longest = longer(longest, DEFAULT_BC_QUEUE_LEN);
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

    /// One endpoint that wanted that is gone.
    fn drop_bc_queue_len(&self, wanted: u32, rtnl: &Rtnl) {
        // Only the last of the most demanding ones leaves less to be wanted.
        if wanted == self.bc_queue_len.load(Relaxed) {
            let by = self.bc_queue_len_wanted_by.load(Relaxed).saturating_sub(1);
            self.bc_queue_len_wanted_by.store(by, Relaxed);
            if by == 0 {
                self.update_bc_queue_len(rtnl);
            }
        }
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

    /// What is to be received by an endpoint has changed.
    pub(crate) fn set_rx_mode(&self, dev: &NetDevice, lists: &RxMode<'_>) {
        lists.sync_to_lower();
        let everybody = dev.broadcast();
        if everybody != Mac::BROADCAST && everybody != self.lower.broadcast() {
            self.odd_broadcast.store(true, Relaxed);
        }
        self.update_groups();
    }

    /// Computes anew which groups endpoints listen to, from what the lower device was asked for.
    pub(crate) fn update_groups(&self) {
        let cutoff = self.bc_cutoff();
        let all = self
            .lower
            .flags()
            .any(DevFlags::PROMISC.with(DevFlags::ALLMULTI))
            || self.hear_all.load(Relaxed) != 0;
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
            // Endpoints hear it whatever the lower device takes for everybody's address.
            for mac in [Mac::BROADCAST, self.lower.broadcast()] {
                self.groups.add_to(&mut groups, mac);
                self.deferred_groups.add_to(&mut deferred, mac);
            }
        }
        if self.odd_broadcast.load(Relaxed) {
            groups = Words::ALL;
        }
        if cutoff < 0 {
            deferred = Words::NONE;
        }
        self.groups.store(groups);
        self.deferred_groups.store(deferred);
    }

    /// The lower device may not take the address of an endpoint, whose packets would be told from its
    /// own, and from those of endpoints of flavor ipvlan, by nothing. [`EADDRINUSE`].
    fn check_new_mac(&self, more: &Details<'_>) -> Result {
        let Some(mac) = more.new_mac() else {
            return Ok(());
        };
        // In mode passthru it is the endpoint's, too.
        if self.is_passthru() {
            return Ok(());
        }
        let guard = rcu::read_lock();
        match self.macs.find(mac.key(), Rcu::new(&guard)) {
            Some(_) => Err(more.refuse(
                EADDRINUSE,
                c"a link on the device has that address; take it down, or change its address",
            )),
            None => Ok(()),
        }
    }

    /// The passthru endpoint, when the lower device's address changes, and so its own. Not if it was
    /// asked for another one: then the core tells of it.
    fn led_by_lower<'a>(&'a self, rtnl: &'a Rtnl) -> Option<&'a Registered<Link<Macvlan>>> {
        let follows = self.is_passthru() && !self.changing_mac.load(Relaxed);
        follows.then(|| self.endpoints.registered(rtnl).next())?
    }

    /// Something happened to the lower device.
    fn event(
        &self,
        event: Event,
        lower: &Registered<NetDevice>,
        more: &Details<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let endpoints = || self.endpoints.registered(rtnl);
        let ip_endpoints = || self.ip_endpoints.registered(rtnl);
        follow(endpoints(), lower, event, rtnl);
        follow(ip_endpoints(), lower, event, rtnl);
        match event {
            Event::CHANGE_MTU => {
                let mtu = lower.mtu();
                endpoints()
                    .filter(|dev| dev.mtu() > mtu)
                    .for_each(|dev| dev.follow_mtu(mtu, rtnl));
                ip_endpoints()
                    .filter(|dev| dev.mtu() != mtu)
                    .for_each(|dev| dev.follow_mtu(mtu, rtnl));
            }
            Event::PRE_CHANGE_ADDR => {
                self.check_new_mac(more)?;
                if let Some(dev) = self.led_by_lower(rtnl) {
                    more.ask_for(dev, rtnl)?;
                }
                for dev in ip_endpoints() {
                    more.ask_for(dev, rtnl)?;
                }
            }
            Event::CHANGE_ADDR => {
                if self.is_passthru() {
                    if let Some(dev) = endpoints().next() {
                        Macvlan::sync_mac(dev, lower.mac(), rtnl)?;
                    }
                }
                if let Some(dev) = self.led_by_lower(rtnl) {
                    dev.relay(Relayed::ChangeAddr, rtnl);
                }
                for dev in ip_endpoints() {
                    dev.write_mac(lower.mac(), rtnl);
                    dev.relay(Relayed::ChangeAddr, rtnl);
                }
            }
            Event::UNREGISTER => {
                if lower.is_unregistering() {
                    more.delete_links(endpoints(), rtnl);
                    more.delete_links(ip_endpoints(), rtnl);
                } else {
                    self.depart(rtnl);
                }
            }
            // The lower device has a port, so it was there before, in another namespace.
            Event::REGISTER => self.arrive(rtnl),
            Event::PRE_TYPE_CHANGE => return Err(EPERM),
            // A bond in mode balance-tlb or balance-alb, which has nothing else to say, has taken another
            // of its devices into use, and tells the switch of addresses of its own only.
            Event::RESEND_IGMP => endpoints()
                .filter(|dev| dev.is_up())
                .for_each(|dev| dev.announce_on(lower, rtnl)),
            _ => {}
        }
        Ok(())
    }
}

/// The highest number that an endpoint of flavor ipvlan can have: the ones above mean all and none.
const MAX_DEV_ID: u16 = 0xfffd;

/// What endpoints of all flavors do when something happens to the device below.
fn follow<'a, T: LinkOps>(
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

fn relay<'a, T: LinkOps>(
    endpoints: impl Iterator<Item = &'a Registered<Link<T>>>,
    event: Relayed,
    rtnl: &Rtnl,
) {
    endpoints.for_each(|dev| dev.relay(event, rtnl));
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
    if Handler::<Tap>::of(lower, rtnl).is_some() {
        return c"the lower device is a tap, whose packets are for who reads it";
    }
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

impl RxHandler for Port {
    /// To endpoints.
    const PASSES_ON: bool = true;

    /// A packet that the lower device received: by MAC address it goes to an endpoint, to several, or
    /// on; then by IP address to an endpoint, or on to the lower device's own stack.
    #[inline]
    fn receive<'a>(this: &'a Handler<Self>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
        let dest = skb.dest();
        if dest.is_multicast() {
            return group::receive(this, skb, cx);
        }
        let mut skb = skb;
        let unusual = Unusual(this.unusual.load(Relaxed));
        if unusual != Unusual::NOTHING {
            if unusual == Unusual::SOURCES {
                let Some(rest) = macvlan::copy_to_listeners(this, skb, cx) else {
                    return Verdict::CONSUMED;
                };
                skb = rest;
            } else if unusual == Unusual::NO_MACVLAN {
                return this.receive_by_ip(skb, cx);
            } else {
                return macvlan::receive_passthru(this, skb, cx);
            }
        }
        macvlan::receive_unicast(this, skb, dest, cx)
    }

    fn deferred<'a>(this: &'a Handler<Self>, skb: &RxSkb<'a>, note: [u64; 2], cx: &Deferred<'a>) {
        group::receive_deferred(this, skb, note, cx);
    }
}

impl IpInput for Port {
    type Upper = Ipvlan;

    #[inline]
    fn input_dev<'a>(
        this: &'a Handler<Self>,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        if !this.has_l3s() {
            return None;
        }
        this.dest_owner(packet, rcu)
            .filter(|dev| dev.data().settings.mode() == IpvlanMode::L3S)
    }

    #[inline]
    fn received(dev: &Link<Ipvlan>, len: u32, bh: Bh<'_>) {
        dev.data().stats.count_rx(len, false, bh);
    }
}

impl Siblings for Port {
    type Upper = Ipvlan;

    #[inline]
    fn onward<'a>(
        this: &'a Handler<Self>,
        sender: Sender,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Onward<'a, Ipvlan> {
        let Some(dev) = this.dest_owner(packet, rcu) else {
            return Onward::Out;
        };
        let flags = match sender {
            Sender::Direct => Flags::BRIDGE,
            Sender::Nobody => Flags::PRIVATE,
            Sender::Wire => Flags::VEPA,
        };
        match unicast(Party::Ipvlan(IpvlanMode::L3, flags), dev.data().party()) {
            Reach::Direct => Onward::To(dev),
            Reach::Out => Onward::Out,
            Reach::Nowhere => Onward::Nowhere,
        }
    }

    fn deliver(dev: &Link<Ipvlan>, frame: EthFrame<'_>, rcu: Rcu<'_>, bh: Bh<'_>) {
        ipvlan::receive_from_sibling(dev, frame, rcu, bh);
    }
}

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
        if let Some(port) = Handler::<Port>::of(dev, rtnl) {
            port.event(event, dev, more, rtnl)?;
        }
        tap::event(event, dev, rtnl)
    }
}
