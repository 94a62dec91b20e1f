// SPDX-License-Identifier: GPL-2.0

//! The options of flavor macvlan, and what a dump has of it. They are those of `ip`'s
//! own kind macvlan.

use crate::attribute::Value;
use crate::ffi::{self, Refused, Request, Stream, Words, NLA_F_NESTED};
use crate::flavor::{fail, once, Options};
use crate::guard::Guard;
use crate::limits::{self, Limits};
use crate::lower::Lower;
use crate::{lladdr, uapi};
use core::ffi::CStr;

/// The words that [`Macvlan`] parses.
pub const OPTIONS: &[&CStr] = &[
    c"mode",
    c"flag",
    c"nopromisc",
    c"nodst",
    c"macaddr",
    c"bcqueuelen",
    c"bclim",
    c"host",
    c"suppress",
    c"copies",
    c"guard",
    c"guard-addr",
    limits::OPTION,
];

/// What the modes are called, for errors.
pub const MODES: &CStr = c"\"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\"";

/// The options that were given.
#[derive(Default)]
pub struct Macvlan<'a> {
    mode: Option<u32>,
    flags: Option<u16>,
    list: Option<ListChange<'a>>,
    queue_len: Option<u32>,
    cutoff: Option<i32>,
    lower: Lower,
    guard: Guard<'a>,
    limits: Limits,
}

/// What is to be done to the list of mode source.
enum ListChange<'a> {
    Add(lladdr::Address),
    Delete(lladdr::Address),
    /// To these, all of them addresses.
    Set(Words<'a>),
    Flush,
}

impl<'a> Options<'a> for Macvlan<'a> {
    fn option(&mut self, word: &'a CStr, words: &mut Words<'a>) -> Result<bool, Refused> {
        match word.to_bytes() {
            b"mode" => once(&mut self.mode, word, words, mode)?,
            b"flag" => self.add_flag(flag(words.value())?),
            b"nopromisc" => self.add_flag(uapi::MACVLAN_FLAG_NOPROMISC),
            b"nodst" => self.add_flag(uapi::MACVLAN_FLAG_NODST),
            b"macaddr" => once(&mut self.list, word, words, list_change)?,
            b"bcqueuelen" => once(&mut self.queue_len, word, words, queue_len)?,
            b"bclim" => once(&mut self.cutoff, word, words, cutoff)?,
            _ if self.lower.option(word, words)? || self.limits.option(word, words)? => {}
            _ => return self.guard.option(word, words),
        }
        Ok(true)
    }

    fn send(self, request: &mut Request<'_>) -> Result<(), Refused> {
        if self.flags.unwrap_or(0) & uapi::MACVLAN_FLAG_NOPROMISC != 0
            && self.mode != Some(uapi::MACVLAN_MODE_PASSTHRU)
        {
            let err = Stream::stderr();
            err.write(&[c"rnetvirt: nopromisc flag only valid in passthru mode\n"]);
            crate::help(err);
            return Err(Refused);
        }
        self.lower.send(request)?;
        self.guard.send(request)?;
        self.limits.send(request)?;
        if let Self {
            mode: None,
            flags: None,
            list: None,
            queue_len: None,
            cutoff: None,
            ..
        } = self
        {
            return Ok(());
        }
        request.put_nest(uapi::IFLA_RNETVIRT_MACVLAN | NLA_F_NESTED, |nest| {
            if let Some(mode) = self.mode {
                nest.put_u32(uapi::IFLA_MACVLAN_MODE, mode)?;
            }
            if let Some(flags) = self.flags {
                nest.put_u16(uapi::IFLA_MACVLAN_FLAGS, flags)?;
            }
            if let Some(list) = self.list {
                list.send(nest)?;
            }
            if let Some(len) = self.queue_len {
                nest.put_u32(uapi::IFLA_MACVLAN_BC_QUEUE_LEN, len)?;
            }
            if let Some(cutoff) = self.cutoff {
                nest.put_i32(uapi::IFLA_MACVLAN_BC_CUTOFF, cutoff)?;
            }
            Ok(())
        })
    }
}

impl Macvlan<'_> {
    fn add_flag(&mut self, flag: u16) {
        *self.flags.get_or_insert(0) |= flag;
    }
}

impl ListChange<'_> {
    fn send(self, nest: &mut Request<'_>) -> Result<(), Refused> {
        let number = match self {
            Self::Add(_) => uapi::MACVLAN_MACADDR_ADD,
            Self::Delete(_) => uapi::MACVLAN_MACADDR_DEL,
            Self::Set(_) => uapi::MACVLAN_MACADDR_SET,
            Self::Flush => uapi::MACVLAN_MACADDR_FLUSH,
        };
        nest.put_u32(uapi::IFLA_MACVLAN_MACADDR_MODE, number)?;
        match self {
            Self::Add(address) | Self::Delete(address) => {
                nest.put(uapi::IFLA_MACVLAN_MACADDR, &address)
            }
            // The kernel's own macvlan is sent this nest without its flag.
            Self::Set(mut words) => nest.put_nest(uapi::IFLA_MACVLAN_MACADDR_DATA, |list| {
                while let Some(word) = words.next() {
                    list.put(uapi::IFLA_MACVLAN_MACADDR, &address(word)?)?;
                }
                Ok(())
            }),
            Self::Flush => Ok(()),
        }
    }
}

/// Whether a mode is called that.
pub fn has_mode(word: &CStr) -> bool {
    uapi::MACVLAN_MODE_NAMES.iter().any(|(_, n)| *n == word)
}

fn mode(word: &CStr, _: &mut Words<'_>) -> Result<u32, Refused> {
    match uapi::MACVLAN_MODE_NAMES.iter().find(|(_, n)| *n == word) {
        Some((mode, _)) => Ok(*mode),
        None => fail(&[
            c"Error: argument of \"mode\" must be ",
            MODES,
            c", not \"",
            word,
            c"\"\n",
        ]),
    }
}

/// A flag, or none: a flag that the device has and the request has not is cleared.
fn flag(word: &CStr) -> Result<u16, Refused> {
    match word.to_bytes() {
        b"nopromisc" => Ok(uapi::MACVLAN_FLAG_NOPROMISC),
        b"nodst" => Ok(uapi::MACVLAN_FLAG_NODST),
        b"null" => Ok(0),
        _ => fail(&[
            c"Error: argument of \"flag\" must be \"nopromisc\", \"nodst\" or \"null\", not \"",
            word,
            c"\"\n",
        ]),
    }
}

fn list_change<'a>(word: &CStr, words: &mut Words<'a>) -> Result<ListChange<'a>, Refused> {
    match word.to_bytes() {
        b"add" => Ok(ListChange::Add(address(words.value())?)),
        b"del" => Ok(ListChange::Delete(address(words.value())?)),
        // No option has a colon in it: a word with one is meant to be an address.
        b"set" => Ok(ListChange::Set(
            words.take_while(|word| word.to_bytes().contains(&b':')),
        )),
        b"flush" => Ok(ListChange::Flush),
        _ => fail(&[
            c"Error: argument of \"macaddr\" must be \"add\", \"del\", \"set\" or \"flush\", not \"",
            word,
            c"\"\n",
        ]),
    }
}

fn address(word: &CStr) -> Result<lladdr::Address, Refused> {
    match lladdr::parse(word) {
        Some(address) => Ok(address),
        None => fail(&[c"\"", word, c"\" is invalid lladdr.\n"]),
    }
}

fn queue_len(word: &CStr, _: &mut Words<'_>) -> Result<u32, Refused> {
    match ffi::parse_u32(word) {
        Some(len) => Ok(len),
        None => fail(&[
            c"Error: argument of \"bcqueuelen\" must be a positive integer [0-4294967295], not \"",
            word,
            c"\"\n",
        ]),
    }
}

fn cutoff(word: &CStr, _: &mut Words<'_>) -> Result<i32, Refused> {
    match ffi::parse_i32(word) {
        Some(cutoff) => Ok(cutoff),
        None => fail(&[c"Error: illegal value for \"bclim\": \"", word, c"\"\n"]),
    }
}

/// Prints what the kernel tells of a device.
pub fn print(data: Value<'_>) {
    let u32 = |number| data.get(number).and_then(Value::u32);

    let mode = u32(uapi::IFLA_MACVLAN_MODE);
    if let Some(mode) = mode {
        let name = uapi::MACVLAN_MODE_NAMES.iter().find(|(m, _)| *m == mode);
        ffi::MODE.print(name.map_or(c"unknown", |(_, name)| name));
    }
    if let Some(flags) = data.get(uapi::IFLA_MACVLAN_FLAGS).and_then(Value::u16) {
        ffi::NOPROMISC.print(flags & uapi::MACVLAN_FLAG_NOPROMISC != 0);
        ffi::NODST.print(flags & uapi::MACVLAN_FLAG_NODST != 0);
    }
    if let Some(len) = u32(uapi::IFLA_MACVLAN_BC_QUEUE_LEN) {
        ffi::BC_QUEUE_LEN.print(len);
    }
    if let Some(len) = u32(uapi::IFLA_MACVLAN_BC_QUEUE_LEN_USED) {
        ffi::BC_QUEUE_LEN_USED.print(len);
    }
    if let Some(cutoff) = data.get(uapi::IFLA_MACVLAN_BC_CUTOFF).and_then(Value::i32) {
        ffi::BC_CUTOFF.print(cutoff);
    }
    if mode == Some(uapi::MACVLAN_MODE_SOURCE) {
        print_list(data);
    }
}

/// The list is there only if it has addresses.
fn print_list(data: Value<'_>) {
    let Some(count) = data
        .get(uapi::IFLA_MACVLAN_MACADDR_COUNT)
        .and_then(Value::u32)
    else {
        return;
    };
    ffi::MACADDR_COUNT.print(count);
    if let Some(list) = data.get(uapi::IFLA_MACVLAN_MACADDR_DATA) {
        ffi::MACADDR_DATA.print(|print| {
            let entries = list
                .nested()
                .filter(|(n, _)| *n == uapi::IFLA_MACVLAN_MACADDR);
            for address in entries.filter_map(|(_, value)| value.bytes()) {
                print(lladdr::Text::new(address).as_c_str());
            }
        });
    }
}
