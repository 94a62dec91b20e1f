// misuse: E0277
//! Packets are counted for the other end of a device: not any device has counters for that.
#![forbid(unsafe_code)]

use abstractions::net::{
    link_ops::{
        LinkOps,
        Peer,
        Tstats, //
    },
    netdevice::{
        Link,
        NetDevice, //
    },
};

pub fn peer<'a, T: LinkOps<Counters = Tstats>>(dev: &'a Link<T>) -> Peer<'a> {
    #[cfg(misuse)]
    let dev: &'a NetDevice = dev;
    Peer::from(dev)
}
