// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions over the kernel's virtual network device interfaces.
//!
//! This crate contains every `unsafe` block of the module; the driver forbids `unsafe` and can only
//! use what is public here. Each abstraction is written as if it were to become a part of
//! `kernel::net`: it states its invariants, and each `// SAFETY:` comment names the rule of the C
//! side that makes it sound.
//!
//! | module | wraps |
//! | --- | --- |
//! | [`context`] | proof of an RCU read-side section |
//! | [`net::rtnl`] | proof that RTNL is held |
//! | [`net::namespace`] | `struct net` |
//! | [`net::netdevice`] | `struct net_device` |
//! | [`net::registered`] | a device that is registered: its driver, its namespace, its neighbours |
//! | [`net::net_device_ops`] | `struct net_device_ops`: what a driver does for its devices |
//! | [`net::link`] | `struct rtnl_link_ops`: a kind of link, creation and removal |
//! | [`net::link_ref`] | an RCU-protected, counted pointer from one device to another |
//! | [`net::link_table`] | a table of devices that packets look up |
//! | [`net::dev_ref`] | a counted reference to a device |
//! | [`net::rx_handler`] | the one driver that decides about what a device receives |
//! | [`net::adjacency`] | which device is on top of which |
//! | [`net::features`] | offload features |
//! | [`net::mac`] | MAC addresses |
//! | [`net::nlattr`] | netlink attributes, their policy, extended acks |
//! | [`net::skbuff`] | `struct sk_buff`, owned |
//! | [`net::stats`] | per-CPU and 64-bit device statistics |
//! | [`net::ethtool`] | `struct ethtool_ops` |
//! | [`net::notifier`] | the net device notifier chain |
//! | [`net::sock`] | `struct sock` for accounting, waiting and waking |
//! | [`net::rx_queue`] | receive queues that are polled |
//! | [`net::napi`] | `struct napi_struct`, GRO |
//! | [`net::ring`] | the ring of such a queue |
//! | [`net::skb_ring`] | `struct ptr_ring` of frames |
//! | [`net::user_frame`] | frames from and to user space |
//! | [`chrdev`] | character devices that belong to net devices |
//! | [`poll`] | what files are waited for |
//! | [`random`] | random numbers |
//! | [`time`] | what time it is |
//! | `testing` | packets and requests made of bytes, for tests |
//! | [`registration`] | what a module has registered, and the order and the end of that |
//!
//! # Rules that hold everywhere
//!
//! - A wrapper of a C object is `Opaque` and only ever seen by shared reference: C writes to it at
//!   the same time. There is never a `&mut` to a C struct that the kernel can reach.
//! - Data protected by RTNL is copied in and out, never lent: many calls under RTNL re-enter the
//!   driver through its own callbacks, and a reference kept across such a call would alias. That is
//!   why `&Rtnl`, and not `&mut Rtnl`, is the proof.
//! - What C keeps a pointer to until somebody takes it back is static, and registered by
//!   [`module_links!`]; or it belongs to a device. A driver has nothing that it could forget to drop
//!   before its code goes. Guards ([`context::BhGuard`], [`net::rtnl::RtnlGuard`]) that are forgotten
//!   leave a lock taken.

#[cfg(CONFIG_CFI)]
compile_error!(
    "CONFIG_CFI: ndo_start_xmit and its kind return C enums, whose type hash a Rust function \
     cannot have without feature(cfi_encoding); build the kernel without CONFIG_CFI"
);

#[path = "../bindings/mod.rs"]
mod bindings;

pub mod chrdev;
pub mod context;
mod module_links;
pub mod net;
pub mod poll;
pub mod random;
pub mod registration;
#[cfg(CONFIG_KUNIT)]
pub mod testing;
pub mod time;

// Used by the `pr_*!` macros; this crate has no `module!` that would define it.
#[allow(dead_code)]
const __LOG_PREFIX: &[u8] = b"rnetvirt\0";
