// SPDX-License-Identifier: GPL-2.0

//! What a module registers only if it is asked to: by its parameter `kinds`, a list of names.
//!
//! The parameter is read before the module's `init`, and written by whoever may load modules as long as it
//! is there: what is named then is registered, what is not is unregistered.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

use super::Registrable;
use crate::bindings;
use core::ptr;
use kernel::{
    bindings as kbindings,
    error::from_result,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};

/// What stands for one name: several things that are registered together, or not at all.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Invariants
///
/// `parts` are registered if `is_registered` is set; nobody else registers them.
pub struct Choice {
    name: &'static CStr,
    parts: &'static [&'static dyn Registrable],
    is_registered: Atomic<bool>,
}

impl Choice {
    /// Makes a choice that is not registered.
    ///
    /// # Safety
    ///
    /// None of `parts` may be in another choice or list.
    pub const unsafe fn new(
        name: &'static CStr,
        parts: &'static [&'static dyn Registrable],
    ) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self {
            name,
            parts,
            is_registered: Atomic::new(false),
        }
    }

    fn register(&'static self, _lock: &ParameterLock) -> Result {
        for (count, part) in self.parts.iter().enumerate() {
            // SAFETY: By the type's invariants it is ours, and not registered; the lock keeps others away.
            // It is unregistered with the choice.
            if let Err(err) = unsafe { part.register() } {
                for part in self.parts.iter().take(count).rev() {
                    // SAFETY: It was just registered.
                    unsafe { part.unregister() };
                }
                return Err(err);
            }
        }
        // INVARIANT: All are.
        self.is_registered.store(true, Relaxed);
        Ok(())
    }

    fn unregister(&'static self, _lock: &ParameterLock) {
        for part in self.parts.iter().rev() {
            // SAFETY: By the type's invariants; the lock keeps others away.
            unsafe { part.unregister() };
        }
        self.is_registered.store(false, Relaxed);
    }
}

/// Nothing is registered before the module's `init`, nor after its `exit`; in between what is wanted is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Phase {
    Loading = 0,
    Live = 1,
    Gone = 2,
}

/// A set of choices: a bit for each by its place in the list.
type Set = u32;

/// The choices of a module.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Invariants
///
/// All but `module` are used under the lock of that module's parameters.
pub struct Choices {
    list: &'static [&'static Choice],
    module: &'static ThisModule,
    /// What the parameter said last.
    wanted: Atomic<Set>,
    phase: Atomic<u32>,
}

impl Choices {
    /// Choices of `module` of which none is registered.
    #[inline]
    pub const fn new(list: &'static [&'static Choice], module: &'static ThisModule) -> Self {
        assert!(list.len() <= Set::BITS as usize);
        Self {
            list,
            module,
            wanted: Atomic::new(0),
            phase: Atomic::new(Phase::Loading as u32),
        }
    }

    /// The choices with their bits.
    fn bits(&self) -> impl DoubleEndedIterator<Item = (&'static Choice, Set)> + '_ {
        (0..Set::BITS)
            .zip(self.list)
            .map(|(at, choice)| (*choice, 1 << at))
    }

    /// The set that a list of names means. [`EINVAL`] if one is unknown, which is logged with those that
    /// there are.
    fn parse(&self, names: &[u8]) -> Result<Set> {
        let mut set = 0;
        for name in names.split(|c| *c == b',') {
            let name = name.trim_ascii();
            match self
                .bits()
                .find(|(choice, _)| choice.name.to_bytes() == name)
            {
                Some((_, bit)) => set |= bit,
                None if name.is_empty() => {}
                None => {
                    // CAST: A parameter is at most a page long.
                    #[allow(clippy::cast_possible_truncation)]
                    let len = name.len() as c_int;
                    // SAFETY: The name has that many bytes.
                    unsafe { bindings::log_unknown_choice(name.as_ptr().cast(), len) };
                    return Err(EINVAL);
                }
            }
        }
        Ok(set)
    }

    /// Registers what is in `wanted`, and unregisters the rest. If something cannot be registered, nothing
    /// changes.
    fn apply(&'static self, wanted: Set, lock: &ParameterLock) -> Result {
        let mut added = 0;
        for (choice, bit) in self.bits() {
            if wanted & bit != 0 && !choice.is_registered.load(Relaxed) {
                if let Err(err) = choice.register(lock) {
                    self.unregister_all(added, lock);
                    return Err(err);
                }
                added |= bit;
            }
        }
        self.unregister_all(!wanted, lock);
        self.wanted.store(wanted, Relaxed);
        Ok(())
    }

    /// Unregisters those of `set` that are registered.
    fn unregister_all(&'static self, set: Set, lock: &ParameterLock) {
        for (choice, bit) in self.bits().rev() {
            if set & bit != 0 && choice.is_registered.load(Relaxed) {
                choice.unregister(lock);
            }
        }
    }

    /// The parameter has a new value. [`EINVAL`] for one that means nothing, [`EPERM`] if the writer could
    /// not load modules either, [`ENODEV`] when the module goes, what registering says.
    fn set(&'static self, value: &CStr, lock: &ParameterLock) -> Result {
        // SAFETY: May be called by anybody who can sleep.
        if !unsafe { bindings::capable_sys_module() } {
            return Err(EPERM);
        }
        let wanted = self.parse(value.to_bytes())?;
        match self.phase.load(Relaxed) {
            phase if phase == Phase::Loading as u32 => {
                self.wanted.store(wanted, Relaxed);
                Ok(())
            }
            phase if phase == Phase::Live as u32 => self.apply(wanted, lock),
            _ => Err(ENODEV),
        }
    }

    /// Writes the names of what is wanted, and a newline, into `to`; how many bytes it were.
    fn show(&self, to: &mut [u8], _lock: &ParameterLock) -> usize {
        let wanted = self.wanted.load(Relaxed);
        let named = self.bits().filter(|(_, bit)| wanted & bit != 0);
        let names = named.flat_map(|(choice, _)| [b",", choice.name.to_bytes()]);
        let text = Iterator::chain(names.flatten().skip(1), b"\n");
        let mut len = 0usize;
        for (to, from) in to.iter_mut().zip(text) {
            *to = *from;
            len = len.saturating_add(1);
        }
        len
    }
}

impl Registrable for Choices {
    unsafe fn register(&'static self) -> Result {
        let lock = ParameterLock::take(self.module);
        self.apply(self.wanted.load(Relaxed), &lock)?;
        self.phase.store(Phase::Live as u32, Relaxed);
        Ok(())
    }

    unsafe fn unregister(&'static self) {
        let lock = ParameterLock::take(self.module);
        self.unregister_all(Set::MAX, &lock);
        self.phase.store(Phase::Gone as u32, Relaxed);
    }
}

/// The lock of a module's parameters, which the core takes when one is read or written.
///
/// # Invariants
///
/// It is held. It is released when this is dropped if it is ours to release.
struct ParameterLock(Option<&'static ThisModule>);

impl ParameterLock {
    ///
    /// # Context
    ///
    /// Process, may sleep, RTNL not held.
    fn take(module: &'static ThisModule) -> Self {
        // SAFETY: The module is valid.
        unsafe { bindings::kernel_param_lock(module.as_ptr().cast()) };
        // INVARIANT: Just taken.
        Self(Some(module))
    }

    /// # Safety
    ///
    /// The core must hold it as long as the result lives.
    unsafe fn assume_held() -> Self {
        // INVARIANT: By the caller's guarantee.
        Self(None)
    }
}

impl Drop for ParameterLock {
    fn drop(&mut self) {
        if let Some(module) = self.0 {
            // SAFETY: By the type's invariant it is held, and ours.
            unsafe { bindings::kernel_param_unlock(module.as_ptr().cast()) };
        }
    }
}

/// The operations of a parameter whose `arg` is a [`Choices`] that is static.
pub static PARAMETER_OPS: kbindings::kernel_param_ops = kbindings::kernel_param_ops {
    flags: 0,
    set: Some(set_callback),
    get: Some(get_callback),
    free: None,
};

/// # Safety
///
/// `param` must be one with [`PARAMETER_OPS`].
unsafe fn choices(param: *const kbindings::kernel_param) -> &'static Choices {
    // SAFETY: By the caller's guarantee.
    unsafe { &*(*param).__bindgen_anon_1.arg.cast::<Choices>() }
}

/// # Safety
///
/// To be called by the core for a parameter with [`PARAMETER_OPS`], with its module's lock held
/// (`parse_one()`, `param_attr_store()`).
unsafe extern "C" fn set_callback(
    value: *const c_char,
    param: *const kbindings::kernel_param,
) -> c_int {
    from_result(|| {
        if value.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: By the caller's guarantee the value is a string.
        let (this, value, lock) = unsafe {
            (
                choices(param),
                CStr::from_char_ptr(value),
                ParameterLock::assume_held(),
            )
        };
        this.set(value, &lock).map(|()| 0)
    })
}

/// # Safety
///
/// To be called by the core for a parameter with [`PARAMETER_OPS`], with its module's lock held
/// (`param_attr_show()`), and a page of memory.
unsafe extern "C" fn get_callback(
    buffer: *mut c_char,
    param: *const kbindings::kernel_param,
) -> c_int {
    // SAFETY: By the caller's guarantee.
    let (this, lock) = unsafe { (choices(param), ParameterLock::assume_held()) };
    // SAFETY: A page is larger than that; it is the caller's.
    let room = unsafe { &mut *ptr::slice_from_raw_parts_mut(buffer.cast::<u8>(), 1024) };
    // CAST: At most the room.
    #[allow(clippy::cast_possible_truncation)]
    let len = this.show(room, &lock) as c_int;
    len
}
