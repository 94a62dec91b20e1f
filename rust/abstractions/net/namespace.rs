// SPDX-License-Identifier: GPL-2.0

//! Network namespaces.
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

use crate::bindings;
use kernel::types::Opaque;

/// A network namespace (`struct net`).
///
/// # Invariants
///
/// A reference to an instance points to a `struct net` that stays allocated for the reference's
/// lifetime.
#[repr(transparent)]
pub struct Net(Opaque<bindings::net>);

impl Net {
    /// Wraps a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a `struct net` that is not freed during `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::net) -> &'a Self {
        // CAST: `Net` is a transparent wrapper of `Opaque<net>`.
        // SAFETY: Valid for `'a` by the caller's guarantee.
        unsafe { &*ptr.cast() }
    }

    /// The C object.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::net {
        self.0.get()
    }
}
