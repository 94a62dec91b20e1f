// SPDX-License-Identifier: GPL-2.0

//! Net devices: what any holder can ask of one, and the operations that a driver gives its own.
//!
//! A driver's device goes through these states, each a type:
//!
//! ```text
//! NewDevice --init()--> Initialised<T> --register()--> Registered<T> --finish()/keep()--> the core's
//!     |                      |                              |
//!     drop: free             drop: drop T, free             drop: unregister
//! ```
//!
//! After that the driver meets it again as [`&Link<T>`](Link) in the callbacks of [`LinkOps`]. The
//! private data `T` is only ever seen by shared reference: callbacks run concurrently.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    ethtool,
    link::UnregisterList,
    namespace::Net,
    nlattr::{
        AttrWriter,
        Attrs,
        ExtAck,
        LinkAttrs, //
    },
    rtnl::Rtnl,
    skbuff::SkBuff,
    stats::{
        LinkStats64,
        SwNetstats, //
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
    marker::PhantomData,
    mem::{
        align_of,
        size_of,
        MaybeUninit, //
    },
    ops::Deref,
    ptr,
};
use kernel::{
    error::{
        from_result,
        to_result,
        VTABLE_DEFAULT_ERROR, //
    },
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full,
                Release, //
            },
            Atomic, //
        },
        rcu, //
    },
    types::Opaque, //
};

/// Any net device (`struct net_device`).
///
/// # Invariants
///
/// A reference to an instance points to a `struct net_device` that is registered, or was, and that
/// is not freed for the reference's lifetime.
#[repr(transparent)]
pub struct NetDevice(Opaque<bindings::net_device>);

// SAFETY: Every method is either for any context or asks for a proof of the one it needs.
unsafe impl Sync for NetDevice {}

impl NetDevice {
    /// Wraps a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must be as the type's invariant says, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::net_device) -> &'a Self {
        // CAST: `NetDevice` is a transparent wrapper of `Opaque<net_device>`.
        // SAFETY: Guaranteed by the caller.
        unsafe { &*ptr.cast() }
    }

    /// The C object.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::net_device {
        self.0.get()
    }

    /// Whether the device is administratively up (`IFF_UP`). A snapshot, unless RTNL is held.
    #[inline]
    pub fn is_up(&self) -> bool {
        // SAFETY: The device is valid; the field may be read at any time.
        unsafe { bindings::netdev_flags(self.as_ptr()) & bindings::net_device_flags_IFF_UP != 0 }
    }

    /// The device's number, unique in its namespace. Any context.
    #[inline]
    pub fn ifindex(&self) -> i32 {
        // SAFETY: As above.
        unsafe { bindings::netdev_ifindex(self.as_ptr()) }
    }

    /// The device's name, as it is while RTNL is held.
    pub fn name(&self, _rtnl: &Rtnl) -> Name {
        // CAST: `c_char` is `u8` in the kernel.
        // SAFETY: The name is an array in the device; it changes under RTNL only.
        Name(unsafe { (*self.as_ptr()).name })
    }

    /// The namespace that the device is in; it cannot change while RTNL is held.
    #[inline]
    pub fn net<'a>(&self, _rtnl: &'a Rtnl) -> &'a Net {
        // SAFETY: The device is valid; `dev_change_net_namespace()` takes RTNL, and so does the end of
        // a namespace that still has devices.
        unsafe { Net::from_raw(bindings::dev_net(self.as_ptr())) }
    }

    /// Numbers of active and of allocated queues: `(real_tx, tx, real_rx, rx)`.
    pub fn num_queues(&self, _rtnl: &Rtnl) -> (u32, u32, u32, u32) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid; the active numbers change under RTNL only.
        unsafe {
            (
                (*dev).real_num_tx_queues,
                (*dev).num_tx_queues,
                (*dev).real_num_rx_queues,
                (*dev).num_rx_queues,
            )
        }
    }
}

/// A device's name.
#[derive(Clone, Copy)]
pub struct Name([u8; bindings::IFNAMSIZ as usize]);

impl Name {
    /// The name, without its terminating zero.
    pub fn to_bytes(&self) -> &[u8] {
        self.0.split(|c| *c == 0).next().unwrap_or_default()
    }
}

/// A device whose private data is a live `T`.
///
/// # Invariants
///
/// As [`NetDevice`]; the device is of a [`LinkKind`](super::link::LinkKind), and its private area is a
/// `Priv<T>` that is initialised for at least as long as the reference lives: it is dropped in
/// `priv_destructor`, after the core has waited for the last reference, and RCU readers do not
/// outlast the grace periods of unregistration.
#[repr(transparent)]
pub struct Link<T> {
    dev: NetDevice,
    _data: PhantomData<T>,
}

impl<T> Link<T> {
    /// Wraps a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must be as the type's invariants say, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::net_device) -> &'a Self {
        // CAST: `Link` is a transparent wrapper of `NetDevice`.
        // SAFETY: Guaranteed by the caller.
        unsafe { &*ptr.cast() }
    }

    /// The driver's data. It is pinned.
    #[inline]
    pub fn data(&self) -> &T {
        // SAFETY: By the type's invariants the private area is a `Priv<T>` with live data.
        unsafe { (*Priv::<T>::of(self.as_ptr())).data.assume_init_ref() }
    }

    /// Tells the stack that the link is usable (`netif_carrier_on()`). Any context.
    #[inline]
    pub fn carrier_on(&self) {
        // SAFETY: The device is valid and registered.
        unsafe { bindings::netif_carrier_on(self.as_ptr()) };
    }

    /// Tells the stack that the link is not usable (`netif_carrier_off()`). Any context.
    #[inline]
    pub fn carrier_off(&self) {
        // SAFETY: As above.
        unsafe { bindings::netif_carrier_off(self.as_ptr()) };
    }

    /// Asks upper layers to leave this much room before a packet's data.
    #[inline]
    pub fn set_needed_headroom(&self, headroom: u16) {
        // SAFETY: The device is valid; readers use the field locklessly.
        unsafe { bindings::netdev_set_needed_headroom(self.as_ptr(), headroom) };
    }

    /// Sums up the per-CPU packet counters. Any context.
    pub fn sw_netstats(&self) -> SwNetstats {
        // SAFETY: The device is valid and of our kind, so that the union holds this type (see
        // `netdev_use_tstats()`); the pointer is set before it is registered and cleared after the
        // last reference is gone (`netdev_run_todo()`).
        let tstats = unsafe { (*self.as_ptr()).__bindgen_anon_2.tstats };
        if tstats.is_null() {
            return SwNetstats::default();
        }
        // SAFETY: Counters, for which zero is valid.
        let mut sum: bindings::rtnl_link_stats64 = unsafe { core::mem::zeroed() };
        // SAFETY: The counters exist and have been initialised by the core.
        unsafe { bindings::dev_fetch_sw_netstats(&mut sum, tstats) };
        SwNetstats {
            rx_packets: sum.rx_packets,
            rx_bytes: sum.rx_bytes,
            tx_packets: sum.tx_packets,
            tx_bytes: sum.tx_bytes,
        }
    }

    /// Switches GRO off, as if the user had. May sleep; re-enters `fix_features`.
    pub fn disable_gro(&self, _rtnl: &Rtnl) {
        let dev = self.as_ptr();
        // SAFETY: The device is valid, and these fields are written under RTNL only.
        unsafe {
            (*dev).wanted_features &= !bindings::NETIF_F_GRO;
            (*dev).features &= !bindings::NETIF_F_GRO;
        }
        // SAFETY: RTNL is held, as `netdev_update_features()` wants.
        unsafe { bindings::netdev_update_features(dev) };
    }
}

impl<T> Deref for Link<T> {
    type Target = NetDevice;

    #[inline]
    fn deref(&self) -> &NetDevice {
        &self.dev
    }
}

/// What a transmit callback may rely on.
///
/// # Invariants
///
/// `dev` is being transmitted on: it is registered and was up when the core looked, softirqs are
/// disabled on this CPU, and that is an RCU read-side section, all for `'a`.
pub struct XmitContext<'a> {
    dev: *mut bindings::net_device,
    _cx: PhantomData<&'a ()>,
}

impl<'a> XmitContext<'a> {
    /// The callback runs inside an RCU read-side section.
    #[inline]
    pub fn rcu(&self) -> Rcu<'a> {
        // SAFETY: By the type's invariants.
        unsafe { Rcu::assume() }
    }

    /// The callback runs with softirqs disabled.
    #[inline]
    pub fn bh(&self) -> Bh<'a> {
        // SAFETY: By the type's invariants.
        unsafe { Bh::assume() }
    }

    /// Counts one transmitted packet of `len` bytes in the device's per-CPU counters.
    #[inline]
    pub fn count_tx(&self, len: u32) {
        // SAFETY: A registered device has its counters (`setup` asked for them), and softirqs are
        // disabled, so that nothing on this CPU interferes.
        unsafe { bindings::dev_sw_netstats_tx_add(self.dev, 1, len) };
    }
}

/// What became of a packet in a transmit callback.
#[must_use]
pub enum Tx {
    /// Sent (`NETDEV_TX_OK`).
    Sent,
    /// Freed, and counted as dropped by the driver (`NET_XMIT_DROP`).
    Dropped,
}

/// The operations of one flavor of device; `Self` is its private data.
///
/// Which locks are held: see `Documentation/locking.md`. Callbacks with `&Rtnl` may sleep, the
/// others must not.
#[vtable]
pub trait LinkOps: Sized + Send + Sync + 'static {
    /// What `ethtool` can ask.
    type Ethtool: ethtool::EthtoolOps<Self>;

    /// Brings the device up (`ndo_open`).
    fn open(dev: &Link<Self>, rtnl: &Rtnl) -> Result;

    /// Takes the device down (`ndo_stop`).
    fn stop(dev: &Link<Self>, rtnl: &Rtnl);

    /// Transmits a packet (`ndo_start_xmit`). May run on several CPUs at once.
    fn start_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx;

    /// Adds the device's counters to `stats`, which are zero (`ndo_get_stats64`).
    fn get_stats64(dev: &Link<Self>, stats: &mut LinkStats64, rcu: Rcu<'_>);

    /// The ifindex of the device below, or of the other end (`ndo_get_iflink`).
    fn get_iflink(dev: &Link<Self>, rcu: Rcu<'_>) -> i32;

    /// Somebody above needs this much headroom; negative means that nobody does any more
    /// (`ndo_set_rx_headroom`).
    fn set_rx_headroom(_dev: &Link<Self>, _headroom: i32, _rcu: Rcu<'_>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The other end, for `bpf_redirect_peer()` (`ndo_get_peer_dev`).
    fn get_peer_dev<'a>(_dev: &'a Link<Self>, _rcu: Rcu<'a>) -> Option<&'a NetDevice> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Gives up every reference to another device (`ndo_uninit`). Runs once, after the last packet,
    /// before the core waits for the device's references: one that is kept until `Drop` is waited
    /// for in vain.
    fn uninit(dev: &Link<Self>, rtnl: &Rtnl);

    /// Removes what goes with the device, by queueing it (`rtnl_link_ops.dellink`); the device itself
    /// is queued in any case. Called for devices that are on their way already, too.
    fn dellink(dev: &Link<Self>, list: &mut UnregisterList<'_>, rtnl: &Rtnl);

    /// Changes settings (`rtnl_link_ops.changelink`).
    fn changelink(
        dev: &Link<Self>,
        tb: &LinkAttrs<'_>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result;

    /// Room for what [`fill_info`](LinkOps::fill_info) writes, in bytes. Without RTNL.
    fn get_size(dev: &Link<Self>, rcu: Rcu<'_>) -> usize;

    /// Writes the settings (`rtnl_link_ops.fill_info`).
    fn fill_info(dev: &Link<Self>, msg: &mut AttrWriter<'_>, rtnl: &Rtnl) -> Result;

    /// The namespace of the device below, or of the other end (`rtnl_link_ops.get_link_net`).
    fn get_link_net<'a>(dev: &Link<Self>, rtnl: &'a Rtnl, rcu: Rcu<'_>) -> &'a Net;
}

/// The private area of a device.
///
/// The core frees an unregistered device without calling `priv_destructor` on several paths, and
/// calls it on others; so the area says itself whether it holds data.
///
/// # Invariants
///
/// `ops` is null (the area is zeroed by the core at allocation) or points to the [`PrivOps`] of `T`,
/// and then `data` is initialised.
#[repr(C)]
pub(crate) struct Priv<T> {
    // First, so that it can be read without knowing `T`.
    ops: Atomic<*const PrivOps>,
    data: MaybeUninit<T>,
}

/// Bytes of private area that a device of type `T` needs.
pub const fn priv_size<T>() -> usize {
    size_of::<Priv<T>>()
}

impl<T> Priv<T> {
    #[inline]
    fn of(dev: *mut bindings::net_device) -> *mut Self {
        // SAFETY: Address arithmetic only.
        unsafe { bindings::netdev_priv(dev).cast() }
    }
}

/// What is done to a device through its private area, whatever the type of its data.
pub(crate) struct PrivOps {
    drop: unsafe fn(*mut bindings::net_device),
    pub(crate) dellink: unsafe fn(*mut bindings::net_device, *mut bindings::list_head),
    #[allow(clippy::type_complexity)]
    pub(crate) changelink: unsafe fn(
        *mut bindings::net_device,
        &LinkAttrs<'_>,
        Option<&Attrs<'_>>,
        &mut ExtAck<'_>,
        &Rtnl,
    ) -> Result,
    pub(crate) get_size: unsafe fn(*mut bindings::net_device) -> usize,
    pub(crate) fill_info: unsafe fn(*mut bindings::net_device, *mut bindings::sk_buff) -> Result,
    pub(crate) get_link_net: unsafe fn(*mut bindings::net_device) -> *mut bindings::net,
}

impl PrivOps {
    /// The operations of a device of our kind, if it is initialised.
    ///
    /// # Safety
    ///
    /// `dev` must have a [`Priv`] as its private area.
    #[inline]
    pub(crate) unsafe fn of(dev: *mut bindings::net_device) -> Option<&'static Self> {
        // SAFETY: By the caller's guarantee; the first field is the same for every `T`. What it
        // points to is static.
        unsafe { (*Priv::<()>::of(dev)).ops.load(Acquire).as_ref() }
    }
}

/// Drops the private data if there is any; may be called any number of times.
///
/// # Safety
///
/// `dev` must have a [`Priv`] as its private area, and nobody may use its data any more.
pub(crate) unsafe fn priv_destroy(dev: *mut bindings::net_device) {
    // SAFETY: By the caller's guarantee.
    let ops = unsafe { (*Priv::<()>::of(dev)).ops.xchg(ptr::null(), Full) };
    // SAFETY: Null, or the operations that go with the data.
    if let Some(ops) = unsafe { ops.as_ref() } {
        // SAFETY: The exchange made us the only one to drop the data.
        unsafe { (ops.drop)(dev) };
    }
}

/// Writes the private data and installs the operations that go with it.
///
/// # Safety
///
/// `dev` must be allocated with a private area of at least `priv_size::<T>()` bytes, not registered,
/// and not yet initialised.
pub(crate) unsafe fn priv_init<T: LinkOps>(
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
        (*dev).ethtool_ops = ethtool::Ops::<T>::TABLE;
    }
    // INVARIANT: The data is initialised.
    // SAFETY: The area is valid.
    unsafe { (*area).ops.store(Ops::<T>::PRIV, Release) };
    Ok(())
}

/// The table of a device that has no data yet and that nobody can reach.
pub(crate) const EMPTY_NETDEV_OPS: &bindings::net_device_ops = &{
    // SAFETY: All members are optional function pointers.
    unsafe { core::mem::zeroed::<bindings::net_device_ops>() }
};

/// The C callbacks of devices with data of type `T`.
///
/// Each gets `dev` from the core, which only calls it for a device that was registered with these
/// operations, hence initialised by [`priv_init`], and not yet freed.
struct Ops<T>(PhantomData<T>);

impl<T: LinkOps> Ops<T> {
    const NETDEV: &'static bindings::net_device_ops = &bindings::net_device_ops {
        ndo_init: Some(Self::init_callback),
        ndo_uninit: Some(Self::uninit_callback),
        ndo_open: Some(Self::open_callback),
        ndo_stop: Some(Self::stop_callback),
        ndo_start_xmit: Some(Self::start_xmit_callback),
        ndo_get_stats64: Some(Self::get_stats64_callback),
        ndo_get_iflink: Some(Self::get_iflink_callback),
        ndo_set_mac_address: Some(bindings::eth_mac_addr),
        ndo_set_rx_mode: Some(Self::set_rx_mode_callback),
        ndo_features_check: Some(bindings::passthru_features_check),
        ndo_set_rx_headroom: if T::HAS_SET_RX_HEADROOM {
            Some(Self::set_rx_headroom_callback)
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

    const PRIV: &'static PrivOps = &PrivOps {
        drop: Self::drop_data,
        dellink: Self::dellink,
        changelink: Self::changelink,
        get_size: Self::get_size,
        fill_info: Self::fill_info,
        get_link_net: Self::get_link_net,
    };

    /// # Safety
    ///
    /// To be called by the core for a device of this type; likewise for all callbacks below.
    unsafe extern "C" fn init_callback(dev: *mut bindings::net_device) -> c_int {
        // SAFETY: The device is being registered and nobody uses its locks yet.
        unsafe { bindings::netdev_lockdep_set_classes(dev) };
        0
    }

    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn uninit_callback(dev: *mut bindings::net_device) {
        // When registering fails the core has freed the counters already.
        // SAFETY: See the type; nobody else can reach a device that was not registered.
        unsafe {
            if bindings::netdev_reg_state::from((*dev).reg_state)
                != bindings::netdev_reg_state_NETREG_UNREGISTERING
            {
                (*dev).__bindgen_anon_2.tstats = ptr::null_mut();
            }
        }
        // SAFETY: See the type. The core calls this under RTNL.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        T::uninit(dev, rtnl);
    }

    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn open_callback(dev: *mut bindings::net_device) -> c_int {
        // SAFETY: See the type. The core calls this under RTNL.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        from_result(|| T::open(dev, rtnl).map(|()| 0))
    }

    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn stop_callback(dev: *mut bindings::net_device) -> c_int {
        // SAFETY: See the type. The core calls this under RTNL.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        T::stop(dev, rtnl);
        0
    }

    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn start_xmit_callback(
        skb: *mut bindings::sk_buff,
        dev: *mut bindings::net_device,
    ) -> bindings::netdev_tx_t {
        // INVARIANT: The core calls this for a device that is up, with softirqs disabled, as
        // Documentation/networking/netdevices.rst promises; netpoll, which would not, is refused by
        // IFF_DISABLE_NETPOLL.
        let cx = XmitContext {
            dev,
            _cx: PhantomData,
        };
        // SAFETY: See the type; and the core gives up its reference to the skb, whose `dev` is this
        // device. Nobody else writes to the header: pktgen, which may hold another reference, only
        // reads the count, since IFF_TX_SKB_SHARING is off.
        let (dev, skb) = unsafe { (Link::<T>::from_raw(dev), SkBuff::from_raw(skb)) };
        match T::start_xmit(dev, skb, &cx) {
            Tx::Sent => bindings::netdev_tx_NETDEV_TX_OK,
            // CAST: The return value is a mix of two families of small positive constants.
            Tx::Dropped => bindings::NET_XMIT_DROP as bindings::netdev_tx_t,
        }
    }

    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn get_stats64_callback(
        dev: *mut bindings::net_device,
        stats: *mut bindings::rtnl_link_stats64,
    ) {
        // SAFETY: See the type; `stats` is the caller's own, zeroed. Not every caller of
        // `dev_get_stats()` is in an RCU section, so there is one here.
        let (dev, stats) = unsafe { (Link::<T>::from_raw(dev), LinkStats64::from_raw(stats)) };
        T::get_stats64(dev, stats, Rcu::new(&rcu::read_lock()));
    }

    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn get_iflink_callback(dev: *const bindings::net_device) -> c_int {
        // SAFETY: See the type. Neither RTNL nor RCU is held when sysfs asks.
        let dev = unsafe { Link::<T>::from_raw(dev.cast_mut()) };
        T::get_iflink(dev, Rcu::new(&rcu::read_lock()))
    }

    /// Its being there makes changes of the multicast list and of promiscuity succeed; there is no
    /// filter to set.
    ///
    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn set_rx_mode_callback(_dev: *mut bindings::net_device) {}

    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn set_rx_headroom_callback(dev: *mut bindings::net_device, headroom: c_int) {
        // SAFETY: See the type.
        let dev = unsafe { Link::<T>::from_raw(dev) };
        T::set_rx_headroom(dev, headroom, Rcu::new(&rcu::read_lock()));
    }

    /// # Safety
    ///
    /// See `init_callback`.
    unsafe extern "C" fn get_peer_dev_callback(
        dev: *mut bindings::net_device,
    ) -> *mut bindings::net_device {
        // SAFETY: See the type. `skb_do_redirect()` calls this from a classifier, with softirqs
        // disabled, and uses the result in the same section.
        let (dev, rcu) = unsafe { (Link::<T>::from_raw(dev), Rcu::assume()) };
        T::get_peer_dev(dev, rcu).map_or(ptr::null_mut(), NetDevice::as_ptr)
    }

    /// # Safety
    ///
    /// `dev` must be of this type and its data live; likewise for all functions below.
    unsafe fn drop_data(dev: *mut bindings::net_device) {
        // SAFETY: By the caller's guarantee; `priv_destroy()` calls this once.
        unsafe { ptr::drop_in_place((*Priv::<T>::of(dev)).data.as_mut_ptr()) };
    }

    /// # Safety
    ///
    /// As `drop_data`; RTNL must be held, and `list` be a list of devices to unregister.
    unsafe fn dellink(dev: *mut bindings::net_device, list: *mut bindings::list_head) {
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        // SAFETY: By the caller's guarantee.
        let mut list = unsafe { UnregisterList::from_raw(list, dev.net(rtnl)) };
        T::dellink(dev, &mut list, rtnl);
        // The core counts on it: a device that stays would outlive its namespace or this module.
        list.queue(dev, rtnl);
    }

    /// # Safety
    ///
    /// As `drop_data`.
    unsafe fn changelink(
        dev: *mut bindings::net_device,
        tb: &LinkAttrs<'_>,
        data: Option<&Attrs<'_>>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        // SAFETY: By the caller's guarantee.
        T::changelink(unsafe { Link::<T>::from_raw(dev) }, tb, data, ack, rtnl)
    }

    /// # Safety
    ///
    /// As `drop_data`.
    unsafe fn get_size(dev: *mut bindings::net_device) -> usize {
        // SAFETY: By the caller's guarantee. RTNL may or may not be held.
        let dev = unsafe { Link::<T>::from_raw(dev) };
        T::get_size(dev, Rcu::new(&rcu::read_lock()))
    }

    /// # Safety
    ///
    /// As `drop_data`; RTNL must be held, and `skb` be a message under construction.
    unsafe fn fill_info(dev: *mut bindings::net_device, skb: *mut bindings::sk_buff) -> Result {
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        // SAFETY: By the caller's guarantee.
        T::fill_info(dev, &mut unsafe { AttrWriter::from_raw(skb) }, rtnl)
    }

    /// # Safety
    ///
    /// As `drop_data`; RTNL must be held.
    unsafe fn get_link_net(dev: *mut bindings::net_device) -> *mut bindings::net {
        // SAFETY: By the caller's guarantee.
        let (dev, rtnl) = unsafe { (Link::<T>::from_raw(dev), Rtnl::assume_held()) };
        // Not every caller is in an RCU section. What is returned is protected by RTNL.
        T::get_link_net(dev, rtnl, Rcu::new(&rcu::read_lock())).as_ptr()
    }
}

/// Sets the number of active queues of a device that is not registered yet.
///
/// # Safety
///
/// `dev` must be allocated and not registered.
pub(crate) unsafe fn set_real_num_queues(
    dev: *mut bindings::net_device,
    tx: Option<u32>,
    rx: Option<u32>,
) -> Result {
    if let Some(tx) = tx {
        // SAFETY: By the caller's guarantee; the function checks the number.
        to_result(unsafe { bindings::netif_set_real_num_tx_queues(dev, tx) })?;
    }
    if let Some(rx) = rx {
        // SAFETY: As above.
        to_result(unsafe { bindings::netif_set_real_num_rx_queues(dev, rx) })?;
    }
    Ok(())
}
