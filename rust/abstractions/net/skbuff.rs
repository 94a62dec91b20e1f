// SPDX-License-Identifier: GPL-2.0

//! Packets.
//!
//! An [`SkBuff`] is owned: whoever has it must pass it on or drop it, and nobody can touch it
//! afterwards. Use after `netif_rx()`, a double free and a leak on an early return do not compile.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

mod deliver;
mod detached;
mod drop_reason;
mod eth_header;
mod frame;
mod received;
mod wire_size;

use super::netdevice::NetDevice;
use crate::{
    bindings,
    context::Bh, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};

pub use super::mac::ETH_HLEN;
pub(crate) use detached::{
    forget_foreign_sock,
    orphan,
    DetachedSkb, //
};
pub(crate) use drop_reason::free;
pub use drop_reason::DropReason;
pub use frame::EthFrame;
pub use received::{
    PacketType,
    ReceivedSkBuff,
    RxSkb, //
};
pub use wire_size::WireSize;

/// What a device below made of a packet (`NET_XMIT_*`, or a negative error number).
///
/// # Context
///
/// Any: numbers only.
///
/// # Examples
///
/// ```
/// use abstractions::net::skbuff::XmitStatus;
///
/// assert!(XmitStatus::SUCCESS.is_taken());
/// assert!(!XmitStatus::DROP.is_taken());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmitStatus(pub(crate) kernel::ffi::c_int);

impl XmitStatus {
    /// It was taken.
    pub const SUCCESS: Self = Self(bindings::NET_XMIT_SUCCESS as kernel::ffi::c_int);
    /// It was dropped.
    pub const DROP: Self = Self(bindings::NET_XMIT_DROP as kernel::ffi::c_int);

    /// Returns whether the packet was taken, perhaps with the remark that others were not.
    #[inline]
    pub const fn is_taken(self) -> bool {
        self.0 == bindings::NET_XMIT_SUCCESS as kernel::ffi::c_int
            || self.0 == bindings::NET_XMIT_CN as kernel::ffi::c_int
    }
}

/// Returns how many packets the backlog of a CPU takes (`net.core.netdev_max_backlog`).
///
/// # Context
///
/// Any; does not sleep.
#[inline]
pub fn max_backlog() -> u32 {
    // SAFETY: A number that is always there.
    u32::try_from(unsafe { bindings::net_max_backlog() }).unwrap_or(0)
}

/// A packet that was handed on was not taken; it has been freed.
#[derive(Debug)]
pub struct Dropped;

/// A packet (`struct sk_buff`).
///
/// # Context
///
/// Where a device transmits: softirqs disabled, in an RCU section.
/// Does not sleep.
///
/// # Invariants
///
/// The pointer is to an skb of which this object owns one reference, and nobody else writes to the
/// skb's header (it may be a clone: the data can be shared). Its `dev` is a device that is not freed
/// during `'a`.
pub struct SkBuff<'a>(NonNull<bindings::sk_buff>, PhantomData<&'a NetDevice>);

impl<'a> SkBuff<'a> {
    /// Takes ownership.
    ///
    /// # Safety
    ///
    /// The caller must own a reference to `ptr` and give it up; nobody else may write to its header.
    /// The skb's `dev` must be set and not be freed during `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw(ptr: *mut bindings::sk_buff) -> Self {
        // INVARIANT: Guaranteed by the caller.
        // SAFETY: A packet that the stack owns is not null.
        Self(unsafe { NonNull::new_unchecked(ptr) }, PhantomData)
    }

    /// Gives ownership up.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut bindings::sk_buff {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// Returns how many bytes are in the packet, from where `data` points.
    #[inline]
    pub fn len(&self) -> u32 {
        // SAFETY: By the type's invariant the skb is valid.
        unsafe { (*self.0.as_ptr()).len }
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    /// Returns the number of the transmit queue that it was put into.
    #[inline]
    pub fn queue_mapping(&self) -> u16 {
        // SAFETY: By the type's invariant the skb is valid.
        unsafe { (*self.0.as_ptr()).queue_mapping }
    }

    /// Returns whether it comes from a socket of this host that is charged for each packet as such, which are
    /// those of UDP, raw and packet sockets, and not those of TCP (`sock_wfree()`).
    #[inline]
    pub fn is_wfree(&self) -> bool {
        // SAFETY: By the type's invariant the skb is valid.
        unsafe { bindings::skb_is_wfree(self.0.as_ptr()) }
    }

    /// Returns whether there are no bytes in the packet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Transmits the packet on `lower`, through its queueing discipline (`dev_queue_xmit()`). The
    /// status says what became of it; in any case it is gone. What another namespace has noted beside it, its
    /// class, route and connection, is forgotten.
    #[inline]
    pub fn queue_xmit(self, lower: &NetDevice, _bh: Bh<'_>) -> XmitStatus {
        let skb = self.into_raw();
        // SAFETY: We own the skb, and its device, by which it is sent, is valid; so is `lower`, and whoever has it
        // sees to it that it stays so until the packet was transmitted: queued packets of a device are thrown away
        // when it goes. Of namespaces the pointers are compared. We give the skb up.
        XmitStatus(unsafe { bindings::skb_xmit_lower(skb, lower.as_ptr()) })
    }

    /// Frees the packet and says why. The one way in which a packet is dropped on purpose.
    #[inline]
    pub fn drop_reason(self, reason: DropReason) {
        // SAFETY: We own the skb and give the reference up.
        unsafe { free(self.into_raw(), reason) };
    }
}

impl Drop for SkBuff<'_> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: We own the skb and give the reference up.
        unsafe { free(self.0.as_ptr(), DropReason::NOT_SPECIFIED) };
    }
}
