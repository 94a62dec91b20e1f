// SPDX-License-Identifier: GPL-2.0

//! Sockets that packets choose from.

use crate::{
    bindings,
    context::Rcu,
    net::{
        rtnl::Rtnl,
        skb_ring::SkbRing,
        sock::{
            Sock,
            SockData, //
        },
        user_frame::UserFrame, //
    },
    poll::PollEvents, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            ordering::{
                Acquire,
                Relaxed,
                Release, //
            },
            Atomic, //
        },
    },
};

/// A socket that was found in an RCU section: nobody may have a reference any more, so none can be had
/// from it.
///
/// # Context
///
/// In an RCU section, any but hard interrupts. Does not sleep.
///
/// # Invariants
///
/// The socket is not freed during `'a`.
pub struct RcuSock<'a, T>(&'a Sock<T>);

impl<T> Clone for RcuSock<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RcuSock<'_, T> {}

impl<T> Deref for RcuSock<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0
    }
}

impl<'a, T: SockData> RcuSock<'a, T> {
    /// Does as [`Sock::ring`].
    #[inline]
    pub fn ring(self) -> &'a SkbRing {
        self.0.ring()
    }

    /// Does as [`Sock::wake`].
    #[inline]
    pub fn wake(self, events: PollEvents) {
        self.0.wake(events);
    }

    /// Puts a frame at the end of the socket's own queue (`sk_receive_queue`), where those look who know
    /// nothing but sockets; it comes back if `limit` are there.
    pub fn receive<'f>(self, frame: UserFrame<'f>, limit: u32) -> Result<(), UserFrame<'f>> {
        // SAFETY: The socket is valid; the frame's reference goes with it if there is room.
        if unsafe { bindings::sk_receive(self.0.sk(), frame.as_ptr(), limit) } {
            let _ = frame.into_raw();
            Ok(())
        } else {
            Err(frame)
        }
    }
}

/// A reference to a socket that packets look at.
type Entry<T> = Atomic<*mut Sock<T>>;

/// Up to `N` sockets, of which packets choose one.
///
/// # Context
///
/// Any, in an RCU section or with RTNL as the arguments say. Does not sleep.
///
/// # Invariants
///
/// The first `len` slots refer to sockets, with a reference each, the others are null. They are changed
/// under RTNL only.
///
/// # Examples
///
/// ```
/// # use crate::RnetvirtKunit as MyModule;
/// use abstractions::net::sock::{Sock, SockArray, SockData};
///
/// struct MyQueue;
///
/// impl SockData for MyQueue {
///     type OwnerModule = MyModule;
///     const NAME: &'static CStr = c"my_queue";
/// }
///
/// let queues = SockArray::<MyQueue, 4>::new();
/// let mut unlocked = abstractions::testing::unlocked();
/// let rtnl = abstractions::net::rtnl::lock(&mut unlocked);
/// let queue = Sock::new(8, MyQueue)?;
/// queues.push(queue.clone(), &rtnl)?;
/// assert!(queues.contains(&queue, &rtnl));
/// assert!(queues.remove(&queue, &rtnl) && queues.is_empty());
/// ```
pub struct SockArray<T: SockData, const N: usize> {
    len: Atomic<u32>,
    slots: [Entry<T>; N],
    _sockets: PhantomData<ARef<Sock<T>>>,
}

// SAFETY: Sockets may be used by any thread; the array is changed under RTNL.
unsafe impl<T: SockData, const N: usize> Send for SockArray<T, N> {}

// SAFETY: Who reads gets whole words, and sockets that stay for an RCU section; who writes has RTNL.
unsafe impl<T: SockData, const N: usize> Sync for SockArray<T, N> {}

impl<T: SockData, const N: usize> SockArray<T, N> {
    /// Makes an empty array.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        const { assert!(N != 0 && N <= u16::MAX as usize) };
        Self {
            len: Atomic::new(0),
            slots: [const { Atomic::new(ptr::null_mut()) }; N],
            _sockets: PhantomData,
        }
    }

    /// Returns how many there are: for packets a hint.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len.load(Relaxed)
    }

    /// Returns whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns one of them; `None` if there are not that many, or not any more. Numbers from `N` on begin
    /// anew.
    #[inline]
    pub fn get<'a>(&'a self, index: u32, _rcu: Rcu<'a>) -> Option<RcuSock<'a, T>> {
        let slot = self.slots.get(index as usize % N)?;
        // INVARIANT: A socket that had a reference at some time in the section.
        // SAFETY: Null, or a socket with a reference, which is freed a grace period after that was
        // given up.
        unsafe { slot.load(Acquire).as_ref() }.map(RcuSock)
    }

    fn position(&self, sock: &Sock<T>, _rtnl: &Rtnl) -> Option<usize> {
        let wanted = ptr::from_ref(sock);
        let mut slots = self.slots.iter().take(self.len() as usize);
        slots.position(|slot| ptr::eq(slot.load(Relaxed), wanted))
    }

    /// Returns whether `sock` is one of them.
    pub fn contains(&self, sock: &Sock<T>, rtnl: &Rtnl) -> bool {
        self.position(sock, rtnl).is_some()
    }

    /// Adds a socket at the end; [`EBUSY`] if there are `N`.
    pub fn push(&self, sock: ARef<Sock<T>>, _rtnl: &Rtnl) -> Result {
        let len = self.len();
        let slot = self.slots.get(len as usize).ok_or(EBUSY)?;
        slot.store(ARef::into_raw(sock).as_ptr(), Release);
        self.len.store(len.wrapping_add(1), Relaxed);
        Ok(())
    }

    /// Takes a socket out, the last one takes its place. Returns whether it was there.
    pub fn remove(&self, sock: &Sock<T>, rtnl: &Rtnl) -> bool {
        let Some(slot) = self.position(sock, rtnl).and_then(|at| self.slots.get(at)) else {
            return false;
        };
        let len = self.len().wrapping_sub(1);
        let Some(last) = self.slots.get(len as usize) else {
            return false;
        };
        // INVARIANT: The reference of the last slot moves, that of the first is ours.
        let removed = slot.load(Relaxed);
        self.len.store(len, Relaxed);
        slot.store(last.load(Relaxed), Release);
        last.store(ptr::null_mut(), Release);
        if let Some(removed) = NonNull::new(removed) {
            // SAFETY: The reference that the slot had.
            drop(unsafe { ARef::from_raw(removed) });
        }
        true
    }
}

impl<T: SockData, const N: usize> Drop for SockArray<T, N> {
    fn drop(&mut self) {
        for slot in &self.slots {
            if let Some(sock) = NonNull::new(slot.load(Relaxed)) {
                // SAFETY: The reference that the slot has; nobody looks at it any more.
                drop(unsafe { ARef::from_raw(sock) });
            }
        }
    }
}
