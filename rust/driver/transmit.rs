// SPDX-License-Identifier: GPL-2.0

//! Where a packet goes that an endpoint sends: to another endpoint, or out by the lower device. What a flavor
//! decides is in its file; here is what they share.

mod checks;
mod ipvlan;
mod macvlan;

use crate::{
    drops::Reason,
    endpoint::{
        lost,
        Common,
        Endpoint, //
    },
    group::{
        self,
        Audience,
        Origin, //
    },
    reach::Parties,
    suppress, //
};
use abstractions::net::{
    drop_trace::LostPacket,
    headers::ETH_P_PAUSE,
    link::downcast,
    mac::Mac,
    net_device_ops::{
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
        SkBuff,
        XmitStatus, //
    },
};

/// A frame to a group where who asks for a known link is answered, copies are bounded, or there may be many.
#[cold]
#[inline(never)]
fn careful_group_xmit<E: Endpoint>(
    dev: &Link<E>,
    mut frame: EthFrame<'_>,
    dest: Mac,
    hearers: Parties,
    cx: &XmitContext<'_>,
) -> Tx {
    let port = &dev.data().port;
    if port.suppresses() {
        frame = match suppress::answer(dev, frame, cx) {
            Ok(frame) => frame,
            Err(tx) => return tx,
        };
    }
    if frame.protocol() != ETH_P_PAUSE {
        let (id, sent) = (dev.id(), Some(&**dev));
        let (audience, sender) = (Audience::of_sent(hearers, id), Origin::Endpoint(dev.data()));
        if group::may_copy(port, audience, sender, dest, cx.rcu()) {
            group::flood_siblings(port, hearers, (id, sent), &frame, dest, cx);
        } else {
            group::not_copied(port, sent, &frame, cx);
        }
    }
    send_out(dev, frame.into_skb(), cx)
}

/// Hands a packet to the lower device, and counts what that says.
#[inline]
fn send_out<E: Endpoint>(dev: &Link<E>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
    let len = skb.len();
    let status = skb.queue_xmit(&dev.data().lower, cx.bh());
    sent(dev, len, status, cx)
}

/// Counts a packet of `len` bytes by what became of it.
#[inline]
fn sent<E: Endpoint>(dev: &Link<E>, len: u32, status: XmitStatus, cx: &XmitContext<'_>) -> Tx {
    if status.is_taken() {
        dev.data().stats.count_tx(len, cx.bh());
    } else {
        lost(dev, LostPacket::gone(len), Reason::TxLower, cx.bh());
    }
    Tx::lower(status)
}

/// Makes a frame that `sender` sends one that `receiver`, whose MAC address it is for, has received.
///
/// As far as anybody can see, the lower device has received it before: it goes [that way](by_lower) if there is
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
    let (lower, len) = (&this.lower, frame.len());
    // Whether it is dropped on the way is no business of the sender.
    this.stats.count_tx(len, cx.bh());
    if !this.port.sources.is_empty() {
        return by_lower::<S, R>(receiver, lower, frame, cx);
    }
    match frame.forward_over(lower, receiver, cx.rcu()) {
        Ok(skb) => {
            let to = receiver.data();
            if let Err(reason) = skb.peek(|skb| to.may_receive(skb.payload(), cx.rcu())) {
                lost(receiver, &skb, reason, cx.bh());
                skb.drop_reason(reason.core());
                return Tx::SENT;
            }
            match skb.netif_rx(cx.bh()) {
                Ok(()) => to.stats.count_rx(len, false, cx.bh()),
                Err(_) => lost(receiver, LostPacket::gone(len), Reason::Backlog, cx.bh()),
            }
            Tx::SENT
        }
        Err(frame) => by_lower::<S, R>(receiver, lower, frame, cx),
    }
}

/// Makes a frame for `receiver` one that the lower device has received, because somebody there may have a claim
/// on it; not a VLAN of another's.
///
/// Its sender, an `S`, is the device that it has: on the short way nothing has to be kept for this one.
#[cold]
#[inline(never)]
fn by_lower<S: Endpoint, R: Endpoint>(
    receiver: &Link<R>,
    lower: &NetDevice,
    mut frame: EthFrame<'_>,
    cx: &XmitContext<'_>,
) -> Tx {
    let sender = downcast::<S>(frame.dev());
    if sender.is_some_and(|sender| may_use_vlans(sender, cx))
        || !frame.is_for_vlan_of(lower, cx.rcu())
    {
        return through(frame, lower, cx);
    }
    if !lower.is_up() || lower.has_ingress_rules() {
        // Rules cannot be asked without that VLAN, and are not got round by a tag.
        lower.count_rx_dropped();
        frame.into_skb().drop_reason(DropReason::NOT_SPECIFIED);
    } else {
        group::receive_and_count(receiver, frame, cx.rcu(), cx.bh());
    }
    Tx::SENT
}

/// Whether what `sender` sends to the lower device may be received by VLANs there. These may be in another
/// namespace, with links of others on them, and only a switch on the wire says who is in which VLAN. The namespace of
/// the lower device may do as it likes; but who writes to a tap there may be a machine of somebody else's.
fn may_use_vlans<S: Endpoint>(sender: &Link<S>, cx: &XmitContext<'_>) -> bool {
    let this = sender.data();
    this.tap().is_none() && sender.is_beside(&this.lower, cx.rcu())
}

/// Makes a frame that `sender` sends one that the lower device's own stack has received: no link on it is
/// asked again.
#[inline(never)]
fn to_host<S: Endpoint>(sender: &Link<S>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
    let this = sender.data();
    this.stats.count_tx(frame.len(), cx.bh());
    let skb = frame.forward_to(&this.lower, cx.rcu()).ok();
    if let Some(skb) = skb.and_then(|skb| this.port.mark_received(skb, cx.rcu())) {
        let _ = skb.netif_rx(cx.bh());
    }
    Tx::SENT
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
    reason: Reason,
    cx: &XmitContext<'_>,
) -> Tx {
    drop_packet(sender, sender.data(), skb, reason, cx)
}

#[inline]
fn drop_packet(
    dev: &NetDevice,
    this: &Common,
    skb: SkBuff<'_>,
    reason: Reason,
    cx: &XmitContext<'_>,
) -> Tx {
    this.count_lost(dev, LostPacket::from(&skb), reason, cx.bh());
    skb.drop_reason(reason.core());
    Tx::DROPPED
}
