// SPDX-License-Identifier: GPL-2.0

//! Token buckets without a lock: each is one number, the time at which all that it let pass is paid for.
//!
//! A packet passes if that time is no further ahead than the burst takes, and puts it off by as long as
//! the packet takes at the rate (the generic cell rate algorithm). So of any stretch of time no more
//! passes than the rate, the burst and one packet, which may be larger than the burst; and of a sender who
//! always has something to send, no less than the rate.

use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

/// Time is counted in parts of a nanosecond, in which also a small packet at a high rate takes some. All of
/// 64 bits are 36 years since the machine was started.
const TICKS_PER_NS: u64 = 16;
const TICKS_PER_SECOND: u64 = 1_000_000_000 * TICKS_PER_NS;

/// The largest rates, at which the shortest packet takes 19 ticks: in bytes and in packets a second.
pub(crate) const MAX_BYTES: u64 = 50_000_000_000;
pub(crate) const MAX_PACKETS: u32 = 200_000_000;

/// How far ahead a bucket can be, whatever its burst.
pub(super) const MAX_ROOM: u64 = 3600 * TICKS_PER_SECOND;

/// How long a unit, a byte or a packet, takes: `mult / 2^shift` ticks.
///
/// # Invariants
///
/// `mult` is at most 2^40.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    mult: u64,
    shift: u32,
}

impl Rate {
    const MAX_SHIFT: u32 = 24;
    /// So many units at once count at most.
    const MAX_UNITS: u32 = (1 << 24) - 1;

    /// `None` if it is zero.
    pub(super) const fn new(per_second: u64) -> Option<Self> {
        let mut shift = Self::MAX_SHIFT;
        loop {
            let Some(mult) = (TICKS_PER_SECOND << shift).checked_div(per_second) else {
                return None;
            };
            // Without a shift it is less than 2^34.
            if mult <= 1 << 40 || shift == 0 {
                return Some(Self { mult, shift });
            }
            shift = shift.wrapping_sub(1);
        }
    }

    /// How long that many units take, in ticks.
    #[inline]
    pub(super) const fn time_of(self, units: u32) -> u64 {
        let units = if units > Self::MAX_UNITS {
            Self::MAX_UNITS
        } else {
            units
        };
        // By the type's invariants less than 2^64.
        let half = (1u64 << self.shift) >> 1;
        self.mult.wrapping_mul(units as u64).wrapping_add(half) >> self.shift
    }
}

/// How long a burst takes at a rate, in ticks.
pub(super) const fn room(per_second: u64, burst: u32) -> u64 {
    let burst = burst as u64;
    let (Some(seconds), Some(rest)) =
        (burst.checked_div(per_second), burst.checked_rem(per_second))
    else {
        return 0;
    };
    let seconds = seconds.saturating_mul(TICKS_PER_SECOND);
    // The product is less than 2^63; of what takes long, in steps of 16 ns.
    let shift = if rest < 1 << 29 { 0 } else { 8 };
    let part = match rest
        .wrapping_mul(TICKS_PER_SECOND >> shift)
        .checked_div(per_second)
    {
        Some(part) => part << shift,
        None => 0,
    };
    let room = seconds.saturating_add(part);
    if room > MAX_ROOM {
        MAX_ROOM
    } else {
        room
    }
}

/// When all is paid for if something that takes `time` passes at `now`; `None` if it does not pass.
#[inline(always)]
pub(super) fn next(paid_at: u64, now: u64, time: u64, room: u64) -> Option<u64> {
    let ahead = paid_at.saturating_sub(now);
    (ahead <= room).then(|| now.wrapping_add(ahead).wrapping_add(time))
}

/// A moment, in nanoseconds since the machine was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    #[inline]
    pub(super) const fn ticks(self) -> u64 {
        self.0.wrapping_mul(TICKS_PER_NS)
    }
}

/// What may pass of something.
pub(crate) struct Bucket {
    rate: Rate,
    /// How far ahead it may be.
    room: u64,
    paid_at: Atomic<u64>,
}

impl Bucket {
    /// A bucket from which nothing was taken yet, for a rate and a burst of the same units; `None` if the
    /// rate is zero.
    pub(crate) fn new(per_second: u64, burst: u32) -> Option<Self> {
        Some(Self {
            rate: Rate::new(per_second)?,
            room: room(per_second, burst),
            paid_at: Atomic::new(0),
        })
    }

    /// Whether nothing would pass. A snapshot, without a write.
    #[inline]
    pub(crate) fn is_empty(&self, now: Moment) -> bool {
        next(self.paid_at.load(Relaxed), now.ticks(), 0, self.room).is_none()
    }

    /// Whether that many units pass, which then are taken. Who is disturbed by another CPU tries again:
    /// somebody always gets on.
    #[inline]
    pub(crate) fn take(&self, units: u32, now: Moment) -> bool {
        let (time, now) = (self.rate.time_of(units), now.ticks());
        let mut paid_at = self.paid_at.load(Relaxed);
        while let Some(later) = next(paid_at, now, time, self.room) {
            match self.paid_at.cmpxchg(paid_at, later, Relaxed) {
                Ok(_) => return true,
                Err(other) => paid_at = other,
            }
        }
        false
    }

    /// Gives back what was just taken, and did not pass after all.
    #[inline]
    pub(crate) fn give_back(&self, units: u32) {
        let time = self.rate.time_of(units);
        self.paid_at.add(0u64.wrapping_sub(time), Relaxed);
    }
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_bucket)]
mod tests {
    use super::*;
    use crate::cases::{
        all,
        Random, //
    };

    const SECOND: u64 = 1_000_000_000;

    /// Rates in bytes, and lengths of packets.
    const RATES: [u64; 9] = [
        1,
        1_000,
        125_000,
        1_250_000,
        12_500_000,
        125_000_000,
        1_250_000_000,
        12_500_000_000,
        MAX_BYTES,
    ];
    const LENGTHS: [u32; 6] = [1, 60, 576, 1514, 9014, 65_549];

    fn rates_and_lengths() -> impl Iterator<Item = (u64, u32)> {
        RATES
            .into_iter()
            .flat_map(|rate| LENGTHS.map(|length| (rate, length)))
            // With parts of a tick nobody gets.
            .filter(|(rate, length)| *rate <= 1_250_000_000 || *length >= 60)
    }

    /// Whether `got` is `wanted` but for two in a hundred.
    fn is_close(got: u64, wanted: u64) -> bool {
        got.abs_diff(wanted).saturating_mul(50) <= wanted
    }

    /// A number below `end`, by chance.
    fn below(random: &mut Random, end: u32) -> u32 {
        random.number().checked_rem(end).unwrap_or(0)
    }

    /// How long `count` packets take a sender who always has one, and who has used the burst up; in ticks.
    /// `None` if one does not pass when it should.
    fn time_for(bucket: &Bucket, length: u32, count: u64) -> Option<u64> {
        let begin = SECOND * TICKS_PER_NS;
        let time = bucket.rate.time_of(length);
        let mut paid_at = begin + bucket.room;
        for _ in 0..count {
            let now = paid_at - bucket.room;
            if now > begin && next(paid_at, now - 1, time, bucket.room).is_some() {
                return None;
            }
            paid_at = next(paid_at, now, time, bucket.room)?;
        }
        Some(paid_at - bucket.room - begin)
    }

    #[test]
    fn who_always_sends_gets_the_rate() {
        assert!(all(rates_and_lengths(), |(rate, length)| {
            let Some(bucket) = Bucket::new(*rate, 3 * *length) else {
                return false;
            };
            let count = 1000;
            // In ticks: count * length / rate seconds.
            let bytes = count * u64::from(*length);
            let wanted = if bytes > 1 << 28 {
                (bytes * 1000 / *rate) * (TICKS_PER_SECOND / 1000)
            } else {
                bytes * TICKS_PER_SECOND / *rate
            };
            time_for(&bucket, *length, count).is_some_and(|time| is_close(time, wanted))
        }));
    }

    #[test]
    fn any_rate_of_packets_is_kept() {
        let mut random = Random::new("rates of packets");
        for _ in 0..2000 {
            let end = 1 << below(&mut random, 27);
            let rate = 1 + below(&mut random, end);
            let Some(bucket) = Bucket::new(rate.into(), 1) else {
                assert!(false);
                return;
            };
            let wanted = 1000 * TICKS_PER_SECOND / u64::from(rate);
            let time = time_for(&bucket, 1, 1000);
            assert!(time.is_some_and(|time| is_close(time, wanted)));
        }
        assert!(Bucket::new(0, 100).is_none());
    }

    #[test]
    fn a_burst_passes_at_once_and_no_more() {
        assert!(all(RATES, |rate| {
            all(LENGTHS, |length| {
                let burst = 10 * *length;
                let Some(bucket) = Bucket::new(*rate, burst) else {
                    return false;
                };
                if *rate < 1_000 || *length < 60 {
                    return true;
                }
                let passed = (0..100).filter(|_| bucket.take(*length, Moment(SECOND)));
                // One may begin when the burst is used up; and the time it takes has parts.
                (10..=11).contains(&passed.count())
            })
        }));
    }

    /// The bucket with tokens that everybody knows, a unit each tick; what passes may leave a debt.
    struct Tokens {
        burst: i64,
        there: i64,
    }

    impl Tokens {
        fn take(&mut self, gap: u64, units: u32) -> bool {
            self.there = self.there.saturating_add_unsigned(gap).min(self.burst);
            if self.there < 0 {
                return false;
            }
            self.there -= i64::from(units);
            true
        }
    }

    #[test]
    fn it_does_what_a_bucket_with_tokens_does_always() {
        // All ways in which six packets of up to three units can come with up to four ticks between.
        let cases = (0..15u32.pow(6)).step_by(7).chain(0..15u32.pow(4));
        assert!(all([0, 1, 2, 5], |burst| all(cases.clone(), |case| {
            let mut rest = *case;
            let (mut now, mut paid_at) = (1000, 0);
            let mut tokens = Tokens {
                burst: *burst,
                there: *burst,
            };
            (0..6).all(|_| {
                let (gap, units) = (u64::from(rest % 5), 1 + rest / 5 % 3);
                rest /= 15;
                now += gap;
                let later = next(paid_at, now, units.into(), burst.unsigned_abs());
                paid_at = later.unwrap_or(paid_at);
                later.is_some() == tokens.take(gap, units)
            })
        })));
    }

    #[test]
    fn of_no_stretch_of_time_more_passes() {
        const COUNT: usize = 150;
        let mut random = Random::new("stretches of time");
        for _ in 0..200 {
            let rate = 1 + u64::from(below(&mut random, 1 << 30));
            let burst = below(&mut random, 1 << 18);
            let Some(bucket) = Bucket::new(rate, burst) else {
                assert!(false);
                return;
            };
            let mut passed = [(0u64, 0u64); COUNT];
            let mut now = SECOND;
            for entry in passed.iter_mut() {
                let end = 1 << below(&mut random, 24);
                now += u64::from(below(&mut random, end));
                let length = 60 + below(&mut random, 9000);
                let bytes = if bucket.take(length, Moment(now)) {
                    length
                } else {
                    0
                };
                *entry = (now, bytes.into());
            }
            let most = 9060 + u64::from(burst);
            for from in 0..COUNT {
                let mut bytes = 0;
                for (at, length) in passed.iter().skip(from) {
                    bytes += length;
                    let ns = at - passed.get(from).map_or(0, |(at, _)| *at);
                    // Rounded up, in parts so that nothing overflows.
                    let earned = rate * (ns / SECOND) + rate * (ns % SECOND / 1000) / 1_000_000;
                    let slack = 2 + earned / 100 + rate / 1_000_000;
                    assert!(bytes <= most + earned + slack);
                }
            }
        }
    }

    #[test]
    fn eight_cpus_with_clocks_of_their_own_get_the_rate_of_one() {
        // Each reads the clock, then the bucket, then tries to change it; others come in between.
        #[derive(Clone, Copy)]
        enum Step {
            Clock,
            Load(u64),
            Change(u64, u64),
        }
        let mut random = Random::new("eight CPUs");
        for round in 0..12 {
            let pps = 1_000u64 << round;
            let Some(bucket) = Bucket::new(pps, 16) else {
                assert!(false);
                return;
            };
            let time = bucket.rate.time_of(1);
            let (begin, mut paid_at) = (SECOND * TICKS_PER_NS, 0);
            let (mut now, mut passed) = (begin, 0u64);
            let mut cpus = [Step::Clock; 8];
            // So that the second is over after a million steps, or earlier.
            let wanted = (pps / 10).min(20_000);
            let step = time.min(TICKS_PER_SECOND / 1000) / 40;
            while passed < wanted + 17 {
                now += step / 2 + u64::from(below(&mut random, u32::try_from(step).unwrap_or(1)));
                let cpu = below(&mut random, 8) as usize;
                let Some(state) = cpus.get_mut(cpu) else {
                    return;
                };
                *state = match *state {
                    Step::Clock => Step::Load(now),
                    Step::Load(at) => Step::Change(at, paid_at),
                    Step::Change(at, seen) => match next(seen, at, time, bucket.room) {
                        None => Step::Clock,
                        Some(_) if seen != paid_at => Step::Load(at),
                        Some(later) => {
                            paid_at = later;
                            passed += 1;
                            Step::Clock
                        }
                    },
                };
            }
            let took = now - begin;
            assert!(is_close(took, wanted * time));
        }
    }

    #[test]
    fn what_is_given_back_is_there_again() {
        let Some(bucket) = Bucket::new(1_000, 0) else {
            assert!(false);
            return;
        };
        let now = Moment(SECOND);
        assert!(bucket.take(500, now) && bucket.is_empty(now) && !bucket.take(1, now));
        bucket.give_back(500);
        assert!(!bucket.is_empty(now) && bucket.take(1, now));
    }

    #[test]
    fn who_was_silent_has_the_burst_and_no_more() {
        assert!(all([0, 1, 1000, 1 << 20], |seconds| {
            let Some(bucket) = Bucket::new(1_000, 10) else {
                return false;
            };
            let passes = |at| (0..100).filter(|_| bucket.take(1, Moment(at))).count();
            passes(SECOND) == 11 && passes(2 * SECOND + *seconds * SECOND) == 11
        }));
    }

    #[test]
    fn the_largest_packet_at_the_lowest_rate_is_paid_for() {
        let Some(bucket) = Bucket::new(1, u32::MAX) else {
            assert!(false);
            return;
        };
        assert_eq!(bucket.room, MAX_ROOM);
        assert!(bucket.take(u32::MAX, Moment(SECOND)));
        // 194 days.
        assert!(bucket.is_empty(Moment(16_000_000 * SECOND)));
        assert!(!bucket.is_empty(Moment(17_000_000 * SECOND)));
    }
}
