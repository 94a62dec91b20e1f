// SPDX-License-Identifier: GPL-2.0

//! What a program can ask of a packet beside its bytes (`bpf_xdp_metadata_rx_*()`).

use crate::bindings;
use core::{
    mem::MaybeUninit,
    ptr, //
};
use kernel::prelude::*;

/// What programs get: their context, and behind it the packet that it was made of, if there is one.
///
/// # Invariants
///
/// `skb` is null, or a packet that is ours as long as the program runs.
#[repr(C)]
pub(super) struct XdpCtx {
    pub(super) xdp: bindings::xdp_buff,
    pub(super) skb: *mut bindings::sk_buff,
}

impl XdpCtx {
    /// One of which the buffer is to be written yet.
    ///
    /// # Safety
    ///
    /// `skb` must be as the type's invariants say.
    #[inline]
    pub(super) unsafe fn new(skb: *mut bindings::sk_buff) -> MaybeUninit<Self> {
        let mut this = MaybeUninit::<Self>::uninit();
        // SAFETY: The field is within the context.
        unsafe { (&raw mut (*this.as_mut_ptr()).skb).write(skb) };
        this
    }
}

/// The functions, for devices whose programs get an [`XdpCtx`].
pub(in crate::net) const OPS: &bindings::xdp_metadata_ops = &bindings::xdp_metadata_ops {
    xmo_rx_timestamp: Some(rx_timestamp),
    xmo_rx_hash: Some(rx_hash),
    xmo_rx_vlan_tag: Some(rx_vlan_tag),
};

/// The packet; [`ENODATA`] for frames, which have none.
///
/// # Safety
///
/// To be called with the context of a program that runs for a device with these operations: the core
/// lets only those that are bound to the device call them, and these run nowhere else.
#[inline]
unsafe fn skb<'a>(ctx: *const bindings::xdp_md) -> Result<&'a mut bindings::sk_buff> {
    // SAFETY: By the caller's guarantee an `XdpCtx`, whose packet is ours if there is one.
    unsafe { (*ctx.cast::<XdpCtx>()).skb.as_mut() }.ok_or(ENODATA)
}

/// # Safety
///
/// As for [`skb`]; the other pointers must be valid. Likewise for the functions below.
unsafe extern "C" fn rx_timestamp(ctx: *const bindings::xdp_md, timestamp: *mut u64) -> c_int {
    // SAFETY: By the caller's guarantee.
    match unsafe { skb(ctx) } {
        // SAFETY: The skb is valid, and the pointer by the caller's guarantee.
        Ok(skb) => unsafe {
            timestamp.write(bindings::skb_rx_timestamp(skb));
            0
        },
        Err(error) => error.to_errno(),
    }
}

/// # Safety
///
/// See `rx_timestamp`.
unsafe extern "C" fn rx_hash(
    ctx: *const bindings::xdp_md,
    hash: *mut u32,
    kind: *mut bindings::xdp_rss_hash_type,
) -> c_int {
    // SAFETY: By the caller's guarantee.
    match unsafe { skb(ctx) } {
        // SAFETY: The skb is valid, and the pointers by the caller's guarantee.
        Ok(skb) => unsafe {
            hash.write(bindings::skb_rx_hash(skb, kind));
            0
        },
        Err(error) => error.to_errno(),
    }
}

/// # Safety
///
/// See `rx_timestamp`.
unsafe extern "C" fn rx_vlan_tag(
    ctx: *const bindings::xdp_md,
    proto: *mut bindings::__be16,
    tci: *mut u16,
) -> c_int {
    // SAFETY: By the caller's guarantee.
    match unsafe { skb(ctx) } {
        // SAFETY: The skb is valid, and the pointers by the caller's guarantee.
        Ok(skb) => unsafe { bindings::skb_rx_vlan_tag(ptr::from_ref(skb), proto, tci) },
        Err(error) => error.to_errno(),
    }
}
