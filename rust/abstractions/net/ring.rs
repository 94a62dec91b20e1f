// SPDX-License-Identifier: GPL-2.0

//! The ring between those who transmit to a receive queue and its NAPI.
//!
//! C header: [`include/linux/ptr_ring.h`](srctree/include/linux/ptr_ring.h)

use super::{
    napi::Napi,
    netdevice::NetDevice,
    skbuff::{
        orphan,
        ReceivedSkBuff,
        SkBuff, //
    },
    txq::TxQueue,
    xdp::frame::{
        XdpFrame,
        XdpFrames, //
    },
};
use crate::{
    bindings,
    context::Bh, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// What is in a ring.
///
/// # Context
///
/// Any; does not sleep.
pub enum Entry<'a> {
    /// A packet.
    Skb(ReceivedSkBuff<'a>),
    /// A packet of XDP.
    Frame(XdpFrame),
}

impl<'a> Entry<'a> {
    /// Gives ownership up; a pointer to a `struct sk_buff` or `struct xdp_frame`, which are
    /// aligned to more than tags are.
    #[inline]
    fn into_raw(self, charged: bool) -> *mut c_void {
        let ptr: *mut c_void = match self {
            Self::Skb(skb) => skb.into_raw().as_ptr().cast(),
            Self::Frame(frame) => frame
                .into_raw()
                .cast::<c_void>()
                .map_addr(|addr| addr | FRAME),
        };
        ptr.map_addr(|addr| addr | if charged { CHARGED } else { 0 })
    }

    /// Returns how many bytes are in the packet, the Ethernet header included.
    #[inline]
    pub fn frame_len(&self) -> u32 {
        match self {
            Self::Skb(skb) => skb.frame_len(),
            Self::Frame(frame) => frame.len(),
        }
    }

    /// Takes back what was given up.
    ///
    /// # Safety
    ///
    /// `ptr` must be from [`into_raw`](Self::into_raw), for once, and `dev` not be freed during `'a`,
    /// which is within an RCU section.
    #[inline]
    unsafe fn from_raw(ptr: *mut c_void, dev: &'a NetDevice) -> Self {
        if ptr.addr() & FRAME != 0 {
            // SAFETY: A frame by its mark, which is ours by the caller's guarantee.
            return Self::Frame(unsafe { XdpFrame::from_raw(untagged(ptr).cast()) });
        }
        let skb: *mut bindings::sk_buff = untagged(ptr).cast();
        // Whoever it was for when it was put in.
        // SAFETY: The skb is ours by the caller's guarantee.
        unsafe { bindings::skb_set_dev_only(skb, dev.as_ptr()) };
        // SAFETY: The skb is ours by the caller's guarantee, and was set up as received when it was put in.
        Self::Skb(unsafe { ReceivedSkBuff::from_skb(SkBuff::from_raw(skb)) })
    }
}

/// Low bits of what is in a ring: it is a frame.
const FRAME: usize = 1;

/// Its [`TxQueue`] counts it as under way.
const CHARGED: usize = 1 << 1;

#[inline]
fn untagged(ptr: *mut c_void) -> *mut c_void {
    ptr.map_addr(|addr| addr & !(FRAME | CHARGED))
}

/// A ring of entries: many put them in, one at a time, first in first out.
///
/// Places become free in batches, so that who puts in and who takes out do not share cache lines.
///
/// # Invariants
///
/// The ring is initialised and never resized. Its entries are from [`Entry::into_raw`].
#[pin_data(PinnedDrop)]
pub(super) struct Ring {
    #[pin]
    ring: Opaque<bindings::ptr_ring>,
}

// SAFETY: Who puts in has its lock; who takes out is the only one.
unsafe impl Send for Ring {}
// SAFETY: Those who put in share it, and each has the lock for that.
unsafe impl Sync for Ring {}

impl Ring {
    /// A ring for `size` entries. May sleep; [`ENOMEM`].
    pub(super) fn new(size: u16) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            ring <- Opaque::try_ffi_init(move |slot: *mut bindings::ptr_ring| {
                // SAFETY: The slot is valid.
                to_result(unsafe { bindings::ptr_ring_init(slot, size.into()) })
            }),
        })
    }

    /// Takes an entry out, as one that `dev` has received; and whether it was charged.
    ///
    /// # Safety
    ///
    /// Nobody else may take entries out meanwhile. `dev` must not be freed during `'a`, which is within
    /// an RCU section.
    #[inline]
    pub(super) unsafe fn consume<'a>(&self, dev: &'a NetDevice) -> Option<(Entry<'a>, bool)> {
        // SAFETY: The ring is initialised, and the caller the only one at this end.
        let ptr = unsafe { bindings::__ptr_ring_consume(self.ring.get()) };
        // SAFETY: By the type's invariants; it is in the ring no more.
        (!ptr.is_null()).then(|| unsafe {
            let charged = cfg!(CONFIG_BQL) && ptr.addr() & CHARGED != 0;
            (Entry::from_raw(ptr, dev), charged)
        })
    }

    /// Whether there is nothing in it. For who takes entries out; others have a snapshot.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // SAFETY: The ring is initialised and never resized.
        unsafe { bindings::__ptr_ring_empty(self.ring.get()) }
    }
}

#[pinned_drop]
impl PinnedDrop for Ring {
    fn drop(self: Pin<&mut Self>) {
        /// # Safety
        ///
        /// `ptr` must be an entry, which is given up.
        unsafe extern "C" fn destroy(ptr: *mut c_void) {
            if ptr.addr() & FRAME != 0 {
                // SAFETY: A frame by its mark.
                drop(unsafe { XdpFrame::from_raw(untagged(ptr).cast()) });
            } else {
                // SAFETY: Else an entry is an skb.
                drop(unsafe { SkBuff::from_raw(untagged(ptr).cast()) });
            }
        }

        // SAFETY: The ring is initialised, and nobody uses it any more.
        unsafe { bindings::ptr_ring_cleanup(self.ring.get(), Some(destroy)) };
    }
}

/// The right to put entries into a ring, which nobody else has meanwhile. When it is dropped the queue is
/// [polled](super::rx_queue::RxQueueOps::poll), if anything was put in.
///
/// # Context
///
/// Softirqs disabled, and the ring's spinlock held until it is dropped. Does not sleep.
///
/// # Invariants
///
/// The ring's lock for producers is held, and softirqs are disabled for `'a`.
pub struct Producer<'a> {
    ring: &'a Ring,
    napi: &'a Napi,
    placed: bool,
    _here: NotThreadSafe,
}

impl<'a> Producer<'a> {
    #[inline]
    pub(super) fn lock(ring: &'a Ring, napi: &'a Napi, _bh: Bh<'a>) -> Self {
        // SAFETY: The ring is initialised; with softirqs disabled nobody who holds the lock is
        // interrupted by one who wants it.
        unsafe { bindings::ptr_ring_lock_producer(ring.ring.get()) };
        // INVARIANT: Just locked.
        Self {
            ring,
            napi,
            placed: false,
            _here: NotThreadSafe,
        }
    }

    /// Returns whether there is no place. Until somebody puts something in places only become free.
    #[inline]
    pub fn is_full(&self) -> bool {
        // SAFETY: The ring is initialised and locked.
        unsafe { bindings::ptr_ring_is_full(self.ring.ring.get()) }
    }

    /// Returns a place, if there is one.
    #[inline]
    pub fn place(&mut self) -> Option<Place<'_, 'a>> {
        if self.is_full() {
            return None;
        }
        // INVARIANT: As was just seen.
        Some(Place(self))
    }

    /// Puts frames there, until there is no place for one, or `accepts` says no to it. Returns how many were taken.
    #[inline]
    pub fn put_frames(
        &mut self,
        frames: XdpFrames<'_>,
        accepts: impl Fn(&XdpFrame) -> bool,
    ) -> u32 {
        let ring = self.ring.ring.get();
        let taken = frames.take(|frame| {
            if !accepts(&frame) {
                return Err(frame);
            }
            let ptr = Entry::Frame(frame).into_raw(false);
            // SAFETY: The ring is locked; the frame goes with it, unless there is no place.
            if unsafe { bindings::__ptr_ring_produce(ring, ptr) } != 0 {
                // SAFETY: It is still ours.
                return Err(unsafe { XdpFrame::from_raw(untagged(ptr).cast()) });
            }
            Ok(())
        });
        self.placed |= taken != 0;
        taken
    }
}

/// A place in a ring that is locked.
///
/// # Context
///
/// As [`Producer`].
///
/// # Invariants
///
/// The next place of the ring is free: until an entry is put there, nothing but places becoming free happens.
pub struct Place<'p, 'a>(&'p mut Producer<'a>);

impl Place<'_, '_> {
    /// Puts an entry there.
    #[inline]
    pub fn put(self, entry: Entry<'_>) {
        self.put_tagged(entry, false);
    }

    /// Puts an entry there that comes from `txq`, which counts it as under way until
    /// [`Poll::complete_charged`](super::napi::Poll::complete_charged). That may stop `txq`, where packets must
    /// be able to [wait](TxQueue::has_qdisc).
    #[inline]
    pub fn put_charged(self, entry: Entry<'_>, txq: &TxQueue<'_>) {
        txq.charge();
        self.put_tagged(entry, cfg!(CONFIG_BQL));
    }

    #[inline]
    fn put_tagged(self, entry: Entry<'_>, charged: bool) {
        if let (Entry::Skb(skb), true) = (&entry, self.0.napi.may_wait()) {
            // SAFETY: What was received is nobody else's.
            unsafe { orphan(skb.as_ptr()) };
        }
        let ptr = entry.into_raw(charged);
        // SAFETY: The ring is locked and has a place, by the type's invariants: the entry goes with it.
        unsafe { bindings::ptr_ring_put(self.0.ring.ring.get(), ptr) };
        self.0.placed = true;
    }
}

impl Drop for Producer<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type's invariants it is held.
        unsafe { bindings::ptr_ring_unlock_producer(self.ring.ring.get()) };
        if self.placed {
            self.napi.kick();
        }
    }
}
