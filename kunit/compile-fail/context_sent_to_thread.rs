// misuse: E0277
//! Proofs of a context are of the thread that is in it.
#![forbid(unsafe_code)]

use abstractions::{
    context::{
        Bh,
        Rcu, //
    },
    net::rtnl::Rtnl,
};

fn is_send<T: Send>() {}

pub fn sent() {
    is_send::<u32>();
    #[cfg(misuse)]
    is_send::<Rcu<'_>>();
    #[cfg(misuse)]
    is_send::<Bh<'_>>();
    #[cfg(misuse)]
    is_send::<&Rtnl>();
}
