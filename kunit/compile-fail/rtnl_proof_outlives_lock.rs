// misuse: E0505
//! A proof of RTNL is no proof any more once RTNL is released.
#![forbid(unsafe_code)]

use abstractions::net::{
    netdevice::NetDevice,
    rtnl, //
};

pub fn name_after_unlock(dev: &NetDevice, unlocked: &mut rtnl::Unlocked) {
    let guard = rtnl::lock(unlocked);
    let rtnl = &*guard;
    #[cfg(misuse)]
    drop(guard);
    let _ = dev.name(rtnl);
}
