// SPDX-License-Identifier: GPL-2.0

//! Whether a packet is within the limits of its endpoint.

use super::{
    bucket::{
        Bucket,
        Moment, //
    },
    settings::{
        usual_pps_burst,
        Settings,
        Way, //
    },
};
use crate::drops::Reason;
use abstractions::net::skbuff::WireSize;

/// How many packets that find neighbours pass in a second, whatever else was sent; and at once.
const NEIGHBOURS: u32 = 50;

/// What may pass in one direction; not on one cache line with the other.
#[repr(align(64))]
struct Buckets {
    bytes: Option<Bucket>,
    packets: Option<Bucket>,
    neighbours: Option<Bucket>,
}

impl Buckets {
    fn new(way: &Way) -> Self {
        Self {
            bytes: Bucket::new(way.rate, way.burst()),
            packets: Bucket::new(way.pps.into(), way.pps_burst()),
            neighbours: Bucket::new(NEIGHBOURS.into(), NEIGHBOURS),
        }
    }

    /// Whether a packet of that size passes.
    #[inline]
    fn take(&self, size: WireSize, now: Moment) -> bool {
        let (Some(bytes), Some(packets)) = (&self.bytes, &self.packets) else {
            let bytes = self.bytes.as_ref();
            let packets = self.packets.as_ref();
            return bytes.is_none_or(|bytes| bytes.take(size.bytes, now))
                && packets.is_none_or(|packets| packets.take(size.frames, now));
        };
        // Only what passes both is taken from either.
        if packets.is_empty(now) || !bytes.take(size.bytes, now) {
            return false;
        }
        let passes = packets.take(size.frames, now);
        if !passes {
            bytes.give_back(size.bytes);
        }
        passes
    }

    /// Whether a packet passes for which there is no room among others.
    #[cold]
    #[inline(never)]
    fn take_neighbours(&self, size: WireSize, now: Moment) -> bool {
        self.neighbours
            .as_ref()
            .is_some_and(|neighbours| neighbours.take(size.frames, now))
    }
}

/// What a receiver is charged for a packet of `len` bytes: a sibling, who is the one who says where its headers end
/// and into how many it is to be cut, can't have it count as more frames than the shortest ones would be, nor
/// with longer headers than there are.
fn plausible(size: WireSize, len: u32) -> WireSize {
    const SHORTEST: u32 = 60;
    const HEADERS: u32 = 256;
    let frames = size.frames.min(len / SHORTEST + 1);
    let most = len.saturating_add(frames.saturating_mul(HEADERS));
    WireSize {
        bytes: size.bytes.min(most),
        frames,
    }
}

/// The limits of an endpoint, and what passed lately.
pub(crate) struct Limits {
    settings: Settings,
    tx: Buckets,
    rx: Buckets,
    /// Packets to groups that are sent.
    broadcast: Option<Bucket>,
}

impl Limits {
    /// Those that are set, with nothing passed yet.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            tx: Buckets::new(&settings.tx),
            rx: Buckets::new(&settings.rx),
            broadcast: Bucket::new(
                settings.broadcast.into(),
                usual_pps_burst(settings.broadcast),
            ),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// Whether anything is limited that is sent.
    pub(crate) fn has_tx(&self) -> bool {
        self.tx.bytes.is_some() || self.tx.packets.is_some() || self.broadcast.is_some()
    }

    /// Whether anything is limited that is received.
    pub(crate) fn has_rx(&self) -> bool {
        self.rx.bytes.is_some() || self.rx.packets.is_some()
    }

    /// Lets a packet pass that is sent, or says why not. What finds neighbours passes for longer:
    /// `is_about_neighbours` is asked when others would not.
    #[inline]
    pub(crate) fn send(
        &self,
        size: WireSize,
        to_group: bool,
        is_about_neighbours: impl FnOnce() -> bool,
        now: Moment,
    ) -> Result<(), Reason> {
        let broadcast = self.broadcast.as_ref().filter(|_| to_group);
        let reason = if broadcast.is_some_and(|bucket| !bucket.take(size.frames, now)) {
            Reason::TxLimitBroadcast
        } else if !self.tx.take(size, now) {
            Reason::TxLimit
        } else {
            return Ok(());
        };
        if is_about_neighbours() && self.tx.take_neighbours(size, now) {
            return Ok(());
        }
        Err(reason)
    }

    /// The same of a packet that is received, with `len` bytes.
    #[inline]
    pub(crate) fn receive(
        &self,
        size: WireSize,
        len: u32,
        is_about_neighbours: impl FnOnce() -> bool,
        now: Moment,
    ) -> Result<(), Reason> {
        let size = plausible(size, len);
        if self.rx.take(size, now) || is_about_neighbours() && self.rx.take_neighbours(size, now) {
            Ok(())
        } else {
            Err(Reason::RxLimit)
        }
    }
}

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_limits)]
mod tests {
    use super::*;
    use crate::cases::all;

    const NOW: Moment = Moment(1_000_000_000);
    const SIZE: WireSize = WireSize {
        bytes: 1000,
        frames: 1,
    };

    /// All combinations of limits, each of which lets 17 packets pass at once: bytes, packets, groups.
    fn limits() -> impl Iterator<Item = (bool, bool, bool)> {
        (0..8).map(|bits: u8| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0))
    }

    fn made((bytes, packets, groups): (bool, bool, bool)) -> Limits {
        let way = Way::for_tests(if bytes { 1000 } else { 0 }, if packets { 100 } else { 0 });
        Limits::new(Settings {
            tx: way,
            rx: way,
            broadcast: if groups { 100 } else { 0 },
        })
    }

    /// How many of a hundred pass.
    fn passed(f: impl Fn() -> Result<(), Reason>) -> usize {
        (0..100).filter(|_| f().is_ok()).count()
    }

    #[test]
    fn what_is_not_limited_passes() {
        assert!(all(limits(), |set| {
            let limits = made(*set);
            let (bytes, packets, groups) = *set;
            let wanted = if bytes || packets { 0..100 } else { 100..101 };
            limits.has_tx() == (bytes || packets || groups)
                && limits.has_rx() == (bytes || packets)
                && wanted.contains(&passed(|| limits.receive(SIZE, 1000, || false, NOW)))
                && wanted.contains(&passed(|| limits.send(SIZE, false, || false, NOW)))
        }));
    }

    #[test]
    fn the_narrowest_limit_counts() {
        assert!(all(limits(), |set| {
            let (bytes, packets, groups) = *set;
            let one = if bytes {
                66
            } else if packets {
                17
            } else {
                100
            };
            let one = if packets { 17.min(one) } else { one };
            let group = if groups { 17.min(one) } else { one };
            let sent = made(*set);
            passed(|| sent.send(SIZE, true, || false, NOW)) == group
                && passed(|| sent.receive(SIZE, 1000, || false, NOW)) == one
        }));
    }

    #[test]
    fn the_reason_says_which_limit_it_was() {
        assert!(all(limits(), |set| all([false, true], |to_group| {
            let (bytes, packets, groups) = *set;
            let limits = made(*set);
            let last = (0..100)
                .map(|_| limits.send(SIZE, *to_group, || false, NOW))
                .last();
            let wanted = if *to_group && groups {
                Err(Reason::TxLimitBroadcast)
            } else if bytes || packets {
                Err(Reason::TxLimit)
            } else {
                Ok(())
            };
            last == Some(wanted)
        })));
    }

    #[test]
    fn groups_that_do_not_pass_take_nothing_from_others() {
        let limits = made((false, true, true));
        // Of those to groups as many pass as of all.
        assert_eq!(passed(|| limits.send(SIZE, true, || false, NOW)), 17);
        let later = Moment(NOW.0 + 160_000_000);
        assert_eq!(passed(|| limits.send(SIZE, false, || false, later)), 16);
    }

    #[test]
    fn neighbours_are_found_whatever_else_is_sent() {
        assert!(all(limits(), |set| {
            let (bytes, packets, groups) = *set;
            let limits = made(*set);
            let _ = passed(|| limits.send(SIZE, true, || false, NOW));
            let _ = passed(|| limits.receive(SIZE, 1000, || false, NOW));
            let sent = passed(|| limits.send(SIZE, true, || true, NOW));
            let received = passed(|| limits.receive(SIZE, 1000, || true, NOW));
            let wanted = |limited| if limited { 51 } else { 100 };
            sent == wanted(bytes || packets || groups) && received == wanted(bytes || packets)
        }));
    }

    #[test]
    fn who_has_room_needs_no_allowance() {
        let limits = made((true, true, true));
        assert!(limits.send(SIZE, true, || false, NOW).is_ok());
        assert!(limits.receive(SIZE, 1000, || false, NOW).is_ok());
    }

    #[test]
    fn what_packets_refuse_is_not_taken_from_bytes() {
        let limits = made((true, true, false));
        assert_eq!(passed(|| limits.receive(SIZE, 1000, || false, NOW)), 17);
        // 66 packets' bytes were there, and 17 went.
        let bytes = limits.rx.bytes.as_ref();
        let left = (0..100).filter(|_| bytes.is_some_and(|bytes| bytes.take(1000, NOW)));
        assert_eq!(left.count(), 49);
    }

    #[test]
    fn what_a_receiver_is_charged_is_what_such_frames_may_have() {
        // As they are: of 1448, 64 and 8 bytes in 65,160; the last ones are shorter than frames are.
        let honest = |segment: u32| {
            let frames = 65_160 / segment;
            let size = WireSize {
                bytes: 65_160 + frames * 66,
                frames,
            };
            (size, plausible(size, 65_160 + 66))
        };
        assert!([1448, 536, 64]
            .map(honest)
            .iter()
            .all(|(is, charged)| is == charged));
        assert_eq!(honest(8).1.frames, 1088);
        // Headers that end far behind.
        let size = WireSize {
            bytes: u32::MAX,
            frames: 4094,
        };
        let charged = plausible(size, 65_535);
        assert!(charged.frames == 1093 && charged.bytes == 65_535 + 1093 * 256);
    }

    #[test]
    fn segments_count_each() {
        let limits = made((false, true, false));
        let size = WireSize {
            bytes: 60_000,
            frames: 40,
        };
        assert_eq!(passed(|| limits.send(size, false, || false, NOW)), 1);
        // At 100 a second 40 take 400 ms, of which the burst is 160.
        let at = |ms: u64| Moment(NOW.0 + ms * 1_000_000);
        assert!(limits.send(SIZE, false, || false, at(239)).is_err());
        assert!(limits.send(SIZE, false, || false, at(241)).is_ok());
    }
}
