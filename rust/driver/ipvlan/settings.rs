// SPDX-License-Identifier: GPL-2.0

//! The settings of flavor ipvlan, as a request says them, and what is refused and why.
//!
//! Decisions are functions of numbers; no device is looked at.

use crate::{
    macvlan::settings::Mode as MacvlanMode,
    origin::Origin,
    uapi, //
};
use abstractions::net::nlattr::{
    Attr,
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

static POLICY: PolicyTable<ATTRS> = PolicyTable::new().with(&MODE).with(&FLAGS);

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

/// Where a packet from one endpoint to the address of another one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the other one, directly.
    Direct,
    /// Out, like any other packet: a switch may send it back.
    Out,
    /// Nowhere.
    Nowhere,
}

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

    /// How a packet gets from an endpoint with these flags to one with flags `to`.
    #[inline]
    pub(crate) const fn reach(self, to: Self) -> Reach {
        match (self, to) {
            (Self::BRIDGE, Self::BRIDGE) => Reach::Direct,
            (Self::VEPA, _) | (Self::BRIDGE, Self::VEPA) => Reach::Out,
            _ => Reach::Nowhere,
        }
    }
}

/// A set of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlagsSet(u32);

impl FlagsSet {
    const fn of<const N: usize>(flags: [Flags; N]) -> Self {
        let mut set = 0;
        let mut rest: &[Flags] = &flags;
        while let [flags, tail @ ..] = rest {
            set |= 1 << flags.0;
            rest = tail;
        }
        Self(set)
    }

    /// Whether `flags` are one of them.
    #[inline]
    pub(crate) const fn has(self, flags: Flags) -> bool {
        // Numbers of flags are small.
        self.0.wrapping_shr(flags.0 as u32) & 1 != 0
    }

    /// Those of endpoints that group packets from `sender` are for that come in by the lower device.
    pub(crate) const fn hearing(sender: Origin) -> Self {
        match sender {
            Origin::Outside => Self::of([Flags::BRIDGE, Flags::PRIVATE, Flags::VEPA]),
            // Those without flags have heard it already.
            Origin::Macvlan(MacvlanMode::BRIDGE) | Origin::Ipvlan(Flags::BRIDGE) => {
                Self::of([Flags::VEPA])
            }
            Origin::Macvlan(_) | Origin::Ipvlan(Flags::VEPA) => {
                Self::of([Flags::BRIDGE, Flags::VEPA])
            }
            Origin::Ipvlan(_) => Self::of([]),
        }
    }
}

/// Mode and flags that change while packets look at them.
pub(crate) struct ModeCell {
    mode: Atomic<u32>,
    flags: Atomic<u32>,
}

impl ModeCell {
    pub(crate) const fn new(mode: Mode, flags: Flags) -> Self {
        Self {
            mode: Atomic::new(mode.0 as u32),
            flags: Atomic::new(flags.0 as u32),
        }
    }

    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        // CAST: Only 16 bits were ever stored.
        #[allow(clippy::cast_possible_truncation)]
        Mode(self.mode.load(Relaxed) as u16)
    }

    #[inline]
    pub(crate) fn flags(&self) -> Flags {
        // CAST: As above.
        #[allow(clippy::cast_possible_truncation)]
        Flags(self.flags.load(Relaxed) as u16)
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.mode.store(mode.0.into(), Relaxed);
    }

    pub(crate) fn set_flags(&self, flags: Flags) {
        self.flags.store(flags.0.into(), Relaxed);
    }
}

/// What a request says of a device's settings.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) mode: Option<Mode>,
    pub(crate) flags: Option<Flags>,
}

impl Settings {
    /// Parses and checks the nest.
    pub(crate) fn parse(nest: Option<Attr<'_>>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let Some(nest) = nest else {
            return Ok(Self {
                mode: None,
                flags: None,
            });
        };
        let data = NestTable::parse(nest, &POLICY, ack)?;
        let mut refuse = |id: u16, msg: &'static CStr| {
            if let Some(attr) = data.attr(id) {
                ack.set_bad_attr(attr);
            }
            Err(ack.refuse(EINVAL, msg))
        };
        let mode = match data.get(&MODE)?.map(Mode::parse) {
            Some(None) => return refuse(MODE.id(), c"mode is one of l2, l3, l3s"),
            mode => mode.flatten(),
        };
        let flags = match data.get(&FLAGS)?.map(Flags::parse) {
            Some(None) => {
                return refuse(
                    FLAGS.id(),
                    c"flags are none (bridge), private (1) or vepa (2)",
                )
            }
            flags => flags.flatten(),
        };
        Ok(Self { mode, flags })
    }
}
