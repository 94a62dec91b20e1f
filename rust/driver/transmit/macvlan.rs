// SPDX-License-Identifier: GPL-2.0

//! Flavor macvlan: where a packet goes that an endpoint sends.

use super::{
    between,
    careful_group_xmit,
    checks::pass_checks,
    drop_tx,
    send_out,
    to_host, //
};
use crate::{
    drops::Reason,
    endpoint::{
        Endpoint,
        Macvlan, //
    },
    group,
    host,
    macvlan::settings::{
        Mode as MacvlanMode,
        Sends, //
    },
    reach::{
        unicast,
        Parties,
        Party,
        Reach, //
    },
    suppress, //
};
use abstractions::net::{
    headers::ETH_P_PAUSE,
    mac::Mac,
    net_device_ops::{
        Tx,
        XmitContext, //
    },
    netdevice::Link,
    skbuff::{
        EthFrame,
        SkBuff, //
    },
};

impl Macvlan {
    /// A packet that an endpoint of flavor macvlan sends; see the picture in [`macvlan`](crate::macvlan).
    #[inline]
    pub(crate) fn xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        match dev.data().mode.sends() {
            Sends::Bridge => Self::bridge_xmit(dev, skb, cx),
            Sends::Out => send_out(dev, skb, cx),
            Sends::Depends => Self::other_xmit(dev, skb, *cx),
        }
    }

    /// The same with a guard or limits, the host as a destination, or siblings of flavor ipvlan.
    #[inline(never)]
    fn other_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: XmitContext<'_>) -> Tx {
        // By value, so that on the short ways it does not have to be in memory.
        let cx = &cx;
        let mode = &dev.data().mode;
        let Some(skb) = pass_checks(mode.is_checked(), dev, skb, cx) else {
            return Tx::DROPPED;
        };
        let frame = match skb.into_frame() {
            Ok(frame) => frame,
            Err(skb) => return send_out(dev, skb, cx),
        };
        let frame = match Self::send_to_host(dev, frame, cx) {
            Ok(frame) => frame,
            Err(tx) => return tx,
        };
        if mode.get() == MacvlanMode::BRIDGE {
            Self::mixed_bridge_xmit(dev, frame, cx)
        } else {
            send_out(dev, frame.into_skb(), cx)
        }
    }

    /// Where the host is a destination, takes what is for it, and gives the rest back.
    #[inline]
    fn send_to_host<'a>(
        dev: &Link<Self>,
        frame: EthFrame<'a>,
        cx: &XmitContext<'_>,
    ) -> Result<EthFrame<'a>, Tx> {
        let this = dev.data();
        if !this.mode.has_host() {
            return Ok(frame);
        }
        let mut frame = if frame.is_to_group() && this.port.suppresses() {
            suppress::answer(dev, frame, cx)?
        } else {
            frame
        };
        this.port.mark_sent(&mut frame, cx);
        let party = this.party();
        if !host::is_for_host(party, &mut frame, this, cx) {
            return Ok(frame);
        }
        // A sibling of flavor ipvlan has the host's MAC address, too.
        let Some(owner) = this.port.dest_owner(frame.payload(), cx.rcu()) else {
            return Err(to_host(dev, frame, cx));
        };
        Err(match unicast(party, owner.data().party()) {
            Reach::Direct => between(dev, owner, frame, cx),
            Reach::Out => send_out(dev, frame.into_skb(), cx),
            Reach::Nowhere => drop_tx(dev, frame.into_skb(), Reason::TxIsolated, cx),
        })
    }

    /// A packet in mode bridge: to the siblings that it is for, or out.
    #[inline(always)]
    fn bridge_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        let frame = match skb.into_frame() {
            Ok(frame) => frame,
            Err(skb) => return send_out(dev, skb, cx),
        };
        if frame.is_to_group() {
            let dest = frame.dest();
            return Self::group_xmit(frame, dev, dest, cx);
        }
        match dev.data().port.macs.find(frame.dest().key(), cx.rcu()) {
            Some(owner) => Self::send_to(frame, owner, dev, cx),
            None => send_out(dev, frame.into_skb(), cx),
        }
    }

    /// The same if there may be siblings of flavor ipvlan, which have the lower device's address.
    #[inline]
    fn mixed_bridge_xmit(dev: &Link<Self>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        let dest = frame.dest();
        if dest.is_multicast() {
            return Self::group_xmit(frame, dev, dest, cx);
        }
        if let Some(owner) = this.port.macs.find(dest.key(), cx.rcu()) {
            return Self::send_to(frame, owner, dev, cx);
        }
        if dest != this.lower.mac() {
            return send_out(dev, frame.into_skb(), cx);
        }
        let Some(owner) = this.port.dest_owner(frame.payload(), cx.rcu()) else {
            return send_out(dev, frame.into_skb(), cx);
        };
        match unicast(Party::Macvlan(MacvlanMode::BRIDGE), owner.data().party()) {
            Reach::Direct => between(dev, owner, frame, cx),
            Reach::Out => send_out(dev, frame.into_skb(), cx),
            Reach::Nowhere => drop_tx(dev, frame.into_skb(), Reason::TxIsolated, cx),
        }
    }

    /// A frame to the address of `owner`.
    #[inline(never)]
    fn send_to(
        frame: EthFrame<'_>,
        owner: &Link<Self>,
        dev: &Link<Self>,
        cx: &XmitContext<'_>,
    ) -> Tx {
        const REACHED: Parties = Parties::reached_by(Party::Macvlan(MacvlanMode::BRIDGE));
        if REACHED.has(owner.data().party()) {
            between(dev, owner, frame, cx)
        } else {
            send_out(dev, frame.into_skb(), cx)
        }
    }

    /// A packet to a group: a copy to each sibling in mode bridge that listens, and out.
    #[inline(never)]
    fn group_xmit(frame: EthFrame<'_>, dev: &Link<Self>, dest: Mac, cx: &XmitContext<'_>) -> Tx {
        const HEARERS: Parties = Parties::of_sent_group(Party::Macvlan(MacvlanMode::BRIDGE));
        let this = dev.data();
        if !group::is_plain(&this.port) {
            return careful_group_xmit(dev, frame, dest, HEARERS, cx);
        }
        if frame.protocol() != ETH_P_PAUSE {
            group::copy_to_siblings(&this.port, HEARERS, dev.id(), &frame, dest, cx);
        }
        send_out(dev, frame.into_skb(), cx)
    }
}
