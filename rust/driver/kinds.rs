// SPDX-License-Identifier: GPL-2.0

//! What `ip link add … type KIND` reaches: a file for each kind, or for it and its tap, and here what
//! they share.

pub(crate) mod ipvlan;
pub(crate) mod macvlan;
pub(crate) mod rnetvirt;
pub(crate) mod veth;

use crate::{
    config,
    refusal::Refusal, //
};
use abstractions::net::{
    link::{
        ifla,
        is_valid_ether_addr,
        PrivFlags,
        SetupDevice,
        ETH_MAX_MTU, //
    },
    nlattr::{
        ExtAck,
        LinkAttrs, //
    },
};
use kernel::prelude::*;

/// What devices of all kinds are like.
fn setup(dev: &mut SetupDevice<'_>) {
    dev.set_lltx();
    dev.set_priv_flags(PrivFlags::NO_QUEUE);
    dev.set_max_mtu(ETH_MAX_MTU);
}

/// Refuses a MAC address that a device cannot have.
fn check_address(tb: &LinkAttrs<'_>, ack: &mut ExtAck<'_>) -> Result {
    let Some(addr) = tb.get(&ifla::ADDRESS)? else {
        return Ok(());
    };
    let addr: &[u8; 6] = addr
        .try_into()
        .map_err(|_| ack.refuse(Refusal::AddressLength))?;
    if !is_valid_ether_addr(addr) {
        return Err(ack.refuse(Refusal::AddressInvalid));
    }
    Ok(())
}

/// Refuses an MTU that a device without a wire cannot have.
fn check_mtu(tb: &LinkAttrs<'_>, ack: &mut ExtAck<'_>) -> Result {
    match tb.get(&ifla::MTU)? {
        Some(mtu) if !config::mtu_is_valid(mtu) => Err(ack.refuse(Refusal::MtuInvalid)),
        _ => Ok(()),
    }
}
