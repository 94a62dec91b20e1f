// SPDX-License-Identifier: GPL-2.0

//! XDP: programs that decide about packets before there is an skb, and frames that they send on.
//!
//! C header: [`include/net/xdp.h`](srctree/include/net/xdp.h)

mod bulk;
pub(super) mod callbacks;
mod features;
pub(super) mod frame;
pub(super) mod metadata;
mod poll;
pub(super) mod prog;
pub(super) mod rxq;
mod transport;

pub use self::{
    bulk::XdpBulk,
    features::XdpFeatures,
    frame::{
        XdpFrame,
        XdpFrames, //
    },
    poll::{
        Done,
        Outcome,
        XdpPoll, //
    },
    prog::{
        ProgPtr,
        RunningProg,
        XdpProg, //
    },
};

/// The longest packet in one piece that a program gets wherever it runs, the Ethernet header included.
pub const MAX_LINEAR: u32 = crate::bindings::XDP_MAX_LINEAR;

/// How many bytes more there can be in further pieces.
pub const MAX_FRAGS: u32 = crate::bindings::XDP_MAX_FRAGS;

/// The longest packet that programs get whole although it is to be cut some day (`GSO_LEGACY_MAX_SIZE`).
pub const MAX_WHOLE: u32 = crate::bindings::GSO_LEGACY_MAX_SIZE;
const _: () = assert!(MAX_WHOLE <= MAX_LINEAR + MAX_FRAGS);

/// How much room programs want in front of a packet, in bytes (`XDP_PACKET_HEADROOM`).
pub const HEADROOM: u16 = 256;
const _: () = assert!(HEADROOM as u32 == crate::bindings::XDP_PACKET_HEADROOM);
