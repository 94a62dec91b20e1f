// misuse: E0308
//! Who is called with a device's address lists locked cannot lock them once more.
#![forbid(unsafe_code)]

use abstractions::net::{
    net_device_ops::RxMode,
    netdevice::NetDevice, //
};

pub fn set_rx_mode(dev: &NetDevice, lists: &RxMode<'_>) -> u32 {
    #[cfg(misuse)]
    let _ = dev.mc_list(lists);
    let _ = dev;
    lists.fold_mc(0, |count, _, _| count + 1)
}
