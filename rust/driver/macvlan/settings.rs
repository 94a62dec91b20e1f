// SPDX-License-Identifier: GPL-2.0

//! The settings of flavor macvlan, as a request says them, and what is refused and why.
//!
//! Decisions are functions of numbers; no device is looked at.

pub(crate) use super::flags::Flags;
use crate::{
    refusal::Refusal,
    uapi, //
};
use abstractions::net::{
    link::capable_net_admin,
    mac::Mac,
    nlattr::{
        Attr,
        AttrTable,
        Binary,
        ExtAck,
        Field,
        NestTable,
        Nested,
        NestedAttrs,
        PolicyTable,
        Rejected,
        S32,
        U16,
        U32, //
    },
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};

pub(crate) const MODE: Field<U32> = Field::new(uapi::IFLA_MACVLAN_MODE);
pub(crate) const FLAGS: Field<U16> = Field::new(uapi::IFLA_MACVLAN_FLAGS);
pub(crate) const MACADDR_MODE: Field<U32> = Field::new(uapi::IFLA_MACVLAN_MACADDR_MODE);
pub(crate) const MACADDR: Field<Binary<32>> = Field::new(uapi::IFLA_MACVLAN_MACADDR);
pub(crate) const MACADDR_DATA: Field<Nested> = Field::new(uapi::IFLA_MACVLAN_MACADDR_DATA);
pub(crate) const MACADDR_COUNT: Field<U32> = Field::new(uapi::IFLA_MACVLAN_MACADDR_COUNT);
pub(crate) const BC_QUEUE_LEN: Field<U32> = Field::new(uapi::IFLA_MACVLAN_BC_QUEUE_LEN);
const BC_QUEUE_LEN_USED: Field<Rejected> = Field::new(uapi::IFLA_MACVLAN_BC_QUEUE_LEN_USED);
pub(crate) const BC_QUEUE_LEN_USED_OUT: Field<U32> =
    Field::new(uapi::IFLA_MACVLAN_BC_QUEUE_LEN_USED);
pub(crate) const BC_CUTOFF: Field<S32> = Field::new(uapi::IFLA_MACVLAN_BC_CUTOFF);

const ATTRS: usize = uapi::IFLA_MACVLAN_MAX as usize + 1;

/// Validation of the settings.
pub(crate) static POLICY: PolicyTable<ATTRS> = PolicyTable::new()
    .with(&MODE)
    .with(&FLAGS)
    .with(&MACADDR_MODE)
    .with(&MACADDR)
    .with(&MACADDR_DATA)
    .with(&MACADDR_COUNT)
    .with(&BC_QUEUE_LEN)
    .with(&BC_QUEUE_LEN_USED)
    .with(&BC_CUTOFF);

/// Length of the queue of group packets that a device asks for if nobody says otherwise, and the
/// largest one that only the device's own namespace has to agree to.
pub(crate) const DEFAULT_BC_QUEUE_LEN: u32 = 1000;

/// Up to how many listeners on top of the lower device a group is served where its packets come in.
pub(crate) const DEFAULT_BC_CUTOFF: i32 = 1;

/// How a device shares its lower device; one of the numbers of `MACVLAN_MODE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(u32);

impl Mode {
    pub(crate) const PRIVATE: Self = Self(uapi::MACVLAN_MODE_PRIVATE);
    pub(crate) const VEPA: Self = Self(uapi::MACVLAN_MODE_VEPA);
    pub(crate) const BRIDGE: Self = Self(uapi::MACVLAN_MODE_BRIDGE);
    pub(crate) const PASSTHRU: Self = Self(uapi::MACVLAN_MODE_PASSTHRU);
    pub(crate) const SOURCE: Self = Self(uapi::MACVLAN_MODE_SOURCE);

    /// The mode of that number.
    pub(crate) const fn parse(number: u32) -> Option<Self> {
        match number {
            uapi::MACVLAN_MODE_PRIVATE
            | uapi::MACVLAN_MODE_VEPA
            | uapi::MACVLAN_MODE_BRIDGE
            | uapi::MACVLAN_MODE_PASSTHRU
            | uapi::MACVLAN_MODE_SOURCE => Some(Self(number)),
            _ => None,
        }
    }

    /// Its number in netlink messages.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// Whether it is `other`. Modes are bits: a packet's path tests one in memory.
    #[inline]
    pub(crate) const fn is(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Beside the mode, so that a packet that is sent asks for all at once: there are siblings of flavor ipvlan.
const MIXED: u32 = 1 << 31;

/// The host is a destination, and wants to know what endpoints send.
const HOST: u32 = 1 << 30;

/// The endpoint has a guard, or limits to what it sends.
const CHECKED: u32 = 1 << 29;

/// What is beside the mode.
const BITS: u32 = MIXED | HOST | CHECKED;

/// What is to be done with packets that an endpoint sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// To siblings, all of flavor macvlan, or out.
    Bridge,
    /// Out.
    Out,
    /// What depends on what is beside the mode.
    Depends,
}

/// A mode that changes while packets look at it, and what else those that are sent want to know. Writers hold
/// RTNL.
pub(crate) struct ModeCell(Atomic<u32>);

impl ModeCell {
    pub(crate) const fn new(mode: Mode) -> Self {
        Self(Atomic::new(mode.0))
    }

    #[inline]
    pub(crate) fn get(&self) -> Mode {
        Mode(self.0.load(Relaxed) & !BITS)
    }

    #[inline]
    pub(crate) fn sends(&self) -> Sends {
        let all = self.0.load(Relaxed);
        if all == Mode::BRIDGE.0 {
            Sends::Bridge
        } else if all & BITS == 0 {
            Sends::Out
        } else {
            Sends::Depends
        }
    }

    /// Whether the host is a destination.
    #[inline]
    pub(crate) fn has_host(&self) -> bool {
        self.0.load(Relaxed) & HOST != 0
    }

    /// Whether there is a guard, or limits to what is sent.
    #[inline]
    pub(crate) fn is_checked(&self) -> bool {
        self.0.load(Relaxed) & CHECKED != 0
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.change(!BITS, mode.0);
    }

    /// Says whether there are siblings of flavor ipvlan.
    pub(crate) fn set_mixed(&self, mixed: bool) {
        self.change(MIXED, if mixed { MIXED } else { 0 });
    }

    /// Says whether the host is a destination.
    pub(crate) fn set_host(&self, host: bool) {
        self.change(HOST, if host { HOST } else { 0 });
    }

    /// Says whether there is a guard, or limits to what is sent.
    pub(crate) fn set_checked(&self, checked: bool) {
        self.change(CHECKED, if checked { CHECKED } else { 0 });
    }

    fn change(&self, clear: u32, set: u32) {
        self.0.store(self.0.load(Relaxed) & !clear | set, Relaxed);
    }
}

/// What is to be done to the list of sources of a device.
#[derive(Clone, Copy)]
pub(crate) enum SourceChange<'a> {
    /// Add an address.
    Add(Mac),
    /// Remove an address.
    Remove(Mac),
    /// Remove all.
    Flush,
    /// Have these, and no others.
    Set(Option<Mac>, Option<NestedAttrs<'a>>),
}

/// What a request says of a device's settings.
pub(crate) struct Settings<'a> {
    pub(crate) mode: Option<Mode>,
    pub(crate) flags: Option<Flags>,
    pub(crate) sources: Option<SourceChange<'a>>,
    pub(crate) bc_queue_len: Option<u32>,
    pub(crate) bc_cutoff: Option<i32>,
}

impl<'a> Settings<'a> {
    /// A request that says nothing.
    pub(crate) const NONE: Self = Self {
        mode: None,
        flags: None,
        sources: None,
        bc_queue_len: None,
        bc_cutoff: None,
    };

    /// Parses and checks a nest.
    pub(crate) fn parse(nest: Option<Attr<'a>>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let Some(nest) = nest else {
            return Ok(Self::NONE);
        };
        Self::read(&NestTable::parse(nest, &POLICY, ack)?, ack)
    }

    /// Checks attributes; in the order of the C driver, so that the first error is the same.
    pub(crate) fn read(data: &impl AttrTable<'a>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let mut refuse = |id: u16, refusal: Refusal| Err(ack.refuse_attr(data.attr(id), refusal));

        let bc_queue_len = data.get(&BC_QUEUE_LEN)?;
        if bc_queue_len.is_some_and(|len| len > DEFAULT_BC_QUEUE_LEN) && !capable_net_admin() {
            return refuse(BC_QUEUE_LEN.id(), Refusal::LongQueue);
        }
        let flags = match data.get(&FLAGS)?.map(Flags::parse) {
            Some(None) => return refuse(FLAGS.id(), Refusal::MacvlanFlags),
            flags => flags.flatten(),
        };
        let mode = match data.get(&MODE)?.map(Mode::parse) {
            Some(None) => return refuse(MODE.id(), Refusal::MacvlanMode),
            mode => mode.flatten(),
        };
        let change = data.get(&MACADDR_MODE)?;
        if change.is_some_and(|change| change > uapi::MACVLAN_MACADDR_SET) {
            return refuse(MACADDR_MODE.id(), Refusal::SourceChange);
        }
        let mac = match data.get(&MACADDR)?.map(source_mac) {
            Some(Err(refusal)) => return refuse(MACADDR.id(), refusal),
            mac => mac.and_then(Result::ok),
        };
        let list = data.get(&MACADDR_DATA)?;
        for (id, addr) in list.into_iter().flat_map(NestedAttrs::iter) {
            if id != MACADDR.id() {
                return refuse(MACADDR_DATA.id(), Refusal::SourceLength);
            }
            if let Err(refusal) = source_mac(addr) {
                return refuse(MACADDR_DATA.id(), refusal);
            }
        }
        if data.attr(MACADDR_COUNT.id()).is_some() {
            return refuse(MACADDR_COUNT.id(), Refusal::SourceCount);
        }
        let sources = match (change, mac) {
            (None, _) => None,
            (Some(uapi::MACVLAN_MACADDR_ADD), Some(mac)) => Some(SourceChange::Add(mac)),
            (Some(uapi::MACVLAN_MACADDR_DEL), Some(mac)) => Some(SourceChange::Remove(mac)),
            (Some(uapi::MACVLAN_MACADDR_FLUSH), _) => Some(SourceChange::Flush),
            (Some(uapi::MACVLAN_MACADDR_SET), mac) => Some(SourceChange::Set(mac, list)),
            (Some(_), _) => return refuse(MACADDR_MODE.id(), Refusal::SourceMissing),
        };
        Ok(Self {
            mode,
            flags,
            sources,
            bc_queue_len,
            bc_cutoff: data.get(&BC_CUTOFF)?,
        })
    }
}

/// The address of a source.
pub(crate) fn source_mac(bytes: &[u8]) -> Result<Mac, Refusal> {
    let mac = Mac::from_bytes(bytes.try_into().map_err(|_| Refusal::SourceLength)?);
    if mac.is_valid() {
        Ok(mac)
    } else {
        Err(Refusal::SourceInvalid)
    }
}

#[cfg(rnetvirt_kunit)]
#[kunit_tests(rnetvirt_macvlan_settings)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };

    const MODES: [Mode; 5] = [
        Mode::PRIVATE,
        Mode::VEPA,
        Mode::BRIDGE,
        Mode::PASSTHRU,
        Mode::SOURCE,
    ];

    /// All that a cell can hold beside the mode: siblings of the other flavor, the host, checks.
    fn states() -> impl Iterator<Item = (Mode, [bool; 3])> {
        MODES.into_iter().flat_map(|mode| {
            (0..8).map(move |bits: u32| (mode, [1, 2, 4].map(|bit| bits & bit != 0)))
        })
    }

    const SETTERS: [fn(&ModeCell, bool); 3] = [
        ModeCell::set_mixed,
        ModeCell::set_host,
        ModeCell::set_checked,
    ];

    fn cell((mode, beside): (Mode, [bool; 3])) -> ModeCell {
        let cell = ModeCell::new(mode);
        for (set, on) in SETTERS.into_iter().zip(beside) {
            set(&cell, on);
        }
        cell
    }

    fn held(cell: &ModeCell) -> (Mode, [bool; 3]) {
        let is_mixed = cell.0.load(Relaxed) & MIXED != 0;
        (cell.get(), [is_mixed, cell.has_host(), cell.is_checked()])
    }

    #[test]
    fn a3_modes_are_five_single_bits() {
        assert!(all(0..=0x1_0000, |number| {
            Mode::parse(*number).is_some() == [1, 2, 4, 8, 16].contains(number)
        }));
    }

    #[test]
    fn a3_higher_bits_are_no_modes() {
        assert!(all(5..32, |bit| Mode::parse(1 << bit).is_none()));
    }

    #[test]
    fn a3_a_mode_with_a_bit_of_others_is_none() {
        assert!(all(0..32, |bit| MODES.into_iter().all(|mode| {
            let number = mode.number() | 1 << bit;
            number == mode.number() || Mode::parse(number).is_none()
        })));
    }

    #[test]
    fn a3_a_mode_keeps_its_number() {
        assert!(all(MODES, |mode| Mode::parse(mode.number()) == Some(*mode)));
    }

    #[test]
    fn a3_modes_are_those_that_have_a_name() {
        assert!(all(uapi::MACVLAN_MODE_NAMES, |(number, _)| {
            Mode::parse(*number).is_some()
        }));
    }

    #[test]
    fn a3_modes_are_told_apart() {
        assert!(all(MODES, |mode| {
            MODES
                .into_iter()
                .all(|other| mode.is(other) == (*mode == other))
        }));
    }

    #[test]
    fn a_cell_holds_what_was_put_in() {
        assert!(all(states(), |state| held(&cell(*state)) == *state));
    }

    #[test]
    fn a_new_cell_has_nothing_beside_the_mode() {
        assert!(all(MODES, |mode| {
            held(&ModeCell::new(*mode)) == (*mode, [false; 3])
        }));
    }

    #[test]
    fn what_is_beside_the_mode_is_not_part_of_it() {
        assert!(all(MODES, |mode| mode.number() & BITS == 0));
    }

    #[test]
    fn a_packet_goes_the_short_way_only_with_nothing_beside_the_mode() {
        assert!(all(states(), |state| {
            let sends = match *state {
                (Mode::BRIDGE, [false, false, false]) => Sends::Bridge,
                (_, [false, false, false]) => Sends::Out,
                _ => Sends::Depends,
            };
            cell(*state).sends() == sends
        }));
    }

    #[test]
    fn a28_a_new_mode_leaves_what_is_beside_it() {
        assert!(all(states(), |state| MODES.into_iter().all(|mode| {
            let cell = cell(*state);
            cell.set(mode);
            held(&cell) == (mode, state.1)
        })));
    }

    #[test]
    fn what_is_beside_the_mode_comes_and_goes_and_leaves_the_rest() {
        assert!(all(states(), |state| {
            SETTERS.into_iter().enumerate().all(|(which, set)| {
                let cell = cell(*state);
                let mut beside = state.1;
                [false, true, true, false].into_iter().all(|on| {
                    set(&cell, on);
                    beside
                        .iter_mut()
                        .skip(which)
                        .take(1)
                        .for_each(|bit| *bit = on);
                    held(&cell) == (state.0, beside)
                })
            })
        }));
    }

    #[test]
    fn a3_a_source_has_six_bytes() {
        let bytes = [2; 32];
        assert!(all(0..=32, |len| {
            let source = bytes.get(..*len).map(source_mac);
            match len {
                6 => matches!(source, Some(Ok(_))),
                _ => matches!(source, Some(Err(Refusal::SourceLength))),
            }
        }));
    }

    #[test]
    fn a3_a_source_is_not_a_group() {
        assert!(all((1..=u8::MAX).step_by(2), |first| {
            source_mac(&[*first, 0, 0, 0, 0, 1]) == Err(Refusal::SourceInvalid)
        }));
    }

    #[test]
    fn a3_a_source_is_anything_else() {
        assert!(all((0..=u8::MAX).step_by(2), |first| {
            source_mac(&[*first, 0, 0, 0, 0, 1]).is_ok()
        }));
    }

    #[test]
    fn a3_a_source_is_not_zero() {
        assert_eq!(source_mac(&[0; 6]).err(), Some(Refusal::SourceInvalid));
    }

    #[test]
    fn a3_a_source_is_not_everybody() {
        assert_eq!(source_mac(&[0xff; 6]).err(), Some(Refusal::SourceInvalid));
    }

    #[test]
    fn a_source_is_the_address_that_was_said() {
        let mut random = Random::new("sources");
        for _ in 0..1000 {
            let [first, rest @ ..]: [u8; 6] = random.bytes();
            let [b, c, d, e, f] = rest;
            let bytes = [first & !1 | 2, b, c, d, e, f];
            assert_eq!(source_mac(&bytes).map(Mac::to_bytes), Ok(bytes));
        }
    }
}
