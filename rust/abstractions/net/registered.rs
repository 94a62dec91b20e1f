// SPDX-License-Identifier: GPL-2.0

//! Net devices that are registered: what reaches a device's driver, its namespace, its neighbours.
//!
//! A device that was unregistered may stay in memory for long, because somebody holds it. Its driver has
//! freed by then what its operations need (`ndo_uninit`), and its namespace may be gone. C's core does
//! not always look, so here the type says it.
//!
//! C: `register_netdevice()`, `unregister_netdevice_many()`, `netdev_run_todo()` in `net/core/dev.c`

use super::{
    mac::Mac,
    namespace::Net,
    netdevice::{
        sockaddr,
        DevFlags,
        Link,
        NetDevice, //
    },
    rtnl::Rtnl, //
};
use crate::bindings;
use core::{
    ops::Deref,
    ptr, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::NotThreadSafe, //
};

mod private {
    pub trait Sealed {}
}

/// What a reference to a device is a reference to: a [`NetDevice`], or a [`Link`] if its driver is known.
///
/// # Context
///
/// Any; does not sleep.
pub trait Device: private::Sealed {
    /// Returns the device.
    fn as_dev(&self) -> &NetDevice;
}

impl private::Sealed for NetDevice {}
impl Device for NetDevice {
    #[inline]
    fn as_dev(&self) -> &NetDevice {
        self
    }
}

impl<T> private::Sealed for Link<T> {}
impl<T> Device for Link<T> {
    #[inline]
    fn as_dev(&self) -> &NetDevice {
        self
    }
}

/// A device, a [`NetDevice`] or a [`Link`], that is registered.
///
/// It may be unregistered while it is referred to: by a call that re-enters drivers, from whose listeners
/// somebody deletes it. Until RTNL is released that is no harm to its namespace, and the core still waits
/// for what refers to it. Methods that call its driver look again, and say [`ENODEV`] then.
///
/// # Context
///
/// Process, RTNL. May sleep, where it does not say otherwise.
///
/// # Invariants
///
/// While a reference exists RTNL is held, and since it was taken the device has been registered
/// (`NETREG_REGISTERED`) at some time.
#[repr(transparent)]
pub struct Registered<D: Device> {
    dev: D,
    _here: NotThreadSafe,
}

/// Whether `dev` is registered, or is just being unregistered by who holds RTNL.
fn is_registered(dev: &NetDevice, _rtnl: &Rtnl) -> bool {
    // SAFETY: The device is valid. Its state changes under RTNL, except that `netdev_run_todo()`, whose
    // list it is put on before RTNL is released, makes it `NETREG_UNREGISTERED` afterwards.
    unsafe { bindings::netdev_is_registered_rtnl(dev.as_ptr()) }
}

impl NetDevice {
    /// Returns the device as a registered one; `None` if it is not.
    pub fn registered<'a>(&'a self, rtnl: &'a Rtnl) -> Option<&'a Registered<Self>> {
        // INVARIANT: RTNL is held during `'a`, and the device's state is as the type says.
        // SAFETY: The device was registered when that was looked at, under the RTNL that is held during `'a`.
        is_registered(self, rtnl).then(|| unsafe { Registered::assume(self) })
    }
}

impl<T> Link<T> {
    /// Returns the device as a registered one; `None` if it is not.
    pub fn registered<'a>(&'a self, rtnl: &'a Rtnl) -> Option<&'a Registered<Self>> {
        // SAFETY: RTNL is held during `'a`, and the device's state is as the type says.
        is_registered(self, rtnl).then(|| unsafe { Registered::assume(self) })
    }
}

impl<D: Device> Registered<D> {
    /// Assumes that a device is registered.
    ///
    /// # Safety
    ///
    /// It must be as the type's invariants say, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn assume<'a>(dev: &'a D) -> &'a Self {
        // CAST: `Registered` is a transparent wrapper.
        // SAFETY: Guaranteed by the caller.
        unsafe { &*ptr::from_ref(dev).cast() }
    }

    /// The device's address, for a function that calls its driver; [`ENODEV`] if it is not registered
    /// any more.
    fn live(&self) -> Result<*mut bindings::net_device> {
        let dev = self.as_dev().as_ptr();
        // SAFETY: The device is valid; RTNL is held, under which its state changes.
        let state = bindings::netdev_reg_state::from(unsafe { (*dev).reg_state });
        if state == bindings::netdev_reg_state_NETREG_REGISTERED {
            Ok(dev)
        } else {
            Err(ENODEV)
        }
    }

    /// Returns whether the device is on its way out: it was taken down and out of its namespace's list, and
    /// who listens is told so (`NETREG_UNREGISTERING`). Not so if it only moves to another namespace.
    pub fn is_unregistering(&self) -> bool {
        self.live().is_err()
    }

    /// Returns the namespace that the device is in; it cannot change, or be freed, while RTNL is held.
    #[inline]
    pub fn net<'a>(&self, _rtnl: &'a Rtnl) -> &'a Net {
        // SAFETY: The device was registered since RTNL was taken, and the end of a namespace takes RTNL
        // to remove its devices (`default_device_exit_batch()`) before it is freed;
        // `dev_change_net_namespace()` takes it, too.
        unsafe { Net::from_raw(bindings::dev_net(self.as_dev().as_ptr())) }
    }

    /// Asks for all packets, or takes one such wish back (`dev_set_promiscuity()`). Re-enters drivers
    /// and notifiers. [`ENODEV`] if the device is not registered any more: then nothing is left to take
    /// back.
    pub fn set_promiscuity(&self, on: bool, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // SAFETY: The device is registered, and RTNL is held.
        to_result(unsafe { bindings::dev_set_promiscuity(dev, step(on)) })
    }

    /// Asks for all multicast packets, or takes one such wish back (`dev_set_allmulti()`). Re-enters
    /// drivers and notifiers. [`ENODEV`] as for [`set_promiscuity`](Self::set_promiscuity).
    pub fn set_allmulti(&self, on: bool, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // SAFETY: The device is registered, and RTNL is held.
        to_result(unsafe { bindings::dev_set_allmulti(dev, step(on)) })
    }

    /// Adds a unicast address that the device is to receive packets for (`dev_uc_add()`). [`ENODEV`] if it
    /// is not registered any more.
    pub fn uc_add(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // SAFETY: The device is registered, so that the list is emptied when it goes; no device has longer
        // addresses; the function takes the list's lock.
        to_result(unsafe { bindings::dev_uc_add(dev, padded(mac).as_ptr()) })
    }

    /// Takes one such address back (`dev_uc_del()`); [`ENOENT`] if it is not there, [`ENODEV`] as above.
    pub fn uc_del(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // SAFETY: The device is registered, and no device has longer addresses.
        to_result(unsafe { bindings::dev_uc_del(dev, padded(mac).as_ptr()) })
    }

    /// Does as [`uc_add`](Self::uc_add), but [`EEXIST`] if it is there (`dev_uc_add_excl()`).
    pub fn uc_add_excl(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // SAFETY: The device is registered, and no device has longer addresses.
        to_result(unsafe { bindings::dev_uc_add_excl(dev, padded(mac).as_ptr()) })
    }

    /// Adds a multicast address; [`EEXIST`] if it is there (`dev_mc_add_excl()`), [`ENODEV`] if the device
    /// is not registered any more.
    pub fn mc_add_excl(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // SAFETY: The device is registered, so that the list is emptied when it goes; no device has longer
        // addresses.
        to_result(unsafe { bindings::dev_mc_add_excl(dev, padded(mac).as_ptr()) })
    }

    /// Takes a multicast address back (`dev_mc_del()`); [`ENOENT`] if it is not there, [`ENODEV`] as above.
    pub fn mc_del(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // SAFETY: The device is registered, and no device has longer addresses.
        to_result(unsafe { bindings::dev_mc_del(dev, padded(mac).as_ptr()) })
    }

    /// Changes the MAC address (`dev_set_mac_address()`), for somebody who was asked to change another
    /// device's. Re-enters drivers and notifiers. [`ENODEV`] if the device is not registered any more.
    pub fn set_mac_address(&self, mac: Mac, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        #[allow(clippy::cast_possible_truncation)]
        let mut addr = sockaddr(bindings::ARPHRD_ETHER as u16, mac);
        // SAFETY: The device is registered, so that its driver has not undone itself yet: the core does
        // not look. RTNL is held, and the structure has room for any address.
        to_result(unsafe { bindings::dev_set_mac_address(dev, &mut addr, ptr::null_mut()) })
    }

    /// Changes the address for a user (`dev_set_mac_address_user()`): who reads it without RTNL sees the old
    /// one or the new one. [`EINVAL`] if the family is not that of the device (`ARPHRD_*`).
    pub fn set_mac_address_user(&self, family: u16, mac: Mac, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        let mut addr = sockaddr(family, mac);
        // SAFETY: The device is registered, RTNL is held, and nobody who was asked to change an address is
        // here, who would hold the semaphore that is taken.
        to_result(unsafe { bindings::dev_set_mac_address_user(dev, &mut addr, ptr::null_mut()) })
    }

    /// Changes the MTU as if the user had (`dev_set_mtu()`). Re-enters drivers and notifiers. [`ENODEV`] if
    /// the device is not registered any more.
    pub fn set_mtu(&self, mtu: u32, _rtnl: &Rtnl) -> Result {
        let mtu = c_int::try_from(mtu).map_err(|_| EINVAL)?;
        let dev = self.live()?;
        // SAFETY: The device is registered, and RTNL is held.
        to_result(unsafe { bindings::dev_set_mtu(dev, mtu) })
    }
}

/// A driver's own devices.
impl<T> Registered<Link<T>> {
    /// Switches address resolution on or off, as if the user had (`dev_change_flags()`). Re-enters
    /// notifiers. [`ENODEV`] if the device is not registered any more.
    pub fn set_arp(&self, on: bool, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // What packet sockets have switched on is not the user's wish, and stays theirs.
        // SAFETY: The device is registered, and RTNL is held.
        to_result(unsafe {
            let flags = DevFlags(bindings::netif_get_flags(dev)).with_arp(on).0;
            bindings::dev_change_flags(dev, flags, ptr::null_mut())
        })
    }

    /// Takes over carrier and the like from the device below (`netif_stacked_transfer_operstate()`).
    pub fn transfer_operstate(&self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: Both devices are valid. The link watch may take a reference to this one, which the core
        // waits for, as it was registered.
        unsafe { bindings::netif_stacked_transfer_operstate(lower.as_ptr(), self.as_ptr()) };
    }

    /// Has the link watch look at the device soon, and tell user space (`linkwatch_fire_event()`).
    pub fn linkwatch_fire_event(&self, _rtnl: &Rtnl) {
        // SAFETY: The device is valid. The link watch takes a reference to it, which the core waits for, as
        // it was registered.
        unsafe { bindings::linkwatch_fire_event(self.as_ptr()) };
    }

    /// Changes the numbers of active queues, or on failure neither: [`EINVAL`] if one is 0 or more than were
    /// allocated; [`ENOMEM`]; [`ENODEV`] if the device is not registered any more. May sleep.
    pub fn set_real_num_queues(&self, tx: u16, rx: u16, _rtnl: &Rtnl) -> Result {
        let dev = self.live()?;
        // SAFETY: The device is registered, and RTNL is held; the function checks the numbers.
        to_result(unsafe { bindings::netif_set_real_num_queues(dev, tx.into(), rx.into()) })
    }

    /// Computes the features again (`netdev_update_features()`). Re-enters `fix_features`, and notifiers.
    pub fn update_features(&self, _rtnl: &Rtnl) {
        if let Ok(dev) = self.live() {
            // SAFETY: The device is registered, and RTNL is held.
            unsafe { bindings::netdev_update_features(dev) };
        }
    }

    /// Switches GRO off, as if the user had. May sleep; re-enters `fix_features`, and notifiers.
    pub fn disable_gro(&self, rtnl: &Rtnl) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid, and these fields are written under RTNL only.
        unsafe {
            (*dev).wanted_features &= !bindings::NETIF_F_GRO;
            (*dev).features &= !bindings::NETIF_F_GRO;
        }
        self.update_features(rtnl);
    }

    /// Tells those who listen to this device what happened to the device below.
    pub fn relay(&self, event: Relayed, _rtnl: &Rtnl) {
        if let Ok(dev) = self.live() {
            // SAFETY: The device is registered, and RTNL is held. Of these events the chain is told nothing
            // but the device, so that nobody looks behind the structure that this function passes.
            unsafe { bindings::call_netdevice_notifiers(event.number(), dev) };
        }
    }

    /// Takes over the MTU of the device below, and tells of it: also one that users could not set here,
    /// or that somebody minds, for nothing larger can be sent. Re-enters drivers and notifiers.
    pub fn follow_mtu(&self, mtu: u32, rtnl: &Rtnl) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid; the limits are read under RTNL.
        let (min, max) = unsafe { ((*dev).min_mtu, (*dev).max_mtu) };
        let is_refused = mtu < min || max != 0 && mtu > max;
        if is_refused {
            // Whoever listens is told of these, too: they are as near to the true ones as they can be.
            // SAFETY: The device is valid; the limits are written under RTNL.
            unsafe {
                (*dev).min_mtu = min.min(mtu);
                (*dev).max_mtu = if max == 0 { 0 } else { max.max(mtu) };
            }
        }
        if self.set_mtu(mtu, rtnl).is_err() {
            self.write_mtu(mtu, rtnl);
        }
        if is_refused {
            // SAFETY: The device is still valid, and RTNL held.
            unsafe { ((*dev).min_mtu, (*dev).max_mtu) = (min, max) };
            // Tells of the true ones, if it is up.
            self.linkwatch_fire_event(rtnl);
        }
    }

    /// Returns whether the requester, if in another namespace than `net`, may administer that one, too
    /// (`rtnl_dev_link_net_capable()`).
    pub fn link_net_capable(&self, net: &Net, _rtnl: &Rtnl) -> bool {
        // SAFETY: Both are valid, and so is the device's namespace.
        unsafe { bindings::rtnl_dev_link_net_capable(self.as_ptr(), net.as_ptr()) }
    }
}

impl<D: Device> Deref for Registered<D> {
    type Target = D;

    #[inline]
    fn deref(&self) -> &D {
        &self.dev
    }
}

/// What happens to a device below that those should hear of who listen to one on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relayed {
    /// Peers are to be told of its addresses again (`NETDEV_NOTIFY_PEERS`).
    NotifyPeers,
    /// A bond has taken another of its devices into use (`NETDEV_BONDING_FAILOVER`).
    BondingFailover,
    /// Multicast groups are to be joined again (`NETDEV_RESEND_IGMP`).
    ResendIgmp,
    /// Its address has changed (`NETDEV_CHANGEADDR`).
    ChangeAddr,
}

impl Relayed {
    /// The number in `enum netdev_cmd`.
    const fn number(self) -> c_ulong {
        // CAST: Small positive numbers.
        (match self {
            Self::NotifyPeers => bindings::netdev_cmd_NETDEV_NOTIFY_PEERS,
            Self::BondingFailover => bindings::netdev_cmd_NETDEV_BONDING_FAILOVER,
            Self::ResendIgmp => bindings::netdev_cmd_NETDEV_RESEND_IGMP,
            Self::ChangeAddr => bindings::netdev_cmd_NETDEV_CHANGEADDR,
        }) as c_ulong
    }
}

/// An address with zeros behind it, as long as the longest that a device can have.
fn padded(mac: Mac) -> [u8; bindings::MAX_ADDR_LEN as usize] {
    let mut bytes = [0; bindings::MAX_ADDR_LEN as usize];
    if let Some(start) = bytes.first_chunk_mut::<6>() {
        *start = mac.to_bytes();
    }
    bytes
}

/// What is added to a counter of wishes.
const fn step(on: bool) -> c_int {
    if on {
        1
    } else {
        -1
    }
}
