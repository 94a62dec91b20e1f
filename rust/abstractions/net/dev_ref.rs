// SPDX-License-Identifier: GPL-2.0

//! A counted reference to a net device.

use super::{
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use crate::bindings;
use core::{
    cell::UnsafeCell,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// Keeps a device from being freed (`netdev_hold()`, `netdev_put()`).
///
/// A device that is unregistered waits for its references, so whoever holds one has to give it up
/// when the device goes away. In the device's own data, or in those of two devices that hold each other, it
/// would be given up too late: the data are dropped when all references are gone. What is waited for in vain
/// keeps the namespace, and the module, from going.
///
/// It keeps the memory of the device, and nothing else: not its driver, nor its namespace. See
/// [`NetDevice::registered`].
///
/// # Context
///
/// Any, to be dropped too; only [`new`](DevRef::new) sleeps, under RTNL.
///
/// # Invariants
///
/// A reference to `dev` is held, whose tracker is `tracker`.
pub struct DevRef {
    dev: NonNull<bindings::net_device>,
    tracker: UnsafeCell<bindings::netdevice_tracker>,
}

// SAFETY: References may be given up by any thread; the tracker is touched at the beginning and at
// the end only.
unsafe impl Send for DevRef {}
// SAFETY: A shared reference gives the device, which may be looked at by any thread; the tracker is not
// touched by it.
unsafe impl Sync for DevRef {}

impl DevRef {
    /// Takes a reference (`netdev_hold()`). [`ENODEV`] if the device is not registered: the core would not
    /// wait for a reference to one that never was, and wait in vain for one that is taken later.
    pub fn new(dev: &NetDevice, _rtnl: &Rtnl) -> Result<Self> {
        let dev = NonNull::new(dev.as_ptr()).ok_or(ENODEV)?;
        // SAFETY: The device is valid; its state changes under RTNL only.
        if bindings::netdev_reg_state::from(unsafe { (*dev.as_ptr()).reg_state })
            != bindings::netdev_reg_state_NETREG_REGISTERED
        {
            return Err(ENODEV);
        }
        // SAFETY: A tracker is a pointer or nothing; zero is what `netdev_hold()` expects.
        let mut tracker: bindings::netdevice_tracker = unsafe { core::mem::zeroed() };
        // SAFETY: The device is valid. A failure to allocate the tracker is tolerated by the C side,
        // which remembers nothing of where the tracker is.
        unsafe { bindings::netdev_hold(dev.as_ptr(), &mut tracker, bindings::GFP_KERNEL) };
        // INVARIANT: The reference is held.
        Ok(Self {
            dev,
            tracker: UnsafeCell::new(tracker),
        })
    }
}

impl Deref for DevRef {
    type Target = NetDevice;

    #[inline]
    fn deref(&self) -> &NetDevice {
        // SAFETY: By the type's invariant the device is not freed.
        unsafe { NetDevice::from_raw(self.dev.as_ptr()) }
    }
}

impl Drop for DevRef {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_put(self.dev.as_ptr(), self.tracker.get()) };
    }
}
