// SPDX-License-Identifier: GPL-2.0

//! Frames that come from user space and go there.
//!
//! ```text
//!   RxSkb ---> UserFrame ---> ring ---> QueuedFrame ---> reader
//!   writer --> NewFrame ----> device
//! ```

use super::{
    features::Features,
    netdevice::NetDevice,
    skbuff::{
        free,
        DetachedSkb,
        DropReason,
        ReceivedSkBuff,
        RxSkb,
        ETH_HLEN, //
    },
};
use crate::{
    bindings,
    context::Rcu, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    error::to_result,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*,
};
use zerocopy::FromZeros;
use zerocopy_derive::Immutable;

/// Bytes of a [`VnetHdr`].
pub const VNET_HDR_LEN: usize = size_of::<VnetHdr>();

/// The header that says what is left to be done to a frame (`struct virtio_net_hdr`), aligned as C wants
/// it. Its numbers are bytes, in the order that user space has asked for.
///
/// # Examples
///
/// ```
/// use abstractions::net::user_frame::VnetHdr;
/// use zerocopy::{FromZeros, IntoBytes};
///
/// let mut hdr = VnetHdr::new_zeroed();
/// hdr.csum_start = 14u16.to_le_bytes();
/// assert_eq!(hdr.as_bytes(), [0, 0, 0, 0, 0, 0, 14, 0, 0, 0]);
/// ```
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C, align(2))]
pub struct VnetHdr {
    /// What is valid of the rest (`VIRTIO_NET_HDR_F_*`).
    pub flags: u8,
    /// Which segments it is to be cut into (`VIRTIO_NET_HDR_GSO_*`).
    pub gso_type: u8,
    /// Bytes of headers; a hint.
    pub hdr_len: [u8; 2],
    /// Bytes of payload of a segment.
    pub gso_size: [u8; 2],
    /// Where the part begins that the checksum is of.
    pub csum_start: [u8; 2],
    /// Where the checksum is, from there.
    pub csum_offset: [u8; 2],
}

/// A received frame that is going to user space.
///
/// # Context
///
/// Softirqs disabled, in an RCU section. Does not sleep.
///
/// # Invariants
///
/// The skb begins with its Ethernet header, in the linear part, and has no extensions. Its `dev` is a
/// device that is not freed during `'a`.
pub struct UserFrame<'a>(DetachedSkb, PhantomData<&'a NetDevice>);

impl<'a> RxSkb<'a> {
    /// Returns the packet as a frame, which has let go of what its sender waits for. `None` if there is no
    /// memory for a clone, which is needed when somebody else holds the packet, too, or for copies of user
    /// space's pages; then it is gone.
    #[inline]
    pub fn into_user_frame(self) -> Option<UserFrame<'a>> {
        // SAFETY: We give our reference up and get one to an skb that is nobody else's.
        let skb = NonNull::new(unsafe { bindings::skb_share_check(self.into_raw()) })?;
        // SAFETY: It is ours; by the invariants of an `RxSkb` the header ends where its data begin.
        unsafe { UserFrame::from_received(skb) }
    }

    /// Returns a number that the packets of a flow have in common; zero if none can be computed
    /// (`skb_get_hash()`).
    #[inline]
    pub fn flow_hash(&self) -> u32 {
        // SAFETY: The skb is valid. The hash is kept in the header, which nobody else writes to
        // meanwhile: others only hold the packet.
        unsafe { bindings::skb_get_hash(self.as_ptr()) }
    }

    /// Returns the queue of the device that received the packet first, if that is known.
    #[inline]
    pub fn rx_queue(&self) -> Option<u32> {
        // SAFETY: The skb is valid.
        unsafe { bindings::skb_queue_mapping(self.as_ptr()) }.checked_sub(1)
    }
}

impl<'a> ReceivedSkBuff<'a> {
    /// Returns the packet as a frame, which has let go of what its sender waits for. `None` if there is no
    /// memory for copies of user space's pages; then it is gone.
    #[inline]
    pub fn into_user_frame(self) -> Option<UserFrame<'a>> {
        // SAFETY: By the type's invariants nobody else has it, and the header ends where its data begin.
        unsafe { UserFrame::from_received(self.into_raw()) }
    }
}

impl<'a> UserFrame<'a> {
    /// Takes ownership.
    ///
    /// # Safety
    ///
    /// The skb must be nobody else's, its Ethernet header of [`ETH_HLEN`] bytes end where its data
    /// begin, and its `dev` be a device that is not freed during `'a`.
    #[inline]
    unsafe fn from_received(skb: NonNull<bindings::sk_buff>) -> Option<Self> {
        // SAFETY: It is ours, and the header is there.
        unsafe { bindings::skb_push_eth(skb.as_ptr()) };
        // INVARIANT: By the caller's guarantee; the header is at the front now, extensions are gone.
        // SAFETY: By the caller's guarantee it is nobody else's.
        unsafe { DetachedSkb::new(skb) }.map(|skb| Self(skb, PhantomData))
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    #[inline]
    pub(crate) fn into_raw(self) -> *mut bindings::sk_buff {
        self.0.into_raw()
    }

    /// Returns the device that has received it.
    #[inline]
    pub fn dev(&self) -> &NetDevice {
        // SAFETY: By the type's invariant the skb has a device, which is not freed.
        unsafe { NetDevice::from_raw(bindings::skb_dev(self.as_ptr())) }
    }

    /// Returns whether the frame is one that has to be cut for somebody who takes `features`
    /// (`netif_needs_gso()`), and has room for what is no longer than an IP packet.
    #[inline]
    pub fn needs_gso(&self, features: Features) -> bool {
        // SAFETY: The skb is valid.
        unsafe { bindings::skb_needs_gso(self.as_ptr(), features.0) }
    }

    /// Cuts the frame for such a reader (`skb_gso_segment()`). It comes back if it cannot be cut.
    #[inline]
    pub fn segment(self, features: Features) -> Result<Segmented<'a>, Self> {
        // SAFETY: The skb is valid and ours; its `dev` is, too.
        let list = unsafe { bindings::skb_gso_segment(self.as_ptr(), features.0) };
        let Ok(list) = kernel::error::from_err_ptr(list) else {
            return Err(self);
        };
        if list.is_null() {
            return Ok(Segmented::Whole(self));
        }
        self.consume();
        // INVARIANT: Pieces have the headers of the whole, its device, and no more of its sender than it
        // had: its socket, if that is a tap's.
        Ok(Segmented::Pieces(Segments(NonNull::new(list), PhantomData)))
    }

    /// Returns whether the checksum is still to be computed.
    #[inline]
    pub fn has_partial_checksum(&self) -> bool {
        // SAFETY: The skb is valid.
        unsafe { bindings::skb_has_partial_csum(self.as_ptr()) }
    }

    /// Computes it (`skb_checksum_help()`); the frame comes back as an error if that is not possible.
    #[cold]
    pub fn complete_checksum(self) -> Result<Self, Self> {
        // SAFETY: The skb is valid and ours.
        if unsafe { bindings::skb_checksum_help(self.as_ptr()) } == 0 {
            Ok(self)
        } else {
            Err(self)
        }
    }

    /// Frees the frame and says why.
    #[cold]
    pub fn drop_reason(self, reason: DropReason) {
        // SAFETY: The frame is ours.
        unsafe { free(self.into_raw(), reason) };
    }

    fn consume(self) {
        // SAFETY: The frame is ours.
        unsafe { bindings::consume_skb(self.into_raw()) };
    }
}

/// What becomes of a frame that has to be cut.
pub enum Segmented<'a> {
    /// It need not be: somebody had to look at what an untrusted sender says of it (`SKB_GSO_DODGY`).
    Whole(UserFrame<'a>),
    /// Its pieces, in order.
    Pieces(Segments<'a>),
}

/// The pieces of a frame.
///
/// # Invariants
///
/// The first of a list of skbs without a head, each as [`UserFrame`] wants them; `None` if it is empty.
pub struct Segments<'a>(
    Option<NonNull<bindings::sk_buff>>,
    PhantomData<&'a NetDevice>,
);

impl<'a> Iterator for Segments<'a> {
    type Item = UserFrame<'a>;

    #[inline]
    fn next(&mut self) -> Option<UserFrame<'a>> {
        let skb = self.0?;
        // SAFETY: The piece is ours, and is taken out of the list.
        self.0 = NonNull::new(unsafe { bindings::skb_unlink_first(skb.as_ptr()) });
        // SAFETY: By the type's invariants it is as a `UserFrame` wants it, and ours.
        let skb = unsafe { DetachedSkb::from_raw(skb) };
        Some(UserFrame(skb, PhantomData))
    }
}

impl Drop for Segments<'_> {
    #[inline]
    fn drop(&mut self) {
        for frame in self {
            drop(frame);
        }
    }
}

/// A frame that was in a ring, or in a socket's queue.
///
/// # Context
///
/// Process. May sleep where bytes go to user space.
///
/// # Invariants
///
/// As [`UserFrame`], but `dev` may be a device that is gone: it is not looked at any more.
pub struct QueuedFrame(DetachedSkb);

impl QueuedFrame {
    /// Takes ownership.
    ///
    /// # Safety
    ///
    /// The skb must be one that was a [`UserFrame`], and its reference be given up.
    #[inline]
    pub(crate) unsafe fn from_raw(skb: NonNull<bindings::sk_buff>) -> Self {
        // INVARIANT: Guaranteed by the caller.
        // SAFETY: By the caller's guarantee it was a `UserFrame`, which lets go of all that a `DetachedSkb`
        // must not have, and the reference is given up.
        Self(unsafe { DetachedSkb::from_raw(skb) })
    }

    pub(crate) fn into_raw(self) -> *mut bindings::sk_buff {
        self.0.into_raw()
    }

    /// Returns how many bytes are in the frame, without a VLAN tag that is kept beside it.
    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: The skb is valid.
        unsafe { (*self.0.as_ptr()).len as usize }
    }

    /// Returns false: a frame has its header at least.
    #[inline]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Returns the type and the value of a VLAN tag that is kept beside the frame, as on the wire.
    #[inline]
    pub fn vlan_tag(&self) -> Option<[u8; 4]> {
        // SAFETY: The skb is valid.
        unsafe {
            bindings::skb_vlan_tag_present(self.0.as_ptr())
                .then(|| bindings::skb_vlan_header(self.0.as_ptr()).to_be_bytes())
        }
    }

    /// Returns what is left to be done to the frame (`virtio_net_hdr_from_skb()`). [`EINVAL`] if that cannot
    /// be said.
    #[inline]
    pub fn vnet_hdr(&self, little_endian: bool) -> Result<VnetHdr> {
        const {
            assert!(size_of::<bindings::virtio_net_hdr>() == size_of::<VnetHdr>());
            assert!(align_of::<bindings::virtio_net_hdr>() == align_of::<VnetHdr>());
        }
        let mut hdr = VnetHdr::new_zeroed();
        let to = ptr::addr_of_mut!(hdr).cast();
        // SAFETY: The skb is valid; the header has the size and the alignment of C's.
        to_result(unsafe {
            bindings::virtio_net_hdr_from_skb(self.0.as_ptr(), to, little_endian)
        })?;
        Ok(hdr)
    }

    /// Copies `len` bytes from `offset` on to user space, or as many as it has room for. [`EFAULT`] if
    /// it has not what it says.
    #[inline]
    pub fn copy_to_iter(&self, offset: usize, len: usize, iter: &mut IovIterDest<'_>) -> Result {
        if offset.checked_add(len).is_none_or(|end| end > self.len()) {
            return Err(EINVAL);
        }
        // CAST: Both are within a frame: `MAX_FRAME`, and what devices receive is far shorter.
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        let (offset, len) = (offset as c_int, len as c_int);
        // SAFETY: The skb is valid and that long; the iterator is, too.
        to_result(unsafe {
            bindings::skb_copy_datagram_iter(self.0.as_ptr(), offset, iter.as_raw().cast(), len)
        })
    }

    /// Frees a frame that was read.
    #[inline]
    pub fn consume(self) {
        // SAFETY: The frame is ours.
        unsafe { bindings::consume_skb(self.into_raw()) };
    }
}

/// Writes `len` zeroes to user space (`iov_iter_zero()`). [`EFAULT`] if there is no room.
///
/// # Context
///
/// Process. May sleep.
pub fn zero_iter(iter: &mut IovIterDest<'_>, len: usize) -> Result {
    // SAFETY: The iterator is valid.
    if unsafe { bindings::iov_iter_zero(len, iter.as_raw().cast()) } == len {
        Ok(())
    } else {
        Err(EFAULT)
    }
}

/// Room for a frame from user space.
///
/// # Context
///
/// Process. Sleeps when memory of user space has to be read first.
///
/// # Invariants
///
/// The pointer is to an skb that is nobody else's, of [`ETH_HLEN`] bytes or more, that many of them in
/// the linear part, and of no more than `MAX_FRAME`. It has no device.
pub struct NewFrame(NonNull<bindings::sk_buff>);

impl NewFrame {
    /// Takes ownership.
    ///
    /// # Safety
    ///
    /// The skb must be as the type's invariants say.
    #[inline]
    pub(crate) unsafe fn from_raw(skb: NonNull<bindings::sk_buff>) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(skb)
    }

    /// Fills it. [`EFAULT`] if there are not that many bytes; then it is gone.
    #[inline]
    pub fn fill(self, from: &mut IovIterSource<'_>) -> Result<FilledFrame> {
        // SAFETY: The skb is valid, and all of its `len` bytes may be written: it is new, and nobody else's.
        let err = unsafe {
            let len = (*self.0.as_ptr()).len;
            bindings::skb_copy_datagram_from_iter(
                self.0.as_ptr(),
                0,
                from.as_raw().cast(),
                // CAST: It is not above `MAX_FRAME`.
                len as c_int,
            )
        };
        if err != 0 {
            let skb = ManuallyDrop::new(self).0.as_ptr();
            // SAFETY: It is ours.
            unsafe { free(skb, DropReason::UCOPY_FAULT) };
            return Err(EFAULT);
        }
        // INVARIANT: All bytes are what user space gave.
        Ok(FilledFrame(self))
    }
}

impl Drop for NewFrame {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: The frame is ours.
        unsafe { free(self.0.as_ptr(), DropReason::NOT_SPECIFIED) };
    }
}

/// A frame from user space.
///
/// # Context
///
/// Process, in an RCU section. Does not sleep.
///
/// # Invariants
///
/// As [`NewFrame`], and all bytes are initialised.
pub struct FilledFrame(NewFrame);

impl FilledFrame {
    /// Sends the frame by `dev`, through its queueing discipline, after what `hdr` says was done to it
    /// or noted in it. What becomes of it then nobody knows.
    ///
    /// [`EINVAL`] if the header does not fit the frame, which then is gone.
    #[inline]
    pub fn queue_xmit(
        self,
        dev: &NetDevice,
        hdr: Option<(&VnetHdr, bool)>,
        _rcu: Rcu<'_>,
    ) -> Result {
        let skb = self.0 .0.as_ptr();
        let (hdr, little_endian) = match hdr {
            Some((hdr, little_endian)) => (ptr::from_ref(hdr).cast(), little_endian),
            None => (ptr::null(), false),
        };
        let _ = ManuallyDrop::new(self);
        // Who has held the device for long has not held its namespace, of which checks of the header make use.
        // SAFETY: The device is valid; the skb is ours.
        unsafe {
            if !bindings::netdev_is_registered(dev.as_ptr()) {
                free(skb, DropReason::DEV_READY);
                return Ok(());
            }
        }
        // SAFETY: The skb is ours, with a whole Ethernet header; the device stays until it has
        // transmitted: queued packets of a device are thrown away when it goes. The header is null, or
        // has the size and the alignment of C's.
        if unsafe { bindings::skb_prepare_frame(skb, dev.as_ptr(), hdr, little_endian) } != 0 {
            // SAFETY: It is ours.
            unsafe { free(skb, DropReason::DEV_HDR) };
            return Err(EINVAL);
        }
        // SAFETY: The skb is ours, and given up.
        unsafe { bindings::__dev_queue_xmit(skb, ptr::null_mut()) };
        Ok(())
    }
}

const _: () = assert!(ETH_HLEN == 14);
