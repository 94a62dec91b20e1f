// SPDX-License-Identifier: GPL-2.0

//! Copies of packets to a group: one for each endpoint that listens and is meant to hear the sender,
//! whatever its flavor.
//!
//! Where there may be many listeners the packet is put off: a worker makes the copies.

use crate::{
    drops::Reason,
    endpoint::{
        lost,
        lost_by,
        Common,
        Endpoint, //
    },
    limits::bucket::Moment,
    port::Port,
    reach::{
        self,
        Parties,
        Party, //
    },
};
use abstractions::{
    context::{
        disable_bh,
        Bh,
        Rcu, //
    },
    net::{
        drop_trace::LostPacket,
        headers::ETH_P_PAUSE,
        mac::Mac,
        net_device_ops::XmitContext,
        netdevice::{
            Link,
            NetDevice, //
        },
        rx_handler::{
            Deferred,
            Handler, //
        },
        skbuff::{
            max_backlog,
            Dropped,
            EthFrame,
            PacketType,
            ReceivedSkBuff,
            RxSkb, //
        }, //
    },
    time::monotonic_ns,
};
use kernel::sync::atomic::ordering::Relaxed;

/// No endpoint's number.
pub(crate) const NOBODY: u64 = 0;

/// Whom a group packet that came in by the lower device is for.
#[derive(Clone, Copy)]
pub(crate) struct Audience {
    parties: Parties,
    /// But not for the endpoint with this number.
    except: u64,
}

impl Audience {
    /// That of what an endpoint or the host sends.
    pub(crate) fn of_sent(hearers: Parties, sender: u64) -> Self {
        Self {
            parties: hearers,
            except: sender,
        }
    }

    pub(crate) fn of(sender: Party, id: u64) -> Self {
        Self {
            parties: Parties::of_returned_group(sender),
            except: if reach::hears_itself(sender) {
                NOBODY
            } else {
                id
            },
        }
    }

    #[inline(always)]
    pub(crate) fn has(self, party: Party, id: u64) -> bool {
        self.parties.has(party) && id != self.except
    }

    /// What is to be remembered of it while a packet waits.
    pub(crate) fn note(self) -> [u64; 2] {
        [self.parties.number().into(), self.except]
    }

    fn from_note([parties, except]: [u64; 2]) -> Self {
        // CAST: 32 bits were noted.
        #[allow(clippy::cast_possible_truncation)]
        Self {
            parties: Parties::from_number(parties as u32),
            except,
        }
    }
}

/// Who sends a packet to a group.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    Endpoint(&'a Common),
    Host,
    /// It came in by the lower device.
    Outside,
}

/// Which kind of group packet `dest` is for `dev`.
fn group_type(dev: &NetDevice, dest: Mac) -> PacketType {
    if dest == dev.broadcast() {
        PacketType::Broadcast
    } else {
        PacketType::Multicast
    }
}

/// Where copies are made.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// In a softirq copies pile up in this CPU's backlog, which has its limit.
    Softirq(Bh<'a>),
    /// In a worker each copy is received at once.
    Worker(&'a Deferred<'a>),
}

/// Whether there may be copies of a packet to `dest` for `audience`, where the port may make a limited number of them;
/// if so, its sender has had them.
#[cold]
#[inline(never)]
pub(crate) fn may_copy(
    port: &Port,
    audience: Audience,
    sender: Origin<'_>,
    dest: Mac,
    rcu: Rcu<'_>,
) -> bool {
    let Some(copies) = port.copies(rcu) else {
        return true;
    };
    let own = match sender {
        Origin::Outside => &copies.outside,
        Origin::Host => &copies.host,
        Origin::Endpoint(this) => &this.copied,
    };
    let count = || listeners(port, audience, dest, rcu);
    copies.take(own, port.senders(), count, Moment(monotonic_ns()))
}

/// How many of `audience` listen.
fn listeners(port: &Port, audience: Audience, dest: Mac, rcu: Rcu<'_>) -> u32 {
    let mut count = 0u32;
    for dev in port.macs.iter(rcu) {
        let this = dev.data();
        let listens = audience.has(this.party(), dev.id()) && this.groups.has(dest);
        count = count.wrapping_add(listens.into());
    }
    for dev in port.ipvlans().iter(rcu) {
        let this = dev.data();
        let listens = audience.has(this.party(), dev.id()) && this.groups.has(dest);
        count = count.wrapping_add((listens && dev.is_up()).into());
    }
    count
}

/// A packet to a group that was put off.
pub(crate) fn receive_deferred(port: &Port, skb: &RxSkb<'_>, note: [u64; 2], cx: &Deferred<'_>) {
    let audience = Audience::from_note(note);
    flood(port, skb, audience, cx.rcu(), Place::Worker(cx));
}

/// Gives a copy of a group packet to each of `audience` that listens.
#[inline(never)]
pub(crate) fn flood(
    port: &Port,
    skb: &RxSkb<'_>,
    audience: Audience,
    rcu: Rcu<'_>,
    place: Place<'_>,
) {
    if skb.protocol() == ETH_P_PAUSE {
        return;
    }
    let dest = skb.dest();
    for dev in port.macs.iter(rcu) {
        let this = dev.data();
        if audience.has(this.party(), dev.id()) && this.groups.has(dest) {
            copy_to(dev, skb, dest, rcu, place);
        }
    }
    for dev in port.ipvlans().iter(rcu) {
        let this = dev.data();
        if audience.has(this.party(), dev.id()) && this.groups.has(dest) && dev.is_up() {
            copy_to(dev, skb, dest, rcu, place);
        }
    }
}

/// A copy for `dev`, or why there is none.
#[inline(always)]
pub(crate) fn clone_for<'r, T: Endpoint>(
    dev: &'r Link<T>,
    skb: &RxSkb<'_>,
    rcu: Rcu<'r>,
) -> Result<ReceivedSkBuff<'r>, Reason> {
    dev.data().may_receive(skb.payload(), rcu)?;
    skb.clone_to(dev, rcu).ok_or(Reason::RxMemory)
}

#[inline(always)]
pub(crate) fn copy_to<T: Endpoint>(
    dev: &Link<T>,
    skb: &RxSkb<'_>,
    dest: Mac,
    rcu: Rcu<'_>,
    place: Place<'_>,
) {
    let guard;
    let bh = match place {
        Place::Softirq(bh) => bh,
        Place::Worker(_) => {
            guard = disable_bh();
            guard.bh()
        }
    };
    let copy = match clone_for(dev, skb, rcu) {
        Ok(copy) => copy,
        Err(reason) => return lost(dev, skb, reason, bh),
    };
    let copy = copy.of_type(group_type(dev, dest));
    let is_lost = match place {
        Place::Softirq(bh) => copy.netif_rx(bh).is_err(),
        Place::Worker(cx) => {
            copy.netif_receive(cx, bh);
            false
        }
    };
    if is_lost {
        lost(dev, skb, Reason::RxBacklog, bh);
    } else {
        dev.data().stats.count_rx(skb.frame_len(), true, bh);
    }
}

/// Gives a copy of a group packet that an endpoint, or the host, sends to each other one of `hearers` that
/// listens; now, or where there are many of them later.
pub(crate) fn flood_siblings(
    port: &Handler<Port>,
    hearers: Parties,
    (sender, sent): (u64, Option<&NetDevice>),
    frame: &EthFrame<'_>,
    dest: Mac,
    cx: &XmitContext<'_>,
) {
    if port.group_members() > copies_at_once() && port.deferred_groups.has(dest) {
        if defer_sent(port, hearers, sender, frame, cx).is_err() {
            not_copied(port, sent, frame, cx);
        }
        return;
    }
    copy_to_siblings(port, hearers, sender, frame, dest, cx);
}

/// Whether there is nothing about a packet to a group but copies, few enough to be made at once.
#[inline]
pub(crate) fn is_plain(port: &Port) -> bool {
    port.group_weight() <= copies_at_once()
}

/// The same at once, however many there are.
#[inline(never)]
pub(crate) fn copy_to_siblings(
    port: &Port,
    hearers: Parties,
    sender: u64,
    frame: &EthFrame<'_>,
    dest: Mac,
    cx: &XmitContext<'_>,
) {
    for dev in port.macs.iter(cx.rcu()) {
        let this = dev.data();
        if hearers.has(this.party()) && this.groups.has(dest) && dev.id() != sender {
            forward_copy_to(dev, frame, cx);
        }
    }
    for dev in port.ipvlans().iter(cx.rcu()) {
        let this = dev.data();
        if hearers.has(this.party()) && this.groups.has(dest) && dev.id() != sender && dev.is_up() {
            forward_copy_to(dev, frame, cx);
        }
    }
}

/// Counts a packet to a group of which siblings get no copies.
#[cold]
#[inline(never)]
pub(crate) fn not_copied(
    port: &Port,
    sent: Option<&NetDevice>,
    frame: &EthFrame<'_>,
    cx: &XmitContext<'_>,
) {
    port.lower().count_rx_dropped();
    if let Some(sent) = sent {
        lost_by(sent, frame.into(), Reason::Copies, cx.bh());
    }
}

/// How many copies of one packet are made where it is sent. They pile up in this CPU's backlog, in
/// which there is to be room for what others send.
fn copies_at_once() -> u32 {
    max_backlog() / 8
}

/// Puts off a group packet that an endpoint sends.
#[cold]
#[inline(never)]
fn defer_sent(
    port: &Handler<Port>,
    hearers: Parties,
    sender: u64,
    frame: &EthFrame<'_>,
    cx: &XmitContext<'_>,
) -> Result<(), Dropped> {
    let audience = Audience::of_sent(hearers, sender);
    // Half of the queue is for what comes in from outside.
    let limit = port.bc_queue_len.load(Relaxed) / 2;
    port.defer_frame(frame, audience.note(), limit, cx)
}

#[inline(always)]
fn forward_copy_to<T: Endpoint>(dev: &Link<T>, frame: &EthFrame<'_>, cx: &XmitContext<'_>) {
    let Some(copy) = frame.try_clone() else {
        return lost(dev, frame, Reason::RxMemory, cx.bh());
    };
    match receive(copy, dev, cx.rcu(), cx.bh()) {
        Ok(()) => dev.data().stats.count_rx(frame.len(), true, cx.bh()),
        Err(reason) => lost(dev, frame, reason, cx.bh()),
    }
}

/// Makes a frame one that `dev` has received, or says why not.
#[inline(always)]
pub(crate) fn receive<T: Endpoint>(
    frame: EthFrame<'_>,
    dev: &Link<T>,
    rcu: Rcu<'_>,
    bh: Bh<'_>,
) -> Result<(), Reason> {
    let skb = frame.forward_to(dev, rcu).map_err(|_| Reason::RxRefused)?;
    if let Err(reason) = skb.peek(|skb| dev.data().may_receive(skb.payload(), rcu)) {
        skb.drop_reason(reason.core());
        return Err(reason);
    }
    skb.netif_rx(bh).map_err(|_| Reason::RxBacklog)
}

/// Makes a frame one that an endpoint has received from another one, or from the host.
#[inline]
pub(crate) fn receive_and_count<E: Endpoint>(
    owner: &Link<E>,
    frame: EthFrame<'_>,
    rcu: Rcu<'_>,
    bh: Bh<'_>,
) {
    let len = frame.len();
    match receive(frame, owner, rcu, bh) {
        Ok(()) => owner.data().stats.count_rx(len, false, bh),
        Err(reason) => lost(owner, LostPacket::gone(len), reason, bh),
    }
}

/// Makes a frame of these bytes one that an endpoint has received.
pub(crate) fn receive_bytes<E: Endpoint>(dev: &Link<E>, bytes: &[u8], rcu: Rcu<'_>, bh: Bh<'_>) {
    let this = dev.data();
    let Some(skb) = ReceivedSkBuff::of_bytes(bytes, dev, rcu) else {
        return lost(dev, LostPacket::gone(0), Reason::RxMemory, bh);
    };
    let len = skb.frame_len();
    if let Err(reason) = skb.peek(|skb| this.may_receive(skb.payload(), rcu)) {
        lost(dev, &skb, reason, bh);
        return skb.drop_reason(reason.core());
    }
    match skb.netif_rx(bh) {
        Ok(()) => this.stats.count_rx(len, false, bh),
        Err(_) => lost(dev, LostPacket::gone(len), Reason::RxBacklog, bh),
    }
}
