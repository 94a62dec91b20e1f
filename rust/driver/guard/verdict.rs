// SPDX-License-Identifier: GPL-2.0

//! Whether a frame keeps to the rules of its sender's guard.
//!
//! Decisions are functions of bytes; no packet is looked at but through [`Bytes`]. What cannot be looked at,
//! because it is cut, in fragments or behind too many headers, is dropped where a rule would want to know.

use super::rules::{
    Entry,
    Guard,
    Rules, //
};
use crate::drops::Reason;
use abstractions::net::{
    headers::{
        ArpHdr,
        DhcpMsg,
        FragHdr,
        Header,
        Ipv4Hdr,
        Ipv6Hdr,
        Ipv6OptHdr,
        NdMsg,
        NdOptHdr,
        NdOptLinkAddr,
        SnapHdr,
        UdpHdr,
        VlanHdr,
        ETH_P_8021AD,
        ETH_P_8021Q,
        ETH_P_802_3_MIN,
        ETH_P_ARP,
        ETH_P_IP,
        ETH_P_IPV6,
        ETH_P_RARP,
        IPPROTO_AH,
        IPPROTO_FRAGMENT,
        IPPROTO_ICMP,
        IPPROTO_ICMPV6,
        IPPROTO_IGMP,
        IPPROTO_UDP, //
    },
    inet::IpAddr,
    mac::Mac, //
};

/// Types that are no VLAN tags to the kernel, but to switches.
const ETH_P_QINQ: [u16; 3] = [0x9100, 0x9200, 0x9300];

/// How many VLAN tags and other headers there may be in front of a packet.
const MAX_TAGS: u32 = 4;
/// How many extension headers.
const MAX_HEADERS: u32 = 8;
/// How many options of neighbour discovery.
const MAX_OPTIONS: u32 = 32;

/// The port of DHCP servers, and that of clients.
pub(super) const DHCP: (u16, u16) = (67, 68);
pub(super) const DHCPV6: (u16, u16) = (547, 546);

/// A frame, without its Ethernet header.
pub(crate) trait Bytes {
    /// The header from there on, which nobody changes any more; `None` if the frame is shorter.
    fn header<T: Header>(&mut self, at: usize) -> Option<T>;

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether it is several packets in one, that are cut later.
    fn is_gso(&self) -> bool;

    /// What the sender says the protocol is (`skb->protocol`), whatever the header says.
    fn said_protocol(&self) -> u16;
}

/// Whose a frame is to be.
struct Sender<'a> {
    guard: &'a Guard,
    mac: Mac,
}

/// What is wrong with what cannot be looked at.
const CUT: Reason = Reason::TxGuardFrame;

impl Guard {
    fn sender(&self, mac: Mac) -> Sender<'_> {
        Sender {
            guard: self,
            mac: self.mac.unwrap_or(mac),
        }
    }

    /// Whether frames of an endpoint with the MAC address `mac` may say that they are from `source`.
    pub(crate) fn may_be_from(&self, mac: Mac, source: Mac) -> bool {
        !self.rules.any(Rules::MAC) || self.sender(mac).has_mac(source.to_bytes())
    }

    /// Whether an endpoint with the MAC address `mac` may say that `addr` is there.
    pub(crate) fn may_have(&self, mac: Mac, addr: IpAddr) -> bool {
        let sender = self.sender(mac);
        let has = match addr {
            IpAddr::V4(addr) => sender.has_v4(addr.to_ne_bytes()),
            IpAddr::V6(addr) => sender.has_v6(addr.to_ne_bytes()),
        };
        (has || !self.rules.any(Rules::IP.with(Rules::ARP)))
            && (sender.has_mac(mac.to_bytes()) || !self.rules.any(Rules::MAC.with(Rules::ARP)))
    }

    /// Whether a frame of an endpoint with the MAC address `mac` may pass; `source` and `protocol` are those
    /// of its Ethernet header.
    pub(crate) fn check(
        &self,
        mac: Mac,
        source: Mac,
        protocol: u16,
        frame: &mut impl Bytes,
    ) -> Result<(), Reason> {
        if !self.may_be_from(mac, source) {
            return Err(Reason::TxGuardMac);
        }
        const INSIDE: Rules = Rules::IP
            .with(Rules::ARP)
            .with(Rules::RA)
            .with(Rules::DHCP_SERVER);
        if !self.rules.any(INSIDE) {
            return Ok(());
        }
        // In modes l3 it is routed by what the sender says.
        let said = frame.said_protocol();
        if said != protocol && (protocol >= ETH_P_802_3_MIN || said >= ETH_P_802_3_MIN) {
            return Err(CUT);
        }
        let sender = self.sender(mac);
        let (protocol, at) = unwrap(protocol, frame)?;
        match protocol {
            ETH_P_IP => sender.check_v4(frame, at),
            ETH_P_IPV6 => sender.check_v6(frame, at),
            ETH_P_ARP | ETH_P_RARP if self.rules.any(Rules::ARP) => sender.check_arp(frame, at),
            ETH_P_ARP | ETH_P_RARP => Ok(()),
            _ if self.rules.any(Rules::IP) => Err(CUT),
            _ => Ok(()),
        }
    }
}

/// What is behind VLAN tags and SNAP headers, and where.
pub(super) fn unwrap(mut protocol: u16, frame: &mut impl Bytes) -> Result<(u16, usize), Reason> {
    let mut at = 0usize;
    for _ in 0..=MAX_TAGS {
        if is_tag(protocol) {
            let tag: VlanHdr = frame.header(at).ok_or(CUT)?;
            protocol = tag.h_vlan_encapsulated_proto.get();
            at = at.wrapping_add(size_of::<VlanHdr>());
        } else if protocol < ETH_P_802_3_MIN {
            match frame.header::<SnapHdr>(at).filter(is_ethernet) {
                Some(snap) => {
                    protocol = snap.ethertype.get();
                    at = at.wrapping_add(size_of::<SnapHdr>());
                }
                None => return Ok((protocol, at)),
            }
        } else {
            return Ok((protocol, at));
        }
    }
    Err(CUT)
}

fn is_tag(protocol: u16) -> bool {
    protocol == ETH_P_8021Q || protocol == ETH_P_8021AD || ETH_P_QINQ.contains(&protocol)
}

/// Whether it says a type of Ethernet (RFC 1042 and 802.1H).
fn is_ethernet(snap: &SnapHdr) -> bool {
    (snap.dsap, snap.ssap, snap.ctrl) == (0xaa, 0xaa, 3) && matches!(snap.oui, [0, 0, 0 | 0xf8])
}

impl Sender<'_> {
    fn rules(&self, rules: Rules) -> bool {
        self.guard.rules.any(rules)
    }

    fn has_mac(&self, mac: [u8; 6]) -> bool {
        mac == self.mac.to_bytes() || self.guard.entries().contains(&Entry::Mac(mac))
    }

    fn has_v4(&self, addr: [u8; 4]) -> bool {
        self.guard.entries().iter().any(|entry| entry.has_v4(addr))
    }

    /// The link-local address that is made of the MAC address counts without being said.
    fn has_v6(&self, addr: [u8; 16]) -> bool {
        addr == link_local(self.mac, self.guard.dev_id)
            || self.guard.entries().iter().any(|entry| entry.has_v6(addr))
    }

    /// Ethernet and IPv4, whatever it is: who does not know his address yet may ask.
    fn check_arp(&self, frame: &mut impl Bytes, at: usize) -> Result<(), Reason> {
        /// Ethernet and IPv4, and the lengths of their addresses.
        const LAYOUT: (u16, u16, u8, u8) = (1, ETH_P_IP, 6, 4);
        const REQUESTS: [u16; 2] = [1, 3];
        let arp: ArpHdr = frame.header(at).ok_or(Reason::TxGuardArp)?;
        let layout = (arp.ar_hrd.get(), arp.ar_pro.get(), arp.ar_hln, arp.ar_pln);
        let asks = REQUESTS.contains(&arp.ar_op.get()) && arp.ar_sip == [0; 4];
        if layout == LAYOUT && self.has_mac(arp.ar_sha) && (asks || self.has_v4(arp.ar_sip)) {
            Ok(())
        } else {
            Err(Reason::TxGuardArp)
        }
    }

    fn check_v4(&self, frame: &mut impl Bytes, at: usize) -> Result<(), Reason> {
        let ip: Ipv4Hdr = frame.header(at).ok_or(CUT)?;
        let behind = at.wrapping_add(ip.header_len().ok_or(CUT)? as usize);
        let (is_first, more) = (ip.fragment_offset() == 0, ip.has_more_fragments());
        if self.rules(Rules::IP) && !self.has_v4(ip.saddr) {
            let asks = ip.saddr == [0; 4]
                && match ip.protocol {
                    IPPROTO_UDP if ip.daddr == [0xff; 4] && is_first && !more => {
                        ports(frame, behind) == Some((DHCP.1, DHCP.0))
                    }
                    // Who joins a group before he has an address.
                    IPPROTO_IGMP => IpAddr::from(ip.daddr).is_group(),
                    _ => false,
                };
            if !asks {
                return Err(Reason::TxGuardIp);
            }
        }
        match ip.protocol {
            IPPROTO_ICMP if is_first && self.rules(Rules::RA) => {
                /// Redirect, and a router's advertisement.
                const ROUTES: [u8; 2] = [5, 9];
                let icmp_type: u8 = frame.header(behind).ok_or(CUT)?;
                if ROUTES.contains(&icmp_type) {
                    return Err(Reason::TxGuardRa);
                }
                Ok(())
            }
            IPPROTO_UDP if is_first && self.rules(Rules::ARP.with(Rules::DHCP_SERVER)) => {
                self.check_dhcp(frame, behind, more)
            }
            _ => Ok(()),
        }
    }

    fn check_dhcp(&self, frame: &mut impl Bytes, at: usize, more: bool) -> Result<(), Reason> {
        let (source, dest) = ports(frame, at).ok_or(CUT)?;
        let (server, client) = DHCP;
        if source != server && dest != server && dest != client {
            return Ok(());
        }
        if self.rules(Rules::DHCP_SERVER) && (source == server || dest == client) {
            return Err(Reason::TxGuardDhcp);
        }
        if dest != server {
            return Ok(());
        }
        // What is in later pieces cannot be looked at.
        if more || frame.is_gso() {
            return Err(Reason::TxGuardDhcp);
        }
        let message: DhcpMsg = frame
            .header(at.wrapping_add(size_of::<UdpHdr>()))
            .ok_or(Reason::TxGuardDhcp)?;
        let asks = message.op == 1;
        if self.rules(Rules::DHCP_SERVER) && !asks {
            return Err(Reason::TxGuardDhcp);
        }
        let own = (message.htype, message.hlen) == (1, 6) && self.has_mac(message.hw_addr);
        if self.rules(Rules::ARP) && asks && !own {
            return Err(Reason::TxGuardArp);
        }
        Ok(())
    }

    fn check_v6(&self, frame: &mut impl Bytes, at: usize) -> Result<(), Reason> {
        let ip: Ipv6Hdr = frame.header(at).ok_or(CUT)?;
        if ip.version() != 6 {
            return Err(CUT);
        }
        let known = self.has_v6(ip.saddr);
        if self.rules(Rules::IP) && !known && ip.saddr != [0; 16] {
            return Err(Reason::TxGuardIp);
        }
        let inside = self.rules(Rules::ARP.with(Rules::RA).with(Rules::DHCP_SERVER));
        if !inside && (known || !self.rules(Rules::IP)) {
            return Ok(());
        }
        let behind = at.wrapping_add(size_of::<Ipv6Hdr>());
        let upper = upper(frame, ip.nexthdr, behind)?;
        if self.rules(Rules::IP) && !known && !upper.is_anonymous(frame, ip.daddr) {
            return Err(Reason::TxGuardIp);
        }
        let end = match ip.payload_len.get() {
            // Too long for its own header.
            0 => frame.len(),
            len => frame.len().min(behind.wrapping_add(len.into())),
        };
        match upper.protocol {
            _ if !inside || upper.is_later => Ok(()),
            // Nobody receives what is behind the packet.
            IPPROTO_ICMPV6 | IPPROTO_UDP if upper.at >= end => Err(CUT),
            IPPROTO_ICMPV6 => self.check_icmp(frame, &upper, ip.saddr, known, end),
            IPPROTO_UDP if self.rules(Rules::DHCP_SERVER) => check_dhcpv6(frame, &upper),
            _ => Ok(()),
        }
    }

    /// Neighbour discovery.
    fn check_icmp(
        &self,
        frame: &mut impl Bytes,
        upper: &Upper,
        source: [u8; 16],
        known: bool,
        end: usize,
    ) -> Result<(), Reason> {
        const WRONG: Result<(), Reason> = Err(Reason::TxGuardArp);
        /// Solicitation and advertisement of routers, of neighbours, and redirects: types 133 to 137.
        const DISCOVERY: [(usize, u8); 5] = [(8, 1), (16, 1), (24, 1), (24, 2), (40, 2)];
        let kind: u8 = frame.header(upper.at).ok_or(CUT)?;
        // Where options begin, and which of them says what the sender's MAC address is.
        let place = usize::from(kind.wrapping_sub(133));
        let Some(&(options, option)) = DISCOVERY.get(place) else {
            return Ok(());
        };
        let routes = kind == 134 || kind == 137;
        if routes && self.rules(Rules::RA) {
            return Err(Reason::TxGuardRa);
        }
        if !self.rules(Rules::ARP) {
            return Ok(());
        }
        let asks = source == [0; 16] && (kind == 133 || kind == 135);
        if upper.more || frame.is_gso() || !known && !asks {
            return WRONG;
        }
        // Whether an address is free asks only who wants it.
        if kind == 136 || kind == 135 && asks {
            let message: NdMsg = frame.header(upper.at).ok_or(CUT)?;
            if !self.has_v6(message.target) {
                return WRONG;
            }
        }
        let mut at = upper.at.wrapping_add(options);
        for _ in 0..MAX_OPTIONS {
            if at >= end {
                return Ok(());
            }
            let head: NdOptHdr = frame.header(at).ok_or(CUT)?;
            if head.nd_opt_len == 0 {
                return Err(CUT);
            }
            if head.nd_opt_type == option {
                let said: NdOptLinkAddr = frame.header(at).ok_or(CUT)?;
                if !self.has_mac(said.addr) {
                    return WRONG;
                }
            }
            at = at.wrapping_add(usize::from(head.nd_opt_len) << 3);
        }
        Err(CUT)
    }
}

/// What is behind the extension headers of an IPv6 packet.
pub(super) struct Upper {
    pub(super) protocol: u8,
    pub(super) at: usize,
    /// It is the first of several fragments.
    pub(super) more: bool,
    /// It is another one of them: what it is is not in it.
    pub(super) is_later: bool,
}

impl Upper {
    /// Whether it is what is sent by who has no address yet: neighbour discovery, and joining groups.
    fn is_anonymous(&self, frame: &mut impl Bytes, dest: [u8; 16]) -> bool {
        self.protocol == IPPROTO_ICMPV6
            && !self.more
            && !self.is_later
            && dest[0] == 0xff
            && matches!(frame.header(self.at), Some(131u8..=133 | 135 | 143))
    }
}

/// Walks through extension headers.
pub(super) fn upper(
    frame: &mut impl Bytes,
    mut protocol: u8,
    mut at: usize,
) -> Result<Upper, Reason> {
    /// Hop-by-hop and destination options, routing, mobility, HIP, Shim6, AH, 64 numbers in each.
    const EXTENSIONS: [u64; 4] = [1 | 1 << 43 | 1 << 51 | 1 << 60, 0, 1 << 7 | 3 << 11, 0];
    let mut more = false;
    for _ in 0..=MAX_HEADERS {
        let extensions = EXTENSIONS.get(usize::from(protocol >> 6)).copied();
        let is_extension = extensions.unwrap_or(0) >> (protocol & 63) & 1 != 0;
        if !is_extension && protocol != IPPROTO_FRAGMENT {
            return Ok(Upper {
                protocol,
                at,
                more,
                is_later: false,
            });
        }
        // A later fragment could lie over what is behind it.
        if more {
            return Err(CUT);
        }
        if protocol == IPPROTO_FRAGMENT {
            let fragment: FragHdr = frame.header(at).ok_or(CUT)?;
            let is_later = fragment.offset() != 0;
            more = fragment.has_more();
            protocol = fragment.nexthdr;
            if is_later {
                return Ok(Upper {
                    protocol,
                    at,
                    more,
                    is_later,
                });
            }
            at = at.wrapping_add(size_of::<FragHdr>());
            continue;
        }
        let head: Ipv6OptHdr = frame.header(at).ok_or(CUT)?;
        // AH counts in words of four bytes.
        let len = if protocol == IPPROTO_AH {
            usize::from(head.hdrlen).wrapping_add(2) << 2
        } else {
            usize::from(head.hdrlen).wrapping_add(1) << 3
        };
        protocol = head.nexthdr;
        at = at.wrapping_add(len);
    }
    Err(CUT)
}

fn check_dhcpv6(frame: &mut impl Bytes, upper: &Upper) -> Result<(), Reason> {
    /// Advertise, reply, reconfigure, and an answer to a relay.
    const ANSWERS: [u8; 4] = [2, 7, 10, 13];
    let (source, dest) = ports(frame, upper.at).ok_or(CUT)?;
    let (server, client) = DHCPV6;
    if source == server || dest == client {
        return Err(Reason::TxGuardDhcp);
    }
    if dest != server {
        return Ok(());
    }
    if upper.more || frame.is_gso() {
        return Err(Reason::TxGuardDhcp);
    }
    match frame.header(upper.at.wrapping_add(size_of::<UdpHdr>())) {
        Some(msg_type) if !ANSWERS.contains(&msg_type) => Ok(()),
        _ => Err(Reason::TxGuardDhcp),
    }
}

/// The ports of UDP, from and to.
pub(super) fn ports(frame: &mut impl Bytes, at: usize) -> Option<(u16, u16)> {
    let udp: UdpHdr = frame.header(at)?;
    Some((udp.source.get(), udp.dest.get()))
}

/// The link-local address that IPv6 makes of a MAC address and a device's number
/// (`addrconf_ifid_eui48()`).
pub(crate) fn link_local(mac: Mac, dev_id: u16) -> [u8; 16] {
    let [a, b, c, d, e, f] = mac.to_bytes();
    let [high, low] = dev_id.to_be_bytes();
    let (a, high, low) = if dev_id == 0 {
        (a ^ 2, 0xff, 0xfe)
    } else {
        (a, high, low)
    };
    [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a, b, c, high, low, d, e, f]
}
