// SPDX-License-Identifier: GPL-2.0

//! What `ethtool` says of a pair.

use super::{
    limits::{
        channels_fit,
        Channels, //
    },
    stats::QueueStats,
    xdp,
    Veth, //
};
use abstractions::{
    context::Rcu,
    net::{
        ethtool::{
            EthtoolOps,
            LinkSettings,
            PrivFlag, //
        },
        ethtool_stats::{
            Per,
            PoolStats,
            StatSet,
            Stats, //
        },
        netdevice::Link,
        page_pool::PagePoolStats,
        registered::Registered,
        rtnl::Rtnl,
        rx_queue::RxQueues, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::ordering::Relaxed,
        rcu, //
    },
};

impl EthtoolOps<Veth> for Veth {
    /// There is no wire that could be slow; this is what the C driver says, too.
    const LINK_SETTINGS: Option<LinkSettings> = Some(LinkSettings { speed: 10_000 });

    const SETS_CHANNELS: bool = true;

    fn set_channels(dev: &Registered<Link<Veth>>, tx: u16, rx: u16, rtnl: &Rtnl) -> Result {
        let peer = dev.data().peer.get_rtnl(rtnl);
        if let Some(peer) = peer {
            let (peer_tx, _, peer_rx, _) = peer.num_queues(rtnl);
            let own = Channels {
                tx: tx.into(),
                rx: rx.into(),
                program: dev.data().prog.is_some(),
            };
            let theirs = Channels {
                tx: peer_tx,
                rx: peer_rx,
                program: peer.data().prog.is_some(),
            };
            if !channels_fit(own, theirs) {
                return Err(EINVAL);
            }
        }
        dev.data().stats.make(rx.into())?;
        RxQueues::set_channels(dev, tx, rx, rtnl)?;
        if let Some(peer) = peer {
            xdp::update_features(dev, peer, rtnl);
        }
        Ok(())
    }

    const STATS: &'static [&'static dyn StatSet<Self>] = STATS;

    const PRIV_FLAGS: &'static [PrivFlag<Self>] = &[PrivFlag {
        name: c"xdp-gso",
        get: |dev, _| dev.data().shows_gso.load(Relaxed),
        set: xdp::show_gso,
    }];
}

/// Names and order are the C driver's: programs know them.
const STATS: &[&dyn StatSet<Veth>] = &[
    &Stats {
        per: Per::Device,
        names: [c"peer_ifindex"],
        values: peer_ifindex,
    },
    &Stats {
        per: Per::RxQueue,
        names: [
            c"xdp_packets",
            c"xdp_bytes",
            c"drops",
            c"xdp_redirect",
            c"xdp_drops",
            c"xdp_tx",
            c"xdp_tx_errors",
        ],
        values: rx_queue,
    },
    &Stats {
        per: Per::TxQueue,
        names: [c"xdp_xmit", c"xdp_xmit_errors"],
        values: tx_queue,
    },
    &PoolStats(pools),
];

fn pools(dev: &Link<Veth>, sum: &mut PagePoolStats, _rtnl: &Rtnl) {
    let guard = rcu::read_lock();
    if let Some(queues) = dev.data().queues.get(Rcu::new(&guard)) {
        queues.iter().for_each(|queue| queue.add_pool_stats(sum));
    }
}

fn peer_ifindex(dev: &Link<Veth>, _queue: u32, rtnl: &Rtnl) -> [u64; 1] {
    let peer = dev.data().peer.get_rtnl(rtnl);
    [peer.map_or(0, |peer| u64::from(peer.ifindex().unsigned_abs()))]
}

fn rx_queue(dev: &Link<Veth>, queue: u32, _rtnl: &Rtnl) -> [u64; 7] {
    let stats = dev.data().stats.get(queue);
    stats.map_or([0; 7], QueueStats::rx)
}

/// What a transmit queue has sent is counted where it arrived; there may be more queues at the other end.
fn tx_queue(dev: &Link<Veth>, queue: u32, rtnl: &Rtnl) -> [u64; 2] {
    let Some(peer) = dev.data().peer.get_rtnl(rtnl) else {
        return [0; 2];
    };
    let (active, _, _, _) = dev.num_queues(rtnl);
    let (_, _, theirs, _) = peer.num_queues(rtnl);
    // Not by `step_by`, which divides; mostly there is one.
    let (mut at, mut sum) = (queue, [0u64; 2]);
    while at < theirs {
        if let Some(stats) = peer.data().stats.get(at) {
            let ([a, b], [c, d]) = (sum, stats.xmit());
            sum = [a.wrapping_add(c), b.wrapping_add(d)];
        }
        at = at.saturating_add(active.max(1));
    }
    sum
}
