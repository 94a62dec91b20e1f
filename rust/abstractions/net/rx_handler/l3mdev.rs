// SPDX-License-Identifier: GPL-2.0

//! What looks at a device's packets before they are routed (`struct l3mdev_ops`).

use crate::{
    bindings,
    net::{
        rtnl::Rtnl,
        rx_handler::{
            Handler,
            RxHandler, //
        },
    },
};
use core::ptr;
use kernel::{
    prelude::*,
    sync::atomic::ordering::Relaxed, //
};

impl<T: RxHandler> Handler<T> {
    /// See `Handler::set_l3_rx`.
    pub(crate) fn set_l3mdev(
        &self,
        ops: Option<&'static bindings::l3mdev_ops>,
        _rtnl: &Rtnl,
    ) -> Result {
        let dev = self.dev.load(Relaxed);
        if dev.is_null() {
            return Err(ENODEV);
        }
        let Some(ops) = ops else {
            // Only our own flag is taken back.
            if !self.l3mdev.load(Relaxed).is_null() {
                // SAFETY: The device is held, and RTNL, too.
                unsafe { bindings::netdev_set_l3_rx(dev, false) };
            }
            return Ok(());
        };
        if self.l3mdev.load(Relaxed).is_null() {
            // SAFETY: The device is held, and RTNL, too.
            if unsafe { bindings::netdev_uses_l3mdev(dev) } {
                return Err(EBUSY);
            }
            // INVARIANT: Nobody else uses any. Those that are left of C's ipvlan are of a module that may
            // be gone.
            self.l3mdev
                .store(ptr::from_ref(ops).cast_mut().cast(), Relaxed);
            // SAFETY: The device is held, and RTNL, too; they are static, and taken back in `detach`, if
            // need be by the handler's type before the module goes.
            unsafe { bindings::netdev_set_l3mdev_ops(dev, ops) };
            // Whoever sees the flag must see them, too. Expedited, as RTNL is held.
            // SAFETY: May sleep here.
            unsafe { bindings::synchronize_net() };
        }
        // SAFETY: The device is held, and RTNL, too; it has the operations.
        unsafe { bindings::netdev_set_l3_rx(dev, true) };
        Ok(())
    }
}
