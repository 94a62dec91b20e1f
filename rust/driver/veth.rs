// SPDX-License-Identifier: GPL-2.0

//! Flavor veth: a pair of devices; transmit on one is receive on the other.
//!
//! Either end refers to the other by a `LinkRef`, set when both are registered and taken away when
//! one of them is deleted, which deletes both. In between, and only then, an end can be up.

mod end;
mod ethtool;
mod limits;
mod ops;
mod queue;
mod stats;
mod xdp;
mod xmit;

pub(crate) use self::{
    end::Veth,
    limits::NdoXmit, //
};
use crate::config;
use abstractions::net::{
    features::Features,
    link::{
        ifla,
        Finished,
        FromCore,
        NewDevice,
        NewLinkParams,
        PeerInfo,
        PrivFlags,
        SetupDevice, //
    },
    nlattr::{
        ExtAck,
        LinkAttrs, //
    },
    rtnl::Rtnl,
};
use kernel::prelude::*;

impl Veth {
    /// Makes the pair: the peer first, then the device that the request is about.
    ///
    /// Whatever fails, what was made before is undone: the peer when it goes out of scope, the device
    /// when the request ends.
    pub(crate) fn newlink<'a>(
        mut dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ndo_xmit: NdoXmit,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        let outer = params.attrs();
        let mut info = match params.data().and_then(|data| data.attr(config::PEER.id())) {
            Some(attr) => Some(PeerInfo::parse(attr, ack)?),
            None => None,
        };

        let data = Self::new(dev.setup(), ndo_xmit);
        let mut dev = dev.init(data)?;
        setup(&mut dev.setup());
        if !outer.has(&ifla::ADDRESS) {
            dev.setup().set_random_address();
        }
        set_active_queues(&mut dev.setup(), outer)?;

        // What the peer is to be like, if not said, is what the device is like; but not its name
        // and address.
        let attrs = info.as_mut().map(PeerInfo::attrs);
        let (named, addressed) = match &attrs {
            Some(attrs) => (attrs.has(&ifla::IFNAME), attrs.has(&ifla::ADDRESS)),
            None => (false, false),
        };
        let mut peer = params.create(
            params.peer_net(),
            attrs.as_ref().unwrap_or(outer),
            named,
            ack,
            rtnl,
        )?;
        let data = Self::new(peer.setup(), ndo_xmit);
        let mut peer = peer.init(data)?;
        setup(&mut peer.setup());
        if !addressed {
            peer.setup().set_random_address();
        }
        if let (Some(info), true) = (&info, dev.setup().ifindex() != 0) {
            peer.setup().set_ifindex(info.ifindex());
        }
        peer.setup().inherit_tso_max(&dev.setup());
        // As the C driver: the number of active queues of both follows from the outer attributes.
        set_active_queues(&mut peer.setup(), outer)?;

        let peer = peer.register(rtnl)?;
        // GRO means NAPI, which costs more than it gains unless somebody asks for it.
        peer.disable_gro(rtnl);
        peer.carrier_off();
        let peer = peer.configure(info.as_ref())?;

        let dev = dev.register(rtnl)?;
        dev.carrier_off();
        dev.data().peer.set(&peer, rtnl)?;
        peer.data().peer.set(&dev, rtnl)?;
        dev.disable_gro(rtnl);
        xdp::update_features(&dev, &peer, rtnl);

        peer.keep();
        dev.finish()
    }
}

/// Everything that costs nothing to pass on to a device without a wire.
const FEATURES: Features = Features::SG
    .with(Features::FRAGLIST)
    .with(Features::HW_CSUM)
    .with(Features::RXCSUM)
    .with(Features::SCTP_CRC)
    .with(Features::HIGHDMA)
    .with(Features::GSO_SOFTWARE)
    .with(Features::GSO_ENCAP_ALL)
    .with(VLAN);

/// VLAN tags travel beside the packet; they cannot be passed on to devices on top.
const VLAN: Features = Features::VLAN_CTAG_TX
    .with(Features::VLAN_CTAG_RX)
    .with(Features::VLAN_STAG_TX)
    .with(Features::VLAN_STAG_RX);

const MPLS: Features = Features::HW_CSUM.with(Features::GSO_SOFTWARE);

/// What both ends have in common.
fn setup(dev: &mut SetupDevice<'_>) {
    dev.set_priv_flags(PrivFlags::LIVE_ADDR_CHANGE.with(PrivFlags::PHONY_HEADROOM));
    dev.set_features(FEATURES, FEATURES.without(VLAN), MPLS);
}

/// One active queue, unless the request names a number to allocate.
fn set_active_queues(dev: &mut SetupDevice<'_>, outer: &LinkAttrs<'_>) -> Result {
    let (tx, rx) = dev.num_queues();
    let active = |named: bool, allocated: u32| (!named && allocated > 1).then_some(1);

    dev.set_real_num_queues(
        active(outer.has(&ifla::NUM_TX_QUEUES), tx),
        active(outer.has(&ifla::NUM_RX_QUEUES), rx),
    )
}
