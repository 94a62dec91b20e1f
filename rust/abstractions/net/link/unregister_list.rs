// SPDX-License-Identifier: GPL-2.0

//! Devices that the core unregisters together.

use crate::{
    bindings,
    net::{
        namespace::Net,
        netdevice::Link,
        rtnl::Rtnl, //
    },
};

/// Devices that the core will unregister together, when the current callback is done.
///
/// # Context
///
/// Process, RTNL. Does not sleep: devices are unregistered when the callback has returned.
///
/// # Invariants
///
/// `list` is one that is passed to `unregister_netdevice_many()` later, under the same RTNL; `net` is
/// the namespace that the core is removing devices from.
pub struct UnregisterList<'a> {
    list: *mut bindings::list_head,
    net: &'a Net,
}

impl<'a> UnregisterList<'a> {
    /// Wraps the list that a callback received.
    ///
    /// # Safety
    ///
    /// `list` and `net` must be as the type's invariants say.
    pub(crate) unsafe fn from_raw(list: *mut bindings::list_head, net: &'a Net) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self { list, net }
    }

    /// Queues a device, unless it is on its way already (`unregister_netdevice_queue()`). One in another
    /// namespace may be unregistered a moment later, where RTNL is per namespace.
    pub fn queue<T>(&mut self, dev: &Link<T>, _rtnl: &Rtnl) {
        let ptr = dev.as_ptr();
        // SAFETY: The device is valid; its state and its place in a list change under RTNL only.
        unsafe {
            if bindings::netdev_reg_state::from((*ptr).reg_state)
                == bindings::netdev_reg_state_NETREG_REGISTERED
                && !bindings::netdev_is_queued(ptr)
            {
                bindings::unregister_netdevice_queue_net(self.net.as_ptr(), ptr, self.list);
            }
        }
    }
}
