// SPDX-License-Identifier: GPL-2.0

//! Checksums that are computed when a frame leaves, after it was looked at.
//!
//! A stack leaves them to the lower device, and says where they go. So does who sends frames of his own
//! making (`PACKET_VNET_HDR`, a tap's header, AF_XDP): for him that is two bytes that he can have written
//! anywhere in the frame, later.

use super::verdict::{
    ports,
    unwrap,
    upper,
    Bytes,
    DHCP,
    DHCPV6, //
};
use abstractions::net::headers::{
    Ipv4Hdr,
    Ipv6Hdr,
    ETH_P_802_3_MIN,
    ETH_P_ARP,
    ETH_P_IP,
    ETH_P_IPV6,
    ETH_P_RARP,
    IPPROTO_ICMP,
    IPPROTO_ICMPV6,
    IPPROTO_TCP,
    IPPROTO_UDP, //
};

/// Whether a checksum, `offset` bytes behind `start`, is that of a transport header, or inside of a tunnel.
pub(crate) fn is_where_it_belongs(
    frame: &mut impl Bytes,
    protocol: u16,
    start: usize,
    offset: usize,
) -> bool {
    let Some((protocol, at)) = transport(frame, protocol) else {
        return false;
    };
    let Some(start) = start.checked_sub(at) else {
        return false;
    };
    match protocol {
        Some(IPPROTO_TCP) => (start, offset) == (0, 16),
        Some(IPPROTO_ICMPV6) => (start, offset) == (0, 2),
        Some(IPPROTO_ICMP) => false,
        Some(IPPROTO_UDP) => {
            (start, offset) == (0, 6)
                || start >= 8
                    && ports(frame, at).is_some_and(|(from, to)| !is_dhcp(from) && !is_dhcp(to))
        }
        // The ports, where there are any.
        Some(_) => start.saturating_add(offset) >= 4,
        None => true,
    }
}

fn is_dhcp(port: u16) -> bool {
    port == DHCP.0 || port == DHCP.1 || port == DHCPV6.0 || port == DHCPV6.1
}

/// Which transport protocol there is, and where; or where that is which is none of IP. `None` if what is there
/// cannot be known, or has no checksum of a transport header.
fn transport(frame: &mut impl Bytes, protocol: u16) -> Option<(Option<u8>, usize)> {
    let (protocol, at) = unwrap(protocol, frame).ok()?;
    match protocol {
        ETH_P_IP => {
            let ip: Ipv4Hdr = frame.header(at)?;
            let behind = at.wrapping_add(ip.header_len()? as usize);
            let is_fragment = ip.fragment_offset() != 0 || ip.has_more_fragments();
            (!is_fragment).then_some((Some(ip.protocol), behind))
        }
        ETH_P_IPV6 => {
            let ip: Ipv6Hdr = frame.header(at)?;
            let upper = upper(frame, ip.nexthdr, at.wrapping_add(size_of::<Ipv6Hdr>())).ok()?;
            (ip.version() == 6 && !upper.more && !upper.is_later)
                .then_some((Some(upper.protocol), upper.at))
        }
        ETH_P_ARP | ETH_P_RARP | 0..ETH_P_802_3_MIN => None,
        _ => Some((None, at)),
    }
}
