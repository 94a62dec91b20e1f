// SPDX-License-Identifier: GPL-2.0

//! Packets and requests made of bytes, for tests of what looks at them.
//!
//! All functions are generic or inline: nothing of them is in a module that does not call them.
//!
//! # Context
//!
//! Process. May sleep.

use crate::{
    bindings,
    context::Bh,
    net::{
        netdevice::NetDevice,
        nlattr::{
            Attr,
            Attrs,
            ExtAck, //
        },
        payload::Payload,
        rtnl::Unlocked,
        skbuff::{
            free,
            DropReason, //
        },
        txq::TxQueue,
    },
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Lends `f` a packet of those bytes and that protocol (`ETH_P_*`), of which so many are in the linear
/// part; with `gso_tcp` it is a TCP segment that is still to be cut.
///
/// # Errors
///
/// [`EINVAL`] if `linear` is more than there are, [`EMSGSIZE`], [`ENOMEM`].
pub fn with_packet<R>(
    bytes: &[u8],
    linear: usize,
    protocol: u16,
    gso_tcp: bool,
    f: impl FnOnce(Payload<'_>) -> R,
) -> Result<R> {
    /// Frees it, whatever happens.
    struct Owned(NonNull<bindings::sk_buff>);

    impl Drop for Owned {
        #[inline]
        fn drop(&mut self) {
            // SAFETY: It was made here, and nobody else has it.
            unsafe { free(self.0.as_ptr(), DropReason::NOT_SPECIFIED) };
        }
    }

    let len = u16::try_from(bytes.len()).map_err(|_| EMSGSIZE)?;
    let linear = u16::try_from(linear).map_err(|_| EINVAL)?;
    if linear > len {
        return Err(EINVAL);
    }
    // SAFETY: There are `len` bytes, and not more in the linear part.
    let skb = unsafe {
        bindings::skb_of_bytes(bytes.as_ptr().cast(), len.into(), linear.into(), protocol)
    };
    let skb = Owned(NonNull::new(skb).ok_or(ENOMEM)?);
    if gso_tcp {
        // SAFETY: It is ours alone.
        unsafe { bindings::skb_make_gso_tcp(skb.0.as_ptr()) };
    }
    // SAFETY: It is valid until `skb` is dropped, and nothing is in front of the payload.
    Ok(f(unsafe { Payload::from_raw(skb.0.as_ptr(), 0) }))
}

/// Lets a test take RTNL: it is run by a process that has no locks. To be called once in each test.
#[inline]
pub fn unlocked() -> Unlocked {
    // SAFETY: KUnit runs tests in a thread of their own, for which nobody waits under RTNL.
    unsafe { Unlocked::assume() }
}

/// Returns a transmit queue of a device of somebody else.
#[inline]
pub fn tx_queue(dev: &NetDevice, index: u16) -> Option<TxQueue<'_>> {
    TxQueue::of(dev, index)
}

/// Returns whether the queueing discipline of a queue will be run, as soon as softirqs are enabled.
#[inline]
pub fn is_scheduled(queue: &TxQueue<'_>, _bh: Bh<'_>) -> bool {
    // SAFETY: The queue is valid.
    unsafe { bindings::txq_is_scheduled(queue.as_ptr()) }
}

/// What a user is told.
pub struct Told<'a> {
    /// The text.
    pub msg: Option<&'a CStr>,
    /// The number of the attribute of the nest that it is about.
    pub bad_attr: Option<u16>,
}

/// The attributes inside of a nest, as a message has them.
///
/// # Examples
///
/// ```
/// use abstractions::testing::Nest;
///
/// let nest = Nest::new().with(1, b"one").with(2, b"two");
/// let second = nest.attrs::<3, _>(|attrs| attrs.attr(2).map(|attr| attr.payload() == b"two"));
/// assert_eq!(second, Some(true));
/// ```
pub struct Nest {
    /// Aligned as C reads attributes.
    words: [u32; Self::WORDS],
    /// Bytes that are used.
    len: u16,
}

impl Nest {
    const WORDS: usize = 64;

    /// Bytes of an attribute's header.
    const HEADER: u16 = 4;

    /// Makes an empty one.
    #[allow(clippy::new_without_default)]
    #[inline]
    pub fn new() -> Self {
        Self {
            words: core::array::from_fn(|at| match at {
                0 => Self::header(Self::HEADER, 0),
                _ => 0,
            }),
            len: Self::HEADER,
        }
    }

    #[inline]
    const fn header(len: u16, id: u16) -> u32 {
        let ([a, b], [c, d]) = (len.to_ne_bytes(), id.to_ne_bytes());
        u32::from_ne_bytes([a, b, c, d])
    }

    /// Adds an attribute of that number. It is left out if there is no more room.
    #[inline]
    #[must_use]
    pub fn with(mut self, id: u16, payload: &[u8]) -> Self {
        let (at, Ok(len)) = (usize::from(self.len) / 4, u16::try_from(payload.len())) else {
            return self;
        };
        let padded = len.saturating_add(Self::HEADER + 3) & !3;
        let Some(room) = self
            .words
            .get_mut(at..at.saturating_add(usize::from(padded) / 4))
        else {
            return self;
        };
        let Some((first, rest)) = room.split_first_mut() else {
            return self;
        };
        *first = Self::header(len.saturating_add(Self::HEADER), id);
        for (word, bytes) in rest.iter_mut().zip(payload.chunks(4)) {
            let mut four = [0; 4];
            four.iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
            *word = u32::from_ne_bytes(four);
        }
        self.len = self.len.saturating_add(padded);
        if let Some(first) = self.words.first_mut() {
            *first = Self::header(self.len, 0);
        }
        self
    }

    /// Where attributes begin, in words, and their numbers.
    #[inline]
    fn entries(&self) -> impl Iterator<Item = (usize, u16)> + '_ {
        let mut at = usize::from(Self::HEADER) / 4;
        core::iter::from_fn(move || {
            let here = at;
            let word = self.words.get(..usize::from(self.len) / 4)?.get(here)?;
            let [a, b, c, d] = word.to_ne_bytes();
            let len = u16::from_ne_bytes([a, b]).saturating_add(3);
            at = here.saturating_add(usize::from(len) / 4);
            Some((here, u16::from_ne_bytes([c, d])))
        })
    }

    /// Lends `f` the attributes by number, of those below `N` the last one each (`nla_parse()`), unchecked.
    #[inline]
    pub fn attrs<const N: usize, R>(&self, f: impl FnOnce(&Attrs<'_>) -> R) -> R {
        let mut tb = [core::ptr::null_mut(); N];
        for (at, id) in self.entries() {
            if let Some(entry) = tb.get_mut(usize::from(id)) {
                *entry = self.words.as_ptr().wrapping_add(at).cast_mut().cast();
            }
        }
        // SAFETY: There are `N` entries, each null or where `with()` has put an attribute, to which
        // nobody writes.
        f(&unsafe { Attrs::from_raw(tb.as_mut_ptr(), N) })
    }

    /// Returns what `told` makes of what `f` says about a request with this nest, and of what the user is
    /// told.
    #[inline]
    pub fn ask<R, S>(
        &self,
        f: impl FnOnce(Attr<'_>, &mut ExtAck<'_>) -> R,
        told: impl FnOnce(R, Told<'_>) -> S,
    ) -> Option<S> {
        // SAFETY: Zero is valid: nothing is said yet.
        let mut ack: bindings::netlink_ext_ack = unsafe { core::mem::zeroed() };
        let mut tb = [self.words.as_ptr().cast_mut().cast()];
        // SAFETY: The table has one entry, an attribute of the length that was put in, to which nobody
        // writes.
        let attr = unsafe { Attrs::from_raw(tb.as_mut_ptr(), 1) }.attr(0)?;
        // SAFETY: It is on this stack, and for `f` alone.
        let result = f(attr, &mut unsafe { ExtAck::from_raw(&mut ack) });
        let begins = |at| core::ptr::eq(self.words.as_ptr().wrapping_add(at).cast(), ack.bad_attr);
        let bad_attr = self.entries().find(|(at, _)| begins(*at));
        let msg = if ack._msg.is_null() {
            None
        } else {
            // SAFETY: Messages are static, or in the ack; they end with a zero.
            Some(unsafe { CStr::from_char_ptr(ack._msg.cast()) })
        };
        let bad_attr = bad_attr.map(|(_, id)| id);
        let said = Told { msg, bad_attr };
        Some(told(result, said))
    }
}
