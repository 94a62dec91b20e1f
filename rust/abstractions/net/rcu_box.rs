// SPDX-License-Identifier: GPL-2.0

//! An object that packets follow under RCU, or none.

use super::rtnl::Rtnl;
use crate::{
    bindings,
    context::Rcu, //
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full,
            Relaxed, //
        },
        Atomic, //
    },
};

/// An object on the heap, or none. Readers pay one load; who exchanges it waits for them.
///
/// # Context
///
/// Any; only [`replace`](Self::replace) sleeps. Dropped where its object may be.
///
/// # Invariants
///
/// The pointer is null, or came from [`KBox::into_raw`] and is given back to a box by who takes it out:
/// a grace period afterwards, or because nobody else has this.
pub struct RcuBox<T> {
    ptr: Atomic<*mut T>,
    _owns: PhantomData<T>,
}

// SAFETY: Whoever drops it drops the object.
unsafe impl<T: Send + Sync> Send for RcuBox<T> {}
// SAFETY: Readers share the object; who takes it out, from any thread, may drop it.
unsafe impl<T: Send + Sync> Sync for RcuBox<T> {}

impl<T> RcuBox<T> {
    /// Makes one without any.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // INVARIANT: Null.
        Self {
            ptr: Atomic::new(ptr::null_mut()),
            _owns: PhantomData,
        }
    }

    /// Returns whether there is one. A snapshot.
    #[inline]
    pub fn is_some(&self) -> bool {
        !self.ptr.load(Relaxed).is_null()
    }

    /// Returns the object, if there is one.
    #[inline]
    pub fn get<'a>(&'a self, _rcu: Rcu<'a>) -> Option<&'a T> {
        // Pairs with the exchange in `replace`: what was written to the object before is seen.
        // SAFETY: By the type's invariants null, or an object that is not dropped before a grace period
        // is over from when it was taken out: `'a` lies within a section that began before.
        unsafe { self.ptr.load(Acquire).as_ref() }
    }

    /// Puts `new` in place of the old one; gives that back when nobody reads it any more
    /// (`synchronize_net()`). Between, when no new reader finds it, `leaving` is shown it.
    ///
    /// # Context
    ///
    /// May sleep.
    pub fn replace(
        &self,
        new: Option<KBox<T>>,
        leaving: impl FnOnce(&T),
        _rtnl: &Rtnl,
    ) -> Option<KBox<T>> {
        let new = new.map_or(ptr::null_mut(), KBox::into_raw);
        // INVARIANT: Null, or from a box.
        let old = self.ptr.xchg(new, Full);
        // SAFETY: Null, or an object, which is ours since we have taken it out.
        leaving(unsafe { old.as_ref() }?);
        // SAFETY: Always callable where sleeping is allowed.
        unsafe { bindings::synchronize_net() };
        // SAFETY: From a box; nobody else has taken it out, and its readers are done.
        Some(unsafe { KBox::from_raw(old) })
    }
}

impl<T> RcuBox<T> {
    /// Is nobody's any more, and never dropped.
    #[cold]
    pub(super) fn abandon(&mut self) {
        // INVARIANT: Null. The box is given back by nobody.
        self.ptr.store(ptr::null_mut(), Relaxed);
    }
}

impl<T> Drop for RcuBox<T> {
    fn drop(&mut self) {
        let ptr = self.ptr.load(Acquire);
        if !ptr.is_null() {
            // SAFETY: From a box; who read it had borrowed this.
            drop(unsafe { KBox::from_raw(ptr) });
        }
    }
}
