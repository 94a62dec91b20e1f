// SPDX-License-Identifier: GPL-2.0

//! Options of endpoints of flavor macvlan that are on or off.

use crate::uapi;
use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

/// Options that are on or off (`MACVLAN_FLAG_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const NOPROMISC: Self = Self(uapi::MACVLAN_FLAG_NOPROMISC);
    pub(crate) const NODST: Self = Self(uapi::MACVLAN_FLAG_NODST);

    /// The flags of that number.
    pub(crate) const fn parse(number: u16) -> Option<Self> {
        if number & !(Self::NOPROMISC.0 | Self::NODST.0) == 0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Their number in netlink messages.
    pub(crate) const fn number(self) -> u16 {
        self.0
    }

    /// These and those of `other`.
    #[inline]
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether those of `which` are on.
    #[inline]
    pub(crate) const fn has(self, which: Self) -> bool {
        self.0 & which.0 != 0
    }
}

/// Flags that change while packets look at them.
pub(crate) struct FlagsCell(Atomic<u32>);

impl FlagsCell {
    pub(crate) const fn new(flags: Flags) -> Self {
        Self(Atomic::new(flags.0 as u32))
    }

    #[inline]
    pub(crate) fn get(&self) -> Flags {
        // CAST: Only 16 bits were ever stored.
        #[allow(clippy::cast_possible_truncation)]
        Flags(self.0.load(Relaxed) as u16)
    }

    pub(crate) fn set(&self, flags: Flags) {
        self.0.store(flags.0.into(), Relaxed);
    }
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_macvlan_flags)]
mod tests {
    use super::*;
    use crate::cases::all;

    /// All flags there are.
    fn flags() -> impl Iterator<Item = Flags> {
        (0..4).filter_map(Flags::parse)
    }

    #[test]
    fn a3_flags_are_two_bits() {
        assert!(all(0..=u16::MAX, |number| {
            Flags::parse(*number).is_some() == (*number < 4)
        }));
    }

    #[test]
    fn a3_flags_keep_their_number() {
        assert!(all(0..4, |number| {
            Flags::parse(*number).map(Flags::number) == Some(*number)
        }));
    }

    #[test]
    fn a3_there_are_no_flags_in_none() {
        assert!(!Flags::NONE.has(Flags::NOPROMISC.with(Flags::NODST)));
    }

    #[test]
    fn a3_flags_are_told_apart() {
        assert!(Flags::NOPROMISC.has(Flags::NOPROMISC) && Flags::NODST.has(Flags::NODST));
        assert!(!Flags::NOPROMISC.has(Flags::NODST) && !Flags::NODST.has(Flags::NOPROMISC));
    }

    #[test]
    fn a3_both_flags_have_either() {
        let both = Flags::NOPROMISC.with(Flags::NODST);
        assert!(both.has(Flags::NOPROMISC) && both.has(Flags::NODST));
        assert_eq!(Flags::parse(3), Some(both));
    }

    #[test]
    fn a3_no_flags_change_nothing() {
        assert!(all(flags(), |flags| flags.with(Flags::NONE) == *flags));
    }

    #[test]
    fn a_cell_holds_the_flags() {
        assert!(all(flags(), |flags| FlagsCell::new(*flags).get() == *flags));
    }

    #[test]
    fn a28_new_flags_replace_the_old_ones() {
        assert!(all(flags(), |old| flags().all(|new| {
            let cell = FlagsCell::new(*old);
            cell.set(new);
            cell.get() == new
        })));
    }
}
