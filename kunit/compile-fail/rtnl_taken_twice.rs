// misuse: E0499
//! RTNL is taken once: who has it would wait for himself.
#![forbid(unsafe_code)]

use abstractions::net::rtnl::{
    self,
    Unlocked, //
};

pub fn twice(unlocked: &mut Unlocked) {
    let guard = rtnl::lock(unlocked);
    #[cfg(not(misuse))]
    drop(guard);
    let again = rtnl::lock(unlocked);
    drop(again);
    #[cfg(misuse)]
    drop(guard);
}
