// misuse: E0271
//! A device whose driver counts itself has none of the core's counters.
#![forbid(unsafe_code)]

use abstractions::{
    context::Bh,
    net::{
        net_device_ops::{
            NetDeviceOps,
            OwnCounters,
            Tstats, //
        },
        netdevice::Link,
    },
};

fn count<T: NetDeviceOps<Counters = Tstats>>(dev: &Link<T>, bh: Bh<'_>) {
    dev.count_tx(1, bh);
}

pub fn counts<T: NetDeviceOps<Counters = Tstats>, U: NetDeviceOps<Counters = OwnCounters>>(
    dev: &Link<T>,
    other: &Link<U>,
    bh: Bh<'_>,
) {
    count(dev, bh);
    let _ = other;
    #[cfg(misuse)]
    count(other, bh);
}
