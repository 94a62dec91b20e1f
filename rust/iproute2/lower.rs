// SPDX-License-Identifier: GPL-2.0

//! What is said for all links on a lower device: options of all flavors but veth.

use crate::attribute::Value;
use crate::ffi::{self, Attributes, Refused, Request, Words};
use crate::flavor::{fail, once};
use crate::uapi;
use core::ffi::CStr;

/// The words that [`Lower`] parses, each with one behind it.
pub const OPTIONS: [&CStr; 3] = [c"host", c"suppress", c"copies"];

/// Which were given, and how.
#[derive(Default)]
pub struct Lower {
    host: Option<u32>,
    suppress: Option<u32>,
    copies: Option<u32>,
}

impl Lower {
    /// See [`Options::option`](crate::flavor::Options::option).
    pub fn option(&mut self, option: &CStr, words: &mut Words<'_>) -> Result<bool, Refused> {
        match option.to_bytes() {
            b"host" => once(&mut self.host, option, words, |word, _| {
                on_or_off(c"host", word)
            })?,
            b"suppress" => once(&mut self.suppress, option, words, |word, _| {
                on_or_off(c"suppress", word)
            })?,
            b"copies" => once(&mut self.copies, option, words, copies)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// See [`Options::send`](crate::flavor::Options::send).
    pub fn send(&self, request: &mut Request<'_>) -> Result<(), Refused> {
        if let Some(host) = self.host {
            request.put_u32(uapi::IFLA_RNETVIRT_HOST, host)?;
        }
        if let Some(suppress) = self.suppress {
            request.put_u32(uapi::IFLA_RNETVIRT_SUPPRESS, suppress)?;
        }
        if let Some(copies) = self.copies {
            request.put_u32(uapi::IFLA_RNETVIRT_COPIES, copies)?;
        }
        Ok(())
    }
}

/// Parses the value of `option`.
pub fn on_or_off(option: &CStr, word: &CStr) -> Result<u32, Refused> {
    match word.to_bytes() {
        b"on" => Ok(1),
        b"off" => Ok(0),
        _ => fail(&[
            c"Error: argument of \"",
            option,
            c"\" must be either \"on\" or \"off\"\n",
        ]),
    }
}

/// What such a value is called.
pub fn word_for(number: u32) -> &'static CStr {
    if number == 0 {
        c"off"
    } else {
        c"on"
    }
}

/// Parses a number of copies, or that there may be any.
fn copies(word: &CStr, _: &mut Words<'_>) -> Result<u32, Refused> {
    if word == c"off" {
        return Ok(0);
    }
    match ffi::parse_u32(word) {
        Some(number) if number > 0 => Ok(number),
        _ => fail(&[
            c"Error: argument of \"copies\" must be \"off\", or a number from 1 to 4294967295, not \"",
            word,
            c"\"\n",
        ]),
    }
}

/// Prints what the kernel tells.
pub fn print(data: &Attributes<'_>) {
    let number = |attr| data.get(attr).and_then(Value::u32);
    if let Some(host) = number(uapi::IFLA_RNETVIRT_HOST) {
        ffi::HOST.print(word_for(host));
    }
    if let Some(suppress) = number(uapi::IFLA_RNETVIRT_SUPPRESS) {
        ffi::SUPPRESS.print(word_for(suppress));
    }
    if let Some(copies) = number(uapi::IFLA_RNETVIRT_COPIES) {
        ffi::COPIES.print(copies);
    }
}
