// SPDX-License-Identifier: GPL-2.0

//! Flavor macvlan: links that share a lower device, each with a MAC address of its own.
//!
//! ```text
//!   transmit                                   receive, for the port
//!     |                                          |
//!   mode bridge?                               group? -----> to_group: copies to those who
//!     | no    | yes                              |           listen, and on to the lower device
//!     |     group? copies to siblings          somebody listens to the sender? a copy to each
//!     |     a sibling's address?                 |
//!     |       | yes: as received by it         an endpoint's address?
//!     v       v                                  | no          | yes
//!   lower   sibling                            lower device's  the endpoint, as if
//!   device                                     own stack       received by it
//! ```
//!
//! Siblings are the endpoints of the same port. An endpoint is found by its address while it is
//! up, see `open` in `ops.rs`.

pub(crate) mod flags;
pub(crate) mod mac;
mod ops;
pub(crate) mod settings;
mod sources;

use crate::{
    config::Flavor,
    endpoint::{
        prepare,
        Common,
        Form,
        Macvlan, //
    },
    macvlan::{
        flags::FlagsCell,
        settings::{
            Flags,
            Mode,
            Settings, //
        },
    },
    port::PortRef,
    refusal::Refusal,
    tap, //
};
use abstractions::net::{
    features::Features,
    link::{
        self,
        ifla,
        FromCore,
        NewDevice,
        NewLinkParams,
        PrivFlags,
        SetupDevice, //
    },
    netdevice::NetDevice,
    nlattr::{
        ExtAck,
        LinkAttrs, //
    },
    rtnl::Rtnl,
    rx_handler::Handler, //
};
use kernel::{
    prelude::*,
    sync::atomic::Atomic, //
};
use settings::ModeCell;

/// What an endpoint does itself, whatever is below.
const ALWAYS_ON: Features = Features::SG
    .with(Features::HW_CSUM)
    .with(Features::GSO_SOFTWARE)
    .with(Features::GSO_ROBUST)
    .with(Features::GSO_ENCAP_ALL);

/// What it has if the lower device does.
const INHERITED: Features = Features::SG
    .with(Features::HW_CSUM)
    .with(Features::HIGHDMA)
    .with(Features::FRAGLIST)
    .with(Features::GSO)
    .with(Features::TSO)
    .with(Features::LRO)
    .with(Features::TSO_ECN)
    .with(Features::TSO6)
    .with(Features::GRO)
    .with(Features::RXCSUM)
    .with(Features::VLAN_CTAG_FILTER)
    .with(Features::VLAN_STAG_FILTER);

impl Macvlan {
    /// Makes an endpoint, and the port if it is the first.
    ///
    /// Whatever fails, what was made before is undone: the device when the request ends, a port
    /// without endpoints when `opened` goes out of scope or the device leaves.
    pub(crate) fn newlink<'a>(
        mut dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        settings: Settings<'_>,
        form: Form,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<link::Unfinished<'a, Self, FromCore>> {
        let outer = params.attrs();
        let is_tap = form.tap.is_some();
        let mode = settings.mode.unwrap_or(Mode::BRIDGE);

        let opened = prepare::<Self>(
            &mut dev.setup(),
            params,
            |dev, lower, ack| check_mtu(dev, outer, lower, ack, rtnl),
            ack,
            rtnl,
        )?;
        let port: &PortRef = &opened;
        let lower = port.lower_rtnl(rtnl)?;
        if mode == Mode::PASSTHRU && port.is_used() {
            return Err(ack.refuse(Refusal::PassthruNeedsAll));
        }
        sources::check(&settings, mode, |_| 1, ack)?;

        let mut dev = dev.init(Ok::<Self, Error>(Self {
            common: Common::new(port, form, rtnl)?,
            mode: ModeCell::new(mode),
            flags: FlagsCell::new(settings.flags.unwrap_or(Flags::NONE)),
            hashed: Atomic::new(0),
            bc_queue_len: Atomic::new(
                settings
                    .bc_queue_len
                    .unwrap_or(settings::DEFAULT_BC_QUEUE_LEN),
            ),
            sources: Atomic::new(0),
            known_to_host: Atomic::new(0),
            listed: Atomic::new(0),
        }))?;
        if mode == Mode::PASSTHRU {
            port.set_passthru(rtnl);
            dev.setup().inherit_address(lower, rtnl);
        } else if !outer.has(&ifla::ADDRESS) {
            dev.setup().set_random_address();
        }
        setup(&mut dev.setup(), lower, rtnl);
        if is_tap {
            tap::setup(&mut dev.setup(), params.attrs());
        }

        let dev = dev.register(rtnl)?;
        if let Some(tap) = dev.data().tap() {
            Handler::attach(tap, &dev, rtnl)?;
        }
        port.join_macvlan(&dev, ack, rtnl)?;
        if let Some(change) = settings.sources {
            Self::change_sources(&dev, change, rtnl)?;
        }
        dev.transfer_operstate(lower, rtnl);
        dev.linkwatch_fire_event(rtnl);
        Ok(dev)
    }

    pub(crate) fn flavor(&self) -> Flavor {
        if self.tap.is_some() {
            Flavor::Macvtap
        } else {
            Flavor::Macvlan
        }
    }
}

/// The MTU of a new endpoint is that of the lower device, or less.
fn check_mtu(
    dev: &mut SetupDevice<'_>,
    outer: &LinkAttrs<'_>,
    lower: &NetDevice,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result {
    if !outer.has(&ifla::MTU) {
        dev.set_mtu(lower.mtu());
    } else if dev.mtu() > lower.mtu() {
        return Err(ack.refuse(Refusal::MtuAboveLower));
    }
    dev.set_max_mtu(lower.max_mtu(rtnl));
    Ok(())
}

/// What a device on top of `lower` is like.
fn setup(dev: &mut SetupDevice<'_>, lower: &NetDevice, rtnl: &Rtnl) {
    // The lower device's queueing discipline may want the route.
    dev.clear_priv_flags(PrivFlags::XMIT_DST_RELEASE);
    dev.set_priv_flags(PrivFlags::UNICAST_FLT);
    dev.set_change_proto_down();
    dev.inherit_lower(lower, rtnl);
    dev.set_stacked_features(
        lower.features(rtnl).and(INHERITED).with(ALWAYS_ON),
        Features::LRO,
        lower.vlan_features(rtnl).and(INHERITED).with(ALWAYS_ON),
    );
}
