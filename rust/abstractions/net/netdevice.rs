// SPDX-License-Identifier: GPL-2.0

//! Net devices: what any holder can ask of one, and the operations that a driver gives its own.
//!
//! A driver's device goes through these states, each a type:
//!
//! ```text
//! NewDevice --init()--> Initialised<T> --register()--> Unfinished<T> --finish()/keep()--> the core's
//!     |                      |                              |
//!     drop: free             drop: drop T, free             drop: unregister
//! ```
//!
//! After that the driver meets it again as [`&Link<T>`](Link) in the callbacks of
//! [`NetDeviceOps`](super::net_device_ops::NetDeviceOps). The private data `T` is only ever seen by shared reference:
//! callbacks run concurrently.
//!
//! A reference to a [`NetDevice`] or a [`Link<T>`](Link) says that the device's memory is there, and no
//! more: it may have been unregistered long ago. What reaches its driver, its namespace or its neighbours
//! is asked of a [`Registered`](super::registered::Registered) one.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    features::Features,
    mac::Mac,
    rtnl::Rtnl, //
};
use crate::{
    bindings,
    context::Rcu, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr, //
};
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// Any net device (`struct net_device`).
///
/// # Context
///
/// Any; does not sleep. What is said to be a snapshot may be something else a moment later.
///
/// # Invariants
///
/// A reference to an instance points to a `struct net_device` that is not freed for the reference's
/// lifetime. It is registered, or was, or `register_netdevice()` has begun to show it to others, in sysfs.
#[repr(transparent)]
pub struct NetDevice(Opaque<bindings::net_device>);

// SAFETY: Every method is either for any context or asks for a proof of the one it needs. What is written
// while others read is read by `READ_ONCE()`, or by a helper that says that it races.
unsafe impl Sync for NetDevice {}

impl NetDevice {
    /// Wraps a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must be as the type's invariant says, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::net_device) -> &'a Self {
        // CAST: `NetDevice` is a transparent wrapper of `Opaque<net_device>`.
        // SAFETY: Guaranteed by the caller.
        unsafe { &*ptr.cast() }
    }

    /// The C object.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::net_device {
        self.0.get()
    }

    /// Returns whether the device is administratively up (`IFF_UP`). A snapshot, unless RTNL is held.
    #[inline]
    pub fn is_up(&self) -> bool {
        // SAFETY: The device is valid; the field may be read at any time.
        unsafe { bindings::netdev_flags(self.as_ptr()) & bindings::net_device_flags_IFF_UP != 0 }
    }

    /// Returns the device's number, unique in its namespace.
    #[inline]
    pub fn ifindex(&self) -> i32 {
        // SAFETY: The device is valid; the field may be read at any time.
        unsafe { bindings::netdev_ifindex(self.as_ptr()) }
    }

    /// Returns the device's name, as it is while RTNL is held.
    pub fn name(&self, _rtnl: &Rtnl) -> Name {
        // CAST: `c_char` is `u8` in the kernel.
        // SAFETY: The name is an array in the device; it changes under RTNL only.
        let mut name = unsafe { (*self.as_ptr()).name };
        // Behind its end there is what is left of an earlier one, of another tenant perhaps.
        let len = name.iter().take_while(|c| **c != 0).count();
        name.iter_mut().skip(len).for_each(|c| *c = 0);
        Name(name)
    }

    /// Returns how many packets its queues are to hold (`txqueuelen`).
    pub fn tx_queue_len(&self, _rtnl: &Rtnl) -> u32 {
        // SAFETY: The device is valid; the length changes under RTNL only.
        unsafe { (*self.as_ptr()).tx_queue_len }
    }

    /// Returns whether both are in the same namespace. A snapshot.
    pub fn is_beside(&self, other: &Self, _rcu: Rcu<'_>) -> bool {
        // SAFETY: Both devices are valid; pointers are compared, not followed.
        unsafe {
            ptr::eq(
                bindings::dev_net(self.as_ptr()),
                bindings::dev_net(other.as_ptr()),
            )
        }
    }

    /// Returns all devices in its namespace, itself included (`for_each_netdev_rcu()`); none if it is not
    /// registered any more.
    pub fn beside<'a>(&'a self, _rcu: Rcu<'a>) -> impl Iterator<Item = &'a Self> {
        // SAFETY: The device is valid.
        let (net, is_registered) = unsafe {
            (
                bindings::dev_net(self.as_ptr()),
                bindings::netdev_is_registered(self.as_ptr()),
            )
        };
        let mut at = ptr::null_mut();
        core::iter::from_fn(move || {
            if !is_registered {
                return None;
            }
            // SAFETY: The namespace is there during `'a`, since the device was registered in it. What the list gives is
            // not freed during `'a`; a device that leaves it leads on until a grace period is over, and then only
            // comes to another list.
            at = unsafe { bindings::netdev_next_rcu(net, at) };
            // SAFETY: Null, or valid during `'a`.
            (!at.is_null()).then(|| unsafe { Self::from_raw(at) })
        })
        .fuse()
    }

    /// Returns the flags that users see (`dev->flags`). A snapshot, unless RTNL is held.
    #[inline]
    pub fn flags(&self) -> DevFlags {
        // SAFETY: The device is valid; the field may be read at any time.
        DevFlags(unsafe { bindings::netdev_flags(self.as_ptr()) })
    }

    /// Returns the MTU in bytes, Ethernet header not included.
    #[inline]
    pub fn mtu(&self) -> u32 {
        // SAFETY: The device is valid; the field may be read at any time.
        unsafe { (&raw const (*self.as_ptr()).mtu).read_volatile() }
    }

    /// Whether the device is up, or about to be (`netif_running()`).
    #[inline]
    pub(super) fn is_running(&self) -> bool {
        // SAFETY: The device is valid; the field may be read at any time.
        let state = unsafe { (&raw const (*self.as_ptr()).state).read_volatile() };
        state & (1 << bindings::netdev_state_t___LINK_STATE_START) != 0
    }

    /// Returns the largest MTU that the device can have; zero if there is no limit.
    pub fn max_mtu(&self, _rtnl: &Rtnl) -> u32 {
        // SAFETY: The device is valid; the limit changes under RTNL only.
        unsafe { (*self.as_ptr()).max_mtu }
    }

    /// Returns the MAC address. May be torn while somebody changes it, unless RTNL is held.
    #[inline]
    pub fn mac(&self) -> Mac {
        // SAFETY: The device is valid, and the bytes that `dev_addr` points to live as long as it.
        Mac::from_le(unsafe { bindings::netdev_mac(self.as_ptr()) })
    }

    /// Returns the broadcast address. May be torn while somebody changes it.
    #[inline]
    pub fn broadcast(&self) -> Mac {
        // SAFETY: The device is valid, and the address an array in it.
        Mac::from_le(unsafe { bindings::netdev_broadcast(self.as_ptr()) })
    }

    /// Returns whether it speaks Ethernet and is not a loopback device.
    pub fn is_ethernet(&self, _rtnl: &Rtnl) -> bool {
        // SAFETY: The device is valid; the type changes under RTNL only.
        let ether = unsafe { bindings::netdev_is_ether(self.as_ptr()) };
        ether && !self.flags().any(DevFlags::LOOPBACK)
    }

    /// Returns the features that are on, as far as they are known here.
    pub fn features(&self, _rtnl: &Rtnl) -> Features {
        // SAFETY: The device is valid; the features change under RTNL only.
        Features(unsafe { (*self.as_ptr()).features }).and(Features::KNOWN)
    }

    /// Returns whether one of `which` is on. A snapshot.
    #[inline]
    pub fn has_any_feature(&self, which: Features) -> bool {
        // SAFETY: The device is valid; the field may be read at any time.
        Features(unsafe { bindings::netdev_features(self.as_ptr()) }).any(which)
    }

    /// Returns the features that devices of VLANs on it may have.
    pub fn vlan_features(&self, _rtnl: &Rtnl) -> Features {
        // SAFETY: The device is valid; the features change under RTNL only.
        Features(unsafe { (*self.as_ptr()).vlan_features }).and(Features::KNOWN)
    }

    /// Whether nobody has a claim on `skb`, received as a frame of `protocol`, before the
    /// device's [`RxHandler`](super::rx_handler::RxHandler): no packet socket, no classifier, no netfilter
    /// hook at ingress, no generic XDP, and, if it is tagged, no VLAN device. A snapshot.
    ///
    /// # Safety
    ///
    /// The device must have been up in the RCU section that `_rcu` is about, and `skb` must be valid.
    #[inline]
    pub(crate) unsafe fn ingress_is_plain(
        &self,
        skb: *const bindings::sk_buff,
        protocol: u16,
        _rcu: Rcu<'_>,
    ) -> bool {
        // SAFETY: The device and, by the contract, the skb are valid; pointers are compared with null, not
        // followed, except to the namespace. Only a registered device is up, and a namespace without devices
        // is freed after grace periods.
        unsafe { bindings::netdev_ingress_is_plain(self.as_ptr(), skb, protocol) }
    }

    /// Returns whether rules look at what the device receives: classifiers, netfilter hooks at ingress, or
    /// generic XDP. A snapshot.
    #[cold]
    pub fn has_ingress_rules(&self) -> bool {
        // SAFETY: The device is valid; pointers are compared with null.
        unsafe { bindings::netdev_has_ingress_hooks(self.as_ptr()) }
    }

    /// Says something in the kernel's log, with the device's name.
    pub fn log_error(&self, msg: &'static CStr) {
        // SAFETY: The device is valid, and the message ends with a zero.
        unsafe { bindings::netdev_log_error(self.as_ptr(), msg.as_char_ptr().cast()) };
    }

    /// Counts a received packet that was dropped before it reached a protocol.
    #[cold]
    pub fn count_rx_dropped(&self) {
        // SAFETY: The device is valid.
        unsafe { bindings::dev_core_stats_rx_dropped_inc(self.as_ptr()) };
    }

    /// Returns the numbers of active and of allocated queues: `(real_tx, tx, real_rx, rx)`.
    pub fn num_queues(&self, _rtnl: &Rtnl) -> (u32, u32, u32, u32) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid; the active numbers change under RTNL only.
        unsafe {
            (
                (*dev).real_num_tx_queues,
                (*dev).num_tx_queues,
                (*dev).real_num_rx_queues,
                (*dev).num_rx_queues,
            )
        }
    }
}

/// Flags of a device that users see (`IFF_*`).
///
/// # Context
///
/// Any: numbers only.
///
/// # Examples
///
/// ```
/// use abstractions::net::netdevice::DevFlags;
///
/// let changed = DevFlags::PROMISC.with(DevFlags::ALLMULTI);
/// assert!(changed.any(DevFlags::PROMISC));
/// assert!(!changed.any(DevFlags::LOOPBACK));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevFlags(pub(crate) u32);

impl DevFlags {
    /// All multicast packets are received.
    pub const ALLMULTI: Self = Self(bindings::net_device_flags_IFF_ALLMULTI);
    /// All packets are received.
    pub const PROMISC: Self = Self(bindings::net_device_flags_IFF_PROMISC);
    /// What it sends it receives.
    pub const LOOPBACK: Self = Self(bindings::net_device_flags_IFF_LOOPBACK);

    /// Returns all of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same with address resolution on or off.
    pub(crate) const fn with_arp(self, on: bool) -> Self {
        let noarp = bindings::net_device_flags_IFF_NOARP;
        if on {
            Self(self.0 & !noarp)
        } else {
            Self(self.0 | noarp)
        }
    }

    /// Returns whether one of `which` is set.
    #[inline]
    pub const fn any(self, which: Self) -> bool {
        self.0 & which.0 != 0
    }
}

/// An address as C's functions take it.
pub(crate) fn sockaddr(family: u16, mac: Mac) -> bindings::__kernel_sockaddr_storage {
    // SAFETY: Zero is valid for this structure.
    let mut addr: bindings::__kernel_sockaddr_storage = unsafe { core::mem::zeroed() };
    let to = ptr::addr_of_mut!(addr).cast::<u8>();
    let [a, b, c, d, e, f] = mac.to_bytes();
    let [g, h] = family.to_ne_bytes();
    // The family is a `u16`, and the address follows.
    // SAFETY: The structure is larger than eight bytes.
    unsafe { to.cast::<[u8; 8]>().write([g, h, a, b, c, d, e, f]) };
    addr
}

/// A device's name.
///
/// # Context
///
/// Any: bytes only.
#[derive(Clone, Copy)]
pub struct Name([u8; bindings::IFNAMSIZ as usize]);

impl Name {
    /// Returns the name, with zeroes behind it.
    pub fn as_array(&self) -> &[u8; bindings::IFNAMSIZ as usize] {
        &self.0
    }

    /// Returns the name, without its terminating zero.
    pub fn to_bytes(&self) -> &[u8] {
        self.0.split(|c| *c == 0).next().unwrap_or_default()
    }
}

/// A device whose private data is a live `T`.
///
/// # Context
///
/// Any; does not sleep.
///
/// # Invariants
///
/// As [`NetDevice`]; registering the device has not failed. It is of a [`RtnlLinkOps`](super::link::RtnlLinkOps), and its private area is a
/// `Priv<T>` that is initialised for at least as long as the reference lives: it is dropped in
/// `priv_destructor`, after the core has waited for the last reference, and RCU readers do not
/// outlast the grace periods of unregistration.
#[repr(transparent)]
pub struct Link<T> {
    dev: NetDevice,
    _data: PhantomData<T>,
}

impl<T> Link<T> {
    /// Wraps a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must be as the type's invariants say, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::net_device) -> &'a Self {
        // CAST: `Link` is a transparent wrapper of `NetDevice`.
        // SAFETY: Guaranteed by the caller.
        unsafe { &*ptr.cast() }
    }

    /// Returns the driver's data. It is pinned.
    #[inline]
    pub fn data(&self) -> &T {
        // SAFETY: By the type's invariants the private area is a `Priv<T>` with live data.
        unsafe {
            (*super::link::private_area::Priv::<T>::of(self.as_ptr()))
                .data
                .assume_init_ref()
        }
    }

    /// Tells the stack that the link is usable (`netif_carrier_on()`).
    #[inline]
    pub fn carrier_on(&self) {
        // SAFETY: The device is valid. The function has the link watch take a reference to it, unless it
        // is not registered yet; registering it has not failed, so the core waits for that reference.
        unsafe { bindings::netif_carrier_on(self.as_ptr()) };
    }

    /// Tells the stack that the link is not usable (`netif_carrier_off()`).
    #[inline]
    pub fn carrier_off(&self) {
        // SAFETY: The device is valid, and the reference that the link watch takes is waited for, see
        // `carrier_on`.
        unsafe { bindings::netif_carrier_off(self.as_ptr()) };
    }

    /// Returns a number that no other device has, for as long as this one exists.
    pub fn id(&self) -> u64 {
        self.as_ptr() as usize as u64
    }

    /// Says in the kernel's log that `holder` has the address that this device wants; not too often.
    pub fn log_conflict(&self, holder: &NetDevice) {
        // SAFETY: Both devices are valid.
        unsafe { bindings::netdev_log_conflict(self.as_ptr(), holder.as_ptr()) };
    }

    /// Writes the MAC address, without telling anybody (`eth_hw_addr_set()`).
    pub fn write_mac(&self, mac: Mac, _rtnl: &Rtnl) {
        // SAFETY: The device is valid and of type Ethernet; RTNL is held, as writers must.
        unsafe { bindings::eth_hw_addr_set(self.as_ptr(), mac.to_bytes().as_ptr()) };
    }

    /// Sets the number that tells it from others with the same MAC address (`dev->dev_id`).
    pub fn set_dev_id(&self, id: u16, _rtnl: &Rtnl) {
        // SAFETY: The device is valid; readers use the field locklessly.
        unsafe { bindings::netdev_set_dev_id(self.as_ptr(), id) };
    }

    /// Switches address resolution on or off while the device is on its way up, and nobody is told yet.
    pub fn write_arp(&self, on: bool, _rtnl: &Rtnl) {
        // SAFETY: The device is valid, and RTNL is held.
        unsafe {
            let flags = DevFlags(bindings::netdev_flags(self.as_ptr()))
                .with_arp(on)
                .0;
            bindings::netdev_set_flags(self.as_ptr(), flags);
        }
    }

    /// Writes the MTU, without telling anybody; what `ndo_change_mtu` is to do at its end.
    pub fn write_mtu(&self, mtu: u32, _rtnl: &Rtnl) {
        // SAFETY: The device is valid; readers use the field locklessly.
        unsafe { bindings::netdev_set_mtu_field(self.as_ptr(), mtu) };
    }

    /// Takes over from the device below what it wants of packets: limits of segmentation, room.
    pub fn inherit_limits(&self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: Both devices are valid; readers use the fields locklessly.
        unsafe {
            bindings::netif_inherit_tso_max(self.as_ptr(), lower.as_ptr());
            bindings::netdev_inherit_room(self.as_ptr(), lower.as_ptr());
        }
    }

    /// Sets the largest MTU that users may choose; the one that is stays.
    pub fn set_max_mtu(&self, mtu: u32, _rtnl: &Rtnl) {
        // SAFETY: The device is valid; readers use the field locklessly.
        unsafe { bindings::netdev_set_max_mtu(self.as_ptr(), mtu) };
    }

    /// Lets users choose these features, or not; but filters of VLANs, which want operations. They stay as they are
    /// until they are computed by `Registered::update_features`.
    pub fn set_changeable(&self, which: Features, on: bool, _rtnl: &Rtnl) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid, and the field is used under RTNL only.
        unsafe {
            if on {
                (*dev).hw_features |= which.without(Features::VLAN_FILTER).possible();
            } else {
                (*dev).hw_features &= !which.0;
            }
        }
    }

    /// Says how long packets may be that come whole although they are to be cut some day, in bytes; `None` for
    /// as long as the stack makes them (`GSO_MAX_SIZE`). Not less than what TCP takes off for its headers, as users
    /// must not say either. What the user has chosen (`gso_max_size`) is lowered to
    /// that; it is not raised again.
    pub fn set_tso_max_size(&self, size: Option<u32>, _rtnl: &Rtnl) {
        // More than `MAX_TCP_HEADER`, which is a few hundred.
        const LEAST: u32 = 1024;
        let size = size.map_or(bindings::GSO_MAX_SIZE, |size| size.max(LEAST));
        // SAFETY: The device is valid, RTNL is held, and readers use the fields locklessly.
        unsafe { bindings::netif_set_tso_max_size(self.as_ptr(), size) };
    }

    /// Asks upper layers to leave this much room before a packet's data.
    #[inline]
    pub fn set_needed_headroom(&self, headroom: u16) {
        // SAFETY: The device is valid; readers use the field locklessly.
        unsafe { bindings::netdev_set_needed_headroom(self.as_ptr(), headroom) };
    }
}

impl<T> Deref for Link<T> {
    type Target = NetDevice;

    #[inline]
    fn deref(&self) -> &NetDevice {
        &self.dev
    }
}
