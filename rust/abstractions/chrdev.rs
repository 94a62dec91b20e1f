// SPDX-License-Identifier: GPL-2.0

//! Character devices that belong to net devices.
//!
//! C headers: [`include/linux/cdev.h`](srctree/include/linux/cdev.h),
//! [`include/linux/device/class.h`](srctree/include/linux/device/class.h)

use crate::{
    bindings,
    net::{
        netdevice::NetDevice,
        rtnl::{
            self,
            Rtnl, //
        },
        sock::{
            Sock,
            SockData, //
        },
    },
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    bindings as kbindings, container_of,
    error::{
        from_err_ptr,
        from_result,
        to_result, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    module::{
        this_module,
        ModuleMetadata, //
    },
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    },
};

/// What a file can be waited for (`EPOLL*`).
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

    /// All of both.
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

/// Somebody who asks what a file can be waited for.
///
/// # Invariants
///
/// Both pointers are those of a `poll` callback that runs during `'a`.
pub struct Poll<'a> {
    file: *mut kbindings::file,
    table: *mut kbindings::poll_table_struct,
    _poll: PhantomData<&'a ()>,
}

impl Poll<'_> {
    /// Remembers to be woken by `socket`, which the file has.
    pub(crate) fn wait(&self, socket: *mut bindings::socket) {
        // SAFETY: By the type's invariants; the wait queue is that of a socket whose file has a
        // reference to it until nobody polls it any more.
        unsafe { bindings::poll_wait(self.file, socket, self.table) };
    }
}

/// An open file of a [`Chrdev`].
pub trait CharFile: Sized + Send + Sync + 'static {
    /// The module, which stays as long as there are files.
    type OwnerModule: ModuleMetadata;

    /// The data of the socket that each file has.
    type Sock: SockData;

    /// What a node stands for.
    type Device: Send + Sync + 'static;

    /// The name of the class, in `/sys/class` and `/proc/devices`.
    const CLASS: &'static CStr;

    /// A node was opened.
    fn open(device: &Arc<Self::Device>, rtnl: &Rtnl) -> Result<Self>;

    /// The file's socket.
    fn sock(&self) -> &Sock<Self::Sock>;

    /// The last descriptor was closed. `self` is dropped after RTNL was released.
    fn release(&self, rtnl: &Rtnl);

    /// Reads; how many bytes it were. May sleep unless `nonblock`.
    fn read(&self, to: &mut IovIterDest<'_>, nonblock: bool) -> Result<usize>;

    /// Writes; how many bytes it were. May sleep unless `nonblock`.
    fn write(&self, from: &mut IovIterSource<'_>, nonblock: bool) -> Result<usize>;

    /// What can be done without waiting; who asks waits for what cannot.
    fn poll(&self, poll: &Poll<'_>) -> PollEvents;

    /// Commands. `arg` is a number or an address in user space.
    fn ioctl(&self, cmd: u32, arg: usize) -> Result<isize>;
}

/// Bits of a device number that say which device of a driver it is.
const MINOR_BITS: u32 = 20;

/// The number of a node among those of its [`Chrdev`]; zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minor(u32);

impl Minor {
    /// It as a number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The number that [`number`](Self::number) gave; `None` for zero.
    pub const fn from_number(number: u32) -> Option<Self> {
        if number == 0 {
            None
        } else {
            Some(Self(number))
        }
    }
}

/// What each number stands for: the first entry for number 1.
struct Minors<D> {
    devices: KVec<Option<Arc<D>>>,
    /// Entries below are taken.
    first_free: usize,
}

impl<D> Minors<D> {
    fn find(&self, minor: u32) -> Option<&Arc<D>> {
        let at = (minor as usize).checked_sub(1)?;
        self.devices.get(at)?.as_ref()
    }

    fn add(&mut self, device: Arc<D>) -> Result<Minor> {
        let free = self
            .devices
            .iter()
            .skip(self.first_free)
            .position(Option::is_none);
        let at = match free {
            Some(free) => free.saturating_add(self.first_free),
            None => {
                let at = self.devices.len();
                if at >= (1 << MINOR_BITS) - 1 {
                    return Err(ENOSPC);
                }
                self.devices.push(None, GFP_KERNEL)?;
                at
            }
        };
        if let Some(slot) = self.devices.get_mut(at) {
            *slot = Some(device);
        }
        self.first_free = at.saturating_add(1);
        // CAST: Below 2^20.
        #[allow(clippy::cast_possible_truncation)]
        Ok(Minor(at as u32 + 1))
    }

    fn remove(&mut self, minor: Minor) -> Option<Arc<D>> {
        let at = (minor.0 as usize).checked_sub(1)?;
        let device = self.devices.get_mut(at)?.take();
        self.first_free = self.first_free.min(at);
        device
    }
}

/// A range of 2^20 device numbers that is ours.
struct Region(u32);

impl Region {
    fn new(name: &'static CStr) -> Result<Self> {
        let mut first = 0;
        // SAFETY: The name is static.
        to_result(unsafe {
            kbindings::alloc_chrdev_region(&mut first, 0, 1 << MINOR_BITS, name.as_char_ptr())
        })?;
        Ok(Self(first))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: The numbers are ours.
        unsafe { kbindings::unregister_chrdev_region(self.0, 1 << MINOR_BITS) };
    }
}

/// A class of devices whose parents are net devices, in the namespaces of which they are seen.
///
/// # Invariants
///
/// It is registered.
#[pin_data(PinnedDrop)]
struct Class {
    #[pin]
    class: Opaque<kbindings::class>,
}

impl Class {
    fn new(name: &'static CStr) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            class <- Opaque::try_ffi_init(move |slot: *mut kbindings::class| {
                // SAFETY: The slot is valid; all members may be zero.
                unsafe {
                    slot.write(kbindings::class {
                        name: name.as_char_ptr(),
                        ns_type: ptr::addr_of!(bindings::net_ns_type_operations).cast(),
                        namespace: Some(Self::namespace_callback),
                        ..core::mem::zeroed()
                    })
                };
                // SAFETY: The class is initialised, and pinned until it is unregistered.
                to_result(unsafe { kbindings::class_register(slot) })
            }),
        })
    }

    /// # Safety
    ///
    /// To be called by the driver core with a device of this class.
    unsafe extern "C" fn namespace_callback(
        node: *const kbindings::device,
    ) -> *const kbindings::ns_common {
        // SAFETY: The parent is a net device, see `Chrdev::add`.
        unsafe { bindings::parent_netdev_ns(node.cast()).cast() }
    }
}

#[pinned_drop]
impl PinnedDrop for Class {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant.
        unsafe { kbindings::class_unregister(self.class.get()) };
    }
}

/// What opens files of a range of device numbers.
///
/// # Invariants
///
/// It is added.
#[pin_data(PinnedDrop)]
#[repr(transparent)]
struct Cdev {
    #[pin]
    cdev: Opaque<kbindings::cdev>,
}

impl Cdev {
    fn new(
        fops: &'static kbindings::file_operations,
        owner: &'static ThisModule,
        region: u32,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            cdev <- Opaque::try_ffi_init(move |slot: *mut kbindings::cdev| {
                // SAFETY: The slot is valid; it stays where it is until it is deleted, and until then
                // whoever opens a file holds the module.
                to_result(unsafe {
                    kbindings::cdev_init(slot, fops);
                    (*slot).owner = owner.as_ptr();
                    kbindings::cdev_add(slot, region, 1 << MINOR_BITS)
                })
            }),
        })
    }
}

#[pinned_drop]
impl PinnedDrop for Cdev {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant. There are no files, which would hold the module.
        unsafe { kbindings::cdev_del(self.cdev.get()) };
    }
}

/// A driver of character devices, each of which belongs to a net device.
#[pin_data]
pub struct Chrdev<T: CharFile> {
    // Dropped in this order.
    #[pin]
    cdev: Cdev,
    #[pin]
    class: Class,
    region: Region,
    #[pin]
    minors: Mutex<Minors<T::Device>>,
}

// SAFETY: C's structures belong to the driver core, what is left has a lock.
unsafe impl<T: CharFile> Send for Chrdev<T> {}
// SAFETY: As above.
unsafe impl<T: CharFile> Sync for Chrdev<T> {}

impl<T: CharFile> Chrdev<T> {
    /// Registers the driver. Nodes can be opened as soon as they are [added](Self::add).
    ///
    /// Context: process, may sleep, RTNL not held.
    pub fn new() -> Result<impl PinInit<Self, Error>> {
        let region = Region::new(T::CLASS)?;
        let first = region.0;
        Ok(try_pin_init!(Self {
            region,
            minors <- new_mutex!(Minors { devices: KVec::new(), first_free: 0 }),
            class <- Class::new(T::CLASS),
            // From here on files can be opened.
            cdev <- Cdev::new(Self::FOPS, this_module::<T::OwnerModule>(), first),
        }))
    }

    /// Makes a node for `device`: named `tap` and the number of `dev`, in the class and, by the driver
    /// core, in `/dev`; and a link to it in the directory of `dev`. To be
    /// [taken away](Self::remove) before `dev` goes, or to another namespace.
    ///
    /// Errors: [`ENOSPC`] if there are 2^20 - 1, [`ENOMEM`], what the driver core says.
    pub fn add(&self, dev: &NetDevice, device: Arc<T::Device>, rtnl: &Rtnl) -> Result<Minor> {
        let _ = rtnl;
        let minor = self.minors.lock().add(device)?;
        let devt = self.devt(minor);
        let ifindex = dev.ifindex();
        // SAFETY: The device is valid, and registered with the driver core as long as it has a node.
        let result = unsafe {
            let parent: *mut kbindings::device = bindings::netdev_device(dev.as_ptr()).cast();
            from_err_ptr(kbindings::device_create(
                self.class.class.get(),
                parent,
                devt,
                dev.as_ptr().cast(),
                c"tap%d".as_char_ptr(),
                ifindex,
            ))
            .and_then(|node| {
                let name = LinkName::new(ifindex);
                to_result(kbindings::sysfs_create_link(
                    ptr::addr_of_mut!((*parent).kobj),
                    ptr::addr_of_mut!((*node).kobj),
                    name.as_ptr(),
                ))
                .inspect_err(|_| kbindings::device_destroy(self.class.class.get(), devt))
            })
        };
        if let Err(err) = result {
            drop(self.minors.lock().remove(minor));
            return Err(err);
        }
        Ok(minor)
    }

    /// Takes the node away that [`add`](Self::add) made for `dev`. Files that are open stay so.
    pub fn remove(&self, dev: &NetDevice, minor: Minor, _rtnl: &Rtnl) {
        let Some(device) = self.minors.lock().remove(minor) else {
            return;
        };
        let name = LinkName::new(dev.ifindex());
        // SAFETY: The device is valid and still registered with the driver core; the node is there.
        unsafe {
            let parent: *mut kbindings::device = bindings::netdev_device(dev.as_ptr()).cast();
            kbindings::sysfs_remove_link(ptr::addr_of_mut!((*parent).kobj), name.as_ptr());
            kbindings::device_destroy(self.class.class.get(), self.devt(minor));
        }
        drop(device);
    }

    fn devt(&self, minor: Minor) -> u32 {
        self.region.0 | minor.0
    }

    const FOPS: &'static kbindings::file_operations = &kbindings::file_operations {
        owner: this_module::<T::OwnerModule>().as_ptr(),
        open: Some(Self::open_callback),
        release: Some(Self::release_callback),
        read_iter: Some(Self::read_callback),
        write_iter: Some(Self::write_callback),
        poll: Some(Self::poll_callback),
        unlocked_ioctl: Some(Self::ioctl_callback),
        #[cfg(CONFIG_COMPAT)]
        compat_ioctl: Some(kbindings::compat_ptr_ioctl),
        fasync: Some(Self::fasync_callback),
        // SAFETY: All members may be zero.
        ..unsafe { core::mem::zeroed() }
    };

    /// # Safety
    ///
    /// To be called by the VFS with the inode of a node of this driver and a new file; the callbacks
    /// below with a file that this has opened.
    unsafe extern "C" fn open_callback(
        inode: *mut kbindings::inode,
        file: *mut kbindings::file,
    ) -> c_int {
        // SAFETY: The inode's `cdev` is ours, which is pinned and holds the module: it cannot go
        // while the VFS is here.
        let (this, minor) = unsafe {
            let cdev = bindings::inode_cdev(inode).cast::<Cdev>();
            (&*container_of!(cdev, Self, cdev), bindings::iminor(inode))
        };
        from_result(|| {
            let rtnl = rtnl::lock();
            let device = this.minors.lock().find(minor).cloned().ok_or(ENODEV)?;
            let opened = T::open(&device, &rtnl)?;
            let opened = match KBox::new(opened, GFP_KERNEL) {
                Ok(opened) => opened,
                Err(err) => return Err(err.into()),
            };
            // SAFETY: The file is new, and nobody else's.
            unsafe {
                (*file).private_data = opened.into_foreign();
                bindings::file_set_nowait(file);
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `file` must be one that was opened and not yet released, for `'a`.
    #[inline]
    unsafe fn borrow<'a>(file: *mut kbindings::file) -> &'a T {
        // SAFETY: By the caller's guarantee; `open_callback` has set it.
        unsafe { KBox::borrow((*file).private_data) }
    }

    /// # Safety
    ///
    /// See `open_callback`.
    unsafe extern "C" fn release_callback(
        _inode: *mut kbindings::inode,
        file: *mut kbindings::file,
    ) -> c_int {
        // SAFETY: The VFS calls this once, when nobody else uses the file.
        let opened: KBox<T> = unsafe { KBox::from_foreign((*file).private_data) };
        opened.release(&rtnl::lock());
        0
    }

    /// # Safety
    ///
    /// See `open_callback`.
    unsafe extern "C" fn read_callback(
        iocb: *mut kbindings::kiocb,
        to: *mut kbindings::iov_iter,
    ) -> isize {
        // SAFETY: The file is open; the iterator is for writing to.
        let (this, to, nonblock) = unsafe {
            (
                Self::borrow((*iocb).ki_filp),
                IovIterDest::from_raw(to),
                bindings::kiocb_is_nonblocking(iocb),
            )
        };
        match this.read(to, nonblock) {
            // CAST: No more than fits into the buffer.
            Ok(len) => len as isize,
            Err(err) => err.to_errno() as isize,
        }
    }

    /// # Safety
    ///
    /// See `open_callback`.
    unsafe extern "C" fn write_callback(
        iocb: *mut kbindings::kiocb,
        from: *mut kbindings::iov_iter,
    ) -> isize {
        // SAFETY: The file is open; the iterator is for reading from.
        let (this, from, nonblock) = unsafe {
            (
                Self::borrow((*iocb).ki_filp),
                IovIterSource::from_raw(from),
                bindings::kiocb_is_nonblocking(iocb),
            )
        };
        match this.write(from, nonblock) {
            // CAST: No more than the caller gave.
            Ok(len) => len as isize,
            Err(err) => err.to_errno() as isize,
        }
    }

    /// # Safety
    ///
    /// See `open_callback`.
    unsafe extern "C" fn poll_callback(
        file: *mut kbindings::file,
        table: *mut kbindings::poll_table_struct,
    ) -> kbindings::__poll_t {
        // INVARIANT: The callback runs.
        let poll = Poll {
            file,
            table,
            _poll: PhantomData,
        };
        // SAFETY: The file is open.
        unsafe { Self::borrow(file) }.poll(&poll).0
    }

    /// # Safety
    ///
    /// See `open_callback`.
    unsafe extern "C" fn ioctl_callback(
        file: *mut kbindings::file,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_long {
        // SAFETY: The file is open.
        match unsafe { Self::borrow(file) }.ioctl(cmd, arg) {
            Ok(result) => result as c_long,
            Err(err) => err.to_errno() as c_long,
        }
    }

    /// # Safety
    ///
    /// See `open_callback`.
    unsafe extern "C" fn fasync_callback(
        fd: c_int,
        file: *mut kbindings::file,
        on: c_int,
    ) -> c_int {
        // SAFETY: The file is open.
        unsafe { Self::borrow(file) }.sock().fasync(fd, file, on)
    }
}

/// The name of a link to a node: `tap` and a number.
struct LinkName([u8; 16]);

impl LinkName {
    fn new(ifindex: i32) -> Self {
        let mut name = *b"tap\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let mut digits = [0u8; 10];
        let mut rest = ifindex.unsigned_abs();
        let mut count = 0;
        for digit in &mut digits {
            // CAST: Below 10.
            #[allow(clippy::cast_possible_truncation)]
            let value = (rest % 10) as u8;
            *digit = b'0'.wrapping_add(value);
            count += 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let written = digits.iter().take(count).rev();
        for (to, digit) in name.iter_mut().skip(3).zip(written) {
            *to = *digit;
        }
        Self(name)
    }

    /// The name, which ends with a zero: a number has ten digits at most.
    fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}
