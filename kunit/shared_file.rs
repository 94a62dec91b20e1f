// SPDX-License-Identifier: GPL-2.0

//! Files that share a socket, of the device with the number [`INDEX`]: what is read of one is its number.

use abstractions::{
    chrdev::{
        CharFile,
        NodeClass,
        OpenFile,
        PollEvents, //
    },
    context::Process,
    net::{
        netdevice::NetDevice,
        rtnl::{
            Rtnl,
            Unlocked, //
        },
        sock::{
            Sock,
            SockData, //
        },
    },
};
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex,
        SetOnce, //
    },
};

/// The device.
const INDEX: i32 = 4711;

/// What its node stands for; made when it appears.
static SHARED: SetOnce<Arc<Shared>> = SetOnce::new();

pub(crate) struct Nothing;

impl SockData for Nothing {
    type OwnerModule = crate::RnetvirtKunit;
    const NAME: &'static CStr = c"rnetvirt_kunit";
}

/// The socket of the files that are open, how many these are, and how many there were.
#[derive(Default)]
struct Files {
    sock: Option<ARef<Sock<Nothing>>>,
    open: u8,
    opened: u8,
}

#[pin_data]
pub(crate) struct Shared {
    #[pin]
    files: Mutex<Files>,
}

pub(crate) struct SharedFile {
    device: Arc<Shared>,
    sock: ARef<Sock<Nothing>>,
    number: u8,
}

pub(crate) const NODES: NodeClass<SharedFile> = NodeClass {
    name: c"rnetvirt_kunit",
    device_of,
};

fn device_of(dev: &NetDevice) -> Option<&Arc<Shared>> {
    if dev.ifindex() != INDEX {
        return None;
    }
    if SHARED.as_ref().is_none() {
        let shared = pin_init!(Shared {
            files <- new_mutex!(Files::default()),
        });
        SHARED.populate(Arc::pin_init(shared, GFP_KERNEL).ok()?);
    }
    SHARED.as_ref()
}

impl CharFile for SharedFile {
    type OwnerModule = crate::RnetvirtKunit;
    type Sock = Nothing;
    type Device = Shared;
    fn open(device: &Arc<Shared>, _rtnl: &Rtnl) -> Result<Self> {
        let mut files = device.files.lock();
        let sock = match &files.sock {
            Some(sock) => sock.clone(),
            None => Sock::new(1, Nothing)?,
        };
        files.sock = Some(sock.clone());
        files.open = files.open.wrapping_add(1);
        files.opened = files.opened.wrapping_add(1);
        Ok(Self {
            device: device.clone(),
            sock,
            number: files.opened,
        })
    }

    fn sock(&self) -> &ARef<Sock<Nothing>> {
        &self.sock
    }

    fn release(&self, _rtnl: &Rtnl) {
        let mut files = self.device.files.lock();
        files.open = files.open.wrapping_sub(1);
        if files.open == 0 {
            files.sock = None;
        }
    }

    fn closed(&self, _process: Process<'_>) {}

    fn read(
        &self,
        to: &mut IovIterDest<'_>,
        _nonblock: bool,
        _process: Process<'_>,
    ) -> Result<usize> {
        Ok(to.copy_to_iter(&[self.number]))
    }

    fn write(&self, from: &mut IovIterSource<'_>, _nonblock: bool) -> Result<usize> {
        // More than there is: nobody is to be told so.
        Ok(from.len().wrapping_add(1000))
    }

    fn poll(&self, _process: Process<'_>) -> PollEvents {
        PollEvents::READABLE.with(PollEvents::WRITABLE)
    }

    fn ioctl(
        file: &OpenFile<'_, Self>,
        _cmd: u32,
        _arg: usize,
        _unlocked: &mut Unlocked,
    ) -> Result<isize> {
        Ok(file.socket()?.install())
    }
}
