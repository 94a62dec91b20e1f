// SPDX-License-Identifier: GPL-2.0

//! What links on a bond have to do themselves.
//!
//! C header: [`include/net/bonding.h`](srctree/include/net/bonding.h)

use super::netdevice::NetDevice;
use crate::{
    bindings,
    context::Rcu, //
};

impl NetDevice {
    /// Returns how many seconds the device lets pass until it sends learning packets again, if it is a bond
    /// in mode balance-tlb, or a VLAN on one (`lp_interval`); else 0. A snapshot.
    pub fn bond_lp_interval(&self) -> u32 {
        // SAFETY: The device is valid, and with it the data of its driver, which are part of it; a VLAN's
        // device below is held by it (`vlan_dev_init()`, `vlan_dev_free()`).
        unsafe { bindings::bond_lp_interval(self.as_ptr()) }
    }

    /// Returns whether the device is a bond in mode balance-tlb or balance-alb, or a VLAN on one: after a
    /// failover these tell switches where the addresses are that they know of. A snapshot.
    pub fn bond_tells_switches(&self) -> bool {
        // SAFETY: As above.
        unsafe { bindings::bond_tells_switches(self.as_ptr()) }
    }

    /// Sends a frame on `lower` that says nothing but where this device's MAC address is, for switches
    /// to learn: from it to it, of Ethernet's loopback protocol. Lost if there is no memory.
    pub fn send_learning_packet(&self, lower: &Self, _rcu: Rcu<'_>) {
        // SAFETY: Both devices are valid; one that is down, or on its way out, drops what it is given.
        unsafe { bindings::send_learning_packet(lower.as_ptr(), self.as_ptr()) };
    }
}
