// SPDX-License-Identifier: GPL-2.0

//! What is known of who sent a group packet that came in by the lower device.

use crate::{
    ipvlan::settings::Flags,
    macvlan::settings::Mode, //
};

/// Who sent it. If it was an endpoint, a switch has sent the packet back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// None of the port's endpoints.
    Outside,
    /// An endpoint of flavor macvlan in that mode.
    Macvlan(Mode),
    /// An endpoint of flavor ipvlan with those flags.
    Ipvlan(Flags),
}

/// Marks the number of an endpoint of flavor ipvlan.
const IPVLAN: u64 = 1 << 63;

impl Origin {
    /// A number from which it can be told later.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Outside => 0,
            Self::Macvlan(mode) => mode.number().into(),
            Self::Ipvlan(flags) => u64::from(flags.number()) | IPVLAN,
        }
    }

    /// Who that number was.
    pub(crate) fn from_number(number: u64) -> Self {
        if number & IPVLAN != 0 {
            let flags = u16::try_from(number & !IPVLAN).ok().and_then(Flags::parse);
            flags.map_or(Self::Outside, Self::Ipvlan)
        } else {
            let mode = u32::try_from(number).ok().and_then(Mode::parse);
            mode.map_or(Self::Outside, Self::Macvlan)
        }
    }
}
