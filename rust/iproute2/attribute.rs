// SPDX-License-Identifier: GPL-2.0

//! Values of attributes that the kernel sent.
//!
//! Nothing here trusts a length: what is shorter than its type is as if absent.

/// `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER` share their word with the number.
const TYPE_MASK: u16 = 0x3fff;

/// The value of an attribute.
#[derive(Clone, Copy)]
pub struct Value<'a>(pub &'a [u8]);

impl<'a> Value<'a> {
    /// The value as a number.
    pub fn u16(self) -> Option<u16> {
        self.bytes().map(u16::from_ne_bytes)
    }

    /// The value as a number.
    pub fn u32(self) -> Option<u32> {
        self.bytes().map(u32::from_ne_bytes)
    }

    /// The value as a number.
    pub fn u64(self) -> Option<u64> {
        self.bytes().map(u64::from_ne_bytes)
    }

    /// The value as a number.
    pub fn i32(self) -> Option<i32> {
        self.bytes().map(i32::from_ne_bytes)
    }

    /// What the value begins with.
    pub fn bytes<const N: usize>(self) -> Option<[u8; N]> {
        self.0.first_chunk().copied()
    }

    /// Of the attributes that are the value, the first with this number.
    pub fn get(self, number: u16) -> Option<Value<'a>> {
        self.nested()
            .find_map(|(found, value)| (found == number).then_some(value))
    }

    /// The attributes that are the value, with their numbers.
    pub fn nested(self) -> impl Iterator<Item = (u16, Value<'a>)> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let [len @ .., k0, k1] = *left.first_chunk::<4>()?;
            let len = usize::from(u16::from_ne_bytes(len));
            let value = left.get(4..len)?;
            left = left.get(len.next_multiple_of(4)..).unwrap_or_default();
            Some((u16::from_ne_bytes([k0, k1]) & TYPE_MASK, Value(value)))
        })
    }
}
