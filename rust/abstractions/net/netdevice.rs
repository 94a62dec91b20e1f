// SPDX-License-Identifier: GPL-2.0

//! Net devices: what any holder can ask of one, and the operations that a driver gives its own.
//!
//! A driver's device goes through these states, each a type:
//!
//! ```text
//! NewDevice --init()--> Initialised<T> --register()--> Registered<T> --finish()/keep()--> the core's
//!     |                      |                              |
//!     drop: free             drop: drop T, free             drop: unregister
//! ```
//!
//! After that the driver meets it again as [`&Link<T>`](Link) in the callbacks of
//! [`LinkOps`](super::link_ops::LinkOps). The private data `T` is only ever seen by shared reference:
//! callbacks run concurrently.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    features::Features,
    mac::Mac,
    namespace::Net,
    notifier::Event,
    rtnl::Rtnl,
    stats::SwNetstats, //
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
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// Any net device (`struct net_device`).
///
/// # Invariants
///
/// A reference to an instance points to a `struct net_device` that is registered, or was, and that
/// is not freed for the reference's lifetime.
#[repr(transparent)]
pub struct NetDevice(Opaque<bindings::net_device>);

// SAFETY: Every method is either for any context or asks for a proof of the one it needs.
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

    /// Whether the device is administratively up (`IFF_UP`). A snapshot, unless RTNL is held.
    #[inline]
    pub fn is_up(&self) -> bool {
        // SAFETY: The device is valid; the field may be read at any time.
        unsafe { bindings::netdev_flags(self.as_ptr()) & bindings::net_device_flags_IFF_UP != 0 }
    }

    /// The device's number, unique in its namespace. Any context.
    #[inline]
    pub fn ifindex(&self) -> i32 {
        // SAFETY: As above.
        unsafe { bindings::netdev_ifindex(self.as_ptr()) }
    }

    /// The device's name, as it is while RTNL is held.
    pub fn name(&self, _rtnl: &Rtnl) -> Name {
        // CAST: `c_char` is `u8` in the kernel.
        // SAFETY: The name is an array in the device; it changes under RTNL only.
        Name(unsafe { (*self.as_ptr()).name })
    }

    /// How many packets its queues are to hold (`txqueuelen`).
    pub fn tx_queue_len(&self, _rtnl: &Rtnl) -> u32 {
        // SAFETY: The device is valid; the length changes under RTNL only.
        unsafe { (*self.as_ptr()).tx_queue_len }
    }

    /// The namespace that the device is in; it cannot change while RTNL is held.
    #[inline]
    pub fn net<'a>(&self, _rtnl: &'a Rtnl) -> &'a Net {
        // SAFETY: The device is valid; `dev_change_net_namespace()` takes RTNL, and so does the end of
        // a namespace that still has devices.
        unsafe { Net::from_raw(bindings::dev_net(self.as_ptr())) }
    }

    /// Whether both are in the same namespace. A snapshot.
    pub fn is_beside(&self, other: &Self, _rcu: Rcu<'_>) -> bool {
        // SAFETY: Both devices are valid; pointers are compared, not followed.
        unsafe {
            ptr::eq(
                bindings::dev_net(self.as_ptr()),
                bindings::dev_net(other.as_ptr()),
            )
        }
    }

    /// The flags that users see (`dev->flags`). A snapshot, unless RTNL is held.
    #[inline]
    pub fn flags(&self) -> DevFlags {
        // SAFETY: The device is valid; the field may be read at any time.
        DevFlags(unsafe { bindings::netdev_flags(self.as_ptr()) })
    }

    /// The MTU in bytes, Ethernet header not included.
    #[inline]
    pub fn mtu(&self) -> u32 {
        // SAFETY: As above.
        unsafe { bindings::netdev_mtu(self.as_ptr()) }
    }

    /// The largest MTU that the device can have; zero if there is no limit.
    pub fn max_mtu(&self) -> u32 {
        // SAFETY: As above; it changes under RTNL only.
        unsafe { (*self.as_ptr()).max_mtu }
    }

    /// The MAC address. May be torn while somebody changes it, unless RTNL is held.
    #[inline]
    pub fn mac(&self) -> Mac {
        // SAFETY: As above; the bytes that `dev_addr` points to live as long as the device.
        Mac::from_le(unsafe { bindings::netdev_mac(self.as_ptr()) })
    }

    /// The broadcast address.
    #[inline]
    pub fn broadcast(&self) -> Mac {
        // SAFETY: As above; it is an array in the device.
        Mac::from_le(unsafe { bindings::netdev_broadcast(self.as_ptr()) })
    }

    /// Whether it speaks Ethernet and is not a loopback device.
    pub fn is_ethernet(&self, _rtnl: &Rtnl) -> bool {
        // SAFETY: As above; the type changes under RTNL only.
        let ether = unsafe { bindings::netdev_is_ether(self.as_ptr()) };
        ether && !self.flags().any(DevFlags::LOOPBACK)
    }

    /// The features that are on, as far as they are known here.
    pub fn features(&self, _rtnl: &Rtnl) -> Features {
        // SAFETY: As above; they change under RTNL only.
        Features(unsafe { (*self.as_ptr()).features }).and(Features::KNOWN)
    }

    /// The features that devices of VLANs on it may have.
    pub fn vlan_features(&self, _rtnl: &Rtnl) -> Features {
        // SAFETY: As above.
        Features(unsafe { (*self.as_ptr()).vlan_features }).and(Features::KNOWN)
    }

    /// Whether the device is on its way out.
    pub fn is_unregistering(&self, _rtnl: &Rtnl) -> bool {
        // SAFETY: The device is valid; its state changes under RTNL.
        bindings::netdev_reg_state::from(unsafe { (*self.as_ptr()).reg_state })
            == bindings::netdev_reg_state_NETREG_UNREGISTERING
    }

    /// Whether nobody has a claim on received packets before the device's
    /// [`RxHandler`](super::rx_handler::RxHandler): no packet socket, no classifier, no netfilter
    /// hook at ingress, no generic XDP, and no VLAN device for tagged ones. A snapshot.
    #[inline]
    pub fn ingress_is_plain(&self, _rcu: Rcu<'_>) -> bool {
        // SAFETY: The device is valid; pointers are compared with null, not followed, except to the
        // namespace, which outlives the RCU section.
        unsafe { bindings::netdev_ingress_is_plain(self.as_ptr()) }
    }

    /// Says something in the kernel's log, with the device's name.
    pub fn log_error(&self, msg: &'static CStr) {
        // SAFETY: The device is valid, and the message ends with a zero.
        unsafe { bindings::netdev_log_error(self.as_ptr(), msg.as_char_ptr().cast()) };
    }

    /// Counts a received packet that was dropped before it reached a protocol. Any context.
    #[cold]
    pub fn count_rx_dropped(&self) {
        // SAFETY: The device is valid.
        unsafe { bindings::dev_core_stats_rx_dropped_inc(self.as_ptr()) };
    }

    /// Asks for all packets, or takes one such wish back (`dev_set_promiscuity()`). Re-enters drivers
    /// and notifiers.
    pub fn set_promiscuity(&self, on: bool, _rtnl: &Rtnl) -> Result {
        // SAFETY: The device is valid, and RTNL is held.
        to_result(unsafe { bindings::dev_set_promiscuity(self.as_ptr(), step(on)) })
    }

    /// Asks for all multicast packets, or takes one such wish back (`dev_set_allmulti()`). Re-enters
    /// drivers and notifiers.
    pub fn set_allmulti(&self, on: bool, _rtnl: &Rtnl) -> Result {
        // SAFETY: The device is valid, and RTNL is held.
        to_result(unsafe { bindings::dev_set_allmulti(self.as_ptr(), step(on)) })
    }

    /// Adds a unicast address that the device is to receive packets for (`dev_uc_add()`).
    pub fn uc_add(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        // SAFETY: The device is valid, and no device has longer addresses; the function takes its lock.
        to_result(unsafe { bindings::dev_uc_add(self.as_ptr(), padded(mac).as_ptr()) })
    }

    /// Takes one such address back (`dev_uc_del()`); [`ENOENT`] if it is not there.
    pub fn uc_del(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        // SAFETY: As above.
        to_result(unsafe { bindings::dev_uc_del(self.as_ptr(), padded(mac).as_ptr()) })
    }

    /// As [`uc_add`](Self::uc_add), but [`EEXIST`] if it is there (`dev_uc_add_excl()`).
    pub fn uc_add_excl(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        // SAFETY: As above.
        to_result(unsafe { bindings::dev_uc_add_excl(self.as_ptr(), padded(mac).as_ptr()) })
    }

    /// Adds a multicast address; [`EEXIST`] if it is there (`dev_mc_add_excl()`).
    pub fn mc_add_excl(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        // SAFETY: As above.
        to_result(unsafe { bindings::dev_mc_add_excl(self.as_ptr(), padded(mac).as_ptr()) })
    }

    /// Takes a multicast address back (`dev_mc_del()`); [`ENOENT`] if it is not there.
    pub fn mc_del(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        // SAFETY: As above.
        to_result(unsafe { bindings::dev_mc_del(self.as_ptr(), padded(mac).as_ptr()) })
    }

    /// Calls `f` for each multicast address, with the number of devices on top that asked for it.
    /// The address list is locked meanwhile.
    pub fn for_each_mc(&self, mut f: impl FnMut(Mac, u32)) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid. The lock nests in that of a device on top.
        unsafe { bindings::netif_addr_lock_bh(dev) };
        // SAFETY: The list is locked.
        unsafe { walk_mc(dev, &mut f) };
        // SAFETY: Locked above.
        unsafe { bindings::netif_addr_unlock_bh(dev) };
    }

    /// Changes the MAC address (`dev_set_mac_address()`), for somebody who was asked to change another
    /// device's. Re-enters drivers and notifiers.
    pub fn set_mac_address(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        #[allow(clippy::cast_possible_truncation)]
        let mut addr = sockaddr(bindings::ARPHRD_ETHER as u16, mac);
        // SAFETY: The device is valid, RTNL is held, and the address is as long as the device wants.
        to_result(unsafe {
            bindings::dev_set_mac_address(self.as_ptr(), &mut addr, ptr::null_mut())
        })
    }

    /// The same for a user (`dev_set_mac_address_user()`): who reads the address without RTNL sees the
    /// old one or the new one. [`EINVAL`] if the family is not that of the device (`ARPHRD_*`).
    pub fn set_mac_address_user(&self, family: u16, mac: Mac, _rtnl: &Rtnl) -> Result {
        let mut addr = sockaddr(family, mac);
        // SAFETY: As above, and nobody who was asked to change an address is here.
        to_result(unsafe {
            bindings::dev_set_mac_address_user(self.as_ptr(), &mut addr, ptr::null_mut())
        })
    }

    /// Changes the MTU as if the user had (`dev_set_mtu()`). Re-enters drivers and notifiers.
    pub fn set_mtu(&self, mtu: u32, _rtnl: &Rtnl) -> Result {
        let mtu = c_int::try_from(mtu).map_err(|_| EINVAL)?;
        // SAFETY: The device is valid and RTNL is held.
        to_result(unsafe { bindings::dev_set_mtu(self.as_ptr(), mtu) })
    }

    /// Numbers of active and of allocated queues: `(real_tx, tx, real_rx, rx)`.
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

/// An address with zeros behind it, as long as the longest that a device can have.
fn padded(mac: Mac) -> [u8; bindings::MAX_ADDR_LEN as usize] {
    let mut bytes = [0; bindings::MAX_ADDR_LEN as usize];
    if let Some(start) = bytes.first_chunk_mut::<6>() {
        *start = mac.to_bytes();
    }
    bytes
}

/// What is added to a counter of wishes.
const fn step(on: bool) -> c_int {
    if on {
        1
    } else {
        -1
    }
}

/// Calls `f` for each multicast address, with the number of devices on top that asked for it.
///
/// # Safety
///
/// The device must be valid and its address list locked.
pub(crate) unsafe fn walk_mc(dev: *mut bindings::net_device, f: &mut dyn FnMut(Mac, u32)) {
    let mut ha = ptr::null_mut();
    loop {
        // SAFETY: By the caller's guarantee the list does not change, so the entry is in it.
        ha = unsafe { bindings::netdev_next_mc(dev, ha) };
        if ha.is_null() {
            return;
        }
        // SAFETY: As above; an entry has room for the longest address there is.
        let (addr, synced) = unsafe { ((*ha).addr, (*ha).synced) };
        let mac = addr.first_chunk::<6>().map(Mac::from_bytes);
        if let Some(mac) = mac {
            f(mac, u32::try_from(synced).unwrap_or(0));
        }
    }
}

/// Flags of a device that users see (`IFF_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevFlags(pub(crate) u32);

impl DevFlags {
    /// All multicast packets are received.
    pub const ALLMULTI: Self = Self(bindings::net_device_flags_IFF_ALLMULTI);
    /// All packets are received.
    pub const PROMISC: Self = Self(bindings::net_device_flags_IFF_PROMISC);
    /// What it sends it receives.
    pub const LOOPBACK: Self = Self(bindings::net_device_flags_IFF_LOOPBACK);

    /// All of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same with address resolution on or off.
    const fn with_arp(self, on: bool) -> Self {
        let noarp = bindings::net_device_flags_IFF_NOARP;
        if on {
            Self(self.0 & !noarp)
        } else {
            Self(self.0 | noarp)
        }
    }

    /// Whether one of `which` is set.
    #[inline]
    pub const fn any(self, which: Self) -> bool {
        self.0 & which.0 != 0
    }
}

/// An address as C's functions take it.
fn sockaddr(family: u16, mac: Mac) -> bindings::__kernel_sockaddr_storage {
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
#[derive(Clone, Copy)]
pub struct Name([u8; bindings::IFNAMSIZ as usize]);

impl Name {
    /// The name, with zeroes behind it.
    pub fn as_array(&self) -> &[u8; bindings::IFNAMSIZ as usize] {
        &self.0
    }

    /// The name, without its terminating zero.
    pub fn to_bytes(&self) -> &[u8] {
        self.0.split(|c| *c == 0).next().unwrap_or_default()
    }
}

/// A device whose private data is a live `T`.
///
/// # Invariants
///
/// As [`NetDevice`]; the device is of a [`LinkKind`](super::link::LinkKind), and its private area is a
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

    /// The driver's data. It is pinned.
    #[inline]
    pub fn data(&self) -> &T {
        // SAFETY: By the type's invariants the private area is a `Priv<T>` with live data.
        unsafe {
            (*super::link_callbacks::Priv::<T>::of(self.as_ptr()))
                .data
                .assume_init_ref()
        }
    }

    /// Tells the stack that the link is usable (`netif_carrier_on()`). Any context.
    #[inline]
    pub fn carrier_on(&self) {
        // SAFETY: The device is valid and registered.
        unsafe { bindings::netif_carrier_on(self.as_ptr()) };
    }

    /// Tells the stack that the link is not usable (`netif_carrier_off()`). Any context.
    #[inline]
    pub fn carrier_off(&self) {
        // SAFETY: As above.
        unsafe { bindings::netif_carrier_off(self.as_ptr()) };
    }

    /// A number that no other device has, for as long as this one exists.
    pub fn id(&self) -> u64 {
        self.as_ptr() as usize as u64
    }

    /// Asks `lower` again for what the device is to receive, as
    /// [`RxMode::sync_to`](super::link_ops::RxMode::sync_to) does.
    pub fn sync_to(&self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: The device is valid.
        unsafe { bindings::netif_addr_lock_bh(self.as_ptr()) };
        // SAFETY: Just locked.
        unsafe { super::link_ops::RxMode::assume(self.as_ptr()) }.sync_to(lower);
        // SAFETY: Locked above.
        unsafe { bindings::netif_addr_unlock_bh(self.as_ptr()) };
    }

    /// Takes back from `lower` what [`RxMode::sync_to`](super::link_ops::RxMode::sync_to) asked it for
    /// (`dev_uc_unsync()`, `dev_mc_unsync()`).
    pub fn unsync_from(&self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: Both devices are valid; the functions lock their lists, one inside the other.
        unsafe {
            bindings::dev_uc_unsync(lower.as_ptr(), self.as_ptr());
            bindings::dev_mc_unsync(lower.as_ptr(), self.as_ptr());
        }
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
        // SAFETY: The device is valid; who reads the field takes what is there.
        unsafe { (*self.as_ptr()).dev_id = id };
    }

    /// Switches address resolution on or off, as if the user had (`dev_change_flags()`). Re-enters
    /// notifiers.
    pub fn set_arp(&self, on: bool, _rtnl: &Rtnl) -> Result {
        // What packet sockets have switched on is not the user's wish, and stays theirs.
        // SAFETY: The device is valid, and RTNL is held.
        to_result(unsafe {
            let flags = bindings::netif_get_flags(self.as_ptr());
            let flags = DevFlags(flags).with_arp(on).0;
            bindings::dev_change_flags(self.as_ptr(), flags, ptr::null_mut())
        })
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

    /// Takes over the MTU of the device below, and tells of it: also one that users could not set here,
    /// or that somebody minds, for nothing larger can be sent. Re-enters drivers and notifiers.
    pub fn follow_mtu(&self, mtu: u32, rtnl: &Rtnl) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid; the limits are read and written under RTNL.
        let limits = unsafe {
            let limits = ((*dev).min_mtu, (*dev).max_mtu);
            ((*dev).min_mtu, (*dev).max_mtu) = (0, 0);
            limits
        };
        if self.set_mtu(mtu, rtnl).is_err() {
            self.write_mtu(mtu, rtnl);
        }
        // SAFETY: The device is still valid, and RTNL held.
        unsafe { ((*dev).min_mtu, (*dev).max_mtu) = limits };
    }

    /// Sends a frame on `lower` that says nothing but where this device's MAC address is, for switches
    /// to learn: from it to it, of Ethernet's loopback protocol. Lost if there is no memory.
    pub fn announce_on(&self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: Both devices are valid, and the lower one stays: who holds RTNL keeps it registered.
        unsafe { bindings::send_learning_packet(lower.as_ptr(), self.as_ptr()) };
    }

    /// Takes over carrier and the like from the device below (`netif_stacked_transfer_operstate()`).
    pub fn transfer_operstate(&self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: Both devices are valid.
        unsafe { bindings::netif_stacked_transfer_operstate(lower.as_ptr(), self.as_ptr()) };
    }

    /// Has the link watch look at the device soon, and tell user space.
    pub fn linkwatch_fire_event(&self, _rtnl: &Rtnl) {
        // SAFETY: The device is valid and registered.
        unsafe { bindings::linkwatch_fire_event(self.as_ptr()) };
    }

    /// Takes over from the device below what it wants of packets: limits of segmentation, room.
    pub fn inherit_limits(&self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: Both devices are valid; readers use the fields locklessly.
        unsafe {
            bindings::netif_inherit_tso_max(self.as_ptr(), lower.as_ptr());
            bindings::netdev_inherit_room(self.as_ptr(), lower.as_ptr());
        }
    }

    /// Computes the features again (`netdev_update_features()`). Re-enters `fix_features`.
    pub fn update_features(&self, _rtnl: &Rtnl) {
        // SAFETY: The device is valid and RTNL is held.
        unsafe { bindings::netdev_update_features(self.as_ptr()) };
    }

    /// Passes an event of the device below on to those who listen to this one.
    pub fn relay(&self, event: Event, _rtnl: &Rtnl) {
        // SAFETY: The device is valid and RTNL is held.
        unsafe { bindings::call_netdevice_notifiers(event.number(), self.as_ptr()) };
    }

    /// Whether the requester, if in another namespace than `net`, may administer that one, too
    /// (`rtnl_dev_link_net_capable()`).
    pub fn link_net_capable(&self, net: &Net, _rtnl: &Rtnl) -> bool {
        // SAFETY: Both are valid.
        unsafe { bindings::rtnl_dev_link_net_capable(self.as_ptr(), net.as_ptr()) }
    }

    /// Asks upper layers to leave this much room before a packet's data.
    #[inline]
    pub fn set_needed_headroom(&self, headroom: u16) {
        // SAFETY: The device is valid; readers use the field locklessly.
        unsafe { bindings::netdev_set_needed_headroom(self.as_ptr(), headroom) };
    }

    /// Sums up the per-CPU packet counters. Any context.
    pub fn sw_netstats(&self) -> SwNetstats {
        // SAFETY: The device is valid and of our kind, so that the union holds this type (see
        // `netdev_use_tstats()`); the pointer is set before it is registered and cleared after the
        // last reference is gone (`netdev_run_todo()`).
        let tstats = unsafe { (*self.as_ptr()).__bindgen_anon_2.tstats };
        if tstats.is_null() {
            return SwNetstats::default();
        }
        // SAFETY: Counters, for which zero is valid.
        let mut sum: bindings::rtnl_link_stats64 = unsafe { core::mem::zeroed() };
        // SAFETY: The counters exist and have been initialised by the core.
        unsafe { bindings::dev_fetch_sw_netstats(&mut sum, tstats) };
        SwNetstats {
            rx_packets: sum.rx_packets,
            rx_bytes: sum.rx_bytes,
            tx_packets: sum.tx_packets,
            tx_bytes: sum.tx_bytes,
        }
    }

    /// Switches GRO off, as if the user had. May sleep; re-enters `fix_features`.
    pub fn disable_gro(&self, _rtnl: &Rtnl) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid, and these fields are written under RTNL only.
        unsafe {
            (*dev).wanted_features &= !bindings::NETIF_F_GRO;
            (*dev).features &= !bindings::NETIF_F_GRO;
        }
        // SAFETY: RTNL is held, as `netdev_update_features()` wants.
        unsafe { bindings::netdev_update_features(dev) };
    }
}

impl<T> Deref for Link<T> {
    type Target = NetDevice;

    #[inline]
    fn deref(&self) -> &NetDevice {
        &self.dev
    }
}
