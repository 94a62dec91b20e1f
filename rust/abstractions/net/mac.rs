// SPDX-License-Identifier: GPL-2.0

//! MAC addresses.
//!
//! # Context
//!
//! Any: numbers only.

use crate::bindings;

/// A 48-bit MAC address, as a number: what the packet path compares and looks up is one register.
///
/// The first byte on the wire is the third lowest of the number, the two below are zero: shifting
/// eight bytes that were loaded from a header leaves just the address.
///
/// # Examples
///
/// ```
/// use abstractions::net::mac::Mac;
///
/// let mac = Mac::from_bytes(&[0x02, 0, 0, 0, 0, 0x01]);
/// assert!(mac.is_valid());
/// assert_eq!(Mac::from_key(mac.key()), mac);
/// assert!(Mac::BROADCAST.is_multicast() && !Mac::BROADCAST.is_valid());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac(u64);

impl Mac {
    /// Everybody (`eth_broadcast_addr()`).
    pub const BROADCAST: Self = Self::from_bytes(&[0xff; 6]);

    /// From a number whose lowest byte is the first one on the wire; its two highest bytes do not
    /// count.
    #[inline]
    pub(crate) const fn from_le(number: u64) -> Self {
        Self(number << 16)
    }

    /// Makes an address of bytes in the order of the wire.
    #[inline]
    pub const fn from_bytes(bytes: &[u8; 6]) -> Self {
        let [a, b, c, d, e, f] = *bytes;
        Self(u64::from_le_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// Returns the bytes in the order of the wire.
    #[inline]
    pub const fn to_bytes(self) -> [u8; 6] {
        let [_, _, a, b, c, d, e, f] = self.0.to_le_bytes();
        [a, b, c, d, e, f]
    }

    /// Returns the address as a key of a table.
    #[inline]
    pub const fn key(self) -> u64 {
        self.0
    }

    /// Returns the address that [`key`](Self::key) gave.
    #[inline]
    pub const fn from_key(key: u64) -> Self {
        Self(key & !0xffff)
    }

    /// Returns whether it is a group address: multicast or broadcast (`is_multicast_ether_addr()`).
    #[inline]
    pub const fn is_multicast(self) -> bool {
        self.0 & (1 << 16) != 0
    }

    /// Returns whether a device can have it: neither a group address nor zero (`is_valid_ether_addr()`).
    #[inline]
    pub const fn is_valid(self) -> bool {
        !self.is_multicast() && self.0 != 0
    }
}

/// Returns whether `addr` can be the address of an Ethernet device (`is_valid_ether_addr()`).
pub fn is_valid_ether_addr(addr: &[u8; 6]) -> bool {
    Mac::from_bytes(addr).is_valid()
}

/// Length of an Ethernet header in bytes.
pub const ETH_HLEN: u32 = bindings::ETH_HLEN;
