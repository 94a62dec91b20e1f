// SPDX-License-Identifier: GPL-2.0

//! Kind `macvtap`, as the C driver has it: as kind `macvlan`, with a tap.

use super::macvlan::{
    changelink,
    fill_info,
    get_size,
    newlink,
    validate,
    DRIVER, //
};
use crate::{
    endpoint::{
        Form,
        Macvlan,
        Rules, //
    },
    macvlan::settings, //
};
use abstractions::{
    context::Rcu,
    net::{
        ethtool::DriverInfo,
        link::{
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

/// `ip link add … type macvtap`.
pub(crate) enum Kind {}

#[vtable]
impl RtnlLinkOps for Kind {
    const KIND: &'static CStr = c"macvtap";
    const NAME_TEMPLATE: &'static CStr = c"macvtap%d";
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
        newlink(dev, params, Form::tap(Rules::C)?, ack, rtnl)
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
