// SPDX-License-Identifier: GPL-2.0

//! Tables of cases, and cases by chance.

use abstractions::random::random_u32;
use core::fmt::Debug;
use kernel::prelude::*;

/// Whether `holds` says so of all cases. The first of which it does not goes to the log.
pub(crate) fn all<T: Debug>(
    cases: impl IntoIterator<Item = T>,
    holds: impl Fn(&T) -> bool,
) -> bool {
    match cases.into_iter().find(|case| !holds(case)) {
        Some(case) => {
            pr_err!("it does not hold of {case:?}\n");
            false
        }
        None => true,
    }
}

/// The seed of all tests instead of one by chance: one that a log shows, to see a failure again.
const SEED: Option<u32> = None;

/// Numbers by chance, all of which follow from a seed that goes to the log.
pub(crate) struct Random(u32);

impl Random {
    /// Those of a test.
    pub(crate) fn new(test: &str) -> Self {
        let seed = SEED.unwrap_or_else(random_u32);
        pr_info!("{test}: by chance, seed {seed:#010x}\n");
        Self(seed)
    }

    /// The next one (splitmix32).
    pub(crate) fn number(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        let mixed = (self.0 ^ self.0 >> 16).wrapping_mul(0x21f0_aaad);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul(0x735a_2d97);
        mixed ^ mixed >> 15
    }

    /// That many bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        core::array::from_fn(|_| {
            let [byte, ..] = self.number().to_ne_bytes();
            byte
        })
    }
}
