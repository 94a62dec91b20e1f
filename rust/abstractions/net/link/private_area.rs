// SPDX-License-Identifier: GPL-2.0

//! The private area of a device: the data of its driver, and what is done by it.

use crate::bindings;
use core::{
    any::TypeId,
    mem::{
        size_of,
        MaybeUninit, //
    },
    ptr, //
};
use kernel::sync::atomic::{
    ordering::{
        Acquire,
        Full, //
    },
    Atomic, //
};

/// The private area of a device.
///
/// The core frees an unregistered device without calling `priv_destructor` on several paths, and
/// calls it on others; so the area says itself whether it holds data.
///
/// # Invariants
///
/// `ops` is null (the area is zeroed by the core at allocation) or points to the [`PrivOps`] of `T`,
/// and then `data` is initialised.
#[repr(C)]
pub(crate) struct Priv<T> {
    // First, so that it can be read without knowing `T`.
    pub(in crate::net) ops: Atomic<*const PrivOps>,
    // Zero is one that is not set up.
    #[cfg(CONFIG_NET_POLL_CONTROLLER)]
    pub(crate) netpoll: crate::net::netpoll::LowerNetpoll,
    pub(crate) data: MaybeUninit<T>,
}

/// Returns how many bytes of private area a device of type `T` needs.
///
/// # Context
///
/// Any: it is a constant.
pub const fn priv_size<T>() -> usize {
    size_of::<Priv<T>>()
}

impl<T> Priv<T> {
    #[inline]
    pub(crate) fn of(dev: *mut bindings::net_device) -> *mut Self {
        const { assert!(size_of::<bindings::net_device>() == bindings::NET_DEVICE_PRIV) };
        // As `netdev_priv()`.
        dev.wrapping_add(1).cast()
    }
}

/// What is done to a device through its private area, whatever the type of its data.
pub(crate) struct PrivOps {
    /// The type of the data.
    pub(crate) data_type: fn() -> TypeId,
    pub(super) drop: unsafe fn(*mut bindings::net_device),
    pub(crate) dellink: unsafe fn(*mut bindings::net_device, *mut bindings::list_head),
    pub(crate) get_link_net: unsafe fn(*mut bindings::net_device) -> *mut bindings::net,
}

impl PrivOps {
    /// The operations of a device of our kind, if it is initialised.
    ///
    /// # Safety
    ///
    /// `dev` must have a [`Priv`] as its private area.
    #[inline]
    pub(crate) unsafe fn of(dev: *mut bindings::net_device) -> Option<&'static Self> {
        // SAFETY: By the caller's guarantee; the first field is the same for every `T`. What it
        // points to is static.
        unsafe { (*Priv::<()>::of(dev)).ops.load(Acquire).as_ref() }
    }
}

/// Drops the private data if there is any; may be called any number of times.
///
/// # Safety
///
/// `dev` must have a [`Priv`] as its private area, and nobody may use its data any more.
pub(crate) unsafe fn priv_destroy(dev: *mut bindings::net_device) {
    // SAFETY: By the caller's guarantee.
    let ops = unsafe { (*Priv::<()>::of(dev)).ops.xchg(ptr::null(), Full) };
    // SAFETY: Null, or the operations that go with the data.
    if let Some(ops) = unsafe { ops.as_ref() } {
        // SAFETY: The exchange made us the only one to drop the data.
        unsafe { (ops.drop)(dev) };
    }
}

/// The table of a device that has no data yet and that nobody can reach.
pub(crate) const EMPTY_NETDEV_OPS: &bindings::net_device_ops = &{
    // SAFETY: All members are optional function pointers.
    unsafe { core::mem::zeroed::<bindings::net_device_ops>() }
};
