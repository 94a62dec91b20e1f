// SPDX-License-Identifier: GPL-2.0

//! A device while it is made: each state is a type, and dropping one undoes what was done.
//!
//! # Context
//!
//! Process, RTNL, as long as there is one of these types. All may sleep, and so may dropping one; what
//! registers and unregisters re-enters the driver and notifiers.

use crate::{
    bindings,
    net::{
        link::{
            peer_info::PeerInfo,
            private_area::{
                priv_destroy,
                priv_size, //
            },
            setup_device::SetupDevice, //
        },
        link_callbacks::priv_init,
        net_device_ops::NetDeviceOps,
        netdevice::Link,
        registered,
        rtnl::Rtnl, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// Undoes what was done to a device of our kind, however far it got, except freeing it.
///
/// # Safety
///
/// RTNL must be held, and the caller give up its access to the device.
pub(super) unsafe fn unwind(dev: *mut bindings::net_device) {
    // SAFETY: By the caller's guarantee the device is still allocated.
    match bindings::netdev_reg_state::from(unsafe { (*dev).reg_state }) {
        // SAFETY: RTNL is held. `netdev_run_todo()` calls the destructor, when nobody uses the
        // device any more.
        bindings::netdev_reg_state_NETREG_REGISTERED => unsafe {
            bindings::unregister_netdevice_queue(dev, ptr::null_mut())
        },
        // A notifier refused a device that was visible already: as above, but the core has begun.
        bindings::netdev_reg_state_NETREG_UNREGISTERING => {}
        // The destructor may or may not have been called, which `priv_destroy()` finds out.
        // SAFETY: Nobody could ever reach the device.
        _ => unsafe { priv_destroy(dev) },
    }
}

mod private {
    pub trait Sealed {
        /// Whether dropping the device undoes its making.
        const UNWIND: bool;
    }
}

/// Says who undoes the making of a device that is not completed.
pub trait Owner: private::Sealed {}

/// The device that a request is about: if the request fails, all is undone at its end.
pub enum FromCore {}

impl Owner for FromCore {}
impl private::Sealed for FromCore {
    const UNWIND: bool = false;
}

/// A device that the driver had allocated in addition: undone and freed when dropped.
pub enum Owned {}

impl Owner for Owned {}
impl private::Sealed for Owned {
    const UNWIND: bool = true;
}

/// Makes a type invariant in `'a`: a shorter or longer lifetime is a different one.
type Brand<'a> = fn(&'a ()) -> &'a ();

/// A device that is allocated and set up, without private data.
///
/// # Invariants
///
/// `dev` is allocated and not registered, its private area has `priv_size` bytes and holds no data;
/// RTNL is held during `'a`. If `O::UNWIND`, it is ours to free.
pub struct NewDevice<'a, O: Owner> {
    dev: NonNull<bindings::net_device>,
    priv_size: usize,
    _owner: PhantomData<(Brand<'a>, *mut O)>,
}

impl<'a, O: Owner> NewDevice<'a, O> {
    /// Takes a device over.
    ///
    /// # Safety
    ///
    /// It must be as the type's invariants say.
    pub(super) unsafe fn from_raw(dev: NonNull<bindings::net_device>, priv_size: usize) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self {
            dev,
            priv_size,
            _owner: PhantomData,
        }
    }

    /// Returns the device's properties.
    pub fn setup(&mut self) -> SetupDevice<'_> {
        // SAFETY: By the type's invariants it is not registered, and it is borrowed exclusively.
        unsafe { SetupDevice::from_raw(self.dev.as_ptr()) }
    }

    /// Gives the device its private data and the operations that go with it.
    pub fn init<T: NetDeviceOps>(
        self,
        data: impl PinInit<T, Error>,
    ) -> Result<Initialised<'a, T, O>> {
        if priv_size::<T>() > self.priv_size {
            return Err(EINVAL);
        }
        // SAFETY: By the type's invariants, and the area is large enough.
        unsafe { priv_init::<T>(self.dev.as_ptr(), data)? };
        // INVARIANT: The data is there now.
        Ok(Initialised {
            dev: ManuallyDrop::new(self).dev,
            _type: PhantomData,
        })
    }
}

impl<O: Owner> Drop for NewDevice<'_, O> {
    fn drop(&mut self) {
        if O::UNWIND {
            // SAFETY: By the type's invariants it is ours and was never registered.
            unsafe { bindings::free_netdev(self.dev.as_ptr()) };
        }
    }
}

/// A device with private data, ready to be registered.
///
/// # Invariants
///
/// As [`NewDevice`], but the private area holds a live `T`; or registering it has failed.
pub struct Initialised<'a, T: NetDeviceOps, O: Owner> {
    dev: NonNull<bindings::net_device>,
    _type: PhantomData<(Brand<'a>, T, *mut O)>,
}

impl<'a, T: NetDeviceOps, O: Owner> Initialised<'a, T, O> {
    /// Returns the device's properties.
    pub fn setup(&mut self) -> SetupDevice<'_> {
        // SAFETY: By the type's invariants it is not registered, and it is borrowed exclusively.
        unsafe { SetupDevice::from_raw(self.dev.as_ptr()) }
    }

    /// Makes the device known to everybody (`register_netdevice()`).
    ///
    /// # Errors
    ///
    /// [`EEXIST`] for a name that is taken, [`EINVAL`] for one that is invalid, [`EBUSY`] for an
    /// ifindex that is taken, [`ENOMEM`], or what a notifier said. Re-enters the driver.
    pub fn register(self, rtnl: &'a Rtnl) -> Result<Unfinished<'a, T, O>> {
        let _ = rtnl;
        // SAFETY: RTNL is held; the device is set up and has its operations. On failure `self` is
        // dropped, which knows how far it got.
        to_result(unsafe { bindings::register_netdevice(self.dev.as_ptr()) })?;
        // INVARIANT: It is registered now.
        Ok(Unfinished {
            dev: ManuallyDrop::new(self).dev,
            _type: PhantomData,
        })
    }
}

impl<T: NetDeviceOps, O: Owner> Drop for Initialised<'_, T, O> {
    fn drop(&mut self) {
        if O::UNWIND {
            // SAFETY: RTNL is held, and the device ours; freeing it is deferred by the core if it is
            // being unregistered.
            unsafe {
                unwind(self.dev.as_ptr());
                bindings::free_netdev(self.dev.as_ptr());
            }
        }
    }
}

/// A device that is registered, and will be unregistered again unless its making is completed.
///
/// # Invariants
///
/// `dev` was registered with private data of type `T`; RTNL has been held since, and is during `'a`.
pub struct Unfinished<'a, T: NetDeviceOps, O: Owner> {
    dev: NonNull<bindings::net_device>,
    _type: PhantomData<(Brand<'a>, T, *mut O)>,
}

impl<T: NetDeviceOps, O: Owner> Deref for Unfinished<'_, T, O> {
    type Target = registered::Registered<Link<T>>;

    fn deref(&self) -> &Self::Target {
        // SAFETY: By the type's invariants: RTNL has been held since the device was registered.
        unsafe { registered::Registered::assume(Link::from_raw(self.dev.as_ptr())) }
    }
}

impl<'a, T: NetDeviceOps> Unfinished<'a, T, Owned> {
    /// Applies the flags that were asked for and tells user space (`rtnl_configure_link()`), which
    /// does not hear of later changes either unless this was done.
    pub fn configure(self, info: Option<&PeerInfo<'_>>) -> Result<Configured<'a, T>> {
        if self.is_unregistering() {
            return Err(ENODEV);
        }
        let info = info.map_or(ptr::null(), PeerInfo::header);
        // SAFETY: RTNL is held, and the device registered; the header is null or complete.
        to_result(unsafe {
            bindings::rtnl_configure_link(self.dev.as_ptr(), info, 0, ptr::null())
        })?;
        Ok(Configured(self))
    }
}

/// A second device that user space knows of; unregistered again unless it is kept.
pub struct Configured<'a, T: NetDeviceOps>(Unfinished<'a, T, Owned>);

impl<T: NetDeviceOps> Configured<'_, T> {
    /// Leaves the device there to stay.
    pub fn keep(self) {
        let _ = ManuallyDrop::new(self.0);
    }
}

impl<T: NetDeviceOps> Deref for Configured<'_, T> {
    type Target = registered::Registered<Link<T>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T: NetDeviceOps> Unfinished<'a, T, FromCore> {
    /// Ends the request: the device is there to stay. [`ENODEV`] if somebody has unregistered it since: the
    /// core would go on with it.
    pub fn finish(self) -> Result<Finished<'a>> {
        if self.is_unregistering() {
            return Err(ENODEV);
        }
        let _ = ManuallyDrop::new(self);
        Ok(Finished(PhantomData))
    }
}

impl<T: NetDeviceOps, O: Owner> Drop for Unfinished<'_, T, O> {
    fn drop(&mut self) {
        if O::UNWIND {
            // SAFETY: RTNL is held. The device is freed after RTNL is released, when nobody uses it
            // any more (`needs_free_netdev`).
            unsafe { unwind(self.dev.as_ptr()) };
        }
    }
}

/// Proof that the device of a request was registered.
///
/// # Invariants
///
/// It was, under the RTNL that is held during `'a`, and its data is live: only [`Unfinished::finish`] makes one.
pub struct Finished<'a>(PhantomData<fn(&'a ()) -> &'a ()>);
