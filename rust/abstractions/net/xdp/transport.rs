// SPDX-License-Identifier: GPL-2.0

//! Where TCP or UDP are in a packet, after a program may have made anything of it. What the skb says of that is
//! the sender's: in a container anybody says it, and not even of what the program has seen.

use crate::{
    bindings,
    net::headers::{
        Ipv4Hdr,
        Ipv6Hdr,
        ETH_P_8021AD,
        ETH_P_8021Q,
        ETH_P_IP,
        ETH_P_IPV6,
        IPPROTO_TCP,
        IPPROTO_UDP, //
    },
};
use core::slice;
use zerocopy::FromBytes;

/// TCP or UDP right behind the IP header of a frame, which is all there.
#[derive(Clone, Copy)]
struct Transport {
    is_tcp: bool,
    is_v6: bool,
    /// Where the addresses of IP are, in bytes from the beginning of the frame.
    addresses: u32,
    /// Where the header is, in bytes from the beginning of the frame.
    offset: u32,
    /// How long the header is.
    header_len: u32,
    /// How long that and the data are.
    len: u32,
}

impl Transport {
    /// Looks for it in a frame of `len` bytes, of which the first ones are in one piece.
    fn find(frame: &[u8], len: usize) -> Option<Self> {
        let word = |at: usize| {
            let bytes = frame.get(at..at.saturating_add(2))?;
            Some(u16::from_be_bytes(bytes.try_into().ok()?))
        };
        // A provider's tag, and one inside.
        let (mut at, mut tags) = (12usize, 0);
        let ethertype = loop {
            match word(at)? {
                ETH_P_8021Q | ETH_P_8021AD if tags < 2 => tags += 1,
                other => break other,
            }
            at = at.saturating_add(4);
        };
        let at = at.saturating_add(2);
        let bytes = frame.get(at..)?;
        let is_v6 = ethertype == ETH_P_IPV6;
        let (protocol, ip_len, rest, addresses) = match ethertype {
            ETH_P_IP => {
                let (ip, _) = Ipv4Hdr::read_from_prefix(bytes).ok()?;
                if ip.fragment_offset() != 0 || ip.has_more_fragments() {
                    return None;
                }
                let ip_len = ip.header_len()? as usize;
                let rest = usize::from(ip.tot_len.get()).checked_sub(ip_len)?;
                (ip.protocol, ip_len, rest, at.saturating_add(12))
            }
            ETH_P_IPV6 => {
                let (ip, _) = Ipv6Hdr::read_from_prefix(bytes).ok()?;
                if ip.version() != 6 {
                    return None;
                }
                let rest = usize::from(ip.payload_len.get());
                (ip.nexthdr, 40, rest, at.saturating_add(8))
            }
            _ => return None,
        };
        let offset = at.saturating_add(ip_len);
        let header = frame.get(offset..)?;
        let header_len = match protocol {
            IPPROTO_TCP => usize::from(header.get(12)? >> 4) << 2,
            IPPROTO_UDP => 8,
            _ => return None,
        };
        let least = if protocol == IPPROTO_TCP { 20 } else { 8 };
        if header_len < least || header.len() < least || rest < header_len {
            return None;
        }
        // CAST: Within the frame.
        #[allow(clippy::cast_possible_truncation)]
        (offset.saturating_add(rest) <= len).then_some(Self {
            is_tcp: protocol == IPPROTO_TCP,
            is_v6,
            addresses: addresses as u32,
            offset: offset as u32,
            header_len: header_len as u32,
            len: rest as u32,
        })
    }

    /// Where in the header the checksum is.
    fn csum_offset(self) -> usize {
        if self.is_tcp {
            16
        } else {
            6
        }
    }
}

/// Completes the checksum of a packet, which was left to a later device, before it becomes a frame, which cannot say
/// so: of TCP, and of UDP that has one, right behind the IP header. It is computed from nothing but what is to be sent:
/// the program may have changed any of it. What else the sender wants to have written stays as the program left it. The
/// packet does not wait for a checksum any more.
///
/// # Safety
///
/// `skb` must be valid, nobody else may have its data, and `xdp` be what a program has made of it.
#[cold]
#[inline(never)]
pub(super) unsafe fn complete_checksum(skb: *mut bindings::sk_buff, xdp: &mut bindings::xdp_buff) {
    // SAFETY: By the caller's guarantee.
    let found = unsafe {
        bindings::skb_forget_csum(skb);
        find(skb, xdp)
    };
    let Some(found) = found else {
        return;
    };
    // SAFETY: As above; all that is read and written is in the buffer, the headers in its first piece, by what has been
    // found.
    unsafe {
        bindings::xdp_buff_complete_checksum(
            xdp,
            found.addresses,
            found.offset,
            found.len,
            found.is_tcp,
            found.is_v6,
        );
    }
}

/// Looks at a packet anew that a program has changed in length or moved, and that is to be cut some day, or whose checksum
/// was left to a later device: says again where that is, and that its headers are to be checked before it is cut. If what is
/// behind the IP header does not wait for a checksum (a program has put a tunnel in front of what does), that stays where it
/// was; or there is none, if it would be outside by now. False: it is to be cut, and nobody could do that.
///
/// # Safety
///
/// As for [`complete_checksum`].
#[cold]
#[inline(never)]
pub(super) unsafe fn look_anew(skb: *mut bindings::sk_buff, xdp: &mut bindings::xdp_buff) -> bool {
    // SAFETY: By the caller's guarantee.
    let (is_gso, is_partial) = unsafe {
        (
            bindings::skb_is_gso(skb),
            bindings::skb_has_partial_csum(skb),
        )
    };
    if !is_partial {
        return !is_gso;
    }
    // SAFETY: As above; all that is read is in the first piece, by what has been found.
    let waits = |found: &Transport| unsafe {
        bindings::xdp_buff_has_pseudo_sum(
            xdp,
            found.addresses,
            found.offset,
            found.len,
            found.is_tcp,
            found.is_v6,
        )
    };
    // SAFETY: As above.
    let Some(found) = (unsafe { find(skb, xdp) }).filter(waits) else {
        // SAFETY: As above.
        unsafe { bindings::skb_forget_csum_outside(skb) };
        return !is_gso;
    };
    // SAFETY: As above; what was found is in the first piece, which is behind the head.
    unsafe { bindings::skb_set_csum_start(skb, xdp.data.byte_add(found.offset as usize)) };
    let data = found.len.saturating_sub(found.header_len);
    // SAFETY: As above.
    !is_gso || unsafe { bindings::skb_look_at_gso_anew(skb, found.is_tcp, found.is_v6, data) }
}

/// What of a packet its checksum is, which was left to a later device, if that is not what is in a tunnel.
///
/// # Safety
///
/// As for [`complete_checksum`].
unsafe fn find(skb: *const bindings::sk_buff, xdp: &bindings::xdp_buff) -> Option<Transport> {
    // SAFETY: By the caller's guarantee. Nobody writes the bytes between both ends while they are looked at here.
    let (frame, len, csum_offset) = unsafe {
        if bindings::skb_is_encapsulated(skb) {
            return None;
        }
        let first = (xdp.data_end as usize).saturating_sub(xdp.data as usize);
        (
            slice::from_raw_parts(xdp.data.cast::<u8>(), first),
            bindings::xdp_buff_len(xdp) as usize,
            usize::from(bindings::skb_csum_offset(skb)),
        )
    };
    Transport::find(frame, len).filter(|found| found.csum_offset() == csum_offset)
}
