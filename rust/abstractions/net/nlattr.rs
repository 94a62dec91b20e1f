// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes: reading, policy, writing, and extended acknowledgements.
//!
//! An attribute's number, its validation and the type it is read as are one constant, a [`Field`],
//! so that the three cannot disagree.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

mod attrs;
mod ext_ack;
mod types;

use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    error::to_result,
    prelude::*, //
};
use types::HEADER;

pub(crate) use attrs::IFLA_TABLE;
pub use attrs::{
    Attr,
    AttrTable,
    Attrs,
    LinkAttrs, //
};
pub use ext_ack::{
    ExtAck,
    Reason,
    MAX_MSG_LEN, //
};
pub use types::{
    AttrType,
    Binary,
    Bytes,
    Field,
    Ignored,
    Nested,
    NestedAttrs,
    Policy,
    PolicyTable,
    Rejected,
    S32,
    U16,
    U32,
    U64, //
};

/// Returns the room that an attribute with a payload of `len` bytes takes in a message (`nla_total_size()`).
///
/// # Context
///
/// Any: numbers only.
#[inline]
pub const fn total_size(len: usize) -> usize {
    HEADER.saturating_add(len).saturating_add(3) & !3
}

/// How many different numbers attributes can have.
const MAX_ATTRS: usize = 0x4000;

/// One of C's functions that parse a nest.
type Parser = unsafe extern "C" fn(
    *mut *mut bindings::nlattr,
    c_int,
    *const bindings::nlattr,
    *const bindings::nla_policy,
    *mut bindings::netlink_ext_ack,
) -> c_int;

/// The attributes of a nest, by number up to `N - 1`.
///
/// # Context
///
/// Any; does not sleep.
///
/// # Invariants
///
/// Each pointer is null or fit for an [`Attr`] that lasts for `'a`.
///
/// # Examples
///
/// ```
/// use abstractions::{
///     net::nlattr::{Field, NestTable, PolicyTable, U32},
///     testing::Nest,
/// };
///
/// const MODE: Field<U32> = Field::new(1);
/// static POLICY: PolicyTable<2> = PolicyTable::new().with(&MODE);
///
/// let request = Nest::new().with(1, &4u32.to_ne_bytes());
/// let mode = request.ask(
///     |nest, ack| NestTable::parse(nest, &POLICY, ack)?.get(&MODE),
///     |mode, _| mode,
/// );
/// assert!(matches!(mode, Some(Ok(Some(4)))));
/// ```
pub struct NestTable<'a, const N: usize> {
    tb: [*mut bindings::nlattr; N],
    _msg: PhantomData<&'a [u8]>,
}

impl<'a, const N: usize> NestTable<'a, N> {
    /// Parses a nested attribute, as liberally as the attributes of a kind are
    /// (`nla_parse_nested_deprecated()`): unknown numbers are ignored. [`EINVAL`] or [`ERANGE`] for
    /// attributes that are not as `policy` says, which the user is told.
    ///
    /// It is for layouts that C drivers have; [`parse_strict`](Self::parse_strict) is for others.
    pub fn parse(
        nest: Attr<'a>,
        policy: &'static PolicyTable<N>,
        ack: &mut ExtAck<'_>,
    ) -> Result<Self> {
        Self::parse_by(bindings::nla_parse_nested_deprecated, nest, policy, ack)
    }

    /// Does the same strictly (`nla_parse_nested()`): what is not in `policy`, too short, too long, or a nest without
    /// its flag, is refused, so that nobody takes for set what this module does not know. [`EINVAL`] or [`ERANGE`], and
    /// the user is told.
    pub fn parse_strict(
        nest: Attr<'a>,
        policy: &'static PolicyTable<N>,
        ack: &mut ExtAck<'_>,
    ) -> Result<Self> {
        Self::parse_by(bindings::nla_parse_nested, nest, policy, ack)
    }

    fn parse_by(
        parser: Parser,
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
            parser(
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

    /// Returns the attribute of that number, if there is one.
    pub fn attr(&self, id: u16) -> Option<Attr<'a>> {
        let attr = self.tb.get(usize::from(id)).copied()?;
        // INVARIANT: The parser has checked it, and the message lasts for `'a`.
        (!attr.is_null()).then_some(Attr(attr, PhantomData))
    }

    /// Reads a field, as [`Attrs::get`], with its errors: [`ERANGE`].
    pub fn get<T: AttrType>(&self, field: &Field<T>) -> Result<Option<T::Value<'a>>> {
        match self.attr(field.id) {
            None => Ok(None),
            Some(attr) => T::read(attr.payload()).map(Some).ok_or(ERANGE),
        }
    }
}

impl<'a, const N: usize> AttrTable<'a> for NestTable<'a, N> {
    fn attr(&self, id: u16) -> Option<Attr<'a>> {
        self.attr(id)
    }
}

/// Appends attributes to a message that is being built.
///
/// # Context
///
/// Any; does not sleep: the message has the room that it has.
///
/// # Invariants
///
/// The pointer is to a netlink message about a link under construction, with its headers, that only this thread uses
/// during `'a`.
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

    /// Returns whether the message, which is of a link, is for who has asked: not a notification, which anybody in the link's
    /// namespace may hear, whoever has caused it.
    pub fn is_answer(&self) -> bool {
        // SAFETY: By the type's invariant; who fills in a link has begun the message with its two headers.
        unsafe { bindings::link_msg_is_answer(self.0) }
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

    /// Appends an attribute that contains what `fill` appends (`nla_nest_start()`). [`EMSGSIZE`] if the message is
    /// full or the nest too long for its header; then nothing of it stays.
    pub fn put_nest(
        &mut self,
        field: &Field<Nested>,
        fill: impl FnOnce(&mut Self) -> Result,
    ) -> Result {
        // CAST: A bit that numbers do not have.
        #[allow(clippy::cast_possible_truncation)]
        let flag = bindings::NLA_F_NESTED as u16;
        self.put_nest_as(field.id | flag, fill)
    }

    /// Does the same for a nest that a C driver, or the core, has without the flag that it is one
    /// (`nla_nest_start_noflag()`). [`EMSGSIZE`] as there.
    pub fn put_nest_noflag(
        &mut self,
        field: &Field<Nested>,
        fill: impl FnOnce(&mut Self) -> Result,
    ) -> Result {
        self.put_nest_as(field.id, fill)
    }

    fn put_nest_as(&mut self, id: u16, fill: impl FnOnce(&mut Self) -> Result) -> Result {
        // SAFETY: By the type's invariant this is a message under construction.
        let nest = unsafe { bindings::nla_nest_start_noflag(self.0, c_int::from(id)) };
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
