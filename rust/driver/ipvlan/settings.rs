// SPDX-License-Identifier: GPL-2.0

//! The settings of flavor ipvlan, as a request says them, and what is refused and why.
//!
//! Decisions are functions of numbers; no device is looked at.

use crate::{
    refusal::Refusal,
    uapi, //
};
use abstractions::net::nlattr::{
    Attr,
    AttrTable,
    ExtAck,
    Field,
    NestTable,
    PolicyTable,
    U16, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};

pub(crate) const MODE: Field<U16> = Field::new(uapi::IFLA_IPVLAN_MODE);
pub(crate) const FLAGS: Field<U16> = Field::new(uapi::IFLA_IPVLAN_FLAGS);

const ATTRS: usize = uapi::IFLA_IPVLAN_MAX as usize + 1;

/// Validation of the settings.
pub(crate) static POLICY: PolicyTable<ATTRS> = PolicyTable::new().with(&MODE).with(&FLAGS);

/// Up to where the endpoint's own stack goes; one of the numbers of `IPVLAN_MODE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(u16);

impl Mode {
    /// It resolves addresses itself, and hears groups.
    pub(crate) const L2: Self = Self(uapi::IPVLAN_MODE_L2);
    /// The lower device's namespace routes what it sends.
    pub(crate) const L3: Self = Self(uapi::IPVLAN_MODE_L3);
    /// Also, netfilter there sees what it receives.
    pub(crate) const L3S: Self = Self(uapi::IPVLAN_MODE_L3S);

    /// The mode of that number.
    pub(crate) const fn parse(number: u16) -> Option<Self> {
        match number {
            uapi::IPVLAN_MODE_L2 | uapi::IPVLAN_MODE_L3 | uapi::IPVLAN_MODE_L3S => {
                Some(Self(number))
            }
            _ => None,
        }
    }

    /// Its number in netlink messages.
    pub(crate) const fn number(self) -> u16 {
        self.0
    }
}

/// How an endpoint gets on with others on the same lower device: the numbers of `IPVLAN_F_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    /// It talks to others that have no flags either.
    pub(crate) const BRIDGE: Self = Self(0);
    /// It talks to no others.
    pub(crate) const PRIVATE: Self = Self(uapi::IPVLAN_F_PRIVATE);
    /// It talks to others through a switch outside.
    pub(crate) const VEPA: Self = Self(uapi::IPVLAN_F_VEPA);

    /// The flags of that number.
    pub(crate) const fn parse(number: u16) -> Option<Self> {
        match number {
            0 | uapi::IPVLAN_F_PRIVATE | uapi::IPVLAN_F_VEPA => Some(Self(number)),
            _ => None,
        }
    }

    /// Their number in netlink messages.
    pub(crate) const fn number(self) -> u16 {
        self.0
    }
}

/// Mode, flags, and whether the endpoint is trusted, all of which change while packets look at them.
/// Writers hold RTNL.
pub(crate) struct ModeCell(Atomic<u32>);

/// Where the mode is beside the flags. The numbers of both are small.
const MODE_SHIFT: u32 = 8;

/// The endpoint is trusted. Packets ask for the sign of the number.
const TRUSTED: u32 = 1 << 31;

/// The host is a destination.
const HOST: u32 = 1 << 30;

/// The endpoint has a guard, or limits to what it sends.
const CHECKED: u32 = 1 << 29;

/// What is beside mode and flags.
const BITS: u32 = TRUSTED | HOST | CHECKED;

impl ModeCell {
    /// Those of an endpoint that is not trusted.
    pub(crate) const fn new(mode: Mode, flags: Flags) -> Self {
        Self(Atomic::new((mode.0 as u32) << MODE_SHIFT | flags.0 as u32))
    }

    /// Mode and flags at once.
    #[inline]
    pub(crate) fn get(&self) -> (Mode, Flags) {
        let all = self.0.load(Relaxed);
        // CAST: One byte each.
        #[allow(clippy::cast_possible_truncation)]
        (
            Mode(u16::from((all >> MODE_SHIFT) as u8)),
            Flags(u16::from(all as u8)),
        )
    }

    /// Whether the endpoint is trusted.
    #[inline]
    pub(crate) fn is_trusted(&self) -> bool {
        self.0.load(Relaxed) & TRUSTED != 0
    }

    pub(crate) fn set_trusted(&self, trusted: bool) {
        self.set_bit(TRUSTED, trusted);
    }

    /// Whether the mode is l2, the host is no destination, and nothing is checked: one test.
    #[inline]
    pub(crate) fn is_plain_l2(&self) -> bool {
        const {
            assert!(Mode::L2.0 == 0);
        }
        self.0.load(Relaxed) & (HOST | CHECKED | 0xff << MODE_SHIFT) == 0
    }

    /// Says whether the host is a destination.
    pub(crate) fn set_host(&self, host: bool) {
        self.set_bit(HOST, host);
    }

    /// Whether the host is a destination.
    #[inline]
    pub(crate) fn has_host(&self) -> bool {
        self.0.load(Relaxed) & HOST != 0
    }

    /// Says whether there is a guard, or limits to what is sent.
    pub(crate) fn set_checked(&self, checked: bool) {
        self.set_bit(CHECKED, checked);
    }

    /// Whether there is a guard, or limits to what is sent.
    #[inline]
    pub(crate) fn is_checked(&self) -> bool {
        self.0.load(Relaxed) & CHECKED != 0
    }

    fn set_bit(&self, bit: u32, on: bool) {
        let rest = self.0.load(Relaxed) & !bit;
        self.0.store(if on { rest | bit } else { rest }, Relaxed);
    }

    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        self.get().0
    }

    #[inline]
    pub(crate) fn flags(&self) -> Flags {
        self.get().1
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.set(mode, self.flags());
    }

    pub(crate) fn set_flags(&self, flags: Flags) {
        self.set(self.mode(), flags);
    }

    fn set(&self, mode: Mode, flags: Flags) {
        let both = u32::from(mode.0) << MODE_SHIFT | u32::from(flags.0);
        self.0.store(self.0.load(Relaxed) & BITS | both, Relaxed);
    }
}

/// What a request says of a device's settings.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) mode: Option<Mode>,
    pub(crate) flags: Option<Flags>,
}

impl Settings {
    /// A request that says nothing.
    pub(crate) const NONE: Self = Self {
        mode: None,
        flags: None,
    };

    /// Parses and checks a nest.
    pub(crate) fn parse(nest: Option<Attr<'_>>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let Some(nest) = nest else {
            return Ok(Self::NONE);
        };
        Self::read(&NestTable::parse(nest, &POLICY, ack)?, ack)
    }

    /// Checks attributes.
    pub(crate) fn read<'a>(data: &impl AttrTable<'a>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let mut refuse = |id: u16, refusal: Refusal| Err(ack.refuse_attr(data.attr(id), refusal));
        let mode = match data.get(&MODE)?.map(Mode::parse) {
            Some(None) => return refuse(MODE.id(), Refusal::IpvlanMode),
            mode => mode.flatten(),
        };
        let flags = match data.get(&FLAGS)?.map(Flags::parse) {
            Some(None) => return refuse(FLAGS.id(), Refusal::IpvlanFlags),
            flags => flags.flatten(),
        };
        Ok(Self { mode, flags })
    }
}

#[cfg(rnetvirt_kunit)]
#[kunit_tests(rnetvirt_ipvlan_settings)]
mod tests {
    use super::*;
    use crate::cases::all;

    const MODES: [Mode; 3] = [Mode::L2, Mode::L3, Mode::L3S];
    const ALL_FLAGS: [Flags; 3] = [Flags::BRIDGE, Flags::PRIVATE, Flags::VEPA];

    /// All that a cell can hold.
    fn states() -> impl Iterator<Item = (Mode, Flags, bool)> {
        MODES.into_iter().flat_map(|mode| {
            ALL_FLAGS
                .into_iter()
                .flat_map(move |flags| [false, true].map(|trusted| (mode, flags, trusted)))
        })
    }

    fn cell((mode, flags, trusted): (Mode, Flags, bool)) -> ModeCell {
        let cell = ModeCell::new(mode, flags);
        cell.set_trusted(trusted);
        cell
    }

    fn held(cell: &ModeCell) -> (Mode, Flags, bool) {
        (cell.mode(), cell.flags(), cell.is_trusted())
    }

    #[test]
    fn a6_modes_are_the_first_three_numbers() {
        assert!(all(0..=u16::MAX, |number| {
            Mode::parse(*number).is_some() == (*number < 3)
        }));
    }

    #[test]
    fn a6_a_mode_keeps_its_number() {
        assert!(all(MODES, |mode| Mode::parse(mode.number()) == Some(*mode)));
    }

    #[test]
    fn a6_modes_are_those_that_have_a_name() {
        assert!(all(uapi::IPVLAN_MODE_NAMES, |(number, _)| {
            Mode::parse(*number).is_some()
        }));
    }

    #[test]
    fn a7_flags_are_none_or_one_of_two() {
        // Both at once contradict each other.
        assert!(all(0..=u16::MAX, |number| {
            Flags::parse(*number).is_some() == (*number < 3)
        }));
    }

    #[test]
    fn a7_flags_keep_their_number() {
        assert!(all(ALL_FLAGS, |flags| {
            Flags::parse(flags.number()) == Some(*flags)
        }));
    }

    #[test]
    fn a7_flags_are_those_that_have_a_name() {
        assert!(all(uapi::IPVLAN_FLAG_NAMES, |(number, _)| {
            Flags::parse(*number).is_some()
        }));
    }

    #[test]
    fn nobody_is_trusted_to_begin_with() {
        assert!(all(states(), |(mode, flags, _)| {
            !ModeCell::new(*mode, *flags).is_trusted()
        }));
    }

    #[test]
    fn a_cell_holds_what_was_put_in() {
        assert!(all(states(), |state| held(&cell(*state)) == *state));
    }

    #[test]
    fn a_cell_gives_both_at_once() {
        assert!(all(states(), |state| {
            cell(*state).get() == (state.0, state.1)
        }));
    }

    #[test]
    fn a28_a_new_mode_leaves_the_rest() {
        assert!(all(states(), |state| MODES.into_iter().all(|mode| {
            let cell = cell(*state);
            cell.set_mode(mode);
            held(&cell) == (mode, state.1, state.2)
        })));
    }

    #[test]
    fn a28_new_flags_leave_the_rest() {
        assert!(all(states(), |state| ALL_FLAGS.into_iter().all(|flags| {
            let cell = cell(*state);
            cell.set_flags(flags);
            held(&cell) == (state.0, flags, state.2)
        })));
    }

    #[test]
    fn trust_leaves_the_rest() {
        assert!(all(states(), |state| {
            [true, false].into_iter().all(|trusted| {
                let cell = cell(*state);
                cell.set_trusted(trusted);
                held(&cell) == (state.0, state.1, trusted)
            })
        }));
    }

    #[test]
    fn the_host_leaves_the_rest() {
        assert!(all(states(), |state| {
            let cell = cell(*state);
            [true, false].into_iter().all(|host| {
                cell.set_host(host);
                cell.set_mode(state.0);
                held(&cell) == *state && cell.has_host() == host && !cell.is_checked()
            })
        }));
    }

    #[test]
    fn checks_leave_the_rest() {
        assert!(all(states(), |state| {
            let cell = cell(*state);
            [true, false].into_iter().all(|checked| {
                cell.set_checked(checked);
                cell.set_mode(state.0);
                held(&cell) == *state && cell.is_checked() == checked && !cell.has_host()
            })
        }));
    }

    #[test]
    fn mode_l2_is_plain_without_host_and_checks() {
        assert!(all(states(), |state| (0..4).all(|bits: u32| {
            let cell = cell(*state);
            cell.set_host(bits & 1 != 0);
            cell.set_checked(bits & 2 != 0);
            cell.is_plain_l2() == (state.0 == Mode::L2 && bits == 0)
        })));
    }

    #[test]
    fn trust_is_the_sign() {
        assert!(all(states(), |state| {
            ((cell(*state).0.load(Relaxed) as i32) < 0) == state.2
        }));
    }
}
