// SPDX-License-Identifier: GPL-2.0

//! Device statistics.
//!
//! C header: [`include/linux/if_link.h`](srctree/include/linux/if_link.h)

use crate::{
    bindings,
    context::Bh, //
};
use core::{
    cell::UnsafeCell,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};

/// What a device reports (`struct rtnl_link_stats64`).
///
/// # Context
///
/// Any: numbers only.
#[repr(transparent)]
pub struct LinkStats64(bindings::rtnl_link_stats64);

impl LinkStats64 {
    /// Wraps the structure that the core wants filled in.
    ///
    /// # Safety
    ///
    /// `ptr` must be valid and used by this thread only, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::rtnl_link_stats64) -> &'a mut Self {
        // CAST: `LinkStats64` is a transparent wrapper.
        // SAFETY: Guaranteed by the caller.
        unsafe { &mut *ptr.cast() }
    }

    /// Adds transmitted packets and their bytes.
    pub fn add_tx(&mut self, packets: u64, bytes: u64) {
        self.0.tx_packets = self.0.tx_packets.wrapping_add(packets);
        self.0.tx_bytes = self.0.tx_bytes.wrapping_add(bytes);
    }

    /// Adds received packets and their bytes.
    pub fn add_rx(&mut self, packets: u64, bytes: u64) {
        self.0.rx_packets = self.0.rx_packets.wrapping_add(packets);
        self.0.rx_bytes = self.0.rx_bytes.wrapping_add(bytes);
    }

    /// Adds what a device on top of another one has counted. A packet that could not be received is
    /// an error and a drop.
    pub fn add_stacked(&mut self, stats: &StackedStats) {
        // SAFETY: The counters are valid by their type's invariant; the structure is ours.
        unsafe { bindings::pcpu_stats_sum(stats.0.as_ptr(), &mut self.0) };
        self.0.rx_dropped = self.0.rx_dropped.wrapping_add(self.0.rx_errors);
    }

    /// Adds packets that could not be transmitted.
    pub fn add_tx_dropped(&mut self, packets: u64) {
        self.0.tx_dropped = self.0.tx_dropped.wrapping_add(packets);
    }

    /// Adds packets that were received and lost.
    pub fn add_rx_dropped(&mut self, packets: u64) {
        self.0.rx_dropped = self.0.rx_dropped.wrapping_add(packets);
    }
}

/// The sum over all CPUs of a device's packet counters (`struct pcpu_sw_netstats`).
#[derive(Clone, Copy, Default)]
pub struct SwNetstats {
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets transmitted.
    pub tx_packets: u64,
    /// Bytes transmitted.
    pub tx_bytes: u64,
}

/// A counter for events that are rare enough for one shared atomic. It has a cache line of its own,
/// so that counting does not slow down readers of what is beside it.
///
/// # Context
///
/// Any; does not sleep.
///
/// # Examples
///
/// ```
/// use abstractions::net::stats::Counter;
///
/// static LOST: Counter = Counter::new();
///
/// let before = LOST.get();
/// LOST.inc();
/// LOST.add(2);
/// assert_eq!(LOST.get(), before + 3);
/// ```
#[repr(align(64))]
pub struct Counter(Atomic<u64>);

impl Counter {
    /// Makes a counter at zero.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Counts one event.
    #[inline]
    pub fn inc(&self) {
        self.0.add(1, Relaxed);
    }

    /// Counts several.
    #[inline]
    pub fn add(&self, events: u64) {
        self.0.add(events, Relaxed);
    }

    /// Returns the number of events so far.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A counter that one adds to at a time: who polls a queue, or has a lock. It costs no more than a number: adding is not
/// atomic, and of two who add at once one may be lost.
///
/// # Context
///
/// Any; does not sleep.
///
/// # Examples
///
/// ```
/// use abstractions::net::stats::PlainCounter;
///
/// let packets = PlainCounter::new();
///
/// packets.add(2);
/// packets.add(0);
/// assert_eq!(packets.get(), 2);
/// ```
///
/// # Invariants
///
/// The cell is read and written by volatile accesses alone, which are one instruction each.
pub struct PlainCounter(UnsafeCell<u64>);
const _: () = assert!(usize::BITS == u64::BITS);

// SAFETY: By the type's invariants it is accessed as by `READ_ONCE()` and `WRITE_ONCE()`, which is no data race.
unsafe impl Sync for PlainCounter {}

impl PlainCounter {
    /// Makes a counter at zero.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    /// Counts several events.
    #[inline]
    pub fn add(&self, events: u32) {
        // Not by the kernel's atomics, which are calls where helpers are not inlined.
        if events != 0 {
            // SAFETY: The cell is valid, and by the type's invariants accessed so by all.
            unsafe {
                self.0
                    .get()
                    .write_volatile(self.get().wrapping_add(events.into()));
            }
        }
    }

    /// Returns the number of events so far.
    #[inline]
    pub fn get(&self) -> u64 {
        // SAFETY: The cell is valid, and by the type's invariants accessed so by all.
        unsafe { self.0.get().read_volatile() }
    }
}

/// The per-CPU counters of a device on top of another one (`struct vlan_pcpu_stats`).
///
/// # Context
///
/// Softirqs disabled, where packets are counted. Only [`new`](Self::new) sleeps.
///
/// # Invariants
///
/// The pointer is to per-CPU counters that live as long as this.
///
/// # Examples
///
/// ```
/// use abstractions::{context::disable_bh, net::stats::StackedStats};
///
/// let stats = StackedStats::new()?;
/// let softirqs = disable_bh();
/// stats.count_rx(64, false, softirqs.bh());
/// stats.count_tx(64, softirqs.bh());
/// ```
pub struct StackedStats(NonNull<bindings::vlan_pcpu_stats>);

// SAFETY: Each CPU writes to its own counters, with softirqs disabled.
unsafe impl Send for StackedStats {}
// SAFETY: Each CPU writes to its own counters, and readers get along with that (`u64_stats`).
unsafe impl Sync for StackedStats {}

impl StackedStats {
    /// Makes counters at zero. Sleeps; [`ENOMEM`].
    pub fn new() -> Result<Self> {
        // SAFETY: May be called in any context that can sleep.
        let stats = unsafe { bindings::alloc_vlan_pcpu_stats() };
        // INVARIANT: They are ours.
        NonNull::new(stats).map(Self).ok_or(ENOMEM)
    }

    /// Counts a received packet of `len` bytes, its Ethernet header included.
    #[inline]
    pub fn count_rx(&self, len: u32, to_group: bool, _bh: Bh<'_>) {
        // SAFETY: By the type's invariant; softirqs are disabled. Where another section may still come in
        // between on this CPU (PREEMPT_RT), `u64_stats` keeps it out.
        unsafe { bindings::pcpu_stats_rx(self.0.as_ptr(), len, to_group) };
    }

    /// Counts a packet that was received and lost.
    #[cold]
    pub fn count_rx_error(&self, _bh: Bh<'_>) {
        // SAFETY: By the type's invariant; the counter is incremented by one instruction.
        unsafe { bindings::pcpu_stats_rx_error(self.0.as_ptr()) };
    }

    /// Counts a transmitted packet of `len` bytes.
    #[inline]
    pub fn count_tx(&self, len: u32, _bh: Bh<'_>) {
        // SAFETY: By the type's invariant; softirqs are disabled. Where another section may still come in
        // between on this CPU (PREEMPT_RT), `u64_stats` keeps it out.
        unsafe { bindings::pcpu_stats_tx(self.0.as_ptr(), len) };
    }

    /// Counts a packet that could not be transmitted.
    #[cold]
    pub fn count_tx_dropped(&self, _bh: Bh<'_>) {
        // SAFETY: By the type's invariant; the counter is incremented by one instruction.
        unsafe { bindings::pcpu_stats_tx_dropped(self.0.as_ptr()) };
    }
}

impl Drop for StackedStats {
    fn drop(&mut self) {
        // SAFETY: They are ours, and nobody uses them any more.
        unsafe { bindings::free_vlan_pcpu_stats(self.0.as_ptr()) };
    }
}
