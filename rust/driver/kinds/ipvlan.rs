// SPDX-License-Identifier: GPL-2.0

//! Kinds `ipvlan` and `ipvtap`, as the C drivers have them: their attributes are the settings of flavor ipvlan,
//! which all links of both kinds on a lower device share, and all are trusted. A tap does not say in which
//! namespace the lower device is.

use crate::{
    endpoint::{
        Compat, //
        Form,
        Ipvlan,
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

/// `ip link add … type ipvlan`, or `ipvtap`.
pub(crate) enum Kind<const TAP: bool> {}

pub(crate) type Ipvtap = Kind<true>;

#[vtable]
impl<const TAP: bool> RtnlLinkOps for Kind<TAP> {
    const KIND: &'static CStr = if TAP { c"ipvtap" } else { c"ipvlan" };
    const NAME_TEMPLATE: &'static CStr = if TAP { c"ipvtap%d" } else { c"ipvlan%d" };
    const POLICY: &'static [Policy] = settings::POLICY.rows();
    /// Both say the same of themselves.
    const DRIVER: DriverInfo = DriverInfo {
        driver: c"ipvlan",
        version: c"0.1",
    };
    const PEER: Option<u16> = None;
    const PRIV_SIZE: usize = priv_size::<Ipvlan>();
    const TELLS_LINK_NET: bool = !TAP;

    fn setup(dev: &mut SetupDevice<'_>, _tb: &LinkAttrs<'_>) {
        super::setup(dev);
    }

    fn validate(_tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result {
        read(data, ack).map(|_| ())
    }

    /// Makes a link, and has the others follow it: without a mode it is in mode l3, without flags it has theirs.
    fn newlink<'a>(
        dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        let mut settings = read(params.data(), ack)?;
        settings.mode = settings.mode.or(Some(Mode::L3));
        let form = Form::new(Compat::C, TAP)?;
        let dev = Ipvlan::newlink(dev, params, settings, form, ack, rtnl)?;
        if settings.flags.is_none() {
            let other = sharers(&dev, rtnl).find(|other| other.id() != dev.id());
            settings.flags = other.map(|other| other.data().settings.flags());
        }
        share(&dev, settings, rtnl)?;
        dev.finish()
    }

    fn changelink(
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

    fn get_size(dev: &NetDevice, _rcu: Rcu<'_>) -> usize {
        downcast::<Ipvlan>(dev).map_or(0, |_| Ipvlan::fill_size())
    }

    fn fill_info(dev: &NetDevice, msg: &mut AttrWriter<'_>, _rtnl: &Rtnl) -> Result {
        downcast::<Ipvlan>(dev).map_or(Ok(()), |dev| dev.data().fill(msg))
    }
}

/// What a request says of the settings.
fn read(data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result<Settings> {
    data.map_or(Ok(Settings::NONE), |data| Settings::read(data, ack))
}

/// All links that share settings with `dev`, itself included.
fn sharers<'a>(
    dev: &'a Link<Ipvlan>,
    rtnl: &'a Rtnl,
) -> impl Iterator<Item = &'a Registered<Link<Ipvlan>>> {
    let links = dev.data().port.ipvlans().registered(rtnl);
    links.filter(|link| link.data().compat == Compat::C)
}

/// Changes settings of all links that share them with `dev`. If one cannot be changed, none is.
fn share(dev: &Registered<Link<Ipvlan>>, settings: Settings, rtnl: &Rtnl) -> Result {
    let old = |link: &Link<Ipvlan>| (link.id(), link.data().settings.mode());
    let old = sharers(dev, rtnl)
        .map(|link| old(link))
        .find(|(id, _)| *id != dev.id());
    if let Some(mode) = settings.mode {
        for link in sharers(dev, rtnl) {
            if let Err(err) = Ipvlan::set_mode(link, mode, rtnl) {
                if let Some((_, mode)) = old {
                    for link in sharers(dev, rtnl) {
                        // It was in that mode before, or is the one that cannot be.
                        let _ = Ipvlan::set_mode(link, mode, rtnl);
                    }
                }
                return Err(err);
            }
        }
    }
    // Cannot fail, so comes last.
    if let Some(flags) = settings.flags {
        sharers(dev, rtnl).for_each(|link| link.data().settings.set_flags(flags));
    }
    Ok(())
}
