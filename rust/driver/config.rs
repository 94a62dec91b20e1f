// SPDX-License-Identifier: GPL-2.0

//! What a request may say: attributes, flavors, and what is refused and why.
//!
//! Decisions are functions of numbers; no device is looked at.

use crate::uapi;
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

/// Validation of all attributes of the kind.
pub(crate) const POLICY: &[Policy] = {
    const TABLE: &PolicyTable<{ uapi::IFLA_RNETVIRT_MAX as usize + 1 }> = &PolicyTable::new()
        .with(&PEER)
        .with(&FLAVOR)
        .with(&MACVLAN)
        .with(&IPVLAN)
        .with(&TRUST);
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

/// Why a request is refused: the error, and the text for the user.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Error, pub(crate) &'static CStr);

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
        let refuse = |msg| Err(Refusal(EINVAL, msg));
        match hints.number.unwrap_or(default) {
            uapi::RNETVIRT_FLAVOR_VETH if hints.has_lower => {
                refuse(c"flavor veth has no lower device; leave out 'link'")
            }
            uapi::RNETVIRT_FLAVOR_VETH if hints.has_macvlan => {
                refuse(c"flavor veth does not have the settings of flavor macvlan")
            }
            uapi::RNETVIRT_FLAVOR_VETH if hints.has_ipvlan => {
                refuse(c"flavor veth does not have the settings of flavor ipvlan")
            }
            uapi::RNETVIRT_FLAVOR_VETH => Ok(Self::Veth),
            uapi::RNETVIRT_FLAVOR_MACVLAN if hints.has_peer => {
                refuse(c"flavor macvlan has no peer; leave out 'peer'")
            }
            uapi::RNETVIRT_FLAVOR_MACVLAN if hints.has_ipvlan => {
                refuse(c"flavor macvlan does not have the settings of flavor ipvlan")
            }
            uapi::RNETVIRT_FLAVOR_MACVLAN => Ok(Self::Macvlan),
            uapi::RNETVIRT_FLAVOR_IPVLAN if hints.has_peer => {
                refuse(c"flavor ipvlan has no peer; leave out 'peer'")
            }
            uapi::RNETVIRT_FLAVOR_IPVLAN if hints.has_macvlan => {
                refuse(c"flavor ipvlan does not have the settings of flavor macvlan")
            }
            uapi::RNETVIRT_FLAVOR_IPVLAN => Ok(Self::Ipvlan),
            uapi::RNETVIRT_FLAVOR_MACVTAP if hints.has_peer => {
                refuse(c"flavor macvtap has no peer; leave out 'peer'")
            }
            uapi::RNETVIRT_FLAVOR_MACVTAP if hints.has_ipvlan => {
                refuse(c"flavor macvtap does not have the settings of flavor ipvlan")
            }
            uapi::RNETVIRT_FLAVOR_MACVTAP => Ok(Self::Macvtap),
            uapi::RNETVIRT_FLAVOR_IPVTAP if hints.has_peer => {
                refuse(c"flavor ipvtap has no peer; leave out 'peer'")
            }
            uapi::RNETVIRT_FLAVOR_IPVTAP if hints.has_macvlan => {
                refuse(c"flavor ipvtap does not have the settings of flavor macvlan")
            }
            uapi::RNETVIRT_FLAVOR_IPVTAP => Ok(Self::Ipvtap),
            _ => refuse(c"unknown flavor"),
        }
    }
}

/// Whether there are settings of flavor ipvlan.
pub(crate) fn has_ipvlan(data: &Attrs<'_>) -> bool {
    data.has(&IPVLAN) || data.has(&TRUST)
}

/// Whether links of flavor ipvlan are to be trusted, if it says so.
pub(crate) fn trust(data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result<Option<bool>> {
    let Some(attr) = data.and_then(|data| data.attr(TRUST.id())) else {
        return Ok(None);
    };
    match data.map_or(Ok(None), |data| data.get(&TRUST))? {
        Some(0) => Ok(Some(false)),
        Some(1) => Ok(Some(true)),
        _ => {
            ack.set_bad_attr(attr);
            Err(ack.refuse(EINVAL, c"trust is on (1) or off (0)"))
        }
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
        return Err(ack.refuse(
            EINVAL,
            c"the link is of another flavor, without such settings",
        ));
    }
    if data
        .get(&FLAVOR)?
        .is_some_and(|number| number != flavor.number())
    {
        return Err(ack.refuse(EOPNOTSUPP, c"the flavor of a link cannot be changed"));
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
