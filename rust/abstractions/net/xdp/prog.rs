// SPDX-License-Identifier: GPL-2.0

//! XDP programs.

use crate::{
    bindings,
    context::Rcu,
    net::rtnl::Rtnl, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            ordering::{
                Acquire,
                Full,
                Relaxed, //
            },
            Atomic, //
        },
    },
    types::Opaque,
};

/// A program (`struct bpf_prog`) of type XDP.
///
/// # Context
///
/// Any; does not sleep.
///
/// # Invariants
///
/// It is of that type, and is not freed while referred to. Whoever safe code lends one to has a reference, but for
/// [`RunningProg`].
#[repr(transparent)]
pub struct XdpProg(Opaque<bindings::bpf_prog>);

// SAFETY: A program is counted and run on any CPU.
unsafe impl Send for XdpProg {}
// SAFETY: Whoever has one may run it, on several CPUs at once; nothing of it is written to but by C.
unsafe impl Sync for XdpProg {}

// SAFETY: The functions count references to the program, which is freed after the last one.
unsafe impl AlwaysRefCounted for XdpProg {
    fn inc_ref(&self) {
        // SAFETY: The program is not freed while referred to.
        unsafe { bindings::bpf_prog_inc(self.as_ptr()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives a reference up.
        unsafe { bindings::bpf_prog_put(obj.as_ptr().cast()) };
    }
}

impl XdpProg {
    /// # Safety
    ///
    /// `ptr` must be as the type's invariants say, for all of `'a`.
    #[inline]
    pub(in crate::net) unsafe fn from_raw<'a>(ptr: *mut bindings::bpf_prog) -> &'a Self {
        // CAST: A transparent wrapper.
        // SAFETY: Guaranteed by the caller.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    pub(in crate::net) fn as_ptr(&self) -> *mut bindings::bpf_prog {
        self.0.get()
    }

    /// Returns whether it can do with packets in several pieces (`BPF_F_XDP_HAS_FRAGS`).
    pub fn has_frags(&self) -> bool {
        // SAFETY: The program is valid; what it can do never changes.
        unsafe { bindings::bpf_prog_has_frags(self.as_ptr()) }
    }
}

/// The program that packets go through right now. It lasts as long as they do, and no reference can be had of it: the
/// last one may have been given back already.
///
/// # Context
///
/// Any; does not sleep.
///
/// # Invariants
///
/// The program is freed after `'a` at the earliest.
#[derive(Clone, Copy)]
pub struct RunningProg<'a>(&'a XdpProg);

impl RunningProg<'_> {
    /// Returns whether it may use what is in front of a packet or behind it (`bpf_xdp_adjust_head()`, `_meta()`,
    /// `_tail()`, and tail calls, which may lead to such), by itself or by what it calls or is extended with.
    pub fn moves_ends(self) -> bool {
        // SAFETY: The program is valid. The flag never changes: what would need another is refused as an extension of
        // it (`bpf_check_attach_target()`).
        unsafe { bindings::bpf_prog_moves_ends(self.as_ptr()) }
    }

    /// Does as [`XdpProg::has_frags`].
    pub fn has_frags(self) -> bool {
        self.0.has_frags()
    }

    #[inline]
    pub(in crate::net) fn as_ptr(self) -> *mut bindings::bpf_prog {
        self.0.as_ptr()
    }
}

/// The program that packets of a device go through, or none; they pay one load.
///
/// # Context
///
/// Any, in an RCU section or with RTNL as the arguments say, to be dropped too. Does not sleep.
///
/// # Invariants
///
/// The pointer is null, or to a program with a reference that is ours.
pub struct ProgPtr {
    ptr: Atomic<*mut bindings::bpf_prog>,
    _owns: PhantomData<ARef<XdpProg>>,
}

// SAFETY: References may be given back by any thread.
unsafe impl Send for ProgPtr {}
// SAFETY: Readers share the program; who exchanges it holds RTNL.
unsafe impl Sync for ProgPtr {}

impl ProgPtr {
    /// Makes one without any.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        // INVARIANT: Null.
        Self {
            ptr: Atomic::new(ptr::null_mut()),
            _owns: PhantomData,
        }
    }

    /// Returns the program, if there is one.
    #[inline]
    pub fn get<'a>(&'a self, _rcu: Rcu<'a>) -> Option<RunningProg<'a>> {
        let ptr = self.ptr.load(Acquire);
        // SAFETY: By the type's invariants there is a reference when it is loaded. The core frees a program a
        // grace period after the last one is given back (`__bpf_prog_put_noref()`), and `'a` lies within
        // a section that began before.
        // INVARIANT: So it is.
        (!ptr.is_null()).then(|| RunningProg(unsafe { XdpProg::from_raw(ptr) }))
    }

    /// Returns whether there is one. For others than holders of RTNL a snapshot.
    #[inline]
    pub fn is_some(&self) -> bool {
        !self.ptr.load(Relaxed).is_null()
    }

    /// Puts `new` in place of the old one. Packets may go through that one until they are done.
    pub fn replace(&self, new: Option<ARef<XdpProg>>, _rtnl: &Rtnl) -> Option<ARef<XdpProg>> {
        let new = new.map_or(ptr::null_mut(), |prog| ARef::into_raw(prog).as_ptr().cast());
        // INVARIANT: Null, or with the reference that was given up.
        let old = NonNull::new(self.ptr.xchg(new, Full))?;
        // SAFETY: The reference was ours, and nobody else has taken it out.
        Some(unsafe { ARef::from_raw(old.cast()) })
    }
}

impl Drop for ProgPtr {
    fn drop(&mut self) {
        if let Some(ptr) = NonNull::new(self.ptr.load(Relaxed)) {
            // SAFETY: The reference is ours, and nobody reads the pointer any more.
            drop(unsafe { ARef::<XdpProg>::from_raw(ptr.cast()) });
        }
    }
}
