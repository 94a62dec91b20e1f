// SPDX-License-Identifier: GPL-2.0

//! Receive queues of a device that are polled: each a ring and a NAPI.
//!
//! A queue exists or it does not; there is no other state. It is built whole before anybody can find it, and
//! found by one pointer for all queues of a device.

use super::{
    dev_ref::DevRef,
    napi::{
        Napi,
        Poll,
        PollFn,
        Polled, //
    },
    net_device_ops::NetDeviceOps,
    netdevice::Link,
    page_pool::PagePoolStats,
    rcu_box::RcuBox,
    registered::Registered,
    ring::{
        Producer,
        Ring, //
    },
    rtnl::Rtnl,
    txq::TxQueue,
    xdp::rxq::XdpQueue,
};
use crate::{
    bindings,
    context::{
        Bh,
        Gfp,
        Rcu, //
    },
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    container_of,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        rcu,
        Arc, //
    },
    warn_on, //
};

/// What a driver does with the receive queues of its devices.
///
/// # Context
///
/// Must not sleep. [`poll`](Self::poll) with softirqs disabled, in a softirq or a thread;
/// [`dropped`](Self::dropped) in an RCU section.
pub trait RxQueueOps: NetDeviceOps {
    /// How many entries are in the ring at most.
    const RING_SIZE: u16;

    /// Returns where a device has its queues, which is always the same place.
    fn rx_queues(&self) -> &RxQueues<Self>;

    /// Takes entries out of a ring (`napi_struct.poll`). Nobody else polls this queue meanwhile.
    fn poll<'p>(queue: &LiveQueue<Self>, dev: &Link<Self>, poll: Poll<'p>) -> Polled<'p>;

    /// Hears that so many packets of queue `index` were dropped because the device is down, or the queue is gone;
    /// nothing is said of a queue that nobody could find. Returns the transmit queue that they came from: it
    /// goes on if this is gone, as nobody puts anything in any more.
    fn dropped<'a>(
        index: u16,
        dev: &'a Link<Self>,
        packets: u32,
        rcu: Rcu<'a>,
    ) -> Option<TxQueue<'a>>;
}

impl<T: RxQueueOps> Link<T> {
    /// Returns the transmit queue with that number, active or not; `None` if the device was not allocated
    /// with so many. What is under way in those of other drivers they count themselves.
    #[inline]
    pub fn tx_queue(&self, index: u16) -> Option<TxQueue<'_>> {
        TxQueue::of(self, index)
    }
}

/// A queue that exists: who finds it can put entries into its ring, and they will be polled.
///
/// # Context
///
/// Any but hard interrupts; does not sleep.
///
/// # Invariants
///
/// `dev` is a `Link<T>`. If `started`, the NAPI was added to it for `index`, and is on; it is stopped, and
/// readers waited for, before this is dropped. Unless `found`, it never was, and nothing is in the ring.
#[pin_data(PinnedDrop)]
pub struct LiveQueue<T: RxQueueOps> {
    #[pin]
    napi: Napi,
    #[pin]
    ring: Ring,
    xdp: XdpQueue,
    dev: DevRef,
    index: u16,
    started: Atomic<bool>,
    found: Atomic<bool>,
    _type: PhantomData<fn() -> T>,
}

impl<T: RxQueueOps> LiveQueue<T> {
    fn new(dev: &Registered<Link<T>>, index: u16, rtnl: &Rtnl) -> Result<Arc<Self>> {
        let xdp = XdpQueue::new(dev, index, T::RING_SIZE, rtnl)?;
        let dev = DevRef::new(dev, rtnl)?;
        // INVARIANT: A `Link<T>`; not started.
        Arc::pin_init(
            try_pin_init!(Self {
                napi <- Napi::new(),
                ring <- Ring::new(T::RING_SIZE),
                xdp,
                dev,
                index,
                started: Atomic::new(false),
                found: Atomic::new(false),
                _type: PhantomData,
            }),
            Gfp::Kernel.flags(),
        )
    }

    /// Returns its number, which never changes.
    #[inline]
    pub fn index(&self) -> u16 {
        self.index
    }

    /// Adds what its page pool has counted.
    pub fn add_pool_stats(&self, sum: &mut PagePoolStats) {
        sum.add(&self.xdp.pool);
    }

    /// Whose it is.
    #[inline]
    fn dev(&self) -> &Link<T> {
        // SAFETY: By the type's invariants, held by the reference.
        unsafe { Link::from_raw(self.dev.as_ptr()) }
    }

    /// Locks its ring for who puts entries in.
    #[inline]
    pub fn produce<'a>(&'a self, bh: Bh<'a>) -> Producer<'a> {
        Producer::lock(&self.ring, &self.napi, bh)
    }

    /// Has it polled, whether there is something or not (`napi_schedule()`).
    pub fn poll_anyway(&self) {
        self.napi.schedule();
    }

    /// With a thread only if `threads`; whether the next one may have one.
    fn start(&self, threads: bool, rtnl: &Rtnl) -> bool {
        if self.started.load(Relaxed) {
            return threads;
        }
        let poll: PollFn = Self::poll_callback;
        // INVARIANT: From here on.
        self.started.store(true, Relaxed);
        self.found.store(true, Relaxed);
        // SAFETY: It was not started, so that the NAPI is zeroed. `drop` at the latest stops it, and waits;
        // the device is held until then, and `resize` has compared the number. The callback gets a NAPI
        // that is in a queue of this type.
        unsafe { self.napi.start(&self.dev, self.index, poll, threads, rtnl) }
    }

    /// Must be called under RTNL, or when the device is unregistered.
    fn stop(&self) {
        if self.started.load(Relaxed) {
            // INVARIANT: From here on not started; who calls this waits for readers.
            self.started.store(false, Relaxed);
            // SAFETY: It was started, and is stopped for once, since only holders of RTNL do that and the
            // last owner.
            unsafe { self.napi.stop(&self.dev, self.index) };
        }
    }

    /// # Safety
    ///
    /// To be called by the core, with the NAPI of a queue of this type that was started, which it owns;
    /// softirqs are disabled.
    unsafe extern "C" fn poll_callback(napi: *mut bindings::napi_struct, budget: c_int) -> c_int {
        // Who polls with interrupts disabled only looks for what was sent (`poll_one_napi()`).
        if budget <= 0 {
            return 0;
        }
        // SAFETY: By the caller's guarantee. Who frees the queue stops the NAPI before, which waits for who
        // owns it, and then waits for RCU sections, as this is one.
        let queue = unsafe { &*container_of!(ptr::from_ref(Napi::from_raw(napi)), Self, napi) };
        let dev = queue.dev();
        // SAFETY: The NAPI and the ring are of one queue, and the caller owns the NAPI. The device is held.
        let poll = unsafe { Poll::new(&queue.ring, &queue.napi, &queue.xdp, dev, budget) };
        // A device that was taken down is unregistered after a grace period at the earliest: what the
        // stack gets in this section is not too late.
        if !dev.is_running() {
            let rcu = poll.rcu();
            let (dropped, polled) = poll.discard();
            let _ = T::dropped(queue.index, dev, dropped, rcu);
            return polled.number();
        }
        T::poll(queue, dev, poll).number()
    }
}

#[pinned_drop]
impl<T: RxQueueOps> PinnedDrop for LiveQueue<T> {
    fn drop(self: Pin<&mut Self>) {
        if self.started.load(Relaxed) {
            self.stop();
            // SAFETY: Who drops queues that were started may sleep: they are owned by tables, which are replaced
            // under RTNL.
            unsafe { bindings::synchronize_net() };
        }
        if !self.found.load(Relaxed) {
            return;
        }
        let mut left = 0;
        let guard = rcu::read_lock();
        // SAFETY: Nobody polls any more.
        while let Some(entry) = unsafe { self.ring.consume(&self.dev) } {
            drop(entry);
            left += 1;
        }
        let rcu = Rcu::new(&guard);
        if let Some(txq) = T::dropped(self.index, self.dev(), left, rcu) {
            txq.reset();
        }
    }
}

/// The queues that a device has at a time, by number.
///
/// # Context
///
/// Any; does not sleep.
pub struct Table<T: RxQueueOps>(KVec<Arc<LiveQueue<T>>>);

impl<T: RxQueueOps> Table<T> {
    /// Returns the queue with that number.
    #[inline]
    pub fn get(&self, index: u16) -> Option<&LiveQueue<T>> {
        self.0.get(usize::from(index)).map(|queue| &**queue)
    }

    /// Returns all of them, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &LiveQueue<T>> {
        self.0.iter().map(|queue| &**queue)
    }

    /// Returns how many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns false: a device without queues has no table.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The queues of a device, or none: all that is left then is a null pointer, and that is all that packets
/// look at.
///
/// Queues hold their device, so a driver must [clear](Self::clear) them when that is taken down; else who
/// unregisters it waits for ever. So it is if there are any when this is dropped.
///
/// # Context
///
/// Any; does not sleep where it does not say so.
pub struct RxQueues<T: RxQueueOps>(RcuBox<Table<T>>);

impl<T: RxQueueOps> Drop for RxQueues<T> {
    fn drop(&mut self) {
        // Ending queues sleeps, and here it may not be allowed to: they stay, and so does their device.
        if warn_on!(self.0.is_some()) {
            self.0.abandon();
        }
    }
}

impl<T: RxQueueOps> RxQueues<T> {
    /// Makes one without queues.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(RcuBox::new())
    }

    /// Returns the queues, if there are any.
    #[inline]
    pub fn get<'a>(&'a self, rcu: Rcu<'a>) -> Option<&'a Table<T>> {
        self.0.get(rcu)
    }

    /// Makes it so that `dev` has `count` queues: what it has of them it keeps, what it lacks is made, what is too
    /// much goes, after one grace period for all.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`]; [`EINVAL`] if the device was not allocated with so many; [`ENODEV`] if it is not registered any
    /// more. Nothing has changed then.
    ///
    /// # Context
    ///
    /// Process, RTNL. Sleeps.
    pub fn resize(dev: &Registered<Link<T>>, count: u16, rtnl: &Rtnl) -> Result {
        Plan::new(dev, count, rtnl)?.carry_out(rtnl);
        Ok(())
    }

    /// Changes how many transmit and receive queues of `dev` are active (`netif_set_real_num_queues()`), and makes
    /// it so that it has as many of these, if it has any. Packets go on meanwhile.
    ///
    /// # Errors
    ///
    /// As [`resize`](Self::resize), and those of `netif_set_real_num_queues()`.
    ///
    /// # Context
    ///
    /// Process, RTNL. Sleeps.
    pub fn set_channels(dev: &Registered<Link<T>>, tx: u16, rx: u16, rtnl: &Rtnl) -> Result {
        let count = if dev.data().rx_queues().0.is_some() {
            rx
        } else {
            0
        };
        // What may fail is first.
        let plan = Plan::new(dev, count, rtnl)?;
        dev.set_real_num_queues(tx, rx, rtnl)?;
        plan.carry_out(rtnl);
        Ok(())
    }

    /// Takes all queues away, after one grace period.
    ///
    /// # Context
    ///
    /// Process, RTNL. Sleeps.
    pub fn clear(&self, rtnl: &Rtnl) {
        self.replace(None, 0, rtnl);
    }

    /// Queues from number `keep` on are in the new table no more.
    fn replace(&self, table: Option<KBox<Table<T>>>, keep: u16, rtnl: &Rtnl) {
        let old = self.0.replace(
            table,
            |old| {
                old.0
                    .iter()
                    .skip(keep.into())
                    .for_each(|queue| queue.stop())
            },
            rtnl,
        );
        drop(old);
    }
}

/// Queues that are made, and are to be those of a device. Dropped it changes nothing.
///
/// There is one at a time: nobody else is called between the two steps, and the device's own queues are asked for
/// by [`RxQueueOps::rx_queues`]. Two could start a second NAPI for a number that has one.
struct Plan<'a, T: RxQueueOps> {
    queues: &'a RxQueues<T>,
    table: Option<KBox<Table<T>>>,
    keep: u16,
    changes: bool,
}

impl<'a, T: RxQueueOps> Plan<'a, T> {
    /// Makes what `dev` lacks of `count` queues.
    fn new(dev: &'a Registered<Link<T>>, count: u16, rtnl: &Rtnl) -> Result<Self> {
        let this = dev.data().rx_queues();
        let (_, _, _, allocated) = dev.num_queues(rtnl);
        if u32::from(count) > allocated {
            return Err(EINVAL);
        }
        let mut queues = KVec::with_capacity(count.into(), Gfp::Kernel.flags())?;
        let had = {
            let guard = rcu::read_lock();
            let old = this.get(Rcu::new(&guard)).map_or(&[][..], |table| &table.0);
            for queue in old.iter().take(count.into()) {
                // There is room for all.
                queues
                    .push_within_capacity(queue.clone())
                    .map_err(|_| ENOMEM)?;
            }
            old.len()
        };
        for index in u16::try_from(had).unwrap_or(u16::MAX)..count {
            let queue = LiveQueue::new(dev, index, rtnl)?;
            queues.push_within_capacity(queue).map_err(|_| ENOMEM)?;
        }
        let table = if queues.is_empty() {
            None
        } else {
            Some(KBox::new(Table(queues), Gfp::Kernel.flags())?)
        };
        Ok(Self {
            queues: this,
            table,
            keep: count,
            changes: had != usize::from(count),
        })
    }

    /// Makes it so.
    fn carry_out(self, rtnl: &Rtnl) {
        if !self.changes {
            return;
        }
        // As the core, which logs each failure: who gets no thread for one queue is not given others.
        let mut threads = true;
        for queue in self.table.iter().flat_map(|table| table.0.iter()) {
            threads = queue.start(threads, rtnl);
        }
        self.queues.replace(self.table, self.keep, rtnl);
    }
}
