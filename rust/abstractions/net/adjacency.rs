// SPDX-License-Identifier: GPL-2.0

//! Which device is on top of which.
//!
//! C: `netdev_upper_dev_link()` in `net/core/dev.c`
//!
//! # Context
//!
//! Process, RTNL. Sleeps; re-enters notifiers.

use super::{
    netdevice::{
        Link,
        NetDevice, //
    },
    nlattr::ExtAck,
    registered::Registered,
    rtnl::Rtnl,
};
use crate::bindings;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// Makes it known that `upper` is on top of `lower`, which users see in sysfs, and which orders the
/// locks of both.
///
/// # Errors
///
/// [`EMLINK`] if too many devices are on top of each other, [`EBUSY`] for a loop, [`EEXIST`],
/// [`ENOMEM`], [`ENODEV`] if one of them is not registered any more, or what a listener said.
/// Re-enters notifiers. What is linked must be [unlinked](unlink) before either device is gone:
/// each holds the other.
pub fn link<T>(
    lower: &Registered<NetDevice>,
    upper: &Registered<Link<T>>,
    ack: &mut ExtAck<'_>,
    _rtnl: &Rtnl,
) -> Result {
    if lower.is_unregistering() || upper.is_unregistering() {
        return Err(ENODEV);
    }
    // SAFETY: Both devices are registered, so that the core waits for the references that either gets;
    // RTNL is held.
    to_result(unsafe {
        bindings::netdev_upper_dev_link(lower.as_ptr(), upper.as_ptr(), ack.as_ptr())
    })
}

/// Takes that back. Nothing is done if `upper` is not on top of `lower`.
pub fn unlink<T>(lower: &NetDevice, upper: &Registered<Link<T>>, _rtnl: &Rtnl) {
    // SAFETY: Both devices are valid, and hold each other if they are linked; RTNL is held.
    unsafe {
        if bindings::netdev_has_upper_dev(lower.as_ptr(), upper.as_ptr()) {
            bindings::netdev_upper_dev_unlink(lower.as_ptr(), upper.as_ptr());
        }
    }
}
