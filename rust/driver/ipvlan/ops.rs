// SPDX-License-Identifier: GPL-2.0

//! What the core asks of devices of flavor ipvlan.

use crate::{
    endpoint::{
        stacked_features,
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
            ExtAck, //
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
            this.set_lower_allmulti(true, rtnl)?;
        }
        // Without addresses to resolve there is nobody who would answer.
        dev.write_arp(this.settings.mode() == Mode::L2, rtnl);
        Ok(())
    }

    fn stop(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        let this = dev.data();
        dev.unsync_from_lower(rtnl);
        if this.want_all_groups(false) | this.forget_broadcast() {
            this.port.update_groups(rtnl);
        }
        if dev.flags().any(DevFlags::ALLMULTI) {
            let _ = this.set_lower_allmulti(false, rtnl);
        }
    }

    fn change_rx_flags(dev: &Registered<Link<Self>>, changed: DevFlags, rtnl: &Rtnl) {
        if dev.is_up() && changed.any(DevFlags::ALLMULTI) {
            let wanted = dev.flags().any(DevFlags::ALLMULTI);
            let _ = dev.data().set_lower_allmulti(wanted, rtnl);
        }
    }

    fn set_rx_mode(dev: &Link<Self>, lists: &RxMode<'_>) {
        let this = dev.data();
        this.groups.follow(dev, lists);
        this.want_all_groups(dev.flags().any(DevFlags::PROMISC.with(DevFlags::ALLMULTI)));
        this.follow_broadcast(dev.broadcast());
        this.port.set_rx_mode(lists);
    }

    fn fix_features(dev: &Registered<Link<Self>>, wanted: Features, rtnl: &Rtnl) -> Features {
        let lower = dev.data().lower.features(rtnl);
        stacked_features(lower, wanted, ALWAYS_ON, INHERITED)
    }

    fn get_stats64(dev: &Link<Self>, stats: &mut LinkStats64, _rcu: Rcu<'_>) {
        dev.data().stats.add_to(stats);
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
}

impl Ipvlan {
    /// Refuses a change of what only who administers the lower device may decide: what is routed and
    /// filtered in its namespace.
    pub(crate) fn check_may_change(
        dev: &Registered<Link<Self>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let net = dev.data().port.lower_rtnl(rtnl)?.net(rtnl);
        if dev.link_net_capable(net, rtnl) {
            Ok(())
        } else {
            Err(ack.refuse(Refusal::IpvlanIsHosts))
        }
    }

    /// Changes what a request says.
    pub(crate) fn change(dev: &Registered<Link<Self>>, settings: Settings, rtnl: &Rtnl) -> Result {
        if let Some(mode) = settings.mode {
            Self::set_mode(dev, mode, rtnl)?;
        }
        if let Some(flags) = settings.flags {
            dev.data().settings.set_flags(flags);
        }
        Ok(())
    }

    /// Room for what [`fill`](Self::fill) writes, in bytes.
    pub(crate) fn fill_size() -> usize {
        total_size(2) * 2
    }

    /// Writes the settings, `IFLA_IPVLAN_*`.
    pub(crate) fn fill(&self, msg: &mut AttrWriter<'_>) -> Result {
        msg.put_u16(&settings::MODE, self.settings.mode().number())?;
        msg.put_u16(&settings::FLAGS, self.settings.flags().number())
    }

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
