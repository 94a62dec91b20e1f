// SPDX-License-Identifier: GPL-2.0

//! From the device that received a packet to one on top of it.

use crate::{
    bindings,
    context::Rcu,
    net::{
        net_device_ops::NetDeviceOps,
        netdevice::Link,
        skbuff::{
            detached::forget_sock_for,
            drop_reason::DropReason,
            received::{
                PacketType,
                ReceivedSkBuff,
                RxSkb, //
            },
            SkBuff, //
        },
    },
};
use core::ptr;

impl<'a> RxSkb<'a> {
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
        // SAFETY: The skb is ours and nobody else's, its device is valid, and so is `dev`.
        unsafe {
            forget_sock_for(dev, skb);
            match kind {
                Some(kind) => bindings::skb_set_received(skb, dev.as_ptr(), kind.number()),
                None => bindings::skb_set_dev_only(skb, dev.as_ptr()),
            }
        }
        // SAFETY: Ours, and its `dev` is `dev`.
        Some(ReceivedSkBuff(unsafe { SkBuff::from_raw(skb) }))
    }

    /// Returns a second packet with the same data, and of the same type, that `dev` has received. `None` if
    /// it is the same device, or there is no memory.
    #[inline]
    pub fn clone_to<'r, T: NetDeviceOps>(
        &self,
        dev: &'r Link<T>,
        _rcu: Rcu<'r>,
    ) -> Option<ReceivedSkBuff<'r>> {
        const { assert!(T::HAS_LOWER_DEV, "a packet goes up only") };
        // SAFETY: The skb is valid.
        if ptr::eq(unsafe { bindings::skb_dev(self.as_ptr()) }, dev.as_ptr()) {
            return None;
        }
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
}
