// SPDX-License-Identifier: GPL-2.0

//! Pools of pages for packets.
//!
//! C header: [`include/net/page_pool/types.h`](srctree/include/net/page_pool/types.h)

use crate::bindings;

/// What page pools have counted, summed up (`struct page_pool_stats`).
pub struct PagePoolStats {
    #[cfg(CONFIG_PAGE_POOL_STATS)]
    sum: bindings::page_pool_stats,
}

#[cfg(CONFIG_PAGE_POOL_STATS)]
impl PagePoolStats {
    pub(super) fn new() -> Self {
        Self {
            // SAFETY: Numbers, for which zero is valid.
            sum: unsafe { core::mem::zeroed() },
        }
    }

    /// How many names the core has.
    pub(super) fn count() -> usize {
        // SAFETY: Callable at any time.
        usize::try_from(unsafe { bindings::page_pool_ethtool_stats_get_count() }).unwrap_or(0)
    }

    /// Writes the names, if there is room for all.
    pub(super) fn names(to: &mut [[u8; bindings::ETH_GSTRING_LEN as usize]]) {
        if to.len() >= Self::count() {
            // SAFETY: There is room for as many names as the function writes.
            unsafe { bindings::page_pool_ethtool_stats_get_strings(to.as_mut_ptr().cast()) };
        }
    }

    /// Writes the numbers, if there is room for all.
    pub(super) fn write(&self, to: &mut [u64]) {
        if to.len() >= size_of::<bindings::page_pool_stats>() / size_of::<u64>() {
            let sum: *const bindings::page_pool_stats = &self.sum;
            // SAFETY: The function writes the numbers that the structure has, and there is room for these.
            unsafe { bindings::page_pool_ethtool_stats_get(to.as_mut_ptr(), sum.cast()) };
        }
    }
}

#[cfg(not(CONFIG_PAGE_POOL_STATS))]
impl PagePoolStats {
    pub(super) fn new() -> Self {
        Self {}
    }

    pub(super) fn count() -> usize {
        0
    }

    pub(super) fn names(_to: &mut [[u8; bindings::ETH_GSTRING_LEN as usize]]) {}

    pub(super) fn write(&self, _to: &mut [u64]) {}
}
