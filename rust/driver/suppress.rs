// SPDX-License-Identifier: GPL-2.0

//! Requests for who has an IP address, where the port knows (`suppress on`).
//!
//! ```text
//!   endpoint --asks--> port --answers--> endpoint          nobody else hears of it
//!   wire, host --asks--> port ---------> who is asked for  and the host, of what the wire asks
//! ```
//!
//! An answer says what that endpoint would say itself, to whom it would be heard by; it is made here of nothing
//! that who asks can choose but his own addresses, and goes to nobody else.

pub(crate) mod question;

use crate::{
    drops::Reason,
    endpoint::{
        lost,
        Endpoint, //
    },
    group::{
        self,
        Audience,
        Place, //
    },
    port::{
        Owner,
        Port, //
    },
    reach::{
        sent_group,
        Party, //
    },
};
use abstractions::{
    context::Rcu,
    net::{
        mac::Mac,
        net_device_ops::{
            Tx,
            XmitContext, //
        },
        netdevice::Link,
        payload::Payload,
        rx_handler::RxContext,
        skbuff::{
            EthFrame,
            RxSkb, //
        },
    },
};
use question::Question;

/// Answers a frame of `dev` to a group, if that is a request for a known endpoint; gives any other back.
#[cold]
#[inline(never)]
pub(crate) fn answer<'a, E: Endpoint>(
    dev: &Link<E>,
    frame: EthFrame<'a>,
    cx: &XmitContext<'_>,
) -> Result<EthFrame<'a>, Tx> {
    let this = dev.data();
    let asked = asked_by(&this.port, this.party(), dev.id(), &frame, cx.rcu());
    let Some((question, owner)) = asked else {
        return Ok(frame);
    };
    this.stats.count_tx(frame.len(), cx.bh());
    lost(dev, &frame, Reason::Suppressed, cx.bh());
    frame.into_skb().drop_reason(Reason::Suppressed.core());
    tell(dev, &question, owner.mac(), cx);
    Err(Tx::SENT)
}

/// Tells `dev` that it is `owner`.
#[inline(never)]
fn tell<E: Endpoint>(dev: &Link<E>, question: &Question, owner: Mac, cx: &XmitContext<'_>) {
    let answer = question.answer(owner);
    group::receive_bytes(dev, answer.bytes(), cx.rcu(), cx.bh());
}

/// The known endpoint that alone is to get what the host asks.
#[cold]
#[inline(never)]
pub(crate) fn asked_by_host<'a>(
    port: &'a Port,
    frame: &EthFrame<'_>,
    rcu: Rcu<'a>,
) -> Option<Owner<'a>> {
    let (_, owner) = asked_by(port, Party::Host, group::NOBODY, frame, rcu)?;
    Some(owner)
}

/// Gives the known endpoint that is asked for a copy of what came in by the lower device, if that is a request
/// that it is to hear; then nobody else is to have one.
#[cold]
#[inline(never)]
pub(crate) fn copy_to_owner(
    port: &Port,
    skb: &RxSkb<'_>,
    audience: Audience,
    cx: &RxContext<'_>,
) -> bool {
    let (packet, dest) = (skb.payload(), skb.dest());
    if packet.is_in_vlan() {
        return false;
    }
    let addresses = (dest, skb.source());
    let asked = asked(port, addresses, packet.protocol(), packet, cx.rcu());
    let Some((_, owner)) = asked.filter(|(_, owner)| audience.has(owner.party(), owner.id()))
    else {
        return false;
    };
    let place = Place::Softirq(cx.bh());
    match owner {
        Owner::Macvlan(dev) => group::copy_to(dev, skb, dest, cx.rcu(), place),
        Owner::Ipvlan(dev) => group::copy_to(dev, skb, dest, cx.rcu(), place),
    }
    true
}

/// What `party` with that number asks by a frame that it sends, and the known endpoint that would hear it.
#[inline(never)]
fn asked_by<'a>(
    port: &'a Port,
    party: Party,
    id: u64,
    frame: &EthFrame<'_>,
    rcu: Rcu<'a>,
) -> Option<(Question, Owner<'a>)> {
    if frame.is_tagged() {
        return None;
    }
    let addresses = (frame.dest(), frame.source());
    let asked = asked(port, addresses, frame.protocol(), frame.payload(), rcu);
    asked.filter(|(_, owner)| owner.id() != id && sent_group(party, owner.party()))
}

/// What a frame without a VLAN tag asks, and the known endpoint that it asks for, if that listens.
fn asked<'a>(
    port: &'a Port,
    (dest, source): (Mac, Mac),
    protocol: u16,
    packet: Payload<'_>,
    rcu: Rcu<'a>,
) -> Option<(Question, Owner<'a>)> {
    let question = Question::parse(dest, source, protocol, packet)?;
    let owner = port.known_owner(question.target(), rcu)?;
    owner.common().groups.has(dest).then_some((question, owner))
}
