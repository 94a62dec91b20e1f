// SPDX-License-Identifier: GPL-2.0

//! The multicast addresses of a device.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    mac::Mac,
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use crate::bindings;
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::types::NotThreadSafe;

/// The multicast addresses that a device is to receive, with a lock of their own.
///
/// # Context
///
/// Any but hard interrupts; does not sleep.
///
/// # Invariants
///
/// The device is not freed during `'a`, and its address lists are not locked by the current thread.
pub struct McList<'a> {
    dev: *mut bindings::net_device,
    _dev: PhantomData<&'a NetDevice>,
    _here: NotThreadSafe,
}

impl NetDevice {
    /// Returns its multicast addresses.
    ///
    /// # Context
    ///
    /// Process, RTNL; does not sleep.
    pub fn mc_list<'a>(&'a self, _rtnl: &'a Rtnl) -> McList<'a> {
        // SAFETY: The device is valid. Nothing that is given a `Rtnl` runs with address lists locked: of a
        // driver's operations only `ndo_set_rx_mode` does.
        unsafe { McList::new(self.as_ptr()) }
    }
}

impl McList<'_> {
    /// # Safety
    ///
    /// As the type's invariants say.
    pub(super) unsafe fn new(dev: *mut bindings::net_device) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self {
            dev,
            _dev: PhantomData,
            _here: NotThreadSafe,
        }
    }

    /// Computes something of all addresses, each with the number of devices on top that asked for it
    /// (`netdev_for_each_mc_addr()`).
    ///
    /// The list is locked meanwhile, by a spinlock. So `f` has nothing but what it is given, and that refers
    /// to nothing: neither a device, nor a proof of a lock or a context.
    pub fn fold<S: Copy + 'static>(self, init: S, f: fn(S, Mac, u32) -> S) -> S {
        // SAFETY: By the type's invariants.
        unsafe { bindings::netif_addr_lock_bh(self.dev) };
        // SAFETY: The list is locked.
        let result = unsafe { fold_mc(self.dev, init, f) };
        // SAFETY: Locked above.
        unsafe { bindings::netif_addr_unlock_bh(self.dev) };
        result
    }
}

/// See [`McList::fold`].
///
/// # Safety
///
/// The device must be valid and its address list locked.
pub(super) unsafe fn fold_mc<S: Copy + 'static>(
    dev: *mut bindings::net_device,
    init: S,
    f: fn(S, Mac, u32) -> S,
) -> S {
    let (mut state, mut ha) = (init, ptr::null_mut());
    loop {
        // SAFETY: By the caller's guarantee the list does not change, so the entry is in it.
        ha = unsafe { bindings::netdev_next_mc(dev, ha) };
        if ha.is_null() {
            return state;
        }
        // SAFETY: It stays in the list; an entry has room for the longest address there is.
        let (addr, synced) = unsafe { ((*ha).addr, (*ha).synced) };
        if let Some(mac) = addr.first_chunk::<6>().map(Mac::from_bytes) {
            state = f(state, mac, u32::try_from(synced).unwrap_or(0));
        }
    }
}
