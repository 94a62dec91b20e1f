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
    alloc::{
        Layout,
        LayoutError, //
    },
    cell::UnsafeCell,
    iter,
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    alloc::{
        allocator::{
            KVmalloc,
            Kmalloc, //
        },
        flags::__GFP_NOWARN,
        Allocator,
        NumaNode, //
    },
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Relaxed,
            Release, //
        },
        Atomic, //
    },
    types::Opaque, //
};

mod private {
    pub trait Sealed {}
}

/// What devices are looked up by.
pub trait Key: private::Sealed + Copy + Eq + Send + Sync + 'static {
    /// The generation of tables that nothing was ever put into.
    #[doc(hidden)]
    const EMPTY: *const Generation<Self>;

    /// A number whose top bits are the hash, from two random odd numbers.
    #[doc(hidden)]
    fn mix(self, factors: [u64; 2]) -> u64;
}

/// A MAC address, or whatever else fits.
impl Key for u64 {
    const EMPTY: *const Generation<Self> = {
        static EMPTY: Generation<u64> = Generation::empty();
        &raw const EMPTY
    };

    #[inline]
    fn mix(self, [factor, _]: [u64; 2]) -> u64 {
        self.wrapping_mul(factor)
    }
}

impl private::Sealed for u64 {}

/// An IPv6 address.
impl Key for u128 {
    const EMPTY: *const Generation<Self> = {
        static EMPTY: Generation<u128> = Generation::empty();
        &raw const EMPTY
    };

    #[inline]
    fn mix(self, [factor, other]: [u64; 2]) -> u64 {
        // CAST: Its two halves.
        #[allow(clippy::cast_possible_truncation)]
        let (low, high) = (self as u64, (self >> 64) as u64);
        low.wrapping_mul(factor)
            .wrapping_add(high.wrapping_mul(other))
    }
}

impl private::Sealed for u128 {}

/// A key and its device.
struct Entry<K> {
    // Written once, before the entry can be found; nothing until then.
    key: UnsafeCell<MaybeUninit<K>>,
    // Null if the entry was removed.
    dev: Atomic<*mut bindings::net_device>,
    // For writers only: the reference to `dev`.
    hold: UnsafeCell<Option<Hold>>,
}

impl<K: Key> Entry<K> {
    const fn empty() -> Self {
        Self {
            key: UnsafeCell::new(MaybeUninit::uninit()),
            dev: Atomic::new(ptr::null_mut()),
            hold: UnsafeCell::new(None),
        }
    }

    /// # Safety
    ///
    /// The entry must be one that can be found.
    #[inline]
    unsafe fn key(&self) -> K {
        // SAFETY: By the caller's guarantee it was written, and is never written again.
        unsafe { (*self.key.get()).assume_init() }
    }
}

/// One generation of the table: a piece of memory, with the entries and the slots behind this.
///
/// # Invariants
///
/// - `index` and `entries` point behind this object, to as many slots and entries as were made, or
///   to what is never written to.
/// - An entry below `used` has a key; a slot is null or points to such an entry.
/// - Once it was replaced no entry has a hold, so that it can be freed as memory.
#[doc(hidden)]
#[repr(C)]
pub struct Generation<K> {
    // First: what `kvfree_rcu()` frees begins with it.
    rcu: UnsafeCell<bindings::callback_head>,
    // Random and odd: what the hash is made with.
    factors: [u64; 2],
    // How many slots a search may begin at: a power of two.
    first_slots: u64,
    // Slots: pointers to entries; null ends a search. A hash gives one of the first ones; behind them
    // there is room for all entries and one null, so that no search runs over the end.
    index: *const Atomic<*mut Entry<K>>,
    entries: *const Entry<K>,
    capacity: u32,
    // Entries that can be seen.
    used: Atomic<u32>,
}

// SAFETY: `index` and `entries` point to what belongs to it, or to a static; who may write is decided by
// the table.
unsafe impl<K: Key> Sync for Generation<K> {}

/// So many that in a table with a few entries hardly any key meets another's slot.
const MIN_SLOTS: u32 = 64;

/// The index of a table without entries.
static NOTHING: Atomic<*mut c_void> = Atomic::new(ptr::null_mut());

/// A generation that nobody has seen yet.
///
/// # Invariants
///
/// It is ours, and came from `kvmalloc()` or `kmalloc()`.
struct NewGeneration<K>(NonNull<Generation<K>>);

impl<K: Key> NewGeneration<K> {
    fn new(capacity: u32, gfp: Gfp) -> Result<Self> {
        // Half of the slots stay empty.
        let first_slots = capacity
            .checked_mul(2)
            .and_then(u32::checked_next_power_of_two)
            .ok_or(ENOMEM)?
            .max(MIN_SLOTS);
        // At most 3/2 of what was just multiplied by two, or little.
        let slots = first_slots.checked_add(capacity).ok_or(ENOMEM)?;
        let slots = slots.saturating_add(1) as usize;
        let behind = |layout: Layout, array: Result<Layout, LayoutError>| {
            array
                .and_then(|array| layout.extend(array))
                .map_err(|_| ENOMEM)
        };
        let layout = Layout::new::<Generation<K>>();
        let (layout, entries_at) = behind(layout, Layout::array::<Entry<K>>(capacity as usize))?;
        let (layout, index_at) = behind(layout, Layout::array::<Atomic<*mut Entry<K>>>(slots))?;
        let memory = match gfp {
            Gfp::Kernel => KVmalloc::alloc(layout, gfp.flags(), NumaNode::NO_NODE),
            // `kvmalloc()` would go on to `vmalloc()`, which is not for softirqs.
            Gfp::Atomic => Kmalloc::alloc(layout, gfp.flags() | __GFP_NOWARN, NumaNode::NO_NODE),
        }?;
        let new = memory.cast::<Generation<K>>();
        let mut factors = [0u64; 2];
        // SAFETY: The buffer is sixteen bytes long, and any bytes are numbers. The memory is ours, and
        // as large as the layout, in which the arrays are where it says.
        unsafe {
            bindings::get_random_bytes(factors.as_mut_ptr().cast(), 16);
            let entries = new.byte_add(entries_at).cast::<Entry<K>>();
            for number in 0..capacity as usize {
                entries.add(number).write(Entry::empty());
            }
            let index = new.byte_add(index_at).cast::<Atomic<*mut Entry<K>>>();
            for number in 0..slots {
                index.add(number).write(Atomic::new(ptr::null_mut()));
            }
            // INVARIANT: Just made, with nothing to be seen.
            new.write(Generation {
                factors: factors.map(|factor| factor | 1),
                first_slots: u64::from(first_slots),
                index: index.as_ptr(),
                entries: entries.as_ptr(),
                capacity,
                ..Generation::empty()
            });
        }
        // INVARIANT: Just allocated.
        Ok(Self(new))
    }
}

impl<K> NewGeneration<K> {
    fn into_raw(self) -> *mut Generation<K> {
        ManuallyDrop::new(self).0.as_ptr()
    }
}

impl<K> Deref for NewGeneration<K> {
    type Target = Generation<K>;

    fn deref(&self) -> &Generation<K> {
        // SAFETY: By the type's invariants.
        unsafe { self.0.as_ref() }
    }
}

impl<K> Drop for NewGeneration<K> {
    fn drop(&mut self) {
        for entry in self.seen() {
            // SAFETY: It is ours, so there are neither readers nor writers.
            drop(unsafe { (*entry.hold.get()).take() });
        }
        // SAFETY: By the type's invariants. What `kmalloc()` gave, `kvfree()` frees, too, without looking
        // at the size.
        unsafe { KVmalloc::free(self.0.cast(), Layout::new::<Generation<K>>()) };
    }
}

impl<K> Generation<K> {
    /// No entries: all hashes are zero.
    const fn empty() -> Self {
        Self {
            rcu: UnsafeCell::new(bindings::callback_head {
                next: ptr::null_mut(),
                func: None,
            }),
            factors: [0; 2],
            first_slots: 1,
            // CAST: A null pointer, to whatever.
            index: (&raw const NOTHING).cast(),
            entries: ptr::null(),
            capacity: 0,
            used: Atomic::new(0),
        }
    }

    /// The entries that can be seen.
    fn seen(&self) -> impl Iterator<Item = &Entry<K>> {
        (0..).map_while(|number| self.entry(number))
    }

    /// Entry `number`, if it can be seen.
    #[inline]
    fn entry(&self, number: u32) -> Option<&Entry<K>> {
        // Pairs with the store in `append`.
        // SAFETY: No more can be seen than there are.
        (number < self.used.load(Acquire)).then(|| unsafe { &*self.entries.add(number as usize) })
    }
}

impl<K: Key> Generation<K> {
    /// The slot where the search for a key begins. It is there, and so is the one after a slot that
    /// was not null: before that are no more slots than first ones and entries, one less than there are.
    #[inline]
    fn first_slot(&self, key: K) -> *const Atomic<*mut Entry<K>> {
        // The top bits of the hash; a multiplication is shorter than a shift by a variable.
        let product = u128::from(key.mix(self.factors)).wrapping_mul(u128::from(self.first_slots));
        // CAST: Less than the number of slots, which is a `u32`.
        #[allow(clippy::cast_possible_truncation)]
        let number = (product >> 64) as usize;
        // SAFETY: Hashes are numbers of slots.
        unsafe { self.index.add(number) }
    }

    /// The entry that a slot points to.
    ///
    /// # Safety
    ///
    /// The slot must be there, see [`first_slot`](Self::first_slot).
    #[inline]
    unsafe fn entry_at(&self, slot: *const Atomic<*mut Entry<K>>) -> Option<&Entry<K>> {
        // Pairs with the store in `append`: the entry is seen complete.
        // SAFETY: By the caller's guarantee; entries are there as long as the slots.
        unsafe { (*slot).load(Acquire).as_ref() }
    }

    /// Calls `f` for the entries of a key, removed ones included, until it gives something.
    #[inline]
    fn search<'a, R>(&'a self, key: K, f: impl FnMut(&'a Entry<K>) -> Option<R>) -> Option<R> {
        // SAFETY: The first one.
        unsafe { self.search_from(self.first_slot(key), key, f) }
    }

    /// # Safety
    ///
    /// The slot must be there, see [`first_slot`](Self::first_slot).
    #[inline]
    unsafe fn search_from<'a, R>(
        &'a self,
        mut slot: *const Atomic<*mut Entry<K>>,
        key: K,
        mut f: impl FnMut(&'a Entry<K>) -> Option<R>,
    ) -> Option<R> {
        // SAFETY: By the caller's guarantee, or the one after one that was not null.
        while let Some(entry) = unsafe { self.entry_at(slot) } {
            // SAFETY: It was just found.
            if unsafe { entry.key() } == key {
                if let Some(result) = f(entry) {
                    return Some(result);
                }
            }
            // SAFETY: There is one after one that was not null.
            slot = unsafe { slot.add(1) };
        }
        None
    }

    /// Adds an entry for the device of `hold`; gives that back if there is no room.
    ///
    /// # Safety
    ///
    /// The caller must be the only writer.
    unsafe fn append(&self, key: K, hold: Hold) -> Result<(), Hold> {
        let number = self.used.load(Relaxed);
        if number >= self.capacity {
            return Err(hold);
        }
        // SAFETY: So many there are.
        let entry = unsafe { &*self.entries.add(number as usize) };
        entry.dev.store(hold.dev(), Relaxed);
        // SAFETY: It cannot be found yet, and the caller is the only writer.
        unsafe {
            (*entry.key.get()).write(key);
            *entry.hold.get() = Some(hold);
        }
        let mut slot = self.first_slot(key);
        // SAFETY: The first one, or the one after one that was not null; the last one is null.
        unsafe {
            while !(*slot).load(Relaxed).is_null() {
                slot = slot.add(1);
            }
            (*slot).store(ptr::from_ref(entry).cast_mut(), Release);
        }
        // Fewer entries than 2^31, see `NewGeneration::new`.
        self.used.store(number.wrapping_add(1), Release);
        Ok(())
    }
}

/// A table of devices with data of type `T`, each with a reference held.
///
/// A device that is in a table cannot be freed, so who is told that it goes must take it out; whoever
/// unregisters a device that stays in one, or in one that is leaked, waits for ever.
///
/// Writers hold RTNL; readers are in an RCU section. Where it says "writers" below, those of the
/// [`LockedLinkTable`] that a table is part of keep each other out by its lock.
///
/// # Invariants
///
/// - `current` points to a `Generation` that is freed a grace period after it is replaced, unless it
///   is `EMPTY`; it is replaced by writers only.
/// - An entry's `dev` is null, or the device of its `hold`, which is a `Link<T>`.
/// - `live` is the number of entries with a device.
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
    /// An empty table. Takes no memory until something is put into it.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            current: Atomic::new(K::EMPTY.cast_mut()),
            live: Atomic::new(0),
            _links: PhantomData,
        }
    }

    /// Whether there is nothing in it. Any context; a snapshot unless RTNL is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.live.load(Relaxed) == 0
    }

    /// The number of entries. Any context; a snapshot unless RTNL is held.
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

    /// A device with that key, if there is one.
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

    /// All devices. One that is put in or removed meanwhile may or may not be among them.
    #[inline]
    pub fn iter<'a>(&'a self, rcu: Rcu<'a>) -> impl Iterator<Item = &'a Link<T>> {
        self.entries(rcu).map(|(_, link)| link)
    }

    /// All keys with their devices, as [`iter`](Self::iter).
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

    /// All devices that are registered, for holders of RTNL. Devices may be removed on the way; one
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

    /// Calls `f` for each key that `dev` has, until it fails. Looks at all entries.
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

/// A table like [`LinkTable`], with one device for each key, whose writers need not hold RTNL: a lock
/// keeps them apart, and those that must not sleep may write, too.
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
struct Locked<'a>(&'a Opaque<bindings::spinlock_t>);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // SAFETY: Locked in `LockedLinkTable::lock`.
        unsafe { bindings::spin_unlock_bh(self.0.get()) };
    }
}

impl<T, K: Key> LockedLinkTable<T, K> {
    /// An empty table.
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

    /// Whether there is nothing in it. Any context; a snapshot.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The device with that key, if there is one.
    #[inline]
    pub fn find<'a>(&'a self, key: K, rcu: Rcu<'a>) -> Option<&'a Link<T>> {
        self.table.find(key, rcu)
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

    /// Takes a device out. False if it was not there with that key. Any context but hard interrupts.
    pub fn remove(&self, key: K, dev: &Link<T>) -> bool {
        let _guard = self.lock();
        // SAFETY: The lock is held.
        unsafe { self.table.take_out(key, dev) }
    }

    /// Takes a device out wherever it is. Looks at all entries. Any context but hard interrupts.
    pub fn remove_all(&self, dev: &Link<T>) {
        let _guard = self.lock();
        // SAFETY: The lock is held.
        unsafe { self.table.take_out_all(dev) };
    }
}
