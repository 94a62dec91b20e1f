// SPDX-License-Identifier: GPL-2.0

//! Packets of XDP: memory with a packet in it, and no skb around it.

use crate::{
    bindings,
    context::Rcu,
    net::{
        netdevice::NetDevice,
        skbuff::{
            ReceivedSkBuff,
            SkBuff,
            ETH_HLEN, //
        },
    },
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// A packet without an skb (`struct xdp_frame`): whoever has it passes it on or drops it.
///
/// # Context
///
/// Softirqs disabled. Does not sleep.
///
/// # Invariants
///
/// The pointer is to a frame that is ours, with the memory that it lies in and its fragments. Its memory is
/// not that of an `AF_XDP` socket (`MEM_TYPE_XSK_BUFF_POOL`).
pub struct XdpFrame(NonNull<bindings::xdp_frame>);

// SAFETY: A frame may be freed on any CPU (`xdp_return_frame()`).
unsafe impl Send for XdpFrame {}

impl XdpFrame {
    /// Takes ownership.
    ///
    /// # Safety
    ///
    /// `ptr` must be as the type's invariants say, and be given up.
    #[inline]
    pub(in crate::net) unsafe fn from_raw(ptr: *mut bindings::xdp_frame) -> Self {
        // INVARIANT: Guaranteed by the caller.
        // SAFETY: A frame lies in its memory, so it is not null.
        Self(unsafe { NonNull::new_unchecked(ptr) })
    }

    /// Gives ownership up.
    #[inline]
    pub(in crate::net) fn into_raw(self) -> *mut bindings::xdp_frame {
        ManuallyDrop::new(self).0.as_ptr()
    }

    #[inline]
    pub(in crate::net) fn as_ptr(&self) -> *mut bindings::xdp_frame {
        self.0.as_ptr()
    }

    /// Returns how many bytes are in the packet, its Ethernet header and its fragments included.
    #[inline]
    pub fn len(&self) -> u32 {
        if self.has_frags() {
            // SAFETY: By the type's invariants.
            return unsafe { bindings::xdp_get_frame_len(self.as_ptr()) };
        }
        // SAFETY: By the type's invariants.
        unsafe { (*self.as_ptr()).len }
    }

    /// Returns whether there are no bytes in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is in several pieces.
    #[inline]
    pub(super) fn has_frags(&self) -> bool {
        // SAFETY: By the type's invariants.
        let flags = unsafe { (*self.as_ptr()).flags };
        flags & bindings::xdp_buff_flags_XDP_FLAGS_HAS_FRAGS != 0
    }

    /// Whether an Ethernet header is in the first piece, as [`into_skb`](Self::into_skb) wants it.
    #[inline]
    pub(in crate::net) fn has_header(&self) -> bool {
        // SAFETY: By the type's invariants.
        unsafe { (*self.as_ptr()).len >= ETH_HLEN }
    }

    /// Puts an skb around it, which `dev` has received (`xdp_build_skb_from_frame()`). The frame comes back
    /// if there is no memory, or no Ethernet header.
    #[inline]
    pub fn into_skb<'r>(
        self,
        dev: &'r NetDevice,
        _rcu: Rcu<'r>,
    ) -> Result<ReceivedSkBuff<'r>, Self> {
        // `eth_type_trans()` pulls the header, and must not find that the fragments begin before its end.
        if !self.has_header() {
            return Err(self);
        }
        // SAFETY: The frame is ours, and `dev` valid.
        let skb = unsafe { bindings::xdp_build_skb_from_frame(self.as_ptr(), dev.as_ptr()) };
        if skb.is_null() {
            return Err(self);
        }
        let _ = self.into_raw();
        // SAFETY: The skb is new, has the frame's memory, and is set up as received by `dev`: its header was
        // pulled.
        Ok(unsafe { ReceivedSkBuff::from_skb(SkBuff::from_raw(skb)) })
    }
}

impl Drop for XdpFrame {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: By the type's invariants it is ours.
        unsafe { bindings::xdp_return_frame(self.0.as_ptr()) };
    }
}

/// Frames on their way to a device, of which the first ones may be taken; who brought them keeps the rest. How many
/// were taken is written where that one looks, whatever else he is told.
///
/// # Context
///
/// Softirqs disabled, in an RCU section. Does not sleep.
///
/// # Invariants
///
/// The array has `count` entries, which are frames. The first `taken` are not ours any more, the others are for
/// `'a`; nobody else writes to `taken` meanwhile.
pub struct XdpFrames<'a> {
    frames: NonNull<*mut bindings::xdp_frame>,
    count: u32,
    taken: &'a mut u32,
}

impl<'a> XdpFrames<'a> {
    /// # Safety
    ///
    /// It must be an array of `count` frames, which are the caller's; the first `taken` of them are given up.
    #[inline]
    pub(in crate::net) unsafe fn from_raw(
        frames: *mut *mut bindings::xdp_frame,
        count: c_int,
        taken: &'a mut u32,
    ) -> Self {
        *taken = 0;
        // INVARIANT: Guaranteed by the caller; none is taken yet.
        Self {
            // SAFETY: An array is not null.
            frames: unsafe { NonNull::new_unchecked(frames) },
            count: u32::try_from(count).unwrap_or(0),
            taken,
        }
    }

    /// Returns how many there are.
    #[inline]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Gives frames to `f`, one after the other, until one comes back, which ends it. Returns how many were
    /// taken.
    #[inline]
    pub fn take(self, mut f: impl FnMut(XdpFrame) -> Result<(), XdpFrame>) -> u32 {
        let mut taken = 0;
        while taken < self.count {
            // SAFETY: By the type's invariants.
            let slot = unsafe { self.frames.add(taken as usize).as_mut() };
            // SAFETY: The frame is ours, and given away for once.
            if let Err(frame) = f(unsafe { XdpFrame::from_raw(*slot) }) {
                // Whichever it is: who brought it frees what is here.
                *slot = frame.into_raw();
                break;
            }
            taken += 1;
        }
        // INVARIANT: These were given away.
        *self.taken = taken;
        taken
    }
}
