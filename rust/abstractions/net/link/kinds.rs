// SPDX-License-Identifier: GPL-2.0

//! The kinds of a module, as they are registered.

use crate::{
    bindings,
    net::ethtool::DriverInfo,
    registration::Registrable, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    types::Opaque, //
};

/// A kind of link as C has a pointer to it while it is registered. While it is not, nobody has a device
/// of the kind.
///
/// # Invariants
///
/// `ops` is registered if `is_registered` is set, and never used but as part of a `Kind`, whose first field
/// it is.
#[repr(C)]
pub struct Kind {
    ops: Opaque<bindings::rtnl_link_ops>,
    name: &'static CStr,
    driver: DriverInfo,
    is_registered: Atomic<bool>,
}

// SAFETY: It gives access to nothing; registering and unregistering take their own locks.
unsafe impl Sync for Kind {}

impl Kind {
    /// A kind that is not registered.
    ///
    /// # Safety
    ///
    /// The callbacks must be what the core expects of `rtnl_link_ops`.
    pub(super) const unsafe fn from_ops(
        ops: bindings::rtnl_link_ops,
        name: &'static CStr,
        driver: DriverInfo,
    ) -> Self {
        // INVARIANT: Not registered.
        Self {
            ops: Opaque::new(ops),
            name,
            driver,
            is_registered: Atomic::new(false),
        }
    }

    /// What `ethtool -i` says of a device of this module.
    ///
    /// # Safety
    ///
    /// `dev` must be valid, and have been made by a [`RtnlLinkOps`].
    pub(crate) unsafe fn driver_of(dev: *mut bindings::net_device) -> &'static DriverInfo {
        // CAST: By the invariants the operations are the first field of a `Kind`, which is static.
        // SAFETY: The core sets the device's operations before it calls `newlink`, and leaves them.
        unsafe { &(*(*dev).rtnl_link_ops.cast::<Self>()).driver }
    }

    /// # Safety
    ///
    /// As for [`Registrable::register`].
    unsafe fn register(&'static self) -> Result {
        // SAFETY: The structure is static, and unregistered by the caller's guarantee.
        to_result(unsafe { bindings::rtnl_link_register(self.ops.get()) })?;
        // INVARIANT: Just registered.
        self.is_registered.store(true, Relaxed);
        Ok(())
    }

    /// Removes all devices of the kind in all namespaces and waits until nobody runs any of their code.
    fn unregister(&'static self) {
        if self.is_registered.load(Relaxed) {
            // SAFETY: By the type's invariant. This waits for users of the operations, unregisters all
            // devices of the kind and waits until they are gone.
            unsafe { bindings::rtnl_link_unregister(self.ops.get()) };
            self.is_registered.store(false, Relaxed);
        }
    }
}

/// The kinds of a module: registered are those that nobody else has. [`EEXIST`] if these are none.
pub struct Kinds(&'static [&'static Kind]);

impl Kinds {
    /// Kinds that are not registered.
    pub const fn new(kinds: &'static [&'static Kind]) -> Self {
        Self(kinds)
    }

    /// # Safety
    ///
    /// As for [`Registrable::register`].
    unsafe fn register_free(&'static self) -> Result {
        let mut result = Err(EEXIST);
        for kind in self.0 {
            // SAFETY: By the caller's guarantee.
            match unsafe { kind.register() } {
                Ok(()) => result = Ok(()),
                // SAFETY: The name is a string.
                Err(err) if err == EEXIST => unsafe {
                    bindings::log_kind_is_taken(kind.name.as_char_ptr());
                },
                Err(err) => return Err(err),
            }
        }
        result
    }
}

impl Registrable for Kinds {
    unsafe fn register(&'static self) -> Result {
        // SAFETY: By the caller's guarantee.
        unsafe { self.register_free() }.inspect_err(|_| {
            // SAFETY: Those that are registered, which nobody does afterwards.
            unsafe { self.unregister() };
        })
    }

    unsafe fn unregister(&'static self) {
        self.0.iter().rev().for_each(|kind| kind.unregister());
    }
}
