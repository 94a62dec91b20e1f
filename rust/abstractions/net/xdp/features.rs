// SPDX-License-Identifier: GPL-2.0

//! What a device says that it can do with XDP.

use crate::bindings;

/// What a device can do with XDP (`NETDEV_XDP_ACT_*`); the core refuses programs what is not among it, and
/// user space can see it (`dev-get` of netlink family netdev).
///
/// # Context
///
/// Any: numbers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpFeatures(pub(super) bindings::netdev_xdp_act);

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
