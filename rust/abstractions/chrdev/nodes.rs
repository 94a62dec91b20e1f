// SPDX-License-Identifier: GPL-2.0

//! The nodes of a driver, by their numbers.
//!
//! Anybody may have as many as there are numbers, and every device on the machine that goes is looked for
//! here under RTNL: nothing takes longer than the logarithm of how many there are.

use super::class::MINOR_BITS;
use crate::net::{
    netdevice::NetDevice,
    rtnl::Rtnl, //
};
use core::{
    cell::UnsafeCell,
    ptr, //
};
use kernel::{
    bindings as kbindings,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode,
        RBTreeNodeReservation, //
    },
    sync::Arc, //
};

/// The interface numbers that are in names in `/dev`, which nodes of all classes share.
///
/// # Invariants
///
/// It is read and written under RTNL only, and no reference into it is given away.
struct Names(UnsafeCell<Option<RBTree<i32, ()>>>);

// SAFETY: By the type's invariants only one thread at a time does anything with it.
unsafe impl Sync for Names {}

static NAMES: Names = Names(UnsafeCell::new(None));

impl Names {
    fn has(&self, ifindex: i32, _rtnl: &Rtnl) -> bool {
        // SAFETY: By the type's invariants nobody else has a reference.
        let names = unsafe { &*self.0.get() };
        names
            .as_ref()
            .is_some_and(|names| names.get(&ifindex).is_some())
    }

    fn insert(&self, name: RBTreeNode<i32, ()>, _rtnl: &Rtnl) {
        // SAFETY: By the type's invariants nobody else has a reference.
        let names = unsafe { &mut *self.0.get() };
        names.get_or_insert_with(RBTree::new).insert(name);
    }

    fn remove(&self, ifindex: i32, _rtnl: &Rtnl) {
        // SAFETY: By the type's invariants nobody else has a reference.
        if let Some(names) = unsafe { &mut *self.0.get() } {
            names.remove(&ifindex);
        }
    }
}

/// A node.
pub(super) struct Node<D> {
    pub(super) device: Arc<D>,
    pub(super) node: *mut kbindings::device,
    /// It has the name `tapN` in `/dev`, with this number, which is in [`NAMES`].
    named: Option<i32>,
    /// What notes that its number is free again, which is not to fail.
    note: RBTreeNodeReservation<u32, ()>,
}

/// The nodes by their numbers, from 1 on.
pub(super) struct Nodes<D> {
    slots: KVVec<Option<Node<D>>>,
    /// The numbers of slots that are empty.
    free: RBTree<u32, ()>,
    /// The numbers of the devices' nodes. The addresses are compared only.
    numbers: RBTree<*const NetDevice, u32>,
}

/// Where the node with that number is.
fn slot_of(minor: u32) -> Option<usize> {
    (minor as usize).checked_sub(1)
}

impl<D> Nodes<D> {
    pub(super) fn new() -> Self {
        Self {
            slots: KVVec::new(),
            free: RBTree::new(),
            numbers: RBTree::new(),
        }
    }

    pub(super) fn find(&self, minor: u32) -> Option<&Arc<D>> {
        let node = self.slots.get(slot_of(minor)?)?.as_ref()?;
        Some(&node.device)
    }

    /// The lowest free number, of an empty slot. [`ENOSPC`], [`ENOMEM`].
    fn lowest_free(&mut self) -> Result<u32> {
        if let Some(lowest) = self.free.cursor_front() {
            return Ok(*lowest.current().0);
        }
        let minor = u32::try_from(self.slots.len().saturating_add(1)).map_err(|_| ENOSPC)?;
        if minor >> MINOR_BITS != 0 {
            return Err(ENOSPC);
        }
        let note = RBTreeNodeReservation::new(GFP_KERNEL)?;
        self.slots.push(None, GFP_KERNEL)?;
        self.free.insert(note.into_node(minor, ()));
        Ok(minor)
    }

    /// Adds the node of `dev`, which has none, as `create` makes it with its number, and with or without
    /// the name of `dev`. It has that if it `may_be_named`, and no other has the same, of whichever class.
    ///
    /// Errors: [`ENOSPC`], [`ENOMEM`], those of `create`.
    pub(super) fn insert(
        &mut self,
        dev: &NetDevice,
        device: &Arc<D>,
        may_be_named: bool,
        rtnl: &Rtnl,
        create: impl FnOnce(u32, bool) -> Result<*mut kbindings::device>,
    ) -> Result {
        let ifindex = dev.ifindex();
        let named = Some(ifindex).filter(|ifindex| may_be_named && !NAMES.has(*ifindex, rtnl));
        let number = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let name = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let minor = self.lowest_free()?;
        let slot = slot_of(minor).and_then(|at| self.slots.get_mut(at));
        let slot = slot.ok_or(ENOSPC)?;
        let node = create(minor, named.is_some())?;
        let note = self.free.remove_node(&minor).ok_or(ENOSPC)?;
        *slot = Some(Node {
            device: device.clone(),
            node,
            named,
            note: note.into_reservation(),
        });
        self.numbers
            .insert(number.into_node(ptr::from_ref(dev), minor));
        if let Some(ifindex) = named {
            NAMES.insert(name.into_node(ifindex, ()), rtnl);
        }
        Ok(())
    }

    /// Takes the node of `dev` out, if there is one: what it stands for, and the device of its own.
    pub(super) fn take(
        &mut self,
        dev: &NetDevice,
        rtnl: &Rtnl,
    ) -> Option<(Arc<D>, *mut kbindings::device)> {
        let minor = self.numbers.remove(&ptr::from_ref(dev))?;
        let node = self.slots.get_mut(slot_of(minor)?)?.take()?;
        if let Some(ifindex) = node.named {
            NAMES.remove(ifindex, rtnl);
        }
        if self.numbers.is_empty() {
            // The memory of many.
            *self = Self::new();
        } else {
            self.free.insert(node.note.into_node(minor, ()));
        }
        Some((node.device, node.node))
    }
}
