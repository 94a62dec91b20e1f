// SPDX-License-Identifier: GPL-2.0

//! What becomes of packets that are polled.

use super::{
    stats::QueueStats,
    xdp,
    Veth, //
};
use abstractions::{
    context::{
        Bh,
        Rcu, //
    },
    net::{
        napi::{
            Poll,
            Polled,
            UniqueSkb, //
        },
        netdevice::Link,
        rx_queue::{
            LiveQueue,
            RxQueueOps,
            RxQueues, //
        },
        txq::TxQueue,
        xdp::{
            Done,
            Outcome,
            XdpBulk, //
        },
    },
};
use kernel::prelude::*;

/// After how many packets their sender hears that they have arrived. Byte queue limits let as many be under way
/// as are needed for that, so it is what others wait for.
const COMPLETE_AT: u32 = 8;

impl RxQueueOps for Veth {
    /// As C veth.
    const RING_SIZE: u16 = 256;

    fn rx_queues(&self) -> &RxQueues<Self> {
        &self.queues
    }

    // It has one caller, which is called for each packet that comes alone.
    #[inline]
    fn poll<'p>(queue: &LiveQueue<Self>, dev: &Link<Self>, mut poll: Poll<'p>) -> Polled<'p> {
        let bh = poll.bh();
        let peer = dev.data().peer.get(bh.rcu());
        // Its number is that of the queue: what was put into another one came by that.
        let txq = peer.and_then(|peer| peer.tx_queue(queue.index()));
        // One comparison for each packet.
        let complete_at = txq.as_ref().map_or(u32::MAX, |_| COMPLETE_AT);
        let mut woken = false;
        let mut bytes = 0u32;
        let mut returned = Returned::default();
        let mut back = XdpBulk::new();
        let mut passed = XdpBulk::new();
        let mut xdp = poll.xdp(dev.data().prog.get(bh.rcu()), &mut passed);
        while let Some(entry) = xdp.next() {
            bytes = bytes.wrapping_add(entry.frame_len());
            match xdp.run(entry) {
                Outcome::Pass(skb) => match UniqueSkb::new(skb) {
                    Ok(skb) => xdp.gro_receive(skb),
                    Err(skb) => xdp.netif_receive(skb),
                },
                Outcome::Tx(frame) => {
                    if let Err(frame) = back.push(frame) {
                        returned.send(dev, &mut back, bh);
                        let _ = back.push(frame);
                    }
                }
                Outcome::Done => (),
            }
            if xdp.charged() >= complete_at {
                woken = txq.as_ref().is_some_and(|txq| xdp.complete_charged(txq));
                if woken {
                    break;
                }
            }
        }
        if !back.is_empty() {
            returned.send(dev, &mut back, bh);
        }
        let done = xdp.finish();
        if let Some(stats) = dev.data().stats.get(queue.index().into()) {
            returned.count(stats);
            count(poll.done(), bytes, &done, stats);
        }
        if let Some(txq) = txq {
            woken |= poll.complete_charged(&txq);
            woken |= txq.wake(poll.bh());
        }
        // The sender's softirq is to fill the ring before it is empty.
        if woken && poll.done() >= COMPLETE_AT {
            return poll.again();
        }
        poll.complete()
    }

    /// They were not counted as sent. Whoever was told to wait until there is room need not any more.
    fn dropped<'a>(
        index: u16,
        dev: &'a Link<Self>,
        packets: u32,
        rcu: Rcu<'a>,
    ) -> Option<TxQueue<'a>> {
        let peer = dev.data().peer.get(rcu)?;
        peer.data().dropped.add(packets.into());
        peer.tx_queue(index)
    }
}

/// Frames that were sent back in one poll.
#[derive(Default)]
struct Returned {
    sent: u32,
    lost: u32,
}

impl Returned {
    /// Sends frames back to the other end.
    #[cold]
    fn send(&mut self, dev: &Link<Veth>, frames: &mut XdpBulk, bh: Bh<'_>) {
        let (sent, lost) = frames.send(dev, |frames| {
            let peer = dev.data().peer.get(bh.rcu()).ok_or(ENXIO)?;
            xdp::send_frames(dev, peer, xdp::queue_of(peer, bh), frames, bh).map(drop)
        });
        self.sent += sent;
        self.lost += lost;
    }

    #[inline]
    fn count(&self, stats: &QueueStats) {
        if self.sent | self.lost != 0 {
            stats.xdp_tx.add(self.sent);
            stats.xdp_tx_errors.add(self.lost);
        }
    }
}

/// Counts the packets of one poll.
#[inline]
fn count(packets: u32, bytes: u32, done: &Done, stats: &QueueStats) {
    stats.packets.add(packets);
    stats.bytes.add(bytes);
    if done.lost | done.redirected | done.dropped != 0 {
        stats.drops.add(done.lost);
        stats.xdp_redirect.add(done.redirected);
        stats.xdp_drops.add(done.dropped);
    }
}
