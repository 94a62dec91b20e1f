// SPDX-License-Identifier: GPL-2.0

//! A kind of link: what `ip link add … type KIND` reaches.
//!
//! A [`RtnlLinkOps`] says what is common to all devices of a kind and makes new ones; what a device
//! does afterwards is up to the [`NetDeviceOps`] of its private data, and one kind may have devices of
//! several types.
//!
//! C header: [`include/net/rtnetlink.h`](srctree/include/net/rtnetlink.h)

use super::{
    features::Features,
    link_callbacks::{
        self,
        priv_destroy,
        priv_init,
        PrivOps,
        EMPTY_NETDEV_OPS, //
    },
    namespace::Net,
    net_device_ops::NetDeviceOps,
    netdevice::{
        Link,
        NetDevice, //
    },
    nlattr::{
        Attr,
        Attrs,
        Bytes,
        ExtAck,
        Field,
        Ignored,
        LinkAttrs,
        Policy,
        IFLA_TABLE,
        U32, //
    },
    registered::Registered as RegisteredDev,
    rtnl::Rtnl,
};
use crate::{
    bindings,
    registration::Registrable, //
};
use core::{
    any::TypeId,
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    error::{
        from_err_ptr,
        from_result,
        to_result, //
    },
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    types::Opaque, //
};

pub use super::link_callbacks::priv_size;

/// The attributes of a link itself that a kind may look at.
// CAST: Attribute numbers fit into `nla_type`, which is 16 bits wide.
#[allow(clippy::cast_possible_truncation)]
pub mod ifla {
    use super::*;

    /// The MAC address (`IFLA_ADDRESS`).
    pub const ADDRESS: Field<Bytes<0>> = Field::new(bindings::IFLA_ADDRESS as u16);
    /// The device's name (`IFLA_IFNAME`).
    pub const IFNAME: Field<Bytes<0>> = Field::new(bindings::IFLA_IFNAME as u16);
    /// The MTU in bytes, Ethernet header not included (`IFLA_MTU`).
    pub const MTU: Field<U32> = Field::new(bindings::IFLA_MTU as u16);
    /// The ifindex of the lower device (`IFLA_LINK`).
    pub const LINK: Field<U32> = Field::new(bindings::IFLA_LINK as u16);
    /// How many packets the queues hold (`IFLA_TXQLEN`).
    pub const TXQLEN: Field<U32> = Field::new(bindings::IFLA_TXQLEN as u16);
    /// The number of transmit queues to allocate (`IFLA_NUM_TX_QUEUES`).
    pub const NUM_TX_QUEUES: Field<Ignored> = Field::new(bindings::IFLA_NUM_TX_QUEUES as u16);
    /// The number of receive queues to allocate (`IFLA_NUM_RX_QUEUES`).
    pub const NUM_RX_QUEUES: Field<Ignored> = Field::new(bindings::IFLA_NUM_RX_QUEUES as u16);
}

/// Smallest MTU of an Ethernet device (`ETH_MIN_MTU`).
pub const ETH_MIN_MTU: u32 = bindings::ETH_MIN_MTU;
/// Largest MTU of an Ethernet device (`ETH_MAX_MTU`).
pub const ETH_MAX_MTU: u32 = bindings::ETH_MAX_MTU;

pub use super::mac::is_valid_ether_addr;

/// The most queues that a device can have each way.
const MAX_QUEUES: u32 = 4096;

/// The number of CPUs that there can be.
pub fn num_possible_cpus() -> u32 {
    // SAFETY: May be called at any time.
    unsafe { bindings::num_possible_cpus() }
}

/// Whether the requester may administer the network of the whole machine (`capable()`).
pub fn capable_net_admin() -> bool {
    // SAFETY: May be called by anybody who can sleep.
    unsafe { bindings::capable_net_admin() }
}

/// A kind of link (`struct rtnl_link_ops`).
pub trait RtnlLinkOps: Sized + 'static {
    /// The word after `type`.
    const KIND: &'static CStr;

    /// The name of a device that was given none; `%d` becomes the lowest free number.
    const NAME_TEMPLATE: &'static CStr;

    /// Validation of the kind's own attributes, one row for each number from 0 on.
    const POLICY: &'static [Policy];

    /// The attribute with the attributes of a second device that is made together with the first:
    /// a `struct ifinfomsg` and link attributes. The core finds the second one's namespace there.
    const PEER: u16;

    /// Bytes of private area: the largest [`priv_size`] of the types that the kind's devices have.
    const PRIV_SIZE: usize;

    /// The number of queues of a device, each way, of which a request says nothing; at most 4096.
    fn num_queues(tb: &LinkAttrs<'_>) -> u32;

    /// Sets what the core compares a request with before it calls [`newlink`](Self::newlink), and what
    /// all devices of the kind have in common. Cannot fail.
    fn setup(dev: &mut SetupDevice<'_>, tb: &LinkAttrs<'_>);

    /// Checks attributes, without looking at any device.
    ///
    /// Runs before RTNL is taken: for a request's own attributes, and with `data` being `None` for
    /// those of the second device.
    fn validate(tb: &LinkAttrs<'_>, data: Option<&Attrs<'_>>, ack: &mut ExtAck<'_>) -> Result;

    /// Makes and registers the device that `dev` is, and what goes with it.
    fn newlink<'a>(
        dev: NewDevice<'a, FromCore>,
        params: &NewLinkParams<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>>;
}

/// `dev` as a device with data of type `T`, if it is one of this module's, of whatever kind. Any context.
pub fn downcast<T: NetDeviceOps>(dev: &NetDevice) -> Option<&Link<T>> {
    let is_wanted = (own_ops(dev)?.data_type)() == TypeId::of::<T>();
    // SAFETY: The type of its data is `T`.
    is_wanted.then(|| unsafe { Link::from_raw(dev.as_ptr()) })
}

/// The operations of a device that is one of this module's.
fn own_ops(dev: &NetDevice) -> Option<&'static PrivOps> {
    // SAFETY: The device is valid, and the field is written by who allocates it only.
    let destructor = unsafe { (*dev.as_ptr()).priv_destructor }?;
    if !ptr::fn_addr_eq(destructor, PRIV_DESTRUCTOR) {
        return None;
    }
    // SAFETY: The device is one that `setup_callback` has set up.
    unsafe { PrivOps::of(dev.as_ptr()) }
}

/// A kind of link as C has a pointer to it while it is registered. While it is not, nobody has a device
/// of the kind.
///
/// # Invariants
///
/// `ops` is registered if `is_registered` is set.
pub struct Kind {
    ops: Opaque<bindings::rtnl_link_ops>,
    name: &'static CStr,
    is_registered: Atomic<bool>,
}

// SAFETY: It gives access to nothing; registering and unregistering take their own locks.
unsafe impl Sync for Kind {}

impl Kind {
    /// A kind that is not registered.
    #[allow(clippy::new_without_default)]
    pub const fn new<K: RtnlLinkOps>() -> Self {
        Self {
            ops: Opaque::new(KindOps::<K>::TABLE),
            name: K::KIND,
            is_registered: Atomic::new(false),
        }
    }

    /// # Safety
    ///
    /// As for [`Registrable::register`].
    unsafe fn register(&'static self) -> Result {
        // SAFETY: The structure is static, and unregistered by the caller's guarantee.
        to_result(unsafe { bindings::rtnl_link_register(self.ops.get()) })?;
        // INVARIANT: Just registered.
        self.is_registered.store(true, Relaxed);
        Ok(())
    }

    /// Removes all devices of the kind in all namespaces and waits until nobody runs any of their code.
    fn unregister(&'static self) {
        if self.is_registered.load(Relaxed) {
            // SAFETY: By the type's invariant. This waits for users of the operations, unregisters all
            // devices of the kind and waits until they are gone.
            unsafe { bindings::rtnl_link_unregister(self.ops.get()) };
            self.is_registered.store(false, Relaxed);
        }
    }
}

/// The kinds of a module: registered are those that nobody else has. [`EEXIST`] if these are none.
pub struct Kinds(&'static [&'static Kind]);

impl Kinds {
    /// Kinds that are not registered.
    pub const fn new(kinds: &'static [&'static Kind]) -> Self {
        Self(kinds)
    }

    /// # Safety
    ///
    /// As for [`Registrable::register`].
    unsafe fn register_free(&'static self) -> Result {
        let mut result = Err(EEXIST);
        for kind in self.0 {
            // SAFETY: By the caller's guarantee.
            match unsafe { kind.register() } {
                Ok(()) => result = Ok(()),
                // SAFETY: The name is a string.
                Err(err) if err == EEXIST => unsafe {
                    bindings::log_kind_is_taken(kind.name.as_char_ptr());
                },
                Err(err) => return Err(err),
            }
        }
        result
    }
}

impl Registrable for Kinds {
    unsafe fn register(&'static self) -> Result {
        // SAFETY: By the caller's guarantee.
        unsafe { self.register_free() }.inspect_err(|_| {
            // SAFETY: Those that are registered, which nobody does afterwards.
            unsafe { self.unregister() };
        })
    }

    unsafe fn unregister(&'static self) {
        self.0.iter().rev().for_each(|kind| kind.unregister());
    }
}

/// What `setup_callback` writes into a device, and nobody else: one pointer, by which devices of this
/// module are known. A function may have several addresses, a static has one value.
static PRIV_DESTRUCTOR: unsafe extern "C" fn(*mut bindings::net_device) = priv_destructor_callback;

/// # Safety
///
/// To be called by the core with a device that it has just allocated.
unsafe extern "C" fn setup_callback(dev: *mut bindings::net_device) {
    // SAFETY: The device is new, zeroed and nobody else's, with a private area that is large enough by
    // `KindOps::CHECKS`.
    unsafe {
        bindings::ether_setup(dev);
        (*dev).netdev_ops = EMPTY_NETDEV_OPS;
        (*dev).needs_free_netdev = true;
        (*dev).priv_destructor = Some(PRIV_DESTRUCTOR);
    }
    // Netpoll would transmit with interrupts off, and sharing would let others keep a packet
    // that we are given: both would make proofs of the transmit callback false.
    // SAFETY: The device is new and nobody else's.
    unsafe {
        bindings::netdev_set_priv_flags(
            dev,
            bindings::netdev_priv_flags_IFF_DISABLE_NETPOLL,
            bindings::netdev_priv_flags_IFF_TX_SKB_SHARING,
        )
    };
}

/// # Safety
///
/// To be called by the core when nobody uses the device any more.
unsafe extern "C" fn priv_destructor_callback(dev: *mut bindings::net_device) {
    // SAFETY: The device was set up by `setup_callback`, so its private area is a `Priv`.
    unsafe { priv_destroy(dev) };
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
        assert!((K::PEER as usize) < K::POLICY.len());
        assert!(Policy::min_len(K::POLICY, K::PEER) >= size_of::<bindings::ifinfomsg>());
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
        ops.peer_type = K::PEER;
        // CAST: A table with one row per attribute number is short.
        #[allow(clippy::cast_possible_truncation)]
        let maxtype = K::POLICY.len().saturating_sub(1) as c_uint;
        ops.maxtype = maxtype;
        ops.policy = Policy::table_ptr(K::POLICY);
        ops.validate = Some(Self::validate_callback);
        ops.newlink = Some(Self::newlink_callback);
        ops.changelink = Some(Self::changelink_callback);
        ops.dellink = Some(Self::dellink_callback);
        ops.get_size = Some(Self::get_size_callback);
        ops.fill_info = Some(Self::fill_info_callback);
        ops.get_link_net = Some(Self::get_link_net_callback);
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
            // INVARIANT: The device is new, and nobody else's.
            let mut dev = SetupDevice {
                dev,
                _dev: PhantomData,
            };
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
        // INVARIANT: The device is allocated, not registered, and stays the core's.
        let new = NewDevice {
            // SAFETY: Never null.
            dev: unsafe { NonNull::new_unchecked(dev) },
            priv_size: K::PRIV_SIZE,
            _owner: PhantomData,
        };
        match K::newlink(new, &params, &mut ack, rtnl) {
            Ok(Finished(_)) => 0,
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
        tb: *mut *mut bindings::nlattr,
        data: *mut *mut bindings::nlattr,
        extack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The tables are those that the core parsed for this kind, valid during the call.
        let (tb, data) = unsafe { (LinkAttrs::from_raw(tb), Self::data(data)) };
        // SAFETY: RTNL is held; the ack is the request's.
        let (rtnl, mut ack) = unsafe { (Rtnl::assume_held(), ExtAck::from_raw(extack)) };
        from_result(|| {
            // SAFETY: The device is of this kind.
            let ops = unsafe { PrivOps::of(dev) }.ok_or(ENODEV)?;
            // SAFETY: The operations are those of the device.
            unsafe { (ops.changelink)(dev, &tb, data.as_ref(), &mut ack, rtnl) }.map(|()| 0)
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
        let dev = dev.cast_mut();
        // SAFETY: The device is of this kind.
        let ops = unsafe { PrivOps::of(dev) };
        // SAFETY: The operations are those of the device.
        ops.map_or(0, |ops| unsafe { (ops.get_size)(dev) })
    }

    /// # Safety
    ///
    /// To be called by the core under RTNL, with a device of this kind and a message.
    unsafe extern "C" fn fill_info_callback(
        skb: *mut bindings::sk_buff,
        dev: *const bindings::net_device,
    ) -> c_int {
        let dev = dev.cast_mut();
        from_result(|| {
            // SAFETY: The device is of this kind.
            let Some(ops) = (unsafe { PrivOps::of(dev) }) else {
                return Ok(0);
            };
            // SAFETY: The operations are those of the device; RTNL is held.
            unsafe { (ops.fill_info)(dev, skb) }.map(|()| 0)
        })
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

/// What a request to make a link says.
pub struct NewLinkParams<'a> {
    params: *mut bindings::rtnl_newlink_params,
    ops: *const bindings::rtnl_link_ops,
    template: &'static CStr,
    priv_size: usize,
    tb: LinkAttrs<'a>,
    data: Option<Attrs<'a>>,
}

impl<'a> NewLinkParams<'a> {
    /// The link's attributes.
    pub fn attrs(&self) -> &LinkAttrs<'a> {
        &self.tb
    }

    /// The kind's own attributes.
    pub fn data(&self) -> Option<&Attrs<'a>> {
        self.data.as_ref()
    }

    /// The device that `IFLA_LINK` names, in the namespace of `IFLA_LINK_NETNSID`, else the
    /// requester's. [`EINVAL`] if the request names none, [`ENODEV`] if there is none.
    pub fn lower<'r>(&self, rtnl: &'r Rtnl) -> Result<&'r RegisteredDev<NetDevice>> {
        let _ = rtnl;
        let ifindex = self.tb.get(&ifla::LINK)?.ok_or(EINVAL)?;
        let ifindex = c_int::try_from(ifindex).map_err(|_| ENODEV)?;
        // SAFETY: The core holds a reference to the namespace during the request; RTNL is held.
        let dev = unsafe {
            bindings::__dev_get_by_index(bindings::rtnl_newlink_link_net(self.params), ifindex)
        };
        if dev.is_null() {
            return Err(ENODEV);
        }
        // SAFETY: A device that can be found is registered, and is not freed before RTNL is released.
        Ok(unsafe { RegisteredDev::assume(NetDevice::from_raw(dev)) })
    }

    /// The namespace for a second device: the one its attributes name, else that of
    /// `IFLA_LINK_NETNSID`, else the requester's. The core has checked the requester's rights.
    pub fn peer_net(&self) -> &Net {
        // SAFETY: The core holds references to these namespaces during the request.
        unsafe { Net::from_raw(bindings::rtnl_newlink_peer_net(self.params)) }
    }

    /// Allocates a second device of this kind in `net`, with what `attrs` say of it
    /// (`rtnl_create_link()`). It is named by them if `named` is set, else by the kind's template.
    pub fn create<'r>(
        &self,
        net: &Net,
        attrs: &LinkAttrs<'_>,
        named: bool,
        ack: &mut ExtAck<'_>,
        _rtnl: &'r Rtnl,
    ) -> Result<NewDevice<'r, Owned>> {
        let mut name = [0u8; IFNAMSIZ];
        let wanted = if named {
            attrs.get(&ifla::IFNAME)?
        } else {
            None
        };
        let assign_type = match wanted {
            Some(wanted) => {
                copy_name(&mut name, wanted);
                bindings::NET_NAME_USER
            }
            None => {
                copy_name(&mut name, self.template.to_bytes());
                bindings::NET_NAME_ENUM
            }
        };
        #[allow(clippy::cast_possible_truncation)]
        // SAFETY: RTNL is held; the name is a terminated string; `ops` is the registered kind that
        // this request is for; the table has `IFLA_MAX + 1` entries, as all tables of links.
        let dev = from_err_ptr(unsafe {
            bindings::rtnl_create_link(
                net.as_ptr(),
                name.as_ptr().cast(),
                // CAST: Both constants are below 8.
                assign_type as u8,
                self.ops,
                attrs.as_ptr(),
                ack.as_ptr(),
            )
        })?;
        // INVARIANT: The device is new and ours.
        Ok(NewDevice {
            dev: NonNull::new(dev).ok_or(ENOMEM)?,
            priv_size: self.priv_size,
            _owner: PhantomData,
        })
    }
}

/// Room for a device's name, the terminating zero included (`IFNAMSIZ`).
const IFNAMSIZ: usize = bindings::IFNAMSIZ as usize;

/// Copies a name up to its first zero, cut to what fits with a zero behind it.
fn copy_name(to: &mut [u8; IFNAMSIZ], from: &[u8]) {
    let text = from.iter().take_while(|c| **c != 0).take(IFNAMSIZ - 1);
    for (to, from) in to.iter_mut().zip(text) {
        *to = *from;
    }
}

/// The parsed attributes of a second device: a `struct ifinfomsg`, and link attributes behind it,
/// without that of a lower device (`IFLA_LINK`), which a second device does not have.
pub struct PeerInfo<'a> {
    msg: &'a [u8],
    tb: [*mut bindings::nlattr; IFLA_TABLE],
}

impl<'a> PeerInfo<'a> {
    /// Parses an attribute like `VETH_INFO_PEER` (`rtnl_nla_parse_ifinfomsg()`).
    pub fn parse(attr: Attr<'a>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let msg = attr.payload();
        if msg.len() < size_of::<bindings::ifinfomsg>() {
            return Err(ERANGE);
        }
        let mut tb = [ptr::null_mut(); IFLA_TABLE];
        // SAFETY: The attribute is valid and has room for the header; the table has
        // `IFLA_MAX + 1` entries.
        to_result(unsafe {
            bindings::rtnl_nla_parse_ifinfomsg(tb.as_mut_ptr(), attr.as_ptr(), ack.as_ptr())
        })?;
        if let Some(link) = tb.get_mut(usize::from(ifla::LINK.id())) {
            *link = ptr::null_mut();
        }
        Ok(Self { msg, tb })
    }

    /// The link attributes.
    pub fn attrs(&mut self) -> LinkAttrs<'_> {
        // SAFETY: The parser has filled the table with pointers into the message, which is valid
        // for longer than `self` is borrowed.
        unsafe { LinkAttrs::from_raw(self.tb.as_mut_ptr()) }
    }

    /// The wanted ifindex; zero if any will do.
    pub fn ifindex(&self) -> i32 {
        // SAFETY: `parse` has checked that the header is there; it may be unaligned.
        unsafe { self.header().read_unaligned() }.ifi_index
    }

    fn header(&self) -> *const bindings::ifinfomsg {
        self.msg.as_ptr().cast()
    }
}

/// A device whose properties can be set freely, because nobody else knows it yet.
///
/// # Invariants
///
/// `dev` is allocated, not registered and used by nobody else during `'a`.
pub struct SetupDevice<'a> {
    dev: *mut bindings::net_device,
    _dev: PhantomData<&'a mut ()>,
}

/// Properties of a device that are on or off.
#[derive(Clone, Copy)]
pub struct PrivFlags(u32);

impl PrivFlags {
    /// The address may change while the device is up.
    pub const LIVE_ADDR_CHANGE: Self = Self(bindings::netdev_priv_flags_IFF_LIVE_ADDR_CHANGE);
    /// No queueing discipline by default.
    pub const NO_QUEUE: Self = Self(bindings::netdev_priv_flags_IFF_NO_QUEUE);
    /// The headroom it asks for is for others: a bridge need not add it up.
    pub const PHONY_HEADROOM: Self = Self(bindings::netdev_priv_flags_IFF_PHONY_HEADROOM);

    /// Nobody else can receive its packets in its place.
    pub const NO_RX_HANDLER: Self = Self(bindings::netdev_priv_flags_IFF_NO_RX_HANDLER);
    /// Filters unicast addresses itself.
    pub const UNICAST_FLT: Self = Self(bindings::netdev_priv_flags_IFF_UNICAST_FLT);
    /// Has no use for a packet's route when it transmits.
    pub const XMIT_DST_RELEASE: Self = Self(
        bindings::netdev_priv_flags_IFF_XMIT_DST_RELEASE
            | bindings::netdev_priv_flags_IFF_XMIT_DST_RELEASE_PERM,
    );

    /// All of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl SetupDevice<'_> {
    /// Sets properties.
    pub fn set_priv_flags(&mut self, flags: PrivFlags) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_set_priv_flags(self.dev, flags.0, 0) };
    }

    /// Takes properties away.
    pub fn clear_priv_flags(&mut self, flags: PrivFlags) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_set_priv_flags(self.dev, 0, flags.0) };
    }

    /// Lets the user switch the link off without taking the device down (`protodown`).
    pub fn set_change_proto_down(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_set_change_proto_down(self.dev) };
    }

    /// Whether the requester, if the device will be in another namespace than `net`, may administer
    /// that one, too (`rtnl_dev_link_net_capable()`).
    pub fn link_net_capable(&self, net: &Net, _rtnl: &Rtnl) -> bool {
        // SAFETY: Both are valid.
        unsafe { bindings::rtnl_dev_link_net_capable(self.dev, net.as_ptr()) }
    }

    /// Sets how many packets the queues hold (`txqueuelen`).
    pub fn set_tx_queue_len(&mut self, len: u32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).tx_queue_len = len };
    }

    /// The MTU.
    pub fn mtu(&self) -> u32 {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).mtu }
    }

    /// Sets the MTU.
    pub fn set_mtu(&mut self, mtu: u32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).mtu = mtu };
    }

    /// Takes over the address of the device below, and how it came by it (`eth_hw_addr_inherit()`).
    pub fn inherit_address(&mut self, from: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: By the type's invariant; the address changes under RTNL only.
        unsafe { bindings::eth_hw_addr_inherit(self.dev, from.as_ptr()) };
    }

    /// Takes over the address of the device below, and nothing else (`eth_hw_addr_set()`).
    pub fn copy_address(&mut self, from: &NetDevice, _rtnl: &Rtnl) {
        let mac = from.mac().to_bytes();
        // SAFETY: By the type's invariant; Ethernet devices have addresses of six bytes.
        unsafe { bindings::eth_hw_addr_set(self.dev, mac.as_ptr()) };
    }

    /// Takes over what concerns packets from the device below: carrier, limits of segmentation,
    /// room for headers.
    pub fn inherit_lower(&mut self, lower: &NetDevice, _rtnl: &Rtnl) {
        // SAFETY: By the type's invariant; the other device is valid.
        unsafe {
            bindings::netdev_inherit_state(self.dev, lower.as_ptr());
            bindings::netif_inherit_tso_max(self.dev, lower.as_ptr());
            (*self.dev).hard_header_len = (*lower.as_ptr()).hard_header_len;
            bindings::netdev_inherit_room(self.dev, lower.as_ptr());
        }
    }

    /// Sets what a device on top of another can do: now, by the user's choice, for VLANs on it. What
    /// it can do for tunnels is what it can do, and what was set before.
    pub fn set_stacked_features(&mut self, now: Features, changeable: Features, vlan: Features) {
        // SAFETY: By the type's invariant.
        unsafe {
            (*self.dev).features = now.possible();
            (*self.dev).hw_features |= changeable.possible();
            (*self.dev).vlan_features = vlan.possible();
            (*self.dev).hw_enc_features |= now.possible();
        }
    }

    /// The driver needs no transmit lock: `start_xmit` may run on many CPUs at once.
    pub fn set_lltx(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netdev_set_lltx(self.dev, true) };
    }

    /// Sets the largest MTU.
    pub fn set_max_mtu(&mut self, mtu: u32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).max_mtu = mtu };
    }

    /// Lets GSO packets be as large as the stack can make them (`GSO_MAX_SIZE`).
    pub fn set_tso_max_size(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::netif_set_tso_max_size(self.dev, bindings::GSO_MAX_SIZE) };
    }

    /// Sets what the device can do: now, by the user's choice, for tunnels, VLANs and MPLS on it.
    pub fn set_features(&mut self, features: Features, vlan: Features, mpls: Features) {
        // SAFETY: By the type's invariant.
        unsafe {
            (*self.dev).features |= features.possible();
            (*self.dev).hw_features = features.possible();
            (*self.dev).hw_enc_features = features.possible();
            (*self.dev).vlan_features = vlan.possible();
            (*self.dev).mpls_features = mpls.possible();
        }
    }

    /// Gives the device a random address of its own (`eth_hw_addr_random()`).
    pub fn set_random_address(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::eth_hw_addr_random(self.dev) };
    }

    /// Asks for an ifindex; zero for any.
    pub fn set_ifindex(&mut self, ifindex: i32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).ifindex = ifindex };
    }

    /// The ifindex that was asked for; zero for any.
    pub fn ifindex(&self) -> i32 {
        // SAFETY: By the type's invariant.
        unsafe { (*self.dev).ifindex }
    }

    /// Numbers of allocated transmit and receive queues.
    pub fn num_queues(&self) -> (u32, u32) {
        // SAFETY: By the type's invariant.
        unsafe { ((*self.dev).num_tx_queues, (*self.dev).num_rx_queues) }
    }

    /// Sets the numbers of active queues, where given; [`EINVAL`] if more than are allocated.
    pub fn set_real_num_queues(&mut self, tx: Option<u32>, rx: Option<u32>) -> Result {
        // SAFETY: By the type's invariant.
        unsafe { link_callbacks::set_real_num_queues(self.dev, tx, rx) }
    }

    /// Takes over the limits of segmentation from another device (`netif_inherit_tso_max()`).
    pub fn inherit_tso_max(&mut self, from: &SetupDevice<'_>) {
        // SAFETY: By the invariant of both.
        unsafe { bindings::netif_inherit_tso_max(self.dev, from.dev) };
    }
}

/// Undoes what was done to a device of our kind, however far it got, except freeing it.
///
/// # Safety
///
/// RTNL must be held, and the caller give up its access to the device.
unsafe fn unwind(dev: *mut bindings::net_device) {
    // SAFETY: By the caller's guarantee the device is still allocated.
    match bindings::netdev_reg_state::from(unsafe { (*dev).reg_state }) {
        // SAFETY: RTNL is held. `netdev_run_todo()` calls the destructor, when nobody uses the
        // device any more.
        bindings::netdev_reg_state_NETREG_REGISTERED => unsafe {
            bindings::unregister_netdevice_queue(dev, ptr::null_mut())
        },
        // A notifier refused a device that was visible already: as above, but the core has begun.
        bindings::netdev_reg_state_NETREG_UNREGISTERING => {}
        // The destructor may or may not have been called, which `priv_destroy()` finds out.
        // SAFETY: Nobody could ever reach the device.
        _ => unsafe { priv_destroy(dev) },
    }
}

mod private {
    pub trait Sealed {
        /// Whether dropping the device undoes its making.
        const UNWIND: bool;
    }
}

/// Says who undoes the making of a device that is not completed.
pub trait Owner: private::Sealed {}

/// The device that a request is about: if the request fails, all is undone at its end.
pub enum FromCore {}

impl Owner for FromCore {}
impl private::Sealed for FromCore {
    const UNWIND: bool = false;
}

/// A device that the driver had allocated in addition: undone and freed when dropped.
pub enum Owned {}

impl Owner for Owned {}
impl private::Sealed for Owned {
    const UNWIND: bool = true;
}

/// Makes a type invariant in `'a`: a shorter or longer lifetime is a different one.
type Brand<'a> = fn(&'a ()) -> &'a ();

/// A device that is allocated and set up, without private data.
///
/// # Invariants
///
/// `dev` is allocated and not registered, its private area has `priv_size` bytes and holds no data;
/// RTNL is held during `'a`. If `O::UNWIND`, it is ours to free.
pub struct NewDevice<'a, O: Owner> {
    dev: NonNull<bindings::net_device>,
    priv_size: usize,
    _owner: PhantomData<(Brand<'a>, *mut O)>,
}

impl<'a, O: Owner> NewDevice<'a, O> {
    /// The device's properties.
    pub fn setup(&mut self) -> SetupDevice<'_> {
        // INVARIANT: Not registered, and borrowed exclusively.
        SetupDevice {
            dev: self.dev.as_ptr(),
            _dev: PhantomData,
        }
    }

    /// Gives the device its private data and the operations that go with it.
    pub fn init<T: NetDeviceOps>(
        self,
        data: impl PinInit<T, Error>,
    ) -> Result<Initialised<'a, T, O>> {
        if priv_size::<T>() > self.priv_size {
            return Err(EINVAL);
        }
        // SAFETY: By the type's invariants, and the area is large enough.
        unsafe { priv_init::<T>(self.dev.as_ptr(), data)? };
        // INVARIANT: The data is there now.
        Ok(Initialised {
            dev: ManuallyDrop::new(self).dev,
            _type: PhantomData,
        })
    }
}

impl<O: Owner> Drop for NewDevice<'_, O> {
    fn drop(&mut self) {
        if O::UNWIND {
            // SAFETY: By the type's invariants it is ours and was never registered.
            unsafe { bindings::free_netdev(self.dev.as_ptr()) };
        }
    }
}

/// A device with private data, ready to be registered.
///
/// # Invariants
///
/// As [`NewDevice`], but the private area holds a live `T`; or registering it has failed.
pub struct Initialised<'a, T: NetDeviceOps, O: Owner> {
    dev: NonNull<bindings::net_device>,
    _type: PhantomData<(Brand<'a>, T, *mut O)>,
}

impl<'a, T: NetDeviceOps, O: Owner> Initialised<'a, T, O> {
    /// The device's properties.
    pub fn setup(&mut self) -> SetupDevice<'_> {
        // INVARIANT: Not registered, and borrowed exclusively.
        SetupDevice {
            dev: self.dev.as_ptr(),
            _dev: PhantomData,
        }
    }

    /// Makes the device known to everybody (`register_netdevice()`).
    ///
    /// Errors: [`EEXIST`] for a name that is taken, [`EINVAL`] for one that is invalid, [`EBUSY`] for
    /// an ifindex that is taken, [`ENOMEM`], or what a notifier said. Re-enters the driver.
    pub fn register(self, rtnl: &'a Rtnl) -> Result<Registered<'a, T, O>> {
        let _ = rtnl;
        // SAFETY: RTNL is held; the device is set up and has its operations. On failure `self` is
        // dropped, which knows how far it got.
        to_result(unsafe { bindings::register_netdevice(self.dev.as_ptr()) })?;
        // INVARIANT: It is registered now.
        Ok(Registered {
            dev: ManuallyDrop::new(self).dev,
            _type: PhantomData,
        })
    }
}

impl<T: NetDeviceOps, O: Owner> Drop for Initialised<'_, T, O> {
    fn drop(&mut self) {
        if O::UNWIND {
            // SAFETY: RTNL is held, and the device ours; freeing it is deferred by the core if it is
            // being unregistered.
            unsafe {
                unwind(self.dev.as_ptr());
                bindings::free_netdev(self.dev.as_ptr());
            }
        }
    }
}

/// A device that is registered, and will be unregistered again unless its making is completed.
///
/// # Invariants
///
/// `dev` was registered with private data of type `T`; RTNL has been held since, and is during `'a`.
pub struct Registered<'a, T: NetDeviceOps, O: Owner> {
    dev: NonNull<bindings::net_device>,
    _type: PhantomData<(Brand<'a>, T, *mut O)>,
}

impl<T: NetDeviceOps, O: Owner> Deref for Registered<'_, T, O> {
    type Target = RegisteredDev<Link<T>>;

    fn deref(&self) -> &Self::Target {
        // SAFETY: By the type's invariants: RTNL has been held since the device was registered.
        unsafe { RegisteredDev::assume(Link::from_raw(self.dev.as_ptr())) }
    }
}

impl<'a, T: NetDeviceOps> Registered<'a, T, Owned> {
    /// Applies the flags that were asked for and tells user space (`rtnl_configure_link()`), which
    /// does not hear of later changes either unless this was done.
    pub fn configure(self, info: Option<&PeerInfo<'_>>) -> Result<Configured<'a, T>> {
        if self.is_unregistering() {
            return Err(ENODEV);
        }
        let info = info.map_or(ptr::null(), PeerInfo::header);
        // SAFETY: RTNL is held, and the device registered; the header is null or complete.
        to_result(unsafe {
            bindings::rtnl_configure_link(self.dev.as_ptr(), info, 0, ptr::null())
        })?;
        Ok(Configured(self))
    }
}

/// A second device that user space knows of; unregistered again unless it is kept.
pub struct Configured<'a, T: NetDeviceOps>(Registered<'a, T, Owned>);

impl<T: NetDeviceOps> Configured<'_, T> {
    /// The device is there to stay.
    pub fn keep(self) {
        let _ = ManuallyDrop::new(self.0);
    }
}

impl<T: NetDeviceOps> Deref for Configured<'_, T> {
    type Target = RegisteredDev<Link<T>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T: NetDeviceOps> Registered<'a, T, FromCore> {
    /// The request is done: the device is there to stay. [`ENODEV`] if somebody has unregistered it since:
    /// the core would go on with it.
    pub fn finish(self) -> Result<Finished<'a>> {
        if self.is_unregistering() {
            return Err(ENODEV);
        }
        let _ = ManuallyDrop::new(self);
        Ok(Finished(PhantomData))
    }
}

impl<T: NetDeviceOps, O: Owner> Drop for Registered<'_, T, O> {
    fn drop(&mut self) {
        if O::UNWIND {
            // SAFETY: RTNL is held. The device is freed after RTNL is released, when nobody uses it
            // any more (`needs_free_netdev`).
            unsafe { unwind(self.dev.as_ptr()) };
        }
    }
}

/// Proof that the device of a request was registered.
pub struct Finished<'a>(PhantomData<fn(&'a ()) -> &'a ()>);

/// Devices that the core will unregister together, when the current callback is done.
///
/// # Invariants
///
/// `list` is one that is passed to `unregister_netdevice_many()` later, under the same RTNL; `net` is
/// the namespace that the core is removing devices from.
pub struct UnregisterList<'a> {
    list: *mut bindings::list_head,
    net: &'a Net,
}

impl<'a> UnregisterList<'a> {
    /// Wraps the list that a callback received.
    ///
    /// # Safety
    ///
    /// `list` and `net` must be as the type's invariants say.
    pub(crate) unsafe fn from_raw(list: *mut bindings::list_head, net: &'a Net) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self { list, net }
    }

    /// Queues a device, unless it is on its way already. One in another namespace may be unregistered
    /// a moment later, where RTNL is per namespace.
    pub fn queue<T>(&mut self, dev: &Link<T>, _rtnl: &Rtnl) {
        let ptr = dev.as_ptr();
        // SAFETY: The device is valid; its state and its place in a list change under RTNL only.
        unsafe {
            if bindings::netdev_reg_state::from((*ptr).reg_state)
                == bindings::netdev_reg_state_NETREG_REGISTERED
                && !bindings::netdev_is_queued(ptr)
            {
                bindings::unregister_netdevice_queue_net(self.net.as_ptr(), ptr, self.list);
            }
        }
    }
}

/// Deletes devices as a user would, with what goes with each, all together
/// (`unregister_netdevice_many()`), except `not`.
///
/// For [`Details::delete_links`](super::notifier::Details::delete_links): not from within an operation
/// that the core has called for one of the devices, and goes on with.
pub(crate) fn delete_links<'a, T: NetDeviceOps>(
    links: impl Iterator<Item = &'a RegisteredDev<Link<T>>>,
    not: &NetDevice,
    _rtnl: &Rtnl,
) {
    let mut list = MaybeUninit::<bindings::list_head>::uninit();
    let head = list.as_mut_ptr();
    // SAFETY: The list head is ours and stays where it is until the end of this function.
    unsafe {
        head.write(bindings::list_head {
            next: head,
            prev: head,
        })
    };
    for link in links.filter(|link| !ptr::eq(link.as_ptr(), not.as_ptr())) {
        // SAFETY: RTNL is held, and the list is passed to `unregister_netdevice_many()` below.
        unsafe { link_callbacks::dellink(link, head) };
    }
    // SAFETY: RTNL is held; the list contains devices that were queued to it. Nothing is done if it
    // is empty.
    unsafe { bindings::unregister_netdevice_many(head) };
}
