// SPDX-License-Identifier: GPL-2.0

//! Modes and flags of flavor ipvlan.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_ipvlan)]
mod tests {
    use crate::ipvlan::settings::{
        Flags,
        Mode,
        ModeCell, //
    };

    const FLAGS: [Flags; 3] = [Flags::BRIDGE, Flags::PRIVATE, Flags::VEPA];

    #[test]
    fn a6_modes() {
        for number in 0..3 {
            assert_eq!(Mode::parse(number).map(Mode::number), Some(number));
        }
        assert_eq!(Mode::parse(3), None);
    }

    #[test]
    fn a7_flags() {
        for flags in FLAGS {
            assert_eq!(Flags::parse(flags.number()), Some(flags));
        }
        // Both at once contradict each other, and others do not exist.
        assert_eq!(Flags::parse(3), None);
        assert_eq!(Flags::parse(4), None);
    }

    #[test]
    fn a28_mode_and_flags_change_one_without_the_other() {
        let cell = ModeCell::new(Mode::L2, Flags::VEPA);
        assert_eq!(cell.get(), (Mode::L2, Flags::VEPA));
        cell.set_mode(Mode::L3S);
        assert_eq!(cell.get(), (Mode::L3S, Flags::VEPA));
        cell.set_flags(Flags::PRIVATE);
        assert_eq!((cell.mode(), cell.flags()), (Mode::L3S, Flags::PRIVATE));
        // Nobody is trusted to begin with.
        assert!(!cell.is_trusted());
        for trusted in [true, false] {
            cell.set_trusted(trusted);
            assert_eq!(cell.get(), (Mode::L3S, Flags::PRIVATE));
            cell.set_mode(Mode::L3);
            cell.set_flags(Flags::PRIVATE);
            assert_eq!(
                (cell.is_trusted(), cell.get()),
                (trusted, (Mode::L3, Flags::PRIVATE))
            );
            cell.set_mode(Mode::L3S);
        }
    }
}
