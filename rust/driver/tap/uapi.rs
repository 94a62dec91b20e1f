// SPDX-License-Identifier: GPL-2.0

//! The numbers of `<linux/if_tun.h>` that a tap knows, and one that is ours.

use kernel::ioctl::{
    _IO,
    _IOR,
    _IOW, //
};

const TYPE: u32 = b'T' as u32;

/// `struct ifreq`: flags of the queue. The number's argument is an `int` for history's sake, as with others below.
pub(crate) const TUNSETIFF: u32 = _IOW::<i32>(TYPE, 202);
/// `TUN_F_*`: what all readers of the device can take.
pub(crate) const TUNSETOFFLOAD: u32 = _IOW::<u32>(TYPE, 208);
/// `struct ifreq`: name of the device, flags of the queue.
pub(crate) const TUNGETIFF: u32 = _IOR::<u32>(TYPE, 210);
/// `int`: bytes of memory of frames under way.
pub(crate) const TUNSETSNDBUF: u32 = _IOW::<i32>(TYPE, 212);
/// `int`: bytes of the header in front of a frame.
pub(crate) const TUNGETVNETHDRSZ: u32 = _IOR::<i32>(TYPE, 215);
/// `int`: the same.
pub(crate) const TUNSETVNETHDRSZ: u32 = _IOW::<i32>(TYPE, 216);
/// `struct ifreq`: [`IFF_ATTACH_QUEUE`] or [`IFF_DETACH_QUEUE`].
pub(crate) const TUNSETQUEUE: u32 = _IOW::<i32>(TYPE, 217);
/// `unsigned int`: flags that a queue can have.
pub(crate) const TUNGETFEATURES: u32 = _IOR::<u32>(TYPE, 207);
/// `int`: whether that header is little-endian whatever the machine is.
pub(crate) const TUNSETVNETLE: u32 = _IOW::<i32>(TYPE, 220);
/// `int`: the same.
pub(crate) const TUNGETVNETLE: u32 = _IOR::<i32>(TYPE, 221);
/// `struct ifreq`: the MAC address.
pub(crate) const SIOCSIFHWADDR: u32 = 0x8924;
/// `struct ifreq`: the same.
pub(crate) const SIOCGIFHWADDR: u32 = 0x8927;

/// Gives a descriptor of a packet socket with the frames of the queue, for those who accept no other:
/// `vhost-net`. Of our own; nobody else has a number with this letter
/// (`Documentation/userspace-api/ioctl/ioctl-number.rst`).
pub(crate) const TAP_GET_SOCKET: u32 = _IO(0xFB, 0);

/// Frames begin with an Ethernet header.
pub(crate) const IFF_TAP: u16 = 0x0002;
/// Several queues; they need not say so.
pub(crate) const IFF_MULTI_QUEUE: u16 = 0x0100;
/// Have frames put into the queue.
pub(crate) const IFF_ATTACH_QUEUE: u16 = 0x0200;
/// Do not.
pub(crate) const IFF_DETACH_QUEUE: u16 = 0x0400;
/// No packet information in front of a frame.
pub(crate) const IFF_NO_PI: u16 = 0x1000;
/// A `struct virtio_net_hdr` in front of a frame.
pub(crate) const IFF_VNET_HDR: u16 = 0x4000;

/// The reader computes checksums.
pub(crate) const TUN_F_CSUM: u32 = 0x01;
/// It cuts TCP over IPv4.
pub(crate) const TUN_F_TSO4: u32 = 0x02;
/// It cuts TCP over IPv6.
pub(crate) const TUN_F_TSO6: u32 = 0x04;
/// It does so with congestion notification.
pub(crate) const TUN_F_TSO_ECN: u32 = 0x08;
/// It fragments UDP. Accepted, and of no effect.
pub(crate) const TUN_F_UFO: u32 = 0x10;
/// It cuts UDP over IPv4.
pub(crate) const TUN_F_USO4: u32 = 0x20;
/// It cuts UDP over IPv6.
pub(crate) const TUN_F_USO6: u32 = 0x40;
/// All of them.
pub(crate) const TUN_F_ALL: u32 =
    TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_UFO | TUN_F_USO4 | TUN_F_USO6;

/// An Ethernet address.
pub(crate) const ARPHRD_ETHER: u16 = 1;

#[cfg(rnetvirt_kunit)]
#[kernel::prelude::kunit_tests(rnetvirt_tap_uapi)]
mod tests {
    use super::*;
    use crate::cases::all;

    #[test]
    fn commands_have_the_numbers_that_programs_have() {
        assert!(all(
            [
                (TUNGETFEATURES, 0x8004_54cf),
                (TUNSETOFFLOAD, 0x4004_54d0),
                (TUNSETIFF, 0x4004_54ca),
                (TUNGETIFF, 0x8004_54d2),
                (TUNSETSNDBUF, 0x4004_54d4),
                (TUNGETVNETHDRSZ, 0x8004_54d7),
                (TUNSETVNETHDRSZ, 0x4004_54d8),
                (TUNSETQUEUE, 0x4004_54d9),
                (TUNSETVNETLE, 0x4004_54dc),
                (TUNGETVNETLE, 0x8004_54dd),
            ],
            |(command, number)| command == number
        ));
    }

    #[test]
    fn the_command_of_our_own_has_no_letter_of_others() {
        assert_eq!(TAP_GET_SOCKET, 0xfb00);
    }

    #[test]
    fn flags_of_queues_are_different_bits() {
        let flags = [
            IFF_TAP,
            IFF_MULTI_QUEUE,
            IFF_ATTACH_QUEUE,
            IFF_DETACH_QUEUE,
            IFF_NO_PI,
            IFF_VNET_HDR,
        ];
        let both = flags.into_iter().fold(0, |sum, flag| sum | flag);
        assert_eq!(both.count_ones() as usize, flags.len());
    }

    #[test]
    fn offloads_are_the_seven_lowest_bits() {
        assert_eq!(TUN_F_ALL, 0x7f);
    }

    #[test]
    fn offloads_are_different_bits() {
        let bits = [
            TUN_F_CSUM,
            TUN_F_TSO4,
            TUN_F_TSO6,
            TUN_F_TSO_ECN,
            TUN_F_UFO,
            TUN_F_USO4,
            TUN_F_USO6,
        ];
        assert!(all(bits, |bit| bit.is_power_of_two()));
        assert_eq!(bits.into_iter().fold(0, |sum, bit| sum ^ bit), TUN_F_ALL);
    }
}
