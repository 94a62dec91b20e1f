// SPDX-License-Identifier: GPL-2.0

//! The options of flavor veth.

use crate::ffi::{Refused, Request, Words};
use crate::flavor::Options;
use crate::uapi;
use core::ffi::CStr;

/// The words that [`Veth`] parses.
pub const OPTIONS: &[&CStr] = &[c"peer"];

/// The options.
#[derive(Default)]
pub struct Veth<'a> {
    /// `peer [ <options> ]`: all that follows describes the other end.
    peer: Option<Words<'a>>,
}

impl<'a> Options<'a> for Veth<'a> {
    fn option(&mut self, word: &'a CStr, words: &mut Words<'a>) -> Result<bool, Refused> {
        if word != c"peer" {
            return Ok(false);
        }
        self.peer = Some(words.take_all());
        Ok(true)
    }

    fn send(self, request: &mut Request<'_>) -> Result<(), Refused> {
        match self.peer {
            Some(words) => request.put_link(uapi::IFLA_RNETVIRT_PEER, words),
            None => Ok(()),
        }
    }
}
