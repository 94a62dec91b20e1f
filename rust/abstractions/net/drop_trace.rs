// SPDX-License-Identifier: GPL-2.0

//! The tracepoint of packets that links lose, `rnetvirt:rnetvirt_drop`.
//!
//! What follows is told to whoever traces it with `perf`, bpftrace or in tracefs. As long as nobody does, a
//! static key is all that it costs.

use super::{
    mac::ETH_HLEN,
    netdevice::NetDevice,
    payload::Payload,
    skbuff::{
        EthFrame,
        ReceivedSkBuff,
        RxSkb,
        SkBuff, //
    },
    user_frame::UserFrame, //
};
use crate::{
    bindings,
    context::Rcu, //
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::prelude::*;

/// What is known of a packet that is lost.
///
/// # Context
///
/// Any: looked at only if somebody traces.
///
/// # Invariants
///
/// As `place` says, `packet` points to an skb that is valid during `'a`, or it is a number.
#[derive(Clone, Copy)]
pub struct LostPacket<'a> {
    packet: *const (),
    place: Place,
    _packet: PhantomData<&'a ()>,
}

/// Where the Ethernet header is.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Place {
    /// Where the data begin, if it is there as a whole.
    AtData,
    /// Where the skb says (`skb_mac_header()`), in front of the data.
    BeforeData,
    /// Nowhere: of the packet, which is gone, only the length is known, which stands in place of a pointer.
    Gone,
}

impl LostPacket<'static> {
    /// Returns what is known of a packet that is gone: that it had `len` bytes, zero if nobody knows how many.
    #[inline]
    pub const fn gone(len: u32) -> Self {
        // INVARIANT: The place says that it is a number.
        Self {
            packet: ptr::without_provenance(len as usize),
            place: Place::Gone,
            _packet: PhantomData,
        }
    }
}

impl LostPacket<'_> {
    #[inline]
    fn new(packet: *const bindings::sk_buff, place: Place) -> Self {
        Self {
            packet: packet.cast(),
            place,
            _packet: PhantomData,
        }
    }

    /// Its skb if that is there still, its header, and its length with that.
    fn look(self) -> (*const bindings::sk_buff, *const bindings::ethhdr, u32) {
        let skb: *const bindings::sk_buff = self.packet.cast();
        match self.place {
            // SAFETY: By the type's invariant the skb is valid; a header that is read is linear.
            Place::AtData => unsafe {
                let header = if bindings::skb_has_linear(skb, ETH_HLEN) {
                    (*skb).data.cast_const().cast()
                } else {
                    ptr::null()
                };
                (skb, header, (*skb).len)
            },
            // SAFETY: By the type's invariant the skb is valid.
            Place::BeforeData => unsafe {
                let header = bindings::skb_rx_eth_hdr(skb);
                (skb, header, (*skb).len.wrapping_add(ETH_HLEN))
            },
            // CAST: By the type's invariant it was a number of 32 bits.
            #[allow(clippy::cast_possible_truncation)]
            Place::Gone => (ptr::null(), ptr::null(), self.packet.addr() as u32),
        }
    }
}

// INVARIANT: In all of these the skb is valid as long as it is lent.

impl<'a> From<&'a SkBuff<'_>> for LostPacket<'a> {
    #[inline]
    fn from(skb: &'a SkBuff<'_>) -> Self {
        Self::new(skb.as_ptr(), Place::AtData)
    }
}

impl<'a> From<&'a EthFrame<'_>> for LostPacket<'a> {
    #[inline]
    fn from(frame: &'a EthFrame<'_>) -> Self {
        Self::new(frame.as_ptr(), Place::AtData)
    }
}

impl<'a> From<&'a UserFrame<'_>> for LostPacket<'a> {
    #[inline]
    fn from(frame: &'a UserFrame<'_>) -> Self {
        Self::new(frame.as_ptr(), Place::AtData)
    }
}

impl<'a> From<&'a RxSkb<'_>> for LostPacket<'a> {
    #[inline]
    fn from(skb: &'a RxSkb<'_>) -> Self {
        Self::new(skb.as_ptr(), Place::BeforeData)
    }
}

impl<'a> From<&'a ReceivedSkBuff<'_>> for LostPacket<'a> {
    #[inline]
    fn from(skb: &'a ReceivedSkBuff<'_>) -> Self {
        Self::new(skb.as_ptr(), Place::BeforeData)
    }
}

/// One that was received, and whose data begin behind the Ethernet header.
impl<'a> From<Payload<'a>> for LostPacket<'a> {
    #[inline]
    fn from(packet: Payload<'a>) -> Self {
        Self::new(packet.skb(), Place::BeforeData)
    }
}

impl NetDevice {
    /// Tells who traces it that this device, on top of `lower`, has lost `packet` for `reason`
    /// (`trace_rnetvirt_drop()`).
    ///
    /// # Context
    ///
    /// Any but NMI; does not sleep.
    #[inline]
    pub fn trace_drop(
        &self,
        lower: &NetDevice,
        packet: LostPacket<'_>,
        reason: &CStr,
        _rcu: Rcu<'_>,
    ) {
        // SAFETY: Always callable.
        if unsafe { bindings::drops_are_traced() } {
            let (skb, header, len) = packet.look();
            // SAFETY: The devices and the packet are valid, and the reason is a string. Of the namespace the
            // number is read only where the device is seen to be registered in this RCU section, which keeps it.
            unsafe {
                bindings::trace_drop(
                    self.as_ptr(),
                    lower.as_ptr(),
                    skb,
                    header,
                    len,
                    reason.as_char_ptr(),
                )
            };
        }
    }
}
