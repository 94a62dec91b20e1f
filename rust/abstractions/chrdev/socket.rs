// SPDX-License-Identifier: GPL-2.0

//! Sockets that stand for open files, for those who accept nothing else.
//!
//! C header: [`include/linux/net.h`](srctree/include/linux/net.h)

use super::{
    CharFile,
    OpenFile, //
};
use crate::{
    bindings,
    net::sock::SockData, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    bindings as kbindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    fs::{
        file::FileDescriptorReservation,
        File, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    module::this_module,
    prelude::*,
    sync::aref::ARef, //
};

/// What a socket can do with its file.
const BOTH_WAYS: kbindings::fmode_t = bindings::FMODE_READ | bindings::FMODE_WRITE;

/// What cannot be done to a frame: look at it and leave it there, and the like.
const NOT_FOR_FRAMES: u32 = bindings::MSG_PEEK | bindings::MSG_OOB | bindings::MSG_ERRQUEUE;

/// A socket that nobody has yet.
///
/// # Context
///
/// Process.
pub struct NewSocket {
    fd: FileDescriptorReservation,
    file: ARef<File>,
}

impl NewSocket {
    /// Gives it to the process, and returns the number of the descriptor.
    pub fn install(self) -> isize {
        let number = self.fd.reserved_fd();
        self.fd.fd_install(self.file);
        number as isize
    }
}

impl<T: CharFile> OpenFile<'_, T> {
    /// Makes a descriptor of a new packet socket: what is sent to it is written to the file, what is received
    /// from it read, commands and polling are the file's. It holds the file.
    ///
    /// Who knows the structure of sockets finds the file's [`Sock`](crate::net::sock::Sock) there, with
    /// its queue. That belongs to the network namespace of who asks first, and keeps it while the file is
    /// open, since a socket answers for its namespace.
    ///
    /// # Context
    ///
    /// Process, may sleep.
    ///
    /// # Errors
    ///
    /// [`EBADF`] if the file is not open for reading and writing, which a socket is; [`EPERM`] if
    /// the `Sock` belongs to another network namespace than the current process, or the file was opened in another
    /// one and the process has not `CAP_NET_ADMIN` in the first user namespace; [`EMFILE`], [`ENFILE`],
    /// [`ENOMEM`], what a security module says. The `Sock` is as it was then.
    pub fn socket(&self) -> Result<NewSocket> {
        // SAFETY: The file is open; its mode does not change.
        if unsafe { (*self.0).f_mode } & BOTH_WAYS != BOTH_WAYS {
            return Err(EBADF);
        }
        let fd = FileDescriptorReservation::get_unused_fd_flags(kbindings::O_CLOEXEC)?;
        let mut socket = ptr::null_mut();
        // SAFETY: There is room for the result.
        to_result(unsafe {
            bindings::sock_create_lite(
                bindings::AF_PACKET as c_int,
                kbindings::sock_type_SOCK_RAW as c_int,
                0,
                &mut socket,
            )
        })?;
        // SAFETY: The socket is new, ours, and one of sockfs. Without a file of its own it is released.
        let file = from_err_ptr(unsafe {
            bindings::sock_alloc_file(
                socket,
                kbindings::O_RDWR as c_int,
                T::Sock::NAME.as_char_ptr(),
            )
        })?;
        // SAFETY: A new file, whose reference is ours; nobody uses it. Closed as it is it leaves nothing behind:
        // the socket has no operations.
        let file: ARef<File> = unsafe { ARef::from_raw(NonNull::new_unchecked(file.cast())) };
        // All else that can fail comes before: a namespace is kept by who has a socket of it, and nobody else.
        let sock = &self.opened().sock;
        sock.join_current_net()?;
        // SAFETY: Nobody has the socket yet. It gets a reference to the file, which has one to the `Sock`,
        // and one to the module, which has a file and so does not go.
        unsafe {
            kbindings::__module_get(this_module::<T::OwnerModule>().as_ptr());
            bindings::socket_set(
                socket,
                sock.as_raw(),
                Self::OPS,
                kbindings::get_file(self.0).cast(),
            );
        }
        Ok(NewSocket { fd, file })
    }

    /// C does not write to it.
    const OPS: &'static bindings::proto_ops = &bindings::proto_ops {
        family: bindings::AF_PACKET as c_int,
        owner: this_module::<T::OwnerModule>().as_ptr().cast(),
        release: Some(Self::release_callback),
        sendmsg: Some(Self::sendmsg_callback),
        recvmsg: Some(Self::recvmsg_callback),
        poll: Some(Self::poll_callback),
        ioctl: Some(Self::ioctl_callback),
        #[cfg(CONFIG_COMPAT)]
        compat_ioctl: Some(Self::compat_ioctl_callback),
        peek_len: Some(Self::peek_len_callback),
        bind: Some(bindings::sock_no_bind),
        connect: Some(bindings::sock_no_connect),
        socketpair: Some(bindings::sock_no_socketpair),
        accept: Some(bindings::sock_no_accept),
        getname: Some(bindings::sock_no_getname),
        listen: Some(bindings::sock_no_listen),
        shutdown: Some(bindings::sock_no_shutdown),
        mmap: Some(bindings::sock_no_mmap),
        // SAFETY: All members may be zero.
        ..unsafe { core::mem::zeroed() }
    };

    /// The file that a socket stands for.
    ///
    /// # Safety
    ///
    /// `socket` must be one of [`socket`](Self::socket) that is not released, for `'a`.
    #[inline]
    unsafe fn of<'a>(socket: *mut bindings::socket) -> OpenFile<'a, T> {
        // SAFETY: By the caller's guarantee; the socket itself has a reference to the file, which is one for
        // `T` as its operations are those for `T`.
        unsafe { OpenFile::new(bindings::socket_data(socket).cast()) }
    }

    /// # Safety
    ///
    /// To be called by the core with a socket of this type, or one that `accept()` has made like it, for
    /// the last time.
    unsafe extern "C" fn release_callback(socket: *mut bindings::socket) -> c_int {
        // SAFETY: The core forgets the `Sock` now. The reference to the file, which `accept()` gives none
        // to its sockets, is given up.
        unsafe {
            let file = bindings::socket_data(socket);
            if !file.is_null() {
                kbindings::fput(file.cast());
            }
        }
        0
    }

    /// # Safety
    ///
    /// To be called by the core with a socket of this type, before `release_callback`.
    unsafe extern "C" fn sendmsg_callback(
        socket: *mut bindings::socket,
        msg: *mut bindings::msghdr,
        _len: usize,
    ) -> c_int {
        // SAFETY: The socket is not released, the message is the core's, its iterator for reading from.
        let (this, from, flags, has_address, has_more) = unsafe {
            (
                Self::of(socket),
                IovIterSource::from_raw(ptr::addr_of_mut!((*msg).msg_iter)),
                (*msg).msg_flags,
                (*msg).msg_namelen != 0,
                // Batches of vhost would be such, but it is not told to send any: these are bytes of
                // user space.
                (*msg).msg_controllen != 0,
            )
        };
        if has_address || flags & bindings::MSG_OOB != 0 {
            return EOPNOTSUPP.to_errno();
        }
        if has_more {
            return EINVAL.to_errno();
        }
        let nonblock = flags & bindings::MSG_DONTWAIT != 0;
        let given = from.len();
        match this.data().write(from, nonblock) {
            Ok(len) => c_int::try_from(len.min(given)).unwrap_or(c_int::MAX),
            Err(err) => err.to_errno(),
        }
    }

    /// # Safety
    ///
    /// To be called by the core with a socket of this type, before `release_callback`.
    unsafe extern "C" fn recvmsg_callback(
        socket: *mut bindings::socket,
        msg: *mut bindings::msghdr,
        room: usize,
        flags: c_int,
    ) -> c_int {
        // CAST: Bits.
        #[allow(clippy::cast_sign_loss)]
        let flags = flags as u32;
        if flags & NOT_FOR_FRAMES != 0 {
            return EOPNOTSUPP.to_errno();
        }
        // SAFETY: The socket is not released, the message is the core's, its iterator for writing to.
        let (this, to) = unsafe {
            (
                Self::of(socket),
                IovIterDest::from_raw(ptr::addr_of_mut!((*msg).msg_iter)),
            )
        };
        // What recvmmsg() has left here when it ended early.
        // SAFETY: The socket is valid.
        let left = unsafe { bindings::sock_error(this.opened().sock.as_raw()) };
        if left != 0 {
            return left;
        }
        let nonblock = flags & bindings::MSG_DONTWAIT != 0;
        let mut len = match this.data().read(to, nonblock, this.process()) {
            Ok(len) => len,
            // recvmmsg() would keep it for its next call, when there is no signal: nobody would turn it
            // into a number for user space then.
            Err(err) if err == ERESTARTSYS => return EINTR.to_errno(),
            Err(err) => return err.to_errno(),
        };
        if len > room {
            // SAFETY: The message is the core's.
            unsafe { (*msg).msg_flags |= bindings::MSG_TRUNC };
            if flags & bindings::MSG_TRUNC == 0 {
                len = room;
            }
        }
        c_int::try_from(len).unwrap_or(c_int::MAX)
    }

    /// # Safety
    ///
    /// To be called by the core with a socket of this type, before `release_callback`.
    unsafe extern "C" fn poll_callback(
        file: *mut kbindings::file,
        socket: *mut bindings::socket,
        table: *mut kbindings::poll_table_struct,
    ) -> kbindings::__poll_t {
        // SAFETY: The socket is not released, and the file is its own; the arguments are this callback's.
        unsafe { Self::of(socket).opened().poll(file, table) }
    }

    /// # Safety
    ///
    /// To be called by the core with a socket of this type, before `release_callback`.
    unsafe extern "C" fn ioctl_callback(
        socket: *mut bindings::socket,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_int {
        // SAFETY: The socket is not released, and this is a command.
        match unsafe { Self::of(socket).ioctl(cmd, arg) } {
            Ok(result) => c_int::try_from(result).unwrap_or(EOVERFLOW.to_errno()),
            Err(err) => err.to_errno(),
        }
    }

    /// # Safety
    ///
    /// To be called by the core with a socket of this type, before `release_callback`.
    #[cfg(CONFIG_COMPAT)]
    unsafe extern "C" fn compat_ioctl_callback(
        socket: *mut bindings::socket,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_int {
        // The core asks here for each command, before it looks whether it is one of its own.
        // SAFETY: It has no preconditions.
        if unsafe { bindings::is_core_socket_command(cmd) } {
            return ENOIOCTLCMD.to_errno();
        }
        // SAFETY: By the caller's guarantee; the argument is what it is for 64 bits.
        unsafe { Self::ioctl_callback(socket, cmd, bindings::compat_arg(arg)) }
    }

    /// What vhost-net asks, again and again, while it waits for frames without sleeping.
    ///
    /// # Safety
    ///
    /// To be called with a socket of this type, before `release_callback`.
    unsafe extern "C" fn peek_len_callback(socket: *mut bindings::socket) -> c_int {
        // SAFETY: The socket is not released.
        let this = unsafe { Self::of(socket) };
        c_int::try_from(this.opened().sock.peek_len()).unwrap_or(c_int::MAX)
    }
}
