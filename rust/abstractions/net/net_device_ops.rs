// SPDX-License-Identifier: GPL-2.0

//! What a driver does for its devices.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    ethtool,
    features::Features,
    link::UnregisterList,
    mac::Mac,
    mc_list::{
        fold_mc,
        McList, //
    },
    namespace::Net,
    netdevice::{
        DevFlags,
        Link,
        NetDevice, //
    },
    nlattr::ExtAck,
    registered::Registered,
    rtnl::Rtnl,
    skbuff::{
        SkBuff,
        XmitStatus, //
    },
    stats::{
        LinkStats64,
        SwNetstats, //
    },
    xdp::{frame::XdpFrames, prog::XdpProg},
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
    ptr, //
};
use kernel::{
    error::VTABLE_DEFAULT_ERROR,
    prelude::*,
    sync::aref::ARef,
    types::NotThreadSafe, //
};

pub use super::packet_context::XmitContext;

/// What became of a packet in a transmit callback: the number that the core wants, so that a driver's
/// last call can be its last instruction.
///
/// # Context
///
/// Where a device transmits, and nowhere else: one that was kept would be said of another packet. Does not sleep.
///
/// # Invariants
///
/// The number is what the core may be told of the packet that this thread was given.
#[must_use]
pub struct Tx(bindings::netdev_tx_t, NotThreadSafe);

impl Tx {
    /// Sent (`NETDEV_TX_OK`).
    pub const SENT: Self = Self(bindings::netdev_tx_NETDEV_TX_OK, NotThreadSafe);
    /// Freed, and counted as dropped by the driver (`NET_XMIT_DROP`).
    // CAST: The return value is a mix of two families of small positive constants.
    pub const DROPPED: Self = Self(
        bindings::NET_XMIT_DROP as bindings::netdev_tx_t,
        NotThreadSafe,
    );

    /// Says what the device below said of it.
    #[inline]
    pub const fn lower(status: XmitStatus) -> Self {
        // CAST: As `dev_xmit_complete()` reads it: an error number is negative.
        Self(status.0 as bindings::netdev_tx_t, NotThreadSafe)
    }

    /// Gives the packet back to the core, unchanged, because the queue was
    /// [stopped](super::txq::TxQueue::try_stop) for want of room; the core tries again when the queue is
    /// woken (`NETDEV_TX_BUSY`). Only for queues with a queueing discipline.
    #[cold]
    pub fn busy(skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Self {
        // What the core has is what it gave: another one cannot come back in its place.
        if !cx.is_about(skb.as_ptr()) {
            return Self::DROPPED;
        }
        let _ = skb.into_raw();
        Self(bindings::netdev_tx_NETDEV_TX_BUSY, NotThreadSafe)
    }

    /// What the core wants.
    #[inline]
    pub(crate) const fn number(self) -> bindings::netdev_tx_t {
        self.0
    }
}

pub(crate) mod private {
    pub trait Sealed {
        /// Whether the core is to allocate counters.
        const TSTATS: bool;
    }
}

/// Which counters the core keeps for a device.
pub trait Counters: private::Sealed {}

/// Packets and bytes, per CPU (`dev->tstats`).
pub enum Tstats {}

impl Counters for Tstats {}
impl private::Sealed for Tstats {
    const TSTATS: bool = true;
}

/// None: the driver has its own.
pub enum OwnCounters {}

impl Counters for OwnCounters {}
impl private::Sealed for OwnCounters {
    const TSTATS: bool = false;
}

impl<T: NetDeviceOps<Counters = Tstats>> Link<T> {
    /// Counts one transmitted packet of `len` bytes.
    #[inline]
    pub fn count_tx(&self, len: u32, bh: Bh<'_>) {
        self.count_tx_many(1, len, bh);
    }

    /// Counts transmitted packets, of `len` bytes together.
    #[inline]
    pub fn count_tx_many(&self, packets: u32, len: u32, _bh: Bh<'_>) {
        // SAFETY: The device has these counters, see `priv_init()`: the core has allocated them before it
        // shows the device to anybody, and frees them after the last reference is gone
        // (`netdev_run_todo()`). Softirqs are disabled: where another section may still come in between on
        // this CPU (PREEMPT_RT), `u64_stats` keeps it out.
        unsafe { bindings::dev_sw_netstats_tx_add(self.as_ptr(), packets, len) };
    }

    /// Sums up the per-CPU packet counters.
    pub fn sw_netstats(&self) -> SwNetstats {
        // SAFETY: The device has these counters, so that the union holds this type: the core has allocated
        // them before it shows the device to anybody.
        let tstats = unsafe { (*self.as_ptr()).__bindgen_anon_2.tstats };
        // SAFETY: Counters, for which zero is valid.
        let mut sum: bindings::rtnl_link_stats64 = unsafe { core::mem::zeroed() };
        // SAFETY: The counters exist, and have been initialised by the core.
        unsafe { bindings::dev_fetch_sw_netstats(&mut sum, tstats) };
        SwNetstats {
            rx_packets: sum.rx_packets,
            rx_bytes: sum.rx_bytes,
            tx_packets: sum.tx_packets,
            tx_bytes: sum.tx_bytes,
        }
    }
}

/// A device for which others count packets: the other end, for `bpf_redirect_peer()`.
///
/// # Invariants
///
/// The device has `dev->tstats`.
pub struct Peer<'a>(&'a NetDevice);

impl<'a, T: NetDeviceOps<Counters = Tstats>> From<&'a Link<T>> for Peer<'a> {
    #[inline]
    fn from(dev: &'a Link<T>) -> Self {
        // INVARIANT: See `Link::count_tx`.
        Self(dev)
    }
}

impl Peer<'_> {
    /// The C object.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::net_device {
        self.0.as_ptr()
    }
}

/// Who locks the address lists of a device calls [`NetDeviceOps::set_rx_mode`] with this.
///
/// # Context
///
/// Process or softirq, with the spinlock of the device's address lists (`netif_addr_lock_bh()`). Must not
/// sleep.
///
/// # Invariants
///
/// The address lists of `dev` are locked for `'a`. `lower` is null, or the device below, which is another
/// one and not freed during `'a`.
pub struct RxMode<'a> {
    dev: *mut bindings::net_device,
    lower: *mut bindings::net_device,
    _locked: PhantomData<&'a ()>,
}

impl<'a> RxMode<'a> {
    /// # Safety
    ///
    /// The address lists of `dev` must be locked for `'a`.
    pub(crate) unsafe fn assume<T: NetDeviceOps>(dev: &'a Link<T>) -> Self {
        // INVARIANT: Guaranteed by the caller; who is its own lower device has none.
        Self {
            dev: dev.as_ptr(),
            lower: dev
                .answers_for()
                .map_or(ptr::null_mut(), |lower| lower.as_ptr()),
            _locked: PhantomData,
        }
    }

    /// Computes something of all multicast addresses that the device is to receive, as [`McList::fold`] does
    /// (`netdev_for_each_mc_addr()`).
    pub fn fold_mc<S: Copy + 'static>(&self, init: S, f: fn(S, Mac, u32) -> S) -> S {
        // SAFETY: By the type's invariant.
        unsafe { fold_mc(self.dev, init, f) }
    }

    /// Returns the multicast addresses of the [device below](NetDeviceOps::lower_dev).
    pub fn lower_mc_list(&self) -> Option<McList<'_>> {
        // SAFETY: By the type's invariants it is valid, and another device. Who locks the lists of several
        // begins above, and no two devices are below each other, so this thread has not locked it yet.
        (!self.lower.is_null()).then(|| unsafe { McList::new(self.lower) })
    }

    /// Has the [device below](NetDeviceOps::lower_dev) receive what the device is to receive
    /// (`dev_uc_sync()`, `dev_mc_sync()`).
    pub fn sync_to_lower(&self) {
        if self.lower.is_null() {
            return;
        }
        // A failure leaves addresses out, and is tried again the next time.
        // SAFETY: By the type's invariants both devices are valid, and the lists of the upper one locked.
        // The functions lock those of the lower one, which is another device; that no two devices are
        // below each other `adjacency::link` makes sure of.
        unsafe {
            let _ = bindings::dev_uc_sync(self.lower, self.dev);
            let _ = bindings::dev_mc_sync(self.lower, self.dev);
        }
    }
}

impl<T: NetDeviceOps> Registered<Link<T>> {
    /// Asks the [device below](NetDeviceOps::lower_dev) again for what this one is to receive, as
    /// [`RxMode::sync_to_lower`] does.
    pub fn sync_to_lower(&self, _rtnl: &Rtnl) {
        // SAFETY: The device is valid.
        unsafe { bindings::netif_addr_lock_bh(self.as_ptr()) };
        // SAFETY: Just locked.
        unsafe { RxMode::assume(&**self) }.sync_to_lower();
        // SAFETY: Locked above.
        unsafe { bindings::netif_addr_unlock_bh(self.as_ptr()) };
    }

    /// Has the driver hear of the device's lists ([`NetDeviceOps::set_rx_mode`]) where something beside them has
    /// changed, of which the core does not tell it.
    pub fn set_rx_mode(&self, _rtnl: &Rtnl) {
        // SAFETY: The device is valid.
        unsafe { bindings::netif_addr_lock_bh(self.as_ptr()) };
        // SAFETY: Just locked.
        T::set_rx_mode(self, unsafe { &RxMode::assume(&**self) });
        // SAFETY: Locked above.
        unsafe { bindings::netif_addr_unlock_bh(self.as_ptr()) };
    }

    /// Takes back from the [device below](NetDeviceOps::lower_dev) what [`RxMode::sync_to_lower`] asked it for
    /// (`dev_uc_unsync()`, `dev_mc_unsync()`).
    pub fn unsync_from_lower(&self, _rtnl: &Rtnl) {
        let Some(lower) = self.answers_for() else {
            return;
        };
        // SAFETY: Both devices are valid, and not the same; the functions lock their lists, one inside the
        // other.
        unsafe {
            bindings::dev_uc_unsync(lower.as_ptr(), self.as_ptr());
            bindings::dev_mc_unsync(lower.as_ptr(), self.as_ptr());
        }
    }
}

impl<T: NetDeviceOps> Link<T> {
    /// The [device below](NetDeviceOps::lower_dev), which answers what this one is asked; not if that is itself, as it
    /// would ask for ever.
    #[inline]
    pub(crate) fn answers_for(&self) -> Option<&NetDevice> {
        if !T::HAS_LOWER_DEV {
            return None;
        }
        let lower = T::lower_dev(self);
        (!ptr::eq(lower.as_ptr(), self.as_ptr())).then_some(lower)
    }
}

/// The operations of one flavor of device; `Self` is its private data.
///
/// # Context
///
/// Callbacks with `&Rtnl` are called under RTNL, in a process, and may sleep, the others must not. Those are
/// not called for a device that is not [`Registered`]: who asks is refused. Which other locks are held is in
/// `Documentation/locking.md`.
#[vtable]
pub trait NetDeviceOps: Sized + Send + Sync + 'static {
    /// What `ethtool` can ask.
    type Ethtool: ethtool::EthtoolOps<Self>;

    /// What the core counts.
    type Counters: Counters;

    /// Whether the MAC address is that of the device below, and cannot be set.
    const MAC_IS_LOWERS: bool = false;

    /// Brings the device up (`ndo_open`). An error is what the user sees; the device stays down.
    fn open(dev: &Registered<Link<Self>>, rtnl: &Rtnl) -> Result;

    /// Takes the device down (`ndo_stop`).
    fn stop(dev: &Registered<Link<Self>>, rtnl: &Rtnl);

    /// Transmits a packet (`ndo_start_xmit`). May run on several CPUs at once.
    fn start_xmit(dev: &Link<Self>, skb: SkBuff<'_>, cx: &XmitContext<'_>) -> Tx;

    /// Adds the device's counters to `stats`, which are zero (`ndo_get_stats64`).
    fn get_stats64(dev: &Link<Self>, stats: &mut LinkStats64, rcu: Rcu<'_>);

    /// Returns the ifindex of the device below, or of the other end (`ndo_get_iflink`). Not asked if there is
    /// a [`lower_dev`](NetDeviceOps::lower_dev).
    fn get_iflink(_dev: &Link<Self>, _rcu: Rcu<'_>) -> i32 {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns the device below, for as long as this one exists. Having one means that it answers for this
    /// one: link settings, timestamping, VLAN filters, link-layer headers.
    fn lower_dev(_dev: &Link<Self>) -> &NetDevice {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Hears that the address lists, promiscuity or the like have changed (`ndo_set_rx_mode`).
    fn set_rx_mode(_dev: &Link<Self>, _lists: &RxMode<'_>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Hears that the flags in `changed` have changed (`ndo_change_rx_flags`).
    fn change_rx_flags(_dev: &Registered<Link<Self>>, _changed: DevFlags, _rtnl: &Rtnl) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Changes the address to one that a user wants, which is valid (`ndo_set_mac_address`). An error is what
    /// the user sees. Without this method the address is just written.
    fn set_mac_address(_dev: &Registered<Link<Self>>, _mac: Mac, _rtnl: &Rtnl) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Changes the MTU to one that a user wants, which is within the device's limits (`ndo_change_mtu`). An
    /// error is what the user sees. Without this method the MTU is just written.
    fn change_mtu(_dev: &Registered<Link<Self>>, _mtu: u32, _rtnl: &Rtnl) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns what of `wanted` the device can do (`ndo_fix_features`).
    fn fix_features(_dev: &Registered<Link<Self>>, _wanted: Features, _rtnl: &Rtnl) -> Features {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Changes the features to `features`, of which [`fix_features`](Self::fix_features) has approved; until
    /// then they are what the device says. An error leaves them (`ndo_set_features`).
    fn set_features(_dev: &Registered<Link<Self>>, _features: Features, _rtnl: &Rtnl) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Hears that the transmit queue with that number has been stopped for seconds (`ndo_tx_timeout`).
    fn tx_timeout(_dev: &Link<Self>, _queue: u16, _cx: (Rcu<'_>, Bh<'_>)) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Adds an address, as `bridge fdb add ADDRESS dev DEV self` says (`ndo_fdb_add`); `replace` if an entry
    /// that is there may be changed. An error is what the user sees.
    fn fdb_add(_dev: &Registered<Link<Self>>, _mac: Mac, _replace: bool, _rtnl: &Rtnl) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Takes an address away, as `bridge fdb del ADDRESS dev DEV self` says (`ndo_fdb_del`). An error is what
    /// the user sees.
    fn fdb_del(_dev: &Registered<Link<Self>>, _mac: Mac, _rtnl: &Rtnl) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Hears that somebody above needs this much headroom; negative means that nobody does any more
    /// (`ndo_set_rx_headroom`).
    fn set_rx_headroom(_dev: &Link<Self>, _headroom: i32, _rcu: Rcu<'_>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Returns the other end, for `bpf_redirect_peer()` (`ndo_get_peer_dev`), for which the core counts
    /// packets.
    fn get_peer_dev<'a>(_dev: &'a Link<Self>, _rcu: Rcu<'a>) -> Option<Peer<'a>> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Has packets that the device receives go through `prog` from now on, or through none; that it has had
    /// one before is no reason to refuse. An error means that nothing has changed; taking the program away
    /// must not fail (`ndo_bpf` with `XDP_SETUP_PROG`).
    ///
    /// Having this means that all programs are run by [`XdpPoll`](super::xdp::XdpPoll).
    fn set_xdp(
        _dev: &Registered<Link<Self>>,
        _prog: Option<ARef<XdpProg>>,
        _ack: &mut ExtAck<'_>,
        _rtnl: &Rtnl,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Transmits frames that an XDP program has redirected here, the first ones as many as it can
    /// (`ndo_xdp_xmit`). An error says why there was none, and else nothing. The device may be down by now.
    /// Runs on several CPUs at once.
    fn xdp_xmit(_dev: &Link<Self>, _frames: XdpFrames<'_>, _bh: Bh<'_>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Gives up what others have of this device, and what of others may refer back to it
    /// (`ndo_uninit`). Runs once, after the last packet, before the core waits for the device's
    /// references: one that is kept in a circle until `Drop` is waited for in vain. A reference to a
    /// device below may be kept until then. The device is
    /// [on its way out](Registered::is_unregistering). One whose registration failed before anybody could
    /// see it is not: its data is just dropped.
    fn uninit(dev: &Registered<Link<Self>>, rtnl: &Rtnl);

    /// Removes what goes with the device, by queueing it (`rtnl_link_ops.dellink`); the device itself
    /// is queued by then. Called for devices that are on their way already, too.
    fn dellink(dev: &Registered<Link<Self>>, list: &mut UnregisterList<'_>, rtnl: &Rtnl);

    /// Returns the namespace of the device below, or of the other end (`rtnl_link_ops.get_link_net`); `None`
    /// if there is none, or it is not registered. Without this method it is that of
    /// [`lower_dev`](Self::lower_dev).
    fn get_link_net<'a>(dev: &Link<Self>, rtnl: &'a Rtnl, _rcu: Rcu<'_>) -> Option<&'a Net> {
        if !Self::HAS_LOWER_DEV {
            return None;
        }
        Some(Self::lower_dev(dev).registered(rtnl)?.net(rtnl))
    }
}
