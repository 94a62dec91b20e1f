// SPDX-License-Identifier: GPL-2.0

//! Sockets without a protocol: what they are used for is to account for packets that user space sends,
//! to wake and to be waited for; and, for who cannot look into other queues, to keep what was received.
//!
//! C header: [`include/net/sock.h`](srctree/include/net/sock.h)

mod array;

use super::{
    headers::VlanHdr,
    rtnl::Rtnl,
    skb_ring::SkbRing,
    skbuff::ETH_HLEN,
    user_frame::{
        NewFrame,
        QueuedFrame, //
    },
};
use crate::{
    bindings,
    poll::PollEvents, //
};
use core::{
    mem::{
        needs_drop,
        size_of, //
    },
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    error::to_result,
    module::{
        this_module,
        ModuleMetadata, //
    },
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
    },
    types::Opaque, //
};

pub use array::{
    RcuSock,
    SockArray, //
};

/// No frame that is sent is longer: what readers have room for, and two tags of VLANs. Memory for more would be
/// taken before anybody counts it, and segments of it be without end.
pub(crate) const MAX_FRAME: usize =
    (bindings::GSO_LEGACY_MAX_SIZE + ETH_HLEN) as usize + 2 * size_of::<VlanHdr>();

/// What a socket is for.
///
/// It goes in a softirq, when the last reference was given up and the last packet freed that the socket
/// accounts for. What dropping does, such as to sleep, no type says, so there must be nothing to drop:
/// the compiler refuses to make a [`Sock`] otherwise.
pub trait SockData: Sized + Send + Sync + 'static {
    /// The module, which stays as long as there are sockets.
    type OwnerModule: ModuleMetadata;

    /// The name of the protocol, for debugging.
    const NAME: &'static CStr;
}

/// A socket with a ring of frames, and a `T` (`struct sock` and its `struct socket`).
///
/// # Context
///
/// Process. Does not sleep where it does not say so.
///
/// # Invariants
///
/// `sk` is counted, and freed with the whole of this an RCU grace period after the count went to zero
/// (`SOCK_RCU_FREE`). `socket` is the socket that it knows (others may know it); its operations are
/// `OPS`. `ring` and `data` are initialised. `fanout` is null. Its network namespace is the
/// first one, or one that it holds; while there are no `files`, which are counted under RTNL, the first.
///
/// # Examples
///
/// ```
/// # use crate::RnetvirtKunit as MyModule;
/// use abstractions::net::sock::{Sock, SockData};
///
/// struct MyQueue;
///
/// impl SockData for MyQueue {
///     type OwnerModule = MyModule;
///     const NAME: &'static CStr = c"my_queue";
/// }
///
/// let sock = Sock::new(8, MyQueue)?;
/// assert!(sock.is_writable());
/// // Nobody has sent anything.
/// assert!(matches!(sock.wait_for(true, || sock.dequeue()), Err(err) if err == EAGAIN));
/// ```
#[repr(C)]
pub struct Sock<T> {
    sk: Opaque<bindings::sock>,
    /// The core takes every socket of this family for a `struct packet_sock` when it looks for the one
    /// that has sent a frame (`match_fanout_group()`), which has this here.
    fanout: *mut c_void,
    socket: Opaque<bindings::socket>,
    /// The number of the network namespace of who made it.
    opened_in: u64,
    files: Atomic<u32>,
    ring: SkbRing,
    data: T,
}

// SAFETY: C's structures may be freed by any thread, and so may the ring and `T`.
unsafe impl<T: Send + Sync> Send for Sock<T> {}
// SAFETY: Who has a reference uses C's functions for sockets, the ring's locks, and a `T`.
unsafe impl<T: Send + Sync> Sync for Sock<T> {}

// SAFETY: By the type's invariants; the socket is counted by C.
unsafe impl<T: SockData> AlwaysRefCounted for Sock<T> {
    fn inc_ref(&self) {
        // SAFETY: There is a reference, as `self` exists.
        unsafe { bindings::sock_hold(self.sk()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives a reference up.
        unsafe { bindings::sock_put(obj.as_ptr().cast()) };
    }
}

impl<T> Deref for Sock<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T> Sock<T> {
    #[inline]
    fn sk(&self) -> *mut bindings::sock {
        self.sk.get()
    }

    /// The C structure, valid as long as this is.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::sock {
        self.sk()
    }

    #[inline]
    fn socket(&self) -> *mut bindings::socket {
        self.socket.get()
    }

    /// Returns the ring with frames for who reads here.
    #[inline]
    pub fn ring(&self) -> &SkbRing {
        &self.ring
    }

    /// Rules about whose a packet is (`meta skuid` of nftables and the like) ask this file's opener from
    /// now on; nobody if it is null.
    ///
    /// # Safety
    ///
    /// Null must be set a grace period before the file is freed.
    pub(crate) unsafe fn set_file(&self, file: *mut bindings::file) {
        // SAFETY: The socket is valid; who reads the pointer does so in an RCU section, for which the
        // file stays, by the caller's guarantee.
        unsafe { bindings::socket_set_file(self.socket(), file) };
    }
}

impl<T> Sock<T> {
    /// One more file has it.
    pub(crate) fn add_file(&self, _rtnl: &Rtnl) {
        self.files
            .store(self.files.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// One file less. Packets that were sent by it may be kept for long by who does not read: without
    /// files they do not keep a network namespace, too. May sleep.
    ///
    /// # Safety
    ///
    /// There must be no socket any more that stands for the file.
    pub(crate) unsafe fn remove_file(&self, _rtnl: &Rtnl) {
        let files = self.files.load(Relaxed).wrapping_sub(1);
        self.files.store(files, Relaxed);
        if files == 0 {
            // SAFETY: The socket is valid. Nobody has it as one of his namespace any more, nor will before
            // there is another file, which takes RTNL.
            unsafe { bindings::sock_leave_net(self.sk()) };
        }
    }
}

impl<T: SockData> Sock<T> {
    /// C does not write to it: only protocols that are registered have counters in it.
    const PROTO: &'static bindings::proto = &{
        // SAFETY: All members may be zero.
        let mut proto: bindings::proto = unsafe { core::mem::zeroed() };
        proto.owner = this_module::<T::OwnerModule>().as_ptr().cast();
        assert!(size_of::<Self>() < 1 << 20);
        // CAST: It is less, as was just seen.
        #[allow(clippy::cast_possible_truncation)]
        let size = size_of::<Self>() as c_uint;
        proto.obj_size = size;
        let name = T::NAME.to_bytes_with_nul();
        let mut i = 0;
        #[allow(clippy::indexing_slicing)]
        while i < name.len() {
            proto.name[i] = name[i];
            i += 1;
        }
        proto
    };

    /// What the core asks the socket for that `sk` knows, by options of others that stand for it; what
    /// they are asked themselves they answer by tables of their own.
    const OPS: &'static bindings::proto_ops = &bindings::proto_ops {
        family: bindings::AF_PACKET as c_int,
        getname: Some(bindings::sock_no_getname),
        // SAFETY: All members may be zero.
        ..unsafe { core::mem::zeroed() }
    };

    /// Makes a socket with a ring for `len` frames. It holds no network namespace, lest a file that nobody
    /// can reach a namespace by keeps one; it counts as one of the first, which never goes.
    ///
    /// # Context
    ///
    /// Process, may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new(len: u32, data: T) -> Result<ARef<Self>> {
        const { assert!(!needs_drop::<T>()) };
        let proto = ptr::from_ref(Self::PROTO).cast_mut();
        // SAFETY: The first network namespace never goes, so no socket needs to hold it; C does not
        // write to the table.
        let sk = unsafe {
            bindings::sk_alloc(
                ptr::addr_of_mut!(bindings::init_net),
                // To the rest of the kernel it is one more socket that sends whole frames.
                bindings::AF_PACKET as c_int,
                bindings::GFP_KERNEL_ACCOUNT,
                proto,
                1,
            )
        };
        let this = NonNull::new(sk.cast::<Self>()).ok_or(ENOMEM)?;
        // SAFETY: The allocation has the size of `Self`, and is ours; `kmalloc()` aligns it to the
        // largest power of two that divides that size, so to that of `Self` at least. The ring stays
        // where it is.
        let result = unsafe {
            ptr::addr_of_mut!((*this.as_ptr()).data).write(data);
            ptr::addr_of_mut!((*this.as_ptr()).opened_in).write(bindings::current_net_cookie());
            ::pin_init::raw_try_init(ptr::addr_of_mut!((*this.as_ptr()).ring), SkbRing::new(len))
        };
        if let Err(err) = result {
            // SAFETY: It was allocated above, and nothing was done with it.
            unsafe { bindings::sk_free(sk) };
            return Err(err);
        }
        // SAFETY: Both are in the allocation, which is zeroed; nothing else is touched, for the second is
        // not taken for one with an inode behind it. The callbacks are for this type.
        unsafe {
            bindings::sock_init(
                sk,
                ptr::addr_of_mut!((*this.as_ptr()).socket).cast(),
                Self::OPS,
                Some(Self::write_space_callback),
                Some(Self::destruct_callback),
            )
        };
        // INVARIANT: All is initialised now, and we have the first reference.
        // SAFETY: The first reference is ours, and given to the result.
        Ok(unsafe { ARef::from_raw(this) })
    }

    /// The socket belongs to the network namespace of the current process from now on, and keeps it until
    /// the last file is gone: what user space has as a socket answers for its namespace. The caller must
    /// be one who has a file.
    ///
    /// # Context
    ///
    /// Process, may sleep.
    ///
    /// # Errors
    ///
    /// [`EPERM`] if it belongs to another one, or was made in another one and the process is not root of the machine.
    pub(crate) fn join_current_net(&self) -> Result {
        // SAFETY: The socket is valid, and was allocated for the first namespace.
        to_result(unsafe { bindings::sock_join_current_net(self.sk(), self.opened_in) })
    }

    /// Sets how many bytes of memory packets may occupy that were sent and not freed; at least 1: with a
    /// negative number the core would wait for room without sleeping. At most 256 MB: a packet is charged
    /// after it was found that there is room, and the counter is an `i32` that takes all that are under way and
    /// never comes back from its end; and vhost takes `i32::MAX` as leave to send in batches of a kind that user
    /// space could forge.
    pub fn set_sndbuf(&self, bytes: i32) {
        let bytes = bytes.clamp(1, 1 << 28);
        // SAFETY: The socket is valid.
        unsafe { bindings::sock_set_sndbuf(self.sk(), bytes) };
    }

    /// Has nothing sent any more: who waits for room, or would, gets [`EPIPE`].
    pub fn shut_down_send(&self) {
        // SAFETY: The socket is valid.
        unsafe { bindings::sock_shut_down_send(self.sk()) };
        self.wake(PollEvents::OUT);
    }

    /// Makes room for a frame of `len` bytes, at least 14, of which `linear` are to be in one piece: or all
    /// if they are few, or as many as do not fit into pages (`sock_alloc_send_pskb()`). Waits for packets to
    /// be freed if too many are under way, unless `nonblock`.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for fewer than 14 bytes, [`EMSGSIZE`] or [`ENOBUFS`] for too many; [`EAGAIN`],
    /// [`ERESTARTSYS`], [`EPIPE`].
    ///
    /// # Context
    ///
    /// Process. Sleeps, also with `nonblock`: for memory.
    #[inline]
    pub fn alloc_frame(&self, len: usize, linear: usize, nonblock: bool) -> Result<NewFrame> {
        let mut err = 0;
        if len < ETH_HLEN as usize {
            return Err(EINVAL);
        }
        if len > MAX_FRAME {
            return Err(EMSGSIZE);
        }
        const MAX_HEAD: usize = bindings::FRAME_MAX_HEAD;
        const MIN_PAGED: usize = bindings::FRAME_MIN_PAGED;
        const MAX_PAGED: usize = bindings::FRAME_MAX_PAGED;
        const { assert!(MAX_HEAD < MIN_PAGED) };
        let linear = if len < MIN_PAGED {
            len
        } else {
            // Not clamp(), which could panic.
            linear
                .max(ETH_HLEN as usize)
                .min(MAX_HEAD)
                .max(len.saturating_sub(MAX_PAGED))
        };
        // SAFETY: The socket is valid; the linear part is not longer than the frame: `MAX_HEAD` is less
        // than `MIN_PAGED`.
        let skb = unsafe {
            bindings::sock_alloc_frame(self.sk(), len, linear, c_int::from(nonblock), &mut err)
        };
        match NonNull::new(skb) {
            // SAFETY: The skb is ours and was never used; its linear part has a header at least.
            Some(skb) => Ok(unsafe { NewFrame::from_raw(skb) }),
            None => Err(Error::from_errno(err)),
        }
    }

    /// Returns the next frame of those that were [received](RcuSock::receive) (`skb_dequeue()`).
    pub fn dequeue(&self) -> Option<QueuedFrame> {
        // SAFETY: The socket is valid.
        let skb = unsafe { bindings::skb_dequeue(bindings::sk_receive_queue(self.sk())) };
        // SAFETY: What is in the queue was a `UserFrame`; its reference is ours now.
        NonNull::new(skb).map(|skb| unsafe { QueuedFrame::from_raw(skb) })
    }

    /// Returns whether there is none.
    pub fn is_queue_empty(&self) -> bool {
        // SAFETY: The socket is valid.
        unsafe { bindings::sk_receive_queue_empty(self.sk()) }
    }

    /// Returns how long the first frame of that queue is, with its VLAN tag; 0 if there is none.
    pub fn peek_len(&self) -> u32 {
        // SAFETY: The socket is valid.
        unsafe { bindings::sk_receive_queue_peek_len(self.sk()) }
    }

    /// Puts a frame at the end of that queue, however long it is.
    pub fn requeue(&self, frame: QueuedFrame) {
        // SAFETY: The socket is valid; the frame's reference goes with it.
        unsafe { bindings::sk_receive(self.sk(), frame.into_raw(), c_uint::MAX) };
    }

    /// Returns what `f` gives, as soon as it gives anything: it is asked again whenever somebody
    /// [wakes](Self::wake) the socket, unless `nonblock`.
    ///
    /// # Context
    ///
    /// Process, may sleep.
    ///
    /// # Errors
    ///
    /// [`EAGAIN`]; [`ERESTARTSYS`] if there is a signal.
    #[inline]
    pub fn wait_for<R>(&self, nonblock: bool, f: impl FnMut() -> Option<R>) -> Result<R> {
        let mut f = f;
        match f() {
            Some(result) => Ok(result),
            None if nonblock => Err(EAGAIN),
            None => self.sleep_for(f),
        }
    }

    #[inline(never)]
    fn sleep_for<R>(&self, mut f: impl FnMut() -> Option<R>) -> Result<R> {
        let entry = Opaque::<bindings::wait_queue_entry>::uninit();
        // SAFETY: The entry is ours, and is taken out of the queue before it goes.
        unsafe { bindings::init_wait_entry(entry.get(), 0) };
        let result = loop {
            // SAFETY: The queue and the entry are initialised.
            unsafe { bindings::prepare_to_wait(self.socket(), entry.get()) };
            // Whoever wakes from now on is not missed.
            if let Some(result) = f() {
                break Ok(result);
            }
            // SAFETY: May be called by any process.
            if unsafe { bindings::signal_pending() } {
                break Err(ERESTARTSYS);
            }
            // SAFETY: No lock is held that must not be held: the caller may sleep.
            unsafe { bindings::schedule() };
        };
        // SAFETY: The entry is the one that was put into this queue; it is taken out.
        unsafe { bindings::finish_wait(self.socket(), entry.get()) };
        result
    }

    /// Wakes who waits for one of `events`.
    ///
    /// # Context
    ///
    /// Any; does not sleep.
    #[inline]
    pub fn wake(&self, events: PollEvents) {
        // SAFETY: The socket is valid, and so is its queue.
        unsafe {
            bindings::socket_wake(self.socket(), events.0);
            if events.any(PollEvents::IN) {
                bindings::socket_signal_in(self.socket());
            }
            if events.any(PollEvents::OUT) {
                bindings::socket_signal_out(self.socket());
            }
        }
    }

    /// What a file with this socket is woken by.
    ///
    /// # Safety
    ///
    /// Both must be the arguments of a `poll` callback, and `file` have a reference to the socket until
    /// it is released: nobody polls it any more then (`eventpoll_release()`).
    pub(crate) unsafe fn poll_wait(
        &self,
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) {
        // SAFETY: By the caller's guarantee; the wait queue lives as long as the socket.
        unsafe { bindings::poll_wait(file, self.socket(), table) };
    }

    /// Returns whether a frame can be sent without waiting; if not, who waits is woken when that changes.
    pub fn is_writable(&self) -> bool {
        // SAFETY: The socket is valid.
        unsafe {
            if bindings::sock_writeable(self.sk()) {
                return true;
            }
            bindings::socket_set_nospace(self.socket());
            // Room may have come before anybody knew that it was wanted.
            bindings::sock_writeable(self.sk())
        }
    }

    /// Signals go to the owner of `file` from now on, or no longer (`fasync_helper()`).
    ///
    /// # Safety
    ///
    /// They must be the arguments of a `fasync` callback, and `file` have a reference to the socket until
    /// it is released: before that it is taken out (`__fput()`).
    pub(crate) unsafe fn fasync(&self, fd: c_int, file: *mut bindings::file, on: c_int) -> c_int {
        // SAFETY: By the caller's guarantee; the list lives as long as the socket.
        unsafe { bindings::sock_fasync(fd, file, on, self.socket()) }
    }

    /// # Safety
    ///
    /// To be called by the core for a socket of this type, when packets were freed.
    unsafe extern "C" fn write_space_callback(sk: *mut bindings::sock) {
        // SAFETY: Packets that a socket accounts for keep it from being freed.
        let this = unsafe { &*sk.cast::<Self>() };
        // SAFETY: The socket is valid.
        let wanted = unsafe {
            bindings::sock_writeable(this.sk()) && bindings::socket_take_nospace(this.socket())
        };
        if wanted {
            this.wake(PollEvents::OUT);
        }
    }

    /// # Safety
    ///
    /// To be called by the core for a socket of this type that is not used any more.
    unsafe extern "C" fn destruct_callback(sk: *mut bindings::sock) {
        let this = sk.cast::<Self>();
        // SAFETY: The socket is valid, and its queues nobody else's.
        unsafe { bindings::sk_queues_purge(sk) };
        // SAFETY: By the type's invariants there is a ring, and nobody refers to it any more. With the data
        // there is nothing to do.
        unsafe { ptr::addr_of_mut!((*this).ring).drop_in_place() };
    }
}
