// SPDX-License-Identifier: GPL-2.0

//! Transmit with interrupts disabled, for netconsole and the like, through the device below.
//!
//! Netpoll calls `ndo_start_xmit` with interrupts disabled, where the proofs of a transmit callback do
//! not hold and the device below cannot be given packets as usual. A device with a
//! [`lower_dev`](super::net_device_ops::NetDeviceOps::lower_dev) hands such packets to netpoll on that one, before
//! its driver sees them. Other devices refuse netpoll.
//!
//! C header: [`include/linux/netpoll.h`](srctree/include/linux/netpoll.h)

use super::netdevice::NetDevice;
use crate::bindings;
use core::ptr;
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    error::to_result,
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full,
            Release, //
        },
        Atomic, //
    },
};

/// Netpoll on the device below, if somebody uses it on this one.
///
/// # Invariants
///
/// Null, or what `__netpoll_setup()` has set up; written under RTNL, freed after a grace period from
/// when it was taken away.
pub(crate) struct LowerNetpoll(Atomic<*mut bindings::netpoll>);

impl LowerNetpoll {
    /// Begins to use netpoll on `lower`.
    ///
    /// # Errors
    ///
    /// `ENOTSUPP` if that one does not let anybody, [`ENOMEM`].
    ///
    /// # Safety
    ///
    /// RTNL must be held, and the slot be empty.
    pub(crate) unsafe fn set_up(&self, lower: &NetDevice) -> Result {
        // SAFETY: All members may be zero.
        let np: bindings::netpoll = unsafe { core::mem::zeroed() };
        let np = KBox::new(np, GFP_KERNEL_ACCOUNT)?;
        let np = KBox::into_raw(np);
        // SAFETY: The structure is ours, the device valid, and RTNL held.
        let result = to_result(unsafe { bindings::__netpoll_setup(np, lower.as_ptr()) });
        match result {
            // INVARIANT: It is set up.
            Ok(()) => self.0.store(np, Release),
            // SAFETY: Still ours.
            Err(_) => drop(unsafe { KBox::from_raw(np) }),
        }
        result
    }

    /// Ends that.
    ///
    /// # Safety
    ///
    /// RTNL must be held.
    pub(crate) unsafe fn clean_up(&self) {
        let np = self.0.xchg(ptr::null_mut(), Full);
        if !np.is_null() {
            // SAFETY: By the type's invariant; RTNL is held. Waits for a grace period, then frees the
            // structure with `kfree()`, which is how a `KBox` is freed.
            unsafe { bindings::__netpoll_free(np) };
        }
    }

    /// Hands a packet to netpoll on the device below.
    ///
    /// # Safety
    ///
    /// Interrupts must be disabled; the caller must own the packet and give it up.
    #[cold]
    pub(crate) unsafe fn send(&self, skb: *mut bindings::sk_buff) -> bindings::netdev_tx_t {
        let np = self.0.load(Acquire);
        if np.is_null() {
            // SAFETY: By the caller's guarantee; any context will do.
            unsafe { bindings::dev_kfree_skb_any(skb) };
            return bindings::netdev_tx_NETDEV_TX_OK;
        }
        // SAFETY: By the type's invariant: with interrupts disabled this is an RCU section.
        unsafe { bindings::netpoll_send_skb(np, skb) }
    }
}
