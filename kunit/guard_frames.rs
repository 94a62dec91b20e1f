// SPDX-License-Identifier: GPL-2.0

//! Frames for guards to look at, and the guard that does.

use crate::{
    drops::Reason,
    guard::{
        rules::{
            Entry,
            Guard,
            Rules, //
        },
        verdict::{
            link_local,
            Bytes, //
        },
    },
};
use abstractions::net::{
    headers::Header,
    mac::Mac, //
};

pub(crate) const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub(crate) const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub(crate) const VRRP: [u8; 6] = [0, 0, 0x5e, 0, 1, 7];

pub(crate) const OWN4: [u8; 4] = [10, 0, 0, 1];
pub(crate) const OTHER4: [u8; 4] = [10, 0, 0, 2];
pub(crate) const OWN6: [u8; 16] = *b"\xfd\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";
pub(crate) const OTHER6: [u8; 16] = *b"\xfd\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\x02";
pub(crate) const NOBODY6: [u8; 16] = [0; 16];
pub(crate) const GROUP6: [u8; 16] = *b"\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\0\0\x01";

pub(crate) const IP: u16 = 0x0800;
pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV6: u16 = 0x86dd;

pub(crate) const EVERY: Rules = Rules::MAC
    .with(Rules::IP)
    .with(Rules::ARP)
    .with(Rules::RA)
    .with(Rules::DHCP_SERVER);

/// A frame behind its Ethernet header.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) bytes: [u8; 360],
    pub(crate) len: usize,
    pub(crate) protocol: u16,
    pub(crate) said: u16,
    pub(crate) gso: bool,
}

impl Bytes for Frame {
    fn header<T: Header>(&mut self, at: usize) -> Option<T> {
        let bytes = self.bytes.get(..self.len)?;
        Some(T::read_from_prefix(bytes.get(at..)?).ok()?.0)
    }

    fn len(&self) -> usize {
        self.len
    }

    fn is_gso(&self) -> bool {
        self.gso
    }

    fn said_protocol(&self) -> u16 {
        self.said
    }
}

impl Frame {
    pub(crate) fn new(protocol: u16) -> Self {
        Self {
            bytes: [0; 360],
            len: 0,
            protocol,
            said: protocol,
            gso: false,
        }
    }

    pub(crate) fn add(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.bytes
                .iter_mut()
                .skip(self.len)
                .take(1)
                .for_each(|to| *to = *byte);
            self.len += 1;
        }
        self
    }

    pub(crate) fn put(mut self, at: usize, bytes: &[u8]) -> Self {
        let room = self.bytes.iter_mut().skip(at);
        room.zip(bytes).for_each(|(to, from)| *to = *from);
        self
    }

    /// The same with what a tag, or an 802.3 header, is in front.
    pub(crate) fn wrapped(self, protocol: u16, head: &[u8]) -> Self {
        let inner = self.bytes;
        Self::new(protocol)
            .add(head)
            .add(inner.get(..self.len).unwrap_or_default())
    }

    pub(crate) fn tagged(self, tag: u16) -> Self {
        let [high, low] = self.protocol.to_be_bytes();
        self.wrapped(tag, &[0, 5, high, low])
    }

    pub(crate) fn verdict(&self, rules: Rules) -> Result<(), Reason> {
        let mut frame = *self;
        let guard = guard(rules);
        guard.check(
            Mac::from_bytes(&OTHER),
            Mac::from_bytes(&OWN),
            self.protocol,
            &mut frame,
        )
    }

    pub(crate) fn passes(&self, rules: Rules) -> bool {
        self.verdict(rules).is_ok()
    }

    pub(crate) fn fails(&self, rules: Rules, reason: Reason) -> bool {
        self.verdict(rules) == Err(reason)
    }
}

/// The endpoint had `OWN` when it got its rules; what it has now does not count.
pub(crate) fn guard(rules: Rules) -> Guard {
    let mut guard = Guard::NONE;
    guard.set_rules(rules, Some(Mac::from_bytes(&OWN)), 0);
    for entry in [
        Entry::V4(OWN4, 32),
        Entry::V4([192, 0, 2, 0], 24),
        Entry::V6(OWN6, 128),
        Entry::Mac(VRRP),
    ] {
        let _ = guard.add(entry);
    }
    guard
}

pub(crate) fn ipv4(source: [u8; 4], dest: [u8; 4], protocol: u8, fragment: u16) -> Frame {
    let [f0, f1] = fragment.to_be_bytes();
    Frame::new(IP)
        .add(&[0x45, 0, 0, 60, 0, 0, f0, f1, 64, protocol, 0, 0])
        .add(&source)
        .add(&dest)
}

pub(crate) fn udp(source: u16, dest: u16) -> [u8; 8] {
    let ([a, b], [c, d]) = (source.to_be_bytes(), dest.to_be_bytes());
    [a, b, c, d, 0, 48, 0, 0]
}

/// What a DHCP client asks, or with `op` 2 a server answers.
pub(crate) fn dhcp(op: u8, mac: [u8; 6]) -> [u8; 48] {
    let mut message = [0; 48];
    let places = [0, 1, 2, 28, 29, 30, 31, 32, 33];
    let [a, b, c, d, e, f] = mac;
    for (at, byte) in places.into_iter().zip([op, 1, 6, a, b, c, d, e, f]) {
        message
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|to| *to = byte);
    }
    message
}

pub(crate) fn arp(op: u8, mac: [u8; 6], addr: [u8; 4]) -> Frame {
    Frame::new(ARP)
        .add(&[0, 1, 8, 0, 6, 4, 0, op])
        .add(&mac)
        .add(&addr)
        .add(&[0; 6])
        .add(&OTHER4)
}

pub(crate) fn ipv6(source: [u8; 16], dest: [u8; 16], next: u8) -> Frame {
    Frame::new(IPV6)
        .add(&[0x60, 0, 0, 0, 0, 0, next, 255])
        .add(&source)
        .add(&dest)
}

/// Neighbour discovery: what is behind type, code and checksum, and an option with an address.
pub(crate) fn nd(kind: u8, body: &[u8], option: u8, mac: [u8; 6]) -> Frame {
    Frame::new(IPV6)
        .add(&[kind, 0, 0, 0])
        .add(body)
        .add(&[option, 1])
        .add(&mac)
}

/// A neighbour's solicitation or advertisement.
pub(crate) fn neighbour(kind: u8, target: [u8; 16], mac: [u8; 6]) -> Frame {
    let body = Frame::new(IPV6).add(&[0; 4]).add(&target);
    nd(
        kind,
        body.bytes.get(..20).unwrap_or_default(),
        kind - 134,
        mac,
    )
}

/// A packet with such a message.
pub(crate) fn icmp(source: [u8; 16], message: &Frame) -> Frame {
    ipv6(source, GROUP6, 58).add(message.bytes.get(..message.len).unwrap_or_default())
}

/// The link-local address that needs not be said.
pub(crate) fn local() -> [u8; 16] {
    link_local(Mac::from_bytes(&OWN), 0)
}

pub(crate) fn all_rules() -> impl Iterator<Item = Rules> {
    (0..32).filter_map(Rules::parse)
}

/// The packet with extension headers in front of what is in it.
pub(crate) fn extended(packet: &Frame, headers: &[u8]) -> Frame {
    let [next] = packet
        .bytes
        .get(6..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .unwrap_or([0]);
    let mut out = Frame::new(IPV6).add(packet.bytes.get(..40).unwrap_or_default());
    let mut before = 6;
    for header in headers {
        out = out.put(before, &[*header]);
        before = out.len;
        out = out.add(&[0; 8]);
    }
    let out = out.put(before, &[next]);
    out.add(packet.bytes.get(40..packet.len).unwrap_or_default())
}
