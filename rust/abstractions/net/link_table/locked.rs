// SPDX-License-Identifier: GPL-2.0

//! A table of links that is written under a lock.

use crate::{
    bindings,
    context::{
        Gfp,
        Rcu, //
    },
    net::{
        hold::{
            Hold,
            HoldContext, //
        },
        link_table::{
            generation::{
                Generation,
                Key,
                NewGeneration, //
            },
            LinkTable, //
        },
        netdevice::Link, //
    },
};
use kernel::{
    prelude::*,
    sync::atomic::ordering::Relaxed,
    types::Opaque, //
};

/// A table like [`LinkTable`], with one device for each key, whose writers need not hold RTNL: a lock
/// keeps them apart, and those that must not sleep may write, too.
///
/// # Context
///
/// Any but hard interrupts: a spinlock is taken with softirqs disabled, but not by [`find`](Self::find) and
/// [`is_empty`](Self::is_empty). Sleeps only where it says so.
///
/// # Invariants
///
/// The lock is initialised. The table is written to by who holds it, and has each key at most once.
///
/// # Examples
///
/// ```
/// use abstractions::{context::Rcu, net::link_table::LockedLinkTable};
/// use kernel::sync::rcu;
///
/// struct MyLink;
///
/// let table = KBox::pin_init(LockedLinkTable::<MyLink, u128>::new(), GFP_KERNEL)?;
/// table.reserve()?;
/// let section = rcu::read_lock();
/// assert!(table.find(1, Rcu::new(&section)).is_none());
/// ```
#[pin_data]
pub struct LockedLinkTable<T, K: Key> {
    #[pin]
    lock: Opaque<bindings::spinlock_t>,
    table: LinkTable<T, K>,
}

// SAFETY: The table is written under the lock, and read under RCU.
unsafe impl<T: Sync, K: Key> Send for LockedLinkTable<T, K> {}

// SAFETY: The lock keeps writers out, and readers are in an RCU section.
unsafe impl<T: Sync, K: Key> Sync for LockedLinkTable<T, K> {}

/// Keeps other writers out.
///
/// # Invariants
///
/// The lock is held, with softirqs disabled.
struct Locked<'a>(&'a Opaque<bindings::spinlock_t>);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // SAFETY: Locked in `LockedLinkTable::lock`.
        unsafe { bindings::spin_unlock_bh(self.0.get()) };
    }
}

impl<T, K: Key> LockedLinkTable<T, K> {
    /// Makes an empty table.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The slot is valid and pinned.
            lock <- Opaque::ffi_init(|slot| unsafe { bindings::spin_lock_init(slot) }),
            table: LinkTable::new(),
        })
    }

    fn lock(&self) -> Locked<'_> {
        // SAFETY: The lock is initialised. Whoever takes it in a softirq does so with softirqs disabled.
        unsafe { bindings::spin_lock_bh(self.lock.get()) };
        Locked(&self.lock)
    }

    /// Returns whether there is nothing in it. A snapshot.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Returns the device with that key, if there is one.
    #[inline]
    pub fn find<'a>(&'a self, key: K, rcu: Rcu<'a>) -> Option<&'a Link<T>> {
        self.table.find(key, rcu)
    }

    /// Returns all keys with their devices. One that is put in or removed meanwhile may or may not be among them.
    pub fn entries<'a>(&'a self, rcu: Rcu<'a>) -> impl Iterator<Item = (K, &'a Link<T>)> {
        self.table.entries(rcu)
    }

    /// Puts a device in; false if it has been there. [`EADDRINUSE`] if another one has that key,
    /// [`ENODEV`] if the device is not registered, [`ENOMEM`]. Sleeps only where RTNL is held.
    pub fn insert(&self, key: K, dev: &Link<T>, when: HoldContext<'_>) -> Result<bool> {
        let mut hold = Hold::take(dev, when)?;
        let mut larger: Option<NewGeneration<K>> = None;
        loop {
            let guard = self.lock();
            let holder = self.table.generation().search(key, |entry| {
                let holder = entry.dev.load(Relaxed);
                (!holder.is_null()).then_some(holder)
            });
            match holder {
                Some(holder) if holder == dev.as_ptr() => return Ok(false),
                Some(_) => return Err(EADDRINUSE),
                None => {}
            }
            // Others may have filled it meanwhile, or brought a larger one themselves.
            if larger.as_ref().is_some_and(|new| self.is_larger(new)) {
                if let Some(new) = larger.take() {
                    // SAFETY: The lock is held, and there is room.
                    unsafe { self.table.replace(new) };
                }
            }
            // SAFETY: The lock is held.
            let wanted = match unsafe { self.table.place(key, hold) } {
                Ok(()) => return Ok(true),
                Err((back, wanted)) => {
                    hold = back;
                    wanted
                }
            };
            drop(guard);
            larger = Some(NewGeneration::new(wanted, when.gfp())?);
        }
    }

    /// Makes sure that there is room for one more, unless others take it. May sleep; [`ENOMEM`].
    pub fn reserve(&self) -> Result {
        let is_full = || {
            let generation = self.table.generation();
            generation.used.load(Relaxed) >= generation.capacity
        };
        let wanted = {
            let _guard = self.lock();
            is_full().then(|| self.table.wanted())
        };
        if let Some(wanted) = wanted {
            let new = NewGeneration::new(wanted, Gfp::Kernel)?;
            let _guard = self.lock();
            if is_full() && self.is_larger(&new) {
                // SAFETY: The lock is held, and there is room.
                unsafe { self.table.replace(new) };
            }
        }
        Ok(())
    }

    /// Whether a generation has room for what there is, and more. The lock must be held for an answer
    /// that stays true.
    fn is_larger(&self, new: &Generation<K>) -> bool {
        new.capacity > self.table.len()
    }

    /// Takes a device out. Returns false if it was not there with that key.
    pub fn remove(&self, key: K, dev: &Link<T>) -> bool {
        let _guard = self.lock();
        // SAFETY: The lock is held.
        unsafe { self.table.take_out(key, dev) }
    }

    /// Takes a device out wherever it is. Looks at all entries.
    pub fn remove_all(&self, dev: &Link<T>) {
        let _guard = self.lock();
        // SAFETY: The lock is held.
        unsafe { self.table.take_out_all(dev) };
    }
}
