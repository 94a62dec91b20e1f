// SPDX-License-Identifier: GPL-2.0

//! Which IP addresses devices have.
//!
//! C: `register_inetaddr_notifier()`, `register_inet6addr_notifier()` and those of the validators, in
//! `net/ipv4/devinet.c` and `net/ipv6/addrconf_core.c`

use super::{
    hold::HoldContext,
    netdevice::{
        DevFlags,
        NetDevice, //
    },
    nlattr::ExtAck,
    rtnl::Rtnl, //
};
use crate::{
    bindings,
    context::Rcu,
    registration::Registrable, //
};
use core::{
    iter,
    marker::PhantomData,
    ptr, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// An IP address. The numbers are its bytes in memory order, so that equal addresses are equal numbers
/// and nothing else is known of them.
///
/// # Context
///
/// Any; does not sleep.
///
/// # Examples
///
/// ```
/// use abstractions::net::inet::IpAddr;
///
/// // Addresses are in the order of the wire.
/// assert!(IpAddr::from([224, 0, 0, 1]).is_group());
/// assert!(!IpAddr::from([10, 0, 0, 1]).is_group());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpAddr {
    /// IPv4.
    V4(u32),
    /// IPv6.
    V6(u128),
}

impl From<[u8; 4]> for IpAddr {
    #[inline(always)]
    fn from(addr: [u8; 4]) -> Self {
        Self::V4(u32::from_ne_bytes(addr))
    }
}

impl From<[u8; 16]> for IpAddr {
    #[inline(always)]
    fn from(addr: [u8; 16]) -> Self {
        Self::V6(u128::from_ne_bytes(addr))
    }
}

impl NetDevice {
    /// Returns what the device receives by each of its addresses of IPv4. A snapshot.
    pub fn received_by_ipv4<'a>(&'a self, _rcu: Rcu<'a>) -> impl Iterator<Item = Received> + 'a {
        let mut at = ptr::null();
        iter::from_fn(move || {
            // SAFETY: The device is valid, and this is an RCU section: `net/ipv4/devinet.c:inetdev_destroy()` frees
            // what it has of IPv4 a grace period after it has taken that away, and `inet_free_ifa()` an address.
            at = unsafe { bindings::netdev_next_ifa_rcu(self.as_ptr(), at) };
            // SAFETY: Null, or valid for as long as the section lasts.
            (!at.is_null()).then(|| unsafe { Received::by_ipv4(at, self) })
        })
        .fuse()
    }
}

impl IpAddr {
    /// Everybody on a network, whatever its size (`INADDR_BROADCAST`).
    pub const EVERYBODY: Self = Self::V4(u32::MAX);

    /// Returns whether it is the address of a group (`ipv4_is_multicast()`, `ipv6_addr_is_multicast()`).
    pub const fn is_group(self) -> bool {
        match self {
            Self::V4(addr) => {
                let [first, ..] = addr.to_ne_bytes();
                first & 0xf0 == 0xe0
            }
            Self::V6(addr) => {
                let [first, ..] = addr.to_ne_bytes();
                first == 0xff
            }
        }
    }

    /// Returns whether the namespace of `dev` receives what is sent to it, as packets on `dev` see it: its own
    /// addresses, and those of a network's broadcasts (`RTN_BROADCAST`). A snapshot.
    pub fn is_received_at(self, dev: &NetDevice, rcu: Rcu<'_>) -> bool {
        let Self::V4(addr) = self else {
            return self.is_local_at(dev, rcu);
        };
        // SAFETY: The device is valid, and its namespace is, during an RCU section in which it is seen to be
        // registered.
        unsafe {
            bindings::netdev_is_registered(dev.as_ptr())
                && bindings::ipv4_is_received(dev.as_ptr(), addr)
        }
    }

    /// Returns whether it is one of the namespace of `dev` itself, as packets on `dev` see it: link-local
    /// addresses of IPv6 are on `dev` only. A snapshot.
    pub fn is_local_at(self, dev: &NetDevice, _rcu: Rcu<'_>) -> bool {
        // SAFETY: The device is valid.
        if !unsafe { bindings::netdev_is_registered(dev.as_ptr()) } {
            return false;
        }
        match self {
            // SAFETY: The device is valid, and its namespace is, during an RCU section in which it was seen to be
            // registered.
            Self::V4(addr) => unsafe { bindings::ipv4_is_local(dev.as_ptr(), addr) },
            #[cfg(CONFIG_IPV6)]
            Self::V6(addr) => {
                // SAFETY: As above; there are sixteen bytes.
                unsafe { bindings::ipv6_is_local(dev.as_ptr(), addr.to_ne_bytes().as_ptr()) }
            }
            #[cfg(not(CONFIG_IPV6))]
            Self::V6(_) => false,
        }
    }
}

/// What a device receives by an address that it has got.
///
/// # Context
///
/// Any; does not sleep.
#[derive(Clone, Copy)]
pub struct Received {
    addresses: [IpAddr; 3],
    network: Option<Network>,
}

/// A network of IPv4. The numbers are their bytes in memory order.
///
/// # Context
///
/// Any; does not sleep.
#[derive(Clone, Copy)]
pub struct Network {
    addr: u32,
    mask: u32,
}

impl Network {
    /// Returns whether an address is in it.
    pub const fn has(self, addr: u32) -> bool {
        (addr ^ self.addr) & self.mask == 0
    }
}

impl Received {
    /// By an address of IPv6, which is the device's own.
    fn by(addr: IpAddr) -> Self {
        Self {
            addresses: [addr; 3],
            network: None,
        }
    }

    /// By an address of IPv4 of `dev`.
    ///
    /// # Safety
    ///
    /// `ifa` must be valid.
    unsafe fn by_ipv4(ifa: *const bindings::in_ifaddr, dev: &NetDevice) -> Self {
        // SAFETY: By the caller's guarantee.
        let (own, broadcast, addr, mask) = unsafe {
            (
                (*ifa).ifa_local,
                (*ifa).ifa_broadcast,
                (*ifa).ifa_address,
                (*ifa).ifa_mask,
            )
        };
        let is_all_of_it = mask != u32::MAX && dev.flags().any(DevFlags::LOOPBACK);
        Self {
            addresses: [own, broadcast, addr | !mask].map(IpAddr::V4),
            network: is_all_of_it.then_some(Network { addr, mask }),
        }
    }

    /// Returns its own address, which is not the one that was told of if that is of who is at the other end
    /// (`peer`), and those of its network's broadcasts; one may be there more than once.
    pub fn addresses(self) -> impl Iterator<Item = IpAddr> {
        self.addresses.into_iter()
    }

    /// Returns the network all of which a loopback device receives by the address.
    pub fn network(self) -> Option<Network> {
        self.network
    }
}

/// Somebody who wants to know of addresses.
pub trait AddrListener: 'static {
    /// Says whether `dev` may have the address: an error, which the user sees, if not. Not asked about
    /// addresses of IPv6 that come with a router's advertisement.
    ///
    /// # Context
    ///
    /// Process. May sleep.
    fn check(dev: &NetDevice, addr: IpAddr, ack: &mut ExtAck<'_>) -> Result;

    /// Hears that `dev` has the address now, or still, and what it receives by it.
    ///
    /// # Context
    ///
    /// RTNL and a process that may sleep for IPv4; an RCU section, where nobody may, for IPv6.
    fn added(dev: &NetDevice, addr: IpAddr, received: Received, when: HoldContext<'_>);

    /// Hears that `dev` does not have the address any more.
    ///
    /// # Context
    ///
    /// Any but hard interrupts. Must not sleep.
    fn removed(dev: &NetDevice, addr: IpAddr);
}

/// What the chains have pointers to while a listener is registered: it is told of addresses in all
/// namespaces.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Invariants
///
/// The blocks are in their chains, all or none; they are static then.
pub struct Listener<L> {
    /// In the order of [`CHAINS`].
    blocks: [Opaque<bindings::notifier_block>; CHAINS.len()],
    _type: PhantomData<fn() -> L>,
}

// SAFETY: It gives access to nothing; the blocks belong to the chains, which have locks.
unsafe impl<L> Sync for Listener<L> {}

type Callback = unsafe extern "C" fn(*mut bindings::notifier_block, c_ulong, *mut c_void) -> c_int;
type Change = unsafe extern "C" fn(*mut bindings::notifier_block) -> c_int;

/// How a block gets into each chain, and out again. The functions that take blocks out wait for calls in
/// progress.
const CHAINS: &[(Change, Change)] = &[
    (
        bindings::register_inetaddr_notifier,
        bindings::unregister_inetaddr_notifier,
    ),
    (
        bindings::register_inetaddr_validator_notifier,
        bindings::unregister_inetaddr_validator_notifier,
    ),
    #[cfg(CONFIG_IPV6)]
    (
        bindings::register_inet6addr_notifier,
        bindings::unregister_inet6addr_notifier,
    ),
    #[cfg(CONFIG_IPV6)]
    (
        bindings::register_inet6addr_validator_notifier,
        bindings::unregister_inet6addr_validator_notifier,
    ),
];

impl<L: AddrListener> Registrable for Listener<L> {
    unsafe fn register(&'static self) -> Result {
        for (at, (block, (register, _))) in self.blocks.iter().zip(CHAINS).enumerate() {
            // SAFETY: The block is static, and unregistered by the caller's guarantee.
            to_result(unsafe { register(block.get()) })
                // SAFETY: Those before it are registered.
                .inspect_err(|_| unsafe { self.unregister_first(at) })?;
        }
        Ok(())
    }

    unsafe fn unregister(&'static self) {
        // SAFETY: By the caller's guarantee.
        unsafe { self.unregister_first(CHAINS.len()) };
    }
}

impl<L: AddrListener> Listener<L> {
    /// Makes a listener that is not registered.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self {
            blocks: [
                block(Self::v4_callback),
                block(Self::v4_validator_callback),
                #[cfg(CONFIG_IPV6)]
                block(Self::v6_callback),
                #[cfg(CONFIG_IPV6)]
                block(Self::v6_validator_callback),
            ],
            _type: PhantomData,
        }
    }

    /// # Safety
    ///
    /// That many blocks must be registered.
    unsafe fn unregister_first(&self, count: usize) {
        for (block, (_, unregister)) in self.blocks.iter().zip(CHAINS).take(count) {
            // SAFETY: By the caller's guarantee.
            unsafe { unregister(block.get()) };
        }
    }

    fn notify(
        event: c_ulong,
        dev: &NetDevice,
        addr: IpAddr,
        received: Received,
        when: HoldContext<'_>,
    ) -> c_int {
        if event == UP {
            L::added(dev, addr, received, when);
        } else if event == DOWN {
            L::removed(dev, addr);
        }
        bindings::NOTIFY_DONE as c_int
    }

    /// # Safety
    ///
    /// To be called by the chain of changed IPv4 addresses, with the structure that is its own.
    unsafe extern "C" fn v4_callback(
        _block: *mut bindings::notifier_block,
        event: c_ulong,
        info: *mut c_void,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the address and its device are valid.
        let (dev, addr, received) = unsafe {
            let ifa = info.cast::<bindings::in_ifaddr>();
            let dev = NetDevice::from_raw(bindings::in_dev_dev((*ifa).ifa_dev));
            (dev, (*ifa).ifa_address, Received::by_ipv4(ifa, dev))
        };
        // SAFETY: `__inet_insert_ifa()` and `__inet_del_ifa()` call the chain, under RTNL.
        let rtnl = unsafe { Rtnl::assume_held() };
        Self::notify(
            event,
            dev,
            IpAddr::V4(addr),
            received,
            HoldContext::Rtnl(rtnl),
        )
    }

    /// # Safety
    ///
    /// To be called by the chain that asks about IPv4 addresses, with the structure that is its own.
    unsafe extern "C" fn v4_validator_callback(
        _block: *mut bindings::notifier_block,
        event: c_ulong,
        info: *mut c_void,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the address and its device are valid.
        let (dev, addr, ack) = unsafe {
            let info = info.cast::<bindings::in_validator_info>();
            (
                NetDevice::from_raw(bindings::in_dev_dev((*info).ivi_dev)),
                (*info).ivi_addr,
                (*info).extack,
            )
        };
        // SAFETY: Null, or the requester's.
        verdict::<L>(event, dev, IpAddr::V4(addr), &mut unsafe {
            ExtAck::from_raw(ack)
        })
    }

    /// # Safety
    ///
    /// To be called by the chain of changed IPv6 addresses, with the structure that is its own.
    #[cfg(CONFIG_IPV6)]
    unsafe extern "C" fn v6_callback(
        _block: *mut bindings::notifier_block,
        event: c_ulong,
        info: *mut c_void,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the address and its device are valid.
        let (dev, addr) = unsafe {
            let ifa = info.cast::<bindings::inet6_ifaddr>();
            (NetDevice::from_raw((*(*ifa).idev).dev), number((*ifa).addr))
        };
        // SAFETY: `atomic_notifier_call_chain()` calls its blocks in an RCU section.
        let rcu = unsafe { Rcu::assume() };
        Self::notify(event, dev, addr, Received::by(addr), HoldContext::Rcu(rcu))
    }

    /// # Safety
    ///
    /// To be called by the chain that asks about IPv6 addresses, with the structure that is its own.
    #[cfg(CONFIG_IPV6)]
    unsafe extern "C" fn v6_validator_callback(
        _block: *mut bindings::notifier_block,
        event: c_ulong,
        info: *mut c_void,
    ) -> c_int {
        // SAFETY: By the caller's guarantee the address and its device are valid.
        let (dev, addr, ack) = unsafe {
            let info = info.cast::<bindings::in6_validator_info>();
            (
                NetDevice::from_raw((*(*info).i6vi_dev).dev),
                number((*info).i6vi_addr),
                (*info).extack,
            )
        };
        // SAFETY: Null, or the requester's.
        verdict::<L>(event, dev, addr, &mut unsafe { ExtAck::from_raw(ack) })
    }
}

// CAST: Small constants of a C enum.
const UP: c_ulong = bindings::netdev_cmd_NETDEV_UP as c_ulong;
const DOWN: c_ulong = bindings::netdev_cmd_NETDEV_DOWN as c_ulong;

/// A block that is not registered.
const fn block(callback: Callback) -> Opaque<bindings::notifier_block> {
    Opaque::new(bindings::notifier_block {
        notifier_call: Some(callback),
        next: core::ptr::null_mut(),
        priority: 0,
    })
}

fn verdict<L: AddrListener>(
    event: c_ulong,
    dev: &NetDevice,
    addr: IpAddr,
    ack: &mut ExtAck<'_>,
) -> c_int {
    if event != UP {
        return bindings::NOTIFY_DONE as c_int;
    }
    match L::check(dev, addr, ack) {
        Ok(()) => bindings::NOTIFY_DONE as c_int,
        // As `notifier_from_errno()`.
        Err(err) => {
            bindings::NOTIFY_STOP_MASK as c_int | (bindings::NOTIFY_OK as c_int - err.to_errno())
        }
    }
}

#[cfg(CONFIG_IPV6)]
fn number(addr: bindings::in6_addr) -> IpAddr {
    // SAFETY: All members are views of the same sixteen bytes.
    IpAddr::from(unsafe { addr.in6_u.u6_addr8 })
}
