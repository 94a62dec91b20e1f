// SPDX-License-Identifier: GPL-2.0

//! A table of links that packets look up under RCU.
//!
//! ```text
//!   hash(key)          index, at most half full            entries, one after the other
//!       |            +---+---+---+---+---+---+---+-- ..  +-----+-----+-----+-----+
//!       +----------> | - | 2 | 3 | - | - | 1 | - | -       |key 1|key 2|key 3|     |
//!                    +---+---+---+---+---+---+---+-- ..  | dev | --- | dev |     |
//!                          |   \________________________>  +-----+-----+-----+-----+
//!                          +--> removed: go on                             ^ used
//! ```
//!
//! A reader pays a hash, a slot and an entry, however many entries there are; who wants all of them
//! walks the entries. A key may have several devices. What a reader has found it may use until the
//! end of its RCU section: entries are emptied, never given another key, and when there is no room
//! left a new generation takes the place of the old one, which is freed after a grace period. Each entry
//! holds a reference to its device that is given back after a grace period, too.
//!
//! Writers of a [`LinkTable`] hold RTNL. A [`LockedLinkTable`] has a lock instead, for writers that do
//! not, and must not sleep.

mod generation;
mod locked;

use super::{
    hold::{
        Hold,
        HoldContext, //
    },
    netdevice::Link,
    registered::Registered,
    rtnl::Rtnl, //
};
use crate::{
    bindings,
    context::{
        Gfp,
        Rcu, //
    },
};
use core::{
    iter,
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};
use generation::{
    Entry,
    Generation,
    NewGeneration,
    MIN_SLOTS, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Relaxed,
            Release, //
        },
        Atomic, //
    },
};

pub use generation::Key;
pub use locked::LockedLinkTable;

/// A table of devices with data of type `T`, each with a reference held.
///
/// A device that is in a table cannot be freed, so who is told that it goes must take it out; whoever
/// unregisters a device that stays in one, or in one that is leaked, waits for ever.
///
/// Writers hold RTNL; readers are in an RCU section. Where it says "writers" below, those of the
/// [`LockedLinkTable`] that a table is part of keep each other out by its lock.
///
/// # Context
///
/// Any, in an RCU section or with RTNL as the arguments say; only [`insert`](Self::insert) sleeps, and dropping
/// it may.
///
/// # Invariants
///
/// - `current` points to a `Generation` that is freed a grace period after it is replaced, unless it
///   is `EMPTY`; it is replaced by writers only.
/// - An entry's `dev` is null, or the device of its `hold`, which is a `Link<T>`.
/// - `live` is the number of entries with a device.
///
/// # Examples
///
/// ```
/// use abstractions::{context::Rcu, net::link_table::LinkTable};
/// use kernel::sync::rcu;
///
/// struct MyLink;
///
/// let table = LinkTable::<MyLink>::new();
/// let section = rcu::read_lock();
/// assert!(table.is_empty());
/// assert!(table.find(1, Rcu::new(&section)).is_none());
/// ```
pub struct LinkTable<T, K: Key = u64> {
    current: Atomic<*mut Generation<K>>,
    live: Atomic<u32>,
    _links: PhantomData<fn() -> T>,
}

// SAFETY: Who may touch what is decided by RTNL and RCU.
unsafe impl<T: Sync, K: Key> Send for LinkTable<T, K> {}
// SAFETY: Readers use what is atomic, or written before it can be found, in an RCU section; writers keep
// each other out.
unsafe impl<T: Sync, K: Key> Sync for LinkTable<T, K> {}

impl<T, K: Key> LinkTable<T, K> {
    /// Makes an empty table. Takes no memory until something is put into it.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            current: Atomic::new(K::EMPTY.cast_mut()),
            live: Atomic::new(0),
            _links: PhantomData,
        }
    }

    /// Returns whether there is nothing in it. A snapshot unless RTNL is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.live.load(Relaxed) == 0
    }

    /// Returns the number of entries. A snapshot unless RTNL is held.
    #[inline]
    pub fn len(&self) -> u32 {
        self.live.load(Relaxed)
    }

    #[inline]
    fn generation<'a>(&'a self) -> &'a Generation<K> {
        // SAFETY: Valid by the invariants; callers are in an RCU section, keep other writers out for
        // `'a`, or own the table. Never written through but for what is atomic or for writers.
        unsafe { &*self.current.load(Acquire) }
    }

    /// # Safety
    ///
    /// Non-null pointers that are loaded from it must be fit for [`Link::from_raw`] for all of `'a`.
    #[inline]
    unsafe fn link<'a>(entry: &Entry<K>) -> Option<&'a Link<T>> {
        let dev = entry.dev.load(Acquire);
        // SAFETY: By the caller's guarantee and the invariants.
        (!dev.is_null()).then(|| unsafe { Link::from_raw(dev) })
    }

    /// Returns a device with that key, if there is one.
    #[inline]
    pub fn find<'a>(&'a self, key: K, _rcu: Rcu<'a>) -> Option<&'a Link<T>> {
        let generation = self.generation();
        // SAFETY: The reference that an entry holds is given back after a grace period from when
        // its `dev` was cleared, and `'a` is in an RCU section that began before that.
        let link = |entry: &Entry<K>| unsafe { Self::link(entry) };
        let slot = generation.first_slot(key);
        // Nearly always this is all.
        // SAFETY: The first one.
        let first = unsafe { generation.entry_at(slot) }?;
        // SAFETY: It was just found.
        if unsafe { first.key() } == key {
            if let Some(link) = link(first) {
                return Some(link);
            }
        }
        // SAFETY: The one after one that was not null.
        unsafe { generation.search_from(slot.add(1), key, link) }
    }

    /// Calls `f` for all devices with that key.
    #[inline]
    pub fn for_all<'a>(&'a self, key: K, _rcu: Rcu<'a>, mut f: impl FnMut(&'a Link<T>)) {
        let _ = self.generation().search(key, |entry| {
            // SAFETY: The reference that an entry holds is given back after a grace period from when its
            // `dev` was cleared, and `'a` is in an RCU section that began before that.
            if let Some(link) = unsafe { Self::link(entry) } {
                f(link);
            }
            None::<()>
        });
    }

    /// Returns all devices. One that is put in or removed meanwhile may or may not be among them.
    #[inline]
    pub fn iter<'a>(&'a self, rcu: Rcu<'a>) -> impl Iterator<Item = &'a Link<T>> {
        self.entries(rcu).map(|(_, link)| link)
    }

    /// Returns all keys with their devices, as [`iter`](Self::iter).
    #[inline]
    pub fn entries<'a>(&'a self, _rcu: Rcu<'a>) -> impl Iterator<Item = (K, &'a Link<T>)> {
        let generation = self.generation();
        let mut number = 0u32;
        iter::from_fn(move || loop {
            let entry = generation.entry(number)?;
            number = number.wrapping_add(1);
            // SAFETY: The reference that an entry holds is given back after a grace period from when its
            // `dev` was cleared, and `'a` is in an RCU section that began before that.
            if let Some(link) = unsafe { Self::link(entry) } {
                // SAFETY: It can be seen.
                return Some((unsafe { entry.key() }, link));
            }
        })
    }

    /// Returns all devices that are registered, for holders of RTNL. Devices may be removed on the way; one
    /// that is put in meanwhile may or may not be among them, or hide another one.
    pub fn registered<'a>(
        &'a self,
        _rtnl: &'a Rtnl,
    ) -> impl Iterator<Item = &'a Registered<Link<T>>> {
        let mut number = 0u32;
        iter::from_fn(move || loop {
            // Looked up anew each time: who uses this iterator may change the table.
            let entry = self.generation().entry(number)?;
            number = number.wrapping_add(1);
            let dev = entry.dev.load(Acquire);
            if dev.is_null() {
                continue;
            }
            // SAFETY: There is a reference, which only holders of RTNL give up.
            let state = bindings::netdev_reg_state::from(unsafe { (*dev).reg_state });
            if state == bindings::netdev_reg_state_NETREG_REGISTERED {
                // SAFETY: A device that is registered is not freed before RTNL is released.
                return Some(unsafe { Registered::assume(Link::from_raw(dev)) });
            }
        })
    }

    /// Calls `f` for each key that `dev` has, until it fails; that error is the result. Looks at all entries.
    pub fn for_each_key(
        &self,
        dev: &Link<T>,
        _rtnl: &Rtnl,
        mut f: impl FnMut(K) -> Result,
    ) -> Result {
        let mut number = 0u32;
        while let Some(entry) = self.generation().entry(number) {
            number = number.wrapping_add(1);
            if entry.dev.load(Relaxed) == dev.as_ptr() {
                // SAFETY: It can be seen.
                f(unsafe { entry.key() })?;
            }
        }
        Ok(())
    }

    /// Puts a device in. [`EEXIST`] if it is there with that key, [`ENODEV`] if it is not registered,
    /// [`ENOMEM`]. May sleep.
    pub fn insert(&self, key: K, dev: &Link<T>, rtnl: &Rtnl) -> Result {
        let there = self.generation().search(key, |entry| {
            (entry.dev.load(Relaxed) == dev.as_ptr()).then_some(())
        });
        if there.is_some() {
            return Err(EEXIST);
        }
        let hold = Hold::take(dev, HoldContext::Rtnl(rtnl))?;
        // SAFETY: RTNL is held.
        unsafe { self.compact() };
        // SAFETY: RTNL is held.
        if let Err((hold, wanted)) = unsafe { self.place(key, hold) } {
            let new = NewGeneration::new(wanted, Gfp::Kernel)?;
            // SAFETY: RTNL is held; the new one is as large as was asked for.
            unsafe {
                self.replace(new);
                let _ = self.place(key, hold);
            }
        }
        Ok(())
    }

    /// Takes a device out. False if it was not there with that key.
    pub fn remove(&self, key: K, dev: &Link<T>, _rtnl: &Rtnl) -> bool {
        // SAFETY: RTNL is held.
        unsafe { self.take_out(key, dev) }
    }

    /// Takes a device out wherever it is. Looks at all entries.
    pub fn remove_all(&self, dev: &Link<T>, _rtnl: &Rtnl) {
        // SAFETY: RTNL is held.
        unsafe { self.take_out_all(dev) };
    }

    /// Puts a device in if there is room, else gives the reference back with the capacity that a new
    /// generation must have.
    ///
    /// # Safety
    ///
    /// The caller must keep other writers out.
    unsafe fn place(&self, key: K, hold: Hold) -> Result<(), (Hold, u32)> {
        let generation = self.generation();
        // A removed entry of the same key can be filled again: whoever finds it looks for the key.
        let free = generation.search(key, |entry| {
            entry.dev.load(Relaxed).is_null().then_some(entry)
        });
        if let Some(entry) = free {
            let dev = hold.dev();
            // INVARIANT: The device of the hold, which is there before the device can be seen.
            // SAFETY: Writers only, of which the caller is the only one.
            unsafe { *entry.hold.get() = Some(hold) };
            entry.dev.store(dev, Release);
        } else {
            // SAFETY: The caller is the only writer.
            unsafe { generation.append(key, hold) }.map_err(|hold| (hold, self.wanted()))?;
        }
        self.live.store(self.len().wrapping_add(1), Relaxed);
        Ok(())
    }

    /// The capacity that a new generation should have.
    fn wanted(&self) -> u32 {
        // Too many to count are too many for memory.
        self.len().saturating_add(1).saturating_mul(2).max(4)
    }

    /// Leaves out what was removed, if that is most of the table: who walks it walks that, too. Not done
    /// when something is removed, for somebody may be on his way through the table to remove it. May
    /// sleep. Without memory everything stays as it is.
    ///
    /// # Safety
    ///
    /// The caller must keep other writers out.
    unsafe fn compact(&self) {
        let used = self.generation().used.load(Relaxed);
        let wanted = self.len().saturating_add(1).saturating_mul(2);
        if used > MIN_SLOTS && wanted < used / 2 {
            if let Ok(new) = NewGeneration::new(wanted, Gfp::Kernel) {
                // SAFETY: By the caller's guarantee; there is room for twice as many and more.
                unsafe { self.replace(new) };
            }
        }
    }

    /// Moves everything to a new generation.
    ///
    /// # Safety
    ///
    /// The caller must keep other writers out, and `new` have room for more than what is there.
    unsafe fn replace(&self, new: NewGeneration<K>) {
        let old = self.generation();
        for entry in old.seen() {
            // The old generation keeps its pointers for readers, but not the references.
            // SAFETY: Writers only, of which the caller is the only one.
            if let Some(hold) = unsafe { (*entry.hold.get()).take() } {
                // SAFETY: It can be seen, so it has a key; `new` is ours, with room for all.
                let _ = unsafe { new.append(entry.key(), hold) };
            }
        }
        // INVARIANT: Readers of the old one are waited for before it is freed.
        self.current.store(new.into_raw(), Release);
        if !ptr::eq(old, K::EMPTY) {
            // SAFETY: It begins with its head, nobody new can see it, and nothing of it needs dropping:
            // the core frees the memory (`kvfree_call_rcu()`), without code of this module.
            unsafe { bindings::kvfree_rcu(old.rcu.get()) };
        }
    }

    /// # Safety
    ///
    /// The caller must keep other writers out.
    unsafe fn take_out(&self, key: K, dev: &Link<T>) -> bool {
        let found = self.generation().search(key, |entry| {
            (entry.dev.load(Relaxed) == dev.as_ptr()).then_some(entry)
        });
        if let Some(entry) = found {
            // SAFETY: By the caller's guarantee.
            unsafe { self.clear(entry) };
        }
        found.is_some()
    }

    /// # Safety
    ///
    /// The caller must keep other writers out.
    unsafe fn take_out_all(&self, dev: &Link<T>) {
        let mut number = 0u32;
        while let Some(entry) = self.generation().entry(number) {
            number = number.wrapping_add(1);
            if entry.dev.load(Relaxed) == dev.as_ptr() {
                // SAFETY: By the caller's guarantee.
                unsafe { self.clear(entry) };
            }
        }
    }

    /// # Safety
    ///
    /// The caller must keep other writers out, and the entry have a device.
    unsafe fn clear(&self, entry: &Entry<K>) {
        entry.dev.store(ptr::null_mut(), Release);
        self.live.store(self.len().wrapping_sub(1), Relaxed);
        // SAFETY: Writers only, of which the caller is the only one.
        if let Some(hold) = unsafe { (*entry.hold.get()).take() } {
            hold.retire();
        }
    }
}

impl<T, K: Key> Drop for LinkTable<T, K> {
    fn drop(&mut self) {
        let generation = self.current.load(Relaxed);
        if !ptr::eq(generation, K::EMPTY) {
            // The references are given back at once: nobody looks at the devices through this table.
            // INVARIANT: The table is ours, so there are no readers; it came from `into_raw`.
            // SAFETY: Never null.
            drop(NewGeneration(unsafe { NonNull::new_unchecked(generation) }));
        }
    }
}
