// SPDX-License-Identifier: GPL-2.0

//! Flavor macvlan: links that share a lower device, each with a MAC address of its own.
//!
//! ```text
//!   transmit                                   receive, for the port
//!     |                                          |
//!   mode bridge?                               group? -----> group::receive: copies to those who
//!     | no    | yes                              |           listen, and on to the lower device
//!     |     group? copies to siblings          somebody listens to the sender? a copy to each
//!     |     a sibling's address?                 |
//!     |       | yes: as received by it         an endpoint's address?
//!     v       v                                  | no          | yes
//!   lower   sibling                            lower device's  the endpoint, as if
//!   device                                     own stack       received by it
//! ```
//!
//! Siblings are the endpoints of the same [`Port`]. An endpoint is found by its address while it is
//! up, see [`Macvlan::open`].

pub(crate) mod settings;

use crate::{
    config::{
        self,
        Flavor, //
    },
    filter::GroupFilter,
    group::{
        self,
        group_type,
        ETH_P_PAUSE, //
    },
    port::{
        Port,
        PortRef, //
    },
    reach::{
        unicast,
        Parties,
        Party,
        Reach, //
    },
    tap::{
        self,
        Tap,
        TapRef, //
    },
    transmit::{
        between,
        drop_tx,
        Endpoint, //
    },
};
use abstractions::{
    context::Rcu,
    net::{
        dev_ref::DevRef,
        ethtool::{
            DriverInfo,
            EthtoolOps,
            LinkSettings, //
        },
        features::Features,
        link::{
            downcast,
            ifla,
            Finished,
            FromCore,
            NewDevice,
            NewLinkParams,
            PrivFlags,
            SetupDevice,
            UnregisterList, //
        },
        link_ops::{
            LinkOps,
            OwnCounters,
            RxMode,
            Tx,
            XmitContext, //
        },
        mac::Mac,
        namespace::Net,
        netdevice::{
            DevFlags,
            Link,
            NetDevice, //
        },
        nlattr::{
            total_size,
            AttrWriter,
            Attrs,
            ExtAck,
            LinkAttrs,
            NestedAttrs, //
        },
        registered::Registered,
        rtnl::Rtnl,
        rx_handler::{
            Handler,
            RxContext,
            Verdict, //
        },
        skbuff::{
            DropReason,
            EthFrame,
            PacketType,
            RxSkb,
            SkBuff, //
        },
        stats::{
            LinkStats64,
            StackedStats, //
        },
    },
    random::random_u32,
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
    types::ScopeGuard, //
};
use settings::{
    Flags,
    FlagsCell,
    Mode,
    ModeCell,
    Settings,
    SourceChange, //
};

/// The data of one endpoint.
pub(crate) struct Macvlan {
    /// The lower device: the port's, too, but one step nearer.
    lower: DevRef,
    port: PortRef,
    mode: ModeCell,
    flags: FlagsCell,
    pub(crate) stats: StackedStats,
    /// With flavor macvtap, what is there instead of a stack.
    tap: Option<TapRef>,
    /// Groups that this endpoint listens to.
    pub(crate) groups: GroupFilter,
    /// The address by which packets find it, while it is up.
    hashed: Atomic<u64>,
    /// How many group packets it would like to be put off.
    bc_queue_len: Atomic<u32>,
    /// How many sources it listens to.
    sources: Atomic<u32>,
}

// --- Transmit ---------------------------------------------------------------

impl Macvlan {
    /// A packet in mode bridge: to the siblings that it is for, or out.
    #[inline]
    fn bridge_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        let frame = match skb.into_frame() {
            Ok(frame) => frame,
            Err(skb) => return Self::send_out(dev, skb, cx),
        };
        if frame.is_to_group() {
            let dest = frame.dest();
            return Self::group_xmit(frame, dev, dest, cx);
        }
        match dev.data().port.macs.find(frame.dest().key(), cx.rcu()) {
            Some(owner) => Self::send_to(frame, owner, dev, cx),
            None => Self::send_out(dev, frame.into_skb(), cx),
        }
    }

    /// The same with siblings of flavor ipvlan, which have the lower device's address.
    #[inline(never)]
    fn mixed_bridge_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        let frame = match skb.into_frame() {
            Ok(frame) => frame,
            Err(skb) => return Self::send_out(dev, skb, cx),
        };
        let dest = frame.dest();
        if dest.is_multicast() {
            return Self::group_xmit(frame, dev, dest, cx);
        }
        if let Some(owner) = this.port.macs.find(dest.key(), cx.rcu()) {
            return Self::send_to(frame, owner, dev, cx);
        }
        if dest != this.lower.mac() {
            return Self::send_out(dev, frame.into_skb(), cx);
        }
        let Some(owner) = this.port.dest_owner(frame.payload(), cx.rcu()) else {
            return Self::send_out(dev, frame.into_skb(), cx);
        };
        match unicast(Party::Macvlan(Mode::BRIDGE), owner.data().party()) {
            Reach::Direct => between(dev, owner, frame, cx),
            Reach::Out => Self::send_out(dev, frame.into_skb(), cx),
            Reach::Nowhere => drop_tx(dev, frame.into_skb(), DropReason::DEV_READY, cx),
        }
    }

    /// Hands a packet to the lower device, and counts what that says.
    #[inline]
    fn send_out(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        let len = skb.len();
        let status = skb.queue_xmit(&this.lower, cx.bh());
        if status.is_taken() {
            this.stats.count_tx(len, cx.bh());
        } else {
            this.stats.count_tx_dropped(cx.bh());
        }
        Tx::lower(status)
    }

    /// A frame to the address of `owner`.
    #[inline(never)]
    fn send_to(
        frame: EthFrame<'_>,
        owner: &Link<Self>,
        dev: &Link<Self>,
        cx: &XmitContext<'_>,
    ) -> Tx {
        const REACHED: Parties = Parties::reached_by(Party::Macvlan(Mode::BRIDGE));
        if REACHED.has(owner.data().party()) {
            between(dev, owner, frame, cx)
        } else {
            Self::send_out(dev, frame.into_skb(), cx)
        }
    }

    /// A packet to a group: a copy to each sibling in mode bridge that listens, and out.
    #[inline(never)]
    fn group_xmit(frame: EthFrame<'_>, dev: &Link<Self>, dest: Mac, cx: &XmitContext<'_>) -> Tx {
        if frame.protocol() != ETH_P_PAUSE {
            const HEARING: Parties = Parties::hearing(Party::Macvlan(Mode::BRIDGE));
            group::flood_siblings(&dev.data().port, HEARING, dev.id(), &frame, dest, cx);
        }
        Self::send_out(dev, frame.into_skb(), cx)
    }

    /// Says whether there are siblings of flavor ipvlan.
    pub(crate) fn set_mixed(&self, mixed: bool, _rtnl: &Rtnl) {
        self.mode.set_mixed(mixed);
    }

    /// What it is to others on the same lower device.
    #[inline(always)]
    pub(crate) fn party(&self) -> Party {
        Party::Macvlan(self.mode.get())
    }
}

impl Endpoint for Macvlan {
    #[inline(always)]
    fn lower(&self) -> &NetDevice {
        &self.lower
    }

    #[inline(always)]
    fn port(&self) -> &PortRef {
        &self.port
    }

    #[inline(always)]
    fn stats(&self) -> &StackedStats {
        &self.stats
    }
}

// --- Receive ----------------------------------------------------------------

/// A packet to one address that the lower device received.
#[inline]
pub(crate) fn receive_unicast<'a>(
    port: &'a Port,
    skb: RxSkb<'a>,
    dest: Mac,
    cx: &RxContext<'a>,
) -> Verdict<'a> {
    match port.macs.find(dest.key(), cx.rcu()) {
        Some(dev) if !dev.data().mode.get().is(Mode::SOURCE) && dev.is_up() => {
            deliver(dev, skb, cx)
        }
        _ => port.receive_by_ip(skb, cx),
    }
}

/// The same where the only endpoint has the lower device to itself.
#[inline(never)]
pub(crate) fn receive_passthru<'a>(
    port: &'a Port,
    skb: RxSkb<'a>,
    cx: &RxContext<'a>,
) -> Verdict<'a> {
    match port.endpoints().iter(cx.rcu()).next() {
        Some(dev) if dev.is_up() => deliver(dev, skb, cx),
        _ => Verdict::pass(skb),
    }
}

#[inline]
fn deliver<'a>(dev: &'a Link<Macvlan>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
    let this = dev.data();
    let len = skb.frame_len();
    match skb.deliver_to(dev, Some(PacketType::Host), cx.rcu()) {
        Some(skb) => {
            this.stats.count_rx(len, false, cx.bh());
            match &this.tap {
                None => Verdict::another(skb),
                Some(tap) => Tap::deliver(tap, &this.stats, skb, cx),
            }
        }
        None => {
            this.stats.count_rx_error(cx.bh());
            Verdict::CONSUMED
        }
    }
}

/// Gives a copy to each endpoint that listens to the sender, and the packet back, unless one of them
/// wants nobody else to have it.
#[inline(never)]
pub(crate) fn copy_to_listeners<'a>(
    port: &Port,
    skb: RxSkb<'a>,
    cx: &RxContext<'_>,
) -> Option<RxSkb<'a>> {
    let mut flags = Flags::NONE;
    let dest = skb.dest();
    port.sources.for_all(skb.source().key(), cx.rcu(), |dev| {
        let this = dev.data();
        flags = flags.with(this.flags.get());
        if !dev.is_up() {
            return;
        }
        let sent = skb.clone_to(dev, cx.rcu()).is_some_and(|copy| {
            let copy = if dest == dev.mac() {
                copy.of_type(PacketType::Host)
            } else {
                copy
            };
            copy.netif_rx(cx.bh()).is_ok()
        });
        if sent {
            this.stats.count_rx(skb.frame_len(), false, cx.bh());
        } else {
            this.stats.count_rx_error(cx.bh());
        }
    });
    if flags.has(Flags::NODST) {
        skb.drop_reason(DropReason::NOT_SPECIFIED);
        return None;
    }
    Some(skb)
}

/// A switch sent a group packet back to an endpoint that talks to no sibling: nobody else gets it.
pub(crate) fn return_to_sender<'a>(port: &'a Port, skb: RxSkb<'a>, cx: &RxContext<'a>) {
    let Some(sender) = port.macs.find(skb.source().key(), cx.rcu()) else {
        return skb.drop_reason(DropReason::NOT_SPECIFIED);
    };
    let stats = &sender.data().stats;
    let len = skb.frame_len();
    let kind = group_type(sender, skb.dest());
    let sent = skb
        .deliver_to(sender, Some(kind), cx.rcu())
        .is_some_and(|skb| skb.netif_rx(cx.bh()).is_ok());
    if sent {
        stats.count_rx(len, true, cx.bh());
    } else {
        stats.count_rx_error(cx.bh());
    }
}

// --- Creation and settings --------------------------------------------------

/// What an endpoint does itself, whatever is below.
const ALWAYS_ON: Features = Features::SG
    .with(Features::HW_CSUM)
    .with(Features::GSO_SOFTWARE)
    .with(Features::GSO_ROBUST)
    .with(Features::GSO_ENCAP_ALL);

/// What it has if the lower device does.
const INHERITED: Features = Features::SG
    .with(Features::HW_CSUM)
    .with(Features::HIGHDMA)
    .with(Features::FRAGLIST)
    .with(Features::GSO)
    .with(Features::TSO)
    .with(Features::LRO)
    .with(Features::TSO_ECN)
    .with(Features::TSO6)
    .with(Features::GRO)
    .with(Features::RXCSUM)
    .with(Features::VLAN_CTAG_FILTER)
    .with(Features::VLAN_STAG_FILTER);

impl Macvlan {
    /// Makes an endpoint, and the port if it is the first.
    ///
    /// Whatever fails, what was made before is undone: the device when the request ends, a port
    /// without endpoints when `opened` goes out of scope or the device leaves.
    pub(crate) fn newlink<'a>(
        mut dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        tap: Option<TapRef>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        let outer = params.attrs();
        let nest = params
            .data()
            .and_then(|data| data.attr(config::MACVLAN.id()));
        let settings = Settings::parse(nest, ack)?;
        let is_tap = tap.is_some();
        let mode = settings.mode.unwrap_or(Mode::BRIDGE);

        let lower = params.lower(rtnl).map_err(|err| {
            let msg = if err == EINVAL {
                c"a link of this flavor needs a lower device; name it with 'link'"
            } else {
                c"there is no such lower device"
            };
            ack.refuse(err, msg)
        })?;
        // An endpoint on an endpoint is one more on the same port.
        let port = match downcast::<Self>(lower) {
            Some(endpoint) => {
                let port = endpoint.data().port.clone();
                let net = port.lower_rtnl(rtnl)?.net(rtnl);
                if !dev.setup().link_net_capable(net, rtnl) {
                    return Err(ack.refuse(
                        EPERM,
                        c"the lower device is in another network namespace, where CAP_NET_ADMIN is required",
                    ));
                }
                check_mtu(&mut dev.setup(), outer, port.lower(), ack, rtnl)?;
                port
            }
            None => {
                check_mtu(&mut dev.setup(), outer, lower, ack, rtnl)?;
                Port::of_or_new(lower, ack, rtnl)?
            }
        };
        let opened = ScopeGuard::new_with_data(port, |port| Port::close_if_unused(&port, rtnl));
        let port: &PortRef = &opened;
        let lower = port.lower_rtnl(rtnl)?;

        if port.is_passthru() {
            return Err(ack.refuse(
                EINVAL,
                c"the lower device has a link in mode passthru, which does not share it",
            ));
        }
        if mode == Mode::PASSTHRU && port.is_used() {
            return Err(ack.refuse(
                EINVAL,
                c"mode passthru needs the lower device for itself, which has other links",
            ));
        }
        check_sources(&settings, mode, |_| 1, ack)?;

        let mut dev = dev.init(Ok::<Self, Error>(Self {
            lower: DevRef::new(lower, rtnl)?,
            port: port.clone(),
            mode: ModeCell::new(mode),
            flags: FlagsCell::new(settings.flags.unwrap_or(Flags::NONE)),
            stats: StackedStats::new()?,
            tap,
            // So that not all endpoints err about the same groups.
            groups: GroupFilter::new(random_u32()),
            hashed: Atomic::new(0),
            bc_queue_len: Atomic::new(
                settings
                    .bc_queue_len
                    .unwrap_or(settings::DEFAULT_BC_QUEUE_LEN),
            ),
            sources: Atomic::new(0),
        }))?;
        if mode == Mode::PASSTHRU {
            port.set_passthru(rtnl);
            dev.setup().inherit_address(lower, rtnl);
        } else if !outer.has(&ifla::ADDRESS) {
            dev.setup().set_random_address();
        }
        setup(&mut dev.setup(), lower, rtnl);
        if is_tap {
            tap::setup(&mut dev.setup(), params.attrs());
        }

        let dev = dev.register(rtnl)?;
        if let Some(tap) = dev.data().tap() {
            Handler::attach(tap, &dev, rtnl)?;
        }
        port.join(&dev, ack, rtnl)?;
        if let Some(change) = settings.sources {
            Self::change_sources(&dev, change, rtnl)?;
        }
        if let Some(cutoff) = settings.bc_cutoff {
            port.set_bc_cutoff(cutoff, rtnl);
        }
        dev.transfer_operstate(lower, rtnl);
        dev.linkwatch_fire_event(rtnl);
        dev.finish()
    }

    /// With flavor macvtap, what is there instead of a stack.
    pub(crate) fn tap(&self) -> Option<&TapRef> {
        self.tap.as_ref()
    }

    fn flavor(&self) -> Flavor {
        if self.tap.is_some() {
            Flavor::Macvtap
        } else {
            Flavor::Macvlan
        }
    }

    /// The length that this endpoint would like the port's queue of group packets to have.
    pub(crate) fn bc_queue_len(&self) -> u32 {
        self.bc_queue_len.load(Relaxed)
    }

    /// How many sources it listens to when that one was added.
    fn count_with(dev: &Link<Self>, mac: Mac) -> usize {
        let this = dev.data();
        let mut count = this.sources.load(Relaxed).saturating_add(1);
        let guard = rcu::read_lock();
        this.port
            .sources
            .for_all(mac.key(), Rcu::new(&guard), |listener| {
                if listener.id() == dev.id() {
                    count = count.saturating_sub(1);
                }
            });
        count as usize
    }

    fn add_source(dev: &Link<Self>, mac: Mac, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        match this.port.sources.insert(mac.key(), dev, rtnl) {
            Ok(()) => {
                let count = this.sources.load(Relaxed);
                this.sources.store(count.wrapping_add(1), Relaxed);
                this.port.update_unusual(rtnl);
                Ok(())
            }
            Err(err) if err == EEXIST => Ok(()),
            Err(err) => Err(err),
        }
    }

    /// Stops listening to anybody.
    pub(crate) fn flush_sources(&self, dev: &Link<Self>, rtnl: &Rtnl) {
        if self.sources.load(Relaxed) != 0 {
            self.port.sources.remove_all(dev, rtnl);
            self.sources.store(0, Relaxed);
            self.port.update_unusual(rtnl);
        }
    }

    fn change_sources(dev: &Link<Self>, change: SourceChange<'_>, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        match change {
            SourceChange::Add(mac) => Self::add_source(dev, mac, rtnl)?,
            SourceChange::Remove(mac) => {
                if this.port.sources.remove(mac.key(), dev, rtnl) {
                    let count = this.sources.load(Relaxed);
                    this.sources.store(count.saturating_sub(1), Relaxed);
                    this.port.update_unusual(rtnl);
                }
            }
            SourceChange::Flush => this.flush_sources(dev, rtnl),
            SourceChange::Set(first, list) => {
                this.flush_sources(dev, rtnl);
                if let Some(mac) = first {
                    Self::add_source(dev, mac, rtnl)?;
                }
                for (_, bytes) in list.into_iter().flat_map(NestedAttrs::iter) {
                    Self::add_source(dev, settings::source_mac(bytes)?, rtnl)?;
                }
            }
        }
        Ok(())
    }

    /// [`EADDRINUSE`] if the lower device or a sibling that is up has that address. Who it is goes to
    /// the kernel's log: a request that brings a link up has no other way to tell.
    fn check_mac_is_free(dev: &Link<Self>, mac: Mac) -> Result {
        let port = &dev.data().port;
        let guard = rcu::read_lock();
        let holder = if !port.is_passthru() && port.lower().mac() == mac {
            Some(port.lower())
        } else {
            port.macs
                .find(mac.key(), Rcu::new(&guard))
                .map(|sibling| &**sibling)
        };
        match holder {
            Some(holder) => {
                dev.log_conflict(holder);
                Err(EADDRINUSE)
            }
            None => Ok(()),
        }
    }

    /// Asks the lower device, which has forgotten, for what is for the endpoint, which is up.
    pub(crate) fn ask_again(dev: &Link<Self>, rtnl: &Rtnl) {
        let this = dev.data();
        let port = &this.port;
        if !port.is_passthru() {
            // Nobody is left to tell if it fails.
            let mac = Mac::from_key(this.hashed.load(Relaxed));
            let _ = port
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.uc_add(mac, rtnl));
        }
    }

    /// Has packets find the endpoint by another address, if it is up.
    pub(crate) fn sync_mac(dev: &Link<Self>, mac: Mac, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let port = &this.port;
        if dev.is_up() && mac.key() != this.hashed.load(Relaxed) {
            Self::check_mac_is_free(dev, mac)?;
            let lower = match port.is_passthru() {
                true => None,
                false => Some(port.lower_rtnl(rtnl)?),
            };
            if let Some(lower) = lower {
                lower.uc_add(mac, rtnl)?;
            }
            match (port.macs.insert(mac.key(), dev, rtnl), lower) {
                (Ok(()), _) => {
                    let old = Mac::from_key(this.hashed.load(Relaxed));
                    this.hashed.store(mac.key(), Relaxed);
                    dev.write_mac(mac, rtnl);
                    port.macs.remove(old.key(), dev, rtnl);
                    if let Some(lower) = lower {
                        let _ = lower.uc_del(old, rtnl);
                    }
                }
                (Err(err), Some(lower)) => {
                    let _ = lower.uc_del(mac, rtnl);
                    return Err(err);
                }
                // In mode passthru the lower device has the new address already, and packets find
                // the endpoint without: it follows, and stays in the table by its former one.
                (Err(_), None) => dev.write_mac(mac, rtnl),
            }
        } else {
            dev.write_mac(mac, rtnl);
        }
        if port.is_passthru() && !port.changing_mac.load(Relaxed) {
            port.remember_own_mac(rtnl);
        }
        Ok(())
    }
}

/// The MTU of a new endpoint is that of the lower device, or less.
fn check_mtu(
    dev: &mut SetupDevice<'_>,
    outer: &LinkAttrs<'_>,
    lower: &NetDevice,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result {
    if !outer.has(&ifla::MTU) {
        dev.set_mtu(lower.mtu());
    } else if dev.mtu() > lower.mtu() {
        return Err(ack.refuse(
            EINVAL,
            c"mtu must not be larger than that of the lower device",
        ));
    }
    dev.set_max_mtu(lower.max_mtu(rtnl));
    Ok(())
}

/// How many sources a link can listen to: with more there would be no room for the list in what the link
/// is shown by, whose attributes have lengths of 16 bits.
const MAX_SOURCES: usize = 5400;

/// Only in mode source there are sources, and not too many; `new_one` says how many more an address
/// would make.
fn check_sources(
    settings: &Settings<'_>,
    mode: Mode,
    new_one: impl FnOnce(Mac) -> usize,
    ack: &mut ExtAck<'_>,
) -> Result {
    let Some(change) = &settings.sources else {
        return Ok(());
    };
    if mode != Mode::SOURCE {
        return Err(ack.refuse(EINVAL, c"only mode source has a list of sources"));
    }
    let count = match change {
        SourceChange::Add(mac) => new_one(*mac),
        SourceChange::Remove(_) | SourceChange::Flush => 0,
        SourceChange::Set(first, list) => count_distinct(*first, *list)?,
    };
    if count > MAX_SOURCES {
        return Err(ack.refuse(ENOSPC, c"a link listens to up to 5400 sources"));
    }
    Ok(())
}

/// How many addresses a list will be, where one that is said twice counts once. A list that is short
/// enough anyway is not looked at.
fn count_distinct(first: Option<Mac>, list: Option<NestedAttrs<'_>>) -> Result<usize> {
    let said = || {
        let listed = list.into_iter().flat_map(NestedAttrs::iter);
        let listed = listed.filter_map(|(_, bytes)| settings::source_mac(bytes).ok());
        Iterator::chain(first.into_iter(), listed)
    };
    let count = said().count();
    if count <= MAX_SOURCES {
        return Ok(count);
    }
    let mut seen = KVVec::with_capacity(count, GFP_KERNEL)?;
    for mac in said() {
        if !seen.contains(&mac) {
            seen.push(mac, GFP_KERNEL)?;
        }
    }
    Ok(seen.len())
}

/// What a device on top of `lower` is like.
fn setup(dev: &mut SetupDevice<'_>, lower: &NetDevice, rtnl: &Rtnl) {
    // The lower device's queueing discipline may want the route.
    dev.clear_priv_flags(PrivFlags::XMIT_DST_RELEASE);
    dev.set_priv_flags(PrivFlags::UNICAST_FLT);
    dev.set_change_proto_down();
    dev.inherit_lower(lower, rtnl);
    dev.set_stacked_features(
        lower.features(rtnl).and(INHERITED).with(ALWAYS_ON),
        Features::LRO,
        lower.vlan_features(rtnl).and(INHERITED).with(ALWAYS_ON),
    );
}

#[vtable]
impl LinkOps for Macvlan {
    type Ethtool = Self;
    type Counters = OwnCounters;

    /// A packet's path; see the picture at the top.
    #[inline]
    fn start_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        if dev.data().mode.is_plain_bridge() {
            Self::bridge_xmit(dev, skb, cx)
        } else if dev.data().mode.get().is(Mode::BRIDGE) {
            Self::mixed_bridge_xmit(dev, skb, cx)
        } else {
            Self::send_out(dev, skb, cx)
        }
    }

    /// Has the lower device receive what is for the endpoint, and packets find it.
    fn open(dev: &Registered<Link<Self>>, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let port = &this.port;
        let lower = port.lower_rtnl(rtnl)?;
        let mac = dev.mac();
        let flags = dev.flags();
        let passthru = port.is_passthru();

        // Each step is undone if a later one fails.
        if !passthru {
            Self::check_mac_is_free(dev, mac)?;
            lower.uc_add(mac, rtnl)?;
        }
        let uc = ScopeGuard::new(|| {
            if !passthru {
                let _ = lower.uc_del(mac, rtnl);
            }
        });
        let allmulti = flags.any(DevFlags::ALLMULTI);
        if allmulti {
            lower.set_allmulti(true, rtnl)?;
        }
        let all_groups = ScopeGuard::new(|| {
            if allmulti {
                let _ = lower.set_allmulti(false, rtnl);
            }
        });
        let promisc = this.wants_promisc(flags);
        if promisc {
            lower.set_promiscuity(true, rtnl)?;
        }
        let everything = ScopeGuard::new(|| {
            if promisc {
                let _ = lower.set_promiscuity(false, rtnl);
            }
        });
        port.macs.insert(mac.key(), dev, rtnl)?;
        this.hashed.store(mac.key(), Relaxed);
        everything.dismiss();
        all_groups.dismiss();
        uc.dismiss();
        Ok(())
    }

    fn stop(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        let this = dev.data();
        let port = &this.port;
        let flags = dev.flags();

        port.macs.remove(this.hashed.load(Relaxed), dev, rtnl);
        dev.unsync_from_lower(rtnl);
        // One that is on its way out, too, forgets what it was asked for.
        let Ok(lower) = port.lower_rtnl(rtnl) else {
            return;
        };
        if this.wants_promisc(flags) {
            let _ = lower.set_promiscuity(false, rtnl);
        }
        if flags.any(DevFlags::ALLMULTI) {
            let _ = lower.set_allmulti(false, rtnl);
        }
        if !port.is_passthru() {
            let _ = lower.uc_del(dev.mac(), rtnl);
        }
    }

    fn change_rx_flags(dev: &Registered<Link<Self>>, changed: DevFlags, rtnl: &Rtnl) {
        let this = dev.data();
        let Ok(lower) = this.port.lower_rtnl(rtnl) else {
            return;
        };
        if !dev.is_up() {
            return;
        }
        if changed.any(DevFlags::ALLMULTI) {
            let _ = lower.set_allmulti(dev.flags().any(DevFlags::ALLMULTI), rtnl);
        }
        if changed.any(DevFlags::PROMISC) && !this.port.is_passthru() {
            let _ = lower.set_promiscuity(dev.flags().any(DevFlags::PROMISC), rtnl);
        }
    }

    fn set_rx_mode(dev: &Link<Self>, lists: &RxMode<'_>) {
        let this = dev.data();
        this.groups.follow(dev, lists);
        this.port.set_rx_mode(dev, lists);
    }

    fn set_mac_address(dev: &Registered<Link<Self>>, mac: Mac, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let port = &this.port;
        if dev.mac() == mac {
            return Ok(());
        }
        if port.is_passthru() {
            // The endpoint's own address follows when the lower device tells of its new one.
            port.changing_mac.store(true, Relaxed);
            let result = port
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.set_mac_address(mac, rtnl));
            port.changing_mac.store(false, Relaxed);
            return result;
        }
        Self::check_mac_is_free(dev, mac)?;
        Self::sync_mac(dev, mac, rtnl)
    }

    fn change_mtu(dev: &Registered<Link<Self>>, mtu: u32, rtnl: &Rtnl) -> Result {
        if mtu > dev.data().port.lower().mtu() {
            return Err(EINVAL);
        }
        dev.write_mtu(mtu, rtnl);
        Ok(())
    }

    fn fix_features(dev: &Registered<Link<Self>>, wanted: Features, rtnl: &Rtnl) -> Features {
        let wanted = wanted.with(Features::ALL_FOR_ALL);
        // Large receive offload is the lower device's, but can be refused here.
        let refused = Features::LRO.without(wanted);
        let lower = dev.data().port.lower().features(rtnl).without(refused);
        Features::increment(lower, wanted, wanted)
            .with(ALWAYS_ON)
            .and(ALWAYS_ON.with(INHERITED))
    }

    fn fdb_add(dev: &Registered<Link<Self>>, mac: Mac, replace: bool, rtnl: &Rtnl) -> Result {
        if mac.is_multicast() {
            if replace {
                return Err(EOPNOTSUPP);
            }
            return dev.mc_add_excl(mac, rtnl);
        }
        // Packets would not find the endpoint by it, unless it gets all.
        if replace || !dev.data().port.is_passthru() {
            return Err(EOPNOTSUPP);
        }
        dev.uc_add_excl(mac, rtnl)
    }

    fn fdb_del(dev: &Registered<Link<Self>>, mac: Mac, rtnl: &Rtnl) -> Result {
        if mac.is_multicast() {
            return dev.mc_del(mac, rtnl);
        }
        if !dev.data().port.is_passthru() {
            return Err(EOPNOTSUPP);
        }
        dev.uc_del(mac, rtnl)
    }

    fn get_stats64(dev: &Link<Self>, stats: &mut LinkStats64, _rcu: Rcu<'_>) {
        stats.add_stacked(&dev.data().stats);
    }

    #[inline]
    fn lower_dev(dev: &Link<Self>) -> &NetDevice {
        &dev.data().lower
    }

    fn uninit(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        let this = dev.data();
        if let Some(tap) = this.tap() {
            Tap::detach(tap, dev, rtnl);
        }
        let port = &this.port;
        port.leave(dev, rtnl);
        Port::close_if_unused(port, rtnl);
    }

    fn dellink(dev: &Registered<Link<Self>>, _list: &mut UnregisterList<'_>, rtnl: &Rtnl) {
        let this = dev.data();
        if let Some(tap) = this.tap() {
            Tap::detach(tap, dev, rtnl);
        }
        this.port.leave(dev, rtnl);
    }

    /// Checks everything that can be refused, then changes what the request says. What may still
    /// fail is the lower device's promiscuity, and memory for sources.
    fn changelink(
        dev: &Registered<Link<Self>>,
        _tb: &LinkAttrs<'_>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let this = dev.data();
        let port = &this.port;
        config::check_change(this.flavor(), data, ack)?;
        let nest = data.and_then(|data| data.attr(config::MACVLAN.id()));
        let settings = Settings::parse(nest, ack)?;
        let is_shared = settings.bc_queue_len.is_some() || settings.bc_cutoff.is_some();
        if is_shared && !dev.link_net_capable(port.lower_rtnl(rtnl)?.net(rtnl), rtnl) {
            return Err(ack.refuse(
                EPERM,
                c"settings of the port require CAP_NET_ADMIN in the network namespace of the lower device",
            ));
        }
        let mode = settings.mode.unwrap_or(this.mode.get());
        // What mode source takes, or copies, is also the host's, and that of links in other namespaces.
        let listens =
            settings.mode.is_some() || settings.flags.is_some() || settings.sources.is_some();
        let net = port.lower_rtnl(rtnl)?.net(rtnl);
        if mode == Mode::SOURCE && listens && !dev.link_net_capable(net, rtnl) {
            return Err(ack.refuse(
                EPERM,
                c"mode source requires CAP_NET_ADMIN in the network namespace of the lower device",
            ));
        }
        if (mode == Mode::PASSTHRU) != port.is_passthru() {
            return Err(ack.refuse(
                EINVAL,
                c"mode passthru is chosen when a link is made, for good",
            ));
        }
        check_sources(&settings, mode, |mac| Self::count_with(dev, mac), ack)?;

        if let Some(flags) = settings.flags {
            let toggled = flags.has(Flags::NOPROMISC) != this.flags.get().has(Flags::NOPROMISC);
            if toggled && port.is_passthru() && dev.is_up() {
                port.lower_rtnl(rtnl)?
                    .set_promiscuity(!flags.has(Flags::NOPROMISC), rtnl)?;
            }
            this.flags.set(flags);
        }
        if mode != Mode::SOURCE {
            this.flush_sources(dev, rtnl);
        }
        this.mode.set(mode);
        if let Some(len) = settings.bc_queue_len {
            this.bc_queue_len.store(len, Relaxed);
            port.update_bc_queue_len(rtnl);
        }
        if let Some(cutoff) = settings.bc_cutoff {
            port.set_bc_cutoff(cutoff, rtnl);
        }
        if let Some(change) = settings.sources {
            Self::change_sources(dev, change, rtnl)?;
        }
        Ok(())
    }

    fn get_size(dev: &Link<Self>, _rcu: Rcu<'_>) -> usize {
        let sources = dev.data().sources.load(Relaxed) as usize;
        let list = if sources == 0 {
            0
        } else {
            sources
                .saturating_mul(total_size(6))
                .saturating_add(total_size(0))
        };
        // Flavor, nest; flags; mode, number of sources, three of the queue.
        (total_size(4) * 6 + total_size(0) + total_size(2)).saturating_add(list)
    }

    fn fill_info(dev: &Link<Self>, msg: &mut AttrWriter<'_>, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let port = &this.port;
        msg.put_u32(&config::FLAVOR, this.flavor().number())?;
        msg.put_nest(&config::MACVLAN, |msg| {
            msg.put_u32(&settings::MODE, this.mode.get().number())?;
            msg.put_u16(&settings::FLAGS, this.flags.get().number())?;
            let count = this.sources.load(Relaxed);
            msg.put_u32(&settings::MACADDR_COUNT, count)?;
            if count != 0 {
                msg.put_nest(&settings::MACADDR_DATA, |msg| {
                    port.sources.for_each_key(dev, rtnl, |key| {
                        msg.put_bytes(&settings::MACADDR, &Mac::from_key(key).to_bytes())
                    })
                })?;
            }
            msg.put_u32(&settings::BC_QUEUE_LEN, this.bc_queue_len())?;
            let used = port.bc_queue_len.load(Relaxed);
            msg.put_u32(&settings::BC_QUEUE_LEN_USED_OUT, used)?;
            let cutoff = port.bc_cutoff();
            if cutoff != settings::DEFAULT_BC_CUTOFF {
                msg.put_s32(&settings::BC_CUTOFF, cutoff)?;
            }
            Ok(())
        })
    }

    fn get_link_net<'a>(dev: &Link<Self>, rtnl: &'a Rtnl, _rcu: Rcu<'_>) -> Option<&'a Net> {
        Some(dev.data().lower.registered(rtnl)?.net(rtnl))
    }
}

impl Macvlan {
    /// Whether the endpoint, when it is up, wants the lower device to receive everything.
    fn wants_promisc(&self, flags: DevFlags) -> bool {
        if self.port.is_passthru() {
            !self.flags.get().has(Flags::NOPROMISC)
        } else {
            flags.any(DevFlags::PROMISC)
        }
    }
}

impl EthtoolOps<Macvlan> for Macvlan {
    const DRIVER: DriverInfo = DriverInfo {
        driver: c"rnetvirt",
        version: c"1.0",
    };

    /// The lower device's.
    const LINK_SETTINGS: Option<LinkSettings> = None;
}
