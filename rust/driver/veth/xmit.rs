// SPDX-License-Identifier: GPL-2.0

//! The way of a packet from one end to the other.
//!
//! ```text
//!       v0 (sender)                                       v1 (receiver)
//!  stack or qdisc
//!       |
//!     xmit: peer? whole Ethernet header?  ---no---> drop, counted on v0
//!       |
//!   timestamp, forward_to: v1 up? not too long? --no--> drop, counted on both
//!       |    scrub what belongs to the sender, pull the Ethernet header
//!       |
//!       |--- v1 has queues, and the packet may gain from them: ring of one ----+
//!       v                                                                      |
//!   netif_rx  ---------------------->  backlog of this CPU, then v1's stack    |
//!       |                                                                      v
//!   count the packet: v0's tx, and thereby v1's rx             poll: GRO, count, v1's stack
//! ```

use super::Veth;
use abstractions::net::{
    features::Features,
    net_device_ops::{
        Tx,
        XmitContext, //
    },
    netdevice::Link,
    ring::{
        Entry,
        Producer, //
    },
    rx_queue::{
        LiveQueue,
        Table, //
    },
    skbuff::{
        DropReason,
        EthFrame,
        SkBuff, //
    },
    txq::TxQueue, //
};

/// A packet that `dev` is to transmit.
#[inline]
pub(super) fn xmit(dev: &Link<Veth>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
    let Some(peer) = dev.data().peer.get(cx.rcu()) else {
        return drop_tx(dev, skb);
    };
    match peer.data().queues.get(cx.rcu()) {
        None => to_backlog(dev, peer, skb, cx),
        Some(queues) => choose(dev, peer, queues, skb, cx),
    }
}

/// The short way: what comes next for the packet is the stack of `peer`.
// It has two callers: a call of the common one costs ten instructions.
#[inline(always)]
fn to_backlog(dev: &Link<Veth>, peer: &Link<Veth>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
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

/// There are queues; the packet goes by one of them if there is one for it, and it may gain from it.
#[inline(never)]
fn choose(
    dev: &Link<Veth>,
    peer: &Link<Veth>,
    queues: &Table<Veth>,
    skb: SkBuff<'_>,
    cx: &XmitContext<'_>,
) -> Tx {
    // A program sees all that comes, whichever queue it is for.
    let all = peer.data().prog.is_some();
    let queue = queues.get(skb.queue_mapping());
    match queue.or_else(|| queues.get(0).filter(|_| all)) {
        Some(queue) if all || may_merge(dev, peer, &skb) => match skb.into_frame() {
            Ok(frame) => to_queue(dev, peer, queue, frame, cx),
            Err(skb) => drop_tx(dev, skb),
        },
        _ => to_backlog(dev, peer, skb, cx),
    }
}

/// Whether GRO might merge the packet with others. TCP does not need it if the sender's segments come
/// whole; then it is for UDP, of sockets here, if the receiver has it merged.
#[inline]
fn may_merge(dev: &Link<Veth>, peer: &Link<Veth>, skb: &SkBuff<'_>) -> bool {
    const OF_UDP: Features = Features::GRO_FRAGLIST.with(Features::GRO_UDP_FWD);

    !dev.has_any_feature(Features::ALL_TSO) || (skb.is_wfree() && peer.has_any_feature(OF_UDP))
}

/// By the ring of a queue. It is counted when it is taken out.
#[inline]
fn to_queue(
    dev: &Link<Veth>,
    peer: &Link<Veth>,
    queue: &LiveQueue<Veth>,
    mut frame: EthFrame<'_>,
    cx: &XmitContext<'_>,
) -> Tx {
    let Some(txq) = dev.tx_queue(queue.index()) else {
        return drop_tx(dev, frame.into_skb());
    };
    let mut producer = queue.produce(cx.bh());
    let Some(place) = producer.place() else {
        return full(dev, producer, &txq, frame.into_skb(), cx);
    };
    frame.tx_timestamp();
    let Ok(skb) = frame.forward_to(peer, cx.rcu()) else {
        dev.data().dropped.inc();
        return Tx::DROPPED;
    };
    if !txq.has_qdisc(cx.rcu()) {
        place.put(Entry::Skb(skb));
        return Tx::SENT;
    }
    place.put_charged(Entry::Skb(skb), &txq);
    if producer.is_full() {
        txq.try_stop(|| !producer.is_full());
    }
    Tx::SENT
}

/// There is no place. The packet waits in the queueing discipline, if there is one; it is as it came.
// Built in: else the producer would have to be in memory, for packets for which there is a place, too.
#[cold]
#[inline(always)]
fn full(
    dev: &Link<Veth>,
    producer: Producer<'_>,
    txq: &TxQueue<'_>,
    skb: SkBuff<'_>,
    cx: &XmitContext<'_>,
) -> Tx {
    if !txq.has_qdisc(cx.rcu()) {
        drop(producer);
        return drop_tx(dev, skb);
    }
    // With the ring locked, so that one at a time does that.
    txq.try_stop(|| !producer.is_full());
    drop(producer);
    Tx::busy(skb, cx)
}

/// Frees a packet that does not even reach the other end.
#[cold]
fn drop_tx(dev: &Link<Veth>, skb: SkBuff<'_>) -> Tx {
    skb.drop_reason(DropReason::NOT_SPECIFIED);
    dev.data().dropped.inc();
    Tx::DROPPED
}
