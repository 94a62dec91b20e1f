// SPDX-License-Identifier: GPL-2.0

//! The flavors. One that is new gets a file, a row in [`FLAVORS`] and a line in the
//! usage.

use crate::ffi::{self, Refused, Request, Words};
use crate::{uapi, veth};
use core::ffi::CStr;

/// A flavor that this version can make.
pub struct Flavor {
    /// Its number in the netlink interface.
    pub number: u32,
    /// Parses one option of the flavor: the word given, and of those behind it what
    /// belongs to it. False if the flavor has no such option.
    pub option: fn(&CStr, &mut Words<'_>, &mut Request<'_>) -> Result<bool, Refused>,
}

/// What is made when no flavor is named.
pub const VETH: Flavor = Flavor {
    number: uapi::RNETVIRT_FLAVOR_VETH,
    option: veth::option,
};

const FLAVORS: &[Flavor] = &[VETH];

/// Finds a flavor that this version can make; ends `ip` with an error otherwise.
pub fn by_name(wanted: &CStr) -> &'static Flavor {
    if let Some(flavor) = FLAVORS.iter().find(|f| name(f.number) == Some(wanted)) {
        return flavor;
    }
    if uapi::FLAVOR_NAMES.contains(&wanted) {
        ffi::invalid(c"this version has only the flavor veth", wanted);
    }
    ffi::invalid(c"no such flavor; this version has only veth", wanted)
}

/// What a flavor is called, also one that only a newer module can make.
pub fn name(number: u32) -> Option<&'static CStr> {
    uapi::FLAVOR_NAMES.get(number as usize).copied()
}
