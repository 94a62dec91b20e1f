// SPDX-License-Identifier: GPL-2.0

//! Proofs of where code runs that deals with packets.
//!
//! # Context
//!
//! Any; nothing sleeps. Proofs are of this thread, and cannot be sent to another.

use crate::{
    bindings,
    context::{
        Bh,
        Rcu, //
    },
};
use core::marker::PhantomData;
use kernel::types::NotThreadSafe;

/// What a transmit callback may rely on.
///
/// # Invariants
///
/// A device is being transmitted on: softirqs are disabled on this CPU, and that is an RCU read-side
/// section, for `'a`. The device was up when the core looked, which may be before that section
/// (`__dev_direct_xmit()`, for packet sockets without a queueing discipline): it can be unregistered
/// since, and is held by who sends. `skb` is what it is about.
#[derive(Clone, Copy)]
pub struct XmitContext<'a> {
    skb: *mut bindings::sk_buff,
    _cx: PhantomData<&'a ()>,
    _here: NotThreadSafe,
}

impl<'a> XmitContext<'a> {
    /// Assumes that a device is being transmitted on.
    ///
    /// # Safety
    ///
    /// It must be as the type's invariants say, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn assume(skb: *mut bindings::sk_buff) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self {
            skb,
            _cx: PhantomData,
            _here: NotThreadSafe,
        }
    }

    /// Whether it is `skb` that is being transmitted.
    #[inline]
    pub(crate) fn is_about(&self, skb: *const bindings::sk_buff) -> bool {
        core::ptr::eq(self.skb, skb)
    }

    /// Returns the proof that the callback runs in an RCU read-side section.
    #[inline]
    pub fn rcu(&self) -> Rcu<'a> {
        // SAFETY: By the type's invariants.
        unsafe { Rcu::assume() }
    }

    /// Returns the proof that the callback runs with softirqs disabled.
    #[inline]
    pub fn bh(&self) -> Bh<'a> {
        // SAFETY: By the type's invariants.
        unsafe { Bh::assume() }
    }
}
/// What may be relied on while packets are received.
///
/// # Invariants
///
/// For `'a` softirqs are disabled on this CPU, in an RCU read-side section.
pub struct RxContext<'a> {
    _cx: PhantomData<&'a ()>,
    _here: NotThreadSafe,
}

impl<'a> RxContext<'a> {
    /// Assumes that packets are received.
    ///
    /// # Safety
    ///
    /// It must be as the type's invariants say, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn assume() -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self {
            _cx: PhantomData,
            _here: NotThreadSafe,
        }
    }

    /// Returns the proof that packets are received in an RCU read-side section.
    #[inline]
    pub fn rcu(&self) -> Rcu<'a> {
        // SAFETY: By the type's invariants.
        unsafe { Rcu::assume() }
    }

    /// Returns the proof that packets are received with softirqs disabled.
    #[inline]
    pub fn bh(&self) -> Bh<'a> {
        // SAFETY: By the type's invariants.
        unsafe { Bh::assume() }
    }
}

/// What may be relied on where packets are dealt with that were put off.
///
/// # Invariants
///
/// The current thread is a worker, and for `'a` in an RCU read-side section that it has begun itself: the
/// stack is empty but for the worker, and there is as much of it as a softirq has.
pub struct Deferred<'a>(Rcu<'a>);

impl<'a> Deferred<'a> {
    /// Assumes that this is a worker.
    ///
    /// # Safety
    ///
    /// It must be, and have begun the section itself, with nothing of it on the stack below.
    #[inline]
    pub(crate) unsafe fn assume(rcu: Rcu<'a>) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(rcu)
    }

    /// Returns the proof that the worker is in an RCU read-side section.
    #[inline]
    pub fn rcu(&self) -> Rcu<'a> {
        self.0
    }
}
