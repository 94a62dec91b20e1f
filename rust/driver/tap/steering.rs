// SPDX-License-Identifier: GPL-2.0

//! Which queue a packet goes to.

/// The queue, one of `count`, for a packet with that flow hash, zero if it has none; then it is asked for
/// its receive queue.
#[inline]
pub(crate) fn steer(hash: u32, rx_queue: impl FnOnce() -> Option<u32>, count: u32) -> u32 {
    let number = if hash != 0 {
        hash
    } else {
        rx_queue().unwrap_or(0)
    };
    number.checked_rem(count).unwrap_or(0)
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_tap_steering)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };

    /// As many queues as a tap can have.
    const MOST: u32 = 256;

    #[test]
    fn e7_a_queue_is_one_of_those_there_are() {
        let mut random = Random::new("steering");
        for count in 1..=MOST {
            let hashes: [u32; 50] = core::array::from_fn(|_| random.number());
            assert!(all(hashes, |hash| {
                steer(*hash, || None, count) < count && steer(*hash, || Some(*hash), count) < count
            }));
        }
    }

    #[test]
    fn e7_a_flow_has_one_queue_wherever_it_comes_in() {
        assert!(all(1..=MOST, |count| {
            (0..MOST).all(|rx| steer(0x1234_5678, || Some(rx), *count) == 0x1234_5678 % count)
        }));
    }

    #[test]
    fn e7_one_queue_gets_everything() {
        assert!(all([0, 1, 2, u32::MAX], |hash| steer(*hash, || Some(9), 1) == 0));
    }

    #[test]
    fn e7_without_a_hash_the_receive_queue_counts() {
        assert!(all(1..=MOST, |count| {
            (0..2 * MOST).all(|rx| steer(0, || Some(rx), *count) == rx % count)
        }));
    }

    #[test]
    fn e7_without_hash_and_receive_queue_it_is_the_first() {
        assert!(all(1..=MOST, |count| steer(0, || None, *count) == 0));
    }

    #[test]
    fn e7_all_queues_are_used() {
        assert!(all(1..=MOST, |count| {
            (0..*count).all(|queue| (1..=*count).any(|hash| steer(hash, || None, *count) == queue))
        }));
    }

    #[test]
    fn e7_no_queues_are_no_division_by_zero() {
        assert!(all([0, 5, u32::MAX], |hash| steer(*hash, || Some(3), 0) == 0));
    }

    #[test]
    fn e7_the_largest_numbers_are_numbers() {
        assert_eq!(steer(u32::MAX, || None, u32::MAX), 0);
        assert_eq!(steer(u32::MAX - 1, || None, u32::MAX), u32::MAX - 1);
    }
}
