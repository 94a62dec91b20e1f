// SPDX-License-Identifier: GPL-2.0

//! Frames that leave as IP packets of another device's namespace.
//!
//! C: `ip_route_output_flow()`, `ip_local_out()`, `ip6_route_output_flags()`, `ip6_local_out()`

use super::{
    netdevice::NetDevice,
    skbuff::{
        forget_foreign_sock,
        free,
        DropReason,
        EthFrame,
        XmitStatus, //
    },
};
use crate::{
    bindings,
    context::Bh, //
};
use core::ptr;
use kernel::error::{
    code::ENETUNREACH,
    from_err_ptr, //
};

/// Sends a frame's IP packet as if a process in the namespace of `dev` had sent it through `dev`: its
/// routes, its neighbours, its netfilter hooks from OUTPUT on. The Ethernet header is lost.
///
/// The status is [`DROP`](XmitStatus::DROP) for packets of other protocols and those that IPv4 does not
/// send, and a negative error number if IPv6 has no route, or has one that leads to the device that
/// sends the frame, and would again and again.
pub fn route_and_send(frame: EthFrame<'_>, dev: &NetDevice, bh: Bh<'_>) -> XmitStatus {
    let skb = frame.into_skb().into_raw();
    // SAFETY: The skb is ours, and both devices are valid.
    let sender = unsafe {
        let sender = bindings::skb_dev(skb);
        let crosses = !ptr::eq(bindings::dev_net(sender), bindings::dev_net(dev.as_ptr()));
        bindings::skb_scrub_packet(skb, crosses);
        // IPv6 takes whatever socket a packet has for one of its own (`ip6_skb_dst_mtu()`).
        forget_foreign_sock(skb);
        bindings::skb_set_dev_only(skb, dev.as_ptr());
        sender
    };
    // SAFETY: The skb begins with an Ethernet header, by the frame's invariant.
    unsafe { bindings::skb_pull_eth_hdr(skb) };
    // SAFETY: The skb is ours, begins with its network header, and its device is valid; it is given up.
    unsafe {
        match u32::from(bindings::skb_protocol(skb)) {
            bindings::ETH_P_IP => send_v4(skb, bh),
            #[cfg(CONFIG_IPV6)]
            bindings::ETH_P_IPV6 => send_v6(skb, sender, bh),
            _ => {
                free(skb, DropReason::UNHANDLED_PROTO);
                XmitStatus::DROP
            }
        }
    }
}

/// Bytes in an IPv4 header without options.
const IPV4_HLEN: u32 = 20;

/// # Safety
///
/// The caller must own `skb` and give it up; its network header must be at its data, and its device
/// valid.
#[inline(never)]
unsafe fn send_v4(skb: *mut bindings::sk_buff, _bh: Bh<'_>) -> XmitStatus {
    // SAFETY: By the caller's guarantee.
    if let Err(reason) = unsafe { check_v4(skb) } {
        // SAFETY: The skb is ours.
        unsafe { free(skb, reason) };
        return XmitStatus::DROP;
    }
    // SAFETY: Zero is valid for the structure.
    let mut flow: bindings::flowi4 = unsafe { core::mem::zeroed() };
    // SAFETY: The header is linear, and the device valid.
    let (net, rt) = unsafe {
        let dev = bindings::skb_dev(skb);
        let net = bindings::dev_net(dev);
        flow.__fl_common.flowic_oif = bindings::netdev_ifindex(dev);
        flow.__fl_common.flowic_flags = ANYSRC;
        bindings::flowi4_from_packet(&mut flow, skb);
        (
            net,
            from_err_ptr(bindings::ip_route_output_flow(net, &mut flow, ptr::null())),
        )
    };
    let Ok(rt) = rt else {
        // SAFETY: Ours.
        unsafe { free(skb, DropReason::NO_ROUTE) };
        return XmitStatus::DROP;
    };
    // SAFETY: The route is ours.
    let (kind, dst) = unsafe { (bindings::rt_type(rt), bindings::rt_dst(rt)) };
    // CAST: Constants of an enum.
    if u32::from(kind) != RTN_UNICAST && u32::from(kind) != RTN_LOCAL {
        // SAFETY: Both are ours.
        unsafe {
            bindings::dst_release(dst);
            free(skb, DropReason::NO_ROUTE);
        }
        return XmitStatus::DROP;
    }
    // SAFETY: Both are ours to give up.
    status(unsafe {
        bindings::skb_set_route(skb, dst);
        bindings::ip_local_out(net, ptr::null_mut(), skb)
    })
}

/// The reason to drop what a router drops, if there is one: what follows computes the checksum anew, whatever it
/// was, and takes the header for as long as it says (`ip_send_check()`, `ip_do_fragment()`).
///
/// # Safety
///
/// The caller must own `skb`, whose network header must be at its data.
#[inline(always)]
unsafe fn check_v4(skb: *mut bindings::sk_buff) -> Result<(), DropReason> {
    // SAFETY: By the caller's guarantee.
    if !unsafe { bindings::pskb_may_pull(skb, IPV4_HLEN) } {
        return Err(DropReason::TOO_SMALL);
    }
    // SAFETY: The first bytes were just seen to be linear.
    let first = unsafe { *(*skb).data };
    // Version 4, and at least five words.
    if !(0x45..=0x4f).contains(&first) {
        return Err(DropReason::IP_HEADER);
    }
    let words = u32::from(first & 0xf);
    // SAFETY: By the caller's guarantee.
    if first != 0x45 && !unsafe { bindings::pskb_may_pull(skb, words << 2) } {
        return Err(DropReason::TOO_SMALL);
    }
    // SAFETY: So many words are linear.
    if unsafe { bindings::ip_fast_csum((*skb).data.cast(), words) } != 0 {
        return Err(DropReason::IP_CSUM);
    }
    Ok(())
}

const RTN_UNICAST: u32 = bindings::RTN_UNICAST;
const RTN_LOCAL: u32 = bindings::RTN_LOCAL;

/// The packet's source need not be an address of its route's device.
// CAST: One bit.
#[allow(clippy::cast_possible_truncation)]
const ANYSRC: u8 = bindings::FLOWI_FLAG_ANYSRC as u8;

/// Bytes in an IPv6 header.
#[cfg(CONFIG_IPV6)]
const IPV6_HLEN: u32 = 40;

/// # Safety
///
/// As for `send_v4`.
#[cfg(CONFIG_IPV6)]
#[inline(never)]
unsafe fn send_v6(
    skb: *mut bindings::sk_buff,
    sender: *const bindings::net_device,
    _bh: Bh<'_>,
) -> XmitStatus {
    // SAFETY: By the caller's guarantee.
    if !unsafe { bindings::pskb_may_pull(skb, IPV6_HLEN) } {
        // SAFETY: As above.
        unsafe { free(skb, DropReason::TOO_SMALL) };
        return XmitStatus::DROP;
    }
    // SAFETY: Zero is valid for the structure.
    let mut flow: bindings::flowi6 = unsafe { core::mem::zeroed() };
    // SAFETY: The header is linear, and the device valid. The function gives a route in any case.
    let (net, dst, err) = unsafe {
        let dev = bindings::skb_dev(skb);
        let net = bindings::dev_net(dev);
        flow.__fl_common.flowic_oif = bindings::netdev_ifindex(dev);
        flow.__fl_common.flowic_flags = ANYSRC;
        bindings::flowi6_from_packet(&mut flow, skb);
        let dst = bindings::ip6_route_output_flags(net, ptr::null(), &mut flow, 0);
        // Unlike IPv4, IPv6 takes routes through other devices, too, if the packet has a source.
        let err = if ptr::eq(bindings::dst_dev(dst), sender) {
            ENETUNREACH.to_errno()
        } else {
            (*dst).error.into()
        };
        (net, dst, err)
    };
    if err != 0 {
        // SAFETY: Both are ours.
        unsafe {
            bindings::dst_release(dst);
            free(skb, DropReason::NO_ROUTE);
        }
        return XmitStatus(err);
    }
    // SAFETY: Both are ours to give up.
    status(unsafe {
        bindings::skb_set_route(skb, dst);
        bindings::ip6_local_out(net, ptr::null_mut(), skb)
    })
}

/// What `ip_local_out()` says, as a status (`net_xmit_eval()`).
fn status(err: kernel::ffi::c_int) -> XmitStatus {
    if XmitStatus(err).is_taken() {
        XmitStatus::SUCCESS
    } else {
        XmitStatus::DROP
    }
}
