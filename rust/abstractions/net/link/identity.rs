// SPDX-License-Identifier: GPL-2.0

//! How devices of this module are told from those of other drivers.

use crate::{
    bindings,
    net::{
        link::private_area::{
            priv_destroy,
            PrivOps,
            EMPTY_NETDEV_OPS, //
        },
        net_device_ops::NetDeviceOps,
        netdevice::{
            Link,
            NetDevice, //
        },
    },
};
use core::{
    any::TypeId,
    ptr, //
};

/// Returns `dev` as a device with data of type `T`, if it is one of this module's, of whatever kind.
///
/// # Context
///
/// Any; does not sleep.
pub fn downcast<T: NetDeviceOps>(dev: &NetDevice) -> Option<&Link<T>> {
    let is_wanted = (own_ops(dev)?.data_type)() == TypeId::of::<T>();
    // SAFETY: The type of its data is `T`.
    is_wanted.then(|| unsafe { Link::from_raw(dev.as_ptr()) })
}

/// The operations of a device that is one of this module's.
fn own_ops(dev: &NetDevice) -> Option<&'static PrivOps> {
    // SAFETY: The device is valid, and the field is written by who allocates it only.
    let destructor = unsafe { (*dev.as_ptr()).priv_destructor }?;
    if !ptr::fn_addr_eq(destructor, PRIV_DESTRUCTOR) {
        return None;
    }
    // SAFETY: The device is one that `setup_callback` has set up.
    unsafe { PrivOps::of(dev.as_ptr()) }
}

/// What `setup_callback` writes into a device, and nobody else: one pointer, by which devices of this
/// module are known. A function may have several addresses, a static has one value.
static PRIV_DESTRUCTOR: unsafe extern "C" fn(*mut bindings::net_device) = priv_destructor_callback;

/// # Safety
///
/// To be called by the core with a device that it has just allocated.
pub(super) unsafe extern "C" fn setup_callback(dev: *mut bindings::net_device) {
    // SAFETY: The device is new, zeroed and nobody else's, with a private area that is large enough by
    // `KindOps::CHECKS`.
    unsafe {
        bindings::ether_setup(dev);
        (*dev).netdev_ops = EMPTY_NETDEV_OPS;
        (*dev).needs_free_netdev = true;
        (*dev).priv_destructor = Some(PRIV_DESTRUCTOR);
    }
    // Netpoll would transmit with interrupts off, and sharing would let others keep a packet
    // that we are given: both would make proofs of the transmit callback false.
    // SAFETY: The device is new and nobody else's.
    unsafe {
        bindings::netdev_set_priv_flags(
            dev,
            bindings::netdev_priv_flags_IFF_DISABLE_NETPOLL,
            bindings::netdev_priv_flags_IFF_TX_SKB_SHARING,
        )
    };
}

/// # Safety
///
/// To be called by the core when nobody uses the device any more.
unsafe extern "C" fn priv_destructor_callback(dev: *mut bindings::net_device) {
    // SAFETY: The device was set up by `setup_callback`, so its private area is a `Priv`.
    unsafe { priv_destroy(dev) };
}
