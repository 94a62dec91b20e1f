// SPDX-License-Identifier: GPL-2.0

//! Character devices that belong to net devices.
//!
//! C headers: [`include/linux/cdev.h`](srctree/include/linux/cdev.h),
//! [`include/linux/device/class.h`](srctree/include/linux/device/class.h)

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
    ptr::{
        self,
        NonNull, //
    },
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
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        rcu,
        Arc,
        Mutex, //
    },
    types::ForeignOwnable, //
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

/// An open file of a node.
pub trait CharFile: Sized + Send + Sync + 'static {
    /// The module, which stays as long as there are files.
    type OwnerModule: ModuleMetadata;

    /// The data of the socket that each file has.
    type Sock: SockData;

    /// What a node stands for.
    type Device: Send + Sync + 'static;

    /// The name of the class, in `/sys/class` and `/proc/devices`.
    const CLASS: &'static CStr;

    /// What the node of `dev` stands for, if `dev` is to have a node. It is to say so from before it is
    /// registered until it is gone.
    fn device_of(dev: &NetDevice) -> Option<&Arc<Self::Device>>;

    /// A node was opened. What it did is undone by [`release`](Self::release).
    fn open(device: &Arc<Self::Device>, rtnl: &Rtnl) -> Result<Self>;

    /// The file's socket, which wakes who waits for the file. It is asked for once.
    fn sock(&self) -> &ARef<Sock<Self::Sock>>;

    /// The last descriptor was closed: nobody is to find the file, or its socket, from now on.
    fn release(&self, rtnl: &Rtnl);

    /// And nobody who found them in an RCU section is there any more. Gives up packets that others have
    /// left: one that is accounted to another file's socket keeps that, and may be kept by it. May sleep.
    fn closed(&self, process: Process<'_>);

    /// Reads; how many bytes it were, or would have been if there was less room. May sleep unless
    /// `nonblock`.
    fn read(&self, to: &mut IovIterDest<'_>, nonblock: bool, process: Process<'_>)
        -> Result<usize>;

    /// Writes; how many bytes it were. May sleep unless `nonblock`.
    fn write(&self, from: &mut IovIterSource<'_>, nonblock: bool) -> Result<usize>;

    /// What can be done without waiting. Who asks is woken by the socket.
    fn poll(&self, process: Process<'_>) -> PollEvents;

    /// A command to `file`, which is this one. `arg` is a number or an address in user space.
    fn ioctl(file: &OpenFile<'_, Self>, cmd: u32, arg: usize) -> Result<isize>;
}

/// Bits of a device number that say which device of a driver it is.
const MINOR_BITS: u32 = 20;

/// A node.
struct Node<D> {
    device: Arc<D>,
    dev: *const NetDevice,
    ifindex: i32,
    /// It has the name `tapN` in `/dev`.
    named: bool,
    node: *mut kbindings::device,
}

/// The nodes by their numbers, from 1 on.
struct Nodes<D> {
    slots: KVVec<Option<Node<D>>>,
    /// Slots below are taken.
    first_free: usize,
}

/// Where the node with that number is.
fn slot_of(minor: u32) -> Option<usize> {
    (minor as usize).checked_sub(1)
}

impl<D> Nodes<D> {
    fn find(&self, minor: u32) -> Option<&Arc<D>> {
        let node = self.slots.get(slot_of(minor)?)?.as_ref()?;
        Some(&node.device)
    }

    /// The lowest free number, and its slot. [`ENOSPC`], [`ENOMEM`].
    fn free(&mut self) -> Result<(u32, &mut Option<Node<D>>)> {
        let mut slots = self.slots.iter().skip(self.first_free);
        let at = match slots.position(Option::is_none) {
            Some(free) => free.saturating_add(self.first_free),
            None => {
                self.slots.push(None, GFP_KERNEL)?;
                self.slots.len().saturating_sub(1)
            }
        };
        self.first_free = at;
        let minor = u32::try_from(at.saturating_add(1)).map_err(|_| ENOSPC)?;
        if minor >> MINOR_BITS != 0 {
            return Err(ENOSPC);
        }
        Ok((minor, self.slots.get_mut(at).ok_or(ENOSPC)?))
    }

    /// Whether there is a node with the name that the one of `dev` would have.
    fn has_name_of(&self, dev: &NetDevice) -> bool {
        let mut nodes = self.slots.iter().flatten();
        nodes.any(|node| node.named && node.ifindex == dev.ifindex())
    }

    fn take(&mut self, dev: &NetDevice) -> Option<Node<D>> {
        let mine = |node: &Node<D>| ptr::eq(node.dev, dev);
        let at = self
            .slots
            .iter()
            .position(|slot| slot.as_ref().is_some_and(mine))?;
        self.first_free = self.first_free.min(at);
        self.slots.get_mut(at)?.take()
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
/// It is registered; C frees it, when it does not need it any more.
struct Class(NonNull<kbindings::class>);

/// What is allocated for one: C may still print its name when the module is gone.
#[repr(C)]
struct NamedClass {
    class: kbindings::class,
    name: [u8; 32],
}

/// Frees a class. Of C's, for it may be called long after the last device of the class went
/// (`CONFIG_DEBUG_KOBJECT_RELEASE`), and so after this module.
// SAFETY: The same function, for arguments of which it wants nothing but that `kmalloc()` gave them.
const FREE_CLASS: unsafe extern "C" fn(*const kbindings::class) =
    unsafe { core::mem::transmute::<unsafe extern "C" fn(*const c_void), _>(kbindings::kfree) };

impl Class {
    fn new(name: &'static CStr) -> Result<Self> {
        // SAFETY: All members may be zero.
        let mut class = KBox::<NamedClass>::new(unsafe { core::mem::zeroed() }, GFP_KERNEL)?;
        let name = name.to_bytes_with_nul();
        let room = class.name.get_mut(..name.len()).ok_or(EINVAL)?;
        room.copy_from_slice(name);
        class.class.name = class.name.as_ptr();
        class.class.ns_type = ptr::addr_of!(bindings::net_ns_type_operations).cast();
        class.class.namespace = Some(Self::namespace_callback);
        class.class.devnode = Some(Self::devnode_callback);
        class.class.class_release = Some(FREE_CLASS);
        let class = KBox::into_raw(class);
        // CAST: The class is the first field.
        // SAFETY: The class is initialised; once it is registered C frees it.
        match to_result(unsafe { kbindings::class_register(class.cast()) }) {
            // INVARIANT: As was just done.
            // SAFETY: It was made of a box.
            Ok(()) => Ok(Self(unsafe { NonNull::new_unchecked(class.cast()) })),
            Err(err) => {
                // SAFETY: It was made of a box, and C has not taken it.
                drop(unsafe { KBox::from_raw(class) });
                Err(err)
            }
        }
    }

    fn as_ptr(&self) -> *mut kbindings::class {
        self.0.as_ptr()
    }

    /// What a node is called in `/dev`, if not as it is called itself: see [`Chrdev::add`].
    ///
    /// # Safety
    ///
    /// To be called by the driver core with a device of this class.
    unsafe extern "C" fn devnode_callback(
        node: *const kbindings::device,
        _mode: *mut kbindings::umode_t,
    ) -> *mut c_char {
        // SAFETY: The device is valid. The caller frees the string, or does without.
        unsafe {
            if (*node).driver_data.is_null() {
                return ptr::null_mut();
            }
            let minor = (*node).devt & ((1 << MINOR_BITS) - 1);
            kbindings::kasprintf(bindings::GFP_KERNEL, c"rnetvirt/%u".as_char_ptr(), minor)
        }
    }

    /// # Safety
    ///
    /// To be called by the driver core with a device of this class.
    unsafe extern "C" fn namespace_callback(
        node: *const kbindings::device,
    ) -> *const kbindings::ns_common {
        // SAFETY: By the caller's guarantee it is one of this class, whose devices are all made by
        // `Chrdev::add`, below a net device.
        unsafe { bindings::parent_netdev_ns(node.cast()).cast() }
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { kbindings::class_unregister(self.as_ptr()) };
    }
}

/// What is found by who has a `cdev` and nothing else: one who opens a file.
///
/// Whoever does so holds the module, but not what has registered the `cdev`, which may be gone by then. So
/// it is looked for under RTNL, under which it comes and goes.
struct Openable {
    cdev: *mut kbindings::cdev,
    /// What it stands for.
    data: *const c_void,
    next: Atomic<*mut Openable>,
}

/// The first of those that there are. Written and followed under RTNL.
static OPENABLE: Atomic<*mut Openable> = Atomic::new(ptr::null_mut());

impl Openable {
    /// # Safety
    ///
    /// It must be pinned, and taken out again before it goes.
    unsafe fn insert(&self, _rtnl: &Rtnl) {
        self.next.store(OPENABLE.load(Relaxed), Relaxed);
        OPENABLE.store(ptr::from_ref(self).cast_mut(), Relaxed);
    }

    fn remove(&self, _rtnl: &Rtnl) {
        let mut link = &OPENABLE;
        // SAFETY: Entries stay until they are taken out, which wants RTNL.
        while let Some(at) = unsafe { link.load(Relaxed).as_ref() } {
            if ptr::eq(at, self) {
                link.store(self.next.load(Relaxed), Relaxed);
                return;
            }
            link = &at.next;
        }
    }

    /// What the one with `cdev` stands for, and does as long as RTNL is held.
    fn find(cdev: *mut kbindings::cdev, _rtnl: &Rtnl) -> Option<*const c_void> {
        let mut link = &OPENABLE;
        // SAFETY: Entries stay until they are taken out, which wants RTNL.
        while let Some(at) = unsafe { link.load(Relaxed).as_ref() } {
            if at.cdev == cdev {
                return Some(at.data);
            }
            link = &at.next;
        }
        None
    }
}

/// What opens files of a range of device numbers.
///
/// # Invariants
///
/// `openable` is to be found, `cdev` its `cdev`, and added. C frees that when it does not need it any
/// more, which may be after the module (`CONFIG_DEBUG_KOBJECT_RELEASE`).
#[pin_data(PinnedDrop)]
struct Cdev {
    openable: Openable,
}

// SAFETY: C's structure belongs to the VFS; the list is for those who have RTNL.
unsafe impl Send for Cdev {}
// SAFETY: There is nothing that could be done with a reference.
unsafe impl Sync for Cdev {}

impl Cdev {
    /// # Safety
    ///
    /// `fops` must be of `owner`, and their `open` know what `data` is, which must stay until this is
    /// dropped.
    unsafe fn new(
        fops: &'static kbindings::file_operations,
        owner: &'static ThisModule,
        region: u32,
        data: *const c_void,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(&this in Self {
            openable: Openable {
                // SAFETY: It has no preconditions.
                cdev: NonNull::new(unsafe { kbindings::cdev_alloc() }).ok_or(ENOMEM)?.as_ptr(),
                data,
                next: Atomic::new(ptr::null_mut()),
            },
            _: {
                // SAFETY: It was initialised, and does not move.
                let openable = unsafe { &(*this.as_ptr()).openable };
                let cdev = openable.cdev;
                // SAFETY: It is taken out below if that fails, else when it is dropped.
                unsafe { openable.insert(&rtnl::lock()) };
                // SAFETY: The `cdev` is ours; whoever opens a file by it holds the module.
                let added = to_result(unsafe {
                    (*cdev).ops = fops;
                    (*cdev).owner = owner.as_ptr();
                    kbindings::cdev_add(cdev, region, 1 << MINOR_BITS)
                });
                if let Err(err) = added {
                    openable.remove(&rtnl::lock());
                    // SAFETY: The only reference to it.
                    unsafe { kbindings::kobject_put(ptr::addr_of_mut!((*cdev).kobj)) };
                    return Err(err);
                }
            },
        }? Error)
    }
}

#[pinned_drop]
impl PinnedDrop for Cdev {
    fn drop(self: Pin<&mut Self>) {
        self.openable.remove(&rtnl::lock());
        // SAFETY: By the type's invariant. Who opens a file finds nothing any more.
        unsafe { kbindings::cdev_del(self.openable.cdev) };
    }
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
    #[pin]
    nodes: Mutex<Nodes<T::Device>>,
}

// SAFETY: C's structures belong to the driver core, what is left has a lock.
unsafe impl<T: CharFile> Send for Chrdev<T> {}
// SAFETY: A reference gives access to the nodes by their lock only; the rest does not change.
unsafe impl<T: CharFile> Sync for Chrdev<T> {}

impl<T: CharFile> Chrdev<T> {
    fn new(region: Region) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            region,
            nodes <- new_mutex!(Nodes { slots: KVVec::new(), first_free: 0 }),
            class: Class::new(T::CLASS)?,
        })
    }

    /// Makes a node for `dev`: named `tap` and the number of `dev`, in the class and, by the driver
    /// core, in `/dev`; and a link to it in the directory of `dev`.
    ///
    /// Network namespaces share `/dev`, and not their numbers: where another node has the name already,
    /// this one is `rnetvirt/` and its own number there. So is one of a namespace that belongs to another
    /// user namespace than the first: anybody can have such, and choose numbers that others will have.
    ///
    /// Errors: [`ENOSPC`], [`ENOMEM`], what the driver core says.
    fn add(&self, dev: &Registered<NetDevice>, device: &Arc<T::Device>, rtnl: &Rtnl) -> Result {
        let mut nodes = self.nodes.lock();
        let named = dev.net(rtnl).is_of_first_user_ns() && !nodes.has_name_of(dev);
        let (minor, slot) = nodes.free()?;
        // SAFETY: The device is valid, and registered with the driver core when notifiers hear of it.
        let node = unsafe {
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
            node
        };
        *slot = Some(Node {
            device: device.clone(),
            dev: &**dev,
            ifindex: dev.ifindex(),
            named,
            node,
        });
        Ok(())
    }

    /// Takes the node of `dev` away, if there is one. Files that are open stay so.
    fn remove(&self, dev: &NetDevice, _rtnl: &Rtnl) {
        let Some(Node { device, node, .. }) = self.nodes.lock().take(dev) else {
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
            Event::REGISTER => match T::device_of(dev) {
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
/// node for each device that [wants](CharFile::device_of) one.
#[pin_data]
pub struct Registration<T: CharFile> {
    // Dropped in this order.
    #[pin]
    cdev: Cdev,
    #[pin]
    chrdev: notifier::Registration<Chrdev<T>>,
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
/// # Invariants
///
/// It was opened by a [`Registration`] for `T`, and is not released during `'a`. It is never seen but by a
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

    /// What the driver knows of it.
    #[inline]
    pub fn data(&self) -> &'a T {
        &self.opened().file
    }

    /// It is a process that has it.
    #[inline]
    pub fn process(&self) -> Process<'a> {
        // SAFETY: By the type's invariants.
        unsafe { Process::assume() }
    }

    fn ioctl(&self, cmd: c_uint, arg: c_ulong) -> Result<isize> {
        T::ioctl(self, cmd, arg)
    }
}

impl<T: CharFile> Registration<T> {
    /// Registers a driver. Files can be opened as soon as the module is loaded: until then it may fail to
    /// load, and go without regard to who holds it.
    ///
    /// Context: process, may sleep, RTNL not held.
    ///
    /// # Safety
    ///
    /// It has to be dropped before the module goes: [`module_links!`](crate::module_links) sees to it.
    pub unsafe fn new() -> Result<impl PinInit<Self, Error>> {
        let region = Region::new(T::CLASS)?;
        let first = region.0;
        Ok(try_pin_init!(&this in Self {
            chrdev <- notifier::Registration::new(Chrdev::new(region)),
            // SAFETY: These operations are for this type, and of that module; the nodes are initialised,
            // pinned, and dropped later.
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
        // SAFETY: All members may be zero.
        ..unsafe { core::mem::zeroed() }
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
            let rtnl = rtnl::lock();
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
            let rtnl = rtnl::lock();
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
        // SAFETY: The file is open.
        match unsafe { OpenFile::<T>::new(file) }.ioctl(cmd, arg) {
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
