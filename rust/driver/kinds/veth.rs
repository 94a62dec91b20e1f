// SPDX-License-Identifier: GPL-2.0

//! Kind `veth`, as the C driver has it: flavor veth without settings. What it says that it can do is what the C
//! driver would say.

use crate::{
    config,
    veth::{
        NdoXmit,
        Veth, //
    },
};
use abstractions::net::{
    ethtool::DriverInfo,
    link::{
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
        Policy,
        PolicyTable, //
    },
    rtnl::Rtnl, //
};
use kernel::prelude::*;

/// `ip link add … type veth`.
pub(crate) enum Kind {}

/// `VETH_INFO_PEER`, which has the number of kind `rnetvirt`'s.
static POLICY: PolicyTable<2> = PolicyTable::new().with(&config::PEER);

#[vtable]
impl RtnlLinkOps for Kind {
    const KIND: &'static CStr = c"veth";
    const NAME_TEMPLATE: &'static CStr = c"veth%d";
    const POLICY: &'static [Policy] = POLICY.rows();
    const DRIVER: DriverInfo = DriverInfo {
        driver: c"veth",
        version: c"1.0",
    };
    const PEER: Option<u16> = Some(config::PEER.id());
    const PRIV_SIZE: usize = priv_size::<Veth>();

    fn num_queues(_tb: &LinkAttrs<'_>) -> u32 {
        num_possible_cpus()
    }

    fn setup(dev: &mut SetupDevice<'_>, _tb: &LinkAttrs<'_>) {
        super::setup(dev);
        dev.set_tso_max_size();
    }

    fn validate(tb: &LinkAttrs<'_>, _data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result {
        super::check_address(tb, ack)?;
        super::check_mtu(tb, ack)
    }

    fn newlink<'a>(
        dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        Veth::newlink(dev, params, NdoXmit::IfPolled, ack, rtnl)
    }
}
