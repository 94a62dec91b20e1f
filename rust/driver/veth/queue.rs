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

impl RxQueueOps for Veth {
    type Queue = ();

    /// As C veth.
    const RING_SIZE: u16 = 256;

    fn poll(queue: &LiveQueue<Self>, dev: &Link<Self>, mut poll: Poll<'_>) -> Polled {
        let mut bytes: u64 = 0;
        while let Some(Entry::Skb(skb)) = poll.next() {
            bytes = bytes.wrapping_add(skb.frame_len().into());
            match UniqueSkb::new(skb) {
                Ok(skb) => poll.gro_receive(skb),
                Err(skb) => poll.netif_receive(skb),
            }
        }
        if let Some(stats) = dev.data().stats.get(usize::from(queue.index())) {
            stats.packets.add(poll.done().into());
            stats.bytes.add(bytes);
        }
        poll.complete()
    }

    /// They were not counted as sent.
    fn dropped(_queue: &LiveQueue<Self>, dev: &Link<Self>, packets: u32, rcu: Rcu<'_>) {
        if let Some(peer) = dev.data().peer.get(rcu) {
            peer.data().dropped.add(packets.into());
        }
    }
}
