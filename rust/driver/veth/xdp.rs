// SPDX-License-Identifier: GPL-2.0

//! XDP on a pair: programs of either end, and frames that are sent through it.

use super::{
    end::Veth,
    limits::{
        all_by_queues,
        features,
        max_frame_len,
        max_mtu,
        queue_of_cpu,
        ALL_GSO,
        MAX_MTU, //
    },
};
use crate::refusal::Refusal;
use abstractions::{
    context::{
        Bh,
        Rcu, //
    },
    net::{
        features::Features,
        netdevice::Link,
        nlattr::ExtAck,
        registered::Registered,
        rtnl::Rtnl,
        rx_queue::LiveQueue,
        xdp::{
            XdpFrame,
            XdpFrames,
            XdpProg,
            MAX_WHOLE, //
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

/// Says what both ends can do, after one was opened or has other queues.
pub(super) fn update_features(dev: &Link<Veth>, peer: &Link<Veth>, rtnl: &Rtnl) {
    // As the C driver: past a program nothing is sent through either, until polling begins.
    let polls = |end: &Link<Veth>, other: &Link<Veth>| {
        has_queues_for(other, end, rtnl)
            && end.data().wants_queues(end.has_any_feature(Features::GRO))
    };
    features_of(dev, peer, polls(peer, dev), rtnl);
    features_of(peer, dev, polls(dev, peer), rtnl);
}

/// Says what `dev` can do, whose other end polls or does not.
pub(super) fn features_of(dev: &Link<Veth>, peer: &Link<Veth>, peer_polls: bool, rtnl: &Rtnl) {
    let (rx, peer_tx) = queues(dev, peer, rtnl);
    let ndo_xmit = dev.data().ndo_xmit;
    dev.set_xdp_features(features(ndo_xmit, peer_polls, rx, peer_tx), rtnl);
}

/// By how many queues `dev` receives, and `peer` transmits.
fn queues(dev: &Link<Veth>, peer: &Link<Veth>, rtnl: &Rtnl) -> (u32, u32) {
    let (_, _, rx, _) = dev.num_queues(rtnl);
    let (peer_tx, _, _, _) = peer.num_queues(rtnl);
    (rx, peer_tx)
}

fn has_queues_for(dev: &Link<Veth>, peer: &Link<Veth>, rtnl: &Rtnl) -> bool {
    let (rx, peer_tx) = queues(dev, peer, rtnl);
    all_by_queues(rx, peer_tx)
}

/// Has packets that `dev` receives go through `prog`, or through none.
pub(super) fn set_prog(
    dev: &Registered<Link<Veth>>,
    prog: Option<ARef<XdpProg>>,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result {
    let end = dev.data();
    let peer = end.peer.get_rtnl(rtnl);
    let mut mtu = MAX_MTU;
    if let Some(prog) = &prog {
        let peer = peer.ok_or_else(|| ack.refuse(Refusal::XdpWithoutPeer))?;
        mtu = max_mtu(prog.has_frags());
        if peer.mtu() > mtu {
            return Err(ack.refuse(Refusal::XdpPeerMtu));
        }
        if !has_queues_for(dev, peer, rtnl) {
            return Err(ack.refuse(Refusal::XdpQueues));
        }
        if dev.is_up() {
            // Mostly there is no memory, but what it is need not be that.
            Veth::make_queues(dev, rtnl).inspect_err(|_| {
                let _ = ack.refuse(Refusal::XdpSetup);
            })?;
        }
    }

    let before = end.cuts(rtnl);
    drop(end.prog.replace(prog, rtnl));
    let (runs, gro) = (end.prog.is_some(), dev.has_any_feature(Features::GRO));
    if !end.wants_queues(gro) {
        end.queues.clear(rtnl);
    }
    if let Some(peer) = peer {
        peer.set_max_mtu(mtu, rtnl);
        end.apply_headroom(dev, peer, Rcu::new(&rcu::read_lock()));
        // With GRO on, the end of a program changes nothing.
        if runs || !gro {
            features_of(peer, dev, runs, rtnl);
        }
        update_gso(end, peer, before, rtnl);
    }
    Ok(())
}

/// Has `peer` leave packets whole as far as `end` takes them, which has had `before` cut, and as long as a program can be
/// shown them.
fn update_gso(end: &Veth, peer: &Link<Veth>, before: Features, rtnl: &Rtnl) {
    let cut = end.cuts(rtnl);
    if cut == before {
        return;
    }
    let is_shown = end.prog.is_some() && !cut.any(Features::TSO);
    peer.set_tso_max_size(is_shown.then_some(MAX_WHOLE), rtnl);
    peer.set_changeable(cut, false, rtnl);
    peer.set_changeable(ALL_GSO.without(cut), true, rtnl);
    if let Some(peer) = peer.registered(rtnl) {
        peer.update_features(rtnl);
    }
}

/// Shows the program of `dev`, if there is one that can do with pieces, packets that are to be cut some day, or not.
pub(super) fn show_gso(dev: &Registered<Link<Veth>>, on: bool, rtnl: &Rtnl) -> Result {
    let end = dev.data();
    let before = end.cuts(rtnl);
    end.shows_gso.store(on, Relaxed);
    if let Some(peer) = end.peer.get_rtnl(rtnl) {
        update_gso(end, peer, before, rtnl);
    }
    Ok(())
}

/// What of `wanted` an end may have whose `peer` may have a program: packets that come whole, if they are
/// to be cut some day, are longer than most can do with.
pub(super) fn fix_features(peer: Option<&Link<Veth>>, wanted: Features, rtnl: &Rtnl) -> Features {
    peer.map_or(wanted, |peer| wanted.without(peer.data().cuts(rtnl)))
}

/// By which of its queues `peer` gets the frames that this CPU sends, if it has any.
pub(super) fn queue_of<'a>(peer: &'a Link<Veth>, bh: Bh<'a>) -> Option<&'a LiveQueue<Veth>> {
    let queues = peer.data().queues.get(bh.rcu())?;
    queues.get(queue_of_cpu(bh.cpu(), queues.len()))
}

/// Sends frames from `dev` to `peer`: by a queue, for a program or for GRO to see them; otherwise its stack
/// gets them as packets. How many were taken.
// A call costs more than a frame saves.
#[inline(always)]
pub(super) fn send_frames(
    dev: &Link<Veth>,
    peer: &Link<Veth>,
    queue: Option<&LiveQueue<Veth>>,
    frames: XdpFrames<'_>,
    bh: Bh<'_>,
) -> Result<u32> {
    let max_len = max_frame_len(peer.mtu());
    let Some(queue) = queue else {
        return to_backlog(dev, peer, frames, max_len, bh);
    };
    let fits = |frame: &XdpFrame| frame.len() <= max_len;
    Ok(queue.produce(bh).put_frames(frames, fits))
}

/// Without queues. A frame that the backlog has no room for is taken, and so counted as sent, and is counted as
/// dropped, too, like packets that are lost behind this device.
#[inline(never)]
fn to_backlog(
    dev: &Link<Veth>,
    peer: &Link<Veth>,
    frames: XdpFrames<'_>,
    max_len: u32,
    bh: Bh<'_>,
) -> Result<u32> {
    if !peer.is_up() {
        return Err(ENXIO);
    }
    let (mut packets, mut bytes) = (0, 0);
    let taken = frames.take(|frame| {
        let len = frame.len();
        if len > max_len {
            return Err(frame);
        }
        match frame.into_skb(peer, bh.rcu())?.netif_rx(bh) {
            Ok(()) => {
                packets += 1;
                bytes += len;
            }
            // The core has counted those for which there is no room as not received.
            Err(_) => dev.data().dropped.inc(),
        }
        Ok(())
    });
    dev.count_tx_many(packets, bytes, bh);
    Ok(taken)
}

/// Frames that a program has redirected to `dev`.
pub(super) fn xmit(dev: &Link<Veth>, frames: XdpFrames<'_>, bh: Bh<'_>) -> Result {
    let all = frames.count();
    let Some(peer) = dev.data().peer.get(bh.rcu()) else {
        dev.data().dropped.add(all.into());
        return Err(ENXIO);
    };
    let queue = queue_of(peer, bh);
    let result = send_frames(dev, peer, queue, frames, bh);
    match &result {
        Ok(taken) => {
            let index = queue.map_or(0, LiveQueue::index);
            if let Some(stats) = peer.data().stats.get(index.into()) {
                stats.count_sent(*taken, all.saturating_sub(*taken));
            }
        }
        Err(_) => dev.data().dropped.add(all.into()),
    }
    result.map(drop)
}
