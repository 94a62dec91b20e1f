// SPDX-License-Identifier: GPL-2.0

//! The header in front of a frame that says what is left to be done to it (`struct virtio_net_hdr`, see
//! section 5.1.6 of the virtio specification).
//!
//! What it says is applied to a frame by the kernel (`virtio_net_hdr_to_skb()`), which checks it. Here
//! are only the parts that matter before there is a frame.

use abstractions::net::user_frame::VnetHdr;

/// The checksum is still to be computed (`VIRTIO_NET_HDR_F_NEEDS_CSUM`).
const NEEDS_CSUM: u8 = 1;

/// The order of the bytes of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

impl Endian {
    /// That of the machine.
    pub(crate) const NATIVE: Self = if cfg!(target_endian = "little") {
        Self::Little
    } else {
        Self::Big
    };

    #[inline]
    fn number(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    fn bytes(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

/// How many bytes of the frame are headers, as far as the header `hdr` knows: they should be in one
/// piece. Of a frame whose checksum is left to be computed, that reaches to where it goes; `hdr` says so
/// afterwards, too, in sixteen bits.
#[inline]
pub(crate) fn linear_len(VnetHdr(hdr): &mut VnetHdr, endian: Endian) -> u16 {
    let [flags, _, len_0, len_1, _, _, start_0, start_1, offset_0, offset_1] = *hdr;
    let len = endian.number([len_0, len_1]);
    if flags & NEEDS_CSUM == 0 {
        return len;
    }
    let start = u32::from(endian.number([start_0, start_1]));
    let offset = u32::from(endian.number([offset_0, offset_1]));
    let end = start.wrapping_add(offset).wrapping_add(2);
    // CAST: As the C driver, which has sixteen bits for it.
    #[allow(clippy::cast_possible_truncation)]
    let len = end.max(len.into()) as u16;
    let [len_0, len_1] = endian.bytes(len);
    let [_, _, to_0, to_1, ..] = hdr;
    (*to_0, *to_1) = (len_0, len_1);
    len
}
