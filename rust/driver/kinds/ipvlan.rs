// SPDX-License-Identifier: GPL-2.0

//! Kind `ipvlan`, as the C driver has it: its attributes are the settings of flavor ipvlan, which all links of
//! this kind and `ipvtap` on a lower device share, and all are trusted.

use crate::{
    endpoint::{
        Form,
        Ipvlan,
        Rules, //
    },
    ipvlan::settings::{
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
        netdevice::{
            Link,
            NetDevice, //
        },
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

/// `ip link add … type ipvlan`.
pub(crate) enum Kind {}

/// What C's ipvlan and ipvtap say of themselves.
pub(super) const DRIVER: DriverInfo = DriverInfo {
    driver: c"ipvlan",
    version: c"0.1",
};

#[vtable]
impl RtnlLinkOps for Kind {
    const KIND: &'static CStr = c"ipvlan";
    const NAME_TEMPLATE: &'static CStr = c"ipvlan%d";
    const POLICY: &'static [Policy] = settings::POLICY.rows();
    const DRIVER: DriverInfo = DRIVER;
    const PEER: Option<u16> = None;
    const PRIV_SIZE: usize = priv_size::<Ipvlan>();

    fn num_queues(_tb: &LinkAttrs<'_>) -> u32 {
        1
    }

    fn setup(dev: &mut SetupDevice<'_>, _tb: &LinkAttrs<'_>) {
        super::setup(dev);
    }

    fn validate(_tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result {
        validate(data, ack)
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

// Kind `ipvtap` has these, too.

/// What a request says of the settings.
fn read(data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result<Settings> {
    data.map_or(Ok(Settings::NONE), |data| Settings::read(data, ack))
}

pub(super) fn validate(data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result {
    read(data, ack).map(|_| ())
}

/// Makes a link, and has the others follow it: without a mode it is in mode l3, without flags it has theirs.
pub(super) fn newlink<'a>(
    dev: NewDevice<'a, FromCore>,
    params: &NewLinkParams<'_>,
    form: Form,
    ack: &mut ExtAck<'_>,
    rtnl: &'a Rtnl,
) -> Result<Finished<'a>> {
    let mut settings = read(params.data(), ack)?;
    settings.mode = settings.mode.or(Some(Mode::L3));
    let dev = Ipvlan::newlink(dev, params, settings, form, ack, rtnl)?;
    if settings.flags.is_none() {
        let other = sharers(&dev, rtnl).find(|other| other.id() != dev.id());
        settings.flags = other.map(|other| other.data().settings.flags());
    }
    share(&dev, settings, rtnl)?;
    dev.finish()
}

pub(super) fn changelink(
    dev: &Registered<NetDevice>,
    data: Option<&Attrs<'_>>,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result {
    let dev = downcast::<Ipvlan>(dev).and_then(|dev| dev.registered(rtnl));
    let dev = dev.ok_or(ENODEV)?;
    Ipvlan::check_may_change(dev, ack, rtnl)?;
    share(dev, read(data, ack)?, rtnl)
}

/// All links that share settings with `dev`, itself included.
fn sharers<'a>(
    dev: &'a Link<Ipvlan>,
    rtnl: &'a Rtnl,
) -> impl Iterator<Item = &'a Registered<Link<Ipvlan>>> {
    let links = dev.data().port.ipvlans().registered(rtnl);
    links.filter(|link| link.data().rules == Rules::C)
}

/// Changes settings of all links that share them with `dev`. If one cannot be changed, none has another mode.
fn share(dev: &Registered<Link<Ipvlan>>, settings: Settings, rtnl: &Rtnl) -> Result {
    let old = |link: &Link<Ipvlan>| (link.id(), link.data().settings.mode());
    let old = sharers(dev, rtnl)
        .map(|link| old(link))
        .find(|(id, _)| *id != dev.id());
    for link in sharers(dev, rtnl) {
        if let Err(err) = Ipvlan::change(link, settings, rtnl) {
            if let Some((_, mode)) = old {
                for link in sharers(dev, rtnl) {
                    // It was in that mode before, or is the one that cannot be.
                    let _ = Ipvlan::set_mode(link, mode, rtnl);
                }
            }
            return Err(err);
        }
    }
    Ok(())
}

pub(super) fn get_size(dev: &NetDevice) -> usize {
    downcast::<Ipvlan>(dev).map_or(0, |_| Ipvlan::fill_size())
}

pub(super) fn fill_info(dev: &NetDevice, msg: &mut AttrWriter<'_>, _rtnl: &Rtnl) -> Result {
    downcast::<Ipvlan>(dev).map_or(Ok(()), |dev| dev.data().fill(msg))
}
