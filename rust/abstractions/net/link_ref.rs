// SPDX-License-Identifier: GPL-2.0

//! An RCU-protected, counted pointer from one device to another.
//!
//! This is what a packet follows: the reader pays one load. Taking the pointer away does not free
//! anything under a reader: the reference is given back by an RCU callback, after all readers that
//! may have seen it are done.

use super::{
    hold::{
        Hold,
        HoldContext, //
    },
    netdevice::Link,
    rtnl::Rtnl, //
};
use crate::{bindings, context::Rcu};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Relaxed,
            Release, //
        },
        Atomic, //
    },
};

/// A reference to a device with data of type `T`, or to none, that packets follow under RCU.
///
/// Nothing of it needs to be waited for: it may be dropped in any context. A device that is referred to
/// cannot be freed, so who is told that it goes must [take](Self::take) the reference away; one that is
/// kept, or leaked with its owner, keeps the device, and whoever unregisters it waits for ever.
///
/// # Context
///
/// Any, in an RCU section or with RTNL as the arguments say, to be dropped too; only [`set`](Self::set)
/// sleeps.
///
/// # Invariants
///
/// `published` is null, or the device of `hold`, which is a `Link<T>`. Both are written by holders of
/// RTNL only; `hold` is given back a grace period after it was taken out, or by who owns the object.
///
/// # Examples
///
/// ```
/// use abstractions::{context::Rcu, net::link_ref::LinkRef};
/// use kernel::sync::rcu;
///
/// struct MyLink;
///
/// let peer = LinkRef::<MyLink>::new();
/// assert!(peer.get(Rcu::new(&rcu::read_lock())).is_none());
/// ```
pub struct LinkRef<T> {
    // What readers follow.
    published: Atomic<*mut bindings::net_device>,
    hold: UnsafeCell<Option<Hold>>,
    _target: PhantomData<fn() -> T>,
}

// SAFETY: Who may touch what is decided by RTNL and RCU; references may be given back by any thread.
unsafe impl<T: Sync> Send for LinkRef<T> {}
// SAFETY: Readers see the atomic pointer only, and writers hold RTNL.
unsafe impl<T: Sync> Sync for LinkRef<T> {}

impl<T> LinkRef<T> {
    /// Makes a reference to none.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            published: Atomic::new(ptr::null_mut()),
            hold: UnsafeCell::new(None),
            _target: PhantomData,
        }
    }

    /// Returns the device, if there is one.
    #[inline]
    pub fn get<'a>(&'a self, _rcu: Rcu<'a>) -> Option<&'a Link<T>> {
        // Pairs with the store in `set`: what was written to the device before is seen.
        let dev = self.published.load(Acquire);
        // SAFETY: If not null, a reference is held, by the invariants; it is given back after a
        // grace period from when `published` was cleared, and `'a` lies within an RCU section that
        // began before that. The device was a `Link<T>` when `set` was called.
        (!dev.is_null()).then(|| unsafe { Link::from_raw(dev) })
    }

    /// Returns the device, if there is one, for as long as RTNL is held.
    pub fn get_rtnl<'a>(&'a self, _rtnl: &'a Rtnl) -> Option<&'a Link<T>> {
        let dev = self.published.load(Acquire);
        // SAFETY: If not null, a reference is held, by the invariants. Even if somebody takes it away, and the
        // device is unregistered, that is not freed before RTNL is released (`netdev_run_todo()`). It was
        // a `Link<T>` when `set` was called.
        (!dev.is_null()).then(|| unsafe { Link::from_raw(dev) })
    }

    /// Refers to `dev` from now on (`netdev_hold()`). [`EBUSY`] if there is a reference already; [`ENODEV`]
    /// if the device is not registered; [`ENOMEM`].
    pub fn set(&self, dev: &Link<T>, rtnl: &Rtnl) -> Result {
        if !self.published.load(Relaxed).is_null() {
            return Err(EBUSY);
        }
        let hold = Hold::take(dev, HoldContext::Rtnl(rtnl))?;
        // INVARIANT: The device of `hold`, which is there before the device can be seen.
        // SAFETY: RTNL is held, and nothing of this re-enters the driver: nobody else touches it. With
        // nothing published it is `None`.
        unsafe { *self.hold.get() = Some(hold) };
        self.published.store(dev.as_ptr(), Release);
        Ok(())
    }

    /// Takes the reference away from readers, and gives it back a grace period from when `f` has seen
    /// the device. `None` if there is none.
    pub fn take<R>(&self, _rtnl: &Rtnl, f: impl FnOnce(&Link<T>) -> R) -> Option<R> {
        // INVARIANT: Nothing is published without a hold.
        self.published.store(ptr::null_mut(), Relaxed);
        // SAFETY: RTNL is held, and nothing of this re-enters the driver: nobody else touches it.
        let hold = unsafe { (*self.hold.get()).take() }?;
        // SAFETY: A `Link<T>` by the invariants, which is held until after the call.
        let result = f(unsafe { Link::from_raw(hold.dev()) });
        hold.retire();
        Some(result)
    }
}
