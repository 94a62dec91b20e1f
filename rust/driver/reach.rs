// SPDX-License-Identifier: GPL-2.0

//! Who reaches and who hears whom among the links on a lower device.
//!
//! The rules are functions of what both are; no device is looked at. Packets ask sets that the
//! compiler has made of them, see [`Parties`]. `Documentation/reach.md` has the table, which a test
//! compares.

use crate::{
    ipvlan::settings::{
        Flags,
        Mode as IpvlanMode, //
    },
    macvlan::settings::Mode as MacvlanMode,
};

/// Who sends a packet, or is to receive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    /// None of the port's endpoints.
    Outside,
    /// An endpoint of flavor macvlan in that mode.
    Macvlan(MacvlanMode),
    /// An endpoint of flavor ipvlan in that mode, with those flags.
    Ipvlan(IpvlanMode, Flags),
}

/// Where a packet to one address goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the one that has the address, directly.
    Direct,
    /// Out, like any other packet: a switch may send it back.
    Out,
    /// Nowhere.
    Nowhere,
}

/// Where a packet from one endpoint to the address of another one goes.
///
/// By MAC address, between endpoints of flavor ipvlan by IP address.
#[inline(always)]
pub(crate) const fn unicast(from: Party, to: Party) -> Reach {
    match (from, to) {
        (Party::Outside, _) | (_, Party::Outside) => Reach::Out,
        // A private one does not talk to siblings of the other flavor either. One in mode l3 does not
        // know them.
        (Party::Ipvlan(IpvlanMode::L2, Flags::PRIVATE), Party::Macvlan(_))
        | (Party::Macvlan(MacvlanMode::BRIDGE), Party::Ipvlan(_, Flags::PRIVATE)) => Reach::Nowhere,
        (Party::Macvlan(_), _) | (_, Party::Macvlan(_)) => {
            if from.talks_directly() && to.talks_directly() {
                Reach::Direct
            } else {
                Reach::Out
            }
        }
        (Party::Ipvlan(_, from), Party::Ipvlan(_, to)) => match (from, to) {
            (Flags::BRIDGE, Flags::BRIDGE) => Reach::Direct,
            (Flags::VEPA, _) | (Flags::BRIDGE, Flags::VEPA) => Reach::Out,
            _ => Reach::Nowhere,
        },
    }
}

/// Whether `to` hears directly what `from` sends to a group. It goes out in any case.
pub(crate) const fn sent_group(from: Party, to: Party) -> bool {
    from.talks_directly() && to.talks_directly()
}

/// Whether a group packet that comes in by the lower device is for `to`, if it seems to be from
/// `from`: it is from outside, or a switch has sent it back.
pub(crate) const fn returned_group(from: Party, to: Party) -> bool {
    if !to.hears_groups() || loops_back(from) {
        return false;
    }
    match from {
        Party::Outside => true,
        // Those that talk directly have heard it already, if it is: somebody outside may have the
        // same address (VRRP).
        Party::Macvlan(_) | Party::Ipvlan(_, Flags::VEPA) => !to.is_private(),
        Party::Ipvlan(_, Flags::PRIVATE) => false,
        // They have heard it.
        Party::Ipvlan(..) => !to.is_private() && !to.talks_directly(),
    }
}

/// Whether group packets of `from` that a switch sends back are for nobody but `from`.
pub(crate) const fn loops_back(from: Party) -> bool {
    matches!(
        from,
        Party::Macvlan(MacvlanMode::PRIVATE | MacvlanMode::PASSTHRU | MacvlanMode::SOURCE)
    )
}

/// Whether `from` hears group packets of its own that a switch sends back.
pub(crate) const fn hears_itself(from: Party) -> bool {
    // In mode bridge: who else may have its address cannot be known.
    loops_back(from) || matches!(from, Party::Macvlan(MacvlanMode::BRIDGE))
}

impl Party {
    /// Everybody.
    pub(crate) const ALL: [Self; 15] = [
        Self::Outside,
        Self::Macvlan(MacvlanMode::BRIDGE),
        Self::Macvlan(MacvlanMode::VEPA),
        Self::Macvlan(MacvlanMode::PRIVATE),
        Self::Macvlan(MacvlanMode::SOURCE),
        Self::Macvlan(MacvlanMode::PASSTHRU),
        Self::Ipvlan(IpvlanMode::L2, Flags::BRIDGE),
        Self::Ipvlan(IpvlanMode::L2, Flags::VEPA),
        Self::Ipvlan(IpvlanMode::L2, Flags::PRIVATE),
        Self::Ipvlan(IpvlanMode::L3, Flags::BRIDGE),
        Self::Ipvlan(IpvlanMode::L3, Flags::VEPA),
        Self::Ipvlan(IpvlanMode::L3, Flags::PRIVATE),
        Self::Ipvlan(IpvlanMode::L3S, Flags::BRIDGE),
        Self::Ipvlan(IpvlanMode::L3S, Flags::VEPA),
        Self::Ipvlan(IpvlanMode::L3S, Flags::PRIVATE),
    ];

    /// Whether it talks to others without the wire, and knows them by MAC address.
    const fn talks_directly(self) -> bool {
        matches!(
            self,
            Self::Macvlan(MacvlanMode::BRIDGE) | Self::Ipvlan(IpvlanMode::L2, Flags::BRIDGE)
        )
    }

    /// Whether it does not hear siblings by way of a switch either.
    const fn is_private(self) -> bool {
        matches!(
            self,
            Self::Macvlan(MacvlanMode::PRIVATE | MacvlanMode::PASSTHRU)
                | Self::Ipvlan(_, Flags::PRIVATE)
        )
    }

    /// Whether it hears groups that come in by the lower device, whoever the sender is. One in mode
    /// source hears only those that it lists.
    const fn hears_groups(self) -> bool {
        !matches!(
            self,
            Self::Outside
                | Self::Macvlan(MacvlanMode::SOURCE)
                | Self::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3S, _)
        )
    }

    /// A bit of its own.
    #[inline(always)]
    const fn bit(self) -> u32 {
        match self {
            Self::Macvlan(mode) => mode.number(),
            Self::Ipvlan(mode, flags) => {
                0x100_u32.wrapping_shl((mode.number() as u32) << 2 | flags.number() as u32)
            }
            Self::Outside => 1 << 31,
        }
    }
}

/// A set of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parties(u32);

impl Parties {
    /// Nobody.
    const NONE: Self = Self(0);

    /// Whether `party` is one of them: a test of a bit.
    #[inline(always)]
    pub(crate) const fn has(self, party: Party) -> bool {
        self.0 & party.bit() != 0
    }

    const fn with(self, party: Party) -> Self {
        Self(self.0 | party.bit())
    }

    /// Those that packets of `from` reach directly. For constants.
    pub(crate) const fn reached_by(from: Party) -> Self {
        let mut set = Self::NONE;
        let mut rest: &[Party] = &Party::ALL;
        while let [to, tail @ ..] = rest {
            if matches!(unicast(from, *to), Reach::Direct) {
                set = set.with(*to);
            }
            rest = tail;
        }
        set
    }

    /// Those that hear directly what `from` sends to a group. For constants.
    pub(crate) const fn hearing(from: Party) -> Self {
        let mut set = Self::NONE;
        let mut rest: &[Party] = &Party::ALL;
        while let [to, tail @ ..] = rest {
            if sent_group(from, *to) {
                set = set.with(*to);
            }
            rest = tail;
        }
        set
    }

    /// Those that a group packet is for that comes in by the lower device and seems to be from `from`.
    #[inline]
    pub(crate) fn hearing_returned(from: Party) -> Self {
        // The bit's number is below 32.
        let number = from.bit().trailing_zeros() as usize;
        RETURNED.get(number).copied().unwrap_or(Self::NONE)
    }

    /// The numbers of its bits.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The set with that number.
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// [`returned_group`], by the number of the sender's bit.
static RETURNED: [Parties; 32] = {
    let mut table = [Parties::NONE; 32];
    let mut senders: &[Party] = &Party::ALL;
    while let [from, tail @ ..] = senders {
        let mut set = Parties::NONE;
        let mut rest: &[Party] = &Party::ALL;
        while let [to, tail @ ..] = rest {
            if returned_group(*from, *to) {
                set = set.with(*to);
            }
            rest = tail;
        }
        // The compiler runs this, and would say so.
        #[allow(clippy::indexing_slicing)]
        {
            table[from.bit().trailing_zeros() as usize] = set;
        }
        senders = tail;
    }
    table
};
