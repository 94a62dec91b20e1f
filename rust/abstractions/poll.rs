// SPDX-License-Identifier: GPL-2.0

//! What files are waited for.
//!
//! # Context
//!
//! Any: numbers only.

use crate::bindings;

/// What a file can be waited for (`EPOLL*`).
///
/// # Examples
///
/// ```
/// use abstractions::poll::PollEvents;
///
/// let all = PollEvents::READABLE.with(PollEvents::WRITABLE);
/// assert!(all != PollEvents::READABLE);
/// assert_eq!(PollEvents::NONE.with(all), all);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollEvents(pub(crate) bindings::__poll_t);

impl PollEvents {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Something can be read: what a file says of itself.
    pub const READABLE: Self = Self(bindings::EPOLLIN | bindings::EPOLLRDNORM);
    /// Something can be written.
    pub const WRITABLE: Self = Self(bindings::EPOLLOUT | bindings::EPOLLWRNORM);
    /// Something can be read: whom to wake.
    pub const IN: Self = Self::READABLE.with(Self(bindings::EPOLLRDBAND));
    /// Something can be written.
    pub const OUT: Self = Self::WRITABLE.with(Self(bindings::EPOLLWRBAND));
    /// It is broken, and will stay so.
    pub const GONE: Self = Self(bindings::EPOLLERR | bindings::EPOLLHUP);

    /// Returns all of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether some of `which` are among them.
    #[inline]
    pub(crate) const fn any(self, which: Self) -> bool {
        self.0 & which.0 != 0
    }
}
