// misuse: E0599
//! What is under way in a device's transmit queue its own driver counts.
#![forbid(unsafe_code)]

use abstractions::net::{
    netdevice::Link,
    rx_queue::RxQueueOps, //
};

#[cfg(not(misuse))]
pub fn queue<T: RxQueueOps>(dev: &Link<T>) -> bool {
    dev.tx_queue(0).is_some()
}

#[cfg(misuse)]
pub fn queue<T: RxQueueOps>(dev: &Link<T>) -> bool {
    let lower: &abstractions::net::netdevice::NetDevice = dev;
    lower.tx_queue(0).is_some()
}
