// SPDX-License-Identifier: GPL-2.0

//! Network namespaces.
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

use crate::bindings;
use kernel::types::Opaque;

/// A network namespace (`struct net`).
///
/// # Context
///
/// Process. May sleep.
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

    /// Returns whether the process that runs here, for which a message is written, may administer the
    /// namespace (`ns_capable_noaudit()`). No kernel thread may: what it writes is for everybody.
    pub fn is_administered_by_current(&self) -> bool {
        // SAFETY: The namespace is valid, and holds a reference to its user namespace.
        unsafe { bindings::net_capable_noaudit(self.as_ptr()) }
    }

    /// The C object.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::net {
        self.0.get()
    }

    /// Returns whether the current process may administer the network of this namespace (`ns_capable()`).
    pub fn admin_capable(&self) -> bool {
        // SAFETY: The namespace is valid, and so is the user namespace that it belongs to.
        unsafe { bindings::net_admin_capable(self.as_ptr()) }
    }

    /// Whether it belongs to the first user namespace, which is to say to the machine.
    pub(crate) fn is_of_first_user_ns(&self) -> bool {
        // SAFETY: The namespace is valid; user namespaces are compared, not looked at.
        unsafe { bindings::net_is_of_init_user_ns(self.as_ptr()) }
    }
}
