// SPDX-License-Identifier: GPL-2.0

//! MAC addresses, which are numbers here.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_mac)]
mod tests {
    use crate::cases::{
        all,
        Random, //
    };
    use abstractions::net::mac::{
        is_valid_ether_addr,
        Mac, //
    };

    /// An address with that byte first, and another one last.
    fn mac(first: u8, last: u8) -> Mac {
        Mac::from_bytes(&[first, 0, 0, 0, 0, last])
    }

    #[test]
    fn an_address_is_its_bytes_and_back() {
        let mut random = Random::new("mac: bytes");
        for _ in 0..1000 {
            let bytes = random.bytes();
            assert_eq!(Mac::from_bytes(&bytes).to_bytes(), bytes);
        }
    }

    #[test]
    fn an_address_is_a_key_and_back() {
        let mut random = Random::new("mac: keys");
        for _ in 0..1000 {
            let mac = Mac::from_bytes(&random.bytes());
            assert_eq!(Mac::from_key(mac.key()), mac);
        }
    }

    #[test]
    fn every_bit_of_an_address_counts() {
        assert!(all(0..48, |bit| {
            let [_, _, bytes @ ..] = (1_u64 << bit).to_be_bytes();
            Mac::from_bytes(&bytes) != Mac::from_bytes(&[0; 6])
        }));
    }

    #[test]
    fn groups_have_the_lowest_bit_of_the_first_byte() {
        assert!(all(0..=u8::MAX, |first| {
            mac(*first, 1).is_multicast() == (first & 1 != 0)
        }));
    }

    #[test]
    fn no_other_byte_makes_a_group() {
        assert!(!Mac::from_bytes(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff]).is_multicast());
    }

    #[test]
    fn everybody_is_a_group() {
        assert!(Mac::BROADCAST.is_multicast());
    }

    #[test]
    fn groups_are_nobodys_address() {
        assert!(all(0..=u8::MAX, |first| {
            mac(*first, 1).is_valid() == (first & 1 == 0)
        }));
    }

    #[test]
    fn zero_is_nobodys_address() {
        assert!(!mac(0, 0).is_valid());
    }

    #[test]
    fn one_bit_is_enough_for_an_address() {
        assert!(all(0..8, |bit| mac(0, 1 << bit).is_valid()));
    }

    #[test]
    fn bytes_are_valid_as_the_address_is() {
        assert!(all(0..=u8::MAX, |first| {
            is_valid_ether_addr(&[*first, 0, 0, 0, 0, 1]) == mac(*first, 1).is_valid()
        }));
    }
}
