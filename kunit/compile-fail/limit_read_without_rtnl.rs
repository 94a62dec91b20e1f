// misuse: E0061
//! What changes under RTNL is read under RTNL.
#![forbid(unsafe_code)]

use abstractions::net::{
    netdevice::NetDevice,
    rtnl::Rtnl, //
};

pub fn limit(dev: &NetDevice, rtnl: &Rtnl) -> u32 {
    #[cfg(misuse)]
    let _ = dev.max_mtu();
    dev.max_mtu(rtnl)
}
