// SPDX-License-Identifier: GPL-2.0

//! What becomes of packets that are polled.

use super::Veth;
use abstractions::{
    context::Rcu,
    net::{
        napi::{
            Poll,
            Polled,
            UniqueSkb, //
        },
        netdevice::Link,
        ring::Entry,
        rx_queue::{
            LiveQueue,
            RxQueueOps, //
        },
    },
};

/// After how many packets their sender hears that they have arrived. Byte queue limits let as many be under way
/// as are needed for that, so it is what others wait for.
const COMPLETE_AT: u32 = 8;

impl RxQueueOps for Veth {
    type Queue = ();

    /// As C veth.
    const RING_SIZE: u16 = 256;

    fn poll(queue: &LiveQueue<Self>, dev: &Link<Self>, mut poll: Poll<'_>) -> Polled {
        let peer = dev.data().peer.get(poll.rcu());
        // Its number is that of the queue: what was put into another one came by that.
        let txq = peer.and_then(|peer| peer.tx_queue(queue.index()));
        let mut bytes: u64 = 0;
        let mut woken = false;
        while let Some(Entry::Skb(skb)) = poll.next() {
            bytes = bytes.wrapping_add(skb.frame_len().into());
            match UniqueSkb::new(skb) {
                Ok(skb) => poll.gro_receive(skb),
                Err(skb) => poll.netif_receive(skb),
            }
            if poll.charged() >= COMPLETE_AT {
                woken = txq.as_ref().is_some_and(|txq| poll.complete_charged(txq));
                if woken {
                    break;
                }
            }
        }
        if let Some(stats) = dev.data().stats.get(usize::from(queue.index())) {
            stats.packets.add(poll.done().into());
            stats.bytes.add(bytes);
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
    fn dropped(queue: &LiveQueue<Self>, dev: &Link<Self>, packets: u32, gone: bool, rcu: Rcu<'_>) {
        let Some(peer) = dev.data().peer.get(rcu) else {
            return;
        };
        peer.data().dropped.add(packets.into());
        if let (true, Some(txq)) = (gone, peer.tx_queue(queue.index())) {
            txq.reset();
        }
    }
}
