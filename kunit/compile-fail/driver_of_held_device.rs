// misuse: E0599
//! Who only holds a device does not get at its driver, its namespace or its neighbours: it may have been
//! unregistered, and have undone itself.
#![forbid(unsafe_code)]

use abstractions::net::{
    dev_ref::DevRef,
    namespace::Net,
    rtnl::Rtnl, //
};

pub fn used<'a>(held: &'a DevRef, rtnl: &'a Rtnl) -> Option<&'a Net> {
    #[cfg(not(misuse))]
    let held = held.registered(rtnl)?;
    let _ = held.set_mac_address(held.mac(), rtnl);
    let _ = held.set_mtu(1500, rtnl);
    let _ = held.set_promiscuity(true, rtnl);
    let _ = held.set_allmulti(true, rtnl);
    let _ = held.uc_add(held.mac(), rtnl);
    Some(held.net(rtnl))
}
