// SPDX-License-Identifier: GPL-2.0

//! What the core asks of either end of a pair.

use super::{
    stats,
    xdp,
    xmit,
    Veth, //
};
use abstractions::{
    context::{
        Bh,
        Rcu, //
    },
    net::{
        features::Features,
        link::UnregisterList,
        namespace::Net,
        net_device_ops::{
            NetDeviceOps,
            Peer,
            Tstats,
            Tx,
            XmitContext, //
        },
        netdevice::Link,
        nlattr::ExtAck,
        registered::Registered,
        rtnl::Rtnl,
        skbuff::SkBuff,
        stats::LinkStats64,
        xdp::{
            XdpFrames,
            XdpProg, //
        },
    },
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::ordering::Relaxed,
        rcu, //
    },
};

#[vtable]
impl NetDeviceOps for Veth {
    type Ethtool = Self;
    type Counters = Tstats;

    #[inline]
    fn start_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        xmit::xmit(dev, skb, cx)
    }

    fn open(dev: &Registered<Link<Self>>, rtnl: &Rtnl) -> Result {
        if !dev.data().is_paired(rtnl) {
            return Err(ENOTCONN);
        }
        if dev.data().wants_queues(dev.has_any_feature(Features::GRO)) {
            Self::make_queues(dev, rtnl)?;
        }
        if let Some(peer) = dev.data().peer.get_rtnl(rtnl) {
            if peer.is_up() {
                dev.carrier_on();
                peer.carrier_on();
            }
            xdp::update_features(dev, peer, rtnl);
        }
        Ok(())
    }

    fn stop(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        {
            let guard = rcu::read_lock();
            dev.carrier_off();
            if let Some(peer) = dev.data().peer.get(Rcu::new(&guard)) {
                peer.carrier_off();
            }
        }
        dev.data().queues.clear(rtnl);
    }

    /// GRO is done where packets are polled, so it is what queues are there for, but for a program. A device
    /// that is down has none: what follows is done when it is opened.
    fn set_features(dev: &Registered<Link<Self>>, features: Features, rtnl: &Rtnl) -> Result {
        let gro = features.any(Features::GRO);
        let changes = gro != dev.has_any_feature(Features::GRO);
        if !changes || !dev.is_up() || dev.data().prog.is_some() {
            return Ok(());
        }
        if gro {
            Self::make_queues(dev, rtnl)?;
        } else {
            dev.data().queues.clear(rtnl);
        }
        if let Some(peer) = dev.data().peer.get_rtnl(rtnl) {
            xdp::features_of(peer, dev, gro, rtnl);
        }
        Ok(())
    }

    /// Nobody has taken anything out of the ring for seconds. Has it looked at, or, if there is none any more,
    /// lets the queue go on.
    fn tx_timeout(dev: &Link<Self>, queue: u16, (rcu, bh): (Rcu<'_>, Bh<'_>)) {
        let peer = dev.data().peer.get(rcu);
        let queues = peer.and_then(|peer| peer.data().queues.get(rcu));
        if let Some(live) = queues.and_then(|queues| queues.get(queue)) {
            live.poll_anyway();
        } else if let Some(txq) = dev.tx_queue(queue) {
            txq.wake(bh);
        }
    }

    fn set_xdp(
        dev: &Registered<Link<Self>>,
        prog: Option<ARef<XdpProg>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        xdp::set_prog(dev, prog, ack, rtnl)
    }

    fn fix_features(dev: &Registered<Link<Self>>, wanted: Features, rtnl: &Rtnl) -> Features {
        xdp::fix_features(dev.data().peer.get_rtnl(rtnl), wanted, rtnl)
    }

    fn xdp_xmit(dev: &Link<Self>, frames: XdpFrames<'_>, bh: Bh<'_>) -> Result {
        xdp::xmit(dev, frames, bh)
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
        let theirs = peer.map(|peer| &peer.data().stats);
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
        dev.data().apply_headroom(dev, peer, rcu);
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
