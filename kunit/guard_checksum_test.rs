// SPDX-License-Identifier: GPL-2.0

//! Checksums that are computed after a guard has looked.

use crate::{
    cases::all,
    guard::checksum::is_where_it_belongs,
    guard_frames::*, //
};

#[kernel::prelude::kunit_tests(rnetvirt_guard_checksum)]
mod tests {
    use super::*;

    /// Whether a checksum may stay there.
    fn stays(frame: &Frame, start: usize, offset: usize) -> bool {
        is_where_it_belongs(&mut { *frame }, frame.protocol, start, offset)
    }

    #[test]
    fn a_checksum_is_left_to_others_only_where_a_header_has_it() {
        let ip = |protocol| ipv4(OWN4, OTHER4, protocol, 0).add(&udp(9, 9));
        for (frame, at) in [
            (ip(6), 16),
            (ip(17), 6),
            (ipv6(OWN6, OTHER6, 6), 16),
            (ipv6(OWN6, OTHER6, 17).add(&udp(9, 9)), 6),
            (icmp(OWN6, &neighbour(136, OWN6, OWN)), 2),
            (arp(2, OWN, OWN4), 99),
        ] {
            let header = if frame.protocol == IP { 20 } else { 40 };
            for start in 0..60usize {
                assert!(all(0..60, |offset| {
                    let right = start == header && *offset == at;
                    let payload = at == 6 && start >= header + 8;
                    stays(&frame, start, *offset) == (right || payload)
                }));
            }
        }
    }

    #[test]
    fn a_checksum_in_what_is_looked_at_is_not_left_to_others() {
        // Wherever it is: type and addresses of DHCP, of routers and neighbours.
        for port in [67, 68, 546, 547] {
            let frame = ipv4(OWN4, OTHER4, 17, 0).add(&udp(port, 9));
            assert!(!stays(&frame, 28, 0) && stays(&frame, 20, 6));
            let frame = ipv4(OWN4, OTHER4, 17, 0).add(&udp(9, port));
            assert!(!stays(&frame, 28, 0) && stays(&frame, 20, 6));
        }
        // Nor in fragments, in what is none of IP, behind too many headers.
        for fragment in [1, 0x2000] {
            let frame = ipv4(OWN4, OTHER4, 17, fragment).add(&udp(9, 9));
            assert!(!stays(&frame, 20, 6));
        }
        let frame = ipv6(OWN6, OTHER6, 17).add(&udp(9, 9));
        for (header, more, found) in [(60, 0, true), (44, 0, true), (44, 1, false)] {
            let frame = extended(&frame, &[header]).put(43, &[more]);
            assert_eq!(stays(&frame, 48, 6), found);
            assert!(!stays(&frame, 40, 6));
        }
        assert!(!stays(&extended(&frame, &[60; 9]), 40 + 72, 6));
    }

    #[test]
    fn a_checksum_in_a_tunnel_is_left_to_others() {
        // VXLAN, GRE, and what has a tag in the frame.
        let vxlan = ipv4(OWN4, OTHER4, 17, 0).add(&udp(9, 4789));
        assert!(stays(&vxlan, 20 + 8 + 8 + 14 + 20, 16));
        let gre = ipv4(OWN4, OTHER4, 47, 0).add(&[0; 8]);
        assert!(stays(&gre, 20, 4) && !stays(&gre, 20, 2) && !stays(&gre, 10, 14));
        let tagged = ipv4(OWN4, OTHER4, 6, 0).tagged(0x8100);
        assert!(stays(&tagged, 24, 16) && !stays(&tagged, 20, 20));
    }
}
