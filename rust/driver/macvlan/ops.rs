// SPDX-License-Identifier: GPL-2.0

//! What the core asks of devices of flavor macvlan.

use crate::{
    endpoint::{
        stacked_features,
        EndpointEthtool,
        Macvlan, //
    },
    macvlan::{
        settings::{
            self,
            Flags,
            Mode,
            Settings, //
        },
        sources,
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
        mac::Mac,
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
    sync::atomic::ordering::Relaxed,
    types::ScopeGuard, //
};

#[vtable]
impl NetDeviceOps for Macvlan {
    type Ethtool = EndpointEthtool;

    type Counters = OwnCounters;

    #[inline]
    fn start_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx {
        Self::xmit(dev, skb, cx)
    }

    /// Has the lower device receive what is for the endpoint, and packets find it.
    fn open(dev: &Registered<Link<Self>>, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let port = &this.port;
        let lower = port.lower_rtnl(rtnl)?;
        let mac = dev.mac();
        let flags = dev.flags();
        let passthru = port.is_passthru();

        // Each step is undone if a later one fails.
        if !passthru {
            Self::check_mac_is_free(dev, mac)?;
            lower.uc_add(mac, rtnl)?;
        }
        let uc = ScopeGuard::new(|| {
            if !passthru {
                let _ = lower.uc_del(mac, rtnl);
            }
        });
        let allmulti = flags.any(DevFlags::ALLMULTI);
        if allmulti {
            lower.set_allmulti(true, rtnl)?;
        }
        let all_groups = ScopeGuard::new(|| {
            if allmulti {
                let _ = lower.set_allmulti(false, rtnl);
            }
        });
        let promisc = this.wants_promisc(flags);
        if promisc {
            lower.set_promiscuity(true, rtnl)?;
        }
        let everything = ScopeGuard::new(|| {
            if promisc {
                let _ = lower.set_promiscuity(false, rtnl);
            }
        });
        port.macs.insert(mac.key(), dev, rtnl)?;
        this.hashed.store(mac.key(), Relaxed);
        everything.dismiss();
        all_groups.dismiss();
        uc.dismiss();
        Ok(())
    }

    fn stop(dev: &Registered<Link<Self>>, rtnl: &Rtnl) {
        let this = dev.data();
        let port = &this.port;
        let flags = dev.flags();

        let hashed = this.hashed.xchg(0, Relaxed);
        if hashed != 0 {
            port.macs.remove(hashed, dev, rtnl);
        }
        dev.unsync_from_lower(rtnl);
        if this.forget_broadcast() {
            port.update_groups(rtnl);
        }
        // One that is on its way out, too, forgets what it was asked for.
        let Ok(lower) = port.lower_rtnl(rtnl) else {
            return;
        };
        if this.wants_promisc(flags) {
            let _ = lower.set_promiscuity(false, rtnl);
        }
        if flags.any(DevFlags::ALLMULTI) {
            let _ = lower.set_allmulti(false, rtnl);
        }
        if !port.is_passthru() && hashed != 0 {
            let _ = lower.uc_del(dev.mac(), rtnl);
        }
    }

    fn change_rx_flags(dev: &Registered<Link<Self>>, changed: DevFlags, rtnl: &Rtnl) {
        let this = dev.data();
        let Ok(lower) = this.port.lower_rtnl(rtnl) else {
            return;
        };
        if !dev.is_up() {
            return;
        }
        if changed.any(DevFlags::ALLMULTI) {
            let _ = lower.set_allmulti(dev.flags().any(DevFlags::ALLMULTI), rtnl);
        }
        if changed.any(DevFlags::PROMISC) && !this.port.is_passthru() {
            let _ = lower.set_promiscuity(dev.flags().any(DevFlags::PROMISC), rtnl);
        }
    }

    fn set_rx_mode(dev: &Link<Self>, lists: &RxMode<'_>) {
        let this = dev.data();
        this.groups.follow(dev, lists);
        this.follow_broadcast(dev.broadcast());
        this.port.set_rx_mode(lists);
    }

    fn set_mac_address(dev: &Registered<Link<Self>>, mac: Mac, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let port = &this.port;
        if dev.mac() == mac {
            return Ok(());
        }
        if port.is_passthru() {
            // The endpoint's own address follows when the lower device tells of its new one.
            port.changing_mac.store(true, Relaxed);
            let result = port
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.set_mac_address(mac, rtnl));
            port.changing_mac.store(false, Relaxed);
            return result;
        }
        Self::check_mac_is_free(dev, mac)?;
        // The host does not know it by that: who changes it may be a bond of the tenant's.
        Self::sync_mac(dev, mac, rtnl)
    }

    fn change_mtu(dev: &Registered<Link<Self>>, mtu: u32, rtnl: &Rtnl) -> Result {
        if mtu > dev.data().port.lower().mtu() {
            return Err(EINVAL);
        }
        dev.write_mtu(mtu, rtnl);
        Ok(())
    }

    fn fix_features(dev: &Registered<Link<Self>>, wanted: Features, rtnl: &Rtnl) -> Features {
        // Large receive offload is the lower device's, but can be refused here.
        let refused = Features::LRO.without(wanted);
        let lower = dev.data().lower.features(rtnl).without(refused);
        stacked_features(lower, wanted, ALWAYS_ON, INHERITED)
    }

    fn fdb_add(dev: &Registered<Link<Self>>, mac: Mac, replace: bool, rtnl: &Rtnl) -> Result {
        if mac.is_multicast() {
            if replace {
                return Err(EOPNOTSUPP);
            }
            return dev.mc_add_excl(mac, rtnl);
        }
        // Packets would not find the endpoint by it, unless it gets all.
        if replace || !dev.data().port.is_passthru() {
            return Err(EOPNOTSUPP);
        }
        dev.uc_add_excl(mac, rtnl)
    }

    fn fdb_del(dev: &Registered<Link<Self>>, mac: Mac, rtnl: &Rtnl) -> Result {
        if mac.is_multicast() {
            return dev.mc_del(mac, rtnl);
        }
        if !dev.data().port.is_passthru() {
            return Err(EOPNOTSUPP);
        }
        dev.uc_del(mac, rtnl)
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
        let port = &this.port;
        port.leave_macvlan(dev, rtnl);
        Port::close_if_unused(port, rtnl);
    }

    fn dellink(dev: &Registered<Link<Self>>, _list: &mut UnregisterList<'_>, rtnl: &Rtnl) {
        let this = dev.data();
        this.detach_tap(dev, rtnl);
        this.port.leave_macvlan(dev, rtnl);
    }
}

impl Macvlan {
    /// Checks everything that can be refused, then changes what the request says. What may still
    /// fail is the lower device's promiscuity, and memory for sources.
    pub(crate) fn change(
        dev: &Registered<Link<Self>>,
        settings: &Settings<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let this = dev.data();
        let port = &this.port;
        let is_shared = settings.bc_queue_len.is_some() || settings.bc_cutoff.is_some();
        if is_shared && !dev.link_net_capable(port.lower_rtnl(rtnl)?.net(rtnl), rtnl) {
            return Err(ack.refuse(Refusal::PortIsHosts));
        }
        let mode = settings.mode.unwrap_or(this.mode.get());
        let toggles = |flag| {
            let new = settings.flags;
            new.is_some_and(|new| new.has(flag) != this.flags.get().has(flag))
        };
        // What mode source takes, or copies, is also the host's, and that of links in other namespaces.
        let listens =
            settings.mode.is_some() || settings.flags.is_some() || settings.sources.is_some();
        let net = port.lower_rtnl(rtnl)?.net(rtnl);
        // It may be prepared before who administers the lower device has a link of another mode listen.
        let takes = toggles(Flags::NODST);
        if (mode == Mode::SOURCE && listens || takes) && !dev.link_net_capable(net, rtnl) {
            return Err(ack.refuse(Refusal::SourcesAreHosts));
        }
        if (mode == Mode::PASSTHRU) != port.is_passthru() {
            return Err(ack.refuse(Refusal::PassthruIsForGood));
        }
        sources::check(settings, mode, |mac| Self::count_with(dev, mac), ack)?;

        if let Some(flags) = settings.flags {
            if toggles(Flags::NOPROMISC) && port.is_passthru() && dev.is_up() {
                port.lower_rtnl(rtnl)?
                    .set_promiscuity(!flags.has(Flags::NOPROMISC), rtnl)?;
            }
            this.flags.set(flags);
        }
        if mode != Mode::SOURCE {
            port.flush_sources(dev, rtnl);
        }
        this.mode.set(mode);
        if let Some(len) = settings.bc_queue_len {
            this.bc_queue_len.store(len, Relaxed);
            port.update_bc_queue_len(rtnl);
        }
        port.change_bc_cutoff(settings.bc_cutoff, rtnl);
        if let Some(change) = settings.sources {
            Self::change_sources(dev, change, rtnl)?;
        }
        Ok(())
    }

    /// Room for what [`fill`](Self::fill) writes, in bytes.
    pub(crate) fn fill_size(&self) -> usize {
        let sources = self.sources.load(Relaxed) as usize;
        let list = if sources == 0 {
            0
        } else {
            sources
                .saturating_mul(total_size(6))
                .saturating_add(total_size(0))
        };
        // Flags; mode, number of sources, three of the queue.
        (total_size(4) * 5 + total_size(2)).saturating_add(list)
    }

    /// Writes the settings, `IFLA_MACVLAN_*`.
    pub(crate) fn fill(dev: &Link<Self>, msg: &mut AttrWriter<'_>, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let port = &this.port;
        msg.put_u32(&settings::MODE, this.mode.get().number())?;
        msg.put_u16(&settings::FLAGS, this.flags.get().number())?;
        let count = this.sources.load(Relaxed);
        msg.put_u32(&settings::MACADDR_COUNT, count)?;
        if count != 0 {
            msg.put_nest_noflag(&settings::MACADDR_DATA, |msg| {
                port.sources.for_each_key(dev, rtnl, |key| {
                    msg.put_bytes(&settings::MACADDR, &Mac::from_key(key).to_bytes())
                })
            })?;
        }
        msg.put_u32(&settings::BC_QUEUE_LEN, this.bc_queue_len())?;
        let used = port.bc_queue_len.load(Relaxed);
        msg.put_u32(&settings::BC_QUEUE_LEN_USED_OUT, used)?;
        let cutoff = port.bc_cutoff();
        if cutoff != settings::DEFAULT_BC_CUTOFF {
            msg.put_s32(&settings::BC_CUTOFF, cutoff)?;
        }
        Ok(())
    }

    /// Whether the endpoint, when it is up, wants the lower device to receive everything.
    fn wants_promisc(&self, flags: DevFlags) -> bool {
        if self.port.is_passthru() {
            !self.flags.get().has(Flags::NOPROMISC)
        } else {
            flags.any(DevFlags::PROMISC)
        }
    }
}
