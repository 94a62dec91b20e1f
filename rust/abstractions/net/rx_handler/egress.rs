// SPDX-License-Identifier: GPL-2.0

//! What the device of a handler sends, before it does.
//!
//! ```text
//!   its own stack          devices on top
//!        |                       | Handler::mark_sent
//!        v                       v
//!   dev_queue_xmit --------------------> netfilter, egress: our hook, the last one
//!                                          |          |
//!                          Egress::taker --+          +-- has the mark: it goes on
//!                                          |
//!                             taken, or it goes on to the queueing discipline
//! ```
//!
//! Devices on top send through the same function as the stack. What they send is marked before, so that the
//! hook knows it from what the stack sends, whatever it says of its sender. The same mark is on packets that
//! the device [receives](Handler::mark_received) from those on top and that the handler is to leave alone.
//!
//! C: `nf_hook_egress()` in `include/linux/netfilter_netdev.h`

use crate::{
    bindings,
    context::{
        disable_bh,
        Rcu, //
    },
    net::{
        packet_context::XmitContext,
        rtnl::Rtnl,
        rx_handler::{
            hook::Leftover,
            Handler,
            RxHandler, //
        },
        skbuff::{
            DropReason,
            EthFrame,
            ReceivedSkBuff,
            RxSkb, //
        },
    },
};
use core::{
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::atomic::ordering::{
        Acquire,
        Relaxed,
        Release, //
    },
};

/// Whether the kernel has such hooks.
pub const HAS_EGRESS: bool = cfg!(CONFIG_NETFILTER_EGRESS);

/// A handler that looks at what its device sends, too.
///
/// # Context
///
/// In an RCU section with softirqs disabled; must not sleep. On several CPUs at once.
pub trait Egress: RxHandler {
    /// Who takes a frame.
    type Taker<'a>;

    /// Says who takes a frame that the handler's device is about to send; `None`: it is sent. Not asked of
    /// [marked](Handler::mark_sent) frames, nor of such as are encrypted later (IPsec with offload, TLS, PSP).
    fn taker<'a>(
        this: &'a Handler<Self>,
        frame: &EthFrame<'_>,
        cx: &XmitContext<'a>,
    ) -> Option<Self::Taker<'a>>;

    /// Has that one take it. Packet sockets have seen it on the handler's device, which it is still of.
    fn take(taker: Self::Taker<'_>, frame: EthFrame<'_>, cx: &XmitContext<'_>);
}

impl<T: RxHandler> Handler<T> {
    /// Ends all of it for a handler that is being detached from `dev`.
    ///
    /// # Context
    ///
    /// May sleep.
    ///
    /// # Safety
    ///
    /// `dev` must be the device that it is attached to.
    pub(super) unsafe fn end_egress(
        &self,
        dev: *mut bindings::net_device,
        rtnl: &Rtnl,
    ) -> Leftover {
        let hook = &self.hook;
        // SAFETY: By the caller's guarantee.
        unsafe { hook.remove(dev, rtnl) };
        let mark = hook.mark.load(Relaxed);
        // INVARIANT: Who calls this waits, and then gives the reference up.
        hook.mark.store(ptr::null_mut(), Relaxed);
        Leftover(mark)
    }

    /// Has a mark there from now on, until the handler is detached.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if it is not attached; [`ENOMEM`].
    ///
    /// # Context
    ///
    /// With RTNL. May sleep.
    pub fn make_mark(&self, _rtnl: &Rtnl) -> Result {
        if !self.is_attached() {
            return Err(ENODEV);
        }
        let hook = &self.hook;
        if hook.mark.load(Relaxed).is_null() {
            // SAFETY: May sleep here.
            let mark = unsafe { bindings::alloc_mark() };
            if mark.is_null() {
                return Err(ENOMEM);
            }
            // INVARIANT: The reference is ours, until `end_egress`.
            hook.mark.store(mark, Release);
        }
        Ok(())
    }

    /// Marks a frame that a device on top is about to send by the handler's: [`Egress`] is not asked about it.
    /// The route that its sender's namespace had for it is lost. Nothing happens without a mark.
    ///
    /// # Context
    ///
    /// Where a packet is transmitted. Does not sleep.
    #[inline]
    pub fn mark_sent(&self, frame: &mut EthFrame<'_>, _cx: &XmitContext<'_>) {
        let mark = self.hook.mark.load(Acquire);
        if !mark.is_null() {
            // SAFETY: The frame is ours. The mark is valid until a grace period has passed, and so during
            // the RCU section of the transmission; the frame gets a reference of its own, because a queueing
            // discipline may keep it.
            unsafe { bindings::skb_mark(frame.as_ptr(), mark) };
        }
    }

    /// Marks a packet that the handler's device has received from a device on top, so that the handler
    /// [finds](Self::unmark) it. `None` without a mark; then the packet is gone.
    ///
    /// # Context
    ///
    /// In an RCU section. Does not sleep.
    #[inline]
    pub fn mark_received<'a>(
        &self,
        skb: ReceivedSkBuff<'a>,
        _rcu: Rcu<'_>,
    ) -> Option<ReceivedSkBuff<'a>> {
        let mark = self.hook.mark.load(Acquire);
        if mark.is_null() {
            skb.drop_reason(DropReason::NOT_SPECIFIED);
            return None;
        }
        // SAFETY: The packet is ours. The mark is valid during this RCU section; the packet gets a reference
        // of its own.
        unsafe { bindings::skb_mark(skb.as_ptr(), mark) };
        Some(skb)
    }

    /// Says whether a packet has the handler's mark, which is taken off.
    ///
    /// # Context
    ///
    /// Where packets are received. Does not sleep.
    #[inline]
    pub fn unmark(&self, skb: &RxSkb<'_>) -> bool {
        let mark = self.hook.mark.load(Relaxed);
        // SAFETY: The packet is valid; its header is written to only if nobody else holds it.
        !mark.is_null() && unsafe { bindings::skb_unmark(skb.as_ptr(), mark) }
    }

    /// Ends what [`hook_egress`](Self::hook_egress) began, and waits until nobody runs the hook any more.
    ///
    /// # Context
    ///
    /// With RTNL. May sleep.
    pub fn unhook_egress(&self, rtnl: &Rtnl) {
        let dev = self.dev.load(Relaxed);
        // SAFETY: RTNL is held.
        if !dev.is_null() && unsafe { *self.hook.is_there.get() } {
            // SAFETY: It is attached to that device. May sleep.
            unsafe {
                self.hook.remove(dev, rtnl);
                bindings::synchronize_net();
            }
        }
    }
}

impl<T: Egress> Handler<T> {
    /// Has [`Egress::taker`] asked of what the handler's device sends, from now on: until
    /// [`unhook_egress`](Self::unhook_egress), or until the handler is detached. Who saw that frames were
    /// not to be marked is waited for before.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] if the kernel does not [have](HAS_EGRESS) such hooks; [`EINVAL`] without a
    /// [mark](Self::make_mark); [`ENOMEM`]; [`E2BIG`] if there are 1024 others.
    ///
    /// # Context
    ///
    /// With RTNL. May sleep.
    pub fn hook_egress(&self, _rtnl: &Rtnl) -> Result {
        let (hook, dev) = (&self.hook, self.dev.load(Relaxed));
        if dev.is_null() || hook.mark.load(Relaxed).is_null() {
            return Err(EINVAL);
        }
        // SAFETY: RTNL is held.
        if unsafe { *hook.is_there.get() } {
            return Ok(());
        }
        // CAST: A small constant of a C enum.
        #[allow(clippy::cast_possible_truncation)]
        const PF: u8 = bindings::NFPROTO_NETDEV as u8;
        // SAFETY: They are not registered, so nobody else looks at them.
        unsafe {
            let ops = hook.ops.get();
            (*ops).hook = Some(Self::egress_callback);
            (*ops).dev = dev;
            (*ops).priv_ = ptr::from_ref(self).cast_mut().cast();
            (*ops).pf = PF;
            (*ops).hooknum = bindings::nf_dev_hooks_NF_NETDEV_EGRESS;
            (*ops).priority = c_int::MAX;
        }
        // SAFETY: May sleep here. The device is attached to, and so registered; its namespace is there as
        // long as RTNL is held. The operations and the handler, which does not move, stay until a grace
        // period after `remove`, which `detach` calls if nobody else does: before the device, the handler or
        // the module goes.
        to_result(unsafe {
            bindings::synchronize_net();
            bindings::nf_register_net_hooks(bindings::dev_net(dev), hook.ops.get().cast(), 1)
        })?;
        // INVARIANT: Just registered.
        // SAFETY: RTNL is held.
        unsafe { *hook.is_there.get() = true };
        Ok(())
    }

    /// # Safety
    ///
    /// To be called by `nf_hook_egress()`, with a handler that is hooked or was until a moment ago, in an RCU
    /// section; the packet is about to be sent by the handler's device.
    unsafe extern "C" fn egress_callback(
        this: *mut c_void,
        skb: *mut bindings::sk_buff,
        _state: *const bindings::nf_hook_state,
    ) -> c_uint {
        // SAFETY: By the invariants of the hook.
        let this = unsafe { &*this.cast_const().cast::<Self>() };
        let mark = this.hook.mark.load(Relaxed);
        // SAFETY: The packet is valid, and netfilter's to change.
        if !mark.is_null() && unsafe { bindings::skb_unmark(skb, mark) } {
            return bindings::NF_ACCEPT;
        }
        // SAFETY: The packet is valid. It is encrypted behind this hook, if at all, for the wire.
        if unsafe { bindings::skb_is_unfinished(skb) } {
            return bindings::NF_ACCEPT;
        }
        // A packet that the core goes on with has to stay where it is, so nothing is pulled.
        // SAFETY: The packet is valid; it is lent until it is taken, with its device, which its sender holds.
        // It may be somebody else's, too: until then it is read, and copied, only.
        let Some(frame) = (unsafe { EthFrame::lent(skb) }) else {
            return bindings::NF_ACCEPT;
        };
        // `__dev_queue_xmit()` has disabled softirqs, but packet sockets that leave the queueing discipline out
        // have not yet (`net/packet/af_packet.c:nf_hook_direct_egress`).
        // SAFETY: Always callable.
        let _guard = (!unsafe { bindings::softirqs_disabled() }).then(disable_bh);
        // SAFETY: By the caller's guarantee; softirqs stay disabled until the guard, if there is one, is
        // dropped, which is after this.
        let cx = unsafe { XmitContext::assume(skb) };
        let Some(taker) = T::taker(this, &frame, &cx) else {
            return bindings::NF_ACCEPT;
        };
        // SAFETY: The reference is ours to give up from here on (`NF_STOLEN`); we get one to a packet that is
        // nobody else's, whose header is where it was.
        let skb = unsafe { bindings::skb_share_check(skb) };
        if !skb.is_null() {
            // SAFETY: As just said.
            let frame = unsafe { EthFrame::lent(skb) };
            if let Some(mut frame) = frame.map(ManuallyDrop::into_inner) {
                // SAFETY: The packet is valid, about to be sent by its device, in an RCU section.
                unsafe { bindings::skb_show_sent(frame.as_ptr()) };
                frame.tx_timestamp();
                T::take(taker, frame, &cx);
            }
        }
        bindings::NF_STOLEN
    }
}
