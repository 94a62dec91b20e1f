// SPDX-License-Identifier: GPL-2.0

//! Packets that nobody waits for.

use crate::{
    bindings,
    net::{
        netdevice::NetDevice,
        skbuff::drop_reason::{
            free,
            DropReason, //
        },
    },
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};

/// Lets go of the socket that `skb` is accounted to, if it is not one of IP's: that of a tap, or a packet
/// socket.
///
/// # Safety
///
/// The caller must own `skb`, and nobody else.
#[inline]
pub(crate) unsafe fn forget_foreign_sock(skb: *mut bindings::sk_buff) {
    // SAFETY: By the caller's guarantee.
    if unsafe { bindings::skb_has_foreign_sock(skb) } {
        // SAFETY: By the caller's guarantee nobody else uses the skb.
        unsafe { orphan(skb) };
    }
}

/// Lets go of the socket that `skb`, which `dev` is about to receive from its device, is accounted to, if somebody
/// who administers `dev` could keep it before its stack does so.
///
/// # Safety
///
/// The caller must own `skb`, and nobody else; its device must be valid.
#[inline]
pub(crate) unsafe fn forget_sock_for(dev: &NetDevice, skb: *mut bindings::sk_buff) {
    // SAFETY: By the caller's guarantee. Pointers of `dev` are compared with null.
    if unsafe { bindings::skb_may_be_kept(dev.as_ptr(), skb) } {
        // SAFETY: By the caller's guarantee nobody else uses the skb.
        unsafe { orphan(skb) };
    }
}

/// # Safety
///
/// The caller must own `skb`, and nobody else.
#[inline(never)]
pub(crate) unsafe fn orphan(skb: *mut bindings::sk_buff) {
    // SAFETY: By the caller's guarantee nobody else uses the skb, so that its destructor and socket are not
    // read meanwhile.
    unsafe { bindings::skb_orphan(skb) };
}

/// A packet that may wait for as long as anybody likes, because nobody waits for it: what it had of its
/// sender it has let go of.
///
/// # Invariants
///
/// The pointer is to an skb that is nobody else's. It has no connection tracking entry, no route, no
/// pages of user space, and no socket.
pub(crate) struct DetachedSkb(NonNull<bindings::sk_buff>);

impl DetachedSkb {
    /// Takes ownership, and has the packet let go of all that others wait for: a namespace that dies
    /// for its entries (`nf_reset_ct()`), routes (`skb_dst_drop()`) and sockets (`skb_orphan()`), a
    /// sender for its pages (`skb_orphan_frags_rx()`). `None` if there is no memory for copies of
    /// these; then the packet is gone.
    ///
    /// # Safety
    ///
    /// The caller must own `skb`, and nobody else, and give it up.
    #[inline]
    pub(crate) unsafe fn new(skb: NonNull<bindings::sk_buff>) -> Option<Self> {
        // SAFETY: The skb is valid.
        match unsafe { bindings::skb_attached(skb.as_ptr()) } {
            0 => {}
            // SAFETY: By the caller's guarantee nobody else uses the skb, so that its destructor and socket are
            // not read meanwhile.
            1 => unsafe { bindings::skb_orphan(skb.as_ptr()) },
            // SAFETY: By the caller's guarantee.
            _ => return unsafe { Self::detach(skb) },
        }
        // INVARIANT: It had no more than a socket, which it has let go of.
        Some(Self(skb))
    }

    /// # Safety
    ///
    /// The caller must own `skb`, and nobody else, and give it up.
    #[inline(never)]
    unsafe fn detach(skb: NonNull<bindings::sk_buff>) -> Option<Self> {
        // SAFETY: The skb is ours, so its header may be written to.
        if unsafe { bindings::skb_detach(skb.as_ptr()) } {
            // INVARIANT: The function has let go of everything.
            return Some(Self(skb));
        }
        // SAFETY: The skb is ours, and given up.
        unsafe { free(skb.as_ptr(), DropReason::UCOPY_FAULT) };
        None
    }

    /// Takes ownership of what was one, or of a piece of one.
    ///
    /// # Safety
    ///
    /// The skb must be as the invariants say, and its reference be given up.
    #[inline]
    pub(crate) unsafe fn from_raw(skb: NonNull<bindings::sk_buff>) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(skb)
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    /// Gives ownership up.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut bindings::sk_buff {
        ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Drop for DetachedSkb {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: By the type's invariants the skb is ours.
        unsafe { free(self.as_ptr(), DropReason::NOT_SPECIFIED) };
    }
}
