// SPDX-License-Identifier: GPL-2.0

//! What a module has registered, from when it is loaded until it goes.
//!
//! C has pointers to what is registered, so it must not move, and must be unregistered before the
//! module's code is gone. Therefore it is static, made by [`module_links!`](crate::module_links), and
//! what unregisters it belongs to the module alone: a driver has nothing that it could leak, forget,
//! make twice or bring into another order.

mod choice;

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Full,
            Atomic, //
        },
        rcu::rcu_barrier, //
    },
};

pub use choice::{
    Choice,
    Choices,
    PARAMETER_OPS, //
};

/// Something static that C has a pointer to while it is registered.
pub trait Registrable: Sync {
    /// Registers it, wholly or not at all; the error is that of C's function.
    ///
    /// # Context
    ///
    /// Process, may sleep, RTNL not held.
    ///
    /// # Safety
    ///
    /// It must not be registered, and has to be unregistered before the module goes. Nobody else may register
    /// or unregister it meanwhile. Who calls is a process that may sleep and does not hold RTNL, and for
    /// which nobody waits under it.
    unsafe fn register(&'static self) -> Result;

    /// Takes that back, and waits until nobody runs its code; what may be left are RCU callbacks.
    ///
    /// # Context
    ///
    /// Process, may sleep, RTNL not held.
    ///
    /// # Safety
    ///
    /// It must be registered. Nobody else may register or unregister it meanwhile. Who calls is a process that
    /// may sleep and does not hold RTNL, and for which nobody waits under it.
    unsafe fn unregister(&'static self);
}

/// What a module registers, in this order.
///
/// # Context
///
/// Any: it is a constant.
pub struct List {
    entries: &'static [&'static dyn Registrable],
    is_taken: Atomic<u32>,
}

impl List {
    /// Makes a list of which nothing is registered.
    pub const fn new(entries: &'static [&'static dyn Registrable]) -> Self {
        Self {
            entries,
            is_taken: Atomic::new(0),
        }
    }
}

/// Keeps the entries of a [`List`] registered.
///
/// # Context
///
/// Process, RTNL not held; sleeps, and so does dropping it.
///
/// # Invariants
///
/// The first `count` entries are registered.
pub struct Registrations {
    list: &'static List,
    count: usize,
}

impl Registrations {
    /// Registers all entries, or none. [`EBUSY`] if the list was registered before: it is for once.
    ///
    /// # Safety
    ///
    /// No entry may be in another list, or in this one twice, and the result must be dropped before the
    /// module goes. It is made and dropped by processes that may sleep and do not hold RTNL, and for which
    /// nobody waits under it: those that load and unload the module.
    pub unsafe fn new(list: &'static List) -> Result<Self> {
        list.is_taken.cmpxchg(0, 1, Full).map_err(|_| EBUSY)?;
        // INVARIANT: Nothing is registered. If something cannot be, what was is when this is dropped.
        let mut this = Self { list, count: 0 };
        for entry in list.entries {
            // SAFETY: By the caller's guarantee, and as the list is taken by us.
            unsafe { entry.register()? };
            // INVARIANT: Just registered.
            this.count = this.count.saturating_add(1);
        }
        Ok(this)
    }
}

impl Drop for Registrations {
    fn drop(&mut self) {
        for entry in self.list.entries.iter().take(self.count).rev() {
            // SAFETY: By the type's invariants.
            unsafe { entry.unregister() };
        }
        // No link is left that could give a reference away, but the callbacks of references that were
        // (`net::hold`) are this module's code.
        rcu_barrier();
    }
}
