// SPDX-License-Identifier: GPL-2.0

//! A kind of a module, as it is registered.

use crate::{
    bindings,
    net::ethtool::DriverInfo,
    registration::Registrable, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// A kind of link as C has a pointer to it while it is registered. While it is not, nobody has a device
/// of the kind.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Invariants
///
/// `ops` is never used but as part of a `Kind`, whose first field it is.
#[repr(C)]
pub struct Kind {
    ops: Opaque<bindings::rtnl_link_ops>,
    name: &'static CStr,
    driver: DriverInfo,
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
}

impl Registrable for Kind {
    /// [`EEXIST`] if somebody else has a kind of that name, which is logged.
    unsafe fn register(&'static self) -> Result {
        // SAFETY: The structure is static, not registered, and unregistered by the caller's guarantee.
        to_result(unsafe { bindings::rtnl_link_register(self.ops.get()) }).inspect_err(|err| {
            if *err == EEXIST {
                // SAFETY: The name is a string.
                unsafe { bindings::log_kind_is_taken(self.name.as_char_ptr()) };
            }
        })
    }

    /// Removes all devices of the kind in all namespaces and waits until nobody runs any of their code.
    unsafe fn unregister(&'static self) {
        // SAFETY: It is registered by the caller's guarantee. This waits for users of the operations,
        // unregisters all devices of the kind and waits until they are gone.
        unsafe { bindings::rtnl_link_unregister(self.ops.get()) };
    }
}
