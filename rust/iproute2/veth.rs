// SPDX-License-Identifier: GPL-2.0

//! The options of flavor veth.

use crate::ffi::{Refused, Request, Words};
use crate::uapi;
use core::ffi::CStr;

/// `peer [ <options> ]`: all that follows describes the other end.
pub fn option(
    word: &CStr,
    words: &mut Words<'_>,
    request: &mut Request<'_>,
) -> Result<bool, Refused> {
    if word != c"peer" {
        return Ok(false);
    }
    request.put_link(uapi::IFLA_RNETVIRT_PEER, words.take_all())?;
    Ok(true)
}
