// SPDX-License-Identifier: GPL-2.0

//! The nodes of a driver, by their numbers.
//!
//! Anybody may have as many as there are numbers, and every device on the machine that goes is looked for
//! here under RTNL: nothing takes longer than the logarithm of how many there are.

use super::class::MINOR_BITS;
use crate::net::netdevice::NetDevice;
use core::ptr;
use kernel::{
    bindings as kbindings,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::Arc, //
};

/// A node.
pub(super) struct Node<D> {
    pub(super) device: Arc<D>,
    pub(super) node: *mut kbindings::device,
    /// It has the name `tapN` in `/dev`, with this number.
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
    /// The interface numbers that are in names.
    names: RBTree<i32, ()>,
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
            names: RBTree::new(),
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
    /// the name of `dev`. It has that if it `may_be_named`, and no other has the same.
    ///
    /// Errors: [`ENOSPC`], [`ENOMEM`], those of `create`.
    pub(super) fn insert(
        &mut self,
        dev: &NetDevice,
        device: &Arc<D>,
        may_be_named: bool,
        create: impl FnOnce(u32, bool) -> Result<*mut kbindings::device>,
    ) -> Result {
        let ifindex = dev.ifindex();
        let named =
            Some(ifindex).filter(|ifindex| may_be_named && self.names.get(ifindex).is_none());
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
            self.names.insert(name.into_node(ifindex, ()));
        }
        Ok(())
    }

    /// Takes the node of `dev` out, if there is one: what it stands for, and the device of its own.
    pub(super) fn take(&mut self, dev: &NetDevice) -> Option<(Arc<D>, *mut kbindings::device)> {
        let minor = self.numbers.remove(&ptr::from_ref(dev))?;
        let node = self.slots.get_mut(slot_of(minor)?)?.take()?;
        if let Some(ifindex) = node.named {
            self.names.remove(&ifindex);
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
