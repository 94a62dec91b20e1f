// SPDX-License-Identifier: GPL-2.0

//! What opens files of a range of device numbers (`struct cdev`).

use super::class::MINOR_BITS;
use crate::net::rtnl::{
    self,
    Rtnl, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings as kbindings,
    error::to_result,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};

/// What is found by who has a `cdev` and nothing else: one who opens a file.
///
/// Whoever does so holds the module, but not what has registered the `cdev`, which may be gone by then. So
/// it is looked for under RTNL, under which it comes and goes.
///
/// # Invariants
///
/// From when it was inserted until it is removed it is pinned and in the list, `cdev` is allocated, and `data` is what
/// who inserted it says.
pub(super) struct Openable {
    cdev: *mut kbindings::cdev,
    /// What it stands for.
    data: *const c_void,
    next: Atomic<*mut Openable>,
}

/// The first of those that there are. Written and followed under RTNL.
static OPENABLE: Atomic<*mut Openable> = Atomic::new(ptr::null_mut());

impl Openable {
    /// # Safety
    ///
    /// It must be pinned, and taken out again before it goes.
    unsafe fn insert(&self, _rtnl: &Rtnl) {
        self.next.store(OPENABLE.load(Relaxed), Relaxed);
        OPENABLE.store(ptr::from_ref(self).cast_mut(), Relaxed);
    }

    fn remove(&self, _rtnl: &Rtnl) {
        let mut link = &OPENABLE;
        // SAFETY: Entries stay until they are taken out, which wants RTNL.
        while let Some(at) = unsafe { link.load(Relaxed).as_ref() } {
            if ptr::eq(at, self) {
                link.store(self.next.load(Relaxed), Relaxed);
                return;
            }
            link = &at.next;
        }
    }

    /// What the one with `cdev` stands for, and does as long as RTNL is held.
    pub(super) fn find(cdev: *mut kbindings::cdev, _rtnl: &Rtnl) -> Option<*const c_void> {
        let mut link = &OPENABLE;
        // SAFETY: Entries stay until they are taken out, which wants RTNL.
        while let Some(at) = unsafe { link.load(Relaxed).as_ref() } {
            if at.cdev == cdev {
                return Some(at.data);
            }
            link = &at.next;
        }
        None
    }
}

/// What opens files of a range of device numbers.
///
/// # Invariants
///
/// `openable` is to be found, `cdev` its `cdev`, and added. C frees that when it does not need it any
/// more, which may be after the module (`CONFIG_DEBUG_KOBJECT_RELEASE`).
#[pin_data(PinnedDrop)]
pub(super) struct Cdev {
    openable: Openable,
}

// SAFETY: C's structure belongs to the VFS; the list is for those who have RTNL.
unsafe impl Send for Cdev {}

// SAFETY: There is nothing that could be done with a reference.
unsafe impl Sync for Cdev {}

impl Cdev {
    /// # Safety
    ///
    /// `fops` must be of `owner`, and their `open` know what `data` is, which must stay until this is
    /// dropped. That and making it want a process that may sleep and does not hold RTNL.
    pub(super) unsafe fn new(
        fops: &'static kbindings::file_operations,
        owner: &'static ThisModule,
        region: u32,
        data: *const c_void,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(&this in Self {
            openable: Openable {
                // SAFETY: It has no preconditions.
                cdev: NonNull::new(unsafe { kbindings::cdev_alloc() }).ok_or(ENOMEM)?.as_ptr(),
                data,
                next: Atomic::new(ptr::null_mut()),
            },
            _: {
                // SAFETY: It was initialised, and does not move.
                let openable = unsafe { &(*this.as_ptr()).openable };
                let cdev = openable.cdev;
                // SAFETY: It is taken out below if that fails, else when it is dropped. The process is
                // one that may, by the caller's guarantee.
                unsafe { rtnl::with(|rtnl| openable.insert(rtnl)) };
                // SAFETY: The `cdev` is ours; whoever opens a file by it holds the module.
                let added = to_result(unsafe {
                    (*cdev).ops = fops;
                    (*cdev).owner = owner.as_ptr();
                    kbindings::cdev_add(cdev, region, 1 << MINOR_BITS)
                });
                if let Err(err) = added {
                    // SAFETY: The process is one that may, by the caller's guarantee.
                    unsafe { rtnl::with(|rtnl| openable.remove(rtnl)) };
                    // SAFETY: The only reference to it.
                    unsafe { kbindings::kobject_put(ptr::addr_of_mut!((*cdev).kobj)) };
                    return Err(err);
                }
            },
        }? Error)
    }
}

#[pinned_drop]
impl PinnedDrop for Cdev {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The process is one that may, as who has made this guarantees.
        unsafe { rtnl::with(|rtnl| self.openable.remove(rtnl)) };
        // SAFETY: By the type's invariant. Who opens a file finds nothing any more.
        unsafe { kbindings::cdev_del(self.openable.cdev) };
    }
}
