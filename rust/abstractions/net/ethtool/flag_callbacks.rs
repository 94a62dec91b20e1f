// SPDX-License-Identifier: GPL-2.0

//! From the callbacks of `struct ethtool_ops` to a driver's own switches.

use crate::{
    bindings,
    net::{
        ethtool::{
            EthtoolOps,
            PrivFlag, //
        },
        link::priv_callbacks::registered,
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
    /// Each with its bit of the word that the core passes.
    const FLAGS: &'static [PrivFlag<T>] = {
        let flags = T::Ethtool::PRIV_FLAGS;
        assert!(flags.len() <= u32::BITS as usize);
        flags
    };

    /// Whether there are any.
    pub(crate) const ANY: bool = !Self::FLAGS.is_empty();

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type.
    pub(crate) unsafe extern "C" fn get_priv_flags_callback(dev: *mut bindings::net_device) -> u32 {
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        let bits = Self::FLAGS.iter().enumerate();
        bits.fold(0, |word, (bit, flag)| {
            word | u32::from((flag.get)(dev, rtnl)) << bit
        })
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type.
    pub(crate) unsafe extern "C" fn set_priv_flags_callback(
        dev: *mut bindings::net_device,
        word: u32,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the caller's guarantee.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            // The ioctl lets others pass.
            if u64::from(word) >> Self::FLAGS.len() != 0 {
                return Err(EINVAL);
            }
            for (bit, flag) in Self::FLAGS.iter().enumerate() {
                let on = word >> bit & 1 == 1;
                if (flag.get)(dev, rtnl) != on {
                    (flag.set)(dev, on, rtnl)?;
                }
            }
            Ok(0)
        })
    }
}
