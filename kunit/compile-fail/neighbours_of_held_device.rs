// misuse: E0308
//! Only registered devices are put on top of each other.
#![forbid(unsafe_code)]

use abstractions::net::{
    adjacency,
    dev_ref::DevRef,
    netdevice::Link,
    nlattr::ExtAck,
    registered::Registered,
    rtnl::Rtnl, //
};
use kernel::prelude::*;

pub fn link<T>(
    lower: &DevRef,
    upper: &Registered<Link<T>>,
    ack: &mut ExtAck<'_>,
    rtnl: &Rtnl,
) -> Result {
    #[cfg(not(misuse))]
    let lower = lower.registered(rtnl).ok_or(ENODEV)?;
    adjacency::link(lower, upper, ack, rtnl)
}
