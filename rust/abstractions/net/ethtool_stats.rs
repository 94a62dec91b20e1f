// SPDX-License-Identifier: GPL-2.0

//! Statistics of a driver's own (`ethtool -S`).
//!
//! A driver has a table of [`StatSet`]s. How many numbers there are, what they are called, and what they
//! are is all read from that: the three cannot disagree.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use super::{
    ethtool::EthtoolOps,
    net_device_ops::NetDeviceOps,
    netdevice::Link,
    page_pool::PagePoolStats,
    rtnl::Rtnl, //
};
use crate::bindings;
use core::marker::PhantomData;
use kernel::prelude::*;

const NAME_LEN: usize = bindings::ETH_GSTRING_LEN as usize;

/// The buffer of a name.
type Name = [u8; NAME_LEN];

/// What there is one set of numbers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// The device. Names stand alone.
    Device,
    /// Each active receive queue: `rx_queue_3_NAME`.
    RxQueue,
    /// Each active transmit queue: `tx_queue_3_NAME`.
    TxQueue,
}

impl Per {
    /// How often, for a device with these numbers of active queues.
    fn times(self, (tx, rx): (u32, u32)) -> u32 {
        match self {
            Self::Device => 1,
            Self::RxQueue => rx,
            Self::TxQueue => tx,
        }
    }

    fn prefix(self) -> Option<&'static CStr> {
        match self {
            Self::Device => None,
            Self::RxQueue => Some(c"rx_queue"),
            Self::TxQueue => Some(c"tx_queue"),
        }
    }
}

/// Numbers that belong together, each with a name; [`Stats`] or [`PoolStats`].
#[allow(private_bounds)]
pub trait StatSet<T>: Set<T> + Sync {}

/// What is asked of a set, by this file only.
trait Set<T> {
    fn per(&self) -> Per;

    /// How many numbers for each.
    fn count(&self) -> usize;

    /// Writes as many names as there are buffers, [`count`](Self::count) at most.
    fn names(&self, queue: u32, to: &mut [Name]);

    /// Writes as many numbers as there is room for, [`count`](Self::count) at most.
    fn values(&self, dev: &Link<T>, queue: u32, to: &mut [u64], rtnl: &Rtnl);
}

/// `N` numbers and their names, for each of what `per` says.
pub struct Stats<T, const N: usize> {
    /// What they are for.
    pub per: Per,
    /// What they are called; cut to fit 32 bytes with what is in front.
    pub names: [&'static CStr; N],
    /// What they are; with the number of the queue, or zero. Under RTNL.
    pub values: fn(&Link<T>, u32, &Rtnl) -> [u64; N],
}

impl<T, const N: usize> StatSet<T> for Stats<T, N> {}

impl<T, const N: usize> Set<T> for Stats<T, N> {
    fn per(&self) -> Per {
        self.per
    }

    fn count(&self) -> usize {
        N
    }

    fn names(&self, queue: u32, to: &mut [Name]) {
        for (to, name) in to.iter_mut().zip(self.names) {
            write_name(to, self.per.prefix(), queue, name);
        }
    }

    fn values(&self, dev: &Link<T>, queue: u32, to: &mut [u64], rtnl: &Rtnl) {
        for (to, value) in to.iter_mut().zip((self.values)(dev, queue, rtnl)) {
            *to = value;
        }
    }
}

/// The numbers of all page pools of a device, summed up, under the core's names; none if the kernel has no
/// statistics of these.
pub struct PoolStats<T>(
    /// Adds the device's pools.
    pub fn(&Link<T>, &mut PagePoolStats, &Rtnl),
);

impl<T> StatSet<T> for PoolStats<T> {}

impl<T> Set<T> for PoolStats<T> {
    fn per(&self) -> Per {
        Per::Device
    }

    fn count(&self) -> usize {
        PagePoolStats::count()
    }

    fn names(&self, _queue: u32, to: &mut [Name]) {
        PagePoolStats::names(to);
    }

    fn values(&self, dev: &Link<T>, _queue: u32, to: &mut [u64], rtnl: &Rtnl) {
        let mut sum = PagePoolStats::new();
        (self.0)(dev, &mut sum, rtnl);
        sum.write(to);
    }
}

/// Writes `PREFIX_QUEUE_NAME`, or the name alone, with zeroes behind it.
fn write_name(to: &mut Name, prefix: Option<&CStr>, queue: u32, name: &CStr) {
    *to = [0; NAME_LEN];
    let mut number = [0; 10];
    let digits = decimal(queue, &mut number);
    let text = match prefix {
        Some(prefix) => [prefix.to_bytes(), b"_", digits, b"_", name.to_bytes()],
        None => [name.to_bytes(), b"", b"", b"", b""],
    };
    let room = to.iter_mut().take(NAME_LEN - 1);
    for (to, from) in room.zip(text.iter().flat_map(|piece| piece.iter())) {
        *to = *from;
    }
}

/// The digits of a number.
fn decimal(mut number: u32, room: &mut [u8; 10]) -> &[u8] {
    let mut len = 0;
    for digit in room.iter_mut().rev() {
        // CAST: A remainder of ten.
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        len += 1;
        if number == 0 {
            break;
        }
    }
    room.get(room.len() - len..).unwrap_or_default()
}

/// The C callbacks; `dev` is as for those in [`super::netdevice`].
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
