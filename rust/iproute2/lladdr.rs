// SPDX-License-Identifier: GPL-2.0

//! Link-layer addresses as text.

use core::ffi::CStr;

/// The address of an Ethernet device.
pub type Address = [u8; 6];

/// Reads six numbers of one or two hexadecimal digits, with colons between them.
pub fn parse(word: &CStr) -> Option<Address> {
    let mut parts = word.to_bytes().split(|&c| c == b':');
    let mut address = Address::default();

    for byte in &mut address {
        *byte = match *parts.next()? {
            [low] => digit(low)?,
            [high, low] => (digit(high)? << 4) | digit(low)?,
            _ => return None,
        };
    }
    parts.next().is_none().then_some(address)
}

fn digit(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).map(|value| value as u8)
}

/// An address as text.
pub struct Text([u8; 18]);

impl Text {
    /// Writes the address as [`parse`] reads it, all numbers with two digits.
    pub fn new(address: Address) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 18];

        for (place, byte) in text.chunks_exact_mut(3).zip(address) {
            let digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            if let [high, low, colon] = place {
                [*high, *low] = digits;
                *colon = b':';
            }
        }
        // In place of the last colon.
        text[17] = 0;
        Self(text)
    }

    /// The text.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}
