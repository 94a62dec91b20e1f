// SPDX-License-Identifier: GPL-2.0

//! What guards let pass.

use crate::{
    cases::{
        all,
        Random, //
    },
    drops::Reason,
    guard::{
        rules::Rules,
        verdict::link_local, //
    },
    guard_frames::*,
};
use abstractions::net::mac::Mac;

#[kernel::prelude::kunit_tests(rnetvirt_guard_verdict)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_send_an_address_may_not_have_it() {
        assert!(all(all_rules(), |rules| {
            let guard = guard(*rules);
            let (own, other) = (Mac::from_bytes(&OWN), Mac::from_bytes(&OTHER));
            let looks_at_ip = rules.any(Rules::IP.with(Rules::ARP));
            let looks_at_mac = rules.any(Rules::MAC.with(Rules::ARP));
            guard.may_have(own, OWN4.into())
                && guard.may_have(own, OWN6.into())
                && guard.may_have(own, OTHER4.into()) != looks_at_ip
                && guard.may_have(own, OTHER6.into()) != looks_at_ip
                && guard.may_have(other, OWN4.into()) != looks_at_mac
        }));
    }

    #[test]
    fn without_rules_everything_passes() {
        let mut random = Random::new("no rules");
        for _ in 0..2000 {
            let bytes: [u8; 64] = random.bytes();
            let [a, b, ..] = bytes;
            let frame = Frame::new(u16::from_be_bytes([a, b])).add(&bytes);
            assert!(frame.passes(Rules::NONE));
        }
    }

    #[test]
    fn what_a_tenant_is_to_do_passes_whatever_the_rules() {
        // One at a time: the stack is not large.
        const FRAMES: &[fn() -> Frame] = &[
            || ipv4(OWN4, OTHER4, 6, 0),
            || ipv4([192, 0, 2, 200], OTHER4, 17, 0).add(&udp(1000, 53)),
            || ipv4(OWN4, OTHER4, 17, 0x2000).add(&udp(1000, 53)),
            || ipv4(OWN4, OTHER4, 17, 0x0007).add(&[0; 16]),
            || {
                ipv4([0; 4], [0xff; 4], 17, 0)
                    .add(&udp(68, 67))
                    .add(&dhcp(1, OWN))
            },
            || {
                ipv4(OWN4, OTHER4, 17, 0)
                    .add(&udp(68, 67))
                    .add(&dhcp(1, OWN))
            },
            || ipv4([0; 4], [224, 0, 0, 22], 2, 0),
            || arp(1, OWN, OWN4),
            || arp(2, OWN, OWN4),
            // A probe; and VRRP's announcement.
            || arp(1, OWN, [0; 4]),
            || arp(2, VRRP, OWN4),
            || ipv6(OWN6, OTHER6, 6),
            || ipv6(local(), OTHER6, 17).add(&udp(546, 547)).add(&[1]),
            // Whether an address is free: before it is used.
            || icmp(NOBODY6, &neighbour(135, OWN6, OWN)),
            || icmp(NOBODY6, &neighbour(135, local(), OWN)),
            || icmp(OWN6, &neighbour(135, OTHER6, OWN)),
            || icmp(OWN6, &neighbour(136, OWN6, OWN)),
            || icmp(local(), &neighbour(136, OWN6, VRRP)),
            || icmp(local(), &nd(133, &[0; 4], 1, OWN)),
            || icmp(NOBODY6, &Frame::new(IPV6).add(&[133, 0, 0, 0, 0, 0, 0, 0])),
            // Joins a group before there is an address.
            || {
                ipv6(NOBODY6, GROUP6, 0)
                    .add(&[58, 0, 5, 2, 0, 0, 1, 0])
                    .add(&[143, 0, 0, 0, 0, 0, 0, 0])
            },
            || icmp(OWN6, &Frame::new(IPV6).add(&[128, 0, 0, 0, 0, 0, 0, 0])),
        ];
        for frame in FRAMES.iter().map(|frame| frame()) {
            assert!(all(all_rules(), |rules| frame.passes(*rules)));
            // In VLANs, too.
            assert!(all([0x8100, 0x88a8], |tag| frame
                .tagged(*tag)
                .passes(EVERY)));
        }
    }

    #[test]
    fn only_the_own_mac_address_and_those_listed_send() {
        let mut random = Random::new("macs");
        let guard = guard(Rules::MAC);
        for _ in 0..2000 {
            let mac = Mac::from_bytes(&random.bytes());
            let mut frame = Frame::new(IP);
            assert!(guard.check(mac, mac, IP, &mut frame) == Err(Reason::TxGuardMac));
        }
        for mac in [OWN, VRRP].map(|mac| Mac::from_bytes(&mac)) {
            assert!(guard.check(mac, mac, IP, &mut Frame::new(IP)).is_ok());
        }
    }

    #[test]
    fn only_addresses_of_the_list_send() {
        let mut random = Random::new("sources");
        for _ in 0..2000 {
            let (v4, v6): ([u8; 4], [u8; 16]) = (random.bytes(), random.bytes());
            let listed = v4 == OWN4 || v4.first_chunk() == Some(&[192, 0, 2]);
            assert!(listed || ipv4(v4, OTHER4, 6, 0).fails(Rules::IP, Reason::TxGuardIp));
            assert!(ipv6(v6, OTHER6, 6).fails(Rules::IP, Reason::TxGuardIp));
        }
        for source in [OTHER4, [0; 4], [0xff; 4], [127, 0, 0, 1], [10, 0, 0, 0]] {
            assert!(all(0..=u8::MAX, |protocol| {
                ipv4(source, OTHER4, *protocol, 0)
                    .add(&[0; 40])
                    .fails(Rules::IP, Reason::TxGuardIp)
            }));
        }
    }

    #[test]
    fn each_fragment_has_a_source() {
        assert!(all(0..=u16::MAX, |fragment| {
            ipv4(OTHER4, OWN4, 17, *fragment).fails(Rules::IP, Reason::TxGuardIp)
        }));
    }

    #[test]
    fn who_has_no_address_does_nothing_but_ask_for_one() {
        let ask = ipv4([0; 4], [0xff; 4], 17, 0);
        let ports = || (0..=u16::MAX).step_by(7).chain([67, 68]);
        assert!(all(ports(), |port| {
            (ask.add(&udp(*port, 67)).passes(Rules::IP) == (*port == 68))
                && (ask.add(&udp(68, *port)).passes(Rules::IP) == (*port == 67))
        }));
        assert!(ipv4([0; 4], OTHER4, 17, 0)
            .add(&udp(68, 67))
            .fails(Rules::IP, Reason::TxGuardIp));
        assert!(ipv4([0; 4], [0xff; 4], 17, 0x2000)
            .add(&udp(68, 67))
            .fails(Rules::IP, Reason::TxGuardIp));
        assert!(ipv4([0; 4], OTHER4, 2, 0).fails(Rules::IP, Reason::TxGuardIp));
        assert!(all(0..=u8::MAX, |kind| {
            let frame = icmp(NOBODY6, &Frame::new(IPV6).add(&[*kind, 0, 0, 0]));
            frame.passes(Rules::IP) == matches!(kind, 131..=133 | 135 | 143)
        }));
        assert!(all(0..=u8::MAX, |next| {
            let frame = ipv6(NOBODY6, GROUP6, *next).add(&[255; 64]);
            !frame.passes(Rules::IP)
        }));
    }

    #[test]
    fn with_addresses_other_protocols_are_none() {
        assert!(all(0..=u16::MAX, |protocol| {
            let frame = Frame::new(*protocol).add(&[0xff; 64]);
            frame.passes(Rules::IP) == matches!(protocol, 0x0806 | 0x8035)
        }));
    }

    #[test]
    fn what_is_said_is_what_is_there() {
        assert!(all(0..=u16::MAX, |said| {
            let mut frame = ipv4(OWN4, OTHER4, 6, 0);
            frame.said = *said;
            frame.passes(EVERY) == (*said == IP)
        }));
        // Nor does a length in place of a protocol hide the one that is said.
        let rules = Rules::ARP.with(Rules::RA).with(Rules::DHCP_SERVER);
        assert!(all(0..=u16::MAX, |said| {
            let mut frame = Frame {
                protocol: 100,
                ..ipv4(OWN4, OTHER4, 17, 0).add(&udp(67, 68))
            };
            frame.said = *said;
            frame.passes(rules) == (*said < 0x600)
        }));
    }

    #[test]
    fn tags_hide_nothing() {
        let frames = [
            (ipv4(OTHER4, OWN4, 6, 0), Reason::TxGuardIp),
            (arp(2, OTHER, OWN4), Reason::TxGuardArp),
            (arp(2, OWN, OTHER4), Reason::TxGuardArp),
            (icmp(OWN6, &neighbour(136, OTHER6, OWN)), Reason::TxGuardArp),
            (icmp(OWN6, &nd(134, &[0; 12], 1, OWN)), Reason::TxGuardRa),
        ];
        for (frame, reason) in frames {
            for tag in [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300] {
                let mut frame = frame;
                for depth in 1..=8 {
                    frame = frame.tagged(tag);
                    let reason = if depth <= 4 {
                        reason
                    } else {
                        Reason::TxGuardFrame
                    };
                    assert!(frame.fails(EVERY, reason));
                }
            }
            let [high, low] = frame.protocol.to_be_bytes();
            for oui in [0, 0xf8] {
                let snap = [0xaa, 0xaa, 3, 0, 0, oui, high, low];
                assert!(frame.wrapped(100, &snap).fails(EVERY, reason));
                assert!(frame
                    .wrapped(100, &snap)
                    .tagged(0x8100)
                    .fails(EVERY, reason));
            }
        }
    }

    #[test]
    fn arp_is_for_ethernet_and_ipv4() {
        let layout = arp(1, OWN, OWN4);
        for at in 0..6 {
            assert!(all(0..=u8::MAX, |byte| {
                let same = layout.bytes.get(at) == Some(byte);
                layout.put(at, &[*byte]).passes(Rules::ARP) == same
            }));
        }
    }

    #[test]
    fn arp_says_only_what_is_ones_own() {
        assert!(all(0..=u8::MAX, |op| {
            arp(*op, OTHER, OWN4).fails(Rules::ARP, Reason::TxGuardArp)
                && arp(*op, OWN, OTHER4).fails(Rules::ARP, Reason::TxGuardArp)
                && arp(*op, OWN, OWN4).passes(Rules::ARP)
                && arp(*op, OWN, [0; 4]).passes(Rules::ARP) == matches!(op, 1 | 3)
        }));
    }

    #[test]
    fn neighbours_hear_only_what_is_ones_own() {
        for kind in [135, 136] {
            assert!(icmp(OWN6, &neighbour(kind, OWN6, OTHER)).fails(Rules::ARP, Reason::TxGuardArp));
            assert!(icmp(OTHER6, &neighbour(kind, OWN6, OWN)).fails(Rules::ARP, Reason::TxGuardArp));
        }
        assert!(icmp(OWN6, &neighbour(136, OTHER6, OWN)).fails(Rules::ARP, Reason::TxGuardArp));
        assert!(icmp(NOBODY6, &neighbour(136, OWN6, OWN)).fails(Rules::ARP, Reason::TxGuardArp));
        // Another's address is not free.
        assert!(icmp(NOBODY6, &neighbour(135, OTHER6, OWN)).fails(Rules::ARP, Reason::TxGuardArp));
        assert!(icmp(OWN6, &nd(133, &[0; 4], 1, OTHER)).fails(Rules::ARP, Reason::TxGuardArp));
        assert!(icmp(OWN6, &nd(134, &[0; 12], 1, OTHER)).fails(Rules::ARP, Reason::TxGuardArp));
        assert!(icmp(OWN6, &nd(137, &[0; 36], 2, OTHER)).fails(Rules::ARP, Reason::TxGuardArp));
    }

    #[test]
    fn an_option_is_found_wherever_it_is() {
        for others in 0..31 {
            let mut frame = icmp(OWN6, &neighbour(136, OWN6, OWN));
            for _ in 0..others {
                frame = frame.add(&[14, 1, 0, 0, 0, 0, 0, 0]);
            }
            assert!(frame.passes(Rules::ARP));
            let bad = frame.add(&[2, 1]).add(&OTHER);
            assert!(!bad.passes(Rules::ARP));
        }
        let endless = icmp(OWN6, &neighbour(136, OWN6, OWN)).add(&[14, 0, 0, 0]);
        assert!(endless.fails(Rules::ARP, Reason::TxGuardFrame));
    }

    #[test]
    fn routers_are_told_by_type() {
        assert!(all(0..=u8::MAX, |kind| {
            let frame = icmp(OWN6, &nd(*kind, &[0; 36], 14, OWN));
            frame.passes(Rules::RA) != matches!(kind, 134 | 137)
        }));
    }

    #[test]
    fn routers_of_ipv4_are_told_by_type() {
        assert!(all(0..=u8::MAX, |kind| {
            let first = |fragment| ipv4(OWN4, OTHER4, 1, fragment).add(&[*kind, 0, 0, 0]);
            let routes = matches!(kind, 5 | 9);
            let options = first(0).put(0, &[0x46]).put(20, &[1, 1, 1, 1]);
            first(0).passes(Rules::RA) != routes
                && first(0x2000).passes(Rules::RA) != routes
                && first(1).passes(EVERY)
                && options.add(&[*kind]).passes(Rules::RA) != routes
        }));
        assert!(ipv4(OWN4, OTHER4, 1, 0).fails(Rules::RA, Reason::TxGuardFrame));
    }

    #[test]
    fn extension_headers_hide_nothing() {
        const HEADERS: [u8; 7] = [0, 43, 44, 60, 135, 139, 140];
        let (ra, na) = (
            icmp(OWN6, &nd(134, &[0; 12], 1, OWN)),
            icmp(OWN6, &neighbour(136, OTHER6, OWN)),
        );
        for one in HEADERS {
            assert!(extended(&ra, &[one]).fails(Rules::RA, Reason::TxGuardRa));
            for two in HEADERS {
                assert!(extended(&ra, &[one, two]).fails(Rules::RA, Reason::TxGuardRa));
                assert!(all(HEADERS, |three| {
                    extended(&ra, &[one, two, *three]).fails(Rules::RA, Reason::TxGuardRa)
                        && extended(&na, &[one, two, *three]).fails(Rules::ARP, Reason::TxGuardArp)
                }));
            }
        }
        assert!(extended(&ra, &[60; 9]).fails(Rules::RA, Reason::TxGuardFrame));
        // AH counts in words of four bytes.
        assert!(extended(&ra, &[51]).fails(Rules::RA, Reason::TxGuardRa));
    }

    #[test]
    fn fragments_hide_nothing() {
        let ra = icmp(OWN6, &nd(134, &[0; 12], 1, OWN));
        let first = extended(&ra, &[44]).put(43, &[1]);
        assert!(first.fails(Rules::RA, Reason::TxGuardRa));
        let na = extended(&icmp(OWN6, &neighbour(136, OWN6, OWN)), &[44]);
        assert!(na.passes(Rules::ARP));
        // The rest may say something else.
        assert!(na.put(43, &[1]).fails(Rules::ARP, Reason::TxGuardArp));
        // Behind this a later fragment could lie over the message.
        let echo = icmp(OWN6, &Frame::new(IPV6).add(&[128, 0, 0, 0, 0, 0, 0, 0]));
        assert!(extended(&echo, &[44]).put(43, &[1]).passes(EVERY));
        assert!(all([0, 43, 44, 51, 60, 135, 139, 140], |header| {
            extended(&echo, &[44, *header])
                .put(43, &[1])
                .fails(Rules::RA, Reason::TxGuardFrame)
        }));
        assert!(all(1..0x2000u16, |offset| {
            let later = extended(&ra, &[44]).put(42, &(offset << 3).to_be_bytes());
            later.passes(Rules::RA)
        }));
    }

    #[test]
    fn what_is_cut_is_dropped() {
        let frames = [
            ipv4(OWN4, [0xff; 4], 17, 0)
                .add(&udp(68, 67))
                .add(&dhcp(1, OWN)),
            arp(1, OWN, OWN4),
            icmp(OWN6, &neighbour(136, OWN6, OWN)),
        ];
        for (frame, needed) in frames.into_iter().zip([62, 28, 64]) {
            assert!(all(0..frame.len, |len| {
                let cut = Frame { len: *len, ..frame };
                // What is whole up to there is not asked for more.
                *len >= needed || !cut.passes(EVERY)
            }));
        }
    }

    #[test]
    fn what_is_behind_a_packet_is_none_of_it() {
        let echo = icmp(OWN6, &Frame::new(IPV6).add(&[128, 0, 0, 0, 0, 0, 0, 0]));
        let packet = extended(&echo, &[60]);
        assert!(packet.put(4, &[0, 16]).passes(EVERY));
        assert!(packet.put(4, &[0, 8]).fails(EVERY, Reason::TxGuardFrame));
    }

    #[test]
    fn dhcp_asks_for_oneself() {
        let asks = |mac| {
            ipv4(OWN4, [0xff; 4], 17, 0)
                .add(&udp(68, 67))
                .add(&dhcp(1, mac))
        };
        assert!(asks(OWN).passes(EVERY));
        assert!(asks(OTHER).fails(EVERY, Reason::TxGuardArp));
        assert!(asks(OTHER).passes(Rules::DHCP_SERVER));
        for at in [29, 30] {
            assert!(all(0..=u8::MAX, |byte| {
                let frame = asks(OWN).put(at, &[*byte]);
                let same = frame.bytes.get(at) == asks(OWN).bytes.get(at);
                frame.passes(Rules::ARP) == same
            }));
        }
        let later = Frame {
            gso: true,
            ..asks(OWN)
        };
        assert!(later.fails(Rules::ARP, Reason::TxGuardDhcp));
        assert!(asks(OWN)
            .put(6, &[0x20, 0])
            .fails(Rules::ARP, Reason::TxGuardDhcp));
    }

    #[test]
    fn options_of_ipv4_move_what_is_behind() {
        for words in 6..=15u8 {
            let mut frame = ipv4(OWN4, OTHER4, 17, 0).put(0, &[0x40 | words]);
            for _ in 5..words {
                frame = frame.add(&[1; 4]);
            }
            let frame = frame.add(&udp(67, 68));
            assert!(frame.fails(Rules::DHCP_SERVER, Reason::TxGuardDhcp));
        }
        assert!(all(0..=u8::MAX, |first| {
            let frame = ipv4(OWN4, OTHER4, 6, 0).put(0, &[*first]);
            frame.passes(Rules::IP) == (0x45..=0x4f).contains(first)
        }));
    }

    #[test]
    fn servers_are_told_by_their_ports() {
        let ports = || (0..=u16::MAX).step_by(5).chain([67, 68, 546, 547]);
        assert!(all(ports(), |port| {
            let v4 = |from, to| {
                ipv4(OWN4, OTHER4, 17, 0)
                    .add(&udp(from, to))
                    .add(&dhcp(2, OWN))
            };
            let v6 = |from, to| ipv6(OWN6, OTHER6, 17).add(&udp(from, to)).add(&[7]);
            v4(*port, 1).passes(Rules::DHCP_SERVER) == (*port != 67)
                && v4(1, *port).passes(Rules::DHCP_SERVER) != matches!(port, 67 | 68)
                && v6(*port, 1).passes(Rules::DHCP_SERVER) == (*port != 547)
                && v6(1, *port).passes(Rules::DHCP_SERVER) != matches!(port, 546 | 547)
        }));
    }

    #[test]
    fn what_is_made_by_chance_passes_only_with_an_address_of_the_list() {
        let mut random = Random::new("fuzz");
        for _ in 0..20_000 {
            let mut bytes: [u8; 96] = random.bytes();
            let [a, b, c, ..] = bytes;
            let protocol = match a % 4 {
                0 => IP,
                1 => IPV6,
                2 => ARP,
                _ => u16::from_be_bytes([b, c]),
            };
            let version = if protocol == IP { 0x45 } else { 0x60 };
            bytes.iter_mut().take(1).for_each(|byte| *byte = version);
            let frame = Frame::new(protocol).add(&bytes);
            // Of 2^32 addresses 257 are listed.
            assert!(!frame.passes(EVERY) || protocol == IP);
        }
    }

    #[test]
    fn the_link_local_address_is_that_of_rfc_4291() {
        let addr = link_local(Mac::from_bytes(&[0x02, 0, 0, 0, 0, 1]), 0);
        assert_eq!(addr, *b"\xfe\x80\0\0\0\0\0\0\0\0\0\xff\xfe\0\0\x01");
        // Of several devices with one address.
        let addr = link_local(Mac::from_bytes(&[0x02, 0, 0, 0, 0, 1]), 0x1234);
        assert_eq!(addr, *b"\xfe\x80\0\0\0\0\0\0\x02\0\0\x12\x34\0\0\x01");
    }
}
