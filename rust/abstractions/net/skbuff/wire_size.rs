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

/// Each segment is a packet of its own by then, as those of SCTP are.
const GSO_BY_FRAGS: u16 = 0xffff;

/// Bytes of an IPv4 header, which each fragment has.
const IPV4_HLEN: u32 = 20;

impl WireSize {
    /// Returns what goes through a device that takes `mtu` bytes at once, of an IPv4 packet of `len` bytes, without its
    /// Ethernet header, whose segments, if it has any, carry `gso_size` bytes each: as many frames as fragments, which
    /// carry eight bytes or a multiple.
    ///
    /// # Examples
    ///
    /// ```
    /// use abstractions::net::skbuff::WireSize;
    ///
    /// let size = WireSize { bytes: 14 + 14_028, frames: 1 };
    /// let cut = WireSize { bytes: 14_042 + 9 * 34, frames: 10 };
    /// assert_eq!(size.cut_for(14_028, None, 1500), cut);
    /// assert_eq!(size.cut_for(14_028, None, 14_028), size);
    /// assert_eq!(size.cut_for(65_535, None, 1500).frames, 45);
    /// // Segments are cut one by one: 28 bytes of headers and 1480, but for the last one.
    /// let segments = WireSize { bytes: 39 * 1522 + 142, frames: 40 };
    /// let cut = WireSize { bytes: segments.bytes + 39 * 34, frames: 79 };
    /// assert_eq!(segments.cut_for(39 * 1480 + 128, Some(1480), 1500), cut);
    /// assert_eq!(segments.cut_for(39 * 1480 + 128, Some(1480), 1508), segments);
    /// ```
    #[inline]
    pub fn cut_for(self, len: u32, gso_size: Option<u32>, mtu: u32) -> Self {
        let room = NonZero::new(mtu.saturating_sub(IPV4_HLEN) >> 3);
        let (Some(room), true) = (room, len > mtu) else {
            return self;
        };
        let others = self.frames.saturating_sub(1);
        let fragments = match (NonZero::new(others), gso_size) {
            (Some(others), Some(gso_size)) => {
                // Each but the first adds its headers.
                let more = self.bytes.saturating_sub(len.saturating_add(ETH_HLEN));
                let segment = (more / others)
                    .saturating_sub(ETH_HLEN)
                    .saturating_add(gso_size);
                let last = len.saturating_sub(others.get().saturating_mul(gso_size));
                fragments_of(segment, mtu, room)
                    .saturating_mul(others.get())
                    .saturating_add(fragments_of(last, mtu, room))
            }
            _ => fragments_of(len, mtu, room),
        };
        let more = fragments.saturating_sub(self.frames);
        Self {
            bytes: self
                .bytes
                .saturating_add(more.saturating_mul(ETH_HLEN + IPV4_HLEN)),
            frames: self.frames.saturating_add(more),
        }
    }
}

/// How many fragments a packet of `len` bytes becomes, if one has room for `room` times eight.
#[inline]
fn fragments_of(len: u32, mtu: u32, room: NonZero<u32>) -> u32 {
    if len <= mtu {
        return 1;
    }
    let eights = len.saturating_sub(IPV4_HLEN).div_ceil(8);
    eights.saturating_add(room.get().saturating_sub(1)) / room
}

impl Payload<'_> {
    /// Returns how many bytes the segments carry that the packet is to be cut into, if that is the same for all but the
    /// last (`skb_shinfo(skb)->gso_size`).
    #[inline]
    pub fn gso_size(&self) -> Option<u32> {
        // SAFETY: The skb is valid.
        match unsafe { bindings::skb_gso_size(self.skb()) } {
            0 | GSO_BY_FRAGS => None,
            size => Some(size.into()),
        }
    }

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
