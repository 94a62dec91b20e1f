// misuse: E0599
//! The link watch holds a device, which the core waits for only if it was registered.
#![forbid(unsafe_code)]

use abstractions::net::{
    netdevice::Link,
    rtnl::Rtnl, //
};

pub fn fire<T>(dev: &Link<T>, rtnl: &Rtnl) -> Option<()> {
    #[cfg(not(misuse))]
    let dev = dev.registered(rtnl)?;
    dev.linkwatch_fire_event(rtnl);
    dev.transfer_operstate(dev, rtnl);
    Some(())
}
