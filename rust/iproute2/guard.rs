// SPDX-License-Identifier: GPL-2.0

//! The guard, which all flavors with a lower device have: its options, and what a dump has of it.

use crate::attribute::Value;
use crate::ffi::{self, Refused, Request, Words, NLA_F_NESTED};
use crate::flavor::{fail, once};
use crate::text::Text;
use crate::{lladdr, uapi};
use core::ffi::CStr;

/// The words that [`Guard`] parses, and how many belong to each.
pub const OPTIONS: [&CStr; 2] = [c"guard", c"guard-addr"];

/// The options that were given.
#[derive(Default)]
pub struct Guard<'a> {
    rules: Option<u32>,
    /// What is to be done with the list, and with which entries.
    list: Option<(u32, &'a CStr)>,
}

impl<'a> Guard<'a> {
    /// See [`Options::option`](crate::flavor::Options::option).
    pub fn option(&mut self, word: &'a CStr, words: &mut Words<'a>) -> Result<bool, Refused> {
        if word == c"guard" {
            once(&mut self.rules, word, words, rules)?;
        } else if word == c"guard-addr" {
            once(&mut self.list, word, words, list)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// See [`Options::send`](crate::flavor::Options::send).
    pub fn send(self, request: &mut Request<'_>) -> Result<(), Refused> {
        if self.rules.is_none() && self.list.is_none() {
            return Ok(());
        }
        request.put_nest(uapi::IFLA_RNETVIRT_GUARD | NLA_F_NESTED, |nest| {
            if let Some(rules) = self.rules {
                nest.put_u32(uapi::IFLA_RNETVIRT_GUARD_RULES, rules)?;
            }
            let Some((change, entries)) = self.list else {
                return Ok(());
            };
            nest.put_u32(uapi::IFLA_RNETVIRT_GUARD_CHANGE, change)?;
            if change == uapi::RNETVIRT_GUARD_LIST_FLUSH {
                return Ok(());
            }
            nest.put_nest(uapi::IFLA_RNETVIRT_GUARD_LIST | NLA_F_NESTED, |nest| {
                split(entries)
                    .filter_map(Entry::parse)
                    .try_for_each(|entry| entry.put(nest))
            })
        })
    }
}

/// `off`, or names of rules with commas between.
fn rules(word: &CStr, _: &mut Words<'_>) -> Result<u32, Refused> {
    if word == c"off" {
        return Ok(0);
    }
    let mut rules = 0;
    for name in word.to_bytes().split(|byte| *byte == b',') {
        let known = uapi::GUARD_NAMES
            .iter()
            .find(|(_, known)| known.to_bytes() == name);
        let Some((number, _)) = known else {
            return fail(&[
                c"Error: argument of \"guard\" must be \"off\", or of \"mac\", \"ip\", \"arp\", \"ra\" and \"dhcp-server\" some with commas between, not \"",
                word,
                c"\"\n",
            ]);
        };
        rules |= number;
    }
    Ok(rules)
}

/// `add`, `del` or `set` with entries, or `flush`.
fn list<'a>(word: &'a CStr, words: &mut Words<'a>) -> Result<(u32, &'a CStr), Refused> {
    let change = match word.to_bytes() {
        b"add" => uapi::RNETVIRT_GUARD_LIST_ADD,
        b"del" => uapi::RNETVIRT_GUARD_LIST_DEL,
        b"set" => uapi::RNETVIRT_GUARD_LIST_SET,
        b"flush" => return Ok((uapi::RNETVIRT_GUARD_LIST_FLUSH, c"")),
        _ => return fail(&[
            c"Error: argument of \"guard-addr\" must be \"add\", \"del\", \"set\" or \"flush\"\n",
        ]),
    };
    let entries = words.value();
    if split(entries).all(|entry| Entry::parse(entry).is_some()) {
        return Ok((change, entries));
    }
    fail(&[
        c"Error: \"",
        entries,
        c"\" is not a MAC address, an IP address or a prefix, or some of these with commas between\n",
    ])
}

fn split(entries: &CStr) -> impl Iterator<Item = &[u8]> {
    entries.to_bytes().split(|byte| *byte == b',')
}

/// An entry of the list; of IP with the length of the prefix.
enum Entry {
    Mac(lladdr::Address),
    V4([u8; 4], u8),
    V6([u8; 16], u8),
}

impl Entry {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = text.splitn(2, |byte| *byte == b'/');
        let addr = Text::new(parts.next()?)?;
        let len = match parts.next() {
            Some(digits) => Some(decimal(digits)?),
            None => None,
        };
        let fits = |max| Some(len.unwrap_or(max)).filter(|len| *len <= max);
        if let Some(addr) = ffi::parse_v4(addr.as_c_str()) {
            Some(Self::V4(addr, fits(32)?))
        } else if let Some(addr) = ffi::parse_v6(addr.as_c_str()) {
            Some(Self::V6(addr, fits(128)?))
        } else if len.is_none() {
            lladdr::parse(addr.as_c_str()).map(Self::Mac)
        } else {
            None
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        if let Ok(mac) = bytes.try_into() {
            return Some(Self::Mac(mac));
        }
        let (len, addr) = bytes.split_last()?;
        if let Ok(addr) = addr.try_into() {
            return Some(Self::V4(addr, *len));
        }
        Some(Self::V6(addr.try_into().ok()?, *len))
    }

    fn put(&self, list: &mut Request<'_>) -> Result<(), Refused> {
        const NUMBER: u16 = uapi::IFLA_RNETVIRT_GUARD_ENTRY;
        match *self {
            Self::Mac(mac) => list.put(NUMBER, &mac),
            Self::V4([a, b, c, d], len) => list.put(NUMBER, &[a, b, c, d, len]),
            Self::V6(addr, len) => {
                let mut bytes = [len; 17];
                bytes.iter_mut().zip(addr).for_each(|(to, from)| *to = from);
                list.put(NUMBER, &bytes)
            }
        }
    }

    /// Lends `f` the text.
    fn with_text(&self, f: impl FnOnce(&CStr)) {
        let mut text = Text::default();
        let len = match self {
            Self::Mac(mac) => {
                text.push(lladdr::Text::new(*mac).as_c_str().to_bytes());
                None
            }
            Self::V4(addr, len) => {
                ffi::format_v4(addr, |addr| text.push(addr.to_bytes()));
                Some(*len).filter(|len| *len != 32)
            }
            Self::V6(addr, len) => {
                ffi::format_v6(addr, |addr| text.push(addr.to_bytes()));
                Some(*len).filter(|len| *len != 128)
            }
        };
        if let Some(len) = len {
            text.push(b"/");
            text.push_number(len.into());
        }
        f(text.as_c_str());
    }
}

/// The number that up to three digits are.
fn decimal(digits: &[u8]) -> Option<u8> {
    if digits.is_empty() || digits.len() > 3 {
        return None;
    }
    digits.iter().try_fold(0u8, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit as u8)
    })
}

/// Prints what the kernel tells of a device's guard.
pub fn print(data: Value<'_>) {
    let rules = data
        .get(uapi::IFLA_RNETVIRT_GUARD_RULES)
        .and_then(Value::u32);
    let rules = rules.unwrap_or_default();
    ffi::GUARD.print(|word| {
        let set = uapi::GUARD_NAMES
            .iter()
            .filter(|(number, _)| rules & number != 0);
        set.for_each(|(_, name)| word(name));
    });
    if let Some(list) = data.get(uapi::IFLA_RNETVIRT_GUARD_LIST) {
        ffi::GUARD_ADDR.print(|word| {
            let entries = list.nested().filter_map(|(_, value)| Entry::read(value.0));
            entries.for_each(|entry| entry.with_text(&mut *word));
        });
    }
}
