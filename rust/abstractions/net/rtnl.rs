// SPDX-License-Identifier: GPL-2.0

//! The RTNL mutex, which serialises the configuration of net devices.
//!
//! C header: [`include/linux/rtnetlink.h`](srctree/include/linux/rtnetlink.h)

use crate::bindings;
use core::{
    marker::PhantomData,
    ops::Deref, //
};
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
/// let mut unlocked = abstractions::testing::unlocked();
/// assert_eq!(configure(&rtnl::lock(&mut unlocked)), 1);
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

/// Proof that this thread may take RTNL: a process that does not hold it, nor is waited for by who does.
///
/// Callbacks get one that the core calls so: commands to a file, but nothing that is called under RTNL, for
/// a packet, or by a worker. It is taken by [`lock`] for as long as its guard lasts, so RTNL is not taken
/// twice.
///
/// # Invariants
///
/// The current thread is a process that may sleep, and holds RTNL only while the instance is lent to a
/// [`RtnlGuard`]. Nobody waits for the thread under RTNL.
pub struct Unlocked(NotThreadSafe);

impl Unlocked {
    /// Assumes that RTNL may be taken.
    ///
    /// # Safety
    ///
    /// It must be as the type's invariants say as long as the value exists, of which there must be no
    /// other in this thread.
    #[inline]
    pub(crate) unsafe fn assume() -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(NotThreadSafe)
    }
}

/// Holds RTNL until dropped.
///
/// # Invariants
///
/// This thread holds RTNL, and has taken it for this.
///
/// # Examples
///
/// ```
/// let mut unlocked = abstractions::testing::unlocked();
/// let guard = abstractions::net::rtnl::lock(&mut unlocked);
/// // Whoever wants RTNL waits until here.
/// drop(guard);
/// ```
pub struct RtnlGuard<'a>(Rtnl, PhantomData<&'a mut Unlocked>);

/// Takes RTNL.
///
/// # Context
///
/// Process, may sleep; the caller must not hold any lock that is taken under RTNL, also when the guard is
/// dropped: that waits for devices that were unregistered, and drops their private data.
#[must_use = "RTNL is released when the guard is dropped"]
pub fn lock(_unlocked: &mut Unlocked) -> RtnlGuard<'_> {
    // SAFETY: `rtnl_lock()` may be called from any process context.
    unsafe { bindings::rtnl_lock() };
    // INVARIANT: RTNL was just taken and is held until the guard is dropped.
    RtnlGuard(Rtnl(NotThreadSafe), PhantomData)
}

/// Calls `f` under RTNL, where who calls has no [`Unlocked`].
///
/// # Safety
///
/// The current thread must be a process that may sleep and does not hold RTNL, and for which nobody waits
/// under it.
pub(crate) unsafe fn with<R>(f: impl FnOnce(&Rtnl) -> R) -> R {
    // SAFETY: By the caller's guarantee, and for the call only.
    let mut unlocked = unsafe { Unlocked::assume() };
    let rtnl = lock(&mut unlocked);
    f(&rtnl)
}

impl Deref for RtnlGuard<'_> {
    type Target = Rtnl;

    #[inline]
    fn deref(&self) -> &Rtnl {
        &self.0
    }
}

impl Drop for RtnlGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant RTNL is held by this thread. Unlocking also runs
        // `netdev_run_todo()`, which waits for the devices unregistered meanwhile.
        unsafe { bindings::rtnl_unlock() };
    }
}
