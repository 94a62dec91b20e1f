// misuse: E0505
//! A poll does not end while packets still go through its program.
#![forbid(unsafe_code)]

use abstractions::net::napi::{
    Poll,
    Polled, //
};

pub fn end(mut poll: Poll<'_>) -> Polled<'_> {
    let mut xdp = poll.xdp(None);
    #[cfg(not(misuse))]
    xdp.finish();
    let polled = poll.complete();
    #[cfg(misuse)]
    xdp.finish();
    polled
}
