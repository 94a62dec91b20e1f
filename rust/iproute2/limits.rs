// SPDX-License-Identifier: GPL-2.0

//! The limits, which all flavors with a lower device have: their options, and what a dump has of them.

use crate::attribute::Value;
use crate::ffi::{self, Refused, Request, Words, NLA_F_NESTED};
use crate::flavor::fail;
use crate::text::Text;
use crate::uapi;
use core::ffi::CStr;

/// The word that [`Limits`] parses.
pub const OPTION: &CStr = c"limit";

/// How a limit is written.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    /// Bytes a second, as bits or bytes.
    Rate,
    /// Bytes.
    Size,
    /// Packets, or packets a second.
    Packets,
}

/// A limit.
struct Limit {
    word: &'static CStr,
    key: &'static CStr,
    attribute: u16,
    unit: Unit,
}

const fn limit(word: &'static CStr, key: &'static CStr, attribute: u16, unit: Unit) -> Limit {
    Limit {
        word,
        key,
        attribute,
        unit,
    }
}

/// All limits, as they are shown.
const LIMITS: [Limit; 9] = [
    limit(
        c"tx-rate",
        c"tx_rate",
        uapi::IFLA_RNETVIRT_LIMIT_TX_RATE,
        Unit::Rate,
    ),
    limit(
        c"tx-burst",
        c"tx_burst",
        uapi::IFLA_RNETVIRT_LIMIT_TX_BURST,
        Unit::Size,
    ),
    limit(
        c"tx-pps",
        c"tx_pps",
        uapi::IFLA_RNETVIRT_LIMIT_TX_PPS,
        Unit::Packets,
    ),
    limit(
        c"tx-pps-burst",
        c"tx_pps_burst",
        uapi::IFLA_RNETVIRT_LIMIT_TX_PPS_BURST,
        Unit::Packets,
    ),
    limit(
        c"rx-rate",
        c"rx_rate",
        uapi::IFLA_RNETVIRT_LIMIT_RX_RATE,
        Unit::Rate,
    ),
    limit(
        c"rx-burst",
        c"rx_burst",
        uapi::IFLA_RNETVIRT_LIMIT_RX_BURST,
        Unit::Size,
    ),
    limit(
        c"rx-pps",
        c"rx_pps",
        uapi::IFLA_RNETVIRT_LIMIT_RX_PPS,
        Unit::Packets,
    ),
    limit(
        c"rx-pps-burst",
        c"rx_pps_burst",
        uapi::IFLA_RNETVIRT_LIMIT_RX_PPS_BURST,
        Unit::Packets,
    ),
    limit(
        c"broadcast",
        c"broadcast",
        uapi::IFLA_RNETVIRT_LIMIT_BROADCAST,
        Unit::Packets,
    ),
];

/// The units of rates, in bits a second, and those of sizes, in bytes. The last that fits is shown.
const RATES: [(&str, u64); 9] = [
    ("bps", 8),
    ("kbps", 8_000),
    ("mbps", 8_000_000),
    ("gbps", 8_000_000_000),
    ("bit", 1),
    ("kbit", 1_000),
    ("mbit", 1_000_000),
    ("gbit", 1_000_000_000),
    ("tbit", 1_000_000_000_000),
];
const SIZES: [(&str, u64); 6] = [
    ("b", 1),
    ("kb", 1 << 10),
    ("mb", 1 << 20),
    ("", 1),
    ("k", 1 << 10),
    ("m", 1 << 20),
];

/// The limits that were given: a number for each.
#[derive(Default)]
pub struct Limits([Option<u64>; LIMITS.len()]);

impl Limits {
    /// See [`Options::option`](crate::flavor::Options::option).
    pub fn option(&mut self, word: &CStr, words: &mut Words<'_>) -> Result<bool, Refused> {
        if word != OPTION {
            return Ok(false);
        }
        if self.0.iter().any(Option::is_some) {
            ffi::duplicate(OPTION, words.value());
        }
        if words.peek() == Some(c"off") {
            words.next();
            self.0 = LIMITS.map(|limit| (!limit.is_burst()).then_some(0));
            return Ok(true);
        }
        let mut any = false;
        while let Some(at) = words.peek().and_then(place) {
            let word = words.value();
            let value = words.value();
            let Some((entry, limit)) = self.0.get_mut(at).zip(LIMITS.get(at)) else {
                break;
            };
            if entry.is_some() {
                ffi::duplicate(word, value);
            }
            *entry = Some(limit.parse(value)?);
            any = true;
        }
        if !any {
            // `ip` says so if there is nothing.
            let word = words.value();
            return fail(&[
                c"Error: argument of \"limit\" must be \"off\", or some of \"tx-rate\", \"tx-burst\", \"tx-pps\", \"tx-pps-burst\", the same with \"rx\", and \"broadcast\", each with a value, not \"",
                word,
                c"\"\n",
            ]);
        }
        Ok(true)
    }

    /// See [`Options::send`](crate::flavor::Options::send).
    pub fn send(&self, request: &mut Request<'_>) -> Result<(), Refused> {
        if self.0.iter().all(Option::is_none) {
            return Ok(());
        }
        request.put_nest(uapi::IFLA_RNETVIRT_LIMIT | NLA_F_NESTED, |nest| {
            for (value, limit) in self.0.iter().zip(&LIMITS) {
                if let Some(value) = value {
                    limit.send(*value, nest)?;
                }
            }
            Ok(())
        })
    }
}

/// Skips what belongs to the word `limit`; whether that is anything.
pub fn skip(words: &mut Words<'_>) -> bool {
    if words.peek() == Some(c"off") {
        words.next();
        return true;
    }
    let mut any = false;
    while words.peek().and_then(place).is_some() {
        words.next();
        words.next();
        any = true;
    }
    any
}

fn place(word: &CStr) -> Option<usize> {
    LIMITS.iter().position(|limit| limit.word == word)
}

impl Limit {
    /// Whether it goes with the limit that it is of.
    fn is_burst(&self) -> bool {
        self.word.to_bytes().ends_with(b"-burst")
    }

    fn parse(&self, word: &CStr) -> Result<u64, Refused> {
        if !self.is_burst() && word == c"off" {
            return Ok(0);
        }
        let number = match self.unit {
            Unit::Rate => parse(word, &RATES, 1).map(|bits| bits / 8),
            Unit::Size => parse(word, &SIZES, 1).filter(|size| *size <= u32::MAX.into()),
            Unit::Packets => ffi::parse_u32(word).map(u64::from),
        };
        match number {
            Some(number) if number != 0 => Ok(number),
            _ => fail(&[
                c"Error: argument of \"",
                self.word,
                match self.unit {
                    Unit::Rate => c"\" must be a rate, such as 100mbit, not \"",
                    Unit::Size => c"\" must be a size, such as 64k, not \"",
                    Unit::Packets => c"\" must be a number of packets, not \"",
                },
                word,
                c"\"\n",
            ]),
        }
    }

    fn send(&self, value: u64, nest: &mut Request<'_>) -> Result<(), Refused> {
        match self.unit {
            Unit::Rate => nest.put(self.attribute, &value.to_ne_bytes()),
            _ => nest.put_u32(self.attribute, u32::try_from(value).unwrap_or(u32::MAX)),
        }
    }

    fn print(&self, value: u64) {
        let mut text = Text::default();
        match self.unit {
            Unit::Rate => format(&mut text, value.saturating_mul(8), &RATES),
            Unit::Size => format(&mut text, value, &SIZES),
            Unit::Packets => text.push_number(value),
        }
        ffi::LIMIT.print(self.word, self.key, text.as_c_str(), value);
    }
}

/// A number with one of these units behind, or none.
fn parse(word: &CStr, units: &[(&str, u64)], without: u64) -> Option<u64> {
    let word = word.to_bytes();
    let digits = word.iter().take_while(|c| c.is_ascii_digit()).count();
    let (number, unit) = (word.get(..digits)?, word.get(digits..)?);
    let unit = match unit {
        [] => without,
        unit => {
            let is_it = |(name, _): &&(&str, u64)| name.as_bytes().eq_ignore_ascii_case(unit);
            units.iter().find(is_it)?.1
        }
    };
    if number.is_empty() {
        return None;
    }
    let number = number.iter().try_fold(0u64, |number, digit| {
        number.checked_mul(10)?.checked_add((digit - b'0').into())
    })?;
    number.checked_mul(unit)
}

/// As it can be parsed, with the largest unit of which it is a multiple.
fn format(text: &mut Text, value: u64, units: &[(&str, u64)]) {
    let fits = |(_, unit): &&(&str, u64)| value.checked_rem(*unit) == Some(0);
    if let Some((name, unit)) = units.iter().rev().find(fits) {
        text.push_number(value.checked_div(*unit).unwrap_or(value));
        text.push(name.as_bytes());
    }
}

/// Prints what the kernel tells of a device's limits.
pub fn print(data: Value<'_>) {
    ffi::LIMIT.begin();
    for limit in &LIMITS {
        let value = data
            .get(limit.attribute)
            .and_then(|value| match limit.unit {
                Unit::Rate => value.u64(),
                _ => value.u32().map(u64::from),
            });
        if let Some(value) = value {
            limit.print(value);
        }
    }
    ffi::LIMIT.end();
}
