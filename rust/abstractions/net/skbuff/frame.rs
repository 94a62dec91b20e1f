// SPDX-License-Identifier: GPL-2.0

//! Packets that are sent, with a whole Ethernet header.

use crate::{
    bindings,
    context::Rcu,
    net::{
        headers::Header,
        mac::{
            Mac,
            ETH_HLEN, //
        },
        netdevice::NetDevice,
        payload::Payload,
        skbuff::{
            detached::forget_sock_for,
            eth_header::{
                dest,
                source, //
            },
            received::ReceivedSkBuff,
            Dropped,
            SkBuff, //
        },
    },
};
use core::{
    mem::ManuallyDrop,
    ptr, //
};

impl<'a> SkBuff<'a> {
    /// Returns the packet as an Ethernet frame, if its whole Ethernet header is there.
    #[inline]
    pub fn into_frame(self) -> Result<EthFrame<'a>, Self> {
        // SAFETY: By the type's invariant the skb is valid.
        if unsafe { bindings::skb_has_linear(self.0.as_ptr(), ETH_HLEN) } {
            // INVARIANT: As was just seen.
            Ok(EthFrame(self))
        } else {
            self.pull_eth_header()
        }
    }

    #[cold]
    #[inline(never)]
    fn pull_eth_header(self) -> Result<EthFrame<'a>, Self> {
        // SAFETY: By the type's invariant the skb is valid and ours to change.
        if unsafe { bindings::pskb_may_pull(self.0.as_ptr(), ETH_HLEN) } {
            // INVARIANT: `pskb_may_pull()` has made the header linear.
            Ok(EthFrame(self))
        } else {
            Err(self)
        }
    }
}

/// A packet that begins with a whole Ethernet header.
///
/// # Context
///
/// As [`SkBuff`].
///
/// # Invariants
///
/// The first [`ETH_HLEN`] bytes of the packet are in its linear part.
pub struct EthFrame<'a>(SkBuff<'a>);

impl<'a> EthFrame<'a> {
    /// Takes a packet that is somebody else's, who lends it, if its whole Ethernet header is in its linear part.
    ///
    /// # Safety
    ///
    /// The skb must be valid, with a `dev` that is not freed during `'a`. Who takes it out of the wrapper
    /// must own it by then, and nobody else.
    pub(crate) unsafe fn lent(skb: *mut bindings::sk_buff) -> Option<ManuallyDrop<Self>> {
        // INVARIANT: The header is there, and what is lent is not written to through a reference.
        // SAFETY: By the caller's guarantee.
        unsafe {
            bindings::skb_has_linear(skb, ETH_HLEN)
                .then(|| ManuallyDrop::new(Self(SkBuff::from_raw(skb))))
        }
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    /// Returns the device that it is on: whose it is to send, until another one gets it.
    #[inline]
    pub fn dev(&self) -> &NetDevice {
        // SAFETY: By the type's invariant the skb is valid, and so is its `dev`.
        unsafe { NetDevice::from_raw(bindings::skb_dev(self.0 .0.as_ptr())) }
    }

    /// Says whether it has a VLAN tag, in the frame or beside it, also one of VLAN 0.
    #[inline]
    pub fn is_tagged(&self) -> bool {
        // SAFETY: The skb is valid; by the type's invariant there is a whole header.
        unsafe { bindings::skb_is_tagged(self.0.as_ptr()) }
    }

    /// Says whether a VLAN on `dev` would take it, or might, if `dev` received it: before
    /// the device's [`RxHandler`](crate::net::rx_handler::RxHandler) sees it. The tag is in the linear part from
    /// now on, where nobody changes it. A snapshot.
    #[cold]
    pub fn is_for_vlan_of(&mut self, dev: &NetDevice, _rcu: Rcu<'_>) -> bool {
        // SAFETY: The device is valid, and the skb valid and nobody else's; what was in the linear part stays
        // there, so the type's invariant holds. This is an RCU section.
        unsafe { bindings::netdev_vlan_takes(dev.as_ptr(), self.0 .0.as_ptr()) }
    }

    /// Returns the packet again.
    #[inline]
    pub fn into_skb(self) -> SkBuff<'a> {
        self.0
    }

    #[inline]
    fn header(&self) -> *const bindings::ethhdr {
        // SAFETY: The skb is valid; by the type's invariant a whole header is at `data`.
        unsafe { (*self.0 .0.as_ptr()).data.cast() }
    }

    /// Returns the destination address.
    #[inline]
    pub fn dest(&self) -> Mac {
        // SAFETY: By the type's invariant there is a whole header.
        unsafe { dest(self.header()) }
    }

    /// Returns whether it is for a group, or everybody (`is_multicast_ether_addr()`).
    #[inline]
    pub fn is_to_group(&self) -> bool {
        // SAFETY: By the type's invariant there is a whole header.
        let [first, ..] = unsafe { (*self.header()).h_dest };
        first & 1 != 0
    }

    /// Returns what the Ethernet header says comes next: a protocol, or a VLAN tag (`ETH_P_*`).
    #[inline]
    pub fn protocol(&self) -> u16 {
        // SAFETY: By the type's invariant there is a whole header; it may be unaligned.
        u16::from_be(unsafe { ptr::addr_of!((*self.header()).h_proto).read_unaligned() })
    }

    /// Returns the source address.
    #[inline]
    pub fn source(&self) -> Mac {
        // SAFETY: By the type's invariant there is a whole header.
        unsafe { source(self.header()) }
    }

    /// Returns what is behind the Ethernet header.
    #[inline]
    pub fn payload(&self) -> Payload<'_> {
        // SAFETY: The skb is valid; by the type's invariant there is a whole header.
        unsafe { Payload::from_raw(self.0 .0.as_ptr(), ETH_HLEN) }
    }

    /// Returns the header `at` bytes behind the Ethernet header, whose bytes are in the linear part from now on:
    /// what is in pages may be shared with user space, which changes it when it likes. `None` if the frame is
    /// shorter, or without memory (`pskb_may_pull()`).
    pub fn pull_header<T: Header>(&mut self, at: usize) -> Option<T> {
        let start = at.checked_add(ETH_HLEN as usize)?;
        let end = start.checked_add(size_of::<T>())?;
        // Far less than `pskb_may_pull()` can be asked for.
        let len = u16::try_from(end).ok()?;
        let skb = self.0 .0.as_ptr();
        // SAFETY: The skb is valid and nobody else's. What was in the linear part stays there.
        if !unsafe { bindings::pskb_may_pull(skb, len.into()) } {
            return None;
        }
        // SAFETY: There are `end` bytes in the linear part, from `data` on, and a `Header` is any bytes, wherever
        // they lie.
        Some(unsafe { (*skb).data.add(start).cast::<T>().read() })
    }

    /// Returns whether it is several packets in one, that are cut later (`skb_is_gso()`).
    #[inline]
    pub fn is_gso(&self) -> bool {
        // SAFETY: The skb is valid.
        unsafe { bindings::skb_is_gso(self.0 .0.as_ptr()) }
    }

    /// Returns whether a checksum is still to be computed (`CHECKSUM_PARTIAL`), by whoever sends the frame in
    /// the end.
    #[inline]
    pub fn has_partial_checksum(&self) -> bool {
        // SAFETY: The skb is valid.
        unsafe { bindings::skb_has_partial_csum(self.0 .0.as_ptr()) }
    }

    /// Returns how many bytes behind the Ethernet header that begins which such a checksum is of, and how
    /// many bytes behind its beginning the checksum is (`csum_start`, `csum_offset`). The sender says so: it
    /// may be any place. `None` if it begins before the end of the Ethernet header.
    #[inline]
    pub fn checksum_place(&self) -> Option<(usize, usize)> {
        let skb = self.0 .0.as_ptr();
        // SAFETY: The skb is valid; the functions only read.
        let (start, offset) = unsafe {
            (
                bindings::skb_checksum_start_offset(skb),
                bindings::skb_csum_offset(skb),
            )
        };
        let start = u32::try_from(start).ok()?.checked_sub(ETH_HLEN)?;
        Some((start as usize, offset.into()))
    }

    /// Computes such a checksum (`skb_checksum_help()`). Returns whether that was possible: not for several
    /// packets in one, for a place that is not in the frame, and without memory.
    #[cold]
    #[inline(never)]
    pub fn complete_checksum(&mut self) -> bool {
        let skb = self.0 .0.as_ptr();
        // SAFETY: The skb is valid; the functions only read.
        let (start, offset) = unsafe {
            (
                bindings::skb_checksum_start_offset(skb),
                bindings::skb_csum_offset(skb),
            )
        };
        // The function below would warn of what a sender can say.
        let Ok(start) = u16::try_from(start) else {
            return false;
        };
        let end = u32::from(start).wrapping_add(offset.into()).wrapping_add(2);
        if self.is_gso() {
            return false;
        }
        // SAFETY: The skb is valid and nobody else's. What was in the linear part stays there, so the type's
        // invariant holds.
        unsafe { bindings::pskb_may_pull(skb, end) && bindings::skb_checksum_help(skb) == 0 }
    }

    /// Returns a second frame with the same data (`skb_clone()`); `None` if there is no memory.
    #[inline]
    pub fn try_clone(&self) -> Option<Self> {
        // SAFETY: The skb is valid, and cloning does not change what others see of it.
        let skb = unsafe { bindings::skb_clone_atomic(self.0 .0.as_ptr()) };
        // INVARIANT: The clone is ours, and has the same linear part.
        // SAFETY: Not null, and its `dev` is the same.
        (!skb.is_null()).then(|| Self(unsafe { SkBuff::from_raw(skb) }))
    }

    /// Makes the frame, which is for the address of `dev`, one that `dev` has received after `lower`
    /// took it from a wire, as [`forward_to`](Self::forward_to) `lower` and from there. The frame comes
    /// back if `lower` would refuse it, if pages of user space had to be copied, or if there is anybody who
    /// would see it on `lower`.
    #[inline]
    pub fn forward_over<'r>(
        self,
        lower: &NetDevice,
        dev: &'r NetDevice,
        rcu: Rcu<'r>,
    ) -> Result<ReceivedSkBuff<'r>, Self> {
        // SAFETY: We own the skb, whose `dev` is valid by the type's invariant, and so is `lower`. It looks
        // whether that is up before who listens to it is looked for.
        if !unsafe {
            bindings::skb_is_plainly_forwardable(lower.as_ptr(), self.0 .0.as_ptr())
                && lower.ingress_is_plain(self.0 .0.as_ptr(), self.protocol(), rcu)
        } {
            return Err(self);
        }
        let skb = self.0.into_raw();
        // SAFETY: The skb is ours, with a linear Ethernet header by the type's invariant; its `dev`, and
        // both devices, are valid. That `lower` was just seen to be up, in an RCU section that lasts, keeps
        // its namespace.
        unsafe {
            forget_sock_for(dev, skb);
            bindings::skb_scrub_forwarded(bindings::dev_net(lower.as_ptr()), skb);
            bindings::dev_forward_skb_receive_own(dev.as_ptr(), skb);
        }
        // SAFETY: Still ours, and its `dev` is now `dev`.
        Ok(ReceivedSkBuff(unsafe { SkBuff::from_raw(skb) }))
    }

    /// Forgets all of the sender's state, that of its namespace, too (`skb_scrub_packet()`).
    #[inline]
    pub(crate) fn scrub(&mut self) {
        // SAFETY: The skb is valid and ours.
        unsafe { bindings::skb_scrub_packet(self.0 .0.as_ptr(), true) };
    }

    /// Returns how many bytes are in the frame, the Ethernet header included.
    #[inline]
    pub fn len(&self) -> u32 {
        self.0.len()
    }

    /// Returns false: a frame has its header at least.
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
    /// of it when the namespaces differ, and the Ethernet header is pulled. In another namespace than the
    /// sender's, but for the first one, it has no socket if anything comes before `dev`'s stack, which could keep it.
    #[inline]
    pub fn forward_to<'r>(
        self,
        dev: &'r NetDevice,
        _rcu: Rcu<'r>,
    ) -> Result<ReceivedSkBuff<'r>, Dropped> {
        let skb = self.0.into_raw();
        // SAFETY: We own the skb, whose `dev` is valid by the type's invariant.
        unsafe { forget_sock_for(dev, skb) };
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
