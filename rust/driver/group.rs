// SPDX-License-Identifier: GPL-2.0

//! Packets to a group that a lower device received: a copy to each endpoint that listens and is meant
//! to hear the sender, whatever its flavor, and one on to the lower device's own stack.
//!
//! Where there may be many listeners the packet is put off: a worker makes the copies.

use crate::{
    ipvlan::{
        self,
        Ipvlan, //
    },
    macvlan::{
        self,
        Macvlan, //
    },
    origin::Origin,
    port::Port,
};
use abstractions::{
    context::{
        disable_bh,
        Bh,
        Rcu, //
    },
    net::{
        link_ops::XmitContext,
        mac::Mac,
        netdevice::{
            Link,
            NetDevice, //
        },
        rx_handler::{
            Handler,
            RxContext,
            Verdict, //
        },
        skbuff::{
            EthFrame,
            PacketType,
            RxSkb, //
        },
        stats::StackedStats,
    },
};
use kernel::sync::atomic::ordering::Relaxed;

/// Flow control, which is between two ports of a link.
pub(crate) const ETH_P_PAUSE: u16 = 0x8808;

/// A packet to a group that the lower device received.
#[inline(never)]
pub(crate) fn receive<'a>(
    port: &'a Handler<Port>,
    skb: RxSkb<'a>,
    cx: &RxContext<'a>,
) -> Verdict<'a> {
    let mut skb = skb;
    if port.has_macvlan() {
        // Copies of a fragment would be put together by every endpoint's stack in the same queue.
        let Some(whole) = skb.defrag_ipv4(cx.bh()) else {
            return Verdict::CONSUMED;
        };
        skb = whole;
        if !port.sources.is_empty() {
            let Some(rest) = macvlan::copy_to_listeners(port, skb, cx) else {
                return Verdict::CONSUMED;
            };
            skb = rest;
        }
    }
    let sender = Sender::of(port, &skb, cx.rcu());
    if let Origin::Macvlan(mode) = sender.origin {
        if macvlan::settings::Modes::LOOP_BACK.has(mode) {
            macvlan::return_to_sender(port, skb, cx);
            return Verdict::CONSUMED;
        }
    }
    if port.has_l3() {
        match ipvlan::receive_group_l3(port, skb, cx) {
            Ok(rest) => skb = rest,
            Err(verdict) => return verdict,
        }
    }
    if !port.has_group_members() {
        return Verdict::pass(skb);
    }
    let dest = skb.dest();
    if port.deferred_groups.has(dest) {
        if port
            .defer(&skb, sender.note(), port.bc_queue_len.load(Relaxed), cx)
            .is_err()
        {
            port.lower().count_rx_dropped();
        }
    } else if port.groups.has(dest) {
        flood(port, &skb, sender, cx.rcu(), Some(cx.bh()));
    }
    Verdict::pass(skb)
}

/// A packet to a group that was put off.
pub(crate) fn receive_deferred(port: &Port, skb: &RxSkb<'_>, note: [u64; 2], rcu: Rcu<'_>) {
    flood(port, skb, Sender::from_note(note), rcu, None);
}

/// Who sent a group packet that came in by the lower device.
#[derive(Clone, Copy)]
struct Sender {
    origin: Origin,
    /// The endpoint's number.
    id: u64,
}

impl Sender {
    fn of(port: &Port, skb: &RxSkb<'_>, rcu: Rcu<'_>) -> Self {
        let source = skb.source();
        if let Some(dev) = port.macs.find(source.key(), rcu) {
            return Self {
                origin: Origin::Macvlan(dev.data().mode()),
                id: dev.id(),
            };
        }
        if port.has_ipvlan() && source == port.lower().mac() {
            if let Some(dev) = port.source_owner(skb.payload(), rcu) {
                return Self {
                    origin: Origin::Ipvlan(dev.data().flags()),
                    id: dev.id(),
                };
            }
        }
        Self {
            origin: Origin::Outside,
            id: 0,
        }
    }

    /// What is to be remembered of it while a packet waits.
    fn note(self) -> [u64; 2] {
        [self.origin.number(), self.id]
    }

    fn from_note([origin, id]: [u64; 2]) -> Self {
        Self {
            origin: Origin::from_number(origin),
            id,
        }
    }
}

/// Which kind of group packet `dest` is for `dev`.
pub(crate) fn group_type(dev: &NetDevice, dest: Mac) -> PacketType {
    if dest == dev.broadcast() {
        PacketType::Broadcast
    } else {
        PacketType::Multicast
    }
}

/// Gives a copy of a group packet to each endpoint that listens, and is meant to hear `sender`.
///
/// In a softirq, whose proof is `softirq`, copies pile up in this CPU's backlog, which has its limit;
/// elsewhere each copy is received at once.
#[inline(never)]
fn flood(port: &Port, skb: &RxSkb<'_>, sender: Sender, rcu: Rcu<'_>, softirq: Option<Bh<'_>>) {
    if skb.protocol() == ETH_P_PAUSE {
        return;
    }
    let dest = skb.dest();
    let modes = macvlan::settings::Modes::flooded_from(sender.origin);
    // One in mode bridge hears itself: who else may have its address cannot be known.
    let except = sender.origin != Origin::Macvlan(macvlan::settings::Mode::BRIDGE);
    for dev in port.macs.iter(rcu) {
        let this: &Macvlan = dev.data();
        if modes.has(this.mode()) && this.groups.has(dest) && !(except && dev.id() == sender.id) {
            copy_to(dev, &this.stats, skb, dest, rcu, softirq);
        }
    }
    let hearing = ipvlan::settings::FlagsSet::hearing(sender.origin);
    for dev in port.ip_endpoints().iter(rcu) {
        let this: &Ipvlan = dev.data();
        if this.hears(hearing) && this.groups.has(dest) && dev.id() != sender.id && dev.is_up() {
            copy_to(dev, &this.stats, skb, dest, rcu, softirq);
        }
    }
}

#[inline(always)]
fn copy_to<T>(
    dev: &Link<T>,
    stats: &StackedStats,
    skb: &RxSkb<'_>,
    dest: Mac,
    rcu: Rcu<'_>,
    softirq: Option<Bh<'_>>,
) {
    let guard;
    let bh = match softirq {
        Some(bh) => bh,
        None => {
            guard = disable_bh();
            guard.bh()
        }
    };
    let sent = skb
        .clone_to(dev, rcu)
        .map(|skb| skb.of_type(group_type(dev, dest)))
        .is_some_and(|skb| match softirq {
            Some(bh) => skb.netif_rx(bh).is_ok(),
            None => {
                skb.netif_receive(bh);
                true
            }
        });
    if sent {
        stats.count_rx(skb.frame_len(), true, bh);
    } else {
        stats.count_rx_error(bh);
    }
}

/// Gives a copy of a group packet that an endpoint sends to each other one that listens and is meant to
/// hear it directly: those in mode bridge, or with no flags. The sender is one of them.
pub(crate) fn flood_siblings(
    port: &Port,
    sender: u64,
    frame: &EthFrame<'_>,
    dest: Mac,
    cx: &XmitContext<'_>,
) {
    for dev in port.macs.iter(cx.rcu()) {
        let this: &Macvlan = dev.data();
        if dev.id() != sender
            && this.mode() == macvlan::settings::Mode::BRIDGE
            && this.groups.has(dest)
        {
            forward_copy_to(dev, &this.stats, frame, cx);
        }
    }
    for dev in port.ip_endpoints().iter(cx.rcu()) {
        let this: &Ipvlan = dev.data();
        if dev.id() != sender && this.hears_siblings() && this.groups.has(dest) && dev.is_up() {
            forward_copy_to(dev, &this.stats, frame, cx);
        }
    }
}

#[inline(always)]
fn forward_copy_to<T>(
    dev: &Link<T>,
    stats: &StackedStats,
    frame: &EthFrame<'_>,
    cx: &XmitContext<'_>,
) {
    let sent = frame.try_clone().is_some_and(|frame| {
        frame
            .forward_to(dev, cx.rcu())
            .and_then(|skb| skb.netif_rx(cx.bh()))
            .is_ok()
    });
    if sent {
        stats.count_rx(frame.len(), true, cx.bh());
    } else {
        stats.count_rx_error(cx.bh());
    }
}
