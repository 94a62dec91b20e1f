// SPDX-License-Identifier: GPL-2.0

//! What is said for all links on a lower device: options of all flavors but veth.

use crate::attribute::Value;
use crate::ffi::{self, Attributes, Refused, Request, Words};
use crate::flavor::{fail, once};
use crate::uapi;
use core::ffi::CStr;

/// The words that [`Lower`] parses, each with one behind it.
pub const OPTIONS: [&CStr; 2] = [c"host", c"suppress"];

/// Which were given, and how.
#[derive(Default)]
pub struct Lower {
    host: Option<u32>,
    suppress: Option<u32>,
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

/// Prints what the kernel tells.
pub fn print(data: &Attributes<'_>) {
    let number = |attr| data.get(attr).and_then(Value::u32);
    if let Some(host) = number(uapi::IFLA_RNETVIRT_HOST) {
        ffi::HOST.print(word_for(host));
    }
    if let Some(suppress) = number(uapi::IFLA_RNETVIRT_SUPPRESS) {
        ffi::SUPPRESS.print(word_for(suppress));
    }
}
