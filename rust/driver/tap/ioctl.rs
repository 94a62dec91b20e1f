// SPDX-License-Identifier: GPL-2.0

//! Commands to an open `/dev/tapN`: those of `/dev/net/tun` that make sense here.

use super::{
    file::TapFile,
    offload,
    queue::{
        self,
        CHOOSABLE,
        FIXED, //
    },
    uapi,
    Tap, //
};
use abstractions::{
    chrdev::OpenFile,
    net::{
        mac::Mac,
        netdevice::NetDevice,
        registered::Registered,
        rtnl::{
            self,
            Rtnl,
            Unlocked, //
        },
    },
};
use kernel::{
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    },
};

/// Where what is not the name begins in a `struct ifreq`.
const IFR_DATA: usize = 16;

/// The device is gone.
const ENOLINK: Error = kernel::error::code::ENOLINK;

/// Does what a command says.
pub(crate) fn ioctl(
    open: &OpenFile<'_, TapFile>,
    cmd: u32,
    arg: usize,
    unlocked: &mut Unlocked,
) -> Result<isize> {
    let file = open.data();
    let queue = &file.queue;
    match cmd {
        uapi::TUNSETIFF => queue.set_flags(get(arg.wrapping_add(IFR_DATA))?)?,
        uapi::TUNGETIFF => {
            let rtnl = rtnl::lock(unlocked);
            let name = dev(file, &rtnl)?.name(&rtnl);
            drop(rtnl);
            put_bytes(arg, name.as_array())?;
            put(arg.wrapping_add(IFR_DATA), queue.flags())?;
        }
        uapi::TUNSETQUEUE => {
            let flags: u16 = get(arg.wrapping_add(IFR_DATA))?;
            let rtnl = rtnl::lock(unlocked);
            if flags & uapi::IFF_ATTACH_QUEUE != 0 {
                Tap::attach(&file.tap, queue, true, &rtnl)?;
            } else if flags & uapi::IFF_DETACH_QUEUE != 0 {
                Tap::attach(&file.tap, queue, false, &rtnl)?;
            } else {
                return Err(EINVAL);
            }
        }
        uapi::TUNGETFEATURES => put(arg, u32::from(FIXED | CHOOSABLE))?,
        uapi::TUNSETSNDBUF => match get::<i32>(arg)? {
            bytes @ 1.. => queue.set_sndbuf(bytes),
            _ => return Err(EINVAL),
        },
        uapi::TUNSETOFFLOAD => {
            let offloads = offload::parse(arg)?;
            let rtnl = rtnl::lock(unlocked);
            dev(file, &rtnl)?;
            file.tap.offloads.set(offloads);
        }
        uapi::TUNGETVNETHDRSZ => {
            // CAST: It was set as an `i32`.
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
            let len = queue.vnet_hdr_len() as i32;
            put(arg, len)?;
        }
        uapi::TUNSETVNETHDRSZ => queue.set_vnet_hdr_len(get(arg)?)?,
        uapi::TUNGETVNETLE => put(arg, i32::from(queue.is_little_endian()))?,
        uapi::TUNSETVNETLE => queue.set_little_endian(get::<i32>(arg)? != 0),
        uapi::SIOCGIFHWADDR => {
            let rtnl = rtnl::lock(unlocked);
            let dev = dev(file, &rtnl)?;
            let (name, mac) = (dev.name(&rtnl), dev.mac());
            drop(rtnl);
            put_bytes(arg, name.as_array())?;
            put_bytes(arg.wrapping_add(IFR_DATA), &sockaddr(mac))?;
        }
        uapi::SIOCSIFHWADDR => {
            let addr: [u8; 16] = get(arg.wrapping_add(IFR_DATA))?;
            let rtnl = rtnl::lock(unlocked);
            set_mac(dev(file, &rtnl)?, &addr, &rtnl)?;
        }
        uapi::TAP_GET_SOCKET => {
            let socket = open.socket()?;
            queue::move_to_socket(queue, open.process());
            return Ok(socket.install());
        }
        _ => return Err(EINVAL),
    }
    Ok(0)
}

/// The device of a file; [`ENOLINK`] if it is gone.
fn dev<'a>(file: &'a TapFile, rtnl: &'a Rtnl) -> Result<&'a Registered<NetDevice>> {
    let dev = file.tap.dev_rtnl(rtnl).ok_or(ENOLINK)?;
    dev.registered(rtnl).ok_or(ENOLINK)
}

/// Changes the address, which needs the rights that `ip link set` needs.
fn set_mac(dev: &Registered<NetDevice>, addr: &[u8; 16], rtnl: &Rtnl) -> Result {
    let [family_0, family_1, a, b, c, d, e, f, ..] = *addr;
    if !dev.net(rtnl).admin_capable() {
        return Err(EPERM);
    }
    let family = u16::from_ne_bytes([family_0, family_1]);
    dev.set_mac_address_user(family, Mac::from_bytes(&[a, b, c, d, e, f]), rtnl)
}

/// A MAC address as a `struct sockaddr`.
fn sockaddr(mac: Mac) -> [u8; 16] {
    let [family_0, family_1] = uapi::ARPHRD_ETHER.to_ne_bytes();
    let [a, b, c, d, e, f] = mac.to_bytes();
    [family_0, family_1, a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// Reads a value from user space.
fn get<T: FromBytes>(addr: usize) -> Result<T> {
    UserSlice::new(UserPtr::from_addr(addr), size_of::<T>())
        .reader()
        .read()
}

/// Writes a value to user space.
fn put<T: AsBytes>(addr: usize, value: T) -> Result {
    UserSlice::new(UserPtr::from_addr(addr), size_of::<T>())
        .writer()
        .write(&value)
}

/// Writes bytes to user space.
fn put_bytes(addr: usize, bytes: &[u8; 16]) -> Result {
    UserSlice::new(UserPtr::from_addr(addr), bytes.len())
        .writer()
        .write_slice(bytes)
}
