// SPDX-License-Identifier: GPL-2.0

//! The nodes of a driver, by their numbers.

use super::class::MINOR_BITS;
use crate::net::netdevice::NetDevice;
use core::ptr;
use kernel::{
    bindings as kbindings,
    prelude::*,
    sync::Arc, //
};

/// A node.
pub(super) struct Node<D> {
    pub(super) device: Arc<D>,
    pub(super) dev: *const NetDevice,
    pub(super) ifindex: i32,
    /// It has the name `tapN` in `/dev`.
    pub(super) named: bool,
    pub(super) node: *mut kbindings::device,
}

/// The nodes by their numbers, from 1 on.
pub(super) struct Nodes<D> {
    pub(super) slots: KVVec<Option<Node<D>>>,
    /// Slots below are taken.
    pub(super) first_free: usize,
}

/// Where the node with that number is.
fn slot_of(minor: u32) -> Option<usize> {
    (minor as usize).checked_sub(1)
}

impl<D> Nodes<D> {
    pub(super) fn find(&self, minor: u32) -> Option<&Arc<D>> {
        let node = self.slots.get(slot_of(minor)?)?.as_ref()?;
        Some(&node.device)
    }

    /// The lowest free number, and its slot. [`ENOSPC`], [`ENOMEM`].
    pub(super) fn free(&mut self) -> Result<(u32, &mut Option<Node<D>>)> {
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
    pub(super) fn has_name_of(&self, dev: &NetDevice) -> bool {
        let mut nodes = self.slots.iter().flatten();
        nodes.any(|node| node.named && node.ifindex == dev.ifindex())
    }

    pub(super) fn take(&mut self, dev: &NetDevice) -> Option<Node<D>> {
        let mine = |node: &Node<D>| ptr::eq(node.dev, dev);
        let at = self
            .slots
            .iter()
            .position(|slot| slot.as_ref().is_some_and(mine))?;
        self.first_free = self.first_free.min(at);
        self.slots.get_mut(at)?.take()
    }
}
