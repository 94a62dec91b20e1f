// SPDX-License-Identifier: GPL-2.0

//! `link_rnetvirt.so`: teaches `ip link` the words of link kind `rnetvirt`.
//!
//! `ip` loads this object when it meets the kind and calls it to parse what stands
//! behind `type rnetvirt`, to print what a dump carries, and to print help. Errors
//! are reported the way `ip` reports its own: a line on stderr, the usage where
//! that helps, and `ip`'s exit status.
//!
//! All that touches `ip`'s memory is in [`ffi`]; the rest is safe.

#![no_std]
#![deny(unsafe_code, missing_docs)]

#[allow(unsafe_code)]
mod ffi;
mod flavor;
#[path = "../uapi.rs"]
mod uapi;
mod veth;

use core::ffi::CStr;
use ffi::{Attributes, Refused, Request, Stream, Words};
use flavor::Flavor;

const USAGE: &CStr = c"\
Usage: ... rnetvirt [ flavor FLAVOR ] [ OPTIONS ]

FLAVOR := veth
OPTIONS of veth := [ peer [ <options> ] ]

Without a flavor the pair of devices of veth is made, as 'flavor veth' does.
To get <options> type 'ip link add help'.
";

/// Turns the words behind `type rnetvirt` into attributes.
///
/// Only what the user wrote is sent: defaults are the kernel's.
fn parse(mut words: Words<'_>, request: &mut Request<'_>) -> Result<(), Refused> {
    let mut chosen: Option<&Flavor> = None;

    while let Some(word) = words.next() {
        if word == c"flavor" {
            let name = words.value();
            if chosen.is_some() {
                ffi::duplicate(word, name);
            }
            let flavor = flavor::by_name(name);
            request.put_u32(uapi::IFLA_RNETVIRT_FLAVOR, flavor.number)?;
            chosen = Some(flavor);
        } else if word == c"help" {
            help(Stream::stderr());
            return Err(Refused);
        } else if !(chosen.unwrap_or(&flavor::VETH).option)(word, &mut words, request)? {
            let err = Stream::stderr();
            for part in [c"rnetvirt: unknown option \"", word, c"\"?\n"] {
                err.write(part);
            }
            help(err);
            return Err(Refused);
        }
    }
    Ok(())
}

/// Prints what the kernel tells about a device.
fn print(data: Attributes<'_>) {
    if let Some(number) = data.u32(uapi::IFLA_RNETVIRT_FLAVOR) {
        match flavor::name(number) {
            Some(name) => ffi::FLAVOR.print_str(name),
            None => ffi::FLAVOR.print_u32(number),
        }
    }
}

fn help(to: Stream<'_>) {
    to.write(USAGE);
}
