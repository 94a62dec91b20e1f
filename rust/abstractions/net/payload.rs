// SPDX-License-Identifier: GPL-2.0

//! What is behind the Ethernet header of a packet.

use crate::{
    bindings,
    net::headers::Header, //
};
use core::{
    marker::PhantomData,
    ptr, //
};

/// A look at what a packet carries, without changing it.
///
/// # Context
///
/// Any; does not sleep.
///
/// # Invariants
///
/// `skb` is valid during `'a`, and has at least `offset` bytes from its `data` on.
///
/// # Examples
///
/// ```
/// use abstractions::testing::with_packet;
///
/// // Four bytes, the first one of them linear.
/// let seen = with_packet(b"abcd", 1, 0x0800, false, |payload| {
///     (payload.len(), payload.with_header(1, (), |(), _, bytes: &[u8; 2]| Some(*bytes)))
/// })?;
/// assert_eq!(seen, (4, Some(*b"bc")));
/// ```
#[derive(Clone, Copy)]
pub struct Payload<'a> {
    skb: *const bindings::sk_buff,
    offset: u32,
    _skb: PhantomData<&'a ()>,
}

impl<'a> Payload<'a> {
    /// # Safety
    ///
    /// As the type's invariants say.
    #[inline]
    pub(crate) unsafe fn from_raw(skb: *const bindings::sk_buff, offset: u32) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self {
            skb,
            offset,
            _skb: PhantomData,
        }
    }

    #[inline]
    pub(super) fn skb(&self) -> *const bindings::sk_buff {
        self.skb
    }

    #[inline]
    pub(super) fn offset(&self) -> u32 {
        self.offset
    }

    /// Returns the protocol that the sender or the receiving device has found (`skb->protocol`, `ETH_P_*`).
    #[inline]
    pub fn protocol(&self) -> u16 {
        // SAFETY: By the type's invariants the skb is valid.
        unsafe { bindings::skb_protocol(self.skb) }
    }

    /// Returns whether the receiving device has taken off a VLAN tag that says a number, not just a priority
    /// (`skb_vlan_tag_get_id()`).
    #[inline]
    pub fn is_in_vlan(&self) -> bool {
        // SAFETY: By the type's invariants the skb is valid.
        unsafe { bindings::skb_is_in_vlan(self.skb) }
    }

    /// Returns how many bytes are in the payload.
    #[inline]
    pub fn len(&self) -> u32 {
        // SAFETY: By the type's invariants the skb is valid.
        unsafe { (*self.skb).len }.wrapping_sub(self.offset)
    }

    /// Returns whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether it is a TCP segment that is still to be cut, whose headers may not say how long it is
    /// (`skb_is_gso_tcp()`).
    #[inline]
    pub fn is_gso_tcp(&self) -> bool {
        // SAFETY: By the type's invariants the skb is valid.
        unsafe { bindings::skb_is_gso_tcp(self.skb) }
    }

    /// Calls `f` with `args`, with this and with the header `at` bytes behind the beginning, or a copy of it if
    /// it is not in the linear part. `None` if the packet is shorter (`skb_header_pointer()`).
    ///
    /// What `f` captured would be stored for the copy's sake even if there is none; hence `args`.
    #[inline(always)]
    pub fn with_header<T: Header, A, R>(
        self,
        at: u16,
        args: A,
        f: impl Fn(A, Self, &T) -> Option<R>,
    ) -> Option<R> {
        const { assert!(size_of::<T>() <= u16::MAX as usize) };
        let offset = self.offset.wrapping_add(at.into());
        // CAST: The size fits into 16 bits, as was just asserted.
        #[allow(clippy::cast_possible_truncation)]
        let end = offset.wrapping_add(size_of::<T>() as u32);
        // SAFETY: By the type's invariants the skb is valid.
        if !unsafe { bindings::skb_has_linear(self.skb, end) } {
            return self.with_copy(offset, args, f);
        }
        // SAFETY: There are that many bytes in the linear part, from `data` on, which do not change
        // while they are lent, and a `Header` is any bytes, wherever they lie; sums are small, as a packet is
        // far shorter than 2^31 bytes.
        let header = unsafe { &*(*self.skb).data.add(offset as usize).cast() };
        f(args, self, header)
    }

    #[cold]
    #[inline(never)]
    fn with_copy<T: Header, A, R>(
        self,
        offset: u32,
        args: A,
        f: impl Fn(A, Self, &T) -> Option<R>,
    ) -> Option<R> {
        let mut header = T::new_zeroed();
        // CAST: The size fits into 16 bits, and the offset is within a packet's length or little above it.
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        let (offset, len) = (offset as i32, size_of::<T>() as i32);
        let to = ptr::from_mut(&mut header).cast();
        // SAFETY: By the type's invariants the skb is valid; the buffer is as long as it says, and may have any
        // bytes. The function looks at the packet's length itself.
        let err = unsafe { bindings::skb_copy_bits(self.skb, offset, to, len) };
        if err != 0 {
            return None;
        }
        f(args, self, &header)
    }
}
