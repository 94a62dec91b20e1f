// SPDX-License-Identifier: GPL-2.0

//! Which IP address a packet is for, and which one it is from.

use abstractions::net::{
    inet::IpAddr,
    payload::Payload, //
};

const ETH_P_IP: u16 = 0x0800;
pub(crate) const ETH_P_ARP: u16 = 0x0806;
const ETH_P_IPV6: u16 = 0x86dd;

const IPPROTO_ICMPV6: u8 = 58;
const NEIGHBOUR_SOLICITATION: u8 = 135;

/// One of the two ends of a packet's way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Whom it is for.
    Dest,
    /// Whom it is from.
    Source,
}

/// What `f` makes of the address at one end of a packet's way. `None` if it is not IP or ARP, or not
/// whole.
///
/// Who solicits a neighbour from no address wants to know whether the one that it asks for is free:
/// that one counts, at both ends.
#[inline(always)]
pub(crate) fn with_address<R>(
    packet: Payload<'_>,
    end: End,
    f: impl Fn(IpAddr) -> Option<R>,
) -> Option<R> {
    let protocol = packet.protocol();
    if protocol == ETH_P_IP {
        with_v4(packet, end, f)
    } else if protocol == ETH_P_IPV6 {
        with_v6(packet, end, f)
    } else if protocol == ETH_P_ARP {
        with_arp(packet, end, f)
    } else {
        None
    }
}

/// The address that an IP packet says it is from, whatever else is wrong with it.
#[inline]
pub(crate) fn said_source(packet: Payload<'_>) -> Option<IpAddr> {
    match packet.protocol() {
        ETH_P_IP => packet.with_bytes(12, (), |(), _, addr: &[u8; 4]| {
            Some(IpAddr::V4(u32::from_ne_bytes(*addr)))
        }),
        ETH_P_IPV6 => packet.with_bytes(8, (), |(), _, addr: &[u8; 16]| {
            Some(IpAddr::V6(u128::from_ne_bytes(*addr)))
        }),
        _ => None,
    }
}

/// The address of an IPv4 packet.
#[inline(always)]
fn with_v4<R>(packet: Payload<'_>, end: End, f: impl Fn(IpAddr) -> Option<R>) -> Option<R> {
    packet.with_bytes(0, (end, f), |(end, f), packet, header: &[u8; 20]| {
        let [first, _, len_high, len_low, _, _, _, _, _, _, _, _, ends @ ..] = header;
        // Version 4, and at least five words.
        if !(0x45..=0x4f).contains(first) {
            return None;
        }
        let header_len = u32::from(first & 0xf) << 2;
        let mut len = u32::from(u16::from_be_bytes([*len_high, *len_low]));
        if len == 0 && packet.is_gso_tcp() {
            // Too long for its own header.
            len = packet.len();
        }
        if len < header_len || packet.len() < len {
            return None;
        }
        let addr = match end {
            End::Dest => ends.last_chunk()?,
            End::Source => ends.first_chunk()?,
        };
        f(IpAddr::V4(u32::from_ne_bytes(*addr)))
    })
}

/// The address of an IPv6 packet.
#[inline(always)]
fn with_v6<R>(packet: Payload<'_>, end: End, f: impl Fn(IpAddr) -> Option<R>) -> Option<R> {
    packet.with_bytes(0, (end, f), |(end, f), packet, header: &[u8; 40]| {
        let (&[first, _, _, _, _, _, next, _], ends) = header.split_first_chunk::<8>()?;
        if first >> 4 != 6 {
            return None;
        }
        let (source, dest) = ends.split_first_chunk::<16>()?;
        let source = u128::from_ne_bytes(*source);
        if next == IPPROTO_ICMPV6 && source == 0 {
            return with_solicited(packet, f);
        }
        f(IpAddr::V6(match end {
            End::Dest => u128::from_ne_bytes(*dest.first_chunk()?),
            End::Source => source,
        }))
    })
}

/// The address that a neighbour solicitation asks for.
#[cold]
#[inline(never)]
fn with_solicited<R>(packet: Payload<'_>, f: impl Fn(IpAddr) -> Option<R>) -> Option<R> {
    packet.with_bytes(40, f, |f, _, message: &[u8; 24]| {
        let (kind, target) = (message.first()?, message.last_chunk()?);
        if *kind != NEIGHBOUR_SOLICITATION {
            return None;
        }
        f(IpAddr::V6(u128::from_ne_bytes(*target)))
    })
}

/// The address of a packet of ARP for Ethernet and IPv4, whatever else it is.
#[inline(never)]
fn with_arp<R>(packet: Payload<'_>, end: End, f: impl Fn(IpAddr) -> Option<R>) -> Option<R> {
    packet.with_bytes(0, (end, f), |(end, f), _, message: &[u8; 28]| {
        let addr = match end {
            End::Dest => message.last_chunk()?,
            End::Source => message.get(14..18)?.first_chunk()?,
        };
        f(IpAddr::V4(u32::from_ne_bytes(*addr)))
    })
}
