// SPDX-License-Identifier: GPL-2.0

//! The addresses in an Ethernet header.

use crate::{
    bindings,
    net::mac::Mac, //
};

/// # Safety
///
/// `header` must point to a whole Ethernet header.
#[inline]
pub(super) unsafe fn dest(header: *const bindings::ethhdr) -> Mac {
    // SAFETY: By the caller's guarantee there are 14 bytes; the first six count.
    Mac::from_le(u64::from_le(unsafe {
        header.cast::<u64>().read_unaligned()
    }))
}

/// # Safety
///
/// `header` must point to a whole Ethernet header.
#[inline]
pub(super) unsafe fn source(header: *const bindings::ethhdr) -> Mac {
    // SAFETY: By the caller's guarantee there are 14 bytes, eight of them from the source address on.
    Mac::from_le(u64::from_le(unsafe {
        header.cast::<u8>().add(6).cast::<u64>().read_unaligned()
    }))
}
