// SPDX-License-Identifier: GPL-2.0

//! Counters for events, one of each for every CPU.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use crate::{
    bindings,
    context::Bh, //
};
use core::ptr::NonNull;
use kernel::{
    ffi::c_ulong,
    prelude::*, //
};

/// `N` counters for each CPU, of type `unsigned long`: on 32-bit machines they begin anew at 2^32.
///
/// # Context
///
/// Any, to be dropped too; only [`new`](Self::new) sleeps.
///
/// # Invariants
///
/// The pointer is to `N` per-CPU numbers, one after the other, that live as long as this.
///
/// # Examples
///
/// ```
/// use abstractions::{context::disable_bh, net::pcpu_counters::PcpuCounters};
///
/// let lost = PcpuCounters::<2>::new()?;
/// lost.add(1, 3, disable_bh().bh());
/// assert_eq!((lost.sum(0), lost.sum(1)), (0, 3));
/// // There is no third one: nothing is counted.
/// lost.add(2, 1, disable_bh().bh());
/// assert_eq!(lost.sum(2), 0);
/// ```
pub struct PcpuCounters<const N: usize>(NonNull<c_ulong>);

// SAFETY: Each CPU writes to its own counters, by one instruction each, and readers get along with that.
unsafe impl<const N: usize> Send for PcpuCounters<N> {}
// SAFETY: Several threads only read what is not their own CPU's.
unsafe impl<const N: usize> Sync for PcpuCounters<N> {}

impl<const N: usize> PcpuCounters<N> {
    /// Makes counters at zero. Sleeps; [`ENOMEM`].
    pub fn new() -> Result<Self> {
        const { assert!(N > 0 && N <= 256) };
        // SAFETY: May be called in any context that can sleep; the size is small and not zero.
        let counters = unsafe { bindings::alloc_percpu_ulongs(N) };
        // INVARIANT: They are ours, zeroed, and `N`.
        NonNull::new(counters).map(Self).ok_or(ENOMEM)
    }

    /// Counts `events` events of kind `index` on this CPU; nothing if there is no such kind.
    #[inline]
    pub fn add(&self, index: usize, events: usize, _bh: Bh<'_>) {
        if index < N {
            // SAFETY: By the type's invariants there is a counter of that number; this CPU's is changed by one
            // instruction.
            unsafe { bindings::percpu_ulong_add(self.0.as_ptr(), index, events) };
        }
    }

    /// Returns how many events of kind `index` all CPUs have counted.
    pub fn sum(&self, index: usize) -> u64 {
        if index < N {
            // SAFETY: By the type's invariants there is a counter of that number.
            unsafe { bindings::percpu_ulong_sum(self.0.as_ptr(), index) }
        } else {
            0
        }
    }
}

impl<const N: usize> Drop for PcpuCounters<N> {
    fn drop(&mut self) {
        // SAFETY: They are ours, and nobody uses them any more.
        unsafe { bindings::free_percpu_ulongs(self.0.as_ptr()) };
    }
}
