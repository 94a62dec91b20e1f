// SPDX-License-Identifier: GPL-2.0

//! `/dev/tapN`: which devices have one, and what an open one does, as the VFS asks for it.

use crate::{
    endpoint::{
        self,
        Common,
        Compat, //
        Ipvlan,
        Macvlan,
    },
    tap::{
        file::TapFile,
        ioctl::ioctl,
        queue::Queue,
        Tap,
        TapRef, //
    },
};
use abstractions::{
    chrdev::{
        CharFile,
        NodeClass,
        OpenFile,
        PollEvents, //
    },
    context::Process,
    net::{
        link::downcast,
        rtnl::{
            Rtnl,
            Unlocked, //
        },
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

/// Those of kind `rnetvirt`.
pub(crate) const RNETVIRT: NodeClass<TapFile> = NodeClass {
    name: c"rnetvirt",
    device_of: |dev| tap_by(endpoint::common(dev)?, Compat::Rnetvirt),
};

/// Those of kind `macvtap`.
pub(crate) const MACVTAP: NodeClass<TapFile> = NodeClass {
    name: c"macvtap",
    device_of: |dev| tap_by(downcast::<Macvlan>(dev)?.data(), Compat::C),
};

/// Those of kind `ipvtap`.
pub(crate) const IPVTAP: NodeClass<TapFile> = NodeClass {
    name: c"ipvtap",
    device_of: |dev| tap_by(downcast::<Ipvlan>(dev)?.data(), Compat::C),
};

/// The tap of an endpoint that follows `rules`, if it has one.
fn tap_by(common: &Common, compat: Compat) -> Option<&TapRef> {
    common.tap().filter(|_| common.compat == compat)
}

impl CharFile for TapFile {
    type OwnerModule = crate::RnetvirtModule;
    type Sock = Queue;
    type Device = Handler<Tap>;
    fn open(tap: &Arc<Handler<Tap>>, rtnl: &Rtnl) -> Result<Self> {
        Self::new(tap, rtnl)
    }

    fn sock(&self) -> &ARef<Sock<Queue>> {
        self.queue()
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

    fn ioctl(
        file: &OpenFile<'_, Self>,
        cmd: u32,
        arg: usize,
        unlocked: &mut Unlocked,
    ) -> Result<isize> {
        ioctl(file, cmd, arg, unlocked)
    }
}
