// SPDX-License-Identifier: GPL-2.0

//! Where a packet goes that a lower device received: to an endpoint, to several, or on to the lower
//! device's own stack.

use crate::{
    drops::Reason,
    endpoint::{
        lost,
        Endpoint,
        Ipvlan,
        Macvlan, //
    },
    group::{
        self,
        clone_for,
        copy_to,
        flood,
        Audience,
        Origin, //
        Place,
        NOBODY,
    },
    ipvlan::settings::Mode as IpvlanMode,
    macvlan::settings::{
        Flags as MacvlanFlags,
        Mode, //
    },
    port::{
        Port,
        Unusual, //
    },
    reach::{
        self,
        Party, //
    },
    suppress,
    tap::Tap, //
};
use abstractions::{
    context::{
        disable_bh,
        with_softirqs_disabled,
        Bh,
        Rcu, //
    },
    net::{
        drop_trace::LostPacket,
        headers::ETH_P_ARP,
        ip_input::IpInput,
        mac::{
            Mac,
            ETH_HLEN, //
        },
        netdevice::Link,
        payload::Payload,
        rx_handler::{
            Deferred,
            Handler,
            RxContext,
            RxHandler,
            Verdict, //
        },
        skbuff::{
            DropReason,
            PacketType,
            RxSkb, //
        },
    },
};
use kernel::{
    sync::atomic::ordering::Relaxed, //
};

impl RxHandler for Port {
    /// To endpoints.
    const PASSES_ON: bool = true;

    /// A packet that the lower device received: by MAC address it goes to an endpoint, to several, or
    /// on; then by IP address to an endpoint, or on to the lower device's own stack.
    #[inline]
    fn receive<'a>(this: &'a Handler<Self>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
        let dest = skb.dest();
        if dest.is_multicast() {
            return to_group(this, skb, cx);
        }
        if this.has_host() && this.unmark(&skb) {
            // For the host alone, from an endpoint.
            return Verdict::pass(skb);
        }
        let mut skb = skb;
        let unusual = this.unusual();
        if unusual != Unusual::NOTHING {
            if unusual == Unusual::SOURCES {
                let Some(rest) = copy_to_listeners(this, skb, cx) else {
                    return Verdict::CONSUMED;
                };
                skb = rest;
            } else if unusual != Unusual::NO_MACVLAN {
                return to_passthru(this, skb, cx);
            }
        }
        // One place each where either flavor's packets are delivered: that is part of this function.
        if unusual != Unusual::NO_MACVLAN {
            if let Some(dev) = by_mac(this, dest, cx.rcu()) {
                return deliver(dev, Some(PacketType::Host), skb, cx);
            }
        }
        by_ip(this, skb, cx)
    }

    fn deferred<'a>(this: &'a Handler<Self>, skb: &RxSkb<'a>, note: [u64; 2], cx: &Deferred<'a>) {
        group::receive_deferred(this, skb, note, cx);
    }

    fn tick<'a>(this: &'a Handler<Self>, cx: &Deferred<'a>) -> Option<u32> {
        this.tell_again(cx.rcu())
    }
}

/// The endpoint of flavor macvlan that gets what comes in for a MAC address.
#[inline(always)]
fn by_mac<'a>(port: &'a Port, dest: Mac, rcu: Rcu<'a>) -> Option<&'a Link<Macvlan>> {
    let dev = port.macs.find(dest.key(), rcu)?;
    (!dev.data().mode.get().is(Mode::SOURCE) && dev.is_up()).then_some(dev)
}

/// The same where the only endpoint has the lower device to itself.
#[inline(never)]
fn to_passthru<'a>(port: &'a Port, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
    match port.macvlans().iter(cx.rcu()).next() {
        Some(dev) if dev.is_up() => deliver(dev, Some(PacketType::Host), skb, cx),
        _ => Verdict::pass(skb),
    }
}

/// A packet whose MAC address is no endpoint's of flavor macvlan.
#[inline(always)]
fn by_ip<'a>(port: &'a Port, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
    // Those in mode l3s get theirs through netfilter.
    if !port.has_l2_or_l3() {
        return Verdict::pass(skb);
    }
    match port.receiver(skb.payload(), cx.rcu()) {
        Some(dev) if dev.data().settings.mode() != IpvlanMode::L3S => deliver(dev, None, skb, cx),
        _ => Verdict::pass(skb),
    }
}

/// Makes a packet one that the endpoint has received.
#[inline(always)]
fn deliver<'a, E: Endpoint>(
    dev: &'a Link<E>,
    kind: Option<PacketType>,
    skb: RxSkb<'a>,
    cx: &RxContext<'a>,
) -> Verdict<'a> {
    let this = dev.data();
    if let Err(reason) = this.may_receive(skb.payload(), cx.rcu()) {
        return drop_rx(dev, skb, reason, cx.bh());
    }
    let len = skb.frame_len();
    match skb.deliver_to(dev, kind, cx.rcu()) {
        Some(skb) => {
            this.stats.count_rx(len, false, cx.bh());
            match &this.tap {
                None => Verdict::another(skb),
                Some(tap) => Tap::deliver(tap, skb, cx),
            }
        }
        None => {
            lost(dev, LostPacket::gone(len), Reason::RxMemory, cx.bh());
            Verdict::CONSUMED
        }
    }
}

/// Drops a packet that an endpoint is not to receive, and counts it there.
#[cold]
#[inline(never)]
fn drop_rx<'a, E: Endpoint>(
    to: &Link<E>,
    skb: RxSkb<'a>,
    reason: Reason,
    bh: Bh<'_>,
) -> Verdict<'a> {
    lost(to, &skb, reason, bh);
    skb.drop_reason(reason.core());
    Verdict::CONSUMED
}

// --- Groups -----------------------------------------------------------------

/// A packet to a group.
#[inline(never)]
fn to_group<'a>(port: &'a Handler<Port>, skb: RxSkb<'a>, cx: &RxContext<'a>) -> Verdict<'a> {
    if port.unmark(&skb) {
        // The host's copy of what an endpoint has sent: siblings have theirs.
        return Verdict::pass(skb);
    }
    let mut skb = skb;
    if port.has_macvlan() {
        // Copies of a fragment would be put together by every endpoint's stack in the same queue.
        let Some(whole) = skb.defrag_ipv4(cx.bh()) else {
            return Verdict::CONSUMED;
        };
        skb = whole;
        if !port.sources.is_empty() {
            let Some(rest) = copy_to_listeners(port, skb, cx) else {
                return Verdict::CONSUMED;
            };
            skb = rest;
        }
    }
    let (sender, id) = sender_of(port, &skb, cx.rcu());
    if reach::loops_back(sender) {
        return_to_sender(port, &skb, cx);
        return Verdict::pass(skb);
    }
    if port.has_l3() {
        copy_to_l3(port, &skb, cx);
    }
    if !port.has_group_members() {
        return Verdict::pass(skb);
    }
    let dest = skb.dest();
    let audience = Audience::of(sender, id);
    if port.is_quiet() && !is_copied(port, &skb, audience, cx) {
        return Verdict::pass(skb);
    }
    if port.deferred_groups.has(dest) {
        if port
            .defer(&skb, audience.note(), port.bc_queue_len.load(Relaxed), cx)
            .is_err()
        {
            port.lower().count_rx_dropped();
        }
    } else if port.groups.has(dest) {
        flood(port, &skb, audience, cx.rcu(), Place::Softirq(cx.bh()));
    }
    Verdict::pass(skb)
}

/// Whether a packet is for others than a known endpoint that it asks for, and copied within the bound.
#[cold]
#[inline(never)]
fn is_copied(port: &Port, skb: &RxSkb<'_>, audience: Audience, cx: &RxContext<'_>) -> bool {
    if port.suppresses() && suppress::copy_to_owner(port, skb, audience, cx) {
        return false;
    }
    let may = group::may_copy(port, audience, Origin::Outside, skb.dest(), cx.rcu());
    if !may {
        port.lower().count_rx_dropped();
    }
    may
}

/// Who seems to have sent a group packet that came in by the lower device, and its number.
fn sender_of(port: &Port, skb: &RxSkb<'_>, rcu: Rcu<'_>) -> (Party, u64) {
    let source = skb.source();
    if let Some(dev) = port.macs.find(source.key(), rcu) {
        return (dev.data().party(), dev.id());
    }
    if (port.has_ipvlan() || port.has_host()) && source == port.lower().mac() {
        if let Some(dev) = port.source_owner(skb.payload(), rcu) {
            return (dev.data().party(), dev.id());
        }
        if port.has_host() {
            return (Party::Host, NOBODY);
        }
    }
    (Party::Outside, NOBODY)
}

/// Gives a copy to each endpoint that listens to the sender, and the packet back, unless one of them
/// wants nobody else to have it.
#[inline(never)]
fn copy_to_listeners<'a>(port: &Port, skb: RxSkb<'a>, cx: &RxContext<'_>) -> Option<RxSkb<'a>> {
    let mut flags = MacvlanFlags::NONE;
    let dest = skb.dest();
    port.sources.for_all(skb.source().key(), cx.rcu(), |dev| {
        let this = dev.data();
        flags = flags.with(this.flags.get());
        if !dev.is_up() {
            return;
        }
        let copy = match clone_for(dev, &skb, cx.rcu()) {
            Ok(copy) => copy,
            Err(reason) => return lost(dev, &skb, reason, cx.bh()),
        };
        let copy = if dest == dev.mac() {
            copy.of_type(PacketType::Host)
        } else {
            copy
        };
        match copy.netif_rx(cx.bh()) {
            Ok(()) => this.stats.count_rx(skb.frame_len(), false, cx.bh()),
            Err(_) => lost(dev, &skb, Reason::RxBacklog, cx.bh()),
        }
    });
    if flags.has(MacvlanFlags::NODST) {
        skb.drop_reason(DropReason::NOT_SPECIFIED);
        return None;
    }
    Some(skb)
}

/// A switch sent a group packet back to an endpoint that talks to no sibling: none of these gets it. The
/// lower device's own stack does: the sender may be outside, and the endpoint have taken its address.
fn return_to_sender(port: &Port, skb: &RxSkb<'_>, cx: &RxContext<'_>) {
    if let Some(dev) = port.macs.find(skb.source().key(), cx.rcu()) {
        let place = Place::Softirq(cx.bh());
        copy_to(dev, skb, skb.dest(), cx.rcu(), place);
    }
}

/// A packet to a group of MAC addresses that is for the IP address of one endpoint in mode l3: that one
/// gets a copy. Of ARP it does not, as it would not answer.
#[inline(never)]
fn copy_to_l3(port: &Port, skb: &RxSkb<'_>, cx: &RxContext<'_>) {
    let packet = skb.payload();
    if packet.protocol() == ETH_P_ARP {
        return;
    }
    let owner = port.dest_owner(packet, cx.rcu());
    let Some(dev) = owner.filter(|dev| dev.data().settings.mode() == IpvlanMode::L3) else {
        return;
    };
    let copy = match clone_for(dev, skb, cx.rcu()) {
        Ok(copy) => copy,
        Err(reason) => return lost(dev, skb, reason, cx.bh()),
    };
    match copy.netif_rx(cx.bh()) {
        Ok(()) => dev.data().stats.count_rx(skb.frame_len(), false, cx.bh()),
        Err(_) => lost(dev, skb, Reason::RxBacklog, cx.bh()),
    }
}

// --- Mode l3s ---------------------------------------------------------------

impl IpInput for Port {
    type Upper = Ipvlan;

    #[inline]
    fn input_dev<'a>(
        this: &'a Handler<Self>,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Option<&'a Link<Ipvlan>> {
        if !this.has_l3s() {
            return None;
        }
        this.dest_owner(packet, rcu)
            .filter(|dev| dev.data().settings.mode() == IpvlanMode::L3S)
    }

    #[inline]
    fn received(dev: &Link<Ipvlan>, packet: Payload<'_>, rcu: Rcu<'_>) -> Result<(), DropReason> {
        let this = dev.data();
        let len = packet.len().wrapping_add(ETH_HLEN);
        let verdict = this.may_receive(packet, rcu);
        // A packet that was queued to user space comes back from a process.
        match verdict {
            Ok(()) => with_softirqs_disabled(|bh| this.stats.count_rx(len, false, bh)),
            Err(reason) => lost(dev, packet, reason, disable_bh().bh()),
        }
        verdict.map_err(Reason::core)
    }
}
