// SPDX-License-Identifier: GPL-2.0

//! The steps of who sends and who polls, on the driver's own `TxQueue`; see model.c.

#![no_std]
#![allow(dead_code, unreachable_pub)]

use context::{
    Bh,
    Rcu, //
};
use core::marker::PhantomData;
use netdevice::NetDevice;

/// The helpers of rust/helpers/txq.c.
#[allow(non_camel_case_types)]
mod bindings {
    /// As in model.h.
    #[repr(C)]
    pub struct net_device {
        pub num_tx_queues: u32,
        pub _tx: *mut netdev_queue,
    }
    #[repr(C)]
    pub struct netdev_queue {
        state: usize,
        scheduled: usize,
    }
    pub const NETDEV_QUEUE_SIZE: usize = size_of::<netdev_queue>();

    extern "C" {
        #[link_name = "rnetvirt_helper_qdisc_txq_has_no_queue"]
        pub fn qdisc_txq_has_no_queue(txq: *const netdev_queue) -> bool;
        #[link_name = "rnetvirt_helper_txq_stop"]
        pub fn txq_stop(txq: *mut netdev_queue);
        #[link_name = "rnetvirt_helper_txq_start"]
        pub fn txq_start(txq: *mut netdev_queue);
        #[link_name = "rnetvirt_helper_txq_wake"]
        pub fn txq_wake(txq: *mut netdev_queue) -> bool;
        #[link_name = "rnetvirt_helper_txq_charge"]
        pub fn txq_charge(txq: *mut netdev_queue);
        #[link_name = "rnetvirt_helper_txq_complete"]
        pub fn txq_complete(txq: *mut netdev_queue, packets: u32) -> bool;
        #[link_name = "rnetvirt_helper_txq_reset"]
        pub fn txq_reset(txq: *mut netdev_queue);
    }
}

mod context {
    use super::PhantomData;

    #[derive(Clone, Copy)]
    pub struct Rcu<'a>(pub PhantomData<&'a ()>);
    #[derive(Clone, Copy)]
    pub struct Bh<'a>(pub PhantomData<&'a ()>);
}

mod netdevice {
    use crate::bindings;

    pub struct NetDevice(pub *mut bindings::net_device);

    impl NetDevice {
        pub fn as_ptr(&self) -> *mut bindings::net_device {
            self.0
        }
    }
}

#[path = "../../../../rust/abstractions/net/txq.rs"]
mod txq;

extern "C" {
    fn ring_is_full() -> bool;
    fn ring_produce();
    fn ring_consume() -> bool;
}

fn is_full() -> bool {
    // SAFETY: Always callable.
    unsafe { ring_is_full() }
}

/// As `to_queue()` in rust/driver/veth/xmit.rs. Returns whether the packet is in the ring.
#[no_mangle]
extern "C" fn transmit(dev: *mut bindings::net_device) -> bool {
    let dev = NetDevice(dev);
    let Some(txq) = txq::TxQueue::of(&dev, 0) else {
        return false;
    };
    if is_full() {
        txq.try_stop(|| !is_full());
        return false;
    }
    let waits = txq.has_qdisc(Rcu(PhantomData));
    // SAFETY: There is a place.
    unsafe { ring_produce() };
    if waits && is_full() {
        txq.try_stop(|| !is_full());
    }
    true
}

/// As `Veth::poll()` in rust/driver/veth/queue.rs.
#[no_mangle]
extern "C" fn poll(dev: *mut bindings::net_device) {
    let dev = NetDevice(dev);
    // SAFETY: Nobody else takes anything out.
    while unsafe { ring_consume() } {}
    if let Some(txq) = txq::TxQueue::of(&dev, 0) {
        txq.wake(Bh(PhantomData));
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
