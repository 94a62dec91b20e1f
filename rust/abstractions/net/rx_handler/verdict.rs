// SPDX-License-Identifier: GPL-2.0

//! What becomes of a received packet.

use crate::{
    bindings,
    net::skbuff::{
        ReceivedSkBuff,
        RxSkb, //
    },
};

/// What becomes of a received packet: the number that the core wants, and the packet if it gets it back.
///
/// # Context
///
/// Where packets are received: softirqs disabled, in an RCU section. Does not sleep.
#[must_use]
pub struct Verdict<'a> {
    pub(super) result: bindings::rx_handler_result_t,
    pub(super) skb: Option<RxSkb<'a>>,
}

impl<'a> Verdict<'a> {
    /// It is gone (`RX_HANDLER_CONSUMED`).
    pub const CONSUMED: Self = Self {
        result: bindings::rx_handler_result_RX_HANDLER_CONSUMED,
        skb: None,
    };

    /// Lets the packet go on to the protocols of the device that received it (`RX_HANDLER_PASS`).
    #[inline]
    pub fn pass(skb: RxSkb<'a>) -> Self {
        Self {
            result: bindings::rx_handler_result_RX_HANDLER_PASS,
            skb: Some(skb),
        }
    }

    /// Has the packet begin anew, as received by another device (`RX_HANDLER_ANOTHER`). Dropped if the
    /// handler is not one that [passes packets on](super::RxHandler::PASSES_ON).
    #[inline]
    pub fn another(skb: ReceivedSkBuff<'a>) -> Self {
        Self {
            result: bindings::rx_handler_result_RX_HANDLER_ANOTHER,
            skb: Some(skb.into_rx()),
        }
    }
}
