// misuse: E0061 E0308
//! Who is called under RTNL, or waited for under it, as a handler's worker is, does not take it.
#![forbid(unsafe_code)]

use abstractions::net::{
    rtnl::{
        self,
        Rtnl,
        Unlocked, //
    },
    rx_handler::Deferred, //
};

pub fn under_rtnl(rtnl: &Rtnl, unlocked: &mut Unlocked) {
    let _ = rtnl;
    #[cfg(misuse)]
    drop(rtnl::lock(rtnl));
    #[cfg(not(misuse))]
    drop(rtnl::lock(unlocked));
}

pub fn deferred(cx: &Deferred<'_>, unlocked: &mut Unlocked) {
    let _ = cx;
    #[cfg(misuse)]
    drop(rtnl::lock());
    #[cfg(not(misuse))]
    drop(rtnl::lock(unlocked));
}
