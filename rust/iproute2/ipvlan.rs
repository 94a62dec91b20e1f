// SPDX-License-Identifier: GPL-2.0

//! The options of flavor ipvlan, and what a dump has of it. They are those of `ip`'s
//! own kind ipvlan.

use crate::attribute::Value;
use crate::ffi::{self, Refused, Request, Words, NLA_F_NESTED};
use crate::flavor::{fail, once, Options};
use crate::guard::Guard;
use crate::limits::{self, Limits};
use crate::lower::{on_or_off, word_for, Lower};
use crate::uapi;
use core::ffi::CStr;

/// The words that [`Ipvlan`] parses.
pub const OPTIONS: &[&CStr] = &[
    c"mode",
    c"bridge",
    c"private",
    c"vepa",
    c"trust",
    c"host",
    c"suppress",
    c"copies",
    c"guard",
    c"guard-addr",
    limits::OPTION,
];

/// What the modes are called, for errors.
pub const MODES: &CStr = c"\"l2\", \"l3\" or \"l3s\"";

/// The options that were given.
#[derive(Default)]
pub struct Ipvlan<'a> {
    mode: Option<u16>,
    flags: Option<u16>,
    /// Of all links on the same lower device, and so beside the others.
    trust: Option<u32>,
    lower: Lower,
    guard: Guard<'a>,
    limits: Limits,
}

impl<'a> Options<'a> for Ipvlan<'a> {
    fn option(&mut self, word: &'a CStr, words: &mut Words<'a>) -> Result<bool, Refused> {
        if word == c"mode" {
            once(&mut self.mode, word, words, mode)?;
            return Ok(true);
        }
        if word == c"trust" {
            once(&mut self.trust, word, words, trust)?;
            return Ok(true);
        }
        if self.lower.option(word, words)? {
            return Ok(true);
        }
        if self.limits.option(word, words)? || self.guard.option(word, words)? {
            return Ok(true);
        }
        let Some(flags) = find(&uapi::IPVLAN_FLAG_NAMES, word) else {
            return Ok(false);
        };
        // They exclude each other.
        if self.flags.is_some() {
            ffi::duplicate(c"flags", word);
        }
        self.flags = Some(flags);
        Ok(true)
    }

    fn send(self, request: &mut Request<'_>) -> Result<(), Refused> {
        if let Some(trust) = self.trust {
            request.put_u32(uapi::IFLA_RNETVIRT_TRUST, trust)?;
        }
        self.lower.send(request)?;
        self.guard.send(request)?;
        self.limits.send(request)?;
        if self.mode.is_none() && self.flags.is_none() {
            return Ok(());
        }
        request.put_nest(uapi::IFLA_RNETVIRT_IPVLAN | NLA_F_NESTED, |nest| {
            if let Some(mode) = self.mode {
                nest.put_u16(uapi::IFLA_IPVLAN_MODE, mode)?;
            }
            if let Some(flags) = self.flags {
                nest.put_u16(uapi::IFLA_IPVLAN_FLAGS, flags)?;
            }
            Ok(())
        })
    }
}

/// Whether a mode is called that.
pub fn has_mode(word: &CStr) -> bool {
    find(&uapi::IPVLAN_MODE_NAMES, word).is_some()
}

fn mode(word: &CStr, _: &mut Words<'_>) -> Result<u16, Refused> {
    match find(&uapi::IPVLAN_MODE_NAMES, word) {
        Some(mode) => Ok(mode),
        None => fail(&[c"Error: argument of \"mode\" must be either ", MODES, c"\n"]),
    }
}

fn trust(word: &CStr, _: &mut Words<'_>) -> Result<u32, Refused> {
    on_or_off(c"trust", word)
}

fn find(names: &[(u16, &CStr)], word: &CStr) -> Option<u16> {
    let (number, _) = names.iter().find(|(_, name)| *name == word)?;
    Some(*number)
}

/// Prints whether a device and those beside it are trusted.
pub fn print_trust(trust: u32) {
    ffi::TRUST.print(word_for(trust));
}

/// Prints what the kernel tells of a device.
pub fn print(data: Value<'_>) {
    let u16 = |number| data.get(number).and_then(Value::u16);

    if let Some(mode) = u16(uapi::IFLA_IPVLAN_MODE) {
        let name = uapi::IPVLAN_MODE_NAMES.iter().find(|(m, _)| *m == mode);
        ffi::IPVLAN_MODE.print(name.map_or(c"unknown", |(_, name)| name));
    }
    if let Some(flags) = u16(uapi::IFLA_IPVLAN_FLAGS) {
        let private = flags & uapi::IPVLAN_F_PRIVATE != 0;
        let vepa = !private && flags & uapi::IPVLAN_F_VEPA != 0;
        ffi::PRIVATE.print(private);
        ffi::VEPA.print(vepa);
        ffi::BRIDGE.print(!private && !vepa);
    }
}
