// SPDX-License-Identifier: GPL-2.0

//! Packets.
//!
//! An [`SkBuff`] is owned: whoever has it must pass it on or drop it, and nobody can touch it
//! afterwards. Use after `netif_rx()`, a double free and a leak on an early return do not compile.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use super::netdevice::NetDevice;
use crate::{
    bindings,
    context::{
        Bh,
        Rcu, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    },
};

/// Length of an Ethernet header.
pub const ETH_HLEN: u32 = bindings::ETH_HLEN;

// The C functions return `int`; bindgen makes macros unsigned.
const NET_RX_SUCCESS: kernel::ffi::c_int = bindings::NET_RX_SUCCESS as kernel::ffi::c_int;

/// Why a packet was dropped (`enum skb_drop_reason`), as `skb:kfree_skb` and drop monitors show it.
#[derive(Clone, Copy)]
pub struct DropReason(bindings::skb_drop_reason);

impl DropReason {
    /// No reason that the core has a name for (`SKB_DROP_REASON_NOT_SPECIFIED`).
    pub const NOT_SPECIFIED: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_NOT_SPECIFIED);
}

/// A packet that was handed on was not taken; it has been freed.
#[derive(Debug)]
pub struct Dropped;

/// A packet (`struct sk_buff`).
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

    /// Bytes in the packet, from where `data` points.
    #[inline]
    pub fn len(&self) -> u32 {
        // SAFETY: By the type's invariant the skb is valid.
        unsafe { (*self.0.as_ptr()).len }
    }

    /// Whether there are no bytes in the packet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The packet as an Ethernet frame, if its whole Ethernet header is there.
    #[inline]
    pub fn into_frame(self) -> Result<EthFrame<'a>, Self> {
        // SAFETY: By the type's invariant the skb is valid and ours to change.
        if unsafe { bindings::pskb_may_pull(self.0.as_ptr(), ETH_HLEN) } {
            // INVARIANT: `pskb_may_pull()` has made the header linear.
            Ok(EthFrame(self))
        } else {
            Err(self)
        }
    }

    /// Frees the packet and says why. The one way in which a packet is dropped on purpose.
    #[cold]
    pub fn drop_reason(self, reason: DropReason) {
        let skb = self.into_raw();
        // SAFETY: We own the skb and give the reference up.
        unsafe { bindings::sk_skb_reason_drop(ptr::null_mut(), skb, reason.0) };
    }
}

impl Drop for SkBuff<'_> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: We own the skb and give the reference up.
        unsafe {
            bindings::sk_skb_reason_drop(
                ptr::null_mut(),
                self.0.as_ptr(),
                DropReason::NOT_SPECIFIED.0,
            )
        };
    }
}

/// A packet that begins with a whole Ethernet header.
///
/// # Invariants
///
/// The first [`ETH_HLEN`] bytes of the packet are in its linear part.
pub struct EthFrame<'a>(SkBuff<'a>);

impl EthFrame<'_> {
    /// Bytes in the frame, the Ethernet header included.
    #[inline]
    pub fn len(&self) -> u32 {
        self.0.len()
    }

    /// Never: a frame has its header at least.
    #[inline]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Takes the software transmit timestamp if the sender asked for one.
    ///
    /// To be called by a driver once per transmitted packet, before it is handed on.
    #[inline]
    pub fn tx_timestamp(&mut self) {
        // SAFETY: The skb is valid and ours.
        unsafe { bindings::skb_tx_timestamp(self.0 .0.as_ptr()) };
    }

    /// Makes the frame one that `dev` has received, as if it came over a wire from the device it is
    /// on now (`__dev_forward_skb()`).
    ///
    /// Refused are frames when `dev` is down and those longer than its MTU, GSO ones excepted; they
    /// are freed and counted in `dev`'s `rx_dropped`. Otherwise the sender's state is scrubbed, more
    /// of it when the namespaces differ, and the Ethernet header is pulled.
    #[inline]
    pub fn forward_to<'r>(
        self,
        dev: &'r NetDevice,
        _rcu: Rcu<'r>,
    ) -> Result<ReceivedSkBuff<'r>, Dropped> {
        let skb = self.0.into_raw();
        // SAFETY: We own the skb, whose `dev` is valid by the type's invariant, and so is `dev`. On
        // failure the skb has been freed.
        if unsafe { bindings::dev_forward_skb_scrub(dev.as_ptr(), skb) } != 0 {
            return Err(Dropped);
        }
        // SAFETY: The skb is still ours, and by the type's invariant it has the linear Ethernet
        // header that `eth_type_trans()` reads and pulls.
        unsafe { bindings::dev_forward_skb_receive(dev.as_ptr(), skb) };
        // SAFETY: Still ours, and its `dev` is now `dev`.
        Ok(ReceivedSkBuff(unsafe { SkBuff::from_raw(skb) }))
    }
}

/// A packet that is set up as received by a device, ready for its stack.
///
/// It lasts no longer than the RCU section in which the device was seen to be up: unregistering a
/// device waits for such sections before it clears the backlogs of packets for it.
pub struct ReceivedSkBuff<'a>(SkBuff<'a>);

impl ReceivedSkBuff<'_> {
    /// Queues the packet to the backlog of a CPU, from where the stack receives it
    /// (`__netif_rx()`). On failure the packet has been freed and counted by the core.
    #[inline]
    pub fn netif_rx(self, _bh: Bh<'_>) -> Result<(), Dropped> {
        let skb = self.0.into_raw();
        // SAFETY: We own the skb and give it up; softirqs are disabled, as `__netif_rx()` wants.
        if unsafe { bindings::__netif_rx(skb) } == NET_RX_SUCCESS {
            Ok(())
        } else {
            Err(Dropped)
        }
    }
}
