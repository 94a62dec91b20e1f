// misuse: E0505
//! That a device is registered is known as long as RTNL is held.
#![forbid(unsafe_code)]

use abstractions::net::{
    netdevice::NetDevice,
    rtnl, //
};

pub fn late(dev: &NetDevice, unlocked: &mut rtnl::Unlocked) -> Option<bool> {
    let guard = rtnl::lock(unlocked);
    let dev = dev.registered(&guard)?;
    #[cfg(misuse)]
    drop(guard);
    Some(dev.is_unregistering())
}
