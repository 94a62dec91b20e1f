// SPDX-License-Identifier: GPL-2.0

//! Which group addresses somebody wants: a set that may say yes too often, but never no.

use abstractions::net::{
    link_ops::RxMode,
    mac::Mac,
    netdevice::{
        DevFlags,
        NetDevice, //
    },
};
use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

/// A set of group addresses that packets ask while it is being changed.
pub(crate) struct GroupFilter {
    salt: u32,
    words: [Atomic<u64>; 4],
}

/// The words of a filter under construction.
#[derive(Clone, Copy)]
pub(crate) struct Words(pub(crate) [u64; 4]);

impl Words {
    /// No address.
    pub(crate) const NONE: Self = Self([0; 4]);
    /// All addresses.
    pub(crate) const ALL: Self = Self([!0; 4]);
}

impl GroupFilter {
    /// A filter without addresses. Filters with different salts err about different addresses.
    pub(crate) const fn new(salt: u32) -> Self {
        Self {
            salt,
            words: [
                Atomic::new(0),
                Atomic::new(0),
                Atomic::new(0),
                Atomic::new(0),
            ],
        }
    }

    /// The number of an address, from 0 to 255.
    #[inline]
    fn bit(&self, mac: Mac) -> u8 {
        // The last four bytes: the first two are the same for all groups of a protocol.
        // CAST: See above; what is kept is the best mixed byte.
        #[allow(clippy::cast_possible_truncation)]
        let last = (mac.key() >> 32) as u32;
        let [.., top] = (last ^ self.salt).wrapping_mul(0x61c8_8647).to_le_bytes();
        top
    }

    /// Whether somebody may want packets for `mac`.
    #[inline]
    pub(crate) fn has(&self, mac: Mac) -> bool {
        let bit = self.bit(mac);
        self.words
            .get(usize::from(bit >> 6))
            .is_some_and(|word| word.load(Relaxed) & (1 << (bit & 63)) != 0)
    }

    /// Adds an address to the words of a filter like this one.
    pub(crate) fn add_to(&self, words: &mut Words, mac: Mac) {
        let bit = self.bit(mac);
        if let Some(word) = words.0.get_mut(usize::from(bit >> 6)) {
            *word |= 1 << (bit & 63);
        }
    }

    /// Replaces the set by what a device is to receive.
    pub(crate) fn follow(&self, dev: &NetDevice, lists: &RxMode<'_>) {
        let mut words = Words::NONE;
        if dev.flags().any(DevFlags::PROMISC.with(DevFlags::ALLMULTI)) {
            words = Words::ALL;
        } else {
            lists.for_each_mc(|mac| self.add_to(&mut words, mac));
            self.add_to(&mut words, dev.broadcast());
        }
        self.store(words);
    }

    /// Replaces the set.
    pub(crate) fn store(&self, words: Words) {
        for (to, from) in self.words.iter().zip(words.0) {
            to.store(from, Relaxed);
        }
    }
}
