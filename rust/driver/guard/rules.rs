// SPDX-License-Identifier: GPL-2.0

//! The rules that an endpoint has to keep to, and the addresses that it may use.

use crate::uapi;
use abstractions::net::{
    inet::IpAddr,
    mac::Mac, //
};

/// How many addresses and prefixes a guard has at most.
pub(crate) const MAX_ENTRIES: usize = 64;

/// What is looked at; the numbers of `RNETVIRT_GUARD_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules(u32);

impl Rules {
    pub(crate) const NONE: Self = Self(0);
    /// Senders of frames.
    pub(crate) const MAC: Self = Self(uapi::RNETVIRT_GUARD_MAC);
    /// Senders of IP packets, and that it is nothing else than IP and ARP.
    pub(crate) const IP: Self = Self(uapi::RNETVIRT_GUARD_IP);
    /// Who ARP and neighbour discovery say has which address, and for whom DHCP asks.
    pub(crate) const ARP: Self = Self(uapi::RNETVIRT_GUARD_ARP);
    /// That it is no router.
    pub(crate) const RA: Self = Self(uapi::RNETVIRT_GUARD_RA);
    /// That it is no DHCP server.
    pub(crate) const DHCP_SERVER: Self = Self(uapi::RNETVIRT_GUARD_DHCP_SERVER);

    const ALL: u32 = uapi::RNETVIRT_GUARD_MAC
        | uapi::RNETVIRT_GUARD_IP
        | uapi::RNETVIRT_GUARD_ARP
        | uapi::RNETVIRT_GUARD_RA
        | uapi::RNETVIRT_GUARD_DHCP_SERVER;

    /// The rules of that number.
    pub(crate) const fn parse(number: u32) -> Option<Self> {
        if number & !Self::ALL == 0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Their number in netlink messages.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// Both.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of `others` is among them.
    pub(crate) const fn any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// An address, or those that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Mac([u8; 6]),
    V4([u8; 4], u8),
    V6([u8; 16], u8),
}

impl Entry {
    /// From the bytes of an attribute: a MAC address, or an IP address with the length of its prefix behind.
    /// Bits behind the prefix do not count. `None` if it is neither, or the MAC address that of a group.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if let Ok(mac) = <[u8; 6]>::try_from(bytes) {
            return Mac::from_bytes(&mac).is_valid().then_some(Self::Mac(mac));
        }
        let (len, addr) = bytes.split_last()?;
        if let Ok(addr) = <[u8; 4]>::try_from(addr) {
            let mask = u32::MAX.checked_shl(32u32.checked_sub((*len).into())?);
            let addr = u32::from_be_bytes(addr) & mask.unwrap_or(0);
            return Some(Self::V4(addr.to_be_bytes(), *len));
        }
        let addr = <[u8; 16]>::try_from(addr).ok()?;
        let mask = u128::MAX.checked_shl(128u32.checked_sub((*len).into())?);
        let addr = u128::from_be_bytes(addr) & mask.unwrap_or(0);
        Some(Self::V6(addr.to_be_bytes(), *len))
    }

    /// Calls `f` with the bytes of an attribute.
    pub(crate) fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        match *self {
            Self::Mac(mac) => f(&mac),
            Self::V4([a, b, c, d], len) => f(&[a, b, c, d, len]),
            Self::V6(addr, len) => {
                let mut bytes = [len; 17];
                bytes.iter_mut().zip(addr).for_each(|(to, from)| *to = from);
                f(&bytes)
            }
        }
    }

    /// The one address that it is, if it is not a MAC address or more.
    fn one(&self) -> Option<IpAddr> {
        match *self {
            Self::V4(addr, 32) => Some(addr.into()),
            Self::V6(addr, 128) => Some(addr.into()),
            _ => None,
        }
    }

    pub(super) fn has_v4(&self, addr: [u8; 4]) -> bool {
        let Self::V4(prefix, len) = *self else {
            return false;
        };
        let differ = u32::from_be_bytes(prefix) ^ u32::from_be_bytes(addr);
        differ.leading_zeros() >= len.into()
    }

    pub(super) fn has_v6(&self, addr: [u8; 16]) -> bool {
        let Self::V6(prefix, len) = *self else {
            return false;
        };
        let differ = u128::from_be_bytes(prefix) ^ u128::from_be_bytes(addr);
        differ.leading_zeros() >= len.into()
    }
}

/// The guard of an endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Guard {
    pub(super) rules: Rules,
    /// The MAC address that the endpoint had when it got its rules; `None` if it cannot change it.
    pub(super) mac: Option<Mac>,
    /// The number by which IPv6 tells devices with one MAC address apart, zero if there is none.
    pub(super) dev_id: u16,
    count: usize,
    entries: [Entry; MAX_ENTRIES],
}

/// A guard has as many addresses as it can.
#[derive(Debug)]
pub(crate) struct Full;

impl Guard {
    /// One that lets everything pass.
    pub(crate) const NONE: Self = Self {
        rules: Rules::NONE,
        mac: None,
        dev_id: 0,
        count: 0,
        entries: [Entry::Mac([0; 6]); MAX_ENTRIES],
    };

    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    /// Has it follow these rules from now on, for an endpoint with that MAC address, if that is to stay, and
    /// that number.
    pub(crate) fn set_rules(&mut self, rules: Rules, mac: Option<Mac>, dev_id: u16) {
        self.rules = rules;
        self.mac = mac;
        self.dev_id = dev_id;
    }

    /// The addresses.
    pub(crate) fn entries(&self) -> &[Entry] {
        self.entries.get(..self.count).unwrap_or_default()
    }

    /// The IP addresses that it has in full.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.entries().iter().filter_map(Entry::one)
    }

    /// Whether it has an address in full.
    pub(crate) fn lists(&self, addr: IpAddr) -> bool {
        self.addresses().any(|other| other == addr)
    }

    /// Whether it has an address, or a prefix that it begins with.
    pub(crate) fn covers(&self, addr: IpAddr) -> bool {
        self.entries().iter().any(|entry| match addr {
            IpAddr::V4(addr) => entry.has_v4(addr.to_ne_bytes()),
            IpAddr::V6(addr) => entry.has_v6(addr.to_ne_bytes()),
        })
    }

    /// Adds an address, if it is not there.
    pub(crate) fn add(&mut self, entry: Entry) -> Result<(), Full> {
        if !self.entries().contains(&entry) {
            *self.entries.get_mut(self.count).ok_or(Full)? = entry;
            self.count = self.count.wrapping_add(1);
        }
        Ok(())
    }

    /// Takes an address out, if it is there.
    pub(crate) fn remove(&mut self, entry: Entry) {
        let Some(at) = self.entries().iter().position(|other| *other == entry) else {
            return;
        };
        self.count = self.count.wrapping_sub(1);
        // Without a function that could panic.
        for place in at..self.count {
            let next = self.entries.get(place.wrapping_add(1)).copied();
            if let (Some(entry), Some(next)) = (self.entries.get_mut(place), next) {
                *entry = next;
            }
        }
    }

    /// Takes all addresses out.
    pub(crate) fn flush(&mut self) {
        self.count = 0;
    }

    /// Whether there is nothing to remember.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules == Rules::NONE && self.count == 0
    }
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_guard)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };

    #[test]
    fn rules_are_five_bits() {
        assert!(all(0..=0x1_0000, |number| {
            Rules::parse(*number).is_some() == (*number < 32)
        }));
        assert!(all(5..32, |bit| Rules::parse(1 << bit).is_none()));
    }

    #[test]
    fn rules_keep_their_number() {
        assert!(all(0..32, |number| {
            Rules::parse(*number).map(Rules::number) == Some(*number)
        }));
    }

    #[test]
    fn an_entry_has_6_5_or_17_bytes() {
        let bytes = [2; 64];
        assert!(all(0..=64, |len| {
            let entry = bytes.get(..*len).and_then(Entry::parse);
            entry.is_some() == matches!(len, 5 | 6 | 17)
        }));
    }

    #[test]
    fn a_prefix_is_not_longer_than_the_address() {
        assert!(all(0..=u8::MAX, |len| {
            let mut v6 = [1; 17];
            v6.iter_mut().skip(16).for_each(|byte| *byte = *len);
            Entry::parse(&[1, 1, 1, 1, *len]).is_some() == (*len <= 32)
                && Entry::parse(&v6).is_some() == (*len <= 128)
        }));
    }

    #[test]
    fn an_entry_is_shown_as_it_was_said_but_for_what_does_not_count() {
        let mut random = Random::new("guard entries");
        for _ in 0..1000 {
            let bytes: [u8; 17] = random.bytes();
            for (len, max) in [(6, 0), (5, 33), (17, 129)] {
                let mut said = bytes;
                said.iter_mut()
                    .skip(len - 1)
                    .take((max != 0).into())
                    .for_each(|byte| *byte %= max.max(1));
                let said = said.get(..len).unwrap_or_default();
                let Some(entry) = Entry::parse(said) else {
                    continue;
                };
                let again = entry.with_bytes(Entry::parse);
                assert_eq!(again, Some(entry));
                assert!(entry.with_bytes(|bytes| bytes.len() == len && bytes.last() == said.last()));
            }
        }
    }

    #[test]
    fn a_prefix_has_what_begins_like_it() {
        assert!(all(0..=32u8, |len| {
            let Some(entry) = Entry::parse(&[192, 0, 2, 77, *len]) else {
                return false;
            };
            (0..32u8).all(|bit| {
                let addr = u32::from_be_bytes([192, 0, 2, 77]) ^ (1 << (31 - bit));
                entry.has_v4(addr.to_be_bytes()) == (bit >= *len)
            })
        }));
        assert!(all(0..=128u8, |len| {
            let mut said = [0x2a; 17];
            said.iter_mut().skip(16).for_each(|byte| *byte = *len);
            let Some(entry) = Entry::parse(&said) else {
                return false;
            };
            (0..128u8).all(|bit| {
                let addr = u128::from_be_bytes([0x2a; 16]) ^ (1 << (127 - bit));
                entry.has_v6(addr.to_be_bytes()) == (bit >= *len)
            })
        }));
    }

    #[test]
    fn in_full_it_has_addresses_and_no_prefixes() {
        let mut guard = Guard::NONE;
        let v6 = |last| core::array::from_fn(|n| if n == 15 { last } else { 0x20 });
        for entry in [
            Entry::Mac([2, 0, 0, 0, 0, 1]),
            Entry::V4([10, 0, 0, 1], 32),
            Entry::V4([10, 0, 1, 0], 24),
            Entry::V6(v6(1), 128),
            Entry::V6(v6(0), 120),
        ] {
            assert!(guard.add(entry).is_ok());
        }
        assert_eq!(guard.addresses().count(), 2);
        assert!(all(0..=u8::MAX, |last| {
            let (one, other) = ([10, 0, 0, *last].into(), [10, 0, 1, *last].into());
            guard.lists(one) == (*last == 1)
                && guard.covers(one) == (*last == 1)
                && !guard.lists(other)
                && guard.covers(other)
                && guard.lists(v6(*last).into()) == (*last == 1)
                && guard.covers(v6(*last).into())
        }));
    }

    #[test]
    fn a_guard_holds_64_different_ones() {
        let mut guard = Guard::NONE;
        for n in 0..64 {
            assert!(guard.add(Entry::V4([10, 0, 0, n], 32)).is_ok());
        }
        assert!(guard.add(Entry::V4([10, 0, 0, 5], 32)).is_ok());
        assert!(guard.add(Entry::V4([10, 0, 1, 5], 32)).is_err());
        guard.remove(Entry::V4([10, 0, 0, 63], 32));
        guard.remove(Entry::V4([10, 0, 0, 0], 32));
        guard.remove(Entry::V4([10, 0, 0, 0], 32));
        assert_eq!(guard.entries().len(), 62);
        assert!(all(1..63u8, |n| guard
            .entries()
            .contains(&Entry::V4([10, 0, 0, *n], 32))));
        guard.flush();
        assert!(guard.is_empty());
    }
}
