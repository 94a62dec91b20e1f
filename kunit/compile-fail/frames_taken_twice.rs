// misuse: E0382
//! Frames of XDP are taken once: whoever brought them is told how many by then.
#![forbid(unsafe_code)]

use abstractions::net::xdp::XdpFrames;
use kernel::prelude::*;

pub fn take(frames: XdpFrames<'_>) -> Result {
    let _ = frames.take(|frame| {
        drop(frame);
        Ok(())
    });
    #[cfg(misuse)]
    let _ = frames.take(Err);
    Err(EINVAL)
}
