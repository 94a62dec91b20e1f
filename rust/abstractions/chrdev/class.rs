// SPDX-License-Identifier: GPL-2.0

//! A range of device numbers, and a class of devices that have them.

use crate::bindings;
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings as kbindings,
    error::to_result,
    prelude::*, //
};

/// Bits of a device number that say which device of a driver it is.
pub(super) const MINOR_BITS: u32 = 20;

/// A range of 2^20 device numbers that is ours.
pub(super) struct Region(pub(super) u32);

impl Region {
    pub(super) fn new(name: &'static CStr) -> Result<Self> {
        let mut first = 0;
        // SAFETY: The name is static.
        to_result(unsafe {
            kbindings::alloc_chrdev_region(&mut first, 0, 1 << MINOR_BITS, name.as_char_ptr())
        })?;
        Ok(Self(first))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: The numbers are ours.
        unsafe { kbindings::unregister_chrdev_region(self.0, 1 << MINOR_BITS) };
    }
}

/// A class of devices whose parents are net devices, in the namespaces of which they are seen.
///
/// # Invariants
///
/// It is registered; C frees it, when it does not need it any more.
pub(super) struct Class(NonNull<kbindings::class>);

/// What is allocated for one: C may still print its name when the module is gone.
#[repr(C)]
struct NamedClass {
    class: kbindings::class,
    name: [u8; 32],
}

/// Frees a class. Of C's, for it may be called long after the last device of the class went
/// (`CONFIG_DEBUG_KOBJECT_RELEASE`), and so after this module.
// SAFETY: The same function, for arguments of which it wants nothing but that `kmalloc()` gave them.
const FREE_CLASS: unsafe extern "C" fn(*const kbindings::class) =
    unsafe { core::mem::transmute::<unsafe extern "C" fn(*const c_void), _>(kbindings::kfree) };

impl Class {
    pub(super) fn new(name: &'static CStr) -> Result<Self> {
        let class = NamedClass {
            class: ::pin_init::zeroed(),
            name: [0; 32],
        };
        let mut class = KBox::new(class, GFP_KERNEL)?;
        let name = name.to_bytes_with_nul();
        let room = class.name.get_mut(..name.len()).ok_or(EINVAL)?;
        room.copy_from_slice(name);
        class.class.name = class.name.as_ptr();
        class.class.ns_type = ptr::addr_of!(bindings::net_ns_type_operations).cast();
        class.class.namespace = Some(Self::namespace_callback);
        class.class.devnode = Some(Self::devnode_callback);
        class.class.class_release = Some(FREE_CLASS);
        let class = KBox::into_raw(class);
        // CAST: The class is the first field.
        // SAFETY: The class is initialised; once it is registered C frees it.
        match to_result(unsafe { kbindings::class_register(class.cast()) }) {
            // INVARIANT: As was just done.
            // SAFETY: It was made of a box.
            Ok(()) => Ok(Self(unsafe { NonNull::new_unchecked(class.cast()) })),
            Err(err) => {
                // SAFETY: It was made of a box, and C has not taken it.
                drop(unsafe { KBox::from_raw(class) });
                Err(err)
            }
        }
    }

    pub(super) fn as_ptr(&self) -> *mut kbindings::class {
        self.0.as_ptr()
    }

    /// What a node is called in `/dev`, if not as it is called itself: see [`Chrdev::add`].
    ///
    /// # Safety
    ///
    /// To be called by the driver core with a device of this class.
    unsafe extern "C" fn devnode_callback(
        node: *const kbindings::device,
        _mode: *mut kbindings::umode_t,
    ) -> *mut c_char {
        // SAFETY: The device is valid. The caller frees the string, or does without.
        unsafe {
            if (*node).driver_data.is_null() {
                return ptr::null_mut();
            }
            let minor = (*node).devt & ((1 << MINOR_BITS) - 1);
            let class = (*(*node).class).name;
            kbindings::kasprintf(bindings::GFP_KERNEL, c"%s/%u".as_char_ptr(), class, minor)
        }
    }

    /// # Safety
    ///
    /// To be called by the driver core with a device of this class.
    unsafe extern "C" fn namespace_callback(
        node: *const kbindings::device,
    ) -> *const kbindings::ns_common {
        // SAFETY: By the caller's guarantee it is one of this class, whose devices are all made by
        // `Chrdev::add`, below a net device.
        unsafe { bindings::parent_netdev_ns(node.cast()).cast() }
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { kbindings::class_unregister(self.as_ptr()) };
    }
}
