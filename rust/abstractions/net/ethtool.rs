// SPDX-License-Identifier: GPL-2.0

//! What `ethtool` can ask of a device.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

pub(crate) mod callbacks;
mod flag_callbacks;
mod stats_callbacks;

use super::{
    ethtool_stats::StatSet,
    netdevice::Link,
    registered::Registered,
    rtnl::Rtnl, //
};
use kernel::prelude::*;

/// Name and version of a driver (`ethtool -i`).
pub struct DriverInfo {
    /// The driver's name.
    pub driver: &'static CStr,
    /// Its version.
    pub version: &'static CStr,
}

/// Speed of a link (plain `ethtool`); full duplex, twisted pair, not negotiated.
pub struct LinkSettings {
    /// Speed in Mb/s.
    pub speed: u32,
}

/// The `ethtool` operations of devices with data of type `T`.
///
/// All run under RTNL. Present without asking: [name and version](super::link::RtnlLinkOps::DRIVER), whether
/// the link is there, and software timestamping.
/// A device with a [`lower_dev`](super::net_device_ops::NetDeviceOps::lower_dev) lets that one answer for link settings and
/// timestamping.
///
/// # Context
///
/// Process, RTNL. May sleep.
pub trait EthtoolOps<T: 'static>: 'static {
    /// Speed, and numbers of queues; `None` if the device has nothing to say about them.
    const LINK_SETTINGS: Option<LinkSettings>;

    /// Whether numbers of active queues can be [changed](Self::set_channels).
    const SETS_CHANNELS: bool = false;

    /// Changes the numbers of active transmit and receive queues, both at least 1 and not more than were
    /// allocated (`ethtool -L`). An error is what the user sees.
    fn set_channels(_dev: &Registered<Link<T>>, _tx: u16, _rx: u16, _rtnl: &Rtnl) -> Result {
        Err(EOPNOTSUPP)
    }

    /// Statistics beside those that every device has (`ethtool -S`).
    const STATS: &'static [&'static dyn StatSet<T>] = &[];

    /// Switches of the driver's own (`ethtool --show-priv-flags`), 32 at most.
    const PRIV_FLAGS: &'static [PrivFlag<T>] = &[];
}

/// A switch of a driver's own. Both functions run in the context of [`EthtoolOps`].
pub struct PrivFlag<T: 'static> {
    /// What it is called; cut to 31 bytes.
    pub name: &'static CStr,
    /// Whether it is on.
    pub get: fn(&Link<T>, &Rtnl) -> bool,
    /// Switches it to what it was not. An error is what the user sees.
    pub set: fn(&Registered<Link<T>>, bool, &Rtnl) -> Result,
}
