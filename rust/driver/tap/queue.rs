// SPDX-License-Identifier: GPL-2.0

//! A queue: the ring that frames wait in for a reader, and what the reader wants of them.

use super::{
    uapi,
    vnet_hdr::Endian, //
};
use abstractions::{
    chrdev::PollEvents,
    context::{
        Bh,
        Process, //
    },
    net::{
        sock::{
            RcuSock,
            Sock,
            SockData, //
        },
        user_frame::{
            QueuedFrame,
            Segments,
            UserFrame,
            VNET_HDR_LEN, //
        },
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        rcu,
    },
};

/// Flags that a reader may choose (`IFF_*`).
pub(super) const CHOOSABLE: u16 = uapi::IFF_VNET_HDR | uapi::IFF_MULTI_QUEUE;

/// Flags that every queue has.
pub(super) const FIXED: u16 = uapi::IFF_TAP | uapi::IFF_NO_PI;

/// Beside the flags, so that a frame's path asks for both at once: the header is little-endian
/// whatever the machine is.
const LITTLE_ENDIAN: u32 = 1 << 31;

/// There, too: frames wait in the socket's own queue, not in the ring.
const IN_SOCKET: u32 = 1 << 30;

/// The length of the shortest header.
// CAST: Ten.
#[allow(clippy::cast_possible_truncation)]
const SHORTEST: u32 = VNET_HDR_LEN as u32;

/// A queue, beside the ring of its socket, which has the frames for the reader, unless they are
/// [`IN_SOCKET`].
pub(crate) struct Queue {
    /// Sixteen bits of `IFF_*`, [`LITTLE_ENDIAN`], [`IN_SOCKET`].
    flags: Atomic<u32>,
    /// Bytes of the header in front of frames, if there is one; those after the first ten are zero.
    vnet_hdr_len: Atomic<u32>,
}

impl SockData for Queue {
    type OwnerModule = crate::RnetvirtModule;
    const NAME: &'static CStr = c"rnetvirt";
}

impl Queue {
    /// A queue with a header in front of each frame.
    pub(super) fn new() -> Self {
        Self {
            flags: Atomic::new((FIXED | uapi::IFF_VNET_HDR).into()),
            vnet_hdr_len: Atomic::new(SHORTEST),
        }
    }

    /// Whether there is a header in front of each frame.
    #[inline]
    pub(super) fn has_vnet_hdr(&self) -> bool {
        self.flags.load(Relaxed) & u32::from(uapi::IFF_VNET_HDR) != 0
    }

    /// The length of that header, at least [`VNET_HDR_LEN`], and its byte order.
    #[inline]
    pub(super) fn vnet_hdr(&self) -> Option<(usize, Endian)> {
        let flags = self.flags.load(Relaxed);
        if flags & u32::from(uapi::IFF_VNET_HDR) == 0 {
            return None;
        }
        let endian = if flags & LITTLE_ENDIAN != 0 {
            Endian::Little
        } else {
            Endian::NATIVE
        };
        Some((self.vnet_hdr_len(), endian))
    }

    /// Its flags (`IFF_*`).
    pub(super) fn flags(&self) -> u16 {
        // CAST: The upper half is not flags of that kind.
        #[allow(clippy::cast_possible_truncation)]
        let flags = self.flags.load(Relaxed) as u16;
        flags
    }

    /// Changes bits.
    fn change(&self, clear: u32, set: u32) {
        let mut old = self.flags.load(Relaxed);
        while let Err(now) = self.flags.cmpxchg(old, old & !clear | set, Relaxed) {
            old = now;
        }
    }

    /// Sets the flags that a reader may choose. [`EINVAL`] if there are others than a queue has, or some
    /// are missing.
    pub(super) fn set_flags(&self, flags: u16) -> Result {
        if flags & !CHOOSABLE != FIXED {
            return Err(EINVAL);
        }
        self.change(CHOOSABLE.into(), flags.into());
        Ok(())
    }

    /// Whether the header is little-endian whatever the machine is.
    pub(super) fn is_little_endian(&self) -> bool {
        self.flags.load(Relaxed) & LITTLE_ENDIAN != 0
    }

    /// Makes it so, or not.
    pub(super) fn set_little_endian(&self, on: bool) {
        self.change(LITTLE_ENDIAN, if on { LITTLE_ENDIAN } else { 0 });
    }

    /// The length of the header.
    pub(super) fn vnet_hdr_len(&self) -> usize {
        self.vnet_hdr_len.load(Relaxed) as usize
    }

    /// Sets it. [`EINVAL`] if it is too short.
    pub(super) fn set_vnet_hdr_len(&self, len: i32) -> Result {
        let len = u32::try_from(len).map_err(|_| EINVAL)?;
        if len < SHORTEST {
            return Err(EINVAL);
        }
        self.vnet_hdr_len.store(len, Relaxed);
        Ok(())
    }
}

// --- Frames: in the ring, or in the socket ------------------------------------

impl Queue {
    /// Whether frames wait in the socket.
    #[inline]
    fn is_in_socket(&self) -> bool {
        self.flags.load(Relaxed) & IN_SOCKET != 0
    }
}

/// Puts a frame in; it comes back if the queue is full.
#[inline]
pub(super) fn produce<'a>(
    queue: RcuSock<'_, Queue>,
    frame: UserFrame<'a>,
    bh: Bh<'_>,
) -> Result<(), UserFrame<'a>> {
    if queue.is_in_socket() {
        return produce_in_socket(queue, frame);
    }
    queue.ring().produce(frame, bh)
}

#[inline(never)]
fn produce_in_socket<'a>(
    queue: RcuSock<'_, Queue>,
    frame: UserFrame<'a>,
) -> Result<(), UserFrame<'a>> {
    queue.receive(frame, queue.ring().capacity())
}

/// Puts frames in, until it is full; those that are left then are given to `full`. Whether any was put in.
pub(super) fn produce_all<'a>(
    queue: RcuSock<'_, Queue>,
    mut frames: Segments<'a>,
    full: impl FnMut(UserFrame<'a>),
    bh: Bh<'_>,
) -> bool {
    if !queue.is_in_socket() {
        return queue.ring().produce_all(frames, full, bh);
    }
    let mut some = false;
    let first_left = frames.find_map(|frame| {
        let left = produce_in_socket(queue, frame).err();
        some |= left.is_none();
        left
    });
    Iterator::chain(first_left.into_iter(), frames).for_each(full);
    some
}

/// Takes the next frame out.
#[inline]
pub(super) fn consume(queue: &Sock<Queue>, process: Process<'_>) -> Option<QueuedFrame> {
    if queue.is_in_socket() {
        return consume_in_socket(queue);
    }
    queue.ring().consume(process)
}

#[inline(never)]
fn consume_in_socket(queue: &Sock<Queue>) -> Option<QueuedFrame> {
    queue.dequeue()
}

/// Whether there is none.
pub(super) fn is_empty(queue: &Sock<Queue>, process: Process<'_>) -> bool {
    if queue.is_in_socket() {
        return queue.is_queue_empty();
    }
    queue.ring().is_empty(process)
}

/// From now on frames wait in the socket, also those that are in the ring (which new ones may overtake);
/// for good. May sleep.
pub(super) fn move_to_socket(queue: &Sock<Queue>, process: Process<'_>) {
    if queue.is_in_socket() {
        return;
    }
    queue.change(0, IN_SOCKET);
    // Nobody puts one into the ring after this.
    rcu::synchronize_rcu();
    while let Some(frame) = queue.ring().consume(process) {
        queue.requeue(frame);
    }
    queue.wake(PollEvents::IN);
}

#[cfg(rnetvirt_kunit)]
#[kunit_tests(rnetvirt_tap_queue)]
mod tests {
    use super::*;
    use crate::cases::all;

    /// All flags that a reader can set.
    const SETTINGS: [u16; 4] = [
        FIXED,
        FIXED | uapi::IFF_VNET_HDR,
        FIXED | uapi::IFF_MULTI_QUEUE,
        FIXED | CHOOSABLE,
    ];

    fn with_flags(flags: u16) -> Queue {
        let queue = Queue::new();
        let _ = queue.set_flags(flags);
        queue
    }

    #[test]
    fn e3_a_new_queue_has_a_header_of_ten_bytes() {
        let queue = Queue::new();
        assert!(queue.has_vnet_hdr());
        assert_eq!(queue.vnet_hdr(), Some((10, Endian::NATIVE)));
    }

    #[test]
    fn e3_a_new_queue_says_so() {
        let flags = uapi::IFF_TAP | uapi::IFF_NO_PI | uapi::IFF_VNET_HDR;
        assert_eq!(Queue::new().flags(), flags);
    }

    #[test]
    fn e3_a_new_queue_is_not_in_a_socket() {
        assert!(!Queue::new().is_in_socket());
    }

    #[test]
    fn e3_flags_are_those_of_a_queue_and_no_others() {
        let queue = Queue::new();
        assert!(all(0..=u16::MAX, |flags| {
            queue.set_flags(*flags).is_ok() == SETTINGS.contains(flags)
        }));
    }

    #[test]
    fn e3_flags_that_were_set_are_there() {
        assert!(all(SETTINGS, |flags| with_flags(*flags).flags() == *flags));
    }

    #[test]
    fn e3_refused_flags_change_nothing() {
        assert!(all(SETTINGS, |before| {
            let queue = with_flags(*before);
            [0, uapi::IFF_TAP, 0x0001 | uapi::IFF_NO_PI, u16::MAX]
                .into_iter()
                .all(|flags| queue.set_flags(flags) == Err(EINVAL) && queue.flags() == *before)
        }));
    }

    #[test]
    fn e3_there_is_a_header_if_the_flag_is_there() {
        assert!(all(SETTINGS, |flags| {
            let (queue, wanted) = (with_flags(*flags), flags & uapi::IFF_VNET_HDR != 0);
            queue.has_vnet_hdr() == wanted && queue.vnet_hdr().is_some() == wanted
        }));
    }

    #[test]
    fn e4_the_order_of_bytes_changes_and_back() {
        let queue = Queue::new();
        assert!(all([true, false, true, true, false, false], |on| {
            queue.set_little_endian(*on);
            queue.is_little_endian() == *on
        }));
    }

    #[test]
    fn e4_little_endian_is_little_whatever_the_machine() {
        let queue = Queue::new();
        queue.set_little_endian(true);
        assert_eq!(
            queue.vnet_hdr().map(|(_, endian)| endian),
            Some(Endian::Little)
        );
    }

    #[test]
    fn e4_the_order_of_bytes_is_not_a_flag() {
        assert!(all(SETTINGS, |flags| {
            let queue = with_flags(*flags);
            queue.set_little_endian(true);
            queue.flags() == *flags
        }));
    }

    #[test]
    fn e4_flags_leave_the_order_of_bytes_alone() {
        let queue = Queue::new();
        queue.set_little_endian(true);
        assert!(all(SETTINGS, |flags| {
            queue.set_flags(*flags).is_ok() && queue.is_little_endian()
        }));
    }

    #[test]
    fn e4_flags_leave_frames_where_they_wait() {
        let queue = Queue::new();
        queue.change(0, IN_SOCKET);
        assert!(all(SETTINGS, |flags| {
            queue.set_flags(*flags).is_ok() && queue.is_in_socket() && queue.flags() == *flags
        }));
    }

    #[test]
    fn e4_a_header_that_is_too_short_is_refused() {
        let queue = Queue::new();
        let negative = [i32::MIN, i32::MIN + 10, -65536];
        assert!(all(
            Iterator::chain(negative.into_iter(), -100..10),
            |len| { queue.set_vnet_hdr_len(*len) == Err(EINVAL) && queue.vnet_hdr_len() == 10 }
        ));
    }

    #[test]
    fn e4_a_longer_header_is_that_long() {
        let queue = Queue::new();
        assert!(all([10, 12, 20, 65536, i32::MAX], |len| {
            queue.set_vnet_hdr_len(*len).is_ok() && i32::try_from(queue.vnet_hdr_len()) == Ok(*len)
        }));
    }

    #[test]
    fn e4_the_length_of_the_header_stays_while_there_is_none() {
        let queue = Queue::new();
        let _ = queue.set_vnet_hdr_len(12);
        let _ = queue.set_flags(FIXED);
        assert_eq!(queue.vnet_hdr_len(), 12);
    }

    #[test]
    fn e4_bits_of_the_queue_do_not_meet_flags() {
        assert_eq!((LITTLE_ENDIAN | IN_SOCKET) & 0xffff, 0);
        assert_eq!(LITTLE_ENDIAN & IN_SOCKET, 0);
    }
}
