// SPDX-License-Identifier: GPL-2.0

//! Proofs of the context that code runs in.
//!
//! # Context
//!
//! Any; nothing sleeps. Proofs are of this thread, and cannot be sent to another.

use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    alloc::{
        flags,
        Flags, //
    },
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
///
/// # Examples
///
/// ```
/// use abstractions::context::Rcu;
/// use kernel::sync::rcu;
///
/// /// Looks at something as long as the section lasts.
/// fn look<'a>(something: &'a u32, _rcu: Rcu<'a>) -> &'a u32 {
///     something
/// }
///
/// let section = rcu::read_lock();
/// assert_eq!(look(&1, Rcu::new(&section)), &1);
/// ```
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
        #[cfg(CONFIG_PROVE_LOCKING)]
        // SAFETY: It looks, and warns if it is not so.
        unsafe {
            bindings::assert_rcu_section()
        };
        // INVARIANT: Guaranteed by the caller.
        Self(PhantomData, NotThreadSafe)
    }
}

/// Proof that softirqs are disabled on this CPU for `'a`, as `local_bh_disable()` does.
///
/// # Invariants
///
/// Softirqs are disabled on the current CPU for all of `'a`.
///
/// # Examples
///
/// ```
/// use abstractions::context::{with_softirqs_disabled, Bh};
///
/// fn count(_bh: Bh<'_>) -> u32 {
///     1
/// }
///
/// assert_eq!(with_softirqs_disabled(count), 1);
/// ```
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
        #[cfg(CONFIG_PROVE_LOCKING)]
        // SAFETY: It looks, and warns if it is not so.
        unsafe {
            bindings::assert_softirqs_disabled()
        };
        // INVARIANT: Guaranteed by the caller.
        Self(PhantomData, NotThreadSafe)
    }
}

impl<'a> Bh<'a> {
    /// Returns the proof that this is an RCU read-side section, too, as softirqs are disabled.
    #[inline]
    pub fn rcu(self) -> Rcu<'a> {
        // INVARIANT: By this type's invariant.
        Rcu(PhantomData, NotThreadSafe)
    }

    /// Returns the number of this CPU, which it is for `'a`, but on PREEMPT_RT a hint only.
    #[inline]
    pub fn cpu(self) -> u32 {
        // SAFETY: Always callable.
        unsafe { bindings::raw_smp_processor_id() }
    }
}

/// Proof that this is a process, and no softirq, for `'a`: who waits here for what a softirq holds does
/// not keep that from running.
///
/// # Invariants
///
/// The current context is that of a process for all of `'a`.
#[derive(Clone, Copy)]
pub struct Process<'a>(PhantomData<&'a ()>, NotThreadSafe);

impl Process<'_> {
    /// Assumes that this is a process.
    ///
    /// # Safety
    ///
    /// It must be, for all of the lifetime.
    #[inline]
    pub(crate) unsafe fn assume() -> Self {
        #[cfg(CONFIG_PROVE_LOCKING)]
        // SAFETY: It looks, and warns if it is not so.
        unsafe {
            bindings::assert_process()
        };
        // INVARIANT: Guaranteed by the caller.
        Self(PhantomData, NotThreadSafe)
    }
}

/// How memory may be allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gfp {
    /// Waiting for memory is allowed (`GFP_KERNEL_ACCOUNT`).
    Kernel,
    /// It is not (`GFP_ATOMIC | __GFP_ACCOUNT`).
    Atomic,
}

impl Gfp {
    /// For Rust's containers.
    pub(crate) fn flags(self) -> Flags {
        match self {
            Self::Kernel => flags::GFP_KERNEL_ACCOUNT,
            Self::Atomic => flags::GFP_ATOMIC | (flags::GFP_KERNEL_ACCOUNT & !flags::GFP_KERNEL),
        }
    }

    /// For C.
    pub(crate) const fn raw(self) -> bindings::gfp_t {
        match self {
            Self::Kernel => bindings::GFP_KERNEL,
            Self::Atomic => bindings::GFP_ATOMIC,
        }
    }
}

/// Keeps softirqs disabled until dropped; then those that are waiting run, if nobody else keeps them
/// disabled.
///
/// # Invariants
///
/// Softirqs were disabled once more by this thread, which stays on its CPU until they are enabled again.
///
/// # Examples
///
/// ```
/// use abstractions::context::{disable_bh, with_softirqs_disabled};
///
/// let softirqs = disable_bh();
/// let bh = softirqs.bh();
/// // They are disabled already: this costs nothing.
/// with_softirqs_disabled(|_bh| ());
/// let _ = bh;
/// ```
pub struct BhGuard(NotThreadSafe);

/// Disables softirqs on this CPU (`local_bh_disable()`).
///
/// # Context
///
/// Any but hard interrupts.
#[must_use = "softirqs are enabled when the guard is dropped"]
#[inline]
pub fn disable_bh() -> BhGuard {
    // SAFETY: Enabled again when the guard is dropped.
    unsafe { bindings::local_bh_disable() };
    BhGuard(NotThreadSafe)
}

impl BhGuard {
    /// Returns the proof that softirqs are disabled, as long as the guard is there.
    #[inline]
    pub fn bh(&self) -> Bh<'_> {
        // INVARIANT: Disabled in `disable_bh`.
        Bh(PhantomData, NotThreadSafe)
    }
}

impl Drop for BhGuard {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Disabled in `disable_bh`, on this CPU: the guard cannot be sent.
        unsafe { bindings::local_bh_enable() };
    }
}

/// Calls `f` with softirqs disabled, which costs nothing where they are.
///
/// `f` must be [`Send`], as what disabled them is not: it cannot have that with it, and drop it.
///
/// # Context
///
/// Any but hard interrupts.
#[inline]
pub fn with_softirqs_disabled<R>(f: impl FnOnce(Bh<'_>) -> R + Send) -> R {
    // SAFETY: Always callable.
    if unsafe { bindings::softirqs_disabled() } {
        // SAFETY: As was just seen. Who disabled them by a `BhGuard` of this thread still has that when `f`
        // returns, as `f` is `Send` and the guard is not; who did otherwise is below on the stack.
        return f(unsafe { Bh::assume() });
    }
    let guard = disable_bh();
    f(guard.bh())
}
