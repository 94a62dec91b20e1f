// SPDX-License-Identifier: GPL-2.0

//! Who receives a device's packets already.

use crate::{
    bindings,
    net::{
        netdevice::NetDevice,
        rtnl::Rtnl, //
    },
};

/// Who it is that receives a device's packets.
///
/// # Context
///
/// Process, RTNL. Does not sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RxHandlerOwner {
    /// The bridge that the device is a port of.
    Bridge,
    /// The bond that the device is part of.
    Bond,
    /// The team that the device is a port of.
    Team,
    /// The C driver macvlan.
    Macvlan,
    /// Open vSwitch.
    OpenVswitch,
    /// Somebody else.
    Other,
}

impl RxHandlerOwner {
    /// Returns who receives the packets of `dev`.
    pub fn of(dev: &NetDevice, _rtnl: &Rtnl) -> Self {
        // SAFETY: The device is valid; the flags change under RTNL only.
        let flags = unsafe { bindings::netdev_get_priv_flags(dev.as_ptr()) };
        let has = |flag: u32| flags & flag != 0;
        if has(bindings::netdev_priv_flags_IFF_BRIDGE_PORT) {
            Self::Bridge
        } else if dev.flags().0 & bindings::net_device_flags_IFF_SLAVE != 0 {
            Self::Bond
        } else if has(bindings::netdev_priv_flags_IFF_TEAM_PORT) {
            Self::Team
        } else if has(bindings::netdev_priv_flags_IFF_MACVLAN_PORT) {
            Self::Macvlan
        } else if has(bindings::netdev_priv_flags_IFF_OVS_DATAPATH) {
            Self::OpenVswitch
        } else {
            Self::Other
        }
    }
}
