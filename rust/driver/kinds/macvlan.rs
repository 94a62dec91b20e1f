// SPDX-License-Identifier: GPL-2.0

//! Kind `macvlan`, as the C driver has it: its attributes are the settings of flavor macvlan, and without a
//! mode a link is in mode vepa.

use crate::{
    endpoint::{
        Form,
        Macvlan,
        Rules, //
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

/// `ip link add … type macvlan`.
pub(crate) enum Kind {}

/// What C's macvlan and macvtap say of themselves.
pub(super) const DRIVER: DriverInfo = DriverInfo {
    driver: c"macvlan",
    version: c"0.1",
};

#[vtable]
impl RtnlLinkOps for Kind {
    const KIND: &'static CStr = c"macvlan";
    const NAME_TEMPLATE: &'static CStr = c"macvlan%d";
    const POLICY: &'static [Policy] = settings::POLICY.rows();
    const DRIVER: DriverInfo = DRIVER;
    const PEER: Option<u16> = None;
    const PRIV_SIZE: usize = priv_size::<Macvlan>();

    fn num_queues(_tb: &LinkAttrs<'_>) -> u32 {
        1
    }

    fn setup(dev: &mut SetupDevice<'_>, _tb: &LinkAttrs<'_>) {
        super::setup(dev);
    }

    fn validate(tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result {
        validate(tb, data, ack)
    }

    fn newlink<'a>(
        dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        newlink(dev, params, Form::plain(Rules::C), ack, rtnl)
    }

    fn changelink(
        dev: &Registered<NetDevice>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        changelink(dev, data, ack, rtnl)
    }

    fn get_size(dev: &NetDevice, _rcu: Rcu<'_>) -> usize {
        get_size(dev)
    }

    fn fill_info(dev: &NetDevice, msg: &mut AttrWriter<'_>, rtnl: &Rtnl) -> Result {
        fill_info(dev, msg, rtnl)
    }
}

// Kind `macvtap` has these, too.

/// What a request says of the settings.
fn read<'a>(data: Option<&Attrs<'a>>, ack: &mut ExtAck<'_>) -> Result<Settings<'a>> {
    data.map_or(Ok(Settings::NONE), |data| Settings::read(data, ack))
}

pub(super) fn validate(
    tb: &LinkAttrs<'_>,
    data: Option<&Attrs<'_>>,
    ack: &mut ExtAck<'_>,
) -> Result {
    super::check_address(tb, ack)?;
    read(data, ack).map(|_| ())
}

pub(super) fn newlink<'a>(
    dev: NewDevice<'a, FromCore>,
    params: &NewLinkParams<'_>,
    form: Form,
    ack: &mut ExtAck<'_>,
    rtnl: &'a Rtnl,
) -> Result<Finished<'a>> {
    let mut settings = read(params.data(), ack)?;
    settings.mode = settings.mode.or(Some(Mode::VEPA));
    Macvlan::newlink(dev, params, settings, form, ack, rtnl)?.finish()
}

pub(super) fn changelink(
    dev: &Registered<NetDevice>,
    data: Option<&Attrs<'_>>,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result {
    let dev = downcast::<Macvlan>(dev).and_then(|dev| dev.registered(rtnl));
    Macvlan::change(dev.ok_or(ENODEV)?, &read(data, ack)?, ack, rtnl)
}

pub(super) fn get_size(dev: &NetDevice) -> usize {
    downcast::<Macvlan>(dev).map_or(0, |dev| dev.data().fill_size())
}

pub(super) fn fill_info(dev: &NetDevice, msg: &mut AttrWriter<'_>, rtnl: &Rtnl) -> Result {
    downcast::<Macvlan>(dev).map_or(Ok(()), |dev| Macvlan::fill(dev, msg, rtnl))
}
