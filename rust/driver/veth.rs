// SPDX-License-Identifier: GPL-2.0

//! Flavor veth: a pair of devices; transmit on one is receive on the other.
//!
//! ```text
//!       v0 (sender)                                       v1 (receiver)
//!  stack or qdisc
//!       |
//!   start_xmit: peer? whole Ethernet header?  ---no---> drop, counted on v0
//!       |
//!   timestamp, forward_to: v1 up? not too long? --no--> drop, counted on both
//!       |    scrub what belongs to the sender, pull the Ethernet header
//!       v
//!   netif_rx  ------------------------------------->  backlog of this CPU, then v1's stack
//!       |
//!   count the packet: v0's tx, and thereby v1's rx
//! ```
//!
//! Either end refers to the other by a [`LinkRef`], set when both are registered and taken away when
//! one of them is deleted, which deletes both. In between, and only then, an end can be up.

mod ethtool;
mod stats;

use self::stats::QueueStats;
use crate::config;
use abstractions::{
    context::Rcu,
    net::{
        features::Features,
        link::{
            ifla,
            Finished,
            FromCore,
            NewDevice,
            NewLinkParams,
            PeerInfo,
            PrivFlags,
            SetupDevice,
            UnregisterList, //
        },
        link_ref::LinkRef,
        namespace::Net,
        net_device_ops::{
            NetDeviceOps,
            Peer,
            Tstats,
            Tx,
            XmitContext, //
        },
        netdevice::Link,
        nlattr::{
            ExtAck,
            LinkAttrs, //
        },
        registered::Registered,
        rtnl::Rtnl,
        skbuff::{
            DropReason,
            SkBuff, //
        },
        stats::{
            Counter,
            LinkStats64, //
        },
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

/// The data of one end.
pub(crate) struct Veth {
    /// The other end.
    peer: LinkRef<Veth>,
    /// Packets that could not be transmitted.
    dropped: Counter,
    /// The headroom that somebody above this end has asked for, in bytes.
    requested_headroom: Atomic<u32>,
    /// What each receive queue has counted.
    stats: KVVec<QueueStats>,
}

impl Veth {
    /// The data of `dev`. [`ENOMEM`].
    fn new(dev: SetupDevice<'_>) -> Result<Self> {
        let (_, rx) = dev.num_queues();
        Ok(Self {
            peer: LinkRef::new(),
            dropped: Counter::new(),
            requested_headroom: Atomic::new(0),
            stats: QueueStats::for_queues(rx)?,
        })
    }

    /// Makes the pair: the peer first, then the device that the request is about.
    ///
    /// Whatever fails, what was made before is undone: the peer when it goes out of scope, the device
    /// when the request ends.
    pub(crate) fn newlink<'a>(
        mut dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        let outer = params.attrs();
        let mut info = match params.data().and_then(|data| data.attr(config::PEER.id())) {
            Some(attr) => Some(PeerInfo::parse(attr, ack)?),
            None => None,
        };

        let data = Self::new(dev.setup());
        let mut dev = dev.init(data)?;
        setup(&mut dev.setup());
        if !outer.has(&ifla::ADDRESS) {
            dev.setup().set_random_address();
        }
        set_active_queues(&mut dev.setup(), outer)?;

        // What the peer is to be like, if not said, is what the device is like; but not its name
        // and address.
        let attrs = info.as_mut().map(PeerInfo::attrs);
        let (named, addressed) = match &attrs {
            Some(attrs) => (attrs.has(&ifla::IFNAME), attrs.has(&ifla::ADDRESS)),
            None => (false, false),
        };
        let mut peer = params.create(
            params.peer_net(),
            attrs.as_ref().unwrap_or(outer),
            named,
            ack,
            rtnl,
        )?;
        let data = Self::new(peer.setup());
        let mut peer = peer.init(data)?;
        setup(&mut peer.setup());
        if !addressed {
            peer.setup().set_random_address();
        }
        if let (Some(info), true) = (&info, dev.setup().ifindex() != 0) {
            peer.setup().set_ifindex(info.ifindex());
        }
        peer.setup().inherit_tso_max(&dev.setup());
        // As the C driver: the number of active queues of both follows from the outer attributes.
        set_active_queues(&mut peer.setup(), outer)?;

        let peer = peer.register(rtnl)?;
        // GRO means NAPI, which costs more than it gains unless somebody asks for it.
        peer.disable_gro(rtnl);
        peer.carrier_off();
        let peer = peer.configure(info.as_ref())?;

        let dev = dev.register(rtnl)?;
        dev.carrier_off();
        dev.data().peer.set(&peer, rtnl)?;
        peer.data().peer.set(&dev, rtnl)?;
        dev.disable_gro(rtnl);

        peer.keep();
        dev.finish()
    }
}

/// Everything that costs nothing to pass on to a device without a wire.
const FEATURES: Features = Features::SG
    .with(Features::FRAGLIST)
    .with(Features::HW_CSUM)
    .with(Features::RXCSUM)
    .with(Features::SCTP_CRC)
    .with(Features::HIGHDMA)
    .with(Features::GSO_SOFTWARE)
    .with(Features::GSO_ENCAP_ALL)
    .with(VLAN);

/// VLAN tags travel beside the packet; they cannot be passed on to devices on top.
const VLAN: Features = Features::VLAN_CTAG_TX
    .with(Features::VLAN_CTAG_RX)
    .with(Features::VLAN_STAG_TX)
    .with(Features::VLAN_STAG_RX);

const MPLS: Features = Features::HW_CSUM.with(Features::GSO_SOFTWARE);

/// What both ends have in common.
fn setup(dev: &mut SetupDevice<'_>) {
    dev.set_priv_flags(PrivFlags::LIVE_ADDR_CHANGE.with(PrivFlags::PHONY_HEADROOM));
    dev.set_features(FEATURES, FEATURES.without(VLAN), MPLS);
}

/// One active queue, unless the request names a number to allocate.
fn set_active_queues(dev: &mut SetupDevice<'_>, outer: &LinkAttrs<'_>) -> Result {
    let (tx, rx) = dev.num_queues();
    let active = |named: bool, allocated: u32| (!named && allocated > 1).then_some(1);

    dev.set_real_num_queues(
        active(outer.has(&ifla::NUM_TX_QUEUES), tx),
        active(outer.has(&ifla::NUM_RX_QUEUES), rx),
    )
}

#[vtable]
impl NetDeviceOps for Veth {
    type Ethtool = Self;
    type Counters = Tstats;

    /// A packet's path; see the picture at the top.
    #[inline]
    fn start_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        let Some(peer) = dev.data().peer.get(cx.rcu()) else {
            return drop_tx(dev, skb);
        };
        let len = skb.len();
        let mut frame = match skb.into_frame() {
            Ok(frame) => frame,
            Err(skb) => return drop_tx(dev, skb),
        };
        frame.tx_timestamp();
        let sent = frame
            .forward_to(peer, cx.rcu())
            .and_then(|skb| skb.netif_rx(cx.bh()));
        if sent.is_err() {
            dev.data().dropped.inc();
            return Tx::DROPPED;
        }
        dev.count_tx(len, cx.bh());
        Tx::SENT
    }

    fn open(dev: &Registered<Link<Self>>, _rtnl: &Rtnl) -> Result {
        let guard = rcu::read_lock();
        let peer = dev.data().peer.get(Rcu::new(&guard)).ok_or(ENOTCONN)?;
        if peer.is_up() {
            dev.carrier_on();
            peer.carrier_on();
        }
        Ok(())
    }

    fn stop(dev: &Registered<Link<Self>>, _rtnl: &Rtnl) {
        let guard = rcu::read_lock();
        dev.carrier_off();
        if let Some(peer) = dev.data().peer.get(Rcu::new(&guard)) {
            peer.carrier_off();
        }
    }

    /// A packet is counted once, by its sender; the receiver reads it there.
    fn get_stats64(dev: &Link<Self>, stats: &mut LinkStats64, rcu: Rcu<'_>) {
        let own = dev.sw_netstats();
        stats.add_tx(own.tx_packets, own.tx_bytes);
        // Received by itself are only packets that `bpf_redirect_peer()` brought.
        stats.add_rx(own.rx_packets, own.rx_bytes);
        stats.add_tx_dropped(dev.data().dropped.get());
        let peer = dev.data().peer.get(rcu);
        if let Some(peer) = peer {
            let theirs = peer.sw_netstats();
            stats.add_rx(theirs.tx_packets, theirs.tx_bytes);
        }
        let theirs = peer.map_or(&[][..], |peer| &peer.data().stats);
        stats::add_queues(&dev.data().stats, theirs, stats);
    }

    fn get_iflink(dev: &Link<Self>, rcu: Rcu<'_>) -> i32 {
        dev.data().peer.get(rcu).map_or(0, |peer| peer.ifindex())
    }

    fn get_peer_dev<'a>(dev: &'a Link<Self>, rcu: Rcu<'a>) -> Option<Peer<'a>> {
        dev.data().peer.get(rcu).map(Peer::from)
    }

    /// Packets pass from one end to the other without a copy, so both ends need what either side
    /// asks for.
    fn set_rx_headroom(dev: &Link<Self>, headroom: i32, rcu: Rcu<'_>) {
        let Some(peer) = dev.data().peer.get(rcu) else {
            return;
        };
        let own = u16::try_from(headroom.max(0)).unwrap_or(u16::MAX);
        dev.data().requested_headroom.store(own.into(), Relaxed);
        let theirs = peer.data().requested_headroom.load(Relaxed);
        let both = own.max(u16::try_from(theirs).unwrap_or(u16::MAX));
        dev.set_needed_headroom(both);
        peer.set_needed_headroom(both);
    }

    fn uninit(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        // Only left if the device was not deleted but never completed.
        dev.data().peer.take(rtnl, |_| ());
    }

    /// Deletes the other end, too. An end whose reference is gone is on its way already.
    fn dellink(dev: &Registered<Link<Self>>, list: &mut UnregisterList<'_>, rtnl: &Rtnl) {
        dev.data().peer.take(rtnl, |peer| {
            peer.data().peer.take(rtnl, |_| ());
            list.queue(peer, rtnl);
        });
    }

    fn get_link_net<'a>(dev: &Link<Self>, rtnl: &'a Rtnl, rcu: Rcu<'_>) -> Option<&'a Net> {
        Some(dev.data().peer.get(rcu)?.registered(rtnl)?.net(rtnl))
    }
}

/// Frees a packet that does not even reach the other end.
#[cold]
fn drop_tx(dev: &Link<Veth>, skb: SkBuff<'_>) -> Tx {
    skb.drop_reason(DropReason::NOT_SPECIFIED);
    dev.data().dropped.inc();
    Tx::DROPPED
}
