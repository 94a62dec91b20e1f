// misuse: E0603
//! Devices are deleted because another one goes, not from within their operations, after which the core
//! goes on with them.
#![forbid(unsafe_code)]

use abstractions::net::{
    net_device_ops::NetDeviceOps,
    netdevice::Link,
    notifier::Details,
    registered::Registered,
    rtnl::Rtnl, //
};

pub fn event<T: NetDeviceOps>(dev: &Registered<Link<T>>, more: &Details<'_>, rtnl: &Rtnl) {
    more.delete_links(core::iter::once(dev), rtnl);
}

#[cfg(misuse)]
pub fn open<T: NetDeviceOps>(dev: &Registered<Link<T>>, rtnl: &Rtnl) {
    abstractions::net::link::delete_links(core::iter::once(dev), dev, rtnl);
}
