// misuse: E0603 E0624
//! Queues are made and put in place in one step: two plans could start two NAPIs for one number.
#![forbid(unsafe_code)]

use abstractions::net::{
    netdevice::Link,
    registered::Registered,
    rtnl::Rtnl,
    rx_queue::{
        self,
        RxQueueOps,
        RxQueues, //
    },
};
use kernel::prelude::*;

pub fn make<T: RxQueueOps>(dev: &Registered<Link<T>>, rtnl: &Rtnl) -> Result {
    RxQueues::resize(dev, 1, rtnl)?;
    #[cfg(misuse)]
    let _ = rx_queue::Plan::new(dev, 1, rtnl)?;
    RxQueues::set_channels(dev, 1, 1, rtnl)
}
