// SPDX-License-Identifier: GPL-2.0

//! From the callbacks of `struct ethtool_ops` to a driver's statistics.

use crate::{
    bindings,
    net::{
        ethtool::EthtoolOps,
        ethtool_stats::{
            Name,
            StatSet, //
        },
        net_device_ops::NetDeviceOps,
        netdevice::Link,
        rtnl::Rtnl, //
    },
};
use core::marker::PhantomData;
use kernel::prelude::*;

/// The C callbacks; `dev` is as for those in [`net::netdevice`](crate::net::netdevice).
pub(crate) struct Ops<T>(PhantomData<T>);

impl<T: NetDeviceOps> Ops<T> {
    const SETS: &'static [&'static dyn StatSet<T>] = T::Ethtool::STATS;

    /// Whether there are any.
    pub(crate) const ANY: bool = !Self::SETS.is_empty();

    /// Calls `f` with each set, as often as there are queues for it.
    fn for_each(dev: &Link<T>, rtnl: &Rtnl, mut f: impl FnMut(&dyn StatSet<T>, u32)) {
        let (tx, _, rx, _) = dev.num_queues(rtnl);
        for set in Self::SETS {
            for queue in 0..set.per().times((tx, rx)) {
                f(*set, queue);
            }
        }
    }

    fn count(dev: &Link<T>, rtnl: &Rtnl) -> usize {
        let mut count = 0;
        Self::for_each(dev, rtnl, |set, _| count += set.count());
        count
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type; likewise for those below.
    pub(crate) unsafe extern "C" fn get_sset_count_callback(
        dev: *mut bindings::net_device,
        sset: c_int,
    ) -> c_int {
        // CAST: A small constant.
        if sset != bindings::ethtool_stringset_ETH_SS_STATS as c_int {
            return EOPNOTSUPP.to_errno();
        }
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        c_int::try_from(Self::count(dev, rtnl)).unwrap_or(EOVERFLOW.to_errno())
    }

    /// # Safety
    ///
    /// As `get_sset_count_callback`; `data` must have room for as many names as that said, since when RTNL
    /// was held.
    pub(crate) unsafe extern "C" fn get_strings_callback(
        dev: *mut bindings::net_device,
        sset: u32,
        data: *mut u8,
    ) {
        if sset != bindings::ethtool_stringset_ETH_SS_STATS {
            return;
        }
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        let count = Self::count(dev, rtnl);
        // SAFETY: The number follows from the table and the numbers of active queues, which change under
        // RTNL only: the caller has made room for as many.
        let mut rest = unsafe { core::slice::from_raw_parts_mut(data.cast::<Name>(), count) };
        Self::for_each(dev, rtnl, |set, queue| {
            if let Some((to, behind)) = core::mem::take(&mut rest).split_at_mut_checked(set.count())
            {
                set.names(queue, to);
                rest = behind;
            }
        });
    }

    /// # Safety
    ///
    /// As `get_sset_count_callback`; `data` must have room for `stats.n_stats` numbers.
    pub(crate) unsafe extern "C" fn get_ethtool_stats_callback(
        dev: *mut bindings::net_device,
        stats: *mut bindings::ethtool_stats,
        data: *mut u64,
    ) {
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        // CAST: A number below 2^31.
        // SAFETY: By the caller's guarantee: the core has allocated them, zeroed.
        let mut rest = unsafe { core::slice::from_raw_parts_mut(data, (*stats).n_stats as usize) };
        Self::for_each(dev, rtnl, |set, queue| {
            if let Some((to, behind)) = core::mem::take(&mut rest).split_at_mut_checked(set.count())
            {
                set.values(dev, queue, to, rtnl);
                rest = behind;
            }
        });
    }
}
