// SPDX-License-Identifier: GPL-2.0

//! Questions for who has an IP address, and what the answer is: ARP requests and neighbour solicitations.
//!
//! Only what is exactly as everybody sends it is a question. All else goes the way of any frame: what asks
//! whether an address is free (DAD), what says where an address is (gratuitous ARP), and what is malformed.

use abstractions::net::{
    headers::{
        ArpHdr,
        Ipv6Hdr,
        NdMsg,
        NdOptLinkAddr,
        ETH_P_ARP,
        ETH_P_IP,
        ETH_P_IPV6,
        IPPROTO_ICMPV6, //
    },
    inet::IpAddr,
    mac::Mac,
    payload::Payload, //
};

/// Ethernet and IPv4, and the lengths of their addresses.
const ARP_LAYOUT: (u16, u16, u8, u8) = (1, ETH_P_IP, 6, 4);
const ARP_REQUEST: u16 = 1;
const ARP_REPLY: u16 = 2;

const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// Options that say the sender's MAC address, and that of who is asked for.
const SOURCE_ADDRESS: u8 = 1;
const TARGET_ADDRESS: u8 = 2;
/// What has crossed a router has less.
const HOP_LIMIT: u8 = 255;
/// A solicitation with the sender's MAC address, or an advertisement with the other one.
const ND_LEN: u16 = 32;

// Lengths of headers; both are few bytes.
#[allow(clippy::cast_possible_truncation)]
const IPV6_HLEN: u16 = size_of::<Ipv6Hdr>() as u16;
#[allow(clippy::cast_possible_truncation)]
const ND_HLEN: u16 = size_of::<NdMsg>() as u16;

/// Of which protocol, from whom, and who is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addresses {
    V4 { asker: [u8; 4], target: [u8; 4] },
    V6 { asker: [u8; 16], target: [u8; 16] },
}

/// A question who has an IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The MAC address of who asks.
    from: Mac,
    addresses: Addresses,
}

/// A frame that answers one.
pub(crate) struct Answer {
    bytes: [u8; Self::LONGEST],
    len: usize,
}

impl Question {
    /// The question that a frame from `source` to `dest` asks, if it is one. Its `protocol` is that of its Ethernet
    /// header, which is what those who hear it go by: not a VLAN tag, nor what the sender says beside it.
    #[inline(never)]
    pub(crate) fn parse(
        dest: Mac,
        source: Mac,
        protocol: u16,
        packet: Payload<'_>,
    ) -> Option<Self> {
        let addresses = match protocol {
            ETH_P_ARP if dest == Mac::BROADCAST => {
                let arp = packet.with_header(0, (), |(), _, arp: &ArpHdr| Some(*arp))?;
                of_arp(source, &arp)?
            }
            ETH_P_IPV6 if dest.to_bytes().starts_with(&[0x33, 0x33, 0xff]) => {
                of_nd(dest, source, packet)?
            }
            _ => return None,
        };
        let from = source;
        from.is_valid().then_some(Self { from, addresses })
    }

    /// Whose MAC address is asked for.
    pub(crate) fn target(&self) -> IpAddr {
        match self.addresses {
            Addresses::V4 { target, .. } => target.into(),
            Addresses::V6 { target, .. } => target.into(),
        }
    }

    /// The frame that says that it is `owner`: from there, and for who asks alone.
    #[inline(never)]
    pub(crate) fn answer(&self, owner: Mac) -> Answer {
        let (to, from) = (self.from.to_bytes(), owner.to_bytes());
        let mut answer = Answer {
            bytes: [0; Answer::LONGEST],
            len: 0,
        };
        answer.put(&to);
        answer.put(&from);
        match self.addresses {
            Addresses::V4 { asker, target } => {
                let (hrd, pro, hln, pln) = ARP_LAYOUT;
                answer.put(&ETH_P_ARP.to_be_bytes());
                answer.put(&hrd.to_be_bytes());
                answer.put(&pro.to_be_bytes());
                answer.put(&[hln, pln]);
                answer.put(&ARP_REPLY.to_be_bytes());
                answer.put(&from);
                answer.put(&target);
                answer.put(&to);
                answer.put(&asker);
            }
            Addresses::V6 { asker, target } => {
                answer.put(&ETH_P_IPV6.to_be_bytes());
                answer.put(&[0x60, 0, 0, 0]);
                answer.put(&ND_LEN.to_be_bytes());
                answer.put(&[IPPROTO_ICMPV6, HOP_LIMIT]);
                answer.put(&target);
                answer.put(&asker);
                // The checksum is not known yet. Solicited, and in place of what is known; whether it is
                // a router is not known.
                answer.put(&[ADVERTISEMENT, 0, 0, 0, 0x60, 0, 0, 0]);
                answer.put(&target);
                answer.put(&[TARGET_ADDRESS, 1]);
                answer.put(&from);
                answer.finish_nd();
            }
        }
        answer
    }
}

/// Who asks has an address of his own, and asks for another one.
fn of_arp(source: Mac, arp: &ArpHdr) -> Option<Addresses> {
    let layout = (arp.ar_hrd.get(), arp.ar_pro.get(), arp.ar_hln, arp.ar_pln);
    let (asker, target) = (arp.ar_sip, arp.ar_tip);
    let is_one = layout == ARP_LAYOUT
        && arp.ar_op.get() == ARP_REQUEST
        && arp.ar_sha == source.to_bytes()
        && is_one_v4(asker)
        && is_one_v4(target)
        && asker != target;
    is_one.then_some(Addresses::V4 { asker, target })
}

/// Whether it is the address of one host.
fn is_one_v4(addr: [u8; 4]) -> bool {
    addr != [0; 4] && addr != [0xff; 4] && !IpAddr::from(addr).is_group()
}

/// The same of neighbour discovery. Not for link-local addresses: an answer without the flag of a router would
/// have its neighbours forget that it is theirs.
fn of_nd(dest: Mac, source: Mac, packet: Payload<'_>) -> Option<Addresses> {
    let ip = packet.with_header(0, (), |(), _, ip: &Ipv6Hdr| Some(*ip))?;
    let message = packet.with_header(IPV6_HLEN, (), |(), _, nd: &NdMsg| Some(*nd))?;
    let at = IPV6_HLEN.wrapping_add(ND_HLEN);
    let option = packet.with_header(at, (), |(), _, option: &NdOptLinkAddr| Some(*option))?;
    let (asker, target) = (ip.saddr, message.target);
    let [.., high, middle, low] = target;
    let group = [
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, high, middle, low,
    ];
    let is_one = ip.version() == 6
        && ip.payload_len.get() == ND_LEN
        && ip.nexthdr == IPPROTO_ICMPV6
        && ip.hop_limit == HOP_LIMIT
        && ip.daddr == group
        && dest.to_bytes() == [0x33, 0x33, 0xff, high, middle, low]
        && (message.icmp6_type, message.icmp6_code) == (SOLICITATION, 0)
        && (option.hdr.nd_opt_type, option.hdr.nd_opt_len) == (SOURCE_ADDRESS, 1)
        && option.addr == source.to_bytes()
        && is_one_v6(asker)
        && is_one_v6(target)
        && !matches!(target, [0xfe, 0x80..=0xbf, ..])
        && asker != target;
    is_one.then_some(Addresses::V6 { asker, target })
}

/// Whether it is the address of one host.
fn is_one_v6(addr: [u8; 16]) -> bool {
    addr != [0; 16] && !IpAddr::from(addr).is_group()
}

/// The sum of words of 16 bits with which a checksum begins, and the checksum that it ends in.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks_exact(2).fold(0, |sum, word| match *word {
        [high, low] => u32::wrapping_add(sum, u16::from_be_bytes([high, low]).into()),
        _ => sum,
    })
}

fn checksum(sum: u32) -> u16 {
    // Few words: one carry, and the one that this brings.
    let sum = (sum >> 16).wrapping_add(sum & 0xffff);
    let sum = (sum >> 16).wrapping_add(sum & 0xffff);
    // CAST: 16 bits are left.
    #[allow(clippy::cast_possible_truncation)]
    !(sum as u16)
}

impl Answer {
    /// Ethernet, IPv6, the advertisement and its option.
    const LONGEST: usize = 14 + 40 + 24 + 8;
    /// Where in an IPv6 frame the addresses begin, and where its checksum is, which is of all from there on.
    const SUMMED: usize = 14 + 8;
    const CHECKSUM: usize = 14 + 40 + 2;

    #[inline(never)]
    fn put(&mut self, part: &[u8]) {
        let room = self.bytes.iter_mut().skip(self.len);
        room.zip(part).for_each(|(to, from)| *to = *from);
        self.len = self.len.wrapping_add(part.len());
    }

    /// Writes the checksum of an advertisement, in which there is none: also of its length and protocol.
    fn finish_nd(&mut self) {
        let sum = sum(self.bytes.get(Self::SUMMED..).unwrap_or_default());
        let sum = sum.wrapping_add(ND_LEN.into());
        let check = checksum(sum.wrapping_add(IPPROTO_ICMPV6.into())).to_be_bytes();
        let place = self.bytes.iter_mut().skip(Self::CHECKSUM);
        place.zip(check).for_each(|(to, from)| *to = from);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_question)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };
    use abstractions::testing::with_packet;

    const ASKER: Mac = Mac::from_bytes(&[2, 0, 0, 0, 0, 1]);
    const OWNER: Mac = Mac::from_bytes(&[2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee]);
    const ASKER6: [u8; 16] = *b"\xfd\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";
    const TARGET6: [u8; 16] = *b"\xfd\x00\0\0\0\0\0\0\0\0\0\0\x12\x34\x56\x78";
    const GROUP: Mac = Mac::from_bytes(&[0x33, 0x33, 0xff, 0x34, 0x56, 0x78]);

    /// 10.0.0.1 asks for 10.0.0.2.
    const ARP: [u8; 28] = [
        0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
    ];

    /// [`ASKER6`] asks for `target`.
    fn solicitation_for(target: [u8; 16]) -> [u8; 72] {
        let [.., high, middle, low] = target;
        let group = [
            0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, high, middle, low,
        ];
        let head = [0x60, 0, 0, 0, 0, 32, 58, 255];
        let parts = [
            &head[..],
            &ASKER6,
            &group,
            &[135, 0, 0, 0, 0, 0, 0, 0],
            &target,
        ];
        let option = [1, 1, 2, 0, 0, 0, 0, 1];
        let mut bytes = [0; 72];
        let from = parts.into_iter().chain([&option[..]]).flatten();
        bytes
            .iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = *from);
        bytes
    }

    fn solicitation() -> [u8; 72] {
        solicitation_for(TARGET6)
    }

    fn parsed(
        dest: Mac,
        source: Mac,
        protocol: u16,
        bytes: &[u8],
        linear: usize,
    ) -> Option<Question> {
        let parse = |packet: Payload<'_>| Question::parse(dest, source, protocol, packet);
        // What is said beside it is another one.
        with_packet(bytes, linear, !protocol, false, parse).unwrap_or(None)
    }

    fn arp(bytes: &[u8]) -> Option<Question> {
        parsed(Mac::BROADCAST, ASKER, ETH_P_ARP, bytes, bytes.len())
    }

    fn nd(bytes: &[u8]) -> Option<Question> {
        parsed(GROUP, ASKER, ETH_P_IPV6, bytes, bytes.len())
    }

    /// The bytes with another one there.
    fn with<const N: usize>(bytes: [u8; N], at: usize, byte: u8) -> [u8; N] {
        core::array::from_fn(|n| {
            let old = bytes.get(n).copied().unwrap_or(0);
            if n == at {
                byte
            } else {
                old
            }
        })
    }

    /// The bytes with others from there on.
    fn over<const N: usize>(bytes: [u8; N], at: usize, new: &[u8]) -> [u8; N] {
        core::array::from_fn(|n| {
            let new = n.checked_sub(at).and_then(|n| new.get(n));
            new.or(bytes.get(n)).copied().unwrap_or(0)
        })
    }

    #[test]
    fn an_arp_request_is_one() {
        assert_eq!(
            arp(&ARP),
            Some(Question {
                from: ASKER,
                addresses: Addresses::V4 {
                    asker: [10, 0, 0, 1],
                    target: [10, 0, 0, 2],
                },
            })
        );
        assert_eq!(arp(&ARP).map(|it| it.target()), Some([10, 0, 0, 2].into()));
    }

    #[test]
    fn a_solicitation_is_one() {
        assert_eq!(
            nd(&solicitation()),
            Some(Question {
                from: ASKER,
                addresses: Addresses::V6 {
                    asker: ASKER6,
                    target: TARGET6,
                },
            })
        );
        let target = nd(&solicitation()).map(|it| it.target());
        assert_eq!(target, Some(TARGET6.into()));
    }

    #[test]
    fn it_is_one_wherever_its_bytes_lie_and_whatever_is_behind() {
        assert!(all(0..=28, |linear| {
            parsed(Mac::BROADCAST, ASKER, ETH_P_ARP, &ARP, *linear).is_some()
        }));
        let ask = solicitation();
        assert!(all(0..=72, |linear| {
            parsed(GROUP, ASKER, ETH_P_IPV6, &ask, *linear).is_some()
        }));
        let padded: [u8; 46] = core::array::from_fn(|n| ARP.get(n).copied().unwrap_or(0x55));
        assert_eq!(arp(&padded), arp(&ARP));
    }

    #[test]
    fn what_is_cut_is_none() {
        assert!(all(0..28, |len| arp(ARP.get(..*len).unwrap_or_default())
            .is_none()));
        let ask = solicitation();
        assert!(all(0..72, |len| nd(ask.get(..*len).unwrap_or_default())
            .is_none()));
    }

    /// Of each byte of ARP it is said here what it may be: the own MAC address is one, that of who is asked for
    /// is not looked at, and IP addresses are the next test's.
    #[test]
    fn any_other_arp_is_none() {
        assert!(all(0..28usize, |at| {
            (0..=u8::MAX).all(|byte| {
                let free = match at {
                    18..=23 => true,
                    // The first byte of the sender and the target: those of groups and everybody's.
                    14 | 24 => byte & 0xf0 != 0xe0,
                    // Both are different.
                    17 => byte != 2,
                    27 => byte != 1,
                    15 | 16 | 25 | 26 => true,
                    _ => ARP.get(*at) == Some(&byte),
                };
                arp(&with(ARP, *at, byte)).is_some() == free
            })
        }));
    }

    #[test]
    fn probes_announcements_and_gratuitous_arp_are_none() {
        assert!(arp(&over(ARP, 14, &[0; 4])).is_none());
        assert!(arp(&over(ARP, 14, &[10, 0, 0, 2])).is_none());
        assert!(arp(&over(ARP, 24, &[10, 0, 0, 1])).is_none());
        assert!(arp(&over(ARP, 24, &[0; 4])).is_none());
        assert!(arp(&over(ARP, 14, &[0xff; 4])).is_none());
        assert!(arp(&over(ARP, 24, &[0xff; 4])).is_none());
        assert!(arp(&over(ARP, 14, &[224, 0, 0, 18])).is_none());
        assert!(arp(&over(ARP, 24, &[239, 255, 255, 255])).is_none());
        // From a group, as no device is.
        let everybody = over(ARP, 8, &[0xff; 6]);
        assert!(parsed(Mac::BROADCAST, Mac::BROADCAST, ETH_P_ARP, &everybody, 28).is_none());
        // Answers, RARP, and what asks in a frame of somebody else.
        assert!(all([0, 2, 3, 4, 8, 9], |op| arp(&with(ARP, 7, *op)).is_none()));
        assert!(parsed(Mac::BROADCAST, OWNER, ETH_P_ARP, &ARP, 28).is_none());
    }

    /// The same of a solicitation: all but traffic class, flow label, checksum and reserved bits.
    #[test]
    fn any_other_solicitation_is_none() {
        let ask = solicitation();
        assert!(all(0..72usize, |at| {
            (0..=u8::MAX).all(|byte| {
                let free = match at {
                    // The version is in one half.
                    0 => byte >> 4 == 6,
                    1..=3 | 42..=47 => true,
                    // The sender; not a group's.
                    8 => byte != 0xff,
                    9..=23 => true,
                    // The target, of which the last three are in the group; not another group's or link-local.
                    48 => byte != 0xff,
                    49..=60 => true,
                    _ => ask.get(*at) == Some(&byte),
                };
                nd(&with(ask, *at, byte)).is_some() == free
            })
        }));
    }

    #[test]
    fn dad_and_link_local_targets_are_none() {
        let ask = solicitation();
        assert!(nd(&over(ask, 8, &[0; 16])).is_none());
        assert!(nd(&over(ask, 8, &TARGET6)).is_none());
        assert!(all(0..=u8::MAX, |second| {
            let target = over(TARGET6, 0, &[0xfe, *second]);
            nd(&solicitation_for(target)).is_some() != (0x80..=0xbf).contains(second)
        }));
        // From a link-local address it may be asked.
        assert!(nd(&over(ask, 8, &[0xfe, 0x80])).is_some());
    }

    #[test]
    fn only_frames_to_whom_it_is_sent_are() {
        let ask = solicitation();
        let dests = [
            Mac::BROADCAST,
            GROUP,
            OWNER,
            Mac::from_bytes(&[0x33, 0x33, 0, 0, 0, 1]),
            Mac::from_bytes(&[0x33, 0x33, 0xff, 0x34, 0x56, 0x79]),
            Mac::from_bytes(&[1, 0, 0x5e, 0, 0, 1]),
        ];
        assert!(all(dests, |dest| {
            parsed(*dest, ASKER, ETH_P_ARP, &ARP, 28).is_some() == (*dest == Mac::BROADCAST)
                && parsed(*dest, ASKER, ETH_P_IPV6, &ask, 72).is_some() == (*dest == GROUP)
        }));
    }

    #[test]
    fn only_of_these_protocols_are() {
        let ask = solicitation();
        assert!(all(0..=u16::MAX, |protocol| {
            let arp = parsed(Mac::BROADCAST, ASKER, *protocol, &ARP, 28).is_some();
            let nd = parsed(GROUP, ASKER, *protocol, &ask, 72).is_some();
            arp == (*protocol == ETH_P_ARP) && nd == (*protocol == ETH_P_IPV6)
        }));
    }

    #[test]
    fn noise_is_none() {
        let mut random = Random::new("questions");
        for _ in 0..2000 {
            let bytes: [u8; 72] = random.bytes();
            assert!(arp(&bytes).is_none() && nd(&bytes).is_none());
        }
    }

    #[test]
    fn the_answer_to_arp_is_for_who_asks() {
        let answer = arp(&ARP).map(|it| it.answer(OWNER));
        let want = [
            2, 0, 0, 0, 0, 1, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2,
            0xaa, 0xbb, 0xcc, 0xdd, 0xee, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1,
        ];
        assert!(answer.is_some_and(|it| it.bytes() == &want[..]));
    }

    #[test]
    fn the_answer_to_a_solicitation_is_for_who_asks() {
        let answer = nd(&solicitation()).map(|it| it.answer(OWNER));
        let bytes = answer.as_ref().map(Answer::bytes).unwrap_or_default();
        assert_eq!(bytes.len(), 86);
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        assert_eq!(
            part(0, 14),
            [2, 0, 0, 0, 0, 1, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x86, 0xdd]
        );
        assert_eq!(part(14, 22), [0x60, 0, 0, 0, 0, 32, 58, 255]);
        assert_eq!(part(22, 38), TARGET6);
        assert_eq!(part(38, 54), ASKER6);
        assert_eq!(part(54, 56), [136, 0]);
        assert_eq!(part(58, 62), [0x60, 0, 0, 0]);
        assert_eq!(part(62, 78), TARGET6);
        assert_eq!(part(78, 86), [2, 1, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee]);
    }

    /// With the checksum in it, the sum over all is zero.
    #[test]
    fn the_checksum_of_an_answer_is_right() {
        let mut random = Random::new("checksums");
        for _ in 0..500 {
            let [_, rest @ ..]: [u8; 16] = random.bytes();
            let target = core::array::from_fn(|n| match n.checked_sub(1) {
                Some(n) => rest.get(n).copied().unwrap_or(0),
                None => 0x20,
            });
            let owner = Mac::from_bytes(&random.bytes());
            let answer = nd_for(target).map(|it| it.answer(owner));
            assert!(answer.is_some_and(|answer| {
                let summed = answer.bytes().get(22..86).unwrap_or_default();
                summed.len() == 64 && checksum(sum(summed) + 32 + 58) == 0
            }));
        }
    }

    fn nd_for(target: [u8; 16]) -> Option<Question> {
        let [.., high, middle, low] = target;
        let group = Mac::from_bytes(&[0x33, 0x33, 0xff, high, middle, low]);
        let ask = solicitation_for(target);
        parsed(group, ASKER, ETH_P_IPV6, &ask, 72)
    }
}
