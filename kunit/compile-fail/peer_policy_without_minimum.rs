// misuse, in use: E0080
//! The core takes it for granted that the attribute of a second device begins with a `struct ifinfomsg`, so
//! the policy must guarantee that. The length of `NLA_BINARY` is the largest.
#![forbid(unsafe_code)]

use abstractions::net::{
    ethtool::DriverInfo,
    link::{
        self,
        Finished,
        FromCore,
        NewDevice,
        NewLinkParams,
        RtnlLinkOps,
        SetupDevice, //
    },
    nlattr::{
        Attrs,
        Binary,
        Bytes,
        ExtAck,
        Field,
        LinkAttrs,
        Policy,
        PolicyTable, //
    },
    rtnl::Rtnl,
};
use kernel::prelude::*;

module! {
    type: Module,
    name: "case",
    authors: ["The rnetvirt developers"],
    description: "A case",
    license: "GPL v2",
}

pub struct Module;

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

#[cfg(misuse)]
const PEER: Field<Binary<64>> = Field::new(1);
#[cfg(not(misuse))]
const PEER: Field<Bytes<16>> = Field::new(1);
const TABLE: &PolicyTable<2> = &PolicyTable::new().with(&PEER);

pub enum Kind {}

#[vtable]
impl RtnlLinkOps for Kind {
    const KIND: &'static CStr = c"kind";
    const NAME_TEMPLATE: &'static CStr = c"kind%d";
    const POLICY: &'static [Policy] = TABLE.rows();
    const DRIVER: DriverInfo = DriverInfo {
        driver: c"kind",
        version: c"1.0",
    };
    const PEER: Option<u16> = Some(PEER.id());
    const PRIV_SIZE: usize = 4096;

    fn num_queues(_tb: &LinkAttrs<'_>) -> u32 {
        1
    }

    fn setup(_dev: &mut SetupDevice<'_>, _tb: &LinkAttrs<'_>) {}

    fn validate(_: &LinkAttrs<'_>, _: Option<&Attrs<'_>>, _: &mut ExtAck<'_>) -> Result {
        Ok(())
    }

    fn newlink<'a>(
        _dev: NewDevice<'a, FromCore>,
        _params: &NewLinkParams<'_>,
        _ack: &mut ExtAck<'_>,
        _rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        Err(EOPNOTSUPP)
    }
}

pub static REGISTERED: link::Kind = link::Kind::new::<Kind>();
