// SPDX-License-Identifier: GPL-2.0

//! Numbers of the netlink interface, and their names. The plugin of `ip` has the same file.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_uapi)]
mod tests {
    use crate::{
        cases::all,
        uapi::*, //
    };

    #[test]
    fn every_flavor_number_has_a_name() {
        let last = RNETVIRT_FLAVOR_IPVTAP as usize;
        assert_eq!(FLAVOR_NAMES.len(), last + 1);
    }

    #[test]
    fn flavors_have_different_names() {
        assert!(all(FLAVOR_NAMES, |name| {
            FLAVOR_NAMES.iter().filter(|other| *other == name).count() == 1
        }));
    }

    #[test]
    fn released_flavor_numbers_stay() {
        let named = |name: &[u8]| FLAVOR_NAMES.iter().position(|n| n.to_bytes() == name);
        assert_eq!(named(b"veth"), Some(RNETVIRT_FLAVOR_VETH as usize));
        assert_eq!(named(b"macvlan"), Some(RNETVIRT_FLAVOR_MACVLAN as usize));
        assert_eq!(named(b"ipvlan"), Some(RNETVIRT_FLAVOR_IPVLAN as usize));
        assert_eq!(named(b"macvtap"), Some(RNETVIRT_FLAVOR_MACVTAP as usize));
        assert_eq!(named(b"ipvtap"), Some(RNETVIRT_FLAVOR_IPVTAP as usize));
    }

    #[test]
    fn the_peer_is_where_the_core_looks_for_one() {
        // VETH_INFO_PEER.
        assert_eq!(IFLA_RNETVIRT_PEER, 1);
    }

    #[test]
    fn macvlan_modes_have_different_names() {
        assert!(all(MACVLAN_MODE_NAMES, |(_, name)| {
            MACVLAN_MODE_NAMES.iter().filter(|(_, n)| n == name).count() == 1
        }));
    }

    #[test]
    fn macvlan_modes_are_bits_from_the_lowest_on() {
        let bits = MACVLAN_MODE_NAMES.map(|(number, _)| number);
        assert_eq!(bits, [1, 2, 4, 8, 16]);
    }

    #[test]
    fn ipvlan_modes_have_different_names() {
        assert!(all(IPVLAN_MODE_NAMES, |(_, name)| {
            IPVLAN_MODE_NAMES.iter().filter(|(_, n)| n == name).count() == 1
        }));
    }

    #[test]
    fn ipvlan_modes_are_numbers_from_zero_on() {
        let numbers = IPVLAN_MODE_NAMES.map(|(number, _)| number);
        assert_eq!(numbers, [0, 1, 2]);
    }

    #[test]
    fn ipvlan_flags_have_different_names() {
        assert!(all(IPVLAN_FLAG_NAMES, |(_, name)| {
            IPVLAN_FLAG_NAMES.iter().filter(|(_, n)| n == name).count() == 1
        }));
    }

    #[test]
    fn the_kind_is_not_one_of_the_kernel() {
        // What a user says must mean one driver: flavors have names of their own.
        assert!(all(FLAVOR_NAMES, |name| *name != KIND));
    }
}
