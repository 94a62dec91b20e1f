// SPDX-License-Identifier: GPL-2.0

//! The host, which is the lower device's own stack, as one more on the port (`host on`).
//!
//! ```text
//!   host                                          endpoint
//!    |  ^                                          |    ^
//!    |  |  received by the lower device            |    |
//!    |  +---------------------- is_for_host <------+    |
//!    v                                             |    |
//!   egress hook -- taker -----------------------------> +
//!    |                                             v
//!    +--------------------> wire <-----------------+
//! ```
//!
//! Both directions go through a backlog: whatever leads frames round in circles, nothing is one inside the
//! other. Frames with a VLAN tag are left alone: a VLAN of the lower device may be in a namespace of
//! somebody else.

use crate::{
    endpoint::{
        Common,
        Endpoint,
        Ipvlan, //
    },
    group::{
        self,
        Audience,
        Origin,
        NOBODY, //
    },
    ipvlan::settings::Mode,
    port::{
        Owner,
        Port, //
    },
    reach::{
        Parties,
        Party, //
    },
    suppress, //
};
use abstractions::{
    context::{
        Bh,
        Rcu, //
    },
    net::{
        headers::{
            ArpHdr,
            Ipv4Hdr,
            Ipv6Hdr,
            NdMsg,
            ETH_P_PAUSE, //
        },
        net_device_ops::XmitContext,
        netdevice::Link,
        rx_handler::{
            Egress,
            Handler, //
        },
        skbuff::EthFrame, //
    },
};
use core::mem::size_of;
use kernel::sync::atomic::ordering::Relaxed;

/// Whom the host reaches, and who reaches the host.
const REACHED: Parties = Parties::reached_by(Party::Host);

/// Whether a frame of `party`, whose data `this` is, is for the host alone. Of one to a group the host gets a
/// copy.
///
/// A frame with another protocol beside its header than in it never is: its sender would have had another
/// address looked at here than its receiver looks at. And what is looked at is where the sender can't change it.
#[inline(always)]
pub(crate) fn is_for_host(
    party: Party,
    frame: &mut EthFrame<'_>,
    this: &Common,
    cx: &XmitContext<'_>,
) -> bool {
    if !REACHED.has(party)
        || frame.is_tagged()
        || frame.protocol() != frame.payload().protocol()
        || frame.dest() != this.lower.mac() && !frame.is_to_group()
    {
        return false;
    }
    settle(frame);
    if !frame.is_to_group() {
        return true;
    }
    // A link in mode l3s gets by netfilter what the host receives for it, also in a frame to a group.
    let is_l3s = |dev: &Link<Ipvlan>| dev.data().settings.mode() == Mode::L3S;
    let owner = this.port.dest_owner(frame.payload(), cx.rcu());
    if frame.protocol() != ETH_P_PAUSE && !owner.is_some_and(is_l3s) {
        copy_to_host(&this.port, frame, cx.rcu(), cx.bh());
    }
    false
}

/// Has the addresses, as far as there are some, in memory that is not shared with a program.
fn settle(frame: &mut EthFrame<'_>) {
    const LONGEST: usize = size_of::<Ipv6Hdr>() + size_of::<NdMsg>();
    if frame.pull_header::<[u8; LONGEST]>(0).is_none()
        && frame.pull_header::<Ipv6Hdr>(0).is_none()
        && frame.pull_header::<ArpHdr>(0).is_none()
    {
        let _ = frame.pull_header::<Ipv4Hdr>(0);
    }
}

/// Gives the host a copy of a frame to a group. Its losses are the lower device's to count.
#[inline(never)]
fn copy_to_host(port: &Handler<Port>, frame: &EthFrame<'_>, rcu: Rcu<'_>, bh: Bh<'_>) {
    let Some(copy) = frame.try_clone() else {
        return port.lower().count_rx_dropped();
    };
    let skb = copy.forward_to(port.lower(), rcu).ok();
    // Siblings get theirs from the sender.
    if let Some(skb) = skb.and_then(|skb| port.mark_received(skb, rcu)) {
        let _ = skb.netif_rx(bh);
    }
}

impl Egress for Port {
    type Taker<'a> = Owner<'a>;

    /// A frame that the host sends: by MAC address it is an endpoint's, or by IP address if it is the lower
    /// device's own MAC address. If it is to a group, endpoints get copies.
    fn taker<'a>(
        this: &'a Handler<Self>,
        frame: &EthFrame<'_>,
        cx: &XmitContext<'a>,
    ) -> Option<Owner<'a>> {
        if frame.is_tagged() {
            return None;
        }
        let dest = frame.dest();
        if dest.is_multicast() {
            const HEARERS: Parties = Parties::of_sent_group(Party::Host);
            if this.suppresses() {
                if let Some(owner) = suppress::asked_by_host(this, frame, cx.rcu()) {
                    return Some(owner);
                }
            }
            if frame.protocol() == ETH_P_PAUSE {
                return None;
            }
            let audience = Audience::of_sent(HEARERS, NOBODY);
            if this.is_quiet() && !group::may_copy(this, audience, Origin::Host, dest, cx.rcu()) {
                group::not_copied(this, None, frame, cx);
                return None;
            }
            group::flood_siblings(this, HEARERS, (NOBODY, None), frame, dest, cx);
            return None;
        }
        if let Some(dev) = this.macs.find(dest.key(), cx.rcu()) {
            let data = dev.data();
            // From its own address it is one that tells a switch where the endpoint is.
            let takes = REACHED.has(data.party())
                && data.known_to_host.load(Relaxed) == dest.key()
                && frame.source() != dest
                && dev.is_up();
            return takes.then_some(Owner::Macvlan(dev));
        }
        if !this.has_ipvlan() || dest != this.lower().mac() {
            return None;
        }
        this.dest_owner(frame.payload(), cx.rcu())
            .filter(|dev| REACHED.has(dev.data().party()))
            .map(Owner::Ipvlan)
    }

    fn take(taker: Owner<'_>, frame: EthFrame<'_>, cx: &XmitContext<'_>) {
        match taker {
            Owner::Macvlan(dev) => group::receive_and_count(dev, frame, cx.rcu(), cx.bh()),
            Owner::Ipvlan(dev) => group::receive_and_count(dev, frame, cx.rcu(), cx.bh()),
        }
    }
}
