// SPDX-License-Identifier: GPL-2.0

//! Whether the lower device's own stack is a destination: an option of all flavors but veth.

use crate::ffi::{self, Refused, Request, Words};
use crate::flavor::{fail, once};
use crate::uapi;
use core::ffi::CStr;

/// The word that [`Host`] parses, with one behind it.
pub const OPTION: &CStr = c"host";

/// Whether it was given, and how.
#[derive(Default)]
pub struct Host(Option<u32>);

impl Host {
    /// See [`Options::option`](crate::flavor::Options::option).
    pub fn option(&mut self, word: &CStr, words: &mut Words<'_>) -> Result<bool, Refused> {
        if word != OPTION {
            return Ok(false);
        }
        once(&mut self.0, word, words, |word, _| on_or_off(OPTION, word))?;
        Ok(true)
    }

    /// See [`Options::send`](crate::flavor::Options::send).
    pub fn send(&self, request: &mut Request<'_>) -> Result<(), Refused> {
        self.0.map_or(Ok(()), |host| {
            request.put_u32(uapi::IFLA_RNETVIRT_HOST, host)
        })
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
pub fn print(host: u32) {
    ffi::HOST.print(word_for(host));
}
