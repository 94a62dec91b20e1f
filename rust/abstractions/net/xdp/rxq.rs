// SPDX-License-Identifier: GPL-2.0

//! What programs are told of the queue that a packet came by.

use crate::{
    bindings,
    net::{
        dev_ref::DevRef,
        netdevice::NetDevice,
        page_pool::PagePool,
        rtnl::Rtnl, //
    },
};
use core::mem::MaybeUninit;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// A receive queue as XDP knows it (`struct xdp_rxq_info`), once for each kind of memory that a packet may
/// have: what a packet's says never changes.
///
/// # Invariants
///
/// The first one is registered for `dev`, with memory model `MEM_TYPE_PAGE_SHARED`, which has no allocator.
/// The others are copies, but for the kind.
pub(in crate::net) struct RxqInfo {
    kinds: [bindings::xdp_rxq_info; KINDS],
    // Which they point to.
    _dev: DevRef,
}

/// `MEM_TYPE_PAGE_SHARED`, `MEM_TYPE_PAGE_ORDER0`, `MEM_TYPE_PAGE_POOL`: those that frames have.
const KINDS: usize = bindings::xdp_mem_type_MEM_TYPE_PAGE_POOL as usize + 1;

// SAFETY: It is only read, and may be unregistered by any thread.
unsafe impl Send for RxqInfo {}
// SAFETY: It is only read.
unsafe impl Sync for RxqInfo {}

impl RxqInfo {
    /// Registers queue `index` of `dev`. May sleep.
    pub(in crate::net) fn new(dev: &NetDevice, index: u16, rtnl: &Rtnl) -> Result<Self> {
        let held = DevRef::new(dev, rtnl)?;
        let mut info = MaybeUninit::<bindings::xdp_rxq_info>::zeroed();
        // SAFETY: The device is valid, and the structure ours. No fragment may grow: size zero.
        to_result(unsafe {
            bindings::__xdp_rxq_info_reg(info.as_mut_ptr(), held.as_ptr(), index.into(), 0, 0)
        })?;
        // SAFETY: Just registered. Nothing points to the structure, so that it can be moved.
        let mut info = unsafe { info.assume_init() };
        // SAFETY: Registered.
        let result = to_result(unsafe {
            bindings::xdp_rxq_info_reg_mem_model(
                &mut info,
                bindings::xdp_mem_type_MEM_TYPE_PAGE_SHARED,
                core::ptr::null_mut(),
            )
        });
        let mut kinds = [info; KINDS];
        for (kind, number) in kinds.iter_mut().zip(0..) {
            kind.mem.type_ = number;
        }
        // INVARIANT: Registered; if that failed, it is undone.
        let this = Self { kinds, _dev: held };
        result.map(|()| this)
    }

    /// For C, which does not write to it: of a packet whose memory nobody is to free by what this says.
    #[inline]
    pub(super) fn any(&self) -> *mut bindings::xdp_rxq_info {
        self.of(bindings::xdp_mem_type_MEM_TYPE_PAGE_SHARED)
    }

    /// For C, which does not write to it: of a packet with memory of that kind, as frames and skbs have it.
    #[inline]
    pub(super) fn of(&self, kind: bindings::xdp_mem_type) -> *mut bindings::xdp_rxq_info {
        let [shared, ..] = &self.kinds;
        core::ptr::from_ref(self.kinds.get(kind as usize).unwrap_or(shared)).cast_mut()
    }
}

impl Drop for RxqInfo {
    fn drop(&mut self) {
        let [registered, ..] = &mut self.kinds;
        // SAFETY: By the type's invariants; nobody uses it any more.
        unsafe { bindings::xdp_rxq_info_unreg(registered) };
    }
}

/// What XDP needs of each queue: the pool that copies are made from, and what programs are told of it.
pub(in crate::net) struct XdpQueue {
    pub(in crate::net) pool: PagePool,
    pub(super) rxq: RxqInfo,
}

impl XdpQueue {
    /// That of queue `index` of `dev`, with a pool that keeps `size` pages. May sleep; [`ENOMEM`], [`ENODEV`].
    pub(in crate::net) fn new(dev: &NetDevice, index: u16, size: u16, rtnl: &Rtnl) -> Result<Self> {
        Ok(Self {
            pool: PagePool::new(dev, size)?,
            rxq: RxqInfo::new(dev, index, rtnl)?,
        })
    }
}
