// misuse: E0308
//! Listeners look behind the structure of an event for what belongs to it: only those without are relayed.
#![forbid(unsafe_code)]

use abstractions::net::{
    netdevice::Link,
    registered::{
        Registered,
        Relayed, //
    },
    rtnl::Rtnl,
};

pub fn relay<T>(dev: &Registered<Link<T>>, rtnl: &Rtnl) {
    #[cfg(misuse)]
    dev.relay(abstractions::net::notifier::Event::PRE_CHANGE_ADDR, rtnl);
    dev.relay(Relayed::NotifyPeers, rtnl);
}
