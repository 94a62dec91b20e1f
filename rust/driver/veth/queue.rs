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
        let mut woken = false;
        let mut seen = Seen::default();
        let mut back = XdpBulk::new();
        let mut xdp = poll.xdp(dev.data().prog.get(bh.rcu()));
        while let Some(entry) = xdp.next() {
            seen.bytes = seen.bytes.wrapping_add(entry.frame_len());
            match xdp.run(entry) {
                Outcome::Pass(skb) => match UniqueSkb::new(skb) {
                    Ok(skb) => xdp.gro_receive(skb),
                    Err(skb) => xdp.netif_receive(skb),
                },
                Outcome::Passed => (),
                Outcome::Tx(frame) => {
                    if let Err(frame) = back.push(frame) {
                        seen.send_back(dev, &mut back, bh);
                        let _ = back.push(frame);
                    }
                }
                Outcome::Redirected => seen.redirect += 1,
                Outcome::Dropped => seen.xdp_drops += 1,
                Outcome::Lost => seen.drops += 1,
            }
            if xdp.charged() >= COMPLETE_AT {
                woken = txq.as_ref().is_some_and(|txq| xdp.complete_charged(txq));
                if woken {
                    break;
                }
            }
        }
        if !back.is_empty() {
            seen.send_back(dev, &mut back, bh);
        }
        seen.drops += xdp.finish();
        if let Some(stats) = dev.data().stats.get(queue.index().into()) {
            seen.count(poll.done(), stats);
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

/// What became of packets in one poll.
#[derive(Default)]
struct Seen {
    bytes: u32,
    drops: u32,
    redirect: u32,
    xdp_drops: u32,
    tx: u32,
    tx_errors: u32,
}

impl Seen {
    /// Sends frames back to the other end.
    #[cold]
    fn send_back(&mut self, dev: &Link<Veth>, frames: &mut XdpBulk, bh: Bh<'_>) {
        let (sent, lost) = frames.send(dev, |frames| {
            let peer = dev.data().peer.get(bh.rcu()).ok_or(ENXIO)?;
            xdp::send_frames(dev, peer, xdp::queue_of(peer, bh), frames, bh).map(drop)
        });
        self.tx += sent;
        self.tx_errors += lost;
    }

    fn count(&self, packets: u32, stats: &QueueStats) {
        stats.packets.add(packets);
        stats.bytes.add(self.bytes);
        let rest = self.drops | self.redirect | self.xdp_drops | self.tx | self.tx_errors;
        if rest == 0 {
            return;
        }
        stats.drops.add(self.drops);
        stats.xdp_redirect.add(self.redirect);
        stats.xdp_drops.add(self.xdp_drops);
        stats.xdp_tx.add(self.tx);
        stats.xdp_tx_errors.add(self.tx_errors);
    }
}
