// SPDX-License-Identifier: GPL-2.0

//! Decisions of flavor macvlan: group filters, modes, flags, sources.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_macvlan)]
mod tests {
    use crate::{
        filter::{
            GroupFilter,
            Words, //
        },
        macvlan::settings::{
            source_mac,
            Flags,
            Mode, //
        },
    };
    use abstractions::net::mac::Mac;
    use kernel::prelude::*;

    const MODES: [Mode; 5] = [
        Mode::PRIVATE,
        Mode::VEPA,
        Mode::BRIDGE,
        Mode::PASSTHRU,
        Mode::SOURCE,
    ];

    /// The address of the IPv4 group with that number.
    fn group(number: u16) -> Mac {
        let [high, low] = number.to_be_bytes();
        Mac::from_bytes(&[0x01, 0x00, 0x5e, 0x00, high, low])
    }

    #[test]
    fn mac_is_a_number_and_back() {
        let bytes = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];
        let mac = Mac::from_bytes(&bytes);
        assert_eq!(mac.to_bytes(), bytes);
        assert_eq!(Mac::from_key(mac.key()), mac);
        assert!(mac.is_valid());
        assert!(!mac.is_multicast());
        assert!(Mac::from_bytes(&[0xff; 6]).is_multicast());
        assert!(!Mac::from_bytes(&[0; 6]).is_valid());
    }

    #[test]
    fn b1_4_filter_never_says_no_by_mistake() {
        for salt in [0, 1, 0x8000_0000, u32::MAX] {
            let filter = GroupFilter::new(salt);
            let mut words = Words::NONE;
            for number in 0..300 {
                filter.add_to(&mut words, group(number));
            }
            filter.store(words);
            for number in 0..300 {
                assert!(filter.has(group(number)));
            }
        }
    }

    #[test]
    fn b1_4_filter_says_no_to_most_others() {
        let filter = GroupFilter::new(7);
        let mut words = Words::NONE;
        filter.add_to(&mut words, group(1));
        filter.store(words);
        let mistakes = (2..1026)
            .filter(|number| filter.has(group(*number)))
            .count();
        // One in 256, give or take.
        assert!(mistakes <= 16);
    }

    #[test]
    fn filter_of_all_and_of_none() {
        let filter = GroupFilter::new(0);
        assert!(!filter.has(group(0)));
        filter.store(Words::ALL);
        assert!((0..1000).all(|number| filter.has(group(number))));
        filter.store(Words::NONE);
        assert!((0..1000).all(|number| !filter.has(group(number))));
    }

    #[test]
    fn a3_modes_by_number() {
        for number in 0..=64 {
            let known = [1, 2, 4, 8, 16].contains(&number);
            assert_eq!(Mode::parse(number).is_some(), known);
            if let Some(mode) = Mode::parse(number) {
                assert_eq!(mode.number(), number);
            }
        }
        assert!(Mode::parse(u32::MAX).is_none());
    }

    #[test]
    fn a3_modes_are_told_apart() {
        for mode in MODES {
            for other in MODES {
                assert_eq!(mode.is(other), mode == other);
            }
        }
    }

    #[test]
    fn a3_flags_by_number() {
        for number in 0..=8 {
            assert_eq!(Flags::parse(number).is_some(), number < 4);
        }
        assert!(Flags::parse(0x8000).is_none());
    }

    #[test]
    fn a3_addresses_of_sources() {
        assert!(source_mac(&[0x02, 0, 0, 0, 0, 1]).is_ok());
        assert_eq!(source_mac(&[0x02, 0, 0, 0, 0]).err(), Some(EINVAL));
        assert_eq!(source_mac(&[0x02, 0, 0, 0, 0, 1, 2]).err(), Some(EINVAL));
        assert_eq!(source_mac(&[0xff; 6]).err(), Some(EADDRNOTAVAIL));
        assert_eq!(source_mac(&[0; 6]).err(), Some(EADDRNOTAVAIL));
    }
}
