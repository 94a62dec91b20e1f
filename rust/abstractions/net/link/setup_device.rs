// SPDX-License-Identifier: GPL-2.0

//! What can be set while nobody else knows a device.

use crate::{
    bindings,
    net::{
        features::Features,
        namespace::Net,
        netdevice::NetDevice,
        rtnl::Rtnl, //
    },
};
use core::marker::PhantomData;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// A device whose properties can be set freely, because nobody else knows it yet.
///
/// # Context
///
/// Process, RTNL; the device is nobody else's yet. Does not sleep.
///
/// # Invariants
///
/// `dev` is allocated, not registered and used by nobody else during `'a`.
pub struct SetupDevice<'a> {
    dev: *mut bindings::net_device,
    _dev: PhantomData<&'a mut ()>,
}

/// Properties of a device that are on or off.
///
/// # Context
///
/// Any: numbers only.
#[derive(Clone, Copy)]
pub struct PrivFlags(u32);

impl PrivFlags {
    /// The address may change while the device is up.
    pub const LIVE_ADDR_CHANGE: Self = Self(bindings::netdev_priv_flags_IFF_LIVE_ADDR_CHANGE);
    /// No queueing discipline by default.
    pub const NO_QUEUE: Self = Self(bindings::netdev_priv_flags_IFF_NO_QUEUE);
    /// The headroom it asks for is for others: a bridge need not add it up.
    pub const PHONY_HEADROOM: Self = Self(bindings::netdev_priv_flags_IFF_PHONY_HEADROOM);

    /// Nobody else can receive its packets in its place.
    pub const NO_RX_HANDLER: Self = Self(bindings::netdev_priv_flags_IFF_NO_RX_HANDLER);
    /// Filters unicast addresses itself.
    pub const UNICAST_FLT: Self = Self(bindings::netdev_priv_flags_IFF_UNICAST_FLT);
    /// Has no use for a packet's route when it transmits.
    pub const XMIT_DST_RELEASE: Self = Self(
        bindings::netdev_priv_flags_IFF_XMIT_DST_RELEASE
            | bindings::netdev_priv_flags_IFF_XMIT_DST_RELEASE_PERM,
    );

    /// Returns all of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl SetupDevice<'_> {
    /// Wraps a pointer.
    ///
    /// # Safety
    ///
    /// `dev` must be as the type's invariants say, for as long as this is there.
    pub(super) unsafe fn from_raw(dev: *mut bindings::net_device) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self {
            dev,
            _dev: PhantomData,
        }
    }

    /// Sets properties.
    pub fn set_priv_flags(&mut self, flags: PrivFlags) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_set_priv_flags(self.dev, flags.0, 0) };
    }

    /// Takes properties away.
    pub fn clear_priv_flags(&mut self, flags: PrivFlags) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_set_priv_flags(self.dev, 0, flags.0) };
    }

    /// Lets the user switch the link off without taking the device down (`protodown`).
    pub fn set_change_proto_down(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_set_change_proto_down(self.dev) };
    }

    /// Returns whether the requester, if the device will be in another namespace than `net`, may administer
    /// that one, too (`rtnl_dev_link_net_capable()`).
    pub fn link_net_capable(&self, net: &Net, _rtnl: &Rtnl) -> bool {
        // SAFETY: Both are valid.
        unsafe { bindings::rtnl_dev_link_net_capable(self.dev, net.as_ptr()) }
    }

    /// Sets how many packets the queues hold (`txqueuelen`).
    pub fn set_tx_queue_len(&mut self, len: u32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).tx_queue_len = len };
    }

    /// Returns the MTU.
    pub fn mtu(&self) -> u32 {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).mtu }
    }

    /// Sets the MTU.
    pub fn set_mtu(&mut self, mtu: u32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).mtu = mtu };
    }

    /// Takes over the address of the device below, and how it came by it (`eth_hw_addr_inherit()`).
    pub fn inherit_address(&mut self, from: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: By the type's invariant; the address changes under RTNL only.
        unsafe { bindings::eth_hw_addr_inherit(self.dev, from.as_ptr()) };
    }

    /// Takes over the address of the device below, and nothing else (`eth_hw_addr_set()`).
    pub fn copy_address(&mut self, from: &NetDevice, _rtnl: &Rtnl) {
        let mac = from.mac().to_bytes();
        // SAFETY: By the type's invariant; Ethernet devices have addresses of six bytes.
        unsafe { bindings::eth_hw_addr_set(self.dev, mac.as_ptr()) };
    }

    /// Takes over what concerns packets from the device below: carrier, limits of segmentation,
    /// room for headers.
    pub fn inherit_lower(&mut self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: By the type's invariant; the other device is valid.
        unsafe {
            bindings::netdev_inherit_state(self.dev, lower.as_ptr());
            bindings::netif_inherit_tso_max(self.dev, lower.as_ptr());
            (*self.dev).hard_header_len = (*lower.as_ptr()).hard_header_len;
            bindings::netdev_inherit_room(self.dev, lower.as_ptr());
        }
    }

    /// Sets what a device on top of another can do: now, by the user's choice, for VLANs on it. What
    /// it can do for tunnels is what it can do, and what was set before.
    pub fn set_stacked_features(&mut self, now: Features, changeable: Features, vlan: Features) {
        // SAFETY: By the type's invariant.
        unsafe {
            (*self.dev).features = now.possible();
            (*self.dev).hw_features |= changeable.possible();
            (*self.dev).vlan_features = vlan.possible();
            (*self.dev).hw_enc_features |= now.possible();
        }
    }

    /// Says that the driver needs no transmit lock: `start_xmit` may run on many CPUs at once.
    pub fn set_lltx(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_set_lltx(self.dev, true) };
    }

    /// Sets the largest MTU.
    pub fn set_max_mtu(&mut self, mtu: u32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).max_mtu = mtu };
    }

    /// Lets GSO packets be as large as the stack can make them (`GSO_MAX_SIZE`).
    pub fn set_tso_max_size(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netif_set_tso_max_size(self.dev, bindings::GSO_MAX_SIZE) };
    }

    /// Sets what the device can do: now, by the user's choice, for tunnels, VLANs and MPLS on it.
    pub fn set_features(&mut self, features: Features, vlan: Features, mpls: Features) {
        // SAFETY: By the type's invariant.
        unsafe {
            (*self.dev).features |= features.possible();
            (*self.dev).hw_features = features.possible();
            (*self.dev).hw_enc_features = features.possible();
            (*self.dev).vlan_features = vlan.possible();
            (*self.dev).mpls_features = mpls.possible();
        }
    }

    /// Gives the device a random address of its own (`eth_hw_addr_random()`).
    pub fn set_random_address(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::eth_hw_addr_random(self.dev) };
    }

    /// Asks for an ifindex; zero for any.
    pub fn set_ifindex(&mut self, ifindex: i32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).ifindex = ifindex };
    }

    /// Returns the ifindex that was asked for; zero for any.
    pub fn ifindex(&self) -> i32 {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).ifindex }
    }

    /// Returns the numbers of allocated transmit and receive queues.
    pub fn num_queues(&self) -> (u32, u32) {
        // SAFETY: By the type's invariant.
        unsafe { ((*self.dev).num_tx_queues, (*self.dev).num_rx_queues) }
    }

    /// Sets the numbers of active queues, where given; [`EINVAL`] if more than are allocated.
    pub fn set_real_num_queues(&mut self, tx: Option<u32>, rx: Option<u32>) -> Result {
        // SAFETY: By the type's invariant.
        unsafe { set_real_num_queues(self.dev, tx, rx) }
    }

    /// Takes over the limits of segmentation from another device (`netif_inherit_tso_max()`).
    pub fn inherit_tso_max(&mut self, from: &SetupDevice<'_>) {
        // SAFETY: By the invariant of both.
        unsafe { bindings::netif_inherit_tso_max(self.dev, from.dev) };
    }
}
/// Sets the number of active queues of a device that is not registered yet.
///
/// # Safety
///
/// `dev` must be allocated and not registered.
unsafe fn set_real_num_queues(
    dev: *mut bindings::net_device,
    tx: Option<u32>,
    rx: Option<u32>,
) -> Result {
    if let Some(tx) = tx {
        // SAFETY: By the caller's guarantee nobody uses the device yet; the function checks the number.
        to_result(unsafe { bindings::netif_set_real_num_tx_queues(dev, tx) })?;
    }
    if let Some(rx) = rx {
        // SAFETY: By the caller's guarantee nobody uses the device yet; the function checks the number.
        to_result(unsafe { bindings::netif_set_real_num_rx_queues(dev, rx) })?;
    }
    Ok(())
}
