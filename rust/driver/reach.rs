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
    /// None of the port's endpoints, and not the host.
    Outside,
    /// The lower device's own stack, where it is a destination (`host on`). Else it is outside.
    Host,
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
        (Party::Host, other) | (other, Party::Host) => {
            if other.talks_to_host() {
                Reach::Direct
            } else {
                Reach::Out
            }
        }
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
    match (from, to) {
        (Party::Host, other) | (other, Party::Host) => other.talks_to_host(),
        _ => from.talks_directly() && to.talks_directly(),
    }
}

/// Whether a group packet that comes in by the lower device is for `to`, if it seems to be from
/// `from`: it is from outside, or a switch has sent it back.
pub(crate) const fn returned_group(from: Party, to: Party) -> bool {
    if !to.hears_groups() || loops_back(from) {
        return false;
    }
    match from {
        Party::Outside => true,
        // Who talks to it has heard it: its address is the lower device's, so it is nobody outside.
        Party::Host => !to.talks_to_host(),
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
    pub(crate) const ALL: [Self; 16] = [
        Self::Outside,
        Self::Host,
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

    /// Whether it and the host talk without the wire. Private ones talk to nobody else; those in modes
    /// l3 and l3s to the routes of the host's namespace.
    const fn talks_to_host(self) -> bool {
        matches!(
            self,
            Self::Macvlan(MacvlanMode::BRIDGE | MacvlanMode::PRIVATE)
                | Self::Ipvlan(IpvlanMode::L2, Flags::BRIDGE | Flags::PRIVATE)
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
    /// source hears only those that it lists. The host gets them without being asked.
    const fn hears_groups(self) -> bool {
        !matches!(
            self,
            Self::Outside
                | Self::Host
                | Self::Macvlan(MacvlanMode::SOURCE)
                | Self::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3S, _)
        )
    }

    /// A bit of its own.
    #[inline(always)]
    const fn bit(self) -> u32 {
        // With four arms it would be a table of addresses to jump to.
        let rest = 1 << 31 >> matches!(self, Self::Host) as u32;
        match self {
            Self::Macvlan(mode) => mode.number(),
            Self::Ipvlan(mode, flags) => {
                0x100_u32.wrapping_shl((mode.number() as u32) << 2 | flags.number() as u32)
            }
            _ => rest,
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
    pub(crate) const fn of_sent_group(from: Party) -> Self {
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
    pub(crate) fn of_returned_group(from: Party) -> Self {
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

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_reach)]
mod tests {
    use super::*;
    use crate::cases::all;
    use kernel::prelude::*;

    const PAGE: &str = include_str!("../../Documentation/reach.md");

    /// The table's first column.
    fn words(party: Party) -> [&'static str; 2] {
        match party {
            Party::Outside => ["outside", "-"],
            Party::Host => ["host", "-"],
            Party::Macvlan(MacvlanMode::BRIDGE) => ["macvlan", "bridge"],
            Party::Macvlan(MacvlanMode::VEPA) => ["macvlan", "vepa"],
            Party::Macvlan(MacvlanMode::PRIVATE) => ["macvlan", "private"],
            Party::Macvlan(MacvlanMode::SOURCE) => ["macvlan", "source"],
            Party::Macvlan(_) => ["macvlan", "passthru"],
            Party::Ipvlan(mode, flags) => [
                match mode {
                    IpvlanMode::L2 => "l2",
                    IpvlanMode::L3 => "l3",
                    _ => "l3s",
                },
                match flags {
                    Flags::BRIDGE => "bridge",
                    Flags::VEPA => "vepa",
                    _ => "private",
                },
            ],
        }
    }

    /// The letters of a pair.
    fn letters(from: Party, to: Party) -> [u8; 3] {
        [
            match unicast(from, to) {
                Reach::Direct => b'D',
                Reach::Out => b'O',
                Reach::Nowhere => b'-',
            },
            if sent_group(from, to) { b'S' } else { b'-' },
            if returned_group(from, to) { b'R' } else { b'-' },
        ]
    }

    /// The cells of a row of the table.
    fn row(party: Party) -> Option<impl Iterator<Item = &'static str>> {
        let wanted = words(party);
        PAGE.lines().find_map(|line| {
            let mut cells = line.split_ascii_whitespace();
            (cells.next() == Some(wanted[0]) && cells.next() == Some(wanted[1])).then_some(cells)
        })
    }

    /// All pairs.
    fn pairs() -> impl Iterator<Item = (Party, Party)> {
        Party::ALL
            .into_iter()
            .flat_map(|from| Party::ALL.into_iter().map(move |to| (from, to)))
    }

    fn is_direct(from: Party, to: Party) -> bool {
        unicast(from, to) == Reach::Direct
    }

    #[test]
    fn all_pairs_are_as_the_page_says() {
        for from in Party::ALL {
            let cells = row(from);
            assert!(cells.is_some());
            let mut cells = cells.into_iter().flatten();
            let links = |to: &Party| !matches!(to, Party::Outside | Party::Host);
            for to in Party::ALL.into_iter().filter(links) {
                let (shown, is) = (cells.next().unwrap_or_default(), letters(from, to));
                if shown.as_bytes() != is {
                    let (from, to) = (words(from), words(to));
                    let is = core::str::from_utf8(&is).unwrap_or_default();
                    pr_err!("{from:?} to {to:?}: the page says {shown}, the code {is}\n");
                }
                assert_eq!(shown.as_bytes(), is);
            }
            let heard = |by| if by { "R" } else { "-" };
            assert_eq!(cells.next(), Some(heard(hears_itself(from))));
            // The host hears everybody else.
            let [unicast, sent, _] = letters(from, Party::Host);
            let returned = if from == Party::Host { b'-' } else { b'R' };
            let host = cells.next().unwrap_or_default();
            assert_eq!(host.as_bytes(), [unicast, sent, returned]);
            assert_eq!(cells.next(), None);
        }
    }

    #[test]
    fn everybody_is_in_the_list_of_everybody() {
        let has = |party: Party| Party::ALL.contains(&party);
        let modes = (0..=u16::MAX).filter_map(IpvlanMode::parse);
        let mut both =
            modes.flat_map(|mode| (0..16).filter_map(Flags::parse).map(move |f| (mode, f)));
        assert!(both.all(|(mode, flags)| has(Party::Ipvlan(mode, flags))));
        let mut modes = (0..=0xffff).filter_map(MacvlanMode::parse);
        assert!(modes.all(|mode| has(Party::Macvlan(mode))));
    }

    #[test]
    fn everybody_has_a_bit_of_his_own() {
        assert!(all(pairs(), |(one, other)| {
            one.bit().count_ones() == 1 && (one.bit() == other.bit()) == (one == other)
        }));
    }

    #[test]
    fn who_is_reached_is_as_the_rule() {
        assert!(all(pairs(), |(from, to)| {
            Parties::reached_by(*from).has(*to) == is_direct(*from, *to)
        }));
    }

    #[test]
    fn who_hears_is_as_the_rule() {
        assert!(all(pairs(), |(from, to)| {
            Parties::of_sent_group(*from).has(*to) == sent_group(*from, *to)
        }));
    }

    #[test]
    fn who_hears_what_comes_back_is_as_the_rule() {
        assert!(all(pairs(), |(from, to)| {
            Parties::of_returned_group(*from).has(*to) == returned_group(*from, *to)
        }));
    }

    #[test]
    fn sets_are_numbers_and_back() {
        assert!(all(Party::ALL, |from| {
            let set = Parties::of_returned_group(*from);
            Parties::from_number(set.number()) == set
        }));
    }

    #[test]
    fn nobody_is_reached_in_one_direction_only() {
        assert!(all(pairs(), |(from, to)| {
            is_direct(*from, *to) == is_direct(*to, *from)
        }));
    }

    #[test]
    fn nobody_hears_in_one_direction_only() {
        assert!(all(pairs(), |(from, to)| {
            sent_group(*from, *to) == sent_group(*to, *from)
        }));
    }

    #[test]
    fn the_outside_is_reached_by_the_wire() {
        assert!(all(Party::ALL, |party| {
            unicast(*party, Party::Outside) == Reach::Out
                && unicast(Party::Outside, *party) == Reach::Out
        }));
    }

    #[test]
    fn nothing_is_sent_to_the_outside_as_if_it_were_a_sibling() {
        assert!(all(Party::ALL, |party| {
            !sent_group(*party, Party::Outside) && !returned_group(*party, Party::Outside)
        }));
    }

    #[test]
    fn vepa_sends_everything_out() {
        assert!(all(pairs(), |(from, to)| {
            !matches!(
                from,
                Party::Macvlan(MacvlanMode::VEPA) | Party::Ipvlan(_, Flags::VEPA)
            ) || (unicast(*from, *to) == Reach::Out && !sent_group(*from, *to))
        }));
    }

    #[test]
    fn a_private_one_reaches_no_sibling() {
        assert!(all(pairs(), |(from, to)| {
            !from.is_private()
                || *to == Party::Host
                || (!is_direct(*from, *to) && !sent_group(*from, *to))
        }));
    }

    #[test]
    fn a_private_one_hears_no_sibling_by_a_switch() {
        assert!(all(pairs(), |(from, to)| {
            matches!(from, Party::Outside | Party::Host)
                || !to.is_private()
                || !returned_group(*from, *to)
        }));
    }

    #[test]
    fn the_host_talks_to_those_in_modes_bridge_and_private() {
        assert!(all(Party::ALL, |party| {
            let talks = match party {
                Party::Outside | Party::Host => false,
                Party::Macvlan(mode) => [MacvlanMode::BRIDGE, MacvlanMode::PRIVATE].contains(mode),
                Party::Ipvlan(mode, flags) => *mode == IpvlanMode::L2 && *flags != Flags::VEPA,
            };
            is_direct(*party, Party::Host) == talks && sent_group(*party, Party::Host) == talks
        }));
    }

    #[test]
    fn what_the_host_sends_to_groups_is_heard_once() {
        assert!(all(Party::ALL, |to| {
            let (sent, returned) = (
                sent_group(Party::Host, *to),
                returned_group(Party::Host, *to),
            );
            !(sent && returned) && (sent || returned) == to.hears_groups()
        }));
    }

    #[test]
    fn private_ones_of_ipvlan_know_no_sibling_of_it() {
        assert!(all(pairs(), |pair| match pair {
            (Party::Ipvlan(_, Flags::PRIVATE), Party::Ipvlan(..)) => {
                unicast(pair.0, pair.1) == Reach::Nowhere
            }
            _ => true,
        }));
    }

    #[test]
    fn siblings_of_ipvlan_are_reached_whatever_their_modes() {
        assert!(all(pairs(), |(from, to)| match (*from, *to) {
            (Party::Ipvlan(_, one), Party::Ipvlan(_, other)) => {
                let plain = |flags| Party::Ipvlan(IpvlanMode::L2, flags);
                unicast(*from, *to) == unicast(plain(one), plain(other))
            }
            _ => true,
        }));
    }

    #[test]
    fn modes_l3_and_l3s_differ_in_nothing_here() {
        let other = |party| match party {
            Party::Ipvlan(IpvlanMode::L3, flags) => Party::Ipvlan(IpvlanMode::L3S, flags),
            party => party,
        };
        assert!(all(pairs(), |(from, to)| {
            letters(*from, *to) == letters(other(*from), other(*to))
        }));
    }

    #[test]
    fn modes_l3_and_l3s_hear_no_groups() {
        assert!(all(pairs(), |(from, to)| {
            !matches!(to, Party::Ipvlan(IpvlanMode::L3 | IpvlanMode::L3S, _))
                || (!sent_group(*from, *to) && !returned_group(*from, *to))
        }));
    }

    #[test]
    fn mode_source_hears_nobody_whom_it_does_not_list() {
        let source = Party::Macvlan(MacvlanMode::SOURCE);
        assert!(all(Party::ALL, |from| {
            !sent_group(*from, source) && !returned_group(*from, source)
        }));
    }

    #[test]
    fn all_others_hear_the_outside() {
        assert!(all(Party::ALL, |to| {
            returned_group(Party::Outside, *to) == to.hears_groups()
        }));
    }

    #[test]
    fn what_is_for_its_sender_alone_is_for_nobody_else() {
        assert!(all(pairs(), |(from, to)| {
            !loops_back(*from) || !returned_group(*from, *to)
        }));
    }

    #[test]
    fn what_is_for_its_sender_alone_is_heard_by_it() {
        assert!(all(Party::ALL, |from| {
            !loops_back(*from) || hears_itself(*from)
        }));
    }

    #[test]
    fn twice_hears_only_who_cannot_know_better() {
        assert!(all(pairs(), |(from, to)| {
            !(sent_group(*from, *to) && returned_group(*from, *to))
                || *from == Party::Macvlan(MacvlanMode::BRIDGE)
        }));
    }
}
