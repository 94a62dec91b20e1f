// SPDX-License-Identifier: GPL-2.0

//! Which flavor a request means, and which MTUs are accepted.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_config)]
mod tests {
    use crate::{
        config::{
            self,
            Flavor,
            Refusal, //
        },
        uapi,
    };
    use kernel::prelude::*;

    /// The error of a refusal, zero if there is none.
    fn errno(choice: Result<Flavor, Refusal>) -> i32 {
        match choice {
            Ok(_) => 0,
            Err(Refusal(err, msg)) => {
                // A refusal without a text is one that the user cannot understand.
                assert!(!msg.to_bytes().is_empty());
                err.to_errno()
            }
        }
    }

    #[test]
    fn no_flavor_and_no_lower_device_means_veth() {
        assert!(matches!(Flavor::choose(None, false), Ok(Flavor::Veth)));
    }

    #[test]
    fn veth_by_number() {
        assert!(matches!(
            Flavor::choose(Some(Flavor::Veth.number()), false),
            Ok(Flavor::Veth)
        ));
    }

    #[test]
    fn veth_has_no_lower_device() {
        let veth = Some(uapi::RNETVIRT_FLAVOR_VETH);
        assert_eq!(errno(Flavor::choose(veth, true)), EINVAL.to_errno());
    }

    #[test]
    fn flavors_to_come_are_refused_by_name_and_by_default() {
        for number in uapi::RNETVIRT_FLAVOR_MACVLAN..=uapi::RNETVIRT_FLAVOR_IPVTAP {
            for lower in [false, true] {
                let choice = Flavor::choose(Some(number), lower);
                assert_eq!(errno(choice), EOPNOTSUPP.to_errno());
            }
        }
        assert_eq!(errno(Flavor::choose(None, true)), EOPNOTSUPP.to_errno());
    }

    #[test]
    fn unknown_numbers_are_invalid() {
        for number in [uapi::RNETVIRT_FLAVOR_IPVTAP + 1, 255, u32::MAX] {
            for lower in [false, true] {
                assert_eq!(
                    errno(Flavor::choose(Some(number), lower)),
                    EINVAL.to_errno()
                );
            }
        }
    }

    #[test]
    fn every_flavor_number_has_a_name() {
        let last = uapi::RNETVIRT_FLAVOR_IPVTAP as usize;
        assert_eq!(uapi::FLAVOR_NAMES.len(), last + 1);
    }

    #[test]
    fn a13_mtu_range() {
        for (mtu, valid) in [
            (0, false),
            (67, false),
            (68, true),
            (1500, true),
            (65535, true),
            (65536, false),
            (0x8000_0000, false),
            (u32::MAX, false),
        ] {
            assert_eq!(config::mtu_is_valid(mtu), valid);
        }
    }

    #[test]
    fn policy_has_a_row_for_every_attribute() {
        assert_eq!(
            config::POLICY.len(),
            usize::from(uapi::IFLA_RNETVIRT_MAX) + 1
        );
    }
}
