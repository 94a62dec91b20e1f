// SPDX-License-Identifier: GPL-2.0

//! Headers of protocols as they are on the wire; fields have the names that they have in C.
//!
//! Numbers have the order of the network (`get()`), addresses are bytes. All may lie anywhere, and have no
//! padding: [`Payload::with_header`](super::payload::Payload::with_header) looks at one where it is.
//!
//! # Context
//!
//! Any: numbers only.
//!
//! # Examples
//!
//! ```
//! use abstractions::net::headers::Ipv4Hdr;
//! use zerocopy::FromBytes;
//!
//! let bytes = [0x46, 0, 0, 40, 0, 0, 0x20, 3, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
//! let ip = Ipv4Hdr::read_from_bytes(&bytes).map_err(|_| EINVAL)?;
//! assert_eq!((ip.header_len(), ip.fragment_offset(), ip.has_more_fragments()), (Some(24), 3, true));
//! assert_eq!((ip.tot_len.get(), ip.daddr), (40, [192, 0, 2, 2]));
//! ```

use zerocopy::{
    byteorder::network_endian::{
        U16,
        U32, //
    },
    FromBytes,
    Immutable,
    Unaligned, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    Unaligned, //
};

/// IPv4 (`<linux/if_ether.h>`, as all `ETH_P_*`).
pub const ETH_P_IP: u16 = 0x0800;
/// ARP.
pub const ETH_P_ARP: u16 = 0x0806;
/// Reverse ARP.
pub const ETH_P_RARP: u16 = 0x8035;
/// A VLAN tag.
pub const ETH_P_8021Q: u16 = 0x8100;
/// IPv6.
pub const ETH_P_IPV6: u16 = 0x86dd;
/// Flow control, which is between two ports of a wire.
pub const ETH_P_PAUSE: u16 = 0x8808;
/// A VLAN tag of a provider.
pub const ETH_P_8021AD: u16 = 0x88a8;
/// What is below is the length of an IEEE 802.3 frame.
pub const ETH_P_802_3_MIN: u16 = 0x0600;

/// ICMP (`<linux/in.h>`, as all `IPPROTO_*`).
pub const IPPROTO_ICMP: u8 = 1;
/// IGMP.
pub const IPPROTO_IGMP: u8 = 2;
/// TCP.
pub const IPPROTO_TCP: u8 = 6;
/// UDP.
pub const IPPROTO_UDP: u8 = 17;
/// The header of a fragment of IPv6.
pub const IPPROTO_FRAGMENT: u8 = 44;
/// The authentication header of IPsec.
pub const IPPROTO_AH: u8 = 51;
/// ICMPv6.
pub const IPPROTO_ICMPV6: u8 = 58;

/// What can be looked at wherever it lies: any bytes are one.
pub trait Header: FromBytes + Immutable + Unaligned {}

impl<T: FromBytes + Immutable + Unaligned> Header for T {}

/// `struct iphdr`: IPv4, without options.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Ipv4Hdr {
    /// The version, and the length of the header in words of four bytes: a half of the byte each.
    pub version_ihl: u8,
    pub tos: u8,
    pub tot_len: U16,
    pub id: U16,
    /// Flags and an offset: [`fragment_offset`](Self::fragment_offset).
    pub frag_off: U16,
    pub ttl: u8,
    pub protocol: u8,
    pub check: U16,
    pub saddr: [u8; 4],
    pub daddr: [u8; 4],
}

impl Ipv4Hdr {
    /// Returns how many bytes of the packet are header, options included. `None` if it is of another version,
    /// or shorter than it can be.
    #[inline(always)]
    pub fn header_len(&self) -> Option<u32> {
        // Version 4, and at least five words.
        if !matches!(self.version_ihl, 0x45..=0x4f) {
            return None;
        }
        Some(u32::from(self.version_ihl & 0xf) << 2)
    }

    /// Returns where in a packet this fragment belongs, in units of eight bytes (`IP_OFFSET`).
    #[inline]
    pub fn fragment_offset(&self) -> u16 {
        self.frag_off.get() & 0x1fff
    }

    /// Says whether more fragments come behind this one (`IP_MF`).
    #[inline]
    pub fn has_more_fragments(&self) -> bool {
        self.frag_off.get() & 0x2000 != 0
    }
}

/// `struct ipv6hdr`, without extension headers.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Ipv6Hdr {
    /// The version, and a half of the priority: a half of the byte each.
    pub version_priority: u8,
    pub flow_lbl: [u8; 3],
    pub payload_len: U16,
    pub nexthdr: u8,
    pub hop_limit: u8,
    pub saddr: [u8; 16],
    pub daddr: [u8; 16],
}

impl Ipv6Hdr {
    /// Returns the version, which is 6 if it is IPv6.
    #[inline(always)]
    pub fn version(&self) -> u8 {
        self.version_priority >> 4
    }
}

/// `struct frag_hdr`: the extension header of a fragment of IPv6.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct FragHdr {
    pub nexthdr: u8,
    pub reserved: u8,
    /// An offset and a flag: [`offset`](Self::offset).
    pub frag_off: U16,
    pub identification: U32,
}

impl FragHdr {
    /// Returns where in a packet this fragment belongs, in units of eight bytes (`IP6_OFFSET`).
    pub fn offset(&self) -> u16 {
        self.frag_off.get() >> 3
    }

    /// Says whether more fragments come behind this one (`IP6_MF`).
    pub fn has_more(&self) -> bool {
        self.frag_off.get() & 1 != 0
    }
}

/// `struct ipv6_opt_hdr`: how all other extension headers of IPv6 begin.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Ipv6OptHdr {
    pub nexthdr: u8,
    /// In units of the header.
    pub hdrlen: u8,
}

/// `struct arphdr`, and what follows where it is about Ethernet and IPv4.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct ArpHdr {
    pub ar_hrd: U16,
    pub ar_pro: U16,
    pub ar_hln: u8,
    pub ar_pln: u8,
    pub ar_op: U16,
    pub ar_sha: [u8; 6],
    pub ar_sip: [u8; 4],
    pub ar_tha: [u8; 6],
    pub ar_tip: [u8; 4],
}

/// `struct udphdr`.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct UdpHdr {
    pub source: U16,
    pub dest: U16,
    pub len: U16,
    pub check: U16,
}

/// `struct nd_msg`: a neighbour solicitation or advertisement (`struct icmp6hdr`), and whom it is about. Options
/// follow.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct NdMsg {
    pub icmp6_type: u8,
    pub icmp6_code: u8,
    pub icmp6_cksum: U16,
    pub icmp6_flags: U32,
    pub target: [u8; 16],
}

/// `struct nd_opt_hdr`: how options of neighbour discovery begin.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct NdOptHdr {
    pub nd_opt_type: u8,
    /// Of the whole option, in units of eight bytes.
    pub nd_opt_len: u8,
}

/// An option of neighbour discovery that says a MAC address.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct NdOptLinkAddr {
    pub hdr: NdOptHdr,
    pub addr: [u8; 6],
}

/// A message of BOOTP and DHCP (`struct bootp_pkt` of `net/ipv4/ipconfig.c`), as far as a client's MAC address.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct DhcpMsg {
    pub op: u8,
    pub htype: u8,
    pub hlen: u8,
    pub hops: u8,
    pub xid: U32,
    pub secs: U16,
    pub flags: U16,
    pub client_ip: [u8; 4],
    pub your_ip: [u8; 4],
    pub server_ip: [u8; 4],
    pub relay_ip: [u8; 4],
    /// Six of sixteen bytes.
    pub hw_addr: [u8; 6],
}

/// `struct vlan_hdr`: a VLAN tag behind the type that says that it is one.
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs, non_snake_case)]
pub struct VlanHdr {
    pub h_vlan_TCI: U16,
    pub h_vlan_encapsulated_proto: U16,
}

/// LLC and SNAP: the type that is inside of an IEEE 802.3 frame (RFC 1042).
#[derive(Clone, Copy, FromBytes, Immutable, Unaligned)]
#[repr(C)]
#[allow(missing_docs)]
pub struct SnapHdr {
    pub dsap: u8,
    pub ssap: u8,
    pub ctrl: u8,
    pub oui: [u8; 3],
    pub ethertype: U16,
}

const _: () = {
    assert!(size_of::<Ipv4Hdr>() == 20 && size_of::<Ipv6Hdr>() == 40);
    assert!(size_of::<FragHdr>() == 8 && size_of::<Ipv6OptHdr>() == 2);
    assert!(size_of::<ArpHdr>() == 28 && size_of::<UdpHdr>() == 8);
    assert!(size_of::<NdMsg>() == 24 && size_of::<NdOptLinkAddr>() == 8);
    assert!(size_of::<DhcpMsg>() == 34);
    assert!(size_of::<VlanHdr>() == 4 && size_of::<SnapHdr>() == 8);
};
