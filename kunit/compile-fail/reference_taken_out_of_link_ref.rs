// misuse: E0521
//! What a reference is given back for is not kept.
#![forbid(unsafe_code)]

use abstractions::net::{
    link_ref::LinkRef,
    netdevice::Link,
    rtnl::Rtnl, //
};

pub fn take<'a, T>(peer: &'a LinkRef<T>, kept: &mut Option<&'a Link<T>>, rtnl: &'a Rtnl) {
    let _ = &kept;
    peer.take(rtnl, |dev| {
        let _ = dev;
        #[cfg(misuse)]
        {
            *kept = Some(dev);
        }
    });
}
