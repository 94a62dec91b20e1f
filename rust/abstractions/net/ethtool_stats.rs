// SPDX-License-Identifier: GPL-2.0

//! Statistics of a driver's own (`ethtool -S`).
//!
//! A driver has a table of [`StatSet`]s. How many numbers there are, what they are called, and what they
//! are is all read from that: the three cannot disagree.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use super::{
    netdevice::Link,
    page_pool::PagePoolStats,
    rtnl::Rtnl, //
};
use crate::bindings;
use kernel::prelude::*;

const NAME_LEN: usize = bindings::ETH_GSTRING_LEN as usize;

/// The buffer of a name.
pub(super) type Name = [u8; NAME_LEN];

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
    pub(super) fn times(self, (tx, rx): (u32, u32)) -> u32 {
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
///
/// # Context
///
/// Process, RTNL. May sleep.
#[allow(private_bounds)]
pub trait StatSet<T>: Set<T> + Sync {}

/// What is asked of a set, by this file only.
pub(super) trait Set<T> {
    fn per(&self) -> Per;

    /// Returns how many numbers for each.
    fn count(&self) -> usize;

    /// Writes as many names as there are buffers, [`count`](Self::count) at most.
    fn names(&self, queue: u32, to: &mut [Name]);

    /// Writes the numbers of all that they are for, [`count`](Self::count) for each, as far as there is room.
    fn values(&self, dev: &Link<T>, to: &mut [u64], rtnl: &Rtnl);
}

/// `N` numbers and their names, for each of what `per` says.
pub struct Stats<F, const N: usize> {
    // With the function's own type: one that is called by pointer cannot be built into the loop.
    /// What they are for.
    pub per: Per,
    /// What they are called; cut to fit 32 bytes with what is in front.
    pub names: [&'static CStr; N],
    /// What they are; with the number of the queue, or zero. Under RTNL.
    pub values: F,
}

impl<T, F: Values<T, N>, const N: usize> StatSet<T> for Stats<F, N> {}

/// A function that says what the numbers are.
trait Values<T, const N: usize>: Fn(&Link<T>, u32, &Rtnl) -> [u64; N] + Sync {}

impl<T, F, const N: usize> Values<T, N> for F where F: Fn(&Link<T>, u32, &Rtnl) -> [u64; N] + Sync {}

impl<T, F: Values<T, N>, const N: usize> Set<T> for Stats<F, N> {
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

    fn values(&self, dev: &Link<T>, to: &mut [u64], rtnl: &Rtnl) {
        for (to, queue) in to.chunks_exact_mut(N.max(1)).zip(0..) {
            for (to, value) in to.iter_mut().zip((self.values)(dev, queue, rtnl)) {
                *to = value;
            }
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

    fn values(&self, dev: &Link<T>, to: &mut [u64], rtnl: &Rtnl) {
        let mut sum = PagePoolStats::new();
        (self.0)(dev, &mut sum, rtnl);
        sum.write(to);
    }
}

/// Writes `PREFIX_QUEUE_NAME`, or the name alone, with zeroes behind it.
pub(super) fn write_name(to: &mut Name, prefix: Option<&CStr>, queue: u32, name: &CStr) {
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
