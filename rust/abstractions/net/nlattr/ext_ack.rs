// SPDX-License-Identifier: GPL-2.0

//! What a user is told of a request.
//!
//! # Context
//!
//! Any; nothing sleeps. Texts are noted, and go to user space when the request is done.

use crate::{
    bindings,
    context::Rcu,
    net::{
        netdevice::NetDevice,
        nlattr::attrs::Attr, //
    },
};
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    types::NotThreadSafe, //
};

/// The longest message of an ack, in bytes, if something is put into it
/// (`NETLINK_MAX_FMTMSG_LEN` with its terminating zero).
pub const MAX_MSG_LEN: usize = bindings::NETLINK_MAX_FMTMSG_LEN as usize - 1;

/// Why a request is refused.
pub trait Reason: Copy {
    /// Returns the error that the requester gets.
    fn error(self) -> Error;

    /// Returns the message beside it (`NLMSGERR_ATTR_MSG`).
    fn text(self) -> &'static CStr;
}

/// An extended acknowledgement: where the reason of a refusal goes (`struct netlink_ext_ack`).
///
/// # Invariants
///
/// The pointer is null, or to an ack that only this thread uses during `'a`.
///
/// # Examples
///
/// ```
/// use abstractions::{net::nlattr::Reason, testing::Nest};
///
/// #[derive(Clone, Copy)]
/// struct NoSuchMode;
///
/// impl Reason for NoSuchMode {
///     fn error(self) -> Error {
///         EINVAL
///     }
///
///     fn text(self) -> &'static CStr {
///         c"No such mode"
///     }
/// }
///
/// let request = Nest::new().with(1, &9u32.to_ne_bytes());
/// let said = request.ask(
///     |attr, ack| ack.refuse_attr(Some(attr), NoSuchMode),
///     |err, told| err == EINVAL && told.msg == Some(c"No such mode"),
/// );
/// assert_eq!(said, Some(true));
/// ```
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

    /// Does as [`refuse`](Self::refuse), and points at the attribute that is to blame, if it is there.
    #[must_use]
    pub fn refuse_attr(&mut self, attr: Option<Attr<'_>>, reason: impl Reason) -> Error {
        if let Some(attr) = attr {
            self.set_bad_attr(attr);
        }
        self.refuse(reason)
    }

    /// Does as [`refuse`](Self::refuse), of what is asked about `dev`. "by" and the name of `holder` follow
    /// the message if the requester may see it: `holder` is in the same namespace, or in one that the
    /// requester has CAP_NET_ADMIN over. What is longer than [`MAX_MSG_LEN`] is cut off.
    #[must_use]
    pub fn refuse_because_of(
        &mut self,
        reason: impl Reason,
        dev: &NetDevice,
        holder: &NetDevice,
        _rcu: Rcu<'_>,
    ) -> Error {
        // SAFETY: Both devices are valid, and the namespace of `holder` is, during an RCU section in which it is
        // registered, as the function looks.
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
