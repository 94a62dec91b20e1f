// SPDX-License-Identifier: GPL-2.0

//! Links with a lower device: what all of them have, and what those of each flavor have beside it.
//!
//! What is done with them is elsewhere: where packets go in [`transmit`](crate::transmit) and
//! [`receive`](crate::receive), what users ask for with the flavors.

use crate::{
    drops::{
        Reason,
        Stats, //
    },
    filter::GroupFilter,
    guard::{
        self,
        Guard, //
    },
    ipvlan::settings::ModeCell as IpvlanModeCell,
    limits::{
        self,
        bucket::Moment,
        copies::Level,
        neighbours::is_about_neighbours,
        Limits, //
    },
    macvlan::{
        flags::FlagsCell,
        settings::ModeCell as MacvlanModeCell, //
    },
    port::{
        OpenPort,
        Port,
        PortRef, //
    },
    reach::Party,
    refusal::Refusal,
    tap::{
        Tap,
        TapRef, //
    },
    uapi::DROP_NAMES, //
};
use abstractions::{
    context::{
        Bh,
        Rcu, //
    },
    net::{
        dev_ref::DevRef,
        drop_trace::LostPacket,
        ethtool::{
            EthtoolOps,
            LinkSettings, //
        },
        ethtool_stats::{
            self,
            Per,
            StatSet, //
        },
        features::Features,
        link::{
            downcast,
            NewLinkParams,
            SetupDevice, //
        },
        mac::Mac,
        net_device_ops::NetDeviceOps,
        netdevice::{
            Link,
            NetDevice, //
        },
        nlattr::{
            Attr,
            ExtAck, //
        },
        payload::Payload,
        rcu_box::RcuBox,
        registered::Registered,
        rtnl::Rtnl,
        rx_handler::HAS_EGRESS, //
    },
    random::random_u32,
    time::monotonic_ns, //
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
        rcu, //
    },
};

/// Whom a link is compatible with where kind `rnetvirt` and the C drivers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compat {
    /// Kind `rnetvirt`.
    Rnetvirt,
    /// The C driver whose kind it is of.
    C,
}

/// What a new endpoint is to be, beside its settings.
pub(crate) struct Form {
    pub(crate) compat: Compat,
    pub(crate) tap: Option<TapRef>,
}

impl Form {
    /// An endpoint with a stack, or one with a tap instead. [`ENOMEM`].
    pub(crate) fn new(compat: Compat, is_tap: bool) -> Result<Self> {
        let tap = if is_tap {
            Some(Tap::new(lost_by)?)
        } else {
            None
        };
        Ok(Self { compat, tap })
    }
}

/// What endpoints of all flavors have.
pub(crate) struct Common {
    /// Whom it is compatible with.
    pub(crate) compat: Compat,
    /// The lower device: the port's, too, but one step nearer.
    pub(crate) lower: DevRef,
    /// What the endpoints of that device share.
    pub(crate) port: PortRef,
    /// What it has sent, received and lost.
    pub(crate) stats: Stats,
    /// With flavors macvtap and ipvtap, what is there instead of a stack.
    pub(crate) tap: Option<TapRef>,
    /// Groups that it listens to.
    pub(crate) groups: GroupFilter,
    /// Whether it is one of those that the port counts as `odd_broadcasts`.
    odd_broadcast: Atomic<bool>,
    /// What it may say that it is, if that is not anything.
    pub(crate) guard: RcuBox<Guard>,
    /// How much it may send and receive, if that is not anything.
    pub(crate) limits: RcuBox<Limits>,
    /// Whether these are about what it receives, too.
    has_rx_limits: Atomic<bool>,
    /// What it has had of its share of the port's copies.
    pub(crate) copied: Level,
}

impl Common {
    /// That of an endpoint that is to be made. [`ENOMEM`], or [`ENODEV`] if the lower device is gone.
    pub(crate) fn new(port: &PortRef, form: Form, rtnl: &Rtnl) -> Result<Self> {
        Ok(Self {
            compat: form.compat,
            lower: DevRef::new(port.lower_rtnl(rtnl)?, rtnl)?,
            port: port.clone(),
            stats: Stats::new()?,
            tap: form.tap,
            // So that not all endpoints err about the same groups.
            groups: GroupFilter::new(random_u32()),
            odd_broadcast: Atomic::new(false),
            guard: RcuBox::new(),
            limits: RcuBox::new(),
            copied: Level::new(),
            has_rx_limits: Atomic::new(false),
        })
    }

    /// Has the port know whether an endpoint with that address for everybody, which is up, needs more than the
    /// lower device is asked for.
    pub(crate) fn follow_broadcast(&self, everybody: Mac) {
        self.set_odd_broadcast(self.port.is_odd_broadcast(everybody));
    }

    /// Whether what it listens to follows from another address for everybody than that.
    pub(crate) fn has_other_broadcast(&self, everybody: Mac) -> bool {
        !self.groups.has(everybody)
            || self.odd_broadcast.load(Relaxed) != self.port.is_odd_broadcast(everybody)
    }

    /// It is not up any more. Returns whether the port's groups have to be computed anew.
    pub(crate) fn forget_broadcast(&self) -> bool {
        self.set_odd_broadcast(false)
    }

    fn set_odd_broadcast(&self, odd: bool) -> bool {
        let changes = self.odd_broadcast.xchg(odd, Relaxed) != odd;
        if changes {
            self.port.count_odd_broadcast(odd);
        }
        changes
    }

    /// Whether a packet is within what the endpoint may receive; if so, it has received it.
    #[inline(always)]
    pub(crate) fn may_receive(&self, packet: Payload<'_>, rcu: Rcu<'_>) -> Result<(), Reason> {
        if self.has_rx_limits.load(Relaxed) {
            self.ask_limits(packet, rcu)
        } else {
            Ok(())
        }
    }

    #[cold]
    #[inline(never)]
    fn ask_limits(&self, packet: Payload<'_>, rcu: Rcu<'_>) -> Result<(), Reason> {
        let Some(limits) = self.limits.get(rcu) else {
            return Ok(());
        };
        let (size, now) = (packet.wire_size(), Moment(monotonic_ns()));
        limits.receive(size, packet.len(), || is_about_neighbours(packet), now)
    }

    /// The limits that are set.
    pub(crate) fn limit_settings(&self) -> limits::settings::Settings {
        let section = rcu::read_lock();
        let limits = self.limits.get(Rcu::new(&section));
        limits.map(Limits::settings).unwrap_or_default()
    }

    /// Counts a packet that `dev`, whose data this is, has lost, and tells who traces that.
    #[cold]
    #[inline(never)]
    pub(crate) fn count_lost(
        &self,
        dev: &NetDevice,
        packet: LostPacket<'_>,
        reason: Reason,
        bh: Bh<'_>,
    ) {
        self.stats.count_lost(reason, bh);
        dev.trace_drop(&self.lower, packet, reason.name(), bh.rcu());
    }

    /// What is there instead of a stack, if that is so.
    pub(crate) fn tap(&self) -> Option<&TapRef> {
        self.tap.as_ref()
    }

    /// Nothing more of `dev`, whose data this is, goes to a tap.
    pub(crate) fn detach_tap(&self, dev: &NetDevice, rtnl: &Rtnl) {
        if let Some(tap) = self.tap() {
            Tap::detach(tap, dev, rtnl);
        }
    }
}

impl Common {
    /// Has the lower device receive all groups, or takes one such wish back. A lower device that is on its way
    /// out forgets what it was asked for, and says [`ENODEV`].
    pub(crate) fn set_lower_allmulti(&self, on: bool, rtnl: &Rtnl) -> Result {
        self.port.lower_rtnl(rtnl)?.set_allmulti(on, rtnl)
    }
}

/// The features of an endpoint where users want `wanted` and the device below has `lower`: some are `always` on, and
/// of those of the lower device it has what it can have.
pub(crate) fn stacked_features(
    lower: Features,
    wanted: Features,
    always: Features,
    inherited: Features,
) -> Features {
    let wanted = wanted.with(Features::ALL_FOR_ALL);
    Features::increment(lower, wanted, wanted)
        .with(always)
        .and(always.with(inherited))
}

/// A link with a lower device, of whatever flavor.
pub(crate) trait Endpoint: NetDeviceOps + Deref<Target = Common> {
    /// What it is to others on the same lower device.
    fn party(&self) -> Party;

    /// The number by which IPv6 tells it from others with its MAC address; zero if there are none.
    fn dev_id(&self) -> u16;

    /// Says whether it has a guard, or limits to what it sends.
    fn set_checked(&self, checked: bool, rtnl: &Rtnl);

    /// Has the host reach `dev` by the MAC address that it has now, if it has one of its own.
    fn let_host_know(dev: &Link<Self>, rtnl: &Rtnl);

    /// Has the port know `dev` by the addresses that `guard`, which it is to get, lists, if it does not know
    /// them otherwise. [`ENOMEM`].
    fn list(dev: &Registered<Link<Self>>, guard: &Guard, rtnl: &Rtnl) -> Result;

    /// Has the port forget those that only `old` lists.
    fn unlist(dev: &Registered<Link<Self>>, old: &Guard, rtnl: &Rtnl);
}

/// Refuses who does not administer the lower device of `dev`, whoever administers `dev`.
pub(crate) fn check_administers<E: Endpoint>(
    dev: &Registered<Link<E>>,
    refusal: Refusal,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result {
    let lower = dev.data().port.lower_rtnl(rtnl)?;
    if dev.link_net_capable(lower.net(rtnl), rtnl) {
        Ok(())
    } else {
        Err(ack.refuse(refusal))
    }
}

/// What of an endpoint's packets is to be looked at, as far as it changes: all that could be refused was
/// asked.
#[derive(Default)]
pub(crate) struct NewChecks {
    pub(crate) guard: Option<Option<KBox<Guard>>>,
    pub(crate) limits: Option<Option<KBox<Limits>>>,
}

/// Makes what the guard of `dev` is to be. Only for who administers the lower device, whoever administers this
/// one. [`ENOMEM`].
pub(crate) fn new_guard<E: Endpoint>(
    dev: &Registered<Link<E>>,
    settings: &guard::settings::Settings<'_>,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result<Option<KBox<Guard>>> {
    check_administers(dev, Refusal::GuardIsHosts, ack, rtnl)?;
    let this = dev.data();
    let mut guard = KBox::new(Guard::NONE, GFP_KERNEL_ACCOUNT)?;
    if let Some(old) = this.guard.get(Rcu::new(&rcu::read_lock())) {
        *guard = *old;
    }
    settings.change_list(&mut guard, ack)?;
    if let Some(rules) = settings.rules {
        let mac = (!E::MAC_IS_LOWERS).then(|| dev.mac());
        guard.set_rules(rules, mac, this.dev_id());
    }
    Ok((!guard.is_empty()).then_some(guard))
}

/// The same of its limits, `nest` being what a request says of them.
pub(crate) fn new_limits<E: Endpoint>(
    dev: &Registered<Link<E>>,
    nest: Attr<'_>,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result<Option<KBox<Limits>>> {
    check_administers(dev, Refusal::LimitsAreHosts, ack, rtnl)?;
    let settings = dev.data().limit_settings().with(nest, ack)?;
    if settings.is_none() {
        return Ok(None);
    }
    KBox::new(Limits::new(settings), GFP_KERNEL_ACCOUNT)
        .map(Some)
        .map_err(Error::from)
}

/// Has `dev` follow that. May sleep; [`ENOMEM`].
pub(crate) fn set_checks<E: Endpoint>(
    dev: &Registered<Link<E>>,
    new: NewChecks,
    rtnl: &Rtnl,
) -> Result {
    let this = dev.data();
    if let Some(guard) = new.guard {
        if let Some(guard) = &guard {
            E::list(dev, guard, rtnl)?;
        }
        if let Some(old) = this.guard.replace(guard, |_| {}, rtnl) {
            E::unlist(dev, &old, rtnl);
        }
    }
    if let Some(limits) = new.limits {
        let has_rx = limits.as_deref().is_some_and(Limits::has_rx);
        drop(this.limits.replace(limits, |_| {}, rtnl));
        this.has_rx_limits.store(has_rx, Relaxed);
    }
    // Last: a packet that does not see it may have come before.
    let section = rcu::read_lock();
    let limits = this.limits.get(Rcu::new(&section));
    this.set_checked(
        this.guard.is_some() || limits.is_some_and(Limits::has_tx),
        rtnl,
    );
    Ok(())
}

/// Checks whether who asks may have the host be a destination on the port of `dev`, or not any more, and
/// whether it can be one. What may fail afterwards is for want of memory.
pub(crate) fn check_host<E: Endpoint>(
    dev: &Registered<Link<E>>,
    on: bool,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result {
    check_administers(dev, Refusal::HostIsHosts, ack, rtnl)?;
    if on && dev.data().port.is_passthru() {
        return Err(ack.refuse(Refusal::HostIsPassthru));
    }
    if on && !HAS_EGRESS {
        return Err(ack.refuse(Refusal::HostNeedsEgress));
    }
    Ok(())
}

/// What `ethtool` can ask of endpoints.
pub(crate) enum EndpointEthtool {}

impl<E: Endpoint> EthtoolOps<E> for EndpointEthtool {
    /// The lower device's.
    const LINK_SETTINGS: Option<LinkSettings> = None;

    const STATS: &'static [&'static dyn StatSet<E>] = &[&ethtool_stats::Stats {
        per: Per::Device,
        names: DROP_NAMES,
        values: |dev: &Link<E>, _: u32, _: &Rtnl| dev.data().stats.all_lost(),
    }];
}

/// An endpoint of flavor macvlan or macvtap, found by its MAC address.
pub(crate) struct Macvlan {
    pub(crate) common: Common,
    pub(crate) mode: MacvlanModeCell,
    pub(crate) flags: FlagsCell,
    /// The address by which packets find it, while it is up; 0 if that has become the lower device's.
    pub(crate) hashed: Atomic<u64>,
    /// How many group packets it would like to be put off.
    pub(crate) bc_queue_len: Atomic<u32>,
    /// How many sources it listens to.
    pub(crate) sources: Atomic<u32>,
    /// The address by which the host reaches it: the one that it was made with, or had when who administers the
    /// lower device said `host on` of it last. By another the host does not reach it: that may be a gateway's.
    pub(crate) known_to_host: Atomic<u64>,
    /// By how many addresses the port knows it.
    pub(crate) listed: Atomic<u32>,
}

impl Deref for Macvlan {
    type Target = Common;

    #[inline(always)]
    fn deref(&self) -> &Common {
        &self.common
    }
}

impl Endpoint for Macvlan {
    /// What it is to others on the same lower device.
    #[inline(always)]
    fn party(&self) -> Party {
        Party::Macvlan(self.mode.get())
    }

    fn dev_id(&self) -> u16 {
        0
    }

    fn set_checked(&self, checked: bool, _rtnl: &Rtnl) {
        self.mode.set_checked(checked);
    }

    fn let_host_know(dev: &Link<Self>, _rtnl: &Rtnl) {
        dev.data().known_to_host.store(dev.mac().key(), Relaxed);
    }

    fn list(dev: &Registered<Link<Self>>, guard: &Guard, rtnl: &Rtnl) -> Result {
        dev.data().port.list(dev, guard, rtnl)
    }

    fn unlist(dev: &Registered<Link<Self>>, old: &Guard, rtnl: &Rtnl) {
        dev.data().port.unlist(dev, old, rtnl);
    }
}

impl Macvlan {
    /// Says whether there are siblings of flavor ipvlan.
    pub(crate) fn set_mixed(&self, mixed: bool, _rtnl: &Rtnl) {
        self.mode.set_mixed(mixed);
    }

    /// The length that this endpoint would like the port's queue of group packets to have.
    pub(crate) fn bc_queue_len(&self) -> u32 {
        self.bc_queue_len.load(Relaxed)
    }
}

/// An endpoint of flavor ipvlan or ipvtap, found by its IP addresses.
pub(crate) struct Ipvlan {
    pub(crate) common: Common,
    pub(crate) settings: IpvlanModeCell,
    /// Whether these are all.
    pub(crate) wants_all_groups: Atomic<bool>,
    /// Its number among the port's endpoints, by which the port keeps it.
    pub(crate) dev_id: Atomic<u32>,
    /// How many addresses of it are in the port's tables.
    pub(crate) addresses: Atomic<u32>,
}

impl Deref for Ipvlan {
    type Target = Common;

    #[inline(always)]
    fn deref(&self) -> &Common {
        &self.common
    }
}

impl Endpoint for Ipvlan {
    /// What it is to others on the same lower device.
    #[inline(always)]
    fn party(&self) -> Party {
        let (mode, flags) = self.settings.get();
        Party::Ipvlan(mode, flags)
    }

    fn dev_id(&self) -> u16 {
        u16::try_from(self.dev_id.load(Relaxed)).unwrap_or(0)
    }

    fn set_checked(&self, checked: bool, _rtnl: &Rtnl) {
        self.settings.set_checked(checked);
    }

    fn let_host_know(_dev: &Link<Self>, _rtnl: &Rtnl) {}

    /// The port's tables have the addresses that it has.
    fn list(_dev: &Registered<Link<Self>>, _guard: &Guard, _rtnl: &Rtnl) -> Result {
        Ok(())
    }

    fn unlist(_dev: &Registered<Link<Self>>, _old: &Guard, _rtnl: &Rtnl) {}
}

/// What all endpoints have of a device, if it is one.
pub(crate) fn common(dev: &NetDevice) -> Option<&Common> {
    if let Some(dev) = downcast::<Macvlan>(dev) {
        return Some(&dev.data().common);
    }
    Some(&downcast::<Ipvlan>(dev)?.data().common)
}

/// Counts a packet that `dev` has lost, and tells who traces that. Whatever is not delivered goes this way.
#[inline(always)]
pub(crate) fn lost<'a, E: Endpoint>(
    dev: &Link<E>,
    packet: impl Into<LostPacket<'a>>,
    reason: Reason,
    bh: Bh<'_>,
) {
    dev.data().count_lost(dev, packet.into(), reason, bh);
}

/// The same for who does not know of which flavor `dev` is.
#[cold]
pub(crate) fn lost_by(dev: &NetDevice, packet: LostPacket<'_>, reason: Reason, bh: Bh<'_>) {
    if let Some(this) = common(dev) {
        this.count_lost(dev, packet, reason, bh);
    }
}

/// The port that a new endpoint `dev` is to join, which is made if there is none.
///
/// An endpoint on an endpoint of the same type is one more on that one's port. `check` says whether the
/// lower device will do.
pub(crate) fn prepare<'a, T: Endpoint>(
    dev: &mut SetupDevice<'_>,
    params: &NewLinkParams<'_>,
    check: impl FnOnce(&mut SetupDevice<'_>, &NetDevice, &mut ExtAck<'_>) -> Result,
    ack: &mut ExtAck<'_>,
    rtnl: &'a Rtnl,
) -> Result<OpenPort<'a>> {
    let lower = params.lower(rtnl).map_err(|err| {
        ack.refuse(if err == EINVAL {
            Refusal::LowerMissing
        } else {
            Refusal::LowerUnknown
        })
    })?;
    let port = match downcast::<T>(lower) {
        Some(endpoint) => {
            let port = endpoint.data().port.clone();
            let net = port.lower_rtnl(rtnl)?.net(rtnl);
            if !dev.link_net_capable(net, rtnl) {
                return Err(ack.refuse(Refusal::LowerElsewhere));
            }
            check(dev, port.lower(), ack)?;
            port
        }
        None => {
            check(dev, lower, ack)?;
            Port::of_or_new(lower, ack, rtnl)?
        }
    };
    let port = OpenPort::new(port, rtnl);
    if port.is_passthru() {
        return Err(ack.refuse(Refusal::LowerIsTaken));
    }
    Ok(port)
}
