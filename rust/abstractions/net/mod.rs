// SPDX-License-Identifier: GPL-2.0

//! Networking.

pub mod ethtool;
pub mod link;
pub mod link_ref;
pub mod namespace;
pub mod netdevice;
pub mod nlattr;
pub mod notifier;
pub mod rtnl;
pub mod skbuff;
pub mod stats;
