// SPDX-License-Identifier: GPL-2.0

//! What time it is.
//!
//! # Context
//!
//! Any but an NMI; does not sleep.

use crate::bindings;

/// Returns the nanoseconds since the machine was started, without those in which it slept (`ktime_get_ns()`).
#[inline]
pub fn monotonic_ns() -> u64 {
    // SAFETY: A function without arguments, for any such context; no NMI runs this.
    unsafe { bindings::ktime_get_ns() }
}
