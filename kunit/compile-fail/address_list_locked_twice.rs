// misuse: E0308 E0521
//! What is done with a device's list locked has nothing that it could lock, or wait, with.
#![forbid(unsafe_code)]

use abstractions::net::{
    netdevice::NetDevice,
    rtnl::Rtnl, //
};

pub fn count(dev: &NetDevice, rtnl: &Rtnl) -> u32 {
    dev.mc_list(rtnl).fold(0, |count, _, _| {
        // A closure that refers to something is none that is taken.
        #[cfg(misuse)]
        return dev.mc_list(rtnl).fold(count, |count, _, _| count + 1);
        #[cfg(not(misuse))]
        return count + 1;
    })
}

pub fn count_with_device(dev: &NetDevice, rtnl: &Rtnl) -> u32 {
    #[cfg(misuse)]
    let state = (dev, 0);
    #[cfg(not(misuse))]
    let state = ((), 0);
    let (_, count) = dev
        .mc_list(rtnl)
        .fold(state, |(with, count), _, _| (with, count + 1));
    count
}
