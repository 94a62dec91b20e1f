// SPDX-License-Identifier: GPL-2.0

//! Frames that go back to where they came from, some at a time.

use super::frame::{
    XdpFrame,
    XdpFrames, //
};
use crate::{
    bindings,
    net::netdevice::NetDevice, //
};
use core::mem::MaybeUninit;
use kernel::prelude::*;

/// How many frames are sent at once; as many as devmaps do.
pub(super) const BULK: usize = 16;

/// Frames that are put together, of which there is room for a few.
///
/// # Context
///
/// Softirqs disabled, in an RCU section. Does not sleep.
///
/// # Invariants
///
/// The first `count` of `frames` are frames that are ours.
pub struct XdpBulk {
    frames: [MaybeUninit<*mut bindings::xdp_frame>; BULK],
    count: usize,
}

impl XdpBulk {
    /// Makes one without any.
    #[allow(clippy::new_without_default)]
    #[inline]
    pub fn new() -> Self {
        // INVARIANT: None.
        Self {
            frames: [MaybeUninit::uninit(); BULK],
            count: 0,
        }
    }

    /// Adds a frame; it comes back if there is no room.
    #[inline]
    pub fn push(&mut self, frame: XdpFrame) -> Result<(), XdpFrame> {
        let Some(slot) = self.frames.get_mut(self.count) else {
            return Err(frame);
        };
        // INVARIANT: One more.
        slot.write(frame.into_raw());
        self.count += 1;
        Ok(())
    }

    /// Returns whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether there is no room.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.count == BULK
    }

    /// Has `send` take them; what it leaves is dropped, whatever it says. Returns how many were sent, and
    /// dropped; the tracepoint `xdp_bulk_tx` is told, as of `dev`, and of an error if none was sent.
    pub fn send(
        &mut self,
        dev: &NetDevice,
        send: impl FnOnce(XdpFrames<'_>) -> Result,
    ) -> (u32, u32) {
        let count = core::mem::take(&mut self.count);
        // CAST: A small number.
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        let all = count as c_int;
        let mut taken = 0;
        let array = self.frames.as_mut_ptr().cast();
        // SAFETY: So many frames, which were ours; those that are taken are looked at no more.
        let frames = unsafe { XdpFrames::from_raw(array, all, &mut taken) };
        let error = match send(frames) {
            Err(error) if taken == 0 => error.to_errno(),
            _ => 0,
        };
        // CAST: At most `all`.
        #[allow(clippy::cast_possible_wrap)]
        let sent = taken as c_int;
        for frame in self.frames.iter().take(count).skip(taken as usize) {
            // SAFETY: Those that were not taken are still ours.
            drop(unsafe { XdpFrame::from_raw(frame.assume_init()) });
        }
        // SAFETY: The device is valid.
        unsafe { bindings::trace_xdp_bulk_tx(dev.as_ptr(), sent, all - sent, error) };
        (taken, (all - sent).unsigned_abs())
    }

    /// Gives all to `f`.
    #[inline]
    pub(super) fn drain(&mut self, mut f: impl FnMut(&[*mut bindings::xdp_frame])) {
        let count = core::mem::take(&mut self.count);
        // SAFETY: The first ones are initialised, and whoever gets them owns them.
        f(unsafe { core::slice::from_raw_parts(self.frames.as_ptr().cast(), count) });
    }
}

impl Drop for XdpBulk {
    #[inline]
    fn drop(&mut self) {
        for frame in self.frames.iter().take(self.count) {
            // SAFETY: By the type's invariants.
            drop(unsafe { XdpFrame::from_raw(frame.assume_init()) });
        }
    }
}
