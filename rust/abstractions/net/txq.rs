// SPDX-License-Identifier: GPL-2.0

//! Transmit queues: stopped when what is behind them is full, woken when it is not.
//!
//! C header: [`include/net/netdev_queues.h`](srctree/include/net/netdev_queues.h)

use super::netdevice::NetDevice;
use crate::{
    bindings,
    context::{
        Bh,
        Rcu, //
    },
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// A transmit queue of a device (`struct netdev_queue`).
///
/// Who fills what is behind it [stops](Self::try_stop) it and looks again; who empties that
/// [wakes](Self::wake) it afterwards. A barrier is between the two steps of either, so one sees the other.
///
/// # Context
///
/// Any but hard interrupts; does not sleep.
///
/// # Invariants
///
/// The pointer is to a queue of a device that is not freed during `'a`.
pub struct TxQueue<'a>(NonNull<bindings::netdev_queue>, PhantomData<&'a NetDevice>);

impl<'a> TxQueue<'a> {
    /// Returns the transmit queue of a device with that number, active or not; `None` if it was not allocated with so
    /// many.
    #[inline]
    pub(crate) fn of(dev: &'a NetDevice, index: u16) -> Option<Self> {
        const { assert!(size_of::<bindings::netdev_queue>() == bindings::NETDEV_QUEUE_SIZE) };
        let dev = dev.as_ptr();
        // SAFETY: The device is valid, and its number of queues, and where they are, never changes.
        let queue = unsafe {
            if u32::from(index) >= (*dev).num_tx_queues {
                return None;
            }
            (*dev)._tx.add(index.into())
        };
        // INVARIANT: One of the device's.
        NonNull::new(queue).map(|queue| Self(queue, PhantomData))
    }
}

impl TxQueue<'_> {
    /// The C object.
    #[cfg(CONFIG_KUNIT)]
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::netdev_queue {
        self.0.as_ptr()
    }

    /// Returns whether packets wait somewhere while it is stopped. If not, it must not be stopped.
    #[inline]
    pub fn has_qdisc(&self, _rcu: Rcu<'_>) -> bool {
        // SAFETY: The queue is valid; a queueing discipline is freed after a grace period.
        !unsafe { bindings::qdisc_txq_has_no_queue(self.0.as_ptr()) }
    }

    /// Stops it, unless there is `room` by then. To be called by one at a time, when `room` was not there.
    /// Returns whether it is stopped.
    #[cold]
    #[inline(always)]
    pub fn try_stop(&self, room: impl FnOnce() -> bool) -> bool {
        // Built in: what `room` looks at need not be in memory for who never gets here.
        // SAFETY: The queue is valid.
        unsafe { bindings::txq_stop(self.0.as_ptr()) };
        if !room() {
            return true;
        }
        // SAFETY: The queue is valid.
        unsafe { bindings::txq_start(self.0.as_ptr()) };
        false
    }

    /// Starts it if it was stopped, as there may be room since a moment ago (`netif_tx_wake_queue()`).
    /// Returns whether it was.
    #[inline]
    pub fn wake(&self, _bh: Bh<'_>) -> bool {
        // SAFETY: The queue is valid, and softirqs are disabled, as for who has it looked at.
        unsafe { bindings::txq_wake(self.0.as_ptr()) }
    }

    /// Counts a packet as under way, for byte queue limits, which count packets here; that may stop the queue. To
    /// be called by one at a time.
    #[inline]
    pub(super) fn charge(&self) {
        // SAFETY: The queue is valid.
        unsafe { bindings::txq_charge(self.0.as_ptr()) };
    }

    /// So many that were counted have arrived. Whether that started the queue.
    #[inline]
    pub(super) fn complete(&self, packets: u32) -> bool {
        // SAFETY: The queue is valid; what was not counted is left out.
        packets != 0 && unsafe { bindings::txq_complete(self.0.as_ptr(), packets) }
    }

    /// Nothing is under way any more, nobody fills what is behind it, and nothing stops it: starts it.
    pub(super) fn reset(&self) {
        // SAFETY: The queue is valid.
        unsafe { bindings::txq_reset(self.0.as_ptr()) };
    }
}
