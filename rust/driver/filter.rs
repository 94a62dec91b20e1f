// SPDX-License-Identifier: GPL-2.0

//! Which group addresses somebody wants: a set that may say yes too often, but never no.

use abstractions::net::{
    mac::Mac,
    net_device_ops::RxMode,
    netdevice::{
        DevFlags,
        NetDevice, //
    },
};
use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

/// How addresses become numbers. Filters with different salts err about different addresses.
#[derive(Clone, Copy)]
pub(crate) struct Salt(u32);

impl Salt {
    /// The number of an address, from 0 to 255.
    #[inline]
    fn bit(self, mac: Mac) -> u8 {
        // The last four bytes: the first two are the same for all groups of a protocol.
        // CAST: See above; what is kept is the best mixed byte.
        #[allow(clippy::cast_possible_truncation)]
        let last = (mac.key() >> 32) as u32;
        let [.., top] = (last ^ self.0).wrapping_mul(0x61c8_8647).to_le_bytes();
        top
    }
}

/// A set of group addresses that packets ask while it is being changed.
pub(crate) struct GroupFilter {
    salt: Salt,
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

    /// And an address, for a filter with that salt.
    pub(crate) fn with(mut self, salt: Salt, mac: Mac) -> Self {
        let bit = salt.bit(mac);
        if let Some(word) = self.0.get_mut(usize::from(bit >> 6)) {
            *word |= 1 << (bit & 63);
        }
        self
    }
}

impl GroupFilter {
    /// A filter without addresses.
    pub(crate) const fn new(salt: u32) -> Self {
        Self {
            salt: Salt(salt),
            words: [
                Atomic::new(0),
                Atomic::new(0),
                Atomic::new(0),
                Atomic::new(0),
            ],
        }
    }

    /// Its salt.
    pub(crate) fn salt(&self) -> Salt {
        self.salt
    }

    /// Whether somebody may want packets for `mac`.
    #[inline]
    pub(crate) fn has(&self, mac: Mac) -> bool {
        let bit = self.salt.bit(mac);
        self.words
            .get(usize::from(bit >> 6))
            .is_some_and(|word| word.load(Relaxed) & (1 << (bit & 63)) != 0)
    }

    /// Replaces the set by what a device is to receive.
    pub(crate) fn follow(&self, dev: &NetDevice, lists: &RxMode<'_>) {
        if dev.flags().any(DevFlags::PROMISC.with(DevFlags::ALLMULTI)) {
            return self.store(Words::ALL);
        }
        let none = (self.salt, Words::NONE);
        let (salt, words) =
            lists.fold_mc(none, |(salt, words), mac, _| (salt, words.with(salt, mac)));
        self.store(words.with(salt, dev.broadcast()));
    }

    /// Replaces the set.
    pub(crate) fn store(&self, words: Words) {
        for (to, from) in self.words.iter().zip(words.0) {
            to.store(from, Relaxed);
        }
    }
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_filter)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };

    const SALTS: [u32; 4] = [0, 1, 0x8000_0000, u32::MAX];

    /// The address of the IPv4 group with that number.
    fn group(number: u16) -> Mac {
        let [high, low] = number.to_be_bytes();
        Mac::from_bytes(&[0x01, 0x00, 0x5e, 0x00, high, low])
    }

    /// A filter of those.
    fn filter(salt: u32, macs: impl IntoIterator<Item = Mac>) -> GroupFilter {
        let filter = GroupFilter::new(salt);
        let words = macs
            .into_iter()
            .fold(Words::NONE, |words, mac| words.with(filter.salt, mac));
        filter.store(words);
        filter
    }

    #[test]
    fn a_new_filter_is_empty() {
        let filter = GroupFilter::new(0);
        assert!(all(0..=u16::MAX, |number| !filter.has(group(*number))));
    }

    #[test]
    fn all_are_in_a_filter_of_all() {
        let filter = GroupFilter::new(0);
        filter.store(Words::ALL);
        assert!(all(0..=u16::MAX, |number| filter.has(group(*number))));
    }

    #[test]
    fn none_are_left_in_a_filter_of_none() {
        let filter = GroupFilter::new(0);
        filter.store(Words::ALL);
        filter.store(Words::NONE);
        assert!(all(0..=u16::MAX, |number| !filter.has(group(*number))));
    }

    #[test]
    fn b1_4_one_group_is_in_a_filter_of_it() {
        assert!(all(0..=u16::MAX, |number| {
            let group = group(*number);
            filter(u32::from(*number), [group]).has(group)
        }));
    }

    #[test]
    fn b1_4_filter_never_says_no_by_mistake() {
        for salt in SALTS {
            let filter = filter(salt, (0..300).map(group));
            assert!(all(0..300, |number| filter.has(group(*number))));
        }
    }

    #[test]
    fn b1_4_filter_never_says_no_to_addresses_by_chance() {
        let mut random = Random::new("filter");
        for _ in 0..100 {
            let macs: [Mac; 20] = core::array::from_fn(|_| Mac::from_bytes(&random.bytes()));
            let filter = filter(random.number(), macs);
            assert!(all(macs, |mac| filter.has(*mac)));
        }
    }

    #[test]
    fn b1_4_filter_says_no_to_most_others() {
        let filter = filter(7, [group(1)]);
        let mistakes = (2..1026)
            .filter(|number| filter.has(group(*number)))
            .count();
        // One in 256, give or take.
        assert!(mistakes <= 16);
    }

    #[test]
    fn groups_next_to_each_other_are_never_mistaken() {
        // All pairs that differ in the last byte: an odd factor loses nothing of it.
        assert!(all(0..256, |one| {
            let filter = filter(9, [group(*one)]);
            (0..256).all(|other| filter.has(group(other)) == (other == *one))
        }));
    }

    #[test]
    fn all_bits_are_used() {
        let filter = filter(5, (0..256).map(group));
        assert!(filter.words.iter().all(|word| word.load(Relaxed) == !0));
    }

    #[test]
    fn a_group_is_there_once_however_often_it_is_added() {
        let salt = GroupFilter::new(3).salt();
        let once = Words::NONE.with(salt, group(1));
        let twice = once.with(salt, group(1));
        assert_eq!(once.0, twice.0);
    }

    #[test]
    fn the_order_of_groups_does_not_matter() {
        let salt = GroupFilter::new(3).salt();
        let add = |words: Words, number| words.with(salt, group(number));
        let up = (0..50).fold(Words::NONE, add);
        let down = (0..50).rev().fold(Words::NONE, add);
        assert_eq!(up.0, down.0);
    }

    #[test]
    fn a_new_set_replaces_the_old_one() {
        let filter = filter(3, [group(1)]);
        filter.store(Words::NONE.with(filter.salt, group(2)));
        assert!(!filter.has(group(1)));
    }

    #[test]
    fn filters_of_different_salts_err_about_different_groups() {
        let mistakes = |salt| {
            let filter = filter(salt, [group(1)]);
            move |number: &u16| filter.has(group(*number))
        };
        let (one, other) = (mistakes(1), mistakes(2));
        assert!((2..=u16::MAX).any(|number| one(&number) && !other(&number)));
    }

    #[test]
    fn everybody_is_a_group_as_others() {
        let filter = filter(11, [Mac::BROADCAST]);
        assert!(filter.has(Mac::BROADCAST) && !filter.has(group(0)));
    }
}
