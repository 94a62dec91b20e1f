// SPDX-License-Identifier: GPL-2.0

//! Flavor ipvlan: links that share a lower device and its MAC address, each with IP addresses of its
//! own.
//!
//! ```text
//!   transmit, mode l2                    mode l3, l3s                    receive, for the port
//!     |                                    |                               |
//!   to our own MAC address?              an endpoint's address?          an endpoint's address?
//!     | no    | yes                        | no          | yes             | no          | yes
//!     |     an endpoint's address?         v             v                 v             v
//!     |       | no         | yes         routes of the  endpoint   lower device's    the endpoint,
//!     |     lower         endpoint       lower device's            own stack, and    as if received
//!     |     device's                     namespace                 for l3s, netfilter  by it
//!     v     own stack                                              before the endpoint
//!   a group: copies to siblings, and out
//!   else: lower device
//! ```
//!
//! Each endpoint has a mode and flags of its own. An endpoint is found by its addresses while it is up:
//! they are in the port's tables from when they are assigned on.

pub(crate) mod address;
pub(crate) mod addresses;
mod ops;
pub(crate) mod settings;

use crate::{
    config::Flavor,
    endpoint::{
        prepare,
        Common,
        Form,
        Ipvlan, //
    },
    ipvlan::settings::{
        Flags,
        Mode,
        Settings, //
    },
    port::{
        Port,
        PortRef, //
    },
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
    netdevice::{
        Link,
        NetDevice, //
    },
    nlattr::ExtAck,
    registered::Registered,
    rtnl::Rtnl,
    rx_handler::Handler, //
};
use kernel::{
    prelude::*,
    sync::atomic::Atomic, //
};
use settings::ModeCell;

/// What an endpoint does itself, whatever is below.
const ALWAYS_ON: Features = OFFLOADS.with(Features::VLAN_CHALLENGED);

const OFFLOADS: Features = Features::SG
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
    .with(Features::TSO_ECN)
    .with(Features::TSO6)
    .with(Features::TSO_MANGLEID)
    .with(Features::GSO_ROBUST)
    .with(Features::GRO)
    .with(Features::RXCSUM)
    .with(Features::VLAN_CTAG_FILTER)
    .with(Features::VLAN_STAG_FILTER);

impl Ipvlan {
    /// Makes an endpoint, and the port if it is the first.
    ///
    /// Whatever fails, what was made before is undone: the device when the request ends, a port
    /// without endpoints when `opened` goes out of scope or the device leaves.
    pub(crate) fn newlink<'a>(
        mut dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        settings: Settings,
        form: Form,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<link::Unfinished<'a, Self, FromCore>> {
        let is_tap = form.tap.is_some();
        let mode = settings.mode.unwrap_or(Mode::L3);
        let flags = settings.flags.unwrap_or(Flags::BRIDGE);

        let opened = prepare::<Self>(&mut dev.setup(), params, |_, _, _| Ok(()), ack, rtnl)?;
        let port: &PortRef = &opened;
        let lower = port.lower_rtnl(rtnl)?;
        if !params.attrs().has(&ifla::MTU) {
            dev.setup().set_mtu(lower.mtu());
        }
        let mut dev = dev.init(Ok::<Self, Error>(Self {
            common: Common::new(port, form, rtnl)?,
            settings: ModeCell::new(mode, flags),
            wants_all_groups: Atomic::new(false),
            dev_id: Atomic::new(0),
            addresses: Atomic::new(0),
        }))?;
        setup(&mut dev.setup(), lower, rtnl);
        if is_tap {
            tap::setup(&mut dev.setup(), params.attrs());
        }

        let dev = dev.register(rtnl)?;
        if let Some(tap) = dev.data().tap() {
            Handler::attach(tap, &dev, rtnl)?;
        }
        Port::join_ipvlan(port, &dev, ack, rtnl)?;
        dev.transfer_operstate(lower, rtnl);
        Ok(dev)
    }

    pub(crate) fn flavor(&self) -> Flavor {
        if self.tap.is_some() {
            Flavor::Ipvtap
        } else {
            Flavor::Ipvlan
        }
    }

    /// Changes the mode. What can fail comes first, and is undone.
    pub(crate) fn set_mode(dev: &Registered<Link<Self>>, mode: Mode, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let old = this.settings.mode();
        if mode == old {
            return Ok(());
        }
        Port::enter_mode(&this.port, mode, rtnl)?;
        if let Err(err) = dev.set_arp(mode == Mode::L2, rtnl) {
            Port::leave_mode(&this.port, mode, rtnl);
            return Err(err);
        }
        this.settings.set_mode(mode);
        Port::leave_mode(&this.port, old, rtnl);
        Ok(())
    }
}

/// What a device on top of `lower` is like.
fn setup(dev: &mut SetupDevice<'_>, lower: &NetDevice, rtnl: &Rtnl) {
    // The lower device's queueing discipline may want the route.
    dev.clear_priv_flags(PrivFlags::XMIT_DST_RELEASE);
    dev.set_priv_flags(PrivFlags::UNICAST_FLT.with(PrivFlags::NO_RX_HANDLER));
    dev.copy_address(lower, rtnl);
    dev.inherit_lower(lower, rtnl);
    dev.set_stacked_features(
        lower.features(rtnl).and(INHERITED).with(ALWAYS_ON),
        Features::NONE,
        lower.vlan_features(rtnl).and(INHERITED).with(OFFLOADS),
    );
}
