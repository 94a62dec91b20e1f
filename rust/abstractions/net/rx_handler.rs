// SPDX-License-Identifier: GPL-2.0

//! The one driver that decides about what a device receives.
//!
//! A device has room for one `rx_handler`, which sees a packet after packet sockets, classifiers and
//! VLANs, and before protocols. A [`Handler`] has a queue beside it, for packets that take too long to
//! be dealt with where they come in.
//!
//! A handler that is attached belongs to C until it is detached. Who attached it does that, and if
//! nobody does, it is done when the device is unregistered or the module goes: a [`HandlerType`] sees to it.
//!
//! C: `netdev_rx_handler_register()` in `net/core/dev.c`

mod deferral;
mod egress;
mod hook;
#[cfg(CONFIG_NET_L3_MASTER_DEV)]
mod l3mdev;
mod owner;
mod verdict;

use super::{
    dev_ref::DevRef,
    netdevice::NetDevice,
    rtnl::{
        self,
        Rtnl, //
    },
    skbuff::RxSkb, //
};
use crate::{
    bindings,
    context::Rcu,
    registration::Registrable, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use hook::Hook;
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    },
    types::Opaque, //
};

pub use super::packet_context::{
    Deferred,
    RxContext, //
};
pub use egress::{
    Egress,
    HAS_EGRESS, //
};
pub use owner::RxHandlerOwner;
pub use verdict::Verdict;

/// A type that [`module_links!`](crate::module_links) has among the `handlers`.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Safety
///
/// [`handler_type`](Self::handler_type) must give the same one always, no other type's, and registered by the module.
pub unsafe trait DeclaredHandler: Sized + 'static {
    /// Returns what is known of its handlers.
    #[doc(hidden)]
    fn handler_type() -> &'static HandlerType<Self>;
}

/// Decides about packets that a device receives.
///
/// # Context
///
/// In an RCU section; must not sleep. [`receive`](Self::receive) with softirqs disabled, the others in a
/// worker with softirqs enabled.
pub trait RxHandler: DeclaredHandler + Send + Sync {
    /// Whether packets go on [to other devices](Verdict::another), which are links of this module above
    /// the one that received them.
    const PASSES_ON: bool;

    /// Decides about a packet. Runs on several CPUs at once.
    fn receive<'a>(this: &'a Handler<Self>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a>;

    /// Deals with a packet that was [put off](Handler::defer), of which `note` was noted. One at a
    /// time, in order, in a worker: softirqs are enabled.
    fn deferred<'a>(this: &'a Handler<Self>, skb: &RxSkb<'a>, note: [u64; 2], cx: &Deferred<'a>);

    /// Does what is to be done [again and again](Handler::start_ticking), and says in how many
    /// milliseconds again; `None`: not until it is started anew. One at a time, in a worker that must not
    /// sleep.
    fn tick<'a>(_this: &'a Handler<Self>, _cx: &Deferred<'a>) -> Option<u32> {
        None
    }
}

/// What is known of all handlers of a type.
///
/// While it is registered it hears, after all others, which devices go, and detaches what is still
/// attached to them; when it is unregistered it is told that all of them go.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Invariants
///
/// `block` is the first field, and calls `event_callback`. `is_ready` is written under RTNL, and set
/// while the block is registered only: without it nothing is attached.
#[repr(C)]
pub struct HandlerType<T> {
    block: Opaque<bindings::notifier_block>,
    // The function that C has a pointer to, so that it can be told from others: a generic function may
    // have several addresses, a static has one value.
    function: unsafe extern "C" fn(*mut *mut bindings::sk_buff) -> bindings::rx_handler_result_t,
    is_ready: Atomic<bool>,
    _type: PhantomData<fn() -> T>,
}

// SAFETY: The block belongs to the chain, which has a lock; the rest is constant or atomic.
unsafe impl<T> Sync for HandlerType<T> {}

impl<T: RxHandler> HandlerType<T> {
    /// Makes one that is not registered.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        // INVARIANT: As the block says, and not registered.
        Self {
            block: Opaque::new(bindings::notifier_block {
                notifier_call: Some(Self::event_callback),
                next: ptr::null_mut(),
                // After those who attach and detach handlers.
                priority: c_int::MIN,
            }),
            function: Handler::<T>::receive_callback,
            is_ready: Atomic::new(false),
            _type: PhantomData,
        }
    }

    /// # Safety
    ///
    /// To be called by the net device chain.
    unsafe extern "C" fn event_callback(
        block: *mut bindings::notifier_block,
        event: c_ulong,
        info: *mut c_void,
    ) -> c_int {
        // CAST: A small constant of a C enum.
        const UNREGISTER: c_ulong = bindings::netdev_cmd_NETDEV_UNREGISTER as c_ulong;
        // CAST: `block` is the first field, transparent in `Opaque`.
        // SAFETY: By the type's invariants. The info of a net device event is this structure, and the
        // device is valid; the chain is called under RTNL.
        let (this, dev, rtnl) = unsafe {
            (
                &*block.cast::<Self>(),
                NetDevice::from_raw((*info.cast::<bindings::netdev_notifier_info>()).dev),
                Rtnl::assume_held(),
            )
        };
        // A device that comes to another namespace keeps its handler.
        // SAFETY: The device is valid; its state changes under RTNL only.
        let stays = unsafe { bindings::netdev_reg_state::from((*dev.as_ptr()).reg_state) }
            == bindings::netdev_reg_state_NETREG_REGISTERED
            && this.is_ready.load(Relaxed);
        if event == UNREGISTER && !stays {
            if let Some(handler) = Handler::<T>::of(dev, rtnl) {
                Handler::detach(&handler, dev, rtnl);
            }
        }
        bindings::NOTIFY_DONE as c_int
    }
}

impl<T: RxHandler> Registrable for HandlerType<T> {
    unsafe fn register(&'static self) -> Result {
        // SAFETY: The block is static, and unregistered by the caller's guarantee.
        to_result(unsafe { bindings::register_netdevice_notifier(self.block.get()) })?;
        // INVARIANT: Just registered; nobody else looks at it yet.
        self.is_ready.store(true, Relaxed);
        Ok(())
    }

    unsafe fn unregister(&'static self) {
        // Who is about to attach something holds RTNL.
        // SAFETY: By the caller's guarantee.
        unsafe { rtnl::with(|_| self.is_ready.store(false, Relaxed)) };
        // SAFETY: By the caller's guarantee. Tells the block that all devices go.
        unsafe { bindings::unregister_netdevice_notifier(self.block.get()) };
    }
}

/// On a cache line of its own: it is written to for each packet that is put off, while others read
/// what is before it.
///
/// # Invariants
///
/// The list is initialised, with a lock.
#[repr(C, align(64))]
struct Queue(Opaque<bindings::sk_buff_head>);

/// A `T` that decides about packets, with its queue.
///
/// # Context
///
/// Any, in an RCU section or with RTNL as the arguments say, to be dropped too. Does not sleep where it does
/// not say so.
///
/// # Invariants
///
/// - `tag` is the address of `T::handler_type()`. It is the first field, whatever `T` is.
/// - `dev` is the device that the handler is attached to, or null. While it is not, and a grace period
///   longer, `held` is a reference to it, and C has a reference to the handler. Both are written under
///   RTNL only.
/// - `l3mdev` is null, or the `l3mdev_ops` of `dev`, which are static and do not change while it is not
///   null. It is written under RTNL only.
/// - `queue`, `work` and `ticks` are initialised; `work` is queued by [`Handler::defer`] only, `ticks` under
///   RTNL while `dev` is not null, and by itself. Packets in
///   `queue` are clones of an `RxSkb` that was received by `dev`, each a `DetachedSkb`. While `dev` is null, but for the grace
///   period after which it is detached, the queue is empty and the work idle: a handler can be dropped
///   in any context in which its `T` can.
/// - It does not move once it is initialised.
#[pin_data]
#[repr(C)]
pub struct Handler<T: RxHandler> {
    tag: *const c_void,
    dev: Atomic<*mut bindings::net_device>,
    held: UnsafeCell<Option<DevRef>>,
    // What the device's packets are looked at with before they are routed; null until then.
    l3mdev: Atomic<*mut c_void>,
    #[pin]
    inner: T,
    #[pin]
    queue: Queue,
    #[pin]
    work: Opaque<bindings::work_struct>,
    #[pin]
    ticks: Opaque<bindings::delayed_work>,
    hook: Hook,
}

// SAFETY: The queue has a lock of its own, the work belongs to the workqueue, `T` may be used from any
// thread, and what is left is written under RTNL.
unsafe impl<T: RxHandler> Send for Handler<T> {}
// SAFETY: Several threads write to the queue, under its lock, and to what is atomic; the rest under RTNL.
unsafe impl<T: RxHandler> Sync for Handler<T> {}

impl Queue {
    fn new() -> impl PinInit<Self> {
        // SAFETY: The function initialises what it is given: a transparent wrapper of a queue, but for
        // its alignment.
        unsafe {
            ::pin_init::pin_init_from_closure(|slot: *mut Self| {
                bindings::skb_queue_head_init(slot.cast());
                Ok(())
            })
        }
    }

    #[inline]
    fn get(&self) -> *mut bindings::sk_buff_head {
        self.0.get()
    }
}

impl<T: RxHandler> Deref for Handler<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: RxHandler> Handler<T> {
    /// Makes a handler that is not attached to any device.
    pub fn new(inner: impl PinInit<T>) -> impl PinInit<Self> {
        // CAST: What is known of it here is where it is.
        let tag = ptr::from_ref(T::handler_type()).cast::<c_void>();
        pin_init!(Self {
            tag,
            dev: Atomic::new(ptr::null_mut()),
            held: UnsafeCell::new(None),
            l3mdev: Atomic::new(ptr::null_mut()),
            inner <- inner,
            queue <- Queue::new(),
            work <- Opaque::ffi_init(|slot: *mut bindings::work_struct| {
                // SAFETY: The slot is valid and pinned; the callback is for this type.
                unsafe { bindings::init_work(slot, Some(Self::work_callback)) }
            }),
            ticks <- Opaque::ffi_init(|slot: *mut bindings::delayed_work| {
                // SAFETY: The slot is valid and pinned; the callback is for this type.
                unsafe { bindings::init_delayed_work(slot, Some(Self::tick_callback)) }
            }),
            hook: Hook::new(),
        })
    }

    /// Has `this` decide about what `dev` receives, from now on (`netdev_rx_handler_register()`).
    ///
    /// It ends with [`detach`](Self::detach), and if that is not called, when the device is unregistered
    /// or the module goes.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] if somebody does already, or `this` for another device; [`EINVAL`] if the device
    /// is one of those that cannot have a handler; [`ENODEV`] if it is not registered, or the
    /// module goes.
    ///
    /// # Context
    ///
    /// Process, RTNL. Sleeps.
    pub fn attach(this: &Arc<Self>, dev: &NetDevice, rtnl: &Rtnl) -> Result {
        let handler_type = T::handler_type();
        if !handler_type.is_ready.load(Relaxed) {
            return Err(ENODEV);
        }
        // SAFETY: The device is valid, and RTNL is held.
        if this.is_attached() || unsafe { bindings::netdev_rx_handler(dev.as_ptr()) }.is_some() {
            return Err(EBUSY);
        }
        let held = DevRef::new(dev, rtnl)?;
        let data = Arc::into_raw(this.clone());
        // SAFETY: The device is valid and RTNL is held; the data lives until `detach`, which the type
        // calls if nobody else does before the function goes.
        to_result(unsafe {
            bindings::netdev_rx_handler_register(
                dev.as_ptr(),
                Some(handler_type.function),
                data.cast_mut().cast(),
            )
        })
        // SAFETY: It was not registered, so the reference is ours again.
        .inspect_err(|_| drop(unsafe { Arc::from_raw(data) }))?;
        // INVARIANT: Attached, and the device is held. Until here no packet can be put off.
        // SAFETY: RTNL is held.
        unsafe { *this.held.get() = Some(held) };
        this.dev.store(dev.as_ptr(), Relaxed);
        Ok(())
    }

    /// What [`attach`](Self::attach) gave to `dev`; null if it is not a handler of this type.
    #[inline]
    fn attached(dev: &NetDevice) -> *const Self {
        // SAFETY: The device is valid; callers hold RTNL, or are in an RCU section.
        let function = unsafe { bindings::netdev_rx_handler(dev.as_ptr()) };
        if function.is_none_or(|function| !ptr::fn_addr_eq(function, T::handler_type().function)) {
            return ptr::null();
        }
        // SAFETY: The device is valid.
        let data = unsafe { bindings::netdev_rx_handler_data(dev.as_ptr()) }.cast_const();
        // The compiler may give functions of several types the same address.
        // SAFETY: The function is that of a `Handler` of some type, which begins with its tag.
        let tag = unsafe { *data.cast::<*const c_void>() };
        if ptr::eq(tag, ptr::from_ref(T::handler_type()).cast::<c_void>()) {
            data.cast()
        } else {
            ptr::null()
        }
    }

    /// Returns the handler of this type that is attached to `dev`, if there is one.
    pub fn of(dev: &NetDevice, _rtnl: &Rtnl) -> Option<Arc<Self>> {
        let data = Self::attached(dev);
        if data.is_null() {
            return None;
        }
        // SAFETY: It is what `attach` gave, which changes under RTNL only. The reference stays C's,
        // hence the clone.
        let data = core::mem::ManuallyDrop::new(unsafe { Arc::from_raw(data) });
        Some(Arc::clone(&data))
    }

    /// Returns the device that the handler is attached to, if there is one. Frames that come in, and group
    /// packets that were put off, may outlast it by a moment.
    #[inline]
    pub fn dev<'a>(&'a self, _rcu: Rcu<'a>) -> Option<&'a NetDevice> {
        NonNull::new(self.dev.load(Relaxed))
            // SAFETY: The device is held for a grace period after the pointer is cleared.
            .map(|dev| unsafe { NetDevice::from_raw(dev.as_ptr()) })
    }

    /// Returns the device that the handler is attached to, if there is one, for who holds RTNL.
    pub fn dev_rtnl<'a>(&'a self, _rtnl: &'a Rtnl) -> Option<&'a NetDevice> {
        NonNull::new(self.dev.load(Relaxed))
            // SAFETY: The device was registered, as nobody detaches without RTNL, and is not freed before
            // RTNL is released.
            .map(|dev| unsafe { NetDevice::from_raw(dev.as_ptr()) })
    }

    /// Returns whether the handler is attached to a device.
    #[inline]
    pub fn is_attached(&self) -> bool {
        !self.dev.load(Relaxed).is_null()
    }

    /// Does as [`of`](Self::of), without a reference.
    #[inline]
    pub fn of_rcu<'a>(dev: &NetDevice, _rcu: Rcu<'a>) -> Option<&'a Self> {
        // SAFETY: Null, or what `attach` gave: the device's function and data are cleared, the data
        // after the function and a grace period, before the handler's last reference can be given up.
        unsafe { Self::attached(dev).as_ref() }
    }

    /// Ends what [`attach`](Self::attach) began, and waits until nobody runs the handler any more
    /// (`netdev_rx_handler_unregister()`); packets that were put off are dropped. Nothing is done if `this`
    /// is not attached to `dev`.
    ///
    /// # Context
    ///
    /// Process, RTNL. Sleeps. Not in the handler's own worker, which it waits for.
    pub fn detach(this: &Arc<Self>, dev: &NetDevice, rtnl: &Rtnl) {
        let Some(attached) = Self::of(dev, rtnl) else {
            return;
        };
        if !Arc::ptr_eq(this, &attached) {
            return;
        }
        #[cfg(CONFIG_NET_L3_MASTER_DEV)]
        let _ = this.set_l3mdev(None, rtnl);
        // Whoever sees the device now is waited for, see `dev`; so is who puts off a packet.
        this.dev.store(ptr::null_mut(), Relaxed);
        // SAFETY: It is attached to that device.
        let leftover = unsafe { this.end_egress(dev.as_ptr(), rtnl) };
        // SAFETY: RTNL is held, and the handler is ours. Waits for readers (`synchronize_net()`).
        unsafe { bindings::netdev_rx_handler_unregister(dev.as_ptr()) };
        // SAFETY: That was a grace period.
        unsafe { leftover.give_up() };
        // Whoever has seen the flag is done with the operations.
        #[cfg(CONFIG_NET_L3_MASTER_DEV)]
        if !this.l3mdev.load(Relaxed).is_null() {
            // SAFETY: RTNL is held, and by the invariants they are ours.
            unsafe { bindings::netdev_set_l3mdev_ops(dev.as_ptr(), ptr::null()) };
            this.l3mdev.store(ptr::null_mut(), Relaxed);
        }
        // INVARIANT: Nothing can be queued any more.
        this.cancel();
        // SAFETY: RTNL is held, and the grace period is over.
        drop(unsafe { (*this.held.get()).take() });
        // SAFETY: The reference that was given to C in `attach`; nobody uses it any more.
        drop(unsafe { Arc::from_raw(Arc::as_ptr(&attached)) });
    }

    /// # Safety
    ///
    /// To be called by the core inside an RCU section with softirqs disabled, for a device that a
    /// handler of this type is attached to.
    unsafe extern "C" fn receive_callback(
        pskb: *mut *mut bindings::sk_buff,
    ) -> bindings::rx_handler_result_t {
        // SAFETY: The core gives its reference to the skb, whose device is valid.
        let skb = unsafe {
            if !RxSkb::has_header(*pskb) {
                *pskb = RxSkb::untag_header(*pskb);
                if (*pskb).is_null() {
                    return bindings::rx_handler_result_RX_HANDLER_CONSUMED;
                }
                if !RxSkb::has_header(*pskb) {
                    return bindings::rx_handler_result_RX_HANDLER_PASS;
                }
            }
            RxSkb::from_raw(*pskb)
        };
        // SAFETY: The data was set before the function that got us here, and is cleared after a grace
        // period from when that was.
        let this = unsafe {
            &*bindings::netdev_rx_handler_data(bindings::skb_dev(skb.as_ptr()))
                .cast_const()
                .cast::<Self>()
        };
        // SAFETY: By the caller's guarantee softirqs are disabled, in an RCU section, until this returns.
        let cx = unsafe { RxContext::assume() };
        let mut verdict = T::receive(this, skb, &cx);
        if !T::PASSES_ON && verdict.result == bindings::rx_handler_result_RX_HANDLER_ANOTHER {
            verdict = Verdict::CONSUMED;
        }
        // The core does not look at it if the packet is gone.
        // SAFETY: What goes back to the core is the caller's from here on.
        unsafe { *pskb = verdict.skb.map_or(ptr::null_mut(), RxSkb::into_raw) };
        verdict.result
    }
}
