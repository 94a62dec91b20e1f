// SPDX-License-Identifier: GPL-2.0

//! What taps make of numbers: headers in front of frames, offloads, queues.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_tap)]
mod tests {
    use crate::tap::{
        offload,
        steering::steer,
        uapi,
        vnet_hdr::{
            linear_len,
            Endian, //
        },
    };
    use abstractions::{
        net::{
            features::Features,
            user_frame::VnetHdr, //
        },
        random::random_u32, //
    };

    #[test]
    fn e4_header_length_is_a_hint() {
        let mut hdr = VnetHdr([0, 0, 14, 0, 0, 0, 34, 0, 16, 0]);
        assert_eq!(linear_len(&mut hdr, Endian::Little), 14);
        let mut hdr = VnetHdr([0, 0, 0, 14, 0, 0, 0, 34, 0, 16]);
        assert_eq!(linear_len(&mut hdr, Endian::Big), 14);
        // DATA_VALID says nothing of where.
        let mut hdr = VnetHdr([2, 0, 14, 0, 0, 0, 34, 0, 16, 0]);
        assert_eq!(linear_len(&mut hdr, Endian::Little), 14);
    }

    #[test]
    fn e4_header_length_reaches_to_the_checksum() {
        let mut hdr = VnetHdr([1, 0, 14, 0, 0, 0, 34, 0, 16, 0]);
        assert_eq!(linear_len(&mut hdr, Endian::Little), 52);
        assert_eq!(hdr.0, [1, 0, 52, 0, 0, 0, 34, 0, 16, 0]);
        let mut hdr = VnetHdr([1, 0, 0, 60, 0, 0, 0, 34, 0, 16]);
        assert_eq!(linear_len(&mut hdr, Endian::Big), 60);
        assert_eq!(hdr.0, [1, 0, 0, 60, 0, 0, 0, 34, 0, 16]);
        // Sixteen bits, whatever the sum.
        let mut hdr = VnetHdr([1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(linear_len(&mut hdr, Endian::Little), 0);
    }

    #[test]
    fn e4_any_header_has_a_length() {
        for _ in 0..10_000 {
            let [a, b, c, d] = random_u32().to_ne_bytes();
            let [e, f, g, h] = random_u32().to_ne_bytes();
            let mut hdr = VnetHdr([a, b, c, d, 0, 0, e, f, g, h]);
            let len = linear_len(&mut hdr, Endian::Little);
            let hint = u16::from_le_bytes([c, d]);
            let end =
                u32::from(u16::from_le_bytes([e, f])) + u32::from(u16::from_le_bytes([g, h])) + 2;
            if a & 1 == 0 {
                assert_eq!(len, hint);
            } else if end <= 0xffff {
                assert!(u32::from(len) >= end && len >= hint);
            }
            // Nothing else changes.
            let [len_0, len_1] = len.to_le_bytes();
            let after = [a, b, len_0, len_1, 0, 0, e, f, g, h];
            assert_eq!(hdr.0, after);
            assert_eq!(linear_len(&mut hdr, Endian::Little), len);
        }
    }

    #[test]
    fn e7_a_flow_has_one_queue() {
        for count in 1..=256 {
            for _ in 0..50 {
                let hash = random_u32();
                let at = steer(hash, Some(7), count);
                assert!(at < count);
                if hash != 0 {
                    // The receive queue counts only without a hash.
                    assert_eq!(at, steer(hash, None, count));
                    assert_eq!(at, hash % count);
                }
            }
            assert_eq!(steer(0, None, count), 0);
            assert_eq!(steer(0, Some(300), count), 300 % count);
        }
        assert_eq!(steer(5, None, 0), 0);
    }

    #[test]
    fn e8_offloads() {
        let parse = |bits: u32| offload::parse(bits as usize).unwrap_or(Features::LRO);
        assert_eq!(parse(0), Features::NONE);
        // Without checksums there is nothing.
        assert_eq!(parse(uapi::TUN_F_ALL & !uapi::TUN_F_CSUM), Features::NONE);
        assert_eq!(parse(uapi::TUN_F_CSUM), Features::HW_CSUM);
        let tso4 = uapi::TUN_F_CSUM | uapi::TUN_F_TSO4;
        assert_eq!(parse(tso4), Features::HW_CSUM.with(Features::TSO));
        assert_eq!(
            parse(tso4 | uapi::TUN_F_TSO6 | uapi::TUN_F_TSO_ECN),
            offload::DEFAULT
        );
        // Alone these are of no use.
        for bits in [uapi::TUN_F_TSO_ECN, uapi::TUN_F_USO4, uapi::TUN_F_USO6] {
            assert_eq!(parse(uapi::TUN_F_CSUM | bits), Features::HW_CSUM);
        }
        assert_eq!(
            parse(uapi::TUN_F_CSUM | uapi::TUN_F_USO4 | uapi::TUN_F_USO6),
            Features::HW_CSUM.with(Features::GSO_UDP_L4)
        );
        for bits in [0x80, 0x100, 1 << 31, 1 << 32] {
            assert!(offload::parse(bits).is_err());
            assert!(offload::parse(bits | 1).is_err());
        }
    }
}
