// SPDX-License-Identifier: GPL-2.0

//! Kinds `macvlan` and `macvtap`, as the C drivers have them: their attributes are the settings of flavor macvlan,
//! and without a mode a link is in mode vepa.

use crate::{
    endpoint::{
        Compat, //
        Form,
        Macvlan,
    },
    macvlan::settings::{
        self,
        Mode,
        Settings, //
    },
};
use abstractions::{
    context::Rcu,
    net::{
        ethtool::DriverInfo,
        link::{
            downcast,
            priv_size,
            Finished,
            FromCore,
            NewDevice,
            NewLinkParams,
            RtnlLinkOps,
            SetupDevice, //
        },
        netdevice::NetDevice,
        nlattr::{
            AttrWriter,
            Attrs,
            ExtAck,
            LinkAttrs,
            Policy, //
        },
        registered::Registered,
        rtnl::Rtnl, //
    },
};
use kernel::prelude::*;

/// `ip link add … type macvlan`, or `macvtap`.
pub(crate) enum Kind<const TAP: bool> {}

pub(crate) type Macvtap = Kind<true>;

#[vtable]
impl<const TAP: bool> RtnlLinkOps for Kind<TAP> {
    const KIND: &'static CStr = if TAP { c"macvtap" } else { c"macvlan" };
    const NAME_TEMPLATE: &'static CStr = if TAP { c"macvtap%d" } else { c"macvlan%d" };
    const POLICY: &'static [Policy] = settings::POLICY.rows();
    /// Both say the same of themselves.
    const DRIVER: DriverInfo = DriverInfo {
        driver: c"macvlan",
        version: c"0.1",
    };
    const PEER: Option<u16> = None;
    const PRIV_SIZE: usize = priv_size::<Macvlan>();

    fn setup(dev: &mut SetupDevice<'_>, _tb: &LinkAttrs<'_>) {
        super::setup(dev);
    }

    fn validate(tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result {
        super::check_address(tb, ack)?;
        read(data, ack).map(|_| ())
    }

    fn newlink<'a>(
        dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        let mut settings = read(params.data(), ack)?;
        settings.mode = settings.mode.or(Some(Mode::VEPA));
        let form = Form::new(Compat::C, TAP)?;
        let cutoff = settings.bc_cutoff;
        let dev = Macvlan::newlink(dev, params, settings, form, ack, rtnl)?;
        dev.data().port.change_bc_cutoff(cutoff, rtnl);
        dev.finish()
    }

    fn changelink(
        dev: &Registered<NetDevice>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let dev = downcast::<Macvlan>(dev).and_then(|dev| dev.registered(rtnl));
        Macvlan::change(dev.ok_or(ENODEV)?, &read(data, ack)?, ack, rtnl)
    }

    fn get_size(dev: &NetDevice, _rcu: Rcu<'_>) -> usize {
        downcast::<Macvlan>(dev).map_or(0, |dev| dev.data().fill_size())
    }

    fn fill_info(dev: &NetDevice, msg: &mut AttrWriter<'_>, rtnl: &Rtnl) -> Result {
        downcast::<Macvlan>(dev).map_or(Ok(()), |dev| Macvlan::fill(dev, msg, rtnl))
    }
}

/// What a request says of the settings.
fn read<'a>(data: Option<&Attrs<'a>>, ack: &mut ExtAck<'_>) -> Result<Settings<'a>> {
    data.map_or(Ok(Settings::NONE), |data| Settings::read(data, ack))
}
