// misuse: E0505
//! A poll does not end while packets still go through its program.
#![forbid(unsafe_code)]

use abstractions::net::{
    napi::{
        Poll,
        Polled, //
    },
    xdp::XdpBulk, //
};

pub fn end(mut poll: Poll<'_>) -> Polled<'_> {
    let mut passed = XdpBulk::new();
    let xdp = poll.xdp(None, &mut passed);
    #[cfg(not(misuse))]
    let _ = xdp.finish();
    let polled = poll.complete();
    #[cfg(misuse)]
    let _ = xdp.finish();
    polled
}
