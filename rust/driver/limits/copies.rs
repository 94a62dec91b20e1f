// SPDX-License-Identifier: GPL-2.0

//! How many copies of packets to groups a port makes in a second: a bound for all senders together, of which each is
//! sure of an equal share.
//!
//! A packet is copied if what all have had is paid for, or else if what its sender has had of his share is. So who
//! sends little is copied whatever others send; and since the shares are no more than the bound, it holds all the
//! same: in any stretch of time, but for a tenth of a second's worth and one packet of each sender.

use super::{
    bucket::{
        next,
        room,
        Moment,
        Rate,
        MAX_ROOM, //
    },
    settings::usual_pps_burst,
};
use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

/// When what was copied is paid for.
pub(crate) struct Level(Atomic<u64>);

impl Level {
    /// Nothing was copied yet.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Puts it off by `time`, if it is no further ahead than `room`.
    fn take(&self, now: u64, time: u64, room: u64) -> bool {
        let mut paid_at = self.0.load(Relaxed);
        while let Some(later) = next(paid_at, now, time, room) {
            match self.0.cmpxchg(paid_at, later, Relaxed) {
                Ok(_) => return true,
                Err(other) => paid_at = other,
            }
        }
        false
    }

    /// Puts it off by `time` however far ahead it is, but for more than an hour.
    fn charge(&self, now: u64, time: u64) {
        let mut paid_at = self.0.load(Relaxed);
        loop {
            let later = paid_at.max(now).saturating_add(time);
            let later = later.min(now.saturating_add(MAX_ROOM));
            match self.0.cmpxchg(paid_at, later, Relaxed) {
                Ok(_) => return,
                Err(other) => paid_at = other,
            }
        }
    }

    /// Whether nothing could be taken.
    fn is_empty(&self, now: u64, room: u64) -> bool {
        next(self.0.load(Relaxed), now, 0, room).is_none()
    }
}

/// The bound, and what was copied lately.
pub(crate) struct Copies {
    per_second: u32,
    rate: Rate,
    room: u64,
    all: Level,
    /// What the host sends.
    pub(crate) host: Level,
    /// What comes in by the lower device, from whomever.
    pub(crate) outside: Level,
}

impl Copies {
    /// `None` if it is zero, which is no bound.
    pub(crate) fn new(per_second: u32) -> Option<Self> {
        Some(Self {
            per_second,
            rate: Rate::new(per_second.into())?,
            room: room(per_second.into(), usual_pps_burst(per_second)),
            all: Level::new(),
            host: Level::new(),
            outside: Level::new(),
        })
    }

    pub(crate) fn per_second(&self) -> u32 {
        self.per_second
    }

    /// Whether a packet of the sender whose share is `own`, one of `senders`, may be copied as often as `count`
    /// says, which is asked only if it may be.
    pub(crate) fn take(
        &self,
        own: &Level,
        senders: u32,
        count: impl FnOnce() -> u32,
        now: Moment,
    ) -> bool {
        let now = now.ticks();
        if self.all.is_empty(now, self.room) && own.is_empty(now, 0) {
            return false;
        }
        // An hour will do for any packet.
        let time = self.rate.time_of(count()).min(MAX_ROOM);
        if self.all.take(now, time, self.room) {
            return true;
        }
        // At a share of the rate it takes as many times as long.
        let at_share = time.saturating_mul(senders.into()).min(MAX_ROOM);
        let passes = own.take(now, at_share, 0);
        if passes {
            // All pay for it, too.
            self.all.charge(now, time);
        }
        passes
    }
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_copies)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };

    const MILLISECOND: u64 = 1_000_000;
    /// Long after the machine was started.
    const START: u64 = 1 << 40;

    fn copied(copies: &Copies, own: &Level, senders: u32, count: u32, at: u64) -> bool {
        copies.take(own, senders, || count, Moment(START + at))
    }

    /// How many copies each of the senders gets in so many seconds, who in each millisecond send as many
    /// packets as `eager` says, each of which is `count` copies.
    fn shares<const N: usize>(rate: u32, count: u32, eager: [u32; N], seconds: u64) -> [u32; N] {
        let Some(copies) = Copies::new(rate) else {
            return [0; N];
        };
        let senders = u32::try_from(2 * N).unwrap_or(0);
        let levels = [const { Level::new() }; N];
        let mut got = [0; N];
        for ms in 0..seconds * 1000 {
            for ((got, own), eager) in got.iter_mut().zip(&levels).zip(eager) {
                for n in 0..eager {
                    let at = ms * MILLISECOND + u64::from(n);
                    if copied(&copies, own, senders, count, at) {
                        *got += count;
                    }
                }
            }
        }
        got
    }

    #[test]
    fn zero_is_no_bound() {
        assert!(Copies::new(0).is_none());
        assert!(all([1, 7, 1000, u32::MAX], |rate| {
            Copies::new(*rate).is_some_and(|copies| copies.per_second() == *rate)
        }));
    }

    #[test]
    fn who_is_alone_has_all_of_it() {
        assert!(all([100u32, 1_000, 10_000, 100_000], |rate| {
            let [got] = shares(*rate, 10, [20], 10);
            // What a tenth of a second brings is there in the beginning.
            got.abs_diff(*rate * 10 + rate / 10) <= *rate / 5 + 20
        }));
    }

    #[test]
    fn all_together_have_no_more_than_the_bound() {
        let mut random = Random::new("copies");
        for _ in 0..20 {
            let eager: [u32; 8] = core::array::from_fn(|_| random.number() % 5);
            let (rate, count) = (1_000 + random.number() % 100_000, 1 + random.number() % 100);
            let sum: u32 = shares(rate, count, eager, 2).iter().sum();
            // The bound, what may be there in the beginning, and a packet of each and one.
            assert!(sum <= rate * 2 + rate / 10 + 16 + count * 9);
        }
    }

    /// One packet each tenth of a second, among those who send all the time. It is never refused.
    #[test]
    fn who_sends_little_is_copied_whatever_others_send() {
        let Some(copies) = Copies::new(10_000) else {
            return;
        };
        let (quiet, greedy) = (Level::new(), [const { Level::new() }; 3]);
        let mut refused = 0;
        for ms in 0..10_000u64 {
            for own in &greedy {
                for n in 0..20 {
                    let _ = copied(&copies, own, 5, 100, ms * MILLISECOND + n);
                }
            }
            // A share is 2000 copies a second; these are 1000.
            if ms % 100 == 50 && !copied(&copies, &quiet, 5, 100, ms * MILLISECOND + 50) {
                refused += 1;
            }
        }
        assert_eq!(refused, 0);
    }

    #[test]
    fn all_who_send_all_the_time_have_their_share_at_least() {
        let got = shares(10_000, 50, [40; 4], 10);
        // Twice as many count as senders here.
        assert!(all(got, |got| *got + 100 >= 10_000 * 10 / 8));
    }

    /// The slowest bound, the most links: an hour later there is another one.
    #[test]
    fn a_share_is_never_longer_than_an_hour() {
        let Some(copies) = Copies::new(1) else {
            return;
        };
        let (own, many) = (Level::new(), 1 << 20);
        assert!(copied(&copies, &own, many, u32::MAX, 0));
        let hour = 3_600_000 * MILLISECOND;
        // The first by what is there for all, the second by the share.
        assert!(copied(&copies, &own, many, u32::MAX, 1));
        assert!(!copied(&copies, &own, many, u32::MAX, 2));
        assert!(!copied(&copies, &own, many, u32::MAX, hour / 2));
        assert!(copied(&copies, &own, many, u32::MAX, hour + 2));
    }

    #[test]
    fn what_is_refused_is_not_counted() {
        let Some(copies) = Copies::new(16) else {
            return;
        };
        let own = Level::new();
        // The first is more than the burst, and the second the share's.
        assert!(copied(&copies, &own, 2, 1000, 0) && copied(&copies, &own, 2, 1000, 1));
        let asked = Atomic::new(0u32);
        let refused = !copies.take(
            &own,
            2,
            || {
                asked.add(1, Relaxed);
                1
            },
            Moment(START + 2),
        );
        assert!(refused && asked.load(Relaxed) == 0);
    }
}
