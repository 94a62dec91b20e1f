// SPDX-License-Identifier: GPL-2.0

//! One generation of a table of links: entries, and an index of them.

use crate::{
    bindings,
    context::Gfp,
    net::hold::Hold, //
};
use core::{
    alloc::{
        Layout,
        LayoutError, //
    },
    cell::UnsafeCell,
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
};

mod private {
    pub trait Sealed {}
}

/// What devices are looked up by.
///
/// # Context
///
/// Any: numbers only.
pub trait Key: private::Sealed + Copy + Eq + Send + Sync + 'static {
    /// The generation of tables that nothing was ever put into.
    #[doc(hidden)]
    const EMPTY: *const Generation<Self>;

    /// Returns a number whose top bits are the hash, from two random odd numbers.
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
///
/// # Invariants
///
/// The key is initialised before the entry can be found, and never changes. `dev` is null, or the device of `hold`, which
/// is given back a grace period after `dev` was cleared.
pub(super) struct Entry<K> {
    // Written once, before the entry can be found; nothing until then.
    pub(super) key: UnsafeCell<MaybeUninit<K>>,
    // Null if the entry was removed.
    pub(super) dev: Atomic<*mut bindings::net_device>,
    // For writers only: the reference to `dev`.
    pub(super) hold: UnsafeCell<Option<Hold>>,
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
    pub(super) unsafe fn key(&self) -> K {
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
    pub(super) rcu: UnsafeCell<bindings::callback_head>,
    // Random and odd: what the hash is made with.
    factors: [u64; 2],
    // How many slots a search may begin at: a power of two.
    first_slots: u64,
    // Slots: pointers to entries; null ends a search. A hash gives one of the first ones; behind them
    // there is room for all entries and one null, so that no search runs over the end.
    index: *const Atomic<*mut Entry<K>>,
    entries: *const Entry<K>,
    pub(super) capacity: u32,
    // Entries that can be seen.
    pub(super) used: Atomic<u32>,
}

// SAFETY: `index` and `entries` point to what belongs to it, or to a static; who may write is decided by
// the table.
unsafe impl<K: Key> Sync for Generation<K> {}

/// So many that in a table with a few entries hardly any key meets another's slot.
pub(super) const MIN_SLOTS: u32 = 64;

/// The index of a table without entries.
static NOTHING: Atomic<*mut c_void> = Atomic::new(ptr::null_mut());

/// A generation that nobody has seen yet.
///
/// # Invariants
///
/// It is ours, and came from `kvmalloc()` or `kmalloc()`.
pub(super) struct NewGeneration<K>(pub(super) NonNull<Generation<K>>);

impl<K: Key> NewGeneration<K> {
    pub(super) fn new(capacity: u32, gfp: Gfp) -> Result<Self> {
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
    pub(super) fn into_raw(self) -> *mut Generation<K> {
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
    pub(super) fn seen(&self) -> impl Iterator<Item = &Entry<K>> {
        (0..).map_while(|number| self.entry(number))
    }

    /// Entry `number`, if it can be seen.
    #[inline]
    pub(super) fn entry(&self, number: u32) -> Option<&Entry<K>> {
        // Pairs with the store in `append`.
        // SAFETY: No more can be seen than there are.
        (number < self.used.load(Acquire)).then(|| unsafe { &*self.entries.add(number as usize) })
    }
}

impl<K: Key> Generation<K> {
    /// The slot where the search for a key begins. It is there, and so is the one after a slot that
    /// was not null: before that are no more slots than first ones and entries, one less than there are.
    #[inline]
    pub(super) fn first_slot(&self, key: K) -> *const Atomic<*mut Entry<K>> {
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
    pub(super) unsafe fn entry_at(&self, slot: *const Atomic<*mut Entry<K>>) -> Option<&Entry<K>> {
        // Pairs with the store in `append`: the entry is seen complete.
        // SAFETY: By the caller's guarantee; entries are there as long as the slots.
        unsafe { (*slot).load(Acquire).as_ref() }
    }

    /// Calls `f` for the entries of a key, removed ones included, until it gives something.
    #[inline]
    pub(super) fn search<'a, R>(
        &'a self,
        key: K,
        f: impl FnMut(&'a Entry<K>) -> Option<R>,
    ) -> Option<R> {
        // SAFETY: The first one.
        unsafe { self.search_from(self.first_slot(key), key, f) }
    }

    /// # Safety
    ///
    /// The slot must be there, see [`first_slot`](Self::first_slot).
    #[inline]
    pub(super) unsafe fn search_from<'a, R>(
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
    pub(super) unsafe fn append(&self, key: K, hold: Hold) -> Result<(), Hold> {
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
