// SPDX-License-Identifier: GPL-2.0

//! What the device below answers for the one on top of it.

use crate::{
    bindings,
    net::{
        net_device_ops::NetDeviceOps,
        netdevice::Link, //
    },
};
use core::marker::PhantomData;
use kernel::prelude::*;

/// The C callbacks of devices with data of type `T` that have a [lower device](NetDeviceOps::lower_dev),
/// which answers for them.
///
/// Each gets `dev` from the core, which only calls it for a device that is, was or is being registered
/// with these operations, hence initialised by `priv_init`, and not yet freed.
pub(crate) struct StackedCallbacks<T>(PhantomData<T>);

impl<T: NetDeviceOps> StackedCallbacks<T> {
    pub(crate) const HEADER: &'static bindings::header_ops = &bindings::header_ops {
        create: Some(Self::create_header_callback),
        parse: Some(bindings::eth_header_parse),
        cache: Some(bindings::eth_header_cache),
        cache_update: Some(bindings::eth_header_cache_update),
        validate: None,
        parse_protocol: Some(bindings::eth_header_parse_protocol),
    };

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    pub(crate) unsafe extern "C" fn vlan_rx_add_vid_callback(
        dev: *mut bindings::net_device,
        proto: bindings::__be16,
        vid: u16,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the device is of this type.
        let Some(lower) = unsafe { Link::<T>::from_raw(dev) }.answers_for() else {
            return 0;
        };
        // SAFETY: The device is valid; the core calls this under RTNL.
        unsafe { bindings::vlan_vid_add(lower.as_ptr(), proto, vid) }
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    pub(crate) unsafe extern "C" fn vlan_rx_kill_vid_callback(
        dev: *mut bindings::net_device,
        proto: bindings::__be16,
        vid: u16,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the device is of this type.
        let Some(lower) = unsafe { Link::<T>::from_raw(dev) }.answers_for() else {
            return 0;
        };
        // SAFETY: The device is valid; the core calls this under RTNL.
        unsafe { bindings::vlan_vid_del(lower.as_ptr(), proto, vid) };
        0
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    pub(crate) unsafe extern "C" fn hwtstamp_get_callback(
        dev: *mut bindings::net_device,
        config: *mut bindings::kernel_hwtstamp_config,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the device is of this type.
        let Some(lower) = unsafe { Link::<T>::from_raw(dev) }.answers_for() else {
            return EOPNOTSUPP.to_errno();
        };
        // SAFETY: The device is valid; the core calls this under RTNL with a structure of its own.
        unsafe { bindings::generic_hwtstamp_get_lower(lower.as_ptr(), config) }
    }

    /// Only for those in the first namespace, who may configure hardware.
    ///
    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    pub(crate) unsafe extern "C" fn hwtstamp_set_callback(
        dev: *mut bindings::net_device,
        config: *mut bindings::kernel_hwtstamp_config,
        extack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The device is valid, and so is its namespace under RTNL.
        if !unsafe { bindings::net_eq_init(bindings::dev_net(dev)) } {
            return EOPNOTSUPP.to_errno();
        }
        // SAFETY: By the caller's guarantee the device is of this type.
        let Some(lower) = unsafe { Link::<T>::from_raw(dev) }.answers_for() else {
            return EOPNOTSUPP.to_errno();
        };
        // SAFETY: The device is valid; the core calls this under RTNL with structures of its own.
        unsafe { bindings::generic_hwtstamp_set_lower(lower.as_ptr(), config, extack) }
    }

    /// The header that the device below wants, from this device's address.
    ///
    /// # Safety
    ///
    /// To be called by the core with a packet that has room for a header: as much as the device's
    /// `hard_header_len` says, which is what that of the device below was when this one was made. It
    /// does not grow in 7.3 but by VLANs, which make room themselves (`skb_cow_head()`).
    unsafe extern "C" fn create_header_callback(
        skb: *mut bindings::sk_buff,
        dev: *mut bindings::net_device,
        protocol: c_ushort,
        dest: *const c_void,
        source: *const c_void,
        len: c_uint,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the device is of this type.
        let Some(lower) = unsafe { Link::<T>::from_raw(dev) }.answers_for() else {
            return EINVAL.to_errno();
        };
        let source = if source.is_null() {
            // SAFETY: The device is valid.
            unsafe { bindings::netdev_dev_addr(dev) }
        } else {
            source
        };
        // SAFETY: The device is valid; the rest is the caller's.
        unsafe { bindings::dev_hard_header(skb, lower.as_ptr(), protocol, dest, source, len) }
    }
}
