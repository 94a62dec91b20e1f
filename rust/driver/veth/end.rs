// SPDX-License-Identifier: GPL-2.0

//! The data of one end.

use super::{
    limits::{
        cut,
        headroom,
        NdoXmit, //
    },
    stats::Stats, //
};
use abstractions::{
    context::Rcu,
    net::{
        features::Features,
        link::SetupDevice,
        link_ref::LinkRef,
        netdevice::Link,
        registered::Registered,
        rtnl::Rtnl,
        rx_queue::RxQueues,
        stats::Counter,
        xdp::{
            ProgPtr,
            RunningProg, //
        },
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        rcu, //
    },
};

/// The data of one end.
pub(crate) struct Veth {
    /// The other end.
    pub(super) peer: LinkRef<Veth>,
    /// The queues that this end receives by, if packets are not to go the short way: while it is up and has
    /// GRO on or a program.
    pub(super) queues: RxQueues<Veth>,
    /// Packets that could not be transmitted.
    pub(super) dropped: Counter,
    /// The headroom that somebody above this end has asked for, in bytes.
    pub(super) requested_headroom: Atomic<u32>,
    /// The program that packets go through when they are received here.
    pub(super) prog: ProgPtr,
    /// Whether that may be shown packets that are to be cut some day.
    pub(super) shows_gso: Atomic<bool>,
    /// When it says that frames can be redirected to it.
    pub(super) ndo_xmit: NdoXmit,
    /// What each receive queue has counted.
    pub(super) stats: Stats,
}

impl Veth {
    /// The data of `dev`. [`ENOMEM`].
    pub(super) fn new(dev: SetupDevice<'_>, ndo_xmit: NdoXmit) -> Result<Self> {
        let (_, rx) = dev.num_queues();
        Ok(Self {
            peer: LinkRef::new(),
            queues: RxQueues::new(),
            dropped: Counter::new(),
            requested_headroom: Atomic::new(0),
            prog: ProgPtr::new(),
            shows_gso: Atomic::new(false),
            ndo_xmit,
            stats: Stats::new(rx)?,
        })
    }

    /// Whether there is another end.
    pub(super) fn is_paired(&self, _rtnl: &Rtnl) -> bool {
        self.peer.get(Rcu::new(&rcu::read_lock())).is_some()
    }

    /// Whether `dev`, whose data this is, is to have queues while it is up, with these features.
    pub(super) fn wants_queues(&self, gro: bool) -> bool {
        gro || self.prog.is_some()
    }

    /// Which packets this end does not take whole that are to be cut some day.
    pub(super) fn cuts(&self, _rtnl: &Rtnl) -> Features {
        let guard = rcu::read_lock();
        let prog = self.prog.get(Rcu::new(&guard));
        cut(
            prog.map(RunningProg::has_frags),
            self.shows_gso.load(Relaxed),
        )
    }

    /// Has both ends ask for the headroom that somebody above either wants: packets pass from one to the
    /// other without a copy. A program sees what the other end sends, which is to have the room for it if it may
    /// use some; otherwise segments of TCP would be moved for nothing, which have less.
    pub(super) fn apply_headroom(&self, dev: &Link<Self>, peer: &Link<Self>, rcu: Rcu<'_>) {
        let asked = |end: &Self| end.requested_headroom.load(Relaxed);
        let uses = |end: &Self| end.prog.get(rcu).is_some_and(RunningProg::moves_ends);
        let both = asked(self).max(asked(peer.data()));
        dev.set_needed_headroom(headroom(both, uses(peer.data())));
        peer.set_needed_headroom(headroom(both, uses(self)));
    }

    /// Makes the queues of `dev` as many as are active, if they are not there.
    pub(super) fn make_queues(dev: &Registered<Link<Self>>, rtnl: &Rtnl) -> Result {
        let (_, _, active, _) = dev.num_queues(rtnl);
        let count = u16::try_from(active).unwrap_or(u16::MAX);
        dev.data().stats.make(active)?;
        RxQueues::resize(dev, count, rtnl)
    }
}
