// SPDX-License-Identifier: GPL-2.0

//! Netpoll on a device that has another one below.

use crate::{
    bindings,
    net::{
        link::private_area::Priv,
        net_device_ops::NetDeviceOps,
        netdevice::Link, //
    },
};
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    prelude::*, //
};

/// The C callbacks by which netpoll sends on devices with data of type `T`, by their
/// [lower device](NetDeviceOps::lower_dev).
///
/// Each gets `dev` from the core, which only calls it for a device that is, was or is being registered
/// with these operations, hence initialised by `priv_init`, and not yet freed.
pub(crate) struct NetpollCallbacks<T>(PhantomData<T>);

impl<T: NetDeviceOps> NetpollCallbacks<T> {
    /// There is nothing to poll; its being there lets netpoll use the device.
    ///
    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    pub(crate) unsafe extern "C" fn poll_controller_callback(_dev: *mut bindings::net_device) {}

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    pub(crate) unsafe extern "C" fn netpoll_setup_callback(
        dev: *mut bindings::net_device,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the device is of this type.
        let Some(lower) = unsafe { Link::<T>::from_raw(dev) }.answers_for() else {
            return EOPNOTSUPP.to_errno();
        };
        // SAFETY: The core calls this under RTNL, for the first user only.
        from_result(|| unsafe { (*Priv::<T>::of(dev)).netpoll.set_up(lower) }.map(|()| 0))
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    pub(crate) unsafe extern "C" fn netpoll_cleanup_callback(dev: *mut bindings::net_device) {
        // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL, after the last user.
        unsafe { (*Priv::<T>::of(dev)).netpoll.clean_up() };
    }
}
