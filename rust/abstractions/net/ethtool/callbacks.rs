// SPDX-License-Identifier: GPL-2.0

//! From the callbacks of `struct ethtool_ops` to [`EthtoolOps`].

use crate::{
    bindings,
    net::{
        ethtool::{
            flag_callbacks,
            stats_callbacks,
            EthtoolOps, //
        },
        link::{
            priv_callbacks::registered,
            Kind, //
        },
        net_device_ops::NetDeviceOps,
        netdevice::Link,
        rtnl::Rtnl, //
    },
};
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    prelude::*, //
};

/// The C callbacks; `dev` is as for those in [`net::netdevice`](crate::net::netdevice).
pub(crate) struct Ops<T>(PhantomData<T>);

impl<T: NetDeviceOps> Ops<T> {
    pub(crate) const TABLE: &'static bindings::ethtool_ops = &{
        // SAFETY: All members may be zero.
        let mut ops: bindings::ethtool_ops = unsafe { core::mem::zeroed() };
        ops.get_drvinfo = Some(Self::get_drvinfo_callback);
        ops.get_link = Some(bindings::ethtool_op_get_link);
        if T::HAS_LOWER_DEV {
            ops.get_ts_info = Some(Self::get_lower_ts_info_callback);
            ops.get_link_ksettings = Some(Self::get_lower_link_ksettings_callback);
        } else {
            ops.get_ts_info = Some(bindings::ethtool_op_get_ts_info);
        }
        if T::Ethtool::LINK_SETTINGS.is_some() {
            ops.get_link_ksettings = Some(Self::get_link_ksettings_callback);
            ops.get_channels = Some(Self::get_channels_callback);
        }
        if T::Ethtool::SETS_CHANNELS {
            ops.set_channels = Some(Self::set_channels_callback);
        }
        if stats_callbacks::Ops::<T>::ANY || flag_callbacks::Ops::<T>::ANY {
            ops.get_sset_count = Some(stats_callbacks::Ops::<T>::get_sset_count_callback);
            ops.get_strings = Some(stats_callbacks::Ops::<T>::get_strings_callback);
        }
        if flag_callbacks::Ops::<T>::ANY {
            ops.get_priv_flags = Some(flag_callbacks::Ops::<T>::get_priv_flags_callback);
            ops.set_priv_flags = Some(flag_callbacks::Ops::<T>::set_priv_flags_callback);
        }
        if stats_callbacks::Ops::<T>::ANY {
            ops.get_ethtool_stats = Some(stats_callbacks::Ops::<T>::get_ethtool_stats_callback);
        }
        ops
    };

    /// # Safety
    ///
    /// To be called by the core under RTNL.
    unsafe extern "C" fn get_drvinfo_callback(
        dev: *mut bindings::net_device,
        info: *mut bindings::ethtool_drvinfo,
    ) {
        // SAFETY: The device is of this type, and so of a kind of this module.
        let driver = unsafe { Kind::driver_of(dev) };
        // SAFETY: The structure is the caller's own.
        let info = unsafe { &mut *info };
        copy_str(&mut info.driver, driver.driver);
        copy_str(&mut info.version, driver.version);
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type.
    #[allow(clippy::cast_possible_truncation)]
    unsafe extern "C" fn get_link_ksettings_callback(
        _dev: *mut bindings::net_device,
        cmd: *mut bindings::ethtool_link_ksettings,
    ) -> c_int {
        let Some(settings) = T::Ethtool::LINK_SETTINGS else {
            return EOPNOTSUPP.to_errno();
        };
        // SAFETY: The structure is the caller's own, zeroed.
        let base = unsafe { &mut (*cmd).base };
        base.speed = settings.speed;
        // CAST: The constants are below 256.
        base.duplex = bindings::DUPLEX_FULL as u8;
        base.port = bindings::PORT_TP as u8;
        base.autoneg = bindings::AUTONEG_DISABLE as u8;
        0
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type.
    unsafe extern "C" fn get_lower_link_ksettings_callback(
        dev: *mut bindings::net_device,
        cmd: *mut bindings::ethtool_link_ksettings,
    ) -> c_int {
        // SAFETY: By the caller's guarantee.
        let Some(lower) = unsafe { Link::<T>::from_raw(dev) }.answers_for() else {
            return EOPNOTSUPP.to_errno();
        };
        // SAFETY: The device is valid, RTNL is held, and the structure is the caller's own.
        unsafe { bindings::__ethtool_get_link_ksettings(lower.as_ptr(), cmd) }
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type.
    unsafe extern "C" fn get_lower_ts_info_callback(
        dev: *mut bindings::net_device,
        info: *mut bindings::kernel_ethtool_ts_info,
    ) -> c_int {
        // SAFETY: By the caller's guarantee.
        let Some(lower) = unsafe { Link::<T>::from_raw(dev) }.answers_for() else {
            return EOPNOTSUPP.to_errno();
        };
        // SAFETY: The device is valid, RTNL is held, and the structure is the caller's own.
        unsafe { bindings::ethtool_get_ts_info_by_layer(lower.as_ptr(), info) }
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type.
    unsafe extern "C" fn get_channels_callback(
        dev: *mut bindings::net_device,
        channels: *mut bindings::ethtool_channels,
    ) {
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        // SAFETY: The structure is the caller's own.
        let channels = unsafe { &mut *channels };
        (
            channels.tx_count,
            channels.max_tx,
            channels.rx_count,
            channels.max_rx,
        ) = dev.num_queues(rtnl);
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type, with numbers of queues that it was
    /// allocated with.
    unsafe extern "C" fn set_channels_callback(
        dev: *mut bindings::net_device,
        channels: *mut bindings::ethtool_channels,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the caller's guarantee.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            // SAFETY: The structure is the caller's own.
            let (tx, rx) = unsafe { ((*channels).tx_count, (*channels).rx_count) };
            let (tx, rx) = (u16::try_from(tx)?, u16::try_from(rx)?);
            // The ioctl lets it pass.
            if tx == 0 || rx == 0 {
                return Err(EINVAL);
            }
            T::Ethtool::set_channels(dev, tx, rx, rtnl).map(|()| 0)
        })
    }
}

/// Copies a string, cut to what fits with a zero behind it, over what was there (the core fills in
/// defaults).
fn copy_str<const N: usize>(to: &mut [c_char; N], from: &CStr) {
    let text = from.to_bytes().iter().take(N.saturating_sub(1));
    *to = [0; N];
    for (to, from) in to.iter_mut().zip(text) {
        *to = *from;
    }
}
