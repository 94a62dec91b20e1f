// SPDX-License-Identifier: GPL-2.0

//! Kind `rnetvirt`: one line for each thing that the core asks, until a flavor takes over.

use crate::{
    config::{
        self,
        Flavor,
        Hints, //
    },
    endpoint::{
        self,
        Ipvlan,
        Macvlan, //
    },
    ipvlan,
    macvlan,
    tap::Tap,
    uapi,
    veth::Veth, //
};
use abstractions::net::{
    link::{
        ifla,
        num_possible_cpus,
        priv_size,
        Finished,
        FromCore,
        NewDevice,
        NewLinkParams,
        RtnlLinkOps,
        SetupDevice, //
    },
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

impl RtnlLinkOps for Rnetvirt {
    const KIND: &'static CStr = uapi::KIND;
    const NAME_TEMPLATE: &'static CStr = c"rnetvirt%d";
    const POLICY: &'static [Policy] = config::POLICY;
    const PEER: u16 = uapi::IFLA_RNETVIRT_PEER;
    const PRIV_SIZE: usize = {
        let sizes = [
            priv_size::<Veth>(),
            priv_size::<Macvlan>(),
            priv_size::<Ipvlan>(),
        ];
        let mut largest = 0;
        let mut rest: &[usize] = &sizes;
        while let [size, tail @ ..] = rest {
            if *size > largest {
                largest = *size;
            }
            rest = tail;
        }
        largest
    };

    /// A device without a lower one can be sent into by all CPUs at once; one that has such a device
    /// leaves queues to it.
    fn num_queues(tb: &LinkAttrs<'_>) -> u32 {
        if tb.has(&ifla::LINK) {
            1
        } else {
            num_possible_cpus()
        }
    }

    fn setup(dev: &mut SetupDevice<'_>, tb: &LinkAttrs<'_>) {
        super::setup(dev);
        if !tb.has(&ifla::LINK) {
            // Without a lower device there is nobody who could not take a packet of any size.
            dev.set_tso_max_size();
        }
    }

    fn validate(tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result {
        // Of the second device's attributes there is no data: it is a pair's.
        let flavor = match data {
            Some(_) => flavor(tb, data, ack)?,
            None if tb.has(&ifla::LINK) => Flavor::Macvlan,
            None => Flavor::Veth,
        };
        // Those of flavor ipvlan have that of the lower device, whatever a request says.
        if !matches!(flavor, Flavor::Ipvlan | Flavor::Ipvtap) {
            super::check_address(tb, ack)?;
        }
        super::check_mtu(tb, ack)?;
        if let Some(data) = data {
            macvlan::settings::Settings::parse(data.attr(config::MACVLAN.id()), ack)?;
            ipvlan::settings::Settings::parse(data.attr(config::IPVLAN.id()), ack)?;
            config::trust(Some(data), ack)?;
        }
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
            Flavor::Macvlan => Macvlan::newlink(dev, params, None, ack, rtnl),
            Flavor::Ipvlan => Ipvlan::newlink(dev, params, None, ack, rtnl),
            Flavor::Macvtap => {
                Macvlan::newlink(dev, params, Some(Tap::new(endpoint::stats)?), ack, rtnl)
            }
            Flavor::Ipvtap => {
                Ipvlan::newlink(dev, params, Some(Tap::new(endpoint::stats)?), ack, rtnl)
            }
        }
    }
}

/// The flavor that attributes ask for; the reason goes to the user if there is none.
fn flavor(tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result<Flavor> {
    let mut hints = Hints {
        has_lower: tb.has(&ifla::LINK),
        ..Hints::default()
    };
    if let Some(data) = data {
        hints.number = data.get(&config::FLAVOR)?;
        hints.has_peer = data.has(&config::PEER);
        hints.has_macvlan = data.has(&config::MACVLAN);
        hints.has_ipvlan = config::has_ipvlan(data);
    }
    Flavor::choose(hints).map_err(|refusal| {
        let attr = data.and_then(|data| data.attr(config::FLAVOR.id()));
        ack.refuse_attr(attr, refusal)
    })
}
