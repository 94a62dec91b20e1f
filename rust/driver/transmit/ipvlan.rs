// SPDX-License-Identifier: GPL-2.0

//! Flavor ipvlan: where a packet goes that an endpoint sends.

use super::{
    between,
    careful_group_xmit,
    checks::{
        pass_checks,
        settle_checksum, //
    },
    drop_tx,
    may_use_vlans,
    send_out,
    sent,
    through,
    to_host, //
};
use crate::{
    drops::Reason,
    endpoint::{
        lost,
        Endpoint,
        Ipvlan, //
    },
    group,
    host,
    ipvlan::{
        address::{
            said_source,
            with_routed, //
        },
        settings::{
            Flags,
            Mode as IpvlanMode, //
        },
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
        headers::ETH_P_PAUSE,
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
        netdevice::Link,
        payload::Payload,
        rx_handler::Handler,
        skbuff::{
            EthFrame,
            SkBuff, //
        },
    },
};

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
        // The lower device's own, of which outside nobody is to hear, whoever it is from.
        if dest == this.lower.mac() && flags != Flags::VEPA {
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
        if Self::is_from_another(dev, &mut frame, cx.rcu()) {
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
    /// where rules and connections would take it for that one's; or whether that cannot be told. A link in that
    /// namespace may.
    #[inline]
    fn is_from_another(dev: &Link<Self>, frame: &mut EthFrame<'_>, rcu: Rcu<'_>) -> bool {
        let port = &dev.data().port;
        let addr = match said_source(frame) {
            Ok(Some(addr)) => addr,
            Ok(None) => return false,
            Err(_) => return true,
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
    fn send_in(dev: &Link<Self>, mut frame: EthFrame<'_>, cx: &XmitContext<'_>) -> Tx {
        let this = dev.data();
        if !this.settings.is_trusted()
            || !may_use_vlans(dev, cx) && frame.is_for_vlan_of(&this.lower, cx.rcu())
        {
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
            if !group::is_plain(&this.port) {
                return careful_group_xmit(dev, frame, dest, HEARERS, cx);
            }
            group::copy_to_siblings(&this.port, HEARERS, dev.id(), &frame, dest, cx);
        }
        send_out(dev, frame.into_skb(), cx)
    }
}

impl Port {
    /// The endpoint to whose address the host has routed a packet, if it is up: what its rules looked at counts,
    /// not what the packet asks for.
    #[inline(never)]
    fn routed_owner<'a>(&'a self, packet: Payload<'_>, rcu: Rcu<'a>) -> Option<&'a Link<Ipvlan>> {
        // No endpoint has addresses in a VLAN.
        if packet.is_in_vlan() {
            return None;
        }
        let dev = with_routed(
            packet,
            |addr| self.addrs4.find(addr.into(), rcu),
            |addr| self.addrs6.find(addr, rcu),
        )?;
        dev.is_up().then_some(dev)
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
        let Some(dev) = this.routed_owner(packet, rcu) else {
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
