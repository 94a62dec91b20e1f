// SPDX-License-Identifier: GPL-2.0

//! Text without an allocator.

use core::ffi::CStr;

/// Room for 63 bytes, with a zero behind.
pub struct Text {
    bytes: [u8; 64],
    len: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            bytes: [0; 64],
            len: 0,
        }
    }
}

impl Text {
    /// Text to begin with; `None` if it is longer.
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut new = Self::default();
        new.push(text);
        (new.as_c_str().to_bytes() == text).then_some(new)
    }

    /// Appends as much as there is room for.
    pub fn push(&mut self, text: &[u8]) {
        let room = self.bytes.iter_mut().skip(self.len);
        // The last one stays zero.
        for (to, from) in room.zip(text).take(63usize.saturating_sub(self.len)) {
            *to = *from;
            self.len += 1;
        }
    }

    /// Appends a number in decimal.
    pub fn push_number(&mut self, number: u64) {
        let (mut digits, mut rest) = ([b'0'; 20], number);
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(19);
        self.push(digits.get(first..).unwrap_or_default());
    }

    /// What was appended so far.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}
