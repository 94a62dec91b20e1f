// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes: reading, policy, writing, and extended acknowledgements.
//!
//! An attribute's number, its validation and the type it is read as are one constant, a [`Field`],
//! so that the three cannot disagree.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

use super::netdevice::NetDevice;
use crate::{
    bindings,
    context::Rcu, //
};
use core::{
    marker::PhantomData,
    mem::size_of,
    ops::Deref, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::NotThreadSafe, //
};

/// Length of `struct nlattr`, which precedes an attribute's payload.
const HEADER: usize = size_of::<bindings::nlattr>();

/// Room that an attribute with a payload of `len` bytes takes in a message (`nla_total_size()`).
#[inline]
pub const fn total_size(len: usize) -> usize {
    HEADER.saturating_add(len).saturating_add(3) & !3
}

/// How an attribute's payload is validated and read.
pub trait AttrType {
    /// What reading gives.
    type Value<'a>;

    /// The netlink policy that has the core check the payload.
    #[doc(hidden)]
    const POLICY: Policy;

    /// Reads a payload; `None` if it is too short.
    fn read<'a>(payload: &'a [u8]) -> Option<Self::Value<'a>>;
}

/// A 32-bit number in host byte order (`NLA_U32`).
pub enum U32 {}

impl AttrType for U32 {
    type Value<'a> = u32;
    const POLICY: Policy = Policy::new(bindings::NLA_U32, 0);

    #[inline]
    fn read(payload: &[u8]) -> Option<u32> {
        let bytes = payload.first_chunk::<4>()?;
        Some(u32::from_ne_bytes(*bytes))
    }
}

/// A 16-bit number in host byte order (`NLA_U16`).
pub enum U16 {}

impl AttrType for U16 {
    type Value<'a> = u16;
    const POLICY: Policy = Policy::new(bindings::NLA_U16, 0);

    #[inline]
    fn read(payload: &[u8]) -> Option<u16> {
        let bytes = payload.first_chunk::<2>()?;
        Some(u16::from_ne_bytes(*bytes))
    }
}

/// A 64-bit number in host byte order, aligned to 4 bytes (`NLA_U64`).
pub enum U64 {}

impl AttrType for U64 {
    type Value<'a> = u64;
    const POLICY: Policy = Policy::new(bindings::NLA_U64, 0);

    #[inline]
    fn read(payload: &[u8]) -> Option<u64> {
        let bytes = payload.first_chunk::<8>()?;
        Some(u64::from_ne_bytes(*bytes))
    }
}

/// A signed 32-bit number in host byte order (`NLA_S32`).
pub enum S32 {}

impl AttrType for S32 {
    type Value<'a> = i32;
    const POLICY: Policy = Policy::new(bindings::NLA_S32, 0);

    #[inline]
    fn read(payload: &[u8]) -> Option<i32> {
        let bytes = payload.first_chunk::<4>()?;
        Some(i32::from_ne_bytes(*bytes))
    }
}

/// At most `MAX` bytes (`NLA_BINARY`).
pub struct Binary<const MAX: u16>;

impl<const MAX: u16> AttrType for Binary<MAX> {
    type Value<'a> = &'a [u8];
    const POLICY: Policy = Policy::new(bindings::NLA_BINARY, MAX);

    #[inline]
    fn read(payload: &[u8]) -> Option<&[u8]> {
        Some(payload)
    }
}

/// Attributes inside an attribute (`NLA_NESTED`).
pub enum Nested {}

impl AttrType for Nested {
    type Value<'a> = NestedAttrs<'a>;
    const POLICY: Policy = Policy::new(bindings::NLA_NESTED, 0);

    #[inline]
    fn read<'a>(payload: &'a [u8]) -> Option<NestedAttrs<'a>> {
        Some(NestedAttrs(payload))
    }
}

/// An attribute that nobody may send (`NLA_REJECT`).
pub enum Rejected {}

impl AttrType for Rejected {
    type Value<'a> = ();
    const POLICY: Policy = Policy::new(bindings::NLA_REJECT, 0);

    #[inline]
    fn read(_payload: &[u8]) -> Option<()> {
        Some(())
    }
}

/// Bytes without a layout of their own (`NLA_UNSPEC` with a minimum length).
pub struct Bytes<const MIN: u16>;

impl<const MIN: u16> AttrType for Bytes<MIN> {
    type Value<'a> = &'a [u8];
    const POLICY: Policy = Policy::new(bindings::NLA_UNSPEC, MIN);

    #[inline]
    fn read(payload: &[u8]) -> Option<&[u8]> {
        (payload.len() >= usize::from(MIN)).then_some(payload)
    }
}

/// An attribute that is recognised but whose payload nobody looks at.
pub enum Ignored {}

impl AttrType for Ignored {
    type Value<'a> = ();
    const POLICY: Policy = Policy::new(bindings::NLA_UNSPEC, 0);

    #[inline]
    fn read(_payload: &[u8]) -> Option<()> {
        Some(())
    }
}

/// The definition of one attribute: its number and type.
pub struct Field<T: AttrType> {
    id: u16,
    _type: PhantomData<fn() -> T>,
}

impl<T: AttrType> Field<T> {
    /// Defines attribute number `id`.
    pub const fn new(id: u16) -> Self {
        Self {
            id,
            _type: PhantomData,
        }
    }

    /// The attribute's number.
    pub const fn id(&self) -> u16 {
        self.id
    }
}

/// One row of a policy table (`struct nla_policy`).
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Policy(bindings::nla_policy);

// SAFETY: A policy of the types used here holds no pointers that anybody writes through.
unsafe impl Sync for Policy {}

impl Policy {
    #[allow(clippy::cast_possible_truncation)] // The NLA_* types are all below 32.
    const fn new(type_: u32, len: u16) -> Self {
        // SAFETY: `struct nla_policy` is plain data for which zero is valid.
        let mut policy: bindings::nla_policy = unsafe { core::mem::zeroed() };
        policy.type_ = type_ as u8;
        policy.len = len;
        Self(policy)
    }
}

/// A policy table for attributes `0..N`.
pub struct PolicyTable<const N: usize>([Policy; N]);

impl<const N: usize> PolicyTable<N> {
    /// A table that ignores every attribute.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self([Policy::new(bindings::NLA_UNSPEC, 0); N])
    }

    /// Adds a field. Evaluated in constants only, where a number that is too large is a compile
    /// error.
    #[allow(clippy::indexing_slicing)]
    #[must_use]
    pub const fn with<T: AttrType>(mut self, field: &Field<T>) -> Self {
        self.0[field.id as usize] = T::POLICY;
        self
    }

    /// The rows, for a [`RtnlLinkOps`](super::link::RtnlLinkOps).
    pub const fn rows(&'static self) -> &'static [Policy] {
        &self.0
    }
}

impl Policy {
    /// The length that a row guarantees, zero if it guarantees none: only for `NLA_UNSPEC` is the length of
    /// a policy the least that is accepted. For `NLA_BINARY` it is the most.
    ///
    /// Evaluated in constants only, where a panic is a compile error; inline, so that it does not
    /// become a function that could panic at run time.
    #[inline]
    #[allow(clippy::indexing_slicing)]
    pub(crate) const fn min_len(rows: &'static [Policy], id: u16) -> usize {
        let row = &rows[id as usize].0;
        if row.type_ as u32 == bindings::NLA_UNSPEC {
            row.len as usize
        } else {
            0
        }
    }

    /// The first row of a table, as C wants it.
    pub(crate) const fn table_ptr(rows: &'static [Policy]) -> *const bindings::nla_policy {
        // CAST: `Policy` is a transparent wrapper of `nla_policy`.
        rows.as_ptr().cast()
    }
}

/// What is inside a nested attribute.
#[derive(Clone, Copy)]
pub struct NestedAttrs<'a>(&'a [u8]);

impl<'a> NestedAttrs<'a> {
    /// The attributes one after the other: number and payload. Ends at the first that is not whole
    /// (`nla_for_each_attr()`).
    pub fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (id, _) = tail.split_first_chunk::<2>()?;
            let len = usize::from(u16::from_ne_bytes(*len));
            // CAST: A mask of 14 bits.
            let id = u16::from_ne_bytes(*id) & !(ATTR_FLAGS);
            let payload = rest.get(HEADER..len)?;
            rest = rest.get(len.saturating_add(3) & !3..).unwrap_or_default();
            Some((id, payload))
        })
    }
}

/// The two upper bits of an attribute's number.
const ATTR_FLAGS: u16 = 0xc000;

/// How many different numbers attributes can have.
const MAX_ATTRS: usize = 0x4000;

/// The attributes of a nest, by number up to `N - 1`.
///
/// # Invariants
///
/// Each pointer is null or fit for an [`Attr`] that lasts for `'a`.
pub struct NestTable<'a, const N: usize> {
    tb: [*mut bindings::nlattr; N],
    _msg: PhantomData<&'a [u8]>,
}

impl<'a, const N: usize> NestTable<'a, N> {
    /// Parses a nested attribute, as liberally as the attributes of a kind are
    /// (`nla_parse_nested_deprecated()`): unknown numbers are ignored.
    pub fn parse(
        nest: Attr<'a>,
        policy: &'static PolicyTable<N>,
        ack: &mut ExtAck<'_>,
    ) -> Result<Self> {
        // The parser is told the highest number, and clears one entry more.
        const { assert!(N > 0 && N <= MAX_ATTRS) };
        // CAST: Just compared.
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        let max = const { N - 1 } as c_int;
        let mut tb = [core::ptr::null_mut(); N];
        // SAFETY: The table has `max + 1` entries, and so has the policy; the attribute is valid.
        to_result(unsafe {
            bindings::nla_parse_nested_deprecated(
                tb.as_mut_ptr(),
                max,
                nest.as_ptr(),
                Policy::table_ptr(policy.rows()),
                ack.as_ptr(),
            )
        })?;
        Ok(Self {
            tb,
            _msg: PhantomData,
        })
    }

    /// The attribute of that number, if there is one.
    pub fn attr(&self, id: u16) -> Option<Attr<'a>> {
        let attr = self.tb.get(usize::from(id)).copied()?;
        // INVARIANT: The parser has checked it, and the message lasts for `'a`.
        (!attr.is_null()).then_some(Attr(attr, PhantomData))
    }

    /// Reads a field, as [`Attrs::get`].
    pub fn get<T: AttrType>(&self, field: &Field<T>) -> Result<Option<T::Value<'a>>> {
        match self.attr(field.id) {
            None => Ok(None),
            Some(attr) => T::read(attr.payload()).map(Some).ok_or(ERANGE),
        }
    }
}

/// One received attribute.
///
/// # Invariants
///
/// The pointer is to an attribute inside a netlink message that outlives `'a`, and the attribute's
/// length was checked to be within that message (`nla_ok()`), as the core's parser does.
#[derive(Clone, Copy)]
pub struct Attr<'a>(*const bindings::nlattr, PhantomData<&'a [u8]>);

impl<'a> Attr<'a> {
    /// The bytes behind the header.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        // SAFETY: By the type's invariant the header is readable.
        let len = usize::from(unsafe { (*self.0).nla_len });
        // SAFETY: By the type's invariant `nla_len` bytes from the header on are readable for `'a`,
        // and nobody writes to a message that is being handled. `nla_ok()` made sure that the
        // length includes the header.
        unsafe {
            core::slice::from_raw_parts(self.0.cast::<u8>().add(HEADER), len.saturating_sub(HEADER))
        }
    }

    /// The C object.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *const bindings::nlattr {
        self.0
    }
}

/// A table of parsed attributes, indexed by number.
///
/// # Invariants
///
/// `tb` points to `len` pointers, each null or fit for an [`Attr`], all valid for `'a`.
#[derive(Clone, Copy)]
pub struct Attrs<'a> {
    tb: *mut *mut bindings::nlattr,
    len: usize,
    _msg: PhantomData<&'a [u8]>,
}

impl<'a> Attrs<'a> {
    /// Wraps a table that the core parsed.
    ///
    /// # Safety
    ///
    /// `tb` must be as the type's invariants say.
    #[inline]
    pub(crate) unsafe fn from_raw(tb: *mut *mut bindings::nlattr, len: usize) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self {
            tb,
            len,
            _msg: PhantomData,
        }
    }

    /// The attribute of that number, if the message had it.
    #[inline]
    pub fn attr(&self, id: u16) -> Option<Attr<'a>> {
        if usize::from(id) >= self.len {
            return None;
        }
        // SAFETY: The index was just checked against the table's length.
        let ptr = unsafe { *self.tb.add(usize::from(id)) };
        // INVARIANT: By the invariants of `Attrs`.
        (!ptr.is_null()).then_some(Attr(ptr, PhantomData))
    }

    /// Whether the message had that attribute.
    #[inline]
    pub fn has<T: AttrType>(&self, field: &Field<T>) -> bool {
        self.attr(field.id).is_some()
    }

    /// Reads a field: `Ok(None)` if it is absent, [`ERANGE`] if its payload is too short (which the
    /// policy already refused where it applies).
    #[inline]
    pub fn get<T: AttrType>(&self, field: &Field<T>) -> Result<Option<T::Value<'a>>> {
        match self.attr(field.id) {
            None => Ok(None),
            Some(attr) => T::read(attr.payload()).map(Some).ok_or(ERANGE),
        }
    }

    /// The C table.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut *mut bindings::nlattr {
        self.tb
    }
}

/// One more than the highest number of an attribute of a link (`IFLA_MAX`).
pub(crate) const IFLA_TABLE: usize = bindings::__IFLA_MAX as usize;

/// The attributes of a link itself (`IFLA_*`).
///
/// # Invariants
///
/// The table has `IFLA_TABLE` entries, as C functions expect that are given one.
#[derive(Clone, Copy)]
pub struct LinkAttrs<'a>(Attrs<'a>);

impl<'a> LinkAttrs<'a> {
    /// Wraps a table that the core parsed.
    ///
    /// # Safety
    ///
    /// `tb` must point to [`IFLA_TABLE`] entries as the invariants of [`Attrs`] say.
    #[inline]
    pub(crate) unsafe fn from_raw(tb: *mut *mut bindings::nlattr) -> Self {
        // INVARIANT: Guaranteed by the caller.
        // SAFETY: By the caller's guarantee the table has that many entries, each null or a valid attribute.
        Self(unsafe { Attrs::from_raw(tb, IFLA_TABLE) })
    }
}

impl<'a> Deref for LinkAttrs<'a> {
    type Target = Attrs<'a>;

    #[inline]
    fn deref(&self) -> &Attrs<'a> {
        &self.0
    }
}

/// The longest message of an ack, in bytes, if something is put into it
/// (`NETLINK_MAX_FMTMSG_LEN` with its terminating zero).
pub const MAX_MSG_LEN: usize = bindings::NETLINK_MAX_FMTMSG_LEN as usize - 1;

/// Why a request is refused.
pub trait Reason: Copy {
    /// The error that the requester gets.
    fn error(self) -> Error;

    /// The message beside it (`NLMSGERR_ATTR_MSG`).
    fn text(self) -> &'static CStr;
}

/// An extended acknowledgement: where the reason of a refusal goes (`struct netlink_ext_ack`).
///
/// # Invariants
///
/// The pointer is null, or to an ack that only this thread uses during `'a`.
pub struct ExtAck<'a>(
    *mut bindings::netlink_ext_ack,
    PhantomData<&'a ()>,
    NotThreadSafe,
);

impl<'a> ExtAck<'a> {
    /// Wraps the pointer that a callback received.
    ///
    /// # Safety
    ///
    /// `ptr` must be as the type's invariants say.
    #[inline]
    pub(crate) unsafe fn from_raw(ptr: *mut bindings::netlink_ext_ack) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(ptr, PhantomData, NotThreadSafe)
    }

    /// Sets the message that the user sees.
    fn set_msg(&mut self, msg: &'static CStr) {
        if !self.0.is_null() {
            // SAFETY: Non-null, so by the type's invariants exclusively ours. The message is static, as
            // `_msg` requires. That is this module's: `netlink_ack()` copies it, as any module's, after the
            // core has let go of the kind (`rtnl_link_ops_put()`), in which moment the module could go.
            unsafe { (*self.0)._msg = msg.as_char_ptr().cast() };
        }
    }

    /// Points at the attribute that the message is about.
    fn set_bad_attr(&mut self, attr: Attr<'_>) {
        if !self.0.is_null() {
            // SAFETY: Non-null, so by the type's invariants exclusively ours. The core reads it before the message that the attribute is in is
            // freed (`netlink_ack()`).
            unsafe { (*self.0).bad_attr = attr.as_ptr() };
        }
    }

    /// Sets the message and returns the error, for `return Err(ack.refuse(...))`.
    #[must_use]
    pub fn refuse(&mut self, reason: impl Reason) -> Error {
        self.set_msg(reason.text());
        reason.error()
    }

    /// As [`refuse`](Self::refuse), and points at the attribute that is to blame, if it is there.
    #[must_use]
    pub fn refuse_attr(&mut self, attr: Option<Attr<'_>>, reason: impl Reason) -> Error {
        if let Some(attr) = attr {
            self.set_bad_attr(attr);
        }
        self.refuse(reason)
    }

    /// As [`refuse`](Self::refuse), of what is asked about `dev`. "by" and the name of
    /// `holder` follow the message if the requester may see it: `holder` is in the same namespace, or in one that the
    /// requester has CAP_NET_ADMIN over. What is longer than [`MAX_MSG_LEN`] is cut off.
    #[must_use]
    pub fn refuse_because_of(
        &mut self,
        reason: impl Reason,
        dev: &NetDevice,
        holder: &NetDevice,
        _rcu: Rcu<'_>,
    ) -> Error {
        // SAFETY: Both devices are valid, and what they say of their namespaces is for RCU sections.
        if !unsafe { bindings::netdev_may_see(dev.as_ptr(), holder.as_ptr()) } {
            return self.refuse(reason);
        }
        let (err, msg) = (reason.error(), reason.text());
        // SAFETY: Null, or ours; the message and the name end with a zero.
        unsafe {
            bindings::extack_set_msg_dev(self.0, msg.as_char_ptr().cast(), holder.as_ptr());
        }
        err
    }

    /// The C object.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::netlink_ext_ack {
        self.0
    }
}

/// Appends attributes to a message that is being built.
///
/// # Invariants
///
/// The pointer is to a netlink message under construction that only this thread uses during `'a`.
pub struct AttrWriter<'a>(*mut bindings::sk_buff, PhantomData<&'a mut ()>);

impl<'a> AttrWriter<'a> {
    /// Wraps the message that a callback received.
    ///
    /// # Safety
    ///
    /// `skb` must be as the type's invariants say.
    #[inline]
    pub(crate) unsafe fn from_raw(skb: *mut bindings::sk_buff) -> Self {
        // INVARIANT: Guaranteed by the caller.
        Self(skb, PhantomData)
    }

    fn put(&mut self, id: u16, payload: &[u8]) -> Result {
        let len = c_int::try_from(payload.len()).map_err(|_| EMSGSIZE)?;
        // SAFETY: By the type's invariant this is a message under construction; `nla_put()` checks
        // its room and copies as many bytes as there are.
        to_result(unsafe {
            bindings::nla_put(
                self.0,
                c_int::from(id),
                len,
                payload.as_ptr().cast::<c_void>(),
            )
        })
    }

    /// Appends a number; [`EMSGSIZE`] if the message is full.
    pub fn put_u32(&mut self, field: &Field<U32>, value: u32) -> Result {
        self.put(field.id, &value.to_ne_bytes())
    }

    /// Appends a number; [`EMSGSIZE`] if the message is full.
    pub fn put_u64(&mut self, field: &Field<U64>, value: u64) -> Result {
        self.put(field.id, &value.to_ne_bytes())
    }

    /// Appends a number; [`EMSGSIZE`] if the message is full.
    pub fn put_s32(&mut self, field: &Field<S32>, value: i32) -> Result {
        self.put(field.id, &value.to_ne_bytes())
    }

    /// Appends a number; [`EMSGSIZE`] if the message is full.
    pub fn put_u16(&mut self, field: &Field<U16>, value: u16) -> Result {
        self.put(field.id, &value.to_ne_bytes())
    }

    /// Appends bytes; [`EMSGSIZE`] if the message is full.
    pub fn put_bytes<const MAX: u16>(
        &mut self,
        field: &Field<Binary<MAX>>,
        payload: &[u8],
    ) -> Result {
        self.put(field.id, payload)
    }

    /// Appends an attribute that contains what `fill` appends. [`EMSGSIZE`] if the message is full or
    /// the nest too long for its header; then nothing of it stays.
    pub fn put_nest(
        &mut self,
        field: &Field<Nested>,
        fill: impl FnOnce(&mut Self) -> Result,
    ) -> Result {
        // SAFETY: By the type's invariant this is a message under construction.
        let nest = unsafe { bindings::nla_nest_start_noflag(self.0, c_int::from(field.id)) };
        if nest.is_null() {
            return Err(EMSGSIZE);
        }
        let filled = fill(self);
        // SAFETY: The nest was begun above, and everything since then is inside.
        unsafe {
            if filled.is_err() {
                bindings::nla_nest_cancel(self.0, nest);
                return filled;
            }
            if bindings::nla_nest_end_safe(self.0, nest) < 0 {
                bindings::nla_nest_cancel(self.0, nest);
                return Err(EMSGSIZE);
            }
        }
        Ok(())
    }
}
