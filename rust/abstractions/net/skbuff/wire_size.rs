// SPDX-License-Identifier: GPL-2.0

//! What packets are on a wire.
//!
//! # Context
//!
//! Any; does not sleep.

use crate::{
    bindings,
    net::{
        mac::ETH_HLEN,
        payload::Payload, //
    },
};

/// How large a packet is when it is sent by a wire: one that is cut later counts as its pieces, each with
/// its headers. What is not in the packet, preambles and checksums of frames, does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireSize {
    /// Bytes of all frames.
    pub bytes: u32,
    /// How many frames there are, at least one.
    pub frames: u32,
}

impl Payload<'_> {
    /// Returns how large the packet is on a wire, with its Ethernet header.
    #[inline]
    pub fn wire_size(&self) -> WireSize {
        // The header is in front of the payload, and may be in front of the packet's data.
        let head = ETH_HLEN.saturating_sub(self.offset());
        // SAFETY: The skb is valid. The function reads headers only where there are bytes.
        let size = unsafe { bindings::skb_wire_size(self.skb(), head) };
        // CAST: One half each.
        #[allow(clippy::cast_possible_truncation)]
        WireSize {
            bytes: size as u32,
            frames: (size >> 32) as u32,
        }
    }
}
