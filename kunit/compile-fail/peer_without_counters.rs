// misuse: E0277
//! Packets are counted for the other end of a device: not any device has counters for that.
#![forbid(unsafe_code)]

use abstractions::net::{
    net_device_ops::{
        NetDeviceOps,
        Peer,
        Tstats, //
    },
    netdevice::{
        Link,
        NetDevice, //
    },
};

pub fn peer<'a, T: NetDeviceOps<Counters = Tstats>>(dev: &'a Link<T>) -> Peer<'a> {
    #[cfg(misuse)]
    let dev: &'a NetDevice = dev;
    Peer::from(dev)
}
