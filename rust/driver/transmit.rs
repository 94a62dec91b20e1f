// SPDX-License-Identifier: GPL-2.0

//! Where a packet goes that an endpoint sends: to another endpoint, or out by the lower device.

use crate::{
    drops::Reason,
    endpoint::{
        lost,
        Common,
        Endpoint,
        Ipvlan,
        Macvlan, //
    },
    group::{
        self,
        Audience,
        Origin, //
    },
    guard::{
        checksum::is_where_it_belongs,
        verdict::Bytes, //
    },
    host,
    ipvlan::{
        address::said_source,
        settings::{
            Flags,
            Mode as IpvlanMode, //
        },
    },
    limits::{
        bucket::Moment,
        neighbours::is_about_neighbours, //
    },
    macvlan::settings::{
        Mode as MacvlanMode,
        Sends, //
    },
    port::Port,
    reach::{
        unicast,
        Parties,
        Party,
        Reach, //
    },
    suppress, //
};
use abstractions::{
    context::{
        Bh,
        Rcu, //
    },
    net::{
        drop_trace::LostPacket,
        headers::{
            Header,
            ETH_P_PAUSE, //
        },
        inet::IpAddr,
        ip_output::{
            route_and_send,
            route_and_send_checked,
            Onward,
            Sender,
            Siblings, //
        },
        mac::Mac,
        net_device_ops::{
            Tx,
            XmitContext, //
        },
        netdevice::{
            Link,
            NetDevice, //
        },
        payload::Payload,
        rx_handler::Handler,
        skbuff::{
            EthFrame,
            SkBuff,
            XmitStatus, //
        },
    },
    time::monotonic_ns,
};
// --- Flavor macvlan ---------------------------------------------------------

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
        if this.port.is_quiet() {
            return quiet_group_xmit(dev, frame, dest, HEARERS, cx);
        }
        if frame.protocol() != ETH_P_PAUSE {
            let sender = (dev.id(), Some(&**dev));
            group::flood_siblings(&this.port, HEARERS, sender, &frame, dest, cx);
        }
        send_out(dev, frame.into_skb(), cx)
    }
}

// --- Flavor ipvlan ----------------------------------------------------------

impl Ipvlan {
    /// A packet that an endpoint of flavor ipvlan sends; see the picture in [`ipvlan`](crate::ipvlan).
    #[inline]
    pub(crate) fn xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        if !dev.data().settings.is_plain_l2() {
            return Self::other_xmit(dev, skb, cx);
        }
        match skb.into_frame() {
            Ok(frame) => Self::xmit_l2(dev, frame, cx),
            Err(skb) => drop_tx(dev, skb, Reason::TxShort, cx),
        }
    }

    /// The same with a guard or limits, the host as a destination, or in another mode.
    #[inline]
    fn other_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        let settings = &dev.data().settings;
        let Some(skb) = pass_checks(settings.is_checked(), dev, skb, cx) else {
            return Tx::DROPPED;
        };
        let frame = match skb.into_frame() {
            Ok(frame) => frame,
            Err(skb) => return drop_tx(dev, skb, Reason::TxShort, cx),
        };
        if settings.mode() == IpvlanMode::L2 {
            Self::other_l2(dev, frame, *cx)
        } else {
            Self::xmit_l3(dev, frame, cx)
        }
    }

    /// A frame in mode l2: the endpoint's stack knows whom it is for.
    #[inline(always)]
    fn xmit_l2(dev: &Link<Self>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        let dest = frame.dest();
        let flags = this.settings.flags();
        if dest == frame.source() && flags != Flags::VEPA {
            return match this.port.dest_owner(frame.payload(), cx.rcu()) {
                Some(owner) => match unicast(this.party(), owner.data().party()) {
                    Reach::Direct => Self::send_to(dev, owner, frame, cx),
                    Reach::Out => send_out(dev, frame.into_skb(), cx),
                    Reach::Nowhere => drop_tx(dev, frame.into_skb(), Reason::TxIsolated, cx),
                },
                None => Self::send_in(dev, frame, cx),
            };
        }
        if dest.is_multicast() {
            return Self::group_xmit(dev, frame, dest, cx);
        }
        if this.port.has_macvlan() && flags != Flags::VEPA {
            return Self::send_to_macvlan(dev, frame, dest, cx);
        }
        send_out(dev, frame.into_skb(), cx)
    }

    /// The same where the host may be a destination: to the host, and on as without.
    #[inline(never)]
    fn other_l2(dev: &Link<Self>, frame: EthFrame<'_>, cx: XmitContext<'_>) -> Tx {
        // By value, so that on the short way it does not have to be in memory.
        let (this, cx) = (dev.data(), &cx);
        if !this.settings.has_host() {
            return Self::xmit_l2(dev, frame, cx);
        }
        let mut frame = if frame.is_to_group() && this.port.suppresses() {
            match suppress::answer(dev, frame, cx) {
                Ok(frame) => frame,
                Err(tx) => return tx,
            }
        } else {
            frame
        };
        this.port.mark_sent(&mut frame, cx);
        if host::is_for_host(this.party(), &mut frame, this, cx)
            && this.port.dest_owner(frame.payload(), cx.rcu()).is_none()
        {
            return to_host(dev, frame, cx);
        }
        Self::xmit_l2(dev, frame, cx)
    }

    /// A frame in modes l3 and l3s: only its IP packet counts.
    #[inline]
    fn xmit_l3(dev: &Link<Self>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if !this.settings.is_trusted() {
            return Self::xmit_l3_checked(dev, frame, cx);
        }
        let flags = this.settings.flags();
        if flags != Flags::VEPA {
            if let Some(owner) = this.port.dest_owner(frame.payload(), cx.rcu()) {
                match unicast(this.party(), owner.data().party()) {
                    Reach::Direct => return Self::send_to(dev, owner, frame, cx),
                    Reach::Out => {}
                    Reach::Nowhere => {
                        return drop_tx(dev, frame.into_skb(), Reason::TxIsolated, cx)
                    }
                }
            }
        }
        if frame.dest().is_multicast() {
            return drop_tx(dev, frame.into_skb(), Reason::TxGroup, cx);
        }
        let len = frame.len();
        sent(dev, len, route_and_send(frame, &this.lower, cx.bh()), cx)
    }

    /// The same of an endpoint that is not trusted: the lower device's namespace alone decides.
    #[inline(never)]
    fn xmit_l3_checked(dev: &Link<Self>, mut frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if frame.is_to_group() {
            return drop_tx(dev, frame.into_skb(), Reason::TxGroup, cx);
        }
        // What the host's rules look at stays, too.
        let protocol = frame.payload().protocol();
        if frame.has_partial_checksum() && !settle_checksum(&mut frame, protocol) {
            return drop_tx(dev, frame.into_skb(), Reason::TxSource, cx);
        }
        if Self::is_from_another(dev, frame.payload(), cx.rcu()) {
            return drop_tx(dev, frame.into_skb(), Reason::TxSource, cx);
        }
        let sender = match this.settings.flags() {
            Flags::BRIDGE => Sender::Direct,
            Flags::VEPA => Sender::Wire,
            _ => Sender::Nobody,
        };
        let len = frame.len();
        let status = route_and_send_checked::<Port>(frame, &this.lower, sender, cx.bh());
        sent(dev, len, status, cx)
    }

    /// Whether a packet says that it is from an address of a sibling, or of the lower device's namespace,
    /// where rules and connections would take it for that one's. A link in that namespace may.
    #[inline]
    fn is_from_another(dev: &Link<Self>, packet: Payload<'_>, rcu: Rcu<'_>) -> bool {
        let port = &dev.data().port;
        let Some(addr) = said_source(packet) else {
            return false;
        };
        match port.owner_of(addr, rcu) {
            Some(owner) if owner.id() == dev.id() => false,
            _ if dev.is_beside(port.lower(), rcu) => false,
            Some(_) => true,
            None => Self::is_hosts(dev, addr, rcu),
        }
    }

    /// Whether an address that no link has is one of the lower device's namespace.
    #[cold]
    #[inline(never)]
    fn is_hosts(dev: &Link<Self>, addr: IpAddr, rcu: Rcu<'_>) -> bool {
        addr.is_local_at(dev.data().port.lower(), rcu)
    }

    /// Makes a frame one that another endpoint has received.
    #[inline]
    fn send_to(
        dev: &Link<Self>,
        owner: &Link<Self>,
        frame: EthFrame<'_>,
        cx: &XmitContext<'_>,
    ) -> Tx {
        // Whether it is dropped on the way is no business of the sender.
        dev.data().stats.count_tx(frame.len(), cx.bh());
        group::receive_and_count(owner, frame, cx.rcu(), cx.bh());
        Tx::SENT
    }

    /// A frame to our own MAC address, but for no endpoint: the lower device receives it, if the host
    /// trusts us.
    #[inline(never)]
    fn send_in(dev: &Link<Self>, frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if !this.settings.is_trusted() {
            return drop_tx(dev, frame.into_skb(), Reason::TxHost, cx);
        }
        // Whether it is dropped on the way is no business of the sender.
        this.stats.count_tx(frame.len(), cx.bh());
        through(frame, &this.lower, cx)
    }

    /// A frame to another MAC address, which may be that of an endpoint of flavor macvlan.
    #[inline(never)]
    fn send_to_macvlan(
        dev: &Link<Self>,
        frame: EthFrame<'_>,
        dest: Mac,
        cx: &XmitContext<'_>,
    ) -> Tx {
        let this = dev.data();
        let Some(sibling) = this.port.macs.find(dest.key(), cx.rcu()) else {
            return send_out(dev, frame.into_skb(), cx);
        };
        match unicast(this.party(), sibling.data().party()) {
            Reach::Direct => between(dev, sibling, frame, cx),
            Reach::Out => send_out(dev, frame.into_skb(), cx),
            Reach::Nowhere => drop_tx(dev, frame.into_skb(), Reason::TxIsolated, cx),
        }
    }

    /// A frame to a group: a copy to each sibling that listens, and out.
    #[inline(never)]
    fn group_xmit(dev: &Link<Self>, frame: EthFrame<'_>, dest: Mac, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if frame.protocol() == ETH_P_PAUSE {
            // Flow control of the wire is the lower device's business.
            this.stats.count_tx(frame.len(), cx.bh());
            lost(dev, &frame, Reason::Pause, cx.bh());
            frame.into_skb().drop_reason(Reason::Pause.core());
            return Tx::SENT;
        }
        if this.settings.flags() == Flags::BRIDGE {
            const HEARERS: Parties =
                Parties::of_sent_group(Party::Ipvlan(IpvlanMode::L2, Flags::BRIDGE));
            if this.port.is_quiet() {
                return quiet_group_xmit(dev, frame, dest, HEARERS, cx);
            }
            let sender = (dev.id(), Some(&**dev));
            group::flood_siblings(&this.port, HEARERS, sender, &frame, dest, cx);
        }
        send_out(dev, frame.into_skb(), cx)
    }
}

impl Siblings for Port {
    type Upper = Ipvlan;

    #[inline]
    fn onward<'a>(
        this: &'a Handler<Self>,
        sender: Sender,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Onward<'a, Ipvlan> {
        let Some(dev) = this.dest_owner(packet, rcu) else {
            return Onward::Out;
        };
        let flags = match sender {
            Sender::Direct => Flags::BRIDGE,
            Sender::Nobody => Flags::PRIVATE,
            Sender::Wire => Flags::VEPA,
        };
        match unicast(Party::Ipvlan(IpvlanMode::L3, flags), dev.data().party()) {
            Reach::Direct => Onward::To(dev),
            Reach::Out => Onward::Out,
            Reach::Nowhere => Onward::Nowhere,
        }
    }

    fn deliver(dev: &Link<Ipvlan>, frame: EthFrame<'_>, rcu: Rcu<'_>, bh: Bh<'_>) {
        group::receive_and_count(dev, frame, rcu, bh);
    }
}

// --- Both -------------------------------------------------------------------

/// A frame to a group where who asks for a known link is answered, or copies are bounded.
#[cold]
#[inline(never)]
fn quiet_group_xmit<E: Endpoint>(
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

/// Gives a packet back that the guard and the limits of `dev` let pass, if it `is_checked` by any; drops any
/// other.
#[inline(always)]
fn pass_checks<'a, E: Endpoint>(
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
    limits.send(
        packet.wire_size(),
        frame.is_to_group(),
        is_about_neighbours,
        now,
    )
}

/// Sees to it that nothing of what is looked at in a frame of that protocol changes any more: a checksum that
/// somebody else would write there is computed now. Whether that was possible.
#[cold]
#[inline(never)]
fn settle_checksum(frame: &mut EthFrame<'_>, protocol: u16) -> bool {
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
    let (lower, len) = (&this.lower, frame.len());
    // Whether it is dropped on the way is no business of the sender.
    this.stats.count_tx(len, cx.bh());
    if !this.port.sources.is_empty() {
        return through(frame, lower, cx);
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
        Err(frame) => through(frame, lower, cx),
    }
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
