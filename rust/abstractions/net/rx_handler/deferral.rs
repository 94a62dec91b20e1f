// SPDX-License-Identifier: GPL-2.0

//! What a handler puts off: packets, and what it does again and again.

use crate::{
    bindings,
    context::{
        Bh,
        Rcu, //
    },
    net::{
        packet_context::{
            Deferred,
            RxContext,
            XmitContext, //
        },
        rtnl::Rtnl,
        rx_handler::{
            Handler,
            RxHandler, //
        },
        skbuff::{
            free,
            DetachedSkb,
            DropReason,
            Dropped,
            EthFrame,
            RxSkb, //
        },
    },
};
use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    container_of,
    prelude::*,
    sync::{
        atomic::ordering::Relaxed,
        rcu, //
    },
    types::Opaque, //
};

impl<T: RxHandler> Handler<T> {
    /// Puts off a packet: a clone of it, which has let go of what its sender waits for, will be given to
    /// [`RxHandler::deferred`], in process context, with `note`. Refused if `limit` packets are waiting,
    /// if there is no memory, or if the packet is not one that the handler's device received.
    #[inline]
    pub fn defer(
        &self,
        skb: &RxSkb<'_>,
        note: [u64; 2],
        limit: u32,
        cx: &RxContext<'_>,
    ) -> Result<(), Dropped> {
        // SAFETY: The skb is valid.
        let dev = unsafe { bindings::skb_dev(skb.as_ptr()) };
        if self.waiting() >= limit || dev != self.dev.load(Relaxed) {
            return Err(Dropped);
        }
        let clone = skb.try_clone().ok_or(Dropped)?;
        self.put_off(clone, note, limit, cx.bh())
    }

    /// Puts off a frame that a device on top of the handler's sends: a copy of it becomes one that the
    /// handler's device has received, from another namespace. `Ok` also if that one does not receive, which
    /// it counts.
    pub fn defer_frame(
        &self,
        frame: &EthFrame<'_>,
        note: [u64; 2],
        limit: u32,
        cx: &XmitContext<'_>,
    ) -> Result<(), Dropped> {
        let dev = self.dev(cx.rcu()).ok_or(Dropped)?;
        if self.waiting() >= limit {
            return Err(Dropped);
        }
        let mut copy = frame.try_clone().ok_or(Dropped)?;
        copy.scrub();
        match copy.forward_to(dev, cx.rcu()) {
            Ok(skb) => self.put_off(skb.into_rx(), note, limit, cx.bh()),
            Err(Dropped) => Ok(()),
        }
    }

    #[inline]
    fn waiting(&self) -> u32 {
        // SAFETY: The queue is initialised.
        unsafe { bindings::skb_queue_len_lockless(self.queue.get()) }
    }

    /// Puts a packet into the queue that nobody else holds, and that the handler's device has received.
    fn put_off(
        &self,
        skb: RxSkb<'_>,
        [first, second]: [u64; 2],
        limit: u32,
        _bh: Bh<'_>,
    ) -> Result<(), Dropped> {
        let skb = NonNull::new(skb.into_raw()).ok_or(Dropped)?;
        // SAFETY: The packet is ours, by the caller's word, and given up.
        let skb = unsafe { DetachedSkb::new(skb) }.ok_or(Dropped)?;
        // SAFETY: The packet is ours, and nobody else's: what is beside it is ours to write to.
        unsafe { bindings::skb_put_note(skb.as_ptr(), first, second) };
        // SAFETY: The queue is initialised, and the packet ours to give up; softirqs are disabled. Its
        // device is held until the handler is detached, which empties the queue.
        if unsafe { bindings::skb_queue_tail_limit(self.queue.get(), skb.as_ptr(), limit) } {
            let _ = skb.into_raw();
            // SAFETY: The work is initialised, and cancelled before it goes.
            unsafe { bindings::queue_unbound_work(self.work.get()) };
            return Ok(());
        }
        // SAFETY: The queue has not taken it, so it is still ours.
        unsafe { free(skb.into_raw(), DropReason::BROADCAST_BACKLOG) };
        Err(Dropped)
    }

    /// Has [`tick`](RxHandler::tick) called in that many milliseconds, unless it is to be anyhow. Nothing
    /// happens if the handler is not attached.
    pub fn start_ticking(&self, msecs: u32, _rtnl: &Rtnl) {
        if self.is_attached() {
            // SAFETY: The work is initialised, and cancelled by `detach` before the handler goes.
            unsafe { bindings::queue_unbound_work_in(self.ticks.get(), msecs) };
        }
    }

    /// # Safety
    ///
    /// To be called by the workqueue, with the work of a handler of this type.
    pub(super) unsafe extern "C" fn tick_callback(work: *mut bindings::work_struct) {
        // SAFETY: By the caller's guarantee; the handler goes after the work was cancelled.
        let this = unsafe {
            let ticks = container_of!(work, bindings::delayed_work, work);
            &*container_of!(ticks.cast::<Opaque<bindings::delayed_work>>(), Self, ticks)
        };
        let guard = rcu::read_lock();
        // SAFETY: This is the worker, and the section has just begun.
        let again = T::tick(this, unsafe { &Deferred::assume(Rcu::new(&guard)) });
        if let Some(msecs) = again {
            // SAFETY: The work is initialised. Who cancels it sees to it that it does not come again.
            unsafe { bindings::queue_unbound_work_in(this.ticks.get(), msecs) };
        }
    }

    /// Waits until the work is done and nothing is left in the queue. May sleep.
    pub(super) fn cancel(&self) {
        // SAFETY: The work is initialised. It takes no lock that is held here, see `tick`.
        unsafe { bindings::cancel_delayed_work_sync(self.ticks.get()) };
        // SAFETY: The work is initialised. It takes no lock that is held here: see `work_callback`.
        unsafe { bindings::cancel_work_sync(self.work.get()) };
        loop {
            // SAFETY: The queue is initialised, and locked by the function.
            let skb = unsafe { bindings::skb_dequeue(self.queue.get()) };
            if skb.is_null() {
                return;
            }
            // SAFETY: It was queued with its reference.
            unsafe { free(skb, DropReason::NOT_SPECIFIED) };
        }
    }

    /// # Safety
    ///
    /// To be called by the workqueue, with the work of a handler of this type.
    pub(super) unsafe extern "C" fn work_callback(work: *mut bindings::work_struct) {
        let work = work.cast::<Opaque<bindings::work_struct>>();
        // SAFETY: The work is the field of a handler, which waits for it before it goes.
        let this = unsafe { &*container_of!(work, Self, work) };
        let mut list = MaybeUninit::uninit();
        let list: *mut bindings::sk_buff_head = list.as_mut_ptr();
        // SAFETY: The queue is initialised; the list is ours and set up by this.
        unsafe { bindings::skb_queue_take(this.queue.get(), list) };
        loop {
            // SAFETY: The list is ours.
            let skb = unsafe { bindings::__skb_dequeue(list) };
            if skb.is_null() {
                return;
            }
            let (mut first, mut second) = (0, 0);
            // SAFETY: The packet is ours, and nobody else's; `put_off` has left a note.
            unsafe { bindings::skb_take_note(skb, &mut first, &mut second) };
            let section = rcu::read_lock();
            // SAFETY: It was queued as an `RxSkb` that nobody else holds; its device is held as long as
            // the handler is attached to it.
            let skb = unsafe { RxSkb::from_raw(skb) };
            // SAFETY: This is the worker, and the section has just begun.
            let cx = unsafe { Deferred::assume(Rcu::new(&section)) };
            T::deferred(this, &skb, [first, second], &cx);
            skb.consume();
            drop(section);
            // SAFETY: May sleep here.
            unsafe { bindings::cond_resched() };
        }
    }
}
