// SPDX-License-Identifier: GPL-2.0

//! From the callbacks of a kind to those of a device.

use crate::{
    bindings,
    context::Rcu,
    net::{
        link::{
            private_area::{
                Priv,
                PrivOps, //
            },
            unregister_list::UnregisterList, //
        },
        net_device_ops::NetDeviceOps,
        netdevice::{
            Link,
            NetDevice, //
        },
        registered::Registered,
        rtnl::Rtnl, //
    },
};
use core::{
    any::TypeId,
    marker::PhantomData,
    mem::MaybeUninit,
    ptr, //
};
use kernel::sync::rcu;

/// What `rtnl_link_ops` asks of devices with data of type `T`.
pub(crate) struct PrivCallbacks<T>(PhantomData<T>);

impl<T: NetDeviceOps> PrivCallbacks<T> {
    pub(crate) const TABLE: &'static PrivOps = &PrivOps {
        data_type: TypeId::of::<T>,
        drop: Self::drop_data,
        dellink: Self::dellink,
        get_link_net: Self::get_link_net,
    };

    /// # Safety
    ///
    /// `dev` must be of this type and its data live.
    unsafe fn drop_data(dev: *mut bindings::net_device) {
        // SAFETY: By the caller's guarantee; `priv_destroy()` calls this once.
        unsafe { ptr::drop_in_place((*Priv::<T>::of(dev)).data.as_mut_ptr()) };
    }

    /// # Safety
    ///
    /// As `drop_data`; RTNL must be held, and `list` be a list of devices to unregister.
    unsafe fn dellink(dev: *mut bindings::net_device, list: *mut bindings::list_head) {
        // SAFETY: By the caller's guarantee.
        let Some((dev, rtnl)) = (unsafe { registered::<T>(dev) }) else {
            return;
        };
        // SAFETY: By the caller's guarantee.
        let mut list = unsafe { UnregisterList::from_raw(list, dev.net(rtnl)) };
        // The core counts on it: a device that stays would outlive its namespace or this module. Before
        // anything else, so that nobody whom the driver re-enters unregisters it: the core may be walking
        // a list that it is on.
        list.queue(dev, rtnl);
        T::dellink(dev, &mut list, rtnl);
    }

    /// # Safety
    ///
    /// As `drop_data`; RTNL must be held.
    unsafe fn get_link_net(dev: *mut bindings::net_device) -> *mut bindings::net {
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        // Not every caller is in an RCU section. What is returned is protected by RTNL.
        match T::get_link_net(dev, rtnl, Rcu::new(&rcu::read_lock())) {
            Some(net) => net.as_ptr(),
            // SAFETY: The device is valid, and the core asks for devices with a namespace only.
            None => unsafe { bindings::dev_net(dev.as_ptr()) },
        }
    }
}

/// The device of a callback that the core calls under RTNL, and the proof of that; `None` if the device is
/// not registered. Other drivers have their references to a device, and C's core calls its operations for
/// whoever asks.
///
/// # Safety
///
/// `dev` must be as [`Ops`] says, and RTNL be held for all of `'a`.
pub(crate) unsafe fn registered<'a, T>(
    dev: *mut bindings::net_device,
) -> Option<(&'a Registered<Link<T>>, &'a Rtnl)> {
    // SAFETY: By the caller's guarantee.
    let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
    Some((dev.registered(rtnl)?, rtnl))
}
/// Deletes devices as a user would, with what goes with each, all together
/// (`unregister_netdevice_many()`), except `not`.
///
/// For [`Details::delete_links`](super::notifier::Details::delete_links): not from within an operation
/// that the core has called for one of the devices, and goes on with.
pub(crate) fn delete_links<'a, T: NetDeviceOps>(
    links: impl Iterator<Item = &'a Registered<Link<T>>>,
    not: &NetDevice,
    _rtnl: &Rtnl,
) {
    let mut list = MaybeUninit::<bindings::list_head>::uninit();
    let head = list.as_mut_ptr();
    // SAFETY: The list head is ours and stays where it is until the end of this function.
    unsafe {
        head.write(bindings::list_head {
            next: head,
            prev: head,
        })
    };
    for link in links.filter(|link| !ptr::eq(link.as_ptr(), not.as_ptr())) {
        // SAFETY: RTNL is held, and the list is passed to `unregister_netdevice_many()` below.
        unsafe { PrivCallbacks::<T>::dellink(link.as_ptr(), head) };
    }
    // SAFETY: RTNL is held; the list contains devices that were queued to it. Nothing is done if it
    // is empty.
    unsafe { bindings::unregister_netdevice_many(head) };
}
