// misuse: E0521
//! What a poll has given is not kept for another one, which would not end then.
#![forbid(unsafe_code)]

use abstractions::net::napi::{
    Poll,
    Polled, //
};

#[cfg(misuse)]
fn keep(_: Polled<'static>) {}

pub fn end(poll: Poll<'_>) {
    let polled = poll.complete();
    #[cfg(misuse)]
    keep(polled);
    #[cfg(not(misuse))]
    drop::<Polled<'_>>(polled);
}
