// SPDX-License-Identifier: GPL-2.0

//! Flavor ipvlan: links that share a lower device and its MAC address, each with IP addresses of its
//! own.
//!
//! ```text
//!   transmit, mode l2                    mode l3, l3s                    receive, for the port
//!     |                                    |                               |
//!   to our own MAC address?              an endpoint's address?          an endpoint's address?
//!     | no    | yes                        | no          | yes             | no          | yes
//!     |     an endpoint's address?         v             v                 v             v
//!     |       | no         | yes         routes of the  endpoint   lower device's    the endpoint,
//!     |     lower         endpoint       lower device's            own stack, and    as if received
//!     |     device's                     namespace                 for l3s, netfilter  by it
//!     v     own stack                                              before the endpoint
//!   a group: copies to siblings, and out
//!   else: lower device
//! ```
//!
//! Each endpoint has a mode and flags of its own. An endpoint is found by its addresses while it is up:
//! they are in the port's tables from when they are assigned on.

pub(crate) mod address;
pub(crate) mod settings;

use crate::{
    config::{
        self,
        Flavor, //
    },
    filter::GroupFilter,
    group::{
        self,
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
    context::{
        Bh,
        Gfp,
        Rcu, //
    },
    net::{
        dev_ref::DevRef,
        ethtool::{
            DriverInfo,
            EthtoolOps,
            LinkSettings, //
        },
        features::Features,
        inet::{
            AddrListener,
            IpAddr, //
        },
        ip_output::{
            route_and_send,
            route_and_send_checked,
            Sender, //
        },
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
            LinkAttrs, //
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
            RxSkb,
            SkBuff,
            XmitStatus, //
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
            ordering::{
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        rcu, //
    },
    types::ScopeGuard, //
};
use settings::{
    Flags,
    Mode,
    ModeCell,
    Settings, //
};

/// The data of one endpoint.
pub(crate) struct Ipvlan {
    /// The lower device: the port's, too, but one step nearer.
    lower: DevRef,
    port: PortRef,
    pub(crate) settings: ModeCell,
    pub(crate) stats: StackedStats,
    /// With flavor ipvtap, what is there instead of a stack.
    tap: Option<TapRef>,
    /// Groups that this endpoint listens to.
    pub(crate) groups: GroupFilter,
    /// Whether these are all.
    hears_all: Atomic<bool>,
    /// Its number among the port's endpoints, by which the port keeps it.
    pub(crate) dev_id: Atomic<u32>,
    /// How many addresses of it are in the port's tables.
    addresses: Atomic<u32>,
}

// --- Transmit ---------------------------------------------------------------

impl Ipvlan {
    /// A frame in mode l2: the endpoint's stack knows whom it is for.
    #[inline]
    fn xmit_l2(dev: &Link<Self>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        let dest = frame.dest();
        let flags = this.settings.flags();
        if dest == frame.source() && flags != Flags::VEPA {
            return match this.port.dest_owner(frame.payload(), cx.rcu()) {
                Some(owner) => match unicast(this.party(), owner.data().party()) {
                    Reach::Direct => Self::send_to(dev, owner, frame, cx),
                    Reach::Out => Self::send_out(dev, frame.into_skb(), cx),
                    Reach::Nowhere => drop_tx(dev, frame.into_skb(), DropReason::DEV_READY, cx),
                },
                None => Self::send_in(dev, frame, cx),
            };
        }
        if dest.is_multicast() {
            return Self::group_xmit(dev, frame, dest, cx);
        }
        if this.port.has_macvlan() && flags != Flags::VEPA {
            return Self::send_to_macvlan(dev, frame, dest, cx);
        }
        Self::send_out(dev, frame.into_skb(), cx)
    }

    /// A frame in modes l3 and l3s: only its IP packet counts.
    #[inline]
    fn xmit_l3(dev: &Link<Self>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if !this.settings.is_trusted() {
            return Self::xmit_l3_checked(dev, frame, cx);
        }
        let flags = this.settings.flags();
        if flags != Flags::VEPA {
            if let Some(owner) = this.port.dest_owner(frame.payload(), cx.rcu()) {
                match unicast(this.party(), owner.data().party()) {
                    Reach::Direct => return Self::send_to(dev, owner, frame, cx),
                    Reach::Out => {}
                    Reach::Nowhere => {
                        return drop_tx(dev, frame.into_skb(), DropReason::DEV_READY, cx)
                    }
                }
            }
        }
        if frame.dest().is_multicast() {
            return drop_tx(dev, frame.into_skb(), DropReason::UNHANDLED_PROTO, cx);
        }
        let len = frame.len();
        Self::sent(dev, len, route_and_send(frame, &this.lower, cx.bh()), cx)
    }

    /// The same of an endpoint that is not trusted: the lower device's namespace alone decides.
    #[inline(never)]
    fn xmit_l3_checked(dev: &Link<Self>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if frame.is_to_group() {
            return drop_tx(dev, frame.into_skb(), DropReason::UNHANDLED_PROTO, cx);
        }
        let sender = match this.settings.flags() {
            Flags::BRIDGE => Sender::Direct,
            Flags::VEPA => Sender::Wire,
            _ => Sender::Nobody,
        };
        let len = frame.len();
        let status = route_and_send_checked::<Port>(frame, &this.lower, sender, cx.bh());
        Self::sent(dev, len, status, cx)
    }

    /// Hands a packet to the lower device, and counts what that says.
    #[inline]
    fn send_out(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        let len = skb.len();
        let status = skb.queue_xmit(&dev.data().lower, cx.bh());
        Self::sent(dev, len, status, cx)
    }

    /// Counts a packet of `len` bytes by what became of it.
    #[inline]
    fn sent(dev: &Link<Self>, len: u32, status: XmitStatus, cx: &XmitContext<'_>) -> Tx {
        let stats = &dev.data().stats;
        if status.is_taken() {
            stats.count_tx(len, cx.bh());
        } else {
            stats.count_tx_dropped(cx.bh());
        }
        Tx::lower(status)
    }

    /// Makes a frame one that another endpoint has received.
    #[inline]
    fn send_to(
        dev: &Link<Self>,
        owner: &Link<Self>,
        frame: EthFrame<'_>,
        cx: &XmitContext<'_>,
    ) -> Tx {
        // Whether it is dropped on the way is no business of the sender.
        dev.data().stats.count_tx(frame.len(), cx.bh());
        receive_from_sibling(owner, frame, cx.rcu(), cx.bh());
        Tx::SENT
    }

    /// A frame to our own MAC address, but for no endpoint: the lower device receives it, if the host
    /// trusts us.
    #[inline(never)]
    fn send_in(dev: &Link<Self>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if !this.settings.is_trusted() {
            return drop_tx(dev, frame.into_skb(), DropReason::DEV_READY, cx);
        }
        this.stats.count_tx(frame.len(), cx.bh());
        let _ = frame
            .forward_to(&this.lower, cx.rcu())
            .and_then(|skb| skb.netif_rx(cx.bh()));
        Tx::SENT
    }

    /// A frame to another MAC address, which may be that of an endpoint of flavor macvlan.
    #[inline(never)]
    fn send_to_macvlan(
        dev: &Link<Self>,
        frame: EthFrame<'_>,
        dest: Mac,
        cx: &XmitContext<'_>,
    ) -> Tx {
        let this = dev.data();
        let Some(sibling) = this.port.macs.find(dest.key(), cx.rcu()) else {
            return Self::send_out(dev, frame.into_skb(), cx);
        };
        match unicast(this.party(), sibling.data().party()) {
            Reach::Direct => between(dev, sibling, frame, cx),
            Reach::Out => Self::send_out(dev, frame.into_skb(), cx),
            Reach::Nowhere => drop_tx(dev, frame.into_skb(), DropReason::DEV_READY, cx),
        }
    }

    /// A frame to a group: a copy to each sibling that listens, and out.
    #[inline(never)]
    fn group_xmit(dev: &Link<Self>, frame: EthFrame<'_>, dest: Mac, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if frame.protocol() == ETH_P_PAUSE {
            // Flow control of the wire is the lower device's business.
            this.stats.count_tx(frame.len(), cx.bh());
            frame.into_skb().drop_reason(DropReason::UNHANDLED_PROTO);
            return Tx::SENT;
        }
        if this.settings.flags() == Flags::BRIDGE {
            const HEARING: Parties = Parties::hearing(Party::Ipvlan(Mode::L2, Flags::BRIDGE));
            group::flood_siblings(&this.port, HEARING, dev.id(), &frame, dest, cx);
        }
        Self::send_out(dev, frame.into_skb(), cx)
    }
}

/// Makes a frame one that an endpoint has received from another one.
#[inline]
pub(crate) fn receive_from_sibling(
    owner: &Link<Ipvlan>,
    frame: EthFrame<'_>,
    rcu: Rcu<'_>,
    bh: Bh<'_>,
) {
    let stats = &owner.data().stats;
    let len = frame.len();
    let sent = frame
        .forward_to(owner, rcu)
        .and_then(|skb| skb.netif_rx(bh));
    if sent.is_ok() {
        stats.count_rx(len, false, bh);
    } else {
        stats.count_rx_error(bh);
    }
}

impl Endpoint for Ipvlan {
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

/// A packet to one MAC address that the lower device received.
#[inline(always)]
pub(crate) fn receive_unicast<'a>(
    port: &'a Port,
    skb: RxSkb<'a>,
    cx: &RxContext<'a>,
) -> Verdict<'a> {
    match port.dest_owner(skb.payload(), cx.rcu()) {
        Some(dev) if dev.data().settings.mode() != Mode::L3S => deliver(dev, skb, cx),
        _ => Verdict::pass(skb),
    }
}

/// A packet to a group of MAC addresses that is for the IP address of one endpoint in mode l3: that one
/// gets a copy. Of ARP it does not, as it would not answer.
#[inline(never)]
pub(crate) fn copy_to_l3(port: &Port, skb: &RxSkb<'_>, cx: &RxContext<'_>) {
    let packet = skb.payload();
    if packet.protocol() == address::ETH_P_ARP {
        return;
    }
    let owner = port.dest_owner(packet, cx.rcu());
    let Some(dev) = owner.filter(|dev| dev.data().settings.mode() == Mode::L3) else {
        return;
    };
    let stats = &dev.data().stats;
    let sent = skb
        .clone_to(dev, cx.rcu())
        .is_some_and(|skb| skb.netif_rx(cx.bh()).is_ok());
    if sent {
        stats.count_rx(skb.frame_len(), false, cx.bh());
    } else {
        stats.count_rx_error(cx.bh());
    }
}

#[inline]
fn deliver<'a>(dev: &'a Link<Ipvlan>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
    let this = dev.data();
    let len = skb.frame_len();
    match skb.deliver_to(dev, None, cx.rcu()) {
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

impl Ipvlan {
    /// Wants all groups that the lower device receives, or not. Whether that is something new.
    fn hear_all(&self, wanted: bool) -> bool {
        let changed = self.hears_all.xchg(wanted, Full) != wanted;
        if changed {
            let step = if wanted { 1 } else { u32::MAX };
            self.port.hear_all.add(step, Relaxed);
        }
        changed
    }

    /// What it is to others on the same lower device.
    #[inline(always)]
    pub(crate) fn party(&self) -> Party {
        let (mode, flags) = self.settings.get();
        Party::Ipvlan(mode, flags)
    }
}

// --- Addresses --------------------------------------------------------------

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
            return Err(ack.refuse(EADDRNOTAVAIL, c"the address is everybody's, not a link's"));
        }
        let guard = rcu::read_lock();
        let (port, rcu) = (&dev.data().port, Rcu::new(&guard));
        if let Some(holder) = port.holder(addr, rcu) {
            let msg = c"the address is in use";
            return Err(ack.refuse_because_of(EADDRINUSE, msg, dev, holder, rcu));
        }
        if !port.is_trusted() && addr.is_local_at(port.lower(), rcu) {
            return Err(ack.refuse(
                EADDRINUSE,
                c"the address is one of the lower device's network namespace",
            ));
        }
        drop(guard);
        // When the address comes, room cannot be waited for: that is made now.
        match addr {
            IpAddr::V4(_) => port.addrs4.reserve(),
            IpAddr::V6(_) => port.addrs6.reserve(),
        }
    }

    fn added(dev: &NetDevice, addr: IpAddr, gfp: Gfp) {
        let Some(dev) = downcast::<Ipvlan>(dev) else {
            return;
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
            IpAddr::V4(addr) => this.port.addrs4.insert(addr.into(), dev, gfp),
            IpAddr::V6(addr) => this.port.addrs6.insert(addr, dev, gfp),
        };
        match result {
            Ok(true) => this.addresses.add(1, Relaxed),
            Ok(false) => {}
            // The core does not ask any more: the device keeps the address, and does not receive by it.
            Err(err) if err == EADDRINUSE => {
                let guard = rcu::read_lock();
                if let Some(holder) = this.port.holder(addr, Rcu::new(&guard)) {
                    dev.log_conflict(holder);
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
    /// Whether an address that the core did not ask about is one that an endpoint must not have. In the
    /// lower device's namespace it is the endpoint's own by now.
    fn is_hosts_own(dev: &Link<Ipvlan>, addr: IpAddr) -> bool {
        let port = &dev.data().port;
        let guard = rcu::read_lock();
        let rcu = Rcu::new(&guard);
        matches!(addr, IpAddr::V6(_))
            && !port.is_trusted()
            && !dev.is_beside(port.lower(), rcu)
            && addr.is_local_at(port.lower(), rcu)
    }
}

impl Ipvlan {
    /// Takes what is left of the endpoint's addresses out of the port's tables: nothing, if everybody
    /// was told of all that went.
    fn forget_addresses(&self, dev: &Link<Self>) {
        if self.addresses.xchg(0, Full) != 0 {
            self.port.addrs4.remove_all(dev);
            self.port.addrs6.remove_all(dev);
        }
    }
}

// --- Creation and settings --------------------------------------------------

/// What an endpoint does itself, whatever is below.
const ALWAYS_ON: Features = OFFLOADS.with(Features::VLAN_CHALLENGED);

const OFFLOADS: Features = Features::SG
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
    .with(Features::TSO_ECN)
    .with(Features::TSO6)
    .with(Features::TSO_MANGLEID)
    .with(Features::GSO_ROBUST)
    .with(Features::GRO)
    .with(Features::RXCSUM)
    .with(Features::VLAN_CTAG_FILTER)
    .with(Features::VLAN_STAG_FILTER);

impl Ipvlan {
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
        let nest = params
            .data()
            .and_then(|data| data.attr(config::IPVLAN.id()));
        let settings = Settings::parse(nest, ack)?;
        let trust = config::trust(params.data(), ack)?;
        let is_tap = tap.is_some();
        let mode = settings.mode.unwrap_or(Mode::L3);
        let flags = settings.flags.unwrap_or(Flags::BRIDGE);

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
                port
            }
            None => Port::of_or_new(lower, ack, rtnl)?,
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

        if !params.attrs().has(&ifla::MTU) {
            dev.setup().set_mtu(lower.mtu());
        }
        let mut dev = dev.init(Ok::<Self, Error>(Self {
            lower: DevRef::new(lower, rtnl)?,
            port: port.clone(),
            settings: ModeCell::new(mode, flags),
            stats: StackedStats::new()?,
            tap,
            // So that not all endpoints err about the same groups.
            groups: GroupFilter::new(random_u32()),
            hears_all: Atomic::new(false),
            dev_id: Atomic::new(0),
            addresses: Atomic::new(0),
        }))?;
        setup(&mut dev.setup(), lower, rtnl);
        if is_tap {
            tap::setup(&mut dev.setup(), params.attrs());
        }

        let dev = dev.register(rtnl)?;
        if let Some(tap) = dev.data().tap() {
            Handler::attach(tap, &dev, rtnl)?;
        }
        Port::join_ip(port, &dev, ack, rtnl)?;
        if let Some(trust) = trust {
            port.set_trusted(trust, rtnl);
        }
        dev.transfer_operstate(lower, rtnl);
        dev.finish()
    }

    /// With flavor ipvtap, what is there instead of a stack.
    pub(crate) fn tap(&self) -> Option<&TapRef> {
        self.tap.as_ref()
    }

    fn flavor(&self) -> Flavor {
        if self.tap.is_some() {
            Flavor::Ipvtap
        } else {
            Flavor::Ipvlan
        }
    }

    /// Changes the mode. What can fail comes first, and is undone.
    fn set_mode(dev: &Registered<Link<Self>>, mode: Mode, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let old = this.settings.mode();
        if mode == old {
            return Ok(());
        }
        Port::enter_mode(&this.port, mode, rtnl)?;
        if let Err(err) = dev.set_arp(mode == Mode::L2, rtnl) {
            Port::leave_mode(&this.port, mode, rtnl);
            return Err(err);
        }
        this.settings.set_mode(mode);
        Port::leave_mode(&this.port, old, rtnl);
        Ok(())
    }
}

/// What a device on top of `lower` is like.
fn setup(dev: &mut SetupDevice<'_>, lower: &NetDevice, rtnl: &Rtnl) {
    // The lower device's queueing discipline may want the route.
    dev.clear_priv_flags(PrivFlags::XMIT_DST_RELEASE);
    dev.set_priv_flags(PrivFlags::UNICAST_FLT.with(PrivFlags::NO_RX_HANDLER));
    dev.copy_address(lower, rtnl);
    dev.inherit_lower(lower, rtnl);
    dev.set_stacked_features(
        lower.features(rtnl).and(INHERITED).with(ALWAYS_ON),
        Features::NONE,
        lower.vlan_features(rtnl).and(INHERITED).with(OFFLOADS),
    );
}

#[vtable]
impl LinkOps for Ipvlan {
    type Ethtool = Self;
    type Counters = OwnCounters;

    const MAC_IS_LOWERS: bool = true;

    /// A packet's path; see the picture at the top.
    #[inline]
    fn start_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        let frame = match skb.into_frame() {
            Ok(frame) => frame,
            Err(skb) => return drop_tx(dev, skb, DropReason::TOO_SMALL, cx),
        };
        if dev.data().settings.mode() == Mode::L2 {
            Self::xmit_l2(dev, frame, cx)
        } else {
            Self::xmit_l3(dev, frame, cx)
        }
    }

    /// Packets find the endpoint when it is up, by the addresses that are in the port's tables.
    fn open(dev: &Registered<Link<Self>>, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        if dev.flags().any(DevFlags::ALLMULTI) {
            this.port.lower_rtnl(rtnl)?.set_allmulti(true, rtnl)?;
        }
        // Without addresses to resolve there is nobody who would answer.
        dev.write_arp(this.settings.mode() == Mode::L2, rtnl);
        Ok(())
    }

    fn stop(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        let this = dev.data();
        dev.unsync_from_lower(rtnl);
        if this.hear_all(false) {
            this.port.update_groups();
        }
        if dev.flags().any(DevFlags::ALLMULTI) {
            // One that is on its way out, too, forgets what it was asked for.
            let _ = this
                .port
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.set_allmulti(false, rtnl));
        }
    }

    fn change_rx_flags(dev: &Registered<Link<Self>>, changed: DevFlags, rtnl: &Rtnl) {
        if dev.is_up() && changed.any(DevFlags::ALLMULTI) {
            let wanted = dev.flags().any(DevFlags::ALLMULTI);
            let _ = dev
                .data()
                .port
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.set_allmulti(wanted, rtnl));
        }
    }

    fn set_rx_mode(dev: &Link<Self>, lists: &RxMode<'_>) {
        let this = dev.data();
        this.groups.follow(dev, lists);
        this.hear_all(dev.flags().any(DevFlags::PROMISC.with(DevFlags::ALLMULTI)));
        this.port.set_rx_mode(dev, lists);
    }

    fn fix_features(dev: &Registered<Link<Self>>, wanted: Features, rtnl: &Rtnl) -> Features {
        let wanted = wanted.with(Features::ALL_FOR_ALL);
        let lower = dev.data().port.lower().features(rtnl);
        Features::increment(lower, wanted, wanted)
            .with(ALWAYS_ON)
            .and(ALWAYS_ON.with(INHERITED))
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
        this.forget_addresses(dev);
        Port::leave_ip(&this.port, dev, rtnl);
        Port::close_if_unused(&this.port, rtnl);
    }

    fn dellink(dev: &Registered<Link<Self>>, _list: &mut UnregisterList<'_>, rtnl: &Rtnl) {
        if let Some(tap) = dev.data().tap() {
            Tap::detach(tap, dev, rtnl);
        }
        // Its addresses go one by one when it is taken down.
        Port::leave_ip(&dev.data().port, dev, rtnl);
    }

    fn changelink(
        dev: &Registered<Link<Self>>,
        _tb: &LinkAttrs<'_>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let this = dev.data();
        config::check_change(this.flavor(), data, ack)?;
        let nest = data.and_then(|data| data.attr(config::IPVLAN.id()));
        let trust = config::trust(data, ack)?;
        if nest.is_none() && trust.is_none() {
            return Ok(());
        }
        let settings = Settings::parse(nest, ack)?;
        // What the lower device's namespace routes and filters is its administrator's business.
        if !dev.link_net_capable(this.port.lower_rtnl(rtnl)?.net(rtnl), rtnl) {
            return Err(ack.refuse(
                EPERM,
                c"mode, flags and trust require CAP_NET_ADMIN in the network namespace of the lower device",
            ));
        }
        if let Some(mode) = settings.mode {
            Self::set_mode(dev, mode, rtnl)?;
        }
        if let Some(flags) = settings.flags {
            this.settings.set_flags(flags);
        }
        if let Some(trust) = trust {
            this.port.set_trusted(trust, rtnl);
        }
        Ok(())
    }

    fn get_size(_dev: &Link<Self>, _rcu: Rcu<'_>) -> usize {
        // Flavor, trust, nest; mode, flags.
        total_size(4) * 2 + total_size(0) + total_size(2) * 2
    }

    fn fill_info(dev: &Link<Self>, msg: &mut AttrWriter<'_>, _rtnl: &Rtnl) -> Result {
        let this = dev.data();
        msg.put_u32(&config::FLAVOR, this.flavor().number())?;
        msg.put_u32(&config::TRUST, this.port.is_trusted().into())?;
        msg.put_nest(&config::IPVLAN, |msg| {
            msg.put_u16(&settings::MODE, this.settings.mode().number())?;
            msg.put_u16(&settings::FLAGS, this.settings.flags().number())
        })
    }

    fn get_link_net<'a>(dev: &Link<Self>, rtnl: &'a Rtnl, _rcu: Rcu<'_>) -> Option<&'a Net> {
        Some(dev.data().lower.registered(rtnl)?.net(rtnl))
    }
}

impl EthtoolOps<Ipvlan> for Ipvlan {
    const DRIVER: DriverInfo = DriverInfo {
        driver: c"rnetvirt",
        version: c"1.0",
    };

    /// The lower device's.
    const LINK_SETTINGS: Option<LinkSettings> = None;
}
