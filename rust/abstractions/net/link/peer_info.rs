// SPDX-License-Identifier: GPL-2.0

//! What a request says of a second device.

use crate::{
    bindings,
    net::{
        link::ifla,
        nlattr::{
            Attr,
            ExtAck,
            LinkAttrs,
            IFLA_TABLE, //
        },
    },
};
use core::{
    mem::size_of,
    ptr, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// The parsed attributes of a second device: a `struct ifinfomsg`, and link attributes behind it,
/// without that of a lower device (`IFLA_LINK`), which a second device does not have.
///
/// # Context
///
/// Process. Does not sleep.
///
/// # Invariants
///
/// The message begins with a `struct ifinfomsg`. Each entry of the table is null, or points to a whole attribute within
/// the message.
pub struct PeerInfo<'a> {
    msg: &'a [u8],
    tb: [*mut bindings::nlattr; IFLA_TABLE],
}

impl<'a> PeerInfo<'a> {
    /// Parses an attribute like `VETH_INFO_PEER` (`rtnl_nla_parse_ifinfomsg()`). [`EINVAL`] or [`ERANGE`] for
    /// attributes that are not as `IFLA_*` have to be.
    pub fn parse(attr: Attr<'a>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let msg = attr.payload();
        if msg.len() < size_of::<bindings::ifinfomsg>() {
            return Err(ERANGE);
        }
        let mut tb = [ptr::null_mut(); IFLA_TABLE];
        // SAFETY: The attribute is valid and has room for the header; the table has
        // `IFLA_MAX + 1` entries.
        to_result(unsafe {
            bindings::rtnl_nla_parse_ifinfomsg(tb.as_mut_ptr(), attr.as_ptr(), ack.as_ptr())
        })?;
        if let Some(link) = tb.get_mut(usize::from(ifla::LINK.id())) {
            *link = ptr::null_mut();
        }
        Ok(Self { msg, tb })
    }

    /// Returns the link attributes.
    pub fn attrs(&mut self) -> LinkAttrs<'_> {
        // SAFETY: The parser has filled the table with pointers into the message, which is valid
        // for longer than `self` is borrowed.
        unsafe { LinkAttrs::from_raw(self.tb.as_mut_ptr()) }
    }

    /// Returns the wanted ifindex; zero if any will do.
    pub fn ifindex(&self) -> i32 {
        // SAFETY: `parse` has checked that the header is there; it may be unaligned.
        unsafe { self.header().read_unaligned() }.ifi_index
    }

    pub(super) fn header(&self) -> *const bindings::ifinfomsg {
        self.msg.as_ptr().cast()
    }
}
