// SPDX-License-Identifier: GPL-2.0

//! Kind `rnetvirt`: one line for each thing that the core asks, until a flavor takes over.

use crate::{
    config::{
        self,
        Flavor,
        Hints, //
    },
    drops::Stats,
    endpoint::{
        self,
        common,
        Common,
        Compat, //
        Endpoint,
        Form,
        Ipvlan,
        Macvlan,
        NewChecks, //
    },
    guard, ipvlan,
    limits::{
        self,
        copies::Copies, //
    },
    macvlan,
    port::Port,
    refusal::Refusal,
    uapi,
    veth::{
        NdoXmit,
        Veth, //
    },
};
use abstractions::{
    context::Rcu,
    net::{
        ethtool::DriverInfo,
        link::{
            downcast,
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
        netdevice::{
            Link,
            NetDevice, //
        },
        nlattr::{
            total_size,
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
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*,
    sync::rcu, //
};

/// `ip link add … type rnetvirt`.
pub(crate) enum Kind {}

#[vtable]
impl RtnlLinkOps for Kind {
    const KIND: &'static CStr = uapi::KIND;
    const NAME_TEMPLATE: &'static CStr = c"rnetvirt%d";
    const POLICY: &'static [Policy] = config::POLICY;
    const DRIVER: DriverInfo = DriverInfo {
        driver: uapi::KIND,
        version: c"1.0",
    };
    const PEER: Option<u16> = Some(uapi::IFLA_RNETVIRT_PEER);
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
            if let Some(guard) = data.attr(config::GUARD.id()) {
                guard::settings::Settings::parse(guard, ack)?;
            }
            macvlan_settings(Some(data), ack)?;
            ipvlan_settings(Some(data), ack)?;
            config::trust(Some(data), ack)?;
            config::host(Some(data), ack)?;
            config::suppress(Some(data), ack)?;
        }
        Ok(())
    }

    fn newlink<'a>(
        dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        let data = params.data();
        let flavor = flavor(params.attrs(), data, ack)?;
        let is_tap = matches!(flavor, Flavor::Macvtap | Flavor::Ipvtap);
        let form = Form::new(Compat::Rnetvirt, is_tap)?;
        match flavor {
            Flavor::Veth if has_guard(data) => Err(ack.refuse(Refusal::VethHasNoGuard)),
            Flavor::Veth if has_host(data) => Err(ack.refuse(Refusal::VethHasNoHost)),
            Flavor::Veth if has_limits(data) => Err(ack.refuse(Refusal::VethHasNoLimits)),
            Flavor::Veth if has_suppress(data) => Err(ack.refuse(Refusal::VethHasNoSuppress)),
            Flavor::Veth if has_copies(data) => Err(ack.refuse(Refusal::VethHasNoCopies)),
            Flavor::Veth => Veth::newlink(dev, params, NdoXmit::Always, ack, rtnl),
            Flavor::Macvlan | Flavor::Macvtap => {
                let settings = macvlan_settings(data, ack)?;
                let cutoff = settings.bc_cutoff;
                let dev = Macvlan::newlink(dev, params, settings, form, ack, rtnl)?;
                Change::ask(&dev, data, ack, rtnl)?.make(&dev, rtnl)?;
                dev.data().port.change_bc_cutoff(cutoff, rtnl);
                dev.finish()
            }
            Flavor::Ipvlan | Flavor::Ipvtap => {
                let (settings, trust) = (ipvlan_settings(data, ack)?, config::trust(data, ack)?);
                let dev = Ipvlan::newlink(dev, params, settings, form, ack, rtnl)?;
                Change::ask(&dev, data, ack, rtnl)?.make(&dev, rtnl)?;
                change_trust(&dev, trust, rtnl);
                dev.finish()
            }
        }
    }

    /// Nothing of a pair can be changed. Only saying its flavor again does no harm.
    fn changelink(
        dev: &Registered<NetDevice>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        match OneOf::these(dev).ok_or(ENODEV)? {
            OneOf::Veth => {
                config::check_change(Flavor::Veth, data, ack)?;
                match data {
                    data if has_guard(data) => Err(ack.refuse(Refusal::VethHasNoGuard)),
                    data if has_host(data) => Err(ack.refuse(Refusal::VethHasNoHost)),
                    data if has_limits(data) => Err(ack.refuse(Refusal::VethHasNoLimits)),
                    data if has_suppress(data) => Err(ack.refuse(Refusal::VethHasNoSuppress)),
                    data if has_copies(data) => Err(ack.refuse(Refusal::VethHasNoCopies)),
                    Some(data) if data.has(&config::PEER) => {
                        Err(ack.refuse(Refusal::PeerIsForGood))
                    }
                    Some(data) if !data.has(&config::FLAVOR) => {
                        Err(ack.refuse(Refusal::VethHasNoSettings))
                    }
                    _ => Ok(()),
                }
            }
            OneOf::Macvlan(dev) => {
                config::check_change(dev.data().flavor(), data, ack)?;
                let settings = macvlan_settings(data, ack)?;
                let dev = dev.registered(rtnl).ok_or(ENODEV)?;
                // Before anything changes: a request is followed as a whole, or not at all.
                let change = Change::ask(dev, data, ack, rtnl)?;
                Macvlan::change(dev, &settings, ack, rtnl)?;
                change.make(dev, rtnl)
            }
            OneOf::Ipvlan(dev) => {
                config::check_change(dev.data().flavor(), data, ack)?;
                let (settings, trust) = (ipvlan_settings(data, ack)?, config::trust(data, ack)?);
                let dev = dev.registered(rtnl).ok_or(ENODEV)?;
                let change = Change::ask(dev, data, ack, rtnl)?;
                if data.is_some_and(config::has_ipvlan) {
                    Ipvlan::check_may_change(dev, ack, rtnl)?;
                    Ipvlan::change(dev, settings, rtnl)?;
                }
                change.make(dev, rtnl)?;
                change_trust(dev, trust, rtnl);
                Ok(())
            }
        }
    }

    fn get_size(dev: &NetDevice, rcu: Rcu<'_>) -> usize {
        let flavor = total_size(size_of::<u32>());
        let nest = total_size(0);
        let common = endpoint::common(dev);
        let guard = common.and_then(|this| this.guard.get(rcu));
        let guard = guard.map_or(0, |guard| {
            nest.saturating_add(guard::settings::fill_size(guard))
        });
        let limits = common.map_or(0, |_| nest + limits::settings::Settings::FILL_SIZE);
        let rest = match OneOf::these(dev) {
            None => 0,
            Some(OneOf::Veth) => flavor,
            Some(OneOf::Macvlan(dev)) => (flavor + nest).saturating_add(dev.data().fill_size()),
            // And trust.
            Some(OneOf::Ipvlan(_)) => {
                flavor + total_size(size_of::<u32>()) + nest + Ipvlan::fill_size()
            }
        };
        // The host, suppress and copies are of all but veth.
        rest.saturating_add(guard)
            .saturating_add(limits)
            .saturating_add(3 * total_size(size_of::<u32>()))
    }

    const XSTATS_SIZE: usize = Stats::ATTRS_SIZE;

    fn fill_xstats(dev: &NetDevice, msg: &mut AttrWriter<'_>) -> Result {
        common(dev).map_or(Ok(()), |this| this.stats.fill(msg))
    }

    fn fill_info(dev: &NetDevice, msg: &mut AttrWriter<'_>, rtnl: &Rtnl) -> Result {
        match OneOf::these(dev) {
            None => Ok(()),
            Some(OneOf::Veth) => msg.put_u32(&config::FLAVOR, Flavor::Veth.number()),
            Some(OneOf::Macvlan(dev)) => {
                msg.put_u32(&config::FLAVOR, dev.data().flavor().number())?;
                msg.put_nest_noflag(&config::MACVLAN, |msg| Macvlan::fill(dev, msg, rtnl))?;
                fill_port(dev.data(), msg)?;
                fill_checks(dev.data(), msg, rtnl)
            }
            Some(OneOf::Ipvlan(dev)) => {
                let this = dev.data();
                msg.put_u32(&config::FLAVOR, this.flavor().number())?;
                msg.put_u32(&config::TRUST, this.port.is_trusted().into())?;
                msg.put_nest_noflag(&config::IPVLAN, |msg| this.fill(msg))?;
                fill_port(this, msg)?;
                fill_checks(this, msg, rtnl)
            }
        }
    }
}

fn has_host(data: Option<&Attrs<'_>>) -> bool {
    data.is_some_and(|data| data.has(&config::HOST))
}

fn has_suppress(data: Option<&Attrs<'_>>) -> bool {
    data.is_some_and(|data| data.has(&config::SUPPRESS))
}

fn has_copies(data: Option<&Attrs<'_>>) -> bool {
    data.is_some_and(|data| data.has(&config::COPIES))
}

/// Writes what is on for all links on the lower device.
fn fill_port(this: &Common, msg: &mut AttrWriter<'_>) -> Result {
    if this.port.has_host() {
        msg.put_u32(&config::HOST, 1)?;
    }
    if this.port.suppresses() {
        msg.put_u32(&config::SUPPRESS, 1)?;
    }
    let section = rcu::read_lock();
    match this.port.copies(Rcu::new(&section)) {
        Some(copies) => msg.put_u32(&config::COPIES, copies.per_second()),
        None => Ok(()),
    }
}

/// What a request changes of what all links have that have a lower device.
struct Change {
    host: Option<bool>,
    suppress: Option<bool>,
    copies: Option<Option<KBox<Copies>>>,
    checks: NewChecks,
}

impl Change {
    /// Asks before anything is changed: a request is followed as a whole, or not at all.
    fn ask<E: Endpoint>(
        dev: &Registered<Link<E>>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result<Self> {
        let host = config::host(data, ack)?;
        if let Some(host) = host {
            endpoint::check_host(dev, host, ack, rtnl)?;
        }
        let suppress = config::suppress(data, ack)?;
        if suppress.is_some() {
            endpoint::check_administers(dev, Refusal::SuppressIsHosts, ack, rtnl)?;
        }
        let copies = new_copies(dev, data, ack, rtnl)?;
        let checks = new_checks(dev, data, ack, rtnl)?;
        Ok(Self {
            host,
            suppress,
            copies,
            checks,
        })
    }

    /// Fails for want of memory only.
    fn make<E: Endpoint>(self, dev: &Registered<Link<E>>, rtnl: &Rtnl) -> Result {
        if let Some(host) = self.host {
            if host {
                E::let_host_know(dev, rtnl);
            }
            Port::set_host(&dev.data().port, host, rtnl)?;
        }
        endpoint::set_checks(dev, self.checks, rtnl)?;
        if let Some(suppress) = self.suppress {
            dev.data().port.set_suppress(suppress, rtnl);
        }
        if let Some(copies) = self.copies {
            dev.data().port.set_copies(copies, rtnl);
        }
        Ok(())
    }
}

/// Whether links on the port of `dev` are trusted, if a request says something of it: when all else that it says
/// has been accepted.
fn change_trust(dev: &Link<Ipvlan>, trust: Option<bool>, rtnl: &Rtnl) {
    let port = &dev.data().port;
    if let Some(trust) = trust {
        port.set_trusted(trust, rtnl);
    }
    if trust == Some(false) {
        // What they took as trusted ones.
        ipvlan::addresses::give_all_back(port);
    }
}

/// The bound of what is copied on the port of `dev`, or none, if a request says something of it.
fn new_copies<E: Endpoint>(
    dev: &Registered<Link<E>>,
    data: Option<&Attrs<'_>>,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result<Option<Option<KBox<Copies>>>> {
    let Some(per_second) = config::copies(data)? else {
        return Ok(None);
    };
    endpoint::check_administers(dev, Refusal::CopiesAreHosts, ack, rtnl)?;
    let copies = Copies::new(per_second).map(|copies| KBox::new(copies, GFP_KERNEL_ACCOUNT));
    Ok(Some(copies.transpose()?))
}

fn has_guard(data: Option<&Attrs<'_>>) -> bool {
    data.is_some_and(|data| data.has(&config::GUARD))
}

fn has_limits(data: Option<&Attrs<'_>>) -> bool {
    data.is_some_and(|data| data.has(&config::LIMIT))
}

/// What of a link's packets is to be looked at, as far as a request says something of it.
fn new_checks<E: Endpoint>(
    dev: &Registered<Link<E>>,
    data: Option<&Attrs<'_>>,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result<NewChecks> {
    let mut new = NewChecks::default();
    let attr = |id| data.and_then(|data| data.attr(id));
    if let Some(nest) = attr(config::GUARD.id()) {
        let settings = guard::settings::Settings::parse(nest, ack)?;
        new.guard = Some(endpoint::new_guard(dev, &settings, ack, rtnl)?);
    }
    if let Some(nest) = attr(config::LIMIT.id()) {
        new.limits = Some(endpoint::new_limits(dev, nest, ack, rtnl)?);
    }
    Ok(new)
}

/// Writes the guard and the limits of a link, if it has any, for who administers the lower device and asks.
fn fill_checks(this: &Common, msg: &mut AttrWriter<'_>, rtnl: &Rtnl) -> Result {
    let lower = this.lower.registered(rtnl);
    if !msg.is_answer() || !lower.is_some_and(|lower| lower.net(rtnl).is_administered_by_current())
    {
        return Ok(());
    }
    let section = rcu::read_lock();
    let rcu = Rcu::new(&section);
    if let Some(guard) = this.guard.get(rcu) {
        msg.put_nest(&config::GUARD, |msg| guard::settings::fill(guard, msg))?;
    }
    if let Some(limits) = this.limits.get(rcu) {
        msg.put_nest(&config::LIMIT, |msg| limits.settings().fill(msg))?;
    }
    Ok(())
}

/// A device of the kind, by what its data is.
enum OneOf<'a> {
    Veth,
    Macvlan(&'a Link<Macvlan>),
    Ipvlan(&'a Link<Ipvlan>),
}

impl<'a> OneOf<'a> {
    fn these(dev: &'a NetDevice) -> Option<Self> {
        downcast(dev)
            .map(Self::Macvlan)
            .or_else(|| downcast(dev).map(Self::Ipvlan))
            .or_else(|| downcast::<Veth>(dev).map(|_| Self::Veth))
    }
}

/// The settings of flavor macvlan that a request says.
fn macvlan_settings<'a>(
    data: Option<&Attrs<'a>>,
    ack: &mut ExtAck<'_>,
) -> Result<macvlan::settings::Settings<'a>> {
    let nest = data.and_then(|data| data.attr(config::MACVLAN.id()));
    macvlan::settings::Settings::parse(nest, ack)
}

/// Those of flavor ipvlan.
fn ipvlan_settings(
    data: Option<&Attrs<'_>>,
    ack: &mut ExtAck<'_>,
) -> Result<ipvlan::settings::Settings> {
    let nest = data.and_then(|data| data.attr(config::IPVLAN.id()));
    ipvlan::settings::Settings::parse(nest, ack)
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
