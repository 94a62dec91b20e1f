// SPDX-License-Identifier: GPL-2.0

//! Proofs of the context that code runs in.

use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    sync::rcu,
    types::NotThreadSafe, //
};

/// Proof that an RCU read-side section lasts for `'a`.
///
/// Any section counts that RCU grace periods wait for: `rcu_read_lock()`, and since Linux 5.0 also
/// regions with softirqs or preemption disabled (`Documentation/RCU/whatisRCU.rst`). This is what
/// lets the transmit path, which always runs with softirqs disabled, do without a lock of its own.
///
/// # Invariants
///
/// The current CPU is in such a section for all of `'a`.
#[derive(Clone, Copy)]
pub struct Rcu<'a>(PhantomData<&'a ()>, NotThreadSafe);

impl<'a> Rcu<'a> {
    /// Turns a held `rcu_read_lock()` into a proof.
    #[inline]
    pub fn new(_guard: &'a rcu::Guard) -> Self {
        // INVARIANT: The guard is borrowed for `'a`, so the section lasts at least as long.
        Self(PhantomData, NotThreadSafe)
    }

    /// Assumes an RCU read-side section.
    ///
    /// # Safety
    ///
    /// The caller must be in an RCU read-side section, in the sense of the type, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn assume() -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(PhantomData, NotThreadSafe)
    }
}

/// Proof that softirqs are disabled on this CPU for `'a`, as `local_bh_disable()` does.
///
/// # Invariants
///
/// Softirqs are disabled on the current CPU for all of `'a`.
#[derive(Clone, Copy)]
pub struct Bh<'a>(PhantomData<&'a ()>, NotThreadSafe);

impl Bh<'_> {
    /// Assumes that softirqs are disabled.
    ///
    /// # Safety
    ///
    /// They must be, for all of the lifetime.
    #[inline]
    pub(crate) unsafe fn assume() -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(PhantomData, NotThreadSafe)
    }
}

/// Keeps softirqs disabled until dropped; then those that are waiting run, if nobody else keeps them
/// disabled.
pub struct BhGuard(NotThreadSafe);

/// Disables softirqs on this CPU (`local_bh_disable()`).
///
/// Context: any but hard interrupts.
#[must_use = "softirqs are enabled when the guard is dropped"]
pub fn disable_bh() -> BhGuard {
    // SAFETY: Enabled again when the guard is dropped.
    unsafe { bindings::local_bh_disable() };
    BhGuard(NotThreadSafe)
}

impl BhGuard {
    /// Softirqs are disabled as long as the guard is there.
    #[inline]
    pub fn bh(&self) -> Bh<'_> {
        // INVARIANT: Disabled in `disable_bh`.
        Bh(PhantomData, NotThreadSafe)
    }
}

impl Drop for BhGuard {
    fn drop(&mut self) {
        // SAFETY: Disabled in `disable_bh`, on this CPU: the guard cannot be sent.
        unsafe { bindings::local_bh_enable() };
    }
}
