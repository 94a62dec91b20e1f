// SPDX-License-Identifier: GPL-2.0

//! From C's callbacks about XDP to [`NetDeviceOps`].

use super::{
    features::XdpFeatures,
    frame::XdpFrames,
    prog::XdpProg, //
};
use crate::{
    bindings,
    context::Bh,
    net::{
        link::priv_callbacks::registered,
        net_device_ops::NetDeviceOps,
        netdevice::Link,
        nlattr::ExtAck,
        rtnl::Rtnl, //
    },
};
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    prelude::*,
    sync::aref::ARef, //
};

impl<T: NetDeviceOps> Link<T> {
    /// What the operations of the type can do: the core calls what a device says that it has.
    const POSSIBLE: XdpFeatures = {
        let none = XdpFeatures::NONE;
        let runs = if T::HAS_SET_XDP {
            XdpFeatures::BASIC
                .with(XdpFeatures::REDIRECT)
                .with(XdpFeatures::RX_SG)
        } else {
            none
        };
        runs.with(if T::HAS_XDP_XMIT {
            XdpFeatures::NDO_XMIT.with(XdpFeatures::NDO_XMIT_SG)
        } else {
            none
        })
    };

    /// Says what the device can do with XDP, to user space too if it is something else than before
    /// (`xdp_set_features_flag()`). What its operations lack is left out.
    ///
    /// # Context
    ///
    /// Process, RTNL. Sleeps.
    pub fn set_xdp_features(&self, features: XdpFeatures, _rtnl: &Rtnl) {
        // SAFETY: The device is valid, and RTNL held, as the notifiers want; the function takes the
        // device's own lock, which is not held under RTNL by the callbacks of devices like ours.
        unsafe { bindings::xdp_set_features_flag(self.as_ptr(), features.0 & Self::POSSIBLE.0) };
    }
}

/// The C callbacks of devices with data of type `T`. Each gets `dev` from the core as those of
/// `super::super::link_callbacks` do.
pub(in crate::net) struct Ops<T>(PhantomData<T>);

impl<T: NetDeviceOps> Ops<T> {
    /// # Safety
    ///
    /// To be called by the core for a device of this type, which is not freed before a grace period, with
    /// softirqs disabled and with `n` frames, of which those are the callback's that it says.
    pub(in crate::net) unsafe extern "C" fn xdp_xmit_callback(
        dev: *mut bindings::net_device,
        n: c_int,
        frames: *mut *mut bindings::xdp_frame,
        flags: u32,
    ) -> c_int {
        // Whoever was given frames looks at once, whether told to or not.
        if flags & !bindings::XDP_XMIT_FLUSH != 0 {
            return EINVAL.to_errno();
        }
        // SAFETY: By the caller's guarantee: devmaps are flushed by who polls (`xdp_do_flush()`).
        let bh = unsafe { Bh::assume() };
        let mut taken = 0;
        // SAFETY: By the caller's guarantee. A buffer of an AF_XDP socket is copied when a frame is made of it
        // (`xdp_convert_zc_to_xdp_frame()`).
        let (dev, frames) = unsafe {
            (
                Link::<T>::from_raw(dev),
                XdpFrames::from_raw(frames, n, &mut taken),
            )
        };
        match T::xdp_xmit(dev, frames, bh) {
            // The core frees all frames after an error: it must not hear of one if some were taken.
            Err(error) if taken == 0 => error.to_errno(),
            // CAST: Not more than `n`.
            #[allow(clippy::cast_possible_wrap)]
            _ => taken as c_int,
        }
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, for a device of this type, with a structure that is the caller's.
    pub(in crate::net) unsafe extern "C" fn bpf_callback(
        dev: *mut bindings::net_device,
        bpf: *mut bindings::netdev_bpf,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the caller's guarantee.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            // SAFETY: By the caller's guarantee.
            if unsafe { (*bpf).command } != bindings::bpf_netdev_command_XDP_SETUP_PROG {
                return Err(EINVAL);
            }
            // SAFETY: For this command these are the fields; the extack, if there is one, is ours meanwhile.
            let (given, mut ack) = unsafe {
                let setup = &(*bpf).__bindgen_anon_1.__bindgen_anon_1;
                (setup.prog, ExtAck::from_raw(setup.extack))
            };
            // A reference of our own: that of the core stays its own if this fails.
            // SAFETY: Null, or a program of this type, with a reference of the caller's.
            let prog = (!given.is_null()).then(|| ARef::from(unsafe { XdpProg::from_raw(given) }));
            T::set_xdp(dev, prog, &mut ack, rtnl)?;
            if !given.is_null() {
                // SAFETY: On success the core gives its reference up; the driver has one.
                unsafe { bindings::bpf_prog_put(given) };
            }
            Ok(0)
        })
    }
}
