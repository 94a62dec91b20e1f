// SPDX-License-Identifier: GPL-2.0

//! NAPI: packets are received in batches, in a softirq, in a thread, or by who waits for them.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    netdevice::NetDevice,
    ring::{
        Entry,
        Ring, //
    },
    rtnl::Rtnl,
    skbuff::{
        orphan,
        DropReason,
        ReceivedSkBuff, //
    },
    txq::TxQueue,
    xdp::rxq::XdpQueue,
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
    ptr, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        barrier::{
            smp_mb,
            Full, //
        },
    },
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// What C calls to poll.
pub(super) type PollFn = unsafe extern "C" fn(*mut bindings::napi_struct, c_int) -> c_int;

/// One NAPI of a device (`struct napi_struct`), and whether who has work for it need not say so.
///
/// Who has work [kicks](Self::kick) after the work can be seen; who polls takes the mask off, then looks
/// once more ([`Poll::complete`]). A barrier is between the two steps of either, so one sees the other.
///
/// # Invariants
///
/// The structure is zeroed; or it was added to a device and is on; or it is off and was taken away.
#[pin_data]
pub(super) struct Napi {
    #[pin]
    napi: Opaque<bindings::napi_struct>,
    masked: Atomic<bool>,
    waits: Atomic<bool>,
}

// SAFETY: Any thread may take it from its device.
unsafe impl Send for Napi {}
// SAFETY: C's structure is made for being scheduled from anywhere, at any time; the mask is atomic.
unsafe impl Sync for Napi {}

impl Napi {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: Zeroed.
            napi <- Opaque::ffi_init(|slot: *mut bindings::napi_struct| {
                // SAFETY: The slot is valid.
                unsafe { ptr::write_bytes(slot, 0, 1) }
            }),
            masked: Atomic::new(false),
            waits: Atomic::new(false),
        })
    }

    /// The one that C means.
    ///
    /// # Safety
    ///
    /// `ptr` must be that of a `Napi` that is not freed during `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *mut bindings::napi_struct) -> &'a Self {
        // SAFETY: By the caller's guarantee; `Opaque` is a transparent wrapper.
        unsafe { &*kernel::container_of!(Opaque::cast_from(ptr), Self, napi) }
    }

    /// Adds it to `dev` and switches it on. What users have set for the queue `index` of the device
    /// applies: the core keeps that, and the number that it is known by. But it gets a thread only if
    /// `threads`. Returns whether the next one may: not if there was none to be had. May sleep.
    ///
    /// # Safety
    ///
    /// It must be zeroed. [`stop`](Self::stop) must be called, and a grace period pass then, before it or
    /// the device is freed. The device must have been allocated with more than `index` receive queues.
    /// `poll` must be callable until then with this one.
    pub(super) unsafe fn start(
        &self,
        dev: &NetDevice,
        index: u16,
        poll: PollFn,
        threads: bool,
        _rtnl: &Rtnl,
    ) -> bool {
        // INVARIANT: Added, and on.
        // SAFETY: By the caller's guarantee. RTNL is held, as a queue's NAPI is set with; `dev->lock`, as NAPIs
        // are added and switched on with, is not: devices of ours are not ops locked.
        unsafe {
            bindings::napi_start(
                dev.as_ptr(),
                self.napi.get(),
                Some(poll),
                index.into(),
                threads,
            )
        }
    }

    /// Waits for who polls, switches it off and takes it from its device. May sleep.
    ///
    /// # Safety
    ///
    /// As [`start`](Self::start) was called, with `dev` and `index`, for once. RTNL must be held, unless
    /// the device is unregistered.
    pub(super) unsafe fn stop(&self, dev: &NetDevice, index: u16) {
        // INVARIANT: Off, and taken away.
        // SAFETY: By the caller's guarantee. `dev->lock`, which who polls does not take, is not held, as above.
        unsafe { bindings::napi_stop(dev.as_ptr(), self.napi.get(), index.into()) };
    }

    /// Does as [`Poll::gro_receive`].
    ///
    /// # Safety
    ///
    /// The caller must own the NAPI, which must be one of the device that has received the packet: GRO may keep it,
    /// and who unregisters that device waits for its own NAPIs only.
    #[inline]
    pub(super) unsafe fn gro_receive(&self, skb: UniqueSkb<'_>) {
        // SAFETY: The NAPI is the caller's, and the skb ours, set up as received, and given up.
        unsafe { bindings::napi_gro_receive(self.napi.get(), skb.0.into_raw().as_ptr()) };
    }

    /// Whether a timer decides when packets go on, one that is set or one that still runs. Then they are on nobody's
    /// account: whose device it is could keep the socket of who has sent them from sending to anybody.
    #[inline]
    pub(super) fn may_wait(&self) -> bool {
        // SAFETY: The structure was added, or is zeroed; what is read of it the core reads as we do.
        unsafe { bindings::napi_may_wait(self.napi.get()) || self.waits.load(Relaxed) }
    }

    /// There is work, which was written before. Any context but hard interrupts.
    #[inline]
    pub(super) fn kick(&self) {
        smp_mb(Full);
        if !self.masked.load(Relaxed) {
            self.schedule();
        }
    }

    /// Has it polled, unless it is, or is off.
    #[inline]
    pub(super) fn schedule(&self) {
        // SAFETY: The structure was added: who gets at it to kick it has it from a live queue.
        if unsafe { bindings::napi_schedule_prep(self.napi.get()) } {
            self.masked.store(true, Relaxed);
            // SAFETY: Prepared just now.
            unsafe { bindings::__napi_schedule(self.napi.get()) };
        }
    }
}

/// A packet that may be merged with others: nobody else has it or its data.
///
/// # Context
///
/// Softirqs disabled, in an RCU section. Does not sleep.
///
/// # Invariants
///
/// The skb is neither shared nor a clone, and accounted to no socket but by `sock_wfree()`.
pub struct UniqueSkb<'a>(ReceivedSkBuff<'a>);

impl<'a> UniqueSkb<'a> {
    /// Takes a packet for what it is.
    ///
    /// # Safety
    ///
    /// It must be as the type's invariants say.
    #[inline]
    pub(super) unsafe fn from_skb(skb: ReceivedSkBuff<'a>) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(skb)
    }

    /// Makes it so; the packet comes back if somebody has it, or there is no memory. Either way it has let
    /// go of its sender's socket, unless that only waits for its bytes (`skb_prepare_for_gro()`).
    #[inline]
    pub fn new(skb: ReceivedSkBuff<'a>) -> Result<Self, ReceivedSkBuff<'a>> {
        // SAFETY: The skb is ours.
        if unsafe { bindings::skb_make_unique(skb.as_ptr()) } {
            // INVARIANT: As the function has made sure.
            Ok(Self(skb))
        } else {
            Err(skb)
        }
    }
}

/// A queue is being polled: takes entries from its ring, up to a budget.
///
/// # Context
///
/// Where a queue is polled: a softirq, the NAPI's thread, or who polls instead of waiting; softirqs are
/// disabled. Does not sleep.
///
/// # Invariants
///
/// The NAPI is owned by who has this (`NAPI_STATE_SCHED`), and the ring and `xdp` belong to it. Softirqs are disabled,
/// which is an RCU section, for `'p`; the device is up, and not freed.
pub struct Poll<'p> {
    ring: &'p Ring,
    napi: &'p Napi,
    xdp: &'p XdpQueue,
    dev: &'p NetDevice,
    budget: u32,
    left: u32,
    charged: u32,
    may_wait: bool,
    no_direct: bool,
    redirected: bool,
    _here: NotThreadSafe,
}

/// A queue was polled: what [`Poll::complete`] gives of this poll, and C wants.
///
/// # Invariants
///
/// The number is what C wants of the poll with the lifetime `'p`, which is over.
#[must_use]
pub struct Polled<'p>(c_int, PhantomData<fn(&'p ()) -> &'p ()>, NotThreadSafe);

impl Polled<'_> {
    // CAST: A budget was an `int`.
    #[allow(clippy::cast_possible_wrap)]
    #[inline]
    fn new(number: u32) -> Self {
        Self(number as c_int, PhantomData, NotThreadSafe)
    }

    #[inline]
    pub(super) fn number(self) -> c_int {
        self.0
    }
}

impl<'p> Poll<'p> {
    /// # Safety
    ///
    /// It must be as the type's invariants say.
    #[inline]
    pub(super) unsafe fn new(
        ring: &'p Ring,
        napi: &'p Napi,
        xdp: &'p XdpQueue,
        dev: &'p NetDevice,
        budget: c_int,
    ) -> Self {
        let budget = u32::try_from(budget).unwrap_or(0);
        // INVARIANT: Guaranteed by the caller.
        Self {
            ring,
            napi,
            xdp,
            dev,
            budget,
            left: budget,
            charged: 0,
            may_wait: napi.may_wait(),
            no_direct: false,
            redirected: false,
            _here: NotThreadSafe,
        }
    }

    /// Returns the proof that polling is an RCU read-side section.
    #[inline]
    pub fn rcu(&self) -> Rcu<'p> {
        // SAFETY: By the type's invariants.
        unsafe { Rcu::assume() }
    }

    /// Returns the proof that softirqs are disabled while polling.
    #[inline]
    pub fn bh(&self) -> Bh<'p> {
        // SAFETY: By the type's invariants.
        unsafe { Bh::assume() }
    }

    /// Whose queue it is.
    #[inline]
    pub(super) fn dev(&self) -> &'p NetDevice {
        self.dev
    }

    /// What XDP has with the queue, of which nobody else makes use meanwhile.
    #[inline]
    pub(super) fn xdp_queue(&self) -> &'p XdpQueue {
        self.xdp
    }

    /// Returns how many entries were taken.
    #[inline]
    pub fn done(&self) -> u32 {
        self.budget.wrapping_sub(self.left)
    }

    /// Returns the next entry; `None` if there is none, or the budget is used up.
    #[inline]
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Entry<'p>> {
        if self.left == 0 {
            return None;
        }
        // SAFETY: By the type's invariants nobody else polls, and the device is not freed during `'p`.
        let (entry, charged) = unsafe { self.ring.consume(self.dev) }?;
        self.left = self.left.wrapping_sub(1);
        self.charged += u32::from(charged);
        Some(entry)
    }

    /// Returns how many of the entries that were taken are still counted as under way.
    #[inline]
    pub fn charged(&self) -> u32 {
        self.charged
    }

    /// Says that these have arrived to `txq`, where they come from. Returns whether it was stopped for them,
    /// and goes on.
    #[inline]
    pub fn complete_charged(&mut self, txq: &TxQueue<'_>) -> bool {
        txq.complete(core::mem::take(&mut self.charged))
    }

    /// Gives a packet to the stack, perhaps merged with others (`napi_gro_receive()`); one that another device has
    /// received as it is.
    #[inline]
    pub fn gro_receive(&mut self, skb: UniqueSkb<'p>) {
        // SAFETY: The packet is valid.
        let dev = unsafe { bindings::skb_dev(skb.0.as_ptr()) };
        if !ptr::eq(dev, self.dev.as_ptr()) {
            return self.netif_receive(skb.0);
        }
        if self.may_wait {
            // SAFETY: The packet is nobody else's.
            unsafe { orphan(skb.0.as_ptr()) };
        }
        // SAFETY: We own the NAPI, and the packet is its device's.
        unsafe { self.napi.gro_receive(skb) };
    }

    /// The NAPI, which is ours as long as this is not completed.
    #[inline]
    pub(super) fn napi(&self) -> &'p Napi {
        self.napi
    }

    /// Gives a packet to the stack as it is (`netif_receive_skb()`).
    #[inline]
    pub fn netif_receive(&mut self, skb: ReceivedSkBuff<'p>) {
        // SAFETY: We own the skb, which is set up as received, and give it up; softirqs are disabled.
        unsafe { bindings::netif_receive_skb(skb.into_raw().as_ptr()) };
    }

    /// Ends the polling. If the budget was not used up, who puts entries in will say so again; and those
    /// that came in between are looked for.
    #[inline]
    pub fn complete(self) -> Polled<'p> {
        self.end_xdp();
        let napi = self.napi;
        // CAST: Not more than the budget, which was one.
        let done = self.done() as c_int;
        if self.left == 0 {
            return Polled::new(self.done());
        }
        // SAFETY: We own the NAPI until then.
        if unsafe { bindings::napi_complete_done(napi.napi.get(), done) } {
            napi.masked.store(false, Relaxed);
            if self.may_wait {
                napi.waits.store(false, Relaxed);
            }
            smp_mb(Full);
            // The ring is still there: who takes it away waits for this section after it has switched
            // the NAPI off.
            if !self.ring.is_empty() {
                napi.schedule();
            }
        } else if napi.may_wait() {
            napi.waits.store(true, Relaxed);
        }
        Polled::new(self.done())
    }

    /// Ends the polling, to go on when other softirqs had their turn, whatever is left of the budget.
    #[inline]
    pub fn again(self) -> Polled<'p> {
        self.end_xdp();
        // Who has used it up is polled again.
        Polled::new(self.budget)
    }

    /// What pools of others get back on this CPU until the end they do not get directly. Only who runs programs
    /// could give them something so.
    #[inline]
    pub(super) fn begin_xdp(&mut self) {
        self.no_direct = true;
        // SAFETY: Polling is done in a context that BPF may use (`bpf_net_ctx_set()` in `net_rx_action()`,
        // `napi_threaded_poll_loop()` and `busy_poll_stop()`).
        unsafe { bindings::xdp_set_return_frame_no_direct() };
    }

    /// Something is being redirected.
    #[inline]
    pub(super) fn redirected(&mut self) {
        self.redirected = true;
    }

    /// Before the NAPI is completed (`xdp_do_flush()`): the lists are those of who polls.
    #[inline]
    fn end_xdp(&self) {
        // SAFETY: This is the context that BPF may use in which `begin_xdp` was called: a poll is not sent.
        unsafe {
            if self.redirected {
                bindings::xdp_do_flush();
            }
            if self.no_direct {
                bindings::xdp_clear_return_frame_no_direct();
            }
        }
    }

    /// Drops what is there; for a device that is down.
    #[cold]
    pub(super) fn discard(mut self) -> (u32, Polled<'p>) {
        while let Some(entry) = self.next() {
            if let Entry::Skb(skb) = entry {
                skb.drop_reason(DropReason::DEV_READY);
            }
        }
        (self.done(), self.complete())
    }
}
