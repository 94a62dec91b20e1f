// SPDX-License-Identifier: GPL-2.0

//! A reference to a device that packets follow: given back a grace period after they cannot find it
//! any more.

use super::{
    netdevice::Link,
    rtnl::Rtnl, //
};
use crate::{
    bindings,
    context::{
        Gfp,
        Rcu, //
    },
};
use core::{
    cell::UnsafeCell,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    container_of,
    prelude::*, //
};

/// Proof that whoever unregisters a device that is found registered now waits for the reference that is
/// taken to it: nobody can before RTNL is released, and `unregister_netdevice_many()` waits for RCU
/// sections between its marking the device and its waiting for references.
#[derive(Clone, Copy)]
pub enum HoldContext<'a> {
    /// RTNL is held. Allocating may sleep.
    Rtnl(&'a Rtnl),
    /// An RCU section lasts. Allocating must not sleep.
    Rcu(Rcu<'a>),
}

impl HoldContext<'_> {
    /// How memory may be allocated meanwhile.
    pub(crate) fn gfp(self) -> Gfp {
        match self {
            Self::Rtnl(_) => Gfp::Kernel,
            Self::Rcu(_) => Gfp::Atomic,
        }
    }
}

/// What an RCU callback needs to give the reference back.
#[repr(C)]
struct Held {
    rcu: bindings::callback_head,
    dev: NonNull<bindings::net_device>,
    tracker: UnsafeCell<bindings::netdevice_tracker>,
}

/// A reference to a device (`netdev_hold()`), on the heap, so that [giving it back](Self::retire) needs
/// neither memory nor anybody to wait.
///
/// Dropping it gives the reference back at once: for who knows that nobody follows it.
///
/// # Invariants
///
/// The pointer came from `KBox::into_raw`, and a reference to `dev` is held with that tracker. The
/// device is a `Link` of this module, so that the [end of the module](crate::registration), which waits
/// for all links and then for RCU callbacks, waits for this one's, too.
pub(super) struct Hold(NonNull<Held>);

impl Hold {
    /// Takes a reference. [`ENOMEM`], or [`ENODEV`] if the device is not registered: the core would not
    /// wait for a reference to one that never was, and wait in vain for one that is taken later.
    pub(super) fn take<T>(dev: &Link<T>, when: HoldContext<'_>) -> Result<Self> {
        let (raw, gfp) = (dev.as_ptr(), when.gfp());
        // SAFETY: The device is valid. By `when` it is not waited for before the reference is taken.
        let state = unsafe { ptr::addr_of!((*raw).reg_state).read_volatile() };
        if bindings::netdev_reg_state::from(state) != bindings::netdev_reg_state_NETREG_REGISTERED {
            return Err(ENODEV);
        }
        let held = KBox::new(
            Held {
                rcu: bindings::callback_head {
                    next: ptr::null_mut(),
                    func: None,
                },
                dev: NonNull::new(raw).ok_or(ENODEV)?,
                // SAFETY: A tracker is a pointer or nothing; zero is what `netdev_hold()` expects.
                tracker: UnsafeCell::new(unsafe { core::mem::zeroed() }),
            },
            gfp.flags(),
        )?;
        // SAFETY: The device is valid, and the tracker ours. That the tracker could not be allocated
        // does no harm to `netdev_put()`.
        unsafe { bindings::netdev_hold(raw, held.tracker.get(), gfp.raw()) };
        // INVARIANT: Just taken, from a box; a link's type is this module's.
        // SAFETY: A box is not null.
        Ok(Self(unsafe {
            NonNull::new_unchecked(KBox::into_raw(held))
        }))
    }

    /// The device.
    pub(super) fn dev(&self) -> *mut bindings::net_device {
        // SAFETY: By the type's invariants.
        unsafe { self.0.as_ref() }.dev.as_ptr()
    }

    /// Gives the reference back after a grace period: who has found the device in an RCU section that
    /// has begun can use it until that ends. Any context.
    pub(super) fn retire(self) {
        let held = ManuallyDrop::new(self).0.as_ptr();
        // SAFETY: It is given up here, for the callback to free. The callback is this module's code,
        // which stays until then by the type's invariants.
        unsafe { bindings::call_rcu(ptr::addr_of_mut!((*held).rcu), Some(Self::put_callback)) };
    }

    /// # Safety
    ///
    /// To be called by RCU, with the field of what [`retire`](Self::retire) has given up.
    unsafe extern "C" fn put_callback(head: *mut bindings::callback_head) {
        // SAFETY: By the caller's guarantee.
        drop(Self(unsafe {
            NonNull::new_unchecked(container_of!(head, Held, rcu))
        }));
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants it came from a box.
        let held = unsafe { KBox::from_raw(self.0.as_ptr()) };
        // SAFETY: By the type's invariants the reference is held.
        unsafe { bindings::netdev_put(held.dev.as_ptr(), held.tracker.get()) };
    }
}
