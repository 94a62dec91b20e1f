// SPDX-License-Identifier: GPL-2.0

//! What the core asks of devices of flavor ipvlan.

use crate::{
    config,
    endpoint::{
        EndpointEthtool,
        Ipvlan, //
    },
    ipvlan::{
        settings::{
            self,
            Mode,
            Settings, //
        },
        ALWAYS_ON,
        INHERITED, //
    },
    port::Port,
    refusal::Refusal, //
};
use abstractions::{
    context::Rcu,
    net::{
        features::Features,
        link::UnregisterList,
        namespace::Net,
        net_device_ops::{
            NetDeviceOps,
            OwnCounters,
            RxMode,
            Tx,
            XmitContext, //
        },
        netdevice::{
            DevFlags,
            Link,
            NetDevice, //
        },
        nlattr::{
            total_size,
            AttrWriter,
            Attrs,
            ExtAck,
            LinkAttrs, //
        },
        registered::Registered,
        rtnl::Rtnl,
        skbuff::SkBuff,
        stats::LinkStats64, //
    },
};
use kernel::{
    prelude::*,
    sync::atomic::ordering::{
        Full,
        Relaxed, //
    },
};

#[vtable]
impl NetDeviceOps for Ipvlan {
    type Ethtool = EndpointEthtool;

    type Counters = OwnCounters;

    const MAC_IS_LOWERS: bool = true;

    #[inline]
    fn start_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        Self::xmit(dev, skb, cx)
    }

    /// Packets find the endpoint when it is up, by the addresses that are in the port's tables.
    fn open(dev: &Registered<Link<Self>>, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        if dev.flags().any(DevFlags::ALLMULTI) {
            this.port.lower_rtnl(rtnl)?.set_allmulti(true, rtnl)?;
        }
        // Without addresses to resolve there is nobody who would answer.
        dev.write_arp(this.settings.mode() == Mode::L2, rtnl);
        Ok(())
    }

    fn stop(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        let this = dev.data();
        dev.unsync_from_lower(rtnl);
        if this.want_all_groups(false) {
            this.port.update_groups();
        }
        if dev.flags().any(DevFlags::ALLMULTI) {
            // One that is on its way out, too, forgets what it was asked for.
            let _ = this
                .port
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.set_allmulti(false, rtnl));
        }
    }

    fn change_rx_flags(dev: &Registered<Link<Self>>, changed: DevFlags, rtnl: &Rtnl) {
        if dev.is_up() && changed.any(DevFlags::ALLMULTI) {
            let wanted = dev.flags().any(DevFlags::ALLMULTI);
            let _ = dev
                .data()
                .port
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.set_allmulti(wanted, rtnl));
        }
    }

    fn set_rx_mode(dev: &Link<Self>, lists: &RxMode<'_>) {
        let this = dev.data();
        this.groups.follow(dev, lists);
        this.want_all_groups(dev.flags().any(DevFlags::PROMISC.with(DevFlags::ALLMULTI)));
        this.port.set_rx_mode(dev, lists);
    }

    fn fix_features(dev: &Registered<Link<Self>>, wanted: Features, rtnl: &Rtnl) -> Features {
        let wanted = wanted.with(Features::ALL_FOR_ALL);
        let lower = dev.data().port.lower().features(rtnl);
        Features::increment(lower, wanted, wanted)
            .with(ALWAYS_ON)
            .and(ALWAYS_ON.with(INHERITED))
    }

    fn get_stats64(dev: &Link<Self>, stats: &mut LinkStats64, _rcu: Rcu<'_>) {
        stats.add_stacked(&dev.data().stats);
    }

    #[inline]
    fn lower_dev(dev: &Link<Self>) -> &NetDevice {
        &dev.data().lower
    }

    fn uninit(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        let this = dev.data();
        this.detach_tap(dev, rtnl);
        this.forget_addresses(dev);
        Port::leave_ipvlan(&this.port, dev, rtnl);
        Port::close_if_unused(&this.port, rtnl);
    }

    fn dellink(dev: &Registered<Link<Self>>, _list: &mut UnregisterList<'_>, rtnl: &Rtnl) {
        dev.data().detach_tap(dev, rtnl);
        // Its addresses go one by one when it is taken down.
        Port::leave_ipvlan(&dev.data().port, dev, rtnl);
    }

    fn changelink(
        dev: &Registered<Link<Self>>,
        _tb: &LinkAttrs<'_>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let this = dev.data();
        config::check_change(this.flavor(), data, ack)?;
        let nest = data.and_then(|data| data.attr(config::IPVLAN.id()));
        let trust = config::trust(data, ack)?;
        if nest.is_none() && trust.is_none() {
            return Ok(());
        }
        let settings = Settings::parse(nest, ack)?;
        // What the lower device's namespace routes and filters is its administrator's business.
        if !dev.link_net_capable(this.port.lower_rtnl(rtnl)?.net(rtnl), rtnl) {
            return Err(ack.refuse(Refusal::IpvlanIsHosts));
        }
        if let Some(mode) = settings.mode {
            Self::set_mode(dev, mode, rtnl)?;
        }
        if let Some(flags) = settings.flags {
            this.settings.set_flags(flags);
        }
        if let Some(trust) = trust {
            this.port.set_trusted(trust, rtnl);
        }
        Ok(())
    }

    fn get_size(_dev: &Link<Self>, _rcu: Rcu<'_>) -> usize {
        // Flavor, trust, nest; mode, flags.
        total_size(4) * 2 + total_size(0) + total_size(2) * 2
    }

    fn fill_info(dev: &Link<Self>, msg: &mut AttrWriter<'_>, _rtnl: &Rtnl) -> Result {
        let this = dev.data();
        msg.put_u32(&config::FLAVOR, this.flavor().number())?;
        msg.put_u32(&config::TRUST, this.port.is_trusted().into())?;
        msg.put_nest(&config::IPVLAN, |msg| {
            msg.put_u16(&settings::MODE, this.settings.mode().number())?;
            msg.put_u16(&settings::FLAGS, this.settings.flags().number())
        })
    }

    fn get_link_net<'a>(dev: &Link<Self>, rtnl: &'a Rtnl, _rcu: Rcu<'_>) -> Option<&'a Net> {
        Some(dev.data().lower.registered(rtnl)?.net(rtnl))
    }
}

impl Ipvlan {
    /// Wants all groups that the lower device receives, or not. Whether that is something new.
    fn want_all_groups(&self, wanted: bool) -> bool {
        let changed = self.wants_all_groups.xchg(wanted, Full) != wanted;
        if changed {
            let step = if wanted { 1 } else { u32::MAX };
            self.port.all_groups_wanted.add(step, Relaxed);
        }
        changed
    }
}
