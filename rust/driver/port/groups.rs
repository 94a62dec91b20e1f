// SPDX-License-Identifier: GPL-2.0

//! Which groups the endpoints of a port listen to, and how many of their packets may be put off.

use crate::{
    filter::Words,
    macvlan::settings::DEFAULT_BC_QUEUE_LEN,
    port::Port, //
};
use abstractions::net::{
    mac::Mac,
    net_device_ops::RxMode,
    netdevice::{
        DevFlags,
        NetDevice, //
    },
    rtnl::Rtnl, //
};
use core::cmp::Ordering;
use kernel::sync::atomic::ordering::Relaxed;

impl Port {
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

    /// Changes that for all endpoints.
    pub(crate) fn set_bc_cutoff(&self, cutoff: i32, _rtnl: &Rtnl) {
        if cutoff != self.bc_cutoff() {
            self.bc_cutoff.store(cutoff, Relaxed);
            self.update_groups();
        }
    }

    /// What is to be received by an endpoint has changed.
    pub(crate) fn set_rx_mode(&self, dev: &NetDevice, lists: &RxMode<'_>) {
        lists.sync_to_lower();
        let everybody = dev.broadcast();
        if everybody != Mac::BROADCAST && everybody != self.lower.broadcast() {
            self.odd_broadcast.store(true, Relaxed);
        }
        self.update_groups();
    }

    /// Computes anew which groups endpoints listen to, from what the lower device was asked for.
    pub(crate) fn update_groups(&self) {
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
            self.lower.for_each_mc(|mac, listeners| {
                if listeners > 0 {
                    self.groups.add_to(&mut groups, mac);
                }
                if i64::from(listeners) > cutoff.into() {
                    self.deferred_groups.add_to(&mut deferred, mac);
                }
            });
            // Endpoints hear it whatever the lower device takes for everybody's address.
            for mac in [Mac::BROADCAST, self.lower.broadcast()] {
                self.groups.add_to(&mut groups, mac);
                self.deferred_groups.add_to(&mut deferred, mac);
            }
        }
        if self.odd_broadcast.load(Relaxed) {
            groups = Words::ALL;
        }
        if cutoff < 0 {
            deferred = Words::NONE;
        }
        self.groups.store(groups);
        self.deferred_groups.store(deferred);
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
