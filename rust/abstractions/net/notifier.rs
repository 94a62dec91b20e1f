// SPDX-License-Identifier: GPL-2.0

//! The net device notifier chain.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    link::delete_links,
    net_device_ops::NetDeviceOps,
    netdevice::{
        Link,
        NetDevice, //
    },
    registered::Registered,
    rtnl::{
        Rtnl,
        Unlocked, //
    },
};
use crate::{
    bindings,
    registration::Registrable, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// What happened to a device (`enum netdev_cmd`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event(c_ulong);

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => {
        impl Event {
            $($(#[$doc])* pub const $name: Self = Self(bindings::$c as c_ulong);)*
        }
    };
}

events! {
    /// It appeared. An error refuses it.
    REGISTER = netdev_cmd_NETDEV_REGISTER;
    /// It goes away, or to another namespace.
    UNREGISTER = netdev_cmd_NETDEV_UNREGISTER;
    /// It was brought up.
    UP = netdev_cmd_NETDEV_UP;
    /// It was taken down.
    DOWN = netdev_cmd_NETDEV_DOWN;
    /// Its state has changed, the carrier for instance.
    CHANGE = netdev_cmd_NETDEV_CHANGE;
    /// Its MTU has changed. An error takes that back.
    CHANGE_MTU = netdev_cmd_NETDEV_CHANGEMTU;
    /// Its address is about to change. An error refuses it.
    PRE_CHANGE_ADDR = netdev_cmd_NETDEV_PRE_CHANGEADDR;
    /// Its address has changed.
    CHANGE_ADDR = netdev_cmd_NETDEV_CHANGEADDR;
    /// Its features have changed.
    FEAT_CHANGE = netdev_cmd_NETDEV_FEAT_CHANGE;
    /// Its queue is to have another length. An error refuses it.
    CHANGE_TX_QUEUE_LEN = netdev_cmd_NETDEV_CHANGE_TX_QUEUE_LEN;
    /// It is about to become one of another type. An error refuses it.
    PRE_TYPE_CHANGE = netdev_cmd_NETDEV_PRE_TYPE_CHANGE;
    /// Peers are to be told of its addresses again.
    NOTIFY_PEERS = netdev_cmd_NETDEV_NOTIFY_PEERS;
    /// A bond has taken another of its devices into use.
    BONDING_FAILOVER = netdev_cmd_NETDEV_BONDING_FAILOVER;
    /// Multicast groups are to be joined again.
    RESEND_IGMP = netdev_cmd_NETDEV_RESEND_IGMP;
}

impl Event {
    /// Whether who caused the event asks for consent. With any other event an error would end the chain,
    /// so that those behind never heard of it, and kept their references to a device that goes.
    const fn is_question(self) -> bool {
        matches!(
            self,
            Self::REGISTER
                | Self::CHANGE_MTU
                | Self::PRE_CHANGE_ADDR
                | Self::CHANGE_TX_QUEUE_LEN
                | Self::PRE_TYPE_CHANGE
        )
    }
}

/// Somebody who wants to know.
///
/// Registering tells of the devices that exist as if they appeared, and unregistering as if they
/// went away, so that what is set up for one is also taken down.
///
/// # Context
///
/// Process, RTNL. May sleep.
pub trait Notifier: Send + Sync + 'static {
    /// Hears of an event of `dev`. An error is passed on to whoever caused the event, if the event can be
    /// refused, and else is of no consequence.
    ///
    /// Of devices that are not registered yet, or that the core only waits for, nothing is told.
    fn event(
        &self,
        event: Event,
        dev: &Registered<NetDevice>,
        more: &Details<'_>,
        rtnl: &Rtnl,
    ) -> Result;
}

/// What the chain says beside the event.
///
/// # Context
///
/// Process, RTNL, as [`event`](Notifier::event). Does not sleep where it does not say so.
///
/// # Invariants
///
/// `info` is what belongs to `event`, and is about `dev`, valid during `'a`.
pub struct Details<'a> {
    event: Event,
    dev: &'a Registered<NetDevice>,
    info: *mut c_void,
    _info: PhantomData<&'a ()>,
}

impl Details<'_> {
    /// Deletes `links` as a user would, with what goes with each, all together, because the device that the
    /// event is about is on its way out. Nothing is done at other events, nor to that device.
    ///
    /// # Context
    ///
    /// Process, RTNL, as the event. Sleeps; re-enters drivers and notifiers.
    pub fn delete_links<'l, T: NetDeviceOps>(
        &self,
        links: impl Iterator<Item = &'l Registered<Link<T>>>,
        rtnl: &Rtnl,
    ) {
        if self.event == Event::UNREGISTER && self.dev.is_unregistering() {
            delete_links(links, self.dev, rtnl);
        }
    }

    /// Asks those who listen to `dev`, which will take over the address that a device is about to get,
    /// whether they mind (`netif_pre_changeaddr_notify()`). An error is theirs. Nothing is asked at other
    /// events.
    ///
    /// # Context
    ///
    /// Process, RTNL, as the event. May sleep; re-enters notifiers.
    pub fn ask_for<T>(&self, dev: &Registered<Link<T>>, _rtnl: &Rtnl) -> Result {
        if self.event != Event::PRE_CHANGE_ADDR || dev.is_unregistering() {
            return Ok(());
        }
        // SAFETY: The info of this event is this structure; the device is registered, RTNL is held.
        to_result(unsafe {
            let info = self
                .info
                .cast::<bindings::netdev_notifier_pre_changeaddr_info>();
            // CAST: `c_char` is `u8` in the kernel.
            bindings::netif_pre_changeaddr_notify(
                dev.as_ptr(),
                (*info).dev_addr.cast(),
                (*info).info.extack,
            )
        })
    }
}

/// What the chain has a pointer to while a notifier is registered.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Invariants
///
/// `block` is the first field, and calls `callback`.
#[pin_data]
#[repr(C)]
pub struct Block<N: Notifier> {
    #[pin]
    block: Opaque<bindings::notifier_block>,
    #[pin]
    notifier: N,
}

// SAFETY: `N` may be used from any thread; the block belongs to the chain.
unsafe impl<N: Notifier> Send for Block<N> {}
// SAFETY: `N` may be used by several threads; the block is the chain's, which has a lock.
unsafe impl<N: Notifier> Sync for Block<N> {}

impl<N: Notifier> Block<N> {
    const BLOCK: bindings::notifier_block = bindings::notifier_block {
        notifier_call: Some(Self::callback),
        next: core::ptr::null_mut(),
        priority: 0,
    };

    /// Makes a notifier that is not registered.
    pub const fn new(notifier: N) -> Self {
        // INVARIANT: As `BLOCK` says.
        Self {
            block: Opaque::new(Self::BLOCK),
            notifier,
        }
    }

    fn init(notifier: impl PinInit<N, Error>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            notifier <- notifier,
            // INVARIANT: As `BLOCK` says.
            block: Opaque::new(Self::BLOCK),
        })
    }

    ///
    /// # Context
    ///
    /// Process, may sleep, RTNL not held.
    ///
    /// # Safety
    ///
    /// It must not be registered, not move, and be unregistered before it or the module goes.
    unsafe fn register(&self) -> Result {
        // SAFETY: By the caller's guarantee and the type's invariants.
        to_result(unsafe { bindings::register_netdevice_notifier(self.block.get()) })
    }

    ///
    /// # Context
    ///
    /// Process, may sleep, RTNL not held.
    ///
    /// # Safety
    ///
    /// It must be registered.
    unsafe fn unregister(&self) {
        // SAFETY: By the caller's guarantee. Cannot fail then; waits for calls in progress.
        unsafe { bindings::unregister_netdevice_notifier(self.block.get()) };
    }

    /// # Safety
    ///
    /// To be called by the chain.
    unsafe extern "C" fn callback(
        block: *mut bindings::notifier_block,
        event: c_ulong,
        info: *mut c_void,
    ) -> c_int {
        // CAST: `block` is the first field, transparent in `Opaque`.
        // SAFETY: By the type's invariants; who registers it unregisters it before it goes.
        let this = unsafe { &*block.cast::<Self>() };
        // SAFETY: The info of a net device event is this structure, and the device is valid.
        let dev =
            unsafe { NetDevice::from_raw((*info.cast::<bindings::netdev_notifier_info>()).dev) };
        // SAFETY: The net device chain is called under RTNL.
        let rtnl = unsafe { Rtnl::assume_held() };
        // A device that is not: it is about to be (NETDEV_POST_INIT), or will not be (NETDEV_PRE_UNINIT),
        // or is told to go again and again as long as somebody holds it, its namespace perhaps gone.
        let Some(dev) = dev.registered(rtnl) else {
            return bindings::NOTIFY_DONE as c_int;
        };
        let event = Event(event);
        // INVARIANT: By the caller's guarantee.
        let more = Details {
            event,
            dev,
            info,
            _info: PhantomData,
        };
        match this.notifier.event(event, dev, &more, rtnl) {
            // As `notifier_from_errno()`.
            Err(err) if event.is_question() => {
                bindings::NOTIFY_STOP_MASK as c_int
                    | (bindings::NOTIFY_OK as c_int - err.to_errno())
            }
            _ => bindings::NOTIFY_DONE as c_int,
        }
    }
}

impl<N: Notifier> Registrable for Block<N> {
    unsafe fn register(&'static self) -> Result {
        // SAFETY: By the caller's guarantee; it is static.
        unsafe { Block::register(self) }
    }

    unsafe fn unregister(&'static self) {
        // SAFETY: By the caller's guarantee.
        unsafe { Block::unregister(self) };
    }
}

/// Delivers events of all namespaces to `N` for as long as it lives. For parts of this crate that
/// see to it that it is dropped before the module goes; drivers have [`module_links!`](crate::module_links).
///
/// # Invariants
///
/// The block is registered.
#[pin_data(PinnedDrop)]
pub(crate) struct Registration<N: Notifier> {
    #[pin]
    block: Block<N>,
}

impl<N: Notifier> Registration<N> {
    /// Registers a notifier.
    ///
    /// # Context
    ///
    /// Process, may sleep, RTNL not held.
    pub(crate) fn new(notifier: impl PinInit<N, Error>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: Registered when initialised.
            // SAFETY: It is pinned, and unregistered when dropped.
            block <- Block::init(notifier).pin_chain(|block| unsafe { block.register() }),
        })
    }
}

impl<N: Notifier> Deref for Registration<N> {
    type Target = N;

    fn deref(&self) -> &N {
        &self.block.notifier
    }
}

#[pinned_drop]
impl<N: Notifier> PinnedDrop for Registration<N> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariants.
        unsafe { self.block.unregister() };
    }
}

/// Delivers events of all namespaces to `notifier` while `f` runs.
///
/// # Errors
///
/// [`ENOMEM`], or that of the notifier if it refuses a device that is there.
///
/// # Context
///
/// Process, may sleep. RTNL is taken before and after `f`.
pub fn with<N: Notifier, R>(
    notifier: N,
    unlocked: &mut Unlocked,
    f: impl FnOnce(&N, &mut Unlocked) -> R,
) -> Result<R> {
    let registration = KBox::pin_init(Registration::new(Ok(notifier)), GFP_KERNEL)?;
    Ok(f(&registration, unlocked))
}
