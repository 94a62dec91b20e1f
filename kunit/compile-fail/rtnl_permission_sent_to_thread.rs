// misuse: E0277
//! That RTNL may be taken is known of one thread.
#![forbid(unsafe_code)]

use abstractions::net::rtnl::Unlocked;

fn is_send<T: Send>() {}

pub fn send() {
    #[cfg(misuse)]
    is_send::<Unlocked>();
    is_send::<u32>();
}
