// SPDX-License-Identifier: GPL-2.0

//! Character devices that belong to net devices.
//!
//! C headers: [`include/linux/cdev.h`](srctree/include/linux/cdev.h),
//! [`include/linux/device/class.h`](srctree/include/linux/device/class.h)

mod cdev;
mod class;
mod nodes;
pub mod socket;

use crate::{
    bindings,
    context::Process,
    net::{
        netdevice::NetDevice,
        notifier::{
            self,
            Details,
            Event,
            Notifier, //
        },
        registered::Registered,
        rtnl::{
            self,
            Rtnl,
            Unlocked, //
        },
        sock::{
            Sock,
            SockData, //
        },
    },
    registration::Registrable, //
};
use cdev::{
    Cdev,
    Openable, //
};
use class::{
    Class,
    Region, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ptr, //
};
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    bindings as kbindings,
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
        aref::ARef,
        rcu,
        Arc,
        Mutex, //
    },
    types::ForeignOwnable, //
};
use nodes::Nodes;

pub use crate::poll::PollEvents;

/// An open file of a node.
///
/// # Context
///
/// Process. Where there is a [`Rtnl`] it is held. All may sleep.
pub trait CharFile: Sized + Send + Sync + 'static {
    /// The module, which stays as long as there are files.
    type OwnerModule: ModuleMetadata;

    /// The data of the socket that each file has.
    type Sock: SockData;

    /// What a node stands for.
    type Device: Send + Sync + 'static;

    /// Makes what the driver has with a node that is being opened. [`release`](Self::release) undoes what it
    /// did. An error is what `open()` says.
    fn open(device: &Arc<Self::Device>, rtnl: &Rtnl) -> Result<Self>;

    /// Returns the file's socket, which wakes who waits for the file. It is asked for once.
    fn sock(&self) -> &ARef<Sock<Self::Sock>>;

    /// Hears that the last descriptor was closed: nobody is to find the file, or its socket, from now on.
    fn release(&self, rtnl: &Rtnl);

    /// Gives up packets that others have left, when nobody is there any more who found the file or its socket
    /// in an RCU section: what is in its ring is nobody's any more.
    fn closed(&self, process: Process<'_>);

    /// Reads; returns how many bytes it were, or would have been if there was less room. An error is what
    /// `read()` says. Does not wait for frames with `nonblock`.
    fn read(&self, to: &mut IovIterDest<'_>, nonblock: bool, process: Process<'_>)
        -> Result<usize>;

    /// Writes; returns how many bytes it were. An error is what `write()` says. Does not wait for room with
    /// `nonblock`.
    fn write(&self, from: &mut IovIterSource<'_>, nonblock: bool) -> Result<usize>;

    /// Returns what can be done without waiting. Who asks is woken by the socket.
    fn poll(&self, process: Process<'_>) -> PollEvents;

    /// Does what a command to `file`, which is this one, says. `arg` is a number or an address in user space.
    /// An error is what `ioctl()` says.
    fn ioctl(
        file: &OpenFile<'_, Self>,
        cmd: u32,
        arg: usize,
        unlocked: &mut Unlocked,
    ) -> Result<isize>;
}

/// Nodes that are opened as files of type `T`.
pub struct NodeClass<T: CharFile> {
    /// The name of the class, in `/sys/class` and `/proc/devices`.
    pub name: &'static CStr,
    /// What the node of a net device stands for, if the device is to have a node of this class. It is to
    /// say so from before the device is registered until it is gone.
    pub device_of: fn(&NetDevice) -> Option<&Arc<T::Device>>,
}

/// What makes and removes nodes, as the notifiers tell.
///
/// # Invariants
///
/// Nodes in `nodes` are devices of `class`, their parents registered devices, whose notifiers have told
/// of them and not yet of their going: it changes under RTNL only. It is a notifier's only, which tells of
/// every device's going before it lets this go.
#[pin_data]
struct Chrdev<T: CharFile> {
    // Dropped in this order.
    class: Class,
    region: Region,
    device_of: fn(&NetDevice) -> Option<&Arc<T::Device>>,
    #[pin]
    nodes: Mutex<Nodes<T::Device>>,
}

// SAFETY: C's structures belong to the driver core, what is left has a lock.
unsafe impl<T: CharFile> Send for Chrdev<T> {}
// SAFETY: A reference gives access to the nodes by their lock only; the rest does not change.
unsafe impl<T: CharFile> Sync for Chrdev<T> {}

impl<T: CharFile> Chrdev<T> {
    fn new(region: Region, class: &'static NodeClass<T>) -> impl PinInit<Self, Error> {
        let (name, device_of) = (class.name, class.device_of);
        try_pin_init!(Self {
            region,
            device_of,
            nodes <- new_mutex!(Nodes::new()),
            class: Class::new(name)?,
        })
    }

    /// Makes a node for `dev`: named `tap` and the number of `dev`, in the class and, by the driver
    /// core, in `/dev`; and a link to it in the directory of `dev`.
    ///
    /// Network namespaces share `/dev`, and not their numbers: where another node has the name already, of this class or another,
    /// this one is the name of the class, a slash, and its own number there. So is one of a namespace that belongs to another
    /// user namespace than the first: anybody can have such, and choose numbers that others will have.
    ///
    /// # Errors
    ///
    /// [`ENOSPC`], [`ENOMEM`], what the driver core says.
    fn add(&self, dev: &Registered<NetDevice>, device: &Arc<T::Device>, rtnl: &Rtnl) -> Result {
        let may_be_named = dev.net(rtnl).is_of_first_user_ns();
        let mut nodes = self.nodes.lock();
        nodes.insert(dev, device, may_be_named, rtnl, |minor, named| {
            // SAFETY: The device is valid, and registered with the driver core when notifiers hear of it.
            unsafe {
                let parent: *mut kbindings::device = bindings::netdev_device(dev.as_ptr()).cast();
                let node = from_err_ptr(kbindings::device_create(
                    self.class.as_ptr(),
                    parent,
                    self.region.0 | minor,
                    // For `devnode_callback`.
                    if named {
                        ptr::null_mut()
                    } else {
                        self.class.as_ptr().cast()
                    },
                    c"tap%d".as_char_ptr(),
                    dev.ifindex(),
                ))?;
                to_result(kbindings::sysfs_create_link(
                    ptr::addr_of_mut!((*parent).kobj),
                    ptr::addr_of_mut!((*node).kobj),
                    (*node).kobj.name,
                ))
                .inspect_err(|_| kbindings::device_unregister(node))?;
                Ok(node)
            }
        })
    }

    /// Takes the node of `dev` away, if there is one. Files that are open stay so.
    fn remove(&self, dev: &NetDevice, rtnl: &Rtnl) {
        let Some((device, node)) = self.nodes.lock().take(dev, rtnl) else {
            return;
        };
        // SAFETY: The device is valid and still registered with the driver core; and so is the node.
        unsafe {
            let parent: *mut kbindings::device = bindings::netdev_device(dev.as_ptr()).cast();
            kbindings::sysfs_remove_link(ptr::addr_of_mut!((*parent).kobj), (*node).kobj.name);
            kbindings::device_unregister(node);
        }
        drop(device);
    }
}

impl<T: CharFile> Notifier for Chrdev<T> {
    fn event(
        &self,
        event: Event,
        dev: &Registered<NetDevice>,
        _more: &Details<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        match event {
            // New, or come from another namespace: then its number may be another one, too.
            Event::REGISTER => match (self.device_of)(dev) {
                Some(device) => self.add(dev, device, rtnl),
                None => Ok(()),
            },
            Event::UNREGISTER => {
                self.remove(dev, rtnl);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A driver of character devices, each of which belongs to a net device: for as long as it lives it has a
/// node for each device that [wants](NodeClass::device_of) one.
#[pin_data]
struct Registration<T: CharFile> {
    // Dropped in this order.
    #[pin]
    cdev: Cdev,
    #[pin]
    chrdev: notifier::Registration<Chrdev<T>>,
}

/// A driver of character devices as a module registers it. Files that are open when it is unregistered stay
/// so; nobody opens new ones.
///
/// # Context
///
/// Any: it is a constant.
///
/// # Invariants
///
/// `registration` is used by who registers it, and unregisters it.
pub struct Driver<T: CharFile> {
    class: NodeClass<T>,
    registration: UnsafeCell<Option<Pin<KBox<Registration<T>>>>>,
}

// SAFETY: By the type's invariant only one at a time has access to the registration, which can be sent.
unsafe impl<T: CharFile> Sync for Driver<T> {}

impl<T: CharFile> Driver<T> {
    /// Makes a driver that is not registered.
    pub const fn new(class: NodeClass<T>) -> Self {
        Self {
            class,
            registration: UnsafeCell::new(None),
        }
    }
}

impl<T: CharFile> Registrable for Driver<T> {
    unsafe fn register(&'static self) -> Result {
        // SAFETY: It is dropped when it is unregistered, which the caller sees to, as to the process.
        let init = unsafe { Registration::new(&self.class) }?;
        let registration = KBox::pin_init(init, GFP_KERNEL)?;
        // SAFETY: By the caller's guarantee nobody else is here.
        unsafe { *self.registration.get() = Some(registration) };
        Ok(())
    }

    unsafe fn unregister(&'static self) {
        // SAFETY: By the caller's guarantee nobody else is here, and the process is one that may.
        drop(unsafe { (*self.registration.get()).take() });
    }
}

/// A file that is open.
struct Opened<T: CharFile> {
    file: T,
    sock: ARef<Sock<T::Sock>>,
}

impl<T: CharFile> Opened<T> {
    /// What can be done without waiting. Who polls `file` is woken.
    ///
    /// # Safety
    ///
    /// Both must be the arguments of a `poll` callback, in which this must be. `file` must be this one, or
    /// that of a socket that stands for it, which has a reference to it.
    unsafe fn poll(
        &self,
        file: *mut kbindings::file,
        table: *mut kbindings::poll_table_struct,
    ) -> kbindings::__poll_t {
        // SAFETY: By the caller's guarantee; this one has a reference to the `Sock`. The VFS polls in
        // processes.
        let process = unsafe {
            self.sock.poll_wait(file, table);
            Process::assume()
        };
        self.file.poll(process).0
    }
}

/// # Safety
///
/// `file` must be one that [`Registration::open_callback`] opened and that is not yet released, for `'a`.
#[inline]
unsafe fn borrow<'a, T: CharFile>(file: *mut kbindings::file) -> &'a Opened<T> {
    // SAFETY: By the caller's guarantee; `open_callback` has set it.
    unsafe { KBox::borrow((*file).private_data) }
}

/// A file that is open, as the VFS knows it.
///
/// # Context
///
/// Process. Does not sleep, but for [`socket`](OpenFile::socket).
///
/// # Invariants
///
/// It was opened by a `Registration` for `T`, and is not released during `'a`. It is never seen but by a
/// process that has called the file, or a socket that stands for it.
pub struct OpenFile<'a, T: CharFile>(*mut kbindings::file, PhantomData<&'a T>);

impl<'a, T: CharFile> OpenFile<'a, T> {
    /// # Safety
    ///
    /// As the type's invariants say.
    #[inline]
    unsafe fn new(file: *mut kbindings::file) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self(file, PhantomData)
    }

    #[inline]
    fn opened(&self) -> &'a Opened<T> {
        // SAFETY: By the type's invariants.
        unsafe { borrow(self.0) }
    }

    /// Returns what the driver knows of it.
    #[inline]
    pub fn data(&self) -> &'a T {
        &self.opened().file
    }

    /// Returns the proof that it is a process that has the file.
    #[inline]
    pub fn process(&self) -> Process<'a> {
        // SAFETY: By the type's invariants.
        unsafe { Process::assume() }
    }

    /// # Safety
    ///
    /// To be called for a command of user space, and nothing else.
    unsafe fn ioctl(&self, cmd: c_uint, arg: c_ulong) -> Result<isize> {
        // SAFETY: By the caller's guarantee. Commands are given by processes, which hold no locks then
        // (`vfs_ioctl()`, `sock_do_ioctl()`), and for which nobody waits.
        let mut unlocked = unsafe { Unlocked::assume() };
        T::ioctl(self, cmd, arg, &mut unlocked)
    }
}

impl<T: CharFile> Registration<T> {
    /// Registers a driver. Files can be opened as soon as the module is loaded: until then it may fail to
    /// load, and go without regard to who holds it.
    ///
    /// # Safety
    ///
    /// It has to be dropped before the module goes. That and making it want a process that may sleep and
    /// does not hold RTNL.
    unsafe fn new(class: &'static NodeClass<T>) -> Result<impl PinInit<Self, Error>> {
        let region = Region::new(class.name)?;
        let first = region.0;
        Ok(try_pin_init!(&this in Self {
            chrdev <- notifier::Registration::new(Chrdev::new(region, class)),
            // SAFETY: These operations are for this type, and of that module; the nodes are initialised,
            // pinned, and dropped later. The process is one that may, by the caller's guarantee.
            cdev <- unsafe {
                Cdev::new(
                    Self::FOPS,
                    this_module::<T::OwnerModule>(),
                    first,
                    ptr::addr_of!((*this.as_ptr()).chrdev).cast(),
                )
            },
        }))
    }

    const FOPS: &'static kbindings::file_operations = &kbindings::file_operations {
        owner: this_module::<T::OwnerModule>().as_ptr(),
        open: Some(Self::open_callback),
        release: Some(Self::release_callback),
        read_iter: Some(Self::read_callback),
        write_iter: Some(Self::write_callback),
        poll: Some(Self::poll_callback),
        unlocked_ioctl: Some(Self::ioctl_callback),
        compat_ioctl: kbindings::compat_ptr_ioctl,
        fasync: Some(Self::fasync_callback),
        ..::pin_init::zeroed()
    };

    /// # Safety
    ///
    /// To be called by the VFS with the inode of a node of this driver and a new file.
    unsafe extern "C" fn open_callback(
        inode: *mut kbindings::inode,
        file_ptr: *mut kbindings::file,
    ) -> c_int {
        // SAFETY: The inode is valid, and has a `cdev` with these operations, which is held meanwhile; the
        // module is valid.
        let (cdev, minor, is_loaded) = unsafe {
            (
                bindings::inode_cdev(inode).cast(),
                bindings::iminor(inode),
                bindings::module_is_loaded(this_module::<T::OwnerModule>().as_ptr().cast()),
            )
        };
        from_result(|| {
            if !is_loaded {
                return Err(ENXIO);
            }
            // First, because an open file is given back by releasing it only.
            let room = KBox::<Opened<T>>::new_uninit(GFP_KERNEL_ACCOUNT)?;
            // SAFETY: A process opens the file, and holds no locks (`chrdev_open()`).
            let mut unlocked = unsafe { Unlocked::assume() };
            let rtnl = rtnl::lock(&mut unlocked);
            let chrdev = Openable::find(cdev, &rtnl).ok_or(ENXIO)?;
            // SAFETY: `new` has put it there with these operations. It stays while RTNL is held.
            let chrdev = unsafe { &*chrdev.cast::<notifier::Registration<Chrdev<T>>>() };
            let device = chrdev.nodes.lock().find(minor).cloned().ok_or(ENODEV)?;
            let file = T::open(&device, &rtnl)?;
            let sock = file.sock().clone();
            sock.add_file(&rtnl);
            let opened = KBox::write(room, Opened { file, sock });
            // SAFETY: The file is new, and nobody else's. The socket forgets it when it is released.
            unsafe {
                opened.sock.set_file(file_ptr);
                (*file_ptr).private_data = opened.into_foreign();
                bindings::file_set_nowait(file_ptr);
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// To be called by the VFS with a file that `open_callback` has opened.
    unsafe extern "C" fn release_callback(
        _inode: *mut kbindings::inode,
        file: *mut kbindings::file,
    ) -> c_int {
        // SAFETY: The VFS calls this once, when nobody else uses the file.
        let opened: KBox<Opened<T>> = unsafe { KBox::from_foreign((*file).private_data) };
        // SAFETY: Nobody, and the file is freed after a grace period, which is waited for below.
        unsafe { opened.sock.set_file(ptr::null_mut()) };
        {
            // SAFETY: A process closes the file, without locks: `__fput()` runs when it goes back to user
            // space, or in a worker of its own.
            let mut unlocked = unsafe { Unlocked::assume() };
            let rtnl = rtnl::lock(&mut unlocked);
            opened.file.release(&rtnl);
            // SAFETY: A socket that stands for the file would have a reference to it.
            unsafe { opened.sock.remove_file(&rtnl) };
        }
        rcu::synchronize_rcu();
        // SAFETY: The VFS closes files in processes, and sleeping is allowed.
        opened.file.closed(unsafe { Process::assume() });
        0
    }

    /// # Safety
    ///
    /// To be called by the VFS with a file that `open_callback` has opened.
    unsafe extern "C" fn read_callback(
        iocb: *mut kbindings::kiocb,
        to: *mut kbindings::iov_iter,
    ) -> isize {
        // SAFETY: The file is open; the iterator is for writing to. Files are read by processes.
        let (this, to, nonblock, process) = unsafe {
            (
                borrow::<T>((*iocb).ki_filp),
                IovIterDest::from_raw(to),
                bindings::kiocb_is_nonblocking(iocb),
                Process::assume(),
            )
        };
        let room = to.len();
        match this.file.read(to, nonblock, process) {
            // CAST: No more than fits into the buffer, which is not above `MAX_RW_COUNT`.
            Ok(len) => len.min(room) as isize,
            Err(err) => err.to_errno() as isize,
        }
    }

    /// # Safety
    ///
    /// To be called by the VFS with a file that `open_callback` has opened.
    unsafe extern "C" fn write_callback(
        iocb: *mut kbindings::kiocb,
        from: *mut kbindings::iov_iter,
    ) -> isize {
        // SAFETY: The file is open; the iterator is for reading from.
        let (this, from, nonblock) = unsafe {
            (
                borrow::<T>((*iocb).ki_filp),
                IovIterSource::from_raw(from),
                bindings::kiocb_is_nonblocking(iocb),
            )
        };
        let given = from.len();
        match this.file.write(from, nonblock) {
            // CAST: No more than the caller gave, which is not above `MAX_RW_COUNT`.
            Ok(len) => len.min(given) as isize,
            Err(err) => err.to_errno() as isize,
        }
    }

    /// # Safety
    ///
    /// To be called by the VFS with a file that `open_callback` has opened.
    unsafe extern "C" fn poll_callback(
        file: *mut kbindings::file,
        table: *mut kbindings::poll_table_struct,
    ) -> kbindings::__poll_t {
        // SAFETY: The file is open; the arguments are this callback's.
        unsafe { borrow::<T>(file).poll(file, table) }
    }

    /// # Safety
    ///
    /// To be called by the VFS with a file that `open_callback` has opened.
    unsafe extern "C" fn ioctl_callback(
        file: *mut kbindings::file,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_long {
        // SAFETY: The file is open, and this is a command.
        match unsafe { OpenFile::<T>::new(file).ioctl(cmd, arg) } {
            Ok(result) => result as c_long,
            Err(err) => err.to_errno() as c_long,
        }
    }

    /// # Safety
    ///
    /// To be called by the VFS with a file that `open_callback` has opened.
    unsafe extern "C" fn fasync_callback(
        fd: c_int,
        file: *mut kbindings::file,
        on: c_int,
    ) -> c_int {
        // SAFETY: The file is open, and has a reference to the socket; the arguments are this callback's.
        unsafe { borrow::<T>(file).sock.fasync(fd, file, on) }
    }
}
