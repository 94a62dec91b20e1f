// SPDX-License-Identifier: GPL-2.0

//! Packets from one endpoint to another by MAC address, at least one of which is of flavor macvlan.

use crate::port::PortRef;
use abstractions::net::{
    link_ops::{
        Tx,
        XmitContext, //
    },
    netdevice::{
        Link,
        NetDevice, //
    },
    skbuff::{
        DropReason,
        EthFrame,
        SkBuff, //
    },
    stats::StackedStats,
};

/// What endpoints of all flavors have.
pub(crate) trait Endpoint {
    /// The device below.
    fn lower(&self) -> &NetDevice;
    /// What they share.
    fn port(&self) -> &PortRef;
    /// What they have sent and received.
    fn stats(&self) -> &StackedStats;
}

/// Makes a frame that `sender` sends one that `receiver`, whose MAC address it is for, has received.
///
/// As far as anybody can see, the lower device has received it before: it goes that way if there is
/// somebody to see it, or if VLANs on the lower device or sources might have a claim on it. Then the
/// port finds the receiver.
#[inline(always)]
pub(crate) fn between<S: Endpoint, R: Endpoint>(
    sender: &Link<S>,
    receiver: &Link<R>,
    frame: EthFrame<'_>,
    cx: &XmitContext<'_>,
) -> Tx {
    let this = sender.data();
    let (lower, len) = (this.lower(), frame.len());
    // Whether it is dropped on the way is no business of the sender.
    this.stats().count_tx(len, cx.bh());
    if !this.port().sources.is_empty() {
        return through(frame, lower, cx);
    }
    match frame.forward_over(lower, receiver, cx.rcu()) {
        Ok(skb) => {
            if skb.netif_rx(cx.bh()).is_ok() {
                receiver.data().stats().count_rx(len, false, cx.bh());
            }
            Tx::SENT
        }
        Err(frame) => through(frame, lower, cx),
    }
}

/// Makes a frame one that the lower device has received.
#[cold]
#[inline(never)]
fn through(frame: EthFrame<'_>, lower: &NetDevice, cx: &XmitContext<'_>) -> Tx {
    let _ = frame
        .forward_to(lower, cx.rcu())
        .and_then(|skb| skb.netif_rx(cx.bh()));
    Tx::SENT
}

/// Drops a packet that `sender` may not send, and counts it there.
#[cold]
pub(crate) fn drop_tx<S: Endpoint>(
    sender: &Link<S>,
    skb: SkBuff<'_>,
    reason: DropReason,
    cx: &XmitContext<'_>,
) -> Tx {
    sender.data().stats().count_tx_dropped(cx.bh());
    skb.drop_reason(reason);
    Tx::DROPPED
}
