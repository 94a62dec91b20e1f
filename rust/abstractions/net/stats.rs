// SPDX-License-Identifier: GPL-2.0

//! Device statistics.
//!
//! C header: [`include/linux/if_link.h`](srctree/include/linux/if_link.h)

use crate::bindings;
use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

/// What a device reports (`struct rtnl_link_stats64`).
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

    /// Adds packets that could not be transmitted.
    pub fn add_tx_dropped(&mut self, packets: u64) {
        self.0.tx_dropped = self.0.tx_dropped.wrapping_add(packets);
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
#[repr(align(64))]
pub struct Counter(Atomic<u64>);

impl Counter {
    /// A counter at zero.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Counts one event. Any context.
    #[inline]
    pub fn inc(&self) {
        self.0.add(1, Relaxed);
    }

    /// The number of events so far.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
