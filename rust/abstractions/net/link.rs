// SPDX-License-Identifier: GPL-2.0

//! A kind of link: what `ip link add … type KIND` reaches.
//!
//! A [`RtnlLinkOps`] says what is common to all devices of a kind and makes new ones; what a device
//! does afterwards is up to the [`NetDeviceOps`](super::net_device_ops::NetDeviceOps) of its private
//! data, and one kind may have devices of several types.
//!
//! C header: [`include/net/rtnetlink.h`](srctree/include/net/rtnetlink.h)

mod identity;
pub mod ifla;
mod kinds;
#[cfg(CONFIG_NET_POLL_CONTROLLER)]
pub(crate) mod netpoll_callbacks;
mod new_device;
mod newlink;
mod peer_info;
pub(crate) mod priv_callbacks;
pub(crate) mod private_area;
mod setup_device;
pub(crate) mod stacked_callbacks;
mod unregister_list;

use super::{
    ethtool::DriverInfo,
    netdevice::NetDevice,
    nlattr::{
        AttrWriter,
        Attrs,
        ExtAck,
        LinkAttrs,
        Policy, //
    },
    registered::Registered,
    rtnl::Rtnl, //
};
use crate::{
    bindings,
    context::Rcu, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use identity::setup_callback;
use kernel::{
    error::{
        from_result,
        VTABLE_DEFAULT_ERROR, //
    },
    prelude::*,
    sync::rcu, //
};
use new_device::unwind;
use private_area::PrivOps;

pub use identity::downcast;
pub use kinds::Kind;
pub use new_device::{
    Configured,
    Finished,
    FromCore,
    Initialised,
    NewDevice,
    Owned,
    Owner,
    Unfinished, //
};
pub use newlink::NewLinkParams;
pub use peer_info::PeerInfo;
pub(crate) use priv_callbacks::delete_links;
pub use private_area::priv_size;
pub use setup_device::{
    PrivFlags,
    SetupDevice, //
};
pub use unregister_list::UnregisterList;

/// Smallest MTU of an Ethernet device (`ETH_MIN_MTU`).
pub const ETH_MIN_MTU: u32 = bindings::ETH_MIN_MTU;
/// Largest MTU of an Ethernet device (`ETH_MAX_MTU`).
pub const ETH_MAX_MTU: u32 = bindings::ETH_MAX_MTU;

pub use super::mac::is_valid_ether_addr;

/// The most queues that a device can have each way.
const MAX_QUEUES: u32 = 4096;

/// Returns the number of CPUs that there can be (`num_possible_cpus()`).
///
/// # Context
///
/// Any; does not sleep.
pub fn num_possible_cpus() -> u32 {
    // SAFETY: May be called at any time.
    unsafe { bindings::num_possible_cpus() }
}

/// Returns whether the requester may administer the network of the whole machine (`capable()`).
///
/// # Context
///
/// Process. May sleep.
pub fn capable_net_admin() -> bool {
    // SAFETY: May be called by anybody who can sleep.
    unsafe { bindings::capable_net_admin() }
}

/// A kind of link (`struct rtnl_link_ops`).
///
/// # Context
///
/// Process. Where there is a [`Rtnl`] it is held. May sleep, but for [`get_size`](Self::get_size) and
/// [`fill_xstats`](Self::fill_xstats), which may be called in an RCU section.
#[vtable]
pub trait RtnlLinkOps: Sized + 'static {
    /// The word after `type`.
    const KIND: &'static CStr;

    /// The name of a device that was given none; `%d` becomes the lowest free number.
    const NAME_TEMPLATE: &'static CStr;

    /// Validation of the kind's own attributes, one row for each number from 0 on.
    const POLICY: &'static [Policy];

    /// What `ethtool -i` says of the kind's devices.
    const DRIVER: DriverInfo;

    /// The attribute, if there is one, with the attributes of a second device that is made together with
    /// the first: a `struct ifinfomsg` and link attributes. The core finds the second one's namespace there.
    const PEER: Option<u16>;

    /// Whether a device says in which namespace the one is that `IFLA_LINK` names
    /// (`rtnl_link_ops.get_link_net`).
    const TELLS_LINK_NET: bool = true;

    /// Bytes of private area: the largest [`priv_size`] of the types that the kind's devices have.
    const PRIV_SIZE: usize;

    /// Returns the number of queues of a device, each way, of which a request says nothing; at most 4096.
    fn num_queues(_tb: &LinkAttrs<'_>) -> u32 {
        1
    }

    /// Sets what the core compares a request with before it calls [`newlink`](Self::newlink), and what
    /// all devices of the kind have in common. Cannot fail.
    fn setup(dev: &mut SetupDevice<'_>, tb: &LinkAttrs<'_>);

    /// Checks attributes, without looking at any device. An error is what the user sees.
    ///
    /// Runs before RTNL is taken: for a request's own attributes, and with `data` being `None` for
    /// those of the second device.
    fn validate(tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result;

    /// Makes and registers the device that `dev` is, and what goes with it. An error is what the user sees.
    fn newlink<'a>(
        dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>>;

    /// Changes settings (`rtnl_link_ops.changelink`). Without this method the core refuses to, with
    /// [`EOPNOTSUPP`].
    fn changelink(
        _dev: &Registered<NetDevice>,
        _data: Option<&Attrs<'_>>,
        _ack: &mut ExtAck<'_>,
        _rtnl: &Rtnl,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns the room for what [`fill_info`](Self::fill_info) writes, in bytes (`rtnl_link_ops.get_size`).
    fn get_size(_dev: &NetDevice, _rcu: Rcu<'_>) -> usize {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Writes the settings into `IFLA_INFO_DATA` (`rtnl_link_ops.fill_info`). Without this method there is no
    /// such attribute. Goes together with [`get_size`](Self::get_size). [`EMSGSIZE`] if the message is full.
    fn fill_info(_dev: &NetDevice, _msg: &mut AttrWriter<'_>, _rtnl: &Rtnl) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Room for what [`fill_xstats`](Self::fill_xstats) writes, in bytes (`rtnl_link_ops.get_xstats_size`).
    const XSTATS_SIZE: usize = 0;

    /// Writes statistics of the kind's own, in one attribute [`INFO_XSTATS`](ifla::INFO_XSTATS), or nothing
    /// (`rtnl_link_ops.fill_xstats`). [`EMSGSIZE`] if the message is full. With or without RTNL.
    fn fill_xstats(_dev: &NetDevice, _msg: &mut AttrWriter<'_>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

impl Kind {
    /// Makes a kind that is not registered.
    #[allow(clippy::new_without_default)]
    pub const fn new<K: RtnlLinkOps>() -> Self {
        // SAFETY: The callbacks of the table are what the core expects, see each.
        unsafe { Self::from_ops(KindOps::<K>::TABLE, K::KIND, K::DRIVER) }
    }
}

/// The C callbacks of a kind.
struct KindOps<K>(PhantomData<K>);

impl<K: RtnlLinkOps> KindOps<K> {
    /// What the core takes for granted about the numbers of a kind.
    const CHECKS: () = {
        assert!(K::PRIV_SIZE <= c_int::MAX as usize);
        // `PrivOps::of()` reads the first field whether a device is initialised or not.
        assert!(K::PRIV_SIZE >= priv_size::<()>());
        // `rtnl_get_peer_net()` reads that entry of the table, and a header from its payload.
        if let Some(peer) = K::PEER {
            assert!((peer as usize) < K::POLICY.len());
            assert!(Policy::min_len(K::POLICY, peer) >= size_of::<bindings::ifinfomsg>());
        }
        assert!(K::HAS_FILL_INFO == K::HAS_GET_SIZE);
        assert!(K::HAS_FILL_XSTATS == (K::XSTATS_SIZE != 0));
    };

    const TABLE: bindings::rtnl_link_ops = {
        let () = Self::CHECKS;
        // SAFETY: All members may be zero; the list node and the SRCU structure are set up by
        // `rtnl_link_register()`.
        let mut ops: bindings::rtnl_link_ops = unsafe { core::mem::zeroed() };
        // Its characters are unsigned, as those of the kernel.
        ops.kind = K::KIND.to_bytes_with_nul().as_ptr();
        ops.priv_size = K::PRIV_SIZE;
        ops.setup = Some(setup_callback);
        ops.alloc = Some(Self::alloc_callback);
        if let Some(peer) = K::PEER {
            ops.peer_type = peer;
        }
        // CAST: A table with one row per attribute number is short.
        #[allow(clippy::cast_possible_truncation)]
        let maxtype = K::POLICY.len().saturating_sub(1) as c_uint;
        ops.maxtype = maxtype;
        ops.policy = Policy::table_ptr(K::POLICY);
        ops.validate = Some(Self::validate_callback);
        ops.newlink = Some(Self::newlink_callback);
        ops.dellink = Some(Self::dellink_callback);
        if K::HAS_CHANGELINK {
            ops.changelink = Some(Self::changelink_callback);
        }
        if K::HAS_FILL_INFO {
            ops.get_size = Some(Self::get_size_callback);
            ops.fill_info = Some(Self::fill_info_callback);
        }
        if K::HAS_FILL_XSTATS {
            ops.get_xstats_size = Some(Self::get_xstats_size_callback);
            ops.fill_xstats = Some(Self::fill_xstats_callback);
        }
        if K::TELLS_LINK_NET {
            ops.get_link_net = Some(Self::get_link_net_callback);
        }
        ops
    };

    /// The kind's own attributes; `None` if the request had no `IFLA_INFO_DATA`.
    ///
    /// # Safety
    ///
    /// `data` must be null, or as the core's parser made it for our `maxtype`, valid for `'a`.
    unsafe fn data<'a>(data: *mut *mut bindings::nlattr) -> Option<Attrs<'a>> {
        // SAFETY: By the caller's guarantee the table has `maxtype + 1` entries.
        (!data.is_null()).then(|| unsafe { Attrs::from_raw(data, K::POLICY.len()) })
    }

    /// In place of the core's `alloc_netdev_mqs()`: how many queues there are depends on the request.
    ///
    /// # Safety
    ///
    /// To be called by the core for a request that it parsed.
    unsafe extern "C" fn alloc_callback(
        tb: *mut *mut bindings::nlattr,
        name: *const c_char,
        name_assign_type: c_uchar,
        tx: c_uint,
        rx: c_uint,
    ) -> *mut bindings::net_device {
        // SAFETY: The core's table is valid during the call, with `IFLA_MAX + 1` entries.
        let tb = unsafe { LinkAttrs::from_raw(tb) };
        let number = |named: bool, number| {
            if named {
                number
            } else {
                K::num_queues(&tb).clamp(1, MAX_QUEUES)
            }
        };
        let tx = number(tb.has(&ifla::NUM_TX_QUEUES), tx);
        let rx = number(tb.has(&ifla::NUM_RX_QUEUES), rx);
        // CAST: `CHECKS` compares it with the largest value.
        #[allow(clippy::cast_possible_truncation)]
        let priv_size = K::PRIV_SIZE as c_int;
        // SAFETY: The name is a terminated string; numbers of queues are within the core's limits;
        // the area is as large as `setup_callback` expects.
        let dev = unsafe {
            bindings::alloc_netdev_mqs(
                priv_size,
                name,
                name_assign_type,
                Some(setup_callback),
                tx,
                rx,
            )
        };
        if !dev.is_null() {
            // SAFETY: The device is new, and nobody else's.
            let mut dev = unsafe { SetupDevice::from_raw(dev) };
            K::setup(&mut dev, &tb);
        }
        dev
    }

    /// # Safety
    ///
    /// To be called by the core with tables that it parsed.
    unsafe extern "C" fn validate_callback(
        tb: *mut *mut bindings::nlattr,
        data: *mut *mut bindings::nlattr,
        extack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The core's tables are valid during the call, that of the link's attributes with
        // `IFLA_MAX + 1` entries.
        let (tb, data) = unsafe { (LinkAttrs::from_raw(tb), Self::data(data)) };
        // SAFETY: The ack is the request's.
        let mut ack = unsafe { ExtAck::from_raw(extack) };
        from_result(|| K::validate(&tb, data.as_ref(), &mut ack).map(|()| 0))
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, with a new device of this kind.
    unsafe extern "C" fn newlink_callback(
        dev: *mut bindings::net_device,
        params: *mut bindings::rtnl_newlink_params,
        extack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: RTNL is held; the ack and the parameters are the request's.
        let (rtnl, mut ack) = unsafe { (Rtnl::assume_held(), ExtAck::from_raw(extack)) };
        // SAFETY: The tables are those that the core parsed for this kind, valid during the call.
        let (tb, data) = unsafe {
            (
                LinkAttrs::from_raw((*params).tb),
                Self::data((*params).data),
            )
        };
        let params = NewLinkParams {
            params,
            // SAFETY: The core has set it before this call.
            ops: unsafe { (*dev).rtnl_link_ops },
            template: K::NAME_TEMPLATE,
            priv_size: K::PRIV_SIZE,
            tb,
            data,
        };
        // SAFETY: The device, which is never null, is allocated, not registered, and stays the core's; its
        // private area is as large as the table says.
        let new = unsafe { NewDevice::from_raw(NonNull::new_unchecked(dev), K::PRIV_SIZE) };
        match K::newlink(new, &params, &mut ack, rtnl) {
            Ok(Finished { .. }) => 0,
            Err(err) => {
                // SAFETY: RTNL is held, and whoever had the device is done. The core frees it.
                unsafe { unwind(dev) };
                err.to_errno()
            }
        }
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, with a registered device of this kind.
    unsafe extern "C" fn changelink_callback(
        dev: *mut bindings::net_device,
        _tb: *mut *mut bindings::nlattr,
        data: *mut *mut bindings::nlattr,
        extack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The table is the one that the core parsed for this kind, valid during the call.
        let data = unsafe { Self::data(data) };
        // SAFETY: RTNL is held; the ack is the request's.
        let (rtnl, mut ack) = unsafe { (Rtnl::assume_held(), ExtAck::from_raw(extack)) };
        // SAFETY: The core's reference lasts for the call.
        let dev = unsafe { NetDevice::from_raw(dev) };
        from_result(|| {
            let dev = dev.registered(rtnl).ok_or(ENODEV)?;
            K::changelink(dev, data.as_ref(), &mut ack, rtnl).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, with a registered device of this kind.
    unsafe extern "C" fn dellink_callback(
        dev: *mut bindings::net_device,
        list: *mut bindings::list_head,
    ) {
        // SAFETY: The device is of this kind.
        if let Some(ops) = unsafe { PrivOps::of(dev) } {
            // SAFETY: The operations are those of the device; RTNL is held; the list is one for
            // `unregister_netdevice_many()`.
            unsafe { (ops.dellink)(dev, list) };
        }
    }

    /// # Safety
    ///
    /// To be called by the core with a device of this kind, RTNL held or not.
    unsafe extern "C" fn get_size_callback(dev: *const bindings::net_device) -> usize {
        // SAFETY: The core's reference lasts for the call.
        let dev = unsafe { NetDevice::from_raw(dev.cast_mut()) };
        K::get_size(dev, Rcu::new(&rcu::read_lock()))
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, with a device of this kind and a message.
    unsafe extern "C" fn fill_info_callback(
        skb: *mut bindings::sk_buff,
        dev: *const bindings::net_device,
    ) -> c_int {
        // SAFETY: The core's reference lasts for the call; RTNL is held.
        let (dev, rtnl) = unsafe { (NetDevice::from_raw(dev.cast_mut()), Rtnl::assume_held()) };
        // SAFETY: The message is the caller's, and under construction.
        let msg = &mut unsafe { AttrWriter::from_raw(skb) };
        from_result(|| K::fill_info(dev, msg, rtnl).map(|()| 0))
    }

    /// # Safety
    ///
    /// May be called by anybody.
    unsafe extern "C" fn get_xstats_size_callback(_dev: *const bindings::net_device) -> usize {
        K::XSTATS_SIZE
    }

    /// # Safety
    ///
    /// To be called by the core with a device of this kind and a message.
    unsafe extern "C" fn fill_xstats_callback(
        skb: *mut bindings::sk_buff,
        dev: *const bindings::net_device,
    ) -> c_int {
        // SAFETY: The core's reference lasts for the call.
        let dev = unsafe { NetDevice::from_raw(dev.cast_mut()) };
        // SAFETY: The message is the caller's, and under construction.
        let msg = &mut unsafe { AttrWriter::from_raw(skb) };
        from_result(|| K::fill_xstats(dev, msg).map(|()| 0))
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, with a device of this kind.
    unsafe extern "C" fn get_link_net_callback(
        dev: *const bindings::net_device,
    ) -> *mut bindings::net {
        let dev = dev.cast_mut();
        // SAFETY: The device is of this kind.
        match unsafe { PrivOps::of(dev) } {
            // SAFETY: The operations are those of the device; RTNL is held.
            Some(ops) => unsafe { (ops.get_link_net)(dev) },
            // SAFETY: The device is valid.
            None => unsafe { bindings::dev_net(dev) },
        }
    }
}
