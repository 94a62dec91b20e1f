// SPDX-License-Identifier: GPL-2.0

//! What a request may say: attributes, flavors, and what is refused and why.
//!
//! Decisions are functions of numbers; no device is looked at.

use crate::uapi;
use abstractions::net::nlattr::{
    Bytes,
    Field,
    Ignored,
    Policy,
    PolicyTable,
    U32, //
};
use kernel::prelude::*;

/// The second device of a pair; its smallest content is a `struct ifinfomsg`.
pub(crate) const PEER: Field<Bytes<16>> = Field::new(uapi::IFLA_RNETVIRT_PEER);

/// The flavor, a number.
pub(crate) const FLAVOR: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_FLAVOR);

/// Settings of flavors with a lower device, which are refused rather than ignored.
pub(crate) const RESERVED: [Field<Ignored>; 2] = [
    Field::new(uapi::IFLA_RNETVIRT_MACVLAN),
    Field::new(uapi::IFLA_RNETVIRT_IPVLAN),
];

/// Validation of all attributes of the kind.
pub(crate) const POLICY: &[Policy] = {
    const TABLE: &PolicyTable<{ uapi::IFLA_RNETVIRT_MAX as usize + 1 }> =
        &PolicyTable::new().with(&PEER).with(&FLAVOR);
    TABLE.rows()
};

/// What is below a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// The other device of a pair.
    Veth,
}

/// Why a request is refused: the error, and the text for the user.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Error, pub(crate) &'static CStr);

impl Flavor {
    /// The number in netlink messages.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Veth => uapi::RNETVIRT_FLAVOR_VETH,
        }
    }

    /// The flavor that a request asks for.
    ///
    /// `number` is the one it names, if it does; without one, a request with a lower device means
    /// macvlan, and one without means veth.
    pub(crate) fn choose(number: Option<u32>, has_lower: bool) -> Result<Self, Refusal> {
        let default = if has_lower {
            uapi::RNETVIRT_FLAVOR_MACVLAN
        } else {
            uapi::RNETVIRT_FLAVOR_VETH
        };
        match number.unwrap_or(default) {
            uapi::RNETVIRT_FLAVOR_VETH if has_lower => Err(Refusal(
                EINVAL,
                c"flavor veth has no lower device; leave out 'link'",
            )),
            uapi::RNETVIRT_FLAVOR_VETH => Ok(Self::Veth),
            uapi::RNETVIRT_FLAVOR_MACVLAN
            | uapi::RNETVIRT_FLAVOR_IPVLAN
            | uapi::RNETVIRT_FLAVOR_MACVTAP
            | uapi::RNETVIRT_FLAVOR_IPVTAP => Err(Refusal(
                EOPNOTSUPP,
                c"this version has no flavor with a lower device; there is veth",
            )),
            _ => Err(Refusal(EINVAL, c"unknown flavor")),
        }
    }
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
