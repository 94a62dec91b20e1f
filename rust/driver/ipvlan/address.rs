// SPDX-License-Identifier: GPL-2.0

//! Which IP address a packet is for, and which one it is from.

use abstractions::net::{
    headers::{
        ArpHdr,
        Ipv4Hdr,
        Ipv6Hdr,
        NdMsg,
        ETH_P_ARP,
        ETH_P_IP,
        ETH_P_IPV6,
        IPPROTO_ICMPV6, //
    },
    inet::IpAddr,
    payload::Payload,
    skbuff::EthFrame, //
};
use kernel::prelude::*;

const NEIGHBOUR_SOLICITATION: u8 = 135;

/// One of the two ends of a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Whom it is for.
    Dest,
    /// Whom it is from.
    Source,
}

/// What `v4` or `v6` makes of the address at one end of a packet's way. `None` if it is not IP or ARP, or
/// not whole.
///
/// Who solicits a neighbour from no address wants to know whether the one that it asks for is free:
/// that one counts, at both ends.
///
/// Two functions, and one place where the first is called: so it is part of the packet's path, and an address
/// of four bytes is in a register.
#[inline(always)]
pub(crate) fn with_address<R>(
    packet: Payload<'_>,
    end: End,
    v4: impl FnOnce(u32) -> Option<R>,
    v6: impl Fn(u128) -> Option<R>,
) -> Option<R> {
    let protocol = packet.protocol();
    let addr = if protocol == ETH_P_IP {
        of_v4(packet, end)
    } else if protocol == ETH_P_IPV6 {
        return with_v6(packet, end, v6);
    } else if protocol == ETH_P_ARP {
        of_arp(packet, end)
    } else {
        None
    };
    v4(addr?)
}

/// What `v4` or `v6` makes of the address that an IP packet is routed and filtered by, whatever else is in it. `None` if
/// it is not IP.
#[inline(always)]
pub(crate) fn with_routed<R>(
    packet: Payload<'_>,
    v4: impl Fn(u32) -> Option<R>,
    v6: impl Fn(u128) -> Option<R>,
) -> Option<R> {
    match packet.protocol() {
        ETH_P_IP => packet.with_header(0, v4, |v4, _, ip: &Ipv4Hdr| {
            v4(u32::from_ne_bytes(ip.daddr))
        }),
        ETH_P_IPV6 => packet.with_header(0, v6, |v6, _, ip: &Ipv6Hdr| {
            v6(u128::from_ne_bytes(ip.daddr))
        }),
        _ => None,
    }
}

/// The address that a packet says it is from, if it is IP, whatever else is wrong with it. It is read where a
/// program of the sender's, with which the packet may share pages, cannot change it any more; an error if it
/// is too short, or there is no memory for that.
#[inline]
pub(crate) fn said_source(frame: &mut EthFrame<'_>) -> Result<Option<IpAddr>> {
    Ok(match frame.payload().protocol() {
        ETH_P_IP => Some(frame.pull_header::<Ipv4Hdr>(0).ok_or(EINVAL)?.saddr.into()),
        ETH_P_IPV6 => Some(frame.pull_header::<Ipv6Hdr>(0).ok_or(EINVAL)?.saddr.into()),
        _ => None,
    })
}

/// The address of an IPv4 packet.
#[inline(always)]
pub(crate) fn of_v4(packet: Payload<'_>, end: End) -> Option<u32> {
    packet.with_header(0, end, |end, packet, ip: &Ipv4Hdr| {
        let header_len = ip.header_len()?;
        let mut len = u32::from(ip.tot_len.get());
        if len == 0 && packet.is_gso_tcp() {
            // Too long for its own header.
            len = packet.len();
        }
        if len < header_len || packet.len() < len {
            return None;
        }
        Some(u32::from_ne_bytes(match end {
            End::Dest => ip.daddr,
            End::Source => ip.saddr,
        }))
    })
}

/// The address of an IPv6 packet.
#[inline(always)]
fn with_v6<R>(packet: Payload<'_>, end: End, f: impl Fn(u128) -> Option<R>) -> Option<R> {
    packet.with_header(0, (end, f), |(end, f), packet, ip: &Ipv6Hdr| {
        if ip.version() != 6 {
            return None;
        }
        let source = u128::from_ne_bytes(ip.saddr);
        if ip.nexthdr == IPPROTO_ICMPV6 && source == 0 {
            return with_solicited(packet, f);
        }
        f(match end {
            End::Dest => u128::from_ne_bytes(ip.daddr),
            End::Source => source,
        })
    })
}

/// The address that a neighbour solicitation asks for.
#[cold]
#[inline(never)]
fn with_solicited<R>(packet: Payload<'_>, f: impl Fn(u128) -> Option<R>) -> Option<R> {
    packet.with_header(40, f, |f, _, message: &NdMsg| {
        if message.icmp6_type != NEIGHBOUR_SOLICITATION {
            return None;
        }
        f(u128::from_ne_bytes(message.target))
    })
}

/// The address of a packet of ARP for Ethernet and IPv4, whatever else it is.
#[inline(never)]
fn of_arp(packet: Payload<'_>, end: End) -> Option<u32> {
    packet.with_header(0, end, |end, _, arp: &ArpHdr| {
        Some(u32::from_ne_bytes(match end {
            End::Dest => arp.ar_tip,
            End::Source => arp.ar_sip,
        }))
    })
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_ipvlan_address)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };
    use abstractions::{
        net::headers::ETH_P_8021Q,
        testing::with_packet, //
    };

    const ENDS: [End; 2] = [End::Dest, End::Source];

    const SOURCE4: [u8; 4] = [192, 0, 2, 1];
    const DEST4: [u8; 4] = [198, 51, 100, 2];
    const SOURCE6: [u8; 16] = *b"\x20\x01\x0d\xb8source......";
    const DEST6: [u8; 16] = *b"\x20\x01\x0d\xb8dest........";
    const TARGET: [u8; 16] = *b"\x20\x01\x0d\xb8target......";

    /// The address that is found, by its bytes. All bytes are in the linear part, or else the first ones.
    fn found(packet: &[u8], linear: usize, protocol: u16, gso: bool, end: End) -> Option<IpAddr> {
        let address = |packet: Payload<'_>| {
            with_address(
                packet,
                end,
                |addr| Some(IpAddr::V4(addr)),
                |addr| Some(IpAddr::V6(addr)),
            )
        };
        with_packet(packet, linear, protocol, gso, address)
            .ok()
            .flatten()
    }

    fn at(packet: &[u8], protocol: u16, end: End) -> Option<IpAddr> {
        found(packet, packet.len(), protocol, false, end)
    }

    /// Both addresses of a packet.
    fn both(packet: &[u8], protocol: u16) -> [Option<IpAddr>; 2] {
        ENDS.map(|end| at(packet, protocol, end))
    }

    fn v4(bytes: [u8; 4]) -> Option<IpAddr> {
        Some(bytes.into())
    }

    fn v6(bytes: [u8; 16]) -> Option<IpAddr> {
        Some(bytes.into())
    }

    /// A packet, with some of its bytes changed.
    fn with<const N: usize>(mut packet: [u8; N], changes: &[(usize, u8)]) -> [u8; N] {
        for (at, byte) in changes {
            packet
                .iter_mut()
                .skip(*at)
                .take(1)
                .for_each(|old| *old = *byte);
        }
        packet
    }

    fn put<const N: usize>(packet: &mut [u8; N], at: usize, bytes: &[u8]) {
        let room = packet.iter_mut().skip(at);
        room.zip(bytes).for_each(|(to, from)| *to = *from);
    }

    /// IPv4 with 60 bytes, whose header says that it has as many.
    fn ipv4() -> [u8; 60] {
        let mut packet = [0xee; 60];
        put(&mut packet, 0, &[0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0]);
        put(&mut packet, 12, &SOURCE4);
        put(&mut packet, 16, &DEST4);
        packet
    }

    /// IPv6 with a message of 24 bytes.
    fn ipv6(next: u8, source: [u8; 16], kind: u8) -> [u8; 64] {
        let mut packet = [0; 64];
        put(&mut packet, 0, &[0x60, 0, 0, 0, 0, 24, next, 64]);
        put(&mut packet, 8, &source);
        put(&mut packet, 24, &DEST6);
        put(&mut packet, 40, &[kind]);
        put(&mut packet, 48, &TARGET);
        packet
    }

    /// A request or an answer.
    fn arp(operation: u8) -> [u8; 28] {
        let mut packet = [0xee; 28];
        put(&mut packet, 0, &[0, 1, 8, 0, 6, 4, 0, operation]);
        put(&mut packet, 14, &SOURCE4);
        put(&mut packet, 24, &DEST4);
        packet
    }

    #[test]
    fn ipv4_has_the_addresses_of_its_header() {
        assert_eq!(both(&ipv4(), ETH_P_IP), [v4(DEST4), v4(SOURCE4)]);
    }

    #[test]
    fn ipv4_of_another_version_has_none() {
        assert!(all(0..16, |version| {
            let packet = with(ipv4(), &[(0, version << 4 | 5)]);
            at(&packet, ETH_P_IP, End::Dest).is_some() == (*version == 4)
        }));
    }

    #[test]
    fn ipv4_has_a_header_of_five_words_at_least() {
        assert!(all(0..16, |words| {
            let packet = with(ipv4(), &[(0, 0x40 | words)]);
            at(&packet, ETH_P_IP, End::Dest).is_some() == (*words >= 5)
        }));
    }

    #[test]
    fn ipv4_options_leave_addresses_where_they_are() {
        assert!(all(6..16, |words| {
            let packet = with(ipv4(), &[(0, 0x40 | words)]);
            both(&packet, ETH_P_IP) == [v4(DEST4), v4(SOURCE4)]
        }));
    }

    #[test]
    fn ipv4_that_is_not_as_long_as_it_says_has_none() {
        assert!(all(0..=u8::MAX, |len| {
            let packet = with(ipv4(), &[(3, *len)]);
            at(&packet, ETH_P_IP, End::Dest).is_some() == (20..=60).contains(len)
        }));
    }

    #[test]
    fn ipv4_is_not_shorter_than_its_own_header() {
        assert!(all(5..16, |words| {
            (0..=60).all(|len| {
                let packet = with(ipv4(), &[(0, 0x40 | words), (3, len)]);
                at(&packet, ETH_P_IP, End::Source).is_some() == (len >= words * 4)
            })
        }));
    }

    #[test]
    fn ipv4_counts_both_bytes_of_its_length() {
        assert!(all(1..=u8::MAX, |high| {
            at(&with(ipv4(), &[(2, *high)]), ETH_P_IP, End::Dest).is_none()
        }));
    }

    #[test]
    fn ipv4_of_length_zero_has_none() {
        let packet = with(ipv4(), &[(3, 0)]);
        assert_eq!(both(&packet, ETH_P_IP), [None, None]);
    }

    #[test]
    fn ipv4_of_length_zero_may_be_tcp_that_is_too_long_to_say_so() {
        let packet = with(ipv4(), &[(3, 0)]);
        assert_eq!(found(&packet, 60, ETH_P_IP, true, End::Dest), v4(DEST4));
    }

    #[test]
    fn ipv4_tcp_that_says_its_length_must_be_right() {
        let packet = with(ipv4(), &[(3, 61)]);
        assert_eq!(found(&packet, 60, ETH_P_IP, true, End::Dest), None);
    }

    #[test]
    fn ipv4_cut_in_its_header_has_none() {
        assert!(all(0..20, |len| {
            let packet = with(ipv4(), &[(3, 20)]);
            packet
                .get(..*len)
                .is_some_and(|cut| both(cut, ETH_P_IP) == [None, None])
        }));
    }

    #[test]
    fn ipv4_with_padding_has_its_addresses() {
        let packet = with(ipv4(), &[(3, 20)]);
        assert_eq!(both(&packet, ETH_P_IP), [v4(DEST4), v4(SOURCE4)]);
    }

    #[test]
    fn ipv4_of_any_protocol_is_looked_at_alike() {
        assert!(all(0..=u8::MAX, |protocol| {
            both(&with(ipv4(), &[(9, *protocol)]), ETH_P_IP) == [v4(DEST4), v4(SOURCE4)]
        }));
    }

    #[test]
    fn ipv4_fragments_have_their_addresses() {
        assert!(all(0..=u8::MAX, |fragment| {
            let packet = with(ipv4(), &[(6, *fragment), (7, !fragment)]);
            both(&packet, ETH_P_IP) == [v4(DEST4), v4(SOURCE4)]
        }));
    }

    #[test]
    fn ipv4_in_pages_is_as_in_one_piece() {
        assert!(all(0..=60, |linear| ENDS.into_iter().all(|end| {
            found(&ipv4(), *linear, ETH_P_IP, false, end) == at(&ipv4(), ETH_P_IP, end)
        })));
    }

    #[test]
    fn ipv6_has_the_addresses_of_its_header() {
        let packet = ipv6(17, SOURCE6, 0);
        assert_eq!(both(&packet, ETH_P_IPV6), [v6(DEST6), v6(SOURCE6)]);
    }

    #[test]
    fn ipv6_of_another_version_has_none() {
        assert!(all(0..=u8::MAX, |first| {
            let packet = with(ipv6(17, SOURCE6, 0), &[(0, *first)]);
            at(&packet, ETH_P_IPV6, End::Dest).is_some() == (first >> 4 == 6)
        }));
    }

    #[test]
    fn ipv6_cut_in_its_header_has_none() {
        assert!(all(0..40, |len| {
            ipv6(17, SOURCE6, 0)
                .get(..*len)
                .is_some_and(|cut| both(cut, ETH_P_IPV6) == [None, None])
        }));
    }

    #[test]
    fn ipv6_has_its_addresses_whatever_the_next_header() {
        // Extension headers among them: addresses are in front of all.
        assert!(all(0..=u8::MAX, |next| {
            let packet = ipv6(*next, SOURCE6, NEIGHBOUR_SOLICITATION);
            both(&packet, ETH_P_IPV6) == [v6(DEST6), v6(SOURCE6)]
        }));
    }

    #[test]
    fn ipv6_from_no_address_is_from_no_address() {
        assert!(all(0..=u8::MAX, |next| {
            *next == IPPROTO_ICMPV6
                || both(&ipv6(*next, [0; 16], 0), ETH_P_IPV6) == [v6(DEST6), v6([0; 16])]
        }));
    }

    #[test]
    fn ipv6_in_pages_is_as_in_one_piece() {
        let packet = ipv6(17, SOURCE6, 0);
        assert!(all(0..=64, |linear| ENDS.into_iter().all(|end| {
            found(&packet, *linear, ETH_P_IPV6, false, end) == at(&packet, ETH_P_IPV6, end)
        })));
    }

    #[test]
    fn who_asks_whether_an_address_is_free_counts_as_the_address() {
        let packet = ipv6(IPPROTO_ICMPV6, [0; 16], NEIGHBOUR_SOLICITATION);
        assert_eq!(both(&packet, ETH_P_IPV6), [v6(TARGET), v6(TARGET)]);
    }

    #[test]
    fn other_messages_from_no_address_have_none() {
        assert!(all(0..=u8::MAX, |kind| {
            *kind == NEIGHBOUR_SOLICITATION
                || both(&ipv6(IPPROTO_ICMPV6, [0; 16], *kind), ETH_P_IPV6) == [None, None]
        }));
    }

    #[test]
    fn any_bit_of_the_source_makes_it_an_address() {
        assert!(all(0..128, |bit| {
            let source = (1_u128 << bit).to_ne_bytes();
            let packet = ipv6(IPPROTO_ICMPV6, source, NEIGHBOUR_SOLICITATION);
            both(&packet, ETH_P_IPV6) == [v6(DEST6), v6(source)]
        }));
    }

    #[test]
    fn a_cut_solicitation_has_none() {
        let packet = ipv6(IPPROTO_ICMPV6, [0; 16], NEIGHBOUR_SOLICITATION);
        assert!(all(40..64, |len| {
            packet
                .get(..*len)
                .is_some_and(|cut| both(cut, ETH_P_IPV6) == [None, None])
        }));
    }

    #[test]
    fn a_solicitation_in_pages_is_as_in_one_piece() {
        let packet = ipv6(IPPROTO_ICMPV6, [0; 16], NEIGHBOUR_SOLICITATION);
        assert!(all(0..=64, |linear| {
            found(&packet, *linear, ETH_P_IPV6, false, End::Dest) == v6(TARGET)
        }));
    }

    #[test]
    fn arp_has_the_addresses_that_it_speaks_of() {
        assert_eq!(both(&arp(1), ETH_P_ARP), [v4(DEST4), v4(SOURCE4)]);
    }

    #[test]
    fn arp_is_looked_at_alike_whatever_the_operation() {
        assert!(all(0..=u8::MAX, |operation| {
            both(&arp(*operation), ETH_P_ARP) == [v4(DEST4), v4(SOURCE4)]
        }));
    }

    #[test]
    fn cut_arp_has_none() {
        assert!(all(0..28, |len| {
            arp(1)
                .get(..*len)
                .is_some_and(|cut| both(cut, ETH_P_ARP) == [None, None])
        }));
    }

    #[test]
    fn arp_in_pages_is_as_in_one_piece() {
        assert!(all(0..=28, |linear| {
            found(&arp(1), *linear, ETH_P_ARP, false, End::Source) == v4(SOURCE4)
        }));
    }

    #[test]
    fn other_protocols_have_no_addresses() {
        let known = [ETH_P_IP, ETH_P_IPV6, ETH_P_ARP];
        assert!(all(0..=u16::MAX, |protocol| {
            known.contains(protocol) || at(&ipv4(), *protocol, End::Dest).is_none()
        }));
    }

    #[test]
    fn a_protocol_is_what_the_packet_says_not_what_it_looks_like() {
        assert_eq!(both(&ipv4(), ETH_P_IPV6), [None, None]);
        assert_eq!(both(&ipv6(17, SOURCE6, 0), ETH_P_IP), [None, None]);
        assert_eq!(both(&ipv4(), ETH_P_8021Q), [None, None]);
    }

    #[test]
    fn nothing_at_all_has_no_address() {
        assert!(all([ETH_P_IP, ETH_P_IPV6, ETH_P_ARP], |protocol| {
            both(&[], *protocol) == [None, None]
        }));
    }

    /// The address that a packet is routed by.
    fn routed(packet: &[u8], protocol: u16) -> Option<IpAddr> {
        let address = |packet: Payload<'_>| {
            with_routed(
                packet,
                |addr| Some(IpAddr::V4(addr)),
                |addr| Some(IpAddr::V6(addr)),
            )
        };
        with_packet(packet, packet.len(), protocol, false, address)
            .ok()
            .flatten()
    }

    #[test]
    fn a_packet_is_routed_by_its_header() {
        assert_eq!(routed(&ipv4(), ETH_P_IP), v4(DEST4));
        assert_eq!(routed(&arp(1), ETH_P_ARP), None);
        assert!(all(0..=u8::MAX, |len| {
            routed(&with(ipv4(), &[(2, *len), (3, *len)]), ETH_P_IP) == v4(DEST4)
        }));
        // Whatever it asks for, of whatever address it is.
        assert!(all(0..=u8::MAX, |kind| {
            [SOURCE6, [0; 16]].into_iter().all(|source| {
                let packet = ipv6(IPPROTO_ICMPV6, source, *kind);
                routed(&packet, ETH_P_IPV6) == v6(DEST6)
            })
        }));
    }

    #[test]
    fn bytes_by_chance_are_the_same_in_pages() {
        let mut random = Random::new("address");
        for _ in 0..3000 {
            let packet = with::<64>(random.bytes(), &[(2, 0)]);
            let [linear, protocol, version] = random.bytes();
            let linear = usize::from(linear & 0x3f);
            let (protocol, first) = match protocol % 3 {
                0 => (ETH_P_IP, 0x45 | version & 0xf),
                1 => (ETH_P_IPV6, 0x60 | version & 0xf),
                _ => (ETH_P_ARP, version),
            };
            let packet = with(packet, &[(0, first)]);
            assert!(all(ENDS, |end| {
                found(&packet, linear, protocol, false, *end) == at(&packet, protocol, *end)
            }));
        }
    }

    #[test]
    fn what_the_caller_makes_of_an_address_is_the_result() {
        let nothing = with_packet(&ipv4(), 60, ETH_P_IP, false, |packet| {
            with_address(packet, End::Dest, |_| None::<()>, |_| None)
        });
        assert_eq!(nothing, Ok(None));
    }
}
