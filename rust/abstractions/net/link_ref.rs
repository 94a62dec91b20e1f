// SPDX-License-Identifier: GPL-2.0

//! An RCU-protected, counted pointer from one device to another.
//!
//! This is what a packet follows: the reader pays one load. Taking the pointer away does not free
//! anything under a reader: the reference is given back by an RCU callback, after all readers that
//! may have seen it are done.

use super::{
    netdevice::Link,
    rtnl::Rtnl, //
};
use crate::{
    bindings,
    context::Rcu, //
};
use core::{
    cell::UnsafeCell,
    marker::{
        PhantomData,
        PhantomPinned, //
    },
    ops::Deref,
    ptr, //
};
use kernel::{
    container_of,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full,
                Relaxed,
                Release, //
            },
            Atomic, //
        },
        rcu, //
    },
};

/// Nobody is referred to.
const EMPTY: u32 = 0;
/// A reference is held and can be found by readers.
const SET: u32 = 1;
/// The reference was taken away; the RCU callback that gives it back is on its way.
const RETIRED: u32 = 2;

/// The part that C has a pointer to while the RCU callback is on its way.
#[repr(C)]
struct Slot {
    // What readers follow; null unless SET. First, to share a cache line with little else.
    published: Atomic<*mut bindings::net_device>,
    state: Atomic<u32>,
    rcu: UnsafeCell<bindings::callback_head>,
    // The device whose reference is held; meaningful unless EMPTY.
    target: UnsafeCell<*mut bindings::net_device>,
    tracker: UnsafeCell<bindings::netdevice_tracker>,
}

impl Slot {
    const fn empty() -> Self {
        Self {
            published: Atomic::new(ptr::null_mut()),
            state: Atomic::new(EMPTY),
            rcu: UnsafeCell::new(bindings::callback_head {
                next: ptr::null_mut(),
                func: None,
            }),
            target: UnsafeCell::new(ptr::null_mut()),
            // SAFETY: A tracker is a pointer or nothing; zero is what `netdev_hold()` expects.
            tracker: UnsafeCell::new(unsafe { core::mem::zeroed() }),
        }
    }
}

/// A reference to a device with data of type `T`, or to none, that packets follow under RCU.
///
/// # Invariants
///
/// - Unless `EMPTY`, a reference to `target` is held, whose tracker is `tracker`.
/// - `published` is null or equal to `target`; it is non-null only while `SET`.
/// - `target`, `tracker` and `rcu` are touched by the holder of RTNL only, except that while
///   `RETIRED` they belong to the RCU callback, which ends by going to `EMPTY`.
/// - Once initialised the value does not move (the constructor gives nothing else).
#[pin_data(PinnedDrop)]
pub struct LinkRef<T> {
    inner: Slot,
    _target: PhantomData<fn() -> T>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: See the invariants: who may touch what is decided by RTNL, RCU and `state`.
unsafe impl<T: Sync> Send for LinkRef<T> {}
// SAFETY: As above.
unsafe impl<T: Sync> Sync for LinkRef<T> {}

impl<T> LinkRef<T> {
    /// A reference to none.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            inner: Slot::empty(),
            _target: PhantomData,
            _pin: PhantomPinned,
        })
    }

    /// The device, if there is one.
    #[inline]
    pub fn get<'a>(&'a self, _rcu: Rcu<'a>) -> Option<&'a Link<T>> {
        // Pairs with the store in `set`: what was written to the device before is seen.
        let dev = self.inner.published.load(Acquire);
        // SAFETY: If not null, a reference is held, by the invariants; it is given back after a
        // grace period from when `published` was cleared, and `'a` lies within an RCU section that
        // began before that. The device was a `Link<T>` when `set` was called.
        (!dev.is_null()).then(|| unsafe { Link::from_raw(dev) })
    }

    /// Refers to `dev` from now on. [`EBUSY`] if there is a reference already, or one still on its
    /// way out; [`ENODEV`] if the device is not registered: the core would not wait for a reference
    /// to one that never was, and wait in vain for one that is taken later.
    pub fn set(&self, dev: &Link<T>, _rtnl: &Rtnl) -> Result {
        let slot = &self.inner;
        if slot.state.load(Acquire) != EMPTY {
            return Err(EBUSY);
        }
        // SAFETY: The device is valid; its state changes under RTNL only.
        if bindings::netdev_reg_state::from(unsafe { (*dev.as_ptr()).reg_state })
            != bindings::netdev_reg_state_NETREG_REGISTERED
        {
            return Err(ENODEV);
        }
        // SAFETY: EMPTY and RTNL: nobody else touches these. The device is valid. A failure to
        // allocate the tracker is tolerated by the C side.
        unsafe {
            *slot.target.get() = dev.as_ptr();
            bindings::netdev_hold(dev.as_ptr(), slot.tracker.get(), bindings::GFP_KERNEL);
        }
        // INVARIANT: The reference is held.
        slot.state.store(SET, Relaxed);
        slot.published.store(dev.as_ptr(), Release);
        Ok(())
    }

    /// Takes the reference away from readers. It is given back after a grace period from when the
    /// result is dropped.
    pub fn take<'a>(&'a self, _rtnl: &'a Rtnl) -> Option<Retired<'a, T>> {
        let dev = self.inner.published.xchg(ptr::null_mut(), Full);
        if dev.is_null() {
            return None;
        }
        // INVARIANT: By the exchange only one caller gets the reference.
        Some(Retired { from: self })
    }
}

#[pinned_drop]
impl<T> PinnedDrop for LinkRef<T> {
    fn drop(self: Pin<&mut Self>) {
        if self.inner.state.load(Acquire) == RETIRED {
            rcu::rcu_barrier();
        } else if self.inner.state.load(Relaxed) == SET {
            // SAFETY: The reference is held by the invariants, and nobody has access any more.
            unsafe { bindings::netdev_put(*self.inner.target.get(), self.inner.tracker.get()) };
        }
    }
}

/// A device that is no longer referred to, but that readers may still be looking at.
///
/// # Invariants
///
/// `from` is `SET` with nothing published, and this is the only `Retired` for it.
pub struct Retired<'a, T> {
    from: &'a LinkRef<T>,
}

impl<T> Deref for Retired<'_, T> {
    type Target = Link<T>;

    fn deref(&self) -> &Link<T> {
        // SAFETY: By the invariants the reference is still held.
        unsafe { Link::from_raw(*self.from.inner.target.get()) }
    }
}

impl<T> Drop for Retired<'_, T> {
    fn drop(&mut self) {
        let slot = &self.from.inner;
        // INVARIANT: From here on the fields belong to the callback.
        slot.state.store(RETIRED, Relaxed);
        // SAFETY: The slot does not move, and is not freed before the callback has run: `LinkRef`
        // waits for it when dropped. The callback is this module's code, which stays until the
        // `rcu_barrier()` in `Registration::drop`.
        unsafe { bindings::call_rcu(slot.rcu.get(), Some(put_callback)) };
    }
}

/// Gives the reference back.
///
/// # Safety
///
/// To be called by RCU, with the `rcu` field of a [`Slot`] that is `RETIRED`.
unsafe extern "C" fn put_callback(head: *mut bindings::callback_head) {
    // CAST: `UnsafeCell` is transparent.
    let rcu = head.cast::<UnsafeCell<bindings::callback_head>>();
    // SAFETY: The pointer is to the field of a slot, which is alive, see `Retired::drop`.
    let slot = unsafe { &*container_of!(rcu, Slot, rcu) };
    // SAFETY: The fields are ours while RETIRED, and the reference is held.
    unsafe { bindings::netdev_put(*slot.target.get(), slot.tracker.get()) };
    // INVARIANT: It is not held any more. The last access to the slot: it may be freed now.
    slot.state.store(EMPTY, Release);
}
