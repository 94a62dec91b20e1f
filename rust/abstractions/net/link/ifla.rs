// SPDX-License-Identifier: GPL-2.0

//! The attributes of a link itself that a kind may look at.

// CAST: Attribute numbers fit into `nla_type`, which is 16 bits wide.
#![allow(clippy::cast_possible_truncation)]

use crate::{
    bindings,
    net::nlattr::{
        Bytes,
        Field,
        Ignored,
        Nested,
        U32, //
    },
};

/// The MAC address (`IFLA_ADDRESS`).
pub const ADDRESS: Field<Bytes<0>> = Field::new(bindings::IFLA_ADDRESS as u16);
/// The device's name (`IFLA_IFNAME`).
pub const IFNAME: Field<Bytes<0>> = Field::new(bindings::IFLA_IFNAME as u16);
/// The MTU in bytes, Ethernet header not included (`IFLA_MTU`).
pub const MTU: Field<U32> = Field::new(bindings::IFLA_MTU as u16);
/// The ifindex of the lower device (`IFLA_LINK`).
pub const LINK: Field<U32> = Field::new(bindings::IFLA_LINK as u16);
/// How many packets the queues hold (`IFLA_TXQLEN`).
pub const TXQLEN: Field<U32> = Field::new(bindings::IFLA_TXQLEN as u16);
/// The number of transmit queues to allocate (`IFLA_NUM_TX_QUEUES`).
pub const NUM_TX_QUEUES: Field<Ignored> = Field::new(bindings::IFLA_NUM_TX_QUEUES as u16);
/// The number of receive queues to allocate (`IFLA_NUM_RX_QUEUES`).
pub const NUM_RX_QUEUES: Field<Ignored> = Field::new(bindings::IFLA_NUM_RX_QUEUES as u16);
/// What a link's own statistics are inside of (`IFLA_INFO_XSTATS`).
pub const INFO_XSTATS: Field<Nested> = Field::new(bindings::IFLA_INFO_XSTATS as u16);
