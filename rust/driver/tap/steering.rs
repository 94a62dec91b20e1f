// SPDX-License-Identifier: GPL-2.0

//! Which queue a packet goes to.

/// The queue, one of `count`, for a packet with that flow hash, zero if it has none, and that receive
/// queue.
pub(crate) fn steer(hash: u32, rx_queue: Option<u32>, count: u32) -> u32 {
    let number = if hash != 0 {
        hash
    } else {
        rx_queue.unwrap_or(0)
    };
    number.checked_rem(count).unwrap_or(0)
}
