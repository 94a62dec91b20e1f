// SPDX-License-Identifier: GPL-2.0

//! What a request may say: attributes and flavors; [`refusal`](crate::refusal) has what is refused.
//!
//! Decisions are functions of numbers; no device is looked at.

use crate::{
    refusal::Refusal,
    uapi, //
};
use abstractions::net::nlattr::{
    Attrs,
    Bytes,
    ExtAck,
    Field,
    Nested,
    Policy,
    PolicyTable,
    U32, //
};
use kernel::prelude::*;

/// The second device of a pair; its smallest content is a `struct ifinfomsg`.
pub(crate) const PEER: Field<Bytes<16>> = Field::new(uapi::IFLA_RNETVIRT_PEER);

/// The flavor, a number.
pub(crate) const FLAVOR: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_FLAVOR);

/// The settings of flavor macvlan.
pub(crate) const MACVLAN: Field<Nested> = Field::new(uapi::IFLA_RNETVIRT_MACVLAN);

/// The settings of flavor ipvlan.
pub(crate) const IPVLAN: Field<Nested> = Field::new(uapi::IFLA_RNETVIRT_IPVLAN);

/// Whether links of flavor ipvlan on a lower device are trusted.
pub(crate) const TRUST: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_TRUST);

/// The guard of a link with a lower device.
pub(crate) const GUARD: Field<Nested> = Field::new(uapi::IFLA_RNETVIRT_GUARD);

/// Whether the lower device's own stack is a destination.
pub(crate) const HOST: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_HOST);

/// How much a link with a lower device may send and receive.
pub(crate) const LIMIT: Field<Nested> = Field::new(uapi::IFLA_RNETVIRT_LIMIT);

/// Whether requests for known links are kept from everybody else.
pub(crate) const SUPPRESS: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_SUPPRESS);

/// How many copies of packets to groups are made in a second.
pub(crate) const COPIES: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_COPIES);

/// Validation of all attributes of the kind.
pub(crate) const POLICY: &[Policy] = {
    const TABLE: &PolicyTable<{ uapi::IFLA_RNETVIRT_MAX as usize + 1 }> = &PolicyTable::new()
        .with(&PEER)
        .with(&FLAVOR)
        .with(&MACVLAN)
        .with(&IPVLAN)
        .with(&TRUST)
        .with(&GUARD)
        .with(&HOST)
        .with(&LIMIT)
        .with(&SUPPRESS)
        .with(&COPIES);
    TABLE.rows()
};

/// What is below a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// The other device of a pair.
    Veth,
    /// A lower device, shared by MAC address.
    Macvlan,
    /// A lower device, shared by IP address.
    Ipvlan,
    /// As macvlan, with a character device instead of a stack.
    Macvtap,
    /// As ipvlan, with a character device instead of a stack.
    Ipvtap,
}

/// What a request says that bears on the flavor.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hints {
    /// The number it names.
    pub(crate) number: Option<u32>,
    /// Whether it names a lower device.
    pub(crate) has_lower: bool,
    /// Whether it describes a second device.
    pub(crate) has_peer: bool,
    /// Whether it has settings of flavor macvlan.
    pub(crate) has_macvlan: bool,
    /// Whether it has settings of flavor ipvlan.
    pub(crate) has_ipvlan: bool,
}

impl Flavor {
    /// The number in netlink messages.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Veth => uapi::RNETVIRT_FLAVOR_VETH,
            Self::Macvlan => uapi::RNETVIRT_FLAVOR_MACVLAN,
            Self::Ipvlan => uapi::RNETVIRT_FLAVOR_IPVLAN,
            Self::Macvtap => uapi::RNETVIRT_FLAVOR_MACVTAP,
            Self::Ipvtap => uapi::RNETVIRT_FLAVOR_IPVTAP,
        }
    }

    /// The flavor that a request asks for.
    ///
    /// One that names no number means ipvlan if it has settings of ipvlan, macvlan if it has a lower
    /// device or settings of macvlan, and veth otherwise.
    pub(crate) fn choose(hints: Hints) -> Result<Self, Refusal> {
        let default = if hints.has_ipvlan {
            uapi::RNETVIRT_FLAVOR_IPVLAN
        } else if hints.has_lower || hints.has_macvlan {
            uapi::RNETVIRT_FLAVOR_MACVLAN
        } else {
            uapi::RNETVIRT_FLAVOR_VETH
        };
        match hints.number.unwrap_or(default) {
            uapi::RNETVIRT_FLAVOR_VETH if hints.has_lower => Err(Refusal::VethHasNoLower),
            uapi::RNETVIRT_FLAVOR_VETH if hints.has_macvlan => Err(Refusal::VethHasNoMacvlan),
            uapi::RNETVIRT_FLAVOR_VETH if hints.has_ipvlan => Err(Refusal::VethHasNoIpvlan),
            uapi::RNETVIRT_FLAVOR_VETH => Ok(Self::Veth),
            uapi::RNETVIRT_FLAVOR_MACVLAN if hints.has_peer => Err(Refusal::MacvlanHasNoPeer),
            uapi::RNETVIRT_FLAVOR_MACVLAN if hints.has_ipvlan => Err(Refusal::MacvlanHasNoIpvlan),
            uapi::RNETVIRT_FLAVOR_MACVLAN => Ok(Self::Macvlan),
            uapi::RNETVIRT_FLAVOR_IPVLAN if hints.has_peer => Err(Refusal::IpvlanHasNoPeer),
            uapi::RNETVIRT_FLAVOR_IPVLAN if hints.has_macvlan => Err(Refusal::IpvlanHasNoMacvlan),
            uapi::RNETVIRT_FLAVOR_IPVLAN => Ok(Self::Ipvlan),
            uapi::RNETVIRT_FLAVOR_MACVTAP if hints.has_peer => Err(Refusal::MacvtapHasNoPeer),
            uapi::RNETVIRT_FLAVOR_MACVTAP if hints.has_ipvlan => Err(Refusal::MacvtapHasNoIpvlan),
            uapi::RNETVIRT_FLAVOR_MACVTAP => Ok(Self::Macvtap),
            uapi::RNETVIRT_FLAVOR_IPVTAP if hints.has_peer => Err(Refusal::IpvtapHasNoPeer),
            uapi::RNETVIRT_FLAVOR_IPVTAP if hints.has_macvlan => Err(Refusal::IpvtapHasNoMacvlan),
            uapi::RNETVIRT_FLAVOR_IPVTAP => Ok(Self::Ipvtap),
            _ => Err(Refusal::UnknownFlavor),
        }
    }
}

/// Whether there are settings of flavor ipvlan.
pub(crate) fn has_ipvlan(data: &Attrs<'_>) -> bool {
    data.has(&IPVLAN) || data.has(&TRUST)
}

/// Whether links of flavor ipvlan are to be trusted, if it says so.
pub(crate) fn trust(data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result<Option<bool>> {
    on_or_off(data, &TRUST, Refusal::Trust, ack)
}

/// Whether the host is to be a destination, if it says so.
pub(crate) fn host(data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result<Option<bool>> {
    on_or_off(data, &HOST, Refusal::Host, ack)
}

/// Whether requests for known links are to be kept from everybody else, if it says so.
pub(crate) fn suppress(data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result<Option<bool>> {
    on_or_off(data, &SUPPRESS, Refusal::Suppress, ack)
}

/// How many copies are to be made in a second, 0 being any number, if it says so.
pub(crate) fn copies(data: Option<&Attrs<'_>>) -> Result<Option<u32>> {
    data.map_or(Ok(None), |data| data.get(&COPIES))
}

fn on_or_off(
    data: Option<&Attrs<'_>>,
    field: &Field<U32>,
    refusal: Refusal,
    ack: &mut ExtAck<'_>,
) -> Result<Option<bool>> {
    let Some(data) = data else {
        return Ok(None);
    };
    match data.get(field)? {
        None => Ok(None),
        Some(0) => Ok(Some(false)),
        Some(1) => Ok(Some(true)),
        Some(_) => Err(ack.refuse_attr(data.attr(field.id()), refusal)),
    }
}

/// Refuses to make a link of `flavor` one of another flavor.
pub(crate) fn check_change(
    flavor: Flavor,
    data: Option<&Attrs<'_>>,
    ack: &mut ExtAck<'_>,
) -> Result {
    let Some(data) = data else {
        return Ok(());
    };
    let other = match flavor {
        Flavor::Veth => data.has(&MACVLAN) || has_ipvlan(data),
        Flavor::Macvlan | Flavor::Macvtap => data.has(&PEER) || has_ipvlan(data),
        Flavor::Ipvlan | Flavor::Ipvtap => data.has(&PEER) || data.has(&MACVLAN),
    };
    if other {
        return Err(ack.refuse(Refusal::OtherFlavor));
    }
    if data
        .get(&FLAVOR)?
        .is_some_and(|number| number != flavor.number())
    {
        return Err(ack.refuse(Refusal::FlavorIsForGood));
    }
    Ok(())
}

/// Whether `mtu` is one that an Ethernet device without a wire can have.
///
/// The number is signed in `struct net_device`: the upper half of the range is not larger, but
/// negative.
pub(crate) fn mtu_is_valid(mtu: u32) -> bool {
    use abstractions::net::link::{
        ETH_MAX_MTU,
        ETH_MIN_MTU, //
    };

    (ETH_MIN_MTU..=ETH_MAX_MTU).contains(&mtu)
}

#[cfg(rnetvirt_kunit)]
#[kunit_tests(rnetvirt_config)]
mod tests {
    use super::*;
    use crate::cases::all;
    use abstractions::net::nlattr::Reason;

    const FLAVORS: [Flavor; 5] = [
        Flavor::Veth,
        Flavor::Macvlan,
        Flavor::Ipvlan,
        Flavor::Macvtap,
        Flavor::Ipvtap,
    ];

    impl Hints {
        /// All that can be said beside a flavor.
        fn all_of(number: Option<u32>) -> impl Iterator<Item = Self> {
            (0..16).map(move |bits: u8| Self {
                number,
                has_lower: bits & 1 != 0,
                has_peer: bits & 2 != 0,
                has_macvlan: bits & 4 != 0,
                has_ipvlan: bits & 8 != 0,
            })
        }

        /// What can be said beside any of the flavors.
        fn all_named() -> impl Iterator<Item = (Flavor, Self)> {
            FLAVORS.into_iter().flat_map(|flavor| {
                Self::all_of(Some(flavor.number())).map(move |hints| (flavor, hints))
            })
        }

        /// Whether it is what a flavor does not have.
        fn is_foreign_to(&self, flavor: Flavor) -> bool {
            match flavor {
                Flavor::Veth => self.has_lower || self.has_macvlan || self.has_ipvlan,
                Flavor::Macvlan | Flavor::Macvtap => self.has_peer || self.has_ipvlan,
                Flavor::Ipvlan | Flavor::Ipvtap => self.has_peer || self.has_macvlan,
            }
        }
    }

    impl core::fmt::Debug for Hints {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            let words = (self.number, self.has_lower, self.has_peer);
            write!(f, "{words:?} {:?}", (self.has_macvlan, self.has_ipvlan))
        }
    }

    fn chosen(hints: &Hints) -> Option<Flavor> {
        Flavor::choose(*hints).ok()
    }

    /// Whether it is refused, with `words` in the text.
    fn is_refused(hints: &Hints, words: &[u8]) -> bool {
        Flavor::choose(*hints).is_err_and(|refusal| {
            let text = refusal.text().to_bytes();
            text.windows(words.len()).any(|part| part == words)
        })
    }

    #[test]
    fn no_flavor_and_no_lower_device_means_veth() {
        assert_eq!(chosen(&Hints::default()), Some(Flavor::Veth));
    }

    #[test]
    fn no_flavor_and_a_peer_mean_veth() {
        let hints = Hints {
            has_peer: true,
            ..Hints::default()
        };
        assert_eq!(chosen(&hints), Some(Flavor::Veth));
    }

    #[test]
    fn no_flavor_and_a_lower_device_mean_macvlan() {
        let hints = Hints {
            has_lower: true,
            ..Hints::default()
        };
        assert_eq!(chosen(&hints), Some(Flavor::Macvlan));
    }

    #[test]
    fn no_flavor_and_settings_of_macvlan_mean_macvlan() {
        let hints = Hints {
            has_macvlan: true,
            ..Hints::default()
        };
        assert_eq!(chosen(&hints), Some(Flavor::Macvlan));
    }

    #[test]
    fn no_flavor_and_settings_of_ipvlan_mean_ipvlan() {
        assert!(all([false, true], |has_lower| {
            let hints = Hints {
                has_lower: *has_lower,
                has_ipvlan: true,
                ..Hints::default()
            };
            chosen(&hints) == Some(Flavor::Ipvlan)
        }));
    }

    #[test]
    fn nobody_gets_a_tap_who_does_not_name_it() {
        assert!(all(Hints::all_of(None), |hints| {
            !matches!(chosen(hints), Some(Flavor::Macvtap | Flavor::Ipvtap))
        }));
    }

    #[test]
    fn what_is_meant_without_a_name_is_what_is_meant_with_it() {
        assert!(all(Hints::all_of(None), |hints| {
            chosen(hints).is_none_or(|flavor| {
                let named = Hints {
                    number: Some(flavor.number()),
                    ..*hints
                };
                chosen(&named) == Some(flavor)
            })
        }));
    }

    #[test]
    fn a_named_flavor_is_that_one_or_refused() {
        assert!(all(Hints::all_named(), |(flavor, hints)| {
            chosen(hints).is_none_or(|chosen| chosen == *flavor)
        }));
    }

    #[test]
    fn what_a_flavor_does_not_have_is_refused() {
        assert!(all(Hints::all_named(), |(flavor, hints)| {
            !hints.is_foreign_to(*flavor) || chosen(hints).is_none()
        }));
    }

    #[test]
    fn nothing_else_is_refused() {
        assert!(all(Hints::all_named(), |(flavor, hints)| {
            hints.is_foreign_to(*flavor) || chosen(hints).is_some()
        }));
    }

    #[test]
    fn a_tap_is_refused_what_its_flavor_is() {
        for (tap, flavor) in [
            (Flavor::Macvtap, Flavor::Macvlan),
            (Flavor::Ipvtap, Flavor::Ipvlan),
        ] {
            assert!(all(Hints::all_of(Some(tap.number())), |hints| {
                let same = Hints {
                    number: Some(flavor.number()),
                    ..*hints
                };
                chosen(hints).is_some() == chosen(&same).is_some()
            }));
        }
    }

    #[test]
    fn refusals_name_the_flavor() {
        assert!(all(Hints::all_named(), |(flavor, hints)| {
            let name = uapi::FLAVOR_NAMES.get(flavor.number() as usize);
            chosen(hints).is_some() || name.is_some_and(|name| is_refused(hints, name.to_bytes()))
        }));
    }

    #[test]
    fn a_refused_lower_device_is_named() {
        assert!(all(Hints::all_named(), |(flavor, hints)| {
            *flavor != Flavor::Veth || !hints.has_lower || is_refused(hints, b"leave out 'link'")
        }));
    }

    #[test]
    fn a_refused_peer_is_named() {
        assert!(all(Hints::all_named(), |(flavor, hints)| {
            *flavor == Flavor::Veth || !hints.has_peer || is_refused(hints, b"leave out 'peer'")
        }));
    }

    #[test]
    fn refused_settings_are_named() {
        assert!(all(FLAVORS, |flavor| {
            let plain = Hints {
                number: Some(flavor.number()),
                ..Hints::default()
            };
            let (macvlan, ipvlan) = (
                Hints {
                    has_macvlan: true,
                    ..plain
                },
                Hints {
                    has_ipvlan: true,
                    ..plain
                },
            );
            (!macvlan.is_foreign_to(*flavor) || is_refused(&macvlan, b"settings of flavor macvlan"))
                && (!ipvlan.is_foreign_to(*flavor)
                    || is_refused(&ipvlan, b"settings of flavor ipvlan"))
        }));
    }

    #[test]
    fn refusals_are_about_the_request() {
        assert!(all(Hints::all_named(), |(_, hints)| {
            Flavor::choose(*hints)
                .err()
                .is_none_or(|refusal| refusal.error() == EINVAL)
        }));
    }

    #[test]
    fn unknown_numbers_are_invalid_whatever_else_is_said() {
        for number in [uapi::RNETVIRT_FLAVOR_IPVTAP + 1, 255, u32::MAX] {
            assert!(all(Hints::all_of(Some(number)), |hints| {
                is_refused(hints, b"unknown flavor")
            }));
        }
    }

    #[test]
    fn flavors_have_different_numbers() {
        assert!(all(FLAVORS, |flavor| {
            let same = |other: &&Flavor| other.number() == flavor.number();
            FLAVORS.iter().filter(same).count() == 1
        }));
    }

    #[test]
    fn a13_the_smallest_mtu_is_that_of_ipv4() {
        assert!(all(0..68, |mtu| !mtu_is_valid(*mtu)));
    }

    #[test]
    fn a13_any_mtu_in_between_is_valid() {
        assert!(all(68..=65535, |mtu| mtu_is_valid(*mtu)));
    }

    #[test]
    fn a13_a_larger_mtu_is_not_valid() {
        assert!(all([65536, 65537, 0x7fff_ffff], |mtu| !mtu_is_valid(*mtu)));
    }

    #[test]
    fn a13_a_negative_mtu_is_not_valid() {
        assert!(all([0x8000_0000, 0xffff_ff00, u32::MAX], |mtu| {
            !mtu_is_valid(*mtu)
        }));
    }

    #[test]
    fn policy_has_a_row_for_every_attribute() {
        assert_eq!(POLICY.len(), usize::from(uapi::IFLA_RNETVIRT_MAX) + 1);
    }
}
