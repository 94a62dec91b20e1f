// SPDX-License-Identifier: GPL-2.0

//! Networking.

pub mod adjacency;
mod bonding;
pub mod dev_ref;
pub mod drop_trace;
pub mod ethtool;
pub mod ethtool_stats;
pub mod features;
pub mod headers;
pub mod hold;
pub mod inet;
pub mod ip_input;
pub mod ip_output;
pub mod link;
mod link_callbacks;
pub mod link_ref;
pub mod link_table;
pub mod mac;
pub mod mc_list;
pub mod namespace;
pub mod napi;
pub mod net_device_ops;
pub mod netdevice;
#[cfg(CONFIG_NET_POLL_CONTROLLER)]
mod netpoll;
pub mod nlattr;
pub mod notifier;
mod packet_context;
pub mod page_pool;
pub mod payload;
pub mod pcpu_counters;
pub mod rcu_box;
pub mod registered;
pub mod ring;
pub mod rtnl;
pub mod rx_handler;
pub mod rx_queue;
pub mod skb_ring;
pub mod skbuff;
pub mod sock;
pub mod stats;
pub mod txq;
pub mod user_frame;
pub mod xdp;
