// SPDX-License-Identifier: GPL-2.0

//! Whether an endpoint may send a packet: what its guard and its limits say.

use super::drop_packet;
use crate::{
    drops::Reason,
    endpoint::{
        Common,
        Endpoint, //
    },
    guard::{
        checksum::is_where_it_belongs,
        verdict::Bytes, //
    },
    limits::{
        bucket::Moment,
        neighbours::is_about_neighbours, //
    },
};
use abstractions::{
    context::Rcu,
    net::{
        headers::{
            Header,
            ETH_P_IP, //
        },
        net_device_ops::XmitContext,
        netdevice::{
            Link,
            NetDevice, //
        },
        skbuff::{
            EthFrame,
            SkBuff, //
        },
    },
    time::monotonic_ns,
};

/// Gives a packet back that the guard and the limits of `dev` let pass, if it `is_checked` by any; drops any
/// other.
#[inline(always)]
pub(super) fn pass_checks<'a, E: Endpoint>(
    is_checked: bool,
    dev: &Link<E>,
    skb: SkBuff<'a>,
    cx: &XmitContext<'_>,
) -> Option<SkBuff<'a>> {
    if is_checked {
        ask(dev.data(), dev, skb, cx)
    } else {
        Some(skb)
    }
}

/// The same if it has some: whatever the flavor of `dev`, whose data `this` is part of. What the guard drops
/// takes nothing from what may be sent.
#[cold]
#[inline(never)]
fn ask<'a>(
    this: &Common,
    dev: &NetDevice,
    skb: SkBuff<'a>,
    cx: &XmitContext<'_>,
) -> Option<SkBuff<'a>> {
    let (skb, verdict) = match skb.into_frame() {
        Ok(mut frame) => {
            let verdict = ask_guard(this, dev, &mut frame, cx.rcu())
                .and_then(|()| ask_limits(this, &frame, cx.rcu()));
            (frame.into_skb(), verdict)
        }
        Err(skb) if this.guard.is_some() => (skb, Err(Reason::TxGuardFrame)),
        Err(skb) => (skb, Err(Reason::TxShort)),
    };
    match verdict {
        Ok(()) => Some(skb),
        Err(reason) => {
            let _ = drop_packet(dev, this, skb, reason, cx);
            None
        }
    }
}

fn ask_guard(
    this: &Common,
    dev: &NetDevice,
    frame: &mut EthFrame<'_>,
    rcu: Rcu<'_>,
) -> Result<(), Reason> {
    let Some(guard) = this.guard.get(rcu) else {
        return Ok(());
    };
    let protocol = frame.protocol();
    if frame.has_partial_checksum() && !settle_checksum(frame, protocol) {
        return Err(Reason::TxGuardFrame);
    }
    let (source, protocol) = (frame.source(), frame.protocol());
    guard.check(dev.mac(), source, protocol, frame)
}

fn ask_limits(this: &Common, frame: &EthFrame<'_>, rcu: Rcu<'_>) -> Result<(), Reason> {
    let Some(limits) = this.limits.get(rcu) else {
        return Ok(());
    };
    let (packet, now) = (frame.payload(), Moment(monotonic_ns()));
    // The protocol beside the header is what the sender says, and may be another.
    let is_about_neighbours =
        || packet.protocol() == frame.protocol() && is_about_neighbours(packet);
    let mut size = packet.wire_size();
    if packet.protocol() == ETH_P_IP {
        // Modes l3 and l3s take what is longer than the lower device can, and cut it.
        size = size.cut_for(packet.len(), packet.gso_size(), this.lower.mtu());
    }
    limits.send(size, frame.is_to_group(), is_about_neighbours, now)
}

/// Sees to it that nothing of what is looked at in a frame of that protocol changes any more: a checksum that
/// somebody else would write there is computed now. Whether that was possible.
#[cold]
#[inline(never)]
pub(super) fn settle_checksum(frame: &mut EthFrame<'_>, protocol: u16) -> bool {
    frame
        .checksum_place()
        .is_some_and(|(start, offset)| is_where_it_belongs(frame, protocol, start, offset))
        || frame.complete_checksum()
}

impl Bytes for EthFrame<'_> {
    fn header<T: Header>(&mut self, at: usize) -> Option<T> {
        self.pull_header(at)
    }

    fn len(&self) -> usize {
        self.payload().len() as usize
    }

    fn is_gso(&self) -> bool {
        EthFrame::is_gso(self)
    }

    fn said_protocol(&self) -> u16 {
        self.payload().protocol()
    }
}
