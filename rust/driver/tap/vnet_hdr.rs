// SPDX-License-Identifier: GPL-2.0

//! The header in front of a frame that says what is left to be done to it (`struct virtio_net_hdr`, see
//! section 5.1.6 of the virtio specification).
//!
//! What it says is applied to a frame by the kernel (`virtio_net_hdr_to_skb()`), which checks it. Here
//! are only the parts that matter before there is a frame.

use abstractions::net::user_frame::VnetHdr;

/// The checksum is still to be computed (`VIRTIO_NET_HDR_F_NEEDS_CSUM`).
const NEEDS_CSUM: u8 = 1;

/// Fragments of UDP (`VIRTIO_NET_HDR_GSO_UDP`).
const GSO_UDP: u8 = 3;

/// A bit beside the kind of segments (`VIRTIO_NET_HDR_GSO_ECN`).
const GSO_ECN: u8 = 0x80;

/// The smallest fragment, in bytes.
const MIN_FRAGMENT: u16 = 8;

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

/// Whether segments of that size can be: fragments of UDP (`VIRTIO_NET_HDR_GSO_UDP`) are counted in units of eight bytes. The
/// kernel has such a bound for TCP, and without one a frame would be sent a byte at a time.
#[inline]
pub(crate) fn is_possible(hdr: &VnetHdr, endian: Endian) -> bool {
    hdr.gso_type & !GSO_ECN != GSO_UDP || endian.number(hdr.gso_size) >= MIN_FRAGMENT
}

/// How many bytes of the frame are headers, as far as the header `hdr` knows: they should be in one
/// piece. Of a frame whose checksum is left to be computed, that reaches to where it goes; `hdr` says so
/// afterwards, too, in sixteen bits.
#[inline]
pub(crate) fn linear_len(hdr: &mut VnetHdr, endian: Endian) -> u16 {
    let len = endian.number(hdr.hdr_len);
    if hdr.flags & NEEDS_CSUM == 0 {
        return len;
    }
    let start = u32::from(endian.number(hdr.csum_start));
    let offset = u32::from(endian.number(hdr.csum_offset));
    let end = start.wrapping_add(offset).wrapping_add(2);
    // CAST: As the C driver, which has sixteen bits for it.
    #[allow(clippy::cast_possible_truncation)]
    let len = end.max(len.into()) as u16;
    hdr.hdr_len = endian.bytes(len);
    len
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_tap_vnet_hdr)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };
    use zerocopy::transmute;

    const ORDERS: [Endian; 2] = [Endian::Little, Endian::Big];

    /// A header: flags, kind of segments; length of headers, size of segments, where the checksum begins
    /// and where it goes.
    fn header(endian: Endian, flags: u8, kind: u8, numbers: [u16; 4]) -> VnetHdr {
        let [hdr_len, gso_size, csum_start, csum_offset] =
            numbers.map(|number| endian.bytes(number));
        VnetHdr {
            flags,
            gso_type: kind,
            hdr_len,
            gso_size,
            csum_start,
            csum_offset,
        }
    }

    /// The length, and what the header says afterwards.
    fn after(mut hdr: VnetHdr, endian: Endian) -> (u16, [u8; 10]) {
        (linear_len(&mut hdr, endian), transmute!(hdr))
    }

    /// The length that a header with a checksum at that place has.
    fn len(hint: u16, start: u16, offset: u16) -> u16 {
        after(
            header(Endian::Little, NEEDS_CSUM, 0, [hint, 0, start, offset]),
            Endian::Little,
        )
        .0
    }

    #[test]
    fn e4_a_header_of_zeros_says_nothing() {
        assert!(all(ORDERS, |endian| {
            after(transmute!([0u8; 10]), *endian) == (0, [0; 10])
        }));
    }

    #[test]
    fn e4_the_length_is_a_hint_in_either_order() {
        assert!(all(ORDERS, |endian| {
            (0..=u16::MAX)
                .all(|hint| after(header(*endian, 0, 0, [hint, 0, 34, 16]), *endian).0 == hint)
        }));
    }

    #[test]
    fn e4_the_place_counts_only_if_a_checksum_is_needed() {
        // All flags, whatever they mean.
        assert!(all(0..=u8::MAX, |flags| {
            let hdr = header(Endian::Little, *flags, 0, [14, 0, 34, 16]);
            let wanted = if flags & NEEDS_CSUM != 0 { 52 } else { 14 };
            after(hdr, Endian::Little).0 == wanted
        }));
    }

    #[test]
    fn e4_fragments_have_eight_bytes_at_least() {
        assert!(all(ORDERS, |endian| {
            (0..=u8::MAX).all(|kind| {
                (0..20).all(|size| {
                    let hdr = header(*endian, 0, kind, [0, size, 0, 0]);
                    is_possible(&hdr, *endian) == (!matches!(kind, 3 | 0x83) || size >= 8)
                })
            })
        }));
    }

    #[test]
    fn e4_the_kind_of_segments_does_not_count() {
        assert!(all(0..=u8::MAX, |kind| {
            (0..=u8::MAX).all(|flags| {
                let [plain, other] =
                    [0, *kind].map(|kind| header(Endian::Little, flags, kind, [14, 9, 34, 16]));
                after(plain, Endian::Little).0 == after(other, Endian::Little).0
            })
        }));
    }

    #[test]
    fn e4_the_size_of_segments_does_not_count() {
        assert!(all(0..=u16::MAX, |size| {
            let hdr = header(Endian::Little, NEEDS_CSUM, 1, [14, *size, 34, 16]);
            after(hdr, Endian::Little).0 == 52
        }));
    }

    #[test]
    fn e4_a_longer_hint_stays() {
        assert!(all(52..=u16::MAX, |hint| len(*hint, 34, 16) == *hint));
    }

    #[test]
    fn e4_a_shorter_hint_reaches_to_the_checksum() {
        assert!(all(0..=52, |hint| len(*hint, 34, 16) == 52));
    }

    #[test]
    fn e4_the_checksum_has_two_bytes() {
        assert_eq!(len(0, 0, 0), 2);
    }

    #[test]
    fn e4_the_place_is_the_sum_of_both() {
        assert!(all(0..100, |start| {
            (0..100).all(|offset| len(0, *start, offset) == start + offset + 2)
        }));
    }

    #[test]
    fn e4_the_last_place_is_the_end_of_sixteen_bits() {
        assert_eq!(len(0, 0xfffd, 0), 0xffff);
    }

    #[test]
    fn e4_what_is_more_than_sixteen_bits_is_cut_off() {
        assert!(all(
            [
                (0xfffe, 0, 0),
                (0xffff, 0, 1),
                (0, 0xffff, 1),
                (0xffff, 0xffff, 0),
                (0x8000, 0x8000, 2),
            ],
            |(start, offset, wanted)| len(0, *start, *offset) == *wanted
        ));
    }

    #[test]
    fn e4_both_orders_mean_the_same() {
        let mut random = Random::new("vnet_hdr: orders");
        for _ in 0..10_000 {
            let [flags, kind] = random.bytes();
            let numbers = core::array::from_fn(|_| u16::from_ne_bytes(random.bytes()));
            let [little, big] = ORDERS.map(|endian| {
                let hdr = header(endian, flags, kind, numbers);
                after(hdr, endian).0
            });
            assert_eq!(little, big);
        }
    }

    #[test]
    fn e4_the_header_says_the_length_and_nothing_else_changes() {
        let mut random = Random::new("vnet_hdr: bytes");
        for _ in 0..10_000 {
            let before: [u8; 10] = random.bytes();
            let (len, bytes) = after(transmute!(before), Endian::Little);
            let ([flags, kind, _, _, rest @ ..], [len_0, len_1]) = (before, len.to_le_bytes());
            let [a, b, c, d, e, f] = rest;
            assert_eq!(bytes, [flags, kind, len_0, len_1, a, b, c, d, e, f]);
        }
    }

    #[test]
    fn e4_the_second_time_nothing_changes() {
        let mut random = Random::new("vnet_hdr: twice");
        for _ in 0..10_000 {
            let (len, bytes) = after(transmute!(random.bytes::<10>()), Endian::Little);
            assert_eq!(after(transmute!(bytes), Endian::Little), (len, bytes));
        }
    }

    #[test]
    fn e4_the_order_of_the_machine_is_that_of_its_numbers() {
        assert_eq!(Endian::NATIVE.bytes(0x1234), 0x1234_u16.to_ne_bytes());
    }

    #[test]
    fn e4_numbers_are_bytes_and_back() {
        for endian in ORDERS {
            assert!(all(0..=u16::MAX, |number| {
                endian.number(endian.bytes(*number)) == *number
            }));
        }
    }

    #[test]
    fn e4_the_network_has_the_high_byte_first() {
        assert_eq!(Endian::Big.bytes(0x1234), [0x12, 0x34]);
        assert_eq!(Endian::Little.bytes(0x1234), [0x34, 0x12]);
    }
}
