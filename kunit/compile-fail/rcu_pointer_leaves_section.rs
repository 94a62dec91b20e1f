// misuse: E0597
//! What was found in an RCU section cannot be kept beyond it.
#![forbid(unsafe_code)]

use abstractions::{
    context::Rcu,
    net::{
        link_ref::LinkRef,
        netdevice::Link, //
    },
};
use kernel::sync::rcu;

pub fn keep<'a, T>(peer: &'a LinkRef<T>, kept: &mut Option<&'a Link<T>>) {
    let guard = rcu::read_lock();
    let found = peer.get(Rcu::new(&guard));
    #[cfg(misuse)]
    {
        *kept = found;
    }
    let _ = (found, kept);
}
