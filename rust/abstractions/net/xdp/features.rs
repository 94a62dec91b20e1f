// SPDX-License-Identifier: GPL-2.0

//! What a device says that it can do with XDP.

use crate::{
    bindings,
    net::{
        net_device_ops::NetDeviceOps,
        netdevice::Link,
        rtnl::Rtnl, //
    },
};

/// What a device can do with XDP (`NETDEV_XDP_ACT_*`); the core refuses programs what is not among it, and
/// user space can see it (`dev-get` of netlink family netdev).
///
/// # Context
///
/// Any: numbers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpFeatures(bindings::netdev_xdp_act);

impl XdpFeatures {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Programs may say `XDP_PASS`, `XDP_DROP`, `XDP_TX` and `XDP_ABORTED`.
    pub const BASIC: Self = Self(bindings::netdev_xdp_act_NETDEV_XDP_ACT_BASIC);
    /// … `XDP_REDIRECT`.
    pub const REDIRECT: Self = Self(bindings::netdev_xdp_act_NETDEV_XDP_ACT_REDIRECT);
    /// … and get packets in several pieces.
    pub const RX_SG: Self = Self(bindings::netdev_xdp_act_NETDEV_XDP_ACT_RX_SG);
    /// Others may send frames through it (`ndo_xdp_xmit`) …
    pub const NDO_XMIT: Self = Self(bindings::netdev_xdp_act_NETDEV_XDP_ACT_NDO_XMIT);
    /// … also such in several pieces.
    pub const NDO_XMIT_SG: Self = Self(bindings::netdev_xdp_act_NETDEV_XDP_ACT_NDO_XMIT_SG);

    /// Returns all of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl<T: NetDeviceOps> Link<T> {
    /// What the operations of the type can do: the core calls what a device says that it has.
    const POSSIBLE: XdpFeatures = {
        let none = XdpFeatures::NONE;
        let runs = if T::HAS_SET_XDP {
            XdpFeatures::BASIC
                .with(XdpFeatures::REDIRECT)
                .with(XdpFeatures::RX_SG)
        } else {
            none
        };
        runs.with(if T::HAS_XDP_XMIT {
            XdpFeatures::NDO_XMIT.with(XdpFeatures::NDO_XMIT_SG)
        } else {
            none
        })
    };

    /// Says what the device can do with XDP, to user space too if it is something else than before
    /// (`xdp_set_features_flag()`). What its operations lack is left out.
    ///
    /// # Context
    ///
    /// Process, RTNL. Sleeps.
    pub fn set_xdp_features(&self, features: XdpFeatures, _rtnl: &Rtnl) {
        // SAFETY: The device is valid, and RTNL held, as the notifiers want; the function takes the
        // device's own lock, which is not held under RTNL by the callbacks of devices like ours.
        unsafe { bindings::xdp_set_features_flag(self.as_ptr(), features.0 & Self::POSSIBLE.0) };
    }
}
