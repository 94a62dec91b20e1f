// SPDX-License-Identifier: GPL-2.0

//! Pools of pages for packets.
//!
//! C header: [`include/net/page_pool/types.h`](srctree/include/net/page_pool/types.h)

use super::netdevice::NetDevice;
use crate::bindings;
use core::ptr::NonNull;
use kernel::{
    error::from_err_ptr,
    prelude::*, //
};

/// A pool of pages, of which packets are made (`struct page_pool`). Pages that come back are used again;
/// those that are still away when it is dropped are freed when they come.
///
/// # Invariants
///
/// The pointer is to a pool that is ours. Its pages are not for DMA, so it does not look at its device.
pub(super) struct PagePool(NonNull<bindings::page_pool>);

// SAFETY: A pool may be destroyed by any thread; who allocates says that nobody else does.
unsafe impl Send for PagePool {}
// SAFETY: Shared it is for giving pages back, which anybody may at any time.
unsafe impl Sync for PagePool {}

impl PagePool {
    /// A pool that keeps `size` pages, and that is shown as one of `dev` (`page-pool-get` of netlink family
    /// netdev). May sleep; [`ENOMEM`].
    pub(super) fn new(dev: &NetDevice, size: u16) -> Result<Self> {
        // SAFETY: The device is valid. The pool is taken from it when it is unregistered
        // (`page_pool_unreg_netdev()`).
        let pool = from_err_ptr(unsafe { bindings::page_pool_create(dev.as_ptr(), size.into()) })?;
        // INVARIANT: It is ours.
        NonNull::new(pool).map(Self).ok_or(ENOMEM)
    }

    /// For C. To be allocated from by one thread at a time, with softirqs disabled.
    #[inline]
    pub(super) fn as_ptr(&self) -> *mut bindings::page_pool {
        self.0.as_ptr()
    }
}

impl Drop for PagePool {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants; nobody allocates from it any more.
        unsafe { bindings::page_pool_destroy(self.0.as_ptr()) };
    }
}

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

    /// Adds what a pool has counted.
    pub(super) fn add(&mut self, pool: &PagePool) {
        // SAFETY: The pool is valid, and its numbers may be read at any time.
        unsafe { bindings::page_pool_get_stats(pool.as_ptr(), &mut self.sum) };
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

    pub(super) fn add(&mut self, _pool: &PagePool) {}

    pub(super) fn count() -> usize {
        0
    }

    pub(super) fn names(_to: &mut [[u8; bindings::ETH_GSTRING_LEN as usize]]) {}

    pub(super) fn write(&self, _to: &mut [u64]) {}
}
