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

use super::{
    netdevice::Link,
    rtnl::Rtnl, //
};
use crate::{
    bindings,
    context::Rcu, //
};
use core::{
    cell::UnsafeCell,
    iter,
    marker::PhantomData,
    ptr, //
};
use kernel::{
    container_of,
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

/// A reference to a device, on the heap so that an RCU callback can give it back.
#[repr(C)]
struct Hold {
    rcu: bindings::callback_head,
    dev: *mut bindings::net_device,
    tracker: UnsafeCell<bindings::netdevice_tracker>,
}

impl Hold {
    /// Gives the reference back after a grace period.
    ///
    /// # Safety
    ///
    /// `this` must come from `KBox::into_raw`, hold a reference, and be given up by the caller.
    unsafe fn retire(this: *mut Self) {
        // SAFETY: By the caller's guarantee; the callback is this module's code, which stays until
        // the `rcu_barrier()` in `link::Registration::drop`.
        unsafe { bindings::call_rcu(ptr::addr_of_mut!((*this).rcu), Some(Self::put_callback)) };
    }

    /// # Safety
    ///
    /// To be called by RCU, with the field of a `Hold` that was retired.
    unsafe extern "C" fn put_callback(head: *mut bindings::callback_head) {
        // SAFETY: By the caller's guarantee.
        unsafe { Self::put(container_of!(head, Hold, rcu)) };
    }

    /// Gives the reference back now.
    ///
    /// # Safety
    ///
    /// As for `retire`, and nobody may be looking at the device on the strength of this reference.
    unsafe fn put(this: *mut Self) {
        // SAFETY: By the caller's guarantee.
        let this = unsafe { KBox::from_raw(this) };
        // SAFETY: The reference is held.
        unsafe { bindings::netdev_put(this.dev, this.tracker.get()) };
    }
}

/// A key and its device.
struct Entry {
    // Written once, before the entry can be found.
    key: Atomic<u64>,
    // Null if the entry was removed.
    dev: Atomic<*mut bindings::net_device>,
    // For writers only: the reference to `dev`; null if there is none.
    hold: UnsafeCell<*mut Hold>,
}

/// One generation of the table.
#[repr(C)]
struct Generation {
    rcu: UnsafeCell<bindings::callback_head>,
    // The hash is the top bits of a product with a random odd number.
    factor: u64,
    shift: u32,
    // The start of `slots`, or `NOTHING`.
    index: *const Atomic<*mut Entry>,
    // Pointers to entries; null ends a search. A hash gives one of the first ones; behind them there
    // is room for all entries and one null, so that no search runs over the end. Only kept for its
    // memory.
    slots: KVVec<Atomic<*mut Entry>>,
    entries: KVVec<Entry>,
    // Entries that can be seen.
    used: Atomic<u32>,
}

// SAFETY: `index` and what is in it point to memory that it owns, or to a static; who may write is
// decided by the table.
unsafe impl Sync for Generation {}

/// So many that in a table with a few entries hardly any key meets another's slot.
const MIN_SLOTS: u32 = 64;

/// The index of a table without entries.
static NOTHING: Atomic<*mut Entry> = Atomic::new(ptr::null_mut());

/// The generation of tables that nothing was ever put into: all hashes are zero.
static EMPTY: Generation = Generation {
    rcu: UnsafeCell::new(bindings::callback_head {
        next: ptr::null_mut(),
        func: None,
    }),
    factor: 0,
    shift: 0,
    index: &NOTHING,
    slots: KVVec::new(),
    entries: KVVec::new(),
    used: Atomic::new(0),
};

impl Generation {
    fn new(capacity: u32) -> Result<KBox<Self>> {
        // The lock of the table makes sure that it is never full, see `LinkTable::make_room`.
        let slots = capacity
            .checked_mul(2)
            .and_then(u32::checked_next_power_of_two)
            .ok_or(ENOMEM)?
            .max(MIN_SLOTS);
        // At most 3/2 of what was just multiplied by two, or little.
        let len = slots.checked_add(capacity).ok_or(ENOMEM)?.saturating_add(1);
        let len = len as usize;
        let mut memory = KVVec::with_capacity(len, GFP_KERNEL)?;
        for _ in 0..len {
            memory.push(Atomic::new(ptr::null_mut()), GFP_KERNEL)?;
        }
        let mut entries = KVVec::with_capacity(capacity as usize, GFP_KERNEL)?;
        for _ in 0..capacity {
            entries.push(
                Entry {
                    key: Atomic::new(0),
                    dev: Atomic::new(ptr::null_mut()),
                    hold: UnsafeCell::new(ptr::null_mut()),
                },
                GFP_KERNEL,
            )?;
        }
        let mut factor = [0u8; 8];
        // SAFETY: The buffer is eight bytes long.
        unsafe { bindings::get_random_bytes(factor.as_mut_ptr().cast(), 8) };
        Ok(KBox::new(
            Self {
                // SAFETY: Zero is valid for the structure.
                rcu: UnsafeCell::new(unsafe { core::mem::zeroed() }),
                factor: u64::from_ne_bytes(factor) | 1,
                shift: 64 - slots.trailing_zeros(),
                index: memory.as_ptr(),
                slots: memory,
                entries,
                used: Atomic::new(0),
            },
            GFP_KERNEL,
        )?)
    }

    /// # Safety
    ///
    /// To be called by RCU, with the field of a generation that came from `KBox::into_raw`.
    unsafe extern "C" fn free_callback(head: *mut bindings::callback_head) {
        // CAST: `UnsafeCell` is transparent.
        let head = head.cast::<UnsafeCell<bindings::callback_head>>();
        // SAFETY: By the caller's guarantee. The memory may be freed in a softirq (`kvfree()`).
        drop(unsafe { KBox::from_raw(container_of!(head, Generation, rcu)) });
    }

    /// The slot where the search for a key begins. It is there, and so is the one after a slot that
    /// was not null: before that are no more slots than first ones and entries, one less than there are.
    #[inline]
    fn first_slot(&self, key: u64) -> *const Atomic<*mut Entry> {
        // CAST: Fewer bits than those of a `u32` are left.
        #[allow(clippy::cast_possible_truncation)]
        let number = (key.wrapping_mul(self.factor) >> self.shift) as usize;
        // SAFETY: Hashes are numbers of slots.
        unsafe { self.index.add(number) }
    }

    /// The entry that a slot points to.
    ///
    /// # Safety
    ///
    /// The slot must be there, see [`first_slot`](Self::first_slot).
    #[inline]
    unsafe fn entry_at(&self, slot: *const Atomic<*mut Entry>) -> Option<&Entry> {
        // Pairs with the store in `append`: the entry is seen complete.
        // SAFETY: By the caller's guarantee; entries are there as long as the slots.
        unsafe { (*slot).load(Acquire).as_ref() }
    }

    /// Calls `f` for the entries of a key, removed ones included, until it gives something.
    #[inline]
    fn search<'a, R>(&'a self, key: u64, f: impl FnMut(&'a Entry) -> Option<R>) -> Option<R> {
        // SAFETY: The first one.
        unsafe { self.search_from(self.first_slot(key), key, f) }
    }

    /// # Safety
    ///
    /// The slot must be there, see [`first_slot`](Self::first_slot).
    #[inline]
    unsafe fn search_from<'a, R>(
        &'a self,
        mut slot: *const Atomic<*mut Entry>,
        key: u64,
        mut f: impl FnMut(&'a Entry) -> Option<R>,
    ) -> Option<R> {
        // SAFETY: By the caller's guarantee, or the one after one that was not null.
        while let Some(entry) = unsafe { self.entry_at(slot) } {
            if entry.key.load(Relaxed) == key {
                if let Some(result) = f(entry) {
                    return Some(result);
                }
            }
            // SAFETY: As above.
            slot = unsafe { slot.add(1) };
        }
        None
    }

    /// Entry `number`, if it can be seen.
    #[inline]
    fn entry(&self, number: u32) -> Option<&Entry> {
        // Pairs with the store in `append`.
        if number < self.used.load(Acquire) {
            self.entries.get(number as usize)
        } else {
            None
        }
    }

    /// Adds an entry. False if there is no room.
    ///
    /// # Safety
    ///
    /// The caller must be the only writer, and give up `hold`, which must hold a reference to `dev`.
    unsafe fn append(&self, key: u64, dev: *mut bindings::net_device, hold: *mut Hold) -> bool {
        let number = self.used.load(Relaxed);
        let Some(entry) = self.entries.get(number as usize) else {
            return false;
        };
        entry.key.store(key, Relaxed);
        entry.dev.store(dev, Relaxed);
        // SAFETY: Writers only, of which the caller is the only one.
        unsafe { *entry.hold.get() = hold };
        let mut slot = self.first_slot(key);
        // SAFETY: The first one, or the one after one that was not null; the last one is null.
        unsafe {
            while !(*slot).load(Relaxed).is_null() {
                slot = slot.add(1);
            }
            (*slot).store(ptr::from_ref(entry).cast_mut(), Release);
        }
        // Fewer entries than 2^31, see `new`.
        self.used.store(number.wrapping_add(1), Release);
        true
    }
}

/// A table of devices with data of type `T`, each with a reference held.
///
/// Writers hold RTNL; readers are in an RCU section.
///
/// # Invariants
///
/// - `current` points to a `Generation` that is freed a grace period after it is replaced, unless it
///   is `EMPTY`; it is replaced by holders of RTNL only.
/// - An entry's `hold` is null, or holds a reference to the device that is or was its `dev`, which is
///   a `Link<T>`; `dev` is null if `hold` is.
/// - `live` is the number of entries with a device.
pub struct LinkTable<T> {
    current: Atomic<*mut Generation>,
    live: Atomic<u32>,
    _links: PhantomData<fn() -> T>,
}

// SAFETY: Who may touch what is decided by RTNL and RCU.
unsafe impl<T: Sync> Send for LinkTable<T> {}
// SAFETY: As above.
unsafe impl<T: Sync> Sync for LinkTable<T> {}

impl<T> LinkTable<T> {
    /// An empty table. Takes no memory until something is put into it.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self {
            current: Atomic::new(ptr::from_ref(&EMPTY).cast_mut()),
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
    fn generation<'a>(&'a self) -> &'a Generation {
        // SAFETY: Valid by the invariants; callers are in an RCU section, hold RTNL for `'a`, or own
        // the table. Never written through but for what is atomic or for holders of RTNL.
        unsafe { &*self.current.load(Acquire) }
    }

    /// # Safety
    ///
    /// Non-null pointers that are loaded from it must be fit for [`Link::from_raw`] for all of `'a`.
    #[inline]
    unsafe fn link<'a>(entry: &Entry) -> Option<&'a Link<T>> {
        let dev = entry.dev.load(Acquire);
        // SAFETY: By the caller's guarantee and the invariants.
        (!dev.is_null()).then(|| unsafe { Link::from_raw(dev) })
    }

    /// A device with that key, if there is one.
    #[inline]
    pub fn find<'a>(&'a self, key: u64, _rcu: Rcu<'a>) -> Option<&'a Link<T>> {
        let generation = self.generation();
        // SAFETY: The reference that an entry holds is given back after a grace period from when
        // its `dev` was cleared, and `'a` is in an RCU section that began before that.
        let link = |entry: &Entry| unsafe { Self::link(entry) };
        let slot = generation.first_slot(key);
        // Nearly always this is all.
        // SAFETY: The first one.
        let first = unsafe { generation.entry_at(slot) }?;
        if first.key.load(Relaxed) == key {
            if let Some(link) = link(first) {
                return Some(link);
            }
        }
        // SAFETY: The one after one that was not null.
        unsafe { generation.search_from(slot.add(1), key, link) }
    }

    /// Calls `f` for all devices with that key.
    #[inline]
    pub fn for_all<'a>(&'a self, key: u64, _rcu: Rcu<'a>, mut f: impl FnMut(&'a Link<T>)) {
        let _ = self.generation().search(key, |entry| {
            // SAFETY: As in `find`.
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
    pub fn entries<'a>(&'a self, _rcu: Rcu<'a>) -> impl Iterator<Item = (u64, &'a Link<T>)> {
        let generation = self.generation();
        let mut number = 0u32;
        iter::from_fn(move || loop {
            let entry = generation.entry(number)?;
            number = number.wrapping_add(1);
            // SAFETY: As in `find`.
            if let Some(link) = unsafe { Self::link(entry) } {
                return Some((entry.key.load(Relaxed), link));
            }
        })
    }

    /// All devices that are registered, for holders of RTNL. Devices may be removed on the way; one
    /// that is put in meanwhile may or may not be among them, or hide another one.
    pub fn registered<'a>(&'a self, _rtnl: &'a Rtnl) -> impl Iterator<Item = &'a Link<T>> {
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
            // A device that is registered is not freed before RTNL is released.
            if state == bindings::netdev_reg_state_NETREG_REGISTERED {
                // SAFETY: As above.
                return Some(unsafe { Link::from_raw(dev) });
            }
        })
    }

    /// Calls `f` for each key that `dev` has, until it fails. Looks at all entries.
    pub fn for_each_key(
        &self,
        dev: &Link<T>,
        _rtnl: &Rtnl,
        mut f: impl FnMut(u64) -> Result,
    ) -> Result {
        let mut number = 0u32;
        while let Some(entry) = self.generation().entry(number) {
            number = number.wrapping_add(1);
            if entry.dev.load(Relaxed) == dev.as_ptr() {
                f(entry.key.load(Relaxed))?;
            }
        }
        Ok(())
    }

    /// Puts a device in. [`EEXIST`] if it is there with that key, [`ENODEV`] if it is not registered,
    /// [`ENOMEM`]. May sleep.
    pub fn insert(&self, key: u64, dev: &Link<T>, _rtnl: &Rtnl) -> Result {
        let raw = dev.as_ptr();
        // SAFETY: The device is valid; its state changes under RTNL only.
        if bindings::netdev_reg_state::from(unsafe { (*raw).reg_state })
            != bindings::netdev_reg_state_NETREG_REGISTERED
        {
            return Err(ENODEV);
        }
        // A removed entry of the same key can be filled again: whoever finds it looks for the key.
        let mut free = None;
        let there = self.generation().search(key, |entry| {
            let there = entry.dev.load(Relaxed);
            if there.is_null() {
                free = Some(entry);
            }
            (there == raw).then_some(())
        });
        if there.is_some() {
            return Err(EEXIST);
        }
        if free.is_none() {
            self.make_room()?;
        }
        // SAFETY: All members may be zero; a zero tracker is what `netdev_hold()` expects.
        let hold = KBox::new(unsafe { core::mem::zeroed::<Hold>() }, GFP_KERNEL)?;
        let hold = KBox::into_raw(hold);
        // SAFETY: Ours until it is published; the device is valid.
        unsafe {
            (*hold).dev = raw;
            bindings::netdev_hold(raw, (*hold).tracker.get(), bindings::GFP_KERNEL);
        }
        // INVARIANT: The reference is held.
        if let Some(entry) = free {
            // SAFETY: Writers only, and RTNL is held.
            unsafe { *entry.hold.get() = hold };
            entry.dev.store(raw, Release);
        } else {
            // `make_room` has seen to it that there is some.
            // SAFETY: RTNL is held, and the hold given up.
            let _ = unsafe { self.generation().append(key, raw, hold) };
        }
        self.live.store(self.len().wrapping_add(1), Relaxed);
        Ok(())
    }

    /// Takes a device out. False if it was not there with that key.
    pub fn remove(&self, key: u64, dev: &Link<T>, _rtnl: &Rtnl) -> bool {
        let found = self.generation().search(key, |entry| {
            (entry.dev.load(Relaxed) == dev.as_ptr()).then_some(entry)
        });
        if let Some(entry) = found {
            // SAFETY: RTNL is held.
            unsafe { self.clear(entry) };
        }
        found.is_some()
    }

    /// Takes a device out wherever it is. Looks at all entries.
    pub fn remove_all(&self, dev: &Link<T>, _rtnl: &Rtnl) {
        let mut number = 0u32;
        while let Some(entry) = self.generation().entry(number) {
            number = number.wrapping_add(1);
            if entry.dev.load(Relaxed) == dev.as_ptr() {
                // SAFETY: RTNL is held.
                unsafe { self.clear(entry) };
            }
        }
    }

    /// # Safety
    ///
    /// The caller must hold RTNL, and the entry have a device.
    unsafe fn clear(&self, entry: &Entry) {
        entry.dev.store(ptr::null_mut(), Release);
        self.live.store(self.len().wrapping_sub(1), Relaxed);
        // SAFETY: Writers only, of which the caller is the only one.
        let hold = unsafe { entry.hold.get().replace(ptr::null_mut()) };
        // SAFETY: By the invariants it holds a reference, and nobody else has it any more.
        unsafe { Hold::retire(hold) };
    }

    /// Makes sure that there is room for one more entry. Callers hold RTNL.
    fn make_room(&self) -> Result {
        let old = self.generation();
        if (old.used.load(Relaxed) as usize) < old.entries.len() {
            return Ok(());
        }
        let wanted = self.len().checked_add(1).and_then(|n| n.checked_mul(2));
        let new = Generation::new(wanted.ok_or(ENOMEM)?.max(4))?;
        for entry in &old.entries {
            let dev = entry.dev.load(Relaxed);
            if !dev.is_null() {
                // The old generation keeps its pointers for readers, but not the reference.
                // SAFETY: Writers only; there is room for all that are live, and `new` is ours.
                unsafe {
                    let _ = new.append(entry.key.load(Relaxed), dev, *entry.hold.get());
                }
            }
        }
        // INVARIANT: Readers of the old one are waited for before it is freed.
        self.current.store(KBox::into_raw(new), Release);
        if !ptr::eq(old, &EMPTY) {
            // SAFETY: It came from `KBox::into_raw`, and nobody new can see it; the callback is this
            // module's code, which stays until the `rcu_barrier()` in `link::Registration::drop`.
            unsafe { bindings::call_rcu(old.rcu.get(), Some(Generation::free_callback)) };
        }
        Ok(())
    }
}

impl<T> Drop for LinkTable<T> {
    fn drop(&mut self) {
        let generation = self.current.load(Relaxed);
        if ptr::eq(generation, &EMPTY) {
            return;
        }
        // SAFETY: It came from `KBox::into_raw`; the table is ours, so there are no readers.
        let generation = unsafe { KBox::from_raw(generation) };
        for entry in &generation.entries {
            // SAFETY: As above.
            let hold = unsafe { *entry.hold.get() };
            if !hold.is_null() {
                // SAFETY: By the invariants it holds a reference, and nobody looks at the device
                // through this table any more.
                unsafe { Hold::put(hold) };
            }
        }
    }
}
