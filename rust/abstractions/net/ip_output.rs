// SPDX-License-Identifier: GPL-2.0

//! Frames that leave as IP packets of another device's namespace.
//!
//! C: `ip_route_output_flow()`, `ip_local_out()`, `ip6_route_output_flags()`, `ip6_local_out()`
//!
//! # Context
//!
//! In an RCU section with softirqs disabled, where a device transmits. Nothing sleeps.

use super::{
    netdevice::{
        Link,
        NetDevice, //
    },
    payload::Payload,
    rx_handler::{
        Handler,
        RxHandler, //
    },
    skbuff::{
        forget_foreign_sock,
        free,
        DropReason,
        EthFrame,
        SkBuff,
        XmitStatus, //
    },
};
use crate::{
    bindings,
    context::{
        Bh,
        Rcu, //
    },
};
use core::{
    hint::assert_unchecked,
    marker::PhantomData,
    ptr, //
};
use kernel::{
    error::{
        code::{
            ENETUNREACH,
            EPERM, //
        },
        from_err_ptr, //
    },
    ffi::c_int,
    sync::rcu, //
};

/// A handler whose device others stand on, that may reach each other without the wire.
pub trait Siblings: RxHandler {
    /// The data of the devices on top.
    type Upper: 'static;

    /// Returns what becomes of a packet that the device's namespace would give to a neighbour there. `sender`
    /// is who sent it.
    fn onward<'a>(
        this: &'a Handler<Self>,
        sender: Sender,
        packet: Payload<'_>,
        rcu: Rcu<'a>,
    ) -> Onward<'a, Self::Upper>;

    /// Has a sibling receive a frame.
    fn deliver(dev: &Link<Self::Upper>, frame: EthFrame<'_>, rcu: Rcu<'_>, bh: Bh<'_>);
}

/// What a sender has to do with its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// It may reach them directly.
    Direct,
    /// It reaches none.
    Nobody,
    /// It reaches them by the wire only.
    Wire,
}

/// What becomes of a packet to a neighbour.
pub enum Onward<'a, U> {
    /// It goes out.
    Out,
    /// It is dropped.
    Nowhere,
    /// That device receives it.
    To(&'a Link<U>),
}

/// Sends a frame's IP packet as if a process in the namespace of `dev` had sent it through `dev`: its
/// routes, its neighbours, its netfilter hooks from OUTPUT on. The Ethernet header is lost.
///
/// The status is [`DROP`](XmitStatus::DROP) for packets of other protocols, those that IPv4 does not
/// send, and those that came here by routes that lead back again and again; and a negative error
/// number if IPv6 has no route, or has one that leads to the device that sends the frame, and would
/// again and again.
pub fn route_and_send(frame: EthFrame<'_>, dev: &NetDevice, bh: Bh<'_>) -> XmitStatus {
    send(frame, dev, Trusted, bh)
}

/// Does as [`route_and_send`], for a sender that is not trusted. Packets to groups and to the host itself are
/// not sent, of any protocol. Siblings are reached where routes lead to neighbours on `dev`, and when
/// netfilter has let the packet pass, OUTPUT and POSTROUTING.
pub fn route_and_send_checked<T: Siblings>(
    frame: EthFrame<'_>,
    dev: &NetDevice,
    sender: Sender,
    bh: Bh<'_>,
) -> XmitStatus {
    match sender {
        Sender::Direct => send(frame, dev, Checked::<T, DIRECT>(PhantomData), bh),
        Sender::Nobody => send(frame, dev, Checked::<T, NOBODY>(PhantomData), bh),
        Sender::Wire => send(frame, dev, ByWire, bh),
    }
}

/// How packets leave when there is a route.
trait Way: Copy {
    /// Whether those to groups and to the host itself may, too, and those of IPv6 through other devices.
    const TRUSTED: bool;
    #[cfg(CONFIG_IPV6)]
    // CAST: One bit.
    #[allow(clippy::cast_possible_wrap)]
    const LOOKUP6: c_int = if Self::TRUSTED {
        0
    } else {
        bindings::RT6_LOOKUP_F_IFACE as c_int
    };

    /// Sends a packet by its route.
    ///
    /// # Safety
    ///
    /// The caller must own `skb`, which must have a route, and give it up.
    unsafe fn out4(net: *mut bindings::net, skb: *mut bindings::sk_buff) -> c_int {
        // SAFETY: By the caller's guarantee.
        unsafe { bindings::ip_local_out(net, ptr::null_mut(), skb) }
    }

    /// # Safety
    ///
    /// The caller must own `skb`, which must have a route, and give it up.
    #[cfg(CONFIG_IPV6)]
    unsafe fn out6(net: *mut bindings::net, skb: *mut bindings::sk_buff) -> c_int {
        // SAFETY: By the caller's guarantee.
        unsafe { bindings::ip6_local_out(net, ptr::null_mut(), skb) }
    }
}

#[derive(Clone, Copy)]
struct Trusted;

impl Way for Trusted {
    const TRUSTED: bool = true;
}

#[derive(Clone, Copy)]
struct ByWire;

impl Way for ByWire {
    const TRUSTED: bool = false;
}

/// For a sender of that kind: netfilter keeps the function that it calls at the end, and nothing more.
struct Checked<T, const KIND: u8>(PhantomData<fn() -> T>);

const DIRECT: u8 = 0;
const NOBODY: u8 = 1;

impl<T, const KIND: u8> Clone for Checked<T, KIND> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const KIND: u8> Copy for Checked<T, KIND> {}

impl<T: Siblings, const KIND: u8> Way for Checked<T, KIND> {
    const TRUSTED: bool = false;

    unsafe fn out4(net: *mut bindings::net, skb: *mut bindings::sk_buff) -> c_int {
        // SAFETY: By the caller's guarantee; what netfilter has kept with the function is dropped before
        // the module goes, in each namespace (`nf_queue_nf_hook_drop()`, in `ip_input::Hooks`).
        unsafe {
            match bindings::ip_local_out_to(net, skb, Some(Self::after_output4)) {
                1 => Self::after_output4(net, ptr::null_mut(), skb),
                err => err,
            }
        }
    }

    #[cfg(CONFIG_IPV6)]
    unsafe fn out6(net: *mut bindings::net, skb: *mut bindings::sk_buff) -> c_int {
        // SAFETY: By the caller's guarantee; what netfilter has kept with the function is dropped before
        // the module goes, in each namespace (`nf_queue_nf_hook_drop()`, in `ip_input::Hooks`).
        unsafe {
            match bindings::ip6_local_out_to(net, skb, Some(Self::after_output6)) {
                1 => Self::after_output6(net, ptr::null_mut(), skb),
                err => err,
            }
        }
    }
}

impl<T: Siblings, const KIND: u8> Checked<T, KIND> {
    const SENDER: Sender = if KIND == DIRECT {
        Sender::Direct
    } else {
        Sender::Nobody
    };

    /// Where a packet goes whose device is one with a `T`.
    ///
    /// # Safety
    ///
    /// `skb` must be valid, with an IP header at its data; its device must not be freed during `'a`.
    unsafe fn onward<'a>(skb: *const bindings::sk_buff, rcu: Rcu<'a>) -> Onward<'a, T::Upper> {
        // SAFETY: By the caller's guarantee.
        unsafe {
            let dev = NetDevice::from_raw(bindings::skb_dev(skb));
            match Handler::<T>::of_rcu(dev, rcu) {
                Some(handler) => T::onward(handler, Self::SENDER, Payload::from_raw(skb, 0), rcu),
                None => Onward::Out,
            }
        }
    }

    /// # Safety
    ///
    /// To be called for a packet that OUTPUT of IPv4 has let pass, with softirqs disabled: by whoever
    /// gave it to netfilter, or by netfilter, which had kept it.
    unsafe extern "C" fn after_output4(
        net: *mut bindings::net,
        sk: *mut bindings::sock,
        skb: *mut bindings::sk_buff,
    ) -> c_int {
        let guard = rcu::read_lock();
        let rcu = Rcu::new(&guard);
        // SAFETY: The packet is ours; it has a route, and its device is the one that it was given, which
        // netfilter holds with a packet that it keeps (`nf_queue_entry_get_refs()`).
        unsafe {
            if !bindings::skb_leads_to_neighbour4(skb) {
                return bindings::dst_output(net, sk, skb);
            }
            match Self::onward(skb, rcu) {
                Onward::Out => bindings::dst_output(net, sk, skb),
                Onward::Nowhere => Self::refuse(skb),
                Onward::To(_) => {
                    match bindings::nf_postrouting4(net, skb, Some(Self::at_the_end)) {
                        1 => Self::at_the_end(net, sk, skb),
                        err => err,
                    }
                }
            }
        }
    }

    /// # Safety
    ///
    /// To be called for a packet that OUTPUT of IPv6 has let pass, with softirqs disabled: by whoever
    /// gave it to netfilter, or by netfilter, which had kept it.
    #[cfg(CONFIG_IPV6)]
    unsafe extern "C" fn after_output6(
        net: *mut bindings::net,
        sk: *mut bindings::sock,
        skb: *mut bindings::sk_buff,
    ) -> c_int {
        let guard = rcu::read_lock();
        let rcu = Rcu::new(&guard);
        // SAFETY: The packet is ours; it has a route, and its device is the one that it was given, which
        // netfilter holds with a packet that it keeps (`nf_queue_entry_get_refs()`).
        unsafe {
            if !bindings::skb_leads_to_neighbour6(skb) {
                return bindings::dst_output(net, sk, skb);
            }
            match Self::onward(skb, rcu) {
                Onward::Out => bindings::dst_output(net, sk, skb),
                Onward::Nowhere => Self::refuse(skb),
                Onward::To(_) => {
                    match bindings::nf_postrouting6(net, skb, Some(Self::at_the_end)) {
                        1 => Self::at_the_end(net, sk, skb),
                        err => err,
                    }
                }
            }
        }
    }

    /// # Safety
    ///
    /// To be called for a packet that POSTROUTING has let pass, as `after_output4`.
    unsafe extern "C" fn at_the_end(
        _net: *mut bindings::net,
        _sk: *mut bindings::sock,
        skb: *mut bindings::sk_buff,
    ) -> c_int {
        let guard = rcu::read_lock();
        let rcu = Rcu::new(&guard);
        // SAFETY: The packet is ours, its device is the one that it was given; softirqs are disabled.
        unsafe {
            // Whom it is for may have changed: it may have waited, and rules may have changed it.
            let Onward::To(dev) = Self::onward(skb, rcu) else {
                return Self::refuse(skb);
            };
            if !bindings::skb_push_eth_hdr(skb) {
                return Self::refuse(skb);
            }
            match SkBuff::from_raw(skb).into_frame() {
                Ok(frame) => T::deliver(dev, frame, rcu, Bh::assume()),
                Err(skb) => skb.drop_reason(DropReason::TOO_SMALL),
            }
        }
        0
    }

    /// # Safety
    ///
    /// The caller must own `skb` and give it up.
    #[cold]
    unsafe fn refuse(skb: *mut bindings::sk_buff) -> c_int {
        // SAFETY: By the caller's guarantee.
        unsafe { free(skb, DropReason::DEV_READY) };
        EPERM.to_errno()
    }
}

fn send<W: Way>(frame: EthFrame<'_>, dev: &NetDevice, _way: W, bh: Bh<'_>) -> XmitStatus {
    // Who sends holds his device, and that the lower one; neither holds the namespace in which that was. With softirqs
    // disabled this is an RCU section: if the namespace is there now it stays until the end.
    // SAFETY: The device is valid.
    if !unsafe { bindings::netdev_is_registered(dev.as_ptr()) } {
        frame.into_skb().drop_reason(DropReason::DEV_READY);
        return XmitStatus::DROP;
    }
    // SAFETY: Softirqs are disabled, so this stays on its CPU.
    if !unsafe { bindings::route_enter() } {
        frame.into_skb().drop_reason(DropReason::RECURSION_LIMIT);
        return XmitStatus::DROP;
    }
    let skb = frame.into_skb().into_raw();
    // SAFETY: The skb is ours, and both devices are valid.
    let sender = unsafe {
        let sender = bindings::skb_dev(skb);
        let crosses = !ptr::eq(bindings::dev_net(sender), bindings::dev_net(dev.as_ptr()));
        bindings::skb_scrub_packet(skb, crosses);
        // IPv6 takes whatever socket a packet has for one of its own (`ip6_skb_dst_mtu()`).
        forget_foreign_sock(skb);
        bindings::skb_set_lower(skb, dev.as_ptr(), crosses);
        sender
    };
    // SAFETY: The skb is ours, and begins with an Ethernet header, by the frame's invariant. Then it begins with its
    // network header; its device is valid, as is the sender; it is given up.
    let status = unsafe {
        match u32::from(bindings::skb_protocol(skb)) {
            _ if !bindings::skb_pull_eth_hdr(skb) => {
                free(skb, DropReason::NOT_SPECIFIED);
                XmitStatus::DROP
            }
            // By IPv4 others than the lower device have a say in its routes only if it is part of a VRF.
            bindings::ETH_P_IP
                if bindings::netif_is_l3_slave(dev.as_ptr()) && !spend_hop_v4(skb, sender) =>
            {
                free(skb, DropReason::HOPS);
                XmitStatus::DROP
            }
            bindings::ETH_P_IP => send_v4::<W>(skb, bh),
            #[cfg(CONFIG_IPV6)]
            bindings::ETH_P_IPV6 => send_v6::<W>(skb, sender, bh),
            _ => {
                free(skb, DropReason::UNHANDLED_PROTO);
                XmitStatus::DROP
            }
        }
    };
    // SAFETY: Entered above, on this CPU.
    unsafe { bindings::route_leave() };
    status
}

/// Whether routes of the packet's device may lead to its sender again, if others have a say in them. By a queue
/// perhaps: then nothing is one inside the other, and the depth says nothing.
///
/// # Safety
///
/// `skb` must be valid, as must its device and the sender's.
unsafe fn may_come_back(
    skb: *const bindings::sk_buff,
    sender: *const bindings::net_device,
) -> bool {
    // SAFETY: By the caller's guarantee.
    unsafe {
        ptr::eq(
            bindings::dev_net(sender),
            bindings::dev_net(bindings::skb_dev(skb)),
        )
    }
}

/// A packet that may come back takes one from its TTL, unless it is for the host itself. False: it must not
/// go on.
///
/// # Safety
///
/// The caller must own `skb`, whose network header must be at its data; its device and the sender's must
/// be valid.
#[cold]
#[inline(never)]
unsafe fn spend_hop_v4(skb: *mut bindings::sk_buff, sender: *const bindings::net_device) -> bool {
    // SAFETY: By the caller's guarantee; `ip_spend_hop()` sees to it that the header is linear.
    unsafe { !may_come_back(skb, sender) || bindings::ip_spend_hop(skb) }
}

/// Bytes in an IPv4 header without options.
const IPV4_HLEN: u32 = 20;

/// # Safety
///
/// The caller must own `skb` and give it up; its network header must be at its data, and its device
/// valid.
#[inline(never)]
unsafe fn send_v4<W: Way>(skb: *mut bindings::sk_buff, _bh: Bh<'_>) -> XmitStatus {
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
    // SAFETY: `ip_route_output_flow()` gives a route or an error number. Said once, it need not be asked for by
    // `skb_dst_set()`.
    unsafe { assert_unchecked(!dst.is_null()) };
    let is_way = match u32::from(kind) {
        // SAFETY: The route is ours, the namespace its device's, and the header linear.
        RTN_UNICAST => W::TRUSTED || !unsafe { bindings::rt_is_forbidden(rt, net, &mut flow, skb) },
        kind => W::TRUSTED && kind == RTN_LOCAL,
    };
    if !is_way {
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
        W::out4(net, skb)
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
/// The caller must own `skb` and give it up; its network header must be at its data, and its device
/// valid.
#[cfg(CONFIG_IPV6)]
#[inline(never)]
unsafe fn send_v6<W: Way>(
    skb: *mut bindings::sk_buff,
    sender: *const bindings::net_device,
    _bh: Bh<'_>,
) -> XmitStatus {
    // SAFETY: By the caller's guarantee.
    if !unsafe { bindings::ipv6_mod_enabled() && bindings::pskb_may_pull(skb, IPV6_HLEN) } {
        // SAFETY: By the caller's guarantee the skb is ours.
        unsafe { free(skb, DropReason::TOO_SMALL) };
        return XmitStatus::DROP;
    }
    // SAFETY: The header is linear.
    if !W::TRUSTED && unsafe { bindings::ipv6_is_to_group(skb) } {
        // SAFETY: The skb is ours.
        unsafe { free(skb, DropReason::UNHANDLED_PROTO) };
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
        let dst = bindings::ip6_route_output_flags(net, ptr::null(), &mut flow, W::LOOKUP6);
        // Unlike IPv4, IPv6 takes routes through other devices, too, if the packet has a source: to
        // networks where who is not trusted has no link.
        let is_back = ptr::eq(bindings::dst_dev(dst), sender);
        let err = if is_back || !W::TRUSTED && bindings::dst_is_local6(dst) {
            ENETUNREACH.to_errno()
        } else {
            (*dst).error.into()
        };
        assert_unchecked(!dst.is_null());
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
    // Who is not trusted is behind a router, for his neighbours.
    // SAFETY: Both are ours, the devices valid, and the header linear.
    if unsafe {
        (!W::TRUSTED && bindings::ipv6_seems_near(skb)
            || bindings::dst_is_by_others(dst, bindings::skb_dev(skb))
                && may_come_back(skb, sender)
                && !bindings::dst_is_local6(dst))
            && !bindings::ipv6_spend_hop(skb)
    } {
        // SAFETY: Both are ours.
        unsafe {
            bindings::dst_release(dst);
            free(skb, DropReason::HOPS);
        }
        return XmitStatus::DROP;
    }
    // SAFETY: Both are ours to give up.
    status(unsafe {
        bindings::skb_set_route(skb, dst);
        W::out6(net, skb)
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
