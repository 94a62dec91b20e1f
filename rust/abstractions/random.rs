// SPDX-License-Identifier: GPL-2.0

//! Random numbers.
//!
//! # Context
//!
//! Any; does not sleep.

use crate::bindings;

/// Returns a number that nobody can guess (`get_random_bytes()`).
pub fn random_u32() -> u32 {
    let mut bytes = [0u8; 4];
    // SAFETY: The buffer is four bytes long.
    unsafe { bindings::get_random_bytes(bytes.as_mut_ptr().cast(), 4) };
    u32::from_ne_bytes(bytes)
}
