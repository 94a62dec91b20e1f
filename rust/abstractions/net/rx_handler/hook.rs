// SPDX-License-Identifier: GPL-2.0

//! What a handler has to look at what its device sends; see `egress.rs`.

use crate::{
    bindings,
    net::rtnl::Rtnl, //
};
use core::{
    cell::UnsafeCell,
    ptr, //
};
use kernel::{
    sync::atomic::Atomic,
    types::Opaque, //
};

/// The hook of a handler, and its mark.
///
/// # Invariants
///
/// - `is_there` is written under RTNL. While it is set, `ops` are registered with the device that the handler
///   is attached to, in its namespace, and C calls the hook with the handler. When it was cleared the hook
///   may run until a grace period is over.
/// - `mark` is null, or ours: a reference that is given up a grace period after it is cleared. It is written
///   under RTNL, and not null while `is_there` is set.
pub(super) struct Hook {
    pub(super) mark: Atomic<*mut bindings::dst_entry>,
    pub(super) is_there: UnsafeCell<bool>,
    pub(super) ops: Opaque<bindings::nf_hook_ops>,
}

impl Hook {
    /// One that is not there.
    pub(super) fn new() -> Self {
        Self {
            mark: Atomic::new(ptr::null_mut()),
            is_there: UnsafeCell::new(false),
            // SAFETY: Zero is valid for the structure.
            ops: Opaque::new(unsafe { core::mem::zeroed() }),
        }
    }

    /// Takes the hook away from `dev`, if it is there. It may run until a grace period is over.
    ///
    /// # Safety
    ///
    /// `dev` must be the device that the handler is attached to.
    pub(super) unsafe fn remove(&self, dev: *mut bindings::net_device, _rtnl: &Rtnl) {
        // SAFETY: RTNL is held.
        if unsafe { self.is_there.get().replace(false) } {
            // SAFETY: By the invariants they are registered, with the device: the one namespace that C
            // looks into is its own, which changes under RTNL only and was there when it was registered.
            unsafe {
                bindings::nf_unregister_net_hooks(bindings::dev_net(dev), self.ops.get().cast(), 1);
            }
        }
    }
}

/// What is left to be done when nobody uses a handler's hook and mark any more.
#[must_use]
pub(super) struct Leftover(pub(super) *mut bindings::dst_entry);

impl Leftover {
    /// Gives the mark up. Packets that have it keep it.
    ///
    /// # Safety
    ///
    /// A grace period must have passed since this was made.
    pub(super) unsafe fn give_up(self) {
        // SAFETY: Null, or our reference, which nobody finds any more. What is left when the last one is
        // gone is the core's own to free.
        unsafe { bindings::dst_release(self.0) };
    }
}
