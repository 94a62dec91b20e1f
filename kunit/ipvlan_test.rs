// SPDX-License-Identifier: GPL-2.0

//! Who talks to whom in flavor ipvlan.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_ipvlan)]
mod tests {
    use crate::{
        ipvlan::settings::{
            Flags,
            FlagsSet,
            Mode,
            Reach, //
        },
        macvlan::settings::{
            Mode as MacvlanMode,
            Modes, //
        },
        origin::Origin,
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
    fn b5_two_without_flags_talk_directly() {
        for from in FLAGS {
            for to in FLAGS {
                // A switch may send it back; but what is for a private one from one that does not
                // talk through a switch goes nowhere.
                let expected = match (from, to) {
                    (Flags::BRIDGE, Flags::BRIDGE) => Reach::Direct,
                    (Flags::VEPA, _) | (Flags::BRIDGE, Flags::VEPA) => Reach::Out,
                    _ => Reach::Nowhere,
                };
                assert_eq!(from.reach(to), expected);
            }
        }
    }

    #[test]
    fn b8_groups_from_outside_are_for_all() {
        for to in FLAGS {
            assert!(FlagsSet::hearing(Origin::Outside).has(to));
        }
    }

    #[test]
    fn b8_nobody_hears_a_group_packet_twice() {
        for to in FLAGS {
            // Without flags it was heard directly.
            assert_eq!(
                FlagsSet::hearing(Origin::Ipvlan(Flags::BRIDGE)).has(to),
                to == Flags::VEPA
            );
            let bridge = Origin::Macvlan(MacvlanMode::BRIDGE);
            assert_eq!(FlagsSet::hearing(bridge).has(to), to == Flags::VEPA);
            // Those who talk through a switch hear each other by it.
            assert_eq!(
                FlagsSet::hearing(Origin::Ipvlan(Flags::VEPA)).has(to),
                to != Flags::PRIVATE
            );
            assert!(!FlagsSet::hearing(Origin::Ipvlan(Flags::PRIVATE)).has(to));
        }
        let from = |flags| Modes::flooded_from(Origin::Ipvlan(flags));
        assert!(!from(Flags::BRIDGE).has(MacvlanMode::BRIDGE));
        assert!(from(Flags::BRIDGE).has(MacvlanMode::VEPA));
        assert!(from(Flags::VEPA).has(MacvlanMode::BRIDGE));
        for mode in [MacvlanMode::PRIVATE, MacvlanMode::VEPA, MacvlanMode::BRIDGE] {
            assert!(!from(Flags::PRIVATE).has(mode));
        }
    }

    #[test]
    fn b36_an_origin_can_be_noted() {
        let origins = [
            Origin::Outside,
            Origin::Macvlan(MacvlanMode::BRIDGE),
            Origin::Macvlan(MacvlanMode::SOURCE),
            Origin::Ipvlan(Flags::BRIDGE),
            Origin::Ipvlan(Flags::VEPA),
        ];
        for origin in origins {
            assert_eq!(Origin::from_number(origin.number()), origin);
        }
        assert_eq!(Origin::from_number(u64::MAX), Origin::Outside);
    }
}
