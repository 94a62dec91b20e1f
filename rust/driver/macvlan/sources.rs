// SPDX-License-Identifier: GPL-2.0

//! Whom endpoints in mode source listen to.

use crate::{
    endpoint::Macvlan,
    macvlan::settings::{
        self,
        Mode,
        Settings, //
    },
    refusal::Refusal, //
};
use abstractions::{
    context::Rcu,
    net::{
        mac::Mac,
        netdevice::Link,
        nlattr::{
            ExtAck,
            NestedAttrs,
            Reason, //
        },
        rtnl::Rtnl, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::ordering::Relaxed,
        rcu, //
    },
};
use settings::SourceChange;

/// How many sources a link can listen to: with more there would be no room for the list in what the link
/// is shown by, whose attributes have lengths of 16 bits: beside it are a guard, and what is counted.
const MAX_SOURCES: usize = 5200;

/// Only in mode source there are sources, and not too many; `new_one` says how many more an address
/// would make.
pub(super) fn check(
    settings: &Settings<'_>,
    mode: Mode,
    new_one: impl FnOnce(Mac) -> usize,
    ack: &mut ExtAck<'_>,
) -> Result {
    let Some(change) = &settings.sources else {
        return Ok(());
    };
    if mode != Mode::SOURCE {
        return Err(ack.refuse(Refusal::SourcesNeedMode));
    }
    let count = match change {
        SourceChange::Add(mac) => new_one(*mac),
        SourceChange::Remove(_) | SourceChange::Flush => 0,
        SourceChange::Set(first, list) => count_distinct(*first, *list)?,
    };
    if count > MAX_SOURCES {
        return Err(ack.refuse(Refusal::TooManySources));
    }
    Ok(())
}

/// How many addresses a list will be, where one that is said twice counts once. A list that is short
/// enough anyway is not looked at.
fn count_distinct(first: Option<Mac>, list: Option<NestedAttrs<'_>>) -> Result<usize> {
    let said = || {
        let listed = list.into_iter().flat_map(NestedAttrs::iter);
        let listed = listed.filter_map(|(_, bytes)| settings::source_mac(bytes).ok());
        Iterator::chain(first.into_iter(), listed)
    };
    let count = said().count();
    if count <= MAX_SOURCES {
        return Ok(count);
    }
    let mut seen = KVVec::with_capacity(count, GFP_KERNEL)?;
    for mac in said() {
        if !seen.contains(&mac) {
            seen.push(mac, GFP_KERNEL)?;
        }
    }
    Ok(seen.len())
}

impl Macvlan {
    /// How many sources it listens to when that one was added.
    pub(super) fn count_with(dev: &Link<Self>, mac: Mac) -> usize {
        let this = dev.data();
        let mut count = this.sources.load(Relaxed).saturating_add(1);
        let guard = rcu::read_lock();
        this.port
            .sources
            .for_all(mac.key(), Rcu::new(&guard), |listener| {
                if listener.id() == dev.id() {
                    count = count.saturating_sub(1);
                }
            });
        count as usize
    }

    fn add_source(dev: &Link<Self>, mac: Mac, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        match this.port.sources.insert(mac.key(), dev, rtnl) {
            Ok(()) => {
                let count = this.sources.load(Relaxed);
                this.sources.store(count.wrapping_add(1), Relaxed);
                this.port.update_unusual(rtnl);
                Ok(())
            }
            Err(err) if err == EEXIST => Ok(()),
            Err(err) => Err(err),
        }
    }

    pub(super) fn change_sources(
        dev: &Link<Self>,
        change: SourceChange<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let this = dev.data();
        match change {
            SourceChange::Add(mac) => Self::add_source(dev, mac, rtnl)?,
            SourceChange::Remove(mac) => {
                if this.port.sources.remove(mac.key(), dev, rtnl) {
                    let count = this.sources.load(Relaxed);
                    this.sources.store(count.saturating_sub(1), Relaxed);
                    this.port.update_unusual(rtnl);
                }
            }
            SourceChange::Flush => this.port.flush_sources(dev, rtnl),
            SourceChange::Set(first, list) => {
                this.port.flush_sources(dev, rtnl);
                if let Some(mac) = first {
                    Self::add_source(dev, mac, rtnl)?;
                }
                for (_, bytes) in list.into_iter().flat_map(NestedAttrs::iter) {
                    let mac = settings::source_mac(bytes).map_err(Reason::error)?;
                    Self::add_source(dev, mac, rtnl)?;
                }
            }
        }
        Ok(())
    }
}
