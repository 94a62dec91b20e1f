// SPDX-License-Identifier: GPL-2.0

//! Which groups the endpoints of a port listen to, and how many of their packets may be put off.

use crate::{
    filter::{
        Salt,
        Words, //
    },
    limits::copies::Copies,
    macvlan::settings::DEFAULT_BC_QUEUE_LEN,
    port::Port, //
};
use abstractions::{
    context::Rcu,
    net::{
        mac::Mac,
        mc_list::McList,
        net_device_ops::RxMode,
        netdevice::DevFlags,
        rtnl::Rtnl, //
    },
};
use core::cmp::Ordering;
use kernel::{
    prelude::*,
    sync::atomic::ordering::Relaxed, //
};

impl Port {
    /// Has it make as many copies in a second as `copies` lets, or any number. May sleep.
    pub(crate) fn set_copies(&self, copies: Option<KBox<Copies>>, rtnl: &Rtnl) {
        drop(self.copies.replace(copies, |_| {}, rtnl));
        self.update_quiet(rtnl);
    }

    /// The bound of what it copies, if there is one.
    pub(crate) fn copies<'a>(&'a self, rcu: Rcu<'a>) -> Option<&'a Copies> {
        self.copies.get(rcu)
    }

    /// Whether packets to groups do not just go to all who listen.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet.load(Relaxed)
    }

    /// To be called when what follows from that has changed.
    pub(super) fn update_quiet(&self, _rtnl: &Rtnl) {
        let is_quiet = self.suppresses() || self.copies.is_some();
        self.is_quiet.store(is_quiet, Relaxed);
        self.update_weight();
    }

    /// To be called under RTNL when what it follows from has changed.
    pub(super) fn update_weight(&self) {
        let weight = if self.is_quiet() {
            u32::MAX
        } else {
            self.l2.load(Relaxed)
        };
        self.l2_or_quiet.store(weight, Relaxed);
    }

    /// Computes how many group packets may be put off.
    pub(crate) fn update_bc_queue_len(&self, rtnl: &Rtnl) {
        let mut longest = (0, 0);
        for dev in self.macvlans.registered(rtnl) {
            longest = longer(longest, dev.data().bc_queue_len());
        }
        for _ in 0..self.ipvlans.len() {
            longest = longer(longest, DEFAULT_BC_QUEUE_LEN);
        }
        self.store_bc_queue_len(longest);
    }

    /// Takes one more endpoint's wish into account.
    pub(super) fn add_bc_queue_len(&self, wanted: u32, _rtnl: &Rtnl) {
        let longest = (
            self.bc_queue_len.load(Relaxed),
            self.bc_queue_len_wanted_by.load(Relaxed),
        );
        self.store_bc_queue_len(longer(longest, wanted));
    }

    /// One endpoint that wanted that is gone.
    pub(super) fn drop_bc_queue_len(&self, wanted: u32, rtnl: &Rtnl) {
        // Only the last of the most demanding ones leaves less to be wanted.
        if wanted == self.bc_queue_len.load(Relaxed) {
            let by = self.bc_queue_len_wanted_by.load(Relaxed).saturating_sub(1);
            self.bc_queue_len_wanted_by.store(by, Relaxed);
            if by == 0 {
                self.update_bc_queue_len(rtnl);
            }
        }
    }

    /// Packets look at the length, so it goes from the old to the new one in one step.
    fn store_bc_queue_len(&self, (longest, wanted_by): (u32, u32)) {
        self.bc_queue_len.store(longest, Relaxed);
        self.bc_queue_len_wanted_by.store(wanted_by, Relaxed);
    }

    /// From how many listeners on a group is put off.
    pub(crate) fn bc_cutoff(&self) -> i32 {
        self.bc_cutoff.load(Relaxed)
    }

    /// Changes that for all endpoints, if a request says something of it: when all else that it says has been
    /// accepted.
    pub(crate) fn change_bc_cutoff(&self, cutoff: Option<i32>, rtnl: &Rtnl) {
        let old = self.bc_cutoff();
        let new = cutoff.unwrap_or(old);
        if new != old {
            self.bc_cutoff.store(new, Relaxed);
            self.update_groups(rtnl);
        }
    }

    /// What is to be received by an endpoint has changed.
    pub(crate) fn set_rx_mode(&self, lists: &RxMode<'_>) {
        lists.sync_to_lower();
        if let Some(asked_for) = lists.lower_mc_list() {
            self.store_groups(asked_for);
        }
    }

    /// Whether that is an address for everybody which the lower device is not asked for.
    pub(crate) fn is_odd_broadcast(&self, everybody: Mac) -> bool {
        everybody != Mac::BROADCAST && everybody != self.lower.broadcast()
    }

    /// Counts endpoints that have one: one more, or one less.
    pub(crate) fn count_odd_broadcast(&self, one_more: bool) {
        let one = if one_more { 1 } else { u32::MAX };
        self.odd_broadcasts.add(one, Relaxed);
    }

    /// Computes anew which groups endpoints listen to.
    pub(crate) fn update_groups(&self, rtnl: &Rtnl) {
        self.store_groups(self.lower.mc_list(rtnl));
    }

    /// Which groups endpoints listen to, by what the lower device was asked for.
    fn store_groups(&self, asked_for: McList<'_>) {
        let cutoff = self.bc_cutoff();
        let all = self
            .lower
            .flags()
            .any(DevFlags::PROMISC.with(DevFlags::ALLMULTI))
            || self.all_groups_wanted.load(Relaxed) != 0;
        let (mut groups, mut deferred) = (Words::NONE, Words::NONE);
        if all {
            (groups, deferred) = (Words::ALL, Words::ALL);
        } else {
            let wanted = Wanted {
                cutoff,
                salts: (self.groups.salt(), self.deferred_groups.salt()),
                groups,
                deferred,
            };
            let wanted = asked_for.fold(wanted, Wanted::with);
            // Endpoints hear it whatever the lower device takes for everybody's address.
            Wanted {
                groups,
                deferred,
                ..
            } = [Mac::BROADCAST, self.lower.broadcast()]
                .into_iter()
                .fold(wanted, |wanted, mac| wanted.with(mac, u32::MAX));
        }
        if self.odd_broadcasts.load(Relaxed) != 0 {
            groups = Words::ALL;
        }
        if cutoff < 0 {
            deferred = Words::NONE;
        }
        self.groups.store(groups);
        self.deferred_groups.store(deferred);
    }
}

/// What is computed of the lower device's list.
#[derive(Clone, Copy)]
struct Wanted {
    /// More listeners than that, and a group's packets are put off.
    cutoff: i32,
    salts: (Salt, Salt),
    groups: Words,
    deferred: Words,
}

impl Wanted {
    /// And an address that so many listen to.
    fn with(mut self, mac: Mac, listeners: u32) -> Self {
        if listeners > 0 {
            self.groups = self.groups.with(self.salts.0, mac);
        }
        if i64::from(listeners) > self.cutoff.into() {
            self.deferred = self.deferred.with(self.salts.1, mac);
        }
        self
    }
}

/// The longest of several lengths and by how many it is wanted, with one more.
fn longer((longest, wanted_by): (u32, u32), wanted: u32) -> (u32, u32) {
    match wanted.cmp(&longest) {
        Ordering::Less => (longest, wanted_by),
        Ordering::Equal => (longest, wanted_by.saturating_add(1)),
        Ordering::Greater => (wanted, 1),
    }
}
