// SPDX-License-Identifier: GPL-2.0

//! Packets that a device has received.

use crate::{
    bindings,
    context::{
        Bh,
        Rcu, //
    },
    net::{
        headers::ETH_P_IP,
        mac::{
            Mac,
            ETH_HLEN, //
        },
        netdevice::NetDevice,
        packet_context::Deferred,
        payload::Payload,
        skbuff::{
            drop_reason::{
                free,
                DropReason, //
            },
            eth_header::{
                dest,
                source, //
            },
            Dropped,
            SkBuff, //
        },
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};

/// Whom a received packet is for, as the stack and packet sockets see it (`PACKET_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketType {
    /// The device that received it.
    Host,
    /// Everybody.
    Broadcast,
    /// A group.
    Multicast,
}

impl PacketType {
    // CAST: The constants are below 8.
    #[allow(clippy::cast_possible_truncation)]
    #[inline]
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Host => bindings::PACKET_HOST as u8,
            Self::Broadcast => bindings::PACKET_BROADCAST as u8,
            Self::Multicast => bindings::PACKET_MULTICAST as u8,
        }
    }
}

/// A packet that a device has received and that its [`RxHandler`](crate::net::rx_handler::RxHandler) is to
/// decide about. Packet sockets may hold it, too, so it is not written to.
///
/// # Context
///
/// Where packets are received or put off: in an RCU section; softirqs are disabled but in a worker. Does not
/// sleep.
///
/// # Invariants
///
/// The pointer is to an skb of which this object owns one reference. Its Ethernet header, of
/// [`ETH_HLEN`] bytes, ends where its data begin. Its `dev` is a device that is not freed during `'a`.
pub struct RxSkb<'a>(NonNull<bindings::sk_buff>, PhantomData<&'a NetDevice>);

impl<'a> RxSkb<'a> {
    /// Whether a received packet has an Ethernet header, right in front of its data: those that were
    /// looped back without a driver (`PACKET_LOOPBACK`) begin where their data do, with the network header.
    ///
    /// # Safety
    ///
    /// The skb must be valid.
    #[inline]
    pub(crate) unsafe fn has_header(ptr: *const bindings::sk_buff) -> bool {
        // SAFETY: By the caller's guarantee the skb is valid.
        unsafe { bindings::skb_has_rx_eth_hdr(ptr) }
    }

    /// Makes it so for a packet that has its header, but with VLAN tags in it, which its device has
    /// taken already and put back there (`reorder_hdr off`): to the devices on top, as to the protocols,
    /// it is a packet without. What is not like that stays as it is. Null if there is no memory; then the
    /// packet is gone.
    ///
    /// # Safety
    ///
    /// The caller must own a reference to `ptr`, which goes with it, and comes back with the result.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn untag_header(ptr: *mut bindings::sk_buff) -> *mut bindings::sk_buff {
        // SAFETY: We give our reference up and get one to what is returned.
        unsafe { bindings::skb_untag_rx_hdr(ptr) }
    }

    /// Takes ownership.
    ///
    /// # Safety
    ///
    /// The caller must own a reference to `ptr` and give it up. The skb must
    /// [have a header](Self::has_header), and its `dev` be a device that is not freed during `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw(ptr: *mut bindings::sk_buff) -> Self {
        // INVARIANT: By the caller's guarantee; what is between `head` and `data` is there.
        // SAFETY: A packet is not null.
        Self(unsafe { NonNull::new_unchecked(ptr) }, PhantomData)
    }

    /// Gives ownership up.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut bindings::sk_buff {
        ManuallyDrop::new(self).0.as_ptr()
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    #[inline]
    fn header(&self) -> *const bindings::ethhdr {
        // By the type's invariant the header is where `mac_header` says, and is there.
        // SAFETY: The skb is valid.
        unsafe { bindings::skb_mac_header(self.as_ptr()) }
    }

    /// Returns the destination address.
    #[inline]
    pub fn dest(&self) -> Mac {
        // SAFETY: The header is there, by the type's invariant.
        unsafe { dest(self.header()) }
    }

    /// Returns the source address.
    #[inline]
    pub fn source(&self) -> Mac {
        // SAFETY: The header is there, by the type's invariant.
        unsafe { source(self.header()) }
    }

    /// Returns the protocol behind the Ethernet header, and the VLAN tag that the core took off, if there was
    /// one (`ETH_P_*`).
    #[inline]
    pub fn protocol(&self) -> u16 {
        // SAFETY: The skb is valid.
        unsafe { bindings::skb_protocol(self.as_ptr()) }
    }

    /// Returns how many bytes are in the packet, the Ethernet header included.
    #[inline]
    pub fn frame_len(&self) -> u32 {
        // SAFETY: The skb is valid.
        unsafe { (*self.as_ptr()).len }.wrapping_add(ETH_HLEN)
    }

    /// Returns what is behind the Ethernet header.
    #[inline]
    pub fn payload(&self) -> Payload<'_> {
        // SAFETY: The skb is valid, and its data begin behind the header.
        unsafe { Payload::from_raw(self.as_ptr(), 0) }
    }

    /// A second packet with the same data (`skb_clone()`); `None` if there is no memory.
    #[inline]
    pub(crate) fn try_clone(&self) -> Option<Self> {
        // SAFETY: The skb is valid, and cloning does not change what others see of it.
        let skb = unsafe { bindings::skb_clone_atomic(self.as_ptr()) };
        // INVARIANT: The clone is ours, and its header and device are the same.
        NonNull::new(skb).map(|skb| Self(skb, PhantomData))
    }

    /// Collects the packet if it is a fragment of an IPv4 packet; returns the whole packet when the last one
    /// is there (`ip_check_defrag()`). Packets of other protocols, and malformed ones, come back as they are.
    #[inline]
    pub fn defrag_ipv4(self, _bh: Bh<'_>) -> Option<Self> {
        if self.protocol() != ETH_P_IP {
            return Some(self);
        }
        // SAFETY: We own the reference and give it up; its `dev` is valid.
        let skb = unsafe { bindings::ip_check_defrag(self.into_raw()) };
        if skb.is_null() {
            return None;
        }
        // SAFETY: The result is a packet that was received.
        if !unsafe { Self::has_header(skb) } {
            // SAFETY: It is ours.
            unsafe { free(skb, DropReason::NOT_SPECIFIED) };
            return None;
        }
        // SAFETY: It is ours. The device is that of a fragment, which is the same one.
        Some(unsafe { Self::from_raw(skb) })
    }

    /// Frees a packet whose copies went where they should.
    #[inline]
    pub fn consume(self) {
        // SAFETY: We own the reference and give it up.
        unsafe { bindings::consume_skb(self.into_raw()) };
    }

    /// Frees the packet and says why.
    #[inline]
    pub fn drop_reason(self, reason: DropReason) {
        // SAFETY: We own the reference and give it up.
        unsafe { free(self.into_raw(), reason) };
    }
}

impl Drop for RxSkb<'_> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: We own the reference and give it up.
        unsafe { free(self.0.as_ptr(), DropReason::NOT_SPECIFIED) };
    }
}

/// A packet that is set up as received by a device, ready for its stack.
///
/// It lasts no longer than an RCU section in which the device was found. The device may be down, which the
/// core looks for with the backlog locked (`enqueue_to_backlog()`): unregistering a device takes it down
/// before the backlogs are cleared of packets for it (`flush_all_backlogs()`).
///
/// # Context
///
/// In the RCU section in which its receiver was found. Does not sleep.
///
/// # Invariants
///
/// Nobody else has it. Its device is not freed during `'a`, which is within an RCU section. Its Ethernet
/// header, of [`ETH_HLEN`] bytes, ends where its data begin.
pub struct ReceivedSkBuff<'a>(pub(super) SkBuff<'a>);

impl<'a> ReceivedSkBuff<'a> {
    /// Takes a packet for what it is.
    ///
    /// # Safety
    ///
    /// It must be as the type's invariants say.
    #[inline]
    pub(crate) unsafe fn from_skb(skb: SkBuff<'a>) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(skb)
    }

    /// Makes a frame of `bytes`, which begin with an Ethernet header, one that `dev` has received. `None` if there
    /// are not that many, or there is no memory.
    pub fn of_bytes(bytes: &[u8], dev: &'a NetDevice, _rcu: Rcu<'a>) -> Option<Self> {
        let len = u16::try_from(bytes.len()).ok()?;
        if u32::from(len) < ETH_HLEN {
            return None;
        }
        // SAFETY: There are that many bytes, a whole header of them, and `dev` is valid.
        let skb =
            unsafe { bindings::skb_received(dev.as_ptr(), bytes.as_ptr().cast(), len.into()) };
        // INVARIANT: It is ours, its `dev` is `dev`, and its header was pulled.
        // SAFETY: As was just said.
        (!skb.is_null()).then(|| Self(unsafe { SkBuff::from_raw(skb) }))
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0 .0.as_ptr()
    }

    /// Returns how many bytes are in the packet, the Ethernet header included.
    #[inline]
    pub fn frame_len(&self) -> u32 {
        self.0.len().wrapping_add(ETH_HLEN)
    }

    /// Frees the packet and says why.
    #[inline]
    pub fn drop_reason(self, reason: DropReason) {
        self.0.drop_reason(reason);
    }

    /// The packet, as the handler of its device gets it.
    #[inline]
    pub(crate) fn into_rx(self) -> RxSkb<'a> {
        // INVARIANT: The header is as an `RxSkb` wants it.
        RxSkb(ManuallyDrop::new(self.0).0, PhantomData)
    }

    /// Returns what `f` says of the packet as the handler of its device would see it.
    #[inline]
    pub fn peek<R>(&self, f: impl FnOnce(&RxSkb<'_>) -> R) -> R {
        // INVARIANT: As in `into_rx`; the reference stays ours, and is not given up here.
        f(&ManuallyDrop::new(RxSkb(self.0 .0, PhantomData)))
    }

    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<bindings::sk_buff> {
        ManuallyDrop::new(self.0).0
    }

    /// Returns whether the core would give the packet to the handler of its device, which is up, and to
    /// nobody else before, nor do anything to it. A snapshot.
    #[inline]
    pub fn goes_to_handler(&self, rcu: Rcu<'_>) -> bool {
        let skb = self.0 .0.as_ptr();
        // A device on top may be down by now, or never have been up.
        // SAFETY: The skb is valid, and so is its device, which is up in this section when it is asked.
        unsafe {
            let dev = NetDevice::from_raw(bindings::skb_dev(skb));
            dev.is_up()
                && dev.ingress_is_plain(skb, bindings::skb_protocol(skb), rcu)
                && !bindings::skb_protocol_is_vlan(skb)
        }
    }

    /// Returns the same packet, of another type.
    #[inline]
    #[must_use]
    pub fn of_type(self, kind: PacketType) -> Self {
        // SAFETY: The skb is ours.
        unsafe { bindings::skb_set_pkt_type(self.0 .0.as_ptr(), kind.number()) };
        self
    }

    /// Has the stack receive the packet here and now (`netif_receive_skb()`). For the worker of a
    /// handler only: where packets are received, receivers would nest until the stack ends.
    #[inline]
    pub fn netif_receive(self, _worker: &Deferred<'_>, _bh: Bh<'_>) {
        // SAFETY: We own the skb, which is set up as received, and give it up; softirqs are disabled.
        unsafe { bindings::netif_receive_skb(self.0.into_raw()) };
    }

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

// The C functions return `int`; bindgen makes macros unsigned.
const NET_RX_SUCCESS: kernel::ffi::c_int = bindings::NET_RX_SUCCESS as kernel::ffi::c_int;
