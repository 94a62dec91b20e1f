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
use core::num::NonZero;

/// How large a packet is when it is sent by a wire: one that is cut later counts as its pieces, each with
/// its headers. What is not in the packet, preambles and checksums of frames, does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireSize {
    /// Bytes of all frames.
    pub bytes: u32,
    /// How many frames there are, at least one.
    pub frames: u32,
}

/// Bytes of an IPv4 header, which each fragment has.
const IPV4_HLEN: u32 = 20;

impl WireSize {
    /// Returns what goes through a device that takes `mtu` bytes at once, of an IPv4 packet of `len` bytes, without its
    /// Ethernet header: at least as many frames as its fragments are, which carry eight bytes or a multiple.
    ///
    /// # Examples
    ///
    /// ```
    /// use abstractions::net::skbuff::WireSize;
    ///
    /// let size = WireSize { bytes: 14 + 14_028, frames: 1 };
    /// let cut = WireSize { bytes: 14_042 + 9 * 34, frames: 10 };
    /// assert_eq!(size.cut_for(14_028, 1500), cut);
    /// assert_eq!(size.cut_for(14_028, 14_028), size);
    /// assert_eq!(size.cut_for(65_535, 1500).frames, 45);
    /// ```
    #[inline]
    pub fn cut_for(self, len: u32, mtu: u32) -> Self {
        let room = NonZero::new(mtu.saturating_sub(IPV4_HLEN) >> 3);
        let (Some(room), true) = (room, len > mtu) else {
            return self;
        };
        let eights = len.saturating_sub(IPV4_HLEN).div_ceil(8);
        let fragments = eights.saturating_add(room.get().saturating_sub(1)) / room;
        let more = fragments.saturating_sub(self.frames);
        Self {
            bytes: self
                .bytes
                .saturating_add(more.saturating_mul(ETH_HLEN + IPV4_HLEN)),
            frames: self.frames.saturating_add(more),
        }
    }
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
