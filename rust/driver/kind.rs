// SPDX-License-Identifier: GPL-2.0

//! The link kind: one line for each thing that the core asks, until a flavor takes over.

use crate::{
    config::{
        self,
        Flavor,
        Refusal, //
    },
    uapi,
    veth::Veth, //
};
use abstractions::net::{
    link::{
        ifla,
        is_valid_ether_addr,
        Features,
        Finished,
        FromCore,
        LinkKind,
        NewDevice,
        NewLinkParams,
        PrivFlags,
        SetupDevice,
        ETH_MAX_MTU, //
    },
    netdevice::priv_size,
    nlattr::{
        Attrs,
        ExtAck,
        LinkAttrs,
        Policy, //
    },
    rtnl::Rtnl,
};
use kernel::prelude::*;

/// `ip link add … type rnetvirt`.
pub(crate) enum Rnetvirt {}

impl LinkKind for Rnetvirt {
    const KIND: &'static CStr = uapi::KIND;
    const NAME_TEMPLATE: &'static CStr = c"rnetvirt%d";
    const POLICY: &'static [Policy] = config::POLICY;
    const PEER: u16 = uapi::IFLA_RNETVIRT_PEER;
    const PRIV_SIZE: usize = priv_size::<Veth>();

    fn setup(dev: &mut SetupDevice<'_>) {
        dev.set_lltx();
        dev.set_priv_flags(
            PrivFlags::LIVE_ADDR_CHANGE
                .with(PrivFlags::NO_QUEUE)
                .with(PrivFlags::PHONY_HEADROOM),
        );
        dev.set_features(FEATURES, FEATURES.without(VLAN), MPLS);
        // The core checks what a request wants against these before it calls `newlink`.
        dev.set_max_mtu(ETH_MAX_MTU);
        dev.set_tso_max_size();
    }

    fn validate(tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result {
        if let Some(addr) = tb.get(&ifla::ADDRESS)? {
            let addr: &[u8; 6] = addr
                .try_into()
                .map_err(|_| ack.refuse(EINVAL, c"address must have 6 bytes"))?;
            if !is_valid_ether_addr(addr) {
                return Err(ack.refuse(EADDRNOTAVAIL, c"address must be unicast and not zero"));
            }
        }
        if let Some(mtu) = tb.get(&ifla::MTU)? {
            if !config::mtu_is_valid(mtu) {
                return Err(ack.refuse(EINVAL, c"mtu must be from 68 to 65535"));
            }
        }
        let Some(data) = data else {
            return Ok(());
        };
        for field in &config::RESERVED {
            if let Some(attr) = data.attr(field.id()) {
                ack.set_bad_attr(attr);
                return Err(ack.refuse(
                    EINVAL,
                    c"settings of a flavor that this version does not have",
                ));
            }
        }
        flavor(tb, Some(data), ack)?;
        Ok(())
    }

    fn newlink<'a>(
        dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        match flavor(params.attrs(), params.data(), ack)? {
            Flavor::Veth => Veth::newlink(dev, params, ack, rtnl),
        }
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

/// The flavor that attributes ask for; the reason goes to the user if there is none.
fn flavor(tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result<Flavor> {
    let number = match data {
        Some(data) => data.get(&config::FLAVOR)?,
        None => None,
    };
    Flavor::choose(number, tb.has(&ifla::LINK)).map_err(|Refusal(err, msg)| {
        if let Some(attr) = data.and_then(|data| data.attr(config::FLAVOR.id())) {
            ack.set_bad_attr(attr);
        }
        ack.refuse(err, msg)
    })
}
