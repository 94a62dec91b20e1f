// SPDX-License-Identifier: GPL-2.0

//! IP packets that a device receives in its own namespace, and a device on top of it delivers.
//!
//! ```text
//!   lower device's namespace                              namespace of the device on top
//!
//!   PREROUTING --> l3mdev_l3_rcv: the input route is    --> its sockets
//!                  looked up for the device on top, so       ^
//!                  that it is a local one                    |
//!                      |                                     |
//!                      v                                     |
//!                    INPUT --> our hook, the last one: the packet is the upper device's
//! ```
//!
//! Rules and connection tracking of the lower device's namespace see the packets, as they see those of
//! its own sockets. The hooks are there while somebody [needs](Hooks::enable) them. They keep nothing
//! but the namespace's count of users; what they look up is protected by the [`Handler`] that the lower
//! device has, and so is what [`Handler::set_l3_rx`] sets on the device.
//!
//! C header: [`include/net/l3mdev.h`](srctree/include/net/l3mdev.h)

use super::{
    namespace::Net,
    netdevice::{
        Link,
        NetDevice, //
    },
    payload::Payload,
    rtnl::{
        self,
        Rtnl, //
    },
    rx_handler::{
        Handler,
        RxHandler, //
    },
    skbuff::{
        free,
        DropReason, //
    },
};
use crate::{
    bindings,
    context::Rcu,
    registration::Registrable, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    mem::size_of, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Relaxed,
                Release, //
            },
            Atomic, //
        },
        rcu::synchronize_rcu, //
    },
};

/// A type that [`module_links!`](crate::module_links) has among the `inputs`.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Safety
///
/// The hooks must be the same ones always, no other type's, and registered by the module.
pub unsafe trait DeclaredInput: Sized + 'static {
    /// Returns the hooks of the type.
    #[doc(hidden)]
    fn hooks() -> &'static Hooks<Self>;
}

/// A receive handler, some of whose packets go through the hooks of its device's namespace.
///
/// # Context
///
/// In an RCU section: in a softirq, or in a process that sends to its own host. Must not sleep.
pub trait IpInput: RxHandler + DeclaredInput {
    /// The data of the devices on top.
    type Upper: Sync + 'static;

    /// Returns the device on top that a packet is for, if there is one and it wants the packet this way.
    /// Called twice for each packet: before it is routed, and after INPUT.
    fn input_dev<'a>(
        this: &'a Handler<Self>,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Self::Upper>>;

    /// Hears that a packet is on its way to the sockets; an error says why it is not to get there.
    fn received(
        dev: &Link<Self::Upper>,
        packet: Payload<'_>,
        rcu: Rcu<'_>,
    ) -> Result<(), DropReason>;
}

/// The hooks of all namespaces for a type of handlers.
///
/// # Context
///
/// Process, RTNL. Sleeps.
///
/// # Invariants
///
/// `is_ready` is set, under RTNL, only while `pernet` is registered; then each namespace has a number of
/// users, which changes under RTNL, and `ops` are there where it is not zero.
pub struct Hooks<T> {
    is_ready: Atomic<bool>,
    id: UnsafeCell<c_uint>,
    pernet: UnsafeCell<bindings::pernet_operations>,
    ops: UnsafeCell<[bindings::nf_hook_ops; COUNT]>,
    _type: PhantomData<fn() -> T>,
}

// SAFETY: The cells are written before they are registered, and then by C, which has its own locks.
unsafe impl<T> Sync for Hooks<T> {}

/// INPUT of each version of IP.
const COUNT: usize = if cfg!(CONFIG_IPV6) { 2 } else { 1 };

// CAST: One or two.
#[allow(clippy::cast_possible_truncation)]
const N_OPS: c_uint = COUNT as c_uint;

type Hook = unsafe extern "C" fn(
    *mut c_void,
    *mut bindings::sk_buff,
    *const bindings::nf_hook_state,
) -> c_uint;

/// The last hook at INPUT.
// CAST: Small constants of C enums.
#[allow(clippy::cast_possible_truncation)]
const fn input_hook(hook: Hook, pf: u32) -> bindings::nf_hook_ops {
    // SAFETY: Zero is valid for the structure.
    let mut ops: bindings::nf_hook_ops = unsafe { core::mem::zeroed() };
    ops.hook = Some(hook);
    ops.pf = pf as u8;
    ops.hooknum = bindings::nf_inet_hooks_NF_INET_LOCAL_IN;
    ops.priority = c_int::MAX;
    ops
}

impl<T: IpInput> Registrable for Hooks<T> {
    unsafe fn register(&'static self) -> Result {
        // SAFETY: By the caller's guarantee it is not registered, so nobody else looks at it. It is
        // static, and unregistered before the module goes.
        to_result(unsafe {
            (*self.pernet.get()).id = self.id.get();
            bindings::register_pernet_subsys(self.pernet.get())
        })?;
        // INVARIANT: Just registered.
        self.is_ready.store(true, Release);
        Ok(())
    }

    unsafe fn unregister(&'static self) {
        // Who is about to enable them holds RTNL.
        // SAFETY: By the caller's guarantee.
        unsafe { rtnl::with(|_| self.is_ready.store(false, Relaxed)) };
        // SAFETY: By the caller's guarantee. What is left of the hooks is removed.
        unsafe { bindings::unregister_pernet_subsys(self.pernet.get()) };
        // Who is running a hook may go on until here.
        synchronize_rcu();
    }
}

impl<T: IpInput> Hooks<T> {
    /// Hooks that nobody uses.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        // SAFETY: Zero is valid for the structure.
        let mut pernet: bindings::pernet_operations = unsafe { core::mem::zeroed() };
        pernet.pre_exit = Some(Self::pre_exit_callback);
        pernet.exit = Some(Self::exit_callback);
        pernet.size = size_of::<u32>();
        Self {
            is_ready: Atomic::new(false),
            id: UnsafeCell::new(0),
            pernet: UnsafeCell::new(pernet),
            ops: UnsafeCell::new([
                input_hook(Self::local_in4, bindings::NFPROTO_IPV4),
                #[cfg(CONFIG_IPV6)]
                input_hook(Self::local_in6, bindings::NFPROTO_IPV6),
            ]),
            _type: PhantomData,
        }
    }

    /// The namespace's number of users.
    ///
    /// # Safety
    ///
    /// The hooks must be registered.
    unsafe fn users(&self, net: *mut bindings::net) -> *mut u32 {
        // SAFETY: By the caller's guarantee there is memory of that size for each namespace.
        unsafe { bindings::net_generic(net, *self.id.get()) }.cast()
    }

    /// Has the hooks there in `net`, for one more user. [`ENODEV`] if the module goes, [`ENOMEM`].
    pub fn enable(net: &Net, _rtnl: &Rtnl) -> Result {
        let this = T::hooks();
        if !this.is_ready.load(Acquire) {
            return Err(ENODEV);
        }
        // SAFETY: Registered by the type's invariants.
        let users = unsafe { this.users(net.as_ptr()) };
        // SAFETY: RTNL is held.
        let count = unsafe { *users };
        if count == 0 {
            // SAFETY: The operations are static, and unregistered before the module or the namespace
            // goes.
            to_result(unsafe {
                bindings::nf_register_net_hooks(net.as_ptr(), this.ops.get().cast(), N_OPS)
            })?;
        }
        // SAFETY: RTNL is held.
        unsafe { *users = count.wrapping_add(1) };
        Ok(())
    }

    /// Takes one [`enable`](Self::enable) back.
    pub fn disable(net: &Net, _rtnl: &Rtnl) {
        let this = T::hooks();
        if !this.is_ready.load(Acquire) {
            return;
        }
        // SAFETY: Registered by the type's invariants.
        let users = unsafe { this.users(net.as_ptr()) };
        // SAFETY: RTNL is held.
        match unsafe { *users } {
            0 => return,
            // SAFETY: There was a user, so they are there.
            1 => unsafe { this.remove(net.as_ptr()) },
            _ => {}
        }
        // SAFETY: RTNL is held.
        unsafe { *users = (*users).wrapping_sub(1) };
    }

    /// # Safety
    ///
    /// They must be there.
    unsafe fn remove(&self, net: *mut bindings::net) {
        // SAFETY: By the caller's guarantee. Who is running them is done before the module goes, see
        // `unregister`.
        unsafe {
            bindings::nf_unregister_net_hooks(net, self.ops.get().cast(), N_OPS);
        }
    }

    /// What is kept for user space to decide about would go on with functions of this module, see
    /// `ip_output::Checked`.
    ///
    /// It is dropped here and once more by `exit_callback`, since rules may have it kept again: who was just
    /// told what user space has decided does so in an RCU section, for whose end the core waits in between
    /// (`ops_undo_list()`).
    ///
    /// # Safety
    ///
    /// To be called by the core, with a valid namespace.
    unsafe extern "C" fn pre_exit_callback(net: *mut bindings::net) {
        // SAFETY: By the caller's guarantee.
        unsafe { bindings::nf_queue_nf_hook_drop(net) };
    }

    /// A namespace goes, or the module. Nobody should need the hooks there any more.
    ///
    /// # Safety
    ///
    /// To be called by the core.
    unsafe extern "C" fn exit_callback(net: *mut bindings::net) {
        let this = T::hooks();
        // SAFETY: The core calls this for a namespace whose memory for us is still there, when nobody
        // can reach it, or holding the lock of the namespaces' list after all devices are gone.
        unsafe {
            let users = this.users(net);
            if *users != 0 {
                this.remove(net);
                *users = 0;
            }
            // See `pre_exit_callback`.
            bindings::nf_queue_nf_hook_drop(net);
        }
    }

    /// The device on top that a packet is for, and the packet.
    ///
    /// # Safety
    ///
    /// `skb` must be valid for `'a`, with a network header, and its device have an RCU section to stay for.
    #[inline]
    unsafe fn upper<'a>(skb: *mut bindings::sk_buff) -> Option<(&'a Link<T::Upper>, Payload<'a>)> {
        // SAFETY: By the caller's guarantee; callers are inside an RCU section: netfilter's, or that of
        // the reception of packets.
        unsafe {
            let lower = NetDevice::from_raw(bindings::skb_dev(skb));
            let rcu = Rcu::assume();
            let handler = Handler::<T>::of_rcu(lower, rcu)?;
            // Both are within the packet's head, so the difference is small; and not negative where
            // hooks run.
            let offset = u32::try_from(bindings::skb_network_offset(skb)).ok()?;
            let packet = Payload::from_raw(skb, offset);
            Some((T::input_dev(handler, packet, rcu)?, packet))
        }
    }

    /// # Safety
    ///
    /// To be called by netfilter, at INPUT of IPv4.
    unsafe extern "C" fn local_in4(
        _priv: *mut c_void,
        skb: *mut bindings::sk_buff,
        _state: *const bindings::nf_hook_state,
    ) -> c_uint {
        // SAFETY: The packet is netfilter's to change.
        unsafe {
            let Some((dev, packet)) = Self::upper(skb) else {
                return bindings::NF_ACCEPT;
            };
            bindings::skb_set_input_dev(skb, dev.as_ptr());
            Self::receive(skb, dev, packet)
        }
    }

    /// # Safety
    ///
    /// To be called by netfilter, at INPUT of IPv6.
    #[cfg(CONFIG_IPV6)]
    unsafe extern "C" fn local_in6(
        _priv: *mut c_void,
        skb: *mut bindings::sk_buff,
        _state: *const bindings::nf_hook_state,
    ) -> c_uint {
        // SAFETY: The packet is netfilter's to change.
        unsafe {
            let Some((dev, packet)) = Self::upper(skb) else {
                return bindings::NF_ACCEPT;
            };
            bindings::skb_set_input_dev6(skb, dev.as_ptr());
            Self::receive(skb, dev, packet)
        }
    }

    /// # Safety
    ///
    /// `skb` must be the caller's, in an RCU section, and is gone if the verdict says so.
    #[inline]
    unsafe fn receive(
        skb: *mut bindings::sk_buff,
        dev: &Link<T::Upper>,
        packet: Payload<'_>,
    ) -> c_uint {
        // SAFETY: By the caller's guarantee.
        let rcu = unsafe { Rcu::assume() };
        match T::received(dev, packet, rcu) {
            Ok(()) => bindings::NF_ACCEPT,
            Err(reason) => {
                // SAFETY: It is the caller's, who gives it up.
                unsafe { free(skb, reason) };
                bindings::NF_STOLEN
            }
        }
    }
}

/// What is done with packets before they are routed.
#[cfg(CONFIG_NET_L3_MASTER_DEV)]
impl<T: IpInput> Hooks<T> {
    const L3MDEV: &'static bindings::l3mdev_ops = &bindings::l3mdev_ops {
        l3mdev_fib_table: None,
        l3mdev_l3_rcv: Some(Self::l3_rcv_callback),
        l3mdev_l3_out: None,
        l3mdev_link_scope_lookup: None,
    };

    /// # Safety
    ///
    /// To be called by `l3mdev_l3_rcv()`, inside an RCU section, with a packet whose IP header is whole
    /// and at its data.
    unsafe extern "C" fn l3_rcv_callback(
        _dev: *mut bindings::net_device,
        skb: *mut bindings::sk_buff,
        family: u16,
    ) -> *mut bindings::sk_buff {
        // SAFETY: The packet is ours to change.
        unsafe {
            if let Some((dev, _)) = Self::upper(skb) {
                match u32::from(family) {
                    // If there is no route, the packet's own namespace looks for one, as for any other.
                    bindings::AF_INET => drop(bindings::ip_route_input(skb, dev.as_ptr())),
                    #[cfg(CONFIG_IPV6)]
                    bindings::AF_INET6 => Self::route_input6(skb, dev.as_ptr()),
                    _ => {}
                }
            }
        }
        skb
    }

    /// # Safety
    ///
    /// As `l3_rcv_callback`; the device must be valid.
    #[cfg(CONFIG_IPV6)]
    unsafe fn route_input6(skb: *mut bindings::sk_buff, dev: *mut bindings::net_device) {
        // SAFETY: By the caller's guarantee.
        unsafe {
            let mut flow: bindings::flowi6 = core::mem::zeroed();
            flow.__fl_common.flowic_iif = bindings::netdev_ifindex(dev);
            bindings::flowi6_from_packet(&mut flow, skb);
            let dst = bindings::ip6_route_input_lookup(
                bindings::dev_net(dev),
                dev,
                &mut flow,
                skb,
                RT6_LOOKUP_F_HAS_SADDR,
            );
            bindings::skb_set_input_dst(skb, dst);
        }
    }
}

impl<T: IpInput> Handler<T> {
    /// Has the packets of the handler's device looked at before they are routed (`IFF_L3MDEV_RX_HANDLER`), or
    /// not any more. It ends when the handler is detached.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if it is not attached; [`EBUSY`] if somebody else does that; [`EOPNOTSUPP`] if
    /// the kernel has no `CONFIG_NET_L3_MASTER_DEV`. May sleep.
    ///
    /// # Context
    ///
    /// Process, RTNL. Sleeps.
    #[cfg(CONFIG_NET_L3_MASTER_DEV)]
    pub fn set_l3_rx(&self, on: bool, rtnl: &Rtnl) -> Result {
        self.set_l3mdev(on.then_some(Hooks::<T>::L3MDEV), rtnl)
    }

    #[cfg(not(CONFIG_NET_L3_MASTER_DEV))]
    #[allow(missing_docs)]
    pub fn set_l3_rx(&self, on: bool, _rtnl: &Rtnl) -> Result {
        if on {
            Err(EOPNOTSUPP)
        } else {
            Ok(())
        }
    }
}

// CAST: A bit of a C enum.
#[cfg(CONFIG_IPV6)]
const RT6_LOOKUP_F_HAS_SADDR: c_int = bindings::RT6_LOOKUP_F_HAS_SADDR as c_int;
