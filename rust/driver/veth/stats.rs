// SPDX-License-Identifier: GPL-2.0

//! What is counted per receive queue.

use abstractions::net::stats::{
    LinkStats64,
    PlainCounter, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        SetOnce, //
    },
};

/// What a receive queue has counted since the device was made, whether it is active or not.
///
/// Not per CPU: with as many queues as CPUs that would be the square of their number. Who reads a queue
/// is alone; what others write is in the next cache line.
#[repr(align(64))]
pub(super) struct QueueStats {
    /// Packets taken out of the ring, whatever became of them.
    pub(super) packets: PlainCounter,
    /// Their bytes.
    pub(super) bytes: PlainCounter,
    /// Lost for want of memory or room.
    pub(super) drops: PlainCounter,
    /// Redirected by a program.
    pub(super) xdp_redirect: PlainCounter,
    /// Dropped by a program.
    pub(super) xdp_drops: PlainCounter,
    /// Sent back by a program.
    pub(super) xdp_tx: PlainCounter,
    /// Those that the other end did not take.
    pub(super) xdp_tx_errors: PlainCounter,
    sent: Sent,
}

/// What the other end has sent here by `ndo_xdp_xmit`.
#[repr(align(64))]
struct Sent {
    xmit: Atomic<u64>,
    xmit_errors: Atomic<u64>,
}

impl QueueStats {
    fn new() -> Self {
        Self {
            packets: PlainCounter::new(),
            bytes: PlainCounter::new(),
            drops: PlainCounter::new(),
            xdp_redirect: PlainCounter::new(),
            xdp_drops: PlainCounter::new(),
            xdp_tx: PlainCounter::new(),
            xdp_tx_errors: PlainCounter::new(),
            sent: Sent {
                xmit: Atomic::new(0),
                xmit_errors: Atomic::new(0),
            },
        }
    }

    /// The other end has sent frames here, of which some were not taken. Anybody may call this.
    pub(super) fn count_sent(&self, taken: u32, lost: u32) {
        self.sent.xmit.add(taken.into(), Relaxed);
        if lost != 0 {
            self.sent.xmit_errors.add(lost.into(), Relaxed);
        }
    }

    /// What is shown of a receive queue, in the order of the fields.
    pub(super) fn rx(&self) -> [u64; 7] {
        [
            self.packets.get(),
            self.bytes.get(),
            self.drops.get(),
            self.xdp_redirect.get(),
            self.xdp_drops.get(),
            self.xdp_tx.get(),
            self.xdp_tx_errors.get(),
        ]
    }

    /// What is shown of the other end's transmit queue: packets taken, and not.
    pub(super) fn xmit(&self) -> [u64; 2] {
        [
            self.sent.xmit.load(Relaxed),
            self.sent.xmit_errors.load(Relaxed),
        ]
    }
}

/// What the receive queues of an end have counted. A queue that never was active has counted nothing, and has no memory
/// for it: a device has as many as there are processors, of which mostly one is active.
pub(super) struct Stats(KVVec<SetOnce<KBox<QueueStats>>>);

impl Stats {
    /// For `count` queues. [`ENOMEM`].
    pub(super) fn new(count: u32) -> Result<Self> {
        let mut all = KVVec::with_capacity(count as usize, GFP_KERNEL_ACCOUNT)?;
        for _ in 0..count {
            all.push(SetOnce::new(), GFP_KERNEL_ACCOUNT)?;
        }
        let this = Self(all);
        // Where it is counted what comes without queues.
        this.make(1)?;
        Ok(this)
    }

    /// The first `count` queues may be active from now on. May sleep; [`ENOMEM`].
    pub(super) fn make(&self, count: u32) -> Result {
        for queue in self.0.iter().take(count as usize) {
            if queue.as_ref().is_none() {
                queue.populate(KBox::new(QueueStats::new(), GFP_KERNEL_ACCOUNT)?);
            }
        }
        Ok(())
    }

    /// Those of a queue, if it ever was active.
    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<&QueueStats> {
        self.0.get(index as usize)?.as_ref().map(|queue| &**queue)
    }

    fn iter(&self) -> impl Iterator<Item = &QueueStats> {
        self.0
            .iter()
            .filter_map(SetOnce::as_ref)
            .map(|queue| &**queue)
    }
}

/// Adds what the queues of both ends have counted: what one has received the other has sent.
pub(super) fn add_queues(own: &Stats, peer: Option<&Stats>, stats: &mut LinkStats64) {
    for queue in own.iter() {
        let [_, xmit_errors] = queue.xmit();
        stats.add_rx(queue.packets.get(), queue.bytes.get());
        stats.add_rx_dropped(queue.drops.get().wrapping_add(xmit_errors));
        stats.add_tx_dropped(queue.xdp_tx_errors.get());
    }
    for queue in peer.into_iter().flat_map(Stats::iter) {
        let [_, xmit_errors] = queue.xmit();
        stats.add_tx(queue.packets.get(), queue.bytes.get());
        stats.add_tx_dropped(xmit_errors);
        stats.add_rx_dropped(queue.xdp_tx_errors.get());
    }
}
