// SPDX-License-Identifier: GPL-2.0

//! The RTNL mutex, which serialises the configuration of net devices.
//!
//! C header: [`include/linux/rtnetlink.h`](srctree/include/linux/rtnetlink.h)

use crate::bindings;
use core::ops::Deref;
use kernel::types::NotThreadSafe;

/// Proof that the current thread holds RTNL.
///
/// Callbacks that the core runs under RTNL receive a `&Rtnl`; code of one's own gets it from
/// [`lock`].
///
/// # Invariants
///
/// RTNL is held by the current thread for as long as a reference to an instance exists.
///
/// # Examples
///
/// ```
/// use abstractions::net::rtnl::{self, Rtnl};
///
/// /// Can only be called by who holds RTNL.
/// fn configure(_rtnl: &Rtnl) -> u32 {
///     1
/// }
///
/// assert_eq!(configure(&rtnl::lock()), 1);
/// ```
pub struct Rtnl(NotThreadSafe);

impl Rtnl {
    /// Assumes that RTNL is held; the kernel warns once if nobody holds it (`ASSERT_RTNL()`).
    ///
    /// # Safety
    ///
    /// The current thread must hold RTNL for all of `'a`.
    #[inline]
    pub(crate) unsafe fn assume_held<'a>() -> &'a Self {
        // SAFETY: `ASSERT_RTNL()` has no requirements; it only warns.
        unsafe { bindings::assert_rtnl() };
        // INVARIANT: Guaranteed by the caller.
        const HELD: &Rtnl = &Rtnl(NotThreadSafe);
        HELD
    }
}

/// Holds RTNL until dropped.
///
/// # Examples
///
/// ```
/// let guard = abstractions::net::rtnl::lock();
/// // Whoever wants RTNL waits until here.
/// drop(guard);
/// ```
pub struct RtnlGuard(Rtnl);

/// Takes RTNL.
///
/// # Context
///
/// Process, may sleep; the caller must not hold RTNL, or any lock that is taken under it.
#[must_use = "RTNL is released when the guard is dropped"]
pub fn lock() -> RtnlGuard {
    // SAFETY: `rtnl_lock()` may be called from any process context.
    unsafe { bindings::rtnl_lock() };
    // INVARIANT: RTNL was just taken and is held until the guard is dropped.
    RtnlGuard(Rtnl(NotThreadSafe))
}

impl Deref for RtnlGuard {
    type Target = Rtnl;

    #[inline]
    fn deref(&self) -> &Rtnl {
        &self.0
    }
}

impl Drop for RtnlGuard {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant RTNL is held by this thread. Unlocking also runs
        // `netdev_run_todo()`, which waits for the devices unregistered meanwhile.
        unsafe { bindings::rtnl_unlock() };
    }
}
