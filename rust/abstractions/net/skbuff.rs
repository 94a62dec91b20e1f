// SPDX-License-Identifier: GPL-2.0

//! Packets.
//!
//! An [`SkBuff`] is owned: whoever has it must pass it on or drop it, and nobody can touch it
//! afterwards. Use after `netif_rx()`, a double free and a leak on an early return do not compile.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use super::{
    mac::Mac,
    net_device_ops::NetDeviceOps,
    netdevice::{
        Link,
        NetDevice, //
    },
    payload::Payload,
    rx_handler::Deferred, //
};
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

pub use super::mac::ETH_HLEN;

// The C functions return `int`; bindgen makes macros unsigned.
const NET_RX_SUCCESS: kernel::ffi::c_int = bindings::NET_RX_SUCCESS as kernel::ffi::c_int;

/// Why a packet was dropped (`enum skb_drop_reason`), as `skb:kfree_skb` and drop monitors show it.
#[derive(Clone, Copy)]
pub struct DropReason(bindings::skb_drop_reason);

impl DropReason {
    /// No reason that the core has a name for (`SKB_DROP_REASON_NOT_SPECIFIED`).
    pub const NOT_SPECIFIED: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_NOT_SPECIFIED);
    /// The sender may not reach whom it is for (`SKB_DROP_REASON_DEV_READY`).
    pub const DEV_READY: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_DEV_READY);
    /// The protocol is not one that can be routed (`SKB_DROP_REASON_UNHANDLED_PROTO`).
    pub const UNHANDLED_PROTO: Self =
        Self(bindings::skb_drop_reason_SKB_DROP_REASON_UNHANDLED_PROTO);
    /// It says that it is from somebody else (`SKB_DROP_REASON_IP_INVALID_SOURCE`).
    pub const IP_SOURCE: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_IP_INVALID_SOURCE);
    /// There is no route (`SKB_DROP_REASON_IP_OUTNOROUTES`).
    pub const NO_ROUTE: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_IP_OUTNOROUTES);
    /// It would go round and round (`SKB_DROP_REASON_RECURSION_LIMIT`).
    pub const RECURSION_LIMIT: Self =
        Self(bindings::skb_drop_reason_SKB_DROP_REASON_RECURSION_LIMIT);
    /// The IP header is wrong (`SKB_DROP_REASON_IP_INHDR`).
    pub const IP_HEADER: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_IP_INHDR);
    /// The IPv4 header's checksum is wrong (`SKB_DROP_REASON_IP_CSUM`).
    pub const IP_CSUM: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_IP_CSUM);
    /// The IP header is not whole (`SKB_DROP_REASON_PKT_TOO_SMALL`).
    pub const TOO_SMALL: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_PKT_TOO_SMALL);
    /// The queue of group packets is full (`SKB_DROP_REASON_MACVLAN_BROADCAST_BACKLOG`).
    pub const BROADCAST_BACKLOG: Self =
        Self(bindings::skb_drop_reason_SKB_DROP_REASON_MACVLAN_BROADCAST_BACKLOG);
    /// The ring to user space is full (`SKB_DROP_REASON_FULL_RING`).
    pub const FULL_RING: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_FULL_RING);
    /// It cannot be segmented (`SKB_DROP_REASON_SKB_GSO_SEG`).
    pub const GSO_SEG: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_SKB_GSO_SEG);
    /// Its checksum cannot be computed (`SKB_DROP_REASON_SKB_CSUM`).
    pub const CSUM: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_SKB_CSUM);
    /// User space has not the bytes that it says (`SKB_DROP_REASON_SKB_UCOPY_FAULT`).
    pub const UCOPY_FAULT: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_SKB_UCOPY_FAULT);
    /// The header in front of it does not fit it (`SKB_DROP_REASON_DEV_HDR`).
    pub const DEV_HDR: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_DEV_HDR);
}

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

/// # Safety
///
/// The caller must own `skb`, and nobody else.
#[inline(never)]
unsafe fn orphan(skb: *mut bindings::sk_buff) {
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
/// pages of user space, and of sockets at most one of a [`Sock`](super::sock::Sock) that held no network
/// namespace when the packet came here: if it does since, then while somebody has its file open.
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
        if unsafe { bindings::skb_is_detached(skb.as_ptr()) } {
            // INVARIANT: As was just seen.
            return Some(Self(skb));
        }
        // SAFETY: By the caller's guarantee.
        unsafe { Self::detach(skb) }
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

/// Frees a packet and says why.
///
/// # Safety
///
/// The caller must own a reference to `skb`, and give it up.
#[cold]
pub(crate) unsafe fn free(skb: *mut bindings::sk_buff, reason: DropReason) {
    // SAFETY: By the caller's guarantee.
    unsafe { bindings::sk_skb_reason_drop(ptr::null_mut(), skb, reason.0) };
}

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
    const fn number(self) -> u8 {
        match self {
            Self::Host => bindings::PACKET_HOST as u8,
            Self::Broadcast => bindings::PACKET_BROADCAST as u8,
            Self::Multicast => bindings::PACKET_MULTICAST as u8,
        }
    }
}

/// What a device below made of a packet (`NET_XMIT_*`, or a negative error number).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmitStatus(pub(crate) kernel::ffi::c_int);

impl XmitStatus {
    /// It was taken.
    pub const SUCCESS: Self = Self(bindings::NET_XMIT_SUCCESS as kernel::ffi::c_int);
    /// It was dropped.
    pub const DROP: Self = Self(bindings::NET_XMIT_DROP as kernel::ffi::c_int);

    /// Whether the packet was taken, perhaps with the remark that others were not.
    #[inline]
    pub const fn is_taken(self) -> bool {
        self.0 == bindings::NET_XMIT_SUCCESS as kernel::ffi::c_int
            || self.0 == bindings::NET_XMIT_CN as kernel::ffi::c_int
    }
}

/// How many packets the backlog of a CPU takes (`net.core.netdev_max_backlog`).
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

    /// The number of the transmit queue that it was put into.
    #[inline]
    pub fn queue_mapping(&self) -> u16 {
        // SAFETY: By the type's invariant the skb is valid.
        unsafe { bindings::skb_get_queue_mapping(self.0.as_ptr()) }
    }

    /// Whether it comes from a socket of this host that is charged for each packet as such, which are those
    /// of UDP, raw and packet sockets, and not those of TCP (`sock_wfree()`).
    #[inline]
    pub fn is_wfree(&self) -> bool {
        // SAFETY: By the type's invariant the skb is valid.
        unsafe { bindings::skb_is_wfree(self.0.as_ptr()) }
    }

    /// Whether there are no bytes in the packet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The packet as an Ethernet frame, if its whole Ethernet header is there.
    #[inline]
    pub fn into_frame(self) -> Result<EthFrame<'a>, Self> {
        // SAFETY: By the type's invariant the skb is valid.
        if unsafe { bindings::skb_has_linear(self.0.as_ptr(), ETH_HLEN) } {
            // INVARIANT: As was just seen.
            Ok(EthFrame(self))
        } else {
            self.pull_header()
        }
    }

    #[cold]
    #[inline(never)]
    fn pull_header(self) -> Result<EthFrame<'a>, Self> {
        // SAFETY: By the type's invariant the skb is valid and ours to change.
        if unsafe { bindings::pskb_may_pull(self.0.as_ptr(), ETH_HLEN) } {
            // INVARIANT: `pskb_may_pull()` has made the header linear.
            Ok(EthFrame(self))
        } else {
            Err(self)
        }
    }

    /// Transmits the packet on `lower`, through its queueing discipline (`dev_queue_xmit()`). The
    /// status says what became of it; in any case it is gone.
    #[inline]
    pub fn queue_xmit(self, lower: &NetDevice, _bh: Bh<'_>) -> XmitStatus {
        let skb = self.into_raw();
        // SAFETY: We own the skb; `lower` is valid, and whoever has it sees to it that it stays so
        // until the packet was transmitted: queued packets of a device are thrown away when it goes.
        unsafe { bindings::skb_set_dev_only(skb, lower.as_ptr()) };
        // SAFETY: We give the skb up.
        XmitStatus(unsafe { bindings::dev_queue_xmit(skb) })
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

/// A packet that begins with a whole Ethernet header.
///
/// # Invariants
///
/// The first [`ETH_HLEN`] bytes of the packet are in its linear part.
pub struct EthFrame<'a>(SkBuff<'a>);

impl<'a> EthFrame<'a> {
    /// The packet again.
    #[inline]
    pub fn into_skb(self) -> SkBuff<'a> {
        self.0
    }

    #[inline]
    fn header(&self) -> *const bindings::ethhdr {
        // SAFETY: The skb is valid; by the type's invariant a whole header is at `data`.
        unsafe { (*self.0 .0.as_ptr()).data.cast() }
    }

    /// The destination address.
    #[inline]
    pub fn dest(&self) -> Mac {
        // SAFETY: By the type's invariant there is a whole header.
        unsafe { dest(self.header()) }
    }

    /// Whether it is for a group, or everybody (`is_multicast_ether_addr()`).
    #[inline]
    pub fn is_to_group(&self) -> bool {
        // SAFETY: By the type's invariant there is a whole header.
        let [first, ..] = unsafe { (*self.header()).h_dest };
        first & 1 != 0
    }

    /// What the Ethernet header says comes next: a protocol, or a VLAN tag (`ETH_P_*`).
    #[inline]
    pub fn protocol(&self) -> u16 {
        // SAFETY: By the type's invariant there is a whole header; it may be unaligned.
        u16::from_be(unsafe { ptr::addr_of!((*self.header()).h_proto).read_unaligned() })
    }

    /// The source address.
    #[inline]
    pub fn source(&self) -> Mac {
        // SAFETY: By the type's invariant there is a whole header.
        unsafe { source(self.header()) }
    }

    /// What is behind the Ethernet header.
    #[inline]
    pub fn payload(&self) -> Payload<'_> {
        // SAFETY: The skb is valid; by the type's invariant there is a whole header.
        unsafe { Payload::from_raw(self.0 .0.as_ptr(), ETH_HLEN) }
    }

    /// A second frame with the same data (`skb_clone()`); `None` if there is no memory.
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
                && lower.ingress_is_plain(rcu)
        } {
            return Err(self);
        }
        let skb = self.0.into_raw();
        // SAFETY: The skb is ours, with a linear Ethernet header by the type's invariant; its `dev`, and
        // both devices, are valid. That `lower` was just seen to be up, in an RCU section that lasts, keeps
        // its namespace.
        unsafe {
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

/// # Safety
///
/// `header` must point to a whole Ethernet header.
#[inline]
unsafe fn dest(header: *const bindings::ethhdr) -> Mac {
    // SAFETY: By the caller's guarantee there are 14 bytes; the first six count.
    Mac::from_le(u64::from_le(unsafe {
        header.cast::<u64>().read_unaligned()
    }))
}

/// # Safety
///
/// `header` must point to a whole Ethernet header.
#[inline]
unsafe fn source(header: *const bindings::ethhdr) -> Mac {
    // SAFETY: By the caller's guarantee there are 14 bytes, eight of them from the source address on.
    Mac::from_le(u64::from_le(unsafe {
        header.cast::<u8>().add(6).cast::<u64>().read_unaligned()
    }))
}

/// A packet that a device has received and that its [`RxHandler`](super::rx_handler::RxHandler) is to
/// decide about. Packet sockets may hold it, too, so it is not written to.
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

    /// The destination address.
    #[inline]
    pub fn dest(&self) -> Mac {
        // SAFETY: The header is there, by the type's invariant.
        unsafe { dest(self.header()) }
    }

    /// The source address.
    #[inline]
    pub fn source(&self) -> Mac {
        // SAFETY: The header is there, by the type's invariant.
        unsafe { source(self.header()) }
    }

    /// The protocol behind the Ethernet header, and the VLAN tag that the core took off, if there was
    /// one (`ETH_P_*`).
    #[inline]
    pub fn protocol(&self) -> u16 {
        // SAFETY: The skb is valid.
        unsafe { bindings::skb_protocol(self.as_ptr()) }
    }

    /// Bytes in the packet, the Ethernet header included.
    #[inline]
    pub fn frame_len(&self) -> u32 {
        // SAFETY: The skb is valid.
        unsafe { (*self.as_ptr()).len }.wrapping_add(ETH_HLEN)
    }

    /// What is behind the Ethernet header.
    #[inline]
    pub fn payload(&self) -> Payload<'_> {
        // SAFETY: The skb is valid, and its data begin behind the header.
        unsafe { Payload::from_raw(self.as_ptr(), 0) }
    }

    /// Makes it a packet that `dev`, which is above the one that received it, has received, of the type
    /// that it has if `kind` is `None`. `None` if it is the same device, for which it would begin anew
    /// for ever, or if there is no memory for a clone, which is needed when somebody else holds the
    /// packet, too; then it is gone.
    #[inline]
    pub fn deliver_to<'r, T: NetDeviceOps>(
        self,
        dev: &'r Link<T>,
        kind: Option<PacketType>,
        _rcu: Rcu<'r>,
    ) -> Option<ReceivedSkBuff<'r>> {
        const { assert!(T::HAS_LOWER_DEV, "a packet goes up only") };
        // SAFETY: The skb is valid.
        if ptr::eq(unsafe { bindings::skb_dev(self.as_ptr()) }, dev.as_ptr()) {
            self.drop_reason(DropReason::DEV_READY);
            return None;
        }
        // SAFETY: We give our reference up and get one to an skb that is nobody else's.
        let skb = unsafe { bindings::skb_share_check(self.into_raw()) };
        if skb.is_null() {
            return None;
        }
        // SAFETY: The skb is ours, and `dev` valid.
        unsafe {
            match kind {
                Some(kind) => bindings::skb_set_received(skb, dev.as_ptr(), kind.number()),
                None => bindings::skb_set_dev_only(skb, dev.as_ptr()),
            }
        }
        // SAFETY: Ours, and its `dev` is `dev`.
        Some(ReceivedSkBuff(unsafe { SkBuff::from_raw(skb) }))
    }

    /// A second packet with the same data (`skb_clone()`); `None` if there is no memory.
    #[inline]
    pub(crate) fn try_clone(&self) -> Option<Self> {
        // SAFETY: The skb is valid, and cloning does not change what others see of it.
        let skb = unsafe { bindings::skb_clone_atomic(self.as_ptr()) };
        // INVARIANT: The clone is ours, and its header and device are the same.
        NonNull::new(skb).map(|skb| Self(skb, PhantomData))
    }

    /// A second packet with the same data, and of the same type, that `dev` has received. `None` if
    /// there is no memory.
    #[inline]
    pub fn clone_to<'r, T: NetDeviceOps>(
        &self,
        dev: &'r Link<T>,
        _rcu: Rcu<'r>,
    ) -> Option<ReceivedSkBuff<'r>> {
        const { assert!(T::HAS_LOWER_DEV, "a packet goes up only") };
        // SAFETY: The skb is valid, and cloning does not change what others see of it.
        let skb = unsafe { bindings::skb_clone_atomic(self.as_ptr()) };
        if skb.is_null() {
            return None;
        }
        // SAFETY: The clone is ours, and `dev` valid.
        unsafe { bindings::skb_set_dev_only(skb, dev.as_ptr()) };
        // SAFETY: Ours, and its `dev` is `dev`.
        Some(ReceivedSkBuff(unsafe { SkBuff::from_raw(skb) }))
    }

    /// If it is a fragment of an IPv4 packet, collects it; gives the whole packet when the last one
    /// is there (`ip_check_defrag()`). Packets of other protocols, and malformed ones, come back as
    /// they are.
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

#[allow(clippy::cast_possible_truncation)]
const ETH_P_IP: u16 = bindings::ETH_P_IP as u16;

/// A packet that is set up as received by a device, ready for its stack.
///
/// It lasts no longer than an RCU section in which the device was found. The device may be down, which the
/// core looks for with the backlog locked (`enqueue_to_backlog()`): unregistering a device takes it down
/// before the backlogs are cleared of packets for it (`flush_all_backlogs()`).
///
/// # Invariants
///
/// Nobody else has it. Its device is not freed during `'a`, which is within an RCU section. Its Ethernet
/// header, of [`ETH_HLEN`] bytes, ends where its data begin.
pub struct ReceivedSkBuff<'a>(SkBuff<'a>);

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

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0 .0.as_ptr()
    }

    /// Bytes in the packet, the Ethernet header included.
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

    /// What `f` says of the packet as the handler of its device would see it.
    #[inline]
    pub fn peek<R>(&self, f: impl FnOnce(&RxSkb<'_>) -> R) -> R {
        // INVARIANT: As in `into_rx`; the reference stays ours, and is not given up here.
        f(&ManuallyDrop::new(RxSkb(self.0 .0, PhantomData)))
    }

    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<bindings::sk_buff> {
        ManuallyDrop::new(self.0).0
    }

    /// Whether the core would give the packet to the handler of its device, which is up, and to nobody else
    /// before, nor do anything to it. A snapshot.
    #[inline]
    pub fn goes_to_handler(&self, rcu: Rcu<'_>) -> bool {
        let skb = self.0 .0.as_ptr();
        // A device on top may be down by now, or never have been up.
        // SAFETY: The skb is valid, and so is its device, which is up in this section when it is asked.
        unsafe {
            let dev = NetDevice::from_raw(bindings::skb_dev(skb));
            dev.is_up() && dev.ingress_is_plain(rcu) && !bindings::skb_protocol_is_vlan(skb)
        }
    }

    /// The same packet, of another type.
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
