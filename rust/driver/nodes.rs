// SPDX-License-Identifier: GPL-2.0

//! `/dev/tapN`: which devices have one, and what an open one does, as the VFS asks for it.

use crate::{
    endpoint,
    tap::{
        file::TapFile,
        ioctl::ioctl,
        queue::Queue,
        Tap, //
    },
};
use abstractions::{
    chrdev::{
        CharFile,
        OpenFile,
        PollEvents, //
    },
    context::Process,
    net::{
        netdevice::NetDevice,
        rtnl::Rtnl,
        rx_handler::Handler,
        sock::Sock, //
    },
};
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

impl CharFile for TapFile {
    type OwnerModule = crate::RnetvirtModule;
    type Sock = Queue;
    type Device = Handler<Tap>;
    const CLASS: &'static CStr = c"rnetvirt";

    fn open(tap: &Arc<Handler<Tap>>, rtnl: &Rtnl) -> Result<Self> {
        Self::new(tap, rtnl)
    }

    fn sock(&self) -> &ARef<Sock<Queue>> {
        self.queue()
    }

    fn device_of(dev: &NetDevice) -> Option<&Arc<Handler<Tap>>> {
        endpoint::tap(dev)
    }

    fn release(&self, rtnl: &Rtnl) {
        self.leave(rtnl);
    }

    fn closed(&self, process: Process<'_>) {
        self.drain(process);
    }

    #[inline(always)]
    fn read(
        &self,
        to: &mut IovIterDest<'_>,
        nonblock: bool,
        process: Process<'_>,
    ) -> Result<usize> {
        self.read_frame(to, nonblock, process)
    }

    #[inline(always)]
    fn write(&self, from: &mut IovIterSource<'_>, nonblock: bool) -> Result<usize> {
        self.write_frame(from, nonblock)
    }

    fn poll(&self, process: Process<'_>) -> PollEvents {
        self.ready(process)
    }

    fn ioctl(file: &OpenFile<'_, Self>, cmd: u32, arg: usize) -> Result<isize> {
        ioctl(file, cmd, arg)
    }
}
