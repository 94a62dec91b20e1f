// SPDX-License-Identifier: GPL-2.0

//! Which flavor a request means, and which MTUs are accepted.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_config)]
mod tests {
    use crate::{
        config::{
            self,
            Flavor,
            Hints,
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

    /// A request that names a flavor, or none.
    fn named(number: Option<u32>) -> Hints {
        Hints {
            number,
            ..Hints::default()
        }
    }

    #[test]
    fn no_flavor_and_no_lower_device_means_veth() {
        assert!(matches!(Flavor::choose(Hints::default()), Ok(Flavor::Veth)));
    }

    #[test]
    fn no_flavor_and_a_lower_device_means_macvlan() {
        let hints = Hints {
            has_lower: true,
            ..Hints::default()
        };
        assert!(matches!(Flavor::choose(hints), Ok(Flavor::Macvlan)));
    }

    #[test]
    fn no_flavor_and_settings_of_macvlan_mean_macvlan() {
        let hints = Hints {
            has_macvlan: true,
            ..Hints::default()
        };
        assert!(matches!(Flavor::choose(hints), Ok(Flavor::Macvlan)));
    }

    #[test]
    fn no_flavor_and_settings_of_ipvlan_mean_ipvlan() {
        for has_lower in [false, true] {
            let hints = Hints {
                has_lower,
                has_ipvlan: true,
                ..Hints::default()
            };
            assert!(matches!(Flavor::choose(hints), Ok(Flavor::Ipvlan)));
        }
    }

    #[test]
    fn flavors_by_number() {
        for flavor in [
            Flavor::Veth,
            Flavor::Macvlan,
            Flavor::Ipvlan,
            Flavor::Macvtap,
            Flavor::Ipvtap,
        ] {
            let choice = Flavor::choose(named(Some(flavor.number())));
            assert!(matches!(choice, Ok(chosen) if chosen == flavor));
        }
    }

    #[test]
    fn veth_has_no_lower_device_and_no_settings_of_others() {
        let veth = named(Some(uapi::RNETVIRT_FLAVOR_VETH));
        for hints in [
            Hints {
                has_lower: true,
                ..veth
            },
            Hints {
                has_macvlan: true,
                ..veth
            },
            Hints {
                has_ipvlan: true,
                ..veth
            },
        ] {
            assert_eq!(errno(Flavor::choose(hints)), EINVAL.to_errno());
        }
    }

    #[test]
    fn macvlan_and_ipvlan_have_no_peer_and_no_settings_of_each_other() {
        for (macvlan, ipvlan) in [
            (uapi::RNETVIRT_FLAVOR_MACVLAN, uapi::RNETVIRT_FLAVOR_IPVLAN),
            (uapi::RNETVIRT_FLAVOR_MACVTAP, uapi::RNETVIRT_FLAVOR_IPVTAP),
        ] {
            let (macvlan, ipvlan) = (named(Some(macvlan)), named(Some(ipvlan)));
            for hints in [
                Hints {
                    has_peer: true,
                    ..macvlan
                },
                Hints {
                    has_ipvlan: true,
                    ..macvlan
                },
                Hints {
                    has_peer: true,
                    ..ipvlan
                },
                Hints {
                    has_macvlan: true,
                    ..ipvlan
                },
            ] {
                let hints = Hints {
                    has_lower: true,
                    ..hints
                };
                assert_eq!(errno(Flavor::choose(hints)), EINVAL.to_errno());
            }
        }
    }

    #[test]
    fn unknown_numbers_are_invalid() {
        for number in [uapi::RNETVIRT_FLAVOR_IPVTAP + 1, 255, u32::MAX] {
            for has_lower in [false, true] {
                let choice = Flavor::choose(Hints {
                    has_lower,
                    ..named(Some(number))
                });
                assert_eq!(errno(choice), EINVAL.to_errno());
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
