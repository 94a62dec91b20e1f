// SPDX-License-Identifier: GPL-2.0

//! How attributes are validated and read: their numbers, their types, and the policy for both.
//!
//! # Context
//!
//! Any; nothing sleeps: messages are only read, and tables are constants.

use crate::bindings;
use core::{
    marker::PhantomData,
    mem::size_of, //
};

/// Length of `struct nlattr`, which precedes an attribute's payload.
pub(super) const HEADER: usize = size_of::<bindings::nlattr>();

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
///
/// # Examples
///
/// ```
/// use abstractions::net::nlattr::{AttrType, U32};
///
/// assert_eq!(U32::read(&7u32.to_ne_bytes()), Some(7));
/// assert_eq!(U32::read(&[0; 3]), None);
/// ```
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
///
/// # Examples
///
/// ```
/// use abstractions::net::nlattr::{AttrType, U16};
///
/// assert_eq!(U16::read(&7u16.to_ne_bytes()), Some(7));
/// assert_eq!(U16::read(&[0]), None);
/// ```
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
///
/// # Examples
///
/// ```
/// use abstractions::net::nlattr::{AttrType, Bytes};
///
/// assert_eq!(Bytes::<2>::read(b"ab"), Some(&b"ab"[..]));
/// assert_eq!(Bytes::<2>::read(b"a"), None);
/// ```
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
///
/// # Examples
///
/// ```
/// use abstractions::net::nlattr::{Field, U32};
///
/// const MODE: Field<U32> = Field::new(1);
///
/// assert_eq!(MODE.id(), 1);
/// ```
pub struct Field<T: AttrType> {
    pub(super) id: u16,
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

    /// Returns the attribute's number.
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
///
/// # Examples
///
/// ```
/// use abstractions::net::nlattr::{Field, PolicyTable, U16, U32};
///
/// const MODE: Field<U32> = Field::new(1);
/// const FLAGS: Field<U16> = Field::new(2);
/// static POLICY: PolicyTable<3> = PolicyTable::new().with(&MODE).with(&FLAGS);
///
/// assert_eq!(POLICY.rows().len(), 3);
/// ```
pub struct PolicyTable<const N: usize>([Policy; N]);

impl<const N: usize> PolicyTable<N> {
    /// Makes a table that ignores every attribute.
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

    /// Returns the rows, for a [`RtnlLinkOps`](crate::net::link::RtnlLinkOps).
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
///
/// # Examples
///
/// ```
/// use abstractions::{net::nlattr::{AttrType, Nested}, testing::Nest};
///
/// let request = Nest::new().with(5, b"ab");
/// let is_there = request.ask(
///     |nest, _ack| Nested::read(nest.payload()).is_some_and(|attrs| attrs.iter().any(|(id, _)| id == 5)),
///     |found, _told| found,
/// );
/// assert_eq!(is_there, Some(true));
/// ```
#[derive(Clone, Copy)]
pub struct NestedAttrs<'a>(&'a [u8]);

impl<'a> NestedAttrs<'a> {
    /// Returns the attributes one after the other: number and payload. Ends at the first that is not whole
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
