// SPDX-License-Identifier: GPL-2.0

//! Why packets are dropped.

use crate::bindings;
use core::ptr;

/// Why a packet was dropped (`enum skb_drop_reason`), as `skb:kfree_skb` and drop monitors show it.
#[derive(Clone, Copy)]
pub struct DropReason(bindings::skb_drop_reason);

impl DropReason {
    /// No reason that the core has a name for (`SKB_DROP_REASON_NOT_SPECIFIED`).
    pub const NOT_SPECIFIED: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_NOT_SPECIFIED);
    /// The sender may not reach whom it is for (`SKB_DROP_REASON_DEV_READY`).
    pub const DEV_READY: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_DEV_READY);
    /// The protocol is not one that can be routed (`SKB_DROP_REASON_UNHANDLED_PROTO`).
    pub const UNHANDLED_PROTO: Self =
        Self(bindings::skb_drop_reason_SKB_DROP_REASON_UNHANDLED_PROTO);
    /// It says that it is from somebody else (`SKB_DROP_REASON_IP_INVALID_SOURCE`).
    pub const IP_SOURCE: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_IP_INVALID_SOURCE);
    /// There is no route (`SKB_DROP_REASON_IP_OUTNOROUTES`).
    pub const NO_ROUTE: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_IP_OUTNOROUTES);
    /// It has gone through as many routers as it may (`SKB_DROP_REASON_IP_INHDR`, as `ip_forward()`).
    pub const HOPS: Self = Self::IP_HEADER;
    /// It would go round and round (`SKB_DROP_REASON_RECURSION_LIMIT`).
    pub const RECURSION_LIMIT: Self =
        Self(bindings::skb_drop_reason_SKB_DROP_REASON_RECURSION_LIMIT);
    /// The IP header is wrong (`SKB_DROP_REASON_IP_INHDR`).
    pub const IP_HEADER: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_IP_INHDR);
    /// The IPv4 header's checksum is wrong (`SKB_DROP_REASON_IP_CSUM`).
    pub const IP_CSUM: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_IP_CSUM);
    /// The IP header is not whole (`SKB_DROP_REASON_PKT_TOO_SMALL`).
    pub const TOO_SMALL: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_PKT_TOO_SMALL);
    /// The queue of group packets is full (`SKB_DROP_REASON_MACVLAN_BROADCAST_BACKLOG`).
    pub const BROADCAST_BACKLOG: Self =
        Self(bindings::skb_drop_reason_SKB_DROP_REASON_MACVLAN_BROADCAST_BACKLOG);
    /// There is more than is allowed (`SKB_DROP_REASON_QDISC_DROP`, as a policer at a queueing discipline).
    pub const QDISC_DROP: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_QDISC_DROP);
    /// The ring to user space is full (`SKB_DROP_REASON_FULL_RING`).
    pub const FULL_RING: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_FULL_RING);
    /// It cannot be segmented (`SKB_DROP_REASON_SKB_GSO_SEG`).
    pub const GSO_SEG: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_SKB_GSO_SEG);
    /// Its checksum cannot be computed (`SKB_DROP_REASON_SKB_CSUM`).
    pub const CSUM: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_SKB_CSUM);
    /// User space has not the bytes that it says (`SKB_DROP_REASON_SKB_UCOPY_FAULT`).
    pub const UCOPY_FAULT: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_SKB_UCOPY_FAULT);
    /// An XDP program said so (`SKB_DROP_REASON_XDP`).
    pub const XDP: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_XDP);
    /// The header in front of it does not fit it (`SKB_DROP_REASON_DEV_HDR`).
    pub const DEV_HDR: Self = Self(bindings::skb_drop_reason_SKB_DROP_REASON_DEV_HDR);
}

/// Frees a packet and says why.
///
/// # Safety
///
/// The caller must own a reference to `skb`, and give it up.
#[cold]
pub(crate) unsafe fn free(skb: *mut bindings::sk_buff, reason: DropReason) {
    // SAFETY: By the caller's guarantee.
    unsafe { bindings::sk_skb_reason_drop(ptr::null_mut(), skb, reason.0) };
}
