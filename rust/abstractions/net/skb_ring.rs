// SPDX-License-Identifier: GPL-2.0

//! A ring of frames on their way to user space.
//!
//! C header: [`include/linux/ptr_ring.h`](srctree/include/linux/ptr_ring.h)

use super::{
    skbuff::{
        free,
        DropReason, //
    },
    user_frame::{
        QueuedFrame,
        Segments,
        UserFrame, //
    },
};
use crate::{
    bindings,
    context::{
        Bh,
        Process, //
    },
};
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// A ring of frames: many may put them in, many take them out, first in first out.
///
/// Places become free in batches, so that who puts in and who takes out do not share cache lines.
///
/// # Context
///
/// Any but hard interrupts: who puts frames in has softirqs disabled, who takes them out is a process; either
/// takes a spinlock. Does not sleep where it does not say so. Dropped also in a softirq.
///
/// # Invariants
///
/// The ring is initialised. Its entries are skbs with their references, as [`QueuedFrame`] wants.
///
/// # Examples
///
/// ```
/// use abstractions::net::skb_ring::SkbRing;
///
/// let ring = KBox::pin_init(SkbRing::new(8), GFP_KERNEL)?;
/// assert_eq!(ring.capacity(), 8);
/// ```
#[pin_data(PinnedDrop)]
pub struct SkbRing {
    #[pin]
    ring: Opaque<bindings::ptr_ring>,
}

// SAFETY: The ring has locks for both ends.
unsafe impl Send for SkbRing {}
// SAFETY: The ring has locks for both ends.
unsafe impl Sync for SkbRing {}

impl SkbRing {
    /// Makes a ring for `size` frames, none if that is zero. [`ENOMEM`].
    ///
    /// # Context
    ///
    /// Process. Sleeps.
    pub fn new(size: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            ring <- Opaque::try_ffi_init(move |slot: *mut bindings::ptr_ring| {
                let size = c_int::try_from(size).map_err(|_| ENOMEM)?;
                // SAFETY: The slot is valid.
                to_result(unsafe { bindings::ptr_ring_init(slot, size) })
            }),
        })
    }

    /// Puts a frame in; it comes back if the ring is full.
    #[inline]
    pub fn produce<'a>(&self, frame: UserFrame<'a>, _bh: Bh<'_>) -> Result<(), UserFrame<'a>> {
        // SAFETY: The ring is initialised; the frame's reference goes with it if there is room.
        if unsafe { bindings::ptr_ring_produce(self.ring.get(), frame.as_ptr().cast()) } == 0 {
            let _ = frame.into_raw();
            Ok(())
        } else {
            Err(frame)
        }
    }

    /// Puts frames in, until it is full; those that are left then are given to `full`: nobody has a use for
    /// what comes behind a gap. Returns whether any was put in.
    #[inline]
    pub fn produce_all<'a>(
        &self,
        mut frames: Segments<'a>,
        full: impl FnMut(UserFrame<'a>),
        _bh: Bh<'_>,
    ) -> bool {
        let ring = self.ring.get();
        let mut some = false;
        // SAFETY: The ring is initialised; nobody who holds the lock is interrupted by one who wants it.
        unsafe { bindings::ptr_ring_lock_producer(ring) };
        let first_left = frames.find_map(|frame| {
            // SAFETY: The lock is held; the frame's reference goes with it if there is room.
            if unsafe { bindings::__ptr_ring_produce(ring, frame.as_ptr().cast()) } == 0 {
                let _ = frame.into_raw();
                some = true;
                None
            } else {
                Some(frame)
            }
        });
        // SAFETY: It is held.
        unsafe { bindings::ptr_ring_unlock_producer(ring) };
        Iterator::chain(first_left.into_iter(), frames).for_each(full);
        some
    }

    /// Takes a frame out.
    #[inline]
    pub fn consume(&self, _process: Process<'_>) -> Option<QueuedFrame> {
        // SAFETY: The ring is initialised. Its lock is for processes only, so none of them can be
        // interrupted by a softirq that waits for it.
        let skb = unsafe { bindings::ptr_ring_consume(self.ring.get()) };
        // SAFETY: Null, or an entry, whose reference is ours now.
        NonNull::new(skb.cast()).map(|skb| unsafe { QueuedFrame::from_raw(skb) })
    }

    /// Returns how many frames it can hold.
    pub fn capacity(&self) -> u32 {
        // SAFETY: The ring is initialised.
        unsafe { bindings::ptr_ring_size(self.ring.get()) }.unsigned_abs()
    }

    /// Returns whether there is no frame in it.
    pub fn is_empty(&self, _process: Process<'_>) -> bool {
        // SAFETY: The ring is initialised. Its lock is for processes only, so none of them can be
        // interrupted by a softirq that waits for it.
        unsafe { bindings::ptr_ring_empty(self.ring.get()) }
    }

    /// Makes all rings of `rings` such for `size` frames, or none: [`ENOMEM`]. Frames that are too many are
    /// dropped.
    ///
    /// # Context
    ///
    /// Process. Sleeps.
    pub fn resize_all<'a>(rings: impl ExactSizeIterator<Item = &'a Self>, size: u32) -> Result {
        let size = c_int::try_from(size).map_err(|_| ENOMEM)?;
        let mut list = KVec::with_capacity(rings.len(), GFP_KERNEL)?;
        for ring in rings {
            list.push(ring.ring.get(), GFP_KERNEL)?;
        }
        let count = c_uint::try_from(list.len()).map_err(|_| ENOMEM)?;
        // SAFETY: The list has `count` entries, which are rings that are initialised.
        to_result(unsafe {
            bindings::ptr_ring_resize_all(list.as_mut_ptr(), count, size, Some(destroy))
        })
    }
}

/// # Safety
///
/// `skb` must be an entry of a ring, and its reference given up.
unsafe extern "C" fn destroy(skb: *mut c_void) {
    // SAFETY: By the caller's guarantee.
    unsafe { free(skb.cast(), DropReason::NOT_SPECIFIED) };
}

#[pinned_drop]
impl PinnedDrop for SkbRing {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The ring is initialised, and nobody uses it any more. May run in a softirq.
        unsafe { bindings::ptr_ring_cleanup(self.ring.get(), Some(destroy)) };
    }
}
