// SPDX-License-Identifier: GPL-2.0

//! From a C callback to [`NetDeviceOps`]: the private area of a device, and its tables of functions.

#[cfg(CONFIG_NET_POLL_CONTROLLER)]
use super::link::netpoll_callbacks::NetpollCallbacks;
use super::{
    ethtool,
    features::Features,
    mac::Mac,
    net_device_ops::{
        private::Sealed,
        NetDeviceOps,
        RxMode,
        XmitContext, //
    },
    netdevice::{
        DevFlags,
        Link, //
    },
    skbuff::SkBuff,
    stats::LinkStats64, //
};
use crate::{
    bindings,
    context::{
        Bh,
        Rcu, //
    },
    net::link::{
        priv_callbacks::{
            registered,
            PrivCallbacks, //
        },
        private_area::{
            Priv,
            EMPTY_NETDEV_OPS, //
        },
        stacked_callbacks::StackedCallbacks, //
    },
};
use core::{
    marker::PhantomData,
    mem::align_of,
    ptr, //
};
use kernel::{
    error::from_result,
    prelude::*,
    sync::{
        atomic::ordering::Release,
        rcu, //
    },
};

/// Writes the private data and installs the operations that go with it.
///
/// # Safety
///
/// `dev` must be allocated with a private area of at least `priv_size::<T>()` bytes, not registered,
/// and not yet initialised.
pub(crate) unsafe fn priv_init<T: NetDeviceOps>(
    dev: *mut bindings::net_device,
    init: impl PinInit<T, Error>,
) -> Result {
    // The private area is aligned like the structure that it ends, to a cache line.
    const { assert!(align_of::<Priv<T>>() <= align_of::<bindings::net_device>()) };

    let area = Priv::<T>::of(dev);
    // SAFETY: The area is large enough by the caller's guarantee; the data stays where it is until
    // it is dropped, as the device itself does not move.
    unsafe { ::pin_init::raw_try_init(ptr::addr_of_mut!((*area).data).cast::<T>(), init)? };
    // SAFETY: The device is ours and unregistered; both tables are static.
    unsafe {
        (*dev).netdev_ops = Ops::<T>::NETDEV;
        (*dev).ethtool_ops = ethtool::callbacks::Ops::<T>::TABLE;
        if T::HAS_SET_XDP {
            (*dev).xdp_metadata_ops = super::xdp::metadata::OPS;
        }
        if T::HAS_LOWER_DEV {
            (*dev).header_ops = StackedCallbacks::<T>::HEADER;
            // Such packets do not get to `start_xmit`.
            #[cfg(CONFIG_NET_POLL_CONTROLLER)]
            bindings::netdev_set_priv_flags(
                dev,
                0,
                bindings::netdev_priv_flags_IFF_DISABLE_NETPOLL,
            );
        }
        if <T::Counters as Sealed>::TSTATS {
            bindings::netdev_use_tstats(dev);
        }
    }
    // INVARIANT: The data is initialised.
    // SAFETY: The area is valid.
    unsafe { (*area).ops.store(PrivCallbacks::<T>::TABLE, Release) };
    Ok(())
}

/// The C callbacks of devices with data of type `T`.
///
/// Each gets `dev` from the core, which only calls it for a device that is, was or is being registered
/// with these operations, hence initialised by [`priv_init`], and not yet freed.
struct Ops<T>(PhantomData<T>);

impl<T: NetDeviceOps> Ops<T> {
    const NETDEV: &'static bindings::net_device_ops = &bindings::net_device_ops {
        ndo_init: Some(Self::init_callback),
        ndo_uninit: Some(Self::uninit_callback),
        ndo_open: Some(Self::open_callback),
        ndo_stop: Some(Self::stop_callback),
        ndo_start_xmit: Some(Self::start_xmit_callback),
        ndo_get_stats64: Some(Self::get_stats64_callback),
        ndo_get_iflink: Some(Self::get_iflink_callback),
        ndo_set_mac_address: if T::MAC_IS_LOWERS {
            None
        } else if T::HAS_SET_MAC_ADDRESS {
            Some(Self::set_mac_address_callback)
        } else {
            Some(bindings::eth_mac_addr)
        },
        ndo_validate_addr: if T::HAS_LOWER_DEV && !T::MAC_IS_LOWERS {
            Some(bindings::eth_validate_addr)
        } else {
            None
        },
        ndo_change_mtu: if T::HAS_CHANGE_MTU {
            Some(Self::change_mtu_callback)
        } else {
            None
        },
        ndo_change_rx_flags: if T::HAS_CHANGE_RX_FLAGS {
            Some(Self::change_rx_flags_callback)
        } else {
            None
        },
        ndo_fix_features: if T::HAS_FIX_FEATURES {
            Some(Self::fix_features_callback)
        } else {
            None
        },
        ndo_tx_timeout: if T::HAS_TX_TIMEOUT {
            Some(Self::tx_timeout_callback)
        } else {
            None
        },
        ndo_set_features: if T::HAS_SET_FEATURES {
            Some(Self::set_features_callback)
        } else {
            None
        },
        ndo_vlan_rx_add_vid: if T::HAS_LOWER_DEV {
            Some(StackedCallbacks::<T>::vlan_rx_add_vid_callback)
        } else {
            None
        },
        ndo_vlan_rx_kill_vid: if T::HAS_LOWER_DEV {
            Some(StackedCallbacks::<T>::vlan_rx_kill_vid_callback)
        } else {
            None
        },
        ndo_hwtstamp_get: if T::HAS_LOWER_DEV {
            Some(StackedCallbacks::<T>::hwtstamp_get_callback)
        } else {
            None
        },
        ndo_hwtstamp_set: if T::HAS_LOWER_DEV {
            Some(StackedCallbacks::<T>::hwtstamp_set_callback)
        } else {
            None
        },
        ndo_fdb_add: if T::HAS_FDB_ADD {
            Some(Self::fdb_add_callback)
        } else {
            None
        },
        ndo_fdb_del: if T::HAS_FDB_DEL {
            Some(Self::fdb_del_callback)
        } else {
            None
        },
        ndo_fdb_dump: if T::HAS_FDB_ADD {
            Some(bindings::ndo_dflt_fdb_dump)
        } else {
            None
        },
        ndo_set_rx_mode: Some(Self::set_rx_mode_callback),
        #[cfg(CONFIG_NET_POLL_CONTROLLER)]
        ndo_poll_controller: if T::HAS_LOWER_DEV {
            Some(NetpollCallbacks::<T>::poll_controller_callback)
        } else {
            None
        },
        #[cfg(CONFIG_NET_POLL_CONTROLLER)]
        ndo_netpoll_setup: if T::HAS_LOWER_DEV {
            Some(NetpollCallbacks::<T>::netpoll_setup_callback)
        } else {
            None
        },
        #[cfg(CONFIG_NET_POLL_CONTROLLER)]
        ndo_netpoll_cleanup: if T::HAS_LOWER_DEV {
            Some(NetpollCallbacks::<T>::netpoll_cleanup_callback)
        } else {
            None
        },
        ndo_features_check: Some(bindings::passthru_features_check),
        ndo_set_rx_headroom: if T::HAS_SET_RX_HEADROOM {
            Some(Self::set_rx_headroom_callback)
        } else {
            None
        },
        ndo_bpf: if T::HAS_SET_XDP {
            Some(super::xdp::callbacks::Ops::<T>::bpf_callback)
        } else {
            None
        },
        ndo_xdp_xmit: if T::HAS_XDP_XMIT {
            Some(super::xdp::callbacks::Ops::<T>::xdp_xmit_callback)
        } else {
            None
        },
        ndo_get_peer_dev: if T::HAS_GET_PEER_DEV {
            Some(Self::get_peer_dev_callback)
        } else {
            None
        },
        ..*EMPTY_NETDEV_OPS
    };

    /// Features that need an operation which devices of this type do not have.
    const IMPOSSIBLE: Features = if T::HAS_LOWER_DEV {
        Features(0)
    } else {
        Features::VLAN_FILTER
    };

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn init_callback(dev: *mut bindings::net_device) -> c_int {
        // SAFETY: The device is being registered and nobody uses it yet.
        unsafe {
            (*dev).features &= !Self::IMPOSSIBLE.0;
            (*dev).hw_features &= !Self::IMPOSSIBLE.0;
            if T::HAS_LOWER_DEV {
                bindings::netdev_lockdep_set_stacked_classes(dev);
            } else {
                bindings::netdev_lockdep_set_classes(dev);
            }
        }
        0
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn uninit_callback(dev: *mut bindings::net_device) {
        // Not so if registering it has failed: nobody has a reference then, the core has freed its
        // counters, and would not wait for what took a reference now.
        // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL.
        if let Some((dev, rtnl)) = unsafe { registered::<T>(dev) } {
            T::uninit(dev, rtnl);
        }
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn open_callback(dev: *mut bindings::net_device) -> c_int {
        from_result(|| {
            // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            T::open(dev, rtnl).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn stop_callback(dev: *mut bindings::net_device) -> c_int {
        // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL, before the device is unregistered.
        if let Some((dev, rtnl)) = unsafe { registered::<T>(dev) } {
            T::stop(dev, rtnl);
        }
        0
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn start_xmit_callback(
        skb: *mut bindings::sk_buff,
        dev: *mut bindings::net_device,
    ) -> bindings::netdev_tx_t {
        #[cfg(CONFIG_NET_POLL_CONTROLLER)]
        // SAFETY: The device is valid.
        if T::HAS_LOWER_DEV && unsafe { bindings::netpoll_tx_running(dev) } {
            // SAFETY: Interrupts are disabled, and the core gives the packet up. The private area is
            // that of this type.
            return unsafe { (*Priv::<T>::of(dev)).netpoll.send(skb) };
        }
        // INVARIANT: The core calls this for a device that is up, with softirqs disabled, as
        // Documentation/networking/netdevices.rst promises; netpoll, which would not, was dealt with
        // above, or is refused by IFF_DISABLE_NETPOLL.
        // SAFETY: A device is being transmitted on, with softirqs disabled, until this returns.
        let cx = unsafe { XmitContext::assume(skb) };
        // SAFETY: By the caller's guarantee the device is of this type; and the core gives up its
        // reference to the skb, whose `dev` is this device. Nobody else writes to the header: pktgen, which may hold
        // another reference, only reads the count, since IFF_TX_SKB_SHARING is off.
        let (dev, skb) = unsafe { (Link::<T>::from_raw(dev), SkBuff::from_raw(skb)) };
        T::start_xmit(dev, skb, &cx).number()
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn get_stats64_callback(
        dev: *mut bindings::net_device,
        stats: *mut bindings::rtnl_link_stats64,
    ) {
        // SAFETY: By the caller's guarantee the device is of this type; `stats` is the caller's own, zeroed. Not every caller of
        // `dev_get_stats()` is in an RCU section, so there is one here.
        let (dev, stats) = unsafe { (Link::<T>::from_raw(dev), LinkStats64::from_raw(stats)) };
        T::get_stats64(dev, stats, Rcu::new(&rcu::read_lock()));
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn get_iflink_callback(dev: *const bindings::net_device) -> c_int {
        // SAFETY: By the caller's guarantee the device is of this type. Neither RTNL nor RCU is held when sysfs asks.
        let dev = unsafe { Link::<T>::from_raw(dev.cast_mut()) };
        if T::HAS_LOWER_DEV {
            return T::lower_dev(dev).ifindex();
        }
        T::get_iflink(dev, Rcu::new(&rcu::read_lock()))
    }

    /// Its being there makes changes of the multicast list and of promiscuity succeed, even if there
    /// is no filter to set.
    ///
    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn set_rx_mode_callback(dev: *mut bindings::net_device) {
        if T::HAS_SET_RX_MODE {
            // SAFETY: By the caller's guarantee the device is of this type; the core has locked the device's address lists.
            unsafe {
                let dev = Link::<T>::from_raw(dev);
                T::set_rx_mode(dev, &RxMode::assume(dev));
            }
        }
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn change_rx_flags_callback(dev: *mut bindings::net_device, changed: c_int) {
        // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL.
        if let Some((dev, rtnl)) = unsafe { registered::<T>(dev) } {
            // CAST: A set of flags.
            T::change_rx_flags(dev, DevFlags(changed as u32), rtnl);
        }
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn set_mac_address_callback(
        dev: *mut bindings::net_device,
        addr: *mut c_void,
    ) -> c_int {
        // SAFETY: The core passes a `struct sockaddr_storage`: a family, and an address of the
        // device's length.
        let mac = Mac::from_bytes(unsafe { &*addr.cast::<u8>().add(2).cast::<[u8; 6]>() });
        from_result(|| {
            // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            if !mac.is_valid() {
                return Err(EADDRNOTAVAIL);
            }
            T::set_mac_address(dev, mac, rtnl).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn change_mtu_callback(dev: *mut bindings::net_device, mtu: c_int) -> c_int {
        from_result(|| {
            // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            let mtu = u32::try_from(mtu).map_err(|_| EINVAL)?;
            T::change_mtu(dev, mtu, rtnl).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn fix_features_callback(
        dev: *mut bindings::net_device,
        wanted: bindings::netdev_features_t,
    ) -> bindings::netdev_features_t {
        // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL.
        let Some((dev, rtnl)) = (unsafe { registered::<T>(dev) }) else {
            return wanted;
        };
        // What the driver adds must be something that software can do.
        let wanted = Features(wanted);
        T::fix_features(dev, wanted, rtnl)
            .and(wanted.with(Features::KNOWN))
            .without(Self::IMPOSSIBLE)
            .0
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn tx_timeout_callback(dev: *mut bindings::net_device, queue: c_uint) {
        // SAFETY: By the caller's guarantee. The core calls this from a timer, so in a softirq.
        let (dev, cx) = unsafe { (Link::<T>::from_raw(dev), (Rcu::assume(), Bh::assume())) };
        T::tx_timeout(dev, u16::try_from(queue).unwrap_or(u16::MAX), cx);
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn set_features_callback(
        dev: *mut bindings::net_device,
        features: bindings::netdev_features_t,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the caller's guarantee, and the core calls this under RTNL.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            T::set_features(dev, Features(features), rtnl).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn fdb_add_callback(
        _ndm: *mut bindings::ndmsg,
        _tb: *mut *mut bindings::nlattr,
        dev: *mut bindings::net_device,
        addr: *const c_uchar,
        _vid: u16,
        flags: u16,
        _notified: *mut bool,
        _extack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The core passes an address of six bytes.
        let mac = Mac::from_bytes(unsafe { &*addr.cast::<[u8; 6]>() });
        let replace = u32::from(flags) & bindings::NLM_F_REPLACE != 0;
        from_result(|| {
            // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            T::fdb_add(dev, mac, replace, rtnl).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn fdb_del_callback(
        _ndm: *mut bindings::ndmsg,
        _tb: *mut *mut bindings::nlattr,
        dev: *mut bindings::net_device,
        addr: *const c_uchar,
        _vid: u16,
        _notified: *mut bool,
        _extack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The core passes an address of six bytes.
        let mac = Mac::from_bytes(unsafe { &*addr.cast::<[u8; 6]>() });
        from_result(|| {
            // SAFETY: By the caller's guarantee the device is of this type. The core calls this under RTNL.
            let (dev, rtnl) = unsafe { registered::<T>(dev) }.ok_or(ENODEV)?;
            T::fdb_del(dev, mac, rtnl).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn set_rx_headroom_callback(dev: *mut bindings::net_device, headroom: c_int) {
        // SAFETY: By the caller's guarantee the device is of this type.
        let dev = unsafe { Link::<T>::from_raw(dev) };
        T::set_rx_headroom(dev, headroom, Rcu::new(&rcu::read_lock()));
    }

    /// # Safety
    ///
    /// To be called by the core for a device of this type.
    unsafe extern "C" fn get_peer_dev_callback(
        dev: *mut bindings::net_device,
    ) -> *mut bindings::net_device {
        // SAFETY: By the caller's guarantee the device is of this type. `skb_do_redirect()` calls this from a classifier, with softirqs
        // disabled, and uses the result in the same section.
        let (dev, rcu) = unsafe { (Link::<T>::from_raw(dev), Rcu::assume()) };
        T::get_peer_dev(dev, rcu).map_or(ptr::null_mut(), |peer| peer.as_ptr())
    }
}
