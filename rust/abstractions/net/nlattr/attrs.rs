// SPDX-License-Identifier: GPL-2.0

//! Attributes that were received.
//!
//! # Context
//!
//! Any; nothing sleeps: messages are only read.

use crate::{
    bindings,
    net::nlattr::types::{
        AttrType,
        Field,
        HEADER, //
    },
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::prelude::*;

/// One received attribute.
///
/// # Invariants
///
/// The pointer is to an attribute inside a netlink message that outlives `'a`, and the attribute's
/// length was checked to be within that message (`nla_ok()`), as the core's parser does.
#[derive(Clone, Copy)]
pub struct Attr<'a>(
    pub(super) *const bindings::nlattr,
    pub(super) PhantomData<&'a [u8]>,
);

impl<'a> Attr<'a> {
    /// Returns the bytes behind the header.
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
///
/// # Examples
///
/// ```
/// use abstractions::{net::nlattr::{Field, U32}, testing::Nest};
///
/// const MODE: Field<U32> = Field::new(1);
/// const LIMIT: Field<U32> = Field::new(2);
///
/// let request = Nest::new().with(MODE.id(), &4u32.to_ne_bytes());
/// let mode = request.attrs::<3, _>(|attrs| attrs.get(&MODE))?;
/// assert_eq!(mode, Some(4));
/// assert!(!request.attrs::<3, _>(|attrs| attrs.has(&LIMIT)));
/// ```
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

    /// Returns the attribute of that number, if the message had it.
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

    /// Returns whether the message had that attribute.
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

/// Attributes by number, wherever they are.
pub trait AttrTable<'a> {
    /// Returns the attribute of that number, if there is one.
    fn attr(&self, id: u16) -> Option<Attr<'a>>;

    /// Reads a field: `Ok(None)` if it is absent, [`ERANGE`] if its payload is too short (which the
    /// policy already refused where it applies).
    fn get<T: AttrType>(&self, field: &Field<T>) -> Result<Option<T::Value<'a>>> {
        match self.attr(field.id()) {
            None => Ok(None),
            Some(attr) => T::read(attr.payload()).map(Some).ok_or(ERANGE),
        }
    }
}

impl<'a> AttrTable<'a> for Attrs<'a> {
    fn attr(&self, id: u16) -> Option<Attr<'a>> {
        self.attr(id)
    }
}
