// SPDX-License-Identifier: GPL-2.0

//! Which packets a link cannot do without, whatever else it sends: those that find neighbours.

use abstractions::net::{
    headers::{
        Ipv6Hdr,
        VlanHdr,
        ETH_P_8021AD,
        ETH_P_8021Q,
        ETH_P_ARP,
        ETH_P_IPV6,
        IPPROTO_ICMPV6, //
    },
    payload::Payload, //
};

/// Longer ones are not what they seem, or can wait.
const LONGEST: u32 = 256;

// Lengths of headers; both are few bytes.
#[allow(clippy::cast_possible_truncation)]
const VLAN_HLEN: u16 = size_of::<VlanHdr>() as u16;
#[allow(clippy::cast_possible_truncation)]
const IPV6_HLEN: u16 = size_of::<Ipv6Hdr>() as u16;

const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// Whether it is ARP or neighbour discovery, perhaps behind a VLAN tag: by what is in front, which is all that
/// those have who are not out for something else.
pub(crate) fn is_about_neighbours(packet: Payload<'_>) -> bool {
    if packet.len() > LONGEST {
        return false;
    }
    match packet.protocol() {
        ETH_P_8021Q | ETH_P_8021AD => packet
            .with_header(0, (), |(), packet, tag: &VlanHdr| {
                is(packet, tag.h_vlan_encapsulated_proto.get(), VLAN_HLEN)
            })
            .is_some(),
        protocol => is(packet, protocol, 0).is_some(),
    }
}

/// The same of what begins `at` bytes behind the beginning, and is of that protocol.
fn is(packet: Payload<'_>, protocol: u16, at: u16) -> Option<()> {
    match protocol {
        ETH_P_ARP => Some(()),
        ETH_P_IPV6 => {
            packet.with_header(at, (), |(), _, ip: &Ipv6Hdr| {
                (ip.version() == 6 && ip.nexthdr == IPPROTO_ICMPV6).then_some(())
            })?;
            let at = at.wrapping_add(IPV6_HLEN);
            packet.with_header(at, (), |(), _, kind: &u8| {
                (ROUTER_SOLICITATION..=NEIGHBOUR_ADVERTISEMENT)
                    .contains(kind)
                    .then_some(())
            })
        }
        _ => None,
    }
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_neighbours)]
mod tests {
    use super::*;
    use crate::cases::all;
    use abstractions::testing::with_packet;

    fn asked(bytes: &[u8], linear: usize, protocol: u16) -> bool {
        with_packet(bytes, linear, protocol, false, is_about_neighbours).unwrap_or(false)
    }

    /// An IPv6 packet, with that next header and behind the header that byte.
    fn ipv6(next: u8, kind: u8) -> [u8; 64] {
        core::array::from_fn(|at| match at {
            0 => 0x60,
            6 => next,
            40 => kind,
            _ => 0,
        })
    }

    #[test]
    fn arp_is_and_other_protocols_are_not() {
        assert!(all(0..=u16::MAX, |protocol| {
            asked(&[0; 46], 46, *protocol) == (*protocol == ETH_P_ARP)
        }));
    }

    #[test]
    fn neighbour_discovery_is_and_no_other_icmpv6() {
        assert!(all(0..=u8::MAX, |kind| {
            let is = (133..=136).contains(kind);
            [64, 41, 40, 1]
                .into_iter()
                .all(|linear| asked(&ipv6(58, *kind), linear, ETH_P_IPV6) == is)
        }));
        assert!(all(0..=u8::MAX, |next| {
            asked(&ipv6(*next, 135), 64, ETH_P_IPV6) == (*next == 58)
        }));
    }

    #[test]
    fn it_is_behind_a_tag_too() {
        assert!(all([ETH_P_8021Q, ETH_P_8021AD], |tag| {
            let behind = |inner: u16, kind: u8| {
                let [high, low] = inner.to_be_bytes();
                let packet = ipv6(58, kind);
                let tagged: [u8; 68] = core::array::from_fn(|at| match at {
                    0 | 1 => 0,
                    2 => high,
                    3 => low,
                    at => packet.get(at - 4).copied().unwrap_or(0),
                });
                asked(&tagged, 68, *tag)
            };
            behind(ETH_P_ARP, 0)
                && behind(ETH_P_IPV6, 135)
                && !behind(ETH_P_IPV6, 128)
                && !behind(0x0800, 135)
                && !behind(ETH_P_8021Q, 135)
        }));
    }

    #[test]
    fn what_is_cut_or_long_is_not() {
        let packet = ipv6(58, 135);
        assert!(all(0..=40, |len| {
            !asked(packet.get(..*len).unwrap_or_default(), *len, ETH_P_IPV6)
        }));
        assert!(asked(packet.get(..41).unwrap_or_default(), 41, ETH_P_IPV6));
        assert!(asked(&[0; 256], 256, ETH_P_ARP) && !asked(&[0; 257], 257, ETH_P_ARP));
        assert!(all(0..4, |len| {
            !asked([8; 4].get(..*len).unwrap_or_default(), *len, ETH_P_8021Q)
        }));
    }
}
