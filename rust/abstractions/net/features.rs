// SPDX-License-Identifier: GPL-2.0

//! Offload features of devices.
//!
//! C header: [`include/linux/netdev_features.h`](srctree/include/linux/netdev_features.h)
//!
//! # Context
//!
//! Any: numbers only.

use crate::bindings;
use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

/// A set of offload features (`netdev_features_t`).
///
/// # Examples
///
/// ```
/// use abstractions::net::features::Features;
///
/// let below = Features::SG.with(Features::HW_CSUM);
/// assert!(below.any(Features::CSUM_MASK));
/// assert_eq!(below.without(Features::SG), Features::HW_CSUM);
/// assert_eq!(below.and(Features::TSO), Features::NONE);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features(pub(crate) bindings::netdev_features_t);

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => {
        impl Features {
            $($(#[$doc])* pub const $name: Self = Self(bindings::$c);)*

            /// All that have a name here: nothing else can be passed on from a device below.
            pub(crate) const KNOWN: Self = Self(0 $(| bindings::$c)*);
        }
    };
}

features! {
    /// Scatter and gather.
    SG = NETIF_F_SG;
    /// Scatter and gather of whole packets in `frag_list`.
    FRAGLIST = NETIF_F_FRAGLIST;
    /// Any checksum, as described by the packet.
    HW_CSUM = NETIF_F_HW_CSUM;
    /// Checksums of received packets are verified.
    RXCSUM = NETIF_F_RXCSUM;
    /// The CRC32c of SCTP.
    SCTP_CRC = NETIF_F_SCTP_CRC;
    /// Memory above the DMA limit.
    HIGHDMA = NETIF_F_HIGHDMA;
    /// Segmentation by software, at the latest when the packet leaves.
    GSO = NETIF_F_GSO;
    /// Segmentation of packets whose headers nobody has verified.
    GSO_ROBUST = NETIF_F_GSO_ROBUST;
    /// Everything that software GSO can cut.
    GSO_SOFTWARE = NETIF_F_GSO_SOFTWARE;
    /// Segmentation inside tunnels.
    GSO_ENCAP_ALL = NETIF_F_GSO_ENCAP_ALL;
    /// TCP segmentation over IPv4.
    TSO = NETIF_F_TSO;
    /// TCP segmentation with congestion notification.
    TSO_ECN = NETIF_F_TSO_ECN;
    /// TCP segmentation where the identification is not counted up.
    TSO_MANGLEID = NETIF_F_TSO_MANGLEID;
    /// TCP segmentation over IPv6.
    TSO6 = NETIF_F_TSO6;
    /// TCP segmentation with accurate congestion notification.
    GSO_ACCECN = NETIF_F_GSO_ACCECN;
    /// UDP segmentation.
    GSO_UDP_L4 = NETIF_F_GSO_UDP_L4;
    /// Received packets are merged by software.
    GRO = NETIF_F_GRO;
    /// … into lists of whole packets.
    GRO_FRAGLIST = NETIF_F_GRO_FRAGLIST;
    /// … also those of UDP that are for nobody here.
    GRO_UDP_FWD = NETIF_F_GRO_UDP_FWD;
    /// Received packets are merged by the device.
    LRO = NETIF_F_LRO;
    /// There can be no VLANs on it.
    VLAN_CHALLENGED = NETIF_F_VLAN_CHALLENGED;
    /// 802.1Q tags are added out of band.
    VLAN_CTAG_TX = NETIF_F_HW_VLAN_CTAG_TX;
    /// 802.1Q tags are delivered out of band.
    VLAN_CTAG_RX = NETIF_F_HW_VLAN_CTAG_RX;
    /// Frames of unknown 802.1Q VLANs are filtered out.
    VLAN_CTAG_FILTER = NETIF_F_HW_VLAN_CTAG_FILTER;
    /// 802.1ad tags are added out of band.
    VLAN_STAG_TX = NETIF_F_HW_VLAN_STAG_TX;
    /// 802.1ad tags are delivered out of band.
    VLAN_STAG_RX = NETIF_F_HW_VLAN_STAG_RX;
    /// Frames of unknown 802.1ad VLANs are filtered out.
    VLAN_STAG_FILTER = NETIF_F_HW_VLAN_STAG_FILTER;
    /// What a device on top has if all devices below have it.
    ALL_FOR_ALL = NETIF_F_ALL_FOR_ALL;
}

impl Features {
    /// Any way to leave checksums to somebody else.
    pub const CSUM_MASK: Self = Self(bindings::NETIF_F_CSUM_MASK);

    /// Any kind of TCP segmentation.
    pub const ALL_TSO: Self = Self::TSO
        .with(Self::TSO_ECN)
        .with(Self::TSO_MANGLEID)
        .with(Self::TSO6);

    /// None.
    pub const NONE: Self = Self(0);

    /// What only a device can have that is told of VLANs.
    pub(crate) const VLAN_FILTER: Self = Self::VLAN_CTAG_FILTER.with(Self::VLAN_STAG_FILTER);

    /// Returns all of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns those of the first that are not in the second.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns whether some of `which` are among them.
    #[inline]
    pub const fn any(self, which: Self) -> bool {
        self.0 & which.0 != 0
    }

    /// What a device without hardware can have: whatever else somebody put together needs operations that
    /// it does not have, and C's core and drivers call without looking.
    pub(crate) const fn possible(self) -> bindings::netdev_features_t {
        self.and(Self::KNOWN).0
    }

    /// Adds a device that has `one` to devices that together have `all`; nothing is added that is not
    /// in `mask` (`netdev_increment_features()`).
    #[must_use]
    pub fn increment(all: Self, one: Self, mask: Self) -> Self {
        // SAFETY: A function of numbers.
        Self(unsafe { bindings::netdev_increment_features(all.0, one.0, mask.0) })
    }
}

/// Features that change while others look at them.
///
/// # Examples
///
/// ```
/// use abstractions::net::features::{Features, FeaturesCell};
///
/// let wanted = FeaturesCell::new(Features::NONE);
/// wanted.set(Features::GRO);
/// assert!(wanted.get().any(Features::GRO));
/// ```
pub struct FeaturesCell(Atomic<bindings::netdev_features_t>);

impl FeaturesCell {
    /// Makes a cell with `features` to begin with.
    pub const fn new(features: Features) -> Self {
        Self(Atomic::new(features.0))
    }

    /// Returns what they are now.
    #[inline]
    pub fn get(&self) -> Features {
        Features(self.0.load(Relaxed))
    }

    /// Changes them.
    pub fn set(&self, features: Features) {
        self.0.store(features.0, Relaxed);
    }
}
