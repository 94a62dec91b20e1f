// SPDX-License-Identifier: GPL-2.0

//! From the callbacks of `struct ethtool_ops` to a driver's statistics, and to the names of these and of its switches.

use crate::{
    bindings,
    net::{
        ethtool::EthtoolOps,
        ethtool_stats::{
            write_name,
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

    /// Calls `f` with each set, and how many queues there are for it.
    #[inline]
    fn for_each(dev: &Link<T>, rtnl: &Rtnl, mut f: impl FnMut(&dyn StatSet<T>, u32)) {
        let (tx, _, rx, _) = dev.num_queues(rtnl);
        for set in Self::SETS {
            f(*set, set.per().times((tx, rx)));
        }
    }

    fn count(dev: &Link<T>, rtnl: &Rtnl) -> usize {
        let mut count = 0;
        Self::for_each(dev, rtnl, |set, queues| {
            count += set.count() * queues as usize
        });
        count
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type; likewise for those below.
    pub(crate) unsafe extern "C" fn get_sset_count_callback(
        dev: *mut bindings::net_device,
        sset: c_int,
    ) -> c_int {
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        let count = match u32::try_from(sset) {
            Ok(bindings::ethtool_stringset_ETH_SS_STATS) => Self::count(dev, rtnl),
            Ok(bindings::ethtool_stringset_ETH_SS_PRIV_FLAGS) => T::Ethtool::PRIV_FLAGS.len(),
            _ => return EOPNOTSUPP.to_errno(),
        };
        c_int::try_from(count).unwrap_or(EOVERFLOW.to_errno())
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
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        let count = match sset {
            bindings::ethtool_stringset_ETH_SS_STATS => Self::count(dev, rtnl),
            bindings::ethtool_stringset_ETH_SS_PRIV_FLAGS => T::Ethtool::PRIV_FLAGS.len(),
            _ => return,
        };
        // SAFETY: The number follows from the table and the numbers of active queues, which change under
        // RTNL only: the caller has made room for as many.
        let mut rest = unsafe { core::slice::from_raw_parts_mut(data.cast::<Name>(), count) };
        if sset == bindings::ethtool_stringset_ETH_SS_PRIV_FLAGS {
            for (to, flag) in rest.iter_mut().zip(T::Ethtool::PRIV_FLAGS) {
                write_name(to, None, 0, flag.name);
            }
            return;
        }
        Self::for_each(dev, rtnl, |set, queues| {
            for queue in 0..queues {
                let all = core::mem::take(&mut rest);
                if let Some((to, behind)) = all.split_at_mut_checked(set.count()) {
                    set.names(queue, to);
                    rest = behind;
                }
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
        Self::for_each(dev, rtnl, |set, queues| {
            let (all, count) = (core::mem::take(&mut rest), set.count() * queues as usize);
            if let Some((to, behind)) = all.split_at_mut_checked(count) {
                set.values(dev, to, rtnl);
                rest = behind;
            }
        });
    }
}
